"""Eigenvalues of general matrices, and what follows from them: roots of polynomials, square roots of matrices.

    w, v = np.linalg.eig(a)     a v[:, j] = w[j] v[:, j]

With da small, v changes by v c, where off its diagonal c[i, j] = (inv(v) da v)[i, j] / (w[j] - w[i]), and w[j] by the diagonal element
of inv(v) da v (Boeddeker et al., "On the computation of complex-valued gradients", 2019). The diagonal of c is what LAPACK's geev makes of the
vectors: each has the length 1, and its largest element is real. Results count as complex, as the data decide whether they are. Where
eigenvalues are equal, their vectors have no derivative: it is not a number.
"""
from __future__ import annotations

from typing import Any

import numpy as np

from srcad.rules import made, rule, unused
from srcad.rules.complex import OF_COMPLEX
from srcad.rules.contractions import transposed
from srcad.rules.decompositions import inverse_gaps
from srcad.rules.linalg import identity

Adjoints = tuple[Any, ...]


def of_values(dw: Any, v: Any) -> Any:
    """The adjoint of a matrix from that of its eigenvalues: inv(v).T @ diag(dw) @ v.T."""
    return np.linalg.solve(transposed(v), dw[..., :, None] * transposed(v))


@rule(np.linalg.eig)
def eig(dz: Any, z: Any, a: Any) -> Adjoints:
    (dw, dv), (w, v) = dz, z
    if unused(dv):
        return (of_values(dw, v),)
    inner = inverse_gaps(w) * (transposed(v) @ dv - scaled_back(dv, v))
    if not unused(dw):
        inner = inner + identity(v) * dw[..., None, :]
    return (np.linalg.solve(transposed(v), inner @ transposed(v)),)


def scaled_back(dv: Any, v: Any) -> Any:
    """What scaling each vector to the length 1, and turning its largest element to be real, takes away."""
    along = np.sum(v * dv, axis=-2)[..., None, :]
    largest = np.argmax(np.where(np.imag(v) == 0, np.abs(v), 0.0), axis=-2)
    rows = np.take_along_axis(v, largest[..., :, None], axis=-2)
    turned = transposed(rows) / np.take_along_axis(v, largest[..., None, :], axis=-2)
    return np.real(along) * (transposed(v) @ np.conj(v)) + 1j * np.imag(along) * turned


@rule(np.linalg.eigvals)
def eigvals(dz: Any, z: Any, a: Any) -> Adjoints:
    """The vectors come from eig, which may have another order: each eigenvalue is nearest to its own."""
    w, v = np.linalg.eig(a)
    order = np.argmin(np.abs(w[..., :, None] - z[..., None, :]), axis=-1)
    own = np.sort(order, axis=-1) == made(a, np.arange, a.shape[-1])  # equal eigenvalues may miss one another
    return (of_values(np.where(own, np.take_along_axis(dz, order, axis=-1), np.nan), v),)


@rule(np.roots)
def roots(dz: Any, z: Any, p: Any) -> Adjoints:
    """A root r moves by -r**k / p'(r), as the coefficient of x**k grows."""
    slopes = np.polyval(np.polyder(p), z)
    return (-(dz / slopes) @ np.vander(z, p.shape[0]),)


OF_COMPLEX.update((np.linalg.eig, np.linalg.eigvals, np.roots))
