"""What the passes of a loop keep for the backward pass: no more than it reads, and only what the next pass overwrites.

    for t in range(n):              for t in reversed(range(n)):
        hs.append(h)        and         ...
        h = f(h, x[t])                  h = hs.pop()

A value that is cheap to say again from what is there (`x[i]`, `v > 0`) is
computed again; the value that a pass leaves behind is what the next began with.
"""
from __future__ import annotations

import ast
import dataclasses
import re
from collections import Counter
from collections.abc import Callable, Iterator, Sequence

from srcad.inference import Change, Inference
from srcad.ir import UNPLACED, Assign, Block, Break, Effect, For, If, Statement, Store, Unpack, While, blocks, expressions, map_expressions, operands, walk, with_blocks
from srcad.kinds import Number
from srcad.coalesce import renamed
from srcad.live import Live
from srcad.loopcode import at_ends, breaks_off, ends_in_break, handing_on
from srcad.overlap import never_meets
from srcad.uses import bound, reads, rebound
from srcad.syntax import call, is_module, name, names, same, substitute

NUMBER = re.compile(r"_\d+$")  # of a name that is not the first of its kind
CHEAP = 3  # operations on single numbers that are rather done again than kept
AGAIN = ("exp", "log", "sin", "cos", "sqrt", "tanh", "abs", "float", "int", "len", "fabs")


