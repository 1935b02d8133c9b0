"""Functions whose result is complex where that of real numbers would not be a number: np.lib.scimath, which np.emath is.

    z = np.emath.sqrt(x)      dx = dz / (2 * z)

Whether a result is complex is decided by the data. It is counted as complex: the real part of what reaches a real number is
its adjoint in either case, and what is asked of a gradient is a real number, so np.real or np.abs says what is meant. Slopes
are said by z where the branch matters: at x > 1 the derivative of arccos is -1 / sin(z), whichever way the cut is approached.
"""
from __future__ import annotations

from typing import Any

import numpy as np

from srcad.rules import rule
from srcad.rules.complex import OF_COMPLEX
from srcad.rules.elementwise import literal

Adjoints = tuple[Any, ...]


@rule(np.emath.sqrt, elementwise=True)
def sqrt(dz: Any, z: Any, x: Any) -> Adjoints:
    return (0.5 / z * dz,)


@rule(np.emath.log, elementwise=True)
def log(dz: Any, z: Any, x: Any) -> Adjoints:
    return (dz / x,)


@rule(np.emath.log2, elementwise=True)
def log2(dz: Any, z: Any, x: Any) -> Adjoints:
    return (dz / (x * np.log(2)),)


@rule(np.emath.log10, elementwise=True)
def log10(dz: Any, z: Any, x: Any) -> Adjoints:
    return (dz / (x * np.log(10)),)


@rule(np.emath.logn, elementwise=True)
def logn(dz: Any, z: Any, n: Any, x: Any) -> Adjoints:
    scaled = dz / np.emath.log(n)
    return -z / n * scaled, scaled / x


@rule(np.emath.power, elementwise=True)
def power(dz: Any, z: Any, x: Any, p: Any, *, active: tuple[bool, ...] = (True, True)) -> Adjoints:
    """The slope is 0 where p is 0, and 0 in the exponent where x is 0, as np.power has it."""
    dx = dy = None
    if active[0]:
        exponent = literal(p)
        dx = x * 0 * dz if exponent == 0 else p * np.emath.power(x, np.where(p == 0, 1, p - 1) if exponent is None else exponent - 1) * dz
    if active[1]:
        dy = z * np.emath.log(np.where(x == 0, 1, x)) * dz
    return dx, dy


@rule(np.emath.arccos, elementwise=True)
def arccos(dz: Any, z: Any, x: Any) -> Adjoints:
    return (-dz / np.sin(z),)


@rule(np.emath.arcsin, elementwise=True)
def arcsin(dz: Any, z: Any, x: Any) -> Adjoints:
    return (dz / np.cos(z),)


@rule(np.emath.arctanh, elementwise=True)
def arctanh(dz: Any, z: Any, x: Any) -> Adjoints:
    return (dz / (1 - x * x),)


OF_COMPLEX.update((np.emath.sqrt, np.emath.log, np.emath.log2, np.emath.log10, np.emath.logn, np.emath.power, np.emath.arccos, np.emath.arcsin, np.emath.arctanh))
