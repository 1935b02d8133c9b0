"""The backward pass made cheaper: elements that are met once, and copies that nothing needs.

    for t in reversed(range(n)):              for t in reversed(range(n)):
        dX[t] += dtotal                  ->       dX[t] = dtotal
"""
from __future__ import annotations

import ast
import builtins
import dataclasses
import functools
from collections.abc import Sequence

import numpy as np

from srcad.ir import Assign, Block, Break, Continue, For, If, Return, Statement, Store, Update, blocks, walk, with_blocks
from srcad.ranges import counting
from srcad.syntax import binary, const, from_zero, is_module, literal_number, name, names, parts_of, root_of, same, split_literal, takes_all
from srcad.uses import Tally, bound, mentions, reads, rebound, tallied, touched


def met_once(block: Block) -> Block:
    """`dx[i] += v` is `dx[i] = v` where dx is zero so far and every pass has an element of its own."""
    out: list[Statement] = []
    blanks_here: list[str] = []
    for statement in block:
        if blocks(statement):
            statement = with_blocks(statement, met_once)
        if isinstance(statement, For):
            for blank in blanks_here:
                found = stored((statement,), blank, (), frozenset(bound(statement)))
                statement = found[0] if found is not None else statement
        out.append(statement)
        blanks_here = blank_after(blanks_here, statement)
    return tuple(out)


def put(block: Block) -> Block:
    """What is added to where there is 0 is put there: after `dx = np.zeros(3)`, `dx[0] += v` is `dx[0] = v`, and so it is after `dx[0] = 0`."""
    out: list[Statement | None] = [with_blocks(s, put) if blocks(s) else s for s in block]
    for i, statement in enumerate(block):
        match statement:
            case Assign(root, ast.Call(func=ast.Attribute(attr="zeros"))):
                added = first_added(out, i, root, None)
            case Store(ast.Subscript(value=ast.Name(id=root)) as place, ast.Constant(value=0)):
                added = first_added(out, i, root, place)
                out[i] = statement if added is None else None
            case _:
                continue
        if added is not None:
            first, at = added
            update = out[at]
            assert isinstance(update, Update)
            out[first : at + 1] = [Store(update.target, from_zero(update.op, update.expr), update.loc), *out[first:at]]
    return tuple(s for s in out if s is not None)


def in_place(block: Block, counts: Tally | None = None) -> Block:
    """What is taken out of memory and put back into it, as it is or as a multiple, stays there; counts: how often each name is read.

        dvalue = dv[...].copy()
        dv[...] = 0               ->    dv *= -0.5
        dv -= 0.5 * dvalue
    """
    counts = tallied(block)[0] if counts is None else counts
    out: list[Statement] = []
    for statement in block:
        if blocks(statement):
            statement = with_blocks(statement, lambda b: in_place(b, counts))
        match out[-2:], statement:
            case [*_, Assign(taken, ast.Call(func=ast.Attribute(value=place, attr="copy"), args=[]))], Store(target, ast.Name(id=put_back)) if taken == put_back and same_place(place, target):
                continue
            case [Assign(taken, ast.Call(func=ast.Attribute(value=place, attr="copy"), args=[])), Store(emptied, ast.Constant(value=0))], Update(target, ast.Add() | ast.Sub() as op, expr) \
                    if counts[taken] == 1 and same_place(place, emptied) and same_place(place, target) and (factor := multiple_of(expr, taken)) is not None:
                factor = factor if isinstance(op, ast.Add) else -factor
                out[-2:] = [] if factor == 1 else [Update(target, ast.Mult(), const(factor) if factor >= 0 else ast.UnaryOp(op=ast.USub(), operand=const(-factor)), statement.loc)]
            case _:
                out.append(statement)
    return tuple(out)


def same_place(one: ast.expr, other: ast.expr) -> bool:
    """Whether two expressions are one part of an array: `dx`, `dx[:]` and `dx[...]` are."""
    return same(whole_of(one), whole_of(other))


def whole_of(place: ast.expr) -> ast.expr:
    match place:
        case ast.Subscript(value=value, slice=ast.Constant(value=builtins.Ellipsis)):
            return whole_of(value)
        case ast.Subscript(value=value, slice=ast.Slice() as part) if takes_all(part):
            return whole_of(value)
    return place


