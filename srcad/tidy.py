"""Both halves made short: dead code out, single uses folded back, branches joined.

    t = np.tanh(x); y = np.sum(t)    ->    y = np.sum(np.tanh(x))
"""
from __future__ import annotations

import ast
from collections.abc import Sequence

from srcad.ir import Assign, Block, Effect, Statement, expressions, walk
from srcad.request import Request
from srcad.reverse import Reverse
from srcad.simplify import bound, drop_dead, fold, join_branches, short
from srcad.syntax import const
from srcad.walk import ENTRY, VALUE, Walk


class Tidying:
    """Removes what nothing reads, and folds back what is read once."""

    state: Walk
    request: Request
    reverse: Reverse

    def simplified(self, block: Block, first: int, kept: ast.expr | None) -> Block:
        """Dead code out, single uses folded, branches joined. Sets `count`, the length of the forward half."""
        marks = {id(s) for s in block[:first]}
        if kept is not None:
            block = (*block[:first], Effect(kept, VALUE), *block[first:])
        block = self.live(block, first)
        place = {id(s): i for i, s in enumerate(block)}
        user_names = self.state.user_names | {self.request.title}

        def is_temporary(identifier: str) -> bool:
            return identifier not in user_names and not identifier.startswith("adjoints")

        def may_move(definition: Assign, user: Statement) -> bool:
            return self.may_move(definition, user, block, place, marks)

        adjoint_names = set(self.reverse.names.values())
        block = fold(block, lambda n: is_temporary(n) and n not in adjoint_names, may_move)
        self.kept = next((expressions(s)[0] for s in block if s.loc is VALUE), const(None))
        block = tuple(s for s in block if s.loc is not VALUE)
        self.count = sum(map(self.is_forward, block))
        return (*block[: self.count], *join_branches(block[self.count :]))

    def is_forward(self, statement: Statement) -> bool:
        """Whether a statement is the user's own."""
        if isinstance(statement, Effect):
            return statement.loc in self.effect_locs
        return any(t in self.forward_bound for t in bound(statement))

    def live(self, block: Block, first: int) -> Block:
        self.forward_bound = {t for s in block[:first] for t in bound(s)}
        self.effect_locs = [s.loc for s in block[:first] if isinstance(s, Effect)]
        forward = {id(s) for s in block[:first]}

        def keep(statement: Statement) -> bool:
            if id(statement) not in forward:
                return statement.loc is VALUE
            if isinstance(statement, Effect):
                return True
            return isinstance(statement, Assign) and (statement.target in self.state.impure or statement.target in self.state.raising - self.reverse.mirrored)

        block = drop_dead(block, keep)
        return tuple(s for s in block if not (s.loc is ENTRY and isinstance(s, Assign) and not self.reads_value(s.target, block)))

    @staticmethod
    def reads_value(parameter: str, block: Block) -> bool:
        """Whether anything but the shape of a converted parameter is read."""
        return any(value_read(parameter, e) for s in block if s.loc is not ENTRY for inner in walk((s,)) for e in expressions(inner))

    def may_move(self, definition: Assign, user: Statement, block: Block, place: dict[int, int], marks: set[int]) -> bool:
        """A single-use temporary goes back where it came from; into the backward half only if it is short, and pure."""
        state = self.state
        here = (definition.loc.line, definition.loc.index) == (user.loc.line, user.loc.index)
        target = definition.target
        if target in state.impure:
            start_, end = place.get(id(definition), 0), place.get(id(user), len(block))
            between = [s for s in block[start_ + 1 : end] if any(t in state.impure for t in bound(s))]
            return here and not between
        if id(user) in marks or user.loc is VALUE:
            return here or (target not in state.raising and short(definition.expr)) or user.loc is VALUE
        if target in self.forward_bound:
            return target not in state.raising and short(definition.expr)
        return short(definition.expr)


def value_read(identifier: str, node: ast.AST, parts: Sequence[str] = ("shape", "ndim", "size")) -> bool:
    """Whether an expression reads a variable's value, not only its shape."""
    if isinstance(node, ast.Attribute) and node.attr in parts and isinstance(node.value, ast.Name):
        return False
    if isinstance(node, ast.Name):
        return node.id == identifier
    if isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.func.id == "len" and "ndim" in parts:
        return False
    return any(value_read(identifier, child, parts) for child in ast.iter_child_nodes(node))
