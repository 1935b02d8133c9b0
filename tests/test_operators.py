"""Gradients of gradients, Jacobians, Hessians, and products with them."""
from __future__ import annotations

import dataclasses
import math

import numpy as np
import pytest

import srcad
from srcad import grad

SCALE = 2.0
RANDOM = np.random.default_rng(5)
W, X, H = RANDOM.normal(size=(3, 3)), RANDOM.normal(size=(4, 3)), RANDOM.normal(size=3)


def wave(x):
    return math.sin(SCALE * x) * x


def repeated(x, n=4):
    for i in range(n):
        x = np.sin(x) * x if x > 0.2 else x + 0.1 * i
    return x


def recurrent(W, X, h):
    for t in range(X.shape[0]):
        h = np.tanh(W @ h + X[t])
    return np.sum(h * h)


def written(x):
    y = x.copy()
    for i in range(1, len(x)):
        if y[i] > 0:
            y[i] = y[i - 1] * y[i]
    return np.cumsum(y)


def halved(x):
    return x * x if x < 1 else 3 * halved(x / 2)


def of_a_dict(p, x):
    return np.sum(np.tanh(x @ p["w"] + p["b"]) ** 2)


def difference(f, x, step=1e-5):
    return (f(x + step) - f(x - step)) / (2 * step)


def test_gradients_of_gradients_to_the_fourth_order():
    x, k = 0.7, SCALE
    wanted = [k * x * math.cos(k * x) + math.sin(k * x), 2 * k * math.cos(k * x) - k**2 * x * math.sin(k * x),
              -3 * k**2 * math.sin(k * x) - k**3 * x * math.cos(k * x), -4 * k**3 * math.cos(k * x) + k**4 * x * math.sin(k * x)]
    g = wave
    for order in wanted:
        g = grad(g)
        assert g(x) == pytest.approx(order, rel=1e-12)


FACTORS = np.array([[0.0, 0.0, 0.0, 1.0], [2.0, 0.0, 0.0, 3.0]])
PRODUCTS = [
    lambda x: np.prod(x), lambda x: np.sum(np.prod(x, axis=1) * np.array([1.0, 2.0])), lambda x: np.sum(x.prod(axis=0, keepdims=True)),
    lambda x: np.sum(np.prod(x.reshape(2, 2, 2), axis=(0, 2))), lambda x: np.sum(np.prod(x, 1, where=np.array([True, True, True, False]))),
    lambda x: np.sum(np.prod(x, axis=1, initial=2.0)), lambda x: np.sum(np.nanprod(x, axis=1)), lambda x: np.sum(np.multiply.reduce(x, axis=1)),
    lambda x: np.sum(np.cumprod(x) * np.arange(8.0)), lambda x: np.sum(np.cumprod(x, axis=1) ** 2), lambda x: np.sum(np.nancumprod(x, axis=0)),
    lambda x: np.sum(np.multiply.accumulate(x, 1)),
] + ([lambda x: np.sum(np.cumulative_prod(x, axis=1, include_initial=True))] if hasattr(np, "cumulative_prod") else [])


@pytest.mark.parametrize("f", PRODUCTS)
def test_products_of_zeros_to_the_fourth_order(f):
    """Along a line a product is a polynomial, whose derivatives are its coefficients."""
    v = np.random.default_rng(0).random(FACTORS.shape)

    def line(t, x, v):
        return f(x + t * v)

    g, wanted = line, []
    steps = np.linspace(-1, 1, 17)
    coefficients = np.polynomial.polynomial.polyfit(steps, [line(t, FACTORS, v) for t in steps], 16)
    for order in range(1, 5):
        g = grad(g, wrt="t")
        wanted.append(math.factorial(order) * coefficients[order])
        assert g(0.0, FACTORS, v) == pytest.approx(wanted[-1], rel=1e-6, abs=1e-6)


@pytest.mark.parametrize("f", [wave, repeated])
def test_the_second_order_agrees_with_finite_differences(f):
    assert grad(grad(f))(1.3) == pytest.approx(difference(grad(f), 1.3), rel=1e-6)


