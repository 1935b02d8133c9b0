"""From statements to text: the user's own lines where they stand unchanged, and a comment above each step of the backward pass.

    # forward pass
    q = x + y
    # backprop f = q * z
    dq = z
    dz = q
"""
from __future__ import annotations

import ast
from collections.abc import Callable, Iterator, Sequence
from typing import NamedTuple

from srcad.ir import UNPLACED, Assign, Block, Break, Continue, For, If, Location, Place, Raise, Statement, Store, Unpack, Update, While, With, blocks, lines
from srcad.syntax import const, nodes, same, text

INDENT = "    "


class Line(NamedTuple):
    """A line of the text, and the statement that it is made from."""

    text: str
    loc: Location = UNPLACED


def function_text(title: str, parameters: str, forward: Block, backward: Block, end: Sequence[str]) -> tuple[str, list[Place]]:
    """One function: its head, the forward half, the backward half, its last lines; and what each of these lines says."""
    rows: list[tuple[Line, str]] = [(Line(f"def {title}({parameters}):"), "")]
    if forward:
        rows += [(Line(f"{INDENT}# forward pass"), "")] * bool(backward) + [(line, "forward") for line in forward_lines(forward)]
    rows += [(line, "backward") for line in backward_lines(backward)] + [(Line(INDENT + line), "") for line in end]
    return "\n".join(line.text for line, _ in rows) + "\n", [place(line.loc, half) for line, half in rows]


def place(loc: Location, half: str) -> Place:
    """A user's statement by its lines; of a loop or a branch those of its head."""
    tree = loc.tree if isinstance(loc.tree, ast.stmt) else None
    if loc.line <= 0:
        return Place(half)
    if tree is None:
        return Place(half, loc.file, loc.line, loc.end_line, loc.column)
    inner: list[ast.stmt] = getattr(tree, "body", [])
    last = max(tree.lineno, inner[0].lineno - 1) if inner else tree.end_lineno or tree.lineno
    return Place(half, loc.file, tree.lineno, last, loc.column)


def forward_lines(block: Block, depth: int = 1) -> Iterator[Line]:
    """Statements of the user, each as it was written where it is unchanged."""
    for group in grouped(block):
        text = verbatim(group)
        if text is not None:
            yield from (Line(INDENT * depth + line, group[0].loc) for line in text.split("\n"))
        elif len(group) == 1 and blocks(group[0]):
            yield from structure_lines(group[0], depth, forward_lines)
        else:
            yield from plain_lines(group, depth)


def backward_lines(block: Block, depth: int = 1) -> Iterator[Line]:
    """The backward pass, each step under a comment with the statement that it undoes."""
    for group in grouped(block):
        if len(group) == 1 and blocks(group[0]) and not is_choice(group[0]):
            yield from structure_lines(group[0], depth, backward_lines)
            continue
        if group[0].loc.text:
            yield Line(f"{INDENT * depth}# backprop {comment(group[0].loc)}", group[0].loc)
        yield from plain_lines(group, depth)


def plain_lines(group: Sequence[Statement], depth: int) -> Iterator[Line]:
    for statement in group:
        yield from (Line(line, statement.loc) for line in lines((statement,), depth))


def is_choice(statement: Statement) -> bool:
    """Whether a branch is part of a step, and reverses none of the user's: which of two operands was the larger."""
    return isinstance(statement, If) and not statement.tag


def structure_lines(statement: Statement, depth: int, inner: Callable[[Block, int], Iterator[Line]], chained: bool = False) -> Iterator[Line]:
    """A branch or a loop, with its blocks written by `inner`.

    What follows a break needs no `else`, unless the branch is `chained`, the elif of another one: that would run it after the other's arm too.
    """
    pad = INDENT * depth

    def block_lines(block: Block) -> Iterator[Line]:
        yield from inner(block, depth + 1) if block else (Line(f"{pad}{INDENT}pass"),)

    match statement:
        case If(test, body, orelse) if not body and orelse:
            yield Line(f"{pad}if {text(negated(test))}:", statement.loc)
            yield from block_lines(orelse)
        case If(test, body, orelse):
            yield Line(f"{pad}if {text(test)}:", statement.loc)
            yield from block_lines(body)
            if orelse and not chained and isinstance(body[-1] if body else None, (Break, Continue, Raise)):
                yield from inner(orelse, depth)
            elif len(orelse) == 1 and isinstance(orelse[0], If) and orelse[0].body:
                first, *rest = structure_lines(orelse[0], depth, inner, chained=True)
                yield from (Line(f"{pad}el{first.text.strip()}", first.loc), *rest)
            elif orelse:
                yield Line(f"{pad}else:")
                yield from block_lines(orelse)
        case For(target, iterable, body):
            yield Line(f"{pad}for {target} in {text(iterable)}:", statement.loc)
            yield from block_lines(body)
        case While(_, ast.Constant(), [If(test, body, [Break()])]) if body:
            yield Line(f"{pad}while {text(test)}:", statement.loc)
            yield from block_lines(body)
        case While(_, test, body):
            yield Line(f"{pad}while {text(test)}:", statement.loc)
            yield from block_lines(body)
        case With(headers, body):
            yield Line(f"{pad}with {', '.join(map(text, headers))}:", statement.loc)
            yield from block_lines(body)


