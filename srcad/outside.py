"""What comes from outside: arguments, globals, closure values, attributes; each with the guard of what is assumed of it.

    x: a (64, 100) float64 array    type(x) is ndarray and x.ndim == 2 and x.dtype == float64
    flag = "train"                  type(flag) is str, and flag == "train" once the program asks
    np                              np is <module numpy>

Nothing is frozen: the generated code reads each of these afresh, and the guard
that runs before it has looked at the same places.
"""
from __future__ import annotations

import ast
import dataclasses
import enum
import functools
import inspect
import itertools
import types
from collections.abc import Callable, Collection
from typing import Any

import numpy as np

from srcad.dims import Dim, Facts
from srcad.errors import SrcadError
from srcad.kinds import BOOL, INT, Buffer, Number, Object, Place, Record, Ref, Sequence, Static, Value, python
from srcad.syntax import expression

LIBRARIES = ("numpy", "scipy", "math", "builtins", "operator", "functools", "itertools", "cmath", "random")
UNCHANGED = (*LIBRARIES, "abc", "collections", "dataclasses", "datetime", "decimal", "enum", "fractions", "numbers", "pathlib", "types", "typing")
SUBCLASSES = "Convert it with np.asarray, if its operators mean the same there."


class Guards:
    """Conditions on what comes from outside, and the objects that they compare with.

    taken: the names that the program has, which may be generated code itself.
    """

    def __init__(self, facts: Facts, taken: Collection[str]) -> None:
        self.facts, self.taken = facts, taken
        self.objects: dict[str, object] = {}
        self.refs: dict[str, Ref] = {}
        self.arrays: dict[str, np.ndarray[Any, Any]] = {}  # those that have been read, by their paths
        self.seen: Callable[[Ref], None] = lambda ref: None  # told of what is read for the first time

    def held(self, value: object) -> str:
        """A name for an object in the text of a guard."""
        for label, known in self.objects.items():
            if known is value:
                return label
        label = next(label for i in itertools.count(len(self.objects)) if (label := f"srcad_k{i}") not in self.taken and label not in self.objects)
        self.objects[label] = value
        return label

    def module_of(self, function: types.FunctionType) -> str:
        """A name for the globals of a function, which are read as its attributes."""
        known = (label for label, held in self.objects.items() if isinstance(held, Globals) and held._srcad_space is function.__globals__)
        return next(known, "") or self.held(Globals(function))

    def identical(self, path: str, value: object) -> None:
        self.facts.record(f"{path} is {self.held(value)}")

    def of_type(self, path: str, value: object) -> None:
        self.facts.record(f"type({path}) is {self.held(type(value))}")
        self.as_large(type(value))

    def as_large(self, kind: type) -> None:
        """A class of the user's, and what it is made of, gets nothing that it had not: a method that overrides one, a property, an attribute."""
        for owner in kind.__mro__:
            if owner.__module__.split(".")[0] not in UNCHANGED:
                self.facts.record(f"len({self.held(owner)}.__dict__) == {len(vars(owner))}")

    def read(self, path: str, value: object) -> Ref:
        """What is at `path`, with its guard; asked twice, the same."""
        if path not in self.refs:
            self.refs[path] = Ref(expression(path), self.describe(path, value), path)
            self.seen(self.refs[path])
        return self.refs[path]

    def describe(self, path: str, value: object) -> Value:
        is_record = dataclasses.is_dataclass(value) and not isinstance(value, type)
        if value is None or isinstance(value, (types.ModuleType, type)) or callable(value) and not is_record:
            return self.callable(path, value)
        if isinstance(value, (bool, int, float, complex, np.generic, np.ndarray)):
            return self.number(path, value)
        if isinstance(value, enum.Enum):
            self.identical(path, value)
            return Static(value, path)
        self.of_type(path, value)
        if isinstance(value, (str, bytes, slice, range, np.dtype)) or value is Ellipsis:
            return Static(value, path)
        if isinstance(value, (list, tuple)):
            return self.sequence(path, value)
        if isinstance(value, dict):
            return self.mapping(path, value)
        if dataclasses.is_dataclass(value):
            self.only_fields(path, value)
            fields = {f.name: self.read(f"{path}.{f.name}", getattr(value, f.name)) for f in dataclasses.fields(value)}
            return Record(type(value), fields)
        return Object(value, path)

    def only_fields(self, path: str, value: Any) -> None:
        """Refuse a dataclass that holds something in place of what its class has, besides its fields."""
        held = getattr(value, "__dict__", None)
        if held is None:
            return
        self.facts.record(f"len({path}.__dict__) == {len(held)}")
        for label in held.keys() - {f.name for f in dataclasses.fields(value)}:
            if hasattr(type(value), label) and not isinstance(getattr(type(value), label), functools.cached_property):
                raise SrcadError(f"`{path}.{label}` is no field of the dataclass {type(value).__qualname__}, but was set on the object. Make it a field.")

    def callable(self, path: str, value: object) -> Value:
        """Functions, classes, modules: by identity, and a Python function by its code too."""
        if callable(value) and not isinstance(value, (types.FunctionType, types.BuiltinFunctionType, type, np.ufunc, types.ModuleType)):
            if not isinstance(value, types.MethodType) and inspect.getattr_static(value, "__wrapped__", None) is None and type(value).__module__.split(".")[0] not in LIBRARIES:
                self.of_type(path, value)
                return Object(value, path)
        if isinstance(value, types.MethodType):
            self.facts.record(f"{path}.__func__ is {self.held(value.__func__)}")
            return Static(value, path)
        if isinstance(value, types.BuiltinMethodType) and not isinstance(value.__self__, (types.ModuleType, types.NoneType)):
            self.facts.record(f"{path} == {self.held(value)}")  # a new object whenever it is asked for
            return Static(value, path)
        self.identical(path, value)
        if isinstance(value, type):
            self.as_large(value)
        if isinstance(value, types.FunctionType) and (value.__module__ or "").split(".")[0] not in LIBRARIES:
            self.identical(f"{path}.__code__", value.__code__)
            self.identical(f"{path}.__defaults__", value.__defaults__)
            self.identical(f"{path}.__kwdefaults__", value.__kwdefaults__)
        return Static(value, path)

    def number(self, path: str, value: Any) -> Number:
        if isinstance(value, np.ndarray):
            return self.array(path, value)
        self.of_type(path, value)
        if isinstance(value, np.generic):
            return Number("scalar", value.dtype, ())
        if isinstance(value, bool):
            return python(BOOL, Dim.atom(path, int(value), self.facts))
        if isinstance(value, int):
            return python(INT, Dim.atom(path, value, self.facts))
        return python(np.dtype(type(value)))

    def array(self, path: str, value: np.ndarray[Any, Any]) -> Number:
        if type(value) is not np.ndarray:
            kind = f"{type(value).__module__}.{type(value).__qualname__}"
            raise SrcadError(f"`{path}` is a {kind}, a subclass of ndarray whose operators may mean other things. {SUBCLASSES}")
        self.of_type(path, value)
        self.arrays[path] = value
        self.facts.record(f"{path}.ndim == {value.ndim}")
        dtype = self.held(value.dtype)
        self.facts.record(f"({path}.dtype is {dtype} or {path}.dtype == {dtype})")
        dims = tuple(Dim.atom(f"{path}.shape[{i}]", n, self.facts) for i, n in enumerate(value.shape))
        self.facts.shapes.append((dims, path))
        contiguous = value.flags.c_contiguous
        buffer = Buffer(("argument", path), external=True)
        number = Number("array", value.dtype, dims, fresh=False, place=Place(buffer), layout=frozenset({path}) if contiguous else None, compact=contiguous)
        buffer.root = Ref(expression(path), number, path)
        return number

    def sequence(self, path: str, value: Any) -> Sequence:
        self.facts.record(f"len({path}) == {len(value)}")
        named = getattr(type(value), "_fields", None)
        if type(value) not in (list, tuple) and named is None:
            raise SrcadError(f"`{path}` is a {type(value).__qualname__}, a subclass of {'list' if isinstance(value, list) else 'tuple'}. Pass a plain one.")
        items = tuple(self.read(f"{path}.{named[i]}" if named else f"{path}[{i}]", item) for i, item in enumerate(value))
        return Sequence(type(value), items)

    def mapping(self, path: str, value: dict[Any, Any]) -> Record:
        if type(value) is not dict:
            raise SrcadError(f"`{path}` is a {type(value).__qualname__}, a subclass of dict. Pass a plain dict.")
        if not all(map(is_literal, value)):
            key = next(k for k in value if not is_literal(k))
            raise SrcadError(f"`{path}` has the key {key!r}; keys must be strings or integers.")
        self.facts.record(f"(*{path},) == {tuple(value)!r}")  # in this order: it is that of every loop over them
        return Record(dict, {key: self.read(f"{path}[{key!r}]", item) for key, item in value.items()})


