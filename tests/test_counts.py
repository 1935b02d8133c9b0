"""Bounds, sizes and indices that the program counts itself: min and max of loop indices, as many rows as a mask has, triangles of a matrix."""
import importlib
import sys

import numpy as np
import pytest

import srcad

RANDOM = np.random.default_rng(5)
LONG, SHORT = RANDOM.normal(size=700), RANDOM.normal(size=8)
SQUARE = np.array([[1.0, -2.0, 0.3], [-0.5, 3.0, 0.2], [0.1, -0.7, 0.9]])
LAGS = np.array([0.5, 0.2, 0.1])
GROUPS = np.array([0, 1, 0, 2, 1, 2])


def first_ones(x):
    e = 0.0
    for t in range(len(x)):
        for i in range(min(2, t)):
            e = e + np.sin(x[i]) * t
    return e


def last_ones(x):
    e = 0.0
    for t in range(len(x)):
        for i in range(max(0, t - 2), t):
            e = e * 0.5 + np.sin(x[i] * t)
    return e


def autoregression(x, a=LAGS):
    e, s = np.zeros(len(x)), 0.0
    for t in range(len(x)):
        p = 0.0
        for j in range(1, min(t, len(a)) + 1):
            p += a[j - 1] * x[t - j]
        e[t] = x[t] - p
        s += e[t] ** 2
    return s


def moving_mean(x):
    s = 0.0
    for t in range(len(x)):
        low, high = max(0, t - 2), min(len(x), t + 3)
        s += np.mean(x[low:high]) ** 2
    return s


def in_groups(x):
    t = 0.0
    for g in range(3):
        z = np.linalg.solve(2 * np.eye(np.sum(g == GROUPS)), x[:6][g == GROUPS])
        t += z @ z
    return t


def as_many_zeros(x):
    total = np.zeros(np.sum(x > 0))
    total += x[x > 0]
    return total @ total


def close(found, f, x):
    for i in list(np.ndindex(x.shape))[:6]:
        e = np.zeros_like(x)
        e[i] = 1e-6
        assert np.isclose(found[i], (f(x + e) - f(x - e)) / 2e-6, rtol=1e-4, atol=1e-4)


@pytest.mark.parametrize("program", [first_ones, last_ones, autoregression, moving_mean, in_groups, as_many_zeros], ids=lambda f: f.__name__)
@pytest.mark.parametrize("x", [LONG, SHORT], ids=["long", "short"])
def test_bounds_that_are_counted(program, x):
    close(srcad.grad(program)(x), program, x)


def test_long_loops_stay_loops():
    assert "for t in reversed(range(len(x))):" in srcad.grad(autoregression, wrt="x").source_for(SHORT)


def least(c):
    i, j = np.unravel_index(np.argmin(c), c.shape)
    return c[i, j] ** 2


def some(c):
    i, j = np.unravel_index(np.array([0, 3]), c.shape)
    return np.sum(c[i, j] ** 2)


def upper(c):
    i, j = np.triu_indices(3)
    return np.sum(c[i, j] ** 2)


def lower(c):
    i, j = np.tril_indices(len(c), -1)
    return np.sum(c[i, j] ** 3)


def upper_of(c):
    return np.sum(np.sin(c[np.triu_indices_from(c, k=1)]))


def diagonal(c):
    i, j = np.diag_indices(3)
    return np.sum(c[i, j] ** 2) + np.sum(c[np.diag_indices_from(c)])


def symmetric(c):
    a = np.zeros((3, 3))
    a[np.triu_indices(3)] = c.ravel()[:6]
    i, j = np.tril_indices(3)
    a[i, j] = a.T[i, j]
    return np.sum(np.sin(a @ a))


@pytest.mark.parametrize("program", [least, some, upper, lower, upper_of, diagonal, symmetric], ids=lambda f: f.__name__)
def test_indices_that_numpy_makes(program):
    close(srcad.grad(program)(SQUARE), program, SQUARE)


def list_of_heads(x):
    parts = []
    for k in range(5):
        parts.append(x[:k])  # noqa: PERF401
    return np.sum(parts[-1] ** 2)


