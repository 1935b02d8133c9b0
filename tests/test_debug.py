"""Where a number that is not finite comes from."""
from __future__ import annotations

import numpy as np

import srcad


def logarithm(x, y):
    z = x * y
    w = np.log(z)
    total = 0.0
    for i in range(3):
        total += np.sum(w) * i
    return total


def length(x):
    n = np.sqrt(np.sum(x * x))
    return n * 2


def test_a_line_of_the_function_is_named():
    (first, second) = srcad.grad(logarithm).debug(np.array([1.0, 0.0]), np.array([1.0, 2.0]))
    assert (first.half, first.variable, first.what, first.text) == ("forward", "w", "inf in 1 of 2 elements", "w = np.log(z)")
    assert first.line == logarithm.__code__.co_firstlineno + 2
    assert (second.half, second.variable, second.text) == ("backward", "dz", "w = np.log(z)")


def test_a_step_of_the_backward_pass_is_named():
    (found,) = srcad.grad(length).debug(np.zeros(2))
    assert (found.half, found.variable, found.what, found.text) == ("backward", "dx", "nan in 2 of 2 elements", "n = np.sqrt(np.sum(x * x))")


def test_nothing_is_found_where_all_is_finite():
    found = srcad.grad(logarithm).debug(np.array([1.0, 2.0]), np.array([1.0, 2.0]))
    assert not found and str(found) == "every number is finite"
