"""The tangent of one operation.

    z = x * y                  z_dot = y * x_dot + x * y_dot        the rule of the reverse mode, of tangents
    z = np.sum(x, axis=0)      z_dot = np.sum(x_dot, axis=0)        the operation as it is written, of tangents
    z = np.prod(x)             z_dot = np.sum(g * x_dot)            with the gradient of each number
"""
from __future__ import annotations

import ast
import copy
import dataclasses
import operator
from collections.abc import Callable, Iterator, Sequence
from typing import Any

import numpy as np

from srcad.adjoints import adjoint_kind, full
from srcad.dims import Undecided
from srcad.fitting import widened
from srcad.gates import LOG_SOFTMAX
from srcad.inference import Operation, flatten
from srcad.kinds import FLOAT, Number, Ref, leaves
from srcad.render import Untraceable
from srcad.reverse import Reverse
from srcad.rules.tangents import AFFINE, LINEAR, MULTILINEAR, REDUCTIONS, SECOND, TANGENTS
from srcad.syntax import const, is_module, same, text, without_sign
from srcad.terms import Term, literal


class NoTangent(Exception):
    """An operation that no forward rule is known for: the derivative is then the transpose of the pullback."""


class Tangents(Reverse):
    """Writes the tangents of operations."""

    def dot(self, ref: Ref) -> Term | None:
        raise NotImplementedError

    def blank_of(self, ref: Ref) -> Term:
        raise NotImplementedError

    def tangent(self, op: Operation) -> Term | None:
        if any(is_complex(r) for r in (*op.outputs, *flatten(op.operands))):
            raise NoTangent("complex numbers")
        self.covered(op)
        if op.rule is None or op.function in LINEAR and not adds_something(op):
            return self.linear(op)
        if op.function in MULTILINEAR and is_square(op):
            return 2 * self.linear(op, 1)  # type: ignore[operator,no-any-return]
        if op.function in MULTILINEAR:
            return total([self.linear(op, i) for i, dot in enumerate(self.dots_of(op.operands)) if dot is not None])
        own = TANGENTS.get(op.function) if not adds_something(op) else None
        if own is not None:
            return own(self.dots_of(op.operands), self.term(op.outputs[0]), *widened(op.function, self.terms(op.operands)), **self.parameters(op))  # type: ignore[no-any-return]
        if op.rule is LOG_SOFTMAX:
            x, e, sums = self.terms(op.operands)
            moved = self.dots_of(op.operands)[0]
            return moved - np.sum(e * moved, axis=op.params["axis"], keepdims=True) / sums if moved is not None else None
        return self.by_rule(op)

    def covered(self, op: Operation) -> None:
        """Raise NoTangent for a form that the rule of the reverse mode does not cover: it knows best what the function does there."""
        if op.rule is None or op.multiple:
            return
        out = op.outputs[0]
        try:
            self.pushed(op, Term(out.expr, adjoint_kind(out.number), self.facts))
        except NotImplementedError as problem:
            raise NoTangent(str(problem)) from None
        except (Untraceable, TypeError, Undecided, AttributeError):
            return  # a rule that is called as it is

    def dots_of(self, operands: Any) -> list[Any]:
        return [self.dot(o) if isinstance(o, Ref) else [self.dots_of([i])[0] for i in o] if isinstance(o, (list, tuple)) else None for o in operands]

    def parameters(self, op: Operation) -> dict[str, Any]:
        assert op.rule is not None
        return {k: widened(op.function, self.terms(v)) for k, v in op.params.items() if k in op.rule.parameters}

    def by_rule(self, op: Operation) -> Term | None:
        """The tangent from the rule of the reverse mode, where its Jacobian is diagonal, or the result one number for each group of elements."""
        assert op.rule is not None
        out = op.outputs[0]
        plain = out.number.is_plain and all(r.number.is_plain for r in flatten(op.operands))
        if op.rule.elementwise or plain:
            return total([pick(self.pushed(op, dot), path) for path, dot in placed(self.dots_of(op.operands))])
        if out.number.shape != () and op.function not in REDUCTIONS:
            raise NoTangent(str(op.function))
        seed = Term(const(1.0), Number("python", FLOAT, ()), self.facts)
        gradients = self.pushed(op, self.fitting(seed, out, op) if out.number.shape else seed)
        keywords = {k: v for k, v in self.parameters(op).items() if k in ("axis", "keepdims")} if out.number.shape else {}
        parts = []
        for path, dot in placed(self.dots_of(op.operands)):
            gradient = pick(gradients, path)
            if gradient is not None:
                product = self.counted(op, gradient * dot)
                parts.append(np.sum(product, **keywords) if product.number.shape != () else product)  # type: ignore[call-overload]
        if any(not full(p.number, out.number) for p in parts):
            raise NoTangent(str(op.function))
        return total(parts)

    def counted(self, op: Operation, product: Any) -> Any:
        """What a reduction counts of a product, for each element of its first operand: nothing of what it leaves out, which may be no number."""
        left_out = self.left_out(op, op.operands[0]) if isinstance(op.operands[0], Ref) and len(op.operands) == 1 else None
        if left_out is None:
            return product
        mask, kept = left_out
        return np.where(mask, product, 0.0) if kept else np.where(mask, 0.0, product)

    def pushed(self, op: Operation, seed: Any) -> Any:
        """What a rule makes of a tangent in place of an adjoint."""
        assert op.rule is not None
        keywords = self.parameters(op)
        if op.rule.wants_active:
            keywords["active"] = tuple(self.state.is_active(o) for o in op.operands)
        return op.rule.function(seed, self.term(op.outputs[0]), *widened(op.function, self.terms(op.operands)), **keywords)

    def linear(self, op: Operation, only: int | None = None) -> Term:
        """The operation as it is written, on tangents: on all of them, or on that of one operand, with the others as they are."""
        out = op.outputs[0]
        definition = self.definitions.get(out.key.split("[")[0])
        if definition is None:
            raise NoTangent(out.key)
        first = op.function in SECOND
        slots = [self.slot(o, i, only) for i, o in enumerate(op.operands[first:])]
        expr = Slots(definition.expr).filled([*((o, None) for o in op.operands[:first] if isinstance(o, Ref)), *slots])
        return Term(expr, dataclasses.replace(adjoint_kind(out.number), fresh=out.number.fresh), self.facts)

    def slot(self, operand: Any, position: int, only: int | None) -> tuple[Any, Callable[[ast.expr], ast.expr] | None]:
        """An operand, and what stands in its place; None where it stays."""
        if only is not None and position != only or not flatten([operand]):
            return operand, None
        return operand, lambda expr: self.replaced(operand, expr)

    def replaced(self, operand: Any, expr: ast.expr) -> ast.expr:
        if isinstance(operand, (list, tuple)):
            if not isinstance(expr, (ast.List, ast.Tuple)) or len(expr.elts) != len(operand):
                raise NoTangent(text(expr))
            return type(expr)(elts=[self.replaced(o, e) for o, e in zip(operand, expr.elts)], ctx=ast.Load())
        found = self.dot(operand) if isinstance(operand, Ref) else None
        if found is None:
            return const(0.0) if not isinstance(operand, Ref) or operand.number.is_plain else self.blank_of(operand).expr
        return found.expr


