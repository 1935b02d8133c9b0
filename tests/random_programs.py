"""Random programs with loops, branches, writes, aliases, lists and helpers, as source text, against finite differences.

    python tests/random_programs.py 0 1000      # prints each program that fails, shrunk, and what was refused

A program is written from templates. A hole `<v>` asks for something of that kind; one with a digit, as `<V1>`, is the same thing
wherever it stands in its template. Capitals are names (S a number, V a vector, M a matrix of two rows, L a list of numbers, A a list
of vectors, D a dict, I a counter, F a function), small letters are expressions (s a number, v a vector, m a matrix, c a condition,
i an index, n the length of the vectors in the template, k a constant) and N, O are new names; `<block>` is statements, two levels deep.
"""
from __future__ import annotations

import ast
import collections
import contextlib
import itertools
import linecache
import random
import re
import signal
import sys
import types
import warnings
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any, NamedTuple

import numpy as np

import srcad

NUMBERS = ["<S>", "<S>", "<S>", "<V>[<i>]", "<V>[<i>]", "<V>[<i>]", "<k>", "<L>[0]", "<L>[-1]", "<D>['a']", "<M>[1, <i>]", "np.tanh(<s>)", "np.sin(<s>)", "<s> * <s>",
           "(<s> + <s>)", "(<s> - <s>)", "<s> / (1.5 + <s> ** 2)", "math.exp(-<s> ** 2)", "np.sum(<v>)", "<V>.mean()", "<V1> @ <v>", "np.dot(<v>, <v>)", "-<s>",
           "<V>[1:].sum()", "<A>[<j>][<i>]", "sum(<L>)", "len(<L>) * 0.1", "max(<s>, <s>)", "np.max(<V>)", "abs(<s>)", "(<s> if <c> else <s>)", "(<s> or <s>)", "(<c> and <s> or <s>)",
           "<F>(<s>)", "sum([<k> * t for t in <V>])", "sum(np.sin(t) for t in <V>)", "sum(t * u for t, u in zip(<V1>, <V1>[::-1]))", "np.sum(<M>)", "<M>[:, <i>].sum()",
           "<V>[:<I> + 1].sum()", "<V>[<I>:].sum()", "(<I> + 1) * 0.3", "<M>.T[<i>, 0]", "float(<V>[<i>])", "np.float64(<s>)", "<V>[-<i>]", "<D>.get('b', 0.5)", "(lambda t: t * <s>)(<s>)",
           "np.add(<s>, <s>)", "<V>.max()", "sum([t for t in <V> if t > <k>])", "np.prod(<V>)", "<V>[np.argmax(<V>)]", "total(<V>)", "first(<V>)", "np.linalg.norm(<V> + 2.0)", "bump(<s>)",
           "max(<s>, <k>) ** 2", "max(<s>, <k>) ** 2", "(<s> if <c> else <k>) ** 2", "math.log(max(<s>, 0.1))", "math.fsum(map(abs, <V>))", "np.sum(<V1> * np.maximum.accumulate(<V1>))"]
VECTORS = ["<V>", "<V>", "<V>", "<V>", "<V>[::-1]", "np.sin(<v>)", "np.tanh(<v>)", "<v> * <s>", "<v> + <v>", "<v> * <v>", "(<v> - <v>)", "<k> * <v>", "np.cos(<v>) + <s>",
           "<V>[<order>]", "<V>[np.array(<order>)]", "np.full(<n>, <s>)", "np.array([<k> * t for t in <V>])", "np.array([np.sin(t) * <s> for t in <V>])", "<M>[0]", "<M>[-1, :]", "<M>[:, ::-1][1]",
           "<A>[<j>]", "np.where(<V1> > <k>, <v>, <s>)", "np.cumsum(<v>)", "<V>.copy()", "np.ones(<n>) * <s>", "<V1>.reshape(1, -1)[0]", "<M>.T[:, 0]", "<M>.sum(axis=0)",
           "np.concatenate([<V1>[1:], <V1>[:1]])", "same(<V>)", "np.outer(<v>, <v>)[<i>]", "<v> / (1.5 + <v> ** 2)", "np.ravel(<V>)", "np.array([<V1>[(t + 1) % <n>] for t in range(<n>)])",
           "np.asarray(<V>)", "np.zeros(<n>) + <s>", "np.ones(<n>) * <k>", "np.zeros_like(<V>)", "np.array(<V>)", "np.maximum(<v>, <s>)"]
