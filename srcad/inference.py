"""What a walk of a program finds out: its straight line of statements, and the operations that are differentiated.

    z = x * y    ->    Operation(outputs=(z,), function=np.multiply, rule=..., operands=(x, y))
"""
from __future__ import annotations

import ast
import dataclasses
import operator
import types
from collections.abc import Callable, Mapping, Sized
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from srcad.dims import Dim, Facts
from srcad.ir import (
    SYMBOLS,
    Block,
    Location,
    Program,
    Statement,
)
from srcad.kinds import BOOL, FLOAT, INT, Buffer, Lazy, Method, Number, Object, Place, Record, Ref, Sequence, Series, Static, contents, is_double, leaves, python
from srcad.live import Live
from srcad.outside import Guards
from srcad.rules import Rule
from srcad.syntax import BLANK, Namer, call, const, name, same
from srcad.uses import reads

OPERATORS: dict[type[ast.AST], tuple[np.ufunc, Callable[..., Any]]] = {
    ast.Add: (np.add, operator.add), ast.Sub: (np.subtract, operator.sub), ast.Mult: (np.multiply, operator.mul),
    ast.Div: (np.divide, operator.truediv), ast.FloorDiv: (np.floor_divide, operator.floordiv), ast.Mod: (np.remainder, operator.mod),
    ast.Pow: (np.power, operator.pow), ast.MatMult: (np.matmul, operator.matmul), ast.BitAnd: (np.bitwise_and, operator.and_),
    ast.BitOr: (np.bitwise_or, operator.or_), ast.BitXor: (np.bitwise_xor, operator.xor), ast.LShift: (np.left_shift, operator.lshift),
    ast.RShift: (np.right_shift, operator.rshift), ast.USub: (np.negative, operator.neg), ast.UAdd: (np.positive, operator.pos),
    ast.Invert: (np.invert, operator.invert), ast.Not: (np.logical_not, operator.not_), ast.Eq: (np.equal, operator.eq),
    ast.NotEq: (np.not_equal, operator.ne), ast.Lt: (np.less, operator.lt), ast.LtE: (np.less_equal, operator.le),
    ast.Gt: (np.greater, operator.gt), ast.GtE: (np.greater_equal, operator.ge),
}


def GETITEM(x: Any, index: Any) -> Any:  # noqa: N802
    """Indexing, as an operation: `x[index]`."""
    return x[index]


NOWHERE = Location("", 0, 0, 0, 0, "", "")


@dataclass(frozen=True, eq=False)
class Operation:
    """One differentiable operation: `outputs = function(*operands, **params)`."""

    outputs: tuple[Ref, ...]
    multiple: bool
    function: Any
    rule: Rule | None  # None for indexing, whose adjoint is a scatter
    operands: tuple[Any, ...]  # Refs, nested lists of them, or plain values
    params: Mapping[str, Any]
    loc: Location
    values: Mapping[str, Ref] = field(default_factory=dict)  # copies of what is changed in place later, by key


@dataclass(frozen=True, eq=False)
class Write:
    """`base[index] = value`, or `+=`; the whole of base where there is no index.

    part: the kind of what is written to; distinct: whether no element can be named twice; sign: 0 for a store,
    1 for `+=`, -1 for `-=`.
    """

    base: Ref
    index: ast.expr | None
    part: Number
    value: Ref
    distinct: bool
    sign: int
    loc: Location
    change: Change | None = None


@dataclass(frozen=True, eq=False)
class Phi:
    """A name that stands for one value or another: by the branch taken, or at the head of a loop and after it.

    In a loop `first` is the value before it and `second` the one that a pass leaves behind. None: no value on this path.
    """

    output: Ref
    first: Ref | None
    second: Ref | None


@dataclass(frozen=True, eq=False)
class Region:
    """A block that is walked on its own: what it does, and what of it is differentiated."""

    statements: Block
    steps: tuple[Step, ...]
    stops: bool = False  # it ends in a break
    raises: bool = False


