"""Small functions on Python expressions: building, printing, comparing.

    >>> text(call("np.sum", [name("x")], axis=const(0)))
    'np.sum(x, axis=0)'
"""
from __future__ import annotations

import ast
import builtins
import copy
import functools
import keyword
import math
import warnings
from collections.abc import Collection, Iterator, Mapping, Sequence
from typing import Any

with warnings.catch_warnings():  # astor touches names that newer Pythons deprecate
    warnings.simplefilter("ignore", DeprecationWarning)
    import astor

OPERATIONS = (ast.BinOp, ast.UnaryOp, ast.Call, ast.Compare, ast.BoolOp, ast.IfExp)
BLANK = "_"  # what nobody reads
BUILTIN_NAMES = frozenset(dir(builtins)) | frozenset(keyword.kwlist) | {"match", "case", "type", "_"}


def name(identifier: str) -> ast.Name:
    return ast.Name(id=identifier, ctx=ast.Load())


def const(value: object) -> ast.expr:
    """A literal. Negative numbers become `-c`, as Python parses them; astor drops the parentheses of others."""
    if isinstance(value, (int, float)) and not isinstance(value, bool):
        if value != value or value in (math.inf, -math.inf):
            return expression(f"float('{value}')")
        if value < 0 or (value == 0 and math.copysign(1, value) < 0):
            return ast.UnaryOp(op=ast.USub(), operand=ast.Constant(value=-value))
    return ast.Constant(value=value)


def call(function: str | ast.expr, args: Sequence[ast.expr] = (), **keywords: ast.expr) -> ast.Call:
    func = expression(function) if isinstance(function, str) else function
    return ast.Call(func=func, args=list(args), keywords=[ast.keyword(arg=k, value=v) for k, v in keywords.items()])


def transposed(matrix: ast.expr) -> ast.expr:
    """`x.T`, and `x` for `x.T`."""
    return matrix.value if isinstance(matrix, ast.Attribute) and matrix.attr == "T" else ast.Attribute(value=matrix, attr="T", ctx=ast.Load())


def method(value: ast.expr, attribute: str, *args: ast.expr) -> ast.Call:
    return call(ast.Attribute(value=value, attr=attribute, ctx=ast.Load()), args)


def binary(left: ast.expr, op: ast.operator, right: ast.expr) -> ast.BinOp:
    return ast.BinOp(left=left, op=op, right=right)


@functools.lru_cache(4096)
def expression(source: str) -> ast.expr:
    """The tree of an expression's text (shared between callers: trees are never changed in place)."""
    return ast.parse(source, mode="eval").body


def text(node: ast.AST) -> str:
    """Source text of a tree, on one line, through astor; checked to parse back to the very tree.

    >>> text(expression("(a + b) * -2"))
    '(a + b) * -2'
    """
    if isinstance(node, ast.Name):
        return node.id
    if not isinstance(node, ast.expr):
        return ast.unparse(node)
    whole = ast.Assign(targets=[ast.Name(id="_", ctx=ast.Store())], value=unshared(node))  # astor puts parentheses around a bare expression
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", DeprecationWarning)
        source: str = astor.to_source(whole, pretty_source="".join).strip().removeprefix("_ = ")
    if isinstance(node, ast.Tuple) and node.elts:
        source = f"({source})"
    if is_simple(node):
        return source
    try:
        if same(ast.parse(source, mode="eval").body, node):
            return source
    except SyntaxError:
        pass
    return ast.unparse(ast.fix_missing_locations(copy.deepcopy(node)))


def unshared(node: ast.AST) -> ast.AST:
    """A copy in which no operation stands twice: astor notes on each whether it needs parentheses where it met it last."""
    if isinstance(node, (ast.Name, ast.Constant, ast.operator, ast.unaryop, ast.expr_context)):
        return node
    fields: dict[str, object] = {}
    for field in node._fields:
        value = getattr(node, field, None)
        if isinstance(value, list):
            fields[field] = [unshared(v) if isinstance(v, ast.AST) else v for v in value]
        else:
            fields[field] = unshared(value) if isinstance(value, ast.AST) else value
    return type(node)(**fields)


SIMPLE = (ast.Name, ast.BinOp, ast.Call, ast.keyword, ast.Attribute, ast.Subscript, ast.Slice)
SIMPLE_OPERATORS = (ast.Add, ast.Sub, ast.Mult, ast.Div, ast.MatMult, ast.Pow, type(None))


def is_simple(node: ast.AST) -> bool:
    """Names, numbers, arithmetic and calls: what astor is known to write well, negative numbers apart."""
    if isinstance(node, ast.Constant):
        return type(node.value) in (int, bool, type(None)) or type(node.value) is float and abs(node.value) < 1e300
    if not isinstance(node, SIMPLE):
        return False
    return isinstance(getattr(node, "op", None), SIMPLE_OPERATORS) and all(map(is_simple, children(node)))


