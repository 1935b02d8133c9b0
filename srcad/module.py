"""The text of a generated module: imports, helper definitions, functions; and its guard."""
from __future__ import annotations

import builtins
import importlib
import re
import sys
import types
from collections.abc import Collection
from typing import Any

from srcad.outside import is_instance
from srcad.definitions import Definitions
from srcad.entrance import Entrance
from srcad.errors import SrcadError
from srcad.kinds import Record, Ref, leaves
from srcad.kinds import Sequence as Items
from srcad.load import load
from srcad.request import Compiled, Request
from srcad.source import Source
from srcad.syntax import free_names
from srcad.walk import Walk


BUILTINS = frozenset(dir(builtins))
CALLED = re.compile(r"(?<![\w.])([^\W\d]\w*)\(")
COMMENT = re.compile(r"#.*")


class Module:
    """Assembles and loads the text."""

    def __init__(self, state: Walk, request: Request, source: Source, leading: tuple[str, ...] = ()) -> None:
        self.state, self.request, self.source = state, request, source
        self.leading = leading  # the parameters that come before the user's

    def compiled(self, bodies: list[str], wanted: list[str]) -> Compiled:
        body = "\n\n".join(bodies)
        self.require_builtins(body)
        free = free_names(body)
        called = {k: v for k, v in self.state.helpers.items() if isinstance(v, types.FunctionType) and k in free and k not in self.state.imports}
        definitions = Definitions(self.state.namer)
        defined = definitions.add(called)
        imports = definitions.imports
        header = self.imports(free | free_names(defined) if defined else free) | imports
        parts = ["\n".join(sorted(set(header.values()), key=lambda line: (line.startswith("from"), line))) + "\n"] if header else []
        text = "\n\n".join([*parts, *([defined] if defined else []), body])
        helpers = {k: v for k, v in {**self.state.helpers, **self.state.guards.objects}.items() if k not in called}
        used = {k: v for k, v in helpers.items() if k in free and k not in self.state.imports}
        if self.request.backend == "numba":
            return self.compiled_loops(bodies, wanted, helpers)
        made = load(text, self.request.title, wanted, self.request.function, used)
        return Compiled(text, made, self.entrance(made[0], helpers), self.state.result, self.request, dict(self.state.guards.objects), self.floats())

    def compiled_loops(self, bodies: list[str], wanted: list[str], helpers: dict[str, object]) -> Compiled:
        """The same functions as loops that Numba compiles."""
        from srcad.backends.numba import lowered

        function = self.request.function
        cells = dict(zip(function.__code__.co_freevars, (c.cell_contents for c in function.__closure__ or ())))
        modules = {alias: importlib.import_module(full) for full, alias in self.state.facts.imported.items()}
        space = {**function.__globals__, **cells, **modules, **self.state.helpers}
        text, made = lowered(self.state, self.request, bodies, wanted, space, helpers)
        return Compiled(text, made, self.entrance(made[0], helpers), self.state.result, self.request, dict(self.state.guards.objects))

    def require_builtins(self, body: str) -> None:
        """Refuse a program that has another use for a name of Python's by which the generated code calls something."""
        state, space = self.state, self.request.function.__globals__
        others = {n for n in BUILTINS & space.keys() if space[n] is not getattr(builtins, n) and n not in state.global_names}
        hidden = BUILTINS & state.scope | others
        called = set(CALLED.findall(COMMENT.sub("", body))) & hidden if hidden else set()
        for label in sorted(called):
            raise SrcadError(f"the name `{label}` means something else here, and the generated code needs Python's. Rename it.", None, self.request.title)

    def imports(self, free: frozenset[str]) -> dict[str, str]:
        """Import lines for the library names that the text reads."""
        lines = {k: line for k, line in self.state.imports.items() if k in free}
        added = {alias: module for module, alias in self.state.facts.imported.items()}
        space = self.request.function.__globals__
        for identifier in sorted(free - lines.keys()):
            value = space.get(identifier)
            if identifier in added:
                lines[identifier] = import_line(identifier, added[identifier])
            elif isinstance(value, types.ModuleType) and sys.modules.get(value.__name__) is value and identifier not in self.request.function.__code__.co_freevars:
                lines[identifier] = import_line(identifier, value.__name__)
            elif value is not None and not isinstance(value, types.FunctionType):
                line = from_import(identifier, value)
                if line:
                    lines[identifier] = line
        return lines

    def entrance(self, made: Any, helpers: dict[str, object]) -> Entrance:
        """The way into a generated function."""
        state, function = self.state, self.request.function
        integers = self.floats()
        floats = {p: converted(ref, integers) for p, ref in state.parameters.items()} if integers else {}
        return Entrance(made, function, self.request.title, self.source.tree.args, self.leading, floats, state.facts.conditions, helpers, state.namer.adjoint("gradient"))

    def floats(self) -> frozenset[str]:
        """The integers that are differentiated, which are passed as floats."""
        return frozenset(k for k, leaf in self.state.integers.items() if leaf.number.form == "python" and k in self.state.active)


def converted(ref: Ref, integers: Collection[str]) -> str:
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


def import_line(identifier: str, module: str) -> str:
    if identifier == module:
        return f"import {module}"
    parent, _, last = module.rpartition(".")
    return f"from {parent} import {last}" if last == identifier and parent else f"import {module} as {identifier}"


def from_import(identifier: str, value: object) -> str:
    """`from module import name`, for a function of a library."""
    if is_instance(value):
        return ""
    module = getattr(value, "__module__", None)
    label = getattr(value, "__name__", None)
    candidates = [module] if module else []
    candidates += [m for m in ("numpy", "scipy.special", "numpy.linalg", "numpy.random") if m in sys.modules]
    for candidate in candidates:
        owner = sys.modules.get(str(candidate))
        public = not str(candidate).split(".")[-1].startswith("_") and candidate not in ("builtins", "__main__")
        if public and owner is not None and label and vars(owner).get(label) is value and str(candidate).split(".")[0] in ("numpy", "scipy", "math"):
            return f"from {candidate} import {label}" + (f" as {identifier}" if identifier != label else "")
    return ""
