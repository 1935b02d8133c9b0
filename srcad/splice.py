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
import functools
import operator
import sys
from collections.abc import Callable, Mapping, Sequence
from typing import Any

import numpy as np

from srcad.kinds import BOOL, FLOAT, Dim, Facts, Number, Shape, broadcast, python
from srcad.shapes import infer_call, lift, operator_kind
from srcad.syntax import binary, call, const, expression, is_path, name


class Untraceable(Exception):
    """A rule does something that cannot be written down as one expression; it is called instead."""


class Term:
    """An expression in the generated code and the kind of its value, with NumPy's operators and functions on it."""

    __array_priority__ = 1000
    __slots__ = ("expr", "number", "facts", "base", "spread")

    def __init__(self, expr: ast.expr, number: Number, facts: Facts, base: Term | None = None, spread: tuple[int, ...] = ()) -> None:
        self.expr = expr
        self.number = number
        self.facts = facts
        self.base = base  # what this is np.broadcast_to or np.expand_dims of
        self.spread = spread  # the axes that np.expand_dims added

    # ---- what a rule may ask

    @property
    def shape(self) -> TermShape:
        if self.number.shape is None:
            raise Untraceable("shape")
        return TermShape(self.number.shape, self)

    @property
    def ndim(self) -> int:
        if self.number.ndim is None:
            raise Untraceable("rank")
        return self.number.ndim

    @property
    def dtype(self) -> np.dtype[Any]:
        if self.number.dtype is None:
            raise Untraceable("dtype")
        return self.number.dtype

    @property
    def size(self) -> Any:
        if self.number.shape is None:
            raise Untraceable("size")
        total: Any = 1
        for dim in self.number.shape:
            total = dim * total
        return total if len(self.number.shape) < 2 else SizedDim(total, self)

    @property
    def T(self) -> Term:
        number = infer_call(np.transpose, self.facts, [self.number], {})
        return Term(ast.Attribute(value=self.expr, attr="T", ctx=ast.Load()), number, self.facts)

    def __bool__(self) -> bool:
        raise Untraceable("a test on values")

    def __len__(self) -> int:
        raise Untraceable("a length")

    def __iter__(self) -> Any:
        raise Untraceable("a loop over values")

    def __float__(self) -> float:
        raise Untraceable("a conversion")

    def __getitem__(self, index: Any) -> Term:
        from srcad.shapes import getitem

        plain_index = index if isinstance(index, tuple) else (index,)
        number = getitem(self.facts, self.number, tuple(plain(i) for i in plain_index))
        return Term(ast.Subscript(value=self.expr, slice=render_index(index, self.facts), ctx=ast.Load()), number, self.facts)

    def reshape(self, *shape: Any) -> Term:
        wanted = shape[0] if len(shape) == 1 and isinstance(shape[0], tuple) else shape
        if self.number.shape is not None and [getattr(d, "key", str(d)) for d in wanted] == [d.key for d in self.number.shape]:
            return self
        number = infer_call(np.reshape, self.facts, [self.number, wanted], {})
        function = ast.Attribute(value=self.expr, attr="reshape", ctx=ast.Load())
        return Term(call(function, [render(wanted, self.facts)]), number, self.facts)

    def sum(self, axis: Any = None, keepdims: bool = False) -> Any:
        return np.sum(self, axis=axis, keepdims=keepdims)  # type: ignore[call-overload]

    def dot(self, other: Term) -> Term:
        number = infer_call(np.dot, self.facts, [self.number, other.number], {})
        return Term(call(ast.Attribute(value=self.expr, attr="dot", ctx=ast.Load()), [other.expr]), number, self.facts)

    def astype(self, dtype: Any) -> Term:
        function = ast.Attribute(value=self.expr, attr="astype", ctx=ast.Load())
        number = Number(self.number.form, np.dtype(dtype), self.number.shape)
        return Term(call(function, [render(np.dtype(dtype), self.facts)]), number, self.facts)

    def copy(self) -> Term:
        return Term(call(ast.Attribute(value=self.expr, attr="copy", ctx=ast.Load())), self.number, self.facts)

    def choose(self, x: Any, y: Any) -> Term:
        """`x if self else y`, on Python numbers."""
        x, y = as_term(x, self.facts), as_term(y, self.facts)
        dtype = np.result_type(x.number.dtype or FLOAT, y.number.dtype or FLOAT)
        form = "python" if x.number.form == y.number.form == "python" else "scalar"
        return Term(ast.IfExp(test=self.expr, body=x.expr, orelse=y.expr), Number(form, dtype, ()), self.facts)

    @property
    def literal(self) -> Any:
        return literal(self)

    # ---- NumPy's protocols

    def __array_ufunc__(self, ufunc: np.ufunc, way: str, *inputs: Any, **keywords: Any) -> Any:
        if way != "__call__":
            raise Untraceable(f"np.{ufunc.__name__}.{way}")
        return self.apply(ufunc, inputs, keywords)

    def __array_function__(self, function: Callable[..., Any], types: Any, args: Any, keywords: Any) -> Any:
        return self.apply(function, args, keywords)

    def apply(self, function: Callable[..., Any], args: Sequence[Any], keywords: Mapping[str, Any]) -> Any:
        """`function(*args, **keywords)` as a term."""
        special = PEEPHOLE.get(function)
        if special is not None:
            found = special(self.facts, *args, **keywords)
            if found is not None:
                return found
        known = self.facts.known_value(function, args, keywords)
        if known is not None:
            return Term(*known, self.facts)
        number = infer_call(function, self.facts, [plain(a) for a in args], {k: plain(v) for k, v in keywords.items()})
        rendered = {k: render(v, self.facts) for k, v in keywords.items()}
        expr = call(function_path(function, self.facts), [render(a, self.facts) for a in args], **rendered)
        if isinstance(number, list):
            return tuple(Term(ast.Subscript(value=expr, slice=ast.Constant(value=i), ctx=ast.Load()), n, self.facts) for i, n in enumerate(number))
        return Term(expr, number, self.facts)

    # ---- operators

    def __neg__(self) -> Term:
        if isinstance(self.expr, ast.Constant):
            return Term(const(-self.expr.value), self.number, self.facts)
        if isinstance(self.expr, ast.UnaryOp) and isinstance(self.expr.op, ast.USub):
            return Term(self.expr.operand, self.number, self.facts)
        if isinstance(self.expr, ast.BinOp) and isinstance(self.expr.op, (ast.Mult, ast.Div)):
            first = literal(Term(self.expr.left, self.number, self.facts))
            if first is not None:
                return Term(binary(const(-first), self.expr.op, self.expr.right), self.number, self.facts)
        if self.base is not None and not self.spread:
            base = -self.base
            return Term(ast.UnaryOp(op=ast.USub(), operand=self.expr), self.number, self.facts, base=base)
        return Term(ast.UnaryOp(op=ast.USub(), operand=self.expr), operator_kind(np.negative, operator.neg, [self.number]), self.facts)

    def __pos__(self) -> Term:
        return self

    def __invert__(self) -> Term:
        return Term(ast.UnaryOp(op=ast.Invert(), operand=self.expr), self.number, self.facts)


