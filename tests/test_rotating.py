"""Loops that hand arrays on from name to name, `u_prev, u = u, u_next`, and write into what each pass has made."""
import numpy as np
import pytest

import srcad


def wave(u0, c):
    p = u0.copy()
    u = u0 * 2.0
    for _ in range(4):
        n = 2 * u - p
        n[1:-1] += c * (u[2:] - u[:-2]) * p[1:-1]
        p, u = u, n
    return np.sum(u ** 2 * p)


def head_written_too(u0, c):   # write into head too
    p = u0.copy()
    u = u0 * 2.0
    for _ in range(4):
        n = 2 * u - p
        n[1:-1] += c * (u[2:] - u[:-2])
        u[0] = c * n[1]
        p, u = u, n
    return np.sum(u ** 2 * p)


def written_after_it_is_handed_on(u0, c):
    p = u0.copy()
    u = u0 * 2.0
    for _ in range(4):
        n = np.zeros_like(u)
        n[1:-1] = c * u[2:] * p[:-2]
        n[0] = n[1] ** 2
        p = u
        u = n
        n[-1] = c * p[0]
    return np.sum(u ** 2 * p)


def written_after_the_loop(u0, c):
    p = u0.copy()
    u = u0 * 2.0
    for _ in range(4):
        n = u * p
        n[1:-1] += c * u[2:]
        p, u = u, n
    n[0] = 5.0 * c
    u[1] = n[0] * p[1]
    return np.sum(u ** 2 * p)


def three_levels(u0, c):
    a = u0.copy()
    b = u0 * 2.0
    d = np.sin(u0)
    for _ in range(5):
        e = a + b * d
        e[1:] *= c
        e[0] = a[1] * d[0]
        a, b, d = b, d, e
    return np.sum(a * b * d)


def one_of_two_by_counter(u0, c):
    p = u0.copy()
    u = u0 * 2.0
    for i in range(5):
        n = 2 * u - p
        n[1:-1] += c * (u[2:] - u[:-2])
        if i % 2 == 0:
            p, u = u, n
        else:
            p = n
    return np.sum(u ** 2 * p)


def one_of_two_by_data(u0, c):
    p = u0.copy()
    u = u0 * 2.0
    for _ in range(5):
        n = 2 * u - p
        n[1:-1] += c * (u[2:] - u[:-2])
        if np.sum(n) > 1.0:
            p, u = u, n
        else:
            p = n
    return np.sum(u ** 2 * p)


def nested(u0, c):
    p = u0.copy()
    u = u0 * 2.0
    for _ in range(3):
        for _ in range(2):
            n = 2 * u - p * c
            n[1:-1] += c * (u[2:] - u[:-2])
            p, u = u, n
        u = u * 0.5
        u[0] += c
    return np.sum(u ** 2 * p)


def kept_in_a_list(u0, c):
    p = u0.copy()
    u = u0 * 2.0
    kept = []
    for _ in range(4):
        n = 2 * u - p
        n[1:-1] += c * (u[2:] - u[:-2])
        kept.append(n)
        p, u = u, n
        n[0] *= 2.0
    return np.sum(u ** 2 * p) + np.sum(kept[1] * kept[2])


def written_through_the_new_name(u0, c):   # v written before it is anything
    u = u0.copy()
    v = u0 * 2.0
    for _ in range(4):
        n = u * v
        u = v
        v = n
        n[0] = c * u[1]
        u[1] = v[0]
    return np.sum(u ** 2 * v)


def a_view_is_handed_on(u0, c):   # view handed on
    u = u0.copy()
    p = u0 * 3.0
    for _ in range(3):
        n = np.zeros(len(u0) + 1)
        n[1:] = u * c
        n[0] = p[0]
        p = u
        u = n[1:]
    return np.sum(u ** 2 * p)


def in_a_while(u0, c):
    u = u0.copy()
    p = u0 * 3.0
    i = 0
    while i < 4:
        n = u + c * p
        n[::2] *= u[::2]
        p, u = u, n
        i += 1
    return np.sum(u ** 2 * p)


