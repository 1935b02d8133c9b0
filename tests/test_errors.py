"""Refusals: where, what was expected, what came, what to do."""
from __future__ import annotations

import pathlib
import types

import numpy as np
import pytest
import scipy.special

import srcad


def with_unknown(x):
    return np.sum(scipy.special.ellipk(x))


def with_shuffle(x, order):
    np.random.shuffle(order)
    return np.sum(x[order] * np.arange(3))


def with_global_write(x):
    global WRITTEN
    WRITTEN = x
    return x


def with_unknown_name(x):
    return x * no_such_name  # noqa: F821


def with_keyword(x):
    return np.sum(x, dtype=float, out=None, initial=x[0])


def with_bad_shapes(x):
    return np.sum(x + np.ones(5))


def with_generator(x):
    yield x


def with_growing_list(x, n):
    rows = []
    while x < n:
        rows.append(x)
        x = x * 2
    return rows


def with_class(x):
    class Local:
        pass

    return x * len(Local.__name__)


def with_integer_array(x):
    y = np.zeros(3, dtype=int)
    y[0] = x
    return np.sum(y) * x


OUTSIDE = [1.0, 2.0]


def with_outside_list(x):
    OUTSIDE[0] = x
    return x * x


class Outside:
    scale = 1.0


HELD = Outside()


def with_outside_object(x):
    HELD.scale = x
    return x * x


def with_maybe_view(x):
    y = x * 2
    z = np.broadcast_to(y, (2, 3))
    y[0] = 5.0
    return np.sum(z * z)


def with_set(x):
    return sum({x, x * x})


def with_open(x):
    with open("file"):
        return x


def with_nonlocal(x):
    y = x

    def inner():
        nonlocal y
        y = x * x

    inner()
    return y


def with_async(x):
    async def inner():
        return x

    return x


def with_shared_arguments(x, y):
    x[0] = y[0]
    return np.sum(x * y)


def with_ambiguous_type(x):
    y = 0.0
    while np.sum(y) < 1:
        y = y + x
    y += 1.0
    return np.sum(y)


V = np.array([1.0, 2.0, 3.0])
CASES = [
    (with_unknown, (np.eye(2),), srcad.MissingRuleError, "Give one with @srcad.rule(scipy.special.ellipk)"),
    (with_shuffle, (V, np.array([0, 1, 2])), srcad.MissingRuleError, "it may write into what it is given"),
    (with_global_write, (1.0,), srcad.UnsupportedSyntaxError, "Return the value instead."),
    (with_unknown_name, (1.0,), srcad.UnsupportedSyntaxError, "the name `no_such_name` is not defined."),
    (with_keyword, (V,), srcad.MissingRuleError, "no derivative with respect to `initial`"),
    (with_bad_shapes, (V,), srcad.SrcadError, "the statement would raise ValueError"),
    (with_generator, (1.0,), srcad.UnsupportedSyntaxError, "it is a generator"),
    (with_growing_list, (1.0, 5.0), srcad.SrcadError, "it returns a list that grows in a loop"),
    (with_class, (1.0,), srcad.UnsupportedSyntaxError, "classes defined inside a differentiated function are not supported. Define it outside."),
    (with_integer_array, (1.5,), srcad.SrcadError, "stored into an array of int64, which drops its fraction. Make the array of floats."),
    (with_outside_list, (1.0,), srcad.UnsupportedSyntaxError, "it changes a list that outlives the call."),
    (with_outside_object, (1.0,), srcad.UnsupportedSyntaxError, "it changes an object that outlives the call."),
    (with_maybe_view, (V,), srcad.AliasError, "Copy it with .copy()."),
    (with_set, (1.0,), srcad.UnsupportedSyntaxError, "Use a list or a tuple."),
    (with_open, (1.0,), srcad.UnsupportedSyntaxError, "only np.errstate(...) and srcad.scope(...)"),
    (with_nonlocal, (1.0,), srcad.UnsupportedSyntaxError, "writes to variables outside it"),
    (with_async, (1.0,), srcad.UnsupportedSyntaxError, "coroutines cannot be differentiated."),
    (with_shared_arguments, (V, V), srcad.AliasError, "it changes `x`, which shares memory with `y`. Use copies."),
    (with_ambiguous_type, (V,), srcad.UnsupportedSyntaxError, "which this is cannot be told"),
]


@pytest.mark.parametrize(("f", "args", "kind", "text"), CASES, ids=lambda v: getattr(v, "__name__", ""))
def test_refusals(f, args, kind, text):
    with pytest.raises(kind) as caught:
        srcad.grad(f)(*args)
    message = str(caught.value)
    assert text in message
    if caught.value.location is not None:
        head, source, caret, *_ = message.split("\n")
        assert head.startswith(f"{__file__}:") and "srcad cannot differentiate `" in head
        assert set(caret.strip()) == {"^"} and source.strip()


