"""Functions that are looked through: len, isinstance, sum, max, np.where and their like, on values whose make-up is known.

    len(x) is x.shape[0]        isinstance(x, np.ndarray) is True
"""
from __future__ import annotations

import ast
import builtins
import collections
import dataclasses
import functools
import math
import operator
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

import numpy as np

from srcad import spelled
from srcad.dims import Dim, Undecided, product
from srcad.inference import Operation, constant_ref, display, fractional, record_display
from srcad.ir import Assign, Effect, map_block
from srcad.kinds import INT, UNKNOWN, Lazy, Number, Place, Range, Record, Ref, Sequence, Static, is_double, python
from srcad.outside import static_value
from srcad.protocols import defined, is_dict, iterated, own_class, visible
from srcad.reflection import REFLECTION
from srcad.rules import find
from srcad.runtime import adjoint, checkpoint, stop_gradient
from srcad.shapes import infer_call
from srcad.shapes.reductions import COUNTED
from srcad.surgery import Surgery, bound_by, relabelled
from srcad.syntax import call, const, expression

if TYPE_CHECKING:
    from srcad.calls import Calls

Arguments = list[Ref]


def special_len(calls: Calls, args: Arguments, keywords: dict[str, Ref], text: ast.Call, target: str | None) -> Ref | None:
    value = args[0].value
    if isinstance(value, Sequence) and value.series is not None:
        return calls.at.length_ref(value.series)
    if isinstance(value, Sequence) or is_dict(args[0]):
        return constant_ref(len(value.items), calls.facts)  # type: ignore[union-attr]
    if isinstance(value, Static) and hasattr(value.value, "__len__"):
        return constant_ref(len(static_value(args[0], calls.facts)), calls.facts)
    if isinstance(value, Number) and value.shape:
        return Ref(text, python(np.dtype(int), value.shape[0]))
    if isinstance(value, Number) and value.shape == ():
        calls.at.refuse("len() of a number raises a TypeError. Ask np.ndim first.")
    return None


def special_shape(calls: Calls, args: Arguments, keywords: dict[str, Ref], text: ast.Call, target: str | None) -> Ref | None:
    if isinstance(args[0].value, Number) and args[0].number.shape is not None:
        if not args[0].number.shape:
            return display(tuple, ())
        items = tuple(Ref(ast.Subscript(value=text, slice=const(i), ctx=ast.Load()), python(np.dtype(int), d)) for i, d in enumerate(args[0].number.shape))
        return Ref(text, Sequence(tuple, items))
    return None


def special_size(calls: Calls, args: Arguments, keywords: dict[str, Ref], text: ast.Call, target: str | None) -> Ref | None:
    shape = args[0].number.shape
    if shape is None or len(args) > 1 or keywords:
        return None
    return Ref(text, python(np.dtype(int), product(shape, calls.facts)))


def special_ndim(calls: Calls, args: Arguments, keywords: dict[str, Ref], text: ast.Call, target: str | None) -> Ref | None:
    number = args[0].number
    return None if number.ndim is None else constant_ref(number.ndim, calls.facts)


def special_sequence(kind: type) -> Callable[..., Ref | None]:
    def convert(calls: Calls, args: Arguments, keywords: dict[str, Ref], text: ast.Call, target: str | None) -> Ref | None:
        if not args:
            return display(kind, ())
        if isinstance(args[0].value, Sequence) and not defined(args[0], "__iter__"):
            return display(kind, args[0].value.items)
        return display(kind, calls.at.listed(args[0]))

    return convert


def special_range(calls: Calls, args: Arguments, keywords: dict[str, Ref], text: ast.Call, target: str | None) -> Ref | None:
    """range of whole numbers: known, symbolic, or only known at run time."""
    for ref in args:
        if not isinstance(ref.value, Number) or ref.number.dtype is None or ref.number.dtype.kind not in "iu" and not ref.number.origin:
            raise TypeError("range() takes whole numbers")
        calls.at.integer_use(ref)
    dims = [r.number.dim for r in args]
    start, stop = (Dim.of(0, calls.facts), dims[0]) if len(args) == 1 else (dims[0], dims[1])
    step: int | None = 1
    if len(args) == 3:
        step = static_value(args[2], calls.facts) if dims[2] is not None and dims[2].value is not None else None
    return Ref(text, Range(text, start, stop, step))


