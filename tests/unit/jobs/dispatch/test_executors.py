"""Tasks on an executor of the user's: what it is sent, its attempts, and what it drops."""

from __future__ import annotations

import gc
import threading
import weakref
from collections.abc import Iterator
from concurrent.futures import (
    BrokenExecutor,
    CancelledError,
    Future,
    ProcessPoolExecutor,
    ThreadPoolExecutor,
)
from functools import partial
from typing import Any

import pytest
from qiskit.providers import JobStatus

from simquay.jobs.dispatch.executors import ExecutorLauncher, TaskCancelledError, same_process
from simquay.jobs.dispatch.tasks import RemoteCall, TaskControl
from tests.support.executor_doubles import InlineExecutor, ManualExecutor
from tests.support.job_doubles import LONG, HeldWork, until


class Task(HeldWork):
    """Held work, in whose place another process adds two numbers."""

    def remote(self, control: TaskControl) -> Any:
        return RemoteCall(divmod, (17, control.number), lambda answer: answer[1])


def control(number: int = 5) -> tuple[TaskControl, list[Any]]:
    """A control, and the calls that were made to its job."""
    calls: list[Any] = []
    made = TaskControl(
        "job",
        number,
        begin=lambda: calls.append("begin"),
        report_status=calls.append,
        stop=lambda: calls.append("cancel"),
    )
    return made, calls


@pytest.fixture
def threads() -> Iterator[ThreadPoolExecutor]:
    with ThreadPoolExecutor(1) as executor:
        yield executor


def submitted(executor: ManualExecutor, count: int = 1) -> None:
    assert until(lambda: len(executor.calls) == count, LONG)


def test_only_threads_are_known_to_be_this_process(threads: ThreadPoolExecutor) -> None:
    with ProcessPoolExecutor(1) as processes:
        assert same_process(threads)
        assert not same_process(processes)
        assert not same_process(InlineExecutor())


def test_a_task_in_this_process_says_that_it_begins_and_gives_its_answer(
    threads: ThreadPoolExecutor,
) -> None:
    made, calls = control()
    future = ExecutorLauncher(threads).launch(Task(lambda: "answer", held=False), made)
    assert future.result(LONG) == "answer"
    assert calls == ["begin"]


def test_an_error_of_a_task_is_the_futures(threads: ThreadPoolExecutor) -> None:
    def fail() -> Any:
        raise ValueError("no")

    future = ExecutorLauncher(threads).launch(Task(fail, held=False), control()[0])
    assert isinstance(future.exception(LONG), ValueError)


def test_a_queued_task_that_is_cancelled_never_runs_and_is_dropped(
    threads: ThreadPoolExecutor,
) -> None:
    launcher = ExecutorLauncher(threads)
    blocker, waiting = Task(), Task(held=False)
    running = launcher.launch(blocker, control()[0])
    assert blocker.started.wait(LONG)
    future, gone = launcher.launch(waiting, control()[0]), weakref.ref(waiting)
    assert future.cancel()
    del waiting
    gc.collect()
    assert until(lambda: gone() is None)  # though the executor's queue may still hold the call
    blocker.let_go()
    assert running.result(LONG).success
    assert launcher.launch(Task(held=False), control()[0]).result(LONG).success
    with pytest.raises(CancelledError):
        future.result()


def test_another_process_is_sent_the_call_and_its_answer_is_read() -> None:
    executor = ManualExecutor()
    made, calls = control(number=5)
    future = ExecutorLauncher(executor).launch(Task(), made)
    submitted(executor)
    assert executor.calls == [(divmod, (17, 5))]
    assert calls == []
    executor.finish(0)
    assert future.result(LONG) == 2
    assert made.fraction == 1.0
    assert calls == [JobStatus.VALIDATING, JobStatus.RUNNING]


def test_the_begin_of_a_task_elsewhere_is_seen() -> None:
    executor = ManualExecutor()
    made, calls = control()
    future = ExecutorLauncher(executor).launch(Task(), made)
    submitted(executor)
    assert executor.begin(0)
    assert until(lambda: calls == [JobStatus.VALIDATING, JobStatus.RUNNING])
    assert not future.done()
    executor.finish(0)
    assert future.result(LONG) == 2


