"""Tasks on an executor of the user's: threads, processes, or machines of a cluster.

Threads of this process run the task itself. Any other executor gets its remote call: its workers
may be anywhere, so they get bytes, and functions of modules, by their names.
"""

from __future__ import annotations

import concurrent.futures
import itertools
import queue
import threading
from collections.abc import Callable
from concurrent.futures import BrokenExecutor, CancelledError, Executor, Future, ThreadPoolExecutor
from contextlib import suppress
from typing import Any

from qiskit.providers.jobstatus import JobStatus

from simquay.errors import Cancelled, SimquayError
from simquay.jobs.dispatch.tasks import Task, TaskControl, TaskFuture
from simquay.jobs.errors import detach
from simquay.jobs.timing import FIRST_LOOK, LAST_LOOK
from simquay.system.lifecycle import after_fork, before_exit
from simquay.system.starting import start_thread

__all__ = ["ExecutorLauncher", "TaskCancelledError", "same_process"]

_ATTEMPTS = 3
"""How often a task is submitted, if its executor breaks but accepts it again."""


class TaskCancelledError(SimquayError):
    """The executor dropped a task that the job did not cancel."""


def same_process(executor: Executor) -> bool:
    """Whether ``executor`` is known to work in this very interpreter."""
    elsewhere = getattr(concurrent.futures, "InterpreterPoolExecutor", ())  # Python 3.14
    return isinstance(executor, ThreadPoolExecutor) and not isinstance(executor, elsewhere)


class _Submitted(TaskFuture):
    """The future of a task, and the executor's own.

    It stays pending until the executor's ends, so a job can always leave it.
    """

    inner: Future[Any] | None = None
    read: Callable[[Any], Any]


class ExecutorLauncher:
    """Launches the tasks of one job on ``executor``.

    A daemon thread, which lives while tasks are open, submits them, looks whether they have begun
    where they cannot say so, and passes their ends on. So :meth:`launch` never waits for an
    executor whose ``submit`` blocks, and the executor's threads, which call back when a task has
    ended, are not held up.

    Invariant: a future in ``_open`` is in ``_news``, or is with the executor, which will put it
    there; the thread takes it out when it has ended.
    """

    def __init__(self, executor: Executor) -> None:
        self._executor = executor
        self._here = same_process(executor)
        self._renew()
        # A SimpleQueue: a signal handler may put into it at any moment.
        self._news: queue.SimpleQueue[_Submitted] = queue.SimpleQueue()
        self._refused: BaseException | None = None
        self._begun = self._here  # tasks in this process say themselves that they begin
        after_fork(self._renew)
        before_exit(self.stop)

    def _renew(self) -> None:
        """Start without tasks; those that a parent process had open are not this process's."""
        self._lock = threading.RLock()  # reentrant: a signal handler may interrupt launch()
        self._open: dict[_Submitted, None] = {}

    def launch(self, task: Task, control: TaskControl) -> TaskFuture:
        """Submit ``task`` soon; see :class:`~simquay.jobs.dispatch.tasks.Launcher`."""
        future = _Submitted(task, control, self._news.put)
        with self._lock:
            first = not self._open
            self._open[future] = None
        self._news.put(future)
        if first:
            name = f"simquay-job-{control.job_id}"
            try:
                start_thread(threading.Thread(target=self._drive, name=name, daemon=True))
            except RuntimeError:
                self._renew()  # the next task starts another one
                raise
        return future

    def stop(self) -> int:
        """Cancel the jobs of all open tasks, those of threads aside that the interpreter waits for:
        it exits, and the executor would run the tasks of its queue before.

        Returns:
            How many jobs were not final before.
        """
        ending = [future for future in list(self._open) if not future.outlives_main()]
        return sum(future.control.stop() is True for future in ending)

    def _drive(self) -> None:
        pause = FIRST_LOOK
        while True:
            try:
                future = self._news.get(timeout=None if self._begun else pause)
            except queue.Empty:
                pause = min(2 * pause, LAST_LOOK)
                self._look(len(self._open))
                continue
            try:
                ended = future in self._open and self._ends(future)
            except Exception as error:  # noqa: BLE001  # an executor's futures are anybody's code
                future.fail(error)
                future.task = future.inner = None
                ended = True
            if ended:
                with self._lock:
                    del self._open[future]
                    if not self._open:
                        return
            del future

    def _ends(self, future: _Submitted) -> bool:
        """Submit a task, or pass on the end of one that was; returns whether it has ended."""
        inner = future.inner
        if future.cancelled():
            if inner is not None:
                inner.cancel()
            future.inner = None  # which refers to the future
            return True
        if inner is None:
            error = self._refused or self._submit(future)
            if error is None:
                self._look(1)
                return False
            self._refused = error  # an executor that refuses a task refuses the rest
        else:
            self._begins(future)
            error = _error_of(inner)
            again = isinstance(error, BrokenExecutor) and future.control.attempt < _ATTEMPTS
            # Most executors that broke stay broken. One that renews itself accepts the task again.
            if again and future.task is not None:
                future.control.attempt += 1
                if self._submit(future) is None:
                    return False
        future.settle(lambda: self._answer(future, error))
        future.task = future.inner = None
        return True

    def _submit(self, future: _Submitted) -> BaseException | None:
        """Hand the task to the executor; returns the error if that refuses it."""
        news = self._news
        task = future.task
        if task is None:
            return Cancelled("the job is over")
        try:
            if self._here:
                future.inner = self._executor.submit(future.call_when_free)
            else:
                call = task.remote(future.control)
                if call is None:
                    raise TypeError(f"a {type(task).__name__} runs in this process alone")
                future.inner = self._executor.submit(call.function, *call.arguments)
                future.read = call.read
        except Exception as error:  # noqa: BLE001  # an executor is anybody's code
            return detach(error)
        future.inner.add_done_callback(lambda inner: news.put(future))
        return None

    def _answer(self, future: _Submitted, error: BaseException | None) -> Any:
        if error is not None:
            raise error
        assert future.inner is not None
        answer = future.inner.result()
        if not self._here:
            answer = future.read(answer)
            future.control.report(1.0)
        return answer

    def _look(self, many: int) -> None:
        """Look whether one of the first ``many`` open tasks has begun."""
        for future in itertools.islice(self._open, many):
            with suppress(Exception):  # the job goes on even if its future cannot say
                if not self._begun and future.inner is not None and future.inner.running():
                    self._begins(future)

    def _begins(self, future: _Submitted) -> None:
        if not self._begun:
            self._begun = True
            future.control.report_status(JobStatus.VALIDATING)
            future.control.report_status(JobStatus.RUNNING)


def _error_of(future: Future[Any]) -> BaseException | None:
    try:
        return future.exception()
    except CancelledError:
        return TaskCancelledError(
            "the executor dropped the task: it was shut down, or lost its workers"
        )
