"""The classic ways to be silently wrong, one test each."""
from __future__ import annotations

import math

import numpy as np
import pytest

import srcad

RNG = np.random.default_rng(1)
FACTOR = 2.0


def double(x):
    return 2 * x


# ---- who owns what is returned

def sum_of_square(x, y):
    return np.sum((x + y) ** 2)


def sum_of_product(x, y):
    return np.sum(x * y)


def sum_of_sum(x, y):
    return np.sum(x) + np.sum(y)


def sum_of_shared(x, y):
    z = x + y
    return np.sum(z) + np.sum(z * x)


def sum_of_transposes(x, y):
    return np.sum(x.T * y.T)


def sum_of_one(x, y):
    return np.sum(x)


@pytest.mark.parametrize("f", [sum_of_square, sum_of_product, sum_of_sum, sum_of_shared, sum_of_transposes, sum_of_one])
def test_results_are_writable_and_nobody_elses(f):
    x, y = RNG.standard_normal((3, 2)), RNG.standard_normal((3, 2))
    before = x.copy(), y.copy()
    results = srcad.grad(f)(x, y)
    for i, result in enumerate(results):
        assert result.flags.writeable
        assert result.shape == x.shape and result.dtype == float
        others = [x, y, *(r for j, r in enumerate(results) if j != i)]
        assert not any(np.shares_memory(result, other) for other in others)
    np.testing.assert_array_equal(x, before[0])
    np.testing.assert_array_equal(y, before[1])
    for result in results:
        np.clip(result, -5, 5, out=result)
    srcad.check_grad(f, x, y)


def test_a_seed_is_not_handed_back():
    seed = np.ones(3)
    _, pullback = srcad.vjp(lambda x, y: x + y, np.ones(3), np.ones(3))
    dx, dy = pullback(seed)
    assert not np.shares_memory(dx, seed) and not np.shares_memory(dy, seed) and not np.shares_memory(dx, dy)
    dx += 1
    np.testing.assert_array_equal(seed, np.ones(3))
    np.testing.assert_array_equal(dy, np.ones(3))


def test_adjoints_that_share_memory_are_not_accumulated_in_place():
    def f(x, y):
        q = x + y
        return np.sum(q * 2.0) + np.sum(x * x)

    dx, dy = srcad.grad(f)(np.array([1.0, 2.0]), np.array([3.0, 4.0]))
    np.testing.assert_array_equal(dx, [4.0, 6.0])
    np.testing.assert_array_equal(dy, [2.0, 2.0])


# ---- shapes and dtypes of adjoints

def test_masks_are_not_added_as_booleans():
    def f(x):
        return np.sum(np.maximum(x, 0)) + np.sum(np.maximum(x, 0)) + np.sum(np.minimum(x, 5))

    np.testing.assert_array_equal(srcad.grad(f)(np.array([1.0, -2.0])), [3.0, 1.0])


def test_a_seed_is_not_folded_through_broadcasting():
    def f(b, x):
        return np.sum(x + b)

    db, dx = srcad.grad(f)(np.array([1.0, 2.0, 3.0]), np.ones((4, 3)))
    np.testing.assert_array_equal(db, [4.0, 4.0, 4.0])
    np.testing.assert_array_equal(dx, np.ones((4, 3)))
    assert srcad.grad(f, wrt="b")(2.0, np.ones((4, 3))) == 12.0
    np.testing.assert_array_equal(srcad.grad(f, wrt="b")(np.ones((1, 1, 1)), np.ones((4, 3))), [[[12.0]]])


def test_softmax_broadcast_division():
    def f(x, w):
        e = np.exp(x)
        return np.sum(w * (e / np.sum(e, axis=1, keepdims=True)))

    srcad.check_grad(f, RNG.standard_normal((3, 4)), RNG.standard_normal((3, 4)))


@pytest.mark.parametrize("f", [
    lambda x: np.sum(x * 2.0), lambda x: np.mean(x ** 2), lambda x: np.sum(np.exp(x) * np.float64(1.0)), lambda x: np.sum(x), lambda x: np.max(x) * 3.0,
    lambda x: np.linalg.norm(x), lambda x: np.sum(x[1:] * np.arange(2.0)), lambda x: np.prod(x), lambda x: x @ x, lambda x: x[0] * 2,
])
def test_float32_stays_float32(f):
    result = srcad.grad(f)(np.array([1.0, 2.0, 3.0], dtype=np.float32))
    assert result.dtype == np.float32 and result.shape == (3,)


def test_float32_with_a_python_seed():
    _, pullback = srcad.vjp(lambda x: x * 2, np.ones(2, np.float32))
    assert pullback(np.array([1.0, 2.0])).dtype == np.float32


