"""BaseJob, by a subclass whose work the test does: moving on, ending, and what it calls when."""

from __future__ import annotations

from typing import Any

import pytest
from qiskit.providers import JobStatus

from simquay.jobs.base import BaseJob
from simquay.jobs.errors import JobCancelledError, JobFailedError
from tests.support.job_doubles import a_result

FINAL = [JobStatus.DONE, JobStatus.ERROR, JobStatus.CANCELLED]


class Manual(BaseJob):
    """A job without work, which notes its calls."""

    def __init__(self, backend: Any = None, **fields: Any) -> None:
        self.calls: list[object] = []
        super().__init__(backend, **fields)

    def _start(self) -> None:
        self.calls.append(("start", self.status()))

    def _stop(self, was: JobStatus) -> None:
        self.calls.append(("stop", was, self.status()))

    def _release(self) -> None:
        self.calls.append("release")

    def end(self, status: JobStatus) -> bool:
        """End in this final state, as the worker of a job does."""
        if status is JobStatus.DONE:
            return self._conclude(a_result())
        if status is JobStatus.ERROR:
            return self._fail("no")
        return self.cancel()

    move = BaseJob._advance
    fraction = 0.0

    def _fraction(self) -> float:
        return self.fraction


def submitted() -> Manual:
    job = Manual()
    job.submit()
    return job


def test_a_subclass_gives_the_work_alone() -> None:
    assert BaseJob.__abstractmethods__ == {"_start", "_stop", "_release"}


def test_the_work_starts_when_the_job_is_queued() -> None:
    assert submitted().calls == [("start", JobStatus.QUEUED)]


def test_a_job_moves_forward_only() -> None:
    job = submitted()
    assert not job.move(JobStatus.QUEUED)
    assert job.move(JobStatus.VALIDATING)
    assert job.move(JobStatus.RUNNING)
    assert not job.move(JobStatus.VALIDATING)
    assert job.status() is JobStatus.RUNNING


@pytest.mark.parametrize("final", FINAL)
@pytest.mark.parametrize("later", FINAL)
def test_the_first_end_counts(final: JobStatus, later: JobStatus) -> None:
    job = submitted()
    job.move(JobStatus.RUNNING)
    assert job.end(final)
    released = job.calls.count("release")
    assert not job.end(later)
    for status in JobStatus:
        assert not job.move(status)
    assert job.status() is final
    assert job.error_message() == ("no" if final is JobStatus.ERROR else None)
    assert job.calls.count("release") == released == 1


def test_cancelling_stops_the_work_once_and_says_what_it_was_doing() -> None:
    job = submitted()
    job.move(JobStatus.RUNNING)
    assert job.cancel()
    assert not job.cancel()
    assert job.calls[1:] == ["release", ("stop", JobStatus.RUNNING, JobStatus.CANCELLED)]
    with pytest.raises(JobCancelledError):
        job.result()


@pytest.mark.parametrize("end", [JobStatus.DONE, JobStatus.ERROR])
def test_work_that_ends_by_itself_is_not_stopped(end: JobStatus) -> None:
    job = submitted()
    job.end(end)
    assert job.calls[1:] == ["release"]


def test_progress_is_below_one_until_the_job_is_done() -> None:
    job = submitted()
    job.fraction = 0.5
    assert job.progress() == 0.5
    job.fraction = 1.0
    assert 0.999 < job.progress() < 1
    job.end(JobStatus.DONE)
    assert job.progress() == 1.0


def test_each_asker_gets_an_error_of_its_own() -> None:
    job = submitted()
    job.end(JobStatus.ERROR)
    errors = []
    for _ in range(2):
        with pytest.raises(JobFailedError) as caught:
            job.result()
        errors.append(caught.value)
    assert errors[0] is not errors[1]
