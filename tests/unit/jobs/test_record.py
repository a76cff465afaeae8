"""What jobs tell of themselves: times, machine, versions, circuits."""

from __future__ import annotations

import platform
import socket
from datetime import datetime, timezone

import pytest

from simquay.jobs.dispatch.threads import WorkerPool
from simquay.jobs.errors import JobStateError
from simquay.jobs.job import Job
from simquay.system.version import simquay_version
from tests.support.job_doubles import LONG, HeldWork


def test_times_come_with_the_states() -> None:
    before, work = datetime.now(timezone.utc), HeldWork(lambda: 5)
    job = Job(None, [work], WorkerPool())
    assert (job.started, job.ended) == (None, None)
    job.submit()
    work.started.wait(LONG)
    assert job.started is not None
    assert job.ended is None
    work.let_go()
    job.result(LONG)
    assert job.ended is not None
    assert before <= job.created <= job.started <= job.ended <= datetime.now(timezone.utc)


def test_a_job_that_never_ran_has_ended_and_not_started() -> None:
    job = Job(None, [HeldWork(lambda: 5)], None)
    job.submit()
    assert job.cancel()
    assert job.started is None
    assert job.ended is not None


def test_the_machine_and_versions_are_those_here() -> None:
    job = Job(None, [], None)
    assert job.host == socket.gethostname()
    assert job.versions["python"] == platform.python_version()
    assert job.versions["simquay"] == simquay_version()


def test_what_only_kept_jobs_have_is_an_error_of_others() -> None:
    job = Job(None, [], None)
    assert not job.kept
    with pytest.raises(JobStateError, match="has no circuits"):
        job.circuits()
    with pytest.raises(JobStateError, match="has no resume"):
        job.resume()
