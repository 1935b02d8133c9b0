"""Python's numbers: `math`, the builtins, and the operators that raise where NumPy returns inf.

    z = math.sqrt(x)        dx = 0.5 / z * dz, and inf at 0

The forward pass raises what it raises; the backward pass never does.
"""
from __future__ import annotations

import builtins
import math
import operator
from collections.abc import Callable
from typing import Any

import numpy as np

from srcad.rules import choose, elementwise, inf, lazily, rule, zero
from srcad.rules.complex import is_complex
from srcad.rules.elementwise import LN2, LN10, literal, power_by_literal

Adjoints = tuple[Any, ...]
m_log, m_sin, m_cos, m_sinh, m_cosh, m_exp, m_sqrt = map(lazily, (math.log, math.sin, math.cos, math.sinh, math.cosh, math.exp, math.sqrt))
m_copysign, m_ldexp = map(lazily, (math.copysign, math.ldexp))
INV_SQRT_PI = 2 / math.sqrt(math.pi)


def inverse(x: Any) -> Any:
    """1 / x, and inf at 0."""
    return choose(x != 0, 1 / x, inf)


@rule(operator.pow, pow, math.pow)
def power(dz: Any, z: Any, x: Any, y: Any, *, active: tuple[bool, bool] = (True, True)) -> Adjoints:
    """As np.power, without raising at 0."""
    exponent = literal(y)
    dx = None
    if active[0] and exponent is None:
        at_zero = choose(y == 1, dz, choose((y > 1) | (y == 0), 0.0, inf * dz))
        dx = choose(x != 0, y * z / x * dz, at_zero)
    elif active[0] and (exponent > 1 or exponent == 1):
        dx = power_by_literal(dz, x, exponent)
    elif active[0]:
        dx = 0.0 * dz if exponent == 0 else choose(x != 0, exponent * z / x * dz, inf * dz)
    if not active[1]:
        return dx, None
    base = literal(x)
    if base is not None and base > 0:
        return dx, z * m_log(x) * dz
    return dx, choose(x > 0, z * m_log(x) * dz, choose(x == 0, 0.0, math.nan))


def math_rule(function: Callable[..., Any], local: Callable[[Any, Any], Any]) -> None:
    """A function of one number: `dx = local(z, x) * dz`."""
    def derivative(dz: Any, z: Any, x: Any) -> Adjoints:
        return (local(z, x) * dz,)

    derivative.__name__ = derivative.__qualname__ = function.__name__
    rule(function, elementwise=True)(derivative)


math_rule(math.exp, lambda z, x: z)
math_rule(math.exp2, lambda z, x: LN2 * z)
math_rule(math.expm1, lambda z, x: z + 1)
math_rule(math.log10, lambda z, x: 1 / (LN10 * x))
math_rule(math.log2, lambda z, x: 1 / (LN2 * x))
math_rule(math.log1p, lambda z, x: 1 / (1 + x))
math_rule(math.sqrt, lambda z, x: choose(z != 0, 0.5 / z, inf))
math_rule(math.cbrt, lambda z, x: choose(z != 0, 1 / (3 * z * z), inf))
math_rule(math.sin, lambda z, x: m_cos(x))
math_rule(math.cos, lambda z, x: -m_sin(x))
math_rule(math.tan, lambda z, x: 1 + z * z)
math_rule(math.asin, lambda z, x: choose(abs_less(x), 1 / m_sqrt(1 - x * x), inf))
math_rule(math.acos, lambda z, x: choose(abs_less(x), -1 / m_sqrt(1 - x * x), -inf))
math_rule(math.atan, lambda z, x: 1 / (1 + x * x))
math_rule(math.sinh, lambda z, x: m_cosh(x))
math_rule(math.cosh, lambda z, x: m_sinh(x))
math_rule(math.tanh, lambda z, x: 1 - z * z)
math_rule(math.asinh, lambda z, x: 1 / m_sqrt(x * x + 1))
math_rule(math.acosh, lambda z, x: choose(x > 1, 1 / m_sqrt(x * x - 1), inf))
math_rule(math.atanh, lambda z, x: 1 / (1 - x * x))
math_rule(math.erf, lambda z, x: INV_SQRT_PI * m_exp(-x * x))
math_rule(math.erfc, lambda z, x: -INV_SQRT_PI * m_exp(-x * x))
math_rule(math.degrees, lambda z, x: 180 / math.pi)
math_rule(math.radians, lambda z, x: math.pi / 180)
math_rule(float, lambda z, x: 1)


def abs_less(x: Any) -> Any:
    """|x| < 1, and so 1 - x * x is not 0."""
    return 1 - x * x > 0


@rule(abs, math.fabs, elementwise=True)
def absolute(dz: Any, z: Any, x: Any) -> Adjoints:
    if is_complex(x) and getattr(x, "ndim", 0):
        return elementwise.absolute(dz, z, x)
    if is_complex(x):
        return (np.conj(x) / choose(z == 0, 1, z) * dz,)
    return (sign(x) * dz,)


def sign(x: Any) -> Any:
    return (x > 0) * 1 - (x < 0) * 1


