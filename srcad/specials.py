"""Functions that are looked through: len, isinstance, sum, max, np.where and their like, on values whose make-up is known.

    len(x) is x.shape[0]        isinstance(x, np.ndarray) is True
"""
from __future__ import annotations

import ast
import builtins
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

import numpy as np

from srcad.dims import product
from srcad.inference import display, literal_ref, record_display
from srcad.ir import Assign, Effect
from srcad.kinds import UNKNOWN, Number, Object, Record, Ref, Sequence, Static, python
from srcad.outside import static_value
from srcad.rules import find
from srcad.runtime import stop_gradient
from srcad.shapes import infer_call
from srcad.syntax import const

if TYPE_CHECKING:
    from srcad.calls import Calls

Arguments = list[Ref]


def known_number(calls: Calls, value: int | bool) -> Ref:
    return literal_ref(const(value), value, calls.facts)


def special_len(calls: Calls, args: Arguments, keywords: dict[str, Ref], text: ast.Call, target: str | None) -> Ref | None:
    value = args[0].value
    if isinstance(value, (Sequence, Record)):
        return known_number(calls, len(value.items))
    if isinstance(value, Static) and hasattr(value.value, "__len__"):
        return known_number(calls, len(static_value(args[0], calls.facts)))
    if isinstance(value, Number) and value.shape:
        return Ref(text, python(np.dtype(int), value.shape[0]))
    return None


def special_shape(calls: Calls, args: Arguments, keywords: dict[str, Ref], text: ast.Call, target: str | None) -> Ref | None:
    if isinstance(args[0].value, Number) and args[0].number.shape is not None:
        if not args[0].number.shape:
            return display(tuple, ())
        items = tuple(Ref(ast.Subscript(value=text, slice=const(i), ctx=ast.Load()), python(np.dtype(int), d)) for i, d in enumerate(args[0].number.shape))
        return Ref(text, Sequence(tuple, items))
    return None


def special_size(calls: Calls, args: Arguments, keywords: dict[str, Ref], text: ast.Call, target: str | None) -> Ref | None:
    shape = args[0].number.shape
    if shape is None or len(args) > 1 or keywords:
        return None
    return Ref(text, python(np.dtype(int), product(shape, calls.facts)))


def special_ndim(calls: Calls, args: Arguments, keywords: dict[str, Ref], text: ast.Call, target: str | None) -> Ref | None:
    number = args[0].number
    return None if number.ndim is None else known_number(calls, number.ndim)


def type_of(number: Number) -> type:
    """The Python type of a number whose form and dtype are known."""
    assert number.dtype is not None
    if number.form == "array":
        return np.ndarray
    return number.dtype.type if number.form == "scalar" else type(number.dtype.type(0).item())


def special_isinstance(calls: Calls, args: Arguments, keywords: dict[str, Ref], text: ast.Call, target: str | None) -> Ref | None:
    kinds = static_value(args[1], calls.facts)
    value = args[0].value
    kinds = kinds if isinstance(kinds, tuple) else (kinds,)
    if isinstance(value, Number) and value.form in ("python", "array", "scalar") and value.dtype is not None:
        made = type_of(value)
        made = int if value.form == "python" and args[0].key in value.origin else made
        return known_number(calls, issubclass(made, kinds))
    if isinstance(value, (Sequence, Record)):
        return known_number(calls, issubclass(value.type, kinds))
    if isinstance(value, (Static, Object)):
        return known_number(calls, isinstance(value.value, kinds))
    return None


def special_hasattr(calls: Calls, args: Arguments, keywords: dict[str, Ref], text: ast.Call, target: str | None) -> Ref | None:
    value, attribute = args[0].value, static_value(args[1], calls.facts)
    if isinstance(value, Number) and value.form in ("python", "array", "scalar") and value.dtype is not None:
        return known_number(calls, hasattr(type_of(value), attribute))
    return None


def special_sequence(kind: type) -> Callable[..., Ref | None]:
    def convert(calls: Calls, args: Arguments, keywords: dict[str, Ref], text: ast.Call, target: str | None) -> Ref | None:
        if not args:
            return display(kind, ())
        if isinstance(args[0].value, Sequence):
            return display(kind, args[0].value.items)
        if isinstance(args[0].value, Record) and args[0].value.type is dict:
            return display(kind, tuple(literal_ref(const(k), k, calls.facts) for k in args[0].value.items))
        calls.at.refuse(f"{kind.__name__}() of an array is not supported yet. Use .tolist().")
        return None

    return convert


def special_dict(calls: Calls, args: Arguments, keywords: dict[str, Ref], text: ast.Call, target: str | None) -> Ref | None:
    base = dict(args[0].value.items) if args and isinstance(args[0].value, Record) else {}
    if args and not base:
        calls.at.refuse("dict() of anything but a dict and keywords is not supported yet.")
    return record_display(dict, base | keywords)


def special_stop_gradient(calls: Calls, args: Arguments, keywords: dict[str, Ref], text: ast.Call, target: str | None) -> Ref | None:
    """The value, under a name that nothing is differentiated by."""
    value = args[0] if args else keywords["x"]
    if isinstance(value.value, (Sequence, Record)):
        calls.at.refuse("stop_gradient takes one number or array. Apply it to each item.")
    made = calls.at.new_name(target or calls.state.namer.temporary("constant"))
    calls.at.write(Assign(made, value.expr, calls.at.loc))
    return Ref(ast.Name(id=made, ctx=ast.Load()), value.value, made)


