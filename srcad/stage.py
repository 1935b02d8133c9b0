"""From a syntax tree to a staged program: one operation a line, every intermediate named.

    def f(x, y):                      def f(x, y):
        z = np.exp(x * y) + y             x_y = x * y
        return z                          exp_x_y = np.exp(x_y)
                                          z = exp_x_y + y
                                          return z

Purely syntactic: nothing is known of the values yet. Ternaries, `and` and `or`
become If statements, so that what Python would not evaluate is not evaluated.
"""
from __future__ import annotations

import ast
import functools
from collections.abc import Callable, Iterator

from srcad.assigned import completed
from srcad.comprehensions import Comprehensions
from srcad.control import tail_form
from srcad.ir import (
    Block,
    Break,
    Continue,
    Delete,
    Effect,
    For,
    If,
    Program,
    Raise,
    Return,
    Store,
    Unpack,
    Update,
    While,
    is_atom,
    walk,
)
from srcad.patterns import Patterns
from srcad.scopes import Scopes
from srcad.source import FunctionTree, Source
from srcad.syntax import MODULE_NAMES, Namer, call, const, is_path, name, names, nodes

WORDS: dict[type[ast.AST], str] = {
    ast.Add: "total", ast.Sub: "diff", ast.Mult: "prod", ast.Div: "ratio", ast.FloorDiv: "quotient", ast.Mod: "rest",
    ast.Pow: "power", ast.MatMult: "product", ast.USub: "minus", ast.UAdd: "plus", ast.Not: "negation", ast.Invert: "inverse",
}


@functools.lru_cache(256)
def tested(test: ast.expr) -> ast.expr:
    """A test, of which only the truth counts: `items and items[-1] > v` asks of `items` no more than whether there are any."""
    match test:
        case ast.UnaryOp(op=ast.Not(), operand=operand):
            return ast.copy_location(ast.UnaryOp(op=ast.Not(), operand=tested(operand)), test)
        case ast.BoolOp(op=op, values=[*values]):
            holders = {n.value.id for v in values for n in ast.walk(v) if isinstance(n, ast.Subscript) and isinstance(n.value, ast.Name)}
            asked = [truth(v) if isinstance(v, ast.Name) and v.id in holders else tested(v) for v in values]
            return ast.copy_location(ast.BoolOp(op=op, values=asked), test)
    return test


def truth(value: ast.expr) -> ast.expr:
    """`not not value`."""
    denied = ast.copy_location(ast.UnaryOp(op=ast.Not(), operand=value), value)
    return ast.copy_location(ast.UnaryOp(op=ast.Not(), operand=denied), value)


def stage(source: Source, display_name: str | None = None) -> Program:
    """The staged program of a function.

    Raises UnsupportedSyntaxError, with the place, for what is not in the language.
    """
    stager = Stager(source, Namer(identifiers(source.tree)))
    tree = source.tree
    if isinstance(tree, ast.Lambda):
        statements: list[ast.stmt] = [ast.copy_location(ast.Return(value=tree.body), tree.body)]
    else:
        statements = tree.body
    title = display_name or ("lambda_" if isinstance(tree, ast.Lambda) else tree.name)
    block = completed(stager.block(statements), frozenset(a.arg for a in nodes(tree.args) if isinstance(a, ast.arg)))
    return Program(title, tree.args, tail_form(block + unreturned(block, title), stager.namer), stager.namer.bases)


def unreturned(block: Block, title: str) -> Block:
    """What follows the last statement of a function that returns a value on some path: on this one it returns None, which has no gradient."""
    values = [s.value for s in walk(block) if isinstance(s, Return)]
    if all(isinstance(v, ast.Constant) and v.value is None for v in values):
        return ()
    return (Raise(call("TypeError", [const(f"{title}() returned None")]), None, block[-1].loc),)


@functools.lru_cache(512)
def identifiers(tree: FunctionTree) -> frozenset[str]:
    """Every name that a function's text mentions."""
    return frozenset(label for node in nodes(tree) for field in labels(type(node)) if isinstance(label := getattr(node, field, None), str))


