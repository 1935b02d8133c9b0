"""The table of cases for the derivative rules: every function that has a rule, called in every form that its rule knows.

    Case(np.sum, (x,), {"axis": 0})        np.sum(x, axis=0)

Operands stay away from kinks and from the edges of domains; test_kinks.py is
for those. Floats, arrays of floats and lists of them are differentiated; all
else (numbers that give a shape, strings, masks) steers.
"""
from __future__ import annotations

import builtins
import itertools
import math
import operator
from collections.abc import Callable, Iterator
from typing import Any, NamedTuple

import numpy as np
import scipy.special as sp

rng = np.random.default_rng(7)
inf = np.inf


class Case(NamedTuple):
    """A call: a library function, its positional arguments and its keywords."""

    function: Callable[..., Any]
    operands: tuple[Any, ...]
    keywords: dict[str, Any]


CASES: list[Case] = []


def case(function: Callable[..., Any], *operands: Any, **keywords: Any) -> None:
    CASES.append(Case(function, operands, keywords))


# ---- operands

def signed(*shape: int) -> Any:
    """Numbers of either sign, away from 0."""
    return np.asarray(rng.uniform(0.3, 2, shape) * rng.choice([-1, 1], shape))


def positive(*shape: int) -> Any:
    return np.asarray(rng.uniform(0.4, 2.4, shape))


def unit(*shape: int) -> Any:
    """Numbers between -1 and 1, away from those and from 0."""
    return np.asarray(rng.uniform(0.1, 0.85, shape) * rng.choice([-1, 1], shape))


def fraction(*shape: int) -> Any:
    return np.asarray(rng.uniform(0.15, 0.85, shape))


def above_one(*shape: int) -> Any:
    return np.asarray(rng.uniform(1.2, 3, shape))


def regular(*shape: int) -> Any:
    """Square matrices far from singular."""
    return unit(*shape) + 2.5 * np.eye(shape[-1])


def definite(*shape: int) -> Any:
    """Symmetric positive definite matrices."""
    a = unit(*shape)
    return a @ np.swapaxes(a, -1, -2) + 2 * np.eye(shape[-1])


def mask(*shape: int) -> Any:
    """About half of the elements, and the first one always."""
    out = rng.random(shape) < 0.5
    out[(slice(0, 1),) * len(shape)] = True
    return out


# ---- elementwise

SHAPES = [(), (1,), (0,), (3,), (2, 3), (2, 0), (2, 1, 3)]
PAIRS: list[tuple[tuple[int, ...], tuple[int, ...]]] = [
    ((), ()), ((3,), (3,)), ((2, 3), (2, 3)),
    ((2, 3), (3,)), ((3,), (2, 3)), ((2, 1), (1, 3)), ((1, 3), (2, 1)), ((4, 1, 3), (2, 3)), ((2, 1), (3,)),
    ((), (3,)), ((2, 3), ()), ((1,), (3,)), ((3,), (1,)), ((1,), (1,)), ((1, 1), (3,)), ((1,), ()),
    ((0,), (0,)), ((0, 3), (3,)), ((1,), (0,)), ((), (0,)),
]

Draw = Callable[..., Any]
UNARY: dict[Callable[..., Any], Draw] = {
    np.negative: signed, np.positive: signed, np.conjugate: signed, np.square: signed, np.sqrt: positive, np.cbrt: signed,
    np.reciprocal: signed, np.exp: signed, np.exp2: signed, np.expm1: signed, np.log: positive, np.log2: positive, np.log10: positive,
    np.log1p: positive, np.sin: signed, np.cos: signed, np.tan: unit, np.arcsin: unit, np.arccos: unit, np.arctan: signed,
    np.sinh: signed, np.cosh: signed, np.tanh: signed, np.arcsinh: signed, np.arccosh: above_one, np.arctanh: unit, np.degrees: signed,
    np.rad2deg: signed, np.radians: signed, np.deg2rad: signed, np.absolute: signed, np.fabs: signed, np.modf: unit, np.frexp: above_one,
    sp.erf: signed, sp.erfc: signed, sp.expit: signed, sp.logit: fraction, sp.gammaln: positive, sp.gamma: positive,
}
BINARY: dict[Callable[..., Any], tuple[Draw, Draw]] = {
    np.add: (signed, signed), np.subtract: (signed, signed), np.multiply: (signed, signed), np.divide: (signed, signed),
    np.power: (positive, signed), np.float_power: (positive, signed), np.logaddexp: (signed, signed), np.logaddexp2: (signed, signed),
    np.arctan2: (signed, signed), np.hypot: (signed, signed), np.copysign: (signed, signed), np.remainder: (signed, signed),
    np.fmod: (signed, signed), np.maximum: (signed, signed), np.minimum: (signed, signed), np.fmax: (signed, signed),
    np.fmin: (signed, signed), np.divmod: (signed, signed),
    operator.add: (signed, signed), operator.sub: (signed, signed), operator.mul: (signed, signed), operator.truediv: (signed, signed),
}


def away_from_jumps(x: Any, y: Any) -> tuple[Any, Any]:
    """Operands whose quotient is no integer, nor nearly one: y, moved a little."""
    while np.any(np.abs(x / y - np.rint(x / y)) < 0.01):
        y = y * 1.03
    return x, y


for function, draw in UNARY.items():
    for shape in SHAPES:
        case(function, draw(*shape))
    case(function, np.float64(draw()))
