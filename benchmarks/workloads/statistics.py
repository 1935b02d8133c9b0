"""Statistics and finance: whole arrays, few operations each. The size is the number of points or options."""
from __future__ import annotations

import numpy as np
from scipy.special import erf

from benchmarks.workloads.workload import Workload, generator


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


# The value of n call options.

def black_scholes(spot, strike, rate, vol, expiry):
    root = np.sqrt(expiry)
    d1 = (np.log(spot / strike) + (rate + 0.5 * vol ** 2) * expiry) / (vol * root)
    d2 = d1 - vol * root
    n1 = 0.5 * (1.0 + erf(d1 / np.sqrt(2.0)))
    n2 = 0.5 * (1.0 + erf(d2 / np.sqrt(2.0)))
    return np.sum(spot * n1 - strike * np.exp(-rate * expiry) * n2)


def black_scholes_hand(spot, strike, rate, vol, expiry):
    root = np.sqrt(expiry)
    spread = vol * root
    drift = rate + 0.5 * vol ** 2
    d1 = (np.log(spot / strike) + drift * expiry) / spread
    d2 = d1 - spread
    n1 = 0.5 * (1.0 + erf(d1 / np.sqrt(2.0)))
    n2 = 0.5 * (1.0 + erf(d2 / np.sqrt(2.0)))
    discount = np.exp(-rate * expiry)
    # backprop both distribution functions
    density = 1.0 / np.sqrt(2.0 * np.pi)
    dd2 = -strike * discount * density * np.exp(-0.5 * d2 ** 2)
    dd1 = spot * density * np.exp(-0.5 * d1 ** 2) + dd2
    # backprop d1 and d2
    dtop = dd1 / spread
    dspread = -dd2 - d1 * dtop
    # backprop the discount
    dgrowth = strike * discount * n2
    dspot = n1 + dtop / spot
    dstrike = -discount * n2 - dtop / strike
    drate = expiry * dtop + expiry * dgrowth
    dvol = vol * expiry * dtop + root * dspread
    dexpiry = drift * dtop + rate * dgrowth + 0.5 * vol / root * dspread
    return dspot, dstrike, drate, dvol, dexpiry


# Points and the centre nearest to each, as k-means has it: the distances by one product.

def kmeans(points, centres):
    inner = points @ centres.T
    dist = np.sum(points ** 2, axis=1)[:, None] - 2 * inner + np.sum(centres ** 2, axis=1)
    return np.mean(np.min(dist, axis=1))


def kmeans_hand(points, centres):
    n = len(points)
    dist = (points ** 2).sum(axis=1)[:, None] - 2 * (points @ centres.T) + (centres ** 2).sum(axis=1)
    ddist = np.zeros_like(dist)
    ddist[np.arange(n), dist.argmin(axis=1)] = 1.0 / n
    dpoints = 2 * points * ddist.sum(axis=1)[:, None] - 2 * ddist @ centres
    dcentres = 2 * centres * ddist.sum(axis=0)[:, None] - 2 * ddist.T @ points
    return dpoints, dcentres


# The energy of points that repel each other: every distance, by subtraction.

def repulsion(points, width):
    gap = points[:, None, :] - points[None, :, :]
    dist2 = np.sum(gap ** 2, axis=2)
    return np.sum(np.exp(-dist2 / width))


def repulsion_hand(points, width):
    gap = points[:, None, :] - points[None, :, :]
    dist2 = (gap ** 2).sum(axis=2)
    e = np.exp(-dist2 / width)
    ddist2 = -e / width
    dwidth = -np.vdot(ddist2, dist2) / width
    dgap = 2 * ddist2[:, :, None] * gap
    return dgap.sum(axis=1) - dgap.sum(axis=0), dwidth


def labelled(n):
    normal = generator().standard_normal
    return normal(20), normal((n, 20)), np.where(normal(n) > 0, 1.0, -1.0)


def clusters(n):
    normal = generator().standard_normal
    return normal(5), normal((5, 3)), 0.1 * normal((5, 3)), normal((n, 3))


def options(n):
    rng = generator()
    return tuple(rng.uniform(low, high, n) for low, high in ((50, 150), (50, 150), (0.01, 0.1), (0.1, 0.5), (0.1, 2.0)))


def cloud(n):
    normal = generator().standard_normal
    return normal((n, 8)), normal((16, 8))


def swarm(n):
    return generator().standard_normal((n, 3)), 0.7


WORKLOADS = (
    Workload(logistic, logistic_hand, ("w",), labelled, (5, 500, 50_000), (1_000_000,)),
    Workload(mixture, mixture_hand, ("logits", "means", "logstd"), clusters, (5, 200, 20_000), (200_000,)),
    Workload(black_scholes, black_scholes_hand, ("spot", "strike", "rate", "vol", "expiry"), options,
             (10, 10_000, 100_000, 1_000_000), (10_000_000,)),
    Workload(kmeans, kmeans_hand, ("points", "centres"), cloud, (5, 1000, 50_000), (500_000,)),
    Workload(repulsion, repulsion_hand, ("points", "width"), swarm, (4, 100, 700), (2000,)),
)
