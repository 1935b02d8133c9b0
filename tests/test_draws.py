"""Draws and orders have known shapes, and name nothing twice where they cannot: gradients of what they pick need no helpers."""
from __future__ import annotations

import numpy as np
import pytest

import srcad

R = np.random.default_rng(0)
X, W = R.normal(size=6), R.normal(size=3)


def shuffled(x, w):
    rng = np.random.default_rng(0)
    return np.sum(x[rng.permutation(len(x))[:3]] * w)


def legacy(x, w):
    np.random.seed(0)
    return np.sum(x[np.random.permutation(6)[3:]] * w)


def batches(x, w):
    rng = np.random.default_rng(0)
    order = rng.permutation(len(x))
    out = 0.0
    for start in range(0, len(x), 3):
        out = out + np.sum(x[order[start:start + 3]] * w) ** 2
    return out


def bootstrap(x, w):
    rng = np.random.default_rng(0)
    return np.mean(x[rng.integers(0, len(x), size=3)] * w)


def chosen(x, w):
    rng = np.random.default_rng(0)
    return np.sum(x[rng.choice(6, size=3, replace=False)] * w) + np.sum(x[rng.choice(6, 3)] * w)


def from_an_array(x, w):
    rng = np.random.default_rng(0)
    return np.sum(rng.choice(np.array([0.5, 1.5]), size=3) * w * x[:3]) + np.sum(rng.permutation(np.arange(3.0)) * w)


def noise(x, w):
    rng = np.random.default_rng(0)
    e = rng.normal(size=3) + rng.uniform(0, 1, 3) + rng.exponential(2.0, 3) + rng.normal(0.5) + rng.normal(np.arange(3.0), 1.0)
    return np.sum(w * e * x[:3]) + rng.standard_normal() * x[0] + rng.triangular(0.0, 0.5, 1.0, 3) @ w


def counted(x, w):
    rng = np.random.default_rng(0)
    k = rng.poisson(3.0, size=3) + rng.integers(1, 4, size=3)
    return np.sum(w ** k) + x[rng.integers(6)] * rng.integers(2, 5)


def top(x, w):
    return np.sum(x[np.argsort(-x)[:3]] * w) + np.sum(x[np.argpartition(x, 2)[:3]] ** 2)


def written(x, w):
    y = x * 1.0
    order = np.argsort(x)[::-1]
    y[order[:3]] = w
    y[[0, 2, 5]] += w * x[[1, 3, 4]]
    y[np.array([-1, -2])] = x[:2]
    return np.sum(y ** 3)


def swapped(x, w):
    A = np.outer(x, w)
    A[[0, 2]] = A[[2, 0]]
    return np.sum(A * np.arange(18.0).reshape(6, 3))


def repeated(x, w):
    y = x * 1.0
    y[[0, 2, 0]] = w
    y[[1, -5, 3]] += w
    return np.sum(y ** 3)


PROGRAMS = [shuffled, legacy, batches, bootstrap, chosen, from_an_array, noise, counted, top, written, swapped, repeated]


@pytest.mark.parametrize("program", PROGRAMS, ids=lambda f: f.__name__)
def test_gradients(program):
    def value(x, w):
        np.random.seed(0)
        return program(x, w)

    found = srcad.grad(program)(X, W)
    for i, (at, got) in enumerate(zip((X, W), found)):
        for k in range(len(at)):
            step = np.eye(len(at))[k] * 1e-6
            ends = [value(*(a + s * step if j == i else a for j, a in enumerate((X, W)))) for s in (1, -1)]
            assert got[k] == pytest.approx((ends[0] - ends[1]) / 2e-6, rel=1e-4, abs=1e-6)


@pytest.mark.parametrize("program", [p for p in PROGRAMS if p not in (batches,)], ids=lambda f: f.__name__)
def test_no_helpers(program):
    text = srcad.grad(program).source_for(X, W)
    assert text.count("def ") == 1, text


@pytest.mark.parametrize("program", [shuffled, legacy, top, written, swapped], ids=lambda f: f.__name__)
def test_what_names_nothing_twice(program):
    text = srcad.grad(program).source_for(X, W)
    assert "np.add.at" not in text and "numbers" not in text, text


def test_what_may_repeat_is_added_up():
    assert "np.add.at" in srcad.grad(bootstrap).source_for(X, W)
    assert "numbers" in srcad.grad(repeated).source_for(X, W)


# ---- what counted once may count twice by now

LONG = np.array([0.5, 1.0, 2.0, 3.0, 4.0, 5.0])


def halved(w):
    p = np.arange(6)
    p //= 2
    return np.sum(w[p] ** 2)


def through_a_view(w):
    p = np.argsort(w)
    q = p[1:]
    q[:] = 1
    return np.sum(w[p] ** 2)


def narrowed(w):
    return np.sum(w[np.array([0, 1, 257]).astype(np.uint8)] ** 2)


def rounded(w):
    return np.sum(w[np.arange(0, 3, 0.5).astype(int)] ** 2) + np.sum(w[np.arange(0, 3, 0.5, dtype=int)] ** 3)


def filled(w):
    p = np.array([0, 1, 2])
    p.fill(1)
    z = w * 1
    z[p] = w[:3] * 2
    return np.sum(z**2)


def element_by_element(w):
    p, q = np.arange(4), np.array([0, 1, 2])
    for j in range(3):
        p[j] = p[0]
    q[0] = q[1]
    r = np.arange(len(w))
    np.put(r, [0], [3])
    return np.sum(w[p] ** 2) + np.sum(w[q] ** 3) + np.sum(w[r] ** 2)


def permuted_after_a_write(w):
    p = np.arange(6)
    p[0] = p[1]
    return np.sum(w[np.random.default_rng(0).permutation(p)] ** 2)


def copied_after_a_write(w):
    p = np.arange(6)
    p[0] = p[1]
    q, r = p.astype(int), p[:4].astype(int)[::-1]
    return np.sum(w[q] ** 2) + np.sum(w[r] ** 3)


def copied_and_written_in_turns(w):
    p, out = np.arange(6), 0.0
    for i in range(3):
        q = p.astype(int)
        out = out + np.sum(w[q] ** 2)
        p[i] = 5
    return out


COUNTED_TWICE = [halved, through_a_view, narrowed, rounded, filled, element_by_element, permuted_after_a_write, copied_after_a_write, copied_and_written_in_turns]


@pytest.mark.parametrize("program", COUNTED_TWICE, ids=lambda f: f.__name__)
def test_what_counts_twice(program):
    srcad.grad(program).check(LONG)


def test_parameters_in_a_list_of_indices():
    assert srcad.grad(lambda w, k: np.sum(w[[k, 0]] ** 2), wrt="w")(LONG, 1).tolist() == [1.0, 2.0, 0.0, 0.0, 0.0, 0.0]
