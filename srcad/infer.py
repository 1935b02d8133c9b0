"""Walk a staged program with what is known of its arguments: kinds, shapes, which rule belongs to each operation.

    z = x * y        x: (n, d) array, y: (d,) array, both differentiated
                     -> z: (n, d) array, np.multiply, n, d and d' == d as facts

Branches on flags are decided here, helper functions are walked in their turn,
and tuples, lists and dicts are looked through to what they hold. What comes out
is a straight line of assignments, and for each that is differentiated an
Operation: the rule, the operands, the parameters.
"""
from __future__ import annotations

import ast
import builtins
import operator
import types
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from srcad.errors import MissingRuleError, SrcadError, UnsupportedSyntaxError
from srcad.ir import (
    Assign, Block, Break, Continue, Effect, For, If, Location, Program, Return, Statement, Store, Unpack, Update, While,
)
from srcad.kinds import (
    BOOL, FLOAT, INT, UNKNOWN, Dim, Facts, Method, Number, Object, Record, Ref, Sequence, Static, Undecided, python,
)
from srcad.outside import Guards, leaves, static_value
from srcad.rules import Rule, find, is_zero
from srcad.shapes import getitem, infer_call, operator_kind
from srcad.source import read
from srcad.splice import plain
from srcad.stage import stage
from srcad.syntax import Namer, const, expression, is_path, name, names, substitute

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
BRANCH = ("the branch depends on a value that is differentiated, and such branches are not supported yet. Use np.where, np.maximum, "
          "or max and min.")
DATA_BRANCH = "the branch depends on the data, and such branches are not supported yet. Use np.where, np.maximum, or max and min."
INPLACE = "arrays that are changed in place are not differentiated yet. Write `{0} = {0} {1} ...`, which makes a new array."


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


class Returned(Exception):
    def __init__(self, ref: Ref) -> None:
        self.ref = ref


