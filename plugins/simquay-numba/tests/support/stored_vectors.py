"""Random vectors to store in states, in any storage order."""

from __future__ import annotations

import numpy as np

from simquay.engine_api import Precision
from simquay_numba.engine import NumbaEngine

__all__ = ["TINY", "TOLERANCE", "random_vectors"]

TOLERANCE = {Precision.DOUBLE: 1e-12, Precision.SINGLE: 1e-5}

TINY = NumbaEngine(tile=(6, 5), low=(4, 3), small=0, threads=2)
"""Tiles as small as can be, for every state: many tiles, many passes."""


def random_vectors(rng: np.random.Generator, batch: int, stored: int) -> np.ndarray:
    """``batch`` normalised vectors of ``stored`` qubits."""
    size = (batch, 1 << stored)
    vectors = rng.normal(size=size) + 1j * rng.normal(size=size)
    return np.asarray(vectors / np.linalg.norm(vectors, axis=1, keepdims=True))
