"""Programs with loops, branches, writes and lists that once had a wrong gradient or none: each as small as it can be."""
from __future__ import annotations

import copy
import math

import numpy as np
import pytest

import srcad


def return_inside_a_while(x):
    n = 0
    while x > 0.01 and n < 20:
        x = x * 0.9 if x > 1 else x - x ** 3
        n += 1
        if n == 7:
            return x * n
    return x


def return_of_an_argument_in_a_loop(x):
    for _ in range(2):
        return x
    return 0.5


def loop_that_always_breaks(w):
    s = 0.4
    for _m in range(1, len(w) - 1):
        s *= w[1]
        break
    return s


def array_rebound_after_a_write(x):
    y = x * 1.5
    z = x * 2
    for m in range(4):
        y[m] += np.cos(x[-1])
        x[3 - m] = y.sum()
        y = np.tanh(z)
    return x.sum()


def buffers_that_change_places(x):
    u = x.copy()
    v = np.zeros_like(u)
    for _t in range(5):
        v[:] = u * u * 0.5 + x
        u, v = (v, u)
    return (u * v).sum()


def bubble_sort(x):
    n = len(x)
    for i in range(n):
        for j in range(n - 1 - i):
            if x[j] > x[j + 1]:
                x[j], x[j + 1] = (x[j + 1], x[j])
    return (x * np.array([1, 2, 3, 4.0])).sum()


def walrus_in_a_while_test(x):
    n = np.sum(x)
    while (m := n) < 10:
        n = n * 2 + x[0]
    return m


def value_of_a_loop_variable(x):
    s = 0.0
    for i in range(3, -1, -2):
        s = s * x[i] + x[i]
    return s * s


def captures_in_a_match(x, pair):
    match pair:
        case [a, b]:
            return x * a + b * b
        case _:
            return x


def shrinking_view(x):
    v = x
    s = 1.0
    while len(v) > 0:
        s = s * v[0] + v.sum()
        v = v[1:]
    return s


def zero_dimensional_memory(x):
    y = np.zeros(())
    y += x[2]
    y[...] *= x[3]
    return float(y) + y


def writes_through_reshape_and_ravel(m):
    y = m * 1
    r = y.ravel()
    q = y.reshape(3, 2)
    q[1] *= m[0, 1]
    r[3] = m[0, 0]
    return (y * y).sum() + (r * r).sum()


def overlapping_slices(x):
    x[1:3] = np.sin(x[2:])
    return x.sum()


def list_that_grows_while_it_is_looped_over(x):
    items = [x[0], x[1]]
    s = 0.0
    for v in items:
        if len(items) < 6:
            items.append(v * x[2])
        s += v * v
    return s


def any_of_a_generator(x):
    return x.sum() * any(v > 1 for v in x) + x[0]


def index_that_wraps_round(x):
    y = np.ones(4) * 2
    for i in range(4):
        y[i] = y[i - 1] * x[i]
    return y.sum()


def alias_rebound_in_a_loop(x):
    y = x * 1.5
    z = x * 1.0
    for _i in range(3):
        z -= x
        z = y
    return y.sum()


def break_in_a_reversed_range(x):
    z = np.zeros(4)
    for k in reversed(range(3)):
        if k % 2 == 0:
            break
        for j in range(k + 1, 4):
            z[j - 1] = x[3]
    return z[1]


def list_kept_through_a_loop(x, y, s):
    L = [x * 1.0, x * 2.0]
    k = 0
    while True:
        k += 1
        if k > 3:
            break
    return np.sum(L[0] * L[1])


def dict_kept_through_a_while(x, y, s):
    d = {'a': s}
    while s > 0.4:
        s = 0.5 * s
    return d['a']


def comprehension_with_a_test_on_data(x, y, s):
    return sum([t for t in x if t > 0.1]) * s


def list_kept_through_nested_loops(x, y, s):
    L = [x, y[::-1]]
    for i in range(4):
        for _t in range(3):
            if i > 0:
                pass
    return np.sum(L[0] * L[-1])


def starred_list_kept_through_nested_loops(x, y, s):
    a, *L = [np.sum(y), 0.7, np.prod(x)]
    k = 0
    while k < 3:
        k += 1
        for _t in range(3):
            if a > 0.3:
                pass
    return sum(L)


def list_and_a_return_in_nested_loops(x, y, s):
    L = [y * 1]
    for i, _a in enumerate(y):
        for _b, _c in zip(x, np.where(x > 1.3, y, y[i])):
            if np.sum(y) > 40:
                return x[1:].sum()
    return np.sum(L[0] * L[-1])


def list_read_in_two_loops(x, y, s):
    L = [0.3, np.sum(y)]
    q = x[0]
    k = 0
    while k < 3:
        k += 1
        for a in L:
            q += a * x[k:].sum()
        j = 0
        while True:
            j += 1
            if j > 3:
                break
            x[[0, 2]] = sum([0.5 * t for t in y])
    return np.sum(np.sin(x * 0.9)) + q


def write_into_the_array_looped_over(x, y, s):
    for a in y:
        if 0.3 < s < 0.9:
            y[::2] = a
    return np.sum(np.sin(y * 0.9))


def repeated_indices_whose_values_read_the_array(x, y, s):
    u = np.array([y[t] for t in range(4)])
    k = 0
    while k < 3:
        k += 1
        y[[0, 1, 0]] = [u[0], y @ x * x[0], np.sum(y)]
    return np.sum(np.sin(y * 0.9))


def early(a, t):
    for b in a:
        if b > t:
            return b * t
    return np.sum(a)


def return_in_a_loop_of_a_helper(x, y, s):
    return early(y, math.exp(-s**2))


def push(a, t):
    a.append(t)


def list_appended_to_by_a_helper(x, y, s):
    v1 = [t for t in y]
    push(v1, sum(v1))
    return sum(v1)


