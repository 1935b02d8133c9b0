"""The pages show real output: what stands indented below a block is what it prints, or a part of it; so are the pictures what srcad draws."""
from __future__ import annotations

import contextlib
import io
import linecache
import pathlib
import re
import runpy
from collections.abc import Iterator

import pytest

import srcad
from srcad.rules import RULES

DOCS = pathlib.Path(__file__).parent.parent / "docs"


@pytest.fixture
def rules_as_they_were() -> Iterator[None]:
    """Takes the rules away that an example has added."""
    before = set(RULES)
    yield
    for function in set(RULES) - before:
        del RULES[function]


@pytest.mark.parametrize("page", ["graphs.md", "memory.md", "operators.md", "optim.md", "tutorial.md", "migrating.md", "index.md", "rules.md", "performance.md"])
@pytest.mark.usefixtures("rules_as_they_were")
def test_the_examples_print_what_they_show(page: str) -> None:
    if page == "performance.md":
        pytest.importorskip("numba")
    text = (DOCS / page).read_text()
    space: dict[str, object] = {}
    for block in re.finditer(r"```python\n(.*?)```(.*?)(?=```|\Z)", text, flags=re.DOTALL):
        file = f"<docs {page} {block.start()}>"
        linecache.cache[file] = (len(block[1]), None, block[1].splitlines(True), file)
        printed = io.StringIO()
        with contextlib.redirect_stdout(printed):
            exec(compile(block[1], file, "exec"), space)
        for shown in re.findall(r"(?:^    .*\n)+", block[2], flags=re.MULTILINE):
            wanted = "\n".join(line[4:] for line in shown.rstrip("\n").split("\n"))
            assert wanted in printed.getvalue()


def test_the_reference_has_every_public_name() -> None:
    text = (DOCS / "api.md").read_text()
    listed = set(re.findall(r"^\.\. auto\w+:: (\w+)", text, flags=re.MULTILINE))
    assert set(srcad.__all__) <= listed


def test_the_pictures_are_those_that_srcad_draws() -> None:
    pytest.importorskip("pygraphviz")
    graphs = runpy.run_path(str(DOCS / "make_pictures.py"))["graphs"]()
    assert {p.name for p in (DOCS / "pictures").iterdir()} == set(graphs)
    for name, graph in graphs.items():
        assert written(graph.svg) == written((DOCS / "pictures" / name).read_text()), name


def written(svg: str) -> list[str]:
    """What stands in a picture; where it stands is another matter from one Graphviz to the next."""
    return sorted(re.findall(r"<text[^>]*>(.*?)</text>", svg))
