"""The pipeline, from a function and its arguments to a generated function.

    source -> stage -> infer -> reverse -> simplify -> emit -> load

What is compiled is for arguments of these kinds; the guard says which they are.
"""
from __future__ import annotations

import ast
import builtins
import sys
import types
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from srcad.emit import function_text
from srcad.errors import SeedError, SrcadError
from srcad.gates import Gates
from srcad.infer import Frame, Inference, Interpreter
from srcad.ir import Assign, Block, Effect, Location, Program, Return, Statement, arguments_text, expressions, map_block, walk
from srcad.kinds import BOOL, FLOAT, Facts, Number, Record, Ref, Sequence as Items, Static
from srcad.outside import Guards, leaves
from srcad.ownership import settle
from srcad.reverse import Backward, Reverse
from srcad.simplify import bound, drop_dead, fold, join_branches, short
from srcad.source import Source, read
from srcad.splice import Term, render
from srcad.stage import identifiers, stage
from srcad.syntax import Namer, call, const, expression, is_path, method, name, names, text

MODULES = {"numpy": "np", "math": "math", "scipy.special": "special", "scipy.linalg": "linalg"}


@dataclass(frozen=True)
class Request:
    """What is to be compiled: a function, what it is differentiated by, and for which result.

    wrt: parameter names; asked: whether the user named them; bare: whether one gradient comes without a tuple;
    mode: "grad", "value_and_grad" or "pair".
    """

    function: types.FunctionType
    title: str
    wrt: tuple[str, ...]
    asked: bool
    bare: bool
    mode: str = "grad"
    has_aux: bool = False


@dataclass
class Compiled:
    """Generated functions, their text, and the guard of what they assume."""

    source: str
    functions: list[Any]
    guard: Any
    method: Any  # a call that asks the guard first, as a method of Gradient
    run: Any  # the first function, for arguments as the user passes them: integers become floats
    result: Ref
    request: Request


def compile_request(request: Request, arguments: Mapping[str, Any]) -> Compiled:
    """Run the pipeline. Raises SrcadError where the function cannot be differentiated rightly."""
    source = read(request.function)
    program = stage(source)
    integral: set[str] = set()
    while True:
        state = start(request, source, program, arguments)
        try:
            wrt = differentiated(state, request, arguments, integral)
            frame = Frame(program, request.function, dict(state.parameters), identifiers(source.tree))
            state.result = Interpreter(state, frame).run()
        except SrcadError:
            if not new_integers(state, integral):
                raise
            continue
        if not new_integers(state, integral):
            return Assembly(state, request, source, wrt).compiled()


def new_integers(state: Walk, integral: set[str]) -> bool:
    """Whether the walk found integers that index or count, which were taken for real numbers."""
    found = {path for path in state.integral if path in state.integers and path not in integral}
    integral |= found
    return bool(found)


class Walk(Inference):
    """The state of one walk, with the parameters it began with."""

    parameters: dict[str, Ref]
    integers: dict[str, Ref]


def start(request: Request, source: Source, program: Program, arguments: Mapping[str, Any]) -> Walk:
    facts = Facts()
    own = identifiers(source.tree)
    local = set(request.function.__code__.co_varnames) | set(request.function.__code__.co_cellvars)
    state = Walk(request.title, facts, Guards(facts), Namer(own))
    state.user_names = set(own)
    state.bound = set(arguments)
    for statement in walk(program.body):
        for target in bound(statement):
            state.namer.reserve(target)
    for identifier in request.function.__code__.co_names:
        state.namer.reserve(identifier)
    facts.modules = module_names(request.function, state.namer, own)
    state.parameters = {}
    state.integers = {}
    for taken in ("float", "type", "slice"):
        if taken in local or request.function.__globals__.get(taken, getattr(builtins, taken)) is not getattr(builtins, taken):
            raise SrcadError(f"the name `{taken}` means something else here, and the generated code needs Python's. Rename it.", None, request.title)
    for parameter, value in arguments.items():
        try:
            state.parameters[parameter] = state.guards.read(parameter, value)
        except SrcadError as problem:
            raise SrcadError(problem.reason, source.locate(source.tree), program.name) from None
    return state