def test_a_gradient_inside_a_program():
    inner = grad(wave)

    def made_before(x):
        return inner(x) ** 2 + x

    def made_inside(x):
        return srcad.grad(wave)(x) ** 2 + x

    def with_its_value(x):
        value, slope = srcad.value_and_grad(wave)(x)
        return value * slope

    for f in (made_before, made_inside, with_its_value):
        assert grad(f)(0.8) == pytest.approx(difference(f, 0.8), rel=1e-7)


def test_a_gradient_inside_a_program_for_arrays():
    def penalty(W, X, h):
        dW, _, dh = srcad.grad(recurrent)(W, X, h)
        return np.sum(dW**2) + np.sum(np.sin(dh))

    srcad.check_grad(penalty, W, X, H)


def test_globals_are_read_afresh():
    global SCALE
    second = grad(grad(wave))
    before = second(0.7)
    SCALE = 3.0
    try:
        assert second(0.7) == pytest.approx(difference(grad(wave), 0.7), rel=1e-6) != before
    finally:
        SCALE = 2.0


DATA = np.array([1.0, 2.0, 3.0])


def test_functions_that_read_what_is_around_them():
    global DATA
    y = np.array([0.5, -1.0, 2.0])

    def loss(x):
        return np.sum(np.sin(x * DATA) * y)

    hessian = srcad.hessian(loss)
    np.testing.assert_allclose(hessian(H), np.diag(-np.sin(H * DATA) * DATA**2 * y))
    np.testing.assert_allclose(srcad.hvp(loss)(H, np.ones(3)), -np.sin(H * DATA) * DATA**2 * y)
    old, DATA = DATA, DATA * 2
    try:
        np.testing.assert_allclose(hessian(H), np.diag(-np.sin(H * DATA) * DATA**2 * y))
    finally:
        DATA = old
    y = y * 3
    np.testing.assert_allclose(hessian(H), np.diag(-np.sin(H * DATA) * DATA**2 * y))


def test_a_function_that_changes_its_argument():
    def doubled(x):
        x *= 2.0
        return np.sum(x * x)

    x = np.ones(2)
    value, tangent = srcad.jvp(doubled, (x,), np.ones(2))
    assert (value, tangent) == (8.0, 16.0) and x.tolist() == [1.0, 1.0]


def test_a_loop_that_is_left_early():
    def product(x):
        s = 1.0
        for a in x:
            if a < -1:
                break
            s = s * a
        return s

    np.testing.assert_allclose(srcad.hessian(product)(np.array([1.0, 2.0, 3.0])), [[0, 3, 2], [3, 0, 1], [2, 1, 0]])


def test_sizes_that_differ_are_compiled_anew():
    second = srcad.hvp(recurrent, wrt="h")
    for n in (3, 5):
        args = np.eye(n), np.ones((2, n)) * 0.1, np.linspace(0, 1, n)
        v = np.ones(n)
        step = 1e-6
        wanted = (grad(recurrent, wrt="h")(*args[:2], args[2] + step * v) - grad(recurrent, wrt="h")(*args[:2], args[2] - step * v)) / (2 * step)
        np.testing.assert_allclose(second(*args, v), wanted, rtol=1e-6, atol=1e-9)


def test_jacobian():
    np.testing.assert_allclose(srcad.jacobian(lambda x: W @ np.sin(x))(H), W * np.cos(H))
    dx, dy = srcad.jacobian(lambda x, y: np.outer(x, y))(H, X[0])
    assert dx.shape == dy.shape == (3, 3, 3)
    np.testing.assert_allclose(dx, np.einsum("ik,j->ijk", np.eye(3), X[0]))
    blocks = srcad.jacobian(lambda x: {"a": x[0] * x[1], "b": (x, np.sum(x))})(H)
    np.testing.assert_allclose(blocks["a"], [H[1], H[0], 0])
    np.testing.assert_allclose(blocks["b"][0], np.eye(3))
    np.testing.assert_allclose(blocks["b"][1], np.ones(3))
    assert srcad.jacobian(lambda x: x * x)(3.0) == 6.0


