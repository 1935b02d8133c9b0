"""SciPy's special functions; registered once SciPy is imported.

Derivatives from Abramowitz and Stegun, "Handbook of Mathematical Functions".
"""
from __future__ import annotations

import math
from typing import Any

import numpy as np
import scipy.special as sp

from srcad.rules import lazily, rule, zero
from srcad.rules.complex import OF_COMPLEX
from srcad.rules.reductions import kept
from srcad.rules.tangents import REDUCTIONS, tangent

Adjoints = tuple[Any, ...]
INV_SQRT_PI = 2 / math.sqrt(math.pi)
s_psi = lazily(sp.psi)


@rule(sp.erf)
def erf(dz: Any, z: Any, x: Any) -> Adjoints:
    return (INV_SQRT_PI * np.exp(-(x**2)) * dz,)


@rule(sp.erfc)
def erfc(dz: Any, z: Any, x: Any) -> Adjoints:
    return (-INV_SQRT_PI * np.exp(-(x**2)) * dz,)


@rule(sp.expit)
def expit(dz: Any, z: Any, x: Any) -> Adjoints:
    return ((1 - z) * z * dz,)


@rule(sp.logit)
def logit(dz: Any, z: Any, x: Any) -> Adjoints:
    return (dz / (x * (1 - x)),)


@rule(sp.gammaln)
def gammaln(dz: Any, z: Any, x: Any) -> Adjoints:
    return (s_psi(x) * dz,)


@rule(sp.gamma)
def gamma(dz: Any, z: Any, x: Any) -> Adjoints:
    return (z * s_psi(x) * dz,)


@rule(sp.logsumexp)
def logsumexp(dz: Any, z: Any, a: Any, b: Any, axis: Any = None, keepdims: bool = False) -> Adjoints:
    """The softmax of the operand; each exponential may have a factor b."""
    db = np.exp(a - kept(z, axis, keepdims)) * kept(dz, axis, keepdims)
    return (db, None) if b is None else (b * db, db)


def one(function: Any, local: Any) -> None:
    """A function of one number: `dx = local(z, x) * dz`."""
    def derivative(dz: Any, z: Any, x: Any) -> Adjoints:
        return (local(z, x) * dz,)

    derivative.__name__ = derivative.__qualname__ = function.__name__
    rule(function)(derivative)


s_polygamma, s_ndtr, s_expit, s_log_ndtr = map(lazily, (sp.polygamma, sp.ndtr, sp.expit, sp.log_ndtr))
s_xlogy, s_xlog1py, s_betaln, s_gammaln = map(lazily, (sp.xlogy, sp.xlog1py, sp.betaln, sp.gammaln))
INV_SQRT_TAU = 1 / math.sqrt(2 * math.pi)
LOG_2, LOG_10 = math.log(2), math.log(10)

one(sp.psi, lambda z, x: s_polygamma(1, x))
one(sp.rgamma, lambda z, x: -z * s_psi(x))
one(sp.erfinv, lambda z, x: np.exp(z**2) / INV_SQRT_PI)
one(sp.erfcinv, lambda z, x: -np.exp(z**2) / INV_SQRT_PI)
one(sp.erfcx, lambda z, x: 2 * x * z - INV_SQRT_PI)
one(sp.ndtr, lambda z, x: INV_SQRT_TAU * np.exp(-(x**2) / 2))
one(sp.log_ndtr, lambda z, x: INV_SQRT_TAU * np.exp(-(x**2) / 2 - z))
one(sp.ndtri, lambda z, x: np.exp(z**2 / 2) / INV_SQRT_TAU)
one(sp.log_expit, lambda z, x: s_expit(-x))
one(sp.entr, lambda z, x: -np.log(x) - 1)
one(sp.loggamma, lambda z, x: s_psi(x))
one(sp.exp1, lambda z, x: -np.exp(-x) / x)
one(sp.expi, lambda z, x: np.exp(x) / x)
one(sp.dawsn, lambda z, x: 1 - 2 * x * z)
one(sp.erfi, lambda z, x: INV_SQRT_PI * np.exp(x**2))
one(sp.log1p, lambda z, x: 1 / (1 + x))
one(sp.expm1, lambda z, x: z + 1)
one(sp.cosm1, lambda z, x: -np.sin(x))
one(sp.cbrt, lambda z, x: 1 / (3 * z * z))
one(sp.exp2, lambda z, x: LOG_2 * z)
one(sp.exp10, lambda z, x: LOG_10 * z)
if hasattr(sp, "softplus"):
    one(sp.softplus, lambda z, x: s_expit(x))


def order(active: tuple[bool, ...], *others: int) -> None:
    """The order of a function, and the parameters of a distribution, are not differentiated."""
    if any(active[i] for i in others):
        raise NotImplementedError("the derivative with respect to its order or parameters")


@rule(sp.polygamma, elementwise=True)
def polygamma(dz: Any, z: Any, n: Any, x: Any, *, active: tuple[bool, ...] = (False, True)) -> Adjoints:
    order(active, 0)
    return None, s_polygamma(n + 1, x) * dz


@rule(sp.beta)
def beta(dz: Any, z: Any, a: Any, b: Any) -> Adjoints:
    whole = s_psi(a + b)
    return z * (s_psi(a) - whole) * dz, z * (s_psi(b) - whole) * dz


@rule(sp.betaln)
def betaln(dz: Any, z: Any, a: Any, b: Any) -> Adjoints:
    whole = s_psi(a + b)
    return (s_psi(a) - whole) * dz, (s_psi(b) - whole) * dz


