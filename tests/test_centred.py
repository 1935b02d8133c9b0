"""A variance by the differences to the mean, where the program takes these anyway: the very same values."""
import re

import numpy as np
import pytest

import srcad

rng = np.random.default_rng(0)


def standardised(x):
    return np.sum(np.tanh((x - x.mean(axis=0)) / x.std(axis=0)))


def of_the_whole(x):
    z = (x - x.mean()) / (x.std() + 1e-3)
    return np.sum(z**3)


def by_rows(x):
    mu = np.mean(x, axis=1, keepdims=True)
    s = np.std(x, axis=1, keepdims=True)
    return np.sum(((x - mu) / s) ** 3)


def positional(x):
    m = np.mean(x, 0)
    v = np.var(x, 0)
    return np.sum((x - m) ** 3 / v)


def after_the_mean(x):
    m = x.mean(axis=0)
    v = x.var(axis=0)
    w = x.std(axis=0)
    return np.sum((x - m) ** 3 / (v + w))


@pytest.mark.parametrize("program", [standardised, of_the_whole, by_rows, positional, after_the_mean], ids=lambda p: p.__name__)
@pytest.mark.parametrize("dtype", [float, np.float32])
def test_the_differences_are_taken_once(program, dtype):
    x = rng.random((5, 4)).astype(dtype)
    value, gradient = srcad.value_and_grad(program)(x)
    assert value == program(x) and gradient.dtype == dtype
    text = "\n".join(line for line in srcad.grad(program).source_for(x).split("\n") if "#" not in line)
    assert ".std(" not in text and ".var(" not in text and len(re.findall(r"\bx - ", text)) == 1, text
    if dtype is float:
        srcad.grad(program).check(x)


def other_axis(x):
    m = x.mean(axis=1)
    v = x.var(axis=1)
    return np.sum(np.exp((x - m) * v))


def changed_between(x):
    y = x.copy()
    m = y.mean(axis=0)
    y[0] = 3.0
    v = y.var(axis=0)
    return np.sum((y - m) ** 2 / v)


def with_ddof(x):
    m = x.mean(axis=0)
    d = x - m
    return np.sum(d**3 / x.var(axis=0, ddof=1))


def rebound(x):
    m = x.mean(axis=0)
    v = x.var(axis=0)
    x = x * 2
    return np.sum((x - m) ** 3 / v)


def other_keepdims(x):
    m = x.mean(axis=0, keepdims=True)
    v = x.var(axis=0)
    return np.sum((x - m) ** 3 / v)


@pytest.mark.parametrize("program", [other_axis, changed_between, with_ddof, rebound, other_keepdims], ids=lambda p: p.__name__)
def test_what_is_not_the_same_stays(program):
    x = rng.random((4, 4))
    srcad.grad(program).check(x)
    assert srcad.value_and_grad(program)(x)[0] == program(x)
    assert "var(" in srcad.grad(program).source_for(x)


@pytest.mark.parametrize("program", [np.max, np.min, np.prod, np.var, np.std, np.mean, np.ptp, np.median], ids=lambda p: p.__name__)
@pytest.mark.parametrize("shape", [(4,), (3, 4), (1, 4), (4, 1), (2, 3, 4)])
def test_reductions_along_the_first_axis(program, shape):
    def f(x):
        return np.sum(np.exp(program(x, axis=0)))

    srcad.grad(f).check(rng.random(shape))
