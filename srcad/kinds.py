"""What is known of a value before the program runs: its form, dtype and shape, or what it is made of.

    x: (n, d) float64 array      Number("array", float64, (Dim x.shape[0], Dim x.shape[1]))
    n = x.shape[0]               Number("python", int, (), dim=Dim x.shape[0])
    3.0, np.float32(1)           Number("python", float64, ()), Number("scalar", float32, ())
"""
from __future__ import annotations

import ast
import dataclasses
from collections.abc import Callable, Iterable, KeysView, Mapping
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from srcad.dims import Dim, Shape
from srcad.errors import UnsupportedSyntaxError
from srcad.ir import Location
from srcad.syntax import same

FLOAT, INT, BOOL = np.dtype(float), np.dtype(int), np.dtype(bool)
DECIDES = "?"
NUMERIC = (np.ndarray, np.generic, float, int, complex)  # what a Number may be when the program runs


def is_double(dtype: np.dtype[Any] | None) -> bool:
    """Whether a dtype is float64 for certain. NumPy takes None, which means unknown here, for that too: `None == np.dtype(float)`."""
    return dtype is not None and dtype == FLOAT


def takes_whole(index: Iterable[Any]) -> bool:
    """Whether an index takes an array as it is, or with new axes of length 1."""
    return all(i is None or i is Ellipsis or isinstance(i, slice) and i == slice(None) for i in index)


def is_floating(dtype: np.dtype[Any] | None) -> bool:
    """Whether a dtype is float32 or float64 for certain."""
    return dtype is not None and dtype in (FLOAT, np.float32)


@dataclass(frozen=True, eq=False)
class Number:
    """A number or an array of numbers.

    form: "python" (int, float, bool), "scalar" (NumPy's), "array", or "unknown";
    dtype, shape: None when not known; dim: of an integer that is known symbolically;
    origin: the integer parameters that it was computed from; with DECIDES before them where only a comparison or an order of them went into it.
    """

    form: str
    dtype: np.dtype[Any] | None
    shape: Shape | None
    dim: Dim | None = None
    origin: frozenset[str] = frozenset()
    fresh: bool = True
    unique: bool = False  # an integer array without repetitions (np.arange)
    place: Place | None = None  # the memory that an array lies in
    layout: frozenset[str] | None = None  # its axes lie in C order, if these arguments are C-contiguous; None: not known
    compact: bool = False  # and without gaps
    picks: Dim | None = None  # of a mask in an index: how many elements it leaves

    @property
    def ndim(self) -> int | None:
        return None if self.shape is None else len(self.shape)

    @property
    def is_float(self) -> bool:
        return self.dtype is None or self.dtype.kind in "fc"

    @property
    def is_plain(self) -> bool:
        """Immutable for certain: a Python or NumPy scalar."""
        return self.form in ("python", "scalar")

    @property
    def is_whole(self) -> bool:
        """NumPy's integers or truth values, whose products wrap round where Python's, and floats, do not."""
        return self.form != "python" and self.dtype is not None and self.dtype.kind in "biu"

    def with_origin(self, origin: frozenset[str]) -> Number:
        return dataclasses.replace(self, origin=origin) if origin else self


@dataclass(eq=False)
class Buffer:
    """Memory that an array was given: where it was made, and which name has the whole of it.

    sources: the memories that one name may mean, where branches or passes of a loop meet;
    shared: whether one of these can be reached by another name too.
    """

    site: tuple[object, ...]
    root: Ref | None = None
    sources: list[Buffer] = field(default_factory=list)
    shared: bool = False
    depth: int = 0  # how many loops were open
    event: int = 0
    external: bool = False  # the caller's
    owner: Ref | None = None  # of joined memory: the merged value that it was made for

    def family(self) -> KeysView[Buffer]:
        """This memory and what it may be, always in the same order."""
        found = {self: None}
        todo = [self]
        while todo:
            for source in todo.pop().sources:
                if source not in found:
                    found[source] = None
                    todo.append(source)
        return found.keys()

    def __hash__(self) -> int:
        return id(self)


@dataclass(frozen=True, eq=False)
class Place:
    """A part of a buffer: the views that lead to it, as expressions of `_`; None where they cannot be said."""

    buffer: Buffer
    steps: tuple[ast.expr, ...] | None = ()
    event: int = 0

    def same(self, other: Place | None) -> bool:
        if other is None or self.buffer is not other.buffer or self.steps is None or other.steps is None:
            return False
        return len(self.steps) == len(other.steps) and all(map(same, self.steps, other.steps))


UNKNOWN = Number("unknown", None, None)


def python(dtype: np.dtype[Any] | None, dim: Dim | None = None) -> Number:
    return Number("python", dtype, (), dim)


@dataclass(frozen=True, eq=False)
class Static:
    """A value that is known: a function, a module, a string, None, a dtype, a slice of constants.

    `path` is how it is read again at each call, where it comes from outside; "" for what the text itself says.
    """

    value: object
    path: str = ""


@dataclass(frozen=True, eq=False)
class Method:
    """`x.sum` before it is called: an attribute of a number."""

    owner: Ref
    attribute: str


@dataclass(eq=False)
class Sequence:
    """A list, tuple, or named tuple, item by item. A list made by the program may change: `mutable`."""

    type: type
    items: tuple[Ref, ...]
    mutable: bool = False
    merged: bool = False  # two of a kind in one: its items are to be named
    series: Series | None = None  # a list whose items are known only at run time
    site: tuple[object, ...] = ()
    view: tuple[Record, str] | None = None  # the items or values of a dict: what it holds when a pass takes one


