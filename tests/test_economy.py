"""Loops of the backward pass: sums that wait for their end, and elements that are met once."""
from __future__ import annotations

import numpy as np
import pytest

import srcad


def recurrent(W, X, h):
    for t in range(X.shape[0]):
        h = np.tanh(W @ h + X[t])
    return np.sum(h * h)


def state_in_place(W, X):
    h = np.zeros(3)
    total = 0.0
    for t in range(X.shape[0]):
        h *= 0.5
        h += X[t]
        total += np.sum(np.sin(W @ h))
    return total


def biased(W, U, b, X):
    h = np.zeros(3)
    for x in X:
        h = np.tanh(W @ h + U @ x + b)
    return np.sum(h)


def weights_that_change(W, X):
    h = np.ones(3)
    for t in range(X.shape[0]):
        h = np.tanh(W @ h + X[t])
        W = 0.9 * W
    return np.sum(h)


def leaky(x):
    s = 0.0
    for i in range(len(x)):
        v = x[i]
        if v > 0:
            s += v * v
        elif v < -0.5:
            s -= np.exp(v)
    return s


def index_that_wraps(x):
    s = 0.0
    for i in range(-2, 2):
        s += x[i] * x[i]
    return s


def read_twice(x):
    s = 0.0
    for i in range(1, len(x)):
        s += x[i] * x[i - 1]
    return s


def table(A):
    s = 0.0
    for i in range(A.shape[0]):
        for j in range(A.shape[1]):
            s += A[i, j] ** 3
    return s


def row_in_an_inner_loop(A):
    s = 0.0
    for i in range(A.shape[0]):
        for j in range(2):
            s += np.sum(A[i] ** 2) * (j + 1)
    return s


RANDOM = np.random.default_rng(3)
W, U, X, H = (RANDOM.normal(size=shape) for shape in ((3, 3), (3, 3), (5, 3), (3,)))
V = np.array([0.5, -1.2, 2.0, 0.3])
CASES = [
    (recurrent, (W, X, H)), (recurrent, (W, X[:0], H)), (recurrent, (W, X[:1], H)), (state_in_place, (W, X)), (biased, (W, U, H, X)), (weights_that_change, (W, X)),
    (leaky, (V,)), (index_that_wraps, (V[:3],)), (read_twice, (V,)), (table, (X,)), (row_in_an_inner_loop, (X,)),
]


@pytest.mark.parametrize(("f", "args"), CASES, ids=lambda v: getattr(v, "__name__", ""))
def test_the_gradient_is_right(f, args):
    found = srcad.grad(f)(*args)
    for i, (a, got) in enumerate(zip(args, found if isinstance(found, tuple) else (found,))):
        assert got.shape == a.shape
        wanted = np.zeros(a.shape)
        for j in np.ndindex(a.shape):
            step = np.zeros(a.shape)
            step[j] = 1e-6
            ends = [f(*(b + s * step if k == i else b.copy() for k, b in enumerate(args))) for s in (1, -1)]
            wanted[j] = (ends[0] - ends[1]) / 2e-6
        np.testing.assert_allclose(got, wanted, rtol=1e-5, atol=1e-7)


def test_outer_products_become_one_product_after_the_loop():
    text = srcad.grad(recurrent).source_for(W, X, H)
    assert "np.outer" not in text
    assert "    dW = dX.T @ np.array(hs)\n    return" in text


def test_an_adjoint_that_is_kept_is_not_changed():
    """The list holds on to what was appended: `+=` on another name of it makes a new array."""
    def f(W, X):
        h = np.zeros(3)
        total = 0.0
        for t in range(X.shape[0]):
            h = W @ h + X[t]
            total += np.sum(h * h)
        return total

    _, dX = srcad.grad(f)(W, X)
    step = np.zeros(X.shape)
    step[1, 1] = 1e-6
    assert np.isclose(dX[1, 1], (f(W, X + step) - f(W, X - step)) / 2e-6)
    dW, _ = srcad.grad(f)(W, X)
    step = np.zeros(W.shape)
    step[1, 1] = 1e-6
    assert np.isclose(dW[1, 1], (f(W + step, X) - f(W - step, X)) / 2e-6)


def test_an_element_of_its_own_is_stored():
    assert "dx[i] = 2 * v" in srcad.grad(leaky).source_for(V)
    assert "dA[i, j] = " in srcad.grad(table).source_for(X)


@pytest.mark.parametrize(("f", "arg"), [(index_that_wraps, V[:3]), (read_twice, V), (row_in_an_inner_loop, X)])
def test_an_element_met_twice_is_added_to(f, arg):
    text = srcad.grad(f).source_for(arg)
    assert "] += " in text


@pytest.mark.parametrize("seed", [lambda logp, y: -np.sum(logp[np.arange(4), y]) / 4, lambda logp, y: np.sum(logp[np.arange(len(y)), y] * np.arange(4.0)),
                                  lambda logp, y: np.sum(logp[np.arange(4), y]) + np.sum(logp ** 2), lambda logp, y: logp[np.arange(3), y[:3]].sum()])
def test_the_logarithm_of_softmax_takes_what_flows_into_one_element_a_row(seed):
    def loss(scores, y):
        shifted = scores - np.max(scores, axis=1, keepdims=True)
        logp = shifted - np.log(np.sum(np.exp(shifted), axis=1, keepdims=True))
        return seed(logp, y)

    scores, y = RANDOM.normal(size=(4, 3)), np.array([0, 2, 2, 1])
    found = srcad.grad(loss, wrt="scores")(scores, y)
    for j in np.ndindex(scores.shape):
        step = np.zeros(scores.shape)
        step[j] = 1e-6
        assert np.isclose(found[j], (loss(scores + step, y) - loss(scores - step, y)) / 2e-6, rtol=1e-5, atol=1e-8)


def test_what_is_scaled_in_place_has_an_adjoint_that_is():
    def scaled(x):
        v = x * 3
        for _ in range(4):
            v *= -0.5
        return np.sum(v ** 2)

    def moved(u, c):
        for _ in range(3):
            u[1:-1] = u[1:-1] + c * u[2:]
        return np.sum(u ** 2)

    x = np.array([0.3, -0.7, 1.1, 0.4])
    assert "dv *= -0.5" in srcad.grad(scaled).source_for(x) and ".copy()" not in srcad.grad(scaled).source_for(x)
    text = srcad.grad(moved).source_for(x, 0.1)
    assert "[:] = " not in text and "dtotal = du[1:-1].copy()" in text
    srcad.check_grad(scaled, x)
    srcad.check_grad(moved, x, 0.1)
    np.testing.assert_allclose(srcad.hvp(scaled)(x, np.ones(4)), 18 / 256 * np.ones(4))
