"""Shape rules: the form, dtype and shape of what a function returns, from those of its operands.

    (n, d) @ (d, h) -> (n, h)        np.sum((n, d), axis=0) -> (d,)

A function without a rule returns something of unknown shape: that costs a
run-time helper later, never a wrong answer. Operands come as Numbers, lists of
Numbers, or plain Python values.
"""
from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from srcad.kinds import (
    BOOL, FLOAT, INT, UNKNOWN, Dim, Facts, Number, Shape, Undecided, alike, broadcast, product, python, result_dtypes, sample,
)
from srcad.rules import find

SHAPES: dict[object, Callable[..., Any]] = {}
Rule = Callable[..., Any]


def shape(*functions: object) -> Callable[[Rule], Rule]:
    def register(rule: Rule) -> Rule:
        SHAPES.update(dict.fromkeys(functions, rule))
        return rule

    return register


def infer_call(function: object, facts: Facts, args: Sequence[Any], keywords: dict[str, Any]) -> Any:
    """The kind of `function(*args, **keywords)`: a Number, or a list of them; UNKNOWN without a rule.

    Raises ValueError where NumPy would for such shapes.
    """
    rule = SHAPES.get(function) or scipy_shape(function)
    try:
        if rule is not None:
            return rule(facts, *args, **keywords)
        if isinstance(function, np.ufunc):
            return ufunc_kind(function, [lift(a, facts) for a in args], keywords)
        if is_elementwise(function):
            return made(None, broadcast(*(lift(a, facts).shape for a in args)))
    except (Undecided, NotImplementedError):
        pass
    return UNKNOWN


def is_elementwise(function: object) -> bool:
    """Whether the rule of a function says that it works element by element."""
    known = find(function) if callable(function) else None
    return known is not None and known.elementwise


def scipy_shape(function: object) -> Rule | None:
    """Shape rules for SciPy's functions that are no ufuncs, by name: SciPy need not be imported."""
    if (getattr(function, "__module__", None) or "").startswith("scipy.special"):
        return {"logsumexp": logsumexp}.get(getattr(function, "__name__", ""))
    return None


def lift(value: Any, facts: Facts) -> Number:
    """A plain value as a Number."""
    match value:
        case Number():
            return value
        case Dim():
            return python(INT, value)
        case bool():
            return python(BOOL, Dim.of(value, facts))
        case int():
            return python(INT, Dim.of(value, facts))
        case float() if not isinstance(value, np.generic):
            return python(FLOAT)
        case np.generic():
            return Number("scalar", value.dtype, ())
        case list() | tuple():
            return array(facts, value)
    return UNKNOWN


def integer(value: Any) -> int:
    """The value of a parameter that must be known."""
    match value:
        case int() | np.integer():
            return int(value)
        case Dim():
            return value.known()
        case Number(dim=Dim() as dim):
            return dim.known()
    raise NotImplementedError


def dimension(value: Any, facts: Facts) -> Dim:
    match value:
        case Dim():
            return value
        case Number(dim=Dim() as dim):
            return dim
        case int() | np.integer():
            return Dim.of(int(value), facts)
    raise NotImplementedError


def dimensions(value: Any, facts: Facts) -> Shape:
    if isinstance(value, (list, tuple)):
        return tuple(dimension(v, facts) for v in value)
    return (dimension(value, facts),)


def known_shape(number: Number) -> Shape:
    if number.shape is None:
        raise NotImplementedError
    return number.shape


def axes_of(axis: Any, ndim: int) -> tuple[int, ...]:
    """Axes as non-negative numbers; all of them for None. Raises as NumPy for one that does not exist."""
    if axis is None:
        return tuple(range(ndim))
    wanted = [integer(a) for a in axis] if isinstance(axis, (tuple, list)) else [integer(axis)]
    if any(not -ndim <= a < ndim for a in wanted):
        raise ValueError(f"axis {axis} is out of bounds for an array of dimension {ndim}")
    return tuple(a % ndim for a in wanted)


def made(dtype: np.dtype[Any] | None, shape_: Shape | None, fresh: bool = True) -> Number:
    """What a NumPy function returns: a scalar where the rank is 0."""
    form = "unknown" if shape_ is None else "array" if shape_ else "scalar"
    return Number(form, dtype, shape_, fresh=fresh)


