"""Functions of the program's own that are compiled by themselves, once for each kind of arguments.

    def smooth_forward(v):                  y, cache = smooth_forward(x)
        ...
        return out, cache
    def smooth_backward(dout, cache):       dx = smooth_backward(dy, cache)
        ...
        return dv

Recursion whose end depends on data is reversed in this way, and long functions
that are called often. A function that changes its arguments, or takes what is
not made of numbers, is walked at each call instead.
"""
from __future__ import annotations

import ast
import types
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from srcad.dims import Dim, Undecided
from srcad.errors import UnsupportedSyntaxError
from srcad.infer import Ended, Interpreter
from srcad.inference import Frame, Knowledge, Operation, current, display, record_display
from srcad.ir import Assign, Effect, Statement, Unpack, walk
from srcad.kinds import DECIDES, Closure, Number, Record, Ref, Sequence, Static, leaves
from srcad.mirror import Mirror, Returned, Signature, Sizes, Unpaired, paths
from srcad.pairback import PairCall
from srcad.request import Request
from srcad.rewalk import rewalked
from srcad.source import Source
from srcad.stage import identifiers, stage
from srcad.syntax import Namer, call, const, free_names, name, names
from srcad.walk import Walk, begin

ATTEMPTS = 6
LONG = 60  # statements of one function, over all its calls, from which on it is compiled by itself


@dataclass(frozen=True, eq=False)
class Callee:
    """A function of the program's own that is called.

    code: what it is told by: its code, the function where it is a closure, the tree of one defined inside; function: whose globals it reads; prefix: how
    they are read from the main program; parent: the variables around one defined inside.
    """

    code: object
    source: Source
    function: types.FunctionType
    prefix: str
    parent: Frame | None = None

    @property
    def name(self) -> str:
        return getattr(self.source.tree, "name", "inner")


@dataclass(eq=False)
class Pair:
    """A function for arguments of some kinds, with the titles of its two halves.

    inner: the functions defined inside that it calls; ahead: the title of what takes tangents along, once it is called; result: what it returns, None while that is not known; recursive: whether it has been called on the way to its own result.
    """

    key: tuple[Any, ...]
    callee: Callee
    titles: tuple[str, str]
    inner: Mapping[str, Closure]
    sizes: list[Dim] = field(default_factory=list)  # those of its parameters
    wrt: tuple[str, ...] = ()
    state: Walk | None = None
    result: Ref | None = None
    active: tuple[bool, ...] = ()
    recursive: bool = False
    ahead: str = ""

    @property
    def request(self) -> Request:
        return Request(self.callee.function, self.callee.name, self.wrt, False, len(self.wrt) == 1, "pair")


@dataclass
class Pairings:
    """The pairs of one program: those that are compiled, and those that are being walked."""

    done: list[Pair] = field(default_factory=list)
    open: list[Pair] = field(default_factory=list)
    titles: set[str] = field(default_factory=set)
    names: set[str] = field(default_factory=set)  # what their calls give values to
    namers: list[Namer] = field(default_factory=list)  # of the functions that may call them

    def called_from(self, namer: Namer) -> None:
        """Another function whose variables get other names than the pairs have."""
        namer.titles = self.titles
        self.namers.append(namer)

    def title(self, base: str) -> str:
        """A name for one half, that neither another one nor a variable of the program has."""
        count, found = 1, base
        while found in self.titles or any(found in namer.taken for namer in self.namers):
            count += 1
            found = f"{base}{count}"
        self.titles.add(found)
        return found


