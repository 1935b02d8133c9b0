"""From text to functions that run where the user's function runs.

The text is compiled line by line as it is shown. Its functions read the user's
globals and closure cells themselves, so a value that changes is seen at once;
imports, rule definitions and other helpers are closed over. The text is
registered with linecache: tracebacks, pdb and inspect.getsource show its lines.
"""
from __future__ import annotations

import ast
import itertools
import linecache
import types
import weakref
from collections.abc import Mapping, Sequence
from typing import Any, TypeVar

from srcad.source import empty_arguments, type_params

COUNTER = itertools.count(1)


def load(text: str, title: str, wanted: Sequence[str], function: types.FunctionType | None, helpers: Mapping[str, object], shown: bool = True) -> list[Any]:
    """Run a module's text and return the functions named in `wanted`.

    function: whose globals and closure the text is about; helpers: objects that it reads by other names.
    """
    filename = f"<srcad {title} {next(COUNTER)}>"
    if shown:
        linecache.cache[filename] = (len(text), None, text.splitlines(True), filename)
    names = sorted(helpers)
    free = [v for v in (function.__code__.co_freevars if function else ()) if v not in names]
    code = compile(wrapped(ast.parse(text), wanted, names, free), filename, "exec", dont_inherit=True)
    space: dict[str, Any] = {}
    scope = function.__globals__ if function is not None else {"__builtins__": __builtins__}
    exec(code, scope, space)
    make = space["srcad_closure"](*([None] * len(free)))
    if free and function is not None:
        cells = dict(zip(function.__code__.co_freevars, function.__closure__ or ()))
        make = types.FunctionType(make.__code__, scope, make.__name__, None, tuple(cells[v] for v in make.__code__.co_freevars))
    made = make(**{n: helpers[n] for n in names})
    if shown:
        weakref.finalize(made[0], linecache.cache.pop, filename, None)
    for each in made:
        each.__qualname__ = each.__name__
        each.__module__ = function.__module__ if function is not None else __name__
    return list(made)


def wrapped(module: ast.Module, wanted: Sequence[str], helpers: Sequence[str], free: Sequence[str]) -> ast.Module:
    """The module inside two functions: the outer one binds closure cells, the inner one helpers and imports."""
    end = placed(ast.Return(value=ast.Tuple(elts=[ast.Name(id=w, ctx=ast.Load()) for w in wanted], ctx=ast.Load())))
    for node in module.body:
        if isinstance(node, ast.FunctionDef) and node.name in wanted:  # their defaults are the user's own objects
            node.args.defaults = [ast.copy_location(ast.Constant(value=None), d) for d in node.args.defaults]
            node.args.kw_defaults = [d and ast.copy_location(ast.Constant(value=None), d) for d in node.args.kw_defaults]
    inner = definition("srcad_module", helpers, [*module.body, end])
    closure = definition("srcad_closure", free, [inner, placed(ast.Return(value=ast.Name(id="srcad_module", ctx=ast.Load())))])
    return ast.Module(body=[closure], type_ignores=[])


def definition(title: str, parameters: Sequence[str], body: Sequence[ast.stmt]) -> ast.FunctionDef:
    arguments = empty_arguments()
    arguments.args = [ast.arg(arg=p) for p in parameters]
    head = placed(ast.FunctionDef(name=title, args=arguments, body=[], decorator_list=[], returns=None, **type_params()))  # type: ignore[arg-type]
    head.body = list(body)
    return head


N = TypeVar("N", bound=ast.AST)


def placed(node: N) -> N:
    """A node of our own, on the first line: only the text has lines that matter."""
    return ast.fix_missing_locations(node)
