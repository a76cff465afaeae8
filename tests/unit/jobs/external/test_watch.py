"""A foreign run: how it ends, what its status is, and how the wait for it is given up."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from typing import Any

import pytest
from qiskit.providers import JobError, JobStatus
from qiskit.result import Result

from simquay.errors import Cancelled
from simquay.jobs.dispatch.tasks import TaskControl
from simquay.jobs.errors import OriginalTraceback
from simquay.jobs.external.watch import ForeignRun, foreign_result
from tests.support.adapted_runs import circuit
from tests.support.foreign_backends import HeldJob, ReadyJob, a_result
from tests.support.job_doubles import LONG, until

CIRCUITS = [circuit()]


@pytest.fixture
def held() -> Iterator[HeldJob]:
    job = HeldJob(CIRCUITS, honest=False)
    yield job
    job.over.set()


def ended(job: Any) -> Any:
    run = ForeignRun(lambda: job)
    run.do()
    return run.ended()


def test_a_run_ends_with_its_jobs_result() -> None:
    result = a_result(CIRCUITS)
    assert ended(ReadyJob(result)) == (result, True)


def test_a_start_that_raises_ends_without_a_job_and_with_the_error_detached() -> None:
    def start() -> Any:
        raise ValueError("no such gate")

    run = ForeignRun(start)
    run.do()
    error, had_job = run.ended()
    assert not had_job
    assert isinstance(error, ValueError)
    assert error.__traceback__ is None
    assert isinstance(error.__cause__, OriginalTraceback)


def test_what_is_no_result_is_an_error() -> None:
    error, had_job = ended(ReadyJob({"counts": {}}))
    assert isinstance(error, TypeError)
    assert "an object of type dict: expected a qiskit.result.Result" in str(error)
    assert had_job


def test_a_status_of_error_counts_whatever_the_result_says() -> None:
    error, _ = ended(ReadyJob(a_result(CIRCUITS), "error"))
    assert isinstance(error, JobError)
    assert "has the status ERROR" in str(error)


@pytest.mark.parametrize("status", [JobStatus.CANCELLED, "cancelled"])
def test_a_run_that_the_backend_cancelled_raises(status: Any) -> None:
    with pytest.raises(Cancelled, match="the backend cancelled the job"):
        ended(ReadyJob(a_result(CIRCUITS), status))


def test_a_job_is_cancelled_that_comes_after_the_wait_was_given_up(held: HeldJob) -> None:
    run = ForeignRun(lambda: held)
    run.abandon()
    run.do()
    assert held.cancels == 1


def test_a_failing_check_cancels_the_job_and_ends_the_wait(held: HeldJob) -> None:
    over, control = threading.Event(), TaskControl()
    control.cancel()
    with pytest.raises(Cancelled, match="the work was cancelled"):
        foreign_result(lambda: held, control, over.set)
    assert held.cancels == 1
    assert not over.is_set()  # the foreign code still runs
    held.end()
    assert over.wait(LONG)


def test_a_run_in_a_thread_reports_each_status_once(held: HeldJob) -> None:
    told: list[JobStatus] = []
    outcome: list[Any] = []

    def wait() -> None:
        outcome.append(foreign_result(lambda: held, TaskControl(report_status=told.append)))

    thread = threading.Thread(target=wait)
    thread.start()
    held.state = "validating"
    assert until(lambda: told == [JobStatus.VALIDATING])
    held.state = JobStatus.RUNNING
    assert until(lambda: told == [JobStatus.VALIDATING, JobStatus.RUNNING])
    held.end()
    thread.join(LONG)
    ((result, had_job),) = outcome
    assert isinstance(result, Result)
    assert had_job


@pytest.mark.parametrize(
    ("grace", "status"), [(0.0, JobStatus.RUNNING), (LONG, JobStatus.VALIDATING)]
)
def test_a_run_that_is_still_starting_counts_as_running_after_its_grace(
    grace: float, status: JobStatus
) -> None:
    told: list[JobStatus] = []
    run = ForeignRun(lambda: None, told.append, grace)

    def polled() -> bool:
        run.poll()
        return bool(told)

    assert until(polled)
    assert told == [status]


def test_a_job_whose_status_raises_is_still_waited_for() -> None:
    class Mute(ReadyJob):
        def status(self) -> Any:
            raise RuntimeError("not now")

    result, had_job = ended(Mute(a_result(CIRCUITS)))
    assert isinstance(result, Result)
    assert had_job


def test_a_run_whose_thread_cannot_start_is_over(monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(thread: threading.Thread) -> None:
        raise OSError("no more threads")

    started: list[str] = []
    over = threading.Event()
    with monkeypatch.context() as patch:
        patch.setattr(threading.Thread, "start", refuse)
        with pytest.raises(RuntimeError, match="no thread can be started: no more threads"):
            foreign_result(lambda: started.append("x"), TaskControl(), over.set)
    assert over.is_set()  # else the backend's only object would never be lent again
    assert not started
