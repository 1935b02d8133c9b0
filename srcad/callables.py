"""From what a user hands over to the Python function behind it, and the parameters that are meant.

    obj.method  ->  its function, with obj before the arguments        wrt=(0, "b")  ->  ("x", "b")
"""
from __future__ import annotations

import builtins
import functools
import inspect
import math
import operator
import types
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from srcad.errors import SrcadError
from srcad.request import MODULES
from srcad.rules import find

Wrt = str | int | Sequence[str | int] | None


def plain_function(function: Any) -> tuple[tuple[Any, ...], types.FunctionType]:
    """The Python function that a callable runs, and the arguments that come before the caller's."""
    if isinstance(function, types.MethodType):
        if find(function.__func__) is not None:
            raise SrcadError("a method with a derivative of its own: wrap its call in a function.", None, function.__name__)
        return (function.__self__,), function.__func__  # type: ignore[return-value]
    if isinstance(function, types.FunctionType) and not in_library(function):
        if find(function) is not None:  # its body is not what is differentiated
            return (), forwarding(function.__name__, "primal", getattr(function, "srcad_checked", function), function)
        return (), function
    if isinstance(function, functools.partial):
        inner = getattr(function.func, "__name__", "")
        if isinstance(function.func, np.ufunc):  # whose parameters some releases of NumPy do not say
            raise SrcadError(f"{function!r} is of a ufunc. Wrap its call in a function.")
        return (), forwarding(inner if inner.isidentifier() else "function", "partial", function, function)
    if find(function) is not None:
        return (), library_wrapper(function)
    if isinstance(function, types.FunctionType):
        return (), function
    call = getattr(type(function), "__call__", None)
    if isinstance(call, types.FunctionType) and not isinstance(function, type):
        return (function,), call
    raise SrcadError(f"{function!r} has no Python source. Wrap it in a function, or give it a rule with @srcad.rule.")


def in_library(function: types.FunctionType) -> bool:
    return (function.__module__ or "").split(".")[0] in ("numpy", "scipy")


def library_wrapper(function: Any) -> types.FunctionType:
    """A Python function that calls a library function, for grad(np.sin)."""
    import linecache

    label = function.__name__ + "_" * hasattr(builtins, function.__name__)
    found = find(function)
    assert found is not None
    path, space = library_space(function)
    count = function.nin if isinstance(function, np.ufunc) else max(1, len(found.operands))
    letters = ["x", "y", "z"][:count] if count <= 3 else [f"x{i}" for i in range(count)]
    filename = f"<srcad wrapper of {label}>"
    text = f"def {label}({', '.join(letters)}):\n    return {path}({', '.join(letters)})\n"
    linecache.cache[filename] = (len(text), None, text.splitlines(True), filename)
    exec(compile(text, filename, "exec"), space)
    return space[label]  # type: ignore[no-any-return]


def library_space(function: Any) -> tuple[str, dict[str, Any]]:
    """How a library function is called, `np.linalg.inv`, and the globals in which that works."""
    import importlib

    from srcad.render import library_path

    found = library_path(function)
    if found is None and hasattr(builtins, function.__name__):
        return function.__name__, {"__name__": "srcad.wrappers"}
    if found is None:
        return f"library.{function.__name__}", {"library": types.SimpleNamespace(**{function.__name__: function}), "__name__": "srcad.wrappers"}
    alias = MODULES.get(found[0], found[0].rpartition(".")[2])
    return f"{alias}.{found[1]}", {alias: importlib.import_module(found[0]), "__name__": "srcad.wrappers"}


def title_of(target: types.FunctionType, function: Any) -> str:
    return "lambda_" if target.__name__ == "<lambda>" else target.__name__


