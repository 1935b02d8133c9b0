"""Computation graphs: the numbers of the lectures' exercises, the texts, what is folded, and what is refused."""
from __future__ import annotations

import builtins
import math
import pathlib
from typing import Any

import golden_programs
import numpy as np
import pytest
from programs import random_program

import srcad
from srcad.graph import Graph
from srcad.graph.compact import MANY

GOLDEN = pathlib.Path(__file__).parent / "golden" / "graphs"


def matrix_product(W, x):
    f = W @ x
    return np.sum(f)


def squares(a, x, b, y):
    r = a * x + b - y
    loss = np.sum(r ** 2)
    return loss


def apples(apple_price, apples, orange_price, oranges, tax):
    apple_total = apple_price * apples
    orange_total = orange_price * oranges
    price = (apple_total + orange_total) * tax
    return price


W, X = np.array([[1.0, 2.0], [3.0, 4.0]]), np.array([5.0, -6.0])
EXERCISES: dict[str, tuple[Any, tuple[Any, ...], dict[str, tuple[Any, Any]]]] = {
    "gates": (golden_programs.gates, (-2, 5, -4), {"x": (-2, -4), "y": (5, -4), "z": (-4, 3), "q": (3, -4), "f": (-12, 1)}),
    "neuron": (golden_programs.neuron, ([2.0, -3.0, -3.0], [-1.0, -2.0]), {
        "w[0]": (2, -0.20), "w[1]": (-3, -0.39), "w[2]": (-3, 0.20), "x[0]": (-1, 0.39), "x[1]": (-2, -0.59), "dot": (1, 0.20), "f": (0.73, 1)}),
    "max_gate": (golden_programs.max_gate, (3, -4, 2, -1), {"x": (3, -8), "y": (-4, 6), "z": (2, 2), "w": (-1, 0), "f": (-20, 1)}),
    "matrix_product": (matrix_product, (W, X), {"W": (W, [[5, -6], [5, -6]]), "x": (X, [4, 6]), "f": ([-7, -9], [1, 1])}),
    "squares": (squares, (2.0, np.array([1.0, 2.0, 3.0]), 1.0, np.array([3.0, 3.0, 3.0])), {
        "a": (2, 2 * (0 * 1 + 2 * 2 + 4 * 3)), "b": (1, 2 * 6), "x": ([1, 2, 3], [0, 8, 16]), "y": ([3, 3, 3], [0, -4, -8]), "r": ([0, 2, 4], [0, 4, 8]), "loss": (20, 1)}),
    "apples": (apples, (100, 2, 150, 3, 1.1), {
        "apple_price": (100, 2.2), "apples": (2, 110), "orange_price": (150, 3.3), "oranges": (3, 165), "tax": (1.1, 650), "price": (715, 1)}),
}


@pytest.mark.parametrize("name", EXERCISES)
def test_the_exercises_have_the_numbers_of_the_lectures(name: str) -> None:
    function, args, wanted = EXERCISES[name]
    values = srcad.grad(function).graph(*args).values
    for variable, (value, gradient) in wanted.items():
        np.testing.assert_allclose(values[variable][0], value, atol=0.005)
        np.testing.assert_allclose(values[variable][1], gradient, atol=0.005)


@pytest.mark.parametrize("name", EXERCISES)
@pytest.mark.parametrize("form", ["dot", "mermaid"])
def test_the_texts_of_the_exercises(name: str, form: str, update_golden: bool) -> None:
    function, args, _ = EXERCISES[name]
    compare(f"{name}.{form}", getattr(srcad.grad(function).graph(*args), form), update_golden)


def test_the_texts_of_steps_and_of_groups(update_golden: bool) -> None:
    compare("gates_steps.dot", srcad.grad(golden_programs.gates).graph(-2, 5, -4, steps=True).dot, update_golden)
    made = srcad.grad(recurrent).graph(np.array([1.0, 2.0, 3.0, 4.0, 5.0]), 0.5)
    compare("groups.dot", made.dot, update_golden)
    compare("groups.mermaid", made.mermaid, update_golden)


def compare(name: str, text: str, update: bool) -> None:
    path = GOLDEN / name
    if update:
        path.parent.mkdir(exist_ok=True)
        path.write_text(text)
    assert text == path.read_text()


# ---- groups

def sigmoid(t):
    return 1 / (1 + np.exp(-t))


def recurrent(xs, w):
    h = 0.0
    for x in xs:
        with srcad.scope("cell"):
            h = sigmoid(w * h + x)
    if h > 0:
        h = h * 2
    return h


def keys(graph: Graph) -> list[str]:
    return [n.label for n in graph.picture.nodes]


