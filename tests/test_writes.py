"""`x *= e` on an array that nothing else leads to is a new array; on any other it changes what every name sees."""
from __future__ import annotations

import functools

import numpy as np
import pytest

import srcad

X = np.array([0.3, -0.5, 0.2, 0.7])


def normalised(x):
    p = np.exp(x)
    p /= p.sum()
    return np.sum(p * p)


def with_another_name(x):
    p = np.exp(x)
    q = p
    p /= p.sum()
    return np.sum(q * x)


def with_a_view(x):
    p = np.exp(x)
    q = p[1:]
    p *= 2.0
    return np.sum(q * q)


def in_a_list(x):
    p = np.exp(x)
    held = [p]
    p *= x
    return np.sum(held[0] * x)


def in_a_partial(x):
    p = np.exp(x)
    g = functools.partial(np.multiply, p)
    p *= 3.0
    return np.sum(g(x))


def with_a_method(x):
    p = np.exp(x)
    m = p.sum
    p *= 3.0
    return m() * x[0]


def in_a_default(x):
    p = np.exp(x)
    g = lambda y, p=p: np.sum(y * p)  # noqa: E731
    p *= 3.0
    return g(x)


def in_a_closure(x):
    p = np.exp(x)
    g = lambda y: np.sum(y * p)  # noqa: E731
    p *= 3.0
    return g(x)


def scale(a):
    a *= 0.5
    return a


def in_a_helper(x):
    p = np.exp(x)
    q = scale(p)
    return np.sum(p * x) + np.sum(q)


def given_to_a_helper(x):
    q = scale(np.exp(x))
    return np.sum(q * q)


def an_argument(x):
    x *= 2.0
    return np.sum(x ** 2)


def kept_before_a_loop(x):
    h = np.tanh(x)
    h0 = h
    for _ in range(3):
        h *= x
    return np.sum(h0 * h)


def made_in_a_loop(x):
    t = 0.0
    for k in range(3):
        h = np.tanh(x * k)
        h /= 2.0 + h
        t += np.sum(h)
    return t


def in_a_list_of_the_loop(x):
    p = np.exp(x)
    rows = []
    for _ in range(2):
        rows.append(p)
    p *= x
    return np.sum(np.array(rows))


def in_a_list_that_grows(x, n=3):
    p = np.exp(x)
    rows = []
    for _ in range(len(x)):
        rows.append(p)
    p *= x
    return np.sum(np.array(rows) * x)


def on_one_path(x):
    p = np.exp(x)
    if x[0] > 0:  # noqa: SIM108
        q = p
    else:
        q = np.sin(x)
    p *= x
    return np.sum(q * x)


def changed_on_one_path(x):
    p = np.exp(x)
    if x[0] > 0:
        p *= x
    return np.sum(p * x)


def in_a_dict(x):
    d = {'a': np.exp(x)}
    p = d['a']
    p *= x
    return np.sum(d['a'])


def by_smaller_arrays(x):
    p = np.exp(x).reshape(2, 2).copy()
    p *= x[:2]
    p /= x[:2][:, None]
    p **= 2
    return np.sum(p)


def in_a_zip(x):
    p = np.exp(x)
    z = zip(p, x)
    p *= x
    return sum((a * b for a, b in z))


def while_looped_over(x):
    p = np.exp(x)
    t = 0.0
    for i, v in enumerate(p):
        if i == 1:
            p *= 2.0
        t += v * x[i]
    return t


def in_a_tuple(x):
    p = np.exp(x)
    q, r = (p, p * 2)
    p *= x
    return np.sum(q * r)


class L:

    def __init__(self, x):
        self.h = np.exp(x)

    def go(self, x):
        h = self.h
        h *= x
        return np.sum(self.h * x)


def in_an_object(x):
    return L(x).go(x)


def the_same_array(x):
    p = np.exp(x)
    q = np.asarray(p)
    p *= x
    return np.sum(q)


def written_by_out(x):
    b = np.empty(4)
    p = np.exp(x, out=b)
    p *= x
    return np.sum(b)


PROGRAMS = [normalised, with_another_name, with_a_view, in_a_list, in_a_partial, with_a_method, in_a_default, in_a_closure, in_a_helper, given_to_a_helper, an_argument, kept_before_a_loop, made_in_a_loop, in_a_list_of_the_loop, in_a_list_that_grows, on_one_path, changed_on_one_path, in_a_dict, by_smaller_arrays, in_a_zip, while_looped_over, in_a_tuple, in_an_object, the_same_array, written_by_out]


@pytest.mark.parametrize("f", PROGRAMS)
@pytest.mark.parametrize("x", [X, -X], ids=["x", "-x"])
def test_the_gradient_is_right(f, x):
    gradient = srcad.grad(f)
    found = gradient(x.copy())
    steps = np.eye(len(x)) * 1e-6
    wanted = [(f(x + s) - f(x - s)) / 2e-6 for s in steps]
    assert np.allclose(found, wanted, rtol=1e-6, atol=1e-7)
    assert np.allclose(srcad.value_and_grad(f)(x.copy())[0], f(x.copy()))
    pullback = srcad.vjp(f, x.copy())[1]
    assert np.allclose(pullback(1.0), found) and np.allclose(pullback(1.0), found)


@pytest.mark.parametrize("f", [normalised, made_in_a_loop, by_smaller_arrays, in_a_closure])
def test_an_array_of_its_own_is_not_changed_in_place(f):
    assert "[...]" not in srcad.grad(f).source_for(X)


def test_an_array_that_two_names_mean_is():
    assert "[...]" in srcad.grad(with_another_name).source_for(X)


def test_a_number_that_widens_an_array_is_refused_as_numpy_does():
    def f(x, y):
        p = np.exp(x)
        p *= y
        return np.sum(p)

    narrow = X.astype(np.float32)
    assert srcad.grad(f)(narrow, X)[0].dtype == np.float32
    srcad.grad(f).check(X, X)


def shift_register(x, n):
    q = x
    for _ in range(n):
        q = np.roll(q, 1)
        q[0] = 1.5 * x[1]
        x = x * 0.5
    r = np.roll(x, 0)
    r *= 2
    return q[1] * q[2] + x @ r


def test_what_is_rolled_is_a_new_array():
    gradient = srcad.grad(shift_register, wrt="x")
    for n in (0, 1, 3):
        gradient.check(np.array([0.3, -0.5, 0.7, 1.1]), n)
