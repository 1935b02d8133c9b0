"""The public interface: every way to ask for a gradient, and everything its object can do."""
from __future__ import annotations

import collections
import copy
import dataclasses
import functools
import inspect
import math
import pathlib
import pickle
import runpy
import subprocess
import sys
import threading
import traceback

import numpy as np
import pytest
import scipy.special

import srcad
from srcad import grad

Point = collections.namedtuple("Point", "w b")


@dataclasses.dataclass
class Layer:
    w: np.ndarray
    b: float
    name: str = "layer"


@grad
def decorated(x, y):
    """The docstring."""
    return x * y


def loss(w, b, x, rate=0.5):
    return np.sum((x @ w + b) ** 2) * rate


W, B, X = np.array([1.0, 2.0]), 0.5, np.array([[1.0, 0.0], [2.0, 1.0]])


# ---- asking

def test_decorator_forms():
    assert decorated(3.0, -4.0) == (-4.0, 3.0)

    @grad(wrt="y")
    def bare(x, y):
        return x * y

    @grad(wrt=("y",))
    def one(x, y):
        return x * y

    assert bare(3.0, -4.0) == 3.0
    assert one(3.0, -4.0) == (3.0,)


@pytest.mark.parametrize(("options", "count"), [
    ({"wrt": "w"}, None), ({"wrt": 0}, None), ({"wrt": ("w", "b")}, 2), ({"wrt": (0, "b")}, 2), ({"argnums": 0}, None), ({"argnums": (0, 1)}, 2),
    ({"argnum": 1}, None), ({"wrt": ["w"]}, 1), ({"wrt": -1}, None), ({}, 3),
])
def test_wrt(options, count):
    result = grad(loss, **options)(W, B, X, rate=0.5)
    assert (len(result) if isinstance(result, tuple) else None) == count


def test_wrt_that_is_no_parameter():
    with pytest.raises(srcad.SrcadError, match="wrt names `v`, and the parameters are w, b, x, rate"):
        grad(loss, wrt="v")
    with pytest.raises(srcad.SrcadError, match="wrt counts to 7"):
        grad(loss, wrt=7)
    for odd in (1.5, {"w"}, True):
        with pytest.raises(srcad.SrcadError, match="it must be a name, a position, or a tuple of them"):
            grad(loss, wrt=odd)
    with pytest.raises(TypeError, match="give one of wrt"):
        grad(loss, wrt=0, argnums=1)


def test_parameters_with_defaults_are_left_out_by_default():
    assert len(grad(loss)(W, B, X)) == 3
    assert grad(loss, wrt="rate")(W, B, X) == pytest.approx(loss(W, B, X) / 0.5)


def test_keywords_and_defaults():
    by_position = grad(loss)(W, B, X, 0.25)
    by_keyword = grad(loss)(x=X, b=B, w=W, rate=0.25)
    for a, b in zip(by_position, by_keyword):
        np.testing.assert_array_equal(a, b)


def test_star_parameters():
    def f(x, *rest, scale, **options):
        return x * rest[0] * scale * options["k"]

    gradient = grad(f)
    assert gradient(2.0, 3.0, scale=5.0, k=7.0) == (105.0, (70.0,))
    assert grad(f, wrt="options")(2.0, 3.0, scale=5.0, k=7.0) == {"k": 30.0}


def test_structures():
    def f(p, x):
        return np.sum(x @ p["layer"].w + p["layer"].b) * p["list"][0] * p["point"].b

    p = {"layer": Layer(W, B), "list": [2.0, (3.0, "flag")], "point": Point(1.0, 2.0)}
    dp, dx = grad(f)(p, X)
    assert list(dp) == ["layer", "list", "point"]
    assert isinstance(dp["layer"], Layer) and dp["layer"].name is None and type(dp["layer"].b) is float
    assert dp["list"][1] == (0.0, None) and isinstance(dp["point"], Point) and dp["point"].w == 0.0
    grad(f).check(p, X)


