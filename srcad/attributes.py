"""Items, slices and attributes: of arrays, of containers that are looked through, of objects outside.

    p['W']    the array in the dict        x[1:]    a view        x.shape    known integers
"""
from __future__ import annotations

import ast
import dataclasses
import enum
import functools
import types
from typing import Any

import numpy as np

from srcad import protocols
from srcad.dims import Dim, Facts, known_nonnegative
from srcad.inference import GETITEM, Change, constant_ref, describe_value, display, literal_ref, record_display
from srcad.kinds import BOOL, DECIDES, FLOAT, INT, NUMERIC, UNKNOWN, Bound, Method, Number, Object, Range, Record, Ref, Sequence, Series, Static, Super, leaves, python
from srcad.outside import is_distribution, static_value
from srcad.iterables import slice_of_range
from srcad.render import function_path
from srcad.rules import find
from srcad.shapes import infer_call
from srcad.shapes.indexing import getitem
from srcad.syntax import call, const, expression, names
from srcad.texts import Texts, is_string


SLICE = ("start", "stop", "step")
GENERATORS = (np.random.Generator, np.random.RandomState)


def inspect_property(owner: object, attribute: str) -> object:
    return getattr(type(owner), attribute, None)


class Attributes(Texts):
    """Reads items, slices and attributes."""

    def evaluate(self, expr: ast.expr, target: str | None) -> Ref:
        """The value of an operation on atoms."""
        raise NotImplementedError

    def binary(self, op: ast.operator, left: Ref, right: Ref, target: str | None) -> Ref:
        """`a | b` of two dicts has the items of both."""
        if isinstance(op, ast.BitOr) and isinstance(left.value, Record) and isinstance(right.value, Record) and left.value.type is right.value.type is dict:
            return record_display(dict, {**left.value.items, **right.value.items})
        return super().binary(op, left, right, target)

    def item(self, base: Ref, index: ast.expr, target: str | None) -> Ref:
        if isinstance(base.value, Sequence) and base.value.series is not None:
            return self.series_item(base.value.series, index, target)
        if protocols.defined(base, "__getitem__"):
            return self.call_method(base, "__getitem__", (self.index_ref(index),))
        if isinstance(base.value, Record) and base.value.type is not dict:
            raise TypeError(f"'{base.value.type.__name__}' object is not subscriptable")
        expr = ast.Subscript(value=base.expr, slice=with_slices(self.renamed(index)), ctx=ast.Load())
        if isinstance(base.value, (Sequence, Record)):
            return self.container_item(base, index)
        if isinstance(base.value, Static) and (base.value.value is np.c_ or base.value.value is np.r_):
            return self.joined_by_index(base.value.value, self.evaluate(index, None), expr, target)
        if isinstance(base.value, Static) and isinstance(base.value.value, type):
            return self.class_item(base, base.value.value, index, target)
        if isinstance(base.value, Range):
            return self.range_item(base, base.value, index)
        if isinstance(base.value, Static) and (base.value.value is np.mgrid or base.value.value is np.ogrid):
            return self.grid(base.value.value, index, expr, target)
        if isinstance(base.value, Static):
            known = base.value.value[self.static_index(index)]  # type: ignore[index]
            return self.state.guards.read(f"{base.value.path}[{self.static_index(index)!r}]", known) if base.value.path else constant_ref(known, self.state.facts)
        self.require_numbers(base)
        return self.subscript(base, self.index_values(index), expr, target)

    def class_item(self, base: Ref, kind: type, index: ast.expr, target: str | None) -> Ref:
        """`Kind["A"]` of an enum; `Box[float]` is the class Box."""
        if isinstance(kind, enum.EnumMeta):
            return self.attribute(base, kind[self.static_index(index)].name, target)
        if not hasattr(kind, "__class_getitem__"):
            raise TypeError(f"type '{kind.__name__}' is not subscriptable")
        return base

    def index_ref(self, index: ast.expr) -> Ref:
        """An index as __getitem__ gets it: a slice is an object."""
        if isinstance(index, ast.Tuple):
            return display(tuple, tuple(map(self.index_ref, index.elts)))
        if not isinstance(index, ast.Slice):
            return self.evaluate(index, None)
        known = self.static_index(index)
        parts = [const(part) for part in (known.start, known.stop, known.step)]
        return Ref(ast.Call(func=expression("slice"), args=parts, keywords=[]), Static(known))

    def range_item(self, base: Ref, value: Range, index: ast.expr) -> Ref:
        """`range(n)[::-1]`, and other slices of a range that is known."""
        made = slice_of_range(value, self.static_index(index), self.state.facts) if isinstance(index, ast.Slice) else None
        if made is None:
            self.refuse("of a range only slices are taken, and of one that only the run can tell only [::-1]. Count in the loop.")
            raise AssertionError
        return Ref(base.expr, made)

    def grid(self, maker: Any, index: ast.expr, expr: ast.expr, target: str | None) -> Ref:
        """`np.mgrid[0:2, 0:3]`: of bounds that are known."""
        for part in names(index):
            self.integer_use(self.evaluate(ast.Name(id=part, ctx=ast.Load()), None))
        key = tuple(map(self.static_index, index.elts)) if isinstance(index, ast.Tuple) else self.static_index(index)
        made = maker[key]
        facts = self.state.facts
        kinds = [Number("array", a.dtype, tuple(Dim.of(n, facts) for n in a.shape)) for a in (made if isinstance(made, tuple) else (made,))]
        return self.operation(maker, (), {}, expr, target, kinds if isinstance(made, tuple) else kinds[0])

    def joined_by_index(self, joiner: object, parts: Ref, expr: ast.Subscript, target: str | None) -> Ref:
        """`np.r_[x, y]` is np.concatenate; `np.c_[x, y]` joins the last axes, as np.column_stack does of vectors and matrices."""
        items = parts.value.items if isinstance(parts.value, Sequence) else (parts,)
        if joiner is np.r_ and all(isinstance(i.value, Number) and i.number.ndim in (0, 1) for i in items):
            items = tuple(self.array_of(display(list, (i,))) if isinstance(i.value, Number) and i.number.ndim == 0 else i for i in items)
        ranks = {i.number.ndim if isinstance(i.value, Number) else None for i in items}
        if not ranks <= {1, 2} and len(ranks) > 1 or ranks & {None, 0} or joiner is np.r_ and len(ranks) > 1:
            self.refuse("np.c_ and np.r_ are differentiated of arrays of as many dimensions each. Use np.column_stack or np.concatenate.")
        function = np.column_stack if joiner is np.c_ and ranks <= {1, 2} else np.concatenate
        params = {"axis": -1} if joiner is np.c_ and function is np.concatenate else {}
        kind = infer_call(function, self.state.facts, [[i.number for i in items]], params)
        return self.operation(function, ([*items],), params, expr, target, kind, find(function))

    def series_item(self, series: Series, index: ast.expr, target: str | None) -> Ref:
        raise NotImplementedError

    def known_position(self, container: Sequence | Record, index: ast.expr) -> Any:
        raise NotImplementedError

    def static_index(self, index: ast.expr) -> Any:
        if isinstance(index, ast.Slice):
            return slice(*(None if part is None else self.static_index(part) for part in (index.lower, index.upper, index.step)))
        try:
            return static_value(self.evaluate(index, None), self.state.facts)
        except LookupError:
            self.refuse("the index of a list, tuple or dict must be known when the code is generated.")
            raise AssertionError from None

    def container_item(self, base: Ref, index: ast.expr) -> Ref:
        known = self.known_position(base.value, index)  # type: ignore[arg-type]
        value = base.value
        assert isinstance(value, (Sequence, Record))
        if isinstance(value, Sequence):
            if isinstance(known, slice):
                return display(value.type if value.type in (list, tuple) else tuple, value.items[known])
            if not -len(value.items) <= known < len(value.items) and self.state.loops and value.site and value.site not in self.state.knowledge.series:
                self.state.knowledge.series[value.site] = (None, False)  # later passes may have filled it
            return value.items[known]
        if known not in value.items:
            self.refuse(f"the key {known!r} is not in the dict.")
        return value.items[known]

    def index_values(self, index: ast.expr) -> tuple[Any, ...]:
        """An index as shape rules see it: Numbers, slices, None, Ellipsis."""
        if isinstance(index, ast.Tuple):
            return tuple(v for element in index.elts for v in self.index_part(element))
        if isinstance(index, ast.Slice):
            parts = [None if p is None else self.index_values(p)[0] for p in (index.lower, index.upper, index.step)]
            return (slice(*parts),)
        ref = self.evaluate(index, None)
        if isinstance(ref.value, Sequence) and ref.value.type is tuple:
            return tuple(self.index_value(item) for item in ref.value.items)
        return (self.index_value(ref),)

    def index_part(self, index: ast.expr) -> tuple[Any, ...]:
        """An index among several: a tuple there is an array of indices, as a list is."""
        return self.index_values(index) if isinstance(index, ast.Slice) else (self.index_value(self.evaluate(index, None)),)

    def index_value(self, ref: Ref) -> Any:
        match ref.value:
            case Static(value=value):
                return value
            case Number() as number:
                self.integer_use(ref)
                if number.dtype is not None and number.dtype.kind in "fc" and {path.removeprefix(DECIDES) for path in number.origin} <= self.state.knowledge.integral:
                    self.refuse(f"`{ast.unparse(ref.expr)}` is an index here, and a number that is no integer on some path to it. Give that number another name.")
                return self.mask_value(ref) if number.dtype == BOOL and number.form == "array" else number
            case Sequence(type=kind, items=items) if kind is slice:
                return slice(*map(self.index_value, items))
            case Sequence():
                for leaf in leaves(ref):
                    self.integer_use(leaf)
                return infer_call(np.array, self.state.facts, [self.shape_value(ref)], {})
            case Range(bounds=(start, stop, step)):  # an array of numbers to NumPy
                return infer_call(np.arange, self.state.facts, [start, stop, step], {})
        protocols.visible(self, [ref], "an index")
        return UNKNOWN

    def mask_value(self, mask: Ref) -> Number:
        """A mask in an index, with how many elements it leaves: the same for all that it is laid on, until it is changed."""
        return dataclasses.replace(mask.number, picks=self.count_of(mask))

    def count_of(self, mask: Ref) -> Dim:
        """How many elements of an array are not zero."""
        as_it_is = self.kept(mask) if self.shadowed(mask) else mask
        counted = call(function_path(np.count_nonzero, self.state.facts), [as_it_is.expr])
        return Dim.atom(ast.unparse(counted), None, self.state.facts)

    def index_copied(self, slice_: ast.expr) -> ast.expr:
        raise NotImplementedError

    def subscript(self, base: Ref, index: tuple[Any, ...], expr: ast.Subscript, target: str | None) -> Ref:
        kind = getitem(self.state.facts, base.number, index)
        place = self.index_copied(expr.slice)
        if kind.form == "unknown" and any(isinstance(i, Number) and i.form == "unknown" for i in index) or base.number.form == "unknown":
            kind = UNKNOWN
        result = self.operation(GETITEM, (base,), {"index": index, "slice": place}, expr, target, kind)
        if base.number.place is not None and self.shadowed(base):
            at = index if base.number.place.steps == () else None
            self.state.item_reads[result.key] = Change(base.number.place.buffer, self.state.event, self.state.loops, self.loc, at)
        if isinstance(result.expr, ast.Name) and isinstance(base.expr, ast.Name) and None in index and all(i is None or i == slice(None) for i in index) and not self.shadowed(base):
            self.state.facts.expansions[result.expr.id] = (base.expr, base.number, tuple(k for k, i in enumerate(index) if i is None))
        if any(i is not None and i is not Ellipsis and not isinstance(i, slice) for i in index) and not in_range(base.number, index, self.state.facts):
            self.state.raising.add(result.key)
        self.name_counts(result)
        return result

    def attribute(self, base: Ref, attribute: str, target: str | None) -> Ref:
        value = base.value
        if attribute == "__class__":
            known = protocols.class_of(self, base)
            if known is not None:
                return known
        if isinstance(value, Number):
            return self.number_attribute(base, attribute, target)
        if isinstance(value, Record) and value.type is not dict:
            return self.object_attribute(base, value, attribute, target)
        if isinstance(value, Sequence) and attribute in getattr(value.type, "_fields", ()):
            return value.items[value.type._fields.index(attribute)]
        if isinstance(value, Sequence) and value.type is slice and attribute in SLICE:
            return value.items[SLICE.index(attribute)]
        if isinstance(value, Sequence) and protocols.has_of_its_own(value.type, attribute):
            return self.class_attribute(base, value.type, attribute, target)
        if isinstance(value, Sequence) and attribute in self.state.fields.get(base.key, ()):
            return value.items[self.state.fields[base.key].index(attribute)]
        if isinstance(value, Bound) and is_distribution(getattr(value.function.value, "value", None)):  # a frozen one: its parameters go to the method
            return Ref(base.expr, Bound(self.attribute(value.function, attribute, None), value.args, value.keywords))
        if isinstance(value, Super):
            assert isinstance(value.owner.value, Record)
            kind = value.owner.value.type
            return self.class_attribute(value.owner, kind, attribute, target, kind.__mro__.index(value.kind) + 1)
        if isinstance(value, (Sequence, Record)):
            return Ref(base.expr, Method(base, attribute))
        if is_string(base):
            return Ref(base.expr, Method(base, attribute))
        if isinstance(value, Object) and isinstance(value.value, GENERATORS):
            return Ref(ast.Attribute(value=base.expr, attr=attribute, ctx=ast.Load()), Static(getattr(value.value, attribute)))
        if isinstance(value, Object) and value.path or isinstance(value, Static) and value.path:
            owner = value.value
            path = f"{value.path}.{attribute}"
            if not hasattr(owner, attribute):
                self.refuse(f"`{value.path}` has no attribute `{attribute}`.")
            found = getattr(owner, attribute)
            if isinstance(owner, types.ModuleType) and owner.__name__.split(".")[0] in ("numpy", "scipy", "math") and not isinstance(found, (float, int)):
                return Ref(expression(path), Static(found, path))
            getter = inspect_property(owner, attribute)
            if isinstance(getter, property) and isinstance(getter.fget, types.FunctionType):
                return self.call_function(getter.fget, f"type({value.path}).{attribute}.fget", (base,), target)
            if isinstance(owner, types.ModuleType) and owner.__name__.split(".")[0] in ("numpy", "scipy", "math") and isinstance(found, float):
                self.state.facts.constants[path] = found
                return Ref(expression(path), python(FLOAT))
            return self.state.guards.read(path, found)
        if isinstance(value, Static):
            return self.static_attribute(base, getattr(value.value, attribute), attribute)
        self.refuse(f"the attribute `{attribute}` of a {describe_value(base)} is not supported.")
        raise AssertionError

    def static_attribute(self, base: Ref, found: object, attribute: str) -> Ref:
        """What a value that the text says has: a string, a function, a number."""
        expr = expression(f"{ast.unparse(base.expr)}.{attribute}")
        if isinstance(found, np.generic):
            return Ref(expr, Number("scalar", found.dtype, ()))
        return literal_ref(expr, found, self.state.facts)

    def object_attribute(self, base: Ref, value: Record, attribute: str, target: str | None) -> Ref:
        """What an object has: of its class where that decides (a property), of its own, of its class."""
        entry = protocols.class_entry(value.type, attribute)
        if protocols.defined(base, "__getattribute__"):
            self.refuse(f"`{value.type.__name__}` has a __getattribute__ of its own, which is not looked through. Use properties, or __getattr__.")
        if attribute in value.items and (entry is None or not protocols.decides(entry[1])):
            return value.items[attribute]
        if entry is None and protocols.defined(base, "__getattr__"):
            return self.call_method(base, "__getattr__", (constant_ref(attribute, self.state.facts),))
        return self.class_attribute(base, value.type, attribute, target)

    def class_attribute(self, base: Ref, kind: type, attribute: str, target: str | None, after: int = 0) -> Ref:
        """What an object has from its class, or from the classes after one of its own: methods, properties, class variables."""
        owner, found = next(((c, vars(c)[attribute]) for c in kind.__mro__[after:] if attribute in vars(c)), (kind, None))
        if attribute not in vars(owner) or isinstance(found, types.MemberDescriptorType):
            raise AttributeError(f"'{kind.__name__}' object has no attribute '{attribute}'")
        label = self.class_name(owner)
        path = f"{label}.{attribute}"
        if isinstance(found, property) and isinstance(found.fget, types.FunctionType):
            return self.call_function(found.fget, f"{path}.fget", (base,), target)
        if isinstance(found, types.FunctionType):
            return Ref(base.expr, Bound(self.state.guards.read(path, found), (base,), {}))
        if isinstance(found, classmethod):
            label = self.class_name(kind)
            return Ref(base.expr, Bound(self.state.guards.read(f"{path}.__func__", found.__func__), (Ref(expression(label), Static(kind, label)),), {}))
        if isinstance(found, types.WrapperDescriptorType):  # of `object`
            return Ref(base.expr, Bound(Ref(expression(path), Static(found, path)), (base,), {}))
        if isinstance(found, functools.cached_property):
            return self.cached(base, found, f"{path}.func", attribute, target)
        getter = getattr(type(found), "__get__", None)
        if isinstance(getter, types.FunctionType):
            return self.call_function(getter, f"type({label}.__dict__[{attribute!r}]).__get__", (self.descriptor(label, attribute, found), base, Ref(expression(label), Static(kind, label))), target)
        if getter is not None and not isinstance(found, staticmethod):
            self.refuse(f"`{attribute}` is a {type(found).__name__} of the class `{owner.__name__}`, which is not looked through. Use a method or a property.")
        return self.state.guards.read(path, getattr(kind, attribute))

    def descriptor(self, label: str, attribute: str, found: object) -> Ref:
        """An object that a class holds, and that Python asks for the attribute."""
        return self.state.guards.read(f"{label}.__dict__[{attribute!r}]", found)

    def class_name(self, kind: type) -> str:
        """A name for a class in the generated code."""
        label = self.state.guards.held(kind)
        self.state.helpers[label] = kind
        return label

    def cached(self, base: Ref, found: functools.cached_property[Any], path: str, attribute: str, target: str | None) -> Ref:
        """functools.cached_property: computed at the first time, and an attribute from then on."""
        record = base.value
        if not isinstance(record, Record) or not record.mutable and base.key or not isinstance(found.func, types.FunctionType):
            self.refuse("a cached_property is looked through of objects that the function makes. Use a property.")
            raise AssertionError
        made = self.call_function(found.func, path, (base,), target)
        record.items = {**record.items, attribute: made}
        return made

    def set_by_class(self, owner: Ref, attribute: str, value: Ref) -> bool:
        """Whether the class of an object says what `a.x = v` does: a __setattr__, a property, a descriptor. Then that is done."""
        kind = protocols.own_class(owner)
        if kind is None or not isinstance(owner.value, Record):
            return False
        setter = protocols.class_entry(kind, "__setattr__")
        if setter is not None and protocols.defined(owner, "__setattr__") and not protocols.is_generated(setter[1]):
            self.call_method(owner, "__setattr__", (constant_ref(attribute, self.state.facts), value))
            return True
        return self.set_by_descriptor(owner, kind, attribute, value)

    def set_by_descriptor(self, owner: Ref, kind: type, attribute: str, value: Ref) -> bool:
        place, found = protocols.class_entry(kind, attribute) or (kind, None)
        label = self.class_name(place)
        path = f"{label}.__dict__[{attribute!r}]"
        if isinstance(found, property):
            if not isinstance(found.fset, types.FunctionType):
                raise AttributeError(f"property '{attribute}' of '{kind.__name__}' object has no setter")
            self.call_function(found.fset, f"{path}.fset", (owner, value), None)
            return True
        setter = getattr(type(found), "__set__", None)
        if setter is None or isinstance(found, types.MemberDescriptorType):
            return False
        if not isinstance(setter, types.FunctionType):
            self.refuse(f"`{attribute}` is a {type(found).__name__} of the class `{place.__name__}`, which is not looked through. Use a property.")
        self.call_function(setter, f"type({path}).__set__", (self.descriptor(label, attribute, found), owner, value), None)
        return True

    def set_plainly(self, owner: Ref, attribute: str, value: Ref) -> None:
        """object.__setattr__: the attribute, whatever the class says of it."""
        record = owner.value
        if not isinstance(record, Record) or not record.mutable and owner.key:
            self.refuse("it changes an object that outlives the call. Make a copy inside the function, or return the new value.")
            raise AssertionError
        if not self.set_by_descriptor(owner, record.type, attribute, value):
            record.items = {**record.items, attribute: value}

    def call_function(self, function: types.FunctionType, path: str, args: tuple[Ref, ...], target: str | None) -> Ref:
        raise NotImplementedError

    def number_attribute(self, base: Ref, attribute: str, target: str | None) -> Ref:
        number = base.number
        expr = ast.Attribute(value=base.expr, attr=attribute, ctx=ast.Load())
        facts = self.state.facts
        if number.form != "unknown" and not any(hasattr(kind, attribute) for kind in NUMERIC):
            self.refuse(f"a number or an array has no attribute `{attribute}`.")
        if attribute == "shape" and number.shape is not None:
            items = tuple(Ref(ast.Subscript(value=expr, slice=const(i), ctx=ast.Load()), python(INT, d)) for i, d in enumerate(number.shape))
            return Ref(expr, Sequence(tuple, items))
        if attribute == "ndim" and number.ndim is not None:
            return constant_ref(number.ndim, facts)
        if attribute == "size" and number.shape is not None:
            total = Dim.of(1, facts)
            for dim in number.shape:
                total = total * dim
            return Ref(expr, python(INT, total))
        if attribute == "dtype" and number.dtype is not None:
            return Ref(expr, Static(number.dtype))
        if attribute == "T" or attribute == "mT" and number.ndim == 2:
            result = self.operation(np.transpose, (base,), {}, expr, target, infer_call(np.transpose, facts, [number], {}))
            if isinstance(result.expr, ast.Name) and isinstance(base.expr, ast.Name) and not self.shadowed(base) and not self.state.loops:  # in a loop they hold for one pass
                facts.transposes[result.expr.id] = base.expr
            return result
        if attribute == "real" and number.dtype is not None and number.dtype.kind in "fiub":
            return base
        if attribute in ("real", "imag"):
            part = getattr(np, attribute)
            kind = infer_call(part, facts, [number], {})
            if number.form == "python":
                kind = python(FLOAT)
            elif isinstance(kind, Number) and number.form == "array":
                kind = dataclasses.replace(kind, form="array")
            return self.operation(part, (base,), {}, expr, target, kind, find(part))
        if attribute in ("shape", "ndim", "size", "dtype"):
            return self.operation(np.shape, (base,), {}, expr, target, python(INT) if attribute in ("ndim", "size") else UNKNOWN)
        if attribute == "mT":
            return self.operation(np.matrix_transpose, (base,), {}, expr, target, infer_call(np.matrix_transpose, facts, [number], {}), find(np.matrix_transpose))
        if attribute in ("flat", "base", "data", "strides", "flags"):
            self.refuse(f"the attribute `{attribute}` of an array is not differentiated. Index the array instead.")
        if any(hasattr(kind, attribute) for kind in NUMERIC) and not any(callable(getattr(kind, attribute, None)) for kind in NUMERIC):
            self.refuse(f"the attribute `{attribute}` of a number or an array is not supported.")
        return Ref(base.expr, Method(base, attribute))


