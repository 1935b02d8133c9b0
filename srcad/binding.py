"""Sort the arguments of a library call into the operands and parameters of its rule.

    np.sum(x, 0, keepdims=True)  ->  operands x; axis=0, keepdims=True
"""
from __future__ import annotations

import functools
import inspect
from typing import Any

import numpy as np

from srcad.errors import UnsupportedSyntaxError
from srcad.infer import Interpreter
from srcad.inference import function_label
from srcad.kinds import Ref, Static
from srcad.rules import Rule

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
    owner = getattr(function, "__self__", None)
    return isinstance(owner, (np.random.Generator, np.random.RandomState)) or (getattr(function, "__module__", None) or "").startswith(("numpy.random", "random"))


@functools.lru_cache(1024)
def library_signature(function: Any) -> inspect.Signature | None:
    if isinstance(function, np.ufunc):
        return None
    try:
        return inspect.signature(function)
    except (ValueError, TypeError):
        return None


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
