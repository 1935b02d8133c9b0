"""Changes in place: of arrays, lists, dicts and objects.

    y[1:] = v          the array that y is, and every view of it
    rows.append(v)     the list that the program made, known item by item
"""
from __future__ import annotations

import ast
import dataclasses
from collections.abc import Mapping
from typing import Any

import numpy as np

from srcad.attributes import Attributes, with_slices
from srcad.dims import Undecided, alike, is_one
from srcad.errors import AliasError, SrcadError, UnsupportedSyntaxError
from srcad.inference import Change, Operation, Write, describe_value, symbol_of
from srcad.ir import Effect, Location, Store, Update
from srcad.kinds import Bound, Buffer, Closure, Lazy, Method, Number, Object, Record, Ref, Sequence, Series, Static, full
from srcad.memory import is_basic
from srcad.merge import fork, numbers_of, reachable
from srcad.outside import static_value
from srcad.protocols import defined, is_dict, updated
from srcad.shapes.indexing import getitem, names_once
from srcad.strides import overtakes
from srcad.syntax import const, name, names, substitute

OUTLIVES = "it changes {} that outlives the call. Make a copy inside the function, or return the new value."
ELLIPSIS = ast.Constant(value=...)


class Split(SrcadError):
    """What two paths leave behind cannot be one value: what follows must be walked for each. `site`: the branch or loop."""

    def __init__(self, reason: str, loc: Location, site: object) -> None:
        super().__init__(reason, loc)
        self.site = site


class Indexed(UnsupportedSyntaxError):
    """An item of a list of arrays or lists by an index that only the run can tell: the loop is written out, if it can be. `site`: where the list is made."""

    def __init__(self, reason: str, loc: Location | None, site: tuple[object, ...]) -> None:
        super().__init__(reason, loc)
        self.site = site


def with_article(noun: str) -> str:
    return f"an {noun}" if noun[0] in "aeio" else f"a {noun}"


