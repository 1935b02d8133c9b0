"""Random programs, composed from the rules with shapes that broadcast, against finite differences."""
from __future__ import annotations

import os
import warnings

import numpy as np
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from programs import directional, random_program

import srcad


@settings(max_examples=250, deadline=None, derandomize=bool(os.environ.get("CI")), suppress_health_check=list(HealthCheck))
@given(st.integers(0, 10**7))
def test_random_programs(seed: int) -> None:
    f, args, text = random_program(seed)
    gradient = srcad.grad(f, wrt=tuple(range(len(args))))
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        try:
            found = gradient(*args)
        except srcad.SrcadError:
            return
        rng = np.random.default_rng(seed)
        directions = [rng.standard_normal(np.shape(a)) for a in args]
        analytic = sum(float(np.sum(np.asarray(g) * d)) for g, d in zip(found, directions))
        numeric = [directional(f, args, directions, h) for h in (1e-3, 1e-4, 1e-5)]
        assert min(abs(n - analytic) for n in numeric) <= 1e-5 * max(1.0, abs(analytic)), f"{text}\n{gradient.source}"
        out, cache = gradient.forward(*args)
        for a, b, c in zip(found, gradient.backward(1.0, cache), gradient.backward(1.0, cache)):
            np.testing.assert_allclose(a, b, rtol=1e-9, atol=1e-12)
            np.testing.assert_array_equal(b, c)
    for i, (g, a) in enumerate(zip(found, args)):
        assert type(g) is type(a) and np.shape(g) == np.shape(a)
        if isinstance(g, np.ndarray):
            others = [v for v in (*args, *found[:i]) if isinstance(v, np.ndarray)]
            assert g.flags.writeable and not any(np.shares_memory(g, v) for v in others)
