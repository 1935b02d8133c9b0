"""The adjoint of memory that is changed in place: memory that mirrors it, and writes in reverse.

    x[i] = v        take, clear, give:  dv = dx[i];  dx[i] = 0
    y = x[1:]       the same part:      dx[1:]
"""
from __future__ import annotations

import ast
import dataclasses
from collections import Counter
from collections.abc import Collection, Iterator, Sequence
from typing import Any

import numpy as np

from srcad.adjoints import adjoint_dtype, adjoint_kind, cast, filled, full, zeros
from srcad.dims import Dim, Facts
from srcad.inference import Branch, ListStep, Loop, Operation, Scope, Step, Write, flatten
from srcad.ir import Assign, Effect, Location, Statement, Store, Update
from srcad.kinds import Number, Ref, is_double, leaves
from srcad.memory import mirrored
from srcad.overlap import written_once
from srcad.ownership import VIEWS
from srcad.render import function_path, render, shape_expr
from srcad.scatter import Scatter, index_argument, ufunc_at
from srcad.sharing import Sharing
from srcad.syntax import binary, call, const, method, name, without_sign
from srcad.terms import Term, literal
from srcad.uses import bound
from srcad.writes import ELLIPSIS


def every_step(steps: Sequence[Step]) -> Iterator[Step]:
    """Every step, those inside branches and loops included."""
    for step in steps:
        yield step
        match step:
            case Branch(body=body, orelse=orelse):
                yield from every_step(body.steps)
                yield from every_step(orelse.steps)
            case Loop(body=body) | Scope(body=body):
                yield from every_step(body.steps)


def read_by(step: Step) -> list[Ref]:
    """What a step itself gives adjoints to."""
    match step:
        case Operation(operands=operands):
            return flatten(operands)
        case Write(value=value):
            return leaves(value)
        case ListStep(values=values):
            return list(values)
        case Branch(phis=phis) | Loop(phis=phis):
            return [r for p in phis for r in (p.first, p.second) if r is not None]
    return []


def made_by(step: Step) -> list[str]:
    match step:
        case Operation(outputs=outputs):
            return [o.key for o in outputs]
        case Branch(phis=phis) | Loop(phis=phis):
            return [p.output.key for p in phis]
        case ListStep(what="make", series=series):
            return [series.name]
        case ListStep(output=Ref() as output):
            return [output.key]
    return []


def flows(step: Step) -> list[tuple[Sequence[Ref], Sequence[Ref]]]:
    """What gives to what backwards: the results of a step, and what it made them of."""
    match step:
        case Operation(outputs=outputs):
            return [(outputs, read_by(step))]
        case Write(base=base, value=value):
            return [([base], [value])]
        case Branch(phis=phis) | Loop(phis=phis):
            return [([p.output], [r for r in (p.first, p.second) if r is not None]) for p in phis]
    return []


def closed(keys: set[str], through: Collection[tuple[Collection[str], Collection[str]]]) -> set[str]:
    """The keys, with all that something among them is made of, round and round; through: what is made, and of what, the last first."""
    size = -1
    while len(keys) > size:
        size = len(keys)
        for made, used in through:
            if not keys.isdisjoint(made):
                keys.update(used)
    return keys


