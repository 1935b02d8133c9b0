"""The results as Markdown: a table each for times, first calls, memory, growth, look-up and compilation."""
from __future__ import annotations

import statistics
from collections.abc import Iterable
from typing import Any

from benchmarks.growth import factors
from benchmarks.measure import geometric_mean

Entry = dict[str, Any]
OWN = ("hand", "primal")  # the systems that every ratio is about


def table(head: Iterable[str], rows: Iterable[Iterable[str]]) -> str:
    """A Markdown table; every column but the first is aligned to the right."""
    head = list(head)
    lines = [head, ["---", *["---:"] * (len(head) - 1)], *map(list, rows)]
    return "\n".join(f"| {' | '.join(cells)} |" for cells in lines)


def figure(value: float | None) -> str:
    """A number with about three digits."""
    if value is None or value != value:
        return ""
    return f"{value:.0f}" if abs(value) >= 100 else f"{value:.1f}" if abs(value) >= 10 else f"{value:.2f}"


def duration(us: float) -> str:
    scale, unit = (1, "us") if us < 1e3 else (1e3, "ms") if us < 1e6 else (1e6, "s")
    return f"{figure(us / scale)} {unit}"


def label(entry: Entry) -> str:
    return f"{entry['workload']} {entry['size']:,}"


def shown(entries: list[Entry]) -> list[str]:
    """The systems that are anywhere, in the order in which they ran."""
    names = {name: None for e in entries for name, s in e["systems"].items() if s["status"] != "missing" and name not in OWN}
    return list(names)


def cell(found: Entry | None, key: str) -> str:
    """A figure, or why there is none."""
    if found is None or found["status"] == "missing":
        return ""
    return figure(found.get(key)) if found["status"] == "ok" else found["status"]


def spread(found: Entry | None) -> str:
    """The median ratio and its quartiles."""
    text = cell(found, "ratio")
    return f"{text} ({figure(found['low'])}-{figure(found['high'])})" if found and "low" in found else text


def time_table(entries: list[Entry]) -> str:
    names = shown(entries)
    rows = []
    for e in entries:
        if "failed" in e:
            rows.append([label(e), f"failed: {e['failed']}", *[""] * (len(names) + 1)])
            continue
        cells = [spread(e["systems"].get(n)) if n == "srcad" else cell(e["systems"].get(n), "ratio") for n in names]
        rows.append([label(e), duration(e["systems"]["hand"]["us"]), *cells, figure(e["over_primal"])])
    means = [figure(geometric_mean(ratios(entries, n))) for n in names]
    counts = [str(len(ratios(entries, n))) for n in names]
    primal = [e["over_primal"] for e in entries if e.get("over_primal")]
    rows.append(["**geometric mean of those that ran**", "", *means, figure(geometric_mean(primal))])
    rows.append(["ran", str(len(entries)), *counts, str(len(primal))])
    rows.append(["**srcad on the same ones**", "", *[figure(geometric_mean(shared(entries, n))) for n in names], ""])
    return table(["workload and size", "by hand", *names, "srcad / primal"], rows)


def ratios(entries: list[Entry], name: str) -> list[float]:
    return [e["systems"][name]["ratio"] for e in entries if "ratio" in e["systems"].get(name, {})]


def shared(entries: list[Entry], name: str) -> list[float]:
    """srcad's ratios where the other system ran too."""
    return ratios([e for e in entries if "ratio" in e["systems"].get(name, {})], "srcad")


def plain_table(entries: list[Entry], key: str, below: Iterable[list[str]] = ()) -> str:
    """A figure of each system's probe."""
    names = ["hand", *shown(entries)]
    rows = ([label(e), *(cell(e["systems"].get(n), key) for n in names)] for e in entries)
    return table(["workload and size", *names], [*rows, *below])


def first_table(entries: list[Entry]) -> str:
    """The first calls, and their medians."""
    names = ["hand", *shown(entries)]
    smallest = list({e["workload"]: e for e in reversed(entries)}.values())
    rows = [[f"**median of {what}**", *(figure(median(some, n, "first_ms")) for n in names)]
            for what, some in (("all that ran", entries), ("those at the smallest sizes", smallest))]
    return plain_table(entries, "first_ms", rows)


def median(entries: list[Entry], name: str, key: str) -> float | None:
    values = [e["systems"][name][key] for e in entries if e["systems"].get(name, {}).get(key) is not None]
    return statistics.median(values) if values else None


