"""Reductions as loops.

    np.sum(x, axis=1)    for i: total = 0.0; for j: total += x[i, j]; out[i] = total
    np.sum(x, axis=0)    for i: for j: out[j] += x[i, j]
"""
from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from srcad.backends.building import Building
from srcad.backends.values import (
    FLOAT,
    INT,
    Along,
    Index,
    Static,
    Tup,
    Val,
    View,
    aligned,
    caster,
    is_unit,
    literal,
    refuse,
    replaced,
    scalar,
    viewed,
)
from srcad.dims import Dim, is_one
from srcad.kinds import BOOL

STEPS = {"sum": "{0} += {1}", "prod": "{0} *= {1}", "max": "{0} = maximum({0}, {1})", "min": "{0} = minimum({0}, {1})",
         "any": "{0} = {0} or {1}", "all": "{0} = {0} and {1}"}


def axes_of(value: Val, axis: Any) -> tuple[int, ...]:
    """The axes of a reduction, from the parameter."""
    if axis is None or isinstance(axis, Static) and axis.value is None:
        return tuple(range(value.ndim))
    parts = axis.items if isinstance(axis, Tup) else (axis,)
    found = []
    for part in parts:
        if not isinstance(part, Val) or not isinstance(part.const, int):
            refuse("an axis must be a literal.")
        if not -value.ndim <= part.const < value.ndim:
            refuse(f"axis {part.const} is out of bounds.")
        found.append(part.const % value.ndim)
    return tuple(sorted(found))


def flag(value: Any) -> bool:
    if value is None or isinstance(value, Static):
        return bool(value and value.value)
    if isinstance(value.const, bool):
        return value.const
    return refuse("keepdims must be a literal.")  # type: ignore[no-any-return]