def test_groups_are_whole_or_one_node() -> None:
    graph = srcad.grad(recurrent).graph(np.arange(5.0), 0.5)
    assert graph.groups == ("for x in xs", "cell", "sigmoid")
    assert "exp" in keys(graph) and "4 more passes" in keys(graph)
    assert set(graph.picture.headings.values()) >= {"for x in xs   (5 passes)", "pass 5 of 5", "cell", "sigmoid", "if h > 0"}
    assert "exp" not in keys(graph.folded("sigmoid")) and "sigmoid" in keys(graph.folded("sigmoid"))
    assert "for x in xs, 5 passes" in keys(graph.folded("for x in xs"))
    assert keys(graph.unfolded()).count("exp") == 5
    with pytest.raises(srcad.SrcadError, match="there is no group 'tanh' in it. There is 'for x in xs', 'cell', 'sigmoid'."):
        graph.folded("tanh")


def test_gradients_of_a_folded_group_add_up() -> None:
    graph = srcad.grad(recurrent).graph(np.arange(5.0), 0.5)
    _, gradient = srcad.grad(recurrent)(np.arange(5.0), 0.5)
    (edge,) = (e for e in graph.folded("for x in xs").picture.edges if e.source.label == "w")
    assert edge.gradient == (f"{gradient:.4g}",)


def test_a_sigmoid_written_out_is_a_group_unless_its_parts_are_used() -> None:
    assert srcad.grad(golden_programs.neuron).graph([2.0, -3.0, -3.0], [-1.0, -2.0]).groups == ("sigmoid",)

    def named(x):
        e = math.exp(-x)
        return 1 / (1 + e)

    assert srcad.grad(named).graph(1.0).groups == ()


def test_what_follows_a_scope_with_a_return_in_it_is_not_in_it() -> None:
    def f(x):
        with srcad.scope("inner"):
            y = x * x
            if y > 100:
                return y
        return y + x

    assert [op.group.label for op in srcad.grad(f).graph(2.0).run.operations] == ["inner", "f"]


# ---- every program

def in_place(x, w):
    y = np.zeros(3)
    y[0] = x[0] * w
    part = y[1:]
    part[:] = x[1:]
    y += x
    part[0] *= 2.0
    np.add.at(y, np.array([0, 0]), w)
    return np.sum(y * part[1])


def containers(p, q):
    held = {"a": p[0]}
    rows = [v * q["k"] for v in p] + [held["a"]]
    rows.append(functools_like(lambda t: t * rows[0], q["k"]))
    first, *rest = rows
    return sum(rest) * first + max(rows[0], rows[1])


def functools_like(f, x):
    return f(f(x))


def not_taken(x):
    return np.sum(np.where(x > 0, np.sqrt(np.abs(x)), 0.0))


def until(x, n):
    total, i = x, 0
    while total < 50:
        total = total * 1.5 + x
        i += 1
        if i > n:
            break
    return total


def several(x):
    u, s, v = np.linalg.svd(x, full_matrices=False)
    a, b = np.split(u @ np.diag(s), 2)
    return np.sum(a * b) + np.sum(v[0] ** 2)


@pytest.mark.parametrize(("function", "args"), [
    (in_place, (np.array([1.0, -2.0, 0.5]), 0.7)), (containers, ([1.0, 2.0, -3.0], {"k": 0.3})), (not_taken, (np.array([1.0, 0.0]),)), (until, (1.5, 3)), (until, (1.5, 30)),
    (several, (np.random.default_rng(0).standard_normal((4, 3)),)),
    *((getattr(golden_programs, f), a) for a, f in golden_programs.CASES.values()),
])
def test_the_graph_has_the_gradient_of_the_generated_code(function: Any, args: tuple[Any, ...]) -> None:
    """A graph compares itself with the generated gradient, and is refused where it is another."""
    graph = srcad.grad(function).graph(*args)
    assert graph.dot == graph.dot and graph.mermaid.startswith("flowchart LR")


@pytest.mark.parametrize("seed", range(60))
def test_random_programs(seed: int) -> None:
    f, args, _ = random_program(seed)
    srcad.grad(f).graph(*args)


def test_arguments_are_left_alone_and_nothing_is_printed(capsys: pytest.CaptureFixture[str]) -> None:
    def f(x):
        x[0] = 2.0
        return np.sum(x * x)

    x = np.array([1.0, 3.0])
    srcad.grad(f).graph(x)
    assert x[0] == 1.0


# ---- refusals

def test_refusals() -> None:
    rng = np.random.default_rng(0)
    with pytest.raises(srcad.SeedError, match="a gradient needs one number"):
        srcad.grad(lambda x: x * 2).graph(np.ones(3))
    with pytest.raises(srcad.SrcadError, match="two runs of it give two values"):
        srcad.grad(lambda x: x * rng.random()).graph(1.0)
    with pytest.raises(srcad.SrcadError, match="a graph is not saved as f.gif"):
        srcad.grad(golden_programs.gates).graph(-2, 5, -4).save("f.gif")


