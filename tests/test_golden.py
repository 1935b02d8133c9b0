"""The generated text, held by golden files: `pytest --update-golden` writes them anew, to be reviewed like code."""
from __future__ import annotations

import ast
import pathlib
import subprocess
import sys

import golden_programs
import numpy as np
import pytest

import srcad

GOLDEN = pathlib.Path(__file__).parent / "golden"


def compare(name: str, text: str, update: bool) -> None:
    path = GOLDEN / f"{name}.txt"
    if update:
        path.write_text(text)
    assert text == path.read_text()


@pytest.mark.parametrize("name", golden_programs.CASES)
def test_gradient_text(name: str, update_golden: bool) -> None:
    args, function = golden_programs.CASES[name]
    gradient = srcad.grad(getattr(golden_programs, function))
    compare(name, gradient.source_for(*args), update_golden)
    gradient.check(*args)


@pytest.mark.parametrize("name", golden_programs.PAIRS)
def test_pair_text(name: str, update_golden: bool) -> None:
    args = golden_programs.PAIRS[name]
    gradient = srcad.grad(getattr(golden_programs, name))
    compare(f"{name}_pair", gradient.source_for(*args, pair=True), update_golden)
    gradient.check(*args)


def test_staged_text(update_golden: bool) -> None:
    compare("staged_program", srcad.grad(golden_programs.staged).staged, update_golden)


def test_the_staged_circuit_is_the_one_of_the_notes() -> None:
    """The backward pass that CS231n writes for it, as a tree: parentheses aside."""
    by_hand = '''
def staged_grad(x, y):
    sigy = 1.0 / (1 + math.exp(-y))
    num = x + sigy
    sigx = 1.0 / (1 + math.exp(-x))
    xpy = x + y
    xpysqr = xpy**2
    den = sigx + xpysqr
    invden = 1.0 / den
    dnum = invden
    dinvden = num
    dden = (-1.0 / den**2) * dinvden
    dsigx = dden
    dxpysqr = dden
    dxpy = (2 * xpy) * dxpysqr
    dx = dxpy
    dy = dxpy
    dx += ((1 - sigx) * sigx) * dsigx
    dx += dnum
    dsigy = dnum
    dy += ((1 - sigy) * sigy) * dsigy
    return dx, dy
'''
    made = ast.parse(srcad.grad(golden_programs.staged).source_for(3.0, -4.0)).body[-1]
    assert ast.dump(made) == ast.dump(ast.parse(by_hand).body[0])


def test_text_is_the_same_on_every_run() -> None:
    code = "import sys; sys.path.insert(0, 'tests'); import golden_programs as g, srcad\n" \
           "for n, (a, f) in g.CASES.items(): print(srcad.grad(getattr(g, f)).source_for(*a))"
    root = pathlib.Path(__file__).parent.parent
    runs = {subprocess.run([sys.executable, "-c", code], cwd=root, env={"PYTHONHASHSEED": seed, "PYTHONPATH": str(root)},
                           capture_output=True, text=True, check=True).stdout for seed in ("1", "2")}
    assert len(runs) == 1


def test_every_text_parses_and_is_all_that_runs() -> None:
    for args, function in golden_programs.CASES.values():
        gradient = srcad.grad(getattr(golden_programs, function))
        text = gradient.source_for(*args)
        space: dict[str, object] = {}
        exec(compile(text, "exported", "exec"), space)
        again = space[f"{function}_grad"](*args)  # type: ignore[operator]
        for a, b in zip(leaves(again), leaves(gradient(*args))):
            np.testing.assert_allclose(a, b)


def leaves(value: object) -> list[object]:
    if isinstance(value, dict):
        return [leaf for v in value.values() for leaf in leaves(v)]
    if isinstance(value, (list, tuple)):
        return [leaf for v in value for leaf in leaves(v)]
    return [] if value is None else [value]
