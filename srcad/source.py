"""From a function object to its syntax tree, as it stands in the file that it was compiled from.

What is found is compiled again and compared with the function's own code: where
the file has changed since, or another function stands in its place, the
function is refused rather than misread.
"""
from __future__ import annotations

import ast
import dis
import functools
import inspect
import linecache
import textwrap
import types
from collections.abc import Iterator
from dataclasses import dataclass, field

from srcad.errors import UnsupportedSyntaxError
from srcad.ir import Location
from srcad.syntax import MODULE_NAMES

FunctionTree = ast.FunctionDef | ast.Lambda


@dataclass(frozen=True)
class Source:
    """The tree of a function, with positions counted in its file."""

    tree: FunctionTree
    file: str
    lines: tuple[str, ...]
    texts: dict[ast.AST, str] = field(default_factory=dict, compare=False, repr=False)

    def locate(self, node: ast.AST, statement: ast.AST | None = None, index: int = 0) -> Location:
        """Where `node` stands; the text is that of `statement`, the node itself by default."""
        line, end_line = getattr(node, "lineno", None) or 1, getattr(node, "end_lineno", None) or 1
        source_line = self.lines[line - 1].rstrip("\n") if line <= len(self.lines) else ""
        column = len(source_line.encode()[: getattr(node, "col_offset", 0) or 0].decode(errors="ignore"))
        end = self.lines[end_line - 1] if end_line <= len(self.lines) else ""
        end_column = len(end.encode()[: getattr(node, "end_col_offset", 0) or 0].decode(errors="ignore"))
        return Location(self.file, line, column, end_line, end_column, source_line, self.text_of(statement or node), index, statement)

    def text_of(self, statement: ast.AST) -> str:
        """The text of a statement, cut out once."""
        if statement not in self.texts:
            self.texts[statement] = self.segment(statement)
        return self.texts[statement]

    def segment(self, node: ast.AST) -> str:
        """The text of a node as the user wrote it, dedented."""
        first, last = getattr(node, "lineno", 1), getattr(node, "end_lineno", 1)
        rows = [row.rstrip("\n") for row in self.lines[first - 1 : last]]
        if not rows:
            return ""
        start, stop = getattr(node, "col_offset", 0), getattr(node, "end_col_offset", 0)
        rows[-1] = rows[-1].encode()[:stop].decode()
        pad = " " * start
        rows[0] = pad + rows[0].encode()[start:].decode()
        return textwrap.dedent("\n".join(rows)) if len(rows) > 1 else rows[0].strip()


def read(function: types.FunctionType) -> Source:
    """The source of a function, found and proved.

    Raises UnsupportedSyntaxError where there is none, where the file has changed, or where several lambdas on one
    line cannot be told apart.
    """
    return cached_read(function.__code__)


@functools.lru_cache(1024)
def cached_read(code: types.CodeType) -> Source:
    for flag, kind in ((inspect.CO_GENERATOR, "a generator"), (inspect.CO_COROUTINE, "a coroutine"), (inspect.CO_ASYNC_GENERATOR, "a generator")):
        if code.co_flags & flag:
            raise UnsupportedSyntaxError(f"it is {kind}, which has no single result to differentiate. Return the value.", None, code.co_name)
    lines = tuple(linecache.getlines(code.co_filename)) or refreshed_lines(code)
    if not lines:
        raise UnsupportedSyntaxError(
            "its source is not to be had (typed at a prompt, built by exec, or compiled). Put the function into a file or "
            "a notebook cell.", None, code.co_name)
    if code.co_name == "<lambda>":
        return Source(find_lambda(code, lines), code.co_filename, lines)
    for lines in (lines, refreshed_lines(code)):
        for tree in candidates(code, lines):
            if agrees(tree, code):
                return Source(tree, code.co_filename, lines)
    raise UnsupportedSyntaxError(
        f"the file {code.co_filename} has changed since it was loaded. Reload the module, or start Python again.", None, code.co_name)


def refreshed_lines(code: types.CodeType) -> tuple[str, ...]:
    linecache.checkcache(code.co_filename)
    return tuple(linecache.getlines(code.co_filename))


def candidates(code: types.CodeType, lines: tuple[str, ...]) -> Iterator[ast.FunctionDef]:
    """The definition that begins on the code's first line: cut out first, found in the whole file otherwise."""
    tree = cut_out(code, lines)
    if tree is not None:
        yield tree
    try:
        module = ast.parse("".join(lines))
    except SyntaxError:
        return
    for node in ast.walk(module):
        if isinstance(node, ast.FunctionDef) and node.name == code.co_name:
            if min([node.lineno, *(d.lineno for d in node.decorator_list)]) == code.co_firstlineno:
                yield node


def cut_out(code: types.CodeType, lines: tuple[str, ...]) -> ast.FunctionDef | None:
    """Parse only the lines of a definition."""
    first = code.co_firstlineno
    last = max((end for _, end, _, _ in code.co_positions() if end), default=first)
    head = "\n" * (first - 2) + "if 1:\n" if "".join(lines[first - 1 : first])[:1] in (" ", "\t") else "\n" * (first - 1)  # its lines keep their numbers
    for stop in range(last, min(last + 12, len(lines) + 1)):
        try:
            module = ast.parse(head + "".join(lines[first - 1 : stop]))
        except SyntaxError:
            continue
        if not module.body:
            return None
        node = module.body[0].body[0] if isinstance(module.body[0], ast.If) else module.body[0]
        if isinstance(node, ast.FunctionDef) and node.name == code.co_name:
            return node
    return None


