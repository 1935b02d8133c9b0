"""Adjoints as they must be: of their variable's shape and floating dtype.

    x: (n, d), b: (d,), z = x + b        db = np.sum(dz, axis=0)
"""
from __future__ import annotations

import ast
import dataclasses
from typing import Any
from collections.abc import Mapping

import numpy as np

from srcad.contracted import contraction, inner_product, stays
from srcad.dims import Dim, Facts, alike, broadcast
from srcad.kinds import FLOAT, Number, full, is_double, python
from srcad.render import function_path, render, shape_expr
from srcad.syntax import call, const, name, same, without_sign
from srcad.terms import Term, literal


def adjoint_kind(number: Number) -> Number:
    """What the adjoint of a number is: of its shape, in floating point."""
    return Number(number.form, adjoint_dtype(number), number.shape)


def adjoint_dtype(number: Number) -> np.dtype[Any] | None:
    """The dtype of the adjoint of a number; None where it is not known."""
    return number.dtype if number.dtype is None or number.dtype.kind in "fc" else FLOAT


def joined(a: Number, b: Number) -> Number:
    """The kind of a sum of two contributions."""
    shape = broadcast(a.shape, b.shape)
    dtype = a.dtype if a.form != "python" or b.form == "python" else b.dtype
    if a.dtype is not None and b.dtype is not None and "c" in (a.dtype.kind, b.dtype.kind):
        dtype = np.result_type(a.dtype, b.dtype)
    form = a.form if a.form == b.form else next((f for f in ("array", "unknown") if f in (a.form, b.form)), "scalar")
    return Number(form, dtype, shape)


def cast(term: Term, target: Number) -> Term:
    """A contribution in its variable's floating dtype."""
    wanted = adjoint_dtype(target)
    if wanted is not None and wanted.kind == "f" and (term.number.dtype is None and term.facts.has_complex or term.number.dtype is not None and term.number.dtype.kind == "c"):
        term = real_part(term)
    if term.number.form == "python" or term.number.dtype == wanted or wanted is None or target.form == "python":
        return term
    if term.number.dtype is None and is_double(wanted):
        return term
    if term.number.form in ("array", "unknown"):
        return term.astype(wanted)
    return Term(call(render(wanted, term.facts), [term.expr]), Number("scalar", wanted, ()), term.facts)


def real_part(term: Term) -> Term:
    """What of a complex contribution reaches a real number."""
    number = term.number
    dtype = None if number.dtype is None else np.empty(0, number.dtype).real.dtype
    if number.dtype is None:
        if isinstance(term.expr, ast.Call) and same(term.expr.func, function_path(np.real, term.facts)):
            return term
        return Term(call(function_path(np.real, term.facts), [term.expr]), dataclasses.replace(number, fresh=False), term.facts)
    return Term(ast.Attribute(value=term.expr, attr="real", ctx=ast.Load()), dataclasses.replace(number, dtype=dtype, fresh=False), term.facts)


def zeros(number: Number, facts: Facts, owner: Term | None = None) -> Term:
    """The adjoint of what nothing depends on."""
    kind = adjoint_kind(number)
    if number.shape is None:
        assert owner is not None
        floats: list[ast.expr] = []
        if is_double(kind.dtype) and number.dtype is not None:
            floats = [name("float")]  # of an array whose make-up is not known for certain: an empty sum is the integer 0
        elif number.dtype is None:
            known = owner.expr if kind.form == "array" else call(function_path(np.asarray, facts), [owner.expr])
            floats = [call(function_path(np.result_type, facts), [known, name("float")])]  # it may hold whole numbers, or complex ones
        return Term(call(function_path(np.zeros_like, facts), [owner.expr, *floats]), kind, facts)
    unsized = owner is None and any("?" in d.key for d in number.shape)  # for a rule, a zero will do
    if not number.shape and number.is_plain or unsized:
        return Term(const(0.0), python(FLOAT), facts)
    arguments = [shape_expr(owner.shape if owner is not None else number.shape, facts)]
    if not is_double(kind.dtype) and kind.dtype is not None:
        arguments.append(render(kind.dtype, facts))
    return Term(call(function_path(np.zeros, facts), arguments), kind, facts)


def filled(term: Term, target: Number, facts: Facts, owned: bool = False) -> Term:
    """An adjoint spread to the full shape of its variable, where it is smaller; owned: a number into memory that may be added to."""
    if target.shape is None or term.number.shape is None or full(term.number, target) or target.is_plain:
        return term
    kind = adjoint_kind(target)
    shape = shape_expr(target.shape, facts)
    value = literal(term)
    if value is not None:
        function, arguments = (np.ones, [shape]) if value == 1 else (np.full, [shape, const(float(value))])
        if not is_double(kind.dtype) and kind.dtype is not None:
            arguments.append(render(kind.dtype, facts))
        return Term(call(function_path(function, facts), arguments), kind, facts, base=term)
    narrow = [render(kind.dtype, facts)] if kind.dtype is not None and not is_double(kind.dtype) else []
    if owned and term.number.is_plain or narrow and term.number.form == "python":
        return Term(call(function_path(np.full, facts), [shape, term.expr, *narrow]), kind, facts, base=term)
    return Term(call(function_path(np.broadcast_to, facts), [term.expr, shape]), Number("array", term.number.dtype, target.shape, fresh=False), facts, base=term)


