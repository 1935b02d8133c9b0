"""What users call: `grad` and its kin, and the object that they return.

    @grad
    def f(x, y):
        return x * y

    f(3, -4)            # (-4.0, 3.0)
    print(f.source)     # the generated module
"""
from __future__ import annotations

import dataclasses
import functools
import inspect
import linecache
import os
import types
from collections.abc import Callable, Mapping
from typing import Any, overload

import numpy as np

from srcad import testing
from srcad.callables import Wrt, calling, floats_for, plain_function, public_signature, resolve_wrt, title_of
from srcad.debug import Findings, first_not_finite
from srcad.dispatch import Specialisations, fits
from srcad.errors import SeedError, SrcadError
from srcad.export import exported
from srcad.report import Memory, measured
from srcad.request import Compiled, Request
from srcad.seeds import Cache


class Gradient:
    """A function's gradient: calling it gives the gradient, and its parts are there to read.

    `grad` makes it. `value`, `value_and_grad`, `forward` and `backward` run; `staged`, `source`, `source_for`, `graph` and `explain` show;
    `memory`, `debug` and `check` look into it; `specialise` and `export` take the generated function out. Methods with `*args` and
    `**keywords` take the arguments of the function. It binds as a method, pickles and copies, and may be called from many threads.

    Examples
    --------
    >>> import srcad
    >>> @srcad.grad
    ... def f(x, y):
    ...     return x * y
    >>> f
    <grad of f(x, y) with respect to x, y>
    >>> f.value_and_grad(3.0, -4.0)
    (-12.0, (-4.0, 3.0))
    >>> print(f.staged)
    def f(x, y):
        prod = x * y
        return prod
    <BLANKLINE>
    """

    def __new__(cls, *args: Any, **keywords: Any) -> Gradient:
        """An instance of a class of its own, whose `__call__` is generated with the first guard in it."""
        return super().__new__(type(cls.__name__, (cls,), {"kind": cls, "__module__": cls.__module__, "__doc__": cls.__doc__}))

    kind: type[Gradient]

    def __init__(self, function: Callable[..., Any], wrt: Wrt = None, backend: str = "numpy", mode: str = "grad", has_aux: bool = False, checkpoint: str | int | None = None) -> None:
        if backend not in ("numpy", "numba"):
            raise SrcadError(f"the backend {backend!r} does not exist. There are 'numpy' and 'numba'.")
        if checkpoint is not None and checkpoint != "sqrt" and not (isinstance(checkpoint, int) and checkpoint > 0):
            raise SrcadError(f"checkpoint= is 'sqrt' or a number of snapshots, not {checkpoint!r}.")
        self.function = function
        self.bound, target = plain_function(function)
        names, asked, bare = resolve_wrt(target, wrt, skip=1 if self.bound else 0)
        self.wrt = wrt
        self.names = names
        self.mode = mode
        self.target = target
        request = Request(target, title_of(target, function), names, asked, bare, mode, has_aux, checkpoint, backend=backend)
        self.options = has_aux, checkpoint, backend
        self.modes = {m: Specialisations(with_mode(request, m)) for m in ("grad", "value_and_grad", "pair")}
        self.main = self.modes[mode]
        self.ahead = Specialisations(dataclasses.replace(request, mode="jvp", backend="numpy"))
        self.transposed: list[Compiled] = []  # pullbacks, for arguments for which no forward rule is known
        self.plain_pull = Specialisations(dataclasses.replace(request, mode="pull", plain=True, backend="numpy"))
        self.differentiated = self.main.request  # a call of this in a program is walked
        self.latest: Compiled | None = None
        kind = type(self)
        self.main.forgotten = lambda: kind.forget()
        self.ahead.forgotten = self.transposed.clear
        functools.update_wrapper(self, function, updated=())
        self.__dict__["__signature__"] = public_signature(target, self.bound)

    # ---- running

    def __call__(self, *args: Any, **keywords: Any) -> Any:
        """The gradient at these arguments; compiled at the first call with arguments of new kinds.

        Raises
        ------
        SrcadError
            Where the function cannot be differentiated rightly; besides, what the function itself raises.
        """
        return self.dispatch(*args, **keywords)

    def dispatch(self, *args: Any, **keywords: Any) -> Any:
        """Find or make the code for these arguments, and let the next call try it first."""
        compiled = self.remembered(self.main.find((*self.bound, *args), keywords))
        if not self.bound and compiled.entrance.is_asked:  # not at the first call: there may be no second
            type(self).__call__ = compiled.entrance.method  # type: ignore[assignment, method-assign]
        return compiled.run(*self.bound, *args, **keywords)

    @classmethod
    def forget(cls) -> None:
        """Let the next call look for its code anew."""
        if cls is not cls.kind and "__call__" in vars(cls):
            del cls.__call__

    def __get__(self, instance: object, owner: type | None = None) -> Any:
        return self if instance is None else types.MethodType(self, instance)

    def remembered(self, compiled: Compiled) -> Compiled:
        self.latest = compiled
        return compiled

    def compiled(self, mode: str, args: tuple[Any, ...], keywords: Mapping[str, Any]) -> Compiled:
        return self.remembered(self.modes[mode].find((*self.bound, *args), keywords))

    @property
    def value(self) -> Callable[..., Any]:
        """The function itself."""
        return self.function

    def value_and_grad(self, *args: Any, **keywords: Any) -> Any:
        """The pair of the function's value and its gradient, in one pass."""
        return self.compiled("value_and_grad", args, keywords).run(*self.bound, *args, **keywords)

    def forward(self, *args: Any, **keywords: Any) -> tuple[Any, Cache]:
        """The function's value, of any shape, and the cache that `backward` needs.

        Returns
        -------
        out : object
            The function's value.
        cache : tuple
            What the backward pass reads. It may be used more than once.

        Examples
        --------
        >>> import numpy as np, srcad
        >>> affine = srcad.grad(lambda x, w: x @ w)
        >>> out, cache = affine.forward(np.ones((4, 3)), np.ones((3, 2)))
        >>> dx, dw = affine.backward(np.ones((4, 2)), cache)
        >>> dx.shape, dw.shape
        ((4, 3), (3, 2))
        """
        compiled = self.compiled("pair", args, keywords)
        out, residuals = compiled.run(*self.bound, *args, **keywords)
        return out, Cache(residuals, compiled, out)

    def backward(self, dout: Any, cache: Cache) -> Any:
        """The gradients, given the adjoint of the value.

        Parameters
        ----------
        dout : object
            The adjoint, of the value's structure and shape.
        cache : tuple
            What `forward` returned.

        Raises
        ------
        SeedError
            Where `dout` has another structure or shape, or `cache` comes from elsewhere.
        """
        if not isinstance(cache, Cache) or cache.compiled.request != self.modes["pair"].request:
            raise SeedError("the cache must be the one that forward returned.", None, self.target.__name__)
        return cache.pull(dout)

    def _pushforward(self, primals: tuple[Any, ...], keywords: Mapping[str, Any]) -> Compiled | None:
        """The code that takes tangents along with values; None where an operation has no forward rule."""
        if any(fits(c, primals, keywords) for c in self.transposed):
            return None
        from srcad.tangents import NoTangent

        try:
            return self.ahead.find(primals, keywords)
        except NoTangent:
            self.transposed.append(self.plain_pull.find(primals, keywords))
            return None

    def specialise(self, *args: Any, **keywords: Any) -> Callable[..., Any]:
        """The generated function itself, for arguments of these kinds only: it checks nothing, and takes integers as floats.

        Examples
        --------
        >>> import srcad
        >>> g = srcad.grad(lambda x: x * x).specialise(3.0)
        >>> g(4.0)
        8.0
        """
        made = self.compiled(self.mode, args, keywords).functions[0]
        return functools.partial(made, *self.bound) if self.bound else made  # type: ignore[no-any-return]

    # ---- reading

    @property
    def staged(self) -> str:
        """The staged program: one operation a line, every intermediate named."""
        from srcad.source import read  # as the rest of the compiler: loaded when first needed
        from srcad.stage import stage

        return str(stage(read(self.target)))

    @property
    def source(self) -> str:
        """The text of the module generated last; before any call, that for floats."""
        if self.latest is None:
            self.source_for(*floats_for(self.target, self.bound))
        assert self.latest is not None
        return self.latest.source

    def source_for(self, *args: Any, pair: bool = False, mode: str = "reverse", **keywords: Any) -> str:
        """The text of the module for arguments of these kinds.

        Parameters
        ----------
        *args, **keywords
            Arguments of the function.
        pair : bool, optional
            The text of `forward` and `backward` rather than of the gradient.
        mode : {"reverse", "forward"}, optional
            "forward": the text of what `jvp` runs.

        Examples
        --------
        >>> import srcad
        >>> print(srcad.grad(lambda x: x ** 3).source_for(2.0))
        def lambda__grad(x):
            # backprop x ** 3
            dx = 3 * x ** 2
            return dx
        <BLANKLINE>
        >>> print(srcad.grad(lambda x: x ** 3).source_for(2.0, mode="forward"))
        def lambda__jvp(x_dot, x):
            return x ** 3, 3 * x ** 2 * x_dot
        <BLANKLINE>
        """
        if mode == "forward":
            from srcad.operators import pushed

            return pushed(self, args, keywords).compiled.source
        if mode != "reverse":
            raise SrcadError(f"mode= is 'reverse' or 'forward', not {mode!r}.")
        return self.compiled("pair" if pair else self.mode, args, keywords).source

    def export(self, path: str | os.PathLike[str], *args: Any, **keywords: Any) -> None:
        """Write the module for arguments of these kinds to a file that needs NumPy and what the program imports, and not srcad.

        Sizes and values of arguments on which the code relies are tested first: it raises ValueError for others.

        Parameters
        ----------
        path : str or path
            The file.
        *args, **keywords
            Arguments of the function.
        """
        compiled = self.compiled(self.mode, args, keywords)
        with open(path, "w", encoding="utf-8") as file:
            file.write(exported(compiled))

    def memory(self, *args: Any, **keywords: Any) -> Memory:
        """What the gradient at these arguments keeps for its backward half, the arguments themselves apart: variables, bytes, the lines that make them.

        Examples
        --------
        >>> import numpy as np, srcad
        >>> srcad.grad(lambda x: np.sum(np.exp(np.sin(x)))).memory(np.ones((100, 10))).bytes
        8000
        """
        compiled = self.compiled("pair", args, keywords)
        _, residuals = compiled.run(*self.bound, *args, **keywords)
        own = [(label, line, value) for (label, line), value in zip(compiled.kept, residuals) if label not in inspect.signature(self.target).parameters]
        return measured([n for n, _, _ in own], [v for _, _, v in own], {n: line for n, line, _ in own})

    def debug(self, *args: Any, **keywords: Any) -> Findings:
        """Where the first number that is not finite comes from, in the function and in its backward pass: nothing, if all are finite.

        Both are run once, line by line. Variables of functions that are called are not looked at.

        Examples
        --------
        >>> import srcad
        >>> print(srcad.grad(lambda x: x ** 0.5).debug(4.0))
        every number is finite
        """
        lines = linecache.getlines(self.target.__code__.co_filename)
        found = [*first_not_finite(lambda: self.target(*self.bound, *args, **keywords), self.target.__code__, lines, "forward")]
        if self.mode != "pair":
            compiled = self.compiled("grad", args, keywords)
            made = compiled.functions[0]
            generated = linecache.getlines(made.__code__.co_filename)
            found += first_not_finite(lambda: compiled.run(*self.bound, *args, **keywords), made.__code__, generated, "backward")
        return Findings(found)

    def graph(self, *args: Any, steps: bool = False, **keywords: Any) -> Any:
        """The computation graph for these arguments: each operation, its values forward and its gradients backward.

        Parameters
        ----------
        *args, **keywords
            The arguments of the function.
        steps : bool
            Whether to return the same picture step by step, as `srcad.graph.Steps`.

        Returns
        -------
        srcad.graph.Graph
            `str`, `.dot` and `.mermaid` are text, `.save("f.svg")` draws it, and a notebook shows it.

        Raises
        ------
        SrcadError
            Where the function is refused or cannot be drawn.
        """
        from srcad.graph import graph_of

        made = graph_of(self, args, keywords)
        return made.steps() if steps else made

    def explore(self, *args: Any, path: str | os.PathLike[str] | None = None, **keywords: Any) -> Any:
        """A page to explore the gradient at these arguments in: the function beside its backward pass, line by line, step by step, and the graph.

        path: the file to write it to; without one, `.save` does that, and a notebook shows it. `.html` is the page as text.

        Raises SrcadError where the function is refused or cannot be drawn.
        """
        from srcad.explore import explored

        made = explored(self, args, keywords)
        if path is not None:
            made.save(path)
        return made

    def explain(self, *args: Any, **keywords: Any) -> Any:
        """A table for the terminal, line by line: the value, the local derivative, the gradient; then which inputs do not matter
        and why, and the check against finite differences."""
        from srcad.explain import explained

        return explained(self, args, keywords)

    def check(self, *args: Any, **keywords: Any) -> None:
        """Compare with finite differences.

        Raises
        ------
        GradientMismatchError
            Where they disagree, with both figures.
        """
        testing.check_grad(self, *args, **keywords)

    def __repr__(self) -> str:
        given = ", ".join(self.names)
        return f"<{self.mode} of {self.target.__name__}{inspect.signature(self.target)} with respect to {given or 'nothing'}>"

    def _repr_html_(self) -> str | None:
        """What a notebook shows: the function beside the source of its gradient; None, and so `repr`, where floats do not do for it and it has not been called."""
        from srcad.notebook import side_by_side
        from srcad.source import read

        try:
            source = read(self.target)
            return side_by_side(source.segment(source.tree), self.source)
        except Exception:
            return None

    def __reduce__(self) -> Any:
        module, label = getattr(self.function, "__module__", None), getattr(self.function, "__qualname__", "")
        if find_by_name(module, label) is self:
            return find_by_name, (module, label)
        return rebuilt, (self.kind, self.function, self.wrt, self.mode, self.options)

    def __copy__(self) -> Gradient:
        return rebuilt(self.kind, self.function, self.wrt, self.mode, self.options)

    def __deepcopy__(self, memo: dict[int, Any]) -> Gradient:
        return self.__copy__()


