"""Operations on numbers: their kinds, their rules, and the questions that are answered before the program runs.

    x.shape[0] > 1    a fact        x > 1    a value
"""
from __future__ import annotations

import ast
import dataclasses
import operator
from collections.abc import Callable, Mapping
from typing import Any

import numpy as np

from srcad import protocols
from srcad.dims import COUNT, REPEATED, Dim, Undecided, product
from srcad.errors import AliasError, MissingRuleError, SrcadError, UnsupportedSyntaxError
from srcad.inference import (
    GETITEM,
    NOWHERE,
    OPERATORS,
    Change,
    Frame,
    Inference,
    Operation,
    Snapshot,
    Step,
    constant_ref,
    describe_value,
    display,
    flatten,
    function_label,
    located,
    nested,
)
from srcad.ir import (
    Assign,
    Location,
    Statement,
)
from srcad.kinds import BOOL, DECIDES, INT, UNKNOWN, Bound, Buffer, Closure, Number, Object, Place, Record, Ref, Sequence, Series, Static, is_double, leaves, python
from srcad.memory import place_of
from srcad.outside import static_value
from srcad.render import plain
from srcad.rules import Rule, find, is_zero
from srcad.rules.complex import OF_COMPLEX
from srcad.shapes import infer_call, operator_kind
from srcad.syntax import const, expression, literal_number, method, name

DIM_OPERATORS = (operator.add, operator.sub, operator.mul, operator.floordiv, operator.mod, operator.neg, operator.pos)


FIELDS: dict[object, tuple[str, ...]] = {  # the names of the parts that some functions return
    getattr(owner, label): tuple(fields.split()) for owner, label, fields in (
        (np.linalg, "slogdet", "sign logabsdet"), (np.linalg, "eigh", "eigenvalues eigenvectors"), (np.linalg, "eig", "eigenvalues eigenvectors"), (np.linalg, "qr", "Q R"), (np.linalg, "svd", "U S Vh"),
        (np, "unique_all", "values indices inverse_indices counts"), (np, "unique_counts", "values counts"), (np, "unique_inverse", "values inverse_indices"))
    if hasattr(owner, label)}
LISTS = (np.split, np.array_split, np.hsplit, np.vsplit, np.dsplit, *(() if np.__version__ >= "2" else (np.meshgrid, np.broadcast_arrays, np.gradient)))
RAISING_OPERATORS = (operator.truediv, operator.floordiv, operator.mod, operator.pow)
SIZES = (np.shape, np.ndim, np.size)
DECIDING = frozenset((np.argsort, np.argmax, np.argmin, np.nonzero, np.flatnonzero, np.argwhere, np.searchsorted, np.count_nonzero, np.lexsort,
                      np.argpartition))


