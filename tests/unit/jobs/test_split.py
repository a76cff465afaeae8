"""SplitJob: its tasks' order, their attempts, and executors that refuse or drop them."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from concurrent.futures import BrokenExecutor, Future
from functools import partial
from typing import Any

import pytest
from qiskit.providers import JobStatus
from qiskit.result import Result

from simquay.control import Control
from simquay.errors import OutOfMemoryError
from simquay.jobs.dispatch.launchers import SplitTask, TaskContext
from simquay.jobs.errors import JobFailedError
from simquay.jobs.split import SplitJob, TaskCancelledError, TaskEnd
from tests.support.job_doubles import LONG, a_result, until


class Task:
    """A task that only its launcher knows how to run."""

    memory = None

    def refuse(self, error: OutOfMemoryError) -> bool:
        raise AssertionError("no memory is asked for")

    def run(self, control: Control) -> Any:
        raise AssertionError("the launcher does not run it")

    def request(self, context: TaskContext) -> tuple[Callable[..., Any], tuple[Any, ...]]:
        raise AssertionError("the launcher does not send it")

    def read(self, answer: int) -> int:
        return 10 * answer


class Work:
    """Tasks, and how they ended."""

    def __init__(self, count: int) -> None:
        self.tasks = [Task() for _ in range(count)]
        self.ends: list[TaskEnd] = []

    def result(self, job_id: str, ends: Sequence[TaskEnd], seconds: float) -> Result:
        self.ends = list(ends)
        return a_result()


class ManualLauncher:
    """Keeps the futures of the tasks, and refuses tasks after the first ``most``."""

    reports_start = True

    def __init__(self, most: int = 100) -> None:
        self.launched: list[tuple[TaskContext, Future[Any]]] = []
        self._most = most

    def launch(self, task: SplitTask, context: TaskContext) -> Future[Any]:
        if len(self.launched) >= self._most:
            raise RuntimeError("no more")
        self.launched.append((context, Future()))
        return self.launched[-1][1]


def launched(launcher: ManualLauncher, count: int) -> bool:
    return len(launcher.launched) == count


def submitted(count: int, launcher: ManualLauncher) -> tuple[SplitJob, Work]:
    work = Work(count)
    job = SplitJob(None, work, launcher)
    job.submit()
    assert until(lambda: len(launcher.launched) == min(count, launcher._most), LONG)
    return job, work


def test_ends_are_in_the_order_of_the_tasks_whatever_ends_first() -> None:
    launcher = ManualLauncher()
    job, work = submitted(3, launcher)
    for number in (2, 0, 1):
        launcher.launched[number][1].set_result(number)
    assert job.result(LONG).success
    assert [end.answer for end in work.ends] == [0, 10, 20]
    assert [end.attempts for end in work.ends] == [1, 1, 1]


def test_a_task_is_told_its_place() -> None:
    launcher = ManualLauncher()
    job, _ = submitted(2, launcher)
    contexts = [context for context, _ in launcher.launched]
    assert [(one.job_id, one.number, one.attempt) for one in contexts] == [
        (job.job_id(), 0, 1),
        (job.job_id(), 1, 1),
    ]
    assert job.status() is JobStatus.QUEUED
    contexts[1].begin()
    assert job.status() is JobStatus.RUNNING
    job.cancel()


def test_progress_is_the_mean_of_the_tasks() -> None:
    launcher = ManualLauncher()
    job, _ = submitted(4, launcher)
    launcher.launched[0][0].control.report(0.5)
    assert job.progress() == 0.125
    launcher.launched[1][1].set_result(0)
    assert until(lambda: job.progress() == 0.375)
    job.cancel()


def test_a_task_whose_executor_broke_is_submitted_three_times_in_all() -> None:
    launcher = ManualLauncher()
    job, work = submitted(1, launcher)
    for attempt in (1, 2, 3):
        assert until(partial(launched, launcher, attempt), LONG)
        assert launcher.launched[-1][0].attempt == attempt
        launcher.launched[-1][1].set_exception(BrokenExecutor("a worker died"))
    job.result(LONG)
    (end,) = work.ends
    assert isinstance(end.error, BrokenExecutor)
    assert (end.answer, end.attempts) == (None, 3)


def test_an_error_of_the_task_itself_is_not_tried_again() -> None:
    launcher = ManualLauncher()
    job, work = submitted(1, launcher)
    launcher.launched[0][1].set_exception(ValueError("no"))
    job.result(LONG)
    assert isinstance(work.ends[0].error, ValueError)
    assert work.ends[0].attempts == 1


def test_an_answer_that_cannot_be_read_is_an_error_of_the_task() -> None:
    launcher = ManualLauncher()
    job, work = submitted(1, launcher)
    launcher.launched[0][1].set_result(None)  # Task.read multiplies it
    job.result(LONG)
    assert isinstance(work.ends[0].error, TypeError)


def test_tasks_that_an_executor_refuses_have_its_error() -> None:
    launcher = ManualLauncher(most=1)
    job, work = submitted(3, launcher)
    launcher.launched[0][1].set_result(1)
    job.result(LONG)
    assert work.ends[0].answer == 10
    assert [type(end.error) for end in work.ends[1:]] == [RuntimeError, RuntimeError]


def test_a_task_that_an_executor_drops_has_an_error_that_says_so() -> None:
    launcher = ManualLauncher()
    job, work = submitted(1, launcher)
    assert launcher.launched[0][1].cancel()
    job.result(LONG)
    assert isinstance(work.ends[0].error, TaskCancelledError)


def test_cancelling_withdraws_what_has_not_begun_and_cancels_every_control() -> None:
    launcher = ManualLauncher()
    job, work = submitted(2, launcher)
    (first, running), (second, waiting) = launcher.launched
    assert running.set_running_or_notify_cancel()
    assert job.cancel()
    assert until(waiting.cancelled)
    assert not running.cancelled()
    assert first.control.cancelled
    assert second.control.cancelled
    assert work.ends == []


def test_an_error_in_joining_the_answers_fails_the_job() -> None:
    class Broken(Work):
        def result(self, job_id: str, ends: Sequence[TaskEnd], seconds: float) -> Result:
            raise KeyError("a bug")

    launcher = ManualLauncher()
    job = SplitJob(None, Broken(1), launcher)
    job.submit()
    assert until(lambda: bool(launcher.launched), LONG)
    launcher.launched[0][1].set_result(1)
    with pytest.raises(JobFailedError, match="KeyError: 'a bug'"):
        job.result(LONG)
