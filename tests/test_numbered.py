"""Names in generated code have no numbers that nothing asks for, and never mean two things at once."""
from __future__ import annotations

import math
import re

import numpy as np
import pytest

import srcad

total = 3.0
dh_prev = 2.0


def recurrent(x, h, w):
    for t in range(len(x)):
        h = np.tanh(w * h + x[t] - x[0] * w)
    return np.sum(h * h)


def taken_names(x, h, w):
    """The user's own variables are called as ours would be."""
    prod, diff, dprod = w * 2, x - 1, np.sin(w)
    saved, dh_prev = 0.5, h * 3
    for t in range(3):
        h = np.tanh(w * h + diff[t] * prod) * dprod + saved * dh_prev
    return np.sum(h * prod) + np.sum(dh_prev)


def global_names(x, h, w):
    for t in range(3):
        h = np.tanh(w * h + x[t] * total) * total - dh_prev * (x[t] + w)
    return np.sum(h)


def read_after_the_loop(x, h, w):
    for t in range(3):
        exp_h = np.exp(-h * w)
        h = exp_h * np.sin(x[t] + exp_h)
    return np.sum(h * exp_h) + np.sum(np.exp(-h * w))


def numbered_by_the_user(x, h, w):
    prod2, total3 = x * w, x + w
    return np.sum(np.sin(prod2 * total3) * np.exp(prod2 * h[0]) - (x * w) * (x * h[0]))


def in_arms(x, h, w):
    out = 0.0
    for t in range(3):
        if x[t] > 0:
            h = np.sin(h * w) * np.exp(h * x[t])
            out = out + h[0]
        else:
            h = np.cos(h + w) * np.exp(h * x[t])
        out = out + np.sum(h * h)
    return out


def pairs(x, h, w):
    for a, b in zip(x, x[::-1]):
        h = h * a + b * math.sin(a * b) * w
    return np.sum(h * sum(a * b for a, b in zip(x, h)))


def helper(v, prod):
    total = v * prod
    return np.exp(total) * total


def through_a_helper(x, h, w):
    total2 = helper(x, w)
    for t in range(3):
        h = helper(h, x[t] * 0.5) - total2[t]
    return np.sum(h) + np.sum(total2 * total)


PROGRAMS = [recurrent, taken_names, global_names, read_after_the_loop, numbered_by_the_user, in_arms, pairs, through_a_helper]
X, H, W = np.array([0.3, -0.4, 0.7]), np.array([0.2, 0.5, -0.1]), 0.8


@pytest.mark.parametrize("program", PROGRAMS, ids=lambda f: f.__name__)
def test_gradients(program):
    gradient = srcad.grad(program)
    gradient.check(X, H, W)
    value, found = gradient.value_and_grad(X, H, W)
    assert value == program(X, H, W)
    for a, b in zip(found, gradient(X, H, W)):
        np.testing.assert_array_equal(a, b)


@pytest.mark.parametrize("program", PROGRAMS, ids=lambda f: f.__name__)
def test_no_name_is_numbered_without_need(program):
    text = re.sub("#.*", "", srcad.grad(program).source_for(X, H, W))
    used = set(re.findall(r"\b[a-zA-Z]\w*", text))
    own = set(program.__code__.co_varnames) | {f"d{n}" for n in program.__code__.co_varnames} | {"total", "total2"}
    for identifier in used - own:
        match = re.fullmatch(r"(\w*[a-z])(\d)", identifier)
        if match and match[2] != "1":
            family = {match[1], *(f"{match[1]}{i}" for i in range(2, 10))}
            related = {f"d{n}" for n in family} | {n[1:] for n in family if n[0] == "d"}
            assert (family | related) & used - {identifier}, f"{identifier}\n{text}"


def test_their_lines():
    text = srcad.grad(recurrent).source_for(X, H, W)
    assert "        dtotal = scaled * dh\n        h = hs.pop()\n" in text
    text = srcad.grad(in_arms).source_for(X, H, W)
    assert "            prod, sin_prod, exp_prod = saved.pop()\n" in text
    assert "            dh_prev = w * dprod\n" in text and text.count("        dh = dh_prev\n") == 1
    text = srcad.grad(pairs).source_for(X, H, W)
    assert re.search(r"for \w+, \w+ in zip\(", text)


def test_a_version_keeps_its_number_beside_the_value():
    def normalized(x):
        x = x / np.sum(x)
        return np.sum(x ** 3)

    text = srcad.grad(normalized).source_for(X)
    assert "dx_1 = 3 * x_1 ** 2" in text and "return dx\n" in text


def test_what_an_array_is_unpacked_into_is_as_written():
    def line(params, x):
        slope, intercept = params
        return np.sum((slope * x + intercept) ** 2)

    text = srcad.grad(line, wrt="params").source_for(np.ones(2), X)
    assert "    slope, intercept = params\n" in text
    srcad.grad(line).check(np.array([0.3, 0.7]), X)


def test_what_was_spared_a_copy_has_one_name():
    def filled(a, n):
        s = np.empty(n)
        s[0] = a
        for t in range(1, n):
            s[t] = a * np.sin(s[t - 1])
        return np.sum(np.log(s) + a / s)

    assert "kept" not in srcad.grad(filled, wrt="a").source_for(0.7, 4)
    srcad.grad(filled, wrt="a").check(0.7, 4)


def test_a_sum_takes_a_minus():
    def program(A, b):
        x = np.linalg.solve(A, b)
        return x @ x + np.sum(np.linalg.inv(A))

    text = srcad.grad(program).source_for(np.eye(2) * 2, np.ones(2))
    assert "+= -" not in text
    srcad.grad(program).check(np.array([[2.0, 0.3], [0.1, 1.5]]), np.array([0.3, 0.7]))


def in_several_loops(x, h, w):
    for t in range(3):  # noqa: B007
        h = np.tanh(h * w) * np.exp(h)
    for t in range(4):  # noqa: B007
        h = np.tanh(h * x[0]) * np.exp(-h)
    for t in range(2):  # noqa: B007
        e = np.exp(h * w) if x[t] > 0 else np.cos(h)
        h = np.sin(h * e)
    return np.sum(h * e)


def nested(x, h, w):
    for t in range(2):  # noqa: B007
        for k in range(3):
            h = np.tanh(h * w) * np.exp(h * x[k])
        h = np.sin(h) * h
    return np.sum(h)


@pytest.mark.parametrize("program", [in_several_loops, nested], ids=lambda f: f.__name__)
def test_what_passes_hand_on(program):
    srcad.grad(program).check(X, H, W)
    assert srcad.grad(program).value_and_grad(X, H, W)[0] == program(X, H, W)
    text = srcad.grad(program).source_for(X, H, W)
    assert text.count("dh = dh_prev\n") == (2 if program is in_several_loops else 1), text
    assert [*dict.fromkeys(re.findall(r"\bsaved\d?\b", text))] == ["saved", "saved2", "saved3"][: 3 if program is in_several_loops else 2]


def test_what_a_named_tuple_is_unpacked_into():
    from collections import namedtuple

    pair = namedtuple("pair", "a b")

    def program(y):
        v, w = pair(y, 0.7)
        return np.sum(np.sin(y) * v) * w

    gradient = srcad.grad(program)
    gradient.check(X)
    assert gradient.value_and_grad(X)[0] == program(X)
