"""Objects from outside that are not looked through, and modules and files that are not what they were."""
import array
import collections
import importlib
import sys
import types

import pytest

import srcad

QUEUE = collections.deque([1.0, 2.0])
NUMBERS = array.array("d", [1.0, 2.0])
MODULE = types.ModuleType("nowhere_to_import")
MODULE.c = 2.0


def of_queue(x):
    return x * QUEUE[0]


def of_array(x):
    return x * NUMBERS[1]


def its_length(x):
    return x * len(QUEUE)


def its_items(x):
    return sum(x * d for d in QUEUE)


@pytest.mark.parametrize("program", [of_queue, of_array, its_length, its_items], ids=lambda f: f.__name__)
def test_what_is_not_written_in_python(program):
    with pytest.raises(srcad.SrcadError, match="not written in Python"):
        srcad.grad(program)(2.0)


def test_a_module_that_cannot_be_imported():
    def loss(x):
        return x * x * MODULE.c

    assert srcad.grad(loss)(3.0) == 12.0


def test_a_file_that_is_shorter_now(tmp_path, monkeypatch):
    path = tmp_path / "shorter_now.py"
    path.write_text("def h(x): return x * 2\n")
    monkeypatch.syspath_prepend(str(tmp_path))
    module = importlib.import_module("shorter_now")
    path.write_text("\n")
    try:
        with pytest.raises(srcad.SrcadError, match="has changed since it was loaded"):
            srcad.grad(module.h)(2.0)
    finally:
        del sys.modules["shorter_now"]