def array_of_a_list_on_one_path(x, y, s):
    v1 = np.array([t for t in y]) if y[2] > s else y
    return np.sum(np.sin(v1 * 0.9))


def write_into_an_item_of_an_argument(items):
    items[0][1] = 3 * items[1][0]
    return np.sum(items[0] ** 2)


def array_read_when_its_turn_comes(x):
    y = x
    for _, v in enumerate(y):
        y = x.reshape(1, -1)[0]
        y[::2] = v
    return np.sum(np.sin(y * 0.9))


def number_that_becomes_an_array(x):
    s = 0.0
    for i in range(x.shape[0]):
        s = s * x[i] + x[i] ** 2
    return np.sum(s)


def swaps_under_a_test(x):
    y = x.copy()
    for i in range(len(y) - 1):
        if y[i] > y[i + 1]:
            y[i], y[i + 1] = y[i + 1], y[i]
    return np.sum(y * np.arange(len(y)))


def powers(t):
    out = [t]
    for _ in range(2):
        out.append(out[-1] * t)
    return out


def constants_appended_beside_values(x, y, s):
    items = powers(s * np.mean(y))
    total = x[0]
    for _ in y:
        for item in items:
            total += item * item
        items[0], items[-1] = items[-1], items[0]
        items.append(len(items) * 0.1)
    return total - sum(items)


def write_into_an_array_of_constants(x):
    y = np.array([1.3 for _ in x])
    y[2] = x.mean()
    return np.sum(np.sin(y))


def write_between_two_reads_of_one_statement(x):
    def written(t):
        x[1] = t
        return np.sum(np.sin(x))

    return np.sum(np.sin(x * 0.9)) + written(0.4)


def queue(x):
    waiting, total = [x[0]], 0.0
    while waiting:
        v = waiting.pop()
        total += v * v
        if v < 5:
            waiting.append(v * 2 + 1)
    return total


def list_written_to_under_enumerate(x):
    items, total = [x[0], x[1], x[2]], 0.0
    for i, v in enumerate(items):
        if i < 2:
            items[i + 1] = items[i + 1] * v
        total += v * v
    return total


def list_written_to_under_reversed(x):
    items, total = [x[0], x[1], x[2]], 0.0
    for v in reversed(items):
        items[0] = items[0] * v
        total += v * v
    return total


def list_that_grows_under_reversed(x):
    items, total = [x[0], x[1]], 0.0
    for v in reversed(items):
        items.append(v * v)
        total += v * items[-1]
    return total


def list_that_grows_after_reversed(x):
    items, total = [x[0], x[1]], 0.0
    turned = reversed(items)
    items.append(x[2])
    for i, v in enumerate(turned):
        total += i * v * v
    return total


def list_that_grows_under_zip(x):
    items, total = [x[0]], 0.0
    for v, w in zip(items, x):
        items.append(v * w)
        total += v * v * w
    return total


def list_that_shrinks_under_zip(x):
    items, total = [x[0], x[1], x[2]], 0.0
    for v, w in zip(items, x):
        items.pop()
        total += v * v * w
    return total


def dict_changed_while_its_items_are_looped_over(x):
    held, total = {"a": x[0], "b": x[1]}, 0.0
    for key, v in held.items():
        held["b"] = v * 3
        total += v * v * len(key)
    for v in held.values():
        held["b"] = v * v
        total += v
    return total


def mapped_once(x):
    found = map(np.sin, x)
    return sum(found) + max(map(np.cos, x)) + np.hypot(*map(np.tanh, x[:2]))


def break_in_an_elif(x, y, s):
    for i in range(2):
        if i > s:
            y *= x[0]
        else:
            if s > 5:
                break
            x[1] *= x[2]
    return np.sum(x) + np.sum(y)


def break_after_a_branch_walked_apart(x, y, s):
    for a in [y[0], y[1], y[2]]:
        u = None
        if a > 0.1:
            u = x
        s += a * x[1] if u is None else u[2] * x[3]
        if s > 1.5:
            break
    return np.sum(x) * s


def element_written_under_a_test(x, y, s):
    for i in range(3):
        a = y[i]
        if i != 1:
            x[0] = a
            x[1] += a
    return np.sum(x * x)


def list_read_before_a_break(x, y, s):
    for i in range(5):
        items = [t for t in y]
        if i > 0:
            break
        x[0] = items[0]
    return np.sum(x)


def list_read_beside_a_break(x, y, s):
    for i in range(3):
        items = [t * s for t in y]
        if i == 0:
            np.add.at(x, [0, 2, 0], items[0])
            continue
        x *= items[1]
        break
    return np.sum(x)


def item_that_waits_while_a_loop_takes_it_back(x, y, s):
    rows = [x * 0, x * 1]
    for _ in range(2):
        rows[0] = np.array([0.15 for t in x])
    return np.sum(rows[0] * rows[1])


def factor_that_waits_while_a_loop_takes_it_back(x, y, s):
    rows = [np.tanh(x), x]
    for _ in range(3):
        s = np.sin(s)
    return np.sum(rows[0] * s)


def factor_of_a_masked_part(x, y, s):
    s -= s * s
    y[y > 0.1] *= s
    return np.sum(np.sin(y))


def dict_made_in_each_pass_of_a_while(x, y, s):
    k = 0
    while k < 2:
        k += 1
        d = {}
        for t in ("a", "b"):
            d[t] = x
    return np.sum(x) * s


def zip_of_lengths_known_at_run_time(x, y, s):
    positive = np.array([a for a in x if a > 0])
    for _ in range(2):
        for a, b, c in zip(y, positive * s, x):
            s += a * b * c
    return s


def memory_that_overflows_beside_the_result(x, y, s):
    with np.errstate(over="ignore"):
        for i in range(4):
            for j in range(3):
                y[j] = 1e90 * (1.5 + np.dot(y, y))
                x[i] *= s
    return np.sum(x)


