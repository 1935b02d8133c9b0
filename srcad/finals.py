"""finally, where a jump leaves the try: what stands in it is written before the jump too.

    try:                         if v < 0:
        if v < 0:                    s *= 2
            continue       ->        continue
        s += v                   s += v
    finally:                     s *= 2
        s *= 2
"""
from __future__ import annotations

import ast
import copy
from collections.abc import Callable

JUMPS = (ast.Return, ast.Break, ast.Continue, ast.Raise)


class Finals(ast.NodeTransformer):
    """Rewrites the try statements of a tree without finally, those inside first. The tree given is changed.

    temporary: makes the name of what is returned, which is computed first.
    """

    def __init__(self, temporary: Callable[[], str]) -> None:
        self.temporary = temporary

    def visit_Try(self, node: ast.Try) -> list[ast.stmt]:
        self.generic_visit(node)
        before = BeforeJumps(node.finalbody, self.temporary) if node.finalbody else None
        body, orelse = (before.within(block) if before else block for block in (node.body, node.orelse))
        rest = [*orelse, *node.finalbody]
        if not node.handlers:
            return [*body, *rest]
        return [ast.copy_location(ast.Try(body=body, handlers=node.handlers, orelse=[], finalbody=[]), node), *rest]

    def visit_FunctionDef(self, node: ast.FunctionDef) -> ast.FunctionDef:
        return node  # it has tries of its own


class BeforeJumps(ast.NodeTransformer):
    """Puts statements before each jump that leaves the block that they are given for."""

    def __init__(self, final: list[ast.stmt], temporary: Callable[[], str]) -> None:
        self.final, self.temporary, self.loops = final, temporary, 0

    def within(self, block: list[ast.stmt]) -> list[ast.stmt]:
        found = map(self.visit, block)
        return [s for made in found for s in (made if isinstance(made, list) else [made])]

    def before(self, node: ast.stmt) -> list[ast.stmt]:
        final = copy.deepcopy(self.final)
        return final if isinstance(final[-1], JUMPS) else [*final, node]

    def visit_Return(self, node: ast.Return) -> list[ast.stmt]:
        if node.value is None:
            return self.before(node)
        label = self.temporary()
        named = ast.NamedExpr(target=ast.Name(id=label, ctx=ast.Store()), value=node.value)
        value, back = ast.Expr(value=named), ast.Return(value=ast.Name(id=label, ctx=ast.Load()))
        for made in (named.target, named, value, back.value, back):
            ast.copy_location(made, node.value)
        return [value, *self.before(back)]

    def visit_Break(self, node: ast.Break | ast.Continue) -> list[ast.stmt]:
        return [node] if self.loops else self.before(node)

    visit_Continue = visit_Break

    def visit_For(self, node: ast.For | ast.While) -> ast.stmt:
        self.loops += 1
        node.body = self.within(node.body)
        self.loops -= 1
        node.orelse = self.within(node.orelse)
        return node

    visit_While = visit_For

    def visit_FunctionDef(self, node: ast.FunctionDef) -> ast.FunctionDef:
        return node
