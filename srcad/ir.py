"""The statement language of srcad: staged single assignments, and the blocks that hold them.

    program ::= def NAME(PARAMETERS): block
    block   ::= statement ...
    statement ::= Assign   target = expr            Update  target += expr
                | Unpack   a, b, *c = value         Store   x[i] = expr
                | Effect   expr
                | If       if test: block else: block
                | For      for target in iter: block else: block
                | While    while (block; test): block else: block
                | Break | Continue | Return value | Raise error
                | With headers: block   | Define name | Delete name | Import name

Every statement carries its `loc`, the user's statement that it comes from. In a
staged program an expression is one operation on atoms; `check` says so, and
`str(program)` prints it as Python. Expressions are never changed in place.
"""
from __future__ import annotations

import ast
import dataclasses
import operator
import re
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import NamedTuple, TypeVar, Union, assert_never

from srcad.syntax import root_of, text


@dataclass(frozen=True)
class Location:
    """A statement or expression of the user's program: where it stands and how it is written."""

    file: str
    line: int
    column: int
    end_line: int
    end_column: int
    source_line: str
    text: str
    index: int = 0  # tells two passes over the same statement apart
    tree: ast.AST | None = dataclasses.field(default=None, compare=False, repr=False)  # the statement as it is written


UNPLACED = Location("", -4, 0, 0, 0, "", "")  # of what no statement of the user's says: copies where paths meet, what is kept


class Place(NamedTuple):
    """What a line of the generated text says: lines of the user's, from `first` to `last` in `file` (0: none), in which half; column: of a loop where it begins."""

    half: str = ""
    file: str = ""
    first: int = 0
    last: int = 0
    column: int = 0


@dataclass(frozen=True)
class Assign:
    """`target = expr`."""

    target: str
    expr: ast.expr
    loc: Location


@dataclass(frozen=True)
class Unpack:
    """`a, b = value`, with at most one starred name, at position `star`."""

    targets: tuple[str, ...]
    star: int | None
    expr: ast.expr
    loc: Location


@dataclass(frozen=True)
class Update:
    """`target op= expr`: the user's augmented assignment, or the accumulation of an adjoint."""

    target: ast.expr
    op: ast.operator
    expr: ast.expr
    loc: Location


@dataclass(frozen=True)
class Store:
    """`target = expr` where the target is an item, a slice or an attribute."""

    target: ast.expr
    expr: ast.expr
    loc: Location


@dataclass(frozen=True)
class Effect:
    """An expression that is run for what it does."""

    expr: ast.expr
    loc: Location


@dataclass(frozen=True)
class If:
    """`tag` tells which branch of the forward pass one of the backward pass reverses; so do those of loops."""

    test: ast.expr
    body: Block
    orelse: Block
    loc: Location
    tag: int = 0


@dataclass(frozen=True)
class For:
    target: str
    iter: ast.expr
    body: Block
    orelse: Block
    loc: Location
    tag: int = 0


@dataclass(frozen=True)
class While:
    """`head` computes what `test` reads; it runs before each test."""

    head: Block
    test: ast.expr
    body: Block
    orelse: Block
    loc: Location
    tag: int = 0


@dataclass(frozen=True)
class Break:
    loc: Location


@dataclass(frozen=True)
class Continue:
    loc: Location


@dataclass(frozen=True)
class Return:
    value: ast.expr
    loc: Location


@dataclass(frozen=True)
class Raise:
    """`raise error from cause`, as the user wrote it."""

    error: ast.expr | None
    cause: ast.expr | None
    loc: Location


@dataclass(frozen=True)
class With:
    """`with headers: body`."""

    headers: tuple[ast.expr, ...]
    body: Block
    loc: Location
    tag: int = 0


@dataclass(frozen=True)
class Define:
    """A function defined inside: `def target` or a lambda, with its defaults as atoms."""

    target: str
    tree: ast.FunctionDef | ast.Lambda
    defaults: tuple[tuple[str, ast.expr], ...]
    loc: Location


@dataclass(frozen=True)
class Delete:
    target: str
    loc: Location


@dataclass(frozen=True)
class Import:
    """`import module as target`, or `from module import attribute as target`; a target of "" only loads it."""

    target: str
    module: str
    attribute: str
    loc: Location


Statement = Union[Assign, Unpack, Update, Store, Effect, If, For, While, Break, Continue, Return, Raise, With, Define, Delete, Import]
Block = tuple[Statement, ...]
S = TypeVar("S", bound=Statement)
T = TypeVar("T")


@dataclass(frozen=True)
class Program:
    """A staged function: its name, its parameters as written, its body; and of the names that were made for it what was asked for."""

    name: str
    parameters: ast.arguments
    body: Block
    bases: Mapping[str, str] = field(default_factory=dict, repr=False)

    def __str__(self) -> str:
        head = f"def {self.name}({arguments_text(self.parameters)}):"
        return "\n".join([head, *lines(self.body, 1)]) + "\n"


def arguments_text(arguments: ast.arguments) -> str:
    return ast.unparse(arguments)


