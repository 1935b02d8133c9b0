"""The user's side: the functions as they are written, and what each of their lines held, in each pass of a loop.

    4      q = x + y    ->    Held(line 4, passes=(), "q", value 3, gradient -4)
"""
from __future__ import annotations

import ast
import linecache
from collections.abc import Iterable, Iterator
from dataclasses import dataclass

from srcad.explore.listing import Key
from srcad.explore.numbers import shown
from srcad.explore.replay import Passes, is_kept
from srcad.graph.model import Binding, Group, Run
from srcad.ir import Location
from srcad.source import Source

Line = tuple[str, int]  # file and line


@dataclass(frozen=True)
class Text:
    """A function as it is written: where it begins, and its lines."""

    title: str
    file: str
    first: int
    lines: tuple[str, ...]

    @property
    def last(self) -> int:
        return self.first + len(self.lines) - 1


@dataclass(frozen=True)
class Held:
    """What a line gave a variable, in one pass of the loops around it.

    gradient: "" where none flows; uses: the lines that read it; final: whether it is the result.
    """

    line: Line
    passes: Passes
    name: str
    value: str
    gradient: str
    uses: tuple[tuple[Line, Passes], ...] = ()
    final: bool = False


def passes_of(group: Group) -> Passes:
    """The passes of loops that a group stands in, the outermost first."""
    return tuple((g.parent.place, g.count) for g in group.path if g.kind == "pass" and g.parent is not None)


def line_of(loc: Location) -> Line:
    """Where the statement of a location begins."""
    return loc.file, loc.tree.lineno if isinstance(loc.tree, ast.stmt) else loc.line


def held(run: Run, totals: dict[Key, int], ends: int) -> list[Held]:
    """What every line gave its variables; of a long run in the first and last passes of its loops."""
    uses: dict[int, dict[tuple[Line, Passes], None]] = {}
    for op in run.operations:
        for _, _, value in op.operands():
            uses.setdefault(id(value), {})[line_of(op.loc), passes_of(op.group)] = None
    found = []
    for binding in run.bindings:
        passes = passes_of(binding.group)
        if not all(is_kept(count, totals.get(key, 0), ends) for key, count in passes):
            continue
        readers, final = tuple(uses.get(id(binding.value), ())), binding.value is run.result
        found.append(Held(line_of(binding.loc), passes, binding.name, shown(binding.data), gradient_of(binding), readers, final))
    return found


def gradient_of(binding: Binding) -> str:
    """What flows back into a variable: of a list into each of its items."""
    if binding.items and any(v.tracked for v in binding.items):
        return shown([0.0 if v.adjoint is None else v.adjoint for v in binding.items])
    if binding.value is None or not binding.value.tracked:
        return ""
    return "0" if binding.value.adjoint is None else shown(binding.value.adjoint)


def texts(source: Source, lines: Iterable[Line]) -> list[Text]:
    """The function itself, then the others that the lines stand in."""
    tree = source.tree
    title = tree.name if isinstance(tree, ast.FunctionDef) else "lambda"
    found = [cut(title, source.file, source.lines, tree.lineno, tree.end_lineno or tree.lineno)]
    for file, line in dict.fromkeys(lines):
        if file and not any(t.file == file and t.first <= line <= t.last for t in found):
            found.append(around(file, line))
    return found


def around(file: str, line: int) -> Text:
    """The function that a line stands in; the line alone where it cannot be told."""
    rows = tuple(linecache.getlines(file))
    best: tuple[str, int, int] | None = None
    for title, first, last in functions(rows):
        if first <= line <= last and (best is None or first > best[1]):
            best = title, first, last
    return cut(*(best[0], file, rows, best[1], best[2])) if best is not None else cut(file, file, rows, line, line)


def functions(rows: tuple[str, ...]) -> Iterator[tuple[str, int, int]]:
    try:
        module = ast.parse("".join(rows))
    except SyntaxError:
        return
    for node in ast.walk(module):
        if isinstance(node, (ast.FunctionDef, ast.Lambda)):
            yield getattr(node, "name", "lambda"), node.lineno, node.end_lineno or node.lineno


def cut(title: str, file: str, rows: tuple[str, ...], first: int, last: int) -> Text:
    """Some lines of a file, moved to the margin."""
    lines = [row.rstrip("\n").expandtabs() for row in rows[first - 1 : last]]
    margin = min((len(row) - len(row.lstrip()) for row in lines if row.strip()), default=0)
    return Text(title, file, first, tuple(row[margin:] for row in lines))
