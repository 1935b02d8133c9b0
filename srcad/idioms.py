"""What the backward pass says in a roundabout way, said as a person would.

    np.exp(a - logsumexp(a, axis=1)[:, None])    ->    softmax(a, axis=1)
    r * a - r * b                                ->    r * (a - b)
    2 * (0.5 / r * dr * x)                       ->    dr / r * x
    (q.T @ d).T                                  ->    d.T @ q               of matrices
"""
from __future__ import annotations

import ast
import math
import sys
from collections.abc import Callable, Collection, Mapping

from srcad.dims import Facts
from srcad.ir import Assign, Block, For, Statement, blocks, expressions, map_expressions, targets, walk, with_blocks
from srcad.ranges import counting
from srcad.render import function_path
from srcad.syntax import Substitute, binary, call, is_module, name, names, parts_of, same, split_literal, substitute, takes_all, transposed
from srcad.uses import Tally, changes, reads, tallied


class Idioms(Substitute):
    """Rewrites the expressions of a backward half.

    is_logsumexp: which expressions mean SciPy's function, None where the program does not use it; rank: of which
    names are arrays for certain, how many dimensions they have; held: calls, as `ast.dump` has them, whose results have a
    name; counters: the whole numbers that loops count with; are_alike: of which names both are single numbers, or arrays of one shape;
    is_floating: which names are floats, or arrays of them.
    """

    def __init__(self, facts: Facts, is_logsumexp: Callable[[ast.expr], bool] | None, rank: Callable[[str], int | None], held: Mapping[str, str], counters: Collection[str],
                 are_alike: Callable[[str, str], bool], is_floating: Callable[[str], bool]) -> None:
        super().__init__({})
        self.facts, self.is_logsumexp, self.rank, self.held, self.counters = facts, is_logsumexp, rank, held, counters
        self.are_alike, self.is_floating = are_alike, is_floating

    def visit_Call(self, node: ast.Call) -> ast.expr:
        changed = self.generic_visit(node)
        if self.held and (known := self.held.get(ast.dump(changed))) is not None:
            return name(known)
        match changed:
            case ast.Call(func=ast.Attribute(value=library, attr="exp"), args=[ast.BinOp(left=a, op=ast.Sub(), right=right)], keywords=[]) if self.is_logsumexp is not None and is_module(library):
                return self.softmax(a, right) or changed
            case ast.Call(func=ast.Attribute(value=ast.Subscript(value=inner, slice=index), attr="reshape"), args=[ast.Attribute(value=ast.Name(id=owner), attr="shape")]) if marked(index, None) is not None:
                return self.shaped(inner, changed, owner)
        return changed  # type: ignore[return-value]

    def shaped(self, inner: ast.expr, changed: ast.Call, owner: str) -> ast.expr:
        """`v[:, None].reshape(x.shape)` is `v.reshape(x.shape)`, and v itself where both are vectors."""
        is_vector = isinstance(inner, ast.Name) and self.rank(inner.id) == self.rank(owner) == 1
        return inner if is_vector else ast.Call(func=ast.Attribute(value=inner, attr="reshape", ctx=ast.Load()), args=changed.args, keywords=[])

    def visit_Attribute(self, node: ast.Attribute) -> ast.expr:
        """`(q.T @ d).T` is `d.T @ q`, `x.T.T` is x, and `(-np.outer(a, b)).T` is `-np.outer(b, a)`."""
        changed = self.generic_visit(node)
        match changed:
            case ast.Attribute(value=ast.BinOp(left=left, op=ast.MatMult(), right=right), attr="T") if self.is_matrix(left) and self.is_matrix(right):
                return ast.BinOp(left=transposed(right), op=ast.MatMult(), right=transposed(left))
            case ast.Attribute(value=ast.Attribute(value=inner, attr="T"), attr="T"):
                return inner
            case ast.Attribute(value=ast.UnaryOp(op=ast.USub(), operand=ast.Call(func=ast.Attribute(value=library, attr="outer") as func, args=[a, b], keywords=[])), attr="T") if is_module(library):
                return ast.UnaryOp(op=ast.USub(), operand=ast.Call(func=func, args=[b, a], keywords=[]))
            case ast.Attribute(value=ast.Call(func=ast.Attribute(value=library, attr="outer") as func, args=[a, b], keywords=[]), attr="T") if is_module(library):
                return ast.Call(func=func, args=[b, a], keywords=[])
        return changed  # type: ignore[return-value]

    def is_matrix(self, expr: ast.expr) -> bool:
        """Whether a name, or a name transposed, is of two dimensions."""
        inner = expr.value if isinstance(expr, ast.Attribute) and expr.attr == "T" else expr
        return isinstance(inner, ast.Name) and self.rank(inner.id) == 2

    def visit_Subscript(self, node: ast.Subscript) -> ast.expr:
        """`x.sum(axis=1, keepdims=True)[:, 0]` is `x.sum(axis=1)`, `x[:, None][:, 0]` is x, and `x[:, i][:, None]` is `x[:, i, None]`."""
        changed = self.generic_visit(node)
        value = changed.value if isinstance(changed, ast.Subscript) else None
        if isinstance(value, ast.Subscript) and (index := self.at_one_go(value.slice, node.slice)) is not None:
            return ast.Subscript(value=value.value, slice=index, ctx=ast.Load())
        dropped = marked(node.slice, 0)
        if dropped is None:
            return changed  # type: ignore[return-value]
        negative = isinstance(value, ast.UnaryOp) and isinstance(value.op, ast.USub)
        inner = value.operand if negative else value  # type: ignore[union-attr]
        if isinstance(inner, ast.Subscript) and marked(inner.slice, None) == dropped:
            return ast.UnaryOp(op=ast.USub(), operand=inner.value) if negative else inner.value
        match inner:
            case ast.Call(func=ast.Attribute(attr="sum") as func, args=[], keywords=[ast.keyword(arg="axis", value=axis) as along, ast.keyword(arg="keepdims", value=ast.Constant(value=True))]):
                if ast.unparse(axis) in (str(dropped[0]), str(tuple(dropped))):
                    total = ast.Call(func=func, args=[], keywords=[along])
                    return ast.UnaryOp(op=ast.USub(), operand=total) if negative else total
        return changed  # type: ignore[return-value]

    def at_one_go(self, index: ast.expr, further: ast.expr) -> ast.expr | None:
        """An index of slices and whole numbers, and one that puts axes behind those of the slices, as one."""
        parts = parts_of(index)
        added = marked(further, None)
        slices = [p for p in parts if isinstance(p, ast.Slice)]
        if added is None or not slices or added != list(range(len(slices), len(slices) + len(added))):
            return None
        if not isinstance(further, ast.Tuple) or len(further.elts) != len(slices) + len(added):
            return None
        if not all(isinstance(p, ast.Slice) or isinstance(p, ast.Name) and p.id in self.counters or isinstance(p, ast.Constant) and type(p.value) is int for p in parts):
            return None
        return ast.Tuple(elts=[*parts, *further.elts[len(slices) :]], ctx=ast.Load())

    def visit_Compare(self, node: ast.Compare) -> ast.expr:
        """`np.maximum(x, 0) > 0` is `x > 0`."""
        changed = self.generic_visit(node)
        match changed:
            case ast.Compare(left=ast.Call(func=ast.Attribute(value=library, attr=attr), args=[one, two], keywords=[]), ops=[op], comparators=[ast.Constant() as bound_]) if is_module(library):
                if attr == "maximum" and isinstance(op, ast.Gt) or attr == "minimum" and isinstance(op, ast.Lt):
                    for limit, other in ((one, two), (two, one)):
                        if isinstance(limit, ast.Constant) and limit.value == bound_.value:
                            return ast.Compare(left=other, ops=[op], comparators=[bound_])
        return changed  # type: ignore[return-value]

    def visit_BinOp(self, node: ast.BinOp) -> ast.expr:
        """`r * a - r * b` is `r * (a - b)`, `a + -b` is `a - b`, and `-a @ -b` is `a @ b`."""
        changed = self.generic_visit(node)
        match changed:
            case ast.BinOp(left=ast.UnaryOp(op=ast.USub(), operand=left), op=ast.Mult() | ast.MatMult() | ast.Div() as op, right=ast.UnaryOp(op=ast.USub(), operand=right)):
                changed = binary(left, op, right)
            case ast.BinOp(left=left, op=ast.Add(), right=ast.UnaryOp(op=ast.USub(), operand=operand)):
                changed = binary(left, ast.Sub(), operand)
            case ast.BinOp(left=left, op=ast.Mult(), right=right) if (literal := leading_literal(left)) is not None and (scaled := times(right, literal[0], self.is_float)) is not None:
                changed = self.as_quotient(scaled) if literal[1] is None else binary(literal[1], ast.Mult(), self.as_quotient(scaled))
        if isinstance(changed, ast.BinOp) and isinstance(changed.op, (ast.Add, ast.Sub)):
            (first, left), (second, right) = leading_factor(changed.left), leading_factor(changed.right)
            if first is not None and second is not None and same(first, second):
                return ast.BinOp(left=first, op=ast.Mult(), right=ast.BinOp(left=left, op=changed.op, right=right))
        return changed  # type: ignore[return-value]

    def is_float(self, expr: ast.expr) -> bool:
        """Whether a product is of floats for certain."""
        match expr:
            case ast.Name(id=identifier):
                return self.is_floating(identifier)
            case ast.BinOp(op=ast.Div()):
                return True
            case ast.BinOp(left=left, op=ast.Add() | ast.Sub() | ast.Mult(), right=right):
                return self.is_float(left) or self.is_float(right)
            case ast.Subscript(value=value):
                return self.is_float(value)
        return isinstance(expr, ast.Constant) and isinstance(expr.value, float)

    def as_quotient(self, expr: ast.expr) -> ast.expr:
        """`1.0 / r * dr * x` is `dr / r * x`."""
        match expr:
            case ast.BinOp(left=ast.BinOp(left=ast.Constant(value=1.0), op=ast.Div(), right=ast.Name() as below), op=ast.Mult(), right=ast.Name() as above) if self.are_alike(above.id, below.id):
                return ast.BinOp(left=above, op=ast.Div(), right=below)
            case ast.BinOp(left=left, op=ast.Mult() as op, right=right):
                return ast.BinOp(left=self.as_quotient(left), op=op, right=self.as_quotient(right))
            case ast.Subscript(value=value, slice=index):
                return ast.Subscript(value=self.as_quotient(value), slice=index, ctx=ast.Load())
        return expr

    def softmax(self, a: ast.expr, right: ast.expr) -> ast.expr | None:
        """The softmax of `a`, where `right` is its logsumexp, with the axis that was reduced in its place."""
        index = None
        if isinstance(right, ast.Subscript):
            right, index = right.value, right.slice
        if not (isinstance(right, ast.Call) and self.is_logsumexp(right.func) and len(right.args) == 1 and same(right.args[0], a)):  # type: ignore[misc]
            return None
        keywords = {k.arg: k.value for k in right.keywords}
        axis, keepdims = keywords.pop("axis", None), keywords.pop("keepdims", None)
        whole = axis is None or isinstance(axis, ast.Constant) and axis.value in (None, 0)
        kept = isinstance(keepdims, ast.Constant) and keepdims.value is True
        if keywords or not (index is None and (kept or keepdims is None and whole) or keepdims is None and index is not None and axis is not None and expands(index, axis)):
            return None
        return call(function_path(sys.modules["scipy.special"].softmax, self.facts), [a], **({"axis": axis} if axis is not None else {}))


