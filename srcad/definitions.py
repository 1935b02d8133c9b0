"""The text of rules and helpers that a generated module calls, with what they call in turn."""
from __future__ import annotations

import ast
import types
from collections.abc import Mapping

from srcad.source import read


def definitions(helpers: Mapping[str, object]) -> tuple[str, dict[str, str]]:
    """The definitions of functions, under the names that they are called by, and the imports that they need."""
    written: dict[str, str] = {}
    imports: dict[str, str] = {}
    for label, value in helpers.items():
        if isinstance(value, types.FunctionType):
            define(label, value, written, imports)
    return "\n\n".join(written.values()), imports


def define(label: str, function: types.FunctionType, written: dict[str, str], imports: dict[str, str]) -> None:
    if label in written:
        return
    tree = read(function).tree
    assert isinstance(tree, ast.FunctionDef)
    plain = ast.parse(ast.unparse(tree)).body[0]
    assert isinstance(plain, ast.FunctionDef)
    plain.name, plain.decorator_list, plain.returns = label, [], None
    for parameter in [*plain.args.args, *plain.args.kwonlyargs, *plain.args.posonlyargs, *filter(None, (plain.args.vararg, plain.args.kwarg))]:
        parameter.annotation = None
    written[label] = ""
    before: dict[str, str] = {}
    for used in sorted(n.id for n in ast.walk(plain) if isinstance(n, ast.Name)):
        value = function.__globals__.get(used)
        if isinstance(value, types.ModuleType):
            imports[used] = f"import {value.__name__}" + (f" as {used}" if used != value.__name__ else "")
        elif isinstance(value, types.FunctionType) and used != label:
            define(used, value, written, imports)
        elif isinstance(value, (int, float, str)) and used in function.__globals__:
            before[used] = f"{used} = {value!r}\n"
    del written[label]
    written[label] = "".join(before.values()) + ast.unparse(plain) + "\n"
