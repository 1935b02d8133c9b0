"""What a run of a staged program is made of: values, the operations between them, and the groups that they stand in.

    q = x + y    ->    Operation("+", operands=(x, y), outputs=(q,)), in the group that was open
"""
from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from typing import Any

from srcad.ir import Location


@dataclass(eq=False)
class Group:
    """A part of a run that can be drawn as one node.

    kind: "program", "call", "scope", "gate", "branch", "loop" or "pass" (of a loop); label: what it is called; first, last: the
    lines that it stands on; count: of a loop its passes, of a pass its number; place: of a loop its file, line and column.
    """

    kind: str
    label: str
    parent: Group | None = None
    first: int = 0
    last: int = 0
    count: int = 0
    place: tuple[str, int, int] = ("", 0, 0)

    @property
    def path(self) -> tuple[Group, ...]:
        """The groups around it and itself, the outermost first."""
        return (*(self.parent.path if self.parent is not None else ()), self)


@dataclass(eq=False)
class Value:
    """One number or array, as it was at one point of a run.

    name: the user's, "" for what only the staged program names; leaf: it is an argument that is differentiated by; group: where it got its
    name; adjoint: None where no gradient flows.
    """

    data: Any
    maker: Operation | None = None
    name: str = ""
    leaf: bool = False
    group: Group | None = None
    depth: int = 0
    adjoint: Any = None

    @property
    def tracked(self) -> bool:
        """Whether it depends on what is differentiated by."""
        return self.leaf or self.maker is not None


@dataclass(eq=False)
class Operation:
    """One operation: `outputs = function(*arguments)`.

    function: computes it, written for this kind of operation alone; arguments: as they were; values: which Values stand in each
    argument, with how to find them in it; given: what each of these was given by this operation in the backward pass, by (argument, path).
    """

    label: str
    text: str
    function: Callable[..., Any]
    arguments: tuple[Any, ...]
    values: tuple[tuple[tuple[Path, Value], ...], ...]
    loc: Location
    group: Group
    result: Any = None
    outputs: tuple[tuple[Path, Value], ...] = ()
    callee: Any = None
    given: dict[tuple[int, Path], Any] = field(default_factory=dict)

    def operands(self) -> Iterator[tuple[int, Path, Value]]:
        """Every Value that it takes, in order: the number of the argument, where in it, the Value."""
        for i, found in enumerate(self.values):
            for path, value in found:
                yield i, path, value

    @property
    def line(self) -> int:
        return self.loc.line


Path = tuple[Any, ...]


@dataclass(eq=False)
class Binding:
    """A statement that gave a variable of the user's what it holds; name: "return" where it is the result of a function.

    value: its Value, None where it is no number or array that is looked after; items: those of a list or tuple that holds nothing else.
    """

    name: str
    data: Any
    value: Value | None
    loc: Location
    group: Group
    items: tuple[Value, ...] = ()


@dataclass(eq=False)
class Run:
    """A whole run: the program's values and operations, what went in and what came out."""

    title: str
    program: Group
    operations: list[Operation]
    inputs: list[Value]
    result: Value
    gradient: Any  # by parameter: what the generated code gives
    ignored: dict[str, str] = field(default_factory=dict)  # parameters without a derivative -> why
    bindings: list[Binding] = field(default_factory=list)  # in the order of the run

    def groups(self) -> list[Group]:
        """Every group that holds an operation, the outer before the inner."""
        return list(dict.fromkeys(g for op in self.operations for g in op.group.path))


class Box:
    """A number or array in a run: what it is now, and of which array it is a view.

    A write makes a new Value of it. A view is taken again when what it is a view of has changed.
    """

    __slots__ = ("seen", "held", "base", "again", "version", "owner")

    def __init__(self, held: Value, owner: Any, base: Box | None = None, again: Any = None) -> None:
        self.held, self.owner, self.base, self.again = held, owner, base, again
        self.version = 0
        self.seen = base.version if base is not None else 0

    @property
    def value(self) -> Value:
        """The Value that it has now."""
        if self.base is not None:
            fresh = self.base.value
            if self.seen != self.base.version:
                self.seen, self.version = self.base.version, self.version + 1
                self.held = self.again(fresh)
        return self.held

    @property
    def data(self) -> Any:
        return self.value.data

    def change(self, value: Value) -> None:
        """Give it another Value: what a write leaves behind."""
        self.held = value
        self.version += 1

    def __len__(self) -> int:
        return len(self.data)

    def __iter__(self) -> Iterator[Any]:
        return (self.owner.element(self, i) for i in range(len(self.data)))

    def __reversed__(self) -> Iterator[Any]:
        return (self.owner.element(self, i) for i in reversed(range(len(self.data))))

    def __bool__(self) -> bool:
        return bool(self.data)

    def __index__(self) -> int:
        return self.data.__index__()  # type: ignore[no-any-return]

    def __repr__(self) -> str:
        return repr(self.data)


def unboxed(value: Any) -> Any:
    """A value with the numbers and arrays themselves in the place of boxes."""
    if isinstance(value, Box):
        return value.data
    if isinstance(value, (list, tuple, dict)) and boxes(value):
        return rebuilt(value, unboxed)
    return value


def rebuilt(value: Any, change: Callable[[Any], Any]) -> Any:
    """A list, tuple or dict with its items changed."""
    if isinstance(value, dict):
        return {k: change(v) for k, v in value.items()}
    items = [change(v) for v in value]
    return type(value)(*items) if hasattr(value, "_fields") else type(value)(items)


def boxes(value: Any, path: Path = ()) -> list[tuple[Path, Box]]:
    """The boxes in a value, with how to find each."""
    if isinstance(value, Box):
        return [(path, value)]
    if isinstance(value, (list, tuple)):
        return [found for i, v in enumerate(value) for found in boxes(v, (*path, i))]
    if isinstance(value, dict):
        return [found for k, v in value.items() for found in boxes(v, (*path, k))]
    if isinstance(value, slice):
        return [found for v in (value.start, value.stop, value.step) for found in boxes(v, path)]
    return []


def at(value: Any, path: Path) -> Any:
    """The part of a structure that a path leads to; None where there is none."""
    for key in path:
        if value is None:
            return None
        value = getattr(value, key[0]) if isinstance(key, tuple) else value[key]
    return value