MATRICES = ["<M>", "<M>", "np.ones((2, <n>)) * <k>", "np.stack([<v>, <v>])", "np.array([<v>, <v>])", "<M> * <s>", "np.sin(<m>)", "<m> * <v>", "<M>[::-1]", "np.outer(<M>[:, 0], <v>)", "<M> + <m>", "<M>.T.T", "np.vstack([<v>, <v>])"]
CONDITIONS = ["<S> > <k>", "<V>[<i>] < <k>", "<V>[<i>] > <S>", "np.sum(<V>) > <k>", "<s> < <k>", "(<c>) and (<c>)", "(<c>) or (<c>)", "not (<c>)", "<I> % 2 == 0", "<I> > 0", "<I> == 1", "len(<V>) > 3", "(<V> > <k>).any()",
              "<k> < <S> < 0.9", "len(<L>) < 3", "<V>[0] * <V>[<i>] > 0.1", "bool(<S> > <k>)"]

# What is written, and the kinds of the names that it makes.
PLAIN: list[tuple[str, str]] = [
    ("<N> = <s>", "S"), ("<N> = <s>", "S"), ("<S> = np.sin(<s>)", ""), ("<S> = <S> * <s>", ""), ("<S> += <s>", ""), ("<S> *= <s>", ""), ("<S> -= np.tanh(<s>)", ""), ("<S> = <S>", ""),
    ("<N> = <v>", "V"), ("<N> = <v>", "V"), ("<V> = np.tanh(<v>)", ""), ("<V> = <v>", ""), ("<N> = <V>", "V"), ("<V> = <V>", ""), ("<N> = <V1>[1:]", "W"), ("<N> = <V1>[:-1]", "W"), ("<N> = <V>[::-1]", "V"),
    ("<N> = <V1>.reshape(<n>)", "V"), ("<N> = <V>.ravel()", "V"), ("<N> = <M>[1]", "V"), ("<N> = <M>.T[:, 0]", "V"), ("<N> = <m>", "M"), ("<N> = <m>", "M"), ("<N> = <M>[::-1]", "M"), ("<N> = np.zeros(<n>)", "V"),
    ("<N> = np.zeros((2, <n>))", "M"), ("<N> = np.empty(<n>)\n<N>[:] = <v>", "V"), ("<N> = <V>.copy()", "V"), ("<N> = np.asarray(<V>)", "V"), ("<N> = <M>", "M"), ("<N> = <V1>.reshape(1, -1)\n<N>[0, <i>] = <s>", ""),
    ("<V>[<i>] = <s>", ""), ("<V>[<i>] = <s>", ""), ("<V>[<i>] += <s>", ""), ("<V>[<i>] *= <s>", ""), ("<V>[<i>] -= <s>", ""), ("<V1>[1:] = <V1>[:-1]", ""), ("<V1>[:-1] = <V1>[1:] * <s>", ""), ("<V>[:] = <v>", ""),
    ("<V>[...] = <v>", ""), ("<V1>[<V1> > <k>] = <s>", ""), ("<V1>[<V1> > <k>] *= <s>", ""), ("<V1>[<v> < <k>] = <s>", ""), ("<V>[[0, 2]] = <s>", ""), ("<V>[[0, 1, 0]] = np.array([<s>, <s>, <s>])", ""), ("<V>[[0, 1, 0]] += <s>", ""),
    ("<V>[np.array([2, 0])] *= <s>", ""), ("<V>[<order>] = <v>", ""), ("<V> += <v>", ""), ("<V> *= <s>", ""), ("<V> -= <v>", ""), ("<V> /= 1.5 + <s> ** 2", ""), ("<V1> += <V1>", ""), ("<V1> *= <V1>[::-1]", ""), ("<V1>[1:] += <V1>[:-1]", ""),
    ("np.add.at(<V>, [0, 2, 0], <s>)", ""), ("np.add(<v>, <v>, out=<V>)", ""), ("np.sin(<V1>, out=<V1>)", ""), ("np.multiply(<v>, <s>, out=<V>)", ""), ("np.copyto(<V>, <v>)", ""), ("<V>.fill(<s>)", ""), ("<V>[::2] = <s>", ""),
    ("<V>[::-1][<i>] = <s>", ""), ("<M>[0] = <v>", ""), ("<M>[:, <i>] = <s>", ""), ("<M>[1, <i>] += <s>", ""), ("<M>[1] *= <v>", ""), ("<M> += <v>", ""), ("<M> *= <s>", ""), ("<M>.T[<i>] = <s>", ""), ("<M1>[0], <M1>[1] = <v>, <s>", ""),
    ("<V1>[0], <V1>[1] = <V1>[1], <V1>[0]", ""), ("<M>[0, 1:] = <s>", ""), ("<V>[<i>:] = <s>", ""), ("<V>[<I>:] *= <s>", ""), ("<V1>[[0, 1]] = <V1>[[1, 0]]", ""), ("<S1>, <S2> = <S2>, <S1>", ""), ("<V1>, <V2> = <V2>, <V1>", ""),
    ("<S>, <N> = <s>, <s>", "S"), ("<N>, *<O> = [<s>, <s>, <s>]", "SL"), ("<N>, <O> = <v>, <s>", "VS"), ("<N>, <O> = <V>[:2]", "SS"), ("<N> = <O> = <s>", "SS"), ("<N> = <O> = <v>", "VV"), ("<N>, <O> = <M>", "VV"), ("<N>, <O> = <V>, <V>[::-1]", "VV"),
    ("<N> = [<s>, <s>]", "L"), ("<N> = [<s>, <s>]\n<N>.append(<s>)", "L"), ("<N> = []\n<N>.append(<s>)", "L"), ("<L>.append(<s>)", ""), ("<L>[0] = <s>", ""), ("<L>[-1] += <s>", ""), ("<L1>.append(<s>)\n<N> = <L1>.pop()", "S"),
    ("<L>.append(<s>)", ""), ("<L>.insert(0, <s>)", ""), ("<L> += [<s>]", ""), ("<N> = <L>", "L"), ("<N> = list(<L>)", "L"), ("<N> = <L> + [<s>]", "L"), ("<L1>[0], <L1>[-1] = <L1>[-1], <L1>[0]", ""), ("<N> = [t * <s> for t in <V>]", "L"),
    ("<N> = [<k> * t for t in <L>]", "L"), ("<N> = np.array(<L>)\n<O> = <N>.sum()", " S"), ("<N> = [<v>, <v>]", "A"), ("<N> = [<V>, <V>]", "A"), ("<A>.append(<v>)", ""), ("<A>[<j>] = <v>", ""), ("<A>[<j>][<i>] = <s>", ""), ("<A>[<j>] += <s>", ""),
    ("<A1>[0], <A1>[1] = <A1>[1], <A1>[0]", ""), ("<N> = np.stack(<A>)\n<O> = np.sum(<N> * <k>)", " S"), ("<N> = sum(<A>)", "V"), ("<N> = [t * <s> for t in <A>]", "A"), ("<N> = {'a': <s>, 'b': <s>}", "D"), ("<D>['a'] = <s>", ""), ("<D>['b'] += <s>", ""),
    ("<D>['b'] = <s>", ""), ("<N> = dict(a=<s>)", "D"), ("<N> = sum(<D>.values())", "S"), ("<N> = {'u': <V1>, 'w': <v>}\n<N>['u'][<i>] = <s>\n<O> = <N>['w'] * <N>['u']", " V"), ("<N> = lambda t: t * <s> + <k>", "F"),
    ("def <N>(t):\n    return np.sin(t) * <s>", "F"), ("def <N>(t):\n    if t > <k>:\n        return <s> * t\n    return np.tanh(t)", "F"), ("def <N>(t, u=0.5):\n    w = t * u\n    w += <s>\n    return w", "F"), ("def <N>(t):\n    <V>[<i>] = t\n    return <s>", "F"),
    ("def <N>(t):\n    for q in range(2):\n        t = np.sin(t) + <s>\n    return t", "F"), ("double(<V>)", ""), ("<N> = double(<V>)", "V"), ("<V1> = double(<V1>)", ""), ("<N> = tail(<V1>)", "W"), ("shift(<V>, <s>)", ""), ("<N> = same(<V>)", "V"),
    ("<N> = <v> * 1.5\n<N>[<i>] = <s>\n<V1>, <V2> = <V2>, <N>", "V"), ("<N> = np.zeros(<n>)\nfor q in range(1, <n>):\n    <N>[q] = np.sin(<s> * <N>[q - 1] + <N>[:q].sum() + <k>)", "V"),
    ("for q in range(<n>):\n    <V1>[q] = np.tanh(<V1>[:q] @ <V2>[:q] + <s>)", ""), ("for q in range(<n> - 1, -1, -1):\n    <V1>[q] = np.sin(<V1>[q] * <s> + <V1>[q + 1:].sum())", ""),
    ("<N> = np.zeros((<n>, <n>))\nfor q in range(<n>):\n    for r in range(q + 1):\n        <N>[q, r] = np.cos(<V>[r] + <N>[q, :r] @ <N>[r, :r])\n<V1> = <V1> + <N>.sum(axis=0)", ""),
    ("<N>, <O> = parts(<V>)", "SV"), ("push(<L>, <s>)", ""), ("<N> = powers(<s>)", "L"), ("store(<D>, <s>)", ""), ("<N> = early(<V>, <s>)", "S"), ("<N> = mine(<V>, <s>)", "S"), ("<V1> = mine2(<V1>, <s>)", ""), ("<N> = mine2(<V>, <s>)", "V"), ("mine2(<V>, <s>)", "")]
