"""A picture step by step: the operations forward, the seed, then the operations backward.

    q = x + y;  f = q * z;  df = 1;  dq, dz;  dx, dy
"""
from __future__ import annotations

from dataclasses import dataclass

from srcad.graph.picture import Edge, Node, Picture

ALL = 10**9


@dataclass(frozen=True)
class Moment:
    """One step of a run: how far the forward pass has come, and how far back the backward pass.

    forward: the values of what is reached by then are known; backward: what flows out of the operations from then on is known; now: the
    key of the node at hand; first: when each node is used first, by its key.
    """

    title: str = ""
    forward: int = ALL
    backward: int = 0
    now: str = ""
    first: tuple[tuple[str, int], ...] = ()

    def knows_value(self, edge: Edge) -> bool:
        return edge.source.time <= self.forward

    def knows_gradient(self, edge: Edge) -> bool:
        if edge.target.kind in ("operation", "folded"):
            return edge.target.time >= self.backward
        return self.knows_total(edge.target)

    def knows_total(self, node: Node) -> bool:
        """Whether all that a variable's gradient is made of has come."""
        if node.kind == "result":
            return self.backward < ALL
        return dict(self.first).get(node.key, ALL - 1) >= self.backward

    def at_hand(self, node: Node) -> bool:
        return node.key == self.now


def moments(picture: Picture) -> list[Moment]:
    """The steps of a picture, in their order."""
    steps = sorted((n for n in picture.nodes if n.kind in ("operation", "folded")), key=lambda n: n.time)
    first: dict[str, int] = {}
    for edge in picture.edges:
        first[edge.source.key] = min(first.get(edge.source.key, ALL), edge.target.time)
    used = tuple(first.items())
    out = [Moment("the arguments", 0, ALL, "", used)]
    for i, node in enumerate(steps):
        out.append(Moment(f"forward {i + 1} of {len(steps)}:  {node.text or node.label}", node.time, ALL, node.key, used))
    result = next((n for n in picture.nodes if n.kind == "result"), None)
    out.append(Moment("the seed: the gradient of the result is 1", ALL, ALL - 1, result.key if result else "", used))
    for i, node in enumerate(reversed(steps)):
        out.append(Moment(f"backward {i + 1} of {len(steps)}:  {node.text or node.label}", ALL, node.time, node.key, used))
    return out
