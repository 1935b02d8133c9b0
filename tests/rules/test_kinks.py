"""The stated answers at kinks and at the edges of domains.

Of two active operands of max at a tie the first wins; against a constant the
slope is 0; reductions split a tie evenly; abs, norm and std give 0 at 0; square
roots give inf at 0. Python's numbers have the same answers and never raise from
the backward pass.
"""
from __future__ import annotations

import math
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest

sys.path.insert(0, str(Path(__file__).parent))

from harness import function_of  # noqa: E402

import srcad  # noqa: E402

inf, nan = math.inf, math.nan


def gradients(text: str, *operands: Any, wrt: Any = None) -> Any:
    """The gradients of the sum of an expression in x, y, z, for a seed of ones; a tuple unless there is one operand."""
    names = "xyz"[: len(operands)]
    f = function_of(f"def f({', '.join(names)}):\n    return {text}\n")
    value, pullback = srcad.vjp(f, *operands, wrt=wrt)
    return pullback(np.ones(np.shape(value)) if np.ndim(value) else 1.0)


def same(found: Any, wanted: Any) -> None:
    """Equal, NaN with NaN, and of the same structure."""
    if isinstance(wanted, tuple):
        assert isinstance(found, tuple) and len(found) == len(wanted)
        for f, w in zip(found, wanted):
            same(f, w)
    else:
        assert np.shape(found) == np.shape(wanted)
        np.testing.assert_allclose(np.asarray(found, float), np.asarray(wanted, float), rtol=1e-12, atol=1e-12)


def arr(*numbers: float) -> Any:
    return np.array(numbers)


def table(rows: list[tuple[Any, ...]]) -> Any:
    """A parametrisation over (text, operands, gradients)."""
    return pytest.mark.parametrize(("text", "operands", "wanted"), [pytest.param(*row, id=f"{i}:{row[0]}") for i, row in enumerate(rows)])