for function, (left, right) in BINARY.items():
    for a, b in PAIRS:
        case(function, *away_from_jumps(left(*a), right(*b)))
    case(function, float(left()), right(2, 3))
    case(function, left(2, 3), float(right()))
    case(function, np.float64(left()), right(3))
for function in (operator.neg, operator.pos, abs):
    for shape in SHAPES:
        case(function, signed(*shape))
for a, b in PAIRS:
    case(operator.pow, positive(*a), signed(*b))
    case(operator.mod, *away_from_jumps(signed(*a), positive(*b)))
for exponent in (0, 1, 2, 3, 4, 5, -1, -2):
    case(np.power, signed(2, 3), exponent)
    case(operator.pow, signed(2, 3), exponent)
    case(operator.pow, float(signed()), exponent)
for shape in SHAPES:
    case(np.ldexp, signed(*shape), 2)
    case(np.where, mask(*shape) if shape else np.array(True), signed(*shape), signed(*shape))
case(np.ldexp, signed(3), np.array([[1, 0, -2], [3, -1, 2]]))
case(np.ldexp, signed(2, 1), np.array([1, 0, -2]))
for condition, a, b in [
    ((2, 3), (3,), (2, 1)), ((3,), (2, 3), ()), ((3,), (), ()), ((2, 1), (3,), (2, 3)), ((1,), (2, 3), (3,)), ((2, 3), (1, 1), (1,)),
    ((4, 1, 1), (2, 1), (3,)),
]:
    case(np.where, mask(*condition), signed(*a), signed(*b))
case(np.where, mask(2, 3), float(signed()), signed(3))
case(np.where, mask(2, 3), signed(2, 3), 0.0)

for shape in SHAPES:
    case(np.clip, signed(*shape), -0.9, 1.1)
    case(np.clip, signed(*shape), -0.9, None)
    case(np.clip, signed(*shape), None, 1.1)
    case(np.clip, signed(*shape), -positive(*shape), positive(*shape))
for a, b, c in [((2, 3), (3,), (2, 1)), ((3,), (2, 3), ()), ((2, 1), (), (1, 3)), ((1,), (3,), (3,)), ((), (3,), (2, 1))]:
    case(np.clip, signed(*a), -positive(*b), positive(*c))
case(np.clip, signed(2, 3), signed(3), None)
case(np.clip, signed(2, 3), None, signed(2, 1))
case(np.clip, signed(2, 3), positive(3) + 3, positive(3))  # where the bounds cross, the upper one wins


# ---- reductions

def reductions(function: Callable[..., Any], draw: Draw, axes: bool = True, **extra: Any) -> None:
    """A function along every kind of axis, with and without keepdims."""
    for shape in [(), (1,), (3,), (2, 3), (2, 1, 3), (1, 1)]:
        case(function, draw(*shape), **extra)
        case(function, draw(*shape), keepdims=True, **extra)
    for axis, keep in itertools.product((0, 1, -1, -2) if axes else (), (False, True)):
        case(function, draw(3, 4), axis=axis, keepdims=keep, **extra)
        case(function, draw(2, 3, 2), axis=axis, keepdims=keep, **extra)
    for axis, keep in itertools.product([(0,), (0, 1), (0, 2), (-1, 0), (1, -1), (0, 1, 2), (2, 0)] if axes else (), (False, True)):
        case(function, draw(2, 3, 4), axis=axis, keepdims=keep, **extra)
    case(function, draw(3), axis=0, **extra)
    case(function, draw(3, 4), 1, **extra)
    case(function, draw(3, 4), axis=None, **extra)
    case(function, draw(1, 3), axis=0, **extra)


for function in (np.sum, np.mean, np.prod, np.max, np.amax, np.min, np.amin, np.var):
    reductions(function, signed)
for shape in [(3,), (2, 3), (2, 2, 3)]:
    for keywords in ({}, {"axis": 0}, {"axis": -1, "keepdims": True}, {"ddof": 1}, {"keepdims": True}):
        if shape == (3,) or "ddof" not in keywords:
            case(np.std, signed(*shape), **keywords)
for function in (np.var, np.std):
    for ddof in (0, 1, 0.5):
        case(function, signed(4), ddof=ddof)
        case(function, signed(3, 4), axis=0, ddof=ddof)
        case(function, signed(2, 3, 4), axis=(0, 2), ddof=ddof, keepdims=True)
        case(function, signed(2, 3, 4), axis=(-1, 0), ddof=ddof)
    case(function, signed(3, 4), where=np.arange(12).reshape(3, 4) % 3 != 1)
    case(function, signed(3, 4), axis=1, where=np.array([True, False, True, True]))
    case(function, signed(3, 4), axis=0, keepdims=True, ddof=1, where=np.array([[True], [True], [False]]))
for shape in [(0,), (0, 3), (3, 0)]:
    case(np.sum, signed(*shape))
    case(np.prod, signed(*shape))
    case(np.sum, signed(*shape), axis=0)
    case(np.prod, signed(*shape), axis=0)
case(np.mean, signed(0, 3), axis=1)
case(np.max, signed(0, 3), axis=1)
case(np.max, signed(0), initial=1.5)
for function in (np.sum, np.prod, np.mean):
    case(function, signed(3, 4), dtype=np.float64)
    case(function, signed(3, 4), where=mask(3, 4))
    case(function, signed(3, 4), axis=0, where=np.array([[True], [False], [True]]))
    case(function, signed(3, 4), axis=1, keepdims=True, where=np.array([True, False, True, False]))
    case(function, signed(2, 3, 4), axis=(0, 2), where=np.array([True, False, True, False]))
