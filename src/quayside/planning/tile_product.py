"""The product of a cluster's blocks, for many clusters of the same build at once.

Circuits repeat themselves: most clusters are built alike, from other numbers. Their matrices are
multiplied as stacks, so that Python's time goes with the kinds of clusters, not their number.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import Any, TypeAlias

import numpy as np
from numpy.typing import NDArray

from quayside.planning.tile_blocks import Block, Values

__all__ = ["Product", "Recipe", "recipe_of", "source_of"]

Recipe: TypeAlias = tuple[str, tuple[int, ...], tuple[int, ...], int, tuple[int, ...]]
"""How a block acts on a cluster's bits: its kind, the bits of its wires and of its controls, its
control state and, for a permutation, its table. What is missing are the numbers."""


def recipe_of(block: Block, wires: Sequence[int]) -> Recipe:
    """The recipe of ``block`` in a cluster on ``wires``."""
    place = wires.index
    controls = tuple([place(wire) for wire in block.controls]) if block.controls else ()
    bits = tuple([place(wire) for wire in block.wires])
    return (block.kind, bits, controls, block.control_state, block.table)


@lru_cache(maxsize=4096)
def source_of(recipe: Recipe, count: int) -> tuple[int, ...]:
    """A permutation's source table on ``count`` bits: the new entry ``i`` is the old ``[i]``."""
    _, bits, controls, state, table = recipe
    return tuple(
        _replace(index, bits, table[_part(index, bits)])
        if _part(index, controls) == state
        else index
        for index in range(1 << count)
    )


def _part(index: int, bits: Sequence[int]) -> int:
    return sum((index >> bit & 1) << j for j, bit in enumerate(bits))


def _replace(index: int, bits: Sequence[int], part: int) -> int:
    for j, bit in enumerate(bits):
        index = index & ~(1 << bit) | (part >> j & 1) << bit
    return index


@lru_cache(maxsize=4096)
def _entries(recipe: Recipe, count: int) -> tuple[NDArray[Any], ...]:
    """Where a matrix's entries go in the matrix on ``count`` bits, and where ones stand."""
    _, bits, controls, state, _ = recipe
    entries = []
    ones = []
    for row in range(1 << count):
        if _part(row, controls) != state:
            ones.append(row)
            continue
        own = _part(row, bits)
        entries += [(row, _replace(row, bits, c), own, c) for c in range(1 << len(bits))]
    rows, columns, own_rows, own_columns = np.array(entries, dtype=np.intp).reshape(-1, 4).T
    return rows, columns, own_rows, own_columns, np.array(ones, dtype=np.intp)


@lru_cache(maxsize=4096)
def _diagonal_entries(recipe: Recipe, count: int) -> tuple[NDArray[Any], NDArray[Any]]:
    """Which of a diagonal's entries stands at each index on ``count`` bits, and where none does."""
    _, bits, controls, state, _ = recipe
    indices = range(1 << count)
    own = np.array([_part(index, bits) for index in indices], dtype=np.intp)
    idle = [index for index in indices if _part(index, controls) != state]
    return own, np.array(idle, dtype=np.intp)


@dataclass(frozen=True, slots=True, eq=False)
class Product:
    """The clusters of one build.

    Attributes:
        recipes: how the members act, in order.
        count: bits of the clusters.
        diagonal: whether the products are diagonals, and are wanted as such.
        entries: the rows and columns of a dense product that are wanted; empty for all.
        members: for each cluster, the numbers of its blocks.
        numbers: for each cluster, the number of the block that it becomes.
    """

    recipes: tuple[Recipe, ...]
    count: int
    diagonal: bool
    entries: tuple[int, ...]
    members: list[list[int]]
    numbers: list[int]

    def fill(self, values: Sequence[Values], results: list[Values]) -> None:
        """Multiply the numbers of blocks, and write those of the products to ``results``."""
        size = 1 << self.count
        # A diagonal product needs one column: permutations act on it, and compose to nothing.
        product: NDArray[Any] = np.ones((1, size, 1)) if self.diagonal else np.eye(size)[None]
        for place, recipe in enumerate(self.recipes):
            if recipe[0] == "permute":
                product = product[:, source_of(recipe, self.count)]
                continue
            stack = np.array([values[row[place]] for row in self.members])
            if recipe[0] == "diagonal":
                own, idle = _diagonal_entries(recipe, self.count)
                factors = stack[:, own]
                factors[:, idle] = 1
                product = factors[:, :, None] * product
                continue
            if recipe[1] != tuple(range(self.count)):
                rows, columns, own_rows, own_columns, ones = _entries(recipe, self.count)
                full = np.zeros((len(stack), size, size), dtype=np.complex128)
                full[:, rows, columns] = stack[:, own_rows, own_columns]
                full[:, ones, ones] = 1
                stack = full
            product = np.matmul(stack, product)
        if self.diagonal:
            product = product[:, :, 0]
        elif self.entries:
            product = product[:, self.entries][:, :, self.entries]
        # Where no member has numbers, all clusters have one product.
        step = 1 if len(product) > 1 else 0
        for place, number in enumerate(self.numbers):
            results[number] = product[place * step]
