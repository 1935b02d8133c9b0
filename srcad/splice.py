"""Inline one rule: run it on terms, and read the derivative off what it returns.

    multiply(dz, z, x, y):  return y * dz, x * dz

A rule is an ordinary function. Run on arrays it computes; run on Terms, which
stand for expressions, it writes them: `y * dz` becomes the text `y * dz`, with
the kind of its value beside it. Python evaluates the rule's tests on rank and
parameters, so they are gone from the result. Terms simplify as they are built,
and never change an adjoint's dtype, shape or owner by it.
"""
from __future__ import annotations

import ast
import operator
from collections.abc import Callable
from typing import Any

import numpy as np

from srcad.adjoints import sum_call
from srcad.dims import Facts, broadcast
from srcad.kinds import BOOL, FLOAT, INT, Number, is_double, python
from srcad.render import function_path, render
from srcad.shapes import infer_call, operator_kind
from srcad.syntax import binary, call, const, is_path, same, split_literal
from srcad.terms import PEEPHOLE, Term, as_term, liftable, like, literal


def unspread(term: Term, other: Term) -> Term:
    """A broadcast term beside one that has the full shape anyway need not be broadcast."""
    if term.base is None or term.spread or term.number.shape is None or other.number.shape is None or other.base is not None:
        return term
    joint = broadcast(term.number.shape, other.number.shape)
    covered = joint is not None and [d.key for d in joint] == [d.key for d in other.number.shape]
    return term.base if covered else term


def folded_literal(python_operator: Callable[..., Any], a: Any, b: Any) -> Any:
    """The value of an operation on literals, unless it leaves the range in which order does not matter."""
    try:
        value = python_operator(a, b)
    except (ArithmeticError, TypeError, ValueError):
        return None
    if isinstance(value, (int, float)) and (value == 0 and 0 in (a, b) or 1e-150 < abs(value) < 1e150 or python_operator in (operator.add, operator.sub)):
        return value
    return None


def simplify_product(left: Term, right: Term, number: Number) -> Term | None:
    """`1 * x` is x, a literal comes first, and the smaller factor is multiplied first."""
    a, b = literal(left), literal(right)
    if b is not None:
        left, right, a = right, left, b
    if a is not None:
        return simplify_scaled(a, left, right, number)
    if smaller(right, left):
        factor = literal(Term(left.expr.left, number, left.facts)) if isinstance(left.expr, ast.BinOp) and isinstance(left.expr.op, ast.Mult) else None
        if factor is not None and not right.number.is_whole:
            assert isinstance(left.expr, ast.BinOp)
            inner = factor * right
            return Term(binary(inner.expr, ast.Mult(), left.expr.right), number, left.facts)
        left, right = right, left
        return Term(binary(left.expr, ast.Mult(), right.expr), number, left.facts)
    factor, rest = split_literal(right.expr)
    if factor is not None and not left.number.is_whole:
        own, others = split_literal(left.expr)
        together = folded_literal(operator.mul, factor, 1 if own is None else own)
        if together is not None and abs(together) == 1 and not makes_float(own) and (not makes_float(factor) or own is None and left.number.dtype is not None and left.number.is_float):
            product = Term(binary(others, ast.Mult(), rest), number, left.facts)
            return product if together == 1 else -product
        if together is not None:
            return Term(binary(binary(const(together), ast.Mult(), others), ast.Mult(), rest), number, left.facts)
    if isinstance(right.expr, ast.UnaryOp) and isinstance(right.expr.op, ast.USub) and not is_path(right.expr):
        return -Term(binary(left.expr, ast.Mult(), right.expr.operand), number, left.facts)
    return None


def smaller(a: Term, b: Term) -> bool:
    """Whether a has fewer dimensions than b, as far as is known."""
    return a.number.ndim is not None and b.number.ndim is not None and a.number.ndim < b.number.ndim


def makes_float(factor: Any) -> bool:
    """Whether a literal is a float although it might be an integer: `2.0 * mask`."""
    return isinstance(factor, float) and factor == int_or_none(factor)