@table([
    # two active operands: the first wins
    ("np.maximum(x, y)", (arr(1, 2, 3), arr(1, 5, 2)), (arr(1, 0, 1), arr(0, 1, 0))),
    ("np.minimum(x, y)", (arr(1, 2, 3), arr(1, 5, 2)), (arr(1, 1, 0), arr(0, 0, 1))),
    ("np.fmax(x, y)", (arr(1, 2, 3), arr(1, 5, 2)), (arr(1, 0, 1), arr(0, 1, 0))),
    ("np.fmin(x, y)", (arr(1, 2, 3), arr(1, 5, 2)), (arr(1, 1, 0), arr(0, 0, 1))),
    ("np.maximum(x, y)", (1.0, 1.0), (1.0, 0.0)),
    ("np.maximum(x, y)", (arr(1, 2), 1.0), (arr(1, 1), 0.0)),
    ("np.maximum(y, x)", (arr(1, 2), 1.0), (arr(0, 1), 1.0)),
    ("max(x, y)", (1.0, 1.0), (1.0, 0.0)),
    ("max(y, x)", (1.0, 1.0), (0.0, 1.0)),
    ("min(x, y)", (1.0, 1.0), (1.0, 0.0)),
    ("max(x, y, z)", (1.0, 1.0, 1.0), (1.0, 0.0, 0.0)),
    ("max(x, y, z)", (0.0, 1.0, 1.0), (0.0, 1.0, 0.0)),
    ("min(x, y, z)", (2.0, 1.0, 1.0), (0.0, 1.0, 0.0)),
    ("max([x, y, z])", (1.0, 0.0, 1.0), (1.0, 0.0, 0.0)),
    # against a constant: 0
    ("np.maximum(x, 0)", (arr(-1, 0, 2),), arr(0, 0, 1)),
    ("np.maximum(0, x)", (arr(-1, 0, 2),), arr(0, 0, 1)),
    ("np.maximum(x, 0.0)", (arr(-1, 0, 2),), arr(0, 0, 1)),
    ("np.minimum(x, 0)", (arr(-1, 0, 2),), arr(1, 0, 0)),
    ("np.minimum(0, x)", (arr(-1, 0, 2),), arr(1, 0, 0)),
    ("np.fmax(x, 0)", (arr(-1, 0, 2),), arr(0, 0, 1)),
    ("np.fmin(0, x)", (arr(-1, 0, 2),), arr(1, 0, 0)),
    ("np.maximum(x, np.zeros(3))", (arr(-1, 0, 2),), arr(0, 0, 1)),
    ("np.maximum(0, x)", (0.0,), 0.0),
    ("max(x, 0)", (0.0,), 0.0),
    ("max(0, x)", (0.0,), 0.0),
    ("max(0.0, x)", (0.0,), 0.0),
    ("min(x, 0)", (0.0,), 0.0),
    ("min(0, x)", (0.0,), 0.0),
    ("max(x, 0, y)", (0.0, -1.0), (0.0, 0.0)),
    ("max(x, y, 0)", (1.0, 1.0), (1.0, 0.0)),
    # absolute values
    ("abs(x)", (0.0,), 0.0), ("abs(x)", (arr(0, -1),), arr(0, -1)), ("np.abs(x)", (arr(0, -1),), arr(0, -1)),
    ("np.fabs(x)", (arr(0, 2),), arr(0, 1)),
    ("math.fabs(x)", (0.0,), 0.0), ("np.absolute(x)", (0.0,), 0.0), ("np.copysign(x, 1.0)", (arr(0, -2),), arr(0, -1)),
    ("math.copysign(x, 1.0)", (0.0,), 0.0),
    # bounds of clip: 0
    ("np.clip(x, 0, 1)", (arr(-1, 0, 0.5, 1, 2),), arr(0, 0, 1, 0, 0)),
    ("np.clip(x, 0, None)", (arr(-1, 0, 0.5),), arr(0, 0, 1)),
    ("np.clip(x, None, 1)", (arr(0.5, 1, 2),), arr(1, 0, 0)),
    ("np.clip(x, 0, 1)", (0.0,), 0.0),
    ("np.clip(x, 0, 1)", (1.0,), 0.0),
    ("x.clip(0, 1)", (arr(-1, 0, 0.5, 1, 2),), arr(0, 0, 1, 0, 0)),
    ("np.clip(x, 1, 1)", (arr(0, 1, 2),), arr(0, 0, 0)),
])
def test_ties(text: str, operands: tuple[Any, ...], wanted: Any) -> None:
    same(gradients(text, *operands), wanted)


@pytest.mark.parametrize("text", ["np.maximum(x, y)", "np.minimum(x, y)", "np.fmax(x, y)", "np.fmin(x, y)", "np.maximum(y, x)"])
def test_an_operand_that_is_not_differentiated_is_a_constant(text: str) -> None:
    x, y = arr(1, 2), arr(1, 2)
    same(gradients(text, x, y, wrt="x"), arr(0, 0))
    same(gradients(text, x, y, wrt="y"), arr(0, 0))


@pytest.mark.parametrize("text", ["max(x, y)", "min(x, y)", "max(y, x)"])
def test_a_number_that_is_not_differentiated_is_a_constant(text: str) -> None:
    same(gradients(text, 1.0, 1.0, wrt="x"), 0.0)
    same(gradients(text, 1.0, 1.0, wrt="y"), 0.0)


@table([
    ("np.max(x)", (arr(1, 3, 3),), arr(0, 0.5, 0.5)), ("np.min(x)", (arr(3, 1, 1),), arr(0, 0.5, 0.5)),
    ("x.max()", (arr(2, 2, 2, 2),), arr(1, 1, 1, 1) / 4),
    ("np.max(x, axis=0)", (np.array([[1.0, 2], [1, 3]]),), np.array([[0.5, 0], [0.5, 1]])),
    ("np.max(x, axis=1, keepdims=True)", (np.array([[1.0, 1], [1, 3]]),), np.array([[0.5, 0.5], [0, 1]])),
    ("np.min(x, axis=(0, 1))", (np.zeros((2, 2)),), np.full((2, 2), 0.25)),
    ("np.amax(x)", (arr(0, 0),), arr(0.5, 0.5)), ("np.amin(x)", (arr(0, 0),), arr(0.5, 0.5)),
    ("np.max(x, where=np.array([True, False, True]), initial=-9.0)", (arr(3, 3, 3),), arr(0.5, 0, 0.5)),
    ("np.linalg.norm(x, np.inf)", (arr(2, -2, 1),), arr(0.5, -0.5, 0)),
    ("np.linalg.norm(x, -np.inf)", (arr(2, -1, 1),), arr(0, -0.5, 0.5)),
])
def test_reductions_split_ties(text: str, operands: tuple[Any, ...], wanted: Any) -> None:
    same(gradients(text, *operands), wanted)


