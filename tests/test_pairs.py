"""Functions that are compiled by themselves: recursion whose end depends on data, and long functions that are called often."""
from __future__ import annotations

import numpy as np
import pytest

import srcad

SCALE = 1.1


def halved(x):
    if x < 0.5:
        return x
    return halved(x * 0.5) * x * SCALE


def number(x):
    return halved(x * 1.1) + 1.0


def shrunk(v):
    if np.sum(v * v) < 1.0:
        return v
    return np.sin(shrunk(v * 0.5)) + v


def array(v, w):
    return np.sum(shrunk(v) * w)


def array_written_after(v, w):
    t = shrunk(v)
    t = t * w
    v[0] = 2.0
    return np.sum(t) * v[1] + v[0]


def is_even(x, n):
    return x if n == 0 else is_odd(x * 1.1, n - 1.0)


def is_odd(x, n):
    return -x if n == 0 else is_even(x * x, n - 1.0)


def mutual(x):
    return is_even(x, 3.0 if x > 0 else 4.0)


def newton(x, a, n):
    if n > 60 or abs(x * x - a) < 1e-9:
        return x
    return newton(0.5 * (x + a / x), a, n + 1)


def square_root(a):
    return newton(1.0, a, 0)


def simpson(f, a, b, fa, fb, fm, tolerance):
    m = 0.5 * (a + b)
    fl, fr = f(0.5 * (a + m)), f(0.5 * (m + b))
    whole = (b - a) / 6 * (fa + 4 * fm + fb)
    left, right = (m - a) / 6 * (fa + 4 * fl + fm), (b - m) / 6 * (fm + 4 * fr + fb)
    if abs(left + right - whole) < 15 * tolerance:
        return left + right + (left + right - whole) / 15
    return simpson(f, a, m, fa, fm, fl, tolerance / 2) + simpson(f, m, b, fm, fb, fr, tolerance / 2)


def quadrature(a, b):
    return simpson(np.exp, a, b, np.exp(a), np.exp(b), np.exp(0.5 * (a + b)), 1e-6)


def depth(ws, x):
    w, b = ws
    if np.abs(x).sum() < 0.3:
        return x.sum()
    return depth(ws, np.tanh(w * x) * 0.5 + b) + b.sum()


def container(w, b, x):
    return depth((w, b), x)


def both(a, b):
    if a > b:
        return a, b
    return both(a * 1.5, b * 1.01)


def pair_of_results(a, b):
    p, q = both(a, b)
    return p * q + q


def called_in_a_loop(x):
    total = 0.0
    for i in range(5):
        total += halved(x * (i + 1))
    return total


def closure(x, w):
    def go(v):
        return v * w if v > 5.0 else more(v * 1.5) + v

    def more(v):
        return go(v) * 0.5

    return go(x)


def layer(x, w, b, scale):
    z = x @ w + b
    mean = z.mean(axis=0)
    deviation = np.sqrt(z.var(axis=0) + 1e-5)
    n = (z - mean) / deviation
    a = np.tanh(n * scale)
    gate = 1 / (1 + np.exp(-a))
    h = a * gate
    s = h - h.max()
    e = np.exp(s)
    p = e / e.sum(axis=1, keepdims=True)
    return p * z


def network(x, w1, w2, w3, w4, b, scale):
    a = layer(x, w1, b, scale)
    a = layer(a, w2, b, scale)
    a = layer(a, w3, b, scale)
    a = layer(a, w4, b, 0.7)
    return np.sum(a * a)


def fib(x, n):
    return x if n < 2 else fib(x * 0.9, n - 1) + fib(x * 1.1, n - 2)


def counted_recursion(x):
    return fib(x, 9)


def in_a_dict(x):
    if x < 1:
        return {"x": x}
    q = in_a_dict(x / 2)
    return {"x": q["x"] * x}


def of_a_dict(x):
    return in_a_dict(x)["x"]


def in_a_tuple(x):
    if x < 1:
        return x, (x, x)
    a, (b, c) = in_a_tuple(x / 2)
    return a * x, (b + c, c * a)


def of_a_tuple(x):
    a, (b, c) = in_a_tuple(x)
    return a + b * c


