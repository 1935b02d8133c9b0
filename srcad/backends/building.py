"""What every part of the lowering uses: names, lines, loops over all elements, and memory that names may share."""
from __future__ import annotations

import ast
import contextlib
from collections.abc import Callable, Iterator, Sequence
from typing import Any

import numpy as np

from srcad.backends.fusion import Aliases
from srcad.backends.tree import Effects, Line, Loop, Node, effects, line, rename
from srcad.backends.values import FLOAT, INT, Along, Fixed, Index, Val, View, aligned, cast, caster, is_unit, named, refuse, scalar
from srcad.backends.vector import FUNCTIONS
from srcad.dims import Dim, Facts, alike, is_one

HELPERS = {
    **FUNCTIONS,
    "add": "def add(a, b):\n    return a + b\n",
    "maximum": "def maximum(a, b):\n    return a if a >= b or a != a else b\n",
    "minimum": "def minimum(a, b):\n    return a if a <= b or a != a else b\n",
    "sign": "def sign(a):\n    return 1.0 if a > 0 else -1.0 if a < 0 else a\n",
    "logistic": "def logistic(a):\n    return 1.0 / (1.0 + math.exp(-a)) if a >= 0 else math.exp(a) / (1.0 + math.exp(a))\n",
    "logaddexp": "def logaddexp(a, b):\n    if a == b:\n        return a + 0.6931471805599453\n    if a > b:\n        return a + math.log1p(math.exp(b - a))\n"
                 "    return b + math.log1p(math.exp(a - b))\n",
    "at": "def at(i, n):\n    if i < -n or i >= n:\n        raise IndexError('index out of range')\n    return i + n if i < 0 else i\n",
    "bin": "def bin(i, n):\n    if i < 0 or i >= n:\n        raise IndexError('a number beyond the bins')\n    return i\n",
    "same": "def same(a, b):\n    if a != b:\n        raise ValueError('the compiled code is for operands of one size here')\n",
    "covering": "def covering(a, b):\n    if a != b:\n        raise IndexError('a mask of another size than the array')\n",
    "filled": "def filled(n):\n    if n == 0:\n        raise ValueError('zero-size array to a reduction that has no identity')\n",
}


