"""Library functions that call a function of the program's, spelled out in Python: a call of theirs is walked as a call of these.

    np.apply_along_axis(f, 1, x)    is np.array([f(row) for row in x])
"""
from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np


def apply_along_axis(func1d: Callable[..., Any], axis: int, arr: Any, *args: Any, **kwargs: Any) -> Any:
    """The results stand where the axis was."""
    if arr.ndim == 1:
        return np.array(func1d(arr, *args, **kwargs))
    moved = np.moveaxis(arr, axis, -1)
    rows = np.reshape(moved, (-1, moved.shape[-1]))
    found = np.array([func1d(row, *args, **kwargs) for row in rows])
    if found.ndim == 1:
        return np.reshape(found, moved.shape[:-1])
    wide = np.reshape(found, (*moved.shape[:-1], *found.shape[1:]))
    first = axis if axis >= 0 else axis + arr.ndim
    count = found.ndim - 1
    return np.moveaxis(wide, tuple(range(arr.ndim - 1, arr.ndim - 1 + count)), tuple(range(first, first + count)))


def apply_over_axes(func: Callable[..., Any], a: Any, axes: Any) -> Any:
    """One axis after the other; those that go are kept with length 1."""
    value = a
    for axis in axes:
        found = func(value, axis)
        if found.ndim != value.ndim:
            found = np.expand_dims(found, axis)
        value = found
    return value


def in_order_of(items: Any, keys: Any, sign: int) -> Any:
    """Numbers in the order of their keys, upwards or downwards; those with equal keys stay as they are."""
    return np.array(items)[np.argsort(sign * np.array(keys), kind="stable")]


def greatest(first: Any, rest: Any, key: Callable[[Any], Any]) -> Any:
    """The item whose key is the greatest, the first of several."""
    best, most = first, key(first)
    for item in rest:
        value = key(item)
        if value > most:
            best, most = item, value
    return best


def least(first: Any, rest: Any, key: Callable[[Any], Any]) -> Any:
    """The item whose key is the least, the first of several."""
    best, most = first, key(first)
    for item in rest:
        value = key(item)
        if value < most:
            best, most = item, value
    return best


def outer(function: Callable[..., Any], a: Any, b: Any) -> Any:
    """Each element of the one with each of the other."""
    return function(np.reshape(a, np.shape(a) + (1,) * np.ndim(b)), b)


def accumulate(function: Callable[..., Any], array: Any) -> Any:
    """Each row of floats put together with all before it."""
    rows = np.empty(array.shape)
    rows[0] = array[0]
    for i in range(1, array.shape[0]):
        rows[i] = function(rows[i - 1], array[i])
    return rows


def accumulate_along(function: Callable[..., Any], array: Any, axis: int) -> Any:
    """The same along another axis."""
    array = np.moveaxis(array, axis, 0)
    rows = np.empty(array.shape)
    rows[0] = array[0]
    for i in range(1, array.shape[0]):
        rows[i] = function(rows[i - 1], array[i])
    return np.moveaxis(rows, 0, axis)


def stacked(rows: Any, axis: int) -> Any:
    """np.stack of rows that lie in an array."""
    return np.moveaxis(rows, 0, axis)


def joined(rows: Any) -> Any:
    """np.concatenate of arrays that lie in an array."""
    return np.reshape(rows, (-1,) + rows.shape[2:])


def joined_along(rows: Any, axis: int) -> Any:
    """The same along another axis than the first."""
    moved = np.moveaxis(rows, 0, axis)
    return np.reshape(moved, moved.shape[:axis] + (-1,) + moved.shape[axis + 2 :])


def cho_factor(a: Any, lower: bool = False, overwrite_a: bool = False, check_finite: bool = True) -> Any:
    """SciPy's, without what it leaves in the other triangle."""
    from scipy.linalg import cholesky

    return cholesky(a, lower=lower), lower


def cho_solve(c_and_lower: Any, b: Any, overwrite_b: bool = False, check_finite: bool = True) -> Any:
    """SciPy's: one triangle after the other."""
    from scipy.linalg import solve_triangular

    factor, lower = c_and_lower
    if lower:
        return solve_triangular(factor, solve_triangular(factor, b, lower=True), trans=1, lower=True)
    return solve_triangular(factor, solve_triangular(factor, b, trans=1))


def linspace_with_step(start: Any, stop: Any, num: int = 50, endpoint: bool = True) -> Any:
    """np.linspace and the distance between its points."""
    return np.linspace(start, stop, num, endpoint), (stop - start) / (num - 1 if endpoint else num)


def histogramdd(columns: Any, bins: Any, limits: Any, density: Any, weights: Any) -> Any:
    """Counts in boxes: the place of each point among the edges of each column, the last of which belongs to the last bin."""
    if len(bins) != len(columns) or len(limits) != len(columns):
        raise ValueError("np.histogramdd needs bins, and a range if any, for each column of the sample")
    edges = [np.histogram_bin_edges(c, n, r) for c, n, r in zip(columns, bins, limits)]
    place, inside = 0, True
    for column, edge in zip(columns, edges):
        inside = inside & (column >= edge[0]) & (column <= edge[-1])
        place = place * (len(edge) - 1) + np.clip(np.searchsorted(edge, column, side="right") - 1, 0, len(edge) - 2)
    sizes = [len(edge) - 1 for edge in edges]
    total = 1
    for size in sizes:
        total = total * size
    given = np.bincount(place[inside], minlength=total) if weights is None else np.bincount(place[inside], weights[inside], minlength=total)
    counts = np.reshape(given.astype(float), sizes)
    if density:
        inner = len(columns)
        share = counts / np.sum(counts)
        for edge in edges:
            inner = inner - 1
            share = share / np.reshape(np.diff(edge), (-1,) + (1,) * inner)
        counts = share
    return counts, edges
