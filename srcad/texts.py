"""Strings that the program puts together: the keys of its parameters, mostly.

    f"W{i}"    "W" + str(i)    "W%d" % i    "W{}".format(i)    known where i is

What they are made of is kept beside the text; nothing is assumed of it before the string is asked for, as a key or in a
comparison. A message that nobody asks about costs no guard.
"""
from __future__ import annotations

import ast
import dataclasses
from collections.abc import Callable

from srcad.dims import Facts
from srcad.inference import constant_ref, display, literal_ref
from srcad.kinds import UNKNOWN, Number, Ref, Sequence, Static, leaves
from srcad.operations import Operations
from srcad.outside import static_value
from srcad.protocols import visible

CONVERSIONS: dict[int, Callable[[object], object]] = {-1: lambda value: value, ord("s"): str, ord("r"): repr, ord("a"): ascii}


class Texts(Operations):
    """Evaluates strings that are put together."""

    def text(self, expr: ast.expr, target: str | None, parts: tuple[Ref, ...], spelled: Callable[..., str]) -> Ref:
        """A string that runs as it is; `spelled` makes it of the values of its parts, where they are known."""
        facts = self.state.facts
        visible(self, list(parts), "a formatted string")
        made = self.opaque(expr, target, dataclasses.replace(UNKNOWN))
        if self.state.is_active(list(parts)):  # what is differentiated may be said, and not read back
            self.state.spoken.add(made.key)
        if not any(may_change(p) for p in parts):
            facts.texts[made.key] = lambda: spelled(*map(self.known_part, parts))
        if all(isinstance(p.value, Static) or isinstance(p.value, Number) and (p.number.is_plain or is_text(p, facts)) for part in parts for p in leaves(part)):
            self.state.impure.discard(made.key)
        return made

    def known_part(self, part: Ref) -> object:
        """The value of a part, now that it is asked for: a number is no longer one to be differentiated."""
        for leaf in leaves(part):
            self.integer_use(leaf)
        return static_value(part, self.state.facts)

    def formatted(self, expr: ast.JoinedStr, written: ast.expr, target: str | None) -> Ref:
        """`f"W{i}"`."""
        parts: list[Ref] = []
        pieces: list[Callable[[object], str]] = []
        for value in expr.values:
            if isinstance(value, ast.FormattedValue):
                parts.append(self.evaluate(value.value, None))
                pieces.append(piece(value))
            else:
                parts.append(literal_ref(value, getattr(value, "value", ""), self.state.facts))
                pieces.append(str)
        return self.text(written, target, tuple(parts), lambda *values: "".join(p(v) for p, v in zip(pieces, values)))

    def binary(self, op: ast.operator, left: Ref, right: Ref, target: str | None) -> Ref:
        return self.text_operator(op, left, right, target) or super().binary(op, left, right, target)

    def text_operator(self, op: ast.operator, left: Ref, right: Ref, target: str | None) -> Ref | None:
        """`"W" + s` and `"W%d" % i`; None where no string is meant."""
        facts = self.state.facts
        expr = ast.BinOp(left=left.expr, op=op, right=right.expr)
        if isinstance(op, ast.Mod) and is_string(left):
            return self.text(expr, target, (left, right), lambda form, value: form % value)
        if isinstance(op, ast.Mult) and (is_string(left) or is_string(right)):
            return self.text(expr, target, (left, right), lambda a, b: a * b)
        if isinstance(op, ast.Add) and (is_text(left, facts) and is_stringlike(right, facts) or is_string(left) and is_text(right, facts)):
            return self.text(expr, target, (left, right), lambda a, b: a + b)
        return None

    def evaluate(self, expr: ast.expr, target: str | None) -> Ref:
        raise NotImplementedError


def piece(value: ast.FormattedValue) -> Callable[[object], str]:
    """How an f-string writes one value out. Its format is not known where it is computed."""
    convert, form = CONVERSIONS[value.conversion], value.format_spec
    simple = form is None or isinstance(form, ast.JoinedStr) and all(isinstance(v, ast.Constant) for v in form.values)
    spec = "" if not isinstance(form, ast.JoinedStr) else "".join(str(getattr(v, "value", "")) for v in form.values)

    def spell(known: object) -> str:
        if not simple:
            raise LookupError
        return format(convert(known), spec)

    return spell


def may_change(ref: Ref) -> bool:
    """Whether a part may be another by the time that the string is asked for."""
    match ref.value:
        case Sequence(type=kind, items=items):
            return kind is list or any(map(may_change, items))
    return False


def is_string(ref: Ref) -> bool:
    return isinstance(ref.value, Static) and isinstance(ref.value.value, str)


def is_text(ref: Ref, facts: Facts) -> bool:
    """Whether this is a string that the program has put together."""
    return ref.key in facts.texts


def is_stringlike(ref: Ref, facts: Facts) -> bool:
    return is_string(ref) or is_text(ref, facts)


def known_parts(value: object, facts: Facts) -> Ref:
    """What a method of a string returns, as constants: a string, a number, a list of strings."""
    if isinstance(value, (list, tuple)):
        return display(type(value), tuple(known_parts(v, facts) for v in value))
    return constant_ref(value, facts)
