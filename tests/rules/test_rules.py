"""Every derivative rule, alone and through the compiler, beside finite differences."""
from __future__ import annotations

import inspect
import math
import operator
import sys
from collections.abc import Callable
from functools import lru_cache
from pathlib import Path
from typing import Any

import numpy as np
import pytest

sys.path.insert(0, str(Path(__file__).parent))

import scipy.integrate  # noqa: E402
import scipy.linalg  # noqa: E402
import scipy.special  # noqa: E402,F401
from cases import CASES, LABELS, Case, Program, is_float, label_of, name_of, number_of, program  # noqa: E402
from test_complex import TRANSFORMS  # noqa: E402
from harness import STEP, assert_apart, assert_close, assert_kind, differences, flat, function_of, seed_like, weighted  # noqa: E402

import srcad  # noqa: E402
from srcad.api import Gradient  # noqa: E402
from srcad.rules import LOADERS, RULES, load  # noqa: E402
from srcad.runtime import unbroadcast  # noqa: E402
from srcad.specials import SPECIAL  # noqa: E402
from srcad.testing import check_rule  # noqa: E402

for prefix in list(LOADERS):
    load(prefix)

NUMBERED = list(enumerate(CASES))
EVERY = list(range(len(CASES)))
WITH_ARRAYS = [i for i, case in NUMBERED if any(isinstance(v, np.ndarray) for v in program(case).arguments.values())]
WITH_LISTS = [i for i, case in NUMBERED if all(isinstance(v, (list, tuple)) and any(map(is_float, flat(v))) for v in case.operands)]
OF_SEVERAL = [i for i, case in NUMBERED if len(program(case).wrt) > 1]


def over(numbers: list[int], one_in: int = 1, salt: str = "") -> Any:
    """A parametrisation over cases, by their names; of which one in so many are tried, chosen by name: a new case moves no other."""
    tried = [i for i in numbers if number_of(LABELS[i] + salt) % one_in == 0]
    return pytest.mark.parametrize("number", [pytest.param(i, id=LABELS[i]) for i in tried])


def is_smooth(value: Any) -> bool:
    """Whether differences along any direction can be taken."""
    return not isinstance(value, np.ndarray) or bool(np.all(np.isfinite(value)))


@lru_cache(None)
def built(number: int) -> tuple[Program, Callable[..., Any], Any]:
    """A case's program, its function, and its gradient."""
    made = program(CASES[number])
    f = function_of(made.text)
    return made, f, srcad.grad(f, wrt=made.wrt)


def pulled(gradient: Any, arguments: dict[str, Any], seed: Any) -> tuple[Any, ...]:
    """The gradients of `sum(seed * f)`, as a tuple."""
    _, pullback = srcad.vjp(gradient, *arguments.values())
    found = pullback(seed)
    return found if isinstance(found, tuple) else (found,)


def seed_of(value: Any) -> Any:
    return seed_like(value, np.random.default_rng(3))


# ---- the table

OF_COMPLEX = {complex, *(eval(label, {"np": np, "scipy": scipy}) for label in TRANSFORMS)}  # their cases, complex ones, are in tests/test_complex.py


ELSEWHERE = {scipy.integrate.odeint}  # tested in tests/test_odes.py


def test_every_rule_has_a_case() -> None:
    covered = {case.function for case in CASES} | OF_COMPLEX | ELSEWHERE
    missing = [name_of(f) for f, rule in RULES.items() if not rule.user and f not in covered]
    assert not missing, f"no case for {', '.join(missing)}"


def test_every_operand_of_every_rule_is_differentiated_by_some_case() -> None:
    seen: dict[Any, set[int]] = {}
    for case in CASES:
        if case.function in RULES:
            given, _ = bound_to(RULES[case.function], case.function, list(case.operands), case.keywords)
            seen.setdefault(case.function, set()).update(i for i, v in enumerate(given) if any(map(is_float, flat(v))))
    for function, rule in RULES.items():
        if rule.user or rule.variadic or function in OF_COMPLEX | ELSEWHERE:
            continue
        wanted = {i for i, label in enumerate(rule.operands) if label not in STEERING.get(name_of(function), ())}
        assert wanted <= seen.get(function, set()), name_of(function)


