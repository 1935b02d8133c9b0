"""Functions that keep a shape or are given one.

    np.zeros((n, d))  ->  (n, d)        np.arange(n)  ->  (n,)
"""
from __future__ import annotations

import math
import dataclasses
from typing import Any

import numpy as np

from srcad.dims import Dim, Facts, broadcast, product
from srcad.kinds import FLOAT, INT, Number, result_dtypes
from srcad.shapes import SCIPY, axes_of, dimension, dimensions, known_shape, lift, require_spread, shape
from srcad.shapes.reductions import summed


@shape(np.flip, np.fliplr, np.flipud, np.nan_to_num, np.conj, np.round, np.around)
def unchanged(facts: Facts, x: Any, *rest: Any, **keywords: Any) -> Number:
    number = lift(x, facts)
    return Number("array" if number.shape else "scalar" if number.shape is not None else "unknown", number.dtype, number.shape, fresh=False)


@shape(np.roll)
def rolled(facts: Facts, a: Any, *rest: Any, **keywords: Any) -> Number:
    """Always a new array, by no places too."""
    return dataclasses.replace(unchanged(facts, a), fresh=True)


@shape(np.real, np.imag, np.real_if_close, np.angle)
def real_part(facts: Facts, x: Any, deg: bool = False) -> Number:
    number = unchanged(facts, x)
    kind = number.dtype.kind if number.dtype is not None else ""
    return dataclasses.replace(number, dtype=np.empty(0, number.dtype).real.dtype if kind == "c" else number.dtype)


@shape(np.copy)
def copied(facts: Facts, x: Any, *rest: Any, **keywords: Any) -> Number:
    number = lift(x, facts)
    return Number("array", number.dtype, number.shape)


@shape(np.tril, np.triu)
def triangle(facts: Facts, x: Any, k: Any = 0) -> Number:
    dims = known_shape(x)
    return Number("array", x.dtype, dims * 2 if len(dims) == 1 else dims)


@shape(np.cumsum, np.cumprod, np.nancumsum, np.nancumprod)
def cumulative(facts: Facts, x: Any, axis: Any = None, dtype: Any = None, out: Any = None) -> Number:
    number = lift(x, facts)
    dtype = np.dtype(dtype) if dtype is not None else number.dtype and summed(number.dtype)
    flat = axis is None or not known_shape(number)  # of a number it is a vector, whatever the axis
    if not flat:
        axes_of(axis, len(known_shape(number)))
    return Number("array", dtype, (product(known_shape(number), facts),) if flat else known_shape(number))


@shape(np.maximum.accumulate, np.minimum.accumulate)
def extremes_so_far(facts: Facts, array: Any) -> Number:
    number = lift(array, facts)
    return Number("array", number.dtype, known_shape(number))


@shape(np.sort, np.argsort)
def sorted_(facts: Facts, x: Any, axis: Any = -1, *others: Any, **rest: Any) -> Number:
    x = lift(x, facts)
    return Number("array", x.dtype, (product(known_shape(x), facts),) if axis is None else known_shape(x))


@shape(np.sort_complex)
def sorted_complex(facts: Facts, a: Any) -> Number:
    number = lift(a, facts)
    return Number("array", None if number.dtype is None else np.sort_complex(np.ones(1, number.dtype)).dtype, known_shape(number))


@shape(np.partition)
def partitioned(facts: Facts, x: Any, kth: Any, axis: Any = -1, *others: Any, **rest: Any) -> Number:
    return sorted_(facts, x, axis)


@shape(np.argsort)
def order(facts: Facts, x: Any, axis: Any = -1, *others: Any, **rest: Any) -> Number:
    return Number("array", INT, sorted_(facts, x, axis).shape, unique=lift(x, facts).ndim == 1)


@shape(np.argpartition)
def partial_order(facts: Facts, x: Any, kth: Any, axis: Any = -1, *others: Any, **rest: Any) -> Number:
    return order(facts, x, axis)


@shape(np.full_like)
def full_like(facts: Facts, x: Any, fill_value: Any, *rest: Any, **keywords: Any) -> Number:
    made = like(facts, x, *rest, **keywords)
    if made.shape is not None:
        require_spread(lift(fill_value, facts).shape, made.shape)
    return made


@shape(np.zeros_like, np.ones_like, np.empty_like)
def like(facts: Facts, x: Any, *rest: Any, dtype: Any = None, shape: Any = None, **keywords: Any) -> Number:
    number = lift(x, facts)
    return Number("array", np.dtype(dtype) if dtype is not None else number.dtype, number.shape if shape is None else dimensions(shape, facts))


@shape(np.zeros, np.ones, np.empty)
def filled(facts: Facts, shape: Any, dtype: Any = None, order: Any = "C") -> Number:
    return Number("array", FLOAT if dtype is None else np.dtype(dtype), dimensions(shape, facts))


@shape(np.full)
def full(facts: Facts, shape: Any, fill_value: Any, dtype: Any = None, order: Any = "C") -> Number:
    number, dims = lift(fill_value, facts), dimensions(shape, facts)
    require_spread(number.shape, dims)
    return Number("array", np.dtype(dtype) if dtype is not None else number.dtype, dims)


