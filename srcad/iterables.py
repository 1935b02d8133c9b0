"""What programs run over besides lists and arrays, and what is chosen of it: products of ranges, sorted numbers, slices of a range, grids.

    for i, j in itertools.product(range(2), range(3))    its pairs, one by one
    max(range(len(x)), key=lambda i: x[i])               the loop that looks for it
"""
from __future__ import annotations

import ast
import itertools
from collections.abc import Callable, Iterator
from typing import TYPE_CHECKING, Any

import numpy as np

from srcad import spelled
from srcad.dims import Dim, Facts
from srcad.inference import constant_ref, display
from srcad.kinds import BOOL, Lazy, Number, Object, Range, Ref, Sequence, Static, python
from srcad.outside import static_value
from srcad.rules import find
from srcad.shapes import infer_call
from srcad.syntax import call, const, expression

if TYPE_CHECKING:
    from srcad.calls import Calls

Arguments = list[Ref]
LONGEST = 600  # as many passes as a loop is written out for


def special_combined(combine: Callable[..., Iterator[Any]]) -> Callable[..., Ref | None]:
    """itertools.product and its like: of what is known item by item, and run over once."""
    def combined(calls: Calls, args: Arguments, keywords: dict[str, Ref], text: ast.Call, target: str | None) -> Ref | None:
        given = [known_integer(calls, a) if isinstance(a.value, Number) and a.number.is_plain else calls.at.listed(a) for a in args]
        known = {k: known_integer(calls, v) for k, v in keywords.items()}
        found = list(itertools.islice(combine(*given, **known), LONGEST + 1))
        if len(found) > LONGEST:
            calls.at.refuse(f"`{combine.__name__}` is written out here, and is longer than {LONGEST}. Use nested loops.")
        items = tuple(c if isinstance(c, Ref) else display(tuple, c) for c in found)
        return Ref(text, Lazy(combine.__name__, (display(tuple, items),), None, calls.state.loops, each=lambda row: row[0]))

    return combined


def special_pairwise(calls: Calls, args: Arguments, keywords: dict[str, Ref], text: ast.Call, target: str | None) -> Ref | None:
    """itertools.pairwise of an array: all but the last beside all but the first."""
    array = args[0]
    if not isinstance(array.value, Number):
        return special_combined(itertools.pairwise)(calls, args, keywords, text, target)
    ends = (slice(None, -1), ast.Slice(upper=const(-1))), (slice(1, None), ast.Slice(lower=const(1)))
    parts = tuple(calls.at.subscript(array, (part,), ast.Subscript(value=array.expr, slice=said, ctx=ast.Load()), None) for part, said in ends)
    return Ref(text, Lazy("zip", parts, None, calls.state.loops))


def known_integer(calls: Calls, ref: Ref) -> Any:
    calls.at.integer_use(ref)
    return static_value(ref, calls.facts)


def special_ndindex(calls: Calls, args: Arguments, keywords: dict[str, Ref], text: ast.Call, target: str | None) -> Ref | None:
    """np.ndindex is a product of ranges."""
    sizes = args[0].value.items if len(args) == 1 and isinstance(args[0].value, Sequence) else args
    ranges = [display(tuple, tuple(constant_ref(i, calls.facts) for i in range(known_integer(calls, s)))) for s in sizes]
    return special_combined(itertools.product)(calls, ranges, {}, text, target)


def special_ndenumerate(calls: Calls, args: Arguments, keywords: dict[str, Ref], text: ast.Call, target: str | None) -> Ref | None:
    """np.ndenumerate: each place, and what is there when its turn comes."""
    array = calls.as_array(args[0])
    if array.number.shape is None:
        return None
    places = special_ndindex(calls, [Ref(text, python(np.dtype(int), d)) for d in array.number.shape], {}, text, target)
    assert places is not None and isinstance(places.value, Lazy)

    def each(row: Arguments) -> Ref:
        index = ast.Tuple(elts=[i.expr for i in row[0].value.items], ctx=ast.Load())  # type: ignore[union-attr]
        item = calls.at.subscript(array, tuple(i.number for i in row[0].value.items), ast.Subscript(value=array.expr, slice=index, ctx=ast.Load()), None)  # type: ignore[union-attr]
        return display(tuple, (row[0], item))

    return Ref(text, Lazy("ndenumerate", places.value.parts, None, calls.state.loops, each=each))


