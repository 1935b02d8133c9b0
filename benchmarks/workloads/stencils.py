"""Stencils written in place, in one dimension and two. The size is the number of points along a side; each makes ten steps or twenty."""
from __future__ import annotations

import numpy as np

from benchmarks.workloads.workload import Workload, generator


# Jacobi's sweeps between two arrays, there and back.

def jacobi_1d(a, b, steps):
    a, b = a.copy(), b.copy()
    for _ in range(steps):
        b[1:-1] = (a[:-2] + a[1:-1] + a[2:]) / 3.0
        a[1:-1] = (b[:-2] + b[1:-1] + b[2:]) / 3.0
    return np.sum(a * a)


def jacobi_1d_hand(a, b, steps):
    a, b = a.copy(), b.copy()
    for _ in range(steps):
        b[1:-1] = (a[:-2] + a[1:-1] + a[2:]) / 3.0
        a[1:-1] = (b[:-2] + b[1:-1] + b[2:]) / 3.0
    da, db = 2 * a, np.zeros_like(b)
    for _ in range(steps):
        third = da[1:-1] / 3.0
        da[1:-1] = 0
        db[:-2] += third
        db[1:-1] += third
        db[2:] += third
        third = db[1:-1] / 3.0
        db[1:-1] = 0
        da[:-2] += third
        da[1:-1] += third
        da[2:] += third
    return da, db


# Heat along a rod whose ends keep their temperature.

def heat_1d(u, k, steps):
    u = u.copy()
    for _ in range(steps):
        u[1:-1] += k * (u[2:] - 2 * u[1:-1] + u[:-2])
    return np.sum(u * u)


def heat_1d_hand(u, k, steps):
    u = u.copy()
    bends = []
    for _ in range(steps):
        bend = u[2:] - 2 * u[1:-1] + u[:-2]
        bends.append(bend)
        u[1:-1] += k * bend
    du, dk = 2 * u, 0.0
    for _ in range(steps):
        inner = du[1:-1].copy()
        dk += bends.pop() @ inner
        inner *= k
        du[2:] += inner
        du[1:-1] -= 2 * inner
        du[:-2] += inner
    return du, dk


# What a wind carries along, taken from the side it blows from.

def advection(u, wind, steps):
    u = u.copy()
    for _ in range(steps):
        left = u[1:-1] - u[:-2]
        right = u[2:] - u[1:-1]
        u[1:-1] -= wind * np.where(wind > 0, left, right)
    return np.sum(u * u)


def advection_hand(u, wind, steps):
    u = u.copy()
    forward = wind > 0
    slopes = []
    for _ in range(steps):
        slope = np.where(forward, u[1:-1] - u[:-2], u[2:] - u[1:-1])
        slopes.append(slope)
        u[1:-1] -= wind * slope
    du, dwind = 2 * u, np.zeros_like(wind)
    for _ in range(steps):
        inner = du[1:-1].copy()
        dwind -= slopes.pop() * inner
        dslope = wind * inner
        dleft = np.where(forward, dslope, 0.0)
        dright = np.where(forward, 0.0, dslope)
        du[1:-1] += dright - dleft
        du[:-2] += dleft
        du[2:] -= dright
    return du, dwind


# Heat on a plate.

def heat_2d(u, k, steps):
    u = u.copy()
    for _ in range(steps):
        u[1:-1, 1:-1] += k * (u[2:, 1:-1] + u[:-2, 1:-1] + u[1:-1, 2:] + u[1:-1, :-2] - 4 * u[1:-1, 1:-1])
    return np.sum(u * u)


def heat_2d_hand(u, k, steps):
    u = u.copy()
    bends = []
    for _ in range(steps):
        bend = u[2:, 1:-1] + u[:-2, 1:-1] + u[1:-1, 2:] + u[1:-1, :-2] - 4 * u[1:-1, 1:-1]
        bends.append(bend)
        u[1:-1, 1:-1] += k * bend
    du, dk = 2 * u, 0.0
    for _ in range(steps):
        inner = du[1:-1, 1:-1].copy()
        dk += np.vdot(bends.pop(), inner)
        inner *= k
        du[2:, 1:-1] += inner
        du[:-2, 1:-1] += inner
        du[1:-1, 2:] += inner
        du[1:-1, :-2] += inner
        du[1:-1, 1:-1] -= 4 * inner
    return du, dk


