"""Sums of products become products of matrices, or np.einsum."""
import numpy as np
import pytest

import srcad

rng = np.random.default_rng(0)


def affine(x, w, b):
    return np.sum(np.tanh(np.sum(x[:, :, None] * w[None], axis=1) + b))


def affine_by_rows(x, w, b):
    return np.sum(np.tanh((x[:, None, :] * w).sum(axis=2) + b))


def outer(a, b):
    return np.sum(np.sqrt(a[:, None] * b[None, :] + 1.0))


def batch(a, b):
    return np.sum(np.tanh(a[:, :, None] * b[:, None, :]))


def distances(x, y, s):
    return np.sum(np.exp(-np.sum((x[:, None, :] - y[None, :, :]) ** 2 * s[None, None, :], axis=-1)))


def scaled(x, s):
    return np.sum(np.sin(x * s))


def written(x, w):
    y = x.copy()
    u = y[:, None]
    z = u * w
    y[0] = 3.0
    return np.sum(np.sin(z)) + np.sum(u * w)


def rebound(x, w):
    u = x[:, None]
    x = np.exp(x)
    return np.sum(np.sin(u * w)) + np.sum(x)


TEXTS = [
    (affine, [(5, 3), (3, 4), (4,)], ["dx = dtotal @ w.T", "dw = x.T @ dtotal"]),
    (affine_by_rows, [(5, 3), (4, 3), (4,)], ["dx = dtotal @ w", "dw = dtotal.T @ x"]),
    (outer, [(3,), (4,)], ["da = dprod @ b", "db = a @ dprod"]),
    (batch, [(4, 3), (4, 2)], ["da = np.einsum('ik,ijk->ij', b, dprod)", "db = np.einsum('ij,ijk->ik', a, dprod)"]),
    (distances, [(5, 3), (4, 3), (3,)], ["ds = np.einsum('ijk,ij->k', power, part)"]),
    (scaled, [(200, 300), (200, 1)], ["ds = np.einsum('ij,ij->i', x, dprod)[:, None]"]),
    (scaled, [(20, 30), (20, 1)], ["ds = (x * dprod).sum(axis=1, keepdims=True)"]),
    (written, [(3,), (3, 2)], []),
    (rebound, [(3,), (3, 2)], []),
]


@pytest.mark.parametrize("program, shapes, lines", TEXTS, ids=lambda v: getattr(v, "__name__", ""))
def test_text(program, shapes, lines):
    args = [rng.random(s) for s in shapes]
    gradient = srcad.grad(program)
    gradient.check(*args)
    text = gradient.source_for(*args)
    assert all(line in text for line in lines), text


@pytest.mark.parametrize("program, shapes", [
    (affine, [(1, 1), (1, 1), (1,)]), (affine, [(0, 3), (3, 4), (4,)]), (affine, [(5, 1), (1, 4), (4,)]), (outer, [(1,), (4,)]), (outer, [(3,), (0,)]),
    (batch, [(4, 1), (4, 1)]), (batch, [(1, 3), (4, 2)]), (distances, [(1, 3), (1, 3), (3,)]), (scaled, [(1, 30), (20, 1)]), (scaled, [(3, 4), (4,)]),
])
def test_sizes_of_one_and_none(program, shapes):
    args = [rng.random(s) for s in shapes]
    srcad.grad(program).check(*args)


@pytest.mark.parametrize("dtypes", ["ff", "fd", "df", "id"])
def test_dtypes(dtypes):
    a, b = (np.arange(1, 4).astype(dtypes[0]), np.linspace(0.5, 1, 4).astype(dtypes[1]))
    da, db = srcad.grad(outer)(a, b)
    assert da.dtype == (a.dtype if dtypes[0] in "fd" else np.float64) and db.dtype == b.dtype
    wanted = srcad.grad(outer)(a.astype(float), b.astype(float))
    assert np.allclose(da, wanted[0], rtol=1e-5) and np.allclose(db, wanted[1], rtol=1e-5)


def test_inner_products_of_sums_over_transposes():
    def f(q, k):
        return np.sum(np.tanh(q @ k.T))

    text = srcad.grad(f).source_for(np.ones((4, 3)), np.ones((5, 3)))
    assert "dk = dq_k_T.T @ q" in text and "@ k\n" in text and "q @ k.T" in text
