"""`_` is a name like any other: a variable of the user's by that name is not what loops count with."""
from __future__ import annotations

import numpy as np
import pytest

import srcad


def parameter(x, y, _):
    for t in range(9):  # noqa: B007
        x = x * 0.9 + y * _
    return x


def with_a_break(x, y, _):
    for j in range(9):  # noqa: B007
        if x > 100:
            break
        x = x + y * _
    return x * _


def read_after(x, y, _):
    z = x * _
    for j in range(9):  # noqa: B007
        x = x * 0.9 + np.sin(z) * y
    return x * _ * np.sin(z)


def counter(x, y, w):
    v = np.array([x, y, w])
    for _ in range(3):
        for t in range(4):  # noqa: B007
            y = y * 0.9 + v[_] * w
    return y


def counter_of_both(x, y, w):
    v = np.array([x, y, w])
    for _ in range(3):
        for t in range(3):
            y = y * 0.9 * v[_] + v[t]
    return y


def local(x, y, w):
    _ = x * y
    out = sum([0.5 * x for _ in range(3)])
    return out * _ + sum(_ * w for _ in [x, y, w])


def nested_comprehensions(x, y, w):
    return sum([_ * sum(_ * w for _ in [x, y]) * y for _ in [x, w]])


def views(x, y, w):
    a = np.array([[x, y], [y, w], [w, x]])
    _ = 1
    v = a[_]
    v *= 2.0
    a[:, _] += x
    return np.sum(a[_] * v * np.arange(2.0)) + np.sum(a ** 2)


_ = 1.5


def from_outside(x, y, w):
    for t in range(9):  # noqa: B007
        x = x * 0.9 + y * globals_(w)
    return x


def globals_(w):
    return w * _


def a_list(x, y, w):
    items = []
    for t in range(3):
        items.append(x * t + y)
    _ = w
    return sum(items) * _


PROGRAMS = [parameter, with_a_break, read_after, counter, counter_of_both, local, nested_comprehensions, views, from_outside, a_list]


@pytest.mark.parametrize("program", PROGRAMS, ids=lambda f: f.__name__)
def test_gradients(program):
    gradient = srcad.grad(program)
    gradient.check(0.7, 1.2, 0.4)
    value, found = gradient.value_and_grad(0.7, 1.2, 0.4)
    assert value == pytest.approx(program(0.7, 1.2, 0.4)) and found == pytest.approx(gradient(0.7, 1.2, 0.4))
    out, cache = gradient.forward(0.7, 1.2, 0.4)
    assert gradient.backward(1.0, cache) == pytest.approx(found)
    assert srcad.grad(program, checkpoint="sqrt")(0.7, 1.2, 0.4) == pytest.approx(found)
    assert srcad.jvp(program, (0.7, 1.2, 0.4), (1.0, 0.0, 0.0))[1] == pytest.approx(found[0])


@pytest.mark.parametrize("program", [parameter, with_a_break, read_after, counter, counter_of_both, from_outside], ids=lambda f: f.__name__)
def test_compiled(program):
    pytest.importorskip("numba")
    assert srcad.grad(program, backend="numba")(0.7, 1.2, 0.4) == pytest.approx(srcad.grad(program)(0.7, 1.2, 0.4))


def test_a_function_without_one_counts_with_it():
    def program(x):
        for t in range(9):  # noqa: B007
            x = x * 0.9
        return x

    assert "for _ in range(9)" in srcad.grad(program).source_for(0.7)
