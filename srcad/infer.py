"""Walk a staged program with what is known of its arguments: kinds, shapes, which rule belongs to each operation.

    z = x * y        x: (n, d) array, y: (d,) array, both differentiated
                     -> z: (n, d) array, np.multiply, n, d and d' == d as facts

Branches on flags are decided here, helper functions are walked in their turn,
and tuples, lists and dicts are looked through to what they hold. What comes out
is a straight line of assignments, and for each that is differentiated an
Operation: the rule, the operands, the parameters.
"""
from __future__ import annotations

import ast
import builtins
import importlib
import types
from typing import Any

import numpy as np

from srcad import augmented, spelled
from srcad.dims import Undecided
from srcad.errors import SrcadError, UnsupportedSyntaxError
from srcad.inference import Frame, Inference, Operation, current, display, literal_ref, record_display
from srcad.ir import (
    Assign,
    Block,
    Break,
    Define,
    Delete,
    Effect,
    For,
    If,
    Import,
    Raise,
    Return,
    Statement,
    Store,
    Unpack,
    Update,
    While,
    With,
    blocks,
    targets,
    walk,
)
from srcad.kinds import Closure, Lazy, Number, Object, Range, Record, Ref, Sequence, Static, contents
from srcad.live import Live
from srcad.merge import NOTHING, RETURN, fork, is_defined
from srcad.outside import LIBRARIES, compare_text, static_value
from srcad.loops import Loops
from srcad.protocols import defined
from srcad.rules import find
from srcad.syntax import const, name, names, substitute
from srcad.writes import Split


LARGEST = 200_000  # statements walked


class Ended(Exception):
    """What is being walked never comes back: a path that always raises, or a recursion whose result is not known yet."""


