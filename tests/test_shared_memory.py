"""What is changed of what comes from outside shares memory with nothing else that is read: arguments, globals, closures, defaults, attributes, items."""
import numpy as np
import pytest

import srcad

WHOLE = np.ones(4)
ALIAS = WHOLE
TAIL = WHOLE[1:]
TWICE = [WHOLE, WHOLE]
ALONE = np.ones(3)
LATER = np.ones(3)


class Holder:
    pass


HOLDER = Holder()
HOLDER.a, HOLDER.b = WHOLE, WHOLE[::-1]


def by_another_name(x):
    WHOLE[0] = x * x
    return ALIAS[0] * x


def through_a_view(x):
    WHOLE[1] = x * x
    return np.sum(WHOLE) * TAIL[0] * x


def of_an_object(x):
    HOLDER.a[0] = x * x
    return HOLDER.b[-1] * x


def of_a_list(x):
    TWICE[0][0] = x * x
    return TWICE[1][0] * x


def by_default(x, b=WHOLE):
    b[1] = x * x
    return ALIAS[1] * x


def change(x):
    WHOLE[2] = x * x


def in_a_helper(x):
    change(x)
    return ALIAS[2] * x


def enclosed(c, d):
    def program(x):
        c[0] = x ** 2
        return d[0] * x
    return program


SHARED = [by_another_name, through_a_view, of_an_object, of_a_list, by_default, in_a_helper, enclosed(WHOLE, WHOLE), enclosed(WHOLE, TAIL[::-1])]


@pytest.mark.parametrize("program", SHARED, ids=lambda f: f.__name__)
@pytest.mark.parametrize("made", [srcad.grad, lambda f: lambda x: srcad.jvp(f, (x,), (1.0,))], ids=["grad", "jvp"])
def test_outside_arrays_that_share_memory_are_refused(program, made):
    WHOLE[:] = 1
    with pytest.raises(srcad.AliasError, match="shares memory with"):
        made(program)(3.0)


def test_outside_arrays_of_their_own_are_changed():
    program = enclosed(np.ones(2), np.ones(2))
    assert srcad.grad(program)(3.0) == 1.0


def doubled(x):
    x *= 2
    return np.sum(LATER * x)


def test_sharing_that_comes_later_is_seen(monkeypatch):
    gradient, x = srcad.grad(doubled), np.array([0.5, -1.2, 2.0])
    assert np.array_equal(gradient(x.copy()), [2.0, 2.0, 2.0])
    monkeypatch.setitem(globals(), "LATER", x)
    with pytest.raises(srcad.AliasError, match="`x`, which shares memory with `LATER`"):
        gradient(x)


def with_an_array(x):
    ALONE[0] = 3.0
    return np.sum(ALONE * x)


def test_outside_arrays_beside_arguments():
    assert np.array_equal(srcad.grad(with_an_array)(np.ones(3)), [3.0, 1.0, 1.0])
    with pytest.raises(srcad.AliasError):
        srcad.grad(with_an_array)(ALONE)


def first_row_doubled(x):
    x[0] *= 2
    return np.sum(x**2)


def test_arrays_whose_elements_meet():
    gradient = srcad.grad(first_row_doubled)
    for x in (np.ones((2, 3)), np.ones((4, 4))[::2, ::-1].T, np.asfortranarray(np.ones((3, 2))), np.ones((2, 1, 2))[:, 0]):
        assert np.array_equal(gradient(x.copy(order="K"))[0], 8 * np.ones(x.shape[1]))
        assert np.array_equal(gradient(x)[1], 2 * np.ones(x.shape[1]))
    meeting = np.lib.stride_tricks.as_strided(np.array([1.0, 2.0, 3.0]), (2, 2), (8, 8))
    with pytest.raises(srcad.AliasError, match="lie in one place"):
        gradient(meeting)
