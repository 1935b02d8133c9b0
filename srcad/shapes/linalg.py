"""Linear algebra.

    np.linalg.solve((n, n), (n, k))  ->  (n, k)
"""
from __future__ import annotations

import dataclasses
from typing import Any

import numpy as np

from srcad.dims import Dim, Facts, broadcast
from srcad.kinds import Number, result_dtypes
from srcad.shapes import SCIPY, SHAPES, integer, known_shape, lift, made, shape, smaller
from srcad.shapes.reductions import reduced

OLD_NUMPY = int(np.__version__.split(".")[0]) < 2  # which takes (n, n, n), (n, n) for a stack of vectors


def linalg_dtype(*operands: Number) -> Any:
    """Linear algebra is done in float32 or float64; what is no float counts as float64."""
    if any(o.dtype is None for o in operands):
        return None
    return np.result_type(*(o.dtype if o.dtype is not None and o.dtype.kind in "fc" else np.dtype(float) for o in operands))


@shape(np.linalg.inv, np.linalg.cholesky)
def same_matrix(facts: Facts, x: Any, **rest: Any) -> Number:
    return Number("array", linalg_dtype(x), known_shape(x))


@shape(np.linalg.det)
def det(facts: Facts, x: Any) -> Number:
    return made(linalg_dtype(x), known_shape(x)[:-2])


@shape(np.linalg.slogdet)
def slogdet(facts: Facts, x: Any) -> list[Number]:
    return [det(facts, x), det(facts, x)]


@shape(np.linalg.solve)
def solve(facts: Facts, a: Any, b: Any) -> Number:
    matrix, dims = known_shape(a), known_shape(b)
    if len(matrix) > 2:
        if len(dims) < 2 or OLD_NUMPY:
            raise NotImplementedError
        stack = broadcast(matrix[:-2], dims[:-2])
        dims = (*stack, *dims[-2:]) if stack is not None else None
    return Number("array", linalg_dtype(a, b), dims)


@shape(np.linalg.norm)
def norm(facts: Facts, x: Any, ord: Any = None, axis: Any = None, keepdims: Any = False) -> Number:
    return reduced(x, axis, keepdims is True, real_dtype(x))


def matrix_norm(facts: Facts, x: Any, keepdims: Any = False, ord: Any = "fro") -> Number:
    return reduced(x, (-2, -1), keepdims is True, linalg_dtype(x))


def vector_norm(facts: Facts, x: Any, axis: Any = None, keepdims: Any = False, ord: Any = 2) -> Number:
    return reduced(x, axis, keepdims is True, linalg_dtype(x))


def real_dtype(x: Any) -> Any:
    """Of values that are real, for complex matrices too."""
    dtype = linalg_dtype(x)
    return None if dtype is None else np.empty(0, dtype).real.dtype


@shape(np.linalg.eigvalsh)
def eigvalsh(facts: Facts, x: Any, UPLO: Any = "L") -> Number:  # noqa: N803
    return Number("array", real_dtype(x), known_shape(x)[:-1])


@shape(np.linalg.eigh)
def eigh(facts: Facts, x: Any, UPLO: Any = "L") -> list[Number]:  # noqa: N803
    return [eigvalsh(facts, x), same_matrix(facts, x)]


def complex_dtype(facts: Facts, x: Any) -> Any:
    """Of what is complex for some real matrices."""
    facts.may_be_real = True
    dtype = linalg_dtype(x)
    return None if dtype is None else np.result_type(dtype, np.complex64)


@shape(np.linalg.eigvals)
def eigvals(facts: Facts, x: Any) -> Number:
    return Number("array", complex_dtype(facts, x), known_shape(x)[:-1])


@shape(np.linalg.eig)
def eig(facts: Facts, x: Any) -> list[Number]:
    return [eigvals(facts, x), Number("array", complex_dtype(facts, x), known_shape(x))]