def module_names(function: types.FunctionType, namer: Namer, own: frozenset[str]) -> dict[str, str]:
    """The name that each library has in the generated code: the user's own, where there is one."""
    found = {}
    local = set(function.__code__.co_varnames) | set(function.__code__.co_freevars)
    for module, usual in MODULES.items():
        loaded = sys.modules.get(module)
        if loaded is None:
            continue
        candidates = [n for n in (usual, *function.__code__.co_names) if function.__globals__.get(n) is loaded and n not in local]
        if candidates:
            found[module] = candidates[0]
            namer.reserve(candidates[0])
        else:
            found[module] = namer.adjoint(usual)
    return found


def differentiated(state: Walk, request: Request, arguments: Mapping[str, Any], integral: set[str]) -> list[tuple[str, Ref]]:
    """Make the leaves of the parameters in `wrt` active; integer arrays become floats first."""
    wrt = []
    for parameter in request.wrt:
        if parameter not in state.parameters:
            raise SrcadError(f"wrt names `{parameter}`, which is not a parameter of it.", None, request.title)
        ref = state.parameters[parameter]
        wrt.append((parameter, ref))
        real = [leaf for leaf in leaves(ref) if isinstance(leaf.value, Number) and leaf.number.dtype != BOOL]
        for leaf in real:
            activate(state, parameter, leaf, integral, request)
        if request.asked and not any(leaf.key in state.active for leaf in leaves(ref)):
            what = "indexes, counts or gives a shape" if integral & {leaf.key for leaf in leaves(ref)} else "is not a number or an array of numbers"
            raise SrcadError(f"`{parameter}` has no derivative: it {what}. Leave it out of wrt.", None, request.title)
    state.parameters = {k: refreshed(v, state) for k, v in state.parameters.items()}
    return wrt


def activate(state: Walk, parameter: str, leaf: Ref, integral: set[str], request: Request) -> None:
    number = leaf.number
    if number.dtype is None or number.dtype.kind not in "iufb":
        kind = "complex numbers are" if number.dtype is not None and number.dtype.kind == "c" else f"arrays of dtype {number.dtype} are"
        raise SrcadError(f"`{leaf.key}`: {kind} not differentiated.", None, request.title)
    if number.dtype.kind in "iu":
        if leaf.key in integral:
            return
        state.integers[leaf.key] = leaf
        state.guards.refs[leaf.key] = converted(state, leaf)
    state.active.add(leaf.key)


ENTRY = Location("", -1, 0, 0, 0, "", "")


def converted(state: Walk, leaf: Ref) -> Ref:
    """An integer as a real number: the call passes Python's as floats; arrays begin with `x = x.astype(float)`."""
    number = leaf.number
    origin = frozenset({leaf.key})
    if number.form == "python":
        return Ref(leaf.expr, Number("python", FLOAT, (), origin=origin), leaf.key)
    if number.form == "scalar":
        expr: ast.expr = call("float", [leaf.expr])
        made = Number("python", FLOAT, (), origin=origin)
    else:
        expr = method(leaf.expr, "astype", name("float"))
        made = Number("array", FLOAT, number.shape, origin=origin)
    target = leaf.key if leaf.key.isidentifier() else state.namer.temporary("leaf")
    state.statements.append(Assign(target, expr, ENTRY))
    state.shown[leaf.key] = leaf.key
    state.user_names.add(target)
    return Ref(name(target), made, leaf.key)


def refreshed(ref: Ref, state: Walk) -> Ref:
    """A parameter with its converted leaves in place."""
    value = ref.value
    if isinstance(value, Items):
        return Ref(ref.expr, Items(value.type, tuple(refreshed(i, state) for i in value.items)), ref.key)
    if isinstance(value, Record):
        return Ref(ref.expr, Record(value.type, {k: refreshed(i, state) for k, i in value.items.items()}), ref.key)
    return state.guards.refs.get(ref.key, ref)