BLOCKS: list[tuple[str, str]] = [
    ("if <c>:\n<block>", ""), ("if <c>:\n<block>\nelse:\n<block>", ""), ("if <c>:\n<block>\nelif <c>:\n<block>\nelse:\n<block>", ""), ("if <c>:\n    <N> = <s>\nelse:\n    <N> = <s>\n<block>", "S"), ("if <c>:\n    <N> = <v>\nelse:\n    <N> = <V>", "V"),
    ("if <c>:\n    <N> = <V>\nelse:\n    <N> = <V>\n<N>[<i>] = <s>", "V"), ("<N> = <V> if <c> else <V>", "V"), ("if <c>:\n    <N> = <L>\nelse:\n    <N> = [<s>, <s>]\n<N>[0] = <s>", "L"), ("if <c>:\n    <N> = <L1>\nelse:\n    <N> = <L1>\n<L1>[0] = <s>", "L"), ("if <c>:\n    return <s>", ""), ("if <c>:\n<block>\n    return <s>", ""), ("if <c>:\n    <L>.append(<s>)", ""),
    ("<N> = <V1>\nfor <O> in range(2):\n    <S> += <N>[0] * <s>\n    <N> = <N>[1:]", ""), ("<N> = <v>\nfor <O> in range(2):\n    <N> = <N>[:-1] * <N>[1:]\n<S> += np.sum(<N>)", ""), ("while <S1> > 0.4:\n    <S1> = 0.5 * np.tanh(<S1>)", ""),
    ("<N> = np.zeros(<n>)\n<O> = <V>\nfor t in range(3):\n    <N>, <O> = <O>, <N>\n    <N>[t] = <s> + <O>[t]", "VV"), ("<N> = []\nfor t in <V>:\n    <N>.append(t * <s>)", "L"), ("<N> = []\nfor t in range(2):\n    <N>.append(<V> * (t + 1))", "A"),
    ("<N> = []\nfor t in range(3):\n    <N>.append(<s>)\nwhile len(<N>) > 1:\n    <S> += <N>.pop()", "L"), ("<N> = {}\nfor t in ('a', 'b'):\n    <N>[t] = <s>", "D"), ("<N> = <s>\nfor t in range(2):\n    for u in range(2):\n        <N> = np.sin(<N> + <s>)\n        <V>[u] *= <N>", "S"),
    ("for t in range(3):\n    if <c>:\n        <S> += <s>\n        break\nelse:\n    <S> -= <s>", ""), ("for t in range(2):\n    <V1> = <V1> + <k> * np.array([<V1>[(q + 1) % <n>] * <s> for q in range(<n>)])", ""),
    ("for t in range(3):\n    <V1> = np.sin(<V1>)", ""), ("for t in range(2):\n    <V1>, <V2> = <V2> - <k> * <V1> ** 3, <V1>", ""),
    ("for t in <V>:\n    try:\n        if t < <k>:\n            continue\n        <S> += t\n        if <S> > <k>:\n            break\n    finally:\n        <S> *= <s>", ""),
    ("for t in range(3):\n    <V1> = <V1> + <k> * np.concatenate([np.array([<V1>[1], <s> * <V1>[0], np.sin(<V1>[-1])]), <V1>[3:]])", "")]
