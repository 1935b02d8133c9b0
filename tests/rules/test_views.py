"""Functions that may return a view: what is written after it was taken, through it or to its source, is seen or refused."""
from __future__ import annotations

import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest

sys.path.insert(0, str(Path(__file__).parent))

from harness import assert_close, differences, function_of  # noqa: E402

import srcad  # noqa: E402

TO_THE_SOURCE = """def f(x):
    y = x * 2.0
    v = {view}
    y[{index}] = x[{index}] * 5.0
    return np.sum(v ** 2) + np.sum(y)
"""
TO_THE_VIEW = """def f(x):
    y = x * 2.0
    v = {view}
    s = np.sum(v ** 2)
    v[{place}] = 3.0 * x[{index}]
    return s + np.sum(y ** 3) + np.sum(v)
"""
OF_AN_ARGUMENT = """def f(x):
    y = x
    v = {view}
    return np.sum(v * v * v)
"""
VIEWS: list[tuple[str, tuple[int, ...], str, str]] = [
    ("np.split(y, 2)[0]", (4, 3), "0", "0"), ("np.array_split(y, 2)[1]", (4, 3), "3", "1"), ("np.vsplit(y, 2)[0]", (4, 3), "0", "0"),
    ("np.hsplit(y, 1)[0]", (3, 3), "0", "0"), ("np.dsplit(y, 1)[0]", (3, 3, 2), "0", "0"), ("np.rot90(y)", (3, 3), "0", "0"), ("np.flip(y)", (3, 3), "0", "0"),
    ("np.fliplr(y)", (3, 3), "0", "0"), ("np.flipud(y)", (3, 3), "0", "0"), ("np.atleast_1d(y)", (3, 3), "0", "0"), ("np.atleast_2d(y)", (3,), "0", "0, 0"),
    ("np.atleast_3d(y)", (3, 3), "0, 0", "0, 0"), ("np.diagonal(y)", (3, 3), "0, 0", "0"), ("np.diagonal(y, 0, 1, 2)", (2, 3, 3), "0", "0"),
    ("np.broadcast_arrays(y, y)[0]", (3, 3), "0", "0"), ("np.lib.stride_tricks.sliding_window_view(y, 2)", (4,), "0", "0"),
    ("np.moveaxis(y, 0, 1)", (3, 3), "0", "0"), ("np.rollaxis(y, 1)", (3, 3), "0", "0"), ("np.real(y)", (3, 3), "0", "0"),
    ("np.real_if_close(y)", (3, 3), "0", "0"), ("np.meshgrid(y, y, copy=False)[0]", (3,), "0", "0"), ("np.meshgrid(y, y)[0]", (3,), "0", "0"),
    ("np.modf(y)[0]", (3,), "0", "0"), ("np.expand_dims(y, 0)", (3, 3), "0", "0, 0"), ("np.swapaxes(y, 0, 1)", (3, 3), "0", "0"),
    ("np.roll(y, 1)", (3, 3), "0", "0"), ("np.pad(y, 0)", (3, 3), "0", "0"), ("np.tile(y, 1)", (3, 3), "0", "0"), ("np.repeat(y, 1, axis=0)", (3, 3), "0", "0"),
    ("np.resize(y, (3, 3))", (3, 3), "0", "0"), ("np.take(y, [0, 1], axis=0)", (3, 3), "0", "0"), ("np.sort(y, axis=0)", (3, 3), "0", "0"),
    ("np.partition(y, 1, axis=0)", (3, 3), "0", "0"), ("np.block(y)", (3, 3), "0", "0"), ("np.squeeze(y)", (3, 3), "0", "0"), ("np.unique(y)", (3,), "0", "0"),
    ("np.diff(y, n=0)", (3, 3), "0", "0"), ("np.polyder(y, 0)", (3,), "0", "0"), ("np.linalg.matrix_power(y, 1)", (3, 3), "0", "0"),
    ("np.delete(y, 0, axis=0)", (3, 3), "0", "0"), ("np.compress([True, True, True], y, axis=0)", (3, 3), "0", "0"), ("np.copy(y)", (3, 3), "0", "0"),
]


@pytest.mark.parametrize(("view", "shape", "index", "place"), VIEWS, ids=[v[0] for v in VIEWS])
@pytest.mark.parametrize("text", [TO_THE_SOURCE, TO_THE_VIEW, OF_AN_ARGUMENT], ids=["source", "view", "argument"])
def test_written_after_a_view(text: str, view: str, shape: tuple[int, ...], index: str, place: str) -> None:
    f = function_of(text.format(view=view, index=index, place=place))
    x: Any = np.random.default_rng(0).uniform(0.5, 1.5, shape)
    try:
        f(x)
    except (ValueError, DeprecationWarning):
        pytest.skip("NumPy does not write to it")
    try:
        _, pullback = srcad.vjp(f, x)
    except srcad.SrcadError:
        return
    wanted = differences(f, {"x": x}, "x", 1.0)
    assert_close(pullback(1.0), wanted)
    x[...] = 7.0  # what the backward pass needs of the argument, it has of its own
    assert_close(pullback(1.0), wanted)
