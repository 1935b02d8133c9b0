"""What the expressions of one rule share is computed once, under a name of its own.

    dx = dz / y; dy = -(dz / y) * z    ->    dx = dz / y; dy = -dx * z
"""
from __future__ import annotations

import ast
from collections import Counter
from typing import Any

from srcad.inference import Inference, Operation
from srcad.ir import Assign, Location, Statement
from srcad.kinds import Ref
from srcad.scatter import Scatter
from srcad.syntax import OPERATIONS, children, is_path, name, operations
from srcad.terms import Term

LONG_LINE = 4  # a temporary's adjoint with as many operations gets a line of its own


class Sharing:
    """Names for shared parts, and for parts too long for one line."""

    state: Inference
    names: dict[str, str]
    held: dict[str, Term]
    scatters: dict[str, list[Scatter]]
    remaining: Counter[str]
    steady: dict[str, Term]
    redirected: dict[str, Any]
    labelled: set[str]

    def is_shadowed(self, ref: Ref) -> bool:
        raise NotImplementedError

    def here(self) -> Location:
        raise NotImplementedError

    def emit(self, statement: Statement) -> None:
        raise NotImplementedError

    def accumulate(self, key: str, term: Term) -> None:
        raise NotImplementedError

    @staticmethod
    def long(dz: list[Term | None], contributions: list[tuple[Ref, Any]]) -> dict[int, str]:
        """Adjoints of temporaries that would make a line too long are written down first."""
        grown = [d for d in dz if d is not None and operations(d.expr) >= LONG_LINE]
        exprs = [c.value.expr if isinstance(c, Scatter) else c.expr for _, c in contributions]
        return {id(d.expr): "" for d in grown if not any(e is d.expr for e in exprs)}

    def name_shared(self, shared: dict[int, str], op: Operation, dz: list[Term | None], contributions: list[tuple[Ref, Any]]) -> None:
        """A shared part that is itself an adjoint, complete, is called after its variable."""
        for output, term in zip(op.outputs, dz):
            if term is not None and id(term.expr) in shared:
                shared[id(term.expr)] = self.written(output.key, term)
        for i, (ref, term) in enumerate(contributions):
            known = self.is_shadowed(ref) or ref.key in self.steady or ref.key in self.redirected or ref.key in self.names or ref.key in self.held or ref.key in self.scatters
            once = isinstance(term, Term) and shared.get(id(term.expr)) == "" and self.remaining[ref.key] == 1 and not known
            if once and sum(r.key == ref.key for r, _ in contributions) == 1:
                inner = {i: n for i, n in shared.items() if i != id(term.expr)}
                shared[id(term.expr)] = self.written(ref.key, self.hoist(term, inner))
                contributions[i] = (ref, None)

    def written(self, key: str, term: Term) -> str:
        """An adjoint under its own name."""
        self.accumulate(key, term)
        return self.names[key]

    def shared(self, terms: list[Any]) -> dict[int, str]:
        """The subexpressions that are read twice among the contributions of one rule, or have a name in it, by identity."""
        counts: Counter[int] = Counter()
        seen: set[int] = set()
        found: dict[int, str] = {}

        def visit(node: ast.AST) -> None:
            if hasattr(node, "label"):
                found[id(node)] = ""
            elif computes(node):
                counts[id(node)] += 1
                if counts[id(node)] == 2:
                    found[id(node)] = ""
            if id(node) not in seen:
                seen.add(id(node))
                for child in children(node):
                    if not (isinstance(node, ast.IfExp) and child is node.test):  # tests are joined later
                        visit(child)

        for term in terms:
            if term is not None:
                visit(term.value.expr if isinstance(term, Scatter) else term.expr)
        return found

    def hoist(self, term: Any, shared: dict[int, str]) -> Any:
        """Give a shared subexpression a name, the first time it is met."""
        if term is None or isinstance(term, Scatter) or not shared:
            return term
        return Term(self.hoisted(term.expr, shared), term.number, self.facts)

    def hoisted(self, expr: ast.expr, shared: dict[int, str]) -> ast.expr:
        if id(expr) not in shared:
            return Marker(shared, self).rebuilt(expr)  # type: ignore[return-value]
        if not shared[id(expr)]:
            inner = Marker(shared, self).rebuilt(expr)
            shared[id(expr)] = target = self.state.namer.temporary(self.part_name(expr))
            self.emit(Assign(target, inner, self.here()))  # type: ignore[arg-type]
            if hasattr(expr, "label"):
                self.labelled.add(target)
        return name(shared[id(expr)])

    def part_name(self, expr: ast.expr) -> str:
        """What a shared part is called: as its rule says, or after what made it, where that is one word or two."""
        if hasattr(expr, "label"):
            return str(expr.label)
        match expr:
            case ast.BinOp():
                return "scaled"
            case ast.Compare():
                return "mask"
            case ast.Subscript(value=ast.Call() as made):
                return self.part_name(made)
            case ast.Call(func=ast.Attribute(attr=word), args=[ast.Name(id=operand), *_]):
                return f"{word}_{self.state.namer.base(operand)}"
        return "part"


def computes(node: ast.AST) -> bool:
    """Whether a node is an operation, or a part of what one makes: `np.fft.fft(x).real`, `np.cumsum(x)[::-1]`."""
    if isinstance(node, ast.Subscript):
        return isinstance(node.value, ast.Call)
    made = node.value if isinstance(node, ast.Attribute) and node.attr in ("real", "imag") else node
    return isinstance(made, OPERATIONS) and not is_path(made)


class Marker:
    """Replace shared nodes by their names, leaving the rest as it is."""

    def __init__(self, shared: dict[int, str], owner: Sharing) -> None:
        self.shared, self.owner = shared, owner

    def visit(self, node: Any) -> Any:
        if isinstance(node, list):
            new = [self.visit(v) for v in node]
            return new if any(a is not b for a, b in zip(new, node)) else node
        if not isinstance(node, ast.AST):
            return node
        return self.owner.hoisted(node, self.shared) if id(node) in self.shared else self.rebuilt(node)  # type: ignore[arg-type]

    def rebuilt(self, node: ast.AST) -> ast.AST:
        fields = {field: self.visit(old) for field, old in ast.iter_fields(node)}
        changed = any(new is not getattr(node, field) for field, new in fields.items())
        return type(node)(**fields) if changed else node
