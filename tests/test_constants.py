"""Numbers in products: multiplied with each other where that is exact, kept out of sums, and never lost where they make floats."""
from __future__ import annotations

import numpy as np
import pytest

import srcad

R = np.random.default_rng(0)
X, Y, W = R.normal(size=(4, 3)), R.normal(size=(2, 3)), R.normal(size=4)


def distances(x, y):
    return np.sum(np.exp(-np.sqrt(np.sum((x[:, None, :] - y[None, :, :]) ** 2, axis=2))))


def length(x, y):
    d = x[0] - y[1]
    r = np.sqrt(d @ d + 0.1)
    return r ** 3


def rows(x, y):
    d = x - y[0]
    gap = np.sqrt(np.sum(d * d, axis=1))
    return np.mean(np.maximum(0, gap - 0.5) ** 2)


def root_of_the_mean(x, y):
    return np.sum((x / np.sqrt(np.mean(x ** 2, axis=-1, keepdims=True) + 1e-6) * y[0]) ** 3)


def halved_and_doubled(x, y):
    return np.sum(0.5 * x * (2 * x)) + np.sum(2 * (0.5 * y) * x[0])


def on_the_diagonal(x, y):
    return -np.mean(np.diag(x @ y.T)) + np.diag(x @ y.T)[0] ** 2


PROGRAMS = [distances, length, rows, root_of_the_mean, halved_and_doubled, on_the_diagonal]


@pytest.mark.parametrize("program", PROGRAMS, ids=lambda f: f.__name__)
def test_gradients(program):
    srcad.grad(program).check(X, Y)
    exact = srcad.grad(program)(X, Y)
    for found, wanted in zip(srcad.grad(program)(X.astype(np.float32), Y.astype(np.float32)), exact):
        assert found.dtype == np.float32
        np.testing.assert_allclose(found, wanted, rtol=1e-3, atol=1e-4)


def test_their_lines():
    text = srcad.grad(distances).source_for(X, Y)
    assert "dX" not in text and "2 * np.einsum(" in text and "dy = -2 * np.einsum(" in text
    assert "dd = dr / r * d" in srcad.grad(length).source_for(X, Y)
    assert "dd = d * (dgap / gap)[:, None]" in srcad.grad(rows).source_for(X, Y)
    assert "np.eye(" in srcad.grad(lambda x: -np.mean(np.diag(x))).source_for(X[:3])


@pytest.mark.parametrize("mask", [W > 0, np.arange(4), np.arange(4, dtype=np.uint8), W.astype(np.float32)], ids=str)
def test_what_a_number_makes_a_float_stays_one(mask):
    def program(x, m):
        return np.sum(2 * (0.5 * m) * x)

    found = srcad.grad(program, wrt="x")(W, mask)
    assert found.dtype == np.float64 and found is not mask
    np.testing.assert_allclose(found, mask)


def test_masks_are_not_contracted_as_truth_values():
    def program(x):
        m = x > 0
        return np.sum((2.0 * m) * (0.5 * m) * x) + np.sum((2 * m) @ (0.5 * m) * x)

    srcad.grad(program).check(W)


def test_a_sum_begins_with_its_first_term():
    def program(x):
        return np.sum(0.5 * x * (2 * x))

    assert "    dx = x + x\n" in srcad.grad(program).source_for(W)


# ---- ufuncs along an axis


@pytest.mark.parametrize("ufunc", [np.maximum, np.minimum, np.logaddexp, np.hypot])
@pytest.mark.parametrize("axis", [0, 1, -1, -2])
def test_accumulate_along_an_axis(ufunc, axis):
    def by_name(x):
        return np.sum(ufunc.accumulate(x, axis=axis) * x)

    def by_place(x):
        return np.sum(ufunc.accumulate(x, axis) ** 2)

    for program in (by_name, by_place):
        srcad.grad(program).check(X)
        assert np.isclose(srcad.grad(program).value_and_grad(X)[0], program(X))


def test_accumulate_is_one_loop_over_an_array():
    def reach(x):
        return np.sum(np.hypot.accumulate(x) ** 2)

    text = srcad.grad(reach).source_for(W)
    assert "rows = np.empty(x.shape)\n" in text and "list" not in text and "append" not in text
    srcad.grad(reach).check(np.array([1.0, 3.0, 2.0, 2.5, 0.5]))


def drawdown(x):
    peak = np.maximum.accumulate(x)
    return np.sum((peak - x) ** 2)


def least_so_far(x):
    return np.sum(np.minimum.accumulate(x * x[::-1]) * np.arange(x.size))


@pytest.mark.parametrize("program", [drawdown, least_so_far])
@pytest.mark.parametrize("x", [np.array([1.0, 3.0, 2.0, 2.5, 0.5, 4.0]), np.array([2.0]), np.zeros(0), np.array([3.0, 1.0, 2.0, 5.0])[::-1]], ids=str)
def test_extremes_so_far(program, x):
    gradient = srcad.grad(program)
    gradient.check(x)
    assert np.isclose(gradient.value_and_grad(x)[0], program(x))
    srcad.grad(lambda v: np.sum(srcad.grad(program)(v) ** 2)).check(x)
    pytest.importorskip("numba")
    assert np.array_equal(srcad.grad(program, backend="numba")(x), gradient(x))


def test_extremes_so_far_take_two_lines():
    text = srcad.grad(drawdown).source_for(W)
    assert "    places = np.maximum.accumulate(np.where(x == peak, np.arange(x.shape[0]), 0))\n" in text
    assert "    dx += np.bincount(places, dpeak, x.shape[0])\n" in text


@pytest.mark.parametrize("x", [np.array([1.5, -2.0, 0.5]), np.array([1.5, 0.0, 0.5]), np.array([0.0, 2.0, 0.0]), np.zeros(0), np.array([2.0])], ids=str)
def test_products_of_others(x):
    gradient = srcad.grad(lambda v: np.prod(v) * 3.0)
    assert "before * after" in gradient.source_for(x)
    others = [3.0 * np.prod(np.delete(x, i)) for i in range(x.size)]
    np.testing.assert_allclose(gradient(x), others)
    pytest.importorskip("numba")
    np.testing.assert_allclose(srcad.grad(lambda v: np.prod(v) * 3.0, backend="numba")(x), others)


def test_products_of_others_along_axes():
    x = np.array([[[1.5, 0.0], [2.0, -1.0]], [[0.5, 3.0], [0.0, 1.0]]])
    for axis in (0, 1, -1, (0, 2), None):
        srcad.grad(lambda v, axis=axis: np.sum(np.prod(v, axis=axis) * np.arange(1.0, np.prod(v, axis=axis).size + 1).reshape(np.prod(v, axis=axis).shape)), wrt="v").check(x)


def test_accumulate_with_other_keywords_is_refused():
    def program(x, out):
        return np.sum(np.maximum.accumulate(x, out=out))

    with pytest.raises(srcad.SrcadError, match="accumulate"):
        srcad.grad(program, wrt="x")(W, np.zeros(4))