STEERING: dict[str, tuple[str, ...]] = {  # operands that are not differentiated
    "np.ldexp": ("i",), "math.ldexp": ("i",), "np.where": ("condition",), "np.fft.fftfreq": ("n",), "np.fft.rfftfreq": ("n",), "np.full": ("shape",), "np.nextafter": ("x2",),
    "special.iv": ("v",), "special.ive": ("v",), "special.jv": ("v",), "special.yv": ("v",), "special.yn": ("v",), "special.kv": ("v",), "special.kve": ("v",), "special.kn": ("v",), "special.polygamma": ("n",),
    **{f"stats.poisson.{label}": ("k",) for label in ("logpmf", "pmf")}, "stats.multivariate_normal.entropy": ("mean",), "stats.binom.logpmf": ("k", "n"), "stats.bernoulli.logpmf": ("k",),
    **{f"stats.{name}.{label}": ("a", "b", "df") for name in ("gamma", "chi2", "t", "beta") for label in ("cdf", "sf", "logcdf", "logsf")},
    "runtime.unbroadcast": ("x",), "special.gammainc": ("a",), "special.gammaincc": ("a",), "special.betainc": ("a", "b"),
}


@pytest.mark.parametrize("function", [np.multiply, np.matmul, np.sum, math.hypot, np.concatenate, np.linalg.solve, np.modf], ids=name_of)
def test_check_rule_agrees(function: Callable[..., Any]) -> None:
    case = next(case for case in CASES if case.function is function)
    check_rule(function, *case.operands, **case.keywords)


SMALLEST = {case.function: case for case in reversed(CASES) if case.function in RULES and all(map(is_smooth, flat([*case.operands, *case.keywords.values()])))}


@pytest.mark.parametrize("function", SMALLEST, ids=name_of)
def test_check_rule_agrees_with_every_rule(function: Callable[..., Any]) -> None:
    case = SMALLEST[function]
    with np.errstate(all="ignore"):
        check_rule(function, *[described(v, isinstance(v, float) and "math" not in name_of(function) and "." in name_of(function)) for v in case.operands], **case.keywords)


def test_labels_are_distinct() -> None:
    assert len(set(LABELS)) == len(CASES)


# ---- rules alone

@over(EVERY)
def test_rule_alone(number: int) -> None:
    """A rule is an ordinary function of arrays: no compiler is needed to check it."""
    case = CASES[number]
    function = ON_ARRAYS.get(case.function, case.function) if number in WITH_ARRAYS else case.function
    if function in SPECIAL and function not in RULES:
        pytest.skip("it is looked through")
    operands = [described(v, number in WITH_ARRAYS) for v in case.operands]
    value = function(*operands, **case.keywords)
    seed = seed_of(value)
    rule = RULES[function]
    given, parameters = bound_to(rule, function, operands, case.keywords)
    active = {"active": tuple(any(map(is_float, flat(v))) for v in given)} if rule.wants_active else {}
    found = rule.function(seed, value, *given, **parameters, **active)
    for i, (operand, adjoint) in enumerate(zip(operands, found) if all(a is b for a, b in zip(operands, given)) else ()):
        if adjoint is not None:
            for path, leaf, g in zip(paths(operand), flat(operand), flat(adjoint)):
                if is_float(leaf):
                    wanted = differences(replaced(function, operands, case.keywords, i, path), {"leaf": leaf}, "leaf", seed)
                    assert_close(unbroadcast(np.asarray(g), leaf), wanted)


def bound_to(rule: Any, function: Callable[..., Any], operands: list[Any], keywords: dict[str, Any]) -> tuple[list[Any], dict[str, Any]]:
    """The operands of a rule and its parameters, of the arguments of its function."""
    try:
        labels = [p.name for p in inspect.signature(function).parameters.values()] if not isinstance(function, np.ufunc) else []
    except (TypeError, ValueError):
        labels = []
    if rule.variadic or not set(rule.operands) <= set(labels):
        named = [described(keywords.get(k), True) for k in rule.operands[len(operands) :]]
        return [*operands, *named], {k: v for k, v in keywords.items() if k not in rule.operands}
    everything = dict(zip(labels, operands)) | {k: described(v, k in rule.operands) for k, v in keywords.items()}
    return [everything.pop(k, None) for k in rule.operands], everything


ON_ARRAYS = {operator.pow: np.power, operator.mod: np.remainder}  # the compiler's rules for the operators, on arrays


def described(operand: Any, arrays: bool) -> Any:
    """An operand with the rank and shape that a rule reads; Python's numbers among themselves stay what they are."""
    return np.asarray(operand) if arrays and isinstance(operand, float) else operand


def paths(operand: Any, at: tuple[int, ...] = ()) -> list[tuple[int, ...]]:
    """Where each leaf of a structure is."""
    return [p for i, v in enumerate(operand) for p in paths(v, (*at, i))] if isinstance(operand, (list, tuple)) else [at]


