"""A job that is made of tasks, which run on Simquay's own workers or on an executor of the user's.

One daemon thread drives the job: it submits the tasks, waits for them, and joins their answers. So
``run`` never waits for an executor whose ``submit`` blocks, and the executor's threads, which call
back when a task has ended, are not held up.
"""

from __future__ import annotations

import itertools
import logging
import queue
import threading
import time
import weakref
from collections.abc import Mapping, Sequence
from concurrent.futures import BrokenExecutor, CancelledError, Future
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Protocol

from qiskit.providers.jobstatus import JobStatus

from simquay.control import Control
from simquay.errors import Cancelled, SimquayError
from simquay.jobs.base import BaseJob
from simquay.jobs.dispatch.launchers import Launcher, SplitTask, TaskContext
from simquay.jobs.errors import JobFailedError, detach
from simquay.jobs.timing import FIRST_LOOK, LAST_LOOK
from simquay.system.lifecycle import after_fork, before_exit

if TYPE_CHECKING:
    from qiskit.providers import BackendV2
    from qiskit.result import Result

__all__ = ["SplitJob", "SplitWork", "TaskCancelledError", "TaskEnd"]

_log = logging.getLogger(__name__)

_ATTEMPTS = 3
"""How often a task is submitted, if its executor breaks but accepts it again."""


class TaskCancelledError(SimquayError):
    """The executor dropped a task that the job did not cancel."""


@dataclass(frozen=True, slots=True)
class TaskEnd:
    """How a task ended.

    Attributes:
        answer: from the task's ``read``, or None where it failed.
        error: the task's error, detached, or None.
        attempts: how often the task was submitted.
    """

    answer: Any
    error: BaseException | None
    attempts: int


class SplitWork(Protocol):
    """The work of a split job. It holds no reference to the caller's objects."""

    @property
    def tasks(self) -> Sequence[SplitTask]:
        """The tasks, at least one. They may run in any order and side by side."""

    def result(self, job_id: str, ends: Sequence[TaskEnd], seconds: float) -> Result:
        """Join the answers of the tasks.

        Args:
            job_id: the job's.
            ends: one for each task, in the order of :attr:`tasks`.
            seconds: that the job has run.

        Raises:
            JobFailedError: where a circuit failed, as for :class:`simquay.jobs.local.Work`.
        """


class SplitJob(BaseJob):
    """A job of several tasks; ``backend.run`` makes and submits it.

    Args:
        backend: the backend that runs the job, or None.
        work: dropped when the job is final.
        launcher: submits the tasks.
        job_id: a unique id; None makes one.
        metadata: what to keep with the job.
    """

    # Defaults for an unpickled job, which is final and does no work.
    _work: SplitWork | None = None
    _launcher: Launcher | None = None
    _controls: tuple[Control, ...] = ()
    _began: float | None = None

    def __init__(
        self,
        backend: BackendV2 | None,
        work: SplitWork,
        launcher: Launcher,
        *,
        job_id: str | None = None,
        metadata: Mapping[str, Any] | None = None,
    ) -> None:
        super().__init__(backend, job_id, metadata=metadata)
        self._work = work
        self._launcher = launcher
        self._controls = tuple([Control() for _ in work.tasks])
        # A SimpleQueue: a signal handler may put into it at any moment.
        self._ended: queue.SimpleQueue[int | None] = queue.SimpleQueue()

    def _start(self) -> None:
        _remember(self)
        try:
            threading.Thread(
                target=self._drive, name=f"simquay-job-{self._job_id}", daemon=True
            ).start()
        except RuntimeError as error:  # no thread to be had, or the interpreter exits
            self._fail(f"the job could not be queued: {error}", error)

    def _stop(self, was: JobStatus) -> None:
        for control in self._controls:
            control.cancel()
        self._ended.put(None)

    def _release(self) -> None:
        self._work = None
        self._launcher = None

    def _fraction(self) -> float:
        if not self._controls:
            return self._progress
        return sum(control.fraction for control in self._controls) / len(self._controls)

    def _begin(self) -> None:
        """Note that a task begins, or has begun.

        Raises:
            Cancelled: the job is final.
        """
        if self._began is None:
            self._began = time.perf_counter()
        self._advance(JobStatus.VALIDATING)
        self._advance(JobStatus.RUNNING)
        if self.in_final_state():
            raise Cancelled("the job is over")

    def _stopped_by_itself(self, error: Cancelled) -> None:
        """Fail: the work stopped, and not because of :meth:`cancel`."""
        self._fail(f"the work stopped: {error}", error)

    def _drive(self) -> None:
        """Run the job; its own thread calls this. Raises nothing: errors fail the job."""
        work, launcher = self._work, self._launcher
        if work is None or launcher is None:
            return  # cancelled before the thread was there
        try:
            ends = _TaskDriver(self, work.tasks, launcher).ends()
            if self._status is JobStatus.QUEUED:  # no executor accepted any task
                self._begin()
            began = time.perf_counter() if self._began is None else self._began
            self._conclude(work.result(self._job_id, ends, time.perf_counter() - began))
        except JobFailedError as error:
            self._fail(error.message, error.__cause__, error.partial_result)
        except Cancelled as error:
            self._stopped_by_itself(error)  # the job is mostly CANCELLED already
        except BaseException as error:  # noqa: BLE001  # the job boundary: all failures end here
            _log.debug("job %s failed", self._job_id, exc_info=True)
            self._fail(f"{type(error).__name__}: {error}", error)


