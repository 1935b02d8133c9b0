"""Forward mode: values and tangents in one function, against the pullback and against golden files."""
from __future__ import annotations

import copy
import random
from typing import Any, NamedTuple

import golden_programs
import numpy as np
import pytest
import random_programs
import test_found_loops
import test_pairs
from test_golden import compare

import srcad
from srcad.api import Gradient
from srcad.operators import pushed

X = np.array([0.3, -0.8, 1.4, 0.6])
M = np.array([[0.5, 1.1, -0.7], [0.2, -0.4, 0.9]])
PROGRAMS = [*test_found_loops.CASES, *test_pairs.CASES, *((getattr(golden_programs, function), args) for args, function in golden_programs.CASES.values())]


def like(value: Any, rng: np.random.Generator) -> Any:
    """A random tangent for an argument."""
    if isinstance(value, dict):
        return {k: like(v, rng) for k, v in value.items()}
    if isinstance(value, (list, tuple)):
        return type(value)(*(like(v, rng) for v in value)) if hasattr(value, "_fields") else type(value)(like(v, rng) for v in value)
    if isinstance(value, np.ndarray):
        return rng.standard_normal(value.shape) if value.dtype.kind in "fiu" else value
    return float(rng.standard_normal()) if isinstance(value, (int, float)) and not isinstance(value, bool) else value


def product(gradient: Any, tangent: Any) -> float:
    if gradient is None or isinstance(gradient, str):
        return 0.0
    if isinstance(gradient, dict):
        return sum(product(g, tangent[k]) for k, g in gradient.items())
    if isinstance(gradient, (list, tuple)):
        return sum(product(g, t) for g, t in zip(gradient, tangent, strict=True))
    return float(np.sum(np.asarray(gradient) * np.asarray(tangent)))


def agrees(f: Any, args: tuple[Any, ...], *, ahead: bool = True) -> None:
    """The tangent in a random direction is the gradient times the direction; arguments and directions stay what they were."""
    pair = Gradient(f, None, mode="pair")
    tangents = tuple(like(a, np.random.default_rng(2)) for a in args)
    given = copy.deepcopy(tangents)
    own = copy.deepcopy(args)
    value, tangent = srcad.jvp(pair, own, given if len(pair.names) > 1 else given[0])
    for a, b in zip((own, given), (args, tangents)):
        np.testing.assert_equal(a, b)
    out, pullback = srcad.vjp(f, *copy.deepcopy(args))
    pulled = pullback(1.0)
    np.testing.assert_allclose(value, out)
    wanted = product(pulled, tangents if len(pair.names) > 1 else tangents[0])
    single = any(getattr(a, "dtype", None) == np.float32 for a in args)
    assert float(tangent) == pytest.approx(wanted, rel=1e-5 if single else 1e-8, abs=1e-10)
    if ahead:
        assert pair._pushforward(copy.deepcopy(args), {}) is not None


@pytest.mark.parametrize(("f", "args"), PROGRAMS, ids=lambda v: getattr(v, "__name__", ""))
def test_the_tangent_is_what_the_gradient_says(f, args):
    agrees(f, args, ahead=False)


@pytest.mark.parametrize("seed", range(1000, 1040))
def test_random_programs(seed):
    program = random_programs.random_program(random.Random(seed))
    args = program.points[0]
    try:
        value = program.function(*random_programs.copies(args))
        srcad.vjp(program.function, *random_programs.copies(args))
    except Exception:
        pytest.skip("it does not run here, or is refused")
    if np.ndim(value) or not abs(value) < 1e3:
        pytest.skip("it leaves the range of numbers")
    try:
        agrees(program.function, args, ahead=False)
    except srcad.SrcadError:
        pytest.skip("its pullback is not transposed")


@pytest.mark.parametrize("name", ["staged", "max_gate", "softmax_loss", "nested", "jacobi", "runge_kutta", "newton_root", "character_rnn", "cumulative_product"])
def test_text(name, update_golden):
    args, function = golden_programs.CASES[name]
    compare(f"forward_{name}", srcad.grad(getattr(golden_programs, function)).source_for(*args, mode="forward"), update_golden)


def popped_and_dropped(x):
    values = [x[0], x[1]]
    for v in x:
        values.append(v)
        values.pop()
        values.append(v * v)
    return sum(values)


def same_product(x, y):
    return (x * y).sum() * x.sum() - np.sum(x * y * (x * y).sum())


def mean_used_before_it_is_named(x):
    spread = x.var()
    centred = x - np.mean(x)
    return spread * np.sum(centred ** 3)


def joined_memory(x, s):
    y = np.array([s * t for t in x]) if s > 0.2 else x * 2
    for i in range(3):
        y[i] += y[i + 1] * s
    return np.sum(y ** 2)


def number_spread_over_memory(x):
    y = np.zeros(4) + np.prod(x)
    y[1] *= x[0]
    return np.sum(np.sin(y))


def tangent_of_a_sum_with_what_changes(x):
    y = x + 1
    z = x.reshape(2, 2).ravel()
    x *= 2
    return np.sum(x * y * z.copy())


def unpacked_before_a_loop(p):
    a, b = p
    for _ in range(2):
        a = a * b
    return a


def unpacked_before_a_branch(p):
    a, b = p
    if a > 1:
        a = a * b
    return a * b


def written_into_a_part_of_an_argument(p):
    w, b = p
    w -= 0.1 * w ** 2
    return np.sum(w) * b


def set_on_one_path(x):
    for v in x:
        if v > 1:
            found = v * v
            break
    else:
        found = x[0]
    return found * x[1]


def writes_its_argument(x):
    x[1:] *= x[:-1]
    view = x[::-1]
    view[0] = np.sin(view[1])
    return np.sum(x)


