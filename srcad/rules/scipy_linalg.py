"""SciPy's linear algebra and convolutions, on single matrices; registered once SciPy's are imported."""
from __future__ import annotations

from typing import Any

import numpy as np
import scipy.linalg as sl

from srcad.rules import lazily, linalg, made, rule
from srcad.rules.complex import OF_COMPLEX, is_complex
from srcad.rules.decompositions import one_triangle

Adjoints = tuple[Any, ...]
s_triangular, s_sylvester = lazily(sl.solve_triangular), lazily(sl.solve_sylvester)


@rule(sl.inv)
def inv(dz: Any, z: Any, a: Any) -> Adjoints:
    return linalg.inv(dz, z, a)


@rule(sl.det)
def det(dz: Any, z: Any, a: Any) -> Adjoints:
    return linalg.det(dz, z, a)


@rule(sl.solve)
def solve(dz: Any, z: Any, a: Any, b: Any, lower: bool = False, assume_a: Any = None) -> Adjoints:
    """Of a matrix that is said to be symmetric only one triangle is read."""
    if a.ndim > 2:
        raise NotImplementedError("stacks of matrices: use np.linalg.solve")
    if assume_a in (None, "gen", "general"):
        return linalg.solve(dz, z, a, b)
    if assume_a not in ("pos", "positive definite", "sym", "symmetric"):
        raise NotImplementedError(f"assume_a={assume_a!r}: use 'gen', 'sym' or 'pos'")
    if is_complex(a) or is_complex(b):
        raise NotImplementedError(f"assume_a={assume_a!r} of complex numbers: use 'gen'")
    keywords = {"lower": True, "assume_a": assume_a} if lower else {"assume_a": assume_a}
    db = made(a, sl.solve, a, dz, **keywords)
    return one_triangle(-(np.outer(db, z) if z.ndim == 1 else db @ z.T), not lower), db


@rule(sl.cholesky)
def cholesky(dz: Any, z: Any, a: Any, lower: bool = False) -> Adjoints:
    """Only one triangle of `a` is read, so only it has a gradient."""
    if lower:
        return linalg.cholesky(dz, z, a)
    return (linalg.cholesky(dz.T, z.T, a)[0].T,)


@rule(sl.solve_triangular)
def solve_triangular(dz: Any, z: Any, a: Any, b: Any, trans: Any = 0, lower: bool = False, unit_diagonal: bool = False) -> Adjoints:
    """Only one triangle of `a` is read."""
    if trans not in (0, 1, "N", "T"):
        raise NotImplementedError(f"trans={trans!r}")
    plain = trans in (0, "N")
    db = triangular(a, dz, 1 if plain else 0, lower, unit_diagonal)
    left, right = (db, z) if plain else (z, db)
    da = -(np.outer(left, right) if z.ndim == 1 else left @ right.T)
    if unit_diagonal:
        return np.tril(da, -1) if lower else np.triu(da, 1), db
    return np.tril(da) if lower else np.triu(da), db


def triangular(a: Any, b: Any, trans: int, lower: bool, unit_diagonal: bool) -> Any:
    keywords = {k: v for k, v in (("trans", trans), ("lower", lower), ("unit_diagonal", unit_diagonal)) if v}
    return a.apply(sl.solve_triangular, [a, b], keywords) if hasattr(a, "expr") else sl.solve_triangular(a, b, **keywords)


@rule(sl.solve_banded)
def solve_banded(dz: Any, z: Any, ab: Any, b: Any, l_and_u: Any = (1, 1)) -> Adjoints:
    """The diagonals of the transposed matrix are the same, in turned order and moved beside one another; `ab` gets those of -db z.T."""
    low, high = l_and_u
    size = ab.shape[1]
    if ab.ndim != 2 or b.ndim > 2 or size <= max(low, high):
        raise NotImplementedError("stacks, nor more diagonals than the matrix has")
    turned = made(dz, np.stack, [shifted(ab[low + high - r], low - r, size) for r in range(low + high + 1)])
    db = made(dz, sl.solve_banded, (high, low), turned, dz)
    products = [(db[max(s, 0) : size + min(s, 0)] * z[max(-s, 0) : size - max(s, 0)], s) for s in range(-high, low + 1)]
    rows = [np.pad(-(p if b.ndim == 1 else np.sum(p, axis=1)), (max(-s, 0), max(s, 0))) for p, s in products]
    return made(dz, np.stack, rows), db


def shifted(row: Any, by: int, size: Any) -> Any:
    """A row moved so far to the right, or to the left."""
    return np.pad(row[max(-by, 0) : size - max(by, 0)], (max(by, 0), max(-by, 0))) if by else row


@rule(sl.sqrtm)
def sqrtm(dz: Any, z: Any, A: Any) -> Adjoints:  # noqa: N803
    """From dz z + z dz = dA. It counts as complex, as that of a real matrix may be; solve_sylvester must not be given real matrices with a complex dz."""
    if A.ndim > 2:
        raise NotImplementedError("stacks")
    root = z.astype(np.complex128).T
    return (s_sylvester(root, root, dz),)


@rule(sl.solve_sylvester)
def solve_sylvester(dz: Any, z: Any, a: Any, b: Any, q: Any) -> Adjoints:
    if any(map(is_complex, (a, b, q))) and not (is_complex(a) and is_complex(b)):
        raise NotImplementedError("real matrices beside complex numbers (make both complex)")
    dq = s_sylvester(a.T, b.T, dz)
    return -dq @ z.T, -z.T @ dq, dq


@rule(sl.expm)
def expm(dz: Any, z: Any, A: Any) -> Adjoints:  # noqa: N803
    """The derivative of the exponential of A.T along dz (Higham, "Functions of Matrices", 10.3)."""
    if A.ndim != 2:
        raise NotImplementedError("stacks of matrices")
    whole = {"compute_expm": False}
    return (A.apply(sl.expm_frechet, [A.T, dz], whole) if hasattr(A, "expr") else sl.expm_frechet(A.T, dz, **whole),)


OF_COMPLEX.update((sl.sqrtm, sl.inv, sl.det, sl.solve, sl.solve_sylvester))
