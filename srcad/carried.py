"""The adjoint of an array that a loop goes through element by element, as one number that is carried from pass to pass.

    dy = np.zeros(x.shape)
    dy[-1] = 1.0                                  dtotal = 1.0
    for t in reversed(range(1, len(x))):          for t in reversed(range(1, len(x))):
        dtotal = dy[t]                    ->          dx[t] = dtotal
        dx[t] = dtotal                                dtotal = a * dtotal
        dy[t - 1] += a * dtotal                   dx[0] = dtotal
    dx[0] = dy[0]
"""
from __future__ import annotations

import ast
import dataclasses
from collections.abc import Callable

from srcad.dims import Facts, dim_of
from srcad.ir import Assign, Block, For, Statement, Store, Update, blocks, expressions, map_expressions, with_blocks
from srcad.kinds import Number, is_double
from srcad.ranges import counting
from srcad.syntax import Parts, binary, const, filled_with, from_zero, literal_number, name, names, nodes, operations, same
from srcad.uses import Tally, changes, is_read_only_in, mentions, reads, rebound, tallied

LONG_SUM = 5  # operations


@dataclasses.dataclass(frozen=True)
class Carrying:
    """An array that starts with one number everywhere, or with zeros and a number at its end, and a loop that goes down through it.

    made, loop: where they stand in their block; start: what is carried into the first pass, from the statement at `set`;
    each: what every element starts with; reading, adding: the places that a pass reads and adds to; last: the index of
    the element that the last pass adds to.
    """

    array: str
    made: int
    set: int
    loop: int
    start: ast.expr
    each: ast.expr
    reading: ast.expr
    adding: ast.expr
    last: int


