"""Calls of the program's own functions that have a derivative of their own: the call stays as it is, its rule is inlined like any other.

    @srcad.custom_gradient(backward)
    def f(x): ...               z = f(x)    dx = backward(dz, z, x)
"""
from __future__ import annotations

import ast
import inspect
import types
from collections.abc import Callable, Mapping
from typing import Any

from srcad.binding import constant, guard_rule, without_adjoint
from srcad.dims import Dim, broadcast
from srcad.errors import MissingRuleError, SrcadError, UnsupportedSyntaxError
from srcad.infer import Interpreter
from srcad.inference import Inference
from srcad.kinds import UNKNOWN, Number, Object, Record, Ref, Sequence, leaves
from srcad.mirror import Returned
from srcad.outside import LIBRARIES
from srcad.pairs import Callee, Unpaired
from srcad.rules import Rule, find
from srcad.source import read

Arguments = list[Ref]


class Custom:
    """The calls of one frame to functions with rules of the program's own."""

    at: Interpreter
    state: Inference
    argument: Callable[..., Ref]
    prefix: Callable[..., str]
    pair_for: Callable[..., Any]
    operand: Callable[[Any], Any]
    parameter: Callable[[str, Ref], Any]

    def custom(self, function: types.FunctionType, path: str, args: Arguments, keywords: dict[str, Ref], text: ast.Call, target: str | None) -> Ref:
        """A call of which only the rule is differentiated."""
        rule = find(function)
        assert rule is not None
        primal = getattr(function, "srcad_checked", function)
        signature = inspect.signature(primal, follow_wrapped=False)
        try:
            given = signature.bind(*args, **keywords).arguments
        except TypeError as problem:
            raise UnsupportedSyntaxError(f"{problem}.", self.at.loc, function.__name__) from None
        arguments = {p.name: self.argument(p, given, path) for p in signature.parameters.values()}
        flat = [leaf for ref in arguments.values() for leaf in leaves(ref)]
        if isinstance(text.func, ast.Constant) or any(isinstance(ref.value, (Object, Record)) for ref in arguments.values()):
            self.at.refuse("a function with a derivative of its own is called by its name, with numbers, arrays and lists of them.")
        kind = self.returned(primal, path, arguments, rule)
        if not self.state.is_active(flat):
            result = self.at.operation(function, tuple(flat), {}, text, target, kind)
        else:
            guard_rule(rule, self.at)
            silent = without_adjoint(rule)
            refs = list(arguments.values())[: len(rule.operands)]
            operands = tuple(self.operand(constant(ref) if i in silent else ref) for i, ref in enumerate(refs))
            result = self.at.operation(function, operands, self.steering(function, rule, arguments, given), text, target, kind, rule)
        self.state.impure.add(result.key)  # it may print or count: it runs once, where it stands
        return result

    def steering(self, function: types.FunctionType, rule: Rule, arguments: dict[str, Ref], given: Mapping[str, Any]) -> dict[str, Any]:
        """What the rule gets besides the operands."""
        params = {}
        for label, ref in list(arguments.items())[len(rule.operands) :]:
            if self.state.is_active(ref):
                raise MissingRuleError(f"the rule for it has no derivative with respect to `{label}`.", self.at.loc, function.__name__)
            if label in rule.parameters:
                params[label] = self.parameter(label, ref)
            elif label in given:
                raise MissingRuleError(f"the rule for it does not know `{label}`.", self.at.loc, function.__name__)
        return params

    def returned(self, primal: types.FunctionType, path: str, arguments: dict[str, Ref], rule: Rule) -> Any:
        """The kind of what the function returns, found by walking it alone, with constants for its arguments."""
        result = None
        pairings = self.state.pairings  # type: ignore[attr-defined]
        before, opened = list(pairings.done), list(pairings.open)
        try:
            callee = Callee(primal if primal.__closure__ else primal.__code__, read(primal), primal, self.prefix(primal))
            result = self.pair_for(callee, {k: constant(ref) for k, ref in arguments.items()}, {}).result
        except Unpaired as problem:
            if "changes an array" in problem.reason:
                raise UnsupportedSyntaxError("a function with a derivative of its own must not change what it is given.", problem.location) from None
        except (SrcadError, TypeError, AttributeError, LookupError, ValueError):
            pass  # it calls what cannot be looked into; that is what such a rule is for
        finally:
            pairings.done[:], pairings.open[:] = before, opened
        if result is not None and isinstance(result.value, Sequence) and result.value.type is tuple and all(isinstance(i.value, Number) for i in result.value.items):
            return [self.number(i.number, arguments) for i in result.value.items]
        if result is not None and isinstance(result.value, Number):
            return self.number(result.number, arguments)
        return UNKNOWN if not rule.elementwise else Number("unknown", None, broadcast(*(r.number.shape for r in arguments.values())), fresh=False)

    def number(self, number: Number, arguments: dict[str, Ref]) -> Number:
        """A kind in terms of the caller's sizes. The result may be an argument itself."""
        sizes = Returned(self.at, arguments)
        shape = None
        if number.shape is not None:
            found = [sizes.size(d, "") for d in number.shape]
            shape = tuple(self.at.state.facts.new_dim() if is_blank(d) else d for d in found)
        return Number(number.form, number.dtype, shape, fresh=False)


def is_own(function: Any) -> bool:
    """Whether a function is the program's own."""
    return isinstance(function, types.FunctionType) and (function.__module__ or "").split(".")[0] not in (*LIBRARIES, "srcad")


def is_blank(dim: Dim) -> bool:
    """Whether a size is one that the caller cannot say."""
    return "" in dim.terms or dim.key == ""
