"""More functions that move elements.

    np.repeat((n, d), 3, axis=0)  ->  (n * 3, d)
"""
from __future__ import annotations

from typing import Any

import numpy as np

from srcad.dims import Dim, Facts, Shape, broadcast, product
from srcad.kinds import Number
from srcad.rules.arranging import pad_widths
from srcad.shapes import SHAPES, axes_of, dimension, dimensions, integer, is_less, known_shape, lift, shape
from srcad.shapes.layout import common_dtype, concatenate, diag, raised, sum_dims


def ranked(x: Any, facts: Facts, ndim: int) -> Number:
    """Of at least so many dimensions, as np.atleast_3d adds them."""
    number = lift(x, facts)
    dims = known_shape(number)
    if ndim == 3 and len(dims) in (1, 2):
        one = Dim.of(1, facts)
        return Number("array", number.dtype, (one, *dims, one) if len(dims) == 1 else (*dims, one), fresh=False)
    whole = raised(number, ndim, facts)
    return Number("array", whole.dtype, whole.shape, fresh=False)


for _label, _rank in (("atleast_1d", 1), ("atleast_2d", 2), ("atleast_3d", 3)):
    def _atleast(facts: Facts, *xs: Any, rank: int = _rank) -> Any:
        found = [ranked(x, facts, rank) for x in xs]
        return found[0] if len(found) == 1 else found

    SHAPES[getattr(np, _label)] = _atleast


@shape(np.dstack)
def dstack(facts: Facts, xs: Any, **rest: Any) -> Number:
    return concatenate(facts, [ranked(x, facts, 3) for x in xs], 2)


@shape(np.append)
def append(facts: Facts, x: Any, values: Any, axis: Any = None) -> Number:
    return concatenate(facts, [lift(x, facts), lift(values, facts)], axis)


@shape(np.array_split)
def array_split(facts: Facts, x: Any, sections: Any, axis: Any = 0) -> list[Number]:
    if isinstance(sections, (list, tuple)):
        return SHAPES[np.split](facts, x, sections, axis)  # type: ignore[no-any-return]
    dims = known_shape(x)
    where, = axes_of(axis, len(dims))
    count = integer(sections)
    small, extra = divmod(dims[where].known(), count)
    sizes = [small + 1] * extra + [small] * (count - extra)
    return [Number("array", x.dtype, (*dims[:where], Dim.of(size, facts), *dims[where + 1 :]), fresh=False) for size in sizes]


SHAPES[np.vsplit] = lambda facts, x, sections: SHAPES[np.split](facts, x, sections, 0)
SHAPES[np.hsplit] = lambda facts, x, sections: SHAPES[np.split](facts, x, sections, 0 if x.ndim == 1 else 1)
SHAPES[np.dsplit] = lambda facts, x, sections: SHAPES[np.split](facts, x, sections, 2)


@shape(*([np.unstack] if hasattr(np, "unstack") else []))
def unstack(facts: Facts, x: Any, axis: Any = 0) -> list[Number]:
    dims = known_shape(x)
    where, = axes_of(axis, len(dims))
    return [Number("array", x.dtype, dims[:where] + dims[where + 1 :], fresh=False) for _ in range(dims[where].known())]


@shape(np.broadcast_arrays)
def broadcast_arrays(facts: Facts, *xs: Any, subok: Any = False) -> list[Number]:
    numbers = [lift(x, facts) for x in xs]
    joint = broadcast(*(n.shape for n in numbers))
    return [Number("array", n.dtype, joint, fresh=False) for n in numbers]


@shape(np.meshgrid)
def meshgrid(facts: Facts, *xs: Any, copy: Any = True, sparse: Any = False, indexing: Any = "xy") -> list[Number]:
    numbers = [lift(x, facts) for x in xs]
    sizes = [product(known_shape(n), facts) for n in numbers]
    order = [1, 0, *range(2, len(xs))] if indexing == "xy" and len(xs) > 1 else [*range(len(xs))]
    one = Dim.of(1, facts)
    whole = tuple(sizes[i] for i in order)
    shapes = [tuple(sizes[j] if j == i else one for j in order) for i in range(len(xs))] if sparse else [whole] * len(xs)
    return [Number("array", n.dtype, dims, fresh=copy is True) for n, dims in zip(numbers, shapes)]


@shape(np.block)
def block(facts: Facts, arrays: Any) -> Number:
    def nested(x: Any) -> int:
        return 1 + nested(x[0]) if isinstance(x, (list, tuple)) else 0

    def leaves(x: Any) -> list[Number]:
        return [n for item in x for n in leaves(item)] if isinstance(x, (list, tuple)) else [lift(x, facts)]

    numbers = leaves(arrays)
    rank = max(nested(arrays), *(len(known_shape(n)) for n in numbers))

    def joined(x: Any, axis: int) -> Shape:
        if not isinstance(x, (list, tuple)):
            return known_shape(raised(lift(x, facts), rank, facts))
        shapes = [joined(item, axis + 1) for item in x]
        dims = list(shapes[0])
        dims[axis] = sum_dims([s[axis] for s in shapes], facts)
        return tuple(dims)

    return Number("array", common_dtype(numbers), joined(arrays, -nested(arrays)))


