"""Cases: functions that move elements.
"""
from __future__ import annotations

import numpy as np
from table import case, signed

for shape, new in [
    ((2, 3), (3, 2)), ((2, 3), 6), ((2, 3), -1), ((2, 3), (-1,)), ((6,), (2, -1)), ((2, 3, 4), (6, 4)), ((1,), ()), ((), (1,)), ((), -1),
    ((0,), (0, 3)),
    ((2, 0), (0,)), ((1, 1), (1,)), ((2, 3), [3, 2]), ((2, 3), (2, 3)),
]:
    case(np.reshape, signed(*shape), new)
for order in ("C", "F"):
    case(np.reshape, signed(2, 3), (3, 2), order=order)
    case(np.reshape, signed(2, 3, 4), (4, -1), order=order)
    case(np.reshape, signed(2, 3), (2, 3), order=order)
    case(np.ravel, signed(2, 3), order=order)
    case(np.ravel, signed(3), order)
for shape in [(), (1,), (0,), (3,), (2, 3), (2, 1, 3)]:
    for function in (np.ravel, np.squeeze, np.atleast_1d, np.atleast_2d, np.transpose, np.copy, np.array, np.asarray, np.asanyarray,
        np.flip):
        case(function, signed(*shape))
for shape, axis in [((1, 3), 0), ((2, 1, 3), 1), ((1, 2, 1), (0, 2)), ((1, 2, 1), -1), ((1,), 0), ((1, 1), (0, -1)), ((1, 0), 0)]:
    case(np.squeeze, signed(*shape), axis=axis)
for shape, axis in [((3,), 0), ((3,), 1), ((3,), -1), ((), 0), ((2, 3), 1), ((2, 3), (0, 2)), ((2, 3), (-1, 0)), ((2, 3), (1, 2)),
    ((0,), 0)]:
    case(np.expand_dims, signed(*shape), axis)
case(np.expand_dims, signed(2, 3), axis=1)
for shape, order in [
    ((2, 3), (1, 0)), ((2, 3), (0, 1)), ((2, 3, 4), (2, 0, 1)), ((2, 3, 4), (1, 2, 0)), ((2, 3, 4), (-1, 0, 1)), ((2, 3, 4), (1, 0, -1)),
    ((2, 3, 4), [2, 0, 1]),
    ((2, 3, 4, 5), (3, 1, 0, 2)), ((3,), (0,)), ((2, 3, 4), None), ((0, 3), (1, 0)),
]:
    case(np.transpose, signed(*shape), order)
case(np.transpose, signed(2, 3, 4), axes=(2, 0, 1))
for shape, a, b in [((2, 3), 0, 1), ((2, 3, 4), 0, 2), ((2, 3, 4), -1, 0), ((2, 3, 4), -1, -2), ((2, 3, 4), 1, 1), ((0, 3), 0, 1)]:
    case(np.swapaxes, signed(*shape), a, b)
for shape, source, destination in [
    ((2, 3, 4), 0, -1), ((2, 3, 4), 2, 0), ((2, 3, 4), (0, 1), (-1, -2)), ((2, 3, 4), [0, 2], [1, 0]), ((2, 3, 4, 5), (3, 0), (1, 2)),
    ((2, 3), 0, 0), ((0, 3), 0, 1),
]:
    case(np.moveaxis, signed(*shape), source, destination)
for shape, new in [
    ((3,), (2, 3)), ((2, 1), (2, 3)), ((1, 3), (2, 3)), ((), (2, 3)), ((1,), 4), ((1,), (4,)), ((2, 3), (2, 3)), ((3,), (4, 2, 3)),
    ((2, 1, 3), (5, 2, 4, 3)),
    ((1,), (0,)), ((0,), (2, 0)), ((1, 1), (1, 1)), ((), ()), ((3,), [2, 3]),
]:
    case(np.broadcast_to, signed(*shape), new)
case(np.broadcast_to, float(signed()), (2, 3))
case(np.broadcast_to, signed(3), shape=(2, 3))
for axis in (0, 1, -1, (0, 1), (2, 0), (0, 1, 2), None):
    case(np.flip, signed(2, 3, 4), axis=axis)