class TermShape(tuple[Dim, ...]):
    """The shape of a term: symbolic dimensions, and how the text says the whole of it."""

    owner: Term

    def __new__(cls, dims: Shape, owner: Term) -> TermShape:
        shape = super().__new__(cls, dims)
        shape.owner = owner
        return shape

    def __eq__(self, other: object) -> bool:
        if not isinstance(other, tuple) or len(other) != len(self):
            return False
        return all(a == b for a, b in zip(self, other))

    __hash__ = None  # type: ignore[assignment]


class SizedDim(Dim):
    """The size of an array: written `x.size`."""

    __slots__ = ("term",)

    def __init__(self, dim: Dim, term: Term) -> None:
        super().__init__(dim.terms, dim.const, dim.value, dim.facts)
        self.term = term

    @property
    def expr(self) -> ast.expr:
        if not self.terms or self.facts.name_of(self) != self.key:
            return super().expr
        owner = shape_owner(self.term.shape, self.facts)
        return ast.Attribute(value=owner, attr="size", ctx=ast.Load()) if owner is not None else super().expr


def literal(value: Any) -> Any:
    """The number that a literal term says, else None."""
    expr = value.expr if isinstance(value, Term) else None
    if isinstance(expr, ast.Constant) and isinstance(expr.value, (int, float)) and not isinstance(expr.value, bool):
        return expr.value
    if isinstance(expr, ast.UnaryOp) and isinstance(expr.op, ast.USub) and isinstance(expr.operand, ast.Constant):
        return -expr.operand.value  # type: ignore[operator]
    return None