def at_once(block: Block) -> Block:
    """Sums that keep an axis, only to have it dropped by the one line that reads them, said in that line: `dx[rows] += d[:, 0]` after `d = -e.sum(axis=1, keepdims=True)`."""
    counts = tallied(block)[0]
    return said_at_once(block, counts)


def said_at_once(block: Block, counts: Tally) -> Block:
    out: list[Statement] = []
    waiting: dict[str, Assign] = {}
    for statement in block:
        if blocks(statement):
            statement, waiting = with_blocks(statement, lambda b: said_at_once(b, counts)), {}
        for target in [n for n in waiting if n in reads(statement)]:
            if all(dropping(e, target) for e in expressions(statement) if target in names(e)):
                out.remove(waiting[target])
                ready = {target: waiting[target].expr}
                statement = map_expressions(statement, lambda e: substitute(e, ready))
        waiting = {n: s for n, s in waiting.items() if isinstance(statement, Assign) and statement.target not in (n, *names(s.expr))}
        if isinstance(statement, Assign) and counts[statement.target] == 1 and keeps_an_axis(statement.expr):
            waiting[statement.target] = statement
        out.append(statement)
    return tuple(out)


def keeps_an_axis(expr: ast.expr) -> bool:
    match expr:
        case ast.UnaryOp(op=ast.USub(), operand=operand):
            return keeps_an_axis(operand)
        case ast.Call(func=ast.Attribute(value=ast.Name(), attr="sum"), args=[], keywords=[ast.keyword(arg="axis"), ast.keyword(arg="keepdims", value=ast.Constant(value=True))]):
            return True
    return False


