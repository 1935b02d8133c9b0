"""Comprehensions and generator expressions as loops that append.

    [v * v for v in x if v > 0]    ->    values = []
                                         for v2 in x:
                                             if v2 > 0: values.append(v2 * v2)
"""
from __future__ import annotations

import ast

from srcad.ir import Block, Continue, Effect, For, If, Store
from srcad.lowering import Lowering
from srcad.syntax import BLANK, name, reads_blank, substitute


class Comprehensions(Lowering):
    """Lowers comprehensions."""

    def comprehension(self, node: ast.ListComp | ast.GeneratorExp | ast.DictComp, start: ast.expr) -> ast.expr:
        """`[e for v in x if c]` is a loop that appends; its variables have names of their own."""
        target = self.namer.temporary("values")
        self.emit(target, start, node)
        self.generators(list(node.generators), node, target, {})
        return name(target)

    def generators(self, generators: list[ast.comprehension], node: ast.ListComp | ast.GeneratorExp | ast.DictComp, target: str, renames: dict[str, ast.expr]) -> None:
        if not generators:
            self.collected(node, target, renames)
            return
        first = generators[0]
        iterable = self.atom(ast.copy_location(substitute(first.iter, renames), first.iter))
        inner = renames | self.own_names(first)
        outer, self.out = self.out, []
        bound = substitute(first.target, inner)
        held = bound.id if isinstance(bound, ast.Name) else self.namer.temporary("item")
        if not isinstance(bound, ast.Name):
            self.assign(bound, name(held), node)  # type: ignore[arg-type]
        before = self.out
        self.out = []
        self.generators(generators[1:], node, target, inner)
        block: Block = tuple(self.out)
        for condition in reversed(first.ifs):
            self.out = []
            test = self.atom(ast.copy_location(substitute(condition, inner), condition))
            block = (*self.out, If(test, block, (), self.loc(condition)))
        body = (*before, *block)
        self.out = outer
        self.out.append(For(held, iterable, body, (), self.loc(node)))

    def own_names(self, clause: ast.comprehension) -> dict[str, ast.expr]:
        """New names for what a clause binds; `_` stays, where the function does not read it."""
        bound = [n.id for n in ast.walk(clause.target) if isinstance(n, ast.Name)]
        stays = BLANK in bound and not reads_blank(self.source.tree)
        return {n: name(n if n == BLANK and stays else self.namer.temporary(n if n != BLANK else "item")) for n in bound}

    def collected(self, node: ast.ListComp | ast.GeneratorExp | ast.DictComp, target: str, renames: dict[str, ast.expr]) -> None:
        if isinstance(node, ast.DictComp):
            key, value = self.atom(substitute(node.key, renames)), self.atom(substitute(node.value, renames))
            place = ast.Subscript(value=name(target), slice=key, ctx=ast.Store())
            self.out.append(Store(ast.copy_location(place, node.key), value, self.loc(node.value)))
            return
        element = self.atom(ast.copy_location(substitute(node.elt, renames), node.elt))
        append = ast.Call(func=ast.Attribute(value=name(target), attr="append", ctx=ast.Load()), args=[element], keywords=[])
        self.out.append(Effect(ast.copy_location(append, node.elt), self.loc(node.elt)))

    def drawn(self, node: ast.GeneratorExp, target: ast.expr) -> str:
        """`for target in (e for v in x if c)`, without its first line: each item is made when its turn comes."""
        first = node.generators[0]
        renames = self.own_names(first)
        bound = substitute(first.target, renames)
        held = bound.id if isinstance(bound, ast.Name) else self.namer.temporary("item")
        if not isinstance(bound, ast.Name):
            self.assign(bound, name(held), node)  # type: ignore[arg-type]
        for condition in first.ifs:
            test = self.atom(ast.copy_location(substitute(condition, renames), condition))
            self.out.append(If(test, (), (Continue(self.loc(condition)),), self.loc(condition)))
        self.assign(target, self.atom(ast.copy_location(substitute(node.elt, renames), node.elt)), node)  # type: ignore[arg-type]
        return held

    def read_ListComp(self, node: ast.ListComp) -> ast.expr:
        return self.comprehension(node, ast.List(elts=[], ctx=ast.Load()))

    def read_GeneratorExp(self, node: ast.GeneratorExp) -> ast.expr:
        self.refuse(node, "a generator that is kept is run later than it is written, and once. Make a list of it: [...].")
        raise AssertionError

    def consumed(self, node: ast.expr) -> ast.expr:
        """A generator expression that is run at once is a list."""
        return ast.copy_location(ast.ListComp(elt=node.elt, generators=node.generators), node) if isinstance(node, ast.GeneratorExp) else node

    def read_DictComp(self, node: ast.DictComp) -> ast.expr:
        return self.comprehension(node, ast.Dict(keys=[], values=[]))
