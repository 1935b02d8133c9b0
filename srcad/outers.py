"""Outer products that a loop only adds up become one product of matrices after it.

    for t in reversed(range(n)):              for t in reversed(range(n)):
        h = hs.pop()                              h = hs[t]
        dX[t] = da                                dX[t] = da
        dW += np.outer(da, h)            ->       dbs[t] = db
        dU += np.outer(da, db)                dW = dX.T @ np.array(hs)
                                              dU = dX.T @ dbs

where `dbs = np.empty((n, 3))`; where the number of passes is not known before the loop, lists take the place of such arrays.
"""
from __future__ import annotations

import ast
import dataclasses
import functools
from collections import Counter
from collections.abc import Callable

from srcad.dims import Dim, dim_of
from srcad.ir import UNPLACED, Assign, Block, Effect, For, Statement, Store, Unpack, Update, blocks, with_blocks
from srcad.ranges import counting
from srcad.syntax import binary, call, const, from_zero, method, name, names, same
from srcad.uses import Tally, changes, is_read_only_in, reads, rebound, tallied, touched


@dataclasses.dataclass
class Outers:
    """temporary: makes a new name; shape: of an array, where that is known; matrix: a new one with a row like a vector for each of so many passes."""

    temporary: Callable[[str], str]
    shape: Callable[[str], tuple[Dim, ...] | None]
    matrix: Callable[[str, ast.expr], ast.expr | None]
    lists_only: bool = False  # which is what the compiled backend makes arrays of
    counts: Tally = dataclasses.field(default_factory=Tally)  # how often each name is read

    def apply(self, block: Block) -> Block:
        self.counts = tallied(block)[0]
        return self.block(block, inside=False)

    def block(self, block: Block, inside: bool) -> Block:
        out: list[Statement] = []
        for statement in block:
            if isinstance(statement, For):
                sums = Sums(self, statement, inside)
                if not sums.outers:
                    out.append(dataclasses.replace(statement, body=self.block(statement.body, inside=True)))
                    continue
                out += sums.statements()
                for total in sums.totals():
                    out.append(begun(total, out) if sums.in_arrays and sums.fits(total) else total)
            else:
                out.append(with_blocks(statement, lambda b: self.block(b, inside)) if blocks(statement) else statement)
        return tuple(out)

    def rank(self, identifier: str) -> int | None:
        """How many dimensions an array has, where that is known."""
        shape = self.shape(identifier)
        return None if shape is None else len(shape)