def listed(value: ast.expr) -> str:
    """A tuple without its parentheses, anything else as it is."""
    if isinstance(value, ast.Tuple) and len(value.elts) > 1:
        return ", ".join(text(e) for e in value.elts)
    return text(value)


def lines(block: Block, depth: int) -> Iterator[str]:
    """The lines of a block as Python."""
    pad = "    " * depth
    if not block:
        yield pad + "pass"
    for statement in block:
        match statement:
            case Assign(target, expr):
                yield f"{pad}{target} = {text(expr)}"
            case Unpack(targets, star, expr):
                written = ["*" * (i == star) + t for i, t in enumerate(targets)]
                yield f"{pad}{', '.join(written)}{',' * (len(written) == 1)} = {listed(expr)}"
            case Update(target, op, expr):
                yield f"{pad}{text(target)} {SYMBOLS[type(op)]}= {text(expr)}"
            case Store(target, expr):
                yield f"{pad}{text(target)} = {text(expr)}"
            case Effect(expr):
                yield pad + text(expr)
            case If(test, body, orelse):
                yield f"{pad}if {text(test)}:"
                yield from lines(body, depth + 1)
                if orelse:
                    yield pad + "else:"
                    yield from lines(orelse, depth + 1)
            case For(target, iterable, body, orelse):
                yield f"{pad}for {target} in {text(iterable)}:"
                yield from loop_lines(body, orelse, depth)
            case While(head, test, body, orelse):
                yield from lines(head, depth) if head else ()
                yield f"{pad}while {text(test)}:"
                yield from loop_lines(body + head, orelse, depth)
            case Break():
                yield pad + "break"
            case Continue():
                yield pad + "continue"
            case Return(value):
                yield f"{pad}return {text(value)}"
            case _:
                yield from rare_lines(statement, depth)


def rare_lines(statement: Statement, depth: int) -> Iterator[str]:
    """The lines of what stands in few programs."""
    pad = "    " * depth
    match statement:
        case Raise(error, cause):
            yield pad + " ".join(["raise", *([text(error)] if error else []), *(["from", text(cause)] if cause else [])])
        case With(headers, body):
            yield f"{pad}with {', '.join(map(text, headers))}:"
            yield from lines(body, depth + 1)
        case Define(target, tree):
            written = ast.unparse(tree) if isinstance(tree, ast.FunctionDef) else f"{target} = {ast.unparse(tree)}"
            yield from (pad + line for line in written.split("\n"))
        case Delete(target):
            yield f"{pad}del {target}"
        case Import(target, module, attribute):
            head = f"from {module} import {attribute}" if attribute else f"import {module}"
            yield pad + head + (f" as {target}" if target not in ("", attribute or module) else "")
        case _:
            raise AssertionError(statement)


def loop_lines(body: Block, orelse: Block, depth: int) -> Iterator[str]:
    yield from lines(body, depth + 1)
    if orelse:
        yield "    " * depth + "else:"
        yield from lines(orelse, depth + 1)


SYMBOLS: dict[type[ast.operator], str] = {
    ast.Add: "+", ast.Sub: "-", ast.Mult: "*", ast.Div: "/", ast.FloorDiv: "//", ast.Mod: "%", ast.Pow: "**",
    ast.MatMult: "@", ast.BitAnd: "&", ast.BitOr: "|", ast.BitXor: "^", ast.LShift: "<<", ast.RShift: ">>",
}


def blocks(statement: Statement) -> tuple[Block, ...]:
    """The blocks inside a statement."""
    fields = BLOCKS.get(type(statement))
    return tuple([getattr(statement, f) for f in fields]) if fields else ()


BLOCKS: dict[type, tuple[str, ...]] = {If: ("body", "orelse"), For: ("body", "orelse"), While: ("head", "body", "orelse"), With: ("body",)}


def walk(block: Block) -> Iterator[Statement]:
    """Every statement of a block, those inside others included."""
    for statement in block:
        yield statement
        for inner in blocks(statement):
            yield from walk(inner)


def expressions(statement: Statement) -> tuple[ast.expr, ...]:
    """The expressions that a statement reads, its inner blocks apart."""
    match statement:
        case Assign(_, expr) | Unpack(_, _, expr) | Effect(expr):
            return (expr,)
        case Update(target, _, expr) | Store(target, expr):
            return (target, expr)
        case If(test) | While(_, test):
            return (test,)
        case For(_, iterable):
            return (iterable,)
        case Return(value):
            return (value,)
        case Raise(error, cause):
            return tuple(e for e in (error, cause) if e is not None)
        case With(headers):
            return headers
        case Define(_, tree, defaults):
            return (*([tree] if isinstance(tree, ast.expr) else []), *(d for _, d in defaults))
    return ()


