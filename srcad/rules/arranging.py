"""More functions that move elements: they join, cut, pad, repeat, turn and spread them.

    z = np.roll(x, 2)       dx = np.roll(dz, -2)
    z = np.pad(x, 1)        dx = dz[1:-1]
"""
from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from srcad.rules import made, rule
from srcad.rules.contractions import inverse
from srcad.rules.linalg import diag
from srcad.rules.selecting import counted, flat, gathered, numbered
from srcad.rules.shaping import concatenate, joined, parts

Adjoints = tuple[Any, ...]


@rule(np.append)
def append(dz: Any, z: Any, arr: Any, values: Any, axis: Any = None) -> Adjoints:
    return tuple(concatenate(dz, z, [arr, values], axis)[0])


@rule(np.array_split)
def array_split(dz: Any, z: Any, ary: Any, indices_or_sections: Any = None, axis: Any = 0) -> Adjoints:
    return (joined(dz, axis),)


@rule(np.vsplit)
def vsplit(dz: Any, z: Any, ary: Any, indices_or_sections: Any = None) -> Adjoints:
    return (joined(dz, 0),)


@rule(np.hsplit)
def hsplit(dz: Any, z: Any, ary: Any, indices_or_sections: Any = None) -> Adjoints:
    return (joined(dz, 1 if ary.ndim > 1 else 0),)


@rule(np.dsplit)
def dsplit(dz: Any, z: Any, ary: Any, indices_or_sections: Any = None) -> Adjoints:
    return (joined(dz, 2),)


if hasattr(np, "unstack"):
    @rule(np.unstack)
    def unstack(dz: Any, z: Any, x: Any, axis: int = 0) -> Adjoints:
        term = next((d for d in dz if hasattr(d, "apply")), None)
        keywords = {"axis": axis} if axis != 0 else {}
        return (np.stack(dz, **keywords) if term is None else term.apply(np.stack, [list(dz)], keywords),)


@rule(np.atleast_3d)
def atleast_3d(dz: Any, z: Any, a: Any) -> Adjoints:
    return (dz.reshape(a.shape),)


@rule(np.dstack)
def dstack(dz: Any, z: Any, tup: Any) -> Adjoints:
    return (parts(dz, [1 if x.ndim < 3 else x.shape[2] for x in tup], 2, [x.shape for x in tup]),)


@rule(np.block)
def block(dz: Any, z: Any, arrays: Any) -> Adjoints:
    """Lists inside lists are joined along the last axis, those around them along the one before, and so on."""
    return (cut_block(dz, arrays, -depth(arrays)),)


def depth(arrays: Any) -> int:
    return 1 + depth(arrays[0]) if isinstance(arrays, (list, tuple)) else 0


def extent(arrays: Any, axis: int, own: int) -> Any:
    """How long a block is along an axis; `own` is the one that its lists are joined along."""
    if not isinstance(arrays, (list, tuple)):
        return arrays.shape[axis] if arrays.ndim >= -axis else 1
    sizes = [extent(x, axis, own + 1) for x in arrays]
    return sum(sizes[1:], sizes[0]) if axis == own else sizes[0]


def cut_block(dz: Any, arrays: Any, axis: int) -> Any:
    if not isinstance(arrays, (list, tuple)):
        return dz.reshape(arrays.shape)
    pieces = parts(dz, [extent(x, axis, axis + 1) for x in arrays], axis % dz.ndim)
    return [cut_block(piece, x, axis + 1) for piece, x in zip(pieces, arrays)]


@rule(np.broadcast_arrays)
def broadcast_arrays(dz: Any, z: Any, *args: Any) -> Adjoints:
    return tuple(dz)


@rule(np.meshgrid)
def meshgrid(dz: Any, z: Any, *xi: Any, copy: bool = True, sparse: bool = False, indexing: str = "xy") -> Adjoints:
    if not copy:
        raise NotImplementedError("copy=False")
    out = []
    for i, x in enumerate(xi):
        axis = 1 - i if indexing == "xy" and len(xi) > 1 and i < 2 else i
        others = tuple(k for k in range(len(xi)) if k != axis)
        out.append((np.sum(dz[i], axis=others) if others and not sparse else dz[i]).reshape(x.shape))
    return tuple(out)


@rule(np.delete)
def delete(dz: Any, z: Any, arr: Any, obj: Any = None, axis: Any = None) -> Adjoints:
    return (gathered(dz, np.delete(numbered(arr), obj, axis=axis), arr),)


