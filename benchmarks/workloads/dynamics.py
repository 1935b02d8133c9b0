"""Differential equations: a step of Runge and Kutta of fourth order, over and over; and bodies that attract each other."""
from __future__ import annotations

import numpy as np

from benchmarks.workloads.workload import Workload, generator


# The oscillator of van der Pol, in floats. The size is the number of steps.

def van_der_pol(x, v, mu, steps, dt):
    for _ in range(steps):
        k1x, k1v = v, mu * (1 - x * x) * v - x
        x2, v2 = x + 0.5 * dt * k1x, v + 0.5 * dt * k1v
        k2x, k2v = v2, mu * (1 - x2 * x2) * v2 - x2
        x3, v3 = x + 0.5 * dt * k2x, v + 0.5 * dt * k2v
        k3x, k3v = v3, mu * (1 - x3 * x3) * v3 - x3
        x4, v4 = x + dt * k3x, v + dt * k3v
        k4x, k4v = v4, mu * (1 - x4 * x4) * v4 - x4
        x = x + dt / 6 * (k1x + 2 * k2x + 2 * k3x + k4x)
        v = v + dt / 6 * (k1v + 2 * k2v + 2 * k3v + k4v)
    return x * x + v * v


def van_der_pol_hand(x, v, mu, steps, dt):
    saved = []
    for _ in range(steps):
        k1x, k1v = v, mu * (1 - x * x) * v - x
        x2, v2 = x + 0.5 * dt * k1x, v + 0.5 * dt * k1v
        k2x, k2v = v2, mu * (1 - x2 * x2) * v2 - x2
        x3, v3 = x + 0.5 * dt * k2x, v + 0.5 * dt * k2v
        k3x, k3v = v3, mu * (1 - x3 * x3) * v3 - x3
        x4, v4 = x + dt * k3x, v + dt * k3v
        k4x, k4v = v4, mu * (1 - x4 * x4) * v4 - x4
        saved.append((x, v, x2, v2, x3, v3, x4, v4))
        x = x + dt / 6 * (k1x + 2 * k2x + 2 * k3x + k4x)
        v = v + dt / 6 * (k1v + 2 * k2v + 2 * k3v + k4v)
    dx, dv, dmu = 2 * x, 2 * v, 0.0
    for _ in range(steps):
        x, v, x2, v2, x3, v3, x4, v4 = saved.pop()
        # backprop the last stage
        dkx, dkv = dt / 6 * dx, dt / 6 * dv
        dx4 = (-2 * mu * x4 * v4 - 1) * dkv
        dv4 = dkx + mu * (1 - x4 * x4) * dkv
        dmu += (1 - x4 * x4) * v4 * dkv
        # backprop the third
        dkx, dkv = dt / 3 * dx + dt * dx4, dt / 3 * dv + dt * dv4
        dx3 = (-2 * mu * x3 * v3 - 1) * dkv
        dv3 = dkx + mu * (1 - x3 * x3) * dkv
        dmu += (1 - x3 * x3) * v3 * dkv
        # backprop the second
        dkx, dkv = dt / 3 * dx + 0.5 * dt * dx3, dt / 3 * dv + 0.5 * dt * dv3
        dx2 = (-2 * mu * x2 * v2 - 1) * dkv
        dv2 = dkx + mu * (1 - x2 * x2) * dkv
        dmu += (1 - x2 * x2) * v2 * dkv
        # backprop the first
        dkx, dkv = dt / 6 * dx + 0.5 * dt * dx2, dt / 6 * dv + 0.5 * dt * dv2
        dx += dx2 + dx3 + dx4 + (-2 * mu * x * v - 1) * dkv
        dv += dv2 + dv3 + dv4 + dkx + mu * (1 - x * x) * dkv
        dmu += (1 - x * x) * v * dkv
    return dx, dv, dmu


# Pendulums on a row, each pulled by its neighbours: y holds angles and velocities. The size is the number of pendulums.

def swing(y, k):
    angle = y[0]
    pull = np.roll(angle, 1) + np.roll(angle, -1) - 2 * angle
    return np.stack([y[1], k * pull - np.sin(angle)])


def swing_hand(y, k, dout):
    angle = y[0]
    pull = np.roll(angle, 1) + np.roll(angle, -1) - 2 * angle
    dpull = k * dout[1]
    dangle = np.roll(dpull, -1) + np.roll(dpull, 1) - 2 * dpull - np.cos(angle) * dout[1]
    return np.stack([dangle, dout[0]]), pull @ dout[1]


def pendulums(y, k, steps, dt):
    for _ in range(steps):
        k1 = swing(y, k)
        k2 = swing(y + 0.5 * dt * k1, k)
        k3 = swing(y + 0.5 * dt * k2, k)
        k4 = swing(y + dt * k3, k)
        y = y + dt / 6 * (k1 + 2 * k2 + 2 * k3 + k4)
    return np.sum(y * y)


