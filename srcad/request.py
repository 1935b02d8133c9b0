"""What is compiled, and what comes of it.

    Request(f, wrt=("x",), mode="grad")  ->  Compiled(source, functions, guard)
"""
from __future__ import annotations

import types
from dataclasses import dataclass
from typing import Any

from srcad.inference import Inference
from srcad.ir import Location
from srcad.kinds import Record, Ref
from srcad.kinds import Sequence as Items

MODULES = {"numpy": "np", "math": "math", "scipy.special": "special", "scipy.linalg": "linalg"}


@dataclass(frozen=True)
class Request:
    """What is to be compiled: a function, what it is differentiated by, and for which result.

    wrt: parameter names; asked: whether the user named them; bare: whether one gradient comes without a tuple;
    mode: "grad", "value_and_grad" or "pair".
    """

    function: types.FunctionType
    title: str
    wrt: tuple[str, ...]
    asked: bool
    bare: bool
    mode: str = "grad"
    has_aux: bool = False


@dataclass
class Compiled:
    """Generated functions, their text, and the guard of what they assume."""

    source: str
    functions: list[Any]
    guard: Any
    method: Any  # a call that asks the guard first, as a method of Gradient
    run: Any  # the first function, for arguments as the user passes them: integers become floats
    result: Ref
    request: Request


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
