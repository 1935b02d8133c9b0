"""Who owns the memory of an adjoint: the one decision on `+=`, copies, and what is returned.

    dx = dq                        dx = dq
    dy = dq                  ->    dy = dq
    dx += x * dz                   dx = dx + x * dz        (dq's memory is dy's too)

The result of arithmetic is owned. What is another name, a view, an argument or
a value of the forward pass is not; its next contribution makes a new array.
What is returned is writable and shares memory with nothing.
"""
from __future__ import annotations

import ast
import dataclasses
from collections.abc import Collection, Iterable, Mapping, Sequence
from typing import NamedTuple

from srcad.ir import Assign, Block, Effect, For, If, Return, Statement, Store, Unpack, Update, While, With, blocks, walk, with_blocks
from srcad.kinds import Number
from srcad.live import Live
from srcad.syntax import binary, is_module, method, name, names, root_of, same
from srcad.uses import bound, changes, reads, tallied, touched

VIEWS = frozenset(("reshape", "ravel", "transpose", "swapaxes", "moveaxis", "squeeze", "expand_dims", "broadcast_to", "diagonal", "diag", "asarray",
                   "atleast_1d", "atleast_2d", "atleast_3d", "flip", "fliplr", "flipud", "rot90", "rollaxis", "matrix_transpose", "split", "array_split", "hsplit", "vsplit",
                   "dsplit", "unstack", "broadcast_arrays", "meshgrid", "sliding_window_view", "real", "conj"))
READ_ONLY = frozenset(("broadcast_to", "broadcast_arrays", "sliding_window_view", "diagonal", "diag", "expand_dims"))
FRESH = frozenset(("copy", "zeros", "ones", "full", "empty", "zeros_like", "sum", "mean", "outer", "tensordot", "array", "flatten", "where", "concatenate", "exp", "log",
                   "sin", "cos", "sinh", "cosh", "sqrt", "sign", "tanh", "dot", "matmul", "inv", "solve", "cumsum", "prod", "astype", "full_like", "eye",
                   "tril", "triu", "abs", "floor", "trunc", "exp2", "ldexp", "copysign", "maximum", "psi", "float", "isnan", "arange", "log1p", "expm1", "bincount",
                   "correlate", "convolve", "take_along_axis", "diff", "pad", "roll", "cross", "pinv", "vander", "solve_triangular"))
METHODS = frozenset(("copy", "sum", "mean", "dot", "flatten", "cumsum", "prod", "astype"))
NOTHING: frozenset[str] = frozenset()
AS_ASKED = frozenset(("out", "copy", "n"))  # keywords with which a function may return what it was given


class State(NamedTuple):
    """What is known at a place: the cells of each name, and which names share no memory although their cells meet."""

    cells: Mapping[str, frozenset[str]]
    apart: Mapping[str, Collection[str]]

    def shares(self, one: str, other: str) -> bool:
        return other not in self.apart.get(one, ()) and not self.cells.get(one, NOTHING).isdisjoint(self.cells.get(other, NOTHING))


