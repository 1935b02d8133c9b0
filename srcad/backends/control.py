"""Branches and loops of the program, and what a name is where paths meet.

    for i in range(n): h = f(h)    ->    the kinds at the head and at the end of a pass are made the same
"""
from __future__ import annotations

import ast
from collections.abc import Sequence
from typing import Any

import numpy as np

from srcad.backends.expressions import Expressions
from srcad.backends.indexing import Indexing
from srcad.backends.layout import Layout
from srcad.backends.products import Products
from srcad.backends.reductions import Reductions
from srcad.backends.stacks import Again, Stacks
from srcad.backends.tree import Frame, Line, Node
from srcad.backends.values import (
    INT,
    Count,
    Stack,
    Static,
    Tup,
    Val,
    Value,
    literal,
    named,
    refuse,
    scalar,
)
from srcad.dims import Dim
from srcad.kinds import BOOL
from srcad.syntax import expression, steps_of

Env = dict[str, Value]


class Unset(Static):
    """A name that is None until it gets a value."""

    line: Line


class Control(Expressions, Indexing, Layout, Products, Reductions, Stacks):
    """Lowers branches and loops."""

    statements: Any
    assign: Any
    solid: set[str]
    bound: dict[str, list[int]]
    exits: list[Env]
    solid: set[str]

    # ---- branches and loops

    def branch(self, test: ast.expr, body: Sequence[ast.stmt], orelse: Sequence[ast.stmt]) -> None:
        condition = self.truth(test)
        if condition in ("True", "False"):
            self.statements(body if condition == "True" else orelse)
            return
        entry = dict(self.env)
        with self.block() as first:
            self.statements(body)
        after = self.env
        self.env = dict(entry)
        with self.block() as second:
            self.statements(orelse)
        ends = [e for e, s in ((after, body), (self.env, orelse)) if not leaves_block(s)]
        self.env = self.joined(ends[0], ends[1]) if len(ends) == 2 else ends[0] if ends else after
        heads, blocks = [f"if {condition}:"], [first]
        if second:
            heads, blocks = [*heads, "else:"], [first, second]
        self.out.append(Frame(heads, blocks, set(), set()))

    def counted(self, target: ast.expr, iterable: ast.expr, body: Sequence[ast.stmt]) -> None:
        value = self.value(as_range(iterable))
        if isinstance(value, Tup) and value.kind in (list, tuple, dict):
            for item in value.items:
                self.assign(target, item, len(self.out))
                self.statements(body)
            return
        head, bindings, trip = self.iteration(target, value)
        self.loop(lambda: head, bindings, body, trip)

    def iteration(self, target: ast.expr, value: Value) -> tuple[str, Any, Dim | None]:
        """The head of a for loop, what to do at the start of a pass, and how many passes there are at most."""
        if isinstance(value, Count):
            start, stop, step = self.bounds(value)
            if not isinstance(target, ast.Name):
                refuse("this loop is not compiled.")
            assert isinstance(target, ast.Name)
            dim, trip = self.index_dim(target.id, start, stop, step)
            parts = self.count_text(start, stop, step, value.turned)

            def bind_index() -> None:
                self.env[target.id] = scalar(target.id, INT, "python", dim)

            return f"for {target.id} in range({parts}):", bind_index, trip
        return self.over_items(target, value)

    def over_items(self, target: ast.expr, value: Value) -> tuple[str, Any, Dim | None]:
        """A loop over the rows of an array, the items of a list, turned round or numbered."""
        turned, first, parts = False, None, [value]
        if isinstance(value, Tup) and value.kind == "enumerate":
            first, parts = value.items[1], [value.items[0]]
        elif isinstance(value, Tup) and value.kind == "zip":
            parts = list(value.items)
        elif isinstance(value, Tup) and value.kind == "reversed":
            turned, parts = True, [value.items[0]]
        counter = self.fresh("at_")
        sources = [self.steady(p) if isinstance(p, Val) else p for p in parts]
        if not all(isinstance(p, (Val, Stack)) for p in sources):
            refuse("this loop is not compiled.")
        sizes = [self.stack_size(p) if isinstance(p, Stack) else self.spell(p.dims[0]) for p in sources]  # type: ignore[union-attr]
        size = sizes[0] if len(sizes) == 1 else f"min({', '.join(sizes)})"
        trip = sources[0].dims[0] if len(sources) == 1 and isinstance(sources[0], Val) else None

        def bind_items() -> None:
            items: list[Value] = []
            for source in sources:
                if isinstance(source, Stack):
                    found = [self.item_at(source, k, counter) if source.capacity else self.listed_at(source, k, counter) for k in range(len(source.parts or ()))]
                    items.append(found[0] if source.single else Tup(tuple(found)))
                else:
                    items.append(self.fixed(source, 0, counter))
            if first is not None:
                items = [self.operator(np.add, first, scalar(counter, INT)), *items]
            self.assign(target, items[0] if len(items) == 1 else Tup(tuple(items)), len(self.out))

        head = f"for {counter} in range({size} - 1, -1, -1):" if turned else f"for {counter} in range({size}):"
        return head, bind_items, trip

    def listed_at(self, stack: Stack, k: int, place: str) -> Val:
        target = self.fresh("item")
        self.emit(f"{target} = {stack.buffers[k]}[{place}]")
        assert stack.parts is not None
        return self.list_item(stack.buffers[k], target, stack.parts[k])

    def bounds(self, count: Count) -> tuple[Val, Val, int]:
        parts = count.parts
        start, stop = (literal(0), parts[0]) if len(parts) == 1 else (parts[0], parts[1])
        step = parts[2].const if len(parts) > 2 else 1
        if not isinstance(step, int) or step == 0:
            refuse("the step of a range must be a literal.")
        assert isinstance(step, int)
        return start, stop, step

    def count_text(self, start: Val, stop: Val, step: int, turned: bool) -> str:
        a, b = start.text, stop.text
        if turned:
            if step == 1:
                return f"{b} - 1, {'-1' if a == '0' else f'{a} - 1'}, -1"
            last = f"{a} + (({b} - {a} + {step - 1 if step > 0 else step + 1}) // {step} - 1) * {step}"
            return f"{last}, {a} - {step}, {-step}"
        return b if a == "0" and step == 1 else f"{a}, {b}" if step == 1 else f"{a}, {b}, {step}"

    def index_dim(self, name: str, start: Val, stop: Val, step: int) -> tuple[Dim | None, Dim | None]:
        """The index as a dimension, with its range recorded; and the number of passes."""
        low, high = (v.dim if v.dim is not None else Dim.of(v.const, self.facts) if isinstance(v.const, int) else None for v in (start, stop))
        if low is None or high is None:
            return None, None
        if step < 0:
            low, high = high + 1, low + 1
        trip = (high - low) if abs(step) == 1 else (high - low + (abs(step) - 1)) // abs(step)
        _, most = self.facts.bounds(trip)
        trip_known = most if most.value is not None else None
        if len(self.bound.get(name, [])) != 1:
            return None, trip_known
        self.facts.ranges[name] = (low, high)
        return Dim.atom(name, None, self.facts), trip_known

    def repeated(self, test: ast.expr, body: Sequence[ast.stmt]) -> None:
        def head() -> str:
            return f"while {self.truth(test)}:"

        self.loop(head, lambda: None, body, None)

    def loop(self, head: Any, bindings: Any, body: Sequence[ast.stmt], trip: Dim | None) -> None:
        """Lower a loop until a pass leaves behind what was assumed at its head."""
        entry = dict(self.env)
        start = entry
        exits = getattr(self, "exits", [])
        for _ in range(8):
            self.env, self.exits = dict(start), []
            with self.block() as before:
                text = head()
            if before and text.startswith("while"):
                text, body_head = "while True:", [*before, *negated(text)]
                before = []
            else:
                body_head = []
            self.trips.append(trip)
            with self.block() as inner:
                bindings()
                self.statements(body)
            self.trips.pop()
            ends = [*self.exits, *([] if leaves_block(body) else [self.env])]
            reached = start
            for end in ends:
                reached = self.joined(reached, end)
            if alike_env(reached, start):
                break
            start = reached
        else:
            refuse("a loop whose variables change their kind from pass to pass is not compiled.")
        self.exits = exits
        self.env = reached
        self.out += before
        self.out.append(Frame([text], [[*body_head, *inner]], set(), set()))

    # ---- where paths meet

    def joined(self, a: Env, b: Env) -> Env:
        merged: Env = {}
        for name in {**a, **b}:
            if name not in a or name not in b:
                merged[name] = a.get(name, b.get(name))  # type: ignore[assignment]
            else:
                merged[name] = self.met(name, a[name], b[name])
        return merged

    def met(self, name: str, a: Value, b: Value) -> Value:
        if a is b:
            return a
        if isinstance(a, Unset) or isinstance(b, Unset):
            return self.set_later(name, a, b)
        if isinstance(a, Val) and isinstance(b, Val):
            if a.ndim != b.ndim:
                refuse(f"`{name}` is an array on one path and a number, or an array of another rank, on another.")
            return self.met_arrays(name, a, b) if a.dims else self.met_scalars(name, a, b)
        if isinstance(a, Tup) and isinstance(b, Tup) and len(a.items) == len(b.items):
            return Tup(tuple(self.met(f"{name}[{k}]", x, y) for k, (x, y) in enumerate(zip(a.items, b.items))), a.kind, a.keys)
        if isinstance(a, Static) and isinstance(b, Static) and a.value is b.value:
            return a
        if isinstance(a, Stack) and isinstance(b, Stack) and a.name == b.name:
            return b
        return Static(None) if not name.isidentifier() else refuse(f"`{name}` is of different kinds on two paths.")

    def set_later(self, name: str, a: Value, b: Value) -> Value:
        other = b if isinstance(a, Unset) else a
        unset = a if isinstance(a, Unset) else b
        if isinstance(other, Unset):
            return other
        if not isinstance(other, Val) or not isinstance(unset, Unset):
            return refuse(f"`{name}` is None on one path.")  # type: ignore[no-any-return]
        kind = f", np.{other.dtype.name}" if other.dtype != BOOL else ", np.bool_"
        zero = "False" if other.dtype == BOOL else "0.0" if other.dtype.kind == "f" else "0"
        text = f"{name} = np.empty(({'0, ' * other.ndim}){kind})" if other.dims else f"{name} = {zero}"
        unset.line.tree = ast.parse(text).body[0]
        unset.line.effects = None
        return other

    def met_scalars(self, name: str, a: Val, b: Val) -> Val:
        if a.dtype == b.dtype and a.form == b.form and a.text == b.text and a.const == b.const and same_dim(a.dim, b.dim):
            return a
        dtype = a.dtype if a.dtype == b.dtype else np.result_type(a.dtype, b.dtype)
        return scalar(name if a.text != b.text else a.text, dtype, a.form if a.form == b.form else "scalar")

    def met_arrays(self, name: str, a: Val, b: Val) -> Val:
        if a.dtype != b.dtype:
            refuse(f"`{name}` has the dtypes {a.dtype} and {b.dtype} on two paths.")
        if a.view == b.view and [d.key for d in a.dims] == [d.key for d in b.dims]:
            return a
        if a.view != b.view and name not in self.solid and name.isidentifier():
            self.solid.add(name)
            raise Again
        if a.view != b.view and not (a.name and b.name):
            return refuse(f"`{name}` is another part of memory on each path.")  # type: ignore[no-any-return]
        dims = tuple(x if x.key == y.key else self.atom(f"{name}.shape[{k}]") for k, (x, y) in enumerate(zip(a.dims, b.dims)))
        return named(name, a.dtype, dims)



