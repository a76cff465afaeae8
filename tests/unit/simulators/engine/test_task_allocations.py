"""A run to which the system refuses memory though it was reserved: it fails, and no other."""

from __future__ import annotations

from typing import Any

import pytest
from qiskit import QuantumCircuit

import simquay
from simquay.execution.memory import host_ledger
from tests.support.job_doubles import LONG, until


@pytest.mark.parametrize("method", ["allocate", "apply"])
def test_the_job_says_so_and_gives_its_memory_back(
    method: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    circuit = QuantumCircuit(12, 1)
    circuit.h(range(12))
    circuit.measure(0, 0)
    backend: Any = simquay.get_backend("numpy")

    def refuse(*arguments: object, **options: object) -> None:
        raise MemoryError

    with monkeypatch.context() as patch:
        patch.setattr(type(backend.engine), method, refuse)
        job = backend.run(circuit, shots=10)
        job.wait_for_final_state(LONG)
    assert job.error_message().endswith("failed: MemoryError: the system refused memory")
    assert until(lambda: host_ledger().reserved == 0)
    assert sum(backend.run(circuit, shots=10).result(LONG).get_counts().values()) == 10
