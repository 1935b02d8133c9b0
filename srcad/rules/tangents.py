"""How tangents pass through the functions whose rule is not elementwise: forward mode.

    z = np.sum(x, axis=0)      dz = np.sum(dx, axis=0)             a linear function is its own tangent
    z = a @ b                  dz = da @ b + a @ db                one in each operand: a sum over the operands
    z = np.max(x, axis=1)      dz = np.sum(g * dx, axis=1)         g: the gradient of each number of the result
    z = np.linalg.inv(a)       dz = -z @ da @ z                    the rest have a rule of their own

An elementwise function needs nothing: its rule, given the tangent for the adjoint, is the tangent.
"""
from __future__ import annotations

import builtins
import math
import operator
from collections.abc import Callable
from typing import Any, TypeVar

import numpy as np

from srcad.rules.reductions import kept
from srcad.rules.selecting import along, taken

F = TypeVar("F", bound=Callable[..., Any])

LINEAR = {
    np.sum, np.mean, np.cumsum, np.trace, np.diag, np.diagonal, np.tril, np.triu, np.reshape, np.ravel, np.squeeze, np.expand_dims, np.atleast_1d, np.atleast_2d, np.atleast_3d,
    np.transpose, np.swapaxes, np.moveaxis, np.copy, np.array, np.asarray, np.asanyarray, np.ascontiguousarray, np.asfortranarray, np.concatenate, np.stack, np.vstack, np.hstack, np.column_stack, np.dstack, np.block,
    np.split, np.array_split, np.vsplit, np.hsplit, np.dsplit, np.flip, np.full, np.full_like, np.broadcast_to, np.delete, np.diagflat, np.fliplr, np.flipud, np.rot90, np.roll,
    np.rollaxis, np.tile, np.repeat, np.pad, np.take, np.take_along_axis, np.compress, np.extract, np.diff, np.ediff1d, np.where, np.linspace, np.meshgrid, np.append, np.resize,
    np.fft.fftshift, np.fft.ifftshift, builtins.sum, math.fsum,
}
SECOND = {np.where, np.full, np.full_like}  # linear in what follows the first operand
AFFINE = ("initial", "constant_values", "end_values", "prepend", "append", "to_begin", "to_end")  # parameters that add something: a function with one is not linear
MULTILINEAR = {np.matmul, operator.matmul, np.dot, np.inner, np.outer, np.vdot, np.tensordot, np.einsum, np.kron, np.convolve, np.correlate, np.cross}
REDUCTIONS = {np.sum, np.max, np.amax, np.min, np.amin, np.prod, np.var, np.std, np.median, np.ptp, np.linalg.norm, np.nansum, np.nanmean, np.nanprod, np.nanmax, np.nanmin, np.nanvar,
              np.nanstd, np.nanmedian}
for owner, label, known in [  # what only some versions of NumPy have
    *((np, n, LINEAR) for n in ("permute_dims", "concat", "cumulative_sum", "unstack", "matrix_transpose")), *((np, n, MULTILINEAR) for n in ("vecdot", "matvec", "vecmat")),
    *((np.linalg, n, LINEAR) for n in ("diagonal", "trace", "matrix_transpose")), *((np.linalg, n, MULTILINEAR) for n in ("vecdot", "matmul", "outer", "tensordot", "cross")),
    *((np.linalg, n, REDUCTIONS) for n in ("vector_norm",)),
]:
    if hasattr(owner, label):
        known.add(getattr(owner, label))
TANGENTS: dict[object, Callable[..., Any]] = {}


def tangent(*functions: object) -> Callable[[F], F]:
    """The decorated function has the signature `(dots, z, *operands, **params)`: the tangents of the operands, None where there is none."""
    def register(function: F) -> F:
        TANGENTS.update(dict.fromkeys(functions, function))
        return function

    return register


@tangent(np.linalg.inv)
def inv(dots: Any, z: Any, a: Any) -> Any:
    return -(z @ dots[0] @ z)


@tangent(np.linalg.solve)
def solve(dots: Any, z: Any, a: Any, b: Any) -> Any:
    """z = a⁻¹ b: a dz = db - da z."""
    da, db = dots
    right = db if da is None else -(da @ z) if db is None else db - da @ z
    return np.linalg.solve(a, right)


@tangent(np.linalg.cholesky)
def cholesky(dots: Any, z: Any, a: Any, upper: bool = False) -> Any:
    """dz = z Φ(z⁻¹ da z⁻ᵀ), with Φ the lower triangle and half of the diagonal; NumPy reads the lower triangle of `a` alone.
    Murray, "Differentiation of the Cholesky decomposition" (2016)."""
    if upper or a.ndim != 2:
        raise NotImplementedError("a stack, or the upper factor")
    inverse = np.linalg.inv(z)
    symmetric = np.tril(dots[0]) + np.tril(dots[0], -1).T
    inner = np.tril(inverse @ symmetric @ inverse.T)
    return z @ (inner - np.diag(np.diag(inner)) / 2)


@tangent(np.max, np.amax, np.min, np.amin)
def extreme(dots: Any, z: Any, a: Any, axis: Any = None, keepdims: bool = False, initial: Any = None, where: Any = True) -> Any:
    """The mean of the tangents of the extremes."""
    if where is not True or initial is not None:
        raise NotImplementedError("where and initial")
    top = a == kept(z, axis, keepdims)
    return np.sum(top * dots[0], axis=axis, keepdims=keepdims) / np.sum(top, axis=axis, keepdims=keepdims)


@tangent(np.sort)
def sort(dots: Any, z: Any, a: Any, axis: Any = -1, kind: Any = None, stable: Any = None) -> Any:
    if axis is None:
        return dots[0].reshape(-1)[np.argsort(a, axis=None)]
    return taken(dots[0], along(a, axis), axis)
