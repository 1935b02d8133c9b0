"""Where paths meet: what a name may be after a branch, or at the head of a loop.

    if c: y = 2 * x        y is one of two arrays of one shape: a value of its own
    else: y = -x
"""
from __future__ import annotations

import ast
import dataclasses
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np

from srcad.dims import Dim, Facts
from srcad.inference import Frame, Inference, class_of, display
from srcad.kinds import BOOL, INT, Bound, Buffer, Closure, Method, Number, Object, Place, Record, Ref, Sequence, Series, Static, Undefined, contents
from srcad.syntax import const, name, same

RETURN = "<return>"
PHI, ACTIVE_PHI = "<phi>", "<active phi>"
NOTHING = Ref(ast.Constant(value=None), Undefined())


class Apart(Exception):
    """Two values that no one value can stand for."""


@dataclass
class Env:
    """Every variable and what every container that may change holds, at one point."""

    frames: list[tuple[Frame, dict[str, Ref]]]
    containers: dict[int, tuple[Sequence | Record, Any]]

    def restore(self) -> None:
        for frame, variables in self.frames:
            frame.locals = dict(variables)
        for container, items in self.containers.values():
            container.items = items

    def variables(self, frame: Frame) -> dict[str, Ref]:
        """Those of one frame."""
        return next(variables for f, variables in self.frames if f is frame)


def fork(state: Inference) -> Env:
    frames: dict[int, Frame] = {}
    containers: dict[int, tuple[Sequence | Record, Any]] = {}
    for frame in state.frames:
        collect_frame(frame, frames, containers)
    return Env([(f, dict(f.locals)) for f in frames.values()], containers)


def collect_frame(frame: Frame | None, frames: dict[int, Frame], containers: dict[int, tuple[Sequence | Record, Any]]) -> None:
    while frame is not None and id(frame) not in frames:
        frames[id(frame)] = frame
        for ref in frame.locals.values():
            collect(ref, frames, containers)
        frame = frame.parent


def collect(ref: Ref, frames: dict[int, Frame], containers: dict[int, tuple[Sequence | Record, Any]]) -> None:
    """The containers and frames that a value leads to."""
    value = ref.value
    match value:
        case Sequence() | Record():
            if id(value) in containers:
                return
            if isinstance(value, Sequence) and value.series is not None:
                return
            if value.mutable:
                containers[id(value)] = (value, value.items)
            for item in contents(value):
                collect(item, frames, containers)
        case Closure(frame=frame, defaults=defaults):
            collect_frame(frame, frames, containers)
            for item in defaults.values():
                collect(item, frames, containers)
        case Bound(function=function, args=args, keywords=keywords):
            for item in (function, *args, *keywords.values()):
                collect(item, frames, containers)
        case Method(owner=owner):
            collect(owner, frames, containers)


def is_defined(ref: Ref | None) -> bool:
    return ref is not None and not isinstance(ref.value, Undefined)


