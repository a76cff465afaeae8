"""Index lists that instructions and fills refer to: the blocks of a group, the place of a block,
the matrix entry of a coefficient.

The lists depend on a tile's shape and on bits alone, so they are made once and kept. They are
read-only. Byte offsets are those in a tile's buffer.
"""

from __future__ import annotations

from functools import lru_cache
from typing import Any, TypeVar

import numpy as np
from numpy.typing import NDArray

from simquay.engine_api import bits_of, extract, spread
from simquay_numba.assembly.template import Shape
from simquay_numba.kernels.packing import ONE, ZERO
from simquay_numba.kernels.run import BLOCK_BYTES
from simquay_numba.kernels.vectors import VECTOR_BYTES

__all__ = [
    "block_distances",
    "block_groups",
    "by_place",
    "compact_codes",
    "diagonal_indices",
    "factor_codes",
    "index_within",
    "local_offsets",
    "matrix_codes",
    "permutation_codes",
    "prepare_codes",
]

_Integer = TypeVar("_Integer", np.int32, np.int64)

_CACHE = 4096
"""The most lists of one kind that are kept; each has some kilobytes."""


def _frozen(values: NDArray[Any], dtype: Any) -> NDArray[Any]:
    result = np.ascontiguousarray(values, dtype=dtype)
    result.flags.writeable = False
    return result


