"""The pair of functions behind `forward` and `backward`, and the cache between them.

    def affine_forward(x, w, b):            def affine_backward(dout, cache):
        cache = (x.copy(), w.copy())            x, w = cache
        return x @ w + b, cache                 ...
"""
from __future__ import annotations

import ast
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any

import numpy as np

from srcad.coalesce import renamed
from srcad.render import function_path
from srcad.inference import flatten
from srcad.emit import function_text
from srcad.ir import UNPLACED, Assign, Block, Effect, For, If, Place, Return, Statement, While, With, blocks, expressions, listed, map_block, walk
from srcad.kinds import Number, Ref
from srcad.live import Live
from srcad.numbered import Renaming
from srcad.report import lines_of
from srcad.request import Request
from srcad.reverse import Reverse
from srcad.uses import bound, rebound
from srcad.syntax import call, const, expression, is_path, method, name, names, root_of, substitute, text
from srcad.simplify import popped
from srcad.tidy import is_append, values_read
from srcad.walk import Walk


class Residuals:
    """The forward half keeps what the backward half reads; nothing that it keeps can be changed from outside."""

    state: Walk
    request: Request
    reverse: Reverse
    kept: ast.expr
    kinds_of: dict[str, Number]
    cached: tuple[tuple[str, int], ...] = ()  # what the cache holds, with the lines that make it
    trusting: bool = False  # whether nobody changes the arguments between the two halves
    again: dict[str, str]  # names of the backward half -> the values of the forward half that they have
    certain: set[str]  # the names that every path gives a value
    maybe: set[str]
    value_parts: set[str]  # the names that the value is made of

    def pair(self, forward: Block, rest: Block, seed_name: str, cache_name: str) -> tuple[list[str], list[str]]:
        end = rest[-1]
        assert isinstance(end, Return)
        self.certain = set(certain(forward)) | set(self.state.parameters)
        rest, sizes = self.shapes_kept(rest)
        rest, items = self.items_kept(rest)
        exposed = Live(rest).into
        given = {t for s in forward for t in bound(s)}
        known = given | set(self.state.parameters)
        wanted = [n for s in rest for e in expressions_deep(s) for n in names(e)]
        kept_names = [n for n in dict.fromkeys(wanted) if n in known and n in exposed]
        roots = [r for e in items.values() if (r := root_of(e)) in known]
        forward = (*self.unset(forward, list(dict.fromkeys([*kept_names, *roots]))), *forward)
        residuals = [(n, self.residual(n, n in given)) for n in kept_names] + [(n, self.where_set(root_of(e), e)) for n, e in items.items()] + [*sizes.items()]
        forward, value = self.with_value(forward)
        forward = (*self.arguments_apart(forward), *forward)
        forward = self.headed(forward, [n for e in (value, *(e for _, e in residuals)) for n in names(e)])
        forward, rest, (value, *outward) = self.plainly_named(forward, self.headed(rest), [value, *(part for n, e in residuals for part in (name(n), e))], seed_name, cache_name, given=[n for n, _ in residuals])
        labels = [n.id for n in outward[::2] if isinstance(n, ast.Name)]
        lines = lines_of(forward)
        self.cached = tuple((n, lines.get(n, 0)) for n in labels)
        held = ", ".join(map(text, outward[1::2])) + "," * (len(labels) == 1)
        head = [f"{cache_name} = ({held})", f"return {text(value)}, {cache_name}"]
        forward_title, backward_title = self.titles()
        first, self.places[forward_title] = function_text(forward_title, self.parameters_text(), forward, (), head)
        end_ = rest[-1]
        assert isinstance(end_, Return)
        last = listed(end_.value)
        body, places = function_text(backward_title, f"{seed_name}, {cache_name}", (), rest[:-1], [f"return {last}"])
        if labels:
            unpack = "    " + ", ".join(labels) + "," * (len(labels) == 1) + f" = {cache_name}\n"
            taken_from = emptied(rest)
            unpack += "".join(f"    {n} = list({n})\n" for n in labels if n in taken_from)
            line = body.index("\n") + 1
            body = body[:line] + unpack + body[line:]
            places[1:1] = [Place()] * unpack.count("\n")
        self.places[backward_title] = places
        return [first, body], [forward_title, backward_title]

    def plainly_named(self, forward: Block, rest: Block, outward: list[ast.expr], *fixed: str, given: Sequence[str] = ()) -> tuple[Block, Block, list[ast.expr]]:
        """Both halves and what is handed out, without numbers in names that nothing asks for; but for names that are `fixed`; given: what the cache gives a value."""
        if self.request.plain:
            return forward, rest, outward
        stay = {*self.state.user_names, *self.state.global_names, *self.state.parameters, *fixed}
        adjoints = {adjoint: key for key, adjoint in self.reverse.allotted.items() if key.isidentifier()}
        again = self.again if self.request.backend == "numpy" else {}  # of compiled code a name has one kind
        read = [n for e in outward for n in names(e)]
        changed = Renaming(self.state.namer, stay, adjoints, again).apply(forward, rest, read, given)
        replacements = {old: name(new) for old, new in changed.items()}
        return renamed(forward, changed), renamed(rest, changed), [substitute(e, replacements) for e in outward]

    def titles(self) -> tuple[str, str]:
        """What the two halves are called."""
        forward, backward = (self.state.namer.adjoint(f"{self.request.title}_{half}") for half in ("forward", "backward"))
        return forward, backward

    def arguments_apart(self, forward: Block) -> list[Statement]:
        """Arguments that a list may hold on to: from the beginning they are copies, since their owner may change them before the backward half."""
        if self.trusting:
            return []
        held = {n for s in walk(forward) if isinstance(s, Effect) and is_append(s) for n in names(s.expr)}
        found: dict[str, None] = {}
        for kind in filter(None, (self.forward_kind(n) or self.state.kinds.get(n) for n in sorted(held))):
            for buffer in kind.place.buffer.family() if kind.place is not None else ():
                if buffer.external and buffer.root is not None and buffer.root.key in self.state.parameters and buffer.site not in self.state.knowledge.written:
                    found.setdefault(buffer.root.key)
        return [Assign(p, method(name(p), "copy"), UNPLACED) for p in found]

    def unset(self, forward: Block, kept: list[str]) -> Block:
        """What only one path sets is None on the others, so that it can be kept."""
        self.maybe = {n for n in kept if n not in self.certain}
        return tuple(Assign(n, const(None), UNPLACED) for n in kept if n in self.maybe)

    def shapes_kept(self, rest: Block) -> tuple[Block, dict[str, ast.expr]]:
        """Where the backward pass reads only the shape of something, the shape is kept, not the array."""
        every = [e for s in rest for e in expressions_deep(s)]
        made = {t for s in rest for t in bound(s)}
        read = {n for e in every for n in values_read(e, ("shape",))}
        sizes: dict[str, ast.expr] = {}
        changes: dict[str, str] = {}
        for identifier in dict.fromkeys(n for e in every for n in names(e)):
            if identifier in self.certain and identifier not in made and identifier not in read:
                label = self.state.namer.temporary(f"{self.state.namer.base(identifier)}_shape")
                sizes[label] = expression(f"{identifier}.shape")
                changes[identifier] = label
        shapes = ShapeNames(changes)
        return (map_block(rest, shapes.visit) if changes else rest), sizes

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
        found |= {o.key: o for op in self.reverse.operations if op.multiple for o in op.outputs if not o.key.isidentifier()}
        paths = Paths(found, keep)
        return (map_block(rest, lambda e: paths.visit(e)) if found else rest), held

    def residual(self, identifier: str, given: bool) -> ast.expr:
        """What is kept shares no memory with arguments or the value: those may be changed before the backward pass.

        given: whether the forward half gives the name a value, which may be a number where its argument is an array.
        """
        if self.trusting:
            return name(identifier)
        number = self.forward_kind(identifier) or self.state.kinds.get(identifier)
        if number is None or number.is_plain or number.form == "unknown" and number.dtype is None:
            return name(identifier)
        if identifier in self.state.parameters or not number.fresh or self.is_handed_out(identifier, number):
            may_be_number = number.form == "unknown" or given and number.shape == ()
            copied = call(function_path(np.copy, self.facts), [name(identifier)]) if may_be_number else method(name(identifier), "copy")
            return self.where_set(identifier, copied)
        return name(identifier)

    def is_handed_out(self, identifier: str, number: Number) -> bool:
        """Whether a name, or another for its memory, is a part of the value."""
        handed = {*handed_out(self.kept), *self.value_parts}
        memory = [k.place.buffer.family() for n in handed if (k := self.state.kinds.get(n)) is not None and k.place is not None]
        return identifier in handed or number.place is not None and any(number.place.buffer.family() & family for family in memory)

    def with_value(self, forward: Block) -> tuple[Block, ast.expr]:
        """The forward half and the value, which shares no memory with what a pass has kept."""
        if self.trusting:
            return forward, self.kept
        held = [s for s in forward if isinstance(s, Assign) and isinstance(self.kept, ast.Name) and s.target == self.kept.id and isinstance(s.expr, (ast.Tuple, ast.List, ast.Dict))]
        if not held:
            return forward, self.value_apart(forward, self.kept)
        made = Assign(held[-1].target, self.value_apart(forward, held[-1].expr), held[-1].loc)
        return tuple(made if s is held[-1] else s for s in forward), self.kept

    def value_apart(self, forward: Block, value: ast.expr) -> ast.expr:
        """The value, copied where it may be what a pass of a loop or a branch has kept: its owner may change it before the backward half."""
        match value:
            case ast.Tuple(elts=elts) | ast.List(elts=elts):
                return type(value)(elts=[self.value_apart(forward, e) for e in elts], ctx=ast.Load())
            case ast.Dict(keys=keys, values=values):
                return ast.Dict(keys=keys, values=[self.value_apart(forward, v) for v in values])
            case ast.Name() | ast.Subscript() | ast.Attribute():
                root = root_of(value)
                result = self.state.result.value
                kind = result if isinstance(result, Number) else self.forward_kind(root) or self.state.kinds.get(root)
                return method(value, "copy") if kind is not None and kind.form == "array" and self.may_be_kept(forward, value) else value
        return value

    def may_be_kept(self, forward: Block, value: ast.expr) -> bool:
        """Whether a value leads to what was given a name inside a loop or a branch."""
        inside = {t for s in forward if blocks(s) for t in rebound(s)}
        definitions = {s.target: s.expr for s in forward if isinstance(s, Assign)}
        todo, seen = [*handed_out(value)], set()
        while todo:
            identifier = todo.pop()
            if identifier in inside:
                return True
            if identifier in definitions and identifier not in seen:
                seen.add(identifier)
                todo += handed_out(definitions[identifier])
        return False

    def where_set(self, identifier: str, expr: ast.expr) -> ast.expr:
        """An expression, or None on the paths that do not give a name a value."""
        if identifier not in self.maybe:
            return expr
        absent = ast.Compare(left=name(identifier), ops=[ast.Is()], comparators=[const(None)])
        return ast.IfExp(test=absent, body=const(None), orelse=expr)

    def forward_kind(self, identifier: str) -> Number | None:
        if identifier in self.state.parameters:
            value = self.state.parameters[identifier].value
            return value if isinstance(value, Number) else None
        if not self.kinds_of:
            every = [ref for op in self.reverse.operations for ref in (*op.outputs, *flatten(op.operands))]
            self.kinds_of = {ref.key: ref.value for ref in reversed(every) if isinstance(ref.value, Number)}
        return self.kinds_of.get(identifier)


def certain(block: Block) -> Iterator[str]:
    """The names that every path through a block gives a value to, as far as that is plain to see."""
    for statement in block:
        if isinstance(statement, With):
            yield from certain(statement.body)
        elif not isinstance(statement, (If, For, While)):
            yield from bound(statement)


def handed_out(value: ast.expr) -> Iterator[str]:
    """The names whose memory a value may share: of what is computed in it there are none."""
    match value:
        case ast.BinOp() | ast.UnaryOp() | ast.Compare() | ast.Constant():
            return
        case ast.Tuple(elts=elts) | ast.List(elts=elts) | ast.Dict(values=elts):
            for element in elts:
                yield from handed_out(element)
        case _:
            yield from names(value)


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


def emptied(block: Block) -> set[str]:
    """The lists that a backward pass takes from."""
    return {n for s in walk(block) for e in expressions(s) for n in popped(e)}
