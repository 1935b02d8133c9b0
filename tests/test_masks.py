"""What one mask leaves of several arrays has one size: no helpers, in loops and branches, of masks that change."""
from __future__ import annotations

import numpy as np
import pytest

import srcad
from srcad.testing import check_grad

X = np.array([0.7, -1.3, 2.1, 0.4, -0.6, 1.9])
W = np.array([1.1, 0.5, -0.8, 2.3, 0.9, -1.7])
ROWS = np.random.default_rng(3).normal(size=(6, 2))


def product(x, w):
    m = x > 0
    return np.sum(x[m] * w[m])


def residuals(x, w):
    good = ~np.isnan(x)
    xs, ws = x[good], w[good]
    return np.mean((xs - ws) ** 2) / len(xs)


def counted(x, w):
    m = (x > 0) & (w > 0)
    n = np.count_nonzero(m)
    r = np.log(x[m]) - np.log(w[m])
    return np.sqrt(np.sum(r ** 2) / n)


def positions(x, w):
    idx = np.where(x > 0)[0]
    return np.sum(x[idx] * w[idx] ** 2)


def both_ways(x, w):
    i, = np.nonzero(w > 0)
    return np.sum(x[i] * x[w > 0])


def updated(x, w):
    m = x > 0
    y = 2 * x
    y[m] += w[m] * x[m]
    y[~m] -= w[0]
    return np.sum(y * y)


def scaled(x, w):
    m = x > 0
    y = x.copy()
    y[m] *= w[m]
    return np.sum(y ** 3)


def stored(x, w):
    inside = np.abs(x) < 1
    y = np.zeros_like(x)
    y[inside] = np.sin(x[inside]) * x[inside]
    y[~inside] = w[~inside] ** 2
    return y.sum()


def both_parts(x, w):
    m = x > 0
    return np.sum(np.concatenate([x[m] * 2, w[~m] ** 2]) ** 2) + np.var(x[m])


def fitted(x, w):
    ok = ~np.isnan(x)
    A, b = np.stack([x, np.ones(x.shape)], axis=1)[ok], w[ok]
    beta = np.linalg.lstsq(A, b, rcond=None)[0]
    return np.sum((b - A @ beta) ** 2)


def solved(x, w):
    ok = x > -1
    A, b = np.stack([x, x ** 2], axis=1)[ok], w[ok]
    r = b - A @ np.linalg.solve(A.T @ A, A.T @ b)
    return r @ r


TAKEN = [product, residuals, counted, positions, both_ways, updated, scaled, stored, both_parts, fitted, solved]


@pytest.mark.parametrize("program", TAKEN, ids=lambda f: f.__name__)
def test_one_mask_needs_no_helpers(program):
    gradient = srcad.grad(program)
    text = gradient.source_for(X, W)
    assert text.count("def ") == 1, text
    for x in (X, -X, X[:3], X[::-1]):
        check_grad(gradient, x, W[: len(x)], modes=("reverse", "forward"))


def test_what_a_mask_takes_is_not_copied_again():
    assert ".copy()" not in srcad.grad(stored).source_for(X, W)
    assert "copy" not in srcad.grad(updated).source_for(X, W)


def of_each_pass(x, w):
    m = x > 0
    a = x[m]
    total = 0.0
    for i in range(3):
        b = w[m]
        total = total + np.sum(a) * np.sum(b * b * x[m])
        m = x > i - 1
    return total + np.sum(w[m] * x[m])


def changed_between(x, w):
    m = np.ones(x.shape, dtype=bool)
    m[0] = False
    a = x[m]
    m[1] = False
    b = w[m]
    return np.sum(a * a) * np.sum(b * x[m])


def by_branch(x, w):
    m = x > 0
    if w[0] > 0:
        v = x[m] * w[m]
    else:
        m = x < 1
        v = x[m]
    return np.sum(v * v) + np.sum(x[m] * w[m])


def taken_in_a_loop(x, w):
    m = x > 0
    total = 0.0
    for _ in range(2):
        total += np.sum(x[m] ** 2 * w[m])
    return total * np.sum(w[m] * x[m])


def by_label(x, w):
    total = 0.0
    for k in range(3):
        m = np.floor(np.abs(w)) == k
        total += np.sum((x[m] - x[m].mean()) ** 2) if np.any(m) else 0.0
    return total


def of_rows(x, w):
    m = np.outer(x, w) > 0
    T = np.outer(x, w ** 2)
    return np.sum(T[m] * np.outer(w, x)[m])


@pytest.mark.parametrize("program", [of_each_pass, changed_between, by_branch, taken_in_a_loop, by_label, of_rows], ids=lambda f: f.__name__)
def test_masks_that_change(program):
    gradient = srcad.grad(program)
    for x, w in ((X, W), (-X, W), (X, -W), (X[:2], W[:2])):
        check_grad(gradient, x, w)


