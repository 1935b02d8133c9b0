"""What a function that is walked for itself is given and gives back: kinds, with sizes in its own terms and in its caller's.

    smooth(x[1:])    v: a (n,) array, n = v.shape[0]; for the caller n is x.shape[0] - 1
"""
from __future__ import annotations

import ast
import dataclasses
import types
from collections.abc import Callable, Iterator, Mapping
from typing import Any

from srcad.dims import Dim, Facts, Undecided
from srcad.errors import UnsupportedSyntaxError
from srcad.infer import Interpreter
from srcad.ir import Location
from srcad.kinds import BOOL, Buffer, Number, Place, Record, Ref, Sequence, Static, leaves
from srcad.outside import compare_text
from srcad.syntax import expression
from srcad.walk import Walk


class Unpaired(UnsupportedSyntaxError):
    """A function that cannot be compiled by itself for these arguments. Raised to the user only where it must be."""

    def __init__(self, reason: str, location: Location | None = None) -> None:
        super().__init__(f"{reason} In a recursion whose end depends on data that is not supported: write a loop.", location)


class Signature:
    """What two calls must have in common to share a pair: forms, dtypes, ranks, activity, and what is known for certain."""

    def __init__(self, state: Any, recursive: bool) -> None:
        self.state, self.recursive = state, recursive
        self.sizes: list[Dim] = []

    def of(self, path: str, ref: Ref) -> Any:
        value = ref.value
        match value:
            case Number(form="unknown") | Number(shape=None):
                raise Unpaired(f"`{path}` is of a kind that only the run can tell.")
            case Number(form=form, dtype=dtype, shape=shape, dim=dim):
                self.sizes += shape or ()
                flag = dim.value if dim is not None and dtype == BOOL else None
                counted = dim is not None and dim.value is not None and not self.recursive
                return form, dtype, len(shape or ()), ref.key in self.state.active, flag, counted
            case Static(value=static):
                compare_text(ref.value, self.state.facts)
                return "static", type(static), static if isinstance(static, (str, bytes, range)) else id(static)
            case Sequence(type=kind, items=items, series=None) if kind in (list, tuple):
                return kind, *(self.of(f"{path}[{i}]", item) for i, item in enumerate(items))
            case Record(type=kind, items=mapping) if kind is dict or dataclasses.is_dataclass(kind) and not value.mutable:
                return kind, *((k, self.of(f"{path}.{k}", item)) for k, item in mapping.items())
        raise Unpaired(f"`{path}` is not made of numbers and arrays.")


class Mirror:
    """Arguments as the parameters of a function that is walked for itself: of the same kinds, with sizes of their own."""

    def __init__(self, outer: Any, state: Walk, recursive: bool) -> None:
        self.outer, self.state, self.recursive = outer, state, recursive
        self.sizes: dict[str, Dim] = {}

    def of(self, path: str, ref: Ref) -> Ref:
        made = Ref(expression(path), self.value(path, ref), path)
        if isinstance(made.value, Number):
            if ref.key in self.outer.active:
                self.state.active.add(path)
            self.state.guards.refs[path] = made
            if made.number.place is not None:
                made.number.place.buffer.root = made
        return made

    def value(self, path: str, ref: Ref) -> Any:
        match ref.value:
            case Number(form="array", shape=dims) as number:
                place = Place(Buffer(("argument", path), external=True))
                sizes = tuple(self.size(f"{path}.shape[{i}]", d) for i, d in enumerate(dims or ()))
                self.state.facts.shapes.append((sizes, path))
                return Number("array", number.dtype, sizes, fresh=False, place=place)
            case Number() as number:
                return Number(number.form, number.dtype, (), self.count(path, number), origin=frozenset({path}))
            case Sequence(type=kind, items=items):
                return Sequence(kind, tuple(self.of(f"{path}[{i}]", item) for i, item in enumerate(items)))
            case Record(type=kind, items=mapping):
                return Record(kind, {k: self.of(f"{path}[{k!r}]" if kind is dict else f"{path}.{k}", item) for k, item in mapping.items()})
            case Static(value=static):
                return Static(static)
        raise AssertionError

    def size(self, text: str, dim: Dim) -> Dim:
        """A dimension of a parameter; equal ones stay equal."""
        if not dim.terms:
            return Dim.of(dim.const, self.state.facts)
        return self.sizes.setdefault(dim.key, Dim.atom(text, dim.value, self.state.facts))

    def count(self, path: str, number: Number) -> Dim | None:
        if number.dim is None or number.dim.value is None or self.recursive and number.dtype != BOOL:
            return None
        if number.dtype == BOOL:
            return Dim.of(number.dim.value, self.state.facts)
        return Dim.atom(path, number.dim.value, self.state.facts)