def block_groups(shape: Shape, bits: tuple[int, ...], mask: int, value: int) -> NDArray[np.int32]:
    """Byte offsets of the blocks whose ``bits`` are 0 and whose bits ``mask`` are ``value``, in
    ascending order.

    ``bits`` and ``mask`` are on the block's number.
    """
    groups = _groups(shape.high, bits, mask, value)
    if not shape.masks:
        return groups
    moved = _places(shape)[groups // BLOCK_BYTES]
    moved.sort()
    moved *= BLOCK_BYTES
    moved.flags.writeable = False
    return moved


def block_distances(shape: Shape, bits: tuple[int, ...]) -> NDArray[np.int32]:
    """How the byte offset of a block changes with each value of its ``bits``, of which all are 0
    before: by an exclusive or."""
    places = spread(bits)
    if shape.masks:
        places = _places(shape)[places] ^ shape.origin
    return _frozen(places * BLOCK_BYTES, np.int32)


def by_place(shape: Shape, numbers: NDArray[_Integer]) -> NDArray[_Integer]:
    """Numbers of blocks, in the order of the blocks' places."""
    if not shape.masks:
        return numbers
    moved = np.empty_like(numbers)
    moved[_places(shape)] = numbers
    moved.flags.writeable = False
    return moved


def _places(shape: Shape) -> NDArray[np.int32]:
    return _all_places(shape.masks, shape.origin)


@lru_cache(maxsize=64)
def _all_places(masks: tuple[int, ...], origin: int) -> NDArray[np.int32]:
    places = np.full(1 << len(masks), origin, dtype=np.int32)
    for bit, mask in enumerate(masks):
        places[1 << bit : 2 << bit] = places[: 1 << bit] ^ mask
    places.flags.writeable = False
    return places


@lru_cache(maxsize=_CACHE)
def _groups(high: int, bits: tuple[int, ...], mask: int, value: int) -> NDArray[np.int32]:
    taken = set(bits).union(bits_of(mask))
    free = [bit for bit in range(high) if bit not in taken]
    return _frozen((spread(free) | value) * BLOCK_BYTES, np.int32)


def local_offsets(
    shape: Shape, bits: tuple[int, ...], mask: int, value: int
) -> tuple[NDArray[np.int32], NDArray[np.int32]]:
    """As :func:`block_groups`, for amplitudes by local index.

    Returns also how the byte offset changes with the values of a group's bits, as
    :func:`block_distances` does.
    """
    bases, distances = _local_offsets(shape.total, shape.lanes, bits, mask, value)
    if not shape.masks:
        return bases, distances
    places = _places(shape) * BLOCK_BYTES
    moved = [
        places[offsets // BLOCK_BYTES] | offsets % BLOCK_BYTES for offsets in (bases, distances)
    ]
    moved[1] ^= shape.origin * BLOCK_BYTES
    return _frozen(moved[0], np.int32), _frozen(moved[1], np.int32)


@lru_cache(maxsize=_CACHE)
def _local_offsets(
    total: int, lanes: int, bits: tuple[int, ...], mask: int, value: int
) -> tuple[NDArray[np.int32], NDArray[np.int32]]:
    taken = set(bits).union(bits_of(mask))
    free = [bit for bit in range(total) if bit not in taken]
    bases = _byte_offset(spread(free) | value, lanes)
    return bases, _byte_offset(spread(bits), lanes)


def _byte_offset(local: NDArray[np.intp], lanes: int) -> NDArray[np.int32]:
    inside = local & ((1 << lanes) - 1)
    return _frozen((local >> lanes) * BLOCK_BYTES + inside * (VECTOR_BYTES >> lanes), np.int32)


def diagonal_indices(
    shape: Shape, bits: tuple[int, ...], mask: int, value: int
) -> NDArray[np.int32]:
    """For the block at each place, the byte offset of its factors in a table over ``bits`` of its
    number.

    Blocks whose bits ``mask`` are not ``value`` take the entry after the last.
    """
    indices = _diagonal_indices(shape.high, bits, mask, value)
    return by_place(shape, indices)


@lru_cache(maxsize=_CACHE)
def _diagonal_indices(high: int, bits: tuple[int, ...], mask: int, value: int) -> NDArray[np.int32]:
    entry = index_within(high, bits, mask, value)
    return _frozen(np.where(entry < 0, 1 << len(bits), entry) * BLOCK_BYTES, np.int32)


@lru_cache(maxsize=_CACHE)
def matrix_codes(
    width: int, lanes: tuple[int, ...], high: int, mask: int, value: int, complex_form: bool
) -> NDArray[np.int32]:
    """The matrix entry that each coefficient of a dense kernel is, in the kernel's order.

    The matrix is row-major; the lowest bits of its index are the ``lanes``, then come ``high``
    bits. Coefficients have the axes row, column, flip, (complex form) part, lane: the one for row
    ``r``, column ``c``, flip ``s`` and lane ``i`` takes the amplitude in lane ``i`` flipped by
    ``s``. A code is the index of a real number in the matrix, taken as reals; or ``ONE`` or
    ``ZERO`` in lanes whose bits ``mask`` are not ``value``, which keep their amplitudes.
    """
    k = len(lanes)
    lane = np.arange(width)
    sub = extract(lane, lanes)
    r = np.arange(1 << high)[:, None, None, None]
    c = np.arange(1 << high)[None, :, None, None]
    s = np.arange(1 << k)[None, None, :, None]
    rows = r << k | sub
    columns = c << k | (sub ^ s)
    real = np.where((lane & mask) == value, 2 * (rows << (k + high) | columns), ZERO)
    imag = np.where(real == ZERO, ZERO, real + 1)
    real[(real == ZERO) & (rows == columns)] = ONE
    return _frozen((np.stack([real, imag], axis=3) if complex_form else real).ravel(), np.int32)


def permutation_codes(codes: NDArray[np.int32], table: NDArray[np.intp]) -> NDArray[np.int32]:
    """The codes of a kernel for a permutation matrix: 1 at row ``r``, column ``table[r]``."""
    size = len(table)
    entry = codes >> 1
    one = (codes & 1 == 0) & (table[entry // size % size] == entry % size)
    return _frozen(np.where(codes < 0, codes, np.where(one, ONE, ZERO)), np.int32)


def prepare_codes(codes: NDArray[np.int32], size: int) -> NDArray[np.int32]:
    """The codes of a kernel for a matrix with the given first column; the others are 0."""
    row, column = (codes >> 1) // size, (codes >> 1) % size
    return _frozen(np.where(column == 0, 2 * row + (codes & 1), ZERO), np.int32)


@lru_cache(maxsize=_CACHE)
def factor_codes(
    total: int, lanes: tuple[int, ...], high: int, mask: int, value: int
) -> NDArray[np.int32]:
    """The factor that each number in a diagonal's table of blocks is.

    The table has shape ``(2**high + 1, 2, 2**total)``; the lowest bits of the factors' index are
    the ``lanes``. Lanes whose bits ``mask`` are not ``value``, and the last block, are 1.
    """
    sub = index_within(total, lanes, mask, value)
    factor = (np.arange(1 << high)[:, None] << len(lanes)) + sub
    codes = np.empty(((1 << high) + 1, 2, 1 << total), dtype=np.int32)
    codes[:-1, 0] = np.where(sub < 0, ONE, 2 * factor)
    codes[:-1, 1] = np.where(sub < 0, ZERO, 2 * factor + 1)
    codes[-1, 0] = ONE
    codes[-1, 1] = ZERO
    return _frozen(codes.ravel(), np.int32)


@lru_cache(maxsize=_CACHE)
def compact_codes(high: int) -> NDArray[np.int32]:
    """As :func:`factor_codes` for a table of one complex number a block, where lanes are alike."""
    return _frozen(np.append(np.arange(2 << high), [ONE, ZERO]), np.int32)


@lru_cache(maxsize=_CACHE)
def index_within(
    bits: int, places: tuple[int, ...], mask: int = 0, value: int = 0
) -> NDArray[np.int32]:
    """For an index of ``bits`` bits, the number made of its bits at ``places``; -1 for an index
    whose bits ``mask`` are not ``value``."""
    index = np.arange(1 << bits)
    return _frozen(np.where((index & mask) == value, extract(index, places), -1), np.int32)
