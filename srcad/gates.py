"""Patterns that people write for one operation, and that are differentiated as one.

    c / (1 + exp(-x))                       a logistic function: (1 - s) * s * ds, also where exp(-x) overflows
    s - log(sum(exp(s))),  s = x - max(x)   log-softmax: the maximum's own gradient cancels
    0.5 * x * x                             a multiple of a power: x * dz
    log(a / b)                              dz / a and -dz / b
    norm(x)**2, abs(x)**2                   2 * x * dz, at 0 too

A gate is taken only when its inner values are not used elsewhere.
"""
from __future__ import annotations

import ast
import dataclasses
import math
import operator
from collections.abc import Sequence
from typing import Any

import numpy as np

from srcad.inference import GETITEM, Branch, Inference, Loop, Operation, Region, Scope, Step, Write
from srcad.kinds import Number, Ref, full, is_floating, takes_whole
from srcad.rules import RULES, Rule
from srcad.rules.elementwise import power_by_literal
from srcad.rules.exact import EXACT
from srcad.syntax import literal_number, names
from srcad.uses import tallied

MULTIPLY = (np.multiply, operator.mul)
ADD, SUBTRACT, DIVIDE = (np.add, operator.add), (np.subtract, operator.sub), (np.divide, operator.truediv)
POWER, SIZE = (np.power, operator.pow), (np.abs, np.fabs, abs, math.fabs)
NEGATIVE, EXP, LOG, MAX = (np.negative, operator.neg), (np.exp, math.exp), (np.log, math.log), (np.max, np.amax)


def logistic(dz: Any, z: Any, x: Any) -> tuple[Any, ...]:
    return ((1 - z) * z * dz,)


def falling(dz: Any, z: Any, x: Any) -> tuple[Any, ...]:
    """z = 1 / (1 + exp(x))."""
    return ((z - 1) * z * dz,)


def scaled_logistic(dz: Any, z: Any, c: Any, x: Any, total: Any) -> tuple[Any, ...]:
    """z = c / total, with total = 1 + exp(-x)."""
    return dz / total, (1 - 1 / total) * z * dz, None


def scaled_falling(dz: Any, z: Any, c: Any, x: Any, total: Any) -> tuple[Any, ...]:
    """z = c / total, with total = 1 + exp(x)."""
    return dz / total, (1 / total - 1) * z * dz, None


def powers(dz: Any, z: Any, x: Any, exponent: int = 2) -> tuple[Any, ...]:
    return (power_by_literal(dz, x, exponent),)


def squared_norm(dz: Any, z: Any, x: Any) -> tuple[Any, ...]:
    """z = norm(x)**2."""
    return (2 * x * dz,)


def positive_part(dz: Any, z: Any, x: Any) -> tuple[Any, ...]:
    """z = maximum(x, 0) below a root, whose derivative is infinite where z is 0."""
    return (np.where(x > 0, dz, 0.0),)


def root_of_parts(dz: Any, z: Any, x: Any) -> tuple[Any, ...]:
    """z = sqrt(x), of which only parts are asked for: the others may be 0, where its derivative is infinite."""
    return (np.where(dz == 0, 0.0, 0.5 / z * dz),)


def log_of_ratio(dz: Any, z: Any, a: Any, b: Any) -> tuple[Any, ...]:
    """z = log(a / b)."""
    return dz / a, -dz / b


def scaled_powers(dz: Any, z: Any, c: Any, x: Any, exponent: int = 2) -> tuple[Any, ...]:
    """z = c * x**exponent."""
    return (x * x if exponent == 2 else x**exponent) * dz, power_by_literal(c * dz, x, exponent)


def log_softmax(dz: Any, z: Any, x: Any, e: Any, total: Any, axis: Any = None) -> tuple[Any, ...]:
    """z = x - log(total), with total the sum of e = exp(x)."""
    return dz - e * (np.sum(dz, axis=axis, keepdims=True) / total), None, None


