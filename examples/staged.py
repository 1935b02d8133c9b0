"""The circuits of the CS231n notes: each staged, differentiated and printed.

    python examples/staged.py
"""
from __future__ import annotations

import math
from typing import Any

import numpy as np

from srcad import Gradient, grad


@grad
def circuit(x, y, z):
    """An add gate that feeds a multiply gate."""
    q = x + y
    f = q * z
    return f


@grad
def neuron(w, x):
    """A sigmoid neuron of two inputs, its weights and inputs in lists."""
    dot = w[0] * x[0] + w[1] * x[1] + w[2]
    f = 1.0 / (1.0 + math.exp(-dot))
    return f


@grad
def max_gate(x, y, z, w):
    """The max gate sends the gradient to the larger input, times what follows."""
    f = 2 * (x * y + max(z, w))
    return f


@grad
def staged(x, y):
    """(x + sigmoid(y)) / (sigmoid(x) + (x + y)**2), one stage a line."""
    sigy = 1.0 / (1.0 + np.exp(-y))
    num = x + sigy
    sigx = 1.0 / (1.0 + np.exp(-x))
    xpy = x + y
    xpysqr = xpy ** 2
    den = sigx + xpysqr
    invden = 1.0 / den
    f = num * invden
    return f


def show(f: Gradient, *args: Any) -> None:
    """Print a circuit's stages, its generated gradient and what both give; compare with finite differences."""
    print(f"# {f.__name__}: {f.__doc__}\n")
    print(f.staged.strip(), "\n")
    print(f.source_for(*args).strip(), "\n")
    value, gradient = f.value_and_grad(*args)
    print(f"value at {args}: {value}")
    print(f"gradient:  {gradient}\n\n")
    f.check(*args)


def main() -> None:
    show(circuit, -2.0, 5.0, -4.0)
    show(neuron, [2.0, -3.0, -3.0], [-1.0, -2.0])
    show(max_gate, 3.0, -4.0, 2.0, -1.0)
    show(staged, 3.0, -4.0)


if __name__ == "__main__":
    main()
