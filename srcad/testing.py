"""Comparison with finite differences.

    check_grad(f, x, y): for each parameter, along random directions v,
        (f(x + h v) - f(x - h v)) / 2h   beside   sum(df/dx * v)
"""
from __future__ import annotations

import copy
import dataclasses
from collections.abc import Callable
from typing import Any

import numpy as np

from srcad.dispatch import bind
from srcad.errors import GradientMismatchError, SrcadError
from srcad.rules import find
from srcad.runtime import unbroadcast

DIRECTIONS = 3


def check_grad(gradient: Any, *args: Any, seed: int = 0, **keywords: Any) -> None:
    """Compare a gradient with central differences of the function along random directions.

    Raises GradientMismatchError, naming the parameter and both figures.
    """
    rng = np.random.default_rng(seed)
    function = gradient.function
    compiled = gradient.compiled("pair", args, keywords)
    del compiled
    out, cache = gradient.forward(*copied(args), **copied(keywords))
    if np.size(out) == 0:
        return
    weights = rng.standard_normal(np.shape(out)) if np.ndim(out) else 1.0
    found = gradient.backward(weights, cache)
    names = gradient.names
    grads = (found,) if gradient.main.request.bare and len(names) == 1 else found
    bound = bind_names(gradient, args, keywords)
    for name, g in zip(names, grads):
        for _ in range(DIRECTIONS):
            direction = like(bound[name], lambda shape: rng.standard_normal(shape), g)
            analytic = inner(g, direction)
            numeric, error = derivative(lambda t: weighted(function, gradient, bound, name, direction, t, weights), scale(bound[name]))
            if abs(analytic - numeric) > error + tolerance(bound[name], out) * max(1.0, abs(numeric), abs(analytic)):
                raise GradientMismatchError(
                    f"the gradient with respect to `{name}` along a random direction is {analytic:.9g}, and finite differences give {numeric:.9g}.",
                    None, gradient.target.__name__)


def bind_names(gradient: Any, args: tuple[Any, ...], keywords: dict[str, Any]) -> dict[str, Any]:
    return bind(gradient.target, (*gradient.bound, *args), keywords)


def weighted(function: Any, gradient: Any, bound: dict[str, Any], name: str, direction: Any, t: float, weights: Any) -> float:
    """The function along a direction, as one number."""
    import inspect

    moved = {k: copied(v) for k, v in bound.items()}
    moved[name] = step(bound[name], direction, t)
    signature = inspect.signature(gradient.target, follow_wrapped=False)
    call = signature.bind_partial()
    call.arguments.update(moved)
    return float(np.sum(np.asarray(gradient.target(*call.args, **call.kwargs), dtype=float) * weights))


def derivative(f: Callable[[float], float], size: float) -> tuple[float, float]:
    """The derivative at 0 by central differences of two steps, and how far they are apart."""
    h = 1e-4 * size
    coarse, fine = ((f(s) - f(-s)) / (2 * s) for s in (h, h / 2))
    best = (4 * fine - coarse) / 3
    return best, abs(fine - coarse)


def tolerance(value: Any, out: Any) -> float:
    single = any(np.asarray(leaf).dtype in (np.float32, np.float16) for leaf in numbers(value)) or np.asarray(out).dtype in (np.float32, np.float16)
    return 2e-2 if single else 1e-6


def scale(value: Any) -> float:
    single = any(np.asarray(leaf).dtype in (np.float32, np.float16) for leaf in numbers(value))
    return 100.0 if single else 1.0


def copied(value: Any) -> Any:
    return copy.deepcopy(value) if isinstance(value, (np.ndarray, list, tuple, dict)) or dataclasses.is_dataclass(value) else value


def is_number(value: Any) -> bool:
    return isinstance(value, (int, float, np.number, np.ndarray)) and not isinstance(value, bool) and np.asarray(value).dtype.kind in "fiuc"


def numbers(value: Any) -> list[Any]:
    """The numbers and arrays in a structure."""
    if isinstance(value, (list, tuple)):
        return [leaf for v in value for leaf in numbers(v)]
    if isinstance(value, dict):
        return [leaf for v in value.values() for leaf in numbers(v)]
    if dataclasses.is_dataclass(value) and not isinstance(value, type):
        return [leaf for f in dataclasses.fields(value) for leaf in numbers(getattr(value, f.name))]
    return [value] if is_number(value) else []


