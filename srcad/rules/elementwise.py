"""NumPy's ufuncs, and Python's operators on arrays: `dx = local derivative * dz`.

    z = x / y       dx = dz / y        dy = -dx * z
"""
from __future__ import annotations

import operator
from typing import Any

import numpy as np

from srcad.rules import is_python, over, rule, zero
from srcad.rules.complex import is_complex

Adjoints = tuple[Any, ...]
LN2, LN10 = 0.6931471805599453, 2.302585092994046


@rule(np.add, operator.add, elementwise=True)
def add(dz: Any, z: Any, x: Any, y: Any) -> Adjoints:
    return dz, dz


@rule(np.subtract, operator.sub, elementwise=True)
def subtract(dz: Any, z: Any, x: Any, y: Any) -> Adjoints:
    return dz, -dz


@rule(np.multiply, operator.mul, elementwise=True)
def multiply(dz: Any, z: Any, x: Any, y: Any) -> Adjoints:
    return y * dz, x * dz


@rule(np.divide, operator.truediv, elementwise=True)
def divide(dz: Any, z: Any, x: Any, y: Any, *, active: tuple[bool, bool] = (True, True)) -> Adjoints:
    if not active[0]:  # as the notes write it, for `1 / y`
        return None, (-x / y**2 if literal(x) is not None else -z / y) * dz
    dx = dz / y
    return dx, -dx * z


@rule(np.negative, operator.neg, elementwise=True)
def negative(dz: Any, z: Any, x: Any) -> Adjoints:
    return (-dz,)


@rule(np.positive, operator.pos, elementwise=True)
def positive(dz: Any, z: Any, x: Any) -> Adjoints:
    return (dz,)


def literal(value: Any) -> Any:
    """The number that an exponent or base is, where the text says it; else None."""
    return value if isinstance(value, (int, float)) else getattr(value, "literal", None)


@rule(np.power, np.float_power)
def power(dz: Any, z: Any, x: Any, y: Any, *, active: tuple[bool, bool] = (True, True)) -> Adjoints:
    """d(x**y)/dx = y x**(y - 1), which is 0 where y is 0; d/dy = x**y log x, which is 0 where x is 0."""
    exponent = literal(y)
    dx = None
    if active[0]:
        dx = y * x ** np.where(y == 0, 1, y - 1) * dz if exponent is None else power_by_literal(dz, x, exponent)
        if is_python(x) and exponent not in (None, 0, 1, 2, 4):  # which does not raise at 0
            dx = exponent * np.power(x, exponent - 1) * dz
    dy = z * np.log(np.where(x == 0, 1, x)) * dz if active[1] else None
    return dx, dy


def power_by_literal(dz: Any, x: Any, exponent: float) -> Any:
    if exponent == 0:
        return x * 0 * dz
    if exponent == 1:
        return dz
    if exponent == 2:
        return 2 * x * dz
    if exponent == 4:
        return 4 * (x * x * x) * dz
    return exponent * x ** (exponent - 1) * dz


@rule(np.square)
def square(dz: Any, z: Any, x: Any) -> Adjoints:
    return (2 * x * dz,)


@rule(np.sqrt)
def sqrt(dz: Any, z: Any, x: Any) -> Adjoints:
    return (0.5 / z * dz,)


@rule(np.cbrt)
def cbrt(dz: Any, z: Any, x: Any) -> Adjoints:
    return (dz / (3 * z**2),)


@rule(np.reciprocal)
def reciprocal(dz: Any, z: Any, x: Any) -> Adjoints:
    return (-(z**2) * dz,)


@rule(np.exp)
def exp(dz: Any, z: Any, x: Any) -> Adjoints:
    return (z * dz,)


@rule(np.exp2)
def exp2(dz: Any, z: Any, x: Any) -> Adjoints:
    return (LN2 * z * dz,)


@rule(np.expm1)
def expm1(dz: Any, z: Any, x: Any) -> Adjoints:
    return ((z + 1) * dz,)


@rule(np.log)
def log(dz: Any, z: Any, x: Any) -> Adjoints:
    return (over(dz, x),)


@rule(np.log2)
def log2(dz: Any, z: Any, x: Any) -> Adjoints:
    return (over(dz, LN2 * x),)


