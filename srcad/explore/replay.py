"""The generated function run once more and watched: each statement that runs, with its values before and after.

    dx += y * dz    ->    Step(line 7, backward, "dx += y * dz", "-4 * 1", "-4", (("dx", "-8"),))

The very code that computes gradients runs, under Python's own tracing. Of a long run the passes of a loop that are watched are the
first two and the last two.
"""
from __future__ import annotations

import ast
import io
import sys
import types
import warnings
from collections.abc import Callable
from contextlib import redirect_stdout
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from srcad.explore.listing import Key, Listing, Loop, Row
from srcad.explore.numbers import Reader, put_in, shown

FEW_STEPS = 400  # a run of more is watched in the first two and last two passes of its loops
MOST_STEPS = 4000
Passes = tuple[tuple[Key, int], ...]


@dataclass(frozen=True)
class Step:
    """One statement that ran. numbers: its right-hand side with the numbers put in; result: what that came to; values: what it left behind."""

    line: int
    half: str
    text: str
    numbers: str
    result: str
    values: tuple[tuple[str, str], ...]
    passes: Passes


@dataclass
class Activation:
    """A generated function that is running: the statement at hand, how often each loop has begun a pass, and what it was called from.

    passes: of the user's loops, None where they are not watched; raw: as they are counted here.
    """

    outer: Passes | None
    outer_raw: Passes
    half: str
    row: Row | None = None
    passes: Passes | None = ()
    raw: Passes = ()
    began: tuple[str, str] | None = None
    counts: dict[Loop, int] = field(default_factory=dict)


class Watching:
    """Watches one run. known: how many passes each loop has, by half, loop and the passes around it; None while they are counted.

    ends: how many of the first and of the last passes of a loop are watched; 0: all.
    """

    def __init__(self, listing: Listing, filename: str, known: dict[Any, int] | None, ends: int) -> None:
        self.listing, self.filename, self.known, self.ends = listing, filename, known, ends
        self.totals: dict[Any, int] = {}
        self.whiles: set[Key] = set()
        self.count = 0
        self.steps: list[Step] = []
        self.running: dict[types.FrameType, Activation] = {}

    def run(self, call: Callable[[], Any]) -> None:
        old = sys.gettrace()
        sys.settrace(self.entered)
        try:
            with warnings.catch_warnings(), np.errstate(all="ignore"), redirect_stdout(io.StringIO()):
                warnings.simplefilter("ignore")
                call()
        finally:
            sys.settrace(old)

    # ---- what Python tells

    def entered(self, frame: types.FrameType, event: str, _: Any) -> Any:
        if frame.f_code.co_filename != self.filename or frame.f_code.co_name not in self.listing.functions:
            return None
        caller = self.running.get(frame.f_back) if frame.f_back is not None else None
        passes = caller.passes if caller is not None else ()
        half = caller.row.place.half if caller is not None and caller.row is not None else ""
        self.running[frame] = Activation(passes, caller.raw if caller is not None else (), half)
        return self.moved

    def moved(self, frame: types.FrameType, event: str, value: Any) -> Any:
        at = self.running[frame]
        if event == "line":
            row = self.listing.rows.get(frame.f_lineno)
            if row is not at.row or row is not None and isinstance(row.statement, Loop):
                self.ended(at, frame)
                self.arrived(at, row, frame)
        elif event == "return":
            self.ended(at, frame, value)
            del self.running[frame]
        return self.moved

    # ---- statements

    def arrived(self, at: Activation, row: Row | None, frame: types.FrameType) -> None:
        """A statement begins."""
        before, at.row = at.row, row
        if row is None:
            return
        self.count_passes(at, before, row)
        at.passes = self.passes(at, row)
        at.began = None
        self.bound_by_loop(at, before, row, frame)
        if self.known is not None and at.passes is not None and is_step(row.statement):
            at.began = begun(row.statement, self.listing.lines, Reader(frame.f_locals, frame.f_globals))

    def ended(self, at: Activation, frame: types.FrameType, returned: Any = None) -> None:
        """The statement at hand is over."""
        row = at.row
        if row is None or not is_step(row.statement):
            return
        self.count += 1
        if at.began is None or at.passes is None:
            return
        values = tuple(left(row.statement, frame.f_locals))
        numbers, result = at.began
        if isinstance(row.statement, ast.Return):
            numbers, result = "", shown(returned)
        elif gives_names(row.statement) and len(values) == 1:
            result = values[0][1]
        self.keep(Step(row.line, row.place.half or at.half, source(row.statement, self.listing.lines, row.last), numbers, result, values, at.passes))

    def bound_by_loop(self, at: Activation, before: Row | None, row: Row, frame: types.FrameType) -> None:
        """A pass begins: its loop has given a variable what it runs over. That a range counts is no step."""
        loop = before.statement if before is not None else None
        if before is None or not isinstance(loop, ast.For) or loop.body[0] is not row.statement or counts(loop.iter):
            return
        self.count += 1
        if self.known is not None and at.passes is not None:
            text = source(loop, self.listing.lines, before.last).rstrip(":")
            self.keep(Step(before.line, before.place.half or at.half, text, "", "", tuple(left(loop, frame.f_locals)), at.passes))

    def keep(self, step: Step) -> None:
        if len(self.steps) < MOST_STEPS:
            self.steps.append(step)

    # ---- passes of loops

    def count_passes(self, at: Activation, before: Row | None, row: Row) -> None:
        """A loop begins anew where it is come to from outside; a pass begins where its first statement is."""
        for loop in (*row.loops, *([row.statement] if isinstance(row.statement, Loop) else [])):
            if before is None or not within(before.line, loop):
                at.counts[loop] = 0
            first = loop.body[0]
            if first is row.statement and (before is None or not within(before.line, first) or is_again(before.statement, first)):
                at.counts[loop] += 1

    def passes(self, at: Activation, row: Row) -> Passes | None:
        """The passes of the user's loops that a statement runs in; None for one that is not watched."""
        found, at.raw = at.outer, at.outer_raw
        if found is None:
            return None
        for loop in row.loops:
            key, count = self.listing.key(loop), at.counts[loop]
            if key is None:
                if self.ends and count > self.ends:
                    return None
                continue
            half = self.listing.rows[loop.lineno].place.half
            self.totals[half, key, at.raw] = count
            total, turned = self.user_pass(half, key, found, at.raw, count)
            at.raw = (*at.raw, (key, count))
            if half == "forward" and isinstance(loop, ast.While):
                self.whiles.add(key)
            if not turned:
                return found
            if self.known is not None and not is_kept(turned, total, self.ends):
                return None
            found = (*found, (key, turned))
        return found

    def user_pass(self, half: str, key: Key, outer: Passes, raw: Passes, count: int) -> tuple[int, int]:
        """How many passes a loop of the user's has, and which of them this is; 0 where it cannot be told.

        Backwards the last pass comes first. One that only finds out that a `while` is over is not gone back through.
        """
        known = self.known or self.totals
        total = known.get(("forward", key, outer), 0)
        if half != "backward" or self.known is None:
            return total, count
        own = known.get((half, key, raw), 0)
        return total, own - count + 1 if own == total or own == total - 1 and key in self.whiles else 0


