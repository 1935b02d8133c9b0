"""Fourier transforms: the matrix of a transform is symmetric, so that its adjoint is the same transform.

    z = np.fft.fft(x)      dx = np.fft.fft(dz)
    z = np.fft.rfft(x)     dx is the real part of the transform of dz, with zeros for the frequencies left out
    z = np.fft.irfft(x)    dx is the conjugate of the real transform of dz; what stands for two frequencies counts twice
"""
from __future__ import annotations

from typing import Any

import numpy as np

from srcad.rules import made, rule
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


def distinct(a: Any, s: Any, axes: Any) -> tuple[int, ...]:
    """The axes of a transform that may cut or fill up, in which each counts once."""
    over = transformed(a, s, axes)
    if len({axis % a.ndim for axis in over}) < len(over):
        raise NotImplementedError("an axis that is given twice")
    return over


@rule(np.fft.fft)
def fft(dz: Any, z: Any, a: Any, n: Any = None, axis: Any = -1, norm: Any = None) -> Adjoints:
    da = np.fft.fft(dz, axis=axis, norm=norm)
    return (da if n is None else resized(da, a, (axis,)),)


@rule(np.fft.fft2)
def fft2(dz: Any, z: Any, a: Any, s: Any = None, axes: Any = (-2, -1), norm: Any = None) -> Adjoints:
    da = np.fft.fft2(dz, axes=axes, norm=norm)
    return (da if s is None else resized(da, a, distinct(a, s, axes)),)


@rule(np.fft.fftn)
def fftn(dz: Any, z: Any, a: Any, s: Any = None, axes: Any = None, norm: Any = None) -> Adjoints:
    da = np.fft.fftn(dz, axes=transformed(a, s, axes), norm=norm)
    return (da if s is None else resized(da, a, distinct(a, s, axes)),)


@rule(np.fft.ifft)
def ifft(dz: Any, z: Any, a: Any, n: Any = None, axis: Any = -1, norm: Any = None) -> Adjoints:
    da = np.fft.ifft(dz, axis=axis, norm=norm)
    return (da if n is None else resized(da, a, (axis,)),)


@rule(np.fft.ifft2)
def ifft2(dz: Any, z: Any, a: Any, s: Any = None, axes: Any = (-2, -1), norm: Any = None) -> Adjoints:
    da = np.fft.ifft2(dz, axes=axes, norm=norm)
    return (da if s is None else resized(da, a, distinct(a, s, axes)),)


@rule(np.fft.ifftn)
def ifftn(dz: Any, z: Any, a: Any, s: Any = None, axes: Any = None, norm: Any = None) -> Adjoints:
    da = np.fft.ifftn(dz, axes=transformed(a, s, axes), norm=norm)
    return (da if s is None else resized(da, a, distinct(a, s, axes)),)


def inverted(norm: Any) -> Any:
    """The norm by which the transform is, without conjugates, the inverse one of this norm."""
    return {None: "forward", "backward": "forward", "forward": None, "ortho": "ortho"}[norm]


def length(a: Any, size: Any, axis: int) -> Any:
    """How long a real transform is along its last axis."""
    return a.shape[axis] if size is None or size == -1 else size


@rule(np.fft.rfft)
def rfft(dz: Any, z: Any, a: Any, n: Any = None, axis: Any = -1, norm: Any = None) -> Adjoints:
    """The frequencies that are left out are given nothing."""
    da = np.real(np.fft.fft(dz, n=length(a, n, axis), axis=axis, norm=norm))
    return (da if n is None else resized(da, a, (axis,)),)


@rule(np.fft.ihfft)
def ihfft(dz: Any, z: Any, a: Any, n: Any = None, axis: Any = -1, norm: Any = None) -> Adjoints:
    """It is the conjugate of rfft, by the norm of ifft."""
    da = np.real(np.fft.ifft(dz, n=length(a, n, axis), axis=axis, norm=norm))
    return (da if n is None else resized(da, a, (axis,)),)


def of_reals(dz: Any, a: Any, s: Any, axes: Any, norm: Any) -> Any:
    """The adjoint of rfftn: a transform over its last axis, to the full length, then over the others."""
    *others, last = distinct(a, s, axes)
    da = np.fft.fft(dz, n=length(a, s and s[-1], last), axis=last, norm=norm)
    if others:
        da = np.fft.fftn(da, axes=tuple(others), norm=norm)
    return np.real(da if s is None else resized(da, a, (*others, last)))


@rule(np.fft.rfft2)
def rfft2(dz: Any, z: Any, a: Any, s: Any = None, axes: Any = (-2, -1), norm: Any = None) -> Adjoints:
    return (of_reals(dz, a, s, axes, norm),)


@rule(np.fft.rfftn)
def rfftn(dz: Any, z: Any, a: Any, s: Any = None, axes: Any = None, norm: Any = None) -> Adjoints:
    return (of_reals(dz, a, s, axes, norm),)


def halved(dz: Any, z: Any, a: Any, axis: int, norm: Any) -> Any:
    """The real transform of dz; each frequency but the first, and the last of an even length, stands for two."""
    size = z.shape[axis]
    count = size // 2 + 1
    number = made(z, np.arange, count)
    twice = np.where((number == 0) | (2 * number == size), 1.0, 2.0)
    shape = tuple(count if i == axis % a.ndim else 1 for i in range(a.ndim))
    return np.fft.rfft(dz, n=size, axis=axis, norm=norm) * np.reshape(twice, shape)


@rule(np.fft.irfft)
def irfft(dz: Any, z: Any, a: Any, n: Any = None, axis: Any = -1, norm: Any = None) -> Adjoints:
    return (resized(np.conj(halved(dz, z, a, axis, inverted(norm))), a, (axis,)),)


@rule(np.fft.hfft)
def hfft(dz: Any, z: Any, a: Any, n: Any = None, axis: Any = -1, norm: Any = None) -> Adjoints:
    """It is irfft of the conjugate, by the norm of fft."""
    return (resized(halved(dz, z, a, axis, norm), a, (axis,)),)


def to_reals(dz: Any, z: Any, a: Any, s: Any, axes: Any, norm: Any) -> Any:
    """The adjoint of irfftn, which transforms over its last axis last."""
    *others, last = distinct(a, s, axes)
    da = resized(np.conj(halved(dz, z, a, last, inverted(norm))), a, (last,))
    if others:
        da = np.fft.ifftn(da, axes=tuple(others), norm=norm)
    return da if s is None else resized(da, a, tuple(others))


@rule(np.fft.irfft2)
def irfft2(dz: Any, z: Any, a: Any, s: Any = None, axes: Any = (-2, -1), norm: Any = None) -> Adjoints:
    return (to_reals(dz, z, a, s, axes, norm),)


@rule(np.fft.irfftn)
def irfftn(dz: Any, z: Any, a: Any, s: Any = None, axes: Any = None, norm: Any = None) -> Adjoints:
    return (to_reals(dz, z, a, s, axes, norm),)


LABELS = ("fft", "ifft", "fft2", "ifft2", "fftn", "ifftn", "rfft", "irfft", "rfft2", "irfft2", "rfftn", "irfftn", "hfft", "ihfft", "fftshift", "ifftshift")
OF_COMPLEX.update(getattr(np.fft, label) for label in LABELS)

@rule(np.fft.fftfreq, np.fft.rfftfreq)
def fftfreq(dz: Any, z: Any, n: Any, d: Any) -> Adjoints:
    """z = k / (n d)."""
    return None, -np.sum(dz * z) / d
