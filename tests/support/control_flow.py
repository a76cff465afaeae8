"""Circuits with control flow: a body, and the bits at the end."""

from __future__ import annotations

import math

from qiskit import QuantumCircuit

from simquay.circuits.lowering.circuit import lower
from tests.support.dense import final_distribution

__all__ = ["body", "final_bits"]


def final_bits(circuit: QuantumCircuit) -> int:
    """The classical bits at the end of a circuit that is certain of them."""
    ((bits, probability),) = final_distribution(lower(circuit)).items()
    assert math.isclose(probability, 1, rel_tol=1e-6)
    return bits


def body(num_qubits: int = 1, num_clbits: int = 0) -> QuantumCircuit:
    """X on qubit 0."""
    circuit = QuantumCircuit(num_qubits, num_clbits)
    circuit.x(0)
    return circuit
