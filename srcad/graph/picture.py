"""From a run to what is drawn: boxes for variables, round nodes for operations, edges with a value and a gradient.

    x --(-2 | -4)--> + --(3 | -4)--> q --(3 | -4)--> * --(-12 | 1)--> f

A group is drawn whole or as one node; of a loop with many passes the last one is shown, and the others are one node.
"""
from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

from srcad.graph.labels import lines
from srcad.graph.model import Group, Operation, Run, Value

FOLDABLE = ("call", "scope", "gate", "loop")
LARGE = 120  # nodes: from there on inner groups are folded unasked


@dataclass
class Node:
    """kind: "input", "constant", "variable", "result", "operation" or "folded"; time: when it is reached; detail: lines under the label."""

    key: str
    kind: str
    label: str
    group: Group
    time: int
    detail: tuple[str, ...] = ()
    gradient: tuple[str, ...] = ()
    text: str = ""  # the staged statement


@dataclass
class Edge:
    """What flows from one node to another: the value forward, the gradient backward (nothing where none flows)."""

    source: Node
    target: Node
    name: str
    value: tuple[str, ...]
    gradient: tuple[str, ...]
    data: Any


@dataclass
class Picture:
    title: str
    nodes: list[Node] = field(default_factory=list)
    edges: list[Edge] = field(default_factory=list)
    program: Group = field(default_factory=lambda: Group("program", ""))
    headings: dict[Group, str] = field(default_factory=dict)

    def inside(self, group: Group) -> tuple[list[Node], list[Group]]:
        """The nodes and the groups that stand in a group itself."""
        nodes = [n for n in self.nodes if n.group is group]
        groups = dict.fromkeys(g for n in self.nodes for g in n.group.path if g.parent is group)
        return nodes, list(groups)


