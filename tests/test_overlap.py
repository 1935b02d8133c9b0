"""What the passes of a loop read again in place of keeping it: elements that no later write touches."""
import numpy as np
import pytest

import srcad

rng = np.random.default_rng(0)


def forward_solve(low, b):
    x = np.zeros(len(b))
    for i in range(len(b)):
        x[i] = (b[i] - low[i, :i] @ x[:i]) / low[i, i]
    return np.sum(x * x)


def back_solve(up, b):
    n = len(b)
    x = np.zeros(n)
    for i in range(n - 1, -1, -1):
        x[i] = (b[i] - up[i, i + 1 :] @ x[i + 1 :]) / up[i, i]
    return np.sum(x * x)


def cholesky(a):
    n = len(a)
    low = np.zeros((n, n))
    for j in range(n):
        low[j, j] = np.sqrt(a[j, j] - low[j, :j] @ low[j, :j])
        for i in range(j + 1, n):
            low[i, j] = (a[i, j] - low[i, :j] @ low[j, :j]) / low[j, j]
    return np.sum(np.log(np.diag(low))) + np.sum(low)


def states(w, x, h0):
    steps, size = x.shape
    h = np.zeros((steps + 1, size))
    h[0] = h0
    for t in range(steps):
        h[t + 1] = np.tanh(w @ h[t] + x[t])
    return np.sum(h * h)


