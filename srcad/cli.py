"""The command line: `srcad show|check|export|graph|explain|explore FILE.py:FUNCTION`.

    srcad show circuits.py:staged              the generated gradient, for floats
    srcad show circuits.py:staged --args 3 -4  for arguments of these kinds
    srcad check circuits.py:staged --args 3 -4
    srcad export circuits.py:staged -o staged_grad.py
    srcad graph circuits.py:staged --args 3 -4 -o staged.svg
    srcad explain circuits.py:staged --args 3 -4
    srcad explore circuits.py:staged --args 3 -4 -o staged.html
"""
from __future__ import annotations

import argparse
import ast
import importlib.util
import pathlib
import sys
from collections.abc import Sequence
from typing import Any

import numpy as np

from srcad.api import Gradient
from srcad.callables import floats_for
from srcad.dispatch import bind
from srcad.errors import SrcadError


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the command. Returns 0, or 1 where srcad refuses or a gradient is not right."""
    options = parser().parse_args(arguments)
    try:
        names = tuple(options.wrt.split(","))
        gradient = find(options.function, None if not options.wrt else names if len(names) > 1 else options.wrt)
        args = [value(text) for text in options.args] if options.args is not None else floats_for(gradient.target, gradient.bound)
        require_fit(gradient, args)
        COMMANDS[options.command](gradient, args, options)
    except (SrcadError, OSError) as problem:
        print(f"srcad: {problem}", file=sys.stderr)
        return 1
    return 0


def require_fit(gradient: Gradient, args: Sequence[Any]) -> None:
    """Raise SrcadError where the function does not take so many arguments."""
    try:
        bind(gradient.target, (*gradient.bound, *args), {})
    except TypeError as problem:
        raise SrcadError(str(problem)) from None


def parser() -> argparse.ArgumentParser:
    main_parser = argparse.ArgumentParser(prog="srcad", description="The backward pass of a NumPy function, as Python source.")
    commands = main_parser.add_subparsers(dest="command", required=True, metavar="COMMAND")
    for name, text in PURPOSES.items():
        command = commands.add_parser(name, help=text, description=text)
        command.add_argument("function", metavar="FILE.py:FUNCTION", help="where the function stands")
        command.add_argument("--args", nargs="*", metavar="VALUE", help="arguments, as Python literals; `zeros(2,3)` and `randn(2,3)` make arrays; floats by default")
        command.add_argument("--wrt", default="", metavar="NAMES", help="the parameters to differentiate by, with commas")
        if name == "show":
            command.add_argument("--staged", action="store_true", help="the staged program: one operation a line")
            command.add_argument("--pair", action="store_true", help="the forward and backward functions")
        if name == "export":
            command.add_argument("-o", "--output", required=True, metavar="FILE", help="the file to write")
        if name == "explore":
            command.add_argument("-o", "--output", metavar="FILE", help="the page to write: FUNCTION.html without it")
        if name == "graph":
            command.add_argument("-o", "--output", metavar="FILE", help="the file to write: .svg, .png, .pdf, .dot, .mmd or .md; without it, DOT text is printed")
            command.add_argument("--mermaid", action="store_true", help="print Mermaid text")
            command.add_argument("--fold", default=None, metavar="NAMES", help="groups to draw as one node, with commas; `all` for each of them")
            command.add_argument("--steps", action="store_true", help="step by step: a file, or a text, for each")
    return main_parser


def show(gradient: Gradient, args: list[Any], options: argparse.Namespace) -> None:
    text = gradient.staged if options.staged else gradient.source_for(*args, pair=options.pair)
    print(highlighted(text) if sys.stdout.isatty() else text, end="")


def check(gradient: Gradient, args: list[Any], options: argparse.Namespace) -> None:
    gradient.check(*args)
    print(f"{gradient.target.__name__}: the gradient agrees with finite differences.")


def export(gradient: Gradient, args: list[Any], options: argparse.Namespace) -> None:
    gradient.export(options.output, *args)
    print(f"wrote {options.output}")


def graph(gradient: Gradient, args: list[Any], options: argparse.Namespace) -> None:
    made = gradient.graph(*args)
    if options.fold is not None:
        made = made.folded(*(options.fold.split(",") if options.fold != "all" else ()))
    if options.steps:
        made = made.steps()
    if options.output:
        made.save(options.output)
        print(f"wrote {options.output}")
    else:
        print(made.mermaid if options.mermaid else made.dot, end="")


def explain(gradient: Gradient, args: list[Any], options: argparse.Namespace) -> None:
    print(gradient.explain(*args))


def explore(gradient: Gradient, args: list[Any], options: argparse.Namespace) -> None:
    path = options.output or f"{gradient.target.__name__}.html"
    gradient.explore(*args).save(path)
    print(f"wrote {path}")


COMMANDS = {"show": show, "check": check, "export": export, "graph": graph, "explain": explain, "explore": explore}
PURPOSES = {
    "show": "print the generated source", "check": "compare the gradient with finite differences", "export": "write the module to a file",
    "graph": "draw the computation graph, with values and gradients", "explain": "tell line by line the value, the local derivative and the gradient",
    "explore": "write a page: the function beside its backward pass, line by line and step by step, and the graph",
}


def find(where: str, wrt: str | tuple[str, ...] | None) -> Gradient:
    """The gradient of the function that FILE.py:FUNCTION names; one that is decorated already is taken as it is."""
    path, _, name = where.rpartition(":")
    file = pathlib.Path(path)
    if not path or not name:
        raise SrcadError(f"`{where}` must be FILE.py:FUNCTION.")
    if not file.is_file():
        raise SrcadError(f"there is no file {path}.")
    spec = importlib.util.spec_from_file_location(file.stem, file)
    if spec is None or spec.loader is None:
        raise SrcadError(f"{path} is not a Python file.")
    module = importlib.util.module_from_spec(spec)
    sys.modules.setdefault(file.stem, module)
    sys.path.insert(0, str(file.resolve().parent))
    spec.loader.exec_module(module)
    found: Any = module
    for part in name.split("."):
        if not hasattr(found, part):
            raise SrcadError(f"{path} has no `{name}`.")
        found = getattr(found, part)
    if isinstance(found, Gradient):
        return found if wrt is None else Gradient(found.function, wrt)
    return Gradient(found, wrt)


def value(text: str) -> Any:
    """An argument: a Python literal, `zeros(2,3)`, `ones(3)` or `randn(2,3)`; lists of numbers stay lists."""
    name, bracket, rest = text.partition("(")
    makers = {"zeros": np.zeros, "ones": np.ones, "randn": lambda shape: np.random.default_rng(0).standard_normal(shape)}
    try:
        if bracket and name in makers:
            shape = ast.literal_eval("(" + rest.rstrip(")") + ",)")
            return makers[name](shape)
        if bracket and name == "array":
            return np.array(ast.literal_eval(rest.rstrip(")")))
        return ast.literal_eval(text)
    except (ValueError, SyntaxError):
        raise SrcadError(f"`{text}` is not an argument: give a Python literal, or zeros(...), ones(...), randn(...), array(...).") from None


def highlighted(text: str) -> str:
    """The text in colour, if Pygments is installed."""
    try:
        from pygments import highlight
        from pygments.formatters import TerminalFormatter
        from pygments.lexers import PythonLexer
    except ImportError:
        return text
    return str(highlight(text, PythonLexer(), TerminalFormatter()))