LOOPS: list[tuple[str, str]] = [
    ("for <N> in range(<n>):\n<block>", "I"), ("for <N> in range(1, <n>):\n<block>", "I"), ("for <N> in range(<n> - 1, -1, -1):\n<block>", "I"), ("for <N> in reversed(range(<n>)):\n<block>", "I"), ("for <N> in range(len(<V>)):\n<block>", "I"), ("for <N> in range(2):\n<block>", "I"),
    ("for <N> in <V>:\n<block>", "S"), ("for <N> in <v>:\n<block>", "S"), ("for <N>, <O> in enumerate(<V>):\n<block>", "IS"), ("for <N>, <O> in zip(<V>, <V>):\n<block>", "SS"), ("for <N>, <O> in zip(<V>, <v>):\n<block>", "SS"), ("for <N> in reversed(<L>):\n<block>", "S"),
    ("for <N> in reversed(<V>):\n<block>", "S"), ("for <N> in <L>:\n    <S> += <N> * <s>", "S"), ("for <N> in <M>:\n<block>", "V"), ("for <N> in <A>:\n<block>", "V"), ("for <N> in <V>[1:]:\n<block>", "S"), ("for <N> in (<s>, <s>):\n<block>", "S"), ("for <N> in [<V>, <v>]:\n<block>", "V"),
    ("for <N>, <O> in <D>.items():\n    <S> += <O> * <s>", " S"), ("for <N> in <D>.values():\n<block>", "S"), ("for t, (<N>, <O>) in enumerate(zip(<V>, <V>)):\n<block>", "SS"), ("<N> = 0\nwhile <N> < 3:\n    <N> += 1\n<block>", "I"), ("<N> = 0\nwhile <N> < 2 and (<c>):\n    <N> += 1\n<block>", "I"),
    ("<N> = 0\nwhile True:\n    <N> += 1\n    if <N> > 3:\n        break\n<block>", "I"), ("for <N> in range(<n>):\n<block>\nelse:\n    <S> += <s>", "I"), ("for <N> in range(2):\n<block>\n    <S> = np.tanh(<S> + <s>)", "I"), ("for <N> in range(<n>):\n<block>\n    <V>[<N>] = <s>", "I"),
    ("for <N> in np.arange(3) * 0.2:\n<block>", "S")]
