"""SciPy's distributions: densities, their logarithms and cumulative distributions; registered once SciPy's are imported.

    z = norm.logpdf(x, m, s)        dx = -u * dz / s,  u = (x - m) / s

What is outside of a distribution's support has derivative 0.
"""
from __future__ import annotations

import inspect
import math
from collections.abc import Callable
from typing import Any

import numpy as np
import scipy.special as sp
import scipy.stats as st

from srcad.rules import lazily, rule
from srcad.rules.decompositions import one_triangle

Adjoints = tuple[Any, ...]
Local = Callable[..., tuple[Any, ...]]
INV_SQRT_TAU = 1 / math.sqrt(2 * math.pi)
s_psi, s_xlogy, s_xlog1py, s_gammaln, s_betaln = map(lazily, (sp.psi, sp.xlogy, sp.xlog1py, sp.gammaln, sp.betaln))


def standard(x: Any, loc: Any, scale: Any) -> tuple[Any, Any]:
    """x in units of the scale, from the location; and the scale."""
    shifted = x if loc is None else x - loc
    return (shifted, 1.0) if scale is None else (shifted / scale, scale)


def pulled(dz: Any, slope: Any, u: Any, loc: Any, scale: Any, per_scale: bool) -> Adjoints:
    """What x, loc and scale get, of the slope in units of the scale; a density's logarithm falls with log(scale) besides."""
    given = slope * dz if scale is None else slope * dz / scale
    dscale = None if scale is None else -u * given - dz / scale if per_scale else -u * given
    return given, None if loc is None else -given, dscale


def normal(function: Any, slope: Callable[[Any, Any], Any], per_scale: bool = False) -> None:
    """A function of the normal distribution: its slope in u, of the value and u."""
    def derivative(dz: Any, z: Any, x: Any, loc: Any, scale: Any) -> Adjoints:
        u, _ = standard(x, loc, scale)
        return pulled(dz, slope(z, u), u, loc, scale, per_scale)

    rule(function, elementwise=True)(derivative)


normal(st.norm.logpdf, lambda z, u: -u, per_scale=True)
normal(st.norm.cdf, lambda z, u: INV_SQRT_TAU * np.exp(-(u**2) / 2))
normal(st.norm.sf, lambda z, u: -INV_SQRT_TAU * np.exp(-(u**2) / 2))
normal(st.norm.logcdf, lambda z, u: INV_SQRT_TAU * np.exp(-(u**2) / 2 - z))
normal(st.norm.logsf, lambda z, u: -INV_SQRT_TAU * np.exp(-(u**2) / 2 - z))


@rule(st.norm.pdf, elementwise=True)
def norm_pdf(dz: Any, z: Any, x: Any, loc: Any, scale: Any) -> Adjoints:
    u, _ = standard(x, loc, scale)
    return pulled(z * dz, -u, u, loc, scale, True)


def gamma(u: Any, a: Any) -> tuple[Any, ...]:
    return (a - 1) / u - 1, np.log(u) - s_psi(a)


def chi2(u: Any, df: Any) -> tuple[Any, ...]:
    return (df / 2 - 1) / u - 0.5, 0.5 * (np.log(u / 2) - s_psi(df / 2))


def student(u: Any, df: Any) -> tuple[Any, ...]:
    tail = 0.5 * (s_psi((df + 1) / 2) - s_psi(df / 2) - 1 / df - np.log1p(u**2 / df))
    return -(df + 1) * u / (df + u**2), tail + 0.5 * (df + 1) * u**2 / (df * (df + u**2))


def beta(u: Any, a: Any, b: Any) -> tuple[Any, ...]:
    whole = s_psi(a + b)
    return (a - 1) / u - (b - 1) / (1 - u), np.log(u) - s_psi(a) + whole, np.log1p(-u) - s_psi(b) + whole


