"""The places that a loop may change: variables, and the items of lists, dicts and objects.

    ("local", "h")    ("item", identity of a list, 0)
"""
from __future__ import annotations

import dataclasses
from collections.abc import Iterator
from typing import Any

from srcad.errors import UnsupportedSyntaxError
from srcad.inference import current
from srcad.ir import UNPLACED
from srcad.kinds import Number, Record, Ref, Sequence
from srcad.merge import Env, Merger, is_defined
from srcad.series import Grows
from srcad.syntax import same


def slot_label(slot: tuple[Any, ...]) -> str:
    label = str(slot[-1])
    return label if label.isidentifier() or label.startswith("<") else "item"


def get_slot(frame: Any, env: Env, slot: tuple[Any, ...]) -> Ref | None:
    if slot[0] == "local":
        found = env.variables(frame).get(slot[1])
        return found if is_defined(found) else None
    items = env.containers[slot[1]][1] if slot[1] in env.containers else None
    return items[slot[2]] if items is not None else None


def set_slot(frame: Any, base: Env, slot: tuple[Any, ...], ref: Ref) -> None:
    if slot[0] == "local":
        frame.locals[slot[1]] = current(ref)
        return
    container = base.containers[slot[1]][0]
    if isinstance(container, Record):
        container.items = {**container.items, slot[2]: ref}
    else:
        items = list(container.items)
        items[slot[2]] = ref
        container.items = tuple(items)


def changed_slots(frame: Any, before: Env, end: Env, base: Env) -> Iterator[tuple[tuple[Any, ...], Ref | None, Ref | None]]:
    """Where two points differ: the place, what was there, what is there now."""
    old, new = before.variables(frame), end.variables(frame)
    for identifier in dict.fromkeys([*old, *new]):
        a, b = old.get(identifier), new.get(identifier)
        if a is not b and not (identifier.startswith("<item")) and (is_defined(a) or is_defined(b)) and not alike(a, b):
            yield ("local", identifier), a, b
    for key, (container, items) in before.containers.items():
        if key not in base.containers:
            continue
        now = end.containers.get(key)
        if now is None or now[1] is items:
            continue
        if isinstance(container, Sequence) and container.site and len(now[1]) != len(items):
            raise Grows(container.site, UNPLACED)
        if isinstance(container, Record) and list(now[1]) != list(items) or len(now[1]) != len(items):
            raise UnsupportedSyntaxError("a list or dict grows or shrinks in this loop, whose passes are not known one by one. Fill an array instead.", None)
        for k in items if isinstance(container, Record) else range(len(items)):
            if items[k] is not now[1][k] and not alike(items[k], now[1][k]):
                yield ("item", key, k), items[k], now[1][k]


def alike(a: Ref | None, b: Ref | None) -> bool:
    """Whether two variables are one value: an object that is the same, written out anew."""
    return a is not None and b is not None and a.value is b.value and a.key == b.key and (not isinstance(a.value, Number) or same(a.expr, b.expr))


def widened(merger: Merger, head: Ref, end: Ref | None, init: Ref | None) -> Ref:
    """A template of init and end that also covers what the head was assumed to be."""
    template = merger.merge(init, end)
    if isinstance(template.value, Number) and isinstance(head.value, Number) and end is not None:
        both = merger.joined(head.number, end.number) if isinstance(end.value, Number) else head.number
        again = merger.joined(both, template.number)
        place = template.number.place
        made = Ref(template.expr, dataclasses.replace(again, place=place, shape=loosened(template.number, head, end, merger)), template.key)
        if place is not None and place.buffer.owner is template:
            place.buffer.owner = made
        return made
    return template


def loosened(number: Number, head: Ref, end: Ref, merger: Merger) -> Any:
    """A shape whose sizes that differ between passes are unknown."""
    a, b = head.number.shape, end.number.shape
    if number.shape is None or a is None or b is None or len(a) != len(b) or len(number.shape) != len(a):
        return None
    return tuple(d if x.key == y.key and x.key == d.key else merger.facts.new_dim() for d, x, y in zip(number.shape, a, b))
