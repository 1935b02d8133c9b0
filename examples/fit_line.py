"""Find the line that a teacher draws, by stochastic gradient descent.

    python examples/fit_line.py

The teacher knows a = 5 and b = 8; the student sees only points, and moves its own a and b against the gradient of its loss.
"""
from __future__ import annotations

import numpy as np

from srcad import value_and_grad


def teacher(x):
    return 5 * x + 8


@value_and_grad(wrt=("a", "b"))
def loss(a, b, x, y):
    """The mean squared distance between the student's line and the points."""
    error = a * x + b - y
    return np.mean(error ** 2)


def fit(steps: int = 400, batch: int = 16, rate: float = 0.1, seed: int = 0) -> tuple[float, float]:
    """The student's a and b after so many steps, each on a batch of fresh points."""
    rng = np.random.default_rng(seed)
    a, b = 0.0, 0.0
    for step in range(steps + 1):
        x = rng.uniform(-1, 1, batch)
        value, (da, db) = loss(a, b, x, teacher(x))
        if step % 40 == 0:
            print(f"step {step:3d}: a = {a:.4f}, b = {b:.4f}, loss = {value:.3g}")
        a -= rate * da
        b -= rate * db
    return a, b


def main() -> None:
    print(loss.source_for(0.0, 0.0, np.zeros(16), np.zeros(16)))
    a, b = fit()
    if abs(a - 5) > 1e-3 or abs(b - 8) > 1e-3:
        raise SystemExit("the student did not find the line")


if __name__ == "__main__":
    main()
