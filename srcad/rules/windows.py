"""SciPy's filters that pick one element of each window, and the morphology of grey images; registered once SciPy's are imported.

    z = maximum_filter(x, 3)        dx = what each z is equal to gets its dz; equal elements share evenly

A window's elements are looked up among those of x, numbered, with its borders added.
"""
from __future__ import annotations

from typing import Any

import numpy as np
import scipy.ndimage as nd

from srcad.rules import made, rule
from srcad.rules.filters import borders, gaussian_filter
from srcad.rules.selecting import counted, numbered

Adjoints = tuple[Any, ...]


def each(value: Any, x: Any) -> list[Any]:
    """A parameter for each axis."""
    return list(value) if isinstance(value, (list, tuple)) else [value] * x.ndim


def picked(dz: Any, z: Any, x: Any, size: Any, mode: Any, cval: Any, origin: Any) -> Any:
    """The adjoint of `x`, each element of `z` being one of the window around it."""
    border = borders(mode, 0, ())
    sizes = each(size, x)
    starts = [n // 2 + o for n, o in zip(sizes, each(origin, x))]
    widths = [(start, n - 1 - start) for start, n in zip(starts, sizes)]
    outside = border == "constant"
    numbers = numbered(x)
    around = np.pad(x, widths, mode=border, constant_values=cval) if outside else np.pad(x, widths, mode=border)
    source = np.pad(numbers, widths, mode=border, constant_values=x.size) if outside else np.pad(numbers, widths, mode=border)
    view = np.lib.stride_tricks.sliding_window_view
    own, inner = tuple(sizes), tuple(range(x.ndim, 2 * x.ndim))
    found = view(around, own) == np.expand_dims(z, inner)
    share = np.expand_dims(dz, inner) * (found / np.sum(found, axis=inner, keepdims=True))
    if not outside:
        return counted(share, view(source, own), x.size).reshape(x.shape)
    return counted(share, view(source, own), x.size + 1)[:-1].reshape(x.shape)


def sized(size: Any, footprint: Any, structure: Any = None) -> None:
    if size is None or footprint is not None or structure is not None:
        raise NotImplementedError("windows other than those that `size` tells")


@rule(nd.maximum_filter, nd.minimum_filter, nd.median_filter)
def extreme_filter(dz: Any, z: Any, input: Any, size: Any = None, footprint: Any = None, mode: Any = "reflect", cval: float = 0.0,
                   origin: Any = 0) -> Adjoints:
    sized(size, footprint)
    return (picked(dz, z, input, size, mode, cval, origin),)


@rule(nd.maximum_filter1d, nd.minimum_filter1d)
def extreme_filter1d(dz: Any, z: Any, input: Any, size: Any = None, axis: int = -1, mode: str = "reflect", cval: float = 0.0,
                     origin: int = 0) -> Adjoints:
    along = axis % input.ndim
    sizes, origins = ([v if i == along else plain for i in range(input.ndim)] for v, plain in ((size, 1), (origin, 0)))
    return (picked(dz, z, input, sizes, mode, cval, origins),)


@rule(nd.rank_filter)
def rank_filter(dz: Any, z: Any, input: Any, rank: int = 0, size: Any = None, footprint: Any = None, mode: Any = "reflect", cval: float = 0.0,
                origin: Any = 0) -> Adjoints:
    return extreme_filter(dz, z, input, size, footprint, mode, cval, origin)


@rule(nd.percentile_filter)
def percentile_filter(dz: Any, z: Any, input: Any, percentile: float = 0, size: Any = None, footprint: Any = None, mode: Any = "reflect",
                      cval: float = 0.0, origin: Any = 0) -> Adjoints:
    return extreme_filter(dz, z, input, size, footprint, mode, cval, origin)


# ---- morphology: the least and the greatest of a window, one after the other

@rule(nd.grey_erosion)
def grey_erosion(dz: Any, z: Any, input: Any, size: Any = None, footprint: Any = None, structure: Any = None, mode: Any = "reflect",
                 cval: float = 0.0, origin: Any = 0) -> Adjoints:
    sized(size, footprint, structure)
    return (picked(dz, z, input, size, mode, cval, origin),)


@rule(nd.grey_dilation)
def grey_dilation(dz: Any, z: Any, input: Any, size: Any = None, footprint: Any = None, structure: Any = None, mode: Any = "reflect",
                  cval: float = 0.0, origin: Any = 0) -> Adjoints:
    """Its windows are mirrored."""
    sized(size, footprint, structure)
    turned = [-o - (1 if n % 2 == 0 else 0) for o, n in zip(each(origin, input), each(size, input))]
    return (picked(dz, z, input, size, mode, cval, turned),)


def both(dz: Any, x: Any, first: Any, second: Any, rest: tuple[Any, ...]) -> Any:
    """The adjoint of one after the other."""
    sized(*rest[:3])
    between = made(x, first, x, **named(*rest))
    z = made(x, second, between, **named(*rest))
    backwards = {nd.grey_erosion: grey_erosion, nd.grey_dilation: grey_dilation}
    return backwards[first](backwards[second](dz, z, between, *rest)[0], between, x, *rest)[0]


def named(size: Any, footprint: Any, structure: Any, mode: Any, cval: Any, origin: Any) -> dict[str, Any]:
    given = {"size": size, "mode": mode, "cval": cval, "origin": origin}
    plain = {"mode": "reflect", "cval": 0.0, "origin": 0}
    return {k: v for k, v in given.items() if k not in plain or v != plain[k]}


def morphology(function: Any, adjoint: Any) -> None:
    """A rule for a function of the signature that all of them have."""
    def derivative(dz: Any, z: Any, input: Any, size: Any = None, footprint: Any = None, structure: Any = None, mode: Any = "reflect",
                   cval: float = 0.0, origin: Any = 0) -> Adjoints:
        return (adjoint(dz, z, input, (size, footprint, structure, mode, cval, origin)),)

    derivative.__name__ = derivative.__qualname__ = function.__name__
    rule(function)(derivative)


def opening(dz: Any, x: Any, rest: tuple[Any, ...]) -> Any:
    return both(dz, x, nd.grey_erosion, nd.grey_dilation, rest)


def closing(dz: Any, x: Any, rest: tuple[Any, ...]) -> Any:
    return both(dz, x, nd.grey_dilation, nd.grey_erosion, rest)


def extremes(dz: Any, x: Any, rest: tuple[Any, ...]) -> tuple[Any, Any]:
    """The adjoints of dilation and erosion."""
    sized(*rest[:3])
    low, high = (made(x, f, x, **named(*rest)) for f in (nd.grey_erosion, nd.grey_dilation))
    return grey_dilation(dz, high, x, *rest)[0], grey_erosion(dz, low, x, *rest)[0]


def gradient(dz: Any, z: Any, x: Any, rest: tuple[Any, ...]) -> Any:
    up, down = extremes(dz, x, rest)
    return up - down


def laplacian(dz: Any, z: Any, x: Any, rest: tuple[Any, ...]) -> Any:
    up, down = extremes(dz, x, rest)
    return up + down - 2 * dz


morphology(nd.grey_opening, lambda dz, z, x, rest: opening(dz, x, rest))
morphology(nd.grey_closing, lambda dz, z, x, rest: closing(dz, x, rest))
morphology(nd.white_tophat, lambda dz, z, x, rest: dz - opening(dz, x, rest))
morphology(nd.black_tophat, lambda dz, z, x, rest: closing(dz, x, rest) - dz)
morphology(nd.morphological_gradient, gradient)
morphology(nd.morphological_laplace, laplacian)


@rule(nd.gaussian_laplace)
def gaussian_laplace(dz: Any, z: Any, input: Any, sigma: Any = None, mode: str = "reflect", cval: float = 0.0, truncate: float = 4.0) -> Adjoints:
    """The sum of the second derivatives of a Gaussian filter along all axes."""
    total: Any = None
    for axis in range(input.ndim):
        order = [2 if i == axis else 0 for i in range(input.ndim)]
        part = gaussian_filter(dz, z, input, sigma, order, mode, cval, truncate)[0]
        total = part if total is None else total + part
    return (total,)