INSIDE: list[tuple[str, str]] = [("if <c>:\n    break", ""), ("if <c>:\n    continue", ""), ("if <c>:\n<block>\n    break", ""), ("if <c>:\n<block>\n    continue", ""), ("if <c>:\n    return <s>", "")]

HELPERS = {
    "total": "def total(a):\n    t = 0.0\n    for b in a:\n        t += b * b\n    return t",
    "first": "def first(a):\n    b = a\n    return b[0] * 0.5",
    "bump": "def bump(a):\n    if a < 0.1:\n        return a * a\n    return np.sin(a)",
    "same": "def same(a):\n    return a",
    "double": "def double(a):\n    a *= 0.8\n    return a",
    "tail": "def tail(a):\n    return a[1:]",
    "shift": "def shift(a, t):\n    a[1:] = a[:-1]\n    a[0] = t",
    "parts": "def parts(a):\n    return a[0], np.sin(a)",
    "push": "def push(a, t):\n    a.append(t)",
    "powers": "def powers(t):\n    out = [t]\n    for _ in range(2):\n        out.append(out[-1] * t)\n    return out",
    "store": "def store(a, t):\n    a['a'] = t",
    "early": "def early(a, t):\n    for b in a:\n        if b > t:\n            return b * t\n    return np.sum(a)",
}
FILES = itertools.count()


class TooLong(BaseException):
    """What nothing on the way catches."""


class Missing(LookupError):
    """A template asks for a name of a kind that there is none of."""


class Name(NamedTuple):
    text: str
    kind: str
    size: int  # the length of a vector, of the rows of a matrix, or the bound of a counter


class Writer:
    """Writes the statements of one function; `choose` is that of random.Random, or of hypothesis."""

    def __init__(self, rng: random.Random, names: list[Name], avoided: str) -> None:
        self.rng = rng
        self.names = names
        self.avoided = avoided  # a pattern: what no template may have in it
        self.count = 0
        self.loops = 0
        self.budget = 0

    def block(self, depth: int, most: int) -> list[str]:
        return [line for _ in range(self.rng.randint(1, most)) for line in self.statement(depth)]

    def statement(self, depth: int) -> list[str]:
        while True:
            kind = self.rng.randint(0, 9)
            table = INSIDE if self.loops and kind == 9 else LOOPS if depth and kind >= 7 else BLOCKS if depth and kind >= 5 else PLAIN
            with contextlib.suppress(Missing):
                template, kinds = self.rng.choice(table)
                if not re.search(self.avoided, template):
                    return self.filled_lines(template, kinds, depth)

    def filled_lines(self, template: str, kinds: str, depth: int) -> list[str]:
        self.budget = self.rng.randint(1, 4)
        size = self.rng.choice([n.size for n in self.names if n.kind == "V"])
        before, count = list(self.names), self.count
        memo: dict[str, str] = {"<n>": str(size)}
        made = [self.fresh(hole, memo) for hole in ("<N>", "<O>") if hole in template]
        made_names = [Name(n, "V" if k == "W" else k, size - (k == "W")) for n, k in zip(made, kinds) if k != " " and (k != "W" or size > 2)]
        lines: list[str] = []
        loops = template.startswith("for") or "while" in template
        self.loops += loops
        try:
            for line in template.split("\n"):
                if line.strip() == "<block>":
                    lines += self.inner(made_names if loops else [], depth)
                else:
                    head = loops and line.startswith(("for", "while"))
                    self.names = before if head or not loops else before + made_names
                    lines.append(re.sub(r"<(\w+)>", lambda hole: self.hole(hole[0], memo, size), line))
        except Missing:
            self.names, self.count = before, count
            raise
        finally:
            self.loops -= loops
        self.names = before + ([] if loops else made_names)
        return lines

    def inner(self, extra: list[Name], depth: int) -> list[str]:
        known = self.names
        self.names = [*known, *(n for n in extra if n not in known)]
        lines = self.block(depth - 1, 3)
        self.names = known
        return ["    " + line for line in lines]

    def fresh(self, hole: str, memo: dict[str, str]) -> str:
        self.count += 1
        memo[hole] = f"v{self.count}"
        return memo[hole]

    def hole(self, hole: str, memo: dict[str, str], size: int) -> str:
        if hole in memo:
            return memo[hole]
        text = self.something(hole[1], size)
        if hole[2].isdigit():
            memo[hole] = text
        return text

    def something(self, kind: str, size: int) -> str:
        if kind in "SVMLADIF":
            return self.name(kind, size)
        if kind == "i":
            return self.index(size)
        if kind == "j":
            return self.rng.choice(["0", "1", "-1"])
        if kind == "k":
            return self.constant()
        if kind == "o":
            return str([self.rng.randint(0, size - 1) for _ in range(size)])
        table = {"s": NUMBERS, "v": VECTORS, "m": MATRICES, "c": CONDITIONS}[kind]
        self.budget -= 1
        while True:
            template = self.rng.choice(table)
            if self.budget < 0 and re.search("<[svmc]>", template):
                continue
            with contextlib.suppress(Missing):
                memo = {"<n>": str(size)}
                return re.sub(r"<(\w+)>", lambda hole: self.hole(hole[0], memo, size), template)

    def name(self, kind: str, size: int) -> str:
        known = [n.text for n in self.names if n.kind == kind and (kind not in "VMA" or n.size == size)]
        if not known:
            raise Missing(kind)
        return self.rng.choice(known)

    def index(self, size: int) -> str:
        counters = [n for n in self.names if n.kind == "I"]
        if counters and self.rng.randint(0, 2):
            name = self.rng.choice(counters).text
            return self.rng.choice([f"{name} % {size}", f"{name} - 1", name, name])
        return str(self.rng.randint(-size, size - 1)) if self.rng.randint(0, 3) == 0 else str(self.rng.randint(0, size - 1))

    def constant(self) -> str:
        return self.rng.choice(["0.3", "0.7", "-0.4", "1.3", "0.15", "0.5"])

    def result(self) -> str:
        """A number that depends on every name; or plainly on a few, so that what flows back is 1, or 0 in most places."""
        if self.rng.randint(0, 1):
            plain = {"S": ["{0}"], "V": ["np.sum({0})", "np.sum(np.cos({0}))", "np.sum({0} ** 2)", "{0}[0]", "{0}[1]", "{0}[-1]", "np.mean({0})"], "M": ["np.sum({0})", "{0}[0, 1]"], "L": ["sum({0})", "{0}[0]"], "I": ["{0} * 1.0"]}
            known = [n for n in self.names if n.kind in plain]
            few = self.rng.sample(known, min(len(known), self.rng.randint(1, 2)))
            return self.rng.choice([" + ", " * "]).join(self.rng.choice(plain[n.kind]).format(n.text) for n in few)
        forms = {"S": "np.sin({0})", "V": "np.sum(np.sin({0} * 0.9))", "M": "np.sum({0} * {0})", "L": "sum({0})", "A": "np.sum({0}[0] * {0}[-1])", "D": "{0}['a']", "F": "{0}(0.4)", "I": "{0} * 0.1"}
        return " + ".join(f"{self.constant()} * {forms[n.kind].format(n.text)}" for n in self.names)


