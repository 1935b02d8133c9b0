"""Which names a statement reads, binds and changes: what every pass asks first.

    y = np.sum(x * w)       reads np, x, w; binds y
    du[1:-1] += dy          reads du, dy; changes du

Statements never change, so what is found out about one is kept with it.
"""
from __future__ import annotations

import ast
import functools
from collections.abc import Callable, Iterable, Sequence
from typing import TypeVar

from srcad.ir import Assign, Effect, Statement, Store, Update, blocks, expressions, targets, walk
from srcad.syntax import names, names_in

T = TypeVar("T")


class Tally(dict[str, int]):
    """How often each name occurs; 0 for all others. A Counter that is quicker to make: there are many, and small."""

    def __missing__(self, key: str) -> int:
        return 0

    def count(self, identifiers: Iterable[str]) -> None:
        for identifier in identifiers:
            self[identifier] = self.get(identifier, 0) + 1

    def add(self, other: Tally) -> None:
        for identifier, count in other.items():
            self[identifier] = self.get(identifier, 0) + count


def remembered(found_in: Callable[[Statement], T]) -> Callable[[Statement], T]:
    """A function whose answer is kept with the statement, which never changes. Nor may the answer be changed."""
    key = f"_{found_in.__name__}"

    @functools.wraps(found_in)
    def known(statement: Statement) -> T:
        kept = statement.__dict__
        if key not in kept:
            kept[key] = found_in(statement)
        return kept[key]  # type: ignore[no-any-return]

    return known


@remembered
def reads(statement: Statement) -> Tally:
    """The names that a statement reads, in its blocks too, with how often."""
    inner = blocks(statement)
    if not inner:
        return header_reads(statement)
    counts = Tally(header_reads(statement))
    for block in inner:
        for s in block:
            counts.add(reads(s))
    return counts


@remembered
def header_reads(statement: Statement) -> Tally:
    """The names that the expressions of a statement itself read, with how often."""
    counts = Tally()
    for expr in expressions(statement):
        counts.count(names_in(expr))
    return counts


@remembered
def bound(statement: Statement) -> tuple[str, ...]:
    """The names that a statement binds, in its blocks too."""
    inner = blocks(statement)
    if not inner:
        return targets(statement)
    return (*targets(statement), *(t for block in inner for s in block for t in bound(s)))


def tallied(block: Iterable[Statement]) -> tuple[Tally, Tally]:
    """How often each name is read, and how often it is given a value."""
    counts, definitions = Tally(), Tally()
    for statement in block:
        counts.add(reads(statement))
        definitions.count(bound(statement))
    return counts, definitions


@remembered
def touched(statement: Statement) -> frozenset[str]:
    """The names that a statement reads, binds, or whose memory it changes."""
    return changes(statement).union(reads(statement))


def mentions(block: Sequence[Statement], identifier: str, start: int = 0) -> list[int]:
    """Where in a block a name is touched, from a place on."""
    return [i for i in range(start, len(block)) if identifier in touched(block[i])]


def is_read_only_in(block: Iterable[Statement], identifier: str, counts: Tally) -> bool:
    """Whether all reads of a name, of which there are so many, are in a block."""
    return sum(reads(s)[identifier] for s in block) == counts[identifier]


@remembered
def rebound(statement: Statement) -> tuple[str, ...]:
    """The names that a statement of the user's gives a value to, in its blocks too; writing into memory does not."""
    own = () if isinstance(statement, (Store, Update)) else targets(statement)
    return (*own, *(t for block in blocks(statement) for s in block for t in rebound(s)))


@remembered
def changes(statement: Statement) -> frozenset[str]:
    """The names that a statement binds, or whose memory it changes; a list is, that it takes an item from."""
    found: set[str] = set()
    for s in walk((statement,)):
        found.update(targets(s))
        match s:
            case Assign(_, ast.Call(func=ast.Attribute(value=ast.Name(id=emptied), attr="pop"))):
                found.add(emptied)
            case Effect(ast.Call(func=func, args=args)):
                found.update(names(args[0]) if args else ())
                found.update(names(func) if isinstance(func, ast.Attribute) and isinstance(func.value, ast.Name) else ())
    return frozenset(found)
