"""What stands between the caller and a kernel: arguments taken apart, results put together.

    def f_grad(w, x):                                def f_grad_loops(w_0, w_1, x): ...
        dw_0, dw_1, dx = f_grad_loops(w[0], w[1], x)
        return [dw_0, dw_1], dx
"""
from __future__ import annotations

import re
from collections.abc import Sequence
from typing import Any

import numpy as np


def trivial(structure: Any) -> bool:
    """Whether a kernel's result is what the caller gets."""
    kind = structure[0]
    if kind == "leaf":
        return structure[2] == "python" or structure[4] > 0
    return kind is tuple and len(structure[1]) > 1 and all(s[0] == "leaf" and trivial(s) for s in structure[1])


def rebuilt(structure: Any, leaves: Sequence[str]) -> str:
    """A result in the user's structure and types, from the kernel's numbers and arrays."""
    kind = structure[0]
    if kind == "leaf":
        _, position, form, dtype, rank = structure
        if rank or form == "python":
            return leaves[position]
        if form == "array":
            return f"np.array({leaves[position]}{'' if dtype == 'float64' else f', np.{dtype}'})"
        return f"np.{dtype}({leaves[position]})" if dtype != "bool" else f"np.bool_({leaves[position]})"
    if kind == "static":
        return repr(structure[1])
    if kind == "stack":
        return ", ".join(leaves[structure[1]: structure[2]])
    items = [rebuilt(s, leaves) for s in structure[1]]
    if kind is dict:
        return "{" + ", ".join(f"{k!r}: {i}" for k, i in zip(structure[2], items)) + "}"
    if kind is list:
        return f"[{', '.join(items)}]"
    if kind is tuple:
        return f"({', '.join(items)}{',' * (len(items) == 1)})"
    named = [f"{k}={i}" for k, i in zip(structure[2], items)] if structure[2] else items
    return f"{kind}({', '.join(named)})"


def count(structure: Any) -> int:
    """How many numbers and arrays a structure is made of."""
    kind = structure[0]
    if kind == "leaf":
        return 1
    if kind == "static":
        return 0
    if kind == "stack":
        return int(structure[2]) - int(structure[1]) + 0
    return sum(map(count, structure[1]))


def identifier(path: str) -> str:
    """A name for what is at a path: `params['l'][0]` becomes `params_l_0`."""
    if path.isidentifier():
        return path
    made = re.sub(r"\W+", "_", path).strip("_")
    return made if made.isidentifier() else f"v_{made}"


def wrapper_text(title: str, parameters: str, passed: Sequence[str], kernel: str, structure: Any, total: int) -> str:
    """The function that calls the kernel."""
    leaves = [f"r{k}" for k in range(total)] if total != 1 else ["r"]
    result = rebuilt(structure, leaves)
    call = f"{kernel}({', '.join(passed)})"
    if total == 0:
        return f"def {title}({parameters}):\n    {call}\n    return {result}\n"
    return f"def {title}({parameters}):\n    {', '.join(leaves)} = {call}\n    return {result.removeprefix('(').removesuffix(')') if result.startswith('(') and bare(result) else result}\n"


def bare(text: str) -> bool:
    """Whether the first and the last parenthesis belong together, and leave a tuple of more than one."""
    depth = 0
    for k, c in enumerate(text):
        depth += (c in "([{") - (c in ")]}")
        if depth == 0 and k < len(text) - 1:
            return False
    return not text.endswith(",)")


def signature_type(value: Any, contiguous: bool) -> Any:
    """Numba's type for a number or array."""
    from numba import from_dtype, types

    kind = from_dtype(value.dtype)
    if not value.dims:
        return kind
    return types.Array(kind, value.ndim, "C" if contiguous else "A")


__all__ = ["np"]