def is_instance(value: object) -> bool:
    """Whether a value is an instance of a class that is no library's: its attributes may be whatever it makes up."""
    return not isinstance(value, (types.FunctionType, types.MethodType, types.ModuleType, type)) and type(value).__module__.split(".")[0] not in (*LIBRARIES, "types")


def is_literal(key: object) -> bool:
    """Whether a key can be written down as it is."""
    return all(map(is_literal, key)) if type(key) is tuple else isinstance(key, (str, int)) and not isinstance(key, enum.Enum)


def compare_text(value: Static, facts: Facts) -> None:
    """Guard a string, range or slice from outside, for which the code is: it must be equal in later calls."""
    if value.path and isinstance(value.value, (str, bytes, slice, range)) and not isinstance(value.value, enum.Enum):
        facts.record(f"{value.path} == {value.value!r}")


def static_value(ref: Ref, facts: Facts) -> Any:
    """The value of a Ref that must be known when the code is generated; what it comes from is then guarded.

    Raises LookupError where it is not known.
    """
    value = ref.value
    match value:
        case Static():
            compare_text(value, facts)
            return value.value
        case Number(dim=Dim() as dim) if dim.value is not None:
            known = dim.known()
            return bool(known) if value.dtype == BOOL else known
        case Number(form="python") if isinstance(ref.expr, (ast.Constant, ast.UnaryOp)):
            return ast.literal_eval(ref.expr)
        case Number(form="python") if ast.unparse(ref.expr) in facts.constants:
            return facts.constants[ast.unparse(ref.expr)]
        case Number(form="unknown") if ref.key in facts.texts:
            return facts.texts[ref.key]()
        case Sequence(type=kind, items=items) if kind is slice:
            return slice(*(static_value(i, facts) for i in items))
        case Sequence():
            return value.type(static_value(i, facts) for i in value.items)
    raise LookupError


def is_distribution(value: object) -> bool:
    """Whether a value is one of SciPy's distributions, whose call gives it parameters."""
    return type(value).__module__.startswith("scipy.stats") and hasattr(value, "freeze") and hasattr(value, "shapes")


class Globals:
    """A helper's globals, read by attribute: what is defined again in its module is seen at the next call."""

    def __init__(self, function: types.FunctionType) -> None:
        self._srcad_space = function.__globals__

    def __getattr__(self, attribute: str) -> object:
        try:
            return self._srcad_space[attribute]
        except KeyError:
            raise AttributeError(attribute) from None
