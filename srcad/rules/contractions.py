"""Products that sum: matmul, dot, inner, outer, tensordot, einsum.

    z = x @ y       dx = dz @ y.T       dy = x.T @ dz

Where stacks of matrices broadcast, so do their adjoints; the compiler sums them
back.
"""
from __future__ import annotations

import operator
import string
from collections.abc import Sequence
from typing import Any

import numpy as np

from srcad.rules import rule
from srcad.rules.complex import is_complex

Adjoints = tuple[Any, ...]


def transposed(x: Any) -> Any:
    """The matrices of a stack, transposed."""
    return x.T if x.ndim == 2 else np.swapaxes(x, -1, -2)


@rule(np.matmul, operator.matmul)
def matmul(dz: Any, z: Any, x: Any, y: Any) -> Adjoints:
    if x.ndim == 1 and y.ndim == 1:
        return y * dz, x * dz
    if x.ndim == 2 and y.ndim == 1:
        return np.outer(dz, y), x.T @ dz
    if x.ndim == 1 and y.ndim == 2:
        return y @ dz, np.outer(x, dz)
    if x.ndim == 1:
        return (y @ dz[..., None])[..., 0], x[:, None] * dz[..., None, :]
    if y.ndim == 1:
        return dz[..., None] * y, (transposed(x) @ dz[..., None])[..., 0]
    return dz @ transposed(y), transposed(x) @ dz


@rule(np.dot)
def dot(dz: Any, z: Any, a: Any, b: Any) -> Adjoints:
    if a.ndim == 0 or b.ndim == 0:
        return b * dz, a * dz
    if a.ndim == 2 and b.ndim == 2:
        return dz.dot(b.T), a.T.dot(dz)
    if a.ndim <= 2 and b.ndim <= 2:
        return matmul(dz, z, a, b)
    rows = tuple(range(a.ndim - 1))
    if b.ndim == 1:
        return dz[..., None] * b, np.tensordot(a, dz, axes=(rows, rows))
    columns = tuple(range(a.ndim - 1, a.ndim + b.ndim - 2))
    free = (*range(b.ndim - 2), b.ndim - 1)
    da = np.tensordot(dz, b, axes=(columns, free))
    return da, np.moveaxis(np.tensordot(a, dz, axes=(rows, rows)), 0, -2)


@rule(np.inner)
def inner(dz: Any, z: Any, a: Any, b: Any) -> Adjoints:
    if a.ndim == 0 or b.ndim == 0 or a.ndim == b.ndim == 1:
        return b * dz, a * dz
    rows = tuple(range(a.ndim - 1))
    columns = tuple(range(a.ndim - 1, a.ndim + b.ndim - 2))
    return np.tensordot(dz, b, axes=(columns, tuple(range(b.ndim - 1)))), np.tensordot(dz, a, axes=(rows, rows))


@rule(np.outer)
def outer(dz: Any, z: Any, a: Any, b: Any) -> Adjoints:
    flat_a, flat_b = (a if a.ndim == 1 else a.reshape(-1)), (b if b.ndim == 1 else b.reshape(-1))
    return (dz @ flat_b).reshape(a.shape), (flat_a @ dz).reshape(b.shape)


@rule(np.vdot)
def vdot(dz: Any, z: Any, a: Any, b: Any) -> Adjoints:
    da, db = b.reshape(a.shape) * dz, a.reshape(b.shape)
    return (np.conj(da), np.conj(db) * dz) if is_complex(a) or is_complex(b) else (da, db * dz)


@rule(np.tensordot)
def tensordot(dz: Any, z: Any, a: Any, b: Any, axes: Any = 2) -> Adjoints:
    left, right = contracted(axes, a.ndim, b.ndim)
    free_a = [i for i in range(a.ndim) if i not in left]
    free_b = [i for i in range(b.ndim) if i not in right]
    if not free_a and not free_b:
        return reordered(b, [left[i] for i in inverse(right)]) * dz, reordered(a, [right[i] for i in inverse(left)]) * dz
    order = sorted(range(len(left)), key=lambda i: right[i])  # tensordot lists b's own axes in b's order
    da = np.tensordot(dz, b, axes=(tuple(range(len(free_a), len(free_a) + len(free_b))), tuple(free_b)))
    da = np.transpose(da, inverse([*free_a, *(left[i] for i in order)]))
    order = sorted(range(len(left)), key=lambda i: left[i])
    db = np.tensordot(a, dz, axes=(tuple(free_a), tuple(range(len(free_a)))))
    return da, np.transpose(db, inverse([*(right[i] for i in order), *free_b]))


def contracted(axes: Any, rank_a: int, rank_b: int) -> tuple[list[int], list[int]]:
    """The axes that np.tensordot sums over, on either side, in pairs."""
    if isinstance(axes, (tuple, list)):
        left, right = ([side] if isinstance(side, int) else list(side) for side in axes)
        return [i % rank_a for i in left], [i % rank_b for i in right]
    return list(range(rank_a - axes, rank_a)), list(range(axes))


def reordered(x: Any, axes: Sequence[int]) -> Any:
    """An array whose axes are these of another one, as that one has them."""
    return x if list(axes) == sorted(axes) else np.transpose(x, inverse(axes))