class Merger:
    """Merges pairs of values; the same pair gives the same result, so what was one stays one."""

    def __init__(self, state: Inference, site: tuple[object, ...], old: Env, since: int | None = None) -> None:
        self.state = state
        self.since = since  # of a loop: the event at its head
        self.facts: Facts = state.facts
        self.site = site
        self.old = old  # what was there before: lists in it are not merged with others
        self.known: dict[tuple[str, str], Ref] = {}
        self.containers: dict[tuple[int, int], Sequence | Record] = {}
        self.partners: dict[tuple[int, int], Any] = {}  # of a container on the first or the second path: what it is merged with
        self.seen: list[Any] = []  # what is known by its identity stays, so that nothing else gets it

    def merge(self, a: Ref | None, b: Ref | None) -> Ref:
        """A value whose leaves are old ones, or marked PHI with the kind that both have. Raises Apart."""
        if a is b and a is not None:
            return a
        if a is None or b is None or not is_defined(a) or not is_defined(b):
            found = b if a is None or not is_defined(a) else a
            return self.of_one_path(found, int(found is b)) if found is not None else NOTHING
        if a.value is b.value and same(a.expr, b.expr) and a.key == b.key:
            return a
        if is_series(a) or is_series(b):
            if a.value is b.value:
                return a
            raise Apart("two lists that grow in a loop")
        match a.value, b.value:
            case Number() as x, Number() as y:
                return self.numbers(a, b, x, y)
            case Static(value=x), Static(value=y) if x is y or type(x) is type(y) and isinstance(x, (str, bytes, np.dtype, slice)) and x == y:
                return a
            case Object(value=x), Object(value=y) if x is y:
                return a
            case Closure(tree=x, frame=f), Closure(tree=y, frame=g) if x is y and f is g:
                return a
            case Sequence() as x, Sequence() as y if x.type is y.type and len(x.items) == len(y.items):
                return self.sequences(x, y, blank(a, b))
            case Record() as x, Record() as y if x.type is y.type and list(x.items) == list(y.items):
                return self.records(x, y, blank(a, b))
        if a.value is b.value:
            return a
        raise Apart(f"{said(a)} on one path and {said(b)} on the other")

    def of_one_path(self, ref: Ref, side: int) -> Ref:
        """Something that only one path has: a list or an object stays what it is there, which other names may lead to as well."""
        value = ref.value
        if not isinstance(value, (Sequence, Record)) or not value.mutable or is_series(ref):
            return self.marked(ref, side)
        if id(value) in self.old.containers:
            return ref
        self.pair_off(side, value, None)
        key = (id(value), side)
        if key not in self.containers:
            self.containers[key] = self.marked(ref, side).value  # type: ignore[assignment]
        return Ref(ref.expr, self.containers[key])

    def pair_off(self, side: int, one: Any, other: Any) -> None:
        """Raise Apart where a list or an object, which may be changed, has one name on a path and two on the other."""
        self.seen.append(one)
        if self.partners.setdefault((side, id(one)), other) is not other:
            raise Apart("one list or object with another name")

    def marked(self, ref: Ref, side: int) -> Ref:
        """Something that only one path has: its numbers are named anew."""
        match ref.value:
            case Number() as number if is_known(number):
                return spelled_out(ref)
            case Number() as number:
                active = ref.key in self.state.active
                place = self.left_behind(number.place)
                made = Ref(ref.expr, dataclasses.replace(number, dim=self.unknown(number, number), place=place), ACTIVE_PHI if active else PHI)
                if place is not None and place is not number.place:
                    place.buffer.owner = made
                return made
            case Sequence(type=kind, items=items, mutable=mutable):
                return Ref(ref.expr, Sequence(kind, tuple(self.of_one_path(i, side) for i in items), mutable, True))
            case Record(type=kind, items=mapping, mutable=mutable) if mutable:
                return Ref(ref.expr, Record(kind, {k: self.of_one_path(i, side) for k, i in mapping.items()}, mutable, True))
        return ref

    def left_behind(self, place: Place | None) -> Place | None:
        """The memory of an array that passes of a loop make, after a pass: each pass has its own, and what follows has that of the last."""
        if place is None or self.since is None or place.buffer.event <= self.since:
            return place
        return self.one_of([place], shared=bool(place.steps))

    def one_of(self, places: list[Place], shared: bool) -> Place:
        """New memory that stands for one of several."""
        self.state.event += 1
        buffer = Buffer(self.site, sources=[p.buffer for p in places], shared=shared, depth=len(self.state.loops), event=self.state.event)
        unsure = [p for p in places if p.steps is None]  # these show what their memory was when they were taken, or what it is now
        if not unsure:
            return Place(buffer, (), self.state.event)
        buffer.depth = min(p.buffer.depth for p in unsure)
        return Place(buffer, None, min(p.event for p in unsure))

    def unknown(self, a: Number, b: Number) -> Dim | None:
        """The dimension of an integer that is one of two: a symbol of its own."""
        if a.dim is not None and b.dim is not None and a.dim.key == b.dim.key and "?" not in a.dim.key:
            return a.dim
        return self.facts.new_dim() if a.dtype == b.dtype == INT and a.form == b.form == "python" else None

    def numbers(self, a: Ref, b: Ref, x: Number, y: Number) -> Ref:
        if isinstance(a.expr, ast.Constant) and same(a.expr, b.expr):
            return a
        if is_known(x) and is_known(y) and x.dim.const == y.dim.const and x.dtype == y.dtype:  # type: ignore[union-attr]
            return a if same(a.expr, b.expr) else spelled_out(a)
        pair = (spelled(a), spelled(b))
        if pair not in self.known:
            active = bool({a.key, b.key} & self.state.active)
            kind = self.joined(x, y)
            if active and kind.dtype is not None and kind.dtype.kind in "iu":
                active = False
            self.known[pair] = made = Ref(a.expr, kind, ACTIVE_PHI if active else PHI)
            if kind.place is not None and kind.place.buffer.site is self.site and kind.place.buffer.owner is None:
                kind.place.buffer.owner = made
        return self.known[pair]

    def joined(self, x: Number, y: Number) -> Number:
        form = x.form if x.form == y.form else "scalar" if x.is_plain and y.is_plain else "unknown"
        return Number(form, joined_dtype(x, y), self.joined_shape(x, y), self.unknown(x, y), x.origin | y.origin, x.fresh and y.fresh,
                      place=self.joined_place(x, y), layout=x.layout | y.layout if x.layout is not None and y.layout is not None else None,
                      compact=x.compact and y.compact)

    def joined_shape(self, x: Number, y: Number) -> tuple[Dim, ...] | None:
        if x.shape is None or y.shape is None or len(x.shape) != len(y.shape):
            return None
        return tuple(self.joined_dim(a, b) for a, b in zip(x.shape, y.shape))

    def joined_dim(self, a: Dim, b: Dim) -> Dim:
        """One size, where both are the same for the arguments at hand: then that is a fact."""
        if "?" not in a.key and (a.key == b.key or a.value is not None and a.value == b.value and a == b):
            return a
        return self.facts.new_dim()

    def joined_place(self, x: Number, y: Number) -> Place | None:
        if x.place is None and y.place is None:
            return None
        if x.place is not None and x.place.same(y.place):
            return x.place
        places = [p for p in (x.place, y.place) if p is not None]
        return self.one_of(places, len(places) < 2 or any(p.steps != () for p in places) or places[0].buffer is places[1].buffer)

    def sequences(self, x: Sequence, y: Sequence, expr: ast.expr) -> Ref:
        items = self.container(x, y, lambda: Sequence(x.type, tuple(self.merge(i, j) for i, j in zip(x.items, y.items)), x.mutable, True))
        return Ref(expr, items)

    def records(self, x: Record, y: Record, expr: ast.expr) -> Ref:
        if not (x.mutable and y.mutable):
            raise Apart("two objects that come from outside")
        made = self.container(x, y, lambda: Record(x.type, {k: self.merge(i, y.items[k]) for k, i in x.items.items()}, x.mutable, True))
        return Ref(expr, made)

    def container(self, x: Any, y: Any, make: Callable[[], Any]) -> Any:
        if x is y:
            return x
        if (x.mutable or y.mutable) and (id(x) in self.old.containers or id(y) in self.old.containers):
            raise Apart("two lists or objects that may be changed")
        if x.mutable or y.mutable:
            self.pair_off(0, x, y)
            self.pair_off(1, y, x)
        key = (id(x), id(y))
        if key not in self.containers:
            self.seen += [x, y]
            self.containers[key] = make()
        return self.containers[key]


