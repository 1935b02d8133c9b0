"""What is written in a picture: operations, numbers, arrays.

    x ** 2    ->    "** 2"        np.sum(x, axis=0)    ->    "sum axis=0"        0.26894142137    ->    "0.2689"
"""
from __future__ import annotations

import ast
from collections.abc import Callable
from typing import Any

import numpy as np

from srcad.graph.model import Box
from srcad.ir import SYMBOLS
from srcad.syntax import text

FEW = 4  # elements that are written out
UNARY: dict[type[ast.unaryop], str] = {ast.USub: "-", ast.UAdd: "+", ast.Invert: "~", ast.Not: "not"}


def label_of(expr: ast.expr, read: Callable[[ast.expr], Any], own: frozenset[str]) -> str:
    """What an operation is called: its symbol or function, with what it takes that is no variable of the picture."""
    match expr:
        case ast.BinOp(left=left, op=op, right=right):
            return " ".join(filter(None, [plain(left, read, own), SYMBOLS[type(op)], plain(right, read, own)]))
        case ast.UnaryOp(op=op):
            return UNARY[type(op)]
        case ast.Call(func=func, args=args, keywords=keywords):
            word = func.attr if isinstance(func, ast.Attribute) else getattr(func, "id", "call")
            given = [p for a in args if (p := plain(a, read, own))]
            given += [f"{k.arg}={p}" for k in keywords if k.arg and (p := plain(k.value, read, own))]
            return f"{word} {', '.join(given)}".strip()
        case ast.Subscript(slice=index):
            return f"[{subscript(index, read, own)}]"
        case ast.Attribute(attr=attribute):
            return f".{attribute}"
    return text(expr)


def subscript(index: ast.expr, read: Callable[[ast.expr], Any], own: frozenset[str]) -> str:
    """An index as it is written, with the integers that its variables are."""
    match index:
        case ast.Tuple(elts=elts):
            return ", ".join(subscript(e, read, own) for e in elts)
        case ast.Slice(lower=lower, upper=upper, step=step):
            parts = [subscript(p, read, own) if p is not None else "" for p in (lower, upper, step)]
            return ":".join(parts if step is not None else parts[:2])
        case ast.Name():
            value = read(index)
            return str(int(value)) if isinstance(value, (int, np.integer)) and not isinstance(value, bool) else index.id
    return text(index)


def plain(operand: ast.expr, read: Callable[[ast.expr], Any], own: frozenset[str]) -> str:
    """An operand that is no node of the picture, as text."""
    match operand:
        case ast.Constant() | ast.UnaryOp(operand=ast.Constant()):
            return text(operand)
        case ast.Name(id=identifier):
            value = read(operand)
            if isinstance(value, Box) or not isinstance(value, (int, float, np.number, str)):
                return ""
            return identifier if identifier in own else str(value) if isinstance(value, (int, str)) else number(value)
    return ""


def number(value: Any, digits: int = 4) -> str:
    """A number in few digits."""
    if isinstance(value, (complex, np.complexfloating)):
        return f"{value:.{digits}g}"
    shown = f"{float(value):.{digits}g}"
    return "0" if shown == "-0" else shown


def lines(value: Any, shaped: bool = True) -> list[str]:
    """A number, or an array: its shape (unless that has been said), and its values when there are few, otherwise their range."""
    array = np.asarray(value)
    if array.ndim == 0:
        return [number(array[()])]
    shape = " x ".join(map(str, array.shape)) if array.ndim > 1 else f"({array.shape[0]},)"
    if array.size == 0:
        return [f"{shape} empty"]
    if array.size <= FEW:
        return [nested(array)] if array.ndim == 1 or not shaped else [shape, nested(array)]
    if array.dtype.kind not in "fiu":
        return [shape]
    low, high = number(array.min(), 3), number(array.max(), 3)
    return [*([shape] if shaped else []), f"all {low}" if low == high else f"{low} to {high}"]


def nested(array: Any) -> str:
    if array.ndim == 0:
        return number(array[()], 3)
    return f"[{', '.join(nested(a) for a in array)}]"