@rule(sp.betainc)
def betainc(dz: Any, z: Any, a: Any, b: Any, x: Any, *, active: tuple[bool, ...] = (False, False, True)) -> Adjoints:
    order(active, 0, 1)
    return None, None, np.exp(s_xlogy(a - 1, x) + s_xlog1py(b - 1, -x) - s_betaln(a, b)) * dz


@rule(sp.gammainc)
def gammainc(dz: Any, z: Any, a: Any, x: Any, *, active: tuple[bool, ...] = (False, True)) -> Adjoints:
    order(active, 0)
    return None, np.exp(s_xlogy(a - 1, x) - x - s_gammaln(a)) * dz


@rule(sp.gammaincc)
def gammaincc(dz: Any, z: Any, a: Any, x: Any, *, active: tuple[bool, ...] = (False, True)) -> Adjoints:
    order(active, 0)
    return None, -np.exp(s_xlogy(a - 1, x) - x - s_gammaln(a)) * dz


@rule(sp.xlogy)
def xlogy(dz: Any, z: Any, x: Any, y: Any) -> Adjoints:
    """0 where both are 0."""
    inside = np.where((x == 0) & (y == 0), 1.0, y)
    return np.log(inside) * dz, x / inside * dz


@rule(sp.xlog1py)
def xlog1py(dz: Any, z: Any, x: Any, y: Any) -> Adjoints:
    inside = np.where((x == 0) & (y == -1), 0.0, y)
    return np.log1p(inside) * dz, x / (1 + inside) * dz


@rule(sp.rel_entr)
def rel_entr(dz: Any, z: Any, x: Any, y: Any) -> Adjoints:
    return (np.log(x / y) + 1) * dz, -x / y * dz


@rule(sp.kl_div)
def kl_div(dz: Any, z: Any, x: Any, y: Any) -> Adjoints:
    return np.log(x / y) * dz, (1 - x / y) * dz


@rule(sp.boxcox)
def boxcox(dz: Any, z: Any, x: Any, lmbda: Any) -> Adjoints:
    """z = (x**lmbda - 1) / lmbda, and log(x) where lmbda is 0."""
    by_power = (x**lmbda * np.log(x) - z) / np.where(lmbda == 0, 1.0, lmbda)
    return x ** (lmbda - 1) * dz, np.where(lmbda == 0, 0.5 * np.log(x) ** 2, by_power) * dz


@rule(sp.inv_boxcox)
def inv_boxcox(dz: Any, z: Any, y: Any, lmbda: Any) -> Adjoints:
    """z = (1 + lmbda * y)**(1 / lmbda), and exp(y) where lmbda is 0."""
    inside, safe = 1 + lmbda * y, np.where(lmbda == 0, 1.0, lmbda)
    by_power = (lmbda * y / inside - np.log(inside)) / safe**2
    return z ** (1 - lmbda) * dz, z * np.where(lmbda == 0, -0.5 * y * y, by_power) * dz


@rule(sp.huber)
def huber(dz: Any, z: Any, delta: Any, r: Any) -> Adjoints:
    return np.maximum(np.abs(r) - delta, 0) * dz, np.clip(r, -delta, delta) * dz


@rule(sp.pseudo_huber)
def pseudo_huber(dz: Any, z: Any, delta: Any, r: Any) -> Adjoints:
    """z = delta**2 * (s - 1), with s = sqrt(1 + (r / delta)**2)."""
    s = np.sqrt(1 + (r / delta) ** 2)
    return (2 * delta * (s - 1) - r * r / (delta * s)) * dz, r / s * dz


@rule(sp.binom)
def binom(dz: Any, z: Any, n: Any, k: Any) -> Adjoints:
    rest = s_psi(n - k + 1)
    return z * (s_psi(n + 1) - rest) * dz, z * (rest - s_psi(k + 1)) * dz


@rule(sp.poch)
def poch(dz: Any, z: Any, a: Any, m: Any) -> Adjoints:
    """z = gamma(a + m) / gamma(a)."""
    whole = s_psi(a + m)
    return z * (whole - s_psi(a)) * dz, z * whole * dz


@rule(sp.multigammaln)
def multigammaln(dz: Any, z: Any, a: Any, d: Any = 1) -> Adjoints:
    total: Any = 0
    for i in range(d):
        total = s_psi(a - i / 2) + total
    return (total * dz,)


@rule(sp.softmax)
def softmax(dz: Any, z: Any, x: Any, axis: Any = None) -> Adjoints:
    given = dz * z
    return (given - z * np.sum(given, axis=axis, keepdims=axis is not None),)


@rule(sp.log_softmax)
def log_softmax(dz: Any, z: Any, x: Any, axis: Any = None) -> Adjoints:
    return (dz - np.exp(z) * np.sum(dz, axis=axis, keepdims=axis is not None),)


@tangent(sp.softmax)
def softmax_tangent(dots: Any, z: Any, x: Any, axis: Any = None) -> Any:
    """The Jacobian is symmetric."""
    return softmax(dots[0], z, x, axis=axis)[0]


@tangent(sp.log_softmax)
def log_softmax_tangent(dots: Any, z: Any, x: Any, axis: Any = None) -> Any:
    return dots[0] - np.sum(np.exp(z) * dots[0], axis=axis, keepdims=axis is not None)


REDUCTIONS.add(sp.logsumexp)
zero(sp.gammasgn)

OF_COMPLEX.update((sp.erf, sp.erfc))
