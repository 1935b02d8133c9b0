"""Elementary functions without branches, which the compiler turns into vector instructions: Numba's wheels have no vector library.

    exp(x) = 2**n * exp(r), with x = n * log(2) + r and a polynomial for exp(r)

Errors against NumPy's: exp, log and erf 2.3e-16, tanh 5e-16, relative. Adding and taking away 2**52 + 2**51 rounds to an integer, which
then stands in the last bits; adding 1023 and shifting by 52 makes it the exponent of a power of two. log and erf are
fdlibm's, less their branches.
"""
from __future__ import annotations

SERIES = (1.6059043836821613e-10, 2.08767569878681e-09, 2.505210838544172e-08, 2.755731922398589e-07, 2.7557319223985893e-06, 2.48015873015873e-05,
          0.0001984126984126984, 0.001388888888888889, 0.008333333333333333, 0.041666666666666664, 0.16666666666666666, 0.5)  # 1 / 13! to 1 / 2!


def polynomial() -> str:
    """p(r) with exp(r) = 1 + r + p(r) * r * r."""
    first, *rest = SERIES
    return "".join([f"    p = {first!r}\n", *(f"    p = p * r + {c!r}\n" for c in rest)])


REDUCED = """    n = (y * 1.4426950408889634 + 6755399441055744.0) - 6755399441055744.0
    r = (y - n * 0.6931471803691238) - n * 1.9082149292705877e-10
"""

EXP = f"""def exp(x):
    y = 710.0 if x > 710.0 else x
    y = -746.0 if y < -746.0 else y
{REDUCED}{polynomial()}    p = (p * r * r + r) + 1.0
    a = n * 0.5 + 6755399441055744.0
    b = n - (a - 6755399441055744.0) + 6755399441055744.0
    u = np.int64((np.float64(a).view(np.int64) + 1023) << 52).view(np.float64)
    v = np.int64((np.float64(b).view(np.int64) + 1023) << 52).view(np.float64)
    return p * u * v
"""

TANH = f"""def tanh(x):
    y = 44.0 if abs(x) > 22.0 else 2.0 * abs(x)
{REDUCED}{polynomial()}    p = p * r * r + r
    u = np.int64((np.float64(n + 6755399441055744.0).view(np.int64) + 1023) << 52).view(np.float64)
    t = p * u + (u - 1.0)
    v = t / (t + 2.0)
    v = -v if x < 0.0 else v
    return v if x == x and x != 0.0 else x
"""

LOG = """def log(x):
    tiny = x < 2.2250738585072014e-308
    bits = np.float64(x * 18014398509481984.0 if tiny else x).view(np.int64)
    e = (bits - 4604544271217802189) >> 52
    m = np.int64(bits - (e << 52)).view(np.float64)
    k = np.int64(e + 4843621399236968448).view(np.float64) - 6755399441055744.0 - (54.0 if tiny else 0.0)
    f = m - 1.0
    s = f / (2.0 + f)
    z = s * s
    w = z * z
    t1 = w * (0.3999999999940942 + w * (0.22222198432149784 + w * 0.15313837699209373))
    t2 = z * (0.6666666666666735 + w * (0.2857142874366239 + w * (0.1818357216161805 + w * 0.14798198605116586)))
    h = 0.5 * f * f
    r = k * 0.6931471803691238 - ((h - (s * (h + t1 + t2) + k * 1.9082149292705877e-10)) - f)
    r = r if x > 0.0 else (-np.inf if x == 0.0 else np.nan)
    return r if x < np.inf else x
"""

NEAR = ((0.12837916709551256, -0.3250421072470015, -0.02848174957559851, -0.005770270296489442, -2.3763016656650163e-05),
        (1.0, 0.39791722395915535, 0.0650222499887673, 0.005081306281875766, 0.00013249473800432164, -3.960228278775368e-06))  # |x| < 0.84375, of x * x
MIDDLE = ((-0.0023621185607526594, 0.41485611868374833, -0.3722078760357013, 0.31834661990116175, -0.11089469428239668, 0.035478304325618236, -0.002166375594868791),
          (1.0, 0.10642088040084423, 0.540397917702171, 0.07182865441419627, 0.12617121980876164, 0.01363708391202905, 0.011984499846799107))  # to 1.25, of |x| - 1
FAR = ((-0.009864944034847148, -0.6938585727071818, -10.558626225323291, -62.375332450326006, -162.39666946257347, -184.60509290671104, -81.2874355063066,
        -9.814329344169145),
       (1.0, 19.651271667439257, 137.65775414351904, 434.56587747522923, 645.3872717332679, 429.00814002756783, 108.63500554177944, 6.570249770319282,
        -0.0604244152148581))  # to 1 / 0.35, of 1 / x ** 2
TAIL = ((-0.0098649429247001, -0.799283237680523, -17.757954917754752, -160.63638485582192, -637.5664433683896, -1025.0951316110772, -483.5191916086514, 0.0),
        (1.0, 30.33806074348246, 325.7925129965739, 1536.729586084437, 3199.8582195085955, 2553.0504064331644, 474.5285412069554, -22.44095244658582, 0.0))


def horner(name: str, variable: str, coefficients: tuple[float, ...], others: tuple[float, ...] = ()) -> str:
    """Lines that compute a polynomial; with others, where `far` does not hold."""
    terms = [f"({c!r} if far else {d!r})" for c, d in zip(coefficients, others)] if others else [repr(c) for c in coefficients]
    out = f"    {name} = {terms[-1]}\n"
    return out + "".join(f"    {name} = {name} * {variable} + {term}\n" for term in reversed(terms[:-1]))


ERF = f"""def erf(x):
    a = abs(x)
    c = 6.0 if a > 6.0 else a
    z = c * c
{horner("p", "z", NEAR[0])}{horner("q", "z", NEAR[1])}    near = x + x * (p / q)
    s = c - 1.0
{horner("p", "s", MIDDLE[0])}{horner("q", "s", MIDDLE[1])}    middle = 0.8450629115104675 + p / q
    far = c < 2.857142857142857
    d = 1.25 if c < 1.25 else c
    w = 1.0 / (d * d)
{horner("p", "w", FAR[0], TAIL[0])}{horner("q", "w", FAR[1], TAIL[1])}    tail = 1.0 - exp(p / q - 0.5625 - d * d) / d
    v = middle if c < 1.25 else tail
    v = -v if x < 0.0 else v
    v = near if c < 0.84375 else v
    return v if x == x else x
"""

FUNCTIONS = {"exp": EXP, "log": LOG, "tanh": TANH, "erf": ERF}