@table([
    ("np.linalg.norm(x)", (np.zeros(3),), np.zeros(3)), ("np.linalg.norm(x)", (np.zeros((2, 2)),), np.zeros((2, 2))),
    ("np.linalg.norm(x, axis=1)", (np.array([[0.0, 0], [3, 4]]),), np.array([[0, 0], [0.6, 0.8]])),
    ("np.linalg.norm(x, 1)", (arr(0, -2),), arr(0, -1)),
    ("np.linalg.norm(x, 3)", (np.zeros(3),), np.zeros(3)), ("np.linalg.norm(x, 1.5)", (np.zeros(3),), np.zeros(3)),
    ("np.linalg.norm(x, np.inf)", (np.zeros(2),), np.zeros(2)),
    ("np.linalg.norm(x, axis=0, keepdims=True)", (np.zeros((2, 3)),), np.zeros((2, 3))),
    ("np.linalg.norm(x, 'fro')", (np.zeros((2, 3)),), np.zeros((2, 3))),
    ("np.std(x)", (np.ones(3),), np.zeros(3)), ("np.std(x)", (np.ones(1),), np.zeros(1)),
    ("np.std(x, axis=0)", (np.array([[1.0, 2], [1, 4]]),), np.array([[0, -0.5], [0, 0.5]])),
    ("np.std(x, axis=1, ddof=1, keepdims=True)", (np.ones((2, 3)),), np.zeros((2, 3))), ("x.std()", (np.zeros((2, 2)),), np.zeros((2, 2))),
    ("np.var(x)", (np.ones(3),), np.zeros(3)),
    ("np.std(x)", (np.array(2.0),), np.array(0.0)), ("np.hypot(x, y)", (arr(0, 3), arr(0, 4)), (arr(0, 0.6), arr(0, 0.8))),
    ("np.hypot(x, 0.0)", (arr(0, 3),), arr(0, 1)),
])
def test_zero_at_zero(text: str, operands: tuple[Any, ...], wanted: Any) -> None:
    same(gradients(text, *operands), wanted)


@table([
    ("np.sqrt(x)", (arr(0, 4),), arr(inf, 0.25)), ("np.sqrt(x)", (np.array(0.0),), np.array(inf)), ("np.sqrt(x)", (0.0,), inf),
    ("np.cbrt(x)", (arr(0, 8),), arr(inf, 1 / 12)),
    ("x ** 0.5", (arr(0, 4),), arr(inf, 0.25)), ("np.power(x, 0.5)", (arr(0, 4),), arr(inf, 0.25)),
    ("np.arcsin(x)", (arr(1, 0),), arr(inf, 1)), ("np.arccosh(x)", (arr(1),), arr(inf)),
])
def test_infinite_as_numpy_has_it(text: str, operands: tuple[Any, ...], wanted: Any) -> None:
    with np.errstate(all="ignore"):
        same(gradients(text, *operands), wanted)


