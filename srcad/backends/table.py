"""The table of library functions, and how a value changes its dtype."""
from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from srcad.backends.values import (
    FLOAT,
    INT,
    Static,
    Val,
    refuse,
    replaced,
)
from srcad.kinds import BOOL

Handler = Callable[..., Any]
TABLE: dict[Any, Handler] = {}


def lowers(*functions: Any) -> Callable[[Handler], Handler]:
    def added(handler: Handler) -> Handler:
        TABLE.update({f: handler for f in functions})
        return handler

    return added


def converted(at: Any, value: Val, dtype: np.dtype[Any], form: str = "scalar") -> Val:
    """A value in another dtype."""
    if dtype.kind not in "iufb":
        refuse(f"the dtype {dtype} is not compiled.")
    if value.dtype == dtype:
        return replaced(value, form="array" if value.dims else form, const=None) if not value.dims else replaced(value, view=None)
    if value.dtype == BOOL and dtype.kind == "f":  # float() of a truth value is not compiled
        return Val(dtype, value.dims, lambda index: f"(1.0 if {value.at(index)} else 0.0)", "array" if value.dims else form)
    word = "bool" if dtype == BOOL else f"np.{dtype.name}" if dtype not in (FLOAT, INT) else "float" if dtype == FLOAT else "int"
    return Val(dtype, value.dims, lambda index: f"{word}({value.at(index)})", "array" if value.dims else form)


def copied(at: Any, value: Val) -> Val:
    """A copy: a value of its own."""
    return replaced(value, view=None) if value.dims else value


def dtype_of(value: Any, default: np.dtype[Any]) -> np.dtype[Any]:
    if value is None:
        return default
    if isinstance(value, Static):
        return np.dtype(value.value)  # type: ignore[call-overload,no-any-return]
    return refuse("a dtype must be known.")  # type: ignore[no-any-return]
