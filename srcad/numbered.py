"""Names without the numbers that nothing asks for any more, once it is known which names are left.

    for t in range(n):                        for t in range(n):
        exp_h3 = np.exp(h)                        exp_h = np.exp(h)
        exp_hs.append(exp_h3)         ->          exp_hs.append(exp_h)
    for t in reversed(range(n)):              for t in reversed(range(n)):
        exp_h32 = exp_hs.pop()                    exp_h = exp_hs.pop()
        dh_1_ = exp_h32 * dexp_h3                 dh_prev = exp_h * dexp_h
        dh = dh_1_                                dh = dh_prev

A name is numbered while others have the plain one; most of those are folded away in the end. What the backward half takes from a list is
called as in the forward half, unless the same half reads that too.
"""
from __future__ import annotations

import ast
import itertools
import re
from collections.abc import Collection, Iterable, Iterator, Mapping

from srcad.ir import Assign, Block, For, Statement, While, blocks, walk
from srcad.syntax import BUILTIN_NAMES, Namer
from srcad.uses import bound, reads

VERSION = re.compile(r"_[\d_]*")
PREVIOUS = "_prev"
NUMBERED = re.compile(r"_\d+_*$")


class Renaming:
    """Finds plainer names for those that a namer has handed out.

    fixed: names that stay as they are. adjoints: of each adjoint, the name that it is the adjoint of. again: of each name that the
    backward half has for a value of the forward half, that value's.
    """

    def __init__(self, namer: Namer, fixed: Collection[str], adjoints: Mapping[str, str], again: Mapping[str, str]) -> None:
        self.namer, self.fixed, self.adjoints, self.again = namer, fixed, adjoints, again
        self.used: set[str] = set()
        self.bound: set[str] = set()
        self.read: frozenset[str] = frozenset()
        self.changed: dict[str, str] = {}

    def apply(self, forward: Block, rest: Block, others: Iterable[str], given: Iterable[str] = ()) -> dict[str, str]:
        """The names to change in both halves, with those that take their places; others: what is read besides; given: what gets a value besides."""
        front, behind = mentioned(forward), mentioned(rest) | dict.fromkeys(others)
        self.bound = {*given, *(t for s in (*forward, *rest) for t in bound(s))}
        self.used = {*front, *behind}
        self.read = frozenset(self.used)
        self.carried(rest)
        families = self.families([n for n in front | behind if n in self.used], behind)
        self.used -= {m for owner, members in families.items() for m in members if m != owner or self.is_ours(owner)}
        for owner, members in sorted(families.items(), key=lambda family: self.freedom(family[0])):
            self.settle(owner, members)
        return self.changed if self.keeps_apart(front) and self.keeps_apart(behind) else {}

    def freedom(self, owner: str) -> int:
        """Families that have little choice come first: those of names that stay, then those of names that are gone."""
        return 2 if self.is_ours(owner) else int(owner not in self.used)

    def keeps_apart(self, block: Collection[str]) -> bool:
        """Whether the names of a half stay different, but for what several loops hand on."""
        found = [self.changed.get(n, n) for n in block if not self.changed.get(n, n).endswith(PREVIOUS)]
        return len({*found}) == len(found)

    def carried(self, rest: Block) -> None:
        """What a pass hands on as an adjoint is that of what came before: `dh_prev`."""
        loops: dict[str, list[tuple[str, Statement]]] = {}  # what was named so before -> by what names, in which loops
        for loop in walk(rest):
            for old, new in handed_on(loop) if isinstance(loop, (For, While)) else ():
                inside = self.is_ours(old) and self.adjoints.get(old) not in self.used and not any(old in mentioned((s,)) for s in outside(rest, loop))
                made = f"{new}{PREVIOUS}"
                apart = made in loops and not any(other in mentioned((loop,)) or old in mentioned((there,)) for other, there in loops[made])
                if inside and new in self.adjoints and not NUMBERED.search(new) and (apart or self.may_be(made)):
                    self.used.discard(old)
                    self.change({old: made})
                    loops.setdefault(made, []).append((old, loop))

    def families(self, order: Iterable[str], behind: Collection[str]) -> dict[str, set[str]]:
        """The names that go together, under the name of a value: itself, its adjoint, and what the backward half calls it."""
        twins: dict[str, str] = {}
        for new, old in self.again.items():
            if new in behind and old not in behind and old not in twins.values():
                twins[new] = old
        found: dict[str, set[str]] = {}
        for identifier in order:
            if self.is_ours(identifier) or identifier in twins:
                variable = self.adjoints.get(identifier, "")
                owner = twins.get(identifier) or (variable if identifier.rstrip("_") == f"d{variable}".rstrip("_") else identifier)
                found.setdefault(owner, set()).add(identifier)
        for owner in found:
            if owner in self.used:
                found[owner].add(owner)
        return found

    def settle(self, owner: str, members: set[str]) -> None:
        """Give a family the first names that are free."""
        for candidate in self.candidates(owner):
            wanted = {m: f"d{candidate}" if self.adjoints.get(m) == owner else candidate for m in members}
            if all(new == owner and not self.is_ours(owner) or self.may_be(new) for new in wanted.values()):
                self.change(wanted)
                return
        self.used |= members

    def candidates(self, owner: str) -> Iterator[str]:
        """Names for a value: its base, and that with numbers. A version of a user's name keeps its number where it is there itself."""
        base = self.namer.base(owner)
        if self.is_ours(owner) or owner not in self.used:
            yield base
        if self.is_ours(owner):
            yield from (f"{base}{i}" for i in itertools.count(2))
        yield owner

    def is_ours(self, identifier: str) -> bool:
        """Whether a name was handed out, and is no parameter, import or helper that stands elsewhere too."""
        return identifier in self.namer.bases and identifier not in self.fixed and (identifier in self.bound or identifier not in self.read)

    def may_be(self, identifier: str) -> bool:
        """Whether nothing has a name, now or in the user's program."""
        return identifier not in self.used and identifier not in BUILTIN_NAMES and (identifier in self.namer.bases and identifier not in self.fixed or not self.namer.is_taken(identifier))

    def change(self, wanted: Mapping[str, str]) -> None:
        self.used |= {*wanted.values()}
        self.changed |= {old: new for old, new in wanted.items() if old != new}


def mentioned(block: Block) -> dict[str, None]:
    """The names in a block, in the order in which they come."""
    return dict.fromkeys(n for s in block for n in (*bound(s), *reads(s)))


def handed_on(loop: For | While) -> Iterator[tuple[str, str]]:
    """`dh = dh_1_` at the end of a pass, as (dh_1_, dh)."""
    for statement in reversed(loop.body):
        match statement:
            case Assign(target, ast.Name(id=source)):
                if source.startswith(target) and VERSION.fullmatch(source[len(target):]):
                    yield source, target
            case Assign(_, ast.Constant() | ast.Call(func=ast.Attribute(attr="zeros"))):
                pass  # what begins anew in each pass
            case _:
                return


def outside(block: Block, loop: Statement) -> Iterator[Statement]:
    """The statements beside a loop: where it stands in another, those of that too."""
    for statement in block:
        if statement is loop:
            continue
        if any(s is loop for s in walk((statement,))):
            yield from (inner for b in blocks(statement) for inner in outside(b, loop))
        else:
            yield statement
