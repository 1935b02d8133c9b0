"""Branches on data: blocks that are walked on their own, and what their ends have in common.

    if x > 0: y = x        both blocks are walked from the same variables; y is
    else: y = -x           then one of two values, under one name
"""
from __future__ import annotations

import ast
import copy
from collections.abc import Callable, Iterable, Iterator
from typing import Any

import numpy as np

from srcad.dims import Undecided
from srcad.inference import Branch, ListStep, Loop, Phi, Region, Scope, Step, current, fractional
from srcad.ir import UNPLACED, Assign, Block, Break, If, Raise, Statement, With, walk, with_blocks
from srcad.kinds import Number, Record, Ref, Sequence, Series, Static
from srcad.loopcode import at_ends, breaks_off
from srcad.merge import NOTHING, Apart, Env, Instances, Merger, fork, pairs, reachable
from srcad.protocols import truth
from srcad.runtime import handled, scope
from srcad.scopes import HANDLED
from srcad.syntax import name
from srcad.series import Grows, Lists
from srcad.writes import Split

SCOPED = ("bound", "impure", "raising", "active", "shown", "user_names", "kinds", "changes", "snapshots", "aliases", "kept", "lists", "users", "reads", "item_reads", "stored", "steps", "counters", "helpers")
FACTS = ("computed", "shapes", "dim_names", "imported")


