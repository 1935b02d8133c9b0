"""Dimensions: symbolic integers that remember the value they have for the arguments at hand.

    x.shape[0] + 1        == 4?  yes, for these arguments: the fact `x.shape[0] + 1 == 4`

A question about a dimension (is n equal to m? is it 1?) is answered from the
values, and the answer is recorded as a fact: the facts become the guard of the
generated code, so that it never runs where an answer differs.
"""
from __future__ import annotations

import ast
import contextlib
import math
import re
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np

from srcad.syntax import expression, names

if TYPE_CHECKING:
    from srcad.kinds import Number


WORD = re.compile(r"[^\W\d]\w*")
COUNT = re.compile(r"\w+\.count_nonzero\([^()]*\)")  # the length of what a mask leaves
SIZE = re.compile(rf"[^()*/%+-]*\.shape\[\d+\]|{COUNT.pattern}")  # of an array, as an atom: not what is computed from it
# What is written twice is computed once, as ufuncs of arrays are.
REPEATED = frozenset((np.max, np.amax, np.min, np.amin, np.sum, np.mean, math.sqrt, math.exp, math.log, math.sin, math.cos, math.tanh))


class Undecided(Exception):
    """A question about a dimension that only the run of the program can answer."""


class Facts:
    """The answers that the compiled code relies on, as conditions on the arguments, in the order they were asked."""

    def __init__(self) -> None:
        self.conditions: dict[str, None] = {}
        self.dim_names: dict[str, str] = {}  # a dimension's key -> the user's name for it
        self.shapes: list[tuple[Shape, str]] = []  # a shape and an expression that has it
        self.equals: dict[str, str] = {}  # a dimension's text -> that of an equal one
        self.modules: dict[str, str] = {}  # a module's name -> the name it has in the program
        self.imported: dict[str, str] = {}  # those that the derivative reads
        self.unknown = 0
        self.has_complex = False  # whether any complex number has been met
        self.products: dict[str, tuple[Dim, Dim]] = {}  # the text of a product -> its factors
        self.cut: dict[str, list[Dim]] = {}  # where slices end that may end beyond an array -> the lengths of these arrays
        self.positive: set[str] = set()  # sizes that are no less than 1
        self.may_be_real = False  # whether what counts as complex may come out real: the eigenvalues of a matrix
        self.values: dict[str, int] = {}  # of atoms, for the arguments at hand
        self.ranges: dict[str, tuple[Dim, Dim]] = {}  # the index of a loop -> its least value, and one more than its greatest
        self.constants: dict[str, float] = {}  # np.pi and the like, by their text
        self.transposes: dict[str, ast.expr] = {}  # a variable that is the transpose of another -> that one
        self.expansions: dict[str, tuple[ast.expr, Number, tuple[int, ...]]] = {}  # a variable that is another with axes put in -> that one, its kind, and these axes
        self.texts: dict[str, Callable[[], str]] = {}  # strings that the program puts together, by name
        self.computed: dict[tuple[Any, ...], Computed] = {}

    def record(self, condition: str) -> None:
        self.conditions.setdefault(condition)

    def remember(self, function: object, operands: Iterable[Any], params: Mapping[str, Any], value: tuple[ast.expr, Number]) -> None:
        """A value that the forward pass computes: the backward pass need not compute it again."""
        if value[1].ndim or function in REPEATED:
            self.computed.setdefault(signature(function, operands, params), Computed(*value, frozenset(n for o in operands if isinstance(expr := getattr(o, "expr", None), ast.expr) for n in names(expr))))

    def known_value(self, function: object, operands: Iterable[Any], params: Mapping[str, Any]) -> tuple[ast.expr, Number] | None:
        """A value that has been computed, and what is known of it."""
        found = self.computed.get(signature(function, operands, params)) if self.computed else None
        return None if found is None else (found.expr, found.number)

    @contextlib.contextmanager
    def without(self, changing: Collection[str]) -> Iterator[None]:
        """In the passes of a loop these names stand for other values than before it and after it: what is known there of them, and of their sizes, is not known here."""
        before = self.computed, self.shapes, self.dim_names
        self.computed = {key: found for key, found in self.computed.items() if found.operands.isdisjoint(changing)}
        self.shapes = [(dims, path) for dims, path in self.shapes if all(d.names.isdisjoint(changing) for d in dims)]
        self.dim_names = {key: label for key, label in self.dim_names.items() if (words(key) | words(label)).isdisjoint(changing)}
        try:
            yield
        finally:
            self.computed, self.shapes, self.dim_names = before

    def forget(self, names: Collection[str]) -> None:
        """These names are to be given to other values."""
        tables: tuple[dict[str, Any], ...] = (self.values, self.ranges, self.constants, self.transposes, self.expansions, self.texts)
        for table in tables:
            for key in [k for k in table if not words(k).isdisjoint(names)]:
                del table[key]
        for key in [k for k, other in self.equals.items() if not (words(k) | words(other)).isdisjoint(names)]:
            del self.equals[key]

    def canonical(self, key: str) -> str:
        """The text that stands for every dimension known to be equal to this one."""
        while key in self.equals:
            key = self.equals[key]
        return key

    def equate(self, a: str, b: str) -> None:
        a, b = self.canonical(a), self.canonical(b)
        if a != b:
            first, second = (b, a) if a.lstrip("-").isdigit() is False and b.lstrip("-").isdigit() else (a, b)
            self.equals[second] = first

    def shape_owner(self, keys: list[str]) -> str | None:
        """An expression whose shape is known to be this."""
        return next((path for dims, path in self.shapes if [d.key for d in dims] == keys), None)

    def name_of(self, dim: Dim) -> str:
        """How the generated code says a dimension: by the user's name for it, if there is one."""
        found = next((n for text, n in self.dim_names.items() if self.canonical(text) == dim.key), None)
        if found is None and ("//" in dim.key or "min(" in dim.key):  # what has been divided, or cut out, has the size
            found = next((f"{path}.shape[{i}]" for dims, path in self.shapes for i, d in enumerate(dims) if d.key == dim.key), None)
        return COUNT.sub(lambda count: self.dim_names.get(count.group(), count.group()), dim.key) if found is None else found

    def new_dim(self) -> Dim:
        """A dimension that only the run can tell."""
        self.unknown += 1
        return Dim.atom(f"?{self.unknown}", None, self)

    def bounds(self, dim: Dim, over: Iterable[str] | None = None) -> tuple[Dim, Dim]:
        """The least and the greatest value of a dimension, over the passes of the loops that it counts with; of some of them only, where these are given."""
        least = greatest = dim
        for atom in reversed(self.ranges if over is None else [a for a in self.ranges if a in over]):  # inner loops first: their ranges depend on the outer ones
            down, up = least.terms.get(atom, 0), greatest.terms.get(atom, 0)
            if down or up:
                (first, end), counter = self.ranges[atom], Dim.atom(atom, None, self)
                least = least + ((first if down > 0 else end - 1) - counter) * down
                greatest = greatest + ((end - 1 if up > 0 else first) - counter) * up
        return least, greatest

    def module(self, full_name: str) -> str:
        """The name under which the generated code reads a module."""
        self.imported[full_name] = self.modules[full_name]
        return self.modules[full_name]


