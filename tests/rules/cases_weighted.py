"""Cases: exponentials with factors, correlations of signals, densities with every keyword, the helper that undoes broadcasting, and what
only seems to steer."""
from __future__ import annotations

import numpy as np
import scipy.signal as sg
import scipy.special as sp
import scipy.stats as st
from table import case, definite, positive, signed

from srcad.runtime import unbroadcast

for a, b in (((4,), (4,)), ((3, 4), (4,)), ((4,), (3, 4)), ((3, 1), (4,))):
    case(sp.logsumexp, signed(*a), b=positive(*b))
    case(sp.logsumexp, signed(*a), b=positive(*b), axis=-1, keepdims=True)
    case(sp.logsumexp, signed(*a), -1, positive(*b))
for given, like in (((3, 4), (4,)), ((3, 4), (3, 1)), ((4,), (3, 4)), ((2, 3), (2, 3)), ((3,), ()), ((), (3,))):
    case(unbroadcast, signed(*given), np.ones(like, int))
for mode in ("full", "same", "valid"):
    for a, b in (((5,), (3,)), ((5,), (2,)), ((4, 5), (2, 3)), ((3, 4, 3), (2, 2, 2)), ((3,), (3,))):
        case(sg.correlate, signed(*a), signed(*b), mode)
        case(sg.correlate, signed(*a), signed(*b), mode=mode, method="direct")
case(sg.correlate, signed(2), signed(5), mode="same")
case(sg.correlate, signed(2), signed(5), mode="valid")
for function in (st.multivariate_normal.logpdf, st.multivariate_normal.pdf):
    case(function, signed(3), signed(3), definite(3, 3), allow_singular=False)
for a, b in (((), ()), ((4,), (4,)), ((3, 4), (4,)), ((4,), ())):
    case(np.heaviside, signed(*a), signed(*b))
for function in (np.fft.fftfreq, np.fft.rfftfreq):
    for count in (1, 4, 5):
        case(function, count, 0.7)
        case(function, count, d=1.3)
for function in (np.ascontiguousarray, np.asfortranarray):
    for shape in ((3, 4), (4,), (2, 0)):
        case(function, signed(*shape))