@shape(np.eye, np.identity)
def eye(facts: Facts, n: Any, m: Any = None, k: Any = 0, dtype: Any = float) -> Number:
    rows = dimension(n, facts)
    return Number("array", np.dtype(dtype), (rows, rows if m is None else dimension(m, facts)))


@shape(np.tri)
def tri(facts: Facts, N: Any, M: Any = None, k: Any = 0, dtype: Any = float, like: Any = None) -> Number:
    return eye(facts, N, M, k, dtype)


@shape(np.bartlett, np.blackman, np.hamming, np.hanning, np.kaiser)
def taper(facts: Facts, M: Any, *parameters: Any, **rest: Any) -> Number:
    return Number("array", FLOAT, (dimension(M, facts),))


WINDOWS = ("barthann", "bartlett", "blackman", "blackmanharris", "bohman", "boxcar", "cosine", "exponential", "flattop", "gaussian", "hamming", "hann", "kaiser", "nuttall", "parzen",
           "triang", "tukey")
SCIPY.update({f"signal.{label}": taper for label in WINDOWS})
SCIPY["signal.get_window"] = lambda facts, window, Nx, *parameters, **rest: taper(facts, Nx)


def is_counted(kind: np.dtype[Any], *bounds: Any) -> bool:
    """Whether an array counts without going round, or rounding: in the usual integers."""
    return kind == INT and all(type(b) is int for b in bounds)


@shape(np.arange)
def arange(facts: Facts, start: Any, stop: Any = None, step: Any = 1, dtype: Any = None) -> Number:
    if stop is None:
        start, stop = 0, start
    numbers = [lift(v, facts) for v in (start, stop, step)]
    kind = np.dtype(dtype) if dtype is not None else np.result_type(*(n.dtype for n in numbers if n.dtype is not None))
    if all(isinstance(v, (int, float)) for v in (start, stop, step)):
        return Number("array", kind, (Dim.of(max(0, math.ceil((stop - start) / step)), facts),), unique=start >= 0 and step > 0 and is_counted(kind, start, step))
    if all(n.dim is not None for n in numbers):
        lower, upper, stride = (n.dim for n in numbers)
        count = upper - lower if stride.key == "1" else -((lower - upper) // stride)
        if count.value is not None and count.terms and not count >= 0:
            count = Dim.of(0, facts)
        elif not count.terms:
            count = Dim.of(max(0, count.const), facts)
        from_zero = not lower.terms and lower.const >= 0 and not stride.terms and stride.const > 0
        return Number("array", kind, (count,), unique=from_zero and kind == INT)
    return Number("array", kind, (facts.new_dim(),))


@shape(np.linspace)
def linspace(facts: Facts, start: Any, stop: Any, num: Any = 50, endpoint: Any = True, retstep: Any = False, dtype: Any = None, axis: Any = 0) -> Number:
    if retstep is not False:
        raise NotImplementedError
    numbers = [lift(v, facts) for v in (start, stop)]
    ends = broadcast(*(n.shape for n in numbers))
    if ends is None or axis != 0 and ends:
        raise NotImplementedError
    return Number("array", np.dtype(dtype) if dtype is not None else result_dtypes(np.divide, *numbers)[0], (dimension(num, facts), *ends))


@shape(np.geomspace)
def geomspace(facts: Facts, start: Any, stop: Any, num: Any = 50, endpoint: Any = True, dtype: Any = None, axis: Any = 0) -> Number:
    return linspace(facts, start, stop, num, endpoint, False, dtype, axis)


@shape(np.logspace)
def logspace(facts: Facts, start: Any, stop: Any, num: Any = 50, endpoint: Any = True, base: Any = 10.0, dtype: Any = None, axis: Any = 0) -> Number:
    return linspace(facts, start, stop, num, endpoint, False, dtype, axis)


@shape(*(getattr(getattr(np.polynomial, family), label) for family, label in (
    ("legendre", "leggauss"), ("chebyshev", "chebgauss"), ("hermite", "hermgauss"), ("hermite_e", "hermegauss"), ("laguerre", "laggauss"))))
def quadrature(facts: Facts, deg: Any) -> list[Number]:
    """Points and weights."""
    return [Number("array", FLOAT, (dimension(deg, facts),)) for _ in range(2)]


@shape(np.indices)
def indices(facts: Facts, dimensions_: Any, dtype: Any = int, sparse: Any = False) -> Number:
    if sparse is not False:
        raise NotImplementedError
    dims = dimensions(dimensions_, facts)
    return Number("array", np.dtype(dtype), (Dim.of(len(dims), facts), *dims))


@shape(np.vander)
def vander(facts: Facts, x: Any, N: Any = None, increasing: Any = False) -> Number:  # noqa: N803
    rows, = known_shape(lift(x, facts))
    dtype = lift(x, facts).dtype
    return Number("array", dtype and np.promote_types(dtype, int), (rows, rows if N is None else dimension(N, facts)))


@shape(np.bincount)
def bincount(facts: Facts, x: Any, weights: Any = None, minlength: Any = 0) -> Number:
    return Number("array", INT if weights is None else FLOAT, (facts.new_dim(),))
