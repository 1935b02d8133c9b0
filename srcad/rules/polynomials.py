"""Polynomials by their coefficients, interpolation between points, and functions of NumPy's that are no ufuncs.

    z = np.polyval(p, x)        dp = np.vander(x, p.size).T @ dz
"""
from __future__ import annotations

from typing import Any

import numpy as np

from srcad.rules import made, rule, unused, zero
from srcad.rules.decompositions import rows_product
from srcad.rules.selecting import counted, flat

Adjoints = tuple[Any, ...]


@rule(np.sinc, elementwise=True)
def sinc(dz: Any, z: Any, x: Any) -> Adjoints:
    """At 0 by its series, so that it has derivatives there too."""
    nonzero = np.where(x == 0, 1, x)
    return (dz * np.where(x == 0, -(np.pi**2 / 3) * x, (np.cos(np.pi * x) - z) / nonzero),)


@rule(np.i0)
def i0(dz: Any, z: Any, x: Any) -> Adjoints:
    return (dz * bessel_i1(x),)


def bessel_i1(x: Any) -> Any:
    """The mean of exp(x cos t) cos t over half a turn (Abramowitz and Stegun, 9.6.19), which so many points give to the last digit."""
    cosines = np.cos(np.pi / 200 * (made(x, np.arange, 200) + 0.5))
    return np.exp((np.expand_dims(x, -1) if x.ndim else x) * cosines) @ cosines / 200


@rule(np.nan_to_num, elementwise=True)
def nan_to_num(dz: Any, z: Any, x: Any, copy: bool = True, nan: Any = 0.0, posinf: Any = None, neginf: Any = None) -> Adjoints:
    """What is put in place of what is no number is constant."""
    if not copy:
        raise NotImplementedError("copy=False")
    return (np.where(np.isfinite(x), dz, 0.0),)


@rule(np.unwrap)
def unwrap(dz: Any, z: Any, p: Any, discont: Any = None, axis: int = -1, period: Any = 6.283185307179586) -> Adjoints:
    """Whole periods are added, which are constant."""
    return (dz,)


@rule(np.nextafter)
def nextafter(dz: Any, z: Any, x1: Any, x2: Any) -> Adjoints:
    return dz, None


@rule(np.interp)
def interp(dz: Any, z: Any, x: Any, xp: Any, fp: Any, left: Any = None, right: Any = None, period: Any = None) -> Adjoints:
    """Between two points the line through them; outside, the values at the ends."""
    if period is not None:
        raise NotImplementedError("period")
    size = xp.shape[0]
    if size == 1:
        raise NotImplementedError("a single point")
    after = np.clip(np.searchsorted(xp, x, side="right"), 1, size - 1)
    inside = (x >= xp[0]) & (x <= xp[-1])
    width = xp[after] - xp[after - 1]
    slope = (fp[after] - fp[after - 1]) / width
    share = np.clip((x - xp[after - 1]) / width, 0.0, 1.0)
    within = np.where(inside, dz * slope, 0.0)
    given = dz
    if left is not None:
        given = np.where(x < xp[0], 0.0, given)
    if right is not None:
        given = np.where(x > xp[-1], 0.0, given)
    return within, -spread(within, share, after, size), spread(given, share, after, size)


def spread(given: Any, share: Any, after: Any, size: Any) -> Any:
    """What the points on either side get."""
    return counted(given * (1 - share), after - 1, size) + counted(given * share, after, size)


@rule(np.polyval)
def polyval(dz: Any, z: Any, p: Any, x: Any) -> Adjoints:
    if p.ndim != 1:
        raise NotImplementedError("coefficients that are no vector")
    size = p.shape[0]
    powers = np.vander(flat(x), size)
    slope = made(p, np.arange, size - 1, 0, -1) * p[:-1]
    return powers.T @ flat(dz), np.polyval(slope, x) * dz


