"""Choices between two values, element by element: as few as they can be."""
import numpy as np
import pytest

import srcad

rng = np.random.default_rng(0)


def huber(w, x, y, delta):
    r = x @ w - y
    small = np.abs(r) <= delta
    return np.sum(np.where(small, 0.5 * r**2, delta * (np.abs(r) - 0.5 * delta)))


def leaky(x):
    positive = x > 0
    return np.sum(np.where(positive, x, 0.1 * x) ** 2)


def guarded(x):
    safe = x > 0.5
    return np.sum(np.where(safe, np.log(np.where(safe, x, 1.0)), x * x))


def reduced(x):
    large = x > 0.5
    return np.sum(np.where(large, x * np.sum(np.where(large, x, 0.0)), np.cumsum(np.where(large, 0.0, x * x))))


def other_test(x, y):
    a, b = x > 0.5, y > 0.5
    return np.sum(np.where(a, np.where(b, x * y, x), np.where(b, y, np.where(a, 0.0, x * x))))


def changed_between(x):
    m = x > 0.5
    y = np.where(m, x * x, 0.0)
    m = x > 0.2
    return np.sum(y * np.where(m, x, 0.0))


def three_cases(x):
    low = x < 0.3
    high = x > 0.7
    return np.sum(np.where(low, x**2, np.where(high, np.sin(x), x)) * x)


@pytest.mark.parametrize("program, args", [
    (huber, (rng.random(3), rng.random((5, 3)), rng.random(5), 0.3)), (leaky, (rng.standard_normal(6),)), (guarded, (rng.random(6),)), (reduced, (rng.random(6),)),
    (other_test, (rng.random(6), rng.random(6))), (changed_between, (rng.random(6),)), (three_cases, (rng.random(6),)),
], ids=lambda v: getattr(v, "__name__", ""))
def test_gradients(program, args):
    srcad.grad(program).check(*args)


def test_one_choice_for_two_branches():
    text = srcad.grad(huber, wrt="w").source_for(rng.random(3), rng.random((5, 3)), rng.random(5), 0.3)
    assert "    dr = np.where(small, r, np.sign(r) * delta)\n" in text, text
    text = srcad.grad(leaky).source_for(rng.random(3))
    assert text.count("np.where(") == 3, text  # two of the comment and the forward half, and one


def test_what_keeps_a_logarithm_finite_stays():
    with np.errstate(all="raise"):
        assert srcad.grad(guarded)(np.array([0.0, 1.0])).tolist() == [0.0, 1.0]


def test_numbers_of_python_do_not_raise():
    with np.errstate(all="ignore"):
        assert srcad.grad(lambda x: np.where(x > 0, np.log(x), 0.0))(0.0) == 0.0
        found = srcad.grad(lambda x, c: np.sum(np.where(x > 0.5, x / c, 0.0)), wrt=0)(np.array([0.2, 0.8]), 0.0)
    assert found[0] == 0.0 and np.isinf(found[1])


def test_dtype():
    assert srcad.grad(leaky)(np.float32([1, -2])).dtype == np.float32
