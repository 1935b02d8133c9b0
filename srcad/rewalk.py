"""Walk a program again and again, with what each walk has found out, until nothing more turns up.

    s = 0.0                       first: s is a number
    for row in x: s += row        then: an array that is made in the first pass
"""
from __future__ import annotations

from collections.abc import Callable

from srcad.errors import SrcadError, UnsupportedSyntaxError
from srcad.inference import Knowledge
from srcad.kinds import Ref
from srcad.series import Unfilled
from srcad.shadows import every_step, read_by
from srcad.walk import Walk
from srcad.writes import Indexed, Split


def rewalked(knowledge: Knowledge, begun: Callable[[], Walk], run: Callable[[Walk], None]) -> Walk:
    """The state of the walk in which nothing new was found. Raises SrcadError where the program is refused."""
    while True:
        size = knowledge.size()
        state = begun()
        state.knowledge = knowledge
        written_to(state)
        try:
            run(state)
        except SrcadError as problem:
            learnt(state, problem)
            if knowledge.size() == size and not (isinstance(problem, Unfilled) and problem.tells(knowledge)):
                if isinstance(problem, Split):
                    raise UnsupportedSyntaxError(problem.reason, problem.location) from None
                raise
            continue
        learnt(state, None)
        if knowledge.size() == size:
            return state


def written_to(state: Walk) -> None:
    """What comes from outside, and is written to with what is differentiated, is so from the beginning, in wrt or not."""
    def seen(ref: Ref) -> None:
        place = ref.number.place
        if place is not None and place.buffer.site in state.knowledge.active:
            state.active.add(ref.key)

    for ref in state.guards.refs.values():
        seen(ref)
    state.guards.seen = seen


def learnt(state: Walk, problem: SrcadError | None) -> None:
    """What a walk has found out, for the next one: integers that index or count, branches that must be walked apart."""
    unread = state.deciding - {ref.key for step in every_step(state.operations) for ref in read_by(step)} if problem is None else set()
    integral = {path for path in state.integral | unread if path in state.integers} - state.knowledge.integral
    state.knowledge.integral |= integral
    for site, (kind, _) in state.knowledge.series.items():
        if kind is not None and kind.origin & integral:  # they were taken for floats
            state.knowledge.series[site] = (None, False)
    if isinstance(problem, Indexed):
        state.knowledge.series.setdefault(problem.site, (None, False))
    if isinstance(problem, Split) and isinstance(problem.site, tuple) and problem.site[0] == "if":
        state.knowledge.split.add(problem.site)
    if isinstance(problem, Split) and isinstance(problem.site, tuple) and problem.site[0] == "loop":
        state.knowledge.unrolled.add(problem.site[:5])
