"""Idioms that NumPy programs are full of, each as small as it can be, compared with finite differences."""
from __future__ import annotations

import copy
import itertools

import numpy as np
import pytest

import srcad

X = np.array([0.3, 1.2, -0.7])
A = np.array([[0.4, -1.1, 0.8], [1.3, 0.2, -0.5]])


def layers(seed=0):
    rng = np.random.default_rng(seed)
    return {"W0": rng.normal(size=(3, 2)), "b0": rng.normal(size=2), "W1": rng.normal(size=(2, 4)), "b1": rng.normal(size=4)}


# ---- strings that are put together

def keys_of_f_strings(params, x):
    for i in range(2):
        x = np.tanh(x @ params[f"W{i}"] + params[f"b{i}"])
    return x.sum()


def keys_added_up(params, x):
    for i in range(len(params) // 2):
        x = np.tanh(x @ params["W" + str(i)] + params["b" + str(i)])
    return x.sum()


def keys_by_percent(params, x):
    for i in range(2):
        x = np.tanh(x @ params["W%d" % i] + params["%s%d" % ("b", i)])  # noqa: UP031
    return x.sum()


def keys_by_format(params, x):
    for i in range(2):
        key = "W{}".format(i)  # noqa: UP032
        again = key
        x = np.tanh(x @ params[again] + params["{}{n}".format("b", n=i)])
    return x.sum()


def keys_with_a_format(params, x):
    for name in ("W", "b"):
        x = x @ params["W0"] + params["b0"] if f"{name:s}0" == "W0" else x * f"{name!r}".count("b")
    return x.sum()


def keys_looked_for(params, x):
    i = 0
    while f"W{i}" in params:
        x = np.tanh(x @ params[f"W{i}"] + params.get(f"b{i}", 0.0))
        i += 1
    return x.sum()


def keys_stored(params, x):
    grads = {}
    for i in range(2):
        grads[f"g{i}"] = params[f"W{i}"].sum() * x[i] ** 2
    return grads["g0"] * grads["g1"]


@pytest.mark.parametrize("f", [keys_of_f_strings, keys_added_up, keys_by_percent, keys_by_format, keys_with_a_format, keys_looked_for, keys_stored])
def test_keys(f):
    srcad.check_grad(f, layers(), X)


def test_a_key_made_of_an_argument():
    def f(params, x, k):
        return (x @ params[f"W{k}"]).sum() * k

    assert srcad.grad(f, wrt="x")(layers() | {"W1": np.ones((3, 4))}, X, 1).shape == (3,)
    *_, dk = srcad.grad(f)(layers() | {"W1": np.ones((3, 4))}, X, 1)
    assert dk is None


def test_a_message_costs_no_guard():
    def f(x):
        message = f"{len(x)} numbers, " + str(len(x))
        print(message)
        return (x ** 2).sum()

    compiled = srcad.grad(f).specialise(X)
    np.testing.assert_array_equal(compiled(np.arange(5.0)), 2 * np.arange(5.0))


def test_words_of_a_string():
    def f(x, expression):
        for word in expression.split():
            if word == "sin":
                x = np.sin(x)
            elif word.startswith("tw"):
                x = x * 2
        return x

    grad = srcad.grad(f, wrt="x")
    assert np.isclose(grad(0.4, "sin twice"), 2 * np.cos(0.4))
    assert np.isclose(grad(0.4, "twice sin"), 2 * np.cos(0.8))


# ---- lists of arrays and tables, by a known index

def params_updated(w, b):
    params = [w, b]
    for i in range(len(params)):
        params[i] = params[i] - 0.1 * params[i] ** 2
    return params[0].sum() + (params[1] ** 2).sum()


def rmsprop(w, b):
    params, caches = [w, b], [np.zeros_like(w), np.zeros_like(b)]
    for _ in range(2):
        grads = [2 * params[0], params[1] ** 2]
        for i in range(len(params)):
            caches[i] = 0.9 * caches[i] + 0.1 * grads[i] ** 2
            params[i] -= 0.1 * grads[i] / (np.sqrt(caches[i]) + 1e-3)
    return (params[0] ** 2).sum() * params[1].sum()


def table_of_rows(x):
    table = [[0.0] * 3 for _ in range(2)]
    for i in range(2):
        for j in range(3):
            table[i][j] = x[j] ** (i + 1) + (table[i - 1][j] if i else 0.0)
    return table[1][1] * table[1][2] + table[0][0]


def arrays_written(x):
    rows = [np.zeros(2) for _ in range(3)]
    for i in range(3):
        rows[i][0] = x[i] ** 2
        rows[i][1] += x[i - 1]
    return sum(row[0] * row[1] for row in rows)


def distance(a, b):
    table = [[float("inf")] * (len(b) + 1) for _ in range(len(a) + 1)]
    table[0][0] = 0.0
    for i in range(1, len(a) + 1):
        for j in range(1, len(b) + 1):
            table[i][j] = (a[i - 1] - b[j - 1]) ** 2 + min(table[i - 1][j], table[i][j - 1], table[i - 1][j - 1])
    return table[len(a)][len(b)]


def changed_in_place(w, b):
    params = [w * 1, b * 1]
    first = params[0]
    for i in range(2):
        params[i] -= 0.1 * params[i] ** 2
    return first.sum() * (params[1] ** 2).sum()


def rows_shared(x):
    table = [[0.0] * 3] * 2
    for i in range(2):
        for j in range(3):
            table[i][j] += x[j] ** (i + 1)
    return table[0][0] * table[1][1]


def arrays_by_data(x):
    rows = [x * 2, x ** 2]
    return rows[int(x[0] > 0)].sum()


@pytest.mark.parametrize(("f", "args"), [
    (params_updated, (A, X)), (distance, (X, np.array([0.1, 0.5, -0.4, 0.9]))), (changed_in_place, (A, X)), (rows_shared, (X,)), (rmsprop, (A, X)), (table_of_rows, (X,)), (arrays_written, (X,)), (arrays_by_data, (X,)),
    (lambda x: (lambda a, b: a * b)(*(v * v for v in (x, 2 * x))), (1.2,)),
])
def test_lists(f, args):
    srcad.check_grad(f, *args)


def test_a_table_as_long_as_an_argument_says():
    def f(x, n):
        table = [[0.0] * n, [1.0] * n]
        for i in range(1, n):
            table[0][i] = table[0][i - 1] + x * table[1][i]
            table[1][i] = table[0][i] * x
        return table[1][n - 1]

    for n in (2, 4):
        srcad.check_grad(f, 0.7, n)


def test_a_generator_is_unpacked():
    def f(x, y):
        a, b = (v * v for v in (x, y))
        return a * b + a

    srcad.check_grad(f, 1.2, -0.4)


# ---- the function's own options

def test_options_are_taken_out():
    def f(x, **options):
        power = options.pop("power", 2)
        options["scale"] = options.setdefault("scale", 3.0) * x
        return options["scale"] * x ** power + len(options)

    assert np.isclose(srcad.grad(f)(1.5), 27 * 1.5 ** 2 / 3)
    assert np.isclose(srcad.grad(f, wrt="x")(1.5, power=3, scale=2.0), 8 * 1.5 ** 3)
    srcad.check_grad(f, 1.5, wrt="x", scale=2.0)


# ---- what is drawn from a generator made inside

@pytest.mark.parametrize("make", [np.random.default_rng, np.random.RandomState])
def test_a_generator_made_inside(make):
    def f(x, seed):
        rng = make(seed)
        noise = rng.normal(0.0, 1.0, x.shape)
        for _ in range(2):
            x = x * rng.uniform(size=3) + noise
        return np.sum(x ** 2)

    srcad.check_grad(f, X, 3, wrt="x")


@pytest.mark.parametrize("f", [
    lambda x: np.random.default_rng(0).permutation(x)[0],
    lambda x: np.random.default_rng(0).choice(x, 3)[0],
    lambda x: np.random.default_rng(0).normal(x, 1.0).sum(),
    lambda x: np.random.normal(0.0, x[0], 3).sum(),
])
def test_a_draw_that_depends_on_what_is_differentiated_is_refused(f):
    with pytest.raises(srcad.MissingRuleError, match="Draw without it"):
        srcad.grad(f)(X)


def test_a_choice_by_weights():
    def f(x):
        p = np.exp(x) / np.exp(x).sum()
        return np.log(p[np.random.default_rng(0).choice(len(x), p=p)]) * 3

    srcad.check_grad(f, X)


def test_a_draw_is_moved():
    def f(mean, scale, x):
        rng = np.random.Generator(np.random.PCG64(1))
        return ((mean + scale * rng.standard_normal(3)) * x[rng.permutation(len(x))]).sum() * (1 + rng.binomial(1, 0.5))

    srcad.check_grad(f, 0.3, 1.2, X)


# ---- copies

def array_copied(p):
    q = np.array(p, copy=True)
    q[0] = q[1] * p[0]
    return (q * p).sum()


def copied_in_c_order(a):
    b = a.copy()
    b[:, 0] *= a[:, 1]
    return (b.ravel() ** 2)[1:].sum()


@pytest.mark.parametrize(("f", "args"), [(array_copied, (X,)), (copied_in_c_order, (A,)), (copied_in_c_order, (np.asfortranarray(A),))])
def test_copies(f, args):
    srcad.check_grad(f, *args)


# ---- widths of a border

def padded(x, pad=1):
    return (np.pad(x, ((0, 0), (pad, pad)), mode="constant")[:, :3] ** 2).sum()


def padded_by_half_a_filter(x, k):
    p = k.shape[0] // 2
    return (np.pad(x, ((p, p), (0, 0)))[:2] * k[0]).sum()


@pytest.mark.parametrize(("f", "args"), [(padded, (A,)), (padded, (A, 2)), (padded_by_half_a_filter, (A, X))])
def test_borders(f, args):
    srcad.check_grad(f, *args)


# ---- lists of constants

def neighbours(x, edges):
    total = 0.0
    for i in range(3):
        near = [j for (s, j) in edges if s == i]
        if not near:
            continue
        total += (x[near] ** 2).sum() * x[i]
    return total


def neighbours_summed(x, edges):
    total = 0.0
    for i in range(2):
        near = [j for (s, j) in edges if s == i]
        total += sum(x[k] ** 2 for k in near)
    return total


def labels_apart(x, labels):
    extended = [0]
    for label in labels:
        extended += [label, 0]
    total = 0.0
    for s in range(len(extended)):
        if s > 1 and extended[s] != extended[s - 2]:
            total += x[extended[s]] ** 2
    return total


def first_positive(x):
    found = [v for v in x if v > 0]
    if not found:
        return 0.0
    return found[0] ** 2 + x.sum()


@pytest.mark.parametrize(("f", "args"), [
    (neighbours, (X, [(0, 1), (2, 0), (0, 2)])), (neighbours_summed, (X, [(0, 1), (0, 2), (1, 0)])), (labels_apart, (X, [1, 2, 2])),
    (first_positive, (X,)), (first_positive, (-np.ones(3),)),
])
def test_lists_of_constants(f, args):
    srcad.check_grad(f, *args, wrt="x")
    np.testing.assert_allclose(np.asarray(srcad.grad(f)(*args) if len(args) == 1 else srcad.grad(f)(*args)[0]), srcad.grad(f, wrt="x")(*args))


# ---- results whose shape only the run can tell

def least_but_one(x):
    return x[np.argpartition(x, 1)[1]] ** 2


def counted(x):
    return np.count_nonzero(x) * x[0]


def shrinking(x):
    d = x * x
    while len(d) > 1:
        d = d[:-1] + d[1:]
    return d[0]


@pytest.mark.parametrize("f", [least_but_one, counted, shrinking])
def test_one_number_that_only_the_run_can_tell(f):
    srcad.check_grad(f, X)
    value, dx = srcad.value_and_grad(f)(X)
    assert value == f(X)
    np.testing.assert_array_equal(dx, srcad.grad(f)(X))


@pytest.mark.parametrize("f", [
    lambda x: x[np.lexsort((x,))[:1]],
    lambda x: x[np.lexsort((x,))[:2]],
    lambda x: x[np.lexsort((x,))[0]] * (1 + 2j),
])
def test_the_run_tells_that_it_is_not_one_number(f):
    with pytest.raises(srcad.SeedError, match="needs (one|a) real number"):
        srcad.grad(f)(X)


# ---- what loops run over

def backwards(x):
    total = 0.0
    for i in range(len(x))[::-1]:
        total = total * 0.5 + x[i] ** 2
    return total


def part_of_a_range(x):
    total = 0.0
    for i in range(len(x))[1:]:
        total = total * 0.5 + x[i] ** 2
    for i in reversed(range(6)[::-1][::2]):
        total = total * x[i // 2]
    return total


def pairs_of_a_product(a):
    total = 0.0
    for i, j in itertools.product(range(2), range(3)):
        total = total * 0.7 + a[i, j] ** 2
    return total


def pairs_of_combinations(x):
    return sum(x[i] * x[j] ** 2 for i, j in itertools.combinations(range(len(x)), 2))


def places_of_an_array(a):
    total = 0.0
    for i, j in np.ndindex(a.shape):
        total += a[i, j] ** 2 * (i + j)
    for place in np.ndindex(2, 3):
        total += a[place] ** 3
    return total


def in_order(x):
    s = sorted(x)
    t = sorted([x[0], x[1] * 2], reverse=True)
    return s[0] + 2 * s[-1] ** 2 + t[0] * 3


def keys_in_order(params, x):
    for k in sorted(params):
        x = x * params[k]
    return x.sum()


def furthest(x):
    best = max(range(len(x)), key=lambda i: x[i] ** 2)
    return x[best] ** 3 + min(x, key=lambda v: abs(v)) + max([x * 2, x ** 2], key=np.sum)[0]


def in_order_of_keys(x):
    order = sorted(range(len(x)), key=lambda i: x[i])
    falling = sorted([x[0] * 2, x[1], x[2]], key=lambda v: v ** 2, reverse=True)
    words = sorted([("b", 2), ("a", 3)], key=lambda pair: pair[0])
    return x[order[0]] * x[order[-1]] ** 2 + falling[0] * 3 + falling[2] * words[0][1]


def enumerated(x):
    a = np.zeros((3, 3))
    for (i, j), w in np.ndenumerate(np.eye(3)):
        a[i, j] = x[i] * x[j] ** 2 + w
    for (i,), v in np.ndenumerate(x):
        a[i, 0] *= v
    rows, columns = np.indices((3, 3))
    return (a @ x).sum() + (x[rows] * x[columns] ** 2).sum()


def enumerated_while_changed(x):
    y = x * 1.0
    total = 0.0
    for (i,), v in np.ndenumerate(y):
        total += v ** 2
        y[2] = total * x[i]
    return total


@pytest.mark.parametrize(("f", "args"), [
    (in_order_of_keys, (X,)), (enumerated, (X,)), (enumerated_while_changed, (X,)),
    (backwards, (X,)), (part_of_a_range, (X,)), (pairs_of_a_product, (A,)), (pairs_of_combinations, (X,)), (places_of_an_array, (A,)), (in_order, (X,)),
    (keys_in_order, ({2: X, 1: X * 2}, X)), (furthest, (X,)),
])
def test_what_loops_run_over(f, args):
    srcad.check_grad(f, *args)


def test_a_product_is_run_over_once():
    def f(x):
        pairs = itertools.product(range(2), range(2))
        return sum(x[i] for i, j in pairs) + sum(x[j] for i, j in pairs)

    with pytest.raises(srcad.UnsupportedSyntaxError, match="a second time"):
        srcad.grad(f)(X)


# ---- functions of NumPy

def grid(k):
    ys, xs = np.mgrid[0:2, 0:3]
    rows, columns = np.ogrid[0:2, -1:1:5j]
    return (np.sin(k * xs) * ys).sum() + np.cos(rows * k + columns).sum() + (np.mgrid[0:1:0.25] * k).sum()


def grid_of_a_size(k, n):
    return (np.mgrid[0:n, 0:n][0] * k ** 2).sum()


def written_in_order(a):
    b = np.ascontiguousarray(a.T)
    return (b * np.asfortranarray(b)).ravel()[1:].sum()


def options(P, x):
    for k in P:
        P[k] *= 0.9
    return (P["W"] * x).sum() * P["V"].sum()


def quadrature(x):
    nodes, weights = np.polynomial.legendre.leggauss(4)
    return np.sum(weights * np.sin(x * nodes + x))


def step_of_a_grid(a):
    x, h = np.linspace(0, a, 5, retstep=True)
    y, g = np.linspace(a, 2.0, num=4, endpoint=False, retstep=True)
    return np.sum(np.sin(x)) * h + np.sum(y ** 2) * g


@pytest.mark.parametrize(("f", "args"), [
    (lambda a: np.full((2, 2), fill_value=a ** 2).sum(), (1.2,)), (lambda x, a: np.clip(x, min=-a).sum(), (X, 0.5)),
    (lambda x, a: (np.clip(a, a_min=x, a_max=None) ** 2).sum(), (X, 0.5)), (lambda x, a: (np.clip(x, max=a, min=0.1 * a) ** 2).sum(), (X, 0.5)),
    (lambda x, a: np.einsum("i,i", x, [a, 1.0, a ** 2]), (X, 1.2)), (lambda x: sum(y * y for v in x if (y := v * 2) is not None), (X,)),
    (grid, (0.7,)), (grid_of_a_size, (0.7, 3)), (written_in_order, (A,)), (quadrature, (0.7,)), (step_of_a_grid, (1.3,)),
    (lambda x: x * 2 if np.isscalar(x) else x.sum(), (1.2,)), (lambda x: x * 2 if np.isscalar(x) else x.sum(), (X,)),
    (lambda x: (np.maximum.accumulate(x) ** 2).sum(), (X,)), (lambda a: (np.minimum.accumulate(a) ** 2).sum(), (A,)),
    (lambda x, a: (np.multiply.outer(x, a) ** 2).sum(), (X, A)), (lambda x, a: (np.subtract.outer(x, a) ** 2).sum(), (X, 1.3)),
    (options, ({"W": X, "V": A}, 1.2)),
])
def test_functions_of_numpy(f, args):
    srcad.check_grad(f, *args)


# ---- patterns

def commands(x, command):
    match command:
        case ("scale", k):
            return x * k
        case ["pow", k, *rest, last]:
            return x ** k + len(rest) * x * last
        case [*_, k]:
            return x * k ** 2
    return -x


@pytest.mark.parametrize("command", [("scale", 2.0), ["pow", 3.0, 1.0, 2.0, 0.5], ["other", 1.0, 4.0]])
def test_a_star_in_a_pattern(command):
    srcad.check_grad(commands, 1.2, command)


# ---- copies of lists and dicts, dicts put together, limits

def copied_deep(params, x):
    own = copy.deepcopy(params)
    own["W0"] *= 2
    shallow = copy.copy(params)
    shallow["b0"] = x[:2]
    y = copy.copy(x)
    y[0] = 2.0
    return (own["W0"] * params["W0"]).sum() + (shallow["b0"] * params["b0"]).sum() + (x * y).sum()


def put_together(params, x):
    both = params | {"b0": x[:2], "c": x}
    again = both
    again |= {"d": x ** 2}
    return both["b0"].sum() * both["W0"].sum() + (both["c"] * both["d"]).sum()


def limits(x):
    return (x * (1 + np.finfo(float).eps) / np.finfo(x.dtype).max * 1e308).sum()


@pytest.mark.parametrize(("f", "args"), [(copied_deep, (layers(), X)), (put_together, (layers(), X)), (limits, (X,))])
def test_copies_and_dicts(f, args):
    srcad.check_grad(f, *args)


def test_an_argument_is_not_put_together_in_place():
    def f(params, x):
        params |= {"b": x}
        return params["b"] * params["a"]

    with pytest.raises(srcad.UnsupportedSyntaxError, match="outlives the call"):
        srcad.grad(f)({"a": 2.0}, 1.0)


@pytest.mark.parametrize("f", [
    lambda x: copy.deepcopy([[x[0]], x])[0][0] * x[1],
    lambda x: copy.deepcopy((x, {"a": x[1:]}))[1]["a"].sum() * x[0],
])
def test_deep_copies(f):
    srcad.check_grad(f, X)


def test_what_lies_in_two_places_is_one_thing_in_the_copy():
    def f(x):
        row = [x[0], x[1]]
        rows = copy.deepcopy([row, row])
        rows[0][0] = x[2] ** 2
        return rows[1][0]

    srcad.check_grad(f, X)


def shifted_in_place(W, X, y):
    f = X @ W
    f -= np.max(f, axis=1, keepdims=True)
    p = np.exp(f) / np.sum(np.exp(f), axis=1, keepdims=True)
    return -np.mean(np.log(p[np.arange(len(X)), y]))


def shifted_and_squared(W, X, y):
    f = X @ W
    f -= f.max()
    return np.sum(f ** 2)


def test_a_maximum_taken_away_in_place():
    X, W, y = np.cos(np.arange(12.0)).reshape(4, 3), np.sin(np.arange(15.0)).reshape(3, 5), np.array([0, 2, 1, 4])
    for program, kept in ((shifted_in_place, False), (shifted_and_squared, True)):
        gradient = srcad.grad(program, wrt="W")
        gradient.check(W, X, y)
        assert ("mask" in gradient.source_for(W, X, y)) == kept
