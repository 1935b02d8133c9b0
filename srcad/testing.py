"""Comparison with finite differences.

    check_grad(f, x, y): for each parameter, along random directions v,
        (f(x + h v) - f(x - h v)) / 2h   beside   sum(df/dx * v)
"""
from __future__ import annotations

import copy
import dataclasses
import inspect
import itertools
from collections.abc import Callable, Iterator
from typing import Any

import numpy as np

from srcad.dispatch import bind
from srcad.errors import GradientMismatchError, SrcadError
from srcad.rules import find
from srcad.runtime import unbroadcast

DIRECTIONS = 3
ELEMENTS = 200  # that are looked at one by one, to say where a gradient is wrong


def check_grad(gradient: Any, *args: Any, seed: int = 0, modes: tuple[str, ...] = ("reverse",), order: int = 1, **keywords: Any) -> None:
    """Compare a gradient with central differences of the function along random directions.

    Parameters
    ----------
    gradient : Gradient
        What `grad` returns; `srcad.check_grad` takes functions too.
    *args, **keywords
        The arguments of the function.
    seed : int
        For the directions.
    modes : tuple of str
        "reverse" for the pullback, "forward" for `jvp`.
    order : int
        2: the gradient itself is differentiated and compared as well. The result must be one number.

    Raises
    ------
    GradientMismatchError
        Where they disagree, naming the parameter, both figures, and the element where they differ most.
    """
    if not modes or not set(modes) <= {"reverse", "forward"} or order not in (1, 2):
        raise SrcadError(f"modes are 'reverse' and 'forward', and the order is 1 or 2; these are {modes!r} and {order!r}.")
    if "reverse" in modes:
        check_pullback(gradient, args, keywords, np.random.default_rng(seed))
    if "forward" in modes:
        check_pushforward(gradient, args, keywords, np.random.default_rng(seed))
    if order == 2:
        check_grad(second(gradient), *args, seed=seed, modes=modes, **keywords)


def second(gradient: Any) -> Any:
    """The gradient of a gradient, as a function to be checked in its turn."""
    from srcad.api import Gradient
    from srcad.callables import calling

    first = gradient if gradient.mode == "grad" else Gradient(gradient.function, gradient.wrt)
    return Gradient(calling(first), gradient.wrt, mode="pair")


def check_pullback(gradient: Any, args: tuple[Any, ...], keywords: dict[str, Any], rng: np.random.Generator) -> None:
    """Each parameter's gradient, times random directions."""
    out, cache = gradient.forward(*copied(args), **copied(keywords))
    weights = random_weights(out, rng)
    if not numbers(out):
        return
    names = gradient.names
    found = [gradient.backward(weights, cache)]
    if gradient.mode == "grad" and is_number(out) and not np.ndim(out):
        found.append(gradient(*copied(args), **copied(keywords)))  # a text of its own, which may use up what it has made
    grads = [(n, g) for each in found for n, g in zip(names, (each,) if gradient.main.request.bare and len(names) == 1 else each)]
    bound = bind_names(gradient, args, keywords)
    for name, g in grads:
        if not fits(bound[name], g):
            raise GradientMismatchError(f"the gradient with respect to `{name}` is not of its shape.", None, gradient.target.__name__)
        for _ in range(DIRECTIONS):
            direction = like(bound[name], lambda shape: rng.standard_normal(shape), g)
            analytic = inner(g, direction)
            numeric, error = derivative(lambda t: weighted_at(gradient, {**bound, name: step(bound[name], direction, t)}, weights), scale(bound[name]))
            if disagree(analytic, numeric, error, bound[name], out):
                where = worst(name, bound[name], g, lambda value: weighted_at(gradient, {**bound, name: value}, weights))
                raise GradientMismatchError(
                    f"the gradient with respect to `{name}` along a random direction is {analytic:.9g}, and finite differences give {numeric:.9g}."
                    f"{where}", None, gradient.target.__name__)


def fits(value: Any, g: Any) -> bool:
    """Whether a gradient has the shapes of what it is with respect to."""
    if isinstance(value, dict) and isinstance(g, dict):
        return all(fits(value[k], part) for k, part in g.items())
    if isinstance(value, (list, tuple)) and isinstance(g, (list, tuple)):
        return all(map(fits, value, g))
    return not isinstance(value, np.ndarray) or g is None or np.shape(value) == np.shape(g)


def check_pushforward(gradient: Any, args: tuple[Any, ...], keywords: dict[str, Any], rng: np.random.Generator) -> None:
    """The tangent in random directions of all parameters at once."""
    from srcad.operators import pushed

    bound = bind_names(gradient, args, keywords)
    push = pushed(gradient, copied(args), copied(keywords))
    for _ in range(DIRECTIONS):
        directions = {n: like(bound[n], lambda shape: rng.standard_normal(shape)) for n in gradient.names}
        given = tuple(bound[n] if d is None else d for n, d in directions.items())  # what is no number has none
        out, tangent = push(given[0] if gradient.main.request.bare else given)
        weights = random_weights(out, rng)

        def along(t: float, directions: Any = directions, weights: Any = weights) -> float:
            return weighted_at(gradient, {**bound, **{n: step(bound[n], d, t) for n, d in directions.items() if d is not None}}, weights)

        analytic = total(tangent, weights)
        numeric, error = derivative(along, max(map(scale, bound.values()), default=1.0))
        if disagree(analytic, numeric, error, list(bound.values()), out):
            raise GradientMismatchError(f"the tangent along a random direction is {analytic:.9g}, and finite differences give {numeric:.9g}.", None, gradient.target.__name__)