def random_source(rng: random.Random) -> tuple[str, int]:
    """The text of a program, and the length of its vectors."""
    size = rng.randint(3, 5)
    helpers = []
    for name, returned in (("mine", "s"), ("mine2", "v")):
        inside = Writer(rng, [Name("a", "V", size), Name("t", "S", 0)], "mine|return")
        lines = inside.block(1, 2)
        inside.budget = 2
        ending = "a" if returned == "v" and rng.randint(0, 1) else inside.something(returned, size)
        helpers.append((name, f"def {name}(a, t):\n" + "\n".join("    " + line for line in lines) + f"\n    return {ending}"))
    writer = Writer(rng, [Name("x", "V", size), Name("y", "V", size), Name("s", "S", 0)], " return" if rng.randint(0, 1) else "no such thing")
    lines = writer.block(2, 8)
    body = "\n".join("    " + line for line in [*lines, f"return {writer.result()}"])
    return "import math\n\nimport numpy as np\n" + "".join(f"\n\n{text}\n" for text in called(body, {**HELPERS, **dict(helpers)})) + f"\n\ndef f(x, y, s):\n{body}\n", size


def called(body: str, helpers: dict[str, str]) -> list[str]:
    """The helpers that the text calls, and those that they call."""
    found: list[str] = []
    todo = [body]
    while todo:
        text = todo.pop()
        for name, helper in helpers.items():
            if re.search(rf"\b{name}\(", text) and helper not in found:
                found.append(helper)
                todo.append(helper)
    return found[::-1]


@dataclass
class Program:
    text: str
    points: list[tuple[Any, ...]]

    @property
    def function(self) -> Callable[..., Any]:
        filename = f"<random program {next(FILES)}>"
        linecache.cache[filename] = (len(self.text), None, self.text.splitlines(True), filename)
        scope: dict[str, Any] = {}
        exec(compile(self.text, filename, "exec", dont_inherit=True), scope)
        return scope["f"]  # type: ignore[no-any-return]


def random_program(rng: random.Random) -> Program:
    """A program and two points to differentiate it at."""
    text, size = random_source(rng)
    numbers = np.random.default_rng(rng.randint(0, 10**6))
    return Program(text, [(off_zero(numbers.uniform(-1, 1, size)), off_zero(numbers.uniform(-1, 1, size)), float(off_zero(numbers.uniform(-1, 1)))) for _ in range(2)])


