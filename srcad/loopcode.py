"""The statements of a loop: its variables handed on at the end of a pass and before a break, its passes counted.

    while c: h_2 = f(h_1)    ->    while True: count += 1; if c: h_2 = f(h_1); h_1 = h_2; else: break
"""
from __future__ import annotations

import ast
import dataclasses
from collections.abc import Iterator, Sequence

from srcad.control import jumps, replaced
from srcad.inference import Branch, ListStep, Loop, Operation, Phi, Region, Scope, Step, Write, flatten
from srcad.ir import UNPLACED, Assign, Block, Break, If, Statement, with_blocks
from srcad.kinds import Ref
from srcad.simplify import parallel
from srcad.syntax import Namer, binary, const, name


def with_breaks(block: Block, leaving: dict[int, list[tuple[str, Ref]]], namer: Namer) -> Block:
    """Before each break the loop's variables get what they are there."""
    return replaced(block, Break, lambda s: (*parallel([(target, ref.expr) for target, ref in leaving.get(id(s), [])], namer), s))


def count_passes(body: Block, count: str, completed: bool) -> Block:
    """Count the passes: those begun, or those that are not broken off at their first branch."""
    one: Statement = Assign(count, binary(name(count), ast.Add(), const(1)), UNPLACED)
    if not completed:
        return (one, *body)
    out: list[Statement] = []
    for statement in body:
        if isinstance(statement, If) and breaks_off((*statement.body, *statement.orelse)):
            first_stops = breaks_off(statement.body)
            body_ = statement.body if first_stops else (one, *statement.body)
            orelse = (one, *statement.orelse) if first_stops else statement.orelse
            statement = dataclasses.replace(statement, body=body_, orelse=orelse)
        out.append(statement)
    return tuple(out)


def breaks_off(block: Block) -> bool:
    return any(jumps(s, (Break,)) for s in block)


def at_ends(block: Block, added: Sequence[Statement]) -> Block:
    """A block with statements at the end of every path, before a break and before what is handed on."""
    core, rest = handing_on(block)
    if core and breaks_off(core[-1:]):
        return (*core[:-1], with_blocks(core[-1], lambda b: at_ends(b, added)), *rest)
    return (*core, *added, *rest)


def handing_on(block: Block) -> tuple[Block, Block]:
    """A block in two: what it does, and the copies that hand its values on, with the break after them."""
    cut = len(block) - ends_in_break(block)
    while cut and isinstance(block[cut - 1], Assign) and block[cut - 1].loc is UNPLACED:
        cut -= 1
    return block[:cut], block[cut:]


def ends_in_break(block: Block) -> bool:
    return bool(block) and isinstance(block[-1], Break)


def trivial_exit(region: Region, phis: list[Phi], active: set[str]) -> tuple[Region, dict[str, Ref | None], tuple[int, bool]] | None:
    """A loop whose only break comes before anything is differentiated in a pass, and changes nothing: the passes
    that count are those which go on. Gives what such a pass does, what it leaves behind, and where it stands: the
    tag of its branch, and whether it is the first arm.
    """
    if len(region.steps) != 1 or not isinstance(region.steps[0], Branch):
        return None
    branch = region.steps[0]
    stops, goes = (branch.body, branch.orelse) if branch.body.stops else (branch.orelse, branch.body)
    if not stops.stops or stops.steps or goes.stops or breaks_off(goes.statements):
        return None
    first = branch.body.stops
    ends: dict[str, Ref | None] = {}
    for phi in phis:
        if phi.output.key not in active:
            continue
        inner = next((p for p in branch.phis if phi.second is not None and p.output.key == phi.second.key), None)
        if inner is None:
            if phi.second is None or phi.second.key != phi.output.key:
                return None
            continue
        stopped, gone = (inner.first, inner.second) if first else (inner.second, inner.first)
        if stopped is None or stopped.key != phi.output.key:
            return None
        ends[phi.output.key] = gone
    assert isinstance(branch.statement, If)
    return goes, ends, (branch.statement.tag, not first)


def used_deep(step: Step) -> Iterator[str]:
    """The keys that a step reads, in its blocks too."""
    match step:
        case Operation(operands=operands):
            yield from (r.key for r in flatten(operands))
        case Write(base=base, value=value):
            yield from (base.key, value.key)
        case Branch(body=body, orelse=orelse, phis=phis):
            yield from (r.key for p in phis for r in (p.first, p.second) if r is not None)
            for inner in (*body.steps, *orelse.steps):
                yield from used_deep(inner)
        case Loop(body=body, phis=phis):
            yield from (r.key for p in phis for r in (p.first, p.second) if r is not None)
            for inner in body.steps:
                yield from used_deep(inner)
        case Scope(body=body):
            for inner in body.steps:
                yield from used_deep(inner)
        case ListStep(values=values, series=series):
            yield from (series.name, *(v.key for v in values))
