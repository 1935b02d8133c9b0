"""Cases: polynomials by their coefficients, interpolation between points, and functions of NumPy's that are no ufuncs."""
from __future__ import annotations

import numpy as np
from table import case, positive, signed

nan, inf = np.nan, np.inf
for shape in [(), (1,), (0,), (3,), (2, 3)]:
    for function in (np.sinc, np.i0, np.nan_to_num):
        case(function, signed(*shape))
    case(np.nextafter, signed(*shape), 9)
    case(np.polyval, signed(4), signed(*shape))
    case(np.polyval, signed(1), signed(*shape))
case(np.sinc, float(signed()))
case(np.i0, np.array([0.0, 4.5, 1e-3]))
case(np.i0, np.array([-30.0]))
case(np.nan_to_num, np.array([1.5, 0.3]), nan=1.0, posinf=2, neginf=3)
case(np.nan_to_num, signed(3), True)
case(np.nextafter, signed(3), signed(2, 1))
case(np.polyval, signed(3), float(signed()))
case(np.unwrap, np.array([0.3, 6.5, 0.9, -5.0]))
case(np.unwrap, signed(2, 3) * 4, axis=0)
case(np.unwrap, signed(4) * 4, period=3)
points = np.array([-2.0, -0.5, 0.25, 1.5])
for x in (signed(5), signed(2, 3), signed(), float(signed()), signed(0), np.array([-5.0, -1.3, 0.1, 9.0])):
    case(np.interp, x, points, signed(4))
    case(np.interp, x, points, signed(4), left=0.5)
    case(np.interp, x, points, signed(4), left=0.5, right=-1)
    case(np.interp, x, points[:2], signed(2))
for a, b in [(3, 3), (4, 2), (1, 3), (1, 1)]:
    case(np.polyadd, signed(a), signed(b))
    case(np.polysub, signed(a), signed(b))
    case(np.polymul, signed(a), signed(b))
for m in (0, 1, 2, 3):
    case(np.polyder, signed(5), m)
    case(np.polyint, signed(3), m)
case(np.polyder, signed(4))
case(np.polyder, signed(1))
case(np.polyint, signed(4))
case(np.polyint, signed(3), m=2, k=[1, 2])
for deg in (0, 1, 2, 3):
    case(np.polyfit, signed(6) * positive(6), signed(6), deg)
    case(np.polyfit, signed(6) * positive(6), signed(6, 2), deg=deg)
for a, b in [(4, 2), (4, 4), (5, 1), (2, 4), (1, 1), (6, 3)]:
    case(np.polydiv, signed(a), signed(b))
for n in (0, 1, 2, 4):
    case(np.poly, signed(n))
case(np.poly, np.array([1.5, 1.5, -0.5]))