class Memory:
    """The memory that each name means at one point of a straight line: a set of cells; foreign ones are not ours to write.

    Names whose values change places in a loop may each mean the memory of the other, but never at once: they are known
    to be apart.
    """

    def __init__(self) -> None:
        self.cells: dict[str, frozenset[str]] = {}
        self.names: dict[str, set[str]] = {}  # a cell -> the names that may mean it
        self.apart: dict[str, set[str]] = {}
        self.makers: frozenset[str] = frozenset()
        self.observing = False  # whether the statements are the user's, which are as they are
        self.own: Collection[str] = ()  # the names of variables: what else has attributes is a module
        self.picking: Collection[str] = ()  # the names of masks and arrays of whole numbers: what they take of an array is new
        self.site = ""  # the statement at hand: memory is told apart by where it is made

    def bind(self, target: str, cells: frozenset[str], sources: Iterable[str] = ()) -> None:
        """Give a name other memory, which may be that of some names."""
        state, whose = self.state(), {*sources}
        near = {n for cell in cells if not cell.startswith("=") for n in self.names.get(cell, ())} - {*whose, target} if whose else set()
        others = {n for n in near if not any(state.shares(n, s) for s in whose)}
        for n in self.apart.pop(target, ()):
            self.apart[n].discard(target)
        for n in others:
            self.tell_apart(n, target)
        self.means(target, cells)

    def tell_apart(self, one: str, other: str) -> None:
        self.apart.setdefault(one, set()).add(other)
        self.apart.setdefault(other, set()).add(one)

    def means(self, target: str, cells: frozenset[str]) -> None:
        """Say of the same memory that it may be in these cells."""
        for cell in self.cells.get(target, NOTHING):
            self.names[cell].discard(target)
        self.cells[target] = cells
        for cell in cells:
            self.names.setdefault(cell, set()).add(target)

    def state(self) -> State:
        return State(self.cells, self.apart)

    def fork(self) -> State:
        return State(dict(self.cells), {n: set(others) for n, others in self.apart.items() if others})

    def restore(self, state: State) -> None:
        self.cells, self.names = {}, {}
        self.apart = {n: set(others) for n, others in state.apart.items()}
        for target, found in state.cells.items():
            self.means(target, found)

    def join(self, other: State) -> bool:
        """What either path may have made of each name; whether that is more than was known."""
        before, grown = self.fork(), set()
        for target, cells in other.cells.items():
            old = self.cells.get(target)
            if old is None or not cells <= old:
                self.means(target, cells | (old or NOTHING))
                grown.add(target)
        return self.join_apart(before, other, grown) or bool(grown)

    def join_apart(self, before: State, other: State, grown: Collection[str]) -> bool:
        """Names stay apart that are so on both paths, and become so where the cells of one have grown; whether some are no longer."""
        self.apart = {}
        lost = False
        pairs = {(n, m) for n, others in before.apart.items() for m in others if n < m}
        pairs |= {(min(n, m), max(n, m)) for n in grown for cell in self.cells[n] if not cell.startswith("=") for m in self.names[cell] if m != n}
        for pair in pairs:
            if before.shares(*pair):
                continue
            if other.shares(*pair):
                lost = True
            else:
                self.tell_apart(*pair)
        return lost

    def may_write(self, target: str, alive: Collection[str]) -> bool:
        """Whether a name's memory is ours, and no other name that lies in it is read before it means something else."""
        cells, state = self.of_name(target), self.state()
        return self.owned(cells) and not any(n in alive and n != target and state.shares(n, target) for cell in cells for n in self.names.get(cell, ()))

    def of_name(self, identifier: str) -> frozenset[str]:
        return self.cells.get(identifier, frozenset({f"={identifier}"}))

    def of(self, expr: ast.expr) -> frozenset[str]:
        """The cells that the value of an expression may lie in; a new one for what is computed."""
        match expr:
            case ast.Name(id=identifier):
                return self.of_name(identifier)
            case ast.Constant():
                return frozenset()
            case ast.BinOp() | ast.UnaryOp() | ast.Compare():
                return self.fresh()
            case ast.IfExp(body=body, orelse=orelse):
                return self.of(body) | self.of(orelse)
            case ast.Subscript() if self.is_picked(expr):
                return self.fresh()
            case ast.Attribute(value=value, attr="T") | ast.Subscript(value=value):
                return self.of(value)
            case ast.Call(func=func, args=args, keywords=keywords):
                return self.of_call(func, args, keywords)
            case ast.Attribute(value=value):  # a part, such as `.real`
                return self.of(value) | {"=?"}
        return frozenset({"=?"})

    def is_picked(self, expr: ast.Subscript) -> bool:
        """Whether an index takes elements one by one."""
        return any(isinstance(part, ast.List) or isinstance(part, ast.Name) and part.id in self.picking for part in (expr.slice.elts if isinstance(expr.slice, ast.Tuple) else [expr.slice]))

    def of_call(self, func: ast.expr, args: Sequence[ast.expr], keywords: Sequence[ast.keyword] = ()) -> frozenset[str]:
        label = func.attr if isinstance(func, ast.Attribute) else getattr(func, "id", "")
        if label in self.makers or self.makes_new(func, label, args, keywords):
            return self.fresh()
        sources = [*args[:1], func.value] if isinstance(func, ast.Attribute) and not is_module(func.value) else list(args[:1])
        if label in VIEWS:
            owners = [func.value] if isinstance(func, ast.Attribute) and not is_module(func.value) else list(args[:1])
            cells = frozenset().union(*(self.of(a) for a in owners))
            return cells | {"=read-only"} if label in READ_ONLY else cells
        return frozenset({"=?"}).union(*(self.of(a) for a in [*sources, *args]))

    def makes_new(self, func: ast.expr, label: str, args: Sequence[ast.expr], keywords: Sequence[ast.keyword]) -> bool:
        """Whether a call's result is new memory: of a library function, or a method of an array, that is known for it, and not asked to do otherwise."""
        if any(k.arg in AS_ASKED for k in keywords) or any(isinstance(a, ast.Starred) for a in args) or label in ("diff", "astype") and len(args) > 1:
            return False
        if not isinstance(func, ast.Attribute):
            return label == "float"
        if is_module(func.value):
            return label in FRESH or label == "einsum" and len(args) > 2 and isinstance(args[0], ast.Constant)
        if isinstance(func.value, ast.Name) and func.value.id not in self.own:
            return False
        return label in METHODS

    def of_item(self, expr: ast.expr, place: int) -> frozenset[str]:
        """The cells of one item of what is unpacked."""
        made = isinstance(expr, ast.Call) and isinstance(expr.func, ast.Name) and expr.func.id in self.makers
        return self.fresh(f".{place}") if made else self.of(expr) | {"=?"}

    def fresh(self, part: str = "") -> frozenset[str]:
        """New memory: what was made here in an earlier pass of a loop is other memory."""
        site = self.site + part
        for target in list(self.names.get(site, ())):
            self.means(target, (self.cells[target] - {site}) | {f"{site} before"})
        return frozenset({site})

    def keep(self, identifier: str) -> None:
        """A list holds on to what a name means: no name that means the same may be written to."""
        cells = self.of_name(identifier)
        for target in {identifier, *(n for c in cells for n in self.names.get(c, ()))}:
            self.means(target, self.of_name(target) | {"=kept"})

    def owned(self, cells: frozenset[str]) -> bool:
        return not any(c.startswith("=") for c in cells)


