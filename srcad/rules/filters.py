"""SciPy's linear filters of images; registered once SciPy's are imported.

    z = correlate1d(x, w)       dx = the convolution of dz with w, folded at the borders as x was

A filter is a correlation of what was added at the borders to x; what is added is
a part of x, and so gives back to it.
"""
from __future__ import annotations

from typing import Any

import numpy as np
import scipy.ndimage as nd

from srcad.rules import made, rule
from srcad.rules.selecting import gathered, numbered

Adjoints = tuple[Any, ...]


def borders(mode: Any, origin: Any, sizes: Any) -> str:
    """NumPy's name for what is added at the borders."""
    names = {"reflect": "symmetric", "mirror": "reflect", "nearest": "edge", "wrap": "wrap", "constant": "constant", "grid-mirror": "symmetric",
             "grid-wrap": "wrap", "grid-constant": "constant"}
    if not isinstance(mode, str) or mode not in names:
        raise NotImplementedError(f"the mode {mode!r}")
    if origin not in (0, None) or any(n % 2 == 0 for n in sizes):
        raise NotImplementedError("an origin, nor weights of even length")
    return names[mode]


def folded(dz: Any, x: Any, widths: Any, border: str) -> Any:
    """What was given to an array with borders, given to the array itself."""
    if border == "constant":
        return dz[tuple(slice(a, a + n) for (a, _), n in zip(widths, x.shape))]
    return gathered(dz, np.pad(numbered(x), widths, mode=border), x)


def along(dz: Any, x: Any, weights: Any, axis: int, border: str) -> Any:
    """The adjoint of a correlation along one axis."""
    half = weights.shape[0] // 2
    widths = [(half, half) if i == axis % x.ndim else (0, 0) for i in range(x.ndim)]
    whole = made(dz, nd.convolve1d, np.pad(dz, widths), weights, axis=axis, mode="constant")
    return folded(whole, x, widths, border)


