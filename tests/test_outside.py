"""Writes into arrays that come from outside and are not differentiated by: what is stored there is."""
from __future__ import annotations

import copy
import types

import numpy as np
import pytest

import srcad

HELD = np.ones(3)
OBJECT = types.SimpleNamespace(b=np.ones(3))


def whole(w, h):
    h[:] = w * 2.0
    return np.sum(h)


def in_a_loop(w, h):
    for i in range(3):
        t = np.sum(h)
        h[i] = np.tanh(w * t)
    return np.sum(h * h)


def through_out(w, h):
    np.multiply(w, h, out=h)
    h += w
    h *= w
    return np.sum(h)


def of_a_global(w):
    HELD[:] = w * 2
    return np.sum(HELD * HELD)


def of_an_attribute(w):
    OBJECT.b[:] = w * 2
    return np.sum(OBJECT.b**2)


def shifted(a, w):
    a[1:] = w * a[:-1]


def in_a_dict_by_a_helper(w, d):
    shifted(d["a"], w)
    return np.sum(d["a"] ** 2)


def in_a_dict(w, d):
    d["a"][1:] = w * d["a"][:-1]
    return np.sum(d["a"] ** 2)


def with_a_default(w, h=None):
    h[0] = w
    return h.sum() * w


def rows(w, h):
    for row in h:
        row *= w
    return h.sum()


def gathered(w, *hs):
    hs[0][:] = w
    return hs[0].sum() * w


def under_a_test(w, h):
    if w > 0:
        h[:] = w * w
    return h.sum()


THREE = np.arange(3.0) + 0.5


@pytest.mark.parametrize(("f", "given"), [
    (whole, (THREE,)), (in_a_loop, (THREE,)), (through_out, (THREE,)), (of_a_global, ()), (of_an_attribute, ()), (in_a_dict_by_a_helper, ({"a": THREE},)), (in_a_dict, ({"a": THREE},)),
    (with_a_default, (THREE,)), (rows, (np.arange(6.0).reshape(2, 3),)), (gathered, (THREE,)), (under_a_test, (THREE,)),
], ids=lambda v: getattr(v, "__name__", ""))
def test_what_is_stored_outside_is_differentiated(f, given):
    def at(w):
        HELD[:] = OBJECT.b[:] = 1
        return f(w, *copy.deepcopy(given))

    wanted = (at(0.7 + 1e-6) - at(0.7 - 1e-6)) / 2e-6
    HELD[:] = OBJECT.b[:] = 1
    ours, theirs = copy.deepcopy(given), copy.deepcopy(given)
    assert srcad.grad(f, wrt="w")(0.7, *ours) == pytest.approx(wanted, rel=1e-6)
    HELD[:] = OBJECT.b[:] = 1
    value, pullback = srcad.vjp(f, 0.7, *copy.deepcopy(given), wrt="w")
    assert value == pytest.approx(at(0.7)) and pullback(1.0) == pytest.approx(wanted, rel=1e-6)
    f(0.7, *theirs)
    assert str(ours) == str(theirs)


def test_a_write_through_stop_gradient_is_refused():
    def through(w, h):
        g = srcad.stop_gradient(h)
        g[:] = w
        return np.sum(h) * w

    with pytest.raises(srcad.SrcadError, match="view of another array"):
        srcad.grad(through, wrt="w")(0.5, THREE)


def recurrent(W, X, h):
    for t in range(X.shape[0]):
        h = np.tanh(W @ h + X[t])
    return np.sum(h * h)


def test_arguments_may_change_before_the_pullback():
    rng = np.random.default_rng(0)
    args = [rng.normal(size=(3, 3)), rng.normal(size=(4, 3)), rng.normal(size=3)]
    wanted = srcad.grad(recurrent)(*args)
    _, pullback = srcad.vjp(recurrent, *args)
    for a in args:
        a *= 5
    for found, want in zip(pullback(1.0), wanted):
        np.testing.assert_allclose(found, want)
