"""Calls of library functions: which part of the lowering each one is.

    np.sum(x, axis=0)    ->    at.reduce("sum", x, axis)
"""
from __future__ import annotations

import builtins
import inspect
import math
import types
from collections.abc import Callable, Mapping, Sequence
from typing import Any

import numpy as np

from srcad.backends.elementwise import template
from srcad.backends.values import FLOAT, INT, Count, Stack, Static, Tup, Val, Value, atomic, caster, literal, named, promoted, refuse, replaced, scalar
from srcad.dims import Dim, is_one
from srcad.kinds import BOOL

Handler = Callable[..., Any]
TABLE: dict[Any, Handler] = {}


def lowers(*functions: Any) -> Callable[[Handler], Handler]:
    def added(handler: Handler) -> Handler:
        TABLE.update({f: handler for f in functions})
        return handler

    return added


def lowered(at: Any, function: Any, args: Sequence[Value], keywords: Mapping[str, Value]) -> Value:
    """A call of a library function."""
    keywords = {k: v for k, v in keywords.items() if not (isinstance(v, Static) and v.value is None and k in ("out", "dtype", "axis", "initial", "where"))}
    if "out" in keywords or "where" in keywords:
        refuse("`out=` and `where=` are not compiled.")
    try:
        handler = TABLE.get(function)
    except TypeError:
        handler = None
    if handler is None:
        handler = library_handlers().get(function) if getattr(function, "__hash__", None) else None
    if handler is not None:
        return bound(handler, function, at, args, keywords)
    if isinstance(function, type) and issubclass(function, np.generic) or isinstance(function, np.dtype):
        return converted(at, at.number(args[0]), np.dtype(function))
    if template(function) is not None:
        if keywords:
            refuse(f"`{next(iter(keywords))}=` of `{function.__name__}` is not compiled.")
        return elementwise_call(at, function, args)
    if isinstance(function, types.FunctionType) and (function.__module__ or "").split(".")[0] not in ("numpy", "scipy"):
        return at.call_python(function, args, keywords)  # type: ignore[no-any-return]
    label = getattr(function, "__name__", str(function))
    return refuse(f"`{label}` is not compiled.")  # type: ignore[no-any-return]


def bound(handler: Handler, function: Any, at: Any, args: Sequence[Value], keywords: Mapping[str, Value]) -> Value:
    parameters = inspect.signature(handler).parameters
    unknown = [k for k in keywords if k not in parameters]
    if unknown or len(args) + 1 > len(parameters) and not any(p.kind is p.VAR_POSITIONAL for p in parameters.values()):
        label = getattr(function, "__name__", str(function))
        refuse(f"`{label}` with `{unknown[0]}=` is not compiled." if unknown else f"`{label}` with so many arguments is not compiled.")
    return handler(at, *args, **keywords)  # type: ignore[no-any-return]


def elementwise_call(at: Any, function: Any, args: Sequence[Value]) -> Val:
    operands = [at.number(a) for a in args]
    if getattr(function, "__module__", "") == "math":
        if any(o.dims for o in operands):
            refuse("a function of math takes numbers.")
        text = str(template(function)).format(*(o.text for o in operands))
        dtype = BOOL if function.__name__.startswith("is") else INT if function in (math.floor, math.ceil, math.trunc) else FLOAT
        return scalar(f"int({text})" if dtype == INT else text, dtype)
    if function is builtins.abs and operands[0].form == "python" and not operands[0].dims:
        return scalar(f"abs({operands[0].text})", operands[0].dtype)
    if function is builtins.abs:
        function = np.absolute
    return at.elementwise(function, *operands)  # type: ignore[no-any-return]


def converted(at: Any, value: Val, dtype: np.dtype[Any], form: str = "scalar") -> Val:
    """A value in another dtype."""
    if dtype.kind not in "iufb":
        refuse(f"the dtype {dtype} is not compiled.")
    if value.dtype == dtype:
        return replaced(value, form="array" if value.dims else form, const=None) if not value.dims else replaced(value, view=None)
    word = "bool" if dtype == BOOL else f"np.{dtype.name}" if dtype not in (FLOAT, INT) else "float" if dtype == FLOAT else "int"
    return Val(dtype, value.dims, lambda index: f"{word}({value.at(index)})", "array" if value.dims else form)


def copied(at: Any, value: Val) -> Val:
    """A copy: a value of its own."""
    return replaced(value, view=None) if value.dims else value


