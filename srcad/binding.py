"""Sort the arguments of a library call into the operands and parameters of its rule.

    np.sum(x, 0, keepdims=True)  ->  operands x; axis=0, keepdims=True
"""
from __future__ import annotations

import ast
import functools
import inspect
import itertools
import types
from collections.abc import Iterator, Mapping
from typing import Any

import numpy as np

from srcad.errors import SrcadError, UnsupportedSyntaxError
from srcad.infer import Interpreter
from srcad.inference import function_label
from srcad.kinds import Record, Ref, Sequence, Static
from srcad.outside import LIBRARIES, Globals, is_instance
from srcad.rules import Rule
from srcad.source import read

Arguments = list[Ref]


IGNORED = ("order", "subok", "casting", "like", "optimize", "copy")


def is_hashable(function: Any) -> bool:
    try:
        hash(function)
    except TypeError:
        return False
    return True


def is_none(ref: Ref) -> bool:
    return isinstance(ref.value, Static) and ref.value.value is None


def is_random(function: Any) -> bool:
    owner = None if is_instance(function) else getattr(function, "__self__", None)
    return isinstance(owner, (np.random.Generator, np.random.RandomState)) or (getattr(function, "__module__", None) or "").startswith(("numpy.random", "random"))


LOGGED = frozenset(("debug", "info", "warning", "error", "critical", "exception", "log"))


def is_logging(function: Any) -> bool:
    """Whether a call only writes to a log, as `print` does."""
    return getattr(function, "__module__", None) == "logging" and getattr(function, "__name__", "") in LOGGED


UNSIGNED = {np.bincount: inspect.signature(lambda x, weights=None, minlength=0: None)}  # what older versions of NumPy do not say


def reads_text(function: Any) -> bool:
    """Whether a function may make a number of a string."""
    if isinstance(function, type):
        return not issubclass(function, (str, BaseException))
    return (getattr(function, "__module__", None) or "").split(".")[0] in ("numpy", "ast", "json")


@functools.lru_cache(1024)
def library_signature(function: Any) -> inspect.Signature | None:
    if isinstance(function, np.ufunc):
        return None
    try:
        return UNSIGNED[function] if function in UNSIGNED else inspect.signature(function)
    except (ValueError, TypeError):
        return None


@functools.lru_cache(1024)
def labels_by_place(function: Any) -> tuple[str, ...]:
    """The names of the parameters that a library function is given by place, up to `*operands`."""
    signature = library_signature(function)
    parameters = signature.parameters.values() if signature is not None else ()
    return tuple(p.name for p in itertools.takewhile(lambda p: p.kind in (p.POSITIONAL_ONLY, p.POSITIONAL_OR_KEYWORD), parameters))


def bind_library(function: Any, rule: Rule, args: Arguments, keywords: dict[str, Ref], at: Interpreter) -> tuple[dict[str, Any], list[Any]]:
    """Arguments by the rule's own names, and those of a rule with *operands."""
    signature = library_signature(function)
    order = [*rule.operands, *rule.parameters]
    if rule.variadic or signature is None or any(p.kind is p.VAR_POSITIONAL for p in signature.parameters.values()):
        count = len(rule.operands) if rule.variadic else len(order)
        if len(args) > count and not rule.variadic:
            raise UnsupportedSyntaxError("it is called with more arguments than its rule knows.", at.loc, function_label(function))
        return dict(zip(order[:count], args)) | keywords, list(args[count:])
    try:
        bound = signature.bind(*args, **keywords).arguments
    except TypeError as problem:
        raise UnsupportedSyntaxError(f"{problem}.", at.loc, function_label(function)) from None
    positional = [p.name for p in signature.parameters.values() if p.kind in (p.POSITIONAL_ONLY, p.POSITIONAL_OR_KEYWORD)]
    renames = {} if set(rule.operands) <= set(positional) else dict(zip(positional, rule.operands))
    found = {}
    for label, value in bound.items():
        if isinstance(value, dict) and signature.parameters[label].kind is inspect.Parameter.VAR_KEYWORD:
            found |= value
        else:
            found[renames.get(label, label)] = value
    return found, []