class Drawing:
    """Makes the picture of a run."""

    def __init__(self, run: Run, folded: Sequence[str], passes: int, whole: bool) -> None:
        self.run, self.folded, self.passes, self.whole = run, frozenset(folded), passes, whole
        self.operations = [op for op in run.operations if any(v.adjoint is not None for _, v in op.outputs)]
        self.deepest = 10**9
        self.fold_large()
        self.picture = Picture(run.title, program=run.program)
        self.nodes: dict[object, Node] = {}
        self.edges: dict[tuple[str, str, str], tuple[Edge, Value, Any]] = {}
        self.times = {id(op): i + 1 for i, op in enumerate(run.operations)}

    def fold_large(self) -> None:
        """Fold inner groups, the innermost first, until the picture is small enough."""
        if self.folded or self.whole:
            return
        depths = sorted({len(op.group.path) for op in self.operations}, reverse=True)
        for depth in depths:
            if len({self.stands_for(op) for op in self.operations}) <= LARGE:
                return
            self.deepest = depth - 1

    # ---- what stands for what

    def is_folded(self, group: Group) -> bool:
        if group.kind == "pass":
            assert group.parent is not None
            return not self.whole and group.parent.count > self.passes and group.count != group.parent.count
        return group.label in self.folded or len(group.path) > self.deepest and group.kind in FOLDABLE

    def fold_of(self, group: Group) -> Group | None:
        """The outermost folded group around a group; of the passes of a loop that are folded, the first stands for all."""
        return next((g for g in group.path if self.is_folded(g)), None)

    def stands_for(self, op: Operation) -> object:
        """The operation itself, or what it is folded into."""
        fold = self.fold_of(op.group)
        return op if fold is None else ("passes", fold.parent) if fold.kind == "pass" else fold

    # ---- nodes

    def node(self, key: object, kind: str, label: str, group: Group, time: int) -> Node:
        if key not in self.nodes:
            self.nodes[key] = Node(f"n{len(self.nodes)}", kind, label, group, time)
            self.picture.nodes.append(self.nodes[key])
        found = self.nodes[key]
        found.time = max(found.time, time)
        return found

    def operation_node(self, op: Operation) -> Node:
        key, time = self.stands_for(op), self.times[id(op)]
        if isinstance(key, Operation):
            made = self.node(key, "operation", op.label, op.group, time)
            made.text = op.text.strip()
            return made
        if isinstance(key, Group):
            count = f", {key.count} passes" if key.kind == "loop" else ""
            return self.node(key, "folded", f"{key.label}{count}", key.parent or self.run.program, time)
        loop: Group = key[1]  # type: ignore[index]
        return self.node(key, "folded", f"{loop.count - 1} more passes", loop, time)

    def variable_node(self, value: Value) -> Node | None:
        """The box of a variable; None for what has no name, or got it in a folded group."""
        time = self.times[id(value.maker)] if value.maker is not None else 0
        if value is self.run.result:
            label = value.name or "result"
            return self.node(value, "result" if not value.leaf else "input", label, self.run.program, time)
        if not value.name or value.group is not None and self.fold_of(value.group) is not None:
            return None
        kind = "input" if value.leaf else "variable" if value.maker is not None else "constant"
        group = value.group if value.group is not None and value.maker is not None else self.run.program
        return self.node(value, kind, value.name, group, time)

    # ---- edges

    def edge(self, source: Node, target: Node, value: Value, gradient: Any, apart: str = "") -> None:
        """An edge; those of one value between the same nodes are one, and their gradients add up."""
        if source is target:
            return
        name = value.name if source.kind in ("operation", "folded") and target.kind in ("operation", "folded") else ""
        key = (source.key, target.key, f"{id(value)} {apart}")
        if key in self.edges:
            old, _, before = self.edges[key]
            gradient = before if gradient is None else gradient if before is None else before + gradient
            old.gradient = shown(gradient)
            self.edges[key] = (old, value, gradient)
            return
        made = Edge(source, target, name, tuple(lines(value.data)), shown(gradient), value.data)
        self.picture.edges.append(made)
        self.edges[key] = (made, value, gradient)

    def source_of(self, value: Value) -> Node | None:
        """The node that a value comes from: its box, or the operation that made it."""
        if value.maker is None:
            return self.variable_node(value)
        maker = self.operation_node(value.maker)
        box = self.variable_node(value)
        if box is None:
            return maker
        self.edge(maker, box, value, value.adjoint)
        return box

    def drawn(self) -> Picture:
        for leaf in self.run.inputs:
            self.variable_node(leaf)
        for op in self.operations:
            target = self.operation_node(op)
            for i, path, value in op.operands():
                source = None if self.is_inner(value, op) else self.source_of(value)
                if source is not None:
                    folded = target.kind == "folded"
                    self.edge(source, target, value, op.given.get((i, path)), "" if folded else f"{i} {path}")
        self.source_of(self.run.result)
        self.finish()
        return self.picture

    def is_inner(self, value: Value, op: Operation) -> bool:
        """Whether a value is made and used within one folded group."""
        here = self.stands_for(op)
        return not isinstance(here, Operation) and value.maker is not None and self.stands_for(value.maker) == here

    def finish(self) -> None:
        """Values beside the boxes whose edges do not say them, and what each group is called."""
        uses = {n.key: sum(e.source is n for e in self.picture.edges) for n in self.picture.nodes}
        reached = {e.target.key for e in self.picture.edges}
        for value, node in self.nodes.items():
            if isinstance(value, Value) and node.key not in reached and (value.leaf and uses[node.key] != 1 or not uses[node.key]):
                node.detail = tuple(lines(value.data))
                node.gradient = shown(value.adjoint) or (("0",) if value.leaf else ())
        for group in {g: None for n in self.picture.nodes for g in n.group.path}:
            self.picture.headings[group] = self.heading(group)

    def heading(self, group: Group) -> str:
        if group.kind == "loop":
            return f"{group.label}   ({group.count} passes)" if group.count != 1 else f"{group.label}   (1 pass)"
        if group.kind == "pass":
            assert group.parent is not None
            return f"pass {group.count} of {group.parent.count}"
        return group.label


def shown(gradient: Any) -> tuple[str, ...]:
    return () if gradient is None else tuple(lines(gradient, False))
