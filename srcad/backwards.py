"""The chain rule for branches and loops.

    if c: A         the same branch:    if c: reverse of A
    for t in r: A   the passes turned:  for t in reversed(r): reverse of A
"""
from __future__ import annotations

import ast
import dataclasses
import functools
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

import numpy as np

from srcad.adjoints import adjoint_kind, cast, filled, full, zeros
from srcad.dims import Dim
from srcad.inference import Branch, ListStep, Loop, Operation, Phi, Region, Scope, Step, Write
from srcad.ir import Assign, For, If, Statement, While, With
from srcad.kinds import Number, Ref
from srcad.recording import heads_of
from srcad.scatter import Scatter
from srcad.listback import ListBack
from srcad.shadows import closed, every_step, flows, made_by, read_by
from srcad.simplify import parallel
from srcad.uses import bound, rebound, touched
from srcad.syntax import call, const, is_path, name, names
from srcad.terms import Term, literal

ADDS = ("add",)
SUBTRACTS = ("subtract", "sub")


def got_back(loop: Loop) -> list[str]:
    """The names that a loop in reverse gives other values to: its counter, and the variables that it hands on."""
    assert isinstance(loop.statement, (For, While))
    return [loop.target, *(target for target, _ in heads_of(loop.statement.body))]


class Backwards(ListBack):
    """Reverses branches and loops."""

    carried_names: dict[str, str]
    known: dict[str, Ref]  # what is given to, by its key
    bound_in: dict[Region, set[str]]  # the names that regions give values to

    def block(self, steps: Sequence[Step]) -> None:
        raise NotImplementedError

    def consume(self, output: Ref) -> Term | None:
        raise NotImplementedError

    def write_scatter(self, ref: Ref, scatter: Scatter) -> None:
        raise NotImplementedError

    def accumulate(self, key: str, term: Term) -> None:
        raise NotImplementedError

    def structure(self, step: Step) -> None:
        self.write_down_before(step)
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
            case ListStep():
                self.list_back(step)
        self.settled(step)

    def write_down_before(self, step: Step) -> None:
        """Write down what waits as an expression if it reads what the passes of a loop get back under the same name."""
        changed = {target for inner in every_step([step]) if isinstance(inner, Loop) for target in got_back(inner)}
        if not changed:
            return
        for key in [k for k, term in self.held.items() if changed & set(names(term.expr))]:
            self.flush(key)
        for key, waiting in list(self.scatters.items()):
            if any(changed & {*names(s.value.expr), *names(s.index)} for s in waiting):
                for scatter in self.scatters.pop(key):
                    self.write_scatter(self.known[key], scatter)

    def settled(self, step: Step) -> None:
        for ref in read_by(step):
            self.remaining[ref.key] -= 1
            self.dense[ref.key] -= 1

    # ---- branches

    def branch_back(self, step: Branch) -> None:
        self.loc = step.loc
        given = [(phi, term) for phi in step.phis if (term := self.complete(phi.output)) is not None]
        outer = self.outer(step, [step.body, step.orelse])
        if not given and not any(self.reached_by(region) for region in (step.body, step.orelse)):
            return
        given = [(phi, self.written_down(phi.output.key, term)) for phi, term in given]
        outer_redirect, self.redirected = self.redirected, {**self.redirected, **self.redirects(step, outer)}
        outer = [ref for ref in outer if ref.key not in self.redirected]
        for ref in outer:
            self.materialise(ref)
        self.lists_ready(step)
        before = self.snapshot()
        first, one = self.arm(step.body, [(phi.first, self.as_source(term, phi, phi.first)) for phi, term in given], outer)
        after_one = self.snapshot()
        self.resume(before)
        second, two = self.arm(step.orelse, [(phi.second, self.as_source(term, phi, phi.second)) for phi, term in given], outer)
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
        self.masks = {key: mask for key, mask in self.masks.items() if after_one["masks"].get(key) is mask}  # what was set before; those of one path say nothing here
        for target, kind in after_one["kinds"].items():
            other = self.kinds.setdefault(target, kind)
            if kind.is_plain and other.is_plain and kind.form != other.form:
                self.kinds[target] = dataclasses.replace(other, form="scalar")
        self.redirected = outer_redirect
        if first or second:
            self.emit(If(step.test, tuple(first), tuple(second), step.loc, getattr(step.statement, "tag", 0)))

    def as_source(self, term: Term, phi: Phi, source: Ref | None) -> Term:
        """What reaches a joined value, for the one that it was on a path: of one shape, whichever dimensions they are known by."""
        number, target = term.number, source.number if source is not None else None
        if target is not None and number.shape and target.shape is not None and len(target.shape) == len(number.shape) and full(number, phi.output.number):
            number = dataclasses.replace(number, shape=target.shape)
        return Term(term.expr, number, self.facts)

    def redirects(self, step: Branch, outer: list[Ref]) -> dict[str, tuple[Ref, Scatter]]:
        """Elements that only this branch reads: what reaches `v = x[i]` inside it goes to dx[i] at once."""
        found = {}
        uses = Counter(r.key for inner in every_step([step]) for r in read_by(inner))
        for ref in outer:
            maker = self.producer.get(ref.key)
            if maker is None or maker.rule is not None or id(maker) not in self.current or not ref.number.is_plain:
                continue
            base = maker.operands[0]
            if self.is_shadowed(base):
                continue
            alone = self.remaining[ref.key] == uses[ref.key] and not {ref.key} & (self.names.keys() | self.held.keys() | self.scatters.keys())
            if alone and base.key in self.names and full(self.kinds[self.names[base.key]], base.number) and base.number.ndim:
                found[ref.key] = base, Scatter(maker.params["slice"], Term(ref.expr, ref.number, self.facts), True)
        return found

    def arm(self, region: Region, given: list[tuple[Ref | None, Term]], outer: list[Ref]) -> tuple[list[Statement], dict[str, str]]:
        """One arm of a branch in reverse, with the names of the adjoints that it leaves."""
        out, self.out = self.out, []
        loc = self.loc
        for ref, term in given:
            if ref is not None and ref.key in self.state.active:
                self.loc = loc
                self.contribute(ref, term)
        self.block(region.steps)
        for ref in outer:
            self.materialise(ref)
            if ref.key in self.names and not ref.number.is_plain:
                self.fill(ref)
        statements, self.out = self.out, out
        return statements, {ref.key: self.names[ref.key] for ref in outer if ref.key in self.names}

    def blank(self, ref: Ref, out: list[Statement]) -> None:
        """An arm that gives nothing leaves zeros; to what another branch has made, and is not there on this path, an empty array, which nothing reads."""
        number = ref.number if ref.key not in self.one_sided or ref.number.is_plain else dataclasses.replace(ref.number, form="array", shape=tuple(Dim.of(0, self.facts) for _ in ref.number.shape or (0,)))
        nothing = self.nothing(dataclasses.replace(ref, value=number))
        out.append(Assign(self.allotted[ref.key], nothing.expr, dataclasses.replace(self.here(), text="")))  # no statement of this arm is undone

    def nothing(self, ref: Ref) -> Term:
        """Zeros like a variable, which may have no value yet: before the first pass of a loop."""
        found = zeros(ref.number, self.facts, Term(ref.expr, ref.number, self.facts))
        if ref.key not in self.unset_before or ref.key not in names(found.expr):
            return found
        absent = ast.Compare(left=ref.expr, ops=[ast.Is()], comparators=[const(None)])
        return Term(ast.IfExp(test=absent, body=const(0.0), orelse=found.expr), found.number, self.facts)

    @functools.cached_property
    def unset_before(self) -> set[str]:
        """The variables of loops that have no value before the first pass."""
        return {phi.output.key for step in self.every if isinstance(step, Loop) for phi in step.phis if phi.first is None}

    @functools.cached_property
    def one_sided(self) -> set[str]:
        """What only one path of a branch has given a value."""
        return {phi.output.key for step in self.every if isinstance(step, Branch) for phi in step.phis if phi.first is None or phi.second is None}

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
        """Whether anything in a region may be given to: memory that it writes to or leaves behind, or reads of names that have adjoints."""
        for step in every_step(region.steps):
            if isinstance(step, ListStep) and step.series.active:
                return True
            memory = [self.root(ref).key for made, _ in flows(step) for ref in made if self.is_shadowed(ref)]
            if any(isinstance(step, Operation) or key in self.names or key in self.held or key in self.scatters for key in memory):
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
        if isinstance(step, Loop):
            used += [p.second for p in step.phis if p.second is not None]
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

    def born_inside(self, ref: Ref, regions: list[Region]) -> bool:
        """Whether memory was made inside: `t = np.zeros(3)` is no operation, but its adjoint does not outlive the pass."""
        return any(ref.key in self.names_bound(region) for region in regions)

    def names_bound(self, region: Region) -> set[str]:
        if region not in self.bound_in:
            self.bound_in[region] = {t for s in region.statements for t in rebound(s)}
        return self.bound_in[region]

    # ---- loops

    def loop_back(self, step: Loop) -> None:
        self.loc = dataclasses.replace(step.loc, text="")
        given = {phi.output.key: term for phi in step.phis if (term := self.complete(phi.output)) is not None}
        outer = self.outer(step, [step.body])
        fed = self.fed(step, set(given))
        chains = {phi.output.key: self.adds_up(step.body, phi, [p for p in step.phis if p is not phi and p.output.key in fed]) for phi in step.phis if phi.output.key in given}
        steady = [phi for phi in step.phis if chains.get(phi.output.key)]
        if not given and not self.reached_by(step.body):
            return
        outer = [ref for ref in outer if ref.key in fed and ref.key not in self.redirected]
        for ref in outer:
            self.prepared(ref)
        self.lists_ready(step)
        steady_terms = {phi.output.key: self.steady_term(phi, given[phi.output.key]) for phi in steady}
        moving = [phi for phi in step.phis if phi not in steady and phi.output.key in fed]
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

    def fed(self, step: Loop, known: set[str]) -> set[str]:
        """What something of the result may reach in a loop, round and round: the rest of its memory has no adjoint."""
        inside = list(every_step([step]))
        known |= self.names.keys() | self.held.keys() | self.scatters.keys() | self.steady.keys()
        known |= {self.stem(ref) for s in inside if isinstance(s, ListStep) for ref in s.values}
        through = [(self.either_key(made), self.either_key(used)) for s in reversed(inside) for made, used in flows(s)]
        return closed(known, through)

    def either_key(self, refs: Iterable[Ref]) -> set[str]:
        """The keys of values, and those of the memory that they lie in."""
        return {key for ref in refs for key in (ref.key, self.stem(ref))}

    def after_loop(self, phi: Phi, term: Term) -> None:
        """What reaches a loop's variable at its head the first time goes to its value before."""
        self.forget(phi.output.key)
        if phi.first is not None and phi.first.key in self.state.active:
            self.contribute(phi.first, self.as_source(term, phi, phi.first))

    def forget(self, key: str) -> None:
        """A loop's variable is another one in every pass: what is known of its adjoint here does not hold there."""
        for table in (self.names, self.held, self.literals, self.stored):
            table.pop(key, None)  # type: ignore[attr-defined]

    def prepared(self, ref: Ref) -> None:
        """An adjoint that the passes of a loop add to: there from the beginning, of its full shape."""
        self.materialise(ref)
        if ref.key not in self.names:
            blank = self.nothing(ref)
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
            term = self.nothing(output)
        if term.number.is_plain and output.number.shape:  # passes may add to an array of it in place
            term = self.named_only(term)
        term = cast(filled(term, output.number, self.facts, owned=True), output.number)
        value = literal(term)
        expr = const(float(value)) if value is not None and term.number.form == "python" else term.expr
        self.forget(output.key)
        target = self.state.namer.adjoint(f"d{output.key}") if self.allotted.get(output.key) is None else self.allotted[output.key]
        self.allotted[output.key] = target
        if not (isinstance(expr, ast.Name) and expr.id == target):
            self.emit(Assign(target, expr, self.here()))
        self.kinds[target] = adjoint_kind(output.number)
        self.widen(target, term)
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
            self.forget(key)
            if key not in steady:
                self.allotted.pop(key, None)
        with self.facts.without({phi.output.key for phi in step.phis} | self.names_bound(step.body)):
            for phi in step.phis:
                if phi.second is None or phi.second.key not in self.state.active:
                    continue
                key = phi.output.key
                if key not in carried:
                    continue
                term = Term(name(carried[key]), self.kinds[carried[key]], self.facts)
                self.contribute(phi.second, self.as_source(term, phi, phi.second))
            self.block(step.body.steps)
            for ref in outer:
                self.materialise(ref)
            self.loc = dataclasses.replace(step.loc, text="")
            self.carried_names = carried
            ends = [(carried[phi.output.key], self.at_head(phi)) for phi in moving]
        statements = [*self.out, *parallel(ends, self.state.namer)]
        self.out, self.steady = out, outer_steady
        kinds, done = self.kinds, self.done
        self.resume(before)
        self.kinds, self.done = {**kinds, **self.handed_on(kinds, carried, statements)}, done
        for phi in moving:
            self.allotted[phi.output.key] = carried[phi.output.key]
        return statements

    def handed_on(self, kinds: Mapping[str, Number], carried: Mapping[str, str], statements: list[Statement]) -> dict[str, Number]:
        """The kinds of what passes hand on, as at their head; a number that becomes NumPy's in one makes NumPy's of what the next computes."""
        before = {target: self.kinds[target] for target in carried.values()}
        wider = [t for t, kind in before.items() if kind.is_plain and kind.form == "python" and kinds[t].form != "python"]
        if not wider:
            return before
        plain = {t for s in statements for t in bound(s) if t in kinds and kinds[t].is_plain and kinds[t].form == "python"}
        return {**before, **{t: dataclasses.replace(kinds[t], form="scalar") for t in (*plain, *wider)}}

    def named_only(self, term: Term) -> Term:
        """What a line before only gives a name, without that line; any other term as it is."""
        label = term.expr.id if isinstance(term.expr, ast.Name) else ""
        last = max((i for i, s in enumerate(self.out) if label in touched(s)), default=-1)
        match self.out[last] if last >= 0 else None:
            case Assign(target, ast.Constant() as given) if target == label:
                del self.out[last]
                return Term(given, term.number, self.facts)
        return term

    def widen(self, target: str, term: Term) -> None:
        """A number that is handed on may be NumPy's in some pass."""
        kind = self.kinds[target]
        if kind.is_plain and term.number.form != "python" and kind.form == "python":
            self.kinds[target] = dataclasses.replace(kind, form="scalar")

    def at_head(self, phi: Phi) -> ast.expr:
        """What has reached a loop's variable at the head of a pass."""
        output = phi.output
        term = self.consume(output)
        if term is None:
            term = self.nothing(output)
        term = cast(filled(term, output.number, self.facts), output.number)
        self.widen(self.carried_names[output.key], term)
        value = literal(term)
        return const(float(value)) if value is not None and term.number.form == "python" else term.expr

    def turned(self, step: Loop, body: list[Statement]) -> Statement:
        """The loop with its passes in reverse."""
        tag = getattr(step.statement, "tag", 0)
        if step.iter is None:
            return For(self.state.idle_name(), call("range", [name(step.count)]), tuple(body), (), step.loc, tag)
        passes: ast.expr = step.iter
        if step.count and isinstance(passes, ast.Call) and isinstance(passes.func, ast.Name) and passes.func.id == "range" and len(passes.args) == 1:
            passes = call("range", [name(step.count)])
        elif step.count:
            if isinstance(passes, ast.Call) and isinstance(passes.func, ast.Name) and passes.func.id == "reversed":
                turned = ast.Slice(step=ast.UnaryOp(op=ast.USub(), operand=ast.Constant(value=1)))
                passes = ast.Subscript(value=passes.args[0], slice=turned, ctx=ast.Load())
            passes = ast.Subscript(value=passes, slice=ast.Slice(upper=name(step.count)), ctx=ast.Load())
        match passes:
            case ast.Call(func=ast.Name(id="reversed"), args=[inner]):
                return For(step.target, inner, tuple(body), (), step.loc, tag)
            case ast.Tuple(elts=elts):
                return For(step.target, ast.Tuple(elts=elts[::-1], ctx=ast.Load()), tuple(body), (), step.loc, tag)
        return For(step.target, call("reversed", [passes]), tuple(body), (), step.loc, tag)

    # ---- sums over the passes of a loop

    def adds_up(self, body: Region, phi: Phi, others: Sequence[Phi]) -> set[str]:
        """The values on the way, if a pass only adds to a variable, so that its adjoint is the same in every pass: `s = s + v`. None of them is handed on under another name."""
        if self.is_shadowed(phi.output) or phi.second is None or phi.output.number.shape is None:  # of a shape that may change from pass to pass
            return set()
        uses = Counter(ref.key for step in every_step(body.steps) for ref in read_by(step))
        counted: Counter[str] = Counter()
        if not self.chain(phi.second, phi.output, body.steps, counted):
            return set()
        alone = uses[phi.output.key] == counted[phi.output.key] and all(uses[k] == n for k, n in counted.items() if k != phi.second.key)
        values = {phi.output.key, phi.second.key, *counted}
        handed_on = any(p.second is not None and p.second.key in values for p in others)
        return values if alone and not handed_on and uses[phi.second.key] == counted[phi.second.key] else set()

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
        if len(step.headers) == 1 and "errstate" not in ast.unparse(step.headers[0]):
            self.out += inner
        elif inner:
            self.emit(With(step.headers, tuple(inner), step.loc, getattr(step.statement, "tag", 0)))
