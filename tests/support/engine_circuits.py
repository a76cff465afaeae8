"""Circuits for runs on engines: with one outcome, or with work for minutes."""

from __future__ import annotations

from qiskit import QuantumCircuit

__all__ = ["flips", "long_circuit"]


def flips(count: int = 1) -> QuantumCircuit:
    """A circuit whose one outcome is all ones."""
    circuit = QuantumCircuit(count, count, name="flips")
    circuit.x(range(count))
    circuit.measure(range(count), range(count))
    return circuit


def long_circuit(qubits: int = 20, layers: int = 5000) -> QuantumCircuit:
    """Work for minutes, in many passes."""
    circuit = QuantumCircuit(qubits)
    layer = QuantumCircuit(qubits)
    for index in range(qubits):
        layer.rx(0.1 + index, index)
    for index in range(qubits - 1):
        layer.cx(index, index + 1)
    for _ in range(layers // 20):
        circuit.compose(layer, inplace=True)
    circuit.measure_all()
    return circuit
