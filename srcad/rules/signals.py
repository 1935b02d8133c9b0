"""SciPy's convolutions of signals of any number of dimensions; registered once SciPy's are imported."""
from __future__ import annotations

from typing import Any

import numpy as np
import scipy.signal as sg

from srcad.rules import made, rule

Adjoints = tuple[Any, ...]


def fully(dz: Any, a: Any, b: Any, mode: str) -> Any:
    """The adjoint of the whole convolution, of which 'same' is the middle, as large as `a`, and 'valid' what overlaps wholly."""
    if mode == "full":
        return dz
    sizes = [(min(n, m), m) for n, m in zip(a.shape, b.shape)]
    if mode == "valid":
        return np.pad(dz, [(least - 1, least - 1) for least, _ in sizes])
    return np.pad(dz, [((m - 1) // 2, m - 1 - (m - 1) // 2) for _, m in sizes])


@rule(sg.convolve)
def convolve(dz: Any, z: Any, in1: Any, in2: Any, mode: str = "full", method: str = "auto") -> Adjoints:
    whole = fully(dz, in1, in2, mode)
    return made(whole, sg.correlate, whole, in2, mode="valid"), made(whole, sg.correlate, whole, in1, mode="valid")


@rule(sg.correlate)
def correlate(dz: Any, z: Any, in1: Any, in2: Any, mode: str = "full", method: str = "auto") -> Adjoints:
    """The convolution with `in2` turned round."""
    da, turned = convolve(dz, z, in1, np.flip(in2), mode)
    return da, np.flip(turned)


@rule(sg.fftconvolve)
def fftconvolve(dz: Any, z: Any, in1: Any, in2: Any, mode: str = "full") -> Adjoints:
    whole = fully(dz, in1, in2, mode)
    return made(whole, sg.correlate, whole, in2, mode="valid"), made(whole, sg.correlate, whole, in1, mode="valid")