class Interpreter:
    """Walks the statements of one frame; calls are walked in frames of their own."""

    def __init__(self, state: Inference, frame: Frame) -> None:
        self.state = state
        self.frame = frame
        self.loc: Location = NOWHERE

    # ---- statements

    def run(self) -> Ref:
        try:
            self.block(self.frame.program.body)
        except Returned as end:
            return end.ref
        return Ref(const(None), Static(None))

    def block(self, block: Block) -> None:
        for statement in block:
            self.loc = statement.loc
            try:
                self.statement(statement)
            except (ValueError, IndexError, TypeError) as problem:
                if isinstance(problem, SrcadError):
                    raise
                raise SrcadError(f"the statement would raise {type(problem).__name__}: {problem}", self.loc) from problem

    def statement(self, statement: Statement) -> None:
        match statement:
            case Assign(target, expr):
                self.bind(target, expr)
            case Unpack(targets, star, expr):
                self.unpack(targets, star, self.evaluate(expr, None))
            case Update(target, op, expr):
                self.update(target, op, expr)
            case Effect(expr):
                self.effect(expr)
            case If(test, body, orelse):
                self.block(body if self.decide(self.evaluate(test, None)) else orelse)
            case Return(value):
                raise Returned(self.evaluate(value, None))
            case Store(target):
                self.refuse("arrays, lists and objects that are changed in place are not differentiated yet. Make a new one.")
            case For() | While() | Break() | Continue():
                self.refuse("loops are not differentiated yet.")

    def refuse(self, reason: str, error: type[SrcadError] = UnsupportedSyntaxError, what: str = "") -> None:
        raise error(reason, self.loc, what)

    def bind(self, target: str, expr: ast.expr) -> None:
        """`target = expr`. A user's name for what already has one is a copy, so that the text keeps it."""
        before = len(self.state.statements)
        ref = self.evaluate(expr, target)
        last = self.state.statements[-1] if len(self.state.statements) > before else None
        just_made = isinstance(last, Assign) and isinstance(ref.expr, ast.Name) and last.target == ref.expr.id
        if target in self.frame.own_names and isinstance(ref.value, (Number, Object)) and not (just_made and self.is_new_name(target, last)):
            ref = self.copy_of(ref, target)
        self.frame.locals[target] = ref

    @staticmethod
    def is_new_name(target: str, last: Statement | None) -> bool:
        return isinstance(last, Assign) and (last.target == target or last.target.startswith(f"{target}_"))

    def copy_of(self, ref: Ref, target: str) -> Ref:
        """`y = x`: a name of its own for the same value."""
        made = self.new_name(target)
        self.write(Assign(made, ref.expr, self.loc))
        result = Ref(name(made), ref.value, made)
        number = ref.number
        if number.dim is not None:
            self.name_dim(number.dim, made)
        if ref.key in self.state.active:
            self.state.active.add(made)
            self.record(Operation((result,), False, np.positive, find(np.positive), (ref,), {}, self.loc))
        return result

    def name_dim(self, dim: Dim, made: str) -> None:
        if dim.terms and made in self.state.user_names and "?" not in dim.text:
            self.state.facts.dim_names.setdefault(dim.text, made)

    def new_name(self, target: str) -> str:
        """The name that a target has in the generated code: its own, if nothing has it yet."""
        namer, bound = self.state.namer, self.state.bound
        is_user = target in self.frame.own_names
        free = target not in bound and (self.frame.depth == 0 or target not in namer.taken)
        made = namer.reserve(target) if free else namer.version(target) if is_user else namer.temporary(target)
        bound.add(made)
        if is_user:
            self.state.user_names.add(made)
        return made

    def write(self, statement: Statement) -> None:
        self.state.statements.append(statement)

    def record(self, operation: Operation) -> None:
        self.state.operations.append(operation)

    def unpack(self, targets: tuple[str, ...], star: int | None, ref: Ref) -> None:
        if isinstance(ref.value, Record):
            self.refuse("unpacking a dict gives its keys; name the values that are meant, as in `d['a']`.")
        if isinstance(ref.value, Number):
            self.unpack_array(targets, star, ref)
            return
        if not isinstance(ref.value, Sequence):
            self.refuse("only tuples, lists and arrays are unpacked.")
            raise AssertionError
        items = ref.value.items
        if star is None and len(items) != len(targets) or len(items) < len(targets) - 1:
            raise ValueError(f"{len(items)} values to unpack into {len(targets)} names")
        if star is None and not isinstance(ref.expr, (ast.Tuple, ast.List)) and all(isinstance(i.value, Number) for i in items):
            self.unpack_whole(targets, ref)
            return
        extra = len(items) - len(targets) + 1
        for i, target in enumerate(targets):
            if star is not None and i == star:
                self.frame.locals[target] = display(list, items[i : i + extra])
            else:
                item = items[i] if star is None or i < star else items[i + extra - 1]
                self.frame.locals[target] = self.copy_of(item, target) if isinstance(item.value, (Number, Object)) else item

    def unpack_whole(self, targets: tuple[str, ...], ref: Ref) -> None:
        """`a, b = np.split(x, 2)`: the names stand for the items."""
        assert isinstance(ref.value, Sequence)
        made = tuple(self.new_name(t) for t in targets)
        self.write(Unpack(made, None, ref.expr, self.loc))
        for target, new, item in zip(targets, made, ref.value.items):
            key = item.key if item.key in self.state.active else new
            self.state.shown.setdefault(key, new)
            self.frame.locals[target] = Ref(name(new), item.value, key)
            if item.number.dim is not None:
                self.name_dim(item.number.dim, new)

    def unpack_array(self, targets: tuple[str, ...], star: int | None, ref: Ref) -> None:
        number = ref.number
        if number.shape is None or not number.shape or star is not None:
            self.refuse("only an array of known rank is unpacked, without a star. Index it.")
            raise AssertionError
        if not number.shape[0] == len(targets):
            raise ValueError(f"{number.shape[0].value} rows to unpack into {len(targets)} names")
        for i, target in enumerate(targets):
            item = self.subscript(ref, (i,), ast.Subscript(value=ref.expr, slice=const(i), ctx=ast.Load()), target)
            self.frame.locals[target] = item

    def update(self, target: ast.expr, op: ast.operator, expr: ast.expr) -> None:
        """`x += e` on a number makes a new number; on an array it changes memory."""
        if not isinstance(target, ast.Name):
            self.refuse("arrays, lists and objects that are changed in place are not differentiated yet. Make a new one.")
            raise AssertionError
        old, value = self.evaluate(target, None), self.evaluate(expr, None)
        if isinstance(old.value, Sequence) and old.value.type is list:
            self.refuse("lists that are changed in place are not differentiated yet. Write `a = a + b`.")
        if isinstance(old.value, Number) and not old.value.is_plain:
            self.refuse(INPLACE.format(target.id, symbol_of(op)))
        self.frame.locals[target.id] = self.binary(op, old, value, target.id)

    def effect(self, expr: ast.expr) -> None:
        ref = self.evaluate(expr, None)
        last = self.state.statements[-1] if self.state.statements else None
        if isinstance(last, Assign) and isinstance(ref.expr, ast.Name) and last.target == ref.expr.id and last.target in self.state.impure:
            self.state.statements[-1] = Effect(last.expr, last.loc)

    def decide(self, ref: Ref) -> bool:
        """The truth of a test that is known when the code is generated; it becomes a fact."""
        if isinstance(ref.value, (Sequence, Record)):
            return bool(ref.value.items)
        if isinstance(ref.value, Static):
            return bool(static_value(ref, self.state.facts))
        number = ref.number
        if number.dim is not None and number.dim.value is not None and not (ref.key in self.state.active):
            return bool(number.dim != 0)
        if isinstance(ref.value, Object):
            self.refuse("the branch depends on an object. Test one of its attributes.")
        try:
            return bool(static_value(ref, self.state.facts))
        except LookupError:
            self.refuse(BRANCH if self.state.is_active(ref) else DATA_BRANCH)
            raise AssertionError from None

    # ---- expressions

    def evaluate(self, expr: ast.expr, target: str | None) -> Ref:
        """The value of an operation on atoms; where it must be computed, an assignment is written."""
        match expr:
            case ast.Name(id=identifier):
                return self.lookup(identifier)
            case ast.Constant(value=value):
                return literal_ref(expr, value, self.state.facts)
            case ast.UnaryOp(operand=ast.Constant(value=value), op=ast.USub()) if isinstance(value, (int, float, complex)):
                return literal_ref(expr, -value, self.state.facts)
            case ast.BinOp(left=left, op=op, right=right):
                return self.binary(op, self.evaluate(left, None), self.evaluate(right, None), target)
            case ast.UnaryOp(op=op, operand=operand):
                return self.unary(op, self.evaluate(operand, None), target)
            case ast.Compare(left=left, ops=[op], comparators=[right]):
                return self.compare(op, self.evaluate(left, None), self.evaluate(right, None), target)
            case ast.Attribute(value=value, attr=attribute):
                return self.attribute(self.evaluate(value, None), attribute, target)
            case ast.Subscript(value=value, slice=index):
                return self.item(self.evaluate(value, None), index, target)
            case ast.Tuple(elts=elts) | ast.List(elts=elts):
                kind = tuple if isinstance(expr, ast.Tuple) else list
                return display(kind, self.elements(elts))
            case ast.Dict(keys=keys, values=values):
                return self.dict_display(keys, values)
            case ast.Call():
                from srcad.calls import Calls

                return Calls(self).call(expr, target)
            case ast.JoinedStr():
                return self.opaque(self.renamed(expr), target)
        self.refuse(f"{type(expr).__name__} is not in the language that srcad differentiates.")
        raise AssertionError

    def elements(self, elts: list[ast.expr]) -> tuple[Ref, ...]:
        out: list[Ref] = []
        for element in elts:
            if isinstance(element, ast.Starred):
                starred = self.evaluate(element.value, None)
                if not isinstance(starred.value, Sequence):
                    self.refuse("only tuples and lists are unpacked by a star here.")
                    raise AssertionError
                out.extend(starred.value.items)
            else:
                out.append(self.evaluate(element, None))
        return tuple(out)

    def dict_display(self, keys: list[ast.expr | None], values: list[ast.expr]) -> Ref:
        items = {}
        for key, value in zip(keys, values):
            try:
                known = static_value(self.evaluate(key, None), self.state.facts)  # type: ignore[arg-type]
            except LookupError:
                self.refuse("the keys of a dict must be known: strings or integers.")
                raise AssertionError from None
            items[known] = self.evaluate(value, None)
        return record_display(dict, items)

    def lookup(self, identifier: str) -> Ref:
        """A name: a variable, else read from outside."""
        frame = self.frame
        if identifier in frame.locals:
            return frame.locals[identifier]
        if identifier in frame.own_names and frame.function is not None and identifier in frame.function.__code__.co_varnames:
            self.refuse(f"`{identifier}` has no value on this path.")
        function = frame.function
        if function is not None and identifier in function.__code__.co_freevars:
            return self.closure_value(function, identifier)
        space = function.__globals__ if function is not None else {}
        if identifier in space:
            return self.state.guards.read(f"{frame.prefix}{identifier}", space[identifier])
        if hasattr(builtins, identifier):
            return Ref(name(identifier), Static(getattr(builtins, identifier)))
        self.refuse(f"the name `{identifier}` is not defined.")
        raise AssertionError

    def closure_value(self, function: types.FunctionType, identifier: str) -> Ref:
        cell = dict(zip(function.__code__.co_freevars, function.__closure__ or ()))[identifier]
        try:
            value = cell.cell_contents
        except ValueError:
            self.refuse(f"the closure variable `{identifier}` has no value yet.")
            raise AssertionError from None
        if self.frame.depth == 0:
            return self.state.guards.read(identifier, value)
        label = self.state.guards.held(cell)
        self.state.helpers[label] = cell
        return self.state.guards.read(f"{label}.cell_contents", value)

    def renamed(self, expr: ast.expr) -> ast.expr:
        """An expression of the user's, with every name as the generated code has it."""
        replacements = {}
        for identifier in set(names(expr)):
            if identifier in self.frame.locals:
                replacements[identifier] = self.frame.locals[identifier].expr
            elif self.frame.prefix or (self.frame.depth and self.frame.function and identifier in self.frame.function.__code__.co_freevars):
                found = self.lookup(identifier)
                replacements[identifier] = found.expr
        return substitute(expr, {k: v for k, v in replacements.items() if not (isinstance(v, ast.Name) and v.id == k)})

    # ---- operations

    def binary(self, op: ast.operator, left: Ref, right: Ref, target: str | None) -> Ref:
        ufunc, python_operator = OPERATORS[type(op)]
        if any(isinstance(r.value, Number) and r.number.form == "array" for r in (left, right)):
            left, right = (self.array_of(r) if isinstance(r.value, Sequence) else r for r in (left, right))
        if isinstance(left.value, Sequence) or isinstance(right.value, Sequence):
            return self.sequence_operator(op, left, right)
        if isinstance(left.value, Static) and isinstance(right.value, Static):
            known = python_operator(static_value(left, self.state.facts), static_value(right, self.state.facts))
            return Ref(ast.BinOp(left=left.expr, op=op, right=right.expr), Static(known))
        self.require_numbers(left, right)
        expr = ast.BinOp(left=left.expr, op=op, right=right.expr)
        plain_python = left.number.form == right.number.form == "python"
        return self.numeric(python_operator if plain_python else ufunc, (left, right), expr, target, self.kind_of(ufunc, python_operator, left, right))

    def kind_of(self, ufunc: np.ufunc, python_operator: Callable[..., Any], *operands: Ref) -> Number:
        """The kind of an operator's result; integers stay symbolic."""
        if ufunc.signature is not None:
            kind = infer_call(ufunc, self.state.facts, [o.number for o in operands], {})
        else:
            kind = operator_kind(ufunc, python_operator, [o.number for o in operands])
        dims = [o.number.dim for o in operands]
        if kind.form == "python" and kind.dtype == INT and all(d is not None for d in dims) and python_operator in DIM_OPERATORS:
            if len(dims) == 1 or python_operator not in (operator.floordiv, operator.mod) or dims[1].value:  # type: ignore[union-attr]
                kind = python(INT, python_operator(*dims))
        return kind  # type: ignore[no-any-return]

    def array_of(self, ref: Ref) -> Ref:
        """np.array of a list or tuple of numbers, as NumPy makes it where an array is meant."""
        numpy = self.state.facts.module("numpy")
        expr = ast.Call(func=expression(f"{numpy}.array"), args=[ref.expr], keywords=[])
        kind = infer_call(np.array, self.state.facts, [self.shape_value(ref)], {})
        return self.operation(np.array, (nested(ref),), {}, expr, self.state.namer.temporary("array"), kind, find(np.array))

    def sequence_operator(self, op: ast.operator, left: Ref, right: Ref) -> Ref:
        if isinstance(left.value, Sequence) and isinstance(right.value, Sequence) and isinstance(op, ast.Add):
            return display(left.value.type, left.value.items + right.value.items)
        if isinstance(op, ast.Mult):
            sequence, times = (left, right) if isinstance(left.value, Sequence) else (right, left)
            assert isinstance(sequence.value, Sequence)
            try:
                return display(sequence.value.type, sequence.value.items * static_value(times, self.state.facts))
            except (LookupError, TypeError):
                pass
        self.refuse("this operator on a list or tuple is not supported. Make an array with np.array first.")
        raise AssertionError

    def require_numbers(self, *refs: Ref) -> None:
        for ref in refs:
            if isinstance(ref.value, Object) and not self.state.active:
                continue
            if not isinstance(ref.value, (Number, Object)):
                self.refuse(f"a {describe_value(ref)} is not a number.")
            if isinstance(ref.value, Number) and ref.value.dtype is not None and ref.value.dtype.kind == "c" and self.state.active:
                self.refuse("complex numbers are not differentiated yet.", SrcadError)

    def unary(self, op: ast.unaryop, operand: Ref, target: str | None) -> Ref:
        ufunc, python_operator = OPERATORS[type(op)]
        if isinstance(op, ast.Not) and not (isinstance(operand.value, Number) and operand.number.dim is None):
            return literal_ref(const(not self.decide(operand)), not self.decide(operand), self.state.facts)
        self.require_numbers(operand)
        plain_python = operand.number.form == "python"
        kind = python(BOOL) if isinstance(op, ast.Not) else self.kind_of(ufunc, python_operator, operand)
        return self.numeric(python_operator if plain_python else ufunc, (operand,), ast.UnaryOp(op=op, operand=operand.expr), target, kind)

    def compare(self, op: ast.cmpop, left: Ref, right: Ref, target: str | None) -> Ref:
        known = self.known_comparison(op, left, right)
        if known is not None:
            return literal_ref(const(known), known, self.state.facts)
        if type(op) not in OPERATORS:
            self.refuse("`is` and `in` need values that are known when the code is generated.")
        self.require_numbers(left, right)
        ufunc, python_operator = OPERATORS[type(op)]
        expr = ast.Compare(left=left.expr, ops=[op], comparators=[right.expr])
        return self.numeric(ufunc, (left, right), expr, target, self.kind_of(ufunc, python_operator, left, right))

    def known_comparison(self, op: ast.cmpop, left: Ref, right: Ref) -> bool | None:
        """The answer to a comparison of flags, shapes and the like; None for one of data."""
        facts = self.state.facts
        if isinstance(op, (ast.Is, ast.IsNot)):
            both = [r.value for r in (left, right)]
            statics = [v.value for v in both if isinstance(v, Static)]
            if len(statics) == 2:
                return (statics[0] is statics[1]) == isinstance(op, ast.Is)
            if len(statics) == 1 and (statics[0] is None or isinstance(statics[0], type)):
                return isinstance(op, ast.IsNot)
            return None
        a, b = left.number.dim, right.number.dim
        if a is not None and b is not None and not self.state.is_active([left, right]):
            if type(op) in OPERATORS:
                return bool(OPERATORS[type(op)][1](a, b))
        try:
            if isinstance(op, (ast.In, ast.NotIn)):
                members = list(right.value.items) if isinstance(right.value, Record) else static_value(right, facts)
                return (static_value(left, facts) in members) == isinstance(op, ast.In)
            if self.state.is_active([left, right]):
                return None
            return bool(OPERATORS[type(op)][1](static_value(left, facts), static_value(right, facts)))
        except (LookupError, KeyError):
            return None

    def numeric(self, function: Any, operands: tuple[Ref, ...], expr: ast.expr, target: str | None, kind: Number) -> Ref:
        """An operation on numbers: written down, and recorded if it is differentiated."""
        return self.operation(function, operands, {}, expr, target, kind)

    def operation(self, function: Any, operands: tuple[Any, ...], params: Mapping[str, Any], expr: ast.expr, target: str | None,
                  kind: Any, rule: Rule | None = None, loc: Location | None = None) -> Ref:
        flat = [leaf for o in flatten(operands) for leaf in leaves(o)]
        made = self.new_name(target or self.state.namer.temporary("value"))
        self.write(Assign(made, expr, self.loc))
        origin = frozenset().union(*(leaf.number.origin for leaf in flat))
        if self.may_raise(function, flat, kind):
            self.state.raising.add(made)
        if isinstance(kind, list):
            items = tuple(Ref(ast.Subscript(value=name(made), slice=const(i), ctx=ast.Load()), k, f"{made}[{i}]") for i, k in enumerate(kind))
            result = Ref(name(made), Sequence(list if function is np.split else tuple, items), made)
        else:
            kind = located(kind, made, self.state.facts).with_origin(origin)
            result = Ref(name(made), kind, made)
            if function is not GETITEM:
                self.state.facts.remember(function, flat, params, (name(made), kind))
            if kind.dim is not None:
                self.name_dim(kind.dim, made)
            elif kind.shape and "?" not in "".join(d.key for d in kind.shape) and made in self.state.user_names:
                self.state.facts.shapes.append((kind.shape, made))
        self.differentiate(function, operands, params, result, rule)
        return result

    def differentiate(self, function: Any, operands: tuple[Any, ...], params: Mapping[str, Any], result: Ref, rule: Rule | None) -> None:
        """Record an operation on active operands, with its rule."""
        state = self.state
        if not state.is_active(list(operands)) or is_zero(function) and function is not GETITEM:
            return
        outputs = tuple(leaves(result))
        reals = [o for o in outputs if o.number.dtype != BOOL]
        rule = rule or (None if function is GETITEM else find(function))
        if rule is None and function is not GETITEM:
            self.missing(function)
        if any(o.number.dtype is not None and o.number.dtype.kind == "c" for o in outputs):
            self.refuse("complex numbers are not differentiated yet.", SrcadError)
        if not reals:
            return
        state.active.update(o.key for o in reals)
        self.record(Operation(outputs, isinstance(result.value, Sequence), function, rule, operands, params, self.loc))

    def missing(self, function: Any) -> None:
        label = function_label(function)
        raise MissingRuleError(
            f"no rule is known for `{label}`. Give one with @srcad.rule({label}): a function (dz, z, *operands) that returns the operands' "
            "adjoints. If its result needs no derivative, call it on srcad.stop_gradient(...).", self.loc, label)

    def may_raise(self, function: Any, flat: list[Ref], kind: Any) -> bool:
        """Whether an operation can raise for arguments that pass the guard."""
        if function in RAISING_OPERATORS and not isinstance(flat[-1].expr, ast.Constant):
            return not (function is operator.truediv and self.state.is_active(flat))
        if getattr(function, "__module__", None) == "math" or function in (float, int):
            return True
        module = getattr(function, "__module__", None) or ""
        return module.startswith("numpy.linalg") and function is not np.linalg.norm or isinstance(kind, Number) and kind.form == "unknown"

    def opaque(self, expr: ast.expr, target: str | None, value: Any = None) -> Ref:
        """Something that runs as it is, in its place, and is not differentiated."""
        made = self.new_name(target or self.state.namer.temporary("value"))
        self.write(Assign(made, expr, self.loc))
        self.state.impure.add(made)
        return Ref(name(made), UNKNOWN if value is None else value, made)

    # ---- items and attributes

    def item(self, base: Ref, index: ast.expr, target: str | None) -> Ref:
        expr = ast.Subscript(value=base.expr, slice=self.renamed(index), ctx=ast.Load())
        if isinstance(base.value, (Sequence, Record)):
            return self.container_item(base, index)
        if isinstance(base.value, Static):
            known = base.value.value[self.static_index(index)]  # type: ignore[index]
            return self.state.guards.read(f"{base.value.path}[{self.static_index(index)!r}]", known) if base.value.path else literal_ref(const(known), known, self.state.facts)
        self.require_numbers(base)
        return self.subscript(base, self.index_values(index), expr, target)

    def static_index(self, index: ast.expr) -> Any:
        if isinstance(index, ast.Slice):
            return slice(*(None if part is None else self.static_index(part) for part in (index.lower, index.upper, index.step)))
        try:
            return static_value(self.evaluate(index, None), self.state.facts)
        except LookupError:
            self.refuse("the index of a list, tuple or dict must be known when the code is generated.")
            raise AssertionError from None

    def container_item(self, base: Ref, index: ast.expr) -> Ref:
        known = self.static_index(index)
        value = base.value
        assert isinstance(value, (Sequence, Record))
        if isinstance(value, Sequence):
            if isinstance(known, slice):
                return display(value.type if value.type in (list, tuple) else tuple, value.items[known])
            return value.items[known]
        if known not in value.items:
            self.refuse(f"the key {known!r} is not in the dict.")
        return value.items[known]

    def index_values(self, index: ast.expr) -> tuple[Any, ...]:
        """An index as shape rules see it: Numbers, slices, None, Ellipsis."""
        if isinstance(index, ast.Tuple):
            return tuple(v for element in index.elts for v in self.index_values(element))
        if isinstance(index, ast.Slice):
            parts = [None if p is None else self.index_values(p)[0] for p in (index.lower, index.upper, index.step)]
            return (slice(*parts),)
        ref = self.evaluate(index, None)
        if isinstance(ref.value, Sequence) and ref.value.type is tuple:
            return tuple(self.index_value(item) for item in ref.value.items)
        return (self.index_value(ref),)

    def index_value(self, ref: Ref) -> Any:
        match ref.value:
            case Static(value=value):
                return value
            case Number() as number:
                self.integer_use(ref)
                return number
            case Sequence():
                return infer_call(np.array, self.state.facts, [self.shape_value(ref)], {})
        return UNKNOWN

    def integer_use(self, ref: Ref) -> None:
        """An integer parameter that indexes, counts or gives a shape has no derivative."""
        self.state.integral |= ref.number.origin
        if ref.number.dim is not None:
            self.state.integral |= set(ref.number.dim.terms)

    def subscript(self, base: Ref, index: tuple[Any, ...], expr: ast.expr, target: str | None) -> Ref:
        kind = getitem(self.state.facts, base.number, index)
        if kind.form == "unknown" and any(isinstance(i, Number) and i.form == "unknown" for i in index) or base.number.form == "unknown":
            kind = UNKNOWN
        result = self.operation(GETITEM, (base,), {"index": index}, expr, target, kind)
        if any(isinstance(i, Number) and i.form == "array" for i in index) and result.key not in self.state.active:
            self.state.raising.add(result.key)
        return result

    def attribute(self, base: Ref, attribute: str, target: str | None) -> Ref:
        value = base.value
        if isinstance(value, Number):
            return self.number_attribute(base, attribute, target)
        if isinstance(value, Record) and attribute in value.items and value.type is not dict:
            return value.items[attribute]
        if isinstance(value, Sequence) and attribute in getattr(value.type, "_fields", ()):
            return value.items[value.type._fields.index(attribute)]
        if isinstance(value, (Sequence, Record)):
            return Ref(base.expr, Method(base, attribute))
        if isinstance(value, Object) and value.path or isinstance(value, Static) and value.path:
            owner = value.value
            path = f"{value.path}.{attribute}"
            if not hasattr(owner, attribute):
                self.refuse(f"`{value.path}` has no attribute `{attribute}`.")
            found = getattr(owner, attribute)
            if isinstance(owner, types.ModuleType) and owner.__name__.split(".")[0] in ("numpy", "scipy", "math") and not isinstance(found, (float, int)):
                return Ref(expression(path), Static(found, path))
            if isinstance(inspect_property(owner, attribute), property):
                self.refuse(f"`{attribute}` is a property, and properties are not supported yet. Pass its value as an argument.")
            return self.state.guards.read(path, found)
        if isinstance(value, Static):
            return Ref(expression(f"{ast.unparse(base.expr)}.{attribute}"), Static(getattr(value.value, attribute)))
        self.refuse(f"the attribute `{attribute}` of a {describe_value(base)} is not supported.")
        raise AssertionError

    def number_attribute(self, base: Ref, attribute: str, target: str | None) -> Ref:
        number = base.number
        expr = ast.Attribute(value=base.expr, attr=attribute, ctx=ast.Load())
        facts = self.state.facts
        if attribute == "shape" and number.shape is not None:
            items = tuple(Ref(ast.Subscript(value=expr, slice=const(i), ctx=ast.Load()), python(INT, d)) for i, d in enumerate(number.shape))
            return Ref(expr, Sequence(tuple, items))
        if attribute == "ndim" and number.ndim is not None:
            return literal_ref(const(number.ndim), number.ndim, facts)
        if attribute == "size" and number.shape is not None:
            total = Dim.of(1, facts)
            for dim in number.shape:
                total = total * dim
            return Ref(expr, python(INT, total))
        if attribute == "dtype" and number.dtype is not None:
            return Ref(expr, Static(number.dtype))
        if attribute == "T":
            return self.operation(np.transpose, (base,), {}, expr, target, infer_call(np.transpose, facts, [number], {}))
        if attribute == "real" and number.dtype is not None and number.dtype.kind in "fiub":
            return base
        if attribute in ("shape", "ndim", "size", "dtype"):
            return self.operation(np.shape, (base,), {}, expr, target, python(INT) if attribute in ("ndim", "size") else UNKNOWN)
        if attribute in ("flat", "imag", "base", "data", "strides", "flags"):
            self.refuse(f"the attribute `{attribute}` of an array is not differentiated. Index the array instead.")
        return Ref(base.expr, Method(base, attribute))

    def shape_value(self, value: Any) -> Any:
        """What a shape rule sees of a Ref: Numbers, lists of them, or the plain value."""
        if isinstance(value, (list, tuple)):
            return type(value)(self.shape_value(v) for v in value)
        if not isinstance(value, Ref):
            return plain(value)
        match value.value:
            case Sequence(type=kind, items=items):
                return (tuple if kind is not list else list)(self.shape_value(i) for i in items)
            case Static(value=static):
                return static
            case Number(dim=Dim() as dim, dtype=dtype) if not dim.terms and dtype is not None:
                return bool(dim.const) if dtype == BOOL else dim.const
            case Number(form="python", dtype=dtype) if dtype == FLOAT and isinstance(value.expr, (ast.Constant, ast.UnaryOp)):
                return ast.literal_eval(value.expr)
            case Number() as number:
                return number
            case Record(items=mapping):
                return {k: self.shape_value(v) for k, v in mapping.items()}
        return UNKNOWN


