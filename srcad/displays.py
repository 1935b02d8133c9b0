"""A short array that is put together number by number, written as one.

    dy = np.zeros(y.shape)
    dy[1] = dout[0]                          ->    dy = np.array([-k * dout[1], dout[0] - 0.1 * dout[1]])
    dy[0] = -k * dout[1]
    dy[1] -= 0.1 * dout[1]

What is added to every number of one is added at once.
"""
from __future__ import annotations

import ast
from collections.abc import Callable, Mapping

import numpy as np

from srcad.dims import Dim, Facts
from srcad.ir import Assign, Block, Statement, Store, Unpack, Update, blocks, with_blocks
from srcad.kinds import Number, is_double
from srcad.render import function_path
from srcad.syntax import call, const, from_zero, name, names, nodes, root_of, same, text
from srcad.uses import changes, mentions

LONGEST = 4  # numbers
LINE = 95  # characters


class Displays:
    """facts: for the names of modules; kind_of: what is known of a name; shape: of an array, where it is known."""

    def __init__(self, facts: Facts, kind_of: Callable[[str], Number | None], shape: Callable[[str], tuple[Dim, ...] | None]) -> None:
        self.facts, self.kind_of, self.shape = facts, kind_of, shape

    def apply(self, block: Block) -> Block:
        out = [with_blocks(s, self.apply) if blocks(s) else s for s in block]
        at = 0
        while at < len(out):
            found = self.display(out, at)
            if found is not None:
                out = found
            at += 1
        return tuple(out)

    def display(self, block: list[Statement], at: int) -> list[Statement] | None:
        """The block with the array that one of its statements begins, or begins to add to, written as a whole."""
        match block[at]:
            case Assign(array, ast.Call(func=ast.Attribute(attr="zeros"), args=[_], keywords=[])):
                start, begun = at + 1, True
            case Update(ast.Subscript(value=ast.Name(id=array)), ast.Add() | ast.Sub()):
                start, begun = at, False
            case _:
                return None
        count = self.count(array)
        if count is None:
            return None
        steps = self.steps(block, start, array)
        if not steps:
            return None
        numbers: dict[int, ast.expr] = {}
        for i in steps:
            place, expr = part(block[i], array, numbers)
            if place is None or not 0 <= place < count or not self.can_wait(expr, block[i + 1 : steps[-1]], array) or not begun and isinstance(block[i], Store):
                return None
            numbers[place] = expr
        elements = [numbers.get(i, const(0.0)) for i in range(count)]
        floats = [] if any(map(self.is_float, elements)) else [name("float")]  # of whole numbers alone an array would be one of whole numbers
        made = call(function_path(np.array, self.facts), [ast.List(elts=elements, ctx=ast.Load()), *floats])
        if len(text(made)) > LINE or not begun and len(numbers) < count:
            return None
        loc = block[steps[-1]].loc  # type: ignore[union-attr]
        whole: Statement = Assign(array, made, loc) if begun else Update(name(array), ast.Add(), made, loc)
        return [whole if i == steps[-1] else s for i, s in enumerate(block) if i not in (at, *steps[:-1]) or i == steps[-1]]

    def is_float(self, expr: ast.expr) -> bool:
        """Whether a number is no whole number for certain."""
        match expr:
            case ast.Constant(value=value):
                return isinstance(value, float)
            case ast.Name() | ast.Subscript():
                kind = self.kind_of(root_of(expr))
                return kind is not None and is_double(kind.dtype)
            case ast.UnaryOp(operand=operand):
                return self.is_float(operand)
            case ast.BinOp(left=left, op=op, right=right):
                return isinstance(op, ast.Div) or self.is_float(left) or self.is_float(right)
        return False

    def count(self, array: str) -> int | None:
        """How many numbers a vector holds, if it is a few and the same in every call."""
        shape = self.shape(array)
        if shape is None or len(shape) != 1 or not shape[0].key.isdecimal():
            return None
        return int(shape[0].key) if 1 < int(shape[0].key) <= LONGEST else None

    @staticmethod
    def steps(block: list[Statement], start: int, array: str) -> list[int]:
        """The statements that put single numbers into an array before anything else is done with it."""
        found: list[int] = []
        for i in mentions(block, array, start):
            if part(block[i], array, {})[0] is None:
                break
            found.append(i)
        return found

    def can_wait(self, expr: ast.expr, between: list[Statement], array: str) -> bool:
        """Whether a number is still the same after some more statements: these give names to values, and change no memory that it may be read from."""
        used = set(names(expr))
        if any(isinstance(n, ast.Attribute) and n.attr == "pop" for n in nodes(expr)):
            return False
        for statement in between:
            match statement:
                case Store() | Update() if part(statement, array, {})[0] is not None:
                    continue
                case Assign() | Unpack():
                    pass
                case Update(ast.Name(id=target)) if (kind := self.kind_of(target)) is not None and kind.is_plain:
                    pass
                case _:
                    return False
            if changes(statement) & used:
                return False
        return True


def part(statement: Statement, array: str, numbers: Mapping[int, ast.expr]) -> tuple[int | None, ast.expr]:
    """The place in an array that a statement puts a number into, and what stands there then, with what did before."""
    match statement:
        case Store(ast.Subscript(value=value, slice=ast.Constant(value=int() as place)), expr) if same(value, name(array)) and array not in names(expr):
            return place, expr
        case Update(ast.Subscript(value=value, slice=ast.Constant(value=int() as place)), ast.Add() | ast.Sub() as op, expr) if same(value, name(array)) and array not in names(expr):
            if place in numbers:
                return place, ast.BinOp(left=numbers[place], op=op, right=expr)
            return place, from_zero(op, expr)
    return None, const(None)