def map_expressions(statement: Statement, change: Callable[[ast.expr], ast.expr]) -> Statement:
    """The statement with each expression that it reads changed, its inner blocks too."""
    match statement:
        case Assign() | Unpack() | Effect():
            return renewed(statement, expr=change(statement.expr))
        case Update() | Store():
            target = statement.target if isinstance(statement.target, ast.Name) else change(statement.target)
            if not isinstance(target, ast.Subscript) and (isinstance(statement, Store) or not isinstance(target, ast.Name)):  # it is stored into, and not given a new value
                target = ast.Subscript(value=target, slice=ast.Constant(value=...), ctx=ast.Store())
            return renewed(statement, target=target, expr=change(statement.expr))
        case If(test, body, orelse):
            return renewed(statement, test=change(test), body=map_block(body, change), orelse=map_block(orelse, change))
        case For(_, iterable, body, orelse):
            return renewed(statement, iter=change(iterable), body=map_block(body, change), orelse=map_block(orelse, change))
        case While(head, test, body, orelse):
            return renewed(statement, head=map_block(head, change), test=change(test), body=map_block(body, change), orelse=map_block(orelse, change))
        case Return(value):
            return renewed(statement, value=change(value))
        case Raise(error, cause):
            return renewed(statement, error=error and change(error), cause=cause and change(cause))
        case With(headers, body):
            return renewed(statement, headers=tuple(map(change, headers)), body=map_block(body, change))
    return statement


def with_blocks(statement: Statement, change: Callable[[Block], Block]) -> Statement:
    """The statement with each block inside it changed."""
    fields = BLOCKS.get(type(statement))
    return renewed(statement, **{f: change(getattr(statement, f)) for f in fields}) if fields else statement


def map_block(block: Block, change: Callable[[ast.expr], ast.expr]) -> Block:
    return unless_same(block, tuple([map_expressions(s, change) for s in block]))


def renewed(statement: S, **fields: object) -> S:
    """The statement with other fields; the statement itself, and what is known of it, where they are the same."""
    fields = {f: unless_same(getattr(statement, f), value) if isinstance(value, tuple) else value for f, value in fields.items()}
    if all(getattr(statement, f) is value for f, value in fields.items()):
        return statement
    made: Callable[..., S] = type(statement)
    return made(*[fields[f] if f in fields else getattr(statement, f) for f in statement.__match_args__])


def unless_same(old: tuple[T, ...], new: tuple[T, ...]) -> tuple[T, ...]:
    """A block after a change; the block before it, where that changed nothing."""
    return old if len(old) == len(new) and all(map(operator.is_, old, new)) else new


def targets(statement: Statement) -> tuple[str, ...]:
    """The names that a statement itself binds or changes."""
    match statement:
        case For(target):
            return tuple(WORD.findall(target))
        case Assign(target) | Define(target) | Delete(target) | Import(target):
            return (target,)
        case Unpack(names):
            return names
        case Update(ast.Name(id=identifier)):
            return (identifier,)
        case Update(target) | Store(target):
            root = root_of(target)
            return (root,) if root else ()
    return ()


ATOMS = (ast.Name, ast.Constant)
WORD = re.compile(r"\w+")  # of the targets of a loop: `i, (a, b)`


def is_atom(node: ast.expr) -> bool:
    return isinstance(node, ATOMS) or (isinstance(node, ast.UnaryOp) and isinstance(node.operand, ast.Constant))


def check(program: Program) -> None:
    """Raise AssertionError where a staged program is not what it must be: each expression one operation on atoms."""
    for statement in walk(program.body):
        match statement:
            case Assign(_, expr) | Effect(expr):
                for operand in operands(expr):
                    assert is_atom(operand), f"`{text(expr)}` is more than one operation"
            case Unpack(_, _, expr) | Return(expr) | If(expr) | While(_, expr) | For(_, expr):
                assert is_atom(expr), f"`{text(expr)}` is not an atom"
            case Update(_, _, expr) | Store(_, expr):
                assert is_atom(expr), f"`{text(expr)}` is not an atom"
            case Break() | Continue() | Raise() | With() | Define() | Delete() | Import():
                pass
            case _:
                assert_never(statement)


def operands(expr: ast.expr) -> Iterator[ast.expr]:
    """What an operation is applied to. The path of a called function and the frame of an index do not count."""
    match expr:
        case ast.Call(func=func, args=args, keywords=keywords):
            if isinstance(func, ast.Attribute):
                yield from operands(func)
            for a in args:
                yield a.value if isinstance(a, ast.Starred) else a
            yield from (k.value for k in keywords)
        case ast.Subscript(value=value, slice=index):
            yield value
            yield from operands(index)
        case ast.Attribute(value=value):
            yield from operands(value) if isinstance(value, ast.Attribute) else (value,)
        case ast.Slice():
            yield from (part for part in (expr.lower, expr.upper, expr.step) if part is not None)
        case ast.Lambda():
            return
        case ast.Starred(value=value):
            yield value
        case ast.JoinedStr() | ast.FormattedValue():
            return
        case ast.Tuple(elts=elts) | ast.List(elts=elts):
            for element in elts:
                yield from operands(element) if not is_atom(element) else (element,)
        case _ if is_atom(expr):
            yield expr
        case _:
            yield from (child for child in ast.iter_child_nodes(expr) if isinstance(child, ast.expr))
