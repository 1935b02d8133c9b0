"""The chain rule: from the operations of the forward pass to the statements of the backward pass.

    z = x * y       # backprop z = x * y
                    dx = y * dz
                    dy = x * dz

Operations are taken in reverse, statement by statement; within one statement
the operands are followed from left to right, as they are written. The first
contribution to an adjoint is `=`, the next `+=`. The adjoint of a name the user
gave is written down; that of a temporary goes into the expression that uses it.
Broadcasting is undone here, once, for all rules.
"""
from __future__ import annotations

import ast
import dataclasses
import operator
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from srcad.adjoints import adjoint_kind, cast, filled, joined, may_spread, real_part, zeros
from srcad.detours import Detours, takes_each_row
from srcad.dims import Dim, Facts, Shape, Undecided
from srcad.errors import MissingRuleError, SrcadError
from srcad.backwards import Backwards
from srcad.fitting import pairs, unbroadcast, unknown_like, widened
from srcad.shadows import every_step, read_by
from srcad.gates import LOG_SOFTMAX
from srcad.inference import GETITEM, Inference, Operation, Region, Step, flatten, function_label
from srcad.ir import Assign, Effect, Location, Statement, Store, Update, walk
from srcad.kinds import Number, Ref, full, leaves as leaves_of, takes_whole
from srcad.pairback import PairBack, PairCall
from srcad.render import function_path, Untraceable, render
from srcad.scatter import Scatter, disjoint, index_argument, ufunc_at
from srcad.shapes.indexing import names_once
from srcad.splice import folded_literal  # which gives terms their operators
from srcad.surgery import Surgery
from srcad.syntax import binary, call, const, method, name, same, without_sign
from srcad.terms import Term, as_term, literal

HARMLESS = (np.add, np.subtract, np.negative, np.positive, operator.add, operator.sub, operator.neg, operator.pos, np.where)
SKIPPING = (np.nansum, np.nanmean, np.nanprod, np.nanmax, np.nanmin, np.nanvar, np.nanstd, np.nanmedian, np.nanquantile, np.nanpercentile, np.nancumsum, np.nancumprod, np.nan_to_num)
REDUCTIONS = (np.sum, np.mean, np.prod, np.max, np.min, np.var, np.std)
REAL = frozenset((np.real, np.imag, np.absolute, abs, np.angle, np.linalg.norm, np.fft.irfft, np.fft.irfft2, np.fft.irfftn, np.fft.hfft))  # real, whatever they are given
MIRRORED = (GETITEM, operator.truediv)


@dataclass
class Backward:
    """The statements of a backward pass, and what is known of the adjoints that they make."""

    statements: list[Statement]
    kinds: dict[str, Number]
    adjoints: dict[str, Term]  # the finished adjoint of each differentiated leaf


