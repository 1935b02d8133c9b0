"""Cases: linear algebra.
"""
from __future__ import annotations

import itertools

import numpy as np
from table import case, definite, regular, signed

inf = np.inf

for shape in [(3, 3), (1, 1), (2, 2), (4, 3, 3), (2, 1, 2, 2), (0, 2, 2)]:
    case(np.linalg.inv, regular(*shape))
    case(np.linalg.det, regular(*shape))
    case(np.linalg.slogdet, regular(*shape))
    case(np.linalg.cholesky, definite(*shape))
case(np.linalg.slogdet, -regular(3, 3))
case(np.linalg.det, -regular(3, 3))
for a, b in [
    ((3, 3), (3,)), ((3, 3), (3, 2)), ((1, 1), (1,)), ((1, 1), (1, 3)), ((4, 3, 3), (4, 3, 2)), ((4, 3, 3), (3, 2)), ((3, 3), (4, 3, 2)),
    ((2, 1, 3, 3), (4, 3, 1)), ((4, 3, 3), (1, 3, 1)), ((1, 3, 3), (4, 3, 1)), ((3, 3), (3, 0)), ((0, 3, 3), (0, 3, 2)),
]:
    if len(b) != len(a) - 1 or len(a) == 2 or np.__version__ >= "2":  # before 2.0 a stack of vectors was meant
        case(np.linalg.solve, regular(*a), signed(*b))
for shape in [(1,), (3,), (2, 3), (2, 3, 2)]:
    case(np.linalg.norm, signed(*shape))
    case(np.linalg.norm, signed(*shape), keepdims=True)
for ord in (None, 1, 2, 3, inf, -inf):
    case(np.linalg.norm, signed(4), ord)
    case(np.linalg.norm, signed(2, 3, 4), ord, 1, True)
for ord in (None, 1, 2, 3, 2.5, inf, -inf):
    case(np.linalg.norm, signed(4), ord=ord, keepdims=True)
    for axis in (0, 1, -1):
        case(np.linalg.norm, signed(3, 4), ord=ord, axis=axis)
        case(np.linalg.norm, signed(2, 3, 4), ord=ord, axis=axis, keepdims=True)
    case(np.linalg.norm, signed(4), ord=ord, axis=0)
case(np.linalg.norm, signed(3, 4), "fro")
case(np.linalg.norm, signed(3, 4), ord="fro", keepdims=True)
for ord in (None, "fro"):
    for axis in ((0, 1), (1, 0), (-2, -1)):
        case(np.linalg.norm, signed(3, 4), ord=ord, axis=axis)
        case(np.linalg.norm, signed(2, 3, 4), ord=ord, axis=axis)
        case(np.linalg.norm, signed(2, 3, 4), ord=ord, axis=axis, keepdims=True)
case(np.linalg.norm, signed(0))
case(np.linalg.norm, signed(0, 3), axis=1)

for shape, offset in itertools.product([(3, 3), (3, 4), (4, 3), (1, 1), (1, 3)], (0, 1, -1, 2, -2)):
    case(np.trace, signed(*shape), offset=offset)
    case(np.diagonal, signed(*shape), offset=offset)
    case(np.diag, signed(*shape), k=offset)
for k in (0, 1, -1, 2):
    case(np.diag, signed(3), k=k)
    case(np.diag, signed(1), k)
    for function in (np.tril, np.triu):
        for shape in [(3, 3), (3, 4), (4, 3), (2, 3, 3), (1, 1), (3,), (0, 3), (1, 4)]:
            case(function, signed(*shape), k=k)
        case(function, signed(3, 4), k)
for function in (np.trace, np.diagonal, np.diag, np.tril, np.triu):
    case(function, signed(3, 3))
    case(function, signed(2, 3))
case(np.diag, signed(4))
case(np.diag, signed(0))
for function in (np.trace, np.diagonal):
    for offset, a, b in [(0, 0, 1), (1, 1, 2), (-1, 0, 2), (0, 2, 0), (1, -1, 1)]:
        case(function, signed(3, 3, 4), offset, a, b)
        case(function, signed(2, 3), offset=offset, axis1=a % 2, axis2=1 - a % 2)
