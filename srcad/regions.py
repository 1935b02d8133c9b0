"""Branches on data and loops: blocks that are walked on their own, and what their ends have in common.

    if x > 0: y = x        both blocks are walked from the same variables; y is
    else: y = -x           then one of two values, under one name

    for t in range(n):     walked until what a pass leaves behind is of the kind
        h = f(h)           that was assumed at its head
"""
from __future__ import annotations

import ast
import copy
import dataclasses
from collections.abc import Callable, Iterator
from typing import Any

import numpy as np

from srcad.control import flagged_breaks, jumps
from srcad.dims import Dim, Undecided
from srcad.errors import MissingRuleError, SrcadError, UnsupportedSyntaxError
from srcad.inference import Branch, Loop, Operation, Phi, Region, Scope, Step, Write, current, display, flatten, literal_ref
from srcad.ir import Assign, Block, Break, For, If, Location, Raise, Statement, While, With, with_blocks
from srcad.kinds import INT, Lazy, Number, Range, Record, Ref, Sequence, Static, python
from srcad.merge import NOTHING, Apart, Env, Instances, Merger, covers, fork, is_defined, pairs, reachable
from srcad.syntax import binary, call, const, expression, name, names
from srcad.writes import Split, Writes

PASSES = 600  # a loop is written out for so many passes at most
ATTEMPTS = 12
SCOPED = ("bound", "impure", "raising", "active", "shown", "user_names", "kinds", "changes", "snapshots", "aliases", "kept", "item_reads", "steps", "helpers")
FACTS = ("computed", "shapes", "dim_names", "imported")


