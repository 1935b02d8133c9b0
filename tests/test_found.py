"""What was once wrong, and is not to be wrong again: each a program that somebody wrote."""
from __future__ import annotations

import dataclasses
import math

import numpy as np
import pytest

import srcad
from srcad import grad

X = np.array([1.0, 2.0, 3.0])
f_grad = 7.0


# ---- silently wrong

@pytest.mark.parametrize("f", [
    lambda x, y: y * (y := y * x),
    lambda x, y: (x, (x := y))[0] * x,
    lambda x, y: (x := x * 2) * (x := x * 3) * y,
])
def test_a_walrus_after_a_read_is_refused(f):
    with pytest.raises(srcad.UnsupportedSyntaxError, match="Use two statements"):
        grad(f)(2.0, 3.0)


def test_a_walrus_before_its_reads():
    assert grad(lambda x: (y := x * x) + y)(3.0) == 12.0


@pytest.mark.parametrize(("f", "args"), [
    (lambda x: np.sum(np.atleast_2d(x).sum(0) ** 2), (X,)),
    (lambda x: np.sum(np.stack([np.atleast_1d(x)] * 2) ** 2), (X,)),
    (lambda x, y: np.sum(np.concatenate([np.atleast_1d(x), np.atleast_1d(y)]) ** 2), (X[:1], X[1:2])),
    (lambda x, n: np.sum(np.split(x, n)[0]), (np.arange(6.0).reshape(3, 2), np.int64(3))),
    (lambda x, n: np.sum(np.expand_dims(x, n)[0]), (np.arange(6.0).reshape(3, 2), np.int64(1))),
    (lambda x, n: np.sum(x.sum(axis=n)[0]), (np.arange(6.0).reshape(3, 2), np.int64(1))),
    (lambda x: np.sum(x * np.tile(np.ones(3), 1)), (X,)),
    (lambda x: np.sum((x * np.pad(np.ones(1), 1)).cumsum()), (X,)),
    (lambda x: np.sum(x[np.flatnonzero(x > 0)] * 2 + x[np.flatnonzero(x > 0)][:1]), (X,)),
])
def test_shapes_that_only_the_run_can_tell(f, args):
    srcad.check_grad(f, *args)


def test_a_shuffled_minibatch():
    def f(x):
        order = np.random.permutation(len(x))
        return np.sum(x[order][:2])

    np.random.seed(0)
    order = np.random.permutation(3)
    np.random.seed(0)
    np.testing.assert_array_equal(grad(f)(X), np.isin(np.arange(3), order[:2]) * 1.0)


def test_ix_with_a_repeated_index():
    dx = grad(lambda x: np.sum(x[np.ix_([0, 0, 1], [1])]))(np.ones((3, 2)))
    np.testing.assert_array_equal(dx, [[0, 2], [0, 1], [0, 0]])


def test_reading_the_shape_of_a_part_does_not_make_an_integer_an_index():
    def f(x):
        t = x[np.triu_indices(2)]
        return np.sum(t * np.ones(t.shape))

    np.testing.assert_array_equal(grad(f)(np.array([[1, 2], [3, 4]])), [[1, 1], [0, 1]])


@dataclasses.dataclass
class Doubled:
    a: float

    def __post_init__(self):
        self.a = self.a * 2


def test_dataclasses_that_do_something_when_made_are_refused():
    with pytest.raises(srcad.SrcadError, match="Pass its fields"):
        grad(lambda d: d.a * 3)(Doubled(2.0))


def test_a_builtin_that_is_shadowed_later():
    space = globals()
    gradient = grad(lambda x: max(x, 1.0) * x)
    assert gradient(2.0) == 4.0
    space["max"] = min
    try:
        assert gradient(2.0) == 1.0
    finally:
        del space["max"]
    assert gradient(2.0) == 4.0


def dead_division(x):
    y = 1 / (x - x)  # noqa: F841
    return x * x


def dead_item(x):
    y = x[10]  # noqa: F841
    return x.sum()