def like(value: Any, draw: Callable[[Any], Any], gradient: Any = True) -> Any:
    """A structure of random numbers, of the shapes of `value`; None for what is no number or has the gradient None."""
    if gradient is None:
        return None
    if isinstance(value, (list, tuple)):
        parts = gradient if isinstance(gradient, (list, tuple)) else [True] * len(value)
        return [like(v, draw, g) for v, g in zip(value, parts)]
    if isinstance(value, dict):
        return {k: like(v, draw, gradient[k] if isinstance(gradient, dict) else True) for k, v in value.items()}
    if dataclasses.is_dataclass(value) and not isinstance(value, type):
        return {f.name: like(getattr(value, f.name), draw, getattr(gradient, f.name, True)) for f in dataclasses.fields(value)}
    return draw(np.shape(value)) if is_number(value) else None


def step(value: Any, direction: Any, t: float) -> Any:
    """`value + t * direction`, in the structure of `value`."""
    if isinstance(value, tuple) and hasattr(value, "_fields"):
        return type(value)(*(step(v, d, t) for v, d in zip(value, direction)))
    if isinstance(value, (list, tuple)):
        return type(value)(step(v, d, t) for v, d in zip(value, direction))
    if isinstance(value, dict):
        return {k: step(v, direction[k], t) for k, v in value.items()}
    if dataclasses.is_dataclass(value) and not isinstance(value, type):
        return dataclasses.replace(value, **{k: step(getattr(value, k), d, t) for k, d in direction.items()})
    if direction is None:
        return value
    moved = value + t * direction
    kind = np.asarray(value).dtype
    return moved.astype(kind) if isinstance(moved, np.ndarray) and kind.kind == "f" else moved


def inner(gradient: Any, direction: Any) -> float:
    """The sum of products of a gradient and a direction, leaf by leaf."""
    if gradient is None or direction is None:
        return 0.0
    if isinstance(direction, list):
        return sum(inner(g, d) for g, d in zip(gradient, direction))
    if isinstance(direction, dict):
        parts = gradient if isinstance(gradient, dict) else vars(gradient)
        return sum(inner(parts[k], d) for k, d in direction.items())
    return float(np.sum(np.asarray(gradient, dtype=float) * direction))


def check_rule(function: Callable[..., Any], *args: Any, **keywords: Any) -> None:
    """Call a rule on arrays, without the compiler, and compare what it returns with finite differences of its function.

    function: a library function that has a rule; args: its operands; keywords: its parameters. Raises
    GradientMismatchError, naming the operand and both figures.
    """
    rule = find(function)
    if rule is None:
        raise SrcadError(f"there is no rule for {function!r}.")
    rng = np.random.default_rng(0)
    z = function(*args, **keywords)
    several = isinstance(z, (tuple, list))
    dz = [rng.standard_normal(np.shape(v)) for v in z] if several else rng.standard_normal(np.shape(z))
    found = rule.function(dz, z, *args, **keywords)
    for i, (operand, adjoint) in enumerate(zip(args, found)):
        if adjoint is None or not numbers(operand):
            continue
        direction = like(operand, lambda shape: rng.standard_normal(shape))

        def along(t: float, i: int = i, operand: Any = operand, direction: Any = direction) -> float:
            moved = [*args[:i], step(operand, direction, t), *args[i + 1 :]]
            return inner(function(*moved, **keywords), list(dz) if several else dz)

        numeric, error = derivative(along, 1.0)
        spread = summed_like(adjoint, operand)
        analytic = inner(spread, direction)
        if abs(analytic - numeric) > error + 1e-6 * max(1.0, abs(numeric)):
            raise GradientMismatchError(f"operand {i} of {function!r}: the rule gives {analytic:.9g}, finite differences {numeric:.9g}.")


def summed_like(adjoint: Any, operand: Any) -> Any:
    """An adjoint summed to the shape of its operand."""
    if isinstance(operand, (list, tuple)):
        return [summed_like(a, o) for a, o in zip(adjoint, operand)]
    return unbroadcast(adjoint, operand)
