"""The picture of the page: Graphviz's where pygraphviz is installed and the graph is not too large, otherwise one laid out here.

    drawn(graph)    ->    the picture, {"n2": [(line, passes) that the node stands for]}
"""
from __future__ import annotations

from html import escape

from srcad.errors import SrcadError
from srcad.explore.original import Line, line_of, passes_of
from srcad.explore.replay import Passes
from srcad.graph import Graph
from srcad.graph.compact import MANY, positions
from srcad.graph.dot import GREEN, RED, STYLES, dot
from srcad.graph.model import Run
from srcad.graph.picture import Drawing, Node, Picture
from srcad.graph.render import inline_svg, render

HIGH, LETTER, MARGIN = 15, 6.6, 20  # of a line and a letter, and around the picture
COLOURS = {"input": "#ddf4ff", "constant": "#f6f8fa", "variable": "#ffffff", "result": "#fff8c5", "operation": "#ffffff", "folded": "#eaeef2"}
assert COLOURS.keys() == STYLES.keys()
Meaning = dict[str, list[tuple[Line, Passes]]]


def drawn(graph: Graph, head: Line) -> tuple[Picture, Meaning]:
    """The picture, and the user's lines that each of its nodes stands for; head: that of the function itself."""
    drawing = Drawing(graph.run, graph.names, graph.passes, graph.whole)
    return drawing.drawn(), meaning(drawing, graph.run, head)


def meaning(drawing: Drawing, run: Run, head: Line) -> Meaning:
    """The lines of each node: where its operation stands, the statement that gave the variable its value, or the head that names the argument."""
    found: Meaning = {}

    def say(key: object, line: Line, passes: Passes) -> None:
        if key in drawing.nodes:
            said = found.setdefault(drawing.nodes[key].key, [])
            said += [(line, passes)] if (line, passes) not in said else []

    for leaf in run.inputs:
        say(leaf, head, ())
    for op in run.operations:
        say(drawing.stands_for(op), line_of(op.loc), passes_of(op.group))
    for binding in run.bindings:
        if binding.value is not None and not binding.value.leaf and binding.name in (binding.value.name, "return"):
            say(binding.value, line_of(binding.loc), passes_of(binding.group))
    return found


def svg_of(picture: Picture) -> str:
    """The picture as text."""
    if len(picture.nodes) <= MANY:
        try:
            return inline_svg(render(dot(picture), "svg", hurried=len(picture.nodes) > MANY // 3))
        except SrcadError:
            pass
    return layered(picture)


def layered(picture: Picture) -> str:
    """A picture whose nodes stand in layers, each with its value and its gradient in it."""
    made = {e.target.key: e for e in picture.edges} | {e.source.key: e for e in reversed(picture.edges) if e.source.kind == "operation"}
    where = positions(picture)
    left, top = (min((p[i] for p in where.values()), default=0) for i in (0, 1))
    wide, high = (max((p[i] for p in where.values()), default=0) for i in (0, 1))
    shift = MARGIN + 80
    at = {k: (x - left + shift, y - top + shift / 2) for k, (x, y) in where.items()}
    out = [f'<svg xmlns="http://www.w3.org/2000/svg" width="{wide - left + 2 * shift:.0f}" height="{high - top + shift:.0f}" viewBox="0 0 {wide - left + 2 * shift:.0f} {high - top + shift:.0f}" font-family="Helvetica,sans-serif" font-size="11">',
           '<defs><marker id="tip" viewBox="0 0 8 8" refX="8" refY="4" markerWidth="7" markerHeight="7" orient="auto"><path d="M0 0L8 4L0 8z" fill="#57606a"/></marker></defs>']
    sides = {n.key: size(n, rows_of(n, made)) for n in picture.nodes}
    for edge in picture.edges:
        (x1, y1), (x2, y2) = at[edge.source.key], at[edge.target.key]
        a, b = x1 + sides[edge.source.key][0] / 2, x2 - sides[edge.target.key][0] / 2
        out.append(f'<g class="edge"><path fill="none" stroke="#57606a" marker-end="url(#tip)" d="M{a:.0f} {y1:.0f}C{(a + b) / 2:.0f} {y1:.0f} {(a + b) / 2:.0f} {y2:.0f} {b:.0f} {y2:.0f}"/></g>')
    for node in picture.nodes:
        out.append(box(node, rows_of(node, made), at[node.key], sides[node.key]))
    return "".join([*out, "</svg>"])


def rows_of(node: Node, made: dict[str, object]) -> list[tuple[str, str]]:
    """The lines in a node, each with its colour."""
    edge = made.get(node.key)
    green, red = (edge.value, edge.gradient) if edge is not None and node.kind in ("operation", "folded", "result") else (node.detail, node.gradient)  # type: ignore[attr-defined]
    return [(node.label, "#000000"), *((t, GREEN) for t in green), *((t, RED) for t in red)]


def size(node: Node, rows: list[tuple[str, str]]) -> tuple[float, float]:
    return max(LETTER * max(len(t) for t, _ in rows) + 14, 30), HIGH * len(rows) + 8


def box(node: Node, rows: list[tuple[str, str]], at: tuple[float, float], sides: tuple[float, float]) -> str:
    (x, y), (wide, high) = at, sides
    round_ = high / 2 if node.kind == "operation" and len(rows) < 3 else 8 if node.kind in ("operation", "folded") else 0
    shape = f'<rect x="{x - wide / 2:.0f}" y="{y - high / 2:.0f}" width="{wide:.0f}" height="{high:.0f}" rx="{round_:.0f}" fill="{COLOURS[node.kind]}" stroke="#57606a"/>'
    words = "".join(f'<text x="{x:.0f}" y="{y - high / 2 + 4 + HIGH * (i + 0.75):.0f}" text-anchor="middle" fill="{colour}">{escape(text)}</text>' for i, (text, colour) in enumerate(rows))
    return f'<g class="node"><title>{node.key}</title>{shape}{words}</g>'