def ufunc_kind(function: np.ufunc, operands: list[Number], keywords: dict[str, Any]) -> Any:
    if set(keywords) - {"where", "dtype", "casting"}:
        return UNKNOWN
    if function.signature is not None:
        return UNKNOWN
    dtypes = result_dtypes(function, *operands)
    shape_ = broadcast(*(o.shape for o in operands))
    if "dtype" in keywords:
        dtypes = (np.dtype(keywords["dtype"]),) * len(dtypes)
    results = [made(dtype, shape_) for dtype in dtypes]
    return results[0] if function.nout == 1 else results


def operator_kind(function: np.ufunc, operator: Callable[..., Any], operands: list[Number]) -> Number:
    """Python's operators: on Python numbers they stay Python's."""
    if all(o.form == "python" for o in operands):
        return python(*result_dtypes(operator, *operands)[:1])
    result = ufunc_kind(function, operands, {}) if function.signature is None else infer_call(function, Facts(), operands, {})
    return result if isinstance(result, Number) else UNKNOWN


# ---- reductions

def reduced(x: Number, axis: Any, keepdims: Any, dtype: np.dtype[Any] | None) -> Number:
    if axis is None and not keepdims:
        return made(dtype, ())
    dims = known_shape(x)
    gone = axes_of(axis, len(dims))
    one = Dim.of(1, dims[0].facts) if dims else None
    kept = tuple(one if i in gone else d for i, d in enumerate(dims) if keepdims or i not in gone)
    return made(dtype, kept)  # type: ignore[arg-type]


def reduction(result: Callable[[np.dtype[Any]], np.dtype[Any]], *functions: object) -> None:
    def rule(facts: Facts, x: Any, axis: Any = None, dtype: Any = None, out: Any = None, keepdims: Any = False, **rest: Any) -> Number:
        number = lift(x, facts)
        if out is not None:
            raise NotImplementedError
        given = np.dtype(dtype) if dtype is not None else number.dtype and result(number.dtype)
        return reduced(number, axis, keepdims is True, given)

    shape(*functions)(rule)


def summed(dtype: np.dtype[Any]) -> np.dtype[Any]:
    return np.sum(np.ones(1, dtype)).dtype


def averaged(dtype: np.dtype[Any]) -> np.dtype[Any]:
    return np.mean(np.ones(1, dtype)).dtype


reduction(summed, np.sum, np.prod, np.nansum, np.nanprod, sum, np.trace)
reduction(averaged, np.mean, np.nanmean)


def short_reduction(result: Callable[[np.dtype[Any]], np.dtype[Any]], *functions: object) -> None:
    """Reductions called (x, axis, out, keepdims)."""
    def rule(facts: Facts, x: Any, axis: Any = None, out: Any = None, keepdims: Any = False, **rest: Any) -> Number:
        number = lift(x, facts)
        if out is not None:
            raise NotImplementedError
        return reduced(number, axis, keepdims is True, number.dtype and result(number.dtype))

    shape(*functions)(rule)


short_reduction(lambda d: d, np.max, np.min, np.ptp, np.nanmax, np.nanmin)
short_reduction(lambda d: INT, np.argmax, np.argmin)
short_reduction(lambda d: BOOL, np.any, np.all)
SHAPES.update({np.amax: SHAPES[np.max], np.amin: SHAPES[np.min]})


@shape(np.var, np.std)
def variance(facts: Facts, x: Any, axis: Any = None, dtype: Any = None, out: Any = None, ddof: Any = 0, keepdims: Any = False, **rest: Any) -> Number:
    return SHAPES[np.mean](facts, x, axis, dtype, out, keepdims)


@shape(np.trace)
def trace(facts: Facts, x: Any, offset: Any = 0, axis1: Any = 0, axis2: Any = 1) -> Number:
    dims = known_shape(x)
    gone = axes_of((axis1, axis2), len(dims))
    return made(x.dtype and summed(x.dtype), tuple(d for i, d in enumerate(dims) if i not in gone))


# ---- same shape

