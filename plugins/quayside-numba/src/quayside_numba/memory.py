"""Aligned memory: of threads, of states, and of the numbers that instructions point at."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from quayside_numba.vectors import VECTOR_BYTES

__all__ = ["Pool", "aligned_bytes"]


def aligned_bytes(count: int, alignment: int = VECTOR_BYTES) -> NDArray[np.uint8]:
    """``count`` bytes without a value, at an address that is a multiple of ``alignment``."""
    raw = np.empty(count + alignment, dtype=np.uint8)
    start = -raw.ctypes.data % alignment
    return raw[start : start + count]


class Pool:
    """Many small arrays of one real type in one aligned piece of memory.

    Args:
        real: the type of what is added; complex arrays are added as pairs of reals.
    """

    def __init__(self, real: np.dtype[Any]) -> None:
        self.keep: list[Any] = []
        self._real = real
        self._step = VECTOR_BYTES // real.itemsize
        self._blocks: list[NDArray[Any]] = []
        self._offsets: list[int] = []
        self._size = 0

    def add(self, values: NDArray[Any]) -> int:
        """Take a copy of ``values``; the number to ask :meth:`offset` with."""
        self._blocks.append(values)
        self._offsets.append(self._size)
        self._size += -(-values.size // self._step) * self._step
        return len(self._offsets) - 1

    def offset(self, number: int) -> int:
        """Where a block starts, in bytes."""
        return self._offsets[number] * self._real.itemsize

    def settle(self) -> int:
        """Copy all that was added to where it stays; its address. To be called once, at the end."""
        memory = aligned_bytes(self._size * self._real.itemsize)
        reals = memory.view(self._real)
        for start, block in zip(self._offsets, self._blocks, strict=True):
            reals[start : start + block.size] = block.ravel()
        self.keep.append(memory)
        self._blocks.clear()
        return memory.ctypes.data
