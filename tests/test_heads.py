"""Loops over arrays as they are written, reductions as methods, zeros that come after a product, blocks that no two passes share."""
import numpy as np
import pytest

import srcad

rng = np.random.default_rng(0)
X, Y, A = rng.standard_normal(5), rng.standard_normal(5), rng.standard_normal((4, 3))


def leaky(x):
    s = 0.0
    for v in x:
        if v > 0:
            s += v * v
        elif v < -1:
            s -= np.exp(v)
    return s


def polynomial(x):
    s = 0.0
    for i, v in enumerate(x):
        s = s * v + i
    return s


def together(x, y):
    s = 0.0
    for v, w in zip(x, y):
        if v > w:
            s += v * w
        else:
            s -= v / (2 + w * w)
    return s


def shorter(x, y):
    s = 0.0
    for i, (v, w) in enumerate(zip(x[:3], y)):
        s += v * w * i if v > w else w * w
    return s


def given_anew(x):
    s = 0.0
    for v in x:
        v = 2 * v
        s += v * v
    return s


def array_given_anew(x):
    s = 0.0
    for v in x:
        s += v * v
        x = 2 * x
    return s + np.sum(x)


def array_that_changes(x):
    x = x.copy()
    s = 0.0
    for v in x:
        s += v * v
        x[1:] *= 0.9
    return s + np.sum(x * x)


def read_afterwards(x):
    s = 0.0
    for i, v in enumerate(x):
        s += v * v * v * (i + 1)
    return s * v * (i + 1)


def rows(A, w):
    s = 0.0
    for row in A:
        for v in row:
            s += np.sin(v) if v > 0 else v * v
        s += np.tanh(row @ w)
    return s


def stops(x):
    s = 1.0
    for v in x:
        if v > 1:
            break
        if v < -1:
            continue
        s *= 1 + v * v
    return s


def from_the_end(x):
    s = 0.0
    for v in reversed(x):
        s = s * v + 1 if v > 0 else s - v * v
    return s


def neighbours(x):
    s = 0.0
    for i in range(len(x)):
        v = x[i]
        if v > 0:
            s += v * x[i - 1]
    return s


def own_names(x, zip, enumerate):
    s = 0.0
    for i in range(len(x)):
        v, w = x[i], x[i] * zip
        s += v * w * i if v > enumerate else w
    return s


def inner_names(x):
    squares = [v * v for v in x]
    s = 0.0
    for v in x:
        s += v * sum(squares) if v > 0 else np.sum(np.array([v * w for w in x]))
    return s


def in_a_loop(x):
    s = 0.0
    for k in range(3):
        for i, v in enumerate(x):
            s += k * v * v if v > 0 else s * v * 0.1 * i
    return s


@pytest.mark.parametrize("program, args", [
    (leaky, (X,)), (polynomial, (X,)), (together, (X, Y)), (shorter, (X, Y)), (given_anew, (X,)), (array_given_anew, (X,)), (array_that_changes, (X,)),
    (read_afterwards, (X,)), (rows, (A, Y[:3])), (stops, (0.9 * X,)), (from_the_end, (X,)), (neighbours, (X,)), (own_names, (X, 0.5, 0.1)), (inner_names, (X,)), (in_a_loop, (X,)),
], ids=lambda v: getattr(v, "__name__", ""))
def test_loops_over_arrays(program, args):
    gradient = srcad.grad(program, wrt=tuple(range(len(args))))
    gradient.check(*args)
    if program is not read_afterwards:
        gradient.check(*(a[:0] if np.ndim(a) == 1 and program is not rows else a for a in args))
    gradient.check(*args)


def test_their_text():
    text = srcad.grad(leaky).source_for(X)
    assert "    for i, v in enumerate(x):\n        if v > 0:\n" in text
    assert "for i, (v, w) in enumerate(zip(x, y)):" in srcad.grad(together).source_for(X, Y)
    text = srcad.grad(polynomial).source_for(X)
    assert "    for i, v in enumerate(x):\n        saved.append(s)\n        s = s * v + i\n" in text and "for i in reversed(range(len(x))):" in text
    assert "    for row in A:\n" in srcad.grad(rows).source_for(A, Y[:3])
    assert "for i in range(len(x)):" in srcad.grad(neighbours).source_for(X) or "for i in reversed(range(len(x))):" in srcad.grad(neighbours).source_for(X)


def iterated(x, n):
    for _ in range(n):
        x = x * (1 - x)
    return x


def test_a_loop_over_what_was_kept():
    text = srcad.grad(iterated, wrt="x").source_for(0.3, 4)
    assert "    for x in reversed(xs):\n" in text and "pop" not in text
    for steps in (0, 1, 5):
        srcad.grad(iterated, wrt="x").check(0.3, steps)


# ---- reductions as methods


def reductions(x):
    total = np.sum(x, axis=0)
    highest = np.max(x, 1, keepdims=True)
    return np.sum(np.exp(x - highest) * total) + np.mean(total) - np.min(x)


