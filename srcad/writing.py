"""Calls that write into an array: `out=`, `np.add.at`, np.copyto and their like.

    np.sin(x, out=y)    is y[...] = np.sin(x)
"""
from __future__ import annotations

import ast
from collections.abc import Callable
from typing import Any

import numpy as np

from srcad.binding import is_none
from srcad.dims import Facts
from srcad.infer import Interpreter
from srcad.inference import Inference
from srcad.ir import Assign
from srcad.kinds import Number, Ref, Sequence, Static, full
from srcad.outside import static_value
from srcad.rules import find
from srcad.shapes import infer_call
from srcad.syntax import const, expression

Arguments = list[Ref]


class Writing:
    """The calls of one frame that write."""

    at: Interpreter
    state: Inference
    facts: Facts

    def function(self, function: Any, path: str, args: Arguments, keywords: dict[str, Ref], text: ast.Call, target: str | None) -> Ref:
        raise NotImplementedError

    def as_array(self, ref: Ref) -> Ref:
        raise NotImplementedError

    def ufunc_writing(self, function: Any, args: Arguments, keywords: dict[str, Ref], text: ast.Call, target: str | None) -> Ref | None:
        """`np.add(a, b, out=y)` and `np.add.at(y, i, v)`; None where nothing is written."""
        if not isinstance(function, np.ufunc):
            return self.at_method(function, args, text) if getattr(function, "__name__", "") == "at" else None
        out = keywords.get("out")
        if out is None and len(args) > function.nin:
            out = args[function.nin]
        if out is not None and isinstance(out.value, Sequence) and len(out.value.items) == 1:
            out = out.value.items[0]
        if out is None or is_none(out):
            return None
        if function.nout > 1:
            self.at.refuse(f"np.{function.__name__} has {function.nout} results, which are not written into arrays that it is given. Unpack them.")
        rest = {k: v for k, v in keywords.items() if k not in ("out", "where")}
        inner = args[: function.nin]
        mask = keywords.get("where")
        if mask is not None and not is_none(mask) and not (isinstance(mask.expr, ast.Constant) and mask.expr.value is True):
            self.masked_out(function, inner, rest, mask, out, text)
            return out
        plain = ast.Call(func=text.func, args=[a.expr for a in inner], keywords=[ast.keyword(arg=k, value=v.expr) for k, v in rest.items()])
        value = self.function(function, "", inner, rest, plain, None)
        self.at.assign_whole(out, value)
        return out

    def masked_out(self, function: np.ufunc, args: Arguments, keywords: dict[str, Ref], mask: Ref, out: Ref, text: ast.Call) -> None:
        """`f(x, out=y, where=m)`: the result where the mask holds, what was there elsewhere."""
        before = len(self.state.statements)
        plain = ast.Call(func=text.func, args=[a.expr for a in args], keywords=[ast.keyword(arg=k, value=v.expr) for k, v in keywords.items()])
        value = self.function(function, "", args, keywords, plain, None)
        numpy = self.facts.module("numpy")
        last = self.state.statements[-1]
        if len(self.state.statements) > before and isinstance(last, Assign) and last.expr is plain and full(value.number, out.number):  # no warning where the mask does not hold
            blank = ast.Call(func=expression(f"{numpy}.ones_like"), args=[out.expr], keywords=[])
            guarded = [*plain.keywords, ast.keyword(arg="out", value=blank), ast.keyword(arg="where", value=mask.expr)]
            self.state.statements[-1] = Assign(last.target, ast.Call(func=plain.func, args=plain.args, keywords=guarded), last.loc)
        expr = ast.Call(func=expression(f"{numpy}.where"), args=[mask.expr, value.expr, out.expr], keywords=[])
        kind = infer_call(np.where, self.facts, [mask.number, value.number, out.number], {})
        chosen = self.at.operation(np.where, (mask, value, out), {}, expr, None, kind, find(np.where))
        self.at.assign_whole(out, chosen)

    def at_method(self, function: Any, args: Arguments, text: ast.Call) -> Ref:
        ufunc = function.__self__
        if ufunc not in (np.add, np.subtract):
            if self.state.is_active(args):
                self.at.refuse(f"np.{ufunc.__name__}.at is not differentiated. Use np.add.at, or a loop.")
        self.at.add_at(args[0], args[1], args[2], 1 if ufunc is np.add else -1, text)
        return Ref(const(None), Static(None))


def copy_to(calls: Writing, args: Arguments, keywords: dict[str, Ref]) -> Ref:
    """np.copyto(y, v, where=m) and y.fill(v)."""
    where = keywords.get("where")
    value = calls.as_array(args[1] if len(args) > 1 else keywords["src"])
    if where is None:
        calls.at.assign_whole(args[0], value)
    else:
        numpy = calls.facts.module("numpy")
        expr = ast.Call(func=expression(f"{numpy}.where"), args=[where.expr, value.expr, args[0].expr], keywords=[])
        kind = infer_call(np.where, calls.facts, [where.number, value.number, args[0].number], {})
        calls.at.assign_whole(args[0], calls.at.operation(np.where, (where, value, args[0]), {}, expr, None, kind, find(np.where)))
    return Ref(const(None), Static(None))


