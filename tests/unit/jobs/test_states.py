"""The job contract: identity, submission, states and their queries (J01-J07, J20-J25, J37, J39)."""

from __future__ import annotations

import threading
from collections.abc import Iterator

import pytest
from qiskit.exceptions import QiskitError
from qiskit.providers import JobError, JobStatus, JobV1

from simquay.jobs.base import BaseJob
from simquay.jobs.dispatch.threads import WorkerPool
from simquay.jobs.local import LocalJob
from tests.support.job_doubles import LONG, HeldWork, a_job, a_result, until


@pytest.fixture
def pool() -> Iterator[WorkerPool]:
    pool = WorkerPool(2)
    yield pool
    pool.stop()


class Recorded(LocalJob):
    """A job that keeps every state it enters."""

    def __init__(self, *arguments, **keywords) -> None:
        self.seen = [JobStatus.INITIALIZING]
        super().__init__(*arguments, **keywords)

    def _enter(self, status: JobStatus) -> None:
        self.seen.append(status)
        super()._enter(status)


def test_j01_a_job_is_a_qiskit_job(pool: WorkerPool) -> None:
    job = a_job(HeldWork(held=False), pool)
    assert isinstance(job, JobV1)
    assert job.version == 1


def test_j03_before_submission_nothing_can_be_asked(pool: WorkerPool) -> None:
    work = HeldWork(held=False)
    job = a_job(work, pool, submit=False)
    assert job.status() is JobStatus.INITIALIZING
    for call in (job.result, job.cancel, job.wait_for_final_state):
        with pytest.raises(JobError, match=r"not submitted yet: call submit\(\)"):
            call()
    assert job.status() is JobStatus.INITIALIZING
    job.submit()
    assert job.result(LONG).success
    assert work.runs == 1


def test_j04_a_second_submit_is_an_error(pool: WorkerPool) -> None:
    work = HeldWork(held=False)
    job = a_job(work, pool)
    with pytest.raises(JobError, match="submitted already"):
        job.submit()
    job.result(LONG)
    with pytest.raises(JobError, match="submitted already"):
        job.submit()
    assert work.runs == 1


def test_j05_ids_are_unique_strings_that_stay(pool: WorkerPool) -> None:
    jobs = [a_job(HeldWork(held=False), pool) for _ in range(50)]
    before = [job.job_id() for job in jobs]
    for job in jobs:
        job.result(LONG)
    assert [job.job_id() for job in jobs] == before
    assert len(set(before)) == 50
    assert all(isinstance(name, str) and name for name in before)
    assert a_job(HeldWork(held=False), pool, job_id="mine").job_id() == "mine"


def test_j06_a_job_without_a_backend_says_so(pool: WorkerPool) -> None:
    with pytest.raises(QiskitError, match="does not have any backend"):
        a_job(HeldWork(held=False), pool).backend()


def test_j07_metadata_is_a_dict_of_its_own(pool: WorkerPool) -> None:
    given = {"owner": "me"}
    job = a_job(HeldWork(held=False), pool, metadata=given)
    given["owner"] = "you"
    assert job.metadata == {"owner": "me"}


def test_j20_status_does_not_block_while_the_lock_is_held(pool: WorkerPool) -> None:
    work = HeldWork()
    job = a_job(work, pool)
    assert work.started.wait(LONG)
    answers: list[JobStatus] = []
    with job._condition:  # whoever holds it, however long: status() must not need it
        asker = threading.Thread(target=lambda: answers.append(job.status()))
        asker.start()
        asker.join(LONG)
        assert answers == [JobStatus.RUNNING]
    work.let_go()


def test_j21_status_is_qiskits(pool: WorkerPool) -> None:
    job = a_job(HeldWork(held=False), pool)
    assert isinstance(job.status(), JobStatus)
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


@pytest.mark.parametrize("end", [JobStatus.DONE, JobStatus.ERROR, JobStatus.CANCELLED])
def test_j23_the_states_come_in_order(pool: WorkerPool, end: JobStatus) -> None:
    def fail():
        raise RuntimeError("no")

    work = HeldWork(fail if end is JobStatus.ERROR else a_result)
    job = Recorded(None, work, pool)
    job.submit()
    assert work.started.wait(LONG)
    if end is JobStatus.CANCELLED:
        assert job.cancel()
    work.let_go()
    job.wait_for_final_state(LONG)
    assert job.seen == [
        JobStatus.INITIALIZING,
        JobStatus.QUEUED,
        JobStatus.VALIDATING,
        JobStatus.RUNNING,
        end,
    ]


@pytest.mark.parametrize("final", [JobStatus.DONE, JobStatus.ERROR, JobStatus.CANCELLED])
def test_j24_no_way_back_and_none_out_of_a_final_state(pool: WorkerPool, final: JobStatus) -> None:
    work = HeldWork()
    job = a_job(work, pool)
    assert work.started.wait(LONG)
    assert not job._advance(JobStatus.QUEUED)
    assert job.status() is JobStatus.RUNNING
    assert job._advance(final)
    for status in JobStatus:
        assert not job._advance(status)
    assert not job._conclude(a_result())
    assert not job._fail("late")
    assert job.status() is final
    assert job.error_message() is None or final is JobStatus.ERROR
    work.let_go()


def test_j25_the_questions_agree_with_the_status(pool: WorkerPool) -> None:
    work = HeldWork()
    job = a_job(work, pool)

    def answers() -> tuple[bool, bool, bool, bool]:
        return job.done(), job.running(), job.cancelled(), job.in_final_state()

    assert work.started.wait(LONG)
    assert answers() == (False, True, False, False)
    work.let_go()
    job.result(LONG)
    assert answers() == (True, False, False, True)

    held = HeldWork()
    job = a_job(held, pool)
    assert held.started.wait(LONG)
    job.cancel()
    assert answers() == (False, False, True, True)


def test_j37_progress_rises_to_one_and_is_one_only_when_done(pool: WorkerPool) -> None:
    class Reporting(HeldWork):
        def run(self, job_id, control):
            for step in (1, 3, 2, 4):
                control.report(step / 4)
                self.started.set()
                assert self.steps.acquire(timeout=LONG)
            return a_result()

    work = Reporting()
    work.steps = threading.Semaphore(0)
    job = a_job(work, pool)
    assert work.started.wait(LONG)
    seen = [job.progress()]
    for _ in range(3):
        work.steps.release()
        until(lambda: job.progress() > seen[-1], 0.05)
        seen.append(job.progress())
    assert seen[0] == 0.25
    assert seen == sorted(seen)
    assert seen[-1] < 1  # all steps reported, but not done
    work.steps.release()
    job.result(LONG)
    assert job.progress() == 1.0


def test_j37_a_failed_jobs_progress_stays_below_one(pool: WorkerPool) -> None:
    class Failing(HeldWork):
        def run(self, job_id, control):
            control.report(1.0)
            raise RuntimeError("at the very end")

    job = a_job(Failing(), pool)
    job.wait_for_final_state(LONG)
    assert 0.99 < job.progress() < 1


def test_j39_every_method_from_many_threads(pool: WorkerPool) -> None:
    """Sixteen threads ask and cancel one job; exactly one cancel brings it about."""
    for _ in range(20):
        work = HeldWork()
        job = a_job(work, pool)
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


def test_the_contract_class_leaves_only_the_work_open() -> None:
    assert BaseJob.__abstractmethods__ == {"_start", "_stop", "_release"}
