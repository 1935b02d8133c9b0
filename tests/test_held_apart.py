"""What a list holds on to, a sum of one and np.asarray of a list are memory of their own; pops are done when their turn comes."""
from __future__ import annotations

import numpy as np
import pytest

import srcad

X, Y = np.array([0.3, 0.7, -0.4]), np.array([0.9, 0.2, 0.6])


def popped_then_read(x, y):
    v = [t * t for t in x if t > 0]
    return v.pop() * v[-1]


def popped_twice(x, y):
    v = [x[0]]
    while v[-1] < 2:
        v.append(v[-1] * 1.5 + y[0])
    return v.pop() * v.pop()


def popped_after_an_array(x, y):
    v = [t * t for t in x if t > 0]
    w = np.array(v)
    m = [v.pop(), v.pop()]
    return np.sum(w) + m[0] * m[1]


def popped_into_rows(x, y):
    v = [y * t for t in x if t > 0]
    z = np.ones((2, 3))
    z[0] = v[0]
    z[1] = v.pop()
    return np.sum(z**2)


def popped_before_the_length(x, y):
    v = [t * t for t in x if t > 0]
    w = v[1]
    y[len(v) - 1] = v.pop()
    return np.sum(y**2) + w


def popped_in_a_pair(x, y):
    v = [t * t for t in x if t > 0]
    y[0], y[1] = v.pop(), v[len(v) - 1]
    return np.sum(y**2)


def read_then_popped(x, y):
    v = [t * t for t in x if t > 0]
    w = v.pop() * 2.0 + len(v)
    return v[0] * w + np.sum(np.array(v))


def summed_after_a_pop(x, y):
    v = [t * y for t in x if t > 0]
    z = np.zeros(3)
    w = v.pop() * 2.0
    np.add(z, sum(v), out=z)
    return np.sum(w * z)


def left_unread(x, y):
    v = []
    z = np.ones(2)
    s = x[1] + 1.0
    while s > 0.1:
        v.append(s)
        s = s / 2
    v.append(z[0])
    z[1] = s
    return v[0]


def sum_into_a_view(x, y):
    y[:] = sum(y * t for t in x if t > 0)
    return np.sum(y**2)


def sum_into_an_element(x, y):
    y[..., -1] = sum(t for t in x if t > 0)
    return np.sum(y**2)


def sum_of_one(x, y):
    z = sum([y])
    z += x
    w = sum(t for t in [y])
    y *= x
    return np.sum(z**2) + np.sum(y**2) + np.sum(w**3)


def applied_along_an_axis(x, y):
    z = np.apply_along_axis(lambda t: t[:2], 0, y)
    z *= 3
    return np.sum(z**2) + np.sum(y**2)


def array_of_a_list(x, y):
    z = np.asarray([y])[0]
    items = [y, x]
    w = np.asarray(items)
    w[0] *= x
    y *= x[0]
    return np.sum(z * 2) + np.sum(y**3) + np.sum(w**2)


def array_of_an_array(x, y):
    z = np.asarray(y)
    z *= x
    return np.sum(z * x) + np.sum(y**3)


PROGRAMS = [popped_then_read, popped_twice, popped_after_an_array, popped_into_rows, popped_before_the_length, popped_in_a_pair, read_then_popped, summed_after_a_pop,
            left_unread, sum_into_a_view, sum_into_an_element, sum_of_one, applied_along_an_axis, array_of_a_list, array_of_an_array]


def differences(program, args):
    """The gradient by central differences, each value of arguments of its own."""
    def value(i, k, step):
        copies = [a.copy() for a in args]
        copies[i].flat[k] += step
        return program(*copies)

    return [np.reshape([(value(i, k, 1e-6) - value(i, k, -1e-6)) / 2e-6 for k in range(a.size)], a.shape) for i, a in enumerate(args)]


@pytest.mark.parametrize("program", PROGRAMS, ids=lambda f: f.__name__)
def test_gradients(program):
    gradient = srcad.grad(program)
    for found, wanted in zip(gradient(X.copy(), Y.copy()), differences(program, (X, Y))):
        np.testing.assert_allclose(found, wanted, rtol=1e-4, atol=1e-6)
    assert gradient.value_and_grad(X.copy(), Y.copy())[0] == pytest.approx(program(X.copy(), Y.copy()))


# ---- adjoints in the order of memory that a view asks for


def written_flat(x, y):
    z = y * 1.0
    z.reshape(-1)[0] = 2.0
    return np.sum((x * z).T)


def written_flat_in_a_loop(x, y):
    z = y * 1.0
    v = z.ravel()
    for i in range(3):
        v[i] *= x[0, 0]
    return np.sum(x * z * z)


@pytest.mark.parametrize("program", [written_flat, written_flat_in_a_loop], ids=lambda f: f.__name__)
def test_adjoints_of_what_is_written_flat(program):
    rng = np.random.default_rng(0)
    x, y = np.asfortranarray(rng.normal(size=(2, 3))), rng.normal(size=(2, 3))
    for found, wanted in zip(srcad.grad(program)(x, y), differences(program, (x, y))):
        np.testing.assert_allclose(found, wanted, rtol=1e-4, atol=1e-6)


def test_a_pair_keeps_no_view_that_einsum_makes():
    gradient = srcad.grad(lambda x: np.sum(np.einsum("i...->...i", x) ** 2))
    x = np.array([[1.0, 2.0], [3.0, 4.0]])
    _, cache = gradient.forward(x)
    x[:] = 100
    np.testing.assert_array_equal(gradient.backward(1.0, cache), [[2.0, 4.0], [6.0, 8.0]])


@pytest.mark.parametrize("function", [np.sqrt, np.exp, np.tanh, np.reciprocal, np.cbrt])
def test_masked_results_of_another_shape(function):
    mask = np.array([[True, False], [True, True]])

    def spread(q):
        y = np.ones((2, 2))
        function(q, out=y, where=mask)
        return np.sum(y**2)

    def of_one(q):
        y = q * 1
        function(y[:1], out=y, where=y > 0.1)
        return np.sum(y**2)

    srcad.grad(spread).check(np.array([0.25, 0.49]))
    srcad.grad(of_one).check(np.array([0.25, 0.49]))
