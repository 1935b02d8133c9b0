"""Objects that the program makes: named tuples, dataclasses, instances of plain classes; and what NumPy's types convert.

    layer = MulLayer()    its attributes are known one by one, as its methods set them
"""
from __future__ import annotations

import ast
import collections
import dataclasses
import functools
import inspect
import types
from typing import Any

import numpy as np

from srcad.infer import Interpreter
from srcad.inference import Inference, display, record_display
from srcad.kinds import Number, Object, Record, Ref, Sequence, Static
from srcad.protocols import class_entry, decides, is_fields_class, is_generated, is_plain_class, visible
from srcad.rules import find

Arguments = list[Ref]
INSTEAD = {
    collections.deque: "Use a list, and `xs = xs[1:]` where it gets too long.",
    collections.defaultdict: "Use a dict, with setdefault or get.",
    collections.Counter: "Use a dict, with setdefault or get.",
}


class Objects:
    """The classes that one frame calls."""

    at: Interpreter
    state: Inference

    def own_function(self, function: types.FunctionType, path: str, args: Arguments, keywords: dict[str, Ref], text: ast.Call, target: str | None) -> Ref:
        raise NotImplementedError

    def literal_or_held(self, value: Any) -> Ref:
        raise NotImplementedError

    def value_called(self, func: Ref, args: Arguments, keywords: dict[str, Ref], text: ast.Call, target: str | None) -> Ref:
        raise NotImplementedError

    def construct(self, kind: type, args: Arguments, keywords: dict[str, Ref], text: ast.Call, target: str | None) -> Ref:
        """Named tuples and dataclasses are looked through; NumPy's types convert."""
        if issubclass(kind, np.generic) and len(args) == 1 and isinstance(args[0].value, Number) and not keywords:
            number = args[0].number
            form = "unknown" if number.shape is None else "array" if number.shape else "scalar"
            made = Number(form, np.dtype(kind), number.shape)
            function = np.positive if made.is_float else np.floor
            return self.at.operation(function, (args[0],), {}, text, target, made, find(np.positive) if made.is_float else None)
        self.not_looked_through(kind, text, args)
        if issubclass(kind, tuple) and hasattr(kind, "_fields"):
            return self.named_tuple(kind, args, keywords, text)
        if getattr(kind, "__abstractmethods__", None):
            raise TypeError(f"Can't instantiate abstract class {kind.__name__}")
        if is_fields_class(kind):
            return self.dataclass(kind, args, keywords, text)
        if is_plain_class(kind):
            return self.instance(kind, args, keywords)
        if self.state.is_active([*args, *keywords.values()]):
            self.at.refuse(f"a `{kind.__name__}` made inside a differentiated function is not looked through. Make it of plain Python classes.")
        visible(self.at, [*args, *keywords.values()], kind.__name__)
        if kind in (np.finfo, np.iinfo) and len(args) == 1 and isinstance(args[0].value, Static):
            return Ref(text, Static(kind(args[0].value.value)))  # type: ignore[call-overload]
        return self.at.opaque(text, target, Object(None, ""))

    def not_looked_through(self, kind: type, text: ast.Call, args: Arguments) -> None:
        """Refuse classes for which there is another way, and say which."""
        if kind is np.vectorize:
            self.at.refuse("np.vectorize calls a function for each element. Call it on the whole array, or in a loop over its elements.", what="np.vectorize")
        if kind in INSTEAD:
            self.at.refuse(f"a {kind.__name__} is not looked through. {INSTEAD[kind]}", what=kind.__name__)

    def named_tuple(self, kind: Any, args: Arguments, keywords: dict[str, Ref], text: ast.Call) -> Ref:
        """A named tuple: its fields by position, name or default."""
        if not getattr(kind.__new__, "__globals__", {}).get("__name__", "").startswith("namedtuple_") or kind.__init__ is not object.__init__:
            self.at.refuse(f"`{kind.__name__}` has a __new__ or __init__ of its own, which is not looked through. Make it by a function.")
        fields = kind._fields
        given = dict(zip(fields, args)) | keywords
        if len(args) > len(fields) or set(keywords) & set(fields[: len(args)]) or set(keywords) - set(fields):
            raise TypeError(f"{kind.__name__}() got arguments that are not its fields")
        for field in fields:
            if field not in given and field not in kind._field_defaults:
                raise TypeError(f"{kind.__name__}() misses the argument `{field}`")
        return Ref(text, Sequence(kind, tuple(given[f] if f in given else self.literal_or_held(kind._field_defaults[f]) for f in fields)))

    def named_again(self, value: Sequence, attribute: str, keywords: dict[str, Ref], text: ast.Call) -> Ref:
        """The fields of a named tuple in another, or in a dict."""
        fields = dict(zip(value.type._fields, value.items)) | keywords  # type: ignore[attr-defined]
        return self.construct(value.type, [], fields, text, None) if attribute == "_replace" else record_display(dict, fields)

    def dataclass(self, kind: Any, args: Arguments, keywords: dict[str, Ref], text: ast.Call) -> Ref:
        """A dataclass, made as its fields say."""
        made = Ref(text, Record(kind, {}, True))
        self.fields_set(kind, made, args, keywords, text)
        made.value.mutable = not kind.__dataclass_params__.frozen  # type: ignore[union-attr]
        return made

    def fields_set(self, kind: Any, made: Ref, args: Arguments, keywords: dict[str, Ref], text: ast.Call) -> None:
        """The __init__ that a dataclass has by itself: its fields by position, name or default; then __post_init__."""
        given = dict(inspect.signature(kind.__init__).bind(made, *args, **keywords).arguments)
        given.pop(next(iter(inspect.signature(kind.__init__).parameters)))
        rest = [given.get(k) or self.literal_or_held(kind.__dataclass_fields__[k].default) for k in self.init_only(kind)]
        for field in dataclasses.fields(kind):
            if field.name in given:
                continue
            if field.default is not dataclasses.MISSING:
                given[field.name] = self.literal_or_held(field.default)
            elif field.default_factory is not dataclasses.MISSING:
                given[field.name] = self.by_factory(field.default_factory, text)
        self.set_in_order(made, {f.name: given[f.name] for f in dataclasses.fields(kind) if f.name in given})
        record = made.value
        assert isinstance(record, Record)
        found = class_entry(record.type, "__post_init__")
        if found is not None:
            path = f"{self.class_label(found[0])}.__post_init__"
            self.state.guards.read(path, found[1])
            self.own_function(found[1], path, [made, *rest], {}, text, None)

    @staticmethod
    def init_only(kind: Any) -> list[str]:
        """The parameters of a dataclass that are no fields of it: __post_init__ gets them."""
        fields = {f.name for f in dataclasses.fields(kind)}
        return [k for k in list(inspect.signature(kind.__init__).parameters)[1:] if k not in fields]

    def by_factory(self, factory: Any, text: ast.Call) -> Ref:
        """What default_factory makes of a field."""
        if factory in (list, dict):
            return display(list, ()) if factory is list else record_display(dict, {})
        label = self.state.guards.held(factory)
        self.state.helpers[label] = factory
        func = self.state.guards.read(label, factory)
        return self.value_called(func, [], {}, ast.Call(func=func.expr, args=[], keywords=[]), None)

    def set_in_order(self, made: Ref, given: dict[str, Ref]) -> None:
        """The fields of a dataclass; where the class says what setting one does, that is done."""
        record = made.value
        assert isinstance(record, Record)
        setter = class_entry(record.type, "__setattr__")
        own = setter is not None and setter[0] is not object and not is_generated(setter[1])
        if not own and not any(decides(entry[1]) for entry in map(functools.partial(class_entry, record.type), given) if entry is not None):
            record.items = {**record.items, **given}
            return
        for label, value in given.items():
            self.at.set_attribute(made, label, value)

    def instance(self, kind: type, args: Arguments, keywords: dict[str, Ref]) -> Ref:
        """An object made by the program: its attributes are known one by one."""
        made = Ref(ast.Name(id="object", ctx=ast.Load()), Record(kind, {}, True))
        if kind.__init__ is not object.__init__:
            path = f"{self.class_label(kind)}.__init__"
            self.state.guards.read(path, kind.__init__)
            self.own_function(kind.__init__, path, [made, *args], keywords, ast.Call(func=made.expr, args=[], keywords=[]), None)
        elif args or keywords:
            raise TypeError(f"{kind.__name__}() takes no arguments")
        return made

    def class_label(self, kind: type) -> str:
        label = self.state.guards.held(kind)
        self.state.helpers[label] = kind
        return label
