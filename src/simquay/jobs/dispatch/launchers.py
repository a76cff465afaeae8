"""Launchers submit the tasks of a split job, and return a future for each.

- :class:`PoolLauncher`: to Simquay's own worker threads.
- :class:`ThreadLauncher`: to threads of an executor of the user's. Nothing is copied.
- :class:`ExecutorLauncher`: to any other executor. Its workers may be anywhere: they get bytes, and
  functions of modules, by their names.
"""

from __future__ import annotations

import concurrent.futures
import threading
import weakref
from collections.abc import Callable
from concurrent.futures import Executor, Future, ThreadPoolExecutor
from contextlib import ExitStack
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Protocol

from simquay.control import Control
from simquay.errors import Cancelled, OutOfMemoryError
from simquay.jobs.dispatch.threads import MemoryRequest, WorkerPool
from simquay.jobs.errors import detach
from simquay.jobs.timing import MEMORY_POLL

if TYPE_CHECKING:
    from simquay.execution.memory import Reservation

__all__ = [
    "ExecutorLauncher",
    "Launcher",
    "PoolLauncher",
    "SplitTask",
    "TaskContext",
    "ThreadLauncher",
    "launcher_for",
    "run_when_memory_is_free",
    "same_process",
]


class RunnableTask(Protocol):
    """A task that can run in this process."""

    @property
    def memory(self) -> MemoryRequest | None:
        """The memory to reserve before the task runs."""

    def refuse(self, error: OutOfMemoryError) -> bool:
        """Note that the device never has the memory asked for.

        Returns:
            Whether work is left that needs less, for which :attr:`memory` then asks.
        """

    def run(self, control: Control) -> Any:
        """Run the task; returns the answer.

        Raises:
            Cancelled: if the control says so.
        """


class SplitTask(RunnableTask, Protocol):
    """A part of a split job."""

    def request(self, context: TaskContext) -> tuple[Callable[..., Any], tuple[Any, ...]]:
        """The call that another process makes to run the task.

        Returns:
            A function of a module, and its arguments: other such functions, bytes, strings and
            numbers. No two requests are equal, since an executor may answer equal ones once.
        """

    def read(self, answer: Any) -> Any:
        """The answer, from the return value of :meth:`run` or of the called function."""


@dataclass(frozen=True, slots=True)
class TaskContext:
    """A task's place in its job, and its links to the job.

    Attributes:
        job_id: the job's.
        number: the task's place in the job.
        attempt: 1 for the first time that it is submitted.
        control: the task's; cancelled with the job.
        begin: to call when it begins, in this process; raises ``Cancelled`` if the job is over.
        cancel: cancels the job.
    """

    job_id: str
    number: int
    attempt: int
    control: Control
    begin: Callable[[], None]
    cancel: Callable[[], object]


class Launcher(Protocol):
    """Submits tasks."""

    @property
    def reports_start(self) -> bool:
        """Whether each task calls its context's ``begin``; other processes cannot."""

    def launch(self, task: SplitTask, context: TaskContext) -> Future[Any]:
        """Submit ``task``; the future gets the return value, or an error. May block.

        Raises:
            Exception: the task is refused; an executor may raise anything.
        """


class _CallOnce:
    """A call of a task in this process. It drops the task when the call is over or cancelled, since
    a cancelled call may stay in an executor's queue for long."""

    def __init__(self, task: SplitTask, context: TaskContext, run: Callable[..., Any]) -> None:
        self._todo: tuple[SplitTask, TaskContext] | None = (task, context)
        self._run = run

    def __call__(self) -> Any:
        todo, self._todo = self._todo, None
        if todo is None:
            raise Cancelled("the job is over")
        task, context = todo
        return self._run(task, context.control, context.begin)

    def drop(self, future: Future[Any]) -> None:
        """Drop the task; a done callback of the call's future."""
        self._todo = None


class ThreadLauncher:
    """Submits tasks to the threads of ``executor``."""

    reports_start = True

    def __init__(self, executor: Executor) -> None:
        self._executor = executor

    def launch(self, task: SplitTask, context: TaskContext) -> Future[Any]:
        """Submit ``task``; it waits for its memory in a thread of the executor."""
        call = _CallOnce(task, context, run_when_memory_is_free)
        future = self._executor.submit(call)
        future.add_done_callback(call.drop)
        return future


class ExecutorLauncher:
    """Submits tasks to ``executor``, whose workers may be other processes and machines."""

    reports_start = False

    def __init__(self, executor: Executor) -> None:
        self._executor = executor

    def launch(self, task: SplitTask, context: TaskContext) -> Future[Any]:
        """Submit the request of ``task``."""
        function, arguments = task.request(context)
        return self._executor.submit(function, *arguments)