def dropping(expr: ast.expr, identifier: str) -> bool:
    """Whether an expression is a name with axes dropped."""
    return isinstance(expr, ast.Subscript) and isinstance(expr.value, ast.Name) and expr.value.id == identifier and marked(expr.slice, 0) is not None


def counters(block: Block) -> frozenset[str]:
    """The names that only loops over ranges give values to."""
    others = {t for s in walk(block) if not (isinstance(s, For) and counting(s.iter) is not None) for t in targets(s)}
    return frozenset(s.target for s in walk(block) if isinstance(s, For)) - others


def numberings(forward: Block, rest: Block) -> dict[str, str]:
    """The calls of np.arange that the forward half has a name for, which nothing changes afterwards."""
    found = {ast.dump(s.expr): s for s in forward if isinstance(s, Assign) and is_numbering(s.expr)}
    if not found:
        return {}
    counts = tallied((*forward, *rest))[1]
    changed = {t for s in (*forward, *rest) if not isinstance(s, Assign) for t in changes(s)}
    steady = {k: s for k, s in found.items() if counts[s.target] == 1 and s.target not in changed and all(counts[n] <= 1 and n not in changed for n in names(s.expr))}
    return {k: s.target for k, s in steady.items()}


def is_numbering(expr: ast.expr) -> bool:
    match expr:
        case ast.Call(func=ast.Attribute(value=library, attr="arange"), args=args, keywords=[]) if is_module(library):
            return all(isinstance(a, (ast.Name, ast.Constant)) for a in args)
    return False


