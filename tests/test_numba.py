"""The compiled backend says what the NumPy backend says, or refuses."""
from __future__ import annotations

import ast
import copy
import math
import re
import sys
from typing import Any

import numpy as np
import pytest
from numba_programs import PROGRAMS

import srcad

pytest.importorskip("numba")
pytestmark = pytest.mark.filterwarnings("ignore::Warning")  # Numba's own, of newer Pythons and NumPys


def same(a: Any, b: Any) -> None:
    """The same structure, types, shapes, dtypes, and numbers to rounding."""
    assert type(a) is type(b), (a, b)
    if isinstance(a, (list, tuple)):
        assert len(a) == len(b)
        for x, y in zip(a, b):
            same(x, y)
    elif isinstance(a, dict):
        assert list(a) == list(b)
        same(list(a.values()), list(b.values()))
    elif hasattr(a, "__dataclass_fields__"):
        same(vars(a), vars(b))
    elif isinstance(a, (str, bool)):
        assert a == b
    elif a is not None:
        assert np.shape(a) == np.shape(b)
        assert np.asarray(a).dtype == np.asarray(b).dtype
        tight = 1e-10 if np.asarray(a).dtype != np.float32 else 1e-5
        assert np.allclose(a, b, rtol=tight, atol=tight), (a, b)


@pytest.mark.parametrize("function, args", PROGRAMS, ids=[f.__name__ for f, _ in PROGRAMS])
def test_both_backends_agree(function: Any, args: tuple[Any, ...]) -> None:
    ours, theirs = copy.deepcopy(args), copy.deepcopy(args)
    same(srcad.grad(function, backend="numba")(*ours), srcad.grad(function)(*theirs))
    for a, b in zip(ours, theirs):
        same(a, b)  # what the program leaves in its arguments


@pytest.mark.parametrize("name", ["recurrent", "newton", "cross_entropy", "structures", "kinds_of_numbers", "network", "growing", "masked"])
def test_pullbacks_agree(name: str) -> None:
    function, args = next((f, a) for f, a in PROGRAMS if f.__name__ == name)
    value, pullback = srcad.vjp(function, *copy.deepcopy(args), backend="numba")
    wanted, other = srcad.vjp(function, *copy.deepcopy(args))
    same(value, wanted)
    for _ in range(2):
        same(pullback(2.0), other(2.0))


def test_value_and_grad() -> None:
    same(srcad.value_and_grad(lambda x: np.sum(x**2), backend="numba")(np.arange(3.0)), (np.float64(5.0), np.array([0.0, 2.0, 4.0])))


def test_an_exported_module_runs(tmp_path: Any) -> None:
    gradient = srcad.grad(lambda x, scale=2.0: np.sum(np.tanh(x) * scale), wrt="x", backend="numba")
    gradient.export(tmp_path / "made.py", np.ones(3))
    space: dict[str, Any] = {}
    exec((tmp_path / "made.py").read_text(), space)
    same(space["lambda__grad"](np.arange(3.0)), gradient(np.arange(3.0)))


def test_other_sizes_use_the_same_code() -> None:
    gradient = srcad.grad(lambda x, w: np.sum(np.tanh(x @ w)), backend="numba")
    plain = srcad.grad(gradient.function)
    rng = np.random.default_rng(0)
    for n, d in ((4, 3), (7, 2), (0, 5), (1, 1)):
        x, w = rng.random((n, d)), rng.random((d, 2))
        same(gradient(x, w), plain(x, w))
        same(gradient(x[::-1], w.T.copy().T), plain(x[::-1], w))


# ---- the text


def text_of(function: Any, *args: Any) -> str:
    return srcad.grad(function, backend="numba").source_for(*args)


def test_a_chain_is_one_loop_without_arrays() -> None:
    def chain(x, y):
        a = np.exp(x) * y
        b = np.sqrt(a + 1)
        return np.sum(b / (1 + a))

    text = text_of(chain, np.ones(4), np.ones(4))
    assert text.count("for ") == 1
    assert text.count("np.empty") == 2  # the two gradients


def test_rows_are_joined() -> None:
    def centred(x):
        return np.sum((x - np.mean(x, axis=1, keepdims=True)) ** 3)

    text = text_of(centred, np.ones((3, 4)))
    outer = [line for line in text.split("\n") if re.match(r"    for \w+ in range\(x\.shape\[0\]\)", line)]
    assert len(outer) == 1


def test_loops_that_must_not_be_joined_are_not() -> None:
    def shifted(x):
        x[1:] = x[:-1]
        x[:-1] = x[1:] * 2
        return np.sum(x**2)

    gradient = srcad.grad(shifted, backend="numba")
    same(gradient(np.arange(5.0)), srcad.grad(shifted)(np.arange(5.0)))


