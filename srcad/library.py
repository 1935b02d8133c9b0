"""Calls of library functions: those with a rule, those whose derivative is zero, and the others.

    np.sum(x, 0)    operands x, parameters axis=0, the rule of np.sum
"""
from __future__ import annotations

import ast
import math
from typing import Any

import numpy as np

from srcad import spelled
from srcad.binding import IGNORED, bind_library, constant, guard_rule, is_hashable, is_none, labels_by_place, library_signature, without_adjoint
from srcad.dims import Facts, Undecided
from srcad.errors import AliasError, MissingRuleError, UnsupportedSyntaxError
from srcad.infer import Interpreter
from srcad.inference import Inference, constant_ref, display, function_label
from srcad.kinds import Lazy, Method, Number, Object, Record, Ref, Sequence, Series, Static, leaves
from srcad.outside import LIBRARIES, static_value
from srcad.protocols import as_array, visible
from srcad.rules import Rule, find, is_zero
from srcad.shapes import infer_call
from srcad.syntax import const, expression, names

Arguments = list[Ref]
SHAPE_PARAMETERS = ("shape", "newshape", "indices_or_sections", "size")


WRITERS = ("shuffle", "place", "putmask", "put_along_axis", "at", "setfield", "permuted", "heapify", "insort")


def is_operand(rule: Rule, function: Any, position: int) -> bool:
    """Whether an argument in this place is an operand of the rule, and no shape."""
    signature = library_signature(function)
    labels = [*signature.parameters] if signature is not None else []
    if set(rule.operands) <= set(labels) and not rule.variadic:
        return position < len(labels) and labels[position] in rule.operands and labels[position] not in SHAPE_PARAMETERS
    if position >= len(rule.operands):
        return rule.variadic
    return rule.operands[position] not in SHAPE_PARAMETERS


TAKE_LISTS = {
    np.concatenate, np.stack, np.vstack, np.hstack, np.column_stack, np.array, np.asarray, np.asanyarray, sum, math.fsum, math.prod, math.dist, max, min,
}


REDUCING = {np.sum, np.prod, np.max, np.amax, np.min, np.amin, np.ptp, np.nansum, np.nanprod, np.nanmax, np.nanmin}
REAL = ("math", "random", "statistics", "scipy.stats", "scipy.spatial")  # whose functions return no complex numbers
JOINING = {np.concatenate, np.stack, np.vstack, np.hstack, np.column_stack}
TAKE_LISTS |= {np.full, np.dstack, np.block, np.choose, np.broadcast_arrays, np.linalg.multi_dot}
JOINING |= {np.dstack}
if hasattr(np, "row_stack"):  # an older name of np.vstack
    TAKE_LISTS.add(np.row_stack)
    JOINING.add(np.row_stack)
FLAGS = frozenset(("keepdims", "compute_uv", "full_matrices", "hermitian", "return_sign", "lower", "upper", "right", "increasing", "endpoint", "retstep", "rowvar", "bias",
                   "density", "assume_sorted", "copy", "sparse", "invert", "return_index", "return_inverse", "return_counts", "equal_nan"))
INTEGRAL = {math.factorial, math.comb, math.perm, math.gcd, math.lcm, math.isqrt, np.zeros, np.ones, np.empty, np.eye, np.identity, np.arange, np.ix_, np.bartlett, np.blackman, np.hamming, np.hanning, np.kaiser}


def both_bounds(args: Arguments, keywords: dict[str, Ref]) -> dict[str, Ref]:
    """The keywords of np.clip by their older names: min and max are a_min and a_max, and None where they are not given."""
    none = Ref(const(None), Static(None))
    named = {{"min": "a_min", "max": "a_max"}.get(k, k): v for k, v in keywords.items()}
    return {k: none for k in ("a_min", "a_max")[max(0, len(args) - 1) :]} | named


