"""Objects: what Python asks their classes for is what srcad asks them for, or it is refused."""
from __future__ import annotations

import abc
import collections
import copy
import dataclasses
import enum
import functools
import math
import re
import typing

import numpy as np
import pytest

import srcad

X = np.array([1.0, 2.0, 3.0])


class Bag:
    def __init__(self, *items):
        self.items = list(items)

    def __len__(self):
        return len(self.items)

    def __getitem__(self, i):
        return self.items[i]

    def __setitem__(self, i, v):
        self.items[i] = 2 * v

    def __delitem__(self, i):
        self.items[i] = 0.0

    def __iter__(self):
        return iter(self.items)

    def __contains__(self, k):
        return k == 3

    def __reversed__(self):
        return iter([5 * v for v in self.items])


class Pair:
    """Operators that mean something else than those of numbers, so that a mistake shows."""

    def __init__(self, x):
        self.x = x

    def __add__(self, other):
        return NotImplemented if isinstance(other, str) else Pair(self.x + (other.x if isinstance(other, Pair) else 3 * other))

    __radd__ = __add__

    def __iadd__(self, other):
        self.x += 2 * other.x
        return self

    def __neg__(self):
        return Pair(-2 * self.x)

    def __abs__(self):
        return math.sqrt(self.x ** 2 + 1)

    def __float__(self):
        return float(self.x) * 2

    def __round__(self, n=None):
        return self.x * 4

    def __floor__(self):
        return self.x * 7

    def __eq__(self, other):
        return self.x == other.x

    def __lt__(self, other):
        return self.x < other.x

    def __bool__(self):
        return bool(self.x > 1)

    __hash__ = None


class Louder(Pair):
    def __radd__(self, other):
        return Pair(self.x * 10 + other.x)


class Matrix:
    def __init__(self, m):
        self.m = m

    def __matmul__(self, other):
        return self.m @ other

    def __getitem__(self, i):
        return self.m[i]

    def __setitem__(self, i, v):
        self.m[i] = v

    def __iter__(self):
        return iter(self.m)

    def __array__(self, dtype=None, copy=None):
        return self.m * 3


def items_of_a_bag(x):
    bag = Bag(x, x * x)
    bag[0] = x
    bag[1] += x
    del bag[1]
    return bag[0] * x + bag[1] + len(bag) * x


def a_bag_is_looped_over(x):
    bag = Bag(x, x * x)
    a, *rest = bag
    return sum(bag) + sum(i * v for i, v in enumerate(bag)) + a * rest[0] + max(bag) + [*bag][1] + sum(a * b for a, b in zip(bag, reversed(bag)))


def a_bag_that_grows(x):
    bag = Bag()
    for i in range(50):
        bag.items.append(np.tanh(x * i))
    return sum(bag) + len(bag) * x


def truth_of_objects(x):
    return (2 * x if not Bag() else x) * (3 if Bag(x) else 1) * (Pair(x) and Pair(5 * x)).x * (2 if 3 in Bag() and 4 not in Bag() else 1) * bool(Bag())


def truth_on_data(x):
    pair, n = Pair(x), 0
    while pair:
        pair.x = pair.x - 0.5
        x = x * 2
        n += 1
    return pair.x * x + (x if Pair(x) < Pair(2 * x) else 0) + (x if Pair(x) > Pair(2 * x) else 2 * x) + (3 * x if Pair(x) != Pair(2 * x) else 0)


def operators(x):
    return (Pair(x) + Louder(x * x)).x + sum([Pair(x), Pair(2 * x)]).x + (-Pair(x)).x * x + (2 * x + Pair(x)).x


def in_place(x):
    a = b = Pair(x)
    a += Pair(x * x)
    for i in range(3):
        a += Pair(i * x)
    return b.x


def builtins(x):
    return abs(Pair(x)) + float(Pair(x)) + round(Pair(x)) + math.floor(Pair(x)) * x


def arrays(x):
    m = Matrix(np.outer(X, X) * x)
    m[1, 0:2] = x * x
    m[0] += x
    return m[1, 0:3].sum() + (m @ X).sum() + np.sum(m) + np.mean(np.exp(-np.asarray(m))) + sum(row[0] for row in m)


class Limited:
    kind = 2.0

    def __init__(self, v=0.0):
        self._v = v

    @property
    def v(self):
        return self._v

    @v.setter
    def v(self, new):
        self._v = min(max(new, 0.0), 1.0)

    @functools.cached_property
    def square(self):
        return self._v ** 2

    @classmethod
    def scaled(cls, x):
        return cls.kind * x