class Reductions(Building):
    """Sums and their kin."""

    elementwise: Any
    let: Any
    transposed: Any

    def reduce(self, kind: str, value: Val, axis: Any = None, keepdims: Any = None) -> Val:
        """One of STEPS over some axes."""
        axes = axes_of(value, axis)
        result = value.dtype if kind in ("max", "min") else BOOL if kind in ("any", "all") else INT if value.dtype.kind in "ib" else value.dtype
        if kind in ("max", "min"):
            self.helper({"max": "maximum", "min": "minimum"}[kind])
            for axis_ in axes:
                self.not_empty(value.dims[axis_])
        kept = [k for k in range(value.ndim) if k not in axes]
        made = self.trailing(kind, value, kept, result) if axes == tuple(range(len(kept), value.ndim)) else self.scattered(kind, value, kept, result)
        return self.with_kept(made, value.ndim, axes) if flag(keepdims) else made

    def not_empty(self, dim: Dim) -> None:
        if dim.value is not None:
            if dim > 0:
                return
        self.check(f"{self.helper('filled')}({self.spell(dim)})")

    def start(self, kind: str, dtype: np.dtype[Any]) -> str:
        if kind in ("any", "all"):
            return str(kind == "all")
        if kind in ("max", "min"):
            sign = "-" if kind == "max" else ""
            if dtype.kind == "f":
                return f"{sign}np.inf"
            if dtype == BOOL:
                return str(kind == "min")
            return str(getattr(np.iinfo(dtype), "min" if kind == "max" else "max"))
        number = {"sum": 0, "prod": 1}[kind]
        return f"{number}.0" if dtype.kind == "f" else str(number)

    def step(self, kind: str, total: str, element: str, value: Val) -> str:
        if kind in ("any", "all") and value.dtype != BOOL:
            element = f"({element} != 0)"
        if kind == "sum" and value.dtype.kind == "f" and total.isidentifier():
            return f"{total} = {self.helper('add')}({total}, {element})"
        return STEPS[kind].format(total, element)

    def trailing(self, kind: str, value: Val, kept: Sequence[int], dtype: np.dtype[Any]) -> Val:
        """The last axes, or all of them: one number at a time."""
        outer, inner = [value.dims[k] for k in kept], list(value.dims[len(kept):])
        total = self.fresh("total" if kind in ("sum", "prod") else "best" if kind in ("max", "min") else "found")
        if all(is_unit(d) for d in outer):
            self.emit(f"{total} = {self.start(kind, dtype)}", pure=True)
            zeros = tuple("0" for _ in outer)
            self.loops(inner, lambda index: self.emit(self.step(kind, total, value.at((*zeros, *index)), value)))
            done = scalar(f"{caster(dtype)}({total})" if dtype == np.float32 else total, dtype, "scalar")
            return Val(dtype, tuple(outer), lambda _: done.text, "array") if outer else done
        out = self.alloc(self.fresh("part"), outer, dtype)

        def body(index: Index) -> None:
            self.emit(f"{total} = {self.start(kind, dtype)}", pure=True)
            self.loops(inner, lambda rest: self.emit(self.step(kind, total, value.at((*index, *rest)), value)))
            self.emit(f"{out.at(index)} = {total}")

        self.loops(outer, body)
        return out

    def scattered(self, kind: str, value: Val, kept: Sequence[int], dtype: np.dtype[Any]) -> Val:
        """Other axes: all results at once, in the order of the memory."""
        outer = [value.dims[k] for k in kept]
        out = self.alloc(self.fresh("part"), outer, dtype, "0" if kind == "sum" else self.start(kind, dtype))

        def body(index: Index) -> None:
            self.emit(self.step(kind, out.at(tuple(index[k] for k in kept)), value.at(index), value))

        self.loops(value.dims, body)
        return out

    def with_kept(self, value: Val, rank: int, axes: Sequence[int]) -> Val:
        """Reduced axes again, of length one."""
        one = Dim.of(1, self.facts)
        kept = [k for k in range(rank) if k not in axes]
        dims = tuple(value.dims[kept.index(k)] if k in kept else one for k in range(rank))
        if value.view is not None and value.dims:
            return viewed(View(value.view.base, tuple(a.moved(kept[a.axis]) if isinstance(a, Along) else a for a in value.view.axes)), value.dtype, dims)
        return Val(value.dtype, dims, lambda index: value.at(tuple(index[k] for k in kept)), "array")

    def count(self, value: Val, axes: Sequence[int]) -> str:
        return " * ".join(self.factor(value.dims[k]) for k in axes) or "1"

    def factor(self, dim: Dim) -> str:
        return self.bracketed(self.spell(dim))

    def mean(self, value: Val, axis: Any = None, keepdims: Any = None) -> Val:
        axes = axes_of(value, axis)
        total = self.reduce("sum", value, axis, keepdims)
        dtype = total.dtype if total.dtype.kind == "f" else FLOAT
        count = self.count(value, axes)
        return replaced(total, dtype=dtype, at=lambda index: self.narrow(f"({total.at(index)} / ({count}))", dtype), view=None)

    def narrow(self, text: str, dtype: np.dtype[Any]) -> str:
        return f"{caster(dtype)}({text})" if dtype.kind == "f" and dtype != FLOAT else text

    def var(self, value: Val, axis: Any = None, keepdims: Any = None, ddof: Any = None) -> Val:
        axes = axes_of(value, axis)
        less = 0 if ddof is None else ddof.const
        if not isinstance(less, int):
            refuse("ddof must be a literal.")
        mean = self.mean(value, axis, literal(True))
        mean = self.stored(mean) if mean.dims else self.steady(mean)
        off = self.elementwise(np.subtract, value, mean)

        def square(index: Index) -> str:
            part = self.let(off.at(index))
            return f"({part} * {part})"

        total = self.reduce("sum", replaced(off, at=square, view=None), axis, keepdims)
        count = self.count(value, axes) + (f" - {less}" if less else "")
        return replaced(total, at=lambda index: self.narrow(f"({total.at(index)} / ({count}))", total.dtype), view=None)

    def std(self, value: Val, axis: Any = None, keepdims: Any = None, ddof: Any = None) -> Val:
        return self.elementwise(np.sqrt, self.var(value, axis, keepdims, ddof))  # type: ignore[no-any-return]

    def logsumexp(self, value: Val, axis: Any = None, keepdims: Any = None) -> Val:
        """log(sum(exp(x - max))) + max"""
        axes = axes_of(value, axis)
        best = self.reduce("max", value, axis, literal(True))
        finite = self.elementwise(np.where, self.elementwise(np.isfinite, best), best, literal(0.0), dtype=best.dtype)
        finite = self.stored(finite) if finite.dims else self.steady(finite)
        total = self.reduce("sum", self.elementwise(np.exp, self.elementwise(np.subtract, value, finite)), axis, literal(True))
        whole = self.elementwise(np.add, self.elementwise(np.log, total), finite)
        return whole if flag(keepdims) else self.without(whole, axes)

    def without(self, value: Val, axes: Sequence[int]) -> Val:
        """Axes of length one taken out."""
        kept = [k for k in range(value.ndim) if k not in axes]

        def at(index: Index) -> str:
            return value.at(tuple(index[kept.index(k)] if k in kept else "0" for k in range(value.ndim)))

        dims = tuple(value.dims[k] for k in kept)
        if value.view is not None:
            from srcad.backends.values import Fixed

            axes_ = tuple((a.moved(kept.index(a.axis)) if a.axis in kept else Fixed(a.at("0"))) if isinstance(a, Along) else a for a in value.view.axes)
            return viewed(View(value.view.base, axes_), value.dtype, dims)
        return Val(value.dtype, dims, at, "array" if dims else "scalar")

    def unbroadcast(self, dz: Val, x: Val) -> Val:
        """An adjoint summed over the axes along which its variable was stretched."""
        if dz.ndim < x.ndim:
            dims = x.dims
            return Val(dz.dtype, dims, lambda index: aligned(dz, index), "array")
        for _ in range(dz.ndim - x.ndim):
            dz = self.reduce("sum", dz, literal(0))
        for axis, (own, wanted) in enumerate(zip(dz.dims, x.dims)):
            if own.key != wanted.key:
                if is_unit(own):
                    dz = Val(dz.dtype, tuple(wanted if k == axis else d for k, d in enumerate(dz.dims)), self.stretched(dz, axis), "array")
                elif is_one(wanted) if wanted.value is not None else is_unit(wanted):
                    dz = self.reduce("sum", dz, literal(axis), literal(True))
                else:
                    self.meet(own, wanted)
        return dz

    def stretched(self, value: Val, axis: int) -> Any:
        return lambda index: value.at(tuple("0" if k == axis else i for k, i in enumerate(index)))

    def last(self, value: Val, axis: Any) -> tuple[Val, list[int]]:
        """The value with one axis moved to the end, or flattened; and the order of its axes."""
        order = [k for k in range(value.ndim) if k not in (axis,)] + [axis]
        return self.transposed(value, tuple(order)), order

    def argbest(self, kind: str, value: Val, axis: Any = None, keepdims: Any = None) -> Val:
        if (axis is None or isinstance(axis, Static)) and value.ndim != 1:
            refuse("argmax and argmin of more than one axis are compiled with axis= only.")
        [which] = axes_of(value, axis)
        self.not_empty(value.dims[which])
        turned, _ = self.last(value, which)
        best, place = self.fresh("best"), self.fresh("place")
        sign = ">" if kind == "argmax" else "<"
        start = self.start("max" if kind == "argmax" else "min", value.dtype)

        def inner(index: Index) -> None:
            self.emit(f"{best} = {start}")
            self.emit(f"{place} = 0")

            def step(rest: Index) -> None:
                element = self.let(turned.at((*index, *rest)))
                nan = f" or ({element} != {element} and {best} == {best})" if value.dtype.kind == "f" else ""
                self.emit(f"if {element} {sign} {best}{nan}:\n    {best} = {element}\n    {place} = {rest[0]}")

            self.loops(turned.dims[-1:], step)

        if value.ndim == 1:
            inner(())
            return scalar(place, INT, "scalar")
        out = self.alloc(self.fresh("places"), turned.dims[:-1], INT)

        def body(index: Index) -> None:
            inner(index)
            self.emit(f"{out.at(index)} = {place}")

        self.loops(turned.dims[:-1], body)
        return self.with_kept(out, value.ndim, [which]) if flag(keepdims) else out

    def running(self, kind: str, value: Val, axis: Any = None) -> Val:
        """np.cumsum, np.cumprod, np.maximum.accumulate and np.minimum.accumulate."""
        if kind in ("max", "min"):
            self.helper({"max": "maximum", "min": "minimum"}[kind])
        if axis is None or isinstance(axis, Static):
            if value.ndim != 1:
                refuse("cumsum and cumprod of more than one axis are compiled with axis= only.")
            axis = literal(0)
        [which] = axes_of(value, axis)
        turned, order = self.last(value, which)
        dtype = INT if value.dtype.kind in "ib" and kind not in ("max", "min") else value.dtype
        out = self.alloc(self.fresh("running"), value.dims, dtype)
        total = self.fresh("total")

        def body(index: Index) -> None:
            self.emit(f"{total} = {self.start(kind, dtype)}")

            def step(rest: Index) -> None:
                place = (*index, *rest)
                self.emit(self.step(kind, total, turned.at(place), value))
                self.emit(f"{out.at(tuple(place[order.index(k)] for k in range(value.ndim)))} = {total}")

            self.loops(turned.dims[-1:], step)

        self.loops(turned.dims[:-1], body)
        return out