def test_types_of_scalars():
    def f(x):
        return x * x * 0.5

    assert type(srcad.grad(f)(3.0)) is float
    assert type(srcad.grad(f)(3)) is float
    assert type(srcad.grad(f)(np.float32(3))) is np.float32
    assert type(srcad.grad(f)(np.float64(3))) is np.float64
    zero_d = srcad.grad(f)(np.array(3.0))
    assert isinstance(zero_d, np.ndarray) and zero_d.shape == () and zero_d == 3.0
    assert type(srcad.grad(lambda x: np.sin(x))(1.0)) is float


def test_integers_do_not_overflow():
    def f(x):
        return np.sum(x * x * x)

    x = np.array([100, 120], dtype=np.int8)
    np.testing.assert_allclose(srcad.grad(f)(x), 3 * np.array([100.0, 120.0]) ** 2)
    assert srcad.grad(lambda x: x ** 3)(np.int8(100)) == 30000.0
    assert srcad.grad(f)(np.array([200], dtype=np.uint8)).dtype == float


def test_integer_arguments_are_real_numbers():
    gradient = srcad.grad(lambda x, y: x * y)
    assert gradient(3, -4) == (-4.0, 3.0)
    assert [type(g) for g in gradient(3, -4)] == [float, float]
    assert srcad.grad(lambda w: w[0] * w[1])([2, 3]) == [3.0, 2.0]


def test_integers_that_index_have_none():
    def pick(x, i):
        return x[i] ** 2

    def shape(x, n):
        return np.sum(np.reshape(x, (n, -1))[0])

    dx, di = srcad.grad(pick)(np.array([1.0, 2.0]), 1)
    assert di is None and dx.tolist() == [0.0, 4.0]
    assert srcad.grad(shape)(np.ones(4), 2)[1] is None
    with pytest.raises(srcad.SrcadError, match="`i` has no derivative: it indexes, counts or gives a shape. Leave it out of wrt."):
        srcad.grad(pick, wrt=("x", "i"))(np.array([1.0, 2.0]), 1)


# ---- nothing is frozen

def test_a_global_is_read_afresh():
    global FACTOR
    FACTOR = 2.0
    gradient = srcad.grad(lambda x: FACTOR * x)
    assert gradient(1.0) == 2.0
    FACTOR = 5.0
    assert gradient(1.0) == 5.0
    FACTOR = np.float64(7.0)
    assert gradient(1.0) == 7.0
    fixed = gradient.specialise(1.0)
    FACTOR = np.float64(8.0)
    assert fixed(1.0) == 8.0
    FACTOR = 2.0


def test_a_helper_is_read_afresh():
    global double

    def f(x):
        return double(x) * x

    original = double
    gradient = srcad.grad(f)
    assert gradient(3.0) == 12.0

    def triple(x):
        return 3 * x

    double = triple
    assert gradient(3.0) == 18.0
    double = lambda x: 4 * x  # noqa: E731
    assert gradient(3.0) == 24.0
    double = original
    assert gradient(3.0) == 12.0


def test_a_closure_is_read_afresh():
    def make(k):
        def f(x):
            return k * x

        def change(value):
            nonlocal k
            k = value

        return f, change

    f, change = make(2.0)
    gradient = srcad.grad(f)
    assert gradient(1.0) == 2.0
    change(3.0)
    assert gradient(1.0) == 3.0
    change(np.array([1.0, 2.0]))
    with pytest.raises(srcad.SeedError):
        gradient(1.0)


def test_what_the_pair_keeps_is_kept():
    global FACTOR
    FACTOR = np.array([2.0, 3.0])
    x, weights = np.array([1.0, 2.0]), {"w": np.array([5.0, 6.0])}
    gradient = srcad.grad(lambda x, p: np.sum(x * p["w"] * FACTOR))
    _, cache = gradient.forward(x, weights)
    x += 100
    weights["w"] += 100
    FACTOR = np.array([0.0, 0.0])
    dx, dp = gradient.backward(1.0, cache)
    np.testing.assert_array_equal(dx, [10.0, 18.0])
    np.testing.assert_array_equal(dp["w"], [2.0, 6.0])
    np.testing.assert_array_equal(gradient.backward(1.0, cache)[0], dx)
    FACTOR = 2.0


def test_what_the_value_is_changed_to_does_not_matter():
    out, pullback = srcad.vjp(lambda x: np.exp(x), np.array([0.0, 1.0]))
    out[:] = 0
    np.testing.assert_allclose(pullback(np.ones(2)), np.exp([0.0, 1.0]))


def test_a_pullback_may_be_called_twice():
    _, pullback = srcad.vjp(lambda x, y: x * y + np.sum(x), np.array([1.0, 2.0]), np.array([3.0, 4.0]))
    first, second = pullback(np.ones(2)), pullback(np.ones(2))
    for a, b in zip(first, second):
        np.testing.assert_array_equal(a, b)
        assert not np.shares_memory(a, b)