def growth_table(found: dict[str, Entry]) -> str:
    def each(values: list[float]) -> str:
        return " ".join(figure(f) for f in factors(values))

    rows = []
    for name, g in found.items():
        if "failed" in g:
            rows.append([name, g["failed"], *[""] * 5])
            continue
        text = f"{g['lines'][0]} to {g['lines'][-1]}" if g["lines"][0] != g["lines"][-1] else f"{g['lines'][0]}"
        kinds = [each(g[who][what]) for what in ("us", "mb") for who in ("srcad", "hand")]
        rows.append([name, f"{g['passes'][0]:,} to {g['passes'][-1]:,}", *kinds, text])
    return table(["workload", "passes", "time, srcad", "time, by hand", "memory, srcad", "memory, by hand", "lines"], rows)


def look_up_table(found: dict[str, Entry]) -> str:
    return table(["arguments", "generated function, us", "look-up, us"],
                 ([name.replace("_", " "), figure(f["generated_us"]), figure(f["look_up_us"])] for name, f in found.items()))


def compile_table(found: dict[str, Entry]) -> str:
    rows = [[name, figure(f["ms"]), str(f["statements"]), figure(f["ms_per_statement"])] for name, f in found.items()]
    means = [figure(geometric_mean([f[key] for f in found.values()])) for key in ("ms", "ms_per_statement")]
    return table(["program", "compile, ms", "staged statements", "ms a statement"], [*rows, ["**geometric mean**", means[0], "", means[1]]])


def reasons(entries: list[Entry]) -> str:
    """Why systems did not run, each reason once."""
    seen: dict[tuple[str, str, str], None] = {}
    for e in entries:
        for name, s in e["systems"].items():
            if s["status"] in ("cannot", "refused", "wrong"):
                seen[e["workload"], name, f"{s['status']}: {s['reason']}"] = None
    kept = {(workload, name): why for workload, name, why in reversed(seen)}
    rows = sorted((workload, name, why.replace("|", "\\|").replace("`", "'")) for (workload, name), why in kept.items())
    return table(["workload", "system", "reason"], rows)


def markdown(data: dict[str, Any]) -> str:
    """The whole report."""
    entries = list(data["suite"].values())
    settings, machine = data["settings"], data["machine"]
    pinned = PINNED if settings["pinned"] else "not pinned: times are the wall's"
    parts = ["# Benchmarks", f"{', '.join(f'{key} {value}' for key, value in machine.items())}; {pinned}; {settings['seconds']:g} s a measurement."]
    if entries:
        parts += [
            "## Time", TIME, time_table(entries), "## Where a system did not run", reasons(entries),
            "## First call, ms", FIRST, first_table(entries), "## Memory, MB", MEMORY, plain_table(entries, "memory_mb"),
        ]
    if data["growth"]:
        parts += ["## Growth", GROWTH, growth_table(data["growth"])]
    for found in data["overhead"].values():
        parts += ["## Look-up", LOOK_UP, look_up_table(found["look_up"]), "## Compilation", COMPILE, compile_table(found["compile"])]
    return "\n\n".join(parts) + "\n"


PINNED = "pinned: one core, freed memory is kept, every library has one thread, and times are the processor's"
TIME = """\
The time of a gradient over that by hand, timed in turn: the ratio of the medians, for srcad with its quartiles. Below 1 is faster than by
hand. srcad is the generated function; its look-up is measured apart. The last column is srcad's gradient over the program
itself. Every system has the data in its own arrays and answers in them. *refused*: srcad says why not; *cannot*: another
error, or no gradient; *wrong*: another gradient than by hand; *too slow*: the first call was not done in time, here or at a smaller size.
*JAX* compiles the plain program, its loops written out, *JAX ported* a version with `lax.scan` and `.at[...]`."""
FIRST = """\
From the plain function to its first gradient: tracing or compiling, and one run. Each in a process of its own that has loaded this system
alone, is warm, has collected its garbage, and shares no memory with the process that it was forked from. The last lines are medians, over
all and over the smallest size of each workload."""
MEMORY = """\
By how much a call raises the resident memory of the process, at its highest, with freed memory given back at once: what the
operating system sees, for every library alike. It is the least of three later calls; the first one where a call takes long; for JAX,
which keeps memory from call to call, the first run of what it compiled. Below 0.1 MB it says little."""
GROWTH = """\
By what factor time and memory grow at each doubling of the passes. Memory is what tracemalloc counts. Lines are those of the
generated module: the same where the loop stays a loop."""
LOOK_UP = "What a call through `grad` takes more than the generated function: the median over neighbouring batches."
COMPILE = "The first call less the second, the best of three, at the smallest size, and the statements of the staged program."
