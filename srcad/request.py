"""What is compiled, and what comes of it.

    Request(f, wrt=("x",), mode="grad")  ->  Compiled(source, functions, guard)
"""
from __future__ import annotations

import types
from dataclasses import dataclass
from typing import Any

from srcad.kinds import Ref

LOOKING = (TypeError, AttributeError, LookupError, NameError, ValueError, ZeroDivisionError)  # what a guard may meet: then it does not fit
MODULES = {"numpy": "np", "math": "math", "scipy.special": "special", "scipy.linalg": "linalg"}


@dataclass(frozen=True)
class Request:
    """What is to be compiled: a function, what it is differentiated by, and for which result.

    wrt: parameter names; asked: whether the user named them; bare: whether one gradient comes without a tuple;
    mode: "grad", "value_and_grad" or "pair"; backend: "numpy" or "numba".
    """

    function: types.FunctionType
    title: str
    wrt: tuple[str, ...]
    asked: bool
    bare: bool
    mode: str = "grad"
    has_aux: bool = False
    backend: str = "numpy"


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
