"""Derivatives that are made of gradients: Jacobians, Hessians, and their products with vectors.

    jacobian(f)(x)[i, j]     the derivative of f(x)[i] by x[j]
    hvp(f)(x, v)             the Hessian of f at x, times v
"""
from __future__ import annotations

import copy
import dataclasses
import functools
import inspect
from collections.abc import Callable, Mapping
from typing import Any

import numpy as np

from srcad.api import Gradient, grad
from srcad.callables import Wrt, calling
from srcad.dispatch import Specialisations, bind
from srcad.errors import SeedError, SrcadError
from srcad.optim import part
from srcad.request import Compiled, Request
from srcad.seeds import fields_of, fitted, form_of, with_fields

Function = Callable[..., Any]


def jvp(fun: Function, primals: tuple[Any, ...], tangents: Any, *, wrt: Wrt = None) -> tuple[Any, Any]:
    """The function's value at `primals`, and its derivative there in the direction `tangents`.

    Value and tangent come in one pass. `source_for(*primals, mode="forward")` of the gradient shows the code that runs.

    Parameters
    ----------
    fun : callable
        A function with a result of any shape or structure; a gradient is one too, whose tangent is a Hessian-vector product.
    primals : tuple
        Its arguments.
    tangents : tuple or object
        One for each parameter in `wrt`, in its structure and shape; a bare one where there is one.
    wrt : str, int or tuple of these, optional
        As for `grad`.

    Returns
    -------
    value : object
        What `fun` returns.
    tangent : object
        Its derivative, in its structure and shape.

    Raises
    ------
    SeedError
        Where a tangent has not the structure or shape of its argument.

    Examples
    --------
    >>> import numpy as np, srcad
    >>> srcad.jvp(lambda x, y: x * y, (3.0, 4.0), (1.0, 10.0))
    (12.0, 34.0)
    """
    gradient = fun if isinstance(fun, Gradient) and fun.mode == "pair" else Gradient(plain_callable(fun), wrt, mode="pair")
    return pushed(gradient, tuple(primals))(tangents)


def pushed(gradient: Gradient, primals: tuple[Any, ...], keywords: Mapping[str, Any] | None = None) -> Push | Transposed:
    """The map from tangents of the arguments to the value and its tangent, at one point."""
    keywords = keywords or {}
    compiled = gradient._pushforward((*gradient.bound, *primals), keywords)
    return Push(gradient, primals, keywords, compiled) if compiled is not None else Transposed(gradient, primals, keywords)


class Given:
    """The tangents of the parameters in wrt, as their arguments are."""

    def __init__(self, gradient: Gradient, primals: tuple[Any, ...], keywords: Mapping[str, Any]) -> None:
        self.primals, self.keywords = (*gradient.bound, *primals), keywords
        parameters = bind(gradient.target, self.primals, keywords)
        given = tuple(parameters[n] for n in gradient.names)
        self.bare = gradient.main.request.bare
        self.like = given[0] if self.bare else given
        self.form = form_of(self.like)

    def fitted(self, tangents: Any) -> Any:
        if self.bare and isinstance(tangents, tuple) and len(tangents) == 1 and not (isinstance(self.form, list) and len(self.form) == 1):
            tangents = tangents[0]
        return as_given(fitted(tangents, self.form, "tangents", None), self.like)


def as_given(tangent: Any, like: Any) -> Any:
    """A tangent in named tuples where its argument is."""
    if isinstance(like, (list, tuple)):
        items = [as_given(t, v) for t, v in zip(tangent, like)]
        return type(like)(*items) if hasattr(like, "_fields") else items
    return {k: as_given(tangent[k], v) for k, v in like.items()} if isinstance(like, dict) else tangent


class Push(Given):
    """By the code that takes tangents along with values."""

    def __init__(self, gradient: Gradient, primals: tuple[Any, ...], keywords: Mapping[str, Any], compiled: Compiled) -> None:
        super().__init__(gradient, primals, keywords)
        self.compiled = compiled

    def __call__(self, tangents: Any) -> tuple[Any, Any]:
        given = self.fitted(tangents)
        primals = copied(self.primals) if self.compiled.writes else self.primals
        return self.compiled.run(*([given] if self.bare else given), *primals, **self.keywords)  # type: ignore[no-any-return]


