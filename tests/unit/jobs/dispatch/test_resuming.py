"""The launcher of a job that is resumed."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from simquay.jobs.dispatch.resuming import ResumingLauncher
from simquay.jobs.dispatch.tasks import LocalTask, TaskControl
from simquay.jobs.dispatch.threads import WorkerPool
from simquay.jobs.job import Job, TaskEnd
from tests.support.job_doubles import LONG


def test_tasks_with_an_answer_do_not_run_and_count_as_done() -> None:
    ran: list[int] = []
    pool = WorkerPool(1)

    def task(number: int) -> LocalTask:
        def call(control: TaskControl) -> int:
            ran.append(number)
            return number

        return LocalTask(call)

    def join(ends: Sequence[TaskEnd], job_id: str, seconds: float) -> list[Any]:
        return [end.answer for end in ends]

    try:
        launcher = ResumingLauncher(pool, {0: "a", 2: "c"})
        job = Job(None, [task(number) for number in range(4)], launcher, join)
        job.submit()
        assert job.result(LONG) == ["a", 1, "c", 3]
        assert sorted(ran) == [1, 3]
        launcher = ResumingLauncher(pool, {0: "a", 1: None})
        job = Job(None, [task(number) for number in range(2)], launcher, join)
        job.submit()
        assert job.result(LONG) == ["a", None]
        assert sorted(ran) == [1, 3]
    finally:
        pool.stop()
