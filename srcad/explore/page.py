"""The page: a template, a style sheet, a script, and the rows of the two texts; everything in one file that asks for nothing else.

    page(story)    ->    "<!DOCTYPE html>..."
"""
from __future__ import annotations

import io
import json
import keyword
import re
import tokenize
from collections.abc import Iterator
from html import escape
from importlib import resources
from string import Template

from srcad.explore.data import Story
from srcad.ir import Place

NODE = re.compile(r'<g (?:id="node\d+" )?class="node">\s*<title>([^<]*)</title>')
BRACKET = re.compile(r"([(,]|\[(?=\w{3}))(?![ )])")
LONG = 32  # characters of a line that may have to be broken
TITLE = re.compile(r"<title>[^<]*</title>")


def page(story: Story) -> str:
    """The whole page as text."""
    return Template(asset("page.html")).substitute(
        title=escape(story.title), style=asset("style.css"), script=asset("page.js"), data=embedded(story.data()),
        arguments=arguments(story), note=note(story), graph=picture(story.svg),
        original="".join(function(story, i) for i in range(len(story.texts))), generated=generated(story))


def asset(name: str) -> str:
    return resources.files("srcad.explore").joinpath(name).read_text(encoding="utf-8")


def embedded(data: object) -> str:
    """Data as JSON that can stand in a script: nothing in it ends the script."""
    text = json.dumps(data, ensure_ascii=False, separators=(",", ":"))
    return text.replace("<", "\\u003c").replace(">", "\\u003e").replace("&", "\\u0026").replace("\u2028", "\\u2028").replace("\u2029", "\\u2029")


def note(story: Story) -> str:
    return f'<p class="note">{escape(story.left_out)}</p>' if story.left_out else ""


def arguments(story: Story) -> str:
    """The rows of the table of arguments."""
    rows = (f'<tr><th scope="row"><code>{escape(a.name)}</code></th><td class="value">{escape(a.value)}</td>'
            f'<td class="{"why" if a.why else "gradient"}">{escape(a.why or a.gradient)}</td></tr>' for a in story.arguments)
    return "".join(rows)


# ---- code

ONE = '<span class="value"></span>'
TWO = ONE + '<span class="gradient"></span>'
HEAD = '<li class="head" aria-hidden="true"><span class="value">value</span><span class="gradient">gradient</span></li>'


def function(story: Story, number: int) -> str:
    """One of the user's functions."""
    text = story.texts[number]
    known = {h.line for h in story.held}
    rows = [line(f"u{number}-{n}", n, html, TWO if (text.file, n) in known else "") for n, html in enumerate(coloured(text.lines), text.first)]
    head = f"<h3>called: <code>{escape(text.title)}</code></h3>" if number else ""
    return f'{head}<ol class="code" role="list">{"" if number else HEAD}{"".join(rows)}</ol>'


def generated(story: Story) -> str:
    """The generated module."""
    ran = {s.line for s in story.steps if s.values}
    rows = [line(f"g-{n}", n, html, ONE if n in ran else "", kind(story, n)) for n, html in enumerate(coloured(tuple(story.listing.lines)), 1)]
    return f'<ol class="code" role="list">{"".join(rows)}</ol>'


def kind(story: Story, number: int) -> str:
    """Whether a generated line gives gradients: those of the backward half that say no line of the user's get back what was kept."""
    place = story.listing.places.get(number, Place())
    return "kept" if place.half == "backward" and not place.first else place.half


def line(key: str, number: int, html: str, columns: str, half: str = "") -> str:
    """One line, with room for what it gives; its indentation is a length, so that it can be broken on a narrow screen."""
    text = html.lstrip(" ")
    indent = f' style="--in:{len(html) - len(text)}"' if text != html else ""
    kinds = " ".join(["line", *([half] if half else []), *([] if columns else ["wide"])])
    return f'<li id="{key}" class="{kinds}"><span class="number">{number}</span><code{indent}>{text or " "}</code>{columns}</li>'


def coloured(lines: tuple[str, ...]) -> list[str]:
    """The lines as HTML, with keywords, numbers, texts and comments in colours of their own."""
    marks: dict[int, list[tuple[int, int, str]]] = {}
    for row, start, stop, kind in tokens(lines):
        marks.setdefault(row, []).append((start, stop, kind))
    return [marked(text, marks.get(i + 1, [])) for i, text in enumerate(lines)]


def tokens(lines: tuple[str, ...]) -> Iterator[tuple[int, int, int, str]]:
    """What is coloured: row, columns, kind. A text that Python cannot take apart is coloured as far as it can."""
    kinds = {tokenize.NUMBER: "num", tokenize.STRING: "str", tokenize.COMMENT: "com"}
    try:
        for token in tokenize.generate_tokens(io.StringIO("\n".join(lines) + "\n").readline):
            kind = "key" if keyword.iskeyword(token.string) else kinds.get(token.type, "")
            (first, start), (last, stop) = token.start, token.end
            for row in range(first, last + 1) if kind else ():
                yield row, start if row == first else 0, stop if row == last else len(lines[row - 1]), kind
    except (tokenize.TokenError, SyntaxError):
        return


def marked(text: str, marks: list[tuple[int, int, str]]) -> str:
    out, at = [], 0
    for start, stop, kind in marks:
        out.append(breakable(text[at:start], len(text)) + f'<span class="{kind}">{breakable(text[start:stop], len(text))}</span>')
        at = stop
    return "".join([*out, breakable(text[at:], len(text))])


def breakable(text: str, width: int) -> str:
    """A piece of code; in a long line it may be broken after a bracket or a comma."""
    return BRACKET.sub(r"\1<wbr>", escape(text)) if width > LONG else escape(text)


# ---- the picture

def picture(svg: str) -> str:
    """The picture with each node under its key, and without the titles that a browser would show."""
    return TITLE.sub("", NODE.sub(r'<g class="node" data-node="\1">', svg))
