"""The loops of a lowered function as a tree, what each part reads and writes, and its text.

    Loop("i", n, [Line(t[i] = x[i] + 1)])
"""
from __future__ import annotations

import ast
from collections.abc import Iterator
from dataclasses import dataclass, field

from srcad.backends.vector import FUNCTIONS
from srcad.dims import Dim
from srcad.syntax import parts_of


@dataclass(eq=False)
class Line:
    """A statement of one line. `alloc`: the array that it makes; `pure`: it may move up past what it does not depend on."""

    tree: ast.stmt
    alloc: str = ""
    pure: bool = False
    check: bool = False  # a test of sizes: it may move up, and nothing that comes after it moves before it
    effects: Effects | None = None


@dataclass(eq=False)
class Loop:
    """A loop over all elements of an axis: its passes may be joined with those of another over the same axis."""

    var: str
    extent: str
    dim: Dim
    body: list[Node]
    effects: Effects | None = None
    parallel: bool = False


@dataclass(eq=False)
class Frame:
    """The program's own loop or branch: `head:` before each of its blocks."""

    heads: list[str]
    blocks: list[list[Node]]
    reads: set[str]
    writes: set[str]
    effects: Effects | None = None


Node = Line | Loop | Frame


@dataclass
class Effects:
    """Names read and bound; elements read and written, by array and index; arrays touched as a whole."""

    reads: set[str] = field(default_factory=set)
    binds: set[str] = field(default_factory=set)
    elements: list[tuple[str, tuple[str, ...], bool]] = field(default_factory=list)
    whole: dict[str, bool] = field(default_factory=dict)  # name -> whether it may be written
    jumps: bool = False
    vector: bool = False  # computes what becomes vector instructions, if nothing is summed beside it
    sums: bool = False

    def merge(self, other: Effects) -> None:
        self.reads |= other.reads
        self.binds |= other.binds
        self.elements += other.elements
        for key, written in other.whole.items():
            self.whole[key] = self.whole.get(key, False) or written
        self.jumps |= other.jumps
        self.vector |= other.vector
        self.sums |= other.sums


def line(text: str, alloc: str = "", pure: bool = False) -> Line:
    return Line(ast.parse(text).body[0], alloc, pure)


WRITERS = {"sort", "fill", "append", "pop", "resize", "put"}
MODULES = {"np", "math", "numba"}


def effects(node: Node) -> Effects:
    """What a node does, all that is in it included."""
    if node.effects is not None:
        return node.effects
    found = Effects()
    match node:
        case Line(tree=tree):
            scan_statement(tree, found)
        case Loop(var=var, extent=extent, body=body):
            scan(ast.parse(extent, mode="eval").body, found)
            for inner in body:
                found.merge(effects(inner))
            found.binds.add(var)
        case Frame(blocks=blocks):
            for head in node.heads:
                scan_head(head, found)
            found.reads |= node.reads
            found.binds |= node.writes
            for block in blocks:
                for inner in block:
                    found.merge(effects(inner))
    node.effects = found
    return found


def scan_head(head: str, found: Effects) -> None:
    """What the head of a loop or branch reads and binds."""
    if head == "else:":
        return
    statement = ast.parse(head + " pass").body[0]
    if isinstance(statement, ast.For):
        scan(statement.iter, found)
        bind(statement.target, found)
    elif isinstance(statement, (ast.While, ast.If)):
        scan(statement.test, found)


def scan_statement(tree: ast.stmt, found: Effects) -> None:
    match tree:
        case ast.Assign(targets=targets, value=value):
            scan(value, found)
            for target in targets:
                bind(target, found)
        case ast.AugAssign(target=target, value=value):
            scan(value, found)
            if isinstance(target, ast.Name):
                found.reads.add(target.id)
                found.sums = True
            else:
                scan(target, found)
            bind(target, found)
        case ast.Expr(value=value):
            scan(value, found)
        case ast.Return() | ast.Break() | ast.Continue() | ast.Raise():
            found.jumps = True
            for child in ast.iter_child_nodes(tree):
                if isinstance(child, ast.expr):
                    scan(child, found)
        case ast.If(test=test, body=body, orelse=orelse):
            scan(test, found)
            for inner in (*body, *orelse):
                scan_statement(inner, found)
        case _:
            pass


def bind(target: ast.expr, found: Effects) -> None:
    match target:
        case ast.Name(id=identifier):
            found.binds.add(identifier)
        case ast.Tuple(elts=elts):
            for each in elts:
                bind(each, found)
        case ast.Subscript(value=ast.Name(id=identifier), slice=index):
            found.reads.add(identifier)
            scan(index, found)
            key = index_key(index)
            if key is None:
                found.whole[identifier] = True
            else:
                found.elements.append((identifier, key, True))