def pendulums_hand(y, k, steps, dt):
    saved = []
    for _ in range(steps):
        k1 = swing(y, k)
        y2 = y + 0.5 * dt * k1
        k2 = swing(y2, k)
        y3 = y + 0.5 * dt * k2
        k3 = swing(y3, k)
        y4 = y + dt * k3
        k4 = swing(y4, k)
        saved.append((y, y2, y3, y4))
        y = y + dt / 6 * (k1 + 2 * k2 + 2 * k3 + k4)
    dy, dk = 2 * y, 0.0
    for _ in range(steps):
        y, y2, y3, y4 = saved.pop()
        dy4, d4 = swing_hand(y4, k, dt / 6 * dy)
        dy3, d3 = swing_hand(y3, k, dt / 3 * dy + dt * dy4)
        dy2, d2 = swing_hand(y2, k, dt / 3 * dy + 0.5 * dt * dy3)
        dy1, d1 = swing_hand(y, k, dt / 6 * dy + 0.5 * dt * dy2)
        dy = dy + dy1 + dy2 + dy3 + dy4
        dk += d1 + d2 + d3 + d4
    return dy, dk


# A differential equation whose right side is a layer. The size is the number of units.

def flow(y, w):
    return np.tanh(w @ y)


def neural_ode(y, w, steps, dt):
    for _ in range(steps):
        k1 = flow(y, w)
        k2 = flow(y + 0.5 * dt * k1, w)
        k3 = flow(y + 0.5 * dt * k2, w)
        k4 = flow(y + dt * k3, w)
        y = y + dt / 6 * (k1 + 2 * k2 + 2 * k3 + k4)
    return y @ y


def neural_ode_hand(y, w, steps, dt):
    saved = []
    for _ in range(steps):
        k1 = flow(y, w)
        y2 = y + 0.5 * dt * k1
        k2 = flow(y2, w)
        y3 = y + 0.5 * dt * k2
        k3 = flow(y3, w)
        y4 = y + dt * k3
        k4 = flow(y4, w)
        saved.append((y, y2, y3, y4, k1, k2, k3, k4))
        y = y + dt / 6 * (k1 + 2 * k2 + 2 * k3 + k4)
    dy, dw = 2 * y, np.zeros_like(w)
    for _ in range(steps):
        y, y2, y3, y4, k1, k2, k3, k4 = saved.pop()
        da4 = (1 - k4 * k4) * (dt / 6 * dy)
        dy4 = w.T @ da4
        da3 = (1 - k3 * k3) * (dt / 3 * dy + dt * dy4)
        dy3 = w.T @ da3
        da2 = (1 - k2 * k2) * (dt / 3 * dy + 0.5 * dt * dy3)
        dy2 = w.T @ da2
        da1 = (1 - k1 * k1) * (dt / 6 * dy + 0.5 * dt * dy2)
        dw += np.outer(da1, y) + np.outer(da2, y2) + np.outer(da3, y3) + np.outer(da4, y4)
        dy = dy + w.T @ da1 + dy2 + dy3 + dy4
    return dy, dw


# n bodies in space, softened gravity, a symplectic step. The size is the number of bodies.

def nbody(pos, vel, mass, steps, dt):
    for _ in range(steps):
        gap = pos[None, :, :] - pos[:, None, :]
        dist2 = np.sum(gap * gap, axis=2) + 0.1
        pull = mass / (dist2 * np.sqrt(dist2))
        vel = vel + dt * np.sum(pull[:, :, None] * gap, axis=1)
        pos = pos + dt * vel
    return np.sum(pos * pos) + np.sum(vel * vel)


def nbody_hand(pos, vel, mass, steps, dt):
    saved = []
    for _ in range(steps):
        gap = pos[None, :, :] - pos[:, None, :]
        dist2 = np.sum(gap * gap, axis=2) + 0.1
        pull = mass / (dist2 * np.sqrt(dist2))
        saved.append((gap, dist2, pull))
        vel = vel + dt * np.sum(pull[:, :, None] * gap, axis=1)
        pos = pos + dt * vel
    dpos, dvel, dmass = 2 * pos, 2 * vel, np.zeros_like(mass)
    for _ in range(steps):
        gap, dist2, pull = saved.pop()
        dvel = dvel + dt * dpos
        dacc = dt * dvel[:, None, :]
        dpull = np.sum(dacc * gap, axis=2)
        dmass += np.sum(dpull / (dist2 * np.sqrt(dist2)), axis=0)
        ddist2 = -1.5 * dpull * pull / dist2
        dgap = pull[:, :, None] * dacc + 2 * ddist2[:, :, None] * gap
        dpos = dpos + dgap.sum(axis=0) - dgap.sum(axis=1)
    return dpos, dvel, dmass


def oscillator(steps):
    return 1.0, 0.5, 0.8, steps, 0.01


def row(n, steps=20):
    rng = generator()
    return rng.standard_normal((2, n)), 0.7, steps, 0.01


def units(n, steps=20):
    normal = generator().standard_normal
    return normal(n), normal((n, n)) / np.sqrt(n), steps, 0.05


def bodies(n, steps=5):
    normal = generator().standard_normal
    return normal((n, 3)), 0.1 * normal((n, 3)), np.abs(normal(n)), steps, 0.01


WORKLOADS = (
    Workload(van_der_pol, van_der_pol_hand, ("x", "v", "mu"), oscillator, (10, 1000), (10_000,), oscillator, 250),
    Workload(pendulums, pendulums_hand, ("y", "k"), row, (4, 1000), (100_000,), lambda n: row(16, n), 25),
    Workload(neural_ode, neural_ode_hand, ("y", "w"), units, (4, 32, 256), (1024,), lambda n: units(16, n), 25),
    Workload(nbody, nbody_hand, ("pos", "vel", "mass"), bodies, (4, 64, 256), (512,), lambda n: bodies(16, n), 25),
)
