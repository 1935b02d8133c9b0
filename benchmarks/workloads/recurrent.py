"""Recurrent networks over time. The size is the number of time steps; one step of an LSTM counts its examples."""
from __future__ import annotations

import numpy as np

from benchmarks.workloads.workload import Workload, generator


def rnn(xs, h, w, u, b):
    for t in range(len(xs)):
        h = np.tanh(w @ h + u @ xs[t] + b)
    return h @ h


def rnn_hand(xs, h, w, u, b):
    hs = []
    for t in range(len(xs)):
        hs.append(h)
        h = np.tanh(w @ h + u @ xs[t] + b)
    dxs = np.zeros_like(xs)
    dw, du, db = np.zeros_like(w), np.zeros_like(u), np.zeros_like(b)
    dh = 2 * h
    for t in reversed(range(len(xs))):
        da = (1 - h * h) * dh
        h = hs[t]
        dw += np.outer(da, h)
        du += np.outer(da, xs[t])
        db += da
        dxs[t] = u.T @ da
        dh = w.T @ da
    return dxs, dh, dw, du, db


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


# An LSTM over time: xs (steps, examples, features), its four gates side by side in wx, wh and b.

def lstm(xs, h, c, wx, wh, b):
    n = h.shape[1]
    for t in range(len(xs)):
        a = xs[t] @ wx + h @ wh + b
        i = 1.0 / (1.0 + np.exp(-a[:, :n]))
        f = 1.0 / (1.0 + np.exp(-a[:, n : 2 * n]))
        o = 1.0 / (1.0 + np.exp(-a[:, 2 * n : 3 * n]))
        g = np.tanh(a[:, 3 * n :])
        c = f * c + i * g
        h = o * np.tanh(c)
    return np.sum(h * h)


def lstm_hand(xs, h, c, wx, wh, b):
    n = h.shape[1]
    saved = []
    for t in range(len(xs)):
        a = xs[t] @ wx + h @ wh + b
        i = 1.0 / (1.0 + np.exp(-a[:, :n]))
        f = 1.0 / (1.0 + np.exp(-a[:, n : 2 * n]))
        o = 1.0 / (1.0 + np.exp(-a[:, 2 * n : 3 * n]))
        g = np.tanh(a[:, 3 * n :])
        c_next = f * c + i * g
        tanh_c = np.tanh(c_next)
        saved.append((h, c, i, f, o, g, tanh_c))
        c = c_next
        h = o * tanh_c
    dxs = np.empty_like(xs)
    dwx, dwh, db = np.zeros_like(wx), np.zeros_like(wh), np.zeros_like(b)
    dh = 2 * h
    dc = np.zeros_like(c)
    for t in reversed(range(len(xs))):
        h, c, i, f, o, g, tanh_c = saved[t]
        dc = dc + o * (1 - tanh_c * tanh_c) * dh
        da = np.empty((len(h), 4 * n))
        da[:, :n] = (1 - i) * i * g * dc
        da[:, n : 2 * n] = (1 - f) * f * c * dc
        da[:, 2 * n : 3 * n] = (1 - o) * o * tanh_c * dh
        da[:, 3 * n :] = (1 - g * g) * i * dc
        dc = f * dc
        dwx += xs[t].T @ da
        dwh += h.T @ da
        db += da.sum(axis=0)
        dxs[t] = da @ wx.T
        dh = da @ wh.T
    return dxs, dh, dc, dwx, dwh, db


# A language model of characters: at each step one comes in and the next is guessed.

def char_rnn(h, wxh, whh, why, bh, by, inputs, targets):
    loss = 0.0
    for t in range(len(inputs)):
        h = np.tanh(wxh[:, inputs[t]] + whh @ h + bh)
        y = why @ h + by
        loss += np.log(np.sum(np.exp(y))) - y[targets[t]]
    return loss


def char_rnn_hand(h, wxh, whh, why, bh, by, inputs, targets):
    hs, probs = [h], []
    for t in range(len(inputs)):
        h = np.tanh(wxh[:, inputs[t]] + whh @ h + bh)
        e = np.exp(why @ h + by)
        hs.append(h)
        probs.append(e / e.sum())
    dwxh, dwhh, dwhy = np.zeros_like(wxh), np.zeros_like(whh), np.zeros_like(why)
    dbh, dby, dh = np.zeros_like(bh), np.zeros_like(by), np.zeros_like(h)
    for t in reversed(range(len(inputs))):
        dy = probs[t]
        dy[targets[t]] -= 1
        h = hs[t + 1]
        dwhy += np.outer(dy, h)
        dby += dy
        da = (1 - h * h) * (why.T @ dy + dh)
        dwxh[:, inputs[t]] += da
        dwhh += np.outer(da, hs[t])
        dbh += da
        dh = whh.T @ da
    return dh, dwxh, dwhh, dwhy, dbh, dby


def steps(n):
    normal = generator().standard_normal
    return normal((n, 16)), np.zeros(32), 0.1 * normal((32, 32)), 0.1 * normal((32, 16)), 0.1 * normal(32)


def examples(n):
    normal = generator().standard_normal
    return (normal((n, 50)), normal((n, 64)), normal((n, 64)), 0.1 * normal((50, 256)), 0.1 * normal((64, 256)), normal(256),
            normal((n, 64)), normal((n, 64)))


def sequence(n):
    normal = generator().standard_normal
    return normal((n, 8, 20)), np.zeros((8, 32)), np.zeros((8, 32)), 0.1 * normal((20, 128)), 0.1 * normal((32, 128)), np.zeros(128)


def text(n):
    rng = generator()
    normal = rng.standard_normal
    weights = 0.05 * normal((100, 65)), 0.05 * normal((100, 100)), 0.05 * normal((65, 100))
    return np.zeros(100), *weights, np.zeros(100), np.zeros(65), rng.integers(0, 65, n), rng.integers(0, 65, n)


WORKLOADS = (
    Workload(rnn, rnn_hand, ("xs", "h", "w", "u", "b"), steps, (1, 20, 200), (2000,), steps, 50),
    Workload(lstm_step, lstm_step_hand, ("x", "h", "c", "wx", "wh", "b"), examples, (1, 32, 1024), (16384,)),
    Workload(lstm, lstm_hand, ("xs", "h", "c", "wx", "wh", "b"), sequence, (1, 20, 200), (2000,), sequence, 25),
    Workload(char_rnn, char_rnn_hand, ("h", "wxh", "whh", "why", "bh", "by"), text, (1, 25, 250), (2500,), text, 25),
)
