"""Shapes of functions that count as complex of real numbers: np.emath.sqrt((n,)) -> (n,) complex numbers."""
from __future__ import annotations

from typing import Any

import numpy as np

from srcad.dims import Facts, broadcast
from srcad.kinds import Number
from srcad.shapes import lift, made, shape


def complex_dtype(*operands: Number) -> Any:
    """The dtype of a result that is complex: NumPy's answer for numbers below 0."""
    if any(o.dtype is None for o in operands):
        return None
    return np.result_type(*(np.emath.sqrt(-np.ones(1, o.dtype) if o.dtype != bool else -1.0).dtype for o in operands))  # type: ignore[union-attr]


@shape(np.emath.sqrt, np.emath.log, np.emath.log2, np.emath.log10, np.emath.logn, np.emath.power, np.emath.arccos, np.emath.arcsin, np.emath.arctanh)
def of_each(facts: Facts, *operands: Any) -> Number:
    numbers = [lift(x, facts) for x in operands]
    facts.may_be_real = True
    return made(complex_dtype(*numbers), broadcast(*(n.shape for n in numbers)))