def is_again(before: ast.stmt, first: ast.stmt) -> bool:
    """Whether a branch with which a pass begins is come to from inside it: from the pass before."""
    return isinstance(first, ast.If) and before is not first


def is_kept(count: int, total: int, ends: int) -> bool:
    """Whether a pass is among the first or the last ones."""
    return not ends or count <= ends or count > total - ends


def within(line: int, statement: ast.stmt) -> bool:
    return statement.lineno <= line <= (statement.end_lineno or 0)


def is_step(statement: ast.stmt) -> bool:
    """Whether a statement computes something: not the head of a loop or a branch, nor a jump."""
    return isinstance(statement, (ast.Assign, ast.AugAssign, ast.AnnAssign, ast.Expr, ast.Return, ast.Delete, ast.Assert))


def gives_names(statement: ast.stmt) -> bool:
    """Whether what it computes is what a name then holds."""
    return isinstance(statement, ast.Assign) and all(isinstance(t, (ast.Name, ast.Tuple)) for t in statement.targets)


def begun(statement: ast.stmt, rows: list[str], reader: Reader) -> tuple[str, str]:
    """The right-hand side with the numbers put in, and what it comes to as far as the statement itself does not say it."""
    value = getattr(statement, "value", None)
    if not isinstance(value, ast.expr) or isinstance(value, ast.Constant):
        return "", ""
    numbers = put_in(value, rows[value.lineno - 1], reader)
    found = NotImplemented if gives_names(statement) or isinstance(statement, ast.Return) else reader.value(value)
    return numbers, "" if found is NotImplemented else shown(found)


def left(statement: ast.stmt, local: dict[str, Any]) -> list[tuple[str, str]]:
    """The names that a statement gave a value, with what they hold now."""
    match statement:
        case ast.Assign(targets=targets):
            named = [n for t in targets for n in assigned(t)]
        case ast.AugAssign(target=target) | ast.AnnAssign(target=target) | ast.For(target=target):
            named = [*assigned(target)]
        case _:
            named = []
    return [(n, shown(local[n])) for n in named if n in local]


def assigned(target: ast.expr) -> list[str]:
    match target:
        case ast.Name(id=identifier):
            return [identifier]
        case ast.Tuple(elts=elts) | ast.List(elts=elts):
            return [n for e in elts for n in assigned(e)]
        case ast.Starred(value=value) | ast.Subscript(value=value) | ast.Attribute(value=value):
            return assigned(value)
    return []


def source(statement: ast.stmt, rows: list[str], last: int) -> str:
    """A statement, or its head, on one line, as it is written."""
    return " ".join(row.strip() for row in rows[statement.lineno - 1 : last])


def counts(passes: ast.expr) -> bool:
    """Whether a loop runs over `range(...)`, in either direction."""
    match passes:
        case ast.Call(func=ast.Name(id="reversed"), args=[inner]):
            return counts(inner)
        case ast.Call(func=ast.Name(id="range")):
            return True
    return False


@dataclass(frozen=True)
class Replay:
    """The steps of a run.

    count: how many there were; ends: of how many first and last passes of loops they are, 0 for all; totals: the passes of each loop.
    """

    steps: list[Step]
    count: int
    ends: int
    totals: dict[Key, int]


def replayed(listing: Listing, made: Any, call: Callable[[], Any]) -> Replay:
    """Run once to count, and then to watch, as many passes of loops as there is room for."""
    filename = made.__code__.co_filename
    counting = Watching(listing, filename, None, 0)
    counting.run(call)
    for ends in (0,) if counting.count <= FEW_STEPS else (2, 1):
        watching = Watching(listing, filename, counting.totals, ends)
        watching.run(call)
        if len(watching.steps) < MOST_STEPS:
            break
    most: dict[Key, int] = {}
    for (half, key, _), count in counting.totals.items():
        if half == "forward":
            most[key] = max(most.get(key, 0), count)
    return Replay(watching.steps, counting.count, ends, most)