def agrees(tree: FunctionTree, code: types.CodeType, positions: bool = False) -> bool:
    """Whether a tree compiles to the very code."""
    found = compiled(tree, code)
    return found is not None and equal_code(found, code) and (not positions or [*found.co_positions()] == [*code.co_positions()])


def compiled(tree: FunctionTree, code: types.CodeType) -> types.CodeType | None:
    """The code of a tree, compiled where its free variables are those of `code`."""
    inner: ast.stmt
    if isinstance(tree, ast.Lambda):
        inner = ast.Expr(value=tree)
    else:
        inner = ast.FunctionDef(tree.name, without_defaults(tree.args), tree.body, [], None, None, **type_params())
    own = [ast.Global(names=[code.co_name])] if code.co_name.isidentifier() and code.co_name not in code.co_freevars else []
    bind: list[ast.stmt] = [*own, *(ast.Assign(targets=[ast.Name(id=v, ctx=ast.Store())], value=ast.Constant(value=None)) for v in code.co_freevars)]
    outer = ast.copy_location(ast.FunctionDef("outer", empty_arguments(), bind, [], None, None, **type_params()), tree)
    imports = [ast.Import(names=[ast.alias(name=n)]) for n in code.co_names if n in MODULE_NAMES]  # Python looks their functions up in another way
    module = ast.fix_missing_locations(ast.Module(body=[*imports, outer], type_ignores=[]))
    outer.body.append(ast.copy_location(inner, tree))  # which has its locations
    flags = code.co_flags & 0x1FF0000  # the __future__ imports in force
    try:
        whole = compile(module, code.co_filename, "exec", flags=flags, dont_inherit=True)
    except (SyntaxError, ValueError):
        return None
    scope = next(c for c in whole.co_consts if isinstance(c, types.CodeType))
    found = [c for c in scope.co_consts if isinstance(c, types.CodeType) and c.co_name == code.co_name]
    return found[0] if found else None


def type_params() -> dict[str, list[ast.AST]]:
    return {"type_params": []} if "type_params" in ast.FunctionDef._fields else {}


def empty_arguments() -> ast.arguments:
    return ast.arguments(posonlyargs=[], args=[], vararg=None, kwonlyargs=[], kw_defaults=[], kwarg=None, defaults=[])


def without_defaults(arguments: ast.arguments) -> ast.arguments:
    """The same parameters, every default None and no annotations: their values are the function object's own."""
    def bare(parameter: ast.arg) -> ast.arg:
        return ast.copy_location(ast.arg(arg=parameter.arg), parameter)

    def none(default: ast.expr) -> ast.expr:
        return ast.copy_location(ast.Constant(value=None), default)

    return ast.arguments(
        posonlyargs=[bare(a) for a in arguments.posonlyargs], args=[bare(a) for a in arguments.args],
        vararg=arguments.vararg and bare(arguments.vararg), kwonlyargs=[bare(a) for a in arguments.kwonlyargs],
        kw_defaults=[d and none(d) for d in arguments.kw_defaults], kwarg=arguments.kwarg and bare(arguments.kwarg),
        defaults=[none(d) for d in arguments.defaults])


def equal_code(a: types.CodeType, b: types.CodeType) -> bool:
    """Whether two code objects do the same, wherever they stand."""
    plain = ("co_names", "co_varnames", "co_freevars", "co_argcount", "co_kwonlyargcount", "co_posonlyargcount")
    if any(getattr(a, field) != getattr(b, field) for field in plain) or len(a.co_consts) != len(b.co_consts):
        return False
    same_instructions = a.co_code == b.co_code or instructions(a) == instructions(b)
    return same_instructions and all(map(equal_constant, a.co_consts, b.co_consts))


def instructions(code: types.CodeType) -> list[tuple[str, str]]:
    """The instructions of a code object, less how a method is looked up: Python chooses by the module's imports."""
    found = []
    for step in dis.get_instructions(code):
        if step.opname in ("PUSH_NULL", "PRECALL", "CACHE", "NOP", "RESUME", "EXTENDED_ARG"):
            continue
        opname = "LOAD_ATTR" if step.opname == "LOAD_METHOD" else step.opname
        jump = step.opcode in dis.hasjrel or step.opcode in dis.hasjabs
        shown = "" if jump or isinstance(step.argval, types.CodeType) else step.argrepr
        found.append((opname, shown.removeprefix("NULL + ").removeprefix("NULL|self + ").removesuffix(" + NULL|self").removesuffix(" + NULL")))
    return found


def equal_constant(a: object, b: object) -> bool:
    if isinstance(a, types.CodeType) and isinstance(b, types.CodeType):
        return equal_code(a, b)
    return type(a) is type(b) and repr(a) == repr(b)


def find_lambda(code: types.CodeType, lines: tuple[str, ...]) -> ast.Lambda:
    """The lambda among those of a file that is this code: by its text, then by its place on the line."""
    try:
        nodes = [n for n in ast.walk(ast.parse("".join(lines))) if isinstance(n, ast.Lambda)]
    except SyntaxError:
        nodes = []
    matching = [n for n in nodes if n.lineno == code.co_firstlineno and agrees(n, code)]
    if len(matching) > 1:
        placed = [n for n in matching if agrees(n, code, positions=True)]
        matching = placed if len(placed) == 1 else matching if len({ast.dump(n) for n in matching}) == 1 else []
        if not matching:
            raise UnsupportedSyntaxError("several lambdas on this line cannot be told apart. Put each on a line of its own.", None, "lambda")
    if not matching:
        raise UnsupportedSyntaxError(f"its source in {code.co_filename} has changed or is not to be had. Use a def in a file.", None, "lambda")
    return matching[0]
