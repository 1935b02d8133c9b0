"""A path on which a function ends without `return` gives None, which has no gradient: it raises there."""
from __future__ import annotations

import numpy as np
import pytest

import srcad


def square_of_positive(x):
    if x > 0:
        return x * x


def first_positive(x):
    for i in range(3):
        if x[i] > 0:
            return x[i] ** 2


def by_sign(x):
    if x > 1:
        return x
    elif x > 0:
        return x * x


def through_a_helper(x):
    return square_of_positive(x) + 1


CASES = [(square_of_positive, 3.0, -1.0), (first_positive, np.array([-1.0, 2.0, 3.0]), -np.ones(3)), (by_sign, 0.5, -0.5), (through_a_helper, 2.0, -2.0)]


@pytest.mark.parametrize("program, good, bad", CASES, ids=lambda c: getattr(c, "__name__", ""))
@pytest.mark.parametrize("backend", ["numpy", "numba"])
def test_it_raises(program, good, bad, backend):
    gradient = srcad.grad(program, backend=backend)
    gradient.check(good)
    for made in (gradient, srcad.value_and_grad(program, backend=backend)):
        with pytest.raises(TypeError, match=r"returned None"):
            made(bad)


def test_what_always_returns_asks_nothing():
    def halved(x):
        while True:
            x = x / 2
            if x < 1:
                return x * x

    def signed(x):
        if x > 0:
            return x * x
        else:
            return -x

    for program in (halved, signed):
        srcad.grad(program).check(5.0)
        assert "None" not in srcad.grad(program).source_for(5.0)


def test_procedures_return_nothing():
    def doubled(y):
        if y[0] > 0:
            y[0] = 2 * y[1]

    def program(x):
        y = x.copy()
        doubled(y)
        return np.sum(y)

    srcad.grad(program).check(np.array([1.0, 3.0]))
    assert "None" not in srcad.grad(program).source_for(np.array([1.0, 3.0]))
