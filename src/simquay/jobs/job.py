"""The job that does work: tasks, a launcher, and a function that joins the tasks' answers."""

from __future__ import annotations

import logging
import threading
import time
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import Future
from functools import partial
from typing import TYPE_CHECKING, Any, NamedTuple

from qiskit.providers.jobstatus import JobStatus

from simquay.errors import Cancelled
from simquay.jobs.base import BaseJob
from simquay.jobs.dispatch.queue_info import QueueInfo
from simquay.jobs.dispatch.tasks import Launcher, Task, TaskControl, TaskFuture
from simquay.jobs.errors import JobFailedError, described, detach
from simquay.system.starting import start_thread

if TYPE_CHECKING:
    from qiskit.providers import BackendV2

__all__ = ["Job", "Join", "TaskEnd", "only_answer"]

_log = logging.getLogger(__name__)


class TaskEnd(NamedTuple):
    """How a task ended: its answer, or its error, detached; how often it was submitted; and its
    control, which says whether the job was cancelled since."""

    answer: Any
    error: BaseException | None
    attempts: int
    control: TaskControl


Join = Callable[[Sequence[TaskEnd], str, float], Any]
"""Gives the job's result from the ends of its tasks in order, the job's id, and the seconds that
it has run. Raises ``JobFailedError`` where a circuit failed."""


def only_answer(ends: Sequence[TaskEnd], job_id: str, seconds: float) -> Any:
    """Join the answer of one task: it is the result."""
    (end,) = ends
    if end.error is not None:
        raise end.error
    return end.answer


