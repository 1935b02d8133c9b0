"""Arrays that are made, reduced and multiplied: np.zeros, np.sum, np.dot.

    np.zeros(n)    ->    0.0 in each place, which is stored nowhere
"""
from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from srcad.backends.table import TABLE, Handler, converted, copied, dtype_of, lowers
from srcad.backends.values import (
    FLOAT,
    INT,
    Static,
    Val,
    Value,
    atomic,
    literal,
    refuse,
    replaced,
    scalar,
)
from srcad.dims import Dim
from srcad.kinds import BOOL


@lowers(np.zeros, np.ones, np.empty)
def made(at: Any, shape: Value, dtype: Value | None = None) -> Val:
    raise AssertionError


def maker(number: float) -> Handler:
    def handler(at: Any, shape: Value, dtype: Value | None = None) -> Val:
        kind = dtype_of(dtype, FLOAT)
        return replaced(at.filled(at.shape_of(shape), literal(kind.type(number).item()), kind), const=number)

    return handler


TABLE[np.zeros] = TABLE[np.empty] = maker(0.0)
TABLE[np.ones] = maker(1.0)


@lowers(np.full)
def full(at: Any, shape: Value, fill_value: Value, dtype: Value | None = None) -> Val:
    value = at.number(fill_value)
    return at.filled(at.shape_of(shape), value, dtype_of(dtype, value.dtype))  # type: ignore[no-any-return]


def like(number: float) -> Handler:
    def handler(at: Any, a: Value, dtype: Value | None = None) -> Val:
        value = at.number(a)
        kind = dtype_of(dtype, value.dtype)
        if not value.dims:
            return scalar(repr(kind.type(number).item()), kind, "array")
        return replaced(at.filled(value.dims, literal(kind.type(number).item()), kind), const=number)

    return handler


TABLE[np.zeros_like] = TABLE[np.empty_like] = like(0.0)
TABLE[np.ones_like] = like(1.0)


@lowers(np.full_like)
def full_like(at: Any, a: Value, fill_value: Value, dtype: Value | None = None) -> Val:
    value = at.number(a)
    return at.filled(value.dims, at.number(fill_value), dtype_of(dtype, value.dtype))  # type: ignore[no-any-return]


@lowers(np.eye, np.identity)
def eye(at: Any, N: Value, M: Value | None = None, k: Value | None = None, dtype: Value | None = None) -> Val:
    rows = at.size(at.number(N))
    columns = at.size(at.number(M)) if M is not None and not (isinstance(M, Static)) else rows
    offset = at.number(k).text if k is not None else ""
    return Val(dtype_of(dtype, FLOAT), (rows, columns), lambda i: f"(1.0 if {i[1]} == {i[0]}{' + ' + offset if offset else ''} else 0.0)", "array")


@lowers(np.arange)
def arange(at: Any, *parts: Value, dtype: Value | None = None) -> Val:
    numbers = [at.number(p) for p in parts]
    value = at.arange(numbers) if all(n.dtype == INT for n in numbers) else float_range(at, [n.const for n in numbers])
    if value.dtype == FLOAT and dtype is None:
        return value  # type: ignore[no-any-return]
    kind = dtype_of(dtype, INT)
    return value if kind == INT else converted(at, value, kind)  # type: ignore[no-any-return]


def float_range(at: Any, known: Sequence[Any]) -> Val:
    """np.arange of literal floats."""
    if any(not isinstance(k, (int, float)) for k in known):
        refuse("np.arange of floats is compiled for literals only.")
    start, step = (known[0] if len(known) > 1 else 0.0), (known[2] if len(known) > 2 else 1.0)
    size = Dim.of(len(np.arange(*known)), at.facts)
    return Val(FLOAT, (size,), lambda i: f"({float(start)!r} + {atomic(i[0])} * {float(step)!r})", "array")


@lowers(np.linspace)
def linspace(at: Any, start: Value, stop: Value, num: Value | None = None) -> Val:
    count = at.size(at.number(num)) if num is not None else Dim.of(50, at.facts)
    a, b = at.steady(at.number(start)), at.steady(at.number(stop))
    steps = f"({at.spell(count)} - 1)" if count.terms or count.const > 1 else "1"
    return Val(FLOAT, (count,), lambda i: f"({a.text} + {atomic(i[0])} * (({b.text} - {a.text}) / {steps}))", "array")


@lowers(np.asarray, np.asanyarray)
def asarray(at: Any, a: Value, dtype: Value | None = None) -> Val:
    """The array itself, where it is one of that dtype."""
    if isinstance(a, Val) and a.form == "array" and dtype_of(dtype, a.dtype) == a.dtype:
        return a
    return array(at, a, dtype)


@lowers(np.ascontiguousarray)
def ascontiguousarray(at: Any, a: Value) -> Val:
    value = at.number(a)
    if value.view is not None and at.written(value.view.base):
        refuse("np.ascontiguousarray of memory that is written to is not compiled.")
    return copied(at, value)


@lowers(np.array)
def array(at: Any, object: Value, dtype: Value | None = None) -> Val:
    value = at.number(object)
    kind = dtype_of(dtype, value.dtype)
    value = copied(at, value) if kind == value.dtype else converted(at, value, kind)
    return replaced(value, form="array", const=None)


@lowers(np.copy)
def copy(at: Any, a: Value) -> Val:
    return copied(at, at.number(a))


# ---- reductions


def reduction(kind: str) -> Handler:
    def handler(at: Any, a: Value, axis: Value | None = None, dtype: Value | None = None, keepdims: Value | None = None) -> Val:
        value = at.number(a)
        return at.reduce(kind, value if dtype is None else converted(at, value, dtype_of(dtype, FLOAT)), axis, keepdims)  # type: ignore[no-any-return]

    return handler


