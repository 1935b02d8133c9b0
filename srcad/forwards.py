"""Forward mode: the tangent of each value beside the value.

    z = x * y       z = x * y
               ->   z_dot = y * x_dot + x * y_dot

A rule that is elementwise gives the tangent as it gives the adjoint: its partial derivatives are diagonal. A linear function is its own
tangent, in the words of the program; `srcad.rules.tangents` has the rest. Memory that is changed has a tangent that is changed in the same
way. Nothing is reversed, so nothing is kept.
"""
from __future__ import annotations

import ast
import dataclasses
from collections import Counter
from collections.abc import Sequence
from typing import Any

import numpy as np

from srcad.adjoints import adjoint_kind, cast, filled, full, zeros
from srcad.coalesce import stem
from srcad.dims import Computed, Facts, Shape, Undecided
from srcad.inference import Branch, Inference, ListStep, Loop, Operation, Step, Write, current
from srcad.ir import UNPLACED, Assign, Block, Effect, For, Statement, Store, Unpack, Update, While, blocks, expressions, targets, with_blocks
from srcad.kinds import Number, Record, Ref, Static, leaves
from srcad.kinds import Sequence as Items
from srcad.memory import mirrored
from srcad.ownership import Memory
from srcad.pairback import PairCall
from srcad.render import Untraceable, function_path
from srcad.rules.tangents import LINEAR
from srcad.shadows import closed, read_by
from srcad.syntax import call, const, expression, method, name, names, root_of, substitute, text
from srcad.tangents import NoTangent, Tangents, adds_something
from srcad.terms import Term, literal
from srcad.uses import bound


@dataclasses.dataclass
class Known:
    """What facts say of one name: the expressions with it that are computed, the shapes it has, the dimensions it stands for."""

    computed: dict[tuple[Any, ...], Computed] = dataclasses.field(default_factory=dict)
    shapes: list[tuple[Shape, str]] = dataclasses.field(default_factory=list)
    dim_names: dict[str, str] = dataclasses.field(default_factory=dict)


class SoFar:
    """What the program has computed up to a statement: what is known of the rest must not be read yet."""

    def __init__(self, facts: Facts, names_bound: set[str]) -> None:
        self.facts = facts
        computed, shapes, dim_names = facts.computed, facts.shapes, facts.dim_names
        facts.computed, facts.shapes, facts.dim_names = {}, [], {}
        self.waiting = {n: Known() for n in names_bound}
        for key, found in computed.items():
            for table in [self.waiting[n].computed for n in set(names(found.expr)) if n in names_bound] or [facts.computed]:
                table[key] = found
        for shape in shapes:
            (self.waiting[shape[1]].shapes if shape[1] in names_bound else facts.shapes).append(shape)
        for key, label in dim_names.items():
            owner = label.partition(".")[0]
            (self.waiting[owner].dim_names if owner in names_bound else facts.dim_names)[key] = label

    def reach(self, target: str) -> None:
        found = self.waiting[target]
        self.facts.computed |= found.computed
        self.facts.shapes += found.shapes
        self.facts.dim_names |= found.dim_names


