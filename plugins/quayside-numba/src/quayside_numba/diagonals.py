"""Diagonal stages → tables of factors, one block an entry.

A group depends on few bits, so its factors are few: a table has a block for each value of the
group's high bits, in which every lane has its factor. Where no factor depends on the tile, the
table is made here; otherwise each tile makes it anew, from a description.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import lru_cache
from itertools import groupby
from typing import Any

import numpy as np
from numpy.typing import NDArray

from quayside.planning.tile_plan import DiagonalGroup, DiagonalTerm
from quayside_numba.geometry import diagonal_indices
from quayside_numba.kernels import BLOCK_BYTES
from quayside_numba.memory import Pool
from quayside_numba.vectors import VECTOR_BYTES

__all__ = ["MAX_GROUPS", "GroupFactors", "Tables", "group_factors"]

MAX_GROUPS = 4
"""Groups that one trip through the buffer multiplies by."""


@dataclass(frozen=True, slots=True, eq=False)
class GroupFactors:
    """A group in the terms of a buffer.

    Attributes:
        group: the group.
        indices: for each block of the buffer, the byte offset of its factors in the table.
        sub: for each lane, what it adds to the factor's index, -1 where its factor is 1; None
            where all lanes are alike.
        high: how many of the group's bits are high.
        blocks: the table, shape ``(2**high + 1, 2, W)``; None if it depends on the tile.
    """

    group: DiagonalGroup
    indices: NDArray[np.int32]
    sub: NDArray[np.int32] | None
    high: int
    blocks: NDArray[Any] | None


def group_factors(group: DiagonalGroup, lanes: int, high: int, real: np.dtype[Any]) -> GroupFactors:
    """``group`` for a buffer of ``2**high`` blocks of ``2**lanes`` amplitudes."""
    width = 1 << lanes
    lane_bits = tuple(bit for bit in group.bits if bit < lanes)
    high_bits = tuple(bit - lanes for bit in group.bits if bit >= lanes)
    mask, value = group.local_mask, group.local_value
    indices = diagonal_indices(high, high_bits, mask >> lanes, value >> lanes)
    sub = None
    if lane_bits or mask & (width - 1):
        sub = _lane_indices(width, lane_bits, mask & (width - 1), value & (width - 1))
    blocks = None
    first = group.terms[0]
    if len(group.terms) == 1 and not first.outer and not first.outer_mask:
        factors = first.table.reshape(1 << len(high_bits), 1 << len(lane_bits))
        if sub is None:
            spread = np.broadcast_to(factors, (len(factors), width))
        else:
            spread = factors[:, np.maximum(sub, 0)]
            spread[:, sub < 0] = 1
        blocks = np.zeros((len(factors) + 1, 2, width), dtype=real)
        blocks[:-1, 0] = spread.real
        blocks[:-1, 1] = spread.imag
        blocks[-1, 0] = 1
    return GroupFactors(group, indices, sub, len(high_bits), blocks)


@lru_cache(maxsize=512)
def _lane_indices(width: int, bits: tuple[int, ...], mask: int, value: int) -> NDArray[np.int32]:
    lane = np.arange(width, dtype=np.int32)
    sub = np.zeros_like(lane)
    for place, bit in enumerate(bits):
        sub |= (lane >> bit & 1) << place
    sub[(lane & mask) != value] = -1
    sub.flags.writeable = False
    return sub


@lru_cache(maxsize=1024)
def _where(bits: int, places: tuple[int, ...]) -> NDArray[np.int32]:
    """For an index of ``bits`` bits, the number made of its bits at ``places``."""
    index = np.arange(1 << bits, dtype=np.int32)
    result = np.zeros_like(index)
    for place, bit in enumerate(places):
        result |= (index >> bit & 1) << place
    result.flags.writeable = False
    return result


class Tables:
    """Descriptions of the tables that each tile makes; see :func:`~.kernels._build_table`."""

    def __init__(self) -> None:
        self._words: list[int] = []
        self._pointed: list[tuple[int, int]] = []  # word, block of the pool
        self._starts: list[tuple[int, int]] = []  # line, word
        self._memory = np.zeros(0, dtype=np.int64)

    def describe(
        self, line: int, factors: GroupFactors, place: int, real: np.dtype[Any], pool: Pool
    ) -> int:
        """Describe a table at ``place`` of the scratch memory, for the instruction ``line``.

        Returns the first place after what making it needs.
        """
        group = factors.group
        pair = 2 * real.itemsize
        k = len(group.bits)
        # The numbers on the way stand behind the table, and what comes next behind them.
        along = place + _aligned(((1 << factors.high) + 1) * BLOCK_BYTES)
        product = along + _aligned(pair << k)
        end = product + _aligned(pair << max(len(term.places) for term in group.terms))
        terms: Sequence[DiagonalTerm] = group.terms
        self._starts.append((line, len(self._words)))
        lanes = 0 if factors.sub is None else self._index(factors.sub, pool)
        self._words += [k, factors.high, lanes, place, along, product, 0, 0]
        header = len(self._words)
        if not terms[0].outer and not terms[0].outer_mask:
            self._pointed.append((header - 2, pool.add(_reals(terms[0].table, real))))
            terms = terms[1:]
        for places, run in groupby(terms, key=lambda term: term.places):
            self._words[header - 1] += 1
            members = list(run)
            where = self._index(_where(k, places), pool)
            self._words += [len(places), where, len(members)]
            for term in members:
                self._words += [term.outer_mask, term.outer_value, 0, len(term.outer), *term.outer]
                word = len(self._words) - len(term.outer) - 2
                self._pointed.append((word, pool.add(_reals(term.table, real))))
        return end

    def _index(self, values: NDArray[np.int32], pool: Pool) -> int:
        pool.keep.append(values)
        return values.ctypes.data

    def settle(self, pool_address: int, pool: Pool) -> Iterator[tuple[int, int]]:
        """Each instruction's line and its description's address, once the pool is settled."""
        for word, block in self._pointed:
            self._words[word] = pool_address + pool.offset(block)
        self._memory = np.array(self._words, dtype=np.int64)
        for line, start in self._starts:
            yield line, self._memory.ctypes.data + 8 * start


def _aligned(count: int) -> int:
    return -(-count // VECTOR_BYTES) * VECTOR_BYTES


def _reals(table: NDArray[Any], real: np.dtype[Any]) -> NDArray[Any]:
    return table.astype(np.result_type(real, np.complex64)).view(real)
