"""The page of a gradient, without a browser: its data, its text, and that it asks for nothing else."""
from __future__ import annotations

import ast
import builtins
import html
import html.parser
import json
import linecache
import pathlib
import re
from typing import Any

import golden_programs
import numpy as np
import pytest
from programs import random_program
from test_graph import EXERCISES

import srcad
from srcad.cli import main
from srcad.explore import Explorer
from srcad.explore.drawing import svg_of
from srcad.explore.listing import Listing
from srcad.explore.numbers import Reader, put_in, shown
from srcad.explore.replay import Step


def sigmoid(t):
    return 1 / (1 + np.exp(-t))


def rnn(xs, h, W, U):
    for x in xs:
        h = np.tanh(W @ h + U @ x)
    return h @ h


def two_sigmoids(x, y):
    a = sigmoid(x) * sigmoid(y)
    if a > 0.1:
        a = a * 2
    else:
        b = y * y
        a = b
    return a


def network(W1, b1, W2, b2, X, labels, decay):
    hidden = np.maximum(X @ W1 + b1, 0)
    scores = hidden @ W2 + b2
    shifted = scores - np.max(scores, axis=1, keepdims=True)
    log_probs = shifted - np.log(np.sum(np.exp(shifted), axis=1, keepdims=True))
    loss = -np.mean(log_probs[np.arange(len(labels)), labels])
    loss += 0.5 * decay * (np.sum(W1 * W1) + np.sum(W2 * W2))
    return loss


RNG = np.random.default_rng(0)
SEQUENCE = (RNG.random((6, 3)), np.zeros(4), RNG.random((4, 4)), RNG.random((4, 3)))
LAYERS = (RNG.random((64, 64)), np.zeros(64), RNG.random((64, 10)), np.zeros(10), RNG.random((32, 64)), RNG.integers(0, 10, 32), 1e-4)


def page_of(function: Any, *args: Any, wrt: Any = None) -> Explorer:
    made = srcad.grad(function, wrt=wrt).explore(*args)
    assert isinstance(made, Explorer)
    return made


def steps_of(page: Explorer, half: str) -> list[Step]:
    return [s for s in page.story.steps if s.half == half]


def said(step: Step) -> str:
    """The chain rule as the page spells it."""
    return " = ".join(filter(None, [step.text, step.numbers if step.numbers != step.result else "", step.result]))


def text_of(page: Explorer, spot: str) -> str:
    found = re.search(rf'<li id="{spot}"[^>]*><span class="number">\d+</span><code[^>]*>(.*?)</code>', page.html)
    assert found
    return html.unescape(re.sub("<[^>]+>", "", found[1]))


# ---- the numbers of the lectures

@pytest.mark.parametrize("name", EXERCISES)
def test_the_exercises_have_the_numbers_of_the_lectures(name: str) -> None:
    function, args, wanted = EXERCISES[name]
    page = page_of(function, *args)
    arguments = {a.name: (a.value, a.gradient) for a in page.story.arguments}
    held = {h.name: (h.value, h.gradient) for h in page.story.held}
    for variable, (value, gradient) in srcad.grad(function).graph(*args).values.items():
        if variable in wanted:
            assert {**held, **arguments}[variable] == (shown(value), shown(gradient))


def test_the_chain_rule_is_spelled_out() -> None:
    page = page_of(golden_programs.gates, -2, 5, -4)
    assert [said(s) for s in steps_of(page, "forward")] == ["q = x + y = -2 + 5 = 3", "f = q * z = 3 * (-4) = -12"]
    assert [said(s) for s in steps_of(page, "backward")] == ["dq = z = -4", "dz = q = 3", "dx = dq = -4", "dy = dq = -4"]
    page = page_of(golden_programs.max_gate, 3, -4, 2, -1)
    assert [said(s) for s in steps_of(page, "backward")] == ["dx = 2 * y = 2 * (-4) = -8", "dy = 2 * x = 2 * 3 = 6", "dz = 2.0 = 2", "dw = 0.0 = 0"]