@functools.cache
def labels(kind: type[ast.AST]) -> tuple[str, ...]:
    """The fields of a kind of node that may hold a name."""
    return tuple(f for f in kind._fields if f in ("id", "arg", "name", "asname", "rest"))


def made_after(node: ast.AST, place: tuple[int, int]) -> Iterator[ast.AST]:
    """What a comprehension computes after what stands at a place in its clauses: its element, which is written before them."""
    if not isinstance(node, (ast.ListComp, ast.GeneratorExp, ast.DictComp)):
        return
    tests = [c for g in node.generators for c in g.ifs]
    if any((c.lineno, c.col_offset) <= place < (c.end_lineno or 0, c.end_col_offset or 0) for c in tests):
        for element in (node.key, node.value) if isinstance(node, ast.DictComp) else (node.elt,):
            yield from ast.walk(element)


class Stager(Patterns, Comprehensions, Scopes):
    """Lowers every statement and expression of the language."""

    # ---- statements

    def lower_Assign(self, node: ast.Assign) -> None:
        if len(node.targets) == 1:
            self.bind(node.targets[0], node.value, node)
            return
        value = self.atom(node.value)
        for target in node.targets:
            self.assign(target, value, node)

    def lower_AnnAssign(self, node: ast.AnnAssign) -> None:
        if node.value is not None:
            self.bind(node.target, node.value, node)

    def bind(self, target: ast.expr, value: ast.expr, node: ast.stmt) -> None:
        """`target = value`, the last operation of the value written straight into a name."""
        if isinstance(target, ast.Name):
            self.emit(target.id, self.operation(value), value)
        elif isinstance(target, (ast.Tuple, ast.List)) and isinstance(value, (ast.Tuple, ast.List)) and self.pairs(target, value):
            simple = not set(names(target)) & set(names(value))
            if simple and all(isinstance(t, ast.Name) for t in target.elts):
                for t, v in zip(target.elts, value.elts):
                    self.bind(t, v, node)
            else:
                for t, v in zip(target.elts, [self.snapshot(v) for v in value.elts]):
                    self.assign(t, v, node)
        else:
            self.assign(target, self.atom(self.consumed(value) if isinstance(target, (ast.Tuple, ast.List)) else value), node)

    def snapshot(self, value: ast.expr) -> ast.expr:
        """The value of an expression now, under a name that nothing rebinds."""
        if isinstance(value, ast.Name):
            target = self.namer.temporary(f"old_{value.id}")
            self.emit(target, value, value)
            return name(target)
        return self.atom(value)

    @staticmethod
    def pairs(target: ast.Tuple | ast.List, value: ast.Tuple | ast.List) -> bool:
        starred = any(isinstance(e, ast.Starred) for e in [*target.elts, *value.elts])
        return len(target.elts) == len(value.elts) and not starred

    def assign(self, target: ast.expr, value: ast.expr, node: ast.stmt) -> None:
        """Bind an atom to any target."""
        match target:
            case ast.Name(id=identifier):
                self.emit(identifier, value, node)
            case ast.Tuple(elts=elts) | ast.List(elts=elts):
                bare = [e.value if isinstance(e, ast.Starred) else e for e in elts]
                star = next((i for i, e in enumerate(elts) if isinstance(e, ast.Starred)), None)
                written = tuple(e.id if isinstance(e, ast.Name) else self.namer.temporary("item") for e in bare)
                self.out.append(Unpack(written, star, value, self.loc(node)))
                for inner, held in zip(bare, written):
                    if not isinstance(inner, ast.Name):
                        self.assign(inner, name(held), node)
            case ast.Subscript(value=base, slice=index):
                stored = ast.Subscript(value=self.atom(base), slice=self.index(index), ctx=ast.Store())
                self.out.append(Store(ast.copy_location(stored, target), value, self.loc(target)))
            case ast.Attribute(value=base, attr=attribute):
                stored_attribute = ast.Attribute(value=self.atom(base), attr=attribute, ctx=ast.Store())
                self.out.append(Store(ast.copy_location(stored_attribute, target), value, self.loc(target)))
            case _:
                self.refuse(target)

    def lower_AugAssign(self, node: ast.AugAssign) -> None:
        target: ast.expr = node.target
        if isinstance(target, ast.Subscript):
            target = ast.Subscript(value=self.atom(target.value), slice=self.index(target.slice), ctx=ast.Store())
        elif isinstance(target, ast.Attribute):
            target = ast.Attribute(value=self.atom(target.value), attr=target.attr, ctx=ast.Store())
        self.out.append(Update(target, node.op, self.atom(node.value), self.loc(node)))

    def lower_Expr(self, node: ast.Expr) -> None:
        if not isinstance(node.value, ast.Constant):
            self.out.append(Effect(self.operation(node.value), self.loc(node)))

    def lower_Pass(self, node: ast.Pass) -> None:
        pass

    def lower_Return(self, node: ast.Return) -> None:
        value = self.atom(node.value) if node.value is not None else const(None)
        self.out.append(Return(value, self.loc(node)))

    def lower_If(self, node: ast.If) -> None:
        self.out.append(If(self.atom(tested(node.test)), self.block(node.body), self.block(node.orelse), self.loc(node.test)))

    def lower_Assert(self, node: ast.Assert) -> None:
        """`assert test, message` is `if not test: raise AssertionError(message)`."""
        error = ast.Call(func=name("AssertionError"), args=[node.msg] if node.msg else [], keywords=[])
        raised: Block = (Raise(error, None, self.loc(node)),)
        self.out.append(If(self.atom(tested(node.test)), (), raised, self.loc(node.test)))

    def lower_Raise(self, node: ast.Raise) -> None:
        self.out.append(Raise(node.exc, node.cause, self.loc(node)))

    def lower_Delete(self, node: ast.Delete) -> None:
        for target in node.targets:
            if isinstance(target, ast.Name):
                self.out.append(Delete(target.id, self.loc(node)))
            elif isinstance(target, ast.Subscript):
                deleted = ast.Call(func=ast.Attribute(value=self.atom(target.value), attr="__delitem__", ctx=ast.Load()), args=[self.atom(target.slice)], keywords=[])
                self.out.append(Effect(ast.copy_location(deleted, node), self.loc(node)))
            else:
                self.refuse(node, "only names and items are deleted in the language that srcad differentiates.")

    # ---- loops

    def lower_For(self, node: ast.For) -> None:
        source = node.iter if isinstance(node.iter, ast.GeneratorExp) and len(node.iter.generators) == 1 else None
        iterable = self.atom(source.generators[0].iter if source else node.iter)
        outer, self.out = self.out, []
        if source:
            target = self.drawn(source, node.target)
        elif isinstance(node.target, ast.Name):
            target = node.target.id
        else:
            target = self.namer.temporary("item")
            self.assign(node.target, name(target), node)
        body, self.out = (*self.out, *self.block(node.body)), outer
        self.out.append(For(target, iterable, body, self.block(node.orelse), self.loc(node)))

    def lower_While(self, node: ast.While) -> None:
        outer, self.out = self.out, []
        test = self.atom(tested(node.test))
        head, self.out = tuple(self.out), outer
        body = self.block(node.body)
        self.out.append(While(head, test, body, self.block(node.orelse), self.loc(node)))

    def lower_Break(self, node: ast.Break) -> None:
        self.out.append(Break(self.loc(node)))

    def lower_Continue(self, node: ast.Continue) -> None:
        self.out.append(Continue(self.loc(node)))

    # ---- expressions

    def atom(self, node: ast.expr) -> ast.expr:
        """The atom that holds a value, its operations emitted before it."""
        expr = self.operation(node)
        if is_atom(expr):
            return expr
        target = self.namer.temporary(self.base_name(expr))
        self.emit(target, expr, node)
        return name(target)

    def operation(self, node: ast.expr) -> ast.expr:
        """One operation on atoms with the value of `node`."""
        reading: Callable[[ast.expr], ast.expr] | None = getattr(self, f"read_{type(node).__name__}", None)
        if reading is None:
            self.refuse(node)
            raise AssertionError
        return ast.copy_location(reading(node), node)

    def read_Name(self, node: ast.Name) -> ast.expr:
        return node

    def read_Constant(self, node: ast.Constant) -> ast.expr:
        return node

    def read_BinOp(self, node: ast.BinOp) -> ast.expr:
        return ast.BinOp(left=self.atom(node.left), op=node.op, right=self.atom(node.right))

    def read_UnaryOp(self, node: ast.UnaryOp) -> ast.expr:
        if isinstance(node.op, ast.USub) and isinstance(node.operand, ast.Constant):
            return node
        return ast.UnaryOp(op=node.op, operand=self.atom(node.operand))

    def read_Compare(self, node: ast.Compare) -> ast.expr:
        if len(node.ops) > 1:
            middle = node.comparators[0]
            held = self.atom(middle)
            first = ast.Compare(left=node.left, ops=node.ops[:1], comparators=[held])
            rest = ast.Compare(left=held, ops=node.ops[1:], comparators=node.comparators[1:])
            both = ast.BoolOp(op=ast.And(), values=[ast.copy_location(first, node), ast.copy_location(rest, node)])
            return self.read_BoolOp(ast.copy_location(both, node))
        return ast.Compare(left=self.atom(node.left), ops=node.ops, comparators=[self.atom(node.comparators[0])])

    def read_BoolOp(self, node: ast.BoolOp) -> ast.expr:
        """`a and b` is `t = a; if t: t = b`."""
        target = self.namer.temporary("both" if isinstance(node.op, ast.And) else "either")
        self.emit(target, self.operation(node.values[0]), node.values[0])
        rest = node.values[1] if len(node.values) == 2 else ast.copy_location(ast.BoolOp(op=node.op, values=node.values[1:]), node)
        following = self.branch(target, rest)
        empty: Block = ()
        body, orelse = (following, empty) if isinstance(node.op, ast.And) else (empty, following)
        self.out.append(If(name(target), body, orelse, self.loc(node)))
        return name(target)

    @staticmethod
    def expression_of(statement: ast.stmt | None) -> ast.AST:
        """What of a statement is one expression: the test of an if."""
        return statement.test if isinstance(statement, ast.If) else statement or ast.Pass()

    def read_IfExp(self, node: ast.IfExp) -> ast.expr:
        """`a if c else b` is `if c: t = a else: t = b`."""
        test = self.atom(tested(node.test))
        target = self.namer.temporary("choice")
        self.out.append(If(test, self.branch(target, node.body), self.branch(target, node.orelse), self.loc(node.test)))
        return name(target)

    def branch(self, target: str, value: ast.expr) -> Block:
        outer, self.out = self.out, []
        self.emit(target, self.operation(value), value)
        block, self.out = tuple(self.out), outer
        return block

    def read_NamedExpr(self, node: ast.NamedExpr) -> ast.expr:
        place = (node.lineno, node.col_offset)
        whole = self.expression_of(self.statement)
        later = {id(n) for made in ast.walk(whole) for n in made_after(made, place)}
        for other in ast.walk(whole):
            if isinstance(other, ast.Name) and other.id == node.target.id and (other.lineno, other.col_offset) < place and id(other) not in later:
                self.refuse(node, f"`{node.target.id}` is read earlier in the statement that binds it again. Use two statements.")
        self.emit(node.target.id, self.operation(node.value), node.value)
        return name(node.target.id)

    def read_Call(self, node: ast.Call) -> ast.expr:
        func = self.path(node.func)
        args = [self.element(self.consumed(self.table(node.func, a))) for a in node.args]
        keywords = [ast.keyword(arg=k.arg, value=self.atom(k.value)) for k in node.keywords]
        return ast.Call(func=func, args=args, keywords=keywords)

    def table(self, func: ast.expr, node: ast.expr) -> ast.expr:
        """A list of lists that becomes an array is one of arrays: `np.array([[e for v in y] for u in x])`. As such it may be of any length."""
        match func, node:
            case ast.Attribute(value=ast.Name(id=library), attr="array" | "asarray"), ast.ListComp(elt=ast.ListComp() as row) if library in MODULE_NAMES and library not in self.given:
                inner = ast.Call(func=func, args=[row], keywords=[])
                return ast.copy_location(ast.ListComp(elt=ast.copy_location(inner, row), generators=node.generators), node)
        return node

    @functools.cached_property
    def given(self) -> frozenset[str]:
        """The names that the function itself gives values to."""
        stored = {n.id for n in ast.walk(self.source.tree) if isinstance(n, ast.Name) and isinstance(n.ctx, ast.Store)}
        return frozenset(stored | {n.arg for n in ast.walk(self.source.tree) if isinstance(n, ast.arg)})

    def path(self, node: ast.expr) -> ast.expr:
        """A dotted path stays as it is; the value that a method is called on is an atom."""
        if isinstance(node, ast.Name):
            return node
        if isinstance(node, ast.Attribute):
            return ast.copy_location(ast.Attribute(value=self.path(node.value), attr=node.attr, ctx=ast.Load()), node)
        return self.atom(node)

    def read_Attribute(self, node: ast.Attribute) -> ast.expr:
        return ast.Attribute(value=self.path(node.value), attr=node.attr, ctx=ast.Load())

    def read_Subscript(self, node: ast.Subscript) -> ast.expr:
        return ast.Subscript(value=self.atom(node.value), slice=self.index(node.slice), ctx=ast.Load())

    def index(self, node: ast.expr) -> ast.expr:
        match node:
            case ast.Slice(lower=lower, upper=upper, step=step):
                parts = [part and self.atom(part) for part in (lower, upper, step)]
                return ast.copy_location(ast.Slice(*parts), node)
            case ast.Tuple(elts=elts):
                return ast.copy_location(ast.Tuple(elts=[self.index(e) for e in elts], ctx=ast.Load()), node)
        return self.atom(node)

    def read_Tuple(self, node: ast.Tuple) -> ast.expr:
        return ast.Tuple(elts=[self.element(e) for e in node.elts], ctx=ast.Load())

    def read_List(self, node: ast.List) -> ast.expr:
        return ast.List(elts=[self.element(e) for e in node.elts], ctx=ast.Load())

    def element(self, node: ast.expr) -> ast.expr:
        if isinstance(node, ast.Starred):
            return ast.Starred(value=self.atom(self.consumed(node.value)), ctx=ast.Load())
        return self.atom(node)

    def read_Dict(self, node: ast.Dict) -> ast.expr:
        return ast.Dict(keys=[key and self.atom(key) for key in node.keys], values=[self.atom(v) for v in node.values])

    def read_JoinedStr(self, node: ast.JoinedStr) -> ast.expr:
        values = [ast.FormattedValue(self.atom(v.value), v.conversion, v.format_spec) if isinstance(v, ast.FormattedValue) else v for v in node.values]
        return ast.JoinedStr(values=values)

    # ---- names

    def base_name(self, expr: ast.expr) -> str:
        """What a temporary is called: after its operation and, where that is short, what it is applied to."""
        match expr:
            case ast.Call(func=func, args=args):
                word = func.attr if isinstance(func, ast.Attribute) else getattr(func, "id", "result")
                owner = func.value if isinstance(func, ast.Attribute) and not args else None
                return self.joined(word, args[0] if args else owner)
            case ast.Attribute(value=value, attr=attribute):
                return self.joined(getattr(value, "id", ""), name(attribute)) if is_path(value) else attribute
            case ast.Subscript(value=ast.Name(id=identifier), slice=ast.Constant(value=int(index))):
                return f"{self.namer.base(identifier)}_{index}"
            case ast.Subscript(value=ast.Name(id=identifier)):
                return self.joined(self.namer.base(identifier), name("part"))
            case ast.BinOp(left=ast.Name(id=a), op=ast.MatMult(), right=ast.Name(id=b)) if len(a) + len(b) < 12:
                return f"{self.namer.base(a)}_{self.namer.base(b)}"
            case ast.BinOp(op=op) | ast.UnaryOp(op=op):
                return WORDS.get(type(op), "value")
            case ast.Compare():
                return "test"
            case ast.List() | ast.Tuple() | ast.Dict():
                return "items"
            case ast.JoinedStr():
                return "message"
        return "value"

    def joined(self, word: str, operand: ast.expr | None) -> str:
        of = self.namer.base(operand.id) if isinstance(operand, ast.Name) else ""
        if of and len(word) + len(of) < 16:
            return f"{word.rstrip('_')}_{of}".strip("_") or "value"
        return word.strip("_") or "value"
