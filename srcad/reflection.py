"""Functions that ask what an object is made of, or change or copy it: type, hasattr, getattr, setattr, super, copy, dataclasses.replace.

    hasattr(p, "a")    is known: p's attributes are
"""
from __future__ import annotations

import ast
import copy
import dataclasses
import types
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

import numpy as np

from srcad.inference import constant_ref, display, record_display
from srcad.kinds import NUMERIC, Lazy, Number, Object, Record, Ref, Sequence, Static, Super
from srcad.outside import LIBRARIES, static_value
from srcad.protocols import asked, class_of, has, is_dict, itself, own_class, type_of
from srcad.syntax import const, method

if TYPE_CHECKING:
    from srcad.calls import Calls

Arguments = list[Ref]
NOTHING = Ref(const(None), Static(None))


def special_type(calls: Calls, args: Arguments, keywords: dict[str, Ref], text: ast.Call, target: str | None) -> Ref | None:
    if len(args) != 1:
        calls.at.refuse("a class is made outside.")
    return class_of(calls.at, args[0])


def special_isinstance(calls: Calls, args: Arguments, keywords: dict[str, Ref], text: ast.Call, target: str | None) -> Ref | None:
    kinds = static_value(args[1], calls.facts)
    value = args[0].value
    kinds = kinds if isinstance(kinds, tuple) else (kinds,)
    if isinstance(value, Number) and value.form in ("python", "array", "scalar") and value.dtype is not None:
        made = type_of(value)
        made = int if value.form == "python" and args[0].key in value.origin else made
        return constant_ref(issubclass(made, kinds), calls.facts)
    if isinstance(value, (Sequence, Record)):
        return constant_ref(issubclass(value.type, kinds), calls.facts)
    if isinstance(value, Static) or isinstance(value, Object) and value.path:
        return constant_ref(isinstance(value.value, kinds), calls.facts)
    return None


def special_hasattr(calls: Calls, args: Arguments, keywords: dict[str, Ref], text: ast.Call, target: str | None) -> Ref | None:
    value, attribute = args[0].value, static_value(args[1], calls.facts)
    if isinstance(value, Number) and value.form in ("python", "array", "scalar") and value.dtype is not None:
        return constant_ref(hasattr(type_of(value), attribute), calls.facts)
    if isinstance(value, Number):
        answers = {hasattr(kind, attribute) for kind in NUMERIC}
        return constant_ref(answers.pop(), calls.facts) if len(answers) == 1 else None
    known = has(calls.at, args[0], attribute)
    if isinstance(value, Static) and isinstance(value.value, types.ModuleType) and value.value.__name__.split(".")[0] in LIBRARIES:
        known = hasattr(value.value, attribute)
    if known is None and isinstance(value, (Sequence, Record)):
        known = hasattr(value.type, attribute)
    return None if known is None else constant_ref(known, calls.facts)


def special_getattr(calls: Calls, args: Arguments, keywords: dict[str, Ref], text: ast.Call, target: str | None) -> Ref | None:
    attribute = str(static_value(args[1], calls.facts))
    if len(args) == 3 and own_class(args[0]) is not None:
        known = has(calls.at, args[0], attribute)
        if known is None:
            return None
        return calls.at.attribute(args[0], attribute, target) if known else args[2]
    return calls.at.attribute(args[0], attribute, target) if len(args) == 2 else None


def special_setattr(calls: Calls, args: Arguments, keywords: dict[str, Ref], text: ast.Call, target: str | None) -> Ref | None:
    calls.at.set_attribute(args[0], str(static_value(args[1], calls.facts)), args[2])
    return NOTHING


def special_set_plainly(calls: Calls, args: Arguments, keywords: dict[str, Ref], text: ast.Call, target: str | None) -> Ref | None:
    """object.__setattr__(a, name, value), in a __setattr__ or a frozen dataclass."""
    calls.at.set_plainly(args[0], str(static_value(args[1], calls.facts)), args[2])
    return NOTHING


def special_init(calls: Calls, args: Arguments, keywords: dict[str, Ref], text: ast.Call, target: str | None) -> Ref | None:
    """object.__init__ does nothing."""
    if len(args) != 1 or keywords:
        raise TypeError("object.__init__() takes exactly one argument (the instance to initialize)")
    return NOTHING


