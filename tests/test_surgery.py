"""`with srcad.adjoint(h) as dh:` runs in the backward pass."""
from __future__ import annotations

import numpy as np
import pytest

import srcad

RANDOM = np.random.default_rng(0)
W, X, H = RANDOM.normal(size=(3, 3)), RANDOM.normal(size=(4, 3)), RANDOM.normal(size=3)


def scaled(x):
    h = x * x
    with srcad.adjoint(h) as dh:
        dh = 10 * dh
    return h * 3.0


def clipped(W, X, h):
    for t in range(X.shape[0]):
        h = np.tanh(W @ h + X[t])
        with srcad.adjoint(h) as dh:
            n = np.linalg.norm(dh)
            if n > 0.1:
                dh *= 0.1 / n
    return np.sum(h * h)


def clipped_by_hand(W, X, h):
    hs = [h]
    for t in range(X.shape[0]):
        hs.append(np.tanh(W @ hs[-1] + X[t]))
    dh = 2 * hs[-1]
    for t in reversed(range(X.shape[0])):
        dh = dh * min(1.0, 0.1 / np.linalg.norm(dh))
        dh = W.T @ ((1 - hs[t + 1] ** 2) * dh)
    return dh


def twice(x, limit):
    a = np.sin(x)
    with srcad.adjoint(a) as d:
        d[0] = limit
    b = a * x
    with srcad.adjoint(b) as d:
        d = np.clip(d, -limit, limit)
    return np.sum(b * np.arange(3.0))


def test_what_it_leaves_goes_on():
    assert scaled(2.0) == 12.0
    assert srcad.grad(scaled)(2.0) == 120.0
    assert srcad.value_and_grad(scaled)(2.0) == (12.0, 120.0)


def test_in_a_loop():
    found = srcad.grad(clipped, wrt="h")(W, X, H)
    np.testing.assert_allclose(found, clipped_by_hand(W, X, H))


def test_it_reads_and_changes_what_it_likes():
    x = np.array([0.3, 1.2, -0.7])
    db = np.clip(np.arange(3.0), -1.5, 1.5)
    da = db * x
    da[0] = 1.5
    np.testing.assert_allclose(srcad.grad(twice, wrt="x")(x, 1.5), db * np.sin(x) + da * np.cos(x))


def test_it_prints_once(capsys):
    def f(x):
        h = x * x
        with srcad.adjoint(h) as dh:
            print("dh =", dh)
        return h * 3.0

    assert srcad.grad(f)(2.0) == 12.0
    assert capsys.readouterr().out == "dh = 3.0\n"


def test_what_it_cannot_be_for_is_refused():
    def written(x):
        y = x.copy()
        y[0] = 1.0
        with srcad.adjoint(y) as dy:
            dy = dy * 2
        y[1] = 2.0
        return y.sum()

    def looping(x):
        h = x * x
        with srcad.adjoint(h) as dh:
            for _ in range(3):
                dh = dh * 2
        return h

    with pytest.raises(srcad.SrcadError, match="not changed in place"):
        srcad.grad(written)(H)
    with pytest.raises(srcad.SrcadError, match="only assignments, calls and ifs"):
        srcad.grad(looping)(2.0)
