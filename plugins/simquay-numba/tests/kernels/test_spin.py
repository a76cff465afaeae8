"""Waiting until counters of other threads reach a sum."""

from __future__ import annotations

import numpy as np

from simquay_numba.kernels.spin import spin_until


def test_arrived_adds_up_one_word_a_line() -> None:
    words = np.zeros(24, dtype=np.int64)
    words[[0, 8, 16]] = 3, 4, 100
    address = words.ctypes.data
    assert spin_until(address, 2, 7, 1)
    assert not spin_until(address, 2, 8, 3)
    assert spin_until(address, 3, 107, 1)
    assert not spin_until(address, 3, 107, 0)
