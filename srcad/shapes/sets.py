"""Functions that treat arrays as sets, that trim them, or that count them in bins: how many there will be, only the run can tell.

    np.setdiff1d((n,), (m,))  ->  (?,)
"""
from __future__ import annotations

from typing import Any

import numpy as np

from srcad.dims import Dim, Facts
from srcad.kinds import FLOAT, INT, Number, is_double
from srcad.shapes import integer, known_shape, lift, shape
from srcad.shapes.layout import common_dtype
from srcad.shapes.selecting import unique


@shape(*([np.unique_values] if hasattr(np, "unique_values") else []))
def unique_values(facts: Facts, x: Any, **rest: Any) -> Any:
    return unique(facts, x)


def several(facts: Facts, x: Any, index: bool, inverse: bool, counts: bool) -> Any:
    """Here the inverse has the shape of the array."""
    found = unique(facts, x, index, inverse, counts)
    if inverse:
        found[1 + index] = Number("array", INT, lift(x, facts).shape)
    return found


if hasattr(np, "unique_all"):
    shape(np.unique_all)(lambda facts, x: several(facts, x, True, True, True))
    shape(np.unique_counts)(lambda facts, x: several(facts, x, False, False, True))
    shape(np.unique_inverse)(lambda facts, x: several(facts, x, False, True, False))


@shape(np.setdiff1d)
def setdiff1d(facts: Facts, x: Any, y: Any, *rest: Any, **keywords: Any) -> Number:
    return Number("array", lift(x, facts).dtype, (facts.new_dim(),), fresh=False)


@shape(np.setxor1d)
def setxor1d(facts: Facts, x: Any, y: Any, *rest: Any, **keywords: Any) -> Number:
    return Number("array", common_dtype([lift(x, facts), lift(y, facts)]), (facts.new_dim(),))


@shape(np.intersect1d)
def intersect1d(facts: Facts, x: Any, y: Any, assume_unique: Any = False, return_indices: Any = False) -> Any:
    dim = facts.new_dim()
    values = Number("array", common_dtype([lift(x, facts), lift(y, facts)]), (dim,))
    return [values, Number("array", INT, (dim,)), Number("array", INT, (dim,))] if return_indices else values


@shape(np.trim_zeros)
def trim_zeros(facts: Facts, x: Any, *rest: Any, **keywords: Any) -> Number:
    number = lift(x, facts)
    if number.ndim != 1:
        raise NotImplementedError
    return Number("array", number.dtype, (facts.new_dim(),), fresh=False)


@shape(np.flatnonzero)
def flatnonzero(facts: Facts, x: Any) -> Number:
    return Number("array", INT, (facts.new_dim(),), unique=True)


def edges(facts: Facts, a: Any, bins: Any) -> Number:
    number = lift(a, facts)
    if isinstance(bins, str):
        return Number("array", None, (facts.new_dim(),))
    if isinstance(bins, (list, tuple)) or lift(bins, facts).ndim == 1:
        given = lift(bins, facts)
        return Number("array", given.dtype, given.shape, fresh=False)
    return Number("array", number.dtype if number.is_float and number.form == "array" else None, (Dim.of(integer(bins) + 1, facts),))


@shape(np.histogram)
def histogram(facts: Facts, a: Any, bins: Any = 10, range: Any = None, density: Any = None, weights: Any = None) -> list[Number]:
    found = edges(facts, a, bins)
    dtype = FLOAT if density else INT if weights is None else lift(weights, facts).dtype
    return [Number("array", dtype if not density or is_double(found.dtype) and weights is None else None, (known_shape(found)[0] - 1,)), found]


@shape(np.histogram_bin_edges)
def histogram_bin_edges(facts: Facts, a: Any, bins: Any = 10, range: Any = None, weights: Any = None) -> Number:
    return edges(facts, a, bins)


@shape(np.histogram2d)
def histogram2d(facts: Facts, x: Any, y: Any, bins: Any = 10, range: Any = None, density: Any = None, weights: Any = None) -> list[Number]:
    pair = tuple(bins) if isinstance(bins, (list, tuple)) and len(bins) == 2 else (bins, bins)
    both = [edges(facts, a, n) for a, n in zip((x, y), pair)]
    dims = tuple(known_shape(e)[0] - 1 for e in both)
    return [Number("array", FLOAT, dims), *(Number("array", None, e.shape) for e in both)]
