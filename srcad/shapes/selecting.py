"""Functions that pick elements, and statistics.

    np.take((n, d), (k,), axis=0)  ->  (k, d)
"""
from __future__ import annotations

from typing import Any

import numpy as np

from srcad.dims import Dim, Facts, broadcast, product
from srcad.kinds import BOOL, FLOAT, INT, Number, result_dtypes
from srcad.shapes import SHAPES, agree, axes_of, integer, known_shape, lift, made, shape
from srcad.shapes.layout import common_dtype


@shape(np.take)
def take(facts: Facts, x: Any, indices: Any, axis: Any = None, out: Any = None, mode: Any = "raise") -> Number:
    number, index = lift(x, facts), known_shape(lift(indices, facts))
    if axis is None:
        return made(number.dtype, index)
    dims = known_shape(number)
    where, = axes_of(axis, len(dims))
    return made(number.dtype, dims[:where] + index + dims[where + 1 :])


@shape(np.take_along_axis)
def take_along_axis(facts: Facts, x: Any, indices: Any, axis: Any = -1) -> Number:
    number, dims = lift(x, facts), known_shape(lift(indices, facts))
    if axis is None:
        return Number("array", number.dtype, dims)
    where, = axes_of(axis, len(dims))
    own = known_shape(number)
    wide = broadcast(dims[:where] + dims[where + 1 :], own[:where] + own[where + 1 :])
    return Number("array", number.dtype, None if wide is None else (*wide[:where], dims[where], *wide[where:]))


@shape(np.compress)
def compress(facts: Facts, condition: Any, x: Any, axis: Any = None, out: Any = None) -> Number:
    number = lift(x, facts)
    dims = known_shape(number)
    where = axes_of(axis, len(dims)) if axis is not None else ()
    return Number("array", number.dtype, tuple(facts.new_dim() if i in where else d for i, d in enumerate(dims)) if where else (facts.new_dim(),))


@shape(np.extract)
def extract(facts: Facts, condition: Any, x: Any) -> Number:
    return Number("array", lift(x, facts).dtype, (facts.new_dim(),))


@shape(np.choose)
def choose(facts: Facts, a: Any, choices: Any, out: Any = None, mode: Any = "raise") -> Number:
    if not isinstance(choices, (list, tuple)):
        raise NotImplementedError
    numbers = [lift(x, facts) for x in choices]
    return made(common_dtype(numbers), broadcast(lift(a, facts).shape, *(n.shape for n in numbers)))


@shape(np.unique)
def unique(facts: Facts, x: Any, return_index: Any = False, return_inverse: Any = False, return_counts: Any = False, axis: Any = None, **rest: Any) -> Any:
    if axis is not None:
        raise NotImplementedError
    number, count = lift(x, facts), facts.new_dim()
    values = Number("array", number.dtype, (count,))
    if not (return_index or return_inverse or return_counts):
        return values
    inverse = Number("array", INT, None if number.ndim != 1 else number.shape)
    extras = ((return_index, Number("array", INT, (count,))), (return_inverse, inverse), (return_counts, Number("array", INT, (count,))))
    return [values, *(kind for wanted, kind in extras if wanted)]


@shape(np.union1d)
def union1d(facts: Facts, x: Any, y: Any) -> Number:
    return Number("array", common_dtype([lift(x, facts), lift(y, facts)]), (facts.new_dim(),))


@shape(np.diff)
def diff(facts: Facts, x: Any, n: Any = 1, axis: Any = -1, prepend: Any = None, append: Any = None) -> Number:
    numbers = [lift(v, facts) for v in (prepend, x, append) if v is not None]
    dims = list(known_shape(lift(x, facts)))
    where, = axes_of(axis, len(dims))
    if integer(n) < 0:
        raise ValueError("order must be non-negative")
    for end in (prepend, append):
        if end is not None:
            own = known_shape(lift(end, facts))
            dims[where] = dims[where] + (own[where] if own else 1)
    dims[where] = np.maximum(dims[where] - integer(n), 0)
    return Number("array", common_dtype([Number("array", v.dtype, None) for v in numbers]), tuple(dims), fresh=integer(n) != 0)


@shape(np.ediff1d)
def ediff1d(facts: Facts, x: Any, to_end: Any = None, to_begin: Any = None) -> Number:
    total = product(known_shape(lift(x, facts)), facts)
    total = total - 1 if total > 0 else total
    for end in (to_end, to_begin):
        if end is not None:
            total = total + product(known_shape(lift(end, facts)), facts)
    return Number("array", lift(x, facts).dtype, (total,))


@shape(np.gradient)
def gradient(facts: Facts, x: Any, *spacing: Any, axis: Any = None, edge_order: Any = 1) -> Any:
    number = lift(x, facts)
    dtype = number.dtype if number.is_float else np.dtype(float)
    if any(lift(h, facts).dtype != np.dtype(float) or lift(h, facts).form != "python" for h in spacing if not isinstance(h, (int, float))):
        dtype = None
    results = [Number("array", dtype, number.shape) for _ in axes_of(axis, len(known_shape(number)))]
    return results if len(results) > 1 else results[0]


