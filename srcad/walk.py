"""The state that one walk of a program begins with, and the places that are not in the user's text.

    x: an integer array    ->    x = x.astype(float), at ENTRY
"""
from __future__ import annotations

from srcad.inference import Inference
from srcad.ir import Location
from srcad.kinds import Record, Ref
from srcad.kinds import Sequence as Items

class Walk(Inference):
    """The state of one walk, with the parameters it began with."""

    parameters: dict[str, Ref]
    integers: dict[str, Ref]


ENTRY = Location("", -1, 0, 0, 0, "", "")
LAST = Location("", -2, 0, 0, 0, "", "the result")
VALUE = Location("", -3, 0, 0, 0, "", "")


def refreshed(ref: Ref, state: Walk) -> Ref:
    """A parameter with its converted leaves in place."""
    value = ref.value
    if isinstance(value, Items):
        return Ref(ref.expr, Items(value.type, tuple(refreshed(i, state) for i in value.items)), ref.key)
    if isinstance(value, Record):
        return Ref(ref.expr, Record(value.type, {k: refreshed(i, state) for k, i in value.items.items()}), ref.key)
    return state.guards.refs.get(ref.key, ref)