class Assembly:
    """Puts forward and backward halves together into the text of a module."""

    def __init__(self, state: Walk, request: Request, source: Source, wrt: list[tuple[str, Ref]]) -> None:
        self.state, self.request, self.source = state, request, source
        self.wrt = [(p, refreshed(r, state)) for p, r in wrt]
        self.facts = state.facts
        self.reverse = Reverse(state, Gates(state).apply())
        self.values: list[Ref] = []

    def compiled(self) -> Compiled:
        self.split_result()
        pair = self.request.mode == "pair"
        seed_name = self.state.namer.adjoint("dout") if pair else ""
        cache_name = self.state.namer.adjoint("cache") if pair else ""
        backward = self.reverse.run(self.seeds(seed_name), self.wanted_leaves())
        statements, end, returned = self.results(backward)
        forward = tuple(self.state.statements)
        first = len(forward)
        tail = Return(end, LAST)
        kept = self.value_expr() if self.request.mode != "grad" else None
        block = (*forward, *backward.statements, *statements, tail)
        block = self.simplified(block, first, kept)
        first = self.count
        kinds = {**backward.kinds, **self.final_kinds}
        foreign = list(names(kept)) if kept is not None else []
        block = settle(block, first, kinds, returned, foreign)
        forward, rest = block[:first], block[first:]
        return self.pair(forward, rest, seed_name, cache_name) if pair else self.single(forward, rest, kept)

    # ---- results and seeds

    def split_result(self) -> None:
        self.main, self.aux = self.state.result, None
        if self.request.has_aux:
            value = self.state.result.value
            if not isinstance(value, Items) or len(value.items) != 2:
                raise SeedError("has_aux=True needs a function that returns a pair (value, aux).", None, self.request.title)
            self.main, self.aux = value.items
        if self.request.mode == "pair":
            return
        number = self.main.number
        if isinstance(self.main.value, Number) and number.shape == () and number.dtype != BOOL:
            return
        raise SeedError(f"a gradient needs one number as the result, and this returns {shown(self.main)}. Use vjp, forward and backward, or "
                        "elementwise_grad, or return a sum.", None, self.request.title)

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
        return backward.statements[-1].loc if backward.statements else LAST

    def gradient(self, ref: Ref, backward: Backward, statements: list[Statement], returned: list[str]) -> ast.expr:
        """The gradient in the structure of its parameter."""
        match ref.value:
            case Items(type=kind, items=items):
                elements = [self.gradient(i, backward, statements, returned) for i in items]
                if kind is list:
                    return ast.List(elts=elements, ctx=ast.Load())
                display = ast.Tuple(elts=elements, ctx=ast.Load())
                return display if kind is tuple else call(call("type", [ref.expr]), elements)
            case Record(type=kind, items=mapping):
                parts = {k: self.gradient(i, backward, statements, returned) for k, i in mapping.items()}
                if kind is dict:
                    return ast.Dict(keys=[const(k) for k in parts], values=[*parts.values()])
                return call(call("type", [ref.expr]), [], **parts)
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
        return self.converted(expr, term.number, original)

    def converted(self, expr: ast.expr, made: Number, wanted: Number) -> ast.expr:
        """Python float for Python numbers, NumPy scalar for NumPy scalars, array for arrays, each in its dtype."""
        dtype = wanted.dtype if wanted.dtype is not None and wanted.dtype.kind == "f" else FLOAT
        numpy = self.facts.modules["numpy"]
        if wanted.form == "python":
            literal_float = isinstance(expr, ast.Constant) and isinstance(expr.value, float)
            return expr if literal_float or made.form == "python" and made.dtype == FLOAT else call("float", [expr])
        if wanted.form == "scalar":
            return expr if made.form == "scalar" and made.dtype == dtype else call(render(dtype, self.facts), [expr])
        if wanted.shape == ():
            self.facts.module("numpy")
            return call(f"{numpy}.array", [expr, render(dtype, self.facts)] if made.dtype != dtype or dtype != FLOAT else [expr])
        if made.dtype != dtype:
            return method(expr, "astype", render(dtype, self.facts))
        return expr

    def value_expr(self) -> ast.expr:
        return self.state.result.expr

    # ---- simplification

    def simplified(self, block: Block, first: int, kept: ast.expr | None) -> Block:
        """Dead code out, single uses folded, branches joined. Sets `count`, the length of the forward half."""
        marks = {id(s) for s in block[:first]}
        if kept is not None:
            block = (*block[:first], Effect(kept, VALUE), *block[first:])
        block = self.live(block, first)
        place = {id(s): i for i, s in enumerate(block)}
        user_names = self.state.user_names | {self.request.title}

        def is_temporary(identifier: str) -> bool:
            return identifier not in user_names and not identifier.startswith("adjoints")

        def may_move(definition: Assign, user: Statement) -> bool:
            return self.may_move(definition, user, block, place, marks)

        adjoint_names = set(self.reverse.names.values())
        block = fold(block, lambda n: is_temporary(n) and n not in adjoint_names, may_move)
        self.kept = next((expressions(s)[0] for s in block if s.loc is VALUE), const(None))
        block = tuple(s for s in block if s.loc is not VALUE)
        self.count = sum(map(self.is_forward, block))
        return (*block[: self.count], *join_branches(block[self.count :]))

    def is_forward(self, statement: Statement) -> bool:
        """Whether a statement is the user's own."""
        if isinstance(statement, Effect):
            return statement.loc in self.effect_locs
        return any(t in self.forward_bound for t in bound(statement))

    def live(self, block: Block, first: int) -> Block:
        self.forward_bound = {t for s in block[:first] for t in bound(s)}
        self.effect_locs = [s.loc for s in block[:first] if isinstance(s, Effect)]
        forward = {id(s) for s in block[:first]}

        def keep(statement: Statement) -> bool:
            if id(statement) not in forward:
                return statement.loc is VALUE
            if isinstance(statement, Effect):
                return True
            return isinstance(statement, Assign) and (statement.target in self.state.impure or statement.target in self.state.raising)

        block = drop_dead(block, keep)
        return tuple(s for s in block if not (s.loc is ENTRY and isinstance(s, Assign) and not self.reads_value(s.target, block)))

    @staticmethod
    def reads_value(parameter: str, block: Block) -> bool:
        """Whether anything but the shape of a converted parameter is read."""
        return any(value_read(parameter, e) for s in block if s.loc is not ENTRY for inner in walk((s,)) for e in expressions(inner))

    def may_move(self, definition: Assign, user: Statement, block: Block, place: dict[int, int], marks: set[int]) -> bool:
        """A single-use temporary goes back where it came from; into the backward half only if it is short, and pure."""
        state = self.state
        here = (definition.loc.line, definition.loc.index) == (user.loc.line, user.loc.index)
        target = definition.target
        if target in state.impure:
            start_, end = place.get(id(definition), 0), place.get(id(user), len(block))
            between = [s for s in block[start_ + 1 : end] if any(t in state.impure for t in bound(s))]
            return here and not between
        if id(user) in marks or user.loc is VALUE:
            return here or (target not in state.raising and short(definition.expr)) or user.loc is VALUE
        if target in self.forward_bound:
            return target not in state.raising and short(definition.expr)
        return short(definition.expr)

    # ---- text

    def parameters_text(self) -> str:
        return arguments_text(bare_annotations(self.source.tree.args))

    def single(self, forward: Block, rest: Block, kept: ast.expr | None) -> Compiled:
        title = f"{self.request.title}_{'grad' if self.request.mode == 'grad' else 'value_and_grad'}"
        end = rest[-1]
        assert isinstance(end, Return)
        last = returned_text(end.value)
        if kept is not None:
            last = f"{text(self.kept)}, {text(end.value)}"
        body = function_text(title, self.parameters_text(), forward, rest[:-1], [f"return {last}"])
        return self.loaded([body], [title], (*forward, *rest), [self.kept] if kept is not None else [])

    def pair(self, forward: Block, rest: Block, seed_name: str, cache_name: str) -> Compiled:
        end = rest[-1]
        assert isinstance(end, Return)
        rest, sizes = self.shapes_kept(rest)
        rest, items = self.items_kept(rest)
        made = {t for s in rest for t in bound(s)}
        known = {t for s in forward for t in bound(s)} | set(self.state.parameters)
        wanted = [n for s in rest for e in expressions_deep(s) for n in names(e)]
        kept_names = [n for n in dict.fromkeys(wanted) if n in known and n not in made]
        residuals = [(n, self.residual(n)) for n in kept_names] + [*items.items(), *sizes.items()]
        title = self.request.title
        held = ", ".join(text(e) for _, e in residuals) + "," * (len(residuals) == 1)
        head = [f"{cache_name} = ({held})", f"return {text(self.kept)}, {cache_name}"]
        first = function_text(f"{title}_forward", self.parameters_text(), forward, (), head)
        end_ = rest[-1]
        assert isinstance(end_, Return)
        last = returned_text(end_.value)
        body = function_text(f"{title}_backward", f"{seed_name}, {cache_name}", (), rest[:-1], [f"return {last}"])
        if residuals:
            unpack = "    " + ", ".join(n for n, _ in residuals) + "," * (len(residuals) == 1) + f" = {cache_name}\n"
            line = body.index("\n") + 1
            body = body[:line] + unpack + body[line:]
        return self.loaded([first, body], [f"{title}_forward", f"{title}_backward"], (*forward, *rest), [self.kept])

    def shapes_kept(self, rest: Block) -> tuple[Block, dict[str, ast.expr]]:
        """Where the backward pass reads only the shape of something, the shape is kept, not the array."""
        known = self.forward_bound | set(self.state.parameters)
        every = [e for s in rest for e in expressions_deep(s)]
        sizes: dict[str, ast.expr] = {}
        changes: dict[str, str] = {}
        for identifier in dict.fromkeys(n for e in every for n in names(e)):
            if identifier in known and not any(value_read(identifier, e, ("shape",)) for e in every):
                label = self.state.namer.temporary(f"{identifier}_shape")
                sizes[label] = expression(f"{identifier}.shape")
                changes[identifier] = label
        shapes = ShapeNames(changes)
        return (map_block(rest, lambda e: shapes.visit(e)) if changes else rest), sizes

    def items_kept(self, rest: Block) -> tuple[Block, dict[str, ast.expr]]:
        """Of lists, dicts, objects, globals the numbers that the backward pass reads are kept: by then they may be others."""
        held: dict[str, ast.expr] = {}
        labels: dict[str, str] = {}

        def keep(leaf: Ref, shape: bool) -> ast.expr:
            key = leaf.key + ".shape" * shape
            if key not in labels:
                base = self.reverse.adjoint_name(leaf.key).removeprefix("d") + "_shape" * shape
                labels[key] = self.state.namer.temporary(base)
                whole = leaf.expr if leaf.number.is_plain else method(leaf.expr, "copy")
                held[labels[key]] = ast.Attribute(value=leaf.expr, attr="shape", ctx=ast.Load()) if shape else whole
            return name(labels[key])

        found = {k: ref for k, ref in self.state.guards.refs.items() if isinstance(ref.value, Number) and k not in self.state.parameters}
        paths = Paths(found, keep)
        return (map_block(rest, lambda e: paths.visit(e)) if found else rest), held

    def residual(self, identifier: str) -> ast.expr:
        """What is kept shares no memory with arguments or the value: those may be changed before the backward pass."""
        number = self.forward_kind(identifier)
        shared = identifier in self.state.parameters or identifier in set(names(self.kept)) or number is None or not number.fresh
        if number is not None and (number.is_plain or not shared):
            return name(identifier)
        return method(name(identifier), "copy") if number is not None else name(identifier)

    def forward_kind(self, identifier: str) -> Number | None:
        if identifier in self.state.parameters:
            value = self.state.parameters[identifier].value
            return value if isinstance(value, Number) else None
        for op in self.reverse.operations:
            for ref in (*op.outputs, *flat(op.operands)):
                if ref.key == identifier:
                    return ref.number
        return None

    def loaded(self, bodies: list[str], wanted: list[str], block: Block, extra: Sequence[ast.expr]) -> Compiled:
        from srcad.module import Module

        module = Module(self.state, self.request, self.source)
        return module.compiled(bodies, wanted, block, extra)


