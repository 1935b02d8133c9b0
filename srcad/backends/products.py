"""Products: of matrices by BLAS where it pays, or else by loops; einsum and tensordot by loops.

    a @ b                             np.dot(a, b)
    np.einsum("nk,fk->nf", a, b)      for n: for f: for k: out[n, f] += a[n, k] * b[f, k]
"""
from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from srcad.backends.building import Building
from srcad.backends.values import INT, Index, Static, Tup, Val, caster, is_unit, literal, named, refuse, scalar
from srcad.dims import Dim

SMALL = 64  # multiplications below which loops beat a call of BLAS


class Products(Building):
    """Products of arrays."""

    elementwise: Any
    reduce: Any
    transposed: Any
    let: Any

    def work(self, *dims: Dim) -> int:
        total = 1
        for dim in dims:
            total *= dim.value if dim.value is not None else 100
        return total

    def matmul(self, a: Val, b: Val) -> Val:
        if not a.dims or not b.dims:
            refuse("`@` of a number.")
        inner = b.dims[-2] if b.ndim > 1 else b.dims[0]
        if a.dims[-1].key != inner.key:
            self.meet(a.dims[-1], inner)
        dtype = np.result_type(a.dtype, b.dtype)
        if a.ndim > 2 or b.ndim > 2 or a.dtype != b.dtype or dtype.kind != "f" or dtype.itemsize < 4:
            return self.by_einsum(a, b, dtype)
        if a.ndim == b.ndim == 1:
            return self.dot(a, b, dtype)
        outer = [*a.dims[:-1], *(b.dims[1:] if b.ndim == 2 else ())]
        if self.work(*outer, inner) <= SMALL or a.ndim + b.ndim == 3 and self.work(*outer, inner) <= 4096 and self.streams(a, b):
            return self.by_einsum(a, b, dtype)
        left, right = self.matrix(a), self.matrix(b)
        target = self.fresh("prod")
        self.emit(f"{target} = np.dot({left}, {right})", alloc=target, pure=True)
        return named(target, dtype, tuple(outer))

    def streams(self, a: Val, b: Val) -> bool:
        """Whether a loop over the result lies inside, along the memory of the matrix."""
        matrix = a if a.ndim == 2 else b
        text = self.view_text(matrix.view, 2) if matrix.view is not None else ""
        return bool(text) and (text.endswith(".T") == (a.ndim == 2))

    def dot(self, a: Val, b: Val, dtype: np.dtype[Any]) -> Val:
        left, right = (self.view_text(v.view, 1) if v.view is not None else "" for v in (a, b))
        if left and right and self.work(a.dims[0]) > SMALL:
            return scalar(f"np.dot({left}, {right})", dtype, "scalar")
        return self.reduce("sum", self.elementwise(np.multiply, a, b))  # type: ignore[no-any-return]

    def matrix(self, value: Val) -> str:
        text = self.view_text(value.view, value.ndim) if value.view is not None else ""
        return text or self.array(value)

    def by_einsum(self, a: Val, b: Val, dtype: np.dtype[Any]) -> Val:
        batch = "abcdefgh"[: max(a.ndim, b.ndim) - 2] if max(a.ndim, b.ndim) > 2 else ""
        left = batch[len(batch) - max(a.ndim - 2, 0):] + ("xy" if a.ndim > 1 else "y")
        right = batch[len(batch) - max(b.ndim - 2, 0):] + ("yz" if b.ndim > 1 else "y")
        out = batch + ("x" if a.ndim > 1 else "") + ("z" if b.ndim > 1 else "")
        return self.contraction(f"{left},{right}->{out}", [a, b], dtype)

    def einsum(self, spec: str, operands: Sequence[Val]) -> Val:
        spec = spec.replace(" ", "")
        if "..." in spec:
            spec = self.without_dots(spec, operands)
        if "->" not in spec:
            letters = spec.replace(",", "")
            spec += "->" + "".join(sorted(c for c in set(letters) if letters.count(c) == 1))
        return self.contraction(spec, operands, np.result_type(*(o.dtype for o in operands)))

    def without_dots(self, spec: str, operands: Sequence[Val]) -> str:
        """`...` as letters; operands with fewer such axes have the last of them."""
        if "->" not in spec:
            refuse("einsum with `...` is compiled with `->` only.")
        terms, out = spec.split("->")
        counts = [o.ndim - len(t.replace("...", "")) if "..." in t else 0 for t, o in zip(terms.split(","), operands)]
        letters = "ABCDEFGH"[: max(counts)]
        inputs = [t.replace("...", letters[len(letters) - c:]) for t, c in zip(terms.split(","), counts)]
        return f"{','.join(inputs)}->{out.replace('...', letters)}"

    def contraction(self, spec: str, operands: Sequence[Val], dtype: np.dtype[Any]) -> Val:
        """Loops over the axes of the result and, inside, those summed over; or along the memory where that is the other way round."""
        terms, out = spec.split("->")
        inputs = terms.split(",")
        sizes: dict[str, Dim] = {}
        for letters, operand in zip(inputs, operands):
            for letter, dim in zip(letters, operand.dims):
                sizes[letter] = self.meet(sizes[letter], dim) if letter in sizes else dim
        summed = [c for c in dict.fromkeys("".join(inputs)) if c not in out]
        operands = [self.steady(o) if o.dims else o for o in operands]

        def product(place: dict[str, str]) -> str:
            return " * ".join(self.element(o, letters, place) for letters, o in zip(inputs, operands))

        dims = tuple(sizes[c] for c in out)
        if summed and out and self.outer_sum(inputs, operands, out[-1], summed[-1]):
            return self.accumulated(dims, dtype, inputs, out, summed, sizes, product)
        if not summed:
            return Val(dtype, dims, lambda index: f"({product(dict(zip(out, index)))})", "array" if dims else "scalar")
        return self.summed(dims, dtype, out, summed, sizes, product)

    def element(self, operand: Val, letters: str, place: dict[str, str]) -> str:
        return operand.at(tuple("0" if is_unit(d) else place[c] for c, d in zip(letters, operand.dims)))

    def outer_sum(self, inputs: Sequence[str], operands: Sequence[Val], last: str, summed: str) -> bool:
        """Whether the last axis of the result lies along the memory of more operands than the last axis summed over does."""
        def stride_one(letter: str) -> int:
            count = 0
            for letters, operand in zip(inputs, operands):
                if operand.view is None or letter not in letters:
                    continue
                ends = [a for a in operand.view.axes][-1:]
                count += bool(ends and getattr(ends[0], "axis", -1) == letters.index(letter))
            return count

        return stride_one(last) > stride_one(summed) or stride_one(last) == stride_one(summed) > 0 and last != summed and len(inputs) > 1

    def summed(self, dims: tuple[Dim, ...], dtype: Any, out: str, summed: Sequence[str], sizes: dict[str, Dim], product: Any) -> Val:
        total = self.fresh("total")
        zero = "0.0" if np.dtype(dtype).kind == "f" else "0"

        def inner(place: dict[str, str]) -> None:
            self.emit(f"{total} = {zero}", pure=True)
            self.loops([sizes[c] for c in summed], lambda index: self.emit(self.added(total, product({**place, **dict(zip(summed, index))}), dtype)))

        if not dims:
            inner({})
            return scalar(f"{caster(dtype)}({total})" if dtype == np.float32 else total, dtype, "scalar")
        made = self.alloc(self.fresh("prod"), dims, dtype)

        def body(index: Index) -> None:
            inner(dict(zip(out, index)))
            self.emit(f"{made.at(index)} = {total}")

        self.loops(dims, body)
        return made

    def added(self, total: str, text: str, dtype: Any) -> str:
        return f"{total} = {self.helper('add')}({total}, {text})" if np.dtype(dtype).kind == "f" else f"{total} += {text}"

    def accumulated(self, dims: tuple[Dim, ...], dtype: Any, inputs: Sequence[str], out: str, summed: Sequence[str], sizes: dict[str, Dim], product: Any) -> Val:
        made = self.alloc(self.fresh("prod"), dims, dtype, "0")
        order = [*dict.fromkeys(inputs[0])] if len({*inputs}) == 1 else [*out[:-1], *summed, out[-1]]  # as all of them lie in memory, if in one way

        def body(index: Index) -> None:
            place = dict(zip(order, index))
            self.emit(f"{made.at(tuple(place[c] for c in out))} += {product(place)}")

        self.loops([sizes[c] for c in order], body)
        return made

    def outer(self, a: Val, b: Val) -> Val:
        from srcad.backends.values import promoted

        a, b = self.flat(a), self.flat(b)
        dtype = promoted(np.multiply, a, b)
        return Val(dtype, (a.dims[0], b.dims[0]), lambda index: f"({a.at(index[:1])} * {b.at(index[1:])})", "array")

    reshaped: Any

    def flat(self, value: Val) -> Val:
        return value if value.ndim == 1 else self.reshaped(value, literal(-1))

    def dotted(self, a: Val, b: Val) -> Val:
        """np.dot."""
        if not a.dims or not b.dims:
            return self.elementwise(np.multiply, a, b)  # type: ignore[no-any-return]
        if b.ndim > 2 or a.ndim > 2 and b.ndim > 1:
            return self.tensordot(a, b, [a.ndim - 1], [max(b.ndim - 2, 0)])
        return self.matmul(a, b)

    def tensordot(self, a: Val, b: Val, axes_a: Sequence[int], axes_b: Sequence[int]) -> Val:
        letters_a = list("abcdefghij"[: a.ndim])
        letters_b = list("klmnopqrst"[: b.ndim])
        for i, j in zip(axes_a, axes_b):
            letters_b[j % b.ndim] = letters_a[i % a.ndim]
        out = [c for k, c in enumerate(letters_a) if k not in [i % a.ndim for i in axes_a]] + [c for k, c in enumerate(letters_b) if k not in [j % b.ndim for j in axes_b]]
        return self.contraction(f"{''.join(letters_a)},{''.join(letters_b)}->{''.join(out)}", [a, b], np.result_type(a.dtype, b.dtype))

    def tensordot_axes(self, a: Val, b: Val, axes: Any) -> Val:
        if axes is None:
            axes = literal(2)
        if isinstance(axes, Val) and isinstance(axes.const, int):
            n = axes.const
            return self.tensordot(a, b, list(range(a.ndim - n, a.ndim)), list(range(n)))
        if isinstance(axes, Tup):
            pair = [[i.const for i in (part.items if isinstance(part, Tup) else (part,))] for part in axes.items]
            return self.tensordot(a, b, pair[0], pair[1])
        return refuse("the axes of tensordot must be literals.")  # type: ignore[no-any-return]


__all__ = ["Products", "INT", "Static"]
