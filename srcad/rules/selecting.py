"""Functions that pick, sort and join elements: what an element gave is given back to it.

    z = np.sort(x)      dx = dz[np.argsort(np.argsort(x))]

Where elements go to is asked of the function itself: applied to the elements'
numbers it says which element each part of the result is.
"""
from __future__ import annotations

from typing import Any

import numpy as np

from srcad.rules import called, made, rule, zero
from srcad.rules.complex import is_complex
from srcad.rules.reductions import kept

Adjoints = tuple[Any, ...]


def numbered(a: Any) -> Any:
    """The elements' own numbers, in the array's shape."""
    numbers = made(a, np.arange, a.size)
    return numbers if a.ndim == 1 else numbers.reshape(a.shape)


def flat(x: Any) -> Any:
    return x if x.ndim == 1 else x.reshape(-1)


def gathered(dz: Any, source: Any, a: Any) -> Any:
    """The adjoint of `a`, where `source` says which element of it each element of the result is."""
    return counted(dz, source, a.size).reshape(a.shape)


def counted(dz: Any, source: Any, size: Any) -> Any:
    """For each of so many elements the sum of what is given to its number. np.bincount of nothing counts in whole numbers."""
    known = getattr(dz.size, "value", 0) is not None
    if known and dz.size == 0:
        return made(dz, np.zeros, size)
    if is_complex(dz):
        numbers, given = flat(source), flat(dz)
        return of_size(np.bincount(numbers, np.real(given), size) + 1j * np.bincount(numbers, np.imag(given), size), size)
    found = of_size(np.bincount(flat(source), flat(dz), size), size)
    return found if known else found.astype(np.float64)


def of_size(vector: Any, size: Any) -> Any:
    """What is counted is as long as that, for no number is beyond it."""
    return vector.of_size(size) if hasattr(vector, "of_size") else vector


def along(a: Any, axis: Any) -> Any:
    """The order of the elements along an axis."""
    return np.argsort(a) if axis == -1 or a.ndim == 1 and axis == 0 else np.argsort(a, axis=axis)


def taken(dz: Any, order: Any, axis: Any) -> Any:
    return dz[order] if dz.ndim == 1 else np.take_along_axis(dz, order, axis=axis)


@rule(np.sort)
def sort(dz: Any, z: Any, a: Any, axis: Any = -1, kind: Any = None, stable: Any = None) -> Adjoints:
    """Each element gets what was given to its place in the order."""
    if axis is None:
        return (dz[np.argsort(np.argsort(a, axis=None))].reshape(a.shape),)
    return (taken(dz, along(along(a, axis), axis), axis),)


@rule(np.maximum.accumulate, np.minimum.accumulate)
def extreme_so_far(dz: Any, z: Any, array: Any) -> Adjoints:
    """The last element that was the greatest so far gets what is given to all the places where it is."""
    return (gathered(dz, called("places", np.maximum.accumulate(np.where(array == z, numbered(array), 0))), array),)


@rule(np.sort_complex)
def sort_complex(dz: Any, z: Any, a: Any) -> Adjoints:
    """By real parts, then by imaginary ones, along the last axis."""
    return (taken(dz, along(along(a, -1), -1), -1),)


@rule(np.partition)
def partition(dz: Any, z: Any, a: Any, kth: Any = None, axis: Any = -1, kind: Any = None) -> Adjoints:
    """Of all orders of the same elements, this one is told by its values."""
    if axis is None:
        return (dz[np.argsort(z)][np.argsort(np.argsort(a, axis=None))].reshape(a.shape),)
    return (taken(taken(dz, along(z, axis), axis), along(along(a, axis), axis), axis),)


@rule(np.take)
def take(dz: Any, z: Any, a: Any, indices: Any = None, axis: Any = None, mode: str = "raise") -> Adjoints:
    keywords = {"axis": axis} if a.ndim > 1 and axis is not None else {}
    if mode != "raise":
        keywords["mode"] = mode
    return (gathered(dz, np.take(numbered(a), indices, **keywords), a),)


