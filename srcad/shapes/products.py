"""Products that sum.

    (n, d) @ (d, h)  ->  (n, h)
"""
from __future__ import annotations

import dataclasses
from typing import Any

import numpy as np

from srcad.dims import Shape, Dim, Facts, alike, broadcast, product
from srcad.kinds import Number, result_dtypes
from srcad.rules.contractions import parse_einsum
from srcad.shapes import SCIPY, SHAPES, agree, axes_of, integer, known_shape, lift, made, shape


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


def scaled(x: Number, y: Number) -> Number:
    """A product with a single number, which has a dtype of its own here, Python's too."""
    dtype = np.result_type(x.dtype, y.dtype) if x.dtype is not None and y.dtype is not None else None
    return made(dtype, broadcast(x.shape, y.shape))


@shape(np.dot)
def dot(facts: Facts, x: Any, y: Any) -> Number:
    x, y = lift(x, facts), lift(y, facts)
    a, b = known_shape(x), known_shape(y)
    if not a or not b:
        return scaled(x, y)
    require_match(a, b)
    return made(result_dtypes(np.multiply, x, y)[0], a[:-1] + (b[:-2] + b[-1:] if len(b) > 1 else ()))


@shape(np.inner)
def inner(facts: Facts, x: Any, y: Any) -> Number:
    x, y = lift(x, facts), lift(y, facts)
    a, b = known_shape(x), known_shape(y)
    if not a or not b:
        return scaled(x, y)
    agree(a[-1:], b[-1:])
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
    agree(tuple(a[i] for i in left), tuple(b[i] for i in right))
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
            if letter not in sizes or sizes[letter].key == "1":
                sizes[letter] = dim
            elif alike(sizes[letter], dim) is False:
                if not sizes[letter] == 1 and not dim == 1:
                    raise ValueError(f"the axes {letter!r} of np.einsum have {sizes[letter].value} and {dim.value} elements")
                sizes[letter] = dim if sizes[letter] == 1 else sizes[letter]
    dtypes = [o.dtype for o in operands]
    result = made(None if any(d is None for d in dtypes) else np.result_type(*dtypes), tuple(sizes[c] for c in output))
    takes_a_view = len(operands) == 1 and set(inputs[0]) == set(output)
    return dataclasses.replace(result, fresh=False) if takes_a_view and result.form == "array" else result


def convolved(default: str) -> Any:
    def rule(facts: Facts, a: Any, v: Any, mode: Any = default) -> Number:
        x, y = lift(a, facts), lift(v, facts)
        n, m = product(known_shape(x), facts), product(known_shape(y), facts)
        long, short = (n, m) if m <= n else (m, n)
        size = long if mode == "same" else n + m - 1 if mode == "full" else long - short + 1
        return Number("array", result_dtypes(np.multiply, x, y)[0], (size,))

    return rule


SHAPES.update({np.convolve: convolved("full"), np.correlate: convolved("valid")})


@shape(np.cross)
def cross(facts: Facts, a: Any, b: Any, axisa: Any = -1, axisb: Any = -1, axisc: Any = -1, axis: Any = None) -> Number:
    x, y = lift(a, facts), lift(b, facts)
    if axis is not None:
        axisa = axisb = axisc = axis
    stacks = []
    for number, where in ((x, axisa), (y, axisb)):
        dims = known_shape(number)
        at, = axes_of(where, len(dims))
        if not dims[at] == 3:
            raise NotImplementedError
        stacks.append(dims[:at] + dims[at + 1 :])
    joint = broadcast(*stacks)
    if joint is None:
        raise NotImplementedError
    to, = axes_of(axisc, len(joint) + 1)
    return Number("array", result_dtypes(np.multiply, x, y)[0], (*joint[:to], Dim.of(3, facts), *joint[to:]))


@shape(np.kron)
def kron(facts: Facts, a: Any, b: Any) -> Number:
    x, y = lift(a, facts), lift(b, facts)
    rank = max(len(known_shape(x)), len(known_shape(y)))
    sizes = [(Dim.of(1, facts),) * (rank - len(known_shape(v))) + known_shape(v) for v in (x, y)]
    return made(result_dtypes(np.multiply, x, y)[0], tuple(m * n for m, n in zip(*sizes)))


@shape(np.linalg.multi_dot)
def multi_dot(facts: Facts, arrays: Any) -> Number:
    result = lift(arrays[0], facts)
    for x in arrays[1:]:
        result = dot(facts, result, x)
    return result


def vecdot(facts: Facts, x: Any, y: Any, axis: Any = -1) -> Number:
    a, b = known_shape(x), known_shape(y)
    i, j = axes_of(axis, len(a))[0], axes_of(axis, len(b))[0]
    return made(result_dtypes(np.multiply, x, y)[0], broadcast(a[:i] + a[i + 1 :], b[:j] + b[j + 1 :]))


def matvec(facts: Facts, x: Any, y: Any) -> Number:
    a, b = known_shape(x), known_shape(y)
    stack = broadcast(a[:-2], b[:-1])
    return made(result_dtypes(np.multiply, x, y)[0], None if stack is None else (*stack, a[-2]))


def vecmat(facts: Facts, x: Any, y: Any) -> Number:
    a, b = known_shape(x), known_shape(y)
    stack = broadcast(a[:-1], b[:-2])
    return made(result_dtypes(np.multiply, x, y)[0], None if stack is None else (*stack, b[-1]))


def linalg_trace(facts: Facts, x: Any, offset: Any = 0, dtype: Any = None) -> Number:
    return SHAPES[np.trace](facts, x, offset, -2, -1)  # type: ignore[no-any-return]


def linalg_diagonal(facts: Facts, x: Any, offset: Any = 0) -> Number:
    return SHAPES[np.diagonal](facts, x, offset, -2, -1)  # type: ignore[no-any-return]


def linalg_cross(facts: Facts, x: Any, y: Any, axis: Any = -1) -> Number:
    return cross(facts, x, y, axis=axis)


for _owner, _label, _rule in (  # what NumPy has since 2.0 or later
        (np, "vecdot", vecdot), (np, "matvec", matvec), (np, "vecmat", vecmat), (np.linalg, "vecdot", vecdot), (np.linalg, "cross", linalg_cross),
        (np.linalg, "trace", linalg_trace), (np.linalg, "diagonal", linalg_diagonal), (np.linalg, "outer", outer), (np.linalg, "matmul", matmul),
        (np.linalg, "tensordot", tensordot)):
    if hasattr(_owner, _label):
        SHAPES[getattr(_owner, _label)] = _rule


def signal_convolve(facts: Facts, a: Any, b: Any, mode: Any = "full", method: Any = "auto") -> Number:
    x, y = lift(a, facts), lift(b, facts)
    sizes = []
    for n, m in zip(known_shape(x), known_shape(y)):
        sizes.append(n if mode == "same" else n + m - 1 if mode == "full" else n - m + 1 if m <= n else m - n + 1)
    dtype = np.result_type(*(v.dtype for v in (x, y) if v.dtype is not None))
    return Number("array", dtype if dtype.kind == "f" else None, tuple(sizes))


SCIPY.update({"signal.convolve": signal_convolve, "signal.fftconvolve": signal_convolve, "signal.correlate": signal_convolve})