def chosen(x, y):
    return max(x, y) * min(x, 0.5) + (x if x > y else y * y)


def without_a_tangent_on_one_path(x, n):
    b = 0.0
    i = 0
    while i < n and b < 5:
        i += 1
        x = b
    return x * 3.0


@pytest.mark.parametrize(("f", "args"), [
    (without_a_tangent_on_one_path, (1.5, 2)), (without_a_tangent_on_one_path, (1.5, 0)), (popped_and_dropped, (X,)), (same_product, (X, X[::-1].copy())), (mean_used_before_it_is_named, (X,)), (joined_memory, (X, 0.7)), (joined_memory, (X, 0.1)),
    (set_on_one_path, (X,)), (tangent_of_a_sum_with_what_changes, (X,)), (unpacked_before_a_loop, ((1.2, 0.5),)), (unpacked_before_a_branch, ([1.2, 0.5],)),
    (written_into_a_part_of_an_argument, ((X, 0.5),)), (number_spread_over_memory, (X,)), (writes_its_argument, (X,)), (chosen, (0.3, 0.7)), (chosen, (2, 1)),
    (lambda x: np.sum(np.full(3, x) * np.linspace(x, 2.0, 3)), (0.4,)), (lambda x: np.linalg.norm(x) + np.sum(np.linalg.norm(x, axis=0)), (M,)),
    (lambda x: np.sum(np.cov(x) ** 2), (M,)),
], ids=str)
def test_small_programs(f, args):
    agrees(f, args, ahead=f.__name__ != "<lambda>")


def test_results_in_their_structure():
    def f(p):
        return p["w"] @ p["x"] + p["b"], [p["b"] * 2, 3.0], {"x": p["x"]}

    args = {"w": M, "x": X[:3], "b": 1.5}
    dots = {"w": np.cos(M), "x": np.sin(X[:3]), "b": 0.5}
    value, tangent = srcad.jvp(f, (args,), dots)
    np.testing.assert_allclose(tangent[0], np.cos(M) @ X[:3] + M @ np.sin(X[:3]) + 0.5)
    assert tangent[1] == [1.0, 0.0] and type(tangent) is type(value) is tuple
    np.testing.assert_array_equal(tangent[2]["x"], dots["x"])
    assert not np.shares_memory(tangent[2]["x"], dots["x"])


def test_what_no_forward_rule_is_known_for_is_transposed():
    S = M @ M.T + np.eye(2)
    gradient = srcad.grad(lambda a: np.linalg.eigvalsh(a)[0])
    value, tangent = pushed(gradient, (S,))(np.eye(2))
    assert tangent == pytest.approx(1.0) and value == pytest.approx(np.linalg.eigvalsh(S)[0])
    assert "_push(tangents, dout" in gradient.source_for(S, mode="forward")
    assert gradient._pushforward((S,), {}) is None and len(gradient.transposed) == 1


def test_what_the_reverse_mode_refuses_is_refused():
    with pytest.raises(srcad.MissingRuleError, match="the mode 'maximum'"):
        srcad.jvp(lambda x: np.pad(x, 1, mode="maximum"), (X,), X)


def test_modes_are_named():
    with pytest.raises(srcad.SrcadError, match="'reverse' or 'forward', not 'both'"):
        srcad.grad(lambda x: x).source_for(1.0, mode="both")


class Pair(NamedTuple):
    a: float
    b: float


def test_named_tuples_stars_and_one_tuple():
    assert srcad.jvp(lambda t: t.a * t.b, (Pair(1.2, 0.4),), (Pair(1.0, 0.0),)) == (0.48, 0.4)
    assert srcad.jvp(lambda t: t[0] * t[1], ((1.2, 0.4),), ((1.0, 0.0),)) == (0.48, 0.4)

    def product(*xs):
        return xs[0] * xs[1]

    assert srcad.jvp(product, (1.2, 0.4), (1.0, 1.0)) == (0.48, 1.6)


def crossed(a, b):
    n = a.shape[0]
    if n <= 1:
        return a * b
    h = n // 2
    return crossed(a[:h], b[:h]) + crossed(a[:h], b[h:]) + crossed(a[h:], b[h:]) + crossed(a[h:], b[:h])


def test_a_recursion_over_halves():
    agrees(lambda a, b: crossed(a, b)[0], (X, np.cos(X)))



def energy_kept(p):
    p["v"] -= p["x"]
    return np.sum(p["v"] ** 2)


def symplectic(p):
    for _ in range(3):
        p["v"] -= 0.1 * p["x"]
        p["x"] += 0.1 * p["v"] ** 2
    return np.sum(p["x"] ** 2)


def named_too(p):
    q = p["v"]
    q -= p["x"]
    p["v"][1:] += p["x"][1:] ** 2
    p["v"] *= p["x"]
    return np.sum(p["v"] ** 2)


@pytest.mark.parametrize("f", [energy_kept, symplectic, named_too])
def test_arrays_that_a_container_holds_change_with_their_tangents(f):
    x, v, dx, dv = np.random.default_rng(0).normal(size=(4, 3))

    def at(h):
        return {"x": x + h * dx, "v": v + h * dv}

    tangent = {"x": dx, "v": dv}
    assert srcad.jvp(f, (at(0),), tangent)[1] == pytest.approx((f(at(1e-6)) - f(at(-1e-6))) / 2e-6, rel=1e-6)
    gradient, product = srcad.grad(f), srcad.hvp(f)(at(0), tangent)
    ahead, behind = gradient(at(1e-6)), gradient(at(-1e-6))
    for key in "xv":
        np.testing.assert_allclose(product[key], (ahead[key] - behind[key]) / 2e-6, rtol=1e-5, atol=1e-7)
