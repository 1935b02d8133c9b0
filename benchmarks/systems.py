"""The systems that are timed: each makes, of a workload and its arguments, a call that gives the gradient.

Every system is handed the arguments in the form in which its users keep their data (NumPy arrays, JAX arrays, tensors), and its
answer is waited for, not brought back to NumPy. Peers run the plain program with their own NumPy module put in its place, or a port.
"""
from __future__ import annotations

import functools
import gc
import importlib
import importlib.util
import inspect
import math
import sys
import types
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np

import srcad
from benchmarks.workloads.workload import Args, Workload

FRAMEWORKS = ("jax", "torch", "tensorflow", "mlx")


class NotPorted(Exception):
    """There is no version of the workload for this system."""


@dataclass(frozen=True)
class Ready:
    """What is timed: `call(*args)`.

    `arrays` makes NumPy arrays of its answer, one for each number or array of the gradient; None where none was given. `compiled`,
    for systems that keep the memory of a call for the next one, gives a call that is compiled and has not run yet.
    """

    call: Callable[..., Any]
    args: Args
    arrays: Callable[[Any], list[np.ndarray | None]]
    compiled: Callable[[], Callable[[], Any]] | None = None

    def run(self) -> Any:
        return self.call(*self.args)


@dataclass(frozen=True)
class System:
    """A way to get gradients. `missing` says why it is not there, or nothing."""

    name: str
    make: Callable[[Workload, Args], Ready]
    module: str = "numpy"
    offered: Callable[[], str] = str  # says nothing

    def missing(self) -> str:
        return self.offered() if importlib.util.find_spec(self.module) else f"{self.module} is not installed"


def load(systems: list[System]) -> None:
    """Import what the systems need; no threads may run after that, for measurements are made in forks of this process.

    tangent would import every framework that is installed, and start it: they are hidden from it.
    """
    if any(s.module == "tangent" for s in systems):
        hidden = {m: None for m in FRAMEWORKS if m not in sys.modules}
        sys.modules.update(hidden)  # type: ignore[arg-type]
        importlib.import_module("tangent")
        for name in hidden:
            del sys.modules[name]
    for system in systems:
        importlib.import_module(system.module)
    gc.collect()
    gc.freeze()  # what is loaded by now is not searched for garbage in every fork


def mapped(f: Callable[[Any], Any], value: Any) -> Any:
    """The value with `f` applied to each number and array in its lists and tuples."""
    return type(value)(mapped(f, v) for v in value) if isinstance(value, (list, tuple)) else f(value)


def leaves(value: Any) -> list[Any]:
    return [leaf for v in value for leaf in leaves(v)] if isinstance(value, (list, tuple)) else [value]


def as_arrays(gradient: Any) -> list[np.ndarray | None]:
    return [None if leaf is None else np.asarray(leaf) for leaf in leaves(gradient)]


def swapped(function: Callable[..., Any], modules: Mapping[str, Any]) -> Callable[..., Any]:
    """The same program with other modules under the names it uses; the helpers that it calls too."""

    def replaced(name: str, value: Any) -> Any:
        if name in modules:
            return modules[name]
        own = inspect.isfunction(value) and value.__module__ == function.__module__
        return swapped(value, modules) if own else value

    space = function.__globals__  # type: ignore[attr-defined]
    code = function.__code__  # type: ignore[attr-defined]
    used = {name: replaced(name, space[name]) for name in code.co_names if name in space}
    return types.FunctionType(code, {"__builtins__": space["__builtins__"], **used}, function.__name__)


def ported(workload: Workload, module: str) -> Callable[..., Any]:
    found = getattr(importlib.import_module(module), workload.name, None)
    if found is None:
        raise NotPorted
    return found  # type: ignore[no-any-return]


# ---- NumPy

def by_hand(workload: Workload, args: Args) -> Ready:
    return Ready(workload.hand, args, as_arrays)


def plain(workload: Workload, args: Args) -> Ready:
    """The program itself, without a gradient."""
    return Ready(workload.loss, args, as_arrays)


