"""Gates in circuits, and what they are lowered to against Qiskit's own matrices."""

from __future__ import annotations

import numpy as np
from qiskit import QuantumCircuit
from qiskit.circuit import Operation
from qiskit.quantum_info import Operator

from tests.support.unitaries import lowered_unitary

__all__ = ["appended", "check_gate", "inner_circuit", "placed"]


def placed(gate: Operation, width: int | None = None) -> QuantumCircuit:
    """A circuit of ``width`` qubits with ``gate`` on shuffled ones."""
    width = gate.num_qubits if width is None else width
    circuit = QuantumCircuit(width)
    order = np.random.default_rng(20).permutation(width)
    circuit.append(gate, order[: gate.num_qubits].tolist())
    return circuit


def appended(gate: Operation, width: int) -> QuantumCircuit:
    """A circuit of ``width`` qubits with ``gate`` on the first of them."""
    circuit = QuantumCircuit(width)
    circuit.append(gate, range(gate.num_qubits))
    return circuit


def check_gate(gate: Operation, width: int | None = None, atol: float = 1e-12) -> None:
    """The matrix of the lowered gate is Qiskit's."""
    circuit = placed(gate, width)
    np.testing.assert_allclose(lowered_unitary(circuit), Operator(circuit).data, atol=atol)


def inner_circuit(phase: float = 0.0) -> QuantumCircuit:
    """Four gates on two qubits, to be made a gate."""
    circuit = QuantumCircuit(2, global_phase=phase, name="inner")
    circuit.h(0)
    circuit.cx(0, 1)
    circuit.rz(0.3, 1)
    circuit.swap(0, 1)
    return circuit