class Reverse(Backwards, PairBack, Detours):
    """Builds the backward pass of the steps of a program."""

    def __init__(self, state: Inference, steps: list[Step]) -> None:
        self.state = state
        self.facts: Facts = state.facts
        self.steps = steps
        self.every = list(every_step(steps))
        self.operations = [op for op in self.every if isinstance(op, Operation)]
        self.out: list[Statement] = []
        self.kinds: dict[str, Number] = {}
        self.names: dict[str, str] = {}  # key -> the name of its adjoint, once it has one
        self.literals: dict[str, Term] = {}  # adjoints that are just a number so far
        self.held: dict[str, Term] = {}  # adjoints of temporaries that are one expression so far
        self.scatters: dict[str, list[Scatter]] = {}
        self.masks: dict[str, tuple[tuple[Any, bool], ...]] = {}  # where an adjoint is 0 whatever is in it: outside the branch taken
        self.constants: dict[str, str] = {}  # arrays of one number, by their text -> the adjoint that is one
        self.stored: dict[str, list[ast.expr]] = {}  # the parts of a blank adjoint that are all that has been written
        self.producer = {o.key: op for op in self.operations for o in op.outputs}
        self.bound_in: dict[Region, set[str]] = {}
        read = [(step, read_by(step)) for step in self.every]
        self.known = {ref.key: ref for _, refs in read for ref in refs}
        self.remaining = Counter(ref.key for _, refs in read for ref in refs)
        self.dense = Counter(ref.key for step, refs in read if not (isinstance(step, Operation) and step.rule is None) for ref in refs)
        self.definitions = {s.target: s for s in walk(tuple(state.statements)) if isinstance(s, Assign)}
        self.done: set[int] = set()
        self.mirrored: set[str] = set()  # results whose backward step raises where the forward step does
        self.values: Mapping[str, Ref] = {}  # copies that stand for operands of the operation at hand
        self.current: set[int] = set()  # the operations of the block at hand
        self.allotted: dict[str, str] = {}  # the names that adjoints get when they are first written
        self.redirected: dict[str, tuple[Ref, Scatter]] = {}
        self.steady: dict[str, Term] = {}  # what a loop adds to: its adjoint is the same in every pass
        self.foldable: set[str] = set()  # adjoints of temporaries that may go into the line that uses them
        self.labelled: set[str] = set()  # parts of a rule's answer that it wants on lines of their own
        self.loc: Location | None = None
        self.reached: Location | None = None  # the statement that gave to an adjoint last

    def run(self, seeds: dict[str, Term], leaves: list[Ref]) -> Backward:
        for key, seed in seeds.items():
            self.held[key] = seed
        self.loc = Location("", -3, 0, 0, 0, "", "")
        for ref in self.seeded(seeds):
            if ref.key in self.held:  # not yet given to with a view of it
                self.to_memory(ref, self.held.pop(ref.key))
        self.block(self.steps)
        adjoints = {leaf.key: self.finished(leaf) for leaf in leaves}
        return Backward(self.out, self.kinds, adjoints)

    def seeded(self, seeds: dict[str, Term]) -> list[Ref]:
        """Results that lie in memory that is changed, each once."""
        return [*{leaf.key: leaf for leaf in leaves_of(self.state.result) if leaf.key in seeds and self.is_shadowed(leaf)}.values()]

    def block(self, steps: Sequence[Step]) -> None:
        outer, self.current = self.current, {id(s) for s in steps}
        for step in reversed(steps):
            if isinstance(step, Operation):
                self.backprop(step)
            else:
                self.structure(step)
        self.current = outer

    # ---- one operation

    def backprop(self, op: Operation) -> None:
        if id(op) in self.done:
            return
        self.done.add(id(op))
        self.loc = op.loc
        if op.rule is LOG_SOFTMAX and self.picked_softmax(op):
            return
        dz = [self.consume(output) for output in op.outputs]
        if all(d is None for d in dz):
            self.release(op)
            return
        contributions = [(ref, c) for ref, c in self.pulled(op, dz) if c is not None and ref.key in self.state.active]
        contributions = self.merged(contributions)
        shared = self.shared([c for _, c in contributions])
        shared |= self.long(dz, contributions)
        self.name_shared(shared, op, dz, contributions)
        for ref, contribution in contributions:
            self.contribute(ref, self.hoist(contribution, shared))
            self.follow(ref, op)
        self.release(op)

    def follow(self, ref: Ref, op: Operation) -> None:
        """Go on with what made an operand, if it is of the same statement and nothing else waits for it."""
        self.remaining[ref.key] -= 1
        before = self.producer.get(ref.key)
        if before is None or id(before) not in self.current or self.is_shadowed(ref) or any(map(self.is_shadowed, flatten(before.operands))):
            return  # what gives to memory keeps its place among the writes
        if before.loc.index == op.loc.index and before.loc.line == op.loc.line and self.remaining[ref.key] <= 0:
            if all(self.remaining[o.key] <= 0 for o in before.outputs):
                self.backprop(before)
                self.loc = op.loc

    def release(self, op: Operation) -> None:
        for ref in flatten(op.operands):
            if op.rule is not None:
                self.dense[ref.key] -= 1

    def merged(self, contributions: list[tuple[Ref, Any]]) -> list[tuple[Ref, Any]]:
        """Two equal contributions to one variable are twice the one: `x * x`."""
        out: list[tuple[Ref, Any]] = []
        for ref, term in contributions:
            twin = next((i for i, (r, t) in enumerate(out) if r.key == ref.key and isinstance(t, Term) and isinstance(term, Term)), None)
            if twin is not None and same(out[twin][1].expr, term.expr):
                out[twin] = (ref, 2 * out[twin][1])
                self.remaining[ref.key] -= 1
            else:
                out.append((ref, term))
        return out

    def pulled(self, op: Operation, dz: list[Term | None]) -> list[tuple[Ref, Any]]:
        """As pull; what goes wrong in it is an error of this statement."""
        if op.function in MIRRORED or op.function is np.reshape and literal(dz[0]) is None:
            self.mirrored.update(o.key for o in op.outputs)
        try:
            return self.pull(op, dz)
        except SrcadError:
            raise
        except Exception as problem:
            reason = f"its derivative could not be written down ({type(problem).__name__}: {problem}). Compute it another way, or give a rule."
            raise SrcadError(reason, op.loc, function_label(op.function)) from problem

    def pull(self, op: Operation, dz: list[Term | None]) -> list[tuple[Ref, Any]]:
        """Each operand with what it is given, in the operand's shape."""
        if isinstance(op.function, PairCall):
            return self.pull_pair(op, dz)
        if isinstance(op.function, Surgery):
            return self.pull_through(op, dz[0])
        if op.rule is None:
            return self.pull_item(op, dz[0])
        self.values = op.values
        z = [self.term(o) for o in op.outputs]
        given = [self.fitting(d, o, op) for d, o in zip(dz, op.outputs)]
        operands = widened(op.function, self.terms(op.operands))
        params = {k: widened(op.function, self.terms(v)) for k, v in op.params.items() if k in op.rule.parameters}
        if op.rule.wants_active:
            params["active"] = tuple(self.state.is_active(o) for o in op.operands)
        try:
            seed, value = (given, z) if op.multiple else (given[0], z[0])
            found = op.rule.function(seed, value, *operands, **params)
        except (Untraceable, TypeError, Undecided, AttributeError) as problem:
            found = self.called(op, given, z, operands, params, problem)
        except NotImplementedError as problem:
            raise MissingRuleError(f"its rule does not cover {problem}.", op.loc, function_label(op.function)) from None
        shape = op.outputs[0].number.shape if op.rule.elementwise else None
        given_to = [(ref, matched(op, ref, term)) for ref, term in self.masked(op, pairs(op.operands, found))]
        alone = op.rule.elementwise and shape is None and sum(not r.number.is_plain for r in flatten(op.operands)) == 1  # the result has its shape
        return [(ref, cast(term, ref.number) if alone and is_array(ref, term) else self.reduced(term, ref, shape, op.rule.elementwise)) for ref, term in given_to]

    def masked(self, op: Operation, contributions: list[tuple[Ref, Any]]) -> list[tuple[Ref, Any]]:
        """Keep what is not a number out of the branch that np.where did not take: 0 times it is not 0."""
        masks = self.masks.get(op.outputs[0].key, ()) if op.rule is not None and op.rule.elementwise else ()
        out = []
        for ref, term in contributions:
            own = masks
            if op.function is np.where and len(op.operands) == 3:
                own = (*masks, (as_term(self.terms(op.operands[0]), self.facts), ref is op.operands[1]))
            elif term is not None and op.function not in HARMLESS:
                for condition, taken in masks:
                    term = np.where(condition, term, 0.0) if taken else np.where(condition, 0.0, term)
            times = sum(r.key == ref.key for r, _ in contributions)
            left_out = self.left_out(op, ref)
            own = own if left_out is None else (left_out,)
            first = not (ref.key in self.names or ref.key in self.held or ref.key in self.scatters or self.is_shadowed(ref))  # to memory its parts give, too
            if own and (left_out is not None or full(ref.number, op.outputs[0].number)) and first and self.remaining[ref.key] == times and (times == 1 or op.function is not np.where):
                self.masks[ref.key] = own
            out.append((ref, term))
        return out

    def left_out(self, op: Operation, ref: Ref) -> tuple[Any, bool] | None:
        """What a reduction takes no notice of: elements that are not numbers, or outside of `where`."""
        if ref is not op.operands[0]:
            return None
        if op.function in SKIPPING:
            return np.isnan(as_term(self.terms(ref), self.facts)), False  # type: ignore[call-overload]
        where = op.params.get("where") if op.function in REDUCTIONS else None
        return (as_term(self.terms(where), self.facts), True) if isinstance(where, Ref) else None

    def pull_item(self, op: Operation, dz: Term | None) -> list[tuple[Ref, Any]]:
        """`z = x[index]`: dz goes where z came from."""
        assert dz is not None
        ref = op.operands[0]
        if takes_whole(op.params["index"]) and ref.number.shape is not None:
            whole = self.fitting(dz, op.outputs[0], op)
            new = [0 if i is None else i for i in op.params["index"]]
            while new and new[-1] == slice(None) and Ellipsis not in new:  # after an ellipsis they say which axes are meant
                new.pop()
            taken = bool(ref.number.ndim) and 0 in new and whole.number.ndim == ref.number.ndim + new.count(0)
            return [(ref, whole[tuple(new) if len(new) > 1 else new[0]] if taken else whole.reshape(self.term(ref).shape))]
        if ref.number.is_plain:  # a number by a mask: there once or not at all
            return [(ref, self.fitting(dz, op.outputs[0], op).sum())]
        unique = names_once(op.params["index"])
        maker = self.producer.get(ref.key)
        each_row = unique and maker is not None and maker.rule is LOG_SOFTMAX and takes_each_row(op.params["index"], ref.number)
        return [(ref, Scatter(op.params["slice"], dz, unique, each_row))]

    def called(self, op: Operation, dz: Any, z: Any, operands: Any, params: dict[str, Any], problem: Exception) -> Any:
        """A rule that is not one expression: its definition goes with the module, and is called."""
        assert op.rule is not None
        if op.rule.function.__closure__:
            raise MissingRuleError(f"its rule cannot be inlined here: {problem}", op.loc, function_label(op.function)) from problem
        label = self.helper(f"{op.rule.function.__name__.strip('_')}_rule", op.rule.function)
        seed, value = (dz, z) if op.multiple else (dz[0], z[0])
        try:
            arguments = [render(v, self.facts) for v in (seed, value, *map(self.with_shape, operands))]
            keywords = {k: render(v, self.facts) for k, v in params.items()}
        except Untraceable:
            raise MissingRuleError(f"its rule cannot be inlined here: {problem}", op.loc, function_label(op.function)) from problem
        target = self.state.namer.temporary("adjoints")
        self.emit(Assign(target, call(name(label), arguments, **keywords), op.loc))
        return unknown_like(op.operands, name(target), self.facts)

    def with_shape(self, operand: Any) -> Any:
        """An operand as rules ask about it: what may be a number on another path as an array for certain."""
        if isinstance(operand, Term) and operand.number.form == "unknown" and operand.number.shape is None:
            return Term(call(function_path(np.asarray, self.facts), [operand.expr]), operand.number, self.facts)
        return operand

    def helper(self, label: str, function: Any) -> str:
        """The name by which the generated code calls a function that goes with it."""
        for known, value in self.state.helpers.items():
            if value is function:
                return known
        label = self.state.namer.adjoint(label)
        self.state.helpers[label] = function
        return label

    # ---- terms

    def term(self, ref: Ref) -> Term:
        ref = self.values.get(ref.key, ref)
        if isinstance(ref.expr, ast.Name) and ref.expr.id in self.facts.expansions:
            expr, number, axes = self.facts.expansions[ref.expr.id]
            return Term(ref.expr, ref.number, self.facts, Term(expr, number, self.facts), axes)
        number = self.number_of(ref)
        return Term(ref.expr if number is None else const(number), ref.number, self.facts)

    def number_of(self, ref: Ref) -> Any:
        """The number that a temporary holds which is computed from numbers written down: `0.5 * 0.01`."""
        made = self.definitions.get(ref.key) if ref.number.form == "python" and self.is_temporary(ref.key) else None
        match made:
            case Assign(_, ast.BinOp(left=ast.Constant(), op=ast.Mult() | ast.Div(), right=ast.Constant()) as expr):
                return folded_literal(operator.mul if isinstance(expr.op, ast.Mult) else operator.truediv, expr.left.value, expr.right.value)  # type: ignore[attr-defined]
        return None

    def terms(self, value: Any) -> Any:
        if isinstance(value, Ref):
            return self.term(value)
        if isinstance(value, (list, tuple)):
            return type(value)(self.terms(v) for v in value)
        return value

    def fitting(self, dz: Term | None, output: Ref, op: Operation) -> Any:
        """An adjoint as its rule needs it: of the result's full shape, where the rule is not elementwise."""
        if dz is None:
            return zeros(output.number, self.facts)
        if op.rule is not None and op.rule.elementwise:
            return dz
        if output.number.shape is None and dz.number.shape is not None:
            shape = call(function_path(np.shape, self.facts), [output.expr])
            return Term(call(function_path(np.broadcast_to, self.facts), [dz.expr, shape]), dataclasses.replace(output.number, fresh=False), self.facts)
        return filled(dz, output.number, self.facts)

    def reduced(self, term: Any, ref: Ref, shape: Shape | None, elementwise: bool) -> Any:
        """A contribution in the shape and dtype of what it is for."""
        if term is None:
            return None
        target = ref.number
        term = as_term(term, self.facts)
        term = term.base if term.base is not None and not term.spread and may_spread(term, target) else term
        if not elementwise:
            shape = term.number.shape
        return cast(unbroadcast(term, ref, shape, self.helper), target)

    def here(self) -> Location:
        assert self.loc is not None
        return self.loc

    def emit(self, statement: Statement) -> None:
        self.out.append(statement)

    # ---- accumulation

    def is_temporary(self, key: str) -> bool:
        shown = self.state.shown.get(key, key)
        return shown not in self.state.user_names

    def adjoint_name(self, key: str) -> str:
        if key not in self.names and key in self.allotted:
            self.names[key] = self.allotted[key]
        if key not in self.names:
            base = self.state.shown.get(key, key)
            for old, new in (("['", "_"), ("']", ""), ("[", "_"), ("]", ""), (".", "_"), ("'", "")):
                base = base.replace(old, new)
            base = base if base.isidentifier() else "leaf"
            self.names[key] = self.allotted[key] = self.state.namer.adjoint(f"d{base}")
        return self.names[key]

    def contribute(self, ref: Ref, contribution: Any) -> None:
        """Add to the adjoint of a variable."""
        key = ref.key
        self.reached = self.loc
        if contribution is None or key in self.steady:  # written already, or the same in every pass
            return
        if isinstance(contribution, Term):
            contribution = cast(contribution, ref.number)
            made = self.producer.get(key)
            if ref.number.dtype is None and self.facts.has_complex and made is not None and made.function in REAL:
                contribution = real_part(contribution)
        if key in self.redirected:
            base, place = self.redirected[key]
            self.contribute(base, Scatter(place.index, contribution, True))
            return
        if self.is_shadowed(ref):
            self.to_memory(ref, contribution)
            return
        if isinstance(contribution, Scatter):
            self.scatter(ref, contribution)
            return
        if key not in self.names and key not in self.held and self.is_temporary(key) and key not in self.scatters:
            self.held[key] = contribution
            return
        self.flush(key)
        self.accumulate(key, contribution)
        for scatter in self.scatters.pop(key, []):
            self.write_scatter(ref, scatter)

    def flush(self, key: str) -> None:
        """Write down an adjoint that was held as an expression."""
        if key in self.held:
            self.accumulate(key, self.held.pop(key))

    def accumulate(self, key: str, term: Term) -> None:
        fresh = key not in self.names
        target = self.adjoint_name(key)
        self.stored.pop(key, None)
        if fresh:
            if literal(term) is not None and term.number.form == "python":
                term = Term(const(float(literal(term))), term.number, self.facts)
                self.literals[key] = term
            self.emit(Assign(target, term.expr, self.here()))
            self.kinds[target] = term.number
            return
        self.literals.pop(key, None)
        negative, expr = without_sign(term.expr)
        op = ast.Sub() if negative else ast.Add()
        old = self.kinds[target]
        self.kinds[target] = new = joined(old, term.number)
        if old.is_plain and new.is_plain or full(old, new) and new.shape is not None:
            self.emit(Update(name(target), op, expr, self.here()))
        else:  # the first contribution was smaller than the whole
            self.emit(Assign(target, binary(name(target), op, expr), self.here()))

    def scatter(self, ref: Ref, scatter: Scatter) -> None:
        """Dense contributions come first, then what is scattered is added in place."""
        key = ref.key
        if key in self.names or key in self.held or self.dense[key] <= 0 and not scatter.each_row:
            self.flush(key)
            self.write_scatter(ref, scatter)
        else:
            self.scatters.setdefault(key, []).append(scatter)

    def write_scatter(self, ref: Ref, scatter: Scatter) -> None:
        key, number = ref.key, ref.number
        first = key not in self.names
        self.literals.pop(key, None)
        target = self.adjoint_name(key)
        if first:
            blank = zeros(number, self.facts, self.term(ref))
            self.emit(Assign(target, blank.expr, self.here()))
            self.kinds[target] = blank.number
        elif not full(self.kinds[target], number):
            self.emit(Assign(target, method(filled(Term(name(target), self.kinds[target], self.facts), number, self.facts).expr, "copy"), self.here()))
            self.kinds[target] = adjoint_kind(number)
        place = ast.Subscript(value=name(target), slice=scatter.index, ctx=ast.Load())
        value = scatter.value.expr
        if not scatter.unique:
            self.stored.pop(key, None)
            self.emit(Effect(call(ufunc_at(self.facts), [name(target), index_argument(scatter.index), value]), self.here()))
        elif first or key in self.stored and all(disjoint(scatter.index, old, self.facts, self.dim_held) for old in self.stored[key]):
            self.stored.setdefault(key, []).append(scatter.index)
            self.emit(Store(place, value, self.here()))
        else:
            self.stored.pop(key, None)
            negative, positive = without_sign(value)
            self.emit(Update(place, ast.Sub() if negative else ast.Add(), positive, self.here()))

    def dim_held(self, identifier: str) -> Dim | None:
        kind = self.state.kinds.get(identifier)
        return kind.dim if kind is not None else None

    def consume(self, output: Ref) -> Term | None:
        """The adjoint of a result, complete."""
        key = output.key
        if key in self.steady:
            return self.steady[key]
        for scatter in self.scatters.pop(key, []):
            self.write_scatter(output, scatter)
        if key in self.held:
            return self.held.pop(key)
        if key not in self.names:
            return None
        if key in self.literals and key in self.producer:
            return self.literals[key]
        return Term(name(self.names[key]), self.kinds[self.names[key]], self.facts)

    def finished(self, leaf: Ref) -> Term:
        """The adjoint of a differentiated leaf, of its own shape; zeros where nothing reached it."""
        found = self.consume(leaf)
        if leaf.key in self.literals and leaf.number.shape:
            return self.twin(filled(self.literals[leaf.key], leaf.number, self.facts), leaf)
        if found is None:
            return zeros(leaf.number, self.facts, self.term(leaf))
        return filled(found, leaf.number, self.facts)

    def twin(self, term: Term, leaf: Ref) -> Term:
        """A constant array: the second of a kind is a copy of the first."""
        key = ast.dump(term.expr)
        if key in self.constants:
            return Term(method(name(self.constants[key]), "copy"), term.number, self.facts)
        self.constants[key] = self.adjoint_name(leaf.key)
        return term


def is_array(ref: Ref, term: Any) -> bool:
    """Whether a contribution, and what it is for, are no single numbers."""
    return isinstance(term, Term) and not term.number.is_plain and not ref.number.is_plain


CONTRACTIONS = (np.matmul, operator.matmul, np.dot, np.inner, np.vdot, np.linalg.solve)


def matched(op: Operation, ref: Ref, term: Any) -> Any:
    """A factor's adjoint in the factor's own dimensions: where a product of matrices and vectors has run, its inner dimensions were the same."""
    if op.function not in CONTRACTIONS or not isinstance(term, Term) or term.number.shape is None or ref.number.shape is None:
        return term
    if len(term.number.shape) != len(ref.number.shape) or any((o.number.ndim or 3) > 2 for o in flatten(op.operands)):
        return term
    made = Term(term.expr, dataclasses.replace(term.number, shape=ref.number.shape), term.facts, base=term.base)
    made.parts = term.parts
    return made
