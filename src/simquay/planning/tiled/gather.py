"""Gathering: all matrices and tables of a plan, built from the pool by a few calls of NumPy.

While a recipe is built, its stages ask for matrices and tables, and get references to them. When it
is filled, the arrays of one shape are made together.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from functools import lru_cache
from typing import TypeAlias

import numpy as np
from numpy.typing import NDArray

from simquay.planning.tiled.block_types import BlockType
from simquay.planning.tiled.blocks.blocks import Blocks
from simquay.planning.tiled.numbers.pool import ONE, Pool
from simquay.program.bits import extract, spread

__all__ = ["ArrayRef", "Filled", "GatherPlan", "Part"]

Part: TypeAlias = tuple[int, tuple[int, ...]]
"""A factor of a table: the index of a block, and the bits of the table that its wires (and its
controls, or none of them) are."""

ArrayRef: TypeAlias = tuple[int, int]
"""A reference to an array: its kind, and its index among those of this kind. The kind is the length
of a table, ``-k`` for matrices on ``k`` bits, or 0 for arrays that are views of the pool."""

Filled: TypeAlias = dict[int, list[Pool]]
"""The arrays by kind."""

_VIEW = 0
_FEW = 6  # bits: patterns of longer tables are rare, and would fill a cache

_Pattern: TypeAlias = NDArray[np.intp]
"""For each entry of an array, which of a block's numbers it is; far below 0 stands for a 1."""

_FAR = -(1 << 40)


@dataclass(slots=True, eq=False)
class _Matrices:
    """Matrices of one size: where each starts in the pool, and its pattern among ``patterns``."""

    starts: list[int] = field(default_factory=list)
    which: list[int] = field(default_factory=list)
    orders: dict[tuple[int, ...], int] = field(default_factory=dict)
    patterns: list[_Pattern] = field(default_factory=list)

    def index(self) -> _Pattern:
        """The indices of the entries in the pool, by rows."""
        starts = np.array(self.starts, dtype=np.intp)[:, None]
        if len(self.patterns) == 1:
            return starts + self.patterns[0]
        index: _Pattern = np.array(self.patterns)[self.which]
        index += starts
        return index


@dataclass(slots=True, eq=False)
class _Tables:
    """Tables of one length, each the product of one or more factors."""

    starts: list[int] = field(default_factory=list)
    patterns: list[_Pattern] = field(default_factory=list)
    firsts: list[int] = field(default_factory=list)

    def index(self) -> _Pattern:
        """The indices of each factor's entries in the pool, by rows."""
        index = np.concatenate(self.patterns).reshape(len(self.patterns), -1)
        index += np.array(self.starts, dtype=np.intp)[:, None]
        result: _Pattern = np.maximum(index, ONE, out=index)
        return result


class GatherPlan:
    """The arrays that a plan's stages ask for. None may be asked for after the first fill."""

    __slots__ = (
        "_matrices",
        "_matrix_indices",
        "_starts",
        "_table_indices",
        "_tables",
        "_types",
        "_views",
    )

    def __init__(self, blocks: Blocks) -> None:
        self._types = blocks.types
        self._starts = blocks.starts
        self._matrices: dict[int, _Matrices] = {}
        self._tables: dict[int, _Tables] = {}
        self._views: list[tuple[int, tuple[int, ...]]] = []
        self._matrix_indices: dict[int, _Pattern] | None = None
        self._table_indices: dict[int, tuple[_Pattern, list[int] | None]] = {}

    def matrix(self, block: int, order: tuple[int, ...]) -> ArrayRef:
        """Ask for a block's matrix. Bit ``j`` of its index is bit ``order[j]`` of the block's."""
        start = self._starts[block]
        k = len(order)
        if k > 3 and order == tuple(range(k)):
            return self._view(start, (1 << k, 1 << k))
        alike = self._matrices.get(k)
        if alike is None:
            alike = self._matrices[k] = _Matrices()
        which = alike.orders.get(order)
        if which is None:
            which = alike.orders[order] = len(alike.patterns)
            alike.patterns.append(_matrix_pattern(order))
        starts = alike.starts
        starts.append(start)
        alike.which.append(which)
        return -k, len(starts) - 1

    def table(self, bits: int, parts: Sequence[Part]) -> ArrayRef:
        """Ask for the product of ``parts``, as a table over so many bits."""
        if bits > _FEW and len(parts) == 1:
            block, positions = parts[0]
            type_ = self._types[block]
            if positions == tuple(range(bits)) and type_.size == bits and type_.entries is None:
                return self._view(self._starts[block], (1 << bits,))
        alike = self._tables.get(1 << bits)
        if alike is None:
            alike = self._tables[1 << bits] = _Tables()
        alike.firsts.append(len(alike.starts))
        make = _small_table_pattern if bits <= _FEW else _table_pattern
        starts, types = self._starts, self._types
        alike.starts += [starts[block] for block, _ in parts]
        alike.patterns += [make(types[block], positions, bits) for block, positions in parts]
        return 1 << bits, len(alike.firsts) - 1

    def _view(self, start: int, shape: tuple[int, ...]) -> ArrayRef:
        self._views.append((start, shape))
        return _VIEW, len(self._views) - 1

    def fill(self, pool: Pool) -> Filled:
        """The arrays that were asked for, made from ``pool``."""
        if self._matrix_indices is None:
            self._matrix_indices = {k: alike.index() for k, alike in self._matrices.items()}
            self._table_indices = {
                length: (
                    alike.index(),
                    alike.firsts if len(alike.firsts) < len(alike.starts) else None,
                )
                for length, alike in self._tables.items()
            }
            self._matrices.clear()
            self._tables.clear()
        filled: Filled = {}
        for k, index in self._matrix_indices.items():
            filled[-k] = list(pool.take(index).reshape(-1, 1 << k, 1 << k))
        for length, (index, firsts) in self._table_indices.items():
            found: Pool = pool.take(index)
            if firsts is not None:
                found = np.multiply.reduceat(found, firsts, axis=0)
            filled[length] = list(found)
        if self._views:
            filled[_VIEW] = [
                pool[start : start + int(np.prod(shape))].reshape(shape)
                for start, shape in self._views
            ]
        return filled


def _matrix_pattern(order: tuple[int, ...]) -> _Pattern:
    index = spread(order)
    pattern: _Pattern = ((index << len(order))[:, None] + index).ravel()
    return pattern


def _table_pattern(type_: BlockType, positions: tuple[int, ...], bits: int) -> _Pattern:
    own: _Pattern = extract(np.arange(1 << bits), positions)
    idle = (
        (own >> type_.size) != type_.state
        if len(positions) > type_.size
        else np.zeros(1, dtype=bool)
    )
    own &= (1 << type_.size) - 1
    if type_.entries is not None:
        own = np.array(type_.entries, dtype=np.intp)[own]
    pattern: _Pattern = np.where(idle, _FAR, own)
    return pattern


_small_table_pattern = lru_cache(maxsize=1 << 13)(_table_pattern)
