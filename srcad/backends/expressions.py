"""Expressions: what a tree of operators and calls is, element by element.

    2 * x + b    ->    Val(dims (n, m), at(i, j) = (2 * x[i, j] + b[j]))
"""
from __future__ import annotations

import ast
import builtins
import math
import types
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from srcad.backends import calls
from srcad.backends.building import Building
from srcad.backends.elementwise import COMPARISONS, OPERATORS, PYTHON, REPEATED, USES, template, vector
from srcad.backends.values import (
    FLOAT,
    INT,
    Count,
    Index,
    Repeated,
    Stack,
    Static,
    Tup,
    Val,
    Value,
    aligned,
    cast,
    literal,
    promoted,
    refuse,
    replaced,
    scalar,
)
from srcad.dims import Dim
from srcad.kinds import BOOL


class Expressions(Building):
    """Lowers expressions. What must be computed before them is emitted."""

    space: dict[str, Any]

    def value(self, node: ast.expr) -> Value:
        """What an expression is."""
        found = self.outside(node)
        if found is not None:
            return found
        match node:
            case ast.Constant(value=value):
                return literal(value) if isinstance(value, (bool, int, float)) else Static(value)
            case ast.Name(id=identifier):
                return self.variable(identifier)
            case ast.Tuple(elts=elts):
                return Tup(tuple(map(self.value, elts)))
            case ast.List(elts=elts):
                return Tup(tuple(map(self.value, elts)), list)
            case ast.Dict(keys=keys, values=values):
                return Tup(tuple(map(self.value, values)), dict, tuple(ast.literal_eval(k) for k in keys if k is not None))
            case ast.BinOp(op=ast.MatMult(), left=left, right=right):
                return self.matmul(self.operand(left), self.operand(right))
            case ast.BinOp(op=op, left=left, right=right):
                return self.operator(OPERATORS[type(op).__name__], self.value(left), self.value(right))
            case ast.UnaryOp(op=op, operand=operand):
                return self.unary(op, self.value(operand))
            case ast.Compare(left=left, ops=[op], comparators=[right]):
                return self.compare(op, left, right)
            case ast.BoolOp(op=op, values=values):
                return self.junction(isinstance(op, ast.And), values)
            case ast.IfExp(test=test, body=body, orelse=orelse):
                return self.choice(test, body, orelse)
            case ast.Subscript():
                return self.subscript(node)
            case ast.Attribute():
                return self.attribute(node)
            case ast.Call():
                return self.call(node)
        return refuse(f"`{type(node).__name__}` expressions are not compiled.")  # type: ignore[no-any-return]

    def operand(self, node: ast.expr) -> Val:
        return self.number(self.value(node))

    def number(self, value: Value) -> Val:
        """A number or array; a list of numbers becomes an array."""
        if isinstance(value, Val):
            return value
        if isinstance(value, Tup) and value.kind in (list, tuple):
            return self.gathered(value)
        if isinstance(value, Stack):
            return self.stack_array(value)
        what = f"the value {value.value!r}" if isinstance(value, Static) else f"a {type(value).__name__.lower()}"
        return refuse(f"{what} stands where a number is meant.")  # type: ignore[no-any-return]

    def variable(self, identifier: str) -> Value:
        if identifier in self.env:
            return self.env[identifier]  # type: ignore[no-any-return]
        try:
            return Static(self.resolve(identifier))
        except LookupError:
            return refuse(f"`{identifier}` has no value that is known here.")  # type: ignore[no-any-return]

    def resolve(self, identifier: str) -> object:
        if identifier in self.space:
            return self.space[identifier]
        if hasattr(builtins, identifier):
            return getattr(builtins, identifier)
        raise LookupError(identifier)

    # ---- elementwise

    def operator(self, function: Any, left: Value, right: Value) -> Value:
        if isinstance(left, Tup) and isinstance(right, Tup) and function is np.add:
            return Tup((*left.items, *right.items), left.kind)
        if isinstance(left, Tup) and isinstance(right, Val) and function is np.multiply and isinstance(right.const, int) and left.kind in (list, tuple):
            return Tup(left.items * right.const, left.kind)
        if isinstance(left, Tup) and left.kind is list and len(left.items) == 1 and isinstance(right, Val) and function is np.multiply:
            return Repeated(self.number(left.items[0]), self.steady(right))
        a, b = self.number(left), self.number(right)
        if a.form == b.form == "python" and not a.dims and not b.dims:
            return self.python(function, a, b)
        return self.elementwise(function, a, b)

    def python(self, function: Any, a: Val, b: Val) -> Val:
        """An operation on Python's own numbers."""
        operation = PYTHON[function]
        if a.const is not None and b.const is not None:
            try:
                return literal(operation(a.const, b.const))
            except ArithmeticError:
                pass
        dim = self.dim_of(function, a, b)
        if a.dtype == b.dtype == INT or {a.dtype, b.dtype} <= {INT, BOOL}:
            dtype = FLOAT if function is np.divide else INT
            if function is np.power and not (isinstance(b.const, int) and b.const >= 0):
                return scalar(f"(float({a.text}) ** {b.text})", FLOAT)
        else:
            dtype = FLOAT
        symbol = template(function)
        assert symbol is not None
        return scalar(symbol.format(a.text, b.text), dtype, dim=dim)

    def dim_of(self, function: Any, a: Val, b: Val) -> Dim | None:
        """Arithmetic on sizes stays symbolic."""
        if a.dtype != INT or b.dtype != INT or function not in (np.add, np.subtract, np.multiply, np.floor_divide):
            return None
        left, right = ((v.dim if v.dim is not None else Dim.of(v.const, self.facts) if isinstance(v.const, int) else None) for v in (a, b))
        if left is None or right is None:
            return None
        if function is np.floor_divide and not right.terms and right.const == 0:
            return None
        return PYTHON[function](left, right)  # type: ignore[no-any-return]

    def elementwise(self, function: Any, *operands: Val, dtype: np.dtype[Any] | None = None) -> Val:
        """A function of one element of each operand."""
        found = template(function)
        if found is None:
            refuse(f"`{getattr(function, '__name__', function)}` is not compiled.")
        if function is np.where:
            dtype = promoted(np.add, *operands[1:]) if operands[1].dtype != BOOL or operands[2].dtype != BOOL else BOOL
        result = dtype or promoted(function, *operands)
        label = str(found).split("(")[0]
        if label in USES:
            self.helper(label)
        if result == FLOAT and operands[0].dims and vector(function):
            found = f"{self.helper(vector(function))}({{0}})"
        if BOOL in {o.dtype for o in operands}:
            found = boolean(function, str(found), operands)
        if function is np.invert and operands[0].dtype == BOOL:
            found = "(not {0})"
        dims = self.broadcast(*operands)
        compared = promoted(np.add, *operands) if result == BOOL and len(operands) == 2 and not all(o.dtype == BOOL for o in operands) else result
        if function is np.power:
            return self.power(operands[0], operands[1], dims, result)

        def at(index: Index) -> str:
            texts = [aligned(o, index) for o in operands]
            if compared.kind == "f" and result.kind in "fb":
                skip = function is np.where
                texts = [t if skip and k == 0 or o.dtype.kind != "f" and compared == FLOAT else cast(t, o, compared) for k, (t, o) in enumerate(zip(texts, operands))]
            if function in REPEATED:
                texts = [self.let(t) for t in texts]
            text = str(found).format(*texts)
            return f"np.{result.name}({text})" if result.kind in "iu" and result != INT or result == np.float32 and "math." in str(found) and operands[0].dtype != result else text

        form = "python" if not dims and all(o.form == "python" for o in operands) and not isinstance(function, np.ufunc) else "scalar"
        return Val(result, dims, at, "array" if dims else form)

    def power(self, base: Val, exponent: Val, dims: tuple[Dim, ...], result: np.dtype[Any]) -> Val:
        """Small whole powers as products."""
        form = "array" if dims else "scalar"
        whole = exponent.const if isinstance(exponent.const, (int, float)) and exponent.const == int(exponent.const) else None
        if whole is not None and 2 <= whole <= 4:
            def product(index: Index) -> str:
                factor = self.let(cast(aligned(base, index), base, result))
                return f"({' * '.join([factor] * int(whole))})"

            return Val(result, dims, product, form)
        if whole is not None and result.kind == "f":
            return Val(result, dims, lambda index: f"({cast(aligned(base, index), base, result)} ** {int(whole)})" if whole >= 0 else
                       f"(1.0 / {cast(aligned(base, index), base, result)} ** {-int(whole)})", form)
        if exponent.const == 0.5:
            return Val(result, dims, lambda index: f"math.sqrt({cast(aligned(base, index), base, result)})", form)
        number = "float({})" if base.dtype.kind in "iub" and result.kind == "f" else "{}"
        return Val(result, dims, lambda index: f"({number.format(cast(aligned(base, index), base, result))} ** {cast(aligned(exponent, index), exponent, result)})", form)

    def let(self, text: str) -> str:
        """A name for what is said more than once."""
        if text.isidentifier() or "(" not in text and "[" in text or text.replace(".", "").isdigit():
            return text
        target = self.fresh("v")
        self.emit(f"{target} = {text}", pure=True)
        return target

    def unary(self, op: ast.unaryop, value: Value) -> Val:
        operand = self.number(value)
        if isinstance(op, ast.Not):
            return scalar(f"(not {self.truth_of(operand)})", BOOL)
        if operand.const is not None and isinstance(op, ast.USub):
            return literal(-operand.const)  # type: ignore[operator]
        if operand.form == "python" and not operand.dims:
            if isinstance(op, ast.USub):
                return scalar(f"(-{operand.text})", operand.dtype, dim=-operand.dim if operand.dim is not None else None)
            return operand if isinstance(op, ast.UAdd) else scalar(f"(~{operand.text})", INT)
        return self.elementwise({ast.USub: np.negative, ast.UAdd: np.positive, ast.Invert: np.invert}[type(op)], operand)

    def compare(self, op: ast.cmpop, left: ast.expr, right: ast.expr) -> Val:
        a, b = self.value(left), self.value(right)
        if isinstance(op, (ast.Is, ast.IsNot)):
            none = [isinstance(v, Static) and v.value is None for v in (a, b)]
            return literal(all(none) == isinstance(op, ast.Is))
        if isinstance(a, Static) and isinstance(b, Static) and isinstance(op, (ast.Eq, ast.NotEq)):
            return literal((a.value == b.value) == isinstance(op, ast.Eq))
        x, y = self.number(a), self.number(b)
        name = type(op).__name__
        if name not in COMPARISONS:
            refuse(f"the comparison `{name}` is not compiled.")
        if not x.dims and not y.dims:
            symbol = template(COMPARISONS[name])
            return scalar(str(symbol).format(x.text, y.text), BOOL, "python" if x.form == y.form == "python" else "scalar")
        return self.elementwise(COMPARISONS[name], x, y)

    def truth(self, node: ast.expr) -> str:
        """A test."""
        value = self.value(node)
        if isinstance(value, Stack):
            return f"({self.stack_size(value)} > 0)"
        if isinstance(value, Static):
            return repr(bool(value.value))
        return self.truth_of(self.number(value))

    def truth_of(self, value: Val) -> str:
        if value.dims:
            refuse("the truth of an array is not compiled.")
        return value.text if value.dtype == BOOL else f"({value.text} != 0)"

    def junction(self, both: bool, values: Sequence[ast.expr]) -> Val:
        """`and` or `or`; what is known already is left out."""
        texts = []
        for value in values:
            text = self.truth(value)
            if text in ("True", "False"):
                if (text == "True") != both:
                    return literal(not both) if not texts else scalar(f"({(' and ' if both else ' or ').join([*texts, text])})", BOOL)
                continue
            texts.append(text)
        return scalar(f"({(' and ' if both else ' or ').join(texts)})", BOOL) if texts else literal(both)

    def choice(self, test: ast.expr, body: ast.expr, orelse: ast.expr) -> Value:
        decided = self.value(test) if isinstance(test, (ast.Compare, ast.BoolOp)) else None
        if isinstance(decided, Val) and isinstance(decided.const, bool):
            return self.value(body if decided.const else orelse)
        condition = self.truth(test)
        a, b = self.operand(body), self.operand(orelse)
        if a.dims or b.dims:
            refuse("a conditional expression of arrays is not compiled. Write it as a branch.")
        dtype = a.dtype if a.dtype == b.dtype else FLOAT
        return scalar(f"({a.text} if {condition} else {b.text})", dtype, a.form)

    # ---- attributes and calls

    def attribute(self, node: ast.Attribute) -> Value:
        static = self.static_path(node)
        if static is not None:
            return static
        value = self.value(node.value)
        if isinstance(value, Val):
            match node.attr:
                case "shape":
                    return Tup(tuple(self.size_value(value, k) for k in range(value.ndim)))
                case "T":
                    return self.transposed(value, tuple(reversed(range(value.ndim))))
                case "ndim":
                    return literal(value.ndim)
                case "size":
                    return self.total_size(value)
                case "dtype":
                    return Static(value.dtype)
                case "real":
                    return value
        return refuse(f"the attribute `{node.attr}` is not compiled.")  # type: ignore[no-any-return]

    def size_value(self, value: Val, axis: int) -> Val:
        dim = value.dims[axis]
        return literal(dim.const, dim) if not dim.terms else scalar(self.spell(dim), INT, "python", dim)

    def total_size(self, value: Val) -> Val:
        total = Dim.of(1, self.facts)
        for dim in value.dims:
            total = total * dim
        return scalar(" * ".join(self.spell_factor(d) for d in value.dims) or "1", INT, "python", total if total.value is not None else None)

    def spell_factor(self, dim: Dim) -> str:
        return self.bracketed(self.spell(dim))

    def static_path(self, node: ast.expr) -> Value | None:
        """`np.pi`, `np.exp`: a path into a module."""
        if isinstance(node, ast.Attribute):
            root = self.static_path(node.value)
            if isinstance(root, Static) and isinstance(root.value, (types.ModuleType, type, np.ufunc)):
                return wrapped(getattr(root.value, node.attr))
            return None
        if isinstance(node, ast.Name) and node.id not in self.env:
            try:
                return Static(self.resolve(node.id))
            except LookupError:
                return None
        return None

    def call(self, node: ast.Call) -> Value:
        if any(isinstance(a, ast.Starred) for a in node.args) or any(k.arg is None for k in node.keywords):
            refuse("arguments with a star are not compiled.")
        if isinstance(node.func, ast.Name) and node.func.id in self.functions:
            return self.call_own(node.func.id, [self.value(a) for a in node.args], {str(k.arg): self.value(k.value) for k in node.keywords})
        static = self.static_path(node.func)
        if isinstance(static, Static):
            return self.call_function(static.value, node)
        if isinstance(node.func, ast.Attribute):
            return self.call_method(node.func, node)
        if isinstance(node.func, ast.Call) and isinstance(node.func.func, ast.Name) and node.func.func.id == "type":
            items = [*map(self.value, node.args), *(self.value(k.value) for k in node.keywords)]
            return Tup(tuple(items), ast.unparse(node.func), tuple(k.arg for k in node.keywords))
        label = getattr(node.func, "id", "")
        return refuse(f"the call of `{label or ast.unparse(node.func)}` is not compiled.")  # type: ignore[no-any-return]

    def call_function(self, function: Any, node: ast.Call) -> Value:
        args = [self.value(a) for a in node.args]
        keywords = {str(k.arg): self.value(k.value) for k in node.keywords}
        return calls.lowered(self, function, args, keywords)

    functions: dict[str, ast.FunctionDef]
    call_own: Callable[..., Value]

    def call_method(self, func: ast.Attribute, node: ast.Call) -> Value:
        owner = self.value(func.value)
        args = [self.value(a) for a in node.args]
        keywords = {str(k.arg): self.value(k.value) for k in node.keywords}
        if isinstance(owner, Stack):
            return self.stack_method(owner, func.attr, args)
        if isinstance(owner, Val):
            return calls.method(self, owner, func.attr, args, keywords)
        if isinstance(owner, Static) and isinstance(owner.value, np.dtype) and func.attr == "type":
            return calls.lowered(self, owner.value.type, args, keywords)
        return refuse(f"the method `{func.attr}` is not compiled.")  # type: ignore[no-any-return]


def wrapped(value: object) -> Value:
    """A constant of a module is a number, what else it has is known."""
    if isinstance(value, (bool, int, float)) and not isinstance(value, np.generic):
        return literal(value)
    return Static(value)


def boolean(function: Any, found: str, operands: Sequence[Val]) -> str:
    """Arithmetic on truth values as NumPy does it."""
    if all(o.dtype == BOOL for o in operands):
        if function in (np.add, np.maximum):
            return "({0} or {1})"
        if function in (np.multiply, np.minimum):
            return "({0} and {1})"
        if function in (np.bitwise_and, np.logical_and):
            return "({0} and {1})"
        if function in (np.bitwise_or, np.logical_or):
            return "({0} or {1})"
        if function is np.bitwise_xor:
            return "({0} != {1})"
    return found


__all__ = ["Expressions", "Count", "replaced", "math"]