def negated(test: ast.expr) -> ast.expr:
    if isinstance(test, ast.UnaryOp) and isinstance(test.op, ast.Not):
        return test.operand
    return ast.UnaryOp(op=ast.Not(), operand=test)


def comment(loc: Location) -> str:
    """A statement on one line; of a loop or a branch its head."""
    if isinstance(loc.tree, (ast.For, ast.While, ast.If, ast.With)) and "\n" in loc.text:
        return loc.text.split("\n")[0].rstrip(":")
    return " ".join(line.strip() for line in loc.text.split("\n"))


def grouped(block: Block) -> Iterator[list[Statement]]:
    """Neighbouring statements that come from the same statement of the user's."""
    group: list[Statement] = []
    for statement in block:
        if blocks(statement) and not is_choice(statement):
            if group:
                yield group
            yield [statement]
            group = []
            continue
        if group and statement.loc == UNPLACED and group[0].loc != UNPLACED:
            group.append(statement)
            continue
        if group and (group[0].loc.line, group[0].loc.index, group[0].loc.text) != (statement.loc.line, statement.loc.index, statement.loc.text):
            yield group
            group = []
        group.append(statement)
    if group:
        yield group


def verbatim(group: Sequence[Statement]) -> str | None:
    """The user's text, if it says just what the statements do."""
    tree = group[0].loc.tree
    if not isinstance(tree, ast.stmt) or tree.lineno != tree.end_lineno and any(isinstance(n, (ast.Constant, ast.JoinedStr)) and n.lineno != n.end_lineno for n in nodes(tree)):
        return None  # the lines of a string in it cannot be moved
    if len(group) == 1 and isinstance(tree, ast.AugAssign):
        return group[0].loc.text if is_augmented(group[0], tree) else None
    made = [assignment(s) for s in group]
    agree = any(len(made) == len(wanted) and all(m is not None and m[0] == w[0] and same(m[1], w[1]) for m, w in zip(made, wanted))
                for wanted in (list(pairs(tree)), list(items(tree))))
    return group[0].loc.text if agree else None


def assignment(statement: Statement) -> tuple[str, ast.expr] | None:
    """A statement as (targets, value), to compare."""
    match statement:
        case Assign(target, expr):
            return target, expr
        case Unpack(targets, None, expr):
            return ", ".join(targets), expr
        case Store(target, expr):
            return ast.unparse(target), expr
    return None


def is_augmented(statement: Statement, tree: ast.AugAssign) -> bool:
    """Whether a statement is `target op= value`, or stores what that would store."""
    match statement:
        case Update(target, op, expr):
            return same(target, tree.target) and type(op) is type(tree.op) and same(expr, tree.value)
        case Store(target, ast.BinOp(left=left, op=op, right=right)):
            return same(target, tree.target) and same(left, tree.target) and type(op) is type(tree.op) and same(right, tree.value)
    return False


def pairs(tree: ast.stmt) -> Iterator[tuple[str, ast.expr]]:
    """The assignments that a statement makes."""
    match tree:
        case ast.Assign(targets=[ast.Name(id=identifier)], value=value) | ast.AnnAssign(target=ast.Name(id=identifier), value=ast.expr() as value):
            yield identifier, value
        case ast.Assign(targets=[ast.Subscript() as target], value=value):
            yield ast.unparse(target), value
        case ast.Assign(targets=[ast.Tuple(elts=targets)], value=ast.Tuple(elts=values)) if len(targets) == len(values):
            for target, value in zip(targets, values):
                yield getattr(target, "id", "?"), value
        case ast.Assign(targets=[ast.Tuple(elts=targets)], value=value):
            yield ", ".join(getattr(t, "id", "?") for t in targets), value


def items(tree: ast.stmt) -> Iterator[tuple[str, ast.expr]]:
    """The assignments that `a, b = values` stands for."""
    match tree:
        case ast.Assign(targets=[ast.Tuple(elts=targets)], value=ast.Name() as whole) if all(isinstance(t, ast.Name) for t in targets):
            for i, target in enumerate(targets):
                yield getattr(target, "id", "?"), ast.Subscript(value=whole, slice=const(i), ctx=ast.Load())
