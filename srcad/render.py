"""From values to expressions: how the generated code says a term, a shape, a constant, a library function.

    (n, d)  ->  x.shape        np.linalg.inv  ->  np.linalg.inv, by the program's own name for NumPy
"""
from __future__ import annotations

import ast
import builtins
import functools
import sys
from typing import TYPE_CHECKING, Any

import numpy as np

from srcad.dims import Dim, Facts, Shape
from srcad.syntax import call, const, expression, is_path, name

if TYPE_CHECKING:
    from srcad.terms import Term


class Untraceable(Exception):
    """A rule does something that cannot be written down as one expression; it is called instead."""


class TermShape(tuple[Dim, ...]):
    """The shape of a term: symbolic dimensions, and how the text says the whole of it."""

    owner: Term

    def __new__(cls, dims: Shape, owner: Term) -> TermShape:
        shape = super().__new__(cls, dims)
        shape.owner = owner
        return shape

    def __eq__(self, other: object) -> bool:
        if not isinstance(other, tuple) or len(other) != len(self):
            return False
        return all(a == b for a, b in zip(self, other))

    __hash__ = None  # type: ignore[assignment]


class SizedDim(Dim):
    """The size of an array: written `x.size`."""

    __slots__ = ("term",)

    def __init__(self, dim: Dim, term: Term) -> None:
        super().__init__(dim.terms, dim.const, dim.value, dim.facts)
        self.term = term

    @property
    def expr(self) -> ast.expr:
        if not self.terms or self.facts.name_of(self) != self.key:
            return super().expr
        owner = shape_owner(self.term.shape, self.facts)
        return ast.Attribute(value=owner, attr="size", ctx=ast.Load()) if owner is not None else super().expr


def plain(value: Any) -> Any:
    """What a shape rule sees of a value."""
    match value:
        case TermShape():
            return tuple(value)
        case list() | tuple():
            return type(value)(plain(v) for v in value)
        case slice():
            return slice(plain(value.start), plain(value.stop), plain(value.step))
    return getattr(value, "number", value)


def render(value: Any, facts: Facts) -> ast.expr:
    """The expression that says a value."""
    match value:
        case Dim():
            return value.expr
        case ast.expr():
            return value
        case TermShape():
            return shape_expr(value, facts)
        case np.bool_():
            return const(bool(value))
        case np.generic():
            return const(value.item())
        case bool() | int() | float() | complex() | str() | None:
            return const(value)
        case _ if value is Ellipsis:
            return ast.Constant(value=Ellipsis)
        case tuple():
            return ast.Tuple(elts=[render(v, facts) for v in value], ctx=ast.Load())
        case list():
            return ast.List(elts=[render(v, facts) for v in value], ctx=ast.Load())
        case slice():
            return call("slice", [render(v, facts) for v in (value.start, value.stop, value.step)])
        case _ if isinstance(getattr(value, "expr", None), ast.expr):  # a term
            return value.expr  # type: ignore[no-any-return]
        case np.dtype():
            return expression(f"{facts.module('numpy')}.{value.name}")
    raise Untraceable(f"{type(value).__name__} as a constant")


def render_index(index: Any, facts: Facts) -> ast.expr:
    if isinstance(index, tuple):
        return ast.Tuple(elts=[render_index(i, facts) for i in index], ctx=ast.Load())
    if isinstance(index, slice):
        parts = [None if v is None else render(v, facts) for v in (index.start, index.stop, index.step)]
        return ast.Slice(*parts)
    return render(index, facts)


def shape_owner(dims: Shape, facts: Facts) -> ast.expr | None:
    """Something whose shape is known to be `dims`: an argument, or else a variable of the program."""
    if isinstance(dims, TermShape) and isinstance(dims.owner.expr, ast.Name) and all(d.text == f"{dims.owner.expr.id}.shape[{i}]" for i, d in enumerate(dims)):
        return dims.owner.expr  # an argument by its own name, though others have its shape
    found = facts.shape_owner([d.key for d in dims])
    if found is not None:
        return expression(found)
    if isinstance(dims, TermShape) and isinstance(dims.owner.expr, ast.Name) and any(d.value is None for d in dims):
        return dims.owner.expr
    return None


def shape_expr(dims: Shape, facts: Facts) -> ast.expr:
    """The text of a shape: `x.shape` where something has it, else dimension by dimension."""
    owner = shape_owner(dims, facts)
    if owner is not None and dims and not all(not d.terms for d in dims):
        return ast.Attribute(value=owner, attr="shape", ctx=ast.Load())
    if any("?" in d.key for d in dims):
        if isinstance(dims, TermShape) and is_path(dims.owner.expr):
            return ast.Attribute(value=dims.owner.expr, attr="shape", ctx=ast.Load())
        raise Untraceable("a shape that only the run can tell")
    return ast.Tuple(elts=[d.expr for d in dims], ctx=ast.Load())


@functools.lru_cache(None)
def library_path(function: Any) -> tuple[str, str] | None:
    """Where a library function is read from: ("numpy", "linalg.inv")."""
    label = getattr(function, "__name__", "")
    if isinstance(getattr(function, "__self__", None), np.ufunc):
        owned = library_path(function.__self__)
        return owned and (owned[0], f"{owned[1]}.{label}")
    for module, prefix in (("numpy", ""), ("numpy", "linalg"), ("numpy", "fft"), ("math", ""), ("scipy.special", ""), ("scipy.linalg", ""),
                           ("scipy.signal", ""), ("scipy.ndimage", ""), ("numpy", "lib.stride_tricks"), ("numpy", "emath")):
        owner: Any = sys.modules.get(module)
        for part in filter(None, prefix.split(".")):
            owner = getattr(owner, part, None)
        if owner is not None and getattr(owner, label, None) is function:
            return module, f"{prefix}.{label}".lstrip(".")
    module = getattr(function, "__module__", None) or ""
    top = sys.modules.get(module)
    if top is not None and getattr(top, label, None) is function and module != "builtins":
        return module, label
    return None


def function_path(function: Any, facts: Facts) -> ast.expr:
    """The expression by which the generated code calls a library function."""
    if getattr(builtins, getattr(function, "__name__", ""), None) is function:
        return name(function.__name__)
    found = library_path(function)
    if found is None or found[0] not in facts.modules:
        raise Untraceable(f"{function!r} has no name in a library")
    return expression(f"{facts.module(found[0])}.{found[1]}")