def dead_reshape(x):
    y = x.reshape(7)  # noqa: F841
    return x.sum()


@pytest.mark.parametrize(("f", "arg", "kind"), [
    (dead_division, 2.0, ZeroDivisionError), (dead_item, X, IndexError), (dead_reshape, X, ValueError),
])
def test_unused_statements_raise(f, arg, kind):
    with pytest.raises(kind):
        f(arg)
    with pytest.raises(kind):
        grad(f)(arg)


def test_constants_are_not_folded_out_of_range():
    assert grad(lambda x: 1e200 * (1e200 * (1e-300 * x)))(1.0) == pytest.approx(1e100)


def test_float32_beside_booleans_in_linear_algebra():
    gradient = grad(lambda a, b: np.sum(np.linalg.solve(a, b)), wrt="a")
    assert gradient(np.eye(2, dtype="f4"), np.ones(2, bool)).dtype == np.float32


def test_integer_scalars_of_numpy_stay_numpys():
    def f(a, b):
        return np.sum(a * b)

    args = np.int64(3), np.full(3, 0.1, np.float32)
    value, _ = srcad.value_and_grad(f)(*args)
    assert value.dtype == f(*args).dtype and value == f(*args)
    assert grad(lambda a: a.sum() * 2)(np.int64(3)) == 2.0


def test_the_cache_of_another_function():
    p, q = grad(lambda x: x * 2), grad(lambda x: x * 3)
    with pytest.raises(srcad.SeedError):
        p.backward(1.0, q.forward(1.0)[1])


# ---- crashes

def test_functions_without_a_rule_are_refused():
    with pytest.raises(srcad.MissingRuleError):
        grad(lambda x: np.kaiser(3, x[0]).sum())(X)


def test_a_global_with_the_name_of_the_generated_function():
    def f(x):
        return x * x * f_grad

    assert grad(f)(2.0) == 28.0


def test_strings_have_a_length():
    assert grad(lambda x: len("abc") * x)(1.0) == 3.0


def test_numbers_as_operands_of_array_functions():
    np.testing.assert_array_equal(grad(lambda x: x.reshape(()) * 1.0)(np.array([2.0])), [1.0])
    assert grad(lambda x: np.sum(np.outer(x, [1.0, 2.0])))(2.0) == 3.0
    np.testing.assert_array_equal(grad(lambda x: np.sum(np.concatenate([x, [1.0, 2.0]]) ** 2))(X), 2 * X)
    np.testing.assert_allclose(srcad.elementwise_grad(lambda x: np.sum(x * x) / np.size(x))(np.array([1, 2, 3])), 2 * X / 3)


def test_booleans_over_active_values():
    np.testing.assert_array_equal(grad(lambda x, m: np.sum(m / x), wrt="x")(np.ones(2), np.array([True, False])), [-1.0, 0.0])


@pytest.mark.parametrize("f", [
    lambda x, n: np.sum(np.full(n, x)), lambda x, n: np.sum(np.full((n, 1), x)), lambda x, n: x * math.factorial(n), lambda x, n: x * (n & 2) * 1.5,
])
def test_integers_that_must_be_integers(f):
    dx, dn = grad(f)(2.0, 3)
    assert dn is None
    assert dx == pytest.approx(f(3.0, 3) - f(2.0, 3))


def test_code_after_a_return():
    def f(x):
        return x * x
        y = 1  # noqa: F841

    assert grad(f)(3.0) == 6.0


def test_scalar_draws_are_numbers():
    np.random.seed(0)
    drawn = np.random.rand()
    np.random.seed(0)
    assert grad(lambda x: x * np.random.rand())(1.0) == drawn


def test_builtins_themselves():
    assert grad(float)(2.0) == 1.0
    assert grad(abs)(-2.0) == -1.0


# ---- np.where beside what is not a number

def where_sqrt(x):
    return np.sum(np.where(x > 0, np.sqrt(x), 0.0))


