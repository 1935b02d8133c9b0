"""Reductions of an array that has a name as its methods: NumPy gets there about a microsecond sooner.

    y = np.sum(t, axis=0)    ->    y = t.sum(axis=0)
"""
from __future__ import annotations

import ast
from collections.abc import Callable

from srcad.syntax import Substitute

REDUCTIONS = frozenset(("sum", "mean", "max", "min"))


class Methods(Substitute):
    """Rewrites expressions. numpy: what NumPy is called here; is_array: whether a name is an array for certain."""

    def __init__(self, numpy: str, is_array: Callable[[str], bool]) -> None:
        super().__init__({})
        self.numpy, self.is_array = numpy, is_array

    def visit_Call(self, node: ast.Call) -> ast.expr:
        changed = self.generic_visit(node)
        match changed:
            case ast.Call(func=ast.Attribute(value=ast.Name(id=self.numpy), attr=attr), args=[ast.Name(id=array) as value, *args], keywords=keywords) if attr in REDUCTIONS and self.is_array(array):
                return ast.Call(func=ast.Attribute(value=value, attr=attr, ctx=ast.Load()), args=args, keywords=keywords)
        return changed  # type: ignore[return-value]

    def own_names(self, node: ast.expr) -> ast.expr:
        """What binds names of its own stays as it is: they are not those that are known."""
        return node

    visit_Lambda = visit_ListComp = visit_SetComp = visit_DictComp = visit_GeneratorExp = own_names  # type: ignore[assignment]
