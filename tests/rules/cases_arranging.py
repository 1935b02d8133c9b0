"""Cases: more functions that move elements."""
from __future__ import annotations

import numpy as np
from table import case, positive, signed

case(np.append, signed(3), signed(2))
case(np.append, signed(2, 3), signed())
case(np.append, signed(2, 3), signed(1, 3), axis=0)
case(np.append, signed(2, 3), signed(2, 2), -1)
case(np.append, signed(0), signed(2))
for function, shape in ((np.vsplit, (4, 6)), (np.hsplit, (4, 6)), (np.hsplit, (6,)), (np.dsplit, (2, 3, 4)), (np.array_split, (6, 2))):
    case(function, signed(*shape), 2)
    case(function, signed(*shape), [1, 3])
for shape, pieces, axis in [((5,), 3, 0), ((7, 2), 4, 0), ((3, 5), 2, 1), ((3, 5), 2, -1), ((2,), 3, 0), ((3, 5), [1, 2], -1)]:
    case(np.array_split, signed(*shape), pieces, axis=axis)
if hasattr(np, "unstack"):
    for shape, axis in [((3,), 0), ((2, 3), 0), ((2, 3), 1), ((2, 3, 2), -1)]:
        case(np.unstack, signed(*shape), axis=axis)
for shape in [(), (1,), (3,), (2, 3), (2, 1, 3), (0,)]:
    case(np.atleast_3d, signed(*shape))
for shapes in [[(), ()], [(3,), (3,)], [(2, 3), (2, 3)], [(2, 3, 1), (2, 3, 2)], [(2, 3), (2, 3, 2)]]:
    case(np.dstack, [signed(*shape) for shape in shapes])
case(np.block, [signed(3), signed(2)])
case(np.block, [signed(), signed(2)])
case(np.block, [[signed(2, 2), signed(2, 3)], [signed(1, 2), signed(1, 3)]])
case(np.block, [[signed(2, 2), signed(2, 1)], [signed(3)]])
case(np.block, [[signed(3)], [signed(3)]])
case(np.block, [[[signed(1, 2, 2), signed(1, 2, 1)]], [[signed(1, 2, 3)]]])
case(np.block, signed(2, 3))
case(np.broadcast_arrays, signed(3), signed(2, 1))
case(np.broadcast_arrays, signed(), signed(2, 3), signed(3))
case(np.broadcast_arrays, signed(2))
for keywords in ({}, {"indexing": "ij"}, {"sparse": True}, {"indexing": "ij", "sparse": True}):
    case(np.meshgrid, signed(3), signed(2), **keywords)
    case(np.meshgrid, signed(3), **keywords)
    case(np.meshgrid, signed(3), signed(2), signed(4), **keywords)
    case(np.meshgrid, signed(), signed(2), **keywords)
for obj in (0, -1, [0, 2], slice(0, 2)):
    case(np.delete, signed(4), obj)
    case(np.delete, signed(3, 4), obj, axis=0)
    case(np.delete, signed(2, 4), obj, 1)
    case(np.delete, signed(2, 4), obj)
case(np.delete, signed(4), np.array([1, 1]))
case(np.insert, signed(4), 1, signed())
case(np.insert, signed(4), 1, signed(3))
case(np.insert, signed(4), -1, signed(1))
case(np.insert, signed(4), [0, 2], signed(2))
case(np.insert, signed(4), [0, 2, 2], signed())
case(np.insert, signed(2, 3), 1, signed(3), axis=0)
case(np.insert, signed(2, 3), 1, signed(), axis=1)
case(np.insert, signed(2, 3), 1, signed(2), axis=1)
case(np.insert, signed(2, 3), [0, 1], signed(2, 3), axis=0)
case(np.insert, signed(2, 3), 4, signed())
for k in (0, 1, -2):
    case(np.diagflat, signed(3), k)
    case(np.diagflat, signed(2, 2), k=k)
for shape in [(2, 3), (1, 4), (2, 3, 2)]:
    case(np.fliplr, signed(*shape))
    case(np.flipud, signed(*shape))
    for k in (-1, 0, 1, 2, 3):
        case(np.rot90, signed(*shape), k=k)
    case(np.rot90, signed(*shape))
