"""The names and sizes of a circuit that its result needs."""

from __future__ import annotations

import copy
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from qiskit import QuantumCircuit

__all__ = ["CircuitInfo"]


@dataclass(frozen=True, slots=True)
class CircuitInfo:
    """The names and sizes of a circuit, without the circuit.

    Registers are listed in the circuit's order. They may overlap, and a bit may be in none, so
    their sizes need not add up to the number of bits.

    Attributes:
        name: the circuit's name.
        num_qubits: the number of qubits, those in no register included.
        memory_slots: the number of classical bits, those in no register included.
        qreg_sizes: name and size of each quantum register.
        creg_sizes: name and size of each classical register.
        global_phase: in radians.
        metadata: the circuit's metadata, copied, or an empty mapping.
        tiled: the classical registers hold each classical bit once, in the circuit's order. Only
            then can Qiskit cut a bit string into registers by their sizes.
    """

    name: str
    num_qubits: int
    memory_slots: int
    qreg_sizes: tuple[tuple[str, int], ...]
    creg_sizes: tuple[tuple[str, int], ...]
    global_phase: float
    metadata: Mapping[str, Any]
    tiled: bool = True

    @classmethod
    def of(cls, circuit: QuantumCircuit) -> CircuitInfo:
        """The info of ``circuit``, whose global phase must be bound."""
        metadata = circuit.metadata
        return cls(
            circuit.name,
            circuit.num_qubits,
            circuit.num_clbits,
            tuple([(register.name, register.size) for register in circuit.qregs]),
            tuple([(register.name, register.size) for register in circuit.cregs]),
            float(circuit.global_phase),
            copy.deepcopy(metadata) if metadata else {},
            [bit for register in circuit.cregs for bit in register] == circuit.clbits,
        )

    def header(self) -> dict[str, Any]:
        """A new dictionary for the ``header`` of Qiskit's ``ExperimentResult``.

        Where the registers are not ``tiled``, it lists no classical ones: counts are then printed
        as one string of all bits, instead of with bits missing.
        """
        return {
            "name": self.name,
            "n_qubits": self.num_qubits,
            "memory_slots": self.memory_slots,
            "qreg_sizes": [list(register) for register in self.qreg_sizes],
            "creg_sizes": [list(one) for one in self.creg_sizes] if self.tiled else [],
            "qubit_labels": [[name, bit] for name, size in self.qreg_sizes for bit in range(size)],
            "clbit_labels": [[name, bit] for name, size in self.creg_sizes for bit in range(size)],
            "global_phase": self.global_phase,
            "metadata": copy.deepcopy(dict(self.metadata)),
        }
