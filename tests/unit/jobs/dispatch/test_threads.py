"""The worker pool: its threads, its end, and the one pool that a process shares."""

from __future__ import annotations

import gc
import threading
import weakref
from collections.abc import Iterator

import pytest
from qiskit.result import Result

from simquay.execution.memory import Ledger
from simquay.jobs.dispatch.tasks import MemoryRequest, TaskControl
from simquay.jobs.dispatch.threads import WorkerPool, default_pool
from simquay.jobs.errors import JobFailedError
from simquay.jobs.job import Job
from tests.support.job_doubles import LONG, HeldWork, a_job, a_result


@pytest.fixture
def pool() -> Iterator[WorkerPool]:
    pool = WorkerPool(4)
    yield pool
    pool.stop()


def workers(pool: WorkerPool, jobs: int) -> set[threading.Thread]:
    """The threads that did so many jobs, one after another."""

    def note() -> Result:
        used.add(threading.current_thread())
        return a_result()

    used: set[threading.Thread] = set()
    for _ in range(jobs):
        assert a_job(HeldWork(note, held=False), pool).result(LONG).success
    return used


def test_workers_are_daemons_made_when_needed_and_reused(pool: WorkerPool) -> None:
    before = threading.active_count()
    assert WorkerPool(4).workers == 4
    assert threading.active_count() == before
    used = workers(pool, 10)
    assert 1 <= len(used) <= 2  # two only if one was still on its way back
    assert all(thread.daemon for thread in used)


def test_a_pool_of_no_workers_is_refused() -> None:
    with pytest.raises(ValueError, match="workers=0: expected 1 or more"):
        WorkerPool(0)


def test_a_stopped_pool_fails_the_job(pool: WorkerPool) -> None:
    pool.stop()
    job = a_job(HeldWork(held=False), pool)
    with pytest.raises(JobFailedError, match="could not be queued"):
        job.result(LONG)


def test_backends_share_one_pool_a_process() -> None:
    assert default_pool() is default_pool()


def test_a_pool_that_nobody_keeps_is_not_kept_by_this_module() -> None:
    gone = weakref.ref(WorkerPool(1))
    gc.collect()
    assert gone() is None


def test_threads_that_fail_to_start_side_by_side_leave_no_task_behind(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """The first task is left to the second one's thread, which then does not come either."""
    pool = WorkerPool(2)
    inner: list[Job] = []

    def refuse(thread: threading.Thread) -> None:
        if not inner:
            inner.append(a_job(HeldWork(held=False), pool))  # while the first thread still starts
        raise OSError("no more threads")

    with monkeypatch.context() as patch:
        patch.setattr(threading.Thread, "start", refuse)
        outer = a_job(HeldWork(held=False), pool)
    for job in (outer, *inner):
        with pytest.raises(JobFailedError, match="no thread can be started: no more threads"):
            job.result(LONG)
    assert a_job(HeldWork(held=False), pool).result(LONG).success
    pool.stop()


def test_a_device_that_cannot_be_asked_fails_the_task_and_no_other(pool: WorkerPool) -> None:
    def available() -> int:
        raise OSError(24, "Too many open files")

    lost = HeldWork(needs=MemoryRequest(Ledger("a test", available), 10), held=False)
    for _ in range(5):  # more than there are threads
        with pytest.raises(JobFailedError, match="Too many open files"):
            a_job(lost, pool).result(LONG)
    assert lost.runs == 0
    assert a_job(HeldWork(held=False), pool).result(LONG).success


def test_a_job_of_which_a_task_is_not_launched_stops_the_others(
    pool: WorkerPool, monkeypatch: pytest.MonkeyPatch
) -> None:
    first, second = HeldWork(), HeldWork()
    launch = pool.launch

    def launch_one(task: HeldWork, control: TaskControl) -> object:
        if task is second:
            assert first.started.wait(LONG)
            raise ValueError("a launcher's own defect")
        return launch(task, control)

    monkeypatch.setattr(pool, "launch", launch_one)
    job = Job(None, [first, second], pool)
    job.submit()
    with pytest.raises(JobFailedError, match="could not be queued: ValueError: a launcher's own"):
        job.result(LONG)
    assert first.stopped.wait(LONG)  # nobody lets it go: it was cancelled