def special_super(calls: Calls, args: Arguments, keywords: dict[str, Ref], text: ast.Call, target: str | None) -> Ref | None:
    """super() in a method of an object that the program made."""
    frame = calls.at.frame
    function = frame.function
    cells = dict(zip(function.__code__.co_freevars, function.__closure__ or ())) if function is not None else {}
    owner = next(iter(frame.locals.values()), None)
    if args or "__class__" not in cells or owner is None or not isinstance(owner.value, Record):
        calls.at.refuse("super() is supported in methods of objects that the function makes, without arguments.")
        raise AssertionError
    return Ref(text, Super(owner, cells["__class__"].cell_contents))


def special_replace(calls: Calls, args: Arguments, keywords: dict[str, Ref], text: ast.Call, target: str | None) -> Ref | None:
    """dataclasses.replace: a new one, made of the same fields and some others."""
    value = args[0].value
    if not isinstance(value, Record) or not dataclasses.is_dataclass(value.type):
        raise TypeError("replace() should be called on dataclass instances")
    given = {f.name: value.items[f.name] for f in dataclasses.fields(value.type) if f.init}
    return calls.construct(value.type, [], given | keywords, text, target)


def special_asdict(calls: Calls, args: Arguments, keywords: dict[str, Ref], text: ast.Call, target: str | None) -> Ref | None:
    """dataclasses.asdict: dataclasses as dicts, all the way down; the rest is copied."""
    if not isinstance(args[0].value, Record) or not dataclasses.is_dataclass(args[0].value.type):
        raise TypeError("asdict() should be called on dataclass instances")

    def deep(ref: Ref) -> Ref:
        value = ref.value
        if isinstance(value, Record) and dataclasses.is_dataclass(value.type):
            return record_display(dict, {f.name: deep(calls.at.attribute(ref, f.name, None)) for f in dataclasses.fields(value.type)})
        return copied(calls, ref, None, deep)

    return deep(args[0])


def special_copy(calls: Calls, args: Arguments, keywords: dict[str, Ref], text: ast.Call, target: str | None) -> Ref | None:
    """copy.copy: a container or object of the same items."""
    found = asked(calls.at, args[0], "__copy__")
    return found if found is not None else copied(calls, args[0], target, lambda item: item)


def special_deepcopy(calls: Calls, args: Arguments, keywords: dict[str, Ref], text: ast.Call, target: str | None) -> Ref | None:
    """copy.deepcopy: what is in there twice is one thing in the copy, too."""
    known: dict[int, Ref] = {}

    def deep(ref: Ref, target: str | None = None) -> Ref:
        if own_class(ref) is not None and any(hasattr(own_class(ref), label) for label in ("__deepcopy__", "__copy__")):
            calls.at.refuse("the class says by itself how it is copied. Call its method.")
        if id(ref.value) not in known:
            known[id(ref.value)] = copied(calls, ref, target, deep)
        return known[id(ref.value)]

    return deep(args[0], target)


def copied(calls: Calls, ref: Ref, target: str | None, each: Callable[[Ref], Ref]) -> Ref:
    """A value anew, with what `each` makes of its items."""
    match ref.value:
        case Number(form="python" | "scalar") | Static():
            return ref
        case Number():
            return calls.library(np.copy, [ref], {}, method(ref.expr, "copy"), target)
        case Sequence(type=kind, items=items, series=None):
            made = tuple(map(each, items))
            return display(kind, made) if kind in (list, tuple) else Ref(ref.expr, Sequence(kind, made))
        case Record(type=kind, items=mapping):
            items = {k: each(v) for k, v in mapping.items()}
            if is_dict(ref):
                return record_display(dict, items)
            frozen = dataclasses.is_dataclass(kind) and kind.__dataclass_params__.frozen
            return Ref(ast.Name(id="object", ctx=ast.Load()), Record(kind, items, not frozen))
    calls.at.refuse("what is copied here is not looked through. Copy arrays, lists, tuples, dicts, or objects that the function makes.")
    raise AssertionError


def special_iter(calls: Calls, args: Arguments, keywords: dict[str, Ref], text: ast.Call, target: str | None) -> Ref | None:
    """iter(xs): each item when its turn comes, once."""
    if len(args) != 1:
        return None
    return args[0] if isinstance(args[0].value, Lazy) else Ref(text, Lazy("map", (args[0],), None, calls.state.loops, each=itself))


REFLECTION: dict[Any, Callable[..., Ref | None]] = {
    type: special_type, isinstance: special_isinstance, hasattr: special_hasattr, getattr: special_getattr, setattr: special_setattr, super: special_super, iter: special_iter,
    object.__setattr__: special_set_plainly, object.__init__: special_init, dataclasses.replace: special_replace, dataclasses.asdict: special_asdict, copy.copy: special_copy, copy.deepcopy: special_deepcopy,
}
