"""Masks, and places to write to that are not views.

    x[mask] = v    ->    for i: if mask[i]: x[i] = v
"""
from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from srcad.backends.building import Building
from srcad.backends.tree import Effects, effects, line
from srcad.backends.values import (
    INT,
    Index,
    Val,
    aligned,
    is_unit,
    refuse,
    replaced,
)
from srcad.dims import Dim, alike, is_one
from srcad.kinds import BOOL


@dataclass(frozen=True, eq=False)
class Slice:
    lower: Val | None
    upper: Val | None
    step: Val | None

    @property
    def whole(self) -> bool:
        return self.lower is None and self.upper is None and self.step is None


@dataclass(frozen=True, eq=False)
class Gather:
    """A place that is a function of an index: `x[rows[i], cols[i]]`."""

    dims: tuple[Dim, ...]
    at: Callable[[Index], str]
    unique: bool
    base: str = ""


Item = Val | Slice | None


class Places(Building):
    """Chooses by masks, and stores."""

    basic: Any
    gather: Any
    elementwise: Any
    let: Any

    # ---- masks

    def masked(self, owner: Val, items: Sequence[Item]) -> Val:
        """x[mask]: the elements where it holds."""
        mask, rest = self.mask_of(owner, items)
        mask = self.steady(mask)
        owner = self.steady(owner)
        count, target = self.fresh("count"), self.fresh("chosen")
        self.emit(f"{count} = 0", pure=True)
        self.loops(mask.dims, lambda index: self.emit(f"{count} += {mask.at(index)}"))
        tail = owner.dims[mask.ndim:]
        size = self.atom(count)
        out = self.alloc(target, (size, *tail), owner.dtype)
        place = self.fresh("place")
        self.emit(f"{place} = 0", pure=True)

        def body(index: Index) -> None:
            self.conditional(mask.at(index), lambda: self.collect(out, owner, place, index, tail))

        self.loops(mask.dims, body)
        if any(not (isinstance(i, Slice) and i.whole) for i in rest):
            return self.basic(out, [Slice(None, None, None), *rest])
        return out

    def places_of(self, mask: Val) -> list[Val]:
        """Where a mask holds: the indices, for each axis."""
        mask = self.steady(mask)
        count, place = self.fresh("count"), self.fresh("place")
        self.emit(f"{count} = 0", pure=True)
        self.loops(mask.dims, lambda index: self.emit(f"{count} += {mask.at(index)}"))
        made = [self.alloc(self.fresh("where"), (self.atom(count),), INT) for _ in mask.dims]
        self.emit(f"{place} = 0", pure=True)

        def body(index: Index) -> None:
            for out, i in zip(made, index):
                self.emit(f"{out.at((place,))} = {i}")
            self.emit(f"{place} += 1")

        self.loops(mask.dims, lambda index: self.conditional(mask.at(index), lambda: body(index)))
        return [replaced(out, unique=mask.ndim == 1) for out in made]

    def collect(self, out: Val, owner: Val, place: str, index: Index, tail: Sequence[Dim]) -> None:
        self.loops(tail, lambda more: self.emit(f"{out.at((place, *more))} = {owner.at((*index, *more))}"))
        self.emit(f"{place} += 1")

    def conditional(self, test: str, body: Callable[[], None]) -> None:
        """`if test:` around what the body emits."""
        from srcad.backends.tree import Frame

        with self.block() as inner:
            body()
        self.out.append(Frame([f"if {test}:"], [inner], set(), set()))

    def mask_of(self, owner: Val, items: Sequence[Item]) -> tuple[Val, list[Item]]:
        """The mask of an index, as large as what it is laid on, and what comes after it."""
        first = items[0]
        if not isinstance(first, Val) or first.dtype != BOOL or any(isinstance(i, Val) and i.dtype == BOOL or i is None for i in items[1:]):
            refuse("a mask is compiled as the first index only.")
        assert isinstance(first, Val)
        for size, wanted in zip(first.dims, owner.dims):
            if not alike(size, wanted):
                self.check(f"{self.helper('covering')}({self.spell(size)}, {self.spell(wanted)})")
        return first, list(items[1:])

    # ---- places to write to

    def store(self, owner: Val, items: Sequence[Item], op: str, value: Val) -> None:
        """`owner[items] op= value`."""
        if owner.view is None:
            refuse("what is written to is not an array with a name.")
        if any(isinstance(i, Val) and i.dtype == BOOL for i in items):
            self.store_mask(owner, items, op, value)
        elif any(isinstance(i, Val) and i.dims for i in items):
            gather = self.gather(owner, items)
            self.store_gather(owner, gather, op, value)
        else:
            place = self.basic(owner, items)
            if place.view is None or self.aliases.find(place.view.base) != self.aliases.find(owner.view.base):  # type: ignore[union-attr]
                refuse("a store into this slice is not compiled.")
            self.write(place.view, place.dims, owner.dtype, op, value)  # type: ignore[arg-type]

    def store_gather(self, owner: Val, gather: Gather, op: str, value: Val) -> None:
        """Stores at integer arrays, one after the other; `+=` reads all of them first unless none comes twice."""
        if value.ndim > len(gather.dims):
            value = self.squeezed(value, len(gather.dims))
        for own, wanted in zip(value.dims, gather.dims[len(gather.dims) - value.ndim:]):
            if not is_unit(own):
                self.meet(own, wanted)
        if op and not gather.unique:
            old = self.stored(Val(owner.dtype, gather.dims, gather.at, "array"))
            value = self.elementwise({"+": np.add, "-": np.subtract, "*": np.multiply, "/": np.divide}[op], old, value)
            op = ""
        value = self.apart(value, owner)
        symbol = f"{op}=" if op else "="
        self.loops(gather.dims, lambda index: self.emit(f"{gather.at(index)} {symbol} {aligned(value, index)}"))

    def add_at(self, owner: Val, items: Sequence[Item], value: Val, op: str = "+") -> None:
        """np.add.at: each in turn."""
        if owner.view is None:
            refuse("what is written to is not an array with a name.")
        gather = self.gather(owner, items) if any(isinstance(i, Val) and i.dims for i in items) else None
        if gather is None:
            self.store(owner, items, op, value)
            return
        if not value.dims or value.view is None and gather.unique is False and self.reads_from(value, gather.dims, owner) or value.view is not None:
            value = self.apart(value, owner)
        for own, wanted in zip(value.dims, gather.dims[len(gather.dims) - value.ndim:]):
            if not is_unit(own):
                self.meet(own, wanted)
        self.loops(gather.dims, lambda index: self.emit(f"{gather.at(index)} {op}= {aligned(value, index)}"))

    def reads_from(self, value: Val, dims: Sequence[Dim], owner: Val) -> bool:
        """Whether computing a value reads memory of the owner."""
        index = tuple(f"_o{k}" for k in range(len(dims)))
        with self.block() as inner:
            inner.append(line(f"_o = {aligned(value, index)}"))
            found = Effects()
            for node in inner:
                found.merge(effects(node))
        names = {n for n, _, _ in found.elements} | set(found.whole)
        return owner.view is not None and self.aliases.find(owner.view.base) in {self.aliases.find(n) for n in names}

    def store_mask(self, owner: Val, items: Sequence[Item], op: str, value: Val) -> None:
        mask, rest = self.mask_of(owner, items)
        if any(not (isinstance(i, Slice) and i.whole) for i in rest):
            refuse("a mask with other indices is not compiled as a place to write to.")
        mask = self.steady(mask)
        symbol = f"{op}=" if op else "="
        tail = owner.dims[mask.ndim:]
        if value.ndim > len(tail):
            self.store_chosen(owner, mask, symbol, self.apart(value, owner), tail)
            return
        value = self.apart(value, owner)

        def body(index: Index) -> None:
            self.conditional(mask.at(index), lambda: self.loops(tail, lambda more: self.emit(f"{owner.at((*index, *more))} {symbol} {aligned(value, more)}")))

        self.loops(mask.dims, body)

    def apart(self, value: Val, owner: Val) -> Val:
        """A value that stays what it is while the owner is written to."""
        if not value.dims:
            return value if value.const is not None else self.steady_copy(value)
        if value.view is not None and owner.view is not None and self.aliases.find(value.view.base) != self.aliases.find(owner.view.base):
            return value
        return self.stored(value)

    def store_chosen(self, owner: Val, mask: Val, symbol: str, value: Val, tail: Sequence[Dim]) -> None:
        """One value for each place where the mask holds."""
        place = self.fresh("place")
        self.emit(f"{place} = 0", pure=True)
        single = is_unit(value.dims[0]) or bool(value.dims[0].value is not None and is_one(value.dims[0]))

        def inner(index: Index) -> None:
            spot = "0" if single else place
            self.loops(tail, lambda more: self.emit(f"{owner.at((*index, *more))} {symbol} {aligned(value, (spot, *more))}"))
            self.emit(f"{place} += 1")

        self.loops(mask.dims, lambda index: self.conditional(mask.at(index), lambda: inner(index)))
        if not single:
            self.check_same_text(place, self.spell(value.dims[0]))

    def check_same_text(self, a: str, b: str) -> None:
        self.check(f"{self.helper('same')}({a}, {b})")
