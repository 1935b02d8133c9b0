"""`x[i] += f(x)`: Python reads x[i] before it calls f, the staged program after it. It is the same unless the call writes there.

    item = f(x)
    x[i] += item
"""
from __future__ import annotations

import ast
from collections.abc import Mapping
from typing import Any, NamedTuple

from srcad.inference import Frame, Inference
from srcad.ir import Block, Statement, Update
from srcad.kinds import Number, Record, Ref, Sequence
from srcad.syntax import root_of


class Mark(NamedTuple):
    """How things stood before the right side of an augmented assignment: how many writes there were, and what the list, dict or object held that is changed."""

    changes: int
    held: Any


def begun(block: Block) -> dict[int, int]:
    """Where the statements begin that an update of an item or an attribute is staged as, for those of more than one; with where the update is."""
    found: dict[int, int] = {}
    for at, statement in enumerate(block):
        if isinstance(statement, Update) and not isinstance(statement.target, ast.Name):
            first = at
            while first and belongs(block[first - 1], statement):
                first -= 1
            if first < at:
                found[first] = at
    return found


def belongs(statement: Statement, update: Update) -> bool:
    """Whether a statement is a part of the same statement of the user's."""
    one, other = statement.loc, update.loc  # type: ignore[union-attr]
    return (one.file, one.line, one.text, one.index) == (other.file, other.line, other.text, other.index)


def mark(state: Inference, frame: Frame, update: Update) -> Mark:
    return Mark(len(state.changes), held_by(owner_of(frame, update), update.target))


def has_changed(state: Inference, frame: Frame, update: Update, before: Mark) -> bool:
    """Whether what is changed has been written to since."""
    owner = owner_of(frame, update)
    if owner is None:
        return False
    if isinstance(owner.value, Number):
        place = owner.value.place
        return place is not None and any(c.buffer.family() & place.buffer.family() for c in state.changes[before.changes :])
    return before.held is not None and held_by(owner, update.target) != before.held


def owner_of(frame: Frame, update: Update) -> Ref | None:
    """The array, list, dict or object that an update is of, where it has a name already."""
    return frame.locals.get(root_of(update.target))


def held_by(owner: Ref | None, place: ast.expr) -> Any:
    """What a list, dict or object has at a place; all of it where the place is not written down."""
    items = owner.value.items if owner is not None and isinstance(owner.value, (Record, Sequence)) and not getattr(owner.value, "series", None) else None
    match place:
        case ast.Attribute(attr=key) | ast.Subscript(slice=ast.Constant(value=key)) if isinstance(items, Mapping):
            return said(items[key]) if key in items else None
        case ast.Subscript(slice=ast.Constant(value=int() as at)) if isinstance(items, tuple) and at < len(items):
            return len(items), said(items[at])
    if isinstance(items, Mapping):
        return {k: said(ref) for k, ref in items.items()}
    return None if items is None else [said(ref) for ref in items]


def said(ref: Ref) -> object:
    return ref.key or id(ref)
