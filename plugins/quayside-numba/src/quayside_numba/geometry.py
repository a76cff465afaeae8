"""Index lists that instructions point at: which blocks form a group, and where a block lies.

The lists depend on a tile's shape and on bits alone, so they are made once and kept.
"""

from __future__ import annotations

from collections.abc import Sequence
from functools import lru_cache
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from quayside_numba.kernels import BLOCK_BYTES
from quayside_numba.vectors import VECTOR_BYTES

__all__ = [
    "MatrixPlaces",
    "bits_of",
    "block_groups",
    "deposited",
    "diagonal_indices",
    "local_offsets",
    "matrix_places",
]

_CACHE = 4096
"""Lists of a kind that are kept; each has some kilobytes."""


def deposited(count: int, bits: Sequence[int]) -> NDArray[np.int64]:
    """The numbers below ``2**count`` with bit ``j`` moved to ``bits[j]``."""
    result = np.zeros(1, dtype=np.int64)
    for bit in bits[:count]:
        result = np.concatenate([result, result | (1 << bit)])
    return result


def bits_of(mask: int) -> list[int]:
    """The set bits of a mask, ascending."""
    return [bit for bit in range(mask.bit_length()) if mask >> bit & 1]


def _frozen(values: NDArray[Any], dtype: Any) -> NDArray[Any]:
    result = np.ascontiguousarray(values, dtype=dtype)
    result.flags.writeable = False
    return result


@lru_cache(maxsize=_CACHE)
def block_groups(high: int, bits: tuple[int, ...], mask: int, value: int) -> NDArray[np.int32]:
    """Byte offsets of the blocks whose ``bits`` are 0 and whose bits ``mask`` are ``value``.

    Bits are those of the block's number, of which there are ``high``.
    """
    taken = set(bits).union(bits_of(mask))
    free = [bit for bit in range(high) if bit not in taken]
    return _frozen((deposited(len(free), free) | value) * BLOCK_BYTES, np.int32)


@lru_cache(maxsize=_CACHE)
def local_offsets(
    total: int, lanes: int, bits: tuple[int, ...], mask: int, value: int
) -> tuple[NDArray[np.int32], NDArray[np.int32]]:
    """As :func:`block_groups` for amplitudes by local index, of ``total`` bits; and the byte
    distances of the ``2**k`` amplitudes of a group."""
    taken = set(bits).union(bits_of(mask))
    free = [bit for bit in range(total) if bit not in taken]
    bases = _byte_offset(deposited(len(free), free) | value, lanes)
    return bases, _byte_offset(deposited(len(bits), bits), lanes)


def _byte_offset(local: NDArray[np.int64], lanes: int) -> NDArray[np.int32]:
    inside = local & ((1 << lanes) - 1)
    return _frozen((local >> lanes) * BLOCK_BYTES + inside * (VECTOR_BYTES >> lanes), np.int32)


@lru_cache(maxsize=_CACHE)
def diagonal_indices(high: int, bits: tuple[int, ...], mask: int, value: int) -> NDArray[np.int32]:
    """For each block, the byte offset of its factors in a table over ``bits`` of its number.

    Blocks whose bits ``mask`` are not ``value`` take the entry after the last.
    """
    blocks = np.arange(1 << high)
    entry = np.zeros_like(blocks)
    for place, bit in enumerate(bits):
        entry |= (blocks >> bit & 1) << place
    entry[(blocks & mask) != value] = 1 << len(bits)
    return _frozen(entry * BLOCK_BYTES, np.int32)


class MatrixPlaces(NamedTuple):
    """Which entry of a matrix each coefficient of a dense kernel is.

    ``rows`` and ``columns`` have shape ``(2**high, 2**high, 2**len(lanes), width)``: the
    coefficient for row ``r``, column ``c``, flip ``s`` and lane ``i`` takes the amplitude in lane
    ``i`` flipped by ``s``. ``places`` says the same of the matrix as a row of reals, with the real
    and the imaginary part along one more axis before the last. ``idle`` are lanes to leave alone.
    """

    rows: NDArray[np.intp]
    columns: NDArray[np.intp]
    places: NDArray[np.intp]
    idle: NDArray[np.bool_]


@lru_cache(maxsize=_CACHE)
def matrix_places(
    width: int, lanes: tuple[int, ...], high: int, mask: int, value: int
) -> MatrixPlaces:
    """For a matrix whose lowest index bits are the ``lanes``, followed by ``high`` bits."""
    k = len(lanes)
    lane = np.arange(width)
    sub = np.zeros_like(lane)
    for place, bit in enumerate(lanes):
        sub |= (lane >> bit & 1) << place
    r = np.arange(1 << high)[:, None, None, None]
    c = np.arange(1 << high)[None, :, None, None]
    s = np.arange(1 << k)[None, None, :, None]
    shape = (1 << high, 1 << high, 1 << k, width)
    rows = np.broadcast_to(r << k | sub, shape)
    columns = np.broadcast_to(c << k | (sub ^ s), shape)
    pairs = 2 * (rows << (k + high) | columns)
    return MatrixPlaces(
        _frozen(rows, np.intp),
        _frozen(columns, np.intp),
        _frozen(np.stack([pairs, pairs + 1], axis=3), np.intp),
        _frozen((lane & mask) != value, np.bool_),
    )
