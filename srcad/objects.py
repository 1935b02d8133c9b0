"""Objects that the program makes: named tuples, dataclasses, instances of plain classes; and what NumPy's types convert.

    layer = MulLayer()    its attributes are known one by one, as its methods set them
"""
from __future__ import annotations

import ast
import dataclasses
import types
from typing import Any

import numpy as np

from srcad.infer import Interpreter
from srcad.inference import Inference, display, record_display
from srcad.kinds import Number, Object, Record, Ref, Sequence
from srcad.outside import LIBRARIES
from srcad.rules import find

Arguments = list[Ref]


class Objects:
    """The classes that one frame calls."""

    at: Interpreter
    state: Inference

    def own_function(self, function: types.FunctionType, path: str, args: Arguments, keywords: dict[str, Ref], text: ast.Call, target: str | None) -> Ref:
        raise NotImplementedError

    def literal_or_held(self, value: Any) -> Ref:
        raise NotImplementedError

    def construct(self, kind: type, args: Arguments, keywords: dict[str, Ref], text: ast.Call, target: str | None) -> Ref:
        """Named tuples and dataclasses are looked through; NumPy's types convert."""
        if issubclass(kind, np.generic) and len(args) == 1 and isinstance(args[0].value, Number) and not keywords:
            number = args[0].number
            form = "unknown" if number.shape is None else "array" if number.shape else "scalar"
            made = Number(form, np.dtype(kind), number.shape)
            function = np.positive if made.is_float else np.floor
            return self.at.operation(function, (args[0],), {}, text, target, made, find(np.positive) if made.is_float else None)
        fields = getattr(kind, "_fields", None)
        if fields is not None and issubclass(kind, tuple):
            given = dict(zip(fields, args)) | keywords
            if set(given) != set(fields):
                self.at.refuse("every field of a named tuple must be given here.")
            return Ref(text, Sequence(kind, tuple(given[f] for f in fields)))
        if dataclasses.is_dataclass(kind):
            return self.dataclass(kind, args, keywords, text)
        if self.is_plain_class(kind):
            return self.instance(kind, args, keywords)
        if self.state.is_active([*args, *keywords.values()]):
            self.at.refuse(f"a `{kind.__name__}` made inside a differentiated function is not looked through. Make it of plain Python classes.")
        return self.at.opaque(text, target, Object(None, ""))

    def dataclass(self, kind: Any, args: Arguments, keywords: dict[str, Ref], text: ast.Call) -> Ref:
        """A dataclass: its fields by position, name or default; then __post_init__."""
        fields = [f for f in dataclasses.fields(kind) if f.init]
        given = dict(zip([f.name for f in fields if not f.kw_only], args)) | keywords
        if len(args) > len([f for f in fields if not f.kw_only]) or set(given) - {f.name for f in fields}:
            raise TypeError(f"{kind.__name__}() got arguments that are not its fields")
        for field in dataclasses.fields(kind):
            if field.name in given:
                continue
            if field.default is not dataclasses.MISSING:
                given[field.name] = self.literal_or_held(field.default)
            elif field.default_factory in (list, dict):
                given[field.name] = display(list, ()) if field.default_factory is list else record_display(dict, {})
            elif field.init:
                raise TypeError(f"{kind.__name__}() misses the argument `{field.name}`")
        order = {f.name: given[f.name] for f in dataclasses.fields(kind) if f.name in given}
        made = Ref(text, Record(kind, order, not kind.__dataclass_params__.frozen))
        if hasattr(kind, "__post_init__"):
            self.own_function(kind.__post_init__, f"{self.class_label(kind)}.__post_init__", [made], {}, text, None)
        return made

    @staticmethod
    def is_plain_class(kind: type) -> bool:
        """A class written in Python, of nothing but other such classes."""
        own = [c for c in kind.__mro__ if c is not object]
        return type(kind) is type and all((c.__module__ or "").split(".")[0] not in LIBRARIES for c in own) and kind.__new__ is object.__new__

    def instance(self, kind: type, args: Arguments, keywords: dict[str, Ref]) -> Ref:
        """An object made by the program: its attributes are known one by one."""
        made = Ref(ast.Name(id="object", ctx=ast.Load()), Record(kind, {}, True))
        if kind.__init__ is not object.__init__:
            path = f"{self.class_label(kind)}.__init__"
            self.own_function(kind.__init__, path, [made, *args], keywords, ast.Call(func=made.expr, args=[], keywords=[]), None)
        elif args or keywords:
            raise TypeError(f"{kind.__name__}() takes no arguments")
        return made

    def class_label(self, kind: type) -> str:
        label = self.state.guards.held(kind)
        self.state.helpers[label] = kind
        return label