def with_slices(index: ast.expr) -> ast.expr:
    """An index in which slices that were made as objects are spelled: `x[slice(1, None, None)]` is `x[1:]`."""
    match index:
        case ast.Tuple(elts=elts):
            return ast.Tuple(elts=[with_slices(e) for e in elts], ctx=ast.Load())
        case ast.Call(func=ast.Name(id="slice"), args=[_, _, _] as parts, keywords=[]):
            return ast.Slice(*(None if isinstance(p, ast.Constant) and p.value is None else p for p in parts))
    return index


def in_range(base: Number, index: tuple[Any, ...], facts: Facts) -> bool:
    """Whether whole numbers among an index are known to lie inside."""
    if base.shape is None or len(index) > len(base.shape):
        return False
    for item, size in zip(index, base.shape):
        if isinstance(item, slice):
            continue
        where = item.dim if isinstance(item, Number) else None
        if where is None or not inside(where, size, facts):
            return False
    return True


def inside(where: Dim, size: Dim, facts: Facts) -> bool:
    """Whether an index lies inside an axis: written down, or between the bounds of a loop's counter."""
    least, greatest = facts.bounds(where)
    return known_nonnegative(least) and known_nonnegative(size - 1 - greatest) or not where.terms and where.const < 0 and known_nonnegative(size + where)
