"""Cases: cumulative products, differences, averages, covariances, integrals, and reductions that skip what is not a number."""
from __future__ import annotations

import numpy as np
from cases_reductions import reductions
from table import case, positive, signed

nan = np.nan
cumulative = [np.cumprod, np.nancumprod, np.nancumsum]
for function in cumulative:
    for shape in [(), (1,), (0,), (3,), (2, 3), (2, 3, 2)]:
        case(function, signed(*shape))
    for axis in (0, 1, 2, -1, -3):
        case(function, signed(2, 3, 2), axis=axis)
    case(function, signed(3), 0)
    case(function, signed(2, 0), axis=1)
for zeros in [[0], [2], [3], [1, 2], [0, 1, 2, 3]]:
    factors = signed(4)
    factors[zeros] = 0.0
    for function in (np.cumprod, np.nancumprod):
        case(function, factors)
        case(function, factors.reshape(2, 2))
        case(function, factors.reshape(2, 2), axis=0)
        case(function, factors.reshape(2, 2), axis=1)
case(np.nancumsum, np.array([1.0, nan, 2.0]))
case(np.nancumprod, np.array([1.5, nan, 2.0, nan]))
if hasattr(np, "cumulative_sum"):
    for function in (np.cumulative_sum, np.cumulative_prod):
        case(function, signed(4))
        case(function, signed(4), include_initial=True)
        for axis in (0, 1, -1):
            case(function, signed(2, 3), axis=axis)
            case(function, signed(2, 3), axis=axis, include_initial=True)

for n in (0, 1, 2, 3):
    case(np.diff, signed(5), n=n)
    case(np.diff, signed(4, 5), n, axis=0)
    case(np.diff, signed(4, 5), n)
case(np.diff, signed(1))
case(np.diff, signed(2, 4, 3), axis=1)
for ends in ({"prepend": signed()}, {"append": signed()}, {"prepend": signed(2)}, {"prepend": signed(1), "append": signed(3)}, {"append": 0.5}):
    case(np.diff, signed(4), **ends)
    case(np.diff, signed(4), n=2, **ends)
case(np.diff, signed(2, 3), axis=0, prepend=signed(1, 3))
case(np.diff, signed(2, 3), prepend=signed(), append=signed(2, 2))
for shape in [(1,), (4,), (2, 3), (2,)]:
    case(np.ediff1d, signed(*shape))
    case(np.ediff1d, signed(*shape), to_begin=signed(2))
    case(np.ediff1d, signed(*shape), to_end=signed(1), to_begin=signed())
    case(np.ediff1d, signed(*shape), to_end=signed(3))
for shape, axes in [((2,), (0,)), ((3,), (0, -1)), ((6,), (0,)), ((3, 4), (0, 1, -1, (0, 1), None)), ((2, 3, 4), (None, 1, (2, 0)))]:
    case(np.gradient, signed(*shape))
    for axis in axes:
        case(np.gradient, signed(*shape), axis=axis)
        case(np.gradient, signed(*shape), 2, axis=axis)

for shape, axis in [((2,), 0), ((3,), -1), ((6,), None), ((4, 5), 1), ((4, 5), 0), ((3, 2, 4), -1)]:
    size = shape[axis or 0]
    case(np.gradient, signed(*shape), np.cumsum(positive(size)), axis=axis)
    case(np.gradient, signed(*shape), signed(), axis=axis)
    case(np.gradient, signed(*shape), -np.arange(size), axis=axis)
    if size > 2:
        case(np.gradient, signed(*shape), axis=axis, edge_order=2)
        case(np.gradient, signed(*shape), signed(), axis=axis, edge_order=2)
