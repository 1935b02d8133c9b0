"""Cases: NumPy's ufuncs and what works element by element.
"""
from __future__ import annotations

import operator
from collections.abc import Callable
from typing import Any

import numpy as np
import scipy.special as sp
from table import Draw, above_one, case, fraction, mask, positive, signed, unit

SHAPES = [(), (1,), (0,), (3,), (2, 3), (2, 0), (2, 1, 3)]
PAIRS: list[tuple[tuple[int, ...], tuple[int, ...]]] = [
    ((), ()), ((3,), (3,)), ((2, 3), (2, 3)),
    ((2, 3), (3,)), ((3,), (2, 3)), ((2, 1), (1, 3)), ((1, 3), (2, 1)), ((4, 1, 3), (2, 3)), ((2, 1), (3,)),
    ((), (3,)), ((2, 3), ()), ((1,), (3,)), ((3,), (1,)), ((1,), (1,)), ((1, 1), (3,)), ((1,), ()),
    ((0,), (0,)), ((0, 3), (3,)), ((1,), (0,)), ((), (0,)),
]

UNARY: dict[Callable[..., Any], Draw] = {
    np.negative: signed, np.positive: signed, np.conjugate: signed, np.square: signed, np.sqrt: positive, np.cbrt: signed,
    np.reciprocal: signed, np.exp: signed, np.exp2: signed, np.expm1: signed, np.log: positive, np.log2: positive, np.log10: positive,
    np.log1p: positive, np.sin: signed, np.cos: signed, np.tan: unit, np.arcsin: unit, np.arccos: unit, np.arctan: signed,
    np.sinh: signed, np.cosh: signed, np.tanh: signed, np.arcsinh: signed, np.arccosh: above_one, np.arctanh: unit, np.degrees: signed,
    np.rad2deg: signed, np.radians: signed, np.deg2rad: signed, np.absolute: signed, np.fabs: signed, np.modf: unit, np.frexp: above_one,
    sp.erf: signed, sp.erfc: signed, sp.expit: signed, sp.logit: fraction, sp.gammaln: positive, sp.gamma: positive,
}
BINARY: dict[Callable[..., Any], tuple[Draw, Draw]] = {
    np.add: (signed, signed), np.subtract: (signed, signed), np.multiply: (signed, signed), np.divide: (signed, signed),
    np.power: (positive, signed), np.float_power: (positive, signed), np.logaddexp: (signed, signed), np.logaddexp2: (signed, signed),
    np.arctan2: (signed, signed), np.hypot: (signed, signed), np.copysign: (signed, signed), np.remainder: (signed, signed),
    np.fmod: (signed, signed), np.maximum: (signed, signed), np.minimum: (signed, signed), np.fmax: (signed, signed),
    np.fmin: (signed, signed), np.divmod: (signed, signed),
    operator.add: (signed, signed), operator.sub: (signed, signed), operator.mul: (signed, signed), operator.truediv: (signed, signed),
}


def away_from_jumps(x: Any, y: Any) -> tuple[Any, Any]:
    """Operands whose quotient is no integer, nor nearly one: y, moved a little."""
    while np.any(np.abs(x / y - np.rint(x / y)) < 0.01):
        y = y * 1.03
    return x, y


for function, draw in UNARY.items():
    for shape in SHAPES:
        case(function, draw(*shape))
    case(function, np.float64(draw()))
for function, (left, right) in BINARY.items():
    for a, b in PAIRS:
        case(function, *away_from_jumps(left(*a), right(*b)))
    case(function, float(left()), right(2, 3))
    case(function, left(2, 3), float(right()))
    case(function, np.float64(left()), right(3))
for function in (operator.neg, operator.pos, abs):
    for shape in SHAPES:
        case(function, signed(*shape))
for a, b in PAIRS:
    case(operator.pow, positive(*a), signed(*b))
    case(operator.mod, *away_from_jumps(signed(*a), positive(*b)))
for exponent in (0, 1, 2, 3, 4, 5, -1, -2):
    case(np.power, signed(2, 3), exponent)
    case(operator.pow, signed(2, 3), exponent)
    case(operator.pow, float(signed()), exponent)
for shape in SHAPES:
    case(np.ldexp, signed(*shape), 2)
    case(np.where, mask(*shape) if shape else np.array(True), signed(*shape), signed(*shape))
case(np.ldexp, signed(3), np.array([[1, 0, -2], [3, -1, 2]]))
case(np.ldexp, signed(2, 1), np.array([1, 0, -2]))
for condition, a, b in [
    ((2, 3), (3,), (2, 1)), ((3,), (2, 3), ()), ((3,), (), ()), ((2, 1), (3,), (2, 3)), ((1,), (2, 3), (3,)), ((2, 3), (1, 1), (1,)),
    ((4, 1, 1), (2, 1), (3,)),
]:
    case(np.where, mask(*condition), signed(*a), signed(*b))
case(np.where, mask(2, 3), float(signed()), signed(3))
case(np.where, mask(2, 3), signed(2, 3), 0.0)

for shape in SHAPES:
    case(np.clip, signed(*shape), -0.9, 1.1)
    case(np.clip, signed(*shape), -0.9, None)
    case(np.clip, signed(*shape), None, 1.1)
    case(np.clip, signed(*shape), -positive(*shape), positive(*shape))
for a, b, c in [((2, 3), (3,), (2, 1)), ((3,), (2, 3), ()), ((2, 1), (), (1, 3)), ((1,), (3,), (3,)), ((), (3,), (2, 1))]:
    case(np.clip, signed(*a), -positive(*b), positive(*c))
case(np.clip, signed(2, 3), signed(3), None)
case(np.clip, signed(2, 3), None, signed(2, 1))
case(np.clip, signed(2, 3), positive(3) + 3, positive(3))  # where the bounds cross, the upper one wins