class Regions(Writes):
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
        outer = state.statements, state.operations
        state.statements, state.operations = [], []
        computed, shapes, dim_names, kept = dict(facts.computed), list(facts.shapes), dict(facts.dim_names), dict(state.kept)
        ending, self.ending = self.ending, ""
        region, state.regions = state.region, state.regions + 1
        state.region = state.regions
        try:
            walk()
            return Region(tuple(state.statements), tuple(state.operations), self.ending == "break", self.ending == "raise")
        finally:
            state.statements, state.operations = outer
            state.region = region
            facts.computed, facts.shapes, facts.dim_names, state.kept = computed, shapes, dim_names, kept
            self.ending = ending

    def tag(self) -> int:
        self.state.tags += 1
        return self.state.tags

    def live_after(self, statement: Statement) -> frozenset[str] | None:
        """The names that may be read after a statement; None where that is not known."""
        return self.frame.live.after.get(id(statement)) if self.frame.live is not None else None

    # ---- branches

    def branch(self, statement: If) -> None:
        test = self.evaluate(statement.test, None)
        try:
            self.block(statement.body if self.decide(test) else statement.orelse)
        except (LookupError, Undecided) as problem:
            if isinstance(problem, KeyError | IndexError):
                raise
            self.dynamic_branch(statement, test)

    def dynamic_branch(self, statement: If, test: Ref) -> None:
        """A branch whose test only the run can tell."""
        if isinstance(test.value, Number) and not test.number.is_plain and self.shadowed(test):
            test = self.kept(test)
        base, loc = fork(self.state), self.moved(statement.loc)
        body = self.region(lambda: self.block(statement.body))
        one = fork(self.state)
        base.restore()
        orelse = self.region(lambda: self.block(statement.orelse))
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
            self.record(Branch(test.expr, body, orelse, differentiated, self.loc, made))
        self.ending = "break" if body.stops and orelse.stops else ""

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
        return self.shadowed(phi.output) and all(p is not None and p.buffer is places[0].buffer for p in places)  # type: ignore[union-attr]

    def joined(self, site: tuple[object, ...], base: Env, one: Env, two: Env, live: frozenset[str] | None) -> list[Phi]:
        """Set the variables to what both paths have in common; returns the names that were made for it."""
        merger = Merger(self.state, site, base)
        instances = Instances(self.state, self.new_name)
        phis: list[Phi] = []
        variables = {id(f): v for f, v in one.frames}[id(self.frame)], {id(f): v for f, v in two.frames}[id(self.frame)]
        for identifier in dict.fromkeys([*variables[0], *variables[1]]):
            a, b = variables[0].get(identifier), variables[1].get(identifier)
            if live is not None and identifier not in live and not identifier.startswith("<"):
                self.frame.locals[identifier] = a if a is b and a is not None else NOTHING
                continue
            self.frame.locals[identifier] = self.met(merger, instances, phis, a, b, identifier, site)
        for key, (container, _) in base.containers.items():
            first, second = one.containers.get(key), two.containers.get(key)
            if first is None or second is None:  # nothing leads to it any more
                continue
            container.items = self.met_items(merger, instances, phis, container, first[1], second[1], site)
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
                buffer.users.append(place.buffer)
            if any(o.key != key and o.number.place is not None and o.number.place.buffer.family() & family for o in others):
                place.buffer.shared = True

    @staticmethod
    def copies(phis: list[Phi], side: int) -> list[Statement]:
        """The assignments at the end of a path."""
        out: list[Statement] = []
        for phi in phis:
            source = phi.second if side else phi.first
            if source is not None:
                out.append(Assign(phi.output.key, source.expr, NOWHERE_LOC))
        return out

    # ---- loops

    def for_loop(self, statement: For) -> None:
        iterable = self.evaluate(statement.iter, None)
        items = self.known_items(iterable)
        if items is not None:
            self.unrolled(statement, items)
            return
        counter = self.counter(iterable)
        self.either(statement, lambda: self.structured(statement, counter, iterable), lambda: self.unrolled(statement, self.unrolled_items(iterable)))

    def either(self, statement: Statement, structured: Callable[[], None], unrolled: Callable[[], None]) -> None:
        """A loop as a loop if it can be one, else written out."""
        state = self.state
        site = self.site("loop", statement)
        if site in state.knowledge.unrolled:
            unrolled()
            return
        base, point, ending = fork(state), checkpoint(self), self.ending
        try:
            structured()
            return
        except MissingRuleError:
            raise
        except Split as problem:
            if problem.site[:5] != site:  # type: ignore[index]
                raise
            first: SrcadError = problem
        except UnsupportedSyntaxError as problem:
            first = problem
        except (ValueError, IndexError, TypeError, LookupError, AttributeError, ArithmeticError, AssertionError) as problem:
            if isinstance(problem, SrcadError):
                raise
            first = UnsupportedSyntaxError(f"the statement is not understood ({type(problem).__name__}: {problem}). Write it another way.", self.loc)
        rollback(self, point)
        base.restore()
        self.ending = ending
        try:
            unrolled()
        except Endless:
            if isinstance(first, Split):
                raise UnsupportedSyntaxError(first.reason, first.loc) from None
            raise first from None
        state.knowledge.unrolled.add(site)

    def structured(self, statement: For | While, counter: Ref | None, iterable: Ref | None) -> None:
        """Walk a loop until what a pass leaves behind is of the kind assumed at its head."""
        site = self.site("loop", statement)
        base = fork(self.state)
        head_live, after = (self.frame.live.head.get(id(statement)), self.live_after(statement)) if self.frame.live else (None, None)
        assumed: dict[Any, Ref] = {}
        loop_id = self.state.event
        for _ in range(ATTEMPTS):
            point = checkpoint(self)
            base.restore()
            walked = self.one_pass(statement, counter, iterable, assumed, base, site, head_live, loop_id)
            if walked is not None:
                self.finish(statement, counter, walked, base, after)
                return
            rollback(self, point)
        self.refuse("what a pass of this loop leaves behind is not of one kind.")

    def one_pass(self, statement: For | While, counter: Ref | None, iterable: Ref | None, assumed: dict[Any, Ref], base: Env,
                 site: tuple[object, ...], live: frozenset[str] | None, loop_id: int) -> tuple[Any, ...] | None:
        state = self.state
        instances = Instances(state, self.new_name)
        heads = {slot: instances.named(template, slot_label(slot)) for slot, template in assumed.items()}
        for slot, ref in heads.items():
            set_slot(self.frame, base, slot, ref)
        before = fork(state)
        index = self.open_counter(counter, statement.target if isinstance(statement, For) and iterable is not None and isinstance(iterable.value, Range) else "")
        outer_breaks, self.breaks = getattr(self, "breaks", []), []
        state.loops = (*state.loops, loop_id)
        count = state.namer.temporary("count")
        try:
            region = self.region(lambda: self.one_body(statement, index, iterable))
        finally:
            state.loops = state.loops[:-1]
            breaks, self.breaks = self.breaks, outer_breaks
        end = fork(state)
        region = self.useful(region, end, live)
        merger = Merger(state, (*site, "head"), base)
        stable = True
        for slot, first, second in changed_slots(self.frame, before, end, base):
            if slot[0] == "local" and live is not None and slot[1] not in live and not slot[1].startswith("<"):
                continue
            if slot in heads and covers(heads[slot], second, state.active):
                continue
            stable = False
            init = get_slot(self.frame, base, slot)
            try:
                template = self.wider(merger, heads[slot], second, init) if slot in assumed else merger.merge(init, second)
            except Apart as problem:
                raise Split(f"after a pass of this loop `{slot_label(slot)}` would be {problem}. Make it one kind of thing.", statement.loc, (*site, "head")) from None
            assumed[slot] = template
        if not stable:
            return None
        return region, heads, instances, end, breaks, index, count

    def useful(self, region: Region, end: Env, live: frozenset[str] | None) -> Region:
        """A pass without the operations that nothing is made of: what only a test reads has no derivative."""
        if live is None:
            return region
        keys = {ref.key for ref in reachable(end, (self.frame, live))}
        kept: list[Step] = []
        for step in reversed(region.steps):
            if isinstance(step, Operation):
                if not any(o.key in keys or self.shadowed(o) for o in step.outputs):
                    continue
                keys.update(r.key for r in flatten(step.operands))
            else:
                keys.update(used_deep(step))
            kept.append(step)
        return dataclasses.replace(region, steps=tuple(reversed(kept)))

    def wider(self, merger: Merger, head: Ref, end: Ref | None, init: Ref | None) -> Ref:
        """The kind of a loop's variable once more, with what another pass has shown."""
        template = merger.merge(init, end)
        return widened(template, head, end, merger)

    def one_body(self, statement: For | While, index: Ref | None, iterable: Ref | None) -> None:
        if isinstance(statement, For):
            assert index is not None and iterable is not None
            self.loc = self.moved(statement.loc)
            self.bind_ref(statement.target, self.item_at(iterable, index))
            self.block(statement.body)
        else:
            stop: Block = (Break(statement.loc),)
            self.block((*statement.head, If(statement.test, statement.body, stop, statement.loc)))

    def bind_ref(self, target: str, ref: Ref) -> None:
        raise NotImplementedError

    def moved(self, loc: Any) -> Any:
        return dataclasses.replace(loc, index=loc.index + 100_000 * self.offset) if self.offset else loc

    def finish(self, statement: For | While, counter: Ref | None, walked: tuple[Any, ...], base: Env, after: frozenset[str] | None) -> None:
        """Write the loop down, and what it leaves behind."""
        region, heads, instances, end, breaks, index, count = walked
        state = self.state
        phis: list[Phi] = []
        ends: dict[Any, Ref | None] = {slot: get_slot(self.frame, end, slot) for slot in heads}
        made = {id(r) for r in instances.made.values()}
        for slot, head in heads.items():
            init = get_slot(self.frame, base, slot)
            for leaf, first, second in pairs(head, init, ends[slot]):
                if id(leaf) in made and leaf.key not in {p.output.key for p in phis}:
                    phis.append(Phi(leaf, first, second))
        self.restore_heads(base, end, heads, after)
        self.close_memory(phis)
        for phi in phis:
            if phi.first is not None:
                self.write(Assign(phi.output.key, phi.first.expr, NOWHERE_LOC))
        leaving = {id(marker): self.leaving(phis, heads, env) for marker, env in breaks}
        body = with_copies(region.statements, parallel([(p.output.key, p.second) for p in phis if p.second is not None], state.namer))
        body = with_breaks(body, leaving, state.namer)
        loc = statement.loc
        counted = bool(breaks) or isinstance(statement, While)
        inner = trivial_exit(region, phis, state.active)
        if counted:
            self.write(Assign(count, const(0), NOWHERE_LOC))
            state.kinds[count] = python(INT)
            body = count_passes(body, count, inner is not None)
        if isinstance(statement, For):
            assert index is not None and counter is not None and isinstance(counter.value, Range)
            loop: Statement = For(index.key, counter.value.expr, body, (), self.moved(loc), self.tag())
        else:
            loop = While((), const(True), body, (), self.moved(loc), self.tag())
        self.write(loop)
        active = tuple(p for p in phis if p.output.key in state.active and not self.shadowed_same(p))
        side: tuple[int, bool] | None = None
        if region.steps or active:
            if inner is not None:
                region, ends_inside, side = inner
                active = tuple(dataclasses.replace(p, second=ends_inside.get(p.output.key, p.second)) for p in active)
            iterates = counter.value.expr if isinstance(statement, For) and counter is not None and isinstance(counter.value, Range) else None
            self.record(Loop(index.key if index is not None else "", iterates, count if counted else "", region, active, self.moved(loc), loop, side))

    def leaving(self, phis: list[Phi], heads: dict[Any, Ref], env: Env) -> list[tuple[str, Ref]]:
        """What each variable of a loop is where it is left by a break."""
        out = {}
        for slot, head in heads.items():
            for leaf, _, value in pairs(head, None, get_slot(self.frame, env, slot)):
                if value is not None and leaf.key in {p.output.key for p in phis}:
                    out[leaf.key] = value
        return list(out.items())

    def restore_heads(self, base: Env, end: Env, heads: dict[Any, Ref], after: frozenset[str] | None) -> None:
        """After a loop its variables are what its head calls them; what was only its own is gone."""
        base.restore()
        for slot, head in heads.items():
            set_slot(self.frame, base, slot, head)
        carried = {slot[1] for slot in heads if slot[0] == "local"}
        variables = {id(f): v for f, v in end.frames}[id(self.frame)]
        for identifier, ref in variables.items():
            if identifier not in carried and self.frame.locals.get(identifier) is not ref and not identifier.startswith("<"):
                self.frame.locals[identifier] = NOTHING

    def close_memory(self, phis: list[Phi]) -> None:
        """The memory that a loop's variable means is what it was before, or what a pass has left."""
        for phi in phis:
            place = phi.output.number.place
            if place is None or place.buffer.root is not phi.output:
                continue
            second = phi.second.number.place if phi.second is not None else None
            if second is not None and second.buffer is not place.buffer and second.buffer not in place.buffer.sources:
                place.buffer.sources.append(second.buffer)
            if second is not None and (second.steps != () or second.buffer is place.buffer and phi.second is not phi.output):
                place.buffer.shared = True
            first = phi.first.number.place if phi.first is not None else None
            if first is not None and first.steps != ():
                place.buffer.shared = True
        self.check_shared(phis, None)
        for phi in phis:
            place = phi.output.number.place
            if place is not None and place.buffer.root is phi.output and place.buffer.shared:
                late = [c for c in self.state.changes if c.buffer in place.buffer.family() and c.event > place.buffer.event]
                if late:
                    self.unambiguous(place.buffer)

    # ---- what a loop runs over

    def known_items(self, ref: Ref) -> tuple[Ref, ...] | None:
        """The items of what is looked through; None for arrays and ranges."""
        value = ref.value
        match value:
            case Sequence():
                return value.items
            case Record() if value.type is dict:
                return tuple(literal_ref(const(k), k, self.state.facts) for k in value.items)
            case Static(value=str() | range() as known):
                return tuple(literal_ref(const(k), k, self.state.facts) for k in known)
            case Lazy(parts=parts):
                each = [self.known_items(p) for p in parts]
                if all(e is None for e in each):
                    return None
                shortest = min(len(e) for e in each if e is not None)
                return self.lazy_items(value, [e if e is not None else self.unrolled_items(p, shortest) for e, p in zip(each, parts)])
        if isinstance(value, (Number, Range)):
            return None
        self.refuse("what this loops over is not known. Loop over a range, an array, a list, a tuple or a dict.")
        raise AssertionError

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
        rows = []
        for i in range(count):
            rows.append(self.subscript(ref, (python(INT, Dim.of(i, self.state.facts)),), ast.Subscript(value=ref.expr, slice=const(i), ctx=ast.Load()), None))
        return tuple(rows)

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
            if dim.key != best.key and dim < best:
                best, expr = dim, other
        return Ref(expr, Range(call("range", [expr]), Dim.of(0, self.state.facts), best, 1))

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

    def item_at(self, iterable: Ref, index: Ref) -> Ref:
        """What a pass with this index takes."""
        value = iterable.value
        if isinstance(value, Range):
            return index
        if isinstance(value, Lazy):
            if value.kind == "reversed":
                return self.item_at(value.parts[0], index)
            items = [self.item_at(p, index) for p in value.parts]
            if value.kind == "zip":
                return display(tuple, tuple(items))
            first = index if value.start is None else self.binary(ast.Add(), value.start, index, None)
            return display(tuple, (first, items[0]))
        item = ast.Subscript(value=iterable.expr, slice=index.expr, ctx=ast.Load())
        return self.subscript(iterable, (index.number,), item, None)

    # ---- loops written out

    def unrolled(self, statement: For, items: tuple[Ref, ...]) -> None:
        """Every pass one after the other; a break on data is a flag that the later ones ask."""
        if len(items) > PASSES:
            raise Endless
        body, flag = statement.body, ""
        if any(jumps(s, (Break,)) for s in body):
            flag = self.state.namer.temporary("stopped")
            body = flagged_breaks(body, flag, jump=False)
            self.frame.locals[flag] = literal_ref(const(False), False, self.state.facts)
        offset = self.offset
        for i, item in enumerate(items):
            self.state.passes += 1
            self.offset = self.state.passes
            self.frame.locals[f"<item {i}>"] = item
            block: Block = (Assign(statement.target, name(f"<item {i}>"), statement.loc), *body)
            if flag and i:
                block = (self.guarded(statement, flag, block),)
            self.block(block)
            self.frame.locals.pop(f"<item {i}>", None)
        self.offset = offset

    def guarded(self, statement: Statement, flag: str, block: Block) -> If:
        """A pass that is only run if no earlier one has broken off."""
        made = If(name(flag), (), block, statement.loc)
        self.keep_alive(statement, made, flag)
        return made

    def keep_alive(self, statement: Statement, made: Statement, flag: str) -> None:
        live = self.frame.live
        if live is not None and id(statement) in live.head:
            live.after[id(made)] = live.head[id(statement)] | live.after.get(id(statement), frozenset()) | {flag}
            self.pinned.append(made)

    pinned: list[Statement]

    def while_loop(self, statement: While) -> None:
        self.either(statement, lambda: self.structured(statement, None, None), lambda: self.unrolled_while(statement))

    def unrolled_while(self, statement: While) -> None:
        """A while loop whose tests are all known."""
        if any(jumps(s, (Break,)) for s in statement.body):
            raise Endless
        offset = self.offset
        for _ in range(PASSES):
            self.state.passes += 1
            self.offset = self.state.passes
            self.block(statement.head)
            try:
                if not self.decide(self.evaluate(statement.test, None)):
                    self.offset = offset
                    return
            except (LookupError, Undecided):
                raise Endless from None
            self.block(statement.body)
        raise Endless

    # ---- with

    def with_block(self, statement: With) -> None:
        headers = tuple(self.with_header(h) for h in statement.headers)
        outer = self.state.statements, self.state.operations
        self.state.statements, self.state.operations = [], []
        self.block(statement.body)
        made = Region(tuple(self.state.statements), tuple(self.state.operations))
        self.state.statements, self.state.operations = outer
        written = With(headers, made.statements, self.moved(statement.loc), self.tag())
        self.write(written)
        if made.steps:
            self.record(Scope(headers, made, self.moved(statement.loc), written))

    def with_header(self, header: ast.expr) -> ast.expr:
        assert isinstance(header, ast.Call)
        func = self.evaluate(header.func, None)
        if not (isinstance(func.value, Static) and func.value.value is np.errstate):
            self.refuse("only np.errstate(...) may stand in a with statement here.")
        return ast.Call(func=func.expr, args=header.args, keywords=header.keywords)


