"""Generated backward passes beside ones written by hand, and beside autograd where it is installed.

    python benchmarks/gallery.py [--seconds 1.0]

Every program is a loss and its gradient by hand. Their gradients are compared first. Then the generated function, the one by
hand, the call through `grad` and autograd's are timed in turn, batch after batch, for so many seconds a program; the fastest
batch of each counts. NumPy's matrix products run on one thread, unless OPENBLAS_NUM_THREADS says otherwise.

    columns     hand us         the gradient by hand, microseconds
                generated/hand  the specialised function over it
                call us         what a call through `grad` costs more than the specialised function, microseconds: the
                                median over neighbouring batches, lost in noise, even negative, where calls are long
                autograd/hand   autograd's gradient over it
                first ms        the first call, which compiles, milliseconds
"""
from __future__ import annotations

import argparse
import math
import os
import statistics
import time
import timeit
import types
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")

import numpy as np  # noqa: E402

from srcad import grad  # noqa: E402

BATCH = 0.002  # seconds that one batch of calls takes, about


@dataclass(frozen=True)
class Program:
    """A loss, its gradient by hand in the parameters `wrt` names, and arguments for both."""

    loss: Callable[..., Any]
    hand: Callable[..., Any]
    wrt: tuple[str, ...]
    args: tuple[Any, ...]

    @property
    def name(self) -> str:
        return self.loss.__name__


# A scalar circuit.

def circuit(x, y):
    sigy = 1.0 / (1.0 + math.exp(-y))
    num = x + sigy
    sigx = 1.0 / (1.0 + math.exp(-x))
    xpy = x + y
    den = sigx + xpy ** 2
    return num / den


def circuit_hand(x, y):
    sigy = 1.0 / (1.0 + math.exp(-y))
    num = x + sigy
    sigx = 1.0 / (1.0 + math.exp(-x))
    xpy = x + y
    den = sigx + xpy ** 2
    dnum = 1.0 / den
    dden = -num / den ** 2
    dxpy = 2 * xpy * dden
    dx = dnum + dxpy + (1 - sigx) * sigx * dden
    dy = dxpy + (1 - sigy) * sigy * dnum
    return dx, dy


# An affine layer and a ReLU, against targets.

def affine_relu(x, w, b, target):
    out = np.maximum(x @ w + b, 0)
    return np.mean((out - target) ** 2)


def affine_relu_hand(x, w, b, target):
    out = np.maximum(x @ w + b, 0)
    dout = (out - target) * (2.0 / out.size)
    dout *= out > 0
    return dout @ w.T, x.T @ dout, dout.sum(axis=0)


# The softmax loss.

def softmax_loss(scores, labels):
    shifted = scores - np.max(scores, axis=1, keepdims=True)
    log_probs = shifted - np.log(np.sum(np.exp(shifted), axis=1, keepdims=True))
    return -np.mean(log_probs[np.arange(len(labels)), labels])


def softmax_loss_hand(scores, labels):
    n = len(labels)
    dscores = np.exp(scores - scores.max(axis=1, keepdims=True))
    dscores /= dscores.sum(axis=1, keepdims=True)
    dscores[np.arange(n), labels] -= 1
    dscores /= n
    return (dscores,)


# Batch normalisation, weighted by r.

def batch_norm(x, gamma, beta, r):
    mean = np.mean(x, axis=0)
    centred = x - mean
    var = np.mean(centred ** 2, axis=0)
    xhat = centred / np.sqrt(var + 1e-5)
    return np.sum((gamma * xhat + beta) * r)


def batch_norm_hand(x, gamma, beta, r):
    n = x.shape[0]
    centred = x - x.mean(axis=0)
    std = np.sqrt((centred ** 2).mean(axis=0) + 1e-5)
    xhat = centred / std
    dgamma = (r * xhat).sum(axis=0)
    dbeta = r.sum(axis=0)
    dx = (gamma / std) * (r - dbeta / n - xhat * (dgamma / n))
    return dx, dgamma, dbeta


# Layer normalisation, weighted by r.

