"""Globals of helpers keep their meaning, whatever the program that calls them calls by those names."""
# ruff: noqa: B007
import importlib
import sys

import numpy as np
import pytest

import srcad

scale = 10.0
cache = 2.0
h_1 = 1.5
dx = 2.5
xs = 3.0
d2 = np.array([1.0, 2.0, 3.0])
space = 4.0


def helper(x):
    return x * scale


def p1(scale):
    return np.sum(helper(scale) * scale)


def p2(x):
    scale = np.sum(x * x)
    return helper(scale) + scale


def k(x):
    return np.sin(x) * cache


def mk(cache, c):
    def f(x):
        return np.sum(k(x)) * cache * c
    return f


p3 = mk(5.0, 1.25)


def k1(x):
    return np.sin(x) * h_1


def p4(h):
    for e in range(3):
        h = np.tanh(h) + k1(h)
    return np.sum(h)


def p5(h):
    h = np.tanh(h) + k1(h)
    h = np.tanh(h) + k1(h)
    return np.sum(h)


def k2(x):
    return np.sin(x) * dx


def p6(x):
    return np.sum(x * k2(x) * x)


def k3(x):
    return np.sin(x) * xs


def p7(x):
    w = x[:2]
    for e in w:
        x = np.tanh(x * e) + k3(x)
    return np.sum(x)


def inner(x):
    return helper(x) * space


def p8(x):
    space = x[0]
    inner_ = inner(x)
    return np.sum(inner_) * space


class Obj:
    def __call__(self, x):
        return x * scale
    def m(self, x):
        return x ** 2 * scale
OBJ = Obj()


def p9(x):
    scale = x[0]
    return np.sum(OBJ(x)) * scale + np.sum(OBJ.m(x))
TABLE = [lambda x: x * scale, lambda x: x + scale]


def p10(scale):
    return np.sum(TABLE[0](scale) * TABLE[1](scale))


def long(x):
    a = np.sin(x) * scale + np.cos(x) * cache
    b = np.tanh(a) * scale + np.exp(-a * a) * cache + a
    c = np.sin(b) * scale + np.cos(b) * a + np.tanh(b - a)
    return np.sum(c * b + a * scale)


def p11(x):
    cache = long(x) + long(x * 2)
    return cache * long(x * 0.5) + long(x - 1)


def p12(scale):
    return long(scale) + long(scale * 2) + long(scale * 0.5) + long(scale - 1)


def mk2(cache):
    def f(x):
        return long(x) * cache + long(x * 2) + long(x * 0.5) + long(x - 1)
    return f


p13 = mk2(0.3)


def mp(x):
    return sum(map(helper, x))


def p14(x):
    scale = 2.0
    return mp(x) * scale


def usesabs(x):
    return abs(x) * 2


def p15(x):
    abs = x[0]
    return np.sum(usesabs(x)) * abs


def gs_(y):
    return y ** 3 * scale


def p16(x):
    scale = x[1]
    return srcad.grad(gs_)(x[0]) * scale


def usesnp(x):
    return np.sin(x)


def p17(np):
    return usesnp(np) @ np


def deflt(x, s=scale):
    return x * s * scale


def p18(x):
    scale = x[0]
    return np.sum(deflt(x)) * scale


PROGRAMS = [p1, p2, p3, p4, p5, p6, p7, p8, p9, p10, p11, p12, p13, p14, p16, p17, p18]
POINT = np.array([0.7, 0.4, 0.9])


def central(program, x):
    return np.array([(program(x + 1e-6 * e) - program(x - 1e-6 * e)) / 2e-6 for e in np.eye(3)])


@pytest.mark.parametrize("program", PROGRAMS, ids=lambda f: next(n for n, v in globals().items() if v is f))
def test_globals_of_helpers(program):
    gradient = srcad.grad(program)
    wanted = central(program, POINT)
    for _ in range(2):
        assert np.allclose(gradient(POINT.copy()), wanted, rtol=1e-5, atol=1e-6)
    assert np.allclose(gradient.backward(1.0, gradient.forward(POINT.copy())[1]), wanted, rtol=1e-5, atol=1e-6)
    assert np.allclose([srcad.jvp(program, (POINT.copy(),), e)[1] for e in np.eye(3)], wanted, rtol=1e-5, atol=1e-6)


@pytest.mark.parametrize("program", [p1, p2, p3, p9, p13, p14, p16], ids=lambda f: next(n for n, v in globals().items() if v is f))
def test_globals_that_change(program, monkeypatch):
    gradient = srcad.grad(program)
    for value in (10.0, 3.0, 2, np.float64(4.0)):
        monkeypatch.setattr(sys.modules[__name__], "scale", value)
        monkeypatch.setattr(sys.modules[__name__], "cache", value / 3)
        for _ in range(2):
            assert np.allclose(gradient(POINT.copy()), central(program, POINT), rtol=1e-4, atol=1e-4)


def test_python_names_that_the_caller_uses_otherwise_are_refused():
    with pytest.raises(srcad.UnsupportedSyntaxError, match="`abs` is Python's here"):
        srcad.grad(p15)(POINT)


def test_modules_of_helpers_elsewhere_have_the_names_of_the_program(tmp_path, monkeypatch):
    (tmp_path / "helpers_elsewhere.py").write_text("import numpy as xp\n\nSCALE = 3.0\n\n\ndef scaled(x):\n    return xp.sin(x) * SCALE\n")
    monkeypatch.syspath_prepend(tmp_path)
    helpers = importlib.import_module("helpers_elsewhere")
    gradient = srcad.grad(lambda x: np.sum(helpers.scaled(x) * x))
    text = gradient.source_for(POINT)
    assert "dx = np.sin(x) * " in text and "dx += np.cos(x) * " in text
    for scale in (3.0, 5.0):
        helpers.SCALE = scale
        assert np.allclose(gradient(POINT), scale * (np.sin(POINT) + POINT * np.cos(POINT)))