class Recording:
    """Adds to both halves of a program what carries values from the passes of one to those of the other."""

    def __init__(self, state: Inference, sides: dict[int, tuple[int, bool]], plain: bool) -> None:
        self.state, self.plain = state, plain
        self.sides = sides  # a loop's tag -> the arm of the branch that its counted passes go through
        self.forward: Block = ()
        self.lists: list[str] = []
        self.again: dict[str, str] = {}  # names of the backward half -> the values of the forward half that they have

    def apply(self, forward: Block, backward: Block) -> tuple[Block, Block]:
        self.forward = forward
        backward = self.read_again(self.blocks(backward, inside=False))
        starts = tuple(Assign(label, ast.List(elts=[], ctx=ast.Load()), UNPLACED) for label in self.lists)
        return place_lists(self.forward, starts), backward

    def blocks(self, backward: Block, inside: bool) -> Block:
        """Every loop of the backward pass, and the branches inside loops, from the innermost outwards."""
        out: list[Statement] = []
        for statement in backward:
            match statement:
                case For(tag=tag) | While(tag=tag) if tag:
                    out.append(self.loop(statement, inside))  # type: ignore[arg-type]
                case If(tag=tag, body=body, orelse=orelse) if tag and inside:
                    body = self.arm(tag, 0, self.blocks(body, True))
                    orelse = self.arm(tag, 1, self.blocks(orelse, True))
                    out.append(dataclasses.replace(statement, body=body, orelse=orelse))
                case _ if blocks(statement):
                    out.append(with_blocks(statement, lambda b: self.blocks(b, inside)))
                case _:
                    out.append(statement)
        return tuple(out)

    def arm(self, tag: int, side: int, backward: Block) -> Block:
        origin = find(self.forward, tag)
        if not isinstance(origin, If):
            return backward
        return self.restored(lambda: blocks(find(self.forward, tag))[side], backward, [], tag, side)  # type: ignore[arg-type]

    def loop(self, loop: For, inside: bool) -> Statement:
        body = self.blocks(loop.body, True)
        origin = find(self.forward, loop.tag)
        assert isinstance(origin, (For, While))
        heads = heads_of(origin.body)
        place = self.sides.get(loop.tag)
        tag, side = (place[0], int(not place[1])) if place else (loop.tag, 0)
        body = self.restored(lambda: self.body_of(loop.tag), body, heads, tag, side, origin.target if isinstance(origin, For) else "")
        return dataclasses.replace(loop, body=body) if inside else over_kept(dataclasses.replace(loop, body=body))

    def body_of(self, tag: int) -> Block:
        origin = find(self.forward, tag)
        assert isinstance(origin, (For, While))
        return origin.body

    def read_again(self, backward: Block) -> Block:
        """Outside loops: what is an element of an array, or was put into one, is read from there."""
        plan = Plan(self.state, self.forward, [], [], "")
        inside = {n for s in backward if blocks(s) for n in reads(s)}
        counts = Counter(t for s in (*self.forward, *backward) for t in rebound(s))
        found: dict[str, ast.expr] = {}
        for statement in self.forward:
            if not isinstance(statement, Assign) or statement.target in self.state.user_names or statement.target in inside or counts[statement.target] > 1:
                continue
            expr = plan.definitions[statement.target].expr if statement.target in plan.definitions else statement.expr
            again = statement.target in plan.stored or isinstance(expr, ast.Subscript) and plan.cost(statement.target, expr) <= 1
            if again and all(counts[n] <= 1 for n in names(expr)):
                found[statement.target] = expr
        return tuple(s if blocks(s) else map_expressions(s, lambda e: substitute(e, found)) for s in backward) if found else backward

    # ---- one block and its mirror

    def restored(self, forward: Callable[[], Block], backward: Block, heads: list[tuple[str, ast.expr]], tag: int, side: int, counter: str = "") -> Block:
        """The block of the backward pass with what it reads of its mirror's values at hand."""
        there = forward()
        assigned = list(dict.fromkeys((*given_here(there), *(h for h, _ in heads))))
        exposed = Live(backward).into
        wanted = [n for n in assigned if n in exposed and n != counter]
        plan = Plan(self.state, there, assigned, heads, counter)
        plan.settle(wanted)
        head_names = {h for h, _ in heads}
        first = [n for n in plan.kept if n in head_names]
        later = [n for n in plan.kept if n not in head_names]
        statements: list[Statement] = []
        for following, head in plan.following:
            statements.append(Assign(following, name(head), UNPLACED))
        groups = [first, later] if first and later and breaks_off(there) else [plan.kept] if plan.kept else []
        if self.plain:  # a list for each
            groups = [[n] for group in groups for n in group]
        pops: list[Statement] = []
        for group in groups:
            if group:
                label = self.list_name(group)
                self.push(tag, side, group, label, set(group) <= set(first))
                pops.append(pop(group, label))
        body = (*statements, *pops, *plan.again, *backward)
        back = dict.fromkeys((*wanted, *(t for s in (*pops, *plan.again) for t in bound(s))))
        own = {n: self.state.namer.temporary(n) for n in back if n not in self.state.user_names and n not in head_names}
        for old, new in own.items():
            if old in self.state.kinds:
                self.state.kinds[new] = self.state.kinds[old]
        self.again |= {new: old for old, new in own.items()}
        return sunk(renamed(body, own) if own else body)

    def list_name(self, group: Sequence[str]) -> str:
        base = NUMBER.sub("", self.state.namer.base(group[0])).rstrip("_") or "value"
        label = self.state.namer.temporary(f"{base}s" if len(group) == 1 and not base.endswith("s") else "saved")
        self.lists.append(label)
        return label

    def push(self, tag: int, side: int, group: list[str], label: str, at_start: bool) -> None:
        """Keep values in the forward pass, once they are all there."""
        kept: ast.expr = name(group[0]) if len(group) == 1 else ast.Tuple(elts=[name(n) for n in group], ctx=ast.Load())
        statement = Effect(call(ast.Attribute(value=name(label), attr="append", ctx=ast.Load()), [kept]), UNPLACED)

        after = () if at_start else group

        def changed(origin: Statement) -> Statement:
            assert isinstance(origin, (If, For, While))
            if isinstance(origin, If) and side:
                return dataclasses.replace(origin, orelse=inserted(origin.orelse, statement, after))
            return dataclasses.replace(origin, body=inserted(origin.body, statement, after))

        self.forward = change(self.forward, tag, changed)


