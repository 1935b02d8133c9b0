"""Python's own functions: float, len, range, max, sum.

    len(x)    ->    x.shape[0]
"""
from __future__ import annotations

import builtins
import math
from collections.abc import Sequence
from typing import Any

import numpy as np

from srcad.backends.table import TABLE, lowers
from srcad.backends.values import (
    FLOAT,
    INT,
    Count,
    Stack,
    Static,
    Tup,
    Val,
    Value,
    literal,
    refuse,
    replaced,
    scalar,
)
from srcad.dims import is_one
from srcad.kinds import BOOL


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



TABLE[builtins.max] = largest
