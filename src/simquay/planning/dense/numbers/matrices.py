"""The matrices of all clusters of a plan, from their blocks.

A matrix grows block by block: a block multiplies rows. Instead of moving rows back after each
block their order drifts, and is put right at the end. Clusters of one width grow in step, so that
each step is one batched product for all of them.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from functools import lru_cache
from typing import NamedTuple

import numpy as np

from simquay.planning.dense.fusion import GateNode
from simquay.planning.dense.numbers.small_matrices import (
    Indices,
    SmallMatrices,
    SmallMatrixRecipe,
    ValueRecipe,
    Values,
)
from simquay.program.bits import spread
from simquay.program.operations import GateOperation

__all__ = ["Matrices", "MatrixRecipes"]


class _Assembly(NamedTuple):
    """How the matrix (or the first column) of one cluster grows: the blocks by width and number,
    the rows to take before each, and the rows to take at the end (None: they are in order)."""

    number: int
    blocks: list[tuple[int, int]]
    rows: list[Indices]
    last: Indices


class _BatchedProduct(NamedTuple):
    """A step of the clusters of one width: the first ``active`` of them take ``rows``, then those
    at ``places`` are multiplied by the blocks ``numbers`` of ``width``."""

    active: int
    rows: Indices
    products: tuple[tuple[int, Indices, Indices], ...]


class _WidthGroup(NamedTuple):
    """Clusters of one width, those with the most blocks first; ``numbers`` are their own."""

    width: int
    numbers: tuple[int, ...]
    steps: tuple[_BatchedProduct, ...]
    last: Indices


class Matrices:
    """Collects clusters, whose matrices are to be computed together."""

    def __init__(self, gates: Sequence[GateOperation]) -> None:
        self.values = ValueRecipe(gates)
        self._blocks = SmallMatrices(gates, self.values.offsets)
        self._clusters: dict[int, list[_Assembly]] = {}
        self._start: _Assembly | None = None
        self._count = 0

    def add(self, nodes: Iterable[GateNode], columns: Sequence[int], rows: Sequence[int]) -> int:
        """Take in a cluster; the number of its matrix.

        Bit ``j`` of a column's (row's) index is wire ``columns[j]`` (``rows[j]``); both hold the
        same wires.
        """
        number = self._count
        self._count += 1
        assembly = self._assembly(number, nodes, columns, rows)
        self._clusters.setdefault(len(columns), []).append(assembly)
        return number

    def add_start(self, nodes: Iterable[GateNode], wires: Sequence[int]) -> None:
        """Take in the cluster at the beginning, of which only the first column is wanted."""
        self._start = self._assembly(-1, nodes, wires, wires)

    def _assembly(
        self, number: int, nodes: Iterable[GateNode], columns: Sequence[int], rows: Sequence[int]
    ) -> _Assembly:
        order = [*columns]
        blocks = []
        taken = []
        for width, block, own in self._blocks.add(nodes, columns):
            blocks.append((width, block))
            moved = [wire for wire in order if wire not in own]
            moved += own
            taken.append(reorder_index(tuple(map(order.index, moved))))
            order = moved
        return _Assembly(number, blocks, taken, reorder_index(tuple(map(order.index, rows))))

    def recipes(self) -> MatrixRecipes:
        """How to compute all matrices that were taken in."""
        groups = [_width_group(width, assemblies) for width, assemblies in self._clusters.items()]
        return MatrixRecipes(self._blocks.recipes(), tuple(groups), self._start, self._count)


def _width_group(width: int, assemblies: list[_Assembly]) -> _WidthGroup:
    assemblies = sorted(assemblies, key=lambda assembly: -len(assembly.blocks))
    size = 1 << width
    steps = []
    shifts = np.arange(len(assemblies)) * size
    for number in range(len(assemblies[0].blocks)):
        rows = []
        by_width: dict[int, tuple[list[int], list[int]]] = {}
        for place, assembly in enumerate(assemblies):
            if len(assembly.blocks) <= number:
                break
            rows.append(assembly.rows[number])
            own, block = assembly.blocks[number]
            places, chosen = by_width.setdefault(own, ([], []))
            places.append(place)
            chosen.append(block)
        products = [
            (own, np.array(places), np.array(chosen)) for own, (places, chosen) in by_width.items()
        ]
        steps.append(_BatchedProduct(len(rows), _shifted(rows, shifts), tuple(products)))
    last = _shifted([assembly.last for assembly in assemblies], shifts)
    numbers = tuple([assembly.number for assembly in assemblies])
    return _WidthGroup(width, numbers, tuple(steps), last)


def _shifted(rows: list[Indices], shifts: Indices) -> Indices:
    """The rows of several matrices as rows of all of them in one."""
    together = np.array(rows)
    together += shifts[: len(rows), None]
    return together.reshape(-1)


class MatrixRecipes(NamedTuple):
    """How to compute the matrices of all clusters."""

    blocks: tuple[SmallMatrixRecipe, ...]
    groups: tuple[_WidthGroup, ...]
    start: _Assembly | None
    total: int

    def fill(self, values: Values) -> tuple[list[Values], Values | None]:
        """The matrices by their numbers, and the first column of the start.

        For a sweep, whose numbers have the shape ``(lists, numbers)``, each has one more axis in
        front.
        """
        parts: dict[int, list[Values]] = {}
        for recipe in self.blocks:
            parts.setdefault(recipe.width, []).append(recipe.fill(values))
        blocks = {
            width: part[0] if len(part) == 1 else np.concatenate(part, -3)
            for width, part in parts.items()
        }
        matrices: list[Values] = [values] * self.total
        for group in self.groups:
            filled = _fill_group(group, blocks, values.shape[:-1])
            for place, number in enumerate(group.numbers):
                matrices[number] = filled[..., place, :, :]
        start = None
        if self.start is not None:
            start = _fill_start(self.start, blocks, values.shape[:-1])
        return matrices, start


def _fill_group(group: _WidthGroup, blocks: dict[int, Values], sweep: tuple[int, ...]) -> Values:
    """The matrices of a group, shape ``(*sweep, clusters, 2**width, 2**width)``."""
    size, total = 1 << group.width, len(group.numbers)
    state = np.empty((*sweep, total * size, size), dtype=np.complex128)
    state.reshape(-1, size, size)[...] = np.eye(size)
    for count, rows, products in group.steps:
        taken = state.take(rows, -2).reshape(*sweep, count, size * size)
        grown = state.reshape(*sweep, total, size * size)
        for width, places, numbers in products:
            some = len(places)
            part = taken if some == count else taken.take(places, -2)
            shape = (*sweep, some, 1 << width, (size * size) >> width)
            product = blocks[width].take(numbers, -3) @ part.reshape(shape)
            if some == total:
                grown = product.reshape(*sweep, total, size * size)
            else:
                grown[..., places, :] = product.reshape(*sweep, some, size * size)
        state = grown.reshape(*sweep, total * size, size)
    return state.take(group.last, -2).reshape(*sweep, total, size, size)


def _fill_start(assembly: _Assembly, blocks: dict[int, Values], sweep: tuple[int, ...]) -> Values:
    """The amplitudes of the start, shape ``(*sweep, 2**width)``."""
    size = len(assembly.last)
    state = np.zeros((*sweep, size), dtype=np.complex128)
    state[..., 0] = 1
    for (width, number), rows in zip(assembly.blocks, assembly.rows, strict=True):
        part = state.take(rows, -1).reshape(*sweep, 1 << width, size >> width)
        state = (blocks[width][..., number, :, :] @ part).reshape(*sweep, size)
    return state.take(assembly.last, -1)


@lru_cache(maxsize=4096)
def reorder_index(positions: tuple[int, ...]) -> Indices:
    """Old row of each new row, where new bit ``j`` is old bit ``positions[j]``."""
    old = spread(positions)
    old.flags.writeable = False
    return old
