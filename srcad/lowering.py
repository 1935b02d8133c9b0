"""What every lowering works with: the statements so far, names for what is in between, the statement at hand.

    self.emit("t", x * y, node)    adds t = x * y, with the place of node
"""
from __future__ import annotations

import ast
from collections.abc import Callable

from srcad.errors import UnsupportedSyntaxError
from srcad.ir import Assign, Block, Location, Statement
from srcad.source import Source
from srcad.syntax import Namer

REFUSED: dict[type[ast.AST], str] = {
    ast.AsyncFor: "coroutines cannot be differentiated.",
    ast.AsyncWith: "coroutines cannot be differentiated.",
    ast.AsyncFunctionDef: "coroutines cannot be differentiated.",
    ast.SetComp: "sets are not in the language that srcad differentiates. Use a list.",
    ast.Set: "sets are not in the language that srcad differentiates. Use a list or a tuple.",
    ast.Nonlocal: "a function that writes to variables outside it cannot be differentiated. Return the value instead.",
    ast.ClassDef: "classes defined inside a differentiated function are not supported. Define it outside.",
    ast.Yield: "generators have no single result to differentiate.",
    ast.YieldFrom: "generators have no single result to differentiate.",
    ast.Await: "coroutines cannot be differentiated.",
}


class Lowering:
    """Lowers statements into a list of its own; expressions return the atom that holds their value."""

    def __init__(self, source: Source, namer: Namer) -> None:
        self.source = source
        self.namer = namer
        self.out: list[Statement] = []
        self.statement: ast.stmt | None = None
        self.count = 0

    def block(self, statements: list[ast.stmt]) -> Block:
        outer, self.out = self.out, []
        for statement in statements:
            self.lower(statement)
        block, self.out = tuple(self.out), outer
        return block

    def lower(self, node: ast.stmt) -> None:
        previous, self.statement = self.statement, None if hasattr(node, "made_up") else node
        self.count += 1
        lowering: Callable[[ast.stmt], None] | None = getattr(self, f"lower_{type(node).__name__}", None)
        if lowering is None:
            self.refuse(node)
        else:
            lowering(node)
        self.statement = previous

    def loc(self, node: ast.AST) -> Location:
        return self.source.locate(node, self.shown_statement(), self.count)

    def shown_statement(self) -> ast.AST | None:
        """What a comment quotes: the statement, or the expression of a return."""
        statement = self.statement
        return statement.value if isinstance(statement, ast.Return) and statement.value else statement

    def path(self, node: ast.expr) -> ast.expr:
        raise NotImplementedError

    def refuse(self, node: ast.AST, reason: str = "") -> None:
        reason = reason or REFUSED.get(type(node), f"{type(node).__name__} is not in the language that srcad differentiates.")
        raise UnsupportedSyntaxError(reason, self.source.locate(node), self.source.segment(node).split("\n")[0])

    def emit(self, target: str, expr: ast.expr, node: ast.AST) -> None:
        self.out.append(Assign(target, expr, self.loc(node)))

    def atom(self, node: ast.expr) -> ast.expr:
        """The atom that holds a value, its operations emitted before it."""
        raise NotImplementedError

    def assign(self, target: ast.expr, value: ast.expr, node: ast.stmt) -> None:
        """Bind an atom to any target."""
        raise NotImplementedError
