"""Threads for tasks that may themselves wait for Simquay's jobs: one for each task."""

from __future__ import annotations

import threading
import time

from simquay.jobs.dispatch.tasks import Task, TaskControl, TaskFuture
from simquay.jobs.timing import EXIT_PATIENCE
from simquay.system.lifecycle import after_fork, before_exit

__all__ = ["ThreadPerTask", "thread_per_task"]


class ThreadPerTask:
    """Launches each task in a daemon thread, which ends with it.

    In a pool of bounded size, tasks that wait for jobs of the same pool can fill it, and then all
    wait for ever. Here no task waits for a thread.
    """

    def __init__(self) -> None:
        self._renew()

    def _renew(self) -> None:
        """Start without threads; also in a forked child, where the lock may be held for ever."""
        # Reentrant: a signal handler may interrupt launch() in this thread.
        self._lock = threading.RLock()
        self._running: dict[TaskFuture, threading.Thread | None] = {}  # None: not started yet
        self._stopping = False

    def launch(self, task: Task, control: TaskControl) -> TaskFuture:
        """Start ``task``; see :class:`~simquay.jobs.dispatch.tasks.Launcher`."""
        future = TaskFuture(task, control)
        thread = threading.Thread(
            target=self._run, args=(future,), name="simquay-own-thread", daemon=True
        )
        with self._lock:
            if self._stopping:
                raise RuntimeError("the interpreter is exiting: no more work is taken")
            self._running[future] = None
        try:
            thread.start()
        except RuntimeError:
            with self._lock:
                self._running.pop(future, None)
            raise
        return future

    def stop(self, patience: float = EXIT_PATIENCE) -> None:
        """Take no more tasks, tell all jobs to stop, and wait ``patience`` seconds for them."""
        end = time.monotonic() + patience
        with self._lock:
            self._stopping = True
            running = dict(self._running)
        for future in running:
            future.control.stop()
        for thread in running.values():
            if thread is not None and thread is not threading.current_thread():
                thread.join(max(0.0, end - time.monotonic()))

    def _run(self, future: TaskFuture) -> None:
        with self._lock:
            self._running[future] = threading.current_thread()
        future.settle(future.call_when_free)
        with self._lock:
            self._running.pop(future, None)  # it is not there where the task has forked


_threads = ThreadPerTask()


def thread_per_task() -> ThreadPerTask:
    """The instance that the whole process shares."""
    return _threads


after_fork(_threads._renew)

before_exit(_threads.stop)