def inverse(order: Sequence[int]) -> tuple[int, ...]:
    """The permutation that undoes one."""
    return tuple(sorted(range(len(order)), key=lambda i: order[i]))


def parse_einsum(subscripts: str, ranks: Sequence[int]) -> tuple[list[str], str]:
    """The letters of each operand and of the result, with the ellipsis spelled out in letters of its own.

    >>> parse_einsum("...i,ij->...j", [2, 2])
    (['Ai', 'ij'], 'Aj')
    """
    subscripts = subscripts.replace(" ", "")
    left, arrow, right = subscripts.partition("->")
    terms = left.split(",")
    if len(terms) != len(ranks):
        raise ValueError(f"einsum: {len(terms)} subscripts for {len(ranks)} operands")
    spare = [c for c in string.ascii_uppercase + string.ascii_lowercase if c not in subscripts]
    sizes = [rank - len(term.replace("...", "")) for term, rank in zip(terms, ranks)]
    widest = max((size for size, term in zip(sizes, terms) if "..." in term), default=0)
    letters = "".join(spare[:widest])
    inputs = [term.replace("...", letters[widest - size :] if size else "") for term, size in zip(terms, sizes)]
    if arrow:
        return inputs, right.replace("...", letters)
    joined = "".join(term.replace("...", "") for term in terms)
    return inputs, letters + "".join(sorted(c for c in set(joined) if joined.count(c) == 1))


@rule(np.einsum)
def einsum(dz: Any, z: Any, subscripts: Any, *operands: Any, optimize: Any = False) -> Adjoints:
    """Each operand's adjoint is the same sum with its letters and the result's exchanged."""
    inputs, output = parse_einsum(subscripts, [x.ndim for x in operands])
    return (None, *(einsum_adjoint(dz, i, operands, inputs, output) for i in range(len(operands))))


def einsum_adjoint(dz: Any, i: int, operands: Sequence[Any], inputs: list[str], output: str) -> Any:
    others = [(x, letters) for j, (x, letters) in enumerate(zip(operands, inputs)) if j != i]
    mine = "".join(dict.fromkeys(inputs[i]))
    reachable = set(output).union(*(letters for _, letters in others)) if others else set(output)
    known = "".join(c for c in mine if c in reachable)
    dx = weighted(dz, output, others, known)
    x = operands[i]
    if known != mine:  # a letter that only this operand has was summed over: its adjoint is spread
        dx = np.expand_dims(dx, tuple(k for k, c in enumerate(mine) if c not in known))
        dx = np.broadcast_to(dx, tuple(x.shape[inputs[i].index(c)] for c in mine))
    for c in mine:
        if inputs[i].count(c) > 1:
            dx, mine = off_diagonal(dx, mine, c, inputs[i].count(c), x.shape[inputs[i].index(c)])
    return dx if mine == inputs[i] else arranged(dx, mine, inputs[i])


def weighted(dz: Any, output: str, others: list[tuple[Any, str]], known: str) -> Any:
    """The sum of the other operands with the result's adjoint, over all letters but the known ones."""
    if not others and output == known:
        return dz
    if not output and [letters for _, letters in others] == [known]:  # of two vectors
        return others[0][0] * dz
    if not output and others:  # a number stays outside
        return np.einsum(f"{','.join(letters for _, letters in others)}->{known}", *(x for x, _ in others)) * dz
    terms = ",".join([output, *(letters for _, letters in others)])
    return np.einsum(f"{terms}->{known}", dz, *(x for x, _ in others))


def off_diagonal(dx: Any, letters: str, c: str, times: int, size: Any) -> tuple[Any, str]:
    """A letter that an operand has twice reads a diagonal: its adjoint is zero elsewhere."""
    eye = np.eye(size) if isinstance(size, int) else eye_of(dx, letters.index(c))
    for _ in range(times - 1):
        spare = next(s for s in string.ascii_letters if s not in letters)
        dx = np.einsum(f"{letters},{c}{spare}->{letters}{spare}", dx, eye)
        letters += spare
    return dx, letters


def eye_of(dx: Any, axis: int) -> Any:
    """The identity matrix of an axis' length, of a term."""
    size = dx.shape[axis]
    return dx.apply(np.eye, [size], {})


def arranged(dx: Any, letters: str, wanted: str) -> Any:
    """Axes in the operand's own order: its repeated letters follow the first of their kind."""
    pool = list(range(len(letters)))
    firsts = list(dict.fromkeys(wanted))
    order = []
    extra = {c: [k for k in pool if letters[k] not in wanted and belongs(letters, k, c, wanted)] for c in firsts}
    seen: dict[str, int] = {}
    for c in wanted:
        order.append(letters.index(c) if c not in seen else extra[c][seen[c] - 1])
        seen[c] = seen.get(c, 0) + 1
    return np.transpose(dx, tuple(order))


def belongs(letters: str, k: int, c: str, wanted: str) -> bool:
    """Whether the spare letter at k was added for c: they were added in order, times - 1 for each repeated letter."""
    start = len(dict.fromkeys(wanted))
    for first in dict.fromkeys(wanted):
        extra = wanted.count(first) - 1
        if start <= k < start + extra:
            return first == c
        start += extra
    return False
