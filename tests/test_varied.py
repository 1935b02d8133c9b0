"""Loops and writes as a stranger varied them: right, or refused in a few words."""
# ruff: noqa: B007
import dataclasses
from typing import NamedTuple

import numpy as np
import pytest

import srcad


class State(NamedTuple):
    pos: object
    vel: object


@dataclasses.dataclass(frozen=True)
class Pair:
    a: object
    b: object


def value3(x):
    b = x[:1] * 0.5
    lr = 0.1
    hist = []
    for k in range(4):
        hist.append(x[0])
        lr = lr + b
    return sum(hist)


def p6(x):
    b = 0.3
    vel = 0
    losses = []
    for step in range(4):
        g = 2 * (x - b)
        vel = 0.9 * vel - 0.1 * g
        x = x + vel
        losses.append(np.sum((x - b) ** 2))
    return losses[-1] + sum(losses)


def pr(x):
    rows = []
    c = 0.0
    for k in range(3):
        c = c + x
        rows.append(c * x[k])
    return np.sum(np.stack(rows)) * len(rows)


def ixs(x):
    A = np.outer(x, x)
    n, m = A.shape
    A[0] = A[np.ix_(np.arange(n), np.arange(m))][:1]
    return np.sum(A * A)


def outer(x):
    R = np.outer(x, x)[:, :2].copy() + np.arange(6).reshape(3, 2)
    m, n = R.shape
    for k in range(min(m, n)):
        y = R[k:, k].copy()
        y[0] += 1.0
    return np.sum(np.outer(y, y @ R[k:, k:]) ** 3)


def nt3(x):
    v = x * 2
    k = x[0]
    s = State(x, v)
    for i in range(3):
        s = s._replace(vel=s.vel + k * np.sum(s))
    return s.pos @ s.vel


def nt4(x):
    s = State(x, x * 2)
    for i in range(2):
        s = s._replace(vel=s.vel + x[0] * np.sum(s))
        if np.sum(s) > 1.0:
            s = s._replace(pos=s.pos * 0.5)
    return np.sum(s) + s.pos @ s.vel


def dc3(x):
    s = Pair(x, x[0])
    for i in range(3):
        s = dataclasses.replace(s, a=s.a * s.b, b=s.b + 0.1)
    return np.sum(s.a) * s.b


def ixgrid(x):
    A = np.outer(x, x)[:1, :1] * 1.0
    n, m = A.shape
    r = np.arange(0, n, 2)
    c = np.arange(m)
    B = A[np.ix_(r, c)]
    B[0] = B * 2.0
    C = np.column_stack([B[:, 0], B[:, -1]])
    return np.sum(C ** 2)


def e1(x):
    tot = 0.0
    for i in range(3):
        for j in range(3):
            if i > 0.5 and j > 0:
                i = 0.1
                break
            tot += x[i] * x[j]
    return tot


def path14(x):
    s, peaked = x[0], x[1]
    traj = np.zeros((5, 3))
    peak = 0.0
    for t in range(5):
        tp = s - 1.0
        peaked = peaked - 0.1
        if peaked < peak:
            tp = t
    return traj[tp, 0] + s


def d15(x):
    X = np.outer(x, x)[:1, :1] * 1.0
    h = X
    h[0] = X / np.ones(1)
    return np.sum(h * h)


def lead1(x):
    A = np.zeros((2, 3))
    A[0] = (x * 2).reshape(1, 1, 3)
    A[1] = x[None]
    return np.sum(A ** 2 * np.arange(6).reshape(2, 3))


def lead2(x):
    A = np.zeros((2, 3))
    A[1:] = x[0] * np.ones((1, 1, 1))
    A[0][:] = np.outer(x, x)[:1]
    h = np.zeros(1)
    h[:] = x[:1].reshape(1, 1) * 3
    return np.sum(A ** 2 * np.arange(6).reshape(2, 3)) + h[0] ** 2


