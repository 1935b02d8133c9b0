"""Adjoints as one number carried from pass to pass, Python's floats in loops, stores in the place of zeros and sums, one inverse, and what is computed once."""
import numpy as np
import pytest

import srcad

rng = np.random.default_rng(0)
X = rng.standard_normal(6)


# ---- one number in the place of an array


def average(x, a):
    y = np.zeros(len(x))
    y[0] = x[0]
    for t in range(1, len(x)):
        y[t] = a * y[t - 1] + (1 - a) * x[t]
    return y[-1]


def averages(x, a):
    y = np.zeros(len(x))
    y[0] = x[0]
    for t in range(1, len(x)):
        y[t] = a * y[t - 1] + (1 - a) * x[t]
    return np.mean(y)


def ahead(x, a):
    n = len(x)
    y = np.zeros(n + 1)
    for t in range(n):
        y[t + 1] = np.sin(a * y[t]) - x[t] * y[t] + x[t]
    return y[n]


def taken_away(x, a):
    y = np.ones(len(x))
    for t in range(1, len(x)):
        y[t] = x[t] - a * y[t - 1]
    return y.sum() + y[0]


def twice(x, a):
    y = np.zeros(len(x))
    z = np.zeros(len(x))
    for t in range(1, len(x)):
        y[t] = a * y[t - 1] + x[t]
        z[t] = z[t - 1] * y[t] + x[t] + 1
    return z[-1]


def for_each_row(A, a):
    s = 0.0
    for i in range(2):
        y = np.zeros(3)
        y[0] = A[i, 0]
        for t in range(1, 3):
            y[t] = a * y[t - 1] * A[i, t]
        s += y[-1] * y[-1]
    return s


def from_ones(x, a):
    y = np.ones(len(x))
    for t in range(1, len(x)):
        y[t] = x[t] - a * y[t - 1]
    return y.sum()


CARRIED = [average, averages, ahead, from_ones]


def from_the_third(x, a):
    y = np.zeros(len(x))
    y[1] = x[0]
    for t in range(2, len(x)):
        y[t] = a * y[t - 1] + x[t]
    return y[-1] + y[1]


def wrapped(x, a):
    y = np.zeros(len(x))
    for t in range(len(x)):
        y[t] = a * y[t - 1] + x[t]
    return y[-1]


def not_to_the_end(x, a):
    y = np.zeros(len(x))
    y[0] = x[0]
    for t in range(1, len(x) - 1):
        y[t] = a * y[t - 1] + x[t]
    return y[-2] + y[-1]


def two_back(x, a):
    y = np.ones(len(x))
    for t in range(2, len(x)):
        y[t] = a * y[t - 1] + x[t] * y[t - 2]
    return y[-1]


def read_besides(x, a):
    y = np.zeros(len(x))
    y[0] = x[0]
    for t in range(1, len(x)):
        y[t] = a * y[t - 1] + x[t] * y[0]
    return y[-1]


def on_one_path(x, a):
    y = np.zeros(len(x))
    y[0] = x[0]
    for t in range(1, len(x)):
        if x[t] > 0:
            y[t] = a * y[t - 1] + x[t]
    return y[-1]


def of_a_length(x, n):
    y = np.zeros(8)
    y[0] = x[0]
    for t in range(n - 1):
        y[t + 1] = x[1] * y[t] + x[2]
    return y[n - 1]


def rows(x, a):
    y = np.zeros((6, 6))
    y[0] = x
    for t in range(1, 6):
        y[t] = np.sin(a * y[t - 1])
    return y[-1].sum()


@pytest.mark.parametrize("program", [*CARRIED, taken_away, twice, from_the_third, wrapped, not_to_the_end, two_back, read_besides, on_one_path, rows], ids=lambda p: p.__name__)
def test_recurrences(program):
    gradient = srcad.grad(program, wrt=("x", "a"))
    gradient.check(X, 0.4)
    if program in CARRIED:
        assert "dy[" not in gradient.source_for(X, 0.4)
        for n in (1, 2) if program is not ahead else (0, 1, 2):
            gradient.check(X[:n], 0.4)
    np.testing.assert_allclose(srcad.vjp(program, X, 0.4, wrt=("x", "a"))[1](1.0)[0], gradient(X, 0.4)[0])


