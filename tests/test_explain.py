"""The table that explains a gradient."""
from __future__ import annotations

import golden_programs
import numpy as np

import srcad


def test_the_table() -> None:
    made = srcad.grad(golden_programs.max_gate).explain(3, -4, 2, -1)
    line = golden_programs.max_gate.__code__.co_firstlineno + 1
    assert repr(made) == str(made) == f"""\
max_gate: x = 3, y = -4, z = 2, w = -1

line  statement             value  local derivative                     gradient
      x                         3                                             -8
      y                        -4                                              6
      z                         2                                              2
      w                        -1                                              0
  {line}  prod = x * y            -12  dprod/dx = -4, dprod/dy = 3                 2
  {line}  max_z = max(z, w)         2  dmax_z/dz = 1, dmax_z/dw = 0                2
  {line}  total = prod + max_z    -10  dtotal/dprod = 1, dtotal/dmax_z = 1         2
  {line}  f = total * 2           -20  df/dtotal = 2                               1

What does not matter to the gradient here:
  w: the local derivative of `max_z = max(z, w)` (line {line}) by it is 0 here.

Finite differences agree:
     gradient  differences
  x        -8           -8
  y         6            6
  z         2            2
  w         0            0"""


def idle(x, y, z, n, unread, u, mode="plain"):
    b = y - y
    s = np.sign(z) * 3
    d = u ** 2
    e = np.ones(4)[n] * x
    c = np.maximum(d, 0.0) * 0.0
    return b + s + e + np.sign(c)


def test_why_inputs_do_not_matter() -> None:
    text = srcad.grad(idle).explain(1.0, 2.0, 3.0, 2, 1.0, 1.0)
    first = idle.__code__.co_firstlineno
    for row in (f"y: what comes to it from line {first + 1} cancels.", f"z: the local derivative of `sign_z = np.sign(z)` (line {first + 2}) by it is 0 here.",
                "n: it is an integer that indexes, counts or gives a shape.", "unread: nothing reads it.", "mode: the gradient is not asked for.",
                f"u: it only goes into `d`, and it only goes into `maximum_d`, and it only goes into `c`, and the local derivative of `sign_c = np.sign(c)` (line {first + 6}) by it is 0 here."):
        assert f"  {row}\n" in text


def test_arrays_and_loops() -> None:
    def f(xs, w):
        h = 0.0
        for x in xs:
            h = np.tanh(w * h + x)
        return np.sum(np.array([[1.0, 2.0]]) * h)

    text = srcad.grad(f).explain(np.arange(5.0), 0.5)
    assert "... 4 passes of for x in xs" in text and text.count("np.tanh") == 1
    assert "of shape (1, 2)" in text and "xs, along a direction" in text