def settle(forward: Block, backward: Block, kinds: Mapping[str, Number], returned: Sequence[str], foreign: Sequence[str], makers: Collection[str] = (),
           parameters: Collection[str] = (), picking: Collection[str] = (), consuming: bool = False, moving: bool = True, may_be_real: bool = False) -> Block:
    """Decide `+=` or `= +`, and copies, for the statements of the backward half.

    kinds: of the adjoints; returned: the names that leave; foreign: names whose values outlive the call besides them;
    makers: functions whose results share memory with nothing; parameters: names that are variables besides; picking: those of masks and arrays of indices; consuming: whether the backward half is run once, and may
    use up what the forward half made; moving: whether what is not read again may go on under another name, uncopied;
    may_be_real: whether complex adjoints may be real ones when they are added to, which takes no complex number in place.
    """
    settlement = Settlement((*forward, *backward), kinds, foreign)
    settlement.memory.own = {*settlement.definitions, *parameters}
    settlement.memory.picking = picking
    settlement.may_be_real = may_be_real
    settlement.movable = settlement.definitions.keys() - {t for s in forward for t in bound(s)} if moving else ()
    if consuming:
        settlement.observe(forward)
    settlement.memory.makers = frozenset(makers)
    block = settlement.block(backward)
    return begun_at_once(copy_returned(block, settlement.memory, kinds, returned, foreign))


