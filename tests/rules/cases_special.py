"""Cases: SciPy's special functions."""
from __future__ import annotations

import numpy as np
import scipy.special as sp
from table import case, fraction, positive, signed, unit

SHAPES = [(), (1,), (0,), (3,), (2, 3)]
for function, draw in (
    (sp.psi, positive), (sp.rgamma, positive), (sp.erfinv, unit), (sp.erfcinv, fraction), (sp.erfcx, signed), (sp.ndtr, signed), (sp.log_ndtr, signed),
    (sp.ndtri, fraction), (sp.log_expit, signed), (sp.i0, signed), (sp.i1, signed), (sp.j0, signed), (sp.j1, signed), (sp.y0, positive), (sp.y1, positive),
    (sp.i0e, positive), (sp.i1e, positive), (sp.k0, positive), (sp.k1, positive), (sp.k0e, positive), (sp.k1e, positive), (sp.loggamma, positive), (sp.exp1, positive),
    (sp.expi, positive), (sp.dawsn, signed), (sp.erfi, signed), (sp.log1p, positive), (sp.expm1, signed), (sp.cosm1, signed), (sp.cbrt, positive), (sp.exp2, signed), (sp.exp10, signed),
    *(((sp.softplus, signed),) if hasattr(sp, "softplus") else ()), (sp.entr, positive), (sp.softmax, signed), (sp.log_softmax, signed),
):
    for shape in SHAPES:
        if draw is not signed or function not in (sp.softmax, sp.log_softmax) or shape not in ((), (0,)):
            case(function, draw(*shape))
for function in (sp.softmax, sp.log_softmax):
    for axis in (0, -1, (0, 1), None):
        case(function, signed(3, 4), axis=axis)
for function in (sp.iv, sp.ive, sp.jv, sp.yv, sp.kv, sp.kve):
    for v in (0, 1, 2, 3):
        case(function, v, positive(3))
        case(function, v, positive(2, 3))
    case(function, np.array([0, 1, 2]), positive(2, 3))
case(sp.yn, 2, positive(3))
case(sp.kn, 2, positive(3))
for n in (0, 1, 2):
    case(sp.polygamma, n, positive(2, 3))
    case(sp.polygamma, n, positive(3))
for function in (sp.beta, sp.betaln, sp.xlogy, sp.xlog1py, sp.rel_entr, sp.kl_div, sp.boxcox, sp.pseudo_huber, sp.poch):
    for a, b in [((3,), (3,)), ((2, 3), (3,)), ((2, 1), (3,)), ((), (3,)), ((), ()), ((0,), (1,))]:
        case(function, positive(*a), positive(*b))
for a in (1, 2, np.array([2, 3, 4])):
    case(sp.gammainc, a, positive(2, 3))
    case(sp.gammaincc, a, positive(3))
    case(sp.betainc, a, 3, fraction(2, 3))
for d in (1, 3):
    case(sp.multigammaln, positive(3) + 2, d)
    case(sp.multigammaln, positive(2, 3) + 2, d=d)
for lmbda in (0.0, 0.5, -1.0):
    case(sp.boxcox, positive(3), lmbda)
    case(sp.inv_boxcox, positive(3) / 4, abs(lmbda))
for delta in (0.4, 5.0):
    case(sp.huber, delta, signed(7))
case(sp.huber, positive(3) + 3, signed(2, 3))
case(sp.binom, positive(3) + 4, positive(3))
