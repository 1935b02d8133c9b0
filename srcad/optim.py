"""Optimizers as pure functions on nested structures: a step takes parameters, gradients and a state, and returns new ones.

    state = adam.init(params)
    for _ in range(100):
        params, state = adam.step(params, f(params), state)

Parameters are a number, an array, or lists, tuples, dicts, named tuples and dataclasses of them; gradients have their structure, as
`srcad.grad` returns them, with None where there is no derivative. Nothing is changed in place. `adam(rate=0.01)` is Adam with that
learning rate. g is the gradient, t counts steps from 1; operations are element by element.
"""
from __future__ import annotations

import dataclasses
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, NamedTuple

import numpy as np

TINY = np.finfo(np.float64).tiny


class State(NamedTuple):
    """What an optimizer remembers: how many steps it has made, and its averages, each in the structure of the parameters."""

    steps: int
    averages: tuple[Any, ...]


def tree_map(function: Callable[..., Any], tree: Any, *others: Any) -> Any:
    """A structure like `tree`, of what the function makes of its numbers and arrays and those in their place in the others.

    >>> tree_map(lambda a, b: a + b, {"w": [1.0, 2.0], "b": 3.0}, {"w": [10.0, 20.0], "b": 30.0})
    {'w': [11.0, 22.0], 'b': 33.0}
    """
    if isinstance(tree, dict):
        return {k: tree_map(function, v, *(part(o, k) for o in others)) for k, v in tree.items()}
    if isinstance(tree, (list, tuple)):
        items = [tree_map(function, v, *(part(o, i) for o in others)) for i, v in enumerate(tree)]
        return type(tree)(*items) if hasattr(tree, "_fields") else type(tree)(items)
    if dataclasses.is_dataclass(tree) and not isinstance(tree, type):
        fields = [f.name for f in dataclasses.fields(tree) if f.init]
        return dataclasses.replace(tree, **{f: tree_map(function, getattr(tree, f), *(part(o, f) for o in others)) for f in fields})
    return function(tree, *others)


def part(tree: Any, key: Any) -> Any:
    """An item or a field of a structure; of None, None."""
    if tree is None:
        return None
    return getattr(tree, key) if dataclasses.is_dataclass(tree) else tree[key]


@dataclass(frozen=True)
class Optimizer:
    """A rule for steps. `init` makes the state, `step` the new parameters; a call makes the same optimizer with other settings.

    Parameters
    ----------
    rate : float
        The learning rate.

    Examples
    --------
    >>> import srcad
    >>> from srcad.optim import momentum
    >>> square = srcad.grad(lambda x: (x - 3.0) ** 2)
    >>> x, optimizer = 0.0, momentum(rate=0.05, mu=0.5)
    >>> state = optimizer.init(x)
    >>> for _ in range(60):
    ...     x, state = optimizer.step(x, square(x), state)
    >>> round(x, 3)
    3.0
    """

    rate: float = 1e-3

    kept = 1  # how many averages it keeps

    def __call__(self, **settings: float) -> Any:
        return dataclasses.replace(self, **settings)

    def init(self, params: Any) -> State:
        """The state before the first step.

        Parameters
        ----------
        params : object
            The parameters: a number, an array, or a structure of them.

        Returns
        -------
        State
            No steps, and averages of zeros.
        """
        return State(0, tuple(tree_map(blank, params) for _ in range(self.kept)))

    def step(self, params: Any, grads: Any, state: State) -> tuple[Any, State]:
        """The parameters after one step, and the state. Nothing is changed in place.

        Parameters
        ----------
        params : object
            The parameters.
        grads : object
            Their gradients, in the same structure. Where one is None, the parameter stays.
        state : State
            From `init` or from the step before.

        Returns
        -------
        params : object
            The new parameters, of the same types and floating dtypes.
        state : State
            For the next step.

        Raises
        ------
        ValueError
            Where a gradient has not its parameter's shape.
        """
        t = state.steps + 1
        made: list[tuple[Any, ...]] = []

        def one(p: Any, g: Any, *averages: Any) -> Any:
            if g is None:
                made.append(averages)
                return p
            if np.shape(g) != np.shape(p):
                raise ValueError(f"a gradient of shape {np.shape(g)} is given for a parameter of shape {np.shape(p)}.")
            moved, *new = self.moved(p, g, t, *averages)
            made.append(tuple(new))
            return like(p, moved)

        after = tree_map(one, params, grads, *state.averages)
        columns = [iter([m[i] for m in made]) for i in range(self.kept)]
        return after, State(t, tuple(tree_map(lambda _, c=c: next(c), params) for c in columns))

    def moved(self, p: Any, g: Any, t: int, *averages: Any) -> tuple[Any, ...]:
        """One number or array after the step, and its averages."""
        raise NotImplementedError


def blank(p: Any) -> Any:
    return np.zeros(np.shape(p)) if isinstance(p, np.ndarray) else 0.0 if is_number(p) else None


def is_number(p: Any) -> bool:
    return isinstance(p, (int, float, np.number)) and not isinstance(p, bool)


