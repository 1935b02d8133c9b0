"""Lists that a loop fills beside its work: kept for a test, for a look back, or for nothing."""
import itertools
import math

import numpy as np
import pytest

import srcad

X = np.array([0.5, 1.2, -0.7])


def never_read(k, x):
    hist = []
    for _ in range(20):
        x = x - 0.1 * k * x
        hist.append(0.5 * k * np.sum(x**2))
    return x @ x


class Damped:
    def __init__(self, x):
        self.x = x
        self.energies = []

    def step(self, k):
        self.x = self.x - 0.1 * k * self.x
        self.energies.append(0.5 * k * np.sum(self.x**2))


def of_an_object(k, x):
    system = Damped(x)
    for _ in range(20):
        system.step(k)
    return system.x @ system.x


def until_it_stands_still(k, x):
    hist = []
    for i in range(40):
        x = x - 0.1 * k * x
        hist.append(np.sum(x**2))
        if i > 1 and abs(hist[-1] - hist[-2]) < 1e-3:
            break
    return x @ x


def until_it_is_small(k, x):
    hist = [np.sum(x**2)]
    while hist[-1] > 1e-2:
        x = x - 0.1 * k * x
        hist.append(np.sum(x**2))
    return x @ x


@pytest.mark.parametrize("program", [never_read, of_an_object, until_it_stands_still, until_it_is_small], ids=lambda p: p.__name__)
def test_lists_that_give_nothing_have_no_adjoint(program):
    gradient = srcad.grad(program, wrt=("k", "x"))
    gradient.check(0.9, X)
    text = gradient.source_for(0.9, X)
    assert "[0.0]" not in text and "0.1 * (x @ dx)" in text
    value, dot = srcad.jvp(program, (0.9, X), 1.0, wrt="k")
    np.testing.assert_allclose(dot, gradient(0.9, X)[0])
    assert value == program(0.9, X)


def looked_back(k, x):
    hist = []
    s = 0.0
    for i in range(12):
        x = x - 0.1 * k * x
        hist.append(np.sum(x**2))
        if i > 1 and hist[-1] < 0.9 * hist[-2]:
            s = s + hist[-2] * hist[-1]
    return s


def filtered(k, x):
    y = []
    for n in range(12):
        acc = k * x[n % 3]
        if n >= 1:
            acc -= 0.3 * y[n - 1]
        if n >= 2:
            acc -= 0.1 * k * y[n - 2]
        y.append(acc)
    return sum(y) * y[-1]


def read_on_one_path(k, x):
    hist = []
    total = 0.0
    for i in range(8):
        hist.append(k * x[i % 3] ** 2)
        if hist[-1] > 0.5:
            total = total + hist[0] * hist[-1]
    return total


def beyond_its_end(k, x):
    hist = []
    for i in range(3):
        hist.append(k * x[i])
    return hist[3]


@pytest.mark.parametrize("program", [looked_back, filtered, read_on_one_path], ids=lambda p: p.__name__)
def test_lists_that_are_looked_back_into(program):
    gradient = srcad.grad(program, wrt=("k", "x"))
    gradient.check(0.9, X)
    np.testing.assert_allclose(srcad.jvp(program, (0.9, X), 1.0, wrt="k")[1], gradient(0.9, X)[0])


def test_an_index_beyond_the_end():
    with pytest.raises(srcad.SrcadError, match="IndexError"):
        srcad.grad(beyond_its_end)(0.9, X)


def arrays_looked_back(k, x):
    hs = []
    for n in range(6):
        h = np.sin(k * x)
        if n >= 2:
            h = h + hs[n - 1] * hs[n - 2]
        hs.append(h)
    return np.sum(hs[-1])


def two_lists(k, x):
    y, z = [], []
    for n in range(7):
        a = k * x[n % 3]
        if n > 0:
            a = a + 0.5 * z[n - 1] * y[n - 1]
        y.append(a)
        z.append(a * a if n % 2 else a)
    return y[-1] * z[3]


def nested_lists(k, x):
    s = 0.0
    for i in range(3):
        y = []
        for n in range(5):
            a = k * x[i] + n
            if n >= 1:
                a = a - 0.1 * y[n - 1]
            y.append(a)
        s = s + y[-1] * y[0]
    return s


def read_in_the_else(k, x):
    y = []
    for n in range(9):
        if n == 0:
            y.append(k * x[0])
        else:
            y.append(y[n - 1] * x[n % 3] + k)
    return y[-1]