def test_a_task_whose_executor_broke_is_submitted_three_times_in_all() -> None:
    executor = ManualExecutor()
    made, _ = control()
    future = ExecutorLauncher(executor).launch(Task(), made)
    for attempt in (1, 2, 3):
        submitted(executor, attempt)
        assert made.attempt == attempt
        executor.futures[-1].set_exception(BrokenExecutor("a worker died"))
    assert isinstance(future.exception(LONG), BrokenExecutor)
    assert made.attempt == 3


def test_an_error_elsewhere_is_not_tried_again() -> None:
    executor = ManualExecutor()
    future = ExecutorLauncher(executor).launch(Task(), control()[0])
    submitted(executor)
    executor.futures[0].set_exception(ValueError("no"))
    assert isinstance(future.exception(LONG), ValueError)
    assert len(executor.calls) == 1


def test_an_answer_that_cannot_be_read_is_an_error_of_the_task() -> None:
    executor = ManualExecutor()
    future = ExecutorLauncher(executor).launch(Task(), control()[0])
    submitted(executor)
    executor.futures[0].set_result(None)
    assert isinstance(future.exception(LONG), TypeError)


def test_tasks_that_an_executor_refuses_have_its_error() -> None:
    executor = ManualExecutor(most=1)
    launcher = ExecutorLauncher(executor)
    first, *others = [launcher.launch(Task(), control(number)[0]) for number in (1, 2, 3)]
    for other in others:
        assert isinstance(other.exception(LONG), RuntimeError)
    executor.finish(0)
    assert first.result(LONG) == 0


def test_a_task_that_an_executor_drops_has_an_error_that_says_so() -> None:
    executor = ManualExecutor()
    future = ExecutorLauncher(executor).launch(Task(), control()[0])
    submitted(executor)
    assert executor.futures[0].cancel()
    assert isinstance(future.exception(LONG), TaskCancelledError)


def test_a_cancelled_task_is_withdrawn_from_the_executor() -> None:
    executor = ManualExecutor()
    future = ExecutorLauncher(executor).launch(Task(), control()[0])
    submitted(executor)
    assert future.cancel()
    assert until(partial(executor.futures[0].cancelled))


def test_a_task_that_cannot_leave_this_process_is_refused() -> None:
    future = ExecutorLauncher(ManualExecutor()).launch(HeldWork(), control()[0])
    assert isinstance(future.exception(LONG), TypeError)


@pytest.mark.parametrize("broken", ["add_done_callback", "exception", "running"])
def test_a_future_that_raises_ends_the_task_and_no_other(broken: str) -> None:
    class Broken(Future[Any]):
        pass

    def fail(self: Future[Any], *arguments: Any) -> Any:
        raise ZeroDivisionError("an executor's own defect")

    setattr(Broken, broken, fail)
    executor = ManualExecutor()
    launcher = ExecutorLauncher(executor)
    held = launcher.launch(Task(), control(1)[0])
    submitted(executor)
    bad = Broken()
    executor.submit = lambda *call: bad  # type: ignore[method-assign]  # for a test
    future = launcher.launch(Task(), control(2)[0])
    bad.set_result((3, 4))
    if broken == "running":
        assert future.result(LONG) == 4
    else:
        assert isinstance(future.exception(LONG), ZeroDivisionError)
    executor.finish(0)
    assert held.result(LONG) == 0


def test_a_launcher_whose_thread_cannot_start_starts_another_one(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    def refuse(thread: threading.Thread) -> None:
        raise MemoryError

    executor = ManualExecutor()
    launcher = ExecutorLauncher(executor)
    with monkeypatch.context() as patch:
        patch.setattr(threading.Thread, "start", refuse)
        with pytest.raises(RuntimeError, match="no thread can be started: MemoryError"):
            launcher.launch(Task(), control(1)[0])
    assert launcher.stop() == 0  # nothing is left of it
    future = launcher.launch(Task(), control(2)[0])
    submitted(executor)
    executor.finish(0)
    assert future.result(LONG) == 1
