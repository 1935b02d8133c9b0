"""Loops of the compiled backend that run on all cores."""
from __future__ import annotations

import ast
import threading

import numpy as np
import pytest

import srcad

pytest.importorskip("numba")

from srcad.backends import parallel  # noqa: E402

TWO = pytest.mark.skipif(not parallel.has_cores(), reason="one core, or no layer of threads that may be used from several")
RNG = np.random.default_rng(0)
LONG = RNG.normal(size=60_000)


def gates(x, y):
    s = 1.0 / (1 + np.exp(-y))
    return np.sum((x + s) / (1 + (x + y) ** 2))


def rows(x, w):
    shifted = x - np.max(x, axis=1, keepdims=True)
    return np.sum(w * (shifted - np.log(np.sum(np.exp(shifted), axis=1, keepdims=True))))


def neighbours(x):
    y = np.zeros(x.shape)
    y[1:-1] = x[:-2] * x[1:-1] + np.sin(x[2:])
    return np.sum(y * y)


def shared(x, b):
    return np.sum(np.tanh(x * b))


def running(x):
    return np.sum(np.cumsum(x) ** 2)


CASES = [(gates, (LONG, LONG[::-1].copy())), (rows, (LONG.reshape(-1, 6), LONG.reshape(-1, 6))), (neighbours, (LONG,)), (shared, (LONG.reshape(-1, 6), LONG[:6])), (running, (LONG,))]


@pytest.mark.parametrize(("f", "args"), CASES, ids=[f.__name__ for f, _ in CASES])
def test_the_gradient_is_the_same(f, args):
    compiled = srcad.grad(f, backend="numba")
    for given in (args, tuple(a[:7].copy() for a in args), args):
        found, wanted = compiled(*given), srcad.grad(f)(*given)
        for one, two in zip(found, wanted) if len(given) > 1 else ((found, wanted),):
            assert np.allclose(one, two, rtol=1e-9, atol=1e-12)


@TWO
def test_a_long_loop_is_spread_and_a_short_one_is_not():
    compiled = srcad.grad(gates, backend="numba")
    assert "prange" in compiled.source_for(LONG, LONG)
    assert "prange" not in compiled.source_for(LONG[:7], LONG[:7])


@TWO
def test_it_may_be_called_from_several_threads():
    compiled, wanted = srcad.grad(gates, backend="numba"), srcad.grad(gates)(LONG, LONG)
    compiled(LONG, LONG)
    found = []
    threads = [threading.Thread(target=lambda: found.extend(compiled(LONG, LONG) for _ in range(20))) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(found) == 80 and all(np.allclose(a, b) for pair in found for a, b in zip(pair, wanted))


APART = """
out = np.empty(n)
for i in range(n):
    t = x[i] * 2
    out[i] = t
    if t > 0:
        out[i] += exp(t)
return out
"""
TOGETHER = {
    "a sum": "out = np.zeros(1)\nfor i in range(n):\n    out[0] += x[i]\nreturn out",
    "a number that is carried": "s = 0.0\nout = np.empty(n)\nfor i in range(n):\n    s += x[i]\n    out[i] = s\nreturn out",
    "a name that is set before": "s = 0.0\nout = np.empty(n)\nfor i in range(n):\n    if x[i] > 0:\n        s = x[i]\n    out[i] = s\nreturn out",
    "a name that is read after": "out = np.empty(n)\nfor i in range(n):\n    s = x[i]\n    out[i] = s\nreturn s",
    "another's element": "out = np.zeros(n)\nfor i in range(n):\n    out[i] = x[i] + out[i - 1]\nreturn out",
    "a place that moves": "out = np.zeros(n)\nfor i in range(n):\n    out[i] = x[i]\n    out[i + 1] += x[i]\nreturn out",
    "a place of one's choice": "out = np.zeros(n)\nfor i in range(n):\n    out[k[i]] += x[i]\nreturn out",
    "the other axis": "out = np.zeros((n, n))\nfor i in range(n):\n    out[i, 0] = x[i]\n    out[0, i] = x[i]\nreturn out",
    "memory that was given": "for i in range(n):\n    x[i] = 2 * x[i]\nreturn x",
    "memory with two names": "out = np.zeros(n)\nb = out[1:]\nfor i in range(n):\n    out[i] = b[i] + x[i]\nreturn out",
    "memory with a second name": "out = np.zeros(n)\nb = out\nfor i in range(n):\n    out[i] = b[i - 1]\nreturn out",
    "a break": "out = np.zeros(n)\nfor i in range(n):\n    out[i] = x[i]\n    if x[i] > 0:\n        break\nreturn out",
    "a call": "out = np.zeros(n)\nfor i in range(n):\n    out[i] = f(x)\nreturn out",
    "an append": "out = np.zeros(n)\nfor i in range(n):\n    xs.append(x[i])\n    out[i] = 1.0\nreturn out",
    "a counter of an inner loop": "out = np.zeros((n, n))\nfor i in range(n):\n    for i in range(n):\n        out[i, i] = x[i]\nreturn out",
    "a counter that is changed": "out = np.zeros(n)\nfor i in range(n):\n    i = 0\n    out[i] = x[i]\nreturn out",
    "an inner loop that may not run": "out = np.zeros(n)\nfor i in range(n):\n    for j in range(m):\n        s = x[j]\n    out[i] = s\nreturn out",
}


def are_apart(body: str) -> bool:
    function = ast.parse("def f(x, k, n, m):\n" + "\n".join("    " + line for line in body.strip().split("\n"))).body[0]
    assert isinstance(function, ast.FunctionDef)
    loop = next(s for s in function.body if isinstance(s, ast.For))
    return parallel.Passes(function, loop).are_apart()


def test_passes_that_write_to_places_of_their_own_are_apart():
    assert are_apart(APART)


@pytest.mark.parametrize("body", TOGETHER.values(), ids=TOGETHER.keys())
def test_passes_that_meet_are_not(body):
    assert not are_apart(body)
