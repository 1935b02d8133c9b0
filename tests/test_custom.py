"""Derivatives that a user gives to functions of their own, and the check of a rule."""
from __future__ import annotations

import numpy as np
import pytest

import srcad
from srcad.testing import check_rule

x = np.array([0.5, -1.0, 2.0])
FACTOR = 2.0
TABLE = np.ones(3)


def double_back(dz, z, x):
    return (2 * dz * x,)


@srcad.custom_gradient(double_back)
def square(x):
    return x * x


def reversed_back(dz, z, x, scale=1.0):
    return (-scale * dz,)


@srcad.custom_gradient(reversed_back)
def reverse(x, scale=1.0):
    return x


def two_back(dz, z, x, y):
    return dz[0] * y, dz[0] * x + dz[1]


@srcad.custom_gradient(two_back)
def two(x, y):
    return x * y, y + 1


def stepwise(dz, z, x, y):
    out = np.zeros(x.shape)
    for i in range(len(x)):
        out[i] = dz[i] * y
    return out, None


@srcad.custom_gradient(stepwise)
def scaled(x, y):
    return x * y


@srcad.custom_gradient(lambda dz, z, x: (FACTOR * dz,), elementwise=True)
def by_a_global(x):
    return np.vectorize(float)(x)


@srcad.custom_gradient(lambda dz, z, x: (TABLE * dz,))
def by_an_array(x):
    return x


def outer(x):
    return np.sum(inner(x))


def inner(x):
    return x


def test_the_rule_is_inlined_and_the_call_stays() -> None:
    f = srcad.grad(lambda x: np.sum(square(x) * x))
    np.testing.assert_allclose(f(x), 3 * x**2)
    text = f.source_for(x)
    assert "square(x)" in text and "double_back" not in text and "2 * x" in text


def test_the_body_is_not_differentiated() -> None:
    np.testing.assert_array_equal(srcad.grad(lambda x: np.sum(reverse(x) * 3.0))(x), [-3.0] * 3)
    np.testing.assert_array_equal(srcad.grad(lambda x: np.sum(reverse(x, scale=2.0)))(x), [-2.0] * 3)
    assert srcad.grad(reverse, wrt="x")(5.0, 4.0) == -4.0
    assert srcad.grad(lambda x: np.sum(srcad.checkpoint(square)(x)))(3.0) == 6.0
    with pytest.raises(srcad.MissingRuleError, match="no derivative with respect to `scale`"):
        srcad.grad(lambda x, s: reverse(x, s))(1.0, 2.0)


def test_several_operands_and_results() -> None:
    def f(x, y):
        a, b = two(x, y)
        return np.sum(a * b)

    def loop(x):
        total = 0.0
        for i in range(3):
            total = total + square(x * i)
        return np.sum(total)

    srcad.check_grad(srcad.grad(f), x, x + 3)
    srcad.check_grad(srcad.grad(loop), x)


def test_a_rule_that_is_called() -> None:
    dx, dy = srcad.grad(lambda x, y: np.sum(scaled(x, y)))(x, 2.0)
    np.testing.assert_array_equal(dx, [2.0] * 3)
    assert dy == 0.0


def test_second_derivatives() -> None:
    assert srcad.grad(srcad.grad(lambda x: square(x) * x))(2.0) == 12.0
    np.testing.assert_allclose(srcad.hessian(lambda x: np.sum(square(x) * x))(x), np.diag(6 * x))


def test_what_the_rule_reads_is_guarded(monkeypatch: pytest.MonkeyPatch) -> None:
    f = srcad.grad(lambda x: np.sum(by_a_global(x)))
    np.testing.assert_array_equal(f(x), [2.0] * 3)
    monkeypatch.setitem(globals(), "FACTOR", 5.0)
    np.testing.assert_array_equal(f(x), [5.0] * 3)
    with pytest.raises(srcad.SrcadError, match="reads `TABLE`"):
        srcad.grad(lambda x: np.sum(by_an_array(x)))(x)


def test_a_function_defined_again(monkeypatch: pytest.MonkeyPatch) -> None:
    f = srcad.grad(outer)
    assert f(x).tolist() == [1.0] * 3
    monkeypatch.setitem(globals(), "inner", reverse)
    assert f(x).tolist() == [-1.0] * 3
    monkeypatch.setitem(globals(), "inner", square)
    np.testing.assert_array_equal(f(x), 2 * x)


