"""The matrix of gate operations, through NumPy's own tensor products: an oracle for lowering.

It shares nothing with the package but the operations' words.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray
from qiskit import QuantumCircuit
from qiskit.circuit import CircuitInstruction
from qiskit.circuit.library import XGate

from simquay.circuits.lowering.circuit import lower
from simquay.program import Diagonal, Matrix, Operation, Permutation, Relabel

__all__ = ["lowered_unitary", "unitary_of"]


def lowered_unitary(circuit: QuantumCircuit) -> NDArray[np.complex128]:
    """The matrix of what ``circuit`` is lowered to, shape ``(2**n, 2**n)``."""
    # Every qubit is touched first, without effect, so that a state preparation stays a gate:
    # where its qubits are known to be |0>, lowering makes it a Prepare, which is no unitary.
    touched = circuit.copy()
    for qubit in circuit.qubits * 2:
        touched.data.insert(0, CircuitInstruction(XGate(), (qubit,)))
    return unitary_of(lower(touched).operations, circuit.num_qubits)


def unitary_of(operations: Sequence[Operation], num_qubits: int) -> NDArray[np.complex128]:
    """The matrix of ``operations`` on ``num_qubits`` qubits; index bit ``k`` is qubit ``k``."""
    # Axis k is qubit k, and the last axis counts the columns.
    tensor = np.eye(1 << num_qubits, dtype=complex).reshape((2,) * num_qubits + (-1,), order="F")
    for operation in operations:
        if isinstance(operation, Relabel):
            axes = list(range(num_qubits + 1))
            for to, start in zip(operation.qubits, operation.sources, strict=True):
                axes[to] = start
            tensor = tensor.transpose(axes).copy()
            continue
        assert isinstance(operation, (Matrix, Diagonal, Permutation)), f"{operation} is no gate"
        matrix = _plain_matrix(operation)
        assert not set(operation.qubits) & set(operation.controls)
        every = operation.qubits + operation.controls
        assert len(set(every)) == len(every)
        where: list[int | slice] = [slice(None)] * (num_qubits + 1)
        for j, control in enumerate(operation.controls):
            where[control] = operation.control_state >> j & 1
        part = tensor[tuple(where)]
        axes = [q - sum(c < q for c in operation.controls) for q in operation.qubits]
        k = len(axes)
        gate = matrix.reshape((2,) * (2 * k), order="F")
        moved = np.tensordot(gate, part, axes=(list(range(k, 2 * k)), axes))
        tensor[tuple(where)] = np.moveaxis(moved, list(range(k)), axes)
    return tensor.reshape((1 << num_qubits, -1), order="F")


def _plain_matrix(operation: Matrix | Diagonal | Permutation) -> NDArray[np.complexfloating[Any]]:
    if isinstance(operation, Matrix):
        return operation.matrix
    if isinstance(operation, Diagonal):
        return np.diag(operation.diagonal)
    matrix = np.zeros((len(operation.table),) * 2, dtype=complex)
    for source, target in enumerate(operation.table):
        matrix[target, source] = 1
    return matrix
