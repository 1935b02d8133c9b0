"""Loops of the backward pass made cheaper: elements that are met once, and sums that can wait for the end of the loop.

    for t in reversed(range(n)):              for t in reversed(range(n)):
        dX[t] += dtotal                  ->       dX[t] = dtotal
        dW += np.outer(dtotal, h)                 dtotals.append(dtotal)
                                                  hs.append(h)
                                              dW += np.array(dtotals).T @ np.array(hs)
"""
from __future__ import annotations

import ast
import dataclasses
from collections import Counter
from collections.abc import Callable, Sequence

from srcad.ir import UNPLACED, Assign, Block, Effect, For, If, Statement, Store, Unpack, Update, blocks, with_blocks
from srcad.simplify import bound, changes, reads
from srcad.splice import split_literal
from srcad.syntax import binary, call, const, method, name, names


def met_once(block: Block) -> Block:
    """`dx[i] += v` is `dx[i] = v` where dx is zero so far and every pass has an element of its own."""
    out: list[Statement] = []
    for statement in block:
        if blocks(statement):
            statement = with_blocks(statement, met_once)
        if isinstance(statement, For):
            for blank in blanks(out):
                found = stored((statement,), blank, ())
                statement = found[0] if found is not None else statement
        out.append(statement)
    return tuple(out)


def blanks(before: Sequence[Statement]) -> list[str]:
    """The arrays that are zero and have not been touched since."""
    found: list[str] = []
    for statement in before:
        touched = set(reads(statement)) | set(bound(statement)) | changes(statement)
        found = [f for f in found if f not in touched]
        match statement:
            case Assign(target, ast.Call(func=ast.Attribute(attr="zeros"))):
                found.append(target)
    return found


def stored(block: Block, blank: str, counters: tuple[str, ...]) -> Block | None:
    """The block with the one update of an array on each path as a store; None where there is more than that."""
    mentions = [i for i, s in enumerate(block) if blank in reads(s) or blank in changes(s)]
    if not mentions:
        return block
    if len(mentions) > 1:
        return None
    made = stored_in(block[mentions[0]], blank, counters)
    return None if made is None else (*block[: mentions[0]], made, *block[mentions[0] + 1 :])


def stored_in(statement: Statement, blank: str, counters: tuple[str, ...]) -> Statement | None:
    match statement:
        case Update(ast.Subscript(value=ast.Name(id=target), slice=index) as place, ast.Add() | ast.Sub() as op, expr, loc) if target == blank and counters:
            parts = index.elts if isinstance(index, ast.Tuple) else [index]
            own = {p.id for p in parts if isinstance(p, ast.Name)}
            if blank in names(expr) or not set(counters) <= own:
                return None
            return Store(place, expr if isinstance(op, ast.Add) else ast.UnaryOp(op=ast.USub(), operand=expr), loc)
        case If(test, body, orelse) if blank not in names(test):
            first, second = stored(body, blank, counters), stored(orelse, blank, counters)
            return None if first is None or second is None else dataclasses.replace(statement, body=first, orelse=second)
        case For(target, iterable, body) if counts_up(iterable) and not any(target in bound(s) for s in body):
            found = stored(body, blank, (*counters, target))
            return None if found is None else dataclasses.replace(statement, body=found)
    return None


def counts_up(iterable: ast.expr) -> bool:
    """Whether a loop counts through whole numbers that are not negative, each once: a negative one could name an element again."""
    match iterable:
        case ast.Call(func=ast.Name(id="reversed"), args=[inner]):
            return counts_up(inner)
        case ast.Subscript(value=inner, slice=ast.Slice(lower=None)):
            return counts_up(inner)
        case ast.Call(func=ast.Name(id="range"), args=[_]):
            return True
        case ast.Call(func=ast.Name(id="range"), args=[ast.Constant(value=int() as first), _]):
            return first >= 0
        case ast.Call(func=ast.Name(id="range"), args=[_, ast.Constant(value=int() as last), ast.UnaryOp(op=ast.USub())]):
            return last >= 0
        case ast.Call(func=ast.Name(id="range"), args=[_, ast.UnaryOp(op=ast.USub(), operand=ast.Constant(value=1)), ast.UnaryOp(op=ast.USub())]):
            return True
    return False


# ---- what folding has brought together


def plainer(expr: ast.expr) -> ast.expr:
    """What arithmetic reads at once needs no copy: `x.copy() > 0` is `x > 0`; and `2 * (0.5 * x)` is x."""
    match expr:
        case ast.BinOp(left=ast.Constant(value=2), op=ast.Mult(), right=right) if (halved := split_literal(right))[0] == 0.5:
            return plainer(halved[1])
        case ast.BinOp(left=left, op=op, right=right):
            return ast.BinOp(left=original(left), op=op, right=original(right))
        case ast.Compare(left=left, ops=ops, comparators=[right]):
            return ast.Compare(left=original(left), ops=ops, comparators=[original(right)])
        case ast.UnaryOp(op=op, operand=operand):
            return ast.UnaryOp(op=op, operand=original(operand))
        case ast.Call(func=func, args=args, keywords=keywords):
            inner = ast.Attribute(value=plainer(func.value), attr=func.attr, ctx=ast.Load()) if isinstance(func, ast.Attribute) else func
            return ast.Call(func=inner, args=[plainer(a) for a in args], keywords=keywords)
    return expr