def replaced(function: Callable[..., Any], operands: list[Any], keywords: dict[str, Any], i: int, path: tuple[int, ...]) -> Callable[...,
    Any]:
    """The function of one leaf of its operands."""
    def put(structure: Any, path: tuple[int, ...], leaf: Any) -> Any:
        if not path:
            return leaf
        return type(structure)([*structure[: path[0]], put(structure[path[0]], path[1:], leaf), *structure[path[0] + 1 :]])

    return lambda leaf: function(*operands[:i], put(operands[i], path, leaf), *operands[i + 1 :], **keywords)


# ---- through the compiler

@over(EVERY)
def test_compiled(number: int) -> None:
    made, f, _ = built(number)
    kept = {k: v.copy() if isinstance(v, np.ndarray) else v for k, v in made.arguments.items()}
    value, pullback = srcad.vjp(f, *made.arguments.values(), wrt=made.wrt)
    wanted = f(**made.arguments)
    for a, b in zip(flat(value), flat(wanted), strict=True):
        np.testing.assert_array_equal(a, b)
        assert type(a) is type(b)
    seed = seed_of(value)
    found = pullback(seed)
    assert isinstance(found, tuple) and len(found) == len(made.wrt)
    for name, g in zip(made.wrt, found):
        assert_kind(g, made.arguments[name])
        assert_close(g, differences(f, made.arguments, name, seed))
    assert_apart(found, list(made.arguments.values()), value, seed)
    for a, b in zip(found, pullback(seed)):
        np.testing.assert_array_equal(a, b)
    for name, before in kept.items():
        np.testing.assert_array_equal(made.arguments[name], before)


@over(OF_SEVERAL, one_in=2)
def test_each_operand_alone(number: int) -> None:
    """What is not differentiated is a constant to the rule, and changes nothing for the others."""
    made, f, gradient = built(number)
    seed = seed_of(f(**made.arguments))
    together = pulled(gradient, made.arguments, seed)
    for name, wanted in zip(made.wrt, together):
        found = pulled(srcad.grad(f, wrt=name), made.arguments, seed)[0]
        assert_kind(found, made.arguments[name])
        assert_close(found, wanted, rtol=1e-12, atol=1e-12)


@over(WITH_LISTS)
def test_lists_as_arguments(number: int) -> None:
    """A list that is an argument gets a list of gradients."""
    case = CASES[number]
    f = function_of(list_text(case))
    value, pullback = srcad.vjp(f, *case.operands, wrt=tuple("xy"[: len(case.operands)]))
    seed = seed_of(value)
    found = pullback(seed)
    made, _, gradient = built(number)
    assert [type(g) for g in found] == [type(x) for x in case.operands]
    for g, wanted, name in zip(flat(found), pulled(gradient, made.arguments, seed), made.wrt, strict=True):
        assert_kind(g, made.arguments[name])
        assert_close(g, wanted, rtol=1e-12, atol=1e-12)


def list_text(case: Case) -> str:
    names = ", ".join("xy"[: len(case.operands)])
    keywords = "".join(f", {k}={v!r}" if not isinstance(v, type) else f", {k}=np.{v.__name__}" for k, v in case.keywords.items())
    return f"def f({names}):\n    return {name_of(case.function)}({names}{keywords})\n"


# ---- dtypes

NARROW = [i for i in WITH_ARRAYS if all(isinstance(v, np.ndarray) for v in program(CASES[i]).arguments.values())]


@over(NARROW, one_in=2)
def test_float32(number: int) -> None:
    made, f, gradient = built(number)
    if "polydiv" in made.text:
        pytest.skip("how long its remainder is depends on the precision")
    narrow = {k: v.astype(np.float32) if is_float(v) else v for k, v in made.arguments.items()}
    wide = {k: v.astype(np.float64) if is_float(v) else v for k, v in narrow.items()}
    value = f(**narrow)
    seed = seed_of(value)
    found = pulled(gradient, narrow, seed)
    wanted = pulled(gradient, wide, widened(seed))
    for name, g, w in zip(made.wrt, found, wanted):
        assert_kind(g, narrow[name])
        assert_close(g, w, rtol=2e-4, atol=2e-4 * max(1.0, np.max(np.abs(w), initial=0)))


def widened(seed: Any) -> Any:
    return [widened(s) for s in seed] if isinstance(seed, list) else np.asarray(seed, float)


