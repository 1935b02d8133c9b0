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


@shape(np.linalg.inv, np.linalg.cholesky)
def same_matrix(facts: Facts, x: Any, **rest: Any) -> Number:
    return Number("array", result_dtypes(np.sqrt, x)[0], known_shape(x))


@shape(np.linalg.det)
def det(facts: Facts, x: Any) -> Number:
    return made(result_dtypes(np.sqrt, x)[0], known_shape(x)[:-2])


@shape(np.linalg.slogdet)
def slogdet(facts: Facts, x: Any) -> list[Number]:
    return [det(facts, x), det(facts, x)]


@shape(np.linalg.solve)
def solve(facts: Facts, a: Any, b: Any) -> Number:
    dims = known_shape(b)
    if len(known_shape(a)) != 2:
        raise NotImplementedError
    return Number("array", result_dtypes(np.divide, a, b)[0], dims)


@shape(np.linalg.norm)
def norm(facts: Facts, x: Any, ord: Any = None, axis: Any = None, keepdims: Any = False) -> Number:
    return reduced(x, axis, keepdims is True, result_dtypes(np.sqrt, x)[0])


def logsumexp(facts: Facts, a: Any, axis: Any = None, b: Any = None, keepdims: Any = False, return_sign: Any = False) -> Number:
    if return_sign is not False:
        raise NotImplementedError
    return reduced(a, axis, keepdims is True, result_dtypes(np.exp, a)[0])


SCIPY["logsumexp"] = logsumexp