def GETITEM(x: Any, index: Any) -> Any:  # noqa: N802
    """Indexing, as an operation: `x[index]`."""
    return x[index]


NOWHERE = Location("", 0, 0, 0, 0, "", "")
DIM_OPERATORS = (operator.add, operator.sub, operator.mul, operator.floordiv, operator.mod, operator.neg, operator.pos)
RAISING_OPERATORS = (operator.truediv, operator.floordiv, operator.mod, operator.pow)


def symbol_of(op: ast.operator) -> str:
    from srcad.ir import SYMBOLS

    return SYMBOLS[type(op)]


def inspect_property(owner: object, attribute: str) -> object:
    return getattr(type(owner), attribute, None)


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
    import dataclasses

    if kind.shape is None or not any("?" in d.key for d in kind.shape):
        return kind
    dims = tuple(Dim.atom(f"{made}.shape[{i}]", None, facts) if "?" in d.key else d for i, d in enumerate(kind.shape))
    return dataclasses.replace(kind, shape=dims)


def walk_function(state: Inference, function: types.FunctionType, arguments: dict[str, Ref], prefix: str, depth: int) -> Ref:
    """Walk a Python function that the program calls."""
    source = read(function)
    program = stage(source)
    own = frozenset(names(source.tree)) | frozenset(arguments)
    return Interpreter(state, Frame(program, function, dict(arguments), own, prefix, depth)).run()


__all__ = ["GETITEM", "Frame", "Inference", "Interpreter", "Operation", "is_path", "walk_function"]
