"""Arrays that are arranged, chosen from and joined, and what Numba does itself on whole arrays.

    np.swapaxes(x, 0, 1)    ->    a view
"""
from __future__ import annotations

import builtins
from typing import Any

import numpy as np

from srcad.backends.table import TABLE, Handler, lowers
from srcad.backends.values import (
    FLOAT,
    INT,
    Index,
    Stack,
    Static,
    Tup,
    Val,
    Value,
    aligned,
    literal,
    named,
    refuse,
    replaced,
    scalar,
)
from srcad.dims import Dim
from srcad.kinds import BOOL


@lowers(np.reshape)
def reshape(at: Any, a: Value, shape: Value) -> Val:
    return at.reshaped(at.number(a), shape)  # type: ignore[no-any-return]


@lowers(np.ravel)
def ravel(at: Any, a: Value) -> Val:
    value = at.number(a)
    return value if value.ndim == 1 else at.reshaped(value, literal(-1))


@lowers(np.transpose)
def transpose(at: Any, a: Value, axes: Value | None = None) -> Val:
    value = at.number(a)
    if axes is None or isinstance(axes, Static):
        return at.transposed(value, tuple(reversed(range(value.ndim))))  # type: ignore[no-any-return]
    return at.transposed(value, tuple(p.const % value.ndim for p in axes.items))  # type: ignore[no-any-return,union-attr]


@lowers(np.swapaxes)
def swapaxes(at: Any, a: Value, axis1: Val, axis2: Val) -> Val:
    value = at.number(a)
    order = list(range(value.ndim))
    i, j = axis1.const % value.ndim, axis2.const % value.ndim  # type: ignore[operator]
    order[i], order[j] = order[j], order[i]
    return at.transposed(value, order)  # type: ignore[no-any-return]


@lowers(np.moveaxis)
def moveaxis(at: Any, a: Value, source: Val, destination: Val) -> Val:
    value = at.number(a)
    order = list(range(value.ndim))
    axis = order.pop(source.const % value.ndim)  # type: ignore[operator]
    order.insert(destination.const % value.ndim, axis)  # type: ignore[operator]
    return at.transposed(value, order)  # type: ignore[no-any-return]


@lowers(np.expand_dims)
def expand_dims(at: Any, a: Value, axis: Value) -> Val:
    if isinstance(axis, Static):
        refuse("the axis of expand_dims must be a literal.")
    parts = axis.items if isinstance(axis, Tup) else (axis,)
    return at.expanded(at.number(a), [p.const for p in parts])  # type: ignore[no-any-return,union-attr]


@lowers(np.squeeze)
def squeeze(at: Any, a: Value, axis: Value | None = None) -> Val:
    parts = None if axis is None else [p.const for p in (axis.items if isinstance(axis, Tup) else (axis,))]  # type: ignore[union-attr]
    return at.squeezed_axes(at.number(a), parts)  # type: ignore[no-any-return]


@lowers(np.broadcast_to)
def broadcast_to(at: Any, array: Value, shape: Value) -> Val:
    return at.broadcast_to(at.number(array), shape)  # type: ignore[no-any-return]


@lowers(np.concatenate)
def concatenate(at: Any, arrays: Value, axis: Val | None = None) -> Val:
    return at.concatenated(arrays, 0 if axis is None else axis.const)  # type: ignore[no-any-return]


@lowers(np.stack)
def stack(at: Any, arrays: Value, axis: Val | None = None) -> Val:
    if isinstance(arrays, Stack):
        return at.stack_array(arrays)  # type: ignore[no-any-return]
    return at.stacked(arrays, 0 if axis is None else axis.const)  # type: ignore[no-any-return]


@lowers(np.vstack)
def vstack(at: Any, arrays: Value) -> Val:
    parts = at.parts_of(arrays)
    return at.concatenated(Tup(tuple(at.expanded(p, [0]) if p.ndim == 1 else p for p in parts)), 0)  # type: ignore[no-any-return]


@lowers(np.hstack)
def hstack(at: Any, arrays: Value) -> Val:
    parts = [at.expanded(p, [0]) if not p.dims else p for p in at.parts_of(arrays)]
    return at.concatenated(Tup(tuple(parts)), 0 if parts[0].ndim == 1 else 1)  # type: ignore[no-any-return]