class Building:
    """One function that is being lowered."""

    facts: Facts
    out: list[Node]
    env: dict[str, Any]
    used: set[str]
    helpers: set[str]
    parameters: dict[str, str]  # path -> the name that the kernel has for it

    def begin(self) -> None:
        self.out, self.env, self.helpers = [], {}, set()
        self.aliases = Aliases()
        self.indices = 0
        self.shared: set[str] = set()

    def fresh(self, base: str = "t") -> str:
        """A name that nothing else has."""
        taken = base
        k = 1
        while taken in self.used:
            k += 1
            taken = f"{base}{k}"
        self.used.add(taken)
        return taken

    def index(self) -> str:
        self.indices += 1
        return f"_{self.indices}"

    def emit(self, text: str, alloc: str = "", pure: bool = False) -> None:
        self.out.append(line(text, alloc, pure))

    def helper(self, label: str) -> str:
        self.helpers |= {label, "exp"} if label == "erf" else {label}
        return label

    # ---- dimensions

    def spell(self, dim: Dim) -> str:
        """A dimension as the kernel says it."""
        out = ""
        for atom, coefficient in dim.terms.items():
            known = self.spell_atom(atom)
            factor = known if abs(coefficient) == 1 else f"{abs(coefficient)} * {known}"
            out += f" {'-' if coefficient < 0 else '+'} {factor}" if out else factor if coefficient > 0 else f"-{factor}"
        if dim.const or not out:
            out += str(dim.const) if not out else f" {'-' if dim.const < 0 else '+'} {abs(dim.const)}"
        return out

    def spell_atom(self, atom: str) -> str:
        for text in (atom, self.facts.canonical(atom)):
            if text in self.atom_names:
                return self.atom_names[text]
        return self.bracketed(ast.unparse(Spelled(self).visit(ast.parse(atom, mode="eval").body)))

    def bracketed(self, text: str) -> str:
        plain = isinstance(ast.parse(text, mode="eval").body, (ast.Name, ast.Constant, ast.Subscript, ast.Attribute, ast.Call))
        return text if plain else f"({text})"

    atom_names: dict[str, str]

    def atom(self, text: str) -> Dim:
        """A size that only the run can tell."""
        return Dim.atom(text, None, self.facts)

    def size(self, value: Val) -> Dim:
        """An integer as a dimension."""
        if value.dim is not None:
            return value.dim
        if isinstance(value.const, int):
            return Dim.of(value.const, self.facts)
        return self.atom(self.scalar_name(value, "size"))

    def scalar_name(self, value: Val, base: str = "v") -> str:
        """A name (or literal) for a number."""
        text = value.text
        if text.isidentifier() or text.isdigit():
            return text
        target = self.fresh(base)
        self.emit(f"{target} = {text}", pure=True)
        return target

    def broadcast(self, *values: Val) -> tuple[Dim, ...]:
        """The dimensions of the result; where only the run can tell whether two agree, it is checked."""
        rank = max((v.ndim for v in values), default=0)
        result = []
        for axis in range(-rank, 0):
            dims = [v.dims[axis] for v in values if v.ndim >= -axis]
            merged = dims[0]
            for dim in dims[1:]:
                merged = self.meet(merged, dim)
            result.append(merged)
        return tuple(result)

    def meet(self, a: Dim, b: Dim) -> Dim:
        if is_unit(a) or a.key == b.key:
            return b
        if is_unit(b):
            return a
        equal = alike(a, b)
        if equal:
            return a
        if equal is False:
            if is_one(a):
                return b
            if is_one(b):
                return a
            refuse(f"dimensions {a.key} and {b.key} do not broadcast.")
        self.check_same(a, b)
        return a if a.value is not None else b

    def check_same(self, a: Dim, b: Dim) -> None:
        self.check(f"{self.helper('same')}({self.spell(a)}, {self.spell(b)})")

    def check(self, text: str) -> None:
        """A test of sizes, unless the block has it already."""
        made = line(text, pure=True)
        made.check = True
        if not any(isinstance(n, Line) and n.check and ast.dump(n.tree) == ast.dump(made.tree) for n in self.out):
            self.out.append(made)

    # ---- loops

    @contextlib.contextmanager
    def block(self) -> Iterator[list[Node]]:
        """Lines made inside go to a block of their own."""
        before, self.out = self.out, []
        try:
            yield self.out
        finally:
            self.out = before

    def loops(self, dims: Sequence[Dim], body: Callable[[Index], None]) -> None:
        """Loops over all elements of such a shape around what `body` emits."""
        index = tuple("0" if is_unit(d) else self.index() for d in dims)
        with self.block() as inner:
            body(index)
        for dim, var in reversed([(d, v) for d, v in zip(dims, index) if v != "0"]):
            inner = [Loop(var, self.spell(dim), dim, inner)]
        self.out.extend(inner)

    def alloc(self, name: str, dims: Sequence[Dim], dtype: np.dtype[Any], fill: str = "") -> Val:
        """A new array: empty, zeros, or filled with one number."""
        maker = "empty" if not fill else "zeros" if fill == "0" else "full"
        value = f", {fill}" if maker == "full" else ""
        self.emit(f"{name} = {new_array(maker, [self.extent(d) for d in dims], dtype, value)}", alloc=name, pure=True)
        return named(name, dtype, tuple(dims))

    def extent(self, dim: Dim) -> str:
        """How many elements an axis has, which may be said as less than none."""
        size = self.spell(dim)
        return f"max({size}, 0)" if "-" in size else size

    def stored(self, value: Val, base: str = "t") -> Val:
        """The value as an array of its own, computed by loops."""
        target = self.fresh(base)
        made = self.alloc(target, value.dims, value.dtype)
        self.loops(value.dims, lambda index: self.emit(f"{made.at(index)} = {value.at(index)}"))
        return made

    def array(self, value: Val, base: str = "t") -> str:
        """A name for the whole of it, contiguous unless it is the caller's."""
        return value.name or self.stored(value, base).name

    def steady(self, value: Val) -> Val:
        """A value that may be read many times: computed once."""
        if value.view is not None or not value.dims and (value.text.isidentifier() or value.const is not None):
            return value
        if not value.dims:
            target = self.fresh("v")
            self.emit(f"{target} = {value.text}", pure=True)
            return scalar(target, value.dtype, value.form, value.dim)
        return self.stored(value)

    # ---- writing into memory

    def write(self, place: View, dims: Sequence[Dim], dtype: np.dtype[Any], op: str, value: Val) -> None:
        """`place op= value` over all elements. A value that reads the same memory elsewhere is computed first."""
        if value.ndim > len(dims):
            value = self.squeezed(value, len(dims))
        for own, wanted in zip(value.dims, dims[len(dims) - value.ndim:]):
            self.fit(own, wanted)
        if self.overlaps(place, value, dims):
            value = self.steady_copy(value)
        symbol = f"{op}=" if op else "="

        def body(index: Index) -> None:
            self.emit(f"{place.at(index)} {symbol} {self.narrowed(aligned(value, index), value, dtype, op)}")

        self.loops(dims, body)

    def fit(self, own: Dim, wanted: Dim) -> None:
        """A value's axis and that of the place it is stored in: equal, or the value's is one."""
        if is_unit(own) or own.key == wanted.key:
            return
        if not is_unit(wanted):
            self.meet(own, wanted)
        elif own.value is None:
            self.check_same(own, wanted)
        elif not is_one(own):
            refuse("what is stored is larger than the place.")

    def narrowed(self, text: str, value: Val, dtype: np.dtype[Any], op: str) -> str:
        if op and value.dtype == FLOAT and dtype != FLOAT and value.form == "python" and not value.dims and dtype.kind == "f":
            return cast(text, value, dtype)
        return text

    def squeezed(self, value: Val, rank: int) -> Val:
        extra = value.ndim - rank
        if not all(is_unit(d) or is_one(d) for d in value.dims[:extra]):
            refuse("what is stored has more dimensions than the place.")
        return Val(value.dtype, value.dims[extra:], lambda index: value.at((*["0"] * extra, *index)))

    def steady_copy(self, value: Val) -> Val:
        if value.dims:
            return self.stored(value)
        target = self.fresh("v")
        self.emit(f"{target} = {value.text}")
        return scalar(target, value.dtype, value.form)

    def overlaps(self, place: View, value: Val, dims: Sequence[Dim]) -> bool:
        """Whether the value reads the memory of the place at another index than the one being written."""
        index = tuple(f"_o{k}" for k in range(len(dims)))
        with self.block() as inner:
            inner.append(line(f"{place.at(index)} = {aligned(value, index)}"))
            found = Effects()
            for node in inner:
                found.merge(effects(node))
        return self.conflicting(found)

    def conflicting(self, found: Effects) -> bool:
        written = {self.aliases.find(n): (n, key) for n, key, w in found.elements if w}
        for name, key, is_write in found.elements:
            root = self.aliases.find(name)
            if root in written and not is_write and (name, key) != written[root]:
                return True
        return any(self.aliases.find(n) in written for n in found.whole)

    def view_text(self, view: View, rank: int) -> str:
        """A view as an expression of Numba's: leading axes fixed, or all axes turned round; "" where that does not say it."""
        axes = view.axes
        lead = 0
        while lead < len(axes) and isinstance(axes[lead], Fixed):
            lead += 1
        rest = axes[lead:]
        if len(rest) != rank or not all(isinstance(a, Along) and not a.start and a.step == 1 and not a.cut for a in rest):
            return ""
        fixed = ", ".join(a.index for a in axes[:lead] if isinstance(a, Fixed))
        base = f"{view.base}[{fixed}]" if fixed else view.base
        order = [a.axis for a in rest if isinstance(a, Along)]
        if order == list(range(rank)):
            return base
        return f"{base}.T" if order == list(reversed(range(rank))) else ""

    def rename_since(self, mark: int, old: str, new: str) -> None:
        rename(self.out[mark:], {old: new})
        for node in self.out[mark:]:
            if isinstance(node, Line) and node.alloc == old:
                node.alloc = new
            renamed_allocs(node, old, new)
        self.aliases.parent = {new if k == old else k: new if v == old else v for k, v in self.aliases.parent.items()}

    def integer(self, text: str, dim: Dim | None = None) -> Val:
        return scalar(text, INT, "python", dim)


def renamed_allocs(node: Node, old: str, new: str) -> None:
    if isinstance(node, Line):
        if node.alloc == old:
            node.alloc = new
        return
    for block in [node.body] if isinstance(node, Loop) else node.blocks:
        for inner in block:
            renamed_allocs(inner, old, new)


class Spelled(ast.NodeTransformer):
    """Paths into the arguments become the kernel's names for them."""

    def __init__(self, building: Any) -> None:
        self.building = building

    def visit(self, node: ast.AST) -> Any:
        if isinstance(node, (ast.Name, ast.Subscript, ast.Attribute)):
            found = self.building.outside_name(ast.unparse(node))
            if found:
                return ast.parse(found, mode="eval").body
            if isinstance(node, ast.Name) and not self.building.is_known(node.id):
                refuse(f"the size `{node.id}` is not known here.")
        return super().visit(node)


def new_array(maker: str, sizes: Sequence[str], dtype: np.dtype[Any], value: str = "") -> str:
    """`np.empty((n, m), np.int64)`."""
    shape = sizes[0] if len(sizes) == 1 else f"({', '.join(sizes)})"
    return f"np.{maker}({shape}{value}{'' if dtype == FLOAT else ', ' + caster(dtype)})"
