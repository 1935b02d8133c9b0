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
import types

import numpy as np

from srcad.attributes import Attributes
from srcad.errors import SrcadError
from srcad.inference import Operation, display, literal_ref, record_display, symbol_of
from srcad.ir import (
    Assign,
    Block,
    Break,
    Continue,
    Effect,
    For,
    If,
    Return,
    Statement,
    Store,
    Unpack,
    Update,
    While,
)
from srcad.kinds import Method, Number, Object, Record, Ref, Sequence, Static
from srcad.outside import static_value
from srcad.rules import find
from srcad.syntax import const, name, names, substitute

INPLACE = "arrays that are changed in place are not differentiated yet. Write `{0} = {0} {1} ...`, which makes a new array."


class Returned(Exception):
    def __init__(self, ref: Ref) -> None:
        self.ref = ref


class Interpreter(Attributes):
    """Walks the statements of one frame; calls are walked in frames of their own."""

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
            except (AttributeError, LookupError, AssertionError, ArithmeticError, RecursionError) as problem:
                raise SrcadError(f"the statement is not understood ({type(problem).__name__}: {problem}). Write it another way.", self.loc) from problem

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

    def bind(self, target: str, expr: ast.expr) -> None:
        """`target = expr`. A user's name for what already has one is a copy, so that the text keeps it."""
        before = len(self.state.statements)
        ref = self.evaluate(expr, target)
        last = self.state.statements[-1] if len(self.state.statements) > before else None
        just_made = isinstance(last, Assign) and isinstance(ref.expr, ast.Name) and last.target == ref.expr.id
        if isinstance(ref.value, Method) and isinstance(ref.value.owner.value, Number):
            self.refuse(f"the attribute `{ref.value.attribute}` of an array is not a value that is differentiated. Call the method where it is named.")
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
                return self.call(expr, target)
            case ast.JoinedStr():
                return self.opaque(self.renamed(expr), target)
        self.refuse(f"{type(expr).__name__} is not in the language that srcad differentiates.")
        raise AssertionError

    def call(self, expr: ast.Call, target: str | None) -> Ref:
        """The value of a call."""
        raise NotImplementedError

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
            self.state.guards.identical(identifier, getattr(builtins, identifier))
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
