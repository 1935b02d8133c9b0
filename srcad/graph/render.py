"""Pictures from DOT text, by Graphviz: SVG, PNG, PDF. Needs pygraphviz, whose wheel brings Graphviz.

    render("digraph {a -> b}", "svg")    ->    b"<?xml ..."
"""
from __future__ import annotations

import io
import re
import warnings
from contextlib import redirect_stderr

from srcad.errors import SrcadError

FORMATS = ("svg", "png", "pdf")
HURRIED = "-Gnslimit=1 -Gnslimit1=1 -Gmclimit=0.3"  # a layout that is not quite as tight, in seconds instead of minutes


def render(text: str, form: str, placed: bool = False, hurried: bool = False) -> bytes:
    """The picture as bytes; placed: whether the text says where each node stands; hurried: for many nodes.

    Raises SrcadError where pygraphviz is not installed.
    """
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            import pygraphviz
    except ImportError:
        raise SrcadError(f"to draw a graph as {form.upper()} takes pygraphviz: pip install 'srcad[graph]'. Its DOT and Mermaid texts need nothing.") from None
    arguments = f"-Gdpi={110 if form == 'png' else 72} {HURRIED if hurried else ''}"
    with warnings.catch_warnings(), redirect_stderr(io.StringIO()):
        warnings.simplefilter("ignore")  # remarks on fonts, and on how long it may take
        drawn: bytes = pygraphviz.AGraph(string=text).draw(format=form, prog="nop" if placed else "dot", args=arguments)
    return drawn


def inline_svg(drawn: bytes) -> str:
    """A picture as SVG that can stand in a page."""
    return re.sub(r"^.*?(?=<svg)", "", drawn.decode(), flags=re.DOTALL)
