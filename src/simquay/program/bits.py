"""Sets of bits and moves of bits, for indices whose bits stand for qubits.

Bit 0 is the lowest. A *mask* is a Python integer that stands for a set of bits; it may have any
size. :func:`deposit` and :func:`extract` are the PDEP and PEXT instructions of x86, with the bits
in any order.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any, TypeVar, overload

import numpy as np
from numpy.typing import NDArray

__all__ = ["bit_counts", "bits_of", "deposit", "extract", "mask_of", "spread"]

_Indices = TypeVar("_Indices", bound=NDArray[np.integer[Any]])


def mask_of(bits: Iterable[int]) -> int:
    """The mask in which ``bits`` are set; a bit that is given twice is set once."""
    mask = 0
    for bit in bits:
        mask |= 1 << bit
    return mask


def bits_of(mask: int) -> list[int]:
    """The bits that are set in ``mask`` (not negative), ascending."""
    bits = []
    while mask:
        low = mask & -mask
        bits.append(low.bit_length() - 1)
        mask ^= low
    return bits


def bit_counts(masks: NDArray[np.int64]) -> NDArray[np.int64]:
    """How many bits are set in each of ``masks``, int64 of any shape."""
    octets = np.ascontiguousarray(masks)[..., None].view(np.uint8)
    counts: NDArray[np.int64] = np.unpackbits(octets, axis=-1).sum(axis=-1, dtype=np.int64)
    return counts


@overload
def deposit(values: int, bits: Sequence[int]) -> int: ...
@overload
def deposit(values: _Indices, bits: Sequence[int]) -> _Indices: ...
def deposit(values: Any, bits: Sequence[int]) -> Any:
    """``values`` with bit ``j`` moved to ``bits[j]``; the bits from ``len(bits)`` on are dropped.

    ``values`` is an integer or an array of integers of any shape; an array's type must have room
    for ``bits``, and the result has the same type.
    """
    result = values & 0
    for place, bit in enumerate(bits):
        result |= (values >> place & 1) << bit
    return result


@overload
def extract(values: int, bits: Sequence[int]) -> int: ...
@overload
def extract(values: _Indices, bits: Sequence[int]) -> _Indices: ...
def extract(values: Any, bits: Sequence[int]) -> Any:
    """``values`` with bit ``bits[j]`` moved to ``j``; all other bits are dropped.

    ``values`` is an integer or an array of integers of any shape; the result has the same type.
    Undoes :func:`deposit`.
    """
    result = values & 0
    for place, bit in enumerate(bits):
        result |= (values >> bit & 1) << place
    return result


def spread(bits: Sequence[int]) -> NDArray[np.intp]:
    """``deposit(i, bits)`` for every ``i`` of ``len(bits)`` bits: shape ``(2**len(bits),)``, intp.

    With ``bits`` ascending, these are the indices of which no other bit is set, ascending.
    """
    indices = np.zeros(1, dtype=np.intp)
    for bit in bits:
        indices = np.concatenate([indices, indices | 1 << bit])
    return indices
