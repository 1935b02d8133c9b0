"""Every example of docs/language.md: a call is differentiated and compared with finite differences, or refused in the words beside it."""
from __future__ import annotations

import ast
import copy
import dataclasses
import inspect
import linecache
import pathlib
import re
import sys
import types
from collections.abc import Callable, Iterator
from typing import Any, NamedTuple

import numpy as np
import pytest

import srcad

PAGE = pathlib.Path(__file__).parent.parent / "docs" / "language.md"
MODULE = "language_page"
STEP = 1e-6
Path = tuple[Any, ...]


class Example(NamedTuple):
    text: str
    line: int
    refused: str  # words of the reason; empty where the call is differentiated


# ---- the page as a module

def code_of(page: str) -> str:
    """The code of a page, with its line numbers."""
    lines, inside = [], False
    for line in page.splitlines():
        fence = line.startswith("```")
        lines.append(line if inside and not fence else "")
        inside = line == "```python" if fence else inside
    return "\n".join(lines) + "\n"


def examples(code: str) -> list[Example]:
    lines = code.splitlines()
    found = []
    for node in ast.parse(code).body:
        if isinstance(node, ast.Expr):
            _, _, refused = lines[node.lineno - 1].partition("  # refused: ")
            found.append(Example(ast.unparse(node.value), node.lineno, refused))
    return found


def module_of(code: str) -> types.ModuleType:
    """What the page defines, without its calls; its text is where inspect looks for it."""
    tree = ast.parse(code)
    tree.body = [node for node in tree.body if not isinstance(node, ast.Expr)]
    name = f"<{MODULE}>"
    linecache.cache[name] = (len(code), None, code.splitlines(True), name)
    module = types.ModuleType(MODULE)
    sys.modules[MODULE] = module
    exec(compile(tree, name, "exec"), module.__dict__)
    return module


TEXT = PAGE.read_text()
CODE = code_of(TEXT)
LANGUAGE = module_of(CODE)
EXAMPLES = examples(CODE)


def call_of(text: str) -> tuple[Callable[..., Any], inspect.BoundArguments]:
    call = ast.parse(text, mode="eval").body
    assert isinstance(call, ast.Call) and isinstance(call.func, ast.Name)
    space = dict(vars(LANGUAGE))
    space["taken"] = lambda *args, **keywords: (args, keywords)
    args, keywords = eval(f"taken{text[len(call.func.id):]}", space)
    function = space[call.func.id]
    return function, inspect.signature(function).bind(*args, **keywords)


# ---- finite differences of the function itself

def leaves(value: Any) -> Iterator[Path]:
    """Where the floats of a value are."""
    if isinstance(value, (float, np.floating)):
        yield ()
    elif isinstance(value, np.ndarray) and value.dtype.kind == "f":
        yield from ((index,) for index in np.ndindex(value.shape))
    else:
        for key, part in parts(value):
            yield from ((key, *rest) for rest in leaves(part))


def parts(value: Any) -> Iterator[tuple[Any, Any]]:
    if isinstance(value, dict):
        yield from value.items()
    elif isinstance(value, (list, tuple)):
        yield from enumerate(value)
    elif dataclasses.is_dataclass(value):
        yield from vars(value).items()


def part(value: Any, path: Path) -> Any:
    for key in path:
        value = getattr(value, key) if dataclasses.is_dataclass(value) else value[key]
    return value


def moved(value: Any, path: Path, step: float) -> Any:
    """A copy of a value with one float moved."""
    if not path:
        return value + step
    key, *rest = path
    inner = moved(part(value, (key,)), tuple(rest), step)
    if hasattr(value, "_fields"):
        return type(value)._make([*value[:key], inner, *value[key + 1 :]])
    if isinstance(value, tuple):
        return (*value[:key], inner, *value[key + 1 :])
    if dataclasses.is_dataclass(value) and not isinstance(value, type):
        return dataclasses.replace(value, **{key: inner})
    made = copy.copy(value)
    made[key] = inner
    return made


def run(function: Callable[..., Any], bound: inspect.BoundArguments, name: str = "", path: Path = (), step: float = 0.0) -> tuple[Any, Any]:
    """The result of a function on copies of its arguments, one of which is moved; and what it leaves in them."""
    given = copy.deepcopy(bound)
    if name:
        given.arguments[name] = moved(given.arguments[name], path, step)
    return function(*given.args, **given.kwargs), given.arguments


def compare(function: Callable[..., Any], bound: inspect.BoundArguments) -> None:
    gradient, both = srcad.grad(function), srcad.value_and_grad(function)
    found, _ = run(gradient, bound)
    wanted_value, wanted_arguments = run(function, bound)
    (value, again), arguments = run(both, bound)
    np.testing.assert_allclose(value, wanted_value)
    by_name = dict(zip(gradient.names, (found,) if len(gradient.names) == 1 else found))
    again_by_name = dict(zip(gradient.names, (again,) if len(gradient.names) == 1 else again))
    for name, argument in bound.arguments.items():
        for path in leaves(argument):
            np.testing.assert_allclose(part(arguments[name], path), part(wanted_arguments[name], path), err_msg=f"left behind in {name}{path}")
            if name in by_name:
                above, below = (run(function, bound, name, path, step)[0] for step in (STEP, -STEP))
                expected = (above - below) / (2 * STEP)
                for result in (by_name, again_by_name):
                    np.testing.assert_allclose(part(result[name], path), expected, rtol=1e-5, atol=1e-6, err_msg=f"{name}{path}")