def same(a: object, b: object) -> bool:
    """Whether two trees are equal; positions, and whether a name is read or written, do not count."""
    if a is b:
        return True
    if type(a) is not type(b):
        return False
    if isinstance(a, list) and isinstance(b, list):
        return len(a) == len(b) and all(map(same, a, b))
    if isinstance(a, ast.expr_context):
        return True
    if isinstance(a, ast.Constant) and isinstance(b, ast.Constant):
        return type(a.value) is type(b.value) and repr(a.value) == repr(b.value)
    if isinstance(a, ast.AST):
        return all(same(getattr(a, f, None), getattr(b, f, None)) for f in a._fields if f != "ctx")
    return a == b


def names(node: ast.AST) -> Iterator[str]:
    """Every identifier that occurs in a tree, with repetitions."""
    return iter(names_in(node))


def names_in(node: ast.AST) -> tuple[str, ...]:
    if isinstance(node, ast.Name):
        return (node.id,)
    found: list[str] = []
    collect(node, found)
    return tuple(found)


def collect(node: ast.AST, found: list[str]) -> None:
    for field in subtrees(type(node)):
        value = getattr(node, field, None)
        if isinstance(value, ast.Name):
            found.append(value.id)
        elif isinstance(value, ast.AST):
            collect(value, found)
        elif isinstance(value, list):
            for item in value:
                if isinstance(item, ast.Name):
                    found.append(item.id)
                elif isinstance(item, ast.AST):
                    collect(item, found)


@functools.cache
def subtrees(kind: type[ast.AST]) -> tuple[str, ...]:
    """The fields of a kind of node that may hold trees: not its operators, its context, its labels."""
    return () if kind is ast.Constant else tuple(f for f in kind._fields if f not in ("ctx", "op", "ops", "attr", "arg", "id"))


def names_always(node: ast.AST) -> Iterator[str]:
    """The names that are read whenever an expression is computed: not those in an arm of `a if test else b`, nor after `and`."""
    match node:
        case ast.Name(id=identifier):
            yield identifier
        case ast.IfExp(test=first) | ast.BoolOp(values=[first, *_]):
            yield from names_always(first)
        case ast.Compare(left=left, comparators=[right, *_]):
            yield from names_always(left)
            yield from names_always(right)
        case ast.ListComp() | ast.SetComp() | ast.DictComp() | ast.GeneratorExp():
            yield from names_always(node.generators[0].iter)
        case ast.Lambda():
            return
        case _:
            for child in children(node):
                yield from names_always(child)


def children(node: ast.AST) -> Iterator[ast.AST]:
    """The trees right below a node, operators and contexts apart."""
    for field in subtrees(type(node)):
        value = getattr(node, field, None)
        if isinstance(value, ast.AST):
            yield value
        elif isinstance(value, list):
            yield from (item for item in value if isinstance(item, ast.AST))


def nodes(node: ast.AST) -> Iterator[ast.AST]:
    """A tree and all trees in it, operators and contexts apart."""
    waiting = [node]
    while waiting:
        node = waiting.pop()
        yield node
        for field in subtrees(type(node)):
            value = getattr(node, field, None)
            if isinstance(value, ast.AST):
                waiting.append(value)
            elif isinstance(value, list):
                waiting += [item for item in value if isinstance(item, ast.AST)]


@functools.lru_cache(16)
def free_names(source: str) -> frozenset[str]:
    """The names that a module's text mentions, apart from Python's own."""
    return frozenset(names(ast.parse(source))) - frozenset(dir(builtins))


MODULE_NAMES: set[str] = {"np", "numpy", "math"}


def root_of(node: ast.AST) -> str:
    """The name whose memory a place lies in: dy of `dy.T[1:]` and of `np.flip(dy)[0]`; "" where there is none."""
    while not isinstance(node, ast.Name):
        match node:
            case ast.Subscript(value=value) | ast.Attribute(value=value):
                node = value
            case ast.Call(func=ast.Attribute(value=value)) if not is_module(value):
                node = value
            case ast.Call(args=[first, *_]):
                node = first
            case _:
                return ""
    return node.id


def is_module(node: ast.AST) -> bool:
    """Whether a dotted path begins with a name that NumPy or its like has here."""
    while isinstance(node, ast.Attribute):
        node = node.value
    return isinstance(node, ast.Name) and node.id in MODULE_NAMES


def reads_blank(tree: ast.AST) -> bool:
    """Whether a function reads a variable called `_`, which otherwise names what nobody reads."""
    return any(isinstance(node, ast.Name) and node.id == BLANK and isinstance(node.ctx, ast.Load) for node in nodes(tree))


