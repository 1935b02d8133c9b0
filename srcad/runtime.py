"""What generated code may call where it cannot say something itself, and what users call inside their functions."""
from __future__ import annotations

import functools
from collections.abc import Callable
from typing import Any, TypeVar

import numpy as np

from srcad.errors import SrcadError

T = TypeVar("T")


def stop_gradient(x: T) -> T:
    """The value of `x`, taken as a constant: no gradient flows through it.

    Parameters
    ----------
    x : object
        A number, an array, or a structure of them.

    Returns
    -------
    object
        `x` itself.

    Examples
    --------
    >>> import srcad
    >>> srcad.grad(lambda x: x * srcad.stop_gradient(x))(3.0)
    3.0
    """
    return x


F = TypeVar("F", bound=Callable[..., Any])


def checkpoint(fun: F) -> F:
    """`fun`, of which the backward pass keeps only the arguments: what happens inside is computed again when it is needed.

    That costs one more run of `fun`, and saves the memory of its intermediate values.

    Parameters
    ----------
    fun : callable
        A Python function of numbers, arrays and containers of them that changes none of these, draws no random numbers and prints nothing: a
        gradient raises UnsupportedSyntaxError otherwise.

    Returns
    -------
    callable
        A function that does the same as `fun`.

    Examples
    --------
    >>> import srcad
    >>> @srcad.checkpoint
    ... def layer(x):
    ...     return x * x * x
    >>> srcad.grad(lambda x: layer(layer(x)))(2.0)
    2304.0
    """
    @functools.wraps(fun)
    def checkpointed(*args: Any, **keywords: Any) -> Any:
        return fun(*args, **keywords)

    checkpointed.srcad_checkpointed = fun  # type: ignore[attr-defined]
    return checkpointed  # type: ignore[return-value]


class adjoint:  # noqa: N801
    """`with srcad.adjoint(h) as dh:` runs its body in the backward pass, where the adjoint of h is complete: to clip it, scale it, print it.

    The body may rebind and change `dh`; what it is in the end goes on. It does not change the function's value: there it runs with zeros for `dh`.

    Parameters
    ----------
    value : object
        A number or an array of the program.

    Examples
    --------
    >>> import srcad
    >>> @srcad.grad
    ... def f(x):
    ...     h = x * x
    ...     with srcad.adjoint(h) as dh:
    ...         dh = 10 * dh
    ...     return h * 3.0
    >>> f(2.0)
    120.0
    """

    def __init__(self, value: Any) -> None:
        self.value = value

    def __enter__(self) -> Any:
        return np.zeros(np.shape(self.value)) if isinstance(self.value, np.ndarray) else 0.0

    def __exit__(self, *problem: object) -> None:
        pass


class scope:  # noqa: N801
    """A name for a part of a function: `f.graph(...)` draws it as a group that can be folded into one node.

    It does nothing else, neither to the function nor to its gradient.

    Parameters
    ----------
    name : str
        The name of the group.

    Examples
    --------
    >>> import srcad
    >>> @srcad.grad
    ... def f(x, y):
    ...     with srcad.scope("formula"):
    ...         z = x * y
    ...     return z + x
    >>> f(3.0, -4.0)
    (-3.0, 3.0)
    """

    def __init__(self, name: str) -> None:
        self.name = name

    def __enter__(self) -> None:
        pass

    def __exit__(self, *problem: object) -> None:
        pass


class handled:  # noqa: N801
    """The body of a try statement: an exception that one of its handlers would take is refused, with the line of the try.

    What a handler computes is not differentiated.
    """

    def __init__(self, line: int, *kinds: Any) -> None:
        self.line, self.kinds = line, tuple(k for kind in kinds for k in (kind if isinstance(kind, tuple) else (kind,)))

    def __enter__(self) -> None:
        pass

    def __exit__(self, kind: type[BaseException] | None, problem: BaseException | None, trace: object) -> None:
        if kind is not None and issubclass(kind, self.kinds) and not issubclass(kind, SrcadError):
            raise SrcadError(f"line {self.line}: {kind.__name__} ({problem}) would enter an except clause, and what that computes is not differentiated. "
                             "Test for the case with if.") from problem


def one_number(value: Any) -> None:
    """Refuse a result that is not one real number, where only the run can tell."""
    if np.ndim(value) or np.asarray(value).dtype.kind not in "fiu":
        from srcad.errors import SeedError
        raise SeedError(f"a gradient needs one real number as the result, and this returned an array of shape {np.shape(value)}. Use vjp or return a sum.")


def unbroadcast(dz: Any, x: Any) -> Any:
    """Sum an adjoint over the axes along which `x` was broadcast to its shape."""
    shape = np.shape(x)
    dz = np.reshape(dz, (1,) * (len(shape) - np.ndim(dz)) + np.shape(dz))
    dz = np.sum(dz, axis=tuple(range(np.ndim(dz) - len(shape))))
    stretched = tuple(i for i, n in enumerate(shape) if n == 1 and np.shape(dz)[i] != 1)
    return np.sum(dz, axis=stretched, keepdims=True) if stretched else np.broadcast_to(dz, shape)