class Pairs:
    """Calls of functions that are compiled by themselves."""

    at: Interpreter
    state: Any

    def recursion(self, callee: Callee) -> bool:
        """Whether a function is called from itself on a path that only the run can choose."""
        outer = next((f for f in self.state.frames if f.code is callee.code), None)
        if outer is None or len(self.state.choices) <= outer.choices:
            return False
        deciding = {k.removeprefix(DECIDES) for origin in self.state.choices[outer.choices :] for k in origin} & set(self.state.integers)
        if deciding:  # integers that end it are followed: the next walk takes them as known
            self.state.integral |= deciding
            self.at.refuse("the recursion counts with an argument that is differentiated.")
        return True

    def paired(self, callee: Callee, arguments: dict[str, Ref], target: str | None) -> Ref:
        """The call of a function through its pair."""
        inner: dict[str, Closure] = {}
        if callee.parent is not None:
            arguments = {**arguments, **self.captured(callee.source.tree, callee.parent, set(arguments), inner)}
        pair = self.pair_for(callee, arguments, inner)
        if pair.result is None:
            raise Ended
        return self.pair_called(pair, arguments, target)

    def captured(self, tree: ast.AST, frame: Frame, own: set[str], inner: dict[str, Closure]) -> dict[str, Ref]:
        """What a function defined inside reads of the variables around it: further parameters. Functions among them go to `inner`."""
        found: dict[str, Ref] = {}
        for identifier in dict.fromkeys(names(tree)):
            ref = visible(frame, identifier)
            if ref is None or identifier in own or identifier in inner:
                continue
            value = ref.value
            if not isinstance(value, Closure):
                found[identifier] = current(ref)
            elif value.frame is not frame or value.defaults:
                raise Unpaired(f"it calls `{identifier}`, which has variables of its own around it.", self.at.loc)
            else:
                inner[identifier] = value
                found |= self.captured(value.tree, frame, set(identifiers(value.tree)) & assigned(value.tree), inner)
        return found

    def pair_for(self, callee: Callee, arguments: dict[str, Ref], inner: Mapping[str, Closure]) -> Pair:
        pairings: Pairings = self.state.pairings
        kinds = Signature(self.state, callee.code in self.state.knowledge.recursive)
        key = (callee.code, callee.prefix, *(kinds.of(p, ref) for p, ref in arguments.items()))
        for pair in pairings.open:
            if pair.key == key and all(map(one_size, pair.sizes, kinds.sizes)):
                pair.recursive = True
                return pair
        for pair in pairings.done:
            if pair.key == key and self.fits(pair, arguments):
                return pair
        if len(pairings.open) > DEEPEST:
            self.at.refuse("the recursion goes on with arrays of ever other sizes, or ever longer lists, to an end that depends on data. Write a loop.")
        pair = Pair(key, callee, tuple(pairings.title(f"{callee.name}_{half}") for half in ("forward", "backward")), inner)
        self.walk_pair(pair, arguments)
        if not self.fits(pair, arguments):
            raise Unpaired("what it relies on cannot be said of its arguments.", self.at.loc)
        return pair

    def walk_pair(self, pair: Pair, arguments: Mapping[str, Ref]) -> None:
        """Walk a function for itself; one that calls itself, until what it returns is what was assumed."""
        pairings = self.state.pairings
        before = list(pairings.done)
        knowledge = Knowledge(paired=self.state.knowledge.paired, recursive=self.state.knowledge.recursive)
        for _ in range(ATTEMPTS):
            pairings.open.append(pair)
            try:
                state = rewalked(knowledge, lambda: self.begun(pair, arguments), Alone(type(self.at), pair))
            finally:
                pairings.open.remove(pair)
            alike = pair.result is not None and like(pair.result, state.result) and pair.active == activity(state)
            pair.state, pair.result, pair.active = state, state.result, activity(state)
            if alike or not pair.recursive:
                self.check(pair)
                pairings.done.append(pair)
                return
            pairings.done[:] = before
        self.at.refuse("what this recursion returns is not of one kind.")

    def begun(self, pair: Pair, arguments: Mapping[str, Ref]) -> Walk:
        """The state of a walk whose parameters are like the arguments."""
        outer, callee = self.state, pair.callee
        state = begin(callee.name, callee.source, stage(callee.source), callee.function, set(arguments))
        if any(state.facts.modules.get(k) != alias for k, alias in outer.facts.modules.items()):
            raise Unpaired("it has other names for the modules.", self.at.loc)
        state.alone = True
        outer.pairings.called_from(state.namer)
        state.pairings, state.helpers, state.guards.objects = outer.pairings, outer.helpers, outer.guards.objects
        mirror = Mirror(outer, state, callee.code in outer.knowledge.recursive)
        state.parameters = {p: mirror.of(p, ref) for p, ref in arguments.items()}
        pair.wrt = tuple(p for p, ref in state.parameters.items() if state.is_active(ref))
        pair.sizes = [d for ref in state.parameters.values() for leaf in leaves(ref) for d in leaf.number.shape or ()]
        return state

    def check(self, pair: Pair) -> None:
        """Refuse what a pair cannot be: a function that changes what it is given, or returns what is no number."""
        assert pair.state is not None
        late = next((c for c in pair.state.changes if any(b.external for b in c.buffer.family())), None)
        if late is not None:
            raise Unpaired("it changes an array that it is given.", late.loc)
        for leaf in leaves(pair.state.result):
            number = leaf.value
            if not (isinstance(number, Number) and number.form != "unknown" or isinstance(number, Static) and number.value is None):
                raise Unpaired("it returns what is not made of numbers and arrays.", self.at.loc)

    def fits(self, pair: Pair, arguments: Mapping[str, Ref]) -> bool:
        """Whether what a pair relies on is so for these arguments; then it is a fact here too."""
        if pair.state is None:
            return True
        space = {p: Sizes.of(ref) for p, ref in arguments.items()}
        for condition in pair.state.facts.conditions:
            free = free_names(condition)
            if not free & space.keys():
                if free & self.state.scope:  # there they mean something else
                    return False
                self.state.facts.record(condition)
                continue
            try:
                if eval(condition, {}, space) is not True:
                    return False
            except (Undecided, AttributeError, TypeError, LookupError, NameError):
                return False
        return True

    def pair_called(self, pair: Pair, arguments: dict[str, Ref], target: str | None) -> Ref:
        """Write the call down, and its derivative."""
        at, state = self.at, self.state
        self.met(pair, arguments)
        made = at.new_name(target or state.namer.temporary(pair.callee.name))
        cache = state.namer.temporary(f"{pair.callee.name}_cache")
        at.write(Unpack((made, cache), None, call(pair.titles[0], [current(r).expr for r in arguments.values()]), at.loc))
        state.impure |= {made, cache}
        state.pairings.names |= {made, cache}
        state.kinds[cache] = Number("python", None, ())
        return self.given_back(pair, arguments, made, cache, None)

    def pair_again(self, callee: Callee, arguments: dict[str, Ref], text: ast.Call, target: str | None) -> Ref:
        """A call of the function itself, whose forward half is run for its cache where the backward half needs it."""
        at, state = self.at, self.state
        try:
            pair = self.pair_for(callee, arguments, {})
        except Unpaired as problem:
            raise UnsupportedSyntaxError(f"a checkpointed function runs twice: {problem.reason}", problem.location or at.loc) from None
        if pair.state is None or pair.state.impure - state.pairings.names or any(map(is_act, walk(tuple(pair.state.statements)))):
            at.refuse("a checkpointed function runs twice: it must not call itself, draw random numbers, print, or call what srcad cannot look into.")
        self.met(pair, arguments)
        kept = {p: self.as_it_is(ref) for p, ref in arguments.items()}
        made = at.new_name(target or state.namer.temporary(callee.name))
        at.write(Assign(made, text, at.loc))
        state.raising.add(made)
        again = call(pair.titles[0], [current(r).expr for r in kept.values()])
        return self.given_back(pair, arguments, made, "", ast.Subscript(value=again, slice=const(1), ctx=ast.Load()))

    def as_it_is(self, ref: Ref) -> Ref:
        """An argument for a second run: arrays that are changed in place as copies."""
        match ref.value:
            case Sequence(type=kind, items=items, series=None) if kind in (list, tuple):
                return display(kind, tuple(map(self.as_it_is, items)))
            case Record(type=kind, items=mapping) if kind is dict:
                return record_display(dict, {k: self.as_it_is(item) for k, item in mapping.items()})
        if any(self.at.shadowed(leaf) for leaf in leaves(ref) if isinstance(leaf.value, Number)):
            if isinstance(ref.value, Number):
                return self.at.kept(ref)  # type: ignore[no-any-return]
            self.at.refuse("a checkpointed function runs twice, and this holds an array that is changed in place. Pass the array.")
        return ref

    def met(self, pair: Pair, arguments: Mapping[str, Ref]) -> None:
        """What a call means for its arguments: they are read, and some are counted with."""
        flat = [leaf for ref in arguments.values() for leaf in leaves(ref)]
        self.at.not_stale(flat)
        self.at.note_reads(flat, {})
        if pair.state is not None:
            by_path = {path: leaf for p, ref in arguments.items() for path, leaf in paths(p, ref)}
            for path in pair.state.integral & by_path.keys():
                self.at.integer_use(by_path[path])
            self.state.facts.imported |= pair.state.facts.imported

    def given_back(self, pair: Pair, arguments: Mapping[str, Ref], made: str, cache: str, again: ast.expr | None) -> Ref:
        """What a call returns, with its derivative."""
        state = self.state
        assert pair.result is not None
        result = Returned(self.at, arguments).of(pair.result, name(made), made)
        given = tuple(o for o, is_active in zip(leaves(result), pair.active) if is_active)
        operands = tuple(leaf for p in pair.wrt for leaf in leaves(arguments[p]) if leaf.key in state.active)
        if given and operands:
            state.active.update(o.key for o in given)
            self.at.record(Operation(given, True, PairCall(pair, cache, result, arguments, again), None, operands, {}, self.at.loc))
        return result