def simplify_scaled(factor: Any, literal_term: Term, term: Term, number: Number) -> Term | None:
    if term.number.is_whole and is_double(number.dtype) and term.number.dtype != BOOL and term.number.form != "unknown":
        term = term.floating()  # the literal may be dropped, or multiplied by others first
    if factor == 1 and like(number, term.number):
        return Term(term.expr, number, term.facts)
    if factor == -1 and like(number, term.number) and number.dtype is not None and number.dtype.kind == "f":
        return -Term(term.expr, number, term.facts)
    if isinstance(factor, float) and factor == int_or_none(factor) and term.number.dtype is not None and term.number.dtype.kind == "f":
        factor = int(factor)
    match term.expr:
        case ast.BinOp(left=ast.Constant(value=(int() | float()) as inner), op=ast.Mult(), right=rest):
            product = folded_literal(operator.mul, factor, inner)
            if product is None:
                return None
            is_float = isinstance(inner, int) and (number.ndim or is_double(term.number.dtype))  # an int times an int would be an int; 1.0 makes floats of what is none
            if abs(product) == 1 and like(number, term.number) and is_float:
                return Term(rest, number, term.facts) if product == 1 else -Term(rest, number, term.facts)
            exact = int(product) if isinstance(inner, int) and isinstance(product, float) and product == int_or_none(product) and is_double(term.number.dtype) else product
            return Term(binary(const(exact), ast.Mult(), rest), number, term.facts)
        case ast.BinOp(left=ast.Constant(value=(int() | float()) as inner), op=ast.Div(), right=rest):
            product = folded_literal(operator.mul, factor, inner)
            return None if product is None else Term(binary(const(product), ast.Div(), rest), number, term.facts)
        case ast.UnaryOp(op=ast.USub(), operand=inner_expr) if not isinstance(inner_expr, ast.Constant):
            return Term(binary(const(-factor), ast.Mult(), inner_expr), number, term.facts)
    inner, rest = split_literal(term.expr)
    if inner is not None and number.ndim and (product := folded_literal(operator.mul, factor, inner)) is not None:
        exact = int(product) if isinstance(inner, int) and product == int_or_none(product) and is_double(term.number.dtype) else product
        return Term(rest if exact == 1 else binary(const(exact), ast.Mult(), rest), number, term.facts)
    return Term(binary(const(factor), ast.Mult(), term.expr), number, term.facts)


def int_or_none(value: float) -> int | None:
    return int(value) if abs(value) < 2**53 else None


def simplify_sum(left: Term, right: Term, number: Number) -> Term | None:
    """`x + 0` is x; `x + -y` is x - y."""
    if literal(right) == 0 and like(number, left.number):
        return left
    if literal(left) == 0 and like(number, right.number):
        return right
    if isinstance(right.expr, ast.UnaryOp) and isinstance(right.expr.op, ast.USub):
        return Term(binary(left.expr, ast.Sub(), right.expr.operand), number, left.facts)
    return None


def simplify_difference(left: Term, right: Term, number: Number) -> Term | None:
    """`x - 0` is x; `0 - x` is -x."""
    if literal(right) == 0 and like(number, left.number):
        return left
    if literal(left) == 0 and like(number, right.number) and number.dtype is not None and number.dtype.kind == "f":
        return -right
    return None


def simplify_quotient(left: Term, right: Term, number: Number) -> Term | None:
    """`x / 1` is x; `x / x` is 1, and `y * x / x` is y: of `x * log(x)` the derivative is `log(x) + 1`, at 0 too."""
    if literal(right) == 1 and like(number, left.number):
        return left
    if isinstance(right.expr, ast.Name) and right.number.is_float:
        times = multiple(left.expr, right.expr)
        if times is not None:
            ratio = Term(const(float(times)), python(FLOAT), left.facts)
            return ratio if number.shape == () else spread(left.facts, ratio, number.shape)
        for own, other in (left.parts, left.parts[::-1]) if left.parts is not None else ():
            if same(own.expr, right.expr) and like(number, other.number):
                return other
    return None