def special_sum(calls: Calls, args: Arguments, keywords: dict[str, Ref], text: ast.Call, target: str | None) -> Ref | None:
    """Python's sum over a list of what is known: one addition after the other."""
    items = args[0].value
    start = args[1] if len(args) > 1 else keywords.get("start")
    if isinstance(items, Sequence):
        if all(i.number.form == "python" for i in items.items) and start is None:
            kind = infer_call(np.add.reduce, calls.facts, [], {})
            dtype = np.result_type(*(i.number.dtype or float for i in items.items)) if items.items else np.dtype(int)
            kind = python(dtype if dtype.kind in "fi" else np.dtype(int))
            return calls.at.operation(builtins.sum, ([*items.items],), {}, text, target, kind, find(builtins.sum))
        total = start
        for item in items.items:
            total = item if total is None else calls.at.binary(ast.Add(), total, item, None)
        return total if total is not None else known_number(calls, 0)
    if isinstance(items, Number) and items.ndim == 1 and start is None:
        kind = Number("scalar", items.dtype and np.asarray(sum(np.ones(1, items.dtype))).dtype, ())
        return calls.at.operation(np.sum, (args[0],), {}, text, target, kind, find(np.sum))
    calls.at.refuse("sum() of this is not supported. Use np.sum.")
    return None


def special_extreme(function: Any) -> Callable[..., Ref | None]:
    def extreme(calls: Calls, args: Arguments, keywords: dict[str, Ref], text: ast.Call, target: str | None) -> Ref | None:
        if keywords:
            calls.at.refuse(f"{function.__name__}() with keywords is not supported.")
        items = args[0].value.items if len(args) == 1 and isinstance(args[0].value, Sequence) else args
        if len(args) == 1 and not isinstance(args[0].value, Sequence):
            calls.at.refuse(f"{function.__name__}() of an array: use np.{function.__name__}.")
        if any(not i.number.is_plain for i in items):
            calls.at.refuse(f"{function.__name__}() compares single numbers; use np.{function.__name__}imum for arrays.")
        dims = [i.number.dim for i in items]
        if all(d is not None for d in dims) and not calls.state.is_active(list(items)):
            best = dims[0]
            for dim in dims[1:]:
                best = dim if (dim > best if function is max else dim < best) else best
            return Ref(text, python(np.dtype(int), best))
        kinds = {i.number.form for i in items}
        dtype = np.result_type(*(i.number.dtype or float for i in items))
        kind = Number("python" if kinds == {"python"} else "scalar", dtype, ())
        return calls.at.operation(function, tuple(items), {}, text, target, kind, find(function))

    return extreme


def special_print(calls: Calls, args: Arguments, keywords: dict[str, Ref], text: ast.Call, target: str | None) -> Ref | None:
    calls.at.write(Effect(text, calls.at.loc))
    return Ref(const(None), Static(None))


def special_einsum(calls: Calls, args: Arguments, keywords: dict[str, Ref], text: ast.Call, target: str | None) -> Ref | None:
    """The form with lists of numbers for subscripts, said with letters."""
    if isinstance(args[0].value, Static):
        return None
    letters = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ"
    output = static_value(args[-1], calls.facts) if len(args) % 2 else None
    pairs = args[: len(args) - len(args) % 2]

    def spell(axes: Any) -> str:
        return "".join("..." if a is Ellipsis else letters[a] for a in axes)

    subscripts = ",".join(spell(static_value(axes, calls.facts)) for axes in pairs[1::2])
    if output is not None:
        subscripts += "->" + spell(output)
    first = Ref(const(subscripts), Static(subscripts))
    return calls.library(np.einsum, [first, *pairs[::2]], keywords, text, target)


def special_where(calls: Calls, args: Arguments, keywords: dict[str, Ref], text: ast.Call, target: str | None) -> Ref | None:
    """np.where(condition) gives indices."""
    if len(args) != 1:
        return None
    result = calls.at.operation(np.nonzero, (args[0],), {}, text, target, UNKNOWN)
    rank = args[0].number.ndim
    if rank is None:
        return result
    dim = calls.facts.new_dim()
    number = Number("array", np.dtype(int), (dim,), unique=rank == 1)
    items = tuple(Ref(ast.Subscript(value=result.expr, slice=const(i), ctx=ast.Load()), number) for i in range(rank))
    return Ref(result.expr, Sequence(tuple, items))


SPECIAL: dict[Any, Callable[..., Ref | None]] = {
    len: special_len, np.shape: special_shape, np.ndim: special_ndim, np.size: special_size, isinstance: special_isinstance, hasattr: special_hasattr,
    list: special_sequence(list), tuple: special_sequence(tuple), dict: special_dict, stop_gradient: special_stop_gradient, sum: special_sum,
    max: special_extreme(max), min: special_extreme(min), print: special_print, np.einsum: special_einsum, np.where: special_where,
    np.nonzero: special_where,
}
