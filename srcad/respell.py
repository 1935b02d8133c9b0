"""Cheap values said where they are used, however often: a name for `2 * i` reads worse than `2 * i`.

    first = 2 * i
    last = first + 2
    window = x[first:last]        ->    window = x[2 * i:2 * i + 2]
    dx[first:last] += dwindow           dx[2 * i:2 * i + 2] += dwindow
"""
from __future__ import annotations

import ast
from collections.abc import Callable

from srcad.ir import UNPLACED, Assign, Block, Statement, With, blocks, map_expressions, with_blocks
from srcad.kinds import Number
from srcad.syntax import is_module, name, names, operations, substitute
from srcad.uses import Tally, changes, reads, tallied

LONG_INDEX = 2  # operations
ARITHMETIC = (ast.Add, ast.Sub, ast.Mult, ast.FloorDiv, ast.Mod)


class Respelling:
    """Puts whole numbers that only count or index, and calls on literals, into the expressions that read them.

    is_temporary: which names may go; kind_of: what is known of a name.
    """

    def __init__(self, is_temporary: Callable[[str], bool], kind_of: Callable[[str], Number | None]) -> None:
        self.is_temporary, self.kind_of = is_temporary, kind_of
        self.counts = Tally()
        self.definitions = Tally()

    def apply(self, block: Block) -> Block:
        self.counts, self.definitions = tallied(block)
        return self.block(block, inside=False)

    def block(self, block: Block, inside: bool) -> Block:
        uses: dict[str, list[tuple[int, int]]] = {}
        for i, statement in enumerate(block):
            for n, count in reads(statement).items():
                uses.setdefault(n, []).append((i, count))
        said: dict[str, ast.expr] = {}
        out: list[Statement] = []
        for i, statement in enumerate(block):
            ready = {n: said[n] for n in said.keys() & reads(statement).keys()}
            changed = map_expressions(statement, lambda e: substitute(e, ready)) if ready else statement
            if isinstance(changed, Assign) and self.goes(changed, inside) and self.is_the_same(changed, block, i, uses.get(changed.target, [])):
                said[changed.target] = changed.expr
            else:
                out.append(with_blocks(changed, lambda b: self.block(b, inside or not isinstance(changed, With))) if blocks(changed) else changed)
        return tuple(out)

    def goes(self, definition: Assign, inside: bool) -> bool:
        """Whether a name of ours stands for something cheap."""
        target = definition.target
        if not self.is_temporary(target) or self.definitions[target] > 1 or not self.counts[target]:
            return False
        kind = self.kind_of(target)
        if kind is None or not kind.is_plain:
            return False
        return self.is_whole(target) and self.is_index(definition.expr) or not inside and is_literal_call(definition.expr)

    def is_the_same(self, definition: Assign, block: Block, at: int, uses: list[tuple[int, int]]) -> bool:
        """Whether a definition would say the same wherever its name is read: in the rest of this block alone."""
        if sum(count for _, count in uses) < self.counts[definition.target]:
            return False
        read = {n for n in names(definition.expr) if self.definitions[n] > 1}
        return not read or not any(read & changes(s) for s in block[at + 1 : uses[-1][0] + 1])

    def is_whole(self, identifier: str) -> bool:
        """Whether a name is a whole number of Python's for certain."""
        kind = self.kind_of(identifier)
        return kind is not None and kind.form == "python" and kind.dtype is not None and kind.dtype.kind == "i"

    def is_index(self, expr: ast.expr) -> bool:
        """Whether an expression is arithmetic on a few whole numbers."""
        return operations(expr) <= LONG_INDEX and self.is_made_of_whole_numbers(expr)

    def is_made_of_whole_numbers(self, expr: ast.expr) -> bool:
        match expr:
            case ast.Name(id=identifier):
                return self.is_whole(identifier)
            case ast.Constant(value=value):
                return type(value) is int
            case ast.Call(func=ast.Name(id="len"), args=[ast.Name(id=array)]) | ast.Subscript(value=ast.Attribute(value=ast.Name(id=array), attr="shape"), slice=ast.Constant()):
                kind = self.kind_of(array)
                return kind is not None and kind.form == "array"
            case ast.BinOp(left=left, op=op, right=right):
                return isinstance(op, ARITHMETIC) and self.is_made_of_whole_numbers(left) and self.is_made_of_whole_numbers(right)
        return False


def said_once(block: Block, is_temporary: Callable[[str], bool]) -> Block:
    """What is reckoned again for the backward pass is reckoned once: `t = p + r; k = p / t; u = p + r` needs no u."""
    definitions = tallied(block)[1]
    known: dict[str, tuple[str, frozenset[str]]] = {}  # an expression -> its name, and what it reads
    others: dict[str, ast.expr] = {}
    out: list[Statement] = []
    for statement in block:
        if others:
            statement = map_expressions(statement, lambda e: substitute(e, others))
        if blocks(statement):
            statement = with_blocks(statement, lambda b: said_once(b, is_temporary))
        if isinstance(statement, Assign) and statement.loc is UNPLACED and is_of_two(statement.expr) and is_temporary(statement.target):
            if definitions[statement.target] == 1 and all(definitions[n] <= 1 for n in names(statement.expr)):
                first = known.setdefault(ast.dump(statement.expr), (statement.target, frozenset(names(statement.expr))))
                if first[0] != statement.target:
                    others[statement.target] = name(first[0])
                    continue
        touched = changes(statement)
        known = {k: (n, read) for k, (n, read) in known.items() if not touched & read}
        out.append(statement)
    return tuple(out)


def is_of_two(expr: ast.expr) -> bool:
    """Whether an expression is arithmetic on two names: with a literal, or one name, it is as soon said again."""
    return isinstance(expr, ast.BinOp) and isinstance(expr.left, ast.Name) and isinstance(expr.right, ast.Name)


def is_literal_call(expr: ast.expr) -> bool:
    """Whether an expression is a library function of literals: `np.sqrt(2)`."""
    match expr:
        case ast.Call(func=ast.Attribute(value=library), args=[_, *_] as args, keywords=[]) if is_module(library):
            return all(isinstance(a, ast.Constant) for a in args)
    return False
