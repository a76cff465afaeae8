"""The arrays of a plan: which numbers of the pool each matrix and table of a stage is made of.

A stage asks for a matrix or a table, and gets a reference. The arrays of all stages are then
gathered together.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import TypeAlias

import numpy as np

from simquay.planning.numbers.patterns import diagonal_pattern, matrix_pattern
from simquay.planning.numbers.pool import FIRST, Pool
from simquay.planning.numbers.products import ProductRecipe, product_recipe
from simquay.planning.numbers.tables import Factor, TableRecipe, table_recipe
from simquay.planning.tiled.blocks.blocks import Blocks

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
_FEW = 6  # bits: longer tables of one factor may be views


@dataclass(slots=True, eq=False)
class _Matrices:
    """Matrices of one size: where each starts in the pool, and which of ``places`` it has."""

    starts: list[int] = field(default_factory=list)
    which: list[int] = field(default_factory=list)
    places: dict[tuple[int, ...], int] = field(default_factory=dict)

    def recipe(self, size: int) -> ProductRecipe:
        """Of matrices on ``size`` bits, each of them a product of one factor."""
        patterns = [matrix_pattern(size, "dense", places, (), 0, b"") for places in self.places]
        return product_recipe(patterns, self.which, self.starts, [1] * len(self.which))


class GatherPlan:
    """The arrays that a plan's stages ask for. None may be asked for after the first fill."""

    __slots__ = ("_matrices", "_recipes", "_starts", "_tables", "_types", "_views")

    def __init__(self, blocks: Blocks) -> None:
        self._types = blocks.types
        self._starts = blocks.starts
        self._matrices: dict[int, _Matrices] = {}
        self._tables: dict[int, list[list[Factor]]] = {}
        self._views: list[tuple[int, tuple[int, ...]]] = []
        self._recipes: list[tuple[int, ProductRecipe | TableRecipe]] | None = None

    def matrix(self, block: int, places: tuple[int, ...]) -> ArrayRef:
        """Ask for a block's matrix. Bit ``j`` of the block's is bit ``places[j]`` of its index."""
        start = self._starts[block]
        k = len(places)
        if k > 3 and places == tuple(range(k)):
            return self._view(start, (1 << k, 1 << k))
        alike = self._matrices.get(k)
        if alike is None:
            alike = self._matrices[k] = _Matrices()
        alike.which.append(alike.places.setdefault(places, len(alike.places)))
        alike.starts.append(start)
        return -k, len(alike.starts) - 1

    def table(self, bits: int, parts: Sequence[Part]) -> ArrayRef:
        """Ask for the product of ``parts``, as a table over so many bits."""
        starts, types = self._starts, self._types
        if bits > _FEW and len(parts) == 1:
            block, positions = parts[0]
            type_ = types[block]
            if positions == tuple(range(bits)) and type_.size == bits and type_.entries is None:
                return self._view(starts[block], (1 << bits,))
        alike = self._tables.get(bits)
        if alike is None:
            alike = self._tables[bits] = []
        factors = []
        for block, positions in parts:
            type_ = types[block]
            own, held = positions[: type_.size], positions[type_.size :]
            # Controls that are in a condition are no bits of the table.
            state = type_.state if held else 0
            pattern = diagonal_pattern(bits, own, held, state, type_.extra)
            factors.append((pattern, starts[block]))
        alike.append(factors)
        return 1 << bits, len(alike) - 1

    def _view(self, start: int, shape: tuple[int, ...]) -> ArrayRef:
        self._views.append((start + FIRST, shape))
        return _VIEW, len(self._views) - 1

    def fill(self, pool: Pool) -> Filled:
        """The arrays that were asked for, made from ``pool``."""
        if self._recipes is None:
            self._recipes = [
                *((-k, alike.recipe(k)) for k, alike in self._matrices.items()),
                *((1 << bits, table_recipe(tables)) for bits, tables in self._tables.items()),
            ]
            self._matrices.clear()
            self._tables.clear()
        filled = {kind: list(recipe.fill(pool)) for kind, recipe in self._recipes}
        if self._views:
            filled[_VIEW] = [
                pool[start : start + int(np.prod(shape))].reshape(shape)
                for start, shape in self._views
            ]
        return filled
