"""adapt_job: a job that exists, whatever its class, becomes one that keeps the contract."""

from __future__ import annotations

import pickle
from typing import Any

import pytest
from qiskit import QuantumCircuit
from qiskit.exceptions import QiskitError
from qiskit.providers import JobError, JobStatus, JobTimeoutError, JobV1

from simquay.jobs.adapted import adapt_job
from simquay.jobs.errors import JobCancelledError, JobFailedError
from tests.support.foreign_backends import HeldJob, LegacyJob, ReadyJob, a_result
from tests.support.job_doubles import LONG, until

pytestmark = pytest.mark.timeout(60)

CIRCUITS = [QuantumCircuit(1, 1, name="good")]


def test_a_legacy_job_is_submitted_once_and_waited_for() -> None:
    """It has no ``JobV1`` base and no metadata."""
    legacy = LegacyJob("a backend", "legacy-7", lambda: a_result(CIRCUITS))
    job = adapt_job(legacy)
    assert isinstance(job, JobV1)
    assert (job.job_id(), job.metadata) == ("legacy-7", {})
    result = job.result(LONG)
    assert result.get_counts() == {"0": 1}
    assert job.result() is result
    assert legacy.submissions == 1
    with pytest.raises(QiskitError):
        job.backend()
    with pytest.raises(JobError, match="submitted already"):
        job.submit()
    assert pickle.loads(pickle.dumps(job)).result().get_counts() == {"0": 1}


def test_a_job_that_only_says_initializing_is_not_submitted_twice() -> None:
    """As Aer's does while it waits: it refuses, and goes on."""
    held = HeldJob(CIRCUITS)
    held.state = JobStatus.INITIALIZING
    job = adapt_job(held)
    assert not until(lambda: job.status() is not JobStatus.QUEUED, 0.3)
    held.end()
    assert job.result(LONG).success


def test_j10_j26_timeouts_are_the_contracts() -> None:
    held = HeldJob(CIRCUITS)
    job = adapt_job(held)
    for wait in (job.result, job.wait_for_final_state):
        with pytest.raises(JobTimeoutError) as caught:
            wait(timeout=0.05)
        assert isinstance(caught.value, TimeoutError)
    held.end()
    job.wait_for_final_state(LONG)
    assert job.done()


def test_j15_j16_cancelling_asks_the_job_that_exists() -> None:
    held = HeldJob(CIRCUITS)
    job = adapt_job(held)
    assert job.cancel() is True
    assert until(lambda: held.cancels == 1)
    with pytest.raises(JobCancelledError):
        job.result()
    assert job.cancel() is False


def test_a_job_cancelled_by_others_is_cancelled() -> None:
    held = HeldJob(CIRCUITS)
    job = adapt_job(held)
    held.end(JobStatus.CANCELLED, JobError("it was cancelled"))
    with pytest.raises(JobCancelledError):
        job.result(LONG)


def test_j11_a_job_that_fails_fails() -> None:
    held = HeldJob(CIRCUITS)
    job = adapt_job(held)
    held.end(JobStatus.ERROR, ValueError("no"))
    with pytest.raises(JobFailedError, match="no") as caught:
        job.result(LONG)
    assert isinstance(caught.value.__cause__, ValueError)
    failed = adapt_job(ReadyJob(a_result(CIRCUITS, success=False, status="it broke")))
    with pytest.raises(JobFailedError):
        failed.result(LONG)


@pytest.mark.parametrize("status", [None, "odd", 5, "done"])
def test_a_status_that_is_none_hinders_nothing(status: Any) -> None:
    assert adapt_job(ReadyJob(a_result(CIRCUITS), status)).result(LONG).success


def test_what_is_no_job_is_refused() -> None:
    with pytest.raises(TypeError, match="no job"):
        adapt_job(5)