# ---- statements that do something

def test_where_beside_a_nan_branch():
    def f(x):
        return np.sum(np.where(x > 0, np.log(np.where(x > 0, x, 1)), 0.0) + np.where(x > 0, x, np.nan * 0 + 1))

    assert np.all(np.isfinite(srcad.grad(f)(np.array([-1.0, 0.0, 2.0]))))


def test_no_nan_leaks_out_of_the_branch_not_taken():
    def f(x):
        return np.sum(np.where(x > 0, x * 2, x))

    np.testing.assert_array_equal(srcad.grad(f)(np.array([1.0, np.nan])), [2.0, 1.0])


def test_dead_code_that_raises_still_raises():
    def f(x):
        unused = math.log(x)  # noqa: F841
        return x * x

    gradient = srcad.grad(f)
    assert gradient(2.0) == 4.0
    with pytest.raises(ValueError):
        gradient(-1.0)


def test_the_forward_pass_raises_what_the_function_raises():
    with pytest.raises(ValueError):
        srcad.grad(lambda x: math.log(x))(-1.0)
    with pytest.raises(ZeroDivisionError):
        srcad.grad(lambda x, y: x / y)(1.0, 0.0)


def test_random_numbers_are_drawn_once_and_in_order():
    def f(x):
        mask = np.random.rand(3) < 0.5
        noise = np.random.rand(3)
        return np.sum(x * mask) + np.sum(noise * x)

    np.random.seed(0)
    mask, noise = np.random.rand(3) < 0.5, np.random.rand(3)
    after = np.random.rand()
    np.random.seed(0)
    np.testing.assert_allclose(srcad.grad(f)(np.ones(3)), mask + noise)
    assert np.random.rand() == after


def test_a_generator_is_drawn_from_once():
    def f(x, rng):
        return np.sum(x * rng.standard_normal(3))

    drawn = np.random.default_rng(3).standard_normal(3)
    np.testing.assert_array_equal(srcad.grad(f, wrt="x")(np.ones(3), np.random.default_rng(3)), drawn)


def test_prints_happen_once(capsys):
    def f(x):
        y = x * x
        print("y is", y)
        return y

    assert srcad.grad(f)(3.0) == 6.0
    assert capsys.readouterr().out == "y is 9.0\n"


# ---- indices

@pytest.mark.parametrize("index", [
    np.array([0, 0, 2]), [1, 1], (np.array([0, 1, 1]), np.array([2, 0, 0])), (np.arange(3), np.array([[0, 1, 2], [0, 1, 1]])), np.arange(-2, 2) % 3,
    (slice(None), np.array([0, 0])), (np.array([0, 0]), slice(1, None)), (Ellipsis, -1), (0, None), np.array([True, False, True]), (np.array([-1, 2]),),
    slice(None, None, -1), (slice(2, 0, -1), slice(0, 3, 2)), (None, 1, Ellipsis), np.ix_([0, 0], [1, 2]),
])
def test_every_kind_of_index(index):
    def f(x, w):
        return np.sum(x[index] ** 2 * w)

    x = RNG.standard_normal((3, 3))
    srcad.check_grad(f, x, RNG.standard_normal(x[index].shape))


def test_index_arrays_that_broadcast_may_repeat():
    def f(x, columns):
        return np.sum(x[np.arange(3), columns])

    dx = srcad.grad(f, wrt="x")(np.zeros((3, 2)), np.zeros((4, 3), dtype=int))
    np.testing.assert_array_equal(dx, [[4.0, 0.0]] * 3)


def test_empty_arrays():
    empty = np.zeros((0, 3))
    for f in (lambda x: np.sum(x * x), lambda x: np.sum(x @ np.ones(3)), lambda x: np.sum(np.exp(x), axis=0).sum()):
        assert srcad.grad(f)(empty).shape == (0, 3)


def test_an_adjoint_that_was_a_number_meets_a_scatter():
    def f(y):
        total = y * 1.0
        kept = total[total > -9.0]
        return np.sum(kept * 0.7) + np.sum(total)

    np.testing.assert_allclose(srcad.grad(f)(np.array([1.0, 2.0])), [1.7, 1.7])


# ---- what is changed in place

def shrunk(x, a):
    x *= a
    x[0] = 0.0
    return np.sum(x * x)


def test_the_gradient_is_by_the_value_passed_in():
    x = np.array([1.0, 2.0, 3.0])
    dx, da = srcad.grad(shrunk)(x, 2.0)
    np.testing.assert_array_equal(dx, [0.0, 16.0, 24.0])
    assert da == 52.0
    np.testing.assert_array_equal(x, [0.0, 4.0, 6.0])
    assert not np.shares_memory(dx, x)


