"""Linear algebra, on single matrices and stacks of them.

The formulas are those of Giles, "Collected matrix derivative results for
forward and reverse mode algorithmic differentiation" (2008), and for the
Cholesky factor of Murray, "Differentiation of the Cholesky decomposition" (2016).
"""
from __future__ import annotations

from typing import Any

import numpy as np

from srcad.rules import made, rule
from srcad.rules.complex import is_complex
from srcad.rules.contractions import transposed
from srcad.rules.reductions import kept
from srcad.rules.selecting import gathered, numbered

Adjoints = tuple[Any, ...]


OLD_NUMPY = int(np.__version__.split(".")[0]) < 2  # which takes (n, n, n), (n, n) for a stack of vectors


@rule(np.linalg.inv)
def inv(dz: Any, z: Any, a: Any) -> Adjoints:
    zt = transposed(z)
    return (-zt @ dz @ zt,)


@rule(np.linalg.solve)
def solve(dz: Any, z: Any, a: Any, b: Any) -> Adjoints:
    if a.ndim > 2 and (b.ndim == 1 or OLD_NUMPY and b.ndim == a.ndim - 1):
        raise NotImplementedError("a stack of matrices with vectors; give the vectors a second axis")
    db = np.linalg.solve(transposed(a), dz)
    if b.ndim == 1 and a.ndim == 2:
        return -np.outer(db, z), db
    return -db @ transposed(z), db


@rule(np.linalg.det)
def det(dz: Any, z: Any, a: Any) -> Adjoints:
    """Through the inverse: a singular matrix raises LinAlgError."""
    if a.ndim == 2:
        return (dz * z * np.linalg.inv(a).T,)
    return ((dz * z)[..., None, None] * transposed(np.linalg.inv(a)),)


@rule(np.linalg.slogdet)
def slogdet(dz: Any, z: Any, a: Any) -> Adjoints:
    if a.ndim == 2:
        return (dz[1] * np.linalg.inv(a).T,)
    return (dz[1][..., None, None] * transposed(np.linalg.inv(a)),)


@rule(np.linalg.cholesky)
def cholesky(dz: Any, z: Any, a: Any) -> Adjoints:
    """Only the lower triangle of `a` is read, so only it has a gradient."""
    inverse = np.linalg.inv(z)
    middle = np.tril(transposed(z) @ dz)
    full = transposed(inverse) @ (middle + transposed(np.tril(middle, -1))) @ inverse
    return (np.tril(full) - 0.5 * full * identity(z),)


def identity(z: Any) -> Any:
    """The identity matrix of a matrix' size; of a term, the text of it."""
    return z.apply(np.eye, [z.shape[-1]], {}) if hasattr(z, "apply") else np.eye(z.shape[-1])


@rule(np.linalg.norm)
def norm(dz: Any, z: Any, x: Any, ord: Any = None, axis: Any = None, keepdims: bool = False, *, vector: bool = False) -> Adjoints:
    """0 where the norm is 0."""
    vector = vector or axis is None and x.ndim == 1 or isinstance(axis, int)
    if ord == "fro" or ord is None or (ord == 2 and vector):
        share = dz / np.where(z == 0, 1, z)
        return ((np.conj(x) if is_complex(x) else x) * kept(share, axis, keepdims),)
    if is_complex(x):
        raise NotImplementedError(f"ord={ord!r} of complex numbers")
    if not vector:
        return (matrix_norm_adjoint(dz, z, x, ord, (0, 1) if axis is None else tuple(axis), keepdims),)
    if ord == 0:
        return (0.0 * x,)
    if ord == 1:
        return (np.sign(x) * kept(dz, axis, keepdims),)
    if ord in (np.inf, -np.inf):
        top = np.abs(x) == kept(z, axis, keepdims)
        return (np.sign(x) * top * (kept(dz, axis, keepdims) / np.sum(top, axis=axis, keepdims=axis is not None)),)
    if ord > 1:
        share = dz / np.where(z == 0, 1, z) ** (ord - 1)
        return (np.sign(x) * np.abs(x) ** (ord - 1) * kept(share, axis, keepdims),)
    ratio = np.where(x == 0, 1, np.abs(x)) / kept(np.where(z == 0, 1, z), axis, keepdims)
    return (np.sign(x) * ratio ** (ord - 1) * kept(dz, axis, keepdims),)


