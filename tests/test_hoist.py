"""Parts of adjoints that a loop adds to, as views made before it; outer products as one product after it; gates."""
import numpy as np
import pytest

import srcad

rng = np.random.default_rng(0)


def heat(u, k, steps):
    u = u.copy()
    for _ in range(steps):
        u[1:-1] += k * (u[2:] - 2 * u[1:-1] + u[:-2])
    return np.sum(u * u)


def heat_2d(u, k, steps):
    u = u.copy()
    for _ in range(steps):
        u[1:-1, 1:-1] += k * (u[2:, 1:-1] + u[:-2, 1:-1] + u[1:-1, 2:] + u[1:-1, :-2] - 4 * u[1:-1, 1:-1])
    return np.sum(u * u)


def new_in_every_pass(u, steps):
    for _ in range(steps):
        new = u.copy()
        new[1:-1] = np.sin(u[2:]) + u[:-2] * new[1:-1]
        u = new
    return np.sum(u * u)


def swapped(u, v, steps):
    for _ in range(steps):
        v = v.copy()
        v[1:-1] = 0.5 * (u[2:] + u[:-2])
        u, v = v, u
    return np.sum(u * v)


def nested(u, steps):
    u = u.copy()
    for i in range(steps):
        for _ in range(2):
            u[1:] += 0.1 * u[:-1] ** 2
        if i % 2:
            u[1:] *= u[:-1]
    return np.sum(u)


def in_a_while(u):
    u = u.copy()
    while np.sum(u) < 20.0:
        u[1:] += 0.3 * np.exp(0.1 * u[:-1])
    return np.sum(u * u)


def columns(a):
    a = a.copy()
    for _ in range(3):
        a[:, 0] += np.sin(a[:, 1])
        a[0, :] -= 0.2 * a[1, :]
    return np.sum(a * a)


@pytest.mark.parametrize("program, args", [
    (heat, (rng.random(6), 0.1, 4)), (heat_2d, (rng.random((5, 4)), 0.1, 3)), (new_in_every_pass, (rng.random(6), 3)), (swapped, (rng.random(6), rng.random(6), 3)),
    (nested, (rng.random(5), 3)), (in_a_while, (rng.random(5),)), (columns, (rng.random((3, 4)),)),
], ids=lambda v: getattr(v, "__name__", ""))
def test_views_before_loops(program, args):
    srcad.grad(program).check(*args)


def test_their_names_and_lines():
    text = srcad.grad(heat_2d, wrt="u").source_for(np.ones((5, 4)), 0.1, 3)
    assert "du_north = du[:-2, 1:-1]" in text and "        du_north += ddiff" in text and "ddiff = k * du_inner" in text
    text = srcad.grad(heat, wrt="u").source_for(np.ones(5), 0.1, 3)
    assert "    du_left, du_right, du_inner = du[:-2], du[2:], du[1:-1]\n    for" in text


def stepped(w, y, steps, dt):
    for _ in range(steps):
        k1 = np.tanh(w @ y)
        k2 = np.tanh(w @ (y + dt * k1))
        y = y + 0.5 * dt * (k1 + k2)
    return y @ y


def recurrent(w, u, xs, h):
    for t in range(len(xs)):
        h = np.tanh(w @ h + u @ xs[t])
    return np.sum(h * h)


def stored(w, xs, h0):
    steps, size = xs.shape
    h = np.zeros((steps + 1, size))
    h[0] = h0
    for t in range(steps):
        h[t + 1] = np.tanh(w @ h[t] + xs[t])
    return np.sum(h * h)


def narrow(w, u, xs, h):
    for t in range(xs.shape[0]):
        h = np.tanh(u @ np.tanh(w @ h) + xs[t])
    return np.sum(h)


def by_one_sign(w, v, xs):
    s = 0.0
    for t in range(len(xs)):
        s = s + np.sum(np.sin(w @ xs[t])) - np.sum(np.cos(w @ v))
    return s


def twice(w, xs, h):
    for _ in range(2):
        for t in range(len(xs)):
            h = np.tanh(w @ h + xs[t])
    return np.sum(h)


OUTERS = [
    (stepped, [(3, 3), (3,)], (4, 0.1), ["dw += np.array(dw_totals).T @ np.array(totals)"]),
    (recurrent, [(3, 3), (3, 2), (4, 2), (3,)], (), ["h = hs[t]", "dw = dtotals.T @ np.array(hs)", "du = dtotals.T @ xs"]),
    (stored, [(3, 3), (4, 3), (3,)], (), ["dw = dxs.T @ h[:steps]"]),
    (narrow, [(2, 3), (3, 2), (4, 3), (3,)], (), ["tanh_w_hs[t] = ", "du = dxs.T @ tanh_w_hs"]),
    (by_one_sign, [(3, 3), (3,), (4, 3)], (), []),
    (twice, [(3, 3), (4, 3), (3,)], (), []),
]


