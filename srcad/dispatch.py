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

from srcad.compile import Compiled, Request, compile_request
from srcad.rules import VERSION

LIMIT = 64


class Specialisations:
    """The compiled versions of one function for one purpose."""

    def __init__(self, request: Request) -> None:
        self.request = request
        self.entries: tuple[tuple[Callable[..., bool], Callable[..., Any], Compiled, int], ...] = ()
        self.code = request.function.__code__
        self.lock = threading.RLock()

    def find(self, args: tuple[Any, ...], keywords: Mapping[str, Any]) -> Compiled:
        """The compiled version for these arguments; made if there is none."""
        for entry in self.entries:
            if entry[3] == VERSION[0] and self.fits(entry[0], args, keywords):
                return entry[2]
        return self.make(args, keywords)

    def function(self, args: tuple[Any, ...], keywords: Mapping[str, Any]) -> Callable[..., Any]:
        return self.find(args, keywords).functions[0]  # type: ignore[no-any-return]

    def fits(self, guard: Callable[..., bool], args: tuple[Any, ...], keywords: Mapping[str, Any]) -> bool:
        """Whether a guard accepts the arguments. What it cannot even look at does not fit."""
        try:
            return self.request.function.__code__ is self.code and guard(*args, **keywords)
        except (TypeError, AttributeError, LookupError, NameError, ValueError, ZeroDivisionError):
            return False

    def make(self, args: tuple[Any, ...], keywords: Mapping[str, Any]) -> Compiled:
        with self.lock:
            arguments = bind(self.request.function, args, keywords)
            compiled = compile_request(self.request, arguments)
            entry = (compiled.guard, compiled.functions[0], compiled, VERSION[0])
            current = tuple(e for e in self.entries if e[3] == VERSION[0])
            if self.request.function.__code__ is not self.code:
                self.code, current = self.request.function.__code__, ()
            self.entries = (entry, *current)[:LIMIT]
            return compiled

    def __getstate__(self) -> Request:
        return self.request

    def __setstate__(self, request: Request) -> None:
        self.__init__(request)  # type: ignore[misc]


def bind(function: types.FunctionType, args: tuple[Any, ...], keywords: Mapping[str, Any]) -> dict[str, Any]:
    """Arguments by parameter, defaults included. Raises TypeError as a call of the function would."""
    try:
        bound = inspect.signature(function, follow_wrapped=False).bind(*args, **keywords)
    except TypeError as problem:
        raise TypeError(f"{function.__name__}() {problem}") from None
    bound.apply_defaults()
    return dict(bound.arguments)