LAST = Location("", -2, 0, 0, 0, "", "the result")
VALUE = Location("", -3, 0, 0, 0, "", "")


def returned_text(value: ast.expr) -> str:
    """What a return says: a tuple without its parentheses."""
    if isinstance(value, ast.Tuple) and len(value.elts) > 1:
        return ", ".join(text(e) for e in value.elts)
    return text(value)


def flat(values: Any) -> list[Ref]:
    from srcad.infer import flatten

    return flatten(values)


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
        case Record(items=mapping):
            return [pair for k, item in mapping.items() for pair in seed_paths(item, f"{path}[{k!r}]")]
    return [(ref, expression(path))]


def value_read(identifier: str, node: ast.AST, parts: Sequence[str] = ("shape", "ndim", "size")) -> bool:
    """Whether an expression reads a variable's value, not only its shape."""
    if isinstance(node, ast.Attribute) and node.attr in parts and isinstance(node.value, ast.Name):
        return False
    if isinstance(node, ast.Name):
        return node.id == identifier
    if isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.func.id == "len" and "ndim" in parts:
        return False
    return any(value_read(identifier, child, parts) for child in ast.iter_child_nodes(node))


class Rewrite(ast.NodeTransformer):
    """A transformer that makes new nodes and leaves the old ones as they are."""

    def generic_visit(self, node: ast.AST) -> ast.AST:
        fields = {f: [self.visit(v) if isinstance(v, ast.AST) else v for v in old] if isinstance(old, list) else self.visit(old) if isinstance(old, ast.AST) else old
                  for f, old in ast.iter_fields(node)}
        return type(node)(**fields)