def resolve_wrt(function: types.FunctionType, wrt: Wrt, skip: int) -> tuple[tuple[str, ...], bool, bool]:
    """The names in wrt, whether the user gave them, and whether the gradient comes bare.

    Raises SrcadError for a name or position that is no parameter.
    """
    parameters = list(inspect.signature(function, follow_wrapped=False).parameters.values())[skip:]
    if wrt is None:
        positional = [p for p in parameters if p.kind in (p.POSITIONAL_ONLY, p.POSITIONAL_OR_KEYWORD, p.VAR_POSITIONAL) and p.default is p.empty]
        names = [p.name for p in positional if not (p is parameters[0] and p.name in ("self", "cls") and not skip)]
        return tuple(names), False, len(names) == 1
    if isinstance(wrt, (bool, set, frozenset, dict)) or not isinstance(wrt, (str, int, np.integer, Sequence)):
        raise SrcadError(f"wrt is {wrt!r}; it must be a name, a position, or a tuple of them.", None, function.__name__)
    bare = isinstance(wrt, (str, int, np.integer))
    return tuple(parameter_name(function, parameters, w) for w in ([wrt] if bare else wrt)), True, bare  # type: ignore[list-item,union-attr]


def parameter_name(function: types.FunctionType, parameters: Sequence[inspect.Parameter], which: Any) -> str:
    names = [p.name for p in parameters]
    if isinstance(which, str):
        if which in names:
            return which
        raise SrcadError(f"wrt names `{which}`, and the parameters are {', '.join(names) or 'none'}.", None, function.__name__)
    try:
        return names[operator.index(which)]
    except (IndexError, TypeError):
        raise SrcadError(f"wrt counts to {which!r}, and the parameters are {', '.join(names) or 'none'}.", None, function.__name__) from None


def public_signature(function: types.FunctionType, bound: tuple[Any, ...]) -> inspect.Signature:
    signature = inspect.signature(function, follow_wrapped=False)
    return signature.replace(parameters=list(signature.parameters.values())[len(bound) :])


def floats_for(function: types.FunctionType, bound: tuple[Any, ...]) -> list[float]:
    """A float for every parameter without a default value."""
    parameters = list(inspect.signature(function, follow_wrapped=False).parameters.values())[len(bound) :]
    return [1.5] * sum(p.default is p.empty and p.kind in (p.POSITIONAL_ONLY, p.POSITIONAL_OR_KEYWORD) for p in parameters)


def calling(gradient: Any) -> types.FunctionType:
    """A Python function that calls a gradient, to be differentiated in its turn."""
    target = gradient.target
    title = f"{target.__name__ if target.__name__.isidentifier() else 'function'}_{gradient.mode}"
    return forwarding(title, "gradient", target, gradient)


def shown_default(parameter: inspect.Parameter) -> object:
    """The default of a parameter as text can say it; the function has its own."""
    default = parameter.default
    if default is parameter.empty or type(default) in (bool, int, str) or type(default) is float and math.isfinite(default):
        return default
    return None


def forwarding(title: str, label: str, target: Callable[..., Any], called: Any) -> types.FunctionType:
    """A Python function of the parameters of `target` that hands them on; of a partial of those that it leaves."""
    import linecache

    signature = inspect.signature(target, follow_wrapped=isinstance(target, functools.partial) and find(target.func) is not None)
    if isinstance(target, functools.partial):
        signature = signature.replace(parameters=[p for p in signature.parameters.values() if p.name not in target.keywords and (p.default is p.empty or find(target.func) is None)])
    plain = signature.replace(parameters=[p.replace(default=shown_default(p), annotation=p.empty) for p in signature.parameters.values()], return_annotation=signature.empty)
    handed = ", ".join({p.VAR_POSITIONAL: "*", p.VAR_KEYWORD: "**"}.get(p.kind, f"{p.name}=" * (p.kind is p.KEYWORD_ONLY)) + p.name for p in signature.parameters.values())
    while label in signature.parameters or label == title:
        label += "_"
    text = f"def {title}{plain}:\n    return {label}({handed})\n"
    filename = f"<srcad call of {title} {id(called)}>"
    linecache.cache[filename] = (len(text), None, text.splitlines(True), filename)
    space: dict[str, Any] = {label: called}
    exec(compile(text, filename, "exec"), space)
    made: types.FunctionType = space[title]
    given = [p for p in signature.parameters.values() if p.default is not p.empty]
    made.__defaults__ = tuple(p.default for p in given if p.kind is not p.KEYWORD_ONLY) or None
    made.__kwdefaults__ = {p.name: p.default for p in given if p.kind is p.KEYWORD_ONLY} or None
    return made
