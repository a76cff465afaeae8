"""The matrices of all clusters of a plan, as products of small matrices.

The gates of a cluster are first multiplied into *small matrices* on three wires, so that few
products are large. A cluster's matrix begins as the identity, and each small matrix multiplies its
rows. Rows are not moved back after each product: their order is tracked, and restored once at the
end. Clusters of one width are multiplied in step, so that each step is one batched product for all
of them. A cluster with a gate on more than three wires has small matrices as wide as that gate.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Hashable, Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import Any, NamedTuple

import numpy as np

from simquay.planning.dense.fusion import GateNode
from simquay.planning.numbers.patterns import Indices, matrix_pattern
from simquay.planning.numbers.pool import Pool
from simquay.planning.numbers.products import ProductRecipe, Products
from simquay.program.bits import spread
from simquay.program.gates import GateOperation

__all__ = ["Matrices", "MatrixRecipes"]

_SMALL_WIRES = 3
"""Two would give more products of whole clusters; products on four would cost as much as those."""


class _Assembly(NamedTuple):
    """The recipe of the matrix of one cluster.

    Attributes:
        matrix: the index of the cluster's matrix.
        small: the small matrices in order, each as its index among those of its width.
        rows: the rows to take before each.
        last: the rows to take at the end.
    """

    matrix: int
    small: list[int]
    rows: list[Indices]
    last: Indices


class _Group(NamedTuple):
    """Clusters of one width with small matrices of one width, those with the most of them first.

    Attributes:
        size: the rows of each matrix.
        columns: of each matrix: all, or the first alone.
        small: the width of the small matrices.
        matrices: the indices of the clusters' matrices.
        steps: for each product, which the first clusters have, the rows that they take, and the
            indices of their small matrices.
        last: the rows that all take at the end.
    """

    size: int
    columns: int
    small: int
    matrices: tuple[int, ...]
    steps: list[tuple[Indices, list[int]]]
    last: Indices


class Matrices:
    """Collects clusters, whose matrices are to be computed together."""

    def __init__(self, gates: Sequence[GateOperation], starts: Sequence[int]) -> None:
        """``starts`` is where the numbers of ``gates`` start in the pool."""
        self._gates = gates
        self._starts = starts
        self._tables: dict[int, bytes] = {}  # of permutations, by the id of their array
        self._small: defaultdict[int, Products] = defaultdict(Products)  # by width
        # The pattern of each gate on a small matrix, by the matrix's width, then by the gate.
        self._patterns: defaultdict[int, dict[Hashable, Indices]] = defaultdict(dict)
        # By the size, the columns, and the width of small matrices.
        self._clusters: defaultdict[tuple[int, int, int], list[_Assembly]] = defaultdict(list)
        self._count = 0

    def add(
        self,
        nodes: Sequence[GateNode],
        columns: Sequence[int],
        rows: Sequence[int],
        *,
        first: bool = False,
    ) -> int:
        """Take in a cluster; returns the index of its matrix, or of the ``first`` column alone.

        Bit ``j`` of a column's (row's) index is wire ``columns[j]`` (``rows[j]``); both hold the
        same wires.
        """
        width = min(max([_SMALL_WIRES, *[len(node.wires) for node in nodes]]), len(columns))
        order = [*columns]
        small = []
        taken = []
        for small_matrix, own in self._small_matrices(nodes, columns, width):
            small.append(small_matrix)
            moved = [wire for wire in order if wire not in own]
            moved += own
            taken.append(reorder_index(tuple(map(order.index, moved))))
            order = moved
        last = reorder_index(tuple(map(order.index, rows)))
        alike = self._clusters[1 << len(columns), 1 if first else 1 << len(columns), width]
        alike.append(_Assembly(self._count, small, taken, last))
        self._count += 1
        return self._count - 1

    def _small_matrices(
        self, nodes: Sequence[GateNode], wires: Sequence[int], limit: int
    ) -> list[tuple[int, list[int]]]:
        """Take in ``nodes``, which act on ``wires``, as small matrices on ``limit`` wires each.

        Returns, in the order in which they are applied, for each its index among those of this
        width, and its wires: bit ``j`` of its index is the ``j``-th.
        """
        products, known = self._small[limit], self._patterns[limit]
        made: list[_SmallMatrix] = []
        latest: dict[int, int] = {}  # wire → the last small matrix on it
        starts = self._starts
        for node in nodes:
            acts = node.wires
            found = -1
            for wire in acts:
                position = latest.get(wire, -1)
                if position > found:
                    found = position
            if found < 0:  # nothing acts on these wires yet: any that has enough free wires will do
                for position, small in enumerate(made):
                    if len(small.wires) + len(acts) <= limit:
                        found = position
                        break
            if found >= 0:
                small = made[found]
                own = small.wires
                new = [wire for wire in acts if wire not in own]
            if found < 0 or (new and len(own) + len(new) > limit):
                found, new = len(made), [*acts]
                small = _SmallMatrix([], [], [])
                made.append(small)
            if new:
                small.wires += new
                for wire in new:
                    latest[wire] = found
            index = small.wires.index
            for gate_index, code, targets, held, state, select in node.gates:
                key: Hashable
                extra = b""
                if code == "m" and not held and len(targets) == 1:
                    key = index(targets[0])
                else:
                    if code == "p":
                        extra = self._table(gate_index)
                    elif select is not None:
                        extra = select.tobytes()
                    key = (code, state, len(held), extra, *map(index, targets), *map(index, held))
                pattern = known.get(key)
                if pattern is None:
                    bits, controls = tuple(map(index, targets)), tuple(map(index, held))
                    pattern = matrix_pattern(limit, code, bits, controls, state, extra)
                    known[key] = pattern
                small.patterns.append(pattern)
                small.starts.append(starts[gate_index])
        placed = []
        for small in made:
            own = small.wires
            if len(own) < limit:
                own += [wire for wire in wires if wire not in own][: limit - len(own)]
            placed.append((products.add(small.patterns, small.starts), own))
        return placed

    def _table(self, gate_index: int) -> bytes:
        """The table of a permutation. Gates often share one array: it is read once."""
        gate: Any = self._gates[gate_index]
        data = self._tables.get(id(gate.table))
        if data is None:
            data = np.asarray(gate.table, dtype=np.intp).tobytes()
            self._tables[id(gate.table)] = data
        return data

    def recipes(self) -> MatrixRecipes:
        """The recipes of the matrices of all clusters that were taken in."""
        groups = [_group(*shape, assemblies) for shape, assemblies in self._clusters.items()]
        small = tuple([products.matrices(width) for width, products in self._small.items()])
        return MatrixRecipes(small, tuple(groups), self._count)


@dataclass(slots=True, eq=False)
class _SmallMatrix:
    """Gates on a few wires, in order: of each its pattern, and where its numbers start."""

    wires: list[int]
    patterns: list[Indices]
    starts: list[int]


def _group(size: int, columns: int, small: int, assemblies: list[_Assembly]) -> _Group:
    if len(assemblies) == 1:
        ((matrix, parts, taken, last),) = assemblies
        alone = [(rows, [part]) for rows, part in zip(taken, parts, strict=True)]
        return _Group(size, columns, small, (matrix,), alone, last)
    assemblies = sorted(assemblies, key=lambda assembly: -len(assembly.small))
    shifts = np.arange(len(assemblies)) * size
    steps = []
    for index in range(len(assemblies[0].small)):
        active = [assembly for assembly in assemblies if len(assembly.small) > index]
        rows = _shifted([assembly.rows[index] for assembly in active], shifts)
        steps.append((rows, [assembly.small[index] for assembly in active]))
    last = _shifted([assembly.last for assembly in assemblies], shifts)
    matrices = tuple([assembly.matrix for assembly in assemblies])
    return _Group(size, columns, small, matrices, steps, last)


def _shifted(rows: list[Indices], shifts: Indices) -> Indices:
    """The rows of several matrices as rows of all of them in one."""
    together = np.array(rows)
    together += shifts[: len(rows), None]
    return together.reshape(-1)


class MatrixRecipes(NamedTuple):
    """The recipes of the matrices of all clusters."""

    small: tuple[ProductRecipe, ...]
    groups: tuple[_Group, ...]
    total: int

    def fill(self, pool: Pool) -> list[Pool]:
        """The matrices by index, of shape ``(2**width, columns)``.

        For a sweep, whose numbers have the shape ``(lists, numbers)``, each has one more axis in
        front.
        """
        small = {recipe.width: recipe.fill(pool) for recipe in self.small}
        matrices: list[Pool] = [pool] * self.total
        for group in self.groups:
            filled = _fill_group(group, small[group.small], pool.shape[:-1])
            for member, which in enumerate(group.matrices):
                matrices[which] = filled[..., member, :, :]
        return matrices


def _fill_group(group: _Group, small: Pool, sweep: tuple[int, ...]) -> Pool:
    """The matrices of a group, shape ``(*sweep, clusters, 2**width, columns)``."""
    size, columns, total = group.size, group.columns, len(group.matrices)
    state = np.zeros((*sweep, total * size, columns), dtype=np.complex128)
    state.reshape(-1, size, columns)[:, range(columns), range(columns)] = 1
    for rows, chosen in group.steps:
        shape = (*sweep, len(chosen), 1 << group.small, (size * columns) >> group.small)
        only = chosen[0]
        factors = small.take(chosen, -3) if total > 1 else small[..., only : only + 1, :, :]
        product = factors @ state.take(rows, -2).reshape(shape)
        product = product.reshape(*sweep, len(rows), columns)
        if len(chosen) == total:
            state = product
        else:
            state[..., : len(rows), :] = product
    return state.take(group.last, -2).reshape(*sweep, total, size, columns)


@lru_cache(maxsize=4096)
def reorder_index(positions: tuple[int, ...]) -> Indices:
    """Old row of each new row, where new bit ``j`` is old bit ``positions[j]``."""
    old = spread(positions)
    old.flags.writeable = False
    return old