INTEGERS: list[tuple[str, tuple[Any, ...]]] = [
    ("x * y", (np.array([1, 2, 3]), np.array([[4], [5]]))), ("x / y", (np.array([1, 2, 3]), np.array(4))),
    ("np.sum(x, axis=0)", (np.arange(6).reshape(2, 3),)),
    ("np.mean(x)", (np.arange(6).reshape(2, 3),)), ("x @ y", (np.arange(6).reshape(2, 3), np.arange(3))),
    ("np.exp(x)", (np.array([0, 1]),)),
    ("x ** 2", (np.array([0, 1, -2]),)), ("x ** y", (np.array([1, 2, 3]), np.array([2, 1, 2]))), ("np.prod(x)", (np.array([1, 0, 3]),)),
    ("np.max(x)", (np.array([1, 4, 3]),)), ("np.var(x)", (np.array([1, 4, 3]),)), ("np.sqrt(x)", (np.array([1, 4]),)),
    ("abs(x)", (np.array([1, -4]),)),
    ("np.maximum(x, y)", (np.array([1, 4]), np.array([2, 3]))), ("np.concatenate([x, y])", (np.array([1, 4]), np.array([2.5]))),
    ("x.T @ x", (np.arange(6).reshape(2, 3),)),
    ("np.linalg.norm(x)", (np.array([3, 4]),)), ("np.where(x > 2, x, y)", (np.array([1, 4]), np.array([2, 3]))),
    ("np.einsum('ij->i', x)", (np.arange(6).reshape(2, 3),)),
    ("x * y", (3, -4)), ("x / y", (3, 4)), ("x ** y", (3, 2)), ("math.sin(x)", (3,)), ("math.hypot(x, y)", (3, 4)), ("abs(x)", (-3,)),
    ("max(x, y)", (3, -4)),
    ("x % y", (7, 4)), ("np.tanh(x)", (1,)), ("math.prod([x, y])", (3, 4)), ("float(x)", (3,)),
    ("np.stack([x, y])", (np.array(1), np.array(2))),
]


@pytest.mark.parametrize(("text", "operands"), INTEGERS, ids=[t for t, _ in INTEGERS])
def test_integers_are_differentiated_as_floats(text: str, operands: tuple[Any, ...]) -> None:
    compare_text(text, operands, [v.astype(float) if isinstance(v, np.ndarray) else float(v) for v in operands])


def compare_text(text: str, operands: tuple[Any, ...], points: list[Any] | None = None) -> None:
    """The pullback of an expression in x, y, z at the operands, beside finite differences at the points."""
    names = "xyz"[: len(operands)]
    f = function_of(f"def f({', '.join(names)}):\n    return {text}\n")
    value, pullback = srcad.vjp(f, *operands, wrt=tuple(names))
    seed = seed_of(value)
    at = dict(zip(names, operands if points is None else points))
    found = pullback(seed)
    for name, operand, g in zip(names, operands, found):
        assert_kind(g, operand)
        assert_close(g, differences(f, at, name, seed))
    assert_apart(found, list(operands), value, seed)


# ---- memory

def strided(x: Any) -> Any:
    """The same numbers, every second one of a longer array."""
    long = np.zeros(tuple(2 * n for n in x.shape), x.dtype)[(slice(None, None, 2),) * x.ndim]
    long[...] = x
    return long


def reversed_(x: Any) -> Any:
    """The same numbers, with negative strides."""
    backwards = (slice(None, None, -1),) * x.ndim
    return x[backwards].copy()[backwards]


def transposed(x: Any) -> Any:
    return x.T.copy().T


def frozen(x: Any) -> Any:
    x = x.copy()
    x.flags.writeable = False
    return x


LAYOUTS = {"strided": strided, "reversed": reversed_, "transposed": transposed, "fortran": lambda x: np.array(x, order="F"),
    "read-only": frozen}


LAID = [i for i in WITH_ARRAYS if all(v.size > 1 for v in program(CASES[i]).arguments.values() if isinstance(v, np.ndarray))]


@over(LAID, one_in=4)
def test_layouts(number: int) -> None:
    """How an argument lies in memory changes nothing."""
    made, f, gradient = built(number)
    seed = seed_of(f(**made.arguments))
    wanted = pulled(gradient, made.arguments, seed)
    for layout in LAYOUTS.values():
        arguments = {k: layout(v) if isinstance(v, np.ndarray) else v for k, v in made.arguments.items()}
        found = pulled(gradient, arguments, seed)
        for name, g, w in zip(made.wrt, found, wanted):
            assert_kind(g, arguments[name])
            assert_close(g, w, rtol=1e-10, atol=1e-10)
        assert_apart(found, list(arguments.values()), seed)


