"""The registry of derivative rules, and `rule`, the decorator that adds one.

    @rule(np.multiply)
    def multiply(dz, z, x, y):
        return y * dz, x * dz

A rule is called with the adjoint of the result, the result, the operands and
the parameters, and returns one adjoint for each operand, None where there is
none. It is only the mathematics: broadcasting, dtypes, copies and accumulation
are the compiler's. A rule that names a keyword `active` is told which operands
are differentiated.
"""
from __future__ import annotations

import functools
import inspect
import math
import sys
import types
import weakref
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, TypeVar

import numpy as np

F = TypeVar("F", bound=Callable[..., Any])


@dataclass(frozen=True)
class Rule:
    """A derivative rule: the function, the names of its operands and parameters, and what it promises."""

    function: Callable[..., Any]
    operands: tuple[str, ...]
    variadic: bool
    parameters: tuple[str, ...]
    elementwise: bool
    wants_active: bool
    user: bool = False


RULES: dict[object, Rule] = {}
ZERO: dict[object, str] = {}
LOADERS: dict[str, Callable[[], None]] = {}
LISTENERS: weakref.WeakSet[Any] = weakref.WeakSet()  # what is compiled with the rules, and must forget it when they change


def rule(*functions: Callable[..., Any], elementwise: bool | None = None) -> Callable[[F], F]:  # noqa: F811
    """Teach srcad the derivative of library functions.

    The decorated function has the signature `(dz, z, *operands, **params)`: the adjoint of the result, the result,
    the operands (without default values, in the library function's order) and the parameters (with default values,
    under the library's names). It returns a tuple with one adjoint per operand, of the operand's shape or one that
    broadcasting made of it, or None.

    Parameters
    ----------
    *functions : callable
        The library functions that the rule is for.
    elementwise : bool, optional
        Whether each element of the result depends on the same element of each operand only; NumPy's ufuncs need not say so.

    Returns
    -------
    callable
        A decorator that returns the rule as it is.

    Examples
    --------
    >>> import scipy.special, srcad
    >>> @srcad.rule(scipy.special.ellipk)
    ... def ellipk(dz, z, m):
    ...     return ((scipy.special.ellipe(m) / (1 - m) - z) / (2 * m) * dz,)
    """
    for library_function in functions:
        if not callable(library_function):
            raise TypeError(f"srcad.rule() takes functions, not {library_function!r}")

    def register(function: F) -> F:
        for library_function in functions:
            RULES[library_function] = describe(function, library_function, elementwise)
            ZERO.pop(library_function, None)
        for listener in list(LISTENERS):
            listener.forget()
        return function

    return register


def custom_gradient(backward: Callable[..., Any], *, elementwise: bool = False, checked: bool = False) -> Callable[[F], F]:  # noqa: F811
    """Give a function of your own a derivative of your own: `backward(dz, z, *operands, **params)`, as for `srcad.rule`.

    The function is called as it is, and what it does inside is not differentiated; it must not change what it is given.

    Parameters
    ----------
    backward : callable
        The rule. Its operands, without default values, are the first parameters of the function.
    elementwise : bool
        As for `srcad.rule`.
    checked : bool
        Whether to compare `backward` with finite differences at the first call: GradientMismatchError is raised where they disagree.

    Returns
    -------
    callable
        A decorator for the function.

    Raises
    ------
    TypeError
        Where the signatures do not go together.

    Examples
    --------
    >>> import numpy as np, srcad
    >>> def clipped(dz, z, x):
    ...     return (np.clip(dz, -1.0, 1.0),)
    >>> @srcad.custom_gradient(clipped)
    ... def clip_adjoint(x):
    ...     return x
    """
    def decorate(function: F) -> F:
        if not isinstance(function, types.FunctionType):
            raise TypeError(f"custom_gradient takes a Python function, not {function!r}.")
        parameters = [*inspect.signature(function).parameters.values()]
        known = describe(backward, function, elementwise)
        fixed = sum(p.kind is p.POSITIONAL_OR_KEYWORD for p in parameters)
        if known.variadic or any(p.kind in (p.VAR_POSITIONAL, p.VAR_KEYWORD) for p in parameters) or len(known.operands) > fixed:
            raise TypeError(f"the operands of {backward.__name__} must be the first parameters of {function.__name__}, without * and **.")
        made = check_once(function) if checked else function
        rule(made, elementwise=elementwise)(backward)
        return made  # type: ignore[return-value]

    return decorate


