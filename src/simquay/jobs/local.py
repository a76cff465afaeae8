"""The job of Simquay's engines: work in this process, on Simquay's worker threads."""

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
    """The work of a local job. It holds no reference to the caller's objects."""

    @property
    def memory(self) -> MemoryRequest | None:
        """The memory to reserve before the work runs."""

    def refuse(self, error: OutOfMemoryError) -> bool:
        """Note that the device never has the memory asked for.

        Returns:
            Whether work is left that needs less, for which :attr:`memory` then asks.
        """

    def run(self, job_id: str, control: Control) -> Result:
        """Run the circuits. Checks ``control`` between steps, and reports progress to it.

        Raises:
            JobFailedError: with a text that says which circuit failed and why, the original error
                as its cause, and a partial result where there is one.
            Cancelled: if the control says so.
        """


class LocalJob(BaseJob):
    """A job that runs on Simquay's worker threads; ``backend.run`` makes and submits it.

    Args:
        backend: the backend that runs the job, or None.
        work: dropped when the job is final and the work has stopped.
        dispatcher: gives the work a thread.
        job_id: a unique id; None makes one.
        metadata: what to keep with the job.
    """

    # Defaults for an unpickled job, which is final and does no work.
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
            return  # another thread has cancelled the job already
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
        """Do the work; a worker thread calls this, once. Raises nothing: errors fail the job."""
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
            # Mostly the job is CANCELLED already. If not, the work stopped by itself.
            self._fail(f"the work stopped: {error}", error)
        except BaseException as error:  # noqa: BLE001  # the job boundary: all failures end here
            _log.debug("job %s failed", self._job_id, exc_info=True)
            self._fail(f"{type(error).__name__}: {error}", error)

    def _refuse(self, error: OutOfMemoryError) -> None:
        """Ask for less memory, or run the work so that it fails; a worker thread calls this.

        The device never has the memory that the job asked for.
        """
        work = self._work
        if work is None:
            return  # cancelled while it waited
        if work.refuse(error):
            self._memory = work.memory
            self._start()
        else:
            self._run()  # it fails, and the error names the circuit


class _LocalTask:
    """A local job as a :class:`~simquay.jobs.dispatch.threads.Task`."""

    __slots__ = ("_job",)

    def __init__(self, job: LocalJob) -> None:
        self._job = job

    @property
    def memory(self) -> MemoryRequest | None:
        """The memory to reserve before the job starts."""
        return self._job._memory

    def run(self, reservation: Reservation | None) -> None:
        """Do the job's work."""
        self._job._run()

    def refuse(self, error: OutOfMemoryError) -> None:
        """Have the job ask for less, or fail."""
        self._job._refuse(error)

    def stop(self) -> None:
        """Cancel the job: the interpreter exits."""
        self._job.cancel()