POWERS = Rule(powers, ("x",), False, ("exponent",), True, False)
SCALED_POWERS = Rule(scaled_powers, ("c", "x"), False, ("exponent",), True, False)
ROOT_OF_PARTS = Rule(root_of_parts, ("x",), False, (), True, False)
POSITIVE_PART = Rule(positive_part, ("x",), False, (), True, False)
SQUARED_NORM = Rule(squared_norm, ("x",), False, (), False, False)
LOG_OF_RATIO = Rule(log_of_ratio, ("a", "b"), False, (), True, False)
LOGISTIC, FALLING = (Rule(r, ("x",), False, (), True, False) for r in (logistic, falling))
SCALED_LOGISTIC, SCALED_FALLING = (Rule(r, ("c", "x", "total"), False, (), True, False) for r in (scaled_logistic, scaled_falling))
LOG_SOFTMAX = Rule(log_softmax, ("x", "e", "total"), False, ("axis",), False, False)


class Gates:
    """Finds gates among the operations of a program. What is to be differentiated again takes the exact rules."""

    def __init__(self, state: Inference, again: bool = False) -> None:
        self.state, self.again = state, again
        self.producer: dict[str, Operation] = {}
        self.reads = tallied(state.statements)[0]
        self.reads.count(names(state.result.expr))
        self.changes: dict[int, Operation | None] = {}
        self.keep_alive: list[Step] = list(state.operations)

    def apply(self) -> list[Step]:
        return list(self.block(self.state.operations))

    def block(self, steps: Sequence[Step]) -> tuple[Step, ...]:
        """The steps of one block with their gates; those of inner blocks first."""
        inner = [self.within(step) for step in steps]
        self.keep_alive += inner  # identities stay their own
        self.producer = {o.key: op for op in inner if isinstance(op, Operation) for o in op.outputs}
        operations = [op for op in inner if isinstance(op, Operation)]
        for op in operations:
            self.logistic(op)
            self.shifted(op)
            self.log_softmax(op)
            self.log_of_ratio(op)
            self.squared(op)
            self.below_a_root(op, operations)
            self.root(op, inner)
            if self.again and id(op) not in self.changes and op.function in EXACT and op.rule is RULES.get(op.function):
                self.changes[id(op)] = dataclasses.replace(op, rule=EXACT[op.function])
        for op in reversed(operations):
            self.cubed(op)
        return tuple(new for op in inner if (new := self.changes.get(id(op), op)) is not None)

    def within(self, step: Step) -> Step:
        match step:
            case Branch(body=body, orelse=orelse):
                return dataclasses.replace(step, body=self.region(body), orelse=self.region(orelse))
            case Loop(body=body) | Scope(body=body):
                return dataclasses.replace(step, body=self.region(body))
        return step

    def region(self, region: Region) -> Region:
        return dataclasses.replace(region, steps=self.block(region.steps))

    def made_by(self, value: Any, functions: tuple[Any, ...], reads: int) -> Operation | None:
        """The operation that a value comes from, if it is one of these and its result is read so often."""
        op = self.producer.get(value.key) if isinstance(value, Ref) else None
        return op if op is not None and op.function in functions and self.reads[value.key] == reads else None

    def logistic(self, op: Operation) -> None:
        """`1 / (1 + exp(-x))`, with any number above and any exponent."""
        if op.function not in DIVIDE:
            return
        total = self.made_by(op.operands[1], ADD, 1)
        if total is None or not any(is_one(o) for o in total.operands):
            return
        exp = self.made_by(total.operands[is_one(total.operands[0])], EXP, 1)
        if exp is None:
            return
        minus = self.made_by(exp.operands[0], NEGATIVE, 1)
        inner = exp if minus is None else minus
        if is_one(op.operands[0]):
            rule, operands = (FALLING if minus is None else LOGISTIC), tuple(inner.operands)
        else:
            rule, operands = (SCALED_FALLING if minus is None else SCALED_LOGISTIC), (op.operands[0], *inner.operands, *total.outputs)
        self.changes[id(op)] = dataclasses.replace(op, function=rule.function, rule=rule, operands=operands)
        self.changes.update({id(total): None, id(exp): None, id(inner): None})

    def log_of_ratio(self, op: Operation) -> None:
        """`log(a / b)`: as log(a) - log(b)."""
        ratio = self.made_by(op.operands[0], DIVIDE, 1) if op.function in LOG and id(op) not in self.changes else None
        if ratio is not None and id(ratio) not in self.changes:
            self.changes[id(op)] = dataclasses.replace(op, rule=LOG_OF_RATIO, operands=ratio.operands, values=ratio.values)
            self.changes[id(ratio)] = None

    def squared(self, op: Operation) -> None:
        """`np.linalg.norm(x)**2` and `np.abs(x)**2`, of real numbers."""
        if op.function not in POWER or getattr(getattr(op.operands[1], "expr", None), "value", None) != 2:
            return
        size = self.made_by(op.operands[0], (*SIZE, np.linalg.norm), 1)
        if size is None or id(size) in self.changes or not isinstance(size.operands[0], Ref) or not is_floating(size.operands[0].number.dtype):
            return
        is_norm = size.function is np.linalg.norm
        if is_norm and any(v is not None and v is not False for v in size.params.values()) or len(size.operands) > 1:
            return
        self.changes[id(op)] = dataclasses.replace(op, rule=SQUARED_NORM if is_norm else POWERS, operands=size.operands, params={} if is_norm else {"exponent": 2}, values=size.values)
        self.changes[id(size)] = None

    def below_a_root(self, op: Operation, others: Sequence[Operation]) -> None:
        """`np.sqrt(np.maximum(x, 0))`, and of a multiple: no part of that comes from where x is negative."""
        zeros = [o for o in op.operands if literal_number(getattr(o, "expr", None)) == 0] if op.function is np.maximum and len(op.operands) == 2 else []
        if len(zeros) == 1 and id(op) not in self.changes and is_rooted(op.outputs[0], others):
            whole = next(o for o in op.operands if o is not zeros[0])
            if isinstance(whole, Ref) and full(whole.number, op.outputs[0].number):
                self.changes[id(op)] = dataclasses.replace(op, rule=POSITIVE_PART, operands=(whole,))

    def root(self, op: Operation, steps: Sequence[Step]) -> None:
        """`np.sqrt(x)[i]` and `np.sqrt(x)` that is written to: nothing comes from where nothing goes."""
        whole = op.operands[0] if is_root(op) else None
        if not isinstance(whole, Ref) or not op.outputs[0].number.ndim or id(op) in self.changes or not is_floating(whole.number.dtype):
            return
        if any(takes_a_part(step, op.outputs[0].key) for step in steps):
            self.changes[id(op)] = dataclasses.replace(op, rule=ROOT_OF_PARTS, operands=(whole,), params={})

    def cubed(self, op: Operation) -> None:
        """`x * x * x` is a power, and `c * x * x` a multiple of one."""
        if op.function not in MULTIPLY or id(op) in self.changes:
            return
        for rest, base in (op.operands, op.operands[::-1]):
            if not isinstance(base, Ref) or base.number.form != "python" and base.number.dtype != op.outputs[0].number.dtype:
                continue  # its powers would be formed in its own dtype
            chain, scale = self.chained(op, rest, base)
            params = {"exponent": len(chain) + 1 + (scale is base)}
            if chain and scale is base:
                self.changes[id(op)] = dataclasses.replace(op, rule=POWERS, operands=(base,), params=params)
            elif chain and all((inner.loc.line, inner.loc.index) == (op.loc.line, op.loc.index) for inner in chain):
                self.changes[id(op)] = dataclasses.replace(op, rule=SCALED_POWERS, operands=(scale, base), params=params, values={**chain[-1].values, **op.values})
            else:
                continue
            self.changes.update({id(inner): None for inner in chain})
            return

    def chained(self, op: Operation, rest: Any, base: Any) -> tuple[list[Operation], Any]:
        """The products by `base`, as it is in the last one, that make up a factor, and what they start from: `base` itself, where it is nothing else."""
        chain: list[Operation] = []
        while (inner := self.made_by(rest, MULTIPLY, 1)) is not None and self.kept_as(inner, base) == self.kept_as(op, base):
            matches = [o for o in inner.operands if o.key == base.key != ""]
            if not matches:
                break
            chain.append(inner)
            rest = base if len(matches) == 2 else next(o for o in inner.operands if o.key != base.key)
        return chain, rest

    @staticmethod
    def kept_as(op: Operation, operand: Any) -> str:
        """The name under which an operation's backward step reads an operand: of arrays that are changed in place a copy."""
        kept = op.values.get(operand.key)
        return ast.unparse(kept.expr) if kept is not None else ""

    def shifted(self, op: Operation) -> None:
        """Softmax, its logarithm and log-sum-exp do not depend on what is subtracted first."""
        if op.function in SUBTRACT:
            shift = self.exponent(self.log_sum(op.operands[1]), op.operands[0], 2)
        elif op.function in DIVIDE:
            exp = self.made_by(op.operands[0], EXP, 2)
            total = self.made_by(self.without_unit(op.operands[1]), (np.sum,), 1)
            same = exp is not None and total is not None and total.operands[0].key == exp.outputs[0].key
            shift = self.shift_of(exp.operands[0], 1, total) if same else None  # type: ignore[union-attr]
        elif op.function in ADD:
            self.log_sum_exp(op)
            return
        else:
            return
        if shift is not None and self.reads[shift.operands[1].key] == 1 and (is_single(shift.operands[1]) or lies_as(op.operands[1], shift.operands[1])):
            self.hold(shift, 1)

    def log_softmax(self, op: Operation) -> None:
        """`x - log(sum(exp(x), axis=1, keepdims=True))`."""
        total = self.log_sum(op.operands[1]) if op.function in SUBTRACT else None
        exp = self.made_by(total.operands[0], EXP, 1) if total is not None else None
        if exp is None or total is None or exp.operands[0].key != getattr(op.operands[0], "key", "") or total.params.get("keepdims") is not True:
            return
        log = self.producer[op.operands[1].key]
        if any(step.values for step in (op, log, total, exp)):  # of arrays that are changed in place
            return
        current = self.changes.get(id(op), op) or op
        held = tuple(dataclasses.replace(step.outputs[0], key="") for step in (exp, total))
        self.changes[id(op)] = dataclasses.replace(current, function=log_softmax, rule=LOG_SOFTMAX, operands=(op.operands[0], *held), params={"axis": total.params.get("axis")})
        self.changes.update({id(log): None, id(total): None, id(exp): None})

    def log_sum(self, value: Any) -> Operation | None:
        log = self.made_by(value, LOG, 1)
        return self.made_by(log.operands[0], (np.sum,), 1) if log is not None else None

    def exponent(self, total: Operation | None, shifted: Any, reads: int) -> Operation | None:
        """The subtraction inside `sum(exp(x - m))`, if it is `shifted` that is summed."""
        exp = self.made_by(total.operands[0], EXP, 1) if total is not None else None
        if exp is None or shifted is not None and exp.operands[0].key != getattr(shifted, "key", ""):
            return None
        return self.shift_of(exp.operands[0], reads, total)

    def shift_of(self, shifted: Any, reads: int, total: Operation | None) -> Operation | None:
        """`x - max(x)`, with the maximum over the axes that are summed."""
        shift = self.made_by(shifted, SUBTRACT, reads)
        if shift is None or total is None or not isinstance(shift.operands[1], Ref):
            return None
        top = self.producer.get(self.without_unit(shift.operands[1]).key)
        if top is None or top.function not in MAX or top.operands[0].key != shift.operands[0].key:
            return None
        axis = top.params.get("axis")
        rows = axis == total.params.get("axis") and lies_along(shift.operands[1], shift.operands[0], axis)
        return shift if is_single(shift.operands[1]) or rows else None

    def without_unit(self, value: Any) -> Any:
        """`m` of `m[:, None]`, which has an axis of length 1 more."""
        view = self.made_by(value, (GETITEM,), 1)
        return view.operands[0] if view is not None and takes_whole(view.params["index"]) else value

    def log_sum_exp(self, op: Operation) -> None:
        """`m + log(sum(exp(x - m)))`."""
        for i in (0, 1):
            shift = self.exponent(self.log_sum(op.operands[1 - i]), None, 1)
            outer = op.operands[i]
            if shift is None or not isinstance(outer, Ref):
                continue
            view = self.made_by(outer, (np.squeeze, np.reshape, np.ravel, GETITEM), 1)
            if view is not None and view.function is GETITEM and not drops_units(view):
                continue
            inner = view.operands[0] if view is not None else outer
            if inner.key == self.without_unit(shift.operands[1]).key and self.reads[inner.key] == 2 and (is_single(inner) or lies_as(op.operands[0], op.operands[1])):
                self.hold(shift, 1)
                self.hold(op, i)

    def hold(self, op: Operation, i: int) -> None:
        """Take operand i of an operation as a constant."""
        current = self.changes.get(id(op), op) or op
        constant = dataclasses.replace(current.operands[i], key="")
        operands = (*current.operands[:i], constant, *current.operands[i + 1 :])
        self.changes[id(op)] = dataclasses.replace(current, operands=operands)


