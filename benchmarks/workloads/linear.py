"""Linear algebra written as loops. The size is the number of rows."""
from __future__ import annotations

import numpy as np

from benchmarks.workloads.workload import Workload, generator


# The solution of a lower triangular system, row after row.

def forward_solve(low, b):
    x = np.zeros(len(b))
    for i in range(len(b)):
        x[i] = (b[i] - low[i, :i] @ x[:i]) / low[i, i]
    return np.sum(x * x)


def forward_solve_hand(low, b):
    n = len(b)
    x = np.zeros(n)
    for i in range(n):
        x[i] = (b[i] - low[i, :i] @ x[:i]) / low[i, i]
    dx = 2 * x
    dlow, db = np.zeros_like(low), np.zeros_like(b)
    for i in reversed(range(n)):
        dtop = dx[i] / low[i, i]
        db[i] = dtop
        dlow[i, i] = -dtop * x[i]
        dlow[i, :i] = -dtop * x[:i]
        dx[:i] -= dtop * low[i, :i]
    return dlow, db


# Cholesky's factor, element by element, and the logarithm of the determinant.

def cholesky(a):
    n = len(a)
    low = np.zeros((n, n))
    for j in range(n):
        low[j, j] = np.sqrt(a[j, j] - low[j, :j] @ low[j, :j])
        for i in range(j + 1, n):
            low[i, j] = (a[i, j] - low[i, :j] @ low[j, :j]) / low[j, j]
    return np.sum(np.log(np.diag(low))) + np.sum(low)


def cholesky_hand(a):
    n = len(a)
    low = np.zeros((n, n))
    for j in range(n):
        low[j, j] = np.sqrt(a[j, j] - low[j, :j] @ low[j, :j])
        for i in range(j + 1, n):
            low[i, j] = (a[i, j] - low[i, :j] @ low[j, :j]) / low[j, j]
    dlow = np.ones((n, n))
    dlow[np.arange(n), np.arange(n)] += 1.0 / np.diag(low)
    da = np.zeros_like(a)
    for j in reversed(range(n)):
        for i in reversed(range(j + 1, n)):
            dtop = dlow[i, j] / low[j, j]
            dlow[j, j] -= dtop * low[i, j]
            da[i, j] = dtop
            dlow[i, :j] -= dtop * low[j, :j]
            dlow[j, :j] -= dtop * low[i, :j]
        dinner = 0.5 * dlow[j, j] / low[j, j]
        da[j, j] = dinner
        dlow[j, :j] -= 2 * dinner * low[j, :j]
    return (da,)


def triangular(n):
    rng = generator()
    return np.tril(rng.standard_normal((n, n))) / n + np.eye(n), rng.standard_normal(n)


def positive(n):
    root = generator().standard_normal((n, n)) / n
    return (root @ root.T + np.eye(n),)


WORKLOADS = (
    Workload(forward_solve, forward_solve_hand, ("low", "b"), triangular, (4, 50, 500), (2000,), triangular, 50),
    Workload(cholesky, cholesky_hand, ("a",), positive, (3, 30), (120,), positive, 8),
)
