"""Loops that take an element of an array in each pass run over the array, as a person writes them.

    for i in range(len(x)):                     for v in x:
        v = x[i]                        ->          s = s + v * v
        s = s + v * v

    for i in reversed(range(len(x))):           for i, v in enumerate(x):
        v = x[i]                        ->          dx[i] = 2 * v
        dx[i] = 2 * v

The second one goes through its passes in another order: none of them reads what another has written.
"""
from __future__ import annotations

import ast
import dataclasses
from collections.abc import Callable, Iterable, Iterator

from srcad.economy import blanks
from srcad.ir import UNPLACED, Assign, Block, Effect, For, If, Statement, Store, Update, blocks, expressions, walk, with_blocks
from srcad.live import Live
from srcad.ranges import counting
from srcad.syntax import call, method, name, names, nodes, parts_of, same
from srcad.unboxed import acts_alike
from srcad.uses import changes, reads, rebound


class Heads:
    """is_array: whether a name is an array for certain; is_vector: whether it is one of float64 numbers, of which loops may take Python's floats."""

    def __init__(self, is_array: Callable[[str], bool], is_vector: Callable[[str], bool]) -> None:
        self.is_array, self.is_vector = is_array, is_vector

    def apply(self, block: Block, out: Iterable[str] = ()) -> Block:
        """A block with such loops; out: the names that are read after it. Nothing but the text can be made of it: a loop may have two targets."""
        if not any(isinstance(s, For) for s in walk(block)):
            return block
        self.live = Live(block, out)
        return self.block(block)

    def block(self, block: Block) -> Block:
        out: list[Statement] = []
        for statement in block:
            changed = self.loop(statement, out) if isinstance(statement, For) else statement
            out.append(with_blocks(changed, self.block) if blocks(changed) else changed)
        return tuple(out)

    def loop(self, loop: For, before: list[Statement]) -> For:
        counted = array_counted(loop.iter)
        if counted is None or loop.orelse:
            return loop
        array, is_turned = counted
        taken = sorted(self.taken(loop), key=lambda s: source(s) != array)
        after = self.live.after[id(loop)]
        if array not in {source(s) for s in taken} or loop.target in after or is_turned and not is_in_any_order(loop, before, after):
            return loop
        body = tuple(s for s in loop.body if s not in taken)
        elements = [s.target for s in taken]
        is_unboxed = all(self.is_vector(source(s)) for s in taken) and acts_alike(body, elements, after)
        arrays = [method(name(source(s)), "tolist") if is_unboxed else name(source(s)) for s in taken]
        whole: ast.expr = arrays[0] if len(arrays) == 1 else call("zip", arrays)
        listed = ", ".join(elements)
        if not any(loop.target in reads(s) for s in body):
            return dataclasses.replace(loop, target=listed, iter=whole, body=body)
        inner = listed if len(elements) == 1 else f"({listed})"
        return dataclasses.replace(loop, target=f"{loop.target}, {inner}", iter=call("enumerate", [whole]), body=body)

    def taken(self, loop: For) -> Iterator[Assign]:
        """The statements at the start of a loop that take this pass's element of an array; the user's own stay as they are."""
        changed = {n for s in loop.body for n in changes(s)}
        given = [n for s in loop.body for n in rebound(s)]
        seen: set[str] = set()
        for statement in loop.body:
            match statement:
                case Assign(target, ast.Subscript(value=ast.Name(id=array), slice=ast.Name(id=loop.target)), loc) if loc is UNPLACED or loc == loop.loc:
                    if self.is_array(array) and array not in changed and given.count(target) == 1 and target not in seen and loop.target not in given:
                        yield statement
                case Assign() | Effect():
                    pass
                case _:
                    return
            seen |= {*reads(statement), *changes(statement)}


def source(statement: Assign) -> str:
    """The array that an element is taken of."""
    assert isinstance(statement.expr, ast.Subscript) and isinstance(statement.expr.value, ast.Name)
    return statement.expr.value.id


def array_counted(iterable: ast.expr) -> tuple[str, bool] | None:
    """The array that a loop over `range(len(x))` or `range(x.shape[0])` counts through, and whether from its end."""
    found = counting(iterable)
    if found is None or not found.is_whole:
        return None
    match found.stop:
        case ast.Call(func=ast.Name(id="len"), args=[ast.Name(id=array)]) | ast.Subscript(value=ast.Attribute(value=ast.Name(id=array), attr="shape"), slice=ast.Constant(value=0)):
            return array, found.is_turned
    return None


def is_in_any_order(loop: For, before: list[Statement], after: Iterable[str]) -> bool:
    """Whether each pass of a loop writes elements of its own, of arrays that are zero before it, and reads nothing of the others."""
    blank = blanks(before)
    given = {n for s in loop.body for n in rebound(s)}
    if given & {*Live(loop.body).into, *after} or any(takes(e) for s in walk(loop.body) for e in expressions(s)):
        return False
    places: dict[str, ast.expr] = {}
    for statement in walk(loop.body):
        match statement:
            case Assign() | If():
                pass
            case Store(ast.Subscript(value=ast.Name(id=array), slice=index)) | Update(ast.Subscript(value=ast.Name(id=array), slice=index)) if array in blank:
                parts = parts_of(index)
                if not any(isinstance(p, ast.Name) and p.id == loop.target for p in parts) or not same(places.setdefault(array, index), index):
                    return False
            case _:
                return False
    read = {n for s in walk(loop.body) for e in own_expressions(s) for n in names(e)}
    return not read & set(places)


def own_expressions(statement: Statement) -> Iterator[ast.expr]:
    """What a statement reads, without the array that it writes into."""
    match statement:
        case Store(target, expr) | Update(target, _, expr):
            yield expr
            yield target.slice  # type: ignore[attr-defined]
        case _:
            yield from expressions(statement)


def takes(expr: ast.expr) -> bool:
    """Whether an expression takes something from a list."""
    return any(isinstance(n, ast.Attribute) and n.attr == "pop" for n in nodes(expr))
