"""The backward pass of a call that has a backward half of its own.

    y, cache = smooth_forward(x)    ->    dx = smooth_backward(dy, cache)
"""
from __future__ import annotations

import ast
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from srcad.adjoints import adjoint_kind, cast, filled, zeros
from srcad.dims import Facts
from srcad.inference import Inference, Operation
from srcad.ir import Assign, Location, Statement, Unpack
from srcad.kinds import Number, Record, Ref, Sequence, leaves
from srcad.scatter import Scatter
from srcad.syntax import call, const, expression, name
from srcad.terms import Term


@dataclass(eq=False)
class PairCall:
    """A call of such a function, as an operation: what its backward half is handed, and what it was given and gave."""

    pair: Any
    cache: str
    value: Ref
    arguments: Mapping[str, Ref]
    again: ast.expr | None = None  # the cache, computed anew


class PairBack:
    """Reverses calls of functions that are compiled by themselves."""

    state: Inference
    facts: Facts
    names: dict[str, str]
    kinds: dict[str, Number]
    held: dict[str, Term]
    scatters: dict[str, list[Scatter]]
    redirected: dict[str, Any]
    steady: dict[str, Term]

    def emit(self, statement: Statement) -> None:
        raise NotImplementedError

    def here(self) -> Location:
        raise NotImplementedError

    def is_temporary(self, key: str) -> bool:
        raise NotImplementedError

    def adjoint_name(self, key: str) -> str:
        raise NotImplementedError

    def is_shadowed(self, ref: Ref) -> bool:
        raise NotImplementedError

    def pull_pair(self, op: Operation, dz: list[Term | None]) -> list[tuple[Ref, Any]]:
        """What the backward half gives to each operand."""
        made, pair = op.function, op.function.pair
        given = dict(zip((o.key for o in op.outputs), dz))
        backward = call(pair.titles[1], [self.seed(made.value, given), made.again or name(made.cache)])
        if len(pair.wrt) == 1 and isinstance(made.arguments[pair.wrt[0]].value, Number):
            ref = made.arguments[pair.wrt[0]]
            return [(ref, Term(backward, adjoint_kind(ref.number), self.facts))]
        refs = [made.arguments[p] for p in pair.wrt]
        own = [self.is_first(ref, refs) for ref in refs]
        targets = [self.adjoint_name(ref.key) if first else self.state.namer.temporary(self.label(p, ref)) for p, ref, first in zip(pair.wrt, refs, own)]
        for ref, target, first in zip(refs, targets, own):
            self.kinds[target] = adjoint_kind(ref.number) if first else Number("python", None, ())
        self.emit(Assign(targets[0], backward, self.here()) if len(targets) == 1 else Unpack(tuple(targets), None, backward, self.here()))
        parts = [self.parts(ref, target) for ref, target, first in zip(refs, targets, own) if not first]
        return [pair for found in parts for pair in found]

    def is_first(self, ref: Ref, refs: list[Ref]) -> bool:
        """Whether what is returned for an argument is the first that reaches it: then it is its adjoint."""
        if not isinstance(ref.value, Number) or self.is_temporary(ref.key) or self.is_shadowed(ref):
            return False
        others = (self.names, self.held, self.scatters, self.redirected, self.steady)
        return not any(ref.key in known for known in others) and sum(any(leaf.key == ref.key for leaf in leaves(r)) for r in refs) == 1

    def label(self, parameter: str, ref: Ref) -> str:
        """What a contribution is called: after the argument, or after the parameter where that has no name."""
        shown = self.state.shown.get(ref.key, ref.key)
        return f"d{shown}" if shown.isidentifier() else f"d{parameter}"

    def seed(self, value: Ref, given: Mapping[str, Term | None]) -> ast.expr:
        """The adjoint of the function's value, in the form of the value."""
        match value.value:
            case Sequence(items=items):
                return ast.Tuple(elts=[self.seed(i, given) for i in items], ctx=ast.Load())
            case Record(items=mapping):
                return ast.Dict(keys=[const(k) for k in mapping], values=[self.seed(i, given) for i in mapping.values()])
        if value.key not in given:
            return const(None)
        term = given[value.key]
        if term is None:
            term = zeros(value.number, self.facts, Term(value.expr, value.number, self.facts))
        return cast(filled(term, value.number, self.facts), value.number).expr

    def parts(self, ref: Ref, target: str) -> list[tuple[Ref, Term]]:
        """The leaves of an argument with the part of the adjoint that is theirs."""
        match ref.value:
            case Sequence(items=items):
                return [p for i, item in enumerate(items) for p in self.parts(item, f"{target}[{i}]")]
            case Record(type=kind, items=mapping):
                return [p for k, item in mapping.items() for p in self.parts(item, f"{target}[{k!r}]" if kind is dict else f"{target}.{k}")]
        if ref.key not in self.state.active:
            return []
        return [(ref, Term(expression(target), adjoint_kind(ref.number), self.facts))]