def test_the_jacobian_of_a_dict_has_its_structure():
    p = {"w": W, "b": H}
    found = srcad.jacobian(lambda p, x: np.tanh(x @ p["w"] + p["b"]), wrt="p")(p, X)
    assert found["w"].shape == (4, 3, 3, 3) and found["b"].shape == (4, 3, 3)


def test_hessian():
    def f(x):
        return np.sum(np.sin(x) * x[::-1]) + np.prod(x)

    h = srcad.hessian(f)(H)
    step = 1e-6
    wanted = np.array([(grad(f)(H + step * e) - grad(f)(H - step * e)) / (2 * step) for e in np.eye(3)])
    np.testing.assert_allclose(h, wanted, rtol=1e-6, atol=1e-8)
    np.testing.assert_allclose(h, h.T, atol=1e-14)
    (xx, xy), (yx, yy) = srcad.hessian(lambda x, y: x * x * y)(2.0, 3.0)
    assert (xx, xy, yx, yy) == (6.0, 4.0, 4.0, 0.0)


@pytest.mark.parametrize(("f", "args"), [(recurrent, (W, X, H)), (of_a_dict, ({"w": W, "b": H}, X))])
def test_hvp_agrees_with_differences_of_the_gradient(f, args):
    v = tuple({k: np.cos(a) for k, a in arg.items()} if isinstance(arg, dict) else np.cos(arg) for arg in args)

    def flat(parts):
        return np.concatenate([np.ravel(a) for p in parts for a in (p.values() if isinstance(p, dict) else [p])])

    def moved(step):
        return [{k: a + step * d[k] for k, a in arg.items()} if isinstance(arg, dict) else arg + step * d for arg, d in zip(args, v)]

    wanted = (flat(grad(f)(*moved(1e-6))) - flat(grad(f)(*moved(-1e-6)))) / 2e-6
    np.testing.assert_allclose(flat(srcad.hvp(f)(*args, v)), wanted, rtol=1e-6, atol=1e-8)


@pytest.mark.parametrize(("f", "args"), [(recurrent, (W, X, H)), (written, (H,)), (repeated, (1.3,)), (lambda x, y: (x * y, np.sum(x)), (H, X[0]))])
def test_jvp_is_the_transpose_of_the_pullback(f, args):
    tangents = tuple(np.cos(a) if isinstance(a, np.ndarray) else 0.7 for a in args)
    value, tangent = srcad.jvp(f, args, tangents if len(args) > 1 else tangents[0])
    out, pullback = srcad.vjp(f, *args)
    parts = out if isinstance(out, tuple) else (out,)
    tangent = tangent if isinstance(tangent, tuple) else (tangent,)
    seeds = tuple(np.sin(p + 1.0) if isinstance(p, np.ndarray) else 1.3 for p in parts)
    pulled = pullback(seeds if isinstance(out, tuple) else seeds[0])
    pulled = pulled if isinstance(pulled, tuple) else (pulled,)
    assert sum(np.sum(s * t) for s, t in zip(seeds, tangent)) == pytest.approx(sum(np.sum(p * t) for p, t in zip(pulled, tangents)), rel=1e-12)
    for a, b in zip(value if isinstance(value, tuple) else (value,), parts):
        np.testing.assert_allclose(a, b)


def test_complex_results():
    z = np.array([1 + 2j, 3 - 1j])
    value, tangent = srcad.jvp(lambda z: z * z, (z,), np.array([1.0, 1j]))
    np.testing.assert_allclose(value, z * z)
    np.testing.assert_allclose(tangent, 2 * z * np.array([1.0, 1j]))
    np.testing.assert_allclose(srcad.jacobian(lambda z: z * z)(z), np.diag(2 * z))