def multiple(expr: ast.expr, of: ast.expr) -> float | None:
    """3 for `3 * x` and `x`, -1 for `-x`, 1 for `x` itself; None for anything else."""
    if isinstance(expr, ast.UnaryOp) and isinstance(expr.op, ast.USub):
        times = multiple(expr.operand, of)
        return None if times is None else -times
    factor, rest = split_literal(expr)
    if not same(rest, of):
        return None
    return 1 if factor is None else factor


SIMPLIFY: dict[type[ast.operator], Callable[[Term, Term, Number], Term | None]] = {
    ast.Mult: simplify_product, ast.Add: simplify_sum, ast.Sub: simplify_difference, ast.Div: simplify_quotient,
}


def counted(term: Term) -> Term:
    """The number that a literal truth value is in arithmetic."""
    if isinstance(term.expr, ast.Constant) and isinstance(term.expr.value, bool):
        return Term(const(int(term.expr.value)), python(INT), term.facts)
    return term


def binary_term(symbol: ast.operator, python_operator: Callable[..., Any], ufunc: np.ufunc) -> tuple[Any, Any]:
    """The two methods of an operator on terms."""
    simplify = SIMPLIFY.get(type(symbol))

    def combine(left: Any, right: Any, facts: Facts) -> Term:
        left, right = counted(as_term(left, facts)), counted(as_term(right, facts))
        if (left.base is not None or right.base is not None) and not isinstance(symbol, ast.MatMult):
            left, right = unspread(left, right), unspread(right, left)
        number = operator_kind(ufunc, python_operator, [left.number, right.number])
        a, b = literal(left), literal(right)
        if a is not None and b is not None and (folded := folded_literal(python_operator, a, b)) is not None:
            return Term(const(folded), number, facts)
        known = facts.known_value(ufunc, (left, right), {}) if number.ndim else None
        if known is not None:
            return Term(*known, facts)
        found = simplify(left, right, number) if simplify else None
        made = found if found is not None else Term(binary(left.expr, symbol, right.expr), number, facts)
        if isinstance(symbol, ast.Mult) and made is not left and made is not right:
            made.parts = left, right
        return made

    def forward(self: Term, other: Any) -> Any:
        return combine(self, other, self.facts) if liftable(other) else NotImplemented

    def backward(self: Term, other: Any) -> Any:
        return combine(other, self, self.facts) if liftable(other) else NotImplemented

    return forward, backward


def compare_term(symbol: ast.cmpop, python_operator: Callable[..., Any], ufunc: np.ufunc) -> Any:
    def compare(self: Term, other: Any) -> Any:
        if not liftable(other):
            return NotImplemented
        right = as_term(other, self.facts)
        number = operator_kind(ufunc, python_operator, [self.number, right.number])
        expr = ast.Compare(left=self.expr, ops=[symbol], comparators=[right.expr])
        return Term(expr, Number(number.form, BOOL, number.shape), self.facts)

    return compare


ARITHMETIC: tuple[tuple[str, ast.operator, np.ufunc], ...] = (
    ("add", ast.Add(), np.add), ("sub", ast.Sub(), np.subtract), ("mul", ast.Mult(), np.multiply), ("truediv", ast.Div(), np.divide),
    ("pow", ast.Pow(), np.power), ("matmul", ast.MatMult(), np.matmul), ("floordiv", ast.FloorDiv(), np.floor_divide),
    ("mod", ast.Mod(), np.remainder), ("and_", ast.BitAnd(), np.bitwise_and), ("or_", ast.BitOr(), np.bitwise_or),
)
COMPARISONS: tuple[tuple[str, ast.cmpop, np.ufunc], ...] = (
    ("eq", ast.Eq(), np.equal), ("ne", ast.NotEq(), np.not_equal), ("lt", ast.Lt(), np.less),
    ("le", ast.LtE(), np.less_equal), ("gt", ast.Gt(), np.greater), ("ge", ast.GtE(), np.greater_equal),
)
for _word, _symbol, _ufunc in ARITHMETIC:
    _forward, _backward = binary_term(_symbol, getattr(operator, _word), _ufunc)
    setattr(Term, f"__{_word.strip('_')}__", _forward)
    setattr(Term, f"__r{_word.strip('_')}__", _backward)
