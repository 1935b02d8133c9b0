"""Names of one list, dict or object that only one path gives; and flags of loops that are one value at first, and not later."""
from __future__ import annotations

import numpy as np
import pytest

import srcad


def alias_in_a_branch(x):
    a = [x]
    if x < 0.9:
        b = a
        a[0] = x * x
    return b[0]


def grown_by_the_alias(x):
    a = [x]
    if x < 0.9:
        b = a
    b.append(x * x)
    return sum(a)


class Held:
    def __init__(self, k):
        self.k = k

    def bump(self, t):
        self.k = self.k * t
        return self


def returned_by_a_method(x):
    a = Held(x)
    if x < 0.9:
        b = a.bump(x)
    return b.k


def alias_on_one_path(x):
    if x < 0.9:
        a = [x]
        b = a
    else:
        a = [x]
        b = [x]
    b[0] = x * x
    return a[0]


def both_made_in_the_branch(x):
    if x < 0.9:
        a = [x]
        b = a
    b[0] = x * x
    return a[0]


def twice_in_a_dict(x):
    a = [x]
    if x < 0.9:
        c = {"u": a, "v": a}
    c["u"][0] = x * x
    return c["v"][0]


def dict_by_two_names(x):
    a = {"k": x}
    if x < 0.9:
        b = a
    b["k"] = x * x
    return a["k"]


def owners(x):
    o = Held(x)
    pair = (o, o) if x < 0.9 else (o, Held(x))
    pair[0].k = x * x
    return pair[1].k


def alias_in_the_else(x):
    if x < 0.9:
        a, b = Held(x), Held(2 * x)
    else:
        a = Held(x)
        b = a
    a.k = x * x
    return b.k


def in_a_loop(x):
    t = 0.0
    for i in range(8):
        a = [x * i]
        b = a if x < 0.9 else [x]
        b[0] = x * x
        t += a[0]
    return t


PROGRAMS = [alias_in_a_branch, grown_by_the_alias, returned_by_a_method, alias_on_one_path, both_made_in_the_branch, twice_in_a_dict, dict_by_two_names, owners, alias_in_the_else, in_a_loop]


@pytest.mark.parametrize("program", PROGRAMS)
@pytest.mark.parametrize("x", [0.4, 1.4])
def test_it_stays_one(program, x):
    try:
        value = program(x)
    except UnboundLocalError:
        return
    try:
        found = srcad.grad(program).value_and_grad(x)
    except srcad.SrcadError:
        return
    assert np.isclose(found[0], value)
    srcad.grad(program).check(x)


def left_or_returned(x, y):
    n = 0
    while n < 3:
        n += 1
        if n > 1:
            break
        if y < 0.8:
            return y
    else:
        x = 5 * x
    return x


def left_for_ever(x, y):
    n = 0
    while True:
        n += 1
        if n > 2:
            break
        if y < 0.5:
            return y * x
    return x * y


@pytest.mark.parametrize("program", [left_or_returned, left_for_ever])
@pytest.mark.parametrize("args", [(0.4, 0.9), (0.4, 0.6), (0.3, 0.2)])
@pytest.mark.parametrize("backend", ["numpy", "numba"])
def test_flags_are_two(program, args, backend):
    if backend == "numba":
        pytest.importorskip("numba")
    srcad.grad(program, backend=backend).check(*args)
    assert srcad.grad(program, backend=backend).value_and_grad(*args)[0] == program(*args)