@pytest.mark.parametrize("program, shapes, more, lines", OUTERS, ids=lambda v: getattr(v, "__name__", ""))
def test_outer_products_after_the_loop(program, shapes, more, lines):
    for empty in (False, True):
        args = [rng.random((0, *s[1:]) if empty and s[0] == 4 else s) for s in shapes]
        gradient = srcad.grad(program, wrt=tuple(range(len(shapes))))
        gradient.check(*args, *more)
        text = gradient.source_for(*args, *more)
        assert empty or all(line in text for line in lines), text


def between(w, xs, h):
    for t in range(len(xs) - 1):
        h = np.tanh(w @ np.sin(h) + xs[t + 1] - xs[t])
    return np.sum(h)


def used_twice(w, xs, h):
    for t in range(len(xs)):
        h = np.tanh(w @ np.sin(w @ h) + xs[t])
    return np.sum(h)


@pytest.mark.parametrize("rows", [4, 1, 0, 2])
def test_two_products_in_a_pass(rows):
    gradient = srcad.grad(used_twice)
    for size in (3, rows, 2):
        gradient.check(rng.random((2, 2)), rng.random((size, 2)), rng.random(2))
    gradient = srcad.grad(stepped, wrt=(0, 1))
    for steps in (3, 0, 1, -1):
        gradient.check(rng.random((3, 3)), rng.random(3), steps, 0.1)


@pytest.mark.parametrize("rows", [4, 1, 0, 2])
def test_passes_that_are_fewer_than_rows(rows):
    gradient = srcad.grad(between)
    for size in (3, rows, 2):
        gradient.check(rng.random((2, 2)), rng.random((size, 2)), rng.random(2))
    assert "np.empty((len(xs) - 1, " in gradient.source_for(rng.random((2, 2)), rng.random((3, 2)), rng.random(2))


@pytest.mark.parametrize("steps", [0, 1, 3])
def test_no_passes_after_some(steps):
    gradient = srcad.grad(narrow, wrt=(0, 1, 2, 3))
    for rows in (3, steps, 2):
        gradient.check(rng.random((2, 3)), rng.random((3, 2)), rng.random((rows, 3)), rng.random(3))


def test_a_power_of_what_changes_in_between():
    def f(x):
        y = x.copy()
        p = y * y
        y[0] = 7.0 * x[1]
        q = p * y
        return np.sum(q)

    srcad.grad(f).check(np.array([1.0, 2.0, 3.0]))


@pytest.mark.parametrize("expression", ["0.5 * x * x", "x * 0.5 * x", "x * w * x", "w * x * x * x", "x * (w * x)", "(w * x) * (x * w)", "w * w * x * x", "x * x * (x * x)", "0.5 * 2 * x * x", "x * x * w * w"])
def test_multiples_of_powers(expression):
    space = {"np": np}
    program = f"def f(x, w):\n    return np.sum({expression})\n"
    import linecache

    linecache.cache[expression] = (len(program), None, program.splitlines(True), expression)
    exec(compile(program, expression, "exec"), space)
    for shapes in [((3,), (3,)), ((2, 3), (3,)), ((3,), (2, 3)), ((), ())]:
        srcad.grad(space["f"], wrt=(0, 1) if "w" in expression else 0).check(*(rng.random(s) if s else float(rng.random()) for s in shapes))
    text = srcad.grad(space["f"], wrt=0).source_for(np.ones(3), np.ones(3))
    assert expression != "0.5 * x * x" or "dx = x.copy()" in text, text


def log_of_ratio(x, y):
    return np.sum(np.log(x / y) * x)


def log_of_ratio_changed(x, y):
    z = x.copy()
    w = np.log(z / y)
    z[0] = 5.0
    return np.sum(w * z)


@pytest.mark.parametrize("program", [log_of_ratio, log_of_ratio_changed])
def test_the_logarithm_of_a_ratio(program):
    srcad.grad(program).check(rng.random(4) + 0.5, rng.random(4) + 0.5)
    assert "dw / y" in srcad.grad(program).source_for(np.ones(4), np.ones(4)) or program is log_of_ratio


def rows_of_two_kinds(w, u, x, steps):
    h = np.zeros((steps + 1, 3))
    h[0] = x
    k = np.ones((steps + 1, 2))
    for t in range(steps):
        k[t + 1] = np.sin(h[t] @ u)
        h[t + 1] = np.tanh(h[t] @ w) + k[t].sum()
    return np.sum(h * h) + np.sum(k)


@pytest.mark.parametrize("steps", [0, 1, 4])
def test_rows_of_arrays_that_the_program_fills(steps):
    srcad.grad(rows_of_two_kinds, wrt=(0, 1, 2)).check(rng.random((3, 3)), rng.random((3, 2)), rng.random(3), steps)
