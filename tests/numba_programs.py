"""Programs that both backends run: layers, loops in place, masks, broadcasting, reductions, lists, branches, odd kinds of numbers."""
from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any

import numpy as np

RNG = np.random.default_rng(7)
PROGRAMS: list[tuple[Any, tuple[Any, ...]]] = []


def program(*args: Any) -> Any:
    def added(function: Any) -> Any:
        PROGRAMS.append((function, args))
        return function

    return added


def array(*shape: int) -> np.ndarray:
    return RNG.uniform(0.3, 1.7, shape).round(3)


@dataclass
class Layer:
    weight: Any
    bias: Any


# ---- numbers


@program(3, -4)
def circuit(x, y):
    sigma = 1.0 / (1 + math.exp(-y))
    return (x + sigma) / (x + y) ** 2


@program(2.5)
def newton(a):
    x = a
    while abs(x * x - a) > 1e-10:
        x = 0.5 * (x + a / x)
    return x


@program(3.1, 0.3)
def logistic(r, x, n=30):
    for _ in range(n):
        x = r * x * (1 - x)
    return x


@program(0.7, np.float32(1.5), np.array(2.0))
def kinds_of_numbers(x, y, z):
    return x * y * z + np.sin(x * z)


@program([1.0, 2.0, 3.0], {"a": 0.5, "b": (1.5, 2.5)})
def structures(xs, parameters):
    total = 0.0
    for x in xs:
        total = total + x * parameters["a"]
    return total * parameters["b"][0] - parameters["b"][1]


# ---- layers


@program(array(4, 3), array(3, 5), array(5))
def affine(x, w, b):
    return np.sum(np.maximum(x @ w + b, 1.5) ** 2)


@program(array(6, 4), np.array([0, 3, 1, 1, 2, 0]))
def cross_entropy(scores, labels):
    n = scores.shape[0]
    shifted = scores - np.max(scores, axis=1, keepdims=True)
    logp = shifted - np.log(np.sum(np.exp(shifted), axis=1, keepdims=True))
    return -np.sum(logp[np.arange(n), labels]) / n


@program(array(6, 4), array(4), array(4))
def normalised(x, gamma, beta):
    mu = x.mean(axis=0)
    out = (x - mu) / np.sqrt(x.var(axis=0) + 1e-5) * gamma + beta
    return np.sum(out**3)


@program(array(5, 4), {"first": Layer(array(4, 3), array(3)), "second": Layer(array(3, 2), array(2))})
def network(x, layers):
    hidden = np.tanh(x @ layers["first"].weight + layers["first"].bias)
    return np.sum((hidden @ layers["second"].weight + layers["second"].bias) ** 2)


@program(array(2, 3, 4), array(2, 4, 5), array(3, 5))
def batched(a, b, c):
    return np.sum(a @ b * c) + np.sum(np.einsum("nij,nij->i", a, a)) + np.sum(np.tensordot(a, a, axes=([0, 2], [0, 2])))


@program(np.array([0, 2, 2, 1]), array(3, 4))
def embedded(ids, table):
    rows = table[ids]
    return np.sum(rows * rows * rows) + np.sum(table[1])


# ---- loops


@program(array(5), array(5, 5), array(7, 5))
def recurrent(h, w, xs):
    for t in range(len(xs)):
        h = np.tanh(w @ h + xs[t])
    return h @ h


@program(array(12), array(12))
def stencil(a, b):
    for _ in range(4):
        b[1:-1] = 0.3 * (a[:-2] + a[1:-1] + a[2:])
        a[1:-1] = 0.3 * (b[:-2] + b[1:-1] + b[2:])
    return np.sum(a * a)


@program(array(9))
def seidel(a):
    for _ in range(2):
        for i in range(1, len(a) - 1):
            a[i] = (a[i - 1] + a[i] * 2 + a[i + 1]) / 4
    return np.sum(a**2)


@program(array(8))
def branching(x):
    s = 0.0
    for i in range(len(x)):
        if x[i] > 1:
            s += x[i] ** 3
        elif x[i] > 0.6:
            s -= math.exp(x[i])
            continue
        if s > 100:
            break
    return s


@program(array(4), 3)
def growing(x, n):
    kept = []
    for i in range(n):
        x = np.sin(x) * (i + 1)
        kept.append(x[1])
    return np.sum(np.array(kept)) + x[0]


@program(np.array([1.0, 0.0]), 2.0)
def rk4(y, k):
    def field(y, k):
        return np.array([y[1], -k * np.sin(y[0])])

    for _ in range(5):
        k1 = field(y, k)
        k2 = field(y + 0.05 * k1, k)
        y = y + 0.1 * k2
    return y[0] * y[1]


@program(array(4, 4) + 4 * np.eye(4))
def cholesky_loops(a):
    n = a.shape[0]
    low = np.zeros((n, n))
    for i in range(n):
        for j in range(i + 1):
            s = a[i, j] - low[i, :j] @ low[j, :j]
            low[i, j] = np.sqrt(s) if i == j else s / low[j, j]
    return np.sum(np.log(np.diag(low)))


# ---- memory


@program(array(6))
def views(x):
    y = x[1:]
    y[:2] = y[2:4] * 2
    z = x[::-1]
    z[0] = z[1] * z[2]
    return np.sum(x**2) + np.sum(y)


@program(array(6))
def shifting(x):
    x[1:] = x[:-1] * 1.5
    x += x[0]
    x *= x[::-1]
    return np.sum(x * np.arange(6))


