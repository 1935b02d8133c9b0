"""What a loop runs over: ranges, arrays, lists, and zip, enumerate and reversed of them.

    for i, v in enumerate(x)    counts through range(len(x)) and takes (i, x[i])
"""
from __future__ import annotations

import ast
import dataclasses
from collections.abc import Callable

from srcad.dims import Dim, Undecided
from srcad.inference import display, literal_ref
from srcad.ir import Assign
from srcad.kinds import INT, Lazy, Number, Range, Record, Ref, Sequence, Series, Static, python
from srcad.regions import Regions
from srcad.syntax import call, const, expression, name

PASSES = 600  # a loop is written out for so many passes at most


class Endless(Exception):
    """A loop that cannot be written out: it is too long, or its length is not known."""


class Iteration(Regions):
    """Finds the items of what is iterated over, one by one or by an index."""

    def known_items(self, ref: Ref) -> tuple[Ref, ...] | None:
        """The items of what is looked through; None for arrays and ranges."""
        value = ref.value
        match value:
            case Sequence(series=Series()):
                return None
            case Sequence():
                return value.items
            case Record() if value.type is dict:
                return tuple(literal_ref(const(k), k, self.state.facts) for k in value.items)
            case Static(value=str() | range() as known):
                return tuple(literal_ref(const(k), k, self.state.facts) for k in known)
            case Lazy(parts=parts, kind=kind):
                each = [self.known_items(p) for p in parts]
                if all(e is None for e in each):
                    return self.unrolled_items(ref) if kind == "map" else None
                shortest = min(len(e) for e in each if e is not None)
                return self.lazy_items(value, [e if e is not None else self.unrolled_items(p, shortest) for e, p in zip(each, parts)])
        if isinstance(value, (Number, Range)):
            return None
        self.refuse("what this loops over is not known. Loop over a range, an array, a list, a tuple or a dict.")
        raise AssertionError

    def is_known(self, ref: Ref) -> bool:
        """Whether the passes of a loop over this are known one by one: over a list, say, or a list beside an array."""
        match ref.value:
            case Sequence(series=Series()):
                return False
            case Sequence() | Static():
                return True
            case Record(type=kind):
                return kind is dict
            case Lazy(parts=parts, kind=kind):
                return kind == "map" or any(map(self.is_known, parts))
        return False

    def makers(self, ref: Ref) -> list[Callable[[], Ref]]:
        """For each pass of a loop what gives its item: an array or a list is read when its turn comes. Raises Endless."""
        value = ref.value
        if isinstance(value, Lazy):
            each = [self.makers(p) for p in value.parts]
            if value.kind == "zip":
                return [lambda row=row: display(tuple, tuple(m() for m in row)) for row in zip(*each)]  # type: ignore[misc]
            if value.each is not None:
                return [lambda row=row: value.each([m() for m in row]) for row in zip(*each)]  # type: ignore[misc]
            if value.kind == "reversed":
                return each[0][::-1]
            start = value.start.number.dim if value.start is not None else Dim.of(0, self.state.facts)
            assert start is not None
            return [lambda i=i, m=m: display(tuple, (self.dim_ref(start + i), m())) for i, m in enumerate(each[0])]  # type: ignore[misc]
        if isinstance(value, Number):
            return [lambda i=i: self.element(ref, i) for i in range(self.limited_length(ref))]  # type: ignore[misc]
        if isinstance(value, Sequence) and value.mutable and value.series is None:
            return [lambda i=i: value.items[i] for i in range(len(value.items))]  # type: ignore[misc]
        items = self.known_items(ref)
        return [lambda item=item: item for item in (items if items is not None else self.unrolled_items(ref))]  # type: ignore[misc]

    def element(self, ref: Ref, i: int) -> Ref:
        index = python(INT, Dim.of(i, self.state.facts))
        return self.subscript(ref, (index,), ast.Subscript(value=ref.expr, slice=const(i), ctx=ast.Load()), None)

    def limited_length(self, ref: Ref) -> int:
        count = self.length(ref)
        if count > PASSES:
            raise Endless
        return count

    def items_known(self, ref: Ref) -> tuple[Ref, ...]:
        """The items of anything that can be iterated over, one by one."""
        items = self.known_items(ref)
        if items is not None:
            return items
        try:
            return self.unrolled_items(ref)
        except Endless:
            self.refuse("its items are not known one by one: it is too long, or its length is known only at run time. Use an array.")
            raise AssertionError from None

    def listed(self, ref: Ref) -> tuple[Ref, ...]:
        return self.items_known(ref)

    def lazy_items(self, lazy: Lazy, each: list[tuple[Ref, ...]]) -> tuple[Ref, ...]:
        if lazy.each is not None:
            return tuple(lazy.each(list(row)) for row in zip(*each))
        match lazy.kind:
            case "zip":
                return tuple(display(tuple, row) for row in zip(*each))
            case "enumerate":
                start = lazy.start.number.dim if lazy.start is not None else Dim.of(0, self.state.facts)
                assert start is not None
                return tuple(display(tuple, (self.dim_ref(start + i), item)) for i, item in enumerate(each[0]))
        return tuple(reversed(each[0]))

    def dim_ref(self, dim: Dim) -> Ref:
        return literal_ref(const(dim.const), dim.const, self.state.facts) if not dim.terms else Ref(expression(dim.key), python(INT, dim))

    def unrolled_items(self, ref: Ref, limit: int | None = None) -> tuple[Ref, ...]:
        """The items of a range or an array of known length. Raises Endless where there is none."""
        value = ref.value
        if isinstance(value, Sequence) and value.series is not None:
            raise Endless
        if isinstance(value, (Sequence, Record, Static)):
            return self.known_items(ref) or ()
        if isinstance(value, Lazy):
            counts = [self.length(p) for p in value.parts]
            return self.lazy_items(value, [self.unrolled_items(p, min(counts)) for p in value.parts])
        if isinstance(value, Range):
            if value.start is None or value.stop is None or value.step is None or value.start.value is None or value.stop.value is None:
                raise Endless
            span = range(value.start.known(), value.stop.known(), value.step)
            numbers = [literal_ref(const(i), i, self.state.facts) for i in (reversed(span) if value.turned else span)[: None if limit is None else limit]]
            return tuple(self.limited(numbers))
        count = self.length(ref) if limit is None else limit
        if count > PASSES:
            raise Endless
        return tuple(self.element(ref, i) for i in range(count))

    @staticmethod
    def limited(items: list[Ref]) -> list[Ref]:
        if len(items) > PASSES:
            raise Endless
        return items

    def length(self, ref: Ref) -> int:
        """How many items there are, as a fact."""
        value = ref.value
        if isinstance(value, Range):
            if value.start is None or value.stop is None or value.step is None or value.start.value is None or value.stop.value is None:
                raise Endless
            return len(range(value.start.known(), value.stop.known(), value.step))
        if isinstance(value, Lazy):
            return min(self.length(p) for p in value.parts)
        if isinstance(value, (Sequence, Record)):
            return len(value.items)
        shape = ref.number.shape
        if not shape or shape[0].value is None:
            raise Endless
        return shape[0].known()

    def counter(self, ref: Ref) -> Ref:
        """The range whose numbers a loop counts through."""
        value = ref.value
        facts = self.state.facts
        if isinstance(value, Range):
            return ref
        if isinstance(value, Lazy):
            counters = [self.counter(p) for p in value.parts]
            if value.kind == "reversed":
                inner = counters[0].value
                assert isinstance(inner, Range)
                return Ref(ref.expr, dataclasses.replace(inner, expr=call("reversed", [inner.expr]), turned=not inner.turned))
            if value.kind == "enumerate" and not isinstance(value.parts[0].value, Range):
                return counters[0]
            return self.shortest([self.steps_of(c) for c in counters])
        if isinstance(value, Sequence) and value.series is not None:
            size = self.length_ref(value.series)
            return Ref(ref.expr, Range(call("range", [size.expr]), Dim.of(0, facts), size.number.dim, 1))
        shape = ref.number.shape
        if not shape:
            self.refuse("what this loops over has no known length. Loop over a range, an array, a list, a tuple or a dict.")
            raise AssertionError
        length = ast.Call(func=name("len"), args=[ref.expr], keywords=[])
        return Ref(ref.expr, Range(call("range", [length]), Dim.of(0, facts), shape[0], 1))

    def steps_of(self, counter: Ref) -> tuple[Dim, ast.expr]:
        """How many steps a range has."""
        value = counter.value
        assert isinstance(value, Range)
        if value.start is not None and value.stop is not None and value.start.key == "0" and value.step == 1 and not value.turned:
            arguments = value.expr.args if isinstance(value.expr, ast.Call) else []
            return value.stop, arguments[-1] if len(arguments) == 1 else value.stop.expr
        self.refuse("zip and enumerate are supported over arrays, lists and range(n).")
        raise AssertionError

    def shortest(self, steps: list[tuple[Dim, ast.expr]]) -> Ref:
        best, expr = steps[0]
        for dim, other in steps[1:]:
            try:
                if dim.key != best.key and dim < best:
                    best, expr = dim, other
            except Undecided:
                best, expr = self.least(expr, other)
        return Ref(expr, Range(call("range", [expr]), Dim.of(0, self.state.facts), best, 1))

    def least(self, *lengths: ast.expr) -> tuple[Dim, ast.expr]:
        """The least of lengths that only the run can tell."""
        state = self.state
        label = next((k for k, v in state.helpers.items() if v is min), None) or self.called("min")
        state.helpers[label] = min
        size = state.namer.temporary("size")
        state.bound.add(size)
        state.kinds[size] = python(INT)
        self.write(Assign(size, call(label, lengths), self.loc))
        return Dim.atom(size, None, state.facts), name(size)

    def called(self, builtin: str) -> str:
        """What one of Python's functions is called: another name where the user means something else by its own."""
        main = self.state.frames[0]
        code, scope = (main.function.__code__, main.function.__globals__) if main.function is not None else (None, {})
        other = builtin in scope or code is not None and builtin in (*code.co_varnames, *code.co_cellvars, *code.co_freevars)
        return self.state.namer.adjoint(builtin) if other else builtin

    def open_counter(self, counter: Ref | None, target: str) -> Ref | None:
        """The index of a pass: a whole number between bounds."""
        if counter is None:
            return None
        assert isinstance(counter.value, Range)
        state, value = self.state, counter.value
        made = self.new_name(target or state.namer.temporary("i"))
        dim = Dim.atom(made, None, state.facts)
        if value.start is not None and value.stop is not None and value.step is not None:
            state.facts.ranges[made] = (value.start, value.stop) if value.step > 0 else (value.stop + 1, value.start + 1)
            state.steps[made] = value.step * (-1 if value.turned else 1)
        return self.named(made, python(INT, dim))

    def item_at(self, iterable: Ref, index: Ref, target: str | None = None) -> Ref:
        """What a pass with this index takes."""
        value = iterable.value
        if isinstance(value, Range):
            return index
        if isinstance(value, Lazy):
            if value.kind == "reversed":
                return self.item_at(value.parts[0], index, target)
            items = [self.item_at(p, index) for p in value.parts]
            if value.kind == "zip":
                return display(tuple, tuple(items))
            first = index if value.start is None else self.binary(ast.Add(), value.start, index, None)
            return display(tuple, (first, items[0]))
        if isinstance(value, Sequence) and value.series is not None:
            return self.series_at(value.series, index, target)
        item = ast.Subscript(value=iterable.expr, slice=index.expr, ctx=ast.Load())
        return self.subscript(iterable, (index.number,), item, target)
