"""Functions that move elements: their adjoints move them back.

    z = np.transpose(x, (2, 0, 1))      dx = np.transpose(dz, (1, 2, 0))
"""
from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from srcad.rules import rule, zero
from srcad.rules.complex import OF_COMPLEX
from srcad.rules.contractions import inverse
from srcad.runtime import unbroadcast

Adjoints = tuple[Any, ...]
OF_COMPLEX.add(unbroadcast)


@rule(np.reshape)
def reshape(dz: Any, z: Any, a: Any, shape: Any = None, order: str = "C", newshape: Any = None) -> Adjoints:
    return ravel(dz, z, a, order)


@rule(np.ravel)
def ravel(dz: Any, z: Any, a: Any, order: str = "C") -> Adjoints:
    if order not in ("C", "F"):
        raise NotImplementedError("an order that depends on how the array lies in memory: use 'C' or 'F'")
    return (dz.reshape(a.shape) if order == "C" else dz.reshape(a.shape, order="F"),)


@rule(np.squeeze)
def squeeze(dz: Any, z: Any, a: Any, axis: Any = None) -> Adjoints:
    return (dz.reshape(a.shape),)


@rule(np.expand_dims)
def expand_dims(dz: Any, z: Any, a: Any, axis: Any = 0) -> Adjoints:
    return (dz.reshape(a.shape),)


@rule(np.atleast_1d, np.atleast_2d)
def atleast(dz: Any, z: Any, a: Any) -> Adjoints:
    return (dz.reshape(a.shape),)


@rule(unbroadcast)
def of_helper(ds: Any, s: Any, dz: Any, x: Any) -> Adjoints:
    """It sums an adjoint to a shape, or spreads it: either way what it gives goes back to every element that it came from."""
    return np.zeros_like(dz) + ds, None


@rule(np.transpose)
def transpose(dz: Any, z: Any, a: Any, axes: Any = None) -> Adjoints:
    if axes is None:
        return (dz.T if a.ndim else dz,)
    return (np.transpose(dz, inverse([i % a.ndim for i in axes])),)


@rule(np.swapaxes)
def swapaxes(dz: Any, z: Any, a: Any, axis1: Any = None, axis2: Any = None) -> Adjoints:
    return (np.swapaxes(dz, axis1, axis2),)


@rule(np.moveaxis)
def moveaxis(dz: Any, z: Any, a: Any, source: Any = None, destination: Any = None) -> Adjoints:
    return (np.moveaxis(dz, destination, source),)


@rule(np.broadcast_to, elementwise=True)
def broadcast_to(dz: Any, z: Any, array: Any, shape: Any = None) -> Adjoints:
    return (dz,)


@rule(np.copy, np.array, np.asarray, np.asanyarray, np.ascontiguousarray, np.asfortranarray)
def copy(dz: Any, z: Any, a: Any, dtype: Any = None, copy: Any = None, order: Any = None) -> Adjoints:
    return (pieces(dz, a),)


def pieces(dz: Any, a: Any) -> Any:
    """The part of dz that belongs to each element of a nested list."""
    if not isinstance(a, (list, tuple)):
        return dz
    return [piece_at(dz, item, (i,)) for i, item in enumerate(a)]


def piece_at(dz: Any, item: Any, index: tuple[int, ...]) -> Any:
    if isinstance(item, (list, tuple)):
        return [piece_at(dz, inner, (*index, i)) for i, inner in enumerate(item)]
    return dz[index if len(index) > 1 else index[0]]


@rule(np.concatenate)
def concatenate(dz: Any, z: Any, arrays: Any, axis: Any = 0) -> Adjoints:
    if axis is None:
        return (parts(dz, [getattr(x, "size", 1) for x in arrays], 0, [getattr(x, "shape", ()) for x in arrays]),)
    axis %= z.ndim
    return (parts(dz, [x.shape[axis] for x in arrays], axis),)


def parts(dz: Any, sizes: Sequence[Any], axis: int, shapes: Sequence[Any] = ()) -> list[Any]:
    """dz cut along an axis into pieces of the given sizes."""
    out = []
    stop: Any = 0
    for i, size in enumerate(sizes):
        start, stop = stop, size + stop
        cut = slice(None if i == 0 else start, None if i == len(sizes) - 1 else stop)
        piece = dz[(slice(None),) * axis + (cut,)] if axis else dz[cut]
        out.append(piece.reshape(shapes[i]) if shapes else piece)
    return out


@rule(np.stack)
def stack(dz: Any, z: Any, arrays: Any, axis: Any = 0) -> Adjoints:
    axis %= z.ndim
    return ([dz[(slice(None),) * axis + (i,)] for i in range(len(arrays))],)


@rule(np.vstack, *([np.row_stack] if hasattr(np, "row_stack") else []))
def vstack(dz: Any, z: Any, tup: Any) -> Adjoints:
    if all(x.ndim >= 2 for x in tup):
        return concatenate(dz, z, tup, 0)
    return (parts(dz, [1 if x.ndim < 2 else x.shape[0] for x in tup], 0, [x.shape for x in tup]),)


@rule(np.hstack)
def hstack(dz: Any, z: Any, tup: Any) -> Adjoints:
    if any(x.ndim == 0 for x in tup):
        return (parts(dz, [1 if x.ndim == 0 else x.shape[0] for x in tup], 0, [x.shape for x in tup]),)
    return concatenate(dz, z, tup, 0 if tup[0].ndim == 1 else 1)


@rule(np.column_stack)
def column_stack(dz: Any, z: Any, tup: Any) -> Adjoints:
    if all(x.ndim == 1 for x in tup):
        return ([dz[:, i] for i in range(len(tup))],)
    return (parts(dz, [1 if x.ndim < 2 else x.shape[1] for x in tup], 1, [x.shape for x in tup]),)


@rule(np.split)
def split(dz: Any, z: Any, ary: Any, indices_or_sections: Any = None, axis: Any = 0) -> Adjoints:
    return (joined(dz, axis),)


def joined(dz: Sequence[Any], axis: Any) -> Any:
    """The pieces of an array put together again."""
    term = next((d for d in dz if hasattr(d, "apply")), None)
    keywords = {"axis": axis} if axis != 0 else {}
    return np.concatenate(dz, **keywords) if term is None else term.apply(np.concatenate, [list(dz)], keywords)


@rule(np.flip)
def flip(dz: Any, z: Any, m: Any, axis: Any = None) -> Adjoints:
    return (np.flip(dz) if axis is None else np.flip(dz, axis=axis),)


@rule(np.full_like)
def full_like(dz: Any, z: Any, a: Any, fill_value: Any, dtype: Any = None) -> Adjoints:
    if dtype is None and a.dtype.kind in "iub":
        raise NotImplementedError("whole numbers, which cut what they are filled with")
    return None, dz


@rule(np.full)
def full(dz: Any, z: Any, shape: Any, fill_value: Any, dtype: Any = None) -> Adjoints:
    return None, dz


zero(np.zeros, np.ones, np.empty, np.zeros_like, np.ones_like, np.empty_like, np.arange, np.eye, np.identity, np.shape, np.ndim, np.size)
zero(np.triu_indices_from, np.tril_indices_from, np.diag_indices_from, np.unravel_index, reason="depends on the shape alone")
