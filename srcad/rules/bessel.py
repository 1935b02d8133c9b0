"""SciPy's Bessel functions; registered once SciPy is imported. Their orders are not differentiated.

Derivatives from Abramowitz and Stegun, "Handbook of Mathematical Functions", chapter 9.
"""
from __future__ import annotations

from typing import Any

import numpy as np
import scipy.special as sp

from srcad.rules import lazily, rule
from srcad.rules.special import Adjoints, one, order

s_i0, s_i1, s_i1e, s_iv, s_ive = map(lazily, (sp.i0, sp.i1, sp.i1e, sp.iv, sp.ive))
s_k0, s_k1, s_k0e, s_k1e, s_kv, s_kve = map(lazily, (sp.k0, sp.k1, sp.k0e, sp.k1e, sp.kv, sp.kve))
s_j0, s_j1, s_jv, s_y0, s_y1, s_yv = map(lazily, (sp.j0, sp.j1, sp.jv, sp.y0, sp.y1, sp.yv))

one(sp.i0, lambda z, x: s_i1(x))
one(sp.i1, lambda z, x: 0.5 * (s_i0(x) + s_iv(2, x)))
one(sp.i0e, lambda z, x: s_i1e(x) - np.sign(x) * z)
one(sp.i1e, lambda z, x: 0.5 * (s_ive(0, x) + s_ive(2, x)) - np.sign(x) * z)
one(sp.k0, lambda z, x: -s_k1(x))
one(sp.k1, lambda z, x: -s_k0(x) - z / x)
one(sp.k0e, lambda z, x: z - s_k1e(x))
one(sp.k1e, lambda z, x: z - s_k0e(x) - z / x)
one(sp.j0, lambda z, x: -s_j1(x))
one(sp.j1, lambda z, x: 0.5 * (s_j0(x) - s_jv(2, x)))
one(sp.y0, lambda z, x: -s_y1(x))
one(sp.y1, lambda z, x: 0.5 * (s_y0(x) - s_yv(2, x)))


def of_order(local: Any, *functions: Any) -> None:
    """Functions of an order and a number: `dx = local(z, v, x) * dz`."""
    def derivative(dz: Any, z: Any, v: Any, x: Any, *, active: tuple[bool, ...] = (False, True)) -> Adjoints:
        order(active, 0)
        return None, local(z, v, x) * dz

    derivative.__name__ = derivative.__qualname__ = functions[0].__name__
    rule(*functions)(derivative)


of_order(lambda z, v, x: 0.5 * (s_iv(v - 1, x) + s_iv(v + 1, x)), sp.iv)
of_order(lambda z, v, x: 0.5 * (s_ive(v - 1, x) + s_ive(v + 1, x)) - np.sign(x) * z, sp.ive)
of_order(lambda z, v, x: -0.5 * (s_kv(v - 1, x) + s_kv(v + 1, x)), sp.kv, sp.kn)
of_order(lambda z, v, x: z - 0.5 * (s_kve(v - 1, x) + s_kve(v + 1, x)), sp.kve)
of_order(lambda z, v, x: 0.5 * (s_jv(v - 1, x) - s_jv(v + 1, x)), sp.jv)
of_order(lambda z, v, x: 0.5 * (s_yv(v - 1, x) - s_yv(v + 1, x)), sp.yv, sp.yn)
