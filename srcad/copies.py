"""Copies of what is looked through, and the limits of a dtype.

    copy.deepcopy(params)    a list or dict of its own, with arrays of its own
    np.finfo(float).eps      a constant
"""
from __future__ import annotations

import ast
import copy
import itertools
from collections.abc import Callable, Iterator
from typing import TYPE_CHECKING, Any

import numpy as np

from srcad.inference import display, record_display
from srcad.kinds import Number, Record, Ref, Sequence, Static
from srcad.outside import static_value

if TYPE_CHECKING:
    from srcad.calls import Calls

Arguments = list[Ref]


def special_copy(deep: bool) -> Callable[..., Ref | None]:
    """copy.copy and copy.deepcopy of numbers, arrays, lists, tuples and dicts; None for what else they are given."""
    def copied(calls: Calls, args: Arguments, keywords: dict[str, Ref], text: ast.Call, target: str | None) -> Ref | None:
        if len(args) != 1 or keywords or not is_simple(args[0], deep):
            return None
        return copy_of(calls, args[0], deep)

    return copied


def is_simple(ref: Ref, deep: bool) -> bool:
    """Whether a value is copied item by item, with none in two places: deepcopy would keep that."""
    match ref.value:
        case Number(form=form):
            return form != "unknown"
        case Sequence(series=None) | Record():
            parts = [*parts_of(ref)]
            plain = all(is_simple(p, False) if isinstance(p.value, Number) else is_known(p) for p in parts)
            return is_known(ref) and (not deep or plain and not any(are_one(a, b) for a, b in itertools.combinations(parts, 2)))
    return False


def is_known(ref: Ref) -> bool:
    """A plain list, tuple or dict, a string or None."""
    match ref.value:
        case Static(value=value):
            return value is None or isinstance(value, (str, bytes))
        case Sequence(type=kind, series=None) | Record(type=kind):
            return kind in (list, tuple, dict)
    return False


def parts_of(ref: Ref) -> Iterator[Ref]:
    """The items of a container, and theirs."""
    match ref.value:
        case Sequence(items=items, series=None):
            held = items
        case Record(items=mapping):
            held = tuple(mapping.values())
        case _:
            return
    for item in held:
        yield item
        yield from parts_of(item)


def are_one(a: Ref, b: Ref) -> bool:
    """Whether two items are one list, dict or array."""
    if isinstance(a.value, Number) and isinstance(b.value, Number):
        return not a.number.is_plain and (a.key == b.key or a.number.place is not None and a.number.place.same(b.number.place))
    return a.value is b.value and isinstance(a.value, (Sequence, Record))


def copy_of(calls: Calls, ref: Ref, deep: bool) -> Ref:
    match ref.value:
        case Number() as number if not number.is_plain:
            text = ast.Call(func=ast.Attribute(value=ref.expr, attr="copy", ctx=ast.Load()), args=[], keywords=[])
            return calls.library(np.copy, [ref], {}, text, None)
        case Sequence(type=kind, items=items):
            return display(kind, tuple(copy_of(calls, i, deep) for i in items) if deep else items)
        case Record(type=kind, items=mapping):
            return record_display(kind, {k: copy_of(calls, i, deep) if deep else i for k, i in mapping.items()})
    return ref


def special_limits(function: Any) -> Callable[..., Ref | None]:
    """np.finfo and np.iinfo of a dtype."""
    def limits(calls: Calls, args: Arguments, keywords: dict[str, Ref], text: ast.Call, target: str | None) -> Ref | None:
        return Ref(text, Static(function(static_value(args[0], calls.facts))))

    return limits


SPECIAL: dict[Any, Callable[..., Ref | None]] = {
    copy.copy: special_copy(False), copy.deepcopy: special_copy(True), np.finfo: special_limits(np.finfo), np.iinfo: special_limits(np.iinfo),
}
