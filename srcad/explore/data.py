"""What the page knows: the two texts, what their lines held, the steps that ran, and the picture.

    story(gradient, (-2, 5, -4), {})    ->    Story(texts, listing, held, steps, loops, svg, nodes)
"""
from __future__ import annotations

import functools
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from srcad.api import Gradient, rebuilt
from srcad.dispatch import bind
from srcad.explore.drawing import Meaning, drawn, svg_of
from srcad.explore.listing import Key, Listing
from srcad.explore.numbers import shown
from srcad.explore.original import Held, Line, Text, held, line_of, passes_of, texts
from srcad.explore.replay import MOST_STEPS, Passes, Replay, Step, replayed
from srcad.graph import graph_of
from srcad.graph.model import Run
from srcad.graph.picture import Node, Picture
from srcad.graph.record import copied
from srcad.source import read

SEED = "seed"


@dataclass(frozen=True)
class Argument:
    """An argument, or a number or array in one, with its gradient, or why it has none."""

    name: str
    value: str
    gradient: str = ""
    why: str = ""


@dataclass(frozen=True)
class Story:
    """A gradient for given arguments.

    loops: the passes of each; left_out: what is not shown of a long run; nodes: the user's lines behind each node of the picture.
    """

    title: str
    arguments: list[Argument]
    texts: list[Text]
    listing: Listing
    held: list[Held]
    steps: list[Step]
    loops: dict[Key, int]
    left_out: str
    picture: Picture
    nodes: Meaning

    def data(self) -> dict[str, Any]:
        """Everything that the page's script reads, as lists and dicts."""
        return {
            "loops": [{"label": self.label(key), "count": count, "passes": self.watched(key)} for key, count in self.loops.items()],
            "code": [self.lines_said(i + 1) for i in range(len(self.listing.lines))],
            "held": [self.held_data(h) for h in self.held if self.spot(h.line)],
            "steps": [self.step_data(s) for s in self.steps],
            "flow": self.flow(),
            "nodes": {key: [[self.spot(line), self.numbered(passes)] for line, passes in said] for key, said in self.nodes.items()},
        }

    # ---- lines

    def spot(self, line: Line) -> str:
        """The name of a user's line in the page: the number of its text and its own; empty for a line that the page does not show."""
        file, number = line
        return next((f"u{i}-{number}" for i, t in enumerate(self.texts) if t.file == file and t.first <= number <= t.last), "")

    def lines_said(self, line: int) -> list[str]:
        """The user's lines that a generated line says."""
        return [spot for said in self.said(line) if (spot := self.spot(said))]

    def said(self, line: int) -> list[Line]:
        place = self.listing.places.get(line)
        return [(place.file, n) for n in range(place.first, place.last + 1)] if place is not None and place.first else []

    # ---- loops

    def numbered(self, passes: Passes) -> list[list[int]]:
        numbers = {key: i for i, key in enumerate(self.loops)}
        return [[numbers[key], count] for key, count in passes if key in numbers]

    def watched(self, key: Key) -> list[int]:
        """The passes of a loop that the page can show."""
        found = {count for one in (*self.steps, *self.held) for k, count in one.passes if k == key}
        return sorted(c for c in found if 1 <= c <= self.loops[key])

    def label(self, key: Key) -> str:
        file, line, _ = key
        text = next((t for t in self.texts if t.file == file and t.first <= line <= t.last), None)
        return text.lines[line - text.first].strip().rstrip(":") if text is not None else f"the loop on line {line}"

    # ---- steps

    def step_data(self, step: Step) -> dict[str, Any]:
        return {
            "line": step.line, "half": step.half, "text": step.text, "numbers": step.numbers, "result": step.result,
            "values": [list(v) for v in step.values], "passes": self.numbered(step.passes), "said": self.lines_said(step.line),
        }

    @functools.cached_property
    def turn(self) -> int:
        """The step at which the backward pass begins."""
        return next((i for i, s in enumerate(self.steps) if s.half == SEED), len(self.steps))

    @functools.cached_property
    def by_line(self) -> Mapping[tuple[Line, Passes], list[int]]:
        """The steps of each of the user's lines, in each pass."""
        found: dict[tuple[Line, Passes], list[int]] = {}
        for i, step in enumerate(self.steps):
            for line in self.said(step.line):
                found.setdefault((line, step.passes), []).append(i)
        return found

    def held_data(self, found: Held) -> dict[str, Any]:
        """What a line held, with the steps from which its value and its gradient are known."""
        before = [i for i in self.by_line.get((found.line, found.passes), []) if i < self.turn]
        return {
            "line": self.spot(found.line), "passes": self.numbered(found.passes), "name": found.name, "value": found.value,
            "gradient": found.gradient, "known": before[-1] if before else self.turn - 1, "back": self.gradient_known(found),
        }

    def gradient_known(self, found: Held) -> int:
        """When the step back through its own line begins; where there is none, when that through the lines that read it is over."""
        own, *reading = ([i for i in self.by_line.get(said, []) if i > self.turn] for said in ((found.line, found.passes), *found.uses))
        if found.final or own:
            return self.turn if found.final else own[0] - 1
        return max(steps[-1] for steps in reading) if reading and all(reading) else len(self.steps) - 1

    # ---- the picture

    @functools.cached_property
    def svg(self) -> str:
        return svg_of(self.picture)

    def flow(self) -> dict[str, tuple[int, int]]:
        """The steps from which the value and the gradient of each edge are known, and those of each box with edges out of it."""
        found: dict[str, tuple[int, int]] = {}
        for i, edge in enumerate(self.picture.edges):
            known = -1 if edge.source.kind in ("input", "constant") else self.reached(edge.source)
            back = self.returned(edge.target)
            found[f"e{i}"] = known, back
            found[edge.source.key] = known, max(back, found.get(edge.source.key, (0, 0))[1])
            if edge.target.kind == "result":
                found[edge.target.key] = known, back
        return found

    def times(self, node: Node) -> tuple[list[int], list[int]]:
        """The forward and the backward steps of a node's lines."""
        mine = [i for said in self.nodes.get(node.key, []) for i in self.by_line.get(said, [])]
        return [i for i in mine if i < self.turn], [i for i in mine if i > self.turn]

    def reached(self, node: Node) -> int:
        return max(self.times(node)[0], default=self.turn - 1)

    def returned(self, node: Node) -> int:
        """When what flows back through the edges into a node is known: of an operation after its steps, of a variable before them."""
        if node.kind == "result":
            return self.turn
        back = self.times(node)[1]
        if node.kind in ("operation", "folded"):
            return max(back, default=len(self.steps) - 1)
        return min(back, default=len(self.steps)) - 1