@lowers(np.column_stack)
def column_stack(at: Any, arrays: Value) -> Val:
    return at.concatenated(Tup(tuple(at.expanded(p, [1]) if p.ndim == 1 else p for p in at.parts_of(arrays))), 1)  # type: ignore[no-any-return]


@lowers(np.split, np.array_split)
def split(at: Any, ary: Value, indices_or_sections: Value, axis: Val | None = None) -> Tup:
    return at.split(at.number(ary), indices_or_sections, 0 if axis is None else axis.const)  # type: ignore[no-any-return]


@lowers(np.flip)
def flip(at: Any, m: Value, axis: Val | None = None) -> Val:
    value = at.number(m)
    for k in range(value.ndim) if axis is None else [axis.const % value.ndim]:  # type: ignore[operator]
        value = at.cut(value, k, value.dims[k] - 1, value.dims[k], -1)
    return value  # type: ignore[no-any-return]


@lowers(np.roll)
def roll(at: Any, a: Value, shift: Value, axis: Val | None = None) -> Val:
    value, by = at.steady(at.number(a)), at.steady(at.number(shift))
    if by.dims or axis is not None and not isinstance(axis.const, int) or axis is None and value.ndim != 1:
        refuse("np.roll by several shifts, or of a matrix without an axis, is not compiled.")
    along = axis.const % value.ndim if axis is not None else 0  # type: ignore[operator]
    size = at.spell(value.dims[along])

    def turned(index: Index) -> str:
        return value.at(tuple(f"(({i} - {by.text}) % ({size}))" if k == along else i for k, i in enumerate(index)))  # type: ignore[no-any-return]

    return Val(value.dtype, value.dims, turned, "array")


def triangle(sign: str) -> Handler:
    def handler(at: Any, m: Value, k: Value | None = None) -> Val:
        value = at.number(m)
        offset = f" + {at.number(k).text}" if k is not None else ""
        zero = "0.0" if value.dtype.kind == "f" else "0"
        return Val(value.dtype, value.dims, lambda i: f"({value.at(i)} if {i[-1]} {sign} {i[-2]}{offset} else {zero})", "array")

    return handler


TABLE[np.tril] = triangle("<=")
TABLE[np.triu] = triangle(">=")


@lowers(np.diag, np.diagonal)
def diag(at: Any, v: Value) -> Val:
    value = at.number(v)
    if value.ndim == 2:
        size = value.dims[0] if value.dims[0].key == value.dims[1].key or value.dims[0] <= value.dims[1] else value.dims[1]
        return Val(value.dtype, (size,), lambda i: value.at((i[0], i[0])), "array")
    zero = "0.0" if value.dtype.kind == "f" else "0"
    return Val(value.dtype, (value.dims[0], value.dims[0]), lambda i: f"({value.at(i[:1])} if {i[0]} == {i[1]} else {zero})", "array")


@lowers(np.where)
def where(at: Any, condition: Value, x: Value | None = None, y: Value | None = None) -> Value:
    if x is None or y is None:
        return nonzero(at, condition)
    test = at.number(condition)
    if test.dtype != BOOL:
        test = at.elementwise(np.not_equal, test, literal(0))
    made = at.elementwise(np.where, test, at.number(x), at.number(y))
    return made if made.dims else replaced(made, form="array")  # type: ignore[no-any-return]


@lowers(np.nonzero)
def nonzero(at: Any, a: Value) -> Tup:
    return Tup(tuple(at.places_of(truths(at, at.number(a)))))


@lowers(np.flatnonzero)
def flatnonzero(at: Any, a: Value) -> Val:
    return at.places_of(truths(at, at.number(ravel(at, a))))[0]  # type: ignore[no-any-return]


def truths(at: Any, value: Val) -> Val:
    return value if value.dtype == BOOL else at.elementwise(np.not_equal, value, literal(0))  # type: ignore[no-any-return]


@lowers(np.atleast_1d)
def atleast_1d(at: Any, a: Value) -> Val:
    value = at.number(a)
    return value if value.dims else at.expanded(replaced(value, view=None), [0])


@lowers(np.atleast_2d)
def atleast_2d(at: Any, a: Value) -> Val:
    value = atleast_1d(at, a)
    return value if value.ndim > 1 else at.expanded(value, [0])  # type: ignore[no-any-return]


