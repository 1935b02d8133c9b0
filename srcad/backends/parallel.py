"""Loops whose passes do not meet run on all cores, where there is enough for them to do.

    for i in range(y.shape[0]):                 for i in prange(y.shape[0]):
        s = 1.0 / (1 + exp(-y[i]))        ->        s = 1.0 / (1 + exp(-y[i]))
        dy[i] = (1 - s) * s                         dy[i] = (1 - s) * s

A pass writes to elements of its own alone, in memory that the function made; its names are set before they are read,
and nothing reads them afterwards. Everything else stays as it is: a sum over the passes has an order.
"""
from __future__ import annotations

import ast
import functools
import importlib
from collections.abc import Iterator

from srcad.backends.building import HELPERS
from srcad.dims import Dim, Facts
from srcad.syntax import parts_of

ENOUGH = 200_000  # operations, below which starting threads costs more than it saves
PURE = frozenset(HELPERS) | {"float", "int", "abs", "min", "max", "range", "bool"}
MAKERS = frozenset(("empty", "zeros", "ones"))


def spread(body: str, facts: Facts) -> str:
    """The body of a kernel with such loops run in parallel; as it is where there are none, or too little to do."""
    if not has_cores():
        return body
    function = ast.parse("def f():\n" + body).body[0]
    assert isinstance(function, ast.FunctionDef)
    rows = body.split("\n")
    for statement in function.body:
        if isinstance(statement, ast.For) and Passes(function, statement).are_apart() and is_long(statement, facts):
            row = statement.lineno - 2
            rows[row] = rows[row].replace("in range(", "in prange(", 1)
    return "\n".join(rows)


@functools.cache
def has_cores() -> bool:
    """Whether there is more than one core to use, and a layer of threads under which a gradient may be called from several threads at once."""
    import numba

    layers = ("numba.np.ufunc.tbbpool", "numba.np.ufunc.omppool")
    return numba.config.NUMBA_NUM_THREADS > 1 and any(map(importable, layers))


def importable(module: str) -> bool:
    try:
        importlib.import_module(module)
    except ImportError:
        return False
    return True