def test_the_whole_text():
    with pytest.raises(srcad.MissingRuleError) as caught:
        srcad.grad(with_unknown)(np.eye(2))
    line = with_unknown.__code__.co_firstlineno + 1
    assert str(caught.value) == (
        f"{__file__}:{line}: srcad cannot differentiate `scipy.special.ellipk`\n"
        "    return np.sum(scipy.special.ellipk(x))\n"
        "                  ^^^^^^^^^^^^^^^^^^^^^^^\n"
        "no rule is known for `scipy.special.ellipk`. Give one with @srcad.rule(scipy.special.ellipk): a function (dz, z, *operands) that returns the "
        "operands' adjoints. If its result needs no derivative, call it on srcad.stop_gradient(...).")


def test_the_advice_on_unknown_functions_works():
    @srcad.rule(scipy.special.ellipk)
    def ellipk(dz, z, m):
        return ((scipy.special.ellipe(m) / (1 - m) - z) / (2 * m) * dz,)

    try:
        srcad.check_grad(with_unknown, np.array([0.25, 0.5]))
    finally:
        from srcad.rules import RULES

        del RULES[scipy.special.ellipk]
    assert srcad.grad(lambda a: np.sum(scipy.special.ellipk(srcad.stop_gradient(a)) * a))(np.eye(2) / 2).shape == (2, 2)


def test_a_syntax_error_has_its_place():
    with pytest.raises(SyntaxError) as caught:
        srcad.grad(with_set)(1.0)
    assert caught.value.filename == __file__ and caught.value.lineno == with_set.__code__.co_firstlineno + 1


def test_a_decorator_does_not_raise():
    gradient = srcad.grad(with_set)
    with pytest.raises(srcad.SrcadError):
        gradient.source_for(1.0)
    with pytest.raises(srcad.SrcadError):
        gradient.staged  # noqa: B018


@pytest.mark.parametrize("value", [np.array([[1.0]]).view(np.matrix), np.ma.array([1.0]), np.array(["a"]), np.array([1.0], dtype=object), np.array([1j])])
@pytest.mark.filterwarnings("ignore::PendingDeprecationWarning")
def test_other_arrays_are_refused(value):
    with pytest.raises(srcad.SrcadError):
        srcad.grad(lambda x: np.sum(x))(value)


def test_a_result_that_is_no_number():
    with pytest.raises(srcad.SeedError, match=r"a gradient needs one number as the result, and this returns an array of shape \(3,\). "
                                              "Use vjp, forward and backward, or elementwise_grad, or return a sum."):
        srcad.grad(lambda x: x * 2)(V)
    with pytest.raises(srcad.SeedError, match="returns a tuple of 2"):
        srcad.grad(lambda x: (x, x))(1.0)
    with pytest.raises(srcad.SeedError, match="returns None"):
        srcad.grad(lambda x: None)(1.0)


def test_functions_without_source():
    space: dict[str, types.FunctionType] = {}
    exec("def f(x):\n    return x * x\n", space)
    with pytest.raises(srcad.UnsupportedSyntaxError, match="its source is not to be had"):
        srcad.grad(space["f"])(1.0)


def test_a_file_that_has_changed(tmp_path: pathlib.Path):
    import importlib.util

    path = tmp_path / "changing.py"
    path.write_text("def f(x):\n    return x * 2\n")
    spec = importlib.util.spec_from_file_location("changing", path)
    assert spec is not None and spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    path.write_text("# moved\ndef f(x):\n    return x * 30\n")
    with pytest.raises(srcad.UnsupportedSyntaxError, match="has changed since it was loaded. Reload the module"):
        srcad.grad(module.f)(1.0)


def test_wrong_calls_raise_as_the_function_would():
    gradient = srcad.grad(with_set)
    with pytest.raises(TypeError, match="missing a required argument: 'x'"):
        gradient()
    working = srcad.grad(lambda x, y: x * y)
    working(1.0, 2.0)
    with pytest.raises(TypeError, match="y"):
        working(1.0)


def listed_after_a_loop(x):
    while x[0] > 0.1:
        x = x[1:]
    return x.tolist()[0]


def test_sizes_that_only_the_run_can_tell_are_named_as_such():
    with pytest.raises(srcad.UnsupportedSyntaxError, match=r"(?s)x\.tolist\(\).*a size that only the run can tell"):
        srcad.grad(listed_after_a_loop)(np.array([0.5, 0.4, 0.05]))


def test_what_has_no_rule_has_its_public_name():
    import scipy.stats as st

    with pytest.raises(srcad.MissingRuleError, match=r"no rule is known for `scipy\.stats\.gumbel_r\.logpdf`"):
        srcad.grad(lambda x, s: st.gumbel_r.logpdf(x, scale=s))(1.0, 2.0)
    assert np.isclose(srcad.grad(lambda x: x * st.norm.ppf(0.975))(2.0), 1.959963984540054)


SPARSE = None