def off_zero(value: Any) -> Any:
    """Numbers with three digits, none of them 0: there `x or y` and the like jump."""
    return np.where(np.abs(value) < 1e-3, 1e-3, np.round(value, 3))


def copies(args: tuple[Any, ...]) -> tuple[Any, ...]:
    return tuple(a.copy() if isinstance(a, np.ndarray) else a for a in args)


def differences(f: Callable[..., Any], args: tuple[Any, ...]) -> tuple[np.ndarray, ...] | None:
    """The gradient by central differences, extrapolated; None where the steps disagree, as at a kink, or where a tiny one sees what they step over."""
    found = []
    for k, a in enumerate(args):
        columns = []
        for i in range(np.size(a)):
            def at(h: float, k: int = k, i: int = i) -> float:
                moved = list(copies(args))
                if isinstance(moved[k], np.ndarray):
                    moved[k][i] += h
                else:
                    moved[k] += h
                return float(f(*moved))

            steps = [(at(h) - at(-h)) / (2 * h) for h in (2e-3, 1e-3, 5e-4)]
            if not np.all(np.isfinite(steps)) or abs(steps[2] - steps[0]) > 1e-2 * (1 + abs(steps[2])) or abs(steps[2]) > 1e3:
                return None
            if abs((at(1e-10) - at(-1e-10)) / 2e-10 - steps[2]) > 1e-2 * (1 + abs(steps[2])):
                return None
            first, second = ((4 * b - a) / 3 for a, b in itertools.pairwise(steps))
            if abs(first - second) > 1e-7 * (1 + abs(second)):
                return None
            columns.append((16 * second - first) / 15)
        found.append(np.array(columns))
    return tuple(found)


def watched(f: Callable[..., Any], args: tuple[Any, ...]) -> tuple[Any, float]:
    """The value of a function, and the largest number that its variables hold at the end."""
    most = 0.0

    def look(frame: types.FrameType, event: str, value: object) -> None:
        nonlocal most
        if event == "return" and frame.f_code is f.__code__:
            held = [np.abs(v) for v in frame.f_locals.values() if isinstance(v, (float, np.floating)) or isinstance(v, np.ndarray) and v.size]
            most = max([float(np.max(h)) for h in held], default=0.0)

    sys.setprofile(look)
    try:
        value = f(*args)
    finally:
        sys.setprofile(None)
    return value, most


def failure(program: Program) -> str | None:
    """What is wrong with the gradient of a program, starting with the kind of failure; `refused:` and the reason where srcad refuses."""
    with warnings.catch_warnings(), np.errstate(all="ignore"):
        warnings.simplefilter("ignore")
        f = program.function
        gradient = srcad.grad(f)
        outcome: str | None = "invalid:"
        for args in program.points:
            want = None
            with contextlib.suppress(Exception):
                own = copies(args)
                with np.errstate(over="raise"):  # what leaves the range of numbers on the way has no derivative: 0 times infinity
                    value, most = watched(f, own)
                if np.ndim(value) == 0 and abs(value) < 1e3 and most < 1e12:  # beside what is larger, a step of the differences is lost
                    want = differences(f, args)
            if want is not None:
                outcome = compared(f, gradient, args, value, own, want)
                if outcome is not None:
                    return outcome
        return outcome


def compared(f: Callable[..., Any], gradient: Any, args: tuple[Any, ...], value: Any, own: tuple[Any, ...], want: tuple[np.ndarray, ...]) -> str | None:
    """What `grad` and `vjp` say at a point, against the program's own value, what it leaves in its arguments, and its differences."""
    label = "grad"
    given, given_vjp = copies(args), copies(args)
    try:
        problem = differing(gradient(*given), args, want)
        if problem is None:
            label = "vjp"
            out, pullback = srcad.vjp(f, *given_vjp)
            problem = differing(pullback(1.0), args, want)
        if problem is None:
            label = "second pullback"
            problem = differing(pullback(1.0), args, want)
    except srcad.SrcadError as error:
        return f"refused: {str(error).strip().splitlines()[-1]}"
    except Exception as error:
        return f"{label} crash: {type(error).__name__}: {error}"
    if problem is not None:
        return f"{label} {problem}"
    if not same(out, value):
        return f"value: {out} and not {value} at {args}"
    for label, left in (("grad", given), ("vjp", given_vjp)):
        if not all(same(a, b) for a, b in zip(left, own)):
            return f"contents: {label} leaves {left} and not {own}"
    return None


