"""Circuits of scalar gates, on floats; and one of them on arrays."""
from __future__ import annotations

import math

import numpy as np

from benchmarks.workloads.workload import Workload, generator


def circuit(x, y):
    sigy = 1.0 / (1.0 + math.exp(-y))
    num = x + sigy
    sigx = 1.0 / (1.0 + math.exp(-x))
    xpy = x + y
    den = sigx + xpy ** 2
    return num / den


def circuit_hand(x, y):
    sigy = 1.0 / (1.0 + math.exp(-y))
    num = x + sigy
    sigx = 1.0 / (1.0 + math.exp(-x))
    xpy = x + y
    den = sigx + xpy ** 2
    dnum = 1.0 / den
    dden = -num / den ** 2
    dxpy = 2 * xpy * dden
    dx = dnum + dxpy + (1 - sigx) * sigx * dden
    dy = dxpy + (1 - sigy) * sigy * dnum
    return dx, dy


# Multiply, add, and the larger of two: a branch on data.

def max_gate(a, b, c, d):
    return (a * b + max(c, d)) * 2.0


def max_gate_hand(a, b, c, d):
    dc, dd = (2.0, 0.0) if c >= d else (0.0, 2.0)
    return 2.0 * b, 2.0 * a, dc, dd


# A neuron of two inputs, its weights and inputs in lists.

def neuron(w, x):
    dot = w[0] * x[0] + w[1] * x[1] + w[2]
    return 1.0 / (1.0 + math.exp(-dot))


def neuron_hand(w, x):
    dot = w[0] * x[0] + w[1] * x[1] + w[2]
    f = 1.0 / (1.0 + math.exp(-dot))
    ddot = (1.0 - f) * f
    return [x[0] * ddot, x[1] * ddot, ddot], [w[0] * ddot, w[1] * ddot]


# The first circuit on n pairs at once.

def circuit_array(x, y):
    sigy = 1.0 / (1.0 + np.exp(-y))
    num = x + sigy
    sigx = 1.0 / (1.0 + np.exp(-x))
    xpy = x + y
    den = sigx + xpy ** 2
    return np.sum(num / den)


def circuit_array_hand(x, y):
    sigy = 1.0 / (1.0 + np.exp(-y))
    num = x + sigy
    sigx = 1.0 / (1.0 + np.exp(-x))
    xpy = x + y
    den = sigx + xpy ** 2
    dnum = 1.0 / den
    dden = -num * dnum ** 2
    dxpy = 2 * xpy * dden
    dx = dnum + dxpy + (1 - sigx) * sigx * dden
    dy = dxpy + (1 - sigy) * sigy * dnum
    return dx, dy


def pairs(n):
    rng = generator()
    return rng.uniform(0.5, 2.0, n), rng.uniform(-0.5, 1.0, n)


WORKLOADS = (
    Workload(circuit, circuit_hand, ("x", "y"), lambda _: (3.0, -4.0), (1,)),
    Workload(max_gate, max_gate_hand, ("a", "b", "c", "d"), lambda _: (3.0, -4.0, 2.0, -1.0), (1,)),
    Workload(neuron, neuron_hand, ("w", "x"), lambda _: ([2.0, -3.0, -3.0], [-1.0, -2.0]), (1,)),
    Workload(circuit_array, circuit_array_hand, ("x", "y"), pairs, (10, 10_000, 1_000_000), (10_000_000,)),
)
