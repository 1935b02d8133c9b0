"""Programs of scientists with SciPy's functions, and lists that a long loop fills."""
from __future__ import annotations

import numpy as np
import pytest

import srcad

sl, si, st = (pytest.importorskip(f"scipy.{part}") for part in ("linalg", "integrate", "stats"))
X = np.array([0.3, 0.7, 0.4])
FACTOR = sl.cho_factor(np.eye(3) * 2 + 0.3)


def kernel(x):
    return np.exp(-((x[:, None] - x) ** 2)) + np.eye(3)


def lower_factor(x):
    c = sl.cho_factor(kernel(x), lower=True)
    return x @ sl.cho_solve(c, x) + 2 * np.sum(np.log(np.diag(c[0])))


def upper_factor(x):
    c, low = sl.cho_factor(kernel(x))
    return x @ sl.cho_solve((c, low), x**2) + np.sum(sl.cho_solve(FACTOR, np.outer(x, x)))


def integrals(x):
    points = np.array([0.0, 1.0, 3.0])
    return si.simpson(np.sin(x), dx=0.1) + si.simpson(x**2, x=points) + si.trapezoid(x**2, points) + np.sum(si.simpson(np.outer(x, x), axis=0))


def densities(x):
    total = np.sum(st.expon.logpdf(x, scale=x[0])) + np.sum(st.lognorm.logpdf(x, s=0.5, scale=np.exp(x[1]))) + np.sum(st.weibull_min.logpdf(x, 1.5, scale=x[2]))
    return total + np.sum(st.binom.logpmf(np.array([1, 2, 3]), 5, x)) + np.sum(st.laplace.logpdf(x, 0.1, x[1])) + np.sum(st.bernoulli.logpmf(np.array([1, 0, 1]), x))


def frozen(x):
    likelihood = st.norm(x[0], np.exp(x[1]))
    prior = st.gamma(2.0, scale=x[2])
    return np.sum(likelihood.logpdf(x)) + prior.logpdf(x[1]) + st.norm(loc=x[0], scale=2.0).cdf(x[2]) + np.sum(st.norm().logpdf(x))


def windowed(x):
    from scipy import signal

    w = signal.get_window("hann", len(x)) + signal.windows.hamming(len(x), sym=False) * signal.get_window(("kaiser", 8.6), 3)
    return np.sum((x * w) ** 2) + np.sum(np.abs(np.fft.rfft(x * signal.windows.gaussian(3, 1.5))) ** 2)


def padded(x):
    n = 1 << (len(x) - 1).bit_length()
    return np.sum(np.abs(np.fft.fft(x, n)) ** 2) * (x[None] @ (np.eye(3) * 2) @ x[:, None]).item()


def outputs(x, joined):
    outs, h = [], 0.0 * x
    for t in range(60):
        h = np.tanh(h * 0.5 + x * t * 0.01)
        outs.append(h)
    return joined(outs)


def matrices(x, joined):
    outs, h = [], np.outer(x, x)
    for t in range(60):
        h = np.tanh(h * 0.5 + x * t * 0.01)
        outs.append(h)
    return joined(outs)


@pytest.mark.parametrize("program", [lower_factor, upper_factor, integrals, densities, frozen, windowed, padded], ids=lambda f: f.__name__)
def test_gradients(program):
    srcad.grad(program).check(X)
    assert srcad.grad(program).value_and_grad(X)[0] == pytest.approx(program(X))


@pytest.mark.parametrize("make", [outputs, matrices])
@pytest.mark.parametrize("joined", [
    lambda a: np.sum(np.stack(a, axis=0) ** 2), lambda a: np.sum(np.stack(a, axis=-1)[0] ** 2), lambda a: np.sum(np.stack(a, axis=1)[1] ** 3), lambda a: np.sum(np.vstack(a)[7] ** 2),
    lambda a: np.sum(np.concatenate(a)[5] ** 2), lambda a: np.sum(np.concatenate(a, axis=-1)[1] ** 2), lambda a: np.sum(np.hstack(a)[1] ** 3), lambda a: np.sum(np.concatenate(a, 0)[3] ** 2),
])
def test_lists_that_a_long_loop_fills(make, joined):
    srcad.grad(make, wrt="x").check(X, joined)


def test_lists_of_numbers_or_of_several_lengths_are_not_joined():
    def column(x):
        items = [x[0]]
        for k in range(70):
            items.append(x[k % 3] * 1.0)
        return np.sum(np.vstack(items) * np.arange(1.0, 4))

    def several(x):
        items = [x[:2] * 2]
        for k in range(70):
            items.append(x[k % 2 :] * 1.0)
        return np.sum(np.concatenate([q * q for q in items]))

    for program in (column, several):
        with pytest.raises(srcad.SrcadError):
            srcad.grad(program)(X)


def test_windows_need_no_helpers():
    assert srcad.grad(windowed).source_for(X).count("def ") == 1
