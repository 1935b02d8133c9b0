"""Bounds, sizes and indices that the program counts itself: min and max of loop indices, as many rows as a mask has, triangles of a matrix."""
import numpy as np
import pytest

import srcad

RANDOM = np.random.default_rng(5)
LONG, SHORT = RANDOM.normal(size=700), RANDOM.normal(size=8)
SQUARE = np.array([[1.0, -2.0, 0.3], [-0.5, 3.0, 0.2], [0.1, -0.7, 0.9]])
LAGS = np.array([0.5, 0.2, 0.1])
GROUPS = np.array([0, 1, 0, 2, 1, 2])


def first_ones(x):
    e = 0.0
    for t in range(len(x)):
        for i in range(min(2, t)):
            e = e + np.sin(x[i]) * t
    return e


def last_ones(x):
    e = 0.0
    for t in range(len(x)):
        for i in range(max(0, t - 2), t):
            e = e * 0.5 + np.sin(x[i] * t)
    return e


def autoregression(x, a=LAGS):
    e, s = np.zeros(len(x)), 0.0
    for t in range(len(x)):
        p = 0.0
        for j in range(1, min(t, len(a)) + 1):
            p += a[j - 1] * x[t - j]
        e[t] = x[t] - p
        s += e[t] ** 2
    return s


def moving_mean(x):
    s = 0.0
    for t in range(len(x)):
        low, high = max(0, t - 2), min(len(x), t + 3)
        s += np.mean(x[low:high]) ** 2
    return s


def in_groups(x):
    t = 0.0
    for g in range(3):
        z = np.linalg.solve(2 * np.eye(np.sum(g == GROUPS)), x[:6][g == GROUPS])
        t += z @ z
    return t


def as_many_zeros(x):
    total = np.zeros(np.sum(x > 0))
    total += x[x > 0]
    return total @ total


def close(found, f, x):
    for i in list(np.ndindex(x.shape))[:6]:
        e = np.zeros_like(x)
        e[i] = 1e-6
        assert np.isclose(found[i], (f(x + e) - f(x - e)) / 2e-6, rtol=1e-4, atol=1e-4)


@pytest.mark.parametrize("program", [first_ones, last_ones, autoregression, moving_mean, in_groups, as_many_zeros], ids=lambda f: f.__name__)
@pytest.mark.parametrize("x", [LONG, SHORT], ids=["long", "short"])
def test_bounds_that_are_counted(program, x):
    close(srcad.grad(program)(x), program, x)


def test_long_loops_stay_loops():
    assert "for t in reversed(range(len(x))):" in srcad.grad(autoregression, wrt="x").source_for(SHORT)


def least(c):
    i, j = np.unravel_index(np.argmin(c), c.shape)
    return c[i, j] ** 2


def some(c):
    i, j = np.unravel_index(np.array([0, 3]), c.shape)
    return np.sum(c[i, j] ** 2)


def upper(c):
    i, j = np.triu_indices(3)
    return np.sum(c[i, j] ** 2)


def lower(c):
    i, j = np.tril_indices(len(c), -1)
    return np.sum(c[i, j] ** 3)


def upper_of(c):
    return np.sum(np.sin(c[np.triu_indices_from(c, k=1)]))


def diagonal(c):
    i, j = np.diag_indices(3)
    return np.sum(c[i, j] ** 2) + np.sum(c[np.diag_indices_from(c)])


def symmetric(c):
    a = np.zeros((3, 3))
    a[np.triu_indices(3)] = c.ravel()[:6]
    i, j = np.tril_indices(3)
    a[i, j] = a.T[i, j]
    return np.sum(np.sin(a @ a))


@pytest.mark.parametrize("program", [least, some, upper, lower, upper_of, diagonal, symmetric], ids=lambda f: f.__name__)
def test_indices_that_numpy_makes(program):
    close(srcad.grad(program)(SQUARE), program, SQUARE)