def original(operand: ast.expr) -> ast.expr:
    match operand:
        case ast.Call(func=ast.Attribute(value=value, attr="copy"), args=[], keywords=[]):
            return original(value)
        case ast.Subscript(value=value, slice=index):
            return ast.Subscript(value=original(value), slice=index, ctx=ast.Load())
    return plainer(operand)


# ---- sums of outer products


class Outers:
    """Turns outer products that a loop only adds up into one product of matrices after it."""

    def __init__(self, temporary: Callable[[str], str], is_vector: Callable[[str], bool]) -> None:
        self.temporary, self.is_vector = temporary, is_vector

    def apply(self, block: Block) -> Block:
        out: list[Statement] = []
        for statement in block:
            if isinstance(statement, For):
                out += self.loop(statement)
            else:
                out.append(with_blocks(statement, self.apply) if blocks(statement) else statement)
        return tuple(out)

    def loop(self, loop: For) -> list[Statement]:
        """Lists before the loop, the loop, the sums after it."""
        outers = [s for s in loop.body if is_outer(s) and self.waits(s, loop)]
        if not outers:
            return [dataclasses.replace(loop, body=self.apply(loop.body))]
        labels = {n: self.temporary(plural(n)) for n in dict.fromkeys(f.id for s in outers for f in factors(s))}
        sums = [s for s in loop.body if is_sum(s) and s.expr.id in labels and self.waits(s, loop)]  # type: ignore[union-attr]
        first = {n: next(i for i, s in enumerate(loop.body) if (s in outers or s in sums) and n in names(s.expr)) for n in labels}  # type: ignore[union-attr]
        body: list[Statement] = []
        for i, statement in enumerate(loop.body):
            body += [Effect(method(name(labels[n]), "append", name(n)), statement.loc) for n, at in first.items() if at == i]
            if statement not in outers and statement not in sums:
                body.append(statement)
        starts: list[Statement] = [Assign(label, ast.List(elts=[], ctx=ast.Load()), UNPLACED) for label in labels.values()]
        waiting = [s for s in loop.body if s in outers or s in sums]
        return [*starts, dataclasses.replace(loop, body=tuple(body)), *after(waiting, labels, outers[0].expr.func.value)]  # type: ignore[union-attr]

    def waits(self, update: Statement, loop: For) -> bool:
        """Whether a sum is not asked for inside the loop, and what is added stays as it is, in memory of its own."""
        assert isinstance(update, Update) and isinstance(update.target, ast.Name)
        target = update.target.id
        if any(target in reads(s) or target in changes(s) for s in loop.body if s is not update):
            return False
        added = [f.id for f in factors(update)] if is_outer(update) else [update.expr.id]  # type: ignore[attr-defined]
        return all(self.is_vector(n) and steady(n, loop.body, update) for n in added)


def after(waiting: list[Statement], labels: dict[str, str], library: ast.expr) -> list[Statement]:
    """The sums after the loop, with each list made an array, once."""
    uses = Counter(n for s in waiting for n in names(s.expr) if n in labels)  # type: ignore[union-attr]
    out: list[Statement] = []
    arrays: dict[str, ast.expr] = {}
    for statement in waiting:
        for n in dict.fromkeys(n for n in names(statement.expr) if n in labels and n not in arrays):  # type: ignore[union-attr]
            arrays[n] = call(ast.Attribute(value=library, attr="array", ctx=ast.Load()), [name(labels[n])])
            if uses[n] > 1:
                out.append(Assign(labels[n], arrays[n], statement.loc))
                arrays[n] = name(labels[n])
        out.append(dataclasses.replace(statement, expr=whole(statement, arrays)))  # type: ignore[arg-type]
    return out


def whole(statement: Statement, arrays: dict[str, ast.expr]) -> ast.expr:
    """What a sum comes to, of the arrays of what was added."""
    if is_outer(statement):
        rows, columns = (arrays[f.id] for f in factors(statement))
        return binary(ast.Attribute(value=rows, attr="T", ctx=ast.Load()), ast.MatMult(), columns)
    return call(ast.Attribute(value=arrays[statement.expr.id], attr="sum", ctx=ast.Load()), [], axis=const(0))  # type: ignore[union-attr]


def steady(identifier: str, body: Block, update: Statement) -> bool:
    """Whether a name's memory is new in every pass, or is not changed at all, and not changed after this statement."""
    at = next(i for i, s in enumerate(body) if s is update)
    touched = [i for i, s in enumerate(body) if identifier in changes(s) and not (isinstance(s, (Assign, Unpack)) and i < at)]
    if not touched:
        return True
    made = [i for i, s in enumerate(body) if isinstance(s, Assign) and s.target == identifier and isinstance(s.expr, (ast.BinOp, ast.UnaryOp))]
    return bool(made) and made[-1] < touched[0] and touched[-1] < at


def is_outer(statement: Statement) -> bool:
    match statement:
        case Update(ast.Name(), ast.Add() | ast.Sub(), ast.Call(func=ast.Attribute(attr="outer"), args=[ast.Name(), ast.Name()])):
            return True
    return False


def is_sum(statement: Statement) -> bool:
    match statement:
        case Update(ast.Name(), ast.Add() | ast.Sub(), ast.Name()):
            return True
    return False


def factors(update: Statement) -> list[ast.Name]:
    return update.expr.args  # type: ignore[union-attr,return-value]


def plural(identifier: str) -> str:
    return identifier.rstrip("0123456789_") + "s"
