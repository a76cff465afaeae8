"""Sums of strings applied to vectors, against the reference engine and in parts."""

from __future__ import annotations

import numpy as np
import pytest

from simquay.engine_api import Strings, bit_counts
from simquay_numba.kernels.reading import GROUP_BITS
from simquay_numba.kernels.sums import add_strings, add_window_means, sort_keys


def expected(vector, strings, weights):
    index: np.ndarray = np.arange(len(vector), dtype=np.int64)
    result = np.zeros(len(vector), dtype=complex)
    for x, z, fixed, values, weight in zip(*strings, weights, strict=True):
        signs = 1j ** int(x & z).bit_count() * (-1.0) ** bit_counts(index & z)
        result[index ^ x] += weight * signs * (index & fixed == values) * vector
    return result


@pytest.mark.parametrize("width", [GROUP_BITS, 6, 12])
@pytest.mark.parametrize("letters", ["x", "z", "xz", "all"])
@pytest.mark.parametrize("single", [False, True])
def test_parts_add_up(width, letters, single):
    rng = np.random.default_rng(width)
    some = rng.integers(0, 1 << width, (4, 30))
    fixed = some[0] & some[1] if letters == "all" else np.zeros(30, dtype=np.int64)
    fixed[::3] = 0
    x = np.where(np.arange(30) % 4, some[2] & ~fixed, 0)
    x[::5] = 1 << width - 1 & ~fixed[::5]
    if letters == "z":
        x[:] = 0
    z = np.zeros(30, dtype=np.int64) if letters == "x" else some[3] & ~fixed
    strings = Strings(x, z, fixed, some[1] & fixed)
    weights = rng.uniform(-1, 1, 30)
    dtype = np.complex64 if single else np.complex128
    real = np.float32 if single else np.float64
    vectors = (rng.normal(size=(2, 1 << width)) + 1j * rng.normal(size=(2, 1 << width))).astype(
        dtype
    )
    target = np.zeros_like(vectors)
    keys = sort_keys(strings.x, strings.z, strings.fixed)
    order = np.argsort(keys)
    for part in range(3):
        add_strings(vectors.view(real), target.view(real), keys, order, *strings, weights, part, 3)
    for vector, found in zip(vectors, target, strict=True):
        np.testing.assert_allclose(
            found, expected(vector, strings, weights), atol=1e-4 if single else 1e-12
        )


@pytest.mark.parametrize("width", [GROUP_BITS, 5, 15])  # one window, and two
@pytest.mark.parametrize("single", [False, True])
def test_means_in_windows(single, width):
    rng = np.random.default_rng(3)
    vectors = rng.normal(size=(2, 1 << width)) + 1j * rng.normal(size=(2, 1 << width))
    vectors = vectors.astype(np.complex64 if single else np.complex128)
    count = 40 + 4 * width
    x, z = rng.integers(1, 1 << width, (2, count))
    bits = 1 << np.arange(width)
    # On one bit each: X, Y, and both beside letters on the highest bit.
    top = 1 << width - 1
    x[40:] = np.concatenate([bits, bits, bits | top, np.full(width, top)])
    z[40:] = np.concatenate([0 * bits, bits, top & ~bits, bits])
    result = np.zeros((2, count))
    unit = vectors.real.dtype.type(0)
    given = unit, vectors.itemsize, vectors.ctypes.data, vectors.strides[0], width
    order = np.arange(1, count, 2)
    for half in (order, order - 1):
        for part in range(3):
            add_window_means(*given, half, x, z, part, 3, result)
        if half is order:
            assert not result[:, ::2].any()
    none = np.zeros(count, dtype=np.int64)
    for number, vector in enumerate(vectors):
        for term in range(count):
            one = Strings(*[column[term : term + 1] for column in (x, z, none, none)])
            mean = np.vdot(vector, expected(vector, one, np.ones(1))).real
            assert result[number, term] == pytest.approx(mean, abs=1e-3 if single else 1e-11)