for _function, _kind in [(np.sum, "sum"), (np.prod, "prod"), (np.max, "max"), (np.min, "min"), (np.amax, "max"), (np.amin, "min"), (np.any, "any"), (np.all, "all")]:
    TABLE[_function] = reduction(_kind)


@lowers(np.mean)
def mean(at: Any, a: Value, axis: Value | None = None, keepdims: Value | None = None) -> Val:
    return at.mean(at.number(a), axis, keepdims)  # type: ignore[no-any-return]


@lowers(np.average)
def average(at: Any, a: Value, axis: Value | None = None) -> Val:
    return at.mean(at.number(a), axis)  # type: ignore[no-any-return]


@lowers(np.var)
def var(at: Any, a: Value, axis: Value | None = None, keepdims: Value | None = None, ddof: Value | None = None) -> Val:
    return at.var(at.number(a), axis, keepdims, ddof)  # type: ignore[no-any-return]


@lowers(np.std)
def std(at: Any, a: Value, axis: Value | None = None, keepdims: Value | None = None, ddof: Value | None = None) -> Val:
    return at.std(at.number(a), axis, keepdims, ddof)  # type: ignore[no-any-return]


@lowers(np.count_nonzero)
def count_nonzero(at: Any, a: Value, axis: Value | None = None, keepdims: Value | None = None) -> Val:
    value = at.number(a)
    made = at.reduce("sum", value if value.dtype == BOOL else at.elementwise(np.not_equal, value, literal(0)), axis, keepdims)
    return replaced(made, form="python") if not made.dims else made


@lowers(np.argmax)
def argmax(at: Any, a: Value, axis: Value | None = None, keepdims: Value | None = None) -> Val:
    return at.argbest("argmax", at.number(a), axis, keepdims)  # type: ignore[no-any-return]


@lowers(np.argmin)
def argmin(at: Any, a: Value, axis: Value | None = None, keepdims: Value | None = None) -> Val:
    return at.argbest("argmin", at.number(a), axis, keepdims)  # type: ignore[no-any-return]


@lowers(np.cumsum)
def cumsum(at: Any, a: Value, axis: Value | None = None) -> Val:
    return at.running("sum", at.number(a), axis)  # type: ignore[no-any-return]


@lowers(np.cumprod)
def cumprod(at: Any, a: Value, axis: Value | None = None) -> Val:
    return at.running("prod", at.number(a), axis)  # type: ignore[no-any-return]


@lowers(np.add.accumulate)
def sums_so_far(at: Any, array: Value, axis: Value | None = None) -> Val:
    return at.running("sum", at.number(array), literal(0) if axis is None else axis)  # type: ignore[no-any-return]


@lowers(np.multiply.accumulate)
def products_so_far(at: Any, array: Value, axis: Value | None = None) -> Val:
    return at.running("prod", at.number(array), literal(0) if axis is None else axis)  # type: ignore[no-any-return]


@lowers(np.maximum.accumulate)
def greatest_so_far(at: Any, array: Value) -> Val:
    return at.running("max", at.number(array))  # type: ignore[no-any-return]


@lowers(np.minimum.accumulate)
def least_so_far(at: Any, array: Value) -> Val:
    return at.running("min", at.number(array))  # type: ignore[no-any-return]


@lowers(np.linalg.norm)
def norm(at: Any, x: Value, ord: Value | None = None, axis: Value | None = None, keepdims: Value | None = None) -> Val:
    value = at.steady(at.number(x))
    if ord is not None and not (isinstance(ord, Static) and ord.value is None) and not (isinstance(ord, Val) and ord.const == 2 and (value.ndim == 1 or axis is not None)):
        refuse("np.linalg.norm is compiled without `ord`.")
    return at.elementwise(np.sqrt, at.reduce("sum", at.elementwise(np.multiply, value, value), axis, keepdims))  # type: ignore[no-any-return]


# ---- products


@lowers(np.dot)
def dot(at: Any, a: Value, b: Value) -> Val:
    return at.dotted(at.number(a), at.number(b))  # type: ignore[no-any-return]


@lowers(np.matmul)
def matmul(at: Any, a: Value, b: Value) -> Val:
    return at.matmul(at.number(a), at.number(b))  # type: ignore[no-any-return]


@lowers(np.vdot)
def vdot(at: Any, a: Value, b: Value) -> Val:
    return at.reduce("sum", at.elementwise(np.multiply, at.number(a), at.number(b)))  # type: ignore[no-any-return]


@lowers(np.inner)
def inner(at: Any, a: Value, b: Value) -> Val:
    x, y = at.number(a), at.number(b)
    return at.tensordot(x, y, [x.ndim - 1], [y.ndim - 1]) if x.dims and y.dims else at.elementwise(np.multiply, x, y)  # type: ignore[no-any-return]


@lowers(np.outer)
def outer(at: Any, a: Value, b: Value) -> Val:
    return at.outer(at.number(a), at.number(b))  # type: ignore[no-any-return]


@lowers(np.tensordot)
def tensordot(at: Any, a: Value, b: Value, axes: Value | None = None) -> Val:
    return at.tensordot_axes(at.number(a), at.number(b), axes)  # type: ignore[no-any-return]


@lowers(np.einsum)
def einsum(at: Any, spec: Value, *operands: Value, optimize: Value | None = None) -> Val:
    if not isinstance(spec, Static) or not isinstance(spec.value, str):
        refuse("einsum needs its subscripts as a string.")
    assert isinstance(spec, Static)
    return at.einsum(spec.value, [at.number(o) for o in operands])  # type: ignore[no-any-return]


@lowers(np.trace)
def trace(at: Any, a: Value) -> Val:
    return at.einsum("ii->", [at.number(a)])  # type: ignore[no-any-return]