def test_flags_steer_and_have_none():
    def f(x, mode, on, nothing):
        y = x * 2 if mode == "double" and on else x
        return y if nothing is None else -y

    assert grad(f)(3.0, "double", True, None) == (2.0, None, None, None)
    assert grad(f)(3.0, "double", False, None)[0] == 1.0
    assert grad(f)(3.0, "plain", True, 1.0)[0] == -1.0
    body = grad(f).source_for(3.0, "double", True, None).partition("# backprop")[0].partition(":")[2]
    assert "mode" not in body and "if" not in body


# ---- the object

def test_value_and_grad():
    value, gradient = srcad.value_and_grad(lambda x: x ** 2)(3.0)
    assert (value, gradient) == (9.0, 6.0)
    assert decorated.value(3.0, -4.0) == -12.0
    assert decorated.value_and_grad(3.0, -4.0) == (-12.0, (-4.0, 3.0))
    assert srcad.value_and_grad(lambda x, y: x * y)(2.0, 3.0) == (6.0, (3.0, 2.0))


def test_has_aux():
    def f(x):
        y = x * x
        return y, {"y": y, "note": "kept"}

    assert srcad.value_and_grad(f, has_aux=True)(3.0) == ((9.0, {"y": 9.0, "note": "kept"}), 6.0)
    with pytest.raises(srcad.SeedError, match=r"a pair \(value, aux\)"):
        srcad.value_and_grad(lambda x: x, has_aux=True)(1.0)


def test_vjp_of_structures():
    value, pullback = srcad.vjp(lambda x, y: {"sum": x + y, "parts": (x * y, [x])}, 2.0, 3.0)
    assert value == {"sum": 5.0, "parts": (6.0, [2.0])}
    assert pullback({"sum": 1.0, "parts": (1.0, [10.0])}) == (14.0, 3.0)


@pytest.mark.parametrize("seed", [1.0, np.ones(3), np.ones((2, 1)), [1.0], None])
def test_seeds_must_fit(seed):
    _, pullback = srcad.vjp(lambda x: x * 2, np.ones(2))
    with pytest.raises(srcad.SeedError, match="dout must"):
        pullback(seed if seed is not None else "no")


def test_elementwise_grad():
    np.testing.assert_allclose(srcad.elementwise_grad(np.tanh)(np.zeros((2, 2))), np.ones((2, 2)))
    assert srcad.elementwise_grad(lambda x: x ** 2)(3.0) == 6.0


def test_stop_gradient():
    assert grad(lambda x: x * srcad.stop_gradient(x * x))(3.0) == 9.0


def test_forward_and_backward():
    @grad
    def affine(x, w, b):
        return x @ w + b

    x, w, b = (np.random.default_rng(0).standard_normal(s) for s in [(4, 3), (3, 2), (2,)])
    out, cache = affine.forward(x, w, b)
    np.testing.assert_array_equal(out, x @ w + b)
    dx, dw, db = affine.backward(np.ones((4, 2)), cache)
    np.testing.assert_allclose(dw, x.T @ np.ones((4, 2)))
    np.testing.assert_allclose(db, [4.0, 4.0])
    for twin in (copy.copy(cache), copy.deepcopy(cache)):
        np.testing.assert_array_equal(affine.backward(np.ones((4, 2)), twin)[1], dw)
    with pytest.raises(srcad.SeedError, match="must be the one that forward returned"):
        affine.backward(np.ones((4, 2)), (x, w))


def test_specialise_is_the_generated_function():
    g = decorated.specialise(1.0, 2.0)
    assert g.__name__ == "decorated_grad" and g(3.0, -4.0) == (-4.0, 3.0)
    assert inspect.getsource(g).startswith("def decorated_grad(x, y):")


def test_source_before_any_call_is_that_for_floats():
    @grad
    def fresh(x, y):
        return x * y

    assert "dx = y" in fresh.source
    assert fresh.staged == "def fresh(x, y):\n    prod = x * y\n    return prod\n"