case(np.flipud, signed(3))
case(np.rot90, signed(2, 3, 4), 1, (2, 1))
case(np.rot90, signed(2, 3, 4), k=3, axes=(0, -1))
for shift in (0, 1, -2, 5):
    case(np.roll, signed(4), shift)
    case(np.roll, signed(2, 3), shift)
    case(np.roll, signed(2, 3), shift, axis=1)
case(np.roll, signed(2, 3), (1, -2), axis=(0, 1))
case(np.roll, signed(2, 3), (1, 2), axis=1)
case(np.roll, signed(0), 1)
for axis, start in [(0, 0), (1, 0), (2, 0), (0, 3), (2, 1), (-1, 0), (1, -1), (0, 2)]:
    case(np.rollaxis, signed(2, 3, 4), axis, start)
case(np.rollaxis, signed(2, 3), 1)
if hasattr(np, "matrix_transpose"):
    for function in (np.matrix_transpose, np.linalg.matrix_transpose):
        case(function, signed(2, 3))
        case(function, signed(4, 2, 3))
for shape, reps in [((3,), 2), ((3,), (2,)), ((3,), (2, 3)), ((2, 3), 2), ((2, 3), (2, 1)), ((2, 3), (3, 1, 2)), ((), 3), ((), (2, 2)), ((2, 1), (1, 3)),
                    ((2, 3), [2, 2]), ((0,), 2), ((3,), 1), ((2, 2, 2), (2, 1))]:
    case(np.tile, signed(*shape), reps)
for repeats in (1, 3, [1, 0, 2], np.array([2, 1, 1])):
    case(np.repeat, signed(3), repeats)
    case(np.repeat, signed(3, 2), repeats, axis=0)
    case(np.repeat, signed(2, 3), repeats, axis=1)
    case(np.repeat, signed(2, 3), repeats, -1)
case(np.repeat, signed(2, 3), 2)
case(np.repeat, signed(), 2)
case(np.repeat, signed(2, 3), 0, axis=0)
for shape, new in [((3,), 5), ((3,), (2, 4)), ((2, 3), (2, 2)), ((2, 3), 1), ((2,), (2,)), ((3,), (0,))]:
    case(np.resize, signed(*shape), new)
for width in (0, 1, (1, 2), (2,), ((1, 0),), [0, 3]):
    case(np.pad, signed(4), width)
    case(np.pad, signed(3, 4), width)
for mode in ("constant", "edge", "reflect", "symmetric", "wrap"):
    case(np.pad, signed(4), 2, mode=mode)
    case(np.pad, signed(4), (7, 5), mode)
    case(np.pad, signed(3, 4), ((0, 2), (1, 0)), mode=mode)
    case(np.pad, signed(2, 3, 2), 1, mode=mode)
case(np.pad, signed(4), 2, constant_values=1.5)
case(np.pad, signed(2, 3), ((1, 2), (0, 1)), "constant", constant_values=((1, 2), (3, 4)))
case(np.pad, signed(0), 2)
for keywords in ({}, {"num": 5}, {"num": 1}, {"num": 0}, {"num": 4, "endpoint": False}):
    case(np.linspace, float(signed()), float(signed()), **keywords)
    case(np.geomspace, float(positive()), float(positive()), **keywords)
    case(np.logspace, float(signed()), float(signed()), **keywords)
    case(np.linspace, signed(3), signed(3), **keywords)
    case(np.linspace, signed(2, 1), signed(3), **keywords)
case(np.linspace, signed(), signed(2), 4)
case(np.logspace, 0.3, 0.9, 4, base=2.0)
for size in (None, 0, 1, 2, 5):
    case(np.vander, signed(3), N=size)
    case(np.vander, signed(3), N=size, increasing=True)
case(np.vander, signed(4), 3)
case(np.vander, signed(3))
sliding = np.lib.stride_tricks.sliding_window_view
case(sliding, signed(5), 3)
case(sliding, signed(3, 4), (2, 2))
case(sliding, signed(3, 4), 2, axis=0)
case(sliding, signed(3, 4), 2, 1)
for shape in [(), (3,), (2, 3), (0,)]:
    case(np.real, signed(*shape))
    case(np.real_if_close, signed(*shape))
    if hasattr(np, "astype"):
        case(np.astype, signed(*shape), np.float64)
for function in (np.fft.fftshift, np.fft.ifftshift):
    for shape in [(5,), (4,), (2, 3), (0,), (1,)]:
        case(function, signed(*shape))
    case(function, signed(3, 4, 5), axes=1)
    case(function, signed(3, 4, 5), (0, -1))