def path_inside_a_with(x, y, s):
    with np.errstate(all="ignore"):
        if s > 1:
            s = np.sin(np.tanh(s) * x[0]) * s
    return s


def list_changed_while_it_is_counted(x, y, s):
    items = [s, x[0], x[1]]
    for i, v in enumerate(items):
        if i < 2:
            items[i + 1] *= v
    return items[0] * items[1] * items[2]


def list_changed_behind_reversed(x, y, s):
    items = [s, s * 2, x[0]]
    for v, w in zip(reversed(items), y):
        items[0] = v * w
    return items[0] * items[1] * items[2]


def array_changed_behind_a_map(x, y, s):
    for v in map(np.sin, x):
        x[3] = v * y[0]
    return x.sum()


def array_changed_behind_a_generator(x, y, s):
    for a, b in ((t * t, u) for t, u in zip(x, y) if u > 0):
        x[3] += a * b
        if s > b * 3:
            continue
        x[2] *= a
    return x.sum()


def array_looped_over_and_rebound(x, y, s):
    for v in x:
        x[1:] = v
        x = x * 1.0
    return np.sum(x)


def dict_changed_behind_its_views(x, y, s):
    d = {"a": s, "b": s * 2, "c": x[0]}
    for k, v in d.items():
        d["b"] = v * 3 * len(k)
    for v in d.values():
        d["c"] = v * x[1]
    return d["a"] * d["b"] * d["c"] + max(d.values()) * len(d.items()) + min(map(abs, x))


def element_given_to_in_a_loop_under_a_test(x, y, s):
    for v in y.copy():
        if v < 0.3:
            continue
        for _ in range(2):
            s = v
    return s


def list_whose_last_item_is_appended_again(x):
    held = []
    for t in range(2):
        held.append(x * (t + 1))
    for _ in x:
        held.append(held[-1])
    return np.sum(held[0] * held[-1]) + np.sum(x)


@srcad.checkpoint
def product_of_a_list(p):
    return np.sin(p[0]) * p[1]


def list_given_to_a_checkpoint_and_written_to(x, y):
    s = np.sum(product_of_a_list([x, y]))
    x *= 2.0
    return s


def views_in_a_list_read_before_a_write(x, y):
    z = x * 1.0
    parts = np.split(z, 4)
    s = np.sum(parts[0] * y) + np.sum(parts[1] * parts[2])
    z[1] = s
    return np.sum(z * z) * s


X = np.array([0.5, -1.2, 2.0, 0.3])
Y = np.array([-0.77, 0.372, 0.506, 0.163])
def value_of_unknown_length_stretched_by_a_write(x):
    v = np.array([t * t for t in x if t > 0.5])
    y = np.zeros(3)
    y[:] = v
    y[1:] += v
    y[1:] *= v
    return np.sum(y * x[:3])


def else_of_a_loop_that_breaks_at_once(s, y):
    for _ in y:
        for _t in range(3):
            break
        else:
            s -= s
    return s


def index_read_after_an_empty_loop(x, s):
    for _ in range(5):
        for v in range(5):  # noqa: B007
            pass
        else:
            s += x[v]
        return s * x[v - 1]
    return 0.7


def item_added_to_the_rest(y):
    x = np.array([0.4 * t for t in y])
    x[1:] += x[:1]
    return np.sum(x * x)


def array_set_before_a_break(x, y):
    for i in range(2):
        if (y > 0.15).any():
            if max(sum(t for t, u in zip(x, x[::1])), x[:i].sum()) < -0.4:
                pass
            v = y
            if v[1:].sum() < 1.3:
                x = np.array([0.4 * t for t in v])
                x[1:] += x[:1]
                break
    return np.sum(x * x)


def array_filled_with_a_sum_of_nothing(x, s):
    filled = np.full(5, sum([t for t in x if t > 0.5]))
    for _ in range(2):
        filled = filled[:-1] * filled[1:]
    return s + np.sum(filled)


def smoothed_by_a_kernel(img, k):
    h, w = img.shape
    out = np.zeros((h - 2, w - 2))
    for dy in (-1, 0, 1):
        for dx in (-1, 0, 1):
            out += k[dy + 1, dx + 1] * img[1 + dy:h - 1 + dy, 1 + dx:w - 1 + dx]
    return np.sum(out ** 2)


def loop_over_a_list_of_numbers(x):
    total = 0.0
    for s in [0, 2, 4]:
        total += np.sum(np.tanh(x * s))
    return total


def loop_over_numbers_downwards(x):
    y = np.zeros(4)
    for i in (3, 2, 1, 0):
        y[i] = x[i] * x[0]
    return np.sum(y * y)


def list_by_evenly_spaced_numbers(x):
    ws = [1.0, 2.0, x[0]]
    total = 0.0
    for i in (0, 1, 2):
        total += ws[i] * x[i]
    return total


def number_read_after_its_loop(x):
    t = 0.0
    for i in (1, 2, 3):
        t = t * x[i] + x[0]
    return t * i


def break_out_of_a_tuple(x):
    for i in (1, 2, 3):
        if x[i] > 0.4:
            break
    return x[i] * x[0]


def exponents_from_a_tuple(x):
    t = 0.0
    for p in (1, 2, 3):
        t += np.sum(x ** p) / p
    return t


def axes_from_a_tuple(x):
    t = x.reshape(2, 2, 1)
    for a in (0, 1, 2):
        t = np.cumsum(t, axis=a)
    return np.sum(t * t)


def shifts_from_a_tuple(x):
    t = 0.0
    for s in (-1, 0, 1):
        t = t + np.roll(x, s) * (s + 2)
    return np.sum(t * t)


