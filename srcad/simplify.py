"""Small passes from block to block: dead code, single-use names folded back, branches with one test joined.

    t = np.tanh(x)          y = np.sum(np.tanh(x) * w)
    p = t * w          ->
    y = np.sum(p)

After them the forward half reads like the user's code, split only where the
backward pass needs a value.
"""
from __future__ import annotations

import ast
import dataclasses
import functools
from collections import Counter
from collections.abc import Callable, Iterable

from srcad.ir import (
    UNPLACED,
    Assign,
    Block,
    Break,
    Continue,
    Effect,
    For,
    If,
    Raise,
    Return,
    Statement,
    Store,
    Unpack,
    Update,
    While,
    With,
    blocks,
    map_expressions,
    renewed,
    targets,
    walk,
    with_blocks,
)
from srcad.syntax import Namer, name, names, nodes, operations, root_of, same, substitute
from srcad.uses import Tally, bound, changes, header_reads, reads, tallied

LONG_EXPRESSION = 3  # what the backward half takes over from the forward half may hold so many operations
Names = frozenset[str]


class DeadCode:
    """Removes what nothing reads, apart from what must run for what it does.

    keep: whether a statement must run; sharing: the names that lie in the same memory as one; lasting: names whose
    memory is read after the end.
    """

    def __init__(self, keep: Callable[[Statement], bool], sharing: Callable[[str], Iterable[str]], lasting: Callable[[str], bool]) -> None:
        self.keep, self.sharing, self.lasting = keep, sharing, lasting

    def apply(self, block: Block) -> Block:
        return self.sweep(block, frozenset(), frozenset(), True)[0]

    def sweep(self, block: Block, live: Names, broken: Names, jumps: bool) -> tuple[Block, Names]:
        """The statements of a block that are needed, and the names live before it. Without `jumps` a break counts for nothing."""
        out: list[Statement] = []
        known = set(live)
        for statement in reversed(block):
            match statement:
                case Break() | Continue():
                    known = set(broken)
                    if jumps:
                        out.append(statement)
                case Raise() | Return():
                    known = set(reads(statement))
                    out.append(statement)
                case If() | For() | While() | With():
                    kept, into = self.nested(statement, frozenset(known), broken, jumps)
                    known = set(into)
                    out += [kept] if kept is not None else []
                case _:
                    if self.needed(statement, known):
                        if isinstance(statement, (Assign, Unpack)):
                            known.difference_update(targets(statement))
                        known.update(reads(statement))
                        if isinstance(statement, Update):
                            known.update(targets(statement))
                        out.append(statement)
                    elif isinstance(statement, (Assign, Unpack)) and popped(statement.expr) & known:  # what is taken from the list later lies below
                        known.update(reads(statement))
                        out.append(Effect(statement.expr, statement.loc))
        return tuple(reversed(out)), frozenset(known)

    def nested(self, statement: Statement, live: Names, broken: Names, jumps: bool) -> tuple[Statement | None, Names]:
        match statement:
            case If(test, body, orelse):
                body, one = self.sweep(body, live, broken, jumps)
                orelse, two = self.sweep(orelse, live, broken, jumps)
                if not body and not orelse:
                    return None, live
                return renewed(statement, body=body, orelse=orelse), one | two | frozenset(names(test))
            case With(_, body):
                body, into = self.sweep(body, live, broken, jumps)
                return (renewed(statement, body=body) if body else None), into | frozenset(reads(statement) if body else ())
            case For(target, iterable, body):
                kept, into = self.passes(body, live)
                needed = kept or target in live  # what it counted to may be read after it
                return (renewed(statement, body=kept), into - {target} | frozenset(names(iterable)) | live) if needed else (None, live)
            case While(_, test, body):
                kept, into = self.passes(body, live)
                return (renewed(statement, body=kept), into | frozenset(names(test)) | live) if kept else (None, live)
        raise AssertionError

    def passes(self, body: Block, live: Names) -> tuple[Block, Names]:
        """The body of a loop, and what is live at its head. A loop that does nothing but end is not needed."""
        head = live
        for jumps in (False, True) if any(isinstance(s, (Break, Continue)) for s in walk(body)) else (True,):
            while True:
                kept, into = self.sweep(body, head | live, live, jumps)
                if into | live == head:
                    break
                head = into | live
            if not any(not isinstance(s, (If, Break)) for s in walk(kept)):
                return (), live
        return kept, head

    def needed(self, statement: Statement, live: set[str]) -> bool:
        if self.keep(statement):
            return True
        match statement:
            case Assign() | Unpack():
                return any(t in live for t in targets(statement))
            case Store() | Update():
                return any(self.is_read(t, live) for t in targets(statement))
            case Effect(ast.Call(func=ast.Attribute(value=ast.Name(id=label), attr="append" | "pop" | "insert"))):
                return label in live
            case Effect(ast.Call(args=[first, *_])):
                return self.is_read(root_of(first), live)
        return bool(targets(statement)) is False and not isinstance(statement, Effect)

    def is_read(self, identifier: str, live: set[str]) -> bool:
        return identifier in live or self.lasting(identifier) or any(n in live for n in self.sharing(identifier))


