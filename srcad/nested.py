"""Gradients inside programs: what is generated for them is a program as any other, and is walked in its turn.

    def f(x): return grad(g)(x) ** 2        the body of g_grad, with x for its parameter
"""
from __future__ import annotations

import ast
import dataclasses
import functools
import inspect
import re
import types
from collections.abc import Callable, Mapping
from typing import Any

import numpy as np

from srcad.dims import Undecided
from srcad.dispatch import Specialisations
from srcad.errors import AliasError
from srcad.infer import Interpreter
from srcad.inference import display, record_display
from srcad.kinds import FLOAT, Number, Record, Ref, Sequence, Static, is_double, python
from srcad.mirror import Sizes, opened
from srcad.outside import static_value
from srcad.pairs import Callee
from srcad.request import Compiled, Request
from srcad.rules import find
from srcad.source import read
from srcad.syntax import call, free_names


class Nested:
    """Calls of gradients."""

    at: Interpreter
    state: Any

    def own_call(self, callee: Callee, arguments: dict[str, Ref], target: str | None) -> Ref:
        raise NotImplementedError

    def prefix(self, function: types.FunctionType) -> str:
        raise NotImplementedError

    def literal_or_held(self, value: Any) -> Ref:
        raise NotImplementedError

    def gradient_call(self, request: Request, args: list[Ref], keywords: dict[str, Ref], target: str | None) -> Ref:
        """A gradient is compiled for arguments of these kinds; its text is walked."""
        function = request.function
        if request.mode == "pair":
            self.at.refuse("inside a program only `grad` and `value_and_grad` are differentiated. Take the gradient of the sum.")
        try:
            bound = inspect.signature(function, follow_wrapped=False).bind(*args, **keywords)
        except TypeError as problem:
            self.at.refuse(f"{problem}.")
            raise AssertionError from None
        given = {p: gathered(ref) for p, ref in bound.arguments.items()}
        bound.apply_defaults()
        defaults = {p: v for p, v in bound.arguments.items() if p not in given}
        bound.arguments.update({p: self.sample(p, ref) for p, ref in given.items()})
        compiled = specialisations(dataclasses.replace(request, plain=True, backend="numpy", checkpoint=None)).find(bound.args, bound.kwargs)
        self.state.nested.append(compiled)  # its text stays readable as long as this program's
        self.relied_on(compiled, given, function)
        made = compiled.functions[0]
        arguments = {p: self.as_float(ref) if p in compiled.floats else ref for p, ref in given.items()}
        arguments |= {p: self.literal_or_held(value) for p, value in defaults.items()}
        ordered = {p: arguments[p] for p in inspect.signature(made).parameters}
        return self.own_call(Callee(made, read(made), made, self.prefix(made)), ordered, target)

    def gradient_made(self, function: Any, args: list[Ref], keywords: dict[str, Ref], text: ast.Call) -> Ref:
        """`grad(g, wrt="x")`, where it is called: of a function that is known."""
        try:
            made = function(*(static_value(a, self.state.facts) for a in args), **{k: static_value(v, self.state.facts) for k, v in keywords.items()})
        except LookupError:
            self.at.refuse("inside a program only functions that are defined outside of it are differentiated. Move it out, and pass it what it reads.")
            raise AssertionError from None
        return Ref(text, Static(made))

    def as_float(self, ref: Ref) -> Ref:
        if is_double(ref.number.dtype):
            return ref
        return self.at.operation(float, (ref,), {}, call("float", [ref.expr]), None, python(FLOAT), find(float))

    def sample(self, path: str, ref: Ref) -> Any:
        """A value of the kind of an argument. The generated code depends on no more than the kind, and on sizes and integers, which become facts here."""
        match ref.value:
            case Number(form="python", dtype=dtype, dim=dim) if dtype is not None:
                if dtype.kind in "ib" and (dim is None or dim.value is None):
                    self.at.refuse(f"`{path}` of this gradient is an integer that only the run can tell. Make it a float.")
                return dtype.type(dim.value if dim is not None and dim.value is not None else 1).item()
            case Number(form="scalar", dtype=dtype) if dtype is not None:
                return dtype.type(1)
            case Number(form="array", dtype=dtype, shape=shape) if shape is not None and dtype is not None and all(d.value is not None for d in shape):
                return np.ones([d.value for d in shape], dtype)  # type: ignore[arg-type]
            case Static(value=value):
                return value
            case Sequence(type=kind, items=items, series=None):
                parts = [self.sample(f"{path}[{i}]", item) for i, item in enumerate(items)]
                return kind(parts) if kind in (list, tuple) else kind(*parts)
            case Record(type=kind, items=mapping):
                found = {k: self.sample(f"{path}[{k!r}]", item) for k, item in mapping.items()}
                return found if kind is dict else kind(**found)
        self.at.refuse(f"`{path}` of this gradient is of a kind that only the run can tell.")
        raise AssertionError

    def relied_on(self, compiled: Compiled, given: Mapping[str, Ref], function: types.FunctionType) -> None:
        """What the generated code relies on becomes a fact of this program."""
        for condition in compiled.conditions:
            free = free_names(condition)
            if not free & given.keys():
                self.state.facts.record(self.outside_condition(condition, compiled, function))
            elif (sharing := SHARING.fullmatch(condition)) and compiled.objects.get(sharing["asked"]) is np.shares_memory:
                self.require_apart(sharing, self.space(free, compiled, given, function, lambda ref: ref))
            elif not STRUCTURE.search(condition) and not self.holds(condition, self.space(free, compiled, given, function, Sizes.leaf)):
                self.at.refuse("what this gradient relies on cannot be said of its arguments.")

    def space(self, free: frozenset[str], compiled: Compiled, given: Mapping[str, Ref], function: types.FunctionType, leaf: Callable[[Ref], Any]) -> dict[str, Any]:
        """What the names in a condition mean here: arguments, what is outside, cells; of each value what `leaf` says."""
        outside = {n: opened(self.at.outside(*self.read_outside(n, function)), leaf) for n in free - given.keys() - compiled.objects.keys()}
        cells = {n: types.SimpleNamespace(cell_contents=opened(self.at.outside(*self.read_cell(cell)), leaf))
                 for n, cell in compiled.objects.items() if n in free and isinstance(cell, types.CellType)}
        return {**compiled.objects, **outside, **cells, **{p: opened(ref, leaf) for p, ref in given.items()}}

    def require_apart(self, sharing: re.Match[str], space: dict[str, Any]) -> None:
        """Refuse arrays that may share memory, where the gradient is of a function that writes to one of them; those from outside are compared by the guard."""
        one, two = (eval(path, {}, space).number.place for path in (sharing["one"], sharing["two"]))
        if one is None or two is None or one.buffer.family() & two.buffer.family():
            self.at.refuse(f"the function changes `{sharing['one']}`, which may share memory with `{sharing['two']}` here. Pass copies.", AliasError)

    def read_outside(self, identifier: str, function: types.FunctionType) -> tuple[str, Any]:
        """How this program reads a variable that is outside of a function: a path, and what is there now."""
        if identifier in function.__code__.co_freevars:
            return self.read_cell(dict(zip(function.__code__.co_freevars, function.__closure__ or ()))[identifier])
        return self.at.global_path(self.prefix(function), function, identifier), function.__globals__.get(identifier)

    def read_cell(self, cell: types.CellType) -> tuple[str, Any]:
        label = self.state.guards.held(cell)
        self.state.helpers[label] = cell
        return f"{label}.cell_contents", cell.cell_contents

    @staticmethod
    def holds(condition: str, space: Mapping[str, Any]) -> bool:
        try:
            return eval(condition, {}, dict(space)) is True
        except (Undecided, AttributeError, TypeError, LookupError, NameError):
            return False

    def outside_condition(self, condition: str, compiled: Compiled, function: types.FunctionType) -> str:
        """A condition on what the function reads from outside, as this program's guard can ask it."""
        names = {label: self.state.guards.held(value) for label, value in compiled.objects.items()}
        names |= {n: self.read_outside(n, function)[0] for n in free_names(condition) - names.keys()}
        return re.sub(r"(?<![\w.])[A-Za-z_]\w*", lambda m: names.get(m[0], m[0]), condition)


def gathered(given: Any) -> Ref:
    """What a parameter is given; of `*args` the tuple, of `**keywords` the dict."""
    if isinstance(given, tuple):
        return display(tuple, given)
    return record_display(dict, given) if isinstance(given, dict) else given


@functools.lru_cache(256)
def specialisations(request: Request) -> Specialisations:
    """What has been compiled of a gradient for programs that call it: the same in every walk of one."""
    return Specialisations(request)


STRUCTURE = re.compile(r"^type\(|\.ndim ==|\.dtype (is|==)|^len\(| in |flags\.(c_contiguous|forc)")  # the sample is of the same structure
SHARING = re.compile(r"not (?P<asked>\w+)\((?P<one>.+), (?P<two>.+)\)")
