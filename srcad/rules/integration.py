"""Ordinary differential equations: how the solution depends on its start and on the parameters is integrated along with it.

    z = odeint(func, y0, t, args)      s' = (df/dy) s + (0, df/dp),  s(t0) = (1, 0)

Sensitivities are integrated forwards, under the tolerances of the solution itself (Hairer, Norsett and Wanner, "Solving Ordinary
Differential Equations I", I.14): the adjoint equation would have to run the solution backwards, which a stiff or damped one does not bear.
"""
from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import scipy.integrate as si

from srcad.rules import rule
from srcad.rules.statistics import trapezoid

Adjoints = tuple[Any, ...]
Half = Callable[..., Any]


def slopes_of(forward: Half, backward: Half, y: Any, time: float, args: Any) -> tuple[Any, Any]:
    """What `func` returns, and how it depends on y and on the parameters: a row for each of its elements."""
    rows = []
    for unit in np.eye(y.size):
        rate, cache = forward(y, time, *args)
        found = backward(unit if isinstance(rate, np.ndarray) else tuple(unit), cache)
        rows.append(np.concatenate([np.ravel(g) for g in (found if isinstance(found, tuple) else (found,))]))
    return np.asarray(rate, dtype=float), np.array(rows)


def widened(state: Any, time: float, forward: Half, backward: Half, args: Any, size: int) -> Any:
    """The equation of the solution and of its sensitivities, one after the other."""
    rate, slopes = slopes_of(forward, backward, state[:size], time, args)
    change = slopes[:, :size] @ state[size:].reshape(slopes.shape)
    change[:, size:] += slopes[:, size:]
    return np.concatenate([rate, change.ravel()])


@rule(si.odeint)
def odeint(dz: Any, z: Any, y0: Any, t: Any, args: Any, forward: Any = None, backward: Any = None, wrt: Any = (), rtol: Any = None, atol: Any = None) -> Adjoints:
    """forward and backward: the halves of `func`; wrt: the places of the parameters that are differentiated."""
    found = [slopes_of(forward, backward, y, float(time), args) for y, time in zip(z, t)]
    size, width = found[0][1].shape
    start = np.concatenate([z[0], np.eye(size, width).ravel()])
    sensitivities = si.odeint(widened, start, t, (forward, backward, args, size), rtol=rtol, atol=atol)[:, size:].reshape(-1, size, width)
    total = np.einsum("ti,tij->j", dz, sensitivities)
    dt = np.sum(dz * np.array([rate for rate, _ in found]), axis=1)
    dt[0] = -(total[:size] - dz[0]) @ found[0][0]
    dargs, at = [None] * len(args), size
    for i in wrt:
        dargs[i] = total[at : at + np.size(args[i])].reshape(np.shape(args[i]))
        at += np.size(args[i])
    return total[:size].reshape(np.shape(y0)), dt, dargs


rule(si.trapezoid)(trapezoid)


@rule(si.simpson)
def simpson(dz: Any, z: Any, y: Any, x: Any = None, dx: float = 1.0, axis: int = -1) -> Adjoints:
    """It is linear in y: the weights are what it makes of unit vectors."""
    axis %= y.ndim
    weights = si.simpson(np.eye(y.shape[axis]), x=x, dx=dx)
    return (np.expand_dims(dz, axis) * weights.reshape((-1,) + (1,) * (y.ndim - axis - 1)),)