for function in (np.sum, np.prod, np.max, np.min):
    for initial in (0.5, 1.5, -3.0, 5.0):
        case(function, signed(3, 4), initial=initial)
        case(function, signed(3, 4), axis=0, initial=initial)
        case(function, signed(3, 4), axis=1, initial=initial, keepdims=True, where=mask(3, 4))
        case(function, signed(3, 4), initial=initial, where=np.array([True, False, True, False]))
for zeros in [[0], [0, 2], [0, 1, 2, 3]]:
    factors = signed(4)
    factors[zeros] = 0.0
    case(np.prod, factors)
    case(np.prod, factors.reshape(2, 2))
    case(np.prod, factors.reshape(2, 2), axis=0)
    case(np.prod, factors.reshape(2, 2), axis=1, keepdims=True)
    case(np.prod, factors, initial=2.0)
    case(np.prod, factors, where=np.array([True, True, False, True]))
    case(math.prod, factors.tolist())
case(np.prod, np.array([0.0]))
case(np.prod, np.array(0.0))

for shape in [(), (1,), (0,), (3,), (2, 3), (2, 3, 2)]:
    case(np.cumsum, signed(*shape))
for axis in (0, 1, 2, -1, -3):
    case(np.cumsum, signed(2, 3, 2), axis=axis)
case(np.cumsum, signed(3), 0)
case(np.cumsum, signed(2, 0), axis=1)

case(sp.logsumexp, signed(3))
case(sp.logsumexp, signed(1))
for keywords in ({}, {"axis": 0}, {"axis": -1, "keepdims": True}, {"axis": (0, 1)}, {"keepdims": True},
    {"axis": (0, -1), "keepdims": True}):
    case(sp.logsumexp, signed(3, 4), **keywords)
    case(sp.logsumexp, signed(2, 3, 4), **keywords)


# ---- contractions

for function in (np.matmul, operator.matmul):
    for a, b in [
        ((3,), (3,)), ((2, 3), (3,)), ((3,), (3, 2)), ((2, 3), (3, 4)), ((1, 1), (1, 1)), ((1,), (1,)), ((3, 1), (1, 3)), ((1, 3), (3, 1)),
        ((5, 2, 3), (3, 4)), ((2, 3), (5, 3, 4)), ((5, 2, 3), (5, 3, 4)), ((5, 2, 3), (1, 3, 4)), ((2, 1, 2, 3), (4, 3, 2)),
        ((4, 3, 2), (2, 1, 2, 3)), ((3,), (5, 3, 4)), ((5, 2, 3), (3,)), ((3,), (2, 4, 3, 2)), ((2, 4, 2, 3), (3,)), ((1, 2, 3), (3,)),
        ((0, 3), (3, 2)), ((2, 0), (0, 3)), ((0,), (0,)), ((2, 3), (3, 0)), ((0, 2, 3), (3, 4)), ((0, 2, 3), (3,)),
    ]:
        case(function, signed(*a), signed(*b))
for a, b in [
    ((), ()), ((), (3,)), ((2, 3), ()), ((3,), (3,)), ((2, 3), (3,)), ((3,), (3, 2)), ((2, 3), (3, 4)), ((2, 5, 3), (3,)),
    ((2, 5, 3), (3, 4)),
    ((3,), (4, 3, 2)), ((2, 3), (4, 3, 2)), ((2, 5, 3), (4, 3, 2)), ((2, 3), (2, 4, 3, 2)), ((1, 1), (1,)), ((0,), (0,)), ((2, 0), (0, 3)),
    ((0, 3), (3,)),
]:
    case(np.dot, signed(*a), signed(*b))
case(np.dot, float(signed()), signed(3))
case(np.dot, signed(2, 3), float(signed()))
for a, b in [
    ((), ()), ((), (3,)), ((2, 3), ()), ((3,), (3,)), ((2, 3), (3,)), ((3,), (2, 3)), ((2, 3), (4, 3)), ((2, 5, 3), (4, 3)),
    ((4, 3), (2, 5, 3)),
    ((2, 5, 3), (3,)), ((3,), (2, 5, 3)), ((1,), (1,)), ((0,), (0,)), ((2, 0), (3, 0)),
]:
    case(np.inner, signed(*a), signed(*b))
for a, b in [((3,), (4,)), ((1,), (3,)), ((2, 3), (4,)), ((3,), (2, 2)), ((2, 1), (1, 3)), ((), (3,)), ((3,), ()), ((), ()), ((0,), (3,)),
    ((3,), (0,))]:
    case(np.outer, signed(*a), signed(*b))
for a, b in [((3,), (3,)), ((2, 3), (2, 3)), ((2, 3), (3, 2)), ((6,), (2, 3)), ((2, 3), (6,)), ((), ()), ((1,), (1,)), ((0,), (0,)),
    ((1,), ())]:
    case(np.vdot, signed(*a), signed(*b))
