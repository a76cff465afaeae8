"""Means read window by window, against NumPy and in parts."""

from __future__ import annotations

import numpy as np
import pytest
from applied_strings import apply_sum

from simquay.engine_api import Strings
from simquay_numba.kernels.strings.doubles import GROUP_BITS
from simquay_numba.kernels.strings.windows import add_window_means


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
            mean = np.vdot(vector, apply_sum(vector, one, np.ones(1))).real
            assert result[number, term] == pytest.approx(mean, abs=1e-3 if single else 1e-11)
