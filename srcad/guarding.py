"""The text of a guard: all facts that the code relies on, so that asking them is quick.

    type(p) is dict and (*p,) == ('w', 'x') and           fits = type(p) is dict
    type(p['w']) is array and p['w'].ndim == 1 and        if fits:
    type(p['x']) is array and p['x'].ndim == 1 and  ->        k0, k1 = p
    p['w'].shape[0] == p['x'].shape[0]                        v0, v1 = p.values()
                                                              fits = k0 == 'w' and k1 == 'x' and type(v0) is array and
                                                                  v0.ndim == 1 and (s0 := len(v0)) >= 0 and
                                                                  type(v1) is array and v1.ndim == 1 and len(v1) == s0

Paths into a structure are followed once, and arrays of one shape are compared as a whole: vectors by their length, which is quicker to
ask for than a shape, others by their shape.
"""
from __future__ import annotations

import ast
import re
from collections import Counter
from collections.abc import Iterable, Mapping

STRING = r"'(?:[^'\\]|\\.)*'|\"(?:[^\"\\]|\\.)*\""
STEP = re.compile(rf"\[(?:{STRING}|[^\[\]'\"]*)\]|\.\w+")
PATH = re.compile(rf"(?:{STRING})|(?P<path>(?<![\w.])[^\W\d]\w*(?:{STEP.pattern})+)")  # a string by itself is none, whatever is in it
TYPE = re.compile(r"type\((?P<path>.+)\) is (?P<kind>\w+)")
RANK = re.compile(r"(?P<path>[^=]+)\.ndim == (?P<rank>\d+)")
KEYS = re.compile(r"\(\*(?P<path>.+?),\) == (?P<keys>\(.+\))")
SAME = re.compile(r"(?P<one>[^=]+)\.shape\[(?P<i>\d+)\] == (?P<two>[^=]+)\.shape\[(?P<j>\d+)\]")


def guard_lines(conditions: Iterable[str], mark: str = "srcad") -> list[str]:
    """Statements that ask all conditions, and give `srcad_fits` the answer. A dict of another size raises ValueError there.

    mark: what the names of the guard's own begin with.
    """
    fits = f"{mark}_fits"
    lines: list[str] = []
    part: list[str] = []
    unpacked = 0

    def ask() -> None:
        lines.append(f"{'    ' if unpacked else ''}{fits} = {' and '.join(part) or 'True'}")
        part.clear()

    for condition in with_shapes(followed(list(conditions), mark), mark):
        match = KEYS.fullmatch(condition)
        if match is None:
            part.append(condition)
            continue
        ask()
        keys = keys_of(match)
        names = [f"{mark}_n{i}" for i in range(len(keys))]
        values = [value_label(mark, unpacked, i) for i in range(len(keys))]
        unpacked += 1
        lines += [f"if {fits}:", f"    [{', '.join(names)}] = {match['path']}", f"    [{', '.join(values)}] = {match['path']}.values()"]
        part += [f"{n} == {key}" for n, key in zip(names, keys, strict=True)]
    ask()
    return lines


def keys_of(match: re.Match[str]) -> list[str]:
    """The keys of a dict as text, in their order."""
    keys = ast.parse(match["keys"], mode="eval").body
    assert isinstance(keys, ast.Tuple)
    return [str(ast.get_source_segment(match["keys"], key)) for key in keys.elts]


def value_label(mark: str, which: int, place: int) -> str:
    """The name of a value of one of the dicts that are unpacked."""
    return f"{mark}_v{which}_{place}"


def followed(conditions: list[str], mark: str) -> list[str]:
    """With a name for each path that is followed more than once, from where its type is asked on; values of dicts are unpacked."""
    unpacked = 0
    uses = Counter(prefix for c in conditions for m in PATH.finditer(c) for prefix in prefixes(m["path"] or ""))
    labels: dict[str, str] = {}
    out: list[str] = []
    for condition in conditions:
        match = TYPE.fullmatch(condition)
        opened = KEYS.fullmatch(condition)
        if opened:
            labels |= {f"{opened['path']}[{key}]": value_label(mark, unpacked, i) for i, key in enumerate(keys_of(opened))}
            unpacked += 1
        condition = PATH.sub(lambda m: shortened(m[0], labels) if m["path"] else m[0], condition)
        if match and uses[match["path"]] > 1 and match["path"] not in labels:
            label = labels[match["path"]] = f"{mark}_v{len(labels)}"
            condition = condition.replace("type(", f"type({label} := ", 1)
        out.append(condition)
    return out


def prefixes(path: str) -> list[str]:
    """The paths that a path leads through: `p['w']` and `p['w'].shape` for `p['w'].shape[0]`."""
    return [path[: m.end()] for m in STEP.finditer(path)]


def shortened(path: str, labels: Mapping[str, str]) -> str:
    known = next((p for p in reversed(prefixes(path)) if p in labels), "")
    return labels[known] + path[len(known) :] if known else path


def with_shapes(conditions: list[str], mark: str) -> list[str]:
    """With the shapes of arrays that are the same compared as a whole, to that of the first of them; the lengths of vectors."""
    ranks = {m["path"]: int(m["rank"]) for c in conditions if (m := RANK.fullmatch(c))}
    leader = leaders(conditions, ranks)
    shapes = {first: f"{mark}_s{k}" for k, first in enumerate(f for f, n in Counter(leader.values()).items() if n > 1)}
    held = {f"{path}.shape" + "[0]" * (ranks[path] == 1): shapes[first] for path, first in leader.items() if first in shapes}
    out: list[str] = []
    for condition in conditions:
        same, rank = SAME.fullmatch(condition), RANK.fullmatch(condition)
        if same and same["i"] == same["j"] and leader.get(same["one"], same["one"]) == leader.get(same["two"], ""):
            continue
        label = shapes.get(leader[rank["path"]]) if rank else None
        if rank and label:
            condition = of_shape(rank, label, leader[rank["path"]] == rank["path"])
        else:
            condition = PATH.sub(lambda m: shortened(m[0], held) if m["path"] else m[0], condition)
        out.append(condition)
    return out


def of_shape(rank: re.Match[str], label: str, is_first: bool) -> str:
    """Whether an array has a rank and, but for the first of them, the shape that has the label."""
    path = rank["path"]
    if rank["rank"] == "1":
        return f"{path}.ndim == 1 and " + (f"({label} := len({path})) >= 0" if is_first else f"len({path}) == {label}")
    return f"len({label} := {path}.shape) == {rank['rank']}" if is_first else f"{path}.shape == {label}"


def leaders(conditions: list[str], ranks: Mapping[str, int]) -> dict[str, str]:
    """For each array the first one that is known to have its shape, which may be itself."""
    order = {path: i for i, path in enumerate(ranks)}
    equal: dict[tuple[str, str], tuple[str, str]] = {}  # an axis of an array -> one of the same size, of an array that comes before

    def first(axis: tuple[str, str]) -> tuple[str, str]:
        while axis in equal:
            axis = equal[axis]
        return axis

    for condition in conditions:
        match = SAME.fullmatch(condition)
        if match and match["one"] in ranks and match["two"] in ranks:
            one, two = sorted((first((match["one"], match["i"])), first((match["two"], match["j"]))), key=lambda axis: (order[axis[0]], axis[1]))
            if one != two:
                equal[two] = one
    found: dict[tuple[tuple[str, str], ...], str] = {}
    return {path: found.setdefault(tuple(first((path, str(i))) for i in range(rank)), path) if rank else path for path, rank in ranks.items()}
