"""The cache between forward and backward, and the seed that fits a value.

    value of shape (n, d)  ->  dout of shape (n, d), in the value's dtype
"""
from __future__ import annotations

import copy
import dataclasses
import types
from typing import Any, NamedTuple

import numpy as np

from srcad.errors import SeedError
from srcad.kinds import Number, Record, Ref
from srcad.kinds import Sequence as Items
from srcad.request import Compiled

NUMBERS = (float, int, np.floating, np.integer, np.ndarray)


class Cache(tuple[Any, ...]):
    """What the forward pass keeps for the backward pass."""

    compiled: Compiled
    out: Any

    def __new__(cls, residuals: tuple[Any, ...], compiled: Compiled, out: Any) -> Cache:
        cache = super().__new__(cls, residuals)
        cache.compiled = compiled
        cache.form = form_of(out)  # type: ignore[attr-defined]
        return cache

    def __copy__(self) -> Cache:
        return self

    def __deepcopy__(self, memo: dict[int, Any]) -> Cache:
        twin = tuple.__new__(Cache, copy.deepcopy(tuple(self), memo))
        twin.__dict__.update(self.__dict__)
        return twin

    def __reduce__(self) -> Any:
        raise TypeError("a cache belongs to the functions that made it, and does not pickle.")

    def pull(self, dout: Any) -> Any:
        seed = fitted(dout, self.form, "dout", self.compiled.result)  # type: ignore[attr-defined]
        return self.compiled.functions[1](seed, tuple(self))


class Instance(NamedTuple):
    """The structure of a dataclass."""

    kind: type
    fields: dict[str, Any]


def form_of(out: Any) -> Any:
    """The structure and shapes of a value."""
    if isinstance(out, (list, tuple)):
        return [form_of(v) for v in out]
    if isinstance(out, dict):
        return {k: form_of(v) for k, v in out.items()}
    if dataclasses.is_dataclass(out):
        return Instance(type(out), {k: form_of(v) for k, v in fields_of(out).items()})
    kind = "array" if isinstance(out, np.ndarray) else "scalar" if isinstance(out, np.generic) else "python"
    return (np.shape(out), np.asarray(out).dtype, kind) if isinstance(out, NUMBERS) else None


def fields_of(instance: Any) -> dict[str, Any]:
    """What a dataclass holds."""
    return {f.name: getattr(instance, f.name) for f in dataclasses.fields(instance)}


def with_fields(instance: Any, fields: dict[str, Any]) -> Any:
    """A dataclass with other values, frozen or not."""
    made = copy.copy(instance)
    for label, value in fields.items():
        object.__setattr__(made, label, value)
    return made


def fitted(seed: Any, form: Any, path: str, ref: Ref | None) -> Any:
    """An adjoint in the structure, shape and dtype of the value; ref: what is known of that."""
    value = ref.value if ref is not None else None
    if isinstance(form, list):
        if not isinstance(seed, (list, tuple)) or len(seed) != len(form):
            raise SeedError(f"{path} must be a tuple or list of {len(form)}, as the value is; it is {described(seed)}.")
        items = value.items if isinstance(value, Items) else [ref] * len(form)
        return [fitted(s, f, f"{path}[{i}]", r) for i, (s, f, r) in enumerate(zip(seed, form, items))]
    if isinstance(form, dict):
        if not isinstance(seed, dict) or seed.keys() != form.keys():
            raise SeedError(f"{path} must be a dict with the keys {', '.join(map(repr, form))}, as the value is; it is {described(seed)}.")
        parts = value.items if isinstance(value, Record) else {}
        return {k: fitted(seed[k], f, f"{path}[{k!r}]", parts.get(k, ref)) for k, f in form.items()}
    if isinstance(form, Instance):
        if not isinstance(seed, form.kind):
            raise SeedError(f"{path} must be a {form.kind.__name__}, as the value is; it is {described(seed)}.")
        fields = value.items if isinstance(value, Record) else {}
        return types.SimpleNamespace(**{k: fitted(getattr(seed, k), f, f"{path}.{k}", fields.get(k, ref)) for k, f in form.fields.items()})
    if form is None:
        return seed
    shape, dtype, own = form
    if np.shape(seed) != shape:
        raise SeedError(f"{path} must have the value's shape {shape}; it has shape {np.shape(seed)}.")
    allowed = "fiubc" if dtype.kind == "c" else "fiub"
    if np.asarray(seed).dtype.kind not in allowed:
        raise SeedError(f"{path} must be {'numbers' if dtype.kind == 'c' else 'real numbers'}; it is {described(seed)}.")
    kind = value.form if isinstance(value, Number) else own
    wanted = dtype if dtype.kind in "fc" else np.dtype(float)
    if own != "array" and kind == "python":
        return complex(seed) if dtype.kind == "c" else float(seed)
    return np.asarray(seed, wanted) if own == "array" else wanted.type(seed)


def described(value: Any) -> str:
    return f"a {type(value).__name__}"
