"""Cases: SciPy's linear algebra, convolutions and distributions."""
from __future__ import annotations

import numpy as np
import scipy.integrate as si
import scipy.linalg as sl
import scipy.signal as sg
import scipy.stats as st
from table import case, definite, fraction, positive, regular, signed

for n in (1, 3):
    case(sl.inv, regular(n, n))
    case(sl.det, regular(n, n))
    case(sl.expm, signed(n, n))
    case(sl.cholesky, definite(n, n))
    case(sl.cholesky, definite(n, n), lower=True)
    for b in [(n,), (n, 2)]:
        case(sl.solve, regular(n, n), signed(*b))
        case(sl.solve, regular(n, n), signed(*b), assume_a="gen")
        case(sl.solve, definite(n, n), signed(*b), assume_a="pos")
        case(sl.solve, definite(n, n), signed(*b), lower=True, assume_a="sym")
        for keywords in ({}, {"lower": True}, {"trans": 1}, {"trans": "T", "lower": True}, {"unit_diagonal": True}, {"lower": True, "unit_diagonal": True}):
            case(sl.solve_triangular, regular(n, n), signed(*b), **keywords)
case(sl.solve_sylvester, regular(3, 3), regular(2, 2), signed(3, 2))
for mode in ("full", "same", "valid"):
    for a, b in [((5,), (3,)), ((5,), (2,)), ((4, 5), (2, 3)), ((3, 4, 3), (2, 2, 2)), ((3,), (3,))]:
        case(sg.convolve, signed(*a), signed(*b), mode)
        case(sg.convolve, signed(*a), signed(*b), mode=mode, method="direct")
        case(sg.fftconvolve, signed(*a), signed(*b), mode)
case(sg.convolve, signed(2), signed(5), mode="same")
case(sg.convolve, signed(2), signed(5), mode="valid")
for function in (st.norm.logpdf, st.norm.pdf, st.norm.cdf, st.norm.logcdf, st.norm.sf, st.norm.logsf):
    for shape in [(), (3,), (2, 3)]:
        case(function, signed(*shape))
        case(function, signed(*shape), signed(*shape), positive(*shape))
        case(function, signed(*shape), loc=signed(), scale=positive())
        case(function, signed(*shape), scale=positive())
    case(function, signed(3), signed(2, 1), positive(3))
for function in (st.gamma.logpdf, st.gamma.pdf, st.chi2.logpdf, st.chi2.pdf, st.t.logpdf, st.t.pdf):
    for shape in [(), (3,), (2, 3)]:
        case(function, positive(*shape), positive(*shape) + 1)
        case(function, positive(*shape), positive() + 1, scale=positive())
        case(function, positive(*shape), positive() + 1, signed(*shape) / 20, positive(*shape) + 1)
    case(function, positive(2, 3), positive(3))
for function in (st.beta.logpdf, st.beta.pdf):
    for shape in [(), (3,), (2, 3)]:
        case(function, fraction(*shape), positive(*shape) + 1, positive(*shape))
        case(function, fraction(*shape), positive(), positive(), -positive(*shape) / 20, positive(*shape) + 1)
for function in (st.lognorm.logpdf, st.lognorm.pdf, st.weibull_min.logpdf, st.weibull_min.pdf):
    for shape in [(), (3,), (2, 3)]:
        case(function, positive(*shape), positive(*shape) + 1)
        case(function, positive(*shape), positive() + 1, scale=positive())
        case(function, positive(*shape), positive() + 1, -positive(*shape) / 20, positive(*shape) + 1)
for name in ("expon", "laplace", "logistic", "cauchy", "halfnorm"):
    for function in (getattr(st, name).logpdf, getattr(st, name).pdf):
        for shape in [(), (3,), (2, 3)]:
            case(function, positive(*shape))
            case(function, positive(*shape), -positive(*shape) / 20, positive(*shape))
            case(function, positive(*shape), scale=positive())
case(st.binom.logpmf, np.array([0, 1, 4]), 5, fraction(3))
case(st.bernoulli.logpmf, np.array([0, 1, 1]), fraction(3))
for function in (si.trapezoid, si.simpson):
    for n in (3, 4, 7):
        case(function, signed(n), dx=np.array([1, 2])[0])
    case(function, signed(2, 5), axis=0)
    case(function, signed(2, 5))
case(si.trapezoid, signed(4), signed(4))
case(si.trapezoid, signed(2, 4), dx=positive())
for function in (st.poisson.logpmf, st.poisson.pmf):
    case(function, np.array([0, 1, 4]), positive(3))
    case(function, np.array([0, 1, 4]), positive(2, 1))
for function in (st.multivariate_normal.logpdf, st.multivariate_normal.pdf):
    for shape in [(3,), (4, 3), (1, 3), (1,), (2, 1)]:
        case(function, signed(*shape), signed(shape[-1]), definite(shape[-1], shape[-1]))
        case(function, signed(*shape), mean=signed(shape[-1]), cov=definite(shape[-1], shape[-1]))
for n in (1, 3):
    case(st.multivariate_normal.entropy, signed(n), definite(n, n))
    case(st.multivariate_normal.entropy, None, definite(n, n))
    case(st.multivariate_normal.entropy, None, cov=definite(n, n))
for function in (st.dirichlet.logpdf, st.dirichlet.pdf):
    case(function, fraction(2) / 3, positive(3) + 1)
    case(function, fraction(2, 4) / 3, positive(3) + 1)
    case(function, fraction(1) / 3, alpha=positive(2) + 1)
for label in ("cdf", "sf", "logcdf", "logsf"):
    for distribution, shapes in ((st.gamma, (2,)), (st.chi2, (3,)), (st.t, (4,)), (st.t, (1,)), (st.beta, (2, 3)), (st.gamma, (np.array([1, 2, 3]),))):
        function, draw = getattr(distribution, label), fraction if distribution is st.beta else positive
        for shape in [(), (3,), (2, 3)]:
            case(function, draw(*shape), *shapes)
            case(function, draw(*shape), *shapes, scale=positive() + 1)
            case(function, draw(*shape), *shapes, -positive(*shape) / 20, positive(*shape) + 1)
for function in (st.poisson.cdf, st.poisson.sf):
    case(function, np.array([0, 1, 4]), positive(3))
    case(function, np.array([0, 1, -4]), positive(2, 1))
    case(function, np.array([0.5, 1.5, 4.25]), positive(3))
for (low, high), n in [((1, 1), 4), ((1, 2), 5), ((2, 0), 4), ((0, 1), 3), ((2, 2), 4), ((0, 0), 2), ((1, 1), 3)]:
    bands = signed(low + high + 1, n) / 4
    bands[high] += 3
    case(sl.solve_banded, (low, high), bands, signed(n))
    case(sl.solve_banded, (low, high), bands, signed(n, 2))