def test_what_is_refused() -> None:
    class Model:
        @srcad.custom_gradient(lambda dz, z, self, x: (None, dz))
        def layer(self, x):
            return x

    @srcad.custom_gradient(double_back)
    def writes(x):
        x[0] = 1.0
        return x * x

    def aliased(x):
        h = x * 2.0
        r = reverse(h)
        h[0] = 7.0
        return np.sum(r * r)

    model = Model()
    for f in (lambda x: np.sum(model.layer(x)), model.layer, lambda x: np.sum(writes(x * 2.0)), aliased):
        with pytest.raises(srcad.SrcadError):
            srcad.vjp(f, x)
    with pytest.raises(TypeError, match="first parameters"):
        srcad.custom_gradient(two_back)(inner)
    with pytest.raises(TypeError, match="Python function"):
        srcad.custom_gradient(double_back)(np.sin)


def test_checked_at_the_first_call() -> None:
    @srcad.custom_gradient(lambda dz, z, x: (3 * dz * x,), checked=True)
    def wrong(x):
        return x * x

    @srcad.custom_gradient(double_back, checked=True)
    def right(x):
        return x * x

    for _ in range(2):
        with pytest.raises(srcad.GradientMismatchError, match=r"rule of wrong gives .* for `x` along .* finite differences give .* The element `x\[2\]` differs most: .* and .*\."):
            srcad.grad(lambda x: np.sum(wrong(x)))(x)
    np.testing.assert_allclose(srcad.grad(lambda x: np.sum(right(x)))(x), 2 * x)
    assert right(3.0) == 9.0


def test_check_rule_says_what_is_wrong(monkeypatch: pytest.MonkeyPatch) -> None:
    srcad.rules.rule(half)(lambda dz, z, x, y: (0.5 * dz, None))
    with pytest.raises(srcad.GradientMismatchError, match=r"gives 0 for `y` along a random direction.*The element `y\[1\]` differs most: 0 and -?\d"):
        check_rule(half, x, np.array([0.0, 4.0, 0.0]))
    srcad.rules.rule(half)(lambda dz, z, x, y: (0.5 * dz,))
    with pytest.raises(srcad.GradientMismatchError, match="one adjoint for each of its 2 operands"):
        check_rule(half, x, x)
    srcad.rules.rule(half)(lambda dz, z, x, y: (0.5 * dz, 2 * dz * y))
    check_rule(half, x, y=x)
    check_rule(half, x.astype(np.float32), x.astype(np.float32))
    check_rule(half, 1.5, x)
    check_rule(half, x, np.array([1, 2, 3]))


def half(x, y):
    return 0.5 * x + y * y


def test_check_grad_names_the_element() -> None:
    @srcad.custom_gradient(lambda dz, z, x: (np.where(x > 1, 3.0, 1.0) * dz,))
    def wrong(x):
        return x + 0.0

    with pytest.raises(srcad.GradientMismatchError, match=r"with respect to `x` along .* The element `x\[2\]` differs most: 3 and 1"):
        srcad.check_grad(srcad.grad(lambda x: np.sum(wrong(x))), x)


def test_check_grad_in_both_modes_and_orders() -> None:
    def f(p, x):
        return np.sum(np.tanh(p["w"] @ x + p["b"]) ** 2)

    both = {"modes": ("reverse", "forward"), "order": 2}
    srcad.check_grad(f, {"w": np.arange(6.0).reshape(2, 3) / 7, "b": 0.3}, np.array([0.2, -0.7, 0.5]), **both)
    srcad.check_grad(lambda x, name="sin": np.sin(x) if name == "sin" else x, 0.7, **both)
    srcad.check_grad(lambda x, n: {"a": x * n, "b": [x ** 2, 1.0]}, np.ones(3), 2, modes=("forward", "reverse"))
    srcad.check_grad(lambda x: np.sum(x ** 3), np.ones(3, np.float32), modes=("reverse", "forward"))
    with pytest.raises(srcad.SrcadError, match="modes are 'reverse' and 'forward'"):
        srcad.check_grad(f, 1.0, modes=("both",))


def test_check_grad_finds_a_wrong_tangent() -> None:
    @srcad.custom_gradient(lambda dz, z, x: (2 * x * dz,), elementwise=True)
    def cube(x):
        return x ** 3

    with pytest.raises(srcad.GradientMismatchError, match="the tangent along a random direction is"):
        srcad.check_grad(lambda x: np.sum(cube(x)), np.array([0.5, 1.5]), modes=("forward",))
