"""Cumulative products, differences, averages, covariances, integrals, and reductions that skip what is not a number.

    z = np.diff(x)      dx = -np.diff(dz, prepend=0.0, append=0.0)
"""
from __future__ import annotations

from typing import Any

import numpy as np

from srcad.rules import called, made, reductions, rule
from srcad.rules.reductions import backwards_cumsum, kept, ties
from srcad.rules.shaping import parts

Adjoints = tuple[Any, ...]


@rule(np.cumprod)
def cumprod(dz: Any, z: Any, a: Any, axis: Any = None, dtype: Any = None) -> Adjoints:
    """Each factor gets the products that it is in, less itself; of zeros only the first one has any that are not 0, and the second one any that have a slope."""
    if axis is None and a.ndim != 1 or a.ndim == 0:
        return (cumprod(dz, z, a.reshape(-1), 0)[0].reshape(a.shape),)
    along = {} if a.ndim == 1 else {"axis": axis}
    zeros = called("zeros", a == 0)
    among = called("count", np.cumsum(zeros, **along))
    rest = called("rest", backwards_cumsum(dz * z, axis) / np.where(zeros, 1.0, a))
    for count, label in ((2, "second"), (1, "first")):
        this = called(label, zeros & (among == count))
        others = called("others", np.cumprod(np.where(this, 1.0, a), **along))
        rest = called("rest", np.where(this, backwards_cumsum(dz * others, axis), rest))
    return (rest,)


@rule(np.nancumsum)
def nancumsum(dz: Any, z: Any, a: Any, axis: Any = None, dtype: Any = None) -> Adjoints:
    return (np.where(np.isnan(a), 0.0, reductions.cumsum(dz, z, a, axis)[0]),)


@rule(np.nancumprod)
def nancumprod(dz: Any, z: Any, a: Any, axis: Any = None, dtype: Any = None) -> Adjoints:
    return (np.where(np.isnan(a), 0.0, cumprod(dz, z, np.where(np.isnan(a), 1.0, a), axis)[0]),)


def at(x: Any, cut: slice, axis: int) -> Any:
    """A slice along an axis."""
    axis %= x.ndim
    return x[(slice(None),) * axis + (cut,)] if axis else x[cut]


def less_first(dz: Any, axis: Any) -> Any:
    return at(dz, slice(1, None), axis)


if hasattr(np, "cumulative_sum"):
    @rule(np.cumulative_sum)
    def cumulative_sum(dz: Any, z: Any, x: Any, axis: Any = None, dtype: Any = None, include_initial: bool = False) -> Adjoints:
        axis = 0 if axis is None else axis
        return reductions.cumsum(less_first(dz, axis) if include_initial else dz, z, x, axis)

    @rule(np.cumulative_prod)
    def cumulative_prod(dz: Any, z: Any, x: Any, axis: Any = None, dtype: Any = None, include_initial: bool = False) -> Adjoints:
        axis = 0 if axis is None else axis
        if include_initial:
            return cumprod(less_first(dz, axis), less_first(z, axis), x, axis)
        return cumprod(dz, z, x, axis)


def undiffed(dz: Any, axis: Any) -> Any:
    return -np.diff(dz, prepend=0.0, append=0.0) if axis == -1 or dz.ndim == 1 else -np.diff(dz, axis=axis, prepend=0.0, append=0.0)


@rule(np.diff)
def diff(dz: Any, z: Any, a: Any, prepend: Any, append: Any, n: int = 1, axis: int = -1) -> Adjoints:
    if n == 0 and not (prepend is None and append is None):
        raise NotImplementedError("n=0 with more elements")
    for _ in range(n):
        dz = undiffed(dz, axis)
    if prepend is None and append is None:
        return dz, None, None
    axis %= a.ndim
    lead, tail = (0 if x is None else 1 if x.ndim == 0 else x.shape[axis] for x in (prepend, append))
    before, within, after = parts(dz, [lead, a.shape[axis], tail], axis)
    return within, None if prepend is None else before, None if append is None else after


@rule(np.ediff1d)
def ediff1d(dz: Any, z: Any, ary: Any, to_end: Any, to_begin: Any) -> Adjoints:
    lead, tail = (0 if x is None else x.size for x in (to_begin, to_end))
    if ary.size == 0:
        within = dz[:0]
        before, after = dz[:lead], dz[lead:]
    else:
        before, within, after = parts(dz, [lead, ary.size - 1, tail], 0)
        within = undiffed(within, 0)
    ends = (None if x is None else d.reshape(x.shape) for x, d in ((to_end, after), (to_begin, before)))
    return (within.reshape(ary.shape), *ends)


