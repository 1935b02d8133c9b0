"""What the passes of a loop add up of an array, part by part, is a sum of the whole of it.

    for i in reversed(range(h)):                       for i in reversed(range(h)):
        for j in reversed(range(w)):            ->         for j in reversed(range(w)):
            dt = dout[:, :, i, j]                              dt = dout[:, :, i, j]
            dw += np.einsum('nf,nc->fc', dt, x)                dw += np.einsum('nf,nc->fc', dt, x)
            db += dt.sum(axis=0)                       db += dout.sum(axis=(0, 2, 3))
"""
from __future__ import annotations

import ast
import dataclasses
from collections.abc import Callable

from srcad.dims import Dim
from srcad.ir import Assign, Block, For, Statement, Update, blocks, walk, with_blocks
from srcad.outers import begun, counted, makes
from srcad.syntax import call, const, method, name, parts_of, takes_all
from srcad.uses import changes, touched


class Wholes:
    """shape: of an array, where it is known."""

    def __init__(self, shape: Callable[[str], tuple[Dim, ...] | None]) -> None:
        self.shape = shape

    def apply(self, block: Block) -> Block:
        out: list[Statement] = []
        for statement in block:
            if not isinstance(statement, For):
                out.append(with_blocks(statement, self.apply) if blocks(statement) else statement)
                continue
            loop, sums = self.loop(statement, ())
            out.append(loop if sums else with_blocks(statement, self.apply))
            for total, fits in sums:
                out.append(begun(total, out) if fits else total)
        return tuple(out)

    def loop(self, loop: For, around: tuple[For, ...]) -> tuple[Statement, list[tuple[Statement, bool]]]:
        """A loop without such sums, and the sums, with whether each has the very shape of what it is added to."""
        nest, body, sums = (*around, loop), [], []
        for statement in loop.body:
            if isinstance(statement, For):
                statement, inner = self.loop(statement, nest)
                sums += inner
            whole = self.whole(statement, nest) if isinstance(statement, Update) else None
            if whole is None:
                body.append(statement)
            else:
                sums.append(whole)
        return dataclasses.replace(loop, body=tuple(body)), sums

    def whole(self, update: Update, nest: tuple[For, ...]) -> tuple[Statement, bool] | None:
        """The sum of a whole array that an update in the innermost loop of a nest comes to, and whether it has the very shape of what it is added to."""
        axes: tuple[int, ...] = ()
        match update:
            case Update(ast.Name(id=total), ast.Add() | ast.Sub(), ast.Call(func=ast.Attribute(value=part, attr="sum"), args=[], keywords=[ast.keyword(arg="axis", value=ast.Constant(value=int() as axis))])):
                axes = (axis,)
            case Update(ast.Name(id=total), ast.Add() | ast.Sub(), part):
                pass
            case _:
                return None
        if not isinstance(part, (ast.Name, ast.Subscript)):
            return None
        every = [s for s in walk((nest[0],)) if not blocks(s)]
        if isinstance(part, ast.Name) and sum(part.id in changes(s) for s in every) == 1:
            part = next((uncopied(s.expr) for s in nest[-1].body if isinstance(s, Assign) and s.target == part.id), part)
        if not (isinstance(part, ast.Subscript) and isinstance(part.value, ast.Name)) or any(total in touched(s) for s in every if s is not update):
            return None
        array = part.value.id
        dims = self.shape(array)
        if dims is None or any(array in changes(s) for s in every):
            return None
        index = parts_of(part.slice)
        counted_axes = self.counted_axes(index, dims, nest)
        if counted_axes is None:
            return None
        rest = [i for i in range(len(dims)) if i not in counted_axes]
        summed = sorted([*counted_axes, *(rest[a] for a in axes)])
        along = const(summed[0]) if len(summed) == 1 else ast.Tuple(elts=[const(a) for a in summed], ctx=ast.Load())
        sums = method(name(array), "sum")
        if len(summed) == len(dims):
            return dataclasses.replace(update, expr=sums), False
        shape, left = self.shape(total), [d.key for i, d in enumerate(dims) if i not in summed]
        return dataclasses.replace(update, expr=call(sums.func, [], axis=along)), shape is not None and [d.key for d in shape] == left  # type: ignore[attr-defined]

    @staticmethod
    def counted_axes(index: list[ast.expr], dims: tuple[Dim, ...], nest: tuple[For, ...]) -> list[int] | None:
        """The axes that the loops of a nest count through, each from end to end, where an index takes all of the others."""
        passes = {loop.target: counted(loop.iter) for loop in nest}
        found: list[int] = []
        for i, part in enumerate(index):
            if takes_all(part):
                continue
            stop = passes.pop(part.id, None) if isinstance(part, ast.Name) else None
            if i >= len(dims) or not makes(stop, dims[i]):
                return None
            found.append(i)
        return found if not passes else None


def uncopied(expr: ast.expr) -> ast.expr:
    match expr:
        case ast.Call(func=ast.Attribute(value=value, attr="copy"), args=[], keywords=[]):
            return value
    return expr