class Operations:
    """Writes down operations, and records those that are differentiated."""

    def __init__(self, state: Inference, frame: Frame) -> None:
        self.state = state
        self.frame = frame
        self.loc: Location = NOWHERE

    def refuse(self, reason: str, error: type[SrcadError] = UnsupportedSyntaxError, what: str = "") -> None:
        raise error(reason, self.loc, what)

    def new_name(self, target: str) -> str:
        """The name that a target has in the generated code: its own, if nothing has it yet."""
        namer, bound = self.state.namer, self.state.bound
        is_user = target in self.frame.own_names
        free = target not in bound and (self.frame.depth == 0 or not namer.is_taken(target))
        made = namer.reserve(target) if free else namer.version(target) if is_user else namer.temporary(target)
        bound.add(made)
        if is_user:
            self.state.user_names.add(made)
        return made

    def name_dim(self, dim: Dim, made: str) -> None:
        if dim.terms and made in self.state.user_names and "?" not in dim.text:
            self.state.facts.dim_names.setdefault(dim.text, made)

    def name_counts(self, ref: Ref) -> None:
        """What a mask leaves is as long as it holds: the generated code says that length, and counts no more."""
        if isinstance(ref.expr, ast.Name):
            for axis, dim in enumerate(ref.number.shape or ()):
                if COUNT.fullmatch(dim.text):
                    self.state.facts.dim_names.setdefault(dim.text, f"{ref.expr.id}.shape[{axis}]")

    def write(self, statement: Statement) -> None:
        self.state.statements.append(statement)

    def record(self, operation: Step) -> None:
        self.state.operations.append(operation)

    def binary(self, op: ast.operator, left: Ref, right: Ref, target: str | None) -> Ref:
        own = protocols.operated(self, op, left, right)
        if own is not None:
            return own
        ufunc, python_operator = OPERATORS[type(op)]
        if any(isinstance(r.value, Number) and r.number.form == "array" for r in (left, right)):
            left, right = (self.array_of(r) if isinstance(r.value, Sequence) else r for r in (left, right))
        if isinstance(left.value, Sequence) or isinstance(right.value, Sequence):
            return self.sequence_operator(op, left, right)
        if isinstance(left.value, Static) and isinstance(right.value, Static):
            known = python_operator(static_value(left, self.state.facts), static_value(right, self.state.facts))
            return Ref(ast.BinOp(left=left.expr, op=op, right=right.expr), Static(known))
        self.require_numbers(left, right)
        if isinstance(op, (ast.BitAnd, ast.BitOr, ast.BitXor, ast.LShift, ast.RShift)):
            self.integer_use(left)
            self.integer_use(right)
        expr = ast.BinOp(left=left.expr, op=op, right=right.expr)
        plain_python = left.number.form == right.number.form == "python"
        return self.numeric(python_operator if plain_python else ufunc, (left, right), expr, target, self.kind_of(ufunc, python_operator, left, right))

    def call_method(self, owner: Ref, label: str, args: tuple[Ref, ...]) -> Ref:
        raise NotImplementedError

    def kind_of(self, ufunc: np.ufunc, python_operator: Callable[..., Any], *operands: Ref) -> Number:
        """The kind of an operator's result; integers stay symbolic."""
        if ufunc.signature is not None:
            kind = infer_call(ufunc, self.state.facts, [o.number for o in operands], {})
        else:
            kind = operator_kind(ufunc, python_operator, [o.number for o in operands])
        dims = [o.number.dim for o in operands]
        if kind.form == "python" and kind.dtype == INT and all(d is not None for d in dims) and python_operator in DIM_OPERATORS:
            if len(dims) == 1 or python_operator not in (operator.floordiv, operator.mod) or dims[1].value:  # type: ignore[union-attr]
                kind = python(INT, python_operator(*dims))
        if python_operator is operator.pow and kind.form == "python" and is_double(kind.dtype) and not self.state.is_active([*operands]) and self.is_root_of_negative(*operands):
            kind = python(np.dtype(complex))
        return kind  # type: ignore[no-any-return]

    @staticmethod
    def is_root_of_negative(base: Ref, exponent: Ref) -> bool:
        """Whether Python's power is a complex number: `(-1)**0.5`."""
        known, power = literal_number(base.expr), literal_number(exponent.expr)
        return known is not None and known < 0 and is_double(exponent.number.dtype) and (power is None or power != int(power))

    def array_of(self, ref: Ref) -> Ref:
        """np.array of a list or tuple of numbers, as NumPy makes it where an array is meant."""
        if isinstance(ref.value, Sequence) and ref.value.series is not None:
            return self.array_of_series(ref.value.series)
        numpy = self.state.facts.module("numpy")
        expr = ast.Call(func=expression(f"{numpy}.array"), args=[ref.expr], keywords=[])
        kind = infer_call(np.array, self.state.facts, [self.shape_value(ref)], {})
        return self.operation(np.array, (nested(ref),), {}, expr, self.state.namer.temporary("array"), kind, find(np.array))

    def array_of_series(self, series: Series) -> Ref:
        raise NotImplementedError

    def sequence_operator(self, op: ast.operator, left: Ref, right: Ref) -> Ref:
        if isinstance(left.value, Sequence) and isinstance(right.value, Sequence) and isinstance(op, ast.Add):
            return display(left.value.type, left.value.items + right.value.items)
        if isinstance(op, ast.Mult):
            sequence, times = (left, right) if isinstance(left.value, Sequence) else (right, left)
            assert isinstance(sequence.value, Sequence)
            self.integer_use(times)
            try:
                return display(sequence.value.type, sequence.value.items * static_value(times, self.state.facts))
            except (LookupError, TypeError):
                pass
            self.refuse("how often the list is repeated is known only at run time. Use an array, or append in a loop.")
        self.refuse("this operator on a list or tuple is not supported. Make an array with np.array first.")
        raise AssertionError

    def require_numbers(self, *refs: Ref) -> None:
        for ref in refs:
            if isinstance(ref.value, Object) and not self.state.active:
                continue
            if not isinstance(ref.value, (Number, Object)):
                self.refuse(f"a {describe_value(ref)} is not a number.")
            if isinstance(ref.value, Object) and type(ref.value.value).__module__.startswith("scipy.sparse"):
                self.refuse(f"`{ref.value.path}` is a sparse array, whose operators are its own. Pass {ref.value.path}.toarray().")

    def unary(self, op: ast.unaryop, operand: Ref, target: str | None) -> Ref:
        operand = protocols.truth(self, operand) if isinstance(op, ast.Not) else operand
        own = protocols.signed(self, op, operand)
        if own is not None:
            return own
        ufunc, python_operator = OPERATORS[type(op)]
        if isinstance(op, ast.Not) and not (isinstance(operand.value, Number) and (operand.number.dim is None or operand.number.dim.value is None)):
            return constant_ref(not self.decide(operand), self.state.facts)
        self.require_numbers(operand)
        plain_python = operand.number.form == "python"
        kind = python(BOOL) if isinstance(op, ast.Not) else self.kind_of(ufunc, python_operator, operand)
        return self.numeric(python_operator if plain_python else ufunc, (operand,), ast.UnaryOp(op=op, operand=operand.expr), target, kind)

    def compare(self, op: ast.cmpop, left: Ref, right: Ref, target: str | None) -> Ref:
        own = protocols.compared(self, op, left, right)
        if own is not None:
            return own
        known = self.known_comparison(op, left, right)
        if known is not None:
            return constant_ref(known, self.state.facts)
        if type(op) not in OPERATORS:
            self.refuse("`is` and `in` need values that are known when the code is generated.")
        self.require_numbers(left, right)
        ufunc, python_operator = OPERATORS[type(op)]
        expr = ast.Compare(left=left.expr, ops=[op], comparators=[right.expr])
        return self.numeric(ufunc, (left, right), expr, target, self.kind_of(ufunc, python_operator, left, right))

    def known_comparison(self, op: ast.cmpop, left: Ref, right: Ref) -> bool | None:
        """The answer to a comparison of flags, shapes and the like; None for one of data."""
        facts = self.state.facts
        if isinstance(op, (ast.Is, ast.IsNot)):
            same = protocols.identical(left, right)
            return None if same is None else same == isinstance(op, ast.Is)
        a, b = left.number.dim, right.number.dim
        if a is not None and b is not None and not self.state.is_active([left, right]):
            if type(op) in OPERATORS:
                try:
                    return bool(OPERATORS[type(op)][1](a, b))
                except Undecided:
                    return None
        try:
            if isinstance(op, (ast.In, ast.NotIn)):
                members = list(right.value.items) if isinstance(right.value, Record) else static_value(right, facts)
                return (static_value(left, facts) in members) == isinstance(op, ast.In)
            if self.state.is_active([left, right]):
                return None
            return bool(OPERATORS[type(op)][1](static_value(left, facts), static_value(right, facts)))
        except (LookupError, KeyError):
            return None

    def numeric(self, function: Any, operands: tuple[Ref, ...], expr: ast.expr, target: str | None, kind: Number) -> Ref:
        """An operation on numbers: written down, and recorded if it is differentiated."""
        return self.operation(function, operands, {}, expr, target, kind)

    def operation(self, function: Any, operands: tuple[Any, ...], params: Mapping[str, Any], expr: ast.expr, target: str | None,
                  kind: Any, rule: Rule | None = None, loc: Location | None = None) -> Ref:
        flat = [leaf for o in flatten(operands) for leaf in leaves(o)]
        self.not_stale(flat)
        if self.state.knowledge.written:
            self.note_reads(flat, params)
        if (isinstance(function, np.ufunc) or function in REPEATED) and target not in self.frame.own_names and (again := self.known(function, flat, params)) is not None:
            return again
        made = self.new_name(target or self.state.namer.temporary("value"))
        values = self.values_kept(function, flat, params)
        self.write(Assign(made, expr, self.loc))
        origin = frozenset() if function in SIZES else frozenset().union(*(leaf.number.origin for leaf in flat))
        if function in DECIDING or isinstance(kind, Number) and kind.dtype == BOOL:
            origin = frozenset(path if path.startswith(DECIDES) else f"{DECIDES}{path}" for path in origin)
        if self.may_raise(function, flat, kind):
            self.state.raising.add(made)
        if isinstance(kind, list):
            kinds = [unnamed(self.placed(function, params, expr, flat, k, f"{made}[{i}]", target)) for i, k in enumerate(kind)]
            items = tuple(Ref(ast.Subscript(value=name(made), slice=const(i), ctx=ast.Load()), k, f"{made}[{i}]") for i, k in enumerate(kinds))
            self.state.kinds.update({i.key: i.number for i in items})
            result = Ref(name(made), Sequence(list if function in LISTS else tuple, items), made)
            self.state.fields[made] = FIELDS.get(function, ())
        else:
            kind = located(kind, made, self.state.facts).with_origin(origin)
            kind = self.placed(function, params, expr, flat, kind, made, target)
            result = self.named(made, kind)
            if function is not GETITEM and not any(self.shadowed(leaf) for leaf in [*flat, result]):
                self.state.facts.remember(function, flat, params, (name(made), kind))
            if kind.dim is not None:
                self.name_dim(kind.dim, made)
            elif kind.shape and "?" not in "".join(d.key for d in kind.shape) and made in self.state.user_names:
                self.state.facts.shapes.append((kind.shape, made))
        self.differentiate(function, operands, params, result, rule, values)
        return result

    def known(self, function: Any, operands: list[Ref], params: Mapping[str, Any]) -> Ref | None:
        """What the same operation on the same operands has made before, in memory that nothing changes."""
        found = self.state.facts.known_value(function, operands, params)
        if found is None or not isinstance(found[0], ast.Name) or found[0].id in self.state.impure:
            return None
        return Ref(found[0], found[1], found[0].id)

    def named(self, made: str, kind: Any) -> Ref:
        """A name of the generated code with what is known of it."""
        if isinstance(kind, Number) and kind.unique and self.state.is_written(kind.place):
            kind = dataclasses.replace(kind, unique=False)  # it may get others
        result = Ref(name(made), kind, made)
        if isinstance(kind, Number):
            self.state.kinds[made] = kind
            if kind.place is not None:
                if kind.place.buffer.root is None:
                    kind.place.buffer.root = result
                root = kind.place.buffer.root
                self.state.aliases[made] = root.key
                self.activate(result)
        return result

    # ---- memory

    def placed(self, function: Any, params: Mapping[str, Any], expr: ast.expr, flat: list[Ref], kind: Any, made: str, target: str | None) -> Any:
        """The kind of a result, with the memory that it lies in."""
        if not isinstance(kind, Number) or kind.is_plain:
            return kind
        return place_of(function, function is GETITEM, params, expr, flat, kind, self.state.facts, self.new_place(target or made))

    def new_place(self, label: str) -> Place:
        self.state.event += 1
        site = (self.loc.file, self.loc.line, self.loc.column, label)
        return Place(Buffer(site, depth=len(self.state.loops), event=self.state.event), (), self.state.event)

    def shadowed(self, ref: Ref) -> bool:
        """Whether an array lies in memory that the program changes."""
        return self.state.is_written(ref.number.place)

    def shares_adjoint(self, ref: Ref) -> bool:
        """Whether an array's adjoint is a part of that of the memory it lies in; of what only may be a view it is one of its own."""
        place = ref.number.place
        return self.shadowed(ref) and place is not None and place.steps is not None

    def not_stale(self, refs: list[Ref]) -> None:
        """Refuse to read what may or may not show a change that was made to other memory since."""
        for ref in refs:
            place = ref.number.place
            if place is None or place.steps is not None or not self.shadowed(ref):
                continue
            family = place.buffer.family()
            late = next((c for c in self.state.changes if c.buffer in family and c.event > place.event), None)
            if late is not None or len(self.state.loops) > place.buffer.depth:
                what = f" by line {late.loc.line}: `{late.loc.text}`" if late is not None else ""
                self.refuse(f"it may be a view of memory that is changed{what}; whether it is cannot be told. Copy it with .copy().", AliasError)

    def note_reads(self, refs: list[Ref], params: Mapping[str, Any]) -> None:
        """Remember what is read of memory that is changed."""
        self.state.event += 1
        for ref in refs:
            place = ref.number.place
            if place is not None and self.shadowed(ref):
                index = params.get("index") if place.steps == () else self.part_read(ref)
                self.state.reads.append(Change(place.buffer, self.state.event, self.state.loops, self.loc, index))

    def values_kept(self, function: Any, flat: list[Ref], params: Mapping[str, Any]) -> dict[str, Ref]:
        """Copies of operands that are changed in place, for the backward pass; those that it does not read go again."""
        if not self.state.knowledge.written or function is GETITEM or is_zero(function) or not self.state.is_active(flat):
            return {}
        return {ref.key: self.kept(ref) for ref in flat if self.shadowed(ref) and not ref.number.is_plain}

    def kept(self, ref: Ref) -> Ref:
        """A copy of an array as it is here."""
        place = ref.number.place
        assert place is not None
        family = place.buffer.family()
        last = max((c.event for c in self.state.changes if c.buffer in family), default=0)
        key = (f"{ref.key} {self.state.region}", last)
        if key not in self.state.kept:
            base = self.state.namer.base(ref.key) if ref.key.isidentifier() else "part"
            made = self.state.namer.temporary(f"{base}_kept")
            self.state.bound.add(made)
            self.write(Assign(made, method(ref.expr, "copy"), self.loc))
            self.state.event += 1
            self.state.snapshots.append(Snapshot(made, Change(place.buffer, self.state.event, self.state.loops, self.loc, self.part_read(ref))))
            kind = dataclasses.replace(ref.number, place=None, fresh=True, dim=None)
            self.state.kinds[made] = kind
            self.state.kept[key] = Ref(name(made), kind, ref.key)
        return self.state.kept[key]

    def part_read(self, ref: Ref) -> tuple[Any, ...] | None:
        """The index that made a view, where it is known."""
        read = self.state.item_reads.get(ref.key)
        return read.index if read is not None else None

    # ---- what is differentiated

    def differentiate(self, function: Any, operands: tuple[Any, ...], params: Mapping[str, Any], result: Ref, rule: Rule | None, values: Mapping[str, Ref]) -> None:
        """Record an operation on active operands, with its rule."""
        state = self.state
        self.activate(result)
        if function is np.arange and state.is_active(list(operands)):
            self.refuse("np.arange of numbers that are differentiated is not supported: how many there are depends on them. Write start + step * np.arange(n).")
        if not state.is_active(list(operands)) or is_zero(function) and function is not GETITEM:
            return
        outputs = tuple(leaves(result))
        if self.is_view(result, operands):
            state.active.update(o.key for o in outputs)
            return
        reals = [o for o in outputs if o.number.dtype != BOOL]
        rule = rule or (None if function is GETITEM else find(function))
        if rule is None and function is not GETITEM:
            self.missing(function)
        self.complex_numbers(function, [*outputs, *(leaf for o in flatten(operands) for leaf in leaves(o))])
        if not reals:
            return
        state.active.update(o.key for o in reals)
        values = {**values, **{o.key: self.kept(o) for o in reals if self.shadowed(o) and function is not GETITEM}}
        self.record(Operation(outputs, isinstance(result.value, Sequence), function, rule, operands, params, self.loc, values))

    def complex_numbers(self, function: Any, refs: list[Ref]) -> None:
        """Of complex numbers only some functions have derivatives: the holomorphic ones, and the parts."""
        is_transform = (getattr(function, "__module__", None) or "").startswith("numpy.fft")  # of real numbers, too
        if not any(r.number.dtype is not None and r.number.dtype.kind == "c" for r in refs):
            self.state.facts.has_complex |= is_transform
            return
        self.state.facts.has_complex = True
        exponent = refs[-1]
        if function in (np.power, operator.pow) and not isinstance(exponent.expr, (ast.Constant, ast.UnaryOp)):
            self.refuse("a power of complex numbers is differentiated only where the exponent is written as a number.", SrcadError)
        if function is not GETITEM and function not in OF_COMPLEX:
            self.refuse(f"`{function_label(function)}` of complex numbers is not differentiated. Take its real and imaginary parts.", SrcadError)

    def activate(self, result: Ref) -> None:
        """What lies in memory that will hold active values is active from the beginning."""
        for leaf in leaves(result):
            place = leaf.number.place
            if place is not None and self.state.knowledge.active and any(b.site in self.state.knowledge.active for b in place.buffer.family()):
                self.state.active.add(leaf.key)

    def is_view(self, result: Ref, operands: tuple[Any, ...]) -> bool:
        """Whether a result is a part of changed memory: its adjoint is that part of the memory's."""
        place = result.number.place
        if place is None or not self.shares_adjoint(result):
            return False
        return any(ref.number.place is not None and ref.number.place.buffer is place.buffer for ref in flatten(operands))

    def missing(self, function: Any) -> None:
        label = function_label(function)
        raise MissingRuleError(
            f"no rule is known for `{label}`. Give one with @srcad.rule({label}): a function (dz, z, *operands) that returns the operands' "
            "adjoints. If its result needs no derivative, call it on srcad.stop_gradient(...).", self.loc, label)

    def may_raise(self, function: Any, flat: list[Ref], kind: Any) -> bool:
        """Whether an operation can raise for arguments that pass the guard."""
        if function in RAISING_OPERATORS and not (isinstance(flat[-1].expr, ast.Constant) and flat[-1].expr.value):
            return True
        if function is np.reshape and flat and isinstance(kind, Number) and kind.shape is not None and flat[0].number.shape is not None:
            return product(kind.shape, self.state.facts).key != product(flat[0].number.shape, self.state.facts).key
        if getattr(function, "__module__", None) == "math" or function in (float, int):
            return True
        module = getattr(function, "__module__", None) or ""
        return module.startswith("numpy.linalg") and function is not np.linalg.norm or isinstance(kind, Number) and kind.form == "unknown"

    def opaque(self, expr: ast.expr, target: str | None, value: Any = None) -> Ref:
        """Something that runs as it is, in its place, and is not differentiated."""
        made = self.new_name(target or self.state.namer.temporary("value"))
        self.write(Assign(made, expr, self.loc))
        self.state.impure.add(made)
        value = UNKNOWN if value is None else value
        if isinstance(value, Number) and not value.is_plain:
            value = dataclasses.replace(value, place=self.new_place(target or made))
        return self.named(made, value)

    def decide(self, ref: Ref) -> bool:
        """The truth of a test that is known when the code is generated; it becomes a fact. Raises LookupError for data."""
        ref = protocols.truth(self, ref)
        if isinstance(ref.value, Sequence) and ref.value.series is not None:
            raise LookupError
        if isinstance(ref.value, Record) and ref.value.type is not dict:
            self.refuse("the branch depends on an object. Test one of its attributes.")
        if isinstance(ref.value, (Sequence, Record)):
            return bool(ref.value.items)
        if isinstance(ref.value, Static):
            return bool(static_value(ref, self.state.facts))
        number = ref.number
        if number.dim is not None and number.dim.value is not None and ref.key not in self.state.active:
            return bool(number.dim != 0)
        if isinstance(ref.value, Object):
            self.refuse("the branch depends on an object. Test one of its attributes.")
        if isinstance(ref.value, (Closure, Bound)):
            return True
        return bool(static_value(ref, self.state.facts))

    def shape_value(self, value: Any) -> Any:
        """What a shape rule sees of a Ref: Numbers, lists of them, or the plain value."""
        if isinstance(value, (list, tuple)):
            return type(value)(self.shape_value(v) for v in value)
        if not isinstance(value, Ref):
            return plain(value)
        match value.value:
            case Sequence(type=kind, items=items):
                return (tuple if kind is not list else list)(self.shape_value(i) for i in items)
            case Static(value=static):
                return static
            case Number(dim=Dim() as dim, dtype=dtype) if not dim.terms and dtype is not None:
                return bool(dim.const) if dtype == BOOL else dim.const
            case Number(form="python", dtype=dtype) if is_double(dtype) and isinstance(value.expr, (ast.Constant, ast.UnaryOp)):
                return ast.literal_eval(value.expr)
            case Number() as number:
                return number
            case Record(items=mapping):
                return {k: self.shape_value(v) for k, v in mapping.items()}
        return UNKNOWN

    def integer_use(self, ref: Ref) -> None:
        """An integer parameter that indexes, counts or gives a shape has no derivative."""
        for path in ref.number.origin:
            (self.state.deciding if path.startswith(DECIDES) else self.state.integral).add(path.removeprefix(DECIDES))
        if ref.number.dim is not None:
            self.state.integral |= set(ref.number.dim.terms)


def unnamed(kind: Any) -> Any:
    """One of several results: no name has the whole of its memory, so that it is not written to."""
    if not isinstance(kind, Number) or kind.place is None or kind.place.steps is None:
        return kind
    return dataclasses.replace(kind, place=Place(kind.place.buffer, None, kind.place.event))