def test_what_does_not_fit_is_refused():
    with pytest.raises(srcad.SrcadError, match="only `grad` and `value_and_grad`"):
        grad(lambda x: np.sum(srcad.elementwise_grad(np.sin)(x)))(H)
    with pytest.raises(srcad.SeedError, match="shape"):
        srcad.jvp(written, (H,), np.ones(2))
    with pytest.raises(srcad.SrcadError, match="on one path and a tuple"):  # a recursion's cache is of another kind on every level
        grad(grad(halved))(5.0)
    with pytest.raises(srcad.SrcadError, match="defined outside"):
        def inner(x):
            def g(y):
                return y * x

            return srcad.grad(g)(x)

        grad(inner)(2.0)


def test_products_of_a_number_twice():
    assert grad(grad(lambda x: np.prod(x) * x * x))(1.5) == pytest.approx(6 * 1.5)
    assert grad(grad(lambda x: np.sum(np.cumprod(x)) * x))(1.5) == pytest.approx(2.0)


@pytest.mark.parametrize("f", [
    lambda x: np.sum(x[..., None, :] * np.arange(6.0).reshape(3, 2, 1) * np.sin(x[..., None, :])), lambda x: np.sum(x[:, None] ** 2 * np.arange(9.0).reshape(3, 1, 3)),
    lambda x: np.sum(x[None, ..., None] ** 3), lambda x: np.sum(x[:, None, :, None] * x[None, :, None]), lambda x: np.sum(x[..., None] * np.arange(4.0)) * np.sum(x[None]),
    lambda x: np.sum(np.sin(np.linalg.eigvalsh(x @ x.T + np.diag(np.arange(3.0))))), lambda x: np.sum(np.linalg.svd(x)[1] ** 3),
])
def test_new_axes_in_every_place(f):
    x, v = np.random.default_rng(0).normal(size=(2, 3, 3))
    gradient = grad(f)
    gradient.check(x)

    def along(x, v):
        return np.sum(gradient(x) * v)

    step, direction = 1e-5, np.random.default_rng(1).normal(size=(3, 3))
    wanted = (along(x + step * direction, v) - along(x - step * direction, v)) / (2 * step)
    assert np.sum(grad(along, wrt="x")(x, v) * direction) == pytest.approx(wanted, rel=1e-6, abs=1e-6)


def of_any_number(*xs):
    return xs[0] * xs[1] ** 2


def with_keywords(x, *ys, **settings):
    s = x * settings["a"] ** 2
    for y in ys:
        s = s * y
    return s


def gradient_with_keywords(x, y, a):
    return srcad.grad(with_keywords, wrt="x")(x, y, a=a)


def test_gradients_of_starred_parameters_inside_programs():
    assert srcad.hvp(of_any_number)(2.0, 3.0, (1.0, 0.0)) == (0.0, 6.0)
    assert srcad.hessian(of_any_number)(2.0, 3.0) == ((0.0, 6.0), (6.0, 4.0))
    assert srcad.grad(gradient_with_keywords, wrt=(0, 1, 2))(2.0, 3.0, 4.0) == (0.0, 16.0, 24.0)


def windowed(x):
    k = np.hamming(3)
    k /= k.sum()
    return np.sum(np.convolve(x, k, mode="valid") ** 2) + np.sum((np.kaiser(len(x), 2.5) * x) ** 2)


def test_windows_are_arrays_of_known_length():
    srcad.check_grad(windowed, np.array([0.3, 0.7, 0.1, 0.9]))
    with pytest.raises(srcad.MissingRuleError, match="kaiser"):
        srcad.grad(lambda x: np.sum(np.kaiser(4, x[0]) * x))(np.ones(4))


def powers(x, y):
    return np.sum(x ** y)


def powers_of_numbers(x, y):
    return np.power(x, y)


def complex_powers(x, y):
    return np.sum(np.emath.power(x, y).real)


