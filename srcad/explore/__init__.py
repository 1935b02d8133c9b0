"""A page to explore a gradient in: the function beside its generated backward pass, line by line and step by step, the graph below.

    >>> import srcad
    >>> page = srcad.grad(lambda x, y: x * y).explore(3.0, -4.0)
    >>> page.html.startswith("<!DOCTYPE html>")
    True
"""
from __future__ import annotations

import os
import pathlib
from collections.abc import Mapping
from html import escape
from typing import Any

from srcad.explore.data import Story, story
from srcad.explore.page import page

FRAME = '<iframe srcdoc="{}" title="{}" style="width:100%;height:46em;border:1px solid #8884;border-radius:8px" loading="lazy"></iframe>'


class Explorer:
    """The page of a gradient for given arguments. `html` is its text, `save` writes it, a notebook shows it."""

    def __init__(self, story: Story) -> None:
        self.story = story
        self.html = page(story)

    def save(self, path: str | os.PathLike[str]) -> None:
        """Write the page to a file, which needs nothing else."""
        pathlib.Path(path).write_text(self.html, encoding="utf-8")

    def _repr_html_(self) -> str:
        return FRAME.format(escape(self.html), escape(f"the gradient of {self.story.title}"))

    def __repr__(self) -> str:
        return f"<page to explore the gradient of {self.story.title}: {len(self.story.steps)} steps>"


def explored(gradient: Any, args: tuple[Any, ...], keywords: Mapping[str, Any]) -> Explorer:
    """The page of the function behind a gradient for these arguments."""
    return Explorer(story(gradient, args, keywords))
