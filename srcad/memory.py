"""Which memory an array lies in: buffers, and the views that lead to a part of one.

    y = x * 2.0      a buffer of its own
    v = y[1:]        the part `_[1:]` of y's: its adjoint is the same part of dy
    z = y            the whole of y's
"""
from __future__ import annotations

import ast
import dataclasses
from collections.abc import Mapping
from typing import Any

import numpy as np

from srcad.dims import Facts
from srcad.kinds import Number, Place, Ref, takes_whole
from srcad.syntax import is_module, name, same, substitute

HOLE = "srcad_hole"
VIEWS = (np.transpose, np.swapaxes, np.moveaxis, np.rollaxis, np.squeeze, np.expand_dims, np.flip, np.fliplr, np.flipud, np.atleast_1d, np.atleast_2d, np.atleast_3d,
         np.rot90)
VIEWS += tuple(owner.matrix_transpose for owner in (np, np.linalg) if hasattr(owner, "matrix_transpose"))
RESHAPES = (np.reshape, np.ravel)
ORDERED = (np.squeeze, np.expand_dims, np.atleast_1d)
SAME = (np.asarray, np.asanyarray)
C_ORDER = frozenset((np.zeros, np.ones, np.empty, np.full, np.eye, np.identity, np.arange, np.linspace, np.matmul, np.dot, np.outer))
KEEPS_ORDER = frozenset((np.zeros_like, np.ones_like, np.empty_like, np.full_like, np.copy, np.sum, np.mean, np.max, np.min, np.cumsum, np.concatenate, np.stack,
                         np.where, np.clip, np.positive, np.array))


def is_basic(index: tuple[Any, ...]) -> bool:
    """Whether an index makes a view: whole numbers, slices, None and Ellipsis."""
    return all(i is None or i is Ellipsis or isinstance(i, slice) or is_whole(i) for i in index)


def is_whole(item: Any) -> bool:
    if isinstance(item, Number):
        return item.is_plain and item.dtype is not None and item.dtype.kind in "iu"
    return isinstance(item, (int, np.integer)) and not isinstance(item, bool)


def template(expr: ast.expr, owner: ast.expr) -> ast.expr | None:
    """A view as an expression of `_`: `y[1:]` of y is `_[1:]`."""
    hole = name(HOLE)
    match expr:
        case ast.Subscript(value=value, slice=index) if same(value, owner):
            return ast.Subscript(value=hole, slice=index, ctx=ast.Load())
        case ast.Attribute(value=value, attr=attribute) if same(value, owner):
            return ast.Attribute(value=hole, attr=attribute, ctx=ast.Load())
        case ast.Call(func=ast.Attribute(value=value, attr=attribute), args=args, keywords=keywords) if same(value, owner):
            return ast.Call(func=ast.Attribute(value=hole, attr=attribute, ctx=ast.Load()), args=args, keywords=keywords)
        case ast.Call(func=func, args=[first, *rest], keywords=keywords) if same(first, owner):
            return ast.Call(func=func, args=[hole, *rest], keywords=keywords)
    return None


def mirrored(place: Place, base: ast.expr) -> ast.expr:
    """The same part of other memory: `_[1:]` of dy is `dy[1:]`."""
    for step in place.steps or ():
        base = substitute(step, {HOLE: base})
    return base


def is_contiguous(number: Number, facts: Facts) -> bool | None:
    """Whether an array is C-contiguous; what that relies on becomes a fact. None where it cannot be told."""
    if number.shape is not None and len(number.shape) == 0:
        return True
    if number.layout is None or not number.compact:
        return None
    for path in sorted(number.layout):
        facts.record(f"{path}.flags.c_contiguous")
    return True


