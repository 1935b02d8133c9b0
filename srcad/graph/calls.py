"""Calls in a run: a function of the program's own is run in a group of its own, a library function is one operation.

    sigmoid(x)    ->    the operations of its body, in the group "sigmoid"
    np.exp(x)     ->    the operation "exp"
"""
from __future__ import annotations

import ast
import dataclasses
import functools
import types
from collections.abc import Iterator
from typing import Any

from srcad.callables import in_library
from srcad.calls import inner_source, signature_of
from srcad.errors import SrcadError
from srcad.graph.applying import Spelling, parameter
from srcad.graph.model import Box, unboxed
from srcad.graph.trace import Scene, Tracer, bound_arguments
from srcad.ir import Program
from srcad.rules import find
from srcad.runtime import stop_gradient
from srcad.source import Source, read
from srcad.stage import stage

CONTAINERS = (list, tuple, dict, set, frozenset, str, bytes, range, enumerate, zip, map, filter, reversed, slice)
STRUCTURAL = (len, iter, next, map, filter, zip, enumerate, reversed, functools.reduce, functools.partial, id)
UNBOXED = (isinstance, issubclass, type, hasattr, callable, repr, format, range, slice, str, bool, any, all)
DEEPEST = 60


class Inner:
    """A function defined inside a run, as what it computes on boxes."""

    def __init__(self, tracer: Calls, tree: ast.FunctionDef | ast.Lambda, defaults: dict[str, Any]) -> None:
        self.tracer, self.tree, self.defaults, self.scene = tracer, tree, defaults, tracer.scene
        self.__name__ = tree.name if isinstance(tree, ast.FunctionDef) else "lambda"

    def __call__(self, *args: Any, **keywords: Any) -> Any:
        source = inner_source(self.tree, self.scene.source.file, self.scene.source.lines)
        signature = signature_of(self.tree.args, self.defaults)
        arguments = bound_arguments(signature, list(args), keywords)
        for parameter_name, value in self.defaults.items():
            if arguments[parameter_name] is None:
                arguments[parameter_name] = value
        scene = Scene(source, self.tracer.program_of(source), self.scene.function, arguments, self.scene)
        return self.tracer.called_scene(self.__name__, scene)


