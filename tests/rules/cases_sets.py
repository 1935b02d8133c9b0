"""Cases: functions that treat arrays as sets, that trim them, or that count them in bins."""
from __future__ import annotations

import math

import numpy as np
from table import apart, case, positive, signed

for shape in [(1,), (4,), (2, 3), (0,)]:
    for label in ("unique_values", "unique_counts", "unique_inverse", "unique_all"):
        if hasattr(np, label):
            case(getattr(np, label), signed(*shape))
for a, b in [((3,), (2,)), ((2, 2), (1,)), ((0,), (2,)), ((1,), (1,)), ((4,), (0,))]:
    for keywords in ({}, {"assume_unique": True}):
        for function in (np.setdiff1d, np.intersect1d, np.setxor1d):
            if a == (3,) or not keywords or function is not np.setxor1d:
                drawn = apart(math.prod(a) + math.prod(b))
                case(function, drawn[:math.prod(a)].reshape(a), drawn[math.prod(a):].reshape(b), **keywords)
case(np.intersect1d, signed(3), signed(3), return_indices=True)
case(np.trim_zeros, signed(4))
case(np.trim_zeros, signed(1), trim="b")
case(np.trim_zeros, signed(3), "f")
if hasattr(np, "row_stack"):
    case(np.row_stack, [signed(3), signed(3)])
    case(np.row_stack, (signed(2, 3), signed(3)))
    case(np.row_stack, [signed(2, 3), signed(1, 3)])
    case(np.row_stack, [signed(), signed()])

ruler = np.array([-3, -1, 0, 2])
for shape in [(6,), (2, 3), (1,)]:
    case(np.histogram, signed(*shape))
    case(np.histogram_bin_edges, signed(*shape))
    for keywords in ({"bins": 3}, {"bins": 3, "range": (-1, 1)}, {"bins": ruler}, {"bins": [-2, -1, 0, 3]}, {"bins": 5, "density": True}, {"bins": ruler, "density": True}):
        case(np.histogram, signed(*shape), **keywords)
        case(np.histogram, signed(*shape), weights=positive(*shape), **keywords)
        if "density" not in keywords:
            case(np.histogram_bin_edges, signed(*shape), **keywords)
case(np.histogram, signed(5), 3, (-2, 2), True, positive(5))
case(np.histogram, signed(0))
for keywords in ({}, {"bins": 3}, {"bins": (2, 4)}, {"bins": ruler}, {"bins": 3, "range": [[-1, 1], [-2, 2]]}):
    case(np.histogram2d, signed(5), signed(5), **keywords)
    case(np.histogram2d, signed(5), signed(5), weights=positive(5), **keywords)
