"""Forward half, backward half and results put together.

    forward pass; backprop each statement; return dx, dy
"""
from __future__ import annotations

import ast
import dataclasses

from srcad.emit import function_text
from srcad.errors import SeedError, SrcadError
from srcad.shadows import every_step
from srcad.gates import Gates
from srcad.hoist import Hoisting
from srcad.inference import Loop, class_of, current, unwritable
from srcad.ir import Assign, Block, Effect, Location, Place, Return, Statement, arguments_text, listed
from srcad.kinds import BOOL, FLOAT, Number, Record, Ref, Static, contents, is_double, leaves
from srcad.kinds import Sequence as Items
from srcad.module import Module
from srcad.ownership import settle
from srcad.pairs import Pair
from srcad.render import render
from srcad.recording import Recording, unneeded_copies
from srcad.request import Compiled, Request
from srcad.residuals import Residuals, handed_out
from srcad.reverse import Backward, Reverse
from srcad.runtime import one_number
from srcad.snapshots import Snapshots
from srcad.uses import bound, reads
from srcad.source import Source
from srcad.syntax import call, const, expression, free_names, method, name, names, text
from srcad.terms import Term
from srcad.tidy import Tidying
from srcad.walk import LAST, Walk, refreshed


class Assembly(Residuals, Tidying):
    """Puts forward and backward halves together into the text of a module."""

    walker: type[Reverse] = Reverse  # what writes the derivative
    leading: tuple[str, ...] = ()  # the parameters that come before the user's where the call passes them as well

    def __init__(self, state: Walk, request: Request, source: Source, wrt: list[tuple[str, Ref]]) -> None:
        self.state, self.request, self.source = state, request, source
        self.wrt = [(p, refreshed(r, state)) for p, r in wrt]
        self.facts = state.facts
        self.kinds_of: dict[str, Number] = {}
        self.places: dict[str, list[Place]] = {}
        self.reverse = self.walker(state, Gates(state, request.plain).apply())

    def compiled(self) -> Compiled:
        for pair in self.state.pairings.done:
            self.state.namer.reserve(pair.titles[0])
            self.state.namer.reserve(pair.titles[1])
        bodies, titles = self.texts()
        states = (self.state, *(pair.state for pair in self.state.pairings.done))
        self.trusting = self.request.mode != "pair" and not any(s.knowledge.written for s in states)
        compiled = Module(self.state, self.request, self.source, self.leading).compiled([*self.paired(bodies), *bodies], titles)
        compiled.kept = self.cached
        compiled.writes = any(c.buffer.external for c in self.state.changes)
        compiled.places = self.places
        return compiled

    def paired(self, bodies: list[str]) -> list[str]:
        """The functions that are compiled by themselves, as far as they are called."""
        if not self.state.pairings.done:
            return []
        found: list[list[str]] = []
        called = free_names("\n\n".join(bodies))
        for pair in reversed(self.state.pairings.done):
            if called & set(pair.titles):
                assembly = PairAssembly(pair, self.trusting)
                texts = assembly.texts()[0]
                self.places |= assembly.places
                called |= free_names("\n".join(texts))
                self.facts.imported |= pair.state.facts.imported
                found.append(texts)
        return [text for texts in reversed(found) for text in texts]

    def texts(self) -> tuple[list[str], list[str]]:
        """The functions as text, and their titles."""
        self.split_result()
        pair = self.request.mode == "pair"
        seed_name = self.state.namer.adjoint(SEEDS[self.request.mode]) if self.request.mode in SEEDS else ""
        cache_name = self.state.namer.adjoint("cache") if pair else ""
        backward = self.reverse.run(self.seeds(seed_name), self.wanted_leaves())
        statements, end, returned = self.results(backward)
        self.returned = returned
        forward = unneeded_copies(self.state)
        self.reverse.mirrored |= {n for s in backward.statements for n in reads(s)}
        tail = Return(end, LAST)
        kept = self.value_returned() if self.request.mode in ("value_and_grad", "pair") else None
        sides = {getattr(s.statement, "tag", 0): s.side for s in every_step(self.reverse.steps) if isinstance(s, Loop) and s.side is not None}
        recording = Recording(self.state, sides, self.request.plain)
        self.again = recording.again
        forward, rest = recording.apply(forward, self.needed((*backward.statements, *statements), tail))
        if self.request.checkpoint is not None:
            forward, rest = Snapshots(self.state, recording.lists, self.request.checkpoint, self.sharing).apply(forward, rest)
        forward, kept = self.value_held(forward, rest, kept)
        forward, rest = self.simplified(forward, (*rest, tail), kept)
        kinds = {**backward.kinds, **self.final_kinds}
        foreign = list(names(self.kept)) if kept is not None else []
        makers = [pair.titles[1] for pair in (*self.state.pairings.done, *self.state.pairings.open)]
        rest = settle(forward, rest, kinds, returned, foreign, makers, (*self.state.parameters, seed_name), self.picking(), consuming=not pair and not self.request.plain, moving=not self.request.plain, may_be_real=self.facts.may_be_real)
        if self.request.backend == "numpy" and not self.request.plain:  # loops over elements need no views
            rest = Hoisting(self.state.namer.temporary, lambda n: n in kinds and kinds[n].form == "array").apply(rest)
        return self.pair(forward, rest, seed_name, cache_name) if pair else self.single(forward, rest, kept, seed_name)

    def value_returned(self) -> ast.expr:
        """The value of the function, as an expression."""
        kind = unwritable(self.state.result)
        if kind is not None:
            raise SrcadError(f"it returns a `{kind.__name__}`, which the generated code cannot make again from its attributes. Return them, in a tuple, a dict or a dataclass.", None, self.request.title)
        return current(self.state.result).expr

    def value_held(self, forward: Block, rest: Block, kept: ast.expr | None) -> tuple[Block, ast.expr | None]:
        """The value under a name of its own, where the backward pass takes back what it is made of."""
        self.value_parts = set(handed_out(kept)) if kept is not None else set()
        if kept is None or not {t for s in forward for t in bound(s)} & {t for s in rest for t in bound(s)}:
            return forward, kept
        target = self.state.namer.temporary("value")
        self.state.user_names.add(target)
        return (*forward, Assign(target, kept, LAST)), name(target)

    def split_result(self) -> None:
        self.main = self.state.result
        if holds_series(self.main):
            raise SrcadError("it returns a list that grows in a loop, whose items are known only at run time. Return np.array of it.", None, self.request.title)
        if self.request.has_aux:
            value = self.state.result.value
            if not isinstance(value, Items) or len(value.items) != 2:
                raise SeedError("has_aux=True needs a function that returns a pair (value, aux).", None, self.request.title)
            self.main = value.items[0]
        if self.request.mode in SEEDS or self.request.mode == "jvp":
            return
        number = self.main.number
        if isinstance(self.main.value, Number) and number.shape == () and number.dtype != BOOL:
            if number.dtype is not None and number.dtype.kind == "c":
                raise SeedError("a gradient needs a real number as the result, and this returns a complex one. Take np.real or np.abs of it, or use vjp.",
                                None, self.request.title)
            return
        if isinstance(self.main.value, Number) and number.shape is None and number.dtype != BOOL:
            self.asked_at_run_time()
            return
        raise SeedError(f"a gradient needs one number as the result, and this returns {shown(self.main)}. Use vjp, forward and backward, or "
                        "elementwise_grad, or return a sum.", None, self.request.title)

    def asked_at_run_time(self) -> None:
        """Have the generated code look at a result that may or may not be one number."""
        label = self.state.namer.adjoint("one_number")
        self.state.helpers[label] = one_number
        self.state.statements.append(Effect(call(label, [self.main.expr]), LAST))

    def wanted_leaves(self) -> list[Ref]:
        return [leaf for _, ref in self.wrt for leaf in leaves(ref) if leaf.key in self.state.active]

    def seeds(self, seed_name: str) -> dict[str, Term]:
        """What flows in: 1 for a gradient, the parts of dout for a pair."""
        if not seed_name:
            key = self.main.key
            return {key: Term(const(1.0), Number("python", FLOAT, ()), self.facts)} if key in self.state.active else {}
        found: dict[str, Term] = {}
        for leaf, path in seed_paths(self.main, seed_name):
            if leaf.key in self.state.active:
                kind = leaf.number
                dtype = kind.dtype if kind.dtype is not None and kind.dtype.kind in "fc" else FLOAT if kind.dtype is not None else None
                term = Term(path, Number(kind.form, dtype, kind.shape), self.facts)
                found[leaf.key] = found[leaf.key] + term if leaf.key in found else term
        return found

    def results(self, backward: Backward) -> tuple[list[Statement], ast.expr, list[str]]:
        """The gradients, under names of their own, and the expression that returns them."""
        statements: list[Statement] = []
        self.final_kinds: dict[str, Number] = {}
        returned: list[str] = []
        exprs: list[ast.expr] = []
        for parameter, ref in self.wrt:
            expr = self.gradient(ref, backward, statements, returned)
            if not isinstance(ref.value, Number) and not is_none(expr):
                target = self.state.namer.adjoint(f"d{parameter}")
                self.state.user_names.add(target)
                statements.append(Assign(target, expr, self.last_loc(backward)))
                self.final_kinds[target] = Number("python", None, ())
                expr = name(target)
            exprs.append(expr)
        end = exprs[0] if self.request.bare and len(exprs) == 1 else ast.Tuple(elts=exprs, ctx=ast.Load())
        return statements, end, returned

    def last_loc(self, backward: Backward) -> Location:
        return self.reverse.reached or LAST

    def gradient(self, ref: Ref, backward: Backward, statements: list[Statement], returned: list[str]) -> ast.expr:
        """The gradient in the structure of its parameter."""
        match ref.value:
            case Items(type=kind, items=items):
                elements = [self.gradient(i, backward, statements, returned) for i in items]
                if kind is list:
                    return ast.List(elts=elements, ctx=ast.Load())
                display = ast.Tuple(elts=elements, ctx=ast.Load())
                return display if kind is tuple else call(class_of(ref.expr), elements)
            case Record(type=kind, items=mapping):
                parts = {k: self.gradient(i, backward, statements, returned) for k, i in mapping.items()}
                if kind is dict:
                    return ast.Dict(keys=[const(k) for k in parts], values=[*parts.values()])
                if hasattr(kind, "__post_init__") or not all(f.init for f in dataclasses.fields(kind)):
                    raise SrcadError(f"a gradient in the form of `{kind.__name__}` cannot be made by calling it: it has __post_init__ or fields that are "
                                     "not given. Pass its fields.", None, self.request.title)
                return call(class_of(ref.expr), [], **parts)
        if ref.key not in self.state.active:
            return const(None)
        return self.leaf_gradient(ref, backward, statements, returned)

    def leaf_gradient(self, leaf: Ref, backward: Backward, statements: list[Statement], returned: list[str]) -> ast.expr:
        """One gradient: named where it is an array or a parameter of its own, and converted to its leaf's type."""
        term = backward.adjoints[leaf.key]
        target = self.reverse.adjoint_name(leaf.key)
        inside = not leaf.key.isidentifier()
        original = self.state.integers.get(leaf.key, leaf).number
        if inside and original.form in ("python", "scalar"):
            expr = term.expr
        else:
            if not (isinstance(term.expr, ast.Name) and term.expr.id == target):
                statements.append(Assign(target, term.expr, self.last_loc(backward)))
                self.final_kinds[target] = term.number
            expr = name(target)
            if original.form == "array" and original.shape != ():
                returned.append(target)
                self.reverse.foldable.discard(target)
        return self.converted(expr, term.number, original)

    def converted(self, expr: ast.expr, made: Number, wanted: Number) -> ast.expr:
        """Python float for Python numbers, NumPy scalar for NumPy scalars, array for arrays, each in its dtype."""
        dtype = wanted.dtype if wanted.dtype is not None and wanted.dtype.kind in "fc" else FLOAT
        numpy = self.facts.modules["numpy"]
        if wanted.form == "python":
            literal_float = isinstance(expr, ast.Constant) and isinstance(expr.value, float)
            if dtype.kind == "c":
                return expr if made.form == "python" and made.dtype == dtype else call("complex", [expr])
            return expr if literal_float or made.form == "python" and is_double(made.dtype) else call("float", [expr])
        if wanted.form == "scalar":
            return expr if made.form == "scalar" and made.dtype == dtype else call(render(dtype, self.facts), [expr])
        if wanted.shape == ():
            self.facts.module("numpy")
            return call(f"{numpy}.array", [expr, render(dtype, self.facts)] if made.dtype != dtype or not is_double(dtype) else [expr])
        if made.dtype != dtype:
            return method(expr, "astype", render(dtype, self.facts))
        return expr

    def parameters_text(self) -> str:
        return arguments_text(bare_annotations(self.source.tree.args))

    def single(self, forward: Block, rest: Block, kept: ast.expr | None, seed_name: str) -> tuple[list[str], list[str]]:
        title = self.state.namer.adjoint(f"{self.request.title}_{self.request.mode}")
        end = rest[-1]
        assert isinstance(end, Return)
        at = len(forward)
        block = self.headed((*forward, *rest), names(kept) if kept is not None else ())
        forward, rest, value = self.plainly_named(block[:at], block[at:-1], [self.kept, end.value] if kept is not None else [end.value], seed_name)
        last = ", ".join(map(text, value)) if kept is not None else listed(*value)
        parameters = ", ".join(p for p in (seed_name, self.parameters_text()) if p)
        body, self.places[title] = function_text(title, parameters, forward, rest, [f"return {last}"])
        return [body], [title]