class Plan:
    """How each value that is wanted comes back: said again, taken from the next pass, or kept."""

    def __init__(self, state: Inference, block: Block, assigned: list[str], heads: list[tuple[str, ast.expr]], counter: str) -> None:
        self.state = state
        self.assigned = set(assigned)
        self.heads = {h for h, _ in heads}
        self.next_of = {expr.id: head for head, expr in heads if isinstance(expr, ast.Name)}
        self.definitions = single_definitions(block)
        self.counter = counter
        places = [s.target for s in block if isinstance(s, Store)]  # what a branch stores may not have been stored
        self.stored = {n for n in self.definitions if n not in self.heads and n in state.stored and any(same(state.stored[n][0], p) for p in places) and self.stays(state.stored[n][1])}
        self.definitions |= {n: Assign(n, state.stored[n][0], UNPLACED) for n in self.stored}
        self.kept: list[str] = []
        self.again: list[Statement] = []
        self.following: list[tuple[str, str]] = []

    def settle(self, wanted: list[str]) -> None:
        order = {n: i for i, n in enumerate(self.definitions)}
        available: set[str] = {n for n in wanted if n in self.heads}
        kept: list[str] = []
        for n in sorted(wanted, key=lambda n: (n not in self.heads, order.get(n, -1))):
            if n in self.heads or not self.is_cheap(n, 0, available):
                kept.append(n)
            available.add(n)
        self.kept = [n for n in kept if n not in self.next_of or self.next_of[n] not in kept]
        self.following = [(n, self.next_of[n]) for n in kept if n not in self.kept]
        done: set[str] = set()
        for n in wanted:
            if n not in kept:
                self.say(n, set(kept), done)

    def is_cheap(self, identifier: str, cost: int, available: set[str]) -> bool:
        """Whether a value is soon said again, from what is at hand or kept anyway."""
        definition = self.definitions.get(identifier)
        if definition is None or identifier in self.heads or identifier in self.state.impure:
            return False
        cost += self.cost(identifier, definition.expr)
        if cost > CHEAP:
            return False
        return all(self.at_hand(n) or n in available or self.is_cheap(n, cost, available) for n in names(definition.expr) if n != identifier)

    def at_hand(self, identifier: str) -> bool:
        return identifier == self.counter or identifier not in self.assigned

    def say(self, identifier: str, direct: set[str], done: set[str]) -> bool:
        """Write a value's definition down once more, after those that it reads."""
        if identifier in done:
            return True
        definition = self.definitions.get(identifier)
        if definition is None:
            return False
        for n in dict.fromkeys(names(definition.expr)):
            if not self.at_hand(n) and n not in direct and not self.say(n, direct, done):
                return False
        done.add(identifier)
        self.again.append(Assign(identifier, definition.expr, UNPLACED))
        return True

    def cost(self, identifier: str, expr: ast.expr) -> int:
        """What an operation costs: nothing for a view, much for arithmetic on arrays."""
        kind = self.state.kinds.get(identifier)
        plain = kind is not None and kind.is_plain
        if identifier in self.stored:
            return int(plain)
        match expr:
            case ast.Name() | ast.Constant():
                return 0
            case ast.Subscript(value=ast.Name(id=label), slice=index) if label in self.state.lists:
                return 1 if self.state.lists[label] and isinstance(index, ast.Name) and index.id in self.state.steps else CHEAP + 1
            case ast.Subscript(value=value):
                return (1 if plain else 0) if self.unchanged(identifier, value) and (plain or is_view(kind)) else CHEAP + 1
            case ast.Attribute():
                return 0 if is_view(kind) or plain else CHEAP + 1
            case ast.BinOp() if plain and self.is_counted(expr):
                return sum(isinstance(n, ast.BinOp) for n in ast.walk(expr))
            case ast.BinOp() | ast.UnaryOp() | ast.Compare():
                return 1 if plain and all(map(self.is_plain, operands(expr))) else CHEAP + 1
            case ast.Call(func=ast.Attribute(value=library, attr="array"), args=[ast.List() as written]) if is_module(library) and not any(names(written)):
                return 1
            case ast.Call(func=func, args=args):
                label = func.attr if isinstance(func, ast.Attribute) else getattr(func, "id", "")
                return 2 if plain and label in AGAIN and all(self.is_plain(a) for a in args) else CHEAP + 1
        return CHEAP + 1

    def is_plain(self, expr: ast.expr) -> bool:
        """Whether an operand is a single number."""
        if not isinstance(expr, ast.Name):
            return isinstance(expr, (ast.Constant, ast.UnaryOp)) or isinstance(expr, ast.Attribute) and ast.unparse(expr) in self.state.facts.constants
        parameter = getattr(self.state, "parameters", {}).get(expr.id)
        kind = parameter.number if parameter is not None else self.state.kinds.get(expr.id)
        return kind is not None and kind.is_plain

    def is_counted(self, expr: ast.expr) -> bool:
        """Whether an expression reckons with single numbers and sizes alone."""
        match expr:
            case ast.BinOp(left=left, right=right):
                return self.is_counted(left) and self.is_counted(right)
            case ast.Subscript(value=ast.Attribute(value=ast.Name(), attr="shape"), slice=ast.Constant()):
                return True
        return self.is_plain(expr)

    def unchanged(self, identifier: str, base: ast.expr) -> bool:
        """Whether what is read is still there when the backward pass comes by."""
        read = self.state.item_reads.get(identifier)
        if read is None:
            kind = self.state.kinds.get(base.id) if isinstance(base, ast.Name) else None
            return kind is None or not self.state.is_written(kind.place)
        return self.stays(read)

    def stays(self, read: Change) -> bool:
        """Whether no write changes what has been read."""
        return all(self.spares(changed, read) for changed in self.state.changes)

    def spares(self, changed: Change, read: Change) -> bool:
        """Whether a write leaves alone what has been read: other memory, all done before, or other elements."""
        if not changed.buffer.family() & read.buffer.family() or changed.event < read.event and not set(changed.loops) & set(read.loops):
            return True
        return read.buffer.depth == 0 and changed.buffer is read.buffer and never_meets(read, changed, self.state)


