"""The compiled backend: a generated module becomes explicit loops, and Numba compiles them.

    lowered(bodies)  ->  the text of the kernels and of the functions that call them; then those functions

What cannot be said in loops, and what Numba refuses, is refused here with the generated line: nothing is run in NumPy in silence.
"""
from __future__ import annotations

import ast
import types
import warnings
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from srcad.backends import wrapper
from srcad.backends.building import HELPERS
from srcad.backends.lower import Lowering
from srcad.backends.parallel import spread
from srcad.backends.passing import Parameters, received, structured
from srcad.backends.stacks import Again
from srcad.backends.values import INT, Static, Tup, Val, Value, flat, named, refuse, replaced, scalar
from srcad.backends.vector import FUNCTIONS
from srcad.errors import SrcadError, UnsupportedSyntaxError
from srcad.kinds import FLOAT, Number, Object, Record, Ref
from srcad.kinds import Sequence as Items
from srcad.kinds import Static as Known
from srcad.load import load

DECORATOR = '@njit(error_model="numpy")\n'
REORDERED = '@njit(fastmath={"reassoc"}, forceinline=True)\n'  # a sum may be taken in any order, as NumPy's is, and nothing else
IN_PARALLEL = '@njit(error_model="numpy", parallel=True)\n'
INLINED = '@njit(error_model="numpy", forceinline=True)\n'
CONTRACTED = '@njit(error_model="numpy", fastmath={"contract"}, forceinline=True)\n'  # a product may be added without being rounded first, in a polynomial


def require() -> None:
    """Raise SrcadError where Numba is not installed."""
    try:
        import numba  # noqa: F401
    except ImportError:
        raise SrcadError("backend='numba' needs Numba, which is not installed: pip install srcad[numba]") from None


class Outside:
    """What comes from outside the program, each number and array under one name."""

    def __init__(self, state: Any) -> None:
        self.state = state
        self.found: dict[str, Val] = {}
        self.spelled: dict[str, str] = {}  # the kernel's name -> how the wrapper says it
        self.taken: set[str] = {*HELPERS, "np", "math"}
        self.kinds: dict[str, type] = {}  # how a class is said -> the class

    def ref(self, path: str) -> Ref | None:
        if path in self.state.parameters:
            return self.state.parameters[path]  # type: ignore[no-any-return]
        return self.state.guards.refs.get(path)  # type: ignore[no-any-return]

    def __call__(self, path: str, _: Any) -> Value | None:
        """The value at a path, if it comes from outside."""
        ref = self.ref(path)
        return None if ref is None else self.value(ref, path)

    def value(self, ref: Ref, path: str) -> Value | None:
        if isinstance(ref.value, (Items, Record)):
            self.kinds[f"type({path})"] = ref.value.type
        match ref.value:
            case Number():
                return self.leaf(ref, path)
            case Items(type=kind, items=items):
                parts = tuple(self.value(i, i.key or f"{path}[{k}]") or Static(None) for k, i in enumerate(items))
                return Tup(parts, kind if kind in (list, tuple) else f"type({path})")
            case Record(type=kind, items=mapping):
                parts = tuple(self.value(i, i.key) or Static(None) for i in mapping.values())
                return Tup(parts, dict if kind is dict else f"type({path})", tuple(mapping))
            case Known(value=value):
                return Static(value)
            case Object():
                return Static(ref.value.value)
        return None

    def leaf(self, ref: Ref, path: str) -> Val:
        if path in self.found:
            return self.found[path]
        number = ref.number
        original = self.state.integers.get(path)
        if original is not None and original.number.form != "python":
            number = original.number
        if number.dtype is None or number.shape is None or number.dtype.kind not in "iufb" or number.dtype.itemsize < 4 and number.dtype.kind == "f":
            refuse(f"`{path}` is not a number or array of a dtype that is compiled.")
        label = wrapper.identifier(path)
        while label in self.taken:
            label += "_"
        self.taken.add(label)
        zero = number.form == "array" and number.shape == ()
        self.spelled[label] = f"{path}[()]" if zero else path
        if number.shape:
            made = named(label, number.dtype, number.shape)  # type: ignore[arg-type]
        else:
            made = scalar(label, number.dtype, number.form, number.dim if number.dtype == INT else None)  # type: ignore[arg-type]
        self.found[path] = made
        return made


