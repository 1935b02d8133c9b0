"""Jumps at the ends of blocks: what follows a branch that may jump moves into the branch that does not.

    for v in x:                        for v in x:
        if v < 0:                          if v < 0:
            continue            ->             continue
        s += v                             else:
                                               s += v

A return inside a loop becomes a flag and a break; so does what `else` of a loop
asks for. After this pass a jump is the last statement of its block, nothing
follows a branch that holds one, and a loop is left by break alone.
"""
from __future__ import annotations

import ast
import dataclasses
from collections.abc import Callable
from typing import Any

from srcad.ir import Assign, Block, Break, Continue, For, If, Raise, Return, Statement, While, With, blocks, with_blocks
from srcad.syntax import Namer, const, name

JUMPS = (Break, Continue, Return)


def tail_form(block: Block, namer: Namer) -> Block:
    """A block with its jumps at the ends."""
    return TailForm(namer).block(block)


class TailForm:
    def __init__(self, namer: Namer) -> None:
        self.namer = namer

    def block(self, block: Block) -> Block:
        out: list[Statement] = []
        for i, statement in enumerate(block):
            rest = block[i + 1 :]
            match statement:
                case Break() | Continue() | Return() | Raise():
                    return (*out, statement)
                case If() | With():
                    inner = with_blocks(statement, self.block)  # a return from a loop inside becomes one that is not
                    if jumps(inner, JUMPS):
                        return (*out, with_blocks(inner, lambda b, rest=rest: self.block(b + rest)))  # type: ignore[misc]
                    out.append(inner)
                case For() | While():
                    before, loop, after = self.loop(statement)
                    out += [*before, loop]
                    if after:
                        return (*out, *self.block(after + rest))
                case _:
                    out.append(statement)
        return tuple(out)

    def loop(self, loop: For | While) -> tuple[list[Statement], Statement, Block]:
        """A loop that is left by break alone, with the statements before and after it."""
        body = self.block(loop.body)
        before: list[Statement] = []
        after: Block = ()
        if any(jumps(s, (Return,)) for s in body):
            flag, value = self.namer.temporary("returned"), self.namer.temporary("result")
            body = replaced_returns(body, flag, value)
            before.append(Assign(flag, const(False), loop.loc))
            given = Return(name(value), loop.loc)
            endless = isinstance(loop, While) and isinstance(loop.test, ast.Constant) and loop.test.value and not any(jumps(s, (Break,)) for s in loop.body)
            after = (given,) if endless else (If(name(flag), (given,), (), loop.loc),)
        if loop.orelse and any(jumps(s, (Break,)) for s in body):
            flag = self.namer.temporary("broken")
            body = flagged_breaks(body, flag)
            before.append(Assign(flag, const(False), loop.loc))
            after = (*after, If(name(flag), (), loop.orelse, loop.loc))
        else:
            after = (*after, *loop.orelse)
        return before, dataclasses.replace(loop, body=body, orelse=()), after


def jumps(statement: Statement, kinds: tuple[type, ...]) -> bool:
    """Whether a statement holds a jump out of where it stands: loops keep their own breaks."""
    if isinstance(statement, kinds):
        return True
    if isinstance(statement, (For, While)):
        return False  # its returns are flags by now, or are when it is met
    return any(jumps(s, kinds) for block in blocks(statement) for s in block)


def replaced(block: Block, kind: type[Return | Break], change: Callable[[Any], Block]) -> Block:
    """A block with each jump of one kind changed; those inside loops are theirs."""
    out: list[Statement] = []
    for statement in block:
        if isinstance(statement, kind):
            out += change(statement)
        elif isinstance(statement, (If, With)):
            out.append(with_blocks(statement, lambda b: replaced(b, kind, change)))
        else:
            out.append(statement)
    return tuple(out)


def replaced_returns(block: Block, flag: str, value: str) -> Block:
    """`return e` as `value = e; flag = True; break`."""
    return replaced(block, Return, lambda s: (Assign(value, s.value, s.loc), Assign(flag, const(True), s.loc), Break(s.loc)))


def flagged_breaks(block: Block, flag: str, jump: bool = True) -> Block:
    """`break` as `flag = True; break`, or as the flag alone."""
    return replaced(block, Break, lambda s: (Assign(flag, const(True), s.loc), s) if jump else (Assign(flag, const(True), s.loc),))
