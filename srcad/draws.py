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
from srcad.dims import Facts
from srcad.kinds import UNKNOWN, Number, Object, Ref
from srcad.library import WRITERS
from srcad.shapes import infer_call

Arguments = list[Ref]
GENERATORS: dict[Any, Any] = {np.random.default_rng: np.random.default_rng(0), np.random.RandomState: np.random.RandomState(0)}  # what is made -> one such
GENERATORS[np.random.Generator] = GENERATORS[np.random.default_rng]
DISCRETE = ("binomial", "geometric", "hypergeometric", "integers", "logseries", "multinomial", "negative_binomial", "poisson", "randint", "random_integers", "zipf")
TWO_PARAMETERS = ("normal", "uniform", "laplace", "logistic", "gumbel", "lognormal", "beta", "gamma", "integers", "randint", "binomial")  # before the size


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
        kind = UNKNOWN
        try:
            size = keywords.get("size", args[2] if label in TWO_PARAMETERS and len(args) > 2 else None)
            if not args and not keywords and label in ("rand", "randn", "random", "normal", "uniform", "standard_normal", "standard_exponential", "random_sample"):
                return self.at.opaque(text, target, Number("scalar", np.dtype(float), ()))
            if label in ("rand", "randn") and args:
                kind = infer_call(np.ones, self.facts, [tuple(self.at.shape_value(a) for a in args)], {})
            elif label in ("random", "standard_normal", "random_sample", "standard_exponential") and (args or size):
                kind = infer_call(np.ones, self.facts, [self.at.shape_value(size or args[0])], {})
            elif size is not None:
                kind = infer_call(np.ones, self.facts, [self.at.shape_value(size)], {})
                kind = dataclasses.replace(kind, dtype=None) if label in ("integers", "randint", "choice", "binomial", "poisson") else kind
        except (TypeError, ValueError):
            kind = UNKNOWN
        return self.at.opaque(text, target, kind)
