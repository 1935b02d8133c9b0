"""What the tests of the rules share: programs made of text, finite differences, comparisons.

Nothing here calls srcad.testing: a mistake there must not hide one elsewhere.
"""
from __future__ import annotations

import itertools
import linecache
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

HEADER = "import math\nimport operator\n\nimport numpy as np\nimport scipy.integrate as integrate\nimport scipy.linalg as linalg\nimport scipy.ndimage as ndimage\nimport scipy.signal as signal\nimport scipy.special as special\nimport scipy.stats as stats\nimport srcad.runtime as runtime\n\n\n"
STEP = 1e-4
serial = itertools.count()


def function_of(text: str) -> Callable[..., Any]:
    """The function `f` that a text defines, with source that Python's inspect finds."""
    filename = f"<program {next(serial)}>"
    whole = HEADER + text
    linecache.cache[filename] = (len(whole), None, whole.splitlines(True), filename)
    space: dict[str, Any] = {"__name__": "program"}
    exec(compile(whole, filename, "exec"), space)
    return space["f"]  # type: ignore[no-any-return]


def flat(value: Any) -> list[Any]:
    """The numbers and arrays in a structure."""
    return [leaf for v in value for leaf in flat(v)] if isinstance(value, (list, tuple)) else [value]


def seed_like(value: Any, rng: np.random.Generator) -> Any:
    """A random adjoint of the structure, shapes and dtypes of a value."""
    if isinstance(value, (list, tuple)):
        return [seed_like(v, rng) for v in value]
    if isinstance(value, float) and not isinstance(value, np.floating):
        return float(rng.standard_normal())
    seed = rng.standard_normal(np.shape(value))
    kind = np.asarray(value).dtype
    return np.asarray(seed, kind) if kind.kind == "f" else np.asarray(seed)


def weighted(value: Any, seed: Any) -> float:
    return sum(float(np.sum(np.asarray(v, dtype=float) * np.asarray(s, dtype=float))) for v, s in zip(flat(value), flat(seed), strict=True))


def differences(f: Callable[..., Any], arguments: dict[str, Any], name: str, seed: Any) -> Any:
    """The gradient of `sum(seed * f)` in one argument, element by element, by central differences of two steps."""
    base = np.asarray(arguments[name], dtype=float)
    scalar = np.float64 if isinstance(arguments[name], np.generic) else float
    out = np.zeros(base.shape)
    for index in np.ndindex(base.shape):
        def moved(t: float, index: tuple[int, ...] = index) -> float:
            point = base.copy()
            point[index] += t
            value = point if isinstance(arguments[name], np.ndarray) else scalar(point)
            return weighted(f(**{**arguments, name: value}), seed)

        coarse, fine = ((moved(h) - moved(-h)) / (2 * h) for h in (STEP, STEP / 2))
        out[index] = (4 * fine - coarse) / 3
    return out


def assert_kind(found: Any, argument: Any) -> None:
    """A gradient has its argument's shape and dtype; Python floats for Python floats, arrays for arrays."""
    if isinstance(argument, np.ndarray):
        assert type(found) is np.ndarray, f"{type(found)} for an array"
        assert found.shape == argument.shape, f"shape {found.shape} for {argument.shape}"
        assert found.dtype == (argument.dtype if argument.dtype.kind == "f" else float), f"dtype {found.dtype} for {argument.dtype}"
        assert found.flags.writeable
    elif isinstance(argument, np.floating):
        assert isinstance(found, (float, np.floating)) and np.asarray(found).dtype == argument.dtype
    else:
        assert type(found) is float, f"{type(found)} for a Python float"


def assert_apart(found: Sequence[Any], *others: Any) -> None:
    """Gradients share memory with no argument, value or seed, and not with one another."""
    arrays = [g for g in found if isinstance(g, np.ndarray)]
    foreign = [v for v in flat(list(others)) if isinstance(v, np.ndarray)]
    assert not any(np.shares_memory(g, v) for g in arrays for v in foreign), "a gradient shares memory with an argument, value or seed"
    assert not any(np.shares_memory(g, v) for g, v in itertools.combinations(arrays, 2)), "two gradients share memory"


def assert_close(found: Any, wanted: Any, rtol: float = 1e-6, atol: float = 1e-7) -> None:
    np.testing.assert_allclose(np.asarray(found, dtype=float), np.asarray(wanted, dtype=float), rtol=rtol, atol=atol)
