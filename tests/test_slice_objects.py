"""A slice that is made as an object is the slice that brackets spell: a view, and one that writes reach."""
from __future__ import annotations

import numpy as np
import pytest

import srcad

X = np.array([0.3, 0.7, -0.4, 0.9])
OUTSIDE = slice(1, 3)


def written_through(x):
    y = x * 1
    y[slice(1, None)][0] = 2 * x[2]
    return np.sum(y**2)


def argument_written_to(x):
    z = x[slice(1, None)]
    y = x * 1
    y *= 2
    x[2] = 5.0
    return np.sum(y**2) + np.sum(z**2)


def named(x):
    y = x * 1
    s = slice(2)
    z = y[s]
    z[0] = x[1] ** 2
    y[slice(None)][3] = x[0]
    return np.sum(y**3)


def with_another_axis(x):
    y = x * 1
    z = y[slice(1, 3), None]
    z[0] = x[0] ** 2
    ix = (slice(1, 3),)
    w = y[ix]
    w *= x[0]
    return np.sum(y**3)


def in_a_list(x):
    y = x * 1
    a, b = [y[s] for s in (slice(0, 2), slice(2, 4))]
    a *= b
    return np.sum(y**3)


def out(x):
    y = x * 1
    np.sin(x[:3], out=y[slice(1, None)])
    return np.sum(y**3)


def turned(x):
    n = len(x) // 2
    y = x * 1
    s = slice(n, None)
    y[s] *= y[:n]
    z = y[slice(None, None, -1)]
    z[0] = 3 * x[0]
    return np.sum(y**2 * np.arange(4.0))


def assembled(x):
    K = np.zeros((4, 4))
    for e in range(3):
        s = slice(e, e + 2)
        K[s, s] += x[e] * np.array([[1.0, -1.0], [-1.0, 1.0]])
    return np.sum(K**2 * np.arange(16.0).reshape(4, 4))


def over_slices(x):
    out = 0.0
    for s in [slice(0, 2), slice(2, 4)]:
        out += np.prod(x[s])
    return out


def its_ends(x):
    s = slice(1, 3)
    return np.sum(x[s.start : s.stop] ** 2) + x[s][0]


def part(x, s):
    return np.sum(x[s] ** 2)


def passed_on(x):
    return part(x, slice(1, None)) + part(x, slice(None, -1, 2)) + part(x, 1) + part(x, OUTSIDE) + np.sum(np.delete(x, slice(0, 2)))


def one_or_another(x):
    s = slice(0, 2) if x[0] > 0 else slice(1, 3)
    return np.sum(x[s] ** 2)


def handed_on(x):
    s = slice(0, 2)
    for i in range(70):
        x = np.sin(x) * 1.1
        s = slice(i % 2, i % 2 + 2)
    return np.sum(x[s] ** 2)


PROGRAMS = [one_or_another, handed_on, written_through, argument_written_to, named, with_another_axis, in_a_list, out, turned, assembled, over_slices, its_ends, passed_on]


@pytest.mark.parametrize("program", PROGRAMS, ids=lambda f: f.__name__)
def test_gradients(program):
    found = srcad.grad(program)(X.copy())
    wanted = [(program(X + e) - program(X - e)) / 2e-6 for e in np.eye(4) * 1e-6]
    np.testing.assert_allclose(found, wanted, rtol=1e-4, atol=1e-6)
    one, two = X.copy(), X.copy()
    program(one)
    srcad.grad(program)(two)
    np.testing.assert_array_equal(one, two)


def test_they_are_spelled():
    text = srcad.grad(assembled).source_for(X)
    assert "K[e:e + 2, e:e + 2] += " in text and "np.add.at" not in text