class Library:
    """The library functions that one frame calls."""

    at: Interpreter
    state: Inference
    facts: Facts

    def unknown(self, function: Any, args: Arguments, keywords: dict[str, Ref], text: ast.Call, target: str | None) -> Ref:
        """A library function without a rule: fine where nothing that it gets is differentiated."""
        everything = [*args, *keywords.values()]
        self.require_no_writing(function, args, keywords)
        visible(self.at, everything, function_label(function))
        if self.state.is_active(everything):
            self.at.missing(function)
        self.pure(function, everything)
        self.integral_arguments(everything)
        kind = self.inferred(function, args, keywords)
        if isinstance(kind, list) or isinstance(kind, Number) and kind.form != "unknown":
            return self.at.operation(function, tuple(args), {}, text, target, kind)
        made = self.at.opaque(text, target)
        self.facts.has_complex |= not (getattr(function, "__module__", None) or "").startswith(REAL)  # as far as is known
        if made.number.place is not None:  # it may be a view of what it was made of
            made.number.place.buffer.sources += [leaf.number.place.buffer for ref in everything for leaf in leaves(ref) if leaf.number.place is not None]
        return made

    def pure(self, function: Any, given: list[Ref]) -> None:
        """Refuse what writes into an array that it is given, or may."""
        label = getattr(function, "__name__", "")
        module = (getattr(function, "__module__", None) or "").split(".")[0]
        mutable = any(isinstance(leaf.value, (Number, Object)) and not leaf.number.is_plain for ref in given for leaf in leaves(ref))
        mutable = mutable or any(isinstance(ref.value, (Sequence, Record)) for ref in given)
        known = module in LIBRARIES or isinstance(function, (np.ufunc, type)) or isinstance(getattr(function, "__self__", None), np.ufunc)
        if mutable and (label in WRITERS or not known):
            self.at.refuse("it may write into what it is given, and that is not differentiated. Give it a copy outside.", MissingRuleError, function_label(function))

    def integral_arguments(self, refs: list[Ref]) -> None:
        """What a function of shapes gets (np.zeros(n), np.arange(n)) is not differentiated."""
        for ref in refs:
            for leaf in leaves(ref):
                self.at.integer_use(leaf)

    def without_derivative(self, function: Any, args: Arguments, keywords: dict[str, Ref], text: ast.Call, target: str | None) -> Ref:
        """A call of a function whose derivative is zero, or which has to do with shapes and indices alone."""
        if function is np.ix_ and any(self.state.is_active(a) and not a.number.origin for a in args):
            self.at.refuse("np.ix_ is differentiated of indices only. Use x[:, None].", what="np.ix_")
        if function is np.sign and any(a.number.dtype is not None and a.number.dtype.kind == "c" for a in args):
            self.at.refuse("the sign of a complex number is not differentiated. Write z / np.abs(z).", what="np.sign")
        if function in INTEGRAL:
            self.integral_arguments([*args, *keywords.values()])
        kind = self.inferred(function, args, keywords)
        return self.at.operation(function, tuple([*args, *keywords.values()]), {}, text, target, kind)

    def inferred(self, function: Any, args: Arguments, keywords: dict[str, Ref]) -> Any:
        args, keywords = [self.flag(function, i, a) for i, a in enumerate(args)], {k: self.flag(function, k, v) for k, v in keywords.items()}
        signature = library_signature(function) if not args and keywords else None
        if signature is not None:
            bound = signature.bind(**keywords)
            args, keywords = [*bound.args], dict(bound.kwargs)
        return infer_call(function, self.facts, [self.at.shape_value(a) for a in args], {k: self.at.shape_value(v) for k, v in keywords.items()})

    def require_no_writing(self, function: Any, args: Arguments, keywords: dict[str, Ref]) -> None:
        """Refuse what lets a function write where the text does not say so: `overwrite_b=True`, and `out` among other arguments."""
        labels = labels_by_place(function) if args and is_hashable(function) else ()
        for label, ref in (*zip(labels, args), *keywords.items()):
            if label.startswith("overwrite_") and not (isinstance(ref.expr, ast.Constant) and not ref.expr.value):
                self.at.refuse(f"`{label}=` lets it write into what it is given. Leave it out.", UnsupportedSyntaxError, function_label(function))
        for label, ref in zip(labels, args):
            if label in ("out", "output") and not is_none(ref):
                self.at.refuse(f"it writes into `{ast.unparse(ref.expr)}`, its argument `{label}`. Pass it by name: {label}=.", UnsupportedSyntaxError, function_label(function))

    def require_no_overlap(self, function: Any, args: Arguments, out: Ref) -> None:
        """Refuse memory to write to that the operands of what joins arrays lie in: NumPy copies one after the other."""
        place = out.number.place
        if function not in JOINING or place is None:
            return
        if any(leaf.number.place is not None and leaf.number.place.buffer.family() & place.buffer.family() for a in args for leaf in leaves(a)):
            self.at.refuse(f"it writes into `{ast.unparse(out.expr)}`, which it reads at the same time. Leave `out=` out, or give it memory of its own.", AliasError, function_label(function))

    def library(self, function: Any, args: Arguments, keywords: dict[str, Ref], text: ast.Call, target: str | None) -> Ref:
        arrays = [as_array(self.at, a, function_label(function)) for a in args]
        if any(new is not old for new, old in zip(arrays, args)):
            return self.library(function, arrays, keywords, ast.Call(func=text.func, args=[a.expr for a in arrays], keywords=text.keywords), target)
        visible(self.at, [*args, *keywords.values()], function_label(function))
        if any(isinstance(a.value, Lazy) for a in (*args, *keywords.values())):
            self.at.refuse("it is given an iterator, which is not looked through here. Make a list of it.", what=function_label(function))
        if any(isinstance(a.value, Method) for a in (*args, *keywords.values())):
            self.at.refuse("it is given a method, which is no number. Call the method.", what=function_label(function))
        self.require_no_writing(function, args, keywords)
        out = keywords.get("out")
        if out is not None and not is_none(out):
            self.require_no_overlap(function, args, out)
            rest = {k: v for k, v in keywords.items() if k != "out"}
            plain = ast.Call(func=text.func, args=text.args, keywords=[k for k in text.keywords if k.arg != "out"])
            self.at.assign_whole(out, self.library(function, args, rest, plain, None))
            return out
        if isinstance(function, np.ufunc) and "where" in keywords:
            self.at.refuse("`where=` of a ufunc leaves elements unset. Give it `out=` too, or use np.where on its result.")
        if args and isinstance(args[0].value, Sequence) and args[0].value.series is not None:
            whole = self.of_series(function, args[0].value.series, args, keywords, text, target)
            if whole is not None:
                return whole
        if function is np.clip:
            keywords = both_bounds(args, keywords)
        if is_zero(function):
            return self.without_derivative(function, args, keywords, text, target)
        rule = find(function)
        assert rule is not None
        if function is np.array and keywords.get("dtype") is None and len(args) == 1 and isinstance(args[0].value, Sequence) and not args[0].value.items:
            return self.at.opaque(text, target)
        if function in JOINING and args and isinstance(args[0].value, (Sequence, Number)):
            rows = args[0] if isinstance(args[0].value, Sequence) else display(list, self.at.listed(args[0]))  # an array is a list of its rows
            args = [self.joined(rows), *args[1:]]
            text = ast.Call(func=text.func, args=[a.expr for a in args], keywords=text.keywords)
        if function not in TAKE_LISTS:
            active = self.state.is_active(args)
            active = active or self.state.is_active([*keywords.values()])
            arrays = [self.as_array(a) if active and is_operand(rule, function, i) else a for i, a in enumerate(args)]
            named = {k: self.as_array(v) if active and k in rule.operands else v for k, v in keywords.items()}
            if any(new is not old for new, old in zip((*arrays, *named.values()), (*args, *keywords.values()))):
                is_method = isinstance(text.func, ast.Attribute) and args and text.func.value is args[0].expr
                given = [ast.keyword(arg=k, value=v.expr) for k, v in named.items()]
                text = ast.Call(func=text.func, args=[a.expr for a in arrays[bool(is_method) :]], keywords=given)
                args, keywords = arrays, named
        kind = self.inferred(function, args, keywords)
        if not self.state.is_active([*args, *keywords.values()]):
            return self.at.operation(function, tuple([*args, *keywords.values()]), {}, text, target, kind)
        operands, params = self.bind_rule(rule, function, args, keywords)
        if function in REDUCING and isinstance(operands[0], Ref) and operands[0].number.shape == () and isinstance(params.get("axis"), int):
            params["axis"] = None  # NumPy lets the axis of a number be
        if params.get("dtype") is not None and np.dtype(params["dtype"]).kind in "iub":  # rounded: as .astype(int)
            return self.at.operation(np.floor, tuple([*args, *keywords.values()]), {}, text, target, kind)
        return self.at.operation(function, operands, params, text, target, kind, rule)

    def flag(self, function: Any, place: int | str, ref: Ref) -> Ref:
        """A truth value that steers a function, such as keepdims, as the constant that it is; in later calls it must be the same."""
        if isinstance(ref.value, Static) or isinstance(ref.expr, ast.Constant):
            return ref
        labels = labels_by_place(function) if isinstance(place, int) and is_hashable(function) else ()
        label = place if isinstance(place, str) else labels[place] if place < len(labels) else ""
        if label not in FLAGS:
            return ref
        try:
            value = bool(static_value(ref, self.facts))
        except (LookupError, Undecided):
            self.at.refuse(f"`{label}=` must be known when the code is generated. Pass True or False.")
        return constant_ref(value, self.facts)

    def of_series(self, function: Any, series: Series, args: Arguments, keywords: dict[str, Ref], text: ast.Call, target: str | None) -> Ref | None:
        """np.array(hs), np.stack(hs); any other function gets that array."""
        if function in (np.array, np.asarray, np.stack) and len(args) == 1 and not keywords:
            return self.at.series_whole(series, "array", text, target)
        if function is math.fsum:
            return self.at.series_whole(series, "sum", text, target)
        joined = self.joined_series(function, series, args, keywords, target) if function in (np.stack, np.concatenate, np.vstack, np.hstack) else None
        if joined is not None:
            return joined
        if function in TAKE_LISTS:
            self.at.refuse("of a list that grows in a loop only np.array, np.stack and np.concatenate of arrays of one shape are supported here. Make an array of it first.")
        array = self.at.array_of_series(series)
        text = ast.Call(func=text.func, args=[array.expr, *(a.expr for a in args[1:])], keywords=text.keywords)
        return self.library(function, [array, *args[1:]], keywords, text, target)

    def joined_series(self, function: Any, series: Series, args: Arguments, keywords: dict[str, Ref], target: str | None) -> Ref | None:
        """np.stack, np.concatenate and their like of a list of equal arrays: np.array of it, with its first axis elsewhere; None where that is not known."""
        given = keywords.get("axis", args[1] if len(args) == 2 else None)
        shape = series.kind.shape if series.kind is not None else None
        if set(keywords) - {"axis"} or len(args) > 2 or shape is None or any("?" in d.key for d in shape):
            return None
        axis = static_value(given, self.facts) if given is not None else int(function is np.hstack and len(shape) > 1)
        if not isinstance(axis, int) or given is not None and function in (np.vstack, np.hstack) or function is np.concatenate and not shape:
            return None
        if function is np.vstack and not shape or any({*names(expression(d.text))} - self.state.parameters.keys() - self.state.global_names for d in shape):  # they may differ from pass to pass
            return None
        array = self.at.array_of_series(series)
        if function is np.stack or not shape or function is np.vstack and len(shape) == 1:
            axis %= len(shape) + 1
            return self.own_function(spelled.stacked, "", [array, constant_ref(axis, self.facts)], {}, array.expr, target) if axis else array
        axis %= len(shape)
        return self.own_function(spelled.joined_along if axis else spelled.joined, "", [array, constant_ref(axis, self.facts)][: 1 + bool(axis)], {}, array.expr, target)

    def joined(self, ref: Ref) -> Ref:
        """A list of arrays, some of which are lists."""
        assert isinstance(ref.value, Sequence)
        if not any(isinstance(i.value, Sequence) for i in ref.value.items):
            return ref
        return display(ref.value.type, tuple(self.at.array_of(i) if isinstance(i.value, Sequence) else i for i in ref.value.items))

    def as_array(self, ref: Ref) -> Ref:
        """A list of numbers where an array is meant."""
        if not isinstance(ref.value, Sequence):
            return ref
        return self.at.array_of(ref)

    def bind_rule(self, rule: Rule, function: Any, args: Arguments, keywords: dict[str, Ref]) -> tuple[tuple[Any, ...], dict[str, Any]]:
        """Sort the arguments of a call into the rule's operands and parameters."""
        by_name, extra = bind_library(function, rule, args, keywords, self.at)
        self.integral_arguments([v for k, v in by_name.items() if k in SHAPE_PARAMETERS])
        guard_rule(rule, self.at)
        silent = without_adjoint(rule)
        refs = [by_name.pop(n, None) for n in rule.operands]
        operands = [self.operand(constant(ref) if i in silent and isinstance(ref, Ref) else ref) for i, ref in enumerate(refs)]
        operands += [self.operand(a) for a in extra]
        params = {}
        for parameter, ref in by_name.items():
            if self.state.is_active(ref):
                self.state.integral |= set().union(*(leaf.number.origin for leaf in leaves(ref)))
                raise MissingRuleError(f"the rule for it has no derivative with respect to `{parameter}`.", self.at.loc, function_label(function))
            if parameter in rule.parameters:
                params[parameter] = self.parameter(parameter, ref)
            elif parameter not in IGNORED and not is_none(ref):
                raise MissingRuleError(f"the rule for it does not know the keyword `{parameter}`.", self.at.loc, function_label(function))
        return tuple(operands), params

    def operand(self, value: Any) -> Any:
        """A number stays a Ref; a list of numbers becomes a list of Refs; what is static is its value."""
        if not isinstance(value, Ref):
            return value
        if isinstance(value.value, Sequence):
            return [self.operand(item) for item in value.value.items]
        return value.value.value if isinstance(value.value, Static) else value

    def parameter(self, parameter: str, ref: Ref) -> Any:
        """Parameters are values, guarded; what is not known (a mask) stays a Ref."""
        if parameter in SHAPE_PARAMETERS:
            self.integral_arguments([ref])
            if parameter != "size":  # of a filter, which steers it
                return None
        try:
            return static_value(ref, self.facts)
        except (LookupError, Undecided):
            if isinstance(ref.value, Sequence) and ref.value.type is tuple and ref.value.series is None:
                return tuple(self.parameter(parameter, item) for item in ref.value.items)
            return ref
