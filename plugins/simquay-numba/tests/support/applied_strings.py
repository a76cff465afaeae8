"""Strings applied to a vector by NumPy."""

from __future__ import annotations

import numpy as np

from simquay.engine_api import Strings, bit_counts

__all__ = ["apply_sum"]


def apply_sum(vector: np.ndarray, strings: Strings, weights: np.ndarray) -> np.ndarray:
    """The sum of strings times weights, applied to ``vector``."""
    index: np.ndarray = np.arange(len(vector), dtype=np.int64)
    result = np.zeros(len(vector), dtype=complex)
    for x, z, fixed, values, weight in zip(*strings, weights, strict=True):
        signs = 1j ** int(x & z).bit_count() * (-1.0) ** bit_counts(index & z)
        result[index ^ x] += weight * signs * (index & fixed == values) * vector
    return result
