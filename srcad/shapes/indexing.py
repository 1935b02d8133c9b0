"""Indexing by integers, slices, None, ellipsis, integer arrays and masks.

    (n, d)[1:, None]  ->  (n - 1, 1, d)
"""
from __future__ import annotations

from typing import Any

import numpy as np

from srcad.dims import Dim, Facts, Shape, Undecided, alike, broadcast, known_nonnegative
from srcad.kinds import BOOL, INT, Number
from srcad.shapes import dimension, integer, known_shape


def slice_length(start: Any, stop: Any, facts: Facts, size: Dim, step: int = 1) -> Dim:
    """The length of `range(*slice(start, stop, step).indices(size))`, symbolically; the questions asked become facts."""
    if step > 0:
        lower = bound(start, size, Dim.of(0, facts), size)
        upper = bound(stop, size, size, size)
    else:
        last = size - 1
        lower = bound(start, size, last, last)
        upper = Dim.of(-1, facts) if stop is None else bound(stop, size, last, last, floor=-1)
    count = upper - lower if step > 0 else lower - upper
    stride = abs(step)
    if stride != 1:
        count = (count + (stride - 1)) // stride
    if not count.terms:
        return Dim.of(max(count.const, 0), facts)
    if count.key == size.key:
        return count
    return count if count.value is None and known_nonnegative(count) or count > 0 else Dim.of(0, facts)


def all_but_ends(item: slice, size: Dim) -> Dim | None:
    """The length of `x[j:-k]` where that of x is not known: in the same words for `x[1:]` and `x[:-1]`. None for other slices."""
    first, last = (0 if end is None else dimension(end, size.facts).literal for end in (item.start, item.stop))
    if item.step is not None or first is None or first < 0 or last is None or last > 0 or last == 0 and item.stop is not None:
        return None
    return np.maximum(size - (first - last), 0)  # type: ignore[return-value]


def length_of(item: slice, size: Dim, step: int) -> Dim:
    """The length of a slice; one of its own where only the run can tell."""
    try:
        return sized(item, size, step)
    except (Undecided, NotImplementedError):
        pass
    try:
        return all_but_ends(item, size) or cut_off(item, size)
    except (Undecided, NotImplementedError):
        return size.facts.new_dim()


def sized(item: slice, size: Dim, step: int) -> Dim:
    """The length of a slice whose ends count with the passes of a loop. Raises Undecided where it cannot be told."""
    start, stop = (None if end is None else dimension(end, size.facts) for end in (item.start, item.stop))
    try:
        return slice_length(start, stop, size.facts, size, step)
    except Undecided:
        if not any(atom in size.facts.products for end in (start, stop) if end is not None for atom in end.terms):
            raise
    return slice_length(*(end and end.times_known() for end in (start, stop)), size.facts, size, step)


def cut_off(item: slice, size: Dim) -> Dim:
    """The length of `x[k:k + n]`, whose end may lie beyond that of x: in the same words for arrays of one length. Raises Undecided, or NotImplementedError, where it is not known to begin inside."""
    facts = size.facts
    if item.step is not None or item.start is None or item.stop is None:
        raise NotImplementedError
    start, stop = (dimension(end, facts).times_known() for end in (item.start, item.stop))
    if not (start >= 0 and start <= size and stop >= start):
        raise NotImplementedError
    for other in facts.cut.setdefault(stop.key, []):
        if other.value is not None and other.value == size.value:
            alike(other, size)  # from now on they are known to be equal
    facts.cut[stop.key].append(size)
    length = Dim.atom(f"min({stop.key}, {size.key})", None, facts) - start
    if start < size and stop > start:
        facts.positive.add(length.text)
    return length


def bound(value: Any, size: Dim, default: Dim, highest: Dim, floor: int = 0) -> Dim:
    """One end of a slice, clipped to the array."""
    if value is None:
        return default
    end = dimension(value, size.facts)
    if end.key == "0" and floor == 0 and highest.key == size.key:
        return end
    if end < 0:
        end = end + size
        return end if end >= floor else Dim.of(floor, size.facts)
    return end if end <= highest else highest


