"""A gradient line by line, for the terminal: value, local derivative, gradient; which inputs do not matter; finite differences.

    line  statement   value  local derivative         gradient
       4  q = x + y       3  dq/dx = 1, dq/dy = 1           -4
       5  f = q * z     -12  df/dq = -4, df/dz = 3           1
"""
from __future__ import annotations

import ast
from collections.abc import Iterator, Mapping
from typing import Any

import numpy as np

from srcad import testing
from srcad.errors import GradientMismatchError
from srcad.graph import PASSES
from srcad.graph.labels import lines, number
from srcad.graph.model import Operation, Run, Value
from srcad.graph.record import local, record
from srcad.rules import find

WIDEST = 44  # characters of a column


class Explanation(str):
    """The text; a prompt shows it as it is."""

    __slots__ = ()

    def __repr__(self) -> str:
        return str(self)


def explained(gradient: Any, args: tuple[Any, ...], keywords: Mapping[str, Any]) -> Explanation:
    """The table for these arguments."""
    run = record(gradient, args, keywords)
    given = ", ".join(f"{v.name} = {short(v.data)}" for v in run.inputs)
    parts = [f"{run.title}: {given}", table(run), idle_inputs(run), differences(gradient, args, keywords)]
    return Explanation("\n\n".join(p for p in parts if p))


# ---- line by line

def table(run: Run) -> str:
    rows = [["line", "statement", "value", "local derivative", "gradient"]]
    rows += [["", v.name, short(v.data), "", adjoint(v)] for v in run.inputs]
    for op in run.operations:
        skipped = op.group.path
        loop = next((g.parent for g in skipped if g.kind == "pass" and g.parent is not None and PASSES < g.parent.count != g.count), None)
        if loop is not None:
            row = ["", f"... {loop.count - 1} passes of {loop.label}", "", "", ""]
            rows += [row] if row not in rows else []
        else:
            rows += operation_rows(op)
    widths = [max(len(r[i]) for r in rows) for i in range(5)]
    right = (0, 2, 4)
    return "\n".join("  ".join(c.rjust(w) if i in right else c.ljust(w) for i, (c, w) in enumerate(zip(r, widths))).rstrip() for r in rows)


def operation_rows(op: Operation) -> Iterator[list[str]]:
    """A row for an operation; more where there are several results or local derivatives that are long."""
    derivatives = list(local_derivatives(op))
    joined = ", ".join(derivatives)
    if len(joined) <= WIDEST:
        derivatives = [joined]
    statement = op.text.strip()
    statement = statement if len(statement) <= WIDEST else statement[: WIDEST - 3] + "..."
    outputs = [v for _, v in op.outputs]
    for i in range(max(len(outputs), len(derivatives))):
        value, flowing = (short(outputs[i].data), adjoint(outputs[i])) if i < len(outputs) else ("", "")
        yield [str(op.line) if not i else "", statement if not i else "", value, derivatives[i] if i < len(derivatives) else "", flowing]


def local_derivatives(op: Operation) -> Iterator[str]:
    """The derivative of the operation by each operand that is differentiated: dz/dx = 3."""
    outputs = [v for _, v in op.outputs]
    taking = [(i, v) for i, path, v in op.operands() if v.tracked and path == ()]
    if len(outputs) != 1 or not taking:
        return
    result = np.shape(outputs[0].data)
    for i, value in taking:
        shape = np.shape(value.data)
        label = f"d{name_of(outputs[0])}/d{name_of(value)}"
        if result == () or result == shape and is_elementwise(op):
            (found,) = local(op, [i], np.ones(result) if result else 1.0)
            yield f"{label} = {short(found)}"
        else:
            yield f"{label}: of shape {(*result, *shape)}"


def is_elementwise(op: Operation) -> bool:
    """Whether each element of the result depends on the same element of each operand only."""
    if isinstance(op.callee, ast.expr):
        return isinstance(op.callee, ast.UnaryOp) or isinstance(op.callee, ast.BinOp) and not isinstance(op.callee.op, ast.MatMult)
    rule = find(op.callee) if op.callee is not None else None
    return rule is not None and rule.elementwise