def matrix_norm_adjoint(dz: Any, z: Any, x: Any, ord: Any, axes: tuple[int, int], keepdims: bool) -> Any:
    """Norms by the sums of columns or rows: those that are largest share evenly. By singular values: their vectors."""
    both = tuple(a % x.ndim for a in axes)
    given, norm_ = (v[..., None, None] if x.ndim > 2 and not keepdims else v for v in (dz, z))
    turned = both != (x.ndim - 2, x.ndim - 1)
    if keepdims and turned:
        given, norm_ = (np.moveaxis(v, both, (-2, -1)) for v in (given, norm_))
    m = np.moveaxis(x, both, (-2, -1)) if turned else x
    if ord in (1, -1, np.inf, -np.inf):
        sums = np.sum(np.abs(m), axis=-2 if abs(ord) == 1 else -1, keepdims=True)
        top = sums == norm_
        dm = np.sign(m) * (top * (given / np.sum(top, axis=(-2, -1), keepdims=True)))
    elif ord in (2, -2, "nuc"):
        u, _, vt = np.linalg.svd(m, full_matrices=False)
        pair = u @ vt if ord == "nuc" else u[..., :, :1] @ vt[..., :1, :] if ord == 2 else u[..., :, -1:] @ vt[..., -1:, :]
        dm = pair * np.where(norm_ == 0, 0.0, given)
    else:
        raise NotImplementedError(f"the matrix norm {ord!r}")
    return np.moveaxis(dm, (-2, -1), both) if turned else dm


@rule(np.trace)
def trace(dz: Any, z: Any, a: Any, offset: int = 0, axis1: int = 0, axis2: int = 1) -> Adjoints:
    """The identity of the two axes, times dz."""
    eye = made(a, np.eye, a.shape[axis1], a.shape[axis2], **({"k": offset} if offset else {}))
    if a.ndim == 2:
        return ((eye if axis1 % 2 == 0 else eye.T) * dz,)
    return (np.moveaxis(dz[..., None, None] * eye, (-2, -1), (axis1, axis2)),)


@rule(np.diag)
def diag(dz: Any, z: Any, v: Any, k: int = 0) -> Adjoints:
    if v.ndim == 1:
        return (np.diag(dz, k=k) if k else np.diag(dz),)
    if k == 0 and v.shape[0] == v.shape[1]:
        return (np.diag(dz),)
    return (scattered_diagonal(dz, v, k),)


@rule(np.diagonal)
def diagonal(dz: Any, z: Any, a: Any, offset: int = 0, axis1: int = 0, axis2: int = 1) -> Adjoints:
    if a.ndim == 2 and axis1 % 2 == 0:
        return diag(dz, z, a, offset)
    return (gathered(dz, np.diagonal(numbered(a), offset, axis1, axis2), a),)


def scattered_diagonal(dz: Any, v: Any, k: int) -> Any:
    """Zeros but for the k-th diagonal."""
    dv = np.zeros(v.shape, dz.dtype)
    rows = np.arange(dz.shape[0])
    dv[rows - min(k, 0), rows + max(k, 0)] = dz
    return dv


@rule(np.tril)
def tril(dz: Any, z: Any, m: Any, k: int = 0) -> Adjoints:
    return (np.tril(dz, k) if k else np.tril(dz),)


@rule(np.triu)
def triu(dz: Any, z: Any, m: Any, k: int = 0) -> Adjoints:
    return (np.triu(dz, k) if k else np.triu(dz),)
