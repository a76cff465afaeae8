"""What a run on a foreign backend takes of this machine's memory, where somebody knows it."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

from qiskit import QuantumCircuit

from simquay.execution.memory import host_ledger
from simquay.jobs.dispatch.threads import MemoryRequest

__all__ = ["MemoryRule", "memory_request"]

MemoryRule = Callable[[QuantumCircuit, Mapping[str, Any]], int]
"""The bytes that a run of a circuit with some options takes."""

_WORTH_RESERVING = 64 << 20
"""Bytes; less than that is not reserved: what fits anyway need not be counted."""


def memory_request(
    rule: MemoryRule | None, circuits: Sequence[QuantumCircuit], options: Mapping[str, Any]
) -> MemoryRequest | None:
    """What a run takes, where that is known and worth a reservation.

    Args:
        rule: None where nobody knows.
        circuits: those of the run, one or more; the one that takes most counts.
        options: all that hold in the run, those of the backend too.
    """
    if rule is None:
        return None
    need = max(rule(circuit, options) for circuit in circuits)
    return MemoryRequest(host_ledger(), need) if need >= _WORTH_RESERVING else None