def name_of(value: Value) -> str:
    """The user's name, or the one that the staged program gives."""
    if value.name or value.maker is None:
        return value.name or "?"
    target, _, _ = value.maker.text.strip().partition(" = ")
    return target if target.isidentifier() else "result" if target.startswith("return") else "it"


def adjoint(value: Value) -> str:
    return "not used" if value.adjoint is None else short(value.adjoint)


def short(value: Any) -> str:
    return ", ".join(lines(value))


# ---- which inputs do not matter

def idle_inputs(run: Run) -> str:
    """The inputs whose gradient is zero or None, each with the reason."""
    rows = [f"  {v.name}: {why}." for v in run.inputs if (why := idle(run, v))]
    rows += [f"  {name}: {why}." for name, why in run.ignored.items()]
    return "\n".join(["What does not matter to the gradient here:", *rows]) if rows else ""


def idle(run: Run, value: Value) -> str:
    """Why a gradient is zero; empty where it is not."""
    uses = [op for op in run.operations if any(v is value for _, _, v in op.operands())]
    if value is run.result or value.adjoint is not None and np.any(value.adjoint):
        return ""
    if not uses:
        return "nothing reads it"
    if value.adjoint is None:
        return f"the result does not depend on what is computed from it on {on_lines(uses)}"
    flowing = [op for op in uses if any(v.adjoint is not None and np.any(v.adjoint) for _, v in op.outputs)]
    zero = [op for op in flowing if not any(np.any(g) for (i, path), g in op.given.items() if at_operand(op, i, path, value))]
    if zero:
        return f"the local derivative of `{zero[0].text.strip()}` (line {zero[0].line}) by it is 0 here"
    if flowing:
        return f"what comes to it from {on_lines(flowing)} cancels"
    later = next((v for op in uses for _, v in op.outputs if v.adjoint is not None), None)
    reason = idle(run, later) if later is not None else ""
    return f"it only goes into `{name_of(later)}`, and {reason}" if later is not None and reason else "no gradient reaches it"


def at_operand(op: Operation, i: int, path: Any, value: Value) -> bool:
    return any(j == i and p == path and v is value for j, p, v in op.operands())


def on_lines(operations: list[Operation]) -> str:
    numbers = list(dict.fromkeys(op.line for op in operations))
    return f"line {numbers[0]}" if len(numbers) == 1 else f"lines {', '.join(map(str, numbers[:-1]))} and {numbers[-1]}"


# ---- finite differences

def differences(gradient: Any, args: tuple[Any, ...], keywords: Mapping[str, Any]) -> str:
    """Each parameter's gradient beside finite differences: numbers as they are, others along a random direction."""
    if gradient.main.request.has_aux:
        return ""
    rng = np.random.default_rng(0)
    bound = testing.bind_names(gradient, args, dict(keywords))
    out, cache = gradient.forward(*testing.copied(args), **testing.copied(dict(keywords)))
    found = gradient.backward(1.0 if not isinstance(out, np.ndarray) else np.ones(()), cache)
    grads = (found,) if gradient.main.request.bare and len(gradient.names) == 1 else found
    rows = [["", "gradient", "differences"]]
    for name, g in zip(gradient.names, grads):
        if g is None:
            continue
        scalar = np.shape(bound[name]) == () and testing.is_number(bound[name])
        direction = 1.0 if scalar else testing.like(bound[name], lambda shape: rng.standard_normal(shape), g)
        numeric, _ = testing.derivative(lambda t, n=name, d=direction: testing.weighted_at(gradient, {**bound, n: testing.step(bound[n], d, t)}, 1.0), testing.scale(bound[name]))
        rows.append([name if scalar else f"{name}, along a direction", number(testing.inner(g, direction), 6), number(numeric, 6)])
    widths = [max(len(r[i]) for r in rows) for i in range(3)]
    try:
        gradient.check(*args, **keywords)
        verdict = "Finite differences agree:"
    except GradientMismatchError as problem:
        verdict = f"Finite differences disagree: {problem.reason}"
    return "\n".join([verdict, *(f"  {a.ljust(widths[0])}  {b.rjust(widths[1])}  {c.rjust(widths[2])}" for a, b, c in rows)])
