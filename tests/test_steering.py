"""What steers a function and comes from outside is compared at every call: keepdims, subscripts, ranges, strings."""
# ruff: noqa: PLW0603
import numpy as np
import pytest

import srcad

X = np.array([[1.0, -0.4, 0.3], [0.6, 0.9, -0.8]])
V = np.array([0.5, -1.2, 2.0])
KEEP = True
POWERS = range(3)


def central(f, x, *rest):
    found = np.zeros_like(x)
    for i in np.ndindex(x.shape):
        e = np.zeros_like(x)
        e[i] = 1e-6
        found[i] = (f(x + e, *rest) - f(x - e, *rest)) / 2e-6
    return found


def kept(x, k):
    return np.sum((x - np.sum(x, axis=1, keepdims=k).reshape(2, 1)) ** 2)


def kept_in_place(x, k):
    return np.sum(x[:, :2] * np.mean(x, 1, None, None, k)[:2] ** 2)


def kept_if(x, k):
    return np.sum(x[:, :2] * np.max(x, axis=1, keepdims=k > 2)[:2] ** 2)


def order(x, k):
    return np.linalg.norm(x, k)


def singular(x, k):
    found = np.linalg.svd(x, full_matrices=False, compute_uv=k)
    return np.sum(found[1]) if k else np.sum(found)


@pytest.mark.parametrize(("program", "values"), [
    (kept, (True, False)), (kept_in_place, (True, False)), (kept_if, (3, 2)), (order, (np.inf, -np.inf, 1.0, 2.0, "fro", "nuc")), (singular, (True, False)),
], ids=lambda p: getattr(p, "__name__", ""))
def test_each_value_has_its_own_gradient(program, values):
    gradient = srcad.grad(program, wrt=0)
    for k in (*values, values[0]):
        assert np.allclose(gradient(X, k), central(program, X, k), atol=1e-5)


def kept_by_a_global(x):
    return np.sum(x[:, :2] * x.sum(axis=1, keepdims=KEEP)[:2])


def powers_of_a_global(x):
    return sum(x ** i for i in POWERS)


def test_globals_are_followed():
    global KEEP, POWERS
    one, other = srcad.grad(kept_by_a_global), srcad.grad(powers_of_a_global)
    assert np.allclose(one(X), central(kept_by_a_global, X), atol=1e-5)
    assert other(2.0) == 5.0
    KEEP, POWERS = False, range(0, 6, 2)
    try:
        assert np.allclose(one(X), central(kept_by_a_global, X), atol=1e-5)
        assert other(2.0) == 36.0
    finally:
        KEEP, POWERS = True, range(3)


def test_what_only_the_run_can_tell_is_refused():
    def loss(x):
        return np.sum(x * np.sum(x, axis=1, keepdims=bool(x[0, 0] > 0)))

    with pytest.raises(srcad.SrcadError, match="`keepdims=` must be known"):
        srcad.grad(loss)(X)


def subscripts(x, s):
    return np.einsum(s, x, x)


def terms(x, r):
    return sum(x ** i for i in r)


def letters(x, s):
    return sum(x * len(c) * (2.0 if c == "a" else 1.0) for c in s)


def recursive(x, s, n):
    if n == 0:
        return x * x if s == "square" else x
    return recursive(x * 1.5, s, n - 1)


def test_strings_and_ranges_are_compared():
    gradient = srcad.grad(subscripts, wrt=0)
    for s in ("i,i->", "i,j->", "i,i->"):
        assert np.allclose(gradient(V, s), central(subscripts, V, s))
    gradient = srcad.grad(terms, wrt=0)
    assert [gradient(2.0, range(3)), gradient(2.0, range(2, 5)), gradient(2.0, range(3))] == [5.0, 48.0, 5.0]
    gradient = srcad.grad(letters, wrt=0)
    assert [gradient(2.0, "ab"), gradient(2.0, "bb"), gradient(2.0, "aab")] == [3.0, 2.0, 5.0]
    gradient = srcad.grad(recursive, wrt=0)
    assert [gradient(2.0, "square", 2), gradient(2.0, "plain", 2)] == [2 * 2.0 * 1.5 ** 4, 1.5 ** 2]


def strictly(x, y):
    return sum(a * b for a, b in zip(x, y, strict=True))


def grown_in_place(x):
    y = np.ones(3)
    y *= x
    return y.sum()


def stretched_in_place(x):
    y = np.ones((1, 3))
    y -= np.outer(x, x)
    return y.sum()


@pytest.mark.parametrize(("program", "args"), [(strictly, (V, np.ones(4))), (grown_in_place, (V[None],)), (stretched_in_place, (V,))], ids=lambda p: getattr(p, "__name__", ""))
def test_what_would_raise_is_refused(program, args):
    with pytest.raises(ValueError):
        program(*args)
    with pytest.raises(srcad.SrcadError, match="would raise ValueError"):
        srcad.grad(program, wrt=0)(*args)


def test_what_would_not_is_not():
    assert np.array_equal(srcad.grad(strictly, wrt=0)(V, V), V)
    assert np.array_equal(srcad.grad(grown_in_place)(V), np.ones(3))


def either(x, y):
    return np.sum(y and x)


def chosen(x, y):
    return np.sum(x if y > 0 else 1.5 * y)


@pytest.mark.parametrize("program", [either, chosen], ids=lambda f: f.__name__)
def test_a_number_in_place_of_an_array(program):
    gradient = srcad.grad(program, wrt=0)
    for y in (0.0, 1.0):
        assert np.array_equal(gradient(V, y), np.ones(3) * y)


def test_truth_values_in_forward_mode():
    def loss(x):
        return np.partition(x, 2, axis=-1).sum() + np.ptp(x)

    direction = np.cos(X)
    assert np.isclose(srcad.jvp(loss, (X,), (direction,))[1], np.sum(srcad.grad(loss)(X) * direction))
