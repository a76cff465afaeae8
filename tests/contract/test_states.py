"""States and their queries (J20 to J25), and progress (J37)."""

from __future__ import annotations

import threading
import time
from typing import Any

import pytest
from qiskit.providers import JobError, JobStatus
from qiskit.result import Result

from simquay.jobs.dispatch.tasks import TaskControl
from simquay.jobs.dispatch.threads import WorkerPool
from tests.contract.conftest import RunJob
from tests.support import foreign_backends as theirs
from tests.support.adapted_runs import adapted, circuit
from tests.support.executor_doubles import InlineExecutor
from tests.support.foreign_backends import HeldJob
from tests.support.job_doubles import LONG, HeldWork, a_job, a_result, failing, until
from tests.support.job_kinds import MakeJob
from tests.support.task_circuits import run

IN_ORDER = [
    JobStatus.INITIALIZING,
    JobStatus.QUEUED,
    JobStatus.VALIDATING,
    JobStatus.RUNNING,
]
ENDS = [JobStatus.DONE, JobStatus.ERROR, JobStatus.CANCELLED]


def test_j20_status_does_not_wait_for_a_foreign_job_that_does_not_answer() -> None:
    answer = threading.Event()

    class Silent(HeldJob):
        def status(self) -> Any:
            answer.wait(LONG)
            return super().status()

    foreign = Silent([circuit()])
    job = adapted(lambda circuits, options: foreign).run(circuit())
    began = time.monotonic()
    for _ in range(20):
        assert job.status() is JobStatus.QUEUED
        time.sleep(0.01)
    assert time.monotonic() - began < LONG / 2
    foreign.end()
    answer.set()
    assert job.result(LONG).success


def test_j20_status_does_not_wait_for_an_executor_that_blocks() -> None:
    executor = InlineExecutor()  # its submit() does not return before the gate is open
    job = run(executor=executor)
    assert job.status() is JobStatus.QUEUED
    executor.gate.set()
    assert job.result(LONG).success


def test_j21_status_is_qiskits(run_job: RunJob) -> None:
    work = HeldWork()
    job = run_job(work)
    assert isinstance(job.status(), JobStatus)
    work.let_go()
    job.result(LONG)
    assert isinstance(job.status(), JobStatus)


def test_j22_a_job_that_waits_for_a_worker_is_queued() -> None:
    pool = WorkerPool(1)
    first, second = HeldWork(), HeldWork()
    running, waiting = a_job(first, pool), a_job(second, pool)
    assert first.started.wait(LONG)
    assert waiting.status() is JobStatus.QUEUED
    assert not second.started.wait(0.05)
    assert waiting.status() is JobStatus.QUEUED
    first.let_go()
    second.let_go()
    running.result(LONG)
    waiting.result(LONG)
    pool.stop()


def test_j22_a_run_that_waits_in_a_foreign_queue_is_not_running() -> None:
    job = adapted(theirs.queued, "process").run(circuit())
    assert not until(lambda: job.status() is JobStatus.RUNNING, 0.9)
    assert job.result(LONG).success


@pytest.mark.parametrize("end", ENDS)
def test_j23_j24_the_states_come_in_order_and_a_final_one_stays(
    make_job: MakeJob, end: JobStatus
) -> None:
    work = HeldWork(failing(RuntimeError("no")) if end is JobStatus.ERROR else a_result)
    job = make_job(work)
    seen = [job.status()]

    def watch() -> None:
        while not job.in_final_state():
            seen.append(job.status())
        seen.extend(job.status() for _ in range(1000))

    watcher = threading.Thread(target=watch)
    watcher.start()
    job.submit()
    assert until(job.running)
    if end is JobStatus.CANCELLED:
        assert job.cancel()
    work.let_go()
    job.wait_for_final_state(LONG)
    watcher.join(LONG)
    order = [*IN_ORDER, end]
    places = [order.index(status) for status in seen]
    assert places == sorted(places)
    assert seen[0] is JobStatus.INITIALIZING
    assert job.status() is end


