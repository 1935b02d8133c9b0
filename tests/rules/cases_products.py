"""Cases: convolutions, cross and Kronecker products, chains of matrices, and NumPy's own for stacks of vectors."""
from __future__ import annotations

import numpy as np
from table import case, signed

for function in (np.convolve, np.correlate):
    for mode in ("full", "same", "valid"):
        for a, b in [(5, 3), (3, 5), (4, 4), (6, 2), (2, 6), (5, 2), (2, 5), (1, 3), (3, 1), (1, 1)]:
            case(function, signed(a), signed(b), mode)
    case(function, signed(5), signed(3))
    case(function, signed(5), signed(3), mode="same")
for a, b in [((3,), (3,)), ((2, 3), (3,)), ((3,), (2, 3)), ((2, 3), (2, 3)), ((4, 1, 3), (2, 3))]:
    case(np.cross, signed(*a), signed(*b))
case(np.cross, signed(3, 2), signed(3, 2), axis=0)
case(np.cross, signed(3, 2), signed(2, 3), axisa=0)
case(np.cross, signed(3, 2), signed(2, 3), axisa=0, axisb=1, axisc=0)
for a, b in [((), ()), ((2,), (3,)), ((2, 3), (3, 2)), ((2,), (2, 3)), ((2, 3), (4,)), ((1, 1), (2, 2)), ((2, 1, 2), (1, 3, 2)), ((), (2, 2)), ((0,), (2,))]:
    case(np.kron, signed(*a), signed(*b))
for shapes in [[(2, 3), (3, 4)], [(2, 3), (3, 4), (4, 2)], [(3,), (3, 4), (4, 2)], [(2, 3), (3, 4), (4,)], [(3,), (3, 4), (4,)], [(2, 2)] * 4]:
    case(np.linalg.multi_dot, [signed(*shape) for shape in shapes])
for owner, label in ((np, "vecdot"), (np.linalg, "vecdot")):
    if hasattr(owner, label):
        for a, b in [((3,), (3,)), ((2, 3), (3,)), ((2, 3), (2, 3)), ((4, 1, 3), (2, 3)), ((0, 3), (3,))]:
            case(getattr(owner, label), signed(*a), signed(*b))
        case(getattr(owner, label), signed(3, 2), signed(3, 2), axis=0)
        case(getattr(owner, label), signed(4, 3, 2), signed(4, 3, 2), axis=1)
if hasattr(np, "matvec"):
    for a, b in [((2, 3), (3,)), ((4, 2, 3), (3,)), ((2, 3), (4, 3)), ((4, 2, 3), (4, 3)), ((5, 1, 2, 3), (4, 3))]:
        case(np.matvec, signed(*a), signed(*b))
        case(np.vecmat, signed(*b), signed(*a[:-2], a[-1], a[-2]))
if hasattr(np.linalg, "cross"):
    case(np.linalg.cross, signed(3), signed(3))
    case(np.linalg.cross, signed(3, 2), signed(3, 2), axis=0)
    for function in (np.linalg.trace, np.linalg.diagonal):
        for shape in [(3, 3), (2, 3), (2, 3, 4), (2, 1, 3, 3)]:
            case(function, signed(*shape))
            case(function, signed(*shape), offset=1)
    case(np.linalg.outer, signed(3), signed(4))
    case(np.linalg.matmul, signed(2, 3), signed(3, 4))
    case(np.linalg.matmul, signed(5, 2, 3), signed(3, 4))
    case(np.linalg.tensordot, signed(2, 3), signed(3, 4), axes=1)
    case(np.linalg.tensordot, signed(2, 3, 4), signed(4, 3, 2), axes=((1, 2), (1, 0)))