class Shadows(Sharing):
    """Gives to memory, and reverses what is written into it."""

    facts: Facts
    out: list[Statement]
    kinds: dict[str, Number]
    literals: dict[str, Term]
    masks: dict[str, Any]
    constants: dict[str, str]
    stored: dict[str, list[ast.expr]]
    dense: Counter[str]
    steady: dict[str, Term]
    foldable: set[str]
    producer: dict[str, Operation]
    every: list[Step]
    current: set[int]
    redirected: dict[str, tuple[Ref, Scatter]]  # elements whose adjoint is written where they came from
    allotted: dict[str, str]
    loc: Location | None

    def flush(self, key: str) -> None:
        raise NotImplementedError

    def adjoint_name(self, key: str) -> str:
        raise NotImplementedError

    def contribute(self, ref: Ref, contribution: Any) -> None:
        raise NotImplementedError

    def reduced(self, term: Any, ref: Ref, shape: Any, elementwise: bool) -> Any:
        raise NotImplementedError

    def is_temporary(self, key: str) -> bool:
        raise NotImplementedError

    # ---- memory

    def is_shadowed(self, ref: Ref) -> bool:
        """Whether an array lies in memory that the program changes: then its adjoint is a part of that memory's."""
        place = ref.number.place
        if place is None or place.steps is None or ref.number.is_plain:
            return False
        return self.state.is_written(place)

    def root(self, ref: Ref) -> Ref:
        place = ref.number.place
        assert place is not None and place.buffer.root is not None
        return place.buffer.root

    def stem(self, ref: Ref) -> str:
        """The key of what holds the adjoint of a value: its memory's, where that is changed."""
        return self.root(ref).key if self.is_shadowed(ref) else ref.key

    def made_of(self, steps: Sequence[Step]) -> list[tuple[list[str], list[str]]]:
        """The stems of what each step makes, and those of what it makes it of, the last step first."""
        return [([self.stem(r) for r in made], [self.stem(r) for r in used]) for s in reversed(steps) for made, used in flows(s)]

    def shadow(self, ref: Ref) -> ast.expr:
        """The adjoint of a part of memory, as a place to read and to write."""
        root = self.root(ref)
        self.memory(root)
        place = ref.number.place
        assert place is not None
        if root.number.ndim != 1 and any(reshapes(step) for step in place.steps or ()):
            self.in_order(self.names[root.key])
        found = mirrored(place, name(self.names[root.key]))
        if root.number.shape == () or not isinstance(found, (ast.Name, ast.Subscript)):
            found = ast.Subscript(value=found, slice=ELLIPSIS, ctx=ast.Load())  # in place: neither a call nor an attribute is assigned to
        return found

    def in_order(self, target: str) -> None:
        """Adjoint memory in C order, which what it was computed from may not have been: of that a reshape is a view."""
        latest = next((s for s in reversed(self.out) if target in bound(s)), None)
        match latest:
            case Assign(expr=ast.Call(func=ast.Attribute(attr="zeros" | "ones" | "full" | "asarray"))):
                return
        made = call(function_path(np.asarray, self.facts), [name(target)], order=const("C"))
        self.emit(Assign(target, made, self.here()))

    def memory(self, root: Ref) -> None:
        """Adjoint memory: of the full shape, owned."""
        key = root.key
        self.flush(key)
        self.literals.pop(key, None)
        self.stored.pop(key, None)
        if key not in self.names:
            blank = zeros(root.number, self.facts, Term(root.expr, root.number, self.facts))
            target = self.adjoint_name(key)
            self.emit(Assign(target, blank.expr, self.here()))
            self.kinds[target] = adjoint_kind(root.number)
        self.fill(root)

    def fill(self, ref: Ref) -> None:
        """Spread an adjoint that is smaller than its variable."""
        target = self.names[ref.key]
        kind = self.kinds[target]
        if not full(kind, ref.number) and not ref.number.is_plain:
            spread = filled(Term(name(target), kind, self.facts), ref.number, self.facts, owned=is_double(kind.dtype))
            if isinstance(spread.expr, ast.Call) and ast.unparse(spread.expr.func).endswith("broadcast_to"):
                spread = Term(method(spread.expr, "copy"), spread.number, self.facts)
            if spread.expr is not None and not (isinstance(spread.expr, ast.Name) and spread.expr.id == target):
                self.emit(Assign(target, spread.expr, self.here()))
            self.kinds[target] = adjoint_kind(ref.number)

    def to_memory(self, ref: Ref, contribution: Any) -> None:
        """Add to the adjoint of a part of memory, in place."""
        root = self.root(ref)
        whole = root.key == ref.key or ref.number.place is not None and ref.number.place.steps == ()
        fresh = root.key not in self.names and root.key not in self.held
        if isinstance(contribution, Scatter):
            self.scatter_to_memory(ref, contribution)
            return
        if whole and fresh:
            term = cast(filled(contribution, root.number, self.facts), root.number)
            target = self.adjoint_name(root.key)
            self.emit(Assign(target, self.whole_memory(term, contribution, root), self.here()))
            self.kinds[target] = adjoint_kind(root.number) if full(term.number, root.number) else term.number
            return
        place = self.shadow(ref)
        negative, expr = without_sign(contribution.expr)
        self.emit(Update(place, ast.Sub() if negative else ast.Add(), expr, self.here()))

    def whole_memory(self, term: Term, contribution: Term, root: Ref) -> ast.expr:
        """The first that reaches the whole of an array, as memory of its own."""
        if contribution.number.is_plain and (literal(contribution) is None or root.number.shape == ()):
            dtype = adjoint_dtype(root.number)
            arguments = [shape_expr(Term(root.expr, root.number, self.facts).shape, self.facts), contribution.expr]
            if dtype is not None and not is_double(dtype):
                arguments.append(render(dtype, self.facts))
            return call(function_path(np.full, self.facts), arguments)
        if isinstance(term.expr, ast.Call) and ast.unparse(term.expr.func).split(".")[-1] in VIEWS:
            return method(term.expr, "copy")
        return owned_copy(term)

    def scatter_to_memory(self, ref: Ref, scatter: Scatter) -> None:
        base = self.shadow(ref)
        if scatter.unique:
            negative, expr = without_sign(scatter.value.expr)
            place = ast.Subscript(value=base, slice=scatter.index, ctx=ast.Load())
            self.emit(Update(place, ast.Sub() if negative else ast.Add(), expr, self.here()))
        else:
            self.emit(Effect(call(ufunc_at(self.facts), [base, index_argument(scatter.index), scatter.value.expr]), self.here()))

    # ---- writes

    def write_back(self, step: Write) -> None:
        root = self.root(step.base)
        if root.key not in self.names and root.key not in self.held:
            return  # nothing that is read later comes from it
        place = self.shadow(step.base)
        if step.index is not None:
            place = ast.Subscript(value=place, slice=step.index, ctx=ast.Load())
        value = step.value
        active = value.key in self.state.active
        if step.sign:
            if active:
                self.give(value, self.part_given(step, place), step)
            return
        if active:
            self.take(step, value, place, not self.first_write(step))
        else:
            self.clear(place)

    def first_write(self, step: Write) -> bool:
        """Whether nothing of what was there before is asked for: then its adjoint need not be cleared."""
        state, root = self.state, self.root(step.base)
        if step.change is None or step.change.buffer.external or step.change.buffer in state.users or root.key in self.producer or root.key in state.parameters:
            return False
        if any(not isinstance(s, Operation) and root.key in made_by(s) for s in self.every):
            return False
        return written_once(step.change, [*state.reads, *state.changes], state)

    def clear(self, place: ast.expr) -> None:
        self.emit(Store(place if isinstance(place, ast.Subscript) else ast.Subscript(value=place, slice=ELLIPSIS, ctx=ast.Load()), const(0), self.here()))

    def take(self, step: Write, value: Ref, place: ast.expr, again: bool) -> None:
        """`x[i] = v`: what reached x[i] goes to v, and nothing to what was there before."""
        term = self.part_given(step, place)
        if not step.distinct:
            term = self.last_written(step, place, term)
        places = (self.names, self.held, self.steady, self.scatters, self.redirected)
        waiting = self.is_shadowed(value) or any(value.key in known for known in places)
        if waiting:
            held = self.state.namer.temporary("part_given")
            self.emit(Assign(held, owned_copy(term), self.here()))
            self.clear(place) if again else None
            self.contribute(value, Term(name(held), term.number, self.facts))
        else:
            self.accumulate(value.key, Term(owned_copy(term), term.number, self.facts))
            self.foldable.update([self.names[value.key]] if self.is_temporary(value.key) else [])
            self.clear(place) if again else None

    def give(self, value: Ref, term: Term, step: Write) -> None:
        """`x[i] += v`: what reached x[i] goes to v as well."""
        if value.key in self.names or value.key in self.redirected or self.is_shadowed(value):
            self.contribute(value, term)
        else:
            self.flush(value.key)
            self.accumulate(value.key, Term(owned_copy(term), term.number, self.facts))

    def part_given(self, step: Write, place: ast.expr) -> Term:
        """The adjoint of what was written to, in the shape and dtype of what was written."""
        part = adjoint_kind(step.part)
        term = Term(place, dataclasses.replace(part, fresh=False), self.facts)
        if step.sign < 0:
            term = -term
        shape, given = step.part.shape, step.value.number.shape
        if shape is not None and given is not None and len(given) > len(shape):  # it was written with axes of length 1 before those of the place
            added = len(given) - len(shape)
            shape = (*(Dim.of(1, self.facts) for _ in range(added)), *shape)
            index = ast.Tuple(elts=[*[const(None)] * added, ELLIPSIS], ctx=ast.Load())
            term = Term(ast.Subscript(value=term.expr, slice=index, ctx=ast.Load()), dataclasses.replace(term.number, shape=shape), self.facts)
        reduced: Term = self.reduced(term, step.value, shape, True)
        return reduced

    def last_written(self, step: Write, place: ast.expr, term: Term) -> Term:
        """Of repeated indices the one that is written last counts, as in NumPy: the others get nothing."""
        facts = self.facts
        taken = self.state.namer.temporary("taken")
        order = self.state.namer.temporary("order")
        numbers = self.state.namer.temporary("numbers")
        loc = self.here()
        assert isinstance(place, ast.Subscript)
        self.emit(Assign(taken, place, loc))
        arange = call(function_path(np.arange, facts), [ast.Attribute(value=name(taken), attr="size", ctx=ast.Load())])
        self.emit(Assign(numbers, method(arange, "reshape", ast.Attribute(value=name(taken), attr="shape", ctx=ast.Load())), loc))
        shape = ast.Attribute(value=place.value, attr="shape", ctx=ast.Load())
        self.emit(Assign(order, call(function_path(np.zeros, facts), [shape, name("int")]), loc))
        self.emit(Store(ast.Subscript(value=name(order), slice=place.slice, ctx=ast.Load()), name(numbers), loc))
        same = ast.Compare(left=ast.Subscript(value=name(order), slice=place.slice, ctx=ast.Load()), ops=[ast.Eq()], comparators=[name(numbers)])
        winners = Term(binary(name(taken), ast.Mult(), same), adjoint_kind(step.part), facts)
        reduced: Term = self.reduced(winners, step.value, step.part.shape, True)
        return reduced


def owned_copy(term: Term) -> ast.expr:
    """An expression whose memory is its own: a name or a view of an array is copied."""
    _, inner = without_sign(term.expr)
    if isinstance(inner, (ast.Name, ast.Attribute, ast.Subscript)) and inner is term.expr and not term.number.is_plain:
        return method(term.expr, "copy")
    return term.expr


def reshapes(step: ast.expr) -> bool:
    """Whether a view is one only of an array in C order: `_.reshape(2, 3)`, `np.ravel(_)`."""
    func = step.func if isinstance(step, ast.Call) else None
    return isinstance(func, ast.Attribute) and func.attr in ("reshape", "ravel")