def test_a_recurrence_in_a_loop():
    srcad.grad(for_each_row, wrt=("A", "a")).check(rng.standard_normal((2, 3)), 0.7)


@pytest.mark.parametrize("n", [0, 1, 2, 5, 8])
def test_recurrences_that_end_before_their_array(n):
    srcad.grad(of_a_length, wrt="x").check(X, n)


def test_the_text_of_a_recurrence():
    assert srcad.grad(average, wrt=("x", "a")).source_for(X, 0.4).endswith("""\
    # backprop y[-1]
    dtotal = 1.0
    da = 0.0
    dx = np.zeros(x.shape)
    for t in reversed(range(1, len(x))):
        # backprop y[t] = a * y[t - 1] + (1 - a) * x[t]
        da += y[t - 1] * dtotal
        da -= x[t] * dtotal
        dx[t] = (1 - a) * dtotal
        dtotal = a * dtotal
    # backprop y[0] = x[0]
    dx[0] += dtotal
    return dx, float(da)
""")


# ---- Python's floats in loops over arrays


def bent(x):
    s = 0.0
    for v in x:
        if v > 0:
            s += v * v / 4
        elif v < -1:
            s -= 3 * v
    return s


def of_two(x, y):
    s = 0.0
    for v, w in zip(x, y):
        s += abs(v) * w if v > w else -w
    return s


def divided(x):
    s = 0.0
    for v in x:
        s += 1 / v
    return s


def written_meanwhile(x):
    v5 = x
    for v in v5:
        x[1] = v5[0] * 0.5 - v
    return np.sum(np.sin(x))


def single(x):
    s = 0.0
    for v in x:
        s += v * v
    return s


def test_floats_of_pythons():
    assert "for i, v in enumerate(x.tolist()):" in srcad.grad(bent).source_for(X)
    assert "zip(x.tolist(), y.tolist())" in srcad.grad(of_two, wrt=("x", "y")).source_for(X, X[::-1].copy())
    assert "tolist" not in srcad.grad(divided).source_for(X) and "tolist" not in srcad.grad(written_meanwhile).source_for(X)
    assert "tolist" not in srcad.grad(single).source_for(X.astype(np.float32)) and srcad.grad(single)(X.astype(np.float32)).dtype == np.float32
    for program, args in ((bent, (X,)), (of_two, (X, X[::-1])), (divided, (X,)), (single, (X,)), (bent, (X[:0],))):
        srcad.grad(program, wrt=tuple(range(len(args)))).check(*args)
    with np.errstate(divide="ignore"):
        assert srcad.grad(divided)(np.array([1.0, 0.0]))[1] == -np.inf
    x = np.array([0.237, -0.427, -0.888, -0.225])
    h = 1e-6 * np.eye(4)
    np.testing.assert_allclose(srcad.grad(written_meanwhile)(x.copy()), [(written_meanwhile(x + e) - written_meanwhile(x - e)) / 2e-6 for e in h], atol=1e-6)
    assert type(srcad.value_and_grad(single)(X)[0]) is type(single(X))


# ---- stored in the place of zeros and sums


def stencil(A, B, steps):
    A = A.copy()
    B = B.copy()
    for _ in range(steps):
        B[1:-1] = 0.3 * (A[:-2] + A[1:-1] + A[2:])
        A[1:-1] = 0.3 * (B[:-2] + B[1:-1] + B[2:])
    return np.sum(A * A)


def with_a_break(A, B, steps):
    A, B = A.copy(), B.copy()
    for i in range(steps):
        B[1:-1] = 0.3 * (A[:-2] + A[2:])
        if B[2] > 3 + i:
            break
        A[1:-1] = 0.3 * (B[:-2] + B[1:-1])
    return np.sum(A * A)


def moving(A, B, steps):
    A, B = A.copy(), B.copy()
    for i in range(steps):
        B[i : i + 2] = 0.3 * (A[i : i + 2] + A[i + 1 : i + 3])
        A[1:-1] = 0.3 * (B[:-2] + B[1:-1])
    return A[2] + B[0]