def test_what_is_added_is_spelled_out_and_then_the_sum() -> None:
    def f(x, y):
        z = x * y
        return z * x

    (last,) = (s for s in steps_of(page_of(f, 3.0, -4.0), "backward") if "+=" in s.text)
    assert said(last) == "dx += y * dz = -4 * 3 = -12" and last.values == (("dx", "-24"),)


def test_the_gradient_is_that_of_what_ran() -> None:
    """The numbers of the last step are those that the gradient gives."""
    for function, args in [(golden_programs.staged, (3, -4)), (golden_programs.max_gate, (3, -4, 2, -1)), (two_sigmoids, (1.0, 2.0))]:
        value, grads = srcad.value_and_grad(function)(*args)
        assert page_of(function, *args).story.steps[-1].result == shown((value, grads))


# ---- which lines belong together

def counterparts(page: Explorer) -> list[tuple[str, str]]:
    """Each generated line that computes with the user's line that it says."""
    data = page.story.data()
    return [(page.story.listing.lines[s.line - 1].strip(), text_of(page, data["code"][s.line - 1][0]).strip()) for s in page.story.steps if s.line and data["code"][s.line - 1]]


def test_lines_belong_to_the_statements_that_they_come_from() -> None:
    f, q = "f = q * z", "q = x + y"
    assert counterparts(page_of(golden_programs.gates, -2, 5, -4)) == [(q, q), (f, f), ("dq = z", f), ("dz = q", f), ("dx = dq", q), ("dy = dq", q)]


def test_lines_of_loops_and_of_functions_that_are_called() -> None:
    loop, cell = "for x in xs:", "h = np.tanh(W @ h + U @ x)"
    found = dict(counterparts(page_of(rnn, *SEQUENCE)))
    assert found["dxs[i] = dx"] == loop
    assert found["dtotal = (1 - h * h) * dh"] == cell == found["dW = dtotals.T @ np.array(hs)"] and found["dh = 2 * h"] == "return h @ h"
    assert "hs.append(h)" not in found and "h = hs[i]" not in found  # bookkeeping says no line of the user's
    page = page_of(two_sigmoids, 1.0, 2.0)
    assert [t.title for t in page.story.texts] == ["two_sigmoids", "sigmoid"]
    assert dict(counterparts(page))["ratio = 1 / (1 + np.exp(-x))"] == "return 1 / (1 + np.exp(-t))"
    assert ("<h3>called: <code>sigmoid</code></h3>") in page.html


@pytest.mark.parametrize("name", golden_programs.CASES)
def test_every_line_of_the_text_is_accounted_for(name: str) -> None:
    args, function = golden_programs.CASES[name]
    gradient = srcad.grad(getattr(golden_programs, function))
    for mode in ("value_and_grad", "pair"):
        compiled = gradient.modes[mode].find(args, {})
        listing = Listing(compiled)
        titles = [t for t in listing.functions if t in compiled.places]
        assert titles and all(listing.functions[t].lineno in listing.places for t in titles)


@pytest.mark.parametrize("seed", range(25))
def test_random_programs(seed: int) -> None:
    f, args, _ = random_program(seed)
    page = page_of(f, *args)
    assert page.story.steps[-1].text.startswith("return") and page.html.endswith("</html>\n")


# ---- loops

def test_passes_of_a_loop_are_told_apart_forwards_and_backwards() -> None:
    page = page_of(rnn, *SEQUENCE)
    assert list(page.story.loops.values()) == [6] and not page.story.left_out
    states = [h.value for h in page.story.held if h.name == "h"]
    h, W, U = SEQUENCE[1], SEQUENCE[2], SEQUENCE[3]
    for i, x in enumerate(SEQUENCE[0]):
        h = np.tanh(W @ h + U @ x)
        assert states[i] == shown(h)
    taken = {s.passes[0][1]: s.result for s in steps_of(page, "backward") if s.text == "h = hs[i]"}
    assert taken == {i + 1: state for i, state in enumerate([shown(SEQUENCE[1]), *states[:5]])}
    assert [s.passes[0][1] for s in steps_of(page, "backward") if s.text == "h = hs[i]"] == [6, 5, 4, 3, 2, 1]
    assert [dict(s.values)["x"] for s in steps_of(page, "forward") if s.text == "for x in xs"] == [shown(x) for x in SEQUENCE[0]]


