"""The job contract: waiting for the end (J26-J31, J38)."""

from __future__ import annotations

import subprocess
import sys
import threading
import time
from collections.abc import Iterator

import pytest
from qiskit.providers import JobStatus
from qiskit.providers.exceptions import JobTimeoutError

from simquay.jobs.dispatch.threads import WorkerPool
from tests.support.job_doubles import LONG, HeldWork, a_job
from tests.support.paths import ROOT


@pytest.fixture
def pool() -> Iterator[WorkerPool]:
    pool = WorkerPool(2)
    yield pool
    pool.stop()


def test_j26_the_signature_is_qiskits(pool: WorkerPool) -> None:
    job = a_job(HeldWork(held=False), pool)
    assert job.wait_for_final_state(LONG, 5, None) is None
    assert job.wait_for_final_state(timeout=LONG, wait=0, callback=lambda *_: None) is None


def test_j27_it_returns_when_the_job_ends_not_at_the_next_query(pool: WorkerPool) -> None:
    work = HeldWork()
    job = a_job(work, pool)
    threading.Timer(0.05, work.let_go).start()
    started = time.monotonic()
    job.wait_for_final_state(wait=LONG)
    assert time.monotonic() - started < LONG / 2
    assert job.done()


def test_j28_past_the_timeout_it_raises_and_the_job_goes_on(pool: WorkerPool) -> None:
    work = HeldWork()
    job = a_job(work, pool)
    with pytest.raises(JobTimeoutError) as caught:
        job.wait_for_final_state(timeout=0.02)
    assert isinstance(caught.value, TimeoutError)
    work.let_go()
    job.wait_for_final_state(LONG)
    assert job.done()


def test_j29_the_timeout_is_kept_however_large_wait_is(pool: WorkerPool) -> None:
    job = a_job(HeldWork(), pool)
    waited = []
    for _ in range(3):  # the least of three: a busy machine may be late, but not three times
        started = time.monotonic()
        with pytest.raises(JobTimeoutError):
            job.wait_for_final_state(timeout=0.2, wait=1000)
        waited.append(time.monotonic() - started)
    assert all(one >= 0.2 for one in waited)
    assert min(waited) < 0.3
    job.cancel()


def test_j30_the_callback_hears_of_every_query_the_last_included(pool: WorkerPool) -> None:
    work = HeldWork()
    job = a_job(work, pool)
    assert work.started.wait(LONG)
    heard: list[tuple[str, JobStatus]] = []

    def hear(job_id: str, status: JobStatus, the_job: object) -> None:
        assert the_job is job
        heard.append((job_id, status))
        if len(heard) == 3:
            work.let_go()

    job.wait_for_final_state(LONG, wait=0.01, callback=hear)
    statuses = [status for _, status in heard]
    assert {name for name, _ in heard} == {job.job_id()}
    assert statuses[:3] == [JobStatus.RUNNING] * 3
    assert statuses[-1] is JobStatus.DONE
    assert statuses.count(JobStatus.DONE) == 1

    heard.clear()
    job.wait_for_final_state(callback=lambda *heard_now: heard.append(heard_now[:2]))
    assert heard == [(job.job_id(), JobStatus.DONE)]


def test_j30_the_query_that_times_out_is_heard_too(pool: WorkerPool) -> None:
    job = a_job(HeldWork(), pool)
    heard: list[object] = []
    with pytest.raises(JobTimeoutError):
        job.wait_for_final_state(0.05, wait=1000, callback=lambda *_: heard.append(_))
    assert len(heard) == 2  # at the start, and when the time was over
    job.cancel()


def test_j31_a_failed_or_cancelled_job_ends_the_wait_without_an_error(pool: WorkerPool) -> None:
    def fail():
        raise ValueError("no")

    failed = a_job(HeldWork(fail, held=False), pool)
    failed.wait_for_final_state(LONG)
    assert failed.status() is JobStatus.ERROR
    held = a_job(HeldWork(), pool)
    threading.Timer(0.02, held.cancel).start()
    held.wait_for_final_state(LONG)
    assert held.status() is JobStatus.CANCELLED


_INTERRUPTED = """
import signal, sys, threading, time, os
sys.path.insert(0, {helpers!r})
from tests.support.job_doubles import HeldWork, a_job
from simquay.jobs.dispatch.threads import WorkerPool

work = HeldWork()
job = a_job(work, WorkerPool(1))
work.started.wait()
threading.Timer(0.2, os.kill, (os.getpid(), signal.SIGINT)).start()
started = time.monotonic()
try:
    job.{call}
except KeyboardInterrupt:
    waited = time.monotonic() - started
    print("interrupted", job.status().name, waited < 5)
work.let_go()
print(job.result().success)
"""


@pytest.mark.parametrize("call", ["result()", "result(60)", "wait_for_final_state()"])
def test_j38_ctrl_c_returns_control_and_the_job_goes_on(call: str) -> None:
    done = subprocess.run(
        [sys.executable, "-c", _INTERRUPTED.format(helpers=str(ROOT), call=call)],
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert done.stdout.split() == ["interrupted", "RUNNING", "True", "True"], done.stderr
