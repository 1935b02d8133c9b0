"""An array that is filled with one number, and zero in some places, takes part in a product as that number; the zeros come after it.

    dmargins = np.full(scores.shape, 1.0 / n)
    dmargins[rows, y] = 0                            ddiff = (margins > 0) / n
    ddiff = dmargins * (margins > 0)         ->      ddiff[rows, y] = 0
"""
from __future__ import annotations

import ast
import dataclasses
from collections import Counter
from collections.abc import Callable, Iterator

from srcad.dims import Dim
from srcad.ir import Assign, Block, Statement, Store, blocks, with_blocks
from srcad.kinds import Number, is_double
from srcad.syntax import binary, const, factors_of, filled_with, literal_number, method, name, names, product_of
from srcad.uses import Tally, mentions, rebound, tallied


@dataclasses.dataclass(frozen=True)
class Filled:
    """An array of one number: its name, the number, where it is made, and where it is set to zero and then read."""

    array: str
    number: ast.expr
    made: int
    zeros: tuple[int, ...]
    read: int


class Filling:
    """kind_of: what is known of a name; shape: of an array, where it is known."""

    def __init__(self, kind_of: Callable[[str], Number | None], shape: Callable[[str], tuple[Dim, ...] | None]) -> None:
        self.kind_of, self.shape = kind_of, shape
        self.counts = Tally()

    def apply(self, block: Block) -> Block:
        definitions = Counter(t for s in block for t in rebound(s))
        self.counts = tallied(block)[0]
        return self.block(block, {n for n, count in definitions.items() if count == 1})

    def block(self, block: Block, once: set[str]) -> Block:
        out = [with_blocks(s, lambda b: self.block(b, once)) if blocks(s) else s for s in block]
        for i, statement in enumerate(out):
            filled = filling(block, i) if isinstance(statement, Assign) and statement.target in once else None
            if filled is None or self.counts[filled.array] > len(filled.zeros) + 1:
                continue
            product = out[filled.read]
            assert isinstance(product, Assign)
            rest = self.without(product.expr, filled)
            if rest is None or product.target not in once:
                continue
            zeros = [self.zero(block[j], product, *block[filled.read + 1 : filled.read + 2]) for j in filled.zeros]
            before = [s for j, s in enumerate(out[: filled.read]) if j not in (filled.made, *filled.zeros)]
            return self.block((*before, dataclasses.replace(product, expr=rest), *zeros, *out[filled.read + 1 :]), once)
        return tuple(out)

    @staticmethod
    def zero(store: Statement, product: Assign, following: Statement | None = None) -> Statement:
        """The zeros as those of the product, under the comment that stands there if more of its step comes after it."""
        assert isinstance(store, Store) and isinstance(store.target, ast.Subscript)
        place = ast.Subscript(value=name(product.target), slice=store.target.slice, ctx=ast.Store())
        return Store(place, store.expr, product.loc if following is not None and following.loc == product.loc else store.loc)

    def without(self, product: ast.expr, filled: Filled) -> ast.expr | None:
        """A product with the number in place of the array, if it has the same shape and dtype, and memory of its own."""
        factors = factors_of(product)
        others = [f for f in factors if not (isinstance(f, ast.Name) and f.id == filled.array)]
        if len(others) != len(factors) - 1 or not others or not any(self.is_like(n, filled.array) for f in others for n in elements(f)):
            return None
        if not any(isinstance(f, ast.Compare) or self.is_double(n) for f in others for n in elements(f)):
            return None
        if any(self.is_whole(n) for f in others if not isinstance(f, ast.Compare) for n in elements(f)):
            return None
        rest = product_of(others)
        match filled.number:
            case ast.Constant(value=1.0):
                if isinstance(rest, ast.Name):
                    return method(rest, "copy")
                return binary(const(1.0), ast.Mult(), rest) if all(isinstance(f, ast.Compare) for f in others) else rest
            case ast.BinOp(left=ast.Constant(value=1.0), op=ast.Div(), right=count) if len(others) == 1:
                return binary(rest, ast.Div(), count)
        return binary(filled.number, ast.Mult(), rest)

    def is_like(self, identifier: str, array: str) -> bool:
        """Whether a name is an array of the same shape as another."""
        one, other = self.shape(identifier), self.shape(array)
        return one is not None and other is not None and [d.key for d in one] == [d.key for d in other]

    def is_whole(self, identifier: str) -> bool:
        """Whether a name is an array of integers or truth values, which are not multiplied with each other."""
        kind = self.kind_of(identifier)
        return kind is not None and kind.form == "array" and kind.is_whole

    def is_double(self, identifier: str) -> bool:
        kind = self.kind_of(identifier)
        return kind is not None and kind.form == "array" and is_double(kind.dtype)


def filling(block: Block, at: int) -> Filled | None:
    """What a block does with an array of one number, if that is to set some of it to zero and then to multiply with it."""
    made = block[at]
    number = filled_with(made.expr) if isinstance(made, Assign) else None
    if not isinstance(made, Assign) or number is None or literal_number(number) == 0:
        return None
    array = made.target
    touching = mentions(block, array, at + 1)
    zeros, read = touching[:-1], touching[-1] if touching else at
    steady = {*names(number)}
    for i in zeros:
        match block[i]:
            case Store(ast.Subscript(value=ast.Name(id=root), slice=index), ast.Constant(value=0)) if root == array and array not in names(index):
                steady |= set(names(index))
            case _:
                return None
    between = block[at + 1 : read + 1]
    if not zeros or not all(isinstance(s, Assign) or i + at + 1 in zeros for i, s in enumerate(between)) or any(set(rebound(s)) & steady for s in between):
        return None
    return Filled(array, number, at, tuple(zeros), read) if isinstance(block[read], Assign) else None


def elements(expr: ast.expr) -> Iterator[str]:
    """The names that arithmetic reads element by element."""
    match expr:
        case ast.Name(id=identifier):
            yield identifier
        case ast.BinOp(left=left, op=op, right=right) if not isinstance(op, ast.MatMult):
            yield from elements(left)
            yield from elements(right)
        case ast.UnaryOp(op=ast.USub(), operand=operand):
            yield from elements(operand)
        case ast.Compare(left=left, comparators=[right]):
            yield from elements(left)
            yield from elements(right)