def used_deep(step: Step) -> Iterator[str]:
    """The keys that a step reads, in its blocks too."""
    match step:
        case Operation(operands=operands):
            yield from (r.key for r in flatten(operands))
        case Write(base=base, value=value):
            yield from (base.key, value.key)
        case Branch(body=body, orelse=orelse, phis=phis):
            yield from (r.key for p in phis for r in (p.first, p.second) if r is not None)
            for inner in (*body.steps, *orelse.steps):
                yield from used_deep(inner)
        case Loop(body=body, phis=phis):
            yield from (r.key for p in phis for r in (p.first, p.second) if r is not None)
            for inner in body.steps:
                yield from used_deep(inner)
        case Scope(body=body):
            for inner in body.steps:
                yield from used_deep(inner)


class Endless(Exception):
    """A loop that cannot be written out: it is too long, or its length is not known."""


NOWHERE_LOC = Location("", -4, 0, 0, 0, "", "")


def checkpoint(walker: Regions) -> dict[str, Any]:
    """What a walk that is tried must undo if it fails."""
    state = walker.state
    kept: dict[str, Any] = {label: copy.copy(getattr(state, label)) for label in SCOPED}
    kept |= {f"facts.{label}": copy.copy(getattr(state.facts, label)) for label in FACTS}
    kept["namer"] = (set(state.namer.taken), dict(state.namer.counts))
    kept["lists"] = (list(state.statements), list(state.operations))
    kept["event"], kept["passes"] = state.event, state.passes
    return kept


