"""The state that one walk of a program begins with, and the places that are not in the user's text.

    x: an integer array    ->    x = x.astype(float), at ENTRY
"""
from __future__ import annotations

import builtins
import sys
import types

from srcad.dims import Facts
from srcad.errors import SrcadError
from srcad.inference import Inference
from srcad.ir import Location, Program, walk
from srcad.kinds import Record, Ref
from srcad.kinds import Sequence as Items
from srcad.outside import Guards
from srcad.request import MODULES
from srcad.source import Source
from srcad.stage import identifiers
from srcad.syntax import MODULE_NAMES, Namer
from srcad.uses import bound


class Walk(Inference):
    """The state of one walk, with the parameters it began with."""

    parameters: dict[str, Ref]
    integers: dict[str, Ref]


ENTRY = Location("", -1, 0, 0, 0, "", "")
LAST = Location("", -2, 0, 0, 0, "", "the result")
VALUE = Location("", -3, 0, 0, 0, "", "")


def refreshed(ref: Ref, state: Walk) -> Ref:
    """A parameter with its converted leaves in place."""
    value = ref.value
    if isinstance(value, Items):
        return Ref(ref.expr, Items(value.type, tuple(refreshed(i, state) for i in value.items)), ref.key)
    if isinstance(value, Record):
        return Ref(ref.expr, Record(value.type, {k: refreshed(i, state) for k, i in value.items.items()}), ref.key)
    return state.guards.refs.get(ref.key, ref)


def begin(title: str, source: Source, program: Program, function: types.FunctionType, parameters: set[str]) -> Walk:
    """The state of a walk of a function whose parameters are still to be described."""
    facts = Facts()
    own = identifiers(source.tree)
    local = set(function.__code__.co_varnames) | set(function.__code__.co_cellvars)
    state = Walk(title, facts, Guards(facts, own), Namer(own))
    state.user_names = set(own)
    state.bound = set(parameters)
    for statement in walk(program.body):
        for target in bound(statement):
            state.namer.reserve(target)
    for identifier in function.__code__.co_names:
        state.namer.reserve(identifier)
    state.scope = frozenset({*local, *function.__code__.co_freevars, *(t for s in walk(program.body) for t in bound(s))})
    state.global_names = {*own, *function.__code__.co_names} - state.scope
    facts.modules = module_names(function, state.namer, own)
    MODULE_NAMES.update(facts.modules.values())
    state.global_names |= {alias for module, alias in facts.modules.items() if alias not in state.scope and function.__globals__.get(alias) is sys.modules[module]}
    state.parameters = {}
    state.integers = {}
    for taken in ("float", "type", "slice", "reversed"):
        if taken in local or function.__globals__.get(taken, getattr(builtins, taken)) is not getattr(builtins, taken):
            raise SrcadError(f"the name `{taken}` means something else here, and the generated code needs Python's. Rename it.", None, title)
    return state


def module_names(function: types.FunctionType, namer: Namer, own: frozenset[str]) -> dict[str, str]:
    """The name that each library has in the generated code: the user's own, where there is one."""
    found = {}
    local = set(function.__code__.co_varnames) | set(function.__code__.co_freevars)
    for module, usual in MODULES.items():
        loaded = sys.modules.get(module)
        if loaded is None:
            continue
        candidates = [n for n in (usual, *function.__code__.co_names) if function.__globals__.get(n) is loaded and n not in local]
        if candidates:
            found[module] = candidates[0]
            namer.reserve(candidates[0])
        else:
            found[module] = namer.adjoint(usual)
    return found
