"""The circuits that the checks run."""

from __future__ import annotations

import math
from collections.abc import Iterable
from typing import Any

from qiskit import QuantumCircuit
from qiskit.circuit import Gate

__all__ = ["bell", "circuit_of", "flips", "layers", "too_wide", "unknown_gate"]


def circuit_of(name: str, bits: Iterable[Any], *steps: tuple[Any, ...]) -> QuantumCircuit:
    """A circuit of some steps.

    Args:
        name: of the circuit.
        bits: numbers of qubits and of classical bits, or registers.
        steps: a method of ``QuantumCircuit`` each, such as ``"cx"``, and its arguments.
    """
    circuit = QuantumCircuit(*bits, name=name)
    for method, *arguments in steps:
        getattr(circuit, method)(*arguments)
    return circuit


def flips(count: int = 2) -> QuantumCircuit:
    """A circuit with one outcome: all of ``count`` bits are 1."""
    every = range(count)
    return circuit_of("flips", (count, count), ("x", every), ("measure", every, every))


def bell() -> QuantumCircuit:
    """A Bell pair: the outcomes are ``00`` and ``11``, with probability 1/2 each."""
    return circuit_of("bell", (2, 2), ("h", 0), ("cx", 0, 1), ("measure", [0, 1], [0, 1]))


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
        circuit.cx(range(width - 1), range(1, width))
    circuit.measure(range(width), range(width))
    return circuit


def too_wide(width: int = 100) -> QuantumCircuit:
    """A circuit whose state vector fits no memory. Its name is "much too wide"."""
    circuit = layers(width, 3)
    circuit.name = "much too wide"
    return circuit


def unknown_gate() -> QuantumCircuit:
    """A circuit with a gate that nothing defines. Its name is "unknown gate"."""
    circuit = QuantumCircuit(2, 2, name="unknown gate")
    circuit.append(Gate("undefined", 1, []), [0])
    circuit.measure([0, 1], [0, 1])
    return circuit
