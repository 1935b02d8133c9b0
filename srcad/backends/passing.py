"""Arguments and results of kernels that call one another: one name for each number and array.

    f_forward(x, (w, b))    ->    f_forward_loops(x, w, b)
"""
from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from srcad.backends.lower import Lowering
from srcad.backends.values import INT, Stack, Static, Tup, Val, Value, named, refuse, scalar
from srcad.dims import Dim, Facts


class Parameters:
    """Arguments of a kernel that other kernels call: one name for each number and array in them."""

    def __init__(self, caller: Lowering | None, given: Mapping[str, Value]) -> None:
        self.caller = caller
        self.names: list[str] = []
        self.texts: list[str] = []
        self.atoms: dict[str, str] = {}
        self.kinds: list[Any] = []
        self.leaves: list[Val] = []
        self.sized: list[tuple[Dim, str]] = []
        self.values = {title: self.received(title, value) for title, value in given.items()}
        for _ in range(3):
            for dim, text in self.sized:
                self.solve(dim, text)

    @property
    def key(self) -> str:
        return repr(self.kinds)

    def received(self, title: str, value: Value) -> Value:
        if isinstance(value, Tup):
            self.kinds.append(("tuple", len(value.items), str(value.kind)))
            return Tup(tuple(self.received(f"{title}_{k}", i) for k, i in enumerate(value.items)), value.kind, value.keys)
        if isinstance(value, Static):
            self.kinds.append(repr(value.value))
            return value
        if isinstance(value, Stack):
            return self.stack(title, value)
        if not isinstance(value, Val):
            return refuse("this argument is not compiled.")  # type: ignore[no-any-return]
        return self.leaf(title, value)

    def leaf(self, title: str, value: Val) -> Val:
        self.names.append(title)
        self.kinds.append((value.dtype.str, [d.key for d in value.dims], value.form, value.const, value.dim.key if value.dim is not None else None))
        if self.caller is not None:
            self.texts.append(self.caller.array(value) if value.dims else value.text)
        if value.dims:
            for k, dim in enumerate(value.dims):
                self.atom(dim, f"{title}.shape[{k}]")
            made = named(title, value.dtype, value.dims)
        else:
            if value.dim is not None:
                self.atom(value.dim, title)
            made = scalar(title, value.dtype, value.form, value.dim, value.const)
        self.leaves.append(made)
        return made

    def atom(self, dim: Dim, text: str) -> None:
        """How the kernel says a size that its caller says otherwise."""
        if len(dim.terms) == 1 and not dim.const and [*dim.terms.values()] == [1]:
            self.atoms.setdefault(next(iter(dim.terms)), text)
            self.atoms.setdefault(dim.facts.canonical(dim.text), text)
        elif dim.terms:
            self.sized.append((dim, text))

    def solve(self, dim: Dim, text: str) -> None:
        """The one part of a sum that has no name yet, from the sum."""
        unknown = [a for a in dim.terms if a not in self.atoms]
        if len(unknown) != 1 or abs(dim.terms[unknown[0]]) != 1:
            return
        sign = dim.terms[unknown[0]]
        rest = [f"{c} * {self.atoms[a]}" for a, c in dim.terms.items() if a != unknown[0]] + [str(dim.const)] * bool(dim.const)
        self.atoms[unknown[0]] = f"({text}{''.join(f' - ({r})' for r in rest)})" if sign == 1 else f"(({' + '.join(rest)}) - {text})"

    def stack(self, title: str, value: Stack) -> Stack:
        if value.parts is None or not value.capacity:
            refuse(f"the list `{value.name}`, whose greatest length is not known, is not handed on.")
        assert value.parts is not None
        buffers = []
        for k, (label, part) in enumerate(zip(value.buffers, value.parts)):
            own = f"{title}_{k}" if len(value.parts) > 1 else title
            whole = named(label, part.dtype, (Dim.atom(f"{own}.shape[0]", None, self.facts_of(value)), *part.dims))
            self.leaf(own, whole)
            buffers.append(own)
        made = Stack(title, list(value.parts), value.single, "1", tuple(buffers), True)
        made.counter = f"{title}_n"  # type: ignore[attr-defined]
        made.depth = 0  # type: ignore[attr-defined]
        self.names.append(f"{title}_n")
        self.leaves.append(scalar(f"{title}_n", INT))
        self.kinds.append(("stack", value.single))
        if self.caller is not None:
            self.texts.append(value.counter)  # type: ignore[attr-defined]
        return made

    def facts_of(self, value: Stack) -> Facts:
        if self.caller is not None:
            return self.caller.facts
        return self.facts

    facts: Facts


def received(caller: Lowering, label: str, texts: Sequence[str], leaves: Sequence[Value], structure: Any) -> Value:
    """What a called kernel returns, under names of the caller's."""
    names = [caller.fresh("r") for _ in leaves]
    caller.emit(f"{', '.join(names)} = {label}({', '.join(texts)})" if names else f"{label}({', '.join(texts)})")
    values: list[Value] = []
    arrays = [t for t in texts if t in caller.used or t in caller.env]
    for name, leaf in zip(names, leaves):
        assert isinstance(leaf, Val)
        for array in arrays if leaf.dims else ():  # it may hand back what it was given
            caller.aliases.join(array, name)
            caller.shared.add(name)
        values.append(named(name, leaf.dtype, tuple(d if d.value is not None else caller.atom(f"{name}.shape[{k}]") for k, d in enumerate(leaf.dims)))
                      if leaf.dims else scalar(name, leaf.dtype, leaf.form, leaf.dim if leaf.dim is not None and leaf.dim.value is not None else None))
    return structured(structure, values, leaves)


def structured(structure: Any, values: Sequence[Value], leaves: Sequence[Value]) -> Value:
    kind = structure[0]
    if kind == "leaf":
        return values[structure[1]]
    if kind == "static":
        return Static(structure[1])
    if kind == "stack":
        _, start, end, single = structure
        parts = []
        for k in range(start, end - 1):
            whole = values[k]
            assert isinstance(whole, Val)
            inner = whole.dims[1:]
            parts.append(Val(whole.dtype, inner, whole.at, "array" if inner else "python"))
        made = Stack(values[start].name, parts, single, "1", tuple(v.name for v in values[start: end - 1]), True)  # type: ignore[union-attr]
        made.counter = values[end - 1].text  # type: ignore[attr-defined,union-attr]
        made.depth = 0  # type: ignore[attr-defined]
        return made
    return Tup(tuple(structured(s, values, leaves) for s in structure[1]), kind, structure[2])
