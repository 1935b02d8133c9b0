"""Decompositions of matrices, what is made of them, and stacks of them.

Formulas of Giles (2008), of Townsend, "Differentiating the singular value
decomposition" (2016), and of Golub and Pereyra for the pseudoinverse (1973).
Where eigenvalues or singular values are equal, their vectors have no derivative:
it is not a number.
"""
from __future__ import annotations

from typing import Any

import numpy as np

from srcad.rules import rule, unused
from srcad.rules.complex import OF_COMPLEX, is_complex
from srcad.rules.contractions import transposed
from srcad.rules.linalg import identity, inv, norm

Adjoints = tuple[Any, ...]


def one_triangle(full: Any, upper: bool) -> Any:
    """Only one triangle of a symmetric or Hermitian matrix is read, so only it has a gradient."""
    both = full + (np.conj(transposed(full)) if is_complex(full) else transposed(full))
    return (np.triu(both) if upper else np.tril(both)) - full * identity(full)


def inverse_gaps(w: Any) -> Any:
    """1 / (w[j] - w[i]), 0 on the diagonal; not a number where two others are equal."""
    gaps = w[..., None, :] - w[..., :, None]
    eye = identity(w)
    return (1 - eye) / np.where(gaps == 0, np.where(eye == 1, 1.0, np.nan), gaps)


def conjugate(x: Any) -> Any:
    return np.conj(x) if is_complex(x) else x


def of_eigenvalues(dw: Any, v: Any, uplo: str) -> Any:
    """The adjoint of a symmetric or Hermitian matrix from that of its eigenvalues."""
    return one_triangle((conjugate(v) * dw[..., None, :]) @ transposed(v), uplo == "U")


@rule(np.linalg.eigh)
def eigh(dz: Any, z: Any, a: Any, UPLO: str = "L") -> Adjoints:  # noqa: N803
    (dw, dv), (w, v) = dz, z
    if unused(dv):
        return (of_eigenvalues(dw, v, UPLO),)
    if is_complex(v):
        raise NotImplementedError("the vectors of a complex matrix, whose phases are LAPACK's choice; of its values there is one")
    inner = inverse_gaps(w) * (transposed(v) @ dv)
    if not unused(dw):
        inner = inner + identity(v) * dw[..., None, :]
    full = v @ inner @ transposed(v)
    return (one_triangle(0.5 * (full + transposed(full)), UPLO == "U"),)


@rule(np.linalg.eigvalsh)
def eigvalsh(dz: Any, z: Any, a: Any, UPLO: str = "L") -> Adjoints:  # noqa: N803
    return (of_eigenvalues(dz, np.linalg.eigh(a, UPLO="U")[1] if UPLO == "U" else np.linalg.eigh(a)[1], UPLO),)


def thin(a: Any) -> Any:
    return np.linalg.svd(a, full_matrices=False)


def of_values(ds: Any, a: Any) -> Any:
    """The adjoint of a matrix from that of its singular values."""
    u, _, vt = thin(a)
    return (conjugate(u) * ds[..., None, :]) @ conjugate(vt)


@rule(np.linalg.svd)
def svd(dz: Any, z: Any, a: Any, full_matrices: bool = True, compute_uv: bool = True, hermitian: bool = False) -> Adjoints:
    if hermitian:
        raise NotImplementedError("hermitian=True")
    if not compute_uv:
        return (of_values(dz, a),)
    (du, ds, dvt), (u, s, vt) = dz, z
    if unused(du) and unused(dvt):
        return (of_values(ds, a) if full_matrices else (conjugate(u) * ds[..., None, :]) @ conjugate(vt),)
    if is_complex(a):
        raise NotImplementedError("the vectors of a complex matrix, whose phases are LAPACK's choice; of its values there is one")
    rows, columns = a.shape[-2], a.shape[-1]
    if full_matrices and rows != columns:
        raise NotImplementedError("vectors beyond the singular values (give full_matrices=False)")
    gaps = inverse_gaps(s * s)
    from_u = gaps * (transposed(u) @ du - transposed(du) @ u) * s[..., None, :]
    from_v = s[..., :, None] * (gaps * (vt @ transposed(dvt) - dvt @ transposed(vt)))
    da = u @ (from_u + from_v + identity(s) * ds[..., None, :]) @ vt
    if rows == columns:
        return (da,)
    if rows > columns:
        scaled = du / s[..., None, :]
        return (da + (scaled - u @ (transposed(u) @ scaled)) @ vt,)
    scaled = dvt / s[..., :, None]
    return (da + u @ (scaled - scaled @ transposed(vt) @ vt),)


@rule(np.linalg.qr)
def qr(dz: Any, z: Any, a: Any, mode: str = "reduced") -> Adjoints:
    rows, columns = a.shape[-2], a.shape[-1]
    if mode not in ("reduced", "complete") or mode == "complete" and rows > columns:
        raise NotImplementedError(f"the mode {mode!r}")
    (dq, dr), (q, r) = dz, z
    if rows >= columns:
        return (square_qr(dq, dr, q, r),)
    left = square_qr(dq + a[..., rows:] @ transposed(dr[..., rows:]), dr[..., :rows], q, r[..., :rows])
    return (np.concatenate([left, q @ dr[..., rows:]], axis=-1),)