def shaped(function: Any, distribution: Any) -> Any:
    """A rule whose parameters of shape have the distribution's names for them."""
    names = dict(zip(("a", "b"), (distribution.shapes or "").split(", ")))
    signature = inspect.signature(function)
    renamed = [p.replace(name=names.get(p.name, p.name)) for p in signature.parameters.values()]
    function.__signature__ = signature.replace(parameters=renamed)
    return function


def of_shape(distribution: Any, local: Local, low: float, high: float) -> None:
    """A density with one parameter of shape: `local` is the slope of its logarithm in u and in the parameter."""
    def log_density(dz: Any, z: Any, x: Any, a: Any, loc: Any, scale: Any) -> Adjoints:
        u, _ = standard(x, loc, scale)
        inside = (u > low) & (u < high)
        within = np.where(inside, dz, 0.0)
        slope, da = local(np.where(inside, u, 1.0), a)
        dx, dloc, dscale = pulled(within, slope, u, loc, scale, True)
        return dx, da * within, dloc, dscale

    def density(dz: Any, z: Any, x: Any, a: Any, loc: Any, scale: Any) -> Adjoints:
        return log_density(z * dz, z, x, a, loc, scale)

    rule(distribution.logpdf, elementwise=True)(shaped(log_density, distribution))
    rule(distribution.pdf, elementwise=True)(shaped(density, distribution))


of_shape(st.gamma, gamma, 0.0, math.inf)
of_shape(st.chi2, chi2, 0.0, math.inf)
of_shape(st.t, student, -math.inf, math.inf)


def lognormal(u: Any, s: Any) -> tuple[Any, ...]:
    rise = np.log(u) / s
    return -(1 + rise / s) / u, (rise * rise - 1) / s


def weibull(u: Any, c: Any) -> tuple[Any, ...]:
    power = u**c
    return (c - 1 - c * power) / u, 1 / c + np.log(u) * (1 - power)


of_shape(st.lognorm, lognormal, 0.0, math.inf)
of_shape(st.weibull_min, weibull, 0.0, math.inf)


def without_shape(distribution: Any, slope: Callable[[Any], Any], low: float = -math.inf) -> None:
    """A density without a parameter of shape: `slope` is that of its logarithm in u."""
    def log_density(dz: Any, z: Any, x: Any, loc: Any, scale: Any) -> Adjoints:
        u, _ = standard(x, loc, scale)
        return pulled(np.where(u > low, dz, 0.0), slope(u), u, loc, scale, True)

    def density(dz: Any, z: Any, x: Any, loc: Any, scale: Any) -> Adjoints:
        return log_density(z * dz, z, x, loc, scale)

    rule(distribution.logpdf, elementwise=True)(log_density)
    rule(distribution.pdf, elementwise=True)(density)


without_shape(st.expon, lambda u: -1.0, 0.0)
without_shape(st.laplace, lambda u: -np.sign(u))
without_shape(st.logistic, lambda u: -np.tanh(u / 2))
without_shape(st.cauchy, lambda u: -2 * u / (1 + u**2))
without_shape(st.halfnorm, lambda u: -u, 0.0)


@rule(st.beta.logpdf, elementwise=True)
def beta_logpdf(dz: Any, z: Any, x: Any, a: Any, b: Any, loc: Any, scale: Any) -> Adjoints:
    u, _ = standard(x, loc, scale)
    inside = (u > 0) & (u < 1)
    within = np.where(inside, dz, 0.0)
    slope, da, db = beta(np.where(inside, u, 0.5), a, b)
    dx, dloc, dscale = pulled(within, slope, u, loc, scale, True)
    return dx, da * within, db * within, dloc, dscale


@rule(st.beta.pdf, elementwise=True)
def beta_pdf(dz: Any, z: Any, x: Any, a: Any, b: Any, loc: Any, scale: Any) -> Adjoints:
    return beta_logpdf(z * dz, z, x, a, b, loc, scale)