class Transposed(Given):
    """By the transpose of the pullback, which is linear in the adjoint that it is given: for what no forward rule is known."""

    def __init__(self, gradient: Gradient, primals: tuple[Any, ...], keywords: Mapping[str, Any]) -> None:
        super().__init__(gradient, primals, keywords)
        self.out = gradient.function(*copied(primals), **keywords)
        pull = gradient.plain_pull.find(self.primals, keywords)
        label = next(iter(inspect.signature(pull.functions[0]).parameters))
        try:
            self.compiled = pushes(Request(pull.functions[0], pull.request.title, (label,), True, True, "push")).find((blank(self.out), *self.primals), keywords)
        except SrcadError as problem:
            reason = f"something in it has no forward rule, and its pullback cannot be transposed instead: {problem.reason}"
            raise SrcadError(reason, None, gradient.target.__name__) from problem

    def __call__(self, tangents: Any) -> tuple[Any, Any]:
        return self.out, self.compiled.functions[0](self.fitted(tangents), blank(self.out), *copied(self.primals), **self.keywords)


def copied(primals: tuple[Any, ...]) -> tuple[Any, ...]:
    """Arguments that a function may change: it is run more than once."""
    return tuple(copy.deepcopy(p) if isinstance(p, (np.ndarray, list, dict, tuple)) else p for p in primals)


@functools.lru_cache(256)
def pushes(request: Request) -> Specialisations:
    """What has been compiled of a pullback's transpose."""
    return Specialisations(request)


def blank(value: Any) -> Any:
    """Zeros in the structure of a value."""
    if is_structure(value):
        return mapped(lambda _, v: blank(v), value)
    kind = complex if np.asarray(value).dtype.kind == "c" else float
    return np.zeros(np.shape(value), kind) if isinstance(value, np.ndarray) else kind(0)


def is_structure(value: Any) -> bool:
    return isinstance(value, (list, tuple, dict)) or dataclasses.is_dataclass(value)


def mapped(function: Callable[[Any, Any], Any], value: Any) -> Any:
    """A structure of the same type, of what a function makes of each key and what is there."""
    if isinstance(value, dict):
        return {k: function(k, v) for k, v in value.items()}
    if dataclasses.is_dataclass(value):
        return with_fields(value, {k: function(k, v) for k, v in fields_of(value).items()})
    items = [function(i, v) for i, v in enumerate(value)]
    return type(value)(*items) if hasattr(value, "_fields") else type(value)(items)


def jacobian(fun: Function, *, wrt: Wrt = None) -> Function:
    """The function whose value at `args` is the Jacobian of `fun` there: for each number or array of the result a block for each argument.

    A block has the result's shape followed by the argument's. Blocks stand in the structure of the result, and in each of its places in the
    structure of the arguments; a bare block where there is one. It takes a pullback for each element of the result, or, for one array as
    the argument and one as the result, a tangent for each element of the argument where these are fewer.

    Parameters
    ----------
    fun : callable
        A function with a result of any shape or structure.
    wrt : str, int or tuple of these, optional
        As for `grad`.

    Returns
    -------
    callable
        A function of the arguments of `fun`.

    Examples
    --------
    >>> import numpy as np, srcad
    >>> srcad.jacobian(lambda x: np.array([x[0] * x[1], x[0]]))(np.array([2.0, 3.0]))
    array([[3., 2.],
           [1., 0.]])
    """
    gradient = Gradient(fun.function, wrt or fun.wrt, mode="pair") if isinstance(fun, Gradient) and fun.mode == "pair" else Gradient(plain_callable(fun), wrt, mode="pair")

    @functools.wraps(plain_callable(fun))
    def at(*args: Any, **keywords: Any) -> Any:
        out, cache = gradient.forward(*args, **keywords)
        given = args[list(inspect.signature(gradient.target).parameters).index(gradient.names[0]) - len(gradient.bound)] if gradient.main.request.bare else None
        if isinstance(out, np.ndarray) and isinstance(given, np.ndarray) and given.dtype.kind == "f" and 0 < given.size < out.size and not keywords:
            require_kind(out, given)
            push = pushed(gradient, args)
            columns = [push(e.reshape(given.shape))[1] for e in np.eye(given.size)]
            return np.stack(columns, axis=-1).reshape(out.shape + given.shape).astype(given.dtype, copy=False)
        return blocks(out, lambda seed: cache.pull(seed), out)

    return at


