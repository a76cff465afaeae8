"""A queued job says what it waits for."""

from __future__ import annotations

import logging

import pytest

from simquay.jobs.dispatch.queue_info import QueueInfo
from simquay.jobs.dispatch.tasks import MemoryRequest
from simquay.jobs.dispatch.threads import WorkerPool
from tests.support.job_doubles import LONG, HeldWork, a_job, a_ledger, until

MIB = 1 << 20


def test_a_job_that_waits_for_memory_says_how_much_and_who_has_it(
    caplog: pytest.LogCaptureFixture,
) -> None:
    caplog.set_level(logging.INFO, "simquay.jobs")
    pool, ledger = WorkerPool(2), a_ledger(100 * MIB)
    first = HeldWork(needs=MemoryRequest(ledger, 60 * MIB))
    running = a_job(first, pool)
    assert first.started.wait(LONG)
    assert running.queue_info() is None
    waiting = a_job(HeldWork(needs=MemoryRequest(ledger, 50 * MIB), held=False), pool)
    assert until(lambda: "of memory" in str(waiting.queue_info()))
    info = waiting.queue_info()
    assert info == QueueInfo(
        "memory",
        0,
        50 * MIB,
        100 * MIB,
        60 * MIB,
        "the test device",
        {running.job_id(): 60 * MIB},
    )
    words = (
        "waits for 50 MiB of memory: of the 100 MiB of the test device, 60 MiB are reserved, "
        f"by job {running.job_id()} (60 MiB)"
    )
    assert str(info) == words
    assert repr(waiting) == f"<Job {waiting.job_id()} QUEUED on None: {words}>"
    assert until(lambda: caplog.messages == [f"job {waiting.job_id()} {words}"])
    first.let_go()
    waiting.result(LONG)
    assert waiting.queue_info() is None
    assert repr(waiting) == f"<Job {waiting.job_id()} DONE on None>"
    pool.stop()


def test_a_job_that_waits_for_a_worker_says_so() -> None:
    pool = WorkerPool(1)
    first = HeldWork()
    a_job(first, pool)
    assert first.started.wait(LONG)
    second, third = (a_job(HeldWork(held=False), pool) for _ in range(2))
    assert second.queue_info() == QueueInfo("worker", 0)
    assert str(third.queue_info()) == "waits for a worker, with 1 tasks before it"
    first.let_go()
    third.result(LONG)
    pool.stop()
