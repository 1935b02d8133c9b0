"""SciPy's linear algebra and convolutions, on single matrices; registered once SciPy's are imported."""
from __future__ import annotations

from typing import Any

import numpy as np
import scipy.linalg as sl

from srcad.rules import lazily, linalg, rule

Adjoints = tuple[Any, ...]
s_triangular, s_sylvester = lazily(sl.solve_triangular), lazily(sl.solve_sylvester)


def column(x: Any) -> Any:
    return x if x.ndim == 2 else x[:, None]


@rule(sl.inv)
def inv(dz: Any, z: Any, a: Any) -> Adjoints:
    return linalg.inv(dz, z, a)


@rule(sl.det)
def det(dz: Any, z: Any, a: Any) -> Adjoints:
    return linalg.det(dz, z, a)


@rule(sl.solve)
def solve(dz: Any, z: Any, a: Any, b: Any, assume_a: Any = None) -> Adjoints:
    if assume_a not in (None, "gen", "general") or a.ndim > 2:
        raise NotImplementedError("assume_a, which reads a part of the matrix, nor stacks")
    return linalg.solve(dz, z, a, b)


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
    da = -column(db) @ column(z).T if plain else -column(z) @ column(db).T
    if unit_diagonal:
        return np.tril(da, -1) if lower else np.triu(da, 1), db
    return np.tril(da) if lower else np.triu(da), db


def triangular(a: Any, b: Any, trans: int, lower: bool, unit_diagonal: bool) -> Any:
    keywords = {k: v for k, v in (("trans", trans), ("lower", lower), ("unit_diagonal", unit_diagonal)) if v}
    return a.apply(sl.solve_triangular, [a, b], keywords) if hasattr(a, "expr") else sl.solve_triangular(a, b, **keywords)


@rule(sl.solve_sylvester)
def solve_sylvester(dz: Any, z: Any, a: Any, b: Any, q: Any) -> Adjoints:
    dq = s_sylvester(a.T, b.T, dz)
    return -dq @ z.T, -z.T @ dq, dq


@rule(sl.expm)
def expm(dz: Any, z: Any, A: Any) -> Adjoints:  # noqa: N803
    """The derivative of the exponential of A.T along dz (Higham, "Functions of Matrices", 10.3)."""
    if A.ndim != 2:
        raise NotImplementedError("stacks of matrices")
    whole = {"compute_expm": False}
    return (A.apply(sl.expm_frechet, [A.T, dz], whole) if hasattr(A, "expr") else sl.expm_frechet(A.T, dz, **whole),)
