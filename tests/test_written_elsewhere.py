"""What library functions write where the text hardly says so, views that they give, and what changes with a dict or an iterator."""
import numpy as np
import pytest
import scipy.linalg

import srcad

X = np.array([0.5, -1.2, 2.0])


def overwritten_input(x):
    c = x * 2.0
    np.median(c, overwrite_input=True)
    return np.sum(c * np.arange(3.0))


def overwritten_input_by_place(x):
    c = np.array([3.0, 1.0, 2.0])
    np.median(c, None, None, True)
    return np.sum(c * x)


def overwritten_by_a_solver(x):
    b = np.array([1.0, 2.0])
    scipy.linalg.solve(np.eye(2) * 4, b, overwrite_b=True)
    return b @ x[:2]


def out_by_place(x):
    b = np.zeros(3)
    np.cumsum(np.arange(3.0), None, None, b)
    return np.sum(b * x)


def out_of_a_method(x):
    b = np.zeros(3)
    np.arange(3.0).clip(1, 2, b)
    return np.sum(b * x)


def two_outs(x):
    b = np.zeros(3)
    np.modf(x * 2.0, b, b * 1)
    return np.sum(b * x)


def joined_into_its_parts(x):
    y = x * 2.0
    np.concatenate([y[1:], y[:1]], out=y)
    return np.sum(y * np.arange(3.0))


def stepped(x):
    it = iter([1.0, 2.0])
    a = next(it)
    return a * x[0] + next(it) * x[1]


def changed_values(x):
    d = {"a": 1.0}
    v = d.values()
    d["a"] = 4.0
    return sum(v) * x[0]


def more_keys(x):
    d = {"a": 1}
    keys = d.keys()
    d["b"] = 2
    return len(keys) * np.sum(x)


REFUSED = [overwritten_input, overwritten_input_by_place, overwritten_by_a_solver, out_by_place, out_of_a_method, two_outs, joined_into_its_parts, stepped, changed_values, more_keys]


@pytest.mark.parametrize("program", REFUSED, ids=lambda f: f.__name__)
def test_what_cannot_be_followed_is_refused(program):
    program(X.copy())
    with pytest.raises(srcad.SrcadError):
        srcad.grad(program)(X.copy())


def view_of_a_mask(x):
    m = x > 0
    n = np.require(m)
    a = x[m]
    n[:] = True
    return np.sum(a) * np.sum(x[m] ** 2)


def strided_view_of_indices(x):
    i = np.array([0, 0, 0])
    j = np.lib.stride_tricks.as_strided(i)
    j[1] = 2
    return np.sum(x[i] ** 2)


def written_after_the_view(x):
    z = np.zeros(3)
    y = np.require(z)
    z[0] = 3.0
    return np.sum(y) * x[0]


def views_that_stay(x):
    d = {"a": x[0], "b": x[1]}
    v, keys = d.values(), d.keys()
    return sum(v) * len(keys) + sum(d[k] ** 2 for k in keys)


@pytest.mark.parametrize("program", [view_of_a_mask, strided_view_of_indices, written_after_the_view, views_that_stay], ids=lambda f: f.__name__)
def test_views_are_followed(program):
    value, gradient = srcad.value_and_grad(program)(X)
    assert np.isclose(value, program(X))
    steps = 1e-6 * np.eye(3)
    assert np.allclose(gradient, [(program(X + s) - program(X - s)) / 2e-6 for s in steps], atol=1e-6)