@rule(np.gradient)
def gradient(dz: Any, z: Any, f: Any, *spacing: Any, axis: Any = None, edge_order: int = 1, active: tuple[bool, ...] = ()) -> Adjoints:
    """A difference is taken on either side of an element; at the ends on one side alone."""
    axes = tuple(a % f.ndim for a in (range(f.ndim) if axis is None else axis if isinstance(axis, (tuple, list)) else (axis,)))
    steps = spacing * len(axes) if len(spacing) == 1 else spacing if spacing else (1.0,) * len(axes)
    dsteps: list[Any] = []
    total: Any = None
    for d, s, h, a in zip(dz if len(axes) > 1 else [dz], z if len(axes) > 1 else [z], steps, axes):
        if getattr(h, "ndim", 0) or edge_order != 1:
            part, dh = slopes_adjoint(d, f, h, a, edge_order)
        else:
            part, dh = slope_adjoint(d, a) / (2 * h) if spacing else slope_adjoint(d, a) / 2, -np.sum(d * s) / h
        total = part if total is None else total + part
        dsteps.append(dh)
    if len(spacing) == 1 and len(axes) > 1:
        dsteps = [sum(dsteps[1:], dsteps[0])]
    return (total, *(dh if used else None for dh, used in zip(dsteps, active[1:] or [True] * len(spacing)) if spacing))


def slopes_adjoint(dz: Any, f: Any, h: Any, axis: int, edge_order: int) -> tuple[Any, Any]:
    """An element's slope is a mean of those before and behind it, `(1 - share) * behind + share * before`: the shorter way counts more.

    With edge_order=2 the line through the first two slopes goes on to the end.
    """
    uneven = getattr(h, "ndim", 0)
    wide = (1,) * axis + (-1,) + (1,) * (f.ndim - axis - 1)
    width = (np.diff(h) if uneven else made(f, np.full, f.shape[axis] - 1, h)).reshape(wide)
    before, behind = at(width, slice(None, -1), axis), at(width, slice(1, None), axis)
    share = behind / (before + behind)
    ends = 0 * at(width, slice(None, 1), axis)
    share = np.concatenate([ends, share, ends + 1], axis=axis)
    slopes = np.diff(f, axis=axis) / width
    given = at(dz * (1 - share), slice(None, -1), axis) + at(dz * share, slice(1, None), axis)
    if edge_order != 1:
        if uneven:
            raise NotImplementedError("edge_order=2 with uneven spacing")
        given = given + drawn_on(0.5 * dz, axis)
    df = undiffed(given / width, axis)
    if not uneven:
        return df, -np.sum(given * slopes) / h
    turn = at(dz, slice(1, -1), axis) * -np.diff(slopes, axis=axis) / (before + behind) ** 2
    dwidth = -given * slopes / width + padded(turn * before, axis, (1, 0)) - padded(turn * behind, axis, (0, 1))
    others = tuple(i for i in range(f.ndim) if i != axis)
    return df, undiffed(np.sum(dwidth, axis=others) if others else dwidth, 0)


def padded(x: Any, axis: int, ends: Any) -> Any:
    """Zeros at the ends of an axis."""
    return np.pad(x, [(0, 0)] * axis + [ends] + [(0, 0)] * (x.ndim - axis - 1))


def drawn_on(half: Any, axis: int) -> Any:
    """What the ends give to the slopes that they are drawn on from."""
    first, last = at(half, slice(None, 1), axis), at(half, slice(-1, None), axis)
    rest = half.shape[axis] - 3
    return padded(np.concatenate([first, -first], axis=axis), axis, (0, rest)) + padded(np.concatenate([-last, last], axis=axis), axis, (rest, 0))