class Paths(Rewrite):
    """`w[0]` becomes the name under which the cache has it."""

    def __init__(self, found: Mapping[str, Ref], keep: Callable[[Ref, bool], ast.expr]) -> None:
        self.found, self.keep = found, keep

    def visit(self, node: ast.AST) -> Any:
        if isinstance(node, ast.Attribute) and node.attr == "shape" and ast.unparse(node.value) in self.found:
            return self.keep(self.found[ast.unparse(node.value)], True)
        if isinstance(node, (ast.Name, ast.Subscript, ast.Attribute)) and is_path(node):
            leaf = self.found.get(ast.unparse(node))
            if leaf is not None:
                return self.keep(leaf, False)
        return super().visit(node)


class ShapeNames(Rewrite):
    """`x.shape` becomes `x_shape`."""

    def __init__(self, changes: Mapping[str, str]) -> None:
        self.changes = changes

    def visit_Attribute(self, node: ast.Attribute) -> ast.expr:
        if node.attr == "shape" and isinstance(node.value, ast.Name) and node.value.id in self.changes:
            return name(self.changes[node.value.id])
        return self.generic_visit(node)  # type: ignore[return-value]


def expressions_deep(statement: Statement) -> list[ast.expr]:
    return [e for inner in walk((statement,)) for e in expressions(inner)]


def bare_annotations(arguments: ast.arguments) -> ast.arguments:
    """Parameters as written, without annotations."""
    def bare(parameter: ast.arg | None) -> ast.arg | None:
        return parameter and ast.arg(arg=parameter.arg)

    return ast.arguments(
        posonlyargs=[bare(a) for a in arguments.posonlyargs], args=[bare(a) for a in arguments.args], vararg=bare(arguments.vararg),
        kwonlyargs=[bare(a) for a in arguments.kwonlyargs], kw_defaults=arguments.kw_defaults, kwarg=bare(arguments.kwarg), defaults=arguments.defaults)
