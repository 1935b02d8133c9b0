"""Shapes of Fourier transforms: (n, m) over the last axis, to k points -> (n, k) complex numbers."""
from __future__ import annotations

from typing import Any

import numpy as np

from srcad.dims import Facts
from srcad.kinds import Number
from srcad.shapes import dimension, integer, known_shape, lift, shape
from srcad.shapes.creation import unchanged


def complex_of(number: Number) -> Any:
    """The dtype of a transform: NumPy's answer for one number."""
    return None if number.dtype is None else np.fft.fft(np.ones(1, number.dtype)).dtype


def real_of(number: Number) -> Any:
    return None if number.dtype is None else np.fft.irfft(np.ones(2, number.dtype)).dtype


def whole(size: Any) -> bool:
    """Whether a size says: as long as the axis is."""
    return size is None or isinstance(size, int) and size == -1


def replaced(x: Any, facts: Facts, sizes: dict[int, Any], dtype: Any) -> Number:
    dims = list(known_shape(x))
    for axis, size in sizes.items():
        dims[axis] = dimension(size, facts)
    return Number("array", dtype, tuple(dims))


def sizes_of(number: Number, s: Any, axes: Any) -> dict[int, Any]:
    """The axes of a transform, in order, with the lengths that they are given."""
    have = known_shape(number)
    if axes is None:
        axes = range(len(have)) if s is None else range(-len(s), 0)
    over = [integer(a) % len(have) for a in axes]
    if len(set(over)) < len(over):
        raise NotImplementedError
    return {axis: have[axis] if whole(size) else size for axis, size in zip(over, [None] * len(over) if s is None else s, strict=True)}


@shape(np.fft.fft, np.fft.ifft)
def one(facts: Facts, a: Any, n: Any = None, axis: Any = -1, norm: Any = None) -> Number:
    number = lift(a, facts)
    return replaced(number, facts, {} if n is None else {integer(axis): n}, complex_of(number))


@shape(np.fft.fftn, np.fft.ifftn)
def many(facts: Facts, a: Any, s: Any = None, axes: Any = None, norm: Any = None) -> Number:
    number = lift(a, facts)
    return replaced(number, facts, sizes_of(number, s, axes), complex_of(number))


@shape(np.fft.fft2, np.fft.ifft2)
def two(facts: Facts, a: Any, s: Any = None, axes: Any = (-2, -1), norm: Any = None) -> Number:
    return many(facts, a, s, axes)


@shape(np.fft.rfft, np.fft.ihfft)
def real(facts: Facts, a: Any, n: Any = None, axis: Any = -1, norm: Any = None) -> Number:
    return real_many(facts, a, None if n is None else (n,), (axis,))


@shape(np.fft.rfftn)
def real_many(facts: Facts, a: Any, s: Any = None, axes: Any = None, norm: Any = None) -> Number:
    number = lift(a, facts)
    sizes = sizes_of(number, s, axes)
    *_, last = sizes
    return replaced(number, facts, sizes | {last: dimension(sizes[last], facts) // 2 + 1}, complex_of(number))


@shape(np.fft.rfft2)
def real_two(facts: Facts, a: Any, s: Any = None, axes: Any = (-2, -1), norm: Any = None) -> Number:
    return real_many(facts, a, s, axes)


@shape(np.fft.irfft, np.fft.hfft)
def real_inverse(facts: Facts, a: Any, n: Any = None, axis: Any = -1, norm: Any = None) -> Number:
    return real_inverse_many(facts, a, None if n is None else (n,), (axis,))


@shape(np.fft.irfftn)
def real_inverse_many(facts: Facts, a: Any, s: Any = None, axes: Any = None, norm: Any = None) -> Number:
    number = lift(a, facts)
    sizes = sizes_of(number, s, axes)
    *_, last = sizes
    if s is None:
        sizes[last] = (known_shape(number)[last] - 1) * 2
    elif whole(s[-1]):  # which length that is depends on the version of NumPy
        sizes[last] = facts.new_dim()
    return replaced(number, facts, sizes, real_of(number))


@shape(np.fft.irfft2)
def real_inverse_two(facts: Facts, a: Any, s: Any = None, axes: Any = (-2, -1), norm: Any = None) -> Number:
    return real_inverse_many(facts, a, s, axes)


@shape(np.fft.fftfreq)
def frequencies(facts: Facts, n: Any, d: Any = 1.0, **keywords: Any) -> Number:
    return Number("array", np.dtype(float), (dimension(n, facts),))


@shape(np.fft.rfftfreq)
def real_frequencies(facts: Facts, n: Any, d: Any = 1.0, **keywords: Any) -> Number:
    return Number("array", np.dtype(float), (dimension(n, facts) // 2 + 1,))


shape(np.fft.fftshift, np.fft.ifftshift)(unchanged)