def test_arguments_that_are_not_changed_stay():
    def f(x, w):
        y = x
        z = y.copy()
        z[0] = w[1]
        z *= w
        return np.sum(z)

    x, w = np.array([1.0, 2.0]), np.array([3.0, 4.0])
    srcad.value_and_grad(f)(x, w)
    np.testing.assert_array_equal(x, [1.0, 2.0])
    np.testing.assert_array_equal(w, [3.0, 4.0])


def test_what_is_written_over_has_no_gradient():
    def f(x):
        x[1] = 5.0
        return np.sum(x * x)

    np.testing.assert_array_equal(srcad.grad(f)(np.array([1.0, 2.0])), [2.0, 0.0])


def test_the_element_written_last_counts():
    def f(x, i):
        y = np.zeros(2)
        y[i] = x
        return np.sum(y)

    def added(x, i):
        y = np.zeros(2)
        np.add.at(y, i, x)
        return np.sum(y)

    x, i = np.array([1.0, 2.0, 3.0]), np.array([0, 1, 0])
    np.testing.assert_array_equal(srcad.grad(f, wrt="x")(x, i), [0.0, 1.0, 1.0])
    np.testing.assert_array_equal(srcad.grad(added, wrt="x")(x, i), [1.0, 1.0, 1.0])


def looped(x, w):
    y = x.copy()
    for i in range(1, len(x)):
        y[i] *= y[i - 1]
        w = np.tanh(w * y[i])
    return y * w


def test_a_pullback_of_a_loop_may_be_called_twice():
    _, pullback = srcad.vjp(looped, np.array([1.0, 2.0, 3.0]), 0.3)
    first, second = pullback(np.ones(3)), pullback(np.ones(3))
    np.testing.assert_array_equal(first[0], second[0])
    assert first[1] == second[1] and not np.shares_memory(first[0], second[0])
    srcad.check_grad(looped, np.array([1.0, 2.0, 3.0]), 0.3)


def test_two_forward_passes_before_the_backward_ones():
    gradient = srcad.grad(looped)
    x = np.array([1.0, 2.0, 3.0])
    alone = gradient.backward(np.ones(3), gradient.forward(x, 0.3)[1])
    _, first = gradient.forward(x, 0.3)
    gradient.forward(x + 1, 0.5)
    for a, b in zip(gradient.backward(np.ones(3), first), alone):
        np.testing.assert_array_equal(a, b)


def test_a_loop_that_is_not_entered():
    def f(x, n):
        total = 0.0
        for i in range(n):
            total += x[i] ** 2
        while total > 1e9:
            total = total / 2
        return total + np.sum(x)

    gradient = srcad.grad(f, wrt="x")
    np.testing.assert_array_equal(gradient(np.array([1.0, 2.0]), 0), [1.0, 1.0])
    np.testing.assert_array_equal(gradient(np.array([1.0, 2.0]), 2), [3.0, 5.0])
    assert gradient(np.zeros(0), 0).shape == (0,)


def test_the_function_raises_in_the_pass_in_which_it_raises():
    def f(x):
        total = 1.0
        for e in x:
            total = total * math.log(e)
        return total

    with pytest.raises(ValueError):
        srcad.grad(f)(np.array([2.0, -1.0]))
    with pytest.raises(IndexError):
        srcad.grad(lambda x: sum(x[i] for i in range(4)))(np.ones(3))


@pytest.mark.parametrize("f", [np.log, np.log2, np.log10, lambda x: np.log1p(x - 1), lambda x: np.arctanh(x + 1), lambda x: np.power(x, 0.5),
                               lambda x: np.arctan2(x, x), np.sqrt, np.reciprocal])
def test_numpys_functions_of_pythons_zero_do_not_raise_in_the_backward_pass(f):
    def program(x):
        return f(x)

    with np.errstate(all="ignore"):
        assert not np.isfinite(srcad.grad(program)(0.0))


def test_what_depends_on_a_number_that_only_seems_to_steer():
    x = np.array([0.4, -1.0, 0.0])
    srcad.check_grad(lambda length: np.sum(np.fft.fftfreq(6, d=length / 6) ** 3 * np.arange(6)), 1.7)
    np.testing.assert_array_equal(srcad.grad(lambda a: np.sum(np.heaviside(x, a)))(0.5), 1.0)
    np.testing.assert_array_equal(srcad.grad(lambda x, a: np.sum(np.choose(np.array([0, 1]), [x, a]) ** 2))(np.ones(2), np.ones(2))[1], [0.0, 2.0])
    assert srcad.grad(lambda x: np.sum(np.bincount([0, 1, 1], x * np.ones(3))))(1.7) == 3.0
    for f, what in [(lambda x: np.sum(np.arange(x, x + 3)), "how many there are depends"), (lambda x: np.sum(np.choose([0, 1], [x, x * 2])), "a list of indices")]:
        with pytest.raises(srcad.SrcadError, match=what):
            srcad.grad(f)(0.5)
