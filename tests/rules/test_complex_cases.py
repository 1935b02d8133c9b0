"""What is differentiated of complex numbers is right for them: the cases of the rules, with complex operands, beside differences along a direction."""
from __future__ import annotations

import collections
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest

sys.path.insert(0, str(Path(__file__).parent))

from cases import CASES, LABELS, number_of, program  # noqa: E402
from harness import flat, function_of  # noqa: E402

import srcad  # noqa: E402
from srcad.rules import RULES  # noqa: E402
from srcad.rules.complex import OF_COMPLEX  # noqa: E402

EACH = 12  # cases of one function
COVERED = {"a power of complex numbers", "its rule does not cover"}  # refused: a written exponent, vectors, some norms


def some_of_each() -> list[int]:
    """The first cases of each function that takes complex numbers."""
    counts: collections.Counter[Any] = collections.Counter()
    out = []
    for i, case in enumerate(CASES):
        if "np.float64" in LABELS[i]:  # the imaginary parts are cut off, with a warning of NumPy's
            continue
        if case.function in OF_COMPLEX and case.function in RULES and any(isinstance(v, np.ndarray) and v.dtype.kind == "f" for v in program(case).arguments.values()):
            counts[case.function] += 1
            out += [i] if counts[case.function] <= EACH else []
    return out


def complex_like(value: Any, rng: np.random.Generator) -> Any:
    """Random numbers of a value's shape, complex where it is; of each part of a structure."""
    if isinstance(value, (list, tuple)):
        return [complex_like(v, rng) for v in value]
    seed = rng.standard_normal(np.shape(value))
    seed = seed + 1j * rng.standard_normal(np.shape(value)) if np.iscomplexobj(value) else seed
    return seed if np.ndim(seed) else type(np.asarray(value).item() * 1.0)(seed)


def paired(a: Any, b: Any) -> float:
    return sum(float(np.real(np.sum(np.asarray(x) * np.asarray(y)))) for x, y in zip(flat(a), flat(b), strict=True))


@pytest.mark.parametrize("number", [pytest.param(i, id=LABELS[i]) for i in some_of_each()])
def test_complex_operands(number: int) -> None:
    made, rng = program(CASES[number]), np.random.default_rng(number_of(LABELS[number]))
    f = function_of(made.text)
    arguments = {k: v + 1j * rng.standard_normal(v.shape) if isinstance(v, np.ndarray) and v.dtype.kind == "f" else v for k, v in made.arguments.items()}
    try:
        value, pullback = srcad.vjp(f, *arguments.values(), wrt=made.wrt)
    except srcad.SrcadError as problem:
        assert any(text in str(problem) for text in COVERED)
        return
    seed = complex_like(value, rng)
    found = pullback(seed)
    ways = {k: complex_like(arguments[k], rng) for k in made.wrt}
    ends = [paired(seed, f(**(arguments | {k: arguments[k] + t * way for k, way in ways.items()}))) for t in (1e-5, -1e-5)]
    assert all(np.iscomplexobj(g) == np.iscomplexobj(arguments[k]) for k, g in zip(made.wrt, found))
    wanted, along = (ends[0] - ends[1]) / 2e-5, paired(found, list(ways.values()))
    assert abs(along - wanted) <= 1e-5 * max(1.0, abs(wanted), abs(along))