# Poisson's equation on a plate, by Jacobi's sweeps, each into a new array.

def jacobi_2d(u, f, steps):
    for _ in range(steps):
        new = u.copy()
        new[1:-1, 1:-1] = 0.25 * (u[2:, 1:-1] + u[:-2, 1:-1] + u[1:-1, 2:] + u[1:-1, :-2] - f[1:-1, 1:-1])
        u = new
    return np.sum(u * u)


def jacobi_2d_hand(u, f, steps):
    for _ in range(steps):
        new = u.copy()
        new[1:-1, 1:-1] = 0.25 * (u[2:, 1:-1] + u[:-2, 1:-1] + u[1:-1, 2:] + u[1:-1, :-2] - f[1:-1, 1:-1])
        u = new
    du, df = 2 * u, np.zeros_like(f)
    for _ in range(steps):
        quarter = 0.25 * du[1:-1, 1:-1]
        du[1:-1, 1:-1] = 0
        du[2:, 1:-1] += quarter
        du[:-2, 1:-1] += quarter
        du[1:-1, 2:] += quarter
        du[1:-1, :-2] += quarter
        df[1:-1, 1:-1] -= quarter
    return du, df


# Seidel's sweep: each point from its neighbours, two of which are new already.

def seidel_2d(u, steps):
    u = u.copy()
    n, m = u.shape
    for _ in range(steps):
        for i in range(1, n - 1):
            for j in range(1, m - 1):
                u[i, j] = 0.2 * (u[i - 1, j] + u[i, j - 1] + u[i, j] + u[i, j + 1] + u[i + 1, j])
    return np.sum(u * u)


def seidel_2d_hand(u, steps):
    u = u.copy()
    n, m = u.shape
    for _ in range(steps):
        for i in range(1, n - 1):
            for j in range(1, m - 1):
                u[i, j] = 0.2 * (u[i - 1, j] + u[i, j - 1] + u[i, j] + u[i, j + 1] + u[i + 1, j])
    du = 2 * u
    for _ in range(steps):
        for i in reversed(range(1, n - 1)):
            for j in reversed(range(1, m - 1)):
                fifth = 0.2 * du[i, j]
                du[i, j] = fifth
                du[i - 1, j] += fifth
                du[i, j - 1] += fifth
                du[i, j + 1] += fifth
                du[i + 1, j] += fifth
    return (du,)


def two_rods(n, steps=20):
    rng = generator()
    return rng.standard_normal(n), rng.standard_normal(n), steps


def rod(n, steps=20):
    return generator().standard_normal(n), 0.2, steps


def windy(n, steps=20):
    rng = generator()
    return rng.standard_normal(n), rng.uniform(-0.8, 0.8, n - 2), steps


def plate(n, steps=10):
    return generator().standard_normal((n, n)), 0.1, steps


def charged(n, steps=10):
    rng = generator()
    return rng.standard_normal((n, n)), rng.standard_normal((n, n)), steps


def swept(n, steps=10):
    return generator().standard_normal((n, n)), steps


RODS = ((10, 1000, 100_000), (1_000_000,))
PLATES = ((5, 100, 500), (1500,))

WORKLOADS = (
    Workload(jacobi_1d, jacobi_1d_hand, ("a", "b"), two_rods, *RODS, lambda n: two_rods(400, n), 50),
    Workload(heat_1d, heat_1d_hand, ("u", "k"), rod, *RODS, lambda n: rod(400, n), 50),
    Workload(advection, advection_hand, ("u", "wind"), windy, *RODS, lambda n: windy(400, n), 50),
    Workload(heat_2d, heat_2d_hand, ("u", "k"), plate, *PLATES, lambda n: plate(50, n), 25),
    Workload(jacobi_2d, jacobi_2d_hand, ("u", "f"), charged, *PLATES, lambda n: charged(50, n), 25),
    Workload(seidel_2d, seidel_2d_hand, ("u",), swept, (5, 20), (60,), lambda n: swept(10, n), 10),
)
