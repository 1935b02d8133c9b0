"""Cases: Python's numbers: `math`, the builtins, the operators.
"""
from __future__ import annotations

import builtins
import math
import operator
from collections.abc import Callable
from typing import Any

import numpy as np
from table import case, signed

ONE: dict[Callable[..., Any], tuple[float, ...]] = {
    operator.neg: (1.5, -2.0), operator.pos: (1.5,), abs: (1.5, -1.5), float: (1.5,), math.fabs: (1.5, -1.5), math.exp: (0.7,),
    math.exp2: (0.7,),
    math.expm1: (0.7,), math.log: (0.7, 3.0), math.log10: (0.7,), math.log2: (0.7,), math.log1p: (0.7, -0.5), math.sqrt: (0.7,),
    math.cbrt: (0.7, -0.7),
    math.sin: (0.7,), math.cos: (0.7,), math.tan: (0.7,), math.asin: (0.7, -0.3), math.acos: (0.7, -0.3), math.atan: (0.7,),
    math.sinh: (0.7,),
    math.cosh: (0.7,), math.tanh: (0.7,), math.asinh: (0.7,), math.acosh: (1.7,), math.atanh: (0.7, -0.3), math.erf: (0.7, -0.3),
    math.erfc: (0.7, -0.3),
    math.degrees: (0.7,), math.radians: (0.7,), math.gamma: (0.7, 3.0, -1.5, 12.5), math.lgamma: (0.7, 3.0, -1.5, 30.5, 0.01),
    math.modf: (1.3, -1.3),
    math.frexp: (1.3, -3.3, 0.1),
}
TWO: dict[Callable[..., Any], tuple[tuple[float, float], ...]] = {
    operator.add: ((1.5, -2.0),), operator.sub: ((1.5, -2.0),), operator.mul: ((1.5, -2.0),), operator.truediv: ((1.5, -2.0),),
    operator.pow: ((1.5, -2.3), (0.7, 2.0), (2.5, 0.5)), pow: ((1.5, -2.3), (0.7, 3.0)), math.pow: ((1.5, -2.3), (0.7, 3.0)),
    operator.mod: ((7.3, 2.0), (-7.3, 2.0), (7.3, -2.0)), math.fmod: ((7.3, 2.0), (-7.3, 2.0)),
    math.remainder: ((7.3, 2.0), (-5.3, 2.0), (6.9, 2.0)),
    divmod: ((7.3, 2.0), (-7.3, 2.0)), math.atan2: ((1.5, -2.0), (-1.5, 0.3)), math.copysign: ((1.5, -2.0), (-1.5, 2.0), (-1.5, -2.0)),
    math.log: ((3.0, 2.5), (0.3, 0.7)), math.hypot: ((1.5, -2.0),), max: ((1.5, -2.0), (-2.0, 1.5)), min: ((1.5, -2.0), (-2.0, 1.5)),
}
for function, numbers in ONE.items():
    for number in numbers:
        case(function, number)
for function, pairs in TWO.items():
    for pair in pairs:
        case(function, *pair)
for function in (builtins.max, builtins.min):
    for numbers in ((1.5, -2.0, 0.3), (0.3, 1.5, -2.0), (-2.0, 0.3, 1.5), (0.4, 0.1, 0.3, 0.2)):
        case(function, *numbers)
    case(function, np.float64(1.5), 0.3)
case(math.hypot, 1.5)
case(math.hypot, 1.5, -2.0, 0.3)
case(math.ldexp, 1.5, 3)
case(math.ldexp, -1.5, -2)
for numbers in ([1.5], [1.5, -2.0], [1.5, -2.0, 0.3]):
    case(math.fsum, numbers)
    case(builtins.sum, numbers)
    case(math.prod, numbers)
case(builtins.sum, [signed(3), signed(3)])
case(builtins.sum, [signed(3), float(signed()), signed(2, 1)])
case(math.dist, [1.5, -2.0], [0.3, 0.4])
case(math.dist, (1.5, -2.0, 0.7), (0.3, 0.4, 0.1))
case(math.dist, [1.5], [0.3])