def sort_in_place(calls: Writing, args: Arguments, keywords: dict[str, Ref]) -> Ref:
    numpy = calls.facts.module("numpy")
    text = ast.Call(func=expression(f"{numpy}.sort"), args=[a.expr for a in args], keywords=[ast.keyword(arg=k, value=v.expr) for k, v in keywords.items()])
    calls.at.assign_whole(args[0], calls.function(np.sort, "", args, keywords, text, None))
    return Ref(const(None), Static(None))


def put(calls: Writing, args: Arguments, keywords: dict[str, Ref]) -> Ref:
    """np.put(y, i, v) of a vector is y[i] = v."""
    base, index, value = args[0], calls.as_array(args[1]), calls.as_array(args[2])
    if base.number.ndim != 1 or keywords or value.number.ndim and not (index.number.shape is not None and value.number.shape is not None and len(
            index.number.shape) == 1 and index.number.shape[0] == value.number.shape[0]):
        calls.at.refuse("np.put is differentiated on vectors, with as many values as indices. Write y[i] = v.")
    calls.at.write_at(base, index.expr, (index.number,), value)
    return Ref(const(None), Static(None))


def put_along_axis(calls: Writing, args: Arguments, keywords: dict[str, Ref]) -> Ref:
    """np.put_along_axis is an assignment with an index array for each axis: the other axes' are counted."""
    names = dict(zip(("arr", "indices", "values", "axis"), args)) | keywords
    base, index, value = names["arr"], calls.as_array(names["indices"]), calls.as_array(names["values"])
    axis = static_value(names["axis"], calls.facts) if "axis" in names else -1
    dims = base.number.shape
    if axis is None or dims is None or index.number.ndim != len(dims):
        calls.at.refuse("np.put_along_axis is differentiated along one axis, with indices of as many dimensions as the array.")
        raise AssertionError
    numpy = calls.facts.module("numpy")
    parts = []
    for i, dim in enumerate(dims):
        if i == axis % len(dims):
            parts.append(index)
            continue
        text = ast.Call(func=expression(f"{numpy}.arange"), args=[dim.expr], keywords=[])
        count = calls.at.operation(np.arange, (), {}, text, "place", Number("array", np.dtype(int), (dim,), unique=True))
        wide = tuple(-1 if k == i else 1 for k in range(len(dims)))
        turned = ast.Call(func=ast.Attribute(value=count.expr, attr="reshape", ctx=ast.Load()), args=[const(n) for n in wide], keywords=[])
        parts.append(calls.at.operation(np.reshape, (), {}, turned, "place", infer_call(np.reshape, calls.facts, [count.number, wide], {})))
    place = index.expr if len(parts) == 1 else ast.Tuple(elts=[p.expr for p in parts], ctx=ast.Load())
    calls.at.write_at(base, place, tuple(p.number for p in parts), value)
    return Ref(const(None), Static(None))


def fill_diagonal(calls: Writing, args: Arguments, keywords: dict[str, Ref]) -> Ref:
    base, value = args[0], calls.as_array(args[1] if len(args) > 1 else keywords["val"])
    shape = base.number.shape
    if shape is None or len(shape) != 2 or "wrap" in keywords or len(args) > 2:
        calls.at.refuse("np.fill_diagonal is differentiated on matrices, without wrap. Write y[i, i] = v.")
        raise AssertionError
    given = value.number.shape
    small = shape[0] if shape[0].key == shape[1].key or shape[0] <= shape[1] else shape[1]
    if given is None or given and (len(given) > 1 or not (given[0] == 1 or given[0] == small)):
        calls.at.refuse("np.fill_diagonal is differentiated with one number, or with as many as the diagonal has; others are repeated or left out. Write y[i, i] = v.")
    numpy = calls.facts.module("numpy")
    text = ast.Call(func=expression(f"{numpy}.arange"), args=[small.expr], keywords=[])
    kind = Number("array", np.dtype(int), (small,), unique=True)
    rows = calls.at.operation(np.arange, (), {}, text, "diagonal", kind)
    calls.at.write_at(base, ast.Tuple(elts=[rows.expr, rows.expr], ctx=ast.Load()), (rows.number, rows.number), value)
    return Ref(const(None), Static(None))


def put_mask(calls: Writing, args: Arguments, keywords: dict[str, Ref]) -> Ref:
    """np.putmask and np.place with values of the array's shape, or one number: np.copyto where the mask holds."""
    base, mask, value = args[0], args[1], calls.as_array(args[2])
    shapes = [None if v.number.shape is None else [d.key for d in v.number.shape] for v in (base, mask, value)]
    if keywords or None in shapes or shapes[2] not in ([], shapes[0]) or shapes[1] != shapes[0]:
        calls.at.refuse("np.putmask and np.place are differentiated with a mask of the array's shape, and values of that shape or one number.")
    return copy_to(calls, [base, value], {"where": mask})


def place(calls: Writing, args: Arguments, keywords: dict[str, Ref]) -> Ref:
    if calls.as_array(args[2]).number.ndim != 0:
        calls.at.refuse("np.place is differentiated with one number. Write y[mask] = values.")
    return put_mask(calls, args, keywords)


WRITING: dict[Any, Callable[[Writing, Arguments, dict[str, Ref]], Ref]] = {
    np.copyto: copy_to, np.ndarray.sort: sort_in_place, np.put: put, np.fill_diagonal: fill_diagonal, np.putmask: put_mask,
    np.place: place, np.put_along_axis: put_along_axis,
}