def check_once(function: types.FunctionType) -> Any:
    """The function, whose rule is compared with finite differences when it is first called."""
    waiting = [True]

    @functools.wraps(function)
    def checked(*args: Any, **keywords: Any) -> Any:
        if waiting:
            from srcad.testing import check_rule

            waiting.clear()
            try:
                check_rule(checked, *args, **keywords)
            except BaseException:
                waiting.append(True)
                raise
        return function(*args, **keywords)

    checked.srcad_checked = function  # type: ignore[attr-defined]
    return checked


def describe(function: Callable[..., Any], library_function: object, elementwise: bool | None) -> Rule:  # noqa: F811
    """Read a rule's signature."""
    parameters = [*inspect.signature(function).parameters.values()][2:]
    operands = tuple(p.name for p in parameters if p.default is p.empty and p.kind is p.POSITIONAL_OR_KEYWORD)
    variadic = any(p.kind is p.VAR_POSITIONAL for p in parameters)
    named = tuple(p.name for p in parameters if p.default is not p.empty)
    if elementwise is None:
        elementwise = isinstance(library_function, np.ufunc) and library_function.signature is None
    own = (getattr(function, "__module__", "") or "").startswith("srcad.")
    active = any(p.name == "active" and p.kind is p.KEYWORD_ONLY for p in parameters)
    return Rule(function, operands, variadic, named, elementwise, active, not own)


def zero(*functions: object, reason: str = "is piecewise constant") -> None:
    """Functions whose derivative is zero wherever it exists."""
    ZERO.update(dict.fromkeys(functions, reason))


def find(function: object) -> Rule | None:
    """The rule of a function; rules for SciPy are registered once SciPy is imported."""
    module = getattr(function, "__module__", None) or ""
    if function not in RULES and LOADERS:
        for prefix in [p for p in LOADERS if module.startswith(p) or isinstance(function, np.ufunc)]:
            load(prefix)
    return RULES.get(function)


def load(prefix: str) -> None:
    """Register the rules of an optional library, if it is imported."""
    if prefix in sys.modules:
        LOADERS.pop(prefix)()


def is_zero(function: object) -> bool:
    """Whether a function's derivative is known to be zero."""
    try:
        return function in ZERO
    except TypeError:
        return False


def lazily(function: Callable[..., Any]) -> Callable[..., Any]:
    """A library function that a rule may call on terms, though the library knows nothing of them."""
    def apply(*args: Any) -> Any:
        term = next((a for a in args if hasattr(a, "apply") and hasattr(a, "expr")), None)
        return function(*args) if term is None else term.apply(function, args, {})

    return apply


def choose(test: Any, x: Any, y: Any) -> Any:
    """`x if test else y` on Python numbers; on terms, the text of it."""
    return test.choose(x, y) if hasattr(test, "expr") else x if test else y


def made(like: Any, function: Callable[..., Any], *args: Any, **keywords: Any) -> Any:
    """`function(*args)` of sizes alone: beside a term, the text of it."""
    return like.apply(function, args, keywords) if hasattr(like, "expr") else function(*args, **keywords)


def called(label: str, x: Any) -> Any:
    """A part of what a rule says that gets a line of its own in the text, under this name."""
    return x.called(label) if hasattr(x, "called") else x


def is_python(x: Any) -> bool:
    """Whether this is one of Python's own numbers, or the text of one."""
    return bool(x.number.form == "python") if hasattr(x, "number") else isinstance(x, (int, float)) and not isinstance(x, np.floating)


def over(dz: Any, x: Any) -> Any:
    """`dz / x`; of Python's numbers by NumPy's division, which does not raise at 0, no more than the function that the rule is for."""
    return np.divide(dz, x) if is_python(dz) and is_python(x) else dz / x


def unused(adjoint: Any) -> bool:
    """Whether the text says of an adjoint that it is zero: nothing depends on this result."""
    return bool(getattr(adjoint, "is_blank", False))


inf = math.inf

from srcad.rules import contractions, elementwise, linalg, reductions, scalars, shaping  # noqa: E402,F401
from srcad.rules import arranging, decompositions, fft, polynomials, products, scimath, selecting, sets, spectra, statistics  # noqa: E402,F401


def _special() -> None:
    from srcad.rules import bessel, special  # noqa: F401


def _linalg() -> None:
    from srcad.rules import scipy_linalg  # noqa: F401


def _stats() -> None:
    from srcad.rules import distributions  # noqa: F401


def _signal() -> None:
    from srcad.rules import signals  # noqa: F401


def _integrate() -> None:
    from srcad.rules import integration  # noqa: F401


def _ndimage() -> None:
    from srcad.rules import filters, windows  # noqa: F401


LOADERS.update({"scipy.ndimage": _ndimage, "scipy.special": _special, "scipy.linalg": _linalg, "scipy.stats": _stats,
                "scipy.signal": _signal, "scipy.integrate": _integrate})
