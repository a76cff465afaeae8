"""A job for a result that exists already keeps the contract."""

from __future__ import annotations

import pickle
from typing import Any

import pytest
from qiskit import QuantumCircuit
from qiskit.providers import JobError, JobStatus, JobV1
from qiskit.providers.basic_provider import BasicSimulator
from qiskit.result import Result

from simquay.jobs.completed import CompletedJob
from simquay.jobs.errors import JobFailedError


@pytest.fixture
def existing() -> Any:
    """A finished job of Qiskit's own simulator."""
    circuit = QuantumCircuit(1, 1)
    circuit.x(0)
    circuit.measure(0, 0)
    return BasicSimulator().run(circuit, shots=10)


def test_j13_a_result_that_exists_is_a_done_job(existing: Any) -> None:
    job = CompletedJob(existing.backend(), existing.job_id(), existing.result())
    assert isinstance(job, JobV1)
    assert job.status() is JobStatus.DONE
    assert job.job_id() == existing.job_id()
    assert job.backend() is existing.backend()
    assert job.result() is existing.result()
    assert job.result().get_counts() == {"1": 10}
    assert (job.done(), job.progress(), job.error_message()) == (True, 1.0, None)
    heard: list[JobStatus] = []
    job.wait_for_final_state(callback=lambda _, status, __: heard.append(status))
    assert heard == [JobStatus.DONE]


def test_j13_a_result_that_failed_is_no_done_job() -> None:
    failed = Result(success=False, status="it broke", results=[])
    job = CompletedJob(None, "a", failed, metadata={"from": "elsewhere"})
    assert job.status() is JobStatus.ERROR
    assert job.error_message() == "it broke"
    assert job.metadata == {"from": "elsewhere"}
    assert job.progress() < 1
    with pytest.raises(JobFailedError, match="it broke"):
        job.result()


def test_j04_j19_it_can_neither_be_submitted_nor_cancelled(existing: Any) -> None:
    job = CompletedJob(None, None, existing.result())
    with pytest.raises(JobError, match="submitted already"):
        job.submit()
    assert job.cancel() is False
    assert job.done()


def test_j33_it_pickles(existing: Any) -> None:
    job = CompletedJob(None, "a", existing.result())
    again = pickle.loads(pickle.dumps(job))
    assert again.job_id() == "a"
    assert again.result().get_counts() == {"1": 10}