class Sums:
    """The sums of one loop, and where the matrices come from: rows that are there anyway, or lists that the passes fill."""

    def __init__(self, owner: Outers, loop: For, inside: bool) -> None:
        self.owner, self.loop = owner, loop
        own = not inside and not owner.lists_only and loop.target != "_" and not any(loop.target in rebound(s) for s in loop.body)
        self.passes = counted(loop.iter) if own else None
        self.outers = [s for s in loop.body if is_outer(s) and self.waits(s)]
        self.edits: dict[int, list[Statement]] = {id(s): [] for s in self.outers}  # a statement of the body -> what stands there instead
        self.matrices: dict[str, ast.expr] = {}  # a factor as text -> the matrix of what it is in each pass, the first pass first
        self.made: list[Statement] = []  # the matrices that the passes fill
        self.lists: dict[str, str] = {}  # a factor as text -> the list that it is added to, the last pass first
        self.pairs: dict[str, tuple[str, str]] = {}  # a sum with several outer products in a pass -> the lists of their factors

    def statements(self) -> list[Statement]:
        """Lists and matrices before the loop, and the loop."""
        times = Counter(s.target.id for s in self.outers)  # type: ignore[union-attr]
        for outer in self.outers:
            if times[outer.target.id] > 1:  # type: ignore[union-attr]
                self.listed_together(outer)
            else:
                self.found(outer)
        self.sums = [s for s in self.loop.body if is_sum(s) and s.expr.id in {**self.lists, **self.matrices} and self.waits(s)]  # type: ignore[union-attr]
        self.edits |= {id(s): [] for s in self.sums}
        body = [new for s in self.loop.body for new in self.edits.get(id(s), [s])]
        labels = [*self.lists.values(), *(label for pair in self.pairs.values() for label in pair)]
        starts: list[Statement] = [Assign(label, ast.List(elts=[], ctx=ast.Load()), UNPLACED) for label in labels]
        return [*self.made, *starts, dataclasses.replace(self.loop, body=tuple(s for s in body if not self.is_idle(s, body)))]

    def is_idle(self, statement: Statement, body: list[Statement]) -> bool:
        """Whether a statement takes a row of an array that nothing reads any more."""
        if not isinstance(statement, Assign) or self.row_of(statement.target) is None:
            return False
        return not any(statement.target in reads(s) for s in body) and is_read_only_in(self.loop.body, statement.target, self.owner.counts)

    # ---- what a factor's matrix is

    def found(self, outer: Statement) -> None:
        """The matrices of both factors, or lists in their places."""
        for factor in factors(outer):
            key = ast.unparse(factor)
            if key in self.matrices or key in self.lists:
                continue
            matrix = self.rows(factor) if self.in_arrays else None
            label = self.kept(factor) if matrix is None and self.in_arrays and self.never_empty else ""
            if matrix is not None:
                self.matrices[key] = matrix
            elif label:
                self.matrices[key] = array_of(name(label), self.library)
                self.indexed(factor, label)
            elif self.in_arrays and (empty := self.empty(factor)) is not None:
                self.matrices[key] = made = name(self.owner.temporary(plural(root(factor))))
                self.made.append(Assign(made.id, empty, UNPLACED))
                self.edits[id(outer)].append(Store(ast.Subscript(value=made, slice=name(self.loop.target), ctx=ast.Store()), factor, outer.loc))
            else:
                self.lists[key] = self.owner.temporary(plural(root(factor)))
                self.edits[id(outer)].append(appended(self.lists[key], factor, outer))

    @functools.cached_property
    def in_arrays(self) -> bool:
        """Whether every factor gets a matrix of the right shape: of no passes a list gives no columns."""
        if self.passes is None:
            return False
        return self.never_empty or all(self.rows(f) is not None or self.empty(f) is not None for s in self.outers for f in factors(s))

    def empty(self, factor: ast.expr) -> ast.expr | None:
        """A new matrix that the passes can put a factor into."""
        return self.owner.matrix(factor.id, self.passes) if isinstance(factor, ast.Name) and self.passes is not None else None

    @functools.cached_property
    def never_empty(self) -> bool:
        """Whether the loop makes a pass at all, by the size of an array with a row for each; that becomes a fact. Of no passes a list gives no columns."""
        arrays = frozenset().union(*map(touched, self.loop.body))
        exact = [d for a in sorted(arrays) if self.owner.rank(a) and (d := self.exact(a)) is not None and d.value is not None]
        return bool(exact) and exact[0] > 0

    def exact(self, array: str) -> Dim | None:
        """The number of an array's rows, where the loop counts through all of them."""
        dims = self.owner.shape(array)
        return dims[0] if dims and makes(self.passes, dims[0]) else None

    def listed_together(self, outer: Statement) -> None:
        target = outer.target.id  # type: ignore[union-attr]
        if target not in self.pairs:
            one, two = (self.owner.temporary(plural(root(f))) for f in factors(outer))
            self.pairs[target] = one, two
        self.edits[id(outer)] = [appended(label, f, outer) for label, f in zip(self.pairs[target], factors(outer))]

    def rows(self, factor: ast.expr) -> ast.expr | None:
        """What has a factor of every pass as its rows: an array that it is a row of, or is stored into."""
        body, counter = self.loop.body, self.loop.target
        if isinstance(factor, ast.Subscript):
            return self.whole(factor.value.id) if ast.unparse(factor.slice) == counter else None  # type: ignore[attr-defined]
        assert isinstance(factor, ast.Name)
        array = self.row_of(factor.id)
        if array is not None:
            return self.whole(array)
        stored = [s for s in body if stores(s, factor.id, counter)]
        if len(stored) == 1:
            array = stored[0].target.value.id  # type: ignore[union-attr]
            if [s for s in body if array in touched(s)] == stored and self.owner.rank(array) == 2:
                return self.whole(array)
        return None

    def row_of(self, identifier: str) -> str | None:
        """The matrix of which a name is this pass's row, and of which the loop changes nothing."""
        given = [s for s in self.loop.body if identifier in changes(s)]
        match given:
            case [Assign(_, ast.Subscript(value=ast.Name(id=array), slice=ast.Name(id=self.loop.target)))] if self.owner.rank(array) == 2:
                return None if any(array in changes(s) for s in self.loop.body) else array
        return None

    def kept(self, factor: ast.expr) -> str:
        """The list that the forward pass has kept a factor in, by itself."""
        body = self.loop.body
        found = [s for s in body if isinstance(factor, ast.Name) and takes(s, factor.id)]
        label = found[0].expr.func.value.id if len(found) == 1 else ""  # type: ignore[union-attr]
        return label if sum(label in reads(s) for s in body) == 1 else ""

    def indexed(self, factor: ast.expr, label: str) -> None:
        """What is taken from the end of a list, which is needed whole, is read by its index: `h = hs[t]`."""
        for s in self.loop.body:
            if takes(s, root(factor)):
                self.edits[id(s)] = [dataclasses.replace(s, expr=ast.Subscript(value=name(label), slice=name(self.loop.target), ctx=ast.Load()))]  # type: ignore[type-var]

    def whole(self, array: str) -> ast.expr:
        """The rows of an array that the loop counts through."""
        if self.exact(array) is not None:
            return name(array)
        return ast.Subscript(value=name(array), slice=ast.Slice(upper=self.passes), ctx=ast.Load())

    @property
    def library(self) -> ast.expr:
        return self.outers[0].expr.func.value  # type: ignore[union-attr,no-any-return]

    # ---- the sums

    def totals(self) -> list[Statement]:
        """The sums after the loop, with each list made an array, once."""
        waiting = [s for s in self.loop.body if s in self.outers or s in self.sums]
        uses = Counter(ast.unparse(f) for s in waiting if s.target.id not in self.pairs for f in (factors(s) if is_outer(s) else [s.expr]))  # type: ignore[union-attr]
        arrays = dict(self.matrices)
        out: list[Statement] = []
        done: set[str] = set()
        for statement in waiting:
            target = statement.target.id  # type: ignore[union-attr]
            if target in done:
                continue
            done.add(target)
            if target in self.pairs:
                expr = product(*(array_of(name(label), self.library) for label in self.pairs[target]))
            else:
                parts = [ast.unparse(f) for f in (factors(statement) if is_outer(statement) else [statement.expr])]  # type: ignore[union-attr]
                for key in dict.fromkeys(p for p in parts if p not in arrays):
                    label = self.lists[key]
                    arrays[key] = array_of(self.in_order(label), self.library)
                    if uses[key] > 1:
                        out.append(Assign(label, arrays[key], statement.loc))
                        arrays[key] = name(label)
                expr = product(*(arrays[p] for p in parts)) if is_outer(statement) else call(ast.Attribute(value=arrays[parts[0]], attr="sum", ctx=ast.Load()), [], axis=const(0))
            out.append(dataclasses.replace(statement, expr=expr))  # type: ignore[type-var]
        return out

    def fits(self, total: Statement) -> bool:
        """Whether what is added after the loop has the very shape of the sum."""
        origin = next((s for s in (*self.outers, *self.sums) if isinstance(total, Update) and same(s.target, total.target)), None)  # type: ignore[union-attr]
        if origin is None or origin.target.id in self.pairs and not self.never_empty:  # type: ignore[union-attr]
            return False
        sizes = [self.length(f) for f in (factors(origin) if is_outer(origin) else [origin.expr])]  # type: ignore[union-attr]
        shape = self.owner.shape(origin.target.id)  # type: ignore[union-attr]
        return shape is not None and None not in sizes and [d.key for d in shape] == sizes

    def length(self, factor: ast.expr) -> str | None:
        """The size of a vector."""
        shape = self.owner.shape(root(factor) if isinstance(factor, ast.Name) else factor.value.id)  # type: ignore[attr-defined]
        return shape[-1].key if shape else None

    def in_order(self, label: str) -> ast.expr:
        """A list of what the passes have added to it, turned round where other matrices begin with the first pass."""
        if not self.matrices:
            return name(label)
        return ast.Subscript(value=name(label), slice=ast.Slice(step=ast.UnaryOp(op=ast.USub(), operand=const(1))), ctx=ast.Load())

    def waits(self, update: Statement) -> bool:
        """Whether a sum is not asked for inside the loop, and what is added stays as it is, in memory of its own."""
        assert isinstance(update, Update) and isinstance(update.target, ast.Name)
        target, body = update.target.id, self.loop.body
        if any(target in touched(s) for s in body if s is not update and not alike(s, update)):
            return False
        return all(self.is_kept(f, update) for f in (factors(update) if is_outer(update) else [update.expr]))

    def is_kept(self, factor: ast.expr, update: Statement) -> bool:
        """Whether a factor is a vector of this pass's own, or a row of a matrix that the loop leaves alone."""
        if isinstance(factor, ast.Name):
            return self.owner.rank(factor.id) == 1 and steady(factor.id, self.loop.body, update)
        array = factor.value.id  # type: ignore[attr-defined]
        return self.owner.rank(array) == 2 and not any(array in changes(s) for s in self.loop.body)