def test_of_a_long_loop_the_ends_are_kept() -> None:
    page = page_of(rnn, RNG.random((300, 3)), *SEQUENCE[1:])
    (loop,) = page.story.data()["loops"]
    assert loop == {"label": "for x in xs", "count": 300, "passes": [1, 2, 299, 300]} and len(page.story.steps) < 100
    assert "of each loop the first two and the last two passes are shown" in page.html


def test_of_many_nested_loops_less_is_kept() -> None:
    def f(x, w):
        for _ in range(6):
            for _ in range(6):
                for _ in range(6):
                    for _ in range(6):
                        x = np.tanh(w * x)
                        x = x + 0.1 * w
                        x = x * w
        return x

    page = page_of(f, 1.0, 0.9)
    assert page.story.steps[-1].text.startswith("return") and len(page.story.steps) < 4000
    assert [tuple(c for _, c in s.passes) for s in steps_of(page, "backward") if s.passes][0] == (6, 6, 6, 6)


def test_nested_loops_and_while() -> None:
    def nested(x, w):
        for i in range(3):
            for _ in range(2):
                x = np.tanh(w * x + i)
        while x < 5:
            x = x * 2 + w
        return x

    page = page_of(nested, 1.0, 2.0)
    backward = [tuple(count for _, count in s.passes) for s in steps_of(page, "backward") if s.text.startswith("dw += x * dprod")]
    assert backward == [(3, 2), (3, 1), (2, 2), (2, 1), (1, 2), (1, 1)]
    held = {tuple(c for _, c in h.passes): h.value for h in page.story.held if h.name == "x" and len(h.passes) == 2}
    assert held[3, 2] == shown(np.tanh(2 * float(held[3, 1]) + 2)) and len(held) == 6


def halves(x):
    if x < 0.1:
        return x
    return x * halves(x / 2)


def test_passes_of_a_while_are_those_that_are_not_over() -> None:
    def newton(a):
        x = a
        while abs(x * x - a) > 1e-9:
            for _ in range(2):
                x = 0.5 * (x + a / x)
        return x

    page = page_of(newton, 3.0)
    steps = [tuple(c for _, c in s.passes) for s in steps_of(page, "backward") if s.text == "da += scaled"]
    (last, _) = page.story.loops.values()
    assert steps == [(i, j) for i in range(last, 0, -1) for j in (2, 1)] and last > 1
    forward = {tuple(c for _, c in s.passes): s.numbers for s in steps_of(page, "forward") if s.text == "x = 0.5 * (x + a / x)"}
    assert set(forward) == set(steps)


def test_a_loop_over_what_was_kept_shows_it() -> None:
    def f(x, w):
        for _ in range(4):
            x = np.exp(w * x) * x
        return x

    for step in steps_of(page_of(f, 0.1, 0.2), "backward"):
        assert not step.text.startswith("for ") or step.values


def test_calls_in_passes_that_are_left_out_are_left_out_too() -> None:
    def f(x, w):
        for _ in range(200):
            x = w * halves(x)
        return x

    page = page_of(f, 3.0, 0.9)
    called = {s.passes for s in page.story.steps if "halves_forward" in s.text}
    assert {count for found in called for _, count in found} == {1, 2, 199, 200} and all(called)


