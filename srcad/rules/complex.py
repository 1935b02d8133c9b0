"""Complex numbers, in JAX's convention: the adjoint of z = a + ib is the derivative by a less i times that by b.

    w = z * z        dz = 2 * z * dw        what is holomorphic has the rule that it has for real numbers
    r = np.abs(z)    dz = np.conj(z) / r * dr

The adjoint of a real number is the real part of what reaches it.
"""
from __future__ import annotations

import operator
from typing import Any

import numpy as np

from srcad.rules import rule

Adjoints = tuple[Any, ...]


def is_complex(x: Any) -> bool:
    return x.dtype.kind == "c" if hasattr(x, "dtype") else isinstance(x, complex)


@rule(np.conjugate, elementwise=True)
def conjugate(dz: Any, z: Any, x: Any) -> Adjoints:
    return (np.conj(dz) if is_complex(x) else dz,)


@rule(np.real, np.real_if_close)
def real(dz: Any, z: Any, val: Any) -> Adjoints:
    return (dz,)


@rule(np.imag)
def imag(dz: Any, z: Any, val: Any) -> Adjoints:
    return (-(1j * dz) if is_complex(val) else None,)


@rule(np.angle)
def angle(dz: Any, z: Any, x: Any, deg: bool = False) -> Adjoints:
    """0 at 0, and of real numbers."""
    if not is_complex(x):
        return (None,)
    scaled = dz * (180 / np.pi) if deg else dz
    return (np.where(x == 0, 0.0, -1j / np.where(x == 0, 1, x)) * scaled,)


@rule(complex)
def of_parts(dz: Any, z: Any, real: Any, imag: Any) -> Adjoints:
    return dz, 1j * dz


LABELS = (
    "add", "subtract", "multiply", "divide", "negative", "positive", "power", "square", "reciprocal", "exp", "expm1", "log", "log1p",
    "log2", "log10", "exp2", "sqrt", "sin", "cos", "tan", "sinh", "cosh", "tanh", "arcsin", "arccos", "arctan",
    "arcsinh", "arccosh", "arctanh", "max", "min", "var", "std", "sum", "mean", "prod", "cumsum", "dot", "matmul",
    "inner", "outer", "tensordot", "einsum", "kron", "trace", "diagonal", "diag", "tril", "triu", "transpose", "reshape", "ravel", "swapaxes",
    "moveaxis", "squeeze", "expand_dims", "flip", "fliplr", "flipud", "roll", "concatenate", "stack", "vstack", "hstack",
    "broadcast_to", "where", "take", "take_along_axis", "sort", "sort_complex", "array", "asarray", "asanyarray", "ascontiguousarray", "asfortranarray", "copy", "tile", "repeat", "split", "full", "amax", "amin",
    "atleast_1d", "atleast_2d", "atleast_3d", "column_stack", "dstack", "append", "block", "vsplit", "hsplit", "dsplit", "array_split", "unstack", "full_like", "compress", "extract",
    "choose", "delete", "insert", "cumprod", "cumulative_sum", "cumulative_prod", "diff", "ediff1d", "gradient", "average", "trapezoid", "broadcast_arrays", "meshgrid", "diagflat",
    "rot90", "rollaxis", "matrix_transpose", "resize", "pad", "linspace", "vander", "cross", "matvec", "polyval", "polyadd", "polysub", "polyder", "polyint", "vdot",
)
OF_MATRICES = ("inv", "solve", "det", "norm", "matrix_transpose", "multi_dot", "cross", "trace", "outer", "matmul", "tensordot", "matrix_power", "tensorinv", "tensorsolve")
HOLOMORPHIC = {
    operator.add, operator.sub, operator.mul, operator.truediv, operator.neg, operator.pos, operator.matmul, operator.pow,
    *(getattr(np, label) for label in LABELS if hasattr(np, label)), *(getattr(np.linalg, label) for label in OF_MATRICES if hasattr(np.linalg, label)),
    np.lib.stride_tricks.sliding_window_view, sum,
}
OF_COMPLEX = HOLOMORPHIC | {np.conjugate, np.real, np.imag, np.angle, np.absolute, abs, complex}  # what has a derivative for complex numbers