def where_steps(x):
    y = np.log(x)
    z = y * y + x
    return np.sum(np.where(x > 0, z, -x))


def where_twice(x):
    y = np.sqrt(x)
    return np.sum(np.where(x > 0, y, 0.0) + np.where(x > 1, y, 0.0))


def where_nested(x):
    return np.sum(np.where(x == 0, 1.0, np.where(x > 1, np.sqrt(x - 1), 1 / x) * 2))


@pytest.mark.parametrize(("f", "at", "wanted"), [
    (where_sqrt, [-1.0, 0.0, 4.0], [0.0, 0.0, 0.25]),
    (where_steps, [-1.0, 0.0, 4.0], [-1.0, -1.0, 2 * math.log(4.0) / 4.0 + 1]),
    (where_twice, [0.25, 4.0], [1.0, 0.5]),
    (where_nested, [0.0, 0.5, 5.0], [0.0, -8.0, 0.5]),
])
def test_no_nan_comes_from_the_branch_not_taken(f, at, wanted):
    with np.errstate(all="ignore"):
        np.testing.assert_allclose(grad(f)(np.array(at)), wanted)


def test_an_axis_of_length_one_that_stays_counts_as_often_as_it_is_used():
    def f(x, y):
        return np.sum(x * np.broadcast_to(y, (2, *y.shape)))

    x = np.arange(6.0).reshape(2, 1, 3)
    dx, dy = grad(f)(x, np.array([0.5]))
    np.testing.assert_allclose(dx, np.full(x.shape, 1.0))
    np.testing.assert_allclose(dy, [2 * x.sum()])


def test_a_factor_that_is_summed_apart_keeps_its_sign():
    def f(x):
        scale = 2.0 + np.linalg.norm(x) ** 2
        return np.sum(0.7 * (x / scale))

    srcad.check_grad(f, np.array([0.3, -1.2, 0.8]))
    srcad.check_grad(lambda a, b: np.sum(-0.5 * a * b * (a - b)), np.array([0.3, -1.2]), np.ones((3, 2)))


@pytest.mark.parametrize("shift", [0.0, 100.0])
def test_a_numpy_scalar_is_picked_by_its_own_mask(shift):
    def picked(x):
        s = np.sum(x ** 2) - shift
        return np.sum(s[s > 0] * x[0]) + np.sum(s[None, s > 0] * 3.0) + 2.0 * s

    x = np.array([1.0, -2.0, 0.5])
    srcad.check_grad(srcad.grad(picked), x)


def test_a_string_of_several_lines_stays_as_it_is() -> None:
    def f(x):
        text = """first
  second"""
        many = len(text)
        return x * many

    assert srcad.grad(f)(2.0) == len("first\n  second")


@pytest.mark.parametrize("f", [
    lambda x: np.sum(x * np.diag([1.0, 3.0]) * x), lambda x: np.sum(x * np.linalg.inv([[2.0, 1.0], [1.0, 3.0]]) * x), lambda x: np.sum(x * np.tril([[1.0, 2.0], [3.0, 4.0]])),
    lambda x: np.sum(x * x) * np.trace([[1.0, 2.0], [3.0, 4.0]]), lambda x: np.sum(x * np.linalg.solve([[2.0, 1.0], [1.0, 3.0]], [1.0, 2.0]) * x),
    lambda x: np.sum(x * np.matmul([[1.0, 2.0], [3.0, 4.0]], [1.0, 2.0]) * x), lambda x: np.sum(x * x) * np.linalg.norm([3.0, 4.0]),
])
def test_a_list_of_constants_is_an_array_to_a_function(f):
    srcad.check_grad(f, np.array([[1.0, 2.0], [0.5, -1.0]]))


def test_a_flag_is_compared_by_is():
    def f(x, flag=True):
        return x * x if flag is True else x

    assert grad(f)(3.0) == 6.0 and grad(lambda x: f(x, False))(3.0) == 1.0


def around(b):
    return lambda x: np.sum(np.linalg.solve(x, b) ** 2)