@table([
    ("x ** 2", (arr(0, -3),), arr(0, -6)), ("x ** 3", (arr(0, -2),), arr(0, 12)), ("x ** 1", (arr(0, -2),), arr(1, 1)),
    ("x ** 0", (arr(0, -2),), arr(0, 0)),
    ("x ** 4", (arr(0, -2),), arr(0, -32)), ("x ** 2.0", (arr(0, -3),), arr(0, -6)), ("x ** 0.0", (arr(0, -3),), arr(0, 0)),
    ("x ** 1.0", (arr(0, -3),), arr(1, 1)),
    ("x ** -1", (arr(-2),), arr(-0.25)), ("np.power(x, 2)", (arr(0, -3),), arr(0, -6)), ("np.power(x, 0)", (arr(0, -3),), arr(0, 0)),
    ("np.power(x, 3)", (arr(0, -2),), arr(0, 12)),
    ("np.power(x, np.array([0.0, 1, 2, 3]))", (arr(0, 0, 0, -2),), arr(0, 1, 0, 12)),
    ("x ** np.array([0.0, 1, 2])", (arr(-2, -2, -2),), arr(0, 1, -4)),
    ("x ** y", (arr(0, 0, 0), arr(1, 2, 3)), (arr(1, 0, 0), arr(0, 0, 0))),
    ("np.power(x, y)", (arr(0, 2), arr(2, 0)), (arr(0, 0), arr(0, math.log(2)))),
    ("0.0 ** x", (arr(1, 2),), arr(0, 0)), ("np.square(x)", (arr(0, -3),), arr(0, -6)), ("np.float_power(x, 2)", (arr(0, -3),), arr(0, -6)),
    ("x ** 2", (0.0,), 0.0), ("x ** 1", (0.0,), 1.0), ("x ** 0", (0.0,), 0.0), ("x ** 3", (-2.0,), 12.0), ("x ** 2", (-3.0,), -6.0),
    ("x ** -1", (-2.0,), -0.25), ("x ** 0", (-2.0,), 0.0),
    ("x ** 2.0", (-3.0,), -6.0), ("x ** 1.0", (0.0,), 1.0), ("x ** 0.0", (0.0,), 0.0),
])
def test_powers(text: str, operands: tuple[Any, ...], wanted: Any) -> None:
    same(gradients(text, *operands), wanted)


@table([
    ("math.sqrt(x)", (0.0,), inf), ("x ** 0.5", (0.0,), inf), ("math.pow(x, 0.5)", (0.0,), inf), ("pow(x, 0.5)", (0.0,), inf),
    ("math.cbrt(x)", (0.0,), inf),
    ("x ** y", (0.0, 0.5), (inf, 0.0)), ("x ** y", (0.0, 2.0), (0.0, 0.0)), ("x ** y", (0.0, 1.0), (1.0, 0.0)),
    ("x ** y", (0.0, 0.0), (0.0, 0.0)),
    ("x ** y", (-2.0, 3.0), (12.0, nan)), ("math.pow(x, y)", (0.0, 1.0), (1.0, 0.0)), ("0 ** x", (2.0,), 0.0),
    ("2 ** x", (0.0,), math.log(2)), ("math.pow(x, 2)", (-3.0,), -6.0),
    ("x ** 1.5", (0.0,), 0.0), ("x ** x", (1.0,), 1.0),
    ("math.hypot(x, y)", (0.0, 0.0), (0.0, 0.0)), ("math.hypot(x, 0)", (0.0,), 0.0),
    ("math.hypot(x, y, z)", (0.0, 0.0, 0.0), (0.0, 0.0, 0.0)),
    ("math.dist([x], [y])", (1.0, 1.0), (0.0, 0.0)), ("math.acosh(x)", (1.0,), inf), ("math.asin(x)", (1.0,), inf),
    ("math.acos(x)", (1.0,), -inf), ("math.asin(x)", (-1.0,), inf),
    ("abs(x)", (-0.0,), 0.0), ("math.prod([x, y])", (0.0, 0.0), (0.0, 0.0)), ("math.prod([x, y, z])", (0.0, 2.0, 3.0), (6.0, 0.0, 0.0)),
    ("math.sqrt(x * x)", (3.0,), 1.0),
])
def test_python_numbers_never_raise(text: str, operands: tuple[Any, ...], wanted: Any) -> None:
    same(gradients(text, *operands), wanted)


