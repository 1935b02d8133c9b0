"""Elementwise functions: what each is on one element.

    np.exp(x)          math.exp(x[i])
    np.maximum(x, 0)   maximum(x[i], 0)
"""
from __future__ import annotations

import builtins
import math
import operator
from collections.abc import Callable
from typing import Any

import numpy as np

UNARY_MATH = ("exp", "log", "sqrt", "sin", "cos", "tan", "sinh", "cosh", "tanh", "expm1", "log1p", "log2", "log10", "floor", "ceil", "trunc")
INVERSE = {np.arcsin: "asin", np.arccos: "acos", np.arctan: "atan", np.arcsinh: "asinh", np.arccosh: "acosh", np.arctanh: "atanh"}

TEMPLATES: dict[Any, str] = {getattr(np, label): f"math.{label}({{0}})" for label in UNARY_MATH}
TEMPLATES |= {getattr(math, label): f"math.{label}({{0}})" for label in UNARY_MATH}
TEMPLATES |= {function: f"math.{label}({{0}})" for function, label in INVERSE.items()}
TEMPLATES |= {getattr(math, label): f"math.{label}({{0}})" for label in (*INVERSE.values(), "erf", "erfc", "gamma", "lgamma", "degrees", "radians", "fabs", "isnan", "isinf", "isfinite")}
TEMPLATES |= {
    np.add: "({0} + {1})", np.subtract: "({0} - {1})", np.multiply: "({0} * {1})", np.divide: "({0} / {1})", np.floor_divide: "({0} // {1})",
    np.remainder: "({0} % {1})", np.power: "({0} ** {1})", np.float_power: "({0} ** {1})", np.fmod: "math.fmod({0}, {1})", math.fmod: "math.fmod({0}, {1})", math.pow: "({0} ** {1})",
    np.negative: "(-{0})", np.positive: "({0})", np.absolute: "abs({0})", np.fabs: "abs({0})", builtins.abs: "abs({0})",
    np.square: "({0} * {0})", np.reciprocal: "(1.0 / {0})", np.cbrt: "math.copysign(abs({0}) ** (1.0 / 3.0), {0})", np.exp2: "(2.0 ** {0})",
    np.maximum: "maximum({0}, {1})", np.minimum: "minimum({0}, {1})", np.fmax: "max({0}, {1})", np.fmin: "min({0}, {1})",
    np.arctan2: "math.atan2({0}, {1})", math.atan2: "math.atan2({0}, {1})", np.hypot: "math.hypot({0}, {1})", math.hypot: "math.hypot({0}, {1})",
    np.copysign: "math.copysign({0}, {1})", math.copysign: "math.copysign({0}, {1})", np.sign: "sign({0})", np.rint: "np.rint({0})",
    np.logaddexp: "logaddexp({0}, {1})", np.heaviside: "(0.0 if {0} < 0 else 1.0 if {0} > 0 else {1})", np.sinc: "np.sinc({0})",
    np.deg2rad: "math.radians({0})", np.rad2deg: "math.degrees({0})", np.radians: "math.radians({0})", np.degrees: "math.degrees({0})",
    np.greater: "({0} > {1})", np.greater_equal: "({0} >= {1})", np.less: "({0} < {1})", np.less_equal: "({0} <= {1})",
    np.equal: "({0} == {1})", np.not_equal: "({0} != {1})",
    np.logical_and: "(bool({0}) and bool({1}))", np.logical_or: "(bool({0}) or bool({1}))", np.logical_not: "(not {0})", np.logical_xor: "(bool({0}) != bool({1}))",
    np.bitwise_and: "({0} & {1})", np.bitwise_or: "({0} | {1})", np.bitwise_xor: "({0} ^ {1})", np.invert: "(~{0})",
    np.isnan: "({0} != {0})", np.isfinite: "math.isfinite({0})", np.isinf: "math.isinf({0})", np.where: "({1} if {0} else {2})",
    np.left_shift: "({0} << {1})", np.right_shift: "({0} >> {1})",
}

OPERATORS = {"Add": np.add, "Sub": np.subtract, "Mult": np.multiply, "Div": np.divide, "FloorDiv": np.floor_divide, "Mod": np.remainder, "Pow": np.power,
             "BitAnd": np.bitwise_and, "BitOr": np.bitwise_or, "BitXor": np.bitwise_xor, "LShift": np.left_shift, "RShift": np.right_shift}
COMPARISONS = {"Gt": np.greater, "GtE": np.greater_equal, "Lt": np.less, "LtE": np.less_equal, "Eq": np.equal, "NotEq": np.not_equal}
USES = ("maximum", "minimum", "sign", "logaddexp", "logistic")  # helpers, where a template begins with one
VECTOR = {np.exp: "exp", np.log: "log", np.tanh: "tanh"}  # in loops, of our own
REPEATED = {np.square, np.cbrt, np.isnan, np.heaviside}  # an operand is said more than once

PYTHON: dict[Any, Callable[..., Any]] = {  # operators on Python's own numbers, for the dtype of the result
    np.add: operator.add, np.subtract: operator.sub, np.multiply: operator.mul, np.divide: operator.truediv, np.floor_divide: operator.floordiv,
    np.remainder: operator.mod, np.power: operator.pow, np.bitwise_and: operator.and_, np.bitwise_or: operator.or_, np.bitwise_xor: operator.xor,
    np.left_shift: operator.lshift, np.right_shift: operator.rshift,
}


def vector(function: Any) -> str:
    """The name of a function of our own for loops, or ""."""
    if function in VECTOR:
        return VECTOR[function]
    return "erf" if isinstance(function, np.ufunc) and template(function) == "math.erf({0})" else ""


def special_templates() -> dict[Any, str]:
    """SciPy's functions that one element says; SciPy need not be there."""
    try:
        from scipy import special
    except ImportError:
        return {}
    found = {special.erf: "math.erf({0})", special.erfc: "math.erfc({0})", special.gammaln: "math.lgamma({0})", special.gamma: "math.gamma({0})",
             special.expit: "logistic({0})", special.log1p: "math.log1p({0})", special.expm1: "math.expm1({0})"}
    found[special.xlogy] = "(0.0 if {0} == 0 else {0} * math.log({1}))"
    found[special.logit] = "math.log({0} / (1 - {0}))"
    found[special.ndtr] = "(0.5 * math.erfc(-{0} * 0.7071067811865476))"
    return found


_SPECIAL: dict[Any, str] = {}


def template(function: Any) -> str | None:
    """How one element of the result is said, or None."""
    try:
        found = TEMPLATES.get(function)
    except TypeError:
        return None
    if found is None and (getattr(function, "__module__", "") or type(function).__module__ or "") and isinstance(function, np.ufunc):
        if not _SPECIAL:
            _SPECIAL.update(special_templates())
        found = _SPECIAL.get(function)
    return found
