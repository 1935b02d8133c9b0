"""A variance or a standard deviation by the differences to the mean, where the program takes these anyway.

    mu = x.mean(axis=1, keepdims=True)             mu = x.mean(axis=1, keepdims=True)
    var = x.var(axis=1, keepdims=True)      ->     diff = x - mu
    diff = x - mu                                  var = np.mean(diff * diff, axis=1, keepdims=True)

That is what NumPy computes, step by step: the values are the same to the last bit.
"""
from __future__ import annotations

import ast
import dataclasses
from collections.abc import Callable

import numpy as np

from srcad.dims import Facts
from srcad.ir import Assign, Block, Statement
from srcad.render import function_path
from srcad.syntax import binary, call, is_module, name, names
from srcad.uses import changes, tallied


@dataclasses.dataclass(frozen=True)
class Moment:
    """A mean, variance or standard deviation of an array: along which axis, as text."""

    which: str
    array: str
    axis: ast.expr | None
    keepdims: bool

    def centres(self, mean: Moment) -> bool:
        """Whether a mean is the one that this is about, and lies against the array as it must."""
        same = (self.array, ast.dump(self.axis) if self.axis else "", self.keepdims) == (mean.array, ast.dump(mean.axis) if mean.axis else "", mean.keepdims)
        return mean.which == "mean" and same and (self.keepdims or self.axis is None or isinstance(self.axis, ast.Constant) and self.axis.value in (0, None))


class Centring:
    """facts: for the names of modules; is_floating: whether a name is an array of float32 or float64."""

    def __init__(self, facts: Facts, is_floating: Callable[[str], bool]) -> None:
        self.facts, self.is_floating = facts, is_floating

    def apply(self, block: Block) -> Block:
        """The straight part of a forward half with such variances."""
        bound = tallied(block)[1]
        moments = {s.target: m for s in block if isinstance(s, Assign) and bound[s.target] == 1 and (m := moment(s.expr)) is not None and self.is_floating(m.array)}
        out = list(block)
        for statement in block:
            spread = moments.get(statement.target) if isinstance(statement, Assign) else None
            if spread is None or spread.which == "mean" or not isinstance(statement, Assign):
                continue
            centred = next((s for s in block if isinstance(s, Assign) and bound[s.target] == 1 and self.is_difference(s.expr, spread, moments)), None)
            if centred is None or not self.may_change_places(out, statement, centred):
                continue
            made = Assign(statement.target, self.expression(spread, centred.target), statement.loc)
            at = out.index(statement)
            out[at] = made
            if out.index(centred) > at:
                out.remove(centred)
                out.insert(at, centred)
        return tuple(out)

    @staticmethod
    def is_difference(expr: ast.expr, spread: Moment, moments: dict[str, Moment]) -> bool:
        match expr:
            case ast.BinOp(left=ast.Name(id=array), op=ast.Sub(), right=right):
                mean = moments.get(right.id) if isinstance(right, ast.Name) else moment(right)
                return array == spread.array and mean is not None and spread.centres(mean)
        return False

    @staticmethod
    def may_change_places(block: list[Statement], spread: Statement, centred: Assign) -> bool:
        """Whether the differences can be taken before the variance: what they are made of is there, and nothing changes it in between."""
        one, two = sorted((block.index(spread), block.index(centred)))
        used = {*names(centred.expr), centred.target}
        return not any(changes(s) & used for s in block[one:two] if s is not centred) and not any(changes(s) & used - {centred.target} for s in block[two:])

    def expression(self, spread: Moment, centred: str) -> ast.expr:
        keywords: dict[str, ast.expr] = {} if spread.axis is None else {"axis": spread.axis}
        if spread.keepdims:
            keywords["keepdims"] = ast.Constant(value=True)
        var = call(function_path(np.mean, self.facts), [binary(name(centred), ast.Mult(), name(centred))], **keywords)
        return var if spread.which == "var" else call(function_path(np.sqrt, self.facts), [var])


def moment(expr: ast.expr) -> Moment | None:
    """`x.var(axis=1, keepdims=True)`, `np.mean(x, 0)` and the like, without other arguments."""
    match expr:
        case ast.Call(func=ast.Attribute(value=ast.Name(id=array) as owner, attr="mean" | "var" | "std" as which), args=args, keywords=keywords) if not is_module(owner):
            pass
        case ast.Call(func=ast.Attribute(value=library, attr="mean" | "var" | "std" as which), args=[ast.Name(id=array), *args], keywords=keywords) if is_module(library):
            pass
        case _:
            return None
    given = {k.arg: k.value for k in keywords}
    if len(args) > 1 or args and "axis" in given:
        return None
    if args:
        given["axis"] = args[0]
    axis, keepdims = given.pop("axis", None), given.pop("keepdims", ast.Constant(value=False))
    if given or not (isinstance(keepdims, ast.Constant) and isinstance(keepdims.value, bool)) or not (axis is None or isinstance(axis, (ast.Constant, ast.UnaryOp, ast.Tuple))):
        return None
    return Moment(which, array, axis, keepdims.value)