SEEDS = {"pair": "dout", "pull": "dout", "push": "tangents"}  # what flows in, where it is given


class PairAssembly(Assembly):
    """The two halves of a function that is compiled by itself."""

    def __init__(self, pair: Pair, trusting: bool) -> None:
        assert pair.state is not None
        self.own, self.trusting = pair, trusting
        super().__init__(pair.state, pair.request, pair.callee.source, [(p, pair.state.parameters[p]) for p in pair.wrt])

    def titles(self) -> tuple[str, str]:
        return self.own.titles

    def parameters_text(self) -> str:
        return ", ".join(self.state.parameters)


def holds_series(ref: Ref) -> bool:
    if isinstance(ref.value, Items) and ref.value.series is not None:
        return True
    return isinstance(ref.value, (Items, Record)) and any(map(holds_series, contents(ref.value)))


def is_none(expr: ast.expr) -> bool:
    return isinstance(expr, ast.Constant) and expr.value is None


def shown(ref: Ref) -> str:
    """A result in words: what came."""
    match ref.value:
        case Number(shape=None):
            return "an array of unknown shape"
        case Number(shape=dims):
            sizes = ", ".join(str(d.value) if d.value is not None else "?" for d in dims)  # type: ignore[union-attr]
            return f"an array of shape ({sizes}{',' * (len(dims) == 1)})" if dims else "a boolean"  # type: ignore[arg-type]
        case Items(type=kind, items=items):
            return f"a {kind.__name__} of {len(items)}"
        case Record(type=kind):
            return f"a {kind.__name__}"
        case Static(value=None):
            return "None"
    return "something else"


def seed_paths(ref: Ref, path: str) -> list[tuple[Ref, ast.expr]]:
    """The leaves of a result with the expression that reads each one's seed."""
    match ref.value:
        case Items(items=items):
            return [pair for i, item in enumerate(items) for pair in seed_paths(item, f"{path}[{i}]")]
        case Record(type=kind, items=mapping):
            return [pair for k, item in mapping.items() for pair in seed_paths(item, f"{path}[{k!r}]" if kind is dict else f"{path}.{k}")]
    return [(ref, expression(path))]


def bare_annotations(arguments: ast.arguments) -> ast.arguments:
    """Parameters as written, without annotations."""
    def bare(parameter: ast.arg | None) -> ast.arg | None:
        return parameter and ast.arg(arg=parameter.arg)

    return ast.arguments(
        posonlyargs=[bare(a) for a in arguments.posonlyargs], args=[bare(a) for a in arguments.args], vararg=bare(arguments.vararg),
        kwonlyargs=[bare(a) for a in arguments.kwonlyargs], kw_defaults=arguments.kw_defaults, kwarg=bare(arguments.kwarg), defaults=arguments.defaults)
