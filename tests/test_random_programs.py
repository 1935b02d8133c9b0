"""Random programs with loops, branches and writes: right in every way that is looked at, or refused."""
from __future__ import annotations

import random

from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st
from random_programs import failure, kind_of, random_program, shrunk


@settings(max_examples=200, deadline=None, phases=[Phase.reuse, Phase.generate], derandomize=True, suppress_health_check=list(HealthCheck))
@given(st.randoms(use_true_random=False))
def test_random_programs(rng: random.Random) -> None:
    program = random_program(rng)
    outcome = failure(program) or ""
    right = not outcome or outcome.startswith(("refused:", "invalid:"))
    assert right, f"{outcome}\n{shrunk(program, kind_of(outcome), tries=100).text}\nwhich is part of\n{program.text}"


def test_most_programs_are_differentiated() -> None:
    outcomes = [failure(random_program(random.Random(seed))) for seed in range(25)]
    assert outcomes.count(None) >= 10
