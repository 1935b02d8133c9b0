"""What the compiled backend is given: arguments in NumPy's order, lists before they are filled."""
from __future__ import annotations

import numpy as np
import pytest

import srcad

pytest.importorskip("numba")

A = np.random.default_rng(0).normal(size=(3, 3))
PROGRAMS = {
    "mean with a dtype": lambda a: np.sum(np.mean(a, 1, np.float64) * a), "deviation with a dtype": lambda a: np.sum(np.std(a, 1, float) * a),
    "sum with keepdims": lambda a: np.sum(np.sum(a, 1, None, None, True) * a), "second differences": lambda a: np.sum(np.diff(a, 2) ** 2),
    "differences along the first axis": lambda a: np.sum(np.diff(a, axis=0) ** 2), "variance with ddof": lambda a: np.sum(np.var(a, 0, None, None, 1) * a[0]),
    "extreme with keepdims": lambda a: np.sum(np.max(a, 1, None, True) * a), "no differences": lambda a: np.sum(np.diff(a, 0) * a),
}


def length_before_an_append(a):
    x, held, total = a.reshape(9), [], 0.0
    for i in range(len(x)):
        m = len(held)
        held.append(x[i])
        total = total + x[m] * x[i]
    return total


def length_as_a_test(a):
    x, held = a.reshape(9), []
    for i in range(len(x)):
        if len(held) == 0:
            held.append(x[i])
        else:
            held.append(held[len(held) - 1] * x[i])
    return held[-1]


def length_after_a_loop(a):
    x, held = a.reshape(9), []
    for i in range(len(x)):
        held.append(x[i])
    return held[len(held) - 1] * len(held)


PROGRAMS |= {f.__name__: f for f in (length_before_an_append, length_as_a_test, length_after_a_loop)}


@pytest.mark.parametrize("f", PROGRAMS.values(), ids=PROGRAMS.keys())
def test_it_is_the_same_or_refused(f):
    wanted = srcad.grad(f)(A)
    try:
        found = srcad.grad(f, backend="numba")(A)
    except srcad.SrcadError:
        return
    np.testing.assert_allclose(found, wanted, rtol=1e-9, atol=1e-12)


def test_some_are_compiled():
    compiled = srcad.grad(PROGRAMS["sum with keepdims"], backend="numba")
    np.testing.assert_allclose(compiled(A), srcad.grad(PROGRAMS["sum with keepdims"])(A))


def test_outer_products_added_several_times_in_a_pass_are_one_product_after_the_loop():
    def steps(w, y, n):
        for _ in range(n):
            h = np.tanh(w @ y)
            y = np.tanh(w @ h) + y
        return y @ y

    args = A, A[0], 5
    compiled = srcad.grad(steps, backend="numba", wrt=("w", "y"))
    for got, wanted in zip(compiled(*args), srcad.grad(steps, wrt=("w", "y"))(*args), strict=True):
        np.testing.assert_allclose(got, wanted, rtol=1e-9)
    assert "np.empty((n * 2, " in compiled.source_for(*args)
    assert not np.any(compiled(A, A[0], 0)[0])


@pytest.mark.parametrize("n", [0, 1, 4])
def test_lists_that_several_lines_of_a_loop_fill(n):
    def held(x, n):
        items, total = [], 0.0
        for i in range(n):
            items.append(x * i)
            if i % 2:
                items.append(np.sin(x))
        for item in items:
            total = total + item * total + item
        return np.sum(total) + len(items)

    def two_loops(x, n):
        items = []
        for i in range(n):
            items.append(x * i)
        for _ in range(2):
            items.append(np.sin(x))
        total = items.pop()
        while items:
            total = total * items.pop() + x
        return np.sum(total)

    for f in (held, two_loops):
        try:
            got = srcad.grad(f, wrt="x", backend="numba")(A[0], n)
        except srcad.SrcadError:
            continue
        np.testing.assert_allclose(got, srcad.grad(f, wrt="x")(A[0], n), rtol=1e-9)


def test_a_contraction_of_arrays_that_lie_alike_runs_along_their_memory():
    def f(x, y):
        return np.sum(np.sin(np.einsum("ijk,ijk->jk", x, y)))

    x, y = np.random.default_rng(0).normal(size=(2, 4, 3, 5))
    compiled = srcad.grad(f, backend="numba")
    for got, wanted in zip(compiled(x, y), srcad.grad(f)(x, y), strict=True):
        np.testing.assert_allclose(got, wanted, rtol=1e-9)
    lines = [line for line in compiled.source_for(x, y).splitlines() if "+=" in line or "for " in line]
    assert [line.split("range(")[-1] for line in lines[:3]] == ["y.shape[0]):", "y.shape[1]):", "y.shape[2]):"]
    assert "[i, j, k]" in lines[3]


@pytest.mark.parametrize("spec", ["iij->j", "iijk->k", "iijk->jk", "iij,iij->j", "iji->j", "ijk,ijk->j"])
def test_letters_that_come_twice_are_run_through_once(spec):
    terms = spec.split("->")[0].split(",")
    sizes = {"i": 3, "j": 2, "k": 4}
    args = [np.random.default_rng(k).normal(size=[sizes[c] for c in t]) for k, t in enumerate(terms)]

    def f(*args):
        return np.sum(np.einsum(spec, *args) ** 2)

    value, found = srcad.value_and_grad(f, backend="numba")(*args)
    assert value == pytest.approx(f(*args))
    for got, wanted in zip(found if len(args) > 1 else (found,), srcad.grad(f)(*args) if len(args) > 1 else (srcad.grad(f)(*args),), strict=True):
        np.testing.assert_allclose(got, wanted, rtol=1e-9)


def emptied(x):
    held, t = [], 0.0
    for v in x:
        held.append(v * v)
    for v in x:
        t += held.pop() * v
    return t


def emptied_where_positive(x):
    held, t = [], 0.0
    for v in x:
        held.append(v * v)
        held.append(v)
        if v > 0:
            t += held.pop() * held[-1]
    return t


def folded(x):
    held = []
    for v in x:
        held.append(v * v)
    for _ in range(2):
        a, b = held.pop(), held.pop()
        held.append(a * b + 1)
    return held.pop() * len(held)


@pytest.mark.parametrize("f", [emptied, emptied_where_positive, folded])
def test_lists_that_are_emptied_and_filled_again(f):
    gradient = srcad.grad(f, backend="numba")
    for n in (9, 2000, 7):
        x = np.cos(np.arange(n) + 0.3)
        np.testing.assert_allclose(gradient(x), srcad.grad(f)(x), rtol=1e-9)


def test_of_an_empty_list_nothing_is_taken():
    def popped(x):
        held, t = [], 0.0
        for v in x:
            if v > 0:
                held.append(v * v)
            t += held.pop() * v
        return t

    def last(x):
        held, t = [], 0.0
        for v in x:
            if v > 0:
                held.append(v * v)
            t += held[-1] * v
        return t

    for f in (popped, last):
        with pytest.raises(IndexError):
            srcad.grad(f, backend="numba")(np.array([-1.0, -2.0, 3.0]))