case(np.tensordot, signed(2, 3, 4), signed(3, 4, 5))
case(np.tensordot, signed(3, 4), signed(3, 4))
for a, b, axes in [
    ((2, 3), (3, 4), 1), ((2, 3), (4,), 0), ((3,), (3,), 1), ((2, 3, 4), (4, 5), 1), ((2, 3, 4), (2, 3, 4), 3), ((), (), 0),
    ((2,), (3,), 0),
    ((2, 3), (4, 3), (1, 1)), ((3, 2), (3, 4), (0, 0)), ((2, 3), (4, 3), (-1, -1)), ((2, 3), (4, 3), ((1,), (1,))),
    ((2, 3, 4), (4, 3, 5), ((1, 2), (1, 0))), ((2, 3, 4), (4, 3, 5), ((2, 1), (0, 1))), ((2, 3, 4), (4, 5, 2), ((0, 2), (2, 0))),
    ((2, 3, 4), (4, 5, 2), ((2, 0), (0, 2))), ((2, 3, 4), (3, 4, 2), ((0, 1, 2), (2, 0, 1))),
    ((2, 3, 4), (3, 4, 2), ((2, 0, 1), (1, 2, 0))),
    ((2, 3, 4), (3, 4, 2), ((1, 2, 0), (0, 1, 2))), ((2, 3, 4, 5), (4, 2, 6), ((2, 0), (0, 1))),
    ((2, 3, 4, 5), (4, 2, 6), ((0, 2), (1, 0))),
    ((2, 3, 4), (5, 4, 2), ((-1, 0), (1, -1))), ((2, 3), (3, 2), ([0, 1], [1, 0])), ((2, 3), (4, 2), [0, 1]), ((2, 3), (2,), ([0], [0])),
    ((1, 1), (1, 1), 1), ((2, 0), (0, 3), 1), ((0, 2), (2, 3), 1),
]:
    case(np.tensordot, signed(*a), signed(*b), axes=axes)
case(np.tensordot, signed(2, 3, 4), signed(4, 3), ((1, 2), (1, 0)))

EINSUMS: list[tuple[str, list[tuple[int, ...]]]] = [
    ("ij,jk->ik", [(2, 3), (3, 4)]), ("ij,jk", [(2, 3), (3, 4)]), ("ij,jk->ki", [(2, 3), (3, 4)]), ("i,i->", [(3,), (3,)]),
    ("i,i", [(3,), (3,)]),
    ("i,j->ij", [(2,), (3,)]), ("i,j->ji", [(2,), (3,)]), ("i,j", [(2,), (3,)]), ("j,i", [(2,), (3,)]),
    ("ij->ji", [(2, 3)]), ("ji", [(2, 3)]), ("ij", [(2, 3)]), ("ij->ij", [(2, 3)]), ("ijk->kij", [(2, 3, 4)]), ("kji", [(2, 3, 4)]),
    ("ij->i", [(2, 3)]), ("ij->j", [(2, 3)]), ("ij->", [(2, 3)]), ("ijk->ki", [(2, 3, 4)]), ("i->", [(3,)]), ("->", [()]),
    ("ii->i", [(3, 3)]), ("ii", [(3, 3)]), ("ii->", [(3, 3)]), ("iij->j", [(3, 3, 2)]), ("iij->ij", [(3, 3, 2)]), ("iij->ji", [(3, 3, 2)]),
    ("iij->", [(3, 3, 2)]), ("iij->i", [(3, 3, 2)]), ("iij", [(3, 3, 2)]), ("iji->j", [(3, 2, 3)]), ("iji->ij", [(3, 2, 3)]),
    ("jii->ij", [(2, 3, 3)]),
    ("ijj->i", [(2, 3, 3)]), ("iii->i", [(2, 2, 2)]), ("iii", [(2, 2, 2)]), ("iijj->ij", [(2, 2, 3, 3)]), ("ijij->ij", [(2, 3, 2, 3)]),
    ("ijji->ji", [(2, 3, 3, 2)]), ("ijij", [(2, 3, 2, 3)]), ("iijj->i", [(2, 2, 3, 3)]), ("ijkij->k", [(2, 3, 2, 2, 3)]),
    ("ii,i->i", [(3, 3), (3,)]), ("ii,jj->ij", [(2, 2), (3, 3)]), ("ii,ij->j", [(2, 2), (2, 3)]), ("iij,ij->j", [(2, 2, 3), (2, 3)]),
    ("iij,jk->k", [(2, 2, 3), (3, 4)]), ("ij,ii->j", [(2, 3), (2, 2)]), ("ij,ijj->", [(2, 3), (2, 3, 3)]),
    ("ij,ij->", [(2, 3), (2, 3)]), ("ij,ij->ij", [(2, 3), (2, 3)]), ("ij,j->i", [(2, 3), (3,)]), ("ij,j->ij", [(2, 3), (3,)]),
    ("ij,ji->", [(2, 3), (3, 2)]),
    ("ij,k->ik", [(2, 3), (4,)]), ("ij,kl->", [(2, 3), (2, 2)]), ("ij,kl->k", [(2, 3), (2, 2)]), ("ij,kl->jl", [(2, 3), (2, 2)]),
    ("ij,k->", [(2, 3), (4,)]),
    ("bij,bjk->bik", [(5, 2, 3), (5, 3, 4)]), ("bhqd,bhkd->bhqk", [(2, 2, 3, 4), (2, 2, 2, 4)]), ("ij,jk,kl->il", [(2, 3), (3, 4), (4, 2)]),
    ("i,ij,j->", [(2,), (2, 3), (3,)]), ("i,ij,j", [(2,), (2, 3), (3,)]), ("i,i,i->i", [(3,), (3,), (3,)]),
    ("i,j,k->kij", [(2,), (3,), (4,)]),
    (",ij->ij", [(), (2, 3)]), (",->", [(), ()]), ("i,->i", [(3,), ()]), ("ij, jk -> ik", [(2, 3), (3, 4)]),
    ("Ij,jk->Ik", [(2, 3), (3, 4)]),
    ("Ba,aB", [(2, 3), (3, 2)]), ("bA", [(2, 3)]), ("aB,Bc", [(2, 3), (3, 4)]),
    ("...ij,...jk->...ik", [(2, 3), (3, 4)]), ("...ij,...jk->...ik", [(5, 2, 3), (5, 3, 4)]), ("...ij,...jk->...ik", [(5, 2, 3), (3, 4)]),
    ("...ij,...jk->...ik", [(6, 1, 2, 3), (5, 3, 4)]), ("...ij,...jk", [(5, 2, 3), (1, 3, 4)]), ("...i,ij->...j", [(2, 5, 3), (3, 4)]),
    ("...i->...", [(2, 3)]), ("...i->i...", [(2, 5, 3)]), ("i...->...i", [(2, 5, 3)]), ("i...", [(2, 5, 3)]), ("...->...", [(2, 3)]),
    ("...", [(2, 3)]),
    ("...,...->...", [(2, 3), (3,)]), ("...,...", [(3,), (2, 3)]), ("...i,...i->...", [(2, 1, 3), (4, 3)]), ("...i,...i", [(2, 3), (3,)]),
    ("i...,i...->...", [(3, 2), (3, 4, 2)]), ("...ii->...i", [(2, 3, 3)]), ("...ii", [(2, 3, 3)]), ("ii...->...", [(3, 3, 2)]),
    ("...ij->ij...", [(4, 2, 3)]),
    ("i...j->j...", [(2, 5, 3)]), ("...i,...j->...ij", [(5, 2), (5, 3)]), ("...i,...j->...ij", [(1, 2), (5, 3)]),
    ("...,i->i...", [(2, 2), (3,)]),
    ("ij,ij->ij", [(1, 3), (2, 3)]), ("ij,jk->ik", [(2, 1), (3, 4)]), ("i,ij->j", [(1,), (2, 3)]), ("ij,ij->", [(2, 3), (2, 1)]),
    ("ij,jk->ik", [(0, 3), (3, 2)]), ("ij,jk->ik", [(2, 0), (0, 2)]), ("ij->j", [(0, 3)]), ("ii->i", [(1, 1)]), ("ii->i", [(0, 0)]),
]
for subscripts, shapes in EINSUMS:
    case(np.einsum, subscripts, *(signed(*shape) for shape in shapes))