@dataclass(frozen=True, eq=False)
class Branch:
    """`if test: body else: orelse`, with data in the test."""

    test: ast.expr
    body: Region
    orelse: Region
    phis: tuple[Phi, ...]
    loc: Location
    statement: Statement
    sizes: Mapping[str, str] = field(default_factory=dict)  # the lengths of lists after it


@dataclass(frozen=True, eq=False)
class Loop:
    """A loop: its passes are taken in reverse.

    target, iter: of a for loop, "" and None for a while loop; count: the name that holds the number of passes where only the run can tell.
    """

    target: str
    iter: ast.expr | None
    count: str
    body: Region
    phis: tuple[Phi, ...]
    loc: Location
    statement: Statement
    sizes: Mapping[str, str] = field(default_factory=dict)
    side: tuple[int, bool] | None = None  # the arm of the branch that a pass which counts goes through, if the other one breaks


@dataclass(frozen=True, eq=False)
class Scope:
    """`with headers: body`."""

    headers: tuple[ast.expr, ...]
    body: Region
    loc: Location
    statement: Statement


@dataclass(frozen=True, eq=False)
class ListStep:
    """What happens to a list whose items are known only at run time.

    what: "make" (of values), "append" (values[0]), "pop", "read", "store" (values[0] at index), "slice", "array", "sum"; size: a
    name that holds its length after it.
    """

    what: str
    series: Series
    values: tuple[Ref, ...]
    output: Ref | None
    index: ast.expr | None
    size: str
    loc: Location


Step = Operation | Write | Branch | Loop | Scope | ListStep


@dataclass
class Knowledge:
    """What one walk of a program has found out that the next must know from its beginning."""

    integral: set[str] = field(default_factory=set)  # integer parameters that index, count or give a shape
    written: set[object] = field(default_factory=set)  # the sites of memory that is changed in place
    active: set[object] = field(default_factory=set)  # those of it that hold what is differentiated
    split: set[object] = field(default_factory=set)  # branches whose ends do not meet: what follows is walked in both
    unrolled: set[object] = field(default_factory=set)  # loops that are written out
    series: dict[object, tuple[Number | None, bool]] = field(default_factory=dict)  # lists that grow in loops -> the kind of their items, and activity
    walked: int = 0  # statements, in all walks
    widened: int = 0  # how often one of these has turned out to be wider
    peeled: set[object] = field(default_factory=set)  # loops whose first pass is, since it makes an array of a number
    paired: set[object] = field(default_factory=set)  # functions that are compiled by themselves
    recursive: set[object] = field(default_factory=set)  # those of them whose recursion ends by data
    inlined: set[object] = field(default_factory=set)  # functions that cannot be compiled by themselves

    def size(self) -> int:
        sets: tuple[Sized, ...] = (self.integral, self.written, self.active, self.split, self.unrolled, self.peeled, self.series, self.paired, self.inlined)
        return self.widened + sum(len(s) for s in sets)


@dataclass(frozen=True)
class Snapshot:
    """A copy of an array that is changed in place, made where the backward pass may need what it held."""

    target: str
    of: Change  # the read that it stands for


@dataclass(frozen=True)
class Change:
    """A write into memory: when, in which loops, and where."""

    buffer: Buffer
    event: int
    loops: tuple[int, ...]
    loc: Location
    index: tuple[Any, ...] | None = None