@pytest.mark.parametrize(("text", "operands"), [
    ("math.atan2(x, y)", (0.0, 0.0)), ("math.sqrt(x) * math.sqrt(y)", (0.0, 0.0)), ("math.sqrt(x * y)", (0.0, 0.0)),
    ("math.sqrt(x ** 2 + y ** 2)", (0.0, 0.0)),
    ("math.lgamma(x)", (0.5,)), ("math.lgamma(x)", (-1.5,)), ("math.exp(x)", (-1e4,)), ("math.tanh(x)", (1e3,)),
    ("x / y", (0.0, 1e-200)),
    ("math.erf(x)", (1e3,)), ("math.asinh(x)", (1e200,)), ("math.atan(x)", (1e200,)), ("math.sinh(x)", (700.0,)),
    ("math.hypot(x, y)", (1e-320, 0.0)), ("math.log1p(x)", (1e300,)),
    ("x ** -1", (1e-200,)), ("x ** -2.5", (1e-120,)), ("x ** 2", (1e200 ** 0.5,)), ("math.cbrt(x)", (1e-320,)),
    ("math.sqrt(x)", (5e-324,)), ("math.log(x)", (5e-324,)),
    ("math.acosh(x)", (1e200,)), ("math.asinh(x)", (1e150,)), ("math.tan(x)", (math.pi / 2,)), ("math.atanh(x)", (1 - 1e-16,)),
    ("math.erfc(x)", (1e200,)), ("math.atan2(x, y)", (1e-200, 1e-200)),
    ("x ** y", (1e-300, -1.0)), ("math.log10(x)", (5e-324,)), ("math.log(x, y)", (2.0, 1 + 1e-15)), ("math.log2(x)", (1e-310,)),
    ("math.fmod(x, y)", (1e300, 1e-5)), ("x % y", (1e300, 1e-10)),
])
def test_the_backward_pass_does_not_raise(text: str, operands: tuple[float, ...]) -> None:
    found = gradients(text, *operands)
    assert all(type(g) is float for g in (found if isinstance(found, tuple) else (found,)))


@table([
    ("np.where(x > 0, np.log(x), 0.0)", (arr(-1, 2),), arr(0, 0.5)),
    ("np.where(x > 0, np.log(np.where(x > 0, x, 1.0)), 0.0)", (arr(-1, 0, 2),), arr(0, 0, 0.5)),
    ("np.where(x > 0, y, x)", (arr(2.0, -1.0), arr(nan, nan)), (arr(0, 1), arr(1, 0))),
    ("np.where(x > 0, x, np.inf)", (arr(2.0, -1.0),), arr(1, 0)), ("np.where(np.isnan(x), 0.0, x)", (arr(nan, 2.0),), arr(0, 1)),
    ("np.fmax(x, 0.0)", (arr(nan, 2.0),), arr(0, 1)),
    ("np.fmax(x, y)", (arr(nan, 2.0), arr(1.0, nan)), (arr(0, 1), arr(1, 0))),
    ("np.fmin(x, y)", (arr(nan, 2.0), arr(1.0, nan)), (arr(0, 1), arr(1, 0))),
    ("np.sum(x, where=np.array([True, False]))", (arr(2.0, nan),), arr(1, 0)),
    ("np.mean(x, where=np.array([True, False]))", (arr(2.0, nan),), arr(1, 0)),
    ("np.prod(x, where=np.array([True, False]))", (arr(2.0, nan),), arr(1, 0)),
    ("np.var(x, where=np.array([True, True, False]))", (arr(2.0, 4.0, nan),), arr(-1, 1, 0)),
    ("np.max(x, where=np.array([True, False]), initial=0.0)", (arr(2.0, nan),), arr(1, 0)),
    ("np.std(x, where=np.array([True, True, False]))", (arr(2.0, 4.0, nan),), arr(-0.5, 0.5, 0)),
])
def test_no_nan_leaks(text: str, operands: tuple[Any, ...], wanted: Any) -> None:
    """The branch that is not taken gives 0, except where the chain rule itself multiplies 0 by inf."""
    with np.errstate(all="ignore"):
        same(gradients(text, *operands), wanted)


def test_a_seed_that_is_nan_stays_in_its_branch() -> None:
    f = function_of("def f(x, y):\n    return np.where(x > 0, x, y)\n")
    _, pullback = srcad.vjp(f, arr(1.0, -1.0), arr(1.0, 1.0))
    same(pullback(arr(nan, 3.0)), (arr(nan, 0), arr(0, 3)))


