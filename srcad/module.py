"""The text of a generated module: imports, helper definitions, functions; and its guard."""
from __future__ import annotations

import ast
import functools
import importlib
import re
import sys
import types
from collections.abc import Callable
from typing import Any

from srcad.definitions import Definitions
from srcad.guarding import guard_lines
from srcad.ir import arguments_text
from srcad.kinds import Record, Ref, leaves
from srcad.kinds import Sequence as Items
from srcad.load import load
from srcad.request import LOOKING, Compiled, Request
from srcad.source import Source, without_defaults
from srcad.syntax import free_names
from srcad.walk import Walk


class Module:
    """Assembles and loads the text."""

    def __init__(self, state: Walk, request: Request, source: Source, leading: tuple[str, ...] = ()) -> None:
        self.state, self.request, self.source = state, request, source
        self.leading = leading  # the parameters that come before the user's

    def compiled(self, bodies: list[str], wanted: list[str]) -> Compiled:
        body = "\n\n".join(bodies)
        free = free_names(body)
        called = {k: v for k, v in self.state.helpers.items() if isinstance(v, types.FunctionType) and k in free}
        definitions = Definitions(self.state.namer)
        defined = definitions.add(called)
        imports = definitions.imports
        header = self.imports(free | free_names(defined) if defined else free) | imports
        parts = ["\n".join(sorted(set(header.values()), key=lambda line: (line.startswith("from"), line))) + "\n"] if header else []
        text = "\n\n".join([*parts, *([defined] if defined else []), body])
        helpers = {k: v for k, v in {**self.state.helpers, **self.state.guards.objects}.items() if k not in called}
        used = {k: v for k, v in helpers.items() if k in free}
        function = self.request.function
        if self.request.backend == "numba":
            return self.compiled_loops(bodies, wanted, helpers)
        made = load(text, self.request.title, wanted, function, used)
        made[0].__defaults__, made[0].__kwdefaults__ = function.__defaults__, function.__kwdefaults__
        guard, method, run = self.guard(helpers, made[0])
        floats = frozenset(k for k, leaf in self.state.integers.items() if leaf.number.form == "python" and k in self.state.active)
        return Compiled(text, made, guard, method, run, self.state.result, self.request, tuple(self.state.facts.conditions), dict(self.state.guards.objects), floats)

    def compiled_loops(self, bodies: list[str], wanted: list[str], helpers: dict[str, object]) -> Compiled:
        """The same functions as loops that Numba compiles."""
        from srcad.backends.numba import lowered

        function = self.request.function
        cells = dict(zip(function.__code__.co_freevars, (c.cell_contents for c in function.__closure__ or ())))
        modules = {alias: importlib.import_module(full) for full, alias in self.state.facts.imported.items()}
        space = {**function.__globals__, **cells, **modules, **self.state.helpers}
        text, made = lowered(self.state, self.request, bodies, wanted, space, helpers)
        if isinstance(made[0], types.FunctionType):
            made[0].__defaults__, made[0].__kwdefaults__ = function.__defaults__, function.__kwdefaults__
        guard, method, run = self.guard(helpers, made[0])
        return Compiled(text, made, guard, method, run, self.state.result, self.request)

    def imports(self, free: frozenset[str]) -> dict[str, str]:
        """Import lines for the library names that the text reads."""
        lines = {}
        added = {alias: module for module, alias in self.state.facts.imported.items()}
        space = self.request.function.__globals__
        for identifier in sorted(free):
            value = space.get(identifier)
            if identifier in added:
                lines[identifier] = import_line(identifier, added[identifier])
            elif isinstance(value, types.ModuleType) and identifier not in self.request.function.__code__.co_freevars:
                lines[identifier] = import_line(identifier, value.__name__)
            elif value is not None and not isinstance(value, types.FunctionType):
                line = from_import(identifier, value)
                if line:
                    lines[identifier] = line
        return lines

    def guard(self, helpers: dict[str, object], made: Any) -> tuple[Any, Any, Any]:
        """Three functions of the user's parameters: whether the code is for such arguments, a call that asks first, and one that does not.

        The second is the method that a Gradient takes on: it falls back on `dispatch`. Both pass integers as floats.
        """
        function = self.request.function
        bare = without_defaults(self.source.tree.args)
        handed_on = ", ".join(passed(self.source.tree.args))
        floats = ", ".join(passed(self.source.tree.args, self.as_floats))
        owner = self.state.namer.adjoint("gradient")
        mark = "srcad"
        while any(p.startswith(mark) for p in self.state.parameters):
            mark += "_"
        asked = guard_lines((f"{mark}_function.__code__ is {mark}_code", *self.state.facts.conditions), mark)
        text = CALL.format(method=arguments_text(with_first(bare, owner)), asked="\n".join(f"        {line}" for line in asked), mark=mark, owner=owner, passed=handed_on, floats=floats)
        wanted = ["srcad_call"]
        if floats != handed_on or self.leading:
            parameters, run = (", ".join(p for p in (*self.leading, rest) if p) for rest in (arguments_text(bare), floats))
            text += RUN.format(parameters=parameters, mark=mark, passed=run)
            wanted.append("srcad_run")
        known = {**helpers, f"{mark}_function": function, f"{mark}_code": function.__code__, f"{mark}_made": made, f"{mark}_looking": LOOKING}
        words = set(WORD.findall(text))
        loaded = load(text, f"{self.request.title} guard", wanted, function, {k: v for k, v in known.items() if k in words}, shown=False)
        for each in loaded:
            each.__defaults__, each.__kwdefaults__ = function.__defaults__, function.__kwdefaults__
        method, run_as_given = (*loaded, made)[:2]
        method.__name__ = method.__qualname__ = function.__name__
        return question(method, f"{mark}_made"), method, run_as_given

    def as_floats(self, parameter: str) -> str:
        """A parameter with the integers in it converted."""
        ref = self.state.parameters[parameter]
        return converted(ref, {k for k, leaf in self.state.integers.items() if leaf.number.form == "python" and k in self.state.active})


