"""Calls: library functions by their rules, methods as the functions they are, the program's own functions walked.

    x.sum(axis=0)    is np.sum(x, axis=0)
    helper(x)        is the body of helper, with x for its parameter
"""
from __future__ import annotations

import ast
import dataclasses
import functools
import inspect
import types
import weakref
from collections.abc import Callable
from typing import Any

import numpy as np

from srcad import iterables
from srcad.binding import is_hashable, is_logging, is_random, reads_text, signature_of
from srcad.custom import Custom, is_own
from srcad.draws import Draws
from srcad.errors import SrcadError, UnsupportedSyntaxError
from srcad.infer import Ended, Interpreter
from srcad.inference import Frame, constant_ref, display, function_label, record_display
from srcad.kinds import BOOL, Bound, Closure, Method, Object, Record, Ref, Sequence, Static, python
from srcad.memory import is_true
from srcad.library import Library
from srcad.mirror import Unpaired
from srcad.nested import Nested
from srcad.objects import Objects
from srcad.odes import is_odeint, solved
from srcad.pairs import LONG, Callee, Pairs
from srcad.protocols import called, is_generated, looked_through
from srcad.request import Request
from srcad.outside import is_distribution, static_value
from srcad.rules import find, is_zero
from srcad.runtime import unbroadcast
from srcad.source import Source, read
from srcad.specials import SPECIAL, special_print
from srcad.stage import identifiers, stage
from srcad.syntax import const, expression
from srcad.texts import is_stringlike, known_parts
from srcad.writing import WRITING, Writing

METHODS: dict[str, Callable[..., Any]] = {
    n: getattr(np, n) for n in (
        "sum", "mean", "prod", "max", "min", "var", "std", "argmax", "argmin", "argsort", "any", "all", "cumsum", "cumprod", "dot", "reshape", "ravel",
        "transpose", "swapaxes", "squeeze", "trace", "diagonal", "clip", "round", "nonzero", "repeat", "take", "copy", "searchsorted", "ptp",
        "argpartition", "choose",
    )
}
METHODS.update({"flatten": np.ravel, "conj": np.conjugate, "conjugate": np.conjugate})
LOOKED_THROUGH = {**SPECIAL, **iterables.SPECIAL}
IN_PLACE = ("resize", "partition", "itemset", "setflags", "setfield", "byteswap")


Arguments = list[Ref]


def is_helper(function: Any) -> bool:
    """Whether a function is `unbroadcast`, as it goes with generated code."""
    code = getattr(function, "__code__", None)
    return code is not None and code.co_name == "unbroadcast" and code.co_filename.startswith("<srcad ")


def refused(function: Any) -> str:
    """Why a function is not called in what is differentiated; "" for others."""
    if is_hashable(function) and function in STEPPING:
        return "it steps through something by hand. Index it, or loop over it with for."
    if is_hashable(function) and function in FORBIDDEN:
        return "it reads or runs what the text does not say. Write it out."
    module = getattr(function, "__module__", None) or ""
    if function is np.asmatrix or function is np.bmat or isinstance(function, type) and issubclass(function, np.matrix):
        kind = "a np.matrix"
    else:
        kind = "a masked array" if module.startswith("numpy.ma") else "a sparse array" if module.startswith("scipy.sparse") and ".linalg" not in module else ""
    return f"it makes {kind}, whose operators are its own. Make an ordinary array." if kind else ""


