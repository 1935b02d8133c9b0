"""Loops over several things at once: ranges from anywhere, turned round, beside arrays and lists that grow."""
from __future__ import annotations

import numpy as np
import pytest

import srcad


def numbered_range(x):
    t = 0.0
    for i, k in enumerate(range(1, len(x))):
        t = t * 0.7 + x[k] * x[i] * (i + 1)
    return t


def numbered_from_the_end(x):
    t = 0.0
    for n, i in enumerate(reversed(range(len(x)))):
        t = t * 0.7 + x[i] * np.sin(x[n])
    return t


def every_other_from_the_end(x):
    t = 0.0
    for n, i in enumerate(reversed(range(1, len(x), 2)), start=2):
        t = t * 0.7 + x[i] * np.sin(x[n - 2]) * n
    return t


def both_ends(x):
    t = 0.0
    for i, k in zip(range(0, len(x), 2), range(len(x) - 1, -1, -2)):
        t = t * 0.7 + x[i] * x[k] * (i + 1)
    return t


def array_beside_strides(x):
    t = 0.0
    for v, i in zip(x[1:], range(1, len(x) + 5, 3)):
        t = t * 0.7 + v * i
    return t


def numbered_pairs(x):
    t = 0.0
    for n, (i, v) in enumerate(zip(reversed(range(len(x))), x)):
        t = t * 0.7 + x[i] * np.sin(x[n]) * v
    return t


def triangle(x):
    A = np.zeros((len(x), len(x)))
    for i in range(len(x)):
        for n, j in enumerate(range(i + 1, len(x))):
            A[i, j] = x[i] * x[j] * (n + 1)
    return np.sum(A * A)


def filled(x):
    held = []
    for v in x:
        held.append(np.sin(v))
    return held


def list_from_its_end(x):
    t = 0.0
    for i, v in enumerate(reversed(filled(x))):
        t = t * 0.7 + v * x[i]
    return t


def list_both_ways(x):
    held, t = filled(x), 0.0
    for v, w in zip(reversed(held), held):
        t = t * 0.7 + v * w ** 2
    return t


def end_of_before(x):
    held = filled(x)
    back = reversed(held)
    held.append(x[0])
    t = 0.0
    for v in back:
        t = t * 0.7 + v
    return t


def numbered_end_of_before(x):
    held = filled(x)
    back = reversed(held)
    held.append(x[0])
    t = 0.0
    for i, v in enumerate(back):
        t = t * 0.7 + v * x[i]
    return t


def growing_and_turned(x):
    held, t = [], 0.0
    for v in x:
        held.append(np.sin(v))
        for i, w in enumerate(reversed(held)):
            t = t * 0.7 + w * x[i]
    return t * held[-1]


def greatest_and_least(x):
    return max(x) * 2 + min(x * x) ** 2 - max(np.sin(x))


PROGRAMS = [numbered_range, numbered_from_the_end, every_other_from_the_end, both_ends, array_beside_strides, numbered_pairs, triangle, list_from_its_end,
            list_both_ways, end_of_before, numbered_end_of_before, growing_and_turned, greatest_and_least]


def difference(f, x):
    return [(f(x + h) - f(x - h)) / 2e-6 for h in np.eye(len(x)) * 1e-6]


@pytest.mark.parametrize("f", PROGRAMS, ids=lambda f: f.__name__)
def test_they_are_right_for_every_size(f):
    gradient = srcad.grad(f)
    for n in (5, 8, 2, 1, 5):
        x = np.cos(np.arange(n) * 1.3 + 0.4)
        np.testing.assert_allclose(gradient(x), difference(f, x), rtol=1e-5, atol=1e-8)


@pytest.mark.parametrize("f", PROGRAMS[:9], ids=lambda f: f.__name__)
def test_compiled(f):
    pytest.importorskip("numba")
    x = np.cos(np.arange(6) * 1.3 + 0.4)
    np.testing.assert_allclose(srcad.grad(f, backend="numba")(x), srcad.grad(f)(x), rtol=1e-9)


def test_places_are_reckoned_again_and_loops_stay_loops():
    x = np.ones(5)
    assert "k = x.shape[0] - 2 * i2 - 1" in srcad.grad(both_ends).source_for(x)
    assert srcad.grad(both_ends).source_for(x).count("for ") == 1
    assert srcad.grad(triangle).source_for(x).count("for ") == 4
    assert ".append(" not in srcad.grad(triangle).source_for(x)


def test_ranges_that_may_end_before_they_begin():
    def f(x, start):
        t = 0.0
        for i, j in enumerate(range(start, len(x))):
            t = t * 0.5 + x[j] * x[i]
        return t

    gradient = srcad.grad(f, wrt="x")
    x = np.cos(np.arange(5.0))
    for start in (2, 0, 5, 7):
        np.testing.assert_allclose(gradient(x, start), difference(lambda x: f(x, start), x), rtol=1e-5, atol=1e-8)


def test_ranges_that_only_the_run_can_tell():
    def up_to(x):
        t, k = 0.0, int(np.floor(x[-1]))
        for i, j in enumerate(range(k + 1)):
            t = t * 0.9 + x[i] * np.sin(x[j]) * (i + 1)
        return t

    def from_there(x):
        t, k = 0.0, int(np.floor(x[-1]))
        for i, j in enumerate(range(k, len(x))):
            t = t * 0.9 + x[i] * np.sin(x[j])
        return t

    gradient = srcad.grad(up_to)
    for end in (2.5, -3.5, 3.5):
        x = np.array([0.3, -0.5, 1.2, 0.7, end])
        np.testing.assert_allclose(gradient(x), difference(up_to, x), rtol=1e-5, atol=1e-8)
    with pytest.raises(srcad.UnsupportedSyntaxError, match="ranges whose ends are known in sizes"):
        srcad.grad(from_there)(x)


def test_the_greatest_of_a_matrix_is_refused():
    with pytest.raises(srcad.UnsupportedSyntaxError, match="more than one dimension: use np.max"):
        srcad.grad(lambda x: max(x))(np.ones((2, 2)))
