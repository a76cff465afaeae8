"""The matrix of a cluster: a recipe found once for a structure, filled in for given angles.

A recipe treats the columns of the growing matrix as a batch of small state vectors. Instead of
moving rows back after each gate it lets their order drift, and puts it right at the end. Index
tables depend on positions alone, so that few of them serve all circuits.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from functools import lru_cache
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from quayside.planning.fuse import Item
from quayside.program.operations import GateOperation

__all__ = ["MatrixRecipe", "diagonal_entries", "fill_matrix", "fill_vector", "make_recipe"]

ComplexArray = NDArray[np.complex128]
_ONE = np.ones(1)
Indices = NDArray[np.intp]


class _Step(NamedTuple):
    """One gate of a recipe.

    ``m``: take rows by ``rows``; multiply those from ``start`` to ``stop`` by the gate.
    ``s``: the same, with the matrix whose first column is the prepared state.
    ``p``: take rows by ``rows``. ``d``: multiply row ``i`` by the diagonal's entry ``rows[i]``;
    one past its end means 1, where controls do not hold.
    """

    number: int
    kind: str
    rows: Indices
    start: int
    stop: int
    guarded: bool


class MatrixRecipe(NamedTuple):
    """How to fill in the matrix of a cluster of ``width`` wires.

    ``last`` puts the rows in order at the end; it is None where they are.
    """

    width: int
    steps: tuple[_Step, ...]
    last: Indices | None


def make_recipe(
    items: Iterable[Item],
    gates: Sequence[GateOperation],
    columns: Sequence[int],
    rows: Sequence[int],
) -> MatrixRecipe:
    """The recipe of ``items``. Bit ``j`` of a column's (row's) index is wire ``columns[j]``
    (``rows[j]``); both hold the same wires."""
    order = tuple(columns)
    width = len(order)
    steps = []
    for item in items:
        number, kind, wires, held, state, select = item
        targets = tuple([order.index(w) for w in wires])
        controls = tuple([order.index(w) for w in held]) if held else ()
        if kind == "d":
            index = _diagonal_index(width, targets, controls, state)
            if select is not None:
                index = np.append(select, len(_diagonal_of(gates, item)))[index]
            steps.append(_Step(number, "d", index, 0, 0, bool(held)))
        elif kind == "p":
            gate: Any = gates[number]
            table = tuple(gate.table.tolist())
            index = _permutation_index(width, targets, controls, state, table)
            steps.append(_Step(number, "p", index, 0, 0, False))
        else:
            index = _gather_index(width, targets, controls)
            block = 1 << (width - len(held))
            start = state * block
            steps.append(_Step(number, kind, index, start, start + block, bool(held)))
            moved = wires + held
            order = tuple([w for w in order if w not in moved]) + moved
    last = None
    if order != tuple(rows):
        place = {wire: position for position, wire in enumerate(order)}
        last = _reorder_index(tuple([place[w] for w in rows]))
    return MatrixRecipe(width, tuple(steps), last)


def _diagonal_of(gates: Sequence[GateOperation], item: Item) -> Any:
    gate: Any = gates[item.number]
    return gate.diagonal


def fill_matrix(recipe: MatrixRecipe, gates: Sequence[GateOperation]) -> ComplexArray:
    """The matrix of the recipe for these gates, shape ``(2**width, 2**width)``."""
    return _fill(recipe, gates, np.eye(1 << recipe.width, dtype=np.complex128))


def fill_vector(recipe: MatrixRecipe, gates: Sequence[GateOperation]) -> ComplexArray:
    """The first column of the matrix: what becomes of |0...0>. Shape ``(2**width,)``."""
    start = np.zeros((1 << recipe.width, 1), dtype=np.complex128)
    start[0] = 1
    return _fill(recipe, gates, start).reshape(-1)


def _fill(recipe: MatrixRecipe, gates: Sequence[GateOperation], rows: ComplexArray) -> ComplexArray:
    columns = rows.shape[1]
    for number, kind, index, start, stop, guarded in recipe.steps:
        gate: Any = gates[number]
        if kind == "m":
            matrix = gate.matrix
            rows = rows.take(index, 0)
            if guarded:
                part = rows[start:stop].reshape(len(matrix), -1)
                rows[start:stop] = (matrix @ part).reshape(-1, columns)
            else:
                rows = (matrix @ rows.reshape(len(matrix), -1)).reshape(-1, columns)
        elif kind == "d":
            entries = gate.diagonal
            if guarded:
                entries = np.concatenate((entries, _ONE))
            rows = rows * entries.take(index)[:, None]
        elif kind == "p":
            rows = rows.take(index, 0)
        else:
            matrix = np.zeros((len(gate.amplitudes),) * 2, dtype=np.complex128)
            matrix[:, 0] = gate.amplitudes
            rows = rows.take(index, 0)
            rows = (matrix @ rows.reshape(len(matrix), -1)).reshape(-1, columns)
    if recipe.last is not None:
        rows = rows.take(recipe.last, 0)
    return rows


def diagonal_entries(
    items: Iterable[Item], gates: Sequence[GateOperation], wires: Sequence[int]
) -> ComplexArray:
    """The product of diagonal items as a vector; bit ``j`` of its index is ``wires[j]``."""
    width = len(wires)
    place = {wire: position for position, wire in enumerate(wires)}
    product = np.ones(1 << width, dtype=np.complex128)
    for item in items:
        entries = _diagonal_of(gates, item)
        if item.select is not None:
            entries = entries.take(item.select)
        targets = tuple([place[w] for w in item.wires])
        controls = tuple([place[w] for w in item.controls])
        index = _diagonal_index(width, targets, controls, item.control_state)
        if controls:
            entries = np.concatenate((entries, _ONE))
        product *= entries.take(index)
    return product


def _bits(values: Indices, positions: Sequence[int]) -> Indices:
    """For each value, the bits at ``positions`` as a number (bit ``j`` from ``positions[j]``)."""
    result = np.zeros_like(values)
    for bit, position in enumerate(positions):
        result |= (values >> position & 1) << bit
    return result


def _read_only(index: Indices) -> Indices:
    index.flags.writeable = False
    return index


@lru_cache(maxsize=4096)
def _reorder_index(positions: tuple[int, ...]) -> Indices:
    """Old row of each new row, where new bit ``j`` is old bit ``positions[j]``."""
    new = np.arange(1 << len(positions))
    old = np.zeros_like(new)
    for bit, position in enumerate(positions):
        old |= (new >> bit & 1) << position
    return _read_only(old)


@lru_cache(maxsize=4096)
def _gather_index(width: int, targets: tuple[int, ...], controls: tuple[int, ...]) -> Indices:
    """Rows in the order: all other bits, then the targets, then the controls on top."""
    moved = {*targets, *controls}
    rest = [position for position in range(width) if position not in moved]
    return _reorder_index((*rest, *targets, *controls))


@lru_cache(maxsize=4096)
def _diagonal_index(
    width: int, targets: tuple[int, ...], controls: tuple[int, ...], state: int
) -> Indices:
    rows = np.arange(1 << width)
    index = _bits(rows, targets)
    if controls:
        index[_bits(rows, controls) != state] = 1 << len(targets)
    return _read_only(index)


@lru_cache(maxsize=4096)
def _permutation_index(
    width: int,
    targets: tuple[int, ...],
    controls: tuple[int, ...],
    state: int,
    table: tuple[int, ...],
) -> Indices:
    """Old row of each new row: the inverse of the table, where the controls hold."""
    rows: Indices = np.arange(1 << width)
    image = np.asarray(table)[_bits(rows, targets)]
    new = rows.copy()
    for bit, position in enumerate(targets):
        new &= ~(1 << position)
        new |= (image >> bit & 1) << position
    if controls:
        new = np.where(_bits(rows, controls) == state, new, rows)
    old = np.empty_like(rows)
    old[new] = rows
    return _read_only(old)