class Calls(Library, Draws, Objects, Writing, Pairs, Nested, Custom):
    """The calls of one frame."""

    def __init__(self, interpreter: Interpreter) -> None:
        self.at = interpreter
        self.state = interpreter.state
        self.facts = interpreter.state.facts

    def call(self, expr: ast.Call, target: str | None) -> Ref:
        func = self.at.evaluate(expr.func, None)
        args: Arguments = list(self.at.elements(expr.args))
        keywords: dict[str, Ref] = {}
        for keyword in expr.keywords:
            value = self.at.evaluate(keyword.value, None)
            if keyword.arg is not None:
                keywords[keyword.arg] = value
            elif isinstance(value.value, Record) and value.value.type is dict:
                keywords |= value.value.items
            else:
                self.at.refuse("only a dict is passed on by ** here.")
        head = ast.Attribute(value=func.value.owner.expr, attr=func.value.attribute, ctx=ast.Load()) if isinstance(func.value, Method) else func.expr
        text = ast.Call(func=head, args=[a.expr for a in args], keywords=[ast.keyword(arg=k, value=v.expr) for k, v in keywords.items()])
        return self.value_called(func, args, keywords, text, target)

    def value_called(self, func: Ref, args: Arguments, keywords: dict[str, Ref], text: ast.Call, target: str | None) -> Ref:
        """A call of whatever the function is."""
        match func.value:
            case Method() as method:
                return self.method(method, args, keywords, text, target)
            case Object() as value:
                return self.object_call(value, args, keywords, text, target)
            case Record(type=kind) if kind is not dict:
                return self.value_called(self.at.attribute(func, "__call__", None), args, keywords, text, target)
            case Closure() as closure:
                return self.closure(closure, args, keywords, target)
            case Bound(function=function, args=first, keywords=given):
                everything = [*first, *args]
                both = {**given, **keywords}
                text = ast.Call(func=function.expr, args=[a.expr for a in everything], keywords=[ast.keyword(arg=k, value=v.expr) for k, v in both.items()])
                return self.value_called(function, everything, both, text, target)
            case Static(value=function, path=path):
                return self.function(function, path, args, keywords, text, target)
        self.at.refuse("what is called here is not a function.")
        raise AssertionError

    def function(self, function: Any, path: str, args: Arguments, keywords: dict[str, Ref], text: ast.Call, target: str | None) -> Ref:
        """A call of a function that is known."""
        own = called(self.at, function, args)
        if own is not None:
            return own
        if any(a.key in self.state.spoken for a in args) and reads_text(function):
            self.at.refuse("it reads a string that says what is differentiated, and what it makes of that has no derivative. Use the number itself.", what=function_label(function))
        if function in (str, repr, format) and self.state.is_active(args):
            made = self.at.opaque(text, target)
            self.state.spoken.add(made.key)
            return made
        request = getattr(function, "differentiated", None)
        if isinstance(request, Request):
            return self.gradient_call(request, args, keywords, target)
        if "makes_gradients" in getattr(function, "__dict__", {}):
            return self.gradient_made(function, args, keywords, text)
        special = special_print if is_logging(function) else LOOKED_THROUGH.get(function) if is_hashable(function) else None
        if special is not None:
            found = special(self, args, keywords, text, target)
            if found is not None:
                return found  # type: ignore[no-any-return]
        reason = refused(function)
        if reason:
            self.at.refuse(reason, UnsupportedSyntaxError, function_label(function))
        if function is functools.partial or is_distribution(function):
            return Ref(text, self.bound_early(function, path, args, keywords, text))
        if isinstance(function, functools.partial):
            return self.value_called(self.partial(function, path), args, keywords, text, target)
        if isinstance(function, np.ufunc) or getattr(function, "__self__", None).__class__ is np.ufunc:
            written = self.ufunc_writing(function, args, keywords, text, target)
            found = written or iterables.ufunc_method(self, function, args, keywords, text, target)
            if found is not None:
                return found
        if is_hashable(function) and function in WRITING:
            return WRITING[function](self, args, keywords)
        if (program := iterables.spelled_out(function)) is not None:
            return self.own_function(program, "", args, keywords, text, target)
        if is_odeint(function):
            return solved(self, function, args, keywords, text, target)
        if is_random(function):
            return self.random(function, args, keywords, text, target)
        if is_hashable(function) and not is_own(function) and (find(function) is not None or is_zero(function)):
            return self.library(function, args, keywords, text, target)
        if isinstance(function, types.MethodType) and (isinstance(function.__self__, type) or is_own(function.__func__)):
            return self.bound_method(function, path, args, keywords, text, target)
        if isinstance(function, types.FunctionType) and hasattr(function, "srcad_checkpointed"):
            return self.checkpointed(function.srcad_checkpointed, path, args, keywords, text, target)
        if is_own(function) and is_helper(function):
            return self.library(unbroadcast, args, keywords, text, target)
        if is_own(function):
            return self.own_function(function, path, args, keywords, text, target)
        if isinstance(function, type):
            return self.construct(function, args, keywords, text, target)
        return self.unknown(function, args, keywords, text, target)

    def bound_early(self, function: Any, path: str, args: Arguments, keywords: dict[str, Ref], text: ast.Call) -> Bound:
        """`functools.partial(f, x)`, or the frozen distribution that `norm(loc, scale)` is."""
        if function is functools.partial:
            return Bound(args[0], tuple(args[1:]), keywords)
        labels = [*filter(None, (function.shapes or "").split(", ")), "loc", "scale"]
        return Bound(Ref(text.func, Static(function, path)), (), {**dict(zip(labels, args)), **keywords})

    def bound_method(self, function: types.MethodType, path: str, args: Arguments, keywords: dict[str, Ref], text: ast.Call, target: str | None) -> Ref:
        """A method with its object, from outside: both are read afresh."""
        place, _, attribute = path.rpartition(".")
        if not path:
            self.at.refuse("this bound method is not supported yet. Call it on its object.")
        if not place or attribute != function.__name__ or isinstance(function.__self__, type):  # another name for it
            place = f"{path}.__self__"
        owner = self.state.guards.read(place, function.__self__)
        return self.own_function(function.__func__, path, [owner, *args], keywords, text, target)  # type: ignore[arg-type]

    def by_key(self, function: Any, args: Arguments, key: Ref) -> Ref:
        """max and min with a key."""
        return iterables.by_key(self, function, args, key)

    def partial(self, partial: functools.partial[Any], path: str) -> Ref:
        """functools.partial from outside, opened: what it holds is read afresh."""
        read = self.state.guards.read
        held = tuple(read(f"{path}.args[{i}]", a) for i, a in enumerate(partial.args))
        self.state.facts.record(f"len({path}.args) == {len(held)}")
        self.state.facts.record(f"len({path}.keywords) == {len(partial.keywords)}")
        keywords = {k: read(f"{path}.keywords[{k!r}]", v) for k, v in partial.keywords.items()}
        return Ref(expression(path), Bound(read(f"{path}.func", partial.func), held, keywords))

    # ---- methods

    def method(self, method: Method, args: Arguments, keywords: dict[str, Ref], text: ast.Call, target: str | None) -> Ref:
        owner, attribute = method.owner, method.attribute
        if isinstance(owner.value, (Sequence, Record)):
            return self.container_method(owner, attribute, args, keywords, text)
        if is_stringlike(owner, self.facts):
            return self.string_method(owner, attribute, args, keywords, text, target)
        if attribute in IN_PLACE:
            self.at.refuse(f"`.{attribute}()` changes an array in place in a way that is not differentiated. Make a new one.")
        if attribute in ("fill", "sort", "put"):
            return WRITING[{"fill": np.copyto, "sort": np.ndarray.sort, "put": np.put}[attribute]](self, [owner, *args], keywords)
        if attribute in ("reshape", "transpose") and len(args) > 1:
            args = [display(tuple, tuple(args))]
        if attribute == "flatten" and not args and not keywords:
            return self.operation_as(np.ravel, [owner], {}, text, target, fresh=True)
        if attribute in ("item", "tolist"):
            return self.to_python(owner, attribute, args, text, target)
        if attribute == "astype":
            return self.astype(owner, args, keywords, text, target)
        if attribute in ("bit_length", "bit_count") and owner.number.form == "python" and owner.number.dim is not None and not args:
            return constant_ref(getattr(owner.number.dim.known(), attribute)(), self.facts)
        if attribute == "is_integer":
            return self.at.operation(np.isfinite, (owner,), {}, text, target, python(BOOL))
        if attribute == "compress":  # the condition comes first in the function
            rest = {k: v for k, v in keywords.items() if k != "condition"}
            return self.library(np.compress, [*args[:1], *([keywords["condition"]] if not args else []), owner, *args[1:]], rest, text, target)
        function = METHODS.get(attribute)
        if function is None:
            self.at.refuse(f"the method `.{attribute}()` of an array has no rule. Use a function of NumPy's.", UnsupportedSyntaxError, f".{attribute}()")
            raise AssertionError
        if attribute in ("reshape", "transpose") and not args and attribute == "transpose":
            return self.library(function, [owner], keywords, text, target)
        if find(function) is None and not is_zero(function):
            return self.unknown(function, [owner, *args], keywords, text, target)
        if attribute == "round" and owner.number.form == "python":
            function = round
        return self.library(function, [owner, *args], keywords, text, target)

    def string_method(self, owner: Ref, attribute: str, args: Arguments, keywords: dict[str, Ref], text: ast.Call, target: str | None) -> Ref:
        """A method of a string: what it returns is known where all that it is given is."""
        given, labels = (owner, *args, *keywords.values()), [*keywords]
        if attribute == "format":
            return self.at.text(text, target, given, lambda form, *values: form.format(*values[: len(args)], **dict(zip(labels, values[len(args) :]))))
        try:
            known, *values = (static_value(g, self.facts) for g in given)
        except LookupError:
            return self.at.opaque(text, target)
        return known_parts(getattr(known, attribute)(*values[: len(args)], **dict(zip(labels, values[len(args) :]))), self.facts)

    def operation_as(self, function: Any, args: Arguments, keywords: dict[str, Ref], text: ast.Call, target: str | None, fresh: bool = False) -> Ref:
        """A call that is another function's, written as the user wrote it."""
        kind = dataclasses.replace(self.inferred(function, args, keywords), fresh=fresh)
        return self.at.operation(function, tuple(args), {}, text, target, kind, find(function))

    def to_python(self, owner: Ref, attribute: str, args: Arguments, text: ast.Call, target: str | None) -> Ref:
        shape = owner.number.shape
        if attribute == "item" and not args and shape and all(d == 1 for d in shape):
            first = ast.Tuple(elts=[const(0)] * len(shape), ctx=ast.Load()) if len(shape) > 1 else const(0)
            index = tuple(constant_ref(0, self.facts).number for _ in shape)
            element = self.at.subscript(owner, index, ast.Subscript(value=owner.expr, slice=first, ctx=ast.Load()), None)
            return self.to_python(element, attribute, args, ast.Call(func=ast.Attribute(value=element.expr, attr="item", ctx=ast.Load()), args=[], keywords=[]), target)
        if args or shape is None or any(d.terms for d in shape) and attribute == "item":
            self.at.refuse(f"`.{attribute}()` is differentiated only on single numbers, or for tolist on vectors of known length.")
        assert shape is not None
        if not shape:
            return self.at.operation(np.positive, (owner,), {}, text, target, python(owner.number.dtype), find(np.positive))
        if attribute == "item" or len(shape) > 1:
            self.at.refuse(f"`.{attribute}()` is differentiated only on single numbers, or for tolist on vectors. Index the array.")
        items = []
        for i in range(shape[0].known()):
            element = self.at.subscript(owner, (i,), ast.Subscript(value=owner.expr, slice=const(i), ctx=ast.Load()), None)
            converted = ast.Call(func=ast.Attribute(value=element.expr, attr="item", ctx=ast.Load()), args=[], keywords=[])
            items.append(self.at.operation(np.positive, (element,), {}, converted, None, python(owner.number.dtype), find(np.positive)))
        return display(list, tuple(items))

    def astype(self, owner: Ref, args: Arguments, keywords: dict[str, Ref], text: ast.Call, target: str | None) -> Ref:
        wanted = args[0] if args else keywords.get("dtype")
        if wanted is None or not isinstance(wanted.value, Static):
            self.at.refuse("`.astype()` needs a dtype that is known when the code is generated.")
            raise AssertionError
        copies = all(k.arg != "copy" or is_true(k.value) for k in text.keywords)
        dtype = np.dtype(wanted.value.value)  # type: ignore[call-overload]
        kind = dataclasses.replace(owner.number, dtype=dtype, fresh=copies, dim=None, unique=owner.number.unique and owner.number.dtype == dtype)
        function = np.positive if dtype.kind in "fc" else np.floor
        return self.at.operation(function, (owner,), {}, text, target, kind, find(np.positive))

    def container_method(self, owner: Ref, attribute: str, args: Arguments, keywords: dict[str, Ref], text: ast.Call) -> Ref:
        value = owner.value
        changed = self.at.list_method(owner, attribute, args, keywords) if isinstance(value, Sequence) and value.type is list else None
        changed = self.at.dict_method(owner, attribute, args, keywords) if isinstance(value, Record) and value.type is dict else changed
        if changed is not None:
            return changed
        if isinstance(value, Record) and value.type is dict:
            if attribute == "values":
                return dict_view(value, "values", tuple(value.items.values()))
            if attribute == "keys":
                return dict_view(value, "keys", tuple(constant_ref(k, self.facts) for k in value.items))
            if attribute == "items":
                pairs = [display(tuple, (constant_ref(k, self.facts), v)) for k, v in value.items.items()]
                return dict_view(value, "items", tuple(pairs))
            if attribute == "get" and args:
                key = static_value(args[0], self.facts)
                return value.items.get(key, args[1] if len(args) > 1 else Ref(const(None), Static(None)))
            if attribute == "copy":
                return record_display(dict, dict(value.items))
        if isinstance(value, Sequence) and attribute == "copy":
            return display(value.type, value.items)
        if attribute in ("_replace", "_asdict") and isinstance(value, Sequence) and hasattr(value.type, "_fields"):
            return self.named_again(value, attribute, keywords, text)
        self.at.refuse(f"the method `.{attribute}()` is not supported on a {value.type.__name__}.")  # type: ignore[union-attr]
        raise AssertionError

    # ---- the program's own functions and classes

    def own_function(self, function: types.FunctionType, path: str, args: Arguments, keywords: dict[str, Ref], text: ast.Call, target: str | None) -> Ref:
        if is_generated(function) and function.__name__ == "__init__" and args and isinstance(args[0].value, Record):
            kind = next(c for c in args[0].value.type.__mro__ if vars(c).get("__init__") is function)
            self.fields_set(kind, args[0], args[1:], keywords, text)
            return Ref(const(None), Static(None))
        if find(function) is not None:
            return self.custom(function, path, args, keywords, text, target)
        callee, arguments = self.bound(function, path, args, keywords)
        self.shallow(callee.code)
        return self.own_call(callee, arguments, target)

    def bound(self, function: types.FunctionType, path: str, args: Arguments, keywords: dict[str, Ref]) -> tuple[Callee, dict[str, Ref]]:
        """A function of the program's own with its arguments by parameter."""
        try:
            bound = inspect.signature(function, follow_wrapped=False).bind(*args, **keywords)
        except TypeError as problem:
            self.at.refuse(f"{problem}.")
            raise AssertionError from None
        arguments: dict[str, Ref] = {}
        for parameter in inspect.signature(function, follow_wrapped=False).parameters.values():
            arguments[parameter.name] = self.argument(parameter, bound.arguments, path)
        return Callee(function if function.__closure__ else function.__code__, read(function), function, self.prefix(function)), arguments

    def checkpointed(self, function: types.FunctionType, path: str, args: Arguments, keywords: dict[str, Ref], text: ast.Call, target: str | None) -> Ref:
        """A call of which only the arguments are kept."""
        if not self.state.is_active([*args, *keywords.values()]) or find(function) is not None:
            return self.own_function(function, path, args, keywords, text, target)
        if not isinstance(function, types.FunctionType):
            self.at.refuse("checkpoint takes a Python function. Wrap it in one.")
        callee, arguments = self.bound(function, path, args, keywords)
        return self.pair_again(callee, arguments, text, target)

    def own_call(self, callee: Callee, arguments: dict[str, Ref], target: str | None) -> Ref:
        """A call of a function of the program's own: walked at its place, or through its pair."""
        known = self.state.knowledge
        if self.recursion(callee):
            known.paired.add(callee.code)
            known.recursive.add(callee.code)
        if callee.code in known.paired and callee.code not in known.inlined:
            try:
                return self.paired(callee, arguments, target)
            except SrcadError as problem:
                if isinstance(problem, Unpaired) and callee.code in known.recursive:
                    raise UnsupportedSyntaxError(problem.reason, problem.location or self.at.loc) from None
                if callee.code in known.recursive:
                    raise
                known.inlined.add(callee.code)
        before, loc = len(self.state.statements), self.at.loc
        result = self.walked(callee, arguments)
        sizes = self.state.calls.setdefault(callee.code, {})
        sizes[loc.file, loc.line, loc.column, loc.index, target] = len(self.state.statements) - before
        if len(sizes) > 1 and sum(sizes.values()) > LONG:  # from the next call on it is compiled by itself
            known.paired.add(callee.code)
        return result

    def walked(self, callee: Callee, arguments: dict[str, Ref]) -> Ref:
        """Walk a function of the program's own in a frame of its own."""
        depth = self.at.frame.depth + 1
        own = identifiers(callee.source.tree) | frozenset(arguments)
        function = callee.function if callee.parent is None else None
        frame = Frame(stage(callee.source), function, dict(arguments), own, callee.prefix, depth, callee.parent, choices=len(self.state.choices), code=callee.code)
        walker = Walker(self.state, frame)
        result = walker.run()
        if walker.raised:
            raise Ended
        return result

    def shallow(self, code: object) -> None:
        """Recursion is followed as it is walked. Where an integer argument may be what ends it, the next walk takes that as known."""
        if self.at.frame.depth < DEPTH:
            return
        if sum(f.code is code for f in self.state.frames) > 1:
            self.state.knowledge.paired.add(code)
            self.state.knowledge.recursive.add(code)
        self.state.integral |= {k for k, leaf in getattr(self.state, "integers", {}).items() if leaf.number.form == "python"}
        self.at.refuse(f"functions that call one another deeper than {DEPTH} are not supported. Write a loop.")

    def closure(self, closure: Closure, args: Arguments, keywords: dict[str, Ref], target: str | None) -> Ref:
        """A call of a function defined inside."""
        self.shallow(closure.tree)
        arguments = self.bound_to(closure, args, keywords)
        outermost = closure.frame
        while outermost.parent is not None:
            outermost = outermost.parent
        lines = read(outermost.function).lines if outermost.function is not None else ()
        source = inner_source(closure.tree, self.at.loc.file, lines)
        return self.own_call(Callee(closure.tree, source, outermost.function, outermost.prefix, closure.frame), arguments, target)

    def bound_to(self, closure: Closure, args: Arguments, keywords: dict[str, Ref]) -> dict[str, Ref]:
        parameters = signature_of(closure.tree.args, closure.defaults)
        try:
            bound = parameters.bind(*args, **keywords)
        except TypeError as problem:
            self.at.refuse(f"{problem}.")
            raise AssertionError from None
        arguments: dict[str, Ref] = {}
        for parameter in parameters.parameters.values():
            given = bound.arguments.get(parameter.name)
            if parameter.kind is parameter.VAR_POSITIONAL:
                arguments[parameter.name] = display(tuple, tuple(given or ()))
            elif parameter.kind is parameter.VAR_KEYWORD:
                arguments[parameter.name] = record_display(dict, dict(given or {}))
            else:
                arguments[parameter.name] = given if given is not None else closure.defaults[parameter.name]
        return arguments

    def argument(self, parameter: inspect.Parameter, bound: dict[str, Any], path: str) -> Ref:
        given = bound.get(parameter.name)
        if parameter.kind is parameter.VAR_POSITIONAL:
            return display(tuple, tuple(given or ()))
        if parameter.kind is parameter.VAR_KEYWORD:
            return record_display(dict, dict(given or {}))
        if given is not None:
            return given  # type: ignore[no-any-return]
        return self.literal_or_held(parameter.default)

    def literal_or_held(self, value: Any) -> Ref:
        if value is None or isinstance(value, (int, float, str)):
            return constant_ref(value, self.facts)
        label = self.state.guards.held(value)
        self.state.helpers[label] = value
        return self.state.guards.read(label, value)

    def prefix(self, function: types.FunctionType) -> str:
        """How a helper's globals are read: as they are, where they are the program's own; else through its module."""
        frame = self.at.frame
        if frame.function is None or function.__globals__ is frame.function.__globals__:
            return frame.prefix
        return self.at.through_module(function)

    def object_call(self, value: Object, args: Arguments, keywords: dict[str, Ref], text: ast.Call, target: str | None) -> Ref:
        if is_random(value.value):
            return self.random(value.value, args, keywords, text, target)
        if not value.path:
            self.at.refuse("what is called here was made by a library, and is not looked through. Use a function of NumPy's, or of your own.")
        call = getattr(type(value.value), "__call__", None)
        if not isinstance(call, types.FunctionType) or type(value.value).__module__.startswith("srcad"):
            if self.state.is_active([*args, *keywords.values()]):
                self.at.missing(value.value)
            return self.at.opaque(text, target)
        owner = Ref(text.func, value)
        self.state.guards.read(f"type({value.path}).__call__", call)
        return self.own_function(call, value.path, [owner, *args], keywords, text, target)


