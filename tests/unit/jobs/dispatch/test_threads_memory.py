"""Tasks that wait for memory in the worker pool are woken by its release."""

from __future__ import annotations

import pytest

from simquay.execution.memory import Ledger
from simquay.jobs.dispatch import threads
from simquay.jobs.dispatch.tasks import MemoryRequest
from simquay.jobs.dispatch.threads import WorkerPool
from tests.support.job_doubles import LONG, HeldWork, a_job, a_ledger, until


@pytest.fixture
def no_poll(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(threads, "MEMORY_POLL", 10 * LONG)


def a_task(ledger: Ledger, count: int, held: bool = True) -> HeldWork:
    return HeldWork(needs=MemoryRequest(ledger, count), held=held)


@pytest.mark.usefixtures("no_poll")
def test_a_release_outside_the_pool_wakes_a_worker() -> None:
    pool, ledger = WorkerPool(2), a_ledger(1000)
    others = ledger.try_reserve(600)
    assert others is not None
    job = a_job(a_task(ledger, 600, held=False), pool)
    assert not until(job.in_final_state, 0.05)
    others.release()
    assert job.result(LONG).success
    pool.stop()


@pytest.mark.usefixtures("no_poll")
def test_one_release_starts_every_task_that_fits() -> None:
    pool, ledger = WorkerPool(4), a_ledger(1000)
    others = ledger.try_reserve(900)
    assert others is not None
    works = [a_task(ledger, 250) for _ in range(4)]
    jobs = [a_job(work, pool) for work in works]
    others.release()
    for work in works:  # each runs until all have started
        assert work.started.wait(LONG)
    for work in works:
        work.let_go()
    assert all(job.result(LONG).success for job in jobs)
    pool.stop()


@pytest.mark.usefixtures("no_poll")
def test_two_pools_that_share_a_device_wake_each_other() -> None:
    ledger = a_ledger(1000)
    pools = [WorkerPool(2), WorkerPool(2)]
    jobs = [a_job(a_task(ledger, 700, held=False), pools[i % 2]) for i in range(40)]
    assert all(job.result(LONG).success for job in jobs)
    assert until(lambda: ledger.reserved == 0)
    for pool in pools:
        pool.stop()


def test_memory_that_another_process_frees_is_found() -> None:
    free = [1000]
    pool, ledger = WorkerPool(2), Ledger("the test device", lambda: free[0])
    held = ledger.try_reserve(100)
    assert held is not None
    free[0] = 200
    job = a_job(a_task(ledger, 500, held=False), pool)
    assert not until(job.in_final_state, 0.05)
    free[0] = 900
    assert job.result(LONG).success
    held.release()
    pool.stop()