@table([
    ("np.prod(x)", (arr(0, 2, 3),), arr(6, 0, 0)), ("np.prod(x)", (arr(0, 0, 3),), arr(0, 0, 0)), ("np.prod(x)", (arr(0),), arr(1)),
    ("np.prod(x)", (np.array(0.0),), np.array(1.0)),
    ("np.prod(x, axis=0)", (np.array([[0.0, 2], [3, 4]]),), np.array([[3.0, 4], [0, 2]])),
    ("x.prod(axis=1, keepdims=True)", (np.array([[0.0, 2], [3, 4]]),), np.array([[2.0, 0], [4, 3]])),
    ("np.prod(x, initial=2.0)", (arr(0, 3),), arr(6, 0)), ("np.prod(x, initial=0.0)", (arr(2, 3),), arr(0, 0)),
    ("np.prod(x, where=np.array([True, False, True]))", (arr(0, 0, 3),), arr(3, 0, 0)),
])
def test_products_with_zeros(text: str, operands: tuple[Any, ...], wanted: Any) -> None:
    same(gradients(text, *operands), wanted)


@table([
    ("np.max(x, initial=2.0)", (arr(1, 0),), arr(0, 0)), ("np.min(x, initial=-2.0)", (arr(1, 0),), arr(0, 0)),
    ("np.max(x, axis=0, initial=2.0)", (np.array([[1.0, 3], [0, 1]]),), np.array([[0, 1], [0, 0.0]])),
    ("np.maximum(x, y)", (arr(nan), arr(1)), (arr(0), arr(0))), ("np.logaddexp(x, y)", (arr(-1e4, 1e4), arr(0, 0)), (arr(0, 1), arr(1, 0))),
    ("special.expit(x)", (arr(-1e4, 1e4),), arr(0, 0)), ("np.tanh(x)", (arr(-1e4, 1e4),), arr(0, 0)),
    ("special.logsumexp(x)", (arr(1e4, 0),), arr(1, 0)),
])
def test_far_away(text: str, operands: tuple[Any, ...], wanted: Any) -> None:
    same(gradients(text, *operands), wanted)


@pytest.mark.parametrize("text", ["np.floor(x)", "np.ceil(x)", "np.sign(x)", "np.round(x)", "np.rint(x)", "np.trunc(x)", "x // 2",
    "np.floor_divide(x, 2)", "(x > 0) * 1.0"])
def test_piecewise_constant_functions_have_derivative_zero(text: str) -> None:
    same(gradients(f"{text} + 0 * x", arr(-1.5, 0, 2)), arr(0, 0, 0))
    same(gradients(text, arr(-1.5, 0, 2)), arr(0, 0, 0))


@pytest.mark.parametrize("text", ["round(x)", "int(x)", "math.floor(x)", "math.ceil(x)", "x // 2", "math.trunc(x)", "x > 0"])
def test_piecewise_constant_functions_of_numbers_have_derivative_zero(text: str) -> None:
    same(gradients(f"({text}) * x", 2.5), float(eval(text, {"x": 2.5, "math": math})))


def test_a_reciprocal_is_written_as_in_the_notes_and_has_their_range() -> None:
    """`-1 / x**2` leaves the range of a Python float before 1 / x does: it raises, it is not wrong."""
    from srcad import grad

    def reciprocal(x):
        return 1 / x

    assert grad(reciprocal)(2.0) == -0.25
    with pytest.raises((ZeroDivisionError, OverflowError)):
        grad(reciprocal)(1e-200)