@pytest.mark.parametrize("program", [powers, complex_powers], ids=lambda f: f.__name__)
def test_second_derivatives_of_powers_at_exponent_zero(program):
    x, y = np.array([2.0, 3.0]), np.array([0.0, 2.0])
    (_, xy), (yx, _) = srcad.hessian(program)(x, y)
    assert np.allclose(xy, np.diag([1 / 2, 3 * (1 + 2 * math.log(3))])) and np.allclose(xy, yx)
    assert np.allclose(srcad.hvp(program)(x, y, (np.zeros(2), np.array([1.0, 0.0])))[0], [0.5, 0.0])


def test_second_derivatives_of_a_power_of_numbers():
    assert np.allclose(srcad.hessian(powers_of_numbers)(2.0, 0.0), [[0, 0.5], [0.5, math.log(2) ** 2]])


def writes_first(x, w):
    x[0] = w[1] * x[1] ** 2
    return np.sum(x * w * x)


def with_one_array_twice(z):
    y = z * 1.0
    a, b = grad(writes_first)(y, y)
    return np.sum(a * a) + np.sum(b)


def with_its_view(z):
    y = z * 1.0
    a, b = grad(writes_first)(y, y[::-1])
    return np.sum(a * a) + np.sum(b)


@pytest.mark.parametrize("program", [with_one_array_twice, with_its_view], ids=lambda f: f.__name__)
def test_gradients_inside_of_arrays_that_share_memory(program):
    with pytest.raises(srcad.AliasError):
        grad(program)(H)


def with_two_arrays(z):
    a, b = grad(writes_first)(z * 1.0, z * 2.0)
    return np.sum(a * a) + np.sum(b)


def test_gradients_inside_of_arrays_of_their_own():
    grad(with_two_arrays).check(H)


def scaled_where_large(x, p):
    u = x[::-1]
    if x[0] > 0.7:
        u = np.ones(3) * p
    x[u > 0.7] *= p
    return np.sum(x * x)


def test_hvp_of_masks_from_branches():
    for x in (np.array([1.0, -0.5, 0.3]), np.array([0.3, -0.5, 1.0])):
        found = srcad.hvp(scaled_where_large)(x.copy(), 0.8, (np.ones(3), 1.0))
        ahead, behind = (grad(scaled_where_large)(x + h, 0.8 + h) for h in (1e-5, -1e-5))
        assert all(np.allclose(f, (a - b) / 2e-5) for f, a, b in zip(found, ahead, behind, strict=True))


def squared_norm(w):
    return 0.1 * np.linalg.norm(w) ** 2


def squared_sizes(w):
    return np.sum(np.abs(w) ** 2) * (1.0 + w[0])


def squared_in_a_loop(w):
    s = 0.0
    for i in range(3):
        w[i] = w[i] * 2
        s += np.linalg.norm(w) ** 2 * i
    return s


def squared_in_a_branch(w):
    s = np.linalg.norm(w) ** 2 if w[0] > 0 else abs(w[1]) ** 2
    return s * w[2] + np.linalg.norm(w) ** 3


@pytest.mark.parametrize("program", [squared_norm, squared_sizes, squared_in_a_loop, squared_in_a_branch], ids=lambda f: f.__name__)
def test_squares_of_norms(program):
    for w in (np.array([1.0, -2.0, 3.0]), np.array([-1.0, 0.5, 0.3])):
        srcad.check_grad(grad(program), w.copy(), modes=("reverse", "forward"), order=2)


def test_squares_of_norms_at_zero():
    assert "    dw = 0.2 * w\n" in grad(squared_norm).source_for(H)
    assert np.allclose(srcad.hessian(squared_norm)(np.zeros(2)), 0.2 * np.eye(2))
    assert np.allclose(srcad.hessian(squared_sizes)(np.zeros(2)), 2 * np.eye(2))


def constant_power(x):
    return x ** SCALE


def polynomial_of(x):
    s = 0.0
    for k in range(4):
        s += x ** k
    return s


def power_of_difference(x, y):
    return math.pow(x - y, SCALE)


