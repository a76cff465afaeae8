"""The memory of this machine that a run on a foreign backend reserves."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

from qiskit import QuantumCircuit

from simquay.execution.memory import host_ledger
from simquay.jobs.dispatch.tasks import MemoryRequest

__all__ = ["MemoryRule", "memory_request"]

MemoryRule = Callable[[QuantumCircuit, Mapping[str, Any]], int]
"""Gives the bytes that a run of a circuit with some options needs; 0 where that is unknown."""

_WORTH_RESERVING = 64 << 20
"""Bytes; a smaller need is not reserved, since it fits anyway."""


def memory_request(
    rule: MemoryRule | None, circuits: Sequence[QuantumCircuit], options: Mapping[str, Any]
) -> MemoryRequest | None:
    """The request of a run, or None where its need is unknown or small.

    It is an estimate: a run that could never have so much goes without, and fails with an error of
    its own where it must.

    Args:
        rule: gives the need of one circuit; None where it is unknown.
        circuits: of the run, one or more; the largest need counts.
        options: of the run, with those of the backend.
    """
    if rule is None:
        return None
    need = max(rule(circuit, options) for circuit in circuits)
    return MemoryRequest(host_ledger(), need, less=(0,)) if need >= _WORTH_RESERVING else None