@rule(np.insert)
def insert(dz: Any, z: Any, arr: Any, values: Any, obj: Any = None, axis: Any = None) -> Adjoints:
    """The new elements are numbered after the old ones."""
    source = np.insert(numbered(arr), obj, numbered(values) + arr.size, axis=axis)
    both = counted(dz, source, arr.size + values.size)
    return both[: arr.size].reshape(arr.shape), both[arr.size :].reshape(values.shape)


@rule(np.diagflat)
def diagflat(dz: Any, z: Any, v: Any, k: int = 0) -> Adjoints:
    return (diag(dz, z, flat(v), k)[0].reshape(v.shape),)


@rule(np.fliplr)
def fliplr(dz: Any, z: Any, m: Any) -> Adjoints:
    return (np.fliplr(dz),)


@rule(np.flipud)
def flipud(dz: Any, z: Any, m: Any) -> Adjoints:
    return (np.flipud(dz),)


@rule(np.rot90)
def rot90(dz: Any, z: Any, m: Any, k: int = 1, axes: Any = (0, 1)) -> Adjoints:
    return (np.rot90(dz, -k) if tuple(axes) == (0, 1) else np.rot90(dz, -k, axes=tuple(axes)),)


@rule(np.roll)
def roll(dz: Any, z: Any, a: Any, shift: Any = None, axis: Any = None) -> Adjoints:
    back = tuple(-s for s in shift) if isinstance(shift, (tuple, list)) else -shift
    return (np.roll(dz, back) if axis is None else np.roll(dz, back, axis=axis),)


@rule(np.fft.fftshift)
def fftshift(dz: Any, z: Any, x: Any, axes: Any = None) -> Adjoints:
    return (np.fft.ifftshift(dz) if axes is None else np.fft.ifftshift(dz, axes=axes),)


@rule(np.fft.ifftshift)
def ifftshift(dz: Any, z: Any, x: Any, axes: Any = None) -> Adjoints:
    return (np.fft.fftshift(dz) if axes is None else np.fft.fftshift(dz, axes=axes),)


@rule(np.rollaxis)
def rollaxis(dz: Any, z: Any, a: Any, axis: int = 0, start: int = 0) -> Adjoints:
    order = list(range(a.ndim))
    start = start + a.ndim if start < 0 else start
    axis %= a.ndim
    order.remove(axis)
    order.insert(start - (axis < start), axis)
    return (np.transpose(dz, inverse(order)),)


if hasattr(np, "matrix_transpose"):
    @rule(np.matrix_transpose, np.linalg.matrix_transpose)
    def matrix_transpose(dz: Any, z: Any, x: Any) -> Adjoints:
        return (dz.T if dz.ndim == 2 else np.swapaxes(dz, -1, -2),)


@rule(np.tile)
def tile(dz: Any, z: Any, A: Any, reps: Any = 1) -> Adjoints:  # noqa: N803
    """The copies lie beside the elements, on axes of their own."""
    times = tuple(reps) if isinstance(reps, (tuple, list)) else (reps,)
    times = (1,) * (A.ndim - len(times)) + times
    sizes = (1,) * (len(times) - A.ndim) + tuple(A.shape)
    split = tuple(n for pair in zip(times, sizes) for n in pair)
    axes = tuple(range(0, 2 * len(times), 2))
    return (np.sum(dz.reshape(split), axis=axes if len(axes) > 1 else 0).reshape(A.shape),)


@rule(np.repeat)
def repeat(dz: Any, z: Any, a: Any, repeats: Any = 1, axis: Any = None) -> Adjoints:
    if not isinstance(repeats, int):
        return (gathered(dz, np.repeat(numbered(a), repeats, axis=axis), a),)
    if axis is None or a.ndim == 1:
        return (np.sum(dz.reshape((a.size, repeats)), axis=1).reshape(a.shape),)
    axis %= a.ndim
    return (np.sum(dz.reshape((*a.shape[: axis + 1], repeats, *a.shape[axis + 1 :])), axis=axis + 1),)


@rule(np.resize)
def resize(dz: Any, z: Any, a: Any, new_shape: Any = None) -> Adjoints:
    return (gathered(dz, np.resize(numbered(a), z.shape), a),)


