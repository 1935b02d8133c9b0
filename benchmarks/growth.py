"""How time and memory grow with the number of passes of a loop, for the generated gradient and the one by hand.

Both are Python and NumPy, so what they allocate is counted exactly, by tracemalloc. A gradient that keeps a list of states doubles with
the passes; a factor well above what the one by hand shows means that something is done anew, or kept, in every pass.
"""
from __future__ import annotations

import gc
import statistics
import timeit
import tracemalloc
from typing import Any

import srcad
from benchmarks.measure import ROUNDS, timer
from benchmarks.systems import Ready, as_arrays
from benchmarks.workloads.workload import Workload


def growth(workload: Workload, doublings: int, seconds: float) -> dict[str, Any]:
    """The microseconds and megabytes of a call, and the lines of the generated text, for passes that double so many times."""
    assert workload.trips is not None
    made = srcad.grad(workload.loss, wrt=workload.wrt)
    passes = [workload.passes * 2 ** k for k in range(doublings + 1)]
    figures: dict[str, Any] = {"passes": passes, "lines": []}
    calls = {}
    for n in passes:
        args = workload.trips(n)
        made(*args)
        figures["lines"].append(len(made.source_for(*args).splitlines()))
        calls["srcad", n] = Ready(made.specialise(*args), args, as_arrays)
        calls["hand", n] = Ready(workload.hand, args, as_arrays)
    memory = {key: allocated(ready) for key, ready in calls.items()}
    times = in_turn({key: timer(ready) for key, ready in calls.items()}, seconds)
    for name in ("srcad", "hand"):
        figures[name] = {"us": [times[name, n] * 1e6 for n in passes], "mb": [memory[name, n] / 1e6 for n in passes]}
    return figures


def in_turn(timers: dict[Any, timeit.Timer], seconds: float) -> dict[Any, float]:
    """The seconds of each: the median of rounds in which every one has its turn. `seconds` are for each."""
    warm = {key: t.timeit(1) for key, t in timers.items()}
    rounds = max(ROUNDS, int(seconds * len(timers) / sum(warm.values())))
    found: dict[Any, list[float]] = {key: [] for key in timers}
    for _ in range(min(rounds, 200)):
        for key, t in timers.items():
            found[key].append(t.timeit(1))
    return {key: statistics.median(times) for key, times in found.items()}


def allocated(ready: Ready) -> int:
    """What a call allocates at its highest, in bytes."""
    gc.collect()
    tracemalloc.start()
    try:
        ready.run()
        return tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()


def factors(values: list[float]) -> list[float]:
    """By how much each is larger than the one before."""
    return [b / a for a, b in zip(values, values[1:]) if a > 0]
