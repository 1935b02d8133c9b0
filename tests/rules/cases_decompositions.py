"""Cases: decompositions of matrices, what is made of them, and stacks of them."""
from __future__ import annotations

import numpy as np
from table import case, definite, regular, signed

inf = np.inf
for shape in [(3, 3), (1, 1), (2, 2), (4, 3, 3), (2, 1, 2, 2)]:
    for function in (np.linalg.eigh, np.linalg.eigvalsh):
        case(function, regular(*shape))
        case(function, regular(*shape), UPLO="U")
        case(function, definite(*shape), UPLO="L")
for shape in [(3, 3), (2, 3), (3, 2), (4, 2), (1, 3), (1, 1), (2, 3, 2), (2, 2, 3), (2, 1, 3, 3)]:
    case(np.linalg.svd, signed(*shape), full_matrices=False)
    case(np.linalg.svd, signed(*shape), compute_uv=False)
    case(np.linalg.qr, signed(*shape))
    case(np.linalg.pinv, regular(*shape) if shape[-2:] == (3, 3) else signed(*shape))  # differences need a well-conditioned square
    case(np.linalg.cond, signed(*shape))
    case(np.linalg.cond, signed(*shape), -2)
    if hasattr(np.linalg, "svdvals"):
        case(np.linalg.svdvals, signed(*shape))
        for keep in (False, True):
            for ord in ("fro", "nuc", 1, -1, 2, -2, inf, -inf):
                case(np.linalg.matrix_norm, signed(*shape), keepdims=keep, ord=ord)
case(np.linalg.svd, signed(3, 3))
case(np.linalg.qr, signed(3, 3), mode="complete")
case(np.linalg.qr, signed(2, 3), "complete")
for p in (1, -1, 2, inf, -inf, "fro", "nuc"):
    case(np.linalg.cond, regular(3, 3), p=p)
for a, b in [((3, 3), (3,)), ((3, 3), (3, 2)), ((2, 4), (2,)), ((2, 4), (2, 3)), ((1, 1), (1,)), ((5, 3), (5,)), ((5, 3), (5, 2))]:
    case(np.linalg.lstsq, signed(*a), signed(*b), rcond=None)
for n in (-3, -2, -1, 0, 1, 2, 3, 4, 5, 6, 7, 11):
    case(np.linalg.matrix_power, regular(3, 3) / 2, n)
    case(np.linalg.matrix_power, regular(2, 2, 2) / 2, n)
case(np.linalg.tensorinv, signed(4, 2, 2), ind=1)
case(np.linalg.tensorinv, signed(2, 3, 6))
case(np.linalg.tensorsolve, signed(2, 3, 6), signed(2, 3))
case(np.linalg.tensorsolve, signed(3, 3), signed(3))
for ord in ("nuc", 1, -1, 2, -2, inf, -inf):
    for keep in (False, True):
        case(np.linalg.norm, signed(3, 4), ord=ord, keepdims=keep)
        for axis in ((0, 1), (1, 0), (-2, -1), (0, 2), (2, 1)):
            case(np.linalg.norm, signed(2, 3, 4), ord=ord, axis=axis, keepdims=keep)
for ord in (0, 0.5, -1, -2.5):
    case(np.linalg.norm, signed(4), ord=ord)
    case(np.linalg.norm, signed(3, 4), ord=ord, axis=1)
if hasattr(np.linalg, "vector_norm"):
    for ord in (0, 0.5, 1, 2, 3, inf, -inf):
        for keep in (False, True):
            case(np.linalg.vector_norm, signed(4), keepdims=keep, ord=ord)
            case(np.linalg.vector_norm, signed(2, 3), keepdims=keep, ord=ord)
            case(np.linalg.vector_norm, signed(2, 3, 4), keepdims=keep, ord=ord, axis=1)
            case(np.linalg.vector_norm, signed(2, 3, 4), keepdims=keep, ord=ord, axis=(0, 2))
