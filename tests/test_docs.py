"""The pages with examples show real output: what stands indented below a block is what it prints, or a part of it."""
from __future__ import annotations

import contextlib
import io
import linecache
import pathlib
import re

import pytest

DOCS = pathlib.Path(__file__).parent.parent / "docs"


@pytest.mark.parametrize("page", ["explorer.md", "graphs.md", "memory.md", "operators.md", "optim.md"])
def test_the_examples_print_what_they_show(page: str, tmp_path: pathlib.Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
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
