"""A program and its tangents put together: one function, which returns the value and its derivative in the direction given.

    def f_jvp(x_dot, y_dot, x, y):
        z_dot = y * x_dot + x * y_dot
        z = x * y
        return z, z_dot
"""
from __future__ import annotations

import ast
import dataclasses

from srcad.adjoints import adjoint_kind
from srcad.assembly import Assembly
from srcad.emit import function_text
from srcad.forwards import Forwards
from srcad.ir import Assign, Block, Return, walk, listed
from srcad.inference import class_of
from srcad.kinds import Number, Record, Ref, leaves
from srcad.kinds import Sequence as Items
from srcad.pairs import Pair
from srcad.request import Request
from srcad.residuals import Rewrite
from srcad.uses import bound
from srcad.source import Source
from srcad.syntax import call, const, expression, method, name, names
from srcad.terms import Term
from srcad.walk import ENTRY, LAST, Walk


class PushforwardAssembly(Assembly):
    """Puts a program and its tangents together. Raises NoTangent where a tangent cannot be written down."""

    walker = Forwards

    def __init__(self, state: Walk, request: Request, source: Source, wrt: list[tuple[str, Ref]]) -> None:
        self.given = {p: state.namer.adjoint(f"{p}_dot") for p, _ in wrt}
        self.leading = tuple(self.given.values())
        super().__init__(state, request, source, wrt)
        assert isinstance(self.reverse, Forwards)
        self.forwards = self.reverse

    def texts(self) -> tuple[list[str], list[str]]:
        self.split_result()
        entry = self.begun()
        block = (*entry, *self.forwards.program())
        value, tangent = self.value_returned(), self.tangent(self.main)
        end = Return(ast.Tuple(elts=[value, tangent], ctx=ast.Load()), LAST)
        block, (*_, end) = self.simplified(block, (end,), None)  # type: ignore[assignment]
        last = listed(without_copies(end.value, block))
        title = self.title()
        parameters = ", ".join(p for p in (*self.leading, self.parameters_text()) if p)
        body, self.places[title] = function_text(title, parameters, self.headed(block, names(end.value)), (), [f"return {last}"])
        return [body], [title]

    def title(self) -> str:
        for pair in self.state.pairings.done:
            self.state.namer.reserve(pair.ahead)
        return self.state.namer.adjoint(f"{self.request.title}_jvp")

    def paired(self, bodies: list[str]) -> list[str]:
        """The functions that are compiled by themselves, as far as they are called."""
        texts: dict[int, list[str]] = {}
        waiting = [pair for pair in self.state.pairings.done if pair.ahead]
        while waiting:
            pair = waiting.pop()
            assembly = PairPushforward(pair)
            texts[id(pair)] = assembly.texts()[0]
            self.places |= assembly.places
            self.facts.imported |= pair.state.facts.imported
            waiting = [p for p in self.state.pairings.done if p.ahead and id(p) not in texts]
        ahead = [text for pair in self.state.pairings.done for text in texts.get(id(pair), ())]
        return [*super().paired([*ahead, *bodies]), *ahead]  # what has no tangent is called as it is

    def parameter_names(self) -> tuple[str, ...]:
        return (*super().parameter_names(), *self.leading)

    def begun(self) -> Block:
        """The tangents of the parameters; of what is written to they are copies, since they change with it."""
        entry = []
        for parameter, ref in self.wrt:
            for leaf in leaves(ref):
                if leaf.key in self.state.active:
                    self.forwards.dots[leaf.key] = term = self.leaf_tangent(leaf, parameter, self.given[parameter])
                    if self.forwards.is_shadowed(leaf):
                        held = self.forwards.dot_name(leaf.key)
                        entry.append(Assign(held, method(term.expr, "copy"), ENTRY))
                        self.forwards.names[leaf.key] = held
        others = [ref for ref in self.state.guards.refs.values() if isinstance(ref.value, Number) and ref.key in self.state.active and ref.key not in self.forwards.dots]
        self.forwards.loc = ENTRY
        for ref in others:  # written to with what is differentiated
            self.forwards.bind(ref, self.forwards.blank_of(ref))
        entry += self.forwards.out
        self.forwards.out = []
        return tuple(entry)

    def leaf_tangent(self, leaf: Ref, parameter: str, label: str) -> Term:
        kind = adjoint_kind(leaf.number)
        return Term(expression(label + leaf.key.removeprefix(parameter)), Number(kind.form, kind.dtype, kind.shape, fresh=False), self.facts)

    def tangent(self, ref: Ref) -> ast.expr:
        """The tangent of the result, in its structure."""
        match ref.value:
            case Items(type=kind, items=items):
                elements = [self.tangent(i) for i in items]
                if kind is list:
                    return ast.List(elts=elements, ctx=ast.Load())
                display = ast.Tuple(elts=elements, ctx=ast.Load())
                return display if kind is tuple else call(class_of(ref.expr), elements)
            case Record(type=kind, items=mapping):
                parts = {k: self.tangent(i) for k, i in mapping.items()}
                return ast.Dict(keys=[const(k) for k in parts], values=[*parts.values()]) if kind is dict else call(class_of(ref.expr), [], **parts)
            case Number():
                return self.number_tangent(ref)
        return const(None)

    def number_tangent(self, ref: Ref) -> ast.expr:
        found = self.forwards.dot(ref)
        found = self.forwards.blank_of(ref) if found is None else found
        expr = self.converted(found.expr, found.number, ref.number)
        given = isinstance(expr, (ast.Name, ast.Subscript, ast.Attribute)) and not found.number.is_plain
        return method(expr, "copy") if given else expr

    def memory_groups(self) -> dict[str, set[str]]:
        """Tangents share memory as their values do."""
        groups = super().memory_groups()
        dots = {**self.forwards.passing, **self.forwards.allotted, **self.forwards.names}
        return groups | {dots[n]: {dots[m] for m in together if m in dots} for n, together in groups.items() if n in dots}


class PairPushforward(PushforwardAssembly):
    """A function that is compiled by itself, with its tangents."""

    def __init__(self, pair: Pair) -> None:
        assert pair.state is not None
        self.own = pair
        request = dataclasses.replace(pair.request, mode="jvp")
        super().__init__(pair.state, request, pair.callee.source, [(p, pair.state.parameters[p]) for p in pair.wrt])

    def title(self) -> str:
        return self.own.ahead

    def parameters_text(self) -> str:
        return ", ".join(self.state.parameters)


def without_copies(value: ast.expr, block: Block) -> ast.expr:
    """What is returned, without the copies of arrays that nothing else can lead to: those that are only ever made by arithmetic."""
    made: dict[str, list[ast.expr]] = {}
    for statement in walk(block):
        for target in bound(statement):
            made.setdefault(target, []).append(statement.expr if isinstance(statement, Assign) else name("?"))

    def is_own(node: ast.expr) -> bool:
        found = made.get(node.id, [name("?")]) if isinstance(node, ast.Name) else [node]
        return all(isinstance(e, (ast.BinOp, ast.UnaryOp)) for e in found)

    class Copies(Rewrite):
        def visit_Call(self, node: ast.Call) -> ast.AST:
            if isinstance(node.func, ast.Attribute) and node.func.attr == "copy" and not node.args and is_own(node.func.value):
                return node.func.value
            return node

    return Copies().visit(value)  # type: ignore[no-any-return]
