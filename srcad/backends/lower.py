"""Statements: a generated function becomes explicit loops.

    q = x + b                for i in range(n):
    y = np.tanh(q)     ->        q = x[i] + b[i]
                                 y[i] = math.tanh(q)

The kinds of all names are found on the way: a loop is lowered again until what a pass leaves behind is what was assumed
at its head.
"""
from __future__ import annotations

import ast
import copy
import re
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from srcad.backends import webs
from srcad.backends.building import HELPERS
from srcad.backends.expressions import Expressions
from srcad.backends.fusion import contract, fused, plain_calls
from srcad.backends.indexing import Indexing
from srcad.backends.layout import Layout
from srcad.backends.products import Products
from srcad.backends.reductions import Reductions
from srcad.backends.stacks import Again, Stacks
from srcad.backends.tree import Frame, Line, Node, line, lines, walk
from srcad.backends.values import FLOAT, INT, Along, Count, Fixed, Stack, Static, Repeated, Tup, Val, Value, View, flat, literal, named, refuse, replaced, scalar, viewed
from srcad.dims import Dim, Facts
from srcad.errors import SrcadError, UnsupportedSyntaxError
from srcad.kinds import BOOL

Env = dict[str, Value]


class Unset(Static):
    """A name that is None until it gets a value."""

    line: Line


