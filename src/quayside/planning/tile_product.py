"""The product of a cluster's blocks, for many clusters of the same build at once.

Circuits repeat themselves: most clusters are built alike, from other numbers. Their matrices are
multiplied as stacks, so that Python's time goes with the kinds of clusters, not their number.
"""

from __future__ import annotations

from collections.abc import Sequence
from functools import lru_cache
from typing import Any, TypeAlias

import numpy as np
from numpy.typing import NDArray

from quayside.planning.tile_blocks import Block

__all__ = ["Recipe", "recipe_of", "source_of", "stacked_product"]

Recipe: TypeAlias = tuple[str, tuple[int, ...], tuple[int, ...], int, tuple[int, ...]]
"""How a block acts on a cluster's bits: its kind, the bits of its wires and of its controls, its
control state and, for a permutation, the source table. What is missing are the numbers."""


def recipe_of(block: Block, wires: Sequence[int]) -> Recipe:
    """The recipe of ``block`` in a cluster on ``wires``."""
    place = wires.index
    table = tuple(block.values.tolist()) if block.kind == "permute" else ()
    controls = tuple([place(wire) for wire in block.controls]) if block.controls else ()
    bits = tuple([place(wire) for wire in block.wires])
    return (block.kind, bits, controls, block.control_state, table)


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


def stacked_product(
    recipes: Sequence[Recipe], stacks: Sequence[NDArray[Any] | None], count: int, diagonal: bool
) -> NDArray[np.complex128]:
    """The products of many clusters on ``count`` bits that have the same ``recipes``.

    ``stacks[j]`` holds the ``j``-th blocks' numbers, one row a cluster; permutations have None.
    The result has shape ``(clusters, 2**count, 2**count)``, or with ``diagonal`` (where the
    products are known to be so) ``(clusters, 2**count)``.
    """
    size = 1 << count
    # A diagonal product needs one column: the permutations act on it, and compose to nothing.
    product: NDArray[Any] = np.ones((1, size, 1)) if diagonal else np.eye(size)[None]
    for recipe, stack in zip(recipes, stacks, strict=True):
        if stack is None:
            product = product[:, source_of(recipe, count)]
        elif recipe[0] == "diagonal":
            own, idle = _diagonal_entries(recipe, count)
            factors = stack[:, own]
            factors[:, idle] = 1
            product = factors[:, :, None] * product
        else:
            if recipe[1] == tuple(range(count)):
                full = stack
            else:
                rows, columns, own_rows, own_columns, ones = _entries(recipe, count)
                full = np.zeros((len(stack), size, size), dtype=np.complex128)
                full[:, rows, columns] = stack[:, own_rows, own_columns]
                full[:, ones, ones] = 1
            product = np.matmul(full, product)
    result: NDArray[np.complex128] = product[:, :, 0] if diagonal else product
    return result