def converted(ref: Ref, integers: set[str]) -> str:
    """The text of a value with some of its leaves made floats."""
    if not any(leaf.key in integers for leaf in leaves(ref)):
        return ref.key
    match ref.value:
        case Items(type=kind, items=items):
            parts = ", ".join(converted(i, integers) for i in items)
            if kind is list:
                return f"[{parts}]"
            return f"({parts},)" if kind is tuple else f"type({ref.key})({parts})"
        case Record(type=kind, items=mapping):
            if kind is dict:
                return "{" + ", ".join(f"{k!r}: {converted(i, integers)}" for k, i in mapping.items()) + "}"
            return f"type({ref.key})({', '.join(f'{k}={converted(i, integers)}' for k, i in mapping.items())})"
    return f"float({ref.key})"


WORD = re.compile(r"\w+")
CALL = """
def srcad_call({method}):
    try:
{asked}
    except {mark}_looking:
        {mark}_fits = False
    return {mark}_made({floats}) if {mark}_fits else {owner}.dispatch({passed})
"""
RUN = """
def srcad_run({parameters}):
    return {mark}_made({passed})
"""


class Nobody:
    """What stands for the gradient where a guard is only asked."""

    @staticmethod
    def dispatch(*args: Any, **keywords: Any) -> bool:
        return False


def question(method: types.FunctionType, made: str) -> Callable[..., bool]:
    """Whether a call would run the generated code, which it knows as `made`: the same function, with an answer in place of that code."""
    code = method.__code__
    closure = [types.CellType(lambda *args, **keywords: True) if n == made else c for n, c in zip(code.co_freevars, method.__closure__ or (), strict=True)]
    asked = types.FunctionType(code, method.__globals__, method.__name__, method.__defaults__, tuple(closure))
    asked.__kwdefaults__ = method.__kwdefaults__
    return functools.partial(asked, Nobody)


def passed(arguments: ast.arguments, spell: Callable[[str], str] = str) -> list[str]:
    """Parameters as the arguments of a call."""
    out = [spell(a.arg) for a in [*arguments.posonlyargs, *arguments.args]]
    out += [f"*{spell(arguments.vararg.arg)}"] if arguments.vararg else []
    out += [f"{a.arg}={spell(a.arg)}" for a in arguments.kwonlyargs]
    return out + ([f"**{spell(arguments.kwarg.arg)}"] if arguments.kwarg else [])


def with_first(arguments: ast.arguments, owner: str) -> ast.arguments:
    """Parameters with one more before them."""
    first = ast.arg(arg=owner)
    positional = [first, *arguments.posonlyargs] if arguments.posonlyargs else []
    return ast.arguments(
        posonlyargs=positional, args=arguments.args if positional else [first, *arguments.args], vararg=arguments.vararg,
        kwonlyargs=arguments.kwonlyargs, kw_defaults=arguments.kw_defaults, kwarg=arguments.kwarg, defaults=arguments.defaults)


def import_line(identifier: str, module: str) -> str:
    if identifier == module:
        return f"import {module}"
    parent, _, last = module.rpartition(".")
    return f"from {parent} import {last}" if last == identifier and parent else f"import {module} as {identifier}"


def from_import(identifier: str, value: object) -> str:
    """`from module import name`, for a function of a library."""
    module = getattr(value, "__module__", None)
    label = getattr(value, "__name__", None)
    candidates = [module] if module else []
    candidates += [m for m in ("numpy", "scipy.special", "numpy.linalg", "numpy.random") if m in sys.modules]
    for candidate in candidates:
        owner = sys.modules.get(str(candidate))
        public = not str(candidate).split(".")[-1].startswith("_") and candidate not in ("builtins", "__main__")
        if public and owner is not None and label and getattr(owner, label, None) is value and str(candidate).split(".")[0] in ("numpy", "scipy", "math"):
            return f"from {candidate} import {label}" + (f" as {identifier}" if identifier != label else "")
    return ""