@lowers(np.ix_)
def ix_(at: Any, *args: Value) -> Tup:
    values = [at.number(a) for a in args]
    return Tup(tuple(at.expanded(v, [k for k in range(len(values)) if k != axis]) for axis, v in enumerate(values)))


@lowers(np.clip)
def clip(at: Any, a: Value, a_min: Value | None = None, a_max: Value | None = None) -> Val:
    value = at.number(a)
    if a_min is not None and not isinstance(a_min, Static):
        value = at.elementwise(np.maximum, value, at.number(a_min))
    if a_max is not None and not isinstance(a_max, Static):
        value = at.elementwise(np.minimum, value, at.number(a_max))
    return value  # type: ignore[no-any-return]


@lowers(np.round, np.around)
def round_(at: Any, a: Value, decimals: Value | None = None) -> Val:
    if decimals is not None and not (isinstance(decimals, Val) and decimals.const == 0):
        refuse("np.round with decimals is not compiled.")
    return at.elementwise(np.rint, at.number(a))  # type: ignore[no-any-return]


@lowers(np.take)
def take(at: Any, a: Value, indices: Value, axis: Val | None = None) -> Val:
    from srcad.backends.places import Slice

    value = at.number(a)
    which = axis.const % value.ndim if axis is not None and isinstance(axis.const, int) else 0
    if axis is None and value.ndim > 1:
        value = at.reshaped(value, literal(-1))
    return at.indexed(value, [at.number(indices) if k == which else Slice(None, None, None) for k in range(value.ndim)])  # type: ignore[no-any-return]


@lowers(np.diff)
def diff(at: Any, a: Value, axis: Val | None = None) -> Val:
    value = at.steady(at.number(a))
    which = (axis.const if axis is not None else -1) % value.ndim  # type: ignore[operator]
    one = Dim.of(1, at.facts)
    size = value.dims[which] - 1
    return at.elementwise(np.subtract, at.slice_axis(value, which, one, size), at.slice_axis(value, which, one - 1, size))  # type: ignore[no-any-return]


def add_at(op: str) -> Handler:
    def handler(at: Any, a: Value, indices: Value, b: Value) -> Value:
        from srcad.backends.places import Slice

        owner = at.number(a)
        given = list(indices.items) if isinstance(indices, Tup) and indices.kind is tuple else [indices]
        items = [None if isinstance(i, Static) and i.value is None else Slice(None, None, None) if isinstance(i, Static) and i.value == slice(None) else at.number(i) for i in given]
        items += [Slice(None, None, None)] * (owner.ndim - sum(i is not None for i in items))
        at.add_at(owner, items, at.number(b), op)
        return Static(None)

    return handler


@lowers(np.bincount)
def bincount(at: Any, x: Value, weights: Value | None = None, minlength: Value | None = None) -> Val:
    """With as many bins as minlength says; a number beyond them is an error."""
    numbers = at.number(x)
    if minlength is None:
        refuse("np.bincount is compiled with minlength only.")
    out = at.alloc(at.fresh("bins"), at.shape_of(minlength), INT if weights is None else FLOAT, "0")
    given = literal(1) if weights is None else at.number(weights)
    [size] = out.dims
    helper = at.helper("bin")
    if given.dims:
        at.meet(given.dims[0], numbers.dims[0])
    at.loops(numbers.dims, lambda index: at.emit(f"{out.at((f'{helper}({numbers.at(index)}, {at.spell(size)})',))} += {aligned(given, index)}"))
    return out  # type: ignore[no-any-return]


TABLE[np.add.at] = add_at("+")
TABLE[np.subtract.at] = add_at("-")


@lowers(builtins.slice)
def sliced(at: Any, *parts: Value) -> Value:
    known = [p.value if isinstance(p, Static) else p.const for p in parts]  # type: ignore[union-attr]
    return Static(slice(*known))




def whole(function: str, rank: int | None = None) -> Handler:
    """A function of linear algebra: of matrices to a matrix of the first one's shape, a vector, or a number."""
    def handler(at: Any, a: Value) -> Val:
        value = at.number(a)
        if value.ndim != 2 or value.dtype.kind != "f":
            refuse(f"`{function}` is compiled for one matrix of floats.")
        text = f"np.linalg.{function}({at.matrix(value)})"
        if rank == 0:
            return scalar(at.let(text), value.dtype, "scalar")
        target = at.fresh(function)
        at.emit(f"{target} = {text}", alloc=target, pure=True)
        return named(target, value.dtype, value.dims)

    return handler