def special_str(calls: Calls, args: Arguments, keywords: dict[str, Ref], text: ast.Call, target: str | None) -> Ref | None:
    return calls.at.text(text, target, tuple(args), str) if len(args) == 1 and not keywords else None


def special_lazy(calls: Calls, args: Arguments, keywords: dict[str, Ref], text: ast.Call, target: str | None, kind: str) -> Ref | None:
    """enumerate, zip, reversed: of whatever a loop runs over."""
    start = args[1] if len(args) > 1 and kind == "enumerate" else keywords.get("start")
    parts = tuple(calls.at.with_end(from_the_end(calls, iterated(calls.at, a))) for a in (args if kind == "zip" else args[:1]))
    return Ref(text, Lazy(kind, parts, start, calls.state.loops))


def from_the_end(calls: Calls, ref: Ref) -> Ref:
    """`reversed(x)` of an array beside others is `x[::-1]`."""
    if not isinstance(ref.value, Lazy) or ref.value.kind != "reversed" or not isinstance(ref.value.parts[0].value, Number):
        return ref
    array, turned = ref.value.parts[0], slice(None, None, -1)
    return calls.at.subscript(array, (turned,), ast.Subscript(value=array.expr, slice=ast.Slice(step=const(-1)), ctx=ast.Load()), None)


def special_enumerate(calls: Calls, args: Arguments, keywords: dict[str, Ref], text: ast.Call, target: str | None) -> Ref | None:
    return special_lazy(calls, args, keywords, text, target, "enumerate")


def special_zip(calls: Calls, args: Arguments, keywords: dict[str, Ref], text: ast.Call, target: str | None) -> Ref | None:
    """zip: with strict=True of equally many items."""
    if "strict" in keywords and static_value(keywords["strict"], calls.facts) and args:
        first, *others = (calls.at.length(iterated(calls.at, a)) for a in args)
        if any(not first == length for length in others):
            raise ValueError("zip() of items of which some are shorter")
    return special_lazy(calls, args, keywords, text, target, "zip")


def special_reversed(calls: Calls, args: Arguments, keywords: dict[str, Ref], text: ast.Call, target: str | None) -> Ref | None:
    """reversed: of a list, from the end that it has now."""
    value = args[0].value
    start = None
    if isinstance(value, Sequence):
        start = constant_ref(len(value.items), calls.facts) if value.series is None else calls.at.length_ref(value.series)
    return Ref(text, Lazy("reversed", (args[0],), start, calls.state.loops))


def special_map(calls: Calls, args: Arguments, keywords: dict[str, Ref], text: ast.Call, target: str | None) -> Ref | None:
    """map(f, xs): f of each item when its turn comes."""
    return Ref(text, Lazy("map", tuple(iterated(calls.at, a) for a in args[1:]), None, calls.state.loops, each=lambda row: call_value(calls, args[0], row)))


def call_value(calls: Calls, function: Ref, args: Arguments) -> Ref:
    return calls.value_called(function, args, {}, ast.Call(func=function.expr, args=[a.expr for a in args], keywords=[]), None)


def special_reduce(calls: Calls, args: Arguments, keywords: dict[str, Ref], text: ast.Call, target: str | None) -> Ref | None:
    """functools.reduce: one call after the other."""
    items = list(calls.at.listed(args[1]))
    total = args[2] if len(args) > 2 else items.pop(0)
    for item in items:
        total = call_value(calls, args[0], [total, item])
    return total


def special_operator(symbol: ast.operator) -> Callable[..., Ref | None]:
    def operate(calls: Calls, args: Arguments, keywords: dict[str, Ref], text: ast.Call, target: str | None) -> Ref | None:
        return calls.at.binary(symbol, args[0], args[1], target)

    return operate


def special_pow(calls: Calls, args: Arguments, keywords: dict[str, Ref], text: ast.Call, target: str | None) -> Ref | None:
    """`pow(x, y)` of arrays: `x ** y`."""
    if keywords or len(args) != 2 or all(isinstance(a.value, Number) and a.number.form == "python" for a in args):
        return None
    return calls.at.binary(ast.Pow(), args[0], args[1], target)


