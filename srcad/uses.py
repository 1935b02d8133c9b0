"""Which names a statement reads, binds and changes: what every pass asks first.

    y = np.sum(x * w)       reads np, x, w; binds y
    du[1:-1] += dy          reads du, dy; changes du

Statements never change, so what is found out about one is kept with it.
"""
from __future__ import annotations

import ast
import functools
from collections import Counter
from collections.abc import Callable, Iterable, Sequence
from typing import TypeVar

from srcad.ir import Effect, Statement, Store, Update, blocks, expressions, targets, walk
from srcad.syntax import names, names_in

T = TypeVar("T")


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
def reads(statement: Statement) -> Counter[str]:
    """The names that a statement reads, in its blocks too, with how often; 0 for all others."""
    inner = blocks(statement)
    if not inner:
        return header_reads(statement)
    counts = Counter(header_reads(statement))
    for block in inner:
        for s in block:
            counts.update(reads(s))
    return counts


@remembered
def header_reads(statement: Statement) -> Counter[str]:
    """The names that the expressions of a statement itself read, with how often."""
    return Counter([n for expr in expressions(statement) for n in names_in(expr)])


@remembered
def bound(statement: Statement) -> tuple[str, ...]:
    """The names that a statement binds, in its blocks too."""
    inner = blocks(statement)
    if not inner:
        return targets(statement)
    return (*targets(statement), *(t for block in inner for s in block for t in bound(s)))


def tallied(block: Iterable[Statement]) -> tuple[Counter[str], Counter[str]]:
    """How often each name is read, and how often it is given a value."""
    counts: Counter[str] = Counter()
    definitions: Counter[str] = Counter()
    for statement in block:
        counts.update(reads(statement))
        definitions.update(bound(statement))
    return counts, definitions


@remembered
def touched(statement: Statement) -> frozenset[str]:
    """The names that a statement reads, binds, or whose memory it changes."""
    return changes(statement).union(reads(statement))


def mentions(block: Sequence[Statement], identifier: str, start: int = 0) -> list[int]:
    """Where in a block a name is touched, from a place on."""
    return [i for i in range(start, len(block)) if identifier in touched(block[i])]


def is_read_only_in(block: Iterable[Statement], identifier: str, counts: Counter[str]) -> bool:
    """Whether all reads of a name, of which there are so many, are in a block."""
    return sum(reads(s)[identifier] for s in block) == counts[identifier]


@remembered
def rebound(statement: Statement) -> tuple[str, ...]:
    """The names that a statement of the user's gives a value to, in its blocks too; writing into memory does not."""
    own = () if isinstance(statement, (Store, Update)) else targets(statement)
    return (*own, *(t for block in blocks(statement) for s in block for t in rebound(s)))


@remembered
def changes(statement: Statement) -> frozenset[str]:
    """The names that a statement binds, or whose memory it changes."""
    found: set[str] = set()
    for s in walk((statement,)):
        found.update(targets(s))
        match s:
            case Effect(ast.Call(func=func, args=[first, *_])):
                found.update(names(first))
                found.update(names(func) if isinstance(func, ast.Attribute) and isinstance(func.value, ast.Name) else ())
    return frozenset(found)
