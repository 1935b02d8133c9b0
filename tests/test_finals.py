"""finally: it is run before a jump leaves the try, as Python runs it."""
import numpy as np
import pytest

import srcad


def continued(x):
    s = 0.0
    for v in x:
        try:
            if v < 0:
                continue
            s += v
        finally:
            s *= 2.0
    return s


def broken(x):
    s = 1.0
    for v in x:
        try:
            if v > 0:
                break
        finally:
            s *= v
    return s


def returned_inside(x):
    def f():
        try:
            return x[0] ** 2
        finally:
            x[0] = x[1]
    return f() * x[0]


def written_after(x):
    try:
        return x[0] * 2
    finally:
        x[0] = 9.0 * x[1]


def overridden(x):
    try:
        return x[0] ** 2
    finally:
        return x[1] ** 2  # noqa: B012, SIM107


def in_turn(x):
    s = x[0]
    for v in x:
        try:
            try:
                if v > 0.5:
                    break
                s = s * v
            finally:
                s = s + 1.0
        finally:
            s = s * 3.0
    return s


def otherwise(x):
    s = x[1]
    for v in x:
        try:
            s += v
        except ValueError:
            raise
        else:
            if s > 0.5:
                continue
            s *= 4.0
        finally:
            s *= v
    return s


def of_an_inner_loop(x):
    s = x[0]
    try:
        for v in x:
            if v > 0.4:
                break
            s *= v
        while s < 5.0:
            s *= 3.0
            if s > 2.0:
                continue
            s += x[1]
    finally:
        s = s * x[0]
    return s


def nothing_returned(x):
    total = [0.0]

    def add(v):
        try:
            if v < 0.5:
                return
            total[0] = total[0] + v
        finally:
            total[0] = total[0] * 2.0
    for v in x:
        add(v)
    return total[0]


def jumps_itself(x):
    s = 0.0
    for v in x:
        try:
            s += v
            continue
        finally:
            s += v * v
            break  # noqa: B012
    return s


PROGRAMS = [continued, broken, returned_inside, written_after, overridden, in_turn, otherwise, of_an_inner_loop, nothing_returned, jumps_itself]


@pytest.mark.parametrize("program", PROGRAMS)
@pytest.mark.parametrize("x", [[0.3, 0.7], [0.7, -0.4], [-0.4, 0.3]])
def test_finally(program, x):
    def at(step):
        return program(np.array(x) + step)

    value, gradient = srcad.value_and_grad(program)(given := np.array(x))
    assert value == pytest.approx(program(plain := np.array(x)))
    np.testing.assert_array_equal(given, plain)
    found = [(at(1e-6 * e) - at(-1e-6 * e)) / 2e-6 for e in np.eye(2)]
    np.testing.assert_allclose(gradient, found, rtol=1e-5, atol=1e-6)
    assert srcad.jvp(program, (np.array(x),), (np.array([0.3, 0.8]),))[1] == pytest.approx(gradient @ [0.3, 0.8], abs=1e-9)