def special_shares(calls: Calls, args: Arguments, keywords: dict[str, Ref], text: ast.Call, target: str | None) -> Ref | None:
    return calls.at.opaque(text, target, python(np.dtype(bool)))


def special_any(calls: Calls, args: Arguments, keywords: dict[str, Ref], text: ast.Call, target: str | None) -> Ref | None:
    """any and all: a truth."""
    if isinstance(args[0].value, (Lazy, Range, Record)) or defined(args[0], "__iter__"):
        args = [display(list, calls.at.listed(args[0]))]
        text = ast.Call(func=text.func, args=[args[0].expr], keywords=[])
    visible(calls.at, args, "any and all")
    return calls.at.operation(np.any, (), {}, text, target, python(np.dtype(bool)))


def special_dict(calls: Calls, args: Arguments, keywords: dict[str, Ref], text: ast.Call, target: str | None) -> Ref | None:
    base = dict(args[0].value.items) if args and is_dict(args[0]) else {}  # type: ignore[union-attr]
    if args and not is_dict(args[0]):
        pairs = [calls.at.listed(p) for p in calls.at.listed(args[0])]
        base = {static_value(key, calls.facts): value for key, value in pairs}
    return record_display(dict, base | keywords)


def special_stop_gradient(calls: Calls, args: Arguments, keywords: dict[str, Ref], text: ast.Call, target: str | None) -> Ref | None:
    """The value, under a name that nothing is differentiated by."""
    value = args[0] if args else keywords["x"]
    if isinstance(value.value, (Sequence, Record)):
        calls.at.refuse("stop_gradient takes one number or array. Apply it to each item.")
    made = calls.at.new_name(target or calls.state.namer.temporary("constant"))
    calls.at.write(Assign(made, value.expr, calls.at.loc))
    place = value.number.place
    if place is not None:  # it is the same memory: it must not be written to
        calls.state.event += 1
        return Ref(ast.Name(id=made, ctx=ast.Load()), dataclasses.replace(value.number, place=Place(place.buffer, None, calls.state.event)), made)
    return Ref(ast.Name(id=made, ctx=ast.Load()), value.value, made)


def special_checkpoint(calls: Calls, args: Arguments, keywords: dict[str, Ref], text: ast.Call, target: str | None) -> Ref | None:
    """A function that is checkpointed where it is called."""
    if len(args) != 1 or not isinstance(args[0].value, Static) or not callable(args[0].value.value):
        calls.at.refuse("checkpoint takes a function that is defined outside.")
        raise AssertionError
    return Ref(text, Static(checkpoint(args[0].value.value), args[0].value.path))


def special_adjoint(calls: Calls, args: Arguments, keywords: dict[str, Ref], text: ast.Call, target: str | None) -> Ref | None:
    """The body of `with srcad.adjoint(h) as dh`: h goes on under a name of its own, and its adjoint through the body."""
    ref, surgery = args[0], args[1].value.value if len(args) == 2 and isinstance(args[1].value, Static) else None
    if not isinstance(surgery, Surgery) or not isinstance(ref.value, Number) or calls.at.shadowed(ref):
        calls.at.refuse("adjoint is for numbers and arrays that are not changed in place: `with srcad.adjoint(h) as dh:`.")
        raise AssertionError
    namer = calls.state.namer
    own = {}
    for label in sorted({surgery.label, *bound_by(surgery.body)}):
        own[label] = namer.version(label) if label in calls.state.bound or label in calls.at.frame.locals else namer.reserve(label)
        calls.state.bound.add(own[label])
    body = map_block(relabelled(surgery.body, own), calls.at.renamed)
    made = calls.at.new_name(target or namer.temporary("value"))
    calls.at.write(Assign(made, ref.expr, calls.at.loc))
    result = calls.at.named(made, ref.value)
    if ref.key in calls.state.active:
        calls.state.active.add(made)
        calls.at.record(Operation((result,), False, Surgery(own[surgery.label], body), None, (ref,), {}, calls.at.loc))
    return result