def rollback(walker: Regions, kept: dict[str, Any]) -> None:
    state = walker.state
    for label in SCOPED:
        setattr(state, label, copy.copy(kept[label]))
    for label in FACTS:
        setattr(state.facts, label, copy.copy(kept[f"facts.{label}"]))
    state.namer.taken, state.namer.counts = set(kept["namer"][0]), dict(kept["namer"][1])
    state.statements, state.operations = list(kept["lists"][0]), list(kept["lists"][1])
    state.event, state.passes = kept["event"], kept["passes"]


# ---- the places that a loop may change: variables and items of containers

def slot_label(slot: tuple[Any, ...]) -> str:
    label = str(slot[-1])
    return label if label.isidentifier() or label.startswith("<") else "item"


def get_slot(frame: Any, env: Env, slot: tuple[Any, ...]) -> Ref | None:
    if slot[0] == "local":
        variables = {id(f): v for f, v in env.frames}[id(frame)]
        found = variables.get(slot[1])
        return found if is_defined(found) else None
    items = env.containers[slot[1]][1] if slot[1] in env.containers else None
    return items[slot[2]] if items is not None else None


def set_slot(frame: Any, base: Env, slot: tuple[Any, ...], ref: Ref) -> None:
    if slot[0] == "local":
        frame.locals[slot[1]] = current(ref)
        return
    container = base.containers[slot[1]][0]
    if isinstance(container, Record):
        container.items = {**container.items, slot[2]: ref}
    else:
        items = list(container.items)
        items[slot[2]] = ref
        container.items = tuple(items)


