"""The text of rules and helpers that a generated module calls, with what they call in turn."""
from __future__ import annotations

import ast
import types
from collections.abc import Mapping

from srcad.source import read
from srcad.syntax import Namer


class Definitions:
    """Collects definitions under names that nothing in the program has, and the imports that they need."""

    def __init__(self, namer: Namer) -> None:
        self.namer = namer
        self.labels: dict[types.FunctionType, str] = {}
        self.written: list[str] = []
        self.imports: dict[str, str] = {}

    def add(self, helpers: Mapping[str, types.FunctionType]) -> str:
        self.labels.update({function: label for label, function in helpers.items()})
        for function in helpers.values():
            self.define(function)
        return "\n\n".join(self.written)

    def define(self, function: types.FunctionType) -> None:
        """Write a function after those that it calls, less its decorators and annotations."""
        tree = read(function).tree
        assert isinstance(tree, ast.FunctionDef)
        plain = ast.parse(ast.unparse(tree)).body[0]
        assert isinstance(plain, ast.FunctionDef)
        plain.name, plain.decorator_list, plain.returns = self.labels[function], [], None
        for node in ast.walk(plain):
            if isinstance(node, ast.arg):
                node.annotation = None
        before = [text for used in sorted({n.id for n in ast.walk(plain) if isinstance(n, ast.Name)}) if (text := self.needed(used, function, plain))]
        self.written.append("".join(before) + ast.unparse(plain) + "\n")

    def needed(self, used: str, function: types.FunctionType, tree: ast.AST) -> str:
        """Make one global of a function available; the text of a constant is returned."""
        value = function.__globals__.get(used)
        if isinstance(value, types.ModuleType):
            self.imports[used] = f"import {value.__name__}" + (f" as {used}" if used != value.__name__ else "")
        elif isinstance(value, types.FunctionType):
            if value not in self.labels:
                self.labels[value] = self.namer.adjoint(used)
                self.define(value)
            rename(tree, used, self.labels[value])
        elif isinstance(value, (int, float, str)):
            label = self.namer.adjoint(used)
            rename(tree, used, label)
            return f"{label} = {value!r}\n"
        return ""


def rename(tree: ast.AST, old: str, new: str) -> None:
    for node in ast.walk(tree):
        if isinstance(node, ast.Name) and node.id == old:
            node.id = new
