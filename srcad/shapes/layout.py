"""Functions that move elements.

    np.concatenate([(n, d), (m, d)])  ->  (n + m, d)
"""
from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from srcad.dims import Dim, Facts, alike, broadcast, product
from srcad.kinds import FLOAT, Number, result_dtypes, sample
from srcad.runtime import unbroadcast
from srcad.shapes import agree, axes_of, dimensions, integer, known_shape, lift, made, require_spread, shape, smaller
from srcad.shapes.indexing import slice_length


@shape(np.reshape)
def reshape(facts: Facts, x: Any, shape: Any = None, order: Any = "C", newshape: Any = None, **rest: Any) -> Number:
    number = lift(x, facts)
    wanted = list(dimensions(newshape if shape is None else shape, facts))
    hole = [i for i, d in enumerate(wanted) if not d.terms and d.const == -1]
    if hole:
        missing, made = [*known_shape(number)], []
        for d in wanted[: hole[0]] + wanted[hole[0] + 1 :]:  # (n, a, b) -> (n, c, -1): what is left is a * b // c
            at = next((i for i, m in enumerate(missing) if m.key == d.key), None)
            if at is None:
                made.append(d)
            else:
                del missing[at]
        rest, known = product(tuple(missing), facts), product(tuple(made), facts)
        wanted[hole[0]] = rest if known.key == "1" else rest // known
    return Number("array", number.dtype, tuple(wanted), fresh=False)


@shape(np.ravel)
def ravel(facts: Facts, x: Any, order: Any = "C") -> Number:
    number = lift(x, facts)
    return Number("array", number.dtype, (product(known_shape(number), facts),), fresh=False)


@shape(np.transpose, np.permute_dims if hasattr(np, "permute_dims") else np.transpose)
def transpose(facts: Facts, x: Any, axes: Any = None) -> Number:
    number = lift(x, facts)
    dims = known_shape(number)
    order = tuple(reversed(range(len(dims)))) if axes is None else axes_of(axes, len(dims))
    return Number("array" if dims else number.form, number.dtype, tuple(dims[i] for i in order), fresh=False)


@shape(unbroadcast)
def unbroadcasted(facts: Facts, dz: Any, x: Any) -> Number:
    number, like = lift(dz, facts), lift(x, facts)
    return Number("unknown" if not like.shape else "array", number.dtype, like.shape, fresh=False)


@shape(np.swapaxes)
def swapaxes(facts: Facts, x: Any, axis1: Any, axis2: Any) -> Number:
    dims = list(known_shape(x))
    i, j = axes_of((axis1, axis2), len(dims))
    dims[i], dims[j] = dims[j], dims[i]
    return Number("array", x.dtype, tuple(dims), fresh=False)


def moved_axes(source: Any, destination: Any, ndim: int) -> list[int]:
    """The permutation that np.moveaxis applies."""
    source, destination = axes_of(source, ndim), axes_of(destination, ndim)
    order = [n for n in range(ndim) if n not in source]
    for to, fro in sorted(zip(destination, source)):
        order.insert(to, fro)
    return order


@shape(np.moveaxis)
def moveaxis(facts: Facts, x: Any, source: Any, destination: Any) -> Number:
    dims = known_shape(x)
    return Number("array", x.dtype, tuple(dims[i] for i in moved_axes(source, destination, len(dims))), fresh=False)


@shape(np.expand_dims)
def expand_dims(facts: Facts, x: Any, axis: Any) -> Number:
    number = lift(x, facts)
    rank = len(known_shape(number)) + (len(axis) if isinstance(axis, (tuple, list)) else 1)
    new = axes_of(axis, rank)
    old = iter(known_shape(number))
    return Number("array", number.dtype, tuple(Dim.of(1, facts) if i in new else next(old) for i in range(rank)), fresh=False)


@shape(np.squeeze)
def squeeze(facts: Facts, x: Any, axis: Any = None) -> Number:
    dims = known_shape(x)
    gone = [i for i, d in enumerate(dims) if d == 1] if axis is None else axes_of(axis, len(dims))
    return Number("array", x.dtype, tuple(d for i, d in enumerate(dims) if i not in gone), fresh=False)


@shape(np.broadcast_to)
def broadcast_to(facts: Facts, x: Any, shape: Any, subok: Any = False) -> Number:
    number, wanted = lift(x, facts), dimensions(shape, facts)
    require_spread(number.shape, wanted)
    return Number("array", number.dtype, wanted, fresh=False)


def common_dtype(numbers: Sequence[Number]) -> np.dtype[Any] | None:
    if not numbers or any(n.dtype is None for n in numbers):
        return FLOAT if not numbers else None
    return np.result_type(*(np.asarray(sample(n)).dtype for n in numbers))


@shape(np.concatenate)
def concatenate(facts: Facts, xs: Any, axis: Any = 0, **rest: Any) -> Number:
    numbers = [lift(x, facts) for x in xs]
    dtype = common_dtype(numbers)
    if axis is None:
        return Number("array", dtype, (sum_dims([product(known_shape(n), facts) for n in numbers], facts),))
    dims = list(known_shape(numbers[0]))
    where, = axes_of(axis, len(dims))
    for number in numbers[1:]:
        others = known_shape(number)
        agree((*dims[:where], *dims[where + 1 :]), others[:where] + others[where + 1 :])
    dims[where] = sum_dims([known_shape(n)[where] for n in numbers], facts)
    return Number("array", dtype, tuple(dims))


def sum_dims(dims: Sequence[Dim], facts: Facts) -> Dim:
    total = Dim.of(0, facts)
    for dim in dims:
        total = total + dim
    return total


