"""A path on which a function ends without `return` gives None, which has no gradient, and one on which a variable that is read has no value raises: so does the gradient."""
from __future__ import annotations

import numpy as np
import pytest

import srcad


def square_of_positive(x):
    if x > 0:
        return x * x


def first_positive(x):
    for i in range(3):
        if x[i] > 0:
            return x[i] ** 2


def by_sign(x):
    if x > 1:
        return x
    elif x > 0:
        return x * x


def through_a_helper(x):
    return square_of_positive(x) + 1


CASES = [(square_of_positive, 3.0, -1.0), (first_positive, np.array([-1.0, 2.0, 3.0]), -np.ones(3)), (by_sign, 0.5, -0.5), (through_a_helper, 2.0, -2.0)]


@pytest.mark.parametrize("program, good, bad", CASES, ids=lambda c: getattr(c, "__name__", ""))
@pytest.mark.parametrize("backend", ["numpy", "numba"])
def test_it_raises(program, good, bad, backend):
    if backend == "numba":
        pytest.importorskip("numba")
    gradient = srcad.grad(program, backend=backend)
    gradient.check(good)
    for made in (gradient, srcad.value_and_grad(program, backend=backend)):
        with pytest.raises(TypeError, match=r"returned None"):
            made(bad)


def test_what_always_returns_asks_nothing():
    def halved(x):
        while True:
            x = x / 2
            if x < 1:
                return x * x

    def signed(x):
        if x > 0:
            return x * x
        else:
            return -x

    for program in (halved, signed):
        srcad.grad(program).check(5.0)
        assert "None" not in srcad.grad(program).source_for(5.0)


def test_procedures_return_nothing():
    def doubled(y):
        if y[0] > 0:
            y[0] = 2 * y[1]

    def program(x):
        y = x.copy()
        doubled(y)
        return np.sum(y)

    srcad.grad(program).check(np.array([1.0, 3.0]))
    assert "None" not in srcad.grad(program).source_for(np.array([1.0, 3.0]))


def set_in_one_arm(x):
    if x < 0.9:
        b = x * x
    return b


def set_in_two_of_three(x):
    if x < 0.9:
        b = x
    elif x < 1.2:
        b = 2 * x
    return b * b


def list_in_one_arm(x):
    if x < 0.9:
        b = [x]
    b.append(x * x)
    return sum(b)


@pytest.mark.parametrize("program", [set_in_one_arm, set_in_two_of_three, list_in_one_arm])
@pytest.mark.parametrize("backend", ["numpy", "numba"])
def test_what_has_no_value_raises(program, backend):
    if backend == "numba":
        pytest.importorskip("numba")
    gradient = srcad.grad(program, backend=backend)
    gradient.check(0.4)
    with pytest.raises(UnboundLocalError):
        program(1.5)
    with pytest.raises(UnboundLocalError):
        gradient(1.5)


def same_test_twice(x):
    c = x < 0.9
    if c:
        b = x * x
    y = x + 1
    if c:
        y = y * b
    return y


def of_an_earlier_pass(x):
    t = 0.0
    for i in range(6):
        if i % 2 == 0:
            v = x * i
        t += v * x
    return t


def raising_arm(x):
    if x < 2:
        b = x
    else:
        raise ValueError("too large")
    return b * b


def in_every_arm(x):
    if x < 0.9:
        if x < 0.2:  # noqa: SIM108
            b = x
        else:
            b = x * x
    else:
        b = 3 * x
    return b


@pytest.mark.parametrize("program", [same_test_twice, of_an_earlier_pass, raising_arm, in_every_arm])
@pytest.mark.parametrize("x", [0.1, 0.4, 1.3])
def test_what_has_one_does_not(program, x):
    srcad.grad(program).check(x)
    assert "has no value" not in srcad.grad(program).source_for(x)


def found_or_first(x):
    found = False
    for e in x:
        if e > 1:
            found = True
            y = e
            break
    if not found:
        y = x[0]
    return y ** 2


def one_flag_twice(x):
    small = x[0] < 1
    if small:
        y = x[0] * 2
    z = x[1]
    if not small:
        y = x[2] * z
    return y * z


def slice_or_whole(x):
    for i in range(len(x)):
        if x[i] > 1:
            y = x[: i + 1]
            break
    else:
        y = x * 2
    return np.sum(y ** 2)


def cut(x, t):
    for i in range(len(x)):
        if x[i] > t:
            return x[:i]
    return x * 2


def cut_by_a_helper(x):
    return np.sum(cut(x, 1.0) ** 2)


def last_slice(x):
    y = x[:1]
    n = 0
    while n < len(x):
        n += 1
        if x[n - 1] > 1:
            y = x[:n] * n
    return np.sum(y ** 2)


@pytest.mark.parametrize("f", [found_or_first, one_flag_twice, slice_or_whole, cut_by_a_helper, last_slice], ids=lambda f: f.__name__)
@pytest.mark.parametrize("sign", [1, -1])
def test_a_value_on_one_of_two_paths_that_a_flag_tells_apart(f, sign):
    x = sign * np.array([0.5, 2.0, 3.0])
    np.testing.assert_allclose(srcad.grad(f)(x), [(f(x + h) - f(x - h)) / 2e-6 for h in np.eye(3) * 1e-6], rtol=1e-6, atol=1e-8)


def test_such_values_have_second_derivatives():
    x, v = np.array([0.5, 2.0, 3.0]), np.array([1.0, -2.0, 0.5])
    np.testing.assert_allclose(srcad.hvp(found_or_first)(x, v), [0, -4, 0])
