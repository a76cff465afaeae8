"""Waiting for the end (J26 to J31), and Ctrl-C while waiting (J38)."""

from __future__ import annotations

import inspect
import os
import subprocess
import sys
import threading
import time

import pytest
from qiskit.providers import JobStatus, JobV1
from qiskit.providers.exceptions import JobTimeoutError

from tests.contract.conftest import RunJob
from tests.support.job_doubles import LONG, HeldWork, failing
from tests.support.paths import ROOT
from tests.support.processes import WORKER_HEAD, python


def test_j26_the_arguments_are_qiskits(run_job: RunJob) -> None:
    work = HeldWork()
    job = run_job(work)
    ours, qiskits = (
        [(one.name, one.default) for one in inspect.signature(method).parameters.values()]
        for method in (type(job).wait_for_final_state, JobV1.wait_for_final_state)
    )
    assert (
        ours
        == qiskits
        == [
            ("self", inspect.Parameter.empty),
            ("timeout", None),
            ("wait", 5),
            ("callback", None),
        ]
    )
    heard: list[JobStatus] = []

    def hear(job_id: str, status: JobStatus, the_job: object) -> None:
        heard.append(status)

    with pytest.raises(JobTimeoutError):
        job.wait_for_final_state(0.05, 0.01, hear)  # by position: timeout, wait, callback
    assert len(heard) > 2
    heard.clear()
    threading.Timer(0.2, work.let_go).start()
    job.wait_for_final_state(callback=hear)  # without the others: no timeout, five seconds
    assert len(heard) == 2


def test_j27_it_returns_when_the_job_ends_not_at_the_next_query(run_job: RunJob) -> None:
    work = HeldWork()
    job = run_job(work)
    threading.Timer(0.05, work.let_go).start()
    started = time.monotonic()
    job.wait_for_final_state(wait=LONG)
    assert time.monotonic() - started < LONG / 2
    assert job.done()


def test_j28_past_the_timeout_it_raises_and_the_job_goes_on(run_job: RunJob) -> None:
    work = HeldWork()
    job = run_job(work)
    with pytest.raises(JobTimeoutError) as caught:
        job.wait_for_final_state(timeout=0.02)
    assert isinstance(caught.value, TimeoutError)
    work.let_go()
    job.wait_for_final_state(LONG)
    assert job.done()


@pytest.mark.serial
def test_j29_the_timeout_is_kept_however_large_wait_is(run_job: RunJob) -> None:
    job = run_job(HeldWork())
    waited = []
    for _ in range(3):  # the least of three: a busy machine may be late, but not three times
        started = time.monotonic()
        with pytest.raises(JobTimeoutError):
            job.wait_for_final_state(timeout=0.2, wait=1000)
        waited.append(time.monotonic() - started)
    assert all(one >= 0.2 for one in waited)
    assert min(waited) < 0.3
    job.cancel()


def test_j30_the_callback_hears_of_every_query_the_last_included(run_job: RunJob) -> None:
    work = HeldWork()
    job = run_job(work)
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
    assert len(statuses) > 3
    assert statuses[-1] is JobStatus.DONE
    assert statuses.count(JobStatus.DONE) == 1

    heard.clear()
    job.wait_for_final_state(callback=lambda *heard_now: heard.append(heard_now[:2]))
    assert heard == [(job.job_id(), JobStatus.DONE)]


def test_j30_the_query_that_times_out_is_heard_too(run_job: RunJob) -> None:
    job = run_job(HeldWork())
    heard: list[object] = []
    with pytest.raises(JobTimeoutError):
        job.wait_for_final_state(0.05, wait=1000, callback=lambda *_: heard.append(_))
    assert len(heard) == 2  # at the start, and when the time was over
    job.cancel()


def test_j31_a_failed_or_cancelled_job_ends_the_wait_without_an_error(run_job: RunJob) -> None:
    failed = run_job(HeldWork(failing(ValueError("no")), held=False))
    failed.wait_for_final_state(LONG)
    assert failed.status() is JobStatus.ERROR
    held = run_job(HeldWork())
    threading.Timer(0.02, held.cancel).start()
    held.wait_for_final_state(LONG)
    assert held.status() is JobStatus.CANCELLED


_INTERRUPTED = """
import signal, sys, threading, time, os
sys.path.insert(0, {root!r})
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


@pytest.mark.serial
@pytest.mark.parametrize("call", ["result()", "result(60)", "wait_for_final_state()"])
def test_j38_ctrl_c_returns_control_and_the_job_goes_on(call: str) -> None:
    done = subprocess.run(
        [sys.executable, "-c", _INTERRUPTED.format(root=str(ROOT), call=call)],
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert done.stdout.split() == ["interrupted", "RUNNING", "True", "True"], done.stderr


@pytest.mark.serial
@pytest.mark.skipif(not hasattr(os, "killpg"), reason="this system has no process groups")
def test_j38_ctrl_c_does_not_reach_a_worker_process() -> None:
    program = WORKER_HEAD + (
        "import signal, threading\n"
        "job = running(backend.run(endless()))\n"
        "threading.Timer(0.2, lambda: os.killpg(0, signal.SIGINT)).start()\n"
        "try:\n"
        "    job.result()\n"
        "except KeyboardInterrupt:\n"
        "    print('heard')\n"
        "time.sleep(0.3)\n"
        "print(job.status().name, job.cancel())\n"
    )
    done = python("-c", program, start_new_session=True)
    assert done.stdout == "heard\nRUNNING True\n", done.stderr
