"""Adjoints that are multiplied in place, and those that change places."""
import numpy as np
import pytest

import srcad

X, W = np.array([0.5, 1.2, 0.9]), np.array([0.7, 1.1, 0.4])


def scaled(x, w):
    y = x * 2
    for _ in range(3):
        y *= w
    return np.sum(y)


def damped(x, w):
    y = np.sin(x)
    for k in range(3):
        y[1:] += 0.5 * y[:-1]
        y *= np.cos(w[k])
    return y @ y


def in_parts(x, w):
    y = x * 2
    for _ in range(2):
        y[1:-1] *= w[1:-1]
        y[0] *= w[0]
        y[1:] /= 1.0 + w[1:] ** 2
        y **= 2
    return np.sum(y)


def by_themselves(x, w):
    y = x * w
    y *= y
    y[1:] *= y[:-1]
    y *= np.sum(y)
    return np.sum(y)


def seen_by_a_view(x, w):
    y = x * 2
    v = y[1:]
    y *= w
    v *= w[1:]
    z = y
    z *= x
    return np.sum(y * v[0])


def told_by_masks(x, w):
    y = x * 2
    y[x > 0.6] *= w[x > 0.6]
    y[[0, 1]] *= w[:2]
    y *= 0.5
    return np.sum(y ** 2)


def written_through(x, w):
    y = x * 2
    np.sin(y, out=y)
    np.multiply(y, w, out=y)
    return np.sum(y * x)


def wave(x, w):
    previous, u = x.copy(), x
    for _ in range(4):
        following = 2 * u - previous
        following[1:-1] += w[1] ** 2 * (u[2:] - 2 * u[1:-1] + u[:-2])
        previous, u = u, following
    return np.sum(u ** 2)


def recurrence(x, w):
    a, b, c = x, x * w, w * w
    for _ in range(3):
        a, b, c = b, c, np.sin(a) + b * c
    return np.sum(a * b + c)


def kept_best(x, w):
    best, now = x * w, x
    for k in range(4):
        now = np.sin(now + k) * w
        if np.sum(now) > np.sum(best):
            best, now = now, best
        now = now * 1.5
    return np.sum(best ** 2) + now[0]


PROGRAMS = [scaled, damped, in_parts, by_themselves, seen_by_a_view, told_by_masks, written_through, wave, recurrence, kept_best]


@pytest.mark.parametrize("program", PROGRAMS, ids=lambda f: f.__name__)
def test_gradients(program):
    gradient = srcad.grad(program, wrt=("x", "w"))
    found = gradient(X.copy(), W.copy())
    again = gradient(X.copy(), W.copy())
    found[0][:] += 1.0  # which is nobody else's
    for g, more, args in ((found[0] - 1.0, again[0], lambda e: (X + e, W)), (found[1], again[1], lambda e: (X, W + e))):
        assert np.allclose(g, more)
        wanted = [(program(*map(np.copy, args(e))) - program(*map(np.copy, args(-e)))) / 2e-6 for e in np.eye(3) * 1e-6]
        assert np.allclose(g, wanted, rtol=1e-4, atol=1e-5)
    value, cache = gradient.forward(X.copy(), W.copy())
    assert np.isclose(value, program(X.copy(), W.copy()))
    assert all(np.allclose(a, b) for a, b in zip(gradient.backward(1.0, cache), again))


def test_their_lines():
    text = srcad.grad(scaled, wrt=("x", "w")).source_for(X, W)
    assert "        y *= w\n" in text
    assert "        dw += y_kept * dy\n        dy *= w\n" in text
    text = srcad.grad(wave, wrt=("x", "w")).source_for(X, W)
    assert ".copy()" not in text.partition("# backprop")[2].partition("# backprop previous")[0]


def last_elements(x, w):
    for _ in range(3):
        x = x + w * np.sin(x)
    return np.sum(x)


def test_loops_begin_with_arrays_of_their_own():
    text = srcad.grad(last_elements, wrt=("x", "w")).source_for(X, W)
    assert "    dx = np.ones(x.shape)\n" in text
    assert "broadcast_to" not in text