class Hidden(tuple[Any, ...]):
    """The items of a list that grows in a loop: whoever asks for them one by one is refused."""

    def refuse(self, *_: object) -> Any:
        raise UnsupportedSyntaxError("the items of a list that grows in a loop are known only at run time. Index it, loop over it, or make an array of it.")

    __iter__ = __len__ = __getitem__ = __bool__ = __add__ = __mul__ = refuse


@dataclass(eq=False)
class Series:
    """A list that grows or shrinks in a loop: numbers, or arrays of one kind, under a name of the generated code. is_slice: a part of one."""

    name: str
    site: tuple[object, ...]
    kind: Number | None = None
    active: bool = False
    is_slice: bool = False


@dataclass(eq=False)
class Record:
    """A dict or an instance: what it is made of, by key or attribute. One made by the program may change: `mutable`."""

    type: type
    items: Mapping[Any, Ref]
    mutable: bool = False
    merged: bool = False


@dataclass(frozen=True, eq=False)
class Closure:
    """A function defined inside: its tree, the variables around it, its defaults."""

    tree: ast.FunctionDef | ast.Lambda
    frame: Any
    defaults: Mapping[str, Ref]


@dataclass(frozen=True, eq=False)
class Bound:
    """A function with its first arguments: functools.partial, or a method of an object."""

    function: Ref
    args: tuple[Ref, ...]
    keywords: Mapping[str, Ref]


@dataclass(frozen=True, eq=False)
class Range:
    """What a for loop counts over: an expression that gives integers, how many, and each as a dimension of the index."""

    expr: ast.expr
    start: Dim | None
    stop: Dim | None
    step: int | None
    turned: bool = False

    @property
    def bounds(self) -> tuple[Dim, Dim, int] | None:
        """Start, stop and step, if all of them are known for the arguments at hand."""
        if self.start is None or self.stop is None or self.step is None or self.start.value is None or self.stop.value is None:
            return None
        return self.start, self.stop, self.step

    @property
    def is_plain(self) -> bool:
        """Whether it counts from 0 by one, or is that turned round."""
        return self.start is not None and self.stop is not None and self.start.key == "0" and self.step == 1


@dataclass(frozen=True, eq=False)
class Lazy:
    """zip, enumerate, reversed or map of something that is indexed.

    start: the first number of enumerate, or how long the list was that is reversed; loops, places: where it is made and run over;
    each: what map calls.
    """

    kind: str
    parts: tuple[Ref, ...]
    start: Ref | None = None
    loops: tuple[int, ...] = ()
    places: list[Location] = field(default_factory=list)
    each: Callable[[list[Ref]], Ref] | None = None


@dataclass(frozen=True, eq=False)
class Super:
    """super(): an object, seen from the class after `kind`."""

    owner: Ref
    kind: type


@dataclass(frozen=True, eq=False)
class Undefined:
    """A name without a value on this path."""


@dataclass(frozen=True, eq=False)
class Object:
    """An instance whose attributes are read from outside, at `path`."""

    value: object
    path: str


Value = Number | Static | Method | Sequence | Record | Object | Closure | Bound | Range | Lazy | Super | Undefined


@dataclass(frozen=True, eq=False)
class Ref:
    """A value and the expression that it is read by."""

    expr: ast.expr
    value: Value
    key: str = field(default="")  # what the adjoint hangs on: "x", "w[0]"; "" for constants

    @property
    def number(self) -> Number:
        return self.value if isinstance(self.value, Number) else UNKNOWN


def contents(value: Sequence | Record) -> tuple[Ref, ...]:
    """What a container holds, in its order."""
    return value.items if isinstance(value, Sequence) else tuple(value.items.values())


def leaves(ref: Ref) -> list[Ref]:
    """The numbers and other leaves that a value is made of, in order."""
    if isinstance(ref.value, (Sequence, Record)):
        return [leaf for item in contents(ref.value) for leaf in leaves(item)]
    return [ref]


_RESULT_DTYPES: dict[tuple[object, ...], object] = {}


def sample(number: Number) -> Any:
    """A value of the same form and dtype, to ask NumPy for the dtype of a result (never for a shape)."""
    if number.form == "python":
        return number.dtype.type(1).item() if number.dtype is not None else 1.0
    assert number.dtype is not None
    if number.form == "scalar" or number.shape == ():
        return number.dtype.type(1)
    return np.ones(1, number.dtype)


def result_dtypes(function: Callable[..., object], *numbers: Number) -> tuple[np.dtype[Any] | None, ...]:
    """The dtypes of what an elementwise function returns for such operands. They do not depend on values."""
    if any(n.dtype is None for n in numbers):
        return (None,)
    key = (function, *((n.form == "python", n.shape == (), n.dtype) for n in numbers))
    found = _RESULT_DTYPES.get(key)
    if found is None:
        with np.errstate(all="ignore"):
            try:
                result = function(*map(sample, numbers))
                found = tuple(np.asarray(r).dtype for r in (result if isinstance(result, tuple) else (result,)))
            except (TypeError, ValueError, ArithmeticError):
                found = (None,)
        _RESULT_DTYPES[key] = found
    return found  # type: ignore[return-value]


def full(kind: Number, target: Number) -> bool:
    """Whether an adjoint has its variable's full shape."""
    if kind.shape is None or target.shape is None:
        return kind.shape is target.shape
    return [d.key for d in kind.shape] == [d.key for d in target.shape]
