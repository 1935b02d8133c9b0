"""What is subtracted inside softmax and log-sum-exp cancels, however it is spelled; where rows and columns are mixed up, it does not."""
from __future__ import annotations

import numpy as np
import pytest

import srcad

RNG = np.random.default_rng(3)
W, Z = RNG.standard_normal((2, 3, 3))
Y = np.array([0, 2, 1])


def in_one_line(z):
    p = np.exp(z - np.max(z)) / np.exp(z - np.max(z)).sum()
    return -np.sum(np.log(p) * W)


def new_axes(z):
    z = z - np.max(z, axis=1)[:, np.newaxis]
    p = np.exp(z) / np.sum(np.exp(z), axis=1)[:, np.newaxis]
    return -np.mean(np.log(p[np.arange(3), Y]))


def log_sum_exp(z):
    m = z.max(axis=1)
    return np.sum((m + np.log(np.sum(np.exp(z - m[:, None]), axis=1))) * W[0])


def columns(z):
    e = np.exp(z - z.max(axis=0))
    return np.sum(e / e.sum(axis=0) * W)


def kept_axes(z):
    e = np.exp(z - z.max(axis=1, keepdims=True))
    return np.sum(e / e.sum(axis=1, keepdims=True) * W)


def of_all(z):
    e = np.exp(z - z.max())
    return np.sum(e / e.sum(axis=1) * W)


CANCEL = [in_one_line, new_axes, log_sum_exp, columns, kept_axes, of_all]


def row_sums_on_columns(z):
    e = np.exp(z - z.max(axis=1, keepdims=True))
    return np.sum(e / e.sum(axis=1) * W)


def logarithms_on_columns(z):
    s = z - z.max(axis=1, keepdims=True)
    return np.sum((s - np.log(np.sum(np.exp(s), axis=1))) * W)


def maxima_on_columns(z):
    m = z.max(axis=1, keepdims=True)
    return np.sum((m + np.log(np.sum(np.exp(z - m), axis=1))) * W)


def new_axis_in_front(z):
    e = np.exp(z - z.max(axis=1)[:, None])
    return np.sum(e / e.sum(axis=1)[None, :] * W)


MIXED = [row_sums_on_columns, logarithms_on_columns, maxima_on_columns, new_axis_in_front]


@pytest.mark.parametrize("program", CANCEL + MIXED)
def test_gradient(program):
    srcad.grad(program).check(Z)


@pytest.mark.parametrize("program", CANCEL)
def test_the_maximum_cancels(program):
    assert "==" not in srcad.grad(program).source_for(Z)


def test_what_is_written_twice_is_computed_once():
    text = srcad.grad(in_one_line).source_for(Z)
    assert "exp_diff2" not in text and text.count(".max()") == 1
