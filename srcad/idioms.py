"""What the backward pass says in a roundabout way, said as a person would.

    np.exp(a - logsumexp(a, axis=1)[:, None])    ->    softmax(a, axis=1)
    np.sum(e, axis=1)                            ->    e.sum(axis=1)        of an array, where it is the quicker one
"""
from __future__ import annotations

import ast
import sys
from collections.abc import Callable

from srcad.dims import Facts
from srcad.render import function_path
from srcad.syntax import Substitute, call, is_module, same

METHODS = frozenset(("sum", "mean", "max", "min"))


class Idioms(Substitute):
    """Rewrites the expressions of a backward half.

    is_logsumexp: which expressions mean SciPy's function, None where the program does not use it; is_array: which
    names are arrays for certain.
    """

    def __init__(self, facts: Facts, is_logsumexp: Callable[[ast.expr], bool] | None, is_array: Callable[[str], bool]) -> None:
        super().__init__({})
        self.facts, self.is_logsumexp, self.is_array = facts, is_logsumexp, is_array

    def visit_Call(self, node: ast.Call) -> ast.expr:
        changed = self.generic_visit(node)
        match changed:
            case ast.Call(func=ast.Attribute(value=library, attr="exp"), args=[ast.BinOp(left=a, op=ast.Sub(), right=right)], keywords=[]) if self.is_logsumexp is not None and is_module(library):
                return self.softmax(a, right) or changed
            case ast.Call(func=ast.Attribute(value=library, attr=attr), args=[ast.Name(id=array)], keywords=keywords) if attr in METHODS and is_module(library) and self.is_array(array):
                return ast.Call(func=ast.Attribute(value=changed.args[0], attr=attr, ctx=ast.Load()), args=[], keywords=keywords)
        return changed  # type: ignore[return-value]

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


def expands(index: ast.expr, axis: ast.expr) -> bool:
    """Whether an index does nothing but put an axis of length 1 back into its place: `[:, None]` for axis 1, `[..., None]` for -1."""
    parts = index.elts if isinstance(index, ast.Tuple) else [index]
    if not (isinstance(parts[-1], ast.Constant) and parts[-1].value is None):
        return False
    if ast.unparse(axis) == "-1":
        return len(parts) == 2 and isinstance(parts[0], ast.Constant) and parts[0].value is ...
    full = all(isinstance(p, ast.Slice) and p.lower is p.upper is p.step is None for p in parts[:-1])
    return full and isinstance(axis, ast.Constant) and axis.value == len(parts) - 1