def test_a_gradient_within_relies_on_sizes_around_a_function():
    inner = around(np.array([[1.0, 2.0, 3.0], [0.5, -1.0, 2.0]]))

    def loss(x):
        return inner(x) * 2.0

    srcad.check_grad(lambda x: np.sum(grad(loss)(x) ** 2), np.array([[3.0, 1.0], [0.5, 2.0]]))


def test_the_keys_of_a_dict_are_sorted():
    def f(parameters):
        total = 0.0
        for i, key in enumerate(sorted(parameters)):
            total += (i + 1) * parameters[key] ** 2
        return total

    assert grad(f)({"b": 2.0, "a": 3.0}) == {"b": 8.0, "a": 6.0}


def test_a_range_is_an_array_of_indices():
    def loss(w, x, y):
        s = x @ w
        s = s - s[range(len(y)), y][:, None] + s[range(-2, 2)].sum() * s[range(3, 0, -1)][0, 1]
        s[range(len(y)), y] = 0.0
        return np.sum(np.maximum(s, 0.1) ** 2)

    rng = np.random.default_rng(0)
    args = rng.standard_normal((3, 4)), rng.standard_normal((5, 3)), np.array([0, 1, 2, 3, 0])
    srcad.check_grad(loss, *args)
    assert "[range(len(y)), y] = 0" in grad(loss).source_for(*args)


def test_a_multiple_of_a_mask_is_a_float():
    found = grad(lambda x: np.maximum(x * 3, 1.0).sum())(np.array([1.0, -1.0]))
    assert found.dtype == float
    srcad.check_grad(lambda x, y: np.maximum(x * 3, 1.0).sum() - np.minimum(-x, 2.0).sum() + np.where(y > 1, x * 3, 2 * y).sum(), np.array([0.7, -1.0]), np.array([0.2, 1.4]))


# ---- `x[i] += f()`, where f writes to x[i]: Python takes what was there before


def element_written_by_the_call(x):
    v = 2 * x

    def g():
        v[0] = x[1] * x[1]
        return x[0]

    v[0] += g()
    return v[0] * v[1]


def entry_written_by_the_call(x):
    d = {"a": x[0]}

    def g():
        d["a"] = x[1]
        return x[0]

    d["a"] += g()
    return d["a"]


@pytest.mark.parametrize("program", [element_written_by_the_call, entry_written_by_the_call], ids=lambda f: f.__name__)
def test_what_a_call_writes_to_is_not_added_to_it(program):
    with pytest.raises(srcad.UnsupportedSyntaxError, match="Call it on a line of its own"):
        srcad.grad(program)(np.array([0.3, 0.7]))


class Counting:
    def __init__(self, rate):
        self.rate, self.calls, self.total = rate, 0, 0.0

    def step(self, x):
        self.calls += 1
        return self.rate * x * self.calls


def other_writes(x):
    c = Counting(0.5)
    for v in x:
        c.total += c.step(v)
    d = {"a": x[0], "b": x[1]}

    def g():
        d["b"] = x[0] * x[1]
        return x[0]

    d["a"] += g()
    y = 2 * x
    y[0] += np.sum(np.sin(y))
    return c.total * d["a"] * d["b"] + y[0]


def test_other_writes_in_a_call_are_none_of_its_business():
    srcad.grad(other_writes).check(np.array([0.3, 0.7]))


# ---- memory that two names may have: written to rightly, or refused


def item_at_run_time(x, k):
    xs = [x * 1, x * 2]
    xs[k] *= 3
    return xs[1][0]


def items_in_turn(x, n):
    xs = [x * i for i in range(n)]
    for a in xs:
        a *= 3
    return xs[-1][0]


def part_of_an_item(x, n):
    xs = []
    for i in range(n):
        xs.append(x * i)
    last = xs[-1][1:]
    last[0] = 7.0
    return np.sum(xs[-1])


def two_buffers(x, n):
    T = [x.copy(), x.copy()]
    for k in range(n):
        T[(k + 1) % 2][1:-1] = 0.5 * (T[k % 2][2:] + T[k % 2][:-2])
    return T[n % 2][1]


