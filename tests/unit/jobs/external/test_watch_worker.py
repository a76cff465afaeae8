"""How a worker watches what its main thread does."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from typing import Any

import pytest
from qiskit.providers import JobStatus
from qiskit.result import Result

from simquay.errors import Cancelled
from simquay.jobs.external.watch import Watchdog
from tests.support.job_doubles import LONG, until


class Job:
    """A foreign job that ends when the test says so."""

    def __init__(self, state: JobStatus = JobStatus.RUNNING) -> None:
        self.state = state
        self.over = threading.Event()

    def status(self) -> JobStatus:
        return self.state

    def result(self) -> Result:
        assert self.over.wait(LONG)
        return Result(results=[], success=True)


class Watched:
    """A watch and what it did."""

    def __init__(self) -> None:
        self.told: list[JobStatus] = []
        self.checks = 0
        self.left: list[int] = []
        self.unwanted = False
        self.signs = 0
        self.deaf = False
        self.watch = Watchdog(self._wanted, self._report, self.left.append)

    def _report(self, status: JobStatus | None) -> None:
        if self.deaf:
            raise BrokenPipeError
        if status is None:
            self.signs += 1
        else:
            self.told.append(status)

    def _wanted(self) -> bool:
        self.checks += 1
        return not self.unwanted

    def run(self, start: Callable[[], Any]) -> Any:
        with self.watch:
            return self.watch.attempt(start)


def in_a_thread(work: Callable[[], object]) -> threading.Thread:
    thread = threading.Thread(target=work)
    thread.start()
    return thread


def test_a_run_gives_its_result_in_the_thread_that_asks() -> None:
    threads = []

    def start() -> Job:
        threads.append(threading.current_thread())
        job = Job()
        job.over.set()
        return job

    ended, had_job = Watched().run(start)
    assert isinstance(ended, Result)
    assert had_job
    assert threads == [threading.current_thread()]


def test_errors_say_whether_there_was_a_job() -> None:
    watched = Watched()

    def refuse() -> Job:
        raise ValueError("no such gate")

    ended, had_job = watched.run(refuse)
    assert isinstance(ended, ValueError)
    assert not had_job

    class Broken(Job):
        def result(self) -> Result:
            raise OSError("it broke")

    ended, had_job = watched.run(Broken)
    assert isinstance(ended, OSError)
    assert had_job


def test_what_the_backend_cancels_is_told_apart() -> None:
    job = Job(JobStatus.CANCELLED)
    job.over.set()
    with pytest.raises(Cancelled):
        Watched().run(lambda: job)


def test_the_status_of_a_long_run_is_told_once_each() -> None:
    watched, job = Watched(), Job(JobStatus.VALIDATING)
    thread = in_a_thread(lambda: watched.run(lambda: job))
    assert until(lambda: watched.told == [JobStatus.VALIDATING], LONG)
    job.state = JobStatus.RUNNING
    assert until(lambda: len(watched.told) == 2, LONG)
    job.over.set()
    thread.join(LONG)
    assert watched.told == [JobStatus.VALIDATING, JobStatus.RUNNING]


def test_it_gives_signs_of_life_whatever_the_status() -> None:
    watched, job = Watched(), Job(JobStatus.QUEUED)
    thread = in_a_thread(lambda: watched.run(lambda: job))
    assert until(lambda: watched.signs >= 3, LONG)
    job.over.set()
    thread.join(LONG)
    assert not watched.told


def test_a_run_without_a_job_yet_counts_as_running() -> None:
    watched, go = Watched(), threading.Event()

    def start() -> Job:
        assert go.wait(LONG)
        job = Job()
        job.over.set()
        return job

    thread = in_a_thread(lambda: watched.run(start))
    assert until(lambda: watched.told == [JobStatus.RUNNING], LONG)
    go.set()
    thread.join(LONG)


def test_nothing_is_looked_at_between_runs() -> None:
    watched = Watched()
    job = Job()
    thread = in_a_thread(lambda: watched.run(lambda: job))
    assert until(lambda: watched.checks > 1, LONG)
    job.over.set()
    thread.join(LONG)
    seen = watched.checks
    time.sleep(0.1)
    assert watched.checks == seen
    assert not watched.left


@pytest.mark.parametrize("how", ["unwanted", "deaf"])
def test_the_process_ends_when_nobody_waits_for_its_run(how: str) -> None:
    watched, job = Watched(), Job()
    thread = in_a_thread(lambda: watched.run(lambda: job))
    assert until(lambda: watched.checks > 0, LONG)
    setattr(watched, how, True)
    assert until(lambda: bool(watched.left), LONG)
    assert set(watched.left) == {0}
    job.over.set()
    thread.join(LONG)