def negated(head: str) -> list[Node]:
    test = head.removeprefix("while ").removesuffix(":")
    from srcad.backends.tree import line

    return [line(f"if not {test}:\n    break")]


def leaves_block(body: Sequence[ast.stmt]) -> bool:
    """Whether the end of a block is not reached."""
    if not body:
        return False
    last = body[-1]
    if isinstance(last, (ast.Return, ast.Break, ast.Continue, ast.Raise)):
        return True
    return isinstance(last, ast.If) and leaves_block(last.body) and leaves_block(last.orelse)


def same_dim(a: Dim | None, b: Dim | None) -> bool:
    return a is b or a is not None and b is not None and a.key == b.key


def alike_env(a: Env, b: Env) -> bool:
    return all(alike_values(a[k], b[k]) for k in b) and not (set(a) - set(b) and any(isinstance(a[k], Stack) and a[k].parts is None for k in set(a) - set(b)))  # type: ignore[union-attr]


def alike_values(a: Value, b: Value) -> bool:
    if a is b:
        return True
    if isinstance(a, Val) and isinstance(b, Val):
        return a.dtype == b.dtype and a.form == b.form and a.view == b.view and a.const == b.const and same_dim(a.dim, b.dim) and (
            a.dims != () or a.text == b.text) and len(a.dims) == len(b.dims) and all(x.key == y.key for x, y in zip(a.dims, b.dims))
    if isinstance(a, Tup) and isinstance(b, Tup):
        return len(a.items) == len(b.items) and all(map(alike_values, a.items, b.items))
    return isinstance(a, Stack) and isinstance(b, Stack) and a.name == b.name


def as_range(iterable: ast.expr) -> ast.expr:
    """What a loop runs over, with a tuple of evenly spaced numbers as the range that it comes to."""
    match iterable:
        case ast.Tuple(elts=elts) if (steps := steps_of(elts)) is not None:
            return expression(f"range({steps.start}, {steps.stop}, {steps.step})")
        case ast.Call(func=ast.Name(id="reversed") as func, args=[inner]):
            return ast.Call(func=func, args=[as_range(inner)], keywords=[])
        case ast.Subscript(value=value, slice=index):
            return ast.Subscript(value=as_range(value), slice=index, ctx=ast.Load())
    return iterable