def blocks(x):
    y = x.copy()
    for i in range(len(x) // 2):
        y[2 * i : 2 * i + 2] = np.exp(-y[2 * i : 2 * i + 2]) * np.sum(y[: 2 * i] ** 3)
    return np.sum(y * y)


def matrix(n):
    return rng.random((n, n)) + n * np.eye(n)


NOT_KEPT = [
    (forward_solve, (matrix(5), rng.random(5)), ("copy", "x_part")),
    (back_solve, (matrix(5), rng.random(5)), ("copy", "x_part")),
    (cholesky, (matrix(4) @ matrix(4).T,), ("copy", "append")),
    (states, (rng.random((3, 3)), rng.random((4, 3)), rng.random(3)), ("copy", "append")),
]


@pytest.mark.parametrize("program, args, absent", NOT_KEPT, ids=lambda p: getattr(p, "__name__", ""))
def test_what_no_write_touches_again_is_read_again(program, args, absent):
    gradient = srcad.grad(program)
    gradient.check(*args)
    text = gradient.source_for(*args)
    assert not any(word in text for word in absent), text


def of_a_view(x):
    y = x.copy()
    v = y[1:]
    s = 0.0
    for i in range(1, len(x) - 1):
        a = v[i - 1]  # y[i], which the next line changes
        s += a * a
        y[i] = 3.0 * a
    return s


def of_a_view_in_the_loop(x):
    y = x.copy()
    s = 0.0
    for i in range(1, len(x) - 1):
        a = y[1:][i - 1]
        s += a * a
        y[i] = 3.0 * a
    return s


def carried(x):
    y = np.zeros(4 * len(x))
    k = 0
    for i in range(len(x)):
        y[k] = np.sin(x[i] + y[k])
        k = (k + 5) % 7
    return np.sum(y * y)


def carried_and_counted(x):
    y = x.copy()
    k = 3
    s = 0.0
    for i in range(3):
        a = y[i + k]
        s += a * a
        y[i + k - 1] = 0.5 * a  # the next pass reads further on, or here again
        k = k - 2
    return s + np.sum(y * y)


def swept(x):
    y = np.zeros(len(x))
    for _ in range(3):
        for i in range(1, len(x)):
            y[i] = np.exp(0.1 * y[i - 1]) * x[i]
    return np.sum(y * y)


def counted_down(x):
    y = x.copy()
    i = len(x) - 2
    while i >= 0:
        y[i] = np.sin(y[i + 1] * 0.3 + x[i])
        y[i + 1] = np.cos(y[i])
        i -= 1
    return np.sum(y * y)


def overlapping(x):
    y = x.copy()
    for i in range(1, len(x) - 1):
        y[i + 1] = np.sin(y[: i + 1] @ y[: i + 1] * 0.3 + x[i])
        y[i] = 0.5
    return np.sum(y * y)


def wide(x):
    y = x.copy()
    for i in range(len(x) // 2):
        y[i : i + 2] = np.exp(-y[i : i + 2]) * np.sum(y[:i] ** 3)
    return np.sum(y * y)


def from_the_end(x):
    y = x.copy()
    for i in range(len(x)):
        y[-i] = np.exp(-y[i]) * np.sum(y[-i:] ** 3)
    return np.sum(y * y)


def ahead(x):
    y = x.copy()
    for i in range(len(x) - 1):
        y[i] = y[i + 1 :] @ y[i + 1 :] * x[i]
        y[i + 1] = y[i + 1] * y[i]
    return np.sum(y)


def strided(x):
    y = x.copy()
    for i in range(0, len(x) - 2, 2):
        y[i + 2] = np.exp(0.1 * y[i : i + 3 : 2] @ x[i : i + 3 : 2])
    return np.sum(y * y)


def turned(x):
    y = x.copy()
    for i in range(2, len(x)):
        y[i] = np.sin(y[i - 1 : i - 3 if i > 2 else None : -1].sum()) * y[i]
    return np.sum(y * y)


def rows(x):
    y = np.zeros((len(x), 3))
    for i in range(1, len(x)):
        for j in range(3):
            y[i, j] = np.tanh(y[i - 1, j] + x[i] * (j + 1)) * y[i - 1, :].sum() + x[i]
    return np.sum(y * y)


def columns(x):
    y = np.ones((3, len(x)))
    for i in range(3):
        for j in range(1, len(x)):
            y[i, j] = np.tanh(y[:, j - 1] @ y[:, j - 1]) * x[j]
    return np.sum(y * y)


def row_changed(x):
    y = np.zeros((3, len(x)))
    for i in range(3):
        row = np.exp(x * i)
        y[i] = row
        row[0] = 2.0
        y[i, 1] = row @ x
    return np.sum(y * y)


MEETING = [of_a_view, of_a_view_in_the_loop, carried, carried_and_counted, swept, counted_down, overlapping, wide, from_the_end, ahead, strided, turned, rows, columns, row_changed, blocks]


@pytest.mark.parametrize("program", MEETING, ids=lambda p: p.__name__)
def test_what_a_later_write_changes_is_kept(program):
    x = rng.random(7)
    srcad.grad(program).check(x)
    assert np.array_equal(srcad.value_and_grad(program)(x)[0], program(x))


def test_what_is_handed_out_can_be_changed_between_the_halves():
    def f(x):
        y = np.zeros((len(x), 2))
        for i in range(len(x)):
            y[i] = np.exp(x[i]) * np.ones(2)
        return y

    x = rng.random(3)
    value, pullback = srcad.vjp(f, x)
    value[...] = 7.0
    assert np.allclose(pullback(np.ones((3, 2))), 2 * np.exp(x))


def scaled_forward(pi, a, b, seen):
    alpha = np.zeros((len(seen), len(pi)))
    scale = np.zeros(len(seen))
    alpha[0] = pi * b[:, seen[0]]
    scale[0] = alpha[0].sum()
    alpha[0] /= scale[0]
    for t in range(1, len(seen)):
        alpha[t] = (alpha[t - 1] @ a) * b[:, seen[t]]
        scale[t] = alpha[t].sum()
        alpha[t] /= scale[t]
    return np.sum(np.log(scale))


def test_what_is_taken_cleared_and_given_back_in_a_loop_is_put():
    """The copy of the whole adjoint in every pass, which an alias of an earlier pass once asked for, is not made."""
    args = rng.random(3), rng.random((3, 3)), rng.random((3, 5)), np.array([0, 3, 2, 4, 1])
    gradient = srcad.grad(scaled_forward, wrt=("pi", "a", "b"))
    gradient.check(*args)
    text = gradient.source_for(*args)
    assert "copy()" not in text and "        scaled = dalpha[t] / scale[t]\n        dalpha[t] = scaled\n" in text and "alpha[t] /= scale[t]" in text, text


def tridiagonal(a, b, c, d):
    n = len(d)
    cp = np.zeros(n)
    dp = np.zeros(n)
    cp[0] = c[0] / b[0]
    dp[0] = d[0] / b[0]
    for i in range(1, n):
        m = b[i] - a[i] * cp[i - 1]
        cp[i] = c[i] / m
        dp[i] = (d[i] - a[i] * dp[i - 1]) / m
    x = np.zeros(n)
    x[-1] = dp[-1]
    for i in range(n - 2, -1, -1):
        x[i] = dp[i] - cp[i] * x[i + 1]
    return np.sum(x**2)


def test_elements_are_read_where_they_are_outside_loops_too():
    args = [k + rng.random(5) for k in (0, 4, 0, 0)]
    gradient = srcad.grad(tridiagonal)
    gradient.check(*args)
    text = gradient.source_for(*args)
    assert "    cp[0] = c[0] / b[0]\n    dp[0] = d[0] / b[0]\n" in text and "db[0] -= dd_0 * dp[0]" in text, text


def adding_to_zeros(x):
    y = np.zeros(4)
    y[[0, 0, 2]] = x
    z = np.sin(y)
    y[1] = z[0] * x[1]
    y[[2, 2]] += x[0]
    return np.sum(y * y) + z[2]


def test_what_is_added_to_zeros():
    srcad.grad(adding_to_zeros).check(rng.random(3))
