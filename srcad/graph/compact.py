"""Large pictures, laid out here: layer by layer, each node with its value and gradient in it, so that thousands take seconds.

    rank(node) = 1 + the largest rank of what flows into it;  within a rank, nodes stand near what they come from
"""
from __future__ import annotations

from html import escape

from srcad.graph.dot import STYLES, coloured, quoted, GREEN, RED
from srcad.graph.picture import Node, Picture

MANY = 300  # nodes: from there on pictures are laid out here
ACROSS, DOWN = 190, 75  # points between ranks, and between the nodes of one


def positions(picture: Picture) -> dict[str, tuple[float, float]]:
    """Where each node stands."""
    nodes = sorted(picture.nodes, key=lambda n: n.time)
    before: dict[str, list[str]] = {n.key: [] for n in nodes}
    after: dict[str, list[str]] = {n.key: [] for n in nodes}
    for edge in picture.edges:
        before[edge.target.key].append(edge.source.key)
        after[edge.source.key].append(edge.target.key)
    rank = ranks(nodes, before, after)
    layers: dict[int, list[str]] = {}
    for node in nodes:
        layers.setdefault(rank[node.key], []).append(node.key)
    place: dict[str, float] = {}
    for layer in sorted(layers):
        keys = layers[layer]
        wanted = {k: sum(near) / len(near) if (near := [place[b] for b in before[k] if b in place]) else 0.0 for k in keys}
        keys.sort(key=lambda k: wanted[k])
        middle = sum(wanted.values()) / len(keys)
        place |= {k: middle + i - (len(keys) - 1) / 2 for i, k in enumerate(keys)}
    return {k: (rank[k] * ACROSS, -place[k] * DOWN) for k in place}


def ranks(nodes: list[Node], before: dict[str, list[str]], after: dict[str, list[str]]) -> dict[str, int]:
    """The layer of each node: one after all that flows into it. What nothing flows into stands just before its first use."""
    rank: dict[str, int] = {}
    waiting = {k: len(b) for k, b in before.items()}
    ready = [n.key for n in nodes if not waiting[n.key]]
    for key in ready:
        rank[key] = max((rank[b] + 1 for b in before[key]), default=0)
        for target in after[key]:
            waiting[target] -= 1
            if not waiting[target]:
                ready.append(target)
    rank |= {n.key: 0 for n in nodes if n.key not in rank}  # round a folded loop
    return rank | {k: max(0, min(rank[t] for t in after[k]) - 1) for k in rank if not before[k] and after[k]}


def compact(picture: Picture) -> str:
    """DOT text with every node in its place, for Graphviz's `nop`."""
    made = {e.target.key: e for e in picture.edges} | {e.source.key: e for e in reversed(picture.edges) if e.source.kind == "operation"}
    out = [f'digraph "{quoted(picture.title)}" {{', '  splines=line; node [fontname="Helvetica", fontsize=12, shape=box, height=0.35, width=0.35, margin="0.06,0.03", color="#57606a"];',
           '  edge [arrowsize=0.6, color="#8c959f"];']
    where = positions(picture)
    for node in picture.nodes:
        x, y = where[node.key]
        edge = made.get(node.key)
        green, red = (edge.value, edge.gradient) if edge is not None and node.kind in ("operation", "folded", "result") else (node.detail, node.gradient)
        lines = [escape(node.label), *(coloured(t, GREEN) for t in green), *(coloured(t, RED) for t in red)]
        out.append(f'  {node.key} [label=<{"<br/>".join(lines)}>, pos="{x:.0f},{y:.0f}", {STYLES[node.kind]}];')
    out += [f"  {edge.source.key} -> {edge.target.key};" for edge in picture.edges]
    return "\n".join([*out, "}"]) + "\n"
