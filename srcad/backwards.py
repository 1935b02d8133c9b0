"""The chain rule for what is not one operation: writes into memory, branches, loops.

    x[i] = v        take, clear, give:  dv = dx[i];  dx[i] = 0
    if c: A         the same branch:    if c: reverse of A
    for t in r: A   the passes turned:  for t in reversed(r): reverse of A
"""
from __future__ import annotations

import ast
import dataclasses
from collections import Counter
from collections.abc import Iterator, Sequence
from typing import Any

import numpy as np

from srcad.adjoints import adjoint_kind, cast, filled, full, zeros
from srcad.dims import Facts
from srcad.inference import Branch, Loop, Operation, Phi, Region, Scope, Step, Write, flatten
from srcad.ir import Assign, Effect, For, If, Location, Statement, Store, Update, With
from srcad.kinds import FLOAT, Number, Ref
from srcad.memory import mirrored
from srcad.outside import leaves
from srcad.regions import parallel
from srcad.ownership import VIEWS
from srcad.render import function_path, render, shape_expr
from srcad.scatter import Scatter, index_argument, ufunc_at
from srcad.sharing import Sharing
from srcad.simplify import rebound
from srcad.syntax import binary, call, const, is_path, method, name, without_sign
from srcad.terms import Term, literal
from srcad.writes import ELLIPSIS

ADDS = ("add",)
SUBTRACTS = ("subtract", "sub")


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
        case Branch(phis=phis) | Loop(phis=phis):
            return [r for p in phis for r in (p.first, p.second) if r is not None]
    return []


def made_by(step: Step) -> list[str]:
    match step:
        case Operation(outputs=outputs):
            return [o.key for o in outputs]
        case Branch(phis=phis) | Loop(phis=phis):
            return [p.output.key for p in phis]
    return []