@dataclass
class Inference:
    """What is known of a program for the arguments at hand."""

    name: str
    facts: Facts
    guards: Guards
    namer: Namer
    statements: list[Statement] = field(default_factory=list)
    operations: list[Step] = field(default_factory=list)
    user_names: set[str] = field(default_factory=set)
    blank: bool = False  # whether the function reads a variable called `_`
    bound: set[str] = field(default_factory=set)  # the names that the generated code has bound so far
    fields: dict[str, tuple[str, ...]] = field(default_factory=dict)  # results of several parts -> their names
    impure: set[str] = field(default_factory=set)  # targets whose statements must run, and in order
    spoken: set[str] = field(default_factory=set)  # strings that say what is differentiated
    raising: set[str] = field(default_factory=set)  # targets whose statements may raise
    active: set[str] = field(default_factory=set)
    shown: dict[str, str] = field(default_factory=dict)  # an adjoint's key -> the name that it is called after
    integral: set[str] = field(default_factory=set)  # integer parameters that index, count or give a shape
    deciding: set[str] = field(default_factory=set)  # those that are read as floats and decide which elements are meant: they are integral if nothing else reads them
    helpers: dict[str, object] = field(default_factory=dict)
    imports: dict[str, str] = field(default_factory=dict)  # those of the helpers that the program imports itself -> how
    knowledge: Knowledge = field(default_factory=Knowledge)
    kinds: dict[str, Number] = field(default_factory=dict)  # of every name that the generated code binds
    changes: list[Change] = field(default_factory=list)
    snapshots: list[Snapshot] = field(default_factory=list)
    aliases: dict[str, str] = field(default_factory=dict)  # a name -> the name of the memory that it lies in
    kept: dict[tuple[str, int], Ref] = field(default_factory=dict)
    lists: dict[str, bool] = field(default_factory=dict)  # the names of lists that grow in loops -> whether they only grow
    users: dict[Buffer, tuple[Buffer, ...]] = field(default_factory=dict)  # memory -> the joined memories that it may be
    reads: list[Change] = field(default_factory=list)  # of memory that is changed
    item_reads: dict[str, Change] = field(default_factory=dict)  # what was read of memory that is changed, by the name it was given
    stored: dict[str, tuple[ast.expr, Change]] = field(default_factory=dict)  # a name -> the element or the part of an array that its value was put into
    steps: dict[str, int] = field(default_factory=dict)  # the indices of all loops -> 1 upwards, -1 downwards
    counters: dict[int, str] = field(default_factory=dict)  # a loop -> its index
    loops: tuple[int, ...] = ()
    event: int = 0
    tags: int = 0
    region: int = 0  # the block at hand, by number
    regions: int = 0
    passes: int = 0  # functions and passes of loops walked: tells their statements apart
    sought: tuple[object, ...] | None = None  # the list whose items the passes of a loop are asked about, by where it is made
    frames: list[Frame] = field(default_factory=list)
    choices: list[frozenset[str]] = field(default_factory=list)  # of each branch on data around the statement at hand: the integer parameters in its test
    calls: dict[object, dict[tuple[Any, ...], int]] = field(default_factory=dict)  # functions of the program's own -> the statements that each call has come to
    scope: frozenset[str] = frozenset()  # the names that the function itself binds, or has around it
    global_names: set[str] = field(default_factory=set)  # those that mean globals wherever the generated code reads them
    pairings: Any = None  # functions that are compiled by themselves
    nested: list[Any] = field(default_factory=list)  # gradients that are compiled on the way
    alone: bool = False  # whether this is the walk of such a function
    result: Ref = field(default_factory=lambda: Ref(const(None), Static(None)))

    def is_written(self, place: Place | None) -> bool:
        """Whether a place lies in memory that the program changes."""
        written = self.knowledge.written
        return bool(written) and place is not None and any(b.site in written for b in place.buffer.family())

    @property
    def idle(self) -> str:
        """`_`, for what nobody reads; nothing, where the program has a variable of that name."""
        return "" if self.blank or any(BLANK in reads(s) for s in self.statements) else BLANK

    def idle_name(self) -> str:
        """The name of a counter that nobody reads."""
        return self.idle or self.namer.temporary("i")

    def is_active(self, value: Any) -> bool:
        """Whether any number in a value is differentiated."""
        if isinstance(value, (list, tuple)):
            return any(self.is_active(v) for v in value)
        if not isinstance(value, Ref):
            return False
        if isinstance(value.value, Sequence) and value.value.series is not None:
            return value.value.series.active
        if isinstance(value.value, Method):
            return self.is_active(value.value.owner)
        if isinstance(value.value, Lazy):
            return self.is_active(value.value.parts)
        return any(leaf.key in self.active for leaf in leaves(value))