def changed_slots(frame: Any, before: Env, end: Env, base: Env) -> Iterator[tuple[tuple[Any, ...], Ref | None, Ref | None]]:
    """Where two points differ: the place, what was there, what is there now."""
    old, new = ({id(f): v for f, v in env.frames}[id(frame)] for env in (before, end))
    for identifier in dict.fromkeys([*old, *new]):
        a, b = old.get(identifier), new.get(identifier)
        if a is not b and not (identifier.startswith("<item")) and (is_defined(a) or is_defined(b)) and not alike(a, b):
            yield ("local", identifier), a, b
    for key, (container, items) in before.containers.items():
        if key not in base.containers:
            continue
        now = end.containers.get(key)
        if now is None or now[1] is items:
            continue
        if isinstance(container, Record) and list(now[1]) != list(items) or len(now[1]) != len(items):
            raise UnsupportedSyntaxError("a list or dict grows or shrinks in this loop, whose passes are not known one by one. Fill an array instead.", None)
        for k in items if isinstance(container, Record) else range(len(items)):
            if items[k] is not now[1][k] and not alike(items[k], now[1][k]):
                yield ("item", key, k), items[k], now[1][k]


def alike(a: Ref | None, b: Ref | None) -> bool:
    """Whether two variables are one value: an object that is the same, written out anew."""
    return a is not None and b is not None and a.value is b.value and a.key == b.key and (not isinstance(a.value, Number) or ast.dump(a.expr) == ast.dump(b.expr))