def a_number_or_an_array(x):
    s = 0.0
    for v in x:
        s = s + v * x
        s = s / (1 + np.sum(s * s))
    return np.sum(s) + np.sum(2.0) + np.max([1.0, 2.0])


def a_list(x):
    parts = [x[0], x[1] * x[2]]
    return np.sum(parts) * np.max(parts)


def shadowed(x):
    squared = [np.sum(x) for x in (x, 2 * x)]
    return squared[0] * squared[1]


@pytest.mark.parametrize("program, arg", [(reductions, A), (a_number_or_an_array, X), (a_list, X), (shadowed, X)], ids=lambda v: getattr(v, "__name__", ""))
def test_reductions(program, arg):
    srcad.grad(program).check(arg)


def test_reductions_of_names_are_methods():
    text = srcad.grad(reductions).source_for(A)
    assert "total = x.sum(axis=0)" in text and "highest = x.max(1, keepdims=True)" in text


# ---- zeros after a product


def hinge(scores, y):
    n = len(y)
    margins = np.maximum(0, scores - scores[np.arange(n), y][:, None] + 1.0)
    margins[np.arange(n), y] = 0
    return np.sum(margins) / n


def clipped(x):
    y = np.exp(x)
    y[x > 0.5] = 0
    return y.sum()


def first_and_last(x):
    y = np.tanh(x)
    y[0] = 1.0
    y[-1] = 2.0
    return np.mean(y)


def twice_read(x):
    y = np.sin(x)
    y[0] = 0.0
    return np.sum(y) + y[1] * y[2]


def broadcast(x, A):
    y = x * A
    y[1:, 0] = 0.0
    return np.sum(y)


def index_that_moves(x):
    k = 0
    y = x * x
    y[k] = 0.0
    k = 1
    y[k] = 3.0
    return np.sum(y)


def single(x):
    y = np.exp(x)
    y[1:3] = 0
    return y.sum()


def in_passes(A):
    total = 0.0
    for row in A:
        y = row * row * row
        y[0] = 0.0
        total += np.sum(y)
    return total


@pytest.mark.parametrize("program, args", [
    (hinge, (A, np.array([0, 2, 1, 1]))), (clipped, (X,)), (first_and_last, (X,)), (twice_read, (X,)), (broadcast, (X[:3], A)), (index_that_moves, (X,)), (in_passes, (A,)),
], ids=lambda v: getattr(v, "__name__", ""))
def test_zeros_after_a_product(program, args):
    srcad.grad(program, wrt=0).check(*args)
    if program is broadcast:
        srcad.grad(program, wrt=1).check(*args)


def test_their_dtype():
    found = srcad.grad(single)(X.astype(np.float32))
    assert found.dtype == np.float32 and np.allclose(found, np.where([1, 0, 0, 1, 1], np.exp(X), 0))


def test_their_lines():
    text = srcad.grad(hinge, wrt=0).source_for(A, np.array([0, 2, 1, 1]))
    assert "np.full" not in text and "    ddiff = (margins > 0) / n\n    ddiff[arange_n, y] = 0\n" in text
    assert "    dx = y.copy()\n" in srcad.grad(clipped).source_for(X)


# ---- blocks of their own


def blocks_of_two(x):
    return sum(np.sum(np.sin(x[2 * i : 2 * i + 2])) ** 2 for i in range(len(x) // 2))


def by_size(x, k):
    s = 0.0
    for i in range(3):
        s += np.sum(np.sin(x[i * k : (i + 1) * k])) ** 2
    return s


def size_that_moves(x):
    s, k = 0.0, 4
    for i in range(3):
        s += np.sum(np.sin(x[i * k : (i + 1) * k])) ** 2
        k = 3
    return s


def sizes_in_turn(x):
    s = 0.0
    for i in range(3):
        for k in range(1, 4):
            s += np.sum(np.sin(x[i * k : (i + 1) * k])) ** 2
    return s


def overlapping(x):
    s = 0.0
    for i in range(3):
        s += np.sum(np.sin(x[2 * i : 2 * i + 3])) ** 2
    return s


@pytest.mark.parametrize("program, more", [(blocks_of_two, ()), (by_size, (3,)), (by_size, (-3,)), (by_size, (0,)), (size_that_moves, ()), (sizes_in_turn, ()), (overlapping, ())],
                         ids=lambda v: getattr(v, "__name__", str(v)))
def test_blocks(program, more):
    srcad.grad(program, wrt="x").check(rng.standard_normal(13), *more)


def test_only_blocks_of_their_own_are_stored():
    x = rng.standard_normal(13)
    assert "dx[i * k:(i + 1) * k] = " in srcad.grad(by_size, wrt="x").source_for(x, 3)
    for program in (size_that_moves, sizes_in_turn, overlapping):
        assert "] += " in srcad.grad(program).source_for(x)