@rule(np.take_along_axis)
def take_along_axis(dz: Any, z: Any, arr: Any, indices: Any = None, axis: Any = -1) -> Adjoints:
    return (gathered(dz, np.take_along_axis(numbered(arr), indices, axis=axis), arr),)


@rule(np.compress)
def compress(dz: Any, z: Any, a: Any, condition: Any = None, axis: Any = None) -> Adjoints:
    return (gathered(dz, np.compress(condition, numbered(a), axis=axis), a),)


@rule(np.extract)
def extract(dz: Any, z: Any, arr: Any, condition: Any = None) -> Adjoints:
    return (gathered(dz, np.extract(condition, numbered(arr)), arr),)


@rule(np.choose)
def choose(dz: Any, z: Any, choices: Any, a: Any = None, mode: str = "raise") -> Adjoints:
    if mode != "raise" or not isinstance(choices, (list, tuple)):
        raise NotImplementedError("choices other than a list, nor a mode other than 'raise'")
    if isinstance(a, (list, tuple)):
        raise NotImplementedError("a list of indices. Make it an array")
    return ([np.where(a == i, dz, 0.0) for i in range(len(choices))],)


@rule(np.unique)
def unique(dz: Any, z: Any, ar: Any, return_index: bool = False, return_inverse: bool = False, return_counts: bool = False, axis: Any = None,
           equal_nan: bool = True) -> Adjoints:
    """Of equal elements the first is the one that is taken."""
    if axis is not None:
        raise NotImplementedError("unique rows")
    given = dz[0] if return_index or return_inverse or return_counts else dz
    return (gathered(given, np.unique(ar, return_index=True)[1], ar),)


@rule(np.union1d)
def union1d(dz: Any, z: Any, ar1: Any, ar2: Any) -> Adjoints:
    source = np.unique(np.concatenate([flat(ar1), flat(ar2)]), return_index=True)[1]
    both = counted(dz, source, ar1.size + ar2.size)
    return both[: ar1.size].reshape(ar1.shape), both[ar1.size :].reshape(ar2.shape)


@rule(np.median)
def median(dz: Any, z: Any, a: Any, axis: Any = None, overwrite_input: bool = False, keepdims: bool = False) -> Adjoints:
    """Elements equal to one of the two in the middle share evenly."""
    if overwrite_input:
        raise NotImplementedError("overwrite_input")
    low, high = neighbours(np.quantile, a, 0.5, axis)
    return (0.5 * (shared(a == low, axis) + shared(a == high, axis)) * kept(dz, axis, keepdims),)


def neighbours(function: Any, a: Any, q: Any, axis: Any) -> tuple[Any, Any]:
    """The elements before and after a quantile."""
    dims = axis is not None
    low, high = (function(a, q, axis=axis, method=method, keepdims=dims) for method in ("lower", "higher"))
    return called("low", low), called("high", high)


def shared(mask: Any, axis: Any) -> Any:
    """One, shared evenly by those that the mask names."""
    return mask / np.maximum(np.sum(mask, axis=axis, keepdims=axis is not None), 1)


def between(dz: Any, a: Any, q: Any, axis: Any, method: str, keepdims: bool, function: Any, ranks: Any) -> Adjoints:
    """The elements on either side of a quantile, by how near it is to them; `ranks` are the elements' places in the order."""
    if method not in ("linear", "lower", "higher", "midpoint"):
        raise NotImplementedError(f"the method {method!r}")
    if isinstance(q, (list, tuple)) or getattr(q, "ndim", 0):
        return several_between(dz, a, q, axis, method, keepdims, function, ranks)
    given = kept(dz, axis, keepdims)
    low, high = neighbours(function, a, q, axis)
    if method == "lower":
        return (shared(a == low, axis) * given,)
    if method == "higher":
        return (shared(a == high, axis) * given,)
    if method == "midpoint":
        return (0.5 * (shared(a == low, axis) + shared(a == high, axis)) * given,)
    share = called("share", (function(ranks, q) if ranks.ndim == 1 else function(ranks, q, axis=axis, keepdims=axis is not None)) % 1)
    return (((1 - share) * shared(a == low, axis) + share * shared(a == high, axis)) * given,)


