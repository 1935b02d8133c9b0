"""Arrays that the passes of a loop make and write to, read after the loop or in a later pass."""
# ruff: noqa: B007
import numpy as np
import pytest

import srcad


def swap1(x):
    prev = np.zeros(2)
    for i in range(len(x)):
        cur = np.zeros(2)
        cur[0] = x[i]
        prev, cur = cur, prev
    return cur[0]


def m1(x):
    k = 0
    while k < 2:
        d = x * 2
        d[0] = d[0] * x[1]
        k += 1
    return d[0]


def m5(x):
    for i in range(3):
        if x[i] < -5:
            continue
        d = np.zeros(3)
        d[i] = x[i]
    return np.sum(d * x)


def m7(x):
    for i in range(3):
        d = np.zeros(3)
        d[i] = x[i]
    return np.sum(d * x)


def b8(x):
    for e in range(3):
        h = np.exp(x)
        x = x + 0.1
    h[1:] -= x[1:]
    return np.sum(h * h)


def up(u):
    for q in range(2):
        v = u.copy()
        mask = v > 0.5
        v = v - 0.1
        v[mask] *= 0.5
    return np.sum(v ** 2)


def swap2(x):
    prev = np.zeros(2)
    for i in range(len(x)):
        cur = np.zeros(2)
        cur[0] = x[i]
        prev, cur = cur, prev
    return prev[0]*2 + cur[0]


def swap3(x):
    prev = np.zeros(2)
    for i in range(len(x)):
        cur = np.zeros(2)
        cur[0] = x[i] * 2
        tmp = prev
        prev = cur
        cur = tmp
    return cur[0] + tmp[0] * prev[0]


def swap4(x):
    prev = np.zeros(2)
    for i in range(len(x)):
        cur = np.zeros(2)
        for j in range(2):
            cur[j] = x[i] * (j + 1) + prev[j]
        old, prev = prev, cur
    return old[0] * prev[1]


def filled(x):
    out = np.zeros(len(x))
    for k in range(len(x)):
        out[k] = x[k]
    return out


def us(x):
    for q in range(2):
        s = filled(x)
    return s @ s


def mk6(x):
    for q in range(2):
        s = x.copy()
        s = s * 2
        s[0] *= 3
        s[x > 0.5] = 1.0
    return s @ s


def ifloop(a):
    if np.sum(a) > 0.5:
        for e in a:
            z = np.zeros(2)
            z[0] = a[1]
    return z[0]


def mkb(x):
    for p in range(2):
        if x[0] > 0:
            for q in range(2):
                s = np.zeros(2)
                s[0] = x[0]
    return s[0]


def b4(x):
    for e in range(3):
        h = np.sin(x) * e
        y = h * h
    h[0] *= 2.0
    return np.sum(h * y)


def g9(x):
    q = 0
    while q < 2:
        s = filled(x)
        q += 1
    return s @ s


def g10(x):
    for q in range(2):
        s = filled(x)
        y = s * 2
    return s @ y


def swaps3(x):
    w = x * 0.5
    a = np.zeros(len(x))
    b = x.copy()
    for k in range(len(w)):
        c = a * w[k]
        c[0] = c[0] + b[-1]
        c[1:] += b[:-1]
        a, b, c = b, c, a
    return a @ b + np.sum(c) * 0.5


def s3(x):
    while len(x) > 1:
        d = 0.6 * x[:1]
        x = d
        d[:] = d * 2
    return d[0]


def leap2(u):
    c = 0.3
    prev = u.copy()
    for t in range(3):
        nxt = np.zeros(len(u))
        nxt[1:-1] = 2 * u[1:-1] - prev[1:-1] + c * (u[2:] - 2 * u[1:-1] + u[:-2])
        prev, u, nxt = u, nxt, prev
    return u @ u + prev @ nxt


def medfit(x):
    for trial in range(3):
        w = filled(x)
        w /= np.sum(w)
        m = w @ x
    return m + w @ w


def m2(x):
    while x[0] < 2:
        d = x * 2
        d[0] *= 3
        x = x + 1
    return np.sum(d)


def m6(x):
    k = 0
    while k < 3:
        d = np.zeros(3)
        for j in range(3):
            d[j] = x[j] * k
        k += 1
    return np.sum(d * x)


def m8(x):
    n = 0
    err = 1.0
    while err > 0.1 and n < 5:
        y = np.zeros(len(x))
        for i in range(len(x)):
            y[i] = 0.5 * x[i]
        err = np.max(np.abs(y - x))
        x = y
        n += 1
    return y @ y


def orthonormal(A):
    Q = np.zeros_like(A)
    for j in range(A.shape[1]):
        v = A[:, j].copy()
        for i in range(j):
            v -= (Q[:, i] @ v) * Q[:, i]
        Q[:, j] = v / np.sqrt(v @ v)
    return Q


def mc(x):
    A = np.outer(x, x) + np.eye(len(x)) * np.arange(1, len(x) + 1)
    for k in range(2):
        Q = orthonormal(A)
        A = Q.T @ A @ Q
    return A[0, 0] + Q[0, 1]


def mf(x):
    for k in range(2):
        y = filled(x * 2)
        x = y + x
    return x @ y


def bell(x):
    R = np.outer(x, x)
    n, m = R.shape
    while True:
        for s in range(n):
            for a in range(m):
                Q = np.zeros((n, m))
                Q[s, a] = R[s, a]
        break
    return np.sum(Q)


def after(x):
    for i in range(2):
        d = x * 2
        e = d
        d[0] = 1.0
    e[1] = 3.0 * x[0]
    return np.sum(d * e)


def view(x):
    for i in range(2):
        m = np.outer(x, x)
        r = m[1]
        r[0] = x[2]
    r[1] *= 2
    return np.sum(r * x) + np.sum(m)


