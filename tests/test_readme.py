"""The README shows real output."""
from __future__ import annotations

import linecache
import pathlib
import re

ROOT = pathlib.Path(__file__).parent.parent


def test_the_first_example_prints_what_it_shows() -> None:
    text = (ROOT / "README.md").read_text()
    program, shown = re.findall(r"```python\n(.*?)```", text, flags=re.DOTALL)[:2]
    program = program.partition("staged(3, -4)")[0]
    linecache.cache["<readme>"] = (len(program), None, program.splitlines(True), "<readme>")
    space: dict[str, object] = {}
    exec(compile(program, "<readme>", "exec"), space)
    gradient = space["staged"]
    values = re.search(r"staged\(3, -4\) +# (\(.*?\))", text)
    assert values is not None and repr(gradient(3, -4)) == values[1]  # type: ignore[operator]
    assert gradient.source == shown  # type: ignore[attr-defined]


def test_there_are_two_commands() -> None:
    commands = re.findall(r"```bash\n(.*?)```", (ROOT / "README.md").read_text(), flags=re.DOTALL)
    assert len(commands) == 2 and all(c.strip().count("\n") == 0 for c in commands)


def test_links_lead_somewhere() -> None:
    for page in [ROOT / "README.md", *(ROOT / "docs").glob("*.md")]:
        for target in re.findall(r"\]\(([^)#:]+)\)", page.read_text()):
            assert (page.parent / target).exists(), f"{page.name}: {target}"
