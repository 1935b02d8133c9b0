"""Paths on which a variable that is read next has no value: Python raises there, and so does what is generated.

    if x < 1:              if x < 1:
        y = x * x              y = x * x
    return y        ->     else:
                               raise UnboundLocalError("...")
                           return y
"""
from __future__ import annotations

import ast
import dataclasses

from srcad.ir import Block, Delete, Effect, If, Location, Raise, Statement, Store, Update, blocks, expressions, targets, walk, with_blocks
from srcad.control import JUMPS, jumps
from srcad.syntax import call, const, names_always


def completed(block: Block, known: frozenset[str], after: frozenset[str] = frozenset()) -> Block:
    """A block in which an arm raises where it alone leaves unset what is surely read next; known: what may have a value before, after: what is read after."""
    out: list[Statement] = []
    for i, statement in enumerate(block):
        if isinstance(statement, If):
            read = read_first(block[i + 1 :], after) - known
            arms = [completed(arm, known, read) for arm in (statement.body, statement.orelse)]
            given = [surely_set(arm) for arm in arms]
            body, orelse = (with_error(arm, read & other, statement.loc) for arm, other in zip(arms, reversed(given)))
            statement = dataclasses.replace(statement, body=body, orelse=orelse)
        elif blocks(statement):
            before = known | all_bound((statement,))  # in an earlier pass
            statement = with_blocks(statement, lambda b, before=before: completed(b, before))  # type: ignore[misc]
        out.append(statement)
        known |= all_bound((statement,))  # on a path on which a flag may say so
    return tuple(out)


def with_error(arm: Block, wanted: frozenset[str], loc: Location) -> Block:
    """An arm that raises at its end where it leaves unset what is wanted, unless it is left before."""
    unset = wanted - all_bound(arm) if wanted else wanted
    if not unset or any(jumps(s, (*JUMPS, Raise)) for s in arm):
        return arm
    return (*arm, Raise(call("UnboundLocalError", [const(f"`{min(unset)}` has no value on this path")]), None, loc))


def given_by(statement: Statement) -> tuple[str, ...]:
    """The names that a statement itself gives a value to; what it changes in a list or an array has one."""
    if isinstance(statement, (Store, Effect, Delete)) or isinstance(statement, Update) and not isinstance(statement.target, ast.Name):
        return ()
    return targets(statement)


def all_bound(block: Block) -> frozenset[str]:
    return frozenset(n for s in walk(block) for n in given_by(s))


def surely_set(block: Block) -> frozenset[str]:
    """The names that have a value after a block, if it comes to its end."""
    found: frozenset[str] = frozenset()
    for statement in block:
        if isinstance(statement, If):
            arms = [surely_set(arm) for arm in (statement.body, statement.orelse) if not (arm and isinstance(arm[-1], (*JUMPS, Raise)))]
            found |= frozenset.intersection(*arms) if arms else frozenset()
        elif not blocks(statement):
            found |= frozenset(given_by(statement))
    return found


def read_first(block: Block, after: frozenset[str]) -> frozenset[str]:
    """The names that the statements up to the next branch or loop read, before they are given another value; to the end of the block, those read after too."""
    read: set[str] = set()
    given: set[str] = set()
    for statement in block:
        read |= {n for e in expressions(statement) for n in names_always(e)} - given
        if blocks(statement) or isinstance(statement, (*JUMPS, Raise)):
            return frozenset(read)
        given |= {*given_by(statement)}
    return frozenset(read | after - given)