def special_of_items(function: Callable[..., Any]) -> Callable[..., Ref | None]:
    """math.fsum and math.prod of what gives its items one by one: of the list of them."""
    def special(calls: Calls, args: Arguments, keywords: dict[str, Ref], text: ast.Call, target: str | None) -> Ref | None:
        whole = iterated(calls.at, args[0]) if args else None
        if whole is None or not isinstance(whole.value, (Range, Lazy, Record)):
            return None
        items = display(list, tuple(calls.at.listed(whole)))
        return calls.library(function, [items, *args[1:]], keywords, call(text.func, [items.expr, *(a.expr for a in args[1:])], **{k: v.expr for k, v in keywords.items()}), target)

    return special


def special_sum(calls: Calls, args: Arguments, keywords: dict[str, Ref], text: ast.Call, target: str | None) -> Ref | None:
    """Python's sum over a list of what is known: one addition after the other."""
    whole = iterated(calls.at, args[0])
    if whole is not args[0]:
        args, text = [whole, *args[1:]], ast.Call(func=text.func, args=[whole.expr, *(a.expr for a in args[1:])], keywords=text.keywords)
    items = args[0].value
    if isinstance(items, Sequence) and items.series is not None and len(args) == 1 and not keywords:
        return calls.at.series_whole(items.series, "sum", text, target)
    start = args[1] if len(args) > 1 else keywords.get("start")
    if isinstance(items, (Range, Lazy, Record)):
        listed = [display(tuple, calls.at.listed(args[0])), *args[1:]]
        return special_sum(calls, listed, keywords, ast.Call(func=text.func, args=[a.expr for a in listed], keywords=text.keywords), target)
    if isinstance(items, Sequence):
        if items.items and all(i.number.form == "python" for i in items.items) and start is None:
            kind = infer_call(np.add.reduce, calls.facts, [], {})
            dtype = np.result_type(*(i.number.dtype or float for i in items.items)) if items.items else np.dtype(int)
            kind = python(dtype if dtype.kind in "fic" else np.dtype(int))
            return calls.at.operation(builtins.sum, ([*items.items],), {}, text, target, kind, find(builtins.sum))
        total = start
        for item in items.items:
            if total is None and own_class(item) is not None:
                total = constant_ref(0, calls.facts)
            total = item if total is None else calls.at.binary(ast.Add(), total, item, None)
        if start is None and len(items.items) == 1 and not items.items[0].number.is_plain and calls.state.knowledge.written:
            total = calls.at.binary(ast.Add(), constant_ref(0, calls.facts), items.items[0], None)  # another array
        return total if total is not None else constant_ref(0, calls.facts)
    if isinstance(items, Number) and items.ndim and items.shape is not None and start is None:
        kind = infer_call(np.sum, calls.facts, [items], {"axis": 0})
        kind = dataclasses.replace(kind, dtype=items.dtype and np.asarray(sum(np.ones(1, items.dtype))).dtype)
        along = {} if items.ndim == 1 else {"axis": 0}
        return calls.at.operation(np.sum, (args[0],), along, text, target, kind, find(np.sum))
    if isinstance(items, Number) and items.ndim and start is not None:
        plain = ast.Call(func=text.func, args=[args[0].expr], keywords=[])
        whole = special_sum(calls, [args[0]], {}, plain, None)
        return calls.at.binary(ast.Add(), start, whole, target) if whole is not None else None
    calls.at.refuse("sum() of this is not supported. Use np.sum.")
    return None


def is_row(ref: Ref) -> bool:
    """Whether this is an array of one dimension, or a list that grows in a loop."""
    value = ref.value
    return isinstance(value, Number) and value.ndim == 1 or isinstance(value, Sequence) and value.series is not None


