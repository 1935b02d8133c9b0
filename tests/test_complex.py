"""Complex numbers, in JAX's convention: the gradient of a real number by z = a + ib is the derivative by a less i times that by b."""
from __future__ import annotations

import numpy as np
import pytest

import srcad

RANDOM = np.random.default_rng(0)
X = RANDOM.normal(size=5)
M = RANDOM.normal(size=(3, 4))
Z = RANDOM.normal(size=4) + 1j * RANDOM.normal(size=4)
A = RANDOM.normal(size=(3, 3)) + 1j * RANDOM.normal(size=(3, 3))


def parts_of_a_number(x):
    z = x + 1j * x**2
    return np.abs(z) ** 2 + z.real * z.imag


def made_of_parts(x):
    return complex(x, 2 * x).imag * x + (x * 1j * 1j).real


def polynomial(z):
    return np.sum(np.real(z * z * (1 + 2j)) + np.abs(z) ** 3)


def conjugates(z):
    w = np.exp(z) * np.conj(z) / (2 + z)
    return (w.real * w.imag).sum() + np.sum(np.angle(z)) + np.abs(z @ np.conj(z)) + (z.conj() * z).sum().real


def mandelbrot(z, n=5):
    c = z
    for _ in range(n):
        z = z * z * 0.3 + c
    return abs(z) ** 2


def written_in_place(x):
    y = np.zeros(3, dtype=complex)
    for i in range(3):
        y[i] = x[i] * np.exp(1j * x[i])
    y[1:] *= 1 + 0.5j
    return np.sum(np.abs(y - 1) ** 2)


def branches(z):
    w = z * 2 if np.abs(z[0]) > 0.1 else np.conj(z)
    return np.sum(np.abs(np.where(w.real > 0, w, 1j * w**2)) ** 2)


def linear_algebra(a):
    return np.sum(np.abs(np.linalg.solve(a, a[0] * 1j + 1)) ** 2) + np.linalg.det(a).real + np.sum((a @ a.T).imag)


def spectrum(x):
    return np.sum(np.abs(np.fft.fft(x)) ** 3) + np.sum(np.abs(np.fft.rfft(x)) ** 3) + np.sum(np.fft.rfft(x, norm="ortho").imag ** 2)


def filtered(x):
    f = np.fft.fft(x)
    f[1:] *= 0.5
    return np.sum(np.fft.ifft(f).real ** 2 * np.arange(len(x)))


def convolved(x):
    return np.sum(np.fft.irfft(np.fft.rfft(x) ** 2, n=len(x)) ** 2)


def padded_and_cut(m):
    longer = np.fft.fft(m, n=6, axis=0)
    shorter = np.fft.fft(m, n=2, axis=0)
    return np.sum(np.abs(longer) ** 2 * np.arange(6)[:, None]) + np.sum(np.abs(shorter) ** 3)


def plane(m):
    return np.sum(np.abs(np.fft.fft2(m)) ** 2 * np.arange(m.size).reshape(m.shape)) + np.sum(np.fft.fftshift(np.abs(np.fft.fftn(m, axes=(0,)))) * np.arange(4))


def back_to_real(z):
    return np.sum(np.fft.irfft(z) * np.arange(6.0)) + np.sum(np.fft.irfft(z, n=5) ** 2) + np.sum(np.fft.irfft(z, norm="ortho") ** 3)


def converted(z):
    return np.sum((z.real.astype(complex) * z).imag) + np.sum(abs(z)) + np.sum(np.array(z.imag, dtype=complex) ** 2).real + np.full(3, z[0])[1].real


def transform_of_real_parts(x):
    return np.sum(np.fft.irfft(x) ** 2)


def made_complex_by_a_loop(x):
    for _ in range(4):
        x = x - 0.1j * (np.array([[0, 1.0], [1.0, 0]]) @ x)
    return np.abs(x[1]) ** 2


def number_made_complex_by_a_loop(x):
    for _ in range(3):
        x = x * (1 + 0.5j)
    return np.real(x)


def spectral_derivative(x):
    k = np.fft.fftfreq(len(x)) * 2j * np.pi
    return np.sum(np.fft.ifft(k * np.fft.fft(x)).real ** 2)


def real_part_beside_a_store(x):
    b = x + 1.0j
    c = b[0] + 1.5
    return np.sum(np.sin(np.real(x + b + c)))


def of_complex(f, x, step=1e-6):
    """The derivative by real parts, less i times that by imaginary parts."""
    x = np.asarray(x)
    out = np.zeros(x.shape, complex if x.dtype.kind == "c" else float)
    for j in np.ndindex(x.shape):
        for unit in (1, 1j) if x.dtype.kind == "c" else (1,):
            moved = np.zeros(x.shape, x.dtype)
            moved[j] = step * unit
            ends = [f(x + s * moved if x.ndim else (x + s * moved).item()) for s in (1, -1)]
            out[j] += np.conj(unit) * (ends[0] - ends[1]) / (2 * step)
    return out


