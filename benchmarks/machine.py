"""The machine: how it is kept quiet for a measurement, and what it is."""
from __future__ import annotations

import contextlib
import ctypes
import importlib.metadata
import mmap
import os
import pathlib
import platform
import sys
import time
from collections.abc import Callable

import numpy as np

# Freed memory is kept, not given back and faulted in again, and every library works on one thread. That thread is to be the main one: what
# others free is given back all the same, which makes JAX's arrays of 8 MB cost twice their time; so the process is kept on one core.
PINNED = {
    "MALLOC_TRIM_THRESHOLD_": "16000000000",
    "MALLOC_MMAP_THRESHOLD_": "16000000000",
    "MALLOC_TOP_PAD_": "268435456",
    "OPENBLAS_NUM_THREADS": "1",
    "OMP_NUM_THREADS": "1",
    "MKL_NUM_THREADS": "1",
    "NPROC": "1",  # what XLA takes for the number of processors
    "XLA_FLAGS": "--xla_cpu_multi_thread_eigen=false",
}
FREED = ("OPENBLAS_CORETYPE",)  # each library takes the instructions that the processor has: XLA and MKL know nothing of this one
PACKAGES = ("srcad", "numpy", "scipy", "numba", "autograd", "jax", "torch", "mygrad", "tangent-ad")

TRIM_THRESHOLD, TOP_PAD, MMAP_THRESHOLD = -1, -2, -3  # the names of mallopt's parameters


def is_pinned() -> bool:
    return all(os.environ.get(name) == value for name, value in PINNED.items()) and not any(name in os.environ for name in FREED)


def clock() -> Callable[[], float]:
    """What times a call: where all is on one thread, the processor's time, which leaves out what other programs took; else the wall's."""
    return time.process_time if is_pinned() else time.perf_counter


def pin(module: str) -> None:
    """Start this module anew with the settings above, on one core, unless they hold."""
    if not is_pinned():
        if hasattr(os, "sched_setaffinity"):
            os.sched_setaffinity(0, {max(os.sched_getaffinity(0))})
        kept = {name: value for name, value in os.environ.items() if name not in FREED}
        os.execve(sys.executable, [sys.executable, "-m", module, *sys.argv[1:]], {**kept, **PINNED})


def give_memory_back() -> bool:
    """Have freed memory given back to the system at once from now on; False where the C library cannot be told."""
    try:
        mallopt = ctypes.CDLL(None).mallopt
    except (AttributeError, OSError, TypeError):
        return False
    return all([mallopt(MMAP_THRESHOLD, 1 << 16), mallopt(TRIM_THRESHOLD, 1 << 16), mallopt(TOP_PAD, 0)])


def trim() -> None:
    """Give back what is freed in the midst of the heap too."""
    with contextlib.suppress(AttributeError, OSError, TypeError):
        ctypes.CDLL(None).malloc_trim(0)


def own_pages() -> None:
    """Copy every page of memory that a process shares with the one it was forked from: each costs 3 us when it is first written to.

    A process that was started by itself shares none, so a first call is to be timed without that. Nothing, where Linux does not tell.
    """
    with contextlib.suppress(OSError):
        for line in pathlib.Path("/proc/self/maps").read_text().splitlines():
            span, mode, *_, last = line.split()
            if mode.startswith("rw-p") and last != "[stack]":
                start, stop = (int(end, 16) for end in span.split("-"))
                for page in present(start // mmap.PAGESIZE, stop // mmap.PAGESIZE):
                    ctypes.memmove(page * mmap.PAGESIZE, page * mmap.PAGESIZE, 1)


def present(first: int, stop: int) -> list[int]:
    """Those of a range of pages that are in memory."""
    entries = np.fromfile("/proc/self/pagemap", np.uint64, stop - first, offset=8 * first)
    return [int(page) for page in first + np.flatnonzero(entries >> np.uint64(63))]


def version(package: str) -> str:
    try:
        return importlib.metadata.version(package)
    except importlib.metadata.PackageNotFoundError:
        if package != "srcad":
            return ""
    import srcad

    return getattr(srcad, "__version__", "not installed, from its sources")


def cpu() -> str:
    """The processor's name, as far as the system tells it."""
    info = pathlib.Path("/proc/cpuinfo")
    lines = info.read_text().splitlines() if info.exists() else []
    names = [line.partition(":")[2].strip() for line in lines if line.startswith("model name")]
    return names[0] if names else platform.processor() or platform.machine()


def described() -> dict[str, str]:
    """The processor, the cores, the system and the versions."""
    versions = {package: version(package) for package in PACKAGES}
    return {
        "cpu": cpu(),
        "cores": str(os.cpu_count()),
        "system": f"{platform.system()} {platform.machine()}",
        "python": platform.python_version(),
        **{package: found for package, found in versions.items() if found},
    }
