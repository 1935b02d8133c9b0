"""Memory: functions of which only the arguments are kept."""
from __future__ import annotations

import numpy as np
import pytest

import srcad


@srcad.checkpoint
def layer(x, w):
    z = np.tanh(x @ w)
    return z * np.exp(-z * z)


def network(x, w1, w2):
    return np.sum(layer(layer(x, w1), w2) ** 2)


def plain_network(x, w1, w2):
    def inner(x, w):
        z = np.tanh(x @ w)
        return z * np.exp(-z * z)

    return np.sum(inner(inner(x, w1), w2) ** 2)


@srcad.checkpoint
def cubed(y):
    return np.sum(y**3)


def written_between(x):
    y = x.copy()
    total = 0.0
    for _ in range(3):
        total += cubed(y)
        y[0] = total
        y *= 2
    return total


def where_it_is_called(x):
    return srcad.checkpoint(cubed)(x) + cubed(2 * x)


RANDOM = np.random.default_rng(0)
X, W, V = RANDOM.normal(size=(2, 3)), RANDOM.normal(size=(3, 3)), 0.1 * RANDOM.normal(size=3)


def test_it_runs_the_function():
    assert layer(X, W).shape == (2, 3) and layer.__name__ == "layer"


def test_the_gradient_is_that_of_the_function():
    for found, wanted in zip(srcad.grad(network)(X, W, W.T), srcad.grad(plain_network)(X, W, W.T)):
        np.testing.assert_allclose(found, wanted, rtol=1e-12)
    srcad.check_grad(written_between, V)
    srcad.check_grad(where_it_is_called, V)


def test_only_the_arguments_are_kept():
    text = srcad.grad(network).source_for(X, W, W.T)
    forward = text[text.index("def network_grad") :].partition("# backprop")[0]
    assert "tanh" not in forward and "_cache" not in forward
    assert "layer_forward(" in text[text.index("def network_grad") :].partition("# backprop")[2]


@pytest.mark.parametrize("body", [lambda x: x * np.random.normal(), lambda x: print(x) or x])
def test_what_must_not_run_twice_is_refused(body):
    twice = srcad.checkpoint(body)
    with pytest.raises(srcad.SrcadError, match="runs twice"):
        srcad.grad(lambda x: twice(x))(1.0)


def recurrent(W, X, h):
    for t in range(X.shape[0]):
        h = np.tanh(W @ h + X[t])
    z = np.exp(h)
    return np.sum(z * h)


def test_the_report_names_what_is_kept():
    report = srcad.grad(recurrent).memory(np.eye(30), np.ones((50, 30)), np.ones(30))
    first = recurrent.__code__.co_firstlineno
    assert (report[0].name, report[0].line, report[0].what) == ("hs", first + 2, "list of 50, each 30 float64")
    assert report[0].bytes > 50 * 30 * 8 and report.bytes == sum(k.bytes for k in report)
    assert ("z", 240, first + 3) in [(k.name, k.bytes, k.line) for k in report]
    assert str(report).splitlines()[0].split() == ["variable", "bytes", "line", "what"]


def test_a_checkpoint_keeps_less():
    x, w = np.ones((200, 3)), np.eye(3)

    def twice(x, w1, w2):
        z = np.tanh(x @ w1)
        h = z * np.exp(-z * z)
        z = np.tanh(h @ w2)
        h = z * np.exp(-z * z)
        return np.sum(h**2)

    assert srcad.grad(network).memory(x, w, w).bytes < 0.4 * srcad.grad(twice).memory(x, w, w).bytes


# ---- loops

def branching(x, n=10):
    a, b = x, 2 * x
    for i in range(1, n):
        if a > b:
            a, b = np.sin(b), a * 0.9
        else:
            a = a * b / i
    return a + b


def products(W, X, h):
    for t in range(X.shape[0]):
        z = W @ h + X[t]
        h = np.tanh(z) * np.sin(z)
    return np.sum(h * h)


def turned(x):
    for i in reversed(range(7)):
        x = np.sin(x) * i + x
    return np.sum(x)


def without_index(x):
    s = x * 2
    for _ in range(5):
        s = s + x[0] * np.sum(s)
    return x @ s


@pytest.mark.parametrize("option", ["sqrt", 1, 3, 100])
@pytest.mark.parametrize(("f", "args"), [
    (without_index, (V,)), (branching, (1.3,)), (turned, (V,)), (recurrent, (W, RANDOM.normal(size=(13, 3)), V)), (products, (W, RANDOM.normal(size=(13, 3)), V)), (products, (W, np.zeros((0, 3)), V)),
])
def test_loops_in_stretches_have_the_same_gradient(f, args, option):
    wanted = srcad.grad(f)(*args)
    gradient = srcad.grad(f, checkpoint=option)
    out, cache = gradient.forward(*args)
    for found in (gradient(*args), gradient.backward(1.0, cache)):
        for got, want in zip(np.atleast_1d(found) if isinstance(found, float) else found, np.atleast_1d(wanted) if isinstance(wanted, float) else wanted):
            np.testing.assert_allclose(got, want, rtol=1e-12)


def test_loops_in_stretches_keep_as_many_states_as_asked_for():
    args = (W, RANDOM.normal(size=(100, 3)), V)
    assert srcad.grad(products, checkpoint=4).memory(*args)[0].what == "list of 4, each 3 float64"
    assert srcad.grad(products, checkpoint="sqrt").memory(*args)[0].what == "list of 10, each 3 float64"


def in_place(x):
    y = x.copy()
    for i in range(1, len(y)):
        y[i] = np.sin(y[i - 1]) * y[i]
    return y.sum()


def data_ends_it(x):
    while x < 5.0:
        x = x * x + 1.0
    return x


def drawing(x):
    for _ in range(3):
        x = np.sin(x) * np.random.normal()
    return x


def left_early(x):
    for i in range(9):
        x = x * x + 0.1 * i
        if x > 3.0:
            break
    return x


def written_after(x):
    c = np.sin(x)
    s = 0.1
    for _ in range(3):
        s = s + np.sin(s) * np.sum(c * c)
    c[0] = 5.0
    return s + c[1]


def view_written_after(x):
    c = x * 2
    v = c[:1]
    s = x[1]
    for _ in range(5):
        s = s + np.sin(s * v[0])
    c *= 3
    return s * c[0]


@pytest.mark.parametrize(("f", "arg", "reason"), [
    (written_after, V, "reads what this has changed"), (view_written_after, V, "reads what this has changed"),
    (in_place, V, "changes arrays in place"), (data_ends_it, 1.5, "for `for` loops"), (drawing, 1.0, "draws numbers"), (left_early, 1.1, "left early"),
])
def test_loops_that_cannot_be_run_again_are_refused(f, arg, reason):
    with pytest.raises(srcad.SrcadError, match=reason):
        srcad.grad(f, checkpoint="sqrt")(arg)


def test_other_options_are_refused():
    with pytest.raises(srcad.SrcadError, match="'sqrt' or a number of snapshots"):
        srcad.grad(products, checkpoint="half")