def like(a: Number, b: Number) -> bool:
    """Whether values of one kind can stand for the other: same form, dtype and shape."""
    if a.dtype != b.dtype or a.dtype is None or a.shape is None or b.shape is None:
        return False
    plain_forms = a.form == b.form or {a.form, b.form} <= {"scalar", "array", "unknown"} and bool(a.shape)
    return plain_forms and [d.key for d in a.shape] == [d.key for d in b.shape]


def binary_term(symbol: ast.operator, python_operator: Callable[..., Any], ufunc: np.ufunc) -> tuple[Any, Any]:
    """The two methods of an operator on terms."""
    simplify = SIMPLIFY.get(type(symbol))

    def combine(left: Any, right: Any, facts: Facts) -> Term:
        left, right = as_term(left, facts), as_term(right, facts)
        if (left.base is not None or right.base is not None) and not isinstance(symbol, ast.MatMult):
            left, right = unspread(left, right), unspread(right, left)
        number = operator_kind(ufunc, python_operator, [left.number, right.number])
        a, b = literal(left), literal(right)
        if a is not None and b is not None and not (type(symbol) in (ast.Div, ast.Mod, ast.FloorDiv) and b == 0):
            return Term(const(python_operator(a, b)), number, facts)
        known = facts.known_value(ufunc, (left, right), {}) if number.ndim else None
        if known is not None:
            return Term(*known, facts)
        found = simplify(left, right, number) if simplify else None
        return found if found is not None else Term(binary(left.expr, symbol, right.expr), number, facts)

    def forward(self: Term, other: Any) -> Any:
        return combine(self, other, self.facts) if liftable(other) else NotImplemented

    def backward(self: Term, other: Any) -> Any:
        return combine(other, self, self.facts) if liftable(other) else NotImplemented

    return forward, backward


def liftable(value: Any) -> bool:
    return isinstance(value, (Term, Dim, int, float, np.number))


def as_term(value: Any, facts: Facts) -> Term:
    if isinstance(value, Term):
        return value
    if isinstance(value, Dim):
        return Term(value.expr, python(np.dtype(int), value), facts)
    if isinstance(value, np.generic):
        value = value.item()
    return Term(const(value), lift(value, facts), facts)


def unspread(term: Term, other: Term) -> Term:
    """A broadcast term beside one that has the full shape anyway need not be broadcast."""
    if term.base is None or term.spread or term.number.shape is None or other.number.shape is None or other.base is not None:
        return term
    joint = broadcast(term.number.shape, other.number.shape)
    covered = joint is not None and [d.key for d in joint] == [d.key for d in other.number.shape]
    return term.base if covered else term


def simplify_product(left: Term, right: Term, number: Number) -> Term | None:
    """`1 * x` is x, a literal comes first, and the smaller factor is multiplied first."""
    a, b = literal(left), literal(right)
    if b is not None:
        left, right, a = right, left, b
    if a is not None:
        return simplify_scaled(a, left, right, number)
    if smaller(right, left):
        factor = literal(Term(left.expr.left, number, left.facts)) if isinstance(left.expr, ast.BinOp) and isinstance(left.expr.op, ast.Mult) else None
        if factor is not None:
            assert isinstance(left.expr, ast.BinOp)
            inner = factor * right
            return Term(binary(inner.expr, ast.Mult(), left.expr.right), number, left.facts)
        left, right = right, left
        return Term(binary(left.expr, ast.Mult(), right.expr), number, left.facts)
    if isinstance(right.expr, ast.UnaryOp) and isinstance(right.expr.op, ast.USub) and not is_path(right.expr):
        return -Term(binary(left.expr, ast.Mult(), right.expr.operand), number, left.facts)
    return None


def smaller(a: Term, b: Term) -> bool:
    """Whether a has fewer dimensions than b, as far as is known."""
    return a.number.ndim is not None and b.number.ndim is not None and a.number.ndim < b.number.ndim