def gnn(x):
    X = np.outer(x, x)[:1, :1] * 1.0
    n = len(X)
    h = X
    h[0] = h / np.bincount(np.arange(n), minlength=n)
    return np.sum(h * h)


def n2(x):
    tot = 0.0
    for i in range(len(x)):
        for j in range(2):
            lo = 0
        tot += x[lo] * x[i]
    return tot


def n2b(x):
    tot = 0.0
    for i in range(len(x)):
        for j in range(2):
            lo = j
        tot += x[lo] * x[i]
    return tot


def n2c(x):
    tot = 0.0
    for i in range(len(x)):
        for j in range(2):
            lo = x[j]
        tot += lo * x[i]
    return tot


def n2d(x):
    for i in range(3):
        k = i
        x = x * 1.1
    return x[k] * k


def whl(x):
    h = 0
    while h < 2:
        h += 0.1
        n = h
    return np.sum(x) * n


def n4(x):
    y = x
    M = np.outer(x[:1], y)
    np.fill_diagonal(M, x[1:2])
    return np.sum(M ** 2)


def n4b(x):
    M = np.outer(x[:1], x)
    np.fill_diagonal(M, x[1:])
    return np.sum(M ** 2)


def n4c(x):
    M = np.outer(x, x)
    np.fill_diagonal(M, x[1:])
    return np.sum(M ** 2)


RIGHT = [value3, p6, pr, ixs, outer, nt3, nt4, dc3, ixgrid, e1, d15, lead1, lead2, gnn, n2, n2b, n2c, n2d, whl, n4]
X = np.array([0.7, 0.4, 0.9])


@pytest.mark.parametrize("program", RIGHT, ids=lambda f: f.__name__)
def test_these_are_right(program):
    gradient = srcad.grad(program)
    wanted = [(program(X + e) - program(X - e)) / 2e-6 for e in np.eye(3) * 1e-6]
    assert np.allclose(gradient(X.copy()), wanted, rtol=1e-5, atol=1e-6)
    assert np.isclose(gradient.value_and_grad(X.copy())[0], program(X.copy()))
    if program is not nt4:  # which forward mode does not follow
        assert np.allclose([srcad.jvp(program, (X.copy(),), e)[1] for e in np.eye(3)], wanted, rtol=1e-5, atol=1e-6)


@pytest.mark.parametrize(("program", "reason"), [(path14, "`tp` is an index here"), (n4b, "as many as the diagonal has"), (n4c, "as many as the diagonal has")])
def test_these_are_refused(program, reason):
    with pytest.raises(srcad.UnsupportedSyntaxError, match=reason):
        srcad.grad(program)(X)


def counter_of_both(x, n):
    i = 0
    s = 0.0
    while i < n + 1:
        for i in range(n + 1):
            s = s + x
        s = s * 1.1
        i += 1
    return s


def counter_taken_over(x, n):
    i = 0
    s = 0.0
    while i < n + 1:
        for j in range(n + 1):
            i = j
            s = s + x
        s = s * 1.1
        i += 1
    return s


def counter_goes_on(x, n):
    i = 0
    s = 0.0
    while i < n + 1:
        i += 1
        s = s + x * i
        for i in range(i, n + 1):
            s = s * 1.1
        i += 1
    return s


def counter_left_behind(x, n):
    s = 0.0
    i = 0
    for k in range(2):
        for i in range(n + 1):
            s = s + x * i
        if i < n + 1:
            s = s * 1.5
        i += 1
        if i <= n:
            s = s * 3.0
    return s * i


@pytest.mark.parametrize("program", [counter_of_both, counter_taken_over, counter_goes_on, counter_left_behind], ids=lambda f: f.__name__)
def test_counters_that_loops_share(program):
    gradient = srcad.grad(program, wrt="x")
    for n in (0, 1, 2, 3, 0, 2):
        value, found = gradient.value_and_grad(1.3, n)
        assert np.isclose(value, program(1.3, n)) and np.isclose(found, (program(1.3 + 1e-6, n) - program(1.3 - 1e-6, n)) / 2e-6, rtol=1e-5)