def is_long(loop: ast.For, facts: Facts) -> bool:
    """Whether a loop over the sizes of arguments does enough; the answer is a fact of the code."""
    count = passes(loop, facts)
    if count is None or count.value is None:
        return False
    work = sum(isinstance(n, (ast.BinOp, ast.Compare)) + 8 * isinstance(n, ast.Call) for n in ast.walk(loop)) or 1
    return bool(count >= -(-ENOUGH // work))


def passes(loop: ast.For, facts: Facts) -> Dim | None:
    """How often a loop runs, if that is the size of an argument."""
    match loop.iter:
        case ast.Call(func=ast.Name(id="range"), args=[stop]) if (text := ast.unparse(stop)) in facts.values:
            return Dim({text: 1}, 0, None, facts)
    return None


class Passes:
    """Whether the passes of a loop could run in any order, and at once."""

    def __init__(self, function: ast.FunctionDef, loop: ast.For) -> None:
        self.function, self.loop = function, loop
        self.counter = loop.target.id if isinstance(loop.target, ast.Name) else ""
        self.written: dict[str, set[int]] = {}  # an array -> the axes along which every pass has places of its own
        self.private: set[str] = set()

    def are_apart(self) -> bool:
        return bool(self.counter) and not self.loop.orelse and all(map(self.is_allowed, self.loop.body)) and bool(self.written) and self.reads_are_own() and self.is_over()

    def is_allowed(self, statement: ast.stmt) -> bool:
        """Whether a statement of the loop only sets names of this pass, or elements of this pass."""
        if not self.is_pure(statement):
            return False
        match statement:
            case ast.Assign(targets=[ast.Name(id=label)]):
                self.private.add(label)
                return label != self.counter
            case ast.Assign(targets=[ast.Subscript() as place]) | ast.AugAssign(target=ast.Subscript() as place):
                return self.is_own(place)
            case ast.AugAssign(target=ast.Name(id=label)):
                return label in self.private
            case ast.For(target=ast.Name(id=label), body=body, orelse=[]):
                self.private.add(label)
                return label != self.counter and all(map(self.is_allowed, body))
            case ast.If(body=body, orelse=orelse):
                return all(map(self.is_allowed, [*body, *orelse]))
            case ast.Pass():
                return True
        return False

    def is_pure(self, statement: ast.stmt) -> bool:
        """Whether what a statement calls is arithmetic."""
        for node in ast.walk(statement):
            if isinstance(node, ast.Call) and not (isinstance(node.func, ast.Name) and node.func.id in PURE or isinstance(node.func, ast.Attribute) and ast.unparse(node.func.value) in ("math", "np")):
                return False
            if isinstance(node, (ast.NamedExpr, ast.Lambda, ast.ListComp, ast.GeneratorExp)):
                return False
        return True

    def is_own(self, place: ast.Subscript) -> bool:
        """Whether an element has the counter itself among its indices, on the same axis whenever that array is written to."""
        if not isinstance(place.value, ast.Name) or place.value.id in self.private:
            return False
        axes = self.axes_of(place)
        known = self.written.setdefault(place.value.id, axes)
        known &= axes
        return bool(known) and self.is_made_here(place.value.id)

    def axes_of(self, place: ast.Subscript) -> set[int]:
        parts = parts_of(place.slice)
        if any(isinstance(p, ast.Slice) for p in parts):
            return set()
        return {k for k, p in enumerate(parts) if isinstance(p, ast.Name) and p.id == self.counter}

    def is_made_here(self, label: str) -> bool:
        """Whether an array is new memory of this function, which has no other name."""
        makers = [s for s in self.function.body if isinstance(s, ast.Assign) and any(isinstance(t, ast.Name) and t.id == label for t in s.targets)]
        bindings = sum(isinstance(n, ast.Name) and n.id == label and isinstance(n.ctx, ast.Store) for n in ast.walk(self.function))
        if len(makers) != 1 or bindings != 1 or not is_new(makers[0].value):
            return False
        uses = [n for n in ast.walk(self.function) if isinstance(n, ast.Name) and n.id == label]
        return len(uses) == 1 + sum(1 for n in self.harmless() if n.id == label)

    def harmless(self) -> Iterator[ast.Name]:
        """Where a name stands for its elements, its size or the result, and gets no second name."""
        for node in ast.walk(self.function):
            match node:
                case ast.Subscript(value=ast.Name() as base, slice=index) if not any(isinstance(n, ast.Slice) for n in ast.walk(index)):
                    yield base
                case ast.Attribute(value=ast.Name() as base, attr="shape" | "size"):
                    yield base
                case ast.Return(value=ast.Name() as base):
                    yield base
                case ast.Return(value=ast.Tuple(elts=elts)):
                    yield from (e for e in elts if isinstance(e, ast.Name))

    def reads_are_own(self) -> bool:
        """Whether what the loop writes is read in it at this pass's places alone."""
        for node in ast.walk(self.loop):
            if isinstance(node, ast.Subscript) and isinstance(node.value, ast.Name) and node.value.id in self.written:
                if not self.axes_of(node) & self.written[node.value.id]:
                    return False
        return True

    def is_over(self) -> bool:
        """Whether the names of a pass are set in it before they are read, and are not read outside."""
        inside = {id(n) for n in ast.walk(self.loop)}
        if any(isinstance(n, ast.Name) and n.id in self.private and id(n) not in inside for n in ast.walk(self.function)):
            return False
        known: set[str] = set()
        return self.are_set(self.loop.body, known)

    def are_set(self, block: list[ast.stmt], known: set[str]) -> bool:
        for statement in block:
            match statement:
                case ast.If(test=test, body=body, orelse=orelse):
                    arms = set(known), set(known)
                    if not (self.are_read(test, known) and self.are_set(body, arms[0]) and self.are_set(orelse, arms[1])):
                        return False
                    known |= arms[0] & arms[1]
                case ast.For(target=ast.Name(id=label), iter=iterable, body=body):
                    if not (self.are_read(iterable, known) and self.are_set(body, known | {label})):
                        return False
                case ast.Assign(targets=[target], value=value):
                    if not self.are_read(value, known) or not (isinstance(target, ast.Name) or self.are_read(target, known)):
                        return False
                    known |= {target.id} if isinstance(target, ast.Name) else set()
                case _:
                    if not self.are_read(statement, known):
                        return False
        return True

    def are_read(self, node: ast.AST, known: set[str]) -> bool:
        return all(n.id in known for n in ast.walk(node) if isinstance(n, ast.Name) and n.id in self.private)


def is_new(value: ast.expr) -> bool:
    return isinstance(value, ast.Call) and isinstance(value.func, ast.Attribute) and ast.unparse(value.func.value) == "np" and value.func.attr in MAKERS
