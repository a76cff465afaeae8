"""Jobs on a real Dask cluster of worker processes."""

from __future__ import annotations

import gc
import os
import signal
import time
from collections.abc import Iterator
from typing import Any

import distributed
import pytest
from qiskit import QuantumCircuit
from qiskit.providers import JobStatus, JobV1

import simquay
from simquay.errors import OutOfMemoryError
from simquay.jobs.errors import JobFailedError
from tests.support.job_doubles import until

VERY_LONG = 150.0
"""Seconds for what starts processes, on a busy machine."""

# Dask's own: sockets and loops that it leaves to the collector when a cluster closes.
pytestmark = [
    pytest.mark.xdist_group("dask"),
    pytest.mark.timeout(280),
    pytest.mark.filterwarnings("ignore::ResourceWarning"),
    pytest.mark.filterwarnings("ignore::pytest.PytestUnraisableExceptionWarning"),
]


def a_cluster() -> Any:
    return distributed.LocalCluster(
        n_workers=2,
        threads_per_worker=1,
        processes=True,
        dashboard_address="127.0.0.1:0",
        silence_logs=50,
    )


@pytest.fixture(scope="module")
def client() -> Iterator[Any]:
    with a_cluster() as cluster, distributed.Client(cluster) as client:
        yield client
    del cluster, client
    gc.collect()  # what it leaves behind warns here, and not in somebody else's test


def layers(qubits: int, count: int, name: str) -> QuantumCircuit:
    circuit = QuantumCircuit(qubits, qubits, name=name)
    for layer in range(count):
        for index in range(qubits):
            circuit.rx(0.1 + index + layer, index)
        for index in range(qubits - 1):
            circuit.cx(index, index + 1)
    circuit.measure(0, 0)
    with circuit.if_test((circuit.clbits[0], 1)):
        circuit.x(1)
    circuit.measure(range(qubits), range(qubits))
    return circuit


def run(circuits: Any, **options: Any) -> JobV1:
    options = {"shots": 400, "seed_simulator": 3, "memory": True, **options}
    return simquay.get_backend("numpy").run(circuits, **options)


def shots_of(job: JobV1) -> list[list[str]]:
    result = job.result(VERY_LONG)
    return [result.get_memory(number) for number in range(len(result.results))]


@pytest.mark.parametrize(
    "split",
    [{}, {"max_circuits_per_task": 3}, {"max_shots_per_task": 90, "max_circuits_per_task": 2}],
    ids=str,
)
def test_results_are_those_of_a_run_here(client: Any, split: dict[str, int]) -> None:
    circuits = [layers(3 + number, 3, f"c{number}") for number in range(4)]
    job = run(circuits, executor=client.get_executor(), **split)
    assert shots_of(job) == shots_of(run(circuits))
    assert job.result().metadata["executor"] == "ClientExecutor"
    assert job.progress() == 1


def test_adapted_backends_run_there(client: Any) -> None:
    circuits = [QuantumCircuit(width, name=f"c{width}") for width in (2, 3)]
    for circuit in circuits:
        circuit.h(range(circuit.num_qubits))
        circuit.measure_all()
    backend = simquay.get_backend("basic")
    options = {"shots": 100, "seed_simulator": 3, "memory": True}
    job = backend.run(circuits, executor=client.get_executor(), **options)
    assert shots_of(job) == shots_of(backend.run(circuits, **options))
    (task,) = job.result().metadata["tasks"]
    assert task["pid"] in client.run(os.getpid).values()


def test_every_worker_takes_part(client: Any) -> None:
    circuits = [layers(10, 10, f"c{number}") for number in range(8)]
    workers = set(client.run(os.getpid).values())
    assert len(workers) == 2

    def pids() -> set[int]:
        job = run(circuits, executor=client.get_executor())
        return {one["pid"] for one in job.result(VERY_LONG).metadata["tasks"]}

    assert until(lambda: pids() == workers, VERY_LONG)


def test_a_failure_there_is_a_failed_job_with_its_cause(client: Any) -> None:
    huge = QuantumCircuit(60, name="huge")
    huge.h(range(60))
    huge.measure_all()
    with pytest.raises(JobFailedError, match="'huge'") as caught:
        run([huge, layers(3, 1, "small")], executor=client.get_executor()).result(VERY_LONG)
    assert isinstance(caught.value.__cause__, OutOfMemoryError)
    assert caught.value.partial_result is not None
    assert [one.header["name"] for one in caught.value.partial_result.results] == ["small"]


def test_a_cancelled_job_takes_its_tasks_back_and_nobody_elses(client: Any) -> None:
    circuit = layers(14, 20, "c")
    executor = client.get_executor()
    first, twin = (
        run(circuit, executor=executor, max_shots_per_task=100, seed_simulator=4) for _ in range(2)
    )
    began = time.monotonic()
    assert first.cancel()
    assert time.monotonic() - began < 1
    assert first.status() is JobStatus.CANCELLED
    assert shots_of(twin) == shots_of(run(circuit, seed_simulator=4))


@pytest.mark.skipif(not hasattr(signal, "SIGKILL"), reason="this system has no SIGKILL")
def test_a_killed_worker_costs_time_and_nothing_else(client: Any) -> None:
    circuit = layers(16, 12, "c")
    expected = shots_of(run(circuit))
    job = run(circuit, executor=client.get_executor(), max_shots_per_task=40)
    assert until(lambda: job.progress() > 0, VERY_LONG)
    victim = min(client.run(os.getpid).values())
    os.kill(victim, signal.SIGKILL)
    assert shots_of(job) == expected
    assert until(lambda: len(client.scheduler_info()["workers"]) == 2, VERY_LONG)  # a new one


@pytest.mark.long
@pytest.mark.parametrize("end", ["client", "cluster"])
def test_a_client_or_cluster_that_closes_fails_its_jobs(end: str) -> None:
    with a_cluster() as cluster, distributed.Client(cluster) as client:
        executor = client.get_executor()
        job = run(layers(16, 30, "c"), executor=executor, max_shots_per_task=20)
        assert until(lambda: job.progress() > 0, VERY_LONG)
        (client if end == "client" else cluster).close()
        with pytest.raises(JobFailedError):
            job.result(VERY_LONG)
        with pytest.raises(JobFailedError):
            run(layers(3, 1, "c"), executor=executor).result(VERY_LONG)