case(np.flip, signed(2, 3), 1)
for function in (np.copy, np.array, np.asarray, np.asanyarray):
    case(function, float(signed()))
    case(function, [float(signed()), float(signed())])
    case(function, [[float(signed()), float(signed()), float(signed())], [float(signed()), float(signed()), float(signed())]])
    case(function, [signed(3), signed(3)])
    case(function, [signed(), signed()])
    case(function, [float(signed()), signed()])
    case(function, [[signed(2)], [signed(2)]])
    case(function, (float(signed()), float(signed())))
    case(function, [float(signed())])
    case(function, [signed(0), signed(0)])
for function in (np.array, np.asarray):
    case(function, signed(2, 3), dtype=np.float64)
    case(function, [float(signed()), float(signed())], dtype=np.float64)

for shapes in [[(3,), (2,)], [(3,)], [(2,), (0,), (1,)], [(2, 3), (1, 3)], [(2, 3), (0, 3), (4, 3)], [(2, 2, 3), (1, 2, 3)], [(0,), (0,)],
    [(1,), (1,)]]:
    case(np.concatenate, [signed(*shape) for shape in shapes])
    case(np.concatenate, tuple(signed(*shape) for shape in shapes), axis=0)
    case(np.concatenate, [signed(*shape) for shape in shapes], axis=-len(shapes[0]))
for axis, a, b in [(1, (2, 3), (2, 1)), (-1, (2, 3), (2, 1)), (-2, (2, 3), (1, 3)), (2, (2, 3, 1), (2, 3, 4)), (-2, (2, 3, 2), (2, 1, 2)),
    (None, (2, 3), (4,))]:
    case(np.concatenate, [signed(*a), signed(*b)], axis=axis)
    case(np.concatenate, [signed(*a), signed(*b), signed(*a)], axis)
case(np.concatenate, [signed(2, 3), signed(1), signed(2, 1, 2)], axis=None)
for shape in [(), (1,), (3,), (0,), (2, 3)]:
    for axis in range(-len(shape) - 1, len(shape) + 1):
        case(np.stack, [signed(*shape), signed(*shape), signed(*shape)], axis=axis)
    case(np.stack, (signed(*shape), signed(*shape)))
    case(np.stack, [signed(*shape)])
for shapes in [[(3,), (3,)], [(2, 3), (3,)], [(3,), (2, 3), (1, 3)], [(2, 3), (1, 3)], [(), ()], [(1,), (1,)], [(0,), (0,)],
    [(2, 2, 3), (1, 2, 3)], [(3,)], [(), (2, 1)]]:
    case(np.vstack, [signed(*shape) for shape in shapes])
for shapes in [[(3,), (2,)], [(2, 3), (2, 1)], [(), ()], [(), (2,)], [(2,), ()], [(1,), (1,)], [(0,), (2,)], [(2, 3, 2), (2, 1, 2)],
    [(3,)], [(), (2,), (1,)]]:
    case(np.hstack, [signed(*shape) for shape in shapes])
for shapes in [[(3,), (3,)], [(3,), (3, 2)], [(3, 2), (3,), (3, 1)], [(3, 2), (3, 1)], [(1,), (1,)], [(0,), (0,)], [(), ()], [(3,)]]:
    case(np.column_stack, [signed(*shape) for shape in shapes])
for shape, pieces, axis in [
    ((6,), 3, 0), ((6,), 1, 0), ((6,), [1, 4], 0), ((6,), (2,), 0), ((6,), [0, 3], 0), ((6,), [3, 3], 0), ((6,), [2, 9], 0),
    ((6,), [-2], 0),
    ((4, 6), 2, 0), ((4, 6), 3, 1), ((4, 6), 3, -1), ((4, 6), 2, -2), ((4, 6), [1, 4], 1), ((4, 6), [1, 4], -1), ((2, 4, 2), 2, 1),
    ((0, 3), 2, 0), ((1,), 1, 0),
]:
    case(np.split, signed(*shape), pieces, axis=axis)
case(np.split, signed(6), 3)
case(np.split, signed(4, 6), [1, 4], 1)
for shape, value in [((2, 3), float(signed())), (4, float(signed())), ((), float(signed())), ((2, 3), signed()), ((2, 3), signed(3)),
    ((2, 3), signed(2, 1)), ((0,), 2.5)]:
    case(np.full, shape, value)
case(np.full, (2, 3), float(signed()), dtype=np.float64)
for shape in [(2, 3), (), (0,), (3,)]:
    case(np.full_like, signed(*shape), float(signed()))
case(np.full_like, signed(2, 3), signed(3))
case(np.full_like, signed(2, 3), signed())