@dataclass
class Frame:
    """One function being walked: its variables and where its other names are read from."""

    program: Program
    function: types.FunctionType | None
    locals: dict[str, Ref]
    own_names: frozenset[str]
    prefix: str = ""  # how its globals are read from the main program: "" or "module."
    depth: int = 0
    parent: Frame | None = None  # of a function defined inside: the one around it
    live: Live | None = None
    choices: int = 0  # how many branches on data were open when it was called
    code: object = None  # the function's code, or its tree if it is defined inside


def symbol_of(op: ast.operator) -> str:
    return SYMBOLS[type(op)]


def describe_value(ref: Ref) -> str:
    value = ref.value
    if isinstance(value, (Sequence, Record)):
        return value.type.__name__
    if isinstance(value, Object) and not value.path:
        return "library's object"
    return type(value.value).__name__ if isinstance(value, (Static, Object)) else "number"


def function_label(function: Any) -> str:
    """A library function as a user writes it: np.linalg.eig."""
    owner = getattr(function, "__self__", None)
    if isinstance(owner, np.ufunc):
        return f"{function_label(owner)}.{function.__name__}"
    if owner is not None and hasattr(owner, "logcdf") and hasattr(owner, "name"):  # a distribution of SciPy's
        return f"scipy.stats.{owner.name}.{function.__name__}"
    label = getattr(function, "__qualname__", getattr(function, "__name__", repr(function))).replace("_gen.", ".")  # of SciPy's distributions
    module, *_ = (getattr(function, "__module__", None) or "").split("._")
    if isinstance(function, np.ufunc) and not module:
        module = "numpy" if getattr(np, function.__name__, None) is function else "scipy.special"
    module = module.replace("numpy", "np")
    return label if module in ("builtins", "", "operator", "_operator") else f"{module}.{label}"


def fractional(source: Ref, joined: Ref) -> ast.expr:
    """A value for a name that is a float on another path: a whole number would make arrays of whole numbers."""
    if not (isinstance(source.value, Number) and isinstance(joined.value, Number) and joined.number.is_plain and is_double(joined.number.dtype) and source.number.dtype in (INT, BOOL)):
        return source.expr
    if isinstance(source.expr, ast.Constant):
        return const(float(source.expr.value))  # type: ignore[arg-type]
    return call("float", [source.expr])


def literal_ref(expr: ast.expr, value: Any, facts: Facts) -> Ref:
    if isinstance(value, bool):
        return Ref(expr, python(BOOL, Dim.of(value, facts)))
    if isinstance(value, int):
        return Ref(expr, python(INT, Dim.of(value, facts)))
    if isinstance(value, float):
        return Ref(expr, python(FLOAT))
    if isinstance(value, complex):
        return Ref(expr, python(np.dtype(complex)))
    return Ref(expr, Static(value))


def constant_ref(value: Any, facts: Facts) -> Ref:
    """The operand that is ``value`` itself, written as a literal."""
    return literal_ref(const(value), value, facts)


def display(kind: type, items: tuple[Ref, ...]) -> Ref:
    """A tuple, list or slice of what is already there."""
    elements = [i.expr for i in items]
    expr: ast.expr
    if kind is slice:
        expr = call("slice", elements)
    else:
        expr = ast.List(elts=elements, ctx=ast.Load()) if kind is list else ast.Tuple(elts=elements, ctx=ast.Load())
    return Ref(expr, Sequence(kind, tuple(items), kind is list))


def record_display(kind: type, items: dict[Any, Ref]) -> Ref:
    expr = ast.Dict(keys=[const(k) for k in items], values=[i.expr for i in items.values()])
    return Ref(expr, Record(kind, items, True))