def test_what_does_not_fit_raises_as_before():
    def loss(x, w):
        m = x > 0
        y = x * 1.0
        y[m] += w
        return np.sum(y)

    with pytest.raises(ValueError):
        loss(X, W)
    with pytest.raises((ValueError, srcad.SrcadError)):
        srcad.grad(loss)(X, W)


@pytest.mark.parametrize("program", [product, residuals, updated, scaled, stored, of_each_pass], ids=lambda f: f.__name__)
def test_one_mask_compiled(program):
    pytest.importorskip("numba")
    for got, want in zip(srcad.grad(program, backend="numba")(X, W), srcad.grad(program)(X, W), strict=True):
        assert np.allclose(got, want)


def masked_rows(x, w):
    T = np.outer(x, x)
    T[w > 0] *= 2.0
    return np.sum(T[w > 0])


def masked_elements(x, w):
    y = x * 1.0
    y[w > 0] = 0.0
    return np.sum(y * x)


@pytest.mark.parametrize("program", [masked_rows, masked_elements], ids=lambda f: f.__name__)
@pytest.mark.parametrize("backend", ["numpy", "numba"])
def test_masks_of_another_size_raise(program, backend):
    if backend == "numba":
        pytest.importorskip("numba")
    gradient = srcad.grad(program, wrt="x", backend=backend)
    assert np.allclose(gradient(X, W), srcad.grad(program, wrt="x")(X, W))
    for w in (W[:-1], np.ones(7), np.ones(100_000), np.ones(1)):
        with pytest.raises(IndexError):
            gradient(X, w)


def sum_of_squares(w, y):
    return np.nansum((w * 2 - y) ** 2)


def mean_of_squares(w, y):
    return np.nanmean((w - y) ** 2)


def mean_where(w, y):
    return np.mean((w - y) ** 2, where=~np.isnan(y))


def after_a_product(w, y):
    return np.nansum(np.outer(w, w) @ w * y) + np.nanstd(w * y)


def of_each_row(w, y):
    s = 0.0
    for i in range(2):
        s += np.nansum(np.exp(w * y * i))
    return s


@pytest.mark.parametrize("program", [sum_of_squares, mean_of_squares, mean_where, after_a_product, of_each_row], ids=lambda f: f.__name__)
def test_nothing_comes_from_what_nan_functions_skip(program):
    y = np.where(np.arange(6) % 3 == 1, np.nan, W)
    check_grad(srcad.grad(program, wrt="w"), X, y)


def in_one_branch(x, y):
    m = x > 0
    s = 0.0
    if y[0] > 0:
        s += np.sum((x[m] * y[y > 0]) ** 2)
    return s + np.sum(x * y)


def outer_in_one_branch(x, y):
    m = x > 0
    s = 0.0
    if y[0] > 0:
        s += np.sum(np.outer(y, x[m]) ** 2)
    return s + np.sum(x * y)


@pytest.mark.parametrize("program", [in_one_branch, outer_in_one_branch], ids=lambda f: f.__name__)
def test_second_derivatives_beside_a_branch_that_is_not_taken(program):
    x, ways = np.array([1.0, -2.0, 3.0]), (np.cos(np.arange(3)), np.sin(np.arange(3)))
    for y in (np.array([-1.0, 2.0, 3.0]), np.array([1.0, -2.0, 3.0])):
        found, gradient = srcad.hvp(program)(x, y, ways), srcad.grad(program)
        ahead, behind = (gradient(x + h * ways[0], y + h * ways[1]) for h in (1e-6, -1e-6))
        assert all(np.allclose(f, (a - b) / 2e-6, atol=1e-6) for f, a, b in zip(found, ahead, behind, strict=True))
        srcad.hessian(program)(x, y)


GAPS = np.array([1.0, np.nan, 2.0, 0.5])


@pytest.mark.parametrize("program, parts", [
    (lambda x: np.nansum(x**2), [2, 0, 4, 1]), (lambda x: np.nanmean(x**2), [2 / 3, 0, 4 / 3, 1 / 3]), (lambda x: np.nanmax(x**2), [0, 0, 4, 0]), (lambda x: np.nanprod(x**2), [2, 0, 1, 4]),
    (lambda x: np.nanmedian(x**2), [2, 0, 0, 0]), (lambda x: np.nanquantile(x**2, 1.0), [0, 0, 4, 0]), (lambda x: np.nancumsum(x**2)[2], [2, 0, 4, 0]), (lambda x: np.nan_to_num(x**2).sum(), [2, 0, 4, 1]),
    (lambda x: np.prod(x**2, where=~np.isnan(x)), [2, 0, 1, 4]), (lambda x: np.max(x**2, where=~np.isnan(x), initial=-5.0), [0, 0, 4, 0]),
])
def test_gaps_have_no_part_in_gradients_or_tangents(program, parts):
    np.testing.assert_allclose(srcad.grad(program)(GAPS), parts, atol=1e-12)
    assert srcad.jvp(program, (GAPS,), (np.ones(4),))[1] == pytest.approx(sum(parts))
