"""Vectors of doubles: loading, shuffles and fused products, against NumPy."""

from __future__ import annotations

from typing import Any

import numba
import numpy as np
import pytest

from simquay_numba.kernels.strings.doubles import DOUBLES, WIDTH, doubles, fused, shuffled
from simquay_numba.kernels.vectors import intrinsic


@intrinsic()
def reverse_product(emit, unit, source, target):
    """Numbers times the numbers behind them, backwards, plus the numbers."""
    low = doubles(emit, source)
    high = doubles(emit, emit.at(source, WIDTH * emit.bytes))
    back = shuffled(emit, low, high, range(2 * WIDTH - 1, WIDTH - 1, -1))
    emit.builder.store(fused(emit, low, back, low), emit.pointer(target, DOUBLES), align=8)


@numba.njit
def run(unit: Any, source: int, target: int) -> None:
    reverse_product(unit, source, target)


@pytest.mark.parametrize("real", [np.float32, np.float64])
def test_reals_are_doubles(real: type) -> None:
    numbers: np.ndarray = np.random.default_rng(1).normal(size=2 * WIDTH).astype(real)
    found = np.empty(WIDTH)
    run(real(0), numbers.ctypes.data, found.ctypes.data)
    exact = numbers.astype(np.float64)
    np.testing.assert_allclose(found, exact[:WIDTH] * (1 + exact[: WIDTH - 1 : -1]), rtol=1e-15)
