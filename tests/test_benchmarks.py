"""The workloads' gradients by hand are right, and the suite measures, resumes and reports. No time is asserted."""
from __future__ import annotations

import copy
import json
import mmap
import sys

import numpy as np
import pytest

from benchmarks import __main__ as suite
from benchmarks import machine, measure, report
from benchmarks.growth import factors, growth
from benchmarks.overhead import overhead
from benchmarks.systems import HAND, SYSTEMS, NotPorted, as_arrays, swapped
from benchmarks.workloads import WORKLOADS
from srcad import SrcadError, grad

linux = pytest.mark.skipif(not sys.platform.startswith("linux"), reason="measures in forks, and reads /proc")
each = pytest.mark.parametrize("workload", WORKLOADS.values(), ids=WORKLOADS)


@each
def test_by_hand_as_generated(workload):
    size = workload.sizes[0]
    by_hand = as_arrays(workload.hand(*workload.args(size)))
    try:
        generated = as_arrays(grad(workload.loss, wrt=workload.wrt)(*workload.args(size)))
    except SrcadError as refusal:
        pytest.skip(f"refused: {str(refusal).splitlines()[0]}")
    assert measure.compared(generated, by_hand) == ("ok", "")


@each
def test_by_hand_as_finite_differences(workload):
    args = workload.args(workload.sizes[0])
    rng = np.random.default_rng(1)
    for position, by_hand in zip(workload.positions, workload.hand(*copy.deepcopy(args)), strict=True):
        if isinstance(args[position], list):
            continue
        way = rng.standard_normal(np.shape(args[position]))
        values = [workload.loss(*copy.deepcopy(args[:position]), args[position] + step * way, *copy.deepcopy(args[position + 1:]))
                  for step in (1e-6, -1e-6)]
        assert (values[0] - values[1]) / 2e-6 == pytest.approx(np.sum(by_hand * way), rel=1e-4, abs=1e-6)


@each
def test_arguments_are_left_alone(workload):
    args = workload.args(workload.sizes[0])
    before = copy.deepcopy(args)
    workload.loss(*args)
    workload.hand(*args)
    np.testing.assert_equal(args, before)


def test_comparison():
    one, two = np.ones(2), np.array([1.0, 2.0])
    assert measure.compared([one], [one]) == ("ok", "")
    assert measure.compared([None], [np.zeros(2)]) == ("ok", "")
    assert measure.compared([None], [one]) == ("cannot", "gradient 0 did not come back")
    assert measure.compared([one], [two]) == ("wrong", "gradient 0 is off by 1.0e+00, of 2.0e+00")
    assert measure.compared([np.ones(3)], [one]) == ("wrong", "gradient 0 is of shape (3,), not (2,)")


def test_swapped_modules_reach_helpers():
    class Counting:
        def __init__(self):
            self.calls = 0

        def __getattr__(self, name):
            self.calls += 1
            return getattr(np, name)

    counting = Counting()
    program = swapped(WORKLOADS["neural_ode"].loss, {"np": counting})
    program(np.ones(2), np.eye(2), 1, 0.1)
    assert counting.calls == 4


@linux
def test_outcomes_of_a_probe():
    def failing(workload, args):
        if workload.loss is not measure.parabola:
            raise ValueError("no\nway")
        return HAND.make(workload, args)

    def unported(workload, args):
        raise NotPorted

    workload = WORKLOADS["circuit"]
    system = SYSTEMS[0]
    assert measure.watched(type(system)("x", failing), workload, 1, 10.0, set()) == {"status": "cannot", "reason": "ValueError: no"}
    assert measure.watched(type(system)("x", unported), workload, 1, 10.0, set())["status"] != "ok"
    absent = type(system)("x", unported, "no_such_module")
    assert measure.watched(absent, workload, 1, 10.0, set()) == {"status": "missing", "reason": "no_such_module is not installed"}
    assert measure.watched(system, workload, 1, 10.0, {"srcad"})["status"] == "too slow"


@linux
def test_processes_end():
    assert measure.in_process(10, len, "four") == 4
    with pytest.raises(measure.Failed, match="ValueError: not a number"):
        measure.in_process(10, fail)
    with pytest.raises(measure.TooSlow):
        measure.in_process(0.1, hang)


@linux
def test_pages_are_owned():
    data = bytearray(b"x" * (400 * mmap.PAGESIZE))
    assert measure.in_process(10, copied_pages, data, False) > 300
    assert measure.in_process(10, copied_pages, data, True) < 100


def copied_pages(data, owned):
    """How many pages the system hands out while every page of `data` is written to."""
    if owned:
        machine.own_pages()
    import resource

    before = resource.getrusage(resource.RUSAGE_SELF).ru_minflt
    data[:: mmap.PAGESIZE] = bytes(len(data[:: mmap.PAGESIZE]))
    return resource.getrusage(resource.RUSAGE_SELF).ru_minflt - before


def fail():
    raise ValueError("not a number")


def hang():
    while True:
        pass


@linux
def test_report_of_a_tiny_run(tmp_path, capsys):
    arguments = ["circuit", "folded", "--quick", "--seconds", "0.001", "--systems", "srcad", "--no-pinned", "--out", str(tmp_path)]
    suite.main(arguments)
    text = (tmp_path / "results.md").read_text()
    assert "| folded 1,000 |" in text and "| **geometric mean of those that ran** |" in text
    data = json.loads((tmp_path / "results.json").read_text())
    assert set(data["suite"]) == {"circuit 1", "folded 10", "folded 1000"}
    assert data["suite"]["circuit 1"]["systems"]["srcad"]["status"] == "ok"

    del data["suite"]["folded 1000"]
    data["suite"]["circuit 1"]["rounds"] = 12345
    (tmp_path / "results.json").write_text(json.dumps(data))
    suite.main(arguments)
    again = json.loads((tmp_path / "results.json").read_text())
    assert again["suite"]["circuit 1"]["rounds"] == 12345 and "folded 1000" in again["suite"]
    assert "going on with" in capsys.readouterr().out


def test_growth_of_a_loop():
    found = growth(WORKLOADS["folded"], 2, 0.001)
    assert found["passes"] == [500, 1000, 2000] and len(set(found["lines"])) == 1
    assert factors([1.0, 2.0, 5.0]) == [2.0, 2.5]
    assert "| folded | 500 to 2,000 |" in report.growth_table({"folded": found})


def test_overhead():
    found = overhead([WORKLOADS["circuit"]], 0.001)
    assert set(found["look_up"]) == {"two_floats", "three_arrays", "dict_of_four", "eight_arrays"}
    assert found["compile"]["circuit"]["statements"] == 14
