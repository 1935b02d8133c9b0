"""A generated module line by line: which statement stands there, in which loops, and which of the user's lines it says.

    7      dx += y * dz    ->    Row(the statement, loops=(), place=lines 4 to 4, backward)
"""
from __future__ import annotations

import ast
from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from srcad.ir import Place
from srcad.request import Compiled

Loop = ast.For | ast.While
Key = tuple[str, int, int]  # a loop of the user's: file, line, column


@dataclass(frozen=True, eq=False)
class Row:
    """A statement of the generated text; of a loop or a branch its head."""

    statement: ast.stmt
    loops: tuple[Loop, ...]
    place: Place

    @property
    def line(self) -> int:
        return self.statement.lineno

    @property
    def last(self) -> int:
        """The last line of the statement, or of its head."""
        body: list[ast.stmt] = getattr(self.statement, "body", [])
        end = body[0].lineno - 1 if body else self.statement.end_lineno or self.line
        return max(end, self.line)


class Listing:
    """The statements of a generated module, by line."""

    def __init__(self, compiled: Compiled) -> None:
        self.lines = compiled.source.rstrip("\n").split("\n")
        module = ast.parse(compiled.source)
        self.functions = {f.name: f for f in module.body if isinstance(f, ast.FunctionDef)}
        self.places = dict(self.placed(compiled.places))
        self.rows: dict[int, Row] = {}
        for function in self.functions.values():
            self.enter(function.body, ())

    def placed(self, places: Mapping[str, list[Place]]) -> Iterator[tuple[int, Place]]:
        """What each line says; nothing of a function whose lines are not those that were written."""
        for title, found in places.items():
            function = self.functions.get(title)
            if function is not None and (function.end_lineno or 0) - function.lineno + 1 == len(found):
                yield from enumerate(found, function.lineno)

    def enter(self, body: list[ast.stmt], loops: tuple[Loop, ...]) -> None:
        for statement in body:
            blocks = [b for field in ("body", "orelse", "finalbody") if (b := getattr(statement, field, None))]
            row = Row(statement, loops, self.places.get(statement.lineno, Place()))
            self.rows |= {line: row for line in range(row.line, row.last + 1)}
            inner = (*loops, statement) if isinstance(statement, Loop) else loops
            for block in blocks:
                self.enter(block, inner)

    def key(self, loop: Loop) -> Key | None:
        """The loop of the user's that a loop says, forwards or backwards."""
        place = self.places.get(loop.lineno, Place())
        return (place.file, place.first, place.column) if place.first else None