@over(LAID, one_in=6, salt="seed")
def test_layouts_of_the_seed(number: int) -> None:
    """A seed may lie anyhow in memory, be read-only, and is not changed."""
    made, f, gradient = built(number)
    seed = seed_of(f(**made.arguments))
    wanted = pulled(gradient, made.arguments, seed)
    for layout in LAYOUTS.values():
        laid = [lay(layout, s) for s in seed] if isinstance(seed, list) else lay(layout, seed)
        found = pulled(gradient, made.arguments, laid)
        for g, w in zip(found, wanted):
            assert_close(g, w, rtol=1e-10, atol=1e-10)
        assert_apart(found, laid)
        for a, b in zip(flat(laid), flat(seed)):
            np.testing.assert_array_equal(a, b)


@over(WITH_ARRAYS, one_in=5)
def test_code_serves_other_sizes(number: int) -> None:
    """A gradient that was compiled for some shapes is right, or compiled anew, for others."""
    made, f, gradient = built(number)
    pulled(gradient, made.arguments, seed_of(f(**made.arguments)))
    for grow in (doubled, shortened):
        arguments = {k: grow(v) if isinstance(v, np.ndarray) else v for k, v in made.arguments.items()}
        try:
            with np.errstate(all="ignore"):
                value = f(**arguments)
        except (ValueError, IndexError, np.linalg.LinAlgError, RuntimeWarning):
            continue
        if not all(np.all(np.isfinite(np.asarray(v, float))) for v in flat(value)) or "linalg" in made.text or "interp" in made.text or "ndimage" in made.text or "multivariate" in made.text:
            continue
        seed = seed_of(value)
        for name, g in zip(made.wrt, pulled(gradient, arguments, seed)):
            assert_kind(g, arguments[name])
            assert_close(g, differences(f, arguments, name, seed), rtol=1e-5, atol=1e-5 * max(1.0, np.max(np.abs(g), initial=0)))


def doubled(x: Any) -> Any:
    """Every axis twice as long, by new numbers near the old ones, but not so near that a step of the differences would change their order."""
    for axis in range(x.ndim):
        near, further = (np.concatenate([x, x * (factor + 0.03125 * axis) if x.dtype.kind == "f" else x], axis=axis) for factor in (1.0703125, 1.078125))
        x = further if np.min(np.diff(np.unique(near)), initial=1) < 4 * STEP else near
    return x


def lay(layout: Callable[[Any], Any], seed: Any) -> Any:
    return layout(seed) if np.ndim(seed) else seed


def shortened(x: Any) -> Any:
    """Every axis of length 1."""
    return x[(slice(0, 1),) * x.ndim].copy()


def test_labels_say_the_call() -> None:
    assert label_of(Case(np.sum, (np.ones((2, 3)),), {"axis": 0})) == "np.sum(x,axis=0):2x3"


# ---- forward mode

FORMS = {(c.function, tuple(sorted(c.keywords)), len(c.operands)): i for i, c in reversed(NUMBERED)}  # the first case of each calling form


@over(sorted(FORMS.values()))
def test_forward_mode(number: int) -> None:
    """The tangent along any direction is what the pullback says of it; forward mode needs a forward rule, which some functions lack."""
    made, f, _ = built(number)
    gradient = srcad.vjp(f, *made.arguments.values(), wrt=made.wrt)
    value, pullback = gradient
    rng = np.random.default_rng(5)
    seed, tangents = seed_like(value, rng), tuple(seed_like(made.arguments[name], rng) for name in made.wrt)
    pair = Gradient(f, made.wrt, mode="pair")
    if pair._pushforward(tuple(made.arguments.values()), {}) is None:
        pytest.skip("by the transpose of the pullback")
    out, tangent = srcad.jvp(pair, tuple(made.arguments.values()), tangents)
    for a, b, c in zip(flat(out), flat(value), flat(tangent), strict=True):
        np.testing.assert_array_equal(a, b)
        assert np.shape(c) == np.shape(b)
        assert np.asarray(c).dtype == np.asarray(b).dtype or np.asarray(b).dtype.kind != "f"
    wanted = weighted(pullback(seed), tangents)
    found = weighted(tangent, seed)
    scale = sum(float(np.sum(np.abs(np.asarray(g) * np.asarray(t)))) for g, t in zip(flat(pullback(seed)), flat(tangents)))
    assert abs(found - wanted) <= (1e-4 if is_single(made) else 1e-9) * (1 + scale)


def is_single(made: Program) -> bool:
    return any(np.asarray(v).dtype == np.float32 for v in flat(list(made.arguments.values())) if isinstance(v, (np.ndarray, np.floating)))