class Other(Limited):
    kind = 3.0

    def __init__(self):
        super().__init__(1.0)


def setters(x):
    a, b = Limited(), Limited()
    a.v = 2 * x
    b.v = x / 4
    b.v += x / 8
    first = b.square
    b.v = 0.0
    return a.v * x + first * b.square + Other().scaled(x) + Other.scaled(x) + Other().v


class Tripled:
    def __set_name__(self, owner, label):
        self.label = "_" + label

    def __get__(self, owner, kind=None):
        return getattr(owner, self.label)

    def __set__(self, owner, value):
        setattr(owner, self.label, 3 * value)


class Described:
    a = Tripled()

    def __init__(self, x):
        self.a = x


class Doubled:
    def __init__(self, x):
        self.x = x

    def __setattr__(self, label, value):
        super().__setattr__(label, value * 2)

    def __getattr__(self, label):
        return self.x * (5 if label == "five" else 7)


class Slots:
    __slots__ = ("a", "b")

    def __init__(self, a):
        self.a = a
        self.b = 2 * a


def attributes(x):
    a, b, s = Described(x), Doubled(x), Slots(x)
    a.a = a.a
    b.x += 1
    s.a *= 3
    return a.a * b.x * b.five + b.other + s.a * s.b


def reflection(x):
    a = Slots(x)
    setattr(a, "a", 3 * x)  # noqa: B010
    known = hasattr(a, "a") and not hasattr(a, "c") and type(a) is Slots and a.__class__ is Slots
    return (getattr(a, "a") * getattr(a, "c", 3.0) if known else x) * len(Bag(x, x))  # noqa: B009


def types(x, y, n):
    a = 2 * x if type(x) is float and x.__class__ is float and type(n) is int and type(n) in (int, float) else x
    b = np.sum(y) if type(y) is np.ndarray and type([x]) is list and isinstance(type(y), type) else x
    return a * b * type(x)(3.0) * (2 if type(x) is np.ndarray else 1)


class Shape(abc.ABC):
    @abc.abstractmethod
    def area(self):
        ...

    def twice(self):
        return 2 * self.area()


class Square(Shape):
    def __init__(self, a):
        super().__init__()
        self.a = a

    def area(self):
        return self.a ** 2


T = typing.TypeVar("T")


class Box(typing.Generic[T]):
    def __init__(self, held):
        self.held = held


def abstract(x):
    return Square(x).twice() + type(Square(x))(3 * x).area() + Box[float](x).held * x


@dataclasses.dataclass(frozen=True)
class Frozen:
    a: float
    b: float = 1.0

    def __post_init__(self):
        object.__setattr__(self, "b", self.a * 3)


@dataclasses.dataclass
class Own:
    a: float

    def __init__(self, q):
        self.a = 3 * q


@dataclasses.dataclass
class Squared:
    a: float
    b: float = dataclasses.field(init=False)
    parts: list = dataclasses.field(default_factory=lambda: [1.0, 2.0])

    def __post_init__(self):
        self.b = self.a ** 2


class Base(Squared):
    def __init__(self, z):
        super().__init__(z * 2)


def dataclasses_that_do_something(x):
    p = dataclasses.replace(Squared(x), a=3 * x)
    p.a = p.b ** 2
    return p.a + Frozen(x, 2.0).b + Own(x).a * Base(x).b + Squared(x).parts[1] * x + dataclasses.asdict(Squared(x))["b"]


class Vec(typing.NamedTuple):
    x: float
    y: float = 2.0

    def __add__(self, other):
        return Vec(self.x + other.x, self.y + other.y)

    def __bool__(self):
        return False

    @property
    def total(self):
        return self.x + self.y

    @classmethod
    def of(cls, x):
        return cls(x, x * x)

    def dot(self, other):
        return self.x * other.x + self.y * other.y


def named_tuples(x):
    a, b = Vec(x), Vec.of(x)
    c = a._replace(y=a.x * 2) + b
    return c[1] * a.total + a.dot(b) + (x if a else 2 * x) + a._asdict()["x"]


class Way(enum.Enum):
    UP = 1.0
    DOWN = -2.0

    @property
    def twice(self):
        return 2 * self.value


class Name(str, enum.Enum):  # noqa: UP042
    A = "a"


def enums(x):
    total = {Way.UP: x, Way.DOWN: x * x}[Way.DOWN] * Way.UP.twice + {Name.A: x}[Name.A] * (2 if Name.A == "a" else 1) + Way["UP"].value * x
    for way in Way:
        total = total + way.value * x * (2 if way is Way.DOWN else 1)
    return total