def words(key: str) -> frozenset[str]:
    """The identifiers in a text: the key of a dimension, a function."""
    return frozenset(WORD.findall(key))


class Computed(NamedTuple):
    """A value that has been computed: its name, its kind, and the names of what it was computed of."""

    expr: ast.expr
    number: Number
    operands: frozenset[str]


def signature(function: object, operands: Iterable[Any], params: Mapping[str, Any]) -> tuple[Any, ...]:
    """An operation as a key: the function, the names of its operands, its parameters less the defaults."""
    return function, tuple(map(spelled, operands)), tuple(sorted((k, repr(v)) for k, v in params.items() if v is not None and v is not False))


def spelled(operand: Any) -> str:
    """An operand as text, the same for the same operand alone."""
    expr = getattr(operand, "expr", None)
    if isinstance(expr, ast.Name):
        return expr.id
    return ast.dump(expr) if isinstance(expr, ast.expr) else repr(operand)


class Dim:
    """A symbolic integer: a constant plus multiples of atoms such as `x.shape[0]`; `value` is None when unknown."""

    __slots__ = ("terms", "const", "value", "facts", "written")  # text and key say it as an expression

    def __init__(self, terms: Mapping[str, int], const: int, value: int | None, facts: Facts) -> None:
        self.terms = {atom: c for atom, c in sorted(terms.items()) if c}
        self.const = const
        if value is None and self.terms and all(a in facts.values for a in self.terms):
            value = const + sum(c * facts.values[a] for a, c in self.terms.items())
        self.value = value if self.terms else const
        self.facts = facts

    @classmethod
    def atom(cls, text: str, value: int | None, facts: Facts) -> Dim:
        if value is not None:
            facts.values[text] = value
        return cls({text: 1}, 0, value, facts)

    @classmethod
    def of(cls, value: int, facts: Facts) -> Dim:
        return cls({}, int(value), int(value), facts)

    @property
    def key(self) -> str:
        """The dimension as an expression in the arguments; equal keys are equal dimensions."""
        return self.facts.canonical(self.text)

    @property
    def text(self) -> str:
        if not hasattr(self, "written"):
            self.written = self.spelled()
        return self.written

    def spelled(self) -> str:
        out = ""
        for atom, coefficient in sorted(self.terms.items(), key=lambda term: term[1] < 0):
            size = abs(coefficient)
            factor = atom if size == 1 else f"{size} * {atom}"
            sign = "-" if coefficient < 0 else "+"
            out += f" {sign} {factor}" if out else factor if coefficient > 0 else f"-{factor}"
        if self.const or not out:
            out += str(self.const) if not out else f" {'-' if self.const < 0 else '+'} {abs(self.const)}"
        return out

    @property
    def literal(self) -> int | None:
        """The number, where it is one for certain."""
        return None if self.terms else self.const

    @property
    def names(self) -> frozenset[str]:
        """The variables that it is said with."""
        return words(self.key)

    @property
    def expr(self) -> ast.expr:
        return expression(self.facts.name_of(self))

    def __repr__(self) -> str:
        return f"Dim({self.key})"

    def lift(self, other: object) -> Dim | None:
        if isinstance(other, Dim):
            return other
        return Dim.of(int(other), self.facts) if isinstance(other, (int, np.integer)) else None

    def linear(self, other: object, sign: int) -> Dim:
        right = self.lift(other)
        if right is None:
            return NotImplemented  # type: ignore[no-any-return]
        terms = dict(self.terms)
        for atom, c in right.terms.items():
            terms[atom] = terms.get(atom, 0) + sign * c
        value = None if self.value is None or right.value is None else self.value + sign * right.value
        return Dim(terms, self.const + sign * right.const, value, self.facts)

    def __add__(self, other: object) -> Dim:
        return self.linear(other, 1)

    __radd__ = __add__

    def __sub__(self, other: object) -> Dim:
        return self.linear(other, -1)

    def __rsub__(self, other: object) -> Dim:
        return (-self) + other

    def __neg__(self) -> Dim:
        return Dim({a: -c for a, c in self.terms.items()}, -self.const, None if self.value is None else -self.value, self.facts)

    def __mul__(self, other: object) -> Dim:
        right = self.lift(other)
        if right is None:
            return NotImplemented
        small, large = (self, right) if not self.terms else (right, self)
        value = None if self.value is None or right.value is None else self.value * right.value
        if not small.terms:
            return Dim({a: c * small.const for a, c in large.terms.items()}, large.const * small.const, value, self.facts)
        made = Dim.atom(f"{self.factor} * {right.factor}", value, self.facts)
        self.facts.products[made.text] = self, right
        return made

    __rmul__ = __mul__

    @property
    def factor(self) -> str:
        return self.key if self.key.isidentifier() or (len(self.terms) == 1 and not self.const and self.key in self.terms) else f"({self.key})"

    def opaque(self, symbol: str, other: object, operation: Callable[[int, int], int]) -> Dim:
        right = self.lift(other)
        if right is None:
            return NotImplemented  # type: ignore[no-any-return]
        known = self.value is not None and right.value
        value = operation(self.value, right.value) if known else None  # type: ignore[arg-type]
        if not self.terms and not right.terms and value is not None:
            return Dim.of(value, self.facts)
        divisor = f"({right.factor})" if " * " in right.factor else right.factor
        return Dim.atom(f"({self.factor} {symbol} {divisor})", value, self.facts)

    def times_known(self) -> Dim:
        """The dimension with factors that are known for the arguments at hand as numbers, for which the compiled code is then: of `i * step` that is `2 * i`."""
        total = Dim.of(self.const, self.facts)
        for atom, coefficient in self.terms.items():
            factors = sorted(self.facts.products.get(atom, ()), key=lambda d: d.value is not None)
            known = bool(factors) and factors[0].value is None and factors[1].value is not None
            total = total + (factors[0].times_known() * factors[1].known() if known else Dim.atom(atom, None, self.facts)) * coefficient
        return total

    def __array_ufunc__(self, function: np.ufunc, method: str, *operands: Any) -> Any:
        """`np.maximum(n, 1)`: n itself where it is larger."""
        if function is not np.maximum or method != "__call__" or operands[0] is not self:
            return NotImplemented
        least = self.lift(operands[1])
        assert least is not None
        if self.value is None:
            return self if known_nonnegative(self - least) or self.text in self.facts.positive and least.literal in (0, 1) else Dim.atom(f"max({self.key}, {least.key})", None, self.facts)
        return self if self >= least else least

    def __floordiv__(self, other: object) -> Dim:
        return self.opaque("//", other, lambda a, b: a // b)

    def __mod__(self, other: object) -> Dim:
        return self.opaque("%", other, lambda a, b: a % b)

    def ask(self, symbol: str, other: object, answer: Callable[[int, int], bool], opposite: str) -> bool:
        """The truth of `self symbol other` for the arguments at hand, recorded as a fact."""
        right = self.lift(other)
        if right is None:
            return NotImplemented  # type: ignore[no-any-return]
        difference = self - right
        if symbol == "==" and self.key == right.key:
            return True
        if not difference.terms:
            return answer(difference.const, 0)
        if self.value is None or right.value is None:
            return self.ask_bounds(symbol, difference, f"{self.key} {symbol} {right.key}")
        result = answer(self.value, right.value)
        self.facts.record(f"{self.text} {symbol if result else opposite} {right.text}")
        if symbol == "==" and result:
            self.facts.equate(self.text, right.text)
        return result

    def ask_bounds(self, symbol: str, difference: Dim, question: str) -> bool:
        """A comparison that holds, or does not, for every pass of the loops that count here, or of sizes that are no less than 0."""
        if symbol in ("<", ">=") and known_nonnegative(difference) or symbol in ("<=", ">") and known_nonnegative(-difference):
            return symbol in (">=", "<=")
        least, greatest = self.facts.bounds(difference)
        if least.value is None or greatest.value is None or symbol in ("==", "!="):
            raise Undecided(question)
        if symbol in ("<", ">="):
            found = True if greatest < 0 else False if least >= 0 else None
        else:
            found = True if greatest <= 0 else False if least > 0 else None
        if found is None:
            raise Undecided(question)
        return found == (symbol in ("<", "<="))

    def __eq__(self, other: object) -> bool:
        return self.ask("==", other, lambda a, b: a == b, "!=")

    def __ne__(self, other: object) -> bool:
        return not self == other

    def __lt__(self, other: object) -> bool:
        return self.ask("<", other, lambda a, b: a < b, ">=")

    def __le__(self, other: object) -> bool:
        return self.ask("<=", other, lambda a, b: a <= b, ">")

    def __gt__(self, other: object) -> bool:
        return self.ask(">", other, lambda a, b: a > b, "<=")

    def __ge__(self, other: object) -> bool:
        return self.ask(">=", other, lambda a, b: a >= b, "<")

    __hash__ = None  # type: ignore[assignment]

    def known(self) -> int:
        """The value itself, which the compiled code is then for."""
        if self.value is None:
            raise Undecided(self.key)
        if self.terms:
            self.facts.record(f"{self.text} == {self.value}")
            self.facts.equate(self.text, str(self.value))
        return self.value


def dim_of(expr: ast.expr, facts: Facts, variable: Callable[[str], Dim | None] = lambda _: None) -> Dim | None:
    """The dimension that the generated code says so: `len(x)`, `n - 1`, `x.shape[0] // 2`. None where it is not known to be one.

    variable: the dimension that a variable holds. What changes from pass to pass is none.
    """
    if isinstance(expr, ast.Name) and (held := variable(expr.id)) is not None and all(a in facts.values for a in held.terms):
        return held
    text = ast.unparse(expr)
    known = next((key for key, label in facts.dim_names.items() if label == text), text)
    if known in facts.values:
        return Dim.atom(known, facts.values[known], facts)
    match expr:
        case ast.Constant(value=int() as value) if not isinstance(value, bool):
            return Dim.of(value, facts)
        case ast.Call(func=ast.Name(id="len"), args=[ast.Name(id=owner)]) if f"{owner}.shape[0]" in facts.values:
            return Dim.atom(f"{owner}.shape[0]", facts.values[f"{owner}.shape[0]"], facts)
        case ast.BinOp(left=left, op=ast.Add() | ast.Sub() | ast.Mult() | ast.FloorDiv() as op, right=right):
            a, b = dim_of(left, facts, variable), dim_of(right, facts, variable)
            return None if a is None or b is None else a + b if isinstance(op, ast.Add) else a - b if isinstance(op, ast.Sub) else a * b if isinstance(op, ast.Mult) else a // b
    return None


def known_nonnegative(dim: Dim) -> bool:
    """Whether a dimension cannot be negative: a constant and multiples of sizes of arrays."""
    return dim.const >= 0 and all(c >= 0 and SIZE.fullmatch(atom) for atom, c in dim.terms.items())


def alike(a: Dim, b: Dim) -> bool | None:
    """Whether two dimensions are equal; None where only the run can tell."""
    try:
        return a == b
    except Undecided:
        return None


def is_one(a: Dim) -> bool | None:
    try:
        return a == 1
    except Undecided:
        return None


Shape = tuple[Dim, ...]


def broadcast(*shapes: Shape | None) -> Shape | None:
    """The shape that shapes broadcast to; None where that cannot be told. Raises ValueError as NumPy would.

    A dimension of unknown size beside another that is not 1 is that other one.
    """
    if any(shape is None for shape in shapes):
        return None
    rank = max((len(s) for s in shapes if s is not None), default=0)
    result: list[Dim] = []
    for axis in range(-rank, 0):
        dims = [s[axis] for s in shapes if s is not None and len(s) >= -axis]
        merged = dims[0]
        for dim in dims[1:]:
            met = meet(merged, dim)
            if met is None:
                return None
            merged = met
        result.append(merged)
    return tuple(result)


def meet(a: Dim, b: Dim) -> Dim | None:
    """The dimension that two broadcast to."""
    if a.key == b.key:
        return a
    one_a, one_b = (is_one(d) if not d.terms else None for d in (a, b))
    if one_b and a.value != 1:
        return a
    if one_a and b.value != 1:
        return b
    equal = alike(a, b)
    if equal:
        return a if len(a.terms) else b
    if equal is None:
        return None
    if is_one(b):
        return a
    if is_one(a):
        return b
    raise ValueError(f"dimensions {a.key} and {b.key} do not broadcast")


def product(dims: Shape, facts: Facts) -> Dim:
    total = Dim.of(1, facts)
    for dim in dims:
        total = total * dim
    return total