CASES = [
    (array_filled_with_a_sum_of_nothing, (0.9 * X, 0.3)),
    (array_filled_with_a_sum_of_nothing, (-np.abs(X), 0.3)),
    (smoothed_by_a_kernel, (np.arange(20.0).reshape(4, 5) / 7, np.arange(9.0).reshape(3, 3) - 2)),
    (loop_over_a_list_of_numbers, (X,)),
    (loop_over_numbers_downwards, (X,)),
    (list_by_evenly_spaced_numbers, (X,)),
    (number_read_after_its_loop, (X,)),
    (break_out_of_a_tuple, (X,)),
    (exponents_from_a_tuple, (X,)),
    (axes_from_a_tuple, (X,)),
    (shifts_from_a_tuple, (X,)),
    (value_of_unknown_length_stretched_by_a_write, (np.array([-0.9, 0.7, 0.2, -0.7]),)),
    (else_of_a_loop_that_breaks_at_once, (0.3, np.ones(3))),
    (index_read_after_an_empty_loop, (np.array([-0.9, 0.7, 0.2, -0.7, 0.3]), 0.4)),
    (item_added_to_the_rest, (np.array([-0.9, 0.7, 0.2, -0.7]),)),
    (array_set_before_a_break, (np.array([-0.9, 0.7, 0.2, 0.7, -0.7]), np.array([-0.03, -0.7, 0.7, -0.7, 0.8]))),
    (list_given_to_a_checkpoint_and_written_to, (X, Y)),
    (views_in_a_list_read_before_a_write, (X, Y)),
    (list_whose_last_item_is_appended_again, (X,)),
    (dict_changed_while_its_items_are_looped_over, (X,)),
    (mapped_once, (X,)),
    (return_inside_a_while, (2.0,)),
    (loop_that_always_breaks, (X,)),
    (return_of_an_argument_in_a_loop, (2.0,)),
    (array_rebound_after_a_write, (X,)),
    (buffers_that_change_places, (0.3 * X,)),
    (bubble_sort, (X,)),
    (walrus_in_a_while_test, (np.array([.5,-.2,1.,.3]),)),
    (value_of_a_loop_variable, (X,)),
    (captures_in_a_match, (2.0, [1.,2.],)),
    (shrinking_view, (X,)),
    (zero_dimensional_memory, (X,)),
    (writes_through_reshape_and_ravel, (np.arange(6.).reshape(2,3)/3+.1,)),
    (overlapping_slices, (X,)),
    (list_that_grows_while_it_is_looped_over, (X,)),
    (any_of_a_generator, (X,)),
    (index_that_wraps_round, (X,)),
    (alias_rebound_in_a_loop, (X,)),
    (break_in_a_reversed_range, (X,)),
    (list_kept_through_a_loop, (X, Y, 0.676)),
    (dict_kept_through_a_while, (X, Y, 0.676)),
    (comprehension_with_a_test_on_data, (X, Y, 0.676)),
    (list_kept_through_nested_loops, (X, Y, 0.676)),
    (starred_list_kept_through_nested_loops, (X, Y, 0.676)),
    (list_and_a_return_in_nested_loops, (X, Y, 0.676)),
    (list_read_in_two_loops, (X, Y, 0.676)),
    (write_into_the_array_looped_over, (X, Y, 0.676)),
    (repeated_indices_whose_values_read_the_array, (X, Y, 0.676)),
    (return_in_a_loop_of_a_helper, (X, Y, 0.676)),
    (list_appended_to_by_a_helper, (X, Y, 0.676)),
    (array_of_a_list_on_one_path, (X, Y, 0.676)),
    (write_into_an_item_of_an_argument, ([X, Y],)),
    (array_read_when_its_turn_comes, (X,)),
    (number_that_becomes_an_array, (np.arange(6.0).reshape(2, 3),)),
    (number_that_becomes_an_array, (np.zeros((0, 3)),)),
    (swaps_under_a_test, (X,)),
    (write_between_two_reads_of_one_statement, (X,)),
    (constants_appended_beside_values, (X, Y, 0.676)),
    (write_into_an_array_of_constants, (X,)),
    (queue, (X + 0.03,)),
    (list_written_to_under_enumerate, (X,)),
    (list_written_to_under_reversed, (X,)),
    (list_that_grows_under_reversed, (X,)),
    (list_that_grows_after_reversed, (X,)),
    (list_that_grows_under_zip, (X,)),
    (list_that_shrinks_under_zip, (X,)),
    (break_in_an_elif, (X, Y, 0.676)),
    (element_written_under_a_test, (X, Y, 0.676)),
    (list_read_before_a_break, (X, Y, 0.676)),
    (list_read_beside_a_break, (X, Y, 0.676)),
    (item_that_waits_while_a_loop_takes_it_back, (X, Y, 0.676)),
    (factor_that_waits_while_a_loop_takes_it_back, (X, Y, 0.676)),
    (factor_of_a_masked_part, (X, Y, 0.676)),
    (dict_made_in_each_pass_of_a_while, (X, Y, 0.676)),
    (zip_of_lengths_known_at_run_time, (X, Y, 0.676)),
    (memory_that_overflows_beside_the_result, (X, Y, 0.676)),
    (path_inside_a_with, (X, Y, 0.676)),
    (list_changed_while_it_is_counted, (X, Y, 0.676)),
    (list_changed_behind_reversed, (X, Y, 0.676)),
    (array_changed_behind_a_map, (X, Y, 0.676)),
    (array_changed_behind_a_generator, (X, Y, 0.676)),
    (array_looped_over_and_rebound, (X, Y, 0.676)),
    (dict_changed_behind_its_views, (X, Y, 0.676)),
    (element_given_to_in_a_loop_under_a_test, (X, Y, 0.676)),
    (break_after_a_branch_walked_apart, (X, Y, 0.676)),
]


def leaves(value: object) -> list[np.ndarray]:
    if isinstance(value, (list, tuple)):
        return [leaf for v in value for leaf in leaves(v)]
    return [np.asarray(value, dtype=float)]


