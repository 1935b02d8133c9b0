"""The adjoint of indexing: what is read from x[index] is given back at dx[index].

    y = x[1:]        dx[1:] += dy
"""
from __future__ import annotations

import ast
from dataclasses import dataclass

import numpy as np

from srcad.dims import Facts
from srcad.render import function_path
from srcad.syntax import call, const
from srcad.terms import Term


@dataclass(frozen=True, eq=False)
class Scatter:
    """The adjoint of `x[index]`: dz added at the index of x."""

    index: ast.expr
    value: Term
    unique: bool
    each_row: bool = False  # one element of every row


def ufunc_at(facts: Facts) -> ast.expr:
    return ast.Attribute(value=function_path(np.add, facts), attr="at", ctx=ast.Load())


def disjoint(a: ast.expr, b: ast.expr) -> bool:
    """Whether two basic indices are known to select different rows: `[:k]` and `[k:]`, `[0]` and `[1]`."""
    spans = [rows(i) for i in (a, b)]
    if None in spans:
        return False
    (start_a, stop_a), (start_b, stop_b) = spans  # type: ignore[misc]
    return stop_a is not None and stop_a <= start_b or stop_b is not None and stop_b <= start_a


def rows(index: ast.expr) -> tuple[int, int | None] | None:
    """The rows that a basic index selects, where the text says them: from the first to before the last."""
    match index:
        case ast.Tuple(elts=[first, *_]):
            return rows(first)
        case ast.Constant(value=int(row)) if not isinstance(row, bool):
            return row, row + 1
        case ast.Slice(lower=lower, upper=upper, step=None):
            ends = [getattr(end, "value", -1) if end is not None else None for end in (lower, upper)]
            start, stop = ends[0] or 0, ends[1]
            return (start, stop) if isinstance(start, int) and start >= 0 and (stop is None or isinstance(stop, int) and stop >= 0) else None
    return None


def index_argument(index: ast.expr) -> ast.expr:
    """An index as an argument: slices are spelled as calls."""
    if isinstance(index, ast.Slice):
        return call("slice", [p if p is not None else const(None) for p in (index.lower, index.upper, index.step)])
    if isinstance(index, ast.Tuple):
        return ast.Tuple(elts=[index_argument(e) for e in index.elts], ctx=ast.Load())
    return index