def special_sorted(calls: Calls, args: Arguments, keywords: dict[str, Ref], text: ast.Call, target: str | None) -> Ref | None:
    """sorted of what is known, by its order; of numbers, np.sort and its items, or the items in the order of their keys."""
    items = calls.at.listed(args[0])
    key = keywords.get("key", Ref(const(None), Static(None)))
    has_key = not (isinstance(key.value, Static) and key.value.value is None)
    keys = tuple(calls.value_called(key, [i], {}, ast.Call(func=key.expr, args=[i.expr], keywords=[]), None) for i in items) if has_key else items
    turned = "reverse" in keywords and bool(static_value(keywords["reverse"], calls.facts))
    if not calls.state.is_active(list(keys)):
        try:
            known = [static_value(k, calls.facts) for k in keys]
            return display(list, tuple(items[i] for i in sorted(range(len(items)), key=known.__getitem__, reverse=turned)))
        except LookupError:
            pass
    if not all(isinstance(i.value, Number) and i.number.is_plain for i in (*items, *keys)):
        calls.at.refuse("sorted() is differentiated of single numbers, by keys that are single numbers. Use np.sort, or the order that np.argsort gives.")
    if has_key:
        signs = constant_ref(-1 if turned else 1, calls.facts)
        plain = ast.Call(func=const(None), args=[], keywords=[])
        return taken_apart(calls, calls.own_function(spelled.in_order_of, "", [display(list, items), display(list, keys), signs], {}, plain, target), len(items), False)
    array = args[0] if isinstance(args[0].value, Number) else calls.at.array_of(display(list, items))
    head = expression(f"{calls.facts.module('numpy')}.sort")
    kind = infer_call(np.sort, calls.facts, [array.number], {})
    whole = calls.at.operation(np.sort, (array,), {}, ast.Call(func=head, args=[array.expr], keywords=[]), target, kind, find(np.sort))
    return taken_apart(calls, whole, len(items), turned)


def taken_apart(calls: Calls, whole: Ref, count: int, turned: bool) -> Ref:
    """The items of an array as a list."""
    found = [calls.at.subscript(whole, (i,), ast.Subscript(value=whole.expr, slice=const(i), ctx=ast.Load()), None) for i in range(count)]
    return display(list, tuple(found[::-1] if turned else found))


def by_key(calls: Calls, function: Any, args: Arguments, key: Ref) -> Ref:
    """max and min by a key: the first item, and a loop over the others."""
    items = args[0] if len(args) == 1 else display(tuple, tuple(args))
    value = items.value
    match value:
        case Range(start=Dim() as start, stop=Dim() as stop, step=1, turned=False):
            if not start < stop:
                calls.at.refuse(f"{function.__name__}() of an empty range raises a ValueError.")
            first, rest = calls.at.dim_ref(start), Ref(items.expr, Range(call("range", [(start + 1).expr, stop.expr]), start + 1, stop, 1))
        case Number(shape=(_, *_)):
            first = calls.at.subscript(items, (0,), ast.Subscript(value=items.expr, slice=const(0), ctx=ast.Load()), None)
            tail = ast.Slice(lower=const(1))
            rest = calls.at.subscript(items, (slice(1, None),), ast.Subscript(value=items.expr, slice=tail, ctx=ast.Load()), None)
        case _:
            first, *others = calls.at.listed(items)
            rest = display(tuple, tuple(others))
    chosen = spelled.greatest if function is max else spelled.least
    text = ast.Call(func=const(None), args=[], keywords=[])
    return calls.own_function(chosen, "", [first, rest, key], {}, text, None)


def special_isscalar(calls: Calls, args: Arguments, keywords: dict[str, Ref], text: ast.Call, target: str | None) -> Ref | None:
    value = args[0].value
    if isinstance(value, Object) or isinstance(value, Number) and value.form == "unknown":
        return calls.at.opaque(text, target, python(BOOL))
    known = value.is_plain if isinstance(value, Number) else isinstance(value, Static) and np.isscalar(value.value)
    return constant_ref(known, calls.facts)


def special_linspace(calls: Calls, args: Arguments, keywords: dict[str, Ref], text: ast.Call, target: str | None) -> Ref | None:
    """np.linspace with its step: the step is spelled out."""
    retstep = keywords.get("retstep")
    if retstep is None or not static_value(retstep, calls.facts):
        return None
    rest = {k: v for k, v in keywords.items() if k != "retstep"}
    if set(rest) - {"start", "stop", "num", "endpoint"} or len(args) > 4:
        calls.at.refuse("np.linspace with its step is differentiated with start, stop, num and endpoint only.")
    return calls.own_function(spelled.linspace_with_step, "", args, rest, text, target)


