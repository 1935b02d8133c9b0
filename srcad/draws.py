"""Draws of random numbers: made once, in their place, with derivative zero.

    rng = np.random.default_rng(0)    a generator, also where it is made inside
    x + rng.normal(size=3)            a constant array
"""
from __future__ import annotations

import ast
import dataclasses
from typing import Any

import numpy as np

from srcad.errors import MissingRuleError
from srcad.infer import Interpreter
from srcad.inference import Inference, function_label
from srcad.dims import Facts, Undecided, broadcast
from srcad.kinds import FLOAT, INT, UNKNOWN, Number, Object, Ref, Static
from srcad.library import WRITERS
from srcad.shapes import infer_call

Arguments = list[Ref]
GENERATORS: dict[Any, Any] = {np.random.default_rng: np.random.default_rng(0), np.random.RandomState: np.random.RandomState(0)}  # what is made -> one such
GENERATORS[np.random.Generator] = GENERATORS[np.random.default_rng]
DISCRETE = ("binomial", "geometric", "hypergeometric", "integers", "logseries", "multinomial", "negative_binomial", "poisson", "randint", "random_integers", "zipf")
PARAMETERS = {  # how many stand before the size
    **dict.fromkeys(("random", "random_sample", "standard_normal", "standard_exponential", "standard_cauchy"), 0),
    **dict.fromkeys(("exponential", "poisson", "geometric", "chisquare", "rayleigh", "weibull", "pareto", "power", "standard_gamma", "standard_t"), 1),
    **dict.fromkeys(("normal", "uniform", "laplace", "logistic", "gumbel", "lognormal", "beta", "gamma", "integers", "randint", "binomial", "vonmises", "wald"), 2),
    "triangular": 3,
}


class Draws:
    """The draws of one frame."""

    at: Interpreter
    state: Inference
    facts: Facts

    def pure(self, function: Any, given: list[Ref]) -> None:
        raise NotImplementedError

    def integral_arguments(self, refs: list[Ref]) -> None:
        raise NotImplementedError

    def random(self, function: Any, args: Arguments, keywords: dict[str, Ref], text: ast.Call, target: str | None) -> Ref:
        """A draw: made once, in its place, with derivative zero."""
        self.pure(function, args) if getattr(function, "__name__", "") in WRITERS else None
        self.integral_arguments([*args, *keywords.values()])
        label = getattr(function, "__name__", "")
        if function in GENERATORS:
            return self.at.opaque(text, target, Object(GENERATORS[function], ""))
        given = [*args[:1], keywords.get("a")] if label == "choice" else [*args, *keywords.values()]  # its weights steer it
        if label not in DISCRETE and self.state.is_active(given):
            self.at.refuse("a draw that depends on what is differentiated has no derivative here. Draw without it, and compute: "
                           "mean + scale * rng.standard_normal(shape), x[rng.permutation(len(x))].", MissingRuleError, function_label(function))
        try:
            kind = self.drawn(label, args, keywords)
        except (TypeError, ValueError, Undecided):
            kind = UNKNOWN
        return self.at.opaque(text, target, kind)

    def drawn(self, label: str, args: Arguments, keywords: dict[str, Ref]) -> Number:
        """What a draw gives, as far as it is known."""
        if label in ("rand", "randn"):
            return self.sized(tuple(args) if args else None, FLOAT, [])
        if label in ("permutation", "choice") and (args or "a" in keywords):
            return self.picked(label, args[0] if args else keywords["a"], args[1:], keywords)
        if label not in PARAMETERS:
            return UNKNOWN
        count = PARAMETERS[label]
        size = keywords.get("size", args[count] if len(args) > count else None)
        dtype = None if "dtype" in keywords else INT if label in DISCRETE else FLOAT
        parameters = [*args[:count], *(k for label_, k in keywords.items() if label_ not in ("size", "dtype", "endpoint"))]
        return self.sized(size, dtype, parameters)

    def picked(self, label: str, items: Ref, others: list[Ref], keywords: dict[str, Ref]) -> Number:
        """A permutation, or a choice, of some items or of the whole numbers up to one."""
        number = items.number
        whole = number.is_plain and number.dim is not None
        if label == "permutation":
            if keywords or others:
                return UNKNOWN
            if whole:
                return dataclasses.replace(infer_call(np.arange, self.facts, [self.at.shape_value(items)], {}), unique=True)
            return Number("array", number.dtype, number.shape, unique=number.unique) if number.form == "array" else UNKNOWN
        if not whole and number.ndim != 1:
            return UNKNOWN
        made = self.sized(keywords.get("size", others[0] if others else None), INT if whole else number.dtype, [])
        again = keywords.get("replace", others[1] if len(others) > 1 else None)
        once = again is not None and isinstance(again.value, Number) and again.number.dim is not None and again.number.dim.literal == 0
        return dataclasses.replace(made, unique=whole and once and made.ndim == 1)

    def sized(self, size: Ref | tuple[Ref, ...] | None, dtype: np.dtype[Any] | None, parameters: list[Ref]) -> Number:
        """Numbers in a shape that is given, or in that of all parameters together."""
        if size is not None and not (isinstance(size, Ref) and isinstance(size.value, Static) and size.value.value is None):
            return dataclasses.replace(infer_call(np.ones, self.facts, [self.at.shape_value(size)], {}), dtype=dtype)
        if all(isinstance(p.value, Number) and p.number.shape == () for p in parameters):
            return Number("scalar", dtype, ())
        shapes = [p.number.shape if isinstance(p.value, Number) else None for p in parameters]
        joint = broadcast(*shapes) if all(s is not None for s in shapes) else None  # type: ignore[arg-type]
        return UNKNOWN if joint is None else Number("array", dtype, joint)