def split_literal(expr: ast.expr) -> tuple[Any, ast.expr]:
    """The literal that a product begins with, and the rest of it: `2 * x * y` is 2 times `x * y`."""
    match expr:
        case ast.BinOp(left=ast.Constant(value=(int() | float()) as factor), op=ast.Mult(), right=rest):
            return factor, rest
        case ast.BinOp(left=ast.UnaryOp(op=ast.USub(), operand=ast.Constant(value=(int() | float()) as factor)), op=ast.Mult(), right=rest):
            return -factor, rest
        case ast.BinOp(left=ast.BinOp(op=ast.Mult()) as left, op=ast.Mult(), right=right):
            factor, rest = split_literal(left)
            return factor, binary(rest, ast.Mult(), right) if factor is not None else expr
    return None, expr


def factors_of(expr: ast.expr) -> list[ast.expr]:
    """The factors of a product, from left to right; of anything else itself."""
    match expr:
        case ast.BinOp(left=left, op=ast.Mult(), right=right):
            return [*factors_of(left), *factors_of(right)]
    return [expr]


def product_of(factors: Sequence[ast.expr]) -> ast.expr:
    """The product of some factors, at least one."""
    return functools.reduce(lambda left, right: binary(left, ast.Mult(), right), factors)


def from_zero(op: ast.operator, expr: ast.expr) -> ast.expr:
    """What `+= expr` or `-= expr` makes of 0."""
    return expr if isinstance(op, ast.Add) else ast.UnaryOp(op=ast.USub(), operand=expr)


def operations(node: ast.AST) -> int:
    """How many operations a tree holds: operators, calls, comparisons."""
    count = int(isinstance(node, OPERATIONS))
    for field in node._fields:
        value = getattr(node, field, None)
        if isinstance(value, ast.AST):
            count += operations(value)
        elif isinstance(value, list):
            count += sum(operations(item) for item in value if isinstance(item, ast.AST))
    return count


def is_path(node: ast.expr) -> bool:
    """A name, a literal, or an attribute or constant item of one: nothing that costs anything to say twice."""
    match node:
        case ast.Name() | ast.Constant():
            return True
        case ast.UnaryOp(op=ast.USub(), operand=ast.Constant()):
            return True
        case ast.Attribute(value=value) | ast.Subscript(value=value, slice=ast.Constant()):
            return is_path(value)
        case ast.Subscript(value=value, slice=ast.UnaryOp(op=ast.USub(), operand=ast.Constant())):
            return is_path(value)
    return False


def steps_of(numbers: Sequence[ast.expr]) -> range | None:
    """The range that literal whole numbers, three or more, come to, if they are evenly spaced.

    >>> steps_of(expression("(-1, 0, 1)").elts)
    range(-1, 2)
    """
    found = [literal_number(n) for n in numbers]
    if len(found) < 3 or not all(type(n) is int for n in found) or found[0] == found[1]:
        return None
    step = found[1] - found[0]
    steps = range(found[0], found[-1] + (1 if step > 0 else -1), step)
    return steps if [*steps] == found else None


def filled_with(expr: ast.expr) -> ast.expr | None:
    """The number that `np.zeros(n)`, `np.ones(n)` or `np.full(n, number)` fills a new array of floats with; None for anything else."""
    match expr:
        case ast.Call(func=ast.Attribute(value=library, attr="zeros" | "ones" as attr), args=[_], keywords=[]) if is_module(library):
            return const(float(attr == "ones"))
        case ast.Call(func=ast.Attribute(value=library, attr="full"), args=[_, number], keywords=[]) if is_module(library):
            return number
    return None


def literal_number(expr: ast.expr) -> Any:
    match expr:
        case ast.UnaryOp(op=ast.USub(), operand=ast.Constant(value=int() as value)):
            return -value
        case ast.Constant(value=value):
            return value
    return None


def without_sign(node: ast.expr) -> tuple[bool, ast.expr]:
    """Whether an expression is the negative of a simpler one, and that one: `-a * b` is the negative of `a * b`."""
    match node:
        case ast.UnaryOp(op=ast.USub(), operand=operand):
            return True, operand
        case ast.BinOp(left=left, op=(ast.Mult() | ast.Div()) as op, right=right):
            negative, inner = without_sign(left)
            return negative, ast.BinOp(left=inner, op=op, right=right) if negative else node
    return False, node