@shape(np.roots)
def roots(facts: Facts, p: Any) -> Number:
    """As many as there are coefficients without the zeros at their beginning, less one."""
    return Number("array", complex_dtype(facts, lift(p, facts)), (facts.new_dim(),))


@shape(np.linalg.svd)
def svd(facts: Facts, x: Any, full_matrices: Any = True, compute_uv: Any = True, hermitian: Any = False) -> Any:
    *stack, rows, columns = known_shape(x)
    least = smaller(rows, columns)
    dtype = linalg_dtype(x)
    values = Number("array", real_dtype(x), (*stack, least))
    if not compute_uv:
        return values
    left, right = (rows, columns) if full_matrices else (least, least)
    return [Number("array", dtype, (*stack, rows, left)), values, Number("array", dtype, (*stack, right, columns))]


def svdvals(facts: Facts, x: Any) -> Any:
    return svd(facts, x, compute_uv=False)


@shape(np.linalg.qr)
def qr(facts: Facts, x: Any, mode: Any = "reduced") -> Any:
    *stack, rows, columns = known_shape(x)
    if mode not in ("reduced", "complete"):
        raise NotImplementedError
    least = rows if mode == "complete" else smaller(rows, columns)
    return [Number("array", linalg_dtype(x), (*stack, rows, least)), Number("array", linalg_dtype(x), (*stack, least, columns))]


@shape(np.linalg.pinv)
def pinv(facts: Facts, x: Any, *rest: Any, **keywords: Any) -> Number:
    *stack, rows, columns = known_shape(x)
    return Number("array", linalg_dtype(x), (*stack, columns, rows))


@shape(np.linalg.lstsq)
def lstsq(facts: Facts, a: Any, b: Any, rcond: Any = None) -> list[Number]:
    rows, columns = known_shape(a)
    dtype = linalg_dtype(a, b)
    least = smaller(rows, columns)
    solution = Number("array", dtype, (columns, *known_shape(b)[1:]))
    residuals = Dim.of(0, facts) if least.key == rows.key else facts.new_dim()
    return [solution, Number("array", dtype, (residuals,)), Number("scalar", np.dtype(np.int32), ()), Number("array", dtype, (least,))]


@shape(np.linalg.matrix_power)
def matrix_power(facts: Facts, x: Any, n: Any) -> Number:
    power = integer(n)
    return Number("array", x.dtype if power > 0 else linalg_dtype(x), known_shape(x), fresh=power != 1)


@shape(np.linalg.cond)
def cond(facts: Facts, x: Any, p: Any = None) -> Number:
    return made(linalg_dtype(x), known_shape(x)[:-2])


@shape(np.linalg.tensorinv)
def tensorinv(facts: Facts, x: Any, ind: Any = 2) -> Number:
    dims = known_shape(x)
    return Number("array", linalg_dtype(x), dims[integer(ind) :] + dims[: integer(ind)])


@shape(np.linalg.tensorsolve)
def tensorsolve(facts: Facts, a: Any, b: Any, axes: Any = None) -> Number:
    return Number("array", linalg_dtype(a, b), known_shape(a)[len(known_shape(b)) :])


for _label, _rule in (("matrix_norm", matrix_norm), ("vector_norm", vector_norm), ("svdvals", svdvals)):  # since NumPy 2.0
    if hasattr(np.linalg, _label):
        SHAPES[getattr(np.linalg, _label)] = _rule


def logsumexp(facts: Facts, a: Any, axis: Any = None, b: Any = None, keepdims: Any = False, return_sign: Any = False) -> Number:
    if return_sign is not False:
        raise NotImplementedError
    whole = a if b is None else dataclasses.replace(lift(a, facts), shape=broadcast(lift(a, facts).shape, lift(b, facts).shape))
    dtype = result_dtypes(np.exp, a)[0] if b is None else result_dtypes(np.multiply, lift(a, facts), lift(b, facts))[0]
    return reduced(whole, axis, keepdims is True, dtype)


SCIPY["logsumexp"] = logsumexp


def same_shape(facts: Facts, x: Any, axis: Any = None) -> Number:
    return Number("array", result_dtypes(np.exp, x)[0], known_shape(x))


