"""What a loop runs over: ranges, arrays, lists, and zip, enumerate and reversed of them.

    for i, v in enumerate(x)    counts through range(len(x)) and takes (i, x[i])
"""
from __future__ import annotations

import ast
import contextlib
import dataclasses
import functools
from typing import Any

from srcad.dims import Dim, Undecided
from srcad.inference import constant_ref, display
from srcad.ir import For, expressions, walk
from srcad.kinds import INT, Lazy, Number, Range, Record, Ref, Sequence, Series, Static, python
from srcad.protocols import iterated
from srcad.regions import Regions
from srcad.syntax import call, const, expression, name, names, steps_of

PASSES = 600  # a loop is written out for so many passes at most


class Endless(Exception):
    """A loop that cannot be written out: it is too long, or its length is not known."""


class Iteration(Regions):
    """Finds the items of what is iterated over, one by one or by an index."""

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

    def length(self, ref: Ref) -> Dim:
        """How many items there are at this point: a list may grow. Raises Endless where only the run can tell."""
        value, facts = ref.value, self.state.facts
        match value:
            case Range():
                return Dim.of(len(self.span(value)), facts)
            case Lazy(kind="reversed"):
                return self.length_reversed(value)
            case Lazy():
                return functools.reduce(shorter, [self.length(p) for p in value.parts])
            case Number(shape=(first, *_)) if first.value is not None:
                return first
            case Number() | Sequence(series=Series()):
                raise Endless
            case Sequence():
                return Dim.of(len(value.items), facts)
        return Dim.of(len(self.keys(ref)), facts)

    def length_reversed(self, value: Lazy) -> Dim:
        """reversed begins at the end that a list had when it was called."""
        now = self.length(value.parts[0])
        then = value.start.number.dim if value.start is not None else now
        assert then is not None
        if now < then:
            self.refuse("the list shrinks while a loop runs over it from its end. Loop over a copy of it.")
        return then

    def span(self, value: Range) -> range:
        """The numbers of a range, as a fact."""
        if value.bounds is None:
            raise Endless
        start, stop, step = value.bounds
        span = range(start.known(), stop.known(), step)
        return span[::-1] if value.turned else span

    def keys(self, ref: Ref) -> list[Any]:
        """What a loop over a dict, or over a string or range from outside, takes."""
        match ref.value:
            case Record(type=kind, items=items) if kind is dict:
                return list(items)
            case Static(value=str() | range() as known):
                return list(known)
        self.refuse("what this loops over is not known. Loop over a range, an array, a list, a tuple or a dict.")
        raise AssertionError

    def passes(self, ref: Ref) -> int:
        """How many passes a loop over this has, as a fact. Raises Endless if it cannot be written out."""
        count = self.length(ref)
        if count.value is None or count.value > PASSES:
            raise Endless
        return count.known()

    def taken(self, ref: Ref, i: int) -> Ref:
        """What a pass takes: it is read when its turn comes, since passes before may have changed it."""
        value, facts = ref.value, self.state.facts
        match value:
            case Number():
                index = python(INT, Dim.of(i, facts))
                return self.subscript(ref, (index,), ast.Subscript(value=ref.expr, slice=const(i), ctx=ast.Load()), None)
            case Range():
                return self.dim_ref(Dim.of(self.span(value)[i], facts))
            case Sequence(view=(record, what)):
                key = list(record.items)[i]
                if what == "keys":
                    return constant_ref(key, facts)
                return record.items[key] if what == "values" else display(tuple, (constant_ref(key, facts), record.items[key]))
            case Sequence():
                return value.items[i]
            case Lazy(parts=parts, each=each) if each is not None:
                return each([self.taken(p, i) for p in parts])  # type: ignore[no-any-return]
            case Lazy(kind="zip", parts=parts):
                return display(tuple, tuple(self.taken(p, i) for p in parts))
            case Lazy(kind="reversed", parts=(part,)):
                return self.taken(part, self.length_reversed(value).known() - 1 - i)
            case Lazy(parts=(part,), start=start):
                first = start.number.dim if start is not None else Dim.of(0, facts)
                assert first is not None
                return display(tuple, (self.dim_ref(first + i), self.taken(part, i)))
        key = self.keys(ref)[i]
        return constant_ref(key, facts)

    def listed(self, ref: Ref) -> tuple[Ref, ...]:
        """The items of anything that can be iterated over, one by one."""
        ref = iterated(self, ref)
        self.consume(ref)
        try:
            count = self.length(ref).known() if self.is_known(ref) else self.passes(ref)
            return tuple(self.taken(ref, i) for i in range(count))
        except Endless:
            self.refuse("its items are not known one by one: it is too long, or its length is known only at run time. Use an array.")
            raise AssertionError from None

    def consume(self, ref: Ref) -> None:
        """zip, enumerate, map and reversed are run over once: the second time nothing is left."""
        value = ref.value
        if not isinstance(value, Lazy):
            return
        if value.loops != self.state.loops or any(place != self.loc for place in value.places):
            self.refuse(f"`{value.kind}` is run over a second time here, when it is used up. Make a list of it first.")
        value.places.append(self.loc)
        for part in value.parts:
            self.consume(part)

    def counted(self, statement: For, iterable: Ref) -> Ref:
        """A tuple of evenly spaced whole numbers, `(-1, 0, 1)`, as the range that it comes to, where that will do: such a loop need not be written out."""
        value = iterable.value
        steps = steps_of([i.expr for i in value.items]) if isinstance(value, Sequence) and value.type is tuple else None
        if steps is None or not self.only_places(statement):
            return iterable
        start, stop = (Dim.of(n, self.state.facts) for n in (steps.start, steps.stop))
        return Ref(iterable.expr, Range(iterable.expr, start, stop, steps.step))

    def only_places(self, statement: For) -> bool:
        """Whether a loop's variable is only reckoned with and tells places in arrays; as an axis, an exponent or a place in a list it had better be known."""
        for node in (n for s in walk(statement.body) for e in expressions(s) for n in ast.walk(e)):
            match node:
                case ast.Call(args=args, keywords=keywords) if any(statement.target in names(a) for a in (*args, *(k.value for k in keywords))):
                    return False
                case ast.BinOp(op=ast.Pow(), right=exponent) if statement.target in names(exponent):
                    return False
                case ast.Subscript(value=ast.Name(id=base), slice=index) if statement.target in names(index):
                    held = self.frame.locals.get(base)
                    if held is None or not isinstance(held.value, Number):
                        return False
        return True

    def dim_ref(self, dim: Dim) -> Ref:
        return constant_ref(dim.const, self.state.facts) if not dim.terms else Ref(expression(dim.key), python(INT, dim))

    def counter(self, ref: Ref) -> Ref:
        """The range whose numbers a loop counts through."""
        value = ref.value
        facts = self.state.facts
        if isinstance(value, Range):
            return ref
        if isinstance(value, Lazy):
            if value.kind == "reversed":
                inner = (self.up_to(ref, value.start) if value.start is not None else self.counter(value.parts[0])).value
                assert isinstance(inner, Range)
                return Ref(ref.expr, dataclasses.replace(inner, expr=call("reversed", [inner.expr]), turned=not inner.turned))
            return self.shortest([self.steps_of(self.counter(p)) for p in value.parts])
        if isinstance(value, Sequence) and value.series is not None:
            return self.up_to(ref, self.length_ref(value.series))
        shape = ref.number.shape
        if not shape:
            self.refuse("what this loops over has no known length. Loop over a range, an array, a list, a tuple or a dict.")
            raise AssertionError
        length = ast.Call(func=name("len"), args=[ref.expr], keywords=[])
        return Ref(ref.expr, Range(call("range", [length]), Dim.of(0, facts), shape[0], 1))

    def with_end(self, ref: Ref) -> Ref:
        """A range from 0 to a number that only the run can tell, with a name for that."""
        value = ref.value
        if not isinstance(value, Range) or value.stop is not None or value.start is None or value.start.key != "0" or value.step != 1 or value.turned:
            return ref
        assert isinstance(value.expr, ast.Call)
        return self.up_to(ref, self.named_size("size", value.expr.args[-1]))

    def up_to(self, ref: Ref, size: Ref) -> Ref:
        """A range with as many numbers as a size says."""
        return Ref(ref.expr, Range(call("range", [size.expr]), Dim.of(0, self.state.facts), size.number.dim, 1))

    def steps_of(self, counter: Ref) -> tuple[Dim, ast.expr]:
        """How many steps a range has."""
        value = counter.value
        assert isinstance(value, Range)
        if value.is_plain:
            assert value.stop is not None
            arguments = value.expr.args if isinstance(value.expr, ast.Call) and not value.turned else []
            return value.stop, arguments[-1] if len(arguments) == 1 else value.stop.expr
        if value.start is not None and value.stop is not None and value.step is not None:
            stride = abs(value.step)
            span = value.stop - value.start if value.step > 0 else value.start - value.stop
            with contextlib.suppress(Undecided):
                steps = Dim.of(0, self.state.facts) if span < 0 else span if stride == 1 else (span + (stride - 1)) // stride
                return steps, steps.expr
        self.refuse("zip and enumerate are supported over arrays, lists and ranges whose ends are known in sizes.")
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
        size = self.named_size("size", call(label, lengths))
        assert size.number.dim is not None
        return size.number.dim, size.expr

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
            items = [self.nth(p, index) for p in value.parts]
            if value.kind == "zip":
                return display(tuple, tuple(items))
            first = index if value.start is None else self.binary(ast.Add(), value.start, index, None)
            return display(tuple, (first, items[0]))
        if isinstance(value, Sequence) and value.series is not None:
            return self.series_at(value.series, index, target)
        item = ast.Subscript(value=iterable.expr, slice=index.expr, ctx=ast.Load())
        return self.subscript(iterable, (index.number,), item, target)

    def nth(self, ref: Ref, index: Ref) -> Ref:
        """What a pass takes of one of several that are run over together; index: how many passes were before."""
        dim = index.number.dim
        assert dim is not None
        match ref.value:
            case Lazy(kind="reversed", parts=(part,)):
                return self.nth(part, self.dim_ref(self.steps_of(self.counter(ref))[0] - 1 - dim))
            case Range(turned=False) as value if value.is_plain:
                return index
            case Range(start=Dim() as start, step=int() as step, turned=turned):
                place = self.steps_of(ref)[0] - 1 - dim if turned else dim
                return self.dim_ref(start + place * step)
        return self.item_at(ref, index)


def shorter(a: Dim, b: Dim) -> Dim:
    """The smaller of two lengths: which it is, is a fact."""
    return b if b.key != a.key and b < a else a
