"""Both halves made short: dead code out, single uses folded back, branches joined.

    t = np.tanh(x); y = np.sum(t)    ->    y = np.sum(np.tanh(x))
"""
from __future__ import annotations

import ast
import dataclasses
import sys
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence

import numpy as np

from srcad.carried import Carried
from srcad.centred import Centring
from srcad.choices import Choices
from srcad.coalesce import coalesced
from srcad.dims import Dim, dim_of, known_nonnegative
from srcad.filled import Filling
from srcad.displays import Displays
from srcad.economy import doubled, in_place, met_once, plainer, put, said_negated, signed, zeroed_once
from srcad.heads import Heads
from srcad.idioms import Idioms, at_once, counters, numberings
from srcad.ir import UNPLACED, Assign, Block, Break, Effect, For, If, Location, Raise, Statement, While, With, blocks, expressions, map_block, walk, with_blocks
from srcad.kinds import Number, is_double, is_floating
from srcad.inverses import Inverses
from srcad.methods import Methods
from srcad.outers import Outers
from srcad.render import function_path
from srcad.request import Request
from srcad.respell import Respelling, said_once
from srcad.reverse import Reverse
from srcad.scaling import Scaling, as_written
from srcad.simplify import DeadCode, Folding, join_branches, popped, short, summed, taken_at_once, unused_counters
from srcad.uses import bound, header_reads, remembered, touched
from srcad.surgery import ADJOINT
from srcad.syntax import call, children, const, expression, names, names_always, nodes, root_of
from srcad.walk import ENTRY, VALUE, Walk
from srcad.wholes import Wholes

MARK = Effect(const(None), Location("", -5, 0, 0, 0, "", ""))  # between the forward half and the backward half