def dtype_of(value: Any, default: np.dtype[Any]) -> np.dtype[Any]:
    if value is None:
        return default
    if isinstance(value, Static):
        return np.dtype(value.value)  # type: ignore[call-overload,no-any-return]
    return refuse("a dtype must be known.")  # type: ignore[no-any-return]


# ---- Python's own


@lowers(builtins.float)
def to_float(at: Any, x: Value) -> Val:
    if isinstance(x, Static) and isinstance(x.value, str):
        return literal(float(x.value))
    value = at.number(x)
    if value.dims:
        if not all(is_one(d) for d in value.dims):
            refuse("float() of an array.")
        value = Val(value.dtype, (), lambda _: value_text, "scalar") if (value_text := value.at(tuple("0" for _ in value.dims))) else value
    if value.dtype == FLOAT:
        return replaced(value, form="python", view=None)
    return scalar(f"float({value.text})", FLOAT, const=float(value.const) if isinstance(value.const, (int, float)) else None)


@lowers(builtins.int)
def to_int(at: Any, x: Value) -> Val:
    value = at.number(x)
    return replaced(value, form="python", view=None) if value.dtype == INT else scalar(f"int({value.text})", INT)


@lowers(builtins.bool)
def to_bool(at: Any, x: Value) -> Val:
    return scalar(f"bool({at.number(x).text})", BOOL)


@lowers(builtins.len)
def length(at: Any, x: Value) -> Val:
    if isinstance(x, Tup):
        return literal(len(x.items))
    if isinstance(x, Stack):
        return scalar(at.stack_size(x), INT)
    return at.size_value(at.number(x), 0)  # type: ignore[no-any-return]


@lowers(builtins.range)
def counting(at: Any, *parts: Value) -> Count:
    return Count(tuple(at.number(p) for p in parts))


@lowers(builtins.reversed)
def backwards(at: Any, x: Value) -> Value:
    if isinstance(x, Count):
        return Count(x.parts, not x.turned)
    if isinstance(x, Tup):
        return Tup(tuple(reversed(x.items)), x.kind)
    return Tup((x,), "reversed")


@lowers(builtins.enumerate)
def numbered(at: Any, x: Value, start: Value | None = None) -> Value:
    return Tup((x, start or literal(0)), "enumerate")


@lowers(builtins.zip)
def together(at: Any, *parts: Value) -> Value:
    return Tup(tuple(parts), "zip")


@lowers(builtins.list, builtins.tuple)
def listed(at: Any, x: Value | None = None) -> Value:
    if x is None:
        return Tup((), list)
    if isinstance(x, (Tup, Stack)):
        return x
    if isinstance(x, Val) and x.dims and x.dims[0].value is not None and not x.dims[0].terms:
        return Tup(tuple(at.fixed(x, 0, str(k)) for k in range(x.dims[0].const)), list)
    return at.array_as_stack(at.number(x))  # type: ignore[no-any-return]


@lowers(builtins.max, builtins.min)
def largest(at: Any, *parts: Value) -> Val:
    return extreme(at, ">", parts)


def extreme(at: Any, sign: str, parts: Sequence[Value]) -> Val:
    if len(parts) == 1 and isinstance(parts[0], Tup):
        parts = parts[0].items
    values = [at.number(p) for p in parts]
    if len(values) == 1 and values[0].ndim == 1:
        return at.reduce("max" if sign == ">" else "min", values[0])  # type: ignore[no-any-return]
    if any(v.dims for v in values):
        refuse("max and min of arrays.")
    best = values[0]
    dtype = INT if all(v.dtype == INT for v in values) else FLOAT
    for value in values[1:]:
        a, b = at.let(best.text), at.let(value.text)
        best = scalar(f"({b} if {b} {sign} {a} else {a})", dtype, "python" if best.form == value.form == "python" else "scalar")
    return best


@lowers(builtins.min)
def smallest(at: Any, *parts: Value) -> Val:
    return extreme(at, "<", parts)


@lowers(builtins.sum, math.fsum)
def added(at: Any, x: Value, start: Value | None = None) -> Val:
    if isinstance(x, Tup):
        total = at.number(start) if start is not None else None
        for item in x.items:
            total = at.number(item) if total is None else at.operator(np.add, total, item)
        return total if total is not None else literal(0)
    value = at.number(x)
    return at.reduce("sum", value, literal(0))  # type: ignore[no-any-return]


