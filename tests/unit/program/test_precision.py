"""The two precisions, and the NumPy types that they stand for."""

from __future__ import annotations

import numpy as np
import pytest

from simquay.program import Precision


@pytest.mark.parametrize(
    ("precision", "amplitude", "real", "size"),
    [
        (Precision.SINGLE, np.complex64, np.float32, 8),
        (Precision.DOUBLE, np.complex128, np.float64, 16),
    ],
)
def test_types_and_sizes(precision: Precision, amplitude: type, real: type, size: int) -> None:
    assert precision.complex_dtype == amplitude
    assert precision.real_dtype == real
    assert precision.amplitude_bytes == size == precision.complex_dtype.itemsize
    assert Precision(precision.value) is precision