@pytest.mark.parametrize("program, kind", [(lambda x: np.sum(np.matrix([[1.0, 2.0], [3.0, 4.0]]) * x), "np.matrix"), (lambda x: np.sum(np.asmatrix(np.eye(2)) * x), "np.matrix"),
                                           (lambda x: np.mean(np.ma.array([1.0, 2.0], mask=[0, 1]) * x), "masked array"), (lambda x: np.sum(SPARSE @ x), "sparse array")])
def test_arrays_with_operators_of_their_own_are_refused(program, kind, monkeypatch):
    import scipy.sparse as sp

    monkeypatch.setitem(globals(), "SPARSE", sp.csr_matrix(np.eye(2)))
    with pytest.raises(srcad.UnsupportedSyntaxError, match=kind):
        srcad.grad(program)(np.ones(2))


def test_misspelt_attributes_are_named():
    for program in (lambda x: x.shpe[0] * x[0], lambda x: x.sun()):
        with pytest.raises(srcad.UnsupportedSyntaxError, match="has no attribute `s"):
            srcad.grad(program)(np.ones(2))


def test_what_a_library_has_is_known():
    assert np.array_equal(srcad.grad(lambda x: (np.sum if hasattr(np, "sum") else np.total)(x**2))(np.ones(2)), [2.0, 2.0])
    assert np.array_equal(srcad.grad(lambda x: np.nothing(x) if hasattr(np, "nothing") else np.sum(x))(np.ones(2)), [1.0, 1.0])


VECTOR, MATRIX = np.arange(1.0, 4), np.ones((3, 2))


@pytest.mark.parametrize("f, args", [
    (lambda x: np.sum(np.split(x, 2)[0]), (VECTOR,)), (lambda x: np.sum(np.hsplit(x, 2)[0]), (VECTOR,)), (lambda x: np.sum(np.vsplit(x, 2)[0]), (MATRIX,)),
    (lambda x, y: np.inner(x, y), (VECTOR, np.ones(1))), (lambda x: np.inner(np.ones((2, 1)), x).sum(), (VECTOR,)),
    (lambda x: np.sum(np.cumsum(x, axis=1)), (VECTOR,)), (lambda x: np.sum(np.cumprod(x, axis=-2)), (VECTOR,)), (lambda x: np.sum(np.diag(x)), (np.ones((3, 3, 3)),)),
    (lambda x, y: np.sum(np.interp([0.5], x, y)), (VECTOR, np.ones(4))), (lambda x: np.sum(np.average(x, axis=0, weights=[1, 2, 3])), (np.ones(2),)),
    (lambda x: np.average(x, weights=[1, 2]), (VECTOR,)), (lambda x: np.sum(np.lib.stride_tricks.sliding_window_view(x, 3)), (np.ones(2),)),
    (lambda x: np.sum(np.broadcast_to(x, (1,))), (VECTOR,)), (lambda x: np.sum(np.broadcast_to(x, (3,))), (MATRIX,)),
    (lambda x: np.sum(np.full((2, 3), x)), (np.ones(2),)), (lambda x, y: np.sum(np.full_like(y, x)), (np.ones(2), np.ones(3))),
    (lambda x: np.sum(np.diagonal(np.diag(x), axis1=0, axis2=0)), (VECTOR,)), (lambda x: np.sum(np.pad(x, -1)), (VECTOR,)), (lambda x: np.sum(np.diff(x, n=-1)), (VECTOR,)),
])
def test_what_raises_raises_though_its_value_is_not_asked_for(f, args):
    with pytest.raises((ValueError, TypeError)):
        f(*args)
    with pytest.raises((ValueError, srcad.SrcadError)):
        srcad.grad(f)(*args)


def test_equal_parts_are_asked_for_again_with_another_size():
    gradient = srcad.grad(lambda x: np.sum(np.split(x, 2)[0] ** 2))
    np.testing.assert_array_equal(gradient(np.ones(4)), [2, 2, 0, 0])
    np.testing.assert_array_equal(gradient(np.ones(6)), [2, 2, 2, 0, 0, 0])
    with pytest.raises((ValueError, srcad.SrcadError)):
        gradient(np.ones(5))


def by_zero(x):
    try:
        y = x // 0
    except ZeroDivisionError:
        y = x
    return y


def rest_of_zero(x):
    try:
        y = x % 0
    except ZeroDivisionError:
        y = x * 7
    return y


def over_zero(x):
    try:
        return x / 0
    except ZeroDivisionError:
        return x * 2


@pytest.mark.parametrize("f", [by_zero, rest_of_zero, over_zero])
def test_handlers_of_what_has_no_derivative_are_not_left_out(f):
    with pytest.raises(srcad.SrcadError, match="would enter an except clause"):
        srcad.grad(f)(4.0)


def test_what_divides_by_zero_raises():
    with pytest.raises(ZeroDivisionError):
        srcad.grad(lambda x: (x // 0, x * 2)[1])(4.0)