@lowers(builtins.round)
def rounded(at: Any, x: Value, ndigits: Value | None = None) -> Val:
    value = at.number(x)
    if ndigits is not None or value.dims:
        refuse("round of digits or arrays is not compiled.")
    return scalar(f"round({value.text})", INT)


@lowers(builtins.type)
def type_of(at: Any, x: Value) -> Value:
    return refuse("type() is not compiled.")  # type: ignore[no-any-return]


# ---- making arrays


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
    return Val(FLOAT, (count,), lambda i: f"({a.text} + {atomic(i[0])} * (({b.text} - {a.text}) / ({at.spell(count)} - 1)))", "array")


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


# ---- arranging


@lowers(np.reshape)
def reshape(at: Any, a: Value, shape: Value) -> Val:
    return at.reshaped(at.number(a), shape)  # type: ignore[no-any-return]


@lowers(np.ravel)
def ravel(at: Any, a: Value) -> Val:
    value = at.number(a)
    return value if value.ndim == 1 else at.reshaped(value, literal(-1))


@lowers(np.transpose)
def transpose(at: Any, a: Value, axes: Value | None = None) -> Val:
    value = at.number(a)
    if axes is None or isinstance(axes, Static):
        return at.transposed(value, tuple(reversed(range(value.ndim))))  # type: ignore[no-any-return]
    return at.transposed(value, tuple(p.const % value.ndim for p in axes.items))  # type: ignore[no-any-return,union-attr]


@lowers(np.swapaxes)
def swapaxes(at: Any, a: Value, axis1: Val, axis2: Val) -> Val:
    value = at.number(a)
    order = list(range(value.ndim))
    i, j = axis1.const % value.ndim, axis2.const % value.ndim  # type: ignore[operator]
    order[i], order[j] = order[j], order[i]
    return at.transposed(value, order)  # type: ignore[no-any-return]


@lowers(np.moveaxis)
def moveaxis(at: Any, a: Value, source: Val, destination: Val) -> Val:
    value = at.number(a)
    order = list(range(value.ndim))
    axis = order.pop(source.const % value.ndim)  # type: ignore[operator]
    order.insert(destination.const % value.ndim, axis)  # type: ignore[operator]
    return at.transposed(value, order)  # type: ignore[no-any-return]


@lowers(np.expand_dims)
def expand_dims(at: Any, a: Value, axis: Value) -> Val:
    if isinstance(axis, Static):
        refuse("the axis of expand_dims must be a literal.")
    parts = axis.items if isinstance(axis, Tup) else (axis,)
    return at.expanded(at.number(a), [p.const for p in parts])  # type: ignore[no-any-return,union-attr]


@lowers(np.squeeze)
def squeeze(at: Any, a: Value, axis: Value | None = None) -> Val:
    parts = None if axis is None else [p.const for p in (axis.items if isinstance(axis, Tup) else (axis,))]  # type: ignore[union-attr]
    return at.squeezed_axes(at.number(a), parts)  # type: ignore[no-any-return]


@lowers(np.broadcast_to)
def broadcast_to(at: Any, array: Value, shape: Value) -> Val:
    return at.broadcast_to(at.number(array), shape)  # type: ignore[no-any-return]


@lowers(np.concatenate)
def concatenate(at: Any, arrays: Value, axis: Val | None = None) -> Val:
    return at.concatenated(arrays, 0 if axis is None else axis.const)  # type: ignore[no-any-return]


@lowers(np.stack)
def stack(at: Any, arrays: Value, axis: Val | None = None) -> Val:
    if isinstance(arrays, Stack):
        return at.stack_array(arrays)  # type: ignore[no-any-return]
    return at.stacked(arrays, 0 if axis is None else axis.const)  # type: ignore[no-any-return]


@lowers(np.vstack)
def vstack(at: Any, arrays: Value) -> Val:
    parts = at.parts_of(arrays)
    return at.concatenated(Tup(tuple(at.expanded(p, [0]) if p.ndim == 1 else p for p in parts)), 0)  # type: ignore[no-any-return]


@lowers(np.hstack)
def hstack(at: Any, arrays: Value) -> Val:
    parts = [at.expanded(p, [0]) if not p.dims else p for p in at.parts_of(arrays)]
    return at.concatenated(Tup(tuple(parts)), 0 if parts[0].ndim == 1 else 1)  # type: ignore[no-any-return]


