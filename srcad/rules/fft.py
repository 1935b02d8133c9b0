"""Fourier transforms: the matrix of a transform is symmetric, so that its adjoint is the same transform.

    z = np.fft.fft(x)      dx = np.fft.fft(dz)
    z = np.fft.rfft(x)     dx is the real part of the transform of dz, with zeros for the frequencies left out
"""
from __future__ import annotations

from typing import Any

import numpy as np

from srcad.rules import rule, zero
from srcad.rules.complex import OF_COMPLEX

Adjoints = tuple[Any, ...]


def resized(dx: Any, x: Any, axes: tuple[int, ...]) -> Any:
    """What reaches an argument that was cut short or filled up with zeros to the length of its transform."""
    for axis in axes:
        have, want = dx.shape[axis], x.shape[axis]
        if have > want:
            dx = dx[(slice(None),) * (axis % dx.ndim) + (slice(0, want),)]
        elif have < want:
            dx = np.pad(dx, [(0, want - have if i == axis % dx.ndim else 0) for i in range(dx.ndim)])
    return dx


def transformed(a: Any, s: Any, axes: Any) -> tuple[int, ...]:
    """The axes that a transform is over."""
    if axes is not None:
        return tuple(axes)
    return tuple(range(a.ndim)) if s is None else tuple(range(a.ndim - len(s), a.ndim))


@rule(np.fft.fft)
def fft(dz: Any, z: Any, a: Any, n: Any = None, axis: Any = -1, norm: Any = None) -> Adjoints:
    da = np.fft.fft(dz, axis=axis, norm=norm)
    return (da if n is None else resized(da, a, (axis,)),)


@rule(np.fft.fft2)
def fft2(dz: Any, z: Any, a: Any, s: Any = None, axes: Any = (-2, -1), norm: Any = None) -> Adjoints:
    da = np.fft.fft2(dz, axes=axes, norm=norm)
    return (da if s is None else resized(da, a, axes),)


@rule(np.fft.fftn)
def fftn(dz: Any, z: Any, a: Any, s: Any = None, axes: Any = None, norm: Any = None) -> Adjoints:
    over = transformed(a, s, axes)
    da = np.fft.fftn(dz, axes=over, norm=norm)
    return (da if s is None else resized(da, a, over),)


@rule(np.fft.ifft)
def ifft(dz: Any, z: Any, a: Any, n: Any = None, axis: Any = -1, norm: Any = None) -> Adjoints:
    da = np.fft.ifft(dz, axis=axis, norm=norm)
    return (da if n is None else resized(da, a, (axis,)),)


@rule(np.fft.ifft2)
def ifft2(dz: Any, z: Any, a: Any, s: Any = None, axes: Any = (-2, -1), norm: Any = None) -> Adjoints:
    da = np.fft.ifft2(dz, axes=axes, norm=norm)
    return (da if s is None else resized(da, a, axes),)


@rule(np.fft.ifftn)
def ifftn(dz: Any, z: Any, a: Any, s: Any = None, axes: Any = None, norm: Any = None) -> Adjoints:
    over = transformed(a, s, axes)
    da = np.fft.ifftn(dz, axes=over, norm=norm)
    return (da if s is None else resized(da, a, over),)


@rule(np.fft.rfft)
def rfft(dz: Any, z: Any, a: Any, n: Any = None, axis: Any = -1, norm: Any = None) -> Adjoints:
    """The frequencies that are left out are given nothing."""
    da = np.real(np.fft.fft(dz, a.shape[axis] if n is None else n, axis, norm))
    return (da if n is None else resized(da, a, (axis,)),)


@rule(np.fft.irfft)
def irfft(dz: Any, z: Any, a: Any, n: Any = None, axis: Any = -1, norm: Any = None) -> Adjoints:
    """Each frequency but the first, and the last of an even length, stands for two."""
    size = z.shape[axis]
    other = {None: "forward", "backward": "forward", "forward": None, "ortho": "ortho"}[norm]
    given = np.conj(np.fft.rfft(dz, size, axis, other))
    count = size // 2 + 1
    twice = np.where((np.arange(count) == 0) | (2 * np.arange(count) == size), 1.0, 2.0)
    shape = tuple(count if i == axis % a.ndim else 1 for i in range(a.ndim))
    return (resized(given * np.reshape(twice, shape), a, (axis,)),)


OF_COMPLEX.update(getattr(np.fft, label) for label in ["fft", "ifft", "fft2", "ifft2", "fftn", "ifftn", "rfft", "irfft", "fftshift", "ifftshift"])

zero(np.fft.fftfreq, np.fft.rfftfreq)
