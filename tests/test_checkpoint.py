"""Memory: functions of which only the arguments are kept."""
from __future__ import annotations

import numpy as np
import pytest

import srcad


@srcad.checkpoint
def layer(x, w):
    z = np.tanh(x @ w)
    return z * np.exp(-z * z)


def network(x, w1, w2):
    return np.sum(layer(layer(x, w1), w2) ** 2)


def plain_network(x, w1, w2):
    def inner(x, w):
        z = np.tanh(x @ w)
        return z * np.exp(-z * z)

    return np.sum(inner(inner(x, w1), w2) ** 2)


@srcad.checkpoint
def cubed(y):
    return np.sum(y**3)


def written_between(x):
    y = x.copy()
    total = 0.0
    for _ in range(3):
        total += cubed(y)
        y[0] = total
        y *= 2
    return total


def where_it_is_called(x):
    return srcad.checkpoint(cubed)(x) + cubed(2 * x)


RANDOM = np.random.default_rng(0)
X, W, V = RANDOM.normal(size=(2, 3)), RANDOM.normal(size=(3, 3)), 0.1 * RANDOM.normal(size=3)


def test_it_runs_the_function():
    assert layer(X, W).shape == (2, 3) and layer.__name__ == "layer"


def test_the_gradient_is_that_of_the_function():
    for found, wanted in zip(srcad.grad(network)(X, W, W.T), srcad.grad(plain_network)(X, W, W.T)):
        np.testing.assert_allclose(found, wanted, rtol=1e-12)
    srcad.check_grad(written_between, V)
    srcad.check_grad(where_it_is_called, V)


def test_only_the_arguments_are_kept():
    text = srcad.grad(network).source_for(X, W, W.T)
    forward = text[text.index("def network_grad") :].partition("# backprop")[0]
    assert "tanh" not in forward and "_cache" not in forward
    assert "layer_forward(" in text[text.index("def network_grad") :].partition("# backprop")[2]


@pytest.mark.parametrize("body", [lambda x: x * np.random.normal(), lambda x: print(x) or x])
def test_what_must_not_run_twice_is_refused(body):
    twice = srcad.checkpoint(body)
    with pytest.raises(srcad.SrcadError, match="runs twice"):
        srcad.grad(lambda x: twice(x))(1.0)