def list_of_windows(x):
    parts, total = [], 0.0
    for k in range(5):
        parts.append(x[max(0, k - 1):min(len(x), k + 2)] * 2.0)
    for q in parts:
        total += np.sum(q) ** 2
    return total


def comprehension_of_windows(x):
    parts = [x[max(0, k - 1):min(5, k + 2)] for k in range(5)]
    return sum([np.sum(q) ** 2 for q in parts])


def list_by_index(x):
    parts, total = [], 0.0
    for k in range(5):
        parts.append(np.sin(x[:k]))
    for k in range(5):
        total += np.sum(parts[k]) * k
    return total + np.sum(parts[2])


@pytest.mark.parametrize("program", [list_of_heads, list_of_windows, comprehension_of_windows, list_by_index], ids=lambda f: f.__name__)
def test_lists_of_parts_of_several_sizes(program):
    close(srcad.grad(program)(SHORT[:5]), program, SHORT[:5])


def filled_from_a_mask(x):
    v = x[x > -5] * x[x > -5]
    v = np.zeros(len(v)) + x[0]
    return v.sum()


def test_tangents_of_unknown_size_are_whole():
    x = SHORT[:4]
    direction = np.cos(x)
    assert np.isclose(srcad.jvp(filled_from_a_mask, (x,), (direction,))[1], srcad.grad(filled_from_a_mask)(x) @ direction)


PARTS = ["np.sum(v)", "np.mean(v)", "np.var(v)", "v.max()", "np.sum(v[1:] * v[:-1])", "np.sum(np.diff(v) ** 2)", "np.sum(np.concatenate([v, v]) ** 2)", "np.sum((v - v.mean()) ** 2)",
         "np.sum(np.outer(v, v))", "np.sum(v[:, None] - v)", "np.sum(v[1:-1] ** 2)", "np.sum(v[2:] * v[:-2])", "v[0] * v[-1]", "np.sum(v) / len(v)"]


@pytest.mark.parametrize("part", PARTS)
def test_what_a_mask_leaves(part, tmp_path, monkeypatch):
    (tmp_path / "masked_part.py").write_text(f"import numpy as np\n\n\ndef loss(x, m):\n    v = x[m]\n    return {part}\n")
    monkeypatch.syspath_prepend(str(tmp_path))
    loss = importlib.import_module("masked_part").loss
    del sys.modules["masked_part"]
    gradient = srcad.grad(loss, wrt="x")
    for m in (SHORT > 0, SHORT > -9, SHORT < 0.5):
        close(gradient(SHORT, m), lambda x, m=m: loss(x, m), SHORT)


def rows(x, m):
    return np.sum(x[m].mean(axis=0) ** 2) + np.sum(x[m].sum(axis=0) ** 2)


def test_means_of_rows_need_no_helpers():
    gradient, m = srcad.grad(rows, wrt="x"), np.array([True, False, True])
    assert "def unbroadcast" not in gradient.source_for(SQUARE, m)
    close(gradient(SQUARE, m), lambda x: rows(x, m), SQUARE)
    assert np.array_equal(srcad.grad(lambda x, m: np.mean(x[m]), wrt="x")(np.ones(3), np.zeros(3, bool)), np.zeros(3))


def groups_of_rows(x, g):
    n = x.shape[0]
    y = x.reshape(n, g, -1)
    y = y - y.mean(-1, keepdims=True)
    return np.sum(y ** 3)


def rows_and_groups(x, g):
    y = x.reshape(len(x) * g, -1)
    return np.sum(y.mean(1) ** 2) + np.var(y, axis=1, ddof=1).sum()


def heads(x, g):
    n, d = x.shape
    q = x.reshape(n, g, -1).transpose(1, 0, 2)
    s = q @ q.transpose(0, 2, 1) / np.sqrt(q.shape[-1])
    p = np.exp(s) / np.exp(s).sum(-1, keepdims=True)
    return np.sum((p @ q).transpose(1, 0, 2).reshape(n, -1) * x)


