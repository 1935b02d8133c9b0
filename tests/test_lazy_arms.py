"""What a loop keeps in a list comes off it in every pass, also where one arm of a condition alone uses it."""
from __future__ import annotations

import math

import numpy as np
import pytest

import srcad

X = np.array([3.0, -1.0, 2.5, 0.9, 1.2, 0.3])
W = np.arange(6.0) - 2.2


def squared_hinge(x):
    t = 0.0
    for e in x:
        t += max(e - 1.0, 0.0) ** 2
    return t


def rectified_list(x, w):
    return np.array([max(0.0, e) for e in x]) @ w


def rises(x):
    t = 0.0
    for i in range(len(x) - 1):
        t += max(x[i + 1] - x[i], 0.0) ** 2
    return t


def margins(x, w):
    t = 0.0
    for a, b in zip(x, w):
        t += max(1 - a * b, 0.0) ** 2
    return t


def logarithms(x):
    t = 0.0
    for e in x:
        t += math.log(max(e, 0.1))
    return t


def generated(x):
    return sum(max(e - 1.0, 0.0) ** 2 for e in x)


def while_loop(x):
    t = 0.0
    i = 0
    while i < len(x):
        t += max(x[i] - 1.0, 0.0) ** 3
        i += 1
    return t


def into_an_array(x, w):
    y = np.zeros(6)
    for i in range(6):
        y[i] = max(x[i] * w[i] - 1.0, 0.0) ** 2
    return y.sum()


def appended(x):
    out = []
    for i in range(6):
        out.append(max(x[i] - 1, 0.0) ** 2)
    return sum(out)


def spread(x):
    return np.std([max(s - 0.5, 0.0) for s in x])


def compounded(x):
    return np.prod(1 + np.array([max(s - 0.5, 0.0) for s in x]))


def two_conditions(x):
    t = 0.0
    for e in x:
        t += abs(e - 1.0) ** 3 + (e**2 if e > 0 and e * e > 1 else 0.0)
    return t


def layer(x, w):
    h = []
    for i in range(6):
        s = 0.0
        for j in range(6):
            s += x[i] * w[j]
        h.append(max(0.0, s) * w[i])
    return sum(h)


def of_three(x):
    t = 0.0
    for e in x:
        t += max(e * e - 1.0, math.sin(e), 0.2) ** 2
    return t


def carried(x):
    t = 0.0
    for e in x:
        s = e * t + e
        t = t + (s * s if s > 0.1 or e > 1 else s)
    return t


def payoff(x):
    v = np.array([max(0.0, (x[0] * 1.1**j * 0.9 ** (5 - j) - 3.1) * -1) for j in range(6)])
    for i in range(5):
        v = 0.5 * v[1:] + 0.5 * v[:-1] + x[i] * 0.01
    return v[0]


ONE = [squared_hinge, rises, logarithms, generated, while_loop, appended, spread, compounded, two_conditions, of_three, carried, payoff]
TWO = [rectified_list, margins, into_an_array, layer]


@pytest.mark.parametrize("program", ONE + TWO)
def test_gradient(program):
    args = (X,) if program in ONE else (X, W)
    gradient = srcad.grad(program)
    gradient.check(*args)
    assert np.isclose(gradient.value_and_grad(*args)[0], program(*args))
    out, cache = gradient.forward(*args)
    for _ in range(2):
        for found, wanted in zip(np.atleast_2d(gradient.backward(1.0, cache)), np.atleast_2d(gradient(*args))):
            np.testing.assert_allclose(found, wanted)


@pytest.mark.parametrize("program", [squared_hinge, margins, of_three])
def test_what_comes_off_is_not_in_an_arm(program):
    text = srcad.grad(program).source_for(*((X,) if program in ONE else (X, W)))
    assert not any(".pop()" in line and " if " in line for line in text.splitlines())