def is_view(kind: Number | None) -> bool:
    return kind is not None and not kind.is_plain and not kind.fresh


def single_definitions(block: Block) -> dict[str, Assign]:
    """The names that a block binds once, with their definitions."""
    found: dict[str, Assign | None] = {}
    for statement in walk(block):
        for target in () if blocks(statement) and not isinstance(statement, For) else (bound(statement) if not blocks(statement) else (statement.target,)):  # type: ignore[union-attr]
            found[target] = statement if isinstance(statement, Assign) and target not in found else None
    return {k: v for k, v in found.items() if v is not None}


def heads_of(body: Block) -> list[tuple[str, ast.expr]]:
    """The variables that a loop hands from pass to pass, with what they get at its end."""
    out: list[tuple[str, ast.expr]] = []
    for statement in reversed(body[:-1] if body and isinstance(body[-1], Break) else body):
        if isinstance(statement, Assign) and statement.loc is UNPLACED and (isinstance(statement.expr, (ast.Name, ast.Constant, ast.UnaryOp, ast.Attribute, ast.Subscript)) or is_float(statement.expr)):
            out.append((statement.target, statement.expr))
        else:
            break
    return out[::-1]


def is_float(expr: ast.expr) -> bool:
    """Whether an expression is `float(n)`: a whole number that is handed on as a float."""
    return isinstance(expr, ast.Call) and isinstance(expr.func, ast.Name) and expr.func.id == "float"


def inserted(block: Block, statement: Statement, group: Sequence[str]) -> Block:
    """A block with a statement after the last definition of a group of names; at its start if there is none."""
    last = -1
    for i, s in enumerate(block):
        if isinstance(s, Assign) and s.loc is UNPLACED and i >= len(block) - len(heads_of(block)):
            break
        if set(given_here((s,))) & set(group):
            last = i
    if last >= 0 and breaks_off(block[last : last + 1]):
        return at_ends(block, [statement])
    return (*block[: last + 1], statement, *block[last + 1 :])


def given_here(block: Block) -> Iterator[str]:
    """The names that a block gives values to; what it hands to the end of the loop around it before a break is not among them."""
    for statement in handing_on(block)[0] if ends_in_break(block) else block:
        if isinstance(statement, (For, While)):
            yield from rebound(statement)
        elif blocks(statement):
            for inner in blocks(statement):
                yield from given_here(inner)
        else:
            yield from rebound(statement)


def pop(group: Sequence[str], label: str) -> Statement:
    taken = call(ast.Attribute(value=name(label), attr="pop", ctx=ast.Load()))
    if len(group) == 1:
        return Assign(group[0], taken, UNPLACED)
    return Unpack(tuple(group), None, taken, UNPLACED)


