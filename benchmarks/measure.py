"""Measurements of one workload at one size, each in a process of its own, forked from one in which all that it needs is imported.

A probe runs one system once: is its gradient that by hand, how long did the first call take, how much memory does a later call need?
A race times the systems that passed in turn, batch after batch: what slows the machine down slows all of them down.
"""
from __future__ import annotations

import contextlib
import gc
import math
import multiprocessing
import os
import pathlib
import statistics
import timeit
import traceback
import warnings
from collections.abc import Callable, Mapping
from multiprocessing.connection import Connection
from typing import Any

import numpy as np

from benchmarks.machine import clock, give_memory_back, own_pages, trim
from benchmarks.systems import HAND, PLAIN, NotPorted, Ready, System, as_arrays
from benchmarks.workloads.workload import Workload
from srcad import SrcadError

BATCH = 0.0005  # seconds that one batch of calls takes, about: less than a turn of the scheduler
ROUNDS = 3  # at least
SHORT = 0.5  # seconds of a call that is made again and again without a thought
Run = Callable[..., Any]  # as `in_process`
STATUS = pathlib.Path("/proc/self/status")


def parabola(x):
    return np.sum(x * x)


# What a system runs first, to load what every first call needs.
WARMING = Workload(parabola, lambda x: (2 * x,), ("x",), lambda n: (np.ones(n),), (1,))


class TooSlow(Exception):
    """A process was ended at its limit."""


class Failed(Exception):
    """A process ended in an error, which is the message."""


# ---- processes

def in_process(limit: float, function: Callable[..., Any], *args: Any) -> Any:
    """What the function answers, in a process of its own. Raises TooSlow after `limit` seconds, and Failed with the error."""
    fork = multiprocessing.get_context("fork")
    ours, theirs = fork.Pipe(duplex=False)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # libraries with threads warn of forks; none of those threads runs yet
        process = fork.Process(target=answer, args=(theirs, function, args))
        process.start()
    theirs.close()
    try:
        if not ours.poll(limit):
            raise TooSlow
        good, result = ours.recv()
    except EOFError:
        process.join()
        raise Failed(f"the process ended with {process.exitcode}") from None
    finally:
        process.kill()
        process.join()
        ours.close()
    if not good:
        raise Failed(result)
    return result


class Nursery:
    """A process that has loaded what it was told to, and nothing else; measurements are made in forks of it."""

    def __init__(self, load: Callable[..., None], *args: Any) -> None:
        fork = multiprocessing.get_context("fork")
        self.pipe, theirs = fork.Pipe()
        self.process = fork.Process(target=serve, args=(theirs, self.pipe, load, args))
        self.process.start()
        theirs.close()

    def in_process(self, limit: float, function: Callable[..., Any], *args: Any) -> Any:
        """As the function of this name; the function and its arguments are sent, so they must have names."""
        self.pipe.send((limit, function, args))
        result = self.pipe.recv()
        if isinstance(result, (TooSlow, Failed)):
            raise result
        return result

    def __enter__(self) -> Nursery:
        return self

    def __exit__(self, *_: object) -> None:
        self.pipe.close()
        self.process.join()


def serve(pipe: Connection, other_end: Connection, load: Callable[..., None], args: tuple[Any, ...]) -> None:
    """Load, and answer what comes until the other end is closed."""
    other_end.close()
    load(*args)
    with contextlib.suppress(EOFError, KeyboardInterrupt):
        while True:
            limit, function, args = pipe.recv()
            try:
                result = in_process(limit, function, *args)
            except (TooSlow, Failed) as problem:
                result = problem
            pipe.send(result)


def answer(pipe: Connection, function: Callable[..., Any], args: tuple[Any, ...]) -> None:
    """Send (True, the function's answer) or (False, the error), silently."""
    warnings.simplefilter("ignore")
    with open(os.devnull, "w") as nowhere, contextlib.redirect_stdout(nowhere), contextlib.redirect_stderr(nowhere):
        try:
            pipe.send((True, function(*args)))
        except Exception as problem:
            pipe.send((False, reason(problem)))
    pipe.close()


def reason(problem: Exception) -> str:
    """The first line of an error, without the folder of a file."""
    lines = [line for line in str(problem).splitlines() if line.strip(" =-")] or traceback.format_exception_only(problem)
    first = lines[0].strip().replace(f"{pathlib.Path(__file__).parent.parent}{os.sep}", "")
    return f"{type(problem).__name__}: {first}"[:200]


# ---- one system

def probe(system: System, workload: Workload, size: int) -> dict[str, Any]:
    """How the system fares with the workload: a status, and its reason or the figures."""
    system.make(WARMING, WARMING.args(1)).run()
    wanted = as_arrays(workload.hand(*workload.args(size)))
    args = workload.args(size)
    gc.collect()  # what loading the libraries has left
    own_pages()
    try:
        start = clock()()
        ready = system.make(workload, args)
        run = ready.compiled() if ready.compiled else ready.run
        made = clock()() - start
        measured = give_memory_back()
        taken, memory, result = rise(run)
        found = ready.arrays(result)
    except NotPorted:
        return {"status": "not ported"}
    except SrcadError as refusal:
        return {"status": "refused", "reason": reason(refusal)}
    except Exception as problem:
        return {"status": "cannot", "reason": reason(problem)}
    status, why = compared(found, wanted)
    if status != "ok":
        return {"status": status, "reason": why}
    del result, found, wanted
    if not ready.compiled and taken < SHORT:
        memory = min(rise(run)[1] for _ in range(3))
    return {"status": "ok", "first_ms": (made + taken) * 1e3, "memory_mb": memory / 1e6 if measured and memory >= 0 else None}


