"""Transposes, reshapes, joins: the same numbers in another order.

    x.T          a view, element (i, j) is x[j, i]
    x[:, None]   a view with an axis of length one
    np.concatenate([a, b])      one loop for each part
"""
from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from srcad.backends.building import Building
from srcad.backends.values import INT, Along, Fixed, Index, Static, Tup, Val, View, aligned, atomic, is_unit, named, promoted, refuse, viewed
from srcad.dims import Dim, is_one, product
from srcad.kinds import Number, result_dtypes


class Layout(Building):
    """Functions that arrange."""

    size_value: Any
    number: Any

    def transposed(self, value: Val, order: Sequence[int]) -> Val:
        dims = tuple(value.dims[k] for k in order)
        order = tuple(order)
        if value.view is not None:
            axes = tuple(a.moved(order.index(a.axis)) if isinstance(a, Along) else a for a in value.view.axes)
            return viewed(View(value.view.base, axes), value.dtype, dims)
        return Val(value.dtype, dims, lambda index: value.at(tuple(index[order.index(k)] for k in range(len(order)))), "array")

    def expanded(self, value: Val, positions: Sequence[int]) -> Val:
        """Axes of length one at positions of the result."""
        rank = value.ndim + len(positions)
        positions = [p % rank for p in positions]
        kept = [k for k in range(rank) if k not in positions]
        one = Dim.of(1, self.facts)
        dims = tuple(value.dims[kept.index(k)] if k in kept else one for k in range(rank))
        if value.view is not None:
            axes = tuple(a.moved(kept[a.axis]) if isinstance(a, Along) else a for a in value.view.axes)
            return viewed(View(value.view.base, axes), value.dtype, dims)
        return Val(value.dtype, dims, lambda index: value.at(tuple(index[k] for k in kept)), "array")

    def squeezed_axes(self, value: Val, axes: Sequence[int] | None) -> Val:
        units = [k for k in range(value.ndim) if (is_one(value.dims[k]) if axes is None else k in [a % value.ndim for a in axes])]
        kept = [k for k in range(value.ndim) if k not in units]
        dims = tuple(value.dims[k] for k in kept)
        if value.view is not None:
            axes_ = tuple((a.moved(kept.index(a.axis)) if a.axis in kept else Fixed(a.at("0"))) if isinstance(a, Along) else a for a in value.view.axes)
            return viewed(View(value.view.base, axes_), value.dtype, dims)
        return Val(value.dtype, dims, lambda index: value.at(tuple(index[kept.index(k)] if k in kept else "0" for k in range(value.ndim))), "array" if dims else "scalar")

    def shape_of(self, value: Any) -> tuple[Dim, ...] | None:
        """A shape given as an argument, as dimensions; -1 stands for None."""
        parts = value.items if isinstance(value, Tup) else (value,)
        dims = []
        for part in parts:
            if isinstance(part, Val) and part.const == -1:
                dims.append(None)
                continue
            if not isinstance(part, Val) or part.dims:
                refuse("a shape must be made of integers.")
            dims.append(self.size(part))
        return tuple(dims)  # type: ignore[arg-type]

    def reshaped(self, value: Val, shape: Any) -> Val:
        dims = list(self.shape_of(shape) or ())
        total = product(value.dims, self.facts)
        if None in dims:
            rest = product(tuple(d for d in dims if d is not None), self.facts)
            dims[dims.index(None)] = self.quotient(total, rest)  # type: ignore[arg-type]
        wanted = tuple(dims)
        if not value.dims:
            return Val(value.dtype, wanted, lambda _: value.text, "array" if wanted else value.form)
        if [d.key for d in value.dims if not is_unit(d)] == [d.key for d in wanted if not is_unit(d)]:
            return self.same_order(value, wanted)
        if not wanted:
            return Val(value.dtype, (), lambda _: value.at(tuple("0" for _ in value.dims)), "scalar")
        if total.value is None or product(wanted, self.facts).value is None:
            self.check_same(total, product(wanted, self.facts))
        elif total != product(wanted, self.facts):
            refuse("the sizes of a reshape do not agree.")
        return self.relaid(value, wanted)

    def quotient(self, total: Dim, rest: Dim) -> Dim:
        if total.key == rest.key:
            return Dim.of(1, self.facts)
        if not rest.terms and rest.const == 1:
            return total
        factors = [f.strip() for f in total.text.split(" * ")]
        if total.value is not None and len(total.terms) == 1 and not total.const:
            for factor in [f.strip() for f in rest.text.split(" * ")]:
                if factor in factors:
                    factors.remove(factor)
                else:
                    break
            else:
                if rest.value:
                    return Dim.atom(" * ".join(factors) or "1", total.value // rest.value, self.facts)
        return total // rest

    def same_order(self, value: Val, wanted: tuple[Dim, ...]) -> Val:
        """Axes of length one come and go."""
        flat = self.squeezed_axes(value, [k for k, d in enumerate(value.dims) if is_unit(d)])
        return self.expanded(flat, [k for k, d in enumerate(wanted) if is_unit(d)]) if len(wanted) != flat.ndim else flat

    def relaid(self, value: Val, dims: tuple[Dim, ...]) -> Val:
        """The elements in C order under another shape: a view where they lie in memory so, or else of a copy."""
        source = self.array(value)
        target = self.fresh("laid")
        sizes = ", ".join(self.spell(d) for d in dims)
        self.emit(f"{target} = np.ascontiguousarray({source}).reshape(({sizes}{',' * (len(dims) == 1)}))", pure=True)
        self.aliases.join(source, target)
        self.shared.add(source)
        return named(target, value.dtype, dims)

    def broadcast_to(self, value: Val, shape: Any) -> Val:
        dims = tuple(d for d in self.shape_of(shape) or () if d is not None)
        for own, wanted in zip(value.dims, dims[len(dims) - value.ndim:]):
            if not is_unit(own):
                self.meet(own, wanted)
        return Val(value.dtype, dims, lambda index: aligned(value, index), "array" if dims else value.form)

    # ---- joining

    def parts_of(self, value: Any) -> list[Val]:
        if isinstance(value, Tup):
            return [self.number(i) for i in value.items]
        refuse("only a tuple or list written out is joined here.")
        return []

    def common(self, parts: Sequence[Val]) -> np.dtype[Any]:
        if all(p.dims for p in parts):
            return np.result_type(*(p.dtype for p in parts))
        dtype = parts[0].dtype
        for part in parts[1:]:
            both = (Number("array", dtype, (Dim.of(1, self.facts),)), Number("array", part.dtype, (Dim.of(1, self.facts),)))
            dtype = result_dtypes(np.add, *both)[0] or refuse("these dtypes are not joined.")
        return dtype

    def concatenated(self, value: Any, axis: int = 0) -> Val:
        parts = self.parts_of(value)
        axis %= parts[0].ndim
        total = Dim.of(0, self.facts)
        for part in parts:
            total = total + part.dims[axis]
        first = list(parts[0].dims)
        for part in parts[1:]:
            first = [self.meet_exact(a, b) if k != axis else a for k, (a, b) in enumerate(zip(first, part.dims))]
        dims = tuple(total if k == axis else d for k, d in enumerate(first))
        out = self.alloc(self.fresh("joined"), dims, self.common(parts))
        start = Dim.of(0, self.facts)
        for part in parts:
            offset = self.spell(start) if start.terms or start.const else ""
            axes = tuple(Along(k, f"({offset})" if offset and k == axis else "") for k in range(len(dims)))
            own = View(out.name, axes)
            self.loops(part.dims, lambda index, part=part, own=own: self.emit(f"{own.at(index)} = {part.at(index)}"))  # type: ignore[misc]
            start = start + part.dims[axis]
        return out

    def meet_exact(self, a: Dim, b: Dim) -> Dim:
        return a if is_unit(a) and is_unit(b) else self.meet(a, b)

    def stacked(self, value: Any, axis: int = 0) -> Val:
        parts = self.parts_of(value)
        rank = parts[0].ndim + 1
        axis %= rank
        inner = list(parts[0].dims)
        for part in parts[1:]:
            inner = [self.meet_exact(a, b) for a, b in zip(inner, part.dims)]
        dims = (*inner[:axis], Dim.of(len(parts), self.facts), *inner[axis:])
        out = self.alloc(self.fresh("stacked"), dims, self.common(parts))
        for k, part in enumerate(parts):
            view = View(out.name, tuple(Fixed(str(k)) if a == axis else Along(a - (a > axis)) for a in range(rank)))
            self.loops(inner, lambda index, part=part, view=view: self.emit(f"{view.at(index)} = {part.at(index)}"))  # type: ignore[misc]
        return out

    def gathered(self, value: Tup) -> Val:
        """A list of numbers, or of lists, as an array."""
        if not value.items:
            refuse("an empty list as an array is not compiled.")
        return self.stacked(Tup(tuple(self.number(i) for i in value.items)))

    def split(self, value: Val, sections: Any, axis: int = 0) -> Tup:
        axis %= value.ndim
        size = value.dims[axis]
        if isinstance(sections, Tup):
            cuts = [self.size(p) for p in sections.items]
            bounds = [Dim.of(0, self.facts), *cuts, size]
        else:
            if not isinstance(sections, Val) or not isinstance(sections.const, int):
                refuse("np.split takes a literal number of parts here.")
            step = self.quotient_exact(size, sections.const)
            bounds = [step * k for k in range(sections.const)] + [size]
            return Tup(tuple(self.slice_axis(value, axis, bounds[k], step) for k in range(sections.const)), list)
        return Tup(tuple(self.slice_axis(value, axis, a, b - a) for a, b in zip(bounds, bounds[1:])), list)

    def quotient_exact(self, size: Dim, parts: int) -> Dim:
        if not size.terms:
            return size // parts
        if all(c % parts == 0 for c in (*size.terms.values(), size.const)):
            return Dim({a: c // parts for a, c in size.terms.items()}, size.const // parts, None, self.facts)
        return size // parts

    def slice_axis(self, value: Val, axis: int, start: Dim, size: Dim) -> Val:
        """Elements of one axis from a start, so many."""
        text = self.spell(start)
        text = "" if text == "0" else text if text.isidentifier() or text.isdigit() else f"({text})"
        dims = tuple(size if k == axis else d for k, d in enumerate(value.dims))
        if value.view is not None:
            axes = tuple(Along(a.axis, plus(a.start, text, a.step), a.step, True) if isinstance(a, Along) and a.axis == axis else a for a in value.view.axes)
            return viewed(View(value.view.base, axes), value.dtype, dims)
        return Val(value.dtype, dims, lambda index: value.at(tuple(f"{i} + {text}" if k == axis and text else i for k, i in enumerate(index))), "array")

    def filled(self, dims: tuple[Dim, ...], value: Val, dtype: np.dtype[Any]) -> Val:
        """One number in every place, computed nowhere."""
        return Val(dtype, dims, lambda index: aligned(value, index), "array" if dims else "scalar")

    def arange(self, parts: Sequence[Val]) -> Val:
        if any(p.dtype != INT for p in parts):
            refuse("np.arange of integers only is compiled.")
        start, stop, step = (None, parts[0], None) if len(parts) == 1 else (parts[0], parts[1], parts[2] if len(parts) > 2 else None)
        begin = self.size(start) if start is not None else Dim.of(0, self.facts)
        size = self.size(stop) - begin
        if step is not None:
            if not isinstance(step.const, int) or step.const < 1:
                refuse("np.arange with a step that is not a positive literal is not compiled.")
            size = (size + (step.const - 1)) // step.const
        times = f"{step.const} * " if step is not None and step.const != 1 else ""
        first = "" if start is None or start.const == 0 else f"{self.scalar_name(start)} + "
        return Val(np.dtype(int), (size,), lambda index: f"({first}{times}{atomic(index[0])})" if first or times else atomic(index[0]), "array", unique=True)


def plus(start: str, more: str, step: int) -> str:
    """The start of a slice of a slice."""
    if not more:
        return start
    if not start:
        return more if step == 1 else f"{step} * {more}"
    return f"{start} + {more}" if step == 1 else f"{start} + {step} * {more}"


__all__ = ["Layout", "Index", "Static", "promoted"]