case(np.einsum, "ij,jk,kl->il", signed(2, 3), signed(3, 4), signed(4, 2), optimize=True)
case(np.einsum, "ij,j->i", signed(2, 3), signed(3), optimize="greedy")


# ---- linear algebra

for shape in [(3, 3), (1, 1), (2, 2), (4, 3, 3), (2, 1, 2, 2), (0, 2, 2)]:
    case(np.linalg.inv, regular(*shape))
    case(np.linalg.det, regular(*shape))
    case(np.linalg.slogdet, regular(*shape))
    case(np.linalg.cholesky, definite(*shape))
case(np.linalg.slogdet, -regular(3, 3))
case(np.linalg.det, -regular(3, 3))
for a, b in [
    ((3, 3), (3,)), ((3, 3), (3, 2)), ((1, 1), (1,)), ((1, 1), (1, 3)), ((4, 3, 3), (4, 3, 2)), ((4, 3, 3), (3, 2)), ((3, 3), (4, 3, 2)),
    ((2, 1, 3, 3), (4, 3, 1)), ((4, 3, 3), (1, 3, 1)), ((1, 3, 3), (4, 3, 1)), ((3, 3), (3, 0)), ((0, 3, 3), (0, 3, 2)),
]:
    if len(b) != len(a) - 1 or len(a) == 2 or np.__version__ >= "2":  # before 2.0 a stack of vectors was meant
        case(np.linalg.solve, regular(*a), signed(*b))
for shape in [(1,), (3,), (2, 3), (2, 3, 2)]:
    case(np.linalg.norm, signed(*shape))
    case(np.linalg.norm, signed(*shape), keepdims=True)
for ord in (None, 1, 2, 3, inf, -inf):
    case(np.linalg.norm, signed(4), ord)
    case(np.linalg.norm, signed(2, 3, 4), ord, 1, True)
for ord in (None, 1, 2, 3, 2.5, inf, -inf):
    case(np.linalg.norm, signed(4), ord=ord, keepdims=True)
    for axis in (0, 1, -1):
        case(np.linalg.norm, signed(3, 4), ord=ord, axis=axis)
        case(np.linalg.norm, signed(2, 3, 4), ord=ord, axis=axis, keepdims=True)
    case(np.linalg.norm, signed(4), ord=ord, axis=0)
case(np.linalg.norm, signed(3, 4), "fro")
case(np.linalg.norm, signed(3, 4), ord="fro", keepdims=True)
for ord in (None, "fro"):
    for axis in ((0, 1), (1, 0), (-2, -1)):
        case(np.linalg.norm, signed(3, 4), ord=ord, axis=axis)
        case(np.linalg.norm, signed(2, 3, 4), ord=ord, axis=axis)
        case(np.linalg.norm, signed(2, 3, 4), ord=ord, axis=axis, keepdims=True)
case(np.linalg.norm, signed(0))
case(np.linalg.norm, signed(0, 3), axis=1)

for shape, offset in itertools.product([(3, 3), (3, 4), (4, 3), (1, 1), (1, 3)], (0, 1, -1, 2, -2)):
    case(np.trace, signed(*shape), offset=offset)
    case(np.diagonal, signed(*shape), offset=offset)
    case(np.diag, signed(*shape), k=offset)