def by_srcad(workload: Workload, args: Args, backend: str = "numpy") -> Ready:
    made = srcad.grad(workload.loss, wrt=workload.wrt, backend=backend)
    if backend == "numba":
        made(*args)  # Numba compiles when it is called
    return Ready(made.specialise(*args), args, as_arrays)


def refusal(backend: str) -> str:
    """Why srcad does not offer a backend, or nothing."""
    try:
        srcad.grad(math.sqrt, backend=backend)
    except srcad.SrcadError as problem:
        return str(problem).splitlines()[0]
    return ""


def by_autograd(workload: Workload, args: Args) -> Ready:
    import autograd
    import autograd.numpy as anp
    from autograd.scipy.special import erf

    loss = swapped(workload.loss, {"np": anp, "math": anp, "erf": erf})
    return Ready(autograd.grad(loss, workload.positions), args, as_arrays)


def by_tangent(workload: Workload, args: Args) -> Ready:
    import tangent

    made = tangent.grad(workload.loss, wrt=workload.positions)
    return Ready(made, args, as_arrays)


# ---- JAX

def by_jax(workload: Workload, args: Args, port: bool = False) -> Ready:
    import jax
    import jax.numpy as jnp
    from jax.scipy.special import erf

    jax.config.update("jax_enable_x64", True)
    modules = {"np": jnp, "math": jnp, "erf": erf}
    loss = ported(workload, "benchmarks.ports.for_jax") if port else swapped(workload.loss, modules)
    counts = tuple(i for i, a in enumerate(args) if isinstance(a, int))
    made = jax.jit(jax.grad(loss, workload.positions), static_argnums=counts)

    def call(*given: Any) -> Any:
        return jax.block_until_ready(made(*given))

    def compiled() -> Callable[[], Any]:
        run = made.lower(*own).compile()
        return lambda: jax.block_until_ready(run(*(a for i, a in enumerate(own) if i not in counts)))

    own = tuple(a if isinstance(a, int) else mapped(jnp.asarray, a) for a in args)
    return Ready(call, own, as_arrays, compiled)


# ---- PyTorch

def by_torch(workload: Workload, args: Args) -> Ready:
    import torch

    loss = ported(workload, "benchmarks.ports.for_torch")
    own = tuple(mapped(lambda leaf: torch.from_numpy(np.array(leaf)), a) for a in args)
    wanted = [leaf.requires_grad_() for i in workload.positions for leaf in leaves(own[i])]

    def call(*given: Any) -> Any:
        return torch.autograd.grad(loss(*given), wanted)

    return Ready(call, own, as_arrays)


# ---- MyGrad

class Mixed:
    """MyGrad's functions, and NumPy's where it has none. Its new arrays are of 32 bits unless told otherwise."""

    def __init__(self, first: Any) -> None:
        self.first = first

    def __getattr__(self, name: str) -> Any:
        found = getattr(self.first, name, None) or getattr(np, name)
        return functools.partial(found, dtype=np.float64) if name in ("zeros", "ones", "empty", "full") else found


def by_mygrad(workload: Workload, args: Args) -> Ready:
    import mygrad

    loss = swapped(workload.loss, {"np": Mixed(mygrad), "math": Mixed(mygrad)})
    own = tuple(mapped(mygrad.tensor, a) if i in workload.positions else a for i, a in enumerate(args))
    wanted = [leaf for i in workload.positions for leaf in leaves(own[i])]

    def call(*given: Any) -> Any:
        loss(*given).backward()
        return [leaf.grad for leaf in wanted]

    return Ready(call, own, as_arrays)


HAND = System("hand", by_hand)
PLAIN = System("primal", plain)
SYSTEMS = (
    System("srcad", by_srcad),
    System("srcad numba", functools.partial(by_srcad, backend="numba"), "numba", functools.partial(refusal, "numba")),
    System("autograd", by_autograd, "autograd"),
    System("JAX", by_jax, "jax"),
    System("JAX ported", functools.partial(by_jax, port=True), "jax"),
    System("PyTorch", by_torch, "torch"),
    System("MyGrad", by_mygrad, "mygrad"),
    System("tangent", by_tangent, "tangent"),
)