@pytest.mark.parametrize(("f", "arg"), [
    (parts_of_a_number, 1.3), (made_of_parts, 1.3), (polynomial, Z), (conjugates, Z), (mandelbrot, 0.3 + 0.4j), (written_in_place, X), (branches, Z),
    (linear_algebra, A), (spectrum, X), (spectrum, X[:4]), (filtered, X), (convolved, X), (convolved, X[:4]), (padded_and_cut, M.T), (plane, M), (back_to_real, Z), (converted, Z),
    (transform_of_real_parts, X), (made_complex_by_a_loop, X[:2]), (number_made_complex_by_a_loop, 0.5), (spectral_derivative, X[:4]), (real_part_beside_a_store, X),
], ids=lambda v: getattr(v, "__name__", ""))
def test_the_gradient_is_right(f, arg):
    found, wanted = srcad.grad(f)(arg), of_complex(f, arg)
    assert np.asarray(found).dtype == wanted.dtype and type(found) is (type(arg) if np.ndim(arg) == 0 else np.ndarray)
    np.testing.assert_allclose(found, wanted, rtol=1e-5, atol=1e-7)


TRANSFORMS = {
    "np.fft.fft": ("np.fft.fft(z)", "np.fft.fft(z, 3)", "np.fft.fft(z, 6)", "np.fft.fft(m, axis=0, norm='ortho')"),
    "np.fft.ifft": ("np.fft.ifft(z)", "np.fft.ifft(z, 3)", "np.fft.ifft(m, 5, 0)"),
    "np.fft.fft2": ("np.fft.fft2(m)", "np.fft.fft2(m, s=(2, 5))"), "np.fft.ifft2": ("np.fft.ifft2(m)", "np.fft.ifft2(m, s=(2, 5))"),
    "np.fft.fftn": ("np.fft.fftn(m)", "np.fft.fftn(m, axes=(0,))", "np.fft.fftn(m, s=(2, 5), axes=(0, 1))"),
    "np.fft.ifftn": ("np.fft.ifftn(m)", "np.fft.ifftn(m, axes=(1,))"),
    "np.fft.rfft": ("np.fft.rfft(z.real)", "np.fft.rfft(m.imag, 7, 0)", "np.fft.rfft(m.real, n=2, norm='forward')"),
    "np.fft.irfft": ("np.fft.irfft(z)", "np.fft.irfft(m, 5, 1)", "np.fft.irfft(m, n=2, axis=0, norm='ortho')"),
    "np.fft.hfft": ("np.fft.hfft(z)", "np.fft.hfft(m, 5, 1)", "np.fft.hfft(m, n=2, axis=0, norm='ortho')", "np.fft.hfft(z, norm='forward')"),
    "np.fft.ihfft": ("np.fft.ihfft(z.real)", "np.fft.ihfft(m.imag, 7, 0)", "np.fft.ihfft(m.real, n=2, norm='forward')"),
    "np.fft.rfft2": ("np.fft.rfft2(m.real)", "np.fft.rfft2(m.imag, s=(3, 5), norm='ortho')", "np.fft.rfft2(m.real, axes=(1, 0))"),
    "np.fft.irfft2": ("np.fft.irfft2(m)", "np.fft.irfft2(m, s=(2, 7), norm='ortho')", "np.fft.irfft2(m, s=(5, 2), axes=(1, 0))"),
    "np.fft.rfftn": ("np.fft.rfftn(m.real)", "np.fft.rfftn(m.real, axes=(0,))", "np.fft.rfftn(m.real, s=[6, 2], axes=[1, 0], norm='forward')"),
    "np.fft.irfftn": ("np.fft.irfftn(m)", "np.fft.irfftn(m, axes=(0,))", "np.fft.irfftn(m, s=[3, 5], axes=[1, 0], norm='forward')", "np.fft.irfftn(m, s=(-1, 5), axes=(0, 1))"),
    "np.lib.scimath.sqrt": ("np.lib.scimath.sqrt(z.real)", "np.emath.sqrt(z)", "np.emath.sqrt(m.imag)", "np.emath.sqrt(z.real[0])"),
    "np.lib.scimath.log": ("np.lib.scimath.log(z.real)", "np.emath.log(z)"), "np.lib.scimath.log2": ("np.lib.scimath.log2(z.real)", "np.emath.log2(z)"),
    "np.lib.scimath.log10": ("np.lib.scimath.log10(z.real)", "np.emath.log10(z)"),
    "np.lib.scimath.logn": ("np.lib.scimath.logn(z.real, z.imag)", "np.emath.logn(2, z)", "np.emath.logn(m.real, z[:3].imag)"),
    "np.lib.scimath.power": ("np.lib.scimath.power(z.real, 2.5)", "np.emath.power(z.real, 3)", "np.emath.power(m.real, z[:3].imag)", "np.emath.power(2.0, z.real)", "np.emath.power(z.real, 0)"),
    "np.lib.scimath.arccos": ("np.lib.scimath.arccos(3 * z.real)", "np.emath.arccos(z)", "np.emath.arccos(z.real / 4)"),
    "np.lib.scimath.arcsin": ("np.lib.scimath.arcsin(3 * z.real)", "np.emath.arcsin(z)", "np.emath.arcsin(z.real / 4)"),
    "np.lib.scimath.arctanh": ("np.lib.scimath.arctanh(3 * z.real)", "np.emath.arctanh(z)", "np.emath.arctanh(z.real / 4)"),
    "np.linalg.eig": (
        "np.linalg.eig(m[:3] + np.diag([1, 3, 7]))[1]", "np.linalg.eig(m[:3].real + np.diag([1, 3, 7]))[1]", "np.linalg.eig(m[:3].imag + turned)[1]",
        "np.linalg.eig(m[:3].real + turned).eigenvalues", "np.linalg.eig(np.stack([m[:3] + turned, m[1:]]) + np.diag([1, 3, 7])).eigenvectors",
        "[w * (v + 1) for w, v in [np.linalg.eig(m[:3].real + turned)]][0]",
    ),
    "np.linalg.eigvals": ("np.linalg.eigvals(m[:3] + turned)", "np.linalg.eigvals(m[:3].real + turned)", "np.linalg.eigvals(np.stack([m[:3], m[1:]]) + np.diag([1, 3, 7]))"),
    "np.roots": ("np.roots(z)", "np.roots(z.real)", "np.roots(z[:3].imag)", "np.roots(z[:2])"),
    "np.sort_complex": ("np.sort_complex(z)", "np.sort_complex(m.real)"), "np.sort": ("np.sort(m, axis=0)",), "np.take": ("np.take(m, [0, 2, 0], axis=1)",),
    "np.take_along_axis": ("np.take_along_axis(m, np.array([[2], [1], [0], [0]]), 1)",),
    "scipy.linalg.sqrtm": ("scipy.linalg.sqrtm(m[:3] + turned)", "scipy.linalg.sqrtm(m[:3].real + turned)", "scipy.linalg.sqrtm(m[:3].real + 9 * np.eye(3))"),
    "scipy.linalg.solve_sylvester": ("scipy.linalg.solve_sylvester(m[:3] + turned, m[:2, :2] + 0j, m[1:, :2])",),
    "scipy.linalg.det": ("scipy.linalg.det(m[:3] + turned)",), "scipy.linalg.solve": ("scipy.linalg.solve(m[:3] + turned, z[1:])",), "scipy.linalg.inv": ("scipy.linalg.inv(m[:3] + turned)",),
    "np.angle": ("np.angle(z)", "np.angle(m, deg=True)"), "np.imag": ("np.imag(z * z)",), "np.real": ("np.real(z * z)",), "np.conjugate": ("np.conj(z) * z[0]",),
}


