"""Job: its tasks' order and ends, its launcher, and what it does with errors."""

from __future__ import annotations

import threading
from collections.abc import Iterator, Sequence
from concurrent.futures import Future
from typing import Any

import pytest
from qiskit.providers import JobStatus
from qiskit.result import Result

from simquay.errors import Cancelled, OutOfMemoryError
from simquay.jobs.dispatch.tasks import MemoryRequest, Task, TaskControl
from simquay.jobs.dispatch.threads import WorkerPool
from simquay.jobs.errors import JobFailedError
from simquay.jobs.job import Job, TaskEnd
from tests.support.job_doubles import LONG, HeldWork, a_ledger, a_result, failing, until


@pytest.fixture
def pool() -> Iterator[WorkerPool]:
    pool = WorkerPool(2)
    yield pool
    pool.stop()


class ManualLauncher:
    """Keeps the futures of the tasks."""

    def __init__(self) -> None:
        self.launched: list[tuple[TaskControl, Future[Any]]] = []

    def launch(self, task: Task, control: TaskControl) -> Future[Any]:
        self.launched.append((control, Future()))
        return self.launched[-1][1]


class Refusing:
    """A launcher that takes nothing."""

    def launch(self, task: Task, control: TaskControl) -> Future[Any]:
        raise RuntimeError("can't start new thread")


class Ends:
    """Joins the tasks' answers to an empty result, and keeps their ends."""

    def __init__(self) -> None:
        self.ends: list[TaskEnd] = []

    def __call__(self, ends: Sequence[TaskEnd], job_id: str, seconds: float) -> Result:
        self.ends = list(ends)
        return a_result()


def submitted(count: int) -> tuple[Job, ManualLauncher, Ends]:
    launcher, ends = ManualLauncher(), Ends()
    job = Job(None, [HeldWork() for _ in range(count)], launcher, ends)
    job.submit()
    return job, launcher, ends


def test_ends_are_in_the_order_of_the_tasks_whatever_ends_first() -> None:
    job, launcher, joined = submitted(3)
    for number in (2, 0, 1):
        assert not job.in_final_state()
        launcher.launched[number][1].set_result(10 * number)
    assert job.result(LONG).success
    assert [end.answer for end in joined.ends] == [0, 10, 20]
    assert [end.attempts for end in joined.ends] == [1, 1, 1]


def test_a_task_is_told_its_place() -> None:
    job, launcher, _ = submitted(2)
    controls = [control for control, _ in launcher.launched]
    assert [(one.job_id, one.number, one.attempt) for one in controls] == [
        (job.job_id(), 0, 1),
        (job.job_id(), 1, 1),
    ]
    assert job.status() is JobStatus.QUEUED
    controls[1].begin()
    assert job.status() is JobStatus.RUNNING
    job.cancel()
    with pytest.raises(Cancelled):
        controls[0].begin()


def test_progress_is_the_mean_of_the_tasks() -> None:
    job, launcher, _ = submitted(4)
    launcher.launched[0][0].report(0.5)
    assert job.progress() == 0.125
    launcher.launched[1][0].report(1.0)
    assert job.progress() == 0.375
    job.cancel()


def test_an_error_of_a_task_is_its_end() -> None:
    job, launcher, joined = submitted(2)
    launcher.launched[0][1].set_exception(ValueError("no"))
    launcher.launched[1][1].set_result(1)
    job.result(LONG)
    assert isinstance(joined.ends[0].error, ValueError)
    assert joined.ends[0].answer is None
    assert joined.ends[1] == (1, None, 1, launcher.launched[1][0])


def test_cancelling_withdraws_what_has_not_begun_and_cancels_every_control() -> None:
    job, launcher, joined = submitted(2)
    (first, running), (second, waiting) = launcher.launched
    assert running.set_running_or_notify_cancel()
    assert job.cancel()
    assert waiting.cancelled()
    assert not running.cancelled()
    assert first.cancelled
    assert second.cancelled
    running.set_result(1)
    assert job.cancelled()
    assert joined.ends == []


def test_submitting_does_not_wait_for_answers_to_be_joined() -> None:
    joining, go_on = threading.Event(), threading.Event()

    class Ended:
        def launch(self, task: Task, control: TaskControl) -> Future[Any]:
            future: Future[Any] = Future()
            future.set_result(1)
            return future

    def join(ends: Sequence[TaskEnd], job_id: str, seconds: float) -> Result:
        joining.set()
        assert go_on.wait(LONG)
        return a_result()

    job = Job(None, [HeldWork(), HeldWork()], Ended(), join)
    job.submit()
    assert joining.wait(LONG)
    assert not job.in_final_state()
    go_on.set()
    assert job.result(LONG).success


def test_an_error_in_joining_the_answers_fails_the_job() -> None:
    def broken(ends: Sequence[TaskEnd], job_id: str, seconds: float) -> Result:
        raise KeyError("a bug")

    launcher = ManualLauncher()
    job = Job(None, [HeldWork()], launcher, broken)
    job.submit()
    launcher.launched[0][1].set_result(1)
    with pytest.raises(JobFailedError, match="KeyError: 'a bug'"):
        job.result(LONG)


def test_a_job_that_no_thread_takes_fails() -> None:
    work = HeldWork(held=False)
    job = Job(None, [work], Refusing())
    job.submit()
    with pytest.raises(
        JobFailedError, match="could not be queued: RuntimeError: can't start new thread"
    ):
        job.result(LONG)
    assert work.runs == 0


def test_a_task_that_its_device_can_never_hold_fails_the_job_and_never_runs(
    pool: WorkerPool,
) -> None:
    ledger = a_ledger(1000)
    work = HeldWork(needs=MemoryRequest(ledger, 4000))
    job = Job(None, [work], pool)
    job.submit()
    with pytest.raises(JobFailedError, match="OutOfMemoryError: the run needs") as caught:
        job.result(LONG)
    assert isinstance(caught.value.__cause__, OutOfMemoryError)
    assert (work.runs, ledger.reserved) == (0, 0)


def test_a_task_that_can_do_with_less_memory_gets_the_most_that_there_can_be(
    pool: WorkerPool,
) -> None:
    ledger = a_ledger(1000)
    work = HeldWork(needs=MemoryRequest(ledger, 4000, (2000, 400, 300)))
    job = Job(None, [work], pool)
    job.submit()
    assert work.started.wait(LONG)
    assert ledger.reserved == 400
    work.let_go()
    assert job.result(LONG).success
    assert until(lambda: ledger.reserved == 0)


def test_a_failure_of_the_work_keeps_its_text_cause_and_partial_result(pool: WorkerPool) -> None:
    failure = JobFailedError("circuit 'x' failed", a_result())
    failure.__cause__ = ValueError("why")
    job = Job(None, [HeldWork(failing(failure), held=False)], pool)
    job.submit()
    with pytest.raises(JobFailedError, match="circuit 'x' failed") as caught:
        job.result(LONG)
    assert isinstance(caught.value.__cause__, ValueError)
    assert caught.value.partial_result is failure.partial_result


def test_work_that_stops_without_a_cancel_fails(pool: WorkerPool) -> None:
    job = Job(None, [HeldWork(failing(Cancelled("enough")), held=False)], pool)
    job.submit()
    with pytest.raises(JobFailedError, match="the work stopped: enough"):
        job.result(LONG)
    assert job.status() is JobStatus.ERROR
