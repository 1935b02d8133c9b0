"""Layers as forward and backward pairs with a cache, as the CS231n assignments write them.

    out, cache = affine.forward(x, w, b)
    dx, dw, db = affine.backward(dout, cache)

The pairs are wired by hand into one network, whose gradients are compared with numerical ones.

    python examples/layers.py
"""
from __future__ import annotations

from collections.abc import Callable

import numpy as np
from numpy.typing import NDArray

from srcad import grad

Array = NDArray[np.float64]
Params = dict[str, Array]


@grad
def affine(x, w, b):
    """Each row of x through x @ w + b."""
    return x @ w + b


@grad
def relu(x):
    """What is positive."""
    return np.maximum(x, 0)


@grad
def batchnorm(x, gamma, beta, eps=1e-5):
    """Each column of x with mean 0 and variance 1, then scaled by gamma and shifted by beta."""
    mean = np.mean(x, axis=0)
    centred = x - mean
    var = np.mean(centred ** 2, axis=0)
    xhat = centred / np.sqrt(var + eps)
    return gamma * xhat + beta


@grad(wrt="scores")
def softmax_loss(scores, labels):
    """The mean cross entropy of the softmax of each row."""
    shifted = scores - np.max(scores, axis=1, keepdims=True)
    log_probs = shifted - np.log(np.sum(np.exp(shifted), axis=1, keepdims=True))
    return -np.mean(log_probs[np.arange(len(labels)), labels])


def network(p: Params, x: Array, labels: NDArray[np.int64]) -> tuple[float, Params]:
    """The loss of affine - batchnorm - relu - affine - softmax, and its gradient in every parameter."""
    a1, cache1 = affine.forward(x, p["W1"], p["b1"])
    normed, cache2 = batchnorm.forward(a1, p["gamma"], p["beta"])
    hidden, cache3 = relu.forward(normed)
    scores, cache4 = affine.forward(hidden, p["W2"], p["b2"])
    loss, cache5 = softmax_loss.forward(scores, labels)

    d: Params = {}
    dscores = softmax_loss.backward(1.0, cache5)
    dhidden, d["W2"], d["b2"] = affine.backward(dscores, cache4)
    dnormed = relu.backward(dhidden, cache3)
    da1, d["gamma"], d["beta"] = batchnorm.backward(dnormed, cache2)
    _, d["W1"], d["b1"] = affine.backward(da1, cache1)
    return float(loss), d


def numerical_gradient(f: Callable[[], float], x: Array, h: float = 1e-5) -> Array:
    """The gradient of f in x by central differences; f reads x, each element of which is moved in place and put back."""
    dx = np.zeros_like(x)
    for i in np.ndindex(*x.shape):
        kept = x[i]
        x[i] = kept + h
        above = f()
        x[i] = kept - h
        dx[i] = (above - f()) / (2 * h)
        x[i] = kept
    return dx


def relative_error(a: Array, b: Array) -> float:
    """The largest difference, beside the largest element of either."""
    return float(np.max(np.abs(a - b)) / max(np.max(np.abs(a)), np.max(np.abs(b)), 1e-3))


def example(seed: int = 0) -> tuple[Params, Array, NDArray[np.int64]]:
    """Random parameters, a batch of 6 rows of 5 features, and labels of 3 classes."""
    rng = np.random.default_rng(seed)
    shapes = {"W1": (5, 7), "b1": (7,), "gamma": (7,), "beta": (7,), "W2": (7, 3), "b2": (3,)}
    params = {name: rng.standard_normal(shape) for name, shape in shapes.items()}
    return params, rng.standard_normal((6, 5)), rng.integers(0, 3, 6)


def main() -> None:
    params, x, labels = example()
    print(batchnorm.source_for(x, np.ones(5), np.zeros(5), pair=True))
    loss, grads = network(params, x, labels)
    print(f"loss {loss:.6f}")
    for name, value in params.items():
        error = relative_error(grads[name], numerical_gradient(lambda: network(params, x, labels)[0], value))
        print(f"d{name:<6} relative error {error:.1e}")
        if error > 1e-6:
            raise SystemExit(f"the gradient of {name} disagrees with the numerical one")


if __name__ == "__main__":
    main()