class Folding:
    """Puts temporaries that are read once back into the expression that reads them.

    is_temporary: which names; may_move(definition, origin, user, between): whether the definition may be computed
    where the user stands; sharing: the names that lie in the same memory as one.
    """

    def __init__(self, is_temporary: Callable[[str], bool], may_move: Callable[[Assign, Statement, Statement, list[Statement]], bool], sharing: Callable[[str], Iterable[str]]) -> None:
        self.is_temporary, self.may_move, self.sharing = is_temporary, may_move, sharing
        self.counts = Tally()
        self.definitions = Tally()

    def apply(self, block: Block) -> Block:
        self.counts, self.definitions = tallied(block)
        return self.block(block)

    def block(self, block: Block) -> Block:
        user_of = {n: i for i, s in enumerate(block) for n, count in header_reads(s).items() if self.counts[n] == count}
        pending: dict[str, ast.expr] = {}
        out: list[Statement] = []
        for i, statement in enumerate(block):
            ready = {n: pending.pop(n) for n in set(header_reads(statement)) & pending.keys()}
            changed = header_mapped(statement, lambda e: substitute(e, ready)) if ready else statement
            changed = with_blocks(changed, self.block) if blocks(changed) else changed
            if isinstance(changed, Assign) and self.counts[changed.target] == 1 and self.definitions[changed.target] == 1 and self.is_temporary(changed.target):
                at = user_of.get(changed.target, -1)
                if at > i and self.may_move(changed, statement, block[at], list(block[i + 1 : at])) and self.stays(changed, block[i + 1 : at]):
                    pending[changed.target] = changed.expr
                    continue
            out.append(changed)
        return tuple(out)

    def stays(self, definition: Assign, between: Block) -> bool:
        """Whether nothing that a definition reads changes before it is used."""
        if not between:
            return True
        read = set(names(definition.expr))
        near = {n for r in read for n in self.sharing(r)} | read
        return not any((read if isinstance(s, (Assign, Unpack)) else near) & changes(s) for s in between)


def taken_at_once(block: Block) -> Block:
    """What is taken from adjoint memory and used once, at once, needs no copy.

    dt = dy[1:].copy()            dx = 2 * dy[1:]
    dy[1:] = 0            ->      dy[1:] = 0
    dx = 2 * dt
    """
    out: list[Statement] = []
    uses = Counter(n for s in block for n, count in reads(s).items() for _ in range(count))
    for statement in block:
        if blocks(statement):
            statement = with_blocks(statement, taken_at_once)
        if isinstance(statement, Assign) and out:
            clear = out[-1] if isinstance(out[-1], Store) else None
            found = taken(out[-2 if clear is not None else -1], clear, statement, uses) if len(out) > (clear is not None) else None
            if found is not None:
                out[-2 if clear is not None else -1 :] = [found, *([clear] if clear is not None else [])]
                continue
        out.append(statement)
    return tuple(out)


def taken(take: Statement, clear: Store | None, use: Assign, uses: Counter[str]) -> Statement | None:
    match take:
        case Assign(target, ast.Call(func=ast.Attribute(value=ast.Subscript() as place, attr="copy"))) | Assign(target, ast.Subscript() as place):
            inside = isinstance(use.expr, (ast.BinOp, ast.UnaryOp)) or clear is None and isinstance(use.expr, ast.Call)
            cleared = clear is None or isinstance(clear.expr, ast.Constant) and same(place, clear.target)
            root = {root_of(place)}
            inside = inside and not any(isinstance(n, (ast.List, ast.Tuple)) for n in nodes(use.expr))  # which would hold on to it
            if inside and cleared and uses[target] == 1 and list(names(use.expr)).count(target) == 1 and not root & set(names(use.expr)):
                return Assign(use.target, substitute(use.expr, {target: place}), use.loc)
    return None


def unused_counters(block: Block, idle: str) -> Block:
    """A loop whose index nothing reads counts forwards, under the name `idle`; as before, where there is none."""
    out: list[Statement] = []
    for statement in block:
        if blocks(statement):
            statement = with_blocks(statement, lambda b: unused_counters(b, idle))
        match statement:
            case For(target, ast.Call(func=ast.Name(id="reversed"), args=[ast.Call(func=ast.Name(id="range")) as passes]), body) if not any(target in reads(s) for s in body):
                statement = dataclasses.replace(statement, target=idle or target, iter=passes)
        out.append(statement)
    return tuple(out)


