"""Python's own functions of numbers.

    math.exp  ->  a Python float        len((n, d))  ->  n
"""
from __future__ import annotations

import math
import operator
from typing import Any

import numpy as np

from srcad.dims import Dim, Facts
from srcad.kinds import BOOL, FLOAT, INT, Number, python
from srcad.shapes import SHAPES, infer_call, known_shape, lift, operator_kind, shape


def returns_python(dtype: np.dtype[Any], *functions: object) -> None:
    def rule(facts: Facts, *args: Any, **keywords: Any) -> Number:
        return python(dtype)

    shape(*functions)(rule)


returns_python(FLOAT, *(f for n, f in vars(math).items() if callable(f) and n not in (
    "ceil", "floor", "trunc", "isnan", "isinf", "isfinite", "gcd", "lcm", "comb", "perm", "factorial", "isqrt", "isclose", "modf", "frexp")), float)


returns_python(np.dtype(complex), complex)
returns_python(INT, math.ceil, math.floor, math.trunc, math.gcd, math.lcm, math.comb, math.perm, math.factorial, math.isqrt)


returns_python(BOOL, math.isnan, math.isinf, math.isfinite, math.isclose, bool)


SHAPES[math.modf] = lambda facts, x: [python(FLOAT), python(FLOAT)]


SHAPES[math.frexp] = lambda facts, x: [python(FLOAT), python(INT)]


@shape(int)
def int_(facts: Facts, x: Any = 0) -> Number:
    return python(INT, x.dim if isinstance(x, Number) and x.dtype is not None and x.dtype.kind in "ib" else None)


@shape(len)
def len_(facts: Facts, x: Any) -> Number:
    if isinstance(x, (list, tuple, dict)):
        return python(INT, Dim.of(len(x), facts))
    return python(INT, known_shape(x)[0])


@shape(abs)
def abs_(facts: Facts, x: Any) -> Number:
    return operator_kind(np.absolute, abs, [lift(x, facts)])


@shape(round)
def round_(facts: Facts, x: Any, ndigits: Any = None) -> Number:
    number = lift(x, facts)
    if number.form != "python":
        return Number(number.form, number.dtype, number.shape)
    return python(INT if ndigits is None else number.dtype)


@shape(divmod)
def divmod_(facts: Facts, x: Any, y: Any) -> Any:
    numbers = [lift(x, facts), lift(y, facts)]
    if any(n.form != "python" for n in numbers):
        return infer_call(np.divmod, facts, numbers, {})
    return [operator_kind(np.floor_divide, operator.floordiv, numbers), operator_kind(np.remainder, operator.mod, numbers)]


@shape(pow)
def pow_(facts: Facts, x: Any, y: Any) -> Number:
    return operator_kind(np.power, pow, [lift(x, facts), lift(y, facts)])