def compared(found: list[np.ndarray | None], wanted: list[np.ndarray | None]) -> tuple[str, str]:
    """Whether a gradient is the one by hand, and what is amiss. None stands for zeros where there are zeros."""
    if len(found) != len(wanted):
        return "wrong", f"{len(found)} gradients came back, not {len(wanted)}"
    for i, (got, want) in enumerate(zip(found, wanted, strict=True)):
        assert want is not None
        if got is None:
            if np.any(want):
                return "cannot", f"gradient {i} did not come back"
        elif got.shape != want.shape:
            return "wrong", f"gradient {i} is of shape {got.shape}, not {want.shape}"
        elif not np.allclose(got, want, rtol=1e-6, atol=1e-9 * (1 + np.max(np.abs(want), initial=0))):
            return "wrong", f"gradient {i} is off by {np.max(np.abs(got - want)):.1e}, of {np.max(np.abs(want)):.1e}"
    return "ok", ""


def rise(run: Callable[[], Any]) -> tuple[float, int, Any]:
    """A call's seconds, by how many bytes it raises the resident memory, at its highest (-1 where Linux does not tell), and its answer."""
    gc.collect()
    trim()
    told = forget_peak()
    before = resident("VmRSS") if told else 0
    start = clock()()
    result = run()
    taken = clock()() - start
    return taken, max(0, resident("VmHWM") - before) if told else -1, result


def forget_peak() -> bool:
    """Let the peak of this process's memory be what it holds now; False where that cannot be."""
    try:
        pathlib.Path("/proc/self/clear_refs").write_text("5")
    except OSError:
        return False
    return True


def resident(field: str) -> int:
    """A figure of the memory that this process holds, in bytes: VmRSS is now, VmHWM the peak."""
    line = next(line for line in STATUS.read_text().splitlines() if line.startswith(f"{field}:"))
    return int(line.split()[1]) * 1024


# ---- all of them in turn

def race(systems: list[System], workload: Workload, size: int, seconds: float) -> dict[str, list[float]]:
    """The seconds that a call takes, for every system: a figure for each round, until it has had its `seconds` and some rounds."""
    timers = {}
    for system in systems:
        ready = system.make(workload, workload.args(size))
        ready.run()
        timers[system.name] = timer(ready)
    numbers = {name: max(1, int(BATCH / min(t.repeat(3, 1)))) for name, t in timers.items()}
    rounds: dict[str, list[float]] = {name: [] for name in timers}
    spent = dict.fromkeys(timers, 0.0)
    while running := [name for name in timers if spent[name] < seconds or len(rounds[name]) < ROUNDS]:
        for name in running:
            taken = timers[name].timeit(numbers[name])
            spent[name] += taken
            rounds[name].append(taken / numbers[name])
    return rounds


def timer(ready: Ready) -> timeit.Timer:
    names = [f"a{i}" for i in range(len(ready.args))]
    space = {**dict(zip(names, ready.args, strict=True)), "call": ready.call}
    return timeit.Timer(f"call({', '.join(names)})", timer=clock(), globals=space)


def ratio(times: list[float], base: list[float]) -> dict[str, float]:
    """The median over that of `base`, the quartiles over it, and the median itself."""
    low, middle, high = statistics.quantiles(times, n=4, method="inclusive")
    below = statistics.median(base)
    return {"ratio": middle / below, "low": low / below, "high": high / below, "us": middle * 1e6}


def entry(systems: Mapping[System, Run], workload: Workload, size: int, seconds: float, limit: float, hopeless: set[str]) -> dict[str, Any]:
    """All figures of a workload at a size.

    systems: in what processes to probe each. hopeless: those that were too slow at a smaller size; it grows.
    """
    found = {s.name: watched(s, workload, size, limit, hopeless, run) for s, run in systems.items()}
    fit = [PLAIN, *(s for s in systems if found[s.name]["status"] == "ok")]
    slowest = sum(figures.get("first_ms", 0.0) for figures in found.values()) / 1e3
    try:
        rounds = in_process(60 + 2 * seconds * len(fit) + 20 * slowest, race, fit, workload, size, seconds)
    except (TooSlow, Failed) as problem:
        return {"workload": workload.name, "size": size, "systems": found, "failed": str(problem) or "too slow"}
    found[PLAIN.name] = {"status": "ok"}
    for name, times in rounds.items():
        found[name].update(ratio(times, rounds[HAND.name]))
    over_primal = ratio(rounds["srcad"], rounds[PLAIN.name])["ratio"] if "srcad" in rounds else None
    return {"workload": workload.name, "size": size, "rounds": len(rounds[HAND.name]), "over_primal": over_primal, "systems": found}


def watched(system: System, workload: Workload, size: int, limit: float, hopeless: set[str], run: Run = in_process) -> dict[str, Any]:
    """The probe of a system, within the limit."""
    if why := system.missing():
        return {"status": "missing", "reason": why}
    if system.name in hopeless:
        return {"status": "too slow", "reason": "too slow at a smaller size"}
    try:
        return run(limit, probe, system, workload, size)  # type: ignore[no-any-return]
    except TooSlow:
        hopeless.add(system.name)
        return {"status": "too slow", "reason": f"not done after {limit:g} seconds"}
    except Failed as problem:
        return {"status": "cannot", "reason": str(problem)}


def geometric_mean(values: list[float]) -> float:
    return math.exp(sum(map(math.log, values)) / len(values)) if values else math.nan


