"""Targets of foreign simulators, whose instructions hold for any qubits."""

from __future__ import annotations

from qiskit.transpiler import Target

from simquay.simulators.engine.target import MOST_QUBITS

__all__ = ["with_qubits"]


def with_qubits(theirs: Target, number: int | None) -> Target:
    """A target with the instructions of ``theirs``, for any qubits, and with a number of qubits.

    Args:
        theirs: without a coupling map.
        number: of qubits, where ``theirs`` has none; None is the number of Simquay's engines.
    """
    target = Target(
        description=theirs.description,
        num_qubits=theirs.num_qubits or number or MOST_QUBITS,
        dt=theirs.dt,
        granularity=theirs.granularity,
        min_length=theirs.min_length,
        pulse_alignment=theirs.pulse_alignment,
        acquire_alignment=theirs.acquire_alignment,
        concurrent_measurements=theirs.concurrent_measurements,
    )
    for name in theirs.operation_names:
        target.add_instruction(theirs.operation_from_name(name), name=name)
    return target
