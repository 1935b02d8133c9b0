"""Sums, means, products, extremes, variances: the adjoint is spread back over what was reduced.

    z = np.sum(x, axis=0)       dx = np.broadcast_to(np.expand_dims(dz, 0), x.shape)
"""
from __future__ import annotations

from typing import Any

import numpy as np

from srcad.rules import called, rule, zero
from srcad.rules.complex import is_complex

Adjoints = tuple[Any, ...]


def kept(value: Any, axis: Any, keepdims: bool) -> Any:
    """The result of a reduction as it lies against what was reduced: with axes of length 1, where broadcasting would not put them there itself."""
    return value if axis is None or keepdims or isinstance(axis, (int, tuple)) and axis in ((), 0) else np.expand_dims(value, axis)


def count(x: Any, axis: Any) -> Any:
    """How many elements each result was made of."""
    if axis is None:
        return x.size
    total = 1
    for a in axis if isinstance(axis, tuple) else (axis,):
        total = x.shape[a] * total
    return total


@rule(np.sum)
def sum(dz: Any, z: Any, a: Any, axis: Any = None, dtype: Any = None, keepdims: bool = False, initial: Any = 0, where: Any = True) -> Adjoints:
    da = np.broadcast_to(kept(dz, axis, keepdims), a.shape)
    return (da if where is True else np.where(where, da, 0.0),)


@rule(np.mean)
def mean(dz: Any, z: Any, a: Any, axis: Any = None, dtype: Any = None, keepdims: bool = False, where: Any = True) -> Adjoints:
    if where is True:
        number = np.maximum(count(a, axis), 1)  # the mean of nothing has no derivative
        return (np.broadcast_to(kept(dz / number, axis, keepdims), a.shape),)
    share = kept(dz, axis, keepdims) / np.sum(np.broadcast_to(where, a.shape), axis=axis, keepdims=axis is not None)
    return (np.where(where, share, 0.0),)


@rule(np.logaddexp.reduce)
def logaddexp_reduce(dz: Any, z: Any, a: Any, axis: Any = 0, keepdims: bool = False) -> Adjoints:
    """The logarithm of a sum of exponentials: the softmax of the operand."""
    return (np.exp(a - kept(z, axis, keepdims)) * kept(dz, axis, keepdims),)


@rule(np.prod)
def prod(dz: Any, z: Any, a: Any, axis: Any = None, dtype: Any = None, keepdims: bool = False, initial: Any = 1, where: Any = True) -> Adjoints:
    """Each factor gets the product of the others."""
    used = a if where is True else np.where(where, a, 1.0)
    da = kept(dz * initial, axis, keepdims) * products_of_others(used, axis)
    return (da if where is True else np.where(where, da, 0.0),)


def products_of_others(a: Any, axis: Any) -> Any:
    """For each element along some axes the product of the others: of those before it and of those after it."""
    if axis == ():
        return np.ones_like(a)
    if a.ndim == 1:
        return products_along(a)
    if axis is None:
        return products_along(a.reshape(-1)).reshape(a.shape)
    if not isinstance(axis, tuple):
        return products_along(a, axis)
    first = tuple(range(len(axis)))
    moved = np.moveaxis(a, axis, first)
    rows = moved.reshape((-1, *moved.shape[len(axis):]))
    return np.moveaxis(products_along(rows, 0).reshape(moved.shape), first, axis)


def products_along(a: Any, axis: Any = None) -> Any:
    """The same along one axis; the only one, where none is given."""
    along = {} if axis is None else {"axis": axis}

    def part(x: Any, *ends: Any) -> Any:
        return x[(slice(None),) * (axis % a.ndim if along else 0) + (slice(*ends),)]

    one = called("one", np.ones_like(part(a, 1)))
    before = part(np.cumprod(np.concatenate((one, a), **along), **along), None, -1)
    after = part(np.cumprod(np.concatenate((one, part(a, None, None, -1)), **along), **along), -2, None, -1)
    return called("before", before) * called("after", after)


def ties(dz: Any, z: Any, a: Any, axis: Any, keepdims: bool, initial: Any, where: Any) -> Any:
    """The extremes of `a` share the adjoint evenly."""
    top = a == kept(z, axis, keepdims)
    if where is not True:
        top = top & where
    number = np.sum(top, axis=axis, keepdims=axis is not None)
    if initial is not None:
        number = np.maximum(number, 1)
    return top * (kept(dz, axis, keepdims) / number)


@rule(np.max, np.amax)
def max(dz: Any, z: Any, a: Any, axis: Any = None, keepdims: bool = False, initial: Any = None, where: Any = True) -> Adjoints:
    return (ties(dz, z, a, axis, keepdims, initial, where),)


@rule(np.min, np.amin)
def min(dz: Any, z: Any, a: Any, axis: Any = None, keepdims: bool = False, initial: Any = None, where: Any = True) -> Adjoints:
    return (ties(dz, z, a, axis, keepdims, initial, where),)


def centred(a: Any, axis: Any, where: Any) -> tuple[Any, Any]:
    """`a` less its mean, of complex numbers the conjugate of that, and how many elements the mean is of."""
    if where is True:
        deviation = a - np.mean(a, axis=axis, keepdims=not (axis is None or isinstance(axis, int) and axis == 0))
        return np.conj(deviation) if is_complex(a) else deviation, count(a, axis)
    number = np.sum(np.broadcast_to(where, a.shape), axis=axis, keepdims=axis is not None)
    deviation = np.where(where, a - np.mean(a, axis=axis, keepdims=axis is not None, where=where), 0.0)
    return np.conj(deviation) if is_complex(a) else deviation, number


@rule(np.var)
def var(dz: Any, z: Any, a: Any, axis: Any = None, dtype: Any = None, ddof: Any = 0, keepdims: bool = False, where: Any = True) -> Adjoints:
    deviation, number = centred(a, axis, where)
    if where is True:
        if ddof == 0:
            return (2 * kept(dz / np.maximum(number, 1), axis, keepdims) * deviation,)
        if number == ddof:
            return (np.nan * a,)
        return (2 * kept(dz / (number - ddof), axis, keepdims) * deviation,)
    return (2 * (kept(dz, axis, keepdims) / (number - ddof)) * deviation,)


@rule(np.std)
def std(dz: Any, z: Any, a: Any, axis: Any = None, dtype: Any = None, ddof: Any = 0, keepdims: bool = False, where: Any = True) -> Adjoints:
    """0 where the deviation is 0."""
    deviation, number = centred(a, axis, where)
    share = kept(dz / np.where(z == 0, 1, z), axis, keepdims)
    return (deviation * (share / (number - ddof)),)


def backwards_cumsum(dz: Any, axis: Any) -> Any:
    """For each place the sum from there to the end."""
    if dz.ndim == 1:
        return np.cumsum(dz[::-1])[::-1]
    return np.flip(np.cumsum(np.flip(dz, axis=axis), axis=axis), axis=axis)


@rule(np.cumsum)
def cumsum(dz: Any, z: Any, a: Any, axis: Any = None, dtype: Any = None) -> Adjoints:
    return (backwards_cumsum(dz, 0).reshape(a.shape) if axis is None or a.ndim == 0 else backwards_cumsum(dz, axis),)


zero(np.argmax, np.argmin, np.argsort, np.any, np.all, np.count_nonzero, np.nonzero, np.flatnonzero, np.argwhere, np.searchsorted, np.digitize, np.ix_)