class Writes(Attributes):
    """Walks what changes in place."""

    # ---- statements

    def store(self, target: ast.expr, expr: ast.expr) -> None:
        value = self.evaluate(expr, None)
        match target:
            case ast.Attribute(value=owner, attr=attribute):
                self.set_attribute(self.evaluate(owner, None), attribute, value)
            case ast.Subscript(value=owner, slice=index):
                self.set_item(self.evaluate(owner, None), index, value)

    def set_attribute(self, owner: Ref, attribute: str, value: Ref) -> None:
        if self.set_by_class(owner, attribute, value):
            return
        if not isinstance(owner.value, Record) or owner.value.type is dict or not owner.value.mutable:
            if isinstance(owner.value, Number):
                self.refuse(f"the attribute `{attribute}` of an array is not set in the language that srcad differentiates. Use np.reshape and its like.")
            self.refuse(OUTLIVES.format("an object" if isinstance(owner.value, (Object, Record)) else with_article(describe_value(owner))))
            raise AssertionError
        owner.value.items = {**owner.value.items, attribute: value}

    def set_item(self, owner: Ref, index: ast.expr, value: Ref) -> None:
        container = owner.value
        if defined(owner, "__setitem__"):
            self.call_method(owner, "__setitem__", (self.index_ref(index), value))
            return
        if isinstance(container, (Sequence, Record)):
            self.require_mutable(container)
            if isinstance(container, Sequence) and container.series is not None:
                self.series_store(container.series, index, value)
                return
            known = self.known_position(container, index)
            if isinstance(container, Record):
                container.items = {**container.items, known: value}
                return
            items = list(container.items)
            items[known] = list(value.value.items) if isinstance(known, slice) and isinstance(value.value, Sequence) else value  # type: ignore[call-overload]
            container.items = tuple(items)
            return
        if not isinstance(container, Number):
            self.refuse(OUTLIVES.format(with_article(describe_value(owner))))
        self.write_item(owner, index, value)

    def known_position(self, container: Sequence | Record, index: ast.expr) -> Any:
        """The key of an item; where only the run can tell it, a list made by the program becomes one of the generated code."""
        try:
            return self.static_index(index)
        except UnsupportedSyntaxError as problem:
            if isinstance(container, Sequence) and container.site and container.site not in self.state.knowledge.series:
                if all(isinstance(i.value, Number) and i.number.is_plain for i in container.items):
                    self.state.knowledge.series[container.site] = (None, False)
                elif all(isinstance(i.value, Number) for i in container.items):
                    raise Indexed(problem.reason, problem.location, container.site) from None
            raise

    def series_store(self, series: Series, index: ast.expr, value: Ref) -> None:
        raise NotImplementedError

    def series_method(self, series: Series, attribute: str, args: list[Ref]) -> Ref | None:
        raise NotImplementedError

    def require_mutable(self, container: Sequence | Record) -> None:
        if container.type not in (list, dict):
            raise TypeError(f"'{container.type.__name__}' object does not support item assignment")
        if not container.mutable:
            self.refuse(OUTLIVES.format(with_article(container.type.__name__)))

    # ---- arrays

    def write_item(self, base: Ref, index: ast.expr, value: Ref) -> None:
        """`base[index] = value`."""
        self.write_at(base, *self.index_kept(index), value)

    def write_at(self, base: Ref, slice_: ast.expr, indices: tuple[Any, ...], value: Ref) -> None:
        if isinstance(value.value, Sequence):
            value = self.array_of(value)
        self.require_numbers(value)
        self.require_no_overtaking(base, slice_, value, is_basic(indices))
        place = ast.Subscript(value=base.expr, slice=slice_, ctx=ast.Store())
        self.write_array(base, slice_, indices, value, 0)
        self.write(Store(place, value.expr, self.loc))
        self.note_stored(base, slice_, indices, value)

    def require_no_overtaking(self, base: Ref, index: ast.expr, value: Ref, is_basic: bool = True) -> None:
        if overtakes(base, index, value, is_basic):
            self.refuse("NumPy copies these elements one after the other, and may read some that it has written already. Copy the right side with .copy().", AliasError)

    def note_stored(self, base: Ref, slice_: ast.expr, indices: tuple[Any, ...], value: Ref) -> None:
        """Remember where a value has been put: it may be read again from there."""
        if isinstance(value.expr, ast.Name) and base.number.place is not None and base.number.place.steps == () and not base.number.place.buffer.sources and self.holds(base, indices, value):
            self.state.stored[value.key] = (ast.Subscript(value=base.expr, slice=slice_, ctx=ast.Load()), self.state.changes[-1])

    def holds(self, base: Ref, indices: tuple[Any, ...], value: Ref) -> bool:
        """Whether what is stored can be read again as it was: of the same dtype and shape."""
        kind = value.number
        if not is_basic(indices) or kind.form not in ("scalar", "array") or kind.dtype is None or kind.dtype != base.number.dtype or self.shadowed(value):
            return False
        part = self.part_of(base.number, indices)
        if part.form != kind.form or part.shape is None or kind.shape is None or len(part.shape) != len(kind.shape):
            return False
        return all(a.key == b.key or a.value is not None and a.value == b.value and a == b for a, b in zip(part.shape, kind.shape))

    def index_kept(self, index: ast.expr) -> tuple[ast.expr, tuple[Any, ...]]:
        """An index as the generated code has it, with copies of index arrays that are changed later, and its kinds."""
        indices = self.index_values(index)
        return self.index_copied(with_slices(self.renamed(index))), indices

    def index_copied(self, slice_: ast.expr) -> ast.expr:
        if not self.state.knowledge.written:
            return slice_
        copies = {}
        for identifier in set(names(slice_)):
            kind = self.state.kinds.get(identifier)
            if kind is not None and not kind.is_plain and self.shadowed(Ref(name(identifier), kind, identifier)):
                copies[identifier] = self.kept(Ref(name(identifier), kind, identifier)).expr
        return substitute(slice_, copies) if copies else slice_

    def write_array(self, base: Ref, slice_: ast.expr | None, indices: tuple[Any, ...] | None, value: Ref, sign: int) -> None:
        """Record a write into the memory of an array; whoever shares it sees it."""
        if base.number.dtype is None and not self.state.is_active(base) and self.state.is_active(value) and value.number.dtype is not None:
            self.refuse("a number that is differentiated is stored into an array of which it is not known whether it holds floats: whole numbers would drop its "
                        "fraction. Make it with .astype(float).", SrcadError)
        self.changed(base, indices, self.state.is_active(value))
        if self.mixes(base.number, value.number):
            self.refuse("a complex number is stored into an array of real ones. Make the array complex.", SrcadError)
        if not self.state.is_active(base) or base.number.dtype is not None and base.number.dtype.kind not in "fc":
            return
        part = base.number
        if indices is not None:
            kind = self.part_of(base.number, indices)
            part = dataclasses.replace(kind, place=None, fresh=True)
        if not sign:
            require_fit(part, value.number)
        unique = indices is None or names_once(indices)
        place = base.number.place
        change = next((c for c in reversed(self.state.changes) if place is not None and c.buffer is place.buffer), None)
        self.record(Write(base, slice_, part, value, unique, sign, self.loc, change))

    @staticmethod
    def mixes(base: Number, value: Number) -> bool:
        """Whether a complex value is stored into real memory, which NumPy refuses or does with a part of it."""
        return base.dtype is not None and value.dtype is not None and base.dtype.kind != "c" and value.dtype.kind == "c"

    def part_of(self, number: Number, indices: tuple[Any, ...]) -> Number:
        return getitem(self.state.facts, number, indices)

    def changed(self, base: Ref, indices: tuple[Any, ...] | None, active: bool) -> None:
        """The memory of an array changes."""
        state, place = self.state, base.number.place
        if base.key in getattr(state, "integers", {}):
            self.refuse("it writes into an integer argument that is differentiated as a float. Pass an array of floats.")
        if place is None or place.steps is None:
            self.refuse("whether it has memory of its own or is a view of another array cannot be told. Copy it with .copy() first.", AliasError)
            raise AssertionError
        self.not_stale([base])
        if active and base.number.dtype is not None and base.number.dtype.kind not in "fc":
            self.refuse(f"a value that is differentiated is stored into an array of {base.number.dtype}, which drops its fraction. Make the array of floats.", SrcadError)
        state.event += 1
        for buffer in place.buffer.family():
            self.unambiguous(buffer, place.buffer)
            state.knowledge.written.add(buffer.site)
            if active:
                state.knowledge.active.add(buffer.site)
            if buffer.root is not None and buffer.root.key in getattr(state, "integers", {}):
                self.refuse("it writes into an integer argument that is differentiated as a float. Pass an array of floats.")
            state.changes.append(Change(buffer, state.event, state.loops, self.loc, indices if place.steps == () else None))

    def unambiguous(self, buffer: Buffer, through: Buffer | None = None) -> None:
        """Refuse a write into memory that a name may or may not mean; through: the memory that is written to by its own name."""
        for joined in (buffer, *self.state.users.get(buffer, ())):
            if joined.sources and (joined.shared if joined is buffer else self.is_reachable(joined, through)):
                raise Split("which memory this changes depends on the path taken, and another name can reach it too. Copy the array before.", self.loc, joined.site)

    def is_reachable(self, buffer: Buffer, through: Buffer | None) -> bool:
        """Whether a name or a container still leads to memory, other than `through` which it is written to."""
        places = (ref.number.place for ref in reachable(fork(self.state)))
        return any(place is not None and place.buffer is not through and buffer in place.buffer.family() for place in places)

    # ---- augmented assignment

    def update(self, target: ast.expr, op: ast.operator, expr: ast.expr) -> None:
        """`x += e`: on a number a new number, on an array and a list a change in place."""
        match target:
            case ast.Name(id=identifier):
                self.update_name(identifier, op, self.evaluate(expr, None))
            case ast.Attribute(value=owner, attr=attribute):
                base = self.evaluate(owner, None)
                old = self.attribute(base, attribute, None)
                self.set_attribute(base, attribute, self.updated(old, op, self.evaluate(expr, None), None))
            case ast.Subscript(value=owner, slice=index):
                self.update_item(self.evaluate(owner, None), index, op, expr)

    def update_name(self, identifier: str, op: ast.operator, value: Ref) -> None:
        old = self.lookup(identifier)
        if (isinstance(op, (ast.Mult, ast.Div, ast.Pow)) or isinstance(op, ast.Sub) and self.is_greatest_of(value, old)) and self.state.is_active([old, value]) and self.is_alone(identifier, old) and fits(value, old):
            self.frame.locals[identifier] = self.binary(op, old, value, identifier)
            return
        self.frame.locals[identifier] = self.updated(old, op, value, identifier)

    def is_greatest_of(self, value: Ref, whole: Ref) -> bool:
        """Whether a value is the maximum of an array, along some axes: softmax takes it away first, and does not depend on it."""
        made = next((s for s in reversed(self.state.operations) if isinstance(s, Operation) and s.outputs[0].key == value.key), None)
        return made is not None and made.function in (np.max, np.amax) and made.operands[0].key == whole.key

    def is_alone(self, identifier: str, old: Ref) -> bool:
        """Whether an array was made in this pass, and nothing but this name leads to its memory: then a new array does as well as a change of the old one."""
        number = old.value
        if not isinstance(number, Number) or number.form != "array" or number.place is None or number.place.steps != ():
            return False
        buffer = number.place.buffer
        if buffer.external or buffer.sources or buffer.depth != len(self.state.loops) or buffer in self.state.users or buffer.site in self.state.knowledge.written or self.state.knowledge.series:
            return False
        env = fork(self.state)
        others = [ref for frame, variables in env.frames for n, ref in variables.items() if frame is not self.frame or n != identifier]
        for container, items in env.containers.values():
            others += items.values() if isinstance(container, Record) else items
        return not any(leads_to(leaf, buffer) for ref in others for leaf in numbers_of(ref))

    def updated(self, old: Ref, op: ast.operator, value: Ref, target: str | None) -> Ref:
        """What `old op= value` leaves under the name."""
        own = updated(self, op, old, value)
        if own is not None:
            return own
        if isinstance(old.value, Sequence) and old.value.type is list and isinstance(op, (ast.Add, ast.Mult)):
            self.require_mutable(old.value)
            if old.value.series is not None and isinstance(op, ast.Add):
                self.series_method(old.value.series, "extend", [value])
                return old
            old.value.items = self.binary(op, old, value, None).value.items  # type: ignore[union-attr]
            return old
        if isinstance(old.value, Record) and old.value.type is dict and isinstance(op, ast.BitOr):
            self.dict_method(old, "update", [value], {})
            return old
        if isinstance(old.value, Number) and not old.value.is_plain:
            if old.value.form == "unknown":
                self.refuse(f"`{symbol_of(op)}=` changes an array in place and makes a new number, and which this is cannot be told. Write it out.")
            self.update_array(old, None, None, op, value)
            return old
        return self.binary(op, old, value, target)

    def update_item(self, owner: Ref, index: ast.expr, op: ast.operator, expr: ast.expr) -> None:
        if isinstance(owner.value, (Sequence, Record)):
            old = self.item(owner, index, None)
            new = self.updated(old, op, self.evaluate(expr, None), None)
            if new is not old or owner.value.type is tuple:  # else it has changed where it is
                self.set_item(owner, index, new)
            return
        if not isinstance(owner.value, Number):
            self.refuse(OUTLIVES.format(with_article(describe_value(owner))))
        slice_, indices = self.index_kept(index)
        self.update_array(owner, slice_, indices, op, self.evaluate(expr, None))

    def update_array(self, base: Ref, slice_: ast.expr | None, indices: tuple[Any, ...] | None, op: ast.operator, value: Ref) -> None:
        """`base[index] op= value`: an addition as it is, anything else as read, compute, write."""
        if isinstance(value.value, Sequence):
            value = self.array_of(value)
        self.require_numbers(value)
        place: ast.expr = base.expr if slice_ is None else ast.Subscript(value=base.expr, slice=slice_, ctx=ast.Load())
        active = self.state.is_active([base, value])
        part = base.number if indices is None else self.part_of(base.number, indices)
        basic = indices is None or is_basic(indices)
        if basic:
            require_room(part, value.number)
        if not active or isinstance(op, (ast.Add, ast.Sub)) and (basic or names_once(indices) and fills(value.number, part)):
            self.write_array(base, slice_, indices, value, 0 if not active else 1 if isinstance(op, ast.Add) else -1)
            self.write(Update(place, op, value.expr, self.loc))
            return
        if slice_ is None:
            old = base
            slice_, indices = ELLIPSIS, (Ellipsis,)
        else:
            old = self.subscript(base, indices or (), ast.Subscript(value=base.expr, slice=slice_, ctx=ast.Load()), None)
        new = self.binary(op, old, value, None)
        self.write_array(base, slice_, indices, new, 0)
        self.write(Store(ast.Subscript(value=base.expr, slice=slice_, ctx=ast.Store()), new.expr, self.loc))
        self.note_stored(base, slice_, indices or (), new)

    # ---- functions that write

    def assign_whole(self, base: Ref, value: Ref) -> None:
        """`base[...] = value`."""
        self.require_no_overtaking(base, ELLIPSIS, value)
        self.write_array(base, ELLIPSIS, (Ellipsis,), value, 0)
        self.write(Store(ast.Subscript(value=base.expr, slice=ELLIPSIS, ctx=ast.Store()), value.expr, self.loc))

    def add_at(self, base: Ref, index: Ref, value: Ref, sign: int, text: ast.Call) -> None:
        """`np.add.at(base, index, value)`: repeated indices add up."""
        indices = tuple(self.index_value(i) for i in index.value.items) if isinstance(index.value, Sequence) and index.value.type is tuple else (self.index_value(index),)
        slice_ = self.index_copied(index.expr)
        if isinstance(value.value, Sequence):
            value = self.array_of(value)
        self.write_array(base, slice_, indices, value, sign)
        self.write(Effect(text, self.loc))

    # ---- methods of lists and dicts

    def list_method(self, owner: Ref, attribute: str, args: list[Ref], keywords: Mapping[str, Ref]) -> Ref | None:
        """What a method does to a list; None where it is not one of these."""
        container = owner.value
        assert isinstance(container, Sequence)
        if container.series is not None:
            return self.series_method(container.series, attribute, args)
        nothing = Ref(const(None), Static(None))
        items = list(container.items)
        if attribute in ("append", "extend", "insert", "pop", "remove", "clear", "reverse", "sort", "__delitem__"):
            self.require_mutable(container)
        result = nothing
        match attribute:
            case "append":
                items.append(args[0])
            case "extend":
                items += self.listed(args[0])
            case "insert":
                items.insert(self.known_index(args[0]), args[1])
            case "pop":
                result = items.pop(self.known_index(args[0]) if args else -1)
            case "__delitem__":
                del items[self.known_index(args[0])]
            case "clear":
                items = []
            case "reverse":
                items.reverse()
            case "index" | "count" | "remove" | "sort":
                self.refuse(f"`.{attribute}()` compares the items of a list, and which are equal is known only at run time. Use an array.")
            case _:
                return None
        container.items = tuple(items)
        return result

    def listed(self, ref: Ref) -> tuple[Ref, ...]:
        """The items of what may be iterated over."""
        raise NotImplementedError

    def lookup(self, identifier: str) -> Ref:
        raise NotImplementedError

    def known_index(self, ref: Ref) -> Any:
        try:
            return static_value(ref, self.state.facts)
        except (LookupError, Undecided):
            self.refuse("the index of a list must be known when the code is generated.")
            raise AssertionError from None

    def dict_method(self, owner: Ref, attribute: str, args: list[Ref], keywords: Mapping[str, Ref]) -> Ref | None:
        container = owner.value
        assert isinstance(container, Record)
        if attribute in ("update", "pop", "clear", "setdefault", "popitem", "__delitem__"):
            self.require_mutable(container)
        items = dict(container.items)
        result = Ref(const(None), Static(None))
        match attribute:
            case "update":
                items |= {**(args[0].value.items if args and is_dict(args[0]) else {}), **keywords}
                if args and not is_dict(args[0]):
                    self.refuse("a dict is updated by a dict or by keywords here.")
            case "pop":
                key = self.known_index(args[0])
                if key not in items and len(args) < 2:
                    raise KeyError(key)
                result = items.pop(key) if key in items else args[1]
            case "__delitem__":
                del items[self.known_index(args[0])]
            case "setdefault":
                result = items.setdefault(self.known_index(args[0]), args[1] if len(args) > 1 else result)
            case "clear":
                items = {}
            case _:
                return None
        container.items = items
        return result