def layer_norm(x, gamma, beta, r):
    mean = np.mean(x, axis=1, keepdims=True)
    centred = x - mean
    var = np.mean(centred ** 2, axis=1, keepdims=True)
    xhat = centred / np.sqrt(var + 1e-5)
    return np.sum((gamma * xhat + beta) * r)


def layer_norm_hand(x, gamma, beta, r):
    centred = x - x.mean(axis=1, keepdims=True)
    std = np.sqrt((centred ** 2).mean(axis=1, keepdims=True) + 1e-5)
    xhat = centred / std
    dgamma = (r * xhat).sum(axis=0)
    dbeta = r.sum(axis=0)
    dxhat = r * gamma
    dx = dxhat - dxhat.mean(axis=1, keepdims=True) - xhat * (dxhat * xhat).mean(axis=1, keepdims=True)
    dx /= std
    return dx, dgamma, dbeta


# A two-layer network with weight decay.

def two_layer(w1, b1, w2, b2, x, labels):
    hidden = np.maximum(x @ w1 + b1, 0)
    scores = hidden @ w2 + b2
    shifted = scores - np.max(scores, axis=1, keepdims=True)
    log_probs = shifted - np.log(np.sum(np.exp(shifted), axis=1, keepdims=True))
    data = -np.mean(log_probs[np.arange(len(labels)), labels])
    return data + 0.5 * 1e-3 * (np.sum(w1 * w1) + np.sum(w2 * w2))


def two_layer_hand(w1, b1, w2, b2, x, labels):
    hidden = np.maximum(x @ w1 + b1, 0)
    (dscores,) = softmax_loss_hand(hidden @ w2 + b2, labels)
    dw2 = hidden.T @ dscores
    dw2 += 1e-3 * w2
    dhidden = dscores @ w2.T
    dhidden *= hidden > 0
    dw1 = x.T @ dhidden
    dw1 += 1e-3 * w1
    return dw1, dhidden.sum(axis=0), dw2, dscores.sum(axis=0)


# One step of an LSTM; rh and rc weigh its hidden state and its cell.

def lstm_step(x, h, c, wx, wh, b, rh, rc):
    n = h.shape[1]
    a = x @ wx + h @ wh + b
    i = 1.0 / (1.0 + np.exp(-a[:, :n]))
    f = 1.0 / (1.0 + np.exp(-a[:, n : 2 * n]))
    o = 1.0 / (1.0 + np.exp(-a[:, 2 * n : 3 * n]))
    g = np.tanh(a[:, 3 * n :])
    c_next = f * c + i * g
    h_next = o * np.tanh(c_next)
    return np.sum(h_next * rh) + np.sum(c_next * rc)


def lstm_step_hand(x, h, c, wx, wh, b, rh, rc):
    n = h.shape[1]
    a = x @ wx + h @ wh + b
    i = 1.0 / (1.0 + np.exp(-a[:, :n]))
    f = 1.0 / (1.0 + np.exp(-a[:, n : 2 * n]))
    o = 1.0 / (1.0 + np.exp(-a[:, 2 * n : 3 * n]))
    g = np.tanh(a[:, 3 * n :])
    t = np.tanh(f * c + i * g)
    dc_next = rc + rh * o * (1 - t * t)
    da = np.empty_like(a)
    da[:, :n] = dc_next * g * (1 - i) * i
    da[:, n : 2 * n] = dc_next * c * (1 - f) * f
    da[:, 2 * n : 3 * n] = rh * t * (1 - o) * o
    da[:, 3 * n :] = dc_next * i * (1 - g * g)
    return da @ wx.T, da @ wh.T, dc_next * f, x.T @ da, h.T @ da, da.sum(axis=0)


# Logistic regression of labels -1 and 1, with weight decay.

def logistic(w, x, y):
    margins = y * (x @ w)
    return np.mean(np.log(1.0 + np.exp(-margins))) + 0.5 * 0.01 * np.sum(w * w)


def logistic_hand(w, x, y):
    margins = y * (x @ w)
    dscores = y / (1.0 + np.exp(margins))
    dw = x.T @ dscores
    dw *= -1.0 / len(y)
    dw += 0.01 * w
    return (dw,)