def begun(update: Statement, before: list[Statement]) -> Statement:
    """What is added to zeros, with nothing in between, in their place: `dW = ...`. They are taken out of the statements before it."""
    assert isinstance(update, Update) and isinstance(update.target, ast.Name)
    target = update.target.id
    match [s for s in before if target in touched(s)]:
        case [Assign(_, ast.Call(func=ast.Attribute(attr="zeros"))) as zeros]:
            before.remove(zeros)
            return Assign(target, from_zero(update.op, update.expr), update.loc)
    return update


def steady(identifier: str, body: Block, update: Statement) -> bool:
    """Whether a name's memory is new in every pass, or is not changed at all, and not changed after this statement."""
    at = next(i for i, s in enumerate(body) if s is update)
    changing = [i for i, s in enumerate(body) if identifier in changes(s) and not (isinstance(s, (Assign, Unpack)) and i < at)]
    if not changing:
        return True
    made = [i for i, s in enumerate(body) if isinstance(s, Assign) and s.target == identifier and isinstance(s.expr, (ast.BinOp, ast.UnaryOp))]
    return bool(made) and made[-1] < changing[0] and changing[-1] < at


def is_outer(statement: Statement) -> bool:
    match statement:
        case Update(ast.Name(), ast.Add() | ast.Sub(), ast.Call(func=ast.Attribute(attr="outer"), args=[one, two])):
            return is_factor(one) and is_factor(two)
    return False


