"""Every exception of srcad, and how one looks.

    examples/cell.py:12: srcad cannot differentiate `np.histogramdd(x)`
        counts, edges = np.histogramdd(x)
                        ^^^^^^^^^^^^^^^^^^
    no rule is known for it. Give one with @srcad.rule(np.histogramdd).

Where, what was expected, what came, what to do.
"""
from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from srcad.ir import Location


class SrcadError(Exception):
    """Base of every error that srcad raises on purpose.

    Attributes
    ----------
    reason : str
        One sentence or two without a location.
    location : srcad.ir.Location or None
        The place in the user's program.
    what : str
        The expression or function that it is about; empty where there is none.
    """

    def __init__(self, reason: str, location: Location | None = None, what: str = "") -> None:
        super().__init__(reason)
        self.reason = reason
        self.location = location
        self.what = what

    def __str__(self) -> str:
        return describe(self.reason, self.location, self.what)


class UnsupportedSyntaxError(SrcadError, SyntaxError):
    """A statement or expression that srcad does not differentiate. Also a SyntaxError, so Python prints the caret."""

    def __init__(self, reason: str, location: Location | None = None, what: str = "") -> None:
        SrcadError.__init__(self, reason, location, what)
        self.msg = f"srcad cannot differentiate `{what}`: {reason}" if what else reason
        if location is not None:
            self.filename, self.lineno = location.file, location.line
            self.offset, self.text = location.column + 1, location.source_line + "\n"
            if location.end_line == location.line:
                self.end_lineno, self.end_offset = location.line, location.end_column + 1


class MissingRuleError(SrcadError):
    """No derivative rule is known for a function that active values reach."""


class AliasError(SrcadError):
    """Arguments share memory with one another and the program writes into it."""


class SeedError(SrcadError, ValueError):
    """The adjoint given to a pullback, or the result that a gradient needs, has the wrong structure, shape or dtype."""


class GradientMismatchError(SrcadError, AssertionError):
    """A gradient and finite differences of the function disagree. Both figures are in the text."""


def describe(reason: str, location: Location | None, what: str) -> str:
    """The text of an error: place, statement, caret, reason."""
    if location is None:
        return f"srcad cannot differentiate `{what}`: {reason}" if what else reason
    head = f"{location.file}:{location.line}: srcad cannot differentiate `{what or location.text.partition(chr(10))[0]}`"
    line = location.source_line
    indent = len(line) - len(line.lstrip())
    width = max(1, (location.end_column if location.end_line == location.line else len(line)) - location.column)
    caret = " " * (location.column - indent) + "^" * width
    return f"{head}\n    {line.strip()}\n    {caret}\n{reason}"
