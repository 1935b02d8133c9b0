"""Calls of scipy.integrate.odeint: the function that it is given is compiled by itself, and its two halves are handed to the rule.

    z = odeint(rate, y0, t, (k,))    ->    dy0, dt, (dk,) = odeint_rule(dz, z, y0, t, [k], forward=rate_forward, backward=rate_backward, wrt=(0,))
"""
from __future__ import annotations

import ast
import types
from typing import TYPE_CHECKING, Any

from srcad.dims import Dim
from srcad.errors import MissingRuleError
from srcad.kinds import FLOAT, UNKNOWN, Number, Ref, Sequence, Static, python
from srcad.mirror import Unpaired
from srcad.rules import find
from srcad.syntax import const, name

if TYPE_CHECKING:
    from srcad.calls import Calls

LABEL = "scipy.integrate.odeint"
KNOWN = ("func", "y0", "t", "args", "rtol", "atol")


def is_odeint(function: Any) -> bool:
    return getattr(function, "__name__", "") == "odeint" and (getattr(function, "__module__", None) or "").startswith("scipy.integrate")


def solved(calls: Calls, function: Any, args: list[Ref], keywords: dict[str, Ref], text: ast.Call, target: str | None) -> Ref:
    """A call of odeint, of which something may be differentiated."""
    given = {**dict(zip(KNOWN[:4], args)), **keywords}
    func, y0, t = (given.get(k) for k in KNOWN[:3])
    if func is None or y0 is None or t is None or len(args) > 4 or set(given) - set(KNOWN):
        refuse(calls, f"it is differentiated with {', '.join(KNOWN)} alone.")
    assert func is not None and y0 is not None and t is not None
    if not isinstance(func.value, Static) or not isinstance(func.value.value, types.FunctionType):
        refuse(calls, "its function must be one that is defined outside of the program. Define it there, and pass what it reads by args=.")
    more = given.get("args")
    items = more.value.items if more is not None and isinstance(more.value, Sequence) else ()
    if more is not None and not isinstance(more.value, Sequence):
        refuse(calls, "args= must be a tuple that is written out.")
    if not calls.state.is_active([y0, t, *items]):
        return calls.unknown(function, args, keywords, text, target)
    y0, t = calls.as_array(y0), calls.as_array(t)
    kind = solution(calls, y0, t)
    pair, wrt = halves(calls, func, kind, items)
    params = {"forward": Ref(name(pair.titles[0]), UNKNOWN), "backward": Ref(name(pair.titles[1]), UNKNOWN), "wrt": wrt}
    params |= {k: calls.parameter(k, given[k]) for k in ("rtol", "atol") if k in given}
    if calls.state.is_active([given[k] for k in ("rtol", "atol") if k in given]):
        refuse(calls, "its tolerances are not differentiated.")
    first = [func.expr, y0.expr, t.expr, *([more.expr] if more is not None else [])]
    rest = [ast.keyword(arg=k, value=given[k].expr) for k in ("rtol", "atol") if k in given]
    return calls.at.operation(function, (y0, t, [*items]), params, ast.Call(func=text.func, args=first, keywords=rest), target, kind, find(function))


def refuse(calls: Calls, reason: str) -> None:
    calls.at.refuse(reason, MissingRuleError, LABEL)


def solution(calls: Calls, y0: Ref, t: Ref) -> Number:
    """A row for each time."""
    if y0.number.shape is None or t.number.shape is None or len(y0.number.shape) > 1 or len(t.number.shape) != 1:
        refuse(calls, "it is differentiated of a vector of starting values, at a vector of times.")
    assert y0.number.shape is not None and t.number.shape is not None
    return Number("array", FLOAT, (t.number.shape[0], *(y0.number.shape or (Dim.of(1, calls.facts),))))


def halves(calls: Calls, func: Ref, kind: Number, items: Any) -> tuple[Any, tuple[int, ...]]:
    """The pair of the function, and the places of the parameters that are differentiated."""
    assert isinstance(func.value, Static) and kind.shape is not None
    if any(calls.state.is_active(i) and not isinstance(i.value, Number) for i in items):
        refuse(calls, "what is differentiated in args= must be numbers and arrays.")
    key = calls.state.namer.temporary("state")
    y = Ref(name(key), Number("array", FLOAT, kind.shape[1:]), key)
    time = Ref(const(0.0), python(FLOAT))
    callee, arguments = calls.bound(func.value.value, func.value.path, [y, time, *items], {})  # type: ignore[arg-type]
    if [*map(id, arguments.values())] != [*map(id, (y, time, *items))]:
        refuse(calls, "its function must have a parameter for the state, one for the time, and one for each of args=.")
    calls.state.active.add(key)
    try:
        pair = calls.pair_for(callee, arguments, {})
    except Unpaired as problem:
        refuse(calls, f"its function is compiled by itself: {problem.reason}")
        raise AssertionError from None
    finally:
        calls.state.active.discard(key)
    result = pair.result.value if pair.result is not None else None
    parts = result.items if isinstance(result, Sequence) else ()
    vector = isinstance(result, Number) and len(result.shape or ()) == 1
    if pair.state is None or not pair.wrt or pair.wrt[0] != next(iter(arguments)) or not (vector or parts and all(isinstance(p.value, Number) and p.number.shape == () for p in parts)):
        refuse(calls, "its function must return an array of one dimension, or a list of numbers, that depends on what it is given.")
    if pair.state.impure - calls.state.pairings.names or any(isinstance(p.value, Static) for p in parts):
        refuse(calls, "its function is called many times: it must not draw random numbers, print, or call what srcad cannot look into.")
    calls.met(pair, {k: v for k, v in arguments.items() if v is not y and v is not time})
    return pair, tuple(i for i, item in enumerate(items) if calls.state.is_active(item))
