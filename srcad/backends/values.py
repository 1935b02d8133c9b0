"""What the lowering knows of a value: its dtype, its dimensions, and how one element of it is said.

    x + b        dims (n, m), at(("i", "j")) -> "(x[i, j] + b[j])"
    x[1:]        a view of x: at(("i",)) -> "x[1 + i]"
    n - 1        dims (), at(()) -> "(n - 1)"
"""
from __future__ import annotations

import dataclasses
import re
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import Any

import numpy as np

from srcad.dims import Dim
from srcad.errors import UnsupportedSyntaxError
from srcad.kinds import BOOL, FLOAT, INT, Number, result_dtypes

Index = tuple[str, ...]


@dataclass(frozen=True)
class Fixed:
    """An axis of the base at one index."""

    index: str


@dataclass(frozen=True)
class Along:
    """An axis of the base that is axis `axis` of the view: its index is `start + step * i`."""

    axis: int
    start: str = ""
    step: int = 1
    cut: bool = False  # a part of the axis, wherever it begins

    def moved(self, axis: int) -> Along:
        return dataclasses.replace(self, axis=axis)

    def at(self, index: str) -> str:
        moved = index if abs(self.step) == 1 else f"{abs(self.step)} * {index}" if index.isidentifier() or index.isdigit() else f"{abs(self.step)} * ({index})"
        if self.step < 0:
            return f"{self.start or '0'} - {moved}" if index.isidentifier() or index.isdigit() else f"{self.start or '0'} - ({moved})"
        return f"{moved} + {self.start}" if self.start else moved


@dataclass(frozen=True)
class View:
    """A part of a named array: for each of its axes, where that index comes from. Other axes of the view have length 1."""

    base: str
    axes: tuple[Fixed | Along, ...]

    def at(self, index: Index) -> str:
        if not self.axes:
            return f"{self.base}[()]"
        return f"{self.base}[{', '.join(a.index if isinstance(a, Fixed) else a.at(index[a.axis]) for a in self.axes)}]"


@dataclass(frozen=True, eq=False)
class Val:
    """A number or an array of numbers."""

    dtype: np.dtype[Any]
    dims: tuple[Dim, ...]
    at: Callable[[Index], str]
    form: str = "array"  # as in kinds.Number
    view: View | None = None
    dim: Dim | None = None  # of an integer that is known symbolically
    const: object = None  # of a literal
    unique: bool = False  # integers without repetition: np.arange

    @property
    def name(self) -> str:
        """The name that the whole of it has, or ""."""
        if self.view is None:
            return ""
        whole = len(self.view.axes) == len(self.dims) and all(isinstance(a, Along) and a == Along(i) for i, a in enumerate(self.view.axes))
        return self.view.base if whole else ""

    @property
    def ndim(self) -> int:
        return len(self.dims)

    @property
    def text(self) -> str:
        return self.at(())

    @property
    def text_or_name(self) -> str:
        return self.name if self.dims else self.text

    @property
    def number(self) -> Number:
        return Number("array" if self.dims else self.form, self.dtype, self.dims)


@dataclass(frozen=True, eq=False)
class Static:
    """What is known: None, a string, a dtype, a slice, a function."""

    value: object


@dataclass(frozen=True, eq=False)
class Tup:
    """A tuple, list or dict, item by item. `kind`: tuple, list, dict, or the text that makes it."""

    items: tuple[Any, ...]
    kind: Any = tuple
    keys: tuple[Any, ...] = ()


@dataclass(eq=False)
class Stack:
    """A list that grows and shrinks: one buffer for each part of an item, or a list of Numba's."""

    name: str
    parts: list[Val] | None = None  # what an item is made of
    single: bool = True  # an item is one number or array, not a tuple
    capacity: str = ""
    buffers: tuple[str, ...] = ()
    external: bool = False
    is_full: bool = False  # it is an array's rows: none can be added
    filled: Repeated | None = None  # what is in it from the beginning; the capacity is then what comes to that


@dataclass(frozen=True, eq=False)
class Count:
    """range(start, stop, step), as text."""

    parts: tuple[Val, ...]
    turned: bool = False


@dataclass(frozen=True, eq=False)
class Repeated:
    """[item] * size."""

    item: Val
    size: Val


Value = Val | Static | Tup | Stack | Count | Repeated


def refuse(reason: str) -> Any:
    raise UnsupportedSyntaxError(reason)


def atomic(text: str) -> str:
    """The text with parentheses around it, unless it holds together by itself."""
    if " " not in text and not text.startswith("-"):
        return text
    depth = 0
    start = text.find("(") if text[:1] == "(" or re.fullmatch(r"[\w.]+\(.*\)", text) else -1
    for k, c in enumerate(text):
        depth += (c in "([") - (c in ")]")
        if start >= 0 and depth == 0 and start <= k < len(text) - 1:
            return f"({text})"
    return text if start >= 0 else f"({text})"


def scalar(text: str, dtype: Any = FLOAT, form: str = "python", dim: Dim | None = None, const: object = None) -> Val:
    text = atomic(text)
    return Val(np.dtype(dtype), (), lambda _: text, form, dim=dim, const=const)


def literal(value: Any, dim: Dim | None = None) -> Val:
    text = repr(value) if not (isinstance(value, float) and not np.isfinite(value)) else "np.nan" if value != value else "np.inf" if value > 0 else "(-np.inf)"
    dtype = BOOL if isinstance(value, bool) else INT if isinstance(value, int) else FLOAT
    return Val(dtype, (), lambda _: f"({text})" if text.startswith("-") else text, "python", dim=dim, const=value)


def named(name: str, dtype: np.dtype[Any], dims: tuple[Dim, ...]) -> Val:
    view = View(name, tuple(Along(i) for i in range(len(dims))))
    return Val(dtype, dims, view.at, "array", view)


def viewed(view: View, dtype: np.dtype[Any], dims: tuple[Dim, ...]) -> Val:
    return Val(dtype, dims, view.at, "array" if dims else "scalar", view)


def promoted(function: Callable[..., object], *values: Val) -> np.dtype[Any]:
    """The dtype that NumPy gives the result of an elementwise function."""
    found = result_dtypes(function, *(v.number for v in values))[0]
    if found is None or found.kind not in "iufb":
        refuse(f"dtypes {', '.join(str(v.dtype) for v in values)} in `{getattr(function, '__name__', function)}` are not compiled.")
    return found


def aligned(value: Val, index: Index) -> str:
    """An element of an operand, given the index in the broadcast result."""
    if not value.dims:
        return value.at(())
    own = index[len(index) - len(value.dims):]
    return value.at(tuple("0" if is_unit(d) else i for d, i in zip(value.dims, own)))


def is_unit(dim: Dim) -> bool:
    return not dim.terms and dim.const == 1 or dim.facts.canonical(dim.text) == "1"


def cast(text: str, value: Val, dtype: np.dtype[Any]) -> str:
    """An element as a number of the dtype that NumPy computes with."""
    if value.dtype == dtype or dtype == FLOAT and value.dtype.kind in "iub" or dtype.kind in "iub" and dtype == INT:
        return text
    return f"{caster(dtype)}({text})"


def caster(dtype: np.dtype[Any]) -> str:
    return "np.bool_" if dtype == BOOL else f"np.{dtype.name}"


def replaced(value: Val, **changes: Any) -> Val:
    return dataclasses.replace(value, **changes)


def flat(value: Value) -> Iterable[Value]:
    """The leaves of tuples, lists and dicts."""
    if isinstance(value, Tup):
        for item in value.items:
            yield from flat(item)
    else:
        yield value
