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
from srcad.graph.picture import Drawing, Edge, Node, Picture
from srcad.graph.render import inline_svg, render

HIGH, LETTER, ASIDE = 15, 6.6, 100  # of a line and a letter, and beside the picture
COLOURS = {"input": "#ddf4ff", "constant": "#f6f8fa", "variable": "#ffffff", "result": "#fff8c5", "operation": "#ffffff", "folded": "#eaeef2"}
assert COLOURS.keys() == STYLES.keys()
Meaning = dict[str, list[tuple[Line, Passes]]]


def drawn(graph: Graph, head: Line) -> tuple[Picture, Meaning]:
    """The picture, and the user's lines that each of its nodes stands for; head: that of the function itself."""
    drawing = Drawing(graph.run, graph.names, graph.passes, graph.whole)
    return drawing.drawn(), meaning(drawing, graph.run, head)


def meaning(drawing: Drawing, run: Run, head: Line) -> Meaning:
    """The lines of each node: where its operation stands, the statement that gave the variable its value, the head that names the argument."""
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
    made = {e.target.key: e for e in picture.edges} | {e.source.key: e for e in reversed(picture.edges) if e.source.kind in ("operation", "input")}
    where = positions(picture)
    left, top = (min((p[i] for p in where.values()), default=0) for i in (0, 1))
    at = {k: (x - left + ASIDE, y - top + ASIDE / 2) for k, (x, y) in where.items()}
    wide, high = (max((p[i] for p in at.values()), default=0) + room for i, room in ((0, ASIDE), (1, ASIDE / 2)))
    rows = {n.key: rows_of(n, made) for n in picture.nodes}
    sides = {key: size(lines) for key, lines in rows.items()}
    edges = [curve(at[e.source.key], at[e.target.key], sides[e.source.key][0], sides[e.target.key][0]) for e in picture.edges]
    nodes = [box(n, rows[n.key], at[n.key], sides[n.key]) for n in picture.nodes]
    return SVG.format(wide=round(wide), high=round(high), inner="".join([*edges, *nodes]))


SVG = (
    '<svg xmlns="http://www.w3.org/2000/svg" width="{wide}" height="{high}" viewBox="0 0 {wide} {high}" '
    'font-family="Helvetica,sans-serif" font-size="11">'
    '<defs><marker id="tip" viewBox="0 0 8 8" refX="8" refY="4" markerWidth="7" markerHeight="7" orient="auto">'
    '<path d="M0 0L8 4L0 8z" fill="#57606a"/></marker></defs>{inner}</svg>'
)


def curve(start: tuple[float, float], stop: tuple[float, float], before: float, after: float) -> str:
    """An edge from the right side of one box to the left side of another; before, after: how wide they are."""
    (x1, y1), (x2, y2) = (start[0] + before / 2, start[1]), (stop[0] - after / 2, stop[1])
    middle = (x1 + x2) / 2
    path = f"M{x1:.0f} {y1:.0f}C{middle:.0f} {y1:.0f} {middle:.0f} {y2:.0f} {x2:.0f} {y2:.0f}"
    return f'<g class="edge"><path fill="none" stroke="#57606a" marker-end="url(#tip)" d="{path}"/></g>'


def rows_of(node: Node, made: dict[str, Edge]) -> list[tuple[str, str]]:
    """The lines in a node, each with its colour."""
    edge = made.get(node.key) if node.kind in ("operation", "folded", "result", "input") and not node.detail else None
    green, red = (edge.value, edge.gradient) if edge is not None else (node.detail, node.gradient)
    return [(node.label, "#000000"), *((t, GREEN) for t in green), *((t, RED) for t in red)]


def size(rows: list[tuple[str, str]]) -> tuple[float, float]:
    return max(LETTER * max(len(t) for t, _ in rows) + 14, 30), HIGH * len(rows) + 8


def box(node: Node, rows: list[tuple[str, str]], at: tuple[float, float], sides: tuple[float, float]) -> str:
    """A node with its lines."""
    (x, y), (wide, high) = at, sides
    left, top = x - wide / 2, y - high / 2
    corner = 8 if node.kind in ("operation", "folded") else 0
    shape = (f'<rect x="{left:.0f}" y="{top:.0f}" width="{wide:.0f}" height="{high:.0f}" rx="{corner}" '
             f'fill="{COLOURS[node.kind]}" stroke="#57606a"/>')
    words = "".join(f'<text x="{x:.0f}" y="{top + 4 + HIGH * (i + 0.75):.0f}" text-anchor="middle" fill="{colour}">{escape(text)}</text>'
                    for i, (text, colour) in enumerate(rows))
    return f'<g class="node"><title>{node.key}</title>{shape}{words}</g>'