def multiple_of(expr: ast.expr, label: str) -> float | None:
    """The number that a name is multiplied with: 1 for the name alone."""
    factor, rest = split_literal(expr)
    return (1 if factor is None else factor) if isinstance(rest, ast.Name) and rest.id == label else None


def first_added(block: Sequence[Statement | None], start: int, root: str, place: ast.expr | None) -> tuple[int, int] | None:
    """Where an array is touched first after a statement, and where something is added to it before anything reads it.

    Where a place is given, it is what is added to that one: of `da[2:] += t; da[1:-1] += t` after `da[1:-1] = 0` the second.
    """
    first = -1
    held = set(names(place)) - {root} if place is not None else set()
    for at in range(start + 1, len(block)):
        statement = block[at]
        if statement is None or root not in touched(statement):
            if first >= 0 or statement is not None and held & set(rebound(statement)):
                return None
            continue
        if not (isinstance(statement, Update) and isinstance(statement.op, (ast.Add, ast.Sub)) and isinstance(statement.target, ast.Subscript)):
            return None
        if not same(statement.target.value, name(root)) or root in names(statement.expr):
            return None
        first = at if first < 0 else first
        if place is None or same(place, statement.target):
            return first, at
    return None


def zeroed_once(block: Block) -> Block:
    """What every pass sets to 0 at its end is set to 0 after the loop, and what the next pass adds there first is put there.

        dx = np.zeros(5)                              dx = np.zeros(5)
        for _ in range(n):                            for _ in range(n):
            dx[1:-1] += t                   ->            dx[1:-1] = t
            s = 2 * dx[1:-1]                              s = 2 * dx[1:-1]
            dx[1:-1] = 0                              dx[1:-1] = 0
    """
    out: list[Statement] = []
    for i, statement in enumerate(block):
        after: list[Store] = []
        if isinstance(statement, For) and not statement.orelse and not any(isinstance(s, (Break, Continue)) for s in walk(statement.body)):
            for blank in blanks(out):
                if (changed := carried_zero(statement.body, blank, {*rebound(statement)})) is not None:
                    statement = dataclasses.replace(statement, body=changed[0])
                    after += [changed[1]] if any(blank in reads(s) for s in block[i + 1 :]) or not isinstance(block[-1], Return) else []
        out += [with_blocks(statement, zeroed_once) if blocks(statement) else statement, *after]
    return tuple(out)


def carried_zero(body: Block, blank: str, given: set[str]) -> tuple[Block, Store] | None:
    """A loop's body that puts something where it would add it to what the pass before has set to 0, and what sets that to 0."""
    touching = mentions(body, blank)
    match body[touching[-1]] if touching else None:
        case Store(ast.Subscript(value=ast.Name(id=root)) as place, ast.Constant(value=0)) as store if root == blank and not given & set(names(place)) - {root}:
            put_first = put((store, *body[: touching[-1]]))
            return None if put_first[0] is store else ((*put_first, *body[touching[-1] + 1 :]), store)
    return None


def doubled(block: Block) -> Block:
    """What is given twice is given once, doubled: `dx = p; dx += p` is `dx = 2 * p`."""
    out: list[Statement] = []
    for statement in block:
        if blocks(statement):
            statement = with_blocks(statement, doubled)
        match statement:
            case Update(ast.Name(id=target), ast.Add(), ast.Name() as part) if out and isinstance(out[-1], Assign) and out[-1].target == target and same(out[-1].expr, part):
                out[-1] = Assign(target, binary(const(2), ast.Mult(), part), out[-1].loc)
            case _:
                out.append(statement)
    return tuple(out)


def blanks(before: Sequence[Statement]) -> list[str]:
    """The arrays that are zero and have not been touched since."""
    return functools.reduce(blank_after, before, [])


def blank_after(blank: list[str], statement: Statement) -> list[str]:
    """The arrays that are zero after a statement, of those before it and the one that it makes."""
    blank = [b for b in blank if b not in touched(statement)] if blank else blank
    match statement:
        case Assign(target, ast.Call(func=ast.Attribute(attr="zeros"))):
            return [*blank, target]
    return blank