def special_extreme(function: Any) -> Callable[..., Ref | None]:
    def extreme(calls: Calls, args: Arguments, keywords: dict[str, Ref], text: ast.Call, target: str | None) -> Ref | None:
        if [*keywords] == ["key"]:
            return calls.by_key(function, args, keywords["key"])
        if keywords:
            calls.at.refuse(f"{function.__name__}() with a default is not supported. Ask for the length first.")
        if any(defined(a, "__iter__") for a in args[:1]) and len(args) == 1:
            args = [display(tuple, calls.at.listed(args[0]))]
            text = ast.Call(func=text.func, args=[args[0].expr], keywords=[])
        args = [display(tuple, calls.at.listed(a)) if isinstance(a.value, Lazy) else a for a in args]
        if len(args) == 1 and is_row(args[0]):
            whole = np.max if function is max else np.min
            array = calls.at.array_of_series(args[0].value.series) if isinstance(args[0].value, Sequence) else args[0]
            head = expression(f"{calls.facts.module('numpy')}.{function.__name__}")
            return calls.library(whole, [array], {}, ast.Call(func=head, args=[array.expr], keywords=[]), target)
        items = args[0].value.items if len(args) == 1 and isinstance(args[0].value, Sequence) else args
        if len(args) == 1 and not isinstance(args[0].value, Sequence):
            calls.at.refuse(f"{function.__name__}() of an array of more than one dimension: use np.{function.__name__}.")
        if any(not i.number.is_plain for i in items):
            calls.at.refuse(f"{function.__name__}() compares single numbers; use np.{function.__name__}imum for arrays.")
        dims = [i.number.dim for i in items]
        if all(d is not None for d in dims) and not calls.state.is_active(list(items)):
            try:
                best = dims[0]
                for dim in dims[1:]:
                    best = dim if (dim > best if function is max else dim < best) else best
            except Undecided:  # the index of a loop, which passes this in some pass
                return calls.at.operation(function, tuple(items), {}, text, target, python(INT, calls.facts.new_dim()))
            return Ref(text, python(INT, best))
        kinds = {i.number.form for i in items}
        dtype = np.result_type(*(i.number.dtype or float for i in items))
        kind = Number("python" if kinds == {"python"} else "scalar", dtype, ())
        if is_double(dtype) and any(i.number.dtype == INT for i in items):  # a whole number would make arrays of whole numbers
            text = ast.Call(func=text.func, args=[fractional(i, Ref(i.expr, kind)) for i in items], keywords=[])
        return calls.at.operation(function, tuple(items), {}, text, target, kind, find(function))

    return extreme


def special_print(calls: Calls, args: Arguments, keywords: dict[str, Ref], text: ast.Call, target: str | None) -> Ref | None:
    visible(calls.at, args, "print")
    calls.at.write(Effect(text, calls.at.loc))
    return Ref(const(None), Static(None))


def special_einsum(calls: Calls, args: Arguments, keywords: dict[str, Ref], text: ast.Call, target: str | None) -> Ref | None:
    """The form with lists of numbers for subscripts, said with letters."""
    if isinstance(args[0].value, Static):
        return None
    letters = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ"
    output = static_value(args[-1], calls.facts) if len(args) % 2 else None
    pairs = args[: len(args) - len(args) % 2]

    def spell(axes: Any) -> str:
        return "".join("..." if a is Ellipsis else letters[a] for a in axes)

    subscripts = ",".join(spell(static_value(axes, calls.facts)) for axes in pairs[1::2])
    if output is not None:
        subscripts += "->" + spell(output)
    first = Ref(const(subscripts), Static(subscripts))
    return calls.library(np.einsum, [first, *pairs[::2]], keywords, text, target)


def special_where(calls: Calls, args: Arguments, keywords: dict[str, Ref], text: ast.Call, target: str | None) -> Ref | None:
    """np.where(condition) gives indices."""
    if len(args) != 1:
        return None
    result = calls.at.operation(np.nonzero, (args[0],), {}, text, target, UNKNOWN)
    rank = args[0].number.ndim
    if rank is None:
        return result
    number = Number("array", np.dtype(int), (calls.at.count_of(args[0]),), unique=rank == 1)
    items = tuple(Ref(ast.Subscript(value=result.expr, slice=const(i), ctx=ast.Load()), number) for i in range(rank))
    return Ref(result.expr, Sequence(tuple, items))


def special_count(calls: Calls, args: Arguments, keywords: dict[str, Ref], text: ast.Call, target: str | None) -> Ref | None:
    """np.count_nonzero(mask) is the length of what the mask leaves."""
    if len(args) != 1 or keywords or not isinstance(args[0].value, Number) or not args[0].number.shape:
        return None
    return calls.at.operation(np.count_nonzero, (args[0],), {}, text, target, dataclasses.replace(COUNTED, dim=calls.at.count_of(args[0])))