class Lowering(Expressions, Indexing, Layout, Products, Reductions, Stacks):
    """One function."""

    def __init__(self, tree: ast.FunctionDef, facts: Facts, space: Mapping[str, Any], outside: Any, functions: Any) -> None:
        self.tree, self.facts, self.space = tree, facts, dict(space)
        self.paths, self.functions = outside, functions
        self.atom_names: dict[str, str] = {}
        self.ragged, self.solid = set(), set()

    solid: set[str]  # names that must be variables of the kernel: they mean different memory on two paths

    def written(self, base: str) -> bool:
        """Whether the program writes into memory that this name may mean."""
        family = self.aliases.find(base)
        return any(self.aliases.find(self.base_of(m)) == family for m in self.mutated)

    def base_of(self, name: str) -> str:
        value = self.env.get(name)
        return value.view.base if isinstance(value, Val) and value.view is not None else name

    def run(self, parameters: Mapping[str, Value]) -> tuple[list[Value], Any]:
        """Lower the body. Returns the leaves of the result, and its structure."""
        webs.split(self.tree, set(HELPERS))
        self.begin()
        self.used = {n.id for n in ast.walk(self.tree) if isinstance(n, ast.Name)} | {a.arg for a in ast.walk(self.tree) if isinstance(a, ast.arg)} | set(HELPERS) | {"np", "math", "range", "prange"}
        self.env = dict(parameters)
        self.trips, self.marks, self.result = [], {}, None
        self.survey()
        self.statements(self.tree.body)
        if self.result is None:
            refuse("a function without a result.")
        return self.result

    def survey(self) -> None:
        """What each name's lines are: how often it is bound, where it grows, what is written to."""
        self.bound: dict[str, list[int]] = {}
        self.reads: dict[str, list[int]] = {}
        self.augmented: dict[str, list[int]] = {}
        self.growing, self.spans, self.mutated = {}, [], set()
        places = {id(n.target) for n in ast.walk(self.tree) if isinstance(n, ast.AugAssign)}
        for node in ast.walk(self.tree):
            if isinstance(node, ast.Name) and id(node) in places:
                self.augmented.setdefault(node.id, []).append(node.lineno)
                self.reads.setdefault(node.id, []).append(node.lineno)
            elif isinstance(node, ast.Name):
                table = self.bound if isinstance(node.ctx, ast.Store) else self.reads
                table.setdefault(node.id, []).append(node.lineno)
            elif isinstance(node, (ast.For, ast.While)):
                self.spans.append((node.lineno, node.end_lineno or node.lineno))
            if isinstance(node, ast.AugAssign):
                self.mutated.add(root_name(node.target))
            elif isinstance(node, ast.Assign):
                self.mutated |= {root_name(t) for t in node.targets if isinstance(t, ast.Subscript)}
            elif isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute):
                owner = root_name(node.func.value)
                if node.func.attr == "append":
                    self.growing.setdefault(owner, []).append(node.lineno)
                elif node.func.attr == "at" and node.args:
                    self.mutated.add(root_name(node.args[0]))
                elif node.func.attr in ("fill", "sort"):
                    self.mutated.add(owner)
                elif node.func.attr == "pop":
                    self.growing.setdefault(owner, [])

    def simple(self, name: str, array: bool = False) -> bool:
        """Bound once, and read only after that and inside the same loops. `+=` binds a number again, and not an array."""
        bound = self.bound.get(name, [])
        value = self.env.get(name)
        if name in self.augmented and not (array or isinstance(value, Val) and value.dims):
            return False
        if not bound:
            return name not in self.bound and (name in self.env or name in self.fresh_names)
        if len(bound) != 1:
            return False
        around = [s for s in self.spans if s[0] < bound[0] <= s[1]]
        return all(r > bound[0] or r == bound[0] and self.is_loop_line(r) for r in self.reads.get(name, [])) and all(a <= r <= b for a, b in around for r in self.reads.get(name, []))

    def is_loop_line(self, number: int) -> bool:
        return any(a == number for a, _ in self.spans)

    @property
    def fresh_names(self) -> set[str]:
        return self.used

    def steady_text(self, text: str) -> bool:
        """Whether an expression means the same until the end of what its names are read in."""
        return all(self.simple(n) for n in re.findall(r"(?<![\w.])[A-Za-z_]\w*", text) if n not in ("np", "math", "at"))

    # ---- what comes from outside

    def outside(self, node: ast.expr) -> Value | None:
        if isinstance(node, (ast.Subscript, ast.Attribute)) or isinstance(node, ast.Name) and node.id not in self.env:
            return self.paths(ast.unparse(node), self)  # type: ignore[no-any-return]
        return None

    def outside_name(self, path: str) -> str:
        if path in self.atom_names:
            return self.atom_names[path]
        found = self.paths(path, self)
        return found.view.base if isinstance(found, Val) and found.view is not None else found.text if isinstance(found, Val) and not found.dims and found.text.isidentifier() else ""

    def is_known(self, name: str) -> bool:
        return name in self.used or name in self.env or name in ("max", "min", "len")

    # ---- statements

    def statements(self, body: Sequence[ast.stmt]) -> None:
        for statement in body:
            self.line_number = statement.lineno
            try:
                self.statement(statement)
            except SrcadError as problem:
                raise located(problem, statement) from None
            except (NotImplementedError, AttributeError, TypeError, KeyError, IndexError, ValueError) as problem:
                raise located(UnsupportedSyntaxError(f"it is not compiled ({type(problem).__name__}: {problem})."), statement) from problem

    def statement(self, statement: ast.stmt) -> None:
        match statement:
            case ast.Assign(targets=[target], value=value):
                mark = len(self.out)
                self.assign(target, self.value(value), mark)
            case ast.AnnAssign(target=target, value=value) if value is not None:
                mark = len(self.out)
                self.assign(target, self.value(value), mark)
            case ast.AugAssign(target=target, op=op, value=value):
                self.augment(target, op, value)
            case ast.Expr(value=ast.Constant()) | ast.Pass():
                return
            case ast.Expr(value=value):
                self.value(value)
            case ast.Return(value=value) if value is not None:
                self.returned(self.value(value))
            case ast.If(test=test, body=body, orelse=orelse):
                self.branch(test, body, orelse)
            case ast.For(target=target, iter=iterable, body=body, orelse=[]):
                self.counted(target, iterable, body)
            case ast.While(test=test, body=body, orelse=[]):
                self.repeated(test, body)
            case ast.Break() | ast.Continue():
                self.exits.append(dict(self.env))
                self.emit("break" if isinstance(statement, ast.Break) else "continue")
            case ast.Delete():
                return
            case ast.With(body=body):
                self.statements(body)
            case ast.Raise(exc=exc):
                self.raised(exc)
            case ast.Assert(test=test):
                self.emit(f"if not {self.truth(test)}:\n    raise AssertionError()")
            case _:
                refuse(f"`{type(statement).__name__}` statements are not compiled.")

    exits: list[Env]
    result: Any

    def raised(self, exc: ast.expr | None) -> None:
        kind = exc.func if isinstance(exc, ast.Call) else exc
        words = exc.args[0] if isinstance(exc, ast.Call) and exc.args and isinstance(exc.args[0], ast.Constant) else None
        if not isinstance(kind, ast.Name):
            refuse("this raise is not compiled.")
        assert isinstance(kind, ast.Name)
        self.emit(f"raise {kind.id}({ast.unparse(words) if words else ''})")

    # ---- assignment

    def assign(self, target: ast.expr, value: Value, mark: int) -> None:
        match target:
            case ast.Name(id=identifier):
                self.bind(identifier, value, mark)
            case ast.Tuple(elts=elts) | ast.List(elts=elts):
                self.unpack(elts, value)
            case ast.Subscript(value=owner, slice=index):
                self.put(owner, index, "", self.number(value))
            case _:
                refuse(f"assignment to `{ast.unparse(target)}` is not compiled.")

    def unpack(self, targets: Sequence[ast.expr], value: Value) -> None:
        if isinstance(value, Val) and value.dims:
            value = self.steady(value)
            value = Tup(tuple(self.fixed(value, 0, str(k)) for k in range(len(targets))))
        if not isinstance(value, Tup) or len(value.items) != len(targets):
            refuse("this unpacking is not compiled.")
        assert isinstance(value, Tup)
        items = value.items
        written = {t.id for t in targets if isinstance(t, ast.Name)}
        if any(isinstance(i, Val) and not i.dims and words(i.text) & written for i in items):
            items = tuple(self.steady_copy(i) if isinstance(i, Val) and not i.dims else i for i in items)
        for each, item in zip(targets, items):
            self.assign(each, item, len(self.out))

    def bind(self, name: str, value: Value, mark: int) -> None:
        if isinstance(value, Repeated):
            self.bind_repeated(name, value)
            return
        if isinstance(value, Tup) and value.kind is list and name in self.growing:
            stack = self.new_stack(name)
            self.env[name] = stack
            for item in value.items:
                self.push(stack, item)
            return
        if isinstance(value, Static) and value.value is None and not isinstance(value, Unset) and (len(self.bound.get(name, [])) > 1):
            unset = Unset(None)
            object.__setattr__(unset, "line", Line(ast.Pass()))
            self.out.append(unset.line)
            self.env[name] = unset
            return
        if isinstance(value, Tup):
            value = Tup(tuple(self.kept(i, name) for i in value.items), value.kind, value.keys)
        if not isinstance(value, Val):
            self.env[name] = value
        elif value.dims:
            self.bind_array(name, value, mark)
        else:
            self.bind_scalar(name, value)

    def bind_repeated(self, name: str, value: Repeated) -> None:
        """[x] * n: a list that is filled already."""
        stack = self.new_stack(name)
        self.env[name] = stack
        stack.parts, stack.buffers = [value.item], (name,)
        stack.capacity = f"max({value.size.text}, 1)" if not value.item.dims else ""
        if not stack.capacity:
            refuse("a list of arrays that is repeated is not compiled.")
        counter = self.index()
        del self.out[-1]
        self.emit(f"{stack.counter} = {value.size.text}")  # type: ignore[attr-defined]
        self.emit(f"{name} = np.empty(max({stack.counter}, 0){'' if value.item.dtype == FLOAT else ', np.' + value.item.dtype.name})")  # type: ignore[attr-defined]
        self.out.append(Frame([f"for {counter} in range({stack.counter}):"], [[line(f"{name}[{counter}] = {value.item.text}")]], set(), set()))  # type: ignore[attr-defined]

    def kept(self, item: Value, name: str) -> Value:
        """An item of a tuple that has a name: computed now."""
        if isinstance(item, Val) and item.const is None:
            if item.dims:
                return item if item.view is not None else self.stored(item, name)
            return item if item.text.isidentifier() and self.simple(item.text) else self.steady_copy(item)
        return item

    def bind_scalar(self, name: str, value: Val) -> None:
        self.emit(f"{name} = {value.text}", pure=True)
        once = self.simple(name)
        dim = value.dim if once and value.dim is not None else None
        self.env[name] = scalar(name, value.dtype, value.form, dim, value.const if once else None)
        if value.unique and once:
            self.env[name] = replaced(self.env[name], unique=True)  # type: ignore[type-var]

    def bind_array(self, name: str, value: Val, mark: int) -> None:
        once = self.simple(name, True)
        if value.view is not None and once and name not in self.solid and self.lasting(value.view):
            if value.name and self.is_temporary(value.name, mark):
                self.rename_since(mark, value.name, name)
                value = named(name, value.dtype, value.dims)
            self.env[name] = value
            return
        if value.name:
            self.emit(f"{name} = {value.name}")
            self.aliases.join(value.name, name)
            self.shared.add(value.name)
        elif value.view is not None:
            self.bind_view(name, value)
            return
        elif once and name not in self.bound_twice:
            self.make(name, value)
        else:
            made = self.make(self.fresh(name), value)
            self.emit(f"{name} = {made.name}")
            self.aliases.join(made.name, name)
            self.shared.add(made.name)
        self.env[name] = replaced(named(name, value.dtype, self.own_dims(name, value.dims)), unique=value.unique)

    bound_twice: set[str] = set()

    def bind_view(self, name: str, value: Val) -> None:
        """A part of an array under a name that is bound again: of Numba's making, or a copy if nothing writes to either."""
        assert value.view is not None
        text = self.view_text(value.view, value.ndim) or self.slice_text(value)
        if text:
            self.emit(f"{name} = {text}")
            self.aliases.join(value.view.base, name)
        else:
            if self.written(value.view.base) or name in self.mutated:
                refuse("a view under a name that is bound again, of memory that is written to.")
            made = self.stored(value, name)
            self.emit(f"{name} = {made.name}")
            self.aliases.join(made.name, name)
        self.env[name] = named(name, value.dtype, self.own_dims(name, value.dims))

    def slice_text(self, value: Val) -> str:
        """A view as slices; "" where an axis is turned, moved or new."""
        assert value.view is not None
        order = [a.axis for a in value.view.axes if isinstance(a, Along)]
        if order != list(range(value.ndim)) or any(isinstance(a, Along) and a.step not in (1, -1) for a in value.view.axes):
            return ""
        parts = []
        for axis in value.view.axes:
            if isinstance(axis, Fixed):
                parts.append(axis.index)
            elif axis.step == -1:
                if axis.start.strip("()") != self.spell(value.dims[axis.axis] - 1):
                    return ""
                parts.append(f"{axis.start}::-1")
            elif not axis.cut and not axis.start:
                parts.append(":")
            else:
                parts.append(f"{axis.start}:{axis.start + ' + ' if axis.start else ''}{self.bracketed(self.spell(value.dims[axis.axis]))}")
        return f"{value.view.base}[{', '.join(parts)}]"

    def own_dims(self, name: str, dims: tuple[Dim, ...]) -> tuple[Dim, ...]:
        """Sizes that only the run tells are read off the array itself."""
        return tuple(self.atom(f"{name}.shape[{k}]") if d.value is None and not self.steady_text(d.text) else d for k, d in enumerate(dims))

    def is_temporary(self, name: str, mark: int) -> bool:
        made = any(isinstance(n, Line) and n.alloc == name for n in self.out[mark:])
        return made and name not in self.bound and name not in self.shared

    def lasting(self, view: View) -> bool:
        """Whether a view means the same as long as its name is read."""
        texts = [a.index if isinstance(a, Fixed) else a.start for a in view.axes]
        return self.simple(view.base) and all(self.steady_text(t) for t in texts)

    def make(self, name: str, value: Val) -> Val:
        """An array of its own under this name."""
        if isinstance(value.const, float) and value.view is None and value.dims:
            return self.alloc(name, value.dims, value.dtype, "0" if value.const == 0 else str(value.const))
        made = self.alloc(name, value.dims, value.dtype)
        self.loops(value.dims, lambda index: self.emit(f"{made.at(index)} = {value.at(index)}"))
        return made

    def put(self, owner: ast.expr, index: ast.expr, op: str, value: Val) -> None:
        array = self.value(owner)
        if isinstance(array, Stack):
            place = self.stack_item(array, self.value(index))
            if not isinstance(place, Val):
                refuse("a store into this list is not compiled.")
            assert isinstance(place, Val)
            if place.view is not None:
                self.write(place.view, place.dims, place.dtype, op, value)
            elif not array.capacity:
                refuse("a store into a list of numbers whose length is not known is not compiled.")
            else:
                self.emit(f"{place.text} {op}= {value.text}")
            return
        if not isinstance(array, Val) or array.view is None:
            refuse(f"a store into `{ast.unparse(owner)}` is not compiled.")
        assert isinstance(array, Val)
        self.store(array, self.items(index, array), op, value)

    def augment(self, target: ast.expr, op: ast.operator, node: ast.expr) -> None:
        symbol = SYMBOLS.get(type(op).__name__, "")
        if not symbol:
            refuse("this operator in place is not compiled.")
        if isinstance(target, ast.Subscript):
            place = ast.Subscript(value=target.value, slice=target.slice, ctx=ast.Load())
            owner = self.value(target.value)
            simple_place = isinstance(owner, Val) and op.__class__.__name__ in ("Add", "Sub", "Mult", "Div")
            if simple_place:
                self.put(target.value, target.slice, symbol, self.operand(node))
            else:
                self.put(target.value, target.slice, "", self.number(self.value(ast.BinOp(left=place, op=op, right=node))))
            return
        assert isinstance(target, ast.Name)
        current = self.env.get(target.id)
        if isinstance(current, Val) and current.dims:
            value = self.operand(node)
            if current.view is None:
                refuse(f"`{target.id}` is not an array with a name.")
            if symbol not in ("+", "-", "*", "/"):
                value, symbol = self.elementwise(OPERATIONS[type(op).__name__], current, value), ""
            if len(self.broadcast(current, value)) > current.ndim:
                refuse("what is added in place is larger than the place.")
            self.write(current.view, current.dims, current.dtype, symbol, value)  # type: ignore[arg-type]
            return
        value = self.value(ast.BinOp(left=ast.Name(id=target.id, ctx=ast.Load()), op=op, right=node))
        self.bind(target.id, value, len(self.out))

    # ---- results

    def returned(self, value: Value) -> None:
        leaves: list[Value] = []
        texts: list[str] = []
        structure = self.structured(value, leaves, texts)
        self.emit(f"return {', '.join(texts)}" if texts else "return 0")
        if self.result is not None and repr(structure) != repr(self.result[1]):
            refuse("two returns of different kinds.")
        self.result = (leaves, structure)

    def structured(self, value: Value, leaves: list[Value], texts: list[str]) -> Any:
        """A result as a structure of numbered leaves."""
        if isinstance(value, Tup):
            return (value.kind, tuple(self.structured(i, leaves, texts) for i in value.items), value.keys)
        if isinstance(value, Static):
            return ("static", value.value)
        if isinstance(value, Stack):
            return self.structured_stack(value, leaves, texts)
        if not isinstance(value, Val):
            return refuse("this result is not compiled.")
        if value.dims:
            value = self.result_array(value)
            texts.append(value.name)
        else:
            texts.append(value.text)
        leaves.append(value)
        return ("leaf", len(leaves) - 1, value.form, value.dtype.name, value.ndim)

    def result_array(self, value: Val) -> Val:
        """What is returned lies in C order."""
        if value.name:
            return value
        return self.stored(value, "result")

    def structured_stack(self, stack: Stack, leaves: list[Value], texts: list[str]) -> Any:
        if stack.parts is None:
            refuse(f"the list `{stack.name}`, which is never filled, is not handed on.")
        assert stack.parts is not None
        start = len(leaves)
        if not stack.capacity:
            stack = self.laid_out(stack)
        for label, part in zip(stack.buffers, stack.parts):
            texts.append(label)
            leaves.append(named(label, part.dtype, (self.atom(f"{label}.shape[0]"), *part.dims)))
        texts.append(stack.counter)  # type: ignore[attr-defined]
        leaves.append(scalar(stack.counter, INT))  # type: ignore[attr-defined]
        return ("stack", start, len(leaves), stack.single)

    # ---- branches and loops

    def branch(self, test: ast.expr, body: Sequence[ast.stmt], orelse: Sequence[ast.stmt]) -> None:
        condition = self.truth(test)
        if condition in ("True", "False"):
            self.statements(body if condition == "True" else orelse)
            return
        entry = dict(self.env)
        with self.block() as first:
            self.statements(body)
        after = self.env
        self.env = dict(entry)
        with self.block() as second:
            self.statements(orelse)
        ends = [e for e, s in ((after, body), (self.env, orelse)) if not leaves_block(s)]
        self.env = self.joined(ends[0], ends[1]) if len(ends) == 2 else ends[0] if ends else after
        heads, blocks = [f"if {condition}:"], [first]
        if second:
            heads, blocks = [*heads, "else:"], [first, second]
        self.out.append(Frame(heads, blocks, set(), set()))

    def counted(self, target: ast.expr, iterable: ast.expr, body: Sequence[ast.stmt]) -> None:
        value = self.value(iterable)
        if isinstance(value, Tup) and value.kind in (list, tuple, dict):
            for item in value.items:
                self.assign(target, item, len(self.out))
                self.statements(body)
            return
        head, bindings, trip = self.iteration(target, value)
        self.loop(lambda: head, bindings, body, trip)

    def iteration(self, target: ast.expr, value: Value) -> tuple[str, Any, Dim | None]:
        """The head of a for loop, what to do at the start of a pass, and how many passes there are at most."""
        if isinstance(value, Count):
            start, stop, step = self.bounds(value)
            if not isinstance(target, ast.Name):
                refuse("this loop is not compiled.")
            assert isinstance(target, ast.Name)
            dim, trip = self.index_dim(target.id, start, stop, step)
            parts = self.count_text(start, stop, step, value.turned)

            def bind_index() -> None:
                self.env[target.id] = scalar(target.id, INT, "python", dim)

            return f"for {target.id} in range({parts}):", bind_index, trip
        return self.over_items(target, value)

    def over_items(self, target: ast.expr, value: Value) -> tuple[str, Any, Dim | None]:
        """A loop over the rows of an array, the items of a list, turned round or numbered."""
        turned, first, parts = False, None, [value]
        if isinstance(value, Tup) and value.kind == "enumerate":
            first, parts = value.items[1], [value.items[0]]
        elif isinstance(value, Tup) and value.kind == "zip":
            parts = list(value.items)
        elif isinstance(value, Tup) and value.kind == "reversed":
            turned, parts = True, [value.items[0]]
        counter = self.fresh("at_")
        sources = [self.steady(p) if isinstance(p, Val) else p for p in parts]
        if not all(isinstance(p, (Val, Stack)) for p in sources):
            refuse("this loop is not compiled.")
        sizes = [self.stack_size(p) if isinstance(p, Stack) else self.spell(p.dims[0]) for p in sources]  # type: ignore[union-attr]
        size = sizes[0] if len(sizes) == 1 else f"min({', '.join(sizes)})"
        trip = sources[0].dims[0] if len(sources) == 1 and isinstance(sources[0], Val) else None

        def bind_items() -> None:
            items: list[Value] = []
            for source in sources:
                if isinstance(source, Stack):
                    found = [self.item_at(source, k, counter) if source.capacity else self.listed_at(source, k, counter) for k in range(len(source.parts or ()))]
                    items.append(found[0] if source.single else Tup(tuple(found)))
                else:
                    items.append(self.fixed(source, 0, counter))
            if first is not None:
                items = [self.operator(np.add, first, scalar(counter, INT)), *items]
            self.assign(target, items[0] if len(items) == 1 else Tup(tuple(items)), len(self.out))

        head = f"for {counter} in range({size} - 1, -1, -1):" if turned else f"for {counter} in range({size}):"
        return head, bind_items, trip

    def listed_at(self, stack: Stack, k: int, place: str) -> Val:
        target = self.fresh("item")
        self.emit(f"{target} = {stack.buffers[k]}[{place}]")
        assert stack.parts is not None
        return self.list_item(stack.buffers[k], target, stack.parts[k])

    def bounds(self, count: Count) -> tuple[Val, Val, int]:
        parts = count.parts
        start, stop = (literal(0), parts[0]) if len(parts) == 1 else (parts[0], parts[1])
        step = parts[2].const if len(parts) > 2 else 1
        if not isinstance(step, int) or step == 0:
            refuse("the step of a range must be a literal.")
        assert isinstance(step, int)
        return start, stop, step

    def count_text(self, start: Val, stop: Val, step: int, turned: bool) -> str:
        a, b = start.text, stop.text
        if turned:
            if step == 1:
                return f"{b} - 1, {'-1' if a == '0' else f'{a} - 1'}, -1"
            last = f"{a} + (({b} - {a} + {step - 1 if step > 0 else step + 1}) // {step} - 1) * {step}"
            return f"{last}, {a} - {step}, {-step}"
        return b if a == "0" and step == 1 else f"{a}, {b}" if step == 1 else f"{a}, {b}, {step}"

    def index_dim(self, name: str, start: Val, stop: Val, step: int) -> tuple[Dim | None, Dim | None]:
        """The index as a dimension, with its range recorded; and the number of passes."""
        low, high = (v.dim if v.dim is not None else Dim.of(v.const, self.facts) if isinstance(v.const, int) else None for v in (start, stop))
        if low is None or high is None:
            return None, None
        if step < 0:
            low, high = high + 1, low + 1
        trip = (high - low) if abs(step) == 1 else (high - low + (abs(step) - 1)) // abs(step)
        _, most = self.facts.bounds(trip)
        trip_known = most if most.value is not None else None
        if len(self.bound.get(name, [])) != 1:
            return None, trip_known
        self.facts.ranges[name] = (low, high)
        return Dim.atom(name, None, self.facts), trip_known

    def repeated(self, test: ast.expr, body: Sequence[ast.stmt]) -> None:
        def head() -> str:
            return f"while {self.truth(test)}:"

        self.loop(head, lambda: None, body, None)

    def loop(self, head: Any, bindings: Any, body: Sequence[ast.stmt], trip: Dim | None) -> None:
        """Lower a loop until a pass leaves behind what was assumed at its head."""
        entry = dict(self.env)
        start = entry
        exits = getattr(self, "exits", [])
        for _ in range(8):
            self.env, self.exits = dict(start), []
            with self.block() as before:
                text = head()
            if before and text.startswith("while"):
                text, body_head = "while True:", [*before, *negated(text)]
                before = []
            else:
                body_head = []
            self.trips.append(trip)
            with self.block() as inner:
                bindings()
                self.statements(body)
            self.trips.pop()
            ends = [*self.exits, *([] if leaves_block(body) else [self.env])]
            reached = start
            for end in ends:
                reached = self.joined(reached, end)
            if alike_env(reached, start):
                break
            start = reached
        else:
            refuse("a loop whose variables change their kind from pass to pass is not compiled.")
        self.exits = exits
        self.env = reached
        self.out += before
        self.out.append(Frame([text], [[*body_head, *inner]], set(), set()))

    # ---- where paths meet

    def joined(self, a: Env, b: Env) -> Env:
        merged: Env = {}
        for name in {**a, **b}:
            if name not in a or name not in b:
                merged[name] = a.get(name, b.get(name))  # type: ignore[assignment]
            else:
                merged[name] = self.met(name, a[name], b[name])
        return merged

    def met(self, name: str, a: Value, b: Value) -> Value:
        if a is b:
            return a
        if isinstance(a, Unset) or isinstance(b, Unset):
            return self.set_later(name, a, b)
        if isinstance(a, Val) and isinstance(b, Val):
            if a.ndim != b.ndim:
                refuse(f"`{name}` is an array on one path and a number, or an array of another rank, on another.")
            return self.met_arrays(name, a, b) if a.dims else self.met_scalars(name, a, b)
        if isinstance(a, Tup) and isinstance(b, Tup) and len(a.items) == len(b.items):
            return Tup(tuple(self.met(f"{name}[{k}]", x, y) for k, (x, y) in enumerate(zip(a.items, b.items))), a.kind, a.keys)
        if isinstance(a, Static) and isinstance(b, Static) and a.value is b.value:
            return a
        if isinstance(a, Stack) and isinstance(b, Stack) and a.name == b.name:
            return b
        return Static(None) if not name.isidentifier() else refuse(f"`{name}` is of different kinds on two paths.")

    def set_later(self, name: str, a: Value, b: Value) -> Value:
        other = b if isinstance(a, Unset) else a
        unset = a if isinstance(a, Unset) else b
        if isinstance(other, Unset):
            return other
        if not isinstance(other, Val) or not isinstance(unset, Unset):
            return refuse(f"`{name}` is None on one path.")  # type: ignore[no-any-return]
        kind = f", np.{other.dtype.name}" if other.dtype != BOOL else ", np.bool_"
        zero = "False" if other.dtype == BOOL else "0.0" if other.dtype.kind == "f" else "0"
        text = f"{name} = np.empty(({'0, ' * other.ndim}){kind})" if other.dims else f"{name} = {zero}"
        unset.line.tree = ast.parse(text).body[0]
        unset.line.effects = None
        return other

    def met_scalars(self, name: str, a: Val, b: Val) -> Val:
        if a.dtype == b.dtype and a.form == b.form and a.text == b.text and a.const == b.const and same_dim(a.dim, b.dim):
            return a
        dtype = a.dtype if a.dtype == b.dtype else np.result_type(a.dtype, b.dtype)
        return scalar(name if a.text != b.text else a.text, dtype, a.form if a.form == b.form else "scalar")

    def met_arrays(self, name: str, a: Val, b: Val) -> Val:
        if a.dtype != b.dtype:
            refuse(f"`{name}` has the dtypes {a.dtype} and {b.dtype} on two paths.")
        if a.view == b.view and [d.key for d in a.dims] == [d.key for d in b.dims]:
            return a
        if a.view != b.view and name not in self.solid and name.isidentifier():
            self.solid.add(name)
            raise Again
        if a.view != b.view and not (a.name and b.name):
            return refuse(f"`{name}` is another part of memory on each path.")  # type: ignore[no-any-return]
        dims = tuple(x if x.key == y.key else self.atom(f"{name}.shape[{k}]") for k, (x, y) in enumerate(zip(a.dims, b.dims)))
        return named(name, a.dtype, dims)

    # ---- the whole

    def finished(self) -> list[Node]:
        """The body, its loops joined."""
        body = self.expanded_marks(self.out)
        body = fused(body, self.aliases)
        contract(body, self.shared)
        plain_calls(body)
        return body

    def call_own(self, label: str, args: list[Value], keywords: dict[str, Value]) -> Value:
        return self.functions[label](self, args, keywords)  # type: ignore[operator]

    def call_python(self, function: Any, args: Sequence[Value], keywords: Mapping[str, Value]) -> Value:
        """A call of a function of the program's own, or of a rule."""
        return self.kernels.python(self, function, args, keywords)  # type: ignore[no-any-return]

    kernels: Any

    def text(self, body: list[Node], depth: int = 1) -> list[str]:
        taken = set(self.used) | {n.id for node in walk(body) if isinstance(node, Line) for n in ast.walk(node.tree) if isinstance(n, ast.Name)}
        return list(lines(body, depth, taken, {}))


