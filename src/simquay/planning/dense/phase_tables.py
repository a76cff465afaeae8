"""The diagonals of a plan as tables, all of them computed together.

The bits of a table are cut into *chunks* of four. All gates between two chunks are one small table
of 256 entries: their product. The small tables of all tables are one indexed read and one product
by runs. A table is then built chunk by chunk: it repeats for each value of the next chunk, times
the small tables between that chunk and those below.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from functools import lru_cache
from typing import NamedTuple

import numpy as np

from simquay.planning.numbers.patterns import Indices, diagonal_pattern
from simquay.planning.numbers.pool import Pool
from simquay.planning.numbers.products import Products, TableRecipe
from simquay.planning.wires import WireGate

__all__ = ["DiagonalRecipes", "Diagonals"]

_CHUNK = 4
_SIZE = 1 << _CHUNK


class _Table(NamedTuple):
    """A table.

    Attributes:
        width: how many bits its index has.
        pairs: the indices of its small tables by their chunks, higher first.
        others: for gates on three chunks or more, the bits of their own tables, ascending, and
            where the entries of these are in the pool.
    """

    width: int
    pairs: dict[tuple[int, int], int]
    others: list[tuple[tuple[int, ...], Indices]]


class Diagonals:
    """Collects diagonals, whose tables are to be computed together."""

    def __init__(self, starts: Sequence[int]) -> None:
        """``starts`` is where the numbers of each gate start in the pool."""
        self._starts = starts
        self._tables: list[_Table] = []
        self._small = Products()

    def add(self, wire_gates: Iterable[WireGate], wires: Sequence[int]) -> int:
        """Take in the product of diagonals, ``wire_gates``; returns the index of its table.

        Bit ``j`` of the table's index is ``wires[j]``.
        """
        bit_of = {wire: bit for bit, wire in enumerate(wires)}
        members: dict[tuple[int, int], tuple[list[Indices], list[int]]] = {}
        others = []
        for gate, _, acts, held, state, select in wire_gates:
            bits = tuple([bit_of[wire] for wire in acts])
            controls = tuple([bit_of[wire] for wire in held]) if held else held
            extra = b"" if select is None else select.tobytes()
            chunks, positions, pattern = _located(bits, controls, state, extra)
            if chunks is None:
                others.append((positions, pattern + self._starts[gate]))
                continue
            patterns, starts = members.setdefault(chunks, ([], []))
            patterns.append(pattern)
            starts.append(self._starts[gate])
        pairs = {chunks: self._small.add(*group) for chunks, group in members.items()}
        self._tables.append(_Table(len(wires), pairs, others))
        return len(self._tables) - 1

    def recipes(self) -> DiagonalRecipes:
        """The recipes of all tables that were taken in."""
        small = self._small.tables() if self._small.lengths else None
        return DiagonalRecipes(tuple(self._tables), small)


class DiagonalRecipes(NamedTuple):
    """The recipes of the tables of all diagonals."""

    tables: tuple[_Table, ...]
    small: TableRecipe | None

    def fill(self, pool: Pool) -> list[Pool]:
        """The tables by index, each of shape ``(..., 2**width)``, for a pool of shape
        ``(..., numbers)``: that of one gate list, or those of a sweep."""
        small = self.small.fill(pool) if self.small else pool[..., :0]
        return [_fill_table(table, small, pool) for table in self.tables]


def _fill_table(recipe: _Table, small: Pool, pool: Pool) -> Pool:
    width, pairs, others = recipe
    sweep = pool.shape[:-1]
    first = pairs.get((1, 0))
    size = 1 << min(width, 2 * _CHUNK)
    if first is None:
        table = np.ones((*sweep, size), dtype=np.complex128)
    else:
        table = small[..., first, :size].copy()
    for done in range(2 * _CHUNK, width, _CHUNK):
        chunk = done // _CHUNK
        rows = 1 << min(_CHUNK, width - done)
        # The small tables of this chunk and those below but the highest, as one: a row for each
        # value of this chunk.
        factor = np.ones((*sweep, rows, 1), dtype=np.complex128)
        parts = [
            (low, small[..., pairs[chunk, low], : rows * _SIZE].reshape(*sweep, rows, _SIZE, 1))
            for low in range(chunk)
            if (chunk, low) in pairs
        ]
        inner = table.reshape(*sweep, 1, _SIZE, -1)
        if (chunk, chunk - 1) in pairs:
            grown = parts.pop()[1] * inner
        else:
            grown = np.repeat(inner, rows, -3)
        for low, part in parts:
            repeated = np.tile(factor, _SIZE**low // factor.shape[-1])
            factor = (part * repeated[..., None, :]).reshape(*sweep, rows, -1)
        if parts:
            view = grown.reshape(*sweep, rows, -1, factor.shape[-1])
            view *= factor[..., None, :]
        table = grown.reshape(*sweep, -1)
    for positions, where in others:
        bits = [2 if bit in positions else 1 for bit in reversed(range(width))]
        entries = pool.take(where, -1, mode="clip").reshape(*sweep, *bits)
        view = table.reshape(*sweep, *[2] * width)
        view *= entries
    return table


@lru_cache(maxsize=8192)
def _located(
    bits: tuple[int, ...], held: tuple[int, ...], state: int, extra: bytes
) -> tuple[tuple[int, int] | None, tuple[int, ...], Indices]:
    """The table that takes in a gate, whose targets and controls are at ``bits`` and ``held``.

    Returns its two chunks, higher first, an empty tuple, and the pattern of a small table; or, for
    a gate on more chunks, None, the bits of its own table (ascending), and the pattern of that.
    """
    everything = sorted((*bits, *held))
    chunks = {position // _CHUNK for position in everything}
    if len(chunks) > 2:
        local = tuple([everything.index(bit) for bit in bits])
        controls = tuple([everything.index(bit) for bit in held])
        index = diagonal_pattern(len(everything), local, controls, state, extra)
        return None, tuple(everything), index
    high = max(chunks, default=0) or 1
    low = min(chunks, default=0)
    if low == high:
        low = 0
    inner = {}
    for bit in everything:
        chunk, lowest = divmod(bit, _CHUNK)
        inner[bit] = lowest + _CHUNK if chunk == high else lowest
    local = tuple([inner[bit] for bit in bits])
    controls = tuple([inner[bit] for bit in held])
    return (high, low), (), diagonal_pattern(2 * _CHUNK, local, controls, state, extra)
