"""Where the first number that is not finite comes from: in the function itself, and in its backward pass.

    >>> import numpy as np, srcad
    >>> def f(x):
    ...     y = np.sqrt(x)
    ...     return np.sum(y)
    >>> print(srcad.grad(f).debug(np.array([0.0, 1.0])))
    backward: `dx` is inf in 1 of 2 elements, at `y = np.sqrt(x)`
"""
from __future__ import annotations

import sys
import types
import warnings
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np

MARK = "# backprop "


@dataclass(frozen=True)
class Finding:
    """A variable that is not finite: in which half, on which line, and what of it."""

    half: str
    variable: str
    what: str
    text: str
    line: int

    def __str__(self) -> str:
        place = f"line {self.line}: " if self.line else ""
        return f"{self.half}: `{self.variable}` is {self.what}, at {place}`{self.text}`"


class Findings(tuple[Finding, ...]):
    """The first such variable of each half; as text a line for each."""

    def __str__(self) -> str:
        return "\n".join(map(str, self)) or "every number is finite"

    def __repr__(self) -> str:
        return str(self)


def first_not_finite(run: Callable[[], Any], code: types.CodeType, source: list[str], half: str) -> Iterator[Finding]:
    """Run a function and look at its variables after each line. `source` are the lines of its file."""
    found: list[Finding] = []
    before: dict[str, Any] = {}
    last = [code.co_firstlineno]

    def look(frame: types.FrameType, event: str, _: Any) -> Any:
        if frame.f_code is not code or found:
            return None if frame.f_code is not code else look
        for label, value in frame.f_locals.items():
            what = not_finite(value)
            if what and before.get(label) is not value and event != "call":
                found.append(Finding(half, label, what, *place(source, last[0], half)))
            before[label] = value
        last[0] = frame.f_lineno
        return look

    old = sys.gettrace()
    sys.settrace(look)
    try:
        with warnings.catch_warnings(), np.errstate(all="ignore"):
            warnings.simplefilter("ignore", RuntimeWarning)
            run()
    finally:
        sys.settrace(old)
    yield from found


def place(source: list[str], line: int, half: str) -> tuple[str, int]:
    """The user's text for a line: the line itself, or what the comment above says that it reverses."""
    if half == "forward":
        return (source[line - 1].strip() if line <= len(source) else "", line)
    for row in range(min(line, len(source)), 0, -1):
        if MARK in source[row - 1]:
            return source[row - 1].partition(MARK)[2].strip(), 0
    return (source[line - 1].strip() if line <= len(source) else ""), 0


def not_finite(value: Any) -> str:
    """What of a number or an array is not finite: "nan", "inf in 1 of 2 elements"."""
    if isinstance(value, (bool, str)) or not isinstance(value, (float, complex, np.number, np.ndarray)):
        return ""
    array = np.asarray(value)
    if array.dtype.kind not in "fc" or np.isfinite(array).all():
        return ""
    label = "nan" if np.isnan(array).any() else "inf"
    bad = int(np.count_nonzero(~np.isfinite(array)))
    return label if not array.ndim else f"{label} in {bad} of {array.size} elements"