class Settlement:
    """One walk through the backward half; a loop is walked until no name may mean more than was known."""

    def __init__(self, block: Block, kinds: Mapping[str, Number], foreign: Sequence[str]) -> None:
        self.kinds = kinds
        self.memory = Memory()
        self.lists: set[str] = set()
        self.movable: Collection[str] = ()  # the names that only the backward half has
        self.may_be_real = False
        self.places: dict[int, int] = {}
        self.alive: dict[int, frozenset[str]] = {}  # at each place: what is read after it before it means something else
        self.number(block, Live(block).after, frozenset(foreign))
        self.counts, self.definitions = tallied(block)

    def number(self, block: Block, after: Mapping[int, frozenset[str]], foreign: frozenset[str]) -> None:
        """Where each statement stands, and what is alive after it."""
        for statement in block:
            place = self.places[id(statement)] = len(self.places)
            self.alive[place] = after.get(id(statement), frozenset()) | foreign
            for inner in blocks(statement):
                self.number(inner, after, foreign)

    def observe(self, forward: Block) -> None:
        """Learn which memory the names of the forward half mean; it stays as it is."""
        self.memory.observing = True
        self.block(forward)
        self.memory.observing = False

    def block(self, block: Block) -> Block:
        out: list[Statement] = []
        for i, statement in enumerate(block):
            if blocks(statement):
                out += self.structured(statement)
            elif self.memory.observing:
                self.observed(statement)
            else:
                for made in self.settled(self.spared(statement, block[i + 1 :])):
                    out[-1:] = copied_at_once(out[-1], made) if out else [made]
        return tuple(out)

    def observed(self, statement: Statement) -> None:
        memory = self.memory
        memory.site = f"{self.places[id(statement)]}"
        match statement:
            case Assign(target, expr):
                memory.bind(target, memory.of(expr), names(expr))
            case Unpack(targets, _, expr):
                for i, target in enumerate(targets):
                    memory.bind(target, memory.of_item(expr, i), names(expr))
            case Effect(ast.Call(args=args)):
                for added in (n for a in args for n in names(a)):
                    memory.keep(added)
            case Store(_, ast.Name(id=added)):  # a list may hold on to it
                memory.keep(added)
            case _:
                pass

    def spared(self, statement: Statement, rest: Block) -> Statement:
        """A copy that is only read, while what it was made of stays as it is, is none: `dt = dy[i].copy()` is `dt = dy[i]`; nor is one of what is not read again."""
        match statement:
            case Assign(target, ast.Call(func=ast.Attribute(value=place, attr="copy"), args=[], keywords=[])) if isinstance(place, (ast.Name, ast.Subscript)):
                if isinstance(place, ast.Subscript) and self.memory.is_picked(place) or self.moves(statement, place) or self.definitions[target] == 1 and self.is_only_read(target, root_of(place), rest):
                    made = dataclasses.replace(statement, expr=place)
                    self.places[id(made)] = self.places[id(statement)]
                    return made
        return statement

    def moves(self, statement: Assign, source: ast.expr) -> bool:
        """Whether what is copied is an adjoint that is ours and not read again: its memory goes on under another name."""
        alive = self.alive[self.places[id(statement)]]
        return isinstance(source, ast.Name) and source.id in self.movable and source.id not in {statement.target, *alive} and self.memory.may_write(source.id, alive)

    def is_only_read(self, target: str, root: str, rest: Block) -> bool:
        """Whether the rest of a block alone reads a name, hands it to nobody, and meanwhile leaves the memory of `root` alone."""
        uses = [i for i, s in enumerate(rest) if target in reads(s)]
        if not uses or not root or sum(reads(rest[i])[target] for i in uses) < self.counts[target]:
            return False
        probe = Memory()
        probe.own, probe.makers, probe.picking = self.memory.own, self.memory.makers, self.memory.picking
        probe.restore(State({**self.memory.cells, root: self.memory.of_name(root), target: frozenset({"=probe"})}, self.memory.apart))
        for i, statement in enumerate(walk(rest[: uses[-1] + 1])):
            probe.site = f"after {i}"
            if isinstance(statement, Assign):
                cells = frozenset() if self.is_plain(statement.target) else probe.of(statement.expr)
                if "=probe" in cells or statement.target == root:
                    return False
                probe.bind(statement.target, cells | probe.cells.get(statement.target, NOTHING), {statement.target, *names(statement.expr)})
            elif not blocks(statement) and any(n not in probe.cells or n == target or "=?" in probe.cells[n] or probe.state().shares(n, root) for n in changes(statement)):
                return False
        return True

    def structured(self, statement: Statement) -> list[Statement]:
        before = self.memory.fork()
        if isinstance(statement, If):
            body = self.block(statement.body)
            one = self.memory.fork()
            self.memory.restore(before)
            orelse = self.block(statement.orelse)
            self.memory.join(one)
            return [dataclasses.replace(statement, body=body, orelse=orelse)]
        if isinstance(statement, With):
            return [dataclasses.replace(statement, body=self.block(statement.body))]
        assert isinstance(statement, (For, While))
        body = self.passes(statement.body)
        first = [t for t in self.copied(body) if t in before.cells]
        if first and not self.memory.observing:
            return self.copied_before(statement, body, before, first)
        return [dataclasses.replace(statement, body=body)]

    def passes(self, block: Block) -> Block:
        """The body of a loop, walked until no name may mean more than was known."""
        while True:
            head = self.memory.fork()
            body = self.block(block)
            end = self.memory.fork()
            self.memory.restore(head)
            if not self.memory.join(end):
                return body

    def copied(self, body: Block) -> list[str]:
        """The names that are copied in a loop for the sake of what they were before it."""
        made = [s for s in walk(body) if isinstance(s, Assign) and id(s) not in self.places]
        return list(dict.fromkeys(s.target for s in made if same(s.expr, method(name(s.target), "copy"))))

    def copied_before(self, loop: For | While, body: Block, before: State, first: Sequence[str]) -> list[Statement]:
        """A loop with these names copied once, before it, if no pass copies them then."""
        after = self.memory.fork()
        self.memory.restore(before)
        self.memory.site = f"before {self.places[id(loop)]}"
        for target in first:
            self.memory.bind(target, self.memory.fresh(f" {target}"))
        once = self.passes(loop.body)
        if set(self.copied(once)) & set(first):
            self.memory.restore(after)
            return [dataclasses.replace(loop, body=body)]
        place = dataclasses.replace(loop.loc, text="")  # no statement of the user's is undone here
        return [*(Assign(t, method(name(t), "copy"), place) for t in first), dataclasses.replace(loop, body=once)]

    def is_plain(self, identifier: str) -> bool:
        """Whether a name is a number, which shares no memory."""
        return identifier in self.kinds and self.kinds[identifier].is_plain

    def is_complex(self, identifier: str) -> bool:
        dtype = self.kinds[identifier].dtype if identifier in self.kinds else None
        return dtype is not None and dtype.kind == "c"

    def settled(self, statement: Statement) -> list[Statement]:
        memory, place = self.memory, self.places[id(statement)]
        memory.site = str(place)
        match statement:
            case Assign(target, ast.List() | ast.ListComp()) if self.is_plain(target):  # the adjoint of a list: its items share what is said of it
                memory.bind(target, memory.fresh())
                self.lists.add(target)
            case Assign(target, expr):
                memory.bind(target, NOTHING if self.is_plain(target) else memory.of(expr), names(expr))
            case Unpack(targets, _, expr):
                for i, target in enumerate(targets):
                    memory.bind(target, memory.of_item(expr, i), names(expr))
            case Update(ast.Name(id=target), op, expr) if not self.is_plain(target):
                if not memory.may_write(target, self.alive[place]) or self.may_be_real and self.is_complex(target):
                    memory.bind(target, memory.fresh())
                    return [Assign(target, binary(name(target), op, expr), statement.loc)]
            case Effect(ast.Call(func=ast.Attribute(attr="append"), args=[ast.Name(id=added)])):
                memory.keep(added)
            case Store(place_) | Update(ast.Subscript() | ast.Attribute() | ast.Call() as place_) | Effect(ast.Call(args=[place_, *_])):
                target = root_of(place_)
                if target in memory.cells and target not in self.lists and not memory.may_write(target, self.alive[place]):
                    memory.bind(target, memory.fresh())
                    return [Assign(target, method(name(target), "copy"), statement.loc), statement]
        return [statement]