def summed(block: Block, is_plain: Callable[[str], bool], arrays: bool = True) -> Block:
    """A first contribution and the next as one line, in loops: `dx = dt; dx -= y` is `dx = dt - y`; of single numbers only without `arrays`."""
    out: list[Statement] = []
    for statement in block:
        if blocks(statement):
            statement = with_blocks(statement, lambda b: summed(b, is_plain, arrays))
        if isinstance(statement, Update) and isinstance(statement.target, ast.Name):
            target = statement.target.id
            at = next((i for i in range(len(out) - 1, -1, -1) if target in bound(out[i]) or target in reads(out[i])), -1)
            first = out[at] if at >= 0 else None
            if isinstance(first, Assign) and first.target == target and target not in reads(first) and (arrays or is_plain(target)) and joinable(first, statement, is_plain(target)):
                again = target in names(statement.expr)  # `dx = dt; dx += 0.1 * dx`
                if not any(changes(s) & set(names(first.expr)) for s in out[at + 1 :]) and (not again or isinstance(first.expr, ast.Name)):
                    del out[at]
                    added = substitute(statement.expr, {target: first.expr}) if again else statement.expr
                    statement = Assign(target, ast.BinOp(left=first.expr, op=statement.op, right=added), statement.loc)
        out.append(statement)
    return tuple(out)


def joinable(first: Assign, second: Update, plain: bool) -> bool:
    """Whether two contributions fit one line; arrays are added to in place rather than computed anew."""
    return isinstance(first.expr, ast.Name) or plain and operations(first.expr) + operations(second.expr) <= LONG_EXPRESSION


def header_mapped(statement: Statement, change: Callable[[ast.expr], ast.expr]) -> Statement:
    """The statement with what it reads itself changed, its blocks as they are."""
    match statement:
        case If() | While():
            return dataclasses.replace(statement, test=change(statement.test))
        case For():
            return dataclasses.replace(statement, iter=change(statement.iter))
        case With():
            return statement
    return map_expressions(statement, change)


def join_branches(block: Block) -> Block:
    """Neighbours with the same condition become one `if`.

    dz = 2.0 if z >= w else 0.0         if z >= w:
    dw = 0.0 if z >= w else 2.0    ->       dz = 2.0
                                            dw = 0.0
                                        else: ...
    """
    out: list[Statement] = []
    run: list[Statement] = []
    for statement in [*(with_blocks(s, join_branches) if blocks(s) else s for s in block), None]:
        if run and (statement is None or not joins(run, statement)):
            out.extend(branched(run))
            run = []
        if statement is not None:
            if condition(statement) is not None:
                run.append(statement)
            else:
                out.append(statement)
    return tuple(out)


def condition(statement: Statement) -> ast.expr | None:
    match statement:
        case Assign(_, ast.IfExp(test=test)) | Update(ast.Name(), _, ast.IfExp(test=test)):
            return test
    return None


def joins(run: list[Statement], statement: Statement) -> bool:
    """Whether a statement belongs to a run: the same test, of which nothing has changed."""
    test, first = condition(statement), condition(run[0])
    changed = {t for s in run for t in bound(s)}
    return test is not None and first is not None and same(test, first) and not changed & set(names(test)) and statement.loc == run[0].loc


def branched(run: list[Statement]) -> Iterable[Statement]:
    if len(run) == 1:
        return run
    test = condition(run[0])
    assert test is not None
    return [If(test, tuple(branch(run, True)), tuple(branch(run, False)), run[0].loc)]


def branch(run: list[Statement], taken: bool) -> Iterable[Statement]:
    for statement in run:
        assert isinstance(statement, (Assign, Update)) and isinstance(statement.expr, ast.IfExp)
        chosen = statement.expr.body if taken else statement.expr.orelse
        if isinstance(statement, Update) and isinstance(chosen, ast.Constant) and chosen.value == 0:
            continue
        if isinstance(statement, Assign):
            yield Assign(statement.target, chosen, statement.loc)
        else:
            yield Update(statement.target, statement.op, chosen, statement.loc)


def short(expr: ast.expr) -> bool:
    return operations(expr) <= LONG_EXPRESSION


def parallel(moves: list[tuple[str, ast.expr]], namer: Namer) -> list[Statement]:
    """Assignments that all read what was there before: `a, b = b, a` needs a third name."""
    targets_ = {target for target, _ in moves}
    before: list[Statement] = []
    out: list[Statement] = []
    for target, expr in moves:
        if isinstance(expr, ast.Name) and expr.id == target:
            continue
        if set(names(expr)) & (targets_ - {target}):
            held = namer.temporary(f"next_{target}")
            before.append(Assign(held, expr, UNPLACED))
            expr = name(held)
        out.append(Assign(target, expr, UNPLACED))
    return [*before, *out]


@functools.lru_cache(1024)  # expressions never change
def popped(expr: ast.expr) -> frozenset[str]:
    """The lists that an expression takes from."""
    calls = (n for n in nodes(expr) if isinstance(n, ast.Call))
    return frozenset(c.func.value.id for c in calls if isinstance(c.func, ast.Attribute) and c.func.attr == "pop" and isinstance(c.func.value, ast.Name))
