"""Lists that grow in loops, in reverse: a list of adjoints beside each.

    hs.append(h)         dh += dhs.pop()
    a = np.array(hs)     dhs = list(da)
    h = hs[i]            dhs[i] = dhs[i] + dh
    ends = hs[-2:]       dhs[-2:] = [d + e for d, e in zip(dhs[-2:], dends)]
"""
from __future__ import annotations

import ast
import functools

import numpy as np

from srcad.adjoints import adjoint_kind, filled
from srcad.errors import SrcadError
from srcad.inference import Branch, ListStep, Loop, Step
from srcad.ir import Assign, Effect, For, Store, While, walk
from srcad.kinds import Number, Ref, Series, leaves
from srcad.render import function_path, shape_expr
from srcad.shadows import Shadows, closed, every_step, made_by
from srcad.syntax import binary, call, const, method, name
from srcad.terms import Term
from srcad.uses import bound


class ListBack(Shadows):
    """Reverses what happens to such lists."""

    def consume(self, output: Ref) -> Term | None:
        raise NotImplementedError

    def accumulate(self, key: str, term: Term) -> None:
        raise NotImplementedError

    def list_back(self, step: ListStep) -> None:
        self.loc = step.loc
        series = step.series
        match step.what:
            case "make":
                self.make_back(step)
            case "append" if series.name in self.names:
                self.handed(step.values[0], method(name(self.names[series.name]), "pop"), series)
            case "read" | "pop" | "array" | "sum":
                assert step.output is not None
                given = self.consume(step.output)
                if given is not None or step.what == "pop" and series.name in self.names:
                    self.read_back(step, given)
            case "slice":
                assert step.output is not None
                if (part := self.names.pop(step.output.key, None)) is not None:
                    self.slice_back(step, name(part))
            case "store" if series.name in self.names:
                place = ast.Subscript(value=name(self.names[series.name]), slice=step.index, ctx=ast.Load())  # type: ignore[arg-type]
                held = self.state.namer.temporary("part_given")
                self.emit(Assign(held, place, step.loc))
                self.emit(Store(place, self.zero(series), step.loc))
                self.handed(step.values[0], name(held), series)

    def make_back(self, step: ListStep) -> None:
        label = self.names.pop(step.series.name, None)
        if label is None:
            return
        for i, item in enumerate(step.values):
            self.handed(item, ast.Subscript(value=name(label), slice=const(i), ctx=ast.Load()), step.series)

    def slice_back(self, step: ListStep, part: ast.expr) -> None:
        """The adjoints of a part go to those of the whole list."""
        if step.series.name not in self.names:
            self.list_zeros(step.series, step.size)
        place = ast.Subscript(value=name(self.names[step.series.name]), slice=step.index, ctx=ast.Load())  # type: ignore[arg-type]
        self.emit(Store(place, sums(place, part), step.loc))

    def handed(self, item: Ref, expr: ast.expr, series: Series) -> None:
        """An item's adjoint, taken from the list, goes to the item."""
        if item.key not in self.state.active:
            if isinstance(expr, ast.Call):
                self.emit(Effect(expr, self.here()))
            return
        held = self.state.namer.temporary("item_given")
        kind = adjoint_kind(item.number)
        self.kinds[held] = kind
        self.foldable.add(held)
        self.emit(Assign(held, expr, self.here()))
        self.contribute(item, Term(name(held), kind, self.facts))

    def read_back(self, step: ListStep, given: Term | None) -> None:
        series, loc = step.series, step.loc
        label = name(self.list_name(series))
        blank = series.name not in self.names
        if step.what in ("read", "pop") and blank:
            self.list_zeros(series, step.size)
        self.names[series.name] = label.id
        item = name("d")
        match step.what, given:
            case "pop", _:
                item_given = self.zero(series) if given is None else self.whole(given, step)
                self.emit(Effect(method(label, "append", item_given) if step.index is None else method(label, "insert", step.index, item_given), loc))
            case "read", Term():
                place = ast.Subscript(value=label, slice=step.index, ctx=ast.Load())  # type: ignore[arg-type]
                self.emit(Store(place, binary(place, ast.Add(), given.expr), loc))
            case "array", Term():
                parts = call("list", [self.whole(given, step)])
                self.emit(Assign(label.id, parts if blank else sums(label, self.whole(given, step)), loc))
            case "sum", Term():
                same = binary(ast.List(elts=[self.whole(given, step)], ctx=ast.Load()), ast.Mult(), name(step.size))
                self.emit(Assign(label.id, same if blank else comprehension(binary(item, ast.Add(), given.expr), item, label), loc))
        self.kinds[label.id] = Number("python", None, ())

    def whole(self, given: Term, step: ListStep) -> ast.expr:
        assert step.output is not None
        return filled(given, step.output.number, self.facts).expr

    def list_name(self, series: Series) -> str:
        if series.name not in self.allotted:
            self.allotted[series.name] = self.state.namer.adjoint(f"d{series.name}")
        return self.allotted[series.name]

    def list_zeros(self, series: Series, size: str) -> None:
        """A list of adjoints that nothing has reached yet."""
        label = self.list_name(series)
        if series.kind is not None and series.kind.is_plain:
            expr: ast.expr = binary(ast.List(elts=[const(0.0)], ctx=ast.Load()), ast.Mult(), name(size))
        elif self.varies(series) and not any(isinstance(s, ListStep) and s.series.name == series.name and s.what == "pop" for s in self.every):
            item = name(self.state.namer.temporary("item"))
            blank = call(function_path(np.zeros, self.facts), [ast.Attribute(value=item, attr="shape", ctx=ast.Load())])
            expr = comprehension(blank, item, name(series.name))
        else:
            expr = comprehension(self.zero(series), name(self.state.idle_name()), call("range", [name(size)]))
        self.emit(Assign(label, expr, self.here()))
        self.names[series.name] = label
        self.kinds[label] = Number("python", None, ())

    def zero(self, series: Series) -> ast.expr:
        kind = series.kind
        if kind is None or kind.is_plain:
            return const(0.0)
        if kind.shape is None or self.varies(series):
            raise SrcadError("the arrays in this list are of shapes that only the run can tell. Make them of one shape.", self.loc)
        return call(function_path(np.zeros, self.facts), [shape_expr(kind.shape, self.facts)])

    def varies(self, series: Series) -> bool:
        """Whether the items of a list may be of several sizes: said with what the passes of a loop give values to, or not known at all."""
        shape = series.kind.shape if series.kind is not None else None
        return shape is None or any("?" in d.key or d.names & self.given_in_loops for d in shape)

    @functools.cached_property
    def given_in_loops(self) -> set[str]:
        return {t for s in walk(self.state.statements) if isinstance(s, (For, While)) for t in bound(s)}

    @functools.cached_property
    def lists_read(self) -> set[str]:
        """The lists whose items something of the result is made of: not those that only a test reads."""
        keys = {self.stem(leaf) for leaf in leaves(self.state.result)}
        through = self.made_of(self.every)
        for step in self.every:
            if isinstance(step, ListStep):
                through.append(([step.series.name], [self.stem(r) for r in step.values]))
                through += [([self.stem(step.output)], [step.series.name])] if step.output is not None else []
        return closed(keys, through)

    def lists_ready(self, step: Branch | Loop) -> None:
        """The adjoints of the lists that a branch or a loop changes or reads are there before it."""
        inner: list[Step] = list(every_step([step]))
        made = {key for s in inner for key in made_by(s)}
        for series in {s.series.name: s.series for s in inner if isinstance(s, ListStep)}.values():
            if series.name in self.lists_read - made and series.active and series.name not in self.names:
                self.list_zeros(series, step.sizes[series.name])


def sums(one: ast.expr, other: ast.expr) -> ast.ListComp:
    """The items of two lists, added."""
    d, e = name("d"), name("e")
    return comprehension(binary(d, ast.Add(), e), ast.Tuple(elts=[d, e], ctx=ast.Store()), call("zip", [one, other]))


def comprehension(element: ast.expr, target: ast.expr, iterable: ast.expr) -> ast.ListComp:
    """`[element for target in iterable]`."""
    stored = target if isinstance(target, ast.Tuple) else ast.Name(id=getattr(target, "id", "_"), ctx=ast.Store())
    return ast.ListComp(elt=element, generators=[ast.comprehension(target=stored, iter=iterable, ifs=[], is_async=0)])