def current(ref: Ref, above: tuple[int, ...] = ()) -> Ref:
    """A container as it is now: what the program made and may have changed is written out from its items; above: what it lies in."""
    value = ref.value
    if isinstance(value, Sequence) and value.series is not None:
        return Ref(name(value.series.name), value, value.series.name)
    if not isinstance(value, (Sequence, Record)) or id(value) in above:
        return ref
    above = (*above, id(value))
    if isinstance(value, Sequence) and (value.mutable or value.type is tuple and isinstance(ref.expr, ast.Tuple)):
        made = display(value.type, tuple(current(i, above) for i in value.items))
        return Ref(made.expr, value, ref.key)
    if isinstance(value, Record) and value.mutable and value.type is dict:
        return Ref(record_display(dict, {k: current(i, above) for k, i in value.items.items()}).expr, value, ref.key)
    if isinstance(ref.expr, ast.Call) and is_made_of_fields(value):
        labels = value.type._fields if isinstance(value, Sequence) else list(value.items)  # type: ignore[attr-defined]
        parts = [current(i, above).expr for i in contents(value)]
        written = [*ref.expr.args, *(k.value for k in ref.expr.keywords)]
        if len(written) == len(parts) and all(map(same, written, parts)):
            return ref
        keywords = [ast.keyword(arg=k, value=e) for k, e in zip(labels, parts)]
        return Ref(ast.Call(func=ref.expr.func, args=ref.expr.args[:1] if is_replacing(ref.expr) else [], keywords=keywords), value, ref.key)
    return ref


def is_replacing(made: ast.Call) -> bool:
    """Whether a call makes an object from another: `p._replace(x=1)`, `dataclasses.replace(p, x=1)`."""
    return getattr(made.func, "attr", getattr(made.func, "id", "")) in ("replace", "_replace")


def class_of(expr: ast.expr) -> ast.expr:
    """The class of an object as an expression: Point of `Point(1.0, 2.0)`, `type(p)` of p."""
    if not isinstance(expr, ast.Call):
        return call("type", [expr])
    if not is_replacing(expr):
        return expr.func
    return class_of(expr.func.value if isinstance(expr.func, ast.Attribute) and expr.func.attr == "_replace" else expr.args[0])


def is_made_of_fields(value: Sequence | Record) -> bool:
    """Whether calling its class with its items makes such an object: a named tuple, or a dataclass that does nothing more."""
    kind: Any = value.type
    if isinstance(value, Sequence):
        return hasattr(kind, "_fields")
    settings = getattr(kind, "__dataclass_params__", None)
    if settings is None or hasattr(kind, "__post_init__") or not settings.init:
        return False
    fields = dataclasses.fields(kind)
    return all(f.init for f in fields) and {f.name for f in fields} == set(value.items) and (settings.frozen or kind.__setattr__ is object.__setattr__)


def unwritable(ref: Ref, above: tuple[int, ...] = ()) -> type | None:
    """The class of an object in a value that the program has made and that cannot be made again from its attributes."""
    value = ref.value
    if not isinstance(value, (Sequence, Record)) or isinstance(value, Sequence) and value.series is not None:
        return None
    is_made = isinstance(ref.expr, ast.Call) and is_made_of_fields(value)
    if isinstance(value, Record) and (id(value) in above or value.type is not dict and value.mutable and not is_made):
        return value.type
    inner = () if id(value) in above else contents(value)
    return next((kind for i in inner if (kind := unwritable(i, (*above, id(value)))) is not None), None)


def nested(ref: Ref) -> Any:
    """A list of lists as nested lists of Refs."""
    return [nested(i) for i in ref.value.items] if isinstance(ref.value, Sequence) else ref


def flatten(values: Any) -> list[Ref]:
    """The Refs in nested lists of operands."""
    if isinstance(values, (list, tuple)):
        return [ref for v in values for ref in flatten(v)]
    return [values] if isinstance(values, Ref) else []


def located(kind: Number, made: str, facts: Facts) -> Number:
    """Dimensions that only the run can tell, said as those of the variable that has them."""
    if kind.shape is None or not any("?" in d.key for d in kind.shape):
        return kind
    dims = tuple(Dim.atom(f"{made}.shape[{i}]", None, facts) if "?" in d.key else d for i, d in enumerate(kind.shape))
    return dataclasses.replace(kind, shape=dims)
