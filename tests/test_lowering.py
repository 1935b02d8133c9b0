"""What the compiled backend is given: arguments in NumPy's order, lists before they are filled."""
from __future__ import annotations

import numpy as np
import pytest

import srcad

pytest.importorskip("numba")

A = np.random.default_rng(0).normal(size=(3, 3))
PROGRAMS = {
    "mean with a dtype": lambda a: np.sum(np.mean(a, 1, np.float64) * a), "deviation with a dtype": lambda a: np.sum(np.std(a, 1, float) * a),
    "sum with keepdims": lambda a: np.sum(np.sum(a, 1, None, None, True) * a), "second differences": lambda a: np.sum(np.diff(a, 2) ** 2),
    "differences along the first axis": lambda a: np.sum(np.diff(a, axis=0) ** 2), "variance with ddof": lambda a: np.sum(np.var(a, 0, None, None, 1) * a[0]),
    "extreme with keepdims": lambda a: np.sum(np.max(a, 1, None, True) * a), "no differences": lambda a: np.sum(np.diff(a, 0) * a),
}


def length_before_an_append(a):
    x, held, total = a.reshape(9), [], 0.0
    for i in range(len(x)):
        m = len(held)
        held.append(x[i])
        total = total + x[m] * x[i]
    return total


def length_as_a_test(a):
    x, held = a.reshape(9), []
    for i in range(len(x)):
        if len(held) == 0:
            held.append(x[i])
        else:
            held.append(held[len(held) - 1] * x[i])
    return held[-1]


def length_after_a_loop(a):
    x, held = a.reshape(9), []
    for i in range(len(x)):
        held.append(x[i])
    return held[len(held) - 1] * len(held)


PROGRAMS |= {f.__name__: f for f in (length_before_an_append, length_as_a_test, length_after_a_loop)}


@pytest.mark.parametrize("f", PROGRAMS.values(), ids=PROGRAMS.keys())
def test_it_is_the_same_or_refused(f):
    wanted = srcad.grad(f)(A)
    try:
        found = srcad.grad(f, backend="numba")(A)
    except srcad.SrcadError:
        return
    np.testing.assert_allclose(found, wanted, rtol=1e-9, atol=1e-12)


def test_some_are_compiled():
    compiled = srcad.grad(PROGRAMS["sum with keepdims"], backend="numba")
    np.testing.assert_allclose(compiled(A), srcad.grad(PROGRAMS["sum with keepdims"])(A))
