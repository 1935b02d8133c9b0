"""The pictures of the pages, drawn by srcad from the programs below.

`python docs/make_pictures.py` draws them anew, and so does the build of the site.
A picture has the name of its program. What each says is held by tests/test_docs.py.
"""
from __future__ import annotations

import math
import pathlib
from collections.abc import Callable
from typing import Any

import numpy as np

import srcad
from srcad.graph import Graph

PICTURES = pathlib.Path(__file__).parent / "pictures"


def gates(x, y, z):
    q = x + y
    f = q * z
    return f


def max_gate(x, y, z, w):
    f = 2 * (x * y + max(z, w))
    return f


def neuron(w, x):
    dot = w[0] * x[0] + w[1] * x[1] + w[2]
    f = 1.0 / (1 + math.exp(-dot))
    return f


def staged(x, y):
    sigy = 1.0 / (1 + math.exp(-y))
    num = x + sigy
    sigx = 1.0 / (1 + math.exp(-x))
    xpy = x + y
    xpysqr = xpy**2
    den = sigx + xpysqr
    invden = 1.0 / den
    f = num * invden
    return f


def line(a, b, x, y):
    r = a * x + b - y
    loss = np.sum(r**2)
    return loss


def sigmoid(t):
    return 1 / (1 + np.exp(-t))


def groups(xs, w):
    h = 0.0
    for x in xs:
        with srcad.scope("cell"):
            h = sigmoid(w * h + x)
    if h > 0:
        h = h * 2
    return h


PROGRAMS: dict[Callable[..., Any], tuple[Any, ...]] = {
    gates: (-2, 5, -4),
    max_gate: (3, -4, 2, -1),
    neuron: ([2.0, -3.0, -3.0], [-1.0, -2.0]),
    staged: (3, -4),
    line: (2.0, 1.0, np.array([1.0, 2.0, 3.0]), np.array([3.0, 3.0, 3.0])),
    groups: (np.arange(1.0, 6.0), 0.5),
}


def graphs() -> dict[str, Graph]:
    """The file name of each picture, and its graph."""
    made = {program.__name__: srcad.grad(program).graph(*args) for program, args in PROGRAMS.items()}
    made["sigmoids"] = made.pop("staged").folded()
    return {f"{name}.svg": graph for name, graph in made.items()}


def draw() -> None:
    """Draw every picture."""
    for name, graph in graphs().items():
        graph.save(PICTURES / name)


if __name__ == "__main__":
    draw()