class Calls(Tracer):
    """Runs whole programs, calls included."""

    def __init__(self, title: str) -> None:
        super().__init__(title)
        self.programs: dict[int, tuple[Source, Program]] = {}

    def program_of(self, source: Source) -> Program:
        if id(source) not in self.programs:
            self.programs[id(source)] = (source, stage(source))
        return self.programs[id(source)][1]

    def defined(self, tree: ast.FunctionDef | ast.Lambda, defaults: dict[str, Any]) -> Inner:
        return Inner(self, tree, defaults)

    def call(self, expr: ast.Call) -> Any:
        func = expr.func
        if isinstance(func, ast.Attribute):
            owner = self.evaluate(func.value)
            if isinstance(owner, Box):
                return self.operation(expr)
            callee = getattr(owner, func.attr)
        else:
            callee = self.evaluate(func)
        args = self.elements(expr.args)
        keywords: dict[str, Any] = {}
        for keyword in expr.keywords:
            value = self.evaluate(keyword.value)
            keywords.update({keyword.arg: value} if keyword.arg is not None else value)
        return self.called(callee, args, keywords, expr)

    def called(self, callee: Any, args: list[Any], keywords: dict[str, Any], expr: ast.Call | None) -> Any:
        """A call of whatever the function is; expr: how it is written, None where it is called from elsewhere."""
        if isinstance(callee, Inner):
            return callee(*args, **keywords)
        if isinstance(callee, functools.partial):
            return self.called(callee.func, [*callee.args, *args], {**callee.keywords, **keywords}, None)
        if isinstance(callee, types.MethodType) and not hasattr(type(callee.__self__), "differentiated"):
            return self.called(callee.__func__, [callee.__self__, *args], keywords, None)
        if callee is print:
            return None
        if is_structural(callee, args):
            return callee(*[self.callable(a) for a in args], **keywords)
        if callee in UNBOXED if is_hashable(callee) else False:
            return callee(*map(unboxed, args), **{k: unboxed(v) for k, v in keywords.items()})
        if callee is getattr:
            return self.known(callee(*args), str(args[1]))
        if getattr(callee, "makes_gradients", False):
            return callee(*args, **keywords)
        if isinstance(callee, type) and has_own_source(callee.__init__):
            made = callee.__new__(callee)
            self.own_function(callee.__init__, [made, *args], keywords, callee.__name__)
            return made
        if isinstance(callee, type) and (dataclasses.is_dataclass(callee) or issubclass(callee, (tuple, BaseException))):
            return callee(*args, **keywords)
        own = callee if isinstance(callee, types.FunctionType) else getattr(type(callee), "__call__", None)
        own = getattr(own, "srcad_checkpointed", own)
        if isinstance(own, types.FunctionType) and is_own(callee) and is_own(own):
            return self.own_function(own, args if own is callee or hasattr(callee, "srcad_checkpointed") else [callee, *args], keywords, own.__name__)
        if any(isinstance(a, Iterator) for a in args):
            args, expr = [list(a) if isinstance(a, Iterator) else a for a in args], None
        return self.operation_of(callee, args, keywords, expr)

    def member(self, owner: Any, label: str) -> Any:
        """An attribute of an object; a property is called."""
        held = getattr(type(owner), label, None)
        if isinstance(held, property) and isinstance(held.fget, types.FunctionType) and is_own(held.fget):
            return self.own_function(held.fget, [owner], {}, label)
        return getattr(owner, label)

    def operation_of(self, callee: Any, args: list[Any], keywords: dict[str, Any], expr: ast.Call | None) -> Any:
        """A call of a library function."""
        if expr is not None and callee is not stop_gradient and not any(isinstance(a, ast.Starred) for a in expr.args):
            return self.operation(expr, callee)
        label = getattr(callee, "__name__", "call")
        names = [parameter(i) for i in range(len(args) + len(keywords))]
        given = [*names[: len(args)], *(f"{k}={n}" for k, n in zip(keywords, names[len(args) :]))]
        if expr is not None:
            label = self.label(expr)
        return self.applied(Spelling(f"function({', '.join(given)})", (*args, *keywords.values()), {"function": callee}, label), callee is not stop_gradient, callee)

    def callable(self, value: Any) -> Any:
        """A function of the program's own as one that Python can call on boxes."""
        if isinstance(value, (types.FunctionType, types.MethodType, types.BuiltinFunctionType)) or callable(value) and not isinstance(value, (type, Inner, Box)):
            return lambda *args: self.called(value, list(args), {}, None)
        return value

    def own_function(self, function: types.FunctionType, args: list[Any], keywords: dict[str, Any], label: str) -> Any:
        import inspect

        source = read(function)
        arguments = bound_arguments(inspect.signature(function, follow_wrapped=False), args, keywords)
        arguments = {k: self.known(v, k) for k, v in arguments.items()}
        return self.called_scene("lambda" if label == "<lambda>" else label, Scene(source, self.program_of(source), function, arguments))

    def called_scene(self, label: str, scene: Scene) -> Any:
        """Run a function in a group of its own, and come back to the statement that calls it."""
        if self.depth > DEEPEST:
            self.refuse(f"functions call one another deeper than {DEEPEST}.")
        loc, text = self.loc, self.text
        with self.inside("call", label):
            result = self.run(scene)
        self.loc, self.text = loc, text
        return result


def is_structural(callee: Any, args: list[Any]) -> bool:
    """Whether a call only takes apart or puts together what it is given."""
    if isinstance(callee, type):
        return callee in CONTAINERS or callee is object
    owner = getattr(callee, "__self__", None)
    return is_hashable(callee) and callee in STRUCTURAL or isinstance(callee, (types.BuiltinMethodType, types.MethodWrapperType)) and isinstance(owner, (list, tuple, dict, str))


def is_hashable(value: Any) -> bool:
    try:
        hash(value)
    except TypeError:
        return False
    return True


def is_own(function: Any) -> bool:
    """Whether a function is the program's own: neither a library's nor one with a rule."""
    module = getattr(function, "__module__", None) or ""
    if hasattr(function, "srcad_checkpointed"):
        return True
    if hasattr(function, "differentiated") or module.split(".")[0] == "srcad" and not module.startswith("srcad.wrappers"):
        return False
    return not (isinstance(function, types.FunctionType) and in_library(function)) and not (is_hashable(function) and find(function) is not None)


def has_own_source(function: Any) -> bool:
    if not isinstance(function, types.FunctionType) or not is_own(function):
        return False
    try:
        read(function)
    except SrcadError:
        return False
    return True