def slope_adjoint(dz: Any, axis: int) -> Any:
    """The ends' differences are those of a line drawn on by one element; what is given to it goes to the two it is drawn by."""
    first, inner, last = (at(dz, cut, axis) for cut in (slice(None, 1), slice(1, -1), slice(-1, None)))
    start, stop = np.concatenate([-2 * first, 2 * first], axis=axis), np.concatenate([-2 * last, 2 * last], axis=axis)
    widths = [(0, 0)] * dz.ndim
    size = dz.shape[axis]
    ends = np.pad(start, [*widths[:axis], (0, size - 2), *widths[axis + 1 :]]) + np.pad(stop, [*widths[:axis], (size - 2, 0), *widths[axis + 1 :]])
    two = [*widths[:axis], (2, 0), *widths[axis + 1 :]], [*widths[:axis], (0, 2), *widths[axis + 1 :]]
    return np.pad(inner, two[0]) - np.pad(inner, two[1]) + ends


def weights_along(weights: Any, a: Any, axis: Any) -> Any:
    """Weights of one axis, beside the whole array."""
    if weights.ndim == a.ndim:
        return weights
    if weights.ndim != 1 or not isinstance(axis, int):
        raise NotImplementedError("weights of several axes")
    return weights.reshape((1,) * (axis % a.ndim) + (-1,) + (1,) * (a.ndim - 1 - axis % a.ndim))


@rule(np.average)
def average(dz: Any, z: Any, a: Any, weights: Any, axis: Any = None, returned: bool = False, keepdims: bool = False) -> Adjoints:
    if returned:
        raise NotImplementedError("returned=True")
    if isinstance(axis, tuple) and [i % a.ndim for i in axis] != sorted(i % a.ndim for i in axis):
        raise NotImplementedError("axes in another order than the array's")
    if weights is None:
        return reductions.mean(dz, z, a, axis, None, keepdims)[0], None
    w = weights_along(weights, a, axis)
    share = kept(dz, axis, keepdims) / np.sum(w, axis=axis, keepdims=axis is not None)
    dw = (a - kept(z, axis, keepdims)) * share
    if weights.ndim != a.ndim:
        dw = np.sum(dw, axis=tuple(i for i in range(a.ndim) if i != axis % a.ndim))
    return w * share, dw


def deviations(m: Any) -> Any:
    return m - np.mean(m, axis=m.ndim - 1, keepdims=m.ndim > 1)


def variables(x: Any, rowvar: bool) -> Any:
    """Observations as columns."""
    return x.T if not rowvar and x.ndim == 2 else x


def stacked(m: Any, y: Any, rowvar: bool) -> Any:
    if m.ndim == 0 or m.ndim == 2 and not rowvar and m.shape[0] == 1:
        raise NotImplementedError("a single observation")
    x = variables(m, rowvar)
    if y is None:
        return x
    rows = [v if v.ndim == 2 else v.reshape((1, -1)) for v in (x, variables(y, rowvar))]
    return np.concatenate(rows, axis=0)


def unstacked(dx: Any, m: Any, y: Any, rowvar: bool) -> Adjoints:
    if y is None:
        return variables(dx, rowvar) if dx.ndim == 2 else dx, None
    rows = variables(m, rowvar).shape[0] if m.ndim == 2 else 1
    return tuple(variables(d, rowvar) if v.ndim == 2 else d[0] for v, d in ((m, dx[:rows]), (y, dx[rows:])))


@rule(np.cov)
def cov(dz: Any, z: Any, m: Any, y: Any, rowvar: bool = True, bias: bool = False, ddof: Any = None, dtype: Any = None) -> Adjoints:
    x = stacked(m, y, rowvar)
    number = x.shape[x.ndim - 1] - ((0 if bias else 1) if ddof is None else ddof)
    if dz.ndim == 0:
        return unstacked(2 * dz / number * deviations(x), m, y, rowvar)
    return unstacked((dz + dz.T) @ deviations(x) / number, m, y, rowvar)


@rule(np.corrcoef)
def corrcoef(dz: Any, z: Any, x: Any, y: Any, rowvar: bool = True, dtype: Any = None) -> Adjoints:
    """The products of rows of length 1."""
    both = stacked(x, y, rowvar)
    if dz.ndim == 0:
        return 0 * x, None if y is None else 0 * y
    rows = deviations(both)
    length = np.linalg.norm(rows, axis=1, keepdims=True)
    unit = rows / length
    given = (dz + dz.T) @ unit
    return unstacked((given - unit * np.sum(given * unit, axis=1, keepdims=True)) / length, x, y, rowvar)


trapezoids = [getattr(np, label) for label in ("trapezoid", "trapz") if label in vars(np)]