def like(p: Any, moved: Any) -> Any:
    """A new value in the type and floating dtype of the old one."""
    if isinstance(p, (np.ndarray, np.generic)):
        return np.asarray(moved, p.dtype if p.dtype.kind == "f" else float)[() if isinstance(p, np.generic) else ...]
    return float(moved)


@dataclass(frozen=True)
class Momentum(Optimizer):
    """Gradient descent with momentum (Polyak 1964, in the form of Sutskever et al. 2013): v = mu v - rate g; p = p + v."""

    rate: float = 1e-2
    mu: float = 0.9

    def moved(self, p: Any, g: Any, t: int, *averages: Any) -> tuple[Any, ...]:
        v = self.mu * averages[0] - self.rate * g
        return p + v, v


@dataclass(frozen=True)
class AdaGrad(Optimizer):
    """AdaGrad (Duchi et al. 2011): G = G + g^2; p = p - rate g / (sqrt(G) + eps)."""

    rate: float = 1e-2
    eps: float = 1e-8

    def moved(self, p: Any, g: Any, t: int, *averages: Any) -> tuple[Any, ...]:
        total = averages[0] + g * g
        return p - self.rate * g / (np.sqrt(total) + self.eps), total


@dataclass(frozen=True)
class RMSProp(Optimizer):
    """RMSProp (Tieleman and Hinton 2012): G = decay G + (1 - decay) g^2; p = p - rate g / (sqrt(G) + eps)."""

    decay: float = 0.9
    eps: float = 1e-8

    def moved(self, p: Any, g: Any, t: int, *averages: Any) -> tuple[Any, ...]:
        mean = self.decay * averages[0] + (1 - self.decay) * g * g
        return p - self.rate * g / (np.sqrt(mean) + self.eps), mean


@dataclass(frozen=True)
class Adam(Optimizer):
    """Adam (Kingma and Ba 2015): m = b1 m + (1 - b1) g; v = b2 v + (1 - b2) g^2; p = p - rate m' / (sqrt(v') + eps), with
    m' = m / (1 - b1^t) and v' = v / (1 - b2^t)."""

    beta1: float = 0.9
    beta2: float = 0.999
    eps: float = 1e-8

    kept = 2

    def means(self, g: Any, m: Any, v: Any) -> tuple[Any, Any]:
        return self.beta1 * m + (1 - self.beta1) * g, self.beta2 * v + (1 - self.beta2) * g * g

    def moved(self, p: Any, g: Any, t: int, *averages: Any) -> tuple[Any, ...]:
        m, v = self.means(g, *averages)
        return p - self.rate * (m / (1 - self.beta1**t)) / (np.sqrt(v / (1 - self.beta2**t)) + self.eps), m, v


@dataclass(frozen=True)
class AMSGrad(Adam):
    """AMSGrad (Reddi et al. 2018): m and v as in Adam; u = max(u, v); p = p - rate / t^power m / (sqrt(u) + eps).

    The paper's analysis has power = 1/2, its experiments a constant rate.
    """

    power: float = 0.0

    kept = 3

    def moved(self, p: Any, g: Any, t: int, *averages: Any) -> tuple[Any, ...]:
        m, v = self.means(g, *averages[:2])
        u = np.maximum(averages[2], v)
        return p - self.rate / t**self.power * m / (np.sqrt(u) + self.eps), m, v, u


@dataclass(frozen=True)
class AdaBound(Adam):
    """AdaBound (Luo et al. 2019): m and v as in Adam; p = p - clip(rate / sqrt(v), low, high) / t^power m, with bounds that close:
    low = final (1 - 1 / (gamma t + 1)) and high = final (1 + 1 / (gamma t)).

    The paper's algorithm has power = 1/2, its code a constant rate.
    """

    final: float = 0.1
    gamma: float = 1e-3
    power: float = 0.0

    def bounded(self, v: Any, t: int) -> Any:
        low, high = self.final * (1 - 1 / (self.gamma * t + 1)), self.final * (1 + 1 / (self.gamma * t))
        return np.clip(self.rate / np.maximum(np.sqrt(v), TINY**0.5), low, high) / t**self.power

    def moved(self, p: Any, g: Any, t: int, *averages: Any) -> tuple[Any, ...]:
        m, v = self.means(g, *averages)
        return p - self.bounded(v, t) * m, m, v


@dataclass(frozen=True)
class AMSBound(AdaBound):
    """AMSBound (Luo et al. 2019): AdaBound with u = max(u, v) in the place of v."""

    kept = 3

    def moved(self, p: Any, g: Any, t: int, *averages: Any) -> tuple[Any, ...]:
        m, v = self.means(g, *averages[:2])
        u = np.maximum(averages[2], v)
        return p - self.bounded(u, t) * m, m, v, u


momentum = Momentum()
adagrad = AdaGrad()
rmsprop = RMSProp()
adam = Adam()
amsgrad = AMSGrad()
adabound = AdaBound()
amsbound = AMSBound()
