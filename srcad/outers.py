"""Outer products that a loop only adds up become one product of matrices after it.

    for t in reversed(range(n)):              for t in reversed(range(n)):
        h = hs.pop()                              h = hs[t]
        dX[t] = da                                dX[t] = da
        dW += np.outer(da, h)            ->       das.append(da)
        dU += np.outer(da, db)                    dbs.append(db)
                                              dW += dX.T @ np.array(hs)
                                              dU += np.array(das).T @ np.array(dbs)
"""
from __future__ import annotations

import ast
import dataclasses
import functools
from collections import Counter
from collections.abc import Callable

from srcad.dims import Dim, dim_of
from srcad.ir import UNPLACED, Assign, Block, Effect, For, Statement, Store, Unpack, Update, blocks, with_blocks
from srcad.simplify import changes, reads
from srcad.syntax import binary, call, const, method, name, names, same


@dataclasses.dataclass
class Outers:
    """temporary: makes a new name; rank: how many dimensions an array has, where that is known; shape: its shape."""

    temporary: Callable[[str], str]
    rank: Callable[[str], int | None]
    shape: Callable[[str], tuple[Dim, ...] | None]
    lists_only: bool = False  # one for each factor, filled once in a pass: what the compiled backend takes

    def apply(self, block: Block, inside: bool = False) -> Block:
        out: list[Statement] = []
        for statement in block:
            if isinstance(statement, For):
                sums = Sums(self, statement, inside)
                out += sums.statements() if sums.outers else [dataclasses.replace(statement, body=self.apply(statement.body, inside=True))]
            else:
                out.append(with_blocks(statement, lambda b: self.apply(b, inside)) if blocks(statement) else statement)
        return tuple(out)


