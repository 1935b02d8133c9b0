"""Subscripts: views where they are basic, loops where they are not.

    x[1:, None]       a view
    x[rows, cols]     element i is x[rows[i], cols[i]]
    x[mask]           counted, then collected
"""
from __future__ import annotations

import ast
from collections.abc import Sequence
from typing import Any

from srcad.backends.layout import plus
from srcad.backends.places import Gather, Item, Places, Slice
from srcad.backends.values import (
    INT,
    Along,
    Count,
    Fixed,
    Index,
    Stack,
    Static,
    Tup,
    Val,
    Value,
    View,
    aligned,
    literal,
    named,
    refuse,
    scalar,
    viewed,
)
from srcad.dims import Dim, Undecided
from srcad.kinds import BOOL
from srcad.syntax import parts_of


class Indexing(Places):
    """Reads and places."""

    value: Any
    size_value: Any
    transposed: Any
    expanded: Any
    elementwise: Any
    let: Any
    stack_item: Any

    def subscript(self, node: ast.Subscript) -> Value:
        owner = self.value(node.value)
        if isinstance(owner, Stack):
            return self.stack_item(owner, self.value(node.slice))  # type: ignore[no-any-return]
        if isinstance(owner, Tup):
            return self.tuple_item(owner, node.slice)
        if isinstance(owner, Count):
            return self.count_cut(owner, node.slice)
        if not isinstance(owner, Val):
            return refuse(f"`{ast.unparse(node)}` is not compiled.")  # type: ignore[no-any-return]
        if not owner.dims:
            return owner
        return self.indexed(owner, self.items(node.slice, owner))

    def count_cut(self, owner: Count, index: ast.expr) -> Count:
        """range(n)[:k]"""
        if isinstance(index, ast.Slice) and index.lower is None and index.upper is None and index.step is not None and self.literal_of(index.step) == -1:
            return self.count_flipped(owner)
        if owner.turned or not isinstance(index, ast.Slice) or index.lower is not None or index.step is not None or index.upper is None:
            refuse("this part of a range is not compiled.")
        assert isinstance(index, ast.Slice) and index.upper is not None
        upper = self.value(index.upper)
        if len(owner.parts) > 1:
            return self.count_cut_from(owner, upper)
        size = owner.parts[0]
        dim = size.dim if size.dim is not None else Dim.of(size.const, self.facts) if isinstance(size.const, int) else None
        made = scalar(f"min({upper.text}, {size.text})", INT)
        most = self.fresh("most")
        self.emit(f"{most} = {made.text}")
        if dim is not None:
            self.facts.ranges[most] = (Dim.of(0, self.facts), dim + 1)
        return Count((scalar(most, INT, "python", Dim.atom(most, None, self.facts)),))

    def count_flipped(self, owner: Count) -> Count:
        """range(a, b)[::-1]"""
        if owner.turned or len(owner.parts) > 2:
            refuse("this part of a range is not compiled.")
        start, stop = owner.parts if len(owner.parts) > 1 else (literal(0), owner.parts[0])
        last, before = (scalar(f"{v.text} - 1", INT, "python", v.dim - 1 if v.dim is not None else Dim.of(v.const - 1, self.facts) if isinstance(v.const, int) else None)
                        for v in (stop, start))
        return Count((last, before, literal(-1)))

    def count_cut_from(self, owner: Count, upper: Val) -> Count:
        """range(a, b, step)[:k]"""
        start, stop = owner.parts[:2]
        step = owner.parts[2].const if len(owner.parts) > 2 else 1
        if not isinstance(step, int) or step == 0:
            refuse("the step of a range must be a literal.")
        assert isinstance(step, int)
        most = self.fresh("most")
        self.emit(f"{most} = min({upper.text}, max(({stop.text} - {start.text} + {step - 1 if step > 0 else step + 1}) // {step}, 0))")
        return Count((start, scalar(f"{start.text} + {most} * {step}", INT), literal(step)))

    def tuple_item(self, owner: Tup, index: ast.expr) -> Value:
        if isinstance(index, ast.Slice):
            bounds = [None if b is None else self.literal_of(b) for b in (index.lower, index.upper, index.step)]
            kept = slice(*bounds)
            return Tup(owner.items[kept], owner.kind)
        key = self.value(index)
        known = key.const if isinstance(key, Val) else key.value if isinstance(key, Static) else None
        if owner.keys:
            return owner.items[owner.keys.index(known)]  # type: ignore[no-any-return]
        if isinstance(known, int):
            return owner.items[known]  # type: ignore[no-any-return]
        if isinstance(key, Val) and not key.dims and owner.items and all(isinstance(i, Val) and not i.dims for i in owner.items):
            whole = self.steady(self.gathered(owner))
            return self.indexed(whole, [key])
        return refuse("a tuple or list is indexed by what is not known when it is compiled.")  # type: ignore[no-any-return]

    gathered: Any

    def literal_of(self, node: ast.expr) -> int:
        found = self.value(node)
        if isinstance(found, Val) and isinstance(found.const, int):
            return found.const
        if isinstance(found, Val) and found.dim is not None and not found.dim.terms:
            return found.dim.const
        return refuse("a slice of a tuple must be known.")  # type: ignore[no-any-return]

    def items(self, index: ast.expr, owner: Val) -> list[Item]:
        """The parts of an index, one for each axis of the owner or None for a new one."""
        parts = parts_of(index)
        found: list[Any] = []
        for part in parts:
            if isinstance(part, ast.Slice):
                found.append(Slice(*(None if b is None else self.slice_bound(b) for b in (part.lower, part.upper, part.step))))
                continue
            value = self.value(part)
            if isinstance(value, Static):
                found.append(self.static_item(value.value))
            elif isinstance(value, Tup):
                found += [self.gathered(value)] if value.kind is list else list(value.items)
            else:
                found.append(value)
        used = sum(v.ndim if isinstance(v, Val) and v.dtype == BOOL else 1 for v in found if v is not None and v is not Ellipsis)
        rest = [Slice(None, None, None)] * (owner.ndim - used)
        if any(v is Ellipsis for v in found):
            where = next(k for k, v in enumerate(found) if v is Ellipsis)
            return [*found[:where], *rest, *found[where + 1:]]
        return [*found, *rest]

    def static_item(self, value: object) -> Any:
        if value is None or value is Ellipsis:
            return value
        if isinstance(value, slice):
            return Slice(*(None if b is None else literal(b) for b in (value.start, value.stop, value.step)))
        return refuse(f"the index {value!r} is not compiled.")

    def slice_bound(self, node: ast.expr) -> Val | None:
        value = self.value(node)
        if isinstance(value, Static) and value.value is None:
            return None
        if isinstance(value, Val) and not value.dims:
            return value
        return refuse("a slice needs integers.")  # type: ignore[no-any-return]

    # ---- reading

    def indexed(self, owner: Val, items: Sequence[Item]) -> Val:
        masks = [i for i in items if isinstance(i, Val) and i.dtype == BOOL]
        if masks:
            return self.masked(owner, items)
        if any(isinstance(i, Val) and i.dims for i in items):
            gather = self.gather(owner, items)
            return Val(owner.dtype, gather.dims, gather.at, "array" if gather.dims else "scalar")
        return self.basic(owner, items)

    def basic(self, owner: Val, items: Sequence[Item]) -> Val:
        """Integers, slices and new axes."""
        if any(isinstance(i, Slice) and not i.whole and self.nice(i, owner.dims[axis]) is None for i, axis in self.with_axes(items)):
            owner, items = self.sliced_at_run_time(owner, items)
        fixed = [(axis, i) for i, axis in self.with_axes(items) if isinstance(i, Val)]
        for axis, item in ((a, i) for i, a in self.with_axes(items) if isinstance(i, Slice) and not i.whole):
            start, size, step = self.nice(item, owner.dims[axis])  # type: ignore[misc]
            owner = self.cut(owner, axis, start, size, step)
        for axis, item in reversed(fixed):
            owner = self.fixed(owner, axis, self.checked(item, owner.dims[axis]))
        new = [k for k, i in enumerate(i for i in items if not isinstance(i, Val)) if i is None]
        return self.expanded(owner, new) if new else owner  # type: ignore[no-any-return]

    def with_axes(self, items: Sequence[Item]) -> list[tuple[Item, int]]:
        found = []
        axis = 0
        for item in items:
            if item is not None:
                found.append((item, axis))
                axis += item.ndim if isinstance(item, Val) and item.dtype == BOOL else 1
        return found

    def nice(self, item: Slice, size: Dim) -> tuple[Dim, Dim, int] | None:
        """Start, size and step of a slice, where facts about sizes tell them; None where only the run can."""
        step = 1 if item.step is None else item.step.const
        if not isinstance(step, int) or step == 0:
            return None
        try:
            if step < 0:
                if item.lower is not None or item.upper is not None:
                    return None
                return size - 1, size if step == -1 else (size + (-step - 1)) // -step, step
            start = self.edge(item.lower, size, Dim.of(0, self.facts))
            stop = self.edge(item.upper, size, size)
            if start is None or stop is None or stop is not size and not self.decided(start, stop):
                return None
            length = stop - start
            return start, length if step == 1 else (length + (step - 1)) // step, step
        except Undecided:
            return None

    def edge(self, value: Val | None, size: Dim, default: Dim) -> Dim | None:
        if value is None:
            return default
        dim = value.dim if value.dim is not None else Dim.of(value.const, self.facts) if isinstance(value.const, int) else None
        if dim is None:
            return None
        if dim.terms and size.value is None and dim.value is not None:
            return None
        if dim >= 0:
            return dim if dim.key == size.key or dim <= size else size
        return size + dim if size >= -dim else Dim.of(0, self.facts)

    def decided(self, start: Dim, stop: Dim) -> bool:
        return start.key == stop.key or start <= stop

    def cut(self, owner: Val, axis: int, start: Dim, size: Dim, step: int) -> Val:
        text = self.spell(start)
        text = "" if text == "0" else text
        dims = tuple(size if k == axis else d for k, d in enumerate(owner.dims))
        if owner.view is not None:
            axes = tuple(Along(axis, plus(a.start, bracketed(text), a.step), a.step * step, True) if isinstance(a, Along) and a.axis == axis else a for a in owner.view.axes)
            return viewed(View(owner.view.base, axes), owner.dtype, dims)
        moved = Along(0, text, step)
        return Val(owner.dtype, dims, lambda index: owner.at(tuple(moved.at(i) if k == axis else i for k, i in enumerate(index))), "array")

    def fixed(self, owner: Val, axis: int, index: str) -> Val:
        """One index of an axis."""
        dims = tuple(d for k, d in enumerate(owner.dims) if k != axis)
        if owner.view is not None:
            axes = tuple(Fixed(a.at(index)) if isinstance(a, Along) and a.axis == axis else a.moved(a.axis - (a.axis > axis)) if isinstance(a, Along) else a
                         for a in owner.view.axes)
            return viewed(View(owner.view.base, axes), owner.dtype, dims)
        return Val(owner.dtype, dims, lambda rest: owner.at((*rest[:axis], index, *rest[axis:])), "array" if dims else "scalar")

    def checked(self, item: Val, size: Dim) -> str:
        """An integer index, from the front and in range: by facts where they tell, or else tested by the code."""
        if item.dtype.kind not in "iu":
            refuse("an index must be an integer.")
        dim = item.dim if item.dim is not None else Dim.of(item.const, self.facts) if isinstance(item.const, int) else None
        if dim is not None:
            try:
                if dim >= 0:
                    if dim < size:
                        return self.spell(dim)
                elif size >= -dim:
                    return self.spell(size + dim)
            except Undecided:
                pass
        if item.unique and dim is None and item.const is None:
            return item.text
        return f"{self.helper('at')}({item.text}, {self.spell(size)})"

    def sliced_at_run_time(self, owner: Val, items: Sequence[Item]) -> tuple[Val, list[Item]]:
        """A view of Numba's where a slice is cut at the ends that the array turns out to have."""
        text = self.view_text(owner.view, owner.ndim) if owner.view is not None else ""
        if not text or text.endswith(".T"):
            text = self.stored(owner).name
        parts, rest, dims = [], [], []
        target = self.fresh("cut")
        for item, axis in self.with_axes(items):
            size = owner.dims[axis]
            known = None if not isinstance(item, Slice) else (Dim.of(0, self.facts), size, 1) if item.whole else self.nice(item, size)
            if known is not None or not isinstance(item, Slice):
                parts.append(":")
                dims.append(size)
                rest.append(item)
            else:
                bounds = [("" if b is None else b.text) for b in (item.lower, item.upper)]
                parts.append(":".join(bounds) + (f":{item.step.text}" if item.step is not None else ""))
                dims.append(self.atom(f"{target}.shape[{axis}]"))
                rest.append(Slice(None, None, None))
        self.emit(f"{target} = {text}[{', '.join(parts)}]", pure=True)
        self.aliases.join(text.split("[")[0], target)
        made = named(target, owner.dtype, tuple(dims))
        out: list[Item] = []
        it = iter(rest)
        for item in items:
            out.append(None if item is None else next(it))
        return made, out

    # ---- integer arrays

    def gather(self, owner: Val, items: Sequence[Item]) -> Gather:
        """Integer arrays among the indices."""
        plain = [Slice(None, None, None) if isinstance(i, Slice) and not i.whole else i for i in items]
        cut = [i if isinstance(i, Slice) else Slice(None, None, None) for i in items if i is not None]
        if any(not c.whole for c in cut):
            owner = self.basic(owner, cut)
        arrays = [(axis, self.steady(i)) for i, axis in self.with_axes(plain) if isinstance(i, Val)]
        shape = self.broadcast(*(v for _, v in arrays))
        spots = [k for k, i in enumerate(plain) if isinstance(i, Val)]
        together = spots == list(range(spots[0], spots[-1] + 1))
        lead = sum(1 for i in plain[: spots[0]] if not isinstance(i, Val)) if together else 0
        others = [(i, axis) for i, axis in self.with_axes(plain) if isinstance(i, Slice)]
        new_axes: list[Dim] = []
        order: list[int] = []  # axis of the owner for each other axis of the result, -1 for a new one
        count = iter(others)
        for item in plain:
            if item is None:
                new_axes.append(Dim.of(1, self.facts))
                order.append(-1)
            elif isinstance(item, Slice):
                axis = next(count)[1]
                new_axes.append(owner.dims[axis])
                order.append(axis)
        dims = (*new_axes[:lead], *shape, *new_axes[lead:])
        rank = len(shape)

        def at(index: Index) -> str:
            inner = index[lead: lead + rank]
            rest = (*index[:lead], *index[lead + rank:])
            place = ["0"] * owner.ndim
            for axis, array in arrays:
                place[axis] = self.element_index(array, inner, owner.dims[axis])
            for axis, i in zip(order, rest):
                if axis >= 0:
                    place[axis] = i
            return owner.at(tuple(place))

        unique = any(a.unique and a.ndim == 1 for _, a in arrays) and rank == 1
        return Gather(dims, at, unique, owner.view.base if owner.view is not None else "")

    def element_index(self, array: Val, index: Index, size: Dim) -> str:
        text = aligned(array, index)
        if array.unique and array.dims:
            try:
                if text == index[-1] and array.dims[0] <= size:
                    return text
            except Undecided:
                pass
        if not array.dims:
            return self.checked(array, size)
        return self.let(f"{self.helper('at')}({text}, {self.spell(size)})")  # type: ignore[no-any-return]


def bracketed(text: str) -> str:
    return text if not text or text.isidentifier() or text.isdigit() or text.endswith("]") and " " not in text else f"({text})"


__all__ = ["Indexing", "INT"]
