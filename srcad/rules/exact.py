"""Rules for gradients that are differentiated again: no division, and no test of a value that hides a slope, so that they are right to every order.

    z = np.cumprod(x)     dx[i] = x[0] * ... * x[i - 1] * (dz[i] + x[i + 1] * (dz[i + 1] + x[i + 2] * (...)))

The rules that a first derivative takes are quicker where a factor is 0, and right to the second order.
"""
from __future__ import annotations

import math
import operator
from typing import Any

import numpy as np

from srcad.rules import Rule, choose, describe, elementwise, scalars, scimath
from srcad.rules.elementwise import literal

Adjoints = tuple[Any, ...]


def products_before(rows: Any) -> Any:
    """For each row the product of those before it."""
    before = np.ones(rows.shape, rows.dtype)
    for i in range(1, len(rows)):
        before[i] = before[i - 1] * rows[i - 1]
    return before


def cumprod(dz: Any, z: Any, a: Any, axis: Any = None, dtype: Any = None) -> Adjoints:
    """`after[i]` is what the results from i on ask for, over the product of the first i + 1 factors."""
    if axis is None:
        rows, after = np.reshape(a, (-1,)), np.reshape(dz, (-1,)).copy()
    else:
        rows, after = np.moveaxis(a, axis, 0), np.moveaxis(dz, axis, 0).copy()
    for i in reversed(range(len(rows) - 1)):
        after[i] += rows[i + 1] * after[i + 1]
    da = products_before(rows) * after
    return (da.reshape(np.shape(a)) if axis is None else np.moveaxis(da, 0, axis),)


def nancumprod(dz: Any, z: Any, a: Any, axis: Any = None, dtype: Any = None) -> Adjoints:
    return (np.where(np.isnan(a), 0.0, cumprod(dz, z, np.where(np.isnan(a), 1.0, a), axis)[0]),)


def cumulative_prod(dz: Any, z: Any, x: Any, axis: Any = None, dtype: Any = None, include_initial: bool = False) -> Adjoints:
    along = 0 if axis is None else axis
    return cumprod(np.moveaxis(np.moveaxis(dz, along, 0)[1:], 0, along) if include_initial else dz, z, x, along)


def power(dz: Any, z: Any, x: Any, y: Any, *, active: tuple[bool, bool] = (True, True)) -> Adjoints:
    """Where the exponent is 0 the slope in x is 0, and rises with the exponent by 1/x."""
    if literal(y) is not None or not active[0]:
        return elementwise.power(dz, z, x, y, active=active)
    return y * x ** np.where((x == 0) & (y == 0), 1, y - 1) * dz, elementwise.power(dz, z, x, y, active=(False, active[1]))[1]


def power_of_number(dz: Any, z: Any, x: Any, y: Any, *, active: tuple[bool, bool] = (True, True)) -> Adjoints:
    """As for arrays, without raising at 0."""
    if literal(y) is not None or not active[0]:
        return scalars.power(dz, z, x, y, active=active)
    dx = choose((x != 0) | (y >= 1), y * x ** (y - 1) * dz, choose(y == 0, 0.0 * dz, math.inf * dz))
    return dx, scalars.power(dz, z, x, y, active=(False, active[1]))[1]


def emath_power(dz: Any, z: Any, x: Any, p: Any, *, active: tuple[bool, ...] = (True, True)) -> Adjoints:
    if literal(p) is not None or not active[0]:
        return scimath.power(dz, z, x, p, active=active)
    return p * np.emath.power(x, np.where((x == 0) & (p == 0), 1, p - 1)) * dz, scimath.power(dz, z, x, p, active=(False, active[1]))[1]


EXACT: dict[object, Rule] = {f: describe(r, f, None) for f, r in ((np.cumprod, cumprod), (np.nancumprod, nancumprod),
                                                                         (np.power, power), (np.float_power, power),
                                                                         (operator.pow, power_of_number), (pow, power_of_number), (math.pow, power_of_number))}
EXACT[np.emath.power] = describe(emath_power, np.emath.power, True)
if hasattr(np, "cumulative_prod"):
    EXACT[np.cumulative_prod] = describe(cumulative_prod, np.cumulative_prod, None)