def blank(a: Ref, b: Ref) -> ast.expr:
    """How a container of one kind on two paths is written, without its items: `current` puts them in."""
    if a.value.type in (tuple, list):  # type: ignore[union-attr]
        return ast.Tuple(elts=[], ctx=ast.Load())
    if a.value.type is dict:  # type: ignore[union-attr]
        return ast.Dict(keys=[], values=[])
    return ast.Call(func=class_of(b.expr if isinstance(b.expr, ast.Call) else a.expr), args=[], keywords=[])


def is_known(number: Number) -> bool:
    """Whether a number is an integer or a truth value that is known."""
    return number.form == "python" and number.dim is not None and not number.dim.terms and number.dtype in (BOOL, INT)


def spelled_out(ref: Ref) -> Ref:
    """A number that is known, by itself: the name that it has on one path means nothing on the other."""
    number = ref.number
    assert number.dim is not None
    return Ref(const(bool(number.dim.const) if number.dtype == BOOL else number.dim.const), number)


def spelled(ref: Ref) -> str:
    return f"{ref.expr.id} {ref.key}" if isinstance(ref.expr, ast.Name) else ast.dump(ref.expr) + ref.key


def joined_dtype(x: Number, y: Number) -> np.dtype[Any] | None:
    if x.dtype is None or y.dtype is None or x.dtype == y.dtype:
        return x.dtype if y.dtype is not None else None
    if x.is_plain and y.is_plain:
        kinds = {x.dtype.kind, y.dtype.kind}
        return np.result_type(x.dtype, y.dtype) if "b" not in kinds or kinds == {"b"} else max(x.dtype, y.dtype, key=lambda d: d.kind != "b")
    if {x.dtype.kind, y.dtype.kind} == {"f", "c"}:
        return np.result_type(x.dtype, y.dtype)
    if x.dtype.kind == y.dtype.kind == "f" and (x.form == "python" or y.form == "python"):
        return x.dtype if y.form == "python" else y.dtype
    return None


