"""Shapes of Fourier transforms: (n, m) over the last axis, to k points -> (n, k) complex numbers."""
from __future__ import annotations

from typing import Any

import numpy as np

from srcad.dims import Dim, Facts
from srcad.kinds import Number
from srcad.shapes import dimension, known_shape, lift, shape
from srcad.shapes.creation import unchanged

COMPLEX = {np.dtype(np.float32): np.dtype(np.complex64), np.dtype(np.complex64): np.dtype(np.complex64), np.dtype(np.float16): np.dtype(np.complex64)}


def complex_of(number: Number) -> Any:
    """The dtype of a transform; None for single precision, which older NumPys transform in double."""
    if number.dtype is None or number.dtype in COMPLEX:
        return None
    return np.dtype(complex)


def replaced(x: Any, facts: Facts, sizes: dict[int, Any], dtype: Any) -> Number:
    dims = list(known_shape(x))
    for axis, size in sizes.items():
        dims[axis] = size if isinstance(size, Dim) else dimension(size, facts)
    return Number("array", dtype, tuple(dims))


@shape(np.fft.fft, np.fft.ifft)
def one(facts: Facts, a: Any, n: Any = None, axis: int = -1, norm: Any = None) -> Number:
    number = lift(a, facts)
    return replaced(number, facts, {} if n is None else {axis: n}, complex_of(number))


@shape(np.fft.fft2, np.fft.ifft2)
def two(facts: Facts, a: Any, s: Any = None, axes: Any = (-2, -1), norm: Any = None) -> Number:
    number = lift(a, facts)
    return replaced(number, facts, {} if s is None else dict(zip(axes, s)), complex_of(number))


@shape(np.fft.fftn, np.fft.ifftn)
def many(facts: Facts, a: Any, s: Any = None, axes: Any = None, norm: Any = None) -> Number:
    number = lift(a, facts)
    if s is not None and axes is None:
        axes = tuple(range(-len(s), 0))
    return replaced(number, facts, {} if s is None else dict(zip(axes, s)), complex_of(number))


@shape(np.fft.rfft)
def real(facts: Facts, a: Any, n: Any = None, axis: int = -1, norm: Any = None) -> Number:
    number = lift(a, facts)
    size = known_shape(number)[axis] if n is None else dimension(n, facts)
    return replaced(number, facts, {axis: size // 2 + 1}, complex_of(number))


@shape(np.fft.irfft)
def real_inverse(facts: Facts, a: Any, n: Any = None, axis: int = -1, norm: Any = None) -> Number:
    number = lift(a, facts)
    size = (known_shape(number)[axis] - 1) * 2 if n is None else dimension(n, facts)
    dtype = np.dtype(float) if complex_of(number) is not None else None
    return replaced(number, facts, {axis: size}, dtype)


shape(np.fft.fftshift, np.fft.ifftshift)(unchanged)