TABLE[np.linalg.cholesky] = whole("cholesky")
TABLE[np.linalg.inv] = whole("inv")
TABLE[np.linalg.det] = whole("det", 0)


@lowers(np.linalg.slogdet)
def slogdet(at: Any, a: Value) -> Tup:
    value = at.number(a)
    if value.ndim != 2:
        refuse("slogdet is compiled for one matrix.")
    sign, log = at.fresh("sign_det"), at.fresh("logdet")
    at.emit(f"{sign}, {log} = np.linalg.slogdet({at.matrix(value)})")
    return Tup((scalar(sign, value.dtype, "scalar"), scalar(log, value.dtype, "scalar")))


@lowers(np.linalg.solve)
def solve(at: Any, a: Value, b: Value) -> Val:
    matrix, right = at.number(a), at.number(b)
    if matrix.ndim != 2 or right.ndim not in (1, 2) or matrix.dtype != right.dtype or matrix.dtype.kind != "f":
        refuse("np.linalg.solve is compiled for one matrix, and a vector or matrix of its dtype.")
    target = at.fresh("solved")
    at.emit(f"{target} = np.linalg.solve({at.matrix(matrix)}, {at.matrix(right)})", alloc=target, pure=True)
    return named(target, matrix.dtype, right.dims)


@lowers(np.sort)
def sort(at: Any, a: Value, axis: Val | None = None) -> Val:
    value = at.number(a)
    if value.ndim != 1:
        refuse("np.sort is compiled for one dimension.")
    target = at.fresh("ordered")
    at.emit(f"{target} = np.sort({at.array(value)})", alloc=target, pure=True)
    return named(target, value.dtype, value.dims)


@lowers(np.argsort)
def argsort(at: Any, a: Value, axis: Val | None = None, kind: Value | None = None) -> Val:
    value = at.number(a)
    if value.ndim != 1:
        refuse("np.argsort is compiled for one dimension.")
    target = at.fresh("order")
    at.emit(f"{target} = np.argsort({at.array(value)}, kind='mergesort')", alloc=target, pure=True)
    return replaced(named(target, INT, value.dims), unique=True)


@lowers(np.shape)
def shape(at: Any, a: Value) -> Tup:
    value = at.number(a)
    return Tup(tuple(at.size_value(value, k) for k in range(value.ndim)))


@lowers(np.size)
def size(at: Any, a: Value) -> Val:
    return at.total_size(at.number(a))  # type: ignore[no-any-return]


@lowers(np.ndim)
def ndim(at: Any, a: Value) -> Val:
    return literal(at.number(a).ndim)


@lowers(np.errstate)
def errstate(at: Any, **kw: Value) -> Value:
    return Static(None)


_LIBRARY: dict[Any, Handler] = {}


def library_handlers() -> dict[Any, Handler]:
    """SciPy's functions, and those of srcad that programs call."""
    if not _LIBRARY:
        from srcad.runtime import stop_gradient, unbroadcast

        _LIBRARY[stop_gradient] = lambda at, x: x
        _LIBRARY[unbroadcast] = lambda at, dz, x: at.unbroadcast(at.number(dz), at.number(x))
        try:
            from scipy import special

            _LIBRARY[special.logsumexp] = lambda at, a, axis=None, keepdims=None: at.logsumexp(at.number(a), axis, keepdims)
            _LIBRARY[special.softmax] = softmax
            _LIBRARY[special.log_softmax] = log_softmax
        except ImportError:
            pass
    return _LIBRARY


def log_softmax(at: Any, x: Value, axis: Value | None = None) -> Val:
    value = at.steady(at.number(x))
    return at.elementwise(np.subtract, value, at.steady(at.logsumexp(value, axis, literal(True))))  # type: ignore[no-any-return]


def softmax(at: Any, x: Value, axis: Value | None = None) -> Val:
    return at.elementwise(np.exp, log_softmax(at, x, axis))  # type: ignore[no-any-return]