class Tidying:
    """Removes what nothing reads, and folds back what is read once."""

    state: Walk
    request: Request
    reverse: Reverse
    returned: Sequence[str] = ()  # the arrays that leave
    several: Collection[str] = ()  # names of several values, of different shapes

    def simplified(self, forward: Block, backward: Block, kept: ast.expr | None) -> tuple[Block, Block]:
        """Dead code out, copies joined, single uses folded, branches joined."""
        value = (Effect(kept, VALUE),) if kept is not None else ()
        self.groups = self.memory_groups()
        block = self.live((*forward, *value, MARK, *backward), forward)
        read_last = value if self.request.mode == "value_and_grad" else ()
        if any(blocks(s) for s in block):
            block = self.joined(block, read_last)
        elif any(isinstance(s, Assign) and isinstance(s.expr, ast.Name) for s in backward):
            block = self.without_copies(block, read_last)
        forward, rest = halves(self.folded(block))
        own = frozenset(self.state.kinds) | frozenset(t for s in forward for t in bound(s))
        unset = dict.fromkeys(maybe_unset(forward, set(self.parameter_names()), own))
        forward = (*(Assign(n, const(None), UNPLACED) for n in unset), *forward)
        return self.shortened(forward), self.reworded(forward, rest)

    def joined(self, block: Block, read_last: Block) -> Block:
        """One name for values that never live at once, sums begun with their first terms; read_last: what is read at the end of all."""
        block = backward_changed(block, lambda b: self.summed(taken_at_once(put(b)), arrays=False))
        return backward_changed(self.without_copies(block, read_last), self.summed)

    def without_copies(self, block: Block, read_last: Block) -> Block:
        forward = {t for s in walk(halves(block)[0]) for t in bound(s)}
        block, joined = coalesced((*block[:-1], *read_last, block[-1]), self.state.user_names, self.parameter_names(), self.adjoint_names(), forward, self.returned, self.is_plain)
        self.several = {one for old, one in joined.items() if self.sizes(old) != self.sizes(one)}
        self.state.lists.update({one: self.state.lists[old] for old, one in joined.items() if old in self.state.lists})
        return (*block[: -1 - len(read_last)], block[-1])

    def folded(self, block: Block) -> Block:
        """What is read once where it is read, what is computed twice once."""
        user_names = self.state.user_names | {self.request.title}
        adjoint_names = self.adjoint_names() - self.reverse.foldable
        whole = user_names | adjoint_names | self.reverse.labelled
        acting = self.state.impure | self.state.raising

        def is_temporary(identifier: str) -> bool:
            return identifier not in whole and not identifier.startswith("adjoints")

        block = Respelling(lambda n: is_temporary(n) and n not in acting, self.kind_of).apply(block)
        block = backward_changed(block, lambda b: said_once(doubled(b), is_temporary))
        self.in_forward = {id(s) for s in walk(halves(block)[0])}
        block = Folding(is_temporary, self.may_move, self.sharing).apply(block)
        self.kept = next((expressions(s)[0] for s in block if s.loc is VALUE), const(None))
        return tuple(s for s in block if s.loc is not VALUE)

    def reworded(self, forward: Block, rest: Block) -> Block:
        """The backward half in NumPy's quicker words: loops that only add up, fill or transpose done at once."""
        rest = map_block(rest, plainer)
        if not self.request.plain:
            rest = Scaling(self.is_array, self.is_plain).apply(rest)
        carried = Carried(self.state.namer.temporary, self.either_kind, self.state.facts)
        rest = in_place(zeroed_once(put(met_once(rest if self.request.plain else carried.added_at_once(rest)))))
        if not self.request.plain:  # a loop with lists of arrays would be written out there
            rest = carried.apply(rest)
            rest = Wholes(self.shape).apply(Outers(self.state.namer.temporary, self.shape, self.matrix, self.request.backend != "numpy").apply(rest))
            rest = Filling(self.either_kind, self.shape).apply(rest)
            if not any(k.dtype == np.float32 for k in self.reverse.kinds.values()):  # of float32 numbers alone an array would be one of float32
                rest = Displays(self.state.facts, self.either_kind, self.shape).apply(rest)
            rest = map_block(Inverses(self.rank).apply(rest), self.methods().visit)
            rest = map_block(at_once(rest), self.idioms(numberings(forward, rest), counters((*forward, *rest)) - {*self.parameter_names()}).visit)
        return unused_counters(join_branches(tuple(map(signed, said_negated(Choices(self.rank).apply(rest))))), self.state.idle)

    def shortened(self, forward: Block) -> Block:
        """The forward half in NumPy's quicker words."""
        if self.request.plain:
            return forward
        centred = as_written(Centring(self.state.facts, self.is_floating).apply(forward))
        return map_block(centred, self.methods().visit)

    def headed(self, block: Block, out: Iterable[str] = ()) -> Block:
        """A block as it is written, its loops over arrays as such; out: what is read after it."""
        return block if self.request.plain else Heads(self.is_array, self.is_vector).apply(block, out)

    def matrix(self, row: str, rows: ast.expr) -> ast.expr | None:
        """A new matrix with so many rows, each as long as a vector of float64; None where that is not to be had."""
        kind, made = self.either_kind(row), dim_of(rows, self.state.facts)
        if kind is None or kind.form != "array" or not is_double(kind.dtype) or kind.shape is None or len(kind.shape) != 1 or "?" in kind.shape[0].key:
            return None
        if made is None or not known_nonnegative(made) and (made.value is None or made < 0):
            return None
        return call(function_path(np.empty, self.state.facts), [ast.Tuple(elts=[rows, kind.shape[0].expr], ctx=ast.Load())])

    def methods(self) -> Methods:
        return Methods(self.state.facts.modules.get("numpy", ""), self.is_array)

    def summed(self, block: Block, arrays: bool = True) -> Block:
        """The backward half with the first two contributions of an adjoint as one line, inside its loops and branches."""
        kinds = self.reverse.kinds
        return tuple(with_blocks(s, lambda b: summed(b, lambda n: n in kinds and kinds[n].is_plain, arrays)) if blocks(s) else s for s in block)

    def parameter_names(self) -> tuple[str, ...]:
        return tuple(self.state.parameters)

    def adjoint_names(self) -> set[str]:
        """The names of what is written down in any case."""
        return set(self.reverse.allotted.values())

    def idioms(self, held: Mapping[str, str], counted: Collection[str]) -> Idioms:
        logsumexp = getattr(sys.modules.get("scipy.special"), "logsumexp", None)
        used = logsumexp is not None and any(op.function is logsumexp for op in self.reverse.operations)
        return Idioms(self.state.facts, (lambda path: self.named(path) is logsumexp) if used else None, self.rank, held, counted, self.are_alike, self.is_float)

    def named(self, path: ast.expr) -> object:
        """What a dotted path means in the module of the program."""
        if isinstance(path, ast.Attribute):
            return getattr(self.named(path.value), path.attr, None)
        return self.request.function.__globals__.get(path.id) if isinstance(path, ast.Name) and path.id not in self.state.bound else None

    def rank(self, identifier: str) -> int | None:
        """How many dimensions a name has that is an array for certain."""
        shape = self.shape(identifier)
        return None if shape is None else len(shape)

    def are_alike(self, one: str, two: str) -> bool:
        """Whether two names are single numbers, or arrays of one shape, for certain."""
        return self.is_plain(one) is True and self.is_plain(two) is True or self.sizes(one) is not None and self.sizes(one) == self.sizes(two)

    def is_float(self, identifier: str) -> bool:
        """Whether a name is a float or an array of floats for certain."""
        kind = self.either_kind(identifier)
        return kind is not None and kind.dtype is not None and kind.dtype.kind == "f"

    def is_plain(self, identifier: str) -> bool | None:
        """Whether a name is a single number; None where that is not known."""
        kind = self.either_kind(identifier)
        return None if kind is None or kind.form == "unknown" else kind.is_plain

    def is_array(self, identifier: str) -> bool:
        """Whether a name is an array for certain."""
        kind = self.either_kind(identifier)
        return kind is not None and kind.form == "array"

    def picking(self) -> set[str]:
        """The names of masks and arrays of whole numbers, with which elements are picked one by one."""
        candidates = {*self.state.kinds, *(p for p, ref in self.state.parameters.items() if isinstance(ref.value, Number))} - {*self.several}
        meshes = {n.removesuffix("[0]") for n, kind in self.state.kinds.items() if n.endswith("[0]") and kind.form == "array" and kind.is_whole}  # of np.ix_
        return meshes | {n for n in candidates if (kind := self.kind_of(n)) is not None and kind.form == "array" and kind.shape and kind.is_whole}

    def is_vector(self, identifier: str) -> bool:
        """Whether a name of the forward half is a vector of float64 numbers, in memory that nothing changes, of which loops may take Python's floats."""
        kind = self.kind_of(identifier)
        if kind is None or kind.form != "array" or not is_double(kind.dtype) or kind.shape is None or len(kind.shape) != 1 or self.request.backend != "numpy":
            return False
        return kind.place is not None and not self.state.is_written(kind.place)

    def is_floating(self, identifier: str) -> bool:
        """Whether a name of the forward half is an array of float32 or float64, in memory that nothing changes."""
        kind = self.kind_of(identifier)
        return kind is not None and kind.form == "array" and is_floating(kind.dtype) and identifier not in self.groups

    def shape(self, identifier: str) -> tuple[Dim, ...] | None:
        """The shape of an array, where it is known."""
        kind = self.either_kind(identifier)
        return kind.shape if kind is not None and kind.form == "array" else None

    def either_kind(self, identifier: str) -> Number | None:
        """What is known of a name, of either half."""
        return self.one_shape(identifier, self.reverse.kinds.get(identifier)) or self.kind_of(identifier)

    def sizes(self, identifier: str) -> tuple[str, ...] | None:
        """The dimensions of an array, to compare."""
        shape = self.shape(identifier)
        return tuple(d.key for d in shape) if shape is not None else None

    def one_shape(self, identifier: str, kind: Number | None) -> Number | None:
        """What is known of a name, but for its shape where it has become that of several values: arrays that a loop makes longer or shorter."""
        return dataclasses.replace(kind, shape=None) if kind is not None and kind.shape and identifier in self.several else kind

    def kind_of(self, identifier: str) -> Number | None:
        """What is known of a name of the forward half."""
        parameter = self.state.parameters.get(identifier)
        kind = parameter.value if parameter is not None and isinstance(parameter.value, Number) else self.state.kinds.get(identifier)
        return self.one_shape(identifier, kind)

    def memory_groups(self) -> dict[str, set[str]]:
        """For each name that lies in memory that is changed, the names that may lie in the same."""
        groups: dict[str, set[str]] = {}
        if not self.state.knowledge.written:
            return groups
        for identifier, kind in self.state.kinds.items():
            if kind.place is None:
                continue
            roots = [b.root for b in kind.place.buffer.family() if b.root is not None]
            together = {identifier, root_of(expression(identifier)), *(r.key for r in roots), *(root_of(r.expr) for r in roots)} - {""}
            merged = set().union(together, *(groups.get(n, ()) for n in together))
            groups.update(dict.fromkeys(merged, merged))
        return groups

    def sharing(self, identifier: str) -> Iterable[str]:
        """The names that may lie in the same memory."""
        return self.groups.get(identifier, ())

    def lasting(self, identifier: str) -> bool:
        """Whether a name's memory may be the caller's."""
        kind = self.state.kinds.get(identifier)
        if identifier in self.state.parameters:
            return True
        return kind is not None and kind.place is not None and any(b.external for b in kind.place.buffer.family())

    def live(self, block: Block, first: Block) -> Block:
        forward = {id(s) for s in walk(first)}

        def keep(statement: Statement) -> bool:
            if id(statement) not in forward and statement.loc.file == ADJOINT:
                return True
            if id(statement) not in forward:
                return statement.loc is VALUE or statement is MARK
            if isinstance(statement, Effect):
                return not is_append(statement) and not self.grows_list(statement)
            return isinstance(statement, Assign) and (statement.target in self.state.impure or statement.target in self.state.raising - self.reverse.mirrored)

        block = DeadCode(keep, self.sharing, self.lasting).apply(block)
        entered = {s.target for s in block if s.loc is ENTRY and isinstance(s, Assign)}
        read = {n for s in walk(block) if s.loc is not ENTRY for e in expressions(s) for n in values_read(e)} if entered else set()
        return tuple(s for s in block if not (s.loc is ENTRY and isinstance(s, Assign) and s.target not in read))

    def needed(self, backward: Block, end: Statement) -> Block:
        """The backward half, as it comes, without what its end does not need: nothing is kept for that."""
        self.groups = self.memory_groups()
        return self.live((*backward, end), ())[:-1]

    def grows_list(self, statement: Effect) -> bool:
        """Whether a statement appends to a list of the program's, which matters only if that is read."""
        match statement.expr:
            case ast.Call(func=ast.Attribute(value=ast.Name(id=label), attr="append")):
                return label in self.state.lists
        return False

    def may_move(self, definition: Assign, origin: Statement, user: Statement, between: list[Statement]) -> bool:
        """A single-use temporary goes back where it came from; into the backward half only if it is short, and pure."""
        state = self.state
        here = (definition.loc.line, definition.loc.index) == (user.loc.line, user.loc.index)
        here = here or isinstance(user, If) and (definition.loc.file, definition.loc.line) == (user.loc.file, user.loc.line)  # `while test:`
        target = definition.target
        if popped(definition.expr) & header_reads(user).keys():
            return False  # the rest of the line reads the list before what is taken from it
        if holds_comprehension(user):
            return False  # what stands there is computed many times
        if (target in state.impure or popped(definition.expr)) and not any(target in names_always(e) for e in expressions(user)):
            return False  # what stands there is not computed on every path
        if target in state.impure:
            emptied = popped(definition.expr)
            if emptied and (id(origin) in self.in_forward) != (id(user) in self.in_forward) or any(emptied & touched(s) for s in between):
                return False  # others ask how long the list is, or read its last item
            return here and not any(t in state.impure for s in between for t in bound(s))
        if id(origin) in self.in_forward and id(user) in self.in_forward or user.loc is VALUE:
            return here or (target not in state.raising and short(definition.expr)) or user.loc is VALUE
        if id(origin) in self.in_forward:
            return target not in state.raising and short(definition.expr)
        return short(definition.expr)