def widened(template: Ref, head: Ref, end: Ref | None, merger: Merger) -> Ref:
    """A template of init and end that also covers what the head was assumed to be."""
    if isinstance(template.value, Number) and isinstance(head.value, Number) and end is not None:
        both = merger.joined(head.number, end.number) if isinstance(end.value, Number) else head.number
        again = merger.joined(both, template.number)
        return Ref(template.expr, dataclasses.replace(again, place=template.number.place, shape=loosened(template.number, head, end, merger)), template.key)
    return template


def loosened(number: Number, head: Ref, end: Ref, merger: Merger) -> Any:
    """A shape whose sizes that differ between passes are unknown."""
    a, b = head.number.shape, end.number.shape
    if number.shape is None or a is None or b is None or len(a) != len(b) or len(number.shape) != len(a):
        return None
    return tuple(d if x.key == y.key and x.key == d.key else merger.facts.new_dim() for d, x, y in zip(number.shape, a, b))


# ---- the statements of a loop

def with_copies(block: Block, copies: list[Statement]) -> Block:
    """A block with assignments at its end, before a break."""
    if block and isinstance(block[-1], (Break, Raise)):
        return (*block[:-1], *copies, block[-1])
    return (*block, *copies)


def parallel(pairs_: list[tuple[str, Ref]], namer: Any) -> list[Statement]:
    """Assignments that all read what was there before: `a, b = b, a` needs a third name."""
    targets = {target for target, _ in pairs_}
    before: list[Statement] = []
    out: list[Statement] = []
    for target, ref in pairs_:
        expr = ref.expr
        if isinstance(expr, ast.Name) and expr.id == target:
            continue
        if set(names(expr)) & (targets - {target}):
            held = namer.temporary(f"next_{target}")
            before.append(Assign(held, expr, NOWHERE_LOC))
            expr = name(held)
        out.append(Assign(target, expr, NOWHERE_LOC))
    return [*before, *out]


