"""Adjoints of what is multiplied in place: multiplied in place.

    dvalue = dy.copy()
    dy[...] = 0                    dw += y_kept * dy
    dy += w * dvalue         ->    dy *= w
    dw += y_kept * dvalue
"""
from __future__ import annotations

import ast
from collections.abc import Callable, Mapping, Sequence
from typing import NamedTuple

from srcad.ir import Assign, Block, Statement, Store, Unpack, Update, blocks, map_expressions, walk, with_blocks
from srcad.ownership import Memory
from srcad.syntax import factors_of, names, product_of, root_of, same, substitute
from srcad.uses import Tally, bound, changes, reads, tallied, touched


class Held(NamedTuple):
    """A copy of a place at the head of some statements, and the one of them that puts a multiple of it back."""

    value: str
    place: ast.expr
    back: int
    op: ast.operator
    factor: ast.expr


class Scaling:
    """Multiplies in place what would be copied, set to zero, and added to again.

    is_array: whether a name is an array for certain; is_plain: whether it is a single number for certain.
    """

    def __init__(self, is_array: Callable[[str], bool], is_plain: Callable[[str], bool | None]) -> None:
        self.is_array, self.is_plain = is_array, is_plain
        self.counts: Tally = Tally()
        self.views: Mapping[str, set[str]] = {}

    def apply(self, block: Block) -> Block:
        self.counts = tallied(block)[0]
        self.views = views_of(block)
        return self.block(block)

    def block(self, block: Block) -> Block:
        out = [with_blocks(s, self.block) if blocks(s) else s for s in block]
        i = 0
        while i < len(out):
            held = self.held(out, i)
            if held is not None and (last := self.last_use(out, i, held)) is not None:
                between = [s for k, s in enumerate(out[i + 1 : last + 1], i + 1) if k != held.back and not is_zero(s, held.place)]
                given = {held.value: held.place}
                scaled = Update(held.place, held.op, held.factor, out[held.back].loc)
                out[i : last + 1] = [*(map_expressions(s, lambda e: substitute(e, given)) for s in between), scaled]  # noqa: B023
            i += 1
        return tuple(out)

    def last_use(self, block: Sequence[Statement], start: int, held: Held) -> int | None:
        """The last statement that reads the copy, if the place may stand for it up to there; it is multiplied then."""
        uses = [i for i in range(start + 1, len(block)) if held.value in reads(block[i])]
        if sum(reads(block[i])[held.value] for i in uses) != self.counts[held.value]:
            return None
        memory = {root_of(held.place), *self.views.get(root_of(held.place), ())}
        place, factor = {*names(held.place)}, {*names(held.factor)}
        if (memory | {held.value}) & factor:
            return None
        for i in range(start + 1, uses[-1] + 1):
            statement = block[i]
            if i == held.back or is_zero(statement, held.place):
                continue
            if memory & touched(statement) or place & changes(statement) or i > held.back and factor & changes(statement):
                return None
            if i in uses and not self.only_reads(statement, held.value):
                return None
        return uses[-1]

    def only_reads(self, statement: Statement, value: str) -> bool:
        """Whether a statement computes with a value, and gives no other name to its memory."""
        match statement:
            case Update() | Store():
                return True
            case Assign(target, expr):
                return root_of(expr) != value or self.is_plain(target) is True
        return False

    def held(self, block: Sequence[Statement], start: int) -> Held | None:
        """What a statement copies, and where a multiple of it is put back."""
        match block[start]:
            case Assign(value, ast.Call(func=ast.Attribute(value=copied, attr="copy"), args=[], keywords=[])) if self.is_array(root_of(copied)):
                place = whole(copied)
            case _:
                return None
        cleared = False
        for i in range(start + 1, len(block)):
            match block[i]:
                case Store(target, ast.Constant(value=0)) if not cleared and same(whole(target), place):
                    cleared = True
                case Update(target, ast.Add(), expr) if cleared and same(whole(target), place):
                    return self.multiple(value, place, i, expr)
                case Store(target, expr) if not cleared and same(whole(target), place):
                    return self.multiple(value, place, i, expr)
                case statement if root_of(place) in touched(statement):
                    return None
        return None

    @staticmethod
    def multiple(value: str, place: ast.expr, back: int, expr: ast.expr) -> Held | None:
        match expr:
            case ast.BinOp(left=ast.Name(id=divided), op=ast.Div() as op, right=factor) if divided == value:
                return Held(value, place, back, op, factor)
        factors = factors_of(expr)
        others = [f for f in factors if not (isinstance(f, ast.Name) and f.id == value)]
        if len(others) != len(factors) - 1 or not others:
            return None
        return Held(value, place, back, ast.Mult(), product_of(others))


def whole(place: ast.expr) -> ast.expr:
    """`dy` for `dy[...]`."""
    match place:
        case ast.Subscript(value=ast.Name() as array, slice=ast.Constant(value=index)) if index is ...:
            return array
    return place


def is_zero(statement: Statement, place: ast.expr) -> bool:
    match statement:
        case Store(target, ast.Constant(value=0)):
            return same(whole(target), place)
    return False


def views_of(block: Block) -> dict[str, set[str]]:
    """For each name those that may lie in the same memory, as far as a block says so."""
    memory = Memory()
    memory.own = {n for s in walk(block) for n in bound(s)}
    near: dict[str, set[str]] = {}
    for statement in walk(block):
        for target in bound(statement) if isinstance(statement, (Assign, Unpack)) else ():
            for source in sources(memory, statement.expr):  # type: ignore[union-attr]
                near.setdefault(source, set()).add(target)
                near.setdefault(target, set()).add(source)
    return {n: reached(near, n) - {n} for n in near}


def sources(memory: Memory, expr: ast.expr) -> set[str]:
    """The names whose memory a value may lie in."""
    cells = memory.of(expr)
    return {*names(expr)} if "=?" in cells else {c.removeprefix("=") for c in cells if c.startswith("=")}


def reached(near: Mapping[str, set[str]], start: str) -> set[str]:
    found, waiting = {start}, [start]
    while waiting:
        new = near.get(waiting.pop(), set()) - found
        found |= new
        waiting += new
    return found


def as_written(block: Block) -> Block:
    """`y[1:] = y[1:] * w` as the user has written it: `y[1:] *= w`."""
    return tuple(map(augmented, block))


def augmented(statement: Statement) -> Statement:
    if blocks(statement):
        return with_blocks(statement, as_written)
    match statement:
        case Store(target, ast.BinOp(left=left, op=op, right=right), loc) if isinstance(loc.tree, ast.AugAssign) and type(loc.tree.op) is type(op) and same(left, whole(target)):
            return Update(left, op, right, loc)
    return statement