@lowers(np.column_stack)
def column_stack(at: Any, arrays: Value) -> Val:
    return at.concatenated(Tup(tuple(at.expanded(p, [1]) if p.ndim == 1 else p for p in at.parts_of(arrays))), 1)  # type: ignore[no-any-return]


@lowers(np.split, np.array_split)
def split(at: Any, ary: Value, indices_or_sections: Value, axis: Val | None = None) -> Tup:
    return at.split(at.number(ary), indices_or_sections, 0 if axis is None else axis.const)  # type: ignore[no-any-return]


@lowers(np.flip)
def flip(at: Any, m: Value, axis: Val | None = None) -> Val:
    value = at.number(m)
    for k in range(value.ndim) if axis is None else [axis.const % value.ndim]:  # type: ignore[operator]
        value = at.cut(value, k, value.dims[k] - 1, value.dims[k], -1)
    return value  # type: ignore[no-any-return]


def triangle(sign: str) -> Handler:
    def handler(at: Any, m: Value, k: Value | None = None) -> Val:
        value = at.number(m)
        offset = f" + {at.number(k).text}" if k is not None else ""
        zero = "0.0" if value.dtype.kind == "f" else "0"
        return Val(value.dtype, value.dims, lambda i: f"({value.at(i)} if {i[-1]} {sign} {i[-2]}{offset} else {zero})", "array")

    return handler


TABLE[np.tril] = triangle("<=")
TABLE[np.triu] = triangle(">=")


@lowers(np.diag, np.diagonal)
def diag(at: Any, v: Value) -> Val:
    value = at.number(v)
    if value.ndim == 2:
        size = value.dims[0] if value.dims[0].key == value.dims[1].key or value.dims[0] <= value.dims[1] else value.dims[1]
        return Val(value.dtype, (size,), lambda i: value.at((i[0], i[0])), "array")
    zero = "0.0" if value.dtype.kind == "f" else "0"
    return Val(value.dtype, (value.dims[0], value.dims[0]), lambda i: f"({value.at(i[:1])} if {i[0]} == {i[1]} else {zero})", "array")


@lowers(np.where)
def where(at: Any, condition: Value, x: Value | None = None, y: Value | None = None) -> Value:
    if x is None or y is None:
        return nonzero(at, condition)
    test = at.number(condition)
    if test.dtype != BOOL:
        test = at.elementwise(np.not_equal, test, literal(0))
    made = at.elementwise(np.where, test, at.number(x), at.number(y))
    return made if made.dims else replaced(made, form="array")  # type: ignore[no-any-return]


@lowers(np.nonzero)
def nonzero(at: Any, a: Value) -> Tup:
    return Tup(tuple(at.places_of(truths(at, at.number(a)))))


@lowers(np.flatnonzero)
def flatnonzero(at: Any, a: Value) -> Val:
    return at.places_of(truths(at, at.number(ravel(at, a))))[0]  # type: ignore[no-any-return]


def truths(at: Any, value: Val) -> Val:
    return value if value.dtype == BOOL else at.elementwise(np.not_equal, value, literal(0))  # type: ignore[no-any-return]


@lowers(np.atleast_1d)
def atleast_1d(at: Any, a: Value) -> Val:
    value = at.number(a)
    return value if value.dims else at.expanded(replaced(value, view=None), [0])


@lowers(np.atleast_2d)
def atleast_2d(at: Any, a: Value) -> Val:
    value = atleast_1d(at, a)
    return value if value.ndim > 1 else at.expanded(value, [0])  # type: ignore[no-any-return]


@lowers(np.ix_)
def ix_(at: Any, *args: Value) -> Tup:
    values = [at.number(a) for a in args]
    return Tup(tuple(at.expanded(v, [k for k in range(len(values)) if k != axis]) for axis, v in enumerate(values)))


@lowers(np.clip)
def clip(at: Any, a: Value, a_min: Value | None = None, a_max: Value | None = None) -> Val:
    value = at.number(a)
    if a_min is not None and not isinstance(a_min, Static):
        value = at.elementwise(np.maximum, value, at.number(a_min))
    if a_max is not None and not isinstance(a_max, Static):
        value = at.elementwise(np.minimum, value, at.number(a_max))
    return value  # type: ignore[no-any-return]


