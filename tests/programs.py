"""Random straight-line NumPy programs, as source text: operations of all kinds on variables whose shapes broadcast."""
from __future__ import annotations

import linecache
import math
import random
from collections.abc import Callable
from typing import Any

import numpy as np

UNARY = ["np.sin({a})", "np.tanh({a})", "np.exp(0.3 * {a})", "{a} ** 2", "-{a}", "np.abs({a})", "np.sqrt({a} * {a} + 1.5)", "1 / (1 + np.exp(-{a}))",
         "np.maximum({a}, 0.1)", "{a} * 0.5", "2.0 - {a}", "{a} / 3", "np.logaddexp({a}, 0.3)", "np.square({a})", "np.where({a} > 0.2, {a}, 0.3 * {a})",
         "np.clip({a}, -0.6, 0.7)", "{a} * {a}", "{a} * {a} * {a}", "{a}.copy()", "np.arctan({a})", "+{a}", "np.log1p({a} ** 2)", "1.0 / (2.5 + np.cos({a}))"]
BINARY = ["{a} + {b}", "{a} - {b}", "{a} * {b}", "{a} / (2.0 + {b} ** 2)", "np.maximum({a}, {b})", "np.hypot({a}, {b} + 2)", "np.arctan2({a}, 2 + {b} ** 2)",
          "np.minimum({a}, {b})", "np.where({a} > {b}, {a}, {b})", "np.add({a}, {b})", "np.multiply({a}, {b})", "(1.5 + {a} ** 2) ** {b}"]
ARRAYS = ["{a}.sum(axis={axis})", "np.mean({a}, axis={axis}, keepdims=True)", "np.sum({a}, axis={axis})", "np.max({a}, axis={axis}, keepdims=True)",
          "{a}.T", "{a}[::-1]", "{a}[0]", "{a}[..., None]", "{a}[None]", "{a}.reshape(-1)", "np.var({a}, axis={axis})", "{a}[1:]", "{a}[-1:]",
          "np.cumsum({a}, axis={axis})", "np.concatenate([{a}, {a} * 2], axis={axis})", "np.stack([{a}, np.sin({a})])", "{a}[np.array([0, 0, -1])]",
          "np.swapaxes({a}, 0, -1)", "np.expand_dims({a}, {axis})", "{a} - {a}.mean(axis={axis}, keepdims=True)", "np.linalg.norm({a} + 1.0)",
          "np.log(np.sum(np.exp({a}), axis={axis}, keepdims=True))", "np.std({a} * 1.7, axis={axis})", "np.prod({a}, axis={axis})", "{a}.flatten()",
          "{a} - np.max({a}, axis={axis}, keepdims=True)", "np.sum({a})", "{a}.min()", "{a}[{a} > -9.0]", "np.broadcast_to({a}, (2,) + {a}.shape)",
          "{a} @ {a}.T", "np.dot({a}, {a}.T)", "np.einsum('...i,...i->...', {a}, {a})", "np.outer({a}, {a})", "np.tensordot({a}, {a}, axes={rank})"]
SHAPES: list[tuple[int, ...]] = [(), (3,), (2, 3), (3, 1), (1, 3), (1,), (2, 1, 3), (3, 3), (2, 2, 2)]


def random_program(seed: int) -> tuple[Callable[..., Any], tuple[Any, ...], str]:
    """A function of two or three parameters, arguments for it, and its text."""
    rng = random.Random(seed)
    numbers = np.random.default_rng(seed)
    names = ["x", "y", "z"][: rng.choice([1, 2, 2, 3])]
    args = tuple(argument(rng, numbers) for _ in names)
    space: dict[str, Any] = {"np": np, "math": math, **dict(zip(names, args))}
    known = list(names)
    lines: list[str] = []
    while len(lines) < rng.randint(2, 9):
        expr = expression(rng, known, space)
        value = evaluated(expr, space)
        if value is None:
            continue
        target = rng.choice([f"v{len(lines)}", f"v{len(lines)}", rng.choice(known)])
        lines.append(f"    {target} = {expr}")
        space[target] = value
        if target not in known:
            known.append(target)
    results = rng.sample(known, min(len(known), rng.choice([1, 2, 2])))
    results[0] = known[-1]
    lines.append("    return " + " + ".join(f"np.sum({r} * {rng.choice(['1.0', '0.7', r, 'np.cos(' + r + ')'])})" for r in dict.fromkeys(results)))
    text = f"def f({', '.join(names)}):\n" + "\n".join(lines) + "\n"
    filename = f"<program {seed}>"
    linecache.cache[filename] = (len(text), None, text.splitlines(True), filename)
    scope: dict[str, Any] = {"np": np, "math": math}
    exec(compile(text, filename, "exec"), scope)
    return scope["f"], args, text


def argument(rng: random.Random, numbers: np.random.Generator) -> Any:
    """A float or an array, sometimes in Fortran order or read-only."""
    shape = rng.choice(SHAPES)
    if shape == () and rng.random() < 0.7:
        return float(numbers.uniform(-1, 1))
    value = numbers.uniform(-1, 1, shape)
    if rng.random() < 0.2:
        value = np.asfortranarray(value)
    if rng.random() < 0.2:
        value = np.repeat(value, 2, axis=-1)[..., ::2] if value.ndim else value
    if rng.random() < 0.2:
        value.flags.writeable = False
    return value


def expression(rng: random.Random, known: list[str], space: dict[str, Any]) -> str:
    a, b = rng.choice(known), rng.choice(known)
    rank = np.ndim(space[a])
    kind = rng.random()
    if kind < 0.35:
        return rng.choice(UNARY).format(a=a)
    if kind < 0.65 or not rank:
        left, right = (rng.choice(UNARY).format(a=a) if rng.random() < 0.3 else a), b
        return rng.choice(BINARY).format(a=f"({left})" if " " in left else left, b=right)
    return rng.choice(ARRAYS).format(a=a, axis=rng.choice([0, -1, rank - 1]), rank=rank)


def evaluated(expr: str, space: dict[str, Any]) -> Any:
    """The value of an expression, or None where it does not work, or is too large to be fun."""
    try:
        with np.errstate(all="raise"):
            value = eval(expr, dict(space))
    except (ValueError, IndexError, TypeError, FloatingPointError, AttributeError, ZeroDivisionError, OverflowError):
        return None
    return value if np.size(value) and np.size(value) < 200 and np.all(np.abs(value) < 30) else None


def directional(f: Callable[..., Any], args: tuple[Any, ...], directions: list[Any], step: float) -> float:
    """The derivative of f along a direction in all its arguments, by central differences extrapolated once."""
    def difference(h: float) -> float:
        ahead, behind = ([a + s * h * d for a, d in zip(args, directions)] for s in (1, -1))
        return float((f(*ahead) - f(*behind)) / (2 * h))

    return (4 * difference(step / 2) - difference(step)) / 3