def plain_callable(fun: Function) -> Function:
    """A gradient as the function that calls it."""
    return calling(fun) if isinstance(fun, Gradient) else fun


def blocks(out: Any, pull: Function, whole: Any, path: tuple[Any, ...] = ()) -> Any:
    """A block for each leaf of a result, by pulling back each of its elements."""
    if is_structure(out):
        return mapped(lambda k, v: blocks(v, pull, whole, (*path, k)), out)
    rows = [pull(seeded(whole, path, index)) for index in np.ndindex(np.shape(out))]
    if not rows:
        raise SeedError("the Jacobian of an empty result has no rows.")
    return stacked(rows, out)


def require_kind(out: Any, given: Any) -> None:
    """Raise SrcadError for a complex result of a real argument, whose derivatives are complex too."""
    if np.iscomplexobj(out) and not np.iscomplexobj(given):
        raise SrcadError("the Jacobian of a complex result in a real argument is not supported. Take those of its real and its imaginary part.")


def seeded(whole: Any, path: tuple[Any, ...], index: tuple[int, ...]) -> Any:
    """Zeros in the structure of a result, with a 1 in one place."""
    if path:
        head, *rest = path
        return mapped(lambda k, v: seeded(v, tuple(rest), index) if k == head else blank(v), whole)
    if not index and not isinstance(whole, np.ndarray):
        return 1.0
    seed = blank(whole)
    seed[index] = 1.0
    return seed


def stacked(rows: list[Any], out: Any) -> Any:
    """Gradients, one for each element of a number or an array, as blocks."""
    first = rows[0]
    if first is None:
        return None
    if is_structure(first):
        return mapped(lambda k, _: stacked([part(r, k) for r in rows], out), first)
    require_kind(out, first)
    made = np.array(rows).reshape((*np.shape(out), *np.shape(first)))
    return made if made.ndim or isinstance(first, np.ndarray) else float(made)


def hessian(fun: Function, *, wrt: Wrt = None) -> Function:
    """The function whose value is the matrix of second derivatives of a function with one number as its result.

    For several arguments a block for each pair of them, in nested tuples.

    Parameters
    ----------
    fun : callable
        A function with one number as its result.
    wrt : str, int or tuple of these, optional
        As for `grad`.

    Returns
    -------
    callable
        A function of the arguments of `fun`.

    Examples
    --------
    >>> import numpy as np, srcad
    >>> srcad.hessian(lambda x: x[0] ** 2 * x[1])(np.array([2.0, 3.0]))
    array([[6., 4.],
           [4., 0.]])
    """
    return jacobian(grad(fun, wrt=wrt), wrt=wrt)


def hvp(fun: Function, *, wrt: Wrt = None) -> Function:
    """The function of `(*args, v)` whose value is the Hessian of `fun` at args times v.

    Forward over reverse: the derivative of the gradient in the direction v.

    Parameters
    ----------
    fun : callable
        A function with one number as its result.
    wrt : str, int or tuple of these, optional
        As for `grad`.

    Returns
    -------
    callable
        A function of the arguments of `fun` and of v, which is in the structure of the gradient, as the product is.

    Examples
    --------
    >>> import numpy as np, srcad
    >>> srcad.hvp(lambda x: x[0] ** 2 * x[1])(np.array([2.0, 3.0]), np.array([1.0, 0.0]))
    array([6., 4.])
    """
    gradient = Gradient(plain_callable(grad(fun, wrt=wrt)), wrt, mode="pair")

    @functools.wraps(fun)
    def at(*args: Any, **keywords: Any) -> Any:
        *primals, v = args
        return pushed(gradient, tuple(primals), keywords)(v)[1]

    return at
