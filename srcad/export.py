"""A generated module as a file of its own: NumPy, what the program imports, and the values it reads from outside."""
from __future__ import annotations

import ast
import types

from srcad.errors import SrcadError
from srcad.request import Compiled
from srcad.syntax import free_names


def exported(compiled: Compiled) -> str:
    """The text of a module that runs without srcad and without the user's own module.

    Raises SrcadError where it reads something that cannot be written down: an array, an object, a function of the user's.
    """
    text, function = compiled.source, compiled.request.function
    tree = ast.parse(text)
    known = {alias.asname or alias.name.split(".")[0] for n in ast.walk(tree) if isinstance(n, (ast.Import, ast.ImportFrom)) for alias in n.names}
    known |= {n.id for n in ast.walk(tree) if isinstance(n, ast.Name) and isinstance(n.ctx, ast.Store)}
    known |= {a.arg for a in ast.walk(tree) if isinstance(a, ast.arg)} | {n.name for n in tree.body if isinstance(n, ast.FunctionDef)}
    closure = dict(zip(function.__code__.co_freevars, (c.cell_contents for c in function.__closure__ or ())))
    outside = {**function.__globals__, **closure}
    lines = []
    for identifier in sorted(free_names(text) - known):
        value = outside.get(identifier)
        if isinstance(value, (int, float, str, bool)) or value is None and identifier in outside:
            lines.append(f"{identifier} = {value!r}")
        else:
            kind = "function" if isinstance(value, types.FunctionType) else type(value).__name__
            raise SrcadError(f"it reads `{identifier}`, a {kind} that cannot be written into a file. Pass it as an argument.", None, compiled.request.title)
    if not lines:
        return text
    head = [i for i, line in enumerate(text.split("\n")) if line.startswith(("import ", "from "))]
    rows = text.split("\n")
    at = head[-1] + 1 if head else 0
    return "\n".join([*rows[:at], "", *lines, *rows[at:]])