class ElementwiseGradient(Gradient):
    """The derivative of a function that works element by element: of the shape of its argument."""

    def dispatch(self, *args: Any, **keywords: Any) -> Any:
        out, cache = self.forward(*args, **keywords)
        return self.backward(np.ones(np.shape(out)) if np.ndim(out) else 1.0, cache)


@overload
def grad(fun: Callable[..., Any], *, wrt: Wrt = None, backend: str = "numpy", checkpoint: str | int | None = None, argnums: Wrt = None, argnum: Wrt = None) -> Gradient: ...


@overload
def grad(fun: None = None, *, wrt: Wrt = None, backend: str = "numpy", checkpoint: str | int | None = None, argnums: Wrt = None, argnum: Wrt = None) -> Callable[[Callable[..., Any]], Gradient]: ...


def grad(fun: Any = None, *, wrt: Wrt = None, backend: str = "numpy", checkpoint: str | int | None = None, argnums: Wrt = None, argnum: Wrt = None) -> Any:
    """The gradient of a function whose result is one number. Without `fun`, a decorator: `@grad(wrt="w")`.

    Parameters
    ----------
    fun : callable, optional
        A function of numbers, arrays, and lists, tuples, dicts and dataclasses of them.
    wrt : str, int or tuple of these, optional
        The parameters to differentiate by, as names or positions: one gives a bare gradient, a tuple a tuple. By default every positional
        parameter without a default value; a bare gradient if there is one such.
    backend : {"numpy", "numba"}
        With "numba" the generated function is compiled as loops.
    checkpoint : "sqrt" or int, optional
        How many states each `for` loop keeps, instead of something in every pass; its stretches are run a second time.
    argnums, argnum : int or tuple of int, optional
        Positions, in the place of `wrt`, as in JAX and autograd.

    Returns
    -------
    Gradient
        Calling it gives the gradient, in the structure, shape and floating dtype of the argument. Where `fun` cannot be
        differentiated rightly, the first call raises SrcadError.

    Examples
    --------
    >>> import srcad
    >>> @srcad.grad
    ... def f(x, y):
    ...     return x * y
    >>> f(3.0, -4.0)
    (-4.0, 3.0)
    """
    return decorated(Gradient, fun, chosen(wrt, argnums, argnum), backend, "grad", False, checkpoint)