def differing(found: tuple[Any, ...], args: tuple[Any, ...], want: tuple[np.ndarray, ...]) -> str | None:
    for name, g, w, a in zip("xys", found, want, args):
        if type(g) is not type(a) or np.shape(g) != np.shape(a) or getattr(g, "dtype", None) != getattr(a, "dtype", None):
            return f"type: d{name} is {g!r} for {a!r}"
        if not np.all(np.abs(np.atleast_1d(g) - w) <= 1e-6 * (1 + np.max(np.abs(w)))):
            return f"wrong: d{name} is {g} and not {w} at {args}"
    return None


def same(a: Any, b: Any) -> bool:
    return bool(np.allclose(a, b, rtol=1e-10, atol=1e-12))


@contextlib.contextmanager
def time_limit(seconds: float) -> Iterator[None]:
    def stop(*_: Any) -> None:
        raise TooLong(f"longer than {seconds} seconds")

    signal.signal(signal.SIGALRM, stop)
    signal.setitimer(signal.ITIMER_REAL, seconds)
    try:
        yield
    finally:
        signal.setitimer(signal.ITIMER_REAL, 0)


def guarded(program: Program, seconds: float = 20) -> str | None:
    try:
        with time_limit(seconds):
            return failure(program)
    except TooLong as error:
        return f"slow: {error}"
    except Exception as error:
        return f"invalid: {error}"


def kind_of(outcome: str | None) -> str:
    """The part of an outcome that shrinking keeps: what failed, and for a crash or a refusal its reason."""
    words = (outcome or "").split(":")
    return ":".join(words[:2]) if "crash" in words[0] or words[0] == "refused" else words[0]


def shrunk(program: Program, kind: str, tries: int = 300) -> Program:
    """The program with as few statements and operations as keep it failing in the same way."""
    again = not kind.startswith("slow")
    while again and tries > 0:
        again = False
        for text in smaller(program.text):
            tries -= 1
            candidate = Program(text, program.points)
            if kind_of(guarded(candidate, 2)) == kind:
                program, again = candidate, True
                break
            if tries <= 0:
                break
    return program


def smaller(text: str) -> Iterator[str]:
    """The text without one statement, with one block in place of its loop or branch, or with one operand in place of an operation."""
    count = len(list(ast.walk(ast.parse(text))))
    for number in range(count):
        for form in range(3):
            tree = ast.parse(text)
            node = list(ast.walk(tree))[number]
            if reduced(tree, node, form):
                with contextlib.suppress(SyntaxError, ValueError):
                    new = ast.unparse(ast.fix_missing_locations(tree)) + "\n"
                    ast.parse(new)
                    if len(new) < len(text) or text.count("    ") > new.count("    "):
                        yield new


def reduced(tree: ast.AST, node: ast.AST, form: int) -> bool:
    for parent in ast.walk(tree):
        for field, old in ast.iter_fields(parent):
            if isinstance(node, ast.stmt) and isinstance(old, list) and node in old and not isinstance(node, (ast.Return, ast.Import)):
                inside = [[], getattr(node, "body", None), getattr(node, "orelse", None)][form]
                if inside is None or (form and isinstance(node, ast.FunctionDef)) or (form == 2 and not inside):
                    return False
                at = old.index(node)
                old[at:at + 1] = inside
                if not old and field == "body":
                    old.append(ast.Pass())
                return True
            if old is node and isinstance(node, ast.expr) and form < 2:
                parts = operands(node)
                if form < len(parts):
                    setattr(parent, field, parts[form])
                    return True
    return False


def operands(node: ast.expr) -> list[ast.expr]:
    if isinstance(node, ast.BinOp):
        return [node.left, node.right]
    if isinstance(node, ast.BoolOp):
        return node.values[:2]
    if isinstance(node, ast.IfExp):
        return [node.body, node.orelse]
    if isinstance(node, ast.Call) and len(node.args) == 1:
        return node.args[:1]
    return [node.operand] if isinstance(node, ast.UnaryOp) else []


def main(low: int, high: int) -> None:
    counts: collections.Counter[str] = collections.Counter()
    refusals: dict[str, list[int]] = {}
    seen: collections.Counter[str] = collections.Counter()
    for seed in range(low, high):
        program = random_program(random.Random(seed))
        outcome = guarded(program)
        kind = kind_of(outcome)
        counts[kind.split(":")[0] or "right"] += 1
        if kind.startswith("refused"):
            refusals.setdefault(re.sub(r"`[^`]*`", "`...`", outcome or "")[:160], []).append(seed)
        elif outcome is not None and not kind.startswith("invalid"):
            seen[kind] += 1
            if seen[kind] <= (25 if kind == "grad wrong" else 3):
                small = shrunk(program, kind)
                print(f"---- {seed}: {guarded(small)}\n{small.text}\n{small.points}", flush=True)
    print(dict(counts))
    for reason, seeds in sorted(refusals.items(), key=lambda item: -len(item[1])):
        print(len(seeds), reason, seeds[:5])


if __name__ == "__main__":
    main(int(sys.argv[1]), int(sys.argv[2]))