@pytest.mark.parametrize("program", [stencil, with_a_break, moving], ids=lambda p: p.__name__)
def test_stencils(program):
    for steps in (0, 1, 3):
        srcad.grad(program, wrt=("A", "B")).check(X, X[::-1] * 2, steps)
        srcad.grad(program, wrt="A").check(X, X[::-1] * 2, steps)


def test_the_text_of_a_stencil():
    text = srcad.grad(stencil, wrt=("A", "B")).source_for(X, X, 3)
    assert "        dB_inner[:] = dtotal\n        dB_right += dtotal\n        dB_left += dtotal\n" in text and text.count("= 0\n") == 1
    assert "= 0\n" not in srcad.grad(stencil, wrt="A").source_for(X, X, 3)


# ---- one inverse, one name for what is computed twice, a minus in a number


def likelihood(K, y):
    L = np.linalg.cholesky(K)
    alpha = np.linalg.solve(L.T, np.linalg.solve(L, y))
    return -0.5 * y @ alpha - np.sum(np.log(np.diag(L)))


def determinant(K, y):
    return y @ np.linalg.solve(K, y) + np.linalg.slogdet(K)[1]


@pytest.mark.parametrize("program", [likelihood, determinant], ids=lambda p: p.__name__)
def test_one_inverse_for_what_is_solved(program):
    K = rng.standard_normal((4, 4))
    K = K @ K.T + 4 * np.eye(4)
    gradient = srcad.grad(program, wrt=("K", "y"))
    gradient.check(K, X[:4])
    text = gradient.source_for(K, X[:4])
    back = "".join(line for line in text[text.index("# backprop") :].splitlines() if "#" not in line)
    assert back.count("linalg.inv") == 1 and ("linalg.solve" in back) == (program is determinant)


def repeated(x, y):
    r = np.exp(x * y) - x * y
    return np.sum(r / (x * y))


def named_and_written(x, y):
    p = x * y
    r = np.sin(x * y)
    p[0] = 2.0
    return np.sum(r * p)


def repeated_on_a_path(x, y):
    s = 0.0
    if x[0] > 0:
        s = np.sum(np.sin(x * y))
    return s + np.sum((x * y) ** 2)


@pytest.mark.parametrize("program", [repeated, named_and_written, repeated_on_a_path], ids=lambda p: p.__name__)
def test_products_that_are_met_again(program):
    for sign in (1, -1):
        srcad.grad(program, wrt=("x", "y")).check(sign * (X[:3] + 2), X[3:] + 2)
    assert srcad.grad(repeated, wrt=("x", "y")).source_for(X[:3], X[3:]).count("x * y") - srcad.grad(repeated, wrt=("x", "y")).source_for(X[:3], X[3:]).count("(x * y)") <= 3


def logistic(w, y):
    margin = y * w
    return np.mean(np.logaddexp(0, -margin))


def test_a_minus_goes_into_a_number():
    gradient = srcad.grad(logistic, wrt="w")
    gradient.check(X, np.sign(X))
    assert "= -1.0 / " in gradient.source_for(X, np.sign(X))


def pooled(x):
    out = np.zeros((2, 2))
    for i in range(2):
        for j in range(2):
            out[i, j] = x[2 * i : 2 * i + 2, 2 * j : 2 * j + 2].max()
    z = np.zeros((3, 2))
    for j in range(2):
        z[:, j] = x[:3, j] * np.max(out[:, j])
    t = np.zeros((2, 2, 2))
    for j in range(2):
        t[:, :, j] = out[:, j, None] * x[:2, :2]
    return np.sum(out * out) + np.sum(z) + np.sum(t * t)


def test_axes_put_in_behind_an_index():
    srcad.grad(pooled).check(rng.standard_normal((4, 4)))


def transposed_twice(X, w, y):
    g = X.T @ (X @ w - y)
    return g @ g


def test_nothing_is_transposed_twice():
    args = rng.standard_normal((4, 3)), X[:3], X[2:]
    gradient = srcad.grad(transposed_twice, wrt=("X", "w"))
    gradient.check(*args)
    assert ".T.T" not in gradient.source_for(*args)