def simplify_scaled(factor: Any, literal_term: Term, term: Term, number: Number) -> Term | None:
    if factor == 1 and like(number, term.number):
        return Term(term.expr, number, term.facts)
    if factor == -1 and like(number, term.number) and number.dtype is not None and number.dtype.kind == "f":
        return -Term(term.expr, number, term.facts)
    if isinstance(factor, float) and factor == int_or_none(factor) and term.number.dtype is not None and term.number.dtype.kind == "f":
        factor = int(factor)
    match term.expr:
        case ast.BinOp(left=ast.Constant(value=(int() | float()) as inner), op=ast.Mult(), right=rest):
            product = factor * inner
            exact = int(product) if isinstance(product, float) and product == int_or_none(product) and term.number.dtype == FLOAT else product
            return Term(binary(const(exact), ast.Mult(), rest), number, term.facts)
        case ast.BinOp(left=ast.Constant(value=(int() | float()) as inner), op=ast.Div(), right=rest):
            return Term(binary(const(factor * inner), ast.Div(), rest), number, term.facts)
        case ast.UnaryOp(op=ast.USub(), operand=inner_expr) if not isinstance(inner_expr, ast.Constant):
            return Term(binary(const(-factor), ast.Mult(), inner_expr), number, term.facts)
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


def simplify_quotient(left: Term, right: Term, number: Number) -> Term | None:
    """`x / 1` is x; `-x / y` is said as it is; the smaller part of a product is divided."""
    if literal(right) == 1 and like(number, left.number):
        return left
    return None


SIMPLIFY: dict[type[ast.operator], Callable[[Term, Term, Number], Term | None]] = {
    ast.Mult: simplify_product, ast.Add: simplify_sum, ast.Div: simplify_quotient,
}
for _symbol, _operator, _ufunc in (
    ("add", ast.Add(), np.add), ("sub", ast.Sub(), np.subtract), ("mul", ast.Mult(), np.multiply), ("truediv", ast.Div(), np.divide),
    ("pow", ast.Pow(), np.power), ("matmul", ast.MatMult(), np.matmul), ("floordiv", ast.FloorDiv(), np.floor_divide),
    ("mod", ast.Mod(), np.remainder), ("and_", ast.BitAnd(), np.bitwise_and), ("or_", ast.BitOr(), np.bitwise_or),
):
    _forward, _backward = binary_term(_operator, getattr(operator, _symbol), _ufunc)
    setattr(Term, f"__{_symbol.strip('_')}__", _forward)
    setattr(Term, f"__r{_symbol.strip('_')}__", _backward)


def compare_term(symbol: ast.cmpop, python_operator: Callable[..., Any], ufunc: np.ufunc) -> Any:
    def compare(self: Term, other: Any) -> Any:
        if not liftable(other):
            return NotImplemented
        right = as_term(other, self.facts)
        number = operator_kind(ufunc, python_operator, [self.number, right.number])
        expr = ast.Compare(left=self.expr, ops=[symbol], comparators=[right.expr])
        return Term(expr, Number(number.form, BOOL, number.shape), self.facts)

    return compare


for _symbol, _compare, _ufunc in (
    ("eq", ast.Eq(), np.equal), ("ne", ast.NotEq(), np.not_equal), ("lt", ast.Lt(), np.less),
    ("le", ast.LtE(), np.less_equal), ("gt", ast.Gt(), np.greater), ("ge", ast.GtE(), np.greater_equal),
):
    setattr(Term, f"__{_symbol}__", compare_term(_compare, getattr(operator, _symbol), _ufunc))
Term.__hash__ = None  # type: ignore[assignment,method-assign]


# ---- functions whose terms are simpler than their calls

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
    axes = axis if isinstance(axis, tuple) else (axis,)
    rank = x.number.ndim + len(axes)
    spread_axes = tuple(sorted(a % rank for a in axes))
    number = infer_call(np.expand_dims, facts, [x.number, axis], {})
    if x.base is not None and not x.spread and x.base.number.shape == ():
        expr = call(function_path(np.expand_dims, facts), [x.expr, render(axis, facts)])
        return Term(expr, number, facts, base=x.base)
    if spread_axes[-1] == rank - 1 and len(spread_axes) > 1 or x.number.form != "array":
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
    return Term(call(function_path(np.sum, facts), [x.expr], **arguments), number, facts)


