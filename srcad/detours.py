"""Operations whose adjoint takes a way of its own: through the user's statements, or past what would be zeros.

    logp[np.arange(n), y]    flows into log-softmax without being spread over a matrix of zeros
"""
from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from srcad.adjoints import adjoint_kind, cast, filled
from srcad.dims import Facts, alike
from srcad.inference import Operation
from srcad.ir import Assign, Statement
from srcad.kinds import BOOL, Number, Ref
from srcad.scatter import Scatter
from srcad.syntax import name
from srcad.terms import Term, as_term


class Detours:
    """Parts of the chain rule that are not a rule's."""

    facts: Facts
    names: dict[str, str]
    held: dict[str, Term]
    kinds: dict[str, Number]
    scatters: dict[str, list[Scatter]]
    values: Mapping[str, Ref]

    def emit(self, statement: Statement) -> None:
        raise NotImplementedError

    def term(self, ref: Ref) -> Term:
        raise NotImplementedError

    def fitting(self, dz: Term | None, output: Ref, op: Operation) -> Any:
        raise NotImplementedError

    def contribute(self, ref: Ref, contribution: Any) -> None:
        raise NotImplementedError

    def follow(self, ref: Ref, op: Operation) -> None:
        raise NotImplementedError

    def picked_softmax(self, op: Operation) -> bool:
        """The logarithm of softmax of which one element in each row was taken: what flows in need not be spread over zeros.

        dx = e * (-dz / total); dx[rows, columns] += dz
        """
        (output,), (x, e, total) = op.outputs, op.operands
        scatters = self.scatters.get(output.key, []) if output.key not in self.names and output.key not in self.held else []
        if len(scatters) != 1 or not scatters[0].each_row or op.params["axis"] not in (1, -1):
            return False
        (picked,) = self.scatters.pop(output.key)
        share = picked.value if picked.value.ndim == 0 else np.expand_dims(picked.value, 1)  # type: ignore[call-overload]
        self.contribute(x, self.term(e) * (-as_term(share, self.facts) / self.term(total)))  # type: ignore[operator]
        self.contribute(x, picked)
        self.follow(x, op)
        return True

    def pull_through(self, op: Operation, dz: Term | None) -> list[tuple[Ref, Any]]:
        """The user's own statements for an adjoint."""
        ref, surgery = op.operands[0], op.function
        whole = cast(filled(self.fitting(dz, op.outputs[0], op), ref.number, self.facts), ref.number)
        self.emit(Assign(surgery.label, whole.expr, op.loc))
        for statement in surgery.body:
            self.emit(statement)
        self.kinds[surgery.label] = kind = adjoint_kind(ref.number)
        return [(ref, Term(name(surgery.label), kind, self.facts))]


def takes_each_row(index: Sequence[Any], number: Number) -> bool:
    """Whether `x[np.arange(n), columns]` takes one element of each of the n rows of a matrix."""
    if number.ndim != 2 or number.shape is None or len(index) != 2 or not all(isinstance(i, Number) and i.ndim == 1 and i.dtype != BOOL for i in index):
        return False
    return bool(index[0].unique and alike(index[0].shape[0], number.shape[0]))
