"""Random gate lists of all kinds, and what they do to a vector, told by index arithmetic."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from simquay.program.gates import Diagonal, GateOperation, Permutation, Prepare, Relabel
from simquay.testing.engine_checks.gates import other_numbers, random_gates, random_unitary

__all__ = ["apply_naively", "other_numbers", "random_gates", "random_unitary", "run_naively"]


def apply_naively(vector: np.ndarray, gate: GateOperation) -> np.ndarray:
    """The result of one gate on a whole vector in qubit order, entry by entry."""
    size = len(vector)
    index = np.arange(size)
    if isinstance(gate, Relabel):
        target = index.copy()
        for qubit in gate.qubits:
            target &= ~(1 << qubit)
        for source, qubit in zip(gate.sources, gate.qubits, strict=True):
            target |= (index >> source & 1) << qubit
        result = np.empty_like(vector)
        result[target] = vector
        return result
    local = np.zeros(size, dtype=np.intp)
    for bit, qubit in enumerate(gate.qubits):
        local |= (index >> qubit & 1) << bit
    outside = index.copy()
    for qubit in gate.qubits:
        outside &= ~(1 << qubit)
    active = np.ones(size, dtype=bool)
    if not isinstance(gate, Prepare):
        for bit, control in enumerate(gate.controls):
            active &= (index >> control & 1) == (gate.control_state >> bit & 1)
    width = 1 << len(gate.qubits)
    if isinstance(gate, Diagonal):
        matrix = np.diag(gate.diagonal)
    elif isinstance(gate, Permutation):
        matrix = np.zeros((width, width), dtype=complex)
        matrix[gate.table, np.arange(width)] = 1
    elif isinstance(gate, Prepare):
        matrix = np.zeros((width, width), dtype=complex)
        matrix[:, 0] = gate.amplitudes
    else:
        matrix = gate.matrix
    result = np.where(active, 0, vector).astype(complex)
    for column in range(width):
        place = outside.copy()
        for bit, qubit in enumerate(gate.qubits):
            place |= (column >> bit & 1) << qubit
        result += np.where(active, matrix[local, column] * vector[place], 0)
    return result


def run_naively(gates: Sequence[GateOperation], num_qubits: int) -> np.ndarray:
    """The state that ``gates`` make of |0...0>, complex128, in qubit order."""
    vector = np.zeros(1 << num_qubits, dtype=complex)
    vector[0] = 1
    for gate in gates:
        vector = apply_naively(vector, gate)
    return vector
