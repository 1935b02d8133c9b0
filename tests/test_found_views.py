"""Programs whose derivatives once were wrong, or made the compiler fail, by what may be a view, by memory under two names, or by a name of generated code."""
import importlib.util

import numpy as np
import pytest

import srcad

X = np.arange(9.0).reshape(3, 3) / 7 + 0.3
V = np.array([0.3, 0.443, 0.586])


def differences(program, args, position, h=1e-6):
    """Central differences of one argument, of functions that may write into what they are given."""
    def at(step):
        given = [np.array(a) if isinstance(a, np.ndarray) else a for a in args]
        given[position] = given[position] + step
        return program(*given)

    value = args[position]
    out = np.zeros(np.shape(value))
    for i in np.ndindex(out.shape):
        step = np.zeros(out.shape)
        step[i] = h
        step = step if isinstance(value, np.ndarray) else h
        out[i] = (at(step) - at(-step)) / (2 * h)
    return out


def same_as_differences(program, args, wrt):
    gradient = srcad.grad(program, wrt=wrt)
    got = gradient(*(np.array(a) if isinstance(a, np.ndarray) else a for a in args))
    for position, g in zip(wrt, got):
        np.testing.assert_allclose(g, differences(program, args, position), atol=1e-5)
    for position in wrt:
        tangent = np.ones(np.shape(args[position]))
        given = tuple(np.array(a) if isinstance(a, np.ndarray) else a for a in args)
        dot = srcad.jvp(program, given, (tangent if tangent.ndim else 1.0,), wrt=position)[1]
        np.testing.assert_allclose(dot, np.sum(got[wrt.index(position)]), atol=1e-9)


# ---- what may be a view of memory that is written to, under another name


def half(x, s):
    x[0] = s
    h = np.split(x, [1])[1]
    return np.sum(h)


def diagonal(x, s):
    y = x * s
    y += 1.0
    t = np.diagonal(y)
    u = t
    return np.sum(u)


def spread(x, s):
    y = x * s
    y += 1.0
    b = np.broadcast_arrays(y, x)[0]
    return np.sum(b)


def helped(x, s):
    y = x * s
    y += 1.0
    h = np.diagonal(own(y))
    return np.sum(h * h)


def own(v):
    w = np.real(v)
    return w


def parts(x, s):
    y = x * s
    y += 1.0
    u = 0.0
    for q in np.split(y, 3):
        u = u + q[0]
    return np.sum(u * u)


def exchanged(x, s):
    y = x * s
    y += 1.0
    t, u = np.diag(y), np.diag(y) * 2
    for _ in range(3):
        t, u = u, t
    return np.sum(t)


def one_or_the_other(x, s):
    y = x * s
    y += 1.0
    t = np.diag(y) if s > 0 else y[0]
    r = {"t": t}
    return np.sum(r["t"])


def starred(x, s):
    y = x * s
    y += 1.0
    a, *u = np.split(y, 3)
    return np.sum(u[0]) * a[0, 1]


@pytest.mark.parametrize("program", [half, diagonal, spread, helped, parts, exchanged, one_or_the_other, starred], ids=lambda p: p.__name__)
def test_a_second_name_for_what_may_be_a_view(program):
    same_as_differences(program, (X, 0.2), (0, 1))


def flat_afterwards(x, s):
    x[0] = s
    y = x.T.reshape(-1) * 2.0
    return np.sum(y * y)


def column_afterwards(x, s):
    x[0] = s
    y = x[:, 1].reshape(-1)
    z = y
    return np.sum(z * z)


def in_its_own_statement(x, s):
    for _ in range(2):
        x[0] += s * np.sum(x[::-1].reshape(-1) ** 2)
    return np.sum(x)


def in_each_pass(x, s):
    y = x.T
    for _ in range(2):
        z = y.reshape(-1)
        x[0] += s * z[3]
        y = y * 1.5
    return np.sum(x)


@pytest.mark.parametrize("program", [flat_afterwards, column_afterwards, in_its_own_statement, in_each_pass], ids=lambda p: p.__name__)
def test_what_is_changed_only_before_it_may_be_viewed(program):
    same_as_differences(program, (X, 0.2), (0, 1))


def flat_before(x, s):
    y = x.T.reshape(-1)
    x[0] = s
    return np.sum(y)


def flat_before_a_loop(x, s):
    y = x.T.reshape(-1)
    t = 0.0
    for _ in range(2):
        t += np.sum(y) * s
        x[0] = s * t
    return t