def test_saved_values_lie_in_arrays() -> None:
    def powers(x, n=20):
        for _ in range(n):
            x = x * x * 0.5
        return x

    assert "append" not in text_of(powers, 1.5)


def test_text_is_the_same_on_every_run() -> None:
    function, args = PROGRAMS[6]
    assert text_of(function, *args) == text_of(function, *args)
    ast.parse(text_of(function, *args))


# ---- functions of our own


NUMBERS = np.random.default_rng(3)
POINTS = {
    "exp": np.concatenate([NUMBERS.uniform(-745, 709, 20000), NUMBERS.uniform(-1, 1, 20000), [0.0, np.inf, -np.inf, np.nan, 710.0, -746.0]]),
    "log": np.concatenate([NUMBERS.uniform(0, 2, 20000), 10 ** NUMBERS.uniform(-300, 300, 20000), [0.0, 1.0, np.inf, -1.0, np.nan, 5e-324]]),
    "tanh": np.concatenate([NUMBERS.uniform(-25, 25, 20000), 10 ** NUMBERS.uniform(-300, 0, 20000), [0.0, np.inf, -np.inf, np.nan]]),
    "erf": np.concatenate([NUMBERS.uniform(-7, 7, 20000), 10 ** NUMBERS.uniform(-300, 0, 20000), [0.0, np.inf, -np.inf, np.nan]]),
}


@pytest.mark.parametrize("name, bound", [("exp", 2.3e-16), ("log", 2.3e-16), ("tanh", 5e-16), ("erf", 5e-16)])
def test_vector_functions_are_accurate(name: str, bound: float) -> None:
    from numba import njit

    from srcad.backends.numba import CONTRACTED
    from srcad.backends.vector import FUNCTIONS

    space: dict[str, Any] = {"np": np, "njit": njit}
    for each in ("exp", name):
        exec(CONTRACTED + FUNCTIONS[each], space)
    exec(f"def run(x, out):\n    for i in range(x.shape[0]):\n        out[i] = {name}(x[i])\n", space)
    x = POINTS[name]
    found = np.empty_like(x)
    njit(space["run"])(x, found)
    with np.errstate(all="ignore"):
        want = getattr(np, name)(x) if name != "erf" else np.array([math.erf(v) for v in x])
    plain = np.isfinite(want) & (np.abs(want) > 1e-300)
    assert np.max(np.abs(found - want)[plain] / np.abs(want[plain])) <= bound
    assert np.allclose(found[~plain], want[~plain], rtol=1e-10, atol=5e-324, equal_nan=True)


# ---- refusals


def test_an_index_out_of_range_is_found() -> None:
    gradient = srcad.grad(lambda x, i: x[i] ** 2, wrt="x", backend="numba")
    same(gradient(np.arange(3.0), -1), np.array([0.0, 0.0, 4.0]))
    with pytest.raises(IndexError):
        gradient(np.arange(3.0), 3)


def test_what_cannot_be_compiled_is_refused_with_its_line() -> None:
    def folded(x):
        y = np.partition(srcad.stop_gradient(x), 1)
        return np.sum(x * y)

    with pytest.raises(srcad.UnsupportedSyntaxError, match=r"`partition` is not compiled. The generated line is `.*np.partition\(x, 1\)"):
        srcad.grad(folded, backend="numba")(np.arange(3.0))


def test_recursion_is_refused() -> None:
    with pytest.raises(srcad.UnsupportedSyntaxError, match="recursion is not compiled"):
        srcad.grad(halved, backend="numba")(40.0)


def halved(x):
    return x * halved(x / 2) if x > 1 else x


def test_without_numba_the_extra_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "numba", None)
    with pytest.raises(srcad.SrcadError, match=r"pip install srcad\[numba\]"):
        srcad.grad(lambda x: math.sin(x), backend="numba")(1.0)


def test_other_backends_do_not_exist() -> None:
    with pytest.raises(srcad.SrcadError, match="There are 'numpy' and 'numba'"):
        srcad.grad(lambda x: x, backend="tpu")


def test_a_list_that_grows_beyond_its_array_is_refused():
    def program(x, M):
        items = []
        for _ in range(len(x)):
            items.append(M)
        items.pop()
        return np.sum(np.stack(items)[:, 0])

    with pytest.raises(srcad.SrcadError, match="grows beyond"):
        srcad.grad(program, backend="numba")(np.ones(6), np.eye(3))


def test_handlers_that_go_on_are_refused():
    def inverse(x):
        try:
            y = 1 / x
        except ZeroDivisionError:
            return x * 3
        return y * 2

    with pytest.raises(srcad.UnsupportedSyntaxError, match="`try` whose handler goes on"):
        srcad.grad(inverse, backend="numba")(2.0)