def special_select(calls: Calls, args: Arguments, keywords: dict[str, Ref], text: ast.Call, target: str | None) -> Ref | None:
    """np.select is np.where inside np.where: the first condition that holds decides."""
    if not calls.state.is_active([*args, *keywords.values()]):
        return None
    names = dict(zip(("condlist", "choicelist", "default"), args)) | keywords
    conditions, choices = names["condlist"].value, names["choicelist"].value
    if not isinstance(conditions, Sequence) or not isinstance(choices, Sequence) or any(c.number.dtype != np.dtype(bool) for c in conditions.items):
        calls.at.refuse("np.select is differentiated with lists of conditions and of choices.")
        raise AssertionError
    result = names.get("default", constant_ref(0, calls.facts))
    where = expression(f"{calls.facts.module('numpy')}.where")
    for condition, choice in reversed([*zip(conditions.items, choices.items, strict=True)]):
        last = condition is conditions.items[0]
        call = ast.Call(func=where, args=[condition.expr, choice.expr, result.expr], keywords=[])
        result = calls.library(np.where, [condition, choice, result], {}, call, target if last else None)
    return result


def special_piecewise(calls: Calls, args: Arguments, keywords: dict[str, Ref], text: ast.Call, target: str | None) -> Ref | None:
    """np.piecewise fills an array: each function's values where its condition holds."""
    if not calls.state.is_active(args):
        return None
    x, extra = args[0], args[3:]
    conditions, functions = args[1].value, args[2].value
    if keywords or not x.number.ndim or not isinstance(conditions, Sequence) or not isinstance(functions, Sequence) or any(
            c.number.dtype != np.dtype(bool) or c.number.ndim != x.number.ndim for c in conditions.items):
        calls.at.refuse("np.piecewise is differentiated on arrays, with a list of conditions of their shape and a list of functions.")
        raise AssertionError
    masks = list(conditions.items)
    if len(functions.items) > len(masks):
        some = functools.reduce(lambda a, b: calls.at.binary(ast.BitOr(), a, b, None), masks)
        masks.append(calls.at.unary(ast.Invert(), some, None))
    zeros = ast.Call(func=expression(f"{calls.facts.module('numpy')}.zeros_like"), args=[x.expr], keywords=[])
    result = calls.at.operation(np.zeros_like, (x,), {}, zeros, target, infer_call(np.zeros_like, calls.facts, [x.number], {}))
    for mask, function in zip(masks, functions.items, strict=True):
        value = function
        if not isinstance(function.value, Number):
            part = calls.at.subscript(x, (calls.at.index_value(mask),), ast.Subscript(value=x.expr, slice=mask.expr, ctx=ast.Load()), None)
            value = call_value(calls, function, [part, *extra])
        calls.at.write_at(result, mask.expr, (calls.at.index_value(mask),), value)
    return result


def special_reduction(whole: Any) -> Callable[..., Ref | None]:
    """np.add.reduce is np.sum along the first axis, and so on."""
    def reduce(calls: Calls, args: Arguments, keywords: dict[str, Ref], text: ast.Call, target: str | None) -> Ref | None:
        if len(args) == 1 and "axis" not in keywords:
            keywords = {"axis": constant_ref(0, calls.facts), **keywords}
        if isinstance(args[0].value, Sequence):
            args = [calls.as_array(args[0]), *args[1:]]
            text = ast.Call(func=text.func, args=[a.expr for a in args], keywords=text.keywords)
        return calls.library(whole, args, keywords, text, target)

    return reduce


def special_apply_along(calls: Calls, args: Arguments, keywords: dict[str, Ref], text: ast.Call, target: str | None) -> Ref | None:
    """np.apply_along_axis: each row through the function, which may capture what is differentiated."""
    if isinstance(args[0].value, Static) and not calls.state.is_active([*args, *keywords.values()]):
        return None
    if len(args) > 2:
        args = [*args[:2], calls.as_array(args[2]), *args[3:]]
    return calls.own_function(spelled.apply_along_axis, "", args, keywords, text, target)


