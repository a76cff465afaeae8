"""Tasks: the pieces of a job that one thread or process runs, and their futures.

A launcher takes a task and gives its future: Simquay's own threads (``threads.py``), or an executor
of the user's (``executors.py``).
"""

from __future__ import annotations

import threading
from collections.abc import Callable
from concurrent.futures import Future
from contextlib import AbstractContextManager, ExitStack, nullcontext
from dataclasses import dataclass
from typing import Any, NamedTuple, Protocol

from qiskit.providers.jobstatus import JobStatus

from simquay.control import Control
from simquay.errors import Cancelled, OutOfMemoryError
from simquay.execution.memory import Ledger, Reservation
from simquay.jobs.dispatch.queue_info import QueueInfo
from simquay.jobs.errors import detach
from simquay.jobs.timing import MEMORY_POLL

__all__ = [
    "Launcher",
    "LocalTask",
    "MemoryRequest",
    "RemoteCall",
    "Task",
    "TaskControl",
    "TaskFuture",
    "reserved",
]


class MemoryRequest(NamedTuple):
    """Memory that a task needs of a ledger's device.

    Attributes:
        ledger: the device's.
        bytes: how much.
        less: smaller amounts, falling, of which the task takes the first that the device can have
            where it never has ``bytes``. A last amount of 0 is a run without a reservation.
    """

    ledger: Ledger
    bytes: int
    less: tuple[int, ...] = ()


class RemoteCall(NamedTuple):
    """The call by which another process runs a task.

    Attributes:
        function: of a module.
        arguments: other such functions, bytes, strings and numbers. No two calls are equal, since
            an executor may answer equal ones once.
        read: gives the task's answer from the function's return value.
    """

    function: Callable[..., Any]
    arguments: tuple[Any, ...]
    read: Callable[[Any], Any]


class Task(Protocol):
    """A piece of a job. It holds no reference to the caller's objects."""

    @property
    def needs(self) -> MemoryRequest | None:
        """The memory to reserve before the task runs in this process."""

    def run(self, control: TaskControl) -> Any:
        """Run the task in this process, its memory reserved; returns its answer.

        Raises:
            JobFailedError: with a text that says what failed and why, the original error as its
                cause, and a partial result where there is one.
            Cancelled: if the control says so.
        """

    def remote(self, control: TaskControl) -> RemoteCall | None:
        """The call by which another process runs the task; None: it cannot leave this process."""
        return None


@dataclass(frozen=True, slots=True)
class LocalTask(Task):
    """A task that is a call in this process.

    Attributes:
        call: takes the task's control, and gives the answer.
        needs: the memory to reserve before.
    """

    call: Callable[[TaskControl], Any]
    needs: MemoryRequest | None = None

    def run(self, control: TaskControl) -> Any:
        """Call the function."""
        return self.call(control)


def _over() -> None:
    raise Cancelled("the job is over")


def _ignored(status: JobStatus | None = None) -> bool:
    return False


class TaskControl(Control):
    """The control of one task: its place in the job, and its links to the job.

    Attributes:
        job_id: the job's.
        number: the task's place in the job.
        attempt: 1 for the first time that it is submitted.
        refused: the errors of the amounts of memory that its device never has; see
            :class:`MemoryRequest`.
        begin: called when the task begins in this process; raises ``Cancelled`` if the job is over.
        report_status: moves the job on to a status, if that is forward.
        stop: cancels the job.
    """

    __slots__ = ("attempt", "begin", "job_id", "number", "refused", "report_status", "stop")

    def __init__(
        self,
        job_id: str = "",
        number: int = 0,
        *,
        begin: Callable[[], object] = _over,
        report_status: Callable[[JobStatus], object] = _ignored,
        stop: Callable[[], object] = _ignored,
    ) -> None:
        super().__init__()
        self.job_id = job_id
        self.number = number
        self.attempt = 1
        self.refused: list[OutOfMemoryError] = []
        self.begin = begin
        self.report_status = report_status
        self.stop = stop

    def leave(self) -> None:
        """Drop the links to the job: it is final."""
        self.begin, self.report_status, self.stop = _over, _ignored, _ignored

    def smaller(self, request: MemoryRequest, error: OutOfMemoryError) -> MemoryRequest | None:
        """The next smaller request, after the device has refused ``request`` for good.

        Returns:
            None: the task runs without memory.

        Raises:
            OutOfMemoryError: ``error``, where the task cannot do with less.
        """
        detach(error)
        self.refused.append(error)
        if not request.less:
            raise error
        most, *less = request.less
        return MemoryRequest(request.ledger, most, tuple(less)) if most else None


