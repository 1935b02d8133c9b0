"""Linear algebra.

    np.linalg.solve((n, n), (n, k))  ->  (n, k)
"""
from __future__ import annotations

from typing import Any

import numpy as np

from srcad.dims import Facts
from srcad.kinds import Number, result_dtypes
from srcad.shapes import SCIPY, known_shape, made, shape
from srcad.shapes.reductions import reduced


def linalg_dtype(*operands: Number) -> Any:
    """Linear algebra is done in float32 or float64; what is no float counts as float64."""
    if any(o.dtype is None for o in operands):
        return None
    return np.result_type(*(o.dtype if o.dtype is not None and o.dtype.kind in "fc" else np.dtype(float) for o in operands))


@shape(np.linalg.inv, np.linalg.cholesky)
def same_matrix(facts: Facts, x: Any, **rest: Any) -> Number:
    return Number("array", linalg_dtype(x), known_shape(x))


@shape(np.linalg.det)
def det(facts: Facts, x: Any) -> Number:
    return made(linalg_dtype(x), known_shape(x)[:-2])


@shape(np.linalg.slogdet)
def slogdet(facts: Facts, x: Any) -> list[Number]:
    return [det(facts, x), det(facts, x)]


@shape(np.linalg.solve)
def solve(facts: Facts, a: Any, b: Any) -> Number:
    dims = known_shape(b)
    if len(known_shape(a)) != 2:
        raise NotImplementedError
    return Number("array", linalg_dtype(a, b), dims)


@shape(np.linalg.norm)
def norm(facts: Facts, x: Any, ord: Any = None, axis: Any = None, keepdims: Any = False) -> Number:
    return reduced(x, axis, keepdims is True, linalg_dtype(x))


def logsumexp(facts: Facts, a: Any, axis: Any = None, b: Any = None, keepdims: Any = False, return_sign: Any = False) -> Number:
    if return_sign is not False:
        raise NotImplementedError
    return reduced(a, axis, keepdims is True, result_dtypes(np.exp, a)[0])


SCIPY["logsumexp"] = logsumexp
