"""Calls of library functions: which part of the lowering each one is.

    np.sum(x, axis=0)    ->    at.reduce("sum", x, axis)
"""
from __future__ import annotations

import builtins
import functools
import inspect
import math
import types
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from srcad.backends import making  # noqa: F401
from srcad.backends.arranging import library_handlers, ravel, transpose
from srcad.backends.builtin import to_float
from srcad.backends.elementwise import template
from srcad.backends.table import TABLE, Handler, converted, copied, dtype_of
from srcad.backends.values import (
    FLOAT,
    INT,
    Static,
    Tup,
    Val,
    Value,
    refuse,
    replaced,
    scalar,
)
from srcad.kinds import BOOL


def lowered(at: Any, function: Any, args: Sequence[Value], keywords: Mapping[str, Value]) -> Value:
    """A call of a library function."""
    keywords = {k: v for k, v in keywords.items() if not (isinstance(v, Static) and v.value is None and k in ("out", "dtype", "axis", "initial", "where"))}
    if "out" in keywords or "where" in keywords:
        refuse("`out=` and `where=` are not compiled.")
    if function in (np.reshape, np.ravel):
        args, keywords = row_by_row(args, keywords)
    if function is math.hypot and len(args) != 2:
        refuse("`math.hypot` of other than two numbers is not compiled.")
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


@functools.cache
def order_of(function: Any) -> tuple[str, ...]:
    """The parameters of a library function, in its order; none where it does not say."""
    try:
        parameters = inspect.signature(function).parameters
    except (TypeError, ValueError):
        return ()
    return () if any(p.kind is p.VAR_POSITIONAL for p in parameters.values()) else tuple(parameters)


def sorted_out(handler: Handler, function: Any, args: Sequence[Value], keywords: Mapping[str, Value]) -> tuple[list[Value], dict[str, Value]]:
    """The arguments of a call as its handler takes them: what the library function has in another place goes by its name."""
    parameters = inspect.signature(handler).parameters
    if any(p.kind is p.VAR_POSITIONAL for p in parameters.values()):
        return [*args], {**keywords}
    theirs, ours = order_of(function), list(parameters)[1:]
    for k, (one, other) in enumerate(zip(theirs, ours)):
        if k < len(args) and one != other and (one in ours or other in theirs):
            named = {n: v for n, v in zip(theirs[k:], args[k:]) if not (isinstance(v, Static) and v.value is None)}
            return [*args[:k]], {**named, **keywords}
    return [*args], {**keywords}


def bound(handler: Handler, function: Any, at: Any, args: Sequence[Value], keywords: Mapping[str, Value]) -> Value:
    args, keywords = sorted_out(handler, function, args, keywords)
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


# ---- methods

METHODS: dict[str, Any] = {
    "sum": np.sum, "mean": np.mean, "max": np.max, "min": np.min, "prod": np.prod, "var": np.var, "std": np.std, "any": np.any, "all": np.all, "argmax": np.argmax,
    "argmin": np.argmin, "cumsum": np.cumsum, "cumprod": np.cumprod, "dot": np.dot, "ravel": np.ravel, "flatten": np.ravel, "squeeze": np.squeeze, "clip": np.clip, "take": np.take,
    "swapaxes": np.swapaxes, "trace": np.trace, "diagonal": np.diag, "round": np.round,
}


def row_by_row(args: Sequence[Value], keywords: Mapping[str, Value]) -> tuple[Sequence[Value], Mapping[str, Value]]:
    """The arguments of what lays elements out, less the order: rows are all that is compiled."""
    orders = [v for v in (*args, *(v for k, v in keywords.items() if k == "order")) if isinstance(v, Static) and isinstance(v.value, str)]
    if any(v.value != "C" for v in orders):
        refuse(f"the order {orders[0].value!r} is not compiled.")
    return [a for a in args if a not in orders], {k: v for k, v in keywords.items() if k != "order"}


def method(at: Any, owner: Val, attribute: str, args: Sequence[Value], keywords: Mapping[str, Value]) -> Value:
    """A method of an array or number."""
    args, keywords = row_by_row(args, keywords)
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