class Kernels:
    """Lowers the functions of one module."""

    def __init__(self, state: Any, request: Any, bodies: Sequence[str], space: Mapping[str, Any]) -> None:
        self.state, self.request, self.facts = state, request, state.facts
        self.trees: dict[str, ast.FunctionDef] = {}
        for body in bodies:
            for node in ast.parse(body).body:
                if isinstance(node, ast.FunctionDef):
                    self.trees[node.name] = node
        self.space = space
        self.texts: list[str] = []
        self.helpers: set[str] = set()
        self.done: dict[Any, Any] = {}
        self.open: set[str] = set()
        self.labels: set[str] = set(self.trees)

    def label(self, title: str) -> str:
        label = f"{title}_loops"
        while label in self.labels:
            label += "_"
        self.labels.add(label)
        return label

    def own(self, titles: Sequence[str]) -> dict[str, Any]:
        return {name: (lambda caller, args, keywords, name=name: self.called(caller, name, args, keywords)) for name in self.trees if name not in titles}

    def kernel(self, title: str, label: str, parameters: Mapping[str, Value], outside: Any, functions: Any, space: Mapping[str, Any] | None = None,
               tree: ast.FunctionDef | None = None, atoms: Mapping[str, str] | None = None) -> tuple[list[str], Lowering]:
        """The text of one kernel, but for its head; and what it was lowered with."""
        ragged: set[str] = set()
        unbounded: set[str] = set()
        solid: set[str] = set()
        while True:
            lowering = Lowering(ast.parse(ast.unparse(tree or self.trees[title])).body[0], self.facts, space or self.space, outside, functions)  # type: ignore[arg-type]
            lowering.atom_names, lowering.kernels = dict(atoms or {}), self
            lowering.ragged, lowering.unbounded, lowering.solid = ragged, unbounded, solid
            try:
                lowering.run(parameters)
                break
            except Again:
                continue
        text = lowering.text(lowering.finished())
        read = {n.id for n in ast.walk(ast.parse(text_block("\n".join(text)))) if isinstance(n, ast.Name)}
        self.helpers |= {h for h in lowering.helpers if h in read or h == "exp" and "erf" in read}
        return text, lowering

    def python(self, caller: Lowering, function: Any, args: Sequence[Value], keywords: Mapping[str, Value]) -> Value:
        """A call of a function that the module's text does not have: from its source."""
        from srcad.source import read

        tree = read(function).tree
        if not isinstance(tree, ast.FunctionDef) or function.__closure__:
            refuse(f"the call of `{function.__name__}` is not compiled.")
        assert isinstance(tree, ast.FunctionDef)
        plain = ast.parse(ast.unparse(tree)).body[0]
        assert isinstance(plain, ast.FunctionDef)
        plain.decorator_list = []
        for node in ast.walk(plain):
            if isinstance(node, ast.arg):
                node.annotation = None
        return self.call(caller, function.__name__, plain, function.__globals__, args, keywords, function)

    def called(self, caller: Lowering, name: str, args: Sequence[Value], keywords: Mapping[str, Value]) -> Value:
        return self.call(caller, name, self.trees[name], self.space, args, keywords)

    def call(self, caller: Lowering, name: str, tree: ast.FunctionDef, space: Mapping[str, Any], args: Sequence[Value], keywords: Mapping[str, Value],
             identity: object = None) -> Value:
        """A call of a function that is lowered too, for arguments of these kinds."""
        titles = [a.arg for a in (*tree.args.posonlyargs, *tree.args.args, *tree.args.kwonlyargs)]
        given = dict(zip(titles, args)) | dict(keywords)
        defaults = dict(zip(reversed([a.arg for a in (*tree.args.posonlyargs, *tree.args.args)]), reversed(tree.args.defaults)))
        for title in titles:
            if title not in given:
                given[title] = caller.value(defaults[title])
        if name in self.open:
            refuse(f"`{name}` calls itself, and recursion is not compiled.")
        parameters = Parameters(caller, given)
        key = (name, id(identity), parameters.key)
        if key not in self.done:
            self.open.add(name)
            label = self.label(name)
            text, lowering = self.kernel(name, label, parameters.values, lambda path, _: None, self.own(()), space, tree, parameters.atoms)
            self.open.discard(name)
            head = f"{DECORATOR}def {label}({', '.join(parameters.names)}):\n"
            self.texts.append(head + "\n".join(text) + "\n")
            self.done[key] = (label, lowering.result)
        label, (leaves, structure) = self.done[key]
        return received(caller, label, parameters.texts, leaves, structure)


def lowered(state: Any, request: Any, bodies: Sequence[str], titles: Sequence[str], space: Mapping[str, Any],
            helpers: Mapping[str, object]) -> tuple[str, list[Any]]:
    """The module's text and its functions. Raises UnsupportedSyntaxError where it cannot be compiled."""
    require()
    made = Build(state, request, bodies, titles, space)
    text, wanted = made.text()
    needed = {k: v for k, v in {**helpers, **made.objects}.items() if k in made.names_read(text)}
    functions = load(text, request.title, [*titles, *wanted], request.function, needed)
    kernels = dict(zip(wanted, functions[len(titles):]))
    made.compile(kernels)
    made.enter(kernels, functions)
    return text, functions[: len(titles)] + [*kernels.values()]