class Sizes:
    """Arguments as far as conditions ask for them: `x.shape[0]`, `n`, `ws[1].shape[0]`."""

    def __init__(self, shape: tuple[Dim, ...]) -> None:
        self.shape = shape

    @classmethod
    def of(cls, ref: Ref) -> Any:
        return opened(ref, cls.leaf)

    @classmethod
    def leaf(cls, ref: Ref) -> Any:
        match ref.value:
            case Number(dim=Dim() as dim):
                return dim
            case Number(shape=shape) if shape is not None:
                return cls(shape)
            case Static(value=value):  # a flag, which the guard compares
                return value
        return None


def opened(ref: Ref, leaf: Callable[[Ref], Any]) -> Any:
    """What a value is made of, to follow a path into it: containers as such, of anything else what `leaf` says."""
    match ref.value:
        case Sequence(items=items, series=None):
            return [opened(i, leaf) for i in items]
        case Record(type=kind, items=mapping):
            parts = {k: opened(i, leaf) for k, i in mapping.items()}
            return parts if kind is dict else types.SimpleNamespace(**parts)
    return leaf(ref)


class Returned:
    """What a pair returns, as the caller sees it."""

    def __init__(self, at: Interpreter, arguments: Mapping[str, Ref]) -> None:
        self.at = at
        self.facts: Facts = at.state.facts
        self.space = {p: Sizes.of(ref) for p, ref in arguments.items()}
        self.given = [leaf.number.place for ref in arguments.values() for leaf in leaves(ref) if leaf.number.place is not None]

    def of(self, ref: Ref, expr: ast.expr, key: str) -> Ref:
        match ref.value:
            case Sequence(type=kind, items=items):
                parts = tuple(self.of(item, expression(f"{key}[{i}]"), f"{key}[{i}]") for i, item in enumerate(items))
                return Ref(expr, Sequence(kind, parts, kind is list), key)
            case Record(type=kind, items=mapping):
                return Ref(expr, Record(kind, {k: self.of(item, expression(f"{key}[{k!r}]"), f"{key}[{k!r}]") for k, item in mapping.items()}, True), key)
            case Static():
                return Ref(ref.expr, ref.value)
        return self.number(ref.number, expr, key)

    def number(self, number: Number, expr: ast.expr, key: str) -> Ref:
        shape = tuple(self.size(d, f"{key}.shape[{i}]") for i, d in enumerate(number.shape)) if number.shape is not None else None
        kind = Number(number.form, number.dtype, shape)
        if not kind.is_plain:
            place = self.at.new_place(key)
            shared = number.place is None or any(b.external for b in number.place.buffer.family())
            if shared and self.given:  # it may be an argument, or a part of one
                place.buffer.sources = [p.buffer for p in self.given]
                place = Place(place.buffer, None, place.event)
            kind = dataclasses.replace(kind, place=place, fresh=not shared)
        result = Ref(expr, kind, key)
        if kind.place is not None:
            kind.place.buffer.root = kind.place.buffer.root or result
            self.at.state.aliases[key] = kind.place.buffer.root.key
        self.at.state.kinds[key] = kind
        if isinstance(expr, ast.Name):
            self.at.activate(result)
        return result

    def size(self, dim: Dim, text: str) -> Dim:
        """A size in terms of the caller's; one that it cannot know is that of the result."""
        try:
            found = eval(dim.text, {}, self.space)
        except (Undecided, AttributeError, TypeError, LookupError, NameError, SyntaxError):
            found = None
        if isinstance(found, int):
            return Dim.of(found, self.facts)
        return found if isinstance(found, Dim) else Dim.atom(text, None, self.facts)


def paths(path: str, ref: Ref) -> Iterator[tuple[str, Ref]]:
    """The leaves of an argument by their paths in the function's own terms."""
    match ref.value:
        case Sequence(items=items, series=None):
            for i, item in enumerate(items):
                yield from paths(f"{path}[{i}]", item)
        case Record(type=kind, items=mapping):
            for k, item in mapping.items():
                yield from paths(f"{path}[{k!r}]" if kind is dict else f"{path}.{k}", item)
        case _:
            yield path, ref