class Substitute(ast.NodeTransformer):
    """Replace names by expressions. The tree given stays as it is; what did not change is shared with the result."""

    def __init__(self, replacements: Mapping[str, ast.expr]) -> None:
        self.replacements = replacements

    def visit_Name(self, node: ast.Name) -> ast.expr:
        return self.replacements.get(node.id, node)

    def visit_UnaryOp(self, node: ast.UnaryOp) -> ast.expr:
        operand = self.visit(node.operand)
        if isinstance(node.op, ast.USub) and operand is not node.operand and isinstance(operand, ast.UnaryOp) and isinstance(operand.op, ast.USub):
            return operand.operand  # twice negative
        return node if operand is node.operand else ast.UnaryOp(op=node.op, operand=operand)

    def visit_Lambda(self, node: ast.Lambda) -> ast.expr:
        arguments = node.args
        bound = {a.arg for a in [*arguments.posonlyargs, *arguments.args, *arguments.kwonlyargs]}
        bound |= {a.arg for a in (arguments.vararg, arguments.kwarg) if a}
        free = {k: v for k, v in self.replacements.items() if k not in bound}
        changed = copy.copy(arguments)
        changed.defaults = [self.visit(d) for d in arguments.defaults]
        changed.kw_defaults = [d and self.visit(d) for d in arguments.kw_defaults]
        return ast.copy_location(ast.Lambda(args=changed, body=Substitute(free).visit(node.body)), node)

    def visit_Constant(self, node: ast.Constant) -> ast.expr:
        return node

    def generic_visit(self, node: ast.AST) -> ast.AST:
        changed: dict[str, object] = {}
        for field in subtrees(type(node)):
            old = getattr(node, field, None)
            if isinstance(old, list):
                new = [self.visit(item) if isinstance(item, ast.AST) else item for item in old]
                if any(a is not b for a, b in zip(new, old)):
                    changed[field] = new
            elif isinstance(old, ast.AST):
                value = self.visit(old)
                if value is not old:
                    changed[field] = value
        if not changed:
            return node
        fields = {field: changed.get(field, old) for field, old in ast.iter_fields(node)}
        return ast.copy_location(type(node)(**fields), node)


class Parts(Substitute):
    """Replace parts of arrays, by their text, by names."""

    def __init__(self, parts: Mapping[str, str]) -> None:
        super().__init__({})
        self.parts = parts

    def visit_Subscript(self, node: ast.Subscript) -> ast.expr:
        label = self.parts.get(ast.unparse(node)) if isinstance(node.value, ast.Name) else None
        return name(label) if label is not None else self.generic_visit(node)  # type: ignore[return-value]


def parts_of(index: ast.expr) -> list[ast.expr]:
    """What an index says for each axis that it mentions."""
    return list(index.elts) if isinstance(index, ast.Tuple) else [index]


def takes_all(part: ast.expr) -> bool:
    """Whether a part of an index is `:`."""
    return isinstance(part, ast.Slice) and part.lower is part.upper is part.step is None


def substitute(node: ast.expr, replacements: Mapping[str, ast.expr]) -> ast.expr:
    """`node` with names replaced.

    >>> text(substitute(expression("x * y"), {"y": expression("a + b")}))
    'x * (a + b)'
    """
    result: ast.expr = Substitute(replacements).visit(node)
    return result


class Namer:
    """Hands out names that nothing else uses, the same ones on every run."""

    def __init__(self, taken: Iterator[str] | Sequence[str] | frozenset[str] = ()) -> None:
        self.taken = set(taken)
        self.titles: Collection[str] = ()  # of the functions beside the one that is written
        self.counts: dict[str, int] = {}
        self.bases: dict[str, str] = {}  # of each name that was handed out, the one that was asked for

    def is_taken(self, identifier: str) -> bool:
        return identifier in self.taken or identifier in self.titles

    def reserve(self, identifier: str) -> str:
        self.taken.add(identifier)
        return identifier

    def temporary(self, base: str) -> str:
        """`base`, or `base2`, `base3`, ... where it is taken or would hide a builtin."""
        if base in BUILTIN_NAMES:
            base = f"{base}_value"
        made = base
        if self.is_taken(base):
            count = self.counts.get(base, 2)
            while self.is_taken(f"{base}{count}"):
                count += 1
            self.counts[base] = count + 1
            made = f"{base}{count}"
        self.bases[made] = base
        return self.reserve(made)

    def base(self, identifier: str) -> str:
        """A name without the number that it got because others had the plain one: total of total3, x3 of a user's x3."""
        while self.bases.get(identifier, identifier) != identifier:
            identifier = self.bases[identifier]
        return identifier

    def adjoint(self, base: str) -> str:
        """`base`, with as many underscores behind it as make it free."""
        made = base
        while self.is_taken(made) or made in BUILTIN_NAMES:
            made += "_"
        self.bases[made] = base
        return self.reserve(made)

    def version(self, base: str) -> str:
        """`base_1`, `base_2`, ...: the next binding of a name."""
        count = self.counts.get(f"{base}_", 1)
        while self.is_taken(f"{base}_{count}"):
            count += 1
        self.counts[f"{base}_"] = count + 1
        self.bases[f"{base}_{count}"] = base
        return self.reserve(f"{base}_{count}")