def value_and_grad(fun: Any = None, *, wrt: Wrt = None, has_aux: bool = False, backend: str = "numpy", checkpoint: str | int | None = None, argnums: Wrt = None, argnum: Wrt = None) -> Any:
    """A function's value and its gradient, in one pass. Without `fun`, a decorator.

    Parameters
    ----------
    fun : callable, optional
        As for `grad`.
    wrt : str, int or tuple of these, optional
        The parameters to differentiate by, as names or positions: one gives a bare gradient, a tuple a tuple. By default every positional
        parameter without a default value; a bare gradient if there is one such.
    has_aux : bool
        Whether `fun` returns a pair, of which only the first is differentiated.
    backend : {"numpy", "numba"}
        With "numba" the generated function is compiled as loops.
    checkpoint : "sqrt" or int, optional
        As for `grad`.
    argnums, argnum : int or tuple of int, optional
        Positions, in the place of `wrt`, as in JAX and autograd.

    Returns
    -------
    Gradient
        Calling it gives the pair of the value and the gradient; with `has_aux` the value is the pair that `fun` returns.

    Examples
    --------
    >>> import srcad
    >>> srcad.value_and_grad(lambda x: x ** 2)(3.0)
    (9.0, 6.0)
    """
    return decorated(Gradient, fun, chosen(wrt, argnums, argnum), backend, "value_and_grad", has_aux, checkpoint)