for k in (0, 1, -1, 2):
    case(np.diag, signed(3), k=k)
    case(np.diag, signed(1), k)
    for function in (np.tril, np.triu):
        for shape in [(3, 3), (3, 4), (4, 3), (2, 3, 3), (1, 1), (3,), (0, 3), (1, 4)]:
            case(function, signed(*shape), k=k)
        case(function, signed(3, 4), k)
for function in (np.trace, np.diagonal, np.diag, np.tril, np.triu):
    case(function, signed(3, 3))
    case(function, signed(2, 3))
case(np.diag, signed(4))
case(np.diag, signed(0))


# ---- shaping

for shape, new in [
    ((2, 3), (3, 2)), ((2, 3), 6), ((2, 3), -1), ((2, 3), (-1,)), ((6,), (2, -1)), ((2, 3, 4), (6, 4)), ((1,), ()), ((), (1,)), ((), -1),
    ((0,), (0, 3)),
    ((2, 0), (0,)), ((1, 1), (1,)), ((2, 3), [3, 2]), ((2, 3), (2, 3)),
]:
    case(np.reshape, signed(*shape), new)
case(np.reshape, signed(2, 3), (3, 2), order="C")
for shape in [(), (1,), (0,), (3,), (2, 3), (2, 1, 3)]:
    for function in (np.ravel, np.squeeze, np.atleast_1d, np.atleast_2d, np.transpose, np.copy, np.array, np.asarray, np.asanyarray,
        np.flip):
        case(function, signed(*shape))
for shape, axis in [((1, 3), 0), ((2, 1, 3), 1), ((1, 2, 1), (0, 2)), ((1, 2, 1), -1), ((1,), 0), ((1, 1), (0, -1)), ((1, 0), 0)]:
    case(np.squeeze, signed(*shape), axis=axis)
for shape, axis in [((3,), 0), ((3,), 1), ((3,), -1), ((), 0), ((2, 3), 1), ((2, 3), (0, 2)), ((2, 3), (-1, 0)), ((2, 3), (1, 2)),
    ((0,), 0)]:
    case(np.expand_dims, signed(*shape), axis)
case(np.expand_dims, signed(2, 3), axis=1)
for shape, order in [
    ((2, 3), (1, 0)), ((2, 3), (0, 1)), ((2, 3, 4), (2, 0, 1)), ((2, 3, 4), (1, 2, 0)), ((2, 3, 4), (-1, 0, 1)), ((2, 3, 4), (1, 0, -1)),
    ((2, 3, 4), [2, 0, 1]),
    ((2, 3, 4, 5), (3, 1, 0, 2)), ((3,), (0,)), ((2, 3, 4), None), ((0, 3), (1, 0)),
]:
    case(np.transpose, signed(*shape), order)
case(np.transpose, signed(2, 3, 4), axes=(2, 0, 1))
for shape, a, b in [((2, 3), 0, 1), ((2, 3, 4), 0, 2), ((2, 3, 4), -1, 0), ((2, 3, 4), -1, -2), ((2, 3, 4), 1, 1), ((0, 3), 0, 1)]:
    case(np.swapaxes, signed(*shape), a, b)
for shape, source, destination in [
    ((2, 3, 4), 0, -1), ((2, 3, 4), 2, 0), ((2, 3, 4), (0, 1), (-1, -2)), ((2, 3, 4), [0, 2], [1, 0]), ((2, 3, 4, 5), (3, 0), (1, 2)),
    ((2, 3), 0, 0), ((0, 3), 0, 1),
]:
    case(np.moveaxis, signed(*shape), source, destination)
for shape, new in [
    ((3,), (2, 3)), ((2, 1), (2, 3)), ((1, 3), (2, 3)), ((), (2, 3)), ((1,), 4), ((1,), (4,)), ((2, 3), (2, 3)), ((3,), (4, 2, 3)),
    ((2, 1, 3), (5, 2, 4, 3)),
    ((1,), (0,)), ((0,), (2, 0)), ((1, 1), (1, 1)), ((), ()), ((3,), [2, 3]),
]:
    case(np.broadcast_to, signed(*shape), new)
case(np.broadcast_to, float(signed()), (2, 3))
case(np.broadcast_to, signed(3), shape=(2, 3))
for axis in (0, 1, -1, (0, 1), (2, 0), (0, 1, 2), None):
    case(np.flip, signed(2, 3, 4), axis=axis)
case(np.flip, signed(2, 3), 1)
for function in (np.copy, np.array, np.asarray, np.asanyarray):
    case(function, float(signed()))
    case(function, [float(signed()), float(signed())])
    case(function, [[float(signed()), float(signed()), float(signed())], [float(signed()), float(signed()), float(signed())]])
    case(function, [signed(3), signed(3)])
    case(function, [signed(), signed()])
    case(function, [float(signed()), signed()])
    case(function, [[signed(2)], [signed(2)]])
    case(function, (float(signed()), float(signed())))
    case(function, [float(signed())])
    case(function, [signed(0), signed(0)])
for function in (np.array, np.asarray):
    case(function, signed(2, 3), dtype=np.float64)
    case(function, [float(signed()), float(signed())], dtype=np.float64)