@rule(np.pad)
def pad(dz: Any, z: Any, array: Any, pad_width: Any = 0, mode: str = "constant", constant_values: Any = 0, reflect_type: str = "even") -> Adjoints:
    if mode == "constant" or mode == "empty":
        widths = pad_widths(pad_width, array.ndim)
        cuts = tuple(slice(a or None, -b if b else None) for a, b in widths)
        return (dz[cuts if len(cuts) != 1 else cuts[0]],)
    if mode not in ("edge", "reflect", "symmetric", "wrap") or reflect_type != "even":
        raise NotImplementedError(f"the mode {mode!r}, or this kind of reflection")
    return (gathered(dz, np.pad(numbered(array), pad_width, mode=mode), array),)


def pad_widths(width: Any, ndim: int) -> Sequence[tuple[int, int]]:
    """How much np.pad adds before and after, axis by axis."""
    if isinstance(width, dict):
        full = {axis % ndim: pair for axis, pair in width.items()}
        return [pad_widths(full.get(i, 0), 1)[0] for i in range(ndim)]
    if not isinstance(width, (list, tuple)):
        return [(width, width)] * ndim
    if not any(isinstance(p, (list, tuple)) for p in width):
        before, after = width if len(width) == 2 else (width[0], width[0])
        return [(before, after)] * ndim
    pairs = [(p, p) if not isinstance(p, (list, tuple)) else (p[0], p[-1]) for p in width]
    return pairs * ndim if len(pairs) == 1 else pairs


def is_real(dtype: Any) -> bool:
    return dtype is None or np.dtype(dtype).kind in "fc"


def ramp(z: Any, endpoint: bool) -> Any:
    """0 to 1 in as many steps as a result has."""
    keywords = {} if endpoint else {"endpoint": False}
    return made(z, np.linspace, 0.0, 1.0, z.shape[0], **keywords)


def ends(d: Any, t: Any) -> tuple[Any, Any]:
    """What is given to either end of a line."""
    if d.ndim == 1:
        return np.sum(d * (1 - t)), np.sum(d * t)
    t = t.reshape((-1,) + (1,) * (d.ndim - 1))
    return np.sum(d * (1 - t), axis=0), np.sum(d * t, axis=0)


@rule(np.linspace)
def linspace(dz: Any, z: Any, start: Any, stop: Any, num: Any = 50, endpoint: bool = True, retstep: bool = False, dtype: Any = None, axis: int = 0) -> Adjoints:
    if retstep or axis != 0 or not is_real(dtype):
        raise NotImplementedError("retstep=True, another axis, nor whole numbers")
    return ends(dz, ramp(z, endpoint))


@rule(np.logspace)
def logspace(dz: Any, z: Any, start: Any, stop: Any, num: Any = 50, endpoint: bool = True, base: Any = 10.0, dtype: Any = None, axis: int = 0) -> Adjoints:
    if axis != 0 or not is_real(dtype):
        raise NotImplementedError("another axis, nor whole numbers")
    return ends(np.log(base) * z * dz, ramp(z, endpoint))


@rule(np.geomspace)
def geomspace(dz: Any, z: Any, start: Any, stop: Any, num: Any = 50, endpoint: bool = True, dtype: Any = None, axis: int = 0) -> Adjoints:
    if axis != 0 or not is_real(dtype):
        raise NotImplementedError("another axis, nor whole numbers")
    first, last = ends(z * dz, ramp(z, endpoint))
    return first / start, last / stop


@rule(np.vander)
def vander(dz: Any, z: Any, x: Any, N: Any = None, increasing: bool = False) -> Adjoints:  # noqa: N803
    size = z.shape[1]
    if size == 0:
        return (0.0 * x,)
    powers = made(z, np.arange, 1, size) if increasing else made(z, np.arange, size - 1, 0, -1)
    given = (dz[:, 1:] if increasing else dz[:, :-1]) * powers
    lower = np.vander(x, size - 1, increasing=True) if increasing else np.vander(x, size - 1)
    return (np.sum(given * lower, axis=1),)


@rule(np.lib.stride_tricks.sliding_window_view)
def sliding_window_view(dz: Any, z: Any, x: Any, window_shape: Any = None, axis: Any = None) -> Adjoints:
    return (gathered(dz, np.lib.stride_tricks.sliding_window_view(numbered(x), window_shape, axis=axis), x),)


if hasattr(np, "astype"):
    @rule(np.astype)
    def astype(dz: Any, z: Any, x: Any, dtype: Any = None) -> Adjoints:
        return (dz if np.dtype(dtype).kind in "fc" else None,)
