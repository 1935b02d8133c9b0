"""The state that one walk of a program begins with, and the places that are not in the user's text.

    x: an integer array    ->    x = x.astype(float), at ENTRY
"""
from __future__ import annotations

import builtins
import sys
import types
from collections import Counter
from collections.abc import Mapping

from srcad.dims import Facts
from srcad.errors import SrcadError
from srcad.inference import Inference
from srcad.ir import Import, Location, Program, targets, walk
from srcad.kinds import Record, Ref
from srcad.kinds import Sequence as Items
from srcad.outside import Guards
from srcad.request import MODULES
from srcad.source import Source
from srcad.stage import identifiers
from srcad.syntax import BLANK, MODULE_NAMES, Namer, reads_blank


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
    state.blank = BLANK in own and reads_blank(source.tree)
    state.bound = set(parameters)
    given = Counter(t for s in walk(program.body) for t in targets(s))
    for target in given:
        state.namer.reserve(target)
    for identifier in function.__code__.co_names:
        state.namer.reserve(identifier)
    state.scope = frozenset({*local, *function.__code__.co_freevars, *given})
    state.global_names = {*own, *function.__code__.co_names} - state.scope
    facts.modules = module_names(function, state.namer, {s.module: s.target for s in walk(program.body) if isinstance(s, Import) and s.target and not s.attribute and given[s.target] == 1})
    MODULE_NAMES.update(facts.modules.values())
    state.global_names |= {alias for module, alias in facts.modules.items() if alias not in state.scope and function.__globals__.get(alias) is sys.modules[module]}
    state.parameters = {}
    state.integers = {}
    for taken in ("float", "type", "slice", "reversed"):
        if taken in local or function.__globals__.get(taken, getattr(builtins, taken)) is not getattr(builtins, taken):
            raise SrcadError(f"the name `{taken}` means something else here, and the generated code needs Python's. Rename it.", None, title)
    return state


def module_names(function: types.FunctionType, namer: Namer, imported: Mapping[str, str]) -> dict[str, str]:
    """The name that each library has in the generated code: the user's own, where there is one; imported: those that the function imports itself."""
    found = {}
    local = set(function.__code__.co_varnames) | set(function.__code__.co_freevars)
    for module, usual in MODULES.items():
        loaded = sys.modules.get(module)
        if loaded is None:
            continue
        candidates = [n for n in (usual, *function.__code__.co_names) if function.__globals__.get(n) is loaded and n not in local]
        own = [imported[module]] if module in imported else candidates
        found[module] = namer.reserve(own[0]) if own else namer.adjoint(usual)
    return found