@shape(np.delete)
def delete(facts: Facts, x: Any, obj: Any, axis: Any = None) -> Number:
    number = lift(x, facts)
    dims = (product(known_shape(number), facts),) if axis is None else known_shape(number)
    where, = axes_of(0 if axis is None else axis, len(dims))
    single = isinstance(obj, int) or isinstance(obj, Number) and obj.form in ("python", "scalar")
    return Number("array", number.dtype, (*dims[:where], dims[where] - 1 if single else facts.new_dim(), *dims[where + 1 :]))


@shape(np.insert)
def insert(facts: Facts, x: Any, obj: Any, values: Any, axis: Any = None) -> Number:
    number, added = lift(x, facts), known_shape(lift(values, facts))
    dims = (product(known_shape(number), facts),) if axis is None else known_shape(number)
    where, = axes_of(0 if axis is None else axis, len(dims))
    single = isinstance(obj, int) or isinstance(obj, Number) and obj.form in ("python", "scalar")
    size = dims[where] + 1 if single and not added else facts.new_dim()
    return Number("array", number.dtype, (*dims[:where], size, *dims[where + 1 :]))


@shape(np.diagflat)
def diagflat(facts: Facts, x: Any, k: Any = 0) -> Number:
    number = lift(x, facts)
    return diag(facts, Number("array", number.dtype, (product(known_shape(number), facts),)), k)


@shape(np.rot90)
def rot90(facts: Facts, x: Any, k: Any = 1, axes: Any = (0, 1)) -> Number:
    dims = list(known_shape(x))
    i, j = axes_of(axes, len(dims))
    if integer(k) % 2:
        dims[i], dims[j] = dims[j], dims[i]
    return Number("array", x.dtype, tuple(dims), fresh=False)


@shape(np.rollaxis)
def rollaxis(facts: Facts, x: Any, axis: Any, start: Any = 0) -> Number:
    dims = list(known_shape(x))
    where, = axes_of(axis, len(dims))
    to = integer(start)
    to = to + len(dims) if to < 0 else to
    moved = dims.pop(where)
    dims.insert(to - (where < to), moved)
    return Number("array", x.dtype, tuple(dims), fresh=False)


@shape(*(owner.matrix_transpose for owner in (np, np.linalg) if hasattr(owner, "matrix_transpose")))
def matrix_transpose(facts: Facts, x: Any) -> Number:
    dims = known_shape(x)
    return Number("array", x.dtype, (*dims[:-2], dims[-1], dims[-2]), fresh=False)


@shape(np.tile)
def tile(facts: Facts, x: Any, reps: Any) -> Number:
    number = lift(x, facts)
    times = dimensions(reps, facts)
    dims = known_shape(number)
    one = Dim.of(1, facts)
    times = (one,) * (len(dims) - len(times)) + times
    dims = (one,) * (len(times) - len(dims)) + dims
    return Number("array", number.dtype, tuple(d * t for d, t in zip(dims, times)))


@shape(np.repeat)
def repeat(facts: Facts, x: Any, repeats: Any, axis: Any = None) -> Number:
    number = lift(x, facts)
    dims = (product(known_shape(number), facts),) if axis is None else known_shape(number)
    where, = axes_of(0 if axis is None else axis, len(dims))
    single = isinstance(repeats, int) or isinstance(repeats, Number) and repeats.dim is not None
    size = dims[where] * dimension(repeats, facts) if single else facts.new_dim()
    return Number("array", number.dtype, (*dims[:where], size, *dims[where + 1 :]))


@shape(np.resize)
def resize(facts: Facts, x: Any, new_shape: Any) -> Number:
    return Number("array", lift(x, facts).dtype, dimensions(new_shape, facts), fresh=False)


@shape(np.pad)
def pad(facts: Facts, x: Any, pad_width: Any, mode: Any = "constant", **rest: Any) -> Number:
    number = lift(x, facts)
    dims = known_shape(number)
    if isinstance(pad_width, dict) or isinstance(pad_width, (tuple, list)) and any(isinstance(w, Number) for w in pad_width):
        raise NotImplementedError
    widths = [(dimension(before, facts), dimension(after, facts)) for before, after in pad_widths(pad_width if isinstance(pad_width, (tuple, list)) else dimension(pad_width, facts), len(dims))]
    if any(is_less(width, 0) for pair in widths for width in pair):
        raise ValueError("index can't contain negative values")
    return Number("array", number.dtype, tuple(d + before + after for d, (before, after) in zip(dims, widths)))


@shape(np.lib.stride_tricks.sliding_window_view)
def sliding_window_view(facts: Facts, x: Any, window_shape: Any, axis: Any = None, **rest: Any) -> Number:
    dims = list(known_shape(x))
    sizes = dimensions(window_shape, facts)
    axes = axes_of(axis, len(dims))
    for i, size in zip(axes, sizes):
        if is_less(dims[i], size):
            raise ValueError("window shape cannot be larger than input array shape")
        dims[i] = dims[i] - size + 1
    return Number("array", x.dtype, (*dims, *sizes), fresh=False)


@shape(*([np.astype] if hasattr(np, "astype") else []))
def astype(facts: Facts, x: Any, dtype: Any, **rest: Any) -> Number:
    return Number("array", np.dtype(dtype), known_shape(x), fresh=False)