def inner(x):
    s = 0.0
    for i in range(2):
        for j in range(2):
            d = x * j
            d[0] *= x[1]
        d[1] = x[2] ** 2
        s = s + np.sum(d * d)
    return s


def listed(x):
    for i in range(2):
        d = [x * 2, x * 3]
        d[0][1] = x[0] * i
        d[1][0] *= 2
    return np.sum(d[0] * d[1])


def dicted(x):
    for i in range(2):
        d = {"a": x * 2}
        d["a"][1] = x[0] * i
    d["a"][0] *= x[2]
    return np.sum(d["a"] ** 2)


def broke(x):
    for i in range(3):
        d = x * i
        d[0] += 1.0
        if np.sum(d) > 2.0:
            break
    else:
        d = x * 5.0
        d[1] *= x[0]
    return np.sum(d * d)


def cont(x):
    for i in range(3):
        if i == 1:
            continue
        d = x * (i + 1)
        d[i] *= x[1]
        e = d
    return np.sum(d * e)


def both(x):
    d = x.copy()
    for i in range(3):
        e = d
        d = np.sin(d)
        d[i] *= 2
    return np.sum(e * d)


def ifloop3(a):
    z = np.zeros(2)
    if np.sum(a) > 0.5:
        for e in a:
            z = np.zeros(2)
            z[0] = a[1]
    return z[0]


def u7(x):
    k = 0
    while k < 2:
        y = x.copy()
        y += x
        k += 1
    return y @ y


def v3(x):
    for i in range(len(x)):
        if i % 2 == 0:
            y = np.zeros(3)
            y[i] = x[i]
    return y @ y


def v4(x):
    best = 0.0
    for i in range(len(x)):
        c = x.copy()
        c[i] = 0.0
        s = c @ c
        if s > best:
            best = s
            keep = c
    return keep @ x


class Ob:
    def __init__(self, x):
        self.x = x.copy()
        self.g = np.zeros(3)

    def up(self, k):
        self.g[:] = self.x * k
        self.x -= 0.1 * self.g


def ta(x):
    for k in range(2):
        o = Ob(x)
        o.up(k + 1)
    return o.x @ o.g


def w2(x):
    a = np.zeros(3)
    for t in range(2):
        b = a
        a = np.zeros(3)
        a[:] = x * (t + 1) + b
    return b @ a


def n5(x):
    X = np.outer(x, x) - 0.3
    W = X.T * 0.5 - 0.1
    for q in range(3):
        h = np.maximum(X @ W, 0)
    h += X
    return np.mean(h ** 2)


def fixed(x):
    w = np.outer(x, x)
    h = np.zeros(len(x))
    err = 1.0
    while err > 1e-9:
        new = np.tanh(w @ h * 0.3 + x)
        diff = new - h
        err = np.sqrt(diff @ diff)
        h = new
    diff *= 10
    return h @ h + np.sum(diff)


def forgotten(x):
    a = x * 2
    b = x * 3
    c = a if x[0] > 0.5 else b
    y = np.sum(c * c)
    c = x
    a[0] = 5.0
    b[1] = x[2] * y
    return y + np.sum(a) + np.sum(b * c)


def forgotten_in_turn(x):
    a = x * 2
    for i in range(3):
        b = a * 1.5
        c = a if x[i] > 0.5 else b
        y = np.sum(c * c)
        c = x
        a[i] = y
    return y + np.sum(a * c)


def counted_by_nothing(x):
    """The inner loop keeps what it reads, the outer one nothing: its mirror cannot run over what was kept."""
    b = np.zeros(len(x))
    a = x * 0.5
    k = 0
    while k < 2:
        k += 1
        np.sin(b, out=a)
        for _ in range(2):
            a[1:] *= a[:-1]
    b[1:] = a[:-1]
    return np.sum(b) + x @ x


def skipped_mostly(x):
    p = 0.0
    d = np.zeros(len(x))
    c = x * 0.5
    k = 0
    while k < 3:
        k += 1
        d *= np.array(d)
        if p < 0.6:
            continue
        i = 0
        while i < 3:
            np.sin(d, out=d)
            i += 1
        else:
            c = x * x
    d *= c * 1.5
    return p + d @ c + np.sum(c) * 0.7


PROGRAMS = [fixed, forgotten, forgotten_in_turn, swap1, m1, m5, m7, b8, up, swap2, swap3, swap4, us, mk6, ifloop, mkb, b4, g9, g10, swaps3, s3, leap2, medfit, m2, m6, m8, mc, mf, bell, after, view, inner, listed, dicted, broke, cont, both, ifloop3, u7, v3, v4, ta, w2, n5, counted_by_nothing, skipped_mostly]
POINTS = [np.array([0.7, 0.4, 0.9]), np.array([0.3, 1.2, 0.65])]


@pytest.mark.parametrize("program", PROGRAMS, ids=lambda f: f.__name__)
def test_each_pass_has_its_own(program):
    gradient = srcad.grad(program)
    for x in POINTS:
        found = gradient(x.copy())
        wanted = np.array([central(program, x, e) for e in np.eye(3)])
        assert np.allclose(found, wanted, rtol=1e-5, atol=1e-6)
        assert np.allclose(gradient.backward(1.0, gradient.forward(x.copy())[1]), found)
        if program is not m8:  # whose `x = y` forward mode does not follow
            assert np.allclose([srcad.jvp(program, (x.copy(),), e)[1] for e in np.eye(3)], found)
        assert np.isclose(gradient.value_and_grad(x.copy())[0], program(x.copy()))


def central(program, x, direction):
    return (program(x + 1e-6 * direction) - program(x - 1e-6 * direction)) / 2e-6