def flat_before_on_one_path(x, s):
    w = x[0][::-1]
    y = np.reshape(w, (1, 3))
    w[:-1] = w[1:]
    if x[1, 1] > s:
        z = y
        z, y = y, z
    return np.sum(y * y)


def handed_on_in_a_loop(x, s):
    y = x.T.reshape(-1)
    z = x[:, 1] * 1.0
    for _ in range(2):
        x[0] = s * z
        y, z = y, z * 1.0
    return np.sum(y * y)


@pytest.mark.parametrize("program", [flat_before, flat_before_a_loop, flat_before_on_one_path, handed_on_in_a_loop], ids=lambda p: p.__name__)
def test_what_is_changed_after_it_may_be_viewed(program):
    with pytest.raises(srcad.AliasError, match="may be a view"):
        srcad.grad(program)(X.copy(), 0.2)


ORDERS = ["B = A * 2; z = B.ravel(order='F')", "B = A * 2; z = B.ravel('F')", "B = A * 2; z = np.ravel(B, 'F')", "B = A * 2; z = np.reshape(B, -1, order='F')", "B = A * 2; z = B.reshape(-1, order='F')",
          "B = np.array(A, order='F'); z = B.reshape(-1)", "B = A.copy(order='F'); z = B.ravel()", "B = A.copy('F'); z = B.ravel()", "B = np.zeros((3, 4), order='F'); z = B.ravel()",
          "B = np.zeros((3, 4), float, 'F'); z = B.ravel()", "B = np.asarray(A, order='F'); z = B.ravel()", "B = A.astype(float, order='F'); z = B.ravel()", "B = np.add(A, A, order='F'); z = B.ravel()",
          "o = 'F'; B = A * 2; z = B.ravel(o)", "B = np.asfortranarray(A); z = B.ravel()", "B = A * 2; z = B.ravel(order='C')", "B = A.copy(order='C'); z = B.ravel()", "B = np.asarray(A); z = B.ravel()"]


@pytest.mark.parametrize("lines", ORDERS)
def test_orders_of_elements(lines, tmp_path):
    """What is stored into an array that may be a view, for its order in memory, is right or refused."""
    body = "".join(f"    {line.strip()}\n" for line in lines.split(";"))
    file = tmp_path / "ordered.py"
    file.write_text(f"import numpy as np\n\n\ndef program(A, c):\n{body}    z[0] = c\n    return B.sum()\n")
    spec = importlib.util.spec_from_file_location("ordered", file)
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    A = np.arange(12.0).reshape(3, 4)
    wanted = module.program(A.copy(), 3.0) - module.program(A.copy(), 2.0)
    if wanted == 1.0:
        assert srcad.grad(module.program, wrt="c")(A.copy(), 2.0) == wanted
    else:
        with pytest.raises(srcad.AliasError, match="cannot be told"):
            srcad.grad(module.program, wrt="c")(A.copy(), 2.0)


# ---- memory under two names


def whole_into_a_part(x):
    w = x[None]
    w[0] = w
    return x[0] * x[1]


def column_from_a_row(x):
    w = x[:, None]
    w[:, 0] = w[0]
    return x[1] * x[0]


def through_a_flat_view(x):
    w = x.reshape(-1)[None]
    w[0] = w[0, 1] - x
    w[0] += x * x
    return x[0] * x[2]


def turned(x):
    x[:] = x[::-1]
    return x[0] * x[0]


@pytest.mark.parametrize("program", [whole_into_a_part, column_from_a_row, through_a_flat_view, turned], ids=lambda p: p.__name__)
def test_memory_stored_into_itself(program):
    same_as_differences(program, (V,), (0,))


def overtaken(y):
    y[::2] = y[:3]
    return np.sum(y)


def test_what_numpy_copies_onto_itself_out_of_order():
    with pytest.raises(srcad.AliasError, match=r"Copy the right side with \.copy"):
        srcad.grad(overtaken)(np.arange(5.0))


def masked(y, z):
    s = 0.0
    v = z * 1.0
    for _ in [0, 1]:
        v = np.tanh(np.where(z > 0.9, y, v))
        s += np.sum(v[:-1] * y[1:])
    v.fill(1.3)
    return s


def masked_in_a_while(y, z):
    v = z
    w = y
    i = 0
    while i < 3:
        i += 1
        v = np.minimum(np.tanh(y), np.where(z + z > 0.3, y, v))
        w[1:] *= v[:-1]
    v.fill(1.3)
    return np.sum(w)


