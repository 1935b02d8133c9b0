"""docs/coverage.md says what is so: a function with a rule has cases, one with derivative zero gets zero, one that is refused raises."""
from __future__ import annotations

import importlib.util
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest

sys.path.insert(0, str(Path(__file__).parent))

from cases import CASES  # noqa: E402
from harness import function_of  # noqa: E402
from test_rules import compare_text  # noqa: E402

import srcad  # noqa: E402

ROOT = Path(__file__).parent.parent.parent
spec = importlib.util.spec_from_file_location("make_coverage", ROOT / "docs" / "make_coverage.py")
assert spec is not None and spec.loader is not None
coverage: Any = importlib.util.module_from_spec(spec)
spec.loader.exec_module(coverage)
TEXT = coverage.page()
ROWS = {name: coverage.status(name) for _, names in coverage.listed() for name in names}
ABSENT = "not in this version"
x, small = np.array([1.5, -0.7, 2.2]), np.array([[1.5, -0.7], [0.3, 2.2]])
WRITTEN_OUT: dict[str, tuple[str, tuple[Any, ...]]] = {  # a program for each function that is looked through
    "np.select": ("np.select([x > 1, x > 0], [x * 2, x ** 2], x)", (x,)), "np.piecewise": ("np.piecewise(x, [x > 0], [lambda v: v ** 2, 1.0])", (x,)),
    "np.copyto": ("np.copyto(h, x ** 2, where=x > 0)", (x,)), "np.fill_diagonal": ("np.fill_diagonal(h, y)", (small, 1.5)),
    "np.place": ("np.place(h, h > 0, y)", (x, 1.5)), "np.put": ("np.put(h, [0, 2], y)", (x, x[:2])), "np.putmask": ("np.putmask(h, h > 1, x ** 2)", (x,)),
    "np.put_along_axis": ("np.put_along_axis(h, np.array([[1], [0]]), y, 1)", (small, small[:, :1])),
    "np.apply_along_axis": ("np.apply_along_axis(lambda row: row ** 2 / np.sum(row), 1, x)", (small,)),
    "np.histogramdd": ("np.histogramdd(x, 2, weights=y)[0] + np.histogramdd(x, 2)[1][0][1]", (small, x[:2])),
    "np.apply_over_axes": ("np.apply_over_axes(np.sum, x * y, [0, 1])", (small, 1.5)),
}
WITH_MORE = {"heaviside": ", 0.5", "copysign": ", 1.0", "nextafter": ", 1.0", "floor_divide": ", 2.0", "histogram2d": ", x"}  # more arguments
SECOND = {"unique_counts": ".counts", "histogram": "[0]", "histogram2d": "[0]"}  # the part of several results


def of_kind(kind: str) -> list[str]:
    return [name for name, said in ROWS.items() if said.startswith(kind)]


def program_text(name: str) -> str:
    """How the tests' programs call a function."""
    return name.replace("scipy.", "", 1)


def test_the_page_is_the_registrys() -> None:
    """Write it anew by `python docs/make_coverage.py`, and read the difference."""
    wanted, found = (ROOT / "docs" / "coverage.md").read_text(), TEXT
    if not of_kind(ABSENT):
        assert found == wanted
        return
    absent = tuple(f"| `{name}` |" for name in of_kind(ABSENT))
    rows = [[line for line in text.split("\n") if line.startswith("| `") and not line.startswith(absent)] for text in (found, wanted)]
    assert rows[0] == rows[1]


def test_every_row_is_known() -> None:
    assert all(said.startswith(("rule", "derivative zero", "written out", "refused", ABSENT)) for said in ROWS.values())


def test_rules_have_cases() -> None:
    covered = {case.function for case in CASES}
    complex_ones = (ROOT / "tests" / "test_complex.py").read_text()
    elsewhere = {"scipy.integrate.odeint"}  # in tests/test_odes.py
    assert not [name for name in of_kind("rule") if coverage.function_of(name) not in covered and f'"{name}":' not in complex_ones and name not in elsewhere]


@pytest.mark.parametrize("name", of_kind("written out"))
def test_written_out(name: str) -> None:
    text, operands = WRITTEN_OUT[name]
    if "(h, " not in text:
        compare_text(text, operands)
        return
    names = "xy"[: len(operands)]
    f = function_of(f"def f({', '.join(names)}):\n    h = x * 1.5\n    {text}\n    return np.sum(h * h)\n")
    srcad.check_grad(srcad.grad(f, wrt=tuple(names)), *operands)


PUTS: list[tuple[str, tuple[Any, ...]]] = [
    ("np.put_along_axis(h, np.array([[1, 1], [0, 1]]), y, axis=-1)", (small, small * 2)), ("np.put_along_axis(h, np.array([[1, 0]]), y, axis=0)", (small, 3.0)),
    ("np.put_along_axis(h, np.argmax(x, axis=1)[:, None], 0.5, 1)", (small, 3.0)), ("np.put_along_axis(h, np.array([2, 0]), y, 0)", (x, x[:2])),
]


@pytest.mark.parametrize(("text", "operands"), PUTS, ids=[text for text, _ in PUTS])
def test_put_along_axis(text: str, operands: tuple[Any, ...]) -> None:
    f = function_of(f"def f(x, y):\n    h = x * 1.5\n    {text}\n    return np.sum(h * h * x) + np.sum(y)\n")
    srcad.check_grad(srcad.grad(f), *operands)


@pytest.mark.parametrize("name", of_kind("derivative zero"))
def test_zero(name: str) -> None:
    label = name.rpartition(".")[2]
    argument = x if name.startswith(("np", "scipy")) else 1.5
    call = f"{program_text(name)}(x{WITH_MORE.get(label, '')}){SECOND.get(label, '')}"
    f = function_of(f"def f(x):\n    return np.sum({call}) * 1.0 + x * 0\n" if argument is x else f"def f(x):\n    return {call} * 1.0\n")
    value, pullback = srcad.vjp(f, argument)
    found = pullback(np.ones(3) if argument is x else 1.0)
    assert not np.any(found) and np.shape(found) == np.shape(argument)


@pytest.mark.parametrize("name", of_kind("refused"))
def test_refused(name: str) -> None:
    f = function_of(f"def f(x):\n    return {program_text(name)}(x * 2.0, x * 3.0)\n")
    with pytest.raises(srcad.SrcadError):
        srcad.vjp(f, x)
