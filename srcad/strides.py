"""How views step through memory: whether a copy between two parts of it reads what it has written already.

    y[1:] = y[:-1]      NumPy begins at the end
    y[::2] = y[:3]      y[2] is written before it is read

NumPy takes a copy of the right side where it overlaps with the left one, but not where that has one axis and both step in
the same direction. Then it goes from the end where the right side begins before the left one: right where both take equal steps.
"""
from __future__ import annotations

import ast
from typing import Any

import numpy as np

from srcad.kinds import Number, Place, Ref
from srcad.syntax import literal_number, parts_of, same, takes_all

Stride = tuple[int, int]  # an axis of the whole memory, and how many steps on it are one step of the view
NEW_AXIS = (-1, 0)


def overtakes(base: Ref, index: ast.expr, value: Ref, is_basic: bool) -> bool:
    """Whether `base[index] = value` may read elements that it has written already; is_basic: whether the index takes a view."""
    target = base.number.place
    if not isinstance(value.value, Number) or value.number.is_plain or target is None or value.number.place is None:
        return False
    source = value.number.place
    if not target.buffer.family() & source.buffer.family() or value.number.ndim == 0:
        return False
    if not is_basic:
        return True  # masks copy element by element, and so do arrays of indices before NumPy 2
    into = step_through(strides(target), index)
    part = part_taken(target, source)
    if into is not None and len(into) != 1:
        return False  # NumPy copies what overlaps
    taken = strides(source)
    if into is None or not taken:
        return not (part is not None and step_alike(index, part))
    (axis, written), (other, read) = into[0], taken[-1]
    if axis != other:
        return read != 0 and not (part is not None and not target.steps and cross_at_one_place(index, part))
    if written * read <= 0:
        return False
    return written != read and not (abs(read) > abs(written) and part is not None and begin_together(index, part))


def strides(place: Place) -> list[Stride] | None:
    """How a view steps through its memory, axis by axis; None where that is not known."""
    root = place.buffer.root
    if place.steps is None or root is None or root.number.shape is None:
        return None
    found: list[Stride] | None = [(axis, 1) for axis in range(len(root.number.shape))]
    for step in place.steps:
        match step:
            case ast.Subscript(slice=index):
                found = step_through(found, index)
            case ast.Attribute(attr="T"):
                found = found[::-1] if found is not None else None
            case ast.Call(func=ast.Attribute(attr="ravel" | "squeeze" | "flatten")) if found is not None and len(found) == 1:
                pass
            case ast.Call(func=ast.Attribute(attr="flip")) if found is not None and len(found) == 1:
                found = [(axis, -size) for axis, size in found]
            case _:
                return None
    return found


def step_through(axes: list[Stride] | None, index: ast.expr) -> list[Stride] | None:
    """The strides of a part of a view."""
    if axes is None:
        return None
    parts = parts_of(index)
    dots = [i for i, p in enumerate(parts) if isinstance(p, ast.Constant) and p.value is ...]
    counted = sum(not is_new_axis(p) for p in parts) - len(dots)
    if counted > len(axes) or len(dots) > 1:
        return None
    at = dots[0] if dots else len(parts)
    parts[at : at + 1] = [ast.Slice()] * (len(axes) - counted)
    out: list[Stride] = []
    rest = iter(axes)
    for part in parts:
        if is_new_axis(part):
            out.append(NEW_AXIS)
            continue
        axis, size = next(rest)
        if isinstance(part, ast.Slice):
            step = 1 if part.step is None else literal_number(part.step)
            if type(step) is not int:
                return None
            out.append((axis, size * step))
    return out


def is_new_axis(part: ast.expr) -> bool:
    return isinstance(part, ast.Constant) and part.value is None or isinstance(part, ast.Attribute) and part.attr == "newaxis"


def part_taken(view: Place, part: Place) -> ast.expr | None:
    """The index by which a part is taken from a view; None where it is not."""
    if not part.steps or view.steps is None or len(view.steps) != len(part.steps) - 1 or not all(map(same, view.steps, part.steps)):
        return None
    last = part.steps[-1]
    return last.slice if isinstance(last, ast.Subscript) else None


def begin_together(one: ast.expr, other: ast.expr) -> bool:
    """Whether two indices are slices that begin with the same element."""
    return isinstance(one, ast.Slice) and isinstance(other, ast.Slice) and begins(one.lower) == begins(other.lower)


def step_alike(one: ast.expr, other: ast.expr) -> bool:
    """Whether two indices, of an array of whatever rank, take equal steps: `x[i] = x[j]`, `x[1:] = x[:-1]`."""
    parts, others = parts_of(one), parts_of(other)
    return len(parts) == len(others) and all(map(steps_equal, parts, others))


def steps_equal(one: ast.expr, other: ast.expr) -> bool:
    """Whether what two indices say of an axis are slices of equal steps, or numbers."""
    if isinstance(one, ast.Slice) and isinstance(other, ast.Slice):
        return one.step is other.step is None or one.step is not None and other.step is not None and same(one.step, other.step)
    if any(isinstance(p, ast.Constant) and p.value in (..., None) for p in (one, other)):
        return same(one, other)
    return not isinstance(one, ast.Slice) and not isinstance(other, ast.Slice)


def cross_at_one_place(one: ast.expr, other: ast.expr) -> bool:
    """Whether two indices are a row and the column of the same number: they share one element, which stays what it is."""
    match one, other:
        case (ast.Tuple(elts=[whole, at]), (ast.Constant() | ast.Name()) as number) | ((ast.Constant() | ast.Name()) as number, ast.Tuple(elts=[whole, at])):
            return takes_all(whole) and same(at, number)
    return False


def begins(lower: ast.expr | None) -> str:
    return "0" if lower is None else ast.unparse(lower)


def meets_itself(array: np.ndarray[Any, Any]) -> bool:
    """Whether some elements of an array may lie in one place, as np.broadcast_to and as_strided make them: an axis steps no further than those inside it reach."""
    reach = array.itemsize
    for step, size in sorted((abs(step), size) for step, size in zip(array.strides, array.shape) if size > 1):
        if step < reach:
            return array.size > 0
        reach += step * (size - 1)
    return False
