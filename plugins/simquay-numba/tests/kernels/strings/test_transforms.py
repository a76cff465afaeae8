"""The Walsh-Hadamard transform, against its matrix."""

from __future__ import annotations

import numpy as np
import pytest

from simquay.engine_api import bit_counts
from simquay_numba.kernels.strings.doubles import GROUP_BITS
from simquay_numba.kernels.strings.transforms import transform


@pytest.mark.parametrize("bits", range(GROUP_BITS, 9))
def test_every_entry_is_a_sum_with_signs(bits: int) -> None:
    rng = np.random.default_rng(bits)
    index: np.ndarray = np.arange(1 << bits, dtype=np.int64)
    matrix = (-1.0) ** bit_counts(index[:, None] & index)
    numbers = rng.normal(size=1 << bits)
    expected = matrix @ numbers
    transform(numbers, numbers.ctypes.data)
    np.testing.assert_allclose(numbers, expected, atol=1e-12)
