"""The elements that a loop takes of an array as floats of Python's, where nothing but arithmetic meets them.

    for i, v in enumerate(x):                for i, v in enumerate(x.tolist()):
        dx[i] = 2 * v              ->            dx[i] = 2 * v

Arithmetic on them is several times quicker. Only what does the same on both kinds of numbers counts: `1 / v` raises
on Python's 0.0 and is infinite on NumPy's, and `v**2` may raise, too.
"""
from __future__ import annotations

import ast
from collections.abc import Iterable

from srcad.ir import Assign, Block, If, Statement, Store, Update, expressions, walk
from srcad.syntax import names

ALIKE = (ast.Add, ast.Sub, ast.Mult)
FUNCTIONS = frozenset(("abs", "max", "min", "float"))


def acts_alike(body: Block, elements: Iterable[str], after: Iterable[str]) -> bool:
    """Whether a loop's body does the same with floats of Python's in the place of elements. after: the names that are read after the loop."""
    unboxed = set(elements)
    size = -1
    while size != len(unboxed):
        size = len(unboxed)
        for statement in walk(body):
            if isinstance(statement, Assign) and unboxed & set(names(statement.expr)):
                unboxed.add(statement.target)
    return not unboxed & set(after) and all(is_alike(s, unboxed) for s in walk(body))


def is_alike(statement: Statement, unboxed: set[str]) -> bool:
    if not any(unboxed & set(names(e)) for e in expressions(statement)):
        return True
    match statement:
        case Assign(_, expr) | If(expr):
            return is_arithmetic(expr, unboxed)
        case Store(ast.Subscript() as place, expr) | Update(ast.Subscript() as place, ast.Add() | ast.Sub() | ast.Mult(), expr):
            return not unboxed & set(names(place)) and is_arithmetic(expr, unboxed)
    return False


def is_arithmetic(expr: ast.expr, unboxed: set[str]) -> bool:
    """Whether an expression comes to the same with floats of either kind."""
    if not unboxed & set(names(expr)):
        return True
    match expr:
        case ast.Name():
            return True
        case ast.BinOp(op=ast.Div(), right=ast.Constant(value=value)):
            return bool(value) and is_arithmetic(expr.left, unboxed)
        case ast.BinOp(left=left, op=op, right=right):
            return isinstance(op, ALIKE) and is_arithmetic(left, unboxed) and is_arithmetic(right, unboxed)
        case ast.UnaryOp(operand=operand):
            return not isinstance(expr.op, ast.Invert) and is_arithmetic(operand, unboxed)
        case ast.BoolOp(values=parts):
            return all(is_arithmetic(p, unboxed) for p in parts)
        case ast.Compare(left=left, ops=ops, comparators=others):
            return all(isinstance(op, (ast.Lt, ast.LtE, ast.Gt, ast.GtE, ast.Eq, ast.NotEq)) for op in ops) and all(is_arithmetic(p, unboxed) for p in (left, *others))
        case ast.IfExp(test=test, body=body, orelse=orelse):
            return all(is_arithmetic(p, unboxed) for p in (test, body, orelse))
        case ast.Call(func=func, args=args, keywords=[]):
            is_known = isinstance(func, ast.Name) and func.id in FUNCTIONS or isinstance(func, ast.Attribute) and isinstance(func.value, ast.Name) and func.value.id == "math"
            return is_known and all(is_arithmetic(a, unboxed) for a in args)
    return False