class PoolLauncher:
    """Submits tasks to Simquay's own worker threads."""

    reports_start = True

    def __init__(self, pool: WorkerPool) -> None:
        self._pool = pool

    def launch(self, task: SplitTask, context: TaskContext) -> Future[Any]:
        """Queue ``task``."""
        queued = _PoolTask(self._pool, task, context)
        self._pool.submit(queued)
        return queued.future


class _PoolTask:
    """A task as the worker pool takes it. Its future has a weak reference to it: no cycle."""

    def __init__(self, pool: WorkerPool, task: SplitTask, context: TaskContext) -> None:
        self.future = _CancellableFuture(pool, weakref.ref(self))
        self.memory = task.memory
        self._pool = pool
        self._task = task
        self._cancel = context.cancel
        self._call = _CallOnce(task, context, _run_now)

    def run(self, reservation: Reservation | None) -> None:
        """Run the task, unless its future is cancelled; its answer or error goes to the future."""
        if not self.future.set_running_or_notify_cancel():
            return
        try:
            answer = self._call()
        except BaseException as error:  # noqa: BLE001  # the job gets the error from the future
            self.future.set_exception(detach(error))
        else:
            self.future.set_result(answer)

    def refuse(self, error: OutOfMemoryError) -> None:
        """Queue the task again if work is left that needs less memory; else run it: it fails."""
        more = self._task.refuse(error)
        self.memory = self._task.memory
        if not more:
            self.run(None)
            return
        try:
            self._pool.submit(self)
        except RuntimeError as wrong:  # the interpreter exits
            if self.future.set_running_or_notify_cancel():
                self.future.set_exception(wrong)

    def stop(self) -> None:
        """Cancel the job: the interpreter exits."""
        self._cancel()


class _CancellableFuture(Future[Any]):
    """A future whose ``cancel`` takes its task out of the pool's queue."""

    def __init__(self, pool: WorkerPool, task: weakref.ref[_PoolTask]) -> None:
        super().__init__()
        self._pool = pool
        self._task = task

    def cancel(self) -> bool:
        """Cancel the task, unless it runs or has ended; returns whether it is cancelled."""
        cancelled = super().cancel()
        task = self._task()
        if cancelled and task is not None:
            self._pool.discard(task)
        return cancelled


def launcher_for(executor: Executor | None, pool: WorkerPool) -> Launcher:
    """The launcher for an executor of the user's, or for Simquay's own workers."""
    if executor is None:
        return PoolLauncher(pool)
    return ThreadLauncher(executor) if same_process(executor) else ExecutorLauncher(executor)


def same_process(executor: Executor) -> bool:
    """Whether ``executor`` is known to work in this very interpreter."""
    elsewhere = getattr(concurrent.futures, "InterpreterPoolExecutor", ())  # Python 3.14
    return isinstance(executor, ThreadPoolExecutor) and not isinstance(executor, elsewhere)


def _run_now(task: RunnableTask, control: Control, begin: Callable[[], None]) -> Any:
    begin()
    return task.run(control)


def run_when_memory_is_free(
    task: RunnableTask, control: Control, begin: Callable[[], None] | None = None
) -> Any:
    """Wait for the task's memory in this thread, reserve it, and run the task.

    Args:
        task: what to run.
        control: checked while waiting, too.
        begin: called when the wait is over.

    Raises:
        Cancelled: if the control says so.
    """
    while (request := task.memory) is not None:
        try:
            reservation = _reserve(request, control)
        except OutOfMemoryError as error:
            task.refuse(error)
            continue
        with reservation:
            if begin is not None:
                begin()
            return task.run(control)
    if begin is not None:
        begin()
    return task.run(control)


def _reserve(request: MemoryRequest, control: Control) -> Reservation:
    """The memory, as soon as it is free.

    Raises:
        OutOfMemoryError: if the device will never have it.
        Cancelled: if the control says so.
    """
    ledger = request.ledger
    reservation = ledger.try_reserve(request.bytes)
    if reservation is not None:
        return reservation
    changed = threading.Event()
    with ExitStack() as stack:
        stack.callback(ledger.on_release(changed.set))
        stack.callback(control.on_cancel(changed.set))
        while True:
            changed.clear()  # before looking, so that no later change is missed
            control.check()
            reservation = ledger.try_reserve(request.bytes)
            if reservation is not None:
                return reservation
            changed.wait(MEMORY_POLL)