def is_factor(expr: ast.expr) -> bool:
    """A name, or a row `xs[t]`."""
    return isinstance(expr, ast.Name) or isinstance(expr, ast.Subscript) and isinstance(expr.value, ast.Name) and isinstance(expr.slice, ast.Name)


def is_sum(statement: Statement) -> bool:
    match statement:
        case Update(ast.Name(), ast.Add() | ast.Sub(), ast.Name()):
            return True
    return False


def alike(one: Statement, other: Statement) -> bool:
    """Whether two outer products are added to one sum, with one sign."""
    return is_outer(one) and is_outer(other) and same(one.target, other.target) and type(one.op) is type(other.op)  # type: ignore[union-attr]


def factors(update: Statement) -> list[ast.expr]:
    return update.expr.args  # type: ignore[union-attr,no-any-return]


def root(factor: ast.expr) -> str:
    return next(iter(names(factor)))


def counted(passes: ast.expr) -> ast.expr | None:
    """How many passes a loop over `reversed(range(n))` makes."""
    found = counting(passes)
    return found.stop if found is not None and found.is_whole and found.is_turned else None


def makes(passes: ast.expr | None, dim: Dim) -> bool:
    """Whether a loop makes as many passes as a dimension says."""
    made = dim_of(passes, dim.facts) if passes is not None else None
    return made is not None and made.key == dim.key


def stores(statement: Statement, value: str, counter: str) -> bool:
    """`array[t] = value`."""
    match statement:
        case Store(ast.Subscript(value=ast.Name(), slice=ast.Name(id=index)), ast.Name(id=stored)):
            return index == counter and stored == value
    return False


def takes(statement: Statement, target: str) -> bool:
    """`target = label.pop()`."""
    match statement:
        case Assign(found, ast.Call(func=ast.Attribute(value=ast.Name(), attr="pop"), args=[])):
            return found == target
    return False


def appended(label: str, value: ast.expr, origin: Statement) -> Statement:
    return Effect(method(name(label), "append", value), origin.loc)


def array_of(rows: ast.expr, library: ast.expr) -> ast.expr:
    return call(ast.Attribute(value=library, attr="array", ctx=ast.Load()), [rows])


def product(rows: ast.expr, columns: ast.expr) -> ast.expr:
    """The sum of the outer products of the rows of two matrices."""
    return binary(ast.Attribute(value=rows, attr="T", ctx=ast.Load()), ast.MatMult(), columns)


def plural(identifier: str) -> str:
    """What a list of such values is called."""
    label = identifier.rstrip("0123456789_")
    return f"all_{label}" if label.endswith("s") else f"{label}s"
