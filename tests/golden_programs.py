"""Programs whose generated text is kept in golden files."""
from __future__ import annotations

import math

import numpy as np


def staged(x, y):
    sigy = 1.0 / (1 + math.exp(-y))
    num = x + sigy
    sigx = 1.0 / (1 + math.exp(-x))
    xpy = x + y
    xpysqr = xpy**2
    den = sigx + xpysqr
    invden = 1.0 / den
    f = num * invden
    return f


def gates(x, y, z):
    q = x + y
    f = q * z
    return f


def max_gate(x, y, z, w):
    f = (x * y + max(z, w)) * 2
    return f


def neuron(w, x):
    dot = w[0] * x[0] + w[1] * x[1] + w[2]
    f = 1.0 / (1 + math.exp(-dot))
    return f


def shopping(apple, apple_num, orange, orange_num, tax):
    apple_price = apple * apple_num
    orange_price = orange * orange_num
    price = (apple_price + orange_price) * tax
    return price


def broadcast_bias(x, b):
    y = np.sum(np.tanh(x + b), axis=0)
    return y @ y


def shared_adjoint(x, y):
    z = x + y
    return np.sum(z * z) + np.sum(x)


def softmax_loss(scores, y):
    n = scores.shape[0]
    shifted = scores - np.max(scores, axis=1, keepdims=True)
    logp = shifted - np.log(np.sum(np.exp(shifted), axis=1, keepdims=True))
    return -np.sum(logp[np.arange(n), y]) / n


def batchnorm(x, gamma, beta):
    mu = np.mean(x, axis=0)
    xmu = x - mu
    var = np.mean(xmu**2, axis=0)
    ivar = 1.0 / np.sqrt(var + 1e-5)
    out = gamma * (xmu * ivar) + beta
    return out


def lstm_step(x, h, c, Wx, Wh, b):
    a = x @ Wx + h @ Wh + b
    ai, af, ao, ag = np.split(a, 4, axis=1)
    i = 1 / (1 + np.exp(-ai))
    f = 1 / (1 + np.exp(-af))
    o = 1 / (1 + np.exp(-ao))
    g = np.tanh(ag)
    next_c = f * c + i * g
    next_h = o * np.tanh(next_c)
    return np.sum(next_h * next_h)


def taken_names(d, dx, np_):
    dd = d * dx
    ddx = dd + dx
    return dd * ddx * np_


def embedding(ids, table):
    e = table[ids]
    return np.sum(e * e * e)


def nested(p, x):
    hidden = np.tanh(p["W"] @ x + p["b"])
    return np.sum(hidden * p["scale"])


def mixed_precision(x, w):
    return np.sum(x * w)


def called_rule(x):
    return np.sum(np.diag(x, k=1) ** 2)


def character_rnn(letters, following, embed, recur, bias, read, read_bias, h):
    loss = 0.0
    for t in range(len(letters)):
        h = np.tanh(embed[letters[t]] + recur @ h + bias)
        scores = read @ h + read_bias
        highest = np.max(scores)
        loss += highest + np.log(np.sum(np.exp(scores - highest))) - scores[following[t]]
    return loss / len(letters)


def jacobi(u, source, sweeps):
    old, new = u.copy(), u.copy()
    for _ in range(sweeps):
        new[1:-1] = 0.5 * (old[:-2] + old[2:] + source[1:-1])
        old[:] = new
    return np.sum(old * old)


def newton_root(a):
    x = a
    while abs(x * x - a) > 1e-12 * a:
        x = 0.5 * (x + a / x)
    return x


def pendulum(state, stiffness):
    return np.stack([state[1], -stiffness * np.sin(state[0])])


def runge_kutta(state, stiffness, dt, steps):
    for _ in range(steps):
        k1 = pendulum(state, stiffness)
        k2 = pendulum(state + 0.5 * dt * k1, stiffness)
        k3 = pendulum(state + 0.5 * dt * k2, stiffness)
        k4 = pendulum(state + dt * k3, stiffness)
        state = state + dt / 6 * (k1 + 2 * k2 + 2 * k3 + k4)
    return state @ state


def cumulative_product(x, w):
    y = np.empty(len(x))
    running = 1.0
    for i in range(len(x)):
        running = running * x[i]
        y[i] = running
    return y @ w


RNG = np.random.default_rng(0)
CASES = {
    "staged": ((3.0, -4.0), "staged"),
    "gates": ((-2.0, 5.0, -4.0), "gates"),
    "max_gate": ((3.0, -4.0, 2.0, -1.0), "max_gate"),
    "neuron": (([2.0, -3.0, -3.0], [-1.0, -2.0]), "neuron"),
    "shopping": ((100.0, 2.0, 150.0, 3.0, 1.1), "shopping"),
    "broadcast_bias": ((RNG.standard_normal((4, 3)), RNG.standard_normal(3)), "broadcast_bias"),
    "shared_adjoint": ((RNG.standard_normal(3), RNG.standard_normal(3)), "shared_adjoint"),
    "softmax_loss": ((RNG.standard_normal((4, 3)), np.array([0, 2, 1, 0])), "softmax_loss"),
    "lstm_step": (tuple(RNG.standard_normal(s) for s in [(2, 3), (2, 4), (2, 4), (3, 16), (4, 16), (16,)]), "lstm_step"),
    "taken_names": ((1.0, 2.0, 3.0), "taken_names"),
    "embedding": ((np.array([0, 1, 0]), RNG.standard_normal((3, 2))), "embedding"),
    "nested": (({"W": RNG.standard_normal((2, 3)), "b": RNG.standard_normal(2), "scale": 2.0}, RNG.standard_normal(3)), "nested"),
    "mixed_precision": ((RNG.standard_normal(3).astype(np.float32), RNG.standard_normal(3)), "mixed_precision"),
    "called_rule": ((RNG.standard_normal((3, 4)),), "called_rule"),
    "character_rnn": ((np.array([0, 2, 1, 2]), np.array([2, 1, 2, 0]),
                       *(RNG.standard_normal(s) for s in [(3, 4), (4, 4), (4,), (3, 4), (3,), (4,)])), "character_rnn"),
    "jacobi": ((RNG.standard_normal(6), RNG.standard_normal(6), 4), "jacobi"),
    "newton_root": ((7.0,), "newton_root"),
    "runge_kutta": ((RNG.standard_normal(2), 1.3, 0.1, 5), "runge_kutta"),
    "cumulative_product": ((RNG.standard_normal(5), RNG.standard_normal(5)), "cumulative_product"),
}
PAIRS = {
    "batchnorm": (RNG.standard_normal((4, 3)), RNG.standard_normal(3), RNG.standard_normal(3)),
    "neuron": ([2.0, -3.0, -3.0], [-1.0, -2.0]),
}
