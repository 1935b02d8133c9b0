"""How the text says things: whole numbers where they are used, nothing copied that is only read, the shorter of two ways."""
from __future__ import annotations

import numpy as np
import pytest

import srcad

special = pytest.importorskip("scipy.special")
X, Y = np.array([0.5, -1.2, 2.0, 0.3, 0.7]), np.array([[1.5, -0.7, 0.2], [0.3, 2.2, -1.0], [0.1, 0.4, 0.9]])


def windows(x):
    out = np.zeros(len(x) // 2)
    for i in range(len(x) // 2):
        out[i] = np.max(x[2 * i : 2 * i + 2])
    return np.sum(out * out)


def neighbours(x):
    out = np.zeros(x.shape)
    for i in range(2, len(x) - 1):
        out[i + 1] = x[i - 1] * x[i + 1]
    return np.sum(out)


def counter_that_moves(x):
    k, total = 0, 0.0
    for v in x:
        total += v * x[k + 1 - 1]
        k = k + 1
        total += x[(k + 1) % 5] * v
    return total


def draws(x):
    shift = np.random.default_rng(0).normal(0)
    return np.sum((x + shift) * x * shift)


def buffers_from_literals(x):
    h = np.zeros(5) + np.sqrt(2)
    k = np.zeros(5) * np.sqrt(2)
    h[1:3] = x[:2]
    k[0] = x[4]
    return np.sum(h * x * np.sqrt(2)) + np.sum(k * h)


def root_twice(x):
    return np.sum(np.tanh(x / np.sqrt(2))) * np.sum(np.exp(x / np.sqrt(2)))


def product_of_memory(x):
    y = np.ones(5)
    y[1:] *= x[1:]
    y[:-1] *= x[1:]
    return np.sum(y * x)


def handed_out(x, w):
    h = np.tanh(x)
    return np.sum(h * w) + np.sum(h)


def handed_out_and_read(x, w):
    h = np.tanh(x)
    return np.sum(h * w) * np.sum(h * h)


def handed_out_twice(x, w, u):
    h = np.tanh(x)
    return np.sum(h * w) + np.sum(h * u)


def view_of_what_is_handed_out(x, w):
    h = np.tanh(x)
    part = h[1:]
    return np.sum(h * w) + np.sum(part * part * w[1:])


def list_of_arrays(x, w):
    rows = []
    h = x
    for _ in range(3):
        h = np.sin(h) * 1.5
        rows.append(h)
    return np.sum(h * w) + np.sum(rows[1] * w)


def written_out_argument(x, w):
    h = np.multiply(x, 2.0, out=np.empty_like(x))
    k = h
    k += 1.0
    return np.sum(h * w) + np.sum(k * k)


CASES = [
    (windows, (X,)), (neighbours, (X,)), (counter_that_moves, (X[:5],)), (draws, (X,)), (buffers_from_literals, (X,)), (root_twice, (X,)), (product_of_memory, (X,)),
    (handed_out, (X, 2 * X)), (handed_out_and_read, (X, 2 * X)), (handed_out_twice, (X, 2 * X, 3 * X)), (view_of_what_is_handed_out, (X, 2 * X)),
    (list_of_arrays, (X, 2 * X)), (written_out_argument, (X, 2 * X)),
]


@pytest.mark.parametrize(("f", "args"), CASES, ids=[f.__name__ for f, _ in CASES])
def test_the_gradient_is_right_again_and_again(f, args):
    gradient = srcad.grad(f)
    first = gradient(*args)
    gradient.check(*args)
    value, found = srcad.value_and_grad(f)(*args)
    assert np.allclose(value, f(*args))
    for one, two in zip(first if isinstance(first, tuple) else (first,), found if isinstance(found, tuple) else (found,)):
        assert np.allclose(one, two) and one.flags.writeable
        assert not any(np.shares_memory(one, a) for a in args)
    results = first if isinstance(first, tuple) else (first,)
    assert not any(np.shares_memory(a, b) for i, a in enumerate(results) for b in results[:i])


def test_whole_numbers_stand_where_they_are_used():
    source = srcad.grad(windows).source_for(X)
    assert source.count("x[2 * i : 2 * i + 2]") == 2 and "dx[2 * i:2 * i + 2] =" in source
    assert "for i in reversed(range(2, len(x) - 1)):" in srcad.grad(neighbours).source_for(X)


def test_what_is_only_read_is_not_copied():
    source = srcad.grad(handed_out, wrt="w").source_for(X, X)
    assert "copy" not in source


def test_a_loop_that_does_nothing_is_not_written():
    def positive(x):
        total = 0.0
        for v in x:
            if v > 0:
                total += v * v
        return total

    assert srcad.grad(positive).source_for(X).count("for ") == 1


def of_rows(x):
    return np.sum(special.logsumexp(x, axis=1) * np.arange(3.0))


def of_the_last_axis(x):
    return np.sum(special.logsumexp(x, axis=-1, keepdims=True))


def of_all(x):
    return special.logsumexp(x) * 2.0


def of_the_wrong_axis(x):
    return np.sum(np.exp(x - special.logsumexp(x, axis=1)) ** 2)


def weighted(x):
    return np.sum(special.logsumexp(x, 1, b=np.full((3, 3), 2.0)))


@pytest.mark.parametrize(("f", "shorter"), [(of_rows, True), (of_the_last_axis, True), (of_all, True), (of_the_wrong_axis, False), (weighted, False)])
def test_the_derivative_of_logsumexp_is_softmax(f, shorter):
    gradient = srcad.grad(f)
    assert ("softmax" in gradient.source_for(Y)) == shorter
    gradient.check(Y)


def test_a_sum_of_products_is_an_inner_product():
    def scaled(s, x, y):
        return np.sum(s * x * y)

    gradient = srcad.grad(scaled, wrt="s")
    assert "np.vdot(" in gradient.source_for(2.0, Y, Y) and "@" in gradient.source_for(2.0, X, X)
    gradient.check(2.0, Y[:, ::2], Y.T[:, ::2])
    gradient.check(2.0, X[::-2], X[::2])
    narrow = gradient(np.float32(2.0), Y.astype(np.float32), Y.astype(np.float32))
    assert narrow.dtype == np.float32


def hinge(scores, y):
    n = scores.shape[0]
    correct = scores[np.arange(n), y][:, None]
    margins = np.maximum(0, scores - correct + 1.0)
    margins[np.arange(n), y] = 0
    return np.sum(margins) / n


def numbering_that_moves(x):
    k = 2
    total = np.sum(x[np.arange(k)] ** 2)
    k = 3
    return total + np.sum(x[np.arange(k)] ** 2) + np.sum(x[np.arange(k)] ** 3)


def numbering_that_is_changed(x):
    k = np.arange(3)
    total = np.sum(x[k] ** 2)
    k += 1
    return total + np.sum(x[np.arange(3)] ** 2) + np.sum(x[k] ** 3)


def test_the_same_numbers_are_made_once():
    y = np.array([0, 2, 1])
    gradient = srcad.grad(hinge, wrt="scores")
    assert gradient.source_for(Y, y).count("np.arange(") == 2  # its name, and a comment
    gradient.check(Y, y)
    srcad.grad(numbering_that_moves).check(X)
    srcad.grad(numbering_that_is_changed).check(X)


def test_a_common_factor_is_taken_out():
    def step(r, x):
        for _ in range(4):
            x = r * x * (1 - x)
        return x

    gradient = srcad.grad(step)
    assert "dx = r * (dprod - x * dx)" in gradient.source_for(2.0, 0.3)
    gradient.check(2.0, 0.3)


def filtered(zs, q, r):
    x, p, total = 0.0, 1.0, 0.0
    for z in zs:
        p = p + q
        k = p / (p + r)
        e = z - x
        total += np.log(p + r) + e * e / (p + r)
        x = x + k * e
        p = (1 - k) * p
    return total


def test_what_is_reckoned_again_is_reckoned_once():
    gradient = srcad.grad(filtered)
    assert gradient.source_for(X, 0.1, 0.2).split("reversed(")[1].count("p_2 + r") == 1
    gradient.check(X, 0.1, 0.2)


def test_a_sum_drops_its_axis_itself():
    def distances(x, y):
        d = (x[:, None] - y[None, :]) / 2.0
        return np.sum(d * d * d)

    gradient = srcad.grad(distances)
    source = gradient.source_for(X, 2 * X)
    assert ".sum(axis=1)\n" in source and ".sum(axis=0)\n" in source and "keepdims" not in source
    gradient.check(X, 2 * X[:3])


@pytest.mark.parametrize(("f", "text"), [
    (lambda x: np.sum(np.maximum(x * x - 1, 0)), "> 0"), (lambda x: np.sum(np.minimum(2.0, x * 3)), "< 2.0"), (lambda x: np.sum(np.maximum(0, x) * x), "> 0"),
])
def test_a_kink_asks_the_operand(f, text):
    gradient = srcad.grad(f)
    assert text in gradient.source_for(X)
    gradient.check(X)
    gradient.check(np.array([0.2, 0.9, -3.0, 1.4]))


def test_the_operand_of_relu_is_asked_where_its_value_is_not_needed():
    def f(x):
        y = np.sin(x)
        return np.sum(np.maximum(y, 0))

    assert "maximum" not in srcad.grad(f).source_for(X).split("backprop np.sum(np.maximum(y, 0))\n")[1]


def no_difference(x, z):
    h = np.exp(x)
    y = np.diff(h, 0)
    return np.sum(y * z) + np.sum(h * x)


def converted_without_a_copy(x, z):
    h = np.exp(x)
    y = h.astype(float, "K", "unsafe", True, False)
    return np.sum(y * z) + np.sum(h * x)


def converted_inside(x, z):
    h = np.exp(x)
    return np.sum(h.astype(float, copy=False) * z) + np.sum(h * x)


def not_converted(x, z):
    return np.sum(x.astype(float, copy=False) * z)


def einsum_of_lists(x, z):
    return np.sum(np.einsum(x.reshape(1, -1), [0, 1], [1, 0])[:, 0] * z)


def differences_starred(x, z):
    h = np.exp(x)
    y = np.diff(*(h, 0))
    return np.sum(y * z) + np.sum(h * x)


@pytest.mark.parametrize("f", [no_difference, converted_without_a_copy, converted_inside, not_converted, einsum_of_lists, differences_starred])
def test_what_may_be_its_argument_is_not_handed_out(f):
    x, z = X, 2 * X
    gradient = srcad.grad(f)
    dx, dz = gradient(x, z)
    pulled = srcad.vjp(f, x, z)[1](1.0)
    assert np.allclose(dx, pulled[0]) and np.allclose(dz, pulled[1])
    assert not np.shares_memory(dx, dz) and not any(np.shares_memory(g, a) for g in (dx, dz) for a in (x, z))
    gradient.check(x, z)
