"""Shapes of Fourier transforms: (n, m) over the last axis, to k points -> (n, k) complex numbers."""
from __future__ import annotations

from typing import Any

import numpy as np

from srcad.dims import Dim, Facts
from srcad.kinds import Number
from srcad.shapes import dimension, known_shape, lift, shape
from srcad.shapes.creation import unchanged

def complex_of(number: Number) -> Any:
    """The dtype of a transform: NumPy's answer for one number."""
    return None if number.dtype is None else np.fft.fft(np.ones(1, number.dtype)).dtype


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
    dtype = None if number.dtype is None else np.fft.irfft(np.ones(2, number.dtype)).dtype
    return replaced(number, facts, {axis: size}, dtype)


@shape(np.fft.fftfreq)
def frequencies(facts: Facts, n: Any, d: Any = 1.0, **keywords: Any) -> Number:
    return Number("array", np.dtype(float), (dimension(n, facts),))


@shape(np.fft.rfftfreq)
def real_frequencies(facts: Facts, n: Any, d: Any = 1.0, **keywords: Any) -> Number:
    return Number("array", np.dtype(float), (dimension(n, facts) // 2 + 1,))


shape(np.fft.fftshift, np.fft.ifftshift)(unchanged)
