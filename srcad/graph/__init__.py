"""The computation graph of a function for given arguments: values above the edges, gradients below them.

    >>> import srcad
    >>> graph = srcad.grad(lambda x, y: x * y).graph(3.0, -4.0)
    >>> graph.values["x"]
    (3.0, -4.0)
    >>> print(graph.mermaid.splitlines()[0])
    flowchart LR
"""
from __future__ import annotations

import dataclasses
import os
import pathlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from srcad.errors import SrcadError
from srcad.graph import tensorboard
from srcad.graph.compact import MANY, compact
from srcad.graph.dot import dot
from srcad.graph.mermaid import mermaid
from srcad.graph.model import Run, Value
from srcad.graph.moments import Moment, moments
from srcad.graph.picture import FOLDABLE, Drawing, Picture
from srcad.graph.record import record
from srcad.graph.render import FORMATS, inline_svg, render

PASSES = 3  # loops of more passes are folded


@dataclass(frozen=True)
class Graph:
    """A computation graph. `str`, `dot` and `mermaid` are text; `save` and `svg` draw it; `folded` makes groups into single nodes.

    `Gradient.graph` makes it.

    Parameters
    ----------
    run : Run
        What was computed.
    names : tuple of str
        The groups that are drawn as one node.
    passes : int
        Loops of more passes than that are folded.
    whole : bool
        Whether nothing is folded.
    moment : Moment
        The step that is shown.
    """

    run: Run
    names: tuple[str, ...] = ()
    passes: int = PASSES
    whole: bool = False
    moment: Moment = Moment()

    @property
    def picture(self) -> Picture:
        return Drawing(self.run, self.names, self.passes, self.whole).drawn()

    @property
    def dot(self) -> str:
        """The graph in the language of Graphviz."""
        return dot(self.picture, self.moment)

    @property
    def mermaid(self) -> str:
        """The graph in the language of Mermaid."""
        return mermaid(self.picture, self.moment)

    def __str__(self) -> str:
        return self.dot

    @property
    def groups(self) -> tuple[str, ...]:
        """What can be folded: functions called, scopes, loops, and sigmoids that are written out."""
        return tuple(dict.fromkeys(g.label for g in self.run.groups() if g.kind in FOLDABLE))

    def folded(self, *names: str) -> Graph:
        """The same graph with these groups as one node each; without names, all of them.

        Parameters
        ----------
        *names : str
            Names in `groups`.

        Raises
        ------
        SrcadError
            Where there is no such group.
        """
        for name in names:
            if name not in self.groups:
                raise SrcadError(f"there is no group {name!r} in it. There is {', '.join(map(repr, self.groups)) or 'none'}.", None, self.run.title)
        return dataclasses.replace(self, names=names or self.groups, whole=False)

    def unfolded(self) -> Graph:
        """The same graph with every group whole, and every pass of every loop."""
        return dataclasses.replace(self, names=(), whole=True)

    @property
    def values(self) -> dict[str, tuple[Any, Any]]:
        """Each of the user's names -> its value and its gradient; a name that is bound again has those of the last time."""
        found: dict[str, Value] = {v.name: v for v in self.run.inputs}
        found |= {v.name: v for op in self.run.operations for _, v in op.outputs if v.name}
        return {k: (v.data, 0.0 if v.adjoint is None else v.adjoint) for k, v in found.items()}

    def steps(self) -> Steps:
        """The same picture step by step: each operation forward, the seed, each operation backward."""
        return Steps(dataclasses.replace(self, moment=m) for m in moments(self.picture))

    @property
    def svg(self) -> str:
        """The graph as SVG; raises SrcadError without pygraphviz."""
        return inline_svg(self.drawn("svg"))

    def drawn(self, form: str) -> bytes:
        """The graph as a picture. A large one is laid out here: Graphviz would take minutes."""
        picture = self.picture
        if len(picture.nodes) > MANY:
            return render(compact(picture), form, True)
        return render(dot(picture, self.moment), form, hurried=len(picture.nodes) > MANY // 3)

    def save(self, path: str | os.PathLike[str]) -> None:
        """Write the graph to a file, by its suffix.

        Parameters
        ----------
        path : str or path
            With .svg, .png or .pdf (these need pygraphviz), .dot, .gv, .mmd, .mermaid or .md.

        Raises
        ------
        SrcadError
            For another suffix, and without pygraphviz where it is needed.
        """
        file = pathlib.Path(path)
        suffix = file.suffix.lower().removeprefix(".")
        if suffix in FORMATS:
            file.write_bytes(self.drawn(suffix))
        elif suffix in ("dot", "gv", "mmd", "mermaid", "md"):
            text = self.dot if suffix in ("dot", "gv") else f"```mermaid\n{self.mermaid}```\n" if suffix == "md" else self.mermaid
            file.write_text(text, encoding="utf-8")
        else:
            raise SrcadError(f"a graph is not saved as {file.name}: give .svg, .png, .pdf, .dot, .gv, .mmd, .mermaid or .md.")

    def to_tensorboard(self, logdir: str | os.PathLike[str]) -> None:
        """Write the graph for `tensorboard --logdir`: groups as name scopes, with shapes, values and gradients.

        Parameters
        ----------
        logdir : str or path
            The folder that is written to.

        Raises
        ------
        SrcadError
            Without tensorboard.
        """
        tensorboard.write(self.picture, logdir)

    def _repr_svg_(self) -> str | None:
        try:
            return self.svg
        except SrcadError:
            return None

    def _repr_mimebundle_(self, include: Any = None, exclude: Any = None) -> dict[str, str]:
        """What a notebook shows: the picture, or its text where it cannot be drawn."""
        drawn = self._repr_svg_()
        return {"text/plain": self.dot, **({"image/svg+xml": drawn} if drawn is not None else {})}

    def __repr__(self) -> str:
        return f"<graph of {self.run.title}: {len(self.run.operations)} operations>"


class Steps(tuple[Graph, ...]):
    """The graphs of all steps, in their order."""

    def __str__(self) -> str:
        return "\n".join(map(str, self))

    @property
    def dot(self) -> str:
        """All of them in the language of Graphviz."""
        return "\n".join(g.dot for g in self)

    @property
    def mermaid(self) -> str:
        """All of them in the language of Mermaid."""
        return "\n".join(g.mermaid for g in self)

    def save(self, path: str | os.PathLike[str]) -> None:
        """Write each step to a file of its own: `f.svg` becomes `f_01.svg`, `f_02.svg` and so on."""
        file = pathlib.Path(path)
        width = len(str(len(self)))
        for i, graph in enumerate(self):
            graph.save(file.with_name(f"{file.stem}_{i + 1:0{max(2, width)}d}{file.suffix}"))

    def _repr_html_(self) -> str | None:
        drawn = [g._repr_svg_() for g in self]
        return "<br/>".join(d for d in drawn if d is not None) if all(drawn) else None


def graph_of(gradient: Any, args: Sequence[Any], keywords: Mapping[str, Any]) -> Graph:
    """The computation graph of the function behind a gradient for these arguments."""
    return Graph(record(gradient, tuple(args), keywords))
