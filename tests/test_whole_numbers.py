"""Integers, truth values and narrow floats among the operands: derivatives are formed in float64, and integer arguments are not written to."""
import math

import numpy as np
import pytest

import srcad

V = np.array([0.5, -1.2, 2.0])
MASK, OTHER = np.array([True, False, True]), np.array([True, True, False])
SMALL = np.array([200], np.uint8)
ONE = np.array([0.5])


def hat(y):
    return np.sum((y > 0) * y * (y < 1)) + np.sum((y > -5) * y * (y < 8))


def one_hat(y):
    return (y > 0) * y * (y < 9) + (y > -1) * y * (y < 8)


def difference(y):
    return ((y > 0) * y * (y < 1)).sum() - ((y > -9) * y * (y < 8)).sum()


def picked(y):
    return np.sum(y[y > 0]) + np.sum((y > 0) * y * (y < 3))


def masked(m, y):
    return m @ (m * y)


def masked_twice(m, n, y):
    return m @ (n * y) + n @ (m * y)


def contracted(m, y):
    return np.dot(m, y) + np.einsum("i,i,i->", m, y, m)


def product(x, y):
    return np.sum(x * y * x)


def squared(x, y):
    return np.sum((x * y) ** 2)


def clipped(x, y):
    return np.sum(np.maximum(x * y, 0) * x)


def cubed(x, y):
    return np.sum(x * y * (x * x))


def elements(x, y):
    return x @ y * x[0] * x[2]


def scalar(x, y):
    return y - x * y * x


@pytest.mark.parametrize(("program", "args"), [
    (hat, (V,)), (one_hat, (np.float64(0.5),)), (difference, (V,)), (picked, (V,)), (masked, (MASK, V)), (masked_twice, (MASK, OTHER, V)),
    (contracted, (MASK, V)), (product, (SMALL, ONE)), (squared, (SMALL, ONE)), (clipped, (SMALL, ONE)), (scalar, (np.int8(100), 0.5)),
    (cubed, (np.array([1, 2, 3]), V)), (elements, (np.array([1, 2, 3]), V)), (product, (np.float16([300.0]), ONE)),
], ids=lambda p: getattr(p, "__name__", ""))
def test_derivatives_are_floats(program, args):
    *given, y = args
    found = srcad.grad(program, wrt="y")(*given, y)
    assert np.asarray(found).dtype == float
    flat = np.atleast_1d(y)
    for i in range(len(flat)):
        e = np.zeros(len(flat))
        e[i] = 1e-6
        there, back = (y + s * (e if np.ndim(y) else e[0]) for s in (1, -1))
        wanted = (float(program(*given, there)) - float(program(*given, back))) / 2e-6
        assert np.isclose(np.atleast_1d(found)[i], wanted, rtol=1e-5, atol=1e-5)


def reversed_view(x):
    y = x[::-1]
    y[0] = 7
    return np.sum(x ** 2)


def transposed(x):
    x.T[0] = 9
    return np.sum(x ** 2)


def rows(x):
    for row in x:
        row[0] = 9
    return np.sum(x ** 2)


def as_array(x):
    y = np.asarray(x)
    y[0] = 7
    return np.sum(x ** 2)


def as_floats(x):
    y = np.asarray(x, dtype=float)
    y[0] = y[1] ** 2
    return np.sum(y * x)


def written_part(v):
    v[0] = 3


def by_a_helper(x):
    written_part(x[1:])
    return np.sum(x ** 2)


@pytest.mark.parametrize("program", [reversed_view, transposed, rows, as_array, as_floats, by_a_helper], ids=lambda f: f.__name__)
def test_writes_into_integer_arguments_are_refused(program):
    x = np.array([[1, 2], [3, 4]]) if program in (transposed, rows) else np.array([1, 2, 3])
    with pytest.raises(srcad.SrcadError, match="writes into an integer argument"):
        srcad.grad(program)(x)


def angles(x, i):
    return np.sum(np.arctan2(x, i)) + np.sum(np.arctan2(i, x)) + math.atan2(x[0], i[0])


def contracted_thrice(x, i):
    return np.einsum("i,i,i->", x, i, i) + np.einsum("i,j,ij->", x, i, np.outer(i, i))


def between(x, i):
    return np.sum(np.interp(x, np.array([-2, 0, 3], np.int8), i))


def counted(x, i):
    return np.sum(np.exp(-x) * (i * 4) * True)


def counted_down(x, i):
    return np.sum(np.exp(-np.abs(x)) * (i * 100) * True)


def powers(x, i):
    return np.sum(np.abs(x) ** i) * 1e-22 + np.sum((i % 5 + 1) ** x)


@pytest.mark.filterwarnings("ignore")
@pytest.mark.parametrize(("program", "i"), [
    (angles, np.array([200], np.uint8)), (angles, np.array([70000], np.int32)), (contracted_thrice, np.array([200], np.uint8)), (between, np.array([1, -128, 127], np.int8)),
    (between, np.array([True, False, True])), (counted, np.array([32], np.int8)), (counted_down, np.array([200], np.uint8)), (powers, np.array([-128], np.int8)),
], ids=lambda p: getattr(p, "__name__", ""))
def test_rules_compute_in_floats(program, i):
    x, e = np.array([0.7]), 1e-6
    wanted = (float(program(x + e, i)) - float(program(x - e, i))) / (2 * e)
    assert np.allclose(srcad.grad(program, wrt="x")(x, i), wanted, rtol=1e-4)
    assert np.allclose(srcad.jvp(program, (x, i), (np.ones(1),), wrt=("x",))[1], wanted, rtol=1e-4)
