"""What Python asks an object's class for: `len(a)`, `a[i]`, `k in a`, `not a`, `a + b` are calls of its methods.

    bag[1]    is type(bag).__getitem__(bag, 1), and the method is walked as any other
"""
from __future__ import annotations

import ast
import dataclasses
import enum
import math
import types
from collections.abc import Iterator
from typing import Any

import numpy as np

from srcad.inference import OPERATORS, constant_ref, display, record_display
from srcad.kinds import BOOL, Bound, Closure, Lazy, Method, Number, Object, Record, Ref, Sequence, Static, python
from srcad.outside import LIBRARIES
from srcad.syntax import expression

Operations = Any  # the walker of a frame

ASKED: dict[Any, str] = {
    abs: "__abs__", float: "__float__", int: "__int__", complex: "__complex__", round: "__round__", divmod: "__divmod__", iter: "__iter__",
    reversed: "__reversed__", next: "__next__", math.floor: "__floor__", math.ceil: "__ceil__", math.trunc: "__trunc__", str: "__str__", repr: "__repr__",
}
COMPARED = {ast.Eq: ("__eq__", "__eq__"), ast.NotEq: ("__ne__", "__ne__"), ast.Lt: ("__lt__", "__gt__"), ast.LtE: ("__le__", "__ge__"),
            ast.Gt: ("__gt__", "__lt__"), ast.GtE: ("__ge__", "__le__")}
SIGNS = {ast.USub: "__neg__", ast.UAdd: "__pos__", ast.Invert: "__invert__"}
EVERY_NAMED_TUPLE = ("_replace", "_asdict", "_make", "_fields", "_field_defaults", "__repr__", "__getnewargs__", "__new__")
LEFT_ALONE = ("fractions", "decimal", "pathlib", "datetime", "numbers", "enum")  # of the standard library, whose operators mean what they do for numbers
GENERATED = "<string>"  # the file of what dataclasses and named tuples define by themselves


def own_class(ref: Ref) -> type | None:
    """The class of an object: of one that the program makes, of one from outside, of a named tuple. None for other values."""
    match ref.value:
        case Record(type=kind) if kind is not dict:
            return kind
        case Object(value=value, path=path) if path:
            return type(value)
        case Sequence(type=kind) if hasattr(kind, "_fields"):
            return kind
    return None


def is_made(ref: Ref) -> bool:
    """Whether a value is an object that the program makes, which does not occur in the generated code."""
    return isinstance(ref.value, Record) and ref.value.type is not dict and not ref.key


def is_dict(ref: Ref) -> bool:
    return isinstance(ref.value, Record) and ref.value.type is dict


def class_entry(kind: type, label: str) -> tuple[type, Any] | None:
    """Where a class has something from, and what that is."""
    return next(((owner, vars(owner)[label]) for owner in kind.__mro__ if label in vars(owner)), None)


def defined(ref: Ref, label: str) -> bool:
    """Whether an object's class, or one that it is made of, defines a method in Python."""
    kind = own_class(ref)
    entry = class_entry(kind, label) if kind is not None else None
    if entry is None or (entry[0].__module__ or "").split(".")[0] in (*LIBRARIES, *LEFT_ALONE):
        return False
    return callable(entry[1])


def asked(at: Operations, ref: Ref, label: str, *args: Ref) -> Ref | None:
    """What an object's method returns; None where its class has none, or where it says NotImplemented."""
    if not defined(ref, label):
        return None
    entry = class_entry(own_class(ref) or object, label)
    if entry is not None and is_generated(entry[1]):
        at.refuse(f"`{label}` is one that dataclasses write, and it is not looked through. Use the fields.")
    result = at.call_method(ref, label, args)
    return None if isinstance(result.value, Static) and result.value.value is NotImplemented else result


def looked_through(at: Operations, ref: Ref, label: str) -> None:
    """Refuse a method that no Python code says: that of a deque, or of an array.array."""
    entry = class_entry(own_class(ref) or object, label)
    if entry is not None and isinstance(entry[1], (types.WrapperDescriptorType, types.MethodDescriptorType)):
        at.refuse(f"a `{(own_class(ref) or object).__name__}` is not written in Python, and not looked through. Make a list or an array of it.")


# ---- operators