def said(ref: Ref) -> str:
    match ref.value:
        case Number(form="array"):
            return "an array"
        case Number():
            return "a number"
        case Sequence(type=kind, items=items) | Record(type=kind, items=items):
            return f"a {kind.__name__} of {len(items)}"
        case Static(value=value):
            return "None" if value is None else f"`{ast.unparse(ref.expr)}`"
    return "something else"


class Instances:
    """Gives the marked leaves of merged values names, and remembers which."""

    def __init__(self, state: Inference, new_name: Callable[[str], str]) -> None:
        self.state = state
        self.new_name = new_name
        self.made: dict[int, Ref] = {}
        self.containers: dict[int, Any] = {}
        self.seen: list[Ref] = []  # what is known by its identity stays, so that nothing else gets it

    def named(self, template: Ref, label: str) -> Ref:
        value = template.value
        self.seen.append(template)
        match value:
            case Number() if template.key in (PHI, ACTIVE_PHI):
                if id(template) not in self.made:
                    self.made[id(template)] = self.leaf(template, value, label)
                return self.made[id(template)]
            case Sequence(type=kind, items=items, mutable=mutable, merged=True):
                if id(value) not in self.containers:
                    self.containers[id(value)] = Sequence(kind, tuple(self.named(i, f"{label}_{n}") for n, i in enumerate(items)), mutable)
                made = self.containers[id(value)]
                return Ref(display(slice, made.items).expr if kind is slice else template.expr, made, template.key)  # type: ignore[union-attr]
            case Record(type=kind, items=mapping, mutable=mutable, merged=True):
                if id(value) not in self.containers:
                    self.containers[id(value)] = Record(kind, {k: self.named(i, f"{label}_{k}") for k, i in mapping.items()}, mutable)
                return Ref(template.expr, self.containers[id(value)], template.key)
        return template

    def leaf(self, template: Ref, number: Number, label: str) -> Ref:
        made = self.new_name(label.replace(RETURN, "result"))
        facts = self.state.facts
        if number.dim is not None and "?" in number.dim.key:
            number = dataclasses.replace(number, dim=Dim.atom(made, None, facts))
        if number.shape is not None:
            dims = tuple(Dim.atom(f"{made}.shape[{i}]", None, facts) if "?" in d.key else d for i, d in enumerate(number.shape))
            number = dataclasses.replace(number, shape=dims)
        ref = Ref(name(made), number, made)
        self.state.kinds[made] = number
        if number.place is not None:
            if number.place.buffer.root is None or number.place.buffer.owner is template:
                number.place.buffer.root = ref
            self.state.aliases[made] = number.place.buffer.root.key
        if template.key == ACTIVE_PHI:
            self.state.active.add(made)
        return ref


def is_series(ref: Ref) -> bool:
    return isinstance(ref.value, Sequence) and ref.value.series is not None


