"""Random programs with loops, branches and writes: right in every way that is looked at, or refused."""
from __future__ import annotations

import random

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from random_programs import failure, random_program


@settings(max_examples=200, deadline=None, derandomize=True, suppress_health_check=list(HealthCheck))
@given(st.integers(100, 369))
def test_random_programs(seed: int) -> None:
    """More of them, with their failures made small: `python tests/random_programs.py 0 10000`."""
    program = random_program(random.Random(seed))
    outcome = failure(program) or ""
    assert not outcome or outcome.startswith(("refused:", "invalid:")), f"{outcome}\n{program.text}"


def test_most_programs_are_differentiated() -> None:
    outcomes = [failure(random_program(random.Random(seed))) for seed in range(100, 125)]
    assert outcomes.count(None) >= 10
