"""What a workload is: a plain NumPy program, its gradient by hand, and arguments of several sizes."""
from __future__ import annotations

import inspect
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np

Args = tuple[Any, ...]


@dataclass(frozen=True)
class Workload:
    """A loss whose gradient in the parameters `wrt` is wanted.

    hand: the gradient by hand, a tuple in the order of `wrt`. args: the arguments at a size, always the same ones. sizes: from tiny
    to larger than the caches; `more`: those that a quick run leaves out. trips: the arguments of a loop that makes that many
    passes, all else fixed, or None where the program has no loop; `passes`: where doubling begins.
    """

    loss: Callable[..., Any]
    hand: Callable[..., Args]
    wrt: tuple[str, ...]
    args: Callable[[int], Args]
    sizes: tuple[int, ...]
    more: tuple[int, ...] = ()
    trips: Callable[[int], Args] | None = None
    passes: int = 0

    def __reduce__(self) -> tuple[Callable[[str], Workload], tuple[str]]:
        """To another process goes its name."""
        return named, (self.name,)

    @property
    def name(self) -> str:
        return self.loss.__name__

    @property
    def positions(self) -> tuple[int, ...]:
        """Where the parameters `wrt` stand among the arguments."""
        names = tuple(inspect.signature(self.loss).parameters)
        return tuple(names.index(w) for w in self.wrt)


def named(name: str) -> Workload:
    from benchmarks.workloads import WORKLOADS

    return WORKLOADS[name]


def generator() -> np.random.Generator:
    return np.random.default_rng(0)