DEEPEST = 20  # pairs that are walked at once


@dataclass
class Alone:
    """Runs the walk of a pair."""

    walker: type[Interpreter]
    pair: Pair

    def __call__(self, state: Walk) -> None:
        callee = self.pair.callee
        frame = Frame(stage(callee.source), callee.function, dict(state.parameters), identifiers(callee.source.tree), callee.prefix, code=callee.code)
        frame.locals |= {k: Ref(name(k), Closure(c.tree, frame, {})) for k, c in self.pair.inner.items()}
        walker = self.walker(state, frame)
        state.result = walker.run()
        if walker.raised:
            raise UnsupportedSyntaxError("this recursion has no end.", callee.source.locate(callee.source.tree))


def visible(frame: Frame | None, identifier: str) -> Ref | None:
    """A variable of a frame or of one around it."""
    while frame is not None:
        if identifier in frame.locals:
            return frame.locals[identifier]
        frame = frame.parent
    return None


def assigned(tree: ast.AST) -> set[str]:
    """The parameters of a function's tree, and the names that it binds."""
    found = {n.arg for n in ast.walk(tree) if isinstance(n, ast.arg)}
    return found | {n.id for n in ast.walk(tree) if isinstance(n, ast.Name) and isinstance(n.ctx, ast.Store)}


