"""Maps on one or two qubits in the basis of Pauli matrices, and those that only move bits.

Bits and indices are those of :mod:`~simquay.program.channels`: of qubit ``j``, bit ``2 * j`` of an
index is the Z part, and bit ``2 * j + 1`` the X part.

A Clifford gate takes each Pauli matrix to another, or to its negative; the index of the image is a
linear function of the index over GF(2) (D. Gottesman, https://arxiv.org/abs/quant-ph/9807006), so
it is CX gates on the bits, or changes of their names, and signs. With a Pauli channel behind it,
the signs become other numbers.
"""

from __future__ import annotations

from collections.abc import Sequence
from functools import lru_cache
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from simquay.program.channels import pauli_transfers
from simquay.program.formulas import constant, freeze
from simquay.program.gates import (
    GateOperation,
    Permutation,
    Relabel,
    constructor,
)

__all__ = [
    "RESET",
    "ROUNDING",
    "TURN",
    "TURN_BACK",
    "Map",
    "additions",
    "gate_map",
    "gate_transfer",
    "map_of",
    "product",
    "restricted",
]

ROUNDING = 1e-14
"""Entries that are smaller are rounding's."""

TURN = constant([[1, 1, 0, 0], [0, 0, 1, 1j], [0, 0, 1, -1j], [1, -1, 0, 0]]) / np.sqrt(2)
"""Takes the bits (Z part, X part) of a qubit to (row, column): the coefficients of Pauli matrices,
divided by √2, to the entries of the matrix."""

TURN_BACK = np.ascontiguousarray(TURN.conj().T)

RESET = constant([[1, 0, 0, 0], [1, 0, 0, 0], [0, 0, 0, 0], [0, 0, 0, 0]])
"""A reset of one qubit."""

_NOT = freeze(np.array([1, 0], dtype=np.intp))
_permutation = constructor(Permutation)


class Map(NamedTuple):
    """A linear map of coefficients: ``moves`` of bits, and then ``numbers``.

    Attributes:
        numbers: a diagonal, shape ``(4**k,)``, or a matrix, shape ``(4**k, 4**k)``; complex128.
            None for the identity.
        moves: ``(target, control)`` in order: that bit is flipped where this one is 1.
        sources: instead of moves, for each bit the one whose content it has then.
    """

    numbers: NDArray[np.complex128] | None
    moves: tuple[tuple[int, int], ...] = ()
    sources: tuple[int, ...] = ()

    def moving(self, bits: tuple[int, ...]) -> list[GateOperation]:
        """The gates that move ``bits``."""
        gates: list[GateOperation] = [
            _permutation(_NOT, (bits[target],), (bits[control],), 1)
            for target, control in self.moves
        ]
        if self.sources:
            gates.append(Relabel(bits, tuple([bits[source] for source in self.sources])))
        return gates


def map_of(transfer: NDArray[np.complex128]) -> Map:
    """The map whose matrix is ``transfer``, by its numbers."""
    size = len(transfer)
    rows, columns = np.nonzero(np.abs(transfer) > ROUNDING)
    images = np.zeros(size, dtype=np.intp)
    images[columns] = rows
    if len(rows) != size or len({*rows.tolist()}) != size or len({*columns.tolist()}) != size:
        return Map(freeze(transfer))
    found = _linear_moves(tuple(images.tolist()))
    if found is None:
        return Map(freeze(transfer))
    numbers = transfer[images, np.arange(size)][np.argsort(images)]
    same = np.abs(numbers - 1).max() <= ROUNDING
    return Map(None if same else freeze(numbers), *found)


@lru_cache(maxsize=1024)
def gate_transfer(
    array: str, numbers: bytes, num_qubits: int, num_controls: int, control_state: int
) -> NDArray[np.complex128]:
    """The matrix of a gate, its qubits before its controls. ``numbers`` are the bytes of what is
    named ``array``: its ``matrix``, its ``diagonal`` or, of a permutation, its ``table``."""
    unitary = np.eye(1 << num_qubits + num_controls, dtype=np.complex128)
    size = 1 << num_qubits
    block = np.s_[size * control_state : size * (control_state + 1)]
    if array == "table":
        unitary[block, block] = np.eye(size)[:, np.frombuffer(numbers, np.intp)]
    else:
        values = np.frombuffer(numbers, dtype=np.complex128)
        diagonal = array == "diagonal"
        unitary[block, block] = np.diag(values) if diagonal else values.reshape(size, size)
    transfer: NDArray[np.complex128] = freeze(pauli_transfers(unitary[None])[0].astype(complex))
    return transfer


@lru_cache(maxsize=1024)
def gate_map(
    array: str, numbers: bytes, num_qubits: int, num_controls: int, control_state: int
) -> Map:
    """The map of a gate; see :func:`gate_transfer`."""
    return map_of(gate_transfer(array, numbers, num_qubits, num_controls, control_state))


def product(later: NDArray[np.complex128], earlier: NDArray[np.complex128]) -> NDArray[Any]:
    """One map after another; each is a matrix, or a diagonal."""
    if later.ndim == earlier.ndim == 2:
        return later @ earlier
    return (later if earlier.ndim == 1 else later[:, None]) * earlier


def restricted(transfer: NDArray[np.float64], stored: Sequence[bool]) -> NDArray[np.float64]:
    """A map that changes nothing on |0>, where the qubits that are not ``stored`` are |0>: on the
    others, in order."""
    count = len(stored)
    if all(stored):
        return transfer
    digits = transfer.reshape((4,) * (2 * count))
    for place in [place for place, one in enumerate(stored) if not one]:
        row, column = count - 1 - place, 2 * count - 1 - place
        # |0><0| is (1 + Z) / 2, before and after.
        digits = digits.take([0], row).take([0, 1], column).sum(column, keepdims=True)
    return digits.reshape(4 ** sum(stored), -1)


def _linear_moves(
    images: tuple[int, ...],
) -> tuple[tuple[tuple[int, int], ...], tuple[int, ...]] | None:
    """The moves and sources of :class:`Map` that take index ``i`` to ``images[i]``; None if that
    is no linear function."""
    count = len(images).bit_length() - 1
    for index, image in enumerate(images):
        low = index & -index
        if image != images[low] ^ images[index ^ low]:
            return None
    # rows[t]: the bits whose sum is bit t of the image.
    rows = [
        sum((images[1 << bit] >> target & 1) << bit for bit in range(count))
        for target in range(count)
    ]
    if all(row.bit_count() == 1 for row in rows):
        sources = tuple([row.bit_length() - 1 for row in rows])
        return (), () if sources == (*range(count),) else sources
    return additions(rows), ()


def additions(rows: list[int]) -> tuple[tuple[int, int], ...]:
    """The moves of :class:`Map` after which bit ``t`` is the sum of the bits in ``rows[t]``; the
    list is used up."""
    # Gauss: additions of rows that make the identity, undone in the opposite order.
    count = len(rows)
    moves: list[tuple[int, int]] = []

    def add(target: int, source: int) -> None:
        rows[target] ^= rows[source]
        moves.append((target, source))

    for bit in range(count):
        if not rows[bit] >> bit & 1:
            add(bit, next(row for row in range(bit + 1, count) if rows[row] >> bit & 1))
        for row in range(count):
            if row != bit and rows[row] >> bit & 1:
                add(row, bit)
    return tuple(reversed(moves))
