"""The pipeline, from a function and its arguments to a generated function.

    source -> stage -> infer -> reverse -> simplify -> emit -> load

What is compiled is for arguments of these kinds; the guard says which they are.
"""
from __future__ import annotations

import ast
import contextlib
import dataclasses
import gc
from collections.abc import Iterator, Mapping
from typing import Any

import numpy as np

from srcad.assembly import Assembly
from srcad.calls import Walker
from srcad.errors import AliasError, SrcadError
from srcad.inference import Frame, Knowledge
from srcad.ir import Assign, Program
from srcad.kinds import BOOL, FLOAT, Number, Record, Ref, leaves
from srcad.pairs import Pairings
from srcad.pushforward import PushforwardAssembly
from srcad.render import Untraceable, render
from srcad.request import Compiled, Request
from srcad.rewalk import rewalked
from srcad.source import Source, read
from srcad.stage import identifiers, stage
from srcad.strides import meets_itself
from srcad.syntax import call, method, name
from srcad.walk import ENTRY, Walk, begin, refreshed


@contextlib.contextmanager
def uncollected() -> Iterator[None]:
    """Without the garbage collector: a compilation makes many trees that live until its end, and looking through them again and again takes a fifth of its time."""
    enabled = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        if enabled:
            gc.enable()


@uncollected()
def compile_request(request: Request, arguments: Mapping[str, Any]) -> Compiled:
    """Run the pipeline. Raises SrcadError where the function cannot be differentiated rightly."""
    source = read(request.function)
    program = stage(source)
    wrt: list[tuple[str, Ref]] = []

    def begun() -> Walk:
        return start(request, source, program, arguments)

    def run(state: Walk) -> None:
        wrt[:] = differentiated(state, request, arguments, state.knowledge.integral)
        own_dict(state, program)
        frame = Frame(program, request.function, dict(state.parameters), identifiers(source.tree), code=request.function if request.function.__closure__ else request.function.__code__)
        state.result = Walker(state, frame).run()

    state = rewalked(Knowledge(), begun, run)
    apart(state)
    assembly = PushforwardAssembly if request.mode == "jvp" else Assembly
    try:
        return assembly(state, request, source, wrt).compiled()
    except Untraceable as problem:
        raise SrcadError(f"its backward pass needs {problem}. Give arrays their sizes where they are made.", None, request.title) from None


def apart(state: Walk) -> None:
    """What is changed of what comes from outside shares memory with nothing else that is read, and each of its elements has a place of its own: checked now, and by the guard."""
    written = {c.buffer.root.key: c.loc for c in state.changes if c.buffer.external and c.buffer.root is not None}
    arrays = state.guards.arrays
    for path, loc in written.items():
        if path not in arrays:
            continue
        if meets_itself(arrays[path]):
            raise AliasError(f"it changes `{path}`, some of whose elements lie in one place. Use a copy.", loc)
        state.facts.record(f"({path}.flags.forc or not {state.guards.held(meets_itself)}({path}))")
        for other in arrays:
            if other == path or other in written and other < path:
                continue
            if np.shares_memory(arrays[path], arrays[other]):
                raise AliasError(f"it changes `{path}`, which shares memory with `{other}`. Use copies.", loc)
            state.facts.record(f"not {state.guards.held(np.shares_memory)}({path}, {other})")


def start(request: Request, source: Source, program: Program, arguments: Mapping[str, Any]) -> Walk:
    state = begin(request.title, source, program, request.function, set(arguments))
    state.pairings = Pairings()
    state.pairings.called_from(state.namer)
    for parameter, value in arguments.items():
        try:
            state.parameters[parameter] = state.guards.read(parameter, value)
        except SrcadError as problem:
            raise SrcadError(problem.reason, source.locate(source.tree), program.name) from None
    return state


def differentiated(state: Walk, request: Request, arguments: Mapping[str, Any], integral: set[str]) -> list[tuple[str, Ref]]:
    """Make the leaves of the parameters in `wrt` active; integer arrays become floats first."""
    wrt = []
    for parameter in request.wrt:
        if parameter not in state.parameters:
            raise SrcadError(f"wrt names `{parameter}`, which is not a parameter of it.", None, request.title)
        ref = state.parameters[parameter]
        wrt.append((parameter, ref))
        real = [leaf for leaf in leaves(ref) if isinstance(leaf.value, Number) and leaf.number.dtype != BOOL]
        for leaf in real:
            activate(state, parameter, leaf, integral, request)
        if request.asked and not any(leaf.key in state.active for leaf in leaves(ref)):
            what = "indexes, counts or gives a shape" if integral & {leaf.key for leaf in leaves(ref)} else "is not a number or an array of numbers"
            raise SrcadError(f"`{parameter}` has no derivative: it {what}. Leave it out of wrt.", None, request.title)
    state.parameters = {k: refreshed(v, state) for k, v in state.parameters.items()}
    return wrt


def own_dict(state: Walk, program: Program) -> None:
    """`**options` is a dict of the function's own, which it may change."""
    if program.parameters.kwarg is not None:
        given = state.parameters[program.parameters.kwarg.arg]
        assert isinstance(given.value, Record)
        state.parameters[program.parameters.kwarg.arg] = Ref(given.expr, Record(dict, dict(given.value.items), True), given.key)


def activate(state: Walk, parameter: str, leaf: Ref, integral: set[str], request: Request) -> None:
    number = leaf.number
    if number.dtype is None or number.dtype.kind not in "iufbc":
        raise SrcadError(f"`{leaf.key}`: arrays of dtype {number.dtype} are not differentiated.", None, request.title)
    if number.dtype.kind in "iu":
        if leaf.key in integral:
            return
        state.integers[leaf.key] = leaf
        state.guards.refs[leaf.key] = converted(state, leaf)
    state.active.add(leaf.key)


def converted(state: Walk, leaf: Ref) -> Ref:
    """An integer as a real number: the call passes Python's as floats; arrays begin with `x = x.astype(float)`."""
    number = leaf.number
    origin = frozenset({leaf.key})
    if number.form == "python":
        return Ref(leaf.expr, Number("python", FLOAT, (), origin=origin), leaf.key)
    if number.form == "scalar":
        expr: ast.expr = call(render(FLOAT, state.facts), [leaf.expr])
        made = Number("scalar", FLOAT, (), origin=origin)
    else:
        expr = method(leaf.expr, "astype", name("float"))
        made = dataclasses.replace(number, dtype=FLOAT, origin=origin)  # its memory is the caller's as far as a write is concerned, which is refused
    target = leaf.key if leaf.key.isidentifier() else state.namer.temporary("leaf")
    state.statements.append(Assign(target, expr, ENTRY))
    state.shown[leaf.key] = leaf.key
    state.user_names.add(target)
    return Ref(name(target), made, leaf.key)