def getitem_shape(facts: Facts, x: Number, index: tuple[Any, ...]) -> tuple[Shape, bool]:
    """The shape of x[index] and whether it is a view. Raises Undecided or NotImplementedError where it is not known."""
    dims = known_shape(x)
    consumed = sum(consumes(i) for i in index)
    if not any(i is Ellipsis for i in index):
        index = (*index, Ellipsis)
    out: list[Dim] = []
    advanced: list[Number] = []
    place, axis, gap = 0, 0, False
    for item in index:
        if item is Ellipsis:
            for _ in range(len(dims) - consumed):
                out.append(dims[axis])
                axis += 1
            gap = gap or bool(advanced)
        elif item is None:
            out.append(Dim.of(1, facts))
            gap = gap or bool(advanced)
        elif isinstance(item, slice):
            step = 1 if item.step is None else integer(item.step)
            out.append(length_of(item, dims[axis], step))
            axis += 1
            gap = gap or bool(advanced)
        elif isinstance(item, Number) and item.form in ("array", "unknown"):
            if not advanced:
                place = len(out)
            elif gap:
                place = 0
            advanced += masked(item, facts) if item.dtype == BOOL else [item]
            axis += consumes(item)
        else:
            if isinstance(item, Number) and item.dtype == BOOL:
                raise NotImplementedError
            in_bounds(item, dims[axis], facts)
            axis += 1
    if advanced and any(not isinstance(i, (Number, slice)) and i is not None and i is not Ellipsis or is_integer(i) for i in index):
        raise NotImplementedError  # integers beside arrays count as arrays for the place of the axes
    if advanced:
        joint = broadcast(*(a.shape for a in advanced))
        if joint is None:
            raise NotImplementedError
        out[place:place] = joint
    return tuple(out), not advanced


def is_integer(item: Any) -> bool:
    return isinstance(item, int) or (isinstance(item, Number) and item.form in ("python", "scalar"))


def in_bounds(item: Any, size: Dim, facts: Facts) -> None:
    """An index that is known to fall outside raises, as in Python."""
    try:
        where = dimension(item, facts)
    except NotImplementedError:
        return
    if not where.terms and not size.terms and not -size.const <= where.const < size.const:
        raise IndexError(f"index {where.const} is out of bounds for axis with size {size.const}")


def masked(mask: Number, facts: Facts) -> list[Number]:
    """A boolean mask counts as one index array, as long as it holds."""
    return [Number("array", INT, (facts.new_dim() if mask.picks is None else mask.picks,))]


def consumes(item: Any) -> int:
    """How many axes an index takes."""
    if item is None or item is Ellipsis:
        return 0
    if isinstance(item, Number) and item.dtype == BOOL:
        if item.ndim is None:
            raise NotImplementedError
        return item.ndim
    return 1


def getitem(facts: Facts, x: Number, index: tuple[Any, ...]) -> Number:
    """The kind of x[index]."""
    try:
        dims, view = getitem_shape(facts, x, index)
    except (Undecided, NotImplementedError):
        return Number("unknown", x.dtype, None, fresh=False)
    if not dims and not any(i is Ellipsis for i in index):
        return Number("scalar", x.dtype, ())
    return Number("array", x.dtype, dims, fresh=not view, unique=x.unique and len(index) == 1 and isinstance(index[0], slice))


def names_once(index: tuple[Any, ...]) -> bool:
    """Whether an index cannot name one element twice: without arrays of whole numbers, or where one of them has no repetitions and is not broadcast."""
    arrays = [i for i in index if isinstance(i, Number) and not i.is_plain and i.dtype != BOOL]
    if not arrays:
        return True
    joint = broadcast(*(a.shape for a in arrays)) if all(a.form == "array" for a in arrays) else None
    return joint is not None and any(a.unique and a.shape is not None and [d.key for d in a.shape] == [d.key for d in joint] for a in arrays)
