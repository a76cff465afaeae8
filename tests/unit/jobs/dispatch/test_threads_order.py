"""The order in which worker threads take tasks, and the memory that they wait for."""

from __future__ import annotations

import random
import threading
from collections.abc import Iterator

import pytest
from qiskit.providers import JobError, JobStatus

from simquay.jobs.dispatch.tasks import MemoryRequest
from simquay.jobs.dispatch.threads import WorkerPool
from tests.support.job_doubles import LONG, HeldWork, a_job, a_ledger, a_result, until


@pytest.fixture
def pool() -> Iterator[WorkerPool]:
    pool = WorkerPool(4)
    yield pool
    pool.stop()


def test_a_cancelled_waiter_lets_those_behind_it_go(pool: WorkerPool) -> None:
    ledger = a_ledger(1000)
    first = HeldWork(needs=MemoryRequest(ledger, 500))
    a_job(first, pool)
    assert first.started.wait(LONG)
    large = a_job(HeldWork(needs=MemoryRequest(ledger, 900)), pool)
    middle = HeldWork(needs=MemoryRequest(ledger, 300))  # fits now, but not beside the large one
    a_job(middle, pool)
    assert not middle.started.wait(0.2)
    assert large.cancel()
    assert middle.started.wait(LONG)
    middle.let_go()
    first.let_go()


def test_small_jobs_pass_a_waiting_large_one_and_never_delay_it(pool: WorkerPool) -> None:
    """The pool's invariant: what passes the first waiting job fits beside it."""
    ledger = a_ledger(1000)
    first = HeldWork(needs=MemoryRequest(ledger, 500))
    a_job(first, pool)
    assert first.started.wait(LONG)
    large = HeldWork(needs=MemoryRequest(ledger, 800))
    a_job(large, pool)
    small = [HeldWork(needs=MemoryRequest(ledger, 150)) for _ in range(2)]
    for work in small:
        a_job(work, pool)
    assert small[0].started.wait(LONG)  # 800 + 150 fit
    assert not small[1].started.wait(0.2)  # 500 + 150 + 150 fit now, but 800 + 150 + 150 do not
    assert not large.started.is_set()
    first.let_go()
    assert large.started.wait(LONG)  # though the small one still runs
    assert not small[0].stopped.is_set()
    for work in (large, *small):
        work.let_go()


def test_no_job_starves_under_a_stream_of_others(pool: WorkerPool) -> None:
    """A large job waits only for what ran before it, however many small ones keep coming."""
    ledger = a_ledger(1000)
    stop, wrong = threading.Event(), []

    def stream(seed: int) -> None:
        generator = random.Random(seed)
        while not stop.is_set():
            need = generator.randrange(100, 600)
            work = HeldWork(needs=MemoryRequest(ledger, need), held=False)
            job = a_job(work, pool)
            try:
                job.result(LONG)
            except JobError as error:
                wrong.append(error)

    threads = [threading.Thread(target=stream, args=(seed,)) for seed in range(6)]
    for thread in threads:
        thread.start()
    for _ in range(20):
        work = HeldWork(needs=MemoryRequest(ledger, 1000), held=False)
        assert a_job(work, pool).result(LONG).success
    stop.set()
    for thread in threads:
        thread.join(LONG)
    assert wrong == []
    assert until(lambda: ledger.reserved == 0)


@pytest.mark.serial
def test_two_hundred_jobs_from_sixteen_threads_all_end_right() -> None:
    pool = WorkerPool(4)
    ledger = a_ledger(1000)
    wrong: list[object] = []

    def submit(seed: int) -> None:
        generator = random.Random(seed)
        for _ in range(13):
            fails, cancelled = generator.random() < 0.1, generator.random() < 0.33

            def end(fails: bool = fails):
                if fails:
                    raise ValueError("meant to fail")
                return a_result()

            work = HeldWork(
                end, MemoryRequest(ledger, generator.randrange(1, 1000)), held=cancelled
            )
            job = a_job(work, pool)
            brought_about = cancelled and job.cancel()
            work.let_go()
            job.wait_for_final_state(LONG)
            expected = (
                JobStatus.CANCELLED
                if brought_about
                else JobStatus.ERROR
                if fails
                else JobStatus.DONE
            )
            if job.status() is not expected:
                wrong.append((job, expected))

    before = threading.active_count()
    threads = [threading.Thread(target=submit, args=(seed,)) for seed in range(16)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(LONG)
    assert wrong == []
    assert until(lambda: ledger.reserved == 0)
    pool.stop()
    assert until(lambda: threading.active_count() == before)