def written_by_out(x, k):
    buffers = [x * 1, x * 2]
    np.multiply(x, 3, out=buffers[k])
    return np.sum(buffers[1])


def two_names_of_an_item(x, n):
    xs = [x * i for i in range(n)]
    a = xs[n - 1]
    b = a
    b -= x**2
    return a[0] + xs[n - 1][0]


def jitter(x, n):
    K = np.exp(-np.subtract.outer(x, x) ** 2)
    np.einsum("ii->i", K)[:] += 0.1 * n
    return np.linalg.inv(K)[0, 1]


def diagonal_kept(x, n):
    K = np.outer(x, x)
    d = np.einsum("ii->i", K)
    K[0, 0] = 5 * x[1]
    return d[0] * n


def not_copied(x, n):
    y = x * 2
    z = y.astype(float, copy=False)
    z *= n
    return y[0]


def turned_in_a_loop(x, n):
    W = np.outer(x, np.arange(len(x)) + 1.0)
    for _ in range(n):
        x = np.tanh(W @ x)
        W = W.T
    return np.sum(W @ x)


def grows_in_a_loop(x, n):
    y = x
    for _ in range(n):
        y = y + np.outer(x, x)
    return np.sum(y * y)


def difference_in_a_list(x, n):
    u = x * 2.0
    v = x * 3.0
    values = [u - v]
    for t in range(n):
        if t == 1:
            break
        values.append(x)
    return u[1]


def reversed_in_a_while(x, n):
    y = x * 1.0
    u = 1.0
    u = y
    t = 0
    while t < 3:
        t += 1
        u = u
        y *= 0.5
        if t == n:
            u = y[::-1]
    return u[0]


def two_orders_of_a_sum(x, n):
    K = np.outer(x, x)
    total = np.einsum("ij->i", K)
    total += n
    return total[0] * K[0, 1]


@pytest.mark.parametrize("program", [
    item_at_run_time, items_in_turn, part_of_an_item, two_buffers, written_by_out, two_names_of_an_item, jitter, diagonal_kept, not_copied,
], ids=lambda f: f.__name__)
def test_writes_to_memory_that_may_be_anothers_are_right_or_refused(program):
    for n in (1, 2, 3) if program not in (item_at_run_time, written_by_out) else (0, 1):
        try:
            srcad.value_and_grad(program, wrt="x").check(np.array([0.1, 0.2, 0.3, 0.5]), n)
        except srcad.AliasError as problem:
            assert "Copy it" in str(problem)


@pytest.mark.parametrize("program", [turned_in_a_loop, grows_in_a_loop, difference_in_a_list, reversed_in_a_while, two_orders_of_a_sum], ids=lambda f: f.__name__)
def test_these_are_right(program):
    for n in (1, 2, 3):
        srcad.grad(program, wrt="x").check(np.array([0.1, 0.2, 0.3]), n)


def test_tensordot_of_all_axes_keeps_the_dtype():
    a = np.arange(6, dtype=np.float32).reshape(2, 3)
    da, db = srcad.grad(lambda a, b: np.tensordot(a, b, 2))(a, a + 1)
    assert da.dtype == db.dtype == np.float32
    np.testing.assert_array_equal(da, a + 1)


def test_comparisons_of_arrays_have_the_arrays_rank():
    x = np.array([0.3, -0.5, 1.2])
    for f in (lambda x: np.isclose(x, x) * x, lambda x: np.digitize(x, [0.0, 1.0]) * x, lambda x: np.isin(x, [7.0]) * x):
        def unpacked(x, f=f):
            a, b, c = f(x)
            return a * b + c

        np.testing.assert_allclose(srcad.grad(unpacked, wrt="x")(x), [(unpacked(x + h) - unpacked(x - h)) / 2e-6 for h in np.eye(3) * 1e-6], atol=1e-6)


