"""The job contract: cancelling (J16-J19). Cancelling an engine's work is in tests/backends."""

from __future__ import annotations

import signal
import subprocess
import sys
import threading
from collections.abc import Iterator

import pytest
from qiskit.providers import JobStatus

from simquay.jobs.dispatch.threads import MemoryRequest, WorkerPool
from tests.support.job_doubles import LONG, DeafWork, HeldWork, a_job, a_ledger, until
from tests.support.paths import ROOT


@pytest.fixture
def pool() -> Iterator[WorkerPool]:
    pool = WorkerPool(2)
    yield pool
    pool.stop()


def test_j16_true_commits_and_a_worker_that_finishes_loses(pool: WorkerPool) -> None:
    work = DeafWork()
    job = a_job(work, pool)
    assert work.started.wait(LONG)
    assert job.cancel() is True
    assert job.status() is JobStatus.CANCELLED
    work.let_go()
    assert work.stopped.wait(LONG)
    assert not until(lambda: job.status() is not JobStatus.CANCELLED, 0.05)


def test_j16_cancel_and_finish_race_to_one_truth(pool: WorkerPool) -> None:
    outcomes = set()
    for _ in range(200):
        work = HeldWork()
        job = a_job(work, pool)
        assert work.started.wait(LONG)
        ender = threading.Thread(target=work.let_go)
        ender.start()
        brought_about = job.cancel()
        ender.join()
        job.wait_for_final_state(LONG)
        assert job.cancelled() is brought_about
        assert job.done() is not brought_about
        outcomes.add(brought_about)
    assert True in outcomes


def test_j17_a_queued_job_that_is_cancelled_never_runs() -> None:
    pool = WorkerPool(1)
    blocker, work = HeldWork(), HeldWork(held=False)
    first, second = a_job(blocker, pool), a_job(work, pool)
    assert blocker.started.wait(LONG)
    assert second.cancel() is True
    assert second.status() is JobStatus.CANCELLED
    blocker.let_go()
    assert first.result(LONG).success
    assert a_job(HeldWork(held=False), pool).result(LONG).success  # the queue moved past it
    assert work.runs == 0
    pool.stop()


def test_j18_a_running_job_stops_and_gives_its_memory_back(pool: WorkerPool) -> None:
    ledger = a_ledger(1000)
    work = HeldWork(memory=MemoryRequest(ledger, 600))
    job = a_job(work, pool)
    assert work.started.wait(LONG)
    assert ledger.reserved == 600
    assert job.cancel()
    assert work.stopped.wait(1.0)
    assert until(lambda: ledger.reserved == 0, 1.0)


def test_j19_cancelling_a_final_job_returns_false(pool: WorkerPool) -> None:
    def fail():
        raise ValueError("no")

    done, failed = a_job(HeldWork(held=False), pool), a_job(HeldWork(fail, held=False), pool)
    cancelled = a_job(HeldWork(), pool)
    cancelled.cancel()
    for job in (done, failed, cancelled):
        job.wait_for_final_state(LONG)
        before = job.status()
        assert job.cancel() is False
        assert job.status() is before


_SIGNALLED = """
import random, signal, sys, time
sys.path.insert(0, {helpers!r})
from concurrent.futures import CancelledError
from tests.support.job_doubles import HeldWork, a_job
from qiskit.providers import JobError
from simquay.jobs.dispatch.threads import WorkerPool

def cancel(*_):
    try:
        if job is not None:
            job.cancel()
    except JobError:
        pass  # not submitted yet: the second alarm comes after that

pool, generator, job = WorkerPool(2), random.Random(1), None
signal.signal(signal.SIGALRM, cancel)
longest = 0.0
for _ in range(400):
    job = None
    signal.setitimer(signal.ITIMER_REAL, generator.uniform(1e-5, 1e-3))
    job = a_job(HeldWork(), pool, submit=False)
    job.submit()
    started = time.monotonic()
    signal.setitimer(signal.ITIMER_REAL, generator.uniform(1e-5, 1e-3))
    try:
        job.result(30)
    except CancelledError:
        pass
    longest = max(longest, time.monotonic() - started)
print("all ended", longest < 5)
"""


@pytest.mark.skipif(not hasattr(signal, "setitimer"), reason="this system has no timer signals")
def test_a_signal_handler_may_cancel_at_any_moment() -> None:
    """It interrupts the very thread that submits or waits, whatever lock that one holds."""
    done = subprocess.run(
        [sys.executable, "-c", _SIGNALLED.format(helpers=str(ROOT))],
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )
    assert done.stdout.split() == ["all", "ended", "True"], done.stderr