class _TaskDriver:
    """Submits the tasks of one job and waits for them.

    Invariant: a task is not submitted yet, or is in ``_open``, or has ended and is in ``_ends``.
    """

    def __init__(self, job: SplitJob, tasks: Sequence[SplitTask], launcher: Launcher) -> None:
        self._job = job
        self._tasks = tasks
        self._launcher = launcher
        self._open: dict[int, Future[Any]] = {}
        self._ends: dict[int, TaskEnd] = {}
        self._attempts = [0] * len(tasks)

    def ends(self) -> list[TaskEnd]:
        """Run all tasks; returns how they ended, in their order.

        Raises:
            Cancelled: the job was cancelled meanwhile; tasks that have not begun are withdrawn.
        """
        try:
            self._launch_all()
            self._wait()
        finally:
            for future in self._open.values():
                future.cancel()
        return [self._ends[number] for number in range(len(self._tasks))]

    def _launch_all(self) -> None:
        refused: BaseException | None = None
        for number in range(len(self._tasks)):
            self._check()
            if refused is None:
                refused = self._launch(number)
                self._look(1)
            if refused is not None:  # an executor that refuses a task refuses the rest
                self._ends[number] = TaskEnd(None, refused, self._attempts[number])

    def _launch(self, number: int) -> BaseException | None:
        """Submit a task; returns the error if the executor refuses it."""
        job = self._job
        self._attempts[number] += 1
        context = TaskContext(
            job.job_id(),
            number,
            self._attempts[number],
            job._controls[number],
            job._begin,
            job.cancel,
        )
        try:
            future = self._launcher.launch(self._tasks[number], context)
        except Exception as error:  # noqa: BLE001  # an executor is anybody's code
            return detach(error)
        self._open[number] = future
        future.add_done_callback(_Notifier(job._ended, number))
        return None

    def _wait(self) -> None:
        pause = FIRST_LOOK
        while self._open:
            try:
                number = self._job._ended.get(timeout=pause if self._must_look() else None)
            except queue.Empty:
                pause = min(2 * pause, LAST_LOOK)
                self._look(len(self._open))
                continue
            self._check()
            assert number is not None  # None comes only when the job is cancelled
            self._job._begin()
            self._finish(number, self._open.pop(number))

    def _look(self, many: int) -> None:
        """Ask the first ``many`` open futures whether a task has begun, unless tasks report it."""
        if self._must_look() and any(
            future.running() for future in itertools.islice(self._open.values(), many)
        ):
            self._job._begin()

    def _must_look(self) -> bool:
        return not self._launcher.reports_start and self._job.status() is JobStatus.QUEUED

    def _check(self) -> None:
        if self._job.in_final_state():
            raise Cancelled("the job was cancelled")

    def _finish(self, number: int, future: Future[Any]) -> None:
        """Keep the answer or the error of a task that has ended, or submit it again."""
        answer, error = None, _error_of(future)
        again = isinstance(error, BrokenExecutor) and self._attempts[number] < _ATTEMPTS
        # Most executors that broke stay broken. One that renews itself accepts the task again.
        if again and self._launch(number) is None:
            return
        if error is None:
            try:
                answer = self._tasks[number].read(future.result())
            except Exception as wrong:  # noqa: BLE001  # an executor may return anything
                error = wrong
        if error is None:
            self._job._controls[number].report(1.0)
        else:
            error = detach(error)
        self._ends[number] = TaskEnd(answer, error, self._attempts[number])


def _error_of(future: Future[Any]) -> BaseException | None:
    try:
        return future.exception()
    except CancelledError:
        return TaskCancelledError(
            "the executor dropped the task: it was shut down, or lost its workers"
        )


class _Notifier:
    """Tells a job's thread that a task has ended. It holds no reference to the job."""

    __slots__ = ("_ended", "_number")

    def __init__(self, news: queue.SimpleQueue[int | None], number: int) -> None:
        self._ended = news
        self._number = number

    def __call__(self, future: Future[Any]) -> None:
        self._ended.put(self._number)


_lock = threading.RLock()
_unfinished: weakref.WeakSet[SplitJob] = weakref.WeakSet()


def _remember(job: SplitJob) -> None:
    with _lock:
        _unfinished.add(job)


def _at_exit() -> None:
    """Cancel unfinished jobs: executors would run their queued tasks before the exit goes on."""
    with _lock:
        jobs = list(_unfinished)
    for job in jobs:
        job.cancel()


def _after_fork() -> None:
    global _lock, _unfinished
    _lock = threading.RLock()
    _unfinished = weakref.WeakSet()


after_fork(_after_fork)

before_exit(_at_exit)
