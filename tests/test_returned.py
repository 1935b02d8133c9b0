"""Objects that a program makes and returns come out as they are at its end, or are refused."""
import dataclasses
import typing

import numpy as np
import pytest

import srcad


class Pair(typing.NamedTuple):
    x: typing.Any
    y: typing.Any


@dataclasses.dataclass
class Held:
    x: typing.Any
    y: typing.Any


def changed_field(q):
    r = Held(q[0], q[1])
    r.x = 3.0 * q[0]
    return r


def changed_in_a_loop(q):
    r = Held(q[0], q[1])
    for _ in range(2):
        r.x = r.x * q[0]
    return r


def changed_on_one_path(q):
    r = Held(q[0], q[1])
    if q[0] > 0:
        r.x = q[1] * 5.0
    return r


def grown_inside(q):
    r = Held(q[0], [q[1]])
    r.y.append(q[0])
    return r


def pair_of_two_paths(q):
    return Pair(q[0] * 2.0, q * 1.0) if q[0] > 0 else Pair(q[1], q * 2.0)


def held_of_two_paths(q):
    r = Held(q[1], q * 2.0) if q[0] < 0 else Held(q[0], q * 1.0)
    r.y = r.y * 2.0
    return r


def pair_in_a_loop(q):
    r = Pair(q[0], q[1])
    for _ in range(2):
        r = Pair(r.x * q[0], r.y)
    return r


def replaced(q):
    r = Pair(q[0], q[1])
    for _ in range(2):
        r = r._replace(x=r.x * q[1])
    return r


def in_a_list(q):
    r = [Pair(q[0], q[1]), Held(q[1], q[0])]
    if q[0] > 0:
        r[0] = Pair(q[1], q[0])
        r[1].x = q[0]
    return r


def replaced_dataclass(q):
    r = dataclasses.replace(Held(q[0], q[1]), x=q[1] * 2.0)
    if q[0] > 0:
        r.y = q[0] * 7.0
    return r


@pytest.mark.parametrize("program", [changed_field, changed_in_a_loop, changed_on_one_path, grown_inside, pair_of_two_paths, held_of_two_paths, pair_in_a_loop, replaced, in_a_list,
                                     replaced_dataclass])
@pytest.mark.parametrize("q", [[2.0, 3.0], [-2.0, 0.5]])
def test_objects_that_are_returned(program, q):
    x, way = np.array(q), np.array([0.3, -0.7])
    wanted = program(x)
    assert repr(srcad.vjp(program, x)[0]) == repr(wanted)
    value, tangent = srcad.jvp(program, (x,), (way,))
    assert repr(value) == repr(wanted) and type(tangent) is type(wanted)
    ends = [numbers_of(program(x + h * way)) for h in (1e-6, -1e-6)]
    np.testing.assert_allclose(numbers_of(tangent), (ends[0] - ends[1]) / 2e-6, rtol=1e-6, atol=1e-8)


def numbers_of(value):
    """The numbers in a value, one after the other."""
    if isinstance(value, Held):
        value = (value.x, value.y)
    return np.concatenate([numbers_of(v) for v in value]) if isinstance(value, (list, tuple)) else np.ravel(value)


class Plain:
    def __init__(self, x):
        self.x = x


def plain_returned(q):
    r = Plain(q[0])
    r.x = q[1]
    return r


def test_an_object_that_cannot_be_made_again_is_not_returned():
    for use in (lambda: srcad.vjp(plain_returned, np.ones(2)), lambda: srcad.jvp(plain_returned, (np.ones(2),), (np.ones(2),))):
        with pytest.raises(srcad.SrcadError, match="returns a `Plain`"):
            use()


def of_a_pair(p, q):
    s = p.x * q[0]
    if p.x < 0:
        s *= q[1]
    return s


def test_second_derivatives_for_named_tuples():
    product = srcad.hvp(of_a_pair)(Pair(1.0, 2.0), np.ones(2), (Pair(1.0, 2.0), np.array([0.5, 1.0])))
    assert product[0] == Pair(0.5, 0.0)
    np.testing.assert_allclose(product[1], [1.0, 0.0])


def history(y, k):
    ys = np.empty((3, 2))
    ys[0] = y
    for i in range(2):
        ys[i + 1] = k * ys[i]
    return ys[2].prod()


def test_second_derivatives_of_what_is_put_into_memory():
    first, second = srcad.hvp(history)(np.ones(2), 1.0, (np.ones(2), 1.0))
    np.testing.assert_allclose(first, [5.0, 5.0])  # y0 y1 k ** 4
    assert second == pytest.approx(20.0)