def divided_twice(x, g):
    y = x.reshape(g, -(-x.shape[1] // (g * g)), -1)
    return np.sum(y.mean(2) ** 2)


def patches(x, g):
    y = x.reshape(len(x), -1, g, x.shape[1] // (g * 2))
    return np.sum(y.mean(axis=(2, 3)) ** 2)


@pytest.mark.parametrize("program", [groups_of_rows, rows_and_groups, heads, divided_twice, patches], ids=lambda f: f.__name__)
@pytest.mark.parametrize("backend", ["numpy", "numba"])
def test_sizes_that_are_divided_by_products(program, backend):
    if backend == "numba":
        pytest.importorskip("numba")
    gradient = srcad.grad(program, wrt="x", backend=backend)
    for shape, g in (((4, 8), 2), ((3, 12), 2), ((2, 18), 3)):
        x = np.cos(np.arange(float(np.prod(shape)))).reshape(shape)
        close(gradient(x, g), lambda x, g=g: program(x, g), x)


def open_mesh(K, d):
    return np.sum(K[np.ix_(d, d[:2])] ** 2)


def assembled(K, d):
    K = K * 1.0
    for i in range(2):
        K[np.ix_(d[i:i + 2], d[i:i + 2])] += (i + 1.0) * np.array([[1.0, -1.0], [-1.0, 1.0]])
    return np.sum(np.linalg.inv(K))


def open_mesh_of_masks(K, d):
    m = K[0] > 0
    return np.sum(K[np.ix_(m, d)] ** 3) + K[np.ix_([0, 2], [1])].sum()


@pytest.mark.parametrize("program", [open_mesh, assembled, open_mesh_of_masks], ids=lambda f: f.__name__)
def test_open_meshes_need_no_helpers(program):
    gradient, d = srcad.grad(program, wrt="K"), np.array([2, 0, 1])
    close(gradient(SQUARE, d), lambda K: program(K, d), SQUARE)
    assert gradient.source_for(SQUARE, d).count("def ") == 1
    assert srcad.grad(open_mesh)(SQUARE, d)[1] is None


def constants_in_a_loop(x):
    s = 0.0
    for v in x:
        s = s + np.log(2 * np.pi * v * v)
    return s


def test_constants_are_not_kept():
    gradient = srcad.grad(constants_in_a_loop)
    assert "append" not in gradient.source_for(SHORT)
    close(gradient(SHORT), constants_in_a_loop, SHORT)


def minibatches(W, X, y, bs):
    for k in range(0, len(X), bs):
        xb, yb = X[k:k + bs], y[k:k + bs]
        W = W - 0.1 * xb.T @ (xb @ W - yb) / len(xb)
    return np.mean((X @ W - y) ** 2)


def statistics_of_batches(W, X, y, bs):
    t = 0.0
    for k in range(0, len(X), bs):
        xb = X[k:k + bs] * W
        t += np.mean(xb) ** 2 + xb.var() + np.sum(xb[1:] * xb[:-1])
    return t


def strided(W, X, y, bs):
    out = 0.0
    for i in range((len(X) - 3) // bs + 1):
        out = out + np.sum(X[i * bs:i * bs + 3, 0] * W) ** 2
    return out


def frames(W, X, y, bs):
    s = 0.0
    for i in range(0, len(X) - len(W) + 1, bs):
        s += np.sum(np.abs(np.fft.rfft(X[i:i + len(W), 0] * W)) ** 2)
    return s


@pytest.mark.parametrize("program", [minibatches, statistics_of_batches, strided, frames], ids=lambda f: f.__name__)
def test_slices_that_end_beyond_the_array_need_no_helpers(program):
    gradient = srcad.grad(program, wrt=("W", "X"))
    for n, bs in ((7, 2), (8, 4), (5, 9), (1, 1), (7, 3)):
        X, y, W = RANDOM.normal(size=(n, 3)), RANDOM.normal(size=n), RANDOM.normal(size=3)
        gradient.check(W, X, y, bs)
    assert gradient.source_for(W, X, y, bs).count("def ") == 1
