"""Jobs side by side, and their turns at a device's memory (J32, J36)."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from qiskit.providers import JobStatus

from simquay.errors import OutOfMemoryError
from simquay.jobs.dispatch.tasks import MemoryRequest
from simquay.jobs.dispatch.threads import WorkerPool
from simquay.jobs.errors import JobFailedError
from tests.contract.conftest import RunJob
from tests.support.job_doubles import LONG, HeldWork, a_job, a_ledger, until


@pytest.fixture
def pool() -> Iterator[WorkerPool]:
    """Four worker threads."""
    pool = WorkerPool(4)
    yield pool
    pool.stop()


def test_j32_submit_returns_before_the_work_is_done(run_job: RunJob) -> None:
    work = HeldWork()
    job = run_job(work)
    assert not job.in_final_state()
    work.let_go()
    assert job.result(LONG).success


def test_j36_jobs_run_side_by_side_up_to_the_workers() -> None:
    pool = WorkerPool(3)
    works = [HeldWork() for _ in range(4)]
    jobs = [a_job(work, pool) for work in works]
    assert all(work.started.wait(LONG) for work in works[:3])
    assert not works[3].started.wait(0.05)
    assert [job.status() for job in jobs] == [JobStatus.RUNNING] * 3 + [JobStatus.QUEUED]
    works[1].let_go()
    assert works[3].started.wait(LONG)
    for work in works:
        work.let_go()
    for job in jobs:
        job.result(LONG)
    pool.stop()


def test_j36_a_long_job_does_not_block_a_short_one() -> None:
    pool = WorkerPool()  # as backends have it, whatever the number of CPUs
    long = HeldWork()
    long_job = a_job(long, pool)
    assert long.started.wait(LONG)
    assert a_job(HeldWork(held=False), pool).result(LONG).success
    assert long_job.running()
    long.let_go()
    pool.stop()


def test_j36_what_fits_alone_but_not_beside_what_runs_waits_as_queued(pool: WorkerPool) -> None:
    ledger = a_ledger(1000)
    first, second = (HeldWork(needs=MemoryRequest(ledger, 600)) for _ in range(2))
    running, waiting = a_job(first, pool), a_job(second, pool)
    assert first.started.wait(LONG)
    assert not second.started.wait(0.2)
    assert waiting.status() is JobStatus.QUEUED
    assert ledger.reserved == 600
    first.let_go()
    assert second.started.wait(LONG)
    second.let_go()
    assert running.result(LONG).success
    assert waiting.result(LONG).success
    assert until(lambda: ledger.reserved == 0)


def test_j36_a_job_that_waits_for_memory_holds_no_worker() -> None:
    pool = WorkerPool(2)
    ledger = a_ledger(1000)
    first = HeldWork(needs=MemoryRequest(ledger, 600))
    running = a_job(first, pool)
    assert first.started.wait(LONG)
    waiting = [
        a_job(HeldWork(needs=MemoryRequest(ledger, 600), held=False), pool) for _ in range(5)
    ]
    assert a_job(HeldWork(held=False), pool).result(LONG).success
    assert {job.status() for job in waiting} == {JobStatus.QUEUED}
    first.let_go()
    for job in (running, *waiting):
        assert job.result(LONG).success
    pool.stop()


def test_j36_memory_freed_by_somebody_else_starts_a_waiting_job(pool: WorkerPool) -> None:
    ledger = a_ledger(1000)
    others = ledger.try_reserve(600)
    assert others is not None
    job = a_job(HeldWork(needs=MemoryRequest(ledger, 600), held=False), pool)
    assert not until(job.in_final_state, 0.1)
    others.release()
    assert job.result(LONG).success


def test_j36_more_than_the_device_has_fails_the_job_and_reserves_nothing(
    pool: WorkerPool,
) -> None:
    ledger = a_ledger(1000)
    job = a_job(HeldWork(needs=MemoryRequest(ledger, 1001)), pool)
    with pytest.raises(JobFailedError, match="1001 bytes") as caught:
        job.result(LONG)
    assert isinstance(caught.value.__cause__, OutOfMemoryError)
    assert ledger.reserved == 0