DEPTH = 40  # calls
FORBIDDEN = {eval, exec, compile, locals, globals, vars, delattr, input, open, __import__}
STEPPING = {next, iter}


class Walker(Interpreter):
    """Walks a function, and the functions that it calls in their turn."""

    def call(self, expr: ast.Call, target: str | None) -> Ref:
        return Calls(self).call(expr, target)

    def call_method(self, owner: Ref, label: str, args: tuple[Ref, ...]) -> Ref:
        looked_through(self, owner, label)
        text = ast.Call(func=const(None), args=[], keywords=[])
        return Calls(self).value_called(self.attribute(owner, label, None), list(args), {}, text, None)

    def call_function(self, function: types.FunctionType, path: str, args: tuple[Ref, ...], target: str | None) -> Ref:
        self.state.guards.read(path, function)
        text = ast.Call(func=const(None), args=[], keywords=[])
        return Calls(self).own_function(function, path, list(args), {}, text, target)


def inner_source(tree: ast.FunctionDef | ast.Lambda, file: str, lines: tuple[str, ...]) -> Source:
    """The source of a function defined inside another."""
    if tree not in INNER:
        INNER[tree] = Source(tree, file, lines)
    return INNER[tree]


def dict_view(record: Record, what: str, items: tuple[Ref, ...]) -> Ref:
    """The keys, values or items of a dict: a loop takes what it holds when the turn comes."""
    shown = display(tuple, items)
    return Ref(shown.expr, Sequence(tuple, items, view=(record, what)))


INNER: weakref.WeakKeyDictionary[ast.AST, Source] = weakref.WeakKeyDictionary()