@lowers(np.round, np.around)
def round_(at: Any, a: Value, decimals: Value | None = None) -> Val:
    if decimals is not None and not (isinstance(decimals, Val) and decimals.const == 0):
        refuse("np.round with decimals is not compiled.")
    return at.elementwise(np.rint, at.number(a))  # type: ignore[no-any-return]


@lowers(np.take)
def take(at: Any, a: Value, indices: Value, axis: Val | None = None) -> Val:
    from srcad.backends.indexing import Slice

    value = at.number(a)
    which = axis.const % value.ndim if axis is not None and isinstance(axis.const, int) else 0
    if axis is None and value.ndim > 1:
        value = at.reshaped(value, literal(-1))
    return at.indexed(value, [at.number(indices) if k == which else Slice(None, None, None) for k in range(value.ndim)])  # type: ignore[no-any-return]


@lowers(np.diff)
def diff(at: Any, a: Value, axis: Val | None = None) -> Val:
    value = at.steady(at.number(a))
    which = (axis.const if axis is not None else -1) % value.ndim  # type: ignore[operator]
    one = Dim.of(1, at.facts)
    size = value.dims[which] - 1
    return at.elementwise(np.subtract, at.slice_axis(value, which, one, size), at.slice_axis(value, which, one - 1, size))  # type: ignore[no-any-return]


def add_at(op: str) -> Handler:
    def handler(at: Any, a: Value, indices: Value, b: Value) -> Value:
        from srcad.backends.indexing import Slice

        owner = at.number(a)
        given = list(indices.items) if isinstance(indices, Tup) and indices.kind is tuple else [indices]
        items = [None if isinstance(i, Static) and i.value is None else Slice(None, None, None) if isinstance(i, Static) and i.value == slice(None) else at.number(i) for i in given]
        items += [Slice(None, None, None)] * (owner.ndim - sum(i is not None for i in items))
        at.add_at(owner, items, at.number(b), op)
        return Static(None)

    return handler


TABLE[np.add.at] = add_at("+")
TABLE[np.subtract.at] = add_at("-")


@lowers(builtins.slice)
def sliced(at: Any, *parts: Value) -> Value:
    known = [p.value if isinstance(p, Static) else p.const for p in parts]  # type: ignore[union-attr]
    return Static(slice(*known))


# ---- what Numba does itself, on whole arrays


def whole(function: str, rank: int | None = None) -> Handler:
    """A function of linear algebra: of matrices to a matrix of the first one's shape, a vector, or a number."""
    def handler(at: Any, a: Value) -> Val:
        value = at.number(a)
        if value.ndim != 2 or value.dtype.kind != "f":
            refuse(f"`{function}` is compiled for one matrix of floats.")
        text = f"np.linalg.{function}({at.matrix(value)})"
        if rank == 0:
            return scalar(at.let(text), value.dtype, "scalar")
        target = at.fresh(function)
        at.emit(f"{target} = {text}", alloc=target, pure=True)
        return named(target, value.dtype, value.dims)

    return handler


TABLE[np.linalg.cholesky] = whole("cholesky")
TABLE[np.linalg.inv] = whole("inv")
TABLE[np.linalg.det] = whole("det", 0)


@lowers(np.linalg.slogdet)
def slogdet(at: Any, a: Value) -> Tup:
    value = at.number(a)
    if value.ndim != 2:
        refuse("slogdet is compiled for one matrix.")
    sign, log = at.fresh("sign_det"), at.fresh("logdet")
    at.emit(f"{sign}, {log} = np.linalg.slogdet({at.matrix(value)})")
    return Tup((scalar(sign, value.dtype, "scalar"), scalar(log, value.dtype, "scalar")))


@lowers(np.linalg.solve)
def solve(at: Any, a: Value, b: Value) -> Val:
    matrix, right = at.number(a), at.number(b)
    if matrix.ndim != 2 or right.ndim not in (1, 2) or matrix.dtype != right.dtype or matrix.dtype.kind != "f":
        refuse("np.linalg.solve is compiled for one matrix, and a vector or matrix of its dtype.")
    target = at.fresh("solved")
    at.emit(f"{target} = np.linalg.solve({at.matrix(matrix)}, {at.matrix(right)})", alloc=target, pure=True)
    return named(target, matrix.dtype, right.dims)


@lowers(np.sort)
def sort(at: Any, a: Value, axis: Val | None = None) -> Val:
    value = at.number(a)
    if value.ndim != 1:
        refuse("np.sort is compiled for one dimension.")
    target = at.fresh("ordered")
    at.emit(f"{target} = np.sort({at.array(value)})", alloc=target, pure=True)
    return named(target, value.dtype, value.dims)


