"""The page coverage.md, from the registry of rules: `python docs/make_coverage.py` writes it anew.

Which functions it lists is in tests/coverage_functions.txt; what it says of them is what the compiler asks, so it cannot say more.
"""
from __future__ import annotations

import builtins
import importlib
import pathlib
from collections.abc import Iterator
from typing import Any

from srcad.rules import LOADERS, ZERO, find, is_zero, load
from srcad.specials import SPECIAL
from srcad.writing import WRITING

ROOT = pathlib.Path(__file__).parent.parent
LIST, PAGE = ROOT / "tests" / "coverage_functions.txt", ROOT / "docs" / "coverage.md"
LIBRARIES = ("scipy.special", "scipy.linalg", "scipy.signal", "scipy.stats", "scipy.ndimage", "scipy.integrate")
RENAMED = {"np.trapz": "np.trapezoid", "np.row_stack": "np.vstack"}  # names that NumPy no longer has
HEAD = """# Coverage

Made by `docs/make_coverage.py` from the registry of rules. The functions are those for which at least one maintained system has a derivative.

- *rule*: there is a rule, with cases beside finite differences in `tests/rules`; `rules.md` says in which forms.
- *written out*: a call is differentiated as the simpler operations that it stands for.
- *derivative zero*: it is differentiated, and nothing flows through it.
- *refused*: a gradient that goes through it raises MissingRuleError, with the rule to fill in.
  Where nothing that it is given is differentiated, it may be used.
"""


def listed() -> Iterator[tuple[str, list[str]]]:
    """The categories and the names in them."""
    for block in LIST.read_text().split("\n\n"):
        title, *names = block.strip().split("\n")
        yield title.removeprefix("# "), names


def function_of(name: str) -> Any:
    """The function that a name stands for; None where the installed library has none of that name."""
    name = RENAMED.get(name, name)
    root, _, rest = name.partition(".")
    if not rest:
        return getattr(builtins, root)
    owner = importlib.import_module({"np": "numpy"}.get(root, root))
    for part in rest.split("."):
        owner = getattr(owner, part, None)
    return owner


def status(name: str) -> str:
    """What the compiler does with a function."""
    function = function_of(name)
    if function is None:
        return "not in this version of the library"
    if find(function) is not None:
        return "rule"
    if is_zero(function):
        return f"derivative zero: it {ZERO[function]}"
    if function in SPECIAL or function in WRITING:
        return "written out"
    return "refused: no rule is known"


def page() -> str:
    for library in LIBRARIES:
        importlib.import_module(library)
    for prefix in list(LOADERS):
        load(prefix)
    blocks, counts = [], dict.fromkeys(("rule", "written out", "derivative zero", "refused"), 0)
    for title, names in listed():
        rows = [(name, status(name)) for name in names]
        for kind in counts:
            counts[kind] += sum(said.startswith(kind) for _, said in rows)
        blocks.append("\n".join([f"## {title}", "", "| function | derivative |", "|---|---|", *(f"| `{name}` | {said} |" for name, said in rows)]))
    total = ", ".join(f"{n} {kind}" for kind, n in counts.items())
    return "\n".join([HEAD, f"In all: {total}.", "", "\n\n".join(blocks), ""])


if __name__ == "__main__":
    PAGE.write_text(page())
