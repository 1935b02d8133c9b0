"""Loops over scalars, with branches: what Python runs slowly, and people write all the same. The size is the number of passes."""
from __future__ import annotations

import math

import numpy as np

from benchmarks.workloads.workload import Workload, generator


# A sum over elements, each on its own branch.

def piecewise(x):
    total = 0.0
    for e in x:
        if e > 0:
            total += e * e
        elif e < -1:
            total -= math.exp(e)
    return total


def piecewise_hand(x):
    dx = np.zeros(len(x))
    for i in range(len(x)):
        e = x[i]
        if e > 0:
            dx[i] = 2 * e
        elif e < -1:
            dx[i] = -math.exp(e)
    return (dx,)


# A map that is applied to its own result, and folds.

def folded(x, a, b, steps):
    for _ in range(steps):
        x = a * x + 0.3 if x < 0.5 else b * (1.0 - x)
    return x


def folded_hand(x, a, b, steps):
    xs = []
    for _ in range(steps):
        xs.append(x)
        x = a * x + 0.3 if x < 0.5 else b * (1.0 - x)
    dx, da, db = 1.0, 0.0, 0.0
    for _ in range(steps):
        x = xs.pop()
        if x < 0.5:
            da += x * dx
            dx = a * dx
        else:
            db += (1.0 - x) * dx
            dx = -b * dx
    return dx, da, db


# Square roots by Newton's iteration: a loop on data in a loop over elements.

def newton(a):
    total = 0.0
    for i in range(len(a)):
        x = a[i]
        while abs(x * x - a[i]) > 1e-10:
            x = 0.5 * (x + a[i] / x)
        total += x
    return total


def newton_hand(a):
    saved = []
    for i in range(len(a)):
        x = a[i]
        xs = []
        while abs(x * x - a[i]) > 1e-10:
            xs.append(x)
            x = 0.5 * (x + a[i] / x)
        saved.append(xs)
    da = np.zeros_like(a)
    for i in reversed(range(len(a))):
        dx = 1.0
        for x in reversed(saved[i]):
            dhalf = 0.5 * dx
            da[i] += dhalf / x
            dx = dhalf - dhalf * a[i] / (x * x)
        da[i] += dx
    return (da,)


# A recurrence that is kept in an array, element by element.

def recurrence(x):
    out = np.empty_like(x)
    out[0] = x[0]
    for i in range(1, len(x)):
        out[i] = out[i - 1] * x[i] + 0.5 * x[i - 1]
    return np.mean(out)


def recurrence_hand(x):
    n = len(x)
    out = np.empty_like(x)
    out[0] = x[0]
    for i in range(1, n):
        out[i] = out[i - 1] * x[i] + 0.5 * x[i - 1]
    dout = np.full(n, 1.0 / n)
    dx = np.zeros_like(x)
    for i in reversed(range(1, n)):
        dout[i - 1] += x[i] * dout[i]
        dx[i] += out[i - 1] * dout[i]
        dx[i - 1] += 0.5 * dout[i]
    dx[0] += dout[0]
    return (dx,)


def normal(n):
    return (2 * generator().standard_normal(n),)


def fold(n):
    return 0.2, 0.9, 0.8, n


def squares(n):
    return (generator().uniform(1.0, 20.0, n),)


def factors(n):
    return (generator().uniform(0.5, 0.9, n),)


WORKLOADS = (
    Workload(piecewise, piecewise_hand, ("x",), normal, (10, 1000), (100_000,), normal, 500),
    Workload(folded, folded_hand, ("x", "a", "b"), fold, (10, 1000), (100_000,), fold, 500),
    Workload(newton, newton_hand, ("a",), squares, (1, 200), (20_000,), squares, 100),
    Workload(recurrence, recurrence_hand, ("x",), factors, (10, 1000), (100_000,), factors, 500),
)