def stored(block: Block, blank: str, counters: tuple[str, ...], given: frozenset[str]) -> Block | None:
    """The block with the one update of an array on each path as a store; None where there is more than that. given: the names that the loops give values to."""
    touching = mentions(block, blank)
    if not touching:
        return block
    if len(touching) > 1:
        return None
    made = stored_in(block[touching[0]], blank, counters, given)
    return None if made is None else (*block[: touching[0]], made, *block[touching[0] + 1 :])


def stored_in(statement: Statement, blank: str, counters: tuple[str, ...], given: frozenset[str]) -> Statement | None:
    match statement:
        case Update(ast.Subscript(value=ast.Name(id=target), slice=index) as place, ast.Add() | ast.Sub() as op, expr, loc) if target == blank and counters:
            parts = parts_of(index)
            own = {counter for p in parts if (counter := stepping(p, given)) is not None}
            if blank in names(expr) or not set(counters) <= own:
                return None
            return Store(place, from_zero(op, expr), loc)
        case If(test, body, orelse) if blank not in names(test):
            first, second = stored(body, blank, counters, given), stored(orelse, blank, counters, given)
            return None if first is None or second is None else dataclasses.replace(statement, body=first, orelse=second)
        case For(target, iterable, body) if counts_up(iterable) and not any(target in bound(s) for s in body):
            found = stored(body, blank, (*counters, target), given)
            return None if found is None else dataclasses.replace(statement, body=found)
    return None


def stepping(part: ast.expr, given: frozenset[str]) -> str | None:
    """The counter of which every value takes elements of its own on an axis: that of `i`, `2 * i:2 * i + 2` and `i * k:(i + 1) * k`."""
    match part:
        case ast.Name(id=counter):
            return counter
        case ast.Slice(lower=ast.BinOp(left=one, op=ast.Mult(), right=other) as first, upper=last, step=None):
            for counter, size in ((one, other), (other, one)):
                if isinstance(counter, ast.Name) and isinstance(size, (ast.Name, ast.Constant)) and not given & {*names(size)} and ends_before(last, first, counter, size):
                    return counter.id
    return None


def ends_before(last: ast.expr | None, first: ast.expr, counter: ast.Name, size: ast.expr) -> bool:
    """Whether a slice from `first`, the product of a counter and a size, is no longer than the size."""
    match last:
        case ast.BinOp(left=left, op=ast.Add(), right=length) if same(left, first):
            whole = isinstance(size, ast.Constant) and isinstance(length, ast.Constant) and isinstance(size.value, int) and isinstance(length.value, int)
            return same(length, size) and not isinstance(size, ast.Constant) or whole and 0 < length.value <= size.value  # type: ignore[attr-defined]
        case ast.BinOp(left=left, op=ast.Mult(), right=right):
            following = binary(counter, ast.Add(), const(1))
            return same(left, following) and same(right, size) or same(right, following) and same(left, size)
    return False


def counts_up(iterable: ast.expr) -> bool:
    """Whether a loop counts through whole numbers that are not negative, each once: a negative one could name an element again."""
    found = counting(iterable)
    if found is None:
        return False
    lowest = literal_number(found.first) if found.first is not None else 0
    if found.step is not None:
        step, end = literal_number(found.step), literal_number(found.stop)
        return type(step) is int and step < 0 and type(end) is int and end >= -1
    return type(lowest) is int and lowest >= 0


# ---- what folding has brought together


def plainer(expr: ast.expr) -> ast.expr:
    """What arithmetic reads at once needs no copy: `x.copy() > 0` is `x > 0`."""
    match expr:
        case ast.BinOp(left=left, op=op, right=right):
            return ast.BinOp(left=original(left), op=op, right=original(right))
        case ast.Compare(left=left, ops=ops, comparators=[right]):
            return ast.Compare(left=original(left), ops=ops, comparators=[original(right)])
        case ast.UnaryOp(op=op, operand=operand):
            return ast.UnaryOp(op=op, operand=original(operand))
        case ast.Call(func=func, args=args, keywords=keywords):
            inner = ast.Attribute(value=plainer(func.value), attr=func.attr, ctx=ast.Load()) if isinstance(func, ast.Attribute) else func
            return ast.Call(func=inner, args=[original(a) if computes(func) else plainer(a) for a in args], keywords=keywords)
    return expr


