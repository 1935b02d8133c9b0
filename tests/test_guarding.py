"""The text of a guard asks what the conditions ask."""
import itertools
import linecache

import numpy as np
import pytest

import srcad
from srcad.guarding import guard_lines


def test_paths_are_followed_once_and_shapes_compared_as_a_whole():
    conditions = ["type(p) is K", "(*p,) == ('w', 'b')", "type(p['w']) is A", "p['w'].ndim == 1", "type(p['b']) is A", "p['b'].ndim == 1",
                  "p['w'].shape[0] == p['b'].shape[0]", "p['w'].shape[0] > 2"]
    assert guard_lines(conditions) == [
        "srcad_fits = type(p) is K",
        "if srcad_fits:",
        "    [srcad_n0, srcad_n1] = p",
        "    [srcad_v0_0, srcad_v0_1] = p.values()",
        "    srcad_fits = srcad_n0 == 'w' and srcad_n1 == 'b' and type(srcad_v0_0) is A and srcad_v0_0.ndim == 1 and (srcad_s0 := len(srcad_v0_0)) >= 0 and "
        "type(srcad_v0_1) is A and srcad_v0_1.ndim == 1 and len(srcad_v0_1) == srcad_s0 and srcad_s0 > 2",
    ]


def test_names_that_begin_alike_and_strings_stay_as_they_are():
    conditions = ["type(p.w) is A", "p.w.ndim == 2", "type(p.w2) is A", "p.w2.ndim == 2", "mode == 'p.w.x'", "p.w.shape[1] == p.w2.shape[0]"]
    [text] = guard_lines(conditions)
    assert text.removeprefix("srcad_fits = ") == "type(srcad_v0 := p.w) is A and srcad_v0.ndim == 2 and type(srcad_v1 := p.w2) is A and srcad_v1.ndim == 2 and mode == 'p.w.x' and srcad_v0.shape[1] == srcad_v1.shape[0]"


def test_what_stands_in_a_key_is_no_path():
    conditions = ["type(x) is L", "type(x[0]) is A", "x[0].ndim == 2", "type(p['a x[0]']) is A", "p['a x[0]'].ndim == 2",
                  "p['a x[0]'].shape[0] == x[0].shape[0]", "p['a x[0]'].shape[1] == x[0].shape[1]", "s == 'x[0]'"]
    [text] = guard_lines(conditions)
    assert text.removeprefix("srcad_fits = ") == ("type(x) is L and type(srcad_v0 := x[0]) is A and len(srcad_s0 := srcad_v0.shape) == 2 and type(srcad_v1 := p['a x[0]']) is A and srcad_v1.shape == srcad_s0 and s == 'x[0]'")


@pytest.mark.parametrize("equalities", [
    [("a", 0, "b", 0), ("a", 1, "b", 1)], [("a", 0, "b", 1), ("a", 1, "b", 0)], [("a", 0, "a", 1), ("a", 0, "b", 0), ("b", 0, "b", 1)],
    [("a", 0, "c", 0), ("c", 0, "b", 0), ("a", 1, "b", 1)], [("b", 1, "c", 1), ("a", 1, "c", 1), ("a", 0, "b", 0), ("c", 0, "a", 1)], [("c", 0, "b", 0), ("c", 1, "b", 1)],
])
def test_as_the_conditions_one_by_one(equalities):
    conditions = [f"{n}.ndim == 2" for n in "abc"] + [f"{p}.shape[{i}] == {q}.shape[{j}]" for p, i, q, j in equalities]
    text = guard_lines(conditions)[0].removeprefix("srcad_fits = ")
    for sizes in itertools.product((1, 2), repeat=6):
        space = {n: np.empty(sizes[2 * k : 2 * k + 2]) for k, n in enumerate("abc")}
        assert bool(eval(text, dict(space))) == all(eval(c, dict(space)) for c in conditions)


def test_vectors_of_other_lengths_and_other_ranks_do_not_fit():
    [line] = guard_lines(["a.ndim == 1", "b.ndim == 1", "c.ndim == 1", "b.shape[0] == a.shape[0]", "c.shape[0] == b.shape[0]", "c.shape[0] != 2"])
    text = line.removeprefix("srcad_fits = ")
    shapes = [(0,), (1,), (2,), (3,), (3, 1), (3, 3), ()]
    for taken in itertools.product(shapes, repeat=3):
        space = dict(zip("abc", map(np.empty, taken), strict=True))
        assert eval(text, space) == (taken in [((n,),) * 3 for n in (0, 1, 3)])


def test_a_structure_that_changes_is_compiled_anew():
    def f(p):
        return np.sum(p["w"] * p["b"]) + np.sum(p["c"][0] * p["w"])

    gradient = srcad.grad(f)
    for n, m in ((3, 3), (4, 4), (3, 1), (1, 3), (3, 3)):
        p = {"w": np.ones(n), "b": np.full(m, 2.0), "c": [np.full(1, 3.0)]}
        got = gradient(p)
        assert got["w"].shape == (n,) and got["b"].shape == (m,)
        assert np.allclose(got["w"], 2.0 * (max(n, m) / n) + 3.0) and np.allclose(got["b"], max(n, m) / m)
    with pytest.raises(srcad.SrcadError):
        gradient({"w": np.ones(3), "c": [np.ones(1)]})


def test_the_garbage_collector_runs_again_after_a_compilation():
    import gc

    srcad.grad(lambda x: x * x)(3.0)
    assert gc.isenabled()
    with pytest.raises(srcad.SrcadError):
        srcad.grad(lambda x: np.interp)(3.0)
    assert gc.isenabled()


def test_dicts_in_dicts_with_odd_keys():
    def f(p, empty):
        return np.sum(p["a,b"]["it's"] * p[3]) + p[(1, 2)]["x"][0] * p["e"]["\\"] + len(empty)

    def argument(size, inner=("it's", "y"), e=2.0):
        return {"a,b": {k: np.full(size, 2.0) for k in inner}, 3: np.full(size, 3.0), (1, 2): {"x": [4.0]}, "e": {"\\": e}}

    gradient = srcad.grad(f, wrt="p")
    for _ in range(2):
        for size in (2, 3):
            for inner in (("it's", "y"), ("y", "it's"), ("it's",)):
                found = gradient(argument(size, inner), {})
                assert found["a,b"].keys() == set(inner) and list(found["a,b"]) == list(inner)
                assert np.allclose(found["a,b"]["it's"], np.full(size, 3.0)) and np.allclose(found[3], 2.0) and found[(1, 2)] == {"x": [2.0]} and found["e"] == {"\\": 4.0}
    with pytest.raises(srcad.SrcadError):
        gradient({"a,b": 1.0}, {})
    assert gradient(argument(2, e=np.float64(5.0)), {})[(1, 2)] == {"x": [5.0]}


@pytest.mark.parametrize("name", ["fits", "looking", "made", "srcad", "srcad_fits", "srcad_made", "srcad_n0", "srcad_v0_0", "srcad_k0", "gradient", "dispatch"])
def test_a_parameter_may_have_any_name(name):
    text = f"def f({name}, p):\n    return {name} * {name} * np.sum(p['x'])\n"
    linecache.cache["<names>"] = (len(text), None, text.splitlines(True), "<names>")
    scope = {"np": np}
    exec(compile(text, "<names>", "exec"), scope)
    gradient = srcad.grad(scope["f"])
    for value in (3.0, 3.0, 4.0, 4, 4, np.float32(2.0)):
        found = gradient(value, {"x": np.ones(2)})
        assert found[0] == 4 * value and np.allclose(found[1]["x"], float(value) ** 2)
