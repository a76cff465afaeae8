"""Cancelling (J16 to J19)."""

from __future__ import annotations

import signal
import subprocess
import sys
import threading
import time

import pytest
from qiskit.providers import JobStatus

from simquay.jobs.dispatch.tasks import MemoryRequest
from simquay.jobs.dispatch.threads import WorkerPool
from tests.contract.conftest import RunJob
from tests.support.adapted_runs import adapted, circuit
from tests.support.foreign_backends import HeldJob
from tests.support.job_doubles import LONG, DeafWork, HeldWork, a_job, a_ledger, failing, until
from tests.support.job_kinds import MakeJob
from tests.support.paths import ROOT


def test_j16_true_commits_and_a_worker_that_finishes_loses(run_job: RunJob) -> None:
    work = DeafWork()
    job = run_job(work)
    assert work.started.wait(LONG)
    assert job.cancel() is True
    assert job.status() is JobStatus.CANCELLED
    work.let_go()
    assert work.stopped.wait(LONG)
    assert not until(lambda: job.status() is not JobStatus.CANCELLED, 0.05)


def test_j16_cancel_and_finish_race_to_one_truth(run_job: RunJob) -> None:
    outcomes = set()
    for _ in range(50):
        work = HeldWork()
        job = run_job(work)
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


@pytest.mark.parametrize("state", [JobStatus.QUEUED, JobStatus.RUNNING])
def test_j16_cancelling_asks_the_foreign_job(state: JobStatus) -> None:
    foreign = HeldJob([circuit()], honest=False)
    foreign.state = state
    job = adapted(lambda circuits, options: foreign).run(circuit())
    time.sleep(0.05)
    assert job.cancel() is True
    assert job.status() is JobStatus.CANCELLED
    assert until(lambda: foreign.cancels == 1)
    foreign.end()
    assert not until(lambda: job.status() is not JobStatus.CANCELLED, 0.05)


@pytest.mark.parametrize("kind", ["local", "split", "split on threads", "adapted"])
def test_j17_a_queued_job_that_is_cancelled_never_runs(
    kind: str, all_kinds: dict[str, MakeJob]
) -> None:
    blockers = [HeldWork() for _ in range(2)]  # as many as there are workers
    running = [all_kinds[kind](work) for work in blockers]
    for job in running:
        job.submit()
    assert all(work.started.wait(LONG) for work in blockers)
    work = HeldWork(held=False)
    waiting = all_kinds[kind](work)
    waiting.submit()
    assert waiting.status() is JobStatus.QUEUED
    assert waiting.cancel() is True
    assert waiting.status() is JobStatus.CANCELLED
    for blocker in blockers:
        blocker.let_go()
    assert all(job.result(LONG).success for job in running)
    later = all_kinds[kind](HeldWork(held=False))
    later.submit()
    assert later.result(LONG).success  # the queue has moved past the cancelled job
    assert work.runs == 0


def test_j18_a_running_job_stops_its_work(run_job: RunJob) -> None:
    work = HeldWork()
    job = run_job(work)
    assert work.started.wait(LONG)
    assert job.cancel()
    assert work.stopped.wait(1.0)


@pytest.mark.parametrize("kind", ["local", "split", "split on threads", "adapted"])
def test_j18_a_running_job_gives_its_memory_back(kind: str, all_kinds: dict[str, MakeJob]) -> None:
    ledger = a_ledger(1000)
    work = HeldWork(needs=MemoryRequest(ledger, 600))
    job = all_kinds[kind](work)
    job.submit()
    assert work.started.wait(LONG)
    assert ledger.reserved == 600
    assert job.cancel()
    assert until(lambda: ledger.reserved == 0, 1.0)


def test_j19_cancelling_a_final_job_returns_false(run_job: RunJob) -> None:
    done = run_job(HeldWork(held=False))
    failed = run_job(HeldWork(failing(ValueError("no")), held=False))
    cancelled = run_job(HeldWork())
    cancelled.cancel()
    for job in (done, failed, cancelled):
        job.wait_for_final_state(LONG)
        before = job.status()
        assert job.cancel() is False
        assert job.status() is before


_SIGNALLED = """
import random, signal, sys, time
sys.path.insert(0, {root!r})
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


@pytest.mark.serial
@pytest.mark.skipif(not hasattr(signal, "setitimer"), reason="this system has no timer signals")
def test_j16_a_signal_handler_may_cancel_at_any_moment() -> None:
    """It interrupts the very thread that submits or waits, whatever lock that one holds."""
    done = subprocess.run(
        [sys.executable, "-c", _SIGNALLED.format(root=str(ROOT))],
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )
    assert done.stdout.split() == ["all", "ended", "True"], done.stderr


def test_j17_one_worker_goes_on_after_a_cancelled_waiter() -> None:
    pool = WorkerPool(1)
    blocker, work = HeldWork(), HeldWork(held=False)
    first, second = a_job(blocker, pool), a_job(work, pool)
    assert blocker.started.wait(LONG)
    assert second.cancel()
    blocker.let_go()
    assert first.result(LONG).success
    assert a_job(HeldWork(held=False), pool).result(LONG).success
    assert work.runs == 0
    pool.stop()
