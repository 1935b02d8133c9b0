"""Loops over the same axis joined into one, and arrays that live for one pass made numbers.

    for i in range(n):                  for i in range(n):
        t[i] = x[i] + b[i]       ->         t = x[i] + b[i]
    for i in range(n):                      y[i] = t * t
        y[i] = t[i] * t[i]

Two loops are joined when every array that one of them writes and the other touches is touched at the same index of the
joined axis, and no number passes from one to the other. What stands between them must not mind.
"""
from __future__ import annotations

import ast
from collections.abc import Iterator

from srcad.backends.tree import Effects, Frame, Line, Loop, Node, effects, inner_blocks, rename
from srcad.backends.vector import FUNCTIONS


class Aliases:
    """Names that may mean the same memory, in classes."""

    def __init__(self) -> None:
        self.parent: dict[str, str] = {}

    def find(self, name: str) -> str:
        while name in self.parent:
            name = self.parent[name]
        return name

    def join(self, a: str, b: str) -> None:
        a, b = self.find(a), self.find(b)
        if a != b:
            self.parent[b] = a


def touched(found: Effects, aliases: Aliases) -> dict[str, tuple[bool, list[tuple[str, tuple[str, ...] | None]]]]:
    """For each class of memory: whether it is written, and every access as name and index."""
    classes: dict[str, tuple[bool, list[tuple[str, tuple[str, ...] | None]]]] = {}
    accesses: list[tuple[str, tuple[str, ...] | None, bool]] = [*found.elements, *((n, None, w) for n, w in found.whole.items())]
    for name, key, written in accesses:
        root = aliases.find(name)
        before, uses = classes.get(root, (False, []))
        classes[root] = (before or written, [*uses, (name, key)])
    return classes


def commute(a: Node, b: Node, aliases: Aliases) -> bool:
    """Whether `b`, which stands after `a`, may run before it. Nothing comes before a test of sizes that it relies on."""
    if isinstance(a, Line) and a.check:
        return isinstance(b, Line) and (b.check or b.pure)
    x, y = effects(a), effects(b)
    if x.jumps or y.jumps:
        return False
    if x.binds & (y.reads | y.binds) or y.binds & x.reads:
        return False
    first, second = touched(x, aliases), touched(y, aliases)
    return not any(root in second and (written or second[root][0]) for root, (written, _) in first.items())


def joinable(a: Loop, b: Loop, aliases: Aliases) -> bool:
    """Whether each pass of `b` may run right after the same pass of `a`."""
    if a.dim.key != b.dim.key:
        return False
    x, y = effects(a), effects(b)
    if x.jumps or y.jumps or (x.binds & (y.reads | y.binds)) or (y.binds & x.reads):
        return False
    if (x.vector and y.sums or y.vector and x.sums) and innermost(a) and innermost(b):
        return False
    first, second = touched(x, aliases), touched(y, aliases)
    for root, (written, uses) in first.items():
        if root not in second or not (written or second[root][0]):
            continue
        if not same_position(a.var, uses, b.var, second[root][1]):
            return False
    return True


def innermost(loop: Loop) -> bool:
    return all(isinstance(n, Line) for n in loop.body)


def same_position(var_a: str, first: list[tuple[str, tuple[str, ...] | None]], var_b: str, second: list[tuple[str, tuple[str, ...] | None]]) -> bool:
    """Whether all accesses are to one array, with the index of the joined axis in one and the same place."""
    if len({name for name, _ in (*first, *second)}) != 1:
        return False
    keys = [(key, var_a) for _, key in first] + [(key, var_b) for _, key in second]
    if any(key is None for key, _ in keys):
        return False
    rank = len(keys[0][0] or ())
    return any(all(key is not None and len(key) == rank and key[p] == var for key, var in keys) for p in range(rank))


def fused(block: list[Node], aliases: Aliases) -> list[Node]:
    """A block with its loops joined, and those inside them."""
    out: list[Node] = []
    for node in block:
        if isinstance(node, Frame):
            node.blocks = [fused(b, aliases) for b in node.blocks]
            node.effects = None
            out.append(node)
        elif not (isinstance(node, Loop) and joined(out, node, aliases)):
            out.append(node)
    for node in out:
        if isinstance(node, Loop):
            node.body = fused(node.body, aliases)
            node.effects = None
    return out


def joined(out: list[Node], loop: Loop, aliases: Aliases) -> bool:
    """Join a loop to one that stands before it. What it needs from between goes up with it."""
    pending: list[Node] = []
    for k in range(len(out) - 1, -1, -1):
        node = out[k]
        if isinstance(node, Loop) and joinable(node, loop, aliases) and all(commute(node, p, aliases) for p in pending):
            rest = [n for n in out[k + 1:] if not any(n is p for p in pending)]
            body: list[Node] = [loop]
            rename(body, {loop.var: node.var})
            node.body = node.body + loop.body
            node.effects = None
            out[k:] = [*pending, node, *rest]
            return True
        if all(commute(node, p, aliases) for p in (loop, *pending)):
            continue
        if not (isinstance(node, Line) and node.pure):
            return False
        pending.insert(0, node)
    return False