# ---- the tests

@pytest.mark.parametrize("example", [e for e in EXAMPLES if not e.refused], ids=lambda e: f"{e.line}-{e.text}")
def test_an_example_is_differentiated(example: Example) -> None:
    compare(*call_of(example.text))


@pytest.mark.parametrize("example", [e for e in EXAMPLES if e.refused], ids=lambda e: f"{e.line}-{e.text}")
def test_an_example_is_refused(example: Example) -> None:
    function, bound = call_of(example.text)
    with pytest.raises(srcad.SrcadError, match=re.escape(example.refused)):
        run(srcad.grad(function), bound)


def test_the_tables_name_the_examples() -> None:
    called = {e.text.partition("(")[0] for e in EXAMPLES if not e.refused}
    body, _, _ = TEXT.partition("## Values, names and indices")
    listed = {name for row in re.findall(r"^\|.*\| ([^|]*) \|$", body, flags=re.MULTILINE) for name in re.findall(r"`(\w+)`", row)}
    assert listed and listed <= called
    assert {e.text.partition("(")[0] for e in examples(code_of(body))} <= listed


def test_each_example_is_defined_once() -> None:
    names = [node.name for node in ast.parse(CODE).body if isinstance(node, (ast.FunctionDef, ast.ClassDef))]
    assert len(names) == len(set(names))


V, M = LANGUAGE.V, LANGUAGE.M
LONGER = np.linspace(0.2, 0.9, 7)
KEPT: list[tuple[str, tuple[Any, ...], tuple[Any, ...]]] = [
    ("horner", (V, 1.5), (LONGER, 1.5)), ("product", (V,), (LONGER,)), ("polynomial", (V, 1.5), (LONGER, 1.5)), ("dot", (V, V), (LONGER, LONGER)),
    ("discounted", (V, 0.9), (LONGER, 0.9)), ("newton", (7.0,), (700.0,)), ("halved", (5.0,), (5000.0,)), ("capped", (V, 1.0), (LONGER, 1.0)),
    ("found", (V,), (LONGER,)),
    ("triangle", (M,), (np.ones((4, 9)),)), ("cumulative", (V, V), (LONGER, LONGER)), ("normalised", (M, V), (np.ones((5, 3)), V)),
]


@pytest.mark.parametrize(("name", "few", "many"), KEPT, ids=lambda v: v if isinstance(v, str) else "")
def test_a_loop_stays_a_loop(name: str, few: tuple[Any, ...], many: tuple[Any, ...]) -> None:
    gradient = srcad.grad(getattr(LANGUAGE, name))
    text = gradient.source_for(*few)
    assert re.search(r"\b(for|while)\b", text) and gradient.source_for(*many) == text


def test_a_loop_that_is_written_out_is_for_its_length() -> None:
    gradient = srcad.grad(LANGUAGE.pingpong)
    three, four = gradient.source_for(LANGUAGE.U, 3), gradient.source_for(LANGUAGE.U, 4)
    assert not re.search(r"\b(for|while)\b", three) and len(four) > len(three)
    compare(LANGUAGE.pingpong, inspect.signature(LANGUAGE.pingpong).bind(LANGUAGE.U, 100))
    with pytest.raises(srcad.SrcadError):
        gradient.source_for(LANGUAGE.U, 601)


def imports_from_scipy(K, y):
    from scipy.linalg import inv, solve_triangular
    from scipy.special import logsumexp as lse, softmax

    L = np.linalg.cholesky(K @ K.T + np.eye(2))
    a = solve_triangular(L, y, lower=True)
    return a @ a + lse(y) * softmax(y)[0] + inv(K).sum()


def test_imports_inside_are_imports_of_the_generated_code():
    gradient, K, y = srcad.grad(imports_from_scipy), np.array([[2.0, 0.3], [0.1, 1.5]]), np.array([0.4, -0.7])
    gradient.check(K, y)
    text = gradient.source_for(K, y)
    assert "from scipy.linalg import solve_triangular\n" in text and "from scipy.special import logsumexp as lse\n" in text
    assert text.count("def ") == 1


def imports_a_library_by_its_own_name(L, b):
    import scipy.linalg as sl

    y = sl.solve_triangular(L, b, lower=True)
    return y @ y


def test_a_library_has_the_name_that_the_function_gives_it():
    gradient, L, b = srcad.grad(imports_a_library_by_its_own_name), np.array([[2.0, 0.0], [0.1, 1.5]]), np.array([0.4, -0.7])
    gradient.check(L, b)
    text = gradient.source_for(L, b)
    assert "import scipy.linalg as sl\n" in text and "db = sl.solve_triangular(L, dy, trans=1, lower=True)\n" in text and "np.outer(db, y)" in text
