"""The pages show real output: what stands indented below a block is what it prints, or a part of it; so are the pictures what srcad draws."""
from __future__ import annotations

import contextlib
import io
import linecache
import pathlib
import re
import runpy
import textwrap
from collections.abc import Iterator

import pytest

import srcad
from srcad.rules import RULES

DOCS = pathlib.Path(__file__).parent.parent / "docs"
PAGES = sorted(p.name for p in DOCS.glob("*.md") if "```python" in p.read_text() and p.name != "language.md")  # tests/test_language.py has that


@pytest.fixture
def rules_as_they_were() -> Iterator[None]:
    """Takes the rules away that an example has added."""
    before = set(RULES)
    yield
    for function in set(RULES) - before:
        del RULES[function]


@pytest.mark.parametrize("page", PAGES)
@pytest.mark.usefixtures("rules_as_they_were")
def test_the_examples_print_what_they_show(page: str, update_golden: bool, tmp_path: pathlib.Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    if page == "performance.md":
        pytest.importorskip("numba")
    text = (DOCS / page).read_text()
    space: dict[str, object] = {}
    stale: list[tuple[int, int, str]] = []
    for block in re.finditer(r"```python\n(.*?)```(.*?)(?=```|\Z)", text, flags=re.DOTALL):
        printed = run(block[1], f"<docs {page} {block.start()}>", space)
        for shown in re.finditer(r"^    .*\n(?:\n*^    .*\n)*", block[2], flags=re.MULTILINE):
            if re.sub("^    ", "", shown[0], flags=re.MULTILINE).rstrip() not in printed:
                assert update_golden, f"{printed}\n\nis not what is shown:\n\n{shown[0]}"
                stale.append((block.start(2) + shown.start(), block.start(2) + shown.end(), textwrap.indent(printed.rstrip() + "\n", "    ")))
    for start, end, printed in reversed(stale):
        text = text[:start] + printed + text[end:]
    if stale:
        (DOCS / page).write_text(text)


def run(program: str, file: str, space: dict[str, object]) -> str:
    """What an example prints."""
    linecache.cache[file] = (len(program), None, program.splitlines(True), file)
    printed = io.StringIO()
    with contextlib.redirect_stdout(printed):
        exec(compile(program, file, "exec"), space)
    return printed.getvalue()


def test_the_reference_has_every_public_name() -> None:
    text = (DOCS / "api.md").read_text()
    listed = set(re.findall(r"^\.\. auto\w+:: (\w+)", text, flags=re.MULTILINE))
    assert set(srcad.__all__) <= listed


def test_the_pictures_are_those_that_srcad_draws() -> None:
    pytest.importorskip("pygraphviz")
    graphs = runpy.run_path(str(DOCS / "make_pictures.py"))["graphs"]()
    assert {p.name for p in (DOCS / "pictures").glob("*.svg")} == set(graphs)
    for name, graph in graphs.items():
        assert written(graph.svg) == written((DOCS / "pictures" / name).read_text()), name


def written(svg: str) -> list[str]:
    """What stands in a picture; where it stands is another matter from one Graphviz to the next."""
    return sorted(re.findall(r"<text[^>]*>(.*?)</text>", svg))