def operated(at: Operations, op: ast.operator, left: Ref, right: Ref) -> Ref | None:
    """`a + b` by __add__ or __radd__; the operand of a class that is made of the other's goes first. `d | e` of dicts joins them."""
    if isinstance(op, ast.BitOr) and is_dict(left) and is_dict(right):
        return record_display(dict, {**left.value.items, **right.value.items})  # type: ignore[union-attr, dict-item]
    word = OPERATORS[type(op)][1].__name__.strip("_")
    label, reflected = f"__{word}__", f"__r{word}__"
    kinds = own_class(left), own_class(right)
    overridden = None not in kinds and class_entry(kinds[1], reflected) != class_entry(kinds[0], reflected)  # type: ignore[arg-type]
    return in_turn(at, (left, right, label), (right, left, reflected), overridden)


def in_turn(at: Operations, first: tuple[Ref, Ref, str], second: tuple[Ref, Ref, str], overridden: bool = True) -> Ref | None:
    """What one operand answers about the other: the right one is asked first if its class is made of the left one's, and its method another."""
    left, right = first[:2]
    one, two = own_class(left), own_class(right)
    turned = one is not None and two is not None and one is not two and issubclass(two, one) and overridden
    for owner, other, label in (second, first) if turned else (first, second):
        if owner is right and defined(owner, label):
            not_spread(at, left, owner, label)
        result = asked(at, owner, label, other)
        if result is not None:
            return result
    return None


def not_spread(at: Operations, array: Ref, owner: Ref, label: str) -> None:
    """Refuse an array before an object: NumPy asks the object once for each element. So it does with a number of its own and an object of items."""
    kind = own_class(owner)
    spread = array.number.form in ("array", "unknown") or array.number.form == "scalar" and any(class_entry(kind or object, k) for k in ("__getitem__", "__array__"))
    if isinstance(array.value, Number) and spread and getattr(kind, "__array_ufunc__", 0) is not None and getattr(kind, "__array_priority__", -1.0) <= 0:
        at.refuse(f"NumPy calls `{label}` for each element of the array. Set `__array_ufunc__ = None` in the class, or put the object first.")


def updated(at: Operations, op: ast.operator, old: Ref, value: Ref) -> Ref | None:
    """`a += b` of an object that has __iadd__, and `d |= e` of dicts."""
    if isinstance(op, ast.BitOr) and isinstance(old.value, Record) and old.value.type is dict and isinstance(value.value, Record) and value.value.type is dict:
        at.require_mutable(old.value)
        old.value.items = {**old.value.items, **value.value.items}
        return old
    word = OPERATORS[type(op)][1].__name__.strip("_")
    if isinstance(old.value, Number) and not old.number.is_plain and defined(value, f"__r{word}__"):
        at.refuse(f"an array is changed in place by an object that has __r{word}__. Write it as `a = a + b`.")
    return asked(at, old, f"__i{word}__", value)


def signed(at: Operations, op: ast.unaryop, operand: Ref) -> Ref | None:
    """`-a` by __neg__, and so on."""
    return asked(at, operand, SIGNS[type(op)]) if type(op) in SIGNS else None


def compared(at: Operations, op: ast.cmpop, left: Ref, right: Ref) -> Ref | None:
    """`a == b` and `k in a` of objects; None where neither is one. Whether what a library has returned is None is asked when the program runs."""
    if isinstance(op, (ast.Is, ast.IsNot)) and any(isinstance(r.value, Static) and r.value.value is None for r in (left, right)):
        if any(is_unknown(at, r) for r in (left, right)):
            return at.opaque(ast.Compare(left=left.expr, ops=[op], comparators=[right.expr]), None, python(BOOL))
    if isinstance(op, (ast.In, ast.NotIn)):
        return contained(at, op, left, right)
    if type(op) not in COMPARED:
        return None
    label, reflected = COMPARED[type(op)]
    answer = in_turn(at, (left, right, label), (right, left, reflected))
    if answer is not None:
        return answer
    opposite = asked(at, left, "__eq__", right) if isinstance(op, ast.NotEq) else None
    return at.unary(ast.Not(), opposite, None) if opposite is not None else None


def contained(at: Operations, op: ast.cmpop, left: Ref, right: Ref) -> Ref | None:
    """`k in a` by __contains__, else by what __iter__ gives."""
    kind = own_class(right)
    if kind is None:
        return None
    found = asked(at, right, "__contains__", left)
    if found is None and defined(right, "__iter__"):
        return at.compare(op, left, display(tuple, at.listed(right)), None)
    if found is None:
        if isinstance(right.value, Record):
            at.refuse(f"`in` asks `{kind.__name__}` for __contains__ or __iter__, and it has neither. Define one.")
        return None
    found = truth(at, found)
    return at.unary(ast.Not(), found, None) if isinstance(op, ast.NotIn) else found