@pytest.mark.parametrize("expression", [e for forms in TRANSFORMS.values() for e in forms if "-1, 5" not in e or np.__version__ >= "2"])  # -1 for a whole axis is NumPy 2's
def test_each_function_in_every_form(expression, tmp_path):
    """As a program of one line, weighted by numbers that tell its elements apart."""
    file = tmp_path / "program.py"
    file.write_text("import numpy as np\nimport scipy.linalg\n\nturned = np.array([[1.0, 2.0, 0.0], [-2.0, 1.5, 0.5], [0.3, 0.0, 3.0]])\n\n\n"
                    "def f(z):\n    m = np.outer(z, [1.0, 0.5, 2j])\n"
                    f"    w = {expression}\n    return np.sum((w * w).real * np.arange(1.0, w.size + 1).reshape(w.shape)) + np.sum((w * (0.3 + 0.7j)).imag)\n")
    space: dict[str, object] = {}
    exec(compile(file.read_text(), str(file), "exec"), space)
    f = space["f"]
    np.testing.assert_allclose(srcad.grad(f)(Z), of_complex(f, Z), rtol=1e-5, atol=1e-7)


def test_the_figures_of_jax():
    """jax.grad of these, computed by JAX 0.10.2."""
    z = np.array([0.5 - 0.25j, 2.0 + 1.0j])
    np.testing.assert_allclose(srcad.grad(lambda z: np.sum(np.real(z * z * (1 + 2j))))(z), 2 * z * (1 + 2j))
    np.testing.assert_allclose(srcad.grad(lambda z: np.sum(np.abs(z)))(z), np.conj(z) / np.abs(z))
    np.testing.assert_allclose(srcad.grad(lambda z: np.sum(np.imag(z)))(z), [-1j, -1j])