class Build:
    """Kernels, wrappers, text; then Numba."""

    def __init__(self, state: Any, request: Any, bodies: Sequence[str], titles: Sequence[str], space: Mapping[str, Any]) -> None:
        self.state, self.request, self.titles = state, request, titles
        self.kernels = Kernels(state, request, bodies, space)
        self.outside = Outside(state)
        self.signatures: list[tuple[str, list[Val]]] = []
        self.wrappers: list[str] = []
        self.objects: dict[str, object] = {}

    def text(self) -> tuple[str, list[str]]:
        """The module, and the names of its kernels."""
        first = self.main()
        if len(self.titles) > 1:
            self.backward(first)
        texts = [(REORDERED if h == "add" else CONTRACTED if h in FUNCTIONS else INLINED) + HELPERS[h] for h in HELPERS if h in self.kernels.helpers]
        body = "\n\n".join([*texts, *self.kernels.texts, *self.wrappers])
        lines = ["import math"] if "math." in body else []
        lines += ["import numpy as np"] if "np." in body else []
        lines += ["from numba import njit, prange" if "in prange(" in body else "from numba import njit"]
        return "\n".join(lines) + "\n\n\n" + body, [label for label, _ in self.signatures]

    def names_read(self, text: str) -> set[str]:
        return {n.id for n in ast.walk(ast.parse(text)) if isinstance(n, ast.Name)}

    def main(self) -> Lowering:
        title = self.titles[0]
        tree = self.kernels.trees[title]
        given = [a.arg for a in (*tree.args.posonlyargs, *tree.args.args, *([tree.args.vararg] if tree.args.vararg else []), *tree.args.kwonlyargs,
                                 *([tree.args.kwarg] if tree.args.kwarg else []))]
        self.outside.taken |= {n.id for n in ast.walk(tree) if isinstance(n, ast.Name)} - set(given)
        parameters: dict[str, Value] = {}
        for parameter in given:
            value = self.outside(parameter, None)
            parameters[parameter] = value if value is not None else Static(None)
        body, lowering = self.kernels.kernel(title, title, parameters, self.outside, self.kernels.own(self.titles))
        text = spread("\n".join(body), self.state.facts) + "\n"
        decorator = IN_PARALLEL if "in prange(" in text else DECORATOR
        structure = lowering.result[1]
        read = {n.id for n in ast.walk(ast.parse(text_block(text))) if isinstance(n, ast.Name)}
        plain = not (tree.args.defaults or tree.args.kwonlyargs or tree.args.vararg or tree.args.kwarg or tree.args.posonlyargs or self.request.has_aux)
        labels = [label for label in self.outside.spelled if label in read]
        direct = [p for p in given if isinstance(parameters[p], Val) and parameters[p].text_or_name == self.outside.spelled.get(p)]  # type: ignore[union-attr]
        if plain and wrapper.trivial(structure) and set(labels) <= set(given) and direct == given:
            self.kernels.texts.append(f"{decorator}def {title}({', '.join(given)}):\n{text}")
            self.signatures.append((title, [parameters[p] for p in given]))  # type: ignore[misc]
            return lowering
        label = self.kernels.label(title)
        self.kernels.texts.append(f"{decorator}def {label}({', '.join(labels)}):\n{text}")
        by_label = {v.text_or_name: v for v in self.outside.found.values()}
        self.signatures.append((label, [by_label[name] for name in labels]))
        passed = [self.outside.spelled[name] for name in labels]
        if len(self.titles) > 1:
            cut = ("pair", structure)
            self.wrappers.append(forward_wrapper(title, ast.unparse(tree.args), passed, label, cut[1], len(lowering.result[0])))
        else:
            self.wrappers.append(wrapper.wrapper_text(title, ast.unparse(tree.args), passed, label, structure, len(lowering.result[0])))
        return lowering

    def backward(self, forward: Lowering) -> None:
        """The second half takes what the first one keeps, number by number."""
        title = self.titles[1]
        tree = self.kernels.trees[title]
        leaves, structure = forward.result
        out, cache = structure[1]
        values: list[Value] = [named(f"v{k}", v.dtype, v.dims) if v.dims else v for k, v in enumerate(leaves)]
        seed_name, cache_name = (a.arg for a in tree.args.args)
        Parameters.facts = self.state.facts
        dout = seed_value(structured(out, values, leaves), self.state.result)
        kept = structured(cache, values, leaves)
        parameters = Parameters(None, {seed_name: dout, cache_name: kept})
        label = self.kernels.label(title)
        body, lowering = self.kernels.kernel(title, label, parameters.values, lambda path, _: None, self.kernels.own(self.titles), atoms=parameters.atoms)
        self.kernels.texts.append(f"{DECORATOR}def {label}({', '.join(parameters.names)}):\n" + "\n".join(body) + "\n")
        seeds = seed_paths(dout, seed_name)
        passed = [*seeds, *(f"{cache_name}[{k}]" for k in range(len(parameters.names) - len(seeds)))]
        text = wrapper.wrapper_text(title, f"{seed_name}, {cache_name}", passed, label, lowering.result[1], len(lowering.result[0]))
        for said, kind in self.outside.kinds.items():  # the arguments are not there any more
            if said in text:
                name = f"{kind.__name__}_{len(self.objects)}"
                self.objects[name] = kind
                text = text.replace(said, name)
        self.wrappers.append(text)
        self.signatures.append((label, parameters.leaves))

    def compile(self, kernels: Mapping[str, Any]) -> None:
        """Let Numba compile now, so that what it refuses is refused here."""
        from numba.core.errors import NumbaError

        compact = {v.text_or_name for k, v in self.outside.found.items() if (r := self.outside.ref(k)) is not None and (r.number.layout is not None or k in self.state.integers)}
        for k, (label, values) in enumerate(self.signatures):
            types_ = tuple(wrapper.signature_type(v, k > 0 or v.text_or_name in compact) for v in values)
            try:
                with warnings.catch_warnings():
                    warnings.simplefilter("ignore")
                    kernels[label].compile(types_)
            except (NumbaError, NotImplementedError, KeyError, ValueError, TypeError, AssertionError) as problem:
                reason = " ".join(line.strip() for line in str(problem).splitlines() if line.strip())[:600]
                raise UnsupportedSyntaxError(f"backend='numba': Numba refuses `{label}`: {reason}") from problem


    def enter(self, kernels: Mapping[str, Any], functions: list[Any]) -> None:
        """Kernels of numbers alone are called at their entry point: what they are given needs no look at its type."""
        for label, values in self.signatures:
            if any(v.dims for v in values):
                continue
            kernel = kernels[label]
            entry = next(iter(kernel.overloads.values())).entry_point
            for k, function in enumerate(functions[: len(self.titles)]):
                if function is kernel:
                    functions[k] = entry
                elif label in getattr(getattr(function, "__code__", None), "co_freevars", ()):
                    function.__closure__[function.__code__.co_freevars.index(label)].cell_contents = entry


