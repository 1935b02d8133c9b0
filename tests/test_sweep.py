"""What a sweep of NumPy's, SciPy's and Python's functions found: gradients that were wrong, and what is refused in their place."""
from __future__ import annotations

import logging
import math
import operator

import numpy as np
import pytest

import srcad

X = np.array([1.5, 2.0])
Y = np.array([1.0, 5.0, 3.0])
WHOLE = np.array([1, 2])


def unsure(x):
    return np.isclose(x, x) * x  # of a dtype that is not known


def triangle(pos):
    i, j = np.triu_indices(len(pos), 1)
    return np.sum(np.sqrt(np.sum((pos[i] - pos[j]) ** 2, 1)))


RIGHT = [
    (lambda x: math.fsum(map(abs, x)), (X,)), (lambda x, w: math.fsum(map(operator.mul, x, w)), (X, X + 1)), (lambda x: math.fsum(reversed([x[0], x[1] * x[1]])), (X,)),
    (lambda x: math.prod(reversed(x)), (X,)), (lambda x: math.fsum(map(lambda v: v * v, x)), (X,)),
    (lambda x, y: np.sum(np.setdiff1d(x, y) * np.arange(1, 4)), (Y, Y + 0.5)),
    (lambda x: (x + 2j).real * 2 + (x + 2j).imag * 3, (1.5,)), (lambda x: np.real(z := np.mean(x) + 2j) * 2 + z.imag * 3, (X,)),
    (lambda y, d: np.trapezoid(y, dx=d) if hasattr(np, "trapezoid") else np.trapz(y, dx=d), (Y, X)), (lambda x: np.sum(pow(x, 0.5)) + np.sum(pow(x, -1)), (X,)), (lambda x, y: np.sum(pow(x, y)), (X, X - 1)),
    (lambda x: np.sum(np.real((np.real(np.exp(1j * unsure(x))) * (1 + 2j)) ** 2)), (X,)), (lambda x: np.sum(np.abs(np.abs(np.exp((1j + 1) * unsure(x))) * (1 + 2j) + 1j) ** 2), (X,)),
    (triangle, (np.arange(8.0).reshape(4, 2) ** 2,)), (lambda a: np.sum(a[np.tril_indices(3, 1)] * np.arange(8.0)), (np.arange(9.0).reshape(3, 3),)),
    (lambda a: np.sum(a[np.tril_indices_from(a, -1)] * np.arange(3.0)), (np.arange(9.0).reshape(3, 3),)), (lambda p: p @ np.log(p), (X,)), (lambda p: np.sum(-p * np.log(3 * p)), (X,)),
]
REFUSED = [
    (lambda x: math.fsum(iter([x[0], x[1] ** 2])), (X,), "iterator"),
    (lambda x: np.real(np.sign(x + 2j)), (1.5,), "sign"), (lambda x: np.average(x, axis=(1, 0), weights=np.ones((3, 2))), (np.ones((2, 3)),), "axes in another order"),
    (lambda y, x: np.trapezoid(y, x) if hasattr(np, "trapezoid") else np.trapz(y, x), (np.arange(5.0), X), "spread over others"), (lambda a: np.sum(np.diff(a, 0, prepend=1.0) ** 2), (Y,), "n=0"),
    (lambda a: np.sum(np.logical_or.accumulate(a)) + np.sum(a), (Y,), "accumulate"), (lambda a: np.sum(np.full_like(WHOLE, a)), (1.7,), "whole numbers"),
    (lambda p: np.sum(np.polyval(p, 0.5)), (np.ones((3, 2)),), "no vector"), (lambda x: np.sum(np.ix_(x)[0] ** 2), (Y,), "indices only"),
]


@pytest.mark.parametrize("program, args", RIGHT)
def test_gradient(program, args):
    srcad.grad(program).check(*args)


@pytest.mark.parametrize("program, args, reason", REFUSED)
def test_refusal(program, args, reason):
    with pytest.raises(srcad.SrcadError, match=reason):
        srcad.grad(program)(*args)


def test_pairs_by_their_indices_need_no_helpers():
    text = srcad.grad(triangle).source_for(np.arange(8.0).reshape(4, 2) ** 2)
    assert text.count("def ") == 1


def test_x_over_x_is_one():
    def entropy(p):
        return -np.sum(p * np.log(p))

    assert "dp -= 1.0\n" in srcad.grad(entropy).source_for(X)


def test_a_condition_is_not_its_tangent():
    value, tangent = srcad.jvp(lambda x: np.sum(np.where(x, x, 0.0)), (np.array([1.0, 5.0]),), (np.ones(2),))
    assert (value, tangent) == (6.0, 2.0)


@pytest.mark.parametrize("program", [
    lambda a: np.sum(a.reshape((4, 3), order="F") * np.arange(12.0).reshape(4, 3)), lambda a: np.sum(a.ravel("F") * np.arange(12.0)), lambda a: np.sum(a.flatten("F") * np.arange(12.0)),
    lambda a: math.hypot(a[0, 0], a[0, 1], 3.0),
])
def test_compiled_code_drops_nothing(program):
    pytest.importorskip("numba")
    a = np.arange(12.0).reshape(3, 4) + 0.5
    with pytest.raises(srcad.SrcadError, match="not compiled"):
        srcad.value_and_grad(program, backend="numba")(a)


@pytest.mark.parametrize("program, args", [(lambda x, y: np.sum(np.logical_and(x, y) * x), (X, X)), (lambda x: np.sum(np.linspace(x, 2.0, 1)), (1.0,)), (lambda a: np.sum(a.reshape((2, 1), order="C") ** 2), (X,))])
def test_compiled_as_numpy(program, args):
    pytest.importorskip("numba")
    compiled, plain = (srcad.value_and_grad(program, backend=b)(*args) for b in ("numba", "numpy"))
    for found, wanted in zip(compiled, plain):
        np.testing.assert_allclose(found, wanted)


def test_what_is_logged_is_logged(caplog):
    log = logging.getLogger("of the program")

    def program(x):
        y = np.sum(x**2)
        log.warning("y %s", y)
        return y

    np.testing.assert_allclose(srcad.grad(program)(X), 2 * X)
    assert caplog.messages == ["y 6.25"]