# The log-likelihood of a mixture of Gaussians with diagonal covariance: points (n, d), means and log-deviations (k, d).

def mixture(logits, means, logstd, points):
    z = (points[:, None, :] - means) / np.exp(logstd)
    weighted = logits - np.sum(0.5 * z * z + logstd, axis=2)
    top = np.max(weighted, axis=1, keepdims=True)
    rows = np.log(np.sum(np.exp(weighted - top), axis=1)) + top[:, 0]
    total = np.log(np.sum(np.exp(logits)))
    return np.sum(rows) - points.shape[0] * total


def mixture_hand(logits, means, logstd, points):
    std = np.exp(logstd)
    z = (points[:, None, :] - means) / std
    share = np.exp(logits) / np.exp(logits).sum()
    weighted = logits - (0.5 * z * z + logstd).sum(axis=2)
    resp = np.exp(weighted - weighted.max(axis=1, keepdims=True))
    resp /= resp.sum(axis=1, keepdims=True)
    count = resp.sum(axis=0)
    scaled = resp[:, :, None] * z
    dmeans = scaled.sum(axis=0) / std
    dlogstd = (scaled * z).sum(axis=0) - count[:, None]
    return count - points.shape[0] * share, dmeans, dlogstd


# One head of attention over n positions, weighted by r.

def attention(q, k, v, r):
    scores = q @ k.T / np.sqrt(q.shape[1])
    weights = np.exp(scores - np.max(scores, axis=1, keepdims=True))
    probs = weights / np.sum(weights, axis=1, keepdims=True)
    return np.sum((probs @ v) * r)


def attention_hand(q, k, v, r):
    scale = 1.0 / np.sqrt(q.shape[1])
    scores = q @ k.T * scale
    probs = np.exp(scores - scores.max(axis=1, keepdims=True))
    probs /= probs.sum(axis=1, keepdims=True)
    dprobs = r @ v.T
    dscores = probs * (dprobs - (dprobs * probs).sum(axis=1, keepdims=True))
    dscores *= scale
    return dscores @ k, dscores.T @ q, probs.T @ r


def programs() -> list[Program]:
    """The gallery, with seeded arguments."""
    rng = np.random.default_rng(0)
    n = rng.standard_normal
    labels = rng.integers(0, 10, 64)
    signs = np.where(n(500) > 0, 1.0, -1.0)
    return [
        Program(circuit, circuit_hand, ("x", "y"), (3.0, -4.0)),
        Program(affine_relu, affine_relu_hand, ("x", "w", "b"), (n((64, 100)), n((100, 50)), n(50), n((64, 50)))),
        Program(softmax_loss, softmax_loss_hand, ("scores",), (n((64, 10)), labels)),
        Program(batch_norm, batch_norm_hand, ("x", "gamma", "beta"), (n((64, 100)), n(100), n(100), n((64, 100)))),
        Program(layer_norm, layer_norm_hand, ("x", "gamma", "beta"), (n((64, 100)), n(100), n(100), n((64, 100)))),
        Program(two_layer, two_layer_hand, ("w1", "b1", "w2", "b2"), (n((100, 50)) * 0.1, n(50), n((50, 10)) * 0.1, n(10), n((64, 100)), labels)),
        Program(lstm_step, lstm_step_hand, ("x", "h", "c", "wx", "wh", "b"),
                (n((32, 50)), n((32, 64)), n((32, 64)), n((50, 256)) * 0.1, n((64, 256)) * 0.1, n(256), n((32, 64)), n((32, 64)))),
        Program(logistic, logistic_hand, ("w",), (n(20), n((500, 20)), signs)),
        Program(mixture, mixture_hand, ("logits", "means", "logstd"), (n(5), n((5, 3)), 0.1 * n((5, 3)), n((200, 3)))),
        Program(attention, attention_hand, ("q", "k", "v"), (n((64, 32)), n((64, 32)), n((64, 32)), n((64, 32)))),
    ]