def moved(args: tuple[object, ...], place: int, step: float) -> tuple[object, ...]:
    """A copy of the arguments with the number at `place`, counted through all of them, changed."""
    flat = leaves(list(args))
    owner = next(i for i in range(len(flat)) if place < sum(f.size for f in flat[: i + 1]))
    inner = place - sum(f.size for f in flat[:owner])
    count = iter(range(len(flat)))

    def rebuilt(value: object) -> object:
        if isinstance(value, (list, tuple)):
            return type(value)(rebuilt(v) for v in value)
        here = next(count) == owner
        if not isinstance(value, np.ndarray):
            return value + step * here  # type: ignore[operator]
        changed = value.copy()
        if here:
            changed.flat[inner] += step
        return changed

    return tuple(rebuilt(a) for a in args)


def differences(f: object, args: tuple[object, ...]) -> np.ndarray:
    size = sum(leaf.size for leaf in leaves(list(args)))
    return np.array([(f(*moved(args, i, 1e-6)) - f(*moved(args, i, -1e-6))) / 2e-6 for i in range(size)])  # type: ignore[operator]


@pytest.mark.parametrize(("f", "args"), CASES, ids=lambda v: getattr(v, "__name__", ""))
def test_the_gradient_is_right_each_time(f, args):
    wanted = differences(f, args)
    gradient = srcad.grad(f)(*copy.deepcopy(args))
    value, pullback = srcad.vjp(f, *copy.deepcopy(args))
    assert np.isclose(value, f(*copy.deepcopy(args)))
    both = srcad.value_and_grad(f)(*copy.deepcopy(args))
    assert np.isclose(both[0], value)
    for found in (gradient, pullback(1.0), pullback(1.0), both[1]):
        flat = np.concatenate([leaf.ravel() for leaf in leaves(found)]) if wanted.size else np.zeros(0)
        np.testing.assert_allclose(flat, wanted, rtol=1e-5, atol=1e-6)


def test_what_is_run_over_twice_is_refused():
    def generator(x):
        squares = (v * v for v in x)
        return sum(squares) + 2 * sum(squares)

    def mapping(x):
        sines = map(np.sin, x)
        return sum(sines) + 2 * sum(sines)

    with pytest.raises(srcad.SrcadError, match="a generator that is kept"):
        srcad.grad(generator)(X)
    with pytest.raises(srcad.SrcadError, match="run over a second time"):
        srcad.grad(mapping)(X)


def test_what_would_enter_a_handler_is_refused():
    def guarded(x):
        try:
            y = math.log(x)
        except ValueError:
            y = x * x
        return y

    assert srcad.grad(guarded)(2.0) == 0.5
    with pytest.raises(srcad.SrcadError, match="would enter an except clause"):
        srcad.grad(guarded)(-2.0)


def zip_beside_a_list(x):
    total = x[0] * 0.0
    for a, b in zip([1.0, 2.0, 3.0], x):
        total = total + a * b * b
    return total


def list_of_a_zip(x):
    first, *_ = pairs = list(zip([1.0, 2.0, 3.0], x))
    return sum([a * b * b for a, b in pairs]) * first[1]


def loop_of_a_zip_with_a_long_range(x):
    total = x[0] * 0.0
    for i, b, a in zip(range(1000), x, (1.0, 2.0, 3.0)):
        total = total + i * a * b * b
    return total


@pytest.mark.parametrize("lengths", [(1000, 5, 2, 1), (1, 2, 3, 1000)])
@pytest.mark.parametrize("f", [zip_beside_a_list, list_of_a_zip, loop_of_a_zip_with_a_long_range])
def test_the_shortest_of_what_is_zipped_decides(f, lengths):
    gradient = srcad.grad(f)
    for n in lengths:
        x = np.linspace(0.5, 1.5, n)
        head = x[:4]
        np.testing.assert_allclose(gradient(x)[:4], differences(lambda h, x=x: f(np.concatenate([h, x[4:]])), (head,)), rtol=1e-5, atol=1e-6)
        assert not np.any(gradient(x)[4:])


MANY = [0.1 * i for i in range(700)]


def loop_over_a_long_list(x):
    total = 0.0
    for v in MANY:
        total = total + v * x[0]
    return total


def loop_over_a_list_that_grows_too_long(x):
    items = [x[0]]
    for v in items:
        items.append(v * 0.5)
        if len(items) > 700:
            break
    return items[-1]


def loop_over_a_list_beside_a_series(x):
    squares = []
    for v in x:
        squares.append(v * v)
    total = 0.0
    for a, b in zip([1.0, 2.0], squares):
        total = total + a * b
    return total


def loop_twice_over_one_zip(x):
    pairs, total = zip([1.0, 2.0], x), 0.0
    for a, b in pairs:
        total = total + a * b
    for a, b in pairs:
        total = total + a * b * b
    return total


def loop_in_a_loop_over_one_enumerate(x):
    numbered, total = enumerate(x), 0.0
    for _ in range(3):
        for i, v in numbered:
            total = total + i * v
    return total


def list_that_shrinks_under_reversed(x):
    items, total = [x[0], x[1], x[2]], 0.0
    for v in reversed(items):
        items.pop()
        items.pop()
        total = total + v
    return total


REFUSED = [
    (loop_over_a_long_list, "for v in MANY", "more than 600"),
    (loop_over_a_list_that_grows_too_long, "for v in items", "more than 600"),
    (loop_over_a_list_beside_a_series, "for a, b in zip", "only at run time"),
    (loop_twice_over_one_zip, "for a, b in pairs", "a second time"),
    (loop_in_a_loop_over_one_enumerate, "for i, v in numbered", "a second time"),
    (list_that_shrinks_under_reversed, "for v in reversed", "shrinks"),
]


