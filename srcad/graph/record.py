"""A run with its adjoints: values forward, gradients backward, and the proof that they are those of the generated code.

    x = -2, y = 5, z = -4:    q = x + y = 3, f = q * z = -12;    df = 1, dq = z = -4, dz = q = 3, dx = dy = dq
"""
from __future__ import annotations

import copy
import dataclasses
import io
from collections.abc import Callable, Mapping
from contextlib import redirect_stdout
from typing import Any

import numpy as np

from srcad.api import Gradient
from srcad.dispatch import bind
from srcad.errors import SrcadError
from srcad.graph.applying import KEPT, boxed, is_real, parameter
from srcad.graph.calls import Calls
from srcad.graph.gates import gates
from srcad.graph.model import Box, Operation, Run, Value, at, rebuilt
from srcad.graph.trace import Scene
from srcad.source import read

PULLS: dict[tuple[Callable[..., Any], tuple[str, ...]], Gradient] = {}


def record(gradient: Gradient, args: tuple[Any, ...], keywords: Mapping[str, Any]) -> Run:
    """Run the function behind a gradient, operation by operation, and its backward pass.

    Raises SrcadError where the gradient is refused, where an operation cannot be taken by itself, and where what comes out is not
    what the generated code gives.
    """
    given = (*gradient.bound, *args)
    compiled = gradient.modes["value_and_grad"].find(given, keywords)
    with np.errstate(all="ignore"):
        value, grads = compiled.run(*copied(given), **copied(dict(keywords)))
    by_name = dict(zip(gradient.names, (grads,) if gradient.main.request.bare and len(gradient.names) == 1 else grads))
    entered = Inputs(bind(gradient.target, copied(given), copied(dict(keywords))), by_name, gradient.names)
    source = read(gradient.target)
    tracer = entered.tracer = Calls(gradient.main.request.title)
    scene = Scene(source, tracer.program_of(source), gradient.target, entered.boxes(), None)
    result = traced(tracer, scene)
    if gradient.main.request.has_aux:
        result, value = result[0], value[0]
    held = result.value if isinstance(result, Box) else Value(result)
    gates(tracer.operations)
    run = Run(tracer.group.label, tracer.group, tracer.operations, entered.leaves, held, by_name, entered.ignored, tracer.bindings)
    if not close(held.data, value):
        raise SrcadError("two runs of it give two values (does it draw random numbers?). It cannot be drawn.", None, run.title)
    for masked in (False, True):
        backward(run, masked)
        wrong = differing(entered)
        if not wrong:
            return run
    raise SrcadError(f"taken operation by operation, the gradient with respect to `{wrong}` is not the one that the generated code gives. "
                     "It cannot be drawn.", None, run.title)


def traced(tracer: Calls, scene: Scene) -> Any:
    """The result of a run; what goes wrong in it has its place."""
    try:
        with redirect_stdout(io.StringIO()), np.errstate(all="ignore"):
            return tracer.run(scene)
    except SrcadError:
        raise
    except Exception as problem:
        raise SrcadError(f"run by itself, the statement raises {type(problem).__name__}: {problem}. It cannot be drawn.", tracer.loc) from problem


class Inputs:
    """The arguments in boxes: those that are differentiated are leaves."""

    def __init__(self, arguments: Mapping[str, Any], grads: Mapping[str, Any], names: tuple[str, ...]) -> None:
        self.arguments, self.grads, self.names = arguments, grads, names
        self.tracer: Calls
        self.leaves: list[Value] = []
        self.expected: list[Any] = []
        self.ignored: dict[str, str] = {}

    def boxes(self) -> dict[str, Any]:
        out = {}
        for name, value in self.arguments.items():
            out[name] = self.entered(value, self.grads.get(name), name)
            if name in self.names and self.grads.get(name) is None:
                self.ignored[name] = "it is an integer that indexes, counts or gives a shape" if is_integer(value) else "it is not a real number"
            elif name not in self.names:
                self.ignored[name] = "the gradient is not asked for"
        return out

    def entered(self, value: Any, grad: Any, name: str) -> Any:
        """An argument with its numbers and arrays in boxes."""
        if isinstance(value, (list, tuple)):
            parts = iter(range(len(value)))
            fields = getattr(value, "_fields", None)
            return rebuilt(value, lambda v: self.item(v, grad, name, next(parts), fields))
        if isinstance(value, dict):
            return {k: self.entered(v, grad[k] if grad is not None else None, f"{name}[{k!r}]") for k, v in value.items()}
        if dataclasses.is_dataclass(value) and not isinstance(value, type):
            twin = copy.copy(value)
            for field in dataclasses.fields(value):
                inner = getattr(grad, field.name) if grad is not None else None
                object.__setattr__(twin, field.name, self.entered(getattr(value, field.name), inner, f"{name}.{field.name}"))
            return twin
        if grad is not None and is_number(value):
            return self.leaf(value, grad, name)
        return Box(Value(value, None, name, group=self.tracer.group), self.tracer) if isinstance(value, (np.ndarray, float, np.floating)) else value

    def item(self, value: Any, grad: Any, name: str, i: int, fields: Any) -> Any:
        return self.entered(value, grad[i] if grad is not None else None, f"{name}.{fields[i]}" if fields else f"{name}[{i}]")

    def leaf(self, value: Any, grad: Any, name: str) -> Box:
        if isinstance(value, np.ndarray):
            value = value if value.dtype.kind == "f" else value.astype(float)
        elif not isinstance(value, (float, np.floating)):
            value = np.float64(value) if isinstance(value, np.generic) else float(value)
        made = Value(value, None, name, True, self.tracer.group)
        self.leaves.append(made)
        self.expected.append(grad)
        return Box(made, self.tracer)


