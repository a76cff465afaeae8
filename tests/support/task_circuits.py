"""Circuits for jobs in tasks, and what a split must not change of their results."""

from __future__ import annotations

from typing import Any

import numpy as np
from qiskit import ClassicalRegister, QuantumCircuit, QuantumRegister
from qiskit.circuit.library import UnitaryGate
from qiskit.providers import JobV1
from qiskit.result import Result

import simquay

__all__ = [
    "CIRCUITS",
    "SHOTS",
    "VERY_LONG",
    "data",
    "long_circuit",
    "registers",
    "run",
    "teleportation",
    "wide",
]

VERY_LONG = 120.0
"""Seconds for what starts processes, on a busy machine."""


def teleportation() -> QuantumCircuit:
    """Measurement in the middle, and what depends on it."""
    circuit = QuantumCircuit(3, 3, name="teleportation")
    circuit.u(0.3, 0.2, 0.1, 0)
    circuit.h(1)
    circuit.cx(1, 2)
    circuit.cx(0, 1)
    circuit.h(0)
    circuit.measure([0, 1], [0, 1])
    with circuit.if_test((circuit.clbits[1], 1)):
        circuit.x(2)
    with circuit.if_test((circuit.clbits[0], 1)):
        circuit.z(2)
    circuit.measure(2, 2)
    return circuit


def registers() -> QuantumCircuit:
    """Several registers, and a gate that has a matrix and nothing else."""
    circuit = QuantumCircuit(
        QuantumRegister(4, "q"),
        ClassicalRegister(3, "a"),
        ClassicalRegister(1, "b"),
        name="registers",
        metadata={"kept": [1, 2]},
    )
    circuit.h(range(3))
    angle = 0.7
    circuit.append(
        UnitaryGate([[np.cos(angle), -np.sin(angle)], [np.sin(angle), np.cos(angle)]]), [1]
    )
    circuit.initialize([0.6, 0.8j], 3)
    circuit.measure(range(4), range(4))
    return circuit


def wide() -> QuantumCircuit:
    """More classical bits than a word has."""
    circuit = QuantumCircuit(2, 70, name="wide")
    circuit.h(0)
    circuit.cx(0, 1)
    circuit.measure([0, 1], [3, 69])
    return circuit


CIRCUITS = [teleportation(), registers(), wide(), teleportation()]
SHOTS = 500


def long_circuit(qubits: int = 20, layers: int = 300, name: str = "long") -> QuantumCircuit:
    """Layers of rotations and CX: minutes of work, unless told otherwise."""
    circuit = QuantumCircuit(qubits, name=name)
    for layer in range(layers):
        for index in range(qubits):
            circuit.rx(0.1 + index + layer, index)
        for index in range(qubits - 1):
            circuit.cx(index, index + 1)
    circuit.measure_all()
    return circuit


def run(backend: Any = None, circuits: Any = None, **options: Any) -> JobV1:
    """A run of the circuits, or of others, on ``numpy``, or on another backend."""
    backend = simquay.get_backend("numpy") if backend is None else backend
    options = {"shots": SHOTS, "seed_simulator": 11, "memory": True, **options}
    return backend.run(CIRCUITS if circuits is None else circuits, **options)


def data(result: Result) -> list[tuple[Any, ...]]:
    """All that a split must not change."""
    return [
        (one.data.to_dict(), one.header, one.shots, one.seed, one.success) for one in result.results
    ]