class Slots:
    """The places of an operation where its operands stand."""

    def __init__(self, expr: ast.expr) -> None:
        self.expr = expr

    def filled(self, operands: Sequence[tuple[Any, Callable[[ast.expr], ast.expr] | None]]) -> ast.expr:
        """The operation with other operands. Raises NoTangent where one of them is not found."""
        made: ast.expr = copy.deepcopy(self.expr)
        waiting = list(operands)
        for owner, field, index in places(made):
            old = getattr(owner, field) if index is None else getattr(owner, field)[index]
            found = next((w for w in waiting if stands_for(old, w[0])), None)
            if found is None:
                continue
            waiting.remove(found)
            if found[1] is not None:
                new = found[1](old)
                if isinstance(owner, ast.Attribute) and found[0].number.is_plain:
                    raise NoTangent("a method of a number")  # its tangent may be Python's
                if index is None:
                    setattr(owner, field, new)
                else:
                    getattr(owner, field)[index] = new
        if any(w[1] is not None for w in waiting):
            raise NoTangent(text(self.expr))
        return made


def places(expr: ast.expr) -> Iterator[tuple[ast.AST, str, int | None]]:
    match expr:
        case ast.BinOp():
            yield from ((expr, "left", None), (expr, "right", None))
        case ast.UnaryOp():
            yield expr, "operand", None
        case ast.Subscript() | ast.Attribute():
            yield expr, "value", None
        case ast.Call(func=func, args=args, keywords=keywords):
            if isinstance(func, ast.Attribute) and not is_module(func.value):
                yield func, "value", None
            yield from ((expr, "args", i) for i in range(len(args)))
            yield from ((keyword, "value", None) for keyword in keywords)
        case ast.Tuple(elts=elts) | ast.List(elts=elts):
            yield from ((expr, "elts", i) for i in range(len(elts)))


