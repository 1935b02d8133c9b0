"""What dtype the result of a function without rules has is not known: it may be complex, and it may be whole numbers."""
from __future__ import annotations

import cmath

import numpy as np
import pytest

import srcad

linalg, signal, special = (pytest.importorskip(f"scipy.{part}") for part in ("linalg", "signal", "special"))
R = np.array([0.3, 0.7])


def window(r):
    return np.sum(np.abs(np.exp(1j * r) * signal.get_window("hamming", 2)) ** 2)


def triangle(r):
    return np.linalg.norm(np.exp(1j * r) * np.tri(2)[1]) ** 2


def combinations(r):
    m = np.abs(np.exp(1j * r) * special.comb(2, np.arange(2)))
    return np.sum(m**2)


def by_cmath(r):
    return np.sum(np.power(np.abs(r * cmath.exp(0.3j)), 2))


def of_hadamard(r):
    return np.sum(np.sqrt(np.abs(r * linalg.hadamard(2)[0] * cmath.sqrt(-2)) ** 2 + 1))


def einsum(r):
    s = np.einsum("i,i->i", np.array([1.0, 2.0]), np.exp(1j * r))
    return np.linalg.norm(s) ** 2 + np.sum(np.real(s) ** 2) + np.sum(np.imag(s)) + np.sum(np.abs(np.einsum("ij,j->i", np.array([[1, 1j], [2.0, 1.0]]), r)) ** 2)


def python_numbers(r):
    s = r * sum([1j, 0.2])
    return np.sum(s.real**2 + s.imag**2)


def root_of_minus_one(r):
    return np.sum(np.abs(r * (-1) ** 0.5) ** 2) + abs(r[0] * (-8) ** (1 / 3) + 1)


@pytest.mark.parametrize("program", [window, triangle, combinations, by_cmath, of_hadamard, einsum, python_numbers, root_of_minus_one], ids=lambda f: f.__name__)
def test_what_may_be_complex(program):
    gradient = srcad.grad(program)
    gradient.check(R)
    assert gradient(R).dtype == np.float64
    assert gradient.value_and_grad(R)[0] == pytest.approx(program(R))


@pytest.mark.parametrize("made", [
    lambda r: np.isin(r, [0.3]), lambda r: linalg.hadamard(2), lambda r: np.empty_like(np.digitize(r, [0.5])), lambda r: np.tri(2, dtype=int),
], ids=["isin", "hadamard", "empty_like", "tri"])
def test_what_may_hold_whole_numbers(made):
    def program(r):
        y = made(r)
        y[0] = r[0]
        return np.sum(y * r)

    with pytest.raises(srcad.SrcadError, match="fraction"):
        srcad.grad(program)(R)


def test_a_triangle_of_floats_is_written_to():
    def program(r):
        y = np.tri(2)
        y[0] = r
        a = r * np.tri(2)
        a /= a.sum(-1, keepdims=True) + 1
        return np.sum(y * r) + np.sum(a**2)

    srcad.grad(program).check(R)


# ---- roots of what is cut off at 0


def variance(r):
    v, s = np.array([0.04, 0.01]), 0.0
    for z in np.array([[-3.0, 1.0], [0.5, -2.0], [-1.0, 2.0]]):
        cut = np.maximum(v, 0)
        s = s + np.sum(np.sqrt(cut * 0.1) * z * r[0])
        v = v + r[0] * (r[1] - cut) * 0.1 + 2 * np.sqrt(cut) * np.sqrt(0.1) * z
    return s


@pytest.mark.parametrize("program", [lambda r: np.sum(np.sqrt(np.maximum(r - 10.0, 0))), lambda r: np.sum(np.sqrt(np.maximum(0.0, r - 0.5))),
                                     lambda r: np.sum(np.maximum(r - 0.5, 0) ** 0.5 * 2), variance])
@pytest.mark.filterwarnings("ignore::RuntimeWarning")
def test_roots_of_positive_parts(program):
    srcad.grad(program).check(R)


def gaps(points):
    return np.sum((points[:, None] - points[None]) ** 2, axis=-1)


def with_another_diagonal(points):
    r = np.sqrt(gaps(points))
    np.fill_diagonal(r, np.inf)
    return np.sum(1 / r)


def inverted_in_place(points):
    r = np.sqrt(gaps(points))
    r[r > 0] = 1 / r[r > 0]
    return np.sum(np.triu(r, 1))


@pytest.mark.parametrize("program", [
    lambda points: np.sum(np.sqrt(gaps(points))[np.triu_indices(4, 1)]), lambda points: np.sum((gaps(points) ** 0.5)[~np.eye(4, dtype=bool)]), with_another_diagonal, inverted_in_place,
])
@pytest.mark.filterwarnings("ignore::RuntimeWarning")
def test_roots_of_which_parts_are_asked_for(program):
    srcad.grad(program).check(np.random.default_rng(0).normal(size=(4, 2)))


# ---- guards


@pytest.mark.parametrize("program", [
    lambda x, i: np.add.reduce(x) ** 2, lambda x, i: np.sum(np.multiply.outer(x, x)), lambda x, i: np.sum(np.add.accumulate(x) ** 2), lambda x, i: np.sum(np.subtract.outer(x, x)[0] ** 2),
])
def test_methods_of_ufuncs_are_known_again(program):
    gradient = srcad.grad(program, wrt="x")
    gradient(R, np.arange(2))
    first = gradient.latest
    gradient(R, np.arange(2))
    assert gradient.latest is first


def test_an_addition_at_indices_is_known_again():
    def program(x, i):
        y = np.zeros(4)
        np.add.at(y, i, x)
        return y @ y

    gradient = srcad.grad(program, wrt="x")
    gradient(R, np.array([1, 1]))
    first = gradient.latest
    gradient(R, np.array([1, 2]))
    assert gradient.latest is first