def counted_by_data(k, x):
    y = []
    while len(y) < 6:
        a = k * x[len(y) % 3]
        if len(y) > 1 and a < y[-1]:
            a = a + y[-2]
        y.append(a)
    return np.sum(np.array(y) ** 2)


@pytest.mark.parametrize("program", [arrays_looked_back, two_lists, nested_lists, read_in_the_else, counted_by_data], ids=lambda p: p.__name__)
def test_reads_before_what_is_appended(program):
    gradient = srcad.grad(program, wrt=("k", "x"))
    gradient.check(0.9, X)
    np.testing.assert_allclose(srcad.jvp(program, (0.9, X), 1.0, wrt="k")[1], gradient(0.9, X)[0])


def test_a_filter_stays_a_loop():
    assert "    for n in reversed(range(12)):" in srcad.grad(filtered, wrt=("k", "x")).source_for(0.9, X)


def reversed_then_popped(x):
    n, out = 3, []
    while n > 0:
        n -= 1
        out.append(x * n)
    a = np.array(out)[::-1].sum()
    return a + out.pop() ** 2 + out[0]


def comprehended_then_popped(x):
    out = [v * x for v in (1.0, 2.0, 3.0) if v > -x]
    a = np.array(out)[1:].sum()
    y = out.pop()
    return a + (y * out[0] if out else y)


@pytest.mark.parametrize("program", [reversed_then_popped, comprehended_then_popped], ids=lambda f: f.__name__)
def test_arrays_of_lists_that_lose_an_item_later(program):
    srcad.grad(program).check(1.2)


def emptied_while_large(x):
    items, s = [], 0.0
    for v in x:
        items.append(v * v)
    while items and items[-1] > 1:
        s += items.pop() ** 2
    return s


def monotone_stack(x):
    stack, s = [], 0.0
    for v in x:
        while len(stack) > 0 and stack[-1] > v:
            s += stack.pop() * v
        stack.append(v)
    return s + sum(stack)


def guarded_ends(x):
    stack = []
    for v in x:
        if stack and stack[-1] > v:
            stack.pop()
        if not stack or v > stack[-1]:
            stack.append(v * 2)
    return np.sum(np.array(stack) ** 2)


def sum_of_some(x):
    return math.fsum(v * v for v in x if v > 0.6) + max(v * v for v in x)


def from_both_ends(x):
    s = 0.0
    for k, (a, b) in enumerate(zip(x, reversed(x))):
        s += k * a * b ** 2
    return s


def neighbours(x):
    return sum(a * b for a, b in itertools.pairwise(x)) + sum(a * b for a, b in itertools.pairwise([x[0], x[2], x[1]]))


@pytest.mark.parametrize("program", [emptied_while_large, monotone_stack, guarded_ends, sum_of_some, from_both_ends, neighbours], ids=lambda f: f.__name__)
def test_stacks_that_are_asked_whether_they_hold_anything(program):
    gradient = srcad.grad(program)
    for x in ([0.5, 1.5, 0.7, 2.5, 1.2], [2.0, 0.9, 0.7, 1.5], [0.3, 0.2, 0.9], [1.1, 1.2, 1.3, 1.4]):
        gradient.check(np.array(x))


def drawdown(p):
    return np.sum((np.maximum.accumulate(p) - p) ** 2)


def drawdown_by_a_list(p):
    highs, high = [], p[0]
    for i in range(len(p)):
        high = np.maximum(high, p[i])
        highs.append(high)
    return np.sum((np.array(highs) - p) ** 2)


@pytest.mark.parametrize("program", [drawdown, drawdown_by_a_list], ids=lambda f: f.__name__)
def test_no_pass_copies_what_a_loop_adds_to(program):
    gradient, p = srcad.grad(program), np.sin(np.arange(40.0)) + 0.01 * np.arange(40.0)
    gradient.check(p)
    assert "        dp = dp.copy()" not in gradient.source_for(p)


def swapped_rows(M):
    A = M * 1.0
    for k in range(2):
        A[[k, k + 1]] = A[[k + 1, k]]
        A[k + 1] -= A[k] * 0.5
    return np.sum(A**2)


def test_what_lists_of_indices_take_is_no_view():
    gradient, M = srcad.grad(swapped_rows), np.cos(np.arange(9.0)).reshape(3, 3)
    gradient.check(M)
    assert ".copy()" not in gradient.source_for(M)