def place_of(function: Any, is_item: bool, params: Mapping[str, Any], expr: ast.expr, operands: list[Ref], kind: Number, facts: Facts, fresh: Place) -> Number:
    """The kind of a result with the memory that it lies in: `fresh`, or a part of its first operand's."""
    arrays = [o for o in operands if isinstance(o.value, Number) and not o.number.is_plain and o.number.place is not None]
    source = arrays[0] if arrays else None
    place = source.number.place if source is not None else None
    is_c_order = not asks_for_order(expr)
    if source is None or place is None:
        return dataclasses.replace(kind, place=fresh, layout=frozenset() if is_c_order and (function in C_ORDER or source is None) else None, compact=True)
    step = template(expr, source.expr)
    if is_item:
        if not is_basic(params["index"]):
            return dataclasses.replace(kind, place=fresh)
        kept = keeps_compact(params["index"])
        kind = dataclasses.replace(kind, layout=source.number.layout, compact=source.number.compact and kept)
        return viewed(kind, place, step)
    if function in VIEWS:
        flat = function in ORDERED or source.number.ndim == 1 and function is np.transpose
        kind = dataclasses.replace(kind, layout=source.number.layout if flat else None, compact=flat and source.number.compact)
        return viewed(kind, place, step)
    if function in RESHAPES and not (isinstance(expr, ast.Call) and isinstance(expr.func, ast.Attribute) and expr.func.attr == "flatten"):
        whole = is_contiguous(source.number, facts) if place.steps is not None and is_c_order else None
        kind = dataclasses.replace(kind, layout=source.number.layout if whole else None, compact=bool(whole))
        return viewed(kind, place, step) if whole else dataclasses.replace(kind, place=perhaps(place, fresh))
    if function is np.einsum and len(arrays) == 1 and not adds_up(expr):
        return dataclasses.replace(kind, place=perhaps(place, fresh), layout=None, compact=False)
    if function in SAME:
        as_it_is = isinstance(expr, ast.Call) and len(expr.args) < 3 and not any(k.arg == "order" for k in expr.keywords)
        if isinstance(expr, ast.Call) and expr.args and isinstance(expr.args[0], (ast.List, ast.Tuple)):
            return dataclasses.replace(kind, place=fresh, layout=frozenset() if as_it_is else None, compact=True)
        if as_it_is and source.number.dtype is not None and kind.dtype == source.number.dtype and source.number.form == "array":
            return dataclasses.replace(kind, place=place, layout=source.number.layout, compact=source.number.compact)
        return dataclasses.replace(kind, place=perhaps(place, fresh))
    copies = function is np.array and not (isinstance(expr, ast.Call) and any(k.arg == "copy" and not is_true(k.value) for k in expr.keywords))
    if function is np.copy and isinstance(expr, ast.Call) and isinstance(expr.func, ast.Attribute) and same(expr.func.value, source.expr) and not (expr.args or expr.keywords):
        return dataclasses.replace(kind, place=fresh, layout=frozenset(), compact=True)  # the method copies in C order
    if not kind.fresh and not copies:
        fresh.buffer.sources += [a.number.place.buffer for a in arrays if a.number.place is not None]
        return dataclasses.replace(kind, place=Place(fresh.buffer, None, fresh.event))
    in_order = frozenset[str]() if kind.ndim == 1 else common_layout(function, operands) if is_c_order else None  # a new vector has one order only
    return dataclasses.replace(kind, place=fresh, layout=in_order, compact=True)


def asks_for_order(expr: ast.expr) -> bool:
    """Whether a call asks for an order of elements in memory other than C's: `order="F"`, or `"F"` after other arguments."""
    if not isinstance(expr, ast.Call):
        return False
    first = 0 if isinstance(expr.func, ast.Attribute) and not is_module(expr.func.value) else 1
    return any(k.arg == "order" and not (isinstance(k.value, ast.Constant) and k.value.value == "C") for k in expr.keywords) \
        or any(isinstance(a, ast.Constant) and a.value in ("F", "A", "K", "f", "a", "k") for a in expr.args[first:])


def adds_up(expr: ast.expr) -> bool:
    """Whether np.einsum of one array adds something up, which makes a new array; else it takes a view."""
    match expr:
        case ast.Call(args=[ast.Constant(value=str() as subscripts), *_]) if "->" in subscripts:
            taken, _, given = subscripts.replace(" ", "").partition("->")
            return bool(set(taken) - set(given))
    return False


def is_true(expr: ast.expr) -> bool:
    return isinstance(expr, ast.Constant) and expr.value is True


def perhaps(place: Place, fresh: Place) -> Place:
    """Where something lies that is a view of a place or a copy of what is there now."""
    fresh.buffer.sources.append(place.buffer)
    return Place(fresh.buffer, None, fresh.event)


def viewed(kind: Number, place: Place, step: ast.expr | None) -> Number:
    steps = None if step is None or place.steps is None else (*place.steps, step)
    return dataclasses.replace(kind, place=Place(place.buffer, steps, place.event))


def keeps_compact(index: tuple[Any, ...]) -> bool:
    """Whether a basic index of a contiguous array gives a contiguous one: whole numbers, then at most one plain slice; or new axes alone."""
    if takes_whole(index):
        return True
    slices = [i for i in index if isinstance(i, slice)]
    whole = all(is_whole(i) or isinstance(i, slice) for i in index)
    last = not slices or isinstance(index[-1], slice)
    return whole and last and len(slices) <= 1 and all(s.step is None for s in slices)


def common_layout(function: Any, operands: list[Ref]) -> frozenset[str] | None:
    """Elementwise functions of arrays in C order give arrays in C order; of others that is not known here."""
    if function in C_ORDER:
        return frozenset()
    arrays = [o.number for o in operands if isinstance(o.value, Number) and o.number.ndim]
    simple = isinstance(function, np.ufunc) and function.signature is None or function in KEEPS_ORDER
    if not simple or any(a.layout is None for a in arrays):
        return None
    return frozenset().union(*(a.layout for a in arrays if a.layout is not None))
