"""Statements: a generated function becomes explicit loops.

    q = x + b                for i in range(n):
    y = np.tanh(q)     ->        q = x[i] + b[i]
                                 y[i] = math.tanh(q)

The kinds of all names are found on the way: a loop is lowered again until what a pass leaves behind is what was assumed
at its head.
"""
from __future__ import annotations

import ast
import copy
import re
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from srcad.backends import webs
from srcad.backends.building import HELPERS
from srcad.backends.bindings import Bindings
from srcad.backends.control import Env
from srcad.backends.fusion import contract, fused, plain_calls
from srcad.backends.tree import Line, Node, lines, walk
from srcad.backends.values import (
    FLOAT,
    INT,
    Along,
    Stack,
    Static,
    Tup,
    Val,
    Value,
    flat,
    named,
    refuse,
    scalar,
    viewed,
)
from srcad.dims import Facts
from srcad.errors import SrcadError, UnsupportedSyntaxError
from srcad.runtime import handled


class Lowering(Bindings):
    """One function."""

    def __init__(self, tree: ast.FunctionDef, facts: Facts, space: Mapping[str, Any], outside: Any, functions: Any) -> None:
        self.tree, self.facts, self.space = tree, facts, dict(space)
        self.paths, self.functions = outside, functions
        self.atom_names: dict[str, str] = {}
        self.ragged, self.unbounded, self.solid = set(), set(), set()

    solid: set[str]  # names that must be variables of the kernel: they mean different memory on two paths

    def written(self, base: str) -> bool:
        """Whether the program writes into memory that this name may mean."""
        family = self.aliases.find(base)
        return any(self.aliases.find(self.base_of(m)) == family for m in self.mutated)

    def base_of(self, name: str) -> str:
        value = self.env.get(name)
        return value.view.base if isinstance(value, Val) and value.view is not None else name

    def run(self, parameters: Mapping[str, Value]) -> tuple[list[Value], Any]:
        """Lower the body. Returns the leaves of the result, and its structure."""
        webs.split(self.tree, set(HELPERS))
        self.begin()
        self.used = {n.id for n in ast.walk(self.tree) if isinstance(n, ast.Name)} | {a.arg for a in ast.walk(self.tree) if isinstance(a, ast.arg)} | set(HELPERS) | {"np", "math", "range", "prange"}
        self.env = dict(parameters)
        self.trips, self.marks, self.result = [], {}, None
        self.survey()
        self.statements(self.tree.body)
        if self.result is None:
            refuse("a function without a result.")
        return self.result

    def survey(self) -> None:
        """What each name's lines are: how often it is bound, where it grows, what is written to."""
        self.bound: dict[str, list[int]] = {}
        self.reads: dict[str, list[int]] = {}
        self.augmented: dict[str, list[int]] = {}
        self.growing, self.spans, self.mutated = {}, [], set()
        places = {id(n.target) for n in ast.walk(self.tree) if isinstance(n, ast.AugAssign)}
        for node in ast.walk(self.tree):
            if isinstance(node, ast.Name) and id(node) in places:
                self.augmented.setdefault(node.id, []).append(node.lineno)
                self.reads.setdefault(node.id, []).append(node.lineno)
            elif isinstance(node, ast.Name):
                table = self.bound if isinstance(node.ctx, ast.Store) else self.reads
                table.setdefault(node.id, []).append(node.lineno)
            elif isinstance(node, (ast.For, ast.While)):
                self.spans.append((node.lineno, node.end_lineno or node.lineno))
            if isinstance(node, ast.AugAssign):
                self.mutated.add(root_name(node.target))
            elif isinstance(node, ast.Assign):
                self.mutated |= {root_name(t) for t in node.targets if isinstance(t, ast.Subscript)}
            elif isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute):
                owner = root_name(node.func.value)
                if node.func.attr == "append":
                    self.growing.setdefault(owner, []).append(node.lineno)
                elif node.func.attr == "at" and node.args:
                    self.mutated.add(root_name(node.args[0]))
                elif node.func.attr in ("fill", "sort"):
                    self.mutated.add(owner)
                elif node.func.attr == "pop":
                    self.growing.setdefault(owner, [])

    def simple(self, name: str, array: bool = False) -> bool:
        """Bound once, and read only after that and inside the same loops. `+=` binds a number again, and not an array."""
        bound = self.bound.get(name, [])
        value = self.env.get(name)
        if name in self.augmented and not (array or isinstance(value, Val) and value.dims):
            return False
        if not bound:
            return name not in self.bound and (name in self.env or name in self.fresh_names)
        if len(bound) != 1:
            return False
        around = [s for s in self.spans if s[0] < bound[0] <= s[1]]
        return all(r > bound[0] or r == bound[0] and self.is_loop_line(r) for r in self.reads.get(name, [])) and all(a <= r <= b for a, b in around for r in self.reads.get(name, []))

    def is_loop_line(self, number: int) -> bool:
        return any(a == number for a, _ in self.spans)

    @property
    def fresh_names(self) -> set[str]:
        return self.used

    def steady_text(self, text: str) -> bool:
        """Whether an expression means the same until the end of what its names are read in."""
        return all(self.simple(n) for n in re.findall(r"(?<![\w.])[A-Za-z_]\w*", text) if n not in ("np", "math", "at"))

    # ---- what comes from outside

    def outside(self, node: ast.expr) -> Value | None:
        if isinstance(node, (ast.Subscript, ast.Attribute)) or isinstance(node, ast.Name) and node.id not in self.env:
            return self.paths(ast.unparse(node), self)  # type: ignore[no-any-return]
        return None

    def outside_name(self, path: str) -> str:
        if path in self.atom_names:
            return self.atom_names[path]
        found = self.paths(path, self)
        return found.view.base if isinstance(found, Val) and found.view is not None else found.text if isinstance(found, Val) and not found.dims and found.text.isidentifier() else ""

    def is_known(self, name: str) -> bool:
        return name in self.used or name in self.env or name in ("max", "min", "len")

    # ---- statements

    def statements(self, body: Sequence[ast.stmt]) -> None:
        for statement in body:
            self.line_number = statement.lineno
            try:
                self.statement(statement)
            except SrcadError as problem:
                raise located(problem, statement) from None
            except (NotImplementedError, AttributeError, TypeError, KeyError, IndexError, ValueError) as problem:
                raise located(UnsupportedSyntaxError(f"it is not compiled ({type(problem).__name__}: {problem})."), statement) from problem

    def statement(self, statement: ast.stmt) -> None:
        match statement:
            case ast.Assign(targets=[target], value=value):
                mark = len(self.out)
                self.assign(target, self.value(value), mark)
            case ast.AnnAssign(target=target, value=value) if value is not None:
                mark = len(self.out)
                self.assign(target, self.value(value), mark)
            case ast.AugAssign(target=target, op=op, value=value):
                self.augment(target, op, value)
            case ast.Expr(value=ast.Constant()) | ast.Pass():
                return
            case ast.Expr(value=value):
                self.value(value)
            case ast.Return(value=value) if value is not None:
                self.returned(self.value(value))
            case ast.If(test=test, body=body, orelse=orelse):
                self.branch(test, body, orelse)
            case ast.For(target=target, iter=iterable, body=body, orelse=[]):
                self.counted(target, iterable, body)
            case ast.While(test=test, body=body, orelse=[]):
                self.repeated(test, body)
            case ast.Break() | ast.Continue():
                self.exits.append(dict(self.env))
                self.emit("break" if isinstance(statement, ast.Break) else "continue")
            case ast.Delete():
                return
            case ast.With(items=items) if any(self.space.get(getattr(getattr(i.context_expr, "func", None), "id", "")) is handled for i in items):
                refuse("a `try` whose handler goes on is not compiled, where divisions by zero raise nothing. Test for the case with if.")
            case ast.With(body=body):
                self.statements(body)
            case ast.Raise(exc=exc):
                self.raised(exc)
            case ast.Assert(test=test):
                self.emit(f"if not {self.truth(test)}:\n    raise AssertionError()")
            case _:
                refuse(f"`{type(statement).__name__}` statements are not compiled.")

    exits: list[Env]
    result: Any

    def raised(self, exc: ast.expr | None) -> None:
        kind = exc.func if isinstance(exc, ast.Call) else exc
        words = exc.args[0] if isinstance(exc, ast.Call) and exc.args and isinstance(exc.args[0], ast.Constant) else None
        if not isinstance(kind, ast.Name):
            refuse("this raise is not compiled.")
        assert isinstance(kind, ast.Name)
        self.emit(f"raise {kind.id}({ast.unparse(words) if words else ''})")

    # ---- assignment

    def put(self, owner: ast.expr, index: ast.expr, op: str, value: Val) -> None:
        array = self.value(owner)
        if isinstance(array, Stack):
            place = self.stack_item(array, self.value(index))
            if not isinstance(place, Val):
                refuse("a store into this list is not compiled.")
            assert isinstance(place, Val)
            if place.view is not None:
                self.write(place.view, place.dims, place.dtype, op, value)
            elif not array.capacity:
                refuse("a store into a list of numbers whose length is not known is not compiled.")
            else:
                self.emit(f"{place.text} {op}= {value.text}")
            return
        if not isinstance(array, Val) or array.view is None:
            refuse(f"a store into `{ast.unparse(owner)}` is not compiled.")
        assert isinstance(array, Val)
        self.store(array, self.items(index, array), op, value)

    def augment(self, target: ast.expr, op: ast.operator, node: ast.expr) -> None:
        symbol = SYMBOLS.get(type(op).__name__, "")
        if not symbol:
            refuse("this operator in place is not compiled.")
        if isinstance(target, ast.Subscript):
            place = ast.Subscript(value=target.value, slice=target.slice, ctx=ast.Load())
            owner = self.value(target.value)
            simple_place = isinstance(owner, Val) and op.__class__.__name__ in ("Add", "Sub", "Mult", "Div")
            if simple_place:
                self.put(target.value, target.slice, symbol, self.operand(node))
            else:
                self.put(target.value, target.slice, "", self.number(self.value(ast.BinOp(left=place, op=op, right=node))))
            return
        assert isinstance(target, ast.Name)
        current = self.env.get(target.id)
        if isinstance(current, Val) and current.dims:
            value = self.operand(node)
            if current.view is None:
                refuse(f"`{target.id}` is not an array with a name.")
            if symbol not in ("+", "-", "*", "/"):
                value, symbol = self.elementwise(OPERATIONS[type(op).__name__], current, value), ""
            if len(self.broadcast(current, value)) > current.ndim:
                refuse("what is added in place is larger than the place.")
            self.write(current.view, current.dims, current.dtype, symbol, value)  # type: ignore[arg-type]
            return
        value = self.value(ast.BinOp(left=ast.Name(id=target.id, ctx=ast.Load()), op=op, right=node))
        self.bind(target.id, value, len(self.out))

    # ---- results

    def returned(self, value: Value) -> None:
        leaves: list[Value] = []
        texts: list[str] = []
        structure = self.structured(value, leaves, texts)
        self.emit(f"return {', '.join(texts)}" if texts else "return 0")
        if self.result is not None and repr(structure) != repr(self.result[1]):
            refuse("two returns of different kinds.")
        self.result = (leaves, structure)

    def structured(self, value: Value, leaves: list[Value], texts: list[str]) -> Any:
        """A result as a structure of numbered leaves."""
        if isinstance(value, Tup):
            return (value.kind, tuple(self.structured(i, leaves, texts) for i in value.items), value.keys)
        if isinstance(value, Static):
            return ("static", value.value)
        if isinstance(value, Stack):
            return self.structured_stack(value, leaves, texts)
        if not isinstance(value, Val):
            return refuse("this result is not compiled.")
        if value.dims:
            value = self.result_array(value)
            texts.append(value.name)
        else:
            texts.append(value.text)
        leaves.append(value)
        return ("leaf", len(leaves) - 1, value.form, value.dtype.name, value.ndim)

    def result_array(self, value: Val) -> Val:
        """What is returned lies in C order."""
        if value.name:
            return value
        return self.stored(value, "result")

    def structured_stack(self, stack: Stack, leaves: list[Value], texts: list[str]) -> Any:
        if stack.parts is None:
            refuse(f"the list `{stack.name}`, which is never filled, is not handed on.")
        assert stack.parts is not None
        start = len(leaves)
        if not stack.capacity:
            stack = self.laid_out(stack)
        for label, part in zip(stack.buffers, stack.parts):
            texts.append(label)
            leaves.append(named(label, part.dtype, (self.atom(f"{label}.shape[0]"), *part.dims)))
        texts.append(stack.counter)  # type: ignore[attr-defined]
        leaves.append(scalar(stack.counter, INT))  # type: ignore[attr-defined]
        return ("stack", start, len(leaves), stack.single)

    # ---- the whole

    def finished(self) -> list[Node]:
        """The body, its loops joined."""
        body = self.expanded_marks(self.out)
        body = fused(body, self.aliases)
        contract(body, self.shared)
        plain_calls(body)
        return body

    def call_own(self, label: str, args: list[Value], keywords: dict[str, Value]) -> Value:
        return self.functions[label](self, args, keywords)  # type: ignore[operator]

    def call_python(self, function: Any, args: Sequence[Value], keywords: Mapping[str, Value]) -> Value:
        """A call of a function of the program's own, or of a rule."""
        return self.kernels.python(self, function, args, keywords)  # type: ignore[no-any-return]

    kernels: Any

    def text(self, body: list[Node], depth: int = 1) -> list[str]:
        taken = set(self.used) | {n.id for node in walk(body) if isinstance(node, Line) for n in ast.walk(node.tree) if isinstance(n, ast.Name)}
        return list(lines(body, depth, taken, {}))


SYMBOLS = {"Add": "+", "Sub": "-", "Mult": "*", "Div": "/", "Pow": "**", "FloorDiv": "//", "Mod": "%", "BitAnd": "&", "BitOr": "|", "BitXor": "^"}
OPERATIONS = {"Pow": np.power, "FloorDiv": np.floor_divide, "Mod": np.remainder, "BitAnd": np.bitwise_and, "BitOr": np.bitwise_or, "BitXor": np.bitwise_xor}


def root_name(node: ast.expr) -> str:
    while isinstance(node, (ast.Subscript, ast.Attribute)):
        node = node.value
    return node.id if isinstance(node, ast.Name) else ""


def located(problem: SrcadError, statement: ast.stmt) -> SrcadError:
    """The reason with the generated line, unless it has one."""
    reason = getattr(problem, "reason", str(problem))
    if "generated line" in reason:
        return problem
    first = ast.unparse(statement).split("\n")[0]
    return UnsupportedSyntaxError(f"backend='numba': {reason} The generated line is `{first}`.")


__all__ = ["Lowering", "Along", "FLOAT", "copy", "flat", "viewed"]