def stands_for(expr: ast.expr, operand: Any) -> bool:
    if isinstance(operand, (list, tuple)):
        return isinstance(expr, (ast.List, ast.Tuple)) and len(expr.elts) == len(operand) and all(stands_for(e, o) for e, o in zip(expr.elts, operand))
    return isinstance(operand, Ref) and same(expr, operand.expr)


def is_complex(ref: Ref) -> bool:
    return any(isinstance(leaf.value, Number) and leaf.number.dtype is not None and leaf.number.dtype.kind == "c" for leaf in leaves(ref))


def is_square(op: Operation) -> bool:
    """Whether this is the product of a vector with itself."""
    keys = [o.key for o in op.operands if isinstance(o, Ref)]
    return op.function in (np.matmul, operator.matmul, np.dot, np.inner, np.vdot) and op.outputs[0].number.is_plain and len(keys) == 2 and keys[0] == keys[1] != ""


def adds_something(op: Operation) -> bool:
    return any(k in AFFINE and v is not None for k, v in op.params.items())


def placed(dots: Any, path: tuple[int, ...] = ()) -> Iterator[tuple[tuple[int, ...], Term]]:
    """Each tangent with the place of its operand."""
    for i, dot in enumerate(dots):
        if isinstance(dot, list):
            yield from placed(dot, (*path, i))
        elif dot is not None:
            yield (*path, i), dot


def pick(found: Any, path: tuple[int, ...]) -> Any:
    for i in path:
        found = found[i] if found is not None else None
    return found


def total(parts: Sequence[Any]) -> Any:
    """A sum; of choices by one test, the choice between sums."""
    found = [p for p in parts if p is not None and literal(p) != 0]
    if not found:
        return next((p for p in parts if p is not None), None)
    whole = found[0]
    for part in found[1:]:
        if part is found[1] and same(part.expr, whole.expr):
            whole = 2 * part
            continue
        joined = chosen(whole, part)
        negative, positive = without_sign(part.expr)
        whole = joined if joined is not None else whole - Term(positive, part.number, part.facts) if negative else whole + part
    return whole


def chosen(a: Term, b: Term) -> Term | None:
    """`(a if c else 0) + (0 if c else b)` as `a if c else b`."""
    match a.expr, b.expr:
        case ast.IfExp(test=test, body=body, orelse=ast.Constant(value=0)), ast.IfExp(test=other, body=ast.Constant(value=0), orelse=orelse) if same(test, other):
            return Term(ast.IfExp(test=test, body=body, orelse=orelse), a.number, a.facts)
    return None
