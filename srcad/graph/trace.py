"""A staged program, run statement by statement on boxes: what is computed, from what, and in which branch, loop or call.

    q = x + y        an Operation "+" on the Values of x and y; its output is named q
    f = q * z        an Operation "*"
"""
from __future__ import annotations

import ast
import builtins
import copy
import importlib
import inspect
import types
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from srcad.errors import SrcadError
from srcad.graph.applying import Applying, Spelled, Spelling, parameter
from srcad.graph.labels import label_of
from srcad.graph.model import Binding, Box, Group, Value, boxes, unboxed
from srcad.ir import (
    SYMBOLS,
    Assign,
    Block,
    Break,
    Continue,
    Define,
    Delete,
    Effect,
    For,
    If,
    Import,
    Program,
    Raise,
    Return,
    Statement,
    Store,
    Unpack,
    Update,
    While,
    With,
    lines,
)
from srcad.runtime import scope
from srcad.scopes import HANDLED
from srcad.source import Source
from srcad.stage import identifiers
from srcad.syntax import root_of, text


@dataclass
class Scene:
    """One function being run: its variables, and where its other names are read."""

    source: Source
    program: Program
    function: types.FunctionType
    locals: dict[str, Any]
    parent: Scene | None = None
    result: Any = None
    own: frozenset[str] = field(init=False)

    def __post_init__(self) -> None:
        self.own = identifiers(self.source.tree)


MISSING = object()
FUNCTIONS = (types.FunctionType, types.BuiltinFunctionType, types.MethodType, types.ModuleType, type, np.ufunc)