class Regions(Lists):
    """Walks branches and loops."""

    ending: str = ""  # how the block being walked ends: "", "break", "raise", "return"
    breaks: list[tuple[Break, Env]]
    offset: int = 0

    def block(self, block: Block) -> None:
        raise NotImplementedError

    def site(self, kind: str, statement: Statement) -> tuple[object, ...]:
        loc = statement.loc
        return (kind, loc.file, loc.line, loc.column, loc.index % 100_000)

    # ---- blocks on their own

    def region(self, walk: Callable[[], None]) -> Region:
        """What a block does, kept apart; values computed in it are not known outside."""
        state, facts = self.state, self.state.facts
        computed, shapes, dim_names, kept = dict(facts.computed), list(facts.shapes), dict(facts.dim_names), dict(state.kept)
        ending, self.ending = self.ending, ""
        region, state.regions = state.region, state.regions + 1
        state.region = state.regions
        try:
            return self.apart(walk)
        finally:
            state.region = region
            facts.computed, facts.shapes, facts.dim_names, state.kept = computed, shapes, dim_names, kept
            self.ending = ending

    def apart(self, walk: Callable[[], None]) -> Region:
        """What a block writes and records, in lists of its own."""
        state = self.state
        outer, state.statements, state.operations = (state.statements, state.operations), [], []
        try:
            walk()
            return Region(tuple(state.statements), tuple(state.operations), self.ending == "break", self.ending == "raise")
        finally:
            state.statements, state.operations = outer

    def tag(self) -> int:
        self.state.tags += 1
        return self.state.tags

    def live_after(self, statement: Statement) -> frozenset[str] | None:
        """The names that may be read after a statement; None where that is not known."""
        return self.frame.live.after.get(id(statement)) if self.frame.live is not None else None

    # ---- branches

    def branch(self, statement: If) -> None:
        test = truth(self, self.evaluate(statement.test, None))
        try:
            self.block(statement.body if self.decide(test) else statement.orelse)
        except (LookupError, Undecided) as problem:
            if isinstance(problem, KeyError | IndexError):
                raise
            self.dynamic_branch(statement, test)

    def dynamic_branch(self, statement: If, test: Ref) -> None:
        """A branch whose test only the run can tell."""
        if isinstance(test.value, Sequence) and test.value.series is not None:
            test = self.length_ref(test.value.series)
        if isinstance(test.value, Number) and not test.number.is_plain and self.shadowed(test):
            test = self.kept(test)
        base, loc = fork(self.state), self.moved(statement.loc)
        self.state.choices.append(test.number.origin)
        try:
            body = self.region(lambda: self.block(statement.body))
            one = fork(self.state)
            base.restore()
            orelse = self.region(lambda: self.block(statement.orelse))
        finally:
            self.state.choices.pop()
        two, self.loc = fork(self.state), loc
        if body.raises or orelse.raises:
            self.raising_branch(statement, test, body, orelse, one, two)
            return
        site = self.site("if", statement)
        base.restore()
        phis = self.joined(site, base, one, two, self.live_after(statement))
        first, second = self.copies(phis, 0), self.copies(phis, 1)
        made = If(test.expr, with_copies(body.statements, first), with_copies(orelse.statements, second), self.loc, self.tag())
        self.write(made)
        differentiated = tuple(p for p in phis if p.output.key in self.state.active and not self.shadowed_same(p))
        if body.steps or orelse.steps or differentiated:
            at = len(self.state.statements)
            sizes = self.sizes_after([*body.steps, *orelse.steps])
            self.state.statements[at - 1 :] = sized(made, self.state.statements[at:])
            self.record(Branch(test.expr, body, orelse, differentiated, self.loc, made, sizes))
        self.ending = "break" if body.stops and orelse.stops else ""

    def sizes_after(self, steps: Iterable[Step]) -> dict[str, str]:
        """Names for the lengths of the lists that inner steps have changed or read."""
        return {series.name: self.size_of(series) for series in {s.name: s for s in lists_in(steps)}.values()}

    def raising_branch(self, statement: If, test: Ref, body: Region, orelse: Region, one: Env, two: Env) -> None:
        """A path that raises is only a check: the other one goes on."""
        if body.raises:
            self.write(If(test.expr, body.statements, orelse.statements if orelse.raises else (), self.loc))
            going, env = orelse, two
        else:
            self.write(If(ast.UnaryOp(op=ast.Not(), operand=test.expr), orelse.statements, (), self.loc))
            going, env = body, one
        if body.raises and orelse.raises:
            self.ending = "raise"
            return
        env.restore()
        self.state.statements.extend(going.statements)
        self.state.operations.extend(going.steps)
        self.ending = "break" if going.stops else ""

    def shadowed_same(self, phi: Phi) -> bool:
        """Whether a joined array is one and the same memory on both paths: its adjoint is that memory's."""
        places = [r.number.place for r in (phi.output, phi.first, phi.second) if r is not None]
        return self.shares_adjoint(phi.output) and all(p is not None and p.buffer is places[0].buffer for p in places)  # type: ignore[union-attr]

    def joined(self, site: tuple[object, ...], base: Env, one: Env, two: Env, live: frozenset[str] | None) -> list[Phi]:
        """Set the variables to what both paths have in common; returns the names that were made for it."""
        merger = Merger(self.state, site, base)
        instances = Instances(self.state, self.new_name)
        phis: list[Phi] = []
        first, second = one.variables(self.frame), two.variables(self.frame)
        for identifier in dict.fromkeys([*first, *second]):
            if identifier.startswith("<item"):  # of a loop that is written out: taken already
                continue
            a, b = first.get(identifier), second.get(identifier)
            if live is not None and identifier not in live and not identifier.startswith("<"):
                self.frame.locals[identifier] = a if a is b and a is not None else NOTHING
                continue
            self.frame.locals[identifier] = self.met(merger, instances, phis, a, b, identifier, site)
        for key, (container, _) in base.containers.items():
            held, other = one.containers.get(key), two.containers.get(key)
            if held is None or other is None:  # nothing leads to it any more
                continue
            container.items = self.met_items(merger, instances, phis, container, held[1], other[1], site)
        self.check_shared(phis, live)
        return phis

    def met(self, merger: Merger, instances: Instances, phis: list[Phi], a: Ref | None, b: Ref | None, label: str, site: tuple[object, ...]) -> Ref:
        try:
            made = instances.named(merger.merge(a, b), label)
        except Apart as problem:
            raise Split(f"after it `{label.strip('<>')}` would be {problem}. Make it one kind of thing on both paths.", self.loc, site) from None
        known = {p.output.key for p in phis}
        for leaf, first, second in pairs(made, a, b):
            if isinstance(leaf.expr, ast.Name) and id(leaf) in {id(r) for r in instances.made.values()} and leaf.key not in known:
                phis.append(Phi(leaf, first, second))
        return current(made)

    def met_items(self, merger: Merger, instances: Instances, phis: list[Phi], container: Sequence | Record, first: Any, second: Any, site: tuple[object, ...]) -> Any:
        if first is second:
            return first
        if isinstance(container, Record):
            if list(first) != list(second):
                raise Split("a dict or an object would have other items on one path than on the other.", self.loc, site)
            return {k: self.met(merger, instances, phis, first[k], second[k], str(k) if str(k).isidentifier() else "item", site) for k in first}
        if len(first) != len(second):
            alone = not self.state.loops and site not in self.state.knowledge.split  # what follows can be walked for each path
            if not alone and container.type is list and container.site and container.site not in self.state.knowledge.series:
                self.state.knowledge.series[container.site] = (None, False)
                raise Grows(container.site, self.loc, found=True)
            raise Split("a list would be longer on one path than on the other.", self.loc, site)
        return tuple(self.met(merger, instances, phis, a, b, "item", site) for a, b in zip(first, second))

    def check_shared(self, phis: list[Phi], live: frozenset[str] | None) -> None:
        """Mark joined memory that another name leads to as well: it must not be written to."""
        places = {p.output.key: p.output.number.place for p in phis if p.output.number.place is not None and p.output.number.place.buffer.root is p.output}
        if not places:
            return
        others = list(reachable(fork(self.state), (self.frame, live) if live is not None else None))
        for key, place in places.items():
            assert place is not None
            family = place.buffer.family() - {place.buffer}
            for buffer in place.buffer.sources:
                self.state.users[buffer] = (*self.state.users.get(buffer, ()), place.buffer)
            if any(o.key != key and o.number.place is not None and o.number.place.buffer.family() & family for o in others):
                place.buffer.shared = True

    @staticmethod
    def copies(phis: list[Phi], side: int) -> list[Statement]:
        """The assignments at the end of a path."""
        out: list[Statement] = []
        for phi in phis:
            source = phi.second if side else phi.first
            if source is not None:
                out.append(Assign(phi.output.key, fractional(source, phi.output), UNPLACED))
        return out

    # ---- with

    def with_block(self, statement: With) -> None:
        headers = tuple(h for h in map(self.with_header, statement.headers) if h is not None)
        if not headers:
            self.block(statement.body)
            return
        made = self.apart(lambda: self.block(statement.body))
        written = With(headers, made.statements, self.moved(statement.loc), self.tag())
        self.write(written)
        if not any("errstate" in ast.unparse(h) for h in headers):  # what may raise must, where it is handled
            self.state.impure.update(s.target for s in walk(made.statements) if isinstance(s, Assign) and s.target in self.state.raising)
        if made.steps:
            self.record(Scope(headers, made, self.moved(statement.loc), written))

    def renamed(self, expr: ast.expr) -> ast.expr:
        raise NotImplementedError

    def with_header(self, header: ast.expr) -> ast.expr | None:
        """The context as the generated code has it; None for a scope, which is only a name."""
        assert isinstance(header, ast.Call)
        if isinstance(header.func, ast.Name) and header.func.id == HANDLED and HANDLED not in self.frame.locals:
            label = next((k for k, v in self.state.helpers.items() if v is handled), None) or self.state.namer.adjoint(HANDLED)
            self.state.helpers[label] = handled
            return ast.Call(func=name(label), args=[self.renamed(a) for a in header.args], keywords=[])
        func = self.evaluate(header.func, None)
        if isinstance(func.value, Static) and func.value.value is scope:
            return None
        if not (isinstance(func.value, Static) and func.value.value is np.errstate) or header.args:
            self.refuse("only np.errstate(...) and srcad.scope(...) may stand in a with statement here.")
        return ast.Call(func=func.expr, args=header.args, keywords=header.keywords)