def dicts(x):
    d = {"a": x} | {"b": 2 * x}
    d |= {"a": x * x}
    return d["a"] * d["b"] + len(d)


def copies(x):
    a = Pair(X * x)
    b, c, d = copy.copy(a), copy.deepcopy(a), copy.deepcopy([x, {"k": [x]}])
    b.x = b.x * 2
    c.x[0] = 0.0
    e = copy.copy(X * x)
    e[0] = 2.0
    return np.sum(a.x) + np.sum(b.x) + np.sum(c.x) + d[1]["k"][0] + np.sum(e * a.x)


def limits(x):
    return x * np.iinfo(int).bits + np.maximum(x, np.finfo(type(x)).eps)


@pytest.mark.parametrize("f", [
    items_of_a_bag, a_bag_is_looped_over, a_bag_that_grows, truth_of_objects, truth_on_data, operators, in_place, builtins, arrays, setters, attributes, reflection, abstract,
    dataclasses_that_do_something, named_tuples, enums, dicts, copies, limits,
], ids=lambda f: f.__name__)
@pytest.mark.parametrize("x", [1.3, 0.4])
def test_an_object_is_asked_what_python_asks(f, x):
    np.testing.assert_allclose(srcad.value_and_grad(f)(x)[0], f(x))
    np.testing.assert_allclose(srcad.jvp(f, (x,), (1.0,))[1], srcad.grad(f)(x))
    srcad.check_grad(f, x)


PATTERN = re.compile("a+")


def found_or_not(x, text):
    found = PATTERN.match(text)
    return 2 * x if found is None else x * x if found is not None else 3 * x


def test_what_a_library_returns_may_be_none():
    gradient = srcad.grad(found_or_not, wrt="x")
    assert gradient(3.0, "aa") == 6.0 and gradient(3.0, "b") == 2.0


def test_types_are_known():
    for kind in (float, np.float64):
        value, grads = srcad.value_and_grad(types)(kind(1.2), X, 3)
        above, below = (types(kind(1.2 + step), X, 3) for step in (1e-6, -1e-6))
        np.testing.assert_allclose(value, types(kind(1.2), X, 3))
        np.testing.assert_allclose(grads[0], (above - below) / 2e-6)


# ---- from outside

class Held:
    __array_ufunc__ = None

    def __init__(self):
        self.w = X

    def __len__(self):
        return 3

    def __bool__(self):
        return False

    def __getitem__(self, i):
        return self.w[i] * 2

    def __rmul__(self, other):
        return self.w * other

    def __abs__(self):
        return np.sum(self.w) * 7

    def __contains__(self, k):
        return k == 5

    def __iter__(self):
        return iter(self.w * 2)


HELD = Held()


def from_outside(x):
    return len(HELD) * x + HELD[1] * x + np.sum(x * HELD) + abs(HELD) * x + sum(HELD) * x + (x if HELD else 2 * x) + (x if 5 in HELD else 0)


def test_an_object_from_outside_is_asked():
    np.testing.assert_allclose(srcad.value_and_grad(from_outside)(1.3)[0], from_outside(1.3))
    srcad.check_grad(from_outside, 1.3)


def by_way(x, way):
    return x * x if way is Way.UP else x * way.value


def test_an_enum_is_guarded():
    gradient = srcad.grad(by_way, wrt="x")
    assert gradient(3.0, Way.UP) == 6.0 and gradient(3.0, Way.DOWN) == -2.0 and gradient(3.0, Way.UP) == 6.0


@dataclasses.dataclass
class Weights:
    w: np.ndarray

    def __len__(self):
        return 5

    def __getitem__(self, i):
        return self.w[i] * 2

    def __bool__(self):
        return len(self.w) > 3

    def __iter__(self):
        return iter([2 * v for v in self.w])

    def __array__(self, dtype=None, copy=None):
        return self.w * 3

    def __neg__(self):
        return Weights(self.w * -3)


def of_weights(p):
    return np.sum(p[1:]) * len(p) + (p[0] if p else p[1]) + sum(p) + np.sum(np.exp(p)) + np.sum((-p).w)


def test_an_argument_is_asked():
    p = Weights(np.array([0.3, 0.5, 0.8]))
    np.testing.assert_allclose(srcad.value_and_grad(of_weights)(p)[0], of_weights(p))
    srcad.check_grad(of_weights, p)


def said(x):
    text = f"{x:.1f}"
    print(text, str(x))
    if x < 0:
        raise ValueError(f"{x} of {text}")
    return x * 3


