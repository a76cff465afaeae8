"""From a Qiskit circuit to a program: the entry points."""

from __future__ import annotations

from typing import Any

from qiskit import QuantumCircuit

from simquay.circuits.info import CircuitInfo
from simquay.circuits.lowering.scopes import BlockBuilder, Scope
from simquay.circuits.lowering.walk import Lowering
from simquay.errors import NotACircuitError, ProgramError
from simquay.program import Program

__all__ = ["lower", "lower_circuit"]


def lower(circuit: QuantumCircuit) -> Program:
    """``circuit`` as a program: plain data that no later change of the circuit reaches.

    Amplitude index bit ``k`` is the circuit's qubit ``k``; classical bit ``k`` is its clbit ``k``.
    The circuit needs no transpilation: gates are taken by their matrix or their definition, and
    controlled gates keep their controls.

    Raises:
        NotACircuitError: if it is not a ``QuantumCircuit``; a ``ProgramError`` and ``TypeError``.
        UnsupportedInstructionError: for an instruction that cannot be run; the message names it
            and its place.
        ProgramError: for unbound parameters, unbound input variables, and values that make no gate.
    """
    if not isinstance(circuit, QuantumCircuit):
        raise NotACircuitError(
            f"{_shown(circuit)} is not a QuantumCircuit; give a circuit or a list of circuits"
        )
    if circuit.num_input_vars or circuit.num_captured_vars:
        names = [
            variable.name
            for variables in (circuit.iter_input_vars(), circuit.iter_captured_vars())
            for variable in variables
        ]
        raise ProgramError(
            f"circuit {circuit.name!r} takes variables from outside: {', '.join(names)}; "
            "declare them with add_var and a value"
        )
    lowering = Lowering(circuit.num_qubits)
    scope = Scope(
        circuit.name,
        {bit: index for index, bit in enumerate(circuit.qubits)},
        {bit: index for index, bit in enumerate(circuit.clbits)},
    )
    block = BlockBuilder("zero")
    lowering.read(circuit, scope, block)
    return Program(
        circuit.num_qubits,
        circuit.num_clbits,
        block.finish(),
        tuple(lowering.classical.variables),
        circuit.name,
    )


def lower_circuit(circuit: QuantumCircuit) -> tuple[Program, CircuitInfo]:
    """The program of ``circuit``, and what its result needs to know of it.

    Raises:
        ProgramError: as :func:`lower` does.
    """
    program = lower(circuit)
    return program, CircuitInfo.of(circuit)


def _shown(thing: Any) -> str:
    """A short text for ``thing``, with its type."""
    text = repr(thing)
    return f"{text if len(text) <= 60 else text[:57] + '...'} ({type(thing).__name__})"
