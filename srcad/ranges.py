"""What a loop counts through, read off its text: `reversed(range(1, n))` is counted from 1 to n, turned round."""
from __future__ import annotations

import ast
from typing import NamedTuple


class Counting(NamedTuple):
    """A range: its arguments as they are written; is_cut: whether only some of its numbers are taken, from one end; is_turned: whether from the last to the first."""

    first: ast.expr | None
    stop: ast.expr
    step: ast.expr | None
    is_cut: bool = False
    is_turned: bool = False

    @property
    def is_whole(self) -> bool:
        """Whether it counts from 0, or to it, by one."""
        return self.first is None and self.step is None and not self.is_cut


def counting(iterable: ast.expr) -> Counting | None:
    """The range that a loop runs over, or None."""
    match iterable:
        case ast.Call(func=ast.Name(id="range"), args=[stop]):
            return Counting(None, stop, None)
        case ast.Call(func=ast.Name(id="range"), args=[first, stop, *rest]):
            return Counting(first, stop, rest[0] if rest else None)
        case ast.Call(func=ast.Name(id="reversed"), args=[inner]) | ast.Subscript(value=inner, slice=ast.Slice(lower=None, upper=None, step=ast.UnaryOp(op=ast.USub(), operand=ast.Constant(value=1)))):
            found = counting(inner)
            return found._replace(is_turned=not found.is_turned) if found is not None else None
        case ast.Subscript(value=inner, slice=ast.Slice(lower=None, upper=ast.expr(), step=None)):
            found = counting(inner)
            return found._replace(is_cut=True) if found is not None else None
    return None
