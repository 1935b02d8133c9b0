"""All cases for the derivative rules, and their names: every function that has a rule, called in every form that its rule knows.

Operands stay away from kinks and from the edges of domains; test_kinks.py is
for those.
"""
from __future__ import annotations

import cases_elementwise  # noqa: F401
import cases_reductions  # noqa: F401
import cases_contractions  # noqa: F401
import cases_linalg  # noqa: F401
import cases_shaping  # noqa: F401
import cases_numbers  # noqa: F401
import cases_selecting  # noqa: F401
import cases_statistics  # noqa: F401
import cases_sets  # noqa: F401
import cases_arranging  # noqa: F401
import cases_products  # noqa: F401
import cases_polynomials  # noqa: F401
import cases_special  # noqa: F401
import cases_scipy  # noqa: F401
import cases_filters  # noqa: F401
import cases_windows  # noqa: F401
import cases_decompositions  # noqa: F401
import cases_weighted  # noqa: F401
from table import CASES, Case, Program, is_float, label_of, name_of, number_of, program  # noqa: F401


def labels() -> list[str]:
    """The names of all cases, each once."""
    seen: dict[str, int] = {}
    out = []
    for label in map(label_of, CASES):
        seen[label] = seen.get(label, 0) + 1
        out.append(label if seen[label] == 1 else f"{label}#{seen[label]}")
    return out


LABELS = labels()