@table([
    # ties of what is sorted: each tied element stands for one place
    ("np.sort(x) * np.array([1.0, 2.0, 3.0])", (arr(2, 1, 3),), arr(2, 1, 3)),
    ("np.sort(x)[:2]", (arr(1, 1, 1),), arr(1, 1, 0)),
    ("ndimage.maximum_filter(x, 3)", (arr(1, 1, 0, 5),), arr(7 / 6, 5 / 6, 0, 2)),
    ("ndimage.minimum_filter(x, 3, mode='constant')", (arr(1, 2, 3),), arr(1, 0, 0)),
    ("ndimage.median_filter(x, 3)", (arr(4, 4, 9),), arr(7 / 6, 5 / 6, 1)),
    ("np.setdiff1d(x, y)", (arr(2, 1, 2, 3), arr(3)), (arr(1, 1, 0, 0), arr(0))),
    ("np.intersect1d(x, y)", (arr(2, 1, 2, 3), arr(3, 2)), (arr(1, 0, 0, 1), arr(0, 0))),
    ("np.trim_zeros(x) * 2.0", (arr(0, 3, 0, 4, 0, 0),), arr(0, 2, 2, 2, 0, 0)), ("np.trim_zeros(x, 'b')", (arr(0, 0),), arr(0, 0)),
    ("np.histogram(x, 2)[1]", (arr(1, 1, 4),), arr(0.75, 0.75, 1.5)),
    ("np.partition(x, 1)[:1]", (arr(2, 1, 3),), arr(0, 1, 0)),
    # ties at a quantile share evenly
    ("np.median(x)", (arr(1, 1, 3),), arr(0.5, 0.5, 0)),
    ("np.median(x)", (arr(1, 2, 2, 3),), arr(0, 0.5, 0.5, 0)),
    ("np.median(x)", (arr(2, 2, 2, 2),), arr(0.25, 0.25, 0.25, 0.25)),
    ("np.quantile(x, 0.25)", (arr(1, 2, 3),), arr(0.5, 0.5, 0)),
    ("np.quantile(x, 0.1)", (np.arange(11.0),), np.eye(11)[1]),
    ("np.percentile(x, 100)", (arr(1, 5, 5),), arr(0, 0.5, 0.5)),
    ("np.nanmedian(x)", (arr(1, nan, 3),), arr(0.5, 0, 0.5)),
    ("np.ptp(x)", (arr(2, 2),), arr(0, 0)),
    ("np.ptp(x)", (arr(1, 4, 4, 2),), arr(-1, 0.5, 0.5, 0)),
    ("np.unique(x)", (arr(2, 1, 2),), arr(1, 1, 0)),
    # products with zeros
    ("np.cumprod(x)", (arr(2, 0, 3),), arr(1, 8, 0)),
    ("np.cumprod(x)", (arr(0, 0, 3),), arr(1, 0, 0)),
    ("np.nanprod(x)", (arr(0, nan, 3),), arr(3, 0, 0)),
    # norms at 0
    ("np.linalg.norm(x, 2)", (np.zeros((2, 2)),), np.zeros((2, 2))),
    ("np.linalg.norm(x, 'nuc')", (np.zeros((2, 2)),), np.zeros((2, 2))),
    ("np.linalg.norm(x, 1)", (np.zeros((2, 2)),), np.zeros((2, 2))),
    ("np.linalg.norm(x, 0.5)", (arr(0, 1),), arr(0, 1)),
    ("np.nanstd(x)", (arr(1, nan, 1),), arr(0, 0, 0)),
    # what is no number
    ("np.nan_to_num(x)", (arr(1, nan, inf),), arr(1, 0, 0)),
    ("np.nansum(x)", (arr(1, nan),), arr(1, 0)),
    ("np.sinc(x)", (arr(0, 1),), arr(0, -1)),
    # equal eigenvalues: the values have a derivative, their sum that of the trace
    ("np.linalg.eigvalsh(x)", (np.eye(2),), np.eye(2)),
    # selection: what is in the branch not taken does not count
    ("np.select([x > 0], [np.sqrt(x)], 0.0)", (arr(0, 4),), arr(0, 0.25)),
    ("np.piecewise(x, [x > 0], [np.sqrt, 0.0])", (arr(0, 4),), arr(0, 0.25)),
    # repeated indices
    ("np.take(x, [1, 1, 1])", (arr(1, 2),), arr(0, 3)),
    ("np.bincount(np.array([0, 0]), x)", (arr(1, 2),), arr(1, 1)),
    ("np.pad(x, 2, mode='reflect')", (arr(1, 2, 3),), arr(2, 3, 2)),
    # whole numbers
    ("np.sum(x, dtype=int)", (arr(1.5, 2.5),), arr(0, 0)),
    ("np.array(x, dtype=int) * 1.0", (arr(1.5, 2.5),), arr(0, 0)),
    ("np.linspace(x, 4.0, 3, dtype=int)", (1.5,), 0.0),
])
def test_of_the_larger_functions(text: str, operands: tuple[Any, ...], wanted: Any) -> None:
    with np.errstate(all="ignore"):
        same(gradients(text, *operands), wanted)


