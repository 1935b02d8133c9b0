"""The adjoint of indexing: what is read from x[index] is given back at dx[index].

    y = x[1:]        dx[1:] += dy
"""
from __future__ import annotations

import ast
from collections.abc import Callable, Iterator
from dataclasses import dataclass

import numpy as np

from srcad.dims import Dim, Facts, dim_of, known_nonnegative
from srcad.render import function_path
from srcad.syntax import call, const, parts_of
from srcad.terms import Term


Span = tuple[Dim, Dim | None]  # from, and up to: without a bound where it is None


@dataclass(frozen=True, eq=False)
class Scatter:
    """The adjoint of `x[index]`: dz added at the index of x."""

    index: ast.expr
    value: Term
    unique: bool
    each_row: bool = False  # one element of every row


def ufunc_at(facts: Facts) -> ast.expr:
    return ast.Attribute(value=function_path(np.add, facts), attr="at", ctx=ast.Load())


def disjoint(a: ast.expr, b: ast.expr, facts: Facts, variable: Callable[[str], Dim | None]) -> bool:
    """Whether two basic indices are known to have no element in common, by one of their axes: `[:k]` and `[k:]`, `[:, n:2 * n]` and `[:, 3 * n:]`."""
    return any(one is not None and two is not None and (ends_before(one, two) or ends_before(two, one)) for one, two in zip(spans(a, facts, variable), spans(b, facts, variable)))


def ends_before(one: Span, two: Span) -> bool:
    return one[1] is not None and known_nonnegative(two[0] - one[1])


def spans(index: ast.expr, facts: Facts, variable: Callable[[str], Dim | None]) -> Iterator[Span | None]:
    """What a basic index takes of each axis, from the first to before the last; None where that is not known."""
    for part in parts_of(index):
        if isinstance(part, ast.Slice):
            start = end_of(part.lower, facts, variable) if part.lower is not None else Dim.of(0, facts)
            stop = end_of(part.upper, facts, variable) if part.upper is not None else None
            yield None if start is None or part.step is not None or stop is None and part.upper is not None else (start, stop)
        else:
            at = end_of(part, facts, variable)
            if at is None:
                return
            yield at, at + 1


def end_of(end: ast.expr, facts: Facts, variable: Callable[[str], Dim | None]) -> Dim | None:
    """An end of a slice that does not count from the last element."""
    dim = dim_of(end, facts, variable)
    return dim if dim is not None and known_nonnegative(dim) else None


def index_argument(index: ast.expr) -> ast.expr:
    """An index as an argument: slices are spelled as calls."""
    if isinstance(index, ast.Slice):
        return call("slice", [p if p is not None else const(None) for p in (index.lower, index.upper, index.step)])
    if isinstance(index, ast.Tuple):
        return ast.Tuple(elts=[index_argument(e) for e in index.elts], ctx=ast.Load())
    return index
