"""A module imports only from lower layers, and stays small."""
from __future__ import annotations

import ast
import pathlib
import re

ROOT = pathlib.Path(__file__).parent.parent / "srcad"
LAYERS = [
    {"errors", "finals", "guarding", "notebook", "optim", "ranges", "syntax", "runtime", "rules", "spelled"}, {"dims", "ir"}, {"uses"}, {"control", "emit", "kinds", "live", "render", "simplify", "source"},
    {"carried", "centred", "choices", "coalesce", "debug", "displays", "filled", "idioms", "inverses", "methods", "outers", "respell", "unboxed", "definitions", "load", "lowering", "outside", "ownership", "report", "shapes", "surgery"}, {"entrance"}, {"request"},
    {"assigned", "comprehensions", "dispatch", "hoist", "numbered", "scaling", "inference", "patterns", "scopes", "terms", "wholes"}, {"augmented", "contracted", "protocols", "stage"}, {"reflection"},
    {"adjoints", "gates", "loopcode", "memory", "merge", "overlap", "scatter", "specials", "strides", "walk"}, {"splice", "iterables"}, {"detours", "economy", "fitting", "module", "operations", "pairback", "recording", "sharing", "snapshots"},
    {"heads", "texts"}, {"attributes"}, {"writes"}, {"series", "shadows"}, {"listback", "regions", "rewalk", "slots"}, {"backwards", "iteration"}, {"loops", "reverse"}, {"infer", "tangents", "tidy"}, {"forwards"},
    {"binding", "mirror", "objects", "residuals"}, {"library", "pairs", "writing"}, {"assembly", "custom", "draws", "nested", "odes"}, {"calls", "pushforward"}, {"compile"}, {"export"},
    {"testing", "callables", "seeds"}, {"api"}, {"graph", "operators"}, {"explain", "explore"}, {"cli"}, {"__init__", "__main__"},
]
BACKENDS = ["vector", "values", "tree", "fusion", "building", "elementwise", "table", "builtin", "making", "arranging", "calls", "expressions", "layout", "places", "indexing",
            "products", "reductions", "stacks", "webs", "control", "bindings", "lower", "wrapper", "passing", "parallel", "numba"]  # each imports from those before it, and of the core what is below `compile`
LEVEL = {module: i for i, layer in enumerate(LAYERS) for module in layer}


def imported(path: pathlib.Path) -> set[str]:
    """The modules of the package that a file imports when it is imported: what is inside a function does not count."""
    found = set()
    for node in ast.parse(path.read_text()).body:
        if isinstance(node, ast.ImportFrom) and (node.module or "").split(".")[0] == "srcad":
            parts = (node.module or "").split(".")
            found |= {parts[1]} if len(parts) > 1 else {a.name for a in node.names} & set(LEVEL)
    return found


def test_the_table_of_modules_names_them_all() -> None:
    table = (ROOT.parent / "docs" / "internals.md").read_text().partition("| step |")[2].partition("\n\n")[0]
    named = {n for n in re.findall(r"`(\w+)`", table)}
    modules = {path.stem for path in ROOT.glob("*.py")} - {"__init__", "__main__"}
    packages = {path.parent.name for path in ROOT.glob("*/__init__.py")}
    assert modules <= named, sorted(modules - named)
    assert named <= modules | packages, sorted(named - modules - packages)


def test_modules_import_from_lower_layers() -> None:
    for path in ROOT.glob("*.py"):
        for other in imported(path) - {path.stem}:
            assert LEVEL[other] < LEVEL[path.stem] or {other, path.stem} <= {"errors", "syntax", "runtime"}, f"{path.stem} imports {other}"


def test_rules_do_not_import_the_compiler() -> None:
    for path in (ROOT / "rules").glob("*.py"):
        assert imported(path) <= {"rules", "runtime"}, path


def test_backends_import_from_lower_layers() -> None:
    for path in (ROOT / "backends").glob("*.py"):
        assert all(LEVEL[other] < LEVEL["compile"] for other in imported(path) - {"backends"}), path
        nodes = [n for n in ast.parse(path.read_text()).body if isinstance(n, ast.ImportFrom) and (n.module or "").startswith("srcad.backends")]
        inner = {part for n in nodes for part in ([(n.module or "").split(".")[2]] if (n.module or "").count(".") > 1 else [a.name for a in n.names])}
        assert all(BACKENDS.index(other) < BACKENDS.index(path.stem) for other in inner), path


def test_the_page_is_made_of_what_is_below_the_command_line() -> None:
    for path in (ROOT / "explore").glob("*.py"):
        assert all(LEVEL[other] < LEVEL["explore"] for other in imported(path) - {"explore"}), path


def test_only_the_backend_imports_numba() -> None:
    for path in ROOT.rglob("*.py"):
        for node in ast.parse(path.read_text()).body:
            modules = [a.name for a in node.names] if isinstance(node, ast.Import) else [node.module or ""] if isinstance(node, ast.ImportFrom) else []
            assert not any(m.split(".")[0] == "numba" for m in modules), path


def test_every_module_has_its_idea_first() -> None:
    for path in ROOT.rglob("*.py"):
        text = ast.get_docstring(ast.parse(path.read_text()))
        assert text and len(text) > 30, path