def with_breaks(block: Block, leaving: dict[int, list[tuple[str, Ref]]], namer: Any) -> Block:
    """Before each break the loop's variables get what they are there."""
    out: list[Statement] = []
    for statement in block:
        match statement:
            case Break():
                out += [*parallel(leaving.get(id(statement), []), namer), statement]
            case If() | With():
                out.append(with_blocks(statement, lambda b: with_breaks(b, leaving, namer)))
            case _:
                out.append(statement)
    return tuple(out)


def count_passes(body: Block, count: str, completed: bool) -> Block:
    """Count the passes: those begun, or those that are not broken off at their first branch."""
    one: Statement = Assign(count, binary(name(count), ast.Add(), const(1)), NOWHERE_LOC)
    if not completed:
        return (one, *body)
    out: list[Statement] = []
    for statement in body:
        if isinstance(statement, If) and any(jumps(s, (Break,)) for s in (*statement.body, *statement.orelse)):
            first_stops = any(jumps(s, (Break,)) for s in statement.body)
            body_ = statement.body if first_stops else (one, *statement.body)
            orelse = (one, *statement.orelse) if first_stops else statement.orelse
            statement = dataclasses.replace(statement, body=body_, orelse=orelse)
        out.append(statement)
    return tuple(out)


def trivial_exit(region: Region, phis: list[Phi], active: set[str]) -> tuple[Region, dict[str, Ref | None], tuple[int, bool]] | None:
    """A loop whose only break comes before anything is differentiated in a pass, and changes nothing: the passes
    that count are those which go on. Gives what such a pass does, what it leaves behind, and where it stands: the
    tag of its branch, and whether it is the first arm.
    """
    if len(region.steps) != 1 or not isinstance(region.steps[0], Branch):
        return None
    branch = region.steps[0]
    stops, goes = (branch.body, branch.orelse) if branch.body.stops else (branch.orelse, branch.body)
    if not stops.stops or stops.steps or goes.stops or any(jumps(s, (Break,)) for s in goes.statements):
        return None
    first = branch.body.stops
    ends: dict[str, Ref | None] = {}
    for phi in phis:
        if phi.output.key not in active:
            continue
        inner = next((p for p in branch.phis if phi.second is not None and p.output.key == phi.second.key), None)
        if inner is None:
            if phi.second is None or phi.second.key != phi.output.key:
                return None
            continue
        stopped, gone = (inner.first, inner.second) if first else (inner.second, inner.first)
        if stopped is None or stopped.key != phi.output.key:
            return None
        ends[phi.output.key] = gone
    assert isinstance(branch.statement, If)
    return goes, ends, (branch.statement.tag, not first)