class Carried:
    """temporary: makes a new name; kind_of: what is known of a name."""

    def __init__(self, temporary: Callable[[str], str], kind_of: Callable[[str], Number | None], facts: Facts) -> None:
        self.temporary, self.kind_of, self.facts = temporary, kind_of, facts
        self.counts = Tally()
        self.definitions = Tally()

    def apply(self, block: Block) -> Block:
        self.counts, self.definitions = tallied(block)
        return self.block(block)

    def added_at_once(self, block: Block) -> Block:
        """What is added to an element by two statements, one after the other, is added by one: `dx[t] -= u; dx[t] += v` is `dx[t] += v - u`."""
        out: list[Statement] = []
        for statement in block:
            if blocks(statement):
                statement = with_blocks(statement, self.added_at_once)
            match out[-1] if out else None, statement:
                case Update(first, ast.Add() | ast.Sub() as one, u), Update(second, ast.Add() | ast.Sub() as other, v) if same(first, second) and self.is_element(second) and operations(u) + operations(v) <= LONG_SUM:
                    array = second.value.id  # type: ignore[attr-defined]
                    if array not in names(v):
                        turned = isinstance(one, ast.Sub) and isinstance(other, ast.Add)
                        both = binary(v, ast.Sub(), u) if turned else binary(u, ast.Add() if type(one) is type(other) else ast.Sub(), v)
                        out[-1] = Update(second, ast.Add() if turned else one, both, statement.loc)
                        continue
            out.append(statement)
        return tuple(out)

    def is_element(self, place: ast.expr) -> bool:
        """Whether a place is one element of a vector."""
        match place:
            case ast.Subscript(value=ast.Name(id=array), slice=ast.Name() | ast.BinOp() | ast.Constant() as index):
                kind = self.kind_of(array)
                numbers = all((k := self.kind_of(n)) is None or k.is_plain for n in names(index))
                return kind is not None and kind.form == "array" and kind.shape is not None and len(kind.shape) == 1 and numbers
        return False

    def block(self, block: Block) -> Block:
        out = tuple(with_blocks(s, self.block) if blocks(s) else s for s in block)
        for statement in out:
            made = next((i for i, s in enumerate(out) if s is statement), -1) if filled(statement) is not None else -1
            carrying = self.carrying(out, made) if made >= 0 else None
            out = out if carrying is None else self.changed(out, carrying) or out
        return out

    # ---- what is looked for

    def carrying(self, block: Block, made: int) -> Carrying | None:
        """What a block does with an array that it makes, if that is to go down through it."""
        found = filled(block[made])
        if found is None:
            return None
        array, each = found
        kind = self.kind_of(array)
        if kind is None or not is_double(kind.dtype) or kind.shape is None or len(kind.shape) != 1 or not is_read_only_in(block, array, self.counts):
            return None
        touching = mentions(block, array, made + 1)
        start, at = each, made
        if touching and isinstance(block[touching[0]], Store) and same(each, const(0.0)):
            at = touching.pop(0)
            start = block[at].expr  # type: ignore[union-attr]
        loop = block[touching[0]] if touching else None
        if not isinstance(loop, For) or loop.orelse or (way := downwards(loop.iter)) is None:
            return None
        first, stop = way
        for ahead in (0, 1):
            reading, adding = element(array, loop.target, ahead), element(array, loop.target, ahead - 1)
            if any(isinstance(s, Update) and same(s.target, adding) for s in loop.body):
                carrying = Carrying(array, made, at, touching[0], start, each, reading, adding, first + ahead - 1)
                ends = at == made or self.is_at_end(block[at], kind, stop, ahead)
                after = [block[i] for i in touching[1:]]
                fits = carrying.last >= 0 and ends and (carrying.last == 0 or at == made) and self.reads_only(after, array, element(array, None, carrying.last))
                return carrying if fits else None
        return None

    def is_at_end(self, store: Statement, kind: Number, stop: ast.expr, ahead: int) -> bool:
        """Whether a number is put at the end of an array, and the first pass begins there."""
        assert isinstance(store, Store) and kind.shape is not None
        end = dim_of(stop, self.facts)
        if end is None or (end + ahead).key != kind.shape[0].key or "?" in kind.shape[0].key:
            return False
        match store.target:
            case ast.Subscript(value=ast.Name(), slice=ast.UnaryOp(op=ast.USub(), operand=ast.Constant(value=1))):
                return True
            case ast.Subscript(value=ast.Name(), slice=index):
                place = dim_of(index, self.facts)
                return place is not None and (place + 1).key == kind.shape[0].key
        return False

    @staticmethod
    def reads_only(statements: list[Statement], array: str, place: ast.expr) -> bool:
        """Whether statements read one place of an array, and nothing else of it."""
        for s in statements:
            seen = sum(same(n, place) for e in expressions(s) for n in nodes(e))
            if blocks(s) or array in changes(s) or seen != reads(s)[array]:
                return False
        return True

    # ---- what becomes of it

    def changed(self, block: Block, carrying: Carrying) -> Block | None:
        """A block with the number in the place of the array."""
        loop = block[carrying.loop]
        assert isinstance(loop, For)
        passes = self.passes(loop, carrying)
        if passes is None:
            return None
        target, body, each = passes
        start = [Assign(target, name(each) if each and carrying.set == carrying.made else carrying.start, block[carrying.set].loc)]
        if each:
            start.insert(0, Assign(each, carrying.each, block[carrying.made].loc))
        element_ = Parts({ast.unparse(element(carrying.array, None, carrying.last)): target})
        out: list[Statement] = []
        for i, statement in enumerate(block):
            if i == carrying.set:
                out += start
            elif i == carrying.loop:
                out.append(dataclasses.replace(loop, body=body))
            elif i != carrying.made:
                out.append(map_expressions(statement, element_.visit) if i > carrying.loop and carrying.array in reads(statement) else statement)
        return tuple(out)

    def passes(self, loop: For, carrying: Carrying) -> tuple[str, Block, str] | None:
        """The number's name, the body of the loop that carries it, and the name of what every element starts with, where it needs one."""
        found = [i for i, s in enumerate(loop.body) if isinstance(s, Update) and same(s.target, carrying.adding)]
        update = loop.body[found[0]]
        before, after = loop.body[: found[0]], loop.body[found[0] + 1 :]
        assert isinstance(update, Update)
        if len(found) != 1 or not isinstance(update.op, (ast.Add, ast.Sub)) or not self.reads_only([*before, Assign("", update.expr, loop.loc), *after], carrying.array, carrying.reading):
            return None
        moved = {*names(update.expr)} - {carrying.array}
        if any(moved & changes(s) for s in after) or set(names(carrying.each)) & set(rebound(loop)) or loop.target in {t for s in loop.body for t in rebound(s)}:
            return None
        match before[0] if before else None:
            case Assign(target, place) if same(place, carrying.reading) and self.definitions[target] == 1 and is_read_only_in(loop.body, target, self.counts):
                before = before[1:]
            case _:
                target = self.temporary(f"{carrying.array}_{loop.target}" if loop.target.strip("_") else carrying.array)
        element_ = Parts({ast.unparse(carrying.reading): target})
        expr, each = element_.visit(update.expr), ""
        if same(carrying.each, const(0.0)):
            expr = from_zero(update.op, expr)
        else:
            each = "" if isinstance(carrying.each, (ast.Name, ast.Constant)) else self.temporary(f"{carrying.array}_each")
            expr = binary(name(each) if each else carrying.each, update.op, expr)
        first, last = (tuple(map_expressions(s, element_.visit) for s in part) for part in (before, after))
        carry = Assign(target, expr, update.loc)
        return target, (*first, *last, carry) if any(target in reads(s) for s in last) else (*first, carry, *last), each


def filled(statement: Statement) -> tuple[str, ast.expr] | None:
    """The array that a statement makes of one number, and the number."""
    number = filled_with(statement.expr) if isinstance(statement, Assign) else None
    return (statement.target, number) if isinstance(statement, Assign) and number is not None else None


def downwards(iterable: ast.expr) -> tuple[int, ast.expr] | None:
    """Where `reversed(range(first, stop))` ends, a number that is written down, and the expression that it begins before."""
    found = counting(iterable)
    if found is None or not found.is_turned or found.is_cut or found.step is not None:
        return None
    first = literal_number(found.first) if found.first is not None else 0
    return (first, found.stop) if type(first) is int and first >= 0 else None


def element(array: str, counter: str | None, offset: int) -> ast.expr:
    """`array[counter + offset]`, or the element at the offset itself."""
    if counter is None:
        index: ast.expr = const(offset)
    else:
        index = name(counter) if offset == 0 else binary(name(counter), ast.Add() if offset > 0 else ast.Sub(), const(abs(offset)))
    return ast.Subscript(value=name(array), slice=index, ctx=ast.Load())
