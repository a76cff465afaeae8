"""Launchers: which one an executor gets, and the futures that they return."""

from __future__ import annotations

import gc
import weakref
from collections.abc import Callable, Iterator
from concurrent.futures import CancelledError, ProcessPoolExecutor, ThreadPoolExecutor
from typing import Any

import pytest

from simquay.control import Control
from simquay.errors import OutOfMemoryError
from simquay.jobs.dispatch.launchers import (
    ExecutorLauncher,
    Launcher,
    PoolLauncher,
    TaskContext,
    ThreadLauncher,
    launcher_for,
    run_when_memory_is_free,
    same_process,
)
from simquay.jobs.dispatch.threads import MemoryRequest, WorkerPool
from tests.support.executor_doubles import InlineExecutor, ManualExecutor
from tests.support.job_doubles import LONG, HeldWork, a_ledger


class Task:
    """Held work as a task; another process would add two numbers."""

    def __init__(self, work: HeldWork) -> None:
        self.work = work

    @property
    def memory(self) -> MemoryRequest | None:
        return self.work.memory

    def refuse(self, error: OutOfMemoryError) -> bool:
        return self.work.refuse(error)

    def run(self, control: Control) -> Any:
        return self.work.run("", control)

    def request(self, context: TaskContext) -> tuple[Callable[..., Any], tuple[Any, ...]]:
        return divmod, (17, context.number)

    def read(self, answer: Any) -> Any:
        return answer


def context(number: int = 5) -> tuple[TaskContext, list[str]]:
    """A context, and the calls that were made to its job."""
    calls: list[str] = []
    made = TaskContext(
        "job", number, 1, Control(), lambda: calls.append("begin"), lambda: calls.append("cancel")
    )
    return made, calls


@pytest.fixture
def pool() -> Iterator[WorkerPool]:
    pool = WorkerPool(1)
    yield pool
    pool.stop()


@pytest.fixture
def threads() -> Iterator[ThreadPoolExecutor]:
    with ThreadPoolExecutor(1) as executor:
        yield executor


@pytest.fixture(params=["pool", "threads"])
def launcher(request: pytest.FixtureRequest, pool: WorkerPool, threads: Any) -> Launcher:
    """One that runs tasks in this process, one after another."""
    return PoolLauncher(pool) if request.param == "pool" else ThreadLauncher(threads)


def test_only_threads_are_known_to_be_this_process(pool: WorkerPool) -> None:
    assert isinstance(launcher_for(None, pool), PoolLauncher)
    with ThreadPoolExecutor(1) as threads, ProcessPoolExecutor(1) as processes:
        assert same_process(threads)
        assert not same_process(processes)
        assert isinstance(launcher_for(threads, pool), ThreadLauncher)
        assert isinstance(launcher_for(processes, pool), ExecutorLauncher)
    assert isinstance(launcher_for(InlineExecutor(), pool), ExecutorLauncher)


def test_a_task_in_this_process_says_that_it_begins_and_gives_its_answer(
    launcher: Launcher,
) -> None:
    made, calls = context()
    future = launcher.launch(Task(HeldWork(lambda: "answer", held=False)), made)
    assert future.result(LONG) == "answer"
    assert calls == ["begin"]
    assert launcher.reports_start


def test_an_error_of_a_task_is_the_futures(launcher: Launcher) -> None:
    def fail() -> Any:
        raise ValueError("no")

    future = launcher.launch(Task(HeldWork(fail, held=False)), context()[0])
    assert isinstance(future.exception(LONG), ValueError)


def test_a_queued_task_that_is_cancelled_never_runs_and_is_dropped(launcher: Launcher) -> None:
    blocker, waiting = HeldWork(), HeldWork(held=False)
    running = launcher.launch(Task(blocker), context()[0])
    assert blocker.started.wait(LONG)
    task = Task(waiting)
    future, gone = launcher.launch(task, context()[0]), weakref.ref(task)
    assert future.cancel()
    del task
    gc.collect()
    assert gone() is None  # though the executor's queue may still hold the call
    assert not running.cancel()
    blocker.let_go()
    assert running.result(LONG).success
    after = launcher.launch(Task(HeldWork(held=False)), context()[0])
    assert after.result(LONG).success
    assert waiting.runs == 0
    with pytest.raises(CancelledError):
        future.result()


def test_another_process_is_sent_the_request() -> None:
    executor = ManualExecutor()
    launcher = ExecutorLauncher(executor)
    assert not launcher.reports_start
    made, calls = context(number=5)
    future = launcher.launch(Task(HeldWork()), made)
    assert executor.calls == [(divmod, (17, 5))]
    executor.finish(0)
    assert future.result() == (3, 2)
    assert calls == []


def test_a_task_that_its_device_can_never_hold_runs_without_memory_and_fails() -> None:
    ledger = a_ledger(1000)
    task = Task(HeldWork(memory=MemoryRequest(ledger, 1001)))
    with pytest.raises(OutOfMemoryError, match="1001 bytes"):
        run_when_memory_is_free(task, Control())
    assert ledger.reserved == 0