def over_kept(loop: For) -> Statement:
    """A loop that begins with getting back what was kept runs over that, where it needs no index."""
    if not loop.body or any(loop.target in reads(s) for s in loop.body):
        return loop
    for i, statement in enumerate(loop.body):
        match statement:
            case Assign(target, ast.Call(func=ast.Attribute(value=ast.Name() as kept, attr="pop"), args=[])) if statement.loc is UNPLACED and not any(target in reads(s) for s in loop.body[:i]):
                return dataclasses.replace(loop, target=target, iter=call("reversed", [kept]), body=(*loop.body[:i], *loop.body[i + 1 :]))
        if blocks(statement) or isinstance(statement, (Unpack, Effect)):
            break
    later = next((s for s in loop.body if is_pop(s)), None)
    if later is not None and isinstance(loop.iter, ast.Call) and isinstance(loop.iter.args[0] if loop.iter.args else None, ast.Name):
        func = later.expr.func  # type: ignore[union-attr]
        return While((), func.value, loop.body, (), loop.loc, loop.tag)
    return loop


def is_pop(statement: Statement) -> bool:
    match statement:
        case Assign(_, ast.Call(func=ast.Attribute(attr="pop"))) | Unpack(_, _, ast.Call(func=ast.Attribute(attr="pop"))):
            return statement.loc is UNPLACED
    return False


def sunk(block: Block) -> Block:
    """A block whose first statements, what is got back, stand just before their first use."""
    out = list(block)
    start = 0
    while start < len(out) and (out[start].loc is UNPLACED and isinstance(out[start], (Assign, Unpack))):
        start += 1
    for i in range(start - 1, -1, -1):
        statement = out[i]
        mine = set(bound(statement))
        needs = set(reads(statement))
        at = i
        while at + 1 < len(out) and not (mine & (set(reads(out[at + 1])) | set(bound(out[at + 1])))) and not needs & set(bound(out[at + 1])):
            at += 1
        if at + 1 == len(out) and at > i and not is_pop(statement):
            continue
        out.insert(at, out.pop(i))
    return tuple(out)


# ---- finding and changing statements by their tags

def find(block: Block, tag: int) -> Statement | None:
    return next((s for s in walk(block) if getattr(s, "tag", 0) == tag), None)


def change(block: Block, tag: int, changed: Callable[[Statement], Statement]) -> Block:
    out: list[Statement] = []
    for statement in block:
        if getattr(statement, "tag", 0) == tag:
            statement = changed(statement)
        elif blocks(statement):
            statement = with_blocks(statement, lambda b: change(b, tag, changed))
        out.append(statement)
    return tuple(out)


def place_lists(block: Block, starts: Sequence[Statement]) -> Block:
    """Lists begin empty before the outermost loop that fills them."""
    out: list[Statement] = []
    waiting = list(starts)
    for statement in block:
        for start in list(waiting):
            label = bound(start)[0]
            if any(label in names(e) for s in walk((statement,)) for e in expressions(s)):
                out.append(start)
                waiting.remove(start)
        out.append(statement)
    return tuple(out)


def unneeded_copies(state: Inference) -> Block:
    """The forward pass without copies of memory that nothing changes any more."""
    spared = {s.target for s in state.snapshots if not any(changes_after(c, s.of, state) for c in state.changes)}
    for target in spared:  # it is what it was made of
        state.kinds[target] = dataclasses.replace(state.kinds[target], fresh=False)

    def spare(statement: Statement) -> Statement:
        if blocks(statement):
            return with_blocks(statement, lambda b: tuple(map(spare, b)))
        match statement:
            case Assign(target, ast.Call(func=ast.Attribute(value=value))) if target in spared:
                return dataclasses.replace(statement, expr=value, loc=UNPLACED)
        return statement

    return tuple(map(spare, state.statements))


def changes_after(change: Change, read: Change, state: Inference) -> bool:
    """Whether a write may change what was read: later in the text, or in a later pass of a loop around both."""
    if not change.buffer.family() & read.buffer.family():
        return False
    if change.buffer is read.buffer and never_meets(read, change, state):
        return False
    common = len([loop for loop in change.loops if loop in read.loops])
    depth = read.buffer.depth if change.buffer is read.buffer else 0  # under another name it comes from an earlier pass
    return change.event > read.event or common > depth
