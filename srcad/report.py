"""What a gradient keeps between its two halves: which variable, how many bytes, and on which line it is made.

    >>> import numpy as np, srcad
    >>> print(srcad.grad(lambda x: np.sum(np.exp(np.sin(x)))).memory(np.ones((100, 10))))
    variable                    bytes  line  what
    exp_sin_x                    8000     1  100 x 10 float64
    in all                       8000
"""
from __future__ import annotations

import ast
import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from srcad.ir import Block, Effect, walk
from srcad.syntax import names
from srcad.uses import bound


@dataclass(frozen=True)
class Kept:
    """One variable that is kept: its name in the generated code, its size in bytes, the user's line that makes it (0: none), and what it is."""

    name: str
    bytes: int
    line: int
    what: str


class Memory(tuple[Kept, ...]):
    """What is kept, the largest first; as text it is a table."""

    @property
    def bytes(self) -> int:
        """All of it."""
        return sum(k.bytes for k in self)

    def __repr__(self) -> str:
        return str(self)

    def __str__(self) -> str:
        rows = [f"{k.name:<20} {k.bytes:>12}  {k.line or '':>4}  {k.what}" for k in self]
        return "\n".join([f"{'variable':<20} {'bytes':>12}  {'line':>4}  what", *rows, f"{'in all':<20} {self.bytes:>12}"])


def measured(labels: Sequence[str], values: Sequence[Any], lines: Mapping[str, int]) -> Memory:
    """The report on values that are kept under these names."""
    rows = [Kept(n, size(v), lines.get(n, 0), described(v)) for n, v in zip(labels, values)]
    return Memory(sorted(rows, key=lambda k: -k.bytes))


def size(value: Any) -> int:
    """Bytes: of arrays their elements, of lists what they hold as well."""
    if isinstance(value, np.ndarray):
        return value.nbytes
    if isinstance(value, (list, tuple)):
        return sys.getsizeof(value) + sum(size(v) for v in value)
    return sys.getsizeof(value)


def described(value: Any) -> str:
    if isinstance(value, np.ndarray):
        return " x ".join(map(str, value.shape)) + f" {value.dtype}" if value.ndim else f"0-d {value.dtype}"
    if isinstance(value, (list, tuple)):
        return f"{type(value).__name__} of {len(value)}" + (f", each {described(value[0])}" if value else "")
    return type(value).__name__


def lines_of(block: Block) -> dict[str, int]:
    """The user's line that gives each name of the forward half its value; of a list that is kept, the line of what it holds."""
    found: dict[str, int] = {}
    lists: list[tuple[str, list[str]]] = []
    for statement in walk(block):
        match statement:
            case Effect(ast.Call(func=ast.Attribute(value=ast.Name(id=label), attr="append"), args=[held])):
                lists.append((label, list(names(held))))
        for target in bound(statement):
            if statement.loc.line > 0:
                found[target] = statement.loc.line
    for label, held in lists:
        found.setdefault(label, next((found[n] for n in held if n in found), 0))
    return found
