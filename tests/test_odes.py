"""scipy.integrate.odeint: gradients with respect to starting values, times and parameters, beside finite differences."""
from __future__ import annotations

import numpy as np
import pytest
from scipy.integrate import odeint

import srcad

Y0, T, K = np.array([1.0, 0.5, -0.3]), np.array([0.0, 0.3, 0.7, 1.2]), np.array([0.4, 0.8, 0.1])
WEIGHTS = np.arange(1.0, 13.0).reshape(4, 3)
EXACT = {"rtol": 1e-11, "atol": 1e-11}


def forced(y, t, k, c):
    return -k * y + np.sin(c * t) * np.sum(y**2)


def oscillator(y, t, k):
    place, speed = y
    return [speed, -k * place - 0.1 * speed * t]


def decay(y, t, k):
    return -k * y


def with_branches(y, t, k):
    out = np.zeros(3)
    for i in range(3):
        out[i] = -y[i] * k if i < 2 else y[i - 1] * k * np.cos(t)
    return out


def with_a_default(y, t, k, c=2.0):
    return -k * y * c


def with_noise(y, t):
    return y * np.random.normal()


def number_of(y, t):
    return y[0]


def of_forced(y0, t, k, c):
    return np.sum(odeint(forced, y0, t, (k, c), rtol=1e-11, atol=1e-11) * WEIGHTS)


def of_oscillator(place, speed, k, t):
    path = odeint(oscillator, [place, speed], t, args=(k,), rtol=1e-11, atol=1e-11)
    return np.sum(path[:, 0] ** 2) + path[-1, 1]


def of_a_number(y0, k):
    return np.sum(odeint(decay, y0, [0.0, 0.5, 1.0], (k,), rtol=1e-11, atol=1e-11) ** 2)


def of_branches(y0, k):
    return np.sum(odeint(with_branches, y0, T, (k,), rtol=1e-11, atol=1e-11) * WEIGHTS)


def twice(y0, k):
    half = odeint(decay, y0, T[:2], (k,), rtol=1e-11, atol=1e-11)[-1]
    return np.sum(odeint(decay, half, T[:2] + 1, (2 * k,), rtol=1e-11, atol=1e-11)[-1] ** 2)


@pytest.mark.parametrize(("f", "operands"), [
    (of_forced, (Y0, T, K, 1.3)), (of_forced, (Y0, T[::-1].copy(), K, 1.3)), (of_oscillator, (1.0, -0.5, 2.0, T)), (of_a_number, (1.5, 0.7)), (of_branches, (Y0, 0.7)),
    (twice, (Y0, 0.7)), (twice, (Y0, K)),
], ids=lambda v: getattr(v, "__name__", ""))
def test_the_gradient_is_right(f, operands):
    srcad.check_grad(f, *operands)


def test_each_argument_alone():
    together = srcad.grad(of_forced)(Y0, T, K, 1.3)
    for i, wanted in enumerate(together):
        np.testing.assert_allclose(srcad.grad(of_forced, wrt=i)(Y0, T, K, 1.3), wanted, rtol=1e-7)


def test_code_serves_other_sizes():
    f = srcad.grad(lambda y0, t, k: np.sum(odeint(decay, y0, t, (k,))), wrt=("y0", "k"))
    for size, times in ((3, 4), (2, 6), (1, 2)):
        y0, t, k = np.linspace(1, 2, size), np.linspace(0, 1, times), np.linspace(0.5, 1, size)
        dy0, dk = f(y0, t, k)
        np.testing.assert_allclose(dy0, np.exp(-np.outer(t, k)).sum(axis=0), rtol=1e-6)
        np.testing.assert_allclose(dk, -(y0 * t[:, None] * np.exp(-np.outer(t, k))).sum(axis=0), rtol=1e-6)


def test_a_damped_equation_is_differentiated_to_its_tolerance():
    """The equation run backwards would blow errors up by exp(200)."""
    dy0, dk = srcad.grad(lambda y0, k: odeint(decay, y0, [0.0, 1.0], (k,))[1, 0] * 1e8)(np.array([1.0]), 20.0)
    np.testing.assert_allclose(dy0, [1e8 * np.exp(-20.0)], atol=10)
    np.testing.assert_allclose(dk, -1e8 * np.exp(-20.0), atol=10)
    dy0, dk = srcad.grad(lambda y0, k: odeint(decay, y0, [0.0, 1.0], (k,))[1, 0])(np.array([1.0]), 200.0)
    np.testing.assert_allclose([*dy0, dk], 0.0, atol=1e-7)


@pytest.mark.parametrize(("f", "reason"), [
    (lambda y0: np.sum(odeint(lambda y, t: -y, y0, T)), "defined outside of the program"), (lambda y0: np.sum(odeint(decay, y0, T, (1.0,), tfirst=False)), "alone"),
    (lambda y0: np.sum(odeint(with_a_default, y0, T, (1.0,))), "a parameter for the state"), (lambda y0: np.sum(odeint(with_noise, y0, T)), "random|many times"),
    (lambda y0: np.sum(odeint(number_of, y0[:1], T)), "an array of one dimension"),
], ids=["inner", "keyword", "default", "noise", "number"])
def test_what_cannot_be_told_is_refused(f, reason):
    with pytest.raises(srcad.SrcadError, match=reason):
        srcad.grad(f)(Y0)


def test_it_may_be_called_where_nothing_is_differentiated():
    assert srcad.grad(lambda x: x * odeint(decay, np.ones(1), [0.0, 1.0], (1.0,))[1, 0])(2.0) == pytest.approx(np.exp(-1), rel=1e-6)
