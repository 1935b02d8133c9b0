"""The times as a picture: a line for each workload and size, a dot for each system, on a scale of ratios to the gradient by hand."""
from __future__ import annotations

import pathlib
from typing import Any

from benchmarks.report import label, shown


def draw(entries: list[dict[str, Any]], path: pathlib.Path, title: str) -> None:
    import matplotlib

    matplotlib.use("Agg")
    from matplotlib import pyplot

    entries = [e for e in entries if "failed" not in e]
    figure, axes = pyplot.subplots(figsize=(9, 1.6 + 0.17 * len(entries)))
    for k, name in enumerate(shown(entries)):
        points = [(e["systems"][name]["ratio"], y) for y, e in enumerate(entries) if "ratio" in e["systems"].get(name, {})]
        if points:
            front = name.startswith("srcad")
            axes.scatter(*zip(*points), s=26 if front else 13, label=name, zorder=3 if front else 2, marker="D" if front else "o",
                         color="black" if name == "srcad" else f"C{k}", alpha=1.0 if front else 0.8, linewidths=0)
    axes.axvline(1.0, color="black", linewidth=0.8)
    axes.set_xscale("log")
    axes.set_yticks(range(len(entries)), [label(e) for e in entries], fontsize=6)
    axes.set_ylim(len(entries) - 0.5, -0.5)
    axes.grid(alpha=0.3, linewidth=0.5)
    axes.set_xlabel("time of a gradient over that by hand")
    axes.set_title(title, fontsize=8)
    axes.legend(loc="upper center", bbox_to_anchor=(0.5, -0.6 / (0.17 * len(entries) + 0.4)), ncols=4, fontsize=8, frameon=False)
    figure.savefig(path, dpi=80, bbox_inches="tight")
    pyplot.close(figure)
