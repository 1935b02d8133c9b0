"""Sigmoids that are written out, as groups of their four operations.

    1 / (1 + np.exp(-x))    ->    -, exp, 1 +, 1 /    in the group "sigmoid"
"""
from __future__ import annotations

import re
from collections import Counter
from collections.abc import Sequence

from srcad.graph.model import Group, Operation, Value

SIGMOID = (r"1(\.0*)? /", r"1(\.0*)? \+|\+ 1(\.0*)?", "exp", "-")


def gates(operations: Sequence[Operation]) -> None:
    """Put the operations of each sigmoid into a group, where nothing else reads or names what is between them.

    A function that does nothing else is a group already.
    """
    uses = Counter(id(v) for op in operations for _, _, v in op.operands())
    sizes = Counter(id(op.group) for op in operations)
    for op in operations:
        found = chain(op, uses)
        if found and not (op.group.kind == "call" and sizes[id(op.group)] == len(found)):
            group = Group("gate", "sigmoid", op.group)
            for part in found:
                part.group = group


def chain(last: Operation, uses: Counter[int]) -> list[Operation]:
    """The operations of the sigmoid that ends here; none where there is no such."""
    found: list[Operation] = []
    op: Operation | None = last
    for pattern in SIGMOID:
        if op is None or op.group is not last.group or not re.fullmatch(pattern, op.label):
            return []
        found.append(op)
        inner = tracked(op)
        if len(inner) != 1 or pattern != SIGMOID[-1] and (inner[0].name or uses[id(inner[0])] != 1):
            return []
        op = inner[0].maker
    return found


def tracked(op: Operation) -> list[Value]:
    return [v for _, _, v in op.operands() if v.tracked]