def elementwise_grad(fun: Any = None, *, wrt: Wrt = None, backend: str = "numpy", argnums: Wrt = None, argnum: Wrt = None) -> Any:
    """The derivative of a function that treats each element alone, for every element: the gradient of the sum of its result.

    Parameters
    ----------
    fun : callable, optional
        A function whose result has the shape of its argument.
    wrt : str, int or tuple of these, optional
        The parameters to differentiate by, as names or positions: one gives a bare gradient, a tuple a tuple. By default every positional
        parameter without a default value; a bare gradient if there is one such.
    backend : {"numpy", "numba"}
        With "numba" the generated function is compiled as loops.
    argnums, argnum : int or tuple of int, optional
        Positions, in the place of `wrt`, as in JAX and autograd.

    Returns
    -------
    Gradient
        Calling it gives the derivatives, in the shape of the argument.

    Examples
    --------
    >>> import numpy as np, srcad
    >>> srcad.elementwise_grad(np.sin)(np.array([0.0, np.pi]))
    array([ 1., -1.])
    """
    return decorated(ElementwiseGradient, fun, chosen(wrt, argnums, argnum), backend, "pair", False)


def vjp(fun: Callable[..., Any], /, *args: Any, wrt: Wrt = None, backend: str = "numpy", **keywords: Any) -> tuple[Any, Callable[[Any], Any]]:
    """The function's value and its pullback, which maps an adjoint of the value to the gradients.

    Parameters
    ----------
    fun : callable
        A function with a result of any shape or structure.
    *args, **keywords
        Its arguments.
    wrt : str, int or tuple of these, optional
        The parameters to differentiate by, as names or positions: one gives a bare gradient, a tuple a tuple. By default every positional
        parameter without a default value; a bare gradient if there is one such.
    backend : {"numpy", "numba"}
        With "numba" the generated functions are compiled as loops.

    Returns
    -------
    value : object
        What `fun` returns.
    pullback : callable
        It takes an adjoint of the value's structure and shape, and raises SeedError where it has another. It may be called again.

    Examples
    --------
    >>> import numpy as np, srcad
    >>> value, pullback = srcad.vjp(lambda x: x ** 2, np.array([1.0, 2.0]))
    >>> pullback(np.array([1.0, 10.0]))
    array([ 2., 40.])
    """
    made = fun if isinstance(fun, Gradient) and wrt is None else Gradient(fun.function if isinstance(fun, Gradient) else fun, wrt, backend, mode="pair")
    out, cache = made.forward(*args, **keywords)
    return out, cache.pull