for shapes in [[(3,), (2,)], [(3,)], [(2,), (0,), (1,)], [(2, 3), (1, 3)], [(2, 3), (0, 3), (4, 3)], [(2, 2, 3), (1, 2, 3)], [(0,), (0,)],
    [(1,), (1,)]]:
    case(np.concatenate, [signed(*shape) for shape in shapes])
    case(np.concatenate, tuple(signed(*shape) for shape in shapes), axis=0)
    case(np.concatenate, [signed(*shape) for shape in shapes], axis=-len(shapes[0]))
for axis, a, b in [(1, (2, 3), (2, 1)), (-1, (2, 3), (2, 1)), (-2, (2, 3), (1, 3)), (2, (2, 3, 1), (2, 3, 4)), (-2, (2, 3, 2), (2, 1, 2)),
    (None, (2, 3), (4,))]:
    case(np.concatenate, [signed(*a), signed(*b)], axis=axis)
    case(np.concatenate, [signed(*a), signed(*b), signed(*a)], axis)
case(np.concatenate, [signed(2, 3), signed(1), signed(2, 1, 2)], axis=None)
for shape in [(), (1,), (3,), (0,), (2, 3)]:
    for axis in range(-len(shape) - 1, len(shape) + 1):
        case(np.stack, [signed(*shape), signed(*shape), signed(*shape)], axis=axis)
    case(np.stack, (signed(*shape), signed(*shape)))
    case(np.stack, [signed(*shape)])
for shapes in [[(3,), (3,)], [(2, 3), (3,)], [(3,), (2, 3), (1, 3)], [(2, 3), (1, 3)], [(), ()], [(1,), (1,)], [(0,), (0,)],
    [(2, 2, 3), (1, 2, 3)], [(3,)], [(), (2, 1)]]:
    case(np.vstack, [signed(*shape) for shape in shapes])
for shapes in [[(3,), (2,)], [(2, 3), (2, 1)], [(), ()], [(), (2,)], [(2,), ()], [(1,), (1,)], [(0,), (2,)], [(2, 3, 2), (2, 1, 2)],
    [(3,)], [(), (2,), (1,)]]:
    case(np.hstack, [signed(*shape) for shape in shapes])
for shapes in [[(3,), (3,)], [(3,), (3, 2)], [(3, 2), (3,), (3, 1)], [(3, 2), (3, 1)], [(1,), (1,)], [(0,), (0,)], [(), ()], [(3,)]]:
    case(np.column_stack, [signed(*shape) for shape in shapes])
for shape, pieces, axis in [
    ((6,), 3, 0), ((6,), 1, 0), ((6,), [1, 4], 0), ((6,), (2,), 0), ((6,), [0, 3], 0), ((6,), [3, 3], 0), ((6,), [2, 9], 0),
    ((6,), [-2], 0),
    ((4, 6), 2, 0), ((4, 6), 3, 1), ((4, 6), 3, -1), ((4, 6), 2, -2), ((4, 6), [1, 4], 1), ((4, 6), [1, 4], -1), ((2, 4, 2), 2, 1),
    ((0, 3), 2, 0), ((1,), 1, 0),
]:
    case(np.split, signed(*shape), pieces, axis=axis)
case(np.split, signed(6), 3)
case(np.split, signed(4, 6), [1, 4], 1)
for shape, value in [((2, 3), float(signed())), (4, float(signed())), ((), float(signed())), ((2, 3), signed()), ((2, 3), signed(3)),
    ((2, 3), signed(2, 1)), ((0,), 2.5)]:
    case(np.full, shape, value)
case(np.full, (2, 3), float(signed()), dtype=np.float64)
for shape in [(2, 3), (), (0,), (3,)]:
    case(np.full_like, signed(*shape), float(signed()))
case(np.full_like, signed(2, 3), signed(3))
case(np.full_like, signed(2, 3), signed())


# ---- Python's numbers

ONE: dict[Callable[..., Any], tuple[float, ...]] = {
    operator.neg: (1.5, -2.0), operator.pos: (1.5,), abs: (1.5, -1.5), float: (1.5,), math.fabs: (1.5, -1.5), math.exp: (0.7,),
    math.exp2: (0.7,),
    math.expm1: (0.7,), math.log: (0.7, 3.0), math.log10: (0.7,), math.log2: (0.7,), math.log1p: (0.7, -0.5), math.sqrt: (0.7,),
    math.cbrt: (0.7, -0.7),
    math.sin: (0.7,), math.cos: (0.7,), math.tan: (0.7,), math.asin: (0.7, -0.3), math.acos: (0.7, -0.3), math.atan: (0.7,),
    math.sinh: (0.7,),
    math.cosh: (0.7,), math.tanh: (0.7,), math.asinh: (0.7,), math.acosh: (1.7,), math.atanh: (0.7, -0.3), math.erf: (0.7, -0.3),
    math.erfc: (0.7, -0.3),
    math.degrees: (0.7,), math.radians: (0.7,), math.gamma: (0.7, 3.0, -1.5, 12.5), math.lgamma: (0.7, 3.0, -1.5, 30.5, 0.01),
    math.modf: (1.3, -1.3),
    math.frexp: (1.3, -3.3, 0.1),
}
TWO: dict[Callable[..., Any], tuple[tuple[float, float], ...]] = {
    operator.add: ((1.5, -2.0),), operator.sub: ((1.5, -2.0),), operator.mul: ((1.5, -2.0),), operator.truediv: ((1.5, -2.0),),
    operator.pow: ((1.5, -2.3), (0.7, 2.0), (2.5, 0.5)), pow: ((1.5, -2.3), (0.7, 3.0)), math.pow: ((1.5, -2.3), (0.7, 3.0)),
    operator.mod: ((7.3, 2.0), (-7.3, 2.0), (7.3, -2.0)), math.fmod: ((7.3, 2.0), (-7.3, 2.0)),
    math.remainder: ((7.3, 2.0), (-5.3, 2.0), (6.9, 2.0)),
    divmod: ((7.3, 2.0), (-7.3, 2.0)), math.atan2: ((1.5, -2.0), (-1.5, 0.3)), math.copysign: ((1.5, -2.0), (-1.5, 2.0), (-1.5, -2.0)),
    math.log: ((3.0, 2.5), (0.3, 0.7)), math.hypot: ((1.5, -2.0),), max: ((1.5, -2.0), (-2.0, 1.5)), min: ((1.5, -2.0), (-2.0, 1.5)),
}
for function, numbers in ONE.items():
    for number in numbers:
        case(function, number)
