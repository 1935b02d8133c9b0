"""The command line."""
from __future__ import annotations

import pathlib

import pytest

from srcad.cli import highlighted, main

PROGRAM = "import numpy as np\n\ndef f(x, y):\n    return x * y\n\ndef g(w):\n    return np.sum(w ** 2)\n\ndef bad(x):\n    return sum({x, 2})\n"


@pytest.fixture
def program(tmp_path: pathlib.Path) -> str:
    path = tmp_path / "program_for_cli.py"
    path.write_text(PROGRAM)
    return str(path)


def test_show(program: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["show", f"{program}:f"]) == 0
    assert capsys.readouterr().out == "def f_grad(x, y):\n    # backprop x * y\n    dx = y\n    dy = x\n    return dx, dy\n"
    assert main(["show", f"{program}:f", "--staged"]) == 0
    assert capsys.readouterr().out == "def f(x, y):\n    prod = x * y\n    return prod\n"
    assert main(["show", f"{program}:g", "--args", "randn(2,3)", "--pair"]) == 0
    assert "def g_backward(dout, cache):" in capsys.readouterr().out
    assert main(["show", f"{program}:f", "--wrt", "y", "--args", "1", "2"]) == 0
    assert "return dy\n" in capsys.readouterr().out


def test_check(program: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["check", f"{program}:g", "--args", "[1.0, 2.0]"]) == 1
    assert main(["check", f"{program}:g", "--args", "array([1.0, 2.0])"]) == 0
    assert "g: the gradient agrees with finite differences." in capsys.readouterr().out


def test_export(program: str, tmp_path: pathlib.Path) -> None:
    out = tmp_path / "out.py"
    assert main(["export", f"{program}:f", "-o", str(out)]) == 0
    assert "def f_grad(x, y):" in out.read_text()


def test_graph(program: str, tmp_path: pathlib.Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["graph", f"{program}:f", "--args", "3", "-4"]) == 0
    assert capsys.readouterr().out.startswith('digraph "f" {')
    assert main(["graph", f"{program}:f", "--args", "3", "-4", "--mermaid", "--fold", "all", "--steps"]) == 0
    assert capsys.readouterr().out.count("flowchart LR") == 4
    out = tmp_path / "f.mmd"
    assert main(["graph", f"{program}:f", "--args", "3", "-4", "-o", str(out)]) == 0
    assert capsys.readouterr().out == f"wrote {out}\n" and out.read_text().startswith("flowchart LR")
    assert main(["graph", f"{program}:f", "--fold", "cell"]) == 1
    assert "there is no group 'cell' in it" in capsys.readouterr().err


def test_explain(program: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["explain", f"{program}:f", "--args", "3", "-4"]) == 0
    assert "dprod/dx = -4, dprod/dy = 3" in capsys.readouterr().out


@pytest.mark.parametrize(("where", "text"), [
    ("nowhere.py:f", "there is no file nowhere.py"), ("f", "must be FILE.py:FUNCTION"), ("{}:h", "has no `h`"), ("{}:bad", "sets are not in the language"),
])
def test_refusals(program: str, where: str, text: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["show", where.format(program)]) == 1
    assert text in capsys.readouterr().err


def test_colour_needs_pygments() -> None:
    pytest.importorskip("pygments")
    assert "\x1b[" in highlighted("def f(): pass\n")


def test_too_few_arguments_are_said_in_a_line(tmp_path, capsys):
    (tmp_path / "product.py").write_text("def product(x, y):\n    return x * y\n")
    assert main(["check", f"{tmp_path / 'product.py'}:product", "--args", "2"]) == 1
    assert capsys.readouterr().err == "srcad: product() missing a required argument: 'y'\n"