@rule(np.log10)
def log10(dz: Any, z: Any, x: Any) -> Adjoints:
    return (over(dz, LN10 * x),)


@rule(np.log1p)
def log1p(dz: Any, z: Any, x: Any) -> Adjoints:
    return (over(dz, 1 + x),)


@rule(np.logaddexp)
def logaddexp(dz: Any, z: Any, x: Any, y: Any) -> Adjoints:
    """The derivative is the logistic function of x - y; beyond 700 it is 0, and its exponential would overflow."""
    return dz / (1 + np.exp(np.minimum(y - x, 700.0))), dz / (1 + np.exp(np.minimum(x - y, 700.0)))


@rule(np.logaddexp2)
def logaddexp2(dz: Any, z: Any, x: Any, y: Any) -> Adjoints:
    return dz * np.exp2(x - z), dz * np.exp2(y - z)


@rule(np.sin)
def sin(dz: Any, z: Any, x: Any) -> Adjoints:
    return (np.cos(x) * dz,)


@rule(np.cos)
def cos(dz: Any, z: Any, x: Any) -> Adjoints:
    return (-np.sin(x) * dz,)


@rule(np.tan)
def tan(dz: Any, z: Any, x: Any) -> Adjoints:
    return ((1 + z**2) * dz,)


@rule(np.arcsin)
def arcsin(dz: Any, z: Any, x: Any) -> Adjoints:
    return (dz / (np.cos(z) if is_complex(x) else np.sqrt(1 - x**2)),)


@rule(np.arccos)
def arccos(dz: Any, z: Any, x: Any) -> Adjoints:
    return (-dz / (np.sin(z) if is_complex(x) else np.sqrt(1 - x**2)),)


@rule(np.arctan)
def arctan(dz: Any, z: Any, x: Any) -> Adjoints:
    return (dz / (1 + x**2),)


@rule(np.arctan2)
def arctan2(dz: Any, z: Any, y: Any, x: Any) -> Adjoints:
    scaled = over(dz, x**2 + y**2)
    return x * scaled, -y * scaled


@rule(np.sinh)
def sinh(dz: Any, z: Any, x: Any) -> Adjoints:
    return (np.cosh(x) * dz,)


@rule(np.cosh)
def cosh(dz: Any, z: Any, x: Any) -> Adjoints:
    return (np.sinh(x) * dz,)


@rule(np.tanh)
def tanh(dz: Any, z: Any, x: Any) -> Adjoints:
    return ((1 - z * z) * dz,)


@rule(np.arcsinh)
def arcsinh(dz: Any, z: Any, x: Any) -> Adjoints:
    return (dz / (np.cosh(z) if is_complex(x) else np.sqrt(x**2 + 1)),)


@rule(np.arccosh)
def arccosh(dz: Any, z: Any, x: Any) -> Adjoints:
    return (dz / (np.sinh(z) if is_complex(x) else np.sqrt(x**2 - 1)),)


@rule(np.arctanh)
def arctanh(dz: Any, z: Any, x: Any) -> Adjoints:
    return (over(dz, 1 - x**2),)


@rule(np.hypot)
def hypot(dz: Any, z: Any, x: Any, y: Any) -> Adjoints:
    """0 at the origin, as for every norm."""
    scaled = dz / np.where(z == 0, 1, z)
    return x * scaled, y * scaled


@rule(np.degrees, np.rad2deg)
def degrees(dz: Any, z: Any, x: Any) -> Adjoints:
    return (180 / np.pi * dz,)


@rule(np.radians, np.deg2rad)
def radians(dz: Any, z: Any, x: Any) -> Adjoints:
    return (np.pi / 180 * dz,)


@rule(np.absolute, np.fabs)
def absolute(dz: Any, z: Any, x: Any) -> Adjoints:
    if is_complex(x):
        return (np.conj(x) / np.where(z == 0, 1, z) * dz,)
    return (np.sign(x) * dz,)


@rule(np.copysign)
def copysign(dz: Any, z: Any, x: Any, y: Any) -> Adjoints:
    return np.sign(x) * np.copysign(1.0, y) * dz, None


@rule(np.remainder)
def remainder(dz: Any, z: Any, x: Any, y: Any) -> Adjoints:
    return dz, -np.floor(x / y) * dz


@rule(np.fmod)
def fmod(dz: Any, z: Any, x: Any, y: Any) -> Adjoints:
    return dz, -np.trunc(x / y) * dz