for function, pairs in TWO.items():
    for pair in pairs:
        case(function, *pair)
for function in (builtins.max, builtins.min):
    for numbers in ((1.5, -2.0, 0.3), (0.3, 1.5, -2.0), (-2.0, 0.3, 1.5), (0.4, 0.1, 0.3, 0.2)):
        case(function, *numbers)
    case(function, np.float64(1.5), 0.3)
case(math.hypot, 1.5)
case(math.hypot, 1.5, -2.0, 0.3)
case(math.ldexp, 1.5, 3)
case(math.ldexp, -1.5, -2)
for numbers in ([1.5], [1.5, -2.0], [1.5, -2.0, 0.3]):
    case(math.fsum, numbers)
    case(builtins.sum, numbers)
    case(math.prod, numbers)
case(builtins.sum, [signed(3), signed(3)])
case(builtins.sum, [signed(3), float(signed()), signed(2, 1)])
case(math.dist, [1.5, -2.0], [0.3, 0.4])
case(math.dist, (1.5, -2.0, 0.7), (0.3, 0.4, 0.1))
case(math.dist, [1.5], [0.3])


# ---- as text

SPELLED: dict[Callable[..., Any], str] = {
    operator.add: "{} + {}", operator.sub: "{} - {}", operator.mul: "{} * {}", operator.truediv: "{} / {}", operator.pow: "{} ** {}",
    operator.mod: "{} % {}", operator.matmul: "{} @ {}", operator.neg: "-{}", operator.pos: "+{}",
}


def name_of(function: Callable[..., Any]) -> str:
    """How a program that imports numpy as np, math and scipy.special as special calls a function."""
    label = getattr(function, "__name__", "")
    for module, prefix in ((np, "np."), (np.linalg, "np.linalg."), (math, "math."), (sp, "special."), (builtins, ""),
        (operator, "operator.")):
        if getattr(module, label, None) is function:
            return prefix + label
    raise LookupError(f"where {function!r} is called from is not known.")


def is_float(value: Any) -> bool:
    """Whether a value is differentiated: a float or an array of them."""
    return isinstance(value, float) or isinstance(value, np.ndarray) and value.dtype.kind == "f"


def has_floats(value: Any) -> bool:
    return any(map(has_floats, value)) if isinstance(value, (list, tuple)) else is_float(value)


class Program(NamedTuple):
    """A call as a program: the text of a function `f`, its arguments by name, and the names that are differentiated."""

    text: str
    arguments: dict[str, Any]
    wrt: tuple[str, ...]


def program(case: Case, names: Iterator[str] | None = None) -> Program:
    """A case as a user writes it: `def f(x, y): return np.concatenate([x, y], axis=0)`."""
    arguments: dict[str, Any] = {}
    names = names or iter(["x", "y", "z", "w", *(f"x{i}" for i in range(20))])

    def named(value: Any) -> str:
        arguments[label := next(names)] = value
        return label

    def spelled(value: Any, keyword: str = "") -> str:
        if isinstance(value, np.ndarray) or is_float(value) and not keyword:
            return named(value)
        if isinstance(value, (list, tuple)) and has_floats(value):
            inner = ", ".join(map(spelled, value))
            return f"[{inner}]" if isinstance(value, list) else f"({inner},)"
        if isinstance(value, float) and math.isinf(value):
            return "np.inf" if value > 0 else "-np.inf"
        return f"np.{value.__name__}" if isinstance(value, type) else repr(value)

    operands = [spelled(v) if not (isinstance(v, float) and math.isinf(v)) else spelled(v, "ord") for v in case.operands]
    keywords = [f"{k}={spelled(v, k)}" for k, v in case.keywords.items()]
    form = SPELLED.get(case.function)
    call = form.format(*operands) if form else f"{name_of(case.function)}({', '.join([*operands, *keywords])})"
    text = f"def f({', '.join(arguments)}):\n    return {call}\n"
    return Program(text, arguments, tuple(k for k, v in arguments.items() if is_float(v)))


def label_of(case: Case) -> str:
    """A case's name among the tests: its call and the shapes of its operands."""
    made = program(case)
    shapes = ",".join("x".join(map(str, v.shape)) or "0d" if isinstance(v,
        np.ndarray) else type(v).__name__ for v in made.arguments.values())
    return f"{made.text.partition('return ')[2].strip()}:{shapes}".replace(" ", "")


def labels() -> list[str]:
    """The names of all cases, each once."""
    seen: dict[str, int] = {}
    out = []
    for label in map(label_of, CASES):
        seen[label] = seen.get(label, 0) + 1
        out.append(label if seen[label] == 1 else f"{label}#{seen[label]}")
    return out


LABELS = labels()
