"""Small passes from block to block: dead code, single-use names folded back, branches with one test joined.

    t = np.tanh(x)          y = np.sum(np.tanh(x) * w)
    p = t * w          ->
    y = np.sum(p)

After them the forward half reads like the user's code, split only where the
backward pass needs a value.
"""
from __future__ import annotations

import ast
from collections import Counter
from collections.abc import Callable, Iterable

from srcad.ir import Assign, Block, Effect, If, Return, Statement, Store, Unpack, Update, expressions, map_expressions, targets
from srcad.syntax import is_path, name, names, operations, same, substitute

LONG_EXPRESSION = 3  # what the backward half takes over from the forward half may hold so many operations


def reads(statement: Statement) -> Counter[str]:
    """The names that a statement reads, with how often."""
    counts: Counter[str] = Counter()
    for expr in expressions(statement):
        counts.update(names(expr))
    if isinstance(statement, If):
        for inner in (*statement.body, *statement.orelse):
            counts.update(reads(inner))
    return counts


def bound(statement: Statement) -> tuple[str, ...]:
    """The names that a statement binds, in its blocks too."""
    if isinstance(statement, If):
        return tuple(t for inner in (*statement.body, *statement.orelse) for t in bound(inner))
    return targets(statement)


def drop_dead(block: Block, keep: Callable[[Statement], bool]) -> Block:
    """Remove assignments that nothing reads, apart from those to be kept for what they do.

    A dead assignment whose statement must run stays as it is; `keep` says which.
    """
    live: set[str] = set()
    out: list[Statement] = []
    for statement in reversed(block):
        bindings = bound(statement)
        is_effect = isinstance(statement, Return) or not bindings and not isinstance(statement, Effect)
        if is_effect or keep(statement) or any(t in live for t in bindings) or scatters_into(statement, live):
            if isinstance(statement, (Assign, Unpack)):
                live.difference_update(bindings)
            live.update(reads(statement))
            out.append(statement)
    return tuple(reversed(out))


def scatters_into(statement: Statement, live: set[str]) -> bool:
    """`np.add.at(dx, index, dz)` is alive if dx is."""
    match statement:
        case Effect(ast.Call(args=[ast.Name(id=identifier), *_])):
            return identifier in live
    return False


def fold(block: Block, is_temporary: Callable[[str], bool], may_move: Callable[[Assign, Statement], bool]) -> Block:
    """Put temporaries that are read once back into the expression that reads them.

    `may_move(definition, user)` says whether the definition may be computed where the user stands.
    """
    counts: Counter[str] = Counter()
    user_of: dict[str, Statement] = {}
    definitions: Counter[str] = Counter()
    for statement in block:
        for identifier, count in reads(statement).items():
            counts[identifier] += count
            user_of[identifier] = statement
        definitions.update(bound(statement))
    pending: dict[str, ast.expr] = {}
    out: list[Statement] = []
    for statement in block:
        ready = {n: pending.pop(n) for n in set(reads(statement)) & pending.keys()}
        changed = map_expressions(statement, lambda e: substitute(e, ready)) if ready else statement
        if isinstance(changed, Assign) and is_temporary(changed.target) and definitions[changed.target] == 1:
            once = counts[changed.target] == 1 or is_path(changed.expr)
            if once and counts[changed.target] and may_move(changed, user_of[changed.target]):
                if counts[changed.target] == 1:
                    pending[changed.target] = changed.expr
                    continue
        out.append(changed)
    return tuple(out)


def join_branches(block: Block) -> Block:
    """Neighbours with the same condition become one `if`.

    dz = 2.0 if z >= w else 0.0         if z >= w:
    dw = 0.0 if z >= w else 2.0    ->       dz = 2.0
                                            dw = 0.0
                                        else: ...
    """
    out: list[Statement] = []
    run: list[Statement] = []
    for statement in [*block, None]:
        if run and (statement is None or not joins(run, statement)):
            out.extend(branched(run))
            run = []
        if statement is not None:
            if condition(statement) is not None:
                run.append(statement)
            else:
                out.append(statement)
    return tuple(out)


def condition(statement: Statement) -> ast.expr | None:
    match statement:
        case Assign(_, ast.IfExp(test=test)) | Update(ast.Name(), _, ast.IfExp(test=test)):
            return test
    return None


def joins(run: list[Statement], statement: Statement) -> bool:
    """Whether a statement belongs to a run: the same test, of which nothing has changed."""
    test, first = condition(statement), condition(run[0])
    changed = {t for s in run for t in bound(s)}
    return test is not None and first is not None and same(test, first) and not changed & set(names(test)) and statement.loc == run[0].loc


def branched(run: list[Statement]) -> Iterable[Statement]:
    if len(run) == 1:
        return run
    test = condition(run[0])
    assert test is not None
    return [If(test, tuple(branch(run, True)), tuple(branch(run, False)), run[0].loc)]


def branch(run: list[Statement], taken: bool) -> Iterable[Statement]:
    for statement in run:
        assert isinstance(statement, (Assign, Update)) and isinstance(statement.expr, ast.IfExp)
        chosen = statement.expr.body if taken else statement.expr.orelse
        if isinstance(statement, Update) and isinstance(chosen, ast.Constant) and chosen.value == 0:
            continue
        if isinstance(statement, Assign):
            yield Assign(statement.target, chosen, statement.loc)
        else:
            yield Update(statement.target, statement.op, chosen, statement.loc)


def short(expr: ast.expr) -> bool:
    return operations(expr) <= LONG_EXPRESSION


__all__ = ["Store", "drop_dead", "fold", "join_branches", "name", "reads", "short"]