def of_weights(dz: Any, x: Any, weights: Any, border: str) -> Any:
    """Each weight gets the products of dz and what it was multiplied by."""
    bordered = np.pad(x, [(n // 2, n // 2) for n in weights.shape], mode=border)
    windows = np.lib.stride_tricks.sliding_window_view(bordered, weights.shape)
    own = tuple(range(x.ndim))
    return np.tensordot(dz, windows, axes=(own, own))


@rule(nd.correlate)
def correlate(dz: Any, z: Any, input: Any, weights: Any, mode: str = "reflect", cval: float = 0.0, origin: int = 0, *,
              active: tuple[bool, bool] = (True, True)) -> Adjoints:
    border = borders(mode, origin, weights.shape)
    if active[1] and border == "constant" and cval != 0:
        raise NotImplementedError("weights that are differentiated, beside a border that is not 0")
    widths = [(n // 2, n // 2) for n in weights.shape]
    whole = made(dz, nd.convolve, np.pad(dz, widths), weights, mode="constant")
    return folded(whole, input, widths, border), of_weights(dz, input, weights, border) if active[1] else None


@rule(nd.convolve)
def convolve(dz: Any, z: Any, input: Any, weights: Any, mode: str = "reflect", cval: float = 0.0, origin: int = 0, *,
             active: tuple[bool, bool] = (True, True)) -> Adjoints:
    """A correlation with the weights turned round."""
    dx, dweights = correlate(dz, z, input, np.flip(weights), mode, cval, origin, active=active)
    return dx, None if dweights is None else np.flip(dweights)


@rule(nd.correlate1d)
def correlate1d(dz: Any, z: Any, input: Any, weights: Any, axis: int = -1, mode: str = "reflect", cval: float = 0.0, origin: int = 0, *,
                active: tuple[bool, bool] = (True, True)) -> Adjoints:
    border = borders(mode, origin, weights.shape)
    if not active[1]:
        return along(dz, input, weights, axis, border), None
    if border == "constant" and cval != 0:
        raise NotImplementedError("weights that are differentiated, beside a border that is not 0")
    turned = weights.reshape(tuple(-1 if i == axis % input.ndim else 1 for i in range(input.ndim)))
    return along(dz, input, weights, axis, border), of_weights(dz, input, turned, border).reshape(weights.shape)


@rule(nd.convolve1d)
def convolve1d(dz: Any, z: Any, input: Any, weights: Any, axis: int = -1, mode: str = "reflect", cval: float = 0.0, origin: int = 0, *,
               active: tuple[bool, bool] = (True, True)) -> Adjoints:
    dx, dweights = correlate1d(dz, z, input, np.flip(weights), axis, mode, cval, origin, active=active)
    return dx, None if dweights is None else np.flip(dweights)


def bell(dz: Any, sigma: float, order: int, truncate: float) -> Any:
    """The weights of a Gaussian filter: what it makes of a single 1, turned round."""
    radius = int(truncate * float(sigma) + 0.5)
    single = made(dz, np.eye, 1, 2 * radius + 1, radius)
    given = {"order": order} if order else {}
    if truncate != 4.0:
        given["truncate"] = truncate
    return np.flip(made(dz, nd.gaussian_filter1d, single, sigma, mode="constant", **given).reshape(-1))


@rule(nd.gaussian_filter1d)
def gaussian_filter1d(dz: Any, z: Any, input: Any, sigma: Any = None, axis: int = -1, order: int = 0, mode: str = "reflect", cval: float = 0.0,
                      truncate: float = 4.0) -> Adjoints:
    return (along(dz, input, bell(dz, sigma, order, truncate), axis, borders(mode, 0, ())),)


@rule(nd.gaussian_filter)
def gaussian_filter(dz: Any, z: Any, input: Any, sigma: Any = None, order: Any = 0, mode: str = "reflect", cval: float = 0.0,
                    truncate: float = 4.0) -> Adjoints:
    """One axis after the other; backwards, the last one first."""
    border = borders(mode, 0, ())
    sigmas, orders = ([v] * input.ndim if isinstance(v, (int, float)) else list(v) for v in (sigma, order))
    for axis in reversed(range(input.ndim)):
        if sigmas[axis] > 1e-15:
            dz = along(dz, input, bell(dz, sigmas[axis], orders[axis], truncate), axis, border)
    return (dz,)


@rule(nd.uniform_filter1d)
def uniform_filter1d(dz: Any, z: Any, input: Any, size: Any = 3, axis: int = -1, mode: str = "reflect", cval: float = 0.0, origin: int = 0) -> Adjoints:
    border = borders(mode, origin, (size,))
    return (along(dz, input, made(dz, np.full, size, 1 / size), axis, border),)


@rule(nd.uniform_filter)
def uniform_filter(dz: Any, z: Any, input: Any, size: Any = 3, mode: str = "reflect", cval: float = 0.0, origin: int = 0) -> Adjoints:
    sizes = [size] * input.ndim if isinstance(size, int) else list(size)
    border = borders(mode, origin, sizes)
    for axis in reversed(range(input.ndim)):
        if sizes[axis] > 1:
            dz = along(dz, input, made(dz, np.full, sizes[axis], 1 / sizes[axis]), axis, border)
    return (dz,)


def edges(dz: Any, x: Any, axis: int, mode: str, smooth: list[float]) -> Any:
    """The adjoint of a difference along one axis and a smoothing along the others."""
    border = borders(mode, 0, ())
    axis %= x.ndim
    for i in reversed([i for i in range(x.ndim) if i != axis]):
        dz = along(dz, x, made(dz, np.array, smooth), i, border)
    return along(dz, x, made(dz, np.array, [-1.0, 0.0, 1.0]), axis, border)


@rule(nd.sobel)
def sobel(dz: Any, z: Any, input: Any, axis: int = -1, mode: str = "reflect", cval: float = 0.0) -> Adjoints:
    return (edges(dz, input, axis, mode, [1.0, 2.0, 1.0]),)


@rule(nd.prewitt)
def prewitt(dz: Any, z: Any, input: Any, axis: int = -1, mode: str = "reflect", cval: float = 0.0) -> Adjoints:
    return (edges(dz, input, axis, mode, [1.0, 1.0, 1.0]),)


@rule(nd.laplace)
def laplace(dz: Any, z: Any, input: Any, mode: str = "reflect", cval: float = 0.0) -> Adjoints:
    """The sum of the second differences along all axes."""
    border = borders(mode, 0, ())
    total: Any = None
    for axis in range(input.ndim):
        part = along(dz, input, made(dz, np.array, [1.0, -2.0, 1.0]), axis, border)
        total = part if total is None else total + part
    return (total,)