case(np.gradient, signed(3, 4), signed())
case(np.gradient, signed(3, 4), signed(), np.cumsum(positive(4)))
case(np.gradient, signed(3, 4), np.cumsum(positive(3)), 2)
case(np.gradient, signed(3, 4), np.cumsum(positive(4)), np.cumsum(positive(3)), axis=(1, 0))
for shape in [(4,), (2, 3), (3, 4)]:
    case(np.average, signed(*shape))
    case(np.average, signed(*shape), weights=positive(*shape))
    case(np.average, signed(*shape), axis=0, weights=positive(*shape), keepdims=True)
    case(np.average, signed(*shape), axis=-1, weights=positive(shape[-1]))
    case(np.average, signed(*shape), axis=0)
case(np.average, signed(3, 4), 0, positive(3))
case(np.average, signed(2, 3, 4), axis=1, weights=positive(3))
for function in (np.cov, np.corrcoef):
    for shape in [(2, 5), (3, 4), (4,)]:
        case(function, signed(*shape))
        case(function, signed(*shape), signed(*shape))
    case(function, signed(5, 3), rowvar=False)
    case(function, signed(5, 3), signed(5, 2), rowvar=False)
    case(function, signed(4), signed(2, 4))
for keywords in ({"bias": True}, {"ddof": 0}, {"ddof": 2}):
    case(np.cov, signed(3, 5), **keywords)
    case(np.cov, signed(5), **keywords)
case(np.cov, signed(1, 5))
trapezoid = np.trapezoid if hasattr(np, "trapezoid") else np.trapz
case(trapezoid, signed(5))
case(trapezoid, signed(1))
case(trapezoid, signed(5), signed(5))
case(trapezoid, signed(5), dx=0.5)
case(trapezoid, signed(5), dx=signed())
for axis in (0, 1, -1):
    case(trapezoid, signed(3, 4), axis=axis)
    case(trapezoid, signed(3, 4), dx=signed(), axis=axis)
    case(trapezoid, signed(3, 4), x=signed(3, 4), axis=axis)
    case(trapezoid, signed(3, 4), x=signed((3, 4)[axis]), axis=axis)
case(np.bincount, np.array([0, 2, 2, 1]), signed(4))
case(np.maximum.accumulate, signed(6))
case(np.minimum.accumulate, signed(6))
case(np.bincount, np.array([0, 2, 2, 1]), signed(4), minlength=6)
case(np.bincount, [0, 2, 2, 1], weights=signed(4))
case(np.bincount, np.array([0, 2, 2, 1]), weights=signed(4))

reductions(np.ptp, signed)
for function in (np.nansum, np.nanmean, np.nanprod, np.nanmax, np.nanmin, np.nanvar):
    reductions(function, signed)
    case(function, np.array([1.5, nan, 2.0, -0.5]))
    for keywords in ({"axis": 0}, {"axis": 1, "keepdims": True}, {"keepdims": True}):
        case(function, np.array([[1.5, nan, 2.0], [-0.5, 0.7, 1.2], [nan, 0.4, 0.9]]), **keywords)
for keywords in ({}, {"axis": 0}, {"axis": 1, "ddof": 1}, {"keepdims": True}):
    case(np.nanstd, np.array([[1.5, nan, 2.0], [-0.5, 0.7, 1.2], [nan, 0.4, 0.9]]), **keywords)
    case(np.nanvar, np.array([[1.5, nan, 2.0], [-0.5, 0.7, 1.2], [nan, 0.4, 0.9]]), **keywords)
    case(np.nanstd, signed(3, 4), **keywords)
for function, q in ((np.nanquantile, 0.4), (np.nanpercentile, 45)):
    case(function, np.array([1.5, nan, 2.0, -0.5]), q=q)
    case(function, np.array([[1.5, nan, 2.0], [-0.5, 0.7, 1.2], [nan, 0.4, 0.9]]), q=q, axis=1)
    case(function, np.array([[1.5, nan, 2.0], [-0.5, 0.7, 1.2], [nan, 0.4, 0.9]]), q=q, axis=0, keepdims=True)
case(np.nanmedian, np.array([[1.5, nan, 2.0], [-0.5, 0.7, 1.2], [nan, 0.4, 0.9]]), axis=0)