class Interpreter(Loops):
    """Walks the statements of one frame; calls are walked in frames of their own."""

    def __init__(self, state: Inference, frame: Frame) -> None:
        super().__init__(state, frame)
        self.breaks = []
        self.pinned = []
        state.passes += 1
        self.offset = state.passes if frame.depth else 0
        if frame.live is None and any(map(blocks, frame.program.body)):
            frame.live = Live(frame.program.body)

    def run(self) -> Ref:
        self.state.frames.append(self.frame)
        self.state.namer.bases.update(self.frame.program.bases)
        try:
            self.block(self.frame.program.body)
        finally:
            self.state.frames.pop()
        self.raised = self.ending == "raise"
        if RETURN not in self.frame.locals or not is_defined(self.frame.locals[RETURN]):
            return Ref(const(None), Static(None))
        return current(self.frame.locals[RETURN])

    def block(self, block: Block) -> None:
        updates = augmented.begun(block)
        marks: dict[int, augmented.Mark] = {}
        for i, statement in enumerate(block):
            if self.ending:
                return
            self.loc = self.moved(statement.loc)
            if i in updates:
                marks[updates[i]] = augmented.mark(self.state, self.frame, block[updates[i]])  # type: ignore[arg-type]
            if i in marks and augmented.has_changed(self.state, self.frame, statement, marks[i]):  # type: ignore[arg-type]
                raise UnsupportedSyntaxError("what is called here writes to what is changed; Python takes what was there before. Call it on a line of its own.", self.loc)
            if isinstance(statement, If) and self.site("if", statement) in self.state.knowledge.split and block[i + 1 :]:
                self.guarded_statement(self.continued(statement, block[i + 1 :]))
                return
            self.guarded_statement(statement)

    def continued(self, statement: If, rest: Block) -> If:
        """A branch with what follows it in both of its arms."""
        made = If(statement.test, statement.body + rest, statement.orelse + rest, statement.loc)
        live = self.frame.live
        if live is not None and id(rest[-1]) in live.after:  # else anything may be read after it
            live.after[id(made)] = live.after[id(rest[-1])]
            self.pinned.append(made)
        return made

    def guarded_statement(self, statement: Statement) -> None:
        """Walk a statement; what NumPy or Python would raise is an error of it."""
        self.state.knowledge.walked += 1
        if self.state.knowledge.walked > LARGEST:
            raise SrcadError("the program is too large, with its loops nested so deep or written out so often. Split it up.", self.loc)
        try:
            self.statement(statement)
        except Ended:
            self.ending = "raise"
        except Split:
            raise
        except SrcadError as problem:
            if problem.location is None and type(problem) in (SrcadError, UnsupportedSyntaxError):
                raise type(problem)(problem.reason, self.loc, problem.what) from problem
            raise
        except (ValueError, IndexError, TypeError, KeyError) as problem:
            raise SrcadError(f"the statement would raise {type(problem).__name__}: {problem}", self.loc) from problem
        except Undecided as problem:
            reason = "what this does depends on a size that only the run can tell: that of an array which a loop or a branch makes longer or shorter. Make arrays of one length, or pass the size."
            raise UnsupportedSyntaxError(reason, self.loc) from problem
        except (AttributeError, LookupError, AssertionError, ArithmeticError, RecursionError) as problem:
            raise UnsupportedSyntaxError(f"the statement is not understood ({type(problem).__name__}: {problem}). Write it another way.", self.loc) from problem

    def statement(self, statement: Statement) -> None:
        match statement:
            case Assign(target, expr):
                self.bind(target, expr)
            case Unpack(targets, star, expr):
                self.unpack(targets, star, self.evaluate(expr, None))
            case Update(target, op, expr):
                self.update(target, op, expr)
            case Store(target, expr):
                self.store(target, expr)
            case Effect(expr):
                self.effect(expr)
            case If():
                self.branch(statement)
            case For():
                self.for_loop(statement)
            case While():
                self.while_loop(statement)
            case With():
                self.with_block(statement)
            case Return(value):
                self.frame.locals[RETURN] = self.evaluate(value, None)
                self.ending = "return"
            case _:
                self.rare(statement)

    def rare(self, statement: Statement) -> None:
        match statement:
            case Break():
                made = Break(self.loc)
                self.write(made)
                self.breaks.append((made, fork(self.state)))
                self.ending = "break"
            case Raise(error, cause):
                self.write(Raise(error and self.renamed(error), cause and self.renamed(cause), self.loc))
                self.ending = "raise"
            case Define(target, tree, defaults):
                values = {parameter: self.evaluate(default, None) for parameter, default in defaults}
                self.frame.locals[target] = Ref(name(target), Closure(tree, self.frame, values))
            case Delete(target):
                self.lookup(target)
                self.frame.locals[target] = NOTHING
            case Import(target, module, attribute):
                self.load(target, module, attribute)

    def load(self, target: str, module: str, attribute: str) -> None:
        """An import inside the function: the generated code reads the module by a name of its own."""
        loaded = importlib.import_module(module)
        value = getattr(loaded, attribute) if attribute else loaded
        if target:
            known = self.library_named(value)
            self.frame.locals[target] = known or self.outside(self.imported(target, module, attribute, value), value)

    def imported(self, target: str, module: str, attribute: str, value: object) -> str:
        """The name by which the generated code reads what the function imports: of a library's, by an import of its own."""
        label = self.state.guards.held(value)
        if attribute and module.partition(".")[0] in LIBRARIES:
            label = next((known for known in self.state.imports if self.state.helpers.get(known) is value), "") or self.new_name(target)
            self.state.imports[label] = f"from {module} import {attribute}" + (f" as {label}" if label != attribute else "")
        self.state.helpers[label] = value
        return label

    def library_named(self, value: object) -> Ref | None:
        """A library by the name that the program has for it; None for anything else."""
        if not isinstance(value, types.ModuleType) or value.__name__ not in self.state.facts.modules:
            return None
        usual = self.state.facts.module(value.__name__)
        return Ref(name(usual), Static(value, usual))

    def bind(self, target: str, expr: ast.expr) -> None:
        """`target = expr`. A user's name for what already has one is a copy, so that the text keeps it."""
        before = len(self.state.statements)
        ref = self.evaluate(expr, target)
        made = [s for s in self.state.statements[before:] if isinstance(s, Assign) and isinstance(ref.expr, ast.Name) and s.target == ref.expr.id]
        last = made[-1] if made else None
        just_made = isinstance(last, Assign) and isinstance(ref.expr, ast.Name) and last.target == ref.expr.id
        if just_made and self.is_new_name(target, last) or target not in self.frame.own_names:
            self.frame.locals[target] = ref
        else:
            self.bind_ref(target, ref)

    def bind_ref(self, target: str, ref: Ref) -> None:
        if target in self.frame.own_names and isinstance(ref.value, (Number, Object)) and not (isinstance(ref.expr, ast.Name) and (ref.expr.id == target or ref.expr.id.startswith(f"{target}_") and ref.expr.id not in {r.key for r in self.frame.locals.values()})):
            ref = self.copy_of(ref, target)
        self.frame.locals[target] = ref

    @staticmethod
    def is_new_name(target: str, last: Statement | None) -> bool:
        return isinstance(last, Assign) and (last.target == target or last.target.startswith(f"{target}_"))

    def copy_of(self, ref: Ref, target: str) -> Ref:
        """`y = x`: a name of its own for the same value."""
        made = self.new_name(target)
        self.write(Assign(made, ref.expr, self.loc))
        result = self.named(made, ref.value)
        number = ref.number
        if number.dim is not None:
            self.name_dim(number.dim, made)
        if ref.key in self.state.spoken:
            self.state.spoken.add(made)
        if ref.key in self.state.facts.texts:
            self.state.facts.texts[made] = self.state.facts.texts[ref.key]
        if ref.key in self.state.active:
            self.state.active.add(made)
            if not number.is_plain and self.shares_adjoint(ref):  # one memory, one adjoint
                return result
            self.record(Operation((result,), False, np.positive, find(np.positive), (ref,), {}, self.loc))
        return result

    def unpack(self, targets: tuple[str, ...], star: int | None, ref: Ref) -> None:
        if isinstance(ref.value, (Record, Range, Lazy)) or defined(ref, "__iter__"):
            ref = display(tuple, self.listed(ref))
        if isinstance(ref.value, Number):
            self.unpack_array(targets, star, ref)
            return
        if not isinstance(ref.value, Sequence):
            self.refuse("only tuples, lists and arrays are unpacked.")
            raise AssertionError
        items = ref.value.items
        if star is None and len(items) != len(targets) or len(items) < len(targets) - 1:
            raise ValueError(f"{len(items)} values to unpack into {len(targets)} names")
        if star is None and not isinstance(ref.expr, (ast.Tuple, ast.List)) and all(isinstance(i.value, Number) for i in items):
            self.unpack_whole(targets, ref)
            return
        extra = len(items) - len(targets) + 1
        for i, target in enumerate(targets):
            if star is not None and i == star:
                self.frame.locals[target] = display(list, items[i : i + extra])
            else:
                item = items[i] if star is None or i < star else items[i + extra - 1]
                self.frame.locals[target] = self.copy_of(item, target) if isinstance(item.value, (Number, Object)) else item

    def unpack_whole(self, targets: tuple[str, ...], ref: Ref) -> None:
        """`a, b = np.split(x, 2)`: the names stand for the items."""
        assert isinstance(ref.value, Sequence)
        made = tuple(self.new_name(t) for t in targets)
        self.write(Unpack(made, None, ref.expr, self.loc))
        for target, new, item in zip(targets, made, ref.value.items):
            key = item.key if item.key in self.state.active else new
            if isinstance(item.value, Number):
                self.state.kinds[new] = item.value
            self.state.shown.setdefault(key, new)
            self.frame.locals[target] = Ref(name(new), item.value, key)
            if item.number.dim is not None:
                self.name_dim(item.number.dim, new)

    def unpack_array(self, targets: tuple[str, ...], star: int | None, ref: Ref) -> None:
        number = ref.number
        if number.shape is None or not number.shape:
            self.refuse("only an array of known rank is unpacked. Index it.")
            raise AssertionError
        if star is not None:
            self.unpack(targets, star, display(tuple, self.listed(ref)))
            return
        try:
            if not number.shape[0] == len(targets):
                raise ValueError(f"{number.shape[0].value} rows to unpack into {len(targets)} names")
        except Undecided:
            self.refuse("how many rows this array has is known only at run time. Index it.")
        for i, target in enumerate(targets):
            item = self.subscript(ref, (i,), ast.Subscript(value=ref.expr, slice=const(i), ctx=ast.Load()), target)
            self.frame.locals[target] = item

    def effect(self, expr: ast.expr) -> None:
        ref = self.evaluate(expr, None)
        last = self.state.statements[-1] if self.state.statements else None
        if isinstance(last, Assign) and isinstance(ref.expr, ast.Name) and last.target == ref.expr.id and last.target in self.state.impure:
            self.state.statements[-1] = Effect(last.expr, last.loc)

    def evaluate(self, expr: ast.expr, target: str | None) -> Ref:
        """The value of an operation on atoms; where it must be computed, an assignment is written."""
        ref = self.value_of(expr, target)
        if type(ref.value) is Static:
            compare_text(ref.value, self.state.facts)
        return ref

    def value_of(self, expr: ast.expr, target: str | None) -> Ref:
        match expr:
            case ast.Name(id=identifier):
                return self.lookup(identifier)
            case ast.Constant(value=value):
                return literal_ref(expr, value, self.state.facts)
            case ast.UnaryOp(operand=ast.Constant(value=value), op=ast.USub()) if isinstance(value, (int, float, complex)):
                return literal_ref(expr, -value, self.state.facts)
            case ast.BinOp(left=left, op=op, right=right):
                return self.binary(op, self.evaluate(left, None), self.evaluate(right, None), target)
            case ast.UnaryOp(op=op, operand=operand):
                return self.unary(op, self.evaluate(operand, None), target)
            case ast.Compare(left=left, ops=[op], comparators=[right]):
                return self.compare(op, self.evaluate(left, None), self.evaluate(right, None), target)
            case ast.Attribute(value=value, attr=attribute):
                return self.attribute(self.evaluate(value, None), attribute, target)
            case ast.Subscript(value=value, slice=index):
                return self.item(self.evaluate(value, None), index, target)
            case ast.Tuple(elts=elts) | ast.List(elts=elts):
                if isinstance(expr, ast.Tuple):
                    return display(tuple, self.elements(elts))
                return self.listed_display(expr, display(list, self.elements(elts)), target)
            case ast.Dict(keys=keys, values=values):
                return self.dict_display(keys, values)
            case ast.Call():
                return self.call(expr, target)
            case ast.JoinedStr():
                return self.formatted(expr, self.renamed(expr), target)
        self.refuse(f"{type(expr).__name__} is not in the language that srcad differentiates.")
        raise AssertionError

    def call(self, expr: ast.Call, target: str | None) -> Ref:
        """The value of a call."""
        raise NotImplementedError

    def elements(self, elts: list[ast.expr]) -> tuple[Ref, ...]:
        out: list[Ref] = []
        for element in elts:
            if isinstance(element, ast.Starred):
                starred = self.evaluate(element.value, None)
                is_array = isinstance(starred.value, Number) and starred.number.form == "array"
                if is_array or isinstance(starred.value, (Lazy, Range, Record)) or defined(starred, "__iter__"):
                    starred = display(tuple, self.listed(starred))
                if not isinstance(starred.value, Sequence):
                    self.refuse("only tuples and lists are unpacked by a star here.")
                    raise AssertionError
                out.extend(starred.value.items)
            else:
                out.append(self.evaluate(element, None))
        return tuple(out)

    def dict_display(self, keys: list[ast.expr | None], values: list[ast.expr]) -> Ref:
        items: dict[Any, Ref] = {}
        for key, value in zip(keys, values):
            if key is None:
                items |= self.mapping(value)
                continue
            try:
                known = static_value(self.evaluate(key, None), self.state.facts)
            except LookupError:
                self.refuse("the keys of a dict must be known: strings or integers.")
                raise AssertionError from None
            items[known] = self.evaluate(value, None)
        return record_display(dict, items)

    def mapping(self, expr: ast.expr) -> dict[Any, Ref]:
        ref = self.evaluate(expr, None)
        if not isinstance(ref.value, Record) or ref.value.type is not dict:
            self.refuse("only a dict is unpacked by ** here.")
            raise AssertionError
        return dict(ref.value.items)

    def lookup(self, identifier: str) -> Ref:
        """A name: a variable, else read from outside."""
        frame: Frame | None = self.frame
        while frame is not None:
            if identifier in frame.locals:
                if not is_defined(frame.locals[identifier]):
                    self.refuse(f"`{identifier}` has no value on this path.")
                return self.as_it_was(identifier, current(frame.locals[identifier]))
            if frame.parent is None:
                break
            if frame is self.frame and identifier in self.assigned():
                self.refuse(f"`{identifier}` has no value on this path.")
            frame = frame.parent
        assert frame is not None
        if identifier in frame.own_names and frame.function is not None and identifier in frame.function.__code__.co_varnames:
            self.refuse(f"`{identifier}` has no value on this path.")
        function = frame.function
        if function is not None and identifier in function.__code__.co_freevars:
            return self.closure_value(function, identifier, frame)
        space = function.__globals__ if function is not None else {}
        if identifier in space and space.get("__name__") == spelled.__name__ and isinstance(space[identifier], types.ModuleType):
            return self.library_named(space[identifier]) or self.outside(identifier, space[identifier])
        if identifier in space:
            path = self.global_path(frame.prefix, function, identifier) if frame.depth else f"{frame.prefix}{identifier}"
            ref = self.outside(path, space[identifier])
            return ref if path == identifier else self.library_named(space[identifier]) or ref
        if hasattr(builtins, identifier):
            if frame.depth and identifier in self.state.scope:
                self.refuse(f"`{identifier}` is Python's here, and a variable in `{self.state.name}`, from where this is called. Rename the variable.")
            self.state.guards.identical(identifier, getattr(builtins, identifier))
            return Ref(name(identifier), Static(getattr(builtins, identifier)))
        self.refuse(f"the name `{identifier}` is not defined.")
        raise AssertionError

    def as_it_was(self, identifier: str, ref: Ref) -> Ref:
        """Refuse the keys, values or items of a dict that has changed since they were taken: Python's change with it."""
        if isinstance(ref.value, Sequence) and ref.value.view is not None:
            record, what = ref.value.view
            then = [i if what == "values" else contents(i.value)[1] for i in ref.value.items] if what != "keys" else []  # type: ignore[arg-type]
            if len(ref.value.items) != len(record.items) or any(a is not b for a, b in zip(then, record.items.values())):
                self.refuse(f"the dict has changed since `{identifier}` was taken of it, and `{identifier}` with it. Take it again.")
        return ref

    def global_path(self, prefix: str, function: types.FunctionType | None, identifier: str) -> str:
        """How a global of a helper is read: by its name, or through its module, where the program has another use for the name."""
        if not prefix and function is not None and self.is_hidden(identifier):
            prefix = self.through_module(function)
        return f"{prefix}{identifier}"

    def is_hidden(self, identifier: str) -> bool:
        """Whether a name means something else in the generated code than the global that a helper reads by it; if not, it means that from now on."""
        state = self.state
        if identifier in state.scope or identifier in state.namer.taken and identifier not in state.global_names:
            return True
        state.global_names.add(state.namer.reserve(identifier))
        return False

    def is_elsewhere(self, identifier: str) -> bool:
        """Whether a global of the helper that is being walked is read through its module."""
        return self.frame.depth > 0 and self.frame.function is not None and identifier in self.frame.function.__globals__ and self.is_hidden(identifier)

    def through_module(self, function: types.FunctionType) -> str:
        label = self.state.guards.module_of(function)
        self.state.helpers[label] = self.state.guards.objects[label]
        return f"{label}."

    def outside(self, path: str, value: object) -> Ref:
        return self.state.guards.read(path, value)

    def assigned(self) -> set[str]:
        """The names that the function being walked binds."""
        return {t for s in walk(self.frame.program.body) for t in targets(s) if not isinstance(getattr(s, "target", ""), (ast.Subscript, ast.Attribute))}

    def closure_value(self, function: types.FunctionType, identifier: str, frame: Frame) -> Ref:
        cell = dict(zip(function.__code__.co_freevars, function.__closure__ or ()))[identifier]
        try:
            value = cell.cell_contents
        except ValueError:
            self.refuse(f"the closure variable `{identifier}` has no value yet.")
            raise AssertionError from None
        if self.is_main(frame):
            return self.state.guards.read(identifier, value)
        library = self.library_named(value)
        if library is not None:
            return library
        label = self.state.guards.held(cell)
        self.state.helpers[label] = cell
        return self.state.guards.read(f"{label}.cell_contents", value)

    def is_main(self, frame: Frame) -> bool:
        """Whether a frame is that of the function whose gradient is asked for, where its closure is at hand."""
        return frame.depth == 0 and not self.state.alone

    def is_enclosed(self, identifier: str) -> bool:
        frame = self.frame.parent
        while frame is not None:
            if identifier in frame.locals:
                return True
            frame = frame.parent
        return False

    def renamed(self, expr: ast.expr) -> ast.expr:
        """An expression of the user's, with every name as the generated code has it."""
        replacements = {}
        for identifier in set(names(expr)):
            if identifier in self.frame.locals or self.frame.parent is not None and self.is_enclosed(identifier):
                replacements[identifier] = self.lookup(identifier).expr
            elif self.frame.prefix or not self.is_main(self.frame) and self.frame.function and (identifier in self.frame.function.__code__.co_freevars or self.is_elsewhere(identifier)):
                found = self.lookup(identifier)
                replacements[identifier] = found.expr
        return substitute(expr, {k: v for k, v in replacements.items() if not (isinstance(v, ast.Name) and v.id == k)})