def story(gradient: Gradient, args: tuple[Any, ...], keywords: Mapping[str, Any]) -> Story:
    """Run a gradient and keep what there is to show. Raises SrcadError where the function is refused or cannot be drawn."""
    plain = as_plain(gradient)
    graph = graph_of(plain, args, keywords)
    run = graph.run
    given = (*plain.bound, *args)
    compiled = plain.modes["value_and_grad"].find(given, keywords)
    listing = Listing(compiled)
    replay = replayed(listing, compiled.functions[0], lambda: compiled.run(*copied(given), **copied(dict(keywords))))
    kept = held(run, replay.totals, replay.ends)
    source = read(plain.target)
    picture, nodes = drawn(graph, (source.file, source.tree.lineno))
    lines = [*((p.file, p.first) for p in listing.places.values()), *(h.line for h in kept), *(line_of(op.loc) for op in run.operations)]
    return Story(run.title, arguments(run, bind(plain.target, given, keywords)), texts(source, lines), listing, kept, with_seed(replay.steps, run),
                 loops(run, replay), left_out(replay), picture, nodes)


def as_plain(gradient: Gradient) -> Gradient:
    """The gradient without what makes its text another: NumPy's backend, every state kept."""
    has_aux, checkpoint, backend = gradient.options
    if (checkpoint, backend) == (None, "numpy"):
        return gradient
    return rebuilt(gradient.kind, gradient.function, gradient.wrt, gradient.mode, (has_aux, None, "numpy"))


def arguments(run: Run, given: Mapping[str, Any]) -> list[Argument]:
    """Each argument with its value and its gradient, or the reason why it has none."""
    found = [Argument(v.name, shown(v.data), shown(v.adjoint) if v.adjoint is not None else "0") for v in run.inputs]
    return found + [Argument(name, shown(given[name]), why=why) for name, why in run.ignored.items()]


def with_seed(steps: list[Step], run: Run) -> list[Step]:
    """The steps with the seed before the first backward one: no line of the text says it, since it is 1."""
    turn = next((i for i, s in enumerate(steps) if s.half == "backward"), len(steps) - 1)
    return [*steps[:turn], Step(0, SEED, f"the gradient of {run.result.name or 'the result'} by itself = 1", "", "", (), ()), *steps[turn:]]


def loops(run: Run, replay: Replay) -> dict[Key, int]:
    """The loops of the user's, in the order of the run, with the most passes that each had; the last test of a `while` is no pass."""
    found: dict[Key, int] = {}
    for binding in run.bindings:
        for key, count in passes_of(binding.group):
            found[key] = max(found.get(key, 0), count)
    return {**found, **{key: count for key, count in replay.totals.items() if key not in found}}


def left_out(replay: Replay) -> str:
    said = []
    if replay.ends:
        passes = "the first two and the last two passes" if replay.ends == 2 else "the first and the last pass"
        said.append(f"The run takes {replay.count} steps: of each loop {passes} are shown.")
    if len(replay.steps) >= MOST_STEPS:
        said.append(f"Steps after the first {MOST_STEPS} are left out.")
    return " ".join(said)