class TaskFuture(Future[Any]):
    """The future of a task, which it drops when the task has begun or is cancelled: a cancelled
    call may stay in an executor's queue for long.

    Args:
        task: what to run.
        control: the task's.
        withdraw: called with the future when it is cancelled.

    Attributes:
        needs: the memory that the task waits for, where its launcher queues it; less than at first
            where the device never has that.
        told: whether the log has said that it waits.
        owner: the thread that submitted it, where the interpreter waits for that: one that is
            neither a daemon nor the main thread.
    """

    needs: MemoryRequest | None = None
    told = False
    _ask: Callable[[Any], QueueInfo | None] | None = None

    def __init__(
        self, task: Task, control: TaskControl, withdraw: Callable[[Any], object] = _ignored
    ) -> None:
        super().__init__()
        self.control = control
        self.task: Task | None = task
        self._withdraw = withdraw
        thread = threading.current_thread()
        waited_for = not thread.daemon and thread is not threading.main_thread()
        self.owner = thread if waited_for else None

    def explained_by(self, ask: Callable[[Any], QueueInfo | None]) -> None:
        """``ask(future)`` says why it waits, or gives None where it does not."""
        self._ask = ask

    def queue_info(self) -> QueueInfo | None:
        """Why the task waits; None where it does not, or where its executor does not say."""
        return None if self._ask is None else self._ask(self)

    def outlives_main(self) -> bool:
        """Whether the task goes on after the main thread's end: its owner does."""
        return self.owner is not None and self.owner.is_alive()

    def cancel(self) -> bool:
        """Cancel the task, unless it runs or has ended; returns whether it is cancelled."""
        cancelled = super().cancel()
        if cancelled:
            self.task = None
            self._withdraw(self)
        return cancelled

    def call(self) -> Any:
        """Run the task in this thread, its memory reserved; gives what the task gives."""
        task, self.task = self.task, None
        if task is None:
            raise Cancelled("the job is over")
        self.control.begin()
        return task.run(self.control)

    def call_when_free(self) -> Any:
        """Wait for the task's memory in this thread, then run the task."""
        # A cancelled task is gone: call() says so.
        with reserved(getattr(self.task, "needs", None), self.control):
            return self.call()

    def fail(self, error: BaseException) -> None:
        """Set ``error`` for a task that is not run, unless the future is cancelled."""
        if self.set_running_or_notify_cancel():
            self.set_exception(detach(error))

    def settle(self, call: Callable[[], Any]) -> None:
        """Set the answer or the error of ``call()``, unless the future is cancelled; raises
        nothing."""
        if not self.set_running_or_notify_cancel():
            return
        try:
            answer = call()
        except BaseException as error:  # noqa: BLE001  # the job gets the error from the future
            self.set_exception(detach(error))
        else:
            self.set_result(answer)


class Launcher(Protocol):
    """Gives each task a thread or a process."""

    def launch(self, task: Task, control: TaskControl) -> Future[Any]:
        """Run ``task`` soon; the future gets its answer or its error, detached. Does not block.

        Raises:
            RuntimeError: if the interpreter is exiting, or no thread can be started.
        """


def reserved(
    request: MemoryRequest | None, control: TaskControl
) -> AbstractContextManager[Reservation | None]:
    """Wait for the memory in this thread, and reserve it until the ``with`` block ends.

    Raises:
        OutOfMemoryError: if the device will never have it.
        Cancelled: if the control says so.
    """
    if request is None:
        return nullcontext()
    try:
        return _reserve(request, control)
    except OutOfMemoryError as error:
        smaller = control.smaller(request, error)
    return reserved(smaller, control)


def _reserve(request: MemoryRequest, control: TaskControl) -> Reservation:
    ledger = request.ledger
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