def text_block(text: str) -> str:
    return "def f():\n" + text


def forward_wrapper(title: str, parameters: str, passed: Sequence[str], label: str, structure: Any, total: int) -> str:
    """The first half: the value as the user's program has it, and the kernel's numbers for the second."""
    leaves = [f"r{k}" for k in range(total)] if total != 1 else ["r"]
    out, cache = structure[1]
    kept: list[str] = []
    collected(cache, leaves, kept)
    return (f"def {title}({parameters}):\n    {', '.join(leaves)} = {label}({', '.join(passed)})\n    cache = ({', '.join(kept)}{',' * (len(kept) == 1)})\n"
            f"    return {wrapper.rebuilt(out, leaves)}, cache\n") if total else f"def {title}({parameters}):\n    return {wrapper.rebuilt(out, leaves)}, ()\n"


def collected(structure: Any, leaves: Sequence[str], kept: list[str]) -> None:
    kind = structure[0]
    if kind == "leaf":
        kept.append(leaves[structure[1]])
    elif kind == "stack":
        kept += leaves[structure[1]: structure[2]]
    elif kind != "static":
        for inner in structure[1]:
            collected(inner, leaves, kept)


def seed_value(out: Value, ref: Ref) -> Value:
    """The adjoint that fits a value."""
    if isinstance(out, Tup):
        return Tup(tuple(seed_value(i, ref) for i in out.items), out.kind, out.keys)
    if not isinstance(out, Val):
        return out
    dtype = out.dtype if out.dtype.kind == "f" else FLOAT
    return replaced(out, dtype=dtype, const=None, dim=None, unique=False, view=out.view)


def seed_paths(dout: Value, path: str) -> list[str]:
    if isinstance(dout, Tup):
        keys = [repr(k) for k in dout.keys] or [str(k) for k in range(len(dout.items))]
        return [p for k, i in zip(keys, dout.items) for p in seed_paths(i, f"{path}[{k}]")]
    if not isinstance(dout, Val):
        return []
    return [f"{path}[()]" if dout.form == "array" and not dout.dims else path]


__all__ = ["lowered", "require", "flat", "types", "np"]
