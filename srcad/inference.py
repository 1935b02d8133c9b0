"""What a walk of a program finds out: its straight line of statements, and the operations that are differentiated.

    z = x * y    ->    Operation(outputs=(z,), function=np.multiply, rule=..., operands=(x, y))
"""
from __future__ import annotations

import ast
import dataclasses
import operator
import types
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from srcad.dims import Dim, Facts
from srcad.ir import (
    SYMBOLS,
    Location,
    Program,
    Statement,
)
from srcad.kinds import BOOL, FLOAT, INT, Method, Number, Object, Record, Ref, Sequence, Static, python
from srcad.outside import Guards, leaves
from srcad.rules import Rule
from srcad.syntax import Namer, const

OPERATORS: dict[type[ast.AST], tuple[np.ufunc, Callable[..., Any]]] = {
    ast.Add: (np.add, operator.add), ast.Sub: (np.subtract, operator.sub), ast.Mult: (np.multiply, operator.mul),
    ast.Div: (np.divide, operator.truediv), ast.FloorDiv: (np.floor_divide, operator.floordiv), ast.Mod: (np.remainder, operator.mod),
    ast.Pow: (np.power, operator.pow), ast.MatMult: (np.matmul, operator.matmul), ast.BitAnd: (np.bitwise_and, operator.and_),
    ast.BitOr: (np.bitwise_or, operator.or_), ast.BitXor: (np.bitwise_xor, operator.xor), ast.LShift: (np.left_shift, operator.lshift),
    ast.RShift: (np.right_shift, operator.rshift), ast.USub: (np.negative, operator.neg), ast.UAdd: (np.positive, operator.pos),
    ast.Invert: (np.invert, operator.invert), ast.Not: (np.logical_not, operator.not_), ast.Eq: (np.equal, operator.eq),
    ast.NotEq: (np.not_equal, operator.ne), ast.Lt: (np.less, operator.lt), ast.LtE: (np.less_equal, operator.le),
    ast.Gt: (np.greater, operator.gt), ast.GtE: (np.greater_equal, operator.ge),
}


def GETITEM(x: Any, index: Any) -> Any:  # noqa: N802
    """Indexing, as an operation: `x[index]`."""
    return x[index]


NOWHERE = Location("", 0, 0, 0, 0, "", "")


@dataclass(frozen=True, eq=False)
class Operation:
    """One differentiable operation: `outputs = function(*operands, **params)`."""

    outputs: tuple[Ref, ...]
    multiple: bool
    function: Any
    rule: Rule | None  # None for indexing, whose adjoint is a scatter
    operands: tuple[Any, ...]  # Refs, nested lists of them, or plain values
    params: Mapping[str, Any]
    loc: Location


@dataclass
class Inference:
    """What is known of a program for the arguments at hand."""

    name: str
    facts: Facts
    guards: Guards
    namer: Namer
    statements: list[Statement] = field(default_factory=list)
    operations: list[Operation] = field(default_factory=list)
    user_names: set[str] = field(default_factory=set)
    bound: set[str] = field(default_factory=set)  # the names that the generated code has bound so far
    impure: set[str] = field(default_factory=set)  # targets whose statements must run, and in order
    raising: set[str] = field(default_factory=set)  # targets whose statements may raise
    active: set[str] = field(default_factory=set)
    shown: dict[str, str] = field(default_factory=dict)  # an adjoint's key -> the name that it is called after
    integral: set[str] = field(default_factory=set)  # integer parameters that index, count or give a shape
    helpers: dict[str, object] = field(default_factory=dict)
    result: Ref = field(default_factory=lambda: Ref(const(None), Static(None)))

    def is_active(self, value: Any) -> bool:
        """Whether any number in a value is differentiated."""
        if isinstance(value, (list, tuple)):
            return any(self.is_active(v) for v in value)
        if not isinstance(value, Ref):
            return False
        if isinstance(value.value, Method):
            return self.is_active(value.value.owner)
        return any(leaf.key in self.active for leaf in leaves(value))


@dataclass
class Frame:
    """One function being walked: its variables and where its other names are read from."""

    program: Program
    function: types.FunctionType | None
    locals: dict[str, Ref]
    own_names: frozenset[str]
    prefix: str = ""  # how its globals are read from the main program: "" or "module."
    depth: int = 0


def symbol_of(op: ast.operator) -> str:
    return SYMBOLS[type(op)]


def describe_value(ref: Ref) -> str:
    value = ref.value
    if isinstance(value, (Sequence, Record)):
        return value.type.__name__
    return type(value.value).__name__ if isinstance(value, (Static, Object)) else "number"


def function_label(function: Any) -> str:
    """A library function as a user writes it: np.linalg.eig."""
    label = getattr(function, "__qualname__", getattr(function, "__name__", repr(function)))
    module = getattr(function, "__module__", None)
    if isinstance(function, np.ufunc) and module is None:
        module = "numpy" if getattr(np, function.__name__, None) is function else "scipy.special"
    module = (module or "").replace("numpy", "np") if not (module or "").startswith("numpy._") else "np"
    return label if module in ("builtins", "", "operator", "_operator") else f"{module}.{label}"


def literal_ref(expr: ast.expr, value: Any, facts: Facts) -> Ref:
    if isinstance(value, bool):
        return Ref(expr, python(BOOL, Dim.of(value, facts)))
    if isinstance(value, int):
        return Ref(expr, python(INT, Dim.of(value, facts)))
    if isinstance(value, float):
        return Ref(expr, python(FLOAT))
    if isinstance(value, complex):
        return Ref(expr, python(np.dtype(complex)))
    return Ref(expr, Static(value))


def display(kind: type, items: tuple[Ref, ...]) -> Ref:
    """A tuple or list of what is already there."""
    elements = [i.expr for i in items]
    expr: ast.expr = ast.List(elts=elements, ctx=ast.Load()) if kind is list else ast.Tuple(elts=elements, ctx=ast.Load())
    return Ref(expr, Sequence(kind, tuple(items)))


def record_display(kind: type, items: dict[Any, Ref]) -> Ref:
    expr = ast.Dict(keys=[const(k) for k in items], values=[i.expr for i in items.values()])
    return Ref(expr, Record(kind, items))


def nested(ref: Ref) -> Any:
    """A list of lists as nested lists of Refs."""
    return [nested(i) for i in ref.value.items] if isinstance(ref.value, Sequence) else ref


def flatten(values: Any) -> list[Ref]:
    """The Refs in nested lists of operands."""
    if isinstance(values, (list, tuple)):
        return [ref for v in values for ref in flatten(v)]
    return [values] if isinstance(values, Ref) else []


def located(kind: Number, made: str, facts: Facts) -> Number:
    """Dimensions that only the run can tell, said as those of the variable that has them."""
    if kind.shape is None or not any("?" in d.key for d in kind.shape):
        return kind
    dims = tuple(Dim.atom(f"{made}.shape[{i}]", None, facts) if "?" in d.key else d for i, d in enumerate(kind.shape))
    return dataclasses.replace(kind, shape=dims)
