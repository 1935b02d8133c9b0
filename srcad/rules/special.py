"""SciPy's special functions; registered once SciPy is imported.

Derivatives from Abramowitz and Stegun, "Handbook of Mathematical Functions".
"""
from __future__ import annotations

import math
from typing import Any

import numpy as np
import scipy.special as sp

from srcad.rules import lazily, rule
from srcad.rules.reductions import kept

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
def logsumexp(dz: Any, z: Any, a: Any, axis: Any = None, keepdims: bool = False) -> Adjoints:
    """The softmax of the operand."""
    return (np.exp(a - kept(z, axis, keepdims)) * kept(dz, axis, keepdims),)
