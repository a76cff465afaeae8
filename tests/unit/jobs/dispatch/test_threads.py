"""The worker pool: its threads, its end, and the one pool that a process shares."""

from __future__ import annotations

import gc
import threading
import weakref
from collections.abc import Iterator

import pytest
from qiskit.result import Result

from simquay.jobs.dispatch.threads import WorkerPool, default_pool
from simquay.jobs.errors import JobFailedError
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
