"""Statements of the user's for the backward pass: `with srcad.adjoint(h) as dh:` runs its body where the adjoint of h is complete.

    with srcad.adjoint(h) as dh:           # backprop with srcad.adjoint(h) as dh
        dh = np.clip(dh, -5, 5)    ->      dh = np.clip(dh, -5, 5)
"""
from __future__ import annotations

import ast
import dataclasses
from dataclasses import dataclass

from srcad.errors import UnsupportedSyntaxError
from srcad.ir import Assign, Block, Effect, If, Location, Statement, Store, Update, map_block
from srcad.syntax import name, substitute
from srcad.uses import bound

ADJOINT = "<adjoint>"  # the file of what is run for what it does in the backward pass


@dataclass(frozen=True, eq=False)
class Surgery:
    """What is done to an adjoint on its way: statements that read and rebind `label`."""

    label: str
    body: Block


def lowered(body: list[ast.stmt], loc: Location) -> Block:
    """The statements of a body, as they are written. Raises UnsupportedSyntaxError for what may not stand there."""
    placed = dataclasses.replace(loc, file=ADJOINT)
    out: list[Statement] = []
    for node in body:
        match node:
            case ast.Assign(targets=[ast.Name(id=target)], value=value):
                out.append(Assign(target, value, placed))
            case ast.Assign(targets=[ast.Subscript() as place], value=value):
                out.append(Store(place, value, placed))
            case ast.AugAssign(target=ast.Name() | ast.Subscript() as place, op=op, value=value):
                out.append(Update(place, op, value, placed))
            case ast.Expr(value=value):
                out.append(Effect(value, placed))
            case ast.If(test=test, body=inner, orelse=orelse):
                out.append(If(test, lowered(inner, loc), lowered(orelse, loc), placed))
            case ast.Pass():
                pass
            case _:
                raise UnsupportedSyntaxError("only assignments, calls and ifs may stand where an adjoint is handled.", loc)
    return tuple(out)


def relabelled(body: Block, names: dict[str, str]) -> Block:
    """A body with other names for what it binds."""
    changes = {old: name(new) for old, new in names.items()}

    def change(block: Block) -> Block:
        out: list[Statement] = []
        for statement in block:
            if isinstance(statement, If):
                statement = dataclasses.replace(statement, body=change(statement.body), orelse=change(statement.orelse))
            elif isinstance(statement, Assign):
                statement = dataclasses.replace(statement, target=names.get(statement.target, statement.target))
            elif isinstance(statement, Update) and isinstance(statement.target, ast.Name):
                statement = dataclasses.replace(statement, target=name(names.get(statement.target.id, statement.target.id)))
            out.append(statement)
        return tuple(out)

    return map_block(change(body), lambda e: substitute(e, changes))


def bound_by(body: Block) -> set[str]:
    return {t for s in body for t in bound(s)}
