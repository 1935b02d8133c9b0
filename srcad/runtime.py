"""What generated code may call where it cannot say something itself, and what users call inside their functions."""
from __future__ import annotations

from typing import Any, TypeVar

import numpy as np

T = TypeVar("T")


def stop_gradient(x: T) -> T:
    """The value of `x`, taken as a constant: no gradient flows through it.

    >>> import srcad
    >>> srcad.grad(lambda x: x * srcad.stop_gradient(x))(3.0)
    3.0
    """
    return x


def unbroadcast(dz: Any, x: Any) -> Any:
    """Sum an adjoint over the axes along which `x` was broadcast to its shape."""
    shape = np.shape(x)
    dz = np.sum(dz, axis=tuple(range(np.ndim(dz) - len(shape))))
    stretched = tuple(i for i, n in enumerate(shape) if n == 1 and np.shape(dz)[i] != 1)
    return np.sum(dz, axis=stretched, keepdims=True) if stretched else np.broadcast_to(dz, shape)