def random_weights(out: Any, rng: np.random.Generator) -> Any:
    """A random adjoint for a result, in its structure; 1 for one number."""
    return 1.0 if is_number(out) and not np.ndim(out) else like(out, lambda shape: rng.standard_normal(shape) if shape else float(rng.standard_normal()))


def total(value: Any, weights: Any) -> float:
    """The sum of a result's numbers, each times its weight."""
    if isinstance(value, dict):
        return sum(total(v, weights[k]) for k, v in value.items())
    if isinstance(value, (list, tuple)):
        return sum(total(v, w) for v, w in zip(value, weights))
    return 0.0 if weights is None else float(np.sum(np.asarray(value, dtype=float) * weights))


def bind_names(gradient: Any, args: tuple[Any, ...], keywords: dict[str, Any]) -> dict[str, Any]:
    return bind(gradient.target, (*gradient.bound, *args), keywords)


def weighted_at(gradient: Any, bound: dict[str, Any], weights: Any) -> float:
    """The function at arguments, as one number."""
    call = inspect.signature(gradient.target, follow_wrapped=False).bind_partial()
    call.arguments.update({k: copied(v) for k, v in bound.items()})
    return total(gradient.target(*call.args, **call.kwargs), weights)


def derivative(f: Callable[[float], float], size: float) -> tuple[float, float]:
    """The derivative at 0 by central differences of two steps, and how far they are apart."""
    h = 1e-4 * size
    coarse, fine = ((f(s) - f(-s)) / (2 * s) for s in (h, h / 2))
    best = (4 * fine - coarse) / 3
    return best, abs(fine - coarse)


def tolerance(value: Any, out: Any) -> float:
    single = any(np.asarray(leaf).dtype in (np.float32, np.float16) for leaf in (*numbers(value), *numbers(out)))
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
        return sum(inner(gradient[k] if isinstance(gradient, dict) else getattr(gradient, k), d) for k, d in direction.items())
    return float(np.sum(np.asarray(gradient, dtype=float) * direction))


def check_rule(function: Callable[..., Any], *args: Any, seed: int = 0, **keywords: Any) -> None:
    """Call a rule on arrays, without the compiler, and compare what it returns with finite differences of its function.

    Each operand made of floats is moved along random directions.

    Parameters
    ----------
    function : callable
        A library function that has a rule, or one of your own with `@srcad.custom_gradient`.
    *args, **keywords
        As it is called.
    seed : int
        For the directions.

    Raises
    ------
    GradientMismatchError
        Where they disagree, naming the operand, the element where the two differ most, and both figures.
    SrcadError
        Where there is no rule.

    Examples
    --------
    >>> import numpy as np
    >>> check_rule(np.matmul, np.ones((2, 3)), np.ones((3, 4)))
    """
    rule = find(function)
    if rule is None:
        raise SrcadError(f"there is no rule for {function!r}.")
    rng = np.random.default_rng(seed)
    where, operands, params = sorted_arguments(function, rule, args, keywords)
    z = function(*copied(args), **copied(keywords))
    several = isinstance(z, (tuple, list))
    dz = [adjoint_for(v, rng) for v in z] if several else adjoint_for(z, rng)
    if rule.wants_active:
        params["active"] = tuple(is_moved(o) for o in operands)
    found = rule.function(dz, z, *copied(operands), **params)
    if not isinstance(found, tuple) or len(found) != len(operands):
        raise GradientMismatchError(f"the rule of {label_of(function)} returns {type(found).__name__} of {np.size(found)}; it must be a tuple with one adjoint for "
                                    f"each of its {len(operands)} operands.")
    for name, operand, adjoint, place in zip(operand_names(rule, len(operands)), operands, found, where):
        if not is_moved(operand):
            continue

        def moved(value: Any, place: Any = place) -> float:
            given, named = list(args), dict(keywords)
            if isinstance(place, int):
                given[place] = value
            else:
                named[place] = value
            return inner(function(*copied(given), **copied(named)), list(dz) if several else dz)

        compare(function, name, operand, summed_like(adjoint, operand), moved, rng, z)


def compare(function: Any, name: str, operand: Any, adjoint: Any, moved: Callable[[Any], float], rng: np.random.Generator, z: Any) -> None:
    """One operand's adjoint beside the differences along random directions; where they disagree, the element that does most is looked for."""
    for _ in range(DIRECTIONS):
        direction = like(operand, lambda shape: rng.standard_normal(shape))
        numeric, error = derivative(lambda t, d=direction: moved(step(operand, d, t)), scale(operand))
        analytic = inner(adjoint, direction)
        if disagree(analytic, numeric, error, operand, z):
            raise GradientMismatchError(
                f"the rule of {label_of(function)} gives {analytic:.9g} for `{name}` along a random direction, and finite differences give {numeric:.9g}."
                f"{worst(name, operand, adjoint, moved)}")