class Plain(ast.NodeTransformer):
    """`exp` becomes `math.exp`."""

    def visit_Call(self, node: ast.Call) -> ast.AST:
        self.generic_visit(node)
        if isinstance(node.func, ast.Name) and node.func.id in FUNCTIONS:
            node.func = ast.Attribute(value=ast.Name(id="math", ctx=ast.Load()), attr=node.func.id, ctx=ast.Load())
        return node


def plain_calls(block: list[Node], vector: bool = False) -> None:
    """Functions made for vector instructions stay where there can be some: in the innermost loops, without sums in order. In place."""
    for node in block:
        if isinstance(node, Line):
            if not vector:
                node.tree = Plain().visit(node.tree)
        else:
            fit = isinstance(node, Loop) and innermost(node) and not carried(node)
            for inner in inner_blocks(node):
                plain_calls(inner, fit)


def carried(loop: Loop) -> bool:
    """Whether a pass takes a number from the one before, or tests an index."""
    made: set[str] = set()
    for node in loop.body:
        if not isinstance(node, Line):
            return True
        tree = node.tree
        found = effects(node)
        if isinstance(tree, ast.AugAssign) and isinstance(tree.target, ast.Name) and tree.target.id not in made or "at" in found.reads or isinstance(tree, ast.If):
            return True
        made |= found.binds
    return False


# ---- arrays that live for one pass


Place = tuple[int, ...]


def places(block: list[Node], at: Place = ()) -> Iterator[tuple[Place, Node]]:
    """Every node with where it stands, in order."""
    for k, node in enumerate(block):
        yield (*at, k), node
        for b, inner in enumerate(inner_blocks(node)):
            yield from places(inner, (*at, k, b))


def contract(block: list[Node], kept: set[str]) -> None:
    """Make numbers of the arrays that are made for one pass of a loop, in place."""
    allocs = {node.alloc: node for _, node in places(block) if isinstance(node, Line) and node.alloc and node.alloc not in kept}
    uses: dict[str, list[tuple[Place, Line, tuple[str, ...], bool]]] = {name: [] for name in allocs}
    bad: set[str] = set()
    for place, node in places(block):
        if isinstance(node, Line) and node.alloc in allocs and allocs[node.alloc] is node:
            bad |= effects(node).reads & set(allocs)
            continue
        bad |= used_otherwise(node, set(allocs))
        if isinstance(node, Line):
            for name, key, written in effects(node).elements:
                if name in uses:
                    uses[name].append((place, node, key, written))
    for name, found in uses.items():
        if name not in bad and found and lives_for_one_pass(name, found):
            for node in {id(n): n for _, n, _, _ in found}.values():
                node.tree = Scalar(name).visit(node.tree)
                node.effects = None
            remove(block, allocs[name])


def used_otherwise(node: Node, names: set[str]) -> set[str]:
    """The arrays that a node reads other than element by element."""
    if isinstance(node, Line):
        trees: list[ast.AST] = [node.tree]
    elif isinstance(node, Loop):
        trees = [ast.parse(node.extent, mode="eval")]
    else:
        trees = [ast.parse(h + " pass") for h in node.heads if h != "else:"]
    if isinstance(node, (Frame, Loop)):
        return {n.id for t in trees for n in ast.walk(t) if isinstance(n, ast.Name)} & names
    inside = {id(s.value) for t in trees for s in ast.walk(t) if isinstance(s, ast.Subscript)}
    sliced = {s.value.id for t in trees for s in ast.walk(t) if isinstance(s, ast.Subscript) and isinstance(s.value, ast.Name) and
              any(isinstance(p, ast.Slice) for p in ast.walk(s.slice))}
    return ({n.id for t in trees for n in ast.walk(t) if isinstance(n, ast.Name) and id(n) not in inside} | sliced) & names


def lives_for_one_pass(name: str, found: list[tuple[Place, Line, tuple[str, ...], bool]]) -> bool:
    """Whether it is written first, and then read only in the same pass at the same index."""
    place, first, key, _ = found[0]
    if len(place) < 3 or len({k for _, _, k, _ in found}) != 1:
        return False
    tree = first.tree
    if not (isinstance(tree, ast.Assign) and isinstance(tree.targets[0], ast.Subscript) and isinstance(tree.targets[0].value, ast.Name) and tree.targets[0].value.id == name):
        return False
    if sum(isinstance(n, ast.Name) and n.id == name for n in ast.walk(tree)) != 1:
        return False
    return all(p[: len(place) - 1] == place[:-1] and p[len(place) - 1] >= place[-1] for p, _, _, _ in found)


class Scalar(ast.NodeTransformer):
    """`t[i]` becomes `t`."""

    def __init__(self, name: str) -> None:
        self.name = name

    def visit_Subscript(self, node: ast.Subscript) -> ast.AST:
        if isinstance(node.value, ast.Name) and node.value.id == self.name:
            return ast.Name(id=self.name, ctx=node.ctx)
        return self.generic_visit(node)


def remove(block: list[Node], line: Line) -> None:
    for node in block:
        for inner in inner_blocks(node):
            remove(inner, line)
    block[:] = [n for n in block if n is not line]