@pytest.mark.parametrize(("f", "place", "reason"), REFUSED, ids=lambda v: getattr(v, "__name__", ""))
def test_what_cannot_be_written_out_is_refused_where_it_stands(f, place, reason):
    with pytest.raises(srcad.SrcadError, match=reason) as caught:
        srcad.grad(f)(np.linspace(0.5, 1.5, 5))
    assert place in str(caught.value)


def test_an_unknown_function_of_a_zip_is_refused():
    def smallest(x, y):
        return x[0] * float(hash(zip(x, y)))

    with pytest.raises(srcad.SrcadError, match="no rule is known for `hash`"):
        srcad.grad(smallest)(X, Y)


def test_rows_that_cannot_be_counted_are_not_unpacked():
    def unpacked(x):
        a, b = np.array([v for v in x if v > 0])
        return a * b

    with pytest.raises(srcad.SrcadError, match="known only at run time. Index it."):
        srcad.grad(unpacked)(X)


def test_a_long_loop_takes_time_and_memory_in_proportion():
    """The text has no copy of an array inside a loop: a pass costs the same, however many there are."""
    text = srcad.grad(swaps_under_a_test).source_for(X)
    loop = text[text.index("reversed(range") :]
    assert ".copy()" not in loop.partition("return")[0].partition("# backprop y = x.copy()")[0]


def test_a_number_that_becomes_numpys_in_a_later_pass_is_given_back_as_pythons():
    def f(y, s):
        for _ in y:
            for _n in range(4):
                if s > 0.15:
                    return s
            s += 0.3
        return y[np.argmax(y)]

    _, pullback = srcad.vjp(f, np.array([-0.3, 0.6, 0.2]), 0.133)
    assert [type(g) for g in pullback(1.0)] == [np.ndarray, float]


def carried_piece(a, b):
    t = (a, b)
    for _ in range(2):
        t = (t[0] * t[1], t[1])
    return t[0]


def carried_first(s, k):
    s = [s, s * k]
    n = 0
    while n < 3:
        n += 1
        s = [s[0] + 0.1 * s[1], s[1] - 0.1 * k * s[0]]
    return s[0]


@pytest.mark.parametrize(("f", "args"), [(carried_piece, (1.2, 0.4)), (carried_first, (1.2, 0.4))])
def test_the_value_is_not_what_the_backward_pass_takes_back(f, args):
    value, found = srcad.value_and_grad(f)(*args)
    assert value == f(*args)
    np.testing.assert_allclose(found, differences(f, args), rtol=1e-6)


def test_an_array_in_a_tuple_that_a_loop_carries():
    def f(t):
        for _ in range(2):
            t = (t[0] * t[1], t[1])
        return t[0].sum()

    found = srcad.grad(f)((np.array([1.0, 2.0]), 0.4))
    np.testing.assert_allclose(found[0], [0.16, 0.16])
    assert found[1] == pytest.approx(2.4)


def test_a_loop_over_evenly_spaced_numbers_stays_one():
    source = srcad.grad(smoothed_by_a_kernel).source_for(np.ones((4, 5)), np.ones((3, 3)))
    assert "for dy in (-1, 0, 1):" in source and "for dy in (1, 0, -1):" in source


def shifts_of_both_axes(a, b):
    total = np.zeros((5, 5))
    for i in range(a.shape[0]):
        total += np.roll(a, (i, 1), (0, 1)) * b
    return np.sum(total * total)


def copies_beside_each_other(a, b):
    total = 0.0
    for d in range(1, a.shape[0]):
        total = total + np.sum(np.tile(a, (d, 1)) ** 2)
    return total * np.sum(b)


def stencil_of_shifts(a, b):
    total = np.zeros((5, 5))
    for i in (-1, 0, 1):
        for j in (-2, 0, 2):
            total += b[i, j] * np.roll(a, (i, j), (0, 1))
    return np.sum(total ** 2)


@pytest.mark.parametrize("f", [shifts_of_both_axes, copies_beside_each_other, stencil_of_shifts])
def test_tuples_that_hold_a_loop_variable(f):
    a = np.random.default_rng(0).normal(size=(5, 5))
    srcad.grad(f).check(a, a.T.copy())


def solved_row_by_row(low, b):
    x = np.zeros(len(b))
    for i in range(len(b)):
        x[i] = (b[i] - low[i, :i] @ x[:i]) / low[i, i]
    return np.sum(x * x)


def test_factors_of_a_product_that_has_run_are_of_one_length():
    low = np.tril(np.random.default_rng(0).normal(size=(4, 4))) + 3 * np.eye(4)
    gradient = srcad.grad(solved_row_by_row)
    assert "unbroadcast" not in gradient.source_for(low, low[0])
    gradient.check(low, low[:, 0])


# ---- elements of what a loop hands on: what is stored into blank memory after the loop is not blank inside it


def turning(y, k):
    for _ in range(3):
        y = y + 0.1 * np.array([y[1], -k * np.sin(y[0]) - 0.1 * y[1]])
    return y[0]


def turning_by_branches(y, k):
    for i in range(3):
        if i % 2:
            y = y + 0.1 * np.array([y[1], y[0] * k])
        else:
            y = y * np.array([y[1], k])
            k = k * 0.5
    return y[1]


def turning_while(y, k):
    n = 0
    while n < 3:
        y = y + 0.1 * np.array([y[1] * k, -y[0]])
        n += 1
    return y[0] * y[0]


def turning_in_turns(y, k):
    for _ in range(2):
        for _ in range(2):
            y = y - 0.1 * np.array([y[1] * y[0], k])
        y = y * y[1]
    return y[0]


def turning_both(y, k):
    z = 2 * y
    for _ in range(3):
        y, z = z + 0.1 * y[1] * np.array([z[0], k]), y
    return y[0] + z[1]


@pytest.mark.parametrize("program", [turning, turning_by_branches, turning_while, turning_in_turns, turning_both], ids=lambda f: f.__name__)
def test_elements_of_what_a_loop_hands_on(program):
    srcad.grad(program, wrt=(0, 1)).check(np.array([0.3, -0.7]), 1.5)