def aligned(dz: Any, a: Any) -> Any:
    """The last coefficients of a sum, as many as `a` has."""
    if a.ndim > 1:
        raise NotImplementedError("coefficients that are no vector")
    return dz[dz.shape[0] - a.size :].reshape(a.shape)


@rule(np.polyadd)
def polyadd(dz: Any, z: Any, a1: Any, a2: Any) -> Adjoints:
    return aligned(dz, a1), aligned(dz, a2)


@rule(np.polysub)
def polysub(dz: Any, z: Any, a1: Any, a2: Any) -> Adjoints:
    return aligned(dz, a1), -aligned(dz, a2)


@rule(np.polymul)
def polymul(dz: Any, z: Any, a1: Any, a2: Any) -> Adjoints:
    """A convolution, of which leading zeros are dropped."""
    whole = np.pad(dz, (a1.size + a2.size - 1 - dz.shape[0], 0))
    return np.correlate(whole, flat(a2), mode="valid").reshape(a1.shape), np.correlate(whole, flat(a1), mode="valid").reshape(a2.shape)


@rule(np.polyder)
def polyder(dz: Any, z: Any, p: Any, m: int = 1) -> Adjoints:
    for _ in range(m):
        size = dz.shape[0]
        dz = np.pad(made(p, np.arange, size, 0, -1) * dz, (0, 1))
    return (dz,)


@rule(np.polyint)
def polyint(dz: Any, z: Any, p: Any, m: int = 1, k: Any = None) -> Adjoints:
    for _ in range(m):
        dz = dz[:-1]
        dz = dz / made(p, np.arange, dz.shape[0], 0, -1)
    return (dz,)


@rule(np.polyfit)
def polyfit(dz: Any, z: Any, x: Any, y: Any, deg: Any = None, rcond: Any = None, full: bool = False) -> Adjoints:
    """The least squares of the powers of x."""
    if full:
        raise NotImplementedError("full=True")
    size = z.shape[0]
    powers = np.vander(x, size)
    inverse = np.linalg.pinv(powers)
    dy = inverse.T @ dz
    product = np.outer if y.ndim == 1 else rows_product
    dpowers = product(y - powers @ z, inverse @ dy) - product(dy, z)
    if size == 1:
        return 0.0 * x, dy
    return np.sum(dpowers[:, :-1] * made(x, np.arange, size - 1, 0, -1) * np.vander(x, size - 1), axis=1), dy


@rule(np.polydiv)
def polydiv(dz: Any, z: Any, u: Any, v: Any) -> Adjoints:
    """The quotient solves a triangular system, of the leading coefficients of `u`; what is left is the remainder, less its leading zeros."""
    if u.ndim != 1 or v.ndim != 1:
        raise NotImplementedError("polynomials of a single number")
    size, other = u.shape[0], v.shape[0]
    zeros = made(u, np.zeros, size)
    rest = zeros if unused(dz[1]) else np.polyadd(zeros, dz[1]).reshape(u.shape)
    if size < other:
        return rest, 0.0 * v
    given = np.flip(dz[0] - np.correlate(rest, v, mode="valid"))
    solved = np.flip(np.polydiv(np.pad(given, (0, other - 1)), v)[0])
    du = rest + np.pad(solved, (0, other - 1))
    return du, -np.correlate(du, z[0], mode="valid")


@rule(np.poly)
def poly(dz: Any, z: Any, seq_of_zeros: Any) -> Adjoints:
    """The product of the other factors is the polynomial divided by one (Horner's rule): a polynomial in that root itself."""
    if seq_of_zeros.ndim != 1:
        raise NotImplementedError("the characteristic polynomial of a matrix, which has complex eigenvalues")
    if seq_of_zeros.shape[0] == 0:
        return (0.0 * seq_of_zeros,)
    return (-np.polyval(np.correlate(z[:-1], dz[1:], mode="full")[: seq_of_zeros.shape[0]], seq_of_zeros),)


zero(np.isreal, np.iscomplex)