def test_vectors_of_equal_eigenvalues_are_not_a_number() -> None:
    with np.errstate(all="ignore"):
        found = gradients("np.linalg.eigh(x)[1] * np.array([[1.0, 2.0], [3.0, 5.0]])", np.eye(2))
    assert np.isnan(found).any()


def test_shares_that_are_all_given() -> None:
    """Each is differentiated as if the others stayed; along a direction in which they sum to 1 that is the derivative."""
    shares, powers, along = np.array([0.2, 0.5, 0.3]), np.array([1.5, 2.5, 3.0]), np.array([1.0, -0.25, -0.75])
    found, _ = gradients("stats.dirichlet.logpdf(x, y)", shares, powers)
    f = function_of("def f(x, y):\n    return stats.dirichlet.logpdf(x, y)\n")
    assert abs(found @ along - (f(shares + 1e-5 * along, powers) - f(shares - 1e-5 * along, powers)) / 2e-5) < 1e-7


def test_logaddexp_is_smooth_where_its_operands_are_equal() -> None:
    slope = srcad.grad(srcad.grad(lambda x, y: np.logaddexp(x, y), wrt="x"), wrt=("x", "y"))
    assert slope(0.4, 0.4) == (0.25, -0.25)
    first = srcad.elementwise_grad(lambda x: np.logaddexp(x, 0.0))
    np.testing.assert_allclose(first(np.array([-800.0, 0.0, 800.0])), [0.0, 0.5, 1.0], atol=1e-300)


def test_the_second_derivative_of_sinc_at_0() -> None:
    second = srcad.hessian(function_of("def f(x):\n    return np.sum(np.sinc(x))\n"))
    np.testing.assert_allclose(second(arr(0, 1)), [[-(np.pi**2) / 3, 0.0], [0.0, 2.0]], atol=1e-12)


def test_xlogy_where_x_is_0() -> None:
    same(gradients("special.xlogy(x, y)", arr(0.0, 0.0, 2.0), arr(2.0, 0.0, 1.0)), (arr(np.log(2), 0, 0), arr(0, 0, 2)))
    same(gradients("special.xlog1py(x, y)", arr(0.0, 0.0, 2.0), arr(1.0, -1.0, 0.0)), (arr(np.log(2), 0, 0), arr(0, 0, 2)))
    second = srcad.hessian(function_of("def f(x):\n    return special.xlogy(x[0], x[1])\n"))
    np.testing.assert_allclose(second(arr(0.0, 2.0)), [[0.0, 0.5], [0.5, 0.0]])


@pytest.mark.parametrize(("numbers", "wanted"), [
    ((0.0, 2.0, 3.0), [[0, 3, 2], [3, 0, 0], [2, 0, 0]]), ((0.0, 2.0, 0.0), [[0, 0, 2], [0, 0, 0], [2, 0, 0]]), ((1.0, 2.0, 3.0), [[0, 3, 2], [3, 0, 1], [2, 1, 0]]),
    ((0.0, 0.0, 0.0), [[0, 0, 0]] * 3),
])
def test_the_second_derivative_of_a_product_with_zeros(numbers: tuple[float, ...], wanted: Any) -> None:
    np.testing.assert_allclose(srcad.hessian(function_of("def f(x):\n    return np.prod(x)\n"))(np.array(numbers)), wanted)
    rows = function_of("def f(x):\n    return np.sum(np.prod(x.reshape(1, 3), axis=1))\n")
    np.testing.assert_allclose(srcad.hessian(rows)(np.array(numbers)), wanted)
    products = function_of("def f(x):\n    return np.cumprod(x)[-1]\n")
    np.testing.assert_allclose(srcad.hessian(products)(np.array(numbers)), wanted)
