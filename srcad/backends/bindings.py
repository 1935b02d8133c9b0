"""Names and what they mean: a number, an array of its own, a part of another one, a tuple, a list.

    q = x[1:]        a view: no code, x[i + 1] where q[i] is read
    q = x + 1        an array of its own, filled by a loop
"""
from __future__ import annotations

import ast
import re
from collections.abc import Sequence

from srcad.backends.control import Control, Unset
from srcad.backends.tree import Line
from srcad.backends.values import Along, Fixed, Repeated, Static, Tup, Val, Value, View, named, refuse, replaced, scalar
from srcad.dims import Dim


class Bindings(Control):
    """Gives names values."""

    solid: set[str]  # names that must be variables of the kernel: they mean different memory on two paths

    def simple(self, name: str, array: bool = False) -> bool:
        raise NotImplementedError

    def steady_text(self, text: str) -> bool:
        raise NotImplementedError

    def written(self, base: str) -> bool:
        raise NotImplementedError

    def put(self, owner: ast.expr, index: ast.expr, op: str, value: Val) -> None:
        raise NotImplementedError

    def assign(self, target: ast.expr, value: Value, mark: int) -> None:
        match target:
            case ast.Name(id=identifier):
                self.bind(identifier, value, mark)
            case ast.Tuple(elts=elts) | ast.List(elts=elts):
                self.unpack(elts, value)
            case ast.Subscript(value=owner, slice=index):
                self.put(owner, index, "", self.number(value))
            case _:
                refuse(f"assignment to `{ast.unparse(target)}` is not compiled.")

    def unpack(self, targets: Sequence[ast.expr], value: Value) -> None:
        if isinstance(value, Val) and value.dims:
            value = self.steady(value)
            value = Tup(tuple(self.fixed(value, 0, str(k)) for k in range(len(targets))))
        if not isinstance(value, Tup) or len(value.items) != len(targets):
            refuse("this unpacking is not compiled.")
        assert isinstance(value, Tup)
        items = value.items
        written = {t.id for t in targets if isinstance(t, ast.Name)}
        if any(isinstance(i, Val) and not i.dims and words(i.text) & written for i in items):
            items = tuple(self.steady_copy(i) if isinstance(i, Val) and not i.dims else i for i in items)
        for each, item in zip(targets, items):
            self.assign(each, item, len(self.out))

    def bind(self, name: str, value: Value, mark: int) -> None:
        if isinstance(value, Repeated):
            self.bind_repeated(name, value)
            return
        if isinstance(value, Tup) and value.kind is list and name in self.growing:
            stack = self.new_stack(name)
            self.env[name] = stack
            for item in value.items:
                self.push(stack, item)
            return
        if isinstance(value, Static) and value.value is None and not isinstance(value, Unset) and (len(self.bound.get(name, [])) > 1):
            unset = Unset(None)
            object.__setattr__(unset, "line", Line(ast.Pass()))
            self.out.append(unset.line)
            self.env[name] = unset
            return
        if isinstance(value, Tup):
            value = Tup(tuple(self.kept(i, name) for i in value.items), value.kind, value.keys)
        if not isinstance(value, Val):
            self.env[name] = value
        elif value.dims:
            self.bind_array(name, value, mark)
        else:
            self.bind_scalar(name, value)

    def bind_repeated(self, name: str, value: Repeated) -> None:
        """[x] * n: a list that is filled already."""
        if value.item.dims:
            refuse("a list of arrays that is repeated is not compiled.")
        stack = self.new_stack(name)
        self.env[name] = stack
        stack.parts, stack.buffers, stack.filled = [value.item], (name,), value
        stack.capacity = "" if name in self.unbounded else "0"

    def kept(self, item: Value, name: str) -> Value:
        """An item of a tuple that has a name: computed now."""
        if isinstance(item, Val) and item.const is None:
            if item.dims:
                return item if item.view is not None else self.stored(item, name)
            return item if item.text.isidentifier() and self.simple(item.text) else self.steady_copy(item)
        return item

    def bind_scalar(self, name: str, value: Val) -> None:
        self.emit(f"{name} = {value.text}", pure=True)
        once = self.simple(name)
        dim = value.dim if once and value.dim is not None else None
        self.env[name] = scalar(name, value.dtype, value.form, dim, value.const if once else None)
        if value.unique and once:
            self.env[name] = replaced(self.env[name], unique=True)  # type: ignore[type-var]

    def bind_array(self, name: str, value: Val, mark: int) -> None:
        once = self.simple(name, True)
        if value.view is not None and once and name not in self.solid and self.lasting(value.view):
            if value.name and self.is_temporary(value.name, mark):
                self.rename_since(mark, value.name, name)
                value = named(name, value.dtype, value.dims)
            self.env[name] = value
            return
        if value.name:
            self.emit(f"{name} = {value.name}")
            self.aliases.join(value.name, name)
            self.shared.add(value.name)
        elif value.view is not None:
            self.bind_view(name, value)
            return
        elif once and name not in self.bound_twice:
            self.make(name, value)
        else:
            made = self.make(self.fresh(name), value)
            self.emit(f"{name} = {made.name}")
            self.aliases.join(made.name, name)
            self.shared.add(made.name)
        self.env[name] = replaced(named(name, value.dtype, self.own_dims(name, value.dims)), unique=value.unique)

    bound_twice: set[str] = set()

    def bind_view(self, name: str, value: Val) -> None:
        """A part of an array under a name that is bound again: of Numba's making, or a copy if nothing writes to either."""
        assert value.view is not None
        text = self.view_text(value.view, value.ndim) or self.slice_text(value)
        if text:
            self.emit(f"{name} = {text}")
            self.aliases.join(value.view.base, name)
        else:
            if self.written(value.view.base) or name in self.mutated:
                refuse("a view under a name that is bound again, of memory that is written to.")
            made = self.stored(value, name)
            self.emit(f"{name} = {made.name}")
            self.aliases.join(made.name, name)
        self.env[name] = named(name, value.dtype, self.own_dims(name, value.dims))

    def slice_text(self, value: Val) -> str:
        """A view as slices; "" where an axis is turned, moved or new."""
        assert value.view is not None
        order = [a.axis for a in value.view.axes if isinstance(a, Along)]
        if order != list(range(value.ndim)) or any(isinstance(a, Along) and a.step not in (1, -1) for a in value.view.axes):
            return ""
        parts = []
        for axis in value.view.axes:
            if isinstance(axis, Fixed):
                parts.append(axis.index)
            elif axis.step == -1:
                if axis.start.strip("()") != self.spell(value.dims[axis.axis] - 1):
                    return ""
                parts.append(f"{axis.start}::-1")
            elif not axis.cut and not axis.start:
                parts.append(":")
            else:
                parts.append(f"{axis.start}:{axis.start + ' + ' if axis.start else ''}{self.bracketed(self.spell(value.dims[axis.axis]))}")
        return f"{value.view.base}[{', '.join(parts)}]"

    def own_dims(self, name: str, dims: tuple[Dim, ...]) -> tuple[Dim, ...]:
        """Sizes that only the run tells are read off the array itself."""
        return tuple(self.atom(f"{name}.shape[{k}]") if d.value is None and not self.steady_text(d.text) else d for k, d in enumerate(dims))

    def is_temporary(self, name: str, mark: int) -> bool:
        made = any(isinstance(n, Line) and n.alloc == name for n in self.out[mark:])
        return made and name not in self.bound and name not in self.shared

    def lasting(self, view: View) -> bool:
        """Whether a view means the same as long as its name is read."""
        texts = [a.index if isinstance(a, Fixed) else a.start for a in view.axes]
        return self.simple(view.base) and all(self.steady_text(t) for t in texts)

    def make(self, name: str, value: Val) -> Val:
        """An array of its own under this name."""
        if isinstance(value.const, float) and value.view is None and value.dims:
            return self.alloc(name, value.dims, value.dtype, "0" if value.const == 0 else str(value.const))
        made = self.alloc(name, value.dims, value.dtype)
        self.loops(value.dims, lambda index: self.emit(f"{made.at(index)} = {value.at(index)}"))
        return made


def words(text: str) -> set[str]:
    return set(re.findall(r"[A-Za-z_]\w*", text))