def may_spread(term: Term, target: Number) -> bool:
    """Whether a broadcast term may be left unspread: its variable's adjoint is then smaller for a while."""
    return term.number.shape is not None and target.shape is not None and len(term.number.shape) == len(target.shape)


def is_unit(dim: Dim) -> bool:
    """Whether a dimension is 1, as written or as a fact says."""
    return dim.key == "1"


def collapses(whole: Dim, part: Dim) -> bool:
    """Whether a variable's dimension was stretched to the result's."""
    if whole.key == part.key:
        return False
    if is_unit(part):
        return True
    equal = alike(whole, part)
    return equal is False


def sum_axes(term: Term, axes: list[int], inner: list[int], target: Number, lead: int) -> Term:
    """np.sum over axes; inner ones keep a length of 1."""
    if not axes:
        return term
    negative, positive = without_sign(term.expr)
    if negative:
        unsigned = Term(positive, term.number, term.facts)
        if term.parts is not None:
            unsigned.parts = -term.parts[0], term.parts[1]
        return -sum_axes(unsigned, axes, inner, target, lead)
    for outer, inner_part in (term.parts, term.parts[::-1]) if term.parts is not None else ():
        if stays(outer, inner_part, term, axes):
            return outer * sum_axes(inner_part, axes, inner, target, lead)  # type: ignore[operator,no-any-return]
    facts = term.facts
    rank = len(term.number.shape or ())
    if term.base is not None and term.spread and not set(axes) & set(term.spread) and not inner:
        own = [i for i in range(rank) if i not in term.spread]
        base = sum_axes(term.base, [own.index(a) for a in axes], [], target, len(own))
        left = [i for i in range(rank) if i not in axes]
        return np.expand_dims(base, tuple(left.index(a) for a in term.spread))  # type: ignore[call-overload,no-any-return]
    leading = [a for a in axes if a < lead]
    kept = [a for a in axes if a >= lead]
    if len(axes) == rank and not target.shape:
        return Term(inner_product(term, facts) or sum_call(term, facts, {}), Number("scalar", term.number.dtype, ()), facts)
    expr = term.expr
    dims = list(term.number.shape or ())
    contracted = contraction(term, axes)
    if contracted is not None:
        index = [const(None) if i in kept else ast.Slice() for i in range(rank) if i not in leading]
        expr, dims = with_axes(contracted, index), [Dim.of(1, facts) if i in kept else d for i, d in enumerate(dims) if i not in leading]
        return Term(expr, Number("array" if dims else "scalar", term.number.dtype, tuple(dims)), facts)
    if leading:
        expr = sum_call(term, facts, {"axis": axis_expr(leading, facts)})
        dims = [d for i, d in enumerate(dims) if i not in leading]
    if kept:
        moved = [a - len(leading) for a in kept]
        expr = sum_call(Term(expr, term.number, facts), facts, {"axis": axis_expr(moved, facts), "keepdims": const(True)})
        dims = [Dim.of(1, facts) if i in moved else d for i, d in enumerate(dims)]
    return Term(expr, Number("array" if dims else "scalar", term.number.dtype, tuple(dims)), facts)


def with_axes(expr: ast.expr, index: list[ast.expr]) -> ast.expr:
    """An expression with axes of length 1 put in: what stands after the last one can be left out."""
    while index and isinstance(index[-1], ast.Slice):
        index = index[:-1]
    return ast.Subscript(value=expr, slice=index[0] if len(index) == 1 else ast.Tuple(elts=index, ctx=ast.Load()), ctx=ast.Load()) if index else expr


def sum_call(term: Term, facts: Facts, keywords: Mapping[str, ast.expr]) -> ast.expr:
    """A sum, as the method of what is an array for certain: it is the quicker one."""
    if term.number.form == "array":
        return ast.Call(func=ast.Attribute(value=term.expr, attr="sum", ctx=ast.Load()), args=[], keywords=[ast.keyword(arg=k, value=v) for k, v in keywords.items()])
    return call(function_path(np.sum, facts), [term.expr], **keywords)


def axis_expr(axes: list[int], facts: Facts) -> ast.expr:
    return render(axes[0] if len(axes) == 1 else tuple(axes), facts)


def like_rank(term: Term, target: Number) -> bool:
    return term.number.shape is not None and target.shape is not None and len(term.number.shape) == len(target.shape) == 0
