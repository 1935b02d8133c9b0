"""Which accesses to an array meet: whether a later one, or one in a later pass of a loop, touches what an earlier one has touched.

    for i in range(n):
        x[i] = b[i] - low[i, :i] @ x[:i]      no write touches what a read has seen: i, i + 1, ... are none of 0 ... i - 1
"""
from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

import numpy as np

from srcad.dims import Dim, known_nonnegative
from srcad.inference import Change, Inference
from srcad.kinds import Number

Interval = tuple[Dim, Dim | None]  # from, and up to: without a bound where it is None


def written_once(write: Change, others: Sequence[Change], state: Inference) -> bool:
    """Whether no element that a write fills has been read or written before: its adjoint is not asked for again.

    Holds for `y[i] = f(y[i - 1])` in a loop over i, not for `y[i] = f(y[i + 1])`, nor in a loop around that one.
    """
    if write.index is None or write.buffer.sources:
        return False
    return never_meets(write, write, state) and all(never_meets(other, write, state) for other in others if other.buffer is write.buffer and other is not write)


def never_meets(early: Change, late: Change, state: Inference) -> bool:
    """Whether an access touches nothing that another of the same memory has touched before it: earlier in the text, or in an earlier pass."""
    common = [loop for loop in late.loops[late.buffer.depth :] if loop in early.loops]
    orders = range(len(common) + (late.event > early.event))  # which of the loops around both has gone on since; none of them
    return all(is_apart(early, late, common, order, state) for order in orders)


def is_apart(early: Change, late: Change, common: Sequence[int], order: int, state: Inference) -> bool:
    """Whether there is an axis on which the one lies wholly before the other.

    Of the loops around both, the first `order` are in the same pass, the next one is in a later pass, those inside it in any.
    """
    if early.index is None or late.index is None:
        return False
    counters = [state.counters.get(loop) for loop in common]
    moved = counters[order] if order < len(common) else None
    elsewhere = [c for c in state.facts.ranges if c not in counters[: order + 1]]
    for mine, theirs in zip(axes(late.index, state), axes(early.index, state)):
        if mine is None or theirs is None:
            continue
        for low, high, sign in ((mine[0], theirs[1], 1), (theirs[0], mine[1], -1)):
            if high is not None and is_beyond(state.facts.bounds(low, elsewhere)[0], state.facts.bounds(high, elsewhere)[1], moved, sign, state):
                return True
    return False


def is_beyond(low: Dim, high: Dim, moved: str | None, sign: int, state: Inference) -> bool:
    """Whether `low` is never less than `high`; the later access has `low` for the sign 1, and `high` for -1."""
    gap = low - high
    if moved is not None and moved in state.steps:
        gained = (low if sign > 0 else high).terms.get(moved, 0) * state.steps[moved] * sign  # at least, where it is no loss
        if gained < 0:
            return False
        gap = gap + gained
    elif moved is not None and moved in (*low.terms, *high.terms):
        return False
    return known_nonnegative(state.facts.bounds(gap)[0])


def axes(index: tuple[Any, ...], state: Inference) -> Iterator[Interval | None]:
    """What an index takes of each axis, the first one first; None where that is not an interval that can be told."""
    for item in index:
        if item is None:
            continue
        if item is Ellipsis or isinstance(item, Number) and item.form not in ("python", "scalar"):
            return
        yield interval(item, state)


def interval(item: Any, state: Inference) -> Interval | None:
    if not isinstance(item, slice):
        at = whole(item, state)
        return None if at is None else (at, at + 1)
    start = whole(0 if item.start is None else item.start, state)
    stop = whole(item.stop, state) if item.stop is not None else None
    forwards = item.step is None or isinstance(item.step, int) and item.step > 0
    return None if start is None or not forwards or stop is None and item.stop is not None else (start, stop)


def whole(item: Any, state: Inference) -> Dim | None:
    """A whole number made of sizes and of the counters of loops that does not count from the end: -1 is the last element."""
    facts = state.facts
    dim = item.dim if isinstance(item, Number) else Dim.of(int(item), facts) if isinstance(item, (int, np.integer)) and not isinstance(item, bool) else item
    if not isinstance(dim, Dim) or not all(a in state.steps or a in facts.values for a in dim.terms):
        return None
    return dim if known_nonnegative(facts.bounds(dim)[0]) else None
