"""Loops: walked until what a pass leaves behind is of the kind that was assumed at its head; or written out.

    for t in range(n):     h is what was there before or what a pass has made:
        h = f(h)           one name, h, at the head, after the loop, and in the text
"""
from __future__ import annotations

import ast
import dataclasses
import itertools
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

from srcad.control import flagged_breaks, jumps
from srcad.dims import Dim, Undecided
from srcad.errors import MissingRuleError, SrcadError, UnsupportedSyntaxError
from srcad.inference import Loop, Operation, Phi, Region, Step, constant_ref, display, flatten, fractional
from srcad.ir import UNPLACED, Assign, Block, Break, For, If, Location, Statement, While
from srcad.iteration import PASSES, Endless, Iteration
from srcad.kinds import Buffer, INT, Lazy, Number, Range, Record, Ref, Sequence, python
from srcad.loopcode import count_passes, trivial_exit, used_deep, with_breaks
from srcad.slots import changed_slots, get_slot, set_slot, slot_label, widened, alike
from srcad.merge import NOTHING, Apart, Env, Instances, Merger, covers, fork, pairs, reachable, renewed, spelled
from srcad.protocols import iterated
from srcad.regions import checkpoint, rollback, with_copies
from srcad.series import Grows, Unfilled
from srcad.simplify import parallel
from srcad.syntax import call, const, name
from srcad.writes import Split

ATTEMPTS = 12
SHORT = 4  # passes: a list that grows in them is known item by item


@dataclass(frozen=True)
class Pass:
    """A pass that leaves behind what was assumed at its head.

    heads: what each place holds at the head; end: what it holds at the end; breaks: where the loop is left, and what is there;
    index: of a for loop; count: the name for the number of passes.
    """

    region: Region
    heads: dict[Any, Ref]
    instances: Instances
    end: Env
    breaks: list[tuple[Break, Env]]
    index: Ref | None
    count: str