for _word, _comparison, _ufunc in COMPARISONS:
    setattr(Term, f"__{_word}__", compare_term(_comparison, getattr(operator, _word), _ufunc))
Term.__hash__ = None  # type: ignore[assignment,method-assign]


def spread(facts: Facts, x: Any, shape: Any, **keywords: Any) -> Term | None:
    """np.broadcast_to: remembered as its base, which is enough where broadcasting happens anyway."""
    if keywords or not isinstance(x, Term):
        return None
    base = x.base if x.base is not None and x.spread == tuple(range(len(x.spread))) else x
    if x.base is not None and not x.spread:
        base = x.base
    number = infer_call(np.broadcast_to, facts, [x.number, shape], {})
    if like(number, x.number):
        return x
    expr = call(function_path(np.broadcast_to, facts), [x.expr, render(shape, facts)])
    return Term(expr, number, facts, base=base)


def expanded(facts: Facts, x: Any, axis: Any) -> Term | None:
    if not isinstance(x, Term) or x.number.ndim is None:
        return None
    factor, rest = split_literal(x.expr)
    if factor is not None and x.number.ndim and x.base is None:
        return factor * expanded(facts, Term(rest, x.number, facts), axis)  # type: ignore[no-any-return]
    axes = axis if isinstance(axis, tuple) else (axis,)
    rank = x.number.ndim + len(axes)
    spread_axes = tuple(sorted(a % rank for a in axes))
    number = infer_call(np.expand_dims, facts, [x.number, axis], {})
    if x.base is not None and not x.spread and x.base.number.shape == ():
        expr = call(function_path(np.expand_dims, facts), [x.expr, render(axis, facts)])
        return Term(expr, number, facts, base=x.base)
    if rank > 5 or x.number.form != "array":
        expr = call(function_path(np.expand_dims, facts), [x.expr, render(axis, facts)])
        return Term(expr, number, facts, base=x, spread=spread_axes)
    parts: list[ast.expr] = [const(None) if i in spread_axes else ast.Slice() for i in range(spread_axes[-1] + 1)]
    index = parts[0] if len(parts) == 1 else ast.Tuple(elts=parts, ctx=ast.Load())
    return Term(ast.Subscript(value=x.expr, slice=index, ctx=ast.Load()), number, facts, base=x, spread=spread_axes)


def summed(facts: Facts, x: Any, axis: Any = None, keepdims: bool = False) -> Term | None:
    """np.sum of nothing but one number."""
    if not isinstance(x, Term):
        return None
    if x.number.shape == () and axis is None:
        return x
    arguments = {} if axis is None else {"axis": render(axis, facts)}
    if keepdims:
        arguments["keepdims"] = const(True)
    number = infer_call(np.sum, facts, [x.number], {"axis": axis, "keepdims": keepdims})
    return Term(sum_call(x, facts, arguments), number, facts)


def diagonal_matrix(facts: Facts, v: Any, k: Any = 0) -> Term | None:
    """np.diag of one number in every place: that number times np.eye."""
    if not isinstance(v, Term) or v.base is None or v.base.number.shape != () or v.number.ndim != 1 or not is_double(v.number.dtype) or k != 0:
        return None
    (size,) = v.number.shape or ()
    eye = Term(call(function_path(np.eye, facts), [size.expr]), Number("array", FLOAT, (size, size)), facts)
    return v.base * eye  # type: ignore[no-any-return, operator]


PEEPHOLE.update({np.broadcast_to: spread, np.expand_dims: expanded, np.sum: summed, np.diag: diagonal_matrix})