def copied_at_once(before: Statement, statement: Statement) -> list[Statement]:
    """`b = a; b = b.copy()` is `b = a.copy()`."""
    match before, statement:
        case Assign(target, ast.Name() as source, loc), Assign(again, ast.Call(func=ast.Attribute(value=ast.Name(id=copied), attr="copy"), args=[])) if target == again == copied:
            return [Assign(target, method(source, "copy"), loc)]
    return [before, statement]


def begun_at_once(block: Block) -> Block:
    """A sum that begins with another name's array has that name in its first line: `dx = y; dw = z; dx = dx + e` is `dw = z; dx = y + e`."""
    out: list[Statement] = []
    for statement in block:
        if blocks(statement):
            statement = with_blocks(statement, begun_at_once)
        match statement:
            case Assign(target, ast.BinOp(left=ast.Name(id=first), op=op, right=right), loc) if target == first and target not in names(right):
                at = next((i for i in range(len(out) - 1, -1, -1) if target in touched(out[i])), None)
                begun = out[at] if at is not None else None
                if isinstance(begun, Assign) and isinstance(begun.expr, ast.Name) and begun.loc.text == loc.text and begun.loc.line == loc.line and not any(begun.expr.id in bound(s) for s in out[at:]):
                    del out[at]
                    statement = Assign(target, ast.BinOp(left=begun.expr, op=op, right=right), loc)
        out.append(statement)
    return tuple(out)


def copy_returned(block: Block, memory: Memory, kinds: Mapping[str, Number], returned: Sequence[str], foreign: Sequence[str]) -> Block:
    """Copy what is returned and is an argument, a read-only view, or shared with something else that is returned."""
    seen: frozenset[str] = frozenset().union(*(memory.of_name(n) for n in foreign)) if foreign else frozenset()
    copied: list[str] = []
    for target in returned:
        kind = kinds.get(target)
        if kind is not None and kind.is_plain:
            continue
        cells = memory.of_name(target)
        if not memory.owned(cells) or cells & seen:
            copied.append(target)
        else:
            seen |= cells
    statements = list(block)
    for target in copied:
        copy_definition(statements, target)
    return tuple(statements)


def copy_definition(statements: list[Statement], target: str) -> None:
    """Make the last statement that gives `target` its memory copy it; add one before the return where it has no such line."""
    for i in range(len(statements) - 1, -1, -1):
        statement = statements[i]
        if isinstance(statement, Assign) and statement.target == target:
            statements[i] = dataclasses.replace(statement, expr=method(statement.expr, "copy"))
            return
        if target in bound(statement):
            break
    end = next(i for i, s in enumerate(statements) if isinstance(s, Return))
    statements.insert(end, Assign(target, method(name(target), "copy"), statements[end].loc))