def from_an_argument(u0, c):   # argument itself is the head
    u = u0
    p = u0
    for _ in range(4):
        n = u + c * p
        n[0] = u[1] * p[2]
        p, u = u, n
    return np.sum(u ** 2 * p)


def from_one_memory(u0, c):
    u = u0.copy()
    p = u
    for _ in range(4):
        n = u + c * p
        n[0] = u[1] * p[2]
        p, u = u, n
    return np.sum(u ** 2 * p)


def with_a_break(u0, c):   # break
    u = u0.copy()
    p = u0 * 1.5
    for _ in range(6):
        n = u + c * p
        n[0] = u[1] * p[2]
        if np.sum(n * n) > 30:
            break
        p, u = u, n
    return np.sum(u ** 2 * p) + np.sum(n)


def old_one_written(u0, c):   # old one written afterwards
    u = u0.copy()
    p = u0 * 1.5
    for _ in range(4):
        n = u + c * p
        n[0] = u[1] * p[2]
        p, u = u, n
        p[1] = u[0] * c
    return np.sum(u ** 2 * p)


def two_back(u0, c):   # returned alias
    u = u0.copy()
    p = u0 * 1.5
    q = p
    for _ in range(4):
        n = u + c * p
        n[0] = u[1] * p[2]
        q = p
        p, u = u, n
    return np.sum(u ** 2 * p * q)


def written_through_a_view(u0, c):
    u = u0.copy()
    p = u0 * 1.5
    for _ in range(4):
        n = u + c * p
        m = n[1:]
        m *= 2.0
        n[0] = u[1] * m[0]
        p, u = u, n
    return np.sum(u ** 2 * p)


def both_the_same(u0, c):   # same memory both
    u = u0.copy()
    p = u0 * 1.5
    for _ in range(4):
        n = u + c * p
        n[0] = u[1] * p[0]
        u = n
        p = n
    return np.sum(u ** 2 * p)


def last_one_written(u0, c):  # next pass writes into last pass' array through another name
    u = u0.copy()
    last = u0 * 1.0
    for _ in range(4):
        n = u * c
        n[0] = last[1]
        last[2] = n[1]
        u = n + last
        last = n
    return np.sum(u ** 2 * last)


def ping_pong(u0, c):
    cur = u0.copy()
    nxt = np.zeros_like(u0)
    for _ in range(4):
        nxt[1:-1] = c * (cur[2:] + cur[:-2])
        nxt[0] = cur[0]
        cur, nxt = nxt, cur
    return np.sum(cur ** 2 * nxt)


def by_a_helper(u0, c):
    p = u0.copy()
    u = u0 * 2.0
    for _ in range(3):
        def step(u, p):
            n = 2 * u - p
            n[1:-1] += c * u[2:]
            return n
        p, u = u, step(u, p)
    return np.sum(u ** 2 * p)


def in_a_dict(u0, c):
    s = {'p': u0.copy(), 'u': u0 * 2.0}
    for _ in range(4):
        n = 2 * s['u'] - s['p']
        n[1:-1] += c * s['u'][2:]
        s['p'], s['u'] = s['u'], n
    return np.sum(s['u'] ** 2 * s['p'])


LOOPS = [wave, written_after_it_is_handed_on, three_levels, one_of_two_by_counter, one_of_two_by_data, nested, a_view_is_handed_on, in_a_while, from_an_argument, from_one_memory, with_a_break, two_back, written_through_a_view, both_the_same, last_one_written, by_a_helper, in_a_dict]
WRITTEN_OUT = [head_written_too, written_after_the_loop, kept_in_a_list, written_through_the_new_name, old_one_written, ping_pong]


@pytest.mark.parametrize("program", [*LOOPS, *WRITTEN_OUT], ids=lambda p: p.__name__)
def test_gradients(program):
    u0 = 0.3 + 0.5 * np.random.default_rng(0).random(5)
    gradient = srcad.grad(program, wrt=("u0", "c"))
    gradient.check(u0, 0.4)
    assert srcad.value_and_grad(program, wrt="u0")(u0, 0.4)[0] == program(u0, 0.4)
    text = gradient.source_for(u0, 0.4)
    assert (program in LOOPS) == ("    for " in text or "    while " in text)