@pytest.mark.skipif(not hasattr(np.ndarray, "mT"), reason="NumPy 1 has no such attribute")
def test_matrices_transposed_by_their_attribute():
    for f, shape in ((lambda x: np.sum(np.sin(x.mT) * np.arange(24.0).reshape(2, 4, 3)), (2, 3, 4)), (lambda x: np.matmul(x.mT, x)[0, 1] + (x @ x.mT).sum(), (2, 2))):
        assert srcad.check_grad(f, np.random.default_rng(0).normal(size=shape)) is None


@pytest.mark.parametrize("f, reason", [
    (lambda x: np.sum(np.sin(x.nbytes) * x), "the attribute `nbytes`"), (lambda x: np.sum(x * x.itemsize), "the attribute `itemsize`"),
    (lambda x: np.sum(np.sin(x.sum)), "given a method"),
])
def test_attributes_that_are_not_known_are_no_values(f, reason):
    with pytest.raises(srcad.SrcadError, match=reason):
        srcad.grad(f)(np.ones(3))


@pytest.mark.parametrize("f", [
    lambda x: np.sum(np.count_nonzero(x > 0) * x ** 2), lambda x: np.sum(np.dot(x, 2.0) ** 2), lambda x: np.sum(np.dot(3, x)), lambda x: np.sum(np.inner(x, 2.0) ** 2),
])
def test_float32_beside_numbers_that_have_a_dtype_of_their_own(f):
    x = np.array([1, 2, 3], np.float32)
    assert srcad.grad(f)(x).dtype == np.float32
    np.testing.assert_allclose(srcad.grad(f)(x), srcad.grad(f)(x.astype(float)), rtol=1e-6)


@pytest.mark.parametrize("f", [
    lambda x: np.sum(1 / (1 + np.exp(-x / 2))), lambda x: np.sum(1 / (1 + np.exp(-np.eye(3) @ x))), lambda x: np.sum(1 / (np.exp(x) + 1)), lambda x: np.sum(1 / (1 + np.exp(-2 * x - 1))),
    lambda x: np.sum(x / (1 + np.exp(-x))), lambda x: np.sum((3 / (1 + np.exp(-0.5 * (x - 1)))) ** 2), lambda x: np.sum(x[:, None] / (1 + np.exp(x - x[:, None]))),
])
@pytest.mark.filterwarnings("ignore:overflow")
def test_logistic_functions_where_they_are_flat(f):
    x = np.array([-2000.0, 0.3, 2000.0])
    found = srcad.grad(f)(x)
    assert np.isfinite(found).all()
    np.testing.assert_allclose(found, [(f(x + h) - f(x - h)) / 2e-6 for h in np.eye(3) * 1e-6], rtol=1e-5, atol=1e-3)
    y = np.array([-2.0, 0.3, 2.0])
    np.testing.assert_allclose(srcad.grad(f)(y), [(f(y + h) - f(y - h)) / 2e-6 for h in np.eye(3) * 1e-6], rtol=1e-6, atol=1e-8)
    np.testing.assert_allclose(srcad.jvp(f, (y,), (np.ones(3),))[1], srcad.grad(f)(y).sum(), rtol=1e-9)


@pytest.mark.parametrize("f", [lambda X: np.sum(sum(X) ** 2), lambda X: np.sum(sum(X, np.ones(3)) ** 2), lambda X: sum(X[0], 1.0) ** 2, lambda X: np.sum(sum(X * 2) * X[0])])
def test_sums_of_rows(f):
    assert srcad.check_grad(f, np.random.default_rng(0).normal(size=(2, 3))) is None


def test_the_value_of_a_gradient_is_the_function():
    @srcad.grad
    def f(x, y):
        return x * y

    assert srcad.grad(f.value, wrt="x")(2.0, 3.0) == 3.0
    assert srcad.grad(lambda x: f.value(x, 2.0) * x)(3.0) == 12.0


def test_rules_are_for_functions():
    with pytest.raises(TypeError, match="takes functions"):
        srcad.rule(3)