def disagree(analytic: float, numeric: float, error: float, operand: Any, z: Any) -> bool:
    """Whether two figures are further apart than what was computed with can make them. What is no number agrees with nothing."""
    outs = z if isinstance(z, (tuple, list)) else [z]
    allowed = error + max(tolerance(operand, out) for out in outs) * max(1.0, abs(numeric), abs(analytic))
    return not abs(analytic - numeric) <= allowed


def worst(name: str, operand: Any, adjoint: Any, moved: Callable[[Any], float]) -> str:
    """A sentence about the element where an adjoint and finite differences are furthest apart, among so many."""
    said, gap = "", -1.0
    for path, own, direction in itertools.islice(elements(operand, adjoint), ELEMENTS):
        numeric, _ = derivative(lambda t, d=direction: moved(step(operand, d, t)), scale(operand))
        distance = abs(own - numeric) if np.isfinite(own - numeric) else np.inf
        if distance > gap:
            said, gap = f" The element `{name}{path}` differs most: {own:.9g} and {numeric:.9g}.", distance
    return said


def elements(operand: Any, adjoint: Any) -> Iterator[tuple[str, float, Any]]:
    """Each element of an operand: where it is, its adjoint, and the direction that moves it alone."""
    if isinstance(operand, (list, tuple)):
        rest = like(operand, np.zeros)
        for i, (item, own) in enumerate(zip(operand, adjoint)):
            for path, figure, direction in elements(item, own):
                yield f"[{i}]{path}", figure, [*rest[:i], direction, *rest[i + 1 :]]
    elif isinstance(operand, dict):
        still = like(operand, np.zeros)
        for key, item in operand.items():
            for path, figure, direction in elements(item, adjoint[key]):
                yield f"[{key!r}]{path}", figure, {**still, key: direction}
    elif is_moved(operand):
        whole = np.broadcast_to(np.asarray(0.0 if adjoint is None else adjoint, dtype=float), np.shape(operand))
        for index in np.ndindex(np.shape(operand)):
            direction = np.zeros(np.shape(operand))
            direction[index] = 1.0
            yield "[" * bool(index) + ", ".join(map(str, index)) + "]" * bool(index), float(whole[index]), direction


def is_moved(operand: Any) -> bool:
    """Whether an operand is made of floats: whole numbers index and count."""
    leaves = numbers(operand)
    return bool(leaves) and all(np.asarray(leaf).dtype.kind == "f" for leaf in leaves)


def adjoint_for(value: Any, rng: np.random.Generator) -> Any:
    """A random adjoint of a value, in its precision; zero for what is no real number."""
    kind = np.asarray(value).dtype
    if kind.kind != "f":
        return np.zeros(np.shape(value))
    drawn = rng.standard_normal(np.shape(value))
    return drawn.astype(kind) if isinstance(drawn, np.ndarray) else kind.type(drawn)


def operand_names(rule: Any, count: int) -> list[str]:
    return [*rule.operands, *(f"operand {i}" for i in range(len(rule.operands), count))]


def label_of(function: Any) -> str:
    return getattr(function, "__name__", repr(function))


def sorted_arguments(function: Any, rule: Any, args: tuple[Any, ...], keywords: dict[str, Any]) -> tuple[list[Any], list[Any], dict[str, Any]]:
    """Where each operand of a rule is given (a position, a keyword, or None), the operands, and the parameters."""
    try:
        labels = [] if isinstance(function, np.ufunc) else [p.name for p in inspect.signature(function).parameters.values() if p.kind in (p.POSITIONAL_ONLY, p.POSITIONAL_OR_KEYWORD)]
    except (TypeError, ValueError):
        labels = []
    if rule.variadic or not set(rule.operands) <= set(labels):
        names = [*rule.operands, *(() if rule.variadic else rule.parameters)]
        labels = [*names[: len(args)], *map(str, range(len(names), len(args)))]
    by_label = {label: (i, value) for i, (label, value) in enumerate(zip(labels, args))} | {k: (k, v) for k, v in keywords.items()}
    wanted = [*rule.operands, *(labels[len(rule.operands) :] if rule.variadic else [])]
    chosen = [by_label.pop(label, (None, None)) for label in wanted]
    return [place for place, _ in chosen], [value for _, value in chosen], {k: v for k, (_, v) in by_label.items() if k in rule.parameters}


def summed_like(adjoint: Any, operand: Any) -> Any:
    """An adjoint summed to the shape of its operand."""
    if adjoint is None:
        return None
    if isinstance(operand, (list, tuple)):
        return [summed_like(a, o) for a, o in zip(adjoint, operand)]
    return unbroadcast(adjoint, operand)