def truth(at: Operations, ref: Ref) -> Ref:
    """What a test of an object tests: its __bool__, its __len__, else it is true. Any other value tests as it is."""
    kind = own_class(ref)
    if kind is None:
        return ref
    for label in ("__bool__", "__len__"):
        found = asked(at, ref, label)
        if found is not None:
            return found
    if isinstance(ref.value, Sequence) or hasattr(kind, "__bool__") or hasattr(kind, "__len__"):
        return ref
    return constant_ref(True, at.state.facts)


def is_unknown(at: Operations, ref: Ref) -> bool:
    """Whether only the run can tell what kind of thing a value is."""
    value = ref.value
    return isinstance(value, Object) and not value.path or isinstance(value, Number) and value.form == "unknown" and not at.state.is_active([ref])


def identical(left: Ref, right: Ref) -> bool | None:
    """`a is b`, where it is known."""
    both = [r.value for r in (left, right)]
    statics = [v.value for v in both if isinstance(v, Static)]
    if len(statics) == 2:
        return statics[0] is statics[1]
    if left.value is right.value and isinstance(left.value, (Sequence, Record)):
        return True
    hidden = any(isinstance(v, Object) and not v.path for v in both)  # what a library made: it may be None, or a class
    if len(statics) == 1 and (statics[0] is None or isinstance(statics[0], (type, enum.Enum))) and not hidden:
        return False
    flags = [flag_of(v) for v in both]
    return None if None in flags else flags[0] == flags[1]


def flag_of(value: object) -> bool | None:
    """The boolean that a value is known to be; that becomes a fact."""
    dim = value.dim if isinstance(value, Number) and value.form == "python" and value.dtype == BOOL else None
    return None if dim is None or dim.value is None else bool(dim != 0)


# ---- calls of Python's own functions

def called(at: Operations, function: Any, args: list[Ref]) -> Ref | None:
    """abs(a), float(a), len(a), iter(a) by the method that they call."""
    if not args or own_class(args[0]) is None:
        return None
    label = ASKED.get(function) if isinstance(function, (type, types.BuiltinFunctionType)) else None
    if label is not None:
        return asked(at, args[0], label, *args[1:])
    if function is bool:
        found = truth(at, args[0])
        return None if found is args[0] else at.unary(ast.Not(), at.unary(ast.Not(), found, None), None)
    if function is len:
        return counted(at, args[0])
    return None


def counted(at: Operations, ref: Ref) -> Ref | None:
    """len(a) by __len__; the length of a named tuple is that of its items."""
    found = asked(at, ref, "__len__")
    if found is None and isinstance(ref.value, Record):
        raise TypeError(f"object of type '{ref.value.type.__name__}' has no len()")
    return found


def iterated(at: Operations, ref: Ref) -> Ref:
    """What a loop over an object runs over: what __iter__ returns. Any other value is what it is."""
    if isinstance(ref.value, Static) and isinstance(ref.value.value, enum.EnumMeta):
        return display(tuple, tuple(at.attribute(ref, member.name, None) for member in ref.value.value))
    found = asked(at, ref, "__iter__")
    if found is not None:
        if own_class(found) is not None and defined(found, "__next__"):
            at.refuse("an iterator with a __next__ of its own is not looked through. Let __iter__ return iter(...) of a list, or a range.")
        return begun(at, found)
    if isinstance(ref.value, Lazy):
        return begun(at, ref)
    if isinstance(ref.value, Record) and ref.value.type is not dict:
        at.refuse(f"a loop asks `{ref.value.type.__name__}` for __iter__, and it has none. Define it, or loop over what the object holds.")
    return ref


def itself(row: list[Ref]) -> Ref:
    """What iter(xs) gives of an item of xs."""
    return row[0]


def begun(at: Operations, iterator: Ref) -> Ref:
    """What an iterator runs over that nothing was taken from: a loop over iter(xs) is one over xs."""
    if not isinstance(iterator.value, Lazy) or iterator.value.each is not itself:
        return iterator
    at.consume(iterator)
    return iterator.value.parts[0]


def visible(at: Operations, refs: list[Ref], what: str) -> None:
    """Refuse to give a library function what the generated code has no name for: an object or a function made inside."""
    for ref in refs:
        hidden = next(hidden_in(ref), None)
        if hidden is None:
            continue
        if is_made(hidden):
            kind = own_class(hidden)
            at.refuse(f"an object that the function makes is given to it, a `{kind.__name__ if kind else ''}`. Give it what the object holds.", what=what)
        at.refuse("a function that is defined inside is given to it. Write out what it does, or define the function outside.", what=what)