@shape(np.copy, np.tril, np.triu, np.flip, np.fliplr, np.flipud, np.roll, np.nan_to_num, np.conj, np.real, np.round, np.around)
def unchanged(facts: Facts, x: Any, *rest: Any, **keywords: Any) -> Number:
    number = lift(x, facts)
    return Number("array" if number.shape else number.form, number.dtype, number.shape, fresh=False)


@shape(np.cumsum, np.cumprod)
def cumulative(facts: Facts, x: Any, axis: Any = None, dtype: Any = None, out: Any = None) -> Number:
    number = lift(x, facts)
    dtype = np.dtype(dtype) if dtype is not None else number.dtype and summed(number.dtype)
    return Number("array", dtype, (product(known_shape(number), facts),) if axis is None else known_shape(number))


@shape(np.sort, np.argsort)
def sorted_(facts: Facts, x: Any, axis: Any = -1, **rest: Any) -> Number:
    return Number("array", x.dtype, (product(known_shape(x), facts),) if axis is None else known_shape(x))


SHAPES[np.argsort] = lambda facts, x, axis=-1, **rest: Number("array", INT, sorted_(facts, x, axis).shape, unique=x.ndim == 1)


@shape(np.zeros_like, np.ones_like, np.empty_like, np.full_like)
def like(facts: Facts, x: Any, *rest: Any, dtype: Any = None, shape: Any = None, **keywords: Any) -> Number:
    number = lift(x, facts)
    return Number("array", np.dtype(dtype) if dtype is not None else number.dtype, number.shape if shape is None else dimensions(shape, facts))


@shape(np.zeros, np.ones, np.empty)
def filled(facts: Facts, shape: Any, dtype: Any = None, order: Any = "C") -> Number:
    return Number("array", FLOAT if dtype is None else np.dtype(dtype), dimensions(shape, facts))


@shape(np.full)
def full(facts: Facts, shape: Any, value: Any, dtype: Any = None, order: Any = "C") -> Number:
    number = lift(value, facts)
    return Number("array", np.dtype(dtype) if dtype is not None else number.dtype, dimensions(shape, facts))


@shape(np.eye, np.identity)
def eye(facts: Facts, n: Any, m: Any = None, k: Any = 0, dtype: Any = float) -> Number:
    rows = dimension(n, facts)
    return Number("array", np.dtype(dtype), (rows, rows if m is None else dimension(m, facts)))