@program(array(5, 4))
def overlapping(x):
    x[1:] += x[:-1]
    x[:, 0] = x[:, 1]
    x[0] -= x[1] * x[2]
    return np.sum(np.cos(x))


@program(array(7), array(7))
def masked(x, y):
    x[x > 1] = 0.5
    x[y > 1.2] *= y[y > 1.2]
    return np.sum(x[y < 1.4] ** 2) + np.sum(np.where(y > 1, x * y, x - y))


@program(array(5, 4), np.array([0, 2, 2]), np.array([1, 3, 0]))
def gathered(x, rows, columns):
    x[rows, columns] = x[columns, rows] * 2
    return np.sum(x[rows][:, columns] ** 2) + np.sum(x[np.ix_(rows, columns)])


@program(array(3), array(4))
def rebound(x, y):
    z = x
    z = z * 2
    w = z
    w[0] = 5.0
    z = y + z[0]
    return np.sum(z**2) + np.sum(w)


# ---- shapes


@program(array(3, 1), array(4), 2.0)
def broadcast(x, y, s):
    z = x * y + s
    return np.sum(z / (1 + x)) + np.sum(np.broadcast_to(y, (3, 4)) * z)


@program(array(2, 3, 4))
def axes(x):
    a = np.sum(x, axis=(0, 2)) * np.max(x, axis=(0, 2))
    b = np.mean(x, axis=-1, keepdims=True) + np.prod(x, axis=0, keepdims=True)
    return np.sum(a) + np.sum(b**2) + x.std() + np.linalg.norm(x[0])


@program(array(2, 3), array(2, 3))
def arranged(x, y):
    joined = np.concatenate([x.T, y.T], axis=1)
    stacked = np.stack([x, y * 2])
    a, b = np.split(joined, 2, axis=1)
    return np.sum(joined.reshape(-1) * np.arange(12.0)) + np.sum(stacked[1, ::-1] ** 2) + np.sum(a * b) + np.sum(np.squeeze(x[None] ** 2) * y.ravel().reshape(2, 3))


@program(array(9))
def scans(x):
    return np.sum(np.cumsum(x) ** 2) + x[np.argmax(x)] * x[np.argmin(x)] + np.sum(np.clip(x, 0.5, 1.2) ** 2) + np.sum(np.abs(x - 1))


@program(array(3, 3) + 3 * np.eye(3), array(3))
def solved(a, b):
    return np.sum(np.linalg.solve(a, b) ** 2) + np.sum(np.linalg.inv(a)) + np.sum(np.tril(a) * np.triu(a)) + np.sum(np.outer(b, b))


def wandering(x, y):
    for _ in range(3):
        a = x * y + 1.5
        b = np.sin(a) * y
        c = a * b - x
        d = np.tanh(c) + a
        x = d * 0.5 + b[0]
    return x


@program(array(4), array(4))
def called_often(x, y):
    z = x
    for _ in range(2):
        z = wandering(z, y)
    return np.sum(wandering(wandering(wandering(wandering(wandering(wandering(z, y), x), y), x), y), x))


# ---- odd kinds


@program(array(4).astype(np.float32), np.float32(0.5))
def single_precision(x, s):
    return np.sum(np.exp(x * 0.5) * s + 1.0 / x)


@program(np.arange(1, 7).reshape(2, 3), array(3))
def integers(n, x):
    return np.sum(n * x**n) / n.size


@program(np.zeros((0, 3)), array(3))
def nothing(x, y):
    return np.sum(x * y) + np.sum(y**2) + np.sum(np.sum(x, axis=0) * y)


@program(array(6, 8)[::2, 1::3], array(3, 3).T)
def strided(x, y):
    return np.sum(x @ y) + np.sum((x * y) ** 2)


@program(array(5), True, "sum")
def flags(x, squared, mode):
    y = x**2 if squared else x
    return np.sum(y) if mode == "sum" else np.mean(y)


# ---- rolled


@program(array(6), array(6))
def rolled(x, w):
    y = np.roll(x, 2) * w + np.roll(x, -1)
    y = y + np.roll(y * y, 7)
    return np.sum(np.tanh(y))


@program(array(3, 4), 1)
def rolled_along_axes(a, k):
    b = np.roll(a, 1, axis=0) * np.roll(a, -k, axis=-1)
    return np.sum(np.sin(b) * np.roll(b, k, axis=1))


@program(array(5), 3)
def rolled_in_place(x, steps):
    u = x.copy()
    for i in range(steps):
        u[:] = 0.5 * (np.roll(u, 1) + np.roll(u, -1)) * x
        u += np.roll(u, i)
    return np.sum(u * u)


@program(array(0), array(1))
def rolled_of_nothing_and_one(x, y):
    return np.sum(np.roll(x, 3)) + np.sum(np.roll(y, 2) * y)


# ---- lists that grow more than once in a pass


@program(array(40), array(40))
def rows_by_three(x, w):
    rows = []
    for i in range(len(x)):
        rows.append(x * w[i])
        rows.append(np.sin(x))
        rows.append(x + w)
    return np.sum(np.array(rows) ** 2)


@program(array(3, 3), array(3), 4)
def two_products_in_a_pass(w, y, steps):
    for _ in range(steps):
        k = np.tanh(w @ y)
        y = y + 0.1 * np.tanh(w @ (y + 0.1 * k))
    return y @ y


@program(array(3, 3), array(3, 2), array(4, 2), array(3))
def recurrent_with_rows(w, u, xs, h):
    for t in range(len(xs)):
        h = np.tanh(w @ h + u @ xs[t])
    return np.sum(h * h)
