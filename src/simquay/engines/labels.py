"""Pauli strings as labels: ``"XIZ"``, in Qiskit's order; and as the parity of qubits."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from simquay.errors import ProgramError
from simquay.planning import Layout
from simquay.program import GateOperation, Matrix, Permutation, Strings
from simquay.program.bits import bits_of

__all__ = ["parity_gates", "strings_of_labels"]

_NOT = np.array([1, 0], dtype=np.intp)

_TO_Z = np.array([[[1, 1], [1, -1]], [[1, -1j], [1, 1j]]]) / np.sqrt(2)
"""Two matrices ``V`` with ``V P V† = Z``: one for the Pauli matrix X as ``P``, and one for Y."""


def strings_of_labels(
    labels: Sequence[str], num_qubits: int, layout: Layout
) -> tuple[Strings, NDArray[np.bool_]]:
    """The labels' strings for states of ``layout``, and which of them may have another mean than 0.

    The leftmost letter of a label belongs to the highest qubit. The mean is 0 where X or Y flips a
    qubit that is not stored: that is |0>, and |1> is orthogonal to it. Z leaves such a qubit alone.

    Raises:
        ProgramError: if a label has not a letter of I, X, Y, Z for each qubit.
    """
    for label in labels:
        if len(label) != num_qubits or set(label) - set("IXYZ"):
            raise ProgramError(
                f"Pauli string {label!r}: expected {num_qubits} letters of I, X, Y, Z"
            )
    letters = np.array([list(label.encode()) for label in labels], dtype=np.uint8)
    letters = letters.reshape(len(labels), num_qubits)[:, ::-1]
    flips = (letters == ord("X")) | (letters == ord("Y"))
    signs = (letters == ord("Z")) | (letters == ord("Y"))
    stored = list(layout.order)
    weights = np.int64(1) << np.arange(len(stored), dtype=np.int64)
    x, z = flips[:, stored] @ weights, signs[:, stored] @ weights
    none = np.zeros_like(x)
    return Strings(x, z, none, none), ~np.delete(flips, stored, axis=1).any(axis=1)


def parity_gates(x: int, z: int, order: Sequence[int]) -> list[GateOperation]:
    """Gates that take the string of masks ``x`` and ``z``, of bits that are the qubits ``order``,
    to the parity of all its qubits, in the last of them."""
    qubits = [order[bit] for bit in bits_of(x | z)]
    gates: list[GateOperation] = []
    gates += [Matrix(_TO_Z[z >> bit & 1], (order[bit],)) for bit in bits_of(x)]
    gates += [Permutation(_NOT, (qubits[-1],), (qubit,), 1) for qubit in qubits[:-1]]
    return gates