def index_key(index: ast.expr) -> tuple[str, ...] | None:
    """An index as text, axis by axis; None where it takes more than one element."""
    parts = parts_of(index)
    if any(isinstance(p, (ast.Slice, ast.Starred)) for p in parts):
        return None
    return tuple(p.id if isinstance(p, ast.Name) else ast.unparse(p) for p in parts)


def scan(node: ast.expr, found: Effects) -> None:
    """Collect what an expression reads."""
    match node:
        case ast.Name(id=identifier):
            found.reads.add(identifier)
            if identifier not in MODULES:
                found.whole.setdefault(identifier, False)
        case ast.Attribute(value=ast.Name(id=identifier), attr="shape" | "size"):
            found.reads.add(identifier)
        case ast.Call(func=ast.Name(id="len"), args=[ast.Name(id=identifier)]):
            found.reads.add(identifier)
        case ast.Call(func=ast.Attribute(value=ast.Name(id=identifier), attr=attr), args=args) if identifier not in MODULES:
            found.reads.add(identifier)
            found.whole[identifier] = found.whole.get(identifier, False) or attr in WRITERS
            for each in args:
                scan(each, found)
        case ast.Call(func=func, args=args, keywords=keywords):
            found.vector |= isinstance(func, ast.Name) and func.id in FUNCTIONS
            if isinstance(func, ast.Name) and func.id == "at":
                found.sums = True
                found.reads.add("at")
            if isinstance(func, ast.Attribute) and not is_library(func):
                scan(func.value, found)
            for each in (*args, *(k.value for k in keywords)):
                scan(each, found)
        case ast.Subscript(value=ast.Name(id=identifier), slice=index):
            found.reads.add(identifier)
            scan(index, found)
            key = index_key(index)
            if key is None:
                found.whole.setdefault(identifier, False)
            else:
                found.elements.append((identifier, key, False))
        case ast.Attribute() if is_library(node):
            return
        case _:
            for child in ast.iter_child_nodes(node):
                if isinstance(child, ast.expr):
                    scan(child, found)


def is_library(node: ast.Attribute) -> bool:
    root: ast.expr = node
    while isinstance(root, ast.Attribute):
        root = root.value
    return isinstance(root, ast.Name) and root.id in MODULES


def walk(nodes: list[Node]) -> Iterator[Node]:
    for node in nodes:
        yield node
        for block in inner_blocks(node):
            yield from walk(block)


def inner_blocks(node: Node) -> list[list[Node]]:
    return [node.body] if isinstance(node, Loop) else node.blocks if isinstance(node, Frame) else []


class Renamed(ast.NodeTransformer):
    def __init__(self, names: dict[str, str]) -> None:
        self.names = names

    def visit_Name(self, node: ast.Name) -> ast.Name:
        return ast.Name(id=self.names.get(node.id, node.id), ctx=node.ctx)


def rename(nodes: list[Node], names: dict[str, str]) -> None:
    """Give names in a block others, in place."""
    for node in nodes:
        node.effects = None
        if isinstance(node, Line):
            node.tree = Renamed(names).visit(node.tree)
        elif isinstance(node, Loop):
            node.var = names.get(node.var, node.var)
            node.extent = renamed_text(node.extent, names)
            rename(node.body, names)
        else:
            node.heads = [renamed_head(h, names) for h in node.heads]
            node.reads = {names.get(n, n) for n in node.reads}
            node.writes = {names.get(n, n) for n in node.writes}
            for block in node.blocks:
                rename(block, names)


def renamed_text(text: str, names: dict[str, str]) -> str:
    return ast.unparse(Renamed(names).visit(ast.parse(text, mode="eval").body))


def renamed_head(head: str, names: dict[str, str]) -> str:
    if head == "else:":
        return head
    return ast.unparse(Renamed(names).visit(ast.parse(head + " pass").body[0])).split("\n")[0]


INDICES = ("i", "j", "k", "l", "m", "n")


def lines(nodes: list[Node], depth: int, taken: set[str], names: dict[str, str], nesting: int = 0) -> Iterator[str]:
    """The text of a block. Indices get short names that nothing else has."""
    pad = "    " * depth
    for node in nodes:
        match node:
            case Line(tree=tree):
                text = ast.unparse(Renamed(names).visit(tree) if names else tree)
                yield from (pad + each for each in text.split("\n"))
            case Loop(var=var, extent=extent, body=body):
                free = [v for v in INDICES if v not in taken] or [f"{v}{k}" for k in range(1, 9) for v in INDICES if f"{v}{k}" not in taken]
                inner = {**names, var: free[0]}
                name = "prange" if node.parallel else "range"
                yield f"{pad}for {inner[var]} in {name}({renamed_text(extent, names)}):"
                yield from lines(body, depth + 1, taken | {inner[var]}, inner, nesting + 1)
            case Frame(heads=heads, blocks=blocks):
                for head, block in zip(heads, blocks):
                    yield pad + (renamed_head(head, names) if names else head)
                    yield from lines(block, depth + 1, taken, names, nesting) if block else (pad + "    pass",)