def special_apply_over(calls: Calls, args: Arguments, keywords: dict[str, Ref], text: ast.Call, target: str | None) -> Ref | None:
    """np.apply_over_axes: with one axis or several, counted from the front."""
    if isinstance(args[0].value, Static) and not calls.state.is_active([*args, *keywords.values()]):
        return None
    names = dict(zip(("func", "a", "axes"), args)) | keywords
    array = calls.as_array(names["a"])
    rank = array.number.ndim
    axes = static_value(names["axes"], calls.facts)
    if rank is None:
        calls.at.refuse("np.apply_over_axes of an array of unknown rank is not differentiated.")
    assert rank is not None
    found = tuple(a % rank for a in (axes if isinstance(axes, (tuple, list)) else (axes,)))
    given = display(tuple, tuple(constant_ref(a, calls.facts) for a in found))
    return calls.own_function(spelled.apply_over_axes, "", [names["func"], array, given], {}, text, target)


def special_histogramdd(calls: Calls, args: Arguments, keywords: dict[str, Ref], text: ast.Call, target: str | None) -> Ref | None:
    """np.histogramdd: the columns of the points, each with its bins and its range."""
    if not calls.state.is_active([*args, *keywords.values()]):
        return None
    names = dict(zip(("sample", "bins", "range", "density", "weights"), args)) | keywords
    sample = names["sample"]
    columns = calls.at.listed(calls.at.attribute(sample, "T", None) if isinstance(sample.value, Number) else sample)
    none = constant_ref(None, calls.facts)
    bins, limits = names.get("bins", constant_ref(10, calls.facts)), names.get("range", none)
    if isinstance(bins.value, Number) and not bins.number.is_plain or isinstance(bins.value, Static):
        calls.at.refuse("np.histogramdd is differentiated with a number of bins, or a list with the bins of each column.")
    if isinstance(sample.value, Number) and sample.number.ndim != 2:
        calls.at.refuse("np.histogramdd is differentiated of points in the rows of a matrix, or of a list of columns.")
    each = [display(tuple, calls.at.listed(r) if isinstance(r.value, Sequence) else (r,) * len(columns)) for r in (bins, limits)]
    rest = [names.get(label, none) for label in ("density", "weights")]
    return calls.own_function(spelled.histogramdd, "", [display(tuple, columns), *each, *rest], {}, text, target)


REDUCTIONS = {np.add.reduce: np.sum, np.multiply.reduce: np.prod, np.maximum.reduce: np.max, np.minimum.reduce: np.min,
              np.add.accumulate: np.cumsum, np.multiply.accumulate: np.cumprod, np.logaddexp.reduce: np.logaddexp.reduce}
SPECIAL: dict[Any, Callable[..., Ref | None]] = {
    len: special_len, np.shape: special_shape, np.ndim: special_ndim, np.size: special_size, collections.OrderedDict: special_dict, **REFLECTION,
    list: special_sequence(list), tuple: special_sequence(tuple), dict: special_dict, stop_gradient: special_stop_gradient, adjoint: special_adjoint, checkpoint: special_checkpoint, sum: special_sum,
    max: special_extreme(max), min: special_extreme(min), print: special_print, pow: special_pow, np.einsum: special_einsum, np.where: special_where,
    np.nonzero: special_where, np.count_nonzero: special_count, any: special_any, all: special_any, range: special_range, enumerate: special_enumerate, zip: special_zip, reversed: special_reversed, map: special_map, str: special_str,
    math.fsum: special_of_items(math.fsum), math.prod: special_of_items(math.prod), functools.reduce: special_reduce, np.shares_memory: special_shares, np.may_share_memory: special_shares,
    np.select: special_select, np.piecewise: special_piecewise, np.apply_along_axis: special_apply_along,
    np.apply_over_axes: special_apply_over, np.histogramdd: special_histogramdd, **{f: special_reduction(whole) for f, whole in REDUCTIONS.items()},
    **{getattr(operator, label): special_operator(symbol) for label, symbol in (
        ("add", ast.Add()), ("sub", ast.Sub()), ("mul", ast.Mult()), ("truediv", ast.Div()), ("pow", ast.Pow()), ("matmul", ast.MatMult()),
        ("floordiv", ast.FloorDiv()), ("mod", ast.Mod()))},
}
