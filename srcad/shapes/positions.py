"""Functions that say where elements are: arrays of indices, one for each axis.

    np.unravel_index(k, (n, m))  ->  i, j of the shape of k
    np.triu_indices(n)           ->  i, j, as many as there are
    np.ix_((n,), (m,))           ->  (n, 1), (1, m)
"""
from __future__ import annotations

from typing import Any

import numpy as np

from srcad.dims import Dim, Facts, product
from srcad.kinds import BOOL, INT, Number
from srcad.shapes import dimension, integer, known_shape, lift, made, shape


@shape(np.unravel_index)
def unravel_index(facts: Facts, indices: Any, shape: Any, order: Any = "C") -> list[Number]:
    places = known_shape(lift(indices, facts))
    return [made(INT, places) for _ in (shape if isinstance(shape, (tuple, list)) else (shape,))]


@shape(np.triu_indices)
def triangle(facts: Facts, n: Any, k: Any = 0, m: Any = None) -> list[Number]:
    count = in_triangle(facts, n, k) if m is None else facts.new_dim()
    return [Number("array", INT, (count,)) for _ in range(2)]


def in_triangle(facts: Facts, n: Any, k: Any) -> Dim:
    """How many elements of an n by n matrix lie on one side of its diagonal, with it or without; of others only the run can tell."""
    if not (isinstance(k, int) and k in (0, 1)):
        return facts.new_dim()
    size = dimension(n, facts)
    return product((size, size - 1 if k else size + 1), facts) // 2


@shape(np.tril_indices)
def lower_triangle(facts: Facts, n: Any, k: Any = 0, m: Any = None) -> list[Number]:
    return triangle(facts, n, -k if isinstance(k, int) else k, m)


@shape(np.tril_indices_from)
def lower_triangle_of(facts: Facts, arr: Any, k: Any = 0) -> list[Number]:
    return triangle_of(facts, arr, -k if isinstance(k, int) else k)


@shape(np.triu_indices_from)
def triangle_of(facts: Facts, arr: Any, k: Any = 0) -> list[Number]:
    rows, columns = known_shape(arr)
    return triangle(facts, rows, k, None if rows.key == columns.key else columns)


@shape(np.diag_indices)
def diagonal(facts: Facts, n: Any, ndim: Any = 2) -> list[Number]:
    return [Number("array", INT, (dimension(n, facts),)) for _ in range(integer(ndim))]


@shape(np.diag_indices_from)
def diagonal_of(facts: Facts, arr: Any) -> list[Number]:
    dims = known_shape(arr)
    return [Number("array", INT, dims[:1]) for _ in dims]


@shape(np.ix_)
def open_mesh(facts: Facts, *indices: Any) -> list[Number]:
    numbers = [lift(i, facts) for i in indices]
    sizes = [facts.new_dim() if n.dtype == BOOL else known_shape(n)[0] for n in numbers]
    ones = [Dim.of(1, facts)] * len(sizes)
    return [Number("array", INT, (*ones[:k], size, *ones[k + 1 :])) for k, size in enumerate(sizes)]