PEEPHOLE: dict[object, Callable[..., Term | None]] = {np.broadcast_to: spread, np.expand_dims: expanded, np.sum: summed}


# ---- rendering

def plain(value: Any) -> Any:
    """What a shape rule sees of a value."""
    match value:
        case Term():
            return value.number
        case TermShape():
            return tuple(value)
        case list() | tuple():
            return type(value)(plain(v) for v in value)
        case slice():
            return slice(plain(value.start), plain(value.stop), plain(value.step))
    return value


def render(value: Any, facts: Facts) -> ast.expr:
    """The expression that says a value."""
    match value:
        case Term() | Dim():
            return value.expr
        case ast.expr():
            return value
        case TermShape():
            return shape_expr(value, facts)
        case np.bool_():
            return const(bool(value))
        case np.generic():
            return const(value.item())
        case bool() | int() | float() | str() | None:
            return const(value)
        case _ if value is Ellipsis:
            return ast.Constant(value=Ellipsis)
        case tuple():
            return ast.Tuple(elts=[render(v, facts) for v in value], ctx=ast.Load())
        case list():
            return ast.List(elts=[render(v, facts) for v in value], ctx=ast.Load())
        case slice():
            return call("slice", [render(v, facts) for v in (value.start, value.stop, value.step)])
        case np.dtype():
            return expression(f"{facts.module('numpy')}.{value.name}")
    raise Untraceable(f"{type(value).__name__} as a constant")


def render_index(index: Any, facts: Facts) -> ast.expr:
    if isinstance(index, tuple):
        return ast.Tuple(elts=[render_index(i, facts) for i in index], ctx=ast.Load())
    if isinstance(index, slice):
        parts = [None if v is None else render(v, facts) for v in (index.start, index.stop, index.step)]
        return ast.Slice(*parts)
    return render(index, facts)


def shape_owner(dims: Shape, facts: Facts) -> ast.expr | None:
    """Something whose shape is known to be `dims`: an argument, or else a variable of the program."""
    found = facts.shape_owner([d.key for d in dims])
    if found is not None:
        return expression(found)
    if isinstance(dims, TermShape) and isinstance(dims.owner.expr, ast.Name) and any(d.value is None for d in dims):
        return dims.owner.expr
    return None


def shape_expr(dims: Shape, facts: Facts) -> ast.expr:
    """The text of a shape: `x.shape` where something has it, else dimension by dimension."""
    owner = shape_owner(dims, facts)
    if owner is not None and dims and not all(not d.terms for d in dims):
        return ast.Attribute(value=owner, attr="shape", ctx=ast.Load())
    if any("?" in d.key for d in dims):
        if isinstance(dims, TermShape) and is_path(dims.owner.expr):
            return ast.Attribute(value=dims.owner.expr, attr="shape", ctx=ast.Load())
        raise Untraceable("a shape that only the run can tell")
    return ast.Tuple(elts=[d.expr for d in dims], ctx=ast.Load())


@functools.lru_cache(None)
def library_path(function: Any) -> tuple[str, str] | None:
    """Where a library function is read from: ("numpy", "linalg.inv")."""
    label = getattr(function, "__name__", "")
    for module, prefix in (("numpy", ""), ("numpy", "linalg"), ("numpy", "fft"), ("math", ""), ("scipy.special", ""), ("scipy.linalg", "")):
        owner: Any = sys.modules.get(module)
        owner = getattr(owner, prefix, None) if prefix else owner
        if owner is not None and getattr(owner, label, None) is function:
            return module, f"{prefix}.{label}".lstrip(".")
    module = getattr(function, "__module__", None) or ""
    top = sys.modules.get(module)
    if top is not None and getattr(top, label, None) is function and module != "builtins":
        return module, label
    return None


def function_path(function: Any, facts: Facts) -> ast.expr:
    """The expression by which the generated code calls a library function."""
    import builtins

    if getattr(builtins, getattr(function, "__name__", ""), None) is function:
        return name(function.__name__)
    found = library_path(function)
    if found is None or found[0] not in facts.modules:
        raise Untraceable(f"{function!r} has no name in a library")
    return expression(f"{facts.module(found[0])}.{found[1]}")