def test_what_is_differentiated_may_be_said(capsys):
    assert srcad.grad(said)(1.25) == 3.0 and capsys.readouterr().out.startswith("1.2 1.25")


# ---- refused

class Meddling:
    def __init__(self, x):
        self.x = x

    def __getattribute__(self, label):
        return 3.0 * object.__getattribute__(self, label)


class Taking:
    def __array_ufunc__(self, *args, **kwargs):
        return 5.0


class New(collections.namedtuple("New", "a b")):
    def __new__(cls, a):
        return super().__new__(cls, a, 2 * a)


class Spread(Bag):
    def __rmul__(self, other):
        return other


class Once:
    def __iter__(self):
        return self

    def __next__(self):
        raise StopIteration


@dataclasses.dataclass(order=True)
class Ordered:
    a: float


@pytest.mark.parametrize(("f", "reason"), [
    (lambda x: Meddling(x).x, "has a __getattribute__ of its own"),
    (lambda x: np.exp(Taking()) * x, "says by itself what NumPy's functions do"),
    (lambda x: New(x).b, "a __new__ or __init__ of its own"),
    (lambda x: sum(v for v in Once()) * x, "a __next__ of its own"),
    (lambda x: x if Ordered(x) < Ordered(2.0) else 2 * x, "one that dataclasses write"),
    (lambda x: x if "x" in Pair(x) else 2 * x, "for __contains__ or __iter__"),
    (lambda x: sum(Pair(x)), "for __iter__, and it has none"),
    (lambda x: len(Pair(x)) * x, r"has no len\(\)"),
    (lambda x: Pair(x)[0], "is not subscriptable"),
    (lambda x: np.sum(Pair(x)), "an object that the function makes is given to it, a `Pair`"),
    (lambda x: X[Bag(0)].sum() * x, "an object that the function makes"),
    (lambda x: np.float64(2.0) * Spread() * x, "NumPy calls `__rmul__` for each element"),
    (lambda x: np.sum(X * x + Pair(x)), "NumPy calls `__radd__` for each element"),
    (lambda x: np.fromfunction(lambda i, j: i + j, (2, 2)).sum() * x, "a function that is defined inside is given to it"),
    (lambda x: np.vectorize(lambda v: v ** 2)(x).sum(), "calls a function for each element"),
    (lambda x: collections.deque([x])[0], "a deque is not looked through. Use a list"),
    (lambda x: collections.defaultdict(float)["a"] + x, "a defaultdict is not looked through. Use a dict"),
    (lambda x: Shape().area() * x, "abstract class"),
    (lambda x: x if Pair(x) is Pair(x) else 2 * x, "`is` and `in` need values that are known"),
    (lambda x: float(f"{x}") * x, "reads a string that says what is differentiated"),
    (lambda x: float(str(x)) * x, "reads a string that says what is differentiated"),
    (lambda x: len(f"{Pair(x)}") * x, "an object that the function makes is given to it"),
    (lambda x: vars(Pair(x))["x"], "reads or runs what the text does not say"),
    (lambda x: Pair(x).__dict__["x"], "is not looked through"),
], ids=lambda v: v if isinstance(v, str) else "")
def test_what_is_not_asked_is_refused(f, reason):
    with pytest.raises(srcad.SrcadError, match=reason) as caught:
        srcad.grad(f)(1.2)
    assert caught.value.location is not None


@dataclasses.dataclass
class Marked:
    a: float
    kind = 2.0

    def plus(self):
        return self.a + 1


@dataclasses.dataclass
class Begun:
    a: float
    scale: dataclasses.InitVar[float] = 3.0
    b: float = 0.0

    def __post_init__(self, scale):
        self.a = self.a * scale


def begun(x):
    return Begun(x, 2.0).a * Begun(x).a + Begun(x, b=x).b


def test_parameters_that_are_no_fields():
    np.testing.assert_allclose(srcad.value_and_grad(begun)(1.3)[0], begun(1.3))
    srcad.check_grad(begun, 1.3)


def test_what_a_dataclass_holds_besides_its_fields():
    gradient, p, q = srcad.grad(lambda p: p.a * p.kind * p.plus()), Marked(3.0), Marked(3.0)
    q.kind = 5.0
    assert gradient(p).a == 14.0
    with pytest.raises(srcad.SrcadError, match="is no field of the dataclass"):
        gradient(q)
    with pytest.raises(srcad.SrcadError, match="is no field of the dataclass"):
        srcad.grad(lambda p: p.a * p.kind)(q)
