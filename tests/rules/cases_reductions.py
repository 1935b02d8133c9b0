"""Cases: sums, means, products, extremes, variances, and what runs along an axis.
"""
from __future__ import annotations

import itertools
import math
from collections.abc import Callable
from typing import Any

import numpy as np
import scipy.special as sp
from table import Draw, case, mask, signed

def reductions(function: Callable[..., Any], draw: Draw, axes: bool = True, **extra: Any) -> None:
    """A function along every kind of axis, with and without keepdims."""
    for shape in [(), (1,), (3,), (2, 3), (2, 1, 3), (1, 1)]:
        case(function, draw(*shape), **extra)
        case(function, draw(*shape), keepdims=True, **extra)
    for axis, keep in itertools.product((0, 1, -1, -2) if axes else (), (False, True)):
        case(function, draw(3, 4), axis=axis, keepdims=keep, **extra)
        case(function, draw(2, 3, 2), axis=axis, keepdims=keep, **extra)
    for axis, keep in itertools.product([(0,), (0, 1), (0, 2), (-1, 0), (1, -1), (0, 1, 2), (2, 0)] if axes else (), (False, True)):
        case(function, draw(2, 3, 4), axis=axis, keepdims=keep, **extra)
    case(function, draw(3), axis=0, **extra)
    case(function, draw(3, 4), 1, **extra)
    case(function, draw(3, 4), axis=None, **extra)
    case(function, draw(1, 3), axis=0, **extra)


for function in (np.sum, np.mean, np.prod, np.max, np.amax, np.min, np.amin, np.var):
    reductions(function, signed)
for shape in [(3,), (2, 3), (2, 2, 3)]:
    for keywords in ({}, {"axis": 0}, {"axis": -1}, {"keepdims": True}, {"axis": -1, "keepdims": True}, {"axis": None}):
        case(np.logaddexp.reduce, signed(*shape), **keywords)
for shape in [(3,), (2, 3), (2, 2, 3)]:
    for keywords in ({}, {"axis": 0}, {"axis": -1, "keepdims": True}, {"ddof": 1}, {"keepdims": True}):
        if shape == (3,) or "ddof" not in keywords:
            case(np.std, signed(*shape), **keywords)
for function in (np.var, np.std):
    for ddof in (0, 1, 0.5):
        case(function, signed(4), ddof=ddof)
        case(function, signed(3, 4), axis=0, ddof=ddof)
        case(function, signed(2, 3, 4), axis=(0, 2), ddof=ddof, keepdims=True)
        case(function, signed(2, 3, 4), axis=(-1, 0), ddof=ddof)
    case(function, signed(3, 4), where=np.arange(12).reshape(3, 4) % 3 != 1)
    case(function, signed(3, 4), axis=1, where=np.array([True, False, True, True]))
    case(function, signed(3, 4), axis=0, keepdims=True, ddof=1, where=np.array([[True], [True], [False]]))
for shape in [(0,), (0, 3), (3, 0)]:
    case(np.sum, signed(*shape))
    case(np.prod, signed(*shape))
    case(np.sum, signed(*shape), axis=0)
    case(np.prod, signed(*shape), axis=0)
case(np.mean, signed(0, 3), axis=1)
case(np.max, signed(0, 3), axis=1)
case(np.max, signed(0), initial=1.5)
for function in (np.sum, np.prod, np.mean):
    case(function, signed(3, 4), dtype=np.float64)
    case(function, signed(3, 4), where=mask(3, 4))
    case(function, signed(3, 4), axis=0, where=np.array([[True], [False], [True]]))
    case(function, signed(3, 4), axis=1, keepdims=True, where=np.array([True, False, True, False]))
    case(function, signed(2, 3, 4), axis=(0, 2), where=np.array([True, False, True, False]))
for function in (np.sum, np.prod, np.max, np.min):
    for initial in (0.5, 1.5, -3.0, 5.0):
        case(function, signed(3, 4), initial=initial)
        case(function, signed(3, 4), axis=0, initial=initial)
        case(function, signed(3, 4), axis=1, initial=initial, keepdims=True, where=mask(3, 4))
        case(function, signed(3, 4), initial=initial, where=np.array([True, False, True, False]))
for zeros in [[0], [0, 2], [0, 1, 2, 3]]:
    factors = signed(4)
    factors[zeros] = 0.0
    case(np.prod, factors)
    case(np.prod, factors.reshape(2, 2))
    case(np.prod, factors.reshape(2, 2), axis=0)
    case(np.prod, factors.reshape(2, 2), axis=1, keepdims=True)
    case(np.prod, factors, initial=2.0)
    case(np.prod, factors, where=np.array([True, True, False, True]))
    case(math.prod, factors.tolist())
case(np.prod, np.array([0.0]))
case(np.prod, np.array(0.0))

for shape in [(), (1,), (0,), (3,), (2, 3), (2, 3, 2)]:
    case(np.cumsum, signed(*shape))
for axis in (0, 1, 2, -1, -3):
    case(np.cumsum, signed(2, 3, 2), axis=axis)
case(np.cumsum, signed(3), 0)
case(np.cumsum, signed(2, 0), axis=1)

case(sp.logsumexp, signed(3))
case(sp.logsumexp, signed(1))
for keywords in ({}, {"axis": 0}, {"axis": -1, "keepdims": True}, {"axis": (0, 1)}, {"keepdims": True},
    {"axis": (0, -1), "keepdims": True}):
    case(sp.logsumexp, signed(3, 4), **keywords)
    case(sp.logsumexp, signed(2, 3, 4), **keywords)