@rule(st.binom.logpmf, elementwise=True)
def binom_logpmf(dz: Any, z: Any, k: Any, n: Any, p: Any) -> Adjoints:
    return None, None, np.where(np.isfinite(z), dz, 0.0) * (k / p - (n - k) / (1 - p))


@rule(st.bernoulli.logpmf, elementwise=True)
def bernoulli_logpmf(dz: Any, z: Any, k: Any, p: Any) -> Adjoints:
    return None, np.where(np.isfinite(z), dz, 0.0) * (k / p - (1 - k) / (1 - p))


@rule(st.poisson.logpmf, elementwise=True)
def poisson_logpmf(dz: Any, z: Any, k: Any, mu: Any) -> Adjoints:
    return None, np.where(np.isfinite(z), dz, 0.0) * (k / mu - 1)


@rule(st.poisson.pmf, elementwise=True)
def poisson_pmf(dz: Any, z: Any, k: Any, mu: Any) -> Adjoints:
    return None, z * dz * (k / mu - 1)


@rule(st.multivariate_normal.logpdf)
def multivariate_normal_logpdf(dz: Any, z: Any, x: Any, mean: Any, cov: Any, allow_singular: bool = False) -> Adjoints:
    """Only the lower triangle of `cov` is read, so only it has a gradient."""
    if allow_singular:
        raise NotImplementedError("allow_singular=True")
    if cov is None or mean is not None and mean.ndim != 1 or cov.ndim != 2 or x.ndim not in (1, 2):
        raise NotImplementedError("a mean that is no vector, a covariance that is no matrix, nor points that are no rows")
    if x.ndim == 1 and cov.shape[0] == 1 and x.shape[0] != 1:
        raise NotImplementedError("points of one dimension that are no rows")
    precision = np.linalg.inv(cov)
    scaled = (x if mean is None else x - mean) @ precision
    if x.ndim == 1 or x.shape[0] == 1:  # a single number
        dx = -dz * scaled
        dcov = 0.5 * dz * (np.outer(scaled, scaled) - precision)
        return dx, None if mean is None else -dx, one_triangle(dcov, False)
    dx = -dz[:, None] * scaled
    dcov = -0.5 * (dx.T @ scaled + np.sum(dz) * precision)
    return dx, None if mean is None else np.sum(-dx, axis=0), one_triangle(dcov, False)


@rule(st.multivariate_normal.pdf)
def multivariate_normal_pdf(dz: Any, z: Any, x: Any, mean: Any, cov: Any, allow_singular: bool = False) -> Adjoints:
    return multivariate_normal_logpdf(z * dz, z, x, mean, cov, allow_singular)


@rule(st.multivariate_normal.entropy)
def multivariate_normal_entropy(dz: Any, z: Any, mean: Any, cov: Any) -> Adjoints:
    """Half the logarithm of the determinant, and what is constant."""
    if cov is None or cov.ndim != 2:
        raise NotImplementedError("a covariance that is no matrix")
    return None, one_triangle(0.5 * dz * np.linalg.inv(cov), False)


@rule(st.dirichlet.logpdf)
def dirichlet_logpdf(dz: Any, z: Any, x: Any, alpha: Any) -> Adjoints:
    """Without its last share `x` is what the others leave; with it, each is differentiated as if the others stayed."""
    if alpha.ndim != 1 or x.ndim not in (1, 2):
        raise NotImplementedError("parameters that are no vector, nor points that are no columns")
    powers = alpha - 1 if x.ndim == 1 else (alpha - 1)[:, None]
    total = s_psi(np.sum(alpha)) - s_psi(alpha)
    if x.shape[0] == alpha.shape[0]:
        logs, dx = np.log(x), dz * powers / x
    else:
        last = 1 - np.sum(x, axis=0)
        logs = np.log(np.concatenate([x, last[None]]))
        dx = dz * (powers[:-1] / x - powers[-1] / last)
    dalpha = dz * (total + logs) if x.ndim == 1 else np.sum(dz) * total + logs @ dz
    return dx, dalpha