class Loops(Iteration):
    """Walks loops."""

    def for_loop(self, statement: For) -> None:
        """Walk a for loop; what it runs over can be reached while it does, whatever its name means by then."""
        iterable = iterated(self, self.evaluate(statement.iter, None))
        self.consume(iterable)
        self.state.passes += 1
        held = f"<over {self.state.passes}>"
        self.frame.locals[held] = display(tuple, tuple(run_over(iterable)))
        self.loop_over(statement, iterable)
        self.frame.locals.pop(held, None)

    def loop_over(self, statement: For, iterable: Ref) -> None:
        iterable = self.counted(statement, iterable)
        if self.is_known(iterable):
            try:
                self.unrolled(statement, iterable)
            except Endless:
                self.loc = self.moved(statement.loc)
                self.refuse(f"its passes are written out one by one, and there are more than {PASSES}, or how many is known only at run time. "
                            "Loop over an array or a range.")
            return
        counter = self.counter(iterable)
        if self.never_runs(counter):
            return
        peeled = self.site("loop", statement) in self.state.knowledge.peeled
        self.either(statement, iterable, lambda: self.structured(statement, self.first_pass(statement, counter, iterable) if peeled else counter, iterable),
                    lambda: self.unrolled(statement, iterable))

    def first_pass(self, statement: For, counter: Ref, iterable: Ref) -> Ref:
        """Walk the first pass of a loop on its own; the range of the others is returned."""
        value = counter.value
        assert isinstance(value, Range) and value.start is not None and value.stop is not None
        assert value.start < value.stop  # a fact from now on
        self.state.passes += 1
        offset, self.offset = self.offset, self.state.passes
        self.loc = self.moved(statement.loc)
        try:
            self.bind_ref(statement.target, self.item_at(iterable, self.dim_ref(value.start), statement.target))
            self.block(statement.body)
        finally:
            self.offset = offset
        start = value.start + 1
        expr = call("range", [start.expr, value.expr.args[-1] if isinstance(value.expr, ast.Call) else value.stop.expr])
        return Ref(counter.expr, Range(expr, start, value.stop, 1))

    def can_peel(self, statement: For | While, counter: Ref | None) -> bool:
        """Whether the first pass of a loop can stand before it: it runs at least once, upwards, to its end."""
        if not isinstance(statement, For) or counter is None or any(jumps(s, (Break,)) for s in statement.body):
            return False
        value = counter.value
        assert isinstance(value, Range)
        if value.bounds is None or value.turned:
            return False
        start, stop, step = value.bounds
        return step == 1 and start < stop

    def is_short(self, iterable: Ref | None) -> bool:
        """Whether a loop has so few passes that it is rather written out than its list kept in the generated code."""
        if iterable is None:
            return False
        try:
            return self.length(iterable).known() <= SHORT
        except (Endless, LookupError, AttributeError):
            return False

    @staticmethod
    def never_runs(counter: Ref) -> bool:
        """Whether a loop has no passes for the arguments at hand: then that is a fact."""
        value = counter.value
        assert isinstance(value, Range)
        if value.bounds is None:
            return False
        start, stop, step = value.bounds
        if range(start.value, stop.value, step):  # type: ignore[arg-type]
            return False
        return start >= stop if step > 0 else start <= stop

    def either(self, statement: Statement, iterable: Ref | None, structured: Callable[[], None], unrolled: Callable[[], None]) -> None:
        """A loop as a loop if it can be one, else written out."""
        state = self.state
        site = self.site("loop", statement)
        if site in state.knowledge.unrolled:
            point = checkpoint(self)
            try:
                unrolled()
                return
            except Endless:  # it was short where it was met first, or it was to be written out for what two names in it share
                rollback(self, point)
        base, point, ending, lists = fork(state), checkpoint(self), self.ending, len(state.knowledge.series)
        try:
            structured()
            return
        except Grows as problem:
            if problem.found:
                raise
            if problem.site in state.knowledge.series or self.is_short(iterable):
                first = problem
            else:
                state.knowledge.series[problem.site] = (None, False)
                problem.found = True
                raise
        except Peel:
            state.knowledge.peeled.add(site)
            raise
        except MissingRuleError:
            raise
        except Split as problem:
            if problem.site[:5] != site and problem.site not in state.knowledge.split:  # type: ignore[index]
                raise
            first: SrcadError = problem
        except UnsupportedSyntaxError as problem:
            if len(state.knowledge.series) > lists:  # begin again with the lists that were found
                raise
            first = problem
        except (ValueError, IndexError, TypeError, LookupError, AttributeError, ArithmeticError, AssertionError) as problem:
            if isinstance(problem, SrcadError):
                raise
            first = UnsupportedSyntaxError(f"the statement is not understood ({type(problem).__name__}: {problem}). Write it another way.", self.loc)
        rollback(self, point)
        base.restore()
        self.ending = ending
        state.sought = first.site if isinstance(first, Unfilled) else state.sought  # the first passes tell what is in the list
        self.written_out(unrolled, first, statement.loc)
        state.knowledge.unrolled.add(site)

    def written_out(self, unrolled: Callable[[], None], first: SrcadError, loc: Location) -> None:
        """Write a loop out that cannot be a loop; first: why not, which is said where it cannot be written out either."""
        try:
            unrolled()
        except Unfilled as problem:
            problem.taken_for_numbers(self.state.knowledge)
            raise
        except Endless:
            if isinstance(first, Unfilled):
                first.taken_for_numbers(self.state.knowledge)
            if isinstance(first, (Split, Grows)):
                raise UnsupportedSyntaxError(first.reason, first.location if isinstance(first, Split) else self.moved(loc)) from None
            raise first from None

    def structured(self, statement: For | While, counter: Ref | None, iterable: Ref | None) -> None:
        """Walk a loop until what a pass leaves behind is of the kind assumed at its head."""
        site = self.site("loop", statement)
        base = fork(self.state)
        head_live = self.frame.live.head.get(id(statement)) if self.frame.live else None
        assumed: dict[Any, Ref] = {}
        loop_id, since = self.tag(), self.state.event
        for _ in range(ATTEMPTS):
            point = checkpoint(self)
            base.restore()
            walked = self.one_pass(statement, counter, iterable, assumed, base, site, head_live, loop_id, since)
            if walked is not None:
                self.finish(statement, counter, walked, base)
                return
            rollback(self, point)
        self.refuse("what a pass of this loop leaves behind is not of one kind.")

    def one_pass(self, statement: For | While, counter: Ref | None, iterable: Ref | None, assumed: dict[Any, Ref], base: Env,
                 site: tuple[object, ...], live: frozenset[str] | None, loop_id: int, since: int) -> Pass | None:
        state = self.state
        instances = Instances(state, self.new_name)
        heads = {slot: instances.named(template, slot_label(slot)) for slot, template in assumed.items()}
        for slot, ref in heads.items():
            set_slot(self.frame, base, slot, ref)
        before = fork(state)
        index = self.open_counter(counter, statement.target if isinstance(statement, For) and iterable is not None and isinstance(iterable.value, Range) else "")
        outer_breaks, self.breaks = getattr(self, "breaks", []), []
        state.loops = (*state.loops, loop_id)
        if index is not None:
            state.counters[loop_id] = index.key
        count = state.namer.temporary("count")
        try:
            region = self.region(lambda: self.one_body(statement, index, iterable))
        finally:
            state.loops = state.loops[:-1]
            breaks, self.breaks = self.breaks, outer_breaks
        end = fork(state)
        region = self.useful(region, end, live)
        merger = Merger(state, (*site, "head"), base, since)
        stable = True
        for slot, _, second in changed_slots(self.frame, before, end, base):
            if slot[0] == "local" and live is not None and slot[1] not in live and not slot[1].startswith("<"):
                continue
            if slot in heads and covers(heads[slot], second, state.active):
                continue
            stable = False
            init = get_slot(self.frame, base, slot)
            if becomes_array(init, second) and self.site("loop", statement) not in self.state.knowledge.peeled and self.can_peel(statement, counter):
                raise Peel
            try:
                template = widened(merger, heads[slot], second, init) if slot in assumed else merger.merge(init, second)
            except Apart as problem:
                raise Split(f"after a pass of this loop `{slot_label(slot)}` would be {problem}. Make it one kind of thing.", statement.loc, (*site, "head")) from None
            assumed[slot] = template
        if not stable or self.told_apart(assumed, heads, [base, end, *(env for _, env in breaks)]):
            return None
        return Pass(region, heads, instances, end, breaks, index, count)

    def told_apart(self, assumed: dict[Any, Ref], heads: dict[Any, Ref], points: list[Env]) -> bool:
        """Give places that were taken for one value, and are not at each of these points, values of their own; whether there were any."""
        found = False
        told: dict[str, tuple[str, ...]] = {}
        for slot, head in heads.items():
            rows = [[spelled(value) if value is not None else "" for _, value, _ in pairs(head, get_slot(self.frame, env, slot), None)] for env in points]
            leaves = [leaf.key for leaf, _, _ in pairs(head, None, None)]
            if any(key and told.setdefault(key, said) != said for key, said in zip(leaves, zip(*rows))):
                assumed[slot] = renewed(assumed[slot])
                found = True
        return found

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

    def one_body(self, statement: For | While, index: Ref | None, iterable: Ref | None) -> None:
        if isinstance(statement, For):
            assert index is not None and iterable is not None
            self.loc = self.moved(statement.loc)
            self.bind_ref(statement.target, self.item_at(iterable, index, statement.target))
            self.block(statement.body)
        else:
            stop: Block = (Break(statement.loc),)
            self.block((*statement.head, If(statement.test, statement.body, stop, statement.loc)))

    def bind_ref(self, target: str, ref: Ref) -> None:
        raise NotImplementedError

    def moved(self, loc: Any) -> Any:
        return dataclasses.replace(loc, index=loc.index + 100_000 * self.offset) if self.offset else loc

    def finish(self, statement: For | While, counter: Ref | None, walked: Pass, base: Env) -> None:
        """Write the loop down, and what it leaves behind."""
        state, region, heads, index, count = self.state, walked.region, walked.heads, walked.index, walked.count
        ends = {slot: get_slot(self.frame, walked.end, slot) for slot in heads}
        phis = self.carried(walked, ends, base)
        self.restore_heads(base, walked.end, heads)
        if isinstance(statement, For) and counter is not None:
            self.sharpen(heads, ends, counter)
        self.meet_before(phis, self.site("loop", statement))
        self.close_memory(phis)
        for phi in phis:
            if phi.first is not None:
                self.write(Assign(phi.output.key, fractional(phi.first, phi.output), UNPLACED))
        leaving = {id(marker): self.leaving(phis, heads, env) for marker, env in walked.breaks}
        body = with_copies(region.statements, parallel([(p.output.key, fractional(p.second, p.output)) for p in phis if p.second is not None], state.namer))
        body = with_breaks(body, leaving, state.namer)
        loc = statement.loc
        counted = bool(walked.breaks) or isinstance(statement, While)
        inner = trivial_exit(region, phis, state.active)
        if counted:
            self.write(Assign(count, const(0), UNPLACED))
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
            sizes = self.sizes_after(region.steps)
            self.record(Loop(index.key if index is not None else "", iterates, count if counted else "", region, active, self.moved(loc), loop, sizes, side))

    def carried(self, walked: Pass, ends: dict[Any, Ref | None], base: Env) -> list[Phi]:
        """The names that passes hand on, with what they are before the loop and after a pass."""
        phis: list[Phi] = []
        made = {id(r) for r in walked.instances.made.values()}
        for slot, head in walked.heads.items():
            for leaf, first, second in pairs(head, get_slot(self.frame, base, slot), ends[slot]):
                if id(leaf) in made and leaf.key not in {p.output.key for p in phis}:
                    phis.append(Phi(leaf, first, second))
        return phis

    def leaving(self, phis: list[Phi], heads: dict[Any, Ref], env: Env) -> list[tuple[str, Ref]]:
        """What each variable of a loop is where it is left by a break."""
        out = {}
        for slot, head in heads.items():
            for leaf, _, value in pairs(head, None, get_slot(self.frame, env, slot)):
                if value is not None and leaf.key in {p.output.key for p in phis}:
                    out[leaf.key] = value
        return list(out.items())

    def restore_heads(self, base: Env, end: Env, heads: dict[Any, Ref]) -> None:
        """After a loop its variables are what its head calls them; what was only its own is gone."""
        base.restore()
        for slot, head in heads.items():
            set_slot(self.frame, base, slot, head)
        carried = {slot[1] for slot in heads if slot[0] == "local"}
        for identifier, ref in end.variables(self.frame).items():
            if identifier not in carried and not identifier.startswith("<") and not alike(self.frame.locals.get(identifier), ref):
                self.frame.locals[identifier] = NOTHING

    def sharpen(self, heads: dict[Any, Ref], ends: dict[Any, Ref | None], counter: Ref) -> None:
        """Where a loop runs at least once, what it leaves is of the kind that a pass leaves: an array, say, where a number was before."""
        assert isinstance(counter.value, Range)
        if counter.value.bounds is None:
            return
        start, stop, step = counter.value.bounds
        for slot, head in heads.items():
            end = ends[slot]
            if end is None or not isinstance(head.value, Number) or head.number.shape is not None or end.number.shape is None or slot[0] != "local":
                continue
            if start < stop if step > 0 else start > stop:
                dims = tuple(Dim.atom(f"{head.key}.shape[{i}]", None, self.state.facts) if "?" in d.key or d.value is None else d for i, d in enumerate(end.number.shape))
                kind = dataclasses.replace(end.number, place=head.number.place, shape=dims)
                self.frame.locals[slot[1]] = Ref(head.expr, kind, head.key)

    def meet_before(self, phis: list[Phi], site: tuple[object, ...]) -> None:
        """Names that lie in one memory before a loop, and that passes hand on: where that memory is changed, which of them means it is known in each pass only."""
        families = [p.first.number.place.buffer.family() for p in phis if p.first is not None and p.first.number.place is not None]
        for one, two in itertools.combinations(families, 2):
            if any(b.site in self.state.knowledge.written for b in one & two):
                raise Split("two names of one array, which is changed, are handed on from pass to pass here. Copy the array before.", self.loc, (*site, "head"))

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
                if any(not born_since(c.buffer, place.buffer) for c in late):
                    self.unambiguous(place.buffer)

    # ---- loops written out

    def unrolled(self, statement: For, iterable: Ref) -> None:
        """Every pass one after the other; a break on data is a flag that the later ones ask. A list may change on the way."""
        body, flag = statement.body, ""
        if any(jumps(s, (Break,)) for s in body):
            flag = self.state.namer.temporary("stopped")
            body = flagged_breaks(body, flag, jump=False)
            self.kept_alive(statement, body, flag)
            self.frame.locals[flag] = constant_ref(False, self.state.facts)
        offset = self.offset
        i = -1
        while (i := i + 1) < self.passes(iterable):
            self.state.passes += 1
            self.offset = self.state.passes
            self.loc = self.moved(statement.loc)
            item = f"<item {self.state.passes}>"
            self.frame.locals[item] = self.taken(iterable, i)
            block: Block = (Assign(statement.target, name(item), statement.loc), *body)
            if flag and i:
                block = (self.guarded(statement, flag, block),)
            self.block(block)
            self.frame.locals.pop(item, None)
            self.loc = self.moved(statement.loc)
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

    def kept_alive(self, statement: Statement, body: Block, flag: str) -> None:
        """The names that are read after each statement of a pass that is written anew."""
        live = self.frame.live
        if live is not None and id(statement) in live.head:
            out = live.head[id(statement)] | {flag}
            live.block(body, out, out, out)
            self.pinned.extend(body)

    pinned: list[Statement]

    def while_loop(self, statement: While) -> None:
        self.either(statement, None, lambda: self.structured(statement, None, None), lambda: self.unrolled_while(statement))

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


def run_over(iterable: Ref) -> Iterator[Ref]:
    """The arrays and containers that a loop takes its items from."""
    if isinstance(iterable.value, Lazy):
        for inner in iterable.value.parts:
            yield from run_over(inner)
    elif isinstance(iterable.value, (Number, Sequence, Record)):
        yield iterable


class Peel(UnsupportedSyntaxError):
    """A number before a loop that is an array after its first pass: the walk begins again with that pass on its own."""

    def __init__(self) -> None:
        super().__init__("a number becomes an array in this loop.", None)


def becomes_array(before: Ref | None, after: Ref | None) -> bool:
    return before is not None and after is not None and before.number.is_plain and isinstance(before.value, Number) and after.number.form == "array"


def born_since(buffer: Buffer, head: Buffer) -> bool:
    """Whether memory is made anew in every pass: what is written to it changes nothing that an earlier pass has left."""
    return buffer.depth > head.depth and buffer.event > head.event and not buffer.sources and not buffer.external