class Tracer(Applying):
    """Runs the statements of a program; `Calls` adds the calls."""

    scene: Scene

    def __init__(self, title: str) -> None:
        super().__init__(title)
        self.outside: dict[int, tuple[Any, Box]] = {}
        self.bindings: list[Binding] = []

    # ---- statements

    def run(self, scene: Scene) -> Any:
        """The result of a function."""
        outer = getattr(self, "scene", None)
        self.scene, self.depth = scene, self.depth + 1
        try:
            self.block(scene.program.body)
        finally:
            self.depth -= 1
            if outer is not None:
                self.scene = outer
        return scene.result

    def block(self, block: Block) -> str:
        """Run a block. Returns how it ends: "", "break", "continue" or "return"."""
        for statement in block:
            self.loc = statement.loc
            ending = self.statement(statement)
            if ending:
                return ending
        return ""

    def statement(self, statement: Statement) -> str:
        if not isinstance(statement, (If, For, While, With, Define)):
            self.text = next(iter(lines((statement,), 0)))
        match statement:
            case Assign(target, expr):
                self.bind(target, self.evaluate(expr))
            case Unpack(targets, star, expr):
                self.unpack(targets, star, self.evaluate(expr))
            case Update(target, op, expr):
                self.update(target, op, self.evaluate(expr), expr)
            case Store(target, expr):
                self.store(target, self.evaluate(expr))
                self.noted(target)
            case Effect(expr):
                self.evaluate(expr)
            case If():
                return self.branch(statement)
            case For():
                return self.for_loop(statement)
            case While():
                return self.while_loop(statement)
            case With():
                return self.with_block(statement)
            case Break():
                return "break"
            case Continue():
                return "continue"
            case Return(value):
                self.scene.result = self.evaluate(value)
                self.bound("return", self.scene.result)
                return "return"
            case _:
                self.rare(statement)
        return ""

    def rare(self, statement: Statement) -> None:
        match statement:
            case Raise(error):
                raise SrcadError(f"it raises `{text(error)}` for these arguments." if error is not None else "it raises for these arguments.", statement.loc)
            case Define(target, tree, defaults):
                self.scene.locals[target] = self.defined(tree, {k: self.evaluate(v) for k, v in defaults})
            case Delete(target):
                del self.scene.locals[target]
            case Import(target, module, attribute):
                loaded = importlib.import_module(module)
                if target:
                    self.scene.locals[target] = getattr(loaded, attribute) if attribute else loaded

    def defined(self, tree: ast.FunctionDef | ast.Lambda, defaults: dict[str, Any]) -> Any:
        raise NotImplementedError

    def bind(self, target: str, value: Any) -> None:
        self.scene.locals[target] = value
        if target in self.scene.own and not target.startswith("_"):
            self.name(target, value)
            self.bound(target, value)

    def bound(self, target: str, value: Any) -> None:
        """Note what a statement leaves in a variable."""
        held = value.value if isinstance(value, Box) else None
        inner = tuple(v.value for v in value if isinstance(v, Box)) if isinstance(value, (list, tuple)) else ()
        items = inner if inner and len(inner) == len(value) else ()
        self.bindings.append(Binding(target, held.data if held is not None else unboxed(value), held, self.loc, self.place(), items))

    def noted(self, target: ast.expr) -> None:
        """Note what a write leaves in the variable that it goes through."""
        label = root_of(target)
        if label in self.scene.own:
            self.bound(label, self.scene.locals.get(label))

    def name(self, target: str, value: Any) -> None:
        """Call a Value by the user's name for it: that of the outermost function."""
        if isinstance(value, Box):
            held = value.value
            if not held.leaf and (not held.name or self.depth < held.depth):
                held.name, held.group, held.depth = target, self.place(), self.depth
        elif isinstance(value, (tuple, list)):
            for i, item in enumerate(value):
                if isinstance(item, Box) and not item.value.name:
                    self.name(f"{target}[{i}]", item)

    def unpack(self, targets: tuple[str, ...], star: int | None, value: Any) -> None:
        items = list(value)
        extra = len(items) - len(targets) + 1
        if star is not None:
            items = [*items[:star], items[star : star + extra], *items[star + extra :]]
        for target, item in zip(targets, items, strict=True):
            self.bind(target, item)

    # ---- groups

    @contextmanager
    def inside(self, kind: str, label: str, first: int = 0, last: int = 0, count: int = 0, place: tuple[str, int, int] = ("", 0, 0)) -> Iterator[Group]:
        """What runs meanwhile is in a group of its own."""
        outer, self.group = self.group, Group(kind, label, self.place(), first, last, count, place)
        try:
            yield self.group
        finally:
            self.group = outer

    def branch(self, statement: If) -> str:
        taken = bool(unboxed(self.evaluate(statement.test)))
        loc = statement.loc
        written = loc.source_line[loc.column : loc.end_column] if loc.line == loc.end_line else loc.source_line.strip()
        tree = loc.tree if isinstance(loc.tree, ast.If) else None
        body = (tree.body if taken else tree.orelse) if tree is not None else []
        first, last = (body[0].lineno, body[-1].end_lineno or 0) if body else (loc.line, loc.end_line)
        with self.inside("branch", f"{'if' if taken else 'not'} {written}", first, last):
            return self.block(statement.body if taken else statement.orelse)

    def with_block(self, statement: With) -> str:
        names = []
        for header in statement.headers:
            assert isinstance(header, ast.Call)
            if not (isinstance(header.func, ast.Name) and header.func.id == HANDLED) and self.evaluate(header.func) is scope:
                names.append(scope(*[self.evaluate(a) for a in header.args], **{k.arg or "": self.evaluate(k.value) for k in header.keywords}).name)
        if not names:
            with np.errstate(all="ignore"):
                return self.block(statement.body)
        with self.inside("scope", str(names[0]), statement.loc.line, statement.loc.end_line):
            return self.block(statement.body)

    def for_loop(self, statement: For) -> str:
        items = iter(self.evaluate(statement.iter))
        with self.inside("loop", header(statement), place=(statement.loc.file, statement.loc.line, statement.loc.column)) as loop:
            while True:
                with self.inside("pass", f"pass {loop.count + 1}", count=loop.count + 1):
                    self.loc, self.text = statement.loc, loop.label
                    item = next(items, MISSING)
                    if item is MISSING:
                        return ""
                    loop.count += 1
                    self.bind(statement.target, item)
                    ending = self.block(statement.body)
                if ending in ("break", "return"):
                    return ending.replace("break", "")

    def while_loop(self, statement: While) -> str:
        with self.inside("loop", header(statement), place=(statement.loc.file, statement.loc.line, statement.loc.column)) as loop:
            while True:
                with self.inside("pass", f"pass {loop.count + 1}", count=loop.count + 1):
                    self.block(statement.head)
                    self.loc = statement.loc
                    if not unboxed(self.evaluate(statement.test)):
                        return ""
                    loop.count += 1
                    ending = self.block(statement.body)
                if ending in ("break", "return"):
                    return ending.replace("break", "")

    # ---- expressions

    def evaluate(self, expr: ast.expr) -> Any:
        """The value of an operation on atoms."""
        match expr:
            case ast.Name(id=identifier):
                return self.lookup(identifier)
            case ast.Constant(value=value):
                return value
            case ast.Attribute():
                return self.attribute(expr)
            case ast.Subscript(value=value, slice=index):
                base = self.evaluate(value)
                return self.operation(expr) if isinstance(base, Box) else self.known(base[self.index(index)], text(expr))
            case ast.Tuple(elts=elts) | ast.List(elts=elts):
                items = self.elements(elts)
                return items if isinstance(expr, ast.List) else tuple(items)
            case ast.Dict(keys=keys, values=values):
                return self.dict_display(keys, values)
            case ast.Call():
                return self.call(expr)
            case ast.Slice(lower=lower, upper=upper, step=step):
                return slice(*(unboxed(self.evaluate(p)) if p is not None else None for p in (lower, upper, step)))
            case ast.JoinedStr():
                return ""
            case ast.Compare(left=left, ops=[op], comparators=[right]) if isinstance(op, (ast.Is, ast.IsNot)):
                same = unboxed(self.evaluate(left)) is unboxed(self.evaluate(right))
                return same is isinstance(op, ast.Is)
            case ast.BinOp(left=left, right=right):
                sides = [self.evaluate(left), self.evaluate(right)]
                if any(boxes(s) for s in sides) and not any(isinstance(s, Box) for s in sides):  # of lists
                    return self.natively(expr, [left, right], sides)
        return self.operation(expr)

    def natively(self, expr: ast.expr, nodes: list[ast.expr], sides: list[Any]) -> Any:
        assert isinstance(expr, ast.BinOp)
        made = ast.BinOp(left=ast.Name("left", ast.Load()), op=expr.op, right=ast.Name("right", ast.Load()))
        return eval(compile(ast.fix_missing_locations(ast.Expression(made)), "<lists>", "eval"), {"left": sides[0], "right": sides[1]})

    def operation(self, expr: ast.expr, callee: Any = None) -> Any:
        """An operation of Python's, NumPy's or another library's."""
        spelled = Spelled(self.evaluate, is_callee)
        body = text(spelled.visit(copy.deepcopy(expr)))
        label = self.label(expr)
        return self.applied(Spelling(body, tuple(spelled.arguments), spelled.space, label), isinstance(expr, ast.Call), callee or expr)

    def label(self, expr: ast.expr) -> str:
        return label_of(expr, self.evaluate, self.scene.own)

    def call(self, expr: ast.Call) -> Any:
        raise NotImplementedError

    def elements(self, elts: list[ast.expr]) -> list[Any]:
        out: list[Any] = []
        for element in elts:
            if isinstance(element, ast.Starred):
                out.extend(self.evaluate(element.value))
            else:
                out.append(self.evaluate(element))
        return out

    def dict_display(self, keys: list[ast.expr | None], values: list[ast.expr]) -> dict[Any, Any]:
        out: dict[Any, Any] = {}
        for key, value in zip(keys, values):
            if key is None:
                out.update(self.evaluate(value))
            else:
                out[unboxed(self.evaluate(key))] = self.evaluate(value)
        return out

    def index(self, index: ast.expr) -> Any:
        return unboxed(self.evaluate(index))

    def attribute(self, expr: ast.Attribute) -> Any:
        owner = self.evaluate(expr.value)
        return self.operation(expr) if isinstance(owner, Box) else self.known(self.member(owner, expr.attr), text(expr))

    def member(self, owner: Any, label: str) -> Any:
        """An attribute of an object."""
        return getattr(owner, label)

    # ---- names

    def lookup(self, identifier: str) -> Any:
        scene: Scene | None = self.scene
        while scene is not None:
            if identifier in scene.locals:
                return scene.locals[identifier]
            last, scene = scene, scene.parent
        cells = dict(zip(last.function.__code__.co_freevars, last.function.__closure__ or ()))
        if identifier in cells:
            return self.known(cells[identifier].cell_contents, identifier)
        space = last.function.__globals__
        if identifier in space:
            return self.known(space[identifier], identifier)
        if hasattr(builtins, identifier):
            return getattr(builtins, identifier)
        raise NameError(f"name '{identifier}' is not defined")

    def known(self, value: Any, label: str) -> Any:
        """A value from outside, or out of a container: arrays are boxed, each once."""
        if not isinstance(value, np.ndarray):
            return value
        if id(value) not in self.outside:
            self.outside[id(value)] = (value, Box(Value(value, None, label, group=self.group.path[0]), self))
        return self.outside[id(value)][1]

    # ---- writes

    def store(self, target: ast.expr, value: Any) -> None:
        if isinstance(target, ast.Subscript):
            base = self.evaluate(target.value)
            if isinstance(base, Box):
                self.write_item(base, target, "=", value)
            else:
                base[self.index(target.slice)] = value
            return
        assert isinstance(target, ast.Attribute)
        setattr(self.evaluate(target.value), target.attr, value)

    def write_item(self, base: Box, target: ast.Subscript, sign: str, value: Any) -> None:
        """`base[index] = value`, or with an operator."""
        spelled = Spelled(self.evaluate, is_callee)
        index = spelled.visit(copy.deepcopy(target.slice))
        count = len(spelled.arguments)
        place = text(ast.Subscript(value=ast.Name(id=parameter(count), ctx=ast.Load()), slice=index, ctx=ast.Load()))
        label = f"{self.label(target)} {sign}"
        self.write(base, (*spelled.arguments, base, value), f"{place} {sign} {parameter(count + 1)}", spelled.space, label, count)

    def update(self, target: ast.expr, op: ast.operator, value: Any, expr: ast.expr) -> None:
        sign = f"{SYMBOLS[type(op)]}="
        if isinstance(target, ast.Subscript) and isinstance(self.evaluate(target.value), Box):
            self.write_item(self.evaluate(target.value), target, sign, value)
            self.noted(target)
            return
        held = self.evaluate(target)
        if isinstance(held, Box) and isinstance(held.data, np.ndarray):
            self.write(held, (held, value), f"{parameter(0)} {sign} {parameter(1)}", {}, self.label(ast.BinOp(target, op, expr)))
            if isinstance(target, ast.Name):
                self.name(target.id, held)
                self.noted(target)
            return
        if isinstance(held, list) and isinstance(op, ast.Add):
            held += list(value)
            return
        made = self.evaluate(ast.BinOp(left=target, op=op, right=expr))
        if isinstance(target, ast.Name):
            self.bind(target.id, made)
        else:
            self.store(target, made)


def header(statement: For | While) -> str:
    """The first line of a loop, or the comprehension that it is."""
    loc = statement.loc
    line = loc.source_line.strip()
    if line.startswith(("for ", "while ")):
        return line.partition("  #")[0].rstrip().rstrip(":")
    return loc.source_line[loc.column : loc.end_column] if loc.line == loc.end_line else line


def is_callee(value: Any) -> bool:
    """Whether a value is a function or a module: the text of an operation names it."""
    return isinstance(value, FUNCTIONS) or hasattr(value, "differentiated") and callable(value)


def bound_arguments(signature: inspect.Signature, args: list[Any], keywords: dict[str, Any]) -> dict[str, Any]:
    """Arguments by parameter, defaults included."""
    bound = signature.bind(*args, **keywords)
    bound.apply_defaults()
    return dict(bound.arguments)

