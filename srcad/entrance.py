"""The way into generated code: a call that asks first whether the code is for its arguments, written when it is first asked.

    def f(gradient, x, n):                                       # gradient: the object that grad returned
        fits = type(x) is ndarray and ... and n == 3
        return f_grad(x, float(n)) if fits else gradient.dispatch(x, n)
"""
from __future__ import annotations

import ast
import functools
import types
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any

from srcad.dims import words
from srcad.guarding import guard_lines
from srcad.ir import arguments_text
from srcad.load import load
from srcad.source import without_defaults

LOOKING = (TypeError, AttributeError, LookupError, NameError, ValueError, ZeroDivisionError)  # what a guard may meet: then it does not fit
MISSING = object()  # an argument that is not given
CALL = """
def srcad_call({parameters}):
    try:
{asked}
    except {mark}_looking:
        {mark}_fits = False
    return {mark}_made({floats}) if {mark}_fits else {owner}.dispatch({passed})
"""
RUN = """
def srcad_run({parameters}):
    return {mark}_made({passed})
"""


class Entrance:
    """Calls of a generated function by the parameters of the user's.

    made: the generated function; arguments: the user's parameters; leading: those that come before them; floats: how a parameter is
    passed on where it holds integers that become floats; conditions: what the code relies on; helpers: the objects that they compare
    with; owner: a name that no parameter has.
    """

    def __init__(self, made: Any, function: types.FunctionType, title: str, arguments: ast.arguments, leading: Sequence[str], floats: Mapping[str, str],
                 conditions: Iterable[str], helpers: Mapping[str, object], owner: str) -> None:
        self.made, self.function, self.title, self.owner = made, function, title, owner
        self.bare = without_defaults(arguments)
        self.passed = ", ".join(passed(arguments))
        self.floats = ", ".join(passed(arguments, lambda p: floats.get(p, p)))
        self.mark = "srcad"
        while any(p.startswith(self.mark) for p in parameters_of(arguments)):
            self.mark += "_"
        self.conditions = tuple(conditions)
        own = {"function": function, "code": function.__code__, "made": made, "looking": LOOKING, "missing": MISSING}
        self.known = {**helpers, **{f"{self.mark}_{label}": value for label, value in own.items()}}
        self.run = made
        if leading or self.floats != self.passed or not isinstance(made, types.FunctionType) and (function.__defaults__ or function.__kwdefaults__):
            self.run = self.loaded(RUN, [*leading, arguments_text(self.bare)], passed=", ".join(p for p in (*leading, self.floats) if p))
        self.follow()

    @property
    def is_asked(self) -> bool:
        """Whether the guard has been needed before."""
        return "method" in vars(self)

    @functools.cached_property
    def method(self) -> types.FunctionType:
        """The call as a method of a gradient, on whose `dispatch` it falls back where the guard does not accept the arguments."""
        conditions = (f"{self.mark}_function.__code__ is {self.mark}_code", *self.conditions)
        asked = "\n".join(f"        {line}" for line in (*self.filled_in(), *guard_lines(conditions, self.mark)))
        made = self.loaded(CALL, [arguments_text(with_first(self.bare, self.owner))], asked=asked, floats=self.floats, owner=self.owner, passed=self.passed)
        made.__defaults__ = made.__defaults__ and (MISSING,) * len(made.__defaults__)
        made.__kwdefaults__ = made.__kwdefaults__ and dict.fromkeys(made.__kwdefaults__, MISSING)
        made.__name__ = made.__qualname__ = self.function.__name__
        return made

    def filled_in(self) -> list[str]:
        """Statements that give parameters their defaults, which are the function's of the moment."""
        function, missing = f"{self.mark}_function", f"{self.mark}_missing"
        positional = [a.arg for a in (*self.bare.posonlyargs, *self.bare.args)][::-1]
        keywords = [a.arg for a, default in zip(self.bare.kwonlyargs, self.bare.kw_defaults, strict=True) if default is not None]
        lines = [f"if {p} is {missing}: {p} = {function}.__defaults__[{-1 - i}]" for i, p in enumerate(positional[: len(self.bare.defaults)])]
        return lines + [f"if {p} is {missing}: {p} = {function}.__kwdefaults__[{p!r}]" for p in keywords]

    def follow(self) -> None:
        """The function may have got other defaults."""
        for made in (self.made, self.run):
            if isinstance(made, types.FunctionType) and made.__defaults__ is not self.function.__defaults__:
                made.__defaults__ = self.function.__defaults__
            if isinstance(made, types.FunctionType) and made.__kwdefaults__ is not self.function.__kwdefaults__:
                made.__kwdefaults__ = self.function.__kwdefaults__

    @functools.cached_property
    def guard(self) -> Callable[..., bool]:
        """Whether a call would run the generated code: the method with an answer in place of that code."""
        method = self.method
        code = method.__code__
        closure = [types.CellType(yes) if n == f"{self.mark}_made" else c for n, c in zip(code.co_freevars, method.__closure__ or (), strict=True)]
        asked = types.FunctionType(code, method.__globals__, method.__name__, method.__defaults__, tuple(closure))
        asked.__kwdefaults__ = method.__kwdefaults__
        return functools.partial(asked, Nobody)

    def loaded(self, template: str, parameters: Sequence[str], **parts: str) -> types.FunctionType:
        """A function from its template, with the defaults of the user's."""
        text = template.format(parameters=", ".join(p for p in parameters if p), mark=self.mark, **parts)
        read = words(text)
        helpers = {label: value for label, value in self.known.items() if label in read}
        title = template.split()[1].partition("(")[0]
        made: types.FunctionType = load(text, f"{self.title} guard", [title], self.function, helpers, shown=False)[0]
        made.__defaults__, made.__kwdefaults__ = self.function.__defaults__, self.function.__kwdefaults__
        return made


class Nobody:
    """What stands for the gradient where a guard is only asked."""

    @staticmethod
    def dispatch(*args: Any, **keywords: Any) -> bool:
        return False


def yes(*args: Any, **keywords: Any) -> bool:
    return True


def parameters_of(arguments: ast.arguments) -> list[str]:
    """The names of all parameters."""
    starred = [a for a in (arguments.vararg, arguments.kwarg) if a is not None]
    return [a.arg for a in (*arguments.posonlyargs, *arguments.args, *arguments.kwonlyargs, *starred)]


def passed(arguments: ast.arguments, spell: Callable[[str], str] = str) -> list[str]:
    """Parameters as the arguments of a call."""
    out = [spell(a.arg) for a in [*arguments.posonlyargs, *arguments.args]]
    out += [f"*{spell(arguments.vararg.arg)}"] if arguments.vararg else []
    out += [f"{a.arg}={spell(a.arg)}" for a in arguments.kwonlyargs]
    return out + ([f"**{spell(arguments.kwarg.arg)}"] if arguments.kwarg else [])


def with_first(arguments: ast.arguments, owner: str) -> ast.arguments:
    """Parameters with one more before them."""
    first = ast.arg(arg=owner)
    positional = [first, *arguments.posonlyargs] if arguments.posonlyargs else []
    return ast.arguments(
        posonlyargs=positional, args=arguments.args if positional else [first, *arguments.args], vararg=arguments.vararg,
        kwonlyargs=arguments.kwonlyargs, kw_defaults=arguments.kw_defaults, kwarg=arguments.kwarg, defaults=arguments.defaults)