def leading_literal(expr: ast.expr) -> tuple[int | float, ast.expr | None] | None:
    """The number that a product begins with, and the rest of the product."""
    if isinstance(expr, ast.Constant) and type(expr.value) in (int, float):
        return expr.value, None  # type: ignore[return-value]
    factor, rest = split_literal(expr)
    return None if factor is None else (factor, rest)


def times(expr: ast.expr, number: int | float, is_float: Callable[[ast.expr], bool]) -> ast.expr | None:
    """A product times a number, where that is as exact with the number in place of one that the product has: of `0.5 / r * dr` and 2, `1.0 / r * dr`.

    is_float: whether 1.0 times an expression is the same.
    """
    match expr:
        case ast.Constant(value=int() | float() as value) if not isinstance(value, bool) and (is_power_of_two(value) or is_power_of_two(number)):
            return ast.Constant(value=value * number)
        case ast.UnaryOp(op=ast.USub(), operand=ast.Constant() as operand):
            return times(operand, -number, is_float)
        case ast.BinOp(left=left, op=ast.Mult() | ast.Div() as op, right=right):
            scaled = times(left, number, is_float)
            if isinstance(scaled, ast.Constant) and abs(scaled.value) == 1 and isinstance(op, ast.Mult) and is_float(right):  # type: ignore[arg-type]
                return right if scaled.value == 1 else ast.UnaryOp(op=ast.USub(), operand=right)
            if scaled is not None:
                return ast.BinOp(left=scaled, op=op, right=right)
            scaled = times(right, number, is_float) if isinstance(op, ast.Mult) else None
            return None if scaled is None or isinstance(scaled, ast.Constant) else ast.BinOp(left=left, op=op, right=scaled)
        case ast.Subscript(value=value, slice=index) if marked(index, None) is not None:
            scaled = times(value, number, is_float)
            return None if scaled is None else ast.Subscript(value=scaled, slice=index, ctx=ast.Load())
    return None


def is_power_of_two(value: int | float) -> bool:
    return math.isfinite(value) and abs(math.frexp(value)[0]) == 0.5


def leading_factor(expr: ast.expr) -> tuple[ast.Name | None, ast.expr]:
    """The name that a product begins with, and the rest of the product."""
    match expr:
        case ast.BinOp(left=ast.Name() as factor, op=ast.Mult(), right=rest):
            return factor, rest
        case ast.BinOp(left=ast.BinOp(op=ast.Mult()) as left, op=ast.Mult(), right=right):
            factor, rest = leading_factor(left)
            return factor, binary(rest, ast.Mult(), right)
    return None, expr


def marked(index: ast.expr, mark: object) -> list[int] | None:
    """The axes at which an index has a constant, 0 or None, where it takes all of the others."""
    parts = parts_of(index)
    found = [i for i, p in enumerate(parts) if isinstance(p, ast.Constant) and type(p.value) is type(mark) and p.value == mark]
    rest = all(takes_all(p) for i, p in enumerate(parts) if i not in found)
    return found if found and rest else None


def expands(index: ast.expr, axis: ast.expr) -> bool:
    """Whether an index does nothing but put an axis of length 1 back into its place: `[:, None]` for axis 1, `[..., None]` for -1."""
    parts = parts_of(index)
    if not (isinstance(parts[-1], ast.Constant) and parts[-1].value is None):
        return False
    if ast.unparse(axis) == "-1":
        return len(parts) == 2 and isinstance(parts[0], ast.Constant) and parts[0].value is ...
    full = all(takes_all(p) for p in parts[:-1])
    return full and isinstance(axis, ast.Constant) and axis.value == len(parts) - 1