@shape(np.cov, np.corrcoef)
def cov(facts: Facts, m: Any, y: Any = None, rowvar: Any = True, *rest: Any, **keywords: Any) -> Number:
    numbers = [lift(v, facts) for v in (m, y) if v is not None]
    total = Dim.of(0, facts)
    for number in numbers:
        dims = known_shape(number)
        total = total + (dims[0 if rowvar else 1] if len(dims) == 2 else 1)
    dtype = np.result_type(*(n.dtype for n in numbers if n.dtype is not None), np.float64)
    return made(dtype, () if total == 1 else (total, total))


@shape(*(getattr(np, label) for label in ("cumulative_sum", "cumulative_prod") if hasattr(np, label)))
def cumulative(facts: Facts, x: Any, axis: Any = None, dtype: Any = None, include_initial: Any = False, out: Any = None) -> Number:
    number = lift(x, facts)
    whole = SHAPES[np.cumsum](facts, number, 0 if axis is None else axis, dtype)
    dims = list(known_shape(whole))
    where, = axes_of(0 if axis is None else axis, len(dims))
    dims[where] = dims[where] + (1 if include_initial else 0)
    return Number("array", whole.dtype, tuple(dims))


@shape(np.sinc)
def sinc(facts: Facts, x: Any) -> Number:
    number = lift(x, facts)
    return made(number.dtype if number.is_float else FLOAT, number.shape)


@shape(np.i0, np.unwrap)
def smooth(facts: Facts, x: Any, *rest: Any, **keywords: Any) -> Number:
    number = lift(x, facts)
    return Number("array", number.dtype if number.is_float else FLOAT, number.shape)


@shape(np.interp)
def interp(facts: Facts, x: Any, xp: Any, fp: Any, *rest: Any, **keywords: Any) -> Number:
    known, given = lift(xp, facts).shape, lift(fp, facts).shape
    if known and given:
        agree(known, given)
    return made(FLOAT, lift(x, facts).shape)


@shape(np.searchsorted)
def searchsorted(facts: Facts, a: Any, v: Any, *rest: Any, **keywords: Any) -> Number:
    return made(INT, lift(v, facts).shape)


@shape(np.digitize)
def digitize(facts: Facts, x: Any, bins: Any, right: Any = False) -> Number:
    return made(INT, lift(x, facts).shape)


@shape(np.isin)
def isin(facts: Facts, element: Any, *rest: Any, **keywords: Any) -> Number:
    return Number("array", BOOL, lift(element, facts).shape)


@shape(np.isclose)
def isclose(facts: Facts, a: Any, b: Any, rtol: Any = 0.0, atol: Any = 0.0, equal_nan: Any = False) -> Number:
    return made(BOOL, broadcast(*(lift(v, facts).shape for v in (a, b, rtol, atol))))


@shape(np.polyval)
def polyval(facts: Facts, p: Any, x: Any) -> Number:
    numbers = [lift(p, facts), lift(x, facts)]
    known_shape(numbers[0])
    return made(result_dtypes(np.multiply, *numbers)[0], numbers[1].shape)


@shape(np.polyadd, np.polysub)
def polyadd(facts: Facts, a: Any, b: Any) -> Number:
    x, y = lift(a, facts), lift(b, facts)
    n, m = product(known_shape(x), facts), product(known_shape(y), facts)
    return Number("array", common_dtype([x, y]), (n if m <= n else m,))


@shape(np.polymul)
def polymul(facts: Facts, a: Any, b: Any) -> Number:
    return Number("array", result_dtypes(np.multiply, lift(a, facts), lift(b, facts))[0], (facts.new_dim(),))  # leading zeros are dropped


@shape(np.polydiv)
def polydiv(facts: Facts, u: Any, v: Any) -> list[Number]:
    x, y = lift(u, facts), lift(v, facts)
    n, m = product(known_shape(x), facts), product(known_shape(y), facts)
    dtype = result_dtypes(lambda a, b: a / b, x, y)[0]
    return [Number("array", dtype, (n - m + 1 if m <= n else Dim.of(1, facts),)), Number("array", dtype, (facts.new_dim(),))]


@shape(np.poly)
def poly(facts: Facts, roots: Any) -> Number:
    number = lift(roots, facts)
    size, = known_shape(number)
    return made(number.dtype if number.is_float else FLOAT, (size + 1,) if size > 0 else ())


@shape(np.polyder)
def polyder(facts: Facts, p: Any, m: Any = 1) -> Number:
    size, = known_shape(lift(p, facts))
    times = integer(m)
    dtype = lift(p, facts).dtype
    dtype = np.promote_types(dtype, int) if times and dtype is not None else dtype
    return Number("array", dtype, (size - times if size > times else Dim.of(0, facts),), fresh=times != 0)


@shape(np.polyint)
def polyint(facts: Facts, p: Any, m: Any = 1, k: Any = None) -> Number:
    size, = known_shape(lift(p, facts))
    dtype = lift(p, facts).dtype
    return Number("array", dtype and np.promote_types(dtype, np.float64), (size + integer(m),), fresh=integer(m) != 0)


@shape(np.polyfit)
def polyfit(facts: Facts, x: Any, y: Any, deg: Any, rcond: Any = None, full: Any = False, w: Any = None, cov: Any = False) -> Number:
    if full is not False or cov is not False:
        raise NotImplementedError
    return Number("array", FLOAT, (Dim.of(integer(deg) + 1, facts), *known_shape(lift(y, facts))[1:]))
