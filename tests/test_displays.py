"""Short arrays that the backward pass puts together number by number."""
import math

import numpy as np
import pytest

import srcad


def field(y, k):
    return np.array([y[1], -k * np.sin(y[0]) - 0.1 * y[1]])


def euler(y, k, steps=3):
    for _ in range(steps):
        y = y + 0.1 * field(y, k)
    return y[0]


def midpoint(y, k):
    half = y + 0.05 * field(y, k)
    return np.sum(np.array([0.1, 0.2]) * (y + 0.1 * field(half, k))) * half[1]


def three(r):
    x, y, z = r
    lorenz = np.array([10.0 * (y - x), x * (28.0 - z) - y, x * y - 8.0 / 3.0 * z])
    return lorenz @ lorenz + np.sum(np.cross(r, np.array([1.0, 2.0, 3.0])))


def one_of_two(p):
    q = 2 * p
    return q[0] * q[0] + 0 * np.sum(np.ones(2) * q)


def read_in_between(p):
    q = p * np.array([1.0, 3.0])
    a = q[0]
    q[0] = a * q[1]
    q[1] = q[0] * a
    return q[0] * q[1] + np.sum(q)


def from_the_end(p):
    q = np.exp(p) * np.array([1.0, 2.0])
    return q[-1] * q[0]


def many(p):
    q = p * p
    return q[0] * q[1] + math.sin(q[2]) + q[3] * q[4] + q[5]


def lists_too(p):
    out = []
    for i in range(3):
        p = p + np.array([p[1], -p[0]]) * 0.1
        out.append(p[0] * i)
    return np.sum(np.array(out) ** 2)


PAIR = np.array([0.3, -0.7])


@pytest.mark.parametrize("program, args", [
    (euler, (PAIR, 2.0)), (midpoint, (PAIR, 2.0)), (three, (np.array([0.2, 0.5, -0.3]),)), (one_of_two, (PAIR,)), (read_in_between, (PAIR,)),
    (from_the_end, (PAIR,)), (many, (np.linspace(0.1, 0.6, 6),)), (lists_too, (PAIR,)),
], ids=lambda v: getattr(v, "__name__", ""))
def test_gradients(program, args):
    srcad.grad(program, wrt=tuple(range(len(args)))).check(*args)


def test_text():
    text = srcad.grad(euler, wrt="y").source_for(PAIR, 2.0)
    assert "np.array([1.0, 0.0])" in text and "dy[" not in text and "dtotal[" not in text, text


def whole_numbers(p, n, m):
    q = p * p
    return n * p[0] + m * p[1] + 0 * np.sum(q * np.ones(2))


def whole_numbers_alone(p, n, m):
    a, b = p
    return n * a + b * m


@pytest.mark.parametrize("program", [whole_numbers, whole_numbers_alone], ids=lambda f: f.__name__)
def test_whole_numbers(program):
    found = srcad.grad(program, wrt="p")(PAIR, 2, 3)
    assert found.dtype == np.float64 and found.tolist() == [2.0, 3.0]


def test_numbers_of_float32():
    found = srcad.grad(euler, wrt="y")(PAIR.astype(np.float32), np.float32(2.0))
    assert found.dtype == np.float32
    np.testing.assert_allclose(found, srcad.grad(euler, wrt="y")(PAIR, 2.0), rtol=1e-5)
