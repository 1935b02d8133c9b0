"""Cases: SciPy's linear filters of images."""
from __future__ import annotations

import numpy as np
import scipy.ndimage as nd
from table import case, signed

for mode in ("reflect", "mirror", "nearest", "wrap", "constant"):
    for function in (nd.correlate, nd.convolve):
        case(function, signed(6), signed(3), mode=mode)
        case(function, signed(4, 5), signed(3, 3), mode=mode)
        case(function, signed(4, 5), signed(1, 5), mode=mode)
    for function in (nd.correlate1d, nd.convolve1d):
        case(function, signed(6), signed(3), mode=mode)
        case(function, signed(4, 5), signed(5), mode=mode)
        case(function, signed(4, 5), signed(3), axis=0, mode=mode)
    case(nd.gaussian_filter1d, signed(6), sigma=1, mode=mode)
    case(nd.gaussian_filter1d, signed(4, 5), sigma=0.5, axis=0, mode=mode)
    case(nd.gaussian_filter, signed(4, 5), sigma=0.7, mode=mode)
case(nd.gaussian_filter1d, signed(6), sigma=1, order=1)
case(nd.gaussian_filter1d, signed(6), sigma=0.5, order=2, truncate=3.0)
case(nd.gaussian_filter, signed(4, 5), sigma=(1, 0))
case(nd.gaussian_filter, signed(4, 5), sigma=1, order=(0, 1))
case(nd.gaussian_filter, signed(2, 3, 2), sigma=0.5, truncate=2.0)
case(nd.correlate, signed(6), np.array([1, 2, 3]), mode="constant", cval=2.0)
for mode in ("reflect", "mirror", "nearest", "wrap", "constant"):
    case(nd.uniform_filter1d, signed(6), size=3, mode=mode)
    case(nd.uniform_filter1d, signed(4, 5), size=5, axis=0, mode=mode)
    case(nd.uniform_filter, signed(4, 5), size=3, mode=mode)
    case(nd.uniform_filter, signed(4, 5), size=(3, 1), mode=mode)
    for function in (nd.sobel, nd.prewitt):
        case(function, signed(4, 5), mode=mode)
        case(function, signed(4, 5), axis=0, mode=mode)
    case(nd.laplace, signed(4, 5), mode=mode)
for function in (nd.sobel, nd.prewitt, nd.laplace, nd.uniform_filter, nd.uniform_filter1d):
    case(function, signed(2, 3, 2), **({"size": 3} if "uniform" in function.__name__ else {}))
case(nd.laplace, signed(5))
