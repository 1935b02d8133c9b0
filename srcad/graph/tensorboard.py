"""A picture as a graph that TensorBoard shows: groups are name scopes, which can be opened.

    the node `*` in the scope "formula"    ->    NodeDef(name="formula/mul", op="*", input=["x", "y"])
"""
from __future__ import annotations

import os
import re
from typing import Any

import numpy as np

from srcad.errors import SrcadError
from srcad.graph.model import Group
from srcad.graph.picture import Node, Picture

WORDS = {"+": "add", "-": "sub", "*": "mul", "/": "div", "@": "matmul", "**": "pow", "//": "floordiv", "%": "mod"}


def write(picture: Picture, directory: str | os.PathLike[str]) -> None:
    """Write an event file into a folder.

    Raises SrcadError where TensorBoard is not installed.
    """
    try:
        from tensorboard.compat.proto.event_pb2 import Event
        from tensorboard.summary.writer.event_file_writer import EventFileWriter
    except ImportError:
        raise SrcadError("to write a graph for TensorBoard takes tensorboard: pip install 'srcad[tensorboard]'.") from None
    writer = EventFileWriter(os.fspath(directory))
    writer.add_event(Event(graph_def=definition(picture).SerializeToString()))
    writer.close()


def definition(picture: Picture) -> Any:
    """The graph as TensorFlow describes one."""
    from tensorboard.compat.proto.graph_pb2 import GraphDef
    from tensorboard.compat.proto.versions_pb2 import VersionDef

    names = node_names(picture)
    made = GraphDef(versions=VersionDef(producer=22))
    for node in picture.nodes:
        inputs = [e for e in picture.edges if e.target is node]
        out = next((e for e in picture.edges if e.source is node), None) or next((e for e in inputs if node.kind in ("variable", "result")), None)
        definition_ = made.node.add(name=names[node.key], op=node.label if node.kind in ("operation", "folded") else node.kind, input=[names[e.source.key] for e in inputs])
        value, gradient = (out.value, out.gradient) if out is not None and not node.detail else (node.detail, node.gradient)
        for label, lines in (("value", value), ("gradient", gradient), ("statement", (node.text,) if node.text else ())):
            if lines:
                definition_.attr[label].s = " ".join(lines).encode()
        if out is not None:
            shape = definition_.attr["_output_shapes"].list.shape.add()
            for size in np.shape(out.data):
                shape.dim.add(size=size)
    return made


def node_names(picture: Picture) -> dict[str, str]:
    """A name for each node, with its scopes before it; the second of a name is numbered."""
    taken: set[str] = set()
    scopes: dict[Group, str] = {picture.program: ""}

    def free(base: str) -> str:
        name, i = base, 1
        while name in taken:
            name, i = f"{base}_{i}", i + 1
        taken.add(name)
        return name

    def scope(group: Group) -> str:
        if group not in scopes:
            assert group.parent is not None
            scopes[group] = free(scope(group.parent) + plain(group.label)) + "/"
        return scopes[group]

    return {n.key: free(scope(n.group) + word(n)) for n in picture.nodes}


def word(node: Node) -> str:
    parts = [WORDS.get(p, p) for p in node.label.split()]
    named = [p for p in parts if p in WORDS.values()]
    return plain(named[0] if named and node.kind == "operation" else "_".join(parts))


def plain(text: str) -> str:
    """Text in the letters that a name may have."""
    written = re.sub(r"[^A-Za-z0-9_.\-]+", "_", text).strip("_.-")
    return written or "item"