# ---- what a pass leaves behind is read before what it began with is taken back


def left_behind(x, y):
    for _ in range(2):
        for _ in range(2):
            if x[1] <= 0.3:
                y = 2 * x
        x = np.tanh(y)
    return np.sum(x)


def left_behind_in_a_branch(x, y):
    u = w = x
    if x[0] <= 0.5:
        for _ in range(2):
            if u[1] <= 0.3:
                y = x * w
            x = np.tanh(y)
    return np.sum(x)


@pytest.mark.parametrize("program", [left_behind, left_behind_in_a_branch], ids=lambda f: f.__name__)
def test_what_a_pass_leaves_behind(program):
    srcad.grad(program).check(np.array([0.3, -0.7]), np.array([0.2, 0.4]))


# ---- a sum that is handed on under a second name too


def doubled(x):
    u = x
    for _ in range(2):
        u = x + u
        x = u
    return np.sum(x)


def handed_on_twice(x):
    s = t = 0.0
    for v in x:
        s = t + s + v * v
        t = s
    return s


def last_one(x):
    s = last = 0.0
    for v in x:
        s = s + v * last
        last = s + 1.0
    return s


def one_of_both(x):
    s = 0.0
    last = 1.0
    for v in x:
        s = s + v * v
        last = s
    return s + 0.5 * last


def in_a_branch(x):
    s = t = 1.0
    for v in x:
        if v > 0:
            s = s + v * t
        t = s
    return s


@pytest.mark.parametrize("program", [doubled, handed_on_twice, last_one, one_of_both, in_a_branch], ids=lambda f: f.__name__)
def test_a_sum_under_two_names(program):
    srcad.grad(program).check(np.array([0.3, -0.7, 0.9]))


# ---- what reaches an array is added to in place, while an element of what it was is still to be read


def elements_of_what_came(x, y):
    for _ in range(2):
        x = x + np.array([x[-1] + y[2], 1.2, 1.2 + np.sum(x[:2])])
    return np.sum(x * y)


def read_only_adjoint(x, y):
    u = x
    if u[1] > 0.3:
        x = u[::-1]
    else:
        for _ in range(2):
            x = x + np.array([x[-1] + y[2], 1.2, 1.2 + np.sum(x[:2])])
    return (u * np.sum(x))[2]


def number_then_array(x, y):
    u = w = x
    if u[1] > 0.3:
        x = np.concatenate([u[1:], u[:1]])
    else:
        x = w
        for _ in range(2):
            x = x + np.array([x[-1] + y[2], 1.2, 1.2 + np.sum(x[:2])])
    return (u * np.sum(x))[2]


@pytest.mark.parametrize("program", [elements_of_what_came, read_only_adjoint, number_then_array], ids=lambda f: f.__name__)
def test_elements_of_what_flows_back(program):
    for x in (np.array([0.1, 0.2, 0.3]), np.array([0.1, 0.4, 0.3])):
        srcad.grad(program, wrt=(0, 1)).check(x, np.array([0.5, 0.6, 0.7]))


# ---- recurrences over rows: stores that may not happen, counters that an inner loop has too, what is handed on and added to itself


def stored_on_one_path(W, X, b):
    s = 0.0
    out = np.zeros(X.shape)
    h = b
    for t in range(len(X)):
        h = np.tanh(W.T @ h + X[t])
        if s > 0:
            out[t] = h
    return h[0] + np.sum(out)


def counters_without_a_name(W, X, b):
    h = b
    for _ in range(3):
        h = np.tanh(W @ h)
        for _ in range(2):
            h = b + 0.1 * h
    return h[0] + X[0, 0]


def swapped_inside(W, X, b):
    g = b
    for _ in range(3):
        h = np.tanh(W @ b)
        for _ in range(2):
            h, g = g, h
    return g[1] + np.sum(X[:0])


def added_to_itself(W, X, b):
    h = b
    for t in range(len(X)):
        g = b
        h = X[t]
        h = h + 0.1 * h
        h, g = g, h
    h = g
    return h[1] + np.sum(W) * 0


@pytest.mark.parametrize("program", [stored_on_one_path, counters_without_a_name, swapped_inside, added_to_itself], ids=lambda f: f.__name__)
def test_recurrences_over_rows(program):
    rng = np.random.default_rng(0)
    for rows in (3, 1, 2):
        srcad.grad(program, wrt=(0, 1, 2)).check(rng.standard_normal((2, 2)), rng.standard_normal((rows, 2)), rng.standard_normal(2))


# What is computed after a loop of what its passes give values to is another value than in the passes.

def sines(q, n):
    for _ in range(n):
        q = np.sin(q)
    return np.sum(np.cos(q))


def allen_cahn(u, n):
    for _ in range(n):
        u = u + 0.1 * (u - u ** 3)
    return np.sum(u ** 2)


def verlet(q, p, n):
    for _ in range(n):
        p = p - 0.05 * np.sin(q)
        q = q + 0.1 * p
        p = p - 0.05 * np.sin(q)
    return np.sum(p * p / 2 - np.cos(q))


def while_large(q):
    while q[0] > 0.1:
        q = 0.5 * np.sin(q)
    return np.sum(np.cos(q))


def over_rows(xs, h):
    for e in xs:
        h = np.sin(h) * e
    return h @ np.cos(h)


def handed_over(q, p, n):
    for _ in range(n):
        p, q = np.sin(q), p
    return np.sum(np.cos(q) * p)


def between_loops(q, n):
    for _ in range(n):
        q = np.sin(q)
    c = np.cos(q)
    for _ in range(n):
        q = q * c
    return np.sum(q)


def nested(q, n):
    for _ in range(n):
        for _ in range(2):
            q = np.sin(q)
        q = q * np.cos(q)
    return np.sum(np.cos(q))