RANDOM = np.random.default_rng(0)
W = [RANDOM.normal(size=(3, 3)) for _ in range(4)]
X = RANDOM.normal(size=(4, 3))
V = np.array([1.0, 2.0, -0.5])
CASES = [
    (number, (3.0,)), (array, (V, np.array([0.3, 0.2, 1.0]))), (array_written_after, (V, np.array([0.3, 0.2, 1.0]))), (mutual, (1.3,)), (mutual, (-0.7,)), (square_root, (2.0,)),
    (quadrature, (0.0, 1.0)), (container, (np.array([0.5, 0.2]), np.array([0.01, 0.02]), np.array([1.0, 2.0]))), (pair_of_results, (1.0, 3.0)),
    (called_in_a_loop, (1.3,)), (closure, (1.0, 2.0)), (network, (X, *W, V, 0.5)), (counted_recursion, (1.0,)),
    (of_a_dict, (5.0,)), (of_a_tuple, (5.0,)),
]


def differences(f, args):
    out = []
    for i, a in enumerate(args):
        found = np.zeros(np.shape(a))
        for j in np.ndindex(np.shape(a)):
            ends = []
            for step in (1e-6, -1e-6):
                moved = [np.copy(b) if isinstance(b, np.ndarray) else b for b in args]
                if isinstance(a, np.ndarray):
                    moved[i][j] += step
                else:
                    moved[i] = a + step
                ends.append(f(*moved))
            found[j] = (ends[0] - ends[1]) / 2e-6
        out.append(found)
    return out


@pytest.mark.parametrize(("f", "args"), CASES, ids=lambda v: getattr(v, "__name__", ""))
def test_the_gradient_is_right(f, args):
    wanted = differences(f, args)
    fresh = [np.copy(a) if isinstance(a, np.ndarray) else a for a in args]
    found = srcad.grad(f)(*fresh)
    value, pullback = srcad.vjp(f, *[np.copy(a) if isinstance(a, np.ndarray) else a for a in args])
    assert np.isclose(value, f(*[np.copy(a) if isinstance(a, np.ndarray) else a for a in args]))
    for result in (found, pullback(1.0), pullback(1.0)):
        for got, want in zip(result if isinstance(result, tuple) else (result,), wanted):
            np.testing.assert_allclose(got, want, rtol=1e-5, atol=1e-6)


def test_a_function_that_calls_itself_is_compiled_once():
    text = srcad.grad(quadrature).source_for(0.0, 1.0)
    assert text.count("def simpson_forward(") == text.count("def simpson_backward(") == 1


def test_a_long_function_is_compiled_once_for_all_its_calls():
    text = srcad.grad(network).source_for(X, *W, V, 0.5)
    assert text.count("def layer_") == 4  # two halves for four arguments that are differentiated, two for three of them
    assert text.count("layer_forward(") == 4


def test_a_short_function_stands_in_its_place():
    def twice(x):
        return square(square(x))

    def square(x):
        return x * x

    assert "def square" not in srcad.grad(twice).source_for(2.0)


def test_functions_that_call_functions_twice_do_not_grow_without_bounds():
    def make(inner):
        def outer(x):
            return inner(inner(x) * 1.01) + x

        return outer

    f = np.sin
    for _ in range(12):
        f = make(f)
    assert srcad.grad(f).source_for(0.5).count("\n") < 800


def test_recursion_that_changes_its_argument_is_refused():
    def spread(v):
        if v[0] > 10.0:
            return v
        v *= 2.0
        return spread(v)

    def total(v):
        return spread(v.copy()).sum()

    with pytest.raises(srcad.SrcadError, match="it changes an array that it is given"):
        srcad.grad(total)(V)


def test_recursion_without_an_end_is_refused():
    def endless(x):
        return endless(x + 1.0) if x > 0 else endless(x - 1.0)

    with pytest.raises(srcad.SrcadError, match="this recursion has no end"):
        srcad.grad(endless)(1.0)


def test_lists_that_grow_in_a_recursion_are_refused():
    def powers(v, found):
        return found if v > 10.0 else powers(v * 2, found + [v])

    with pytest.raises(srcad.SrcadError, match="ever longer lists"):
        srcad.grad(lambda v: sum(powers(v, [])))(1.5)


def test_a_global_that_changes_is_seen():
    global SCALE
    gradient = srcad.grad(number)
    before = gradient(3.0)
    SCALE = 2.2
    try:
        assert gradient(3.0) != before
        np.testing.assert_allclose(gradient(3.0), differences(number, (3.0,))[0], rtol=1e-6)
    finally:
        SCALE = 1.1
