"""Cases: functions that pick, sort and join elements, and quantiles."""
from __future__ import annotations

import numpy as np
from table import case, mask, signed

for shape, axes in [((1,), (0, -1)), ((4,), (0, -1)), ((0,), (0,)), ((3, 4), (0, 1, -1, -2)), ((2, 3, 2), (0, 1, 2)), ((0, 3), (0, 1))]:
    for function in (np.sort,):
        case(function, signed(*shape))
        case(function, signed(*shape), axis=None)
        for axis in axes:
            case(function, signed(*shape), axis=axis)
case(np.sort, signed(5), kind="stable")
case(np.sort, signed(2, 3), 0)
for kth in (0, 2, [1, 3]):
    case(np.partition, signed(5), kth)
    case(np.partition, signed(5, 2), kth, axis=0)
    case(np.partition, signed(2, 5), kth)
case(np.partition, signed(2, 3), 2, axis=None)

for indices in (1, -1, [0, 2, 2], np.array([2, 0, -1]), np.array([[0, 1], [1, 1]])):
    case(np.take, signed(3), indices)
    case(np.take, signed(2, 3), indices)
    for axis in (0, 1, -1):
        case(np.take, signed(3, 3), indices, axis=axis)
case(np.take, signed(2, 3, 2), np.array([0, 0, 1]), 1)
case(np.take, signed(3), np.array([4, -5, 1]), mode="wrap")
case(np.take, signed(2, 3), np.array([4, -5, 1]), axis=1, mode="clip")
case(np.take, signed(3), np.array([], dtype=int))
case(np.take_along_axis, signed(3), np.array([2, 0, 0, 1]), axis=0)
case(np.take_along_axis, signed(2, 3), np.array([[2, 0], [1, 1]]), axis=1)
case(np.take_along_axis, signed(2, 3), np.array([[0, 1, 1]]), axis=0)
case(np.take_along_axis, signed(2, 3), np.array([[0], [2]]), axis=-1)
case(np.take_along_axis, signed(2, 3), np.array([5, 0, 0]), axis=None)
case(np.compress, np.array([True, False, True]), signed(3))
case(np.compress, np.array([True, False, True]), signed(2, 3), axis=1)
case(np.compress, np.array([False, True]), signed(3, 2), axis=0)
case(np.compress, np.array([False, True, True]), signed(2, 3))
case(np.extract, mask(2, 3), signed(2, 3))
case(np.extract, mask(4), signed(4))
for chosen in (np.array([0, 1, 1]), np.array([[0, 1, 0], [1, 1, 0]])):
    case(np.choose, chosen, [signed(3), signed(3)])
    case(np.choose, chosen, [signed(), signed(3)])
case(np.choose, np.array([0, 2, 1]), (signed(3), signed(1), signed(2, 3)))
for shape in [(4,), (2, 3), (1,), (0,)]:
    case(np.select, [mask(*shape), mask(*shape)], [signed(*shape), signed(*shape)], signed(*shape))
    case(np.select, [mask(*shape)], [signed(*shape)])
case(np.select, [mask(3), mask(3)], [signed(), signed(2, 3)], float(signed()))
case(np.select, (mask(3),), (signed(3),), signed(2, 1))
for shape in [(1,), (4,), (2, 3), (0,)]:
    case(np.unique, signed(*shape))
case(np.unique, signed(4), return_inverse=True)
case(np.unique, signed(4), return_index=True, return_counts=True)

for shape in [(1,), (4,), (5,), (2, 3), (3, 4), (2, 3, 2)]:
    for function in (np.median, np.nanmedian):
        case(function, signed(*shape))
        case(function, signed(*shape), keepdims=True)
        case(function, signed(*shape), axis=-1)
    for function, points in ((np.quantile, (0, 0.3, 0.5, 1.0)), (np.percentile, (30, 45.5)), (np.nanquantile, (0.3,)), (np.nanpercentile, (45.5,))):
        for q in points:
            case(function, signed(*shape), q=q)
            case(function, signed(*shape), q=q, axis=0)
for axis in (0, 1, (0, 1), (0, 2)):
    for keep in (False, True):
        case(np.median, signed(3, 4, 2), axis=axis, keepdims=keep)
        case(np.quantile, signed(3, 4, 2), q=0.4, axis=axis, keepdims=keep)
for method in ("linear", "lower", "higher", "midpoint"):
    case(np.quantile, signed(5), q=0.4, method=method)
    case(np.percentile, signed(2, 5), 33, axis=1, method=method)
    case(np.nanquantile, signed(2, 5), q=0.4, axis=1, method=method)
for a, b in [((3,), (2,)), ((2, 2), (1,)), ((0,), (2,)), ((1,), (1,))]:
    case(np.union1d, signed(*a), signed(*b))
for shape, axes in [((5,), (None, 0, -1)), ((3, 4), (None, 0, 1, (0, 1))), ((2, 3, 2), (1, (0, 2)))]:
    for axis in axes:
        for keywords in ({}, {"keepdims": True}):
            case(np.quantile, signed(*shape), q=[0, 1], axis=axis, **keywords)
            case(np.percentile, signed(*shape), q=[30, 55, 50], axis=axis, **keywords)
            if not isinstance(axis, tuple):
                case(np.nanpercentile, signed(*shape), q=[30, 45], axis=axis, **keywords)
for method in ("linear", "lower", "higher", "midpoint"):
    case(np.percentile, signed(2, 5), [33, 0, 100], axis=1, method=method)
    case(np.percentile, signed(5), (20,), method=method)