@lowers(np.argsort)
def argsort(at: Any, a: Value, axis: Val | None = None, kind: Value | None = None) -> Val:
    value = at.number(a)
    if value.ndim != 1:
        refuse("np.argsort is compiled for one dimension.")
    target = at.fresh("order")
    at.emit(f"{target} = np.argsort({at.array(value)}, kind='mergesort')", alloc=target, pure=True)
    return replaced(named(target, INT, value.dims), unique=True)


@lowers(np.shape)
def shape(at: Any, a: Value) -> Tup:
    value = at.number(a)
    return Tup(tuple(at.size_value(value, k) for k in range(value.ndim)))


@lowers(np.size)
def size(at: Any, a: Value) -> Val:
    return at.total_size(at.number(a))  # type: ignore[no-any-return]


@lowers(np.ndim)
def ndim(at: Any, a: Value) -> Val:
    return literal(at.number(a).ndim)


@lowers(np.errstate)
def errstate(at: Any, **kw: Value) -> Value:
    return Static(None)


_LIBRARY: dict[Any, Handler] = {}


def library_handlers() -> dict[Any, Handler]:
    """SciPy's functions, and those of srcad that programs call."""
    if not _LIBRARY:
        from srcad.runtime import stop_gradient, unbroadcast

        _LIBRARY[stop_gradient] = lambda at, x: x
        _LIBRARY[unbroadcast] = lambda at, dz, x: at.unbroadcast(at.number(dz), at.number(x))
        try:
            from scipy import special

            _LIBRARY[special.logsumexp] = lambda at, a, axis=None, keepdims=None: at.logsumexp(at.number(a), axis, keepdims)
            _LIBRARY[special.softmax] = softmax
            _LIBRARY[special.log_softmax] = log_softmax
        except ImportError:
            pass
    return _LIBRARY


def log_softmax(at: Any, x: Value, axis: Value | None = None) -> Val:
    value = at.steady(at.number(x))
    return at.elementwise(np.subtract, value, at.logsumexp(value, axis, literal(True)))  # type: ignore[no-any-return]


def softmax(at: Any, x: Value, axis: Value | None = None) -> Val:
    return at.elementwise(np.exp, log_softmax(at, x, axis))  # type: ignore[no-any-return]


# ---- methods

METHODS: dict[str, Any] = {
    "sum": np.sum, "mean": np.mean, "max": np.max, "min": np.min, "prod": np.prod, "var": np.var, "std": np.std, "any": np.any, "all": np.all, "argmax": np.argmax,
    "argmin": np.argmin, "cumsum": np.cumsum, "cumprod": np.cumprod, "dot": np.dot, "ravel": np.ravel, "flatten": np.ravel, "squeeze": np.squeeze, "clip": np.clip, "take": np.take,
    "swapaxes": np.swapaxes, "trace": np.trace, "diagonal": np.diag, "round": np.round,
}


def method(at: Any, owner: Val, attribute: str, args: Sequence[Value], keywords: Mapping[str, Value]) -> Value:
    """A method of an array or number."""
    match attribute:
        case "copy" | "conj" | "conjugate":
            return copied(at, owner)
        case "astype":
            kind = dtype_of(args[0], FLOAT)
            return copied(at, owner) if kind == owner.dtype else converted(at, owner, kind)
        case "reshape":
            return at.reshaped(owner, args[0] if len(args) == 1 else Tup(tuple(args)))  # type: ignore[no-any-return]
        case "transpose" if args:
            return transpose(at, owner, args[0] if len(args) == 1 else Tup(tuple(args)))
        case "transpose":
            return transpose(at, owner)
        case "item" if not args:
            return to_float(at, owner) if owner.dtype.kind == "f" else replaced(owner, form="python", view=None)
        case "flatten":
            return copied(at, ravel(at, owner))
        case "fill":
            at.write(owner.view, owner.dims, owner.dtype, "", at.number(args[0]))
            return Static(None)
    if attribute in METHODS:
        return lowered(at, METHODS[attribute], [owner, *args], keywords)
    return refuse(f"the method `{attribute}` is not compiled.")  # type: ignore[no-any-return]


TABLE[builtins.max] = largest


__all__ = ["lowered", "method", "caster", "promoted"]