def masked_on_two_paths(y, z):
    v = y[1:]
    np.copyto(v, np.cos(v), where=(z[1:] if z[0] > 0.5 else v) >= 0.3)
    return np.sum(y * 0.62)


def masked_on_one_path(y, z):
    t = np.exp(y)
    s = np.sum(np.where(z > 0.5, t, 0.0)) if z[0] > 0.5 else np.sum(np.where(z > 1.3, y, t))
    return s * s


@pytest.mark.parametrize("program", [masked, masked_in_a_while, masked_on_two_paths, masked_on_one_path], ids=lambda p: p.__name__)
def test_parts_of_what_was_chosen_by_a_mask(program):
    for z in (0.329, 0.7):
        same_as_differences(program, (np.array([0.767, -0.927, -0.409, 1.452]), np.array([z, 1.369, 1.243, 0.428])), (0, 1))


JOINED = """import numpy as np


def program(y, z):
    z -= y
    v = z
    w = y * y
    for e in range(3):
        i = 0
        while i < 3:
            i += 1
            v = np.tanh(y) * v
            w = w * v
    v.fill(1.3)
    return np.sum(w)
"""


def test_compiling_the_same_gives_the_same(tmp_path):
    texts = set()
    y, z = np.array([0.767, -0.927]), np.array([0.329, 1.369])
    for i in range(12):
        file = tmp_path / f"joined_{i}.py"
        file.write_text(JOINED)
        spec = importlib.util.spec_from_file_location(f"joined_{i}", file)
        module = importlib.util.module_from_spec(spec)
        spec.loader.exec_module(module)
        texts.add(srcad.grad(module.program, wrt=("y", "z")).source_for(y, z))
    assert len(texts) == 1


# ---- integers that only decide


def thresholded(x, s):
    y = x - s
    y[y > 0.3] *= -0.7
    return np.sum(y)


def greater_ones(k):
    return np.sum(k[k > 1] ** 2)


def smallest(x, k):
    y = x * k
    return np.sum(y[np.argsort(y)[:2]])


def labelled(x, labels):
    s = 0.0
    for c in range(2):
        m = labels == c
        s += np.sum(x[m] ** 2) / np.sum(m)
    return s


def ordered(x, k):
    return x[np.argsort(k)] @ np.arange(len(x))


def test_an_integer_that_only_decides_is_read_as_a_float():
    for program in (labelled, ordered):  # nothing else reads these
        text = srcad.grad(program).source_for(V, np.array([1, 0, 1]))
        assert ".astype(float)" not in text and srcad.grad(program)(V, np.array([1, 0, 1]))[1] is None
    assert srcad.grad(thresholded, wrt="s")(V - 0.0, 1) == srcad.grad(thresholded, wrt="s")(V - 0.0, 1.0) == -3.0
    np.testing.assert_array_equal(srcad.grad(greater_ones)(np.array([1, 2, 3])), [0, 4, 6])
    np.testing.assert_allclose(srcad.grad(smallest, wrt="k")(V, 2), V[0] + V[1])


# ---- forward mode


def swapped(u, v, n):
    u[0] = 1.0
    for _ in range(n):
        u, v = v, u
    return u[0] * 2 + u[1]


def rotated(u, v, n):
    w = u * v
    u[0] = 1.0
    for _ in range(n):
        u, v, w = v, w, u
    return u[1] * w[0]


@pytest.mark.parametrize("program", [swapped, rotated], ids=lambda p: p.__name__)
@pytest.mark.parametrize("n", [0, 1, 2, 3, 4])
def test_tangents_of_arrays_that_change_places(program, n):
    same_as_differences(program, (V, V[::-1] * 2, n), (0, 1))


def scaled(u, c):
    u *= c
    return u.sum()


def first_set(u, c):
    u[0] = c * c
    return u @ u


@pytest.mark.parametrize("program", [scaled, first_set], ids=lambda p: p.__name__)
def test_tangents_of_what_is_written_to_and_not_asked_for(program):
    value, dot = srcad.jvp(program, (V.copy(), 2.0), 1.0, wrt="c")
    assert value == program(V.copy(), 2.0)
    np.testing.assert_allclose(dot, differences(program, (V, 2.0), 1), atol=1e-6)


def through_the_transpose(A, v):
    A = A.copy()
    B = A.T
    B += v
    return A[0, 1] * A[2, 0]


def through_swapped_axes(A, v):
    A = A.copy()
    B = A.swapaxes(0, 1)
    B -= v * v
    return A[0, 1] * A[2, 0]