def lists_in(steps: Iterable[Step]) -> Iterator[Series]:
    for step in steps:
        match step:
            case ListStep(series=series):
                yield series
            case Branch(body=body, orelse=orelse):
                yield from lists_in((*body.steps, *orelse.steps))
            case Loop(body=body) | Scope(body=body):
                yield from lists_in(body.steps)


def sized(branch: If, lengths: list[Statement]) -> list[Statement]:
    """A branch and the lengths of lists after it; on each of its paths, where one breaks off: nothing follows that."""
    if lengths and breaks_off((branch,)):
        return [with_blocks(branch, lambda b: at_ends(b, lengths))]
    return [branch, *lengths]


def with_copies(block: Block, copies: list[Statement]) -> Block:
    """A block with assignments at its end, before a break."""
    if block and isinstance(block[-1], (Break, Raise)):
        return (*block[:-1], *copies, block[-1])
    return (*block, *copies)


def checkpoint(walker: Regions) -> dict[str, Any]:
    """What a walk that is tried must undo if it fails, once."""
    state = walker.state
    kept: dict[str, Any] = {label: copy.copy(getattr(state, label)) for label in SCOPED}
    kept |= {f"facts.{label}": copy.copy(getattr(state.facts, label)) for label in FACTS}
    kept["namer"] = (set(state.namer.taken), dict(state.namer.counts))
    kept["blocks"] = (list(state.statements), list(state.operations))
    kept["passes"] = state.passes
    return kept


def rollback(walker: Regions, kept: dict[str, Any]) -> None:
    state = walker.state
    for label in SCOPED:
        setattr(state, label, kept[label])
    for label in FACTS:
        setattr(state.facts, label, kept[f"facts.{label}"])
    taken, state.namer.counts = kept["namer"]
    taken |= state.global_names  # what has been read by its name stays so
    state.facts.forget(state.namer.taken - taken)
    state.namer.taken = taken
    state.statements, state.operations = kept["blocks"]
    state.passes = kept["passes"]  # events go on: what was made in a walk that is undone comes before what is made now
