"""Gathering: all matrices and tables of a plan, built from the pool by a few calls of NumPy.

While a recipe is built, its stages ask for matrices and tables, and get references to them. When it
is filled, the arrays of one shape are made together.
"""

from __future__ import annotations

import math
from collections import defaultdict
from collections.abc import Callable, Iterator, Sequence
from functools import lru_cache
from typing import NamedTuple, TypeAlias, TypeVar

from simquay.planning.numbers.patterns import Indices, diagonal_pattern, matrix_pattern
from simquay.planning.numbers.pool import Pool
from simquay.planning.numbers.products import ProductRecipe, Products, TableRecipe
from simquay.planning.tiled.block_types import Block, BlockType

__all__ = ["ArrayRef", "Filled", "GatherPlan", "GatherRecipe", "Late", "Part"]

Part: TypeAlias = tuple[int, tuple[int, ...]]
"""A factor of a table: the index of a block, and the bits of the table that its wires (and its
controls, or none of them) are."""

ArrayRef: TypeAlias = tuple[int, int]
"""A reference to an array: its kind, and its index among those of this kind. The kind is the length
of a table, ``-k`` for matrices on ``k`` bits, or 0 for arrays that are views of the pool."""

Filled: TypeAlias = dict[int, list[Pool]]
"""The arrays by kind."""

_T = TypeVar("_T")

Late: TypeAlias = Callable[[Filled], _T]
"""A part of a plan without its numbers: a function that makes the part from the arrays."""

_VIEW = 0
_FEW = 6  # bits: patterns of longer tables are rare, and would fill a cache


class GatherPlan:
    """The arrays that the stages of a plan ask for.

    Attributes:
        blocks: the blocks of the plan.
    """

    __slots__ = ("_matrices", "_tables", "_views", "blocks")

    def __init__(self, blocks: Sequence[Block]) -> None:
        self.blocks = blocks
        self._matrices: defaultdict[int, Products] = defaultdict(Products)
        self._tables: defaultdict[int, Products] = defaultdict(Products)
        self._views: list[tuple[int, tuple[int, ...]]] = []

    def matrix(self, block: int, order: tuple[int, ...]) -> ArrayRef:
        """Ask for a block's matrix. Bit ``j`` of its index is bit ``order[j]`` of the block's."""
        start = self.blocks[block][2]
        k = len(order)
        if k > 3 and order == tuple(range(k)):
            return self._view(start, (1 << k, 1 << k))
        return -k, self._matrices[k].add((_ordered_pattern(order),), (start,))

    def table(self, bits: int, parts: Sequence[Part]) -> ArrayRef:
        """Ask for the product of ``parts``, as a table over so many bits."""
        if bits > _FEW and len(parts) == 1:
            block, positions = parts[0]
            type_, _, start = self.blocks[block]
            if positions == tuple(range(bits)) and type_.size == bits and not type_.source:
                return self._view(start, (1 << bits,))
        make = _small_table_pattern if bits <= _FEW else _table_pattern
        blocks = self.blocks
        index = self._tables[1 << bits].add(
            [make(blocks[block][0], positions, bits) for block, positions in parts],
            [blocks[block][2] for block, _ in parts],
        )
        return 1 << bits, index

    def _view(self, start: int, shape: tuple[int, ...]) -> ArrayRef:
        self._views.append((start, shape))
        return _VIEW, len(self._views) - 1

    def recipe(self) -> GatherRecipe:
        """The recipe of all arrays that were asked for."""
        return GatherRecipe(
            [matrices.matrices(width) for width, matrices in self._matrices.items()],
            {length: tables.tables() for length, tables in self._tables.items()},
            self._views,
        )


class GatherRecipe(NamedTuple):
    """The arrays that a plan's stages asked for: matrices, tables by length, views of the pool."""

    matrices: list[ProductRecipe]
    tables: dict[int, TableRecipe]
    views: list[tuple[int, tuple[int, ...]]]

    def fill(self, pool: Pool) -> Filled:
        """The arrays, made from ``pool``."""
        return self._listed(pool, self._arrays(pool))

    def fill_sweep(self, pools: Pool) -> Iterator[Filled]:
        """The arrays of each gate list, made from pools of shape ``(lists, numbers)``."""
        whole = self._arrays(pools)
        for number, pool in enumerate(pools):
            yield self._listed(pool, [(kind, arrays[number]) for kind, arrays in whole])

    def fill_together(self, pools: Pool) -> Filled:
        """As :meth:`fill`; each array has an axis of gate lists in front."""
        filled = {kind: [*arrays.swapaxes(0, 1)] for kind, arrays in self._arrays(pools)}
        filled[_VIEW] = [
            pools[:, start : start + math.prod(shape)].reshape(-1, *shape)
            for start, shape in self.views
        ]
        return filled

    def _arrays(self, pool: Pool) -> list[tuple[int, Pool]]:
        return [
            *[(-matrices.width, matrices.fill(pool)) for matrices in self.matrices],
            *[(length, tables.fill(pool)) for length, tables in self.tables.items()],
        ]

    def _listed(self, pool: Pool, arrays: list[tuple[int, Pool]]) -> Filled:
        filled = {kind: list(own) for kind, own in arrays}
        filled[_VIEW] = [
            pool[start : start + math.prod(shape)].reshape(shape) for start, shape in self.views
        ]
        return filled


@lru_cache(maxsize=256)
def _ordered_pattern(order: tuple[int, ...]) -> Indices:
    bits = tuple(sorted(range(len(order)), key=order.__getitem__))
    return matrix_pattern(len(order), "m", bits, (), 0, b"")


def _table_pattern(type_: BlockType, positions: tuple[int, ...], bits: int) -> Indices:
    own, held = positions[: type_.size], positions[type_.size :]
    return diagonal_pattern(bits, own, held, type_.state, type_.extra)


_small_table_pattern = lru_cache(maxsize=1 << 13)(_table_pattern)
