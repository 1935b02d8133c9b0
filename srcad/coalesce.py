"""One name where two never live at once: the copies that branches and loops ask for vanish.

    h_1 = h
    for t in range(n):               for t in range(n):
        h_2 = np.tanh(h_1)     ->        h = np.tanh(h)
        h_1 = h_2
"""
from __future__ import annotations

import ast
import dataclasses
import re
from collections.abc import Callable, Iterable, Iterator

from srcad.ir import UNPLACED, WORD, Assign, Block, Effect, For, Statement, Store, Unpack, Update, blocks, map_expressions, walk, with_blocks
from srcad.live import Live
from srcad.simplify import header_mapped
from srcad.syntax import name, root_of, substitute
from srcad.uses import bound, reads

VERSION = re.compile(r"(_\d+|_)+$")


def coalesced(block: Block, user_names: set[str], parameters: Iterable[str], adjoints: set[str], forward: set[str], returned: Iterable[str] = (),
              is_plain: Callable[[str], bool | None] = lambda _: None) -> tuple[Block, dict[str, str]]:
    """The block with the names of copies joined wherever they never live at once, and what each of these names has become.

    What is returned keeps its name; a single number gets none that is an array's, and what the forward half gives a value (forward) none of an adjoint.
    """
    classes = Classes(block, user_names, tuple(parameters), frozenset(returned), adjoints, is_plain)
    for statement in copies(block, user_names, adjoints, forward.union(parameters)):
        assert isinstance(statement.expr, ast.Name)
        classes.join(statement.target, statement.expr.id)
    changed = classes.renames()
    return renamed(block, changed) if changed else block, changed


def copies(block: Block, user_names: set[str], adjoints: set[str], others: set[str]) -> Iterator[Assign]:
    """`a = b` where the two may be one: what joins paths, a temporary's only name, a temporary that is an adjoint, versions of one adjoint."""
    for statement in walk(block):
        match statement:
            case Assign(target, ast.Name(id=source)):
                joins = statement.loc is UNPLACED or source not in adjoints | user_names and not (target in adjoints and source in others)
                if joins or target in adjoints and source in adjoints and stem(target) == stem(source):
                    yield statement


def stem(identifier: str) -> str:
    """A name without its version: h of h_2 and of h_."""
    return VERSION.sub("", identifier) or identifier


class Classes:
    """Names that have become one, and the names that live at the same time."""

    def __init__(self, block: Block, user_names: set[str], parameters: tuple[str, ...], returned: frozenset[str], adjoints: set[str], is_plain: Callable[[str], bool | None]) -> None:
        self.is_plain = is_plain
        self.user_names, self.parameters, self.returned, self.adjoints = user_names, parameters, returned, adjoints
        self.members: dict[str, set[str]] = {}
        self.meets: dict[str, set[str]] = {}
        live = Live(block)
        for identifier in parameters:
            self.define(identifier, set(live.into) | set(parameters))
        self.visit(block, live)

    def visit(self, block: Block, live: Live) -> None:
        for statement in block:
            after = live.after.get(id(statement), frozenset())
            match statement:
                case Assign(target, ast.Name(id=source)):
                    self.define(target, set(after) - {source})
                case Assign(target):
                    self.define(target, set(after))
                case Unpack(targets):
                    for target in targets:
                        self.define(target, set(after) | set(targets))
                case Update(ast.Name(id=target)):
                    self.define(target, set(after))
                case Store(place) | Update(place) | Effect(ast.Call(func=ast.Attribute(attr="at"), args=[place, *_])):
                    self.define(root_of(place), set(after))  # another name keeps what was there
                case For(target):
                    self.define(target, set(live.head.get(id(statement), frozenset())))
            for inner in blocks(statement):
                self.visit(inner, live)

    def define(self, identifier: str, others: set[str]) -> None:
        self.members.setdefault(identifier, {identifier})
        mine = self.meets.setdefault(identifier, set())
        for other in others - {identifier}:
            mine.add(other)
            self.meets.setdefault(other, set()).add(identifier)

    def join(self, a: str, b: str) -> None:
        one, two = self.members.get(a), self.members.get(b)
        if one is None or two is None or one is two:
            return
        if any(self.meets[m] & two for m in one) or {True, False} <= {self.is_plain(m) for m in one | two}:
            return
        one |= two
        for member in two:
            self.members[member] = one

    def renames(self) -> dict[str, str]:
        changed: dict[str, str] = {}
        for group in {id(g): g for g in self.members.values() if len(g) > 1}.values():
            chosen = min(group, key=self.rank)
            changed |= {m: chosen for m in group if m != chosen}
        return changed

    def rank(self, identifier: str) -> tuple[bool, bool, bool, bool, int, str]:
        return (identifier not in self.parameters, identifier not in self.returned, identifier not in self.user_names, identifier not in self.adjoints,
                len(identifier), identifier)


def renamed(block: Block, changed: dict[str, str]) -> Block:
    replacements = {old: name(new) for old, new in changed.items()}
    out: list[Statement] = []
    for statement in block:
        if changed.keys().isdisjoint(reads(statement)) and changed.keys().isdisjoint(bound(statement)):
            out.append(statement)
            continue
        match statement:
            case Assign(target):
                statement = dataclasses.replace(statement, target=changed.get(target, target))
            case Unpack(targets):
                statement = dataclasses.replace(statement, targets=tuple(changed.get(t, t) for t in targets))
            case For(target):
                statement = dataclasses.replace(statement, target=WORD.sub(lambda word: changed.get(word[0], word[0]), target))
            case Update(ast.Name(id=target)) if target in changed:
                statement = dataclasses.replace(statement, target=name(changed[target]))
        if blocks(statement):
            statement = header_mapped(statement, lambda e: substitute(e, replacements))
            statement = with_blocks(statement, lambda b: renamed(b, changed))
        else:
            statement = map_expressions(statement, lambda e: substitute(e, replacements))
        if not (isinstance(statement, Assign) and isinstance(statement.expr, ast.Name) and statement.expr.id == statement.target):
            out.append(statement)
    return tuple(out)
