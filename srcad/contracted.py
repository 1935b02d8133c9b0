"""Sums of products without the product.

    (x * dz).sum()                     x: (n,), dz: (n,)          ->    x @ dz
    (w * dz).sum(axis=1)               w: (m,), dz: (n, m)        ->    dz @ w
    (x[:, None] * dz).sum(axis=0)      x: (n,), dz: (n, m)        ->    x @ dz
    (gap * dv[:, None]).sum(axis=2)    gap: (n, n, d), dv: (n, d) ->    np.einsum('ijk,ik->ij', gap, dv)
"""
from __future__ import annotations

import ast

import numpy as np

from srcad.dims import Facts, Undecided, product
from srcad.kinds import full, is_double
from srcad.render import function_path
from srcad.syntax import binary, call, const, split_literal, transposed
from srcad.terms import Term

LETTERS = "ijklmn"
ENOUGH = 10_000  # elements, from which on np.einsum is faster where both factors have them all


def inner_product(term: Term, facts: Facts) -> ast.expr | None:
    """The sum of all elements of a product of two real arrays of one shape, without the product."""
    if term.parts is None or term.number.dtype is None or term.number.dtype.kind != "f":
        return None
    if not all(p.number.form == "array" and p.number.dtype == term.number.dtype and full(p.number, term.number) for p in term.parts):
        return None
    literal, (first, second) = apart(term, *(p.expr for p in term.parts))
    if len(term.number.shape or ()) == 1:
        return scaled(literal, binary(first, ast.MatMult(), second))
    return scaled(literal, call(function_path(np.vdot, facts), [first, second]))


def stays(factor: Term, other: Term, product: Term, axes: list[int]) -> bool:
    """Whether a factor has none of the axes that a product is summed over, so that the other one can be summed alone."""
    shapes = factor.number.shape, other.number.shape, product.number.shape
    if any(s is None for s in shapes) or [d.key for d in shapes[1]] != [d.key for d in shapes[2]]:  # type: ignore[union-attr]
        return False
    return all(a < len(shapes[2]) - len(shapes[0]) for a in axes)  # type: ignore[arg-type]


def contraction(term: Term, axes: list[int]) -> ast.expr | None:
    """The sum of a product of two real arrays over some axes; None where multiplying first is as good."""
    number = term.number
    if term.parts is None or number.dtype is None or number.dtype.kind != "f" or number.shape is None or not axes or len(number.shape) > len(LETTERS):
        return None
    found = [labelled(part, term) for part in term.parts]
    if None in found:
        return None
    (first, one), (second, two) = found  # type: ignore[misc]
    whole = LETTERS[: len(number.shape)]
    left = "".join(c for i, c in enumerate(whole) if i not in axes)
    if set(one) | set(two) != set(whole) or not left or one == two == whole and not is_large(term):
        return None
    literal, (first, second) = apart(term, first, second)
    for matrix, a, vector, b in ((first, one, second, two), (second, two, first, one)):
        if len(a) == 2 and len(b) == 1 and left != b:
            return scaled(literal, binary(matrix, ast.MatMult(), vector) if a[1] == b else binary(vector, ast.MatMult(), matrix))
    if len(one) == len(two) == len(left) == 2 and len(set(one) & set(two)) == 1:
        (rows, a), (columns, b) = ((first, one), (second, two)) if left[0] in one else ((second, two), (first, one))
        return scaled(literal, binary(rows if a[0] == left[0] else transposed(rows), ast.MatMult(), columns if b[1] == left[1] else transposed(columns)))
    return scaled(literal, call(function_path(np.einsum, term.facts), [const(f"{one},{two}->{left}"), first, second]))


def apart(term: Term, *factors: ast.expr) -> tuple[float, tuple[ast.expr, ...]]:
    """The number that one of two factors of float64 begins with, and the factors without it: what is summed is multiplied by it afterwards."""
    for i, factor in enumerate(factors):
        literal, rest = split_literal(factor)
        if literal is not None and literal != 0 and is_double(term.number.dtype):  # the rest may be of integers, the other factor is not
            return literal, (*factors[:i], rest, *factors[i + 1 :])
    return 1, factors


def scaled(literal: float, expr: ast.expr) -> ast.expr:
    return expr if literal == 1 else ast.UnaryOp(op=ast.USub(), operand=expr) if literal == -1 else binary(const(literal), ast.Mult(), expr)


def labelled(part: Term, whole: Term) -> tuple[ast.expr, str] | None:
    """A factor, without the axes that were put in to broadcast it, and a letter for each of those it has."""
    shape, dims = part.number.shape, whole.number.shape
    if part.number.form != "array" or part.number.dtype != whole.number.dtype or shape is None or dims is None:
        return None
    lead = len(dims) - len(shape)
    spread = part.spread if part.base is not None else ()
    if part.base is not None and (not spread or part.base.number.form != "array" or len(shape) - len(spread) != part.base.number.ndim):
        return None
    own = [i for i in range(len(shape)) if i not in spread]
    if lead < 0 or not own or any(shape[i].key != dims[lead + i].key for i in own):
        return None
    return (part.base.expr if part.base is not None else part.expr), "".join(LETTERS[lead + i] for i in own)


def is_large(term: Term) -> bool:
    """Whether a term has so many elements that making it costs; the answer is a fact."""
    try:
        return product(term.number.shape or (), term.facts) >= ENOUGH
    except Undecided:
        return False
