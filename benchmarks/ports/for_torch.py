"""Circuits, layers and statistics as one writes them in PyTorch."""
from __future__ import annotations

import math

import torch
from torch.nn import functional


def parabola(x):  # what warms up
    return torch.sum(x * x)


def circuit(x, y):
    return (x + torch.sigmoid(y)) / (torch.sigmoid(x) + (x + y) ** 2)


def max_gate(a, b, c, d):
    return (a * b + torch.maximum(c, d)) * 2.0


def neuron(w, x):
    return torch.sigmoid(w[0] * x[0] + w[1] * x[1] + w[2])


def circuit_array(x, y):
    return torch.sum(circuit(x, y))


def affine_relu(x, w, b, target):
    return torch.mean((torch.relu(x @ w + b) - target) ** 2)


def softmax_loss(scores, labels):
    return functional.cross_entropy(scores, labels)


def batch_norm(x, gamma, beta, r):
    centred = x - x.mean(dim=0)
    var = (centred ** 2).mean(dim=0)
    return torch.sum((gamma * centred / torch.sqrt(var + 1e-5) + beta) * r)


def layer_norm(x, gamma, beta, r):
    return torch.sum(functional.layer_norm(x, (x.shape[1],), gamma, beta, eps=1e-5) * r)


def two_layer(w1, b1, w2, b2, x, labels):
    data = functional.cross_entropy(torch.relu(x @ w1 + b1) @ w2 + b2, labels)
    return data + 0.5 * 1e-3 * (torch.sum(w1 * w1) + torch.sum(w2 * w2))


def attention(q, k, v, r):
    probs = torch.softmax(q @ k.T / math.sqrt(q.shape[1]), dim=1)
    return torch.sum((probs @ v) * r)


def lstm_step(x, h, c, wx, wh, b, rh, rc):
    i, f, o, g = torch.chunk(x @ wx + h @ wh + b, 4, dim=1)
    c_next = torch.sigmoid(f) * c + torch.sigmoid(i) * torch.tanh(g)
    h_next = torch.sigmoid(o) * torch.tanh(c_next)
    return torch.sum(h_next * rh) + torch.sum(c_next * rc)


def logistic(w, x, y):
    return torch.mean(functional.softplus(-y * (x @ w))) + 0.5 * 0.01 * torch.sum(w * w)


def mixture(logits, means, logstd, points):
    z = (points[:, None, :] - means) / torch.exp(logstd)
    weighted = logits - torch.sum(0.5 * z * z + logstd, dim=2)
    return torch.sum(torch.logsumexp(weighted, dim=1)) - points.shape[0] * torch.logsumexp(logits, dim=0)


def black_scholes(spot, strike, rate, vol, expiry):
    root = torch.sqrt(expiry)
    d1 = (torch.log(spot / strike) + (rate + 0.5 * vol ** 2) * expiry) / (vol * root)
    d2 = d1 - vol * root
    n1 = 0.5 * (1.0 + torch.erf(d1 / math.sqrt(2.0)))
    n2 = 0.5 * (1.0 + torch.erf(d2 / math.sqrt(2.0)))
    return torch.sum(spot * n1 - strike * torch.exp(-rate * expiry) * n2)


def kmeans(points, centres):
    dist = torch.sum(points ** 2, dim=1)[:, None] - 2 * points @ centres.T + torch.sum(centres ** 2, dim=1)
    return torch.mean(torch.amin(dist, dim=1))


def repulsion(points, width):
    gap = points[:, None, :] - points[None, :, :]
    return torch.sum(torch.exp(-torch.sum(gap ** 2, dim=2) / width))
