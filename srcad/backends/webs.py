"""A name of its own for each value that a name has in turn.

    dx = a; use(dx)             dx = a; use(dx)
    dx = b; use(dx)      ->     dx_1 = b; use(dx_1)

Assignments whose values meet at some use keep one name. So most names have one definition, and what a name means does
not depend on where it stands.
"""
from __future__ import annotations

import ast
from collections.abc import Iterable

Env = dict[str, frozenset[int]]


class Webs:
    """Finds which assignments reach a common use."""

    def __init__(self, parameters: Iterable[str]) -> None:
        self.names: list[str] = []
        self.parent: list[int] = []
        self.nodes: list[tuple[ast.Name, frozenset[int]]] = []
        self.known: dict[int, int] = {}
        self.env: Env = {p: frozenset([self.new(p)]) for p in parameters}

    def new(self, identifier: str) -> int:
        self.names.append(identifier)
        self.parent.append(len(self.parent))
        return len(self.parent) - 1

    def find(self, web: int) -> int:
        while self.parent[web] != web:
            web = self.parent[web]
        return web

    def use(self, node: ast.Name) -> None:
        webs = self.env.get(node.id)
        if webs:
            first = min(self.find(w) for w in webs)
            for web in webs:
                self.parent[self.find(web)] = first
                first = min(first, self.find(web))
            self.nodes.append((node, webs))

    def define(self, node: ast.Name) -> None:
        web = self.web_of(node)
        self.env[node.id] = frozenset([web])
        self.nodes.append((node, frozenset([web])))

    def web_of(self, node: ast.Name) -> int:
        if id(node) not in self.known:
            self.known[id(node)] = self.new(node.id)
        return self.known[id(node)]

    def expression(self, node: ast.AST) -> None:
        for each in ast.walk(node):
            if isinstance(each, ast.Name) and isinstance(each.ctx, ast.Load):
                self.use(each)

    def target(self, node: ast.expr) -> None:
        match node:
            case ast.Name():
                self.define(node)
            case ast.Tuple(elts=elts) | ast.List(elts=elts):
                for each in elts:
                    self.target(each)
            case ast.Starred(value=value):
                self.target(value)
            case _:
                self.expression(node)

    def block(self, statements: list[ast.stmt]) -> None:
        for statement in statements:
            self.statement(statement)

    def statement(self, statement: ast.stmt) -> None:
        match statement:
            case ast.Assign(targets=targets, value=value):
                self.expression(value)
                for target in targets:
                    self.target(target)
            case ast.AnnAssign(target=target, value=value):
                if value is not None:
                    self.expression(value)
                    self.target(target)
            case ast.AugAssign(target=ast.Name() as target, value=value):
                self.expression(value)
                before = self.env.get(target.id, frozenset())
                self.env[target.id] = before | {self.web_of(target)}
                self.use(target)
            case ast.AugAssign(target=target, value=value):
                self.expression(target)
                self.expression(value)
            case ast.If(test=test, body=body, orelse=orelse):
                self.expression(test)
                before = dict(self.env)
                self.block(body)
                after, self.env = self.env, before
                self.block(orelse)
                self.env = joined(after, self.env)
            case ast.For(target=target, iter=iterable, body=body, orelse=orelse):
                self.expression(iterable)
                self.loop(body, target)
                self.block(orelse)
            case ast.While(test=test, body=body, orelse=orelse):
                self.loop(body, test=test)
                self.block(orelse)
            case ast.With(items=items, body=body):
                for item in items:
                    self.expression(item.context_expr)
                self.block(body)
            case _:
                self.expression(statement)

    def loop(self, body: list[ast.stmt], target: ast.expr | None = None, test: ast.expr | None = None) -> None:
        """What is assigned inside reaches the head too, and what follows."""
        roots: list[ast.AST] = [*body, *([target] if target is not None else [])]
        stores = [n for root in roots for n in ast.walk(root) if isinstance(n, ast.Name) and isinstance(n.ctx, ast.Store)]
        head = dict(self.env)
        for node in stores:
            head[node.id] = head.get(node.id, frozenset()) | {self.web_of(node)}
        self.env = dict(head)
        if test is not None:
            self.expression(test)
        if target is not None:
            self.target(target)
        self.block(body)
        self.env = joined(head, self.env)


def joined(a: Env, b: Env) -> Env:
    return {k: a.get(k, frozenset()) | b.get(k, frozenset()) for k in {*a, *b}}


def split(function: ast.FunctionDef, taken: set[str]) -> None:
    """Rename in place."""
    parameters = [a.arg for a in (*function.args.posonlyargs, *function.args.args, *function.args.kwonlyargs)]
    webs = Webs(parameters)
    webs.block(function.body)
    labels: dict[int, str] = {i: p for i, p in enumerate(parameters)}
    used = set(parameters) | taken | set(webs.names)
    seen = set(parameters) | taken
    for node, found in webs.nodes:
        root = webs.find(next(iter(found)))
        if root not in labels:
            labels[root] = node.id
            if node.id in seen:
                labels[root] = next(f"{node.id}_{k}" for k in range(1, 10**6) if f"{node.id}_{k}" not in used)
            seen.add(node.id)
            used.add(labels[root])
        node.id = labels[root]