@rule(*trapezoids)
def trapezoid(dz: Any, z: Any, y: Any, x: Any, dx: Any, axis: int = -1) -> Adjoints:
    axis %= y.ndim
    given = np.expand_dims(dz, axis) if y.ndim > 1 else dz
    before, after = (at(y, cut, axis) for cut in (slice(None, -1), slice(1, None)))
    pads = [[(0, 0)] * axis + [ends] + [(0, 0)] * (y.ndim - axis - 1) for ends in ((0, 1), (1, 0))]
    heights = 0.5 * (before + after)
    if x is None:
        width = 1.0 if dx is None else dx
        half = np.broadcast_to(0.5 * given * width, before.shape)
        return np.pad(half, pads[0]) + np.pad(half, pads[1]), None, None if dx is None else heights * given if dx.ndim else np.sum(heights * given)
    if x.ndim == y.ndim and any(m != n for m, n in zip(x.shape, y.shape)) or x.ndim == 1 and x.shape[0] != y.shape[axis]:
        raise NotImplementedError("sample points that are spread over others")
    width = np.diff(x, axis=axis) if x.ndim == y.ndim and x.ndim > 1 else np.diff(x)
    if x.ndim == 1 and y.ndim > 1:
        width = width.reshape((1,) * axis + (-1,) + (1,) * (y.ndim - axis - 1))
    elif x.ndim != y.ndim:
        raise NotImplementedError("sample points of another rank")
    half = np.broadcast_to(0.5 * given * width, before.shape)
    moved = heights * given
    if x.ndim == 1 and y.ndim > 1:
        moved = np.sum(moved, axis=tuple(i for i in range(y.ndim) if i != axis))
    return np.pad(half, pads[0]) + np.pad(half, pads[1]), undiffed(moved, axis if x.ndim > 1 else -1), None


@rule(np.ptp)
def ptp(dz: Any, z: Any, a: Any, axis: Any = None, keepdims: bool = False) -> Adjoints:
    top, bottom = (f(a, axis=axis, keepdims=axis is not None) for f in (np.max, np.min))
    given = kept(dz, axis, keepdims)
    return (ties(given, top, a, axis, True, None, True) - ties(given, bottom, a, axis, True, None, True),)


@rule(np.bincount)
def bincount(dz: Any, z: Any, weights: Any, x: Any = None, minlength: int = 0) -> Adjoints:
    return (np.take(dz, x) if isinstance(x, (list, tuple)) else dz[x],)


# ---- what is not a number does not count

@rule(np.nansum)
def nansum(dz: Any, z: Any, a: Any, axis: Any = None, dtype: Any = None, keepdims: bool = False) -> Adjoints:
    return (np.where(np.isnan(a), 0.0, kept(dz, axis, keepdims)),)


@rule(np.nanmean)
def nanmean(dz: Any, z: Any, a: Any, axis: Any = None, dtype: Any = None, keepdims: bool = False) -> Adjoints:
    return reductions.mean(dz, z, a, axis, dtype, keepdims, ~np.isnan(a))


@rule(np.nanprod)
def nanprod(dz: Any, z: Any, a: Any, axis: Any = None, dtype: Any = None, keepdims: bool = False) -> Adjoints:
    return reductions.prod(dz, z, a, axis, dtype, keepdims, 1, ~np.isnan(a))


@rule(np.nanmax, np.nanmin)
def nanmax(dz: Any, z: Any, a: Any, axis: Any = None, keepdims: bool = False) -> Adjoints:
    top = a == kept(z, axis, keepdims)
    return (top * (kept(dz, axis, keepdims) / np.maximum(np.sum(top, axis=axis, keepdims=axis is not None), 1)),)


@rule(np.nanvar)
def nanvar(dz: Any, z: Any, a: Any, axis: Any = None, dtype: Any = None, ddof: Any = 0, keepdims: bool = False) -> Adjoints:
    return reductions.var(dz, z, a, axis, dtype, ddof, keepdims, ~np.isnan(a))


@rule(np.nanstd)
def nanstd(dz: Any, z: Any, a: Any, axis: Any = None, dtype: Any = None, ddof: Any = 0, keepdims: bool = False) -> Adjoints:
    return reductions.std(dz, z, a, axis, dtype, ddof, keepdims, ~np.isnan(a))
