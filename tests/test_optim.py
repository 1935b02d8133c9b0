"""Each optimizer against its paper's equations, written out here number by number."""
from __future__ import annotations

import dataclasses
import math
from typing import Any, NamedTuple

import numpy as np
import pytest

import srcad
from srcad import optim


def by_hand(name: str, x: float, gradients: list[float]) -> float:
    """The papers' algorithms for one number, with rate 0.1 and otherwise their constants."""
    rate, m, v, u = 0.1, 0.0, 0.0, 0.0
    for t, g in enumerate(gradients, 1):
        if name == "momentum":  # Sutskever et al. 2013, equations 1 and 2
            v = 0.9 * v - rate * g
            x = x + v
        elif name == "adagrad":  # Duchi et al. 2011, the diagonal form
            v = v + g**2
            x = x - rate * g / (math.sqrt(v) + 1e-8)
        elif name == "rmsprop":  # Tieleman and Hinton 2012, lecture 6.5
            v = 0.9 * v + 0.1 * g**2
            x = x - rate * g / (math.sqrt(v) + 1e-8)
        else:
            m = 0.9 * m + 0.1 * g
            v = 0.999 * v + 0.001 * g**2
            u = max(u, v)
            low, high = 0.1 - 0.1 / (0.001 * t + 1), 0.1 + 0.1 / (0.001 * t)  # Luo et al. 2019, section 4, with 1 - beta2 = 0.001
            if name == "adam":  # Kingma and Ba 2015, algorithm 1
                x = x - rate * (m / (1 - 0.9**t)) / (math.sqrt(v / (1 - 0.999**t)) + 1e-8)
            elif name == "amsgrad":  # Reddi et al. 2018, algorithm 2
                x = x - rate / math.sqrt(t) * m / (math.sqrt(u) + 1e-8)
            else:  # Luo et al. 2019, algorithms 2 and 3
                eta = min(max(rate / math.sqrt(v if name == "adabound" else u), low), high) / math.sqrt(t)
                x = x - eta * m
    return x


NAMES = ["momentum", "adagrad", "rmsprop", "adam", "amsgrad", "adabound", "amsbound"]


def configured(name: str) -> Any:
    powers = {"power": 0.5} if name in ("amsgrad", "adabound", "amsbound") else {}
    return getattr(optim, name)(rate=0.1, **powers)


@pytest.mark.parametrize("name", NAMES)
@pytest.mark.parametrize("size", [1.0, 30.0, 1e-3])
def test_the_papers_equations(name: str, size: float) -> None:
    gradients = size * np.random.default_rng(0).standard_normal((40, 2, 3))
    gradients[5] *= 10.0  # so that the largest second moment is not the last
    start = np.arange(6.0).reshape(2, 3)
    optimizer = configured(name)
    params, state = start, optimizer.init(start)
    for g in gradients:
        params, state = optimizer.step(params, g, state)
    wanted = [[by_hand(name, start[i, j], list(gradients[:, i, j])) for j in range(3)] for i in range(2)]
    np.testing.assert_allclose(params, wanted, rtol=1e-12)
    assert state.steps == 40 and np.array_equal(start, np.arange(6.0).reshape(2, 3))


class Layer(NamedTuple):
    W: Any
    b: Any


@dataclasses.dataclass
class Model:
    layers: list[Layer]
    scale: float
    kind: str


@pytest.mark.parametrize("name", NAMES)
def test_nested_structures(name: str) -> None:
    rng = np.random.default_rng(0)
    model = Model([Layer(rng.standard_normal((3, 2)).astype(np.float32), np.zeros(3)), Layer(np.float32(1.0), 2)], 0.5, "tanh")

    def loss(model, x):
        first, second = model.layers
        return np.sum((np.tanh(first.W @ x + first.b) * second.W * model.scale - second.b) ** 2)

    x = np.array([0.3, -0.4])
    gradient = srcad.grad(loss, wrt="model")
    optimizer = getattr(optim, name)(rate=0.01)
    state, moved = optimizer.init(model), model
    for _ in range(20):
        moved, state = optimizer.step(moved, gradient(moved, x), state)
    assert loss(moved, x) < loss(model, x)
    assert (moved.layers[0].W.dtype, type(moved.layers[1].W), type(moved.layers[1].b), moved.kind) == (np.float32, np.float32, float, "tanh")
    assert type(moved.layers[0]) is Layer and model.layers[1].b == 2


def test_what_does_not_fit_is_refused() -> None:
    with pytest.raises(ValueError, match=r"a gradient of shape \(3,\) is given for a parameter of shape \(2,\)"):
        optim.adam.step(np.zeros(2), np.zeros(3), optim.adam.init(np.zeros(2)))
    with pytest.raises(TypeError):
        optim.adam(learning_rate=1.0)


def test_a_parameter_without_a_derivative_stays() -> None:
    params = {"w": np.ones(2), "ids": np.array([0, 1]), "mode": None}
    moved, _ = optim.adam.step(params, {"w": np.ones(2), "ids": None, "mode": None}, optim.adam.init(params))
    assert moved["ids"] is params["ids"] and moved["mode"] is None and np.all(moved["w"] < 1)
