"""Parts of adjoints that a loop adds to in every pass, as views made once before it.

    for _ in range(steps):                   du_left, du_inner, du_right = du[:-2], du[1:-1], du[2:]
        dtotal = 0.5 * du[1:-1]              for _ in range(steps):
        du[1:-1] = 0                   ->        dtotal = 0.5 * du_inner
        du[2:] += dtotal                         du_inner[:] = 0
        du[:-2] += dtotal                        du_right += dtotal
                                                 du_left += dtotal

`du[2:] += dtotal` makes the view, adds to it, and then copies it onto itself.
"""
from __future__ import annotations

import ast
import builtins
import dataclasses
from collections import Counter, defaultdict
from collections.abc import Callable, Collection, Iterator, Mapping
from typing import TypeGuard

from srcad.ir import UNPLACED, Assign, Block, For, Statement, Store, Unpack, Update, While, blocks, expressions, map_block, walk, with_blocks
from srcad.simplify import header_mapped
from srcad.surgery import ADJOINT
from srcad.syntax import Parts, name, names, nodes, parts_of, root_of, substitute
from srcad.uses import Tally, is_read_only_in, rebound, tallied

SIDES = (("left", "right"), ("north", "south"), ("west", "east"))  # of a vector; of the rows and the columns of a matrix
ALL = ast.Slice()
LINE = 100  # as many characters go on one line


class Hoisting:
    """temporary: makes a new name; is_array: whether a name is an array for certain."""

    def __init__(self, temporary: Callable[[str], str], is_array: Callable[[str], bool]) -> None:
        self.temporary, self.is_array = temporary, is_array
        self.reads = Tally()
        self.bindings = Tally()

    def apply(self, block: Block) -> Block:
        """The backward half with such views before its loops, the outermost that leave the array where it is."""
        self.reads, self.bindings = tallied(block)
        return self.block(block)

    def block(self, block: Block) -> Block:
        out: list[Statement] = []
        for statement in block:
            if isinstance(statement, (For, While)):
                made, statement = self.loop(statement)
                out += made
            out.append(with_blocks(statement, self.block) if blocks(statement) else statement)
        return tuple(out)

    def loop(self, loop: For | While) -> tuple[list[Statement], Statement]:
        """The views that a loop adds to, and the loop with their names in their places."""
        moving = set(rebound(loop))
        found: dict[str, dict[str, ast.Subscript]] = defaultdict(dict)
        for statement in walk((loop,)):
            match statement:
                case Update(ast.Subscript(value=ast.Name(id=array)) as place) if array not in moving and is_steady(place.slice) and self.is_array(array) and statement.loc.file != ADJOINT:
                    found[array].setdefault(ast.unparse(place), place)
        for array, place in self.stored(loop) if found else ():
            if array in found:
                found[array].setdefault(ast.unparse(place), place)
        views: dict[str, str] = {}
        made: list[Statement] = []
        for array, places in found.items():
            labels = tuple(self.temporary(f"{array}_{side(place.slice)}") for place in places.values())
            views |= dict(zip(places, labels))
            parts: list[ast.expr] = [ast.Subscript(value=name(array), slice=place.slice, ctx=ast.Load()) for place in places.values()]
            if len(parts) > 1 and len(", ".join([*labels, *places])) < LINE:
                made.append(Unpack(labels, None, ast.Tuple(elts=parts, ctx=ast.Load()), UNPLACED))
            else:
                made += [Assign(label, part, UNPLACED) for label, part in zip(labels, parts)]
        return made, with_blocks(loop, lambda b: self.without_aliases(tuple(with_views(s, views) for s in b), set(views.values()))) if views else loop

    @staticmethod
    def stored(loop: For | While) -> Iterator[tuple[str, ast.Subscript]]:
        """The parts of arrays that a loop stores into and reads, or stores into twice."""
        places = [s.target for s in walk((loop,)) if isinstance(s, Store) and is_steady_part(s.target) and s.loc.file != ADJOINT]
        if places:
            met = Counter(ast.unparse(n) for s in walk((loop,)) for e in expressions(s) for n in nodes(e) if is_steady_part(n))
            yield from ((root_of(place), place) for place in places if met[ast.unparse(place)] > 1)

    def without_aliases(self, body: Block, views: Collection[str]) -> Block:
        """A loop's body without other names for a view: `dt = du_inner` goes, and what reads dt reads du_inner."""
        aliases = {s.target: s.expr for s in body if isinstance(s, Assign) and isinstance(s.expr, ast.Name) and s.expr.id in views and self.is_alias(s, body)}
        rest = tuple(s for s in body if not (isinstance(s, Assign) and s.target in aliases))
        return map_block(rest, lambda e: substitute(e, aliases)) if aliases else body

    def is_alias(self, statement: Assign, body: Block) -> bool:
        """Whether a name is bound once and read only here."""
        target = statement.target
        return self.bindings[target] == 1 and is_read_only_in(body, target, self.reads)


def with_views(statement: Statement, views: Mapping[str, str]) -> Statement:
    """A statement with the names of views in their places; `du[1:-1] = 0` is `du_inner[:] = 0`."""
    if statement.loc.file == ADJOINT:
        return statement
    changed = header_mapped(statement, Parts(views).visit)
    match changed:
        case Store(ast.Subscript(value=ast.Name(id=label) as view, slice=ast.Constant(value=builtins.Ellipsis))) if label in views.values():
            changed = dataclasses.replace(changed, target=ast.Subscript(value=view, slice=ALL, ctx=ast.Store()))
    return with_blocks(changed, lambda b: tuple(with_views(s, views) for s in b))


def is_steady_part(node: ast.AST) -> TypeGuard[ast.Subscript]:
    """Whether it is a part of a named array, one and the same in every pass."""
    return isinstance(node, ast.Subscript) and isinstance(node.value, ast.Name) and is_steady(node.slice)


def is_steady(index: ast.expr) -> bool:
    """Whether an index makes one and the same view in every pass: slices between numbers that are written down."""
    parts = parts_of(index)
    return any(isinstance(p, ast.Slice) for p in parts) and all(isinstance(p, (ast.Slice, ast.Constant, ast.UnaryOp)) for p in parts) and not any(names(index))


def side(index: ast.expr) -> str:
    """The part that an index takes in a word: left or right of a vector, north or west of a matrix, inner, or else only a part."""
    parts = parts_of(index)
    words = [taken(p, sides) for p, sides in zip(parts, SIDES if len(parts) == 1 else SIDES[1:])]
    if len(parts) > 2 or None in words:
        return "part"
    return "".join(w for w in words if w) or "inner"


def taken(part: ast.expr, sides: tuple[str, str]) -> str | None:
    """Which side of an axis a slice takes; nothing for its middle or the whole."""
    if not isinstance(part, ast.Slice) or part.step is not None:
        return None
    lower, upper = (part.lower is not None, part.upper is not None)
    return "" if lower == upper else sides[0] if upper else sides[1]
