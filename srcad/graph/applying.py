"""One operation of a run: it is written as a function of its operands alone, and run.

    total = w * x + 2    ->    def step(operand0): return operand0 + 2    applied to the box of w * x

The function is what the backward pass differentiates: a local derivative is srcad's own gradient of one operation.
"""
from __future__ import annotations

import ast
import itertools
import linecache
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np

from srcad.errors import SrcadError
from srcad.graph.model import Box, Group, Operation, Path, Value, at, boxes, rebuilt, unboxed
from srcad.ir import Location

STEPS: dict[tuple[str, tuple[tuple[str, int], ...]], Callable[..., Any]] = {}
LARGEST = 20_000  # operations
NUMBERS = itertools.count()
KEPT = 4096  # functions of operations


@dataclass(frozen=True)
class Spelling:
    """An operation as text over its parameters: `operand0[operand1]`, what they are, and the functions and modules that the text names."""

    body: str
    arguments: tuple[Any, ...]
    space: dict[str, Any]
    label: str


@dataclass(frozen=True)
class Again:
    """How a view is taken: of which argument of which operation, and where in its result."""

    tracer: Applying
    spelling: Spelling
    position: int
    path: Path
    name: str

    def __call__(self, base: Value) -> Value:
        """The view of its base as that is now."""
        arguments = list(self.spelling.arguments)
        arguments[self.position] = Box(base, self.tracer)
        spelling = Spelling(self.spelling.body, tuple(arguments), self.spelling.space, self.spelling.label)
        found: Value = at(self.tracer.applied(spelling, named=self.name), self.path).held
        return found


class Applying:
    """Applies operations, and keeps a list of those that depend on what is differentiated by."""

    def __init__(self, title: str) -> None:
        self.group = Group("program", title)
        self.operations: list[Operation] = []
        self.loc = Location("", 0, 0, 0, 0, "", "")
        self.text = ""
        self.depth = 0

    def refuse(self, reason: str) -> None:
        raise SrcadError(f"{reason} It cannot be drawn.", self.loc)

    def place(self) -> Group:
        """The group that the statement at hand stands in: what follows a branch or scope in it is not of it."""
        group = self.group
        while group.kind in ("scope", "branch") and group.parent is not None and not group.first <= self.loc.line <= group.last:
            group = group.parent
        return group

    def applied(self, spelling: Spelling, copies: bool = False, callee: Any = None, named: str = "") -> Any:
        """The result of an operation, boxed; with copies, of what it may write to."""
        given = [unboxed(a) for a in spelling.arguments]
        raw = [copied(g) for g in given] if copies else given
        function = step_function(spelling)
        result = function(*raw)
        if copies:
            for i, (argument, before, after) in enumerate(zip(spelling.arguments, given, raw)):
                if isinstance(argument, Box) and isinstance(after, np.ndarray) and result is after and same(before, after):
                    return argument
                if not same(before, after):
                    return self.written(spelling, i, result, raw)
        return self.recorded(spelling, function, raw if copies else given, result, callee, named)

    def recorded(self, spelling: Spelling, function: Callable[..., Any], raw: list[Any], result: Any, callee: Any, named: str) -> Any:
        values = tuple(tuple((path, box.value) for path, box in boxes(a)) for a in spelling.arguments)
        tracked = any(v.tracked for found in values for _, v in found)
        made = None
        if tracked and any(is_real(leaf) for _, leaf in leaves_of(result)):
            made = Operation(spelling.label, self.text, function, tuple(raw), values, self.loc, self.place(), result, callee=callee)
            self.operations.append(made)
            if len(self.operations) > LARGEST:
                self.refuse(f"the run has more than {LARGEST} operations.")
        out = boxed(result, lambda path, leaf: self.output(spelling, raw, made, path, leaf, named))
        if made is not None:
            made.outputs = tuple((path, box.held) for path, box in boxes(out))
        return out

    def output(self, spelling: Spelling, raw: list[Any], made: Operation | None, path: Path, leaf: Any, named: str) -> Any:
        """One number or array of a result."""
        if not isinstance(leaf, np.ndarray) and not (made is not None and is_real(leaf)):
            return leaf
        value = Value(leaf, made if is_real(leaf) else None, named, group=self.place(), depth=self.depth)
        if isinstance(leaf, np.ndarray):
            for i, (argument, r) in enumerate(zip(spelling.arguments, raw)):
                if isinstance(argument, Box) and isinstance(r, np.ndarray) and np.may_share_memory(leaf, r):
                    return Box(value, self, argument, Again(self, spelling, i, path, named))
        return Box(value, self)

    def element(self, box: Box, index: int) -> Any:
        """One item of an array that is iterated over."""
        return self.applied(Spelling("operand0[operand1]", (box, index), {}, f"[{index}]"))

    # ---- writes

    def written(self, spelling: Spelling, position: int, result: Any, raw: list[Any]) -> Any:
        """An operation that changes one of its arguments: its result is what the argument becomes."""
        box = spelling.arguments[position]
        others = [i for i, (a, r) in enumerate(zip(spelling.arguments, raw)) if i != position and not same(unboxed(a), r)]
        if not isinstance(box, Box) or others or not (result is None or result is raw[position]):
            self.refuse("it changes what it is given, and gives back something else.")
        self.write(box, spelling.arguments, f"{spelling.body}", spelling.space, spelling.label, position)
        return None if result is None else box

    def write(self, box: Box, arguments: tuple[Any, ...], statement: str, space: dict[str, Any], label: str, position: int = 0) -> None:
        """Run a statement that changes an array, on a copy of it, and give the box the outcome."""
        target = parameter(position)
        lines = f"{target} = {target}.copy()\n    {statement}\n    return {target}"
        made = self.applied(Spelling(lines, arguments, space, label), named=box.held.name)
        self.changed(box, made.value)

    def changed(self, box: Box, value: Value) -> None:
        """Give a box what a write left behind; so does the array that it is a view of."""
        box.change(value)
        if box.base is None:
            return
        again = box.again
        if again.path:
            self.refuse("it writes to a part of an array that was made together with others.")
        spelling = again.spelling
        arguments = list(spelling.arguments)
        arguments[again.position] = box.base
        statement = f"view = {spelling.body}\n    view[...] = {parameter(len(arguments))}"
        self.write(box.base, (*arguments, Box(value, self)), statement, spelling.space, f"{spelling.label} =", again.position)
        box.seen = box.base.version


