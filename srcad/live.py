"""Which names are read later: the one analysis that branches and loops ask.

    y = x * 2        after: {y}
    return y         after: {}
"""
from __future__ import annotations

import ast
from collections.abc import Iterable

from srcad.ir import (
    Assign,
    Block,
    Break,
    Continue,
    Define,
    Delete,
    For,
    If,
    Import,
    Raise,
    Return,
    Statement,
    Unpack,
    Update,
    While,
    With,
    targets,
    walk,
)
from srcad.syntax import names
from srcad.uses import header_reads

Names = frozenset[str]


class Live:
    """The names that are live after each statement of a block, and at the head of each loop.

    after: by the identity of a statement; head: by that of a loop.
    """

    def __init__(self, block: Block, out: Iterable[str] = ()) -> None:
        self.after: dict[int, Names] = {}
        self.head: dict[int, Names] = {}
        self.always: Names = frozenset(n for s in walk(block) if isinstance(s, Define) for n in names(s.tree))
        self.into = self.block(block, frozenset(out) | self.always, frozenset(), frozenset())

    def block(self, block: Block, out: Names, broken: Names, continued: Names) -> Names:
        live = out
        for statement in reversed(block):
            self.after[id(statement)] = self.after.get(id(statement), frozenset()) | live
            live = self.before(statement, live, broken, continued)
        return live

    def before(self, statement: Statement, live: Names, broken: Names, continued: Names) -> Names:
        read = frozenset(header_reads(statement))
        match statement:
            case Assign() | Unpack() | Define() | Delete() | Import():
                return (live - frozenset(targets(statement))) | read | self.always
            case Update(ast.Name(id=target)):
                return live | read | {target}
            case If(_, body, orelse):
                return read | self.block(body, live, broken, continued) | self.block(orelse, live, broken, continued)
            case With(_, body):
                return read | self.block(body, live, broken, continued)
            case For(target, _, body):
                return read | self.loop(statement, body, live, target)
            case While(head, _, body):
                return self.loop(statement, (*head, *body), live | read, "")
            case Break():
                return broken
            case Continue():
                return continued
            case Return() | Raise():
                return read | self.always
        return live | read

    def loop(self, loop: Statement, body: Block, out: Names, target: str) -> Names:
        """Twice round is enough: what is live at the head stays so."""
        head = out
        for _ in range(2):
            before, head = head, out | (self.block(body, head, out, head) - {target})
            if head == before:
                break
        self.head[id(loop)] = head
        return head