def check_grad(fun: Callable[..., Any], *args: Any, wrt: Wrt = None, **keywords: Any) -> None:
    """Compare a function's gradient with finite differences along random directions.

    Parameters
    ----------
    fun : callable
        A function, or its gradient.
    *args, **keywords
        Its arguments. `modes=("reverse", "forward")` checks `jvp` too, and `order=2` the gradient of the gradient.
    wrt : str, int or tuple of these, optional
        The parameters to differentiate by, as names or positions: one gives a bare gradient, a tuple a tuple. By default every positional
        parameter without a default value; a bare gradient if there is one such.

    Raises
    ------
    GradientMismatchError
        Where they disagree, naming the parameter and both figures.

    Examples
    --------
    >>> import srcad
    >>> srcad.check_grad(lambda x: x ** 3, 2.0)
    >>> srcad.check_grad(lambda x: x ** 3, 2.0, modes=("reverse", "forward"), order=2)
    """
    testing.check_grad(fun if isinstance(fun, Gradient) else Gradient(fun, wrt), *args, **keywords)


def decorated(kind: type[Gradient], fun: Any, wrt: Wrt, backend: str, mode: str, has_aux: bool, checkpoint: str | int | None = None) -> Any:
    if fun is None:
        return lambda function: kind(function, wrt, backend, mode, has_aux, checkpoint)
    if not callable(fun):
        raise TypeError(f"grad takes a function, not a {type(fun).__name__}; name parameters with wrt=.")
    if isinstance(fun, Gradient):
        fun = calling(fun)
    return kind(fun, wrt, backend, mode, has_aux, checkpoint)


def chosen(wrt: Wrt, argnums: Wrt, argnum: Wrt) -> Wrt:
    given = [w for w in (wrt, argnums, argnum) if w is not None]
    if len(given) > 1:
        raise TypeError("give one of wrt, argnums and argnum.")
    return given[0] if given else None


def with_mode(request: Request, mode: str) -> Request:
    return dataclasses.replace(request, mode=mode)


def find_by_name(module: str | None, label: str) -> Any:
    import importlib

    try:
        found: Any = importlib.import_module(module or "")
        for part in label.split("."):
            found = getattr(found, part)
    except (ImportError, AttributeError, ValueError):
        return None
    return found


def rebuilt(kind: type[Gradient], function: Any, wrt: Wrt, mode: str, options: tuple[Any, ...]) -> Gradient:
    has_aux, checkpoint, backend = options
    return kind(function, wrt, backend, mode, has_aux, checkpoint)


for _maker in (grad, value_and_grad, elementwise_grad):
    _maker.makes_gradients = True  # type: ignore[attr-defined]
