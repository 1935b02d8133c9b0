"""Gradients of functools.partial objects."""
import functools

import numpy as np
import pytest

import srcad

DATA = np.array([1.0, 2.0, 3.0])


def loss(w, b, data, power=2, *, scale=1.0):
    return scale * np.sum((w * data + b) ** power)


class Model:
    def __init__(self, w):
        self.w = w

    def loss(self, b, data):
        return np.sum((self.w * data + b) ** 2)


@pytest.mark.parametrize(("function", "args"), [
    (functools.partial(loss, data=DATA), (0.3, 0.2)), (functools.partial(loss, 0.3), (0.2, DATA)), (functools.partial(loss, 0.3, data=DATA, power=3), (0.2,)),
    (functools.partial(loss, data=DATA, scale=2.0), (0.3, 0.2)), (functools.partial(functools.partial(loss, 0.3), 0.2), (DATA,)),
    (functools.partial(Model(0.5).loss, data=DATA), (0.2,)), (functools.partial(np.sum, axis=0), (DATA,)),
])
def test_of_the_parameters_that_are_left(function, args):
    found = srcad.grad(function, wrt=0)(*args)
    first, *rest = args
    if np.ndim(first):
        wanted = [(function(first + e, *rest) - function(first - e, *rest)) / 2e-6 for e in np.eye(3) * 1e-6]
    else:
        wanted = (function(first + 1e-6, *rest) - function(first - 1e-6, *rest)) / 2e-6
    assert np.allclose(found, wanted)


def test_defaults_and_names_stay():
    gradient = srcad.grad(functools.partial(loss, data=DATA), wrt=("w", "b"))
    assert np.allclose(gradient(0.3, 0.2), (2 * DATA @ (0.3 * DATA + 0.2), 2 * np.sum(0.3 * DATA + 0.2)))
    assert np.allclose(gradient(0.3, 0.2, scale=2.0), 2 * np.array(gradient(0.3, 0.2)))
    assert np.isclose(srcad.value_and_grad(functools.partial(loss, data=DATA), wrt="w")(0.3, 0.2)[0], loss(0.3, 0.2, DATA))
    assert "def loss_grad(w, b" in gradient.source_for(0.3, 0.2)


def test_of_a_ufunc():
    with pytest.raises(srcad.SrcadError, match="Wrap its call in a function"):
        srcad.grad(functools.partial(np.multiply, 3.0))


MODEL = Model(0.5)
METHOD = MODEL.loss


def through_a_name(b):
    return METHOD(b, DATA)


def test_bound_methods_by_other_names():
    gradient = srcad.grad(through_a_name)
    assert np.isclose(gradient(0.2), 2 * np.sum(0.5 * DATA + 0.2))
    MODEL.w = 0.7
    try:
        assert np.isclose(gradient(0.2), 2 * np.sum(0.7 * DATA + 0.2))
    finally:
        MODEL.w = 0.5
    assert np.isclose(srcad.grad(lambda b, f: f(b, DATA), wrt="b")(0.2, Model(3.0).loss), 2 * np.sum(3.0 * DATA + 0.2))
