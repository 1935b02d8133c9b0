"""Cases: SciPy's filters that pick one element of each window, and the morphology of grey images."""
from __future__ import annotations

import scipy.ndimage as nd
from table import apart, case, signed

MODES = ("reflect", "mirror", "nearest", "wrap", "constant")
for function, given in ((nd.maximum_filter, ()), (nd.minimum_filter, ()), (nd.median_filter, ()), (nd.rank_filter, (1,)), (nd.percentile_filter, (70,))):
    for mode in MODES:
        case(function, apart(4, 5), *given, size=3, mode=mode)
    case(function, apart(6), *given, size=4)
    case(function, apart(6), *given, 3)
    case(function, apart(5, 6), *given, size=(1, 3))
    case(function, apart(4, 5), *given, size=(2, 3), origin=(-1, 1))
    case(function, apart(6), *given, size=3, origin=1, mode="nearest")
    case(function, apart(6), *given, size=3, mode="constant", cval=9)
    case(function, apart(2, 3, 2), *given, size=2)
for function in (nd.maximum_filter1d, nd.minimum_filter1d):
    for mode in MODES:
        case(function, apart(6), 3, mode=mode)
        case(function, apart(4, 5), size=2, axis=0, mode=mode)
    case(function, apart(6), size=4, origin=-1)
    case(function, apart(4, 5), 3, 0)
for function in (nd.grey_erosion, nd.grey_dilation, nd.grey_opening, nd.grey_closing, nd.white_tophat, nd.black_tophat, nd.morphological_gradient,
                 nd.morphological_laplace):
    for mode in MODES:
        case(function, apart(4, 5), size=3, mode=mode)
    case(function, apart(6), size=3)
    case(function, apart(6), size=2)
    case(function, apart(5, 6), size=(3, 2))
    case(function, apart(6), 3, origin=1)
    case(function, apart(6), size=4, origin=-1)
    case(function, apart(6), size=3, mode="constant", cval=9)
for mode in MODES:
    case(nd.gaussian_laplace, signed(6), sigma=1, mode=mode)
    case(nd.gaussian_laplace, signed(4, 5), sigma=0.5, mode=mode)
case(nd.gaussian_laplace, signed(4, 5), sigma=(1, 2))
case(nd.gaussian_laplace, signed(2, 3, 2), sigma=0.5, truncate=2.0)