@rule(np.ldexp)
def ldexp(dz: Any, z: Any, x: Any, i: Any) -> Adjoints:
    return np.ldexp(dz, i), None


@rule(np.maximum)
def maximum(dz: Any, z: Any, x: Any, y: Any, *, active: tuple[bool, bool] = (True, True)) -> Adjoints:
    """Of two active operands the first wins a tie; against a constant the slope at the tie is 0."""
    if all(active):
        return dz * (x >= y), dz * (x < y)
    return dz * (z > y), dz * (z > x)


@rule(np.minimum)
def minimum(dz: Any, z: Any, x: Any, y: Any, *, active: tuple[bool, bool] = (True, True)) -> Adjoints:
    if all(active):
        return dz * (x <= y), dz * (x > y)
    return dz * (z < y), dz * (z < x)


@rule(np.fmax)
def fmax(dz: Any, z: Any, x: Any, y: Any, *, active: tuple[bool, bool] = (True, True)) -> Adjoints:
    """As maximum; a NaN beside a number is ignored."""
    if all(active):
        first = (x >= y) | np.isnan(y)
        return dz * first, dz * ~first
    return dz * ((x > y) | np.isnan(y)), dz * ((y > x) | np.isnan(x))


@rule(np.fmin)
def fmin(dz: Any, z: Any, x: Any, y: Any, *, active: tuple[bool, bool] = (True, True)) -> Adjoints:
    if all(active):
        first = (x <= y) | np.isnan(y)
        return dz * first, dz * ~first
    return dz * ((x < y) | np.isnan(y)), dz * ((y < x) | np.isnan(x))


@rule(np.modf)
def modf(dz: Any, z: Any, x: Any) -> Adjoints:
    return (dz[0],)


@rule(np.divmod)
def divmod_(dz: Any, z: Any, x: Any, y: Any) -> Adjoints:
    return dz[1], -np.floor(x / y) * dz[1]


@rule(np.frexp)
def frexp(dz: Any, z: Any, x: Any) -> Adjoints:
    return (np.ldexp(dz[0], -z[1]),)


@rule(np.heaviside)
def heaviside(dz: Any, z: Any, x1: Any, x2: Any) -> Adjoints:
    """The step has the derivative 0; the value at 0 is the second operand."""
    return None, np.where(x1 == 0, dz, 0.0)


@rule(np.where, elementwise=True)
def where(dz: Any, z: Any, condition: Any, x: Any, y: Any) -> Adjoints:
    """The branch not taken gets 0, whatever is in it."""
    return None, np.where(condition, dz, 0.0), np.where(condition, 0.0, dz)


@rule(np.clip, elementwise=True)
def clip(dz: Any, z: Any, x: Any, a_min: Any, a_max: Any, *, active: tuple[bool, ...] = (True, False, False)) -> Adjoints:
    """0 at a constant bound, as np.maximum and np.minimum have it."""
    if a_min is None and a_max is None:
        return dz, None, None
    below = None if a_min is None else x < a_min if active[1] else z <= a_min
    above = None if a_max is None else x > a_max if active[2] else z >= a_max
    outside = above if below is None else below if above is None else below | above
    return (
        dz * ~outside,
        dz * (below if above is None else below & (a_min < a_max)) if active[1] else None,
        dz * (above if below is None else above | (a_min >= a_max)) if active[2] else None,
    )


zero(
    np.floor, np.ceil, np.trunc, np.rint, np.sign, np.floor_divide, operator.floordiv, np.spacing, np.round, np.around, np.fix,
    np.greater, np.greater_equal, np.less, np.less_equal, np.equal, np.not_equal, np.logical_and, np.logical_or, np.logical_not,
    np.logical_xor, np.isnan, np.isinf, np.isfinite, np.signbit, np.bitwise_and, np.bitwise_or, np.bitwise_xor, np.invert,
    np.left_shift, np.right_shift, np.isclose, np.allclose, np.array_equal, operator.gt, operator.ge, operator.lt, operator.le,
    operator.eq, operator.ne, operator.not_, operator.is_, operator.is_not, operator.contains, operator.invert, operator.and_,
    operator.or_, operator.xor, operator.lshift, operator.rshift, np.gcd, np.lcm,
)
