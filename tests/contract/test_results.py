"""Results and timeouts (J08 to J10), and jobs whose result says that it failed (J13)."""

from __future__ import annotations

import pytest
from qiskit.providers import JobStatus
from qiskit.providers.exceptions import JobTimeoutError
from qiskit.result import Result

from simquay.errors import SimquayError
from simquay.jobs.completed import CompletedJob
from simquay.jobs.errors import JobFailedError, JobTimedOutError
from tests.contract.conftest import RunJob
from tests.support.adapted_runs import adapted, circuit
from tests.support.foreign_backends import ReadyJob
from tests.support.foreign_backends import a_result as a_foreign_result
from tests.support.job_doubles import LONG, HeldWork, a_result, an_experiment


def test_j08_the_same_result_again_and_again(run_job: RunJob) -> None:
    job = run_job(HeldWork(held=False))
    first = job.result(LONG)
    assert job.result() is first
    assert job.result(0) is first


def test_j09_the_timeout_is_in_seconds_and_may_be_any_real(run_job: RunJob) -> None:
    work = HeldWork()
    job = run_job(work)
    for timeout in (0.01, 0, -1.0):
        with pytest.raises(JobTimedOutError):
            job.result(timeout=timeout)
    work.let_go()
    assert job.result(timeout=float("inf")).success
    assert job.result(timeout=1e300).success


def test_j10_a_timeout_is_both_errors_and_the_job_goes_on(run_job: RunJob) -> None:
    work = HeldWork()
    job = run_job(work)
    with pytest.raises(JobTimeoutError) as caught:
        job.result(timeout=0.01)
    assert isinstance(caught.value, TimeoutError)
    assert isinstance(caught.value, SimquayError)
    assert job.job_id() in str(caught.value)
    assert not job.in_final_state()
    work.let_go()
    assert job.result(LONG).success


def partly_failed() -> Result:
    result = Result(success=False, status="PARTIAL COMPLETED", results=[], job_id="j")
    result.results = [an_experiment("good", True), an_experiment("bad", False)]
    return result


def test_j13_no_job_is_done_with_a_result_that_failed(run_job: RunJob) -> None:
    job = run_job(HeldWork(partly_failed, held=False))
    with pytest.raises(JobFailedError, match="bad: ERROR: broken") as caught:
        job.result(LONG)
    assert job.status() is JobStatus.ERROR
    partial = caught.value.partial_result
    assert partial is not None
    assert partial.get_counts("good") == {"0": 10}
    assert [one.header["name"] for one in partial.results] == ["good"]


def test_j13_a_failed_result_without_circuits_gives_its_status(run_job: RunJob) -> None:
    job = run_job(HeldWork(lambda: a_result(False, status="it broke"), held=False))
    with pytest.raises(JobFailedError, match="it broke") as caught:
        job.result(LONG)
    assert caught.value.partial_result is None


def test_j13_a_result_that_exists_and_failed_is_no_done_job() -> None:
    job = CompletedJob(None, "a", partly_failed())
    assert job.status() is JobStatus.ERROR
    with pytest.raises(JobFailedError, match="bad: ERROR: broken"):
        job.result()


def test_j13_a_foreign_job_in_error_is_no_done_job_whatever_its_result() -> None:
    class InError(ReadyJob):
        def error_message(self) -> str:
            return "the device caught fire"

    backend = adapted(lambda circuits, _: InError(a_foreign_result(circuits), JobStatus.ERROR))
    with pytest.raises(JobFailedError, match="caught fire"):
        backend.run(circuit()).result(LONG)
