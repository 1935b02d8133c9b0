"""The README shows real output."""
from __future__ import annotations

import linecache
import pathlib
import re

import pytest

ROOT = pathlib.Path(__file__).parent.parent


README = ROOT / "README.md"


def gradient_of(program: str, name: str) -> object:
    """What an example makes, run in a file of its own."""
    file = f"<readme {name}>"
    linecache.cache[file] = (len(program), None, program.splitlines(True), file)
    space: dict[str, object] = {}
    exec(compile(program, file, "exec"), space)
    return space[name]


@pytest.mark.parametrize(("name", "block"), [("staged", 0), ("rnn", 2)])
def test_the_examples_print_what_they_show(name: str, block: int, update_golden: bool) -> None:
    text = README.read_text()
    blocks = list(re.finditer(r"```python\n(.*?)```", text, flags=re.DOTALL))
    program, shown = blocks[block][1], blocks[block + 1]
    gradient = gradient_of(re.sub(r"^print.*", "", program, flags=re.MULTILINE), name)
    made = gradient.source  # type: ignore[attr-defined]
    if update_golden:
        README.write_text(text[: shown.start(1)] + made + text[shown.end(1) :])
    else:
        assert made == shown[1]


def test_the_first_example_has_the_values_that_it_shows() -> None:
    text = README.read_text()
    program = re.findall(r"```python\n(.*?)```", text, flags=re.DOTALL)[0].partition("staged(3, -4)")[0]
    values = re.search(r"staged\(3, -4\) +# (\(.*?\))", text)
    assert values is not None and repr(gradient_of(program, "staged")(3, -4)) == values[1]  # type: ignore[operator]


def test_there_are_two_commands() -> None:
    commands = re.findall(r"```bash\n(.*?)```", (ROOT / "README.md").read_text(), flags=re.DOTALL)
    assert len(commands) == 2 and all(c.strip().count("\n") == 0 for c in commands)


def test_links_lead_somewhere() -> None:
    for page in [ROOT / "README.md", *(ROOT / "docs").glob("*.md")]:
        for target in re.findall(r"\]\(([^)#:]+)\)", page.read_text()):
            assert (page.parent / target).exists(), f"{page.name}: {target}"
