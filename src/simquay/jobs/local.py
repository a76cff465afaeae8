"""The job of Simquay's own engines: work in this process, on Simquay's worker threads."""

from __future__ import annotations

import logging
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, Protocol

from qiskit.providers.jobstatus import JobStatus

from simquay.control import Control
from simquay.errors import Cancelled
from simquay.jobs.base import BaseJob
from simquay.jobs.errors import JobFailedError

if TYPE_CHECKING:
    from qiskit.providers import BackendV2
    from qiskit.result import Result

    from simquay.errors import OutOfMemoryError
    from simquay.execution.memory import Reservation
    from simquay.jobs.dispatch.threads import Dispatcher, MemoryRequest

__all__ = ["LocalJob", "Work"]

_log = logging.getLogger(__name__)


class Work(Protocol):
    """What a local job does. It is plain data of its own: no reference to the caller's objects."""

    @property
    def memory(self) -> MemoryRequest | None:
        """What must be reserved before it may run."""

    def refuse(self, error: OutOfMemoryError) -> bool:
        """The memory asked for can never be had. Returns whether there is work left to do with
        less, for which :attr:`memory` then asks."""

    def run(self, job_id: str, control: Control) -> Result:
        """Do it: check ``control`` between steps, report progress to it.

        Raises:
            JobFailedError: with a text that says which circuit failed and why, the original error
                as its cause, and a partial result where there is one.
            Cancelled: if the control says so.
        """


class LocalJob(BaseJob):
    """A job that runs on Simquay's worker threads; ``backend.run`` makes and submits it.

    Args:
        backend: the backend that runs the job, or None.
        work: what to do; let go of when the job is final and the work has stopped.
        dispatcher: gives the work a thread.
        job_id: a unique id; None makes one.
        metadata: what to keep with the job.
    """

    # What an unpickled job has, which is final and does no work.
    _work: Work | None = None
    _memory: MemoryRequest | None = None
    _control: Control | None = None
    _dispatcher: Dispatcher | None = None
    _task: _LocalTask | None = None

    def __init__(
        self,
        backend: BackendV2 | None,
        work: Work,
        dispatcher: Dispatcher,
        *,
        job_id: str | None = None,
        metadata: Mapping[str, Any] | None = None,
    ) -> None:
        super().__init__(backend, job_id, metadata=metadata)
        self._work = work
        self._memory = work.memory
        self._control = Control()
        self._dispatcher = dispatcher
        self._task = _LocalTask(self)

    def _start(self) -> None:
        task, dispatcher = self._task, self._dispatcher
        if task is None or dispatcher is None:
            return  # another thread has cancelled the job by now
        try:
            dispatcher.submit(task)
        except RuntimeError as error:  # no thread to be had, or the interpreter exits
            self._fail(f"the job could not be queued: {error}", error)

    def _stop(self, was: JobStatus) -> None:
        if self._control is not None:
            self._control.cancel()
        task, self._task = self._task, None
        if was is JobStatus.QUEUED and task is not None and self._dispatcher is not None:
            self._dispatcher.discard(task)

    def _release(self) -> None:
        self._work = None

    def _fraction(self) -> float:
        return self._progress if self._control is None else self._control.fraction

    def _run(self) -> None:
        """Do the work; a worker calls this, once. Whatever goes wrong ends in the job's state."""
        self._task = None  # the task refers to the job: without this, a job would be a cycle
        work, control = self._work, self._control
        if work is None or control is None or not self._advance(JobStatus.VALIDATING):
            return  # cancelled while it waited
        try:
            if self._advance(JobStatus.RUNNING):
                self._conclude(work.run(self._job_id, control))
        except JobFailedError as error:
            self._fail(error.message, error.__cause__, error.partial_result)
        except Cancelled as error:
            # Mostly the job is CANCELLED already. If not, something else stopped the work.
            self._fail(f"the work stopped: {error}", error)
        except BaseException as error:  # noqa: BLE001  # the job boundary: all failures end here
            _log.debug("job %s failed", self._job_id, exc_info=True)
            self._fail(f"{type(error).__name__}: {error}", error)

    def _refuse(self, error: OutOfMemoryError) -> None:
        """The device has not the memory that the job asks for; a worker calls this."""
        work = self._work
        if work is None:
            return  # cancelled while it waited
        if work.refuse(error):
            self._memory = work.memory
            self._start()
        else:
            self._run()  # it says what failed


class _LocalTask:
    """What the worker pool sees of a local job."""

    __slots__ = ("_job",)

    def __init__(self, job: LocalJob) -> None:
        self._job = job

    @property
    def memory(self) -> MemoryRequest | None:
        """What to reserve before the job starts."""
        return self._job._memory

    def run(self, reservation: Reservation | None) -> None:
        """Do the job's work."""
        self._job._run()

    def refuse(self, error: OutOfMemoryError) -> None:
        """The memory cannot be had."""
        self._job._refuse(error)

    def stop(self) -> None:
        """The interpreter exits."""
        self._job.cancel()
