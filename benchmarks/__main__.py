"""Time generated backward passes beside those by hand and those of other libraries.

    python -m benchmarks                          everything; an hour or two
    python -m benchmarks --quick                  smaller sizes, shorter measurements
    python -m benchmarks rnn lstm --systems srcad autograd
    python -m benchmarks --parts growth

Results go to a folder, after every workload: results.json, results.md and results.png. A run that was interrupted goes on
where it stopped, if its settings, the versions and the machine are the same; otherwise it begins anew.
"""
from __future__ import annotations

import argparse
import contextlib
import importlib.util
import pathlib
import sys
from collections.abc import Callable, Iterable
from typing import Any

from benchmarks import machine, picture, report
from benchmarks.growth import growth
from benchmarks.measure import Failed, Nursery, Run, TooSlow, entry, in_process
from benchmarks.overhead import overhead
from benchmarks.results import PARTS, Results
from benchmarks.systems import HAND, SYSTEMS, System, load
from benchmarks.workloads import WORKLOADS
from benchmarks.workloads.workload import Workload


def options(arguments: list[str] | None) -> argparse.Namespace:
    summary, _, rest = (__doc__ or "").partition("\n\n")
    parser = argparse.ArgumentParser("python -m benchmarks", description=summary, epilog=rest, formatter_class=argparse.RawTextHelpFormatter)
    names = [s.name for s in SYSTEMS]
    parser.add_argument("workloads", nargs="*", metavar="WORKLOAD", help=f"which workloads; by default all:\n{wrapped(WORKLOADS)}")
    parser.add_argument("--quick", action="store_true", help="smaller sizes, 0.2 seconds a measurement, a limit of 10")
    parser.add_argument("--seconds", type=float, help="seconds of timing for each system, workload and size (default: 1)")
    parser.add_argument("--limit", type=float, help="seconds that a first call may take (default: 60)")
    parser.add_argument("--out", type=pathlib.Path, default=pathlib.Path("out/benchmarks"), help="the folder of the results (default: %(default)s)")
    parser.add_argument("--systems", nargs="+", choices=names, default=names, metavar="SYSTEM", help=f"which of {', '.join(names)}")
    parser.add_argument("--parts", nargs="+", choices=PARTS, default=list(PARTS), metavar="PART", help=f"which of {', '.join(PARTS)}")
    parser.add_argument("--pinned", action=argparse.BooleanOptionalAction, default=True,
                        help="keep freed memory, and give every library one thread on one core (default: yes)")
    parser.add_argument("--fresh", action="store_true", help="begin anew, whatever the folder holds")
    given = parser.parse_args(arguments)
    unknown = sorted(set(given.workloads) - set(WORKLOADS))
    if unknown:
        parser.error(f"there is no workload {', '.join(unknown)}")
    given.seconds = given.seconds or (0.2 if given.quick else 1.0)
    given.limit = given.limit or (10.0 if given.quick else 60.0)
    return given


def wrapped(names: Iterable[str], width: int = 70) -> str:
    lines = [""]
    for name in names:
        if len(lines[-1]) + len(name) > width:
            lines.append("")
        lines[-1] += f"{name} "
    return "\n".join(lines)


def progress(tasks: list[tuple[str, Callable[[], None]]]) -> None:
    """Do the tasks in turn, behind a bar where tqdm is installed."""
    if importlib.util.find_spec("tqdm") is None:
        for name, task in tasks:
            print(name, file=sys.stderr)
            task()
        return
    from tqdm import tqdm

    tqdm.monitor_interval = 0  # no thread beside the measurements
    with tqdm(tasks, leave=False) as bar:
        for name, task in bar:
            bar.set_description(f"{name:<24}")
            task()


def sizes(workload: Workload, quick: bool) -> tuple[int, ...]:
    return workload.sizes if quick else workload.sizes + workload.more


def growing(run: Run, workload: Workload, quick: bool, seconds: float) -> dict[str, Any]:
    try:
        return run(600, growth, workload, 3 if quick else 5, seconds)  # type: ignore[no-any-return]
    except (TooSlow, Failed) as problem:
        return {"failed": str(problem) or "too slow"}


def nurseries(systems: list[System], stack: contextlib.ExitStack) -> dict[System, Run]:
    """In what processes to measure each system: in those that have loaded its module alone."""
    runs: dict[str, Run] = {}
    for system in systems:
        if system.module not in runs and not system.missing():
            runs[system.module] = stack.enter_context(Nursery(load, [system])).in_process
    return {system: runs.get(system.module, in_process) for system in systems}


def tasks(given: argparse.Namespace, results: Results, runs: dict[System, Run]) -> list[tuple[str, Callable[[], None]]]:
    """What there is to do: a name and a call each."""
    chosen = [WORKLOADS[name] for name in given.workloads or WORKLOADS]
    found: list[tuple[str, Callable[[], None]]] = []
    if "suite" in given.parts:
        for w in chosen:
            hopeless: set[str] = set()
            for n in sizes(w, given.quick):
                found.append((f"{w.name} {n}", lambda w=w, n=n, hopeless=hopeless: results.once(
                    "suite", f"{w.name} {n}", lambda: entry(runs, w, n, given.seconds, given.limit, hopeless))))
    if "growth" in given.parts:
        for w in chosen:
            if w.trips:
                found.append((f"growth of {w.name}", lambda w=w: results.once(
                    "growth", w.name, lambda: growing(runs[HAND], w, given.quick, given.seconds))))
    if "overhead" in given.parts:
        found.append(("overhead", lambda: results.once(
            "overhead", " ".join(w.name for w in chosen), lambda: runs[HAND](600, overhead, chosen, given.seconds))))
    return found


def write(results: Results, folder: pathlib.Path) -> None:
    """The report and, where matplotlib is installed, the picture."""
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "results.md").write_text(report.markdown(results.data), encoding="utf-8")
    entries = list(results.data["suite"].values())
    if entries and importlib.util.find_spec("matplotlib"):
        facts = results.data["machine"]
        title = f"{facts['cpu']}, {facts['cores']} cores, Python {facts['python']}, NumPy {facts['numpy']}"
        picture.draw(entries, folder / "results.png", title)


def main(arguments: list[str] | None = None) -> None:
    given = options(arguments)
    if given.pinned:
        machine.pin("benchmarks")
    systems = [HAND, *(s for s in SYSTEMS if s.name in given.systems)]
    settings = {"quick": given.quick, "seconds": given.seconds, "limit": given.limit, "pinned": given.pinned, "systems": given.systems}
    results = Results(given.out / "results.json", settings, machine.described(), given.fresh)
    if results.resumed:
        print(f"going on with {results.path}")
    with contextlib.ExitStack() as stack:
        runs = nurseries(systems, stack)
        load([s for s in systems if not s.missing()])  # those that are timed in turn are timed in one process
        progress(tasks(given, results, runs))
    write(results, given.out)
    print(report.markdown(results.data))


if __name__ == "__main__":
    main()
