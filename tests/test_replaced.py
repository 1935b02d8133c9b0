"""What a gradient was compiled for may be replaced between two calls: the next one sees it."""
import dataclasses

import numpy as np
import pytest

import srcad


def test_a_call_of_a_class():
    class Double:
        def __call__(self, x):
            return 2.0 * x

    double = Double()
    gradient = srcad.grad(lambda x: double(x) * x)
    assert np.allclose([gradient(0.3), gradient(0.3)], 1.2)
    Double.__call__ = lambda self, x: x**5
    assert np.allclose([gradient(0.3), gradient(0.3)], 6 * 0.3**5)


def test_a_property():
    class Weights:
        w = 2.0

        @property
        def p(self):
            return 2.0 * self.w

    weights = Weights()
    gradient = srcad.grad(lambda x: x * weights.p)
    assert [gradient(0.3), gradient(0.3)] == [4.0, 4.0]
    Weights.p = property(lambda self: 9.0)
    assert [gradient(0.3), gradient(0.3)] == [9.0, 9.0]
    del Weights.p
    weights.p = 5.0
    assert [gradient(0.3), gradient(0.3)] == [5.0, 5.0]


def test_constructors():
    class Plain:
        def __init__(self, x):
            self.x = x

    @dataclasses.dataclass
    class Data:
        x: float

        def __post_init__(self):
            self.x = 2.0 * self.x

    gradient = srcad.grad(lambda x: Plain(x).x * Data(x).x)
    assert [gradient(3.0), gradient(3.0)] == [12.0, 12.0]

    def again(self, x):
        self.x = 5.0 * x

    Plain.__init__ = again
    assert [gradient(3.0), gradient(3.0)] == [60.0, 60.0]

    def nothing(self):
        pass

    Data.__post_init__ = nothing
    assert [gradient(3.0), gradient(3.0)] == [30.0, 30.0]


def test_defaults_of_the_function():
    def f(x, w=2.0, *, s=1.0):
        return x * w * s

    gradient = srcad.grad(f)
    assert [gradient(0.3), gradient(0.3), gradient(0.3)] == [2.0] * 3
    f.__defaults__ = (5.0,)
    assert [gradient(0.3), gradient(0.3), gradient(0.3)] == [5.0] * 3
    f.__kwdefaults__ = {"s": 3.0}
    assert [gradient(0.3), gradient(0.3), gradient(0.3)] == [15.0] * 3
    f.__kwdefaults__["s"] = 2.0
    assert [gradient(0.3), gradient(0.3), gradient(0.3)] == [10.0] * 3
    assert gradient(0.3, 4.0, s=1.0) == 4.0


class Base:
    k = 2.0

    def f(self):
        return self.x * 2


class Derived(Base):
    def __init__(self, x):
        self.x = x


def of_class(x):
    return Derived(x).f() * Derived(x).k * getattr(Derived(x), "w", 3.0)


@pytest.mark.parametrize(("label", "value"), [
    ("f", lambda self: self.x * 9), ("k", 7.0), ("w", 9.0), ("__setattr__", lambda self, name, value: object.__setattr__(self, name, value * 5)),
])
def test_a_class_gets_what_it_had_not(label, value):
    gradient = srcad.grad(of_class)
    before = gradient(3.0), gradient(3.0)
    setattr(Derived, label, value)
    try:
        assert np.isclose(gradient(3.0), (of_class(3.0 + 1e-6) - of_class(3.0 - 1e-6)) / 2e-6)
    finally:
        delattr(Derived, label)
    assert (gradient(3.0), gradient(3.0)) == before == (12.0, 12.0)
