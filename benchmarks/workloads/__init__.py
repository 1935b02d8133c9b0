"""The workloads, by theme."""
from __future__ import annotations

from benchmarks.workloads import circuits, dynamics, layers, linear, recurrent, scalars, statistics, stencils
from benchmarks.workloads.workload import Workload

THEMES = (circuits, layers, recurrent, dynamics, scalars, stencils, linear, statistics)
WORKLOADS: dict[str, Workload] = {w.name: w for theme in THEMES for w in theme.WORKLOADS}
