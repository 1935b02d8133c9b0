"""Lists that grow or shrink in loops: a list in the generated code too, whose items are of one kind.

    hs.append(h)      h = hs[i]      np.array(hs)      sum(hs)      for h in hs
"""
from __future__ import annotations

import ast
import dataclasses
from typing import Any

from srcad.dims import Dim
from srcad.errors import AliasError, UnsupportedSyntaxError
from srcad.inference import Knowledge, ListStep, constant_ref
from srcad.ir import Assign, Effect, Location, Store
from srcad.kinds import FLOAT, INT, Hidden, Number, Ref, Sequence, Series, Static, python
from srcad.merge import Env, Merger
from srcad.syntax import call, const, method, name
from srcad.writes import Writes


class Grows(UnsupportedSyntaxError):
    """A list that must be one in the generated code: the walk begins again. `site`: where it is made."""

    def __init__(self, site: tuple[object, ...], loc: Location, found: bool = False) -> None:
        super().__init__("a list grows or shrinks here, and its items are not numbers or arrays of one kind.", loc)
        self.site = site
        self.found = found  # the next walk knows of it


class Unfilled(UnsupportedSyntaxError):
    """An item of a list to which something is appended only further on in the loop. `site`: where the list is made."""

    def __init__(self, site: tuple[object, ...], loc: Location) -> None:
        super().__init__("nothing is appended to this list before it is read here. What grows in a loop grows by append.", loc)
        self.site = site

    def taken_for_numbers(self, knowledge: Knowledge) -> None:
        """Where the first passes do not tell: it holds numbers, unless the next walk finds something else. Raises Grows."""
        if self.tells(knowledge):
            assert self.location is not None
            raise Grows(self.site, self.location, found=True) from None

    def tells(self, knowledge: Knowledge) -> bool:
        """Whether that is news to the next walk."""
        if knowledge.series[self.site][0] is not None:
            return False
        knowledge.series[self.site] = (Number("scalar", FLOAT, ()), False)
        knowledge.widened += 1
        return True


