"""LocalJob: what it does when its device never has the memory, and when no thread takes it."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from qiskit.providers import JobStatus

from simquay.control import Control
from simquay.errors import Cancelled, OutOfMemoryError
from simquay.jobs.dispatch.threads import MemoryRequest, Task, WorkerPool
from simquay.jobs.errors import JobFailedError
from simquay.jobs.local import LocalJob
from tests.support.job_doubles import LONG, HeldWork, a_ledger, a_result, failing, until


@pytest.fixture
def pool() -> Iterator[WorkerPool]:
    pool = WorkerPool(2)
    yield pool
    pool.stop()


class Refusing:
    """A dispatcher that takes nothing."""

    def submit(self, task: Task) -> None:
        raise RuntimeError("can't start new thread")

    def discard(self, task: Task) -> None:
        raise AssertionError("nothing was taken")


def test_a_job_that_no_thread_takes_fails() -> None:
    work = HeldWork(held=False)
    job = LocalJob(None, work, Refusing())
    job.submit()
    with pytest.raises(JobFailedError, match="could not be queued: can't start new thread"):
        job.result(LONG)
    assert work.runs == 0


def test_work_that_can_do_with_less_memory_is_queued_again(pool: WorkerPool) -> None:
    ledger = a_ledger(1000)

    class Flexible(HeldWork):
        refused = 0

        def refuse(self, error: OutOfMemoryError) -> bool:
            self.refused += 1
            self.memory = MemoryRequest(ledger, 400)
            return True

    work = Flexible(memory=MemoryRequest(ledger, 4000))
    job = LocalJob(None, work, pool)
    job.submit()
    assert work.started.wait(LONG)
    assert (work.refused, ledger.reserved) == (1, 400)
    work.let_go()
    assert job.result(LONG).success
    assert until(lambda: ledger.reserved == 0)


def test_a_failure_of_the_work_keeps_its_text_cause_and_partial_result(pool: WorkerPool) -> None:
    failure = JobFailedError("circuit 'x' failed", a_result())
    failure.__cause__ = ValueError("why")
    job = LocalJob(None, HeldWork(failing(failure), held=False), pool)
    job.submit()
    with pytest.raises(JobFailedError, match="circuit 'x' failed") as caught:
        job.result(LONG)
    assert isinstance(caught.value.__cause__, ValueError)
    assert caught.value.partial_result is failure.partial_result


def test_work_that_stops_without_a_cancel_fails(pool: WorkerPool) -> None:
    job = LocalJob(None, HeldWork(failing(Cancelled("enough")), held=False), pool)
    job.submit()
    with pytest.raises(JobFailedError, match="the work stopped: enough"):
        job.result(LONG)
    assert job.status() is JobStatus.ERROR


def test_the_work_is_given_the_jobs_id_and_its_control(pool: WorkerPool) -> None:
    given: list[object] = []

    class Noting(HeldWork):
        def run(self, job_id: str, control: Control):
            given.extend([job_id, type(control)])
            return super().run(job_id, control)

    job = LocalJob(None, Noting(held=False), pool, job_id="mine")
    job.submit()
    job.result(LONG)
    assert given == ["mine", Control]
