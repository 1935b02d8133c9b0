"""How a gradient looks in a notebook: the user's function on the left, the generated code on the right.

    side_by_side("def f(x): ...", "def f_grad(x): ...")    ->    HTML with two columns
"""
from __future__ import annotations

from html import escape

FRAME = '<div style="display:flex;flex-wrap:wrap;gap:1.5em;align-items:flex-start;background:#fff;color:#1f2328">{}</div>'
COLUMN = '<div style="flex:1 1 24em;min-width:0;overflow-x:auto"><div style="color:#57606a;font-family:sans-serif;font-size:85%">{}</div>{}</div>'


def side_by_side(original: str, generated: str) -> str:
    """Two texts of Python beside each other, or below where there is no room, in colour if Pygments is installed."""
    return FRAME.format(COLUMN.format("the function", highlighted(original)) + COLUMN.format("its gradient, as it was generated last", highlighted(generated)))


def highlighted(text: str) -> str:
    try:
        from pygments import highlight
        from pygments.formatters import HtmlFormatter
        from pygments.lexers import PythonLexer
    except ImportError:
        return f"<pre>{escape(text)}</pre>"
    return str(highlight(text, PythonLexer(), HtmlFormatter(noclasses=True, nobackground=True)))