class Forwards(Tangents):
    """Writes the tangents into the statements of a program."""

    def __init__(self, state: Inference, steps: list[Step]) -> None:
        super().__init__(state, steps)
        self.dots: dict[str, Term | None] = {}  # the tangent of each value: None where it is zero
        self.made = {op.outputs[0].key.split("[")[0]: op for op in self.operations}
        self.calls = {root_of(op.function.value.expr): op for op in self.operations if isinstance(op.function, PairCall)}
        self.items = {s.output.key: s for s in self.every if isinstance(s, ListStep) and s.output is not None}
        self.lists = {s.series.name: s for s in self.every if isinstance(s, ListStep)}
        self.heads = {p.output.key for s in self.every for p in getattr(s, "phis", ())}
        self.refs = {text(r.expr): r for s in self.every for r in met_by(s)} | {text(r.expr): r for r in leaves(state.result)}
        self.given = Counter(t for s in state.statements for t in bound(s))
        self.passing: dict[str, str] = {}  # the names of tangents that go into the line that uses them
        self.turned: dict[str, Term] = {}  # the tangents of memory that a loop hands on under another name: `u, v = v, u`
        self.looping = 0
        self.needed = self.leading_to({self.stem(leaf) for leaf in leaves(state.result)})
        for phi in (p for s in self.every for p in getattr(s, "phis", ())):  # the first pass of a loop may read what only a later one gives
            if self.stem(phi.output) in self.needed:
                self.known_as(phi.output, self.dot_name(phi.output.key), adjoint_kind(phi.output.number))

    def leading_to(self, keys: set[str]) -> set[str]:
        """What something of the result is made of, round and round: the rest needs no tangents."""
        return closed(keys | {self.stem(ref) for s in self.every if isinstance(s, ListStep) for ref in s.values}, self.made_of(self.every))

    # ---- blocks

    def program(self) -> Block:
        """The whole program with its tangents."""
        block = tuple(self.state.statements)
        known = SoFar(self.facts, {t for s in block for t in bound(s)})
        out: list[Statement] = []
        for statement in block:
            out += self.statement(statement)
            for target in targets(statement):
                known.reach(target)
        return tuple(out)

    def through(self, block: Block) -> Block:
        return tuple(new for statement in block for new in self.statement(statement))

    def statement(self, statement: Statement) -> Sequence[Statement]:
        """A statement with those of its tangent."""
        if blocks(statement):
            self.looping += isinstance(statement, (For, While))
            found = with_blocks(statement, self.through)
            self.looping -= isinstance(statement, (For, While))
            return [found]
        if isinstance(statement, (Assign, Unpack)) and targets(statement)[0] in self.calls:
            return [self.called_ahead(statement, self.calls[targets(statement)[0]])]
        self.loc = UNPLACED if statement.loc is UNPLACED else dataclasses.replace(statement.loc, text="", tree=None)
        outer, self.out = self.out, []
        try:
            self.follow_statement(statement)
            made = self.out
        finally:
            self.out = outer
        before = self.looping and isinstance(statement, Assign) and not any(statement.target in names(e) for s in made for e in expressions(s))
        return [*made, statement] if before else [statement, *made]

    def follow_statement(self, statement: Statement) -> None:
        match statement:
            case Assign(target) if target in self.made:
                self.operate(self.made[target])
            case Assign(target, expr) if target in self.items or target in self.lists:
                self.list_made(target, expr)
            case Assign(target, expr):
                self.copied(target, expr)
            case Effect(ast.Call(func=ast.Attribute(value=ast.Name(id=label), attr="append"), args=[item])) if label in self.lists:
                self.emit(Effect(call(ast.Attribute(value=name(self.dot_name(label)), attr="append", ctx=ast.Load()), [self.dot_or_zero(item)]), self.here()))
            case Effect(ast.Call(func=func, args=[base, index, value])) if text(func).endswith((".add.at", ".subtract.at")):
                self.added_at(func, base, index, value)
            case Store(ast.Subscript(value=ast.Name(id=label), slice=index), value) if label in self.lists:
                self.emit(Store(ast.Subscript(value=name(self.dot_name(label)), slice=index, ctx=ast.Store()), self.dot_or_zero(value), self.here()))
            case Store(ast.Subscript(value=base, slice=index), value) if self.holds(base):
                place = ast.Subscript(value=self.place_of(base), slice=index, ctx=ast.Store())
                self.emit(Store(place, self.dot_or_zero(value, plain=True), self.here()))
            case Update(target, op, value):
                self.updated(target, op, value)

    # ---- what is known of a value

    def ref_of(self, expr: ast.expr) -> Ref | None:
        """The value that a name or a path stands for."""
        if isinstance(expr, ast.Constant):
            return None
        known = self.refs.get(text(expr)) or self.state.guards.refs.get(text(expr))  # a name may stand for a part of an argument
        if known is None and isinstance(expr, ast.Name) and expr.id in self.state.kinds:
            return Ref(expr, self.state.kinds[expr.id], expr.id)
        return known

    def dot(self, ref: Ref) -> Term | None:
        """The tangent of a value, None where it has none. Raises NoTangent where it should have one."""
        if not isinstance(ref.value, Number):
            raise NoTangent(ref.key)
        if ref.key in self.turned:
            return self.turned[ref.key]
        if ref.key in self.state.active and self.is_shadowed(ref):
            root = self.root(ref)
            if root.key not in self.names or ref.number.place is None:
                raise NoTangent(ref.key)
            return Term(mirrored(ref.number.place, name(self.names[root.key])), dataclasses.replace(adjoint_kind(ref.number), fresh=False), self.facts)
        if ref.key in self.dots:
            return self.dots[ref.key]
        if ref.key in self.state.active:
            raise NoTangent(ref.key)
        return None

    def dot_at(self, expr: ast.expr) -> Term | None:
        ref = self.ref_of(expr)
        if ref is not None:
            return self.dot(ref)
        if text(expr) in self.dots:
            return self.dots[text(expr)]
        inner = set(names(expr))
        if inner and inner & {root_of(expression(k)) for k in self.dots}:
            raise NoTangent(text(expr))
        return None

    def dot_if_known(self, expr: ast.expr) -> Term | None:
        """The tangent of what may be read by nothing that is differentiated."""
        try:
            return self.dot_at(expr)
        except NoTangent:
            return None

    def dot_or_zero(self, expr: ast.expr, plain: bool = False) -> ast.expr:
        """A tangent as an expression; zeros in the shape of the value, or 0 where that will do."""
        found = self.dot_at(expr)
        if found is not None:
            return found.expr
        ref = self.ref_of(expr)
        if plain or ref is None or ref.number.is_plain:
            return const(0.0)
        return self.blank_of(ref).expr

    def blank_of(self, ref: Ref) -> Term:
        return zeros(ref.number, self.facts, Term(ref.expr, ref.number, self.facts))

    def holds(self, base: ast.expr) -> bool:
        """Whether memory that is written to has a tangent."""
        ref = self.ref_of(base)
        return ref is not None and ref.key in self.state.active and self.stem(ref) in self.needed and (ref.number.dtype is None or ref.number.dtype.kind in "fc")

    def place_of(self, base: ast.expr) -> ast.expr:
        found = self.dot_at(base)
        assert found is not None
        return found.expr

    # ---- what is not an operation

    def copied(self, target: str, expr: ast.expr) -> None:
        """A copy where paths meet, and memory that nothing has been written into yet."""
        ref = self.ref_of(name(target))
        if ref is not None and target in self.heads:
            if self.stem(ref) not in self.needed:
                return
            found = self.dot_at(expr)
            self.bind(ref, self.blank_of(ref) if found is None else Term(found.expr, dataclasses.replace(found.number, shape=ref.number.shape), self.facts))
        elif isinstance(expr, (ast.Name, ast.Attribute, ast.Subscript)) and self.ref_of(expr) is not None:
            found = self.dot_if_known(expr)
            if found is None and ref is not None and self.given[target] > 1 and target in self.state.active and not self.is_shadowed(ref):
                found = self.blank_of(ref)  # on another path it has one
            if found is not None and (ref is None or not self.is_shadowed(ref)):
                own = ref or Ref(name(target), found.number, target)
                self.bind(own, found)
                self.state.kinds.setdefault(target, found.number)
            elif found is not None and ref is not None and isinstance(found.expr, ast.Name) and self.root(ref).key in self.heads:
                label = self.dot_name(target)
                self.emit(Assign(label, found.expr, self.here()))
                self.kinds[label] = found.number
                self.turned[ref.key] = Term(name(label), found.number, self.facts)
        elif ref is not None and target in self.state.active and self.is_shadowed(ref) and self.root(ref).key == target:
            self.bind(ref, self.blank_of(ref))

    def bind(self, ref: Ref, term: Term) -> None:
        """Write down the tangent of a value, of its full shape and dtype, in memory of its own where that is changed."""
        given, term = term, self.whole(term, ref)
        shadowed = self.is_shadowed(ref)
        expr = self.apart(term) if not shadowed else self.whole_memory(term, given, ref) if ref.key not in self.heads else term.expr
        target = self.dot_name(ref.key)
        self.emit(Assign(target, expr, self.here()))
        kind = adjoint_kind(ref.number) if ref.key in self.heads or full(term.number, ref.number) and not ref.number.is_plain else term.number
        self.known_as(ref, target, kind)

    def apart(self, term: Term) -> ast.expr:
        """A tangent that does not change with the memory that it is read from: its value is a copy too."""
        memory = Memory()
        reads_memory = {*self.names.values()} & set(names(term.expr))
        return method(term.expr, "copy") if reads_memory and not term.number.is_plain and not memory.owned(memory.of(term.expr)) else term.expr

    def known_as(self, ref: Ref, target: str, kind: Number) -> None:
        self.kinds[target] = kind
        self.dots[ref.key] = Term(name(target), kind, self.facts)
        if self.is_shadowed(ref):
            self.names[ref.key] = target

    def whole(self, term: Term, ref: Ref) -> Term:
        """A tangent spread to the shape of its value."""
        number = ref.number
        if number.shape is None and not number.is_plain and literal(term) is not None:
            raise NoTangent(ref.key)
        if number.form == "array" and number.shape == () and term.number.form != "array":
            return Term(call(function_path(np.asarray, self.facts), [term.expr]), adjoint_kind(number), self.facts)
        if number.shape is None and not number.is_plain and ref.key not in self.heads:
            shape = call(function_path(np.shape, self.facts), [ref.expr])
            return Term(call(function_path(np.broadcast_to, self.facts), [term.expr, shape]), dataclasses.replace(adjoint_kind(number), fresh=False), self.facts)
        return cast(filled(term, number, self.facts), number)

    def dot_name(self, key: str) -> str:
        if key not in self.allotted and key not in self.passing:
            base = stem(self.state.shown.get(key, key))
            label = self.state.namer.temporary(f"{base}_dot" if base.isidentifier() else "value_dot")
            (self.passing if self.is_temporary(key) else self.allotted)[key] = label
        return self.allotted.get(key) or self.passing[key]

    # ---- lists

    def list_made(self, target: str, expr: ast.expr) -> None:
        """A list that grows in a loop has a list of tangents beside it; so has what is read of it."""
        if target not in self.items:
            assert isinstance(expr, ast.List)
            self.state.lists[self.dot_name(target)] = self.state.lists.get(target, True)
            self.emit(Assign(self.dot_name(target), ast.List(elts=[self.dot_or_zero(e) for e in expr.elts], ctx=ast.Load()), self.here()))
            return
        step = self.items[target]
        changed = substitute(expr, {step.series.name: name(self.dot_name(step.series.name))})
        if step.what == "slice":
            self.emit(Assign(self.dot_name(target), changed, self.here()))
            self.state.lists[self.dot_name(target)] = False
            return
        if not step.series.active or step.output is None:
            return
        self.bind(step.output, Term(changed, adjoint_kind(step.output.number), self.facts))
        if target in self.state.impure:
            self.state.impure.add(self.dot_name(target))

    # ---- memory

    def updated(self, target: ast.expr, op: ast.operator, value: ast.expr) -> None:
        """`x[i] += v`, of memory that holds what is differentiated."""
        is_part = isinstance(target, ast.Subscript) and self.ref_of(target) is None  # and not an array that a container holds
        base = target.value if is_part else target  # type: ignore[attr-defined]
        if not self.holds(base):
            return
        if not isinstance(op, (ast.Add, ast.Sub)):
            raise NoTangent(text(target))
        found = self.dot_at(value)
        if found is not None:
            place = self.place_of(base)
            if is_part:
                place = ast.Subscript(value=place, slice=target.slice, ctx=ast.Load())  # type: ignore[attr-defined]
            elif not isinstance(place, (ast.Name, ast.Subscript)):  # `B += v` where B is A.T
                place = ast.Subscript(value=place, slice=const(...), ctx=ast.Load())
            self.emit(Update(place, op, found.expr, self.here()))

    def added_at(self, func: ast.expr, base: ast.expr, index: ast.expr, value: ast.expr) -> None:
        found = self.dot_at(value) if self.holds(base) else None
        if found is not None:
            self.emit(Effect(call(func, [self.place_of(base), index, found.expr]), self.here()))

    # ---- functions that are compiled by themselves

    def called_ahead(self, statement: Assign | Unpack, op: Operation) -> Statement:
        """The call of such a function: it takes the tangents of its arguments, and returns that of its value as well."""
        pair, arguments = op.function.pair, op.function.arguments
        target = targets(statement)[0]
        label = self.dot_name(target)
        pair.ahead = pair.ahead or self.state.pairings.title(f"{pair.callee.name}_jvp")
        for output in op.outputs:
            term = Term(expression(label + output.key.removeprefix(target)), dataclasses.replace(adjoint_kind(output.number), fresh=False), self.facts)
            self.dots[output.key] = term
            if self.is_shadowed(output):
                self.names[output.key] = label
        given = [*(self.structured(arguments[p]) for p in pair.wrt), *(current(r).expr for r in arguments.values())]
        self.state.impure.add(label)
        return Unpack((target, label), None, call(pair.ahead, given), statement.loc)

    def structured(self, ref: Ref) -> ast.expr:
        """The tangent of an argument, in its structure."""
        match ref.value:
            case Items(items=items, type=kind):
                elements = [self.structured(i) for i in items]
                return (ast.List if kind is list else ast.Tuple)(elts=elements, ctx=ast.Load())
            case Record(type=kind, items=mapping) if kind is dict:
                return ast.Dict(keys=[const(k) for k in mapping], values=[self.structured(i) for i in mapping.values()])
            case Number():
                found = self.dot(ref)
                return (self.blank_of(ref) if found is None else found).expr
            case Static():
                return const(None)
        raise NoTangent(ref.key)

    # ---- operations

    def operate(self, op: Operation) -> None:
        """The tangent of an operation's result."""
        if not any(self.stem(output) in self.needed for output in op.outputs):
            return
        for output in op.outputs:
            self.dots[output.key] = None
        if op.multiple:
            self.several(op)
            return
        out = op.outputs[0]
        if self.is_shadowed(out) and self.root(out).key != out.key:
            return
        try:
            term = self.tangent(op)
        except (Untraceable, TypeError, Undecided, AttributeError, NotImplementedError) as problem:
            raise NoTangent(str(problem)) from problem
        if term is None and self.is_shadowed(out):
            term = self.blank_of(out)
        if term is not None:
            self.bind(out, term)

    def several(self, op: Operation) -> None:
        """Several results of a linear function: the parts of an array."""
        if op.function not in LINEAR or adds_something(op):
            raise NoTangent(str(op.function))
        label = op.outputs[0].key.split("[")[0]
        target = self.dot_name(label)
        self.emit(Assign(target, self.linear(op).expr, self.here()))
        for i, output in enumerate(op.outputs):
            item = ast.Subscript(value=name(target), slice=const(i), ctx=ast.Load())
            self.dots[output.key] = Term(item, dataclasses.replace(adjoint_kind(output.number), fresh=False), self.facts)


def met_by(step: Step) -> list[Ref]:
    """The values that a step reads, makes and changes."""
    match step:
        case Operation(outputs=outputs):
            return [*read_by(step), *outputs]
        case Write(base=base):
            return [*read_by(step), base]
        case Branch(phis=phis) | Loop(phis=phis):
            return [*read_by(step), *(p.output for p in phis)]
        case ListStep(output=Ref(value=Number()) as output):
            return [*read_by(step), output]
    return read_by(step)