def test_j22_j23_the_status_follows_the_foreign_one() -> None:
    held = HeldJob([circuit()])
    job = adapted(lambda circuits, options: held).run(circuit())
    assert not until(lambda: job.status() is not JobStatus.QUEUED, 0.1)
    held.state = "RUNNING"  # some say it in strings
    assert until(lambda: job.status() is JobStatus.RUNNING)
    assert job.progress() == 0
    held.state = JobStatus.QUEUED  # ours only moves forward
    assert not until(lambda: job.status() is not JobStatus.RUNNING, 0.05)
    held.end()
    assert job.result(LONG).success
    assert job.progress() == 1


def test_j23_foreign_code_that_keeps_the_interpreters_lock_is_running() -> None:
    """The worker process cannot say so: its other threads do not get to run."""
    job = adapted(theirs.locking, "process").run(circuit())
    assert until(lambda: job.status() is JobStatus.RUNNING, LONG)
    assert job.cancel()
    assert job.status() is JobStatus.CANCELLED


def test_j25_the_questions_agree_with_the_status(run_job: RunJob) -> None:
    work = HeldWork()
    job = run_job(work)

    def answers() -> tuple[bool, bool, bool, bool]:
        return job.done(), job.running(), job.cancelled(), job.in_final_state()

    assert until(lambda: job.status() is JobStatus.RUNNING)
    assert answers() == (False, True, False, False)
    work.let_go()
    job.result(LONG)
    assert answers() == (True, False, False, True)

    held = HeldWork()
    job = run_job(held)
    assert held.started.wait(LONG)
    job.cancel()
    assert answers() == (False, False, True, True)


class Reporting(HeldWork):
    """Work whose every step, and what it reports in it, the test allows."""

    def __init__(self, *fractions: float) -> None:
        super().__init__()
        self.fractions = fractions
        self.steps = threading.Semaphore(0)

    def run(self, control: TaskControl) -> Result:
        for fraction in self.fractions:
            control.report(fraction)
            self.started.set()
            assert self.steps.acquire(timeout=LONG)
        return self.outcome()


@pytest.mark.parametrize("kind", ["local", "split", "split on threads", "function"])
def test_j37_progress_rises_to_one_and_is_one_only_when_done(
    kind: str, all_kinds: dict[str, MakeJob]
) -> None:
    work = Reporting(1 / 4, 3 / 4, 2 / 4, 1.0)
    job = all_kinds[kind](work)
    job.submit()
    assert work.started.wait(LONG)
    seen = [job.progress()]
    for _ in range(3):
        work.steps.release()
        until(lambda: job.progress() > seen[-1], 0.05)
        seen.append(job.progress())
    assert seen[0] == 0.25
    assert seen == sorted(seen)
    assert seen[-1] < 1  # all steps are reported, but the job is not done
    work.steps.release()
    job.result(LONG)
    assert job.progress() == 1.0


@pytest.mark.parametrize("kind", ["local", "split", "split on threads", "function"])
def test_j37_a_failed_jobs_progress_stays_below_one(
    kind: str, all_kinds: dict[str, MakeJob]
) -> None:
    work = Reporting(1.0)
    work.outcome = failing(RuntimeError("at the very end"))
    work.steps.release()
    job = all_kinds[kind](work)
    job.submit()
    job.wait_for_final_state(LONG)
    assert job.status() is JobStatus.ERROR
    assert 0.99 < job.progress() < 1


def test_j39_every_method_from_many_threads(run_job: RunJob) -> None:
    """Sixteen threads ask and cancel one job; exactly one cancel brings it about."""
    for _ in range(5):
        job = run_job(HeldWork())
        cancels: list[bool] = []
        wrong: list[BaseException] = []
        barrier = threading.Barrier(16)

        def ask(job=job, cancels=cancels, wrong=wrong, barrier=barrier) -> None:
            try:
                barrier.wait(LONG)
                job.status()
                job.progress()
                cancels.append(job.cancel())
                assert job.cancelled()
                job.wait_for_final_state(LONG, callback=lambda *_: None)
                assert job.error_message() is None
                with pytest.raises(JobError):
                    job.result(LONG)
            except (AssertionError, JobError) as error:
                wrong.append(error)

        threads = [threading.Thread(target=ask) for _ in range(16)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join(LONG)
        assert wrong == []
        assert sum(cancels) == 1
        assert len(cancels) == 16