def step_function(spelling: Spelling) -> Callable[..., Any]:
    """The function of an operation: one for all operations that are written alike."""
    key = (spelling.body, tuple(sorted((k, id(v)) for k, v in spelling.space.items())))
    if key not in STEPS:
        if len(STEPS) >= KEPT:
            STEPS.clear()
        parameters = ", ".join(parameter(i) for i in range(len(spelling.arguments)))
        body = spelling.body if "\n" in spelling.body else f"return {spelling.body}"
        text = f"def step({parameters}):\n    {body}\n"
        filename = f"<srcad operation {next(NUMBERS)}>"
        linecache.cache[filename] = (len(text), None, text.splitlines(True), filename)
        space = {**spelling.space, "__name__": "srcad.graph.steps"}
        exec(compile(text, filename, "exec"), space)
        STEPS[key] = space["step"]
    return STEPS[key]


def parameter(i: int) -> str:
    """The name of an operation's parameter."""
    return f"operand{i}"


def is_real(leaf: Any) -> bool:
    return isinstance(leaf, (float, np.floating)) or isinstance(leaf, np.ndarray) and leaf.dtype.kind in "fc"


def leaves_of(value: Any, path: Path = ()) -> list[tuple[Path, Any]]:
    """What a structure of lists, tuples and dicts holds."""
    if isinstance(value, (list, tuple)):
        return [found for i, v in enumerate(value) for found in leaves_of(v, (*path, i))]
    if isinstance(value, dict):
        return [found for k, v in value.items() for found in leaves_of(v, (*path, k))]
    return [(path, value)]


def boxed(value: Any, change: Callable[[Path, Any], Any], path: Path = ()) -> Any:
    """A structure with its leaves changed."""
    if isinstance(value, (list, tuple)):
        items = iter([boxed(v, change, (*path, i)) for i, v in enumerate(value)])
        return rebuilt(value, lambda _: next(items))
    if isinstance(value, dict):
        return {k: boxed(v, change, (*path, k)) for k, v in value.items()}
    return change(path, value)


def copied(value: Any) -> Any:
    if isinstance(value, np.ndarray):
        return value.copy(order="K")
    return rebuilt(value, copied) if isinstance(value, (list, tuple)) and any(isinstance(v, np.ndarray) for v in value) else value


def same(before: Any, after: Any) -> bool:
    """Whether an argument is what it was."""
    if isinstance(before, np.ndarray):
        return before.dtype == object or bool(np.array_equal(before, after, equal_nan=before.dtype.kind in "fc"))
    if isinstance(before, (list, tuple)) and any(isinstance(v, np.ndarray) for v in before):
        return all(map(same, before, after))
    return True


class Spelled(ast.NodeTransformer):
    """Puts parameters in the place of the variables of an expression."""

    def __init__(self, read: Callable[[ast.expr], Any], is_callee: Callable[[Any], bool]) -> None:
        self.read, self.is_callee = read, is_callee
        self.arguments: list[Any] = []
        self.space: dict[str, Any] = {}

    def visit_Name(self, node: ast.Name) -> ast.expr:
        return self.variable(node)

    def visit_Attribute(self, node: ast.Attribute) -> ast.expr:
        root: ast.expr = node
        while isinstance(root, ast.Attribute):
            root = root.value
        if not isinstance(root, ast.Name):
            return node
        if self.is_callee(self.read(root)):
            value = self.read(node)
            if self.is_callee(value):
                self.space[root.id] = self.read(root)
                return node
            return self.held(value)
        owner = self.read(node.value)
        if isinstance(owner, Box):
            return ast.Attribute(value=self.held(owner), attr=node.attr, ctx=ast.Load())
        value = getattr(owner, node.attr)
        return self.held(value) if not callable(value) else ast.Attribute(value=self.held(owner), attr=node.attr, ctx=ast.Load())

    def variable(self, node: ast.Name) -> ast.expr:
        value = self.read(node)
        if self.is_callee(value):
            self.space[node.id] = value
            return node
        return self.held(value)

    def held(self, value: Any) -> ast.expr:
        self.arguments.append(value)
        return ast.Name(id=parameter(len(self.arguments) - 1), ctx=ast.Load())
