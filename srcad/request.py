"""What is compiled, and what comes of it.

    Request(f, wrt=("x",), mode="grad")  ->  Compiled(source, functions, guard)
"""
from __future__ import annotations

import types
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from srcad.entrance import Entrance
from srcad.ir import Place
from srcad.kinds import Ref

MODULES = {"numpy": "np", "math": "math", "scipy.special": "special", "scipy.linalg": "linalg", "scipy.signal": "signal", "scipy.ndimage": "ndimage"}


@dataclass(frozen=True)
class Request:
    """What is to be compiled: a function, what it is differentiated by, and for which result.

    wrt: parameter names; asked: whether the user named them; bare: whether one gradient comes without a tuple;
    mode: "grad", "value_and_grad", "pair", or "pull": the pair as one function, which takes the adjoint of the
    value first; "push": the same of a pullback, whose transpose maps tangents forwards; checkpoint: None, "sqrt", or how many snapshots a loop keeps;
    plain: written to be differentiated again, with a list for each variable that is kept;
    backend: "numpy" or "numba".
    """

    function: types.FunctionType
    title: str
    wrt: tuple[str, ...]
    asked: bool
    bare: bool
    mode: str = "grad"
    has_aux: bool = False
    checkpoint: str | int | None = None
    plain: bool = False
    backend: str = "numpy"


@dataclass
class Compiled:
    """Generated functions, their text, and the guard of what they assume."""

    source: str
    functions: list[Any]
    entrance: Entrance  # the calls of the first function
    result: Ref
    request: Request
    objects: Mapping[str, object] = field(default_factory=dict)  # what the guard compares with
    floats: frozenset[str] = frozenset()  # integers that are passed as floats
    writes: bool = False  # whether it changes an argument
    places: Mapping[str, list[Place]] = field(default_factory=dict)  # of each function, line by line, which of the user's lines it says
    kept: tuple[tuple[str, int], ...] = ()  # of a pair: what its cache holds, and the user's lines that make it

    @property
    def run(self) -> Any:
        """The first function, for arguments as the user passes them: integers become floats."""
        return self.entrance.run

    @property
    def conditions(self) -> tuple[str, ...]:
        """What the guard asks."""
        return self.entrance.conditions