def is_single(value: Any) -> bool:
    """Whether this is one number for all."""
    shape = value.number.shape
    return shape is not None and all(d.key == "1" for d in shape)


def lies_as(a: Any, b: Any) -> bool:
    """Whether two arrays are of one shape for certain."""
    return full(a.number, b.number) and a.number.shape is not None


def lies_along(value: Any, array: Any, axis: Any) -> bool:
    """Whether there is one number for each row of an array along an axis, where broadcasting puts it to that row."""
    shape, whole = value.number.shape, array.number.shape
    if shape is None or whole is None or not isinstance(axis, int):
        return False
    if len(shape) == len(whole) - 1 and axis == 0:
        return all(d.key == n.key for d, n in zip(shape, whole[1:]))
    if len(shape) != len(whole):
        return False
    return all(d.key == ("1" if i == axis % len(whole) else n.key) for i, (d, n) in enumerate(zip(shape, whole)))


def drops_units(view: Operation) -> bool:
    """Whether an index takes nothing away but axes of length 1: `m[:, 0]`."""
    shape = view.operands[0].number.shape
    index = view.params["index"]
    if shape is None or len(index) != len(shape):
        return False
    return all(i == slice(None) or d.key == "1" and isinstance(i, Number) and i.dim is not None and i.dim.key in ("0", "-1") for i, d in zip(index, shape))


def is_one(value: Any) -> bool:
    return isinstance(value, Ref) and getattr(value.expr, "value", None) == 1


def is_root(op: Operation) -> bool:
    """Whether an operation is a square root: `np.sqrt(x)`, `x**0.5`."""
    return op.function is np.sqrt or op.function in POWER and literal_number(getattr(op.operands[1], "expr", None)) == 0.5


def is_rooted(value: Ref, operations: Sequence[Operation]) -> bool:
    """Whether a root is taken of a value or of a multiple of it."""
    multiples = {value.key}
    for op in operations:  # in their order: an operand is made before
        if any(isinstance(o, Ref) and o.key in multiples for o in op.operands):
            if is_root(op):
                return True
            if op.function in (*MULTIPLY, *DIVIDE):
                multiples.add(op.outputs[0].key)
    return False


def takes_a_part(step: Step, key: str) -> bool:
    """Whether a step reads or writes a part of what has a key."""
    match step:
        case Operation(function=function, operands=[Ref(key=found), *_], params=params) if function is GETITEM:
            return found == key and not takes_whole(params["index"])
        case Write(base=Ref(key=found)):
            return found == key
    return False