def ufunc_method(calls: Calls, function: Any, args: Arguments, keywords: dict[str, Ref], text: ast.Call, target: str | None) -> Ref | None:
    """`np.multiply.outer(x, y)` and `np.maximum.accumulate(x)`, spelled out; None for what is something else or not differentiated."""
    label = getattr(function, "__name__", "")
    own = {"outer": spelled.outer, "accumulate": spelled.accumulate}.get(label)
    if own is None or getattr(np, function.__self__.__name__, None) is not function.__self__ or not calls.state.is_active([*args, *keywords.values()]):
        return None
    axis = 0
    if own is spelled.accumulate:
        axis, args, keywords = along(calls, args, keywords)
    if keywords or len(args) != (2 if label == "outer" else 1):
        calls.at.refuse(f"`.{label}()` of a ufunc is differentiated without keywords{', but for axis' if label == 'accumulate' else ''}. Spell it out.")
    ufunc = function.__self__
    if own is spelled.accumulate and "dd->d" not in ufunc.types:
        calls.at.refuse(f"what `np.{ufunc.__name__}.accumulate` gives are no numbers that it could be differentiated by.")
    arrays = [calls.as_array(a) for a in args]
    if find(function) is not None and arrays[0].number.ndim == 1:
        return calls.library(function, arrays, {}, call(text.func, [arrays[0].expr]), target)
    path = expression(f"{calls.facts.module('numpy')}.{ufunc.__name__}")
    operands = [Ref(path, Static(ufunc)), *arrays]
    if axis:
        return calls.own_function(spelled.accumulate_along, "", [*operands, constant_ref(axis, calls.facts)], {}, text, target)
    return calls.own_function(own, "", operands, {}, text, target)


def spelled_out(function: Any) -> Callable[..., Any] | None:
    """What a function of SciPy's means, as a program; None for all but a few. SciPy need not be imported."""
    own = {"cho_factor": spelled.cho_factor, "cho_solve": spelled.cho_solve}.get(getattr(function, "__name__", ""))
    return own if own is not None and (getattr(function, "__module__", None) or "").startswith("scipy.linalg") else None


def along(calls: Calls, args: Arguments, keywords: dict[str, Ref]) -> tuple[int, Arguments, dict[str, Ref]]:
    """The axis of a call of `accumulate`, counted from the front, and its other arguments."""
    given = keywords.get("axis") or (args[1] if len(args) == 2 else None)
    axis = static_value(given, calls.facts) if given is not None else 0
    rank = calls.as_array(args[0]).number.ndim
    if axis < 0 and rank is None:
        calls.at.refuse("`.accumulate()` along an axis counted from the end is not differentiated where the rank is not known.")
    return axis % rank if rank else axis, args[:1], {k: v for k, v in keywords.items() if k != "axis"}


def slice_of_range(value: Range, part: slice, facts: Facts) -> Range | None:
    """`range(n)[::-1]`, and any slice of a range that is known; None where it is not."""
    if part == slice(None, None, -1):
        turned = ast.Subscript(value=value.expr, slice=ast.Slice(step=expression("-1")), ctx=ast.Load())
        return Range(turned, value.start, value.stop, value.step, not value.turned)
    if value.bounds is None:
        return None
    start, stop, step = value.bounds
    span = range(start.known(), stop.known(), step)
    found = (span[::-1] if value.turned else span)[part]
    return Range(call("range", [const(found.start), const(found.stop), const(found.step)]), Dim.of(found.start, facts), Dim.of(found.stop, facts), found.step)


def special_slice(calls: Calls, args: Arguments, keywords: dict[str, Ref], text: ast.Call, target: str | None) -> Ref | None:
    """`slice(a, b)`: its ends are known where an index asks for them."""
    if keywords or not 1 <= len(args) <= 3:
        return None
    none = constant_ref(None, calls.facts)
    return display(slice, (none, args[0], none) if len(args) == 1 else (*args, none)[:3])


SPECIAL: dict[Any, Callable[..., Ref | None]] = {
    slice: special_slice,
    **{f: special_combined(f) for f in (itertools.product, itertools.combinations, itertools.permutations, itertools.combinations_with_replacement)},
    itertools.pairwise: special_pairwise,
    np.ndindex: special_ndindex, np.ndenumerate: special_ndenumerate, sorted: special_sorted, np.isscalar: special_isscalar, np.linspace: special_linspace,
}