def several_between(dz: Any, a: Any, q: Any, axis: Any, method: str, keepdims: bool, function: Any, ranks: Any) -> Adjoints:
    """Several quantiles lie along a first axis of the result."""
    if getattr(q, "ndim", 1) != 1 or isinstance(q, (list, tuple)) and any(isinstance(p, (list, tuple)) for p in q):
        raise NotImplementedError("quantiles in more than a row")
    axes = tuple(range(a.ndim)) if axis is None else tuple(i % a.ndim for i in (axis if isinstance(axis, tuple) else (axis,)))
    behind = tuple(i + 1 for i in axes)
    given = dz if keepdims else np.expand_dims(dz, behind)
    low, high = (function(a, q, axis=axes, method=m, keepdims=True) for m in ("lower", "higher"))
    first, second = shared(a == low, behind), shared(a == high, behind)
    if method == "linear":
        share = (function(ranks, q) if ranks.ndim == 1 else function(ranks, q, axis=axis, keepdims=True)) % 1
        share = share.reshape((-1,) + (1,) * a.ndim) if ranks.ndim == 1 else share
        weights = (1 - share) * first + share * second
    else:
        weights = {"lower": first, "higher": second}.get(method, 0.5 * (first + second))
    return (np.sum(weights * given, axis=0),)


def places(a: Any, axis: Any) -> Any:
    """0, 1, 2, ... up to the number of elements that a quantile is of, in their precision."""
    total: Any = 1
    for i in range(a.ndim) if axis is None else axis if isinstance(axis, tuple) else (axis,):
        total = a.shape[i] * total
    return made(a, np.arange, total, dtype=a.dtype) if a.dtype == np.float32 else made(a, np.arange, total)


def places_of_numbers(a: Any, axis: Any) -> Any:
    """The same along an axis, where what is no number does not count."""
    if isinstance(axis, tuple):
        raise NotImplementedError("several axes at once")
    ranks = np.cumsum(~np.isnan(a), axis=axis, dtype=a.dtype) - 1
    return np.where(np.isnan(a), a, ranks if axis is not None else ranks.reshape(a.shape))


@rule(np.quantile)
def quantile(dz: Any, z: Any, a: Any, q: Any = None, axis: Any = None, method: str = "linear", keepdims: bool = False) -> Adjoints:
    return between(dz, a, q, axis, method, keepdims, np.quantile, places(a, axis))


@rule(np.percentile)
def percentile(dz: Any, z: Any, a: Any, q: Any = None, axis: Any = None, method: str = "linear", keepdims: bool = False) -> Adjoints:
    return between(dz, a, q, axis, method, keepdims, np.percentile, places(a, axis))


@rule(np.nanmedian)
def nanmedian(dz: Any, z: Any, a: Any, axis: Any = None, overwrite_input: bool = False, keepdims: bool = False) -> Adjoints:
    if overwrite_input:
        raise NotImplementedError("overwrite_input")
    low, high = neighbours(np.nanquantile, a, 0.5, axis)
    return (0.5 * (shared(a == low, axis) + shared(a == high, axis)) * kept(dz, axis, keepdims),)


@rule(np.nanquantile)
def nanquantile(dz: Any, z: Any, a: Any, q: Any = None, axis: Any = None, method: str = "linear", keepdims: bool = False) -> Adjoints:
    return between(dz, a, q, axis, method, keepdims, np.nanquantile, places_of_numbers(a, axis))


@rule(np.nanpercentile)
def nanpercentile(dz: Any, z: Any, a: Any, q: Any = None, axis: Any = None, method: str = "linear", keepdims: bool = False) -> Adjoints:
    return between(dz, a, q, axis, method, keepdims, np.nanpercentile, places_of_numbers(a, axis))


zero(np.argpartition, np.nanargmax, np.nanargmin, np.isin, np.lexsort)