def test_a_list_has_the_gradients_of_its_items() -> None:
    def f(x):
        v = [np.sin(a) * a for a in x]
        return v[0] + 2 * v[1]

    (found,) = (h for h in page_of(f, [1.0, 2.0]).story.held if h.name == "v")
    assert (found.value, found.gradient) == ("[0.8415, 1.819]", "[1, 2]")


def test_recursion() -> None:
    page = page_of(halves, 1.5)
    assert any("halves_backward" in s.text for s in steps_of(page, "backward"))


# ---- numbers put in

@pytest.mark.parametrize(("text", "wanted"), [
    ("x * y", "-2 * 3"), ("y * x", "3 * (-2)"), ("x ** 2", "(-2) ** 2"), ("-x", "-(-2)"), ("y - x", "3 - (-2)"), ("np.exp(x)", "np.exp(-2)"), ("a * y", "[1, 2] * 3"), ("a[1] + i", "2 + 1"),
    ("big.T @ big", "⟨3 x 2⟩ @ ⟨2 x 3⟩"), ("np.zeros(big.shape)", "np.zeros((2, 3))"), ("p['k'] * x", "-2.5 * (-2)"), ("items.pop()", ""), ("'é' + s, y", "'é' + s, 3"), ("2.0", ""),
])
def test_numbers_stand_where_the_names_were(text: str, wanted: str) -> None:
    held = {"x": -2.0, "y": 3.0, "a": np.array([1.0, 2.0]), "i": 1, "big": np.ones((2, 3)), "p": {"k": -2.5}, "items": [1.0], "s": "s"}
    assert put_in(ast.parse(text, mode="eval").body, text, Reader(held, {"np": np})) == wanted
    assert held["items"] == [1.0]


# ---- the page

class Outline(html.parser.HTMLParser):
    """The tags of a page, and every address in it."""

    def __init__(self) -> None:
        super().__init__()
        self.open: list[str] = []
        self.addresses: list[str] = []
        self.ids: list[str] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.open += [tag] if tag not in ("meta", "link", "input", "wbr") else []
        self.addresses += [v or "" for k, v in attrs if k in ("src", "href", "srcset", "action", "data")]
        self.ids += [v or "" for k, v in attrs if k == "id"]

    def handle_endtag(self, tag: str) -> None:
        assert self.open.pop() == tag


@pytest.mark.parametrize(("function", "args"), [(golden_programs.gates, (-2, 5, -4)), (rnn, SEQUENCE), (two_sigmoids, (1.0, 2.0))])
def test_the_page_is_well_formed_and_asks_for_nothing(function: Any, args: tuple[Any, ...]) -> None:
    outline = Outline()
    text = page_of(function, *args).html
    outline.feed(text)
    assert not outline.open and set(outline.addresses) == {"data:,"}
    own = [i for i in outline.ids if not i.startswith(("node", "edge", "clust", "graph0", "a_"))]
    assert len(own) == len(set(own))
    assert "@import" not in text and "url(http" not in text and "fetch(" not in text


def awkward(x, text="</script><b>&amp;\u2028é"):
    y = x * x  # </script> & <i>é</i> <!--
    return y if text != "</script>" else x


def test_what_the_user_wrote_is_escaped() -> None:
    page = page_of(awkward, 2.0)
    assert page.html.count("</script>") == 3 and "<i>é" not in page.html and "<b>&amp;" not in page.html
    found = re.search(r'<script type="application/json" id="data">(.*?)</script>', page.html, flags=re.DOTALL)
    assert found and json.loads(found[1])["steps"][0]["text"] == "y = x * x"
    assert text_of(page, f"u0-{awkward.__code__.co_firstlineno + 1}") == "y = x * x  # </script> & <i>é</i> <!--"


def test_the_page_of_a_network_is_small() -> None:
    page = page_of(network, *LAYERS, wrt=("W1", "b1", "W2", "b2"))
    assert len(page.html.encode()) < 300_000
    assert [a.why for a in page.story.arguments] == ["", "", "", "", *["the gradient is not asked for"] * 3]