def test_reprs_names_and_docstrings():
    assert repr(decorated) == "<grad of decorated(x, y) with respect to x, y>"
    assert decorated.__name__ == "decorated" and decorated.__doc__ == "The docstring."
    assert str(inspect.signature(decorated)) == "(x, y)"


def test_pickle_and_copy():
    assert pickle.loads(pickle.dumps(decorated)) is decorated
    plain = pickle.loads(pickle.dumps(grad(loss, wrt="w")))
    np.testing.assert_array_equal(plain(W, B, X), grad(loss, wrt="w")(W, B, X))
    assert copy.deepcopy(decorated)(3.0, -4.0) == copy.copy(decorated)(3.0, -4.0) == (-4.0, 3.0)
    assert isinstance(copy.copy(decorated), srcad.Gradient)


def test_threads():
    @grad
    def f(x, y):
        return np.sum(x * y)

    results: list[bool] = []

    def work(n: int) -> None:
        for _ in range(20):
            x = np.full(n, 2.0)
            results.append(np.array_equal(f(x, 3 * x)[0], 3 * x))

    threads = [threading.Thread(target=work, args=(n % 3 + 1,)) for n in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(results) == 160 and all(results)


class Model:
    scale = 3.0

    def __init__(self, w):
        self.w = w

    @grad
    def energy(self, x):
        return self.w * self.scale * x * x

    def plain(self, x):
        return self.w * x

    def __call__(self, x):
        return self.w * x ** 2


def test_methods_and_callable_objects():
    model = Model(2.0)
    assert model.energy(1.0) == 12.0
    model.w = 5.0
    assert model.energy(1.0) == 30.0
    bound = grad(model.plain)
    assert bound(1.0) == 5.0
    model.w = 7.0
    assert bound(1.0) == 7.0
    assert grad(model)(2.0) == 28.0


def test_a_decorated_function_is_the_wrapper_that_it_is():
    def twice(function):
        @functools.wraps(function)
        def wrapper(*args, **kwargs):
            return 2 * function(*args, **kwargs)

        return wrapper

    @twice
    def f(x):
        return x * x

    assert grad(f, wrt="args")(3.0) == (12.0,)


def test_library_functions():
    assert grad(np.sin)(0.0) == 1.0
    assert grad(math.exp)(0.0) == 1.0
    assert grad(np.multiply)(2.0, 3.0) == (3.0, 2.0)
    assert grad(abs)(-2.0) == -1.0
    np.testing.assert_array_equal(grad(np.sum)(np.ones(2)), np.ones(2))
    assert "np.cos(x)" in grad(np.sin).source


def test_lambdas_on_one_line_are_told_apart():
    f, g = grad(lambda x: x * 2), grad(lambda x: x * 3)
    assert (f(1.0), g(1.0)) == (2.0, 3.0)


def test_helpers_are_walked():
    def inner(x, k=2.0):
        y = x * k
        return y

    def f(x):
        y = inner(x)
        return y * inner(x, k=3.0)

    assert grad(f)(1.0) == 12.0


def test_shapes_share_code():
    gradient = grad(lambda x, b: np.sum((x + b) ** 2))
    for n in (3, 5, 7):
        gradient(np.ones((n, 2)), np.ones(2))
    assert len(gradient.main.entries) == 1
    gradient(np.ones((2, 2)), np.ones((2, 1)))
    assert len(gradient.main.entries) == 2
    np.testing.assert_array_equal(gradient(np.ones((1, 2)), np.ones(2))[1], [4.0, 4.0])


def test_tracebacks_show_generated_lines():
    @grad
    def f(x):
        return math.log(x)

    with pytest.raises(ValueError) as caught:
        f(-1.0)
    assert "math.log(x)" in "".join(traceback.format_exception(caught.value)).split("f_grad")[-1]


def test_export(tmp_path: pathlib.Path):
    path = tmp_path / "loss_grad.py"
    grad(loss, wrt=("w", "b")).export(path, W, B, X)
    assert "srcad" not in path.read_text()
    code = f"import sys; sys.path.insert(0, {str(tmp_path)!r}); import numpy as np; import loss_grad\n" \
           "print(loss_grad.loss_grad(np.array([1.0, 2.0]), 0.5, np.ones((2, 2)), 0.5))"
    done = subprocess.run([sys.executable, "-S", "-c", "import site; site.main()\n" + code], capture_output=True, text=True, check=True)
    assert done.stdout.startswith("(array([7., 7.])")


def test_an_exported_module_imports_what_the_program_does(tmp_path: pathlib.Path):
    from scipy.special import logsumexp as lse
    from scipy.stats import norm

    def likelihood(x):
        return lse(x) * lse(2 * x) + norm.logcdf(x[0])

    def shrinking(x):
        d = x * x
        while len(d) > 1:
            d = d[:-1] + d[1:]
        return d[0]

    for program in (likelihood, shrinking):
        path = tmp_path / f"{program.__name__}_grad.py"
        grad(program).export(path, np.ones(3))
        assert "srcad" not in path.read_text() and "SeedError" not in path.read_text()
        np.testing.assert_allclose(runpy.run_path(str(path))[f"{program.__name__}_grad"](np.ones(3)), grad(program)(np.ones(3)))


def test_an_exported_module_refuses_what_it_is_not_for(tmp_path: pathlib.Path):
    def padded(x, k):
        return np.sum(np.pad(x, k) * np.arange(len(x) + 2 * k))

    def states(xs, w):
        hs = [0.0]
        for t in range(len(xs)):
            hs.append(np.tanh(w * hs[-1] + xs[t]))
        return sum(hs)

    grad(padded, wrt="x").export(tmp_path / "padded.py", np.ones(4), 1)
    made = runpy.run_path(str(tmp_path / "padded.py"))["padded_grad"]
    np.testing.assert_allclose(made(np.ones(4), 1), [1, 2, 3, 4])
    with pytest.raises(ValueError, match="other ranks, sizes or values"):
        made(np.ones(4), 2)
    for backend in ("numpy", "numba"):
        if backend == "numba":
            pytest.importorskip("numba")
        grad(states, backend=backend).export(tmp_path / "states.py", np.ones(4), 0.5)
        made = runpy.run_path(str(tmp_path / "states.py"))["states_grad"]
        np.testing.assert_allclose(made(np.ones(4), 0.5)[0], grad(states)(np.ones(4), 0.5)[0])
        with pytest.raises(ValueError, match="other ranks, sizes or values"):
            made(np.ones(6), 0.5)


def test_export_of_what_cannot_be_written_is_refused(tmp_path: pathlib.Path):
    table = np.ones(3)
    with pytest.raises(srcad.SrcadError, match="reads `table`, a ndarray that cannot be written into a file. Pass it as an argument."):
        grad(lambda x: np.sum(x * table)).export(tmp_path / "f.py", np.ones(3))


def test_check_finds_a_wrong_rule():
    def broken(x):
        return scipy.special.exp1(x)

    srcad.rule(scipy.special.exp1)(lambda dz, z, x: (dz * 3.0,))
    try:
        with pytest.raises(srcad.GradientMismatchError, match="with respect to `x` along a random direction is .*, and finite differences give"):
            srcad.check_grad(broken, 0.3)
    finally:
        from srcad.rules import RULES

        del RULES[scipy.special.exp1]


def test_rules_of_the_users():
    @srcad.rule(scipy.special.k1)
    def log2(dz, z, x):
        return (dz * scipy.special.k1(x) * 0 + dz * 7.0,)

    try:
        gradient = grad(lambda x: scipy.special.k1(x))
        assert gradient(1.0) == 7.0

        @srcad.rule(scipy.special.k1)
        def another(dz, z, x):
            return (dz * 8.0,)

        assert gradient(1.0) == 8.0
    finally:
        from srcad.rules import RULES

        del RULES[scipy.special.k1]
