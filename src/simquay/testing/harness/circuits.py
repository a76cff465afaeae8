"""The circuits that the checks run."""

from __future__ import annotations

import math

from qiskit import QuantumCircuit

__all__ = ["bell", "flips", "layers", "too_wide"]


def flips(count: int = 2, name: str = "flips") -> QuantumCircuit:
    """A circuit with one outcome: all of ``count`` bits are 1."""
    circuit = QuantumCircuit(count, count, name=name)
    for index in range(count):
        circuit.x(index)
    circuit.measure(range(count), range(count))
    return circuit


def bell() -> QuantumCircuit:
    """A Bell pair: the outcomes are ``00`` and ``11``, with probability 1/2 each."""
    circuit = QuantumCircuit(2, 2, name="bell")
    circuit.h(0)
    circuit.cx(0, 1)
    circuit.measure([0, 1], [0, 1])
    return circuit


def layers(width: int, count: int, clifford: bool = False) -> QuantumCircuit:
    """``count`` layers of rotations and entangling gates on ``width`` qubits, then measurements.

    The angles differ, so that no layer is another's inverse. With ``clifford``, all gates are
    Clifford gates.
    """
    circuit = QuantumCircuit(width, width, name=f"layers {width}x{count}")
    for layer in range(count):
        for index in range(width):
            if clifford:
                circuit.h(index)
                if (layer + index) % 3:
                    circuit.s(index)
            else:
                circuit.rx(0.1 + math.fmod(0.7 * index + 0.3 * layer, 3.0), index)
        for index in range(width - 1):
            circuit.cx(index, index + 1)
    circuit.measure(range(width), range(width))
    return circuit


def too_wide(width: int = 100) -> QuantumCircuit:
    """A circuit whose state vector fits no memory. Its name is "much too wide"."""
    circuit = layers(width, 3)
    circuit.name = "much too wide"
    return circuit