def test_without_pygraphviz_the_graph_is_laid_out_here(monkeypatch: pytest.MonkeyPatch) -> None:
    original = builtins.__import__

    def without(name: str, *args: Any, **keywords: Any) -> Any:
        if name == "pygraphviz":
            raise ImportError(name)
        return original(name, *args, **keywords)

    monkeypatch.setattr(builtins, "__import__", without)
    page = page_of(golden_programs.gates, -2, 5, -4)
    outline = Outline()
    outline.feed(page.html)
    assert page.html.count('class="node" data-node=') == 7 and "-12" in svg_of(page.story.picture)


def large() -> Explorer:
    """The page of a function of 500 lines, whose graph has more than 2,000 nodes."""
    text = "def long(x, y):\n" + "    x = x * y + 0.001 * x\n" * 500 + "    return x\n"
    linecache.cache["<long>"] = (len(text), None, text.splitlines(True), "<long>")
    space: dict[str, Any] = {}
    exec(compile(text, "<long>", "exec"), space)
    return page_of(space["long"], 0.9, 0.99)


def test_a_graph_of_two_thousand_nodes() -> None:
    page = large()
    assert len(page.story.picture.nodes) >= 2000 and page.html.count('class="node" data-node=') >= 2000


# ---- how one comes to it

def test_it_is_saved_and_shown(tmp_path: pathlib.Path) -> None:
    gradient = srcad.grad(golden_programs.gates)
    made = gradient.explore(-2, 5, -4, path=tmp_path / "page.html")
    assert (tmp_path / "page.html").read_text(encoding="utf-8") == made.html
    made.save(str(tmp_path / "again.html"))
    assert (tmp_path / "again.html").read_text(encoding="utf-8") == made.html
    frame = made._repr_html_()
    assert frame.startswith('<iframe srcdoc="') and frame.count("<") == 2 and html.unescape(frame).count("<!DOCTYPE html>") == 1
    assert repr(made) == "<page to explore the gradient of gates: 8 steps>"


def test_the_command(tmp_path: pathlib.Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "program_to_explore.py").write_text("def f(x, y):\n    return x * y\n")
    where = f"{tmp_path / 'program_to_explore.py'}:f"
    monkeypatch.chdir(tmp_path)
    assert main(["explore", where, "--args", "3", "-4", "-o", "out.html"]) == 0
    assert main(["explore", where]) == 0
    assert capsys.readouterr().out == "wrote out.html\nwrote f.html\n"
    assert (tmp_path / "out.html").read_text().startswith("<!DOCTYPE html>") and (tmp_path / "f.html").exists()


def test_methods_options_and_keywords() -> None:
    class Model:
        def loss(self, w, x=2.0):
            return w * x

    assert [s.text for s in srcad.grad(Model().loss).explore(3.0, x=4.0).story.steps][-1] == "return w * x, dw"
    loop = srcad.grad(rnn, checkpoint="sqrt").explore(*SEQUENCE)
    assert loop.html == page_of(rnn, *SEQUENCE).html
    assert srcad.value_and_grad(golden_programs.gates).explore(-2, 5, -4).html == page_of(golden_programs.gates, -2, 5, -4).html


def test_refusals() -> None:
    with pytest.raises(srcad.SeedError, match="a gradient needs one number"):
        srcad.grad(lambda x: x * 2).explore(np.ones(3))
    with pytest.raises(TypeError, match="missing a required argument"):
        srcad.grad(golden_programs.gates).explore(1.0)
    with pytest.raises(srcad.SrcadError, match="two runs of it give two values"):
        srcad.grad(lambda x: x * RNG.random()).explore(1.0)


def test_arguments_are_left_alone() -> None:
    def f(x):
        x[0] = 2.0
        return np.sum(x * x)

    x = np.array([1.0, 3.0])
    assert [h.value for h in srcad.grad(f).explore(x).story.held][0] == "[2, 3]" and x[0] == 1.0
