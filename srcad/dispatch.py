"""From a call to the generated function that is for its arguments: a guard for each, the last used first.

    gradient(x, y)  ->  guard(x, y)?  ->  f_grad(x, y)

A call whose arguments no guard accepts compiles. The number kept is bounded.
"""
from __future__ import annotations

import inspect
import threading
import types
from collections.abc import Callable, Mapping
from typing import Any

from srcad.entrance import LOOKING, MISSING
from srcad.request import Compiled, Request
from srcad.rules import LISTENERS

LIMIT = 64


class Specialisations:
    """The compiled versions of one function for one purpose."""

    def __init__(self, request: Request) -> None:
        self.request = request
        self.entries: tuple[Compiled, ...] = ()
        self.lock = threading.RLock()
        self.forgotten: Callable[[], None] = lambda: None
        LISTENERS.add(self)

    def forget(self) -> None:
        """A rule has changed: what was compiled with the old one goes."""
        self.entries = ()
        self.forgotten()

    def find(self, args: tuple[Any, ...], keywords: Mapping[str, Any]) -> Compiled:
        """The compiled version for these arguments; made if there is none."""
        for compiled in self.entries:
            if fits(compiled, args, keywords):
                compiled.entrance.follow()
                return compiled
        from srcad.compile import compile_request  # the compiler is loaded when it is first needed

        with self.lock:
            compiled = compile_request(self.request, bind(self.request.function, args, keywords))
            self.entries = (compiled, *self.entries)[:LIMIT]
            return compiled


def fits(compiled: Compiled, args: tuple[Any, ...], keywords: Mapping[str, Any]) -> bool:
    """Whether a guard accepts the arguments. What it cannot even look at does not fit."""
    try:
        return bool(compiled.entrance.guard(*args, **keywords))
    except LOOKING:
        return False


def bind(function: types.FunctionType, args: tuple[Any, ...], keywords: Mapping[str, Any]) -> dict[str, Any]:
    """Arguments by parameter, defaults included. Raises TypeError as a call of the function would."""
    try:
        bound = inspect.signature(function, follow_wrapped=False).bind(*args, **keywords)
    except TypeError as problem:
        raise TypeError(f"{function.__name__}() {problem}") from None
    bound.apply_defaults()
    lacking = [label for label, value in bound.arguments.items() if value is MISSING]
    if lacking:
        raise TypeError(f"{function.__name__}() missing a required argument: '{lacking[0]}'")
    return dict(bound.arguments)