def leads_to(ref: Ref, buffer: Buffer) -> bool:
    """Whether a value lies in memory, or holds on to something that may."""
    match ref.value:
        case Number(place=place):
            return place is not None and buffer in place.buffer.family()
        case Closure(defaults=defaults):
            return bool(defaults)
    return isinstance(ref.value, (Lazy, Bound, Method))


def fits(value: Ref, old: Ref) -> bool:
    """Whether arithmetic with a value leaves an array of the dtype and shape that it has."""
    kind, number = value.value, old.number
    if not isinstance(kind, Number) or kind.dtype is None or number.dtype is None or number.dtype.kind != "f" or kind.shape is None or number.shape is None:
        return False
    same_dtype = kind.form == "python" and kind.dtype.kind in "bif" or np.result_type(number.dtype, kind.dtype) == number.dtype
    pairs = zip(reversed(kind.shape), reversed(number.shape))
    return same_dtype and len(kind.shape) <= len(number.shape) and all(d.key in ("1", n.key) for d, n in pairs)


def fills(value: Number, place: Number) -> bool:
    """Whether a value is a single number, or known to have the shape of the place that it is added to."""
    return value.is_plain or full(value, place) and place.shape is not None


def require_fit(place: Number, value: Number) -> None:
    """Raise ValueError, as NumPy does, where what is stored does not spread to the place that it is stored in."""
    if place.shape is None or not value.shape:
        return
    wanted, given = reversed(place.shape), reversed(value.shape)
    if any(v.key != p.key and alike(v, p) is False and not is_one(v) for p, v in zip(wanted, given)):
        one, other = (tuple(d.value for d in shape) for shape in (value.shape, place.shape))
        raise ValueError(f"could not broadcast input array from shape {one} into shape {other}")


def require_room(place: Number, value: Number) -> None:
    """Raise ValueError, as NumPy does, where an array changed in place is too small for what `+=` would make."""
    if not place.shape or value.shape is None:
        return
    sizes = zip(reversed(place.shape), reversed(value.shape))
    if len(value.shape) > len(place.shape) or any(None not in (p.value, v.value) and v.value not in (1, p.value) for p, v in sizes):
        one, other = (tuple(d.value for d in shape) for shape in (value.shape, place.shape))
        raise ValueError(f"what an array of shape {one} makes in place does not fit into one of shape {other}")