class Backwards(Sharing):
    """Reverses writes, branches and loops."""

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
    allotted: dict[str, str]
    loc: Location | None

    def structure(self, step: Step) -> None:
        match step:
            case Write():
                self.loc = step.loc
                self.write_back(step)
            case Branch():
                self.branch_back(step)
            case Loop():
                self.loop_back(step)
            case Scope():
                self.scope_back(step)
        self.settled(step)

    def settled(self, step: Step) -> None:
        for ref in read_by(step):
            self.remaining[ref.key] -= 1
            self.dense[ref.key] -= 1

    # ---- memory

    def is_shadowed(self, ref: Ref) -> bool:
        """Whether an array lies in memory that the program changes: then its adjoint is a part of that memory's."""
        place = ref.number.place
        if place is None or place.steps is None or ref.number.is_plain:
            return False
        return any(b.site in self.state.knowledge.written for b in place.buffer.family())

    def root(self, ref: Ref) -> Ref:
        place = ref.number.place
        assert place is not None and place.buffer.root is not None
        return place.buffer.root

    def shadow(self, ref: Ref) -> ast.expr:
        """The adjoint of a part of memory, as a place to read and to write."""
        root = self.root(ref)
        self.memory(root)
        place = ref.number.place
        assert place is not None
        return mirrored(place, name(self.names[root.key]))

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
            spread = filled(Term(name(target), kind, self.facts), ref.number, self.facts)
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
        if contribution.number.is_plain and literal(contribution) is None:
            dtype = adjoint_kind(root.number).dtype
            arguments = [shape_expr(Term(root.expr, root.number, self.facts).shape, self.facts), contribution.expr]
            if dtype is not None and dtype != FLOAT:
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
            self.take(step, value, place)
        else:
            self.clear(place)

    def clear(self, place: ast.expr) -> None:
        self.emit(Store(place if isinstance(place, ast.Subscript) else ast.Subscript(value=place, slice=ELLIPSIS, ctx=ast.Load()), const(0), self.here()))

    def take(self, step: Write, value: Ref, place: ast.expr) -> None:
        """`x[i] = v`: what reached x[i] goes to v, and nothing to what was there before."""
        term = self.part_given(step, place)
        if not step.distinct:
            term = self.last_written(step, place, term)
        waiting = value.key in self.names or value.key in self.held or self.is_shadowed(value) or value.key in self.steady or value.key in self.scatters
        if waiting:
            held = self.state.namer.temporary("part_given")
            self.emit(Assign(held, owned_copy(term), self.here()))
            self.clear(place)
            self.contribute(value, Term(name(held), term.number, self.facts), None)  # type: ignore[arg-type]
        else:
            self.accumulate(value.key, Term(owned_copy(term), term.number, self.facts))
            self.foldable.update([self.names[value.key]] if self.is_temporary(value.key) else [])
            self.clear(place)

    def give(self, value: Ref, term: Term, step: Write) -> None:
        """`x[i] += v`: what reached x[i] goes to v as well."""
        if value.key in self.names or self.is_shadowed(value):
            self.contribute(value, term, None)  # type: ignore[arg-type]
        else:
            self.flush(value.key)
            self.accumulate(value.key, Term(owned_copy(term), term.number, self.facts))

    def part_given(self, step: Write, place: ast.expr) -> Term:
        """The adjoint of what was written to, in the shape and dtype of what was written."""
        part = adjoint_kind(step.part)
        term = Term(place, dataclasses.replace(part, fresh=False), self.facts)
        if step.sign < 0:
            term = -term
        reduced: Term = self.reduced(term, step.value, step.part.shape, True)
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

    # ---- branches

    def branch_back(self, step: Branch) -> None:
        self.loc = step.loc
        given = [(phi, term) for phi in step.phis if (term := self.complete(phi.output)) is not None]
        outer = self.outer(step, [step.body, step.orelse])
        if not given and not any(self.reached_by(region) for region in (step.body, step.orelse)):
            return
        given = [(phi, self.written_down(phi.output.key, term)) for phi, term in given]
        for ref in outer:
            self.materialise(ref)
        before = self.snapshot()
        first, one = self.arm(step.body, [(phi.first, term) for phi, term in given], outer)
        after_one = self.snapshot()
        self.resume(before)
        second, two = self.arm(step.orelse, [(phi.second, term) for phi, term in given], outer)
        for ref in outer:
            key = ref.key
            if key in one and key not in two:
                self.blank(ref, second)
            elif key in two and key not in one:
                self.blank(ref, first)
            if key in one and key not in self.names:
                self.names[key] = one[key]
                self.kinds[one[key]] = after_one["kinds"][one[key]]
        self.done |= after_one["done"]
        if first or second:
            self.emit(If(step.test, tuple(first), tuple(second), step.loc, getattr(step.statement, "tag", 0)))

    def arm(self, region: Region, given: list[tuple[Ref | None, Term]], outer: list[Ref]) -> tuple[list[Statement], dict[str, str]]:
        """One arm of a branch in reverse, with the names of the adjoints that it leaves."""
        out, self.out = self.out, []
        loc = self.loc
        for ref, term in given:
            if ref is not None and ref.key in self.state.active:
                self.loc = loc
                self.contribute(ref, Term(term.expr, term.number, self.facts), None)  # type: ignore[arg-type]
        self.block(region.steps)
        for ref in outer:
            self.materialise(ref)
            if ref.key in self.names and not ref.number.is_plain:
                self.fill(ref)
        statements, self.out = self.out, out
        return statements, {ref.key: self.names[ref.key] for ref in outer if ref.key in self.names}

    def blank(self, ref: Ref, out: list[Statement]) -> None:
        """An arm that gives nothing leaves zeros."""
        nothing = zeros(ref.number, self.facts, Term(ref.expr, ref.number, self.facts))
        out.append(Assign(self.allotted[ref.key], nothing.expr, self.here()))

    def materialise(self, ref: Ref) -> None:
        """An adjoint that is an expression so far is written down."""
        self.flush(ref.key)
        for scatter in self.scatters.pop(ref.key, []):
            self.write_scatter(ref, scatter)
        self.literals.pop(ref.key, None)
        self.stored.pop(ref.key, None)

    def complete(self, output: Ref) -> Term | None:
        """The adjoint of what a branch or a loop leaves behind."""
        if self.is_shadowed(output) and output.key != self.root(output).key:
            return None
        term: Term | None = self.consume(output)
        return term

    def written_down(self, key: str, term: Term) -> Term:
        if is_path(term.expr):
            return term
        self.accumulate(key, term)
        return Term(name(self.names[key]), self.kinds[self.names[key]], self.facts)

    def reached_by(self, region: Region) -> bool:
        """Whether anything in a region may be given to: memory that it writes to, or reads of names that have adjoints."""
        for step in every_step(region.steps):
            if isinstance(step, Write):
                key = self.root(step.base).key
                if key in self.names or key in self.held:
                    return True
            if isinstance(step, Operation) and any(self.is_shadowed(o) for o in step.outputs):
                return True
        return False

    def snapshot(self) -> dict[str, Any]:
        labels = ("names", "held", "literals", "scatters", "masks", "constants", "stored", "kinds", "done")
        return {label: type(getattr(self, label))(getattr(self, label)) for label in labels}

    def resume(self, kept: dict[str, Any]) -> None:
        for label, value in kept.items():
            setattr(self, label, type(value)(value))

    def outer(self, step: Step, regions: list[Region]) -> list[Ref]:
        """The variables outside that regions give adjoints to; memory by the name that has the whole of it."""
        inside: set[str] = set()
        found: dict[str, Ref] = {}
        for region in regions:
            for inner in every_step(region.steps):
                inside.update(made_by(inner))
        used = [ref for region in regions for inner in every_step(region.steps) for ref in read_by(inner)]
        used += [inner.base for region in regions for inner in every_step(region.steps) if isinstance(inner, Write)]
        if isinstance(step, Branch):
            used += [r for p in step.phis for r in (p.first, p.second) if r is not None]
        for ref in used:
            if ref.key not in self.state.active:
                continue
            if self.is_shadowed(ref):
                ref = self.root(ref)
            if ref.key not in inside and not self.born_inside(ref, regions) and (ref.number.dtype is None or ref.number.dtype.kind in "fc"):
                found.setdefault(ref.key, ref)
        if isinstance(step, Loop):
            for phi in step.phis:
                found.pop(phi.output.key, None)
        return list(found.values())

    @staticmethod
    def born_inside(ref: Ref, regions: list[Region]) -> bool:
        """Whether memory was made inside: `t = np.zeros(3)` is no operation, but its adjoint does not outlive the pass."""
        return any(ref.key in rebound(s) for region in regions for s in region.statements)

    # ---- loops

    def loop_back(self, step: Loop) -> None:
        self.loc = dataclasses.replace(step.loc, text="")
        given = {phi.output.key: term for phi in step.phis if (term := self.complete(phi.output)) is not None}
        outer = self.outer(step, [step.body])
        chains = {phi.output.key: self.adds_up(step.body, phi) for phi in step.phis if phi.output.key in given}
        steady = [phi for phi in step.phis if chains.get(phi.output.key)]
        if not given and not self.reached_by(step.body):
            return
        for ref in outer:
            self.prepared(ref)
        steady_terms = {phi.output.key: self.steady_term(phi, given[phi.output.key]) for phi in steady}
        moving = [phi for phi in step.phis if phi not in steady]
        carried = {phi.output.key: self.carried(phi, given.get(phi.output.key)) for phi in moving}
        through = {key: term for head, term in steady_terms.items() for key in chains[head]}
        body = self.pass_back(step, through, moving, carried, outer)
        self.loc = dataclasses.replace(step.loc, text="")
        if body:
            self.emit(self.turned(step, body))
        for phi in moving:
            target = carried[phi.output.key]
            self.after_loop(phi, Term(name(target), self.kinds[target], self.facts))
        for phi in steady:
            self.after_loop(phi, steady_terms[phi.output.key])

    def after_loop(self, phi: Phi, term: Term) -> None:
        """What reaches a loop's variable at its head the first time goes to its value before."""
        self.names.pop(phi.output.key, None)
        if phi.first is not None and phi.first.key in self.state.active:
            self.contribute(phi.first, term, None)  # type: ignore[arg-type]

    def prepared(self, ref: Ref) -> None:
        """An adjoint that the passes of a loop add to: there from the beginning, of its full shape."""
        self.materialise(ref)
        if ref.key not in self.names:
            blank = zeros(ref.number, self.facts, Term(ref.expr, ref.number, self.facts))
            target = self.adjoint_name(ref.key)
            self.emit(Assign(target, blank.expr, self.here()))
            self.kinds[target] = adjoint_kind(ref.number)
        elif not ref.number.is_plain:
            self.fill(ref)

    def steady_term(self, phi: Phi, term: Term) -> Term:
        key = phi.output.key
        if is_path(term.expr):
            return term
        self.accumulate(key, term)
        return Term(name(self.names[key]), self.kinds[self.names[key]], self.facts)

    def carried(self, phi: Phi, term: Term | None) -> str:
        """The name of the adjoint that is handed from pass to pass."""
        output = phi.output
        if term is None:
            term = zeros(output.number, self.facts, Term(output.expr, output.number, self.facts))
        term = cast(filled(term, output.number, self.facts), output.number)
        value = literal(term)
        expr = const(float(value)) if value is not None and term.number.form == "python" else term.expr
        self.names.pop(output.key, None)
        self.held.pop(output.key, None)
        target = self.state.namer.adjoint(f"d{output.key}") if self.allotted.get(output.key) is None else self.allotted[output.key]
        self.allotted[output.key] = target
        if not (isinstance(expr, ast.Name) and expr.id == target):
            self.emit(Assign(target, expr, self.here()))
        self.kinds[target] = adjoint_kind(output.number)
        return target

    def pass_back(self, step: Loop, steady: dict[str, Term], moving: list[Phi], carried: dict[str, str], outer: list[Ref]) -> list[Statement]:
        """One pass in reverse."""
        out, self.out = self.out, []
        before = self.snapshot()
        outer_steady = self.steady
        self.steady = {**outer_steady, **steady}
        self.constants = {}
        for phi in step.phis:
            key = phi.output.key
            self.names.pop(key, None)
            if key not in steady:
                self.allotted.pop(key, None)
        for phi in step.phis:
            if phi.second is None or phi.second.key not in self.state.active:
                continue
            key = phi.output.key
            if key in steady:
                continue
            term = Term(name(carried[key]), self.kinds[carried[key]], self.facts)
            self.contribute(phi.second, Term(term.expr, term.number, self.facts), None)  # type: ignore[arg-type]
        self.block(step.body.steps)
        for ref in outer:
            self.materialise(ref)
        self.loc = dataclasses.replace(step.loc, text="")
        ends: list[tuple[str, Ref]] = []
        for phi in moving:
            ends.append((carried[phi.output.key], self.at_head(phi)))
        statements = [*self.out, *parallel(ends, self.state.namer)]
        self.out, self.steady = out, outer_steady
        kinds, done = self.kinds, self.done
        self.resume(before)
        self.kinds, self.done = {**kinds, **{carried[k]: self.kinds[carried[k]] for k in carried}}, done
        for phi in moving:
            self.allotted[phi.output.key] = carried[phi.output.key]
        return statements

    def at_head(self, phi: Phi) -> Ref:
        """What has reached a loop's variable at the head of a pass."""
        output = phi.output
        term = self.consume(output)
        if term is None:
            term = zeros(output.number, self.facts, Term(output.expr, output.number, self.facts))
        term = cast(filled(term, output.number, self.facts), output.number)
        value = literal(term)
        return Ref(const(float(value)) if value is not None and term.number.form == "python" else term.expr, output.number)

    def turned(self, step: Loop, body: list[Statement]) -> Statement:
        """The loop with its passes in reverse."""
        tag = getattr(step.statement, "tag", 0)
        if step.iter is None:
            return For("_", call("range", [name(step.count)]), tuple(body), (), step.loc, tag)
        passes: ast.expr = step.iter
        if step.count:
            passes = ast.Subscript(value=passes, slice=ast.Slice(upper=name(step.count)), ctx=ast.Load())
        match passes:
            case ast.Call(func=ast.Name(id="reversed"), args=[inner]):
                return For(step.target, inner, tuple(body), (), step.loc, tag)
        return For(step.target, call("reversed", [passes]), tuple(body), (), step.loc, tag)

    # ---- sums over the passes of a loop

    def adds_up(self, body: Region, phi: Phi) -> set[str]:
        """The values on the way, if a pass only adds to a variable, so that its adjoint is the same in every pass: `s = s + v`."""
        if self.is_shadowed(phi.output) or phi.second is None:
            return set()
        uses = Counter(ref.key for step in every_step(body.steps) for ref in read_by(step))
        counted: Counter[str] = Counter()
        if not self.chain(phi.second, phi.output, body.steps, counted):
            return set()
        alone = uses[phi.output.key] == counted[phi.output.key] and all(uses[k] == n for k, n in counted.items() if k != phi.second.key)
        return {phi.output.key, phi.second.key, *counted} if alone and uses[phi.second.key] == counted[phi.second.key] else set()

    def chain(self, ref: Ref | None, head: Ref, steps: Sequence[Step], counted: Counter[str]) -> bool:
        """Whether a value is the head plus what does not depend on it, on every path."""
        if ref is None or not full(ref.number, head.number) or ref.number.dtype != head.number.dtype and ref.number.form != "python":
            return False
        if ref.key == head.key:
            return True
        maker = next((s for s in steps if ref.key in made_by(s)), None)
        match maker:
            case Operation(function=function, operands=[left, right]) if isinstance(left, Ref) and isinstance(right, Ref):
                label = getattr(function, "__name__", "")
                if label not in (*ADDS, *SUBTRACTS):
                    return False
                sides = (left, right) if label in ADDS else (left,)
                for side in sides:
                    trial: Counter[str] = Counter()
                    if self.chain(side, head, steps, trial):
                        counted.update(trial)
                        counted[side.key] += 1
                        return True
            case Operation(function=np.positive, operands=[only]):
                if isinstance(only, Ref) and self.chain(only, head, steps, counted):
                    counted[only.key] += 1
                    return True
            case Branch(phis=phis, body=body, orelse=orelse):
                inner = next(p for p in phis if p.output.key == ref.key)
                for source, region in ((inner.first, body), (inner.second, orelse)):
                    if not self.chain(source, head, region.steps, counted):
                        return False
                    assert source is not None
                    counted[source.key] += 1
                return True
        return False

    # ---- with

    def scope_back(self, step: Scope) -> None:
        out, self.out = self.out, []
        self.block(step.body.steps)
        inner, self.out = self.out, out
        if inner:
            self.emit(With(step.headers, tuple(inner), step.loc, getattr(step.statement, "tag", 0)))


def owned_copy(term: Term) -> ast.expr:
    """An expression whose memory is its own: a name or a view of an array is copied."""
    _, inner = without_sign(term.expr)
    if isinstance(inner, (ast.Name, ast.Attribute, ast.Subscript)) and inner is term.expr and not term.number.is_plain:
        return method(term.expr, "copy")
    return term.expr
