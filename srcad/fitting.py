"""What a rule gives, in the shape of what it is for: sums over the axes along which an operand was broadcast.

    z = x + b    x: (n, d), b: (d,)    ->    db = dz.sum(axis=0)
"""
from __future__ import annotations

import ast
import math
from collections.abc import Callable
from typing import Any

import numpy as np

from srcad import runtime
import srcad.splice  # noqa: F401  (gives terms their operators)
from srcad.adjoints import collapses, is_unit, like_rank, sum_axes
from srcad.dims import Dim, Facts, Shape, alike, product
from srcad.kinds import INT, Number, Ref
from srcad.render import function_path
from srcad.syntax import call, const
from srcad.terms import Term, as_term


def unbroadcast(term: Term, ref: Ref, shape: Shape | None, helper: Callable[[str, Any], str]) -> Term:
    """Sum a contribution of the result's `shape` over the axes along which the variable was broadcast."""
    actual, target = term.number.shape, ref.number
    if target.shape is not None and not target.shape and actual == () and shape == ():
        return term
    if actual is None or target.shape is None or shape is None:
        if term.number.form != "unknown" and like_rank(term, target):
            return term
        if target.shape == ():  # whatever its shape, a number is given all of it
            return Term(call(function_path(np.sum, term.facts), [term.expr]), Number("scalar", term.number.dtype, ()), term.facts)
        return at_run_time(term, ref, helper, "unknown")
    lead = len(shape) - len(target.shape)
    if any(is_open(d, t) for d, t in zip(shape[max(lead, 0) :], target.shape[max(-lead, 0) :])):
        return at_run_time(term, ref, helper, target.form)
    summed = [i for i, d in enumerate(shape) if i < lead or collapses(d, target.shape[i - lead])]
    offset = len(shape) - len(actual)
    present = [i - offset for i in summed if i >= offset and (i < lead or not is_unit(actual[i - offset]))]
    missing = tuple(shape[i] for i in summed if i < offset or is_unit(actual[i - offset]) and not is_unit(shape[i]))
    result = sum_axes(term, present, [i for i in summed if i >= lead], target, lead - offset)
    if missing:
        result = as_term(product(missing, term.facts), term.facts) * result  # type: ignore[operator]
    return result


def at_run_time(term: Term, ref: Ref, helper: Callable[[str, Any], str], form: str) -> Term:
    label = helper("unbroadcast", runtime.unbroadcast)
    return Term(call(label, [term.expr, ref.expr]), Number(form, term.number.dtype, ref.number.shape), term.facts)


def is_open(whole: Dim, part: Dim) -> bool:
    """Whether only the run can tell if a variable's dimension was stretched to the result's."""
    return whole.key != part.key and not is_unit(part) and not is_unit(whole) and alike(whole, part) is None


WIDENED = frozenset((np.arctan2, math.atan2, np.power, np.float_power, np.hypot, np.einsum, np.interp, np.trapezoid if hasattr(np, "trapezoid") else np.trapz))  # their derivatives multiply operands


def widened(function: Any, value: Any) -> Any:
    """Operands as a rule computes with them: small integers and truth values as floats, where it would multiply or subtract them, and they would wrap round."""
    if function not in WIDENED:
        return value
    if isinstance(value, (list, tuple)):
        return type(value)(widened(function, v) for v in value)
    is_narrow = isinstance(value, Term) and value.number.form in ("array", "scalar") and value.number.is_whole and value.number.dtype != INT
    return value.floating() if is_narrow else value


def pairs(operands: Any, found: Any) -> list[tuple[Ref, Any]]:
    """Each Ref among the operands beside what the rule returned for it."""
    out: list[tuple[Ref, Any]] = []
    if found is None:
        return out
    if not isinstance(found, (tuple, list)) or len(found) != len(operands):
        raise TypeError(f"a rule must return one adjoint for each of its {len(operands)} operands, as a tuple")
    for operand, adjoint in zip(operands, found):
        if isinstance(operand, Ref):
            out.append((operand, adjoint))
        elif isinstance(operand, (list, tuple)):
            out.extend(pairs(operand, adjoint))
    return out


def unknown_like(operands: Any, expr: ast.expr, facts: Facts) -> Any:
    """The parts of a called rule's result, each of a shape that only the run can tell."""
    out = []
    for i, operand in enumerate(operands):
        item = ast.Subscript(value=expr, slice=const(i), ctx=ast.Load())
        if isinstance(operand, (list, tuple)):
            out.append(unknown_like(operand, item, facts))
        elif isinstance(operand, Ref):
            out.append(Term(item, Number("unknown", None, None), facts))
        else:
            out.append(None)
    return tuple(out)
