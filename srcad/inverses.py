"""What is solved with a matrix whose inverse is at hand anyway, as a product with the inverse.

    dL -= np.outer(np.linalg.solve(L.T, dalpha), alpha)          inv_L = np.linalg.inv(L)
    inv_L = np.linalg.inv(L)                               ->    dL -= np.outer(inv_L.T @ dalpha, alpha)

The product is as accurate as what solving gives, up to a small factor (Druinsky and Toledo,
"How accurate is inv(A)*b?", 2012), and saves a factorisation.
"""
from __future__ import annotations

import ast
import dataclasses
from collections.abc import Callable

from srcad.ir import Assign, Block, blocks, expressions, map_expressions, with_blocks
from srcad.syntax import Substitute, binary, is_module, name, nodes, transposed
from srcad.uses import Tally, changes, reads, tallied


class Inverses:
    """rank: of which names are arrays for certain, how many dimensions they have."""

    def __init__(self, rank: Callable[[str], int | None]) -> None:
        self.rank = rank
        self.definitions = Tally()

    def apply(self, block: Block) -> Block:
        self.definitions = tallied(block)[1]
        return self.block(block)

    def block(self, block: Block) -> Block:
        out = tuple(with_blocks(s, self.block) if blocks(s) else s for s in block)
        for inverse in out:
            match inverse:
                case Assign(target, expr) if (matrix := inverted(expr)) is not None and self.rank(matrix) == 2 and self.definitions[target] == 1:
                    out = brought_forward(out, inverse, matrix)
        return out


def brought_forward(block: Block, inverse: Assign, matrix: str) -> Block:
    """A block in which an inverse is made before the first statement that solves with its matrix, and multiplied with instead."""
    at = next(i for i, s in enumerate(block) if s is inverse)
    first = at
    for i in range(at - 1, -1, -1):
        if matrix in changes(block[i]) or blocks(block[i]) and matrix in reads(block[i]):
            break
        if any(solved(n, matrix) is not None for e in expressions(block[i]) for n in nodes(e)):
            first = i
    products = Products(matrix, inverse.target)
    here = dataclasses.replace(inverse, loc=block[first].loc)
    return (*block[:first], here, *(map_expressions(s, products.visit) for s in block[first:at]), *block[at + 1 :]) if first < at else block


class Products(Substitute):
    """Rewrites `np.linalg.solve(matrix, b)` as `inverse @ b`."""

    def __init__(self, matrix: str, inverse: str) -> None:
        super().__init__({})
        self.matrix, self.inverse = matrix, inverse

    def visit_Call(self, node: ast.Call) -> ast.expr:
        changed = self.generic_visit(node)
        is_transposed = solved(changed, self.matrix)
        if is_transposed is None:
            return changed  # type: ignore[return-value]
        return binary(transposed(name(self.inverse)) if is_transposed else name(self.inverse), ast.MatMult(), changed.args[1])  # type: ignore[attr-defined]


def inverted(expr: ast.expr) -> str | None:
    """The name of the matrix that an expression inverts."""
    match expr:
        case ast.Call(func=ast.Attribute(value=ast.Attribute(value=library, attr="linalg"), attr="inv"), args=[ast.Name(id=matrix)], keywords=[]) if is_module(library):
            return matrix
    return None


def solved(node: ast.AST, matrix: str) -> bool | None:
    """Whether an expression solves with a matrix transposed; None where it does not solve with it at all."""
    match node:
        case ast.Call(func=ast.Attribute(value=ast.Attribute(value=library, attr="linalg"), attr="solve"), args=[system, _], keywords=[]) if is_module(library):
            plain = transposed(system) if isinstance(system, ast.Attribute) and system.attr == "T" else system
            return plain is not system if isinstance(plain, ast.Name) and plain.id == matrix else None
    return None
