"""Shape rules: the form, dtype and shape of what a function returns, from those of its operands.

    (n, d) @ (d, h) -> (n, h)        np.sum((n, d), axis=0) -> (d,)

A function without a rule returns something of unknown shape: that costs a
run-time helper later, never a wrong answer. Operands come as Numbers, lists of
Numbers, or plain Python values.
"""
from __future__ import annotations

import dataclasses
from collections.abc import Callable, Collection, Mapping, Sequence
from typing import Any

import numpy as np

from srcad.dims import Dim, Facts, Shape, Undecided, alike, broadcast
from srcad.kinds import BOOL, FLOAT, INT, UNKNOWN, Number, python, result_dtypes
from srcad.rules import find

SHAPES: dict[object, Callable[..., Any]] = {}


SHARING = frozenset(  # functions whose result may lie in the memory of an operand
    getattr(owner, label) for owner, labels in (
        (np, "array asarray asanyarray ascontiguousarray asarray_chkfinite asfortranarray require reshape ravel transpose permute_dims swapaxes moveaxis rollaxis "
             "squeeze expand_dims broadcast_to broadcast_arrays atleast_1d atleast_2d atleast_3d split array_split hsplit vsplit dsplit unstack diagonal diag flip "
             "fliplr flipud rot90 real real_if_close nan_to_num meshgrid ix_ matrix_transpose astype trim_zeros setdiff1d diff polyder polyint"),
        (np.linalg, "matrix_transpose diagonal matrix_power"), (np.lib.stride_tricks, "sliding_window_view as_strided broadcast_to"))
    for label in labels.split() if hasattr(owner, label))
SCIPY: dict[str, Callable[..., Any]] = {}
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
            return applied(rule, facts, args, keywords)
        if isinstance(function, np.ufunc):
            return ufunc_kind(function, [lift(a, facts) for a in args], keywords)
        known = find(function) if callable(function) else None
        if known is not None and known.elementwise:  # works element by element
            return made(None, broadcast(*(lift(v, facts).shape for v in (*args, *named_operands(keywords, known.operands)))))
    except (Undecided, NotImplementedError):
        pass
    return dataclasses.replace(UNKNOWN, fresh=False) if function in SHARING else UNKNOWN


def applied(rule: Rule, facts: Facts, args: Sequence[Any], keywords: dict[str, Any]) -> Any:
    """What a rule says; a list of numbers is an array to a rule that knows nothing of lists."""
    try:
        return rule(facts, *args, **keywords)
    except AttributeError:
        if not any(isinstance(a, list) for a in args):
            raise
    return rule(facts, *(lift(a, facts) if isinstance(a, list) else a for a in args), **keywords)


def scipy_shape(function: object) -> Rule | None:
    """Shape rules for SciPy's functions that are no ufuncs, by name: SciPy need not be imported."""
    package, _, rest = (getattr(function, "__module__", None) or "").partition(".")
    label = getattr(function, "__name__", "")
    if package != "scipy":
        return None
    part = rest.partition(".")[0]
    whole = getattr(function, "__qualname__", label)  # a method of a distribution with the distribution's class
    return SCIPY.get(label if part == "special" else f"{part}.{label}") or SCIPY.get(f"{part}.{whole}")


def named_operands(keywords: Mapping[str, Any], operands: Collection[str]) -> list[Any]:
    """What the operands are given by name. Raises NotImplementedError where other arrays are: what they do to the shape is not known."""
    if any(isinstance(v, Number) and not v.is_plain for k, v in keywords.items() if k not in operands):
        raise NotImplementedError
    return [v for k, v in keywords.items() if k in operands]


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
        case complex() if not isinstance(value, np.generic):
            return python(np.dtype(complex))
        case np.generic():
            return Number("scalar", value.dtype, ())
        case list() | tuple():
            return SHAPES[np.array](facts, value)
    return UNKNOWN


def agree(a: Shape, b: Shape) -> None:
    """Raise ValueError, as NumPy does, where two shapes differ for certain."""
    if len(a) != len(b) or any(alike(m, n) is False for m, n in zip(a, b)):
        raise ValueError(f"shapes {tuple(d.value for d in a)} and {tuple(d.value for d in b)} do not agree")


def require_spread(given: Shape | None, wanted: Shape) -> None:
    """Raise ValueError, as NumPy does, where an array of one shape does not spread to another."""
    wide = broadcast(given, wanted) if given else wanted
    if wide is not None:
        agree(wide, wanted)


def smaller(a: Dim, b: Dim) -> Dim:
    """The smaller one of two sizes; one of its own where only the run can tell which that is."""
    try:
        return a if a.key == b.key or a <= b else b
    except Undecided:
        return a.facts.new_dim()


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
        case Number(form="python" | "scalar"):  # counted by the program
            return facts.new_dim()
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


def is_less(one: Dim, other: Dim | int) -> bool:
    """Whether a size is known to be less than another."""
    try:
        return one < other
    except Undecided:
        return False


def made(dtype: np.dtype[Any] | None, shape_: Shape | None, fresh: bool = True) -> Number:
    """What a NumPy function returns: a scalar where the rank is 0."""
    form = "unknown" if shape_ is None else "array" if shape_ else "scalar"
    return Number(form, dtype, shape_, fresh=fresh)


def ufunc_kind(function: np.ufunc, operands: list[Number], keywords: dict[str, Any]) -> Any:
    if set(keywords) - {"where", "dtype", "casting", "order"}:
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


from srcad.shapes import arranging, creation, fft, indexing, layout, reductions, linalg, positions, products, scalars, scimath, selecting, sets  # noqa: E402,F401