def with_autograd(program: Program) -> Callable[..., Any] | None:
    """autograd's gradient of the same loss, its `np` autograd's own; None where autograd is not installed."""
    try:
        import autograd
        import autograd.numpy as anp
    except ImportError:
        return None
    loss = program.loss
    space = {**loss.__globals__, "np": anp, "math": types.SimpleNamespace(exp=anp.exp)}  # type: ignore[attr-defined]
    copied = types.FunctionType(loss.__code__, space, loss.__name__)  # type: ignore[attr-defined]
    names = loss.__code__.co_varnames  # type: ignore[attr-defined]
    return autograd.grad(copied, tuple(names.index(w) for w in program.wrt))  # type: ignore[no-any-return]


def compare(program: Program, found: Any, who: str) -> None:
    """Raise AssertionError where gradients differ from those by hand."""
    for name, ours, wanted in zip(program.wrt, found, program.hand(*program.args), strict=True):
        np.testing.assert_allclose(ours, wanted, rtol=1e-8, atol=1e-10, err_msg=f"{who}: d{name} of {program.name}")


def timed(calls: dict[str, Callable[..., Any]], args: tuple[Any, ...], seconds: float) -> dict[str, list[float]]:
    """The seconds a call takes, for each function: a figure for each of many batches, run in turn."""
    names = [f"a{i}" for i in range(len(args))]
    space = dict(zip(names, args, strict=True))
    timers = {label: timeit.Timer(f"f({', '.join(names)})", globals={**space, "f": f}) for label, f in calls.items()}
    numbers = {label: max(1, int(BATCH / min(timer.repeat(3, 1)))) for label, timer in timers.items()}
    batches: dict[str, list[float]] = {label: [] for label in calls}
    stop = time.perf_counter() + seconds
    while time.perf_counter() < stop or not batches["hand"]:
        for label, timer in timers.items():
            batches[label].append(timer.timeit(numbers[label]) / numbers[label])
    return batches


def measure(program: Program, seconds: float) -> dict[str, float]:
    """Check one program, and give its figures, a column each."""
    made = grad(program.loss, wrt=program.wrt)
    start = time.perf_counter()
    found = made(*program.args)
    first = time.perf_counter() - start
    compare(program, found, "srcad")
    calls = {"hand": program.hand, "generated": made.specialise(*program.args), "grad": made}
    peer = with_autograd(program)
    if peer is not None:
        compare(program, peer(*program.args), "autograd")
        calls["autograd"] = peer
    batches = timed(calls, program.args, seconds)
    best = {label: min(times) for label, times in batches.items()}
    overheads = [g - s for g, s in zip(batches["grad"], batches["generated"], strict=True)]
    figures = {
        "hand us": best["hand"] * 1e6,
        "generated/hand": best["generated"] / best["hand"],
        "call us": statistics.median(overheads) * 1e6,
        "first ms": first * 1e3,
    }
    return figures if peer is None else {**figures, "autograd/hand": best["autograd"] / best["hand"]}


def geometric_mean(values: list[float]) -> float:
    return math.exp(sum(map(math.log, values)) / len(values))


def report(table: dict[str, dict[str, float]]) -> None:
    """Print a line a program, and the geometric means of the ratios."""
    columns = [c for c in ("hand us", "generated/hand", "call us", "autograd/hand", "first ms") if c in next(iter(table.values()))]
    print(f"{'program':<16}" + "".join(f"{c:>16}" for c in columns))
    for name, figures in table.items():
        print(f"{name:<16}" + "".join(f"{figures[c]:>16.2f}" for c in columns))
    means = {c: f"{geometric_mean([figures[c] for figures in table.values()]):.2f}" for c in columns if c.endswith("/hand")}
    print(f"{'geometric mean':<16}" + "".join(f"{means.get(c, ''):>16}" for c in columns))


def main() -> None:
    parser = argparse.ArgumentParser(description="Time generated backward passes beside ones written by hand.")
    parser.add_argument("--seconds", type=float, default=1.0, help="seconds of timing a program")
    options = parser.parse_args()
    grad(lambda x: x * x)(1.0)  # loads what every first call needs
    report({program.name: measure(program, options.seconds) for program in programs()})


if __name__ == "__main__":
    main()