SYMBOLS = {"Add": "+", "Sub": "-", "Mult": "*", "Div": "/", "Pow": "**", "FloorDiv": "//", "Mod": "%"}
OPERATIONS = {"Pow": np.power, "FloorDiv": np.floor_divide, "Mod": np.remainder}


def negated(head: str) -> list[Node]:
    test = head.removeprefix("while ").removesuffix(":")
    from srcad.backends.tree import line

    return [line(f"if not {test}:\n    break")]


def words(text: str) -> set[str]:
    return set(re.findall(r"[A-Za-z_]\w*", text))


def root_name(node: ast.expr) -> str:
    while isinstance(node, (ast.Subscript, ast.Attribute)):
        node = node.value
    return node.id if isinstance(node, ast.Name) else ""


def leaves_block(body: Sequence[ast.stmt]) -> bool:
    """Whether the end of a block is not reached."""
    if not body:
        return False
    last = body[-1]
    if isinstance(last, (ast.Return, ast.Break, ast.Continue, ast.Raise)):
        return True
    return isinstance(last, ast.If) and leaves_block(last.body) and leaves_block(last.orelse)


def same_dim(a: Dim | None, b: Dim | None) -> bool:
    return a is b or a is not None and b is not None and a.key == b.key


def alike_env(a: Env, b: Env) -> bool:
    return all(alike_values(a[k], b[k]) for k in b) and not (set(a) - set(b) and any(isinstance(a[k], Stack) and a[k].parts is None for k in set(a) - set(b)))  # type: ignore[union-attr]


def alike_values(a: Value, b: Value) -> bool:
    if a is b:
        return True
    if isinstance(a, Val) and isinstance(b, Val):
        return a.dtype == b.dtype and a.form == b.form and a.view == b.view and a.const == b.const and same_dim(a.dim, b.dim) and (
            a.dims != () or a.text == b.text) and len(a.dims) == len(b.dims) and all(x.key == y.key for x, y in zip(a.dims, b.dims))
    if isinstance(a, Tup) and isinstance(b, Tup):
        return len(a.items) == len(b.items) and all(map(alike_values, a.items, b.items))
    return isinstance(a, Stack) and isinstance(b, Stack) and a.name == b.name


def located(problem: SrcadError, statement: ast.stmt) -> SrcadError:
    """The reason with the generated line, unless it has one."""
    reason = getattr(problem, "reason", str(problem))
    if "generated line" in reason:
        return problem
    first = ast.unparse(statement).split("\n")[0]
    return UnsupportedSyntaxError(f"backend='numba': {reason} The generated line is `{first}`.")


__all__ = ["Lowering", "Along", "FLOAT", "copy", "flat", "viewed"]