def hidden_in(ref: Ref) -> Iterator[Ref]:
    """What of a value the generated code has no name for."""
    if is_made(ref) or isinstance(ref.value, Closure):
        yield ref
    match ref.value:
        case Sequence(items=items, series=None) | Lazy(parts=items):
            parts = items
        case Record(items=mapping):
            parts = tuple(mapping.values())
        case Bound(function=function, args=args, keywords=keywords):
            parts = (function, *args, *keywords.values())
        case _:
            parts = ()
    for part in parts:
        yield from hidden_in(part)


def as_array(at: Operations, ref: Ref, what: str) -> Ref:
    """What NumPy makes of an object: what its __array__ returns."""
    kind = own_class(ref)
    if kind is None or isinstance(ref.value, Object):
        return ref
    if any(class_entry(kind, label) for label in ("__array_ufunc__", "__array_function__")) and isinstance(ref.value, Record):
        at.refuse(f"`{kind.__name__}` says by itself what NumPy's functions do with it, and that is not looked through. Call its method.", what=what)
    found = asked(at, ref, "__array__")
    return ref if found is None else found


# ---- types

def class_of(at: Operations, ref: Ref) -> Ref | None:
    """type(x), where it is known."""
    known = type_known(at, ref)
    if known is None:
        return None
    if isinstance(ref.value, Number) and ref.number.dim is None and known is not np.ndarray:
        at.state.integral |= set() if known is float else ref.number.origin
    label = at.state.guards.held(known)
    at.state.helpers[label] = known
    return Ref(expression(label), Static(known, label))


def type_known(at: Operations, ref: Ref) -> type | None:
    match ref.value:
        case Number(form="python" | "array" | "scalar", dtype=dtype) if dtype is not None:
            made = type_of(ref.number)
            return int if ref.number.form == "python" and ref.key in ref.number.origin else made
        case Sequence(type=kind) | Record(type=kind):
            return kind
        case Static(value=value):
            return type(value)
        case Object(value=value, path=path) if path:
            return type(value)
        case Closure():
            return types.FunctionType
        case Bound() | Method():
            return None
    return None


def type_of(number: Number) -> type:
    """The Python type of a number whose form and dtype are known."""
    assert number.dtype is not None
    if number.form == "array":
        return np.ndarray
    return number.dtype.type if number.form == "scalar" else type(number.dtype.type(0).item())


def has(at: Operations, ref: Ref, attribute: str) -> bool | None:
    """hasattr(a, name) of an object whose attributes are known."""
    kind = own_class(ref)
    if kind is None or isinstance(ref.value, Object):
        return None
    if isinstance(ref.value, Record) and attribute in ref.value.items:
        return True
    if class_entry(kind, "__getattr__") is not None:
        at.refuse("hasattr runs the __getattr__ of the class, and whether it raises is not known. Ask for what the object holds.")
    entry = class_entry(kind, attribute)
    if entry is not None and (isinstance(entry[1], property) or attribute == "__dict__"):
        at.refuse(f"whether `{attribute}` raises is not known. Ask for what the object holds.")
    return entry is not None and not isinstance(entry[1], types.MemberDescriptorType)


def has_of_its_own(kind: type, attribute: str) -> bool:
    """Whether a named tuple has something besides what every one has: a method, a property."""
    entry = class_entry(kind, attribute) if hasattr(kind, "_fields") else None
    return entry is not None and attribute not in EVERY_NAMED_TUPLE and (entry[0].__module__ or "").split(".")[0] not in LIBRARIES


def decides(found: object) -> bool:
    """Whether something of a class goes before the attribute of an object: a property and its like, but not the place of a slot."""
    return hasattr(type(found), "__set__") and not isinstance(found, types.MemberDescriptorType)


def is_generated(function: Any) -> bool:
    """Whether dataclasses have defined a function by themselves."""
    return isinstance(function, types.FunctionType) and function.__code__.co_filename == GENERATED


def is_plain_class(kind: type) -> bool:
    """A class written in Python, of nothing but other such classes."""
    own = [c for c in kind.__mro__ if c is not object]
    return type(kind).__module__ in ("builtins", "abc", "typing") and all((c.__module__ or "").split(".")[0] not in LIBRARIES for c in own) and kind.__new__ is object.__new__


def is_fields_class(kind: type) -> bool:
    """A dataclass whose __init__ is the one that its fields say."""
    return dataclasses.is_dataclass(kind) and is_generated(kind.__init__)
