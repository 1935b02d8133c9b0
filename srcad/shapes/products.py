"""Products that sum.

    (n, d) @ (d, h)  ->  (n, h)
"""
from __future__ import annotations

from typing import Any

import numpy as np

from srcad.dims import Shape, Dim, Facts, alike, broadcast, product
from srcad.kinds import Number, result_dtypes
from srcad.rules.contractions import parse_einsum
from srcad.shapes import axes_of, integer, known_shape, lift, made, shape, ufunc_kind


def require_match(a: Shape, b: Shape) -> None:
    """The last axis of a is summed with the last but one of b, or with its only one."""
    other = b[-2] if len(b) > 1 else b[-1]
    if alike(a[-1], other) is False:
        raise ValueError(f"dimensions {a[-1].key} and {other.key} do not match")


@shape(np.matmul)
def matmul(facts: Facts, x: Any, y: Any, **rest: Any) -> Number:
    a, b = known_shape(x), known_shape(y)
    dtype = result_dtypes(np.multiply, x, y)[0]
    if not a or not b:
        raise ValueError("matmul needs arrays of one dimension at least")
    require_match(a, b)
    batch = broadcast(a[:-2], b[:-2])
    return made(dtype, None if batch is None else batch + a[-2:-1] + (b[-1:] if len(b) > 1 else ()))


@shape(np.dot)
def dot(facts: Facts, x: Any, y: Any) -> Number:
    x, y = lift(x, facts), lift(y, facts)
    a, b = known_shape(x), known_shape(y)
    if not a or not b:
        return ufunc_kind(np.multiply, [x, y], {})  # type: ignore[no-any-return]
    require_match(a, b)
    return made(result_dtypes(np.multiply, x, y)[0], a[:-1] + (b[:-2] + b[-1:] if len(b) > 1 else ()))


@shape(np.inner)
def inner(facts: Facts, x: Any, y: Any) -> Number:
    x, y = lift(x, facts), lift(y, facts)
    a, b = known_shape(x), known_shape(y)
    if not a or not b:
        return ufunc_kind(np.multiply, [x, y], {})  # type: ignore[no-any-return]
    return made(result_dtypes(np.multiply, x, y)[0], a[:-1] + b[:-1])


@shape(np.outer)
def outer(facts: Facts, x: Any, y: Any) -> Number:
    x, y = lift(x, facts), lift(y, facts)
    rows, columns = product(known_shape(x), facts), product(known_shape(y), facts)
    return Number("array", result_dtypes(np.multiply, x, y)[0], (rows, columns))


@shape(np.vdot)
def vdot(facts: Facts, x: Any, y: Any) -> Number:
    return made(result_dtypes(np.multiply, lift(x, facts), lift(y, facts))[0], ())


@shape(np.tensordot)
def tensordot(facts: Facts, x: Any, y: Any, axes: Any = 2) -> Number:
    a, b = known_shape(x), known_shape(y)
    left, right = contracted_axes(axes, len(a), len(b))
    kept = [d for i, d in enumerate(a) if i not in left] + [d for i, d in enumerate(b) if i not in right]
    return Number("array", result_dtypes(np.multiply, x, y)[0], tuple(kept))


def contracted_axes(axes: Any, rank_a: int, rank_b: int) -> tuple[tuple[int, ...], tuple[int, ...]]:
    """The axes that np.tensordot sums over, on either side."""
    if isinstance(axes, (list, tuple)):
        return axes_of(axes[0], rank_a), axes_of(axes[1], rank_b)
    count = integer(axes)
    return tuple(range(rank_a - count, rank_a)), tuple(range(count))


@shape(np.einsum)
def einsum(facts: Facts, subscripts: Any, *operands: Any, **rest: Any) -> Number:
    inputs, output = parse_einsum(subscripts, [len(known_shape(o)) for o in operands])
    sizes: dict[str, Dim] = {}
    for letters, operand in zip(inputs, operands):
        for letter, dim in zip(letters, known_shape(operand)):
            if letter not in sizes or (sizes[letter].key == "1" or alike(sizes[letter], dim) is False and sizes[letter] == 1):
                sizes[letter] = dim
    return made(result_dtypes(np.multiply, operands[0], operands[-1])[0], tuple(sizes[c] for c in output))