def computes(func: ast.expr) -> bool:
    """Whether a function is a ufunc of NumPy's by its name, whose result is new memory."""
    return isinstance(func, ast.Attribute) and is_module(func.value) and isinstance(getattr(np, func.attr, None), np.ufunc)


def original(operand: ast.expr) -> ast.expr:
    match operand:
        case ast.Call(func=ast.Attribute(value=value, attr="copy"), args=[], keywords=[]):
            return original(value)
        case ast.Subscript(value=value, slice=index):
            return ast.Subscript(value=original(value), slice=index, ctx=ast.Load())
    return plainer(operand)


def signed(statement: Statement) -> Statement:
    """`x += -y` is `x -= y`, what is added needs no copy, and a minus goes where it costs least: `-(x * (1.0 / n / y))` is `x * (-1.0 / n / y)`, `-(x * y[:, None])` is `x * -y[:, None]`."""
    match statement:
        case Update(target, ast.Add() | ast.Sub() as op, expr, loc) if (denied := without_minus(expr)) is not None:
            return Update(target, ast.Sub() if isinstance(op, ast.Add) else ast.Add(), denied, loc)
        case Update(target, op, ast.Call(func=ast.Attribute(value=ast.Name() | ast.Subscript() as value, attr="copy"), args=[], keywords=[]), loc) if root_of(value) != root_of(target):
            return Update(target, op, value, loc)
        case Assign(target, ast.UnaryOp(op=ast.USub(), operand=operand), loc):
            moved = with_minus(operand)
            return statement if moved is None else Assign(target, moved, loc)
    return with_blocks(statement, lambda b: tuple(map(signed, b))) if blocks(statement) else statement


def without_minus(expr: ast.expr) -> ast.expr | None:
    """What a product is the opposite of, where it begins with a minus: of `-x @ y`, `x @ y`."""
    match expr:
        case ast.UnaryOp(op=ast.USub(), operand=operand):
            return operand
        case ast.Constant(value=int() | float() as value) if value < 0:
            return ast.Constant(value=-value)
        case ast.BinOp(left=left, op=ast.Mult() | ast.Div() | ast.MatMult() as op, right=right):
            first = without_minus(left)
            if first is not None:
                return ast.BinOp(left=first, op=op, right=right)
            second = without_minus(right) if isinstance(op, ast.Mult) else None
            return None if second is None else ast.BinOp(left=left, op=op, right=second)
    return None


def said_negated(block: Block) -> Block:
    """What is read once, at once, with a minus is made with it, where that costs nothing: `dt = 1 / y; dx = -dt` is `dx = -1 / y`."""
    return negated_in(block, tallied(block)[0])


def negated_in(block: Block, counts: Tally) -> Block:
    out: list[Statement] = []
    for statement in block:
        if blocks(statement):
            statement = with_blocks(statement, lambda b: negated_in(b, counts))
        match statement, out[-1] if out else None:
            case Assign(target, ast.UnaryOp(op=ast.USub(), operand=ast.Name(id=part)), loc), Assign(made, expr) if made == part and counts[part] == 1 and (moved := with_minus(expr)) is not None:
                out[-1] = Assign(target, moved, loc)
            case _:
                out.append(statement)
    return tuple(out)


def with_minus(expr: ast.expr) -> ast.expr | None:
    """A product or a quotient with the other sign, by that of a number in it or of a factor that is broadcast."""
    match expr:
        case ast.Constant(value=(int() | float()) as value) if not isinstance(value, bool):
            return const(-value)
        case ast.Subscript(slice=ast.Tuple(elts=parts)) if any(isinstance(p, ast.Constant) and p.value is None for p in parts):
            return ast.UnaryOp(op=ast.USub(), operand=expr)
        case ast.BinOp(left=left, op=ast.Mult() | ast.Div() as op, right=right):
            if (moved := with_minus(left)) is not None:
                return ast.BinOp(left=moved, op=op, right=right)
            if isinstance(op, ast.Mult) and (moved := with_minus(right)) is not None:
                return ast.BinOp(left=left, op=op, right=moved)
    return None
