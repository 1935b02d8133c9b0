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
        return np.asarray(func1d(arr, *args, **kwargs))
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
