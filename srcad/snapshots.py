"""Long loops that keep a state now and then, and run each stretch between again when the backward pass comes to it.

    for t in range(n):                   for start in range(0, n, size):
        hs.append(h)              ->         snapshots.append(h)
        h = f(h, x[t])                       for t in passes[start : start + size]: h = f(h, x[t])

    for t in reversed(range(n)):         for start in reversed(range(0, n, size)):
        h = hs.pop()              ->         h = snapshots.pop()
        ...                                  for t in passes[start : start + size]: hs.append(h); h = f(h, x[t])
                                             for t in reversed(passes[start : start + size]): h = hs.pop(); ...

With as many snapshots as the square root of the passes, memory grows as that square root, for one more run of
the loop (Chen, Xu, Zhang, Guestrin: Training deep nets with sublinear memory cost, 2016).
"""
from __future__ import annotations

import ast
import dataclasses
from collections.abc import Callable, Iterable, Sequence

from srcad.coalesce import renamed
from srcad.control import jumps
from srcad.errors import SrcadError
from srcad.inference import Inference
from srcad.ir import UNPLACED, Assign, Block, Break, Continue, Effect, For, Location, Raise, Return, Statement, Store, Unpack, Update, blocks, walk, with_blocks
from srcad.live import Live
from srcad.uses import bound, changes, reads
from srcad.syntax import call, const, expression, method, name, names

AGAIN = Location("", -6, 0, 0, 0, "", "")  # of what runs a second time: no comment names it


class Snapshots:
    """Changes the loops of both halves that keep something in every pass."""

    def __init__(self, state: Inference, lists: Sequence[str], option: str | int, sharing: Callable[[str], Iterable[str]]) -> None:
        self.state, self.lists, self.option, self.sharing = state, set(lists), option, sharing

    def apply(self, forward: Block, backward: Block) -> tuple[Block, Block]:
        """Both halves; loops that keep nothing stay as they are. Raises SrcadError where a loop cannot be run again."""
        mirrors = {s.tag: s for s in backward if isinstance(s, For) and s.tag}
        first: list[Statement] = []
        for at, statement in enumerate(forward):
            kept = [label for label in self.lists if label in appended((statement,))]
            if not kept:
                first.append(statement)
                continue
            if not isinstance(statement, For) or statement.tag not in mirrors:
                raise SrcadError("checkpoint= is for `for` loops that are not inside a branch or a `while` loop. Leave it out, or use srcad.checkpoint on what a pass calls.",
                                 statement.loc)
            self.check_what_it_reads(statement, forward[at + 1 :])
            mirror = mirrors[statement.tag]
            after = backward[backward.index(mirror) + 1 :]
            made, back = self.split(statement, mirror, kept, after)
            first += made
            backward = (*backward[: backward.index(mirror)], back, *after)
        gone = {label for label in self.lists if label not in appended(tuple(first))}
        return tuple(s for s in first if not (isinstance(s, Assign) and s.target in gone)), backward

    def split(self, loop: For, mirror: For, kept: list[str], after: Block) -> tuple[list[Statement], Statement]:
        """A loop of the forward half and its mirror, in stretches."""
        self.check(loop, mirror, after, kept)
        temporary = self.state.namer.temporary
        passes, size, start, snapshots = temporary("passes"), temporary("size"), temporary("start"), temporary("snapshots")
        carried = carried_names(loop)
        state: ast.expr = name(carried[0]) if len(carried) == 1 else ast.Tuple(elts=[name(n) for n in carried], ctx=ast.Load())
        stretch = expression(f"{passes}[{start}:{start} + {size}]")
        starts = call("range", [const(0), call("len", [name(passes)]), name(size)])
        once = dataclasses.replace(loop, iter=stretch, body=without_appends(loop.body, kept), tag=0)
        keep = [Effect(method(name(snapshots), "append", state), UNPLACED)] if carried else []
        forward: list[Statement] = [
            Assign(passes, counted(loop.iter), UNPLACED), Assign(size, self.size(passes), UNPLACED), *([Assign(snapshots, ast.List(elts=[], ctx=ast.Load()), UNPLACED)] if carried else []),
            For(start, starts, (*keep, once), (), loop.loc)]
        again = self.again(loop, mirror, carried, stretch)
        taken = method(name(snapshots), "pop")
        restored: list[Statement] = [] if not carried else [Assign(carried[0], taken, AGAIN) if len(carried) == 1 else Unpack(tuple(carried), None, taken, AGAIN)]
        lists = [Assign(label, ast.List(elts=[], ctx=ast.Load()), AGAIN) for label in kept]
        over_kept = bool(set(kept) & set(names(mirror.iter)))  # it needs no index, and runs over what a stretch has kept
        back = dataclasses.replace(mirror, tag=0) if over_kept else dataclasses.replace(mirror, iter=call("reversed", [stretch]), target=loop.target, tag=0)
        return forward, For(start, call("reversed", [starts]), (*restored, *lists, again, back), (), mirror.loc)

    def again(self, loop: For, mirror: For, carried: list[str], stretch: ast.expr) -> For:
        """The stretch once more, with names of its own for what only it uses."""
        shared = {*carried, *Live(mirror.body).into, loop.target}
        own = {t: self.state.namer.temporary(t) for s in loop.body for t in bound(s) if t not in shared and t not in self.lists}
        body = placed(renamed(loop.body, own), AGAIN)
        return For(loop.target, stretch, body, (), AGAIN)

    def size(self, passes: str) -> ast.expr:
        """How many passes a stretch has."""
        if self.option == "sqrt":
            return expression(f"max(1, round(len({passes}) ** 0.5))")
        return expression(f"max(1, -(-len({passes}) // {self.option}))")

    def check_what_it_reads(self, loop: For, later: Block) -> None:
        """A loop that runs again must find what it read the first time."""
        library = {*self.state.facts.modules.values()}
        read = reads(loop).keys() - {*bound(loop), *library}
        memory = read.union(*map(self.sharing, (*read, *carried_names(loop))))
        for statement in walk(later):
            given = {} if blocks(statement) else changes(statement) & (read if isinstance(statement, (Assign, Unpack)) else memory)
            if given:
                raise SrcadError(f"checkpoint= would run the loop in line {loop.loc.line} again, which reads what this has changed by then. Change a copy, or leave checkpoint= out.",
                                 loop.loc if statement.loc is UNPLACED else statement.loc)

    def check(self, loop: For, mirror: For, after: Block, kept: list[str]) -> None:
        """A loop can be run again if a pass only computes, from what it is handed and from what stays as it is."""
        def refuse(what: str) -> None:
            raise SrcadError(f"checkpoint= would run this loop twice, and it {what}. Leave it out, or use srcad.checkpoint on what a pass calls.", loop.loc)

        for statement in walk(loop.body):
            match statement:
                case Store() | Update(ast.Subscript() | ast.Attribute()) | Update(ast.Name()):
                    refuse("changes arrays in place")
                case Effect(ast.Call(func=ast.Attribute(value=ast.Name(id=label), attr="append"))) if label in kept:
                    pass
                case Effect():
                    refuse("does something besides")
            if not blocks(statement) and set(bound(statement)) & (self.state.impure - self.state.pairings.names):
                refuse("draws numbers, or calls what srcad cannot look into")
        if any(jumps(s, (Break, Continue, Return, Raise)) for s in loop.body):
            refuse("may be left early")
        own = {t for s in loop.body for t in bound(s)} - set(carried_names(loop))
        if own & Live(after).into:
            refuse("makes values that are read after it")


