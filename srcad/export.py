"""A generated module as a file of its own: NumPy, what the program imports, and the values it reads from outside."""
from __future__ import annotations

import ast
import re
import sys
import types

from srcad.entrance import parameters_of
from srcad.errors import SrcadError
from srcad.module import from_import
from srcad.request import Compiled
from srcad.syntax import free_names

LONGEST = 100  # characters of a test on one line


def exported(compiled: Compiled) -> str:
    """The text of a module that runs without srcad and without the user's own module.

    Raises SrcadError where it reads something that cannot be written down: an array, an object, a function of the user's.
    """
    text, function = limited(without_errors(compiled.source), compiled), compiled.request.function
    tree = ast.parse(text)
    known = {alias.asname or alias.name.split(".")[0] for n in ast.walk(tree) if isinstance(n, (ast.Import, ast.ImportFrom)) for alias in n.names}
    known |= {n.id for n in ast.walk(tree) if isinstance(n, ast.Name) and isinstance(n.ctx, ast.Store)}
    known |= {a.arg for a in ast.walk(tree) if isinstance(a, ast.arg)} | {n.name for n in tree.body if isinstance(n, ast.FunctionDef)}
    closure = dict(zip(function.__code__.co_freevars, (c.cell_contents for c in function.__closure__ or ())))
    outside = {**function.__globals__, **closure}
    lines, imports = [], []
    for identifier in sorted(free_names(text) - known):
        value = outside.get(identifier)
        if isinstance(value, (int, float, str, bool)) or value is None and identifier in outside:
            lines.append(f"{identifier} = {value!r}")
        elif line := library_import(identifier, value):
            imports.append(line)
        else:
            kind = "function" if isinstance(value, types.FunctionType) else type(value).__name__
            raise SrcadError(f"it reads `{identifier}`, a {kind} that cannot be written into a file. Pass it as an argument.", None, compiled.request.title)
    if not lines and not imports:
        return text
    head = [i for i, line in enumerate(text.split("\n")) if line.startswith(("import ", "from "))]
    rows = text.split("\n")
    at = head[-1] + 1 if head else 0
    return "\n".join([*rows[:at], *imports, *[""] * bool(lines), *lines, *rows[at:]])


def limited(text: str, compiled: Compiled) -> str:
    """The text with a first statement that refuses arguments of other ranks, sizes and values than those that it is for."""
    parameters = set(parameters_of(compiled.entrance.bare))
    relied_on = [f"({c})" if " or " in c else c for c in compiled.entrance.conditions if free_names(c) <= parameters]
    if not relied_on:
        return text
    title = compiled.functions[0].__name__
    body = text.index(":\n", text.index(f"def {title}(")) + 2
    test = " and ".join(relied_on)
    if len(test) > LONGEST:
        test = "\n            and ".join(relied_on)
    return f'{text[:body]}    if not ({test}):\n        raise ValueError("this code is for arguments of other ranks, sizes or values")\n{text[body:]}'


def library_import(identifier: str, value: object) -> str:
    """`from scipy.stats import norm`, for what the user has imported so from NumPy or SciPy; nothing for anything else."""
    module = (getattr(value, "__module__", None) or type(value).__module__).split("._")[0]
    label = getattr(value, "__name__", None) or getattr(value, "name", identifier)
    found = module.split(".")[0] in ("numpy", "scipy", "math") and getattr(sys.modules.get(module), str(label), None) is value
    return from_import(identifier, value) or (f"from {module} import {label}" + (f" as {identifier}" if identifier != label else "") if found else "")


def without_errors(text: str) -> str:
    """The text with Python's own error in place of srcad's."""
    return re.sub(r"\n *from srcad\.errors import SeedError(?=\n)", "", text).replace("raise SeedError(", "raise ValueError(")