def is_act(statement: Statement) -> bool:
    """Whether a statement does something to the world: `print(x)`."""
    match statement:
        case Effect(ast.Call(func=ast.Name())) | Assign(_, ast.Call(func=ast.Name(id="print"))):
            return True
    return False


def one_size(own: Dim, given: Dim) -> bool:
    """Whether a call on the way to a pair's own result is for an array of the same size; where need be that is a fact of both."""
    if own.facts is given.facts and own.key == given.key:
        return True
    return own.value is not None and own.value == given.value and own.known() == given.known()


def like(a: Ref, b: Ref) -> bool:
    """Whether two results are of one kind."""
    ours, theirs = leaves(a), leaves(b)
    if len(ours) != len(theirs) or type(a.value) is not type(b.value):
        return False
    return all(kind_of(x) == kind_of(y) for x, y in zip(ours, theirs))


def kind_of(ref: Ref) -> Any:
    number = ref.value
    if not isinstance(number, Number):
        return type(number)
    shape = tuple("?" if not d.terms or "?" in d.key or ".shape" in d.key and d.value is None else d.key for d in number.shape) if number.shape is not None else None
    return number.form, number.dtype, shape, number.fresh


def activity(state: Walk) -> tuple[bool, ...]:
    return tuple(leaf.key in state.active for leaf in leaves(state.result))