def test_without_pygraphviz(monkeypatch: pytest.MonkeyPatch, tmp_path: pathlib.Path) -> None:
    original = builtins.__import__

    def without(name: str, *args: Any, **keywords: Any) -> Any:
        if name == "pygraphviz":
            raise ImportError(name)
        return original(name, *args, **keywords)

    monkeypatch.setattr(builtins, "__import__", without)
    graph = srcad.grad(golden_programs.gates).graph(-2, 5, -4)
    with pytest.raises(srcad.SrcadError, match=r"to draw a graph as SVG takes pygraphviz: pip install 'srcad\[graph\]'"):
        graph.save(tmp_path / "f.svg")
    assert graph._repr_svg_() is None and set(graph._repr_mimebundle_()) == {"text/plain"}
    for suffix in ("dot", "gv", "mmd", "md"):
        graph.save(tmp_path / f"f.{suffix}")
    assert (tmp_path / "f.md").read_text() == f"```mermaid\n{graph.mermaid}```\n"


# ---- pictures

def test_pictures(tmp_path: pathlib.Path) -> None:
    pytest.importorskip("pygraphviz")
    graph = srcad.grad(golden_programs.gates).graph(-2, 5, -4)
    for suffix, head in (("svg", b"<?xml"), ("png", b"\x89PNG"), ("pdf", b"%PDF")):
        graph.save(tmp_path / f"f.{suffix}")
        assert (tmp_path / f"f.{suffix}").read_bytes().startswith(head)
    assert graph.svg.startswith("<svg") and "image/svg+xml" in graph._repr_mimebundle_()
    steps = graph.steps()
    steps.save(tmp_path / "s.svg")
    assert len(list(tmp_path.glob("s_*.svg"))) == len(steps) == 6
    assert (steps._repr_html_() or "").count("<svg") == 6


def test_a_large_graph_is_drawn_in_seconds() -> None:
    pytest.importorskip("pygraphviz")

    def long(x, y):
        for _ in range(500):
            x = x * y + 0.001 * np.sin(x)
        return x

    graph = srcad.grad(long).graph(0.9, 0.99)
    assert len(graph.picture.nodes) < 30
    assert len(graph.unfolded().picture.nodes) > 2000 > MANY
    assert graph.unfolded().svg.count("<g") > 4000


def test_a_graph_just_below_that_is_drawn_in_seconds() -> None:
    pytest.importorskip("pygraphviz")

    def nested(x, w):
        for _ in range(20):
            with srcad.scope("cell"):
                a = np.sin(x * w)
                b = np.cos(x + w)
                x = a * b + x
        return x

    graph = srcad.grad(nested).graph(0.5, 0.3).unfolded()
    assert MANY // 3 < len(graph.picture.nodes) < MANY
    assert graph.svg.count("cell") >= 20


# ---- steps

def test_steps_show_what_is_known() -> None:
    steps = srcad.grad(golden_programs.gates).graph(-2, 5, -4, steps=True)
    assert [s.moment.title for s in steps] == [
        "the arguments", "forward 1 of 2:  q = x + y", "forward 2 of 2:  f = q * z", "the seed: the gradient of the result is 1",
        "backward 1 of 2:  f = q * z", "backward 2 of 2:  q = x + y"]
    assert "-12" not in steps[1].mermaid and "-12" in steps[2].mermaid
    assert [s.mermaid.count("#cf222e") for s in steps] == [0, 0, 0, 1, 4, 6]


# ---- TensorBoard

def test_tensorboard(tmp_path: pathlib.Path) -> None:
    pytest.importorskip("tensorboard")
    from tensorboard.backend.event_processing.event_accumulator import EventAccumulator

    srcad.grad(recurrent).graph(np.arange(5.0), 0.5).to_tensorboard(tmp_path)
    events = EventAccumulator(str(tmp_path)).Reload()
    nodes = {n.name: n for n in events.Graph().node}
    product = next(n for name, n in nodes.items() if name.endswith("pass_5/cell/mul"))
    assert product.op == "*" and set(product.input) <= set(nodes)
    assert [d.size for d in nodes["xs"].attr["_output_shapes"].list.shape[0].dim] == [5]


def test_without_tensorboard(monkeypatch: pytest.MonkeyPatch, tmp_path: pathlib.Path) -> None:
    monkeypatch.setitem(__import__("sys").modules, "tensorboard.compat.proto.event_pb2", None)
    with pytest.raises(srcad.SrcadError, match=r"takes tensorboard: pip install 'srcad\[tensorboard\]'"):
        srcad.grad(golden_programs.gates).graph(-2, 5, -4).to_tensorboard(tmp_path)


# ---- notebooks

def test_a_gradient_shows_itself_beside_the_function() -> None:
    gradient = srcad.grad(golden_programs.gates)
    shown = gradient._repr_html_() or ""
    assert "gates_grad" in shown and shown.index("the function") < shown.index("its gradient")
    assert srcad.grad(golden_programs.softmax_loss)._repr_html_() is None