def means(q, n):
    for _ in range(n):
        q = q * np.mean(q)
    return np.sum(q) * np.mean(q)


A, B = np.array([0.3, 0.7]), np.array([0.5, -0.4])


@pytest.mark.parametrize("program, args, wrt", [
    (sines, (A, 3), (0,)), (sines, (A, 30), (0,)), (allen_cahn, (A, 4), (0,)), (verlet, (A, B, 3), (0, 1)), (while_large, (A,), (0,)), (over_rows, (A, B), (0, 1)),
    (handed_over, (A, B, 3), (0, 1)), (between_loops, (A, 3), (0,)), (nested, (A, 3), (0,)), (means, (A, 3), (0,))])
def test_computed_after_a_loop(program, args, wrt):
    gradient = srcad.grad(program, wrt=wrt)(*args)
    for position, found in zip(wrt, gradient):
        for i, step in enumerate(np.eye(2)):
            ends = [program(*(a + h * step if k == position else a for k, a in enumerate(args))) for h in (1e-6, -1e-6)]
            assert found[i] == pytest.approx((ends[0] - ends[1]) / 2e-6, rel=1e-6, abs=1e-8)


# Arrays that get shorter or longer from pass to pass: what is known of their size after the loop is not known in it.

def shrinking(x, y):
    q = x * y
    while len(q) > 1:
        q = q[1:]
    m = q > 0  # noqa: F841
    return q @ q


def shrinking_beside(x, y):
    q = x
    for _ in range(3):
        q = q[1:]
    m = q > 0  # noqa: F841
    return np.sum(q * q) + np.sum(np.sin(x * y))


def clipped(x, y):
    for _ in range(3):
        x = x[1:] * 2
    q = np.clip(x, 0, 9)
    return np.sum(q * x) + np.sum(y)


def shorter_by_count(x, y):
    for _ in range(len(y)):
        y = y[:2]
    q = y > 0.2  # noqa: F841
    return y[0] * x[0]


def shrinking_with_a_count(x, y):
    t = 0.0
    for _ in range(2):
        t = t + np.sum(x) / len(x)
        x = x[1:]
    k = len(x)
    return t * k + np.sum(y)


def left_early(x, y):
    for _ in range(2):
        x = x[1:]
        if len(x) < 4:
            break
    q = x > 0  # noqa: F841
    return x @ x + np.sum(y)


def appended(x, y):
    for _ in range(2):
        y = np.append(y, y)
    k = y.shape[0]  # noqa: F841
    return np.sum(y * y) + np.sum(x)


def appended_mean(x, y):
    for _ in range(2):
        x = np.append(x, np.mean(x))
    k = x.size
    return np.sum(x * x) / k + np.sum(y)


def joined_to_itself(x, y):
    for _ in range(2):
        x = np.concatenate([x, np.sin(x)])
    k = len(x)
    return np.sum(x * x) / k + np.sum(y)


def mean_and_sum(x, y):
    for _ in range(3):
        y = y[:-1]
    return np.mean(y * y) + np.sum(y * y) + np.sum(x)


def left_with_another(x, y):
    for _ in range(len(x)):
        y = y[:2]
    z = y * y.size
    t = 0.0
    for e in z:
        t += np.sin(e) + np.sin(np.sum(y))
        if np.var(z) > 0.3:
            return t * y[0]
    return t * y[0] + np.sum(x)


def grown_after_a_sum(x, y):
    q = x.copy()
    t = sum([e * e for e in q])
    for _ in range(2):
        q = np.concatenate([q, q])
    return q[0] + t + np.sum(y)


def grown_after_items(x, y):
    q = x.copy()
    t = y * 1.0
    t += [e for e in q]
    for _ in range(2):
        q = np.concatenate([q, q])
    return q[0] + t[0]


def shrunk_and_appended(x, y):
    for _ in range(2):
        x = np.diff(x)
    x = np.append(x, y[0])
    return np.sum(x * x) + np.sum(y)


@pytest.mark.parametrize("program", [shrinking, shrinking_beside, clipped, shorter_by_count, shrinking_with_a_count, left_early, appended, appended_mean, joined_to_itself, mean_and_sum,
                                     left_with_another, grown_after_a_sum, grown_after_items, shrunk_and_appended])
def test_arrays_that_change_their_length(program):
    args = np.array([0.3, 0.5, 0.7, 0.9]), np.array([1.3, 1.5, 1.7, 1.9])
    gradient = srcad.grad(program, wrt=(0, 1))(*args)
    for position, found in enumerate(gradient):
        assert found.shape == (4,)
        for i, step in enumerate(np.eye(4)):
            ends = [program(*(a + h * step if k == position else a for k, a in enumerate(args))) for h in (1e-6, -1e-6)]
            assert found[i] == pytest.approx((ends[0] - ends[1]) / 2e-6, rel=1e-6, abs=1e-8)


def listed_while_it_grows(x, n):
    t = 0.0
    for _ in range(n):
        t += sum([np.sin(e) for e in x])
        x = np.concatenate([x, np.sin(x)])
    x[1:] += x[:-1].copy()
    return t + np.sum(x)


def listed_on_a_path(x, n):
    t = 0.0
    for _ in range(n):
        if t < 1:
            t += sum([np.sin(e) for e in x])
        x = np.concatenate([x, np.sin(x)])
    return t + np.sum(x * x)


@pytest.mark.parametrize("program", [listed_while_it_grows, listed_on_a_path])
def test_lists_of_what_grows(program):
    gradient = srcad.grad(program, wrt=0)
    for n in (2, 3):
        found = gradient(np.array([0.5, 0.4, 0.3]), n)
        wanted = [(program(np.array([0.5, 0.4, 0.3]) + h, n) - program(np.array([0.5, 0.4, 0.3]) - h, n)) / 2e-6 for h in np.eye(3) * 1e-6]
        np.testing.assert_allclose(found, wanted, rtol=1e-6)
