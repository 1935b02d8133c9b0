"""Lists that grow and shrink, as arrays with a counter where their greatest length is known, or else as Numba's lists.

    hs = []; hs.append(h); h = hs.pop()    ->    hs = np.empty((n, d)); hs_n = 0; hs[hs_n, i] = h[i]; hs_n += 1; ...
"""
from __future__ import annotations

import ast
from collections.abc import Sequence
from typing import Any

import numpy as np

from srcad.backends.building import Building, new_array
from srcad.backends.tree import Frame, Line, Node, line
from srcad.backends.values import FLOAT, INT, Along, Fixed, Index, Repeated, Stack, Static, Tup, Val, Value, View, named, refuse, scalar, viewed
from srcad.dims import Dim
from srcad.kinds import BOOL


class Again(Exception):
    """What was assumed of a list does not hold: the function is lowered again."""


class Stacks(Building):
    """Makes, fills and empties lists."""

    number: Any
    checked: Any
    trips: list[Dim | None]  # the passes of the loops that are open, at most
    marks: dict[int, Stack]
    growing: dict[str, list[int]]  # list -> the lines where it grows
    spans: list[tuple[int, int]]  # the lines of each loop
    line_number: int

    def new_stack(self, name: str) -> Stack:
        stack = Stack(name)
        stack.depth = len(self.trips)  # type: ignore[attr-defined]
        stack.counter = self.fresh(f"{name}_n")  # type: ignore[attr-defined]
        mark = Line(ast.Pass())
        self.marks[id(mark)] = stack
        stack.mark = mark  # type: ignore[attr-defined]
        self.out.append(mark)
        return stack

    def expanded_marks(self, block: list[Node]) -> list[Node]:
        """The lines that make each list, now that what is in it is known."""
        from srcad.backends.tree import inner_blocks

        out: list[Node] = []
        for node in block:
            for inner in inner_blocks(node):
                inner[:] = self.expanded_marks(inner)
            if isinstance(node, Line) and id(node) in self.marks:
                out += self.making(self.marks[id(node)])
            else:
                out.append(node)
        return out

    def making(self, stack: Stack) -> list[Node]:
        counter = stack.counter  # type: ignore[attr-defined]
        if stack.parts is None:
            return [line(f"{counter} = 0")]
        if not stack.capacity:
            filled = f"[{stack.filled.item.text}] * {stack.filled.size.text}" if stack.filled is not None else "[]"
            return [line(f"{label} = {filled}") for label in stack.buffers]
        if stack.filled is not None:
            return self.refilled(stack, stack.filled)
        made: list[Node] = [line(f"{counter} = 0")]
        for label, part in zip(stack.buffers, stack.parts):
            made.append(line(f"{label} = {new_array('empty', [stack.capacity, *map(self.extent, part.dims)], part.dtype)}"))
        return made

    def refilled(self, stack: Stack, filled: Repeated) -> list[Node]:
        """An array that holds something from the beginning, with room for what comes to it."""
        counter, at = stack.counter, self.fresh("i")  # type: ignore[attr-defined]
        room = f"max({counter}, 0)" if stack.capacity == "0" else f"max({counter}, 0) + {stack.capacity}"
        made = line(f"{stack.name} = {new_array('empty', [room], filled.item.dtype)}")
        fill = Frame([f"for {at} in range({counter}):"], [[line(f"{stack.name}[{at}] = {filled.item.text}")]], set(), set())
        return [line(f"{counter} = {filled.size.text}"), made, fill]

    def room(self, stack: Stack) -> str:
        """How many items the lines of a loop add, at most; empty where that is not known."""
        trips = self.trips[stack.depth:]  # type: ignore[attr-defined]
        lines = self.growing.get(stack.name, [])
        if any(t is None for t in trips) or not trips or len({self.loops_around(at) for at in lines}) != 1:  # lines of one loop say how often
            return ""
        factors = [self.bracketed(self.extent(t)) for t in trips if t is not None] + [str(len(lines))] * (len(lines) > 1)
        return " * ".join(factors)

    def first(self, stack: Stack, parts: Sequence[Val], single: bool) -> None:
        """What the first item says of all."""
        stack.parts, stack.single = list(parts), single
        stack.buffers = (stack.name,) if single else tuple(self.fresh(f"{stack.name}_{k}") for k in range(len(parts)))
        if stack.name in self.ragged:
            stack.parts = [Val(p.dtype, tuple(self.atom(f"{stack.name}_size{k}") for k in range(p.ndim)), p.at, p.form) for p in parts]
            return
        if all(d.value is not None for p in parts for d in p.dims):
            stack.capacity = self.room(stack)

    def push(self, stack: Stack, value: Value) -> None:
        parts = [self.number(i) for i in value.items] if isinstance(value, Tup) else [self.number(value)]
        if stack.parts is None:
            self.first(stack, parts, not isinstance(value, Tup))
        assert stack.parts is not None
        if len(parts) != len(stack.parts) or any(p.ndim != q.ndim for p, q in zip(parts, stack.parts)):
            refuse(f"the items of `{stack.name}` are not of one kind.")
        for k, (part, known) in enumerate(zip(parts, stack.parts)):
            if part.dtype != known.dtype:
                stack.parts[k] = Val(np.result_type(part.dtype, known.dtype), known.dims, known.at, known.form)
            if stack.name not in self.ragged and any(a.key != b.key for a, b in zip(part.dims, known.dims)):
                self.ragged.add(stack.name)
                raise Again
        if stack.filled is not None and stack.capacity == "0":
            stack.capacity = self.room(stack)
            if not stack.capacity:
                self.unbounded.add(stack.name)
                raise Again
        if stack.is_full:
            refuse(f"the list `{stack.name}` grows beyond the array that it is made of.")
        self.pushed(stack, parts)

    def pushed(self, stack: Stack, parts: Sequence[Val]) -> None:
        counter = stack.counter  # type: ignore[attr-defined]
        for label, part in zip(stack.buffers, parts):
            if not stack.capacity:
                text = part.text if not part.dims else part.name if part.name and part.name not in self.mutated else self.stored(part).name
                text = f"float({text})" if not part.dims and part.dtype == FLOAT and part.const is None and text.isidentifier() else text
                self.emit(f"{label}.append({text})")
                if part.dims:
                    self.aliases.join(label, text)
                continue
            place = View(label, (Fixed(counter), *(Along(k) for k in range(part.ndim))))
            self.loops(part.dims, lambda index, part=part, place=place: self.emit(f"{place.at(index)} = {part.at(index)}"))  # type: ignore[misc]
        if stack.capacity:
            self.emit(f"{counter} += 1")

    mutated: set[str]
    ragged: set[str]  # lists whose items differ in size
    unbounded: set[str]  # lists that hold something from the beginning, and grow by no known number

    def popped(self, stack: Stack) -> Value:
        if stack.parts is None:
            return refuse(f"`{stack.name}` is emptied before it is filled.")  # type: ignore[no-any-return]
        counter = stack.counter  # type: ignore[attr-defined]
        items = []
        if stack.capacity:
            top = self.fresh("top")
            self.emit(f"{top} = {self.helper('at')}(-1, {counter})" if self.is_of_program(stack.name) else f"{top} = {counter} - 1")
            self.emit(f"{counter} = {top}")
            items = [self.item_at(stack, k, top) for k in range(len(stack.parts))]
            if not self.settled(stack):
                items = [self.stored(i) if i.dims else self.steady_copy(i) for i in items]
        else:
            for label, part in zip(stack.buffers, stack.parts):
                target = self.fresh("item")
                self.emit(f"{target} = {label}.pop()")
                items.append(self.list_item(label, target, part))
        return items[0] if stack.single else Tup(tuple(items))

    def is_of_program(self, name: str) -> bool:
        """Whether a list is the program's, which may be empty where an item is taken from it; what the forward pass keeps is not."""
        state = getattr(self.paths, "state", None)  # type: ignore[attr-defined]
        return state is None or name in state.lists

    def settled(self, stack: Stack) -> bool:
        """Whether nothing more is put on a list after this line."""
        here = self.line_number
        return all(g < here and not self.loops_around(g) & self.loops_around(here) for g in self.growing.get(stack.name, []))

    def loops_around(self, at: int) -> frozenset[tuple[int, int]]:
        """The loops, as the lines that they take, that a line is in."""
        return frozenset((first, last) for first, last in self.spans if first <= at <= last)

    def list_item(self, label: str, target: str, part: Val) -> Val:
        if not part.dims:
            return scalar(target, part.dtype, part.form)
        self.aliases.join(label, target)
        dims = tuple(d if d.value is not None else self.atom(f"{target}.shape[{k}]") for k, d in enumerate(part.dims))
        return named(target, part.dtype, dims)

    def item_at(self, stack: Stack, k: int, place: str) -> Val:
        assert stack.parts is not None
        part = stack.parts[k]
        if not part.dims:
            label = stack.buffers[k]
            return scalar(f"{label}[{place}]", part.dtype, part.form)
        return viewed(View(stack.buffers[k], (Fixed(place), *(Along(a) for a in range(part.ndim)))), part.dtype, part.dims)

    def stack_size(self, stack: Stack) -> str:
        if stack.parts is None and len(self.trips) > stack.depth:  # type: ignore[attr-defined]
            refuse(f"the length of `{stack.name}` in a loop, before the line that fills it, is not compiled.")
        if stack.parts is None:
            return "0"
        return stack.counter if stack.capacity else f"len({stack.buffers[0]})"  # type: ignore[attr-defined,no-any-return]

    def stack_item(self, stack: Stack, key: Value) -> Value:
        if stack.parts is None or not isinstance(key, Val):
            return refuse(f"`{stack.name}[...]` is not compiled here.")  # type: ignore[no-any-return]
        size = self.stack_size(stack)
        place = self.scalar_name(scalar(f"{self.helper('at')}({key.text}, {size})", INT), "spot")
        if not stack.capacity:
            items = []
            for label, part in zip(stack.buffers, stack.parts):
                target = self.fresh("item")
                self.emit(f"{target} = {label}[{place}]")
                items.append(self.list_item(label, target, part))
        else:
            items = [self.item_at(stack, k, place) for k in range(len(stack.parts))]
        return items[0] if stack.single else Tup(tuple(items))

    def stack_method(self, stack: Stack, attribute: str, args: Sequence[Value]) -> Value:
        if attribute == "append":
            self.push(stack, args[0])
            return Static(None)
        if attribute == "pop" and not args:
            return self.popped(stack)
        return refuse(f"the method `{attribute}` of a list is not compiled.")  # type: ignore[no-any-return]

    def stack_array(self, stack: Stack) -> Val:
        """np.array of a list."""
        if stack.parts is None or not stack.single:
            refuse(f"an array of `{stack.name}` is not compiled.")
        assert stack.parts is not None
        part = stack.parts[0]
        count = self.fresh("count")
        self.emit(f"{count} = {self.stack_size(stack)}")
        dims = (self.atom(count), *part.dims)
        if stack.capacity:
            return Val(part.dtype, dims, lambda index: f"{stack.buffers[0]}[{', '.join(index)}]", "array")
        if any(d.value is None for d in part.dims):
            refuse(f"the list `{stack.name}`, whose items' sizes are known only at run time.")
        out = self.alloc(self.fresh("whole"), dims, part.dtype)

        def body(index: Index) -> None:
            inner = f"[{', '.join(index[1:])}]" if len(index) > 1 else ""
            self.emit(f"{out.at(index)} = {stack.buffers[0]}[{index[0]}]{inner}")

        self.loops(dims, body)
        return out

    def laid_out(self, stack: Stack) -> Stack:
        """A list of Numba's as arrays, to be handed on."""
        assert stack.parts is not None
        buffers = []
        for label, part in zip(stack.buffers, stack.parts):
            one = Stack(label, [part], True, "", (label,))
            one.counter = ""  # type: ignore[attr-defined]
            buffers.append(self.array(self.stack_array(one), label))
        made = Stack(stack.name, stack.parts, stack.single, "1", tuple(buffers))
        made.counter = f"len({buffers[0]})"  # type: ignore[attr-defined]
        return made

    def array_as_stack(self, value: Val) -> Stack:
        """list(x): its rows, to be taken off."""
        stored = self.stored(value)
        stack = Stack(stored.name, [Val(stored.dtype, stored.dims[1:], stored.at, "array" if stored.dims[1:] else "scalar")], True, self.spell(stored.dims[0]), (stored.name,), is_full=True)
        stack.counter = self.fresh(f"{stored.name}_n")  # type: ignore[attr-defined]
        stack.depth = len(self.trips)  # type: ignore[attr-defined]
        self.emit(f"{stack.counter} = {self.spell(stored.dims[0])}")  # type: ignore[attr-defined]
        return stack


__all__ = ["Stacks", "BOOL", "Dim"]