@functools.lru_cache(1024)
def without_adjoint(rule: Rule) -> frozenset[int]:
    """The operands for which each return of a rule's text says None: nothing flows to them, and a rule that is called need not be asked."""
    if not rule.user:
        return frozenset()
    try:
        tree = read(rule.function).tree
    except SrcadError:
        return frozenset()
    inner = {id(n) for f in ast.walk(tree) if isinstance(f, (ast.FunctionDef, ast.Lambda)) and f is not tree for n in ast.walk(f)}
    found = [n.value for n in ast.walk(tree) if isinstance(n, ast.Return) and id(n) not in inner]
    if not found or not all(isinstance(v, ast.Tuple) and not any(isinstance(e, ast.Starred) for e in v.elts) for v in found):
        return frozenset()
    sets = [{i for i, e in enumerate(v.elts) if isinstance(e, ast.Constant) and e.value is None} for v in found]  # type: ignore[union-attr]
    return frozenset(set.intersection(*sets))


def constant(ref: Ref) -> Ref:
    """The same value, under no name that is differentiated."""
    match ref.value:
        case Sequence(type=kind, items=items, series=None):
            return Ref(ref.expr, Sequence(kind, tuple(map(constant, items))))
        case Record(type=kind, items=mapping, mutable=mutable):
            return Ref(ref.expr, Record(kind, {k: constant(v) for k, v in mapping.items()}, mutable))
    return Ref(ref.expr, ref.value)


def guard_rule(rule: Rule, at: Interpreter) -> None:
    """A user's rule is run once: what it reads besides its arguments becomes part of the guard. What may change unseen is refused."""
    if not rule.user:
        return
    for path, value in read_outside(rule.function, at, set()):
        if isinstance(value, (types.FunctionType, types.BuiltinFunctionType, types.ModuleType, type, np.ufunc)) or is_fixed(value):
            at.state.guards.identical(path, value)
        elif type(value).__module__.partition(".")[0] not in LIBRARIES or isinstance(value, (list, dict, set, np.ndarray)):
            name = path.rpartition(".")[2]
            raise SrcadError(f"its rule reads `{name}`, which may change unseen. Pass it as a parameter, or use a number.", at.loc, rule.function.__name__)


def is_fixed(value: Any) -> bool:
    if isinstance(value, (tuple, frozenset)):
        return all(map(is_fixed, value))
    return value is None or isinstance(value, (int, float, complex, str, bytes, np.generic, np.dtype))


def read_outside(function: types.FunctionType, at: Interpreter, seen: set[types.FunctionType]) -> Iterator[tuple[str, Any]]:
    """What a function and those that it calls read of globals and of variables around them, by where it is read."""
    if function in seen:
        return
    seen.add(function)
    found = [(f"{at.state.guards.held(globals_of(function))}.{k}", function.__globals__[k]) for k in names_in(function.__code__) if k in function.__globals__]
    label = at.state.guards.held(function)
    found += [(f"{label}.__closure__[{i}].cell_contents", cell.cell_contents) for i, cell in enumerate(function.__closure__ or ())]
    for path, value in found:
        yield path, value
        package = (getattr(value, "__module__", None) or getattr(value, "__name__", "")).partition(".")[0]
        if isinstance(value, types.FunctionType) and package not in (*LIBRARIES, "srcad"):
            yield from read_outside(value, at, seen)
        if isinstance(value, types.ModuleType) and package not in (*LIBRARIES, "srcad"):
            yield from ((f"{path}.{k}", vars(value)[k]) for k in names_in(function.__code__) if k in vars(value))


def names_in(code: types.CodeType) -> list[str]:
    inner = [n for c in code.co_consts if isinstance(c, types.CodeType) for n in names_in(c)]
    return list(dict.fromkeys([*code.co_names, *inner]))


@functools.lru_cache(1024)
def globals_of(function: types.FunctionType) -> Globals:
    return Globals(function)


def signature_of(arguments: ast.arguments, defaults: Mapping[str, Ref]) -> inspect.Signature:
    """The parameters of a function's tree."""
    kinds = inspect.Parameter
    pairs = [(a, kinds.POSITIONAL_ONLY) for a in arguments.posonlyargs] + [(a, kinds.POSITIONAL_OR_KEYWORD) for a in arguments.args]
    pairs += [(arguments.vararg, kinds.VAR_POSITIONAL)] if arguments.vararg else []
    pairs += [(a, kinds.KEYWORD_ONLY) for a in arguments.kwonlyargs]
    pairs += [(arguments.kwarg, kinds.VAR_KEYWORD)] if arguments.kwarg else []
    return inspect.Signature([kinds(a.arg, kind, default=None if a.arg in defaults else kinds.empty) for a, kind in pairs])
