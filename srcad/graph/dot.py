"""A picture in the language of Graphviz.

    n0 -> e0 -> n1    an edge, with a node in its middle: the value above the line, the gradient below it
"""
from __future__ import annotations

from html import escape

from srcad.graph.model import Group
from srcad.graph.moments import Moment
from srcad.graph.picture import Edge, Node, Picture

GREEN, RED, GREY, HIDDEN = "#116329", "#cf222e", "#57606a", "#ffffff00"
HEAD = """digraph "{title}" {{
  rankdir=LR; nodesep=0.15; ranksep=0.12; fontname="Helvetica"; fontsize=11; compound=true;
  node [fontname="Helvetica", fontsize=12, shape=box, height=0.35, width=0.35, margin="0.1,0.05", color="#57606a"];
  edge [arrowsize=0.6, color="#57606a"];"""
STYLES = {
    "input": 'style="filled", fillcolor="#ddf4ff"',
    "constant": 'style="filled", fillcolor="#f6f8fa", fontcolor="#57606a"',
    "variable": 'style="filled", fillcolor="#ffffff"',
    "result": 'style="filled,bold", fillcolor="#fff8c5"',
    "operation": 'shape=ellipse, margin="0.04,0.02"',
    "folded": 'shape=box, style="rounded,filled", fillcolor="#eaeef2", peripheries=2',
}
GROUPS = {"call": "#0969da", "scope": "#8250df", "gate": "#8250df", "branch": "#9a6700", "loop": "#1a7f37", "pass": "#8c959f", "program": "#57606a"}


def dot(picture: Picture, moment: Moment | None = None) -> str:
    """The text; with a moment, what is not yet known then is hidden, and the nodes at hand stand out."""
    moment = moment or Moment()
    numbers = {id(e): i for i, e in enumerate(picture.edges)}
    out = [HEAD.format(title=quoted(picture.title))]
    if moment.title:
        out.append(f'  label="{quoted(moment.title)}"; labelloc=t; labeljust=l; fontsize=13;')
    out += group_lines(picture, picture.program, moment, numbers, 1)
    for edge in picture.edges:
        i = numbers[id(edge)]
        out.append(f"  {edge.source.key} -> e{i} [arrowhead=none, tailport=e, headport=w, weight=2];")
        out.append(f"  e{i} -> {edge.target.key} [tailport=e, weight=2];")
    return "\n".join([*out, "}"]) + "\n"


def group_lines(picture: Picture, group: Group, moment: Moment, numbers: dict[int, int], depth: int) -> list[str]:
    """The nodes of a group, the middles of its edges, and the groups inside it."""
    pad = "  " * depth
    nodes, groups = picture.inside(group)
    out = [f"{pad}{node.key} [{attributes(node, moment)}];" for node in nodes]
    out += [f"{pad}e{numbers[id(e)]} [shape=none, margin=0, width=0, height=0, label={middle(e, moment)}];" for e in picture.edges if shared(e) is group]
    for inner in groups:
        colour = GROUPS[inner.kind]
        heading = quoted(picture.headings.get(inner, inner.label))
        out.append(f'{pad}subgraph "cluster_{number_of(picture, inner)}" {{')
        out.append(f'{pad}  label="{heading}"; labeljust=l; color="{colour}"; fontcolor="{colour}"; style="rounded{",dashed" if inner.kind in ("pass", "branch") else ""}"; margin=8;')
        out += group_lines(picture, inner, moment, numbers, depth + 1)
        out.append(f"{pad}}}")
    return out


def number_of(picture: Picture, group: Group) -> int:
    return list(picture.headings).index(group)


def shared(edge: Edge) -> Group:
    """The innermost group that both ends of an edge stand in."""
    return [a for a, b in zip(edge.source.group.path, edge.target.group.path) if a is b][-1]


def attributes(node: Node, moment: Moment) -> str:
    word, _, rest = node.label.partition(" ") if node.kind == "operation" and len(node.label) > 12 else (node.label, "", "")
    lines = [escape(word), *([f'<font point-size="10">{escape(rest)}</font>'] if rest else [])]
    lines += [coloured(t, GREEN) for t in node.detail] + [coloured(t, RED if moment.knows_total(node) else HIDDEN) for t in node.gradient]
    label = f"<{'<br/>'.join(lines)}>" if len(lines) > 1 else f'"{quoted(node.label)}"'
    extra = ', color="#bf3989", penwidth=3' if moment.at_hand(node) else ""
    return f"label={label}, {STYLES[node.kind]}{extra}"


def middle(edge: Edge, moment: Moment) -> str:
    """The value above the line and the gradient below it; as many lines on either side, so that the line is in the middle."""
    above = [*([edge.name] if edge.name else []), *edge.value]
    below = list(edge.gradient)
    rows = max(len(above), len(below))
    above = [""] * (rows - len(above)) + above
    below = below + [""] * (rows - len(below))
    green = "<br/>".join(coloured(t, GREEN if moment.knows_value(edge) else HIDDEN) for t in above)
    red = "<br/>".join(coloured(t, RED if moment.knows_gradient(edge) else HIDDEN) for t in below)
    return f'<<table border="0" cellborder="0" cellspacing="0" cellpadding="1" color="{GREY}"><tr><td>{green}</td></tr><hr/><tr><td>{red}</td></tr></table>>'


def coloured(text: str, colour: str) -> str:
    return f'<font point-size="10" color="{colour}">{escape(text) or " "}</font>'


def quoted(text: str) -> str:
    return text.replace("\\", "\\\\").replace('"', '\\"')