def test_higher_derivatives_of_powers_at_zero():
    assert srcad.hvp(constant_power)(0.0, 1.0) == 2.0 and srcad.hessian(polynomial_of)(0.0) == 2.0
    assert grad(grad(grad(polynomial_of)))(0.0) == 6.0
    assert np.allclose(srcad.hessian(power_of_difference)(1.0, 1.0), [[2, -2], [-2, 2]])


def test_the_tangent_of_a_gradient_is_a_product_with_the_hessian():
    value, tangent = srcad.jvp(grad(squared_norm), (H,), (np.ones(3),))
    assert np.allclose(value, grad(squared_norm)(H)) and np.allclose(tangent, srcad.hvp(squared_norm)(H, (np.ones(3),)))


def scaled_by_a_closure(c):
    def scaled(x):
        return c * x
    return scaled


SCALED = scaled_by_a_closure(np.array([1.0, 2.0, 3.0]))


def writes_and_calls(x):
    x[0] = x[1] ** 2
    return np.sum(SCALED(x) * x)


def of_a_helper_with_a_closure(z):
    a = grad(writes_and_calls)(z * 1.0)
    return np.sum(a * a)


def test_gradients_inside_compare_memory_with_what_helpers_hold():
    grad(of_a_helper_with_a_closure).check(H)


def test_jacobians_are_real_and_of_the_arguments_dtype():
    x = np.array([1, 2, 3], np.float32)
    for f in (lambda x: np.outer(x, x) * np.ones((3, 3)), lambda x: x[:2] * np.ones(2)):
        assert srcad.jacobian(f)(x).dtype == np.float32
    for f in (lambda x: np.exp(1j * x), lambda x: np.exp(1j * np.outer(x, x)), lambda x: [x, 1j * x]):
        with pytest.raises(srcad.SrcadError, match="complex result"):
            srcad.jacobian(f)(x)


@dataclasses.dataclass(frozen=True)
class Pair:
    a: float
    b: np.ndarray


def test_dataclasses_as_results():
    def f(x):
        return {"pair": Pair(x[0] ** 2, x * 3), "last": x[-1]}

    _, pull = srcad.vjp(f, H)
    wanted = 3 * np.ones(len(H))
    wanted[0] += 4 * H[0]
    np.testing.assert_allclose(pull({"pair": Pair(2.0, np.ones(len(H))), "last": 0.0}), wanted)
    found = srcad.jacobian(f)(H)
    np.testing.assert_allclose(found["pair"].b, 3 * np.eye(len(H)))
    np.testing.assert_allclose(found["last"], np.eye(len(H))[-1])
    for seed, reason in (({"pair": (1, 2), "last": 0.0}, "must be a Pair"), ({"pair": Pair(1.0, np.ones(9)), "last": 0.0}, "dout\\['pair'\\].b must have the value's shape")):
        with pytest.raises(srcad.SeedError, match=reason):
            pull(seed)


@pytest.mark.parametrize("f", [lambda x: (np.sin(x)[1:], x), lambda x: parts_and_whole(x), lambda x: parts_and_whole(x)[::-1]])
def test_views_before_what_they_are_views_of(f):
    value, pull = srcad.vjp(f, H)
    seeds = tuple(np.cos(np.arange(v.size) + 0.5).reshape(v.shape) for v in value)

    def total(x):
        return sum(np.sum(v * s) for v, s in zip(f(x), seeds, strict=True))

    np.testing.assert_allclose(pull(seeds), [(total(H + h) - total(H - h)) / 2e-6 for h in np.eye(len(H)) * 1e-6], atol=1e-8)


def parts_and_whole(x):
    y = np.sin(x)
    y[0] = 1.0
    return y[1:], y.reshape(1, -1), y, y[:2]


def test_second_derivatives_of_a_column_beside_its_row():
    x = np.array([0.3, -0.5, 1.2])
    f = srcad.hessian(lambda x: np.sum((x.reshape(3, 1) * x) ** 3))
    np.testing.assert_allclose(f(x), srcad.hessian(lambda x: np.sum((x[:, None] * x) ** 3))(x), rtol=1e-9)