@rule(st.dirichlet.pdf)
def dirichlet_pdf(dz: Any, z: Any, x: Any, alpha: Any) -> Adjoints:
    return dirichlet_logpdf(z * dz, z, x, alpha)


# ---- cumulative distributions: their slope is the density; with respect to parameters of shape they are refused

def gamma_density(u: Any, a: Any) -> Any:
    return np.exp(s_xlogy(a - 1, u) - u - s_gammaln(a))


def chi2_density(u: Any, df: Any) -> Any:
    return 0.5 * gamma_density(0.5 * u, 0.5 * df)


def student_density(u: Any, df: Any) -> Any:
    return np.exp(s_gammaln(0.5 * (df + 1)) - s_gammaln(0.5 * df) - 0.5 * (df + 1) * np.log1p(u**2 / df)) / np.sqrt(np.pi * df)


def beta_density(u: Any, a: Any, b: Any) -> Any:
    return np.exp(s_xlogy(a - 1, u) + s_xlog1py(b - 1, -u) - s_betaln(a, b))


def cumulative(distribution: Any, density: Local, low: float, high: float, within: float) -> None:
    """Rules for the share below and the share above, and their logarithms; `within` is a point of the support."""
    def below(dz: Any, x: Any, loc: Any, scale: Any, active: tuple[bool, ...], *shapes: Any) -> Adjoints:
        if any(active[1 : 1 + len(shapes)]):
            raise NotImplementedError("the derivative with respect to parameters of shape")
        u, _ = standard(x, loc, scale)
        inside = (u > low) & (u < high)
        slope = np.where(inside, density(np.where(inside, u, within), *shapes), 0.0)
        dx, dloc, dscale = pulled(dz, slope, u, loc, scale, False)
        return dx, *(None for _ in shapes), dloc, dscale

    def of(function: Any, factor: Callable[[Any, Any], Any]) -> None:
        def one(dz: Any, z: Any, x: Any, a: Any, loc: Any, scale: Any, *, active: tuple[bool, ...] = (True, False, True, True)) -> Adjoints:
            return below(factor(dz, z), x, loc, scale, active, a)

        def two(dz: Any, z: Any, x: Any, a: Any, b: Any, loc: Any, scale: Any, *,
                active: tuple[bool, ...] = (True, False, False, True, True)) -> Adjoints:
            return below(factor(dz, z), x, loc, scale, active, a, b)

        rule(function, elementwise=True)(shaped(one if distribution.numargs == 1 else two, distribution))

    of(distribution.cdf, lambda dz, z: dz)
    of(distribution.sf, lambda dz, z: -dz)
    of(distribution.logcdf, lambda dz, z: dz * np.exp(-z))
    of(distribution.logsf, lambda dz, z: -dz * np.exp(-z))


cumulative(st.gamma, gamma_density, 0.0, math.inf, 1.0)
cumulative(st.chi2, chi2_density, 0.0, math.inf, 1.0)
cumulative(st.t, student_density, -math.inf, math.inf, 1.0)
cumulative(st.beta, beta_density, 0.0, 1.0, 0.5)


@rule(st.poisson.cdf, elementwise=True)
def poisson_cdf(dz: Any, z: Any, k: Any, mu: Any) -> Adjoints:
    """A step function of k; more of what is expected takes away the share of the last one counted."""
    count = np.maximum(np.floor(k), 0)
    return None, np.where(k < 0, 0.0, -np.exp(s_xlogy(count, mu) - mu - s_gammaln(count + 1)) * dz)


@rule(st.poisson.sf, elementwise=True)
def poisson_sf(dz: Any, z: Any, k: Any, mu: Any) -> Adjoints:
    return poisson_cdf(-dz, z, k, mu)
