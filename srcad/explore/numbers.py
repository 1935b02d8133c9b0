"""A statement with its numbers put in, as one writes it on paper.

    dx += y * dz    where y is -4 and dz is 1    ->    "-4 * 1", and what it comes to: "-4"
"""
from __future__ import annotations

import ast
import math
from collections.abc import Iterator, Mapping
from typing import Any

import numpy as np

from srcad.graph.labels import FEW, lines, nested, number

NUMBERS = (int, float, complex, np.number, np.bool_)
READ = ("T", "shape", "ndim", "size")
PURE = frozenset([
    "sum", "mean", "outer", "where", "array", "zeros", "ones", "zeros_like", "ones_like", "broadcast_to", "reshape", "transpose", "swapaxes",
    "dot", "matmul", "einsum", "arange", "expand_dims", "stack",
])
WIDEST = 160  # characters of a value


def shown(value: Any) -> str:
    """A value in few characters: a number, an array by its shape and values, a list by its items."""
    if value is None or isinstance(value, (bool, np.bool_, str)):
        return str(value)
    if isinstance(value, (list, tuple)):
        inner = ", ".join(map(shown, value)) if len(value) <= FEW else f"{len(value)} items"
        text = f"[{inner}]" if isinstance(value, list) else f"({inner})"
        return text if len(text) <= WIDEST else f"{type(value).__name__} of {len(value)}"
    if isinstance(value, dict):
        return "{" + ", ".join(f"{k!r}: {shown(v)}" for k, v in value.items()) + "}" if len(value) <= FEW else f"dict of {len(value)}"
    if isinstance(value, NUMBERS) or isinstance(value, np.ndarray) and value.dtype.kind in "fiucb":
        return ", ".join(lines(value))
    return type(value).__name__


class Reader:
    """Reads names as a statement would, without running anything that could change them."""

    def __init__(self, local: Mapping[str, Any], outer: dict[str, Any]) -> None:
        self.local, self.outer = local, outer

    def value(self, node: ast.expr) -> Any:
        """The value of an expression that only computes; NotImplemented where it may do more."""
        if not self.is_pure(node):
            return NotImplemented
        try:
            with np.errstate(all="ignore"):
                return eval(compile(ast.Expression(node), "<numbers>", "eval"), self.outer, self.local)
        except Exception:
            return NotImplemented

    def is_pure(self, node: ast.AST) -> bool:
        return all(self.is_plain(inner) for inner in ast.walk(node))

    def is_plain(self, node: ast.AST) -> bool:
        match node:
            case ast.Call(func=func, keywords=keywords):
                return self.is_library(func) and not any(k.arg == "out" for k in keywords)
            case ast.Attribute(attr=attr):
                return attr in READ or self.is_library(node)
            case ast.NamedExpr() | ast.Await() | ast.Lambda() | ast.comprehension() | ast.Starred() | ast.JoinedStr():
                return False
        return True

    def is_library(self, func: ast.expr) -> bool:
        """Whether it names a function of NumPy's or `math` that changes nothing, or a module's constant."""
        if not isinstance(func, ast.Attribute) or not isinstance(func.value, ast.Name):
            return isinstance(func, ast.Name) and func.id in ("float", "max", "min", "abs", "len", "range", "sum")
        owner = self.local.get(func.value.id, self.outer.get(func.value.id))
        found = getattr(owner, func.attr, None) if owner is np or owner is math else None
        return isinstance(found, (np.ufunc, float)) or owner is math and found is not None or owner is np and func.attr in PURE


def put_in(node: ast.expr, text: str, reader: Reader) -> str:
    """The text of an expression with what its names hold in their place; empty where there is nothing to put in."""
    if node.lineno != node.end_lineno:
        return ""
    raw = text.encode()
    found = sorted(replacements(node, reader, False))
    if not found:
        return ""
    out, at = [], node.col_offset
    for start, stop, shown_value in found:
        out += [raw[at:start].decode(), shown_value]
        at = stop
    return "".join([*out, raw[at : node.end_col_offset].decode()])


def replacements(node: ast.AST, reader: Reader, close: bool) -> Iterator[tuple[int, int, str]]:
    """Where in the text a value goes; close: whether a negative number needs parentheses there."""
    match node:
        case ast.Name() | ast.Subscript() | ast.Attribute() if (found := operand(reader.value(node), close)):
            assert isinstance(node, ast.expr)
            yield node.col_offset, node.end_col_offset or 0, found
        case ast.BinOp(left=left, op=op, right=right):
            yield from replacements(left, reader, isinstance(op, ast.Pow))
            yield from replacements(right, reader, True)
        case ast.UnaryOp(operand=inner):
            yield from replacements(inner, reader, True)
        case ast.Call(func=func, args=args, keywords=keywords):
            if isinstance(func, ast.Attribute):
                yield from replacements(func.value, reader, True)
            for inner in (*args, *(k.value for k in keywords)):
                yield from replacements(inner, reader, False)
        case ast.Lambda() | ast.ListComp() | ast.GeneratorExp() | ast.Name() | ast.JoinedStr():
            return
        case _:
            for child in ast.iter_child_nodes(node):
                yield from replacements(child, reader, False)


def operand(value: Any, close: bool) -> str:
    """A number or an array as an operand; empty for anything else."""
    if isinstance(value, (bool, np.bool_)):
        return str(value)
    if isinstance(value, NUMBERS):
        text = number(value)
        return f"({text})" if close and text.startswith("-") else text
    if isinstance(value, np.ndarray) and value.dtype.kind in "fiucb":
        return nested(value) if value.size <= FEW and value.ndim <= 2 else f"⟨{' x '.join(map(str, value.shape))}⟩"
    return str(value) if isinstance(value, tuple) and all(isinstance(v, int) for v in value) else ""
