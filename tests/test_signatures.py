"""Parameters of any name and default, at every kind of call."""
import enum
import math

import numpy as np
import pytest
import scipy.stats as st

import srcad
from srcad.testing import check_grad


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


def layer(x, w):
    return np.tanh(x * w) + np.cos(w) * np.sin(x) * np.exp(-x) + np.exp(w * x) * 0.1 + np.tanh(x - w) * np.cos(w * w) + x


def named_as_halves_are(x, n):
    forward = np.sin(x)
    while forward < n:
        backward = layer(forward, x)
        forward = forward + 0.1 + np.tanh(layer(backward, forward)) + layer(forward, x) ** 2
    return layer(forward, 2.0) + layer(forward, forward)


def test_variables_named_as_halves_are():
    wanted = (named_as_halves_are(0.3 + 1e-6, 2.0) - named_as_halves_are(0.3 - 1e-6, 2.0)) / 2e-6
    assert np.allclose(srcad.grad(named_as_halves_are, wrt=0)(0.3, 2.0), wanted, rtol=1e-5)


def runs_over(x, range):
    s = 0.0
    for e in x:
        s = np.tanh(s * range + e)
    return s


def scaled(x, range):
    return np.sum(x) * range


def taken_apart(x, list):
    for e in list:
        x = np.tanh(x * e)
    return x


def test_names_of_python_that_the_generated_code_needs():
    x = np.array([1.0, -2.0])
    with pytest.raises(srcad.SrcadError, match="the name `range` means something else"):
        srcad.grad(runs_over)(x, 0.6)
    assert np.allclose(srcad.grad(scaled)(x, 0.6)[0], 0.6)
    wanted = (taken_apart(0.3 + 1e-6, x) - taken_apart(0.3 - 1e-6, x)) / 2e-6
    assert np.isclose(srcad.grad(taken_apart, wrt=0)(0.3, x), wanted)
    with pytest.raises(srcad.SrcadError, match="the name `list` means something else"):
        srcad.grad(taken_apart).forward(0.3, np.array([0.5, 0.7]))


class Settings:
    def __init__(self, **given):
        self.__dict__["given"] = given

    def __getattr__(self, label):
        return self.__dict__["given"][label]

    def __call__(self, x):
        return x * self.rate


class Anything:
    def __getattr__(self, label):
        return 3.5

    def __call__(self, x):
        return 2.0 * x


def test_objects_that_make_up_their_attributes():
    known, anything = Settings(rate=2.0), Anything()
    assert srcad.grad(lambda x: x * known.rate)(0.3) == 2.0
    assert srcad.grad(lambda x, settings: x * settings.rate, wrt=0)(0.3, known) == 2.0
    assert srcad.grad(lambda x: known(x) * x)(0.3) == 1.2
    assert np.isclose(srcad.grad(lambda x: anything(x) * x * anything.whatever)(0.3), 4.2)


def array_or_number(x, y):
    c = x if y > 0.3 else 2.0
    d = c * y
    return np.sin(c) * d


@pytest.mark.parametrize("x", [np.array(0.4), 0.4])
def test_a_name_for_an_array_without_axes_or_a_number(x):
    gradient = srcad.grad(array_or_number)
    for y in (0.2, 0.5):
        _, cache = gradient.forward(x, y)
        assert np.allclose(gradient.backward(1.0, cache), gradient(x, y))
        srcad.check_grad(array_or_number, x, y)


def means_by_name(x, s):
    return st.norm.logpdf(x.mean(), scale=s).sum()


def rows_by_name(x, s):
    return st.norm.cdf(x.sum(axis=0, keepdims=True), loc=s, scale=2.0).sum()


def degrees_by_name(x, s):
    return st.t.logpdf(x.mean(), df=s).sum() + st.gamma.pdf(x @ x, a=s).sum() + st.beta.logpdf(0.3, 2.0, b=s).sum()


def columns_by_name(x, s):
    return st.norm.logpdf(x[:, None], loc=s, scale=1.0 + x[0] ** 2).sum()


@pytest.mark.parametrize("program", [means_by_name, rows_by_name, degrees_by_name, columns_by_name], ids=lambda f: f.__name__)
def test_operands_by_name_spread_the_others(program):
    for x in (np.array([0.1, 0.5, 0.9]), np.array([0.4])):
        check_grad(srcad.grad(program), x, np.array([1.0, 2.0, 3.0]))
