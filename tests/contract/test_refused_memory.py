"""A run to which the system refuses memory though it was reserved: it fails, and no other."""

from __future__ import annotations

import sys
from typing import Any

import psutil
import pytest
from qiskit import QuantumCircuit

import simquay
from simquay.execution.memory import host_ledger
from simquay.jobs.workers.pool import default_workers
from tests.support.job_doubles import LONG, until

ENGINES = pytest.mark.parametrize("name", ["numpy", "numba"])


def refuse(*arguments: object, **options: object) -> None:
    raise MemoryError


@ENGINES
@pytest.mark.parametrize("method", ["allocate", "apply"])
def test_the_job_says_so_and_gives_its_memory_back(
    name: str, method: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    circuit = QuantumCircuit(12, 1)
    circuit.h(range(12))
    circuit.measure(0, 0)
    backend: Any = simquay.get_backend(name)
    with monkeypatch.context() as patch:
        patch.setattr(type(backend.engine), method, refuse)
        job = backend.run(circuit, shots=10)
        job.wait_for_final_state(LONG)
    assert job.error_message().endswith("failed: MemoryError: the system refused memory")
    assert until(lambda: host_ledger().reserved == 0)
    assert sum(backend.run(circuit, shots=10).result(LONG).get_counts().values()) == 10


@ENGINES
def test_branches_that_cannot_be_copied_are_run_from_the_start(
    name: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    circuit = QuantumCircuit(12, 3)
    for clbit in range(3):
        circuit.h(range(12))
        circuit.measure(0, clbit)
        with circuit.if_test((clbit, 1)):
            circuit.rx(0.7, 0)
    backend: Any = simquay.get_backend(name)

    def counts() -> dict[str, int]:
        result = backend.run(circuit, shots=200, seed_simulator=5).result(LONG)
        return dict(result.get_counts())

    expected = counts()
    refused: list[str] = []

    def count(*arguments: object) -> None:
        refused.append("a state")
        raise MemoryError

    for method in ("copy", "select"):
        monkeypatch.setattr(type(backend.engine), method, count)
    assert counts() == expected
    assert refused
    assert until(lambda: host_ledger().reserved == 0)


def entangled(width: int) -> QuantumCircuit:
    circuit = QuantumCircuit(width)
    circuit.rx(0.3, range(width))
    circuit.cx(range(width - 1), range(1, width))
    circuit.measure_all()
    return circuit


@pytest.mark.slow
@pytest.mark.skipif(sys.platform != "linux", reason="no limits can be set to another process")
@pytest.mark.parametrize(
    ("name", "options"), [("basic", {}), ("aer", {"method": "statevector"})], ids=["basic", "aer"]
)
def test_a_job_in_a_worker_process_says_so(name: str, options: dict[str, Any]) -> None:
    import resource

    backend = simquay.get_backend(name)
    backend.run(entangled(3), shots=10).result()
    workers = default_workers().pids()
    # The one that ran, and perhaps one that still imports.
    most = max([psutil.Process(pid).memory_info().vms for pid in workers]) + (192 << 20)
    for pid in workers:
        resource.prlimit(pid, resource.RLIMIT_AS, (most, resource.RLIM_INFINITY))
    try:
        job = backend.run(entangled(24), shots=10, **options)  # 256 MiB
        job.wait_for_final_state()
        assert "llocate" in str(job.error_message())
        assert until(lambda: host_ledger().reserved == 0)
        assert sum(backend.run(entangled(3), shots=10).result().get_counts().values()) == 10
    finally:
        default_workers().stop()
        default_workers()._renew()


@pytest.mark.parametrize("name", ["basic", "aer"])
def test_a_job_on_a_foreign_backend_in_a_thread_says_so(
    name: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    backend: Any = simquay.get_backend(name)
    backend.set_options(isolation="thread")
    with monkeypatch.context() as patch:
        patch.setattr(type(backend.foreign), "run", refuse)
        job = backend.run(entangled(3), shots=10)
        job.wait_for_final_state(LONG)
    assert str(job.error_message()).endswith("failed: MemoryError: the system refused memory")
    assert until(lambda: host_ledger().reserved == 0)
    assert sum(backend.run(entangled(3), shots=10).result(LONG).get_counts().values()) == 10