def of_each(facts: Facts, x: Any) -> Number:
    return Number("unknown", np.dtype(float), lift(x, facts).shape) if not lift(x, facts).ndim else made(np.dtype(float), lift(x, facts).shape)


SCIPY.update({"softmax": same_shape, "log_softmax": same_shape, "polygamma": lambda facts, n, x: of_each(facts, x), "multigammaln": lambda facts, a, d: of_each(facts, a)})


def triangular(facts: Facts, a: Any, b: Any, *rest: Any, **keywords: Any) -> Number:
    return solve(facts, a, b)


def sylvester(facts: Facts, a: Any, b: Any, q: Any) -> Number:
    return Number("array", linalg_dtype(a, b, q), known_shape(q))


SCIPY.update({
    "linalg.sqrtm": lambda facts, a, **rest: Number("array", complex_dtype(facts, a), known_shape(a)), "linalg.inv": same_matrix, "linalg.cholesky": same_matrix, "linalg.expm": same_matrix, "linalg.expm_frechet": lambda facts, a, e, **rest: Number("array", None, known_shape(a)),
    "linalg.det": lambda facts, a: made(np.dtype(complex if a.dtype is not None and a.dtype.kind == "c" else float), ()) if a.ndim == 2 else det(facts, a), "linalg.solve": triangular, "linalg.solve_triangular": triangular,
    "linalg.solve_banded": lambda facts, l_and_u, ab, b, **rest: Number("array", linalg_dtype(ab, b), known_shape(b)), "linalg.solve_sylvester": sylvester,
})


def filtered(facts: Facts, x: Any, *rest: Any, **keywords: Any) -> Number:
    if "output" in keywords or x.dtype is None or x.dtype.kind != "f":
        raise NotImplementedError
    return Number("array", x.dtype, known_shape(x))


SCIPY.update({f"ndimage.{label}": filtered for label in ("correlate", "convolve", "correlate1d", "convolve1d", "gaussian_filter1d", "gaussian_filter",
                                                       "uniform_filter1d", "uniform_filter", "sobel", "prewitt", "laplace", "gaussian_laplace", "maximum_filter",
                                                       "minimum_filter", "median_filter", "maximum_filter1d", "minimum_filter1d", "rank_filter", "percentile_filter",
                                                       "grey_erosion", "grey_dilation", "grey_opening", "grey_closing", "white_tophat", "black_tophat",
                                                       "morphological_gradient", "morphological_laplace")})


def of_points(facts: Facts, x: Any, alpha: Any) -> Number:
    """A density for each column."""
    return made(np.dtype(float), known_shape(lift(x, facts))[1:])


def of_rows(facts: Facts, x: Any, mean: Any = None, cov: Any = None, *rest: Any, **keywords: Any) -> Number:
    """A density for each row; of one row a number."""
    dims, sides = known_shape(lift(x, facts)), known_shape(lift(cov, facts))
    if len(dims) not in (1, 2) or len(sides) != 2 or len(dims) == 1 and sides[0] == 1:
        raise NotImplementedError
    return made(np.dtype(float), dims[:1] if len(dims) == 2 and dims[0] != 1 else ())


SCIPY.update({"stats.multivariate_normal_gen.logpdf": of_rows, "stats.multivariate_normal_gen.pdf": of_rows,
              "stats.multivariate_normal_gen.entropy": lambda facts, *args, **keywords: made(np.dtype(float), ()),
              "stats.dirichlet_gen.logpdf": of_points, "stats.dirichlet_gen.pdf": of_points})


def solution(facts: Facts, func: Any, y0: Any, t: Any, args: Any = (), rtol: Any = None, atol: Any = None) -> Number:
    """A row for each time."""
    start = known_shape(lift(y0, facts))
    return Number("array", np.dtype(float), (*known_shape(lift(t, facts)), *(start or (Dim.of(1, facts),))))


SCIPY["integrate.odeint"] = solution