def halves(block: Block) -> tuple[Block, Block]:
    """What stands before the mark, and what after it."""
    at = block.index(MARK)
    return block[:at], block[at + 1 :]


def backward_changed(block: Block, change: Callable[[Block], Block]) -> Block:
    """A block with what follows the mark changed."""
    forward, rest = halves(block)
    return (*forward, MARK, *change(rest))


def maybe_unset(block: Block, known: set[str], own: frozenset[str]) -> Iterator[str]:
    """The names of our own that are handed on where paths meet, or kept, though not every path has given them a value. `known` grows."""
    for statement in block:
        if statement.loc is UNPLACED and isinstance(statement, (Assign, Effect)):
            yield from (n for n in names(statement.expr) if n in own and n not in known)
        match statement:
            case If(_, body, orelse):
                arms = [set(known), set(known)]
                yield from maybe_unset(body, arms[0], own)
                yield from maybe_unset(orelse, arms[1], own)
                ends = [isinstance(b[-1] if b else None, (Break, Raise)) for b in (body, orelse)]
                known |= arms[0] if ends[1] else arms[1] if ends[0] else arms[0] & arms[1]
            case For(target, _, body) | While(_, target, body):
                inner = known | ({target} if isinstance(target, str) else set())
                yield from maybe_unset(body, inner, own)
            case With(_, body):
                yield from maybe_unset(body, known, own)
            case _:
                known.update(bound(statement))


@remembered
def holds_comprehension(statement: Statement) -> bool:
    return any(isinstance(n, ast.ListComp) for e in expressions(statement) for n in nodes(e))


def is_append(statement: Effect) -> bool:
    """Whether a statement keeps a value for the backward pass."""
    match statement.expr:
        case ast.Call(func=ast.Attribute(value=ast.Name(), attr="append")):
            return statement.loc is UNPLACED
    return False


def values_read(node: ast.AST, parts: Sequence[str] = ("shape", "ndim", "size")) -> Iterator[str]:
    """The variables of which an expression reads the value, not only the shape."""
    if isinstance(node, ast.Name):
        yield node.id
    elif isinstance(node, ast.Attribute) and node.attr in parts and isinstance(node.value, ast.Name):
        return
    elif not (isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.func.id == "len" and "ndim" in parts):
        for child in children(node):
            yield from values_read(child, parts)
