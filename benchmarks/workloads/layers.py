"""Layers of networks: n examples, 100 features, 50 hidden units, 10 classes. The size is the batch, or a number of positions."""
from __future__ import annotations

import numpy as np

from benchmarks.workloads.workload import Workload, generator

BATCHES = (1, 64, 1024)
LARGE = (16384,)


# An affine layer and a ReLU, against targets.

def affine_relu(x, w, b, target):
    out = np.maximum(x @ w + b, 0)
    return np.mean((out - target) ** 2)


def affine_relu_hand(x, w, b, target):
    out = np.maximum(x @ w + b, 0)
    dout = (out - target) * (2.0 / out.size)
    dout *= out > 0
    return dout @ w.T, x.T @ dout, dout.sum(axis=0)


# The softmax loss.

def softmax_loss(scores, labels):
    shifted = scores - np.max(scores, axis=1, keepdims=True)
    log_probs = shifted - np.log(np.sum(np.exp(shifted), axis=1, keepdims=True))
    return -np.mean(log_probs[np.arange(len(labels)), labels])


def softmax_loss_hand(scores, labels):
    n = len(labels)
    dscores = np.exp(scores - scores.max(axis=1, keepdims=True))
    dscores /= dscores.sum(axis=1, keepdims=True)
    dscores[np.arange(n), labels] -= 1
    dscores /= n
    return (dscores,)


# Batch normalisation, weighted by r.

def batch_norm(x, gamma, beta, r):
    mean = np.mean(x, axis=0)
    centred = x - mean
    var = np.mean(centred ** 2, axis=0)
    xhat = centred / np.sqrt(var + 1e-5)
    return np.sum((gamma * xhat + beta) * r)


def batch_norm_hand(x, gamma, beta, r):
    n = x.shape[0]
    centred = x - x.mean(axis=0)
    std = np.sqrt((centred ** 2).mean(axis=0) + 1e-5)
    xhat = centred / std
    dgamma = (r * xhat).sum(axis=0)
    dbeta = r.sum(axis=0)
    dx = (gamma / std) * (r - dbeta / n - xhat * (dgamma / n))
    return dx, dgamma, dbeta


# Layer normalisation, weighted by r.

def layer_norm(x, gamma, beta, r):
    mean = np.mean(x, axis=1, keepdims=True)
    centred = x - mean
    var = np.mean(centred ** 2, axis=1, keepdims=True)
    xhat = centred / np.sqrt(var + 1e-5)
    return np.sum((gamma * xhat + beta) * r)


def layer_norm_hand(x, gamma, beta, r):
    centred = x - x.mean(axis=1, keepdims=True)
    std = np.sqrt((centred ** 2).mean(axis=1, keepdims=True) + 1e-5)
    xhat = centred / std
    dgamma = (r * xhat).sum(axis=0)
    dbeta = r.sum(axis=0)
    dxhat = r * gamma
    dx = dxhat - dxhat.mean(axis=1, keepdims=True) - xhat * (dxhat * xhat).mean(axis=1, keepdims=True)
    dx /= std
    return dx, dgamma, dbeta


# A two-layer network with weight decay.

def two_layer(w1, b1, w2, b2, x, labels):
    hidden = np.maximum(x @ w1 + b1, 0)
    scores = hidden @ w2 + b2
    shifted = scores - np.max(scores, axis=1, keepdims=True)
    log_probs = shifted - np.log(np.sum(np.exp(shifted), axis=1, keepdims=True))
    data = -np.mean(log_probs[np.arange(len(labels)), labels])
    return data + 0.5 * 1e-3 * (np.sum(w1 * w1) + np.sum(w2 * w2))


def two_layer_hand(w1, b1, w2, b2, x, labels):
    hidden = np.maximum(x @ w1 + b1, 0)
    (dscores,) = softmax_loss_hand(hidden @ w2 + b2, labels)
    dw2 = hidden.T @ dscores
    dw2 += 1e-3 * w2
    dhidden = dscores @ w2.T
    dhidden *= hidden > 0
    dw1 = x.T @ dhidden
    dw1 += 1e-3 * w1
    return dw1, dhidden.sum(axis=0), dw2, dscores.sum(axis=0)


# One head of attention over n positions, weighted by r.

def attention(q, k, v, r):
    scores = q @ k.T / np.sqrt(q.shape[1])
    weights = np.exp(scores - np.max(scores, axis=1, keepdims=True))
    probs = weights / np.sum(weights, axis=1, keepdims=True)
    return np.sum((probs @ v) * r)


def attention_hand(q, k, v, r):
    scale = 1.0 / np.sqrt(q.shape[1])
    scores = q @ k.T * scale
    probs = np.exp(scores - scores.max(axis=1, keepdims=True))
    probs /= probs.sum(axis=1, keepdims=True)
    dprobs = r @ v.T
    dscores = probs * (dprobs - (dprobs * probs).sum(axis=1, keepdims=True))
    dscores *= scale
    return dscores @ k, dscores.T @ q, probs.T @ r


def affine(n):
    normal = generator().standard_normal
    return normal((n, 100)), normal((100, 50)), normal(50), normal((n, 50))


def scored(n):
    rng = generator()
    return rng.standard_normal((n, 10)), rng.integers(0, 10, n)


def normed(n):
    normal = generator().standard_normal
    return normal((n, 100)), normal(100), normal(100), normal((n, 100))


def network(n):
    rng = generator()
    normal = rng.standard_normal
    return 0.1 * normal((100, 50)), normal(50), 0.1 * normal((50, 10)), normal(10), normal((n, 100)), rng.integers(0, 10, n)


def heads(n):
    normal = generator().standard_normal
    return normal((n, 32)), normal((n, 32)), normal((n, 32)), normal((n, 32))


WORKLOADS = (
    Workload(affine_relu, affine_relu_hand, ("x", "w", "b"), affine, BATCHES, LARGE),
    Workload(softmax_loss, softmax_loss_hand, ("scores",), scored, BATCHES, LARGE),
    Workload(batch_norm, batch_norm_hand, ("x", "gamma", "beta"), normed, BATCHES, LARGE),
    Workload(layer_norm, layer_norm_hand, ("x", "gamma", "beta"), normed, BATCHES, LARGE),
    Workload(two_layer, two_layer_hand, ("w1", "b1", "w2", "b2"), network, BATCHES, LARGE),
    Workload(attention, attention_hand, ("q", "k", "v"), heads, (4, 64, 512), (2048,)),
)
