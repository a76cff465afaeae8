"""How a task of a split job gets to where it runs.

- :class:`PoolLauncher`: Simquay's own worker threads.
- :class:`ThreadLauncher`: threads of an executor of the user's; same process, so nothing is copied.
- :class:`ExecutorLauncher`: any other executor. Its workers may be anywhere: they get a module's
  function by name, and bytes.
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
from simquay.jobs.dispatch.threads import MEMORY_POLL, MemoryRequest, WorkerPool
from simquay.jobs.errors import detach

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
    """What runs in this process."""

    @property
    def memory(self) -> MemoryRequest | None:
        """What must be reserved before it may run."""

    def refuse(self, error: OutOfMemoryError) -> bool:
        """The memory asked for can never be had. Returns whether there is work left to do with
        less, for which :attr:`memory` then asks."""

    def run(self, control: Control) -> Any:
        """Do it; returns the answer.

        Raises:
            Cancelled: if the control says so.
        """


class SplitTask(RunnableTask, Protocol):
    """A part of a split job."""

    def request(self, context: TaskContext) -> tuple[Callable[..., Any], tuple[Any, ...]]:
        """What another process is to call: a module's function, and plain arguments (bytes,
        strings, numbers). No two requests are equal: an executor may give one answer to both."""

    def read(self, answer: Any) -> Any:
        """The answer, from what :meth:`run` or the called function gave."""


@dataclass(frozen=True, slots=True)
class TaskContext:
    """What a launcher needs to know of a task beside the task.

    Attributes:
        job_id: the job's.
        number: the task's place in the job.
        attempt: 1 for the first time that it is handed out.
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
    """Hands out tasks."""

    @property
    def tells(self) -> bool:
        """Whether each task calls its context's ``begin``; other processes cannot."""

    def launch(self, task: SplitTask, context: TaskContext) -> Future[Any]:
        """Hand ``task`` out; its future has the answer, or an error. May block.

        Raises:
            Exception: where the task is not taken; an executor may raise anything.
        """


class _Call:
    """A task to be called once in this process. It lets go of the task when it is over: a
    cancelled call may stay in an executor's queue for long."""

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
        """Nobody waits for it any more."""
        self._todo = None


class ThreadLauncher:
    """Hands tasks to the threads of ``executor``."""

    tells = True

    def __init__(self, executor: Executor) -> None:
        self._executor = executor

    def launch(self, task: SplitTask, context: TaskContext) -> Future[Any]:
        """Submit it."""
        call = _Call(task, context, run_when_memory_is_free)
        future = self._executor.submit(call)
        future.add_done_callback(call.drop)
        return future


class ExecutorLauncher:
    """Hands tasks to ``executor``, whose workers may be other processes and machines."""

    tells = False

    def __init__(self, executor: Executor) -> None:
        self._executor = executor

    def launch(self, task: SplitTask, context: TaskContext) -> Future[Any]:
        """Submit what the task asks of another process."""
        function, arguments = task.request(context)
        return self._executor.submit(function, *arguments)


class PoolLauncher:
    """Hands tasks to Simquay's own worker threads."""

    tells = True

    def __init__(self, pool: WorkerPool) -> None:
        self._pool = pool

    def launch(self, task: SplitTask, context: TaskContext) -> Future[Any]:
        """Queue it."""
        queued = _PoolTask(self._pool, task, context)
        self._pool.submit(queued)
        return queued.future


class _PoolTask:
    """What the worker pool sees of a task. Its future does not hold it: no reference cycle."""

    def __init__(self, pool: WorkerPool, task: SplitTask, context: TaskContext) -> None:
        self.future = _CancellableFuture(pool, weakref.ref(self))
        self.memory = task.memory
        self._pool = pool
        self._task = task
        self._cancel = context.cancel
        self._call = _Call(task, context, _run_now)

    def run(self, reservation: Reservation | None) -> None:
        """Do it."""
        if not self.future.set_running_or_notify_cancel():
            return
        try:
            answer = self._call()
        except BaseException as error:  # noqa: BLE001  # whatever it is, the job hears of it
            self.future.set_exception(detach(error))
        else:
            self.future.set_result(answer)

    def refuse(self, error: OutOfMemoryError) -> None:
        """The memory cannot be had: go on with what needs less, or have the task say so."""
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
        """The interpreter exits."""
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
