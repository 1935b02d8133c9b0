"""More products that sum: convolutions, cross and Kronecker products, chains, and NumPy's own for stacks of vectors.

    z = np.convolve(a, v)       da = np.correlate(dz, v, "valid")
"""
from __future__ import annotations

from typing import Any

import numpy as np

from srcad.rules import rule
from srcad.rules.contractions import matmul, outer, tensordot, transposed
from srcad.rules.linalg import diagonal, trace

Adjoints = tuple[Any, ...]


def fully(dz: Any, a: Any, v: Any, mode: str, flipped: bool) -> Any:
    """The adjoint of the whole convolution, of which the modes 'same' and 'valid' are parts."""
    n, m = a.shape[0], v.shape[0]
    if mode == "full":
        return dz
    short, long = (m, n) if m <= n else (n, m)
    if mode == "valid":
        return np.pad(dz, (short - 1, short - 1))
    if mode != "same":
        raise NotImplementedError(f"the mode {mode!r}")
    before = short // 2 if flipped and n < m else (short - 1) // 2
    return np.pad(dz, (before, short - 1 - before))


@rule(np.convolve)
def convolve(dz: Any, z: Any, a: Any, v: Any, mode: str = "full") -> Adjoints:
    whole = fully(dz, a, v, mode, False)
    return np.correlate(whole, v, mode="valid"), np.correlate(whole, a, mode="valid")


@rule(np.correlate)
def correlate(dz: Any, z: Any, a: Any, v: Any, mode: str = "valid") -> Adjoints:
    """A convolution with `v` turned round."""
    whole = fully(dz, a, v, mode, True)
    return np.convolve(whole, v, mode="valid"), np.flip(np.correlate(whole, a, mode="valid"))


@rule(np.cross)
def cross(dz: Any, z: Any, a: Any, b: Any, axisa: int = -1, axisb: int = -1, axisc: int = -1, axis: Any = None) -> Adjoints:
    axes = (axisa, axisb, axisc) if axis is None else (axis,) * 3
    if a.shape[axes[0]] != 3 or b.shape[axes[1]] != 3:
        raise NotImplementedError("vectors of length 2")
    if axes == (-1, -1, -1):
        return np.cross(b, dz), np.cross(dz, a)
    if a.ndim != dz.ndim or b.ndim != dz.ndim:
        raise NotImplementedError("axes other than the last of stacks that broadcast")
    i, j, k = axes
    return np.cross(b, dz, axisa=j, axisb=k, axisc=i), np.cross(dz, a, axisa=k, axisb=i, axisc=j)


@rule(np.kron)
def kron(dz: Any, z: Any, a: Any, b: Any) -> Adjoints:
    """The blocks lie beside the elements, on axes of their own."""
    rank = max(a.ndim, b.ndim)
    if rank == 0:
        return b * dz, a * dz
    sizes = [(1,) * (rank - x.ndim) + tuple(x.shape) for x in (a, b)]
    split = dz.reshape(tuple(n for pair in zip(*sizes) for n in pair))
    outer_axes, inner_axes = tuple(range(0, 2 * rank, 2)), tuple(range(1, 2 * rank, 2))
    own = tuple(range(rank))
    da = np.tensordot(split, b.reshape(sizes[1]), axes=(inner_axes, own))
    db = np.tensordot(a.reshape(sizes[0]), split, axes=(own, outer_axes))
    return da.reshape(a.shape), db.reshape(b.shape)


@rule(np.linalg.multi_dot)
def multi_dot(dz: Any, z: Any, arrays: Any) -> Adjoints:
    """Each matrix gets what stands before it, transposed, dz, and what stands after it, transposed."""
    if any(isinstance(x, (list, tuple)) for x in arrays):
        raise NotImplementedError("a list of numbers. Make it an array")
    first, last = arrays[0], arrays[-1]
    matrices = [first.reshape((1, -1)) if first.ndim == 1 else first, *arrays[1:-1], last.reshape((-1, 1)) if last.ndim == 1 else last]
    whole = dz.reshape((matrices[0].shape[0], matrices[-1].shape[1]))
    out = []
    for i, x in enumerate(arrays):
        given = whole
        for m in matrices[:i]:
            given = m.T @ given
        for m in matrices[i + 1 :][::-1]:
            given = given @ m.T
        out.append(given.reshape(x.shape))
    return (out,)


def vecdot(dz: Any, z: Any, x1: Any, x2: Any, axis: int = -1) -> Adjoints:
    given = dz if x1.ndim == x2.ndim == 1 else np.expand_dims(dz, axis)
    return x2 * given, x1 * given


def matvec(dz: Any, z: Any, x1: Any, x2: Any) -> Adjoints:
    return dz[..., None] * x2[..., None, :], np.matvec(transposed(x1), dz)


def vecmat(dz: Any, z: Any, x1: Any, x2: Any) -> Adjoints:
    return np.matvec(x2, dz), x1[..., None] * dz[..., None, :]


def linalg_cross(dz: Any, z: Any, x1: Any, x2: Any, axis: int = -1) -> Adjoints:
    return cross(dz, z, x1, x2, axis=axis)


def linalg_trace(dz: Any, z: Any, x: Any, offset: int = 0, dtype: Any = None) -> Adjoints:
    return trace(dz, z, x, offset, x.ndim - 2, x.ndim - 1)


def linalg_diagonal(dz: Any, z: Any, x: Any, offset: int = 0) -> Adjoints:
    return diagonal(dz, z, x, offset, x.ndim - 2, x.ndim - 1)


def linalg_outer(dz: Any, z: Any, x1: Any, x2: Any) -> Adjoints:
    return outer(dz, z, x1, x2)


def linalg_matmul(dz: Any, z: Any, x1: Any, x2: Any) -> Adjoints:
    return matmul(dz, z, x1, x2)


def linalg_tensordot(dz: Any, z: Any, x1: Any, x2: Any, axes: Any = 2) -> Adjoints:
    return tensordot(dz, z, x1, x2, axes)


for _owner, _label, _rule in (  # what NumPy has since 2.0 or later
        (np, "vecdot", vecdot), (np, "matvec", matvec), (np, "vecmat", vecmat), (np.linalg, "vecdot", vecdot), (np.linalg, "cross", linalg_cross),
        (np.linalg, "trace", linalg_trace), (np.linalg, "diagonal", linalg_diagonal), (np.linalg, "outer", linalg_outer),
        (np.linalg, "matmul", linalg_matmul), (np.linalg, "tensordot", linalg_tensordot)):
    if hasattr(_owner, _label):
        rule(getattr(_owner, _label))(_rule)