class Job(BaseJob):
    """A job of one task or more; ``backend.run`` makes and submits it.

    It has no thread: the thread in which its last task ends joins the answers. Where all tasks of a
    split job end before its start does, a new thread joins them.

    Args:
        backend: the backend that runs the job, or None.
        tasks: dropped when the job is final and the work has stopped.
        launcher: gives each task a thread or a process; None where there is no task.
        join: makes the job's result; by default the answer of the only task.
        job_id: a unique id; None makes one.
        metadata: what to keep with the job.
    """

    _controls: Sequence[TaskControl] = ()  # as an unpickled job has, which does no work
    _futures: Sequence[Future[Any]] = ()
    _open = 0
    _starter: int | None = None  # the thread that is starting the tasks of a split job

    def __init__(
        self,
        backend: BackendV2 | None,
        tasks: Sequence[Task],
        launcher: Launcher | None,
        join: Join = only_answer,
        *,
        job_id: str | None = None,
        metadata: Mapping[str, Any] | None = None,
    ) -> None:
        super().__init__(backend, job_id, metadata=metadata)
        self._tasks = tasks
        self._launcher = launcher
        self._join: Join | None = join
        self._controls = [
            TaskControl(
                self._job_id,
                number,
                begin=self._begin,
                report_status=self._advance,
                stop=self.cancel,
            )
            for number in range(len(tasks))
        ]

    def _start(self) -> None:
        tasks, launcher, self._tasks = self._tasks, self._launcher, ()
        if launcher is None:
            return  # a signal handler has cancelled the job already
        self._open = len(tasks)
        futures: list[Future[Any]] = []
        try:
            for task, control in zip(tasks, self._controls, strict=True):
                futures.append(launcher.launch(task, control))
        except Exception as error:  # noqa: BLE001  # the job boundary: no thread, or any other cause
            self._fail(f"the job could not be queued: {described(error)}", error)
        self._futures = futures  # those that were launched are stopped below
        self._starter = threading.get_ident() if len(futures) > 1 else None
        for number, future in enumerate(futures):
            future.add_done_callback(
                self._task_ended if self.keeper is None else partial(self._kept_end, number)
            )
        self._starter = None
        if self.in_final_state():
            self._stop(self._status)

    def _stop(self, was: JobStatus) -> None:
        for control in self._controls:
            control.cancel()
        futures, self._futures = self._futures, ()
        for future in futures:
            future.cancel()

    def _release(self) -> None:
        self._tasks, self._launcher, self._join = (), None, None
        for control in self._controls:
            control.leave()  # without this, a job would be a cycle

    @property
    def tasks(self) -> int:
        """How many tasks the job has; 0 once it is unpickled."""
        return len(self._controls)

    def _fraction(self) -> float:
        controls = self._controls
        if not controls:
            return self._progress
        return sum(control.fraction for control in controls) / len(controls)

    def queue_info(self) -> QueueInfo | None:
        """See :meth:`BaseJob.queue_info`."""
        if self._status is not JobStatus.QUEUED:
            return None
        infos = (future.queue_info() for future in self._futures if isinstance(future, TaskFuture))
        return next((info for info in infos if info is not None), None)

    def _begin(self) -> None:
        """Move on to ``RUNNING``: a task begins.

        Raises:
            Cancelled: the job is final.
        """
        with self._lock:
            if self._status in (JobStatus.QUEUED, JobStatus.VALIDATING):
                self._began = time.perf_counter()
                self._enter(JobStatus.VALIDATING)
                self._enter(JobStatus.RUNNING)
            elif self._status is not JobStatus.RUNNING:
                raise Cancelled("the job is over")

    def _stopped_by_itself(self, error: Cancelled) -> None:
        """Fail: the work stopped, and not because of :meth:`cancel`."""
        self._fail(f"the work stopped: {error}", error)

    def _kept_end(self, number: int, future: Future[Any]) -> None:
        """As :meth:`_task_ended`; before that, the answer is kept, unless the job is final."""
        keeper = self.keeper
        if keeper is not None and not future.cancelled() and future.exception() is None:
            keeper.task_ended(number, future.result())
        self._task_ended(future)

    def _task_ended(self, future: Future[Any]) -> None:
        """Conclude the job if it was the last task; the callback of each task's future."""
        with self._lock:
            self._open -= 1
            join = None if self._open else self._join  # which a final job has no more
        if join is None:
            return
        if self._starter == threading.get_ident():
            # All tasks have ended already: ``run`` is not to wait until their answers are joined.
            try:
                start_thread(
                    threading.Thread(
                        target=self._join_answers,
                        args=(join,),
                        name=f"simquay-join-{self._job_id}",
                        daemon=True,
                    )
                )
                return
            except RuntimeError:  # refused: then it waits
                _log.debug("job %s is joined in the thread that runs it", self._job_id)
        self._join_answers(join)

    def _join_answers(self, join: Join) -> None:
        """Conclude the job with the answers of its tasks."""
        try:
            ends = [*map(_end_of, self._futures, self._controls)]
            if self._status is not JobStatus.RUNNING:  # no task could say that it began
                Job._begin(self)
            self._conclude(join(ends, self._job_id, time.perf_counter() - self._began))
        except JobFailedError as error:
            self._fail(error.message, error.__cause__, error.partial_result)
        except Cancelled as error:
            # Mostly the job is CANCELLED already. If not, the work stopped by itself.
            self._stopped_by_itself(error)
            detach(error)  # also where the job did not take it: see _end_of
        except BaseException as error:  # noqa: BLE001  # the job boundary: all failures end here
            _log.debug("job %s failed", self._job_id, exc_info=True)
            self._fail(described(error), error)
        self._futures = ()


def _end_of(future: Future[Any], control: TaskControl) -> TaskEnd:
    """How a task ended.

    Raises:
        Cancelled: it stopped, and so the job stops.
    """
    try:
        return TaskEnd(future.result(), None, control.attempt, control)
    except Cancelled:
        raise
    except BaseException as error:  # noqa: BLE001  # the task's error, which the job joins
        # Without the traceback: its frames would hold the future, and so the error itself.
        return TaskEnd(None, error.with_traceback(None), control.attempt, control)
