"""Single and double precision: the two number formats of an amplitude."""

from __future__ import annotations

import enum

import numpy as np

__all__ = ["Precision"]


class Precision(enum.Enum):
    """The format of an amplitude: ``single`` is complex64 (8 bytes), ``double`` complex128 (16)."""

    SINGLE = "single"
    DOUBLE = "double"

    @property
    def complex_dtype(self) -> np.dtype[np.complexfloating]:
        """The NumPy type of an amplitude."""
        return np.dtype(np.complex64 if self is Precision.SINGLE else np.complex128)

    @property
    def real_dtype(self) -> np.dtype[np.floating]:
        """The NumPy type of an amplitude's real part."""
        return np.dtype(np.float32 if self is Precision.SINGLE else np.float64)

    @property
    def amplitude_bytes(self) -> int:
        """Bytes per amplitude."""
        return 8 if self is Precision.SINGLE else 16
