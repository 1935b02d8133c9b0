"""Terms: expressions of the generated code, with the kind of their value and NumPy's operators and functions on them.

    x, y terms      np.exp(x) * y is a term too: the text `np.exp(x) * y`
"""
from __future__ import annotations

import ast
import dataclasses
import functools
import inspect
import operator
from collections.abc import Callable, Mapping, Sequence
from typing import Any

import numpy as np

from srcad.dims import Dim, Facts
from srcad.kinds import FLOAT, Number, python
from srcad.render import SizedDim, TermShape, Untraceable, function_path, plain, render, render_index
from srcad.shapes import infer_call, lift, operator_kind
from srcad.shapes.indexing import getitem
from srcad.syntax import OPERATIONS, binary, call, const, without_sign


class Term:
    """An expression in the generated code and the kind of its value, with NumPy's operators and functions on it."""

    __array_priority__ = 1000
    __slots__ = ("expr", "number", "facts", "base", "spread", "parts")

    def __init__(self, expr: ast.expr, number: Number, facts: Facts, base: Term | None = None, spread: tuple[int, ...] = ()) -> None:
        self.expr = expr
        self.number = number
        self.facts = facts
        self.base = base  # what this is np.broadcast_to or np.expand_dims of
        self.spread = spread  # the axes that np.expand_dims added
        self.parts: tuple[Term, Term] | None = None  # the two factors of a product

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
        """Transposed; what is the transpose of another variable is that variable again."""
        number = infer_call(np.transpose, self.facts, [self.number], {})
        if isinstance(self.expr, ast.Attribute) and self.expr.attr == "T":
            return Term(self.expr.value, number, self.facts)
        if isinstance(self.expr, ast.Name) and self.expr.id in self.facts.transposes:
            return Term(self.facts.transposes[self.expr.id], number, self.facts)
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
        if isinstance(index, tuple) and len(index) == 1 and index[0] is not Ellipsis:
            index = index[0]
        plain_index = index if isinstance(index, tuple) else (index,)
        number = getitem(self.facts, self.number, tuple(plain(i) for i in plain_index))
        return Term(ast.Subscript(value=self.expr, slice=render_index(index, self.facts), ctx=ast.Load()), number, self.facts)

    def reshape(self, *shape: Any, order: str = "C") -> Term:
        wanted = shape[0] if len(shape) == 1 and isinstance(shape[0], tuple) else shape
        same = self.number.shape is not None and [getattr(d, "key", str(d)) for d in wanted] == [d.key for d in self.number.shape]
        if same and (order == "C" or len(wanted) < 2):
            return self
        keywords = {} if order == "C" else {"order": const(order)}
        number = infer_call(np.reshape, self.facts, [self.number, wanted], {})
        if self.number.shape == ():
            return Term(call(function_path(np.reshape, self.facts), [self.expr, render(wanted, self.facts)], **keywords), number, self.facts)
        function = ast.Attribute(value=self.expr, attr="reshape", ctx=ast.Load())
        return Term(call(function, [const(-1) if wanted == (-1,) else render(wanted, self.facts)], **keywords), number, self.facts)

    def sum(self, axis: Any = None, keepdims: bool = False) -> Any:
        return np.sum(self, axis=axis, keepdims=keepdims)  # type: ignore[call-overload]

    def dot(self, other: Term) -> Term:
        number = infer_call(np.dot, self.facts, [self.number, other.number], {})
        return Term(call(ast.Attribute(value=self.expr, attr="dot", ctx=ast.Load()), [other.expr]), number, self.facts)

    def astype(self, dtype: Any) -> Term:
        function = ast.Attribute(value=self.expr, attr="astype", ctx=ast.Load())
        number = Number(self.number.form, np.dtype(dtype), self.number.shape)
        return Term(call(function, [render(np.dtype(dtype), self.facts)]), number, self.facts)

    def floating(self) -> Term:
        """The same numbers as floats: `i.astype(np.float64)`, and `float(i)` of a single one."""
        if self.number.form == "array":
            return self.astype(FLOAT)
        return Term(call("float", [self.expr]), dataclasses.replace(self.number, dtype=FLOAT), self.facts)

    def called(self, label: str) -> Term:
        """The same, to be written as a line of its own, under this name."""
        if isinstance(self.expr, (*OPERATIONS, ast.Subscript)):
            vars(self.expr)["label"] = label
        return self

    def of_size(self, size: Dim | int) -> Term:
        """The same vector, of which a rule knows the size."""
        return Term(self.expr, dataclasses.replace(self.number, shape=(Dim.of(size, self.facts) if isinstance(size, int) else size,)), self.facts)

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

    @property
    def is_blank(self) -> bool:
        """Whether this is the adjoint of what nothing depends on."""
        zeros = isinstance(self.expr, ast.Call) and isinstance(self.expr.func, ast.Attribute) and self.expr.func.attr in ("zeros", "zeros_like")
        return zeros or literal(self) == 0

    # ---- NumPy's protocols

    def __array_ufunc__(self, ufunc: np.ufunc, way: str, *inputs: Any, **keywords: Any) -> Any:
        return self.apply(ufunc if way == "__call__" else getattr(ufunc, way), inputs, keywords)

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
        rendered = {k: render(v, self.facts) for k, v in keywords.items() if v is not None and v is not False or matters(function, k, v)}
        expr = call(function_path(function, self.facts), [render(a, self.facts) for a in args], **rendered)
        if isinstance(number, list):
            return tuple(Term(ast.Subscript(value=expr, slice=ast.Constant(value=i), ctx=ast.Load()), n, self.facts) for i, n in enumerate(number))
        return Term(expr, number, self.facts)

    # ---- operators

    def __neg__(self) -> Term:
        made = self.negated()
        if self.parts is not None:
            made.parts = -self.parts[0], self.parts[1]
        return made

    def negated(self) -> Term:
        dtype = self.number.dtype if self.number.form != "python" else None
        if dtype is not None and (dtype.kind in "bu" or dtype.kind == "i" and dtype.itemsize < 4):  # NumPy does not negate it, or wraps round
            return Term(binary(const(-1.0), ast.Mult(), self.expr), Number(self.number.form, FLOAT, self.number.shape), self.facts)
        if isinstance(self.expr, ast.Constant):
            return Term(const(-self.expr.value), self.number, self.facts)  # type: ignore[operator]
        if isinstance(self.expr, ast.UnaryOp) and isinstance(self.expr.op, ast.USub):
            return Term(self.expr.operand, self.number, self.facts)
        negative, positive = without_sign(self.expr)
        if negative:
            return Term(positive, self.number, self.facts)
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


@functools.lru_cache(None)
def matters(function: Callable[..., Any], keyword: str, value: Any) -> bool:
    """Whether None or False is not what a function takes for a keyword anyway."""
    try:
        default = inspect.signature(function).parameters[keyword].default
    except (TypeError, ValueError, KeyError):
        return False
    return isinstance(default, (bool, int, str)) and default is not value


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


def liftable(value: Any) -> bool:
    return isinstance(value, (Term, Dim, int, float, complex, np.number))


def as_term(value: Any, facts: Facts) -> Term:
    if isinstance(value, Term):
        return value
    if isinstance(value, Dim):
        return Term(value.expr, python(np.dtype(int), value), facts)
    if isinstance(value, np.generic):
        value = value.item()
    return Term(const(value), lift(value, facts), facts)


PEEPHOLE: dict[object, Callable[..., Term | None]] = {}  # functions whose terms are simpler than their calls
