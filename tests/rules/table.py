"""The table of cases for the derivative rules: how one is written down, what operands are drawn, how it reads as a program.

    case(np.sum, x, axis=0)        np.sum(x, axis=0)

Floats, arrays of floats and lists of them are differentiated; all else (numbers
that give a shape, strings, masks) steers.
"""
from __future__ import annotations

import builtins
import math
import operator
import zlib
from collections.abc import Callable, Iterator
from typing import Any, NamedTuple

import numpy as np
import scipy.integrate
import scipy.linalg
import scipy.ndimage
import scipy.signal
import scipy.special as sp
import scipy.stats
import srcad.runtime

rng = np.random.default_rng(7)
Draw = Callable[..., Any]


class Case(NamedTuple):
    """A call: a library function, its positional arguments and its keywords."""

    function: Callable[..., Any]
    operands: tuple[Any, ...]
    keywords: dict[str, Any]


CASES: list[Case] = []


def case(function: Callable[..., Any], *operands: Any, **keywords: Any) -> None:
    """Add a case; the next one's numbers hang on this one's name alone, so that a new case leaves all but its neighbour as they were."""
    CASES.append(Case(function, operands, keywords))
    rng.bit_generator.state = np.random.PCG64(number_of(label_of(CASES[-1]))).state


def number_of(label: str) -> int:
    """A number that a name has by itself."""
    return zlib.crc32(label.encode())


def signed(*shape: int) -> Any:
    """Numbers of either sign, away from 0."""
    return np.asarray(rng.uniform(0.3, 2, shape) * rng.choice([-1, 1], shape))


def positive(*shape: int) -> Any:
    return np.asarray(rng.uniform(0.4, 2.4, shape))


def unit(*shape: int) -> Any:
    """Numbers between -1 and 1, away from those and from 0."""
    return np.asarray(rng.uniform(0.1, 0.85, shape) * rng.choice([-1, 1], shape))


def fraction(*shape: int) -> Any:
    return np.asarray(rng.uniform(0.15, 0.85, shape))


def above_one(*shape: int) -> Any:
    return np.asarray(rng.uniform(1.2, 3, shape))


def regular(*shape: int) -> Any:
    """Square matrices far from singular."""
    return unit(*shape) + 2.5 * np.eye(shape[-1])


def definite(*shape: int) -> Any:
    """Symmetric positive definite matrices."""
    a = unit(*shape)
    return a @ np.swapaxes(a, -1, -2) + 2 * np.eye(shape[-1])


def apart(*shape: int) -> Any:
    """Numbers no two of which are near one another."""
    return (rng.permutation(math.prod(shape)) * 0.1875 - 1.53125).reshape(shape)


def mask(*shape: int) -> Any:
    """About half of the elements, and the first one always."""
    out = rng.random(shape) < 0.5
    out[(slice(0, 1),) * len(shape)] = True
    return out


SPELLED: dict[Callable[..., Any], str] = {
    operator.add: "{} + {}", operator.sub: "{} - {}", operator.mul: "{} * {}", operator.truediv: "{} / {}", operator.pow: "{} ** {}",
    operator.mod: "{} % {}", operator.matmul: "{} @ {}", operator.neg: "-{}", operator.pos: "+{}",
}


PREFIXES = (
    (np, "np."), (np.linalg, "np.linalg."), (np.fft, "np.fft."), (np.lib.scimath, "np.lib.scimath."), (np.lib.stride_tricks, "np.lib.stride_tricks."), (math, "math."),
    (sp, "special."), (scipy.linalg, "linalg."), (scipy.signal, "signal."), (scipy.ndimage, "ndimage."), (scipy.integrate, "integrate."), (builtins, ""), (operator, "operator."),
    (srcad.runtime, "runtime."),
)
DISTRIBUTIONS = ("norm", "gamma", "chi2", "t", "beta", "poisson", "multivariate_normal", "dirichlet", "lognorm", "weibull_min", "expon", "laplace", "logistic", "cauchy", "halfnorm", "binom",
                 "bernoulli")


def name_of(function: Callable[..., Any]) -> str:
    """How a program that imports numpy as np, math and scipy.special as special calls a function."""
    label = getattr(function, "__name__", "")
    owner = getattr(function, "__self__", None)
    if isinstance(owner, np.ufunc):
        return f"{name_of(owner)}.{label}"
    for distribution in DISTRIBUTIONS:
        if getattr(getattr(scipy.stats, distribution), label, None) == function:
            return f"stats.{distribution}.{label}"
    for module, prefix in PREFIXES:
        if getattr(module, label, None) is function:
            return prefix + label
    raise LookupError(f"where {function!r} is called from is not known.")


def is_float(value: Any) -> bool:
    """Whether a value is differentiated: a float or an array of them."""
    return isinstance(value, float) or isinstance(value, np.ndarray) and value.dtype.kind == "f"


def has_floats(value: Any) -> bool:
    return any(map(has_floats, value)) if isinstance(value, (list, tuple)) else is_float(value)


class Program(NamedTuple):
    """A call as a program: the text of a function `f`, its arguments by name, and the names that are differentiated."""

    text: str
    arguments: dict[str, Any]
    wrt: tuple[str, ...]


def program(case: Case, names: Iterator[str] | None = None) -> Program:
    """A case as a user writes it: `def f(x, y): return np.concatenate([x, y], axis=0)`."""
    arguments: dict[str, Any] = {}
    names = names or iter(["x", "y", "z", "w", *(f"x{i}" for i in range(20))])

    def named(value: Any) -> str:
        arguments[label := next(names)] = value
        return label

    def spelled(value: Any, keyword: str = "") -> str:
        if isinstance(value, np.ndarray) or is_float(value) and not keyword:
            return named(value)
        if isinstance(value, (list, tuple)) and (has_floats(value) or any(isinstance(v, np.ndarray) for v in value)):
            inner = ", ".join(map(spelled, value))
            return f"[{inner}]" if isinstance(value, list) else f"({inner},)"
        if isinstance(value, float) and math.isinf(value):
            return "np.inf" if value > 0 else "-np.inf"
        return f"np.{value.__name__}" if isinstance(value, type) else repr(value)

    operands = [spelled(v) if not (isinstance(v, float) and math.isinf(v)) else spelled(v, "ord") for v in case.operands]
    keywords = [f"{k}={spelled(v, k)}" for k, v in case.keywords.items()]
    form = SPELLED.get(case.function)
    call = form.format(*operands) if form else f"{name_of(case.function)}({', '.join([*operands, *keywords])})"
    text = f"def f({', '.join(arguments)}):\n    return {call}\n"
    return Program(text, arguments, tuple(k for k, v in arguments.items() if is_float(v)))


def label_of(case: Case) -> str:
    """A case's name among the tests: its call and the shapes of its operands."""
    made = program(case)
    shapes = ",".join("x".join(map(str, v.shape)) or "0d" if isinstance(v,
        np.ndarray) else type(v).__name__ for v in made.arguments.values())
    return f"{made.text.partition('return ')[2].strip()}:{shapes}".replace(" ", "")
