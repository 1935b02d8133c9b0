"""Functions that treat arrays as sets, that trim them, or that count them in bins.

    z = np.setdiff1d(x, y)      dx[where each z came from] = dz

Elements that are taken are those of the first place where the value stands.
"""
from __future__ import annotations

from typing import Any

import numpy as np

from srcad.rules import made, rule, unused
from srcad.rules.selecting import counted, flat
from srcad.rules.statistics import undiffed

Adjoints = tuple[Any, ...]


def first_places(values: Any, a: Any) -> Any:
    """Where each of the values stands first in `a`."""
    order = np.argsort(a, axis=None, kind="stable")
    return order[np.searchsorted(flat(a)[order], values)]


if hasattr(np, "unique_values"):
    @rule(np.unique_values)
    def unique_values(dz: Any, z: Any, x: Any) -> Adjoints:
        return (counted(dz, first_places(z, x), x.size).reshape(x.shape),)

    @rule(np.unique_counts, np.unique_inverse, np.unique_all)
    def unique_all(dz: Any, z: Any, x: Any) -> Adjoints:
        return unique_values(dz[0], z[0], x)


@rule(np.setdiff1d)
def setdiff1d(dz: Any, z: Any, ar1: Any, ar2: Any, assume_unique: bool = False) -> Adjoints:
    return counted(dz, first_places(z, ar1), ar1.size).reshape(ar1.shape), np.zeros_like(ar2)


@rule(np.setxor1d)
def setxor1d(dz: Any, z: Any, ar1: Any, ar2: Any, assume_unique: bool = False) -> Adjoints:
    source = first_places(z, np.concatenate([flat(ar1), flat(ar2)]))
    both = counted(dz, source, ar1.size + ar2.size)
    return both[: ar1.size].reshape(ar1.shape), both[ar1.size :].reshape(ar2.shape)


@rule(np.intersect1d)
def intersect1d(dz: Any, z: Any, ar1: Any, ar2: Any, assume_unique: bool = False, return_indices: bool = False) -> Adjoints:
    """The elements are those of the first array."""
    given, values = (dz[0], z[0]) if return_indices else (dz, z)
    return counted(given, first_places(values, ar1), ar1.size).reshape(ar1.shape), np.zeros_like(ar2)


@rule(np.trim_zeros)
def trim_zeros(dz: Any, z: Any, filt: Any, trim: str = "fb", axis: Any = None) -> Adjoints:
    """What is left lies between the first and the last element that is not 0."""
    if filt.ndim != 1:
        raise NotImplementedError("arrays of several dimensions")
    within: Any = None
    for side, step in (("f", 1), ("b", -1)):
        if side in trim.lower():
            seen = np.cumsum((filt != 0)[::step])[::step] > 0
            within = seen if within is None else within & seen
    return (dz if within is None else counted(dz, np.flatnonzero(within), filt.size),)


# ---- bins

def of_edges(dedges: Any, edges: Any, a: Any) -> Any:
    """The edges of bins are as far apart as those of a ruler laid from the smallest element to the largest; equal ones share evenly."""
    steps = edges.shape[0] - 1
    place = made(a, np.arange, steps + 1) / steps
    low, high = a == np.min(a), a == np.max(a)
    return np.sum(dedges * (1 - place)) * (low / np.sum(low)) + np.sum(dedges * place) * (high / np.sum(high))


def are_moved(bins: Any, range: Any, a: Any) -> bool:
    """Whether the edges follow the data."""
    if isinstance(bins, int):
        return range is None and bool(a.size != 0)
    if not isinstance(bins, (list, tuple)) and getattr(bins, "ndim", 0) != 1:
        raise NotImplementedError("bins other than a number that is known, or an array of edges")
    return False


def bins_of(a: Any, edges: Any) -> tuple[Any, Any]:
    """Which bin each element is in, and whether it is in any; the last one has both of its edges."""
    last = edges.shape[0] - 2
    place = np.clip(np.searchsorted(edges, a, side="right") - 1, 0, last)
    return place, (a >= edges[0]) & (a <= edges[-1])


@rule(np.histogram)
def histogram(dz: Any, z: Any, a: Any, weights: Any, bins: Any = 10, range: Any = None, density: Any = None) -> Adjoints:
    """A count is constant where the elements do not cross an edge; the edges follow the smallest and the largest."""
    dcounts, dedges = dz[0], dz[1]
    if density and not unused(dcounts):
        width = np.diff(z[1])
        given = dcounts * z[0]
        dedges = dedges + undiffed(-given / width, 0)
        total = made(a, np.asarray, a.size) if weights is None else np.sum(np.where(bins_of(a, z[1])[1], weights, 0.0))
        dcounts = (dcounts / width - np.sum(given)) / total
    da = of_edges(dedges, z[1], a) if are_moved(bins, range, a) else 0.0 * a
    if weights is None:
        return da, None
    if unused(dcounts) or z[1].shape[0] < 2:  # no bins
        return da, 0.0 * weights
    place, inside = bins_of(a, z[1])
    return da, np.where(inside, dcounts[place], 0.0)


@rule(np.histogram_bin_edges)
def histogram_bin_edges(dz: Any, z: Any, a: Any, bins: Any = 10, range: Any = None, weights: Any = None) -> Adjoints:
    return (of_edges(dz, z, a) if are_moved(bins, range, a) else 0.0 * a,)


@rule(np.histogram2d)
def histogram2d(dz: Any, z: Any, x: Any, y: Any, weights: Any, bins: Any = 10, range: Any = None, density: Any = None) -> Adjoints:
    if density:
        raise NotImplementedError("density=True in two dimensions")
    two = isinstance(bins, (list, tuple)) and len(bins) == 2
    if not two and not isinstance(bins, int) and getattr(bins, "shape", (0,))[0] < 3:
        raise NotImplementedError("two numbers of bins in an array")
    pair = tuple(bins) if two else (bins, bins)
    limits = (None, None) if range is None else tuple(range)
    dx, dy = (of_edges(d, e, a) if are_moved(n, r, a) else 0.0 * a for d, e, a, n, r in zip(dz[1:], z[1:], (x, y), pair, limits))
    if weights is None:
        return dx, dy, None
    if unused(dz[0]) or z[1].shape[0] < 2 or z[2].shape[0] < 2:
        return dx, dy, 0.0 * weights
    (i, within), (j, beside) = bins_of(x, z[1]), bins_of(y, z[2])
    return dx, dy, np.where(within & beside, dz[0][i, j], 0.0)
