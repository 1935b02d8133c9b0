"""Choices between two values, element by element, made as few as they can be.

    dr = np.where(small, 2 * r * np.where(small, 0.5, 0.0), 0.0)       dr = np.where(small, r, np.sign(r) * delta)
    dr += np.where(small, 0.0, np.sign(r) * delta)                ->
"""
from __future__ import annotations

import ast
import math
from collections.abc import Callable

import numpy as np

from srcad.ir import Assign, Block, Statement, Update, blocks, map_expressions, with_blocks
from srcad.syntax import const, factors_of, is_module, names, product_of, same
from srcad.uses import changes

UFUNCS = frozenset(label for label, value in vars(np).items() if isinstance(value, np.ufunc) and value.signature is None)


class Choices:
    """rank: of which names are arrays for certain, how many dimensions they have."""

    def __init__(self, rank: Callable[[str], int | None]) -> None:
        self.rank = rank

    def apply(self, block: Block) -> Block:
        """The block with choices inside choices taken, and the two halves of one choice put together."""
        out: list[Statement] = []
        for statement in block:
            statement = with_blocks(statement, self.apply) if blocks(statement) else map_expressions(statement, self.simplified)
            whole = together(out[-1], statement) if out else None
            if whole is not None:
                out[-1] = whole
            else:
                out.append(statement)
        return tuple(out)

    def simplified(self, expr: ast.expr) -> ast.expr:
        """An expression with choices that are already made taken."""
        found = choice(expr)
        if found is not None:
            test, one, two = found
            return where(expr, test, product(self.taken(self.simplified(one), test, True)), product(self.taken(self.simplified(two), test, False)))
        match expr:
            case ast.BinOp(left=left, op=op, right=right):
                return ast.BinOp(left=self.simplified(left), op=op, right=self.simplified(right))
            case ast.UnaryOp(op=op, operand=operand):
                return ast.UnaryOp(op=op, operand=self.simplified(operand))
            case ast.Call(func=ast.Attribute() as func, args=args, keywords=keywords):
                inner = func if is_module(func.value) else ast.Attribute(value=self.simplified(func.value), attr=func.attr, ctx=ast.Load())
                return ast.Call(func=inner, args=[self.simplified(a) for a in args], keywords=keywords)
        return expr

    def taken(self, expr: ast.expr, test: ast.expr, holds: bool) -> ast.expr:
        """What an expression comes to, element by element, where a test holds, or where it does not."""
        found = choice(expr)
        if found is not None and same(found[0], test) and is_zero(found[2 if holds else 1]):  # another value may keep what is computed from it finite
            return self.taken(found[1 if holds else 2], test, holds)
        match expr:
            case ast.BinOp(left=left, op=ast.Add() | ast.Sub() | ast.Mult() as op, right=right):
                return ast.BinOp(left=self.taken(left, test, holds), op=op, right=self.taken(right, test, holds))
            case ast.BinOp(left=left, op=ast.Div() | ast.Pow() as op, right=right):
                made = ast.BinOp(left=self.taken(left, test, holds), op=op, right=self.taken(right, test, holds))
                return made if self.is_array(made) else expr  # of Python's numbers 1 / 0 raises
            case ast.UnaryOp(op=op, operand=operand):
                return ast.UnaryOp(op=op, operand=self.taken(operand, test, holds))
            case ast.Call(func=ast.Attribute(value=library, attr=attr) as func, args=args, keywords=[]) if is_module(library) and (attr in UFUNCS or attr == "where"):
                return ast.Call(func=func, args=[self.taken(a, test, holds) for a in args], keywords=[])
        return expr

    def is_array(self, expr: ast.expr) -> bool:
        match expr:
            case ast.Name(id=identifier):
                return bool(self.rank(identifier))
            case ast.BinOp(left=left, right=right):
                return self.is_array(left) or self.is_array(right)
            case ast.UnaryOp(operand=operand):
                return self.is_array(operand)
            case ast.Call(func=ast.Attribute(value=library, attr=attr), args=args) if is_module(library) and (attr in UFUNCS or attr == "where"):
                return any(map(self.is_array, args))
        return False


def together(first: Statement, second: Statement) -> Statement | None:
    """`dx = where(c, a, 0.0)` and `dx += where(c, 0.0, b)` are `dx = where(c, a, b)`."""
    match first, second:
        case Assign(target, expr), Update(ast.Name(id=other), ast.Add(), added) if target == other and target not in names(added) and not changes(first) & set(names(added)):
            one, two = choice(expr), choice(added)
            if one is not None and two is not None and same(one[0], two[0]):
                for (a, b), (c, d) in ((one[1:], two[1:]), (two[1:], one[1:])):
                    if is_zero(b) and is_zero(c) and not is_zero(a):
                        return Assign(target, where(expr, one[0], a, d), first.loc)
    return None


def product(expr: ast.expr) -> ast.expr:
    """A product with its numbers as one, in front: `2 * r * (0.5 * 1.0)` is r."""
    factors = factors_of(expr)
    numbers = [f.value for f in factors if isinstance(f, ast.Constant) and isinstance(f.value, (int, float))]
    rest = [f for f in factors if not (isinstance(f, ast.Constant) and isinstance(f.value, (int, float)))]
    total = math.prod(map(float, numbers))
    if len(numbers) + (len(factors) > len(numbers)) < 2 or not rest or not 1e-150 < abs(total) < 1e150:
        return expr
    return product_of(rest if total == 1 else [const(int(total) if total == int(total) else total), *rest])


def choice(expr: ast.expr) -> tuple[ast.expr, ast.expr, ast.expr] | None:
    match expr:
        case ast.Call(func=ast.Attribute(value=library, attr="where"), args=[ast.Name() as test, one, two], keywords=[]) if is_module(library):
            return test, one, two
    return None


def where(like: ast.expr, test: ast.expr, one: ast.expr, two: ast.expr) -> ast.expr:
    assert isinstance(like, ast.Call)
    return ast.Call(func=like.func, args=[test, one, two], keywords=[])


def is_zero(expr: ast.expr) -> bool:
    return isinstance(expr, ast.Constant) and type(expr.value) is float and expr.value == 0