@shape(np.arange)
def arange(facts: Facts, start: Any, stop: Any = None, step: Any = 1, dtype: Any = None) -> Number:
    if stop is None:
        start, stop = 0, start
    numbers = [lift(v, facts) for v in (start, stop, step)]
    kind = np.dtype(dtype) if dtype is not None else np.result_type(*(n.dtype for n in numbers if n.dtype is not None))
    if all(isinstance(v, (int, float)) for v in (start, stop, step)):
        return Number("array", kind, (Dim.of(max(0, math.ceil((stop - start) / step)), facts),), unique=start >= 0 and step > 0)
    if all(n.dim is not None for n in numbers):
        lower, upper, stride = (n.dim for n in numbers)
        count = upper - lower if stride.key == "1" else -((lower - upper) // stride)
        if count.value is not None and count.terms and not count >= 0:
            count = Dim.of(0, facts)
        elif not count.terms:
            count = Dim.of(max(0, count.const), facts)
        from_zero = not lower.terms and lower.const >= 0 and not stride.terms and stride.const > 0
        return Number("array", kind, (count,), unique=from_zero)
    return Number("array", kind, None)


@shape(np.linspace)
def linspace(facts: Facts, start: Any, stop: Any, num: Any = 50, *rest: Any, **keywords: Any) -> Number:
    if rest or set(keywords) - {"endpoint"} or lift(start, facts).shape != () or lift(stop, facts).shape != ():
        raise NotImplementedError
    return Number("array", FLOAT, (dimension(num, facts),))


# ---- products

@shape(np.matmul)
def matmul(facts: Facts, x: Any, y: Any, **rest: Any) -> Number:
    a, b = known_shape(x), known_shape(y)
    dtype = result_dtypes(np.multiply, x, y)[0]
    if not a or not b:
        raise ValueError("matmul needs arrays of one dimension at least")
    inner, other = a[-1], b[-2] if len(b) > 1 else b[-1]
    if alike(inner, other) is False:
        raise ValueError(f"dimensions {inner.key} and {other.key} do not match")
    batch = broadcast(a[:-2], b[:-2])
    return made(dtype, None if batch is None else batch + a[-2:-1] + (b[-1:] if len(b) > 1 else ()))


@shape(np.dot)
def dot(facts: Facts, x: Any, y: Any) -> Number:
    x, y = lift(x, facts), lift(y, facts)
    a, b = known_shape(x), known_shape(y)
    if not a or not b:
        return ufunc_kind(np.multiply, [x, y], {})  # type: ignore[no-any-return]
    other = b[-2] if len(b) > 1 else b[-1]
    if alike(a[-1], other) is False:
        raise ValueError(f"dimensions {a[-1].key} and {other.key} do not match")
    return made(result_dtypes(np.multiply, x, y)[0], a[:-1] + (b[:-2] + b[-1:] if len(b) > 1 else ()))


@shape(np.inner)
def inner(facts: Facts, x: Any, y: Any) -> Number:
    x, y = lift(x, facts), lift(y, facts)
    a, b = known_shape(x), known_shape(y)
    if not a or not b:
        return ufunc_kind(np.multiply, [x, y], {})  # type: ignore[no-any-return]
    return made(result_dtypes(np.multiply, x, y)[0], a[:-1] + b[:-1])


@shape(np.outer)
def outer(facts: Facts, x: Any, y: Any) -> Number:
    x, y = lift(x, facts), lift(y, facts)
    rows, columns = product(known_shape(x), facts), product(known_shape(y), facts)
    return Number("array", result_dtypes(np.multiply, x, y)[0], (rows, columns))


@shape(np.vdot)
def vdot(facts: Facts, x: Any, y: Any) -> Number:
    return made(result_dtypes(np.multiply, lift(x, facts), lift(y, facts))[0], ())


@shape(np.tensordot)
def tensordot(facts: Facts, x: Any, y: Any, axes: Any = 2) -> Number:
    a, b = known_shape(x), known_shape(y)
    left, right = contracted_axes(axes, len(a), len(b))
    kept = [d for i, d in enumerate(a) if i not in left] + [d for i, d in enumerate(b) if i not in right]
    return Number("array", result_dtypes(np.multiply, x, y)[0], tuple(kept))


def contracted_axes(axes: Any, rank_a: int, rank_b: int) -> tuple[tuple[int, ...], tuple[int, ...]]:
    """The axes that np.tensordot sums over, on either side."""
    if isinstance(axes, (list, tuple)):
        return axes_of(axes[0], rank_a), axes_of(axes[1], rank_b)
    count = integer(axes)
    return tuple(range(rank_a - count, rank_a)), tuple(range(count))


@shape(np.einsum)
def einsum(facts: Facts, subscripts: Any, *operands: Any, **rest: Any) -> Number:
    from srcad.rules.contractions import parse_einsum

    inputs, output = parse_einsum(subscripts, [len(known_shape(o)) for o in operands])
    sizes: dict[str, Dim] = {}
    for letters, operand in zip(inputs, operands):
        for letter, dim in zip(letters, known_shape(operand)):
            if letter not in sizes or (sizes[letter].key == "1" or alike(sizes[letter], dim) is False and sizes[letter] == 1):
                sizes[letter] = dim
    return made(result_dtypes(np.multiply, operands[0], operands[-1])[0], tuple(sizes[c] for c in output))


# ---- shapes

@shape(np.reshape)
def reshape(facts: Facts, x: Any, shape: Any = None, order: Any = "C", newshape: Any = None, **rest: Any) -> Number:
    number = lift(x, facts)
    wanted = list(dimensions(newshape if shape is None else shape, facts))
    hole = [i for i, d in enumerate(wanted) if not d.terms and d.const == -1]
    if hole:
        known = product(tuple(d for i, d in enumerate(wanted) if i not in hole), facts)
        total = product(known_shape(number), facts)
        rest_key = [d.key for d in known_shape(number)]
        missing = [d for d in known_shape(number)]
        for d in wanted:  # (n, a, b) -> (n, -1): what is left is a * b
            if d.key in rest_key:
                at = rest_key.index(d.key)
                del rest_key[at], missing[at]
                known = Dim.of(1, facts) if known.key == d.key else known
        wanted[hole[0]] = product(tuple(missing), facts) if known.key == "1" else total // known
    return Number("array", number.dtype, tuple(wanted), fresh=False)


@shape(np.ravel)
def ravel(facts: Facts, x: Any, order: Any = "C") -> Number:
    number = lift(x, facts)
    return Number("array", number.dtype, (product(known_shape(number), facts),), fresh=False)


@shape(np.transpose, np.permute_dims if hasattr(np, "permute_dims") else np.transpose)
def transpose(facts: Facts, x: Any, axes: Any = None) -> Number:
    number = lift(x, facts)
    dims = known_shape(number)
    order = tuple(reversed(range(len(dims)))) if axes is None else axes_of(axes, len(dims))
    return Number("array" if dims else number.form, number.dtype, tuple(dims[i] for i in order), fresh=False)


@shape(np.swapaxes)
def swapaxes(facts: Facts, x: Any, axis1: Any, axis2: Any) -> Number:
    dims = list(known_shape(x))
    i, j = axes_of((axis1, axis2), len(dims))
    dims[i], dims[j] = dims[j], dims[i]
    return Number("array", x.dtype, tuple(dims), fresh=False)


def moved_axes(source: Any, destination: Any, ndim: int) -> list[int]:
    """The permutation that np.moveaxis applies."""
    source, destination = axes_of(source, ndim), axes_of(destination, ndim)
    order = [n for n in range(ndim) if n not in source]
    for to, fro in sorted(zip(destination, source)):
        order.insert(to, fro)
    return order


@shape(np.moveaxis)
def moveaxis(facts: Facts, x: Any, source: Any, destination: Any) -> Number:
    dims = known_shape(x)
    return Number("array", x.dtype, tuple(dims[i] for i in moved_axes(source, destination, len(dims))), fresh=False)


@shape(np.expand_dims)
def expand_dims(facts: Facts, x: Any, axis: Any) -> Number:
    number = lift(x, facts)
    rank = len(known_shape(number)) + (len(axis) if isinstance(axis, (tuple, list)) else 1)
    new = axes_of(axis, rank)
    old = iter(known_shape(number))
    return Number("array", number.dtype, tuple(Dim.of(1, facts) if i in new else next(old) for i in range(rank)), fresh=False)


@shape(np.squeeze)
def squeeze(facts: Facts, x: Any, axis: Any = None) -> Number:
    dims = known_shape(x)
    gone = [i for i, d in enumerate(dims) if d == 1] if axis is None else axes_of(axis, len(dims))
    return Number("array", x.dtype, tuple(d for i, d in enumerate(dims) if i not in gone), fresh=False)


@shape(np.broadcast_to)
def broadcast_to(facts: Facts, x: Any, shape: Any, subok: Any = False) -> Number:
    return Number("array", lift(x, facts).dtype, dimensions(shape, facts), fresh=False)


@shape(np.atleast_1d, np.atleast_2d)
def atleast(facts: Facts, x: Any) -> Number:
    raise NotImplementedError


def common_dtype(numbers: Sequence[Number]) -> np.dtype[Any] | None:
    if not numbers or any(n.dtype is None for n in numbers):
        return FLOAT if not numbers else None
    return np.result_type(*(np.asarray(sample(n)).dtype for n in numbers))


@shape(np.concatenate)
def concatenate(facts: Facts, xs: Any, axis: Any = 0, **rest: Any) -> Number:
    numbers = [lift(x, facts) for x in xs]
    dtype = common_dtype(numbers)
    if axis is None:
        return Number("array", dtype, (sum_dims([product(known_shape(n), facts) for n in numbers], facts),))
    dims = list(known_shape(numbers[0]))
    where, = axes_of(axis, len(dims))
    dims[where] = sum_dims([known_shape(n)[where] for n in numbers], facts)
    return Number("array", dtype, tuple(dims))


def sum_dims(dims: Sequence[Dim], facts: Facts) -> Dim:
    total = Dim.of(0, facts)
    for dim in dims:
        total = total + dim
    return total


@shape(np.stack)
def stack(facts: Facts, xs: Any, axis: Any = 0, **rest: Any) -> Number:
    numbers = [lift(x, facts) for x in xs]
    dims = list(known_shape(numbers[0]))
    dims.insert(axes_of(axis, len(dims) + 1)[0], Dim.of(len(numbers), facts))
    return Number("array", common_dtype(numbers), tuple(dims))


@shape(np.vstack)
def vstack(facts: Facts, xs: Any, **rest: Any) -> Number:
    return concatenate(facts, [raised(lift(x, facts), 2, facts) for x in xs], 0)


def raised(x: Number, rank: int, facts: Facts) -> Number:
    dims = known_shape(x)
    if len(dims) >= rank:
        return x
    ones = (Dim.of(1, facts),) * (rank - len(dims))
    return Number("array", x.dtype, ones + dims, fresh=False)


@shape(np.hstack)
def hstack(facts: Facts, xs: Any, **rest: Any) -> Number:
    numbers = [raised(lift(x, facts), 1, facts) for x in xs]
    return concatenate(facts, numbers, 0 if numbers[0].ndim == 1 else 1)


@shape(np.column_stack)
def column_stack(facts: Facts, xs: Any) -> Number:
    numbers = [lift(x, facts) for x in xs]
    columns = [n if n.ndim == 2 else Number("array", n.dtype, (*raised(n, 1, facts).shape, Dim.of(1, facts))) for n in numbers]  # type: ignore[misc]
    return concatenate(facts, columns, 1)


@shape(np.split)
def split(facts: Facts, x: Any, sections: Any, axis: Any = 0) -> list[Number]:
    dims = list(known_shape(x))
    where, = axes_of(axis, len(dims))
    total = dims[where]
    if isinstance(sections, (list, tuple)):
        cuts = [Dim.of(0, facts), *dimensions(sections, facts), total]
        sizes = [slice_length(a, b, facts, total) for a, b in zip(cuts, cuts[1:])]
    else:
        count = integer(sections)
        sizes = [total // count if count != 1 else total] * count
    return [Number("array", x.dtype, tuple([*dims[:where], size, *dims[where + 1 :]]), fresh=False) for size in sizes]


@shape(np.array, np.asarray, np.asanyarray)
def array(facts: Facts, x: Any, dtype: Any = None, **rest: Any) -> Number:
    if isinstance(x, (list, tuple)):
        items = [array(facts, item) if isinstance(item, (list, tuple)) else lift(item, facts) for item in x]
        inner = broadcast(*(i.shape for i in items)) if items else ()
        found = common_dtype(items)
        result = Number("array", found, None if inner is None else (Dim.of(len(items), facts), *inner))
    else:
        number = lift(x, facts)
        result = Number("array", number.dtype, number.shape, fresh=False)
    return Number("array", np.dtype(dtype), result.shape, fresh=result.fresh) if dtype is not None else result


@shape(np.where)
def where(facts: Facts, condition: Any, x: Any, y: Any) -> Number:
    numbers = [lift(v, facts) for v in (condition, x, y)]
    return Number("array", result_dtypes(np.add, *numbers[1:])[0], broadcast(*(n.shape for n in numbers)))


@shape(np.clip)
def clip(facts: Facts, x: Any, low: Any = None, high: Any = None, out: Any = None, **rest: Any) -> Number:
    numbers = [lift(v, facts) for v in (x, low, high) if v is not None]
    dtype = numbers[0].dtype
    for number in numbers[1:]:
        dtype = result_dtypes(np.maximum, Number(numbers[0].form, dtype, numbers[0].shape), number)[0]
    return made(dtype, broadcast(*(n.shape for n in numbers)))


@shape(np.diag)
def diag(facts: Facts, x: Any, k: Any = 0) -> Number:
    dims = known_shape(x)
    offset = integer(k)
    if len(dims) == 1:
        side = dims[0] + abs(offset)
        return Number("array", x.dtype, (side, side))
    rows, columns = (dims[0] + min(offset, 0), dims[1] - max(offset, 0))
    return Number("array", x.dtype, (rows if rows.key == columns.key or rows <= columns else columns,), fresh=False)


@shape(np.diagonal)
def diagonal(facts: Facts, x: Any, offset: Any = 0, axis1: Any = 0, axis2: Any = 1) -> Number:
    if len(known_shape(x)) != 2 or (integer(axis1), integer(axis2)) != (0, 1):
        raise NotImplementedError
    return diag(facts, x, offset)


# ---- linear algebra

@shape(np.linalg.inv, np.linalg.cholesky)
def same_matrix(facts: Facts, x: Any, **rest: Any) -> Number:
    return Number("array", result_dtypes(np.sqrt, x)[0], known_shape(x))


@shape(np.linalg.det)
def det(facts: Facts, x: Any) -> Number:
    return made(result_dtypes(np.sqrt, x)[0], known_shape(x)[:-2])


@shape(np.linalg.slogdet)
def slogdet(facts: Facts, x: Any) -> list[Number]:
    return [det(facts, x), det(facts, x)]


@shape(np.linalg.solve)
def solve(facts: Facts, a: Any, b: Any) -> Number:
    dims = known_shape(b)
    if len(known_shape(a)) != 2:
        raise NotImplementedError
    return Number("array", result_dtypes(np.divide, a, b)[0], dims)


@shape(np.linalg.norm)
def norm(facts: Facts, x: Any, ord: Any = None, axis: Any = None, keepdims: Any = False) -> Number:
    return reduced(x, axis, keepdims is True, result_dtypes(np.sqrt, x)[0])


def logsumexp(facts: Facts, a: Any, axis: Any = None, b: Any = None, keepdims: Any = False, return_sign: Any = False) -> Number:
    if return_sign is not False:
        raise NotImplementedError
    return reduced(a, axis, keepdims is True, result_dtypes(np.exp, a)[0])


# ---- indexing

def slice_length(start: Any, stop: Any, facts: Facts, size: Dim, step: int = 1) -> Dim:
    """The length of `range(*slice(start, stop, step).indices(size))`, symbolically; the questions asked become facts."""
    if step > 0:
        lower = bound(start, size, Dim.of(0, facts), size)
        upper = bound(stop, size, size, size)
    else:
        last = size - 1
        lower = bound(start, size, last, last)
        upper = Dim.of(-1, facts) if stop is None else bound(stop, size, last, last, floor=-1)
    count = upper - lower if step > 0 else lower - upper
    stride = abs(step)
    if stride != 1:
        count = (count + (stride - 1)) // stride
    if not count.terms:
        return Dim.of(max(count.const, 0), facts)
    if count.key == size.key:
        return count
    return count if count > 0 else Dim.of(0, facts)


def bound(value: Any, size: Dim, default: Dim, highest: Dim, floor: int = 0) -> Dim:
    """One end of a slice, clipped to the array."""
    if value is None:
        return default
    end = dimension(value, size.facts)
    if end.key == "0" and floor == 0 and highest.key == size.key:
        return end
    if end < 0:
        end = end + size
        return end if end >= floor else Dim.of(floor, size.facts)
    return end if end <= highest else highest


def getitem_shape(facts: Facts, x: Number, index: tuple[Any, ...]) -> tuple[Shape, bool]:
    """The shape of x[index] and whether it is a view. Raises Undecided or NotImplementedError where it is not known."""
    dims = known_shape(x)
    consumed = sum(consumes(i) for i in index)
    if not any(i is Ellipsis for i in index):
        index = (*index, Ellipsis)
    out: list[Dim] = []
    advanced: list[Number] = []
    place, axis, gap = 0, 0, False
    for item in index:
        if item is Ellipsis:
            for _ in range(len(dims) - consumed):
                out.append(dims[axis])
                axis += 1
            gap = gap or bool(advanced)
        elif item is None:
            out.append(Dim.of(1, facts))
            gap = gap or bool(advanced)
        elif isinstance(item, slice):
            step = 1 if item.step is None else integer(item.step)
            out.append(slice_length(item.start, item.stop, facts, dims[axis], step))
            axis += 1
            gap = gap or bool(advanced)
        elif isinstance(item, Number) and item.form in ("array", "unknown"):
            if not advanced:
                place = len(out)
            elif gap:
                place = 0
            advanced += masked(item, facts) if item.dtype == BOOL else [item]
            axis += consumes(item)
        else:
            if isinstance(item, Number) and item.dtype == BOOL:
                raise NotImplementedError
            in_bounds(item, dims[axis], facts)
            axis += 1
    if advanced and any(not isinstance(i, (Number, slice)) and i is not None and i is not Ellipsis or is_integer(i) for i in index):
        raise NotImplementedError  # integers beside arrays count as arrays for the place of the axes
    if advanced:
        joint = broadcast(*(a.shape for a in advanced))
        if joint is None:
            raise NotImplementedError
        out[place:place] = joint
    return tuple(out), not advanced


def is_integer(item: Any) -> bool:
    return isinstance(item, int) or (isinstance(item, Number) and item.form in ("python", "scalar"))


def in_bounds(item: Any, size: Dim, facts: Facts) -> None:
    """An index that is known to fall outside raises, as in Python."""
    try:
        where = dimension(item, facts)
    except NotImplementedError:
        return
    if not where.terms and not size.terms and not -size.const <= where.const < size.const:
        raise IndexError(f"index {where.const} is out of bounds for axis with size {size.const}")


def masked(mask: Number, facts: Facts) -> list[Number]:
    """A boolean mask counts as one index array of unknown length."""
    return [Number("array", INT, (facts.new_dim(),))]


def consumes(item: Any) -> int:
    """How many axes an index takes."""
    if item is None or item is Ellipsis:
        return 0
    if isinstance(item, Number) and item.dtype == BOOL:
        if item.ndim is None:
            raise NotImplementedError
        return item.ndim
    return 1


def getitem(facts: Facts, x: Number, index: tuple[Any, ...]) -> Number:
    """The kind of x[index]."""
    try:
        dims, view = getitem_shape(facts, x, index)
    except (Undecided, NotImplementedError):
        return Number("unknown", x.dtype, None, fresh=False)
    if not dims and not any(i is Ellipsis for i in index):
        return Number("scalar", x.dtype, ())
    return Number("array", x.dtype, dims, fresh=not view)


# ---- Python's functions

def returns_python(dtype: np.dtype[Any], *functions: object) -> None:
    def rule(facts: Facts, *args: Any, **keywords: Any) -> Number:
        return python(dtype)

    shape(*functions)(rule)


returns_python(FLOAT, *(f for n, f in vars(math).items() if callable(f) and n not in (
    "ceil", "floor", "trunc", "isnan", "isinf", "isfinite", "gcd", "lcm", "comb", "perm", "factorial", "isqrt", "isclose", "modf", "frexp")), float)
returns_python(INT, math.ceil, math.floor, math.trunc, math.gcd, math.lcm, math.comb, math.perm, math.factorial, math.isqrt)
returns_python(BOOL, math.isnan, math.isinf, math.isfinite, math.isclose, bool)
SHAPES[math.modf] = lambda facts, x: [python(FLOAT), python(FLOAT)]
SHAPES[math.frexp] = lambda facts, x: [python(FLOAT), python(INT)]


@shape(int)
def int_(facts: Facts, x: Any = 0) -> Number:
    return python(INT, x.dim if isinstance(x, Number) and x.dtype is not None and x.dtype.kind in "ib" else None)


@shape(len)
def len_(facts: Facts, x: Any) -> Number:
    if isinstance(x, (list, tuple, dict)):
        return python(INT, Dim.of(len(x), facts))
    return python(INT, known_shape(x)[0])


@shape(abs)
def abs_(facts: Facts, x: Any) -> Number:
    return operator_kind(np.absolute, abs, [lift(x, facts)])


@shape(round)
def round_(facts: Facts, x: Any, ndigits: Any = None) -> Number:
    number = lift(x, facts)
    if number.form != "python":
        return Number(number.form, number.dtype, number.shape)
    return python(INT if ndigits is None else number.dtype)


@shape(pow)
def pow_(facts: Facts, x: Any, y: Any) -> Number:
    return operator_kind(np.power, pow, [lift(x, facts), lift(y, facts)])