@rule(math.log)
def log(dz: Any, z: Any, x: Any, base: Any) -> Adjoints:
    if base is None:
        return dz / x, None
    return dz / (x * m_log(base)), -z / (base * m_log(base)) * dz


def digamma(x: float) -> float:
    """The derivative of log(gamma(x)): recurrence up to 6, then the asymptotic series (Abramowitz and Stegun, 6.3.18)."""
    if x <= 0 and x == math.floor(x):
        return math.nan
    if x < 0.5:
        return digamma(1 - x) - math.pi / math.tan(math.pi * x)
    shift = 0.0
    while x < 8:
        shift -= 1 / x
        x += 1
    s = 1 / (x * x)
    series = s * (1 / 12 - s * (1 / 120 - s * (1 / 252 - s * (1 / 240 - s * (1 / 132 - s * (691 / 32760 - s / 12))))))
    return shift + math.log(x) - 0.5 / x - series


def lgamma(dz: Any, z: Any, x: Any) -> Adjoints:
    return (digamma(x + 0.0) * dz,)


def gamma(dz: Any, z: Any, x: Any) -> Adjoints:
    return (z * digamma(x + 0.0) * dz,)


rule(math.lgamma)(lgamma)
rule(math.gamma)(gamma)


@rule(math.atan2)
def atan2(dz: Any, z: Any, y: Any, x: Any) -> Adjoints:
    square = x * x + y * y
    scaled = choose(square != 0, dz / square, math.nan)
    return x * scaled, -y * scaled


@rule(math.hypot)
def hypot(dz: Any, z: Any, *xs: Any) -> Adjoints:
    scaled = choose(z != 0, dz / z, 0.0)
    return tuple(x * scaled for x in xs)


@rule(math.copysign)
def copysign(dz: Any, z: Any, x: Any, y: Any) -> Adjoints:
    return sign(x) * m_copysign(1.0, y) * dz, None


@rule(operator.mod)
def remainder(dz: Any, z: Any, x: Any, y: Any) -> Adjoints:
    return dz, -(x - z) / y * dz


@rule(math.fmod)
def fmod(dz: Any, z: Any, x: Any, y: Any) -> Adjoints:
    return dz, -(x - z) / y * dz


@rule(math.remainder)
def ieee_remainder(dz: Any, z: Any, x: Any, y: Any) -> Adjoints:
    return dz, -(x - z) / y * dz


@rule(math.ldexp)
def ldexp(dz: Any, z: Any, x: Any, i: Any) -> Adjoints:
    return m_ldexp(dz, i), None


@rule(divmod)
def divmod_(dz: Any, z: Any, x: Any, y: Any) -> Adjoints:
    return dz[1], -z[0] * dz[1]


@rule(math.modf)
def modf(dz: Any, z: Any, x: Any) -> Adjoints:
    return (dz[0],)


@rule(math.frexp)
def frexp(dz: Any, z: Any, x: Any) -> Adjoints:
    return (m_ldexp(dz[0], -z[1]),)


@rule(math.fsum, builtins.sum)
def fsum(dz: Any, z: Any, xs: Any) -> Adjoints:
    return ([dz for _ in xs],)


@rule(math.prod)
def prod(dz: Any, z: Any, xs: Any) -> Adjoints:
    """Each factor gets the product of the others, zeros or not."""
    out = []
    for i, _ in enumerate(xs):
        others = dz
        for j, x in enumerate(xs):
            others = others if i == j else others * x
        out.append(others)
    return (out,)


@rule(math.dist)
def dist(dz: Any, z: Any, p: Any, q: Any) -> Adjoints:
    scaled = choose(z != 0, dz / z, 0.0)
    return [(a - b) * scaled for a, b in zip(p, q)], [(b - a) * scaled for a, b in zip(p, q)]


@rule(max)
def maximum(dz: Any, z: Any, *xs: Any, active: tuple[bool, ...] = ()) -> Adjoints:
    """The first of several active operands wins a tie; against a constant the slope at the tie is 0."""
    return extreme(dz, xs, active, lambda a, b: a > b, lambda a, b: a >= b)


@rule(min)
def minimum(dz: Any, z: Any, *xs: Any, active: tuple[bool, ...] = ()) -> Adjoints:
    return extreme(dz, xs, active, lambda a, b: a < b, lambda a, b: a <= b)


def extreme(dz: Any, xs: Any, active: Any, strict: Callable[[Any, Any], Any], weak: Callable[[Any, Any], Any]) -> Adjoints:
    active = active or (True,) * len(xs)
    if len(xs) == 2 and all(active):
        first = weak(xs[0], xs[1])
        return choose(first, dz, 0.0), choose(first, 0.0, dz)
    adjoints = []
    for i, x in enumerate(xs):
        wins = None
        for j, y in enumerate(xs):
            if i != j:
                beats = weak(x, y) if active[j] and i < j else strict(x, y)
                wins = beats if wins is None else wins & beats
        adjoints.append(dz if wins is None else choose(wins, dz, 0.0))
    return tuple(adjoints)


zero(
    int, round, len, bool, isinstance, hasattr, str, repr, type, id, math.floor, math.ceil, math.trunc, math.isnan, math.isinf, math.isfinite,
    math.isclose, math.gcd, math.lcm, math.comb, math.perm, math.factorial, math.isqrt, print,
)