def counted(passes: ast.expr) -> ast.expr:
    """What a loop runs over as something that has a length and stretches: a range, turned round where it is."""
    match passes:
        case ast.Call(func=ast.Name(id="reversed"), args=[inner]):
            return ast.Subscript(value=inner, slice=ast.Slice(step=ast.UnaryOp(op=ast.USub(), operand=const(1))), ctx=ast.Load())
    return passes


def placed(block: Block, loc: Location) -> Block:
    """A block with another place for every statement."""
    return tuple(dataclasses.replace(with_blocks(s, lambda b: placed(b, loc)) if blocks(s) else s, loc=loc) for s in block)


def carried_names(loop: For) -> list[str]:
    """What one pass hands to the next."""
    into = Live(loop.body).into
    return [n for n in dict.fromkeys(t for s in loop.body for t in bound(s)) if n in into]


def appended(block: Block) -> set[str]:
    """The lists that a block appends to."""
    found = set()
    for statement in walk(block):
        match statement:
            case Effect(ast.Call(func=ast.Attribute(value=ast.Name(id=label), attr="append"))):
                found.add(label)
    return found


def without_appends(block: Block, lists: Sequence[str]) -> Block:
    out: list[Statement] = []
    for statement in block:
        match statement:
            case Effect(ast.Call(func=ast.Attribute(value=ast.Name(id=label), attr="append"))) if label in lists:
                continue
        out.append(with_blocks(statement, lambda b: without_appends(b, lists)) if blocks(statement) else statement)
    return tuple(out)
