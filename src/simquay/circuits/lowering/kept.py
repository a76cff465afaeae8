"""Programs of circuits with parameters, kept for callers that run one circuit at new values again
and again.

A circuit may change between two calls, and nothing tells. So a copy is kept beside the program, and
the circuit is compared with it, which takes a fourth of the time of lowering: Qiskit compares the
numbers of standard gates exactly, and coefficients of parameters to 1e-15. Gates with definitions
can change inside without the comparison showing it, and circuits with them are not kept.
"""

from __future__ import annotations

from functools import lru_cache
from typing import TypeAlias

from qiskit import QuantumCircuit

from simquay.circuits.lowering.angles import Angles
from simquay.program import Program

__all__ = ["find", "keep"]

_MOST_INSTRUCTIONS = 4096
_MOST_QUBITS = 63
"""In wider circuits, lowering also looks at what a transpiler says of them."""
_Kept: TypeAlias = tuple[QuantumCircuit, Program, Angles]


@lru_cache(maxsize=16)
def _place(identity: int) -> list[_Kept]:
    """Where the program of the circuit with this ``id`` is kept: nothing, or one item."""
    return []


def find(circuit: QuantumCircuit) -> tuple[Program, Angles] | None:
    """The program of ``circuit`` and its angles, if they are kept."""
    for copy, program, angles in _place(id(circuit)):  # perhaps of an earlier circuit there
        if (
            copy.global_phase == circuit.global_phase
            and copy.name == circuit.name
            and copy.qubits == circuit.qubits
            and copy.clbits == circuit.clbits
            and not circuit.num_vars
            and copy.data == circuit.data
        ):
            return program, angles
    return None


def keep(circuit: QuantumCircuit, program: Program, angles: Angles) -> None:
    """Keep what ``circuit`` was lowered to, where an equal circuit is lowered to the same."""
    if (
        angles.repeatable
        and len(circuit.data) <= _MOST_INSTRUCTIONS
        and circuit.num_qubits <= _MOST_QUBITS
        and not circuit.num_vars
    ):
        _place(id(circuit))[:] = [(circuit.copy(), program, angles)]