def backward(run: Run, masked: bool) -> None:
    """The adjoint of every Value that the result depends on, and what each operation gave to its operands.

    masked: what is not a number where nothing flows is nothing, as in the branch that np.where did not take.
    """
    for value in (*run.inputs, *(v for op in run.operations for _, v in op.outputs)):
        value.adjoint = None
    if run.result.tracked:
        run.result.adjoint = 1.0 if type(run.result.data) is float else np.ones(())[()]
    for op in reversed(run.operations):
        if any(v.adjoint is not None for _, v in op.outputs):
            pull(op, masked)


def pull(op: Operation, masked: bool) -> None:
    """One step of the chain rule: what an operation gives to what it was made of."""
    taking = sorted({i for i, _, v in op.operands() if v.tracked})
    seed = adjoint_of_result(op)
    found = local(op, taking, seed)
    for i, path, value in op.operands():
        if i in taking and value.tracked:
            part = at(found[taking.index(i)], path)
            if masked and part is not None and np.shape(part) == np.shape(seed):
                part = np.where((np.asarray(seed) == 0) & np.isnan(part), 0.0, part)[()]
            if part is not None:
                op.given[i, path] = part
                value.adjoint = part if value.adjoint is None else value.adjoint + part


def adjoint_of_result(op: Operation) -> Any:
    """The adjoints of the outputs, in the structure of the result: zeros where nothing flows."""
    adjoints = dict(op.outputs)

    def of(path: Any, leaf: Any) -> Any:
        value = adjoints.get(path)
        if value is not None and value.adjoint is not None:
            return value.adjoint
        return np.zeros(np.shape(leaf)) if is_real(leaf) or is_number(leaf) else None

    return boxed(op.result, of)


def local(op: Operation, taking: list[int], seed: Any) -> tuple[Any, ...]:
    """What flows back through one operation to some of its arguments, when `seed` flows into its result."""
    wrt = tuple(parameter(i) for i in taking)
    key = (op.function, wrt)
    if key not in PULLS:
        if len(PULLS) >= KEPT:
            PULLS.clear()
        PULLS[key] = Gradient(op.function, wrt, mode="pair")
    try:
        with np.errstate(all="ignore"):
            _, cache = PULLS[key].forward(*copied(op.arguments))
            found: tuple[Any, ...] = PULLS[key].backward(seed, cache)
            return found
    except SrcadError as problem:
        raise SrcadError(f"the picture needs the derivative of `{op.text.strip()}` by itself: {problem.reason}", op.loc) from problem


def differing(entered: Inputs) -> str:
    """The first input whose gradient is not that of the generated code; empty where there is none."""
    for leaf, expected in zip(entered.leaves, entered.expected):
        found = np.zeros(np.shape(leaf.data)) if leaf.adjoint is None else leaf.adjoint
        if not close(found, expected):
            return leaf.name
    return ""


def close(a: Any, b: Any) -> bool:
    single = any(np.asarray(v).dtype in (np.float32, np.float16) for v in (a, b))
    size = float(np.max(np.abs(b), initial=0.0, where=np.isfinite(b)))
    return np.shape(a) == np.shape(b) and bool(np.allclose(a, b, rtol=1e-3 if single else 1e-7, atol=(1e-4 if single else 1e-9) * (size + 1e-6), equal_nan=True))


def copied(value: Any) -> Any:
    """A copy all the way down, where there can be one: a run must not change what it is given."""
    try:
        return copy.deepcopy(value)
    except Exception:
        return value


def is_number(value: Any) -> bool:
    return isinstance(value, (int, float, np.number, np.ndarray)) and not isinstance(value, bool) and np.asarray(value).dtype.kind in "fiu"


def is_integer(value: Any) -> bool:
    return is_number(value) and np.asarray(value).dtype.kind in "iu"