class Lists(Writes):
    """Walks lists whose items are known only at run time."""

    def listed_display(self, expr: ast.List, made: Ref, target: str | None) -> Ref:
        """A list display: known item by item, unless an earlier walk has found that it grows in a loop."""
        value = made.value
        assert isinstance(value, Sequence)
        value.site = (self.loc.file, getattr(expr, "lineno", self.loc.line), getattr(expr, "col_offset", self.loc.column), self.loc.line, self.loc.column)
        if value.site not in self.state.knowledge.series:
            return made
        items = value.items
        identifier = self.new_name(target or self.state.namer.temporary("values"))
        self.write(Assign(identifier, made.expr, self.loc))
        kind, active = self.state.knowledge.series[value.site]
        if kind is not None and kind.shape is not None:
            kind = dataclasses.replace(kind, shape=tuple(Dim(d.terms, d.const, d.value, self.state.facts) for d in kind.shape))
        value.series, value.items = Series(identifier, value.site, kind, active), Hidden()
        self.state.lists[identifier] = True
        for item in items:
            self.widen(value.series, item)
        if active:
            self.state.active.add(identifier)
        self.record_list("make", value.series, items)
        return Ref(name(identifier), value, identifier)

    def unary(self, op: ast.unaryop, operand: Ref, target: str | None) -> Ref:
        """`not hs` asks for the length."""
        if isinstance(op, ast.Not) and isinstance(operand.value, Sequence) and operand.value.series is not None:
            return self.compare(ast.Eq(), self.length_ref(operand.value.series), constant_ref(0, self.state.facts), target)
        return super().unary(op, operand, target)

    def widen(self, series: Series, item: Ref) -> None:
        """The kind of a list's items, with one more."""
        if not isinstance(item.value, Number):
            self.refuse("a list that grows in a loop holds numbers, or arrays of one kind. Use several lists.")
            raise AssertionError
        if not item.number.is_plain and self.shadowed(item):
            self.refuse("an array that is changed in place goes into a list that grows in a loop. Append a copy.", AliasError)
        plain = dataclasses.replace(item.number, dim=None, place=None, layout=None, compact=False, unique=False)
        kind = plain if series.kind is None else Merger(self.state, ("list",), Env([], {})).joined(series.kind, plain)
        kind = dataclasses.replace(kind, dim=None)
        active = series.active or item.key in self.state.active
        old = series.kind
        if active and old is not None and old.shape is not None and plain.shape is not None and len(old.shape) != len(plain.shape):
            self.refuse("a list that grows in a loop holds numbers, or arrays of as many dimensions each. Use several lists.")
        wider = old is None or old.form != kind.form or old.dtype != kind.dtype or shape_keys(old) != shape_keys(kind) or active != series.active
        series.kind, series.active = kind, active
        known = self.state.knowledge.series.get(series.site)
        if wider and (known is None or known[0] is not None and old is known[0] or known[0] is None or known[1] != active):
            self.state.knowledge.series[series.site] = (kind, active)
            self.state.knowledge.widened += 1
            if series.site == self.state.sought:  # the walk begins again
                raise Grows(series.site, self.loc, found=True)

    def record_list(self, what: str, series: Series, values: tuple[Ref, ...] = (), output: Ref | None = None, index: ast.expr | None = None) -> None:
        size = self.size_of(series)
        if series.active or self.state.is_active(list(values)):
            self.record(ListStep(what, series, values, output, index, size, self.loc))

    def size_of(self, series: Series) -> str:
        """A name for the length that a list has here."""
        return self.named_size(f"{self.state.namer.base(series.name)}_size", call("len", [name(series.name)])).key

    def length_ref(self, series: Series) -> Ref:
        return self.sized(self.size_of(series))

    def named_size(self, base: str, expr: ast.expr) -> Ref:
        """A name for a size that only the run can tell."""
        size = self.state.namer.temporary(base)
        self.state.bound.add(size)
        self.state.kinds[size] = python(INT)
        self.write(Assign(size, expr, self.loc))
        return self.sized(size)

    def sized(self, size: str) -> Ref:
        return Ref(name(size), python(INT, Dim.atom(size, None, self.state.facts)), size)

    def series_method(self, series: Series, attribute: str, args: list[Ref]) -> Ref | None:
        """append, extend and pop, from the end or a known place; what else a list can do is refused."""
        nothing = Ref(const(None), Static(None))
        self.require_whole(series)
        match attribute, args:
            case "append", [item]:
                self.widen(series, item)
                self.write(Effect(method(name(series.name), "append", item.expr), self.loc))
                self.record_list("append", series, (item,))
                return nothing
            case "pop", [] | [Ref()]:
                place = self.known_index(args[0]) if args else -1
                if place < -1:
                    self.refuse("`.pop()` of a list that grows in a loop takes its last item, or one whose place is counted from its beginning.")
                self.state.lists[series.name] = False
                index = None if place == -1 else const(place)
                result = self.item_of(series, method(name(series.name), "pop", *([] if index is None else [index])), None)
                self.state.impure.add(result.key)
                self.record_list("pop", series, (), result, index)
                return result
            case "__delitem__", [place]:
                self.series_method(series, "pop", [place])
                return nothing
            case "extend", [other]:
                for item in self.listed(other):
                    self.series_method(series, "append", [item])
                return nothing
        self.refuse(f"`.{attribute}()` of a list that grows in a loop is not supported.")
        raise AssertionError

    def item_of(self, series: Series, expr: ast.expr, target: str | None) -> Ref:
        if series.kind is None:
            raise Unfilled(series.site, self.loc)
        made = self.new_name(target or self.state.namer.temporary("item"))
        self.write(Assign(made, expr, self.loc))
        memory = dataclasses.replace(self.new_place(made), steps=None)  # that of the list: who else has it is not known
        kind = series.kind if series.kind.is_plain else dataclasses.replace(series.kind, place=memory)
        self.state.raising.add(made)
        if series.active:
            self.state.active.add(made)
        return self.named(made, kind)

    def item(self, base: Ref, index: ast.expr, target: str | None) -> Ref:
        """`x[kept]` with a list of whole numbers: they are an array of indices."""
        if isinstance(index, ast.Name) and isinstance(base.value, Number):
            indices = self.evaluate(index, None)
            if isinstance(indices.value, Sequence) and indices.value.series is not None:
                return self.item_by_list(base, indices.value.series, target)
        return super().item(base, index, target)

    def item_by_list(self, base: Ref, series: Series, target: str | None) -> Ref:
        kind = series.kind
        self.state.integral |= kind.origin if kind is not None else frozenset()
        if kind is None or kind.dtype is None or kind.dtype.kind not in "iu" or not kind.is_plain:
            self.refuse("an array is indexed by a list that grows in a loop only where it holds whole numbers. Make an array of it.")
        array = self.series_whole(series, "array", call(f"{self.state.facts.module('numpy')}.array", [name(series.name), name("int")]), None)
        return self.subscript(base, (array.number,), ast.Subscript(value=base.expr, slice=array.expr, ctx=ast.Load()), target)

    def series_item(self, series: Series, index: ast.expr, target: str | None) -> Ref:
        if isinstance(index, ast.Slice):
            return self.series_slice(series, index, target)
        return self.series_at(series, self.evaluate(index, None), target)

    def series_slice(self, series: Series, index: ast.Slice, target: str | None) -> Ref:
        """A part of a list, which is a list of its own."""
        if series.kind is None:
            raise Unfilled(series.site, self.loc)
        bounds = [self.evaluate(bound, None) if bound is not None else None for bound in (index.lower, index.upper, index.step)]
        for bound in filter(None, bounds):
            self.integer_use(bound)
        said = ast.Slice(*(bound.expr if bound is not None else None for bound in bounds))
        label = self.new_name(target or self.state.namer.temporary(f"{self.state.namer.base(series.name)}_part"))
        part = Series(label, series.site, series.kind, series.active, is_slice=True)
        self.write(Assign(label, ast.Subscript(value=name(series.name), slice=said, ctx=ast.Load()), self.loc))
        self.state.lists[part.name] = False
        if part.active:
            self.state.active.add(part.name)
        made = Ref(name(label), Sequence(list, Hidden(), series=part), label)
        self.record_list("slice", series, (), made, said)
        return made

    def require_whole(self, series: Series) -> None:
        if series.is_slice:
            self.refuse("a part of a list that grows in a loop is changed here. Make an array of it.")

    def series_at(self, series: Series, position: Ref, target: str | None) -> Ref:
        if not isinstance(position.value, Number):
            raise TypeError("list indices must be integers")
        self.integer_use(position)
        result = self.item_of(series, ast.Subscript(value=name(series.name), slice=position.expr, ctx=ast.Load()), target)
        self.record_list("read", series, (), result, position.expr)
        return result

    def series_store(self, series: Series, index: ast.expr, value: Ref) -> None:
        position = self.evaluate(index, None)
        self.require_whole(series)
        self.state.lists[series.name] = False
        self.widen(series, value)
        self.write(Store(ast.Subscript(value=name(series.name), slice=position.expr, ctx=ast.Store()), value.expr, self.loc))
        self.record_list("store", series, (value,), None, position.expr)

    def series_whole(self, series: Series, what: str, text: ast.expr, target: str | None) -> Ref:
        """np.array of a list, or its sum."""
        if series.kind is None:
            raise Unfilled(series.site, self.loc)
        made = self.new_name(target or self.state.namer.temporary("array" if what == "array" else "total"))
        self.write(Assign(made, text, self.loc))
        kind = series.kind
        if what == "array":
            length = Dim.atom(f"{made}.shape[0]", None, self.state.facts)
            kind = Number("array", kind.dtype, None if kind.shape is None else (length, *kind.shape), place=self.new_place(made), layout=frozenset(), compact=True)
        elif kind.is_plain:
            kind = Number("scalar", kind.dtype, ())
        result = self.named(made, kind)
        if series.active:
            self.state.active.add(made)
        self.record_list(what, series, (), result)
        return result

    def array_of_series(self, series: Series) -> Ref:
        numpy = self.state.facts.module("numpy")
        return self.series_whole(series, "array", call(f"{numpy}.array", [name(series.name)]), None)


def shape_keys(number: Number) -> Any:
    return None if number.shape is None else ["?" if "?" in d.key else d.text for d in number.shape]