def covers(head: Ref, end: Ref | None, active: set[str]) -> bool:
    """Whether what a pass of a loop leaves behind is of the kind that was assumed at its head."""
    if end is None or not is_defined(end):
        return True
    if head is end or is_series(head):
        return head.value is end.value
    match head.value, end.value:
        case Number() as x, Number() as y:
            if x.form != y.form and not (x.form == "scalar" and y.form == "python" or x.form == "unknown"):
                return False
            if end.key in active and head.key not in active and (y.dtype is None or y.dtype.kind in "fc"):
                return False
            if x.dtype != y.dtype and x.dtype != joined_dtype(x, y):
                return False
            return covers_shape(head, x, y) and (x.is_plain or covers_place(x.place, y.place))
        case Sequence() as x, Sequence() as y:
            return x.type is y.type and len(x.items) == len(y.items) and all(covers(i, j, active) for i, j in zip(x.items, y.items))
        case Record() as x, Record() as y:
            return x is y or x.type is y.type and list(x.items) == list(y.items) and all(covers(x.items[k], y.items[k], active) for k in x.items)
    return head.value is end.value or isinstance(head.value, Static) and isinstance(end.value, Static) and head.value.value is end.value.value


def covers_place(x: Place | None, y: Place | None) -> bool:
    """Whether the memory of an array is among what was assumed at the head of a loop."""
    if x is None or x.same(y):
        return True
    if y is None:
        return x.buffer.shared
    known = bool(x.buffer.sources) or x.steps == y.steps == ()  # joined, or made anew in every pass
    return known and {b.site for b in y.buffer.family()} <= {b.site for b in x.buffer.family()}


def covers_shape(head: Ref, x: Number, y: Number) -> bool:
    if x.dim is not None and (y.dim is None or x.dim.key not in (head.key, y.dim.key)):
        return False
    if x.shape is None:
        return True
    if y.shape is None or len(x.shape) != len(y.shape):
        return False
    return all(a.key == b.key or a.key == f"{head.key}.shape[{i}]" for i, (a, b) in enumerate(zip(x.shape, y.shape)))


def pairs(made: Ref, a: Ref | None, b: Ref | None) -> Iterator[tuple[Ref, Ref | None, Ref | None]]:
    """The leaves of a merged value beside those of its two sources."""
    match made.value:
        case Number():
            yield made, a if a is not None and is_defined(a) else None, b if b is not None and is_defined(b) else None
        case Sequence(series=Series()):
            return
        case Sequence(items=items):
            for i, item in enumerate(items):
                yield from pairs(item, part(a, i), part(b, i))
        case Record(items=mapping):
            for k, item in mapping.items():
                yield from pairs(item, part(a, k), part(b, k))


def renewed(template: Ref) -> Ref:
    """A template whose numbers are others than those of this one."""
    match template.value:
        case Number():
            return dataclasses.replace(template)
        case Sequence(items=items, merged=True) as value:
            return dataclasses.replace(template, value=dataclasses.replace(value, items=tuple(map(renewed, items))))
        case Record(items=mapping, merged=True) as value:
            return dataclasses.replace(template, value=dataclasses.replace(value, items={k: renewed(i) for k, i in mapping.items()}))
    return template


def part(ref: Ref | None, key: Any) -> Ref | None:
    return ref.value.items[key] if ref is not None and isinstance(ref.value, (Sequence, Record)) else None


def reachable(env: Env, skip: tuple[Frame, frozenset[str]] | None = None) -> Iterator[Ref]:
    """Every number that a variable or container leads to; of one frame only the names given."""
    for frame, variables in env.frames:
        for identifier, ref in variables.items():
            if skip is None or frame is not skip[0] or identifier in skip[1] or identifier.startswith("<"):
                yield from numbers_of(ref)
    for container, items in env.containers.values():
        for item in items.values() if isinstance(container, Record) else items:
            yield from numbers_of(item)


def numbers_of(ref: Ref) -> Iterator[Ref]:
    """The leaves of a value; those of a list that grows in a loop have no names."""
    if not isinstance(ref.value, (Sequence, Record)):
        yield ref
    elif not isinstance(ref.value, Sequence) or ref.value.series is None:
        for item in contents(ref.value):
            yield from numbers_of(item)