def through_all_of_it(A, v):
    A = A * 2
    B = A.reshape(-1)
    B += v[0]
    return A[0, 1] * A[2, 0]


@pytest.mark.parametrize("program", [through_the_transpose, through_swapped_axes, through_all_of_it], ids=lambda p: p.__name__)
def test_tangents_of_views_that_are_added_to(program):
    same_as_differences(program, (X, V), (0, 1))


def rows_normalised(A):
    return (A.T / A.sum(axis=1))[0, 1]


def corners(A):
    B = np.zeros((3, 3))
    for k in range(2):
        B[k + 1 :, k + 1 :] = A[k + 1 :, [k]] * A[k + 1 :, k]
    return B.sum()


@pytest.mark.parametrize("program", [rows_normalised, corners], ids=lambda p: p.__name__)
def test_products_with_the_hessian(program):
    gradient, h = srcad.grad(program), 1e-6
    wanted = (gradient(X + h * X.T) - gradient(X - h * X.T)) / (2 * h)
    np.testing.assert_allclose(srcad.hvp(program)(X, X.T), wanted, atol=1e-6)


# ---- what was refused though it can be differentiated


def table(x, y):
    D = np.array([[(a - b) ** 2 for b in y] for a in x])
    return D[0, 1] * D[2, 1] + D.sum()


def floating_steps(b, c):
    p = c * np.arange(len(b) + 1.0)
    return max(p[0], p[1] * b[1])


def ends_added(x, a):
    return np.sum(np.r_[a, x, 1.0] ** 2 * np.arange(5)) + np.r_[x[0] * 2, x][0]


def soft_sum(A):
    return np.logaddexp.reduce(A, axis=1)[0] * np.logaddexp.reduce(A, keepdims=True)[0, 1] * np.logaddexp.reduce(A, axis=None)


def unpacked(x, s):
    v = np.array([s, *x, *(2 * x)])
    return largest(*x) * v[0] + v @ v


def largest(a, b, c):
    return a * b - c


def pairwise(x, g):
    return g * np.sum(np.subtract.outer(x, x) ** 2)


@pytest.mark.parametrize("program, args", [
    (table, (np.linspace(0.1, 1.2, 30), np.linspace(0.3, 1.0, 20))), (table, (V, V[:2])), (floating_steps, (V, 2.0)), (ends_added, (V, 0.3)), (soft_sum, (X,)), (pairwise, (V, 2.0)), (unpacked, (V, 0.7)),
], ids=lambda v: getattr(v, "__name__", ""))
def test_what_is_differentiated_now(program, args):
    srcad.grad(program, wrt=tuple(range(len(args)))).check(*args)
    srcad.grad(program, wrt=(len(args) - 1,)).check(*args)


# ---- whole numbers on one path, where the other has a float


def whole_on_one_path(x, s):
    c = 2 if s > 0 else s
    x = x * 1.0
    x[0] = x[0] * 0.3
    return np.sum(x) * c


def added_to_where_it_is_whole(x, s):
    c = 2 if s > 0 else s
    y = x[1:] * 0.7
    return np.sum(x) * c + x[0] * 0.3 + y[0] * c


def the_greater(x, s):
    c = max(1, s)
    x = x * 1.0
    x[0] = x[0] * 0.3
    return np.sum(x) * c + np.sum(x) * min([3, s])


def product_of_none(x, s):
    p = 1
    for _ in range(int(s) - 1):
        p = p * x[1]
    x = x * 1.0
    x[0] = x[0] * 0.3
    return np.sum(x) * p


def counter_left_over(x, s):
    t = 0.5
    for i in range(3):
        t = i
    x = x * 1.0
    x[0] = x[0] * 0.3
    return np.sum(x) * t * s


def whole_in_a_while(x, s):
    t, i = 0.5, 0
    while i < 3:
        i += 1
        t = i if i > 1 else s
    x = x * 1.0
    x[0] = x[0] * 0.3
    return np.sum(x) * t + np.sum(x) * (s or 2) + np.sum(x) * (s and 3)


@pytest.mark.parametrize("program", [whole_on_one_path, added_to_where_it_is_whole, the_greater, product_of_none, counter_left_over, whole_in_a_while], ids=lambda p: p.__name__)
def test_whole_numbers_where_another_path_has_a_float(program):
    gradient = srcad.grad(program, wrt="x")
    for s in (1.2, 0.7 if program is the_greater else 3.0):
        assert gradient(V, s).dtype == np.float64
        np.testing.assert_allclose(gradient(V, s), differences(program, (V, s), 0), atol=1e-6)