def test_vjp_takes_complex_adjoints():
    out, pullback = srcad.vjp(lambda z: z * z, Z)
    np.testing.assert_allclose(out, Z * Z)
    np.testing.assert_allclose(pullback(np.ones(4) * (1 + 2j)), 2 * Z * (1 + 2j))


def test_the_modulus_is_flat_at_zero():
    np.testing.assert_array_equal(srcad.grad(lambda z: np.sum(np.abs(z)))(np.zeros(2, complex)), [0, 0])


def store_of_a_complex_number(x):
    y = x * 1
    y *= 2j
    return np.sum(np.real(y) * x)


def test_single_precision():
    x, z = X.astype(np.float32), Z.astype(np.complex64)
    found = srcad.grad(lambda x: np.sum(np.abs(np.fft.fft(x)[:3]) ** 2))(x)
    assert found.dtype == np.float32
    np.testing.assert_allclose(found, srcad.grad(lambda x: np.sum(np.abs(np.fft.fft(x)[:3]) ** 2))(X), rtol=1e-4)
    np.testing.assert_allclose(srcad.grad(lambda z: np.abs(np.fft.ifft(z)[0]) ** 2)(z), np.full(4, np.conj(np.sum(z)) / 8), rtol=1e-5)


@pytest.mark.parametrize(("f", "arg", "reason"), [
    (store_of_a_complex_number, X, "stored into an array of real ones"),
    (lambda x: np.sum(np.maximum(x * 1j, 0).real), X, "np.maximum` of complex numbers"),
    (lambda z: np.linalg.norm(z, 1), Z, "its rule does not cover ord=1 of complex numbers"),
    (lambda a: np.abs(np.linalg.qr(a)[1][0, 0]), A, "np.linalg.qr` of complex numbers"),
    (lambda a: np.abs(np.linalg.eigh(a)[1][0, 0]), A, "the vectors of a complex matrix"),
    (lambda x: np.sum(np.emath.sqrt(x)), X, "Take np.real or np.abs"),
    (lambda x: x * 1j, 1.0, "Take np.real or np.abs"),
    (lambda z: np.abs(np.sum(z ** z)), Z, "written as a number"),
])
def test_what_has_no_derivative_is_refused(f, arg, reason):
    with pytest.raises(srcad.SrcadError, match=reason):
        srcad.grad(f)(arg)


def radix_2(z):
    if len(z) == 1:
        return z
    even, odd = radix_2(z[::2]), radix_2(z[1::2])
    turned = np.exp(-2j * np.pi * np.arange(len(z) // 2) / len(z)) * odd
    return np.concatenate([even + turned, even - turned])


def weighted_power(x):
    return np.sum(np.abs(radix_2(x.astype(complex))) ** 2 * np.arange(len(x)))


@pytest.mark.parametrize("n", [4, 16])
def test_tangents_through_a_recursion_on_complex_parts(n):
    x, way = np.arange(n) / 7.0, np.cos(np.arange(n) * 1.3)
    value, tangent = srcad.jvp(weighted_power, (x,), way)
    assert value == pytest.approx(weighted_power(x))
    assert tangent == pytest.approx(srcad.grad(weighted_power)(x) @ way)
    assert tangent == pytest.approx((weighted_power(x + 1e-5 * way) - weighted_power(x - 1e-5 * way)) / 2e-5, rel=1e-6)


def eigenvalues(A):
    w, v = np.linalg.eig(A)
    return np.sum(np.abs(w) ** 2) + np.max(w.real)


def real_parts(A):
    w = np.linalg.eigvals(A)
    y = w.real * 1.0
    y += np.abs(w)
    return np.sum(y) + np.sum(w.imag ** 2)


def roots_of_numbers(A):
    w = np.emath.sqrt(A)
    return np.sum(np.abs(w) ** 2) + np.max(w.real) + np.sum((w * (1 + 2j)).real)


@pytest.mark.parametrize("program", [eigenvalues, real_parts, roots_of_numbers], ids=lambda f: f.__name__)
def test_what_may_be_complex_and_comes_out_real(program):
    for matrix in (np.array([[2.0, 0.5], [0.3, -1.1]]), np.array([[1.0, 2.0], [-3.0, 0.5]]), np.array([[2.0, 0.5], [0.3, 1.1]])):
        srcad.grad(program).check(matrix)
