"""Reductions, and functions that keep the shape of what they run along.

    np.sum((n, d), axis=0)  ->  (d,)
"""
from __future__ import annotations

import dataclasses
from collections.abc import Callable
from typing import Any

import numpy as np

from srcad.dims import Dim, Facts, Shape
from srcad.kinds import BOOL, INT, Number, python, result_dtypes
from srcad.shapes import SCIPY, SHAPES, agree, axes_of, known_shape, lift, made, shape


def of_number(axis: Any, dims: Shape) -> bool:
    """Whether a reduction is over the axis 0 or -1 of what has no axes: NumPy lets it be."""
    return not dims and isinstance(axis, int) and axis in (0, -1)


def reduced(x: Number, axis: Any, keepdims: Any, dtype: np.dtype[Any] | None) -> Number:
    if axis is None and not keepdims:
        return made(dtype, ())
    dims = known_shape(x)
    gone = () if of_number(axis, dims) else axes_of(axis, len(dims))
    one = Dim.of(1, dims[0].facts) if dims else None
    kept = tuple(one if i in gone else d for i, d in enumerate(dims) if keepdims or i not in gone)
    return made(dtype, kept)  # type: ignore[arg-type]


def reduction(result: Callable[[np.dtype[Any]], np.dtype[Any]], *functions: object) -> None:
    def rule(facts: Facts, x: Any, axis: Any = None, dtype: Any = None, out: Any = None, keepdims: Any = False, **rest: Any) -> Number:
        number = lift(x, facts)
        if out is not None:
            raise NotImplementedError
        given = np.dtype(dtype) if dtype is not None else number.dtype and result(number.dtype)
        return reduced(number, axis, keepdims is True, given)

    shape(*functions)(rule)


def summed(dtype: np.dtype[Any]) -> np.dtype[Any]:
    return np.sum(np.ones(1, dtype)).dtype


def averaged(dtype: np.dtype[Any]) -> np.dtype[Any]:
    return np.mean(np.ones(1, dtype)).dtype


reduction(summed, np.sum, np.prod, np.nansum, np.nanprod, sum)


reduction(averaged, np.mean, np.nanmean)


def short_reduction(result: Callable[[np.dtype[Any]], np.dtype[Any]], *functions: object) -> None:
    """Reductions called (x, axis, out, keepdims)."""
    def rule(facts: Facts, x: Any, axis: Any = None, out: Any = None, keepdims: Any = False, **rest: Any) -> Number:
        number = lift(x, facts)
        if out is not None:
            raise NotImplementedError
        return reduced(number, axis, keepdims is True, number.dtype and result(number.dtype))

    shape(*functions)(rule)


short_reduction(lambda d: d, np.max, np.min, np.ptp, np.nanmax, np.nanmin)


@shape(np.logaddexp.reduce)
def logaddexp_reduce(facts: Facts, x: Any, axis: Any = 0, dtype: Any = None, out: Any = None, keepdims: Any = False) -> Number:
    if dtype is not None or out is not None:
        raise NotImplementedError
    number = lift(x, facts)
    return reduced(number, axis, keepdims is True, number.dtype and np.result_type(number.dtype, np.float16))


short_reduction(lambda d: INT, np.argmax, np.argmin)


COUNTED = python(INT) if type(np.count_nonzero(())) is int else Number("scalar", INT, ())  # NumPy has changed its mind on that


@shape(np.count_nonzero)
def count_nonzero(facts: Facts, x: Any, axis: Any = None, keepdims: Any = False) -> Number:
    return COUNTED if axis is None and keepdims is not True else reduced(lift(x, facts), axis, keepdims is True, INT)


short_reduction(lambda d: BOOL, np.any, np.all)


SHAPES.update({np.amax: SHAPES[np.max], np.amin: SHAPES[np.min]})


@shape(np.var, np.std, np.nanvar, np.nanstd)
def variance(facts: Facts, x: Any, axis: Any = None, dtype: Any = None, out: Any = None, ddof: Any = 0, keepdims: Any = False, **rest: Any) -> Number:
    found = SHAPES[np.mean](facts, x, axis, dtype, out, keepdims)
    return dataclasses.replace(found, dtype=found.dtype and np.empty(0, found.dtype).real.dtype)


@shape(np.median, np.nanmedian)
def median(facts: Facts, x: Any, axis: Any = None, out: Any = None, overwrite_input: Any = False, keepdims: Any = False) -> Number:
    return SHAPES[np.mean](facts, x, axis, None, out, keepdims)


@shape(np.quantile, np.percentile, np.nanquantile, np.nanpercentile)
def quantile(facts: Facts, x: Any, q: Any, axis: Any = None, out: Any = None, overwrite_input: Any = False, method: Any = "linear", keepdims: Any = False,
             **rest: Any) -> Number:
    point = lift(q, facts)
    number = lift(x, facts)
    averaging = SHAPES[np.mean](facts, x, axis, None, out, keepdims)
    if isinstance(q, (int, float)) or point.form == "python":
        return made(number.dtype if number.is_float else averaging.dtype, averaging.shape)
    wide = np.dtype(float)  # what a row of quantiles makes of narrow numbers differs from version to version
    return made(wide if number.dtype == wide and point.dtype == wide else None, known_shape(point) + known_shape(averaging))


@shape(np.average)
def average(facts: Facts, x: Any, axis: Any = None, weights: Any = None, returned: Any = False, *, keepdims: Any = False) -> Number:
    if returned is not False:
        raise NotImplementedError
    numbers = [lift(v, facts) for v in (x, weights) if v is not None]
    if weights is not None:
        dims, own = known_shape(numbers[0]), known_shape(numbers[1])
        agree(own, dims if len(own) == len(dims) or axis is None else tuple(dims[i] for i in axes_of(axis, len(dims))))
    dtype = result_dtypes(np.divide, *numbers)[0] if len(numbers) == 2 else numbers[0].dtype and averaged(numbers[0].dtype)
    return reduced(numbers[0], axis, keepdims is True, dtype)


@shape(*(getattr(np, label) for label in ("trapezoid", "trapz") if label in vars(np)))
def trapezoid(facts: Facts, y: Any, x: Any = None, dx: Any = 1.0, axis: Any = -1) -> Number:
    numbers = [lift(v, facts) for v in (y, x if x is not None else dx)]
    return reduced(numbers[0], axis, False, result_dtypes(lambda a, b: a * b / 2.0, *numbers)[0])


SCIPY.update({"integrate.trapezoid": trapezoid, "integrate.simpson": trapezoid})


@shape(np.trace)
def trace(facts: Facts, x: Any, offset: Any = 0, axis1: Any = 0, axis2: Any = 1) -> Number:
    dims = known_shape(x)
    gone = axes_of((axis1, axis2), len(dims))
    return made(x.dtype and summed(x.dtype), tuple(d for i, d in enumerate(dims) if i not in gone))
