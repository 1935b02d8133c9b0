"""Parameters of any name and default, at every kind of call."""
import enum
import math

import numpy as np
import pytest

import srcad


class Choice(enum.IntEnum):
    ONE = 1


class Label(str):
    pass


LABEL, SCALAR = Label("it's"), np.float64(1.0)


def to_infinity(x, c=math.inf):
    return min(x, c) ** 3


def to_nan(x, c=math.nan):
    return x**3 if c != c else x


def numpy_scalar(x, c=SCALAR):
    return c * x**3


def member(x, c=Choice.ONE):
    return c * x**3


def subclass(x, *, c=LABEL):
    return x**3 if c == "it's" else x


@pytest.mark.parametrize("function", [to_infinity, to_nan, numpy_scalar, member, subclass], ids=lambda f: f.__name__)
def test_defaults_that_text_cannot_say(function):
    assert srcad.grad(srcad.grad(function))(2.0) == 12.0
    assert srcad.hvp(function)(2.0, 1.0) == 12.0
    assert np.allclose(srcad.hessian(function)(2.0), 12.0)


def named_as_calls_are(gradient, gradient_):
    return gradient**3 * gradient_**2


def test_parameters_named_as_a_gradient_is_called():
    assert srcad.grad(srcad.grad(named_as_calls_are, wrt=0), wrt=0)(2.0, 3.0) == 108.0


def test_a_function_with_a_rule_named_as_it_is_called():
    @srcad.custom_gradient(lambda dz, z, x: (2.0 * x * dz,))
    def primal(x):
        return x * x

    assert srcad.grad(primal)(3.0) == 6.0
    assert srcad.grad(lambda x: primal(x) * x)(3.0) == 27.0