def is_right_both_ways(f, x):
    found = srcad.grad(f)(x)
    np.testing.assert_allclose(found, [(f(x + h) - f(x - h)) / 2e-6 for h in np.eye(len(x)) * 1e-6], rtol=1e-6, atol=1e-9)
    assert srcad.jvp(f, (x,), (np.ones(len(x)),))[1] == pytest.approx(found.sum())


def moving_average(x):
    held, s = [], 0.0
    for v in x:
        held.append(np.sin(v))
        if len(held) > 2:
            held.pop(0)
        s = s * 0.3 + sum(held) / len(held)
    return s


def queue(x):
    waiting, out = [x[0]], 0.0
    while waiting:
        v = waiting.pop(0)
        out = out + v * v
        if v < 3 and len(waiting) < 3 and out < 50:
            waiting.append(v * 1.5 + 0.2)
    return out


def from_both_ends(x):
    held, s = [], 0.0
    for v in x:
        held.append(v * v)
        held.append(np.sin(v))
        s = s * 0.3 + held.pop(0) * held[-1]
    return s + held.pop(1) * 2 + held[0]


def queue_of_arrays(x):
    waiting, s = [x], 0.0
    for i in range(6):
        z = waiting.pop(0)
        s = s + np.sum(z ** 2)
        waiting.append(np.sin(z) * 0.9)
        if i % 2:
            waiting.append(z * 0.5)
    return s + np.sum(waiting.pop(-1))


@pytest.mark.parametrize("f", [moving_average, queue, from_both_ends, queue_of_arrays], ids=lambda f: f.__name__)
def test_taken_from_the_beginning(f):
    is_right_both_ways(f, X)


def test_places_from_the_end_are_refused():
    def f(x):
        held = []
        for v in x:
            held.append(v)
        return held.pop(-2)

    with pytest.raises(srcad.UnsupportedSyntaxError, match="counted from its beginning"):
        srcad.grad(f)(np.linspace(0, 1, 9))


def last_two(x):
    held, t = [], 0.0
    for v in x:
        held.append(v * v)
        t = t * 0.3 + sum(held[-2:])
    return t * held[0]


def windows(x):
    held, t = [], 0.0
    for i, v in enumerate(x):
        held.append(np.sin(v))
        for k, u in enumerate(held[max(0, i - 2):]):
            t = t * 0.5 + u * x[k]
    return t


def parts_of_parts(x):
    held = []
    for v in x:
        held.append(v * v)
    rest = held[1:]
    inner = rest[:-1]
    return sum(inner) * rest[0] * held[0] + np.mean(held[::-2]) * max(held[:2])


def neighbours(x):
    held = []
    for v in x:
        held.append(np.sin(v))
        if sum(held[-2:]) > 0.5:
            del held[0]
    return sum(a * b for a, b in zip(held, held[1:])) + len(held[2:]) * x[0]


def arrays_sliced(x):
    held = [x]
    for _ in range(6):
        held.append(np.cos(held[-1]) * x)
    a, b = np.array(held[1:]), np.stack(held[::-1])
    return np.sum(a * a) + np.sum(b[0] * b[1])


@pytest.mark.parametrize("f", [last_two, windows, parts_of_parts, neighbours, arrays_sliced], ids=lambda f: f.__name__)
def test_slices(f):
    is_right_both_ways(f, np.array([0.5, 1.2, -0.7, 0.4, 0.9]))


def test_a_part_is_not_changed():
    def f(x):
        held = []
        for v in x:
            held.append(v)
        rest = held[1:]
        rest.append(x[0])
        return sum(rest)

    with pytest.raises(srcad.UnsupportedSyntaxError, match="a part of a list that grows"):
        srcad.grad(f)(np.linspace(0, 1, 9))


@pytest.mark.parametrize("counts", [(0, 2), (2, 0), (0, 9, 1)])
def test_no_passes_at_first(counts):
    def decayed(x, n):
        held = []
        for _ in range(n):
            x = x * 0.9
            held.append(x)
        return x + sum(held) + (held[0] if held else 0.0)

    def lagged(x, p):
        t = 0.0
        for k in range(3):
            t = t * 0.5 + x + sum(0.1 * x for j in range(1, p + 1) if k - j >= 0)
        return t

    for f in (decayed, lagged):
        gradient = srcad.grad(f)
        for n in counts:
            assert gradient(2.0, n)[0] == pytest.approx((f(2.0 + 1e-6, n) - f(2.0 - 1e-6, n)) / 2e-6)
