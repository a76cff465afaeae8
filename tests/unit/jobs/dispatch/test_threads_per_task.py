"""One thread for each task: nothing waits for a thread."""

from __future__ import annotations

import sys
import threading
from collections.abc import Iterator

import pytest

from simquay.jobs.dispatch.tasks import TaskControl
from simquay.jobs.dispatch.threads import WorkerPool, thread_per_task
from tests.support.job_doubles import LONG, until


class Held:
    """A task that runs until it is let go or its job is told to stop."""

    needs = None

    def __init__(self) -> None:
        self.started = threading.Event()
        self.end = threading.Event()
        self.stops = 0
        self.thread: threading.Thread | None = None

    def run(self, control: TaskControl) -> None:
        self.thread = threading.current_thread()
        self.started.set()
        self.end.wait(LONG)

    def remote(self, control: TaskControl) -> None:
        """None: it belongs to this process."""

    def stop(self) -> None:
        self.stops += 1
        self.end.set()

    def control(self) -> TaskControl:
        return TaskControl(begin=lambda: None, stop=self.stop)


@pytest.fixture
def threads() -> Iterator[WorkerPool]:
    threads = WorkerPool(sys.maxsize, lasting=False)
    yield threads
    threads.stop()


def test_any_number_of_tasks_run_side_by_side_each_in_a_daemon(threads: WorkerPool) -> None:
    tasks = [Held() for _ in range(30)]
    for task in tasks:
        threads.launch(task, task.control())
    assert all(task.started.wait(LONG) for task in tasks)
    used = {task.thread for task in tasks}
    assert len(used) == 30
    assert all(thread is not None and thread.daemon for thread in used)
    for task in tasks:
        task.end.set()
    assert until(lambda: not any(thread.is_alive() for thread in used if thread is not None))


def test_stopping_tells_running_tasks_waits_for_them_and_takes_no_more(
    threads: WorkerPool,
) -> None:
    task, ended = Held(), Held()
    threads.launch(ended, ended.control())
    ended.end.set()
    assert until(lambda: ended.thread is not None and not ended.thread.is_alive())
    threads.launch(task, task.control())
    assert task.started.wait(LONG)
    threads.stop(patience=LONG)
    assert (task.stops, ended.stops) == (1, 0)
    assert task.thread is not None
    assert not task.thread.is_alive()
    with pytest.raises(RuntimeError, match="the interpreter is exiting"):
        threads.launch(Held(), TaskControl())


def test_a_task_whose_thread_cannot_start_is_forgotten(
    threads: WorkerPool, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(thread: threading.Thread) -> None:
        raise RuntimeError("can't start new thread")

    task = Held()
    with monkeypatch.context() as patch:
        patch.setattr(threading.Thread, "start", refuse)
        with pytest.raises(RuntimeError, match="can't start"):
            threads.launch(task, task.control())
    later = Held()
    later.end.set()
    threads.launch(later, later.control()).result(LONG)
    assert not task.started.is_set()
    threads.stop()
    assert task.stops == 0


def test_the_process_has_one() -> None:
    assert thread_per_task() is thread_per_task()
