"""A picture in the language of Mermaid, which many pages draw by themselves.

    n0 -- "-2 / -4" --> n3
"""
from __future__ import annotations

from srcad.graph.dot import GREEN, RED
from srcad.graph.model import Group
from srcad.graph.moments import Moment
from srcad.graph.picture import Edge, Node, Picture

SHAPES = {
    "input": '["{}"]:::input', "constant": '["{}"]:::constant', "variable": '["{}"]', "result": '["{}"]:::result', "operation": '(("{}"))', "folded": '[["{}"]]:::folded',
}
CLASSES = """  classDef input fill:#ddf4ff,stroke:#57606a,color:#1f2328
  classDef constant fill:#f6f8fa,stroke:#57606a,color:#57606a
  classDef result fill:#fff8c5,stroke:#57606a,stroke-width:3px,color:#1f2328
  classDef folded fill:#eaeef2,stroke:#57606a,color:#1f2328"""
SPECIAL = {"#": "#35;", '"': "#quot;", "<": "#lt;", ">": "#gt;", "*": "#42;", "`": "#96;", "_": "#95;"}


def mermaid(picture: Picture, moment: Moment | None = None) -> str:
    """The text; with a moment, what is not yet known then is left out, and the node at hand stands out."""
    moment = moment or Moment()
    out = ["flowchart LR"]
    if moment.title:
        out = ["---", f"title: '{moment.title.replace(chr(39), chr(39) * 2)}'", "---", *out]
    out += group_lines(picture, picture.program, moment, 1)
    out += [f"  {edge.source.key} {arrow(edge, moment)} {edge.target.key}" for edge in picture.edges]
    out.append(CLASSES)
    if moment.now:
        out.append(f"  style {moment.now} stroke:#bf3989,stroke-width:4px")
    return "\n".join(out) + "\n"


def group_lines(picture: Picture, group: Group, moment: Moment, depth: int) -> list[str]:
    pad = "  " * depth
    nodes, groups = picture.inside(group)
    out = [f"{pad}{node.key}{SHAPES[node.kind].format(label(node, moment))}" for node in nodes]
    for inner in groups:
        out.append(f'{pad}subgraph g{list(picture.headings).index(inner)} ["{plain(picture.headings[inner])}"]')
        out += group_lines(picture, inner, moment, depth + 1)
        out.append(f"{pad}end")
    return out


def label(node: Node, moment: Moment) -> str:
    below = [coloured(t, RED) for t in node.gradient] if moment.knows_total(node) else []
    return "<br/>".join([plain(node.label), *(coloured(t, GREEN) for t in node.detail), *below])


def arrow(edge: Edge, moment: Moment) -> str:
    above = [coloured(t, GREEN) for t in (*([edge.name] if edge.name else []), *edge.value)] if moment.knows_value(edge) else []
    below = [coloured(t, RED) for t in edge.gradient] if moment.knows_gradient(edge) else []
    return f'-- "{"<br/>".join([*above, *below])}" -->' if above or below else "-->"


def coloured(text: str, colour: str) -> str:
    return f"<font color='{colour}'>{plain(text)}</font>"


def plain(text: str) -> str:
    """Text in which nothing is markup: a sign at its beginning would make a list of it."""
    written = "".join(SPECIAL.get(c, c) for c in text)
    if written[:1] in "+-" and (len(text) == 1 or text[1] == " "):
        written = f"#{ord(written[0])};{written[1:]}"
    return written