@shape(np.stack)
def stack(facts: Facts, xs: Any, axis: Any = 0, **rest: Any) -> Number:
    numbers = [lift(x, facts) for x in xs]
    dims = list(known_shape(numbers[0]))
    for number in numbers[1:]:
        agree(tuple(dims), known_shape(number))
    dims.insert(axes_of(axis, len(dims) + 1)[0], Dim.of(len(numbers), facts))
    return Number("array", common_dtype(numbers), tuple(dims))


@shape(np.vstack, *([np.row_stack] if hasattr(np, "row_stack") else []))
def vstack(facts: Facts, xs: Any, **rest: Any) -> Number:
    return concatenate(facts, [raised(lift(x, facts), 2, facts) for x in xs], 0)


def raised(x: Number, rank: int, facts: Facts) -> Number:
    dims = known_shape(x)
    if len(dims) >= rank:
        return x
    ones = (Dim.of(1, facts),) * (rank - len(dims))
    return Number("array", x.dtype, ones + dims, fresh=False)


@shape(np.hstack)
def hstack(facts: Facts, xs: Any, **rest: Any) -> Number:
    numbers = [raised(lift(x, facts), 1, facts) for x in xs]
    return concatenate(facts, numbers, 0 if numbers[0].ndim == 1 else 1)


@shape(np.column_stack)
def column_stack(facts: Facts, xs: Any) -> Number:
    numbers = [lift(x, facts) for x in xs]
    columns = [n if n.ndim == 2 else Number("array", n.dtype, (*raised(n, 1, facts).shape, Dim.of(1, facts))) for n in numbers]  # type: ignore[misc]
    return concatenate(facts, columns, 1)


@shape(np.split)
def split(facts: Facts, x: Any, sections: Any, axis: Any = 0) -> list[Number]:
    dims = list(known_shape(x))
    where, = axes_of(axis, len(dims))
    total = dims[where]
    if isinstance(sections, (list, tuple)):
        cuts = [Dim.of(0, facts), *dimensions(sections, facts), total]
        sizes = [slice_length(a, b, facts, total) for a, b in zip(cuts, cuts[1:])]
    else:
        count = integer(sections)
        if alike(total % count, Dim.of(0, facts)) is False:
            raise ValueError("array split does not result in an equal division")
        sizes = [total // count if count != 1 else total] * count
    return [Number("array", x.dtype, tuple([*dims[:where], size, *dims[where + 1 :]]), fresh=False) for size in sizes]


@shape(np.array, np.asarray, np.asanyarray)
def array(facts: Facts, x: Any, dtype: Any = None, **rest: Any) -> Number:
    if isinstance(x, (list, tuple)):
        items = [array(facts, item) if isinstance(item, (list, tuple)) else lift(item, facts) for item in x]
        inner = broadcast(*(i.shape for i in items)) if items else ()
        found = common_dtype(items)
        result = Number("array", found, None if inner is None else (Dim.of(len(items), facts), *inner), unique=are_distinct(x))
    else:
        number = lift(x, facts)
        result = Number("array", number.dtype, number.shape, fresh=False)
    return Number("array", np.dtype(dtype), result.shape, fresh=result.fresh) if dtype is not None else result


def are_distinct(items: Sequence[Any]) -> bool:
    """Whether items are different whole numbers that are written down, all of which count from the same end."""
    whole = [i for i in items if type(i) is int]
    return len(set(whole)) == len(items) > 0 and (min(whole) >= 0 or max(whole) < 0)


@shape(np.ascontiguousarray, np.asfortranarray)
def contiguous(facts: Facts, x: Any, dtype: Any = None, **rest: Any) -> Number:
    number = array(facts, x, dtype)
    return number if number.shape != () else Number("unknown", number.dtype, None, fresh=False)


@shape(np.where)
def where(facts: Facts, condition: Any, x: Any, y: Any) -> Number:
    numbers = [lift(v, facts) for v in (condition, x, y)]
    return Number("array", result_dtypes(np.add, *numbers[1:])[0], broadcast(*(n.shape for n in numbers)))


@shape(np.clip)
def clip(facts: Facts, x: Any, a_min: Any = None, a_max: Any = None, out: Any = None, **rest: Any) -> Number:
    numbers = [lift(v, facts) for v in (x, a_min, a_max) if v is not None]
    dtype = numbers[0].dtype
    for number in numbers[1:]:
        dtype = result_dtypes(np.maximum, Number(numbers[0].form, dtype, numbers[0].shape), number)[0]
    return made(dtype, broadcast(*(n.shape for n in numbers)))


@shape(np.diag)
def diag(facts: Facts, x: Any, k: Any = 0) -> Number:
    dims = known_shape(x)
    offset = integer(k)
    if len(dims) == 1:
        side = dims[0] + abs(offset)
        return Number("array", x.dtype, (side, side))
    if len(dims) != 2:
        raise ValueError("Input must be 1- or 2-d.")
    rows, columns = (dims[0] + min(offset, 0), dims[1] - max(offset, 0))
    return Number("array", x.dtype, (smaller(rows, columns),), fresh=False)


@shape(np.diagonal)
def diagonal(facts: Facts, x: Any, offset: Any = 0, axis1: Any = 0, axis2: Any = 1) -> Number:
    dims = known_shape(x)
    rows, columns = axes_of((axis1, axis2), len(dims))
    if rows == columns:
        raise ValueError("axis1 and axis2 cannot be the same")
    of_one = diag(facts, Number("array", x.dtype, (dims[rows], dims[columns])), offset)
    rest = tuple(d for i, d in enumerate(dims) if i not in (rows, columns))
    return Number("array", x.dtype, rest + known_shape(of_one), fresh=False)
