"""Copies between parts of one memory: NumPy reads some of them as it writes, which the gradient must follow, or the program is refused."""
import numpy as np
import pytest

import srcad

W = np.arange(5.0)
M = np.arange(9.0).reshape(3, 3)
X = np.array([1.0, 2.0, 4.0, 7.0, 11.0])
A = X[[0, 1, 2, 3, 4, 0, 2, 1, 3]].reshape(3, 3) * np.arange(1, 10).reshape(3, 3)


def copy_a1(x):
    x[1:] = x[:-1]
    return x @ W


def copy_a2(x):
    x[:-1] = x[1:]
    return x @ W


def copy_a3(x):
    x[::2] = x[:3]
    return x @ W


def copy_a4(x):
    x[:3] = x[::2]
    return x @ W


def copy_a5(x):
    x[1:4] = x[::2]
    return x @ W


def copy_a6(x):
    x[:] = x[::-1]
    return x @ W


def copy_a7(x):
    x[::2] = x[::-1][::2]
    return x @ W


def copy_a8(x):
    v = x[1:]
    v[:] = x[:-1]
    return x @ W


def copy_b1(A):
    A[1] = A[0]
    return np.sum(A * M)


def copy_b2(A):
    A[1] = A[:,2]
    return np.sum(A * M)


def copy_b3(A):
    A[:,0] = A[:,1]
    return np.sum(A * M)


def copy_b4(A):
    A[::2] = A[:2]
    return np.sum(A * M)


def copy_b5(A):
    A[1:] = A[:-1]
    return np.sum(A * M)


def copy_b6(A):
    A[0] = A[0][::-1]
    return np.sum(A * M)


def copy_b7(A):
    A.T[0] = A.T[1]
    return np.sum(A * M)


def copy_b8(A):
    A[:] = A.T
    return np.sum(A * M)


def copy_b9(A):
    for i in range(2):
        A[i] = A[i+1]
    return np.sum(A * M)


def copy_b10(A):
    A[[0,1]] = A[[1,0]]
    return np.sum(A * M)


def copy_b11(A):
    A[...,0] = A[...,1]
    return np.sum(A * M)


def copy_b12(A):
    A[0,:] = A[1,:]
    return np.sum(A * M)


def copy_c1(x):
    u = x.copy()
    v = np.zeros(5)
    for _ in range(3):
        v[:] = u
        v[1:-1] = 0.5 * u[2:]
        u,v = v,u
    return u @ W


def copy_c2(x):
    x[:] = x
    return x @ W


def copy_c3(x):
    x[:] = x[0]
    return x @ W


def copy_c4(x):
    for i in range(1,5):
        x[i:] = x[i-1:-1]
    return x @ W


def copy_c5(x):
    x[:] = np.roll(x,1)
    return x @ W


def copy_c6(x):
    x[:] = np.flip(x)
    return x @ W


def copy_c7(x):
    x[:] = x.reshape(1,5)[0]
    return x @ W


def copy_c8(x):
    v = x[None,:]
    x[:] = v
    return x @ W


def copy_c9(x):
    x[2:] = x[None,:3]
    return x @ W


def by_another_name(x):
    v = x[:]
    x[::2] = v[:3]
    return x @ W


def by_copyto(x):
    np.copyto(x[::2], x[:3])
    return x @ W


def by_ravel(x):
    v = x.ravel()
    v[::2] = x[:3]
    return x @ W


def by_new_axis(x):
    v = x[None]
    v[0, ::2] = x[:3]
    return x @ W


def by_transpose(x):
    v = x.T
    x[::2] = v[:3]
    return x @ W


def by_list(x):
    a = [x[::2], x[:3]]
    a[0][:] = a[1]
    return x @ W


def by_split(x):
    a, b = np.split(x[:4], 2)
    x[:4:2] = a
    return x @ W


def by_reshape(x):
    z = x.reshape(1, 5)
    x[::2] = z[0, :3]
    return x @ W


def elements_of_a_longer_one(x):
    for _ in range(2):
        x = np.append(x, x[0])
    x[0], x[1] = x[1], x[0]
    return x[:5] @ W


def shifted(a):
    a[1:] = a[:-1]


def shifted_in_a_helper(x):
    for _ in range(2):
        x = np.append(x, x[0])
    shifted(x)
    x[:-1] = x[1:]
    return x[:5] @ W


def by_mask(x):
    x[x > 3.0] = x[:3]
    return x @ W


def by_indices(x):
    x[[1, 2, 3]] = x[:3]
    return x @ W


def faster(x):
    x[1:5] = np.concatenate([x, x])[:8:2]
    return x @ W


RIGHT = [(copy_a1, X), (copy_a2, X), (copy_a4, X), (copy_a6, X), (copy_a7, X), (copy_a8, X), (copy_b1, A), (copy_b3, A), (copy_b4, A), (copy_b5, A), (copy_b6, A), (copy_b7, A), (copy_b8, A), (copy_b9, A), (copy_b10, A), (copy_b11, A), (copy_b12, A), (copy_c1, X), (copy_c2, X), (copy_c3, X), (copy_c4, X), (copy_c5, X), (copy_c6, X), (copy_c8, X), (copy_c9, X), (elements_of_a_longer_one, X), (shifted_in_a_helper, X), (faster, X)]
REFUSED = [(copy_a3, X), (copy_a5, X), (copy_b2, A), (copy_c7, X), (by_another_name, X), (by_copyto, X), (by_ravel, X), (by_new_axis, X), (by_transpose, X), (by_list, X), (by_split, X), (by_reshape, X), (by_mask, X), (by_indices, X)]


@pytest.mark.parametrize("program, at", RIGHT)
def test_copies_that_are_followed(program, at):
    gradient = srcad.grad(program)(at.copy())
    for i in np.ndindex(at.shape):
        step = np.zeros(at.shape)
        step[i] = 1e-3
        assert gradient[i] == pytest.approx((program(at + step) - program(at - step)) / 2e-3, abs=1e-9)


@pytest.mark.parametrize("program, at", REFUSED)
def test_copies_that_overtake_themselves(program, at):
    with pytest.raises(srcad.AliasError, match="one after the other"):
        srcad.grad(program)(at.copy())
