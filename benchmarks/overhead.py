"""What a gradient costs beside its generated lines: the look-up at every call, and the compilation at the first.

    python -m benchmarks.overhead

The look-up is what `grad(f)(*args)` takes more than the function that `specialise` gives, timed in turn. A compilation is the first
call of a new gradient, less a third call; its statements are those of the staged program.
"""
from __future__ import annotations

import ast
import statistics
import time
from collections.abc import Callable, Iterable
from typing import Any

import numpy as np

import srcad
from benchmarks.machine import clock, pin
from benchmarks.measure import timer
from benchmarks.systems import Ready, as_arrays
from benchmarks.workloads.workload import Args, Workload

CALLS = 300  # in a batch


def two_floats(x, y):
    return x * y


def three_arrays(x, y, z):
    return np.sum(x * y + z)


def dict_of_four(p):
    return np.sum(p["w"] * p["x"] + p["b"] * p["c"])


def eight_arrays(a, b, c, d, e, f, g, h):
    return np.sum(a * b + c * d + e * f + g * h)


def cases() -> list[tuple[Callable[..., Any], Args]]:
    def x() -> np.ndarray:
        return np.ones(4)

    return [
        (two_floats, (3.0, -4.0)),
        (three_arrays, (x(), x(), x())),
        (dict_of_four, ({key: x() for key in "wxbc"},)),
        (eight_arrays, tuple(x() for _ in range(8))),
    ]


def look_ups(seconds: float) -> dict[str, dict[str, float]]:
    """For each kind of arguments: the microseconds of the generated function, and those that a call costs more."""
    table = {}
    for function, args in cases():
        made = srcad.grad(function)
        made(*args)
        bare = made.specialise(*args)
        timers = [timer(Ready(f, args, as_arrays)) for f in (made, bare)]
        stop = time.perf_counter() + seconds
        pairs = []
        while time.perf_counter() < stop or not pairs:
            pairs.append([t.timeit(CALLS) / CALLS * 1e6 for t in timers])
        table[function.__name__] = {
            "generated_us": statistics.median(alone for _, alone in pairs),
            "look_up_us": statistics.median(called - alone for called, alone in pairs),
        }
    return table


def compilations(workloads: Iterable[Workload], repeats: int = 3) -> dict[str, dict[str, float]]:
    """For each program: the milliseconds of its first call less those of the next, and its staged statements. Refused ones are left out."""
    srcad.grad(two_floats)(3.0, -4.0)  # loads the compiler
    table = {}
    for workload in workloads:
        args = workload.args(workload.sizes[0])
        try:
            first = min(first_call(workload, args) for _ in range(repeats))
        except srcad.SrcadError:
            continue
        count = statements(srcad.grad(workload.loss, wrt=workload.wrt).staged)
        table[workload.name] = {"ms": first * 1e3, "statements": count, "ms_per_statement": first * 1e3 / count}
    return table


def first_call(workload: Workload, args: Args) -> float:
    made = srcad.grad(workload.loss, wrt=workload.wrt)
    now = clock()
    times = []
    for _ in range(3):  # the second one writes the guard
        start = now()
        made(*args)
        times.append(now() - start)
    return times[0] - times[2]


def statements(text: str) -> int:
    """The statements in the functions of a program."""
    nodes = list(ast.walk(ast.parse(text)))
    return sum(isinstance(node, ast.stmt) and not isinstance(node, ast.FunctionDef) for node in nodes)


def overhead(workloads: Iterable[Workload], seconds: float) -> dict[str, Any]:
    return {"look_up": look_ups(seconds), "compile": compilations(workloads)}


def main() -> None:
    pin("benchmarks.overhead")
    from benchmarks.report import compile_table, look_up_table
    from benchmarks.workloads import WORKLOADS

    found = overhead(WORKLOADS.values(), 1.0)
    print(f"{look_up_table(found['look_up'])}\n\n{compile_table(found['compile'])}")


if __name__ == "__main__":
    main()