class Sums:
    """The sums of one loop, and where the matrices come from: rows that are there anyway, or lists that the passes fill."""

    def __init__(self, owner: Outers, loop: For, inside: bool) -> None:
        self.owner, self.loop = owner, loop
        self.passes = None if inside or owner.lists_only else counted(loop.iter)
        self.outers = [s for s in loop.body if is_outer(s) and self.waits(s)]
        self.edits: dict[int, list[Statement]] = {id(s): [] for s in self.outers}  # a statement of the body -> what stands there instead
        self.matrices: dict[str, ast.expr] = {}  # a factor as text -> the matrix of what it is in each pass, the first pass first
        self.lists: dict[str, str] = {}  # a factor as text -> the list that it is added to, the last pass first
        self.pairs: dict[str, tuple[str, str]] = {}  # a sum with several outer products in a pass -> the lists of their factors

    def statements(self) -> list[Statement]:
        """Lists before the loop, the loop, the sums after it."""
        times = Counter(s.target.id for s in self.outers)  # type: ignore[union-attr]
        for outer in self.outers:
            if times[outer.target.id] > 1:  # type: ignore[union-attr]
                self.listed_together(outer)
            else:
                self.found(outer)
        sums = [s for s in self.loop.body if is_sum(s) and s.expr.id in {**self.lists, **self.matrices} and self.waits(s)]  # type: ignore[union-attr]
        self.edits |= {id(s): [] for s in sums}
        body = [new for s in self.loop.body for new in self.edits.get(id(s), [s])]
        labels = [*self.lists.values(), *(label for pair in self.pairs.values() for label in pair)]
        starts: list[Statement] = [Assign(label, ast.List(elts=[], ctx=ast.Load()), UNPLACED) for label in labels]
        return [*starts, dataclasses.replace(self.loop, body=tuple(body)), *self.after([s for s in self.loop.body if s in self.outers or s in sums])]

    # ---- what a factor's matrix is

    def found(self, outer: Statement) -> None:
        """The matrices of both factors, or lists in their places."""
        for factor in factors(outer):
            key = ast.unparse(factor)
            if key in self.matrices or key in self.lists:
                continue
            matrix = self.matrix(factor) if self.passes is not None else None
            if matrix is not None and self.never_empty:
                self.matrices[key] = matrix
                self.indexed(factor)
            else:
                self.lists[key] = self.owner.temporary(plural(root(factor)))
                self.edits[id(outer)].append(appended(self.lists[key], factor, outer))

    @functools.cached_property
    def never_empty(self) -> bool:
        """Whether the loop makes a pass at all, by the size of an array with a row for each; that becomes a fact. Of no passes a list gives no columns."""
        arrays = {n for s in self.loop.body for n in (*reads(s), *changes(s))}
        exact = [d for a in sorted(arrays) if self.owner.rank(a) == 2 and (d := self.exact(a)) is not None and d.value is not None]
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

    def matrix(self, factor: ast.expr) -> ast.expr | None:
        """What has a factor of every pass as its rows: an array that it is a row of, or is stored into, or the list that the forward pass has kept it in."""
        body, counter = self.loop.body, self.loop.target
        if isinstance(factor, ast.Subscript):
            return self.rows(factor.value.id) if ast.unparse(factor.slice) == counter else None  # type: ignore[attr-defined]
        assert isinstance(factor, ast.Name)
        stored = [s for s in body if stores(s, factor.id, counter)]
        if len(stored) == 1:
            array = stored[0].target.value.id  # type: ignore[union-attr]
            if [s for s in body if array in reads(s) or array in changes(s)] == stored and self.owner.rank(array) == 2:
                return self.rows(array)
        label = self.kept(factor)
        return array_of(name(label), self.library) if label else None

    def kept(self, factor: ast.expr) -> str:
        """The list that the forward pass has kept a factor in, by itself."""
        body = self.loop.body
        found = [s for s in body if isinstance(factor, ast.Name) and takes(s, factor.id)]
        label = found[0].expr.func.value.id if len(found) == 1 else ""  # type: ignore[union-attr]
        return label if sum(label in reads(s) for s in body) == 1 else ""

    def indexed(self, factor: ast.expr) -> None:
        """What is taken from the end of a list, which is needed whole, is read by its index: `h = hs[t]`."""
        label = self.kept(factor)
        for s in self.loop.body if label else ():
            if takes(s, root(factor)):
                self.edits[id(s)] = [dataclasses.replace(s, expr=ast.Subscript(value=name(label), slice=name(self.loop.target), ctx=ast.Load()))]  # type: ignore[type-var]

    def rows(self, array: str) -> ast.expr:
        """The rows of an array that the loop counts through."""
        if self.exact(array) is not None:
            return name(array)
        return ast.Subscript(value=name(array), slice=ast.Slice(upper=self.passes), ctx=ast.Load())

    @property
    def library(self) -> ast.expr:
        return self.outers[0].expr.func.value  # type: ignore[union-attr,no-any-return]

    # ---- the sums

    def after(self, waiting: list[Statement]) -> list[Statement]:
        """The sums after the loop, with each list made an array, once."""
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

    def in_order(self, label: str) -> ast.expr:
        """A list of what the passes have added to it, turned round where other matrices begin with the first pass."""
        if not self.matrices:
            return name(label)
        return ast.Subscript(value=name(label), slice=ast.Slice(step=ast.UnaryOp(op=ast.USub(), operand=const(1))), ctx=ast.Load())

    def waits(self, update: Statement) -> bool:
        """Whether a sum is not asked for inside the loop, and what is added stays as it is, in memory of its own."""
        assert isinstance(update, Update) and isinstance(update.target, ast.Name)
        target, body = update.target.id, self.loop.body
        together = is_outer(update) and not self.owner.lists_only
        if any(target in reads(s) or target in changes(s) for s in body if s is not update and not (together and alike(s, update))):
            return False
        return all(self.is_kept(f, update) for f in (factors(update) if is_outer(update) else [update.expr]))

    def is_kept(self, factor: ast.expr, update: Statement) -> bool:
        """Whether a factor is a vector of this pass's own, or a row of a matrix that the loop leaves alone."""
        if isinstance(factor, ast.Name):
            return self.owner.rank(factor.id) == 1 and steady(factor.id, self.loop.body, update)
        array = factor.value.id  # type: ignore[attr-defined]
        return self.owner.rank(array) == 2 and not any(array in changes(s) for s in self.loop.body)


def steady(identifier: str, body: Block, update: Statement) -> bool:
    """Whether a name's memory is new in every pass, or is not changed at all, and not changed after this statement."""
    at = next(i for i, s in enumerate(body) if s is update)
    touched = [i for i, s in enumerate(body) if identifier in changes(s) and not (isinstance(s, (Assign, Unpack)) and i < at)]
    if not touched:
        return True
    made = [i for i, s in enumerate(body) if isinstance(s, Assign) and s.target == identifier and isinstance(s.expr, (ast.BinOp, ast.UnaryOp))]
    return bool(made) and made[-1] < touched[0] and touched[-1] < at


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
    match passes:
        case ast.Call(func=ast.Name(id="reversed"), args=[ast.Call(func=ast.Name(id="range"), args=[stop])]):
            return stop
    return None


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