def square_qr(dq: Any, dr: Any, q: Any, r: Any) -> Any:
    m = r @ transposed(dr) - transposed(dq) @ q
    lower = np.tril(m)
    symmetric = lower + transposed(lower) - m * identity(m)
    return transposed(np.linalg.solve(r, transposed(dq + q @ symmetric)))


@rule(np.linalg.pinv)
def pinv(dz: Any, z: Any, a: Any, rcond: Any = None, rtol: Any = None) -> Adjoints:
    zt, dzt = transposed(z), transposed(dz)
    da = -zt @ dz @ zt
    da = da + (dzt - a @ (z @ dzt)) @ z @ zt
    return (da + zt @ z @ (dzt - dzt @ z @ a),)


@rule(np.linalg.lstsq)
def lstsq(dz: Any, z: Any, a: Any, b: Any, rcond: Any = None) -> Adjoints:
    (dx, dresiduals, _, ds), x = dz, z[0]
    inverse = np.linalg.pinv(a)
    db = inverse.T @ dx
    product = np.outer if b.ndim == 1 else rows_product
    da = -product(db, x) + product(b - a @ x, inverse @ db) + product(inverse.T @ x, dx - a.T @ db)
    if not unused(dresiduals) and dresiduals.shape[0] != 0:  # of a tall matrix of full rank
        given = 2 * (b - a @ x) * dresiduals
        da, db = da - product(given, x), db + given
    return da if unused(ds) else da + of_values(ds, a), db


def rows_product(x: Any, y: Any) -> Any:
    return x @ y.T


@rule(np.linalg.matrix_power)
def matrix_power(dz: Any, z: Any, a: Any, n: int = 1) -> Adjoints:
    if n == 0:
        return (0.0 * a,)
    if n < 0:
        inverted = np.linalg.inv(a)
        return inv(power_adjoint(dz, inverted, -n), inverted, a)
    return (power_adjoint(dz, a, n),)


def power_adjoint(dz: Any, a: Any, n: int) -> Any:
    """a**n as the square of a**(n // 2), or as a times a**(n - 1)."""
    if n == 1:
        return dz
    if n % 2:
        rest = transposed(np.linalg.matrix_power(a, n - 1) if n > 3 else a @ a)
        return dz @ rest + power_adjoint(transposed(a) @ dz, a, n - 1)
    half = transposed(np.linalg.matrix_power(a, n // 2) if n > 2 else a)
    return power_adjoint(dz @ half + half @ dz, a, n // 2)


@rule(np.linalg.cond)
def cond(dz: Any, z: Any, x: Any, p: Any = None) -> Adjoints:
    if p is None or p in (2, -2):
        u, s, vt = thin(x)
        large, small = (u[..., :, i : i + 1 or None] @ vt[..., i : i + 1 or None, :] for i in (0, -1))
        top, least = s[..., :1, None], s[..., -1:, None]
        given = dz[..., None, None] if x.ndim > 2 else dz
        if p == -2:
            return (given * (small / top - least / top**2 * large),)
        return (given * (large / least - top / least**2 * small),)
    if x.ndim != 2:
        raise NotImplementedError("norms of stacks")
    inverted = np.linalg.inv(x)
    one, other = np.linalg.norm(x, p), np.linalg.norm(inverted, p)
    return (norm(dz * other, one, x, p)[0] + inv(norm(dz * one, other, inverted, p)[0], inverted, x)[0],)


@rule(np.linalg.tensorinv)
def tensorinv(dz: Any, z: Any, a: Any, ind: int = 2) -> Adjoints:
    size: Any = 1
    for n in a.shape[ind:]:
        size = n * size
    zt = z.reshape((size, size)).T
    return (-(zt @ dz.reshape((size, size)) @ zt).reshape(a.shape),)


@rule(np.linalg.tensorsolve)
def tensorsolve(dz: Any, z: Any, a: Any, b: Any, axes: Any = None) -> Adjoints:
    if axes is not None:
        raise NotImplementedError("axes")
    db = np.linalg.solve(a.reshape((b.size, b.size)).T, dz.reshape(-1))
    return -np.outer(db, z.reshape(-1)).reshape(a.shape), db.reshape(b.shape)


if hasattr(np.linalg, "vector_norm"):
    @rule(np.linalg.vector_norm)
    def vector_norm(dz: Any, z: Any, x: Any, axis: Any = None, keepdims: bool = False, ord: Any = 2) -> Adjoints:
        return norm(dz, z, x, ord, axis if axis is not None or x.ndim == 1 else tuple(range(x.ndim)), keepdims, vector=True)

    @rule(np.linalg.matrix_norm)
    def matrix_norm(dz: Any, z: Any, x: Any, keepdims: bool = False, ord: Any = "fro") -> Adjoints:
        return norm(dz, z, x, ord, (-2, -1), keepdims)

    @rule(np.linalg.svdvals)
    def svdvals(dz: Any, z: Any, x: Any) -> Adjoints:
        return (of_values(dz, x),)


OF_COMPLEX.update((np.linalg.eigh, np.linalg.eigvalsh, np.linalg.svd, *([np.linalg.svdvals] if hasattr(np.linalg, "svdvals") else [])))
