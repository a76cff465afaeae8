"""Jobs for runs on foreign backends: in a worker process, or in a thread."""

from __future__ import annotations

import logging
from collections.abc import Callable, Mapping, Sequence
from typing import TYPE_CHECKING, Any, Protocol, cast

from qiskit.providers.jobstatus import JobStatus

from simquay.control import Control
from simquay.errors import Cancelled
from simquay.jobs.dispatch.thread_per_task import thread_per_task
from simquay.jobs.errors import JobFailedError
from simquay.jobs.external.backend_pool import BackendPool
from simquay.jobs.external.circuits import run_circuits
from simquay.jobs.external.watch import Ended, foreign_result
from simquay.jobs.local import LocalJob
from simquay.jobs.split import SplitJob
from simquay.jobs.timing import GRACE
from simquay.jobs.workers.pool import ProcessPool
from simquay.jobs.workers.source import BackendSource

if TYPE_CHECKING:
    from qiskit import QuantumCircuit
    from qiskit.providers import BackendV2
    from qiskit.result import Result

    from simquay.errors import OutOfMemoryError
    from simquay.jobs.dispatch.threads import MemoryRequest

__all__ = ["AdaptedJob", "AdaptedTaskJob", "ProcessWork", "ThreadWork", "adapt_job"]

_log = logging.getLogger(__name__)

Report = Callable[[JobStatus], object]
Finish = Callable[["Result", str], "Result"]


class ForeignWork(Protocol):
    """The work of an adapted job, which also reports the foreign job's status."""

    @property
    def memory(self) -> MemoryRequest | None:
        """What must be reserved before it may run."""

    def run(self, job_id: str, control: Control, report: Report) -> Result:
        """Run the circuits; raises what :meth:`simquay.jobs.local.Work.run` raises.

        Args:
            job_id: the job's.
            control: as for any work.
            report: called with each new status of the foreign job.
        """


class AdaptedJob(LocalJob):
    """A job whose work is a run on a foreign backend.

    Its status follows the foreign job's: while that waits in the foreign queue, this is ``QUEUED``.
    """

    def _run(self) -> None:
        self._task = None
        work, control = cast("ForeignWork | None", self._work), self._control
        if work is None or control is None:
            return  # cancelled while it waited
        try:
            result = work.run(self._job_id, control, self._advance)
            self._advance(JobStatus.VALIDATING)
            self._advance(JobStatus.RUNNING)
            self._conclude(result)
        except JobFailedError as error:
            self._fail(error.message, error.__cause__, error.partial_result)
        except Cancelled:
            self._advance(JobStatus.CANCELLED)  # it mostly is; if not, the backend cancelled it
        except BaseException as error:  # noqa: BLE001  # the job boundary: all failures end here
            _log.debug("job %s failed", self._job_id, exc_info=True)
            self._fail(f"{type(error).__name__}: {error}", error)


class AdaptedTaskJob(SplitJob):
    """A job whose work is a run on a foreign backend, as one task on an executor of the user's."""

    def _stopped_by_itself(self, error: Cancelled) -> None:
        """The backend cancelled the run."""
        self._advance(JobStatus.CANCELLED)


class _EstimatedWork:
    """Base of foreign work, which can do without the memory that it asks for.

    Attributes:
        memory: what is reserved while it runs; None where that is not known.
    """

    memory: MemoryRequest | None = None

    def refuse(self, error: OutOfMemoryError) -> bool:
        """Run without a reservation.

        The device never has the memory asked for. That is an estimate: the backend may take less,
        and otherwise fails with an error of its own.
        """
        self.memory = None
        return True


def _finish_partial(error: JobFailedError, finish: Finish, job_id: str) -> None:
    if error.partial_result is not None:
        error.partial_result = finish(error.partial_result, job_id)


# --- in a worker process --------------------------------------------------------------------------


class ProcessWork(_EstimatedWork):
    """A run in a worker process, which is killed to cancel it.

    Args:
        workers: where to get the worker from.
        source: of the backend.
        body: the circuits and the options, pickled.
        finish: gives the result as it is handed out, from the foreign one (or that of the circuits
            that succeeded) and the job's id.
        memory: what to reserve while it runs, or None.
    """

    def __init__(
        self,
        workers: ProcessPool,
        source: BackendSource,
        body: bytes,
        finish: Finish,
        memory: MemoryRequest | None = None,
    ) -> None:
        self.memory = memory
        self._workers = workers
        self._source = source
        self._body = body
        self._finish = finish

    def run(self, job_id: str, control: Control, report: Report = lambda status: None) -> Result:
        """Run the circuits in a worker; see :class:`ForeignWork`."""
        try:
            return self._finish(
                self._workers.run(self._source, self._body, control.check, report), job_id
            )
        except JobFailedError as error:
            _finish_partial(error, self._finish, job_id)
            raise


# --- in a thread ----------------------------------------------------------------------------------


class ThreadWork(_EstimatedWork):
    """A run in a thread of this process. Cancelling it asks the foreign job to cancel.

    Args:
        backends: the backend objects.
        circuits: copies of the caller's.
        options: for ``backend.run``.
        finish: gives the result as it is handed out, from the foreign one (or that of the circuits
            that succeeded) and the job's id.
        memory: what to reserve while it runs, or None.
    """

    def __init__(
        self,
        backends: BackendPool,
        circuits: Sequence[QuantumCircuit],
        options: Mapping[str, Any],
        finish: Finish,
        memory: MemoryRequest | None = None,
    ) -> None:
        self.memory = memory
        self._backends = backends
        self._circuits = circuits
        self._options = options
        self._finish = finish

    def run(self, job_id: str, control: Control, report: Report = lambda status: None) -> Result:
        """Run the circuits in threads of this process; see :class:`ForeignWork`."""
        lease = self._backends.lease(control)

        def attempt(start: Callable[[], Any]) -> Ended:
            over = lease.hold()
            return foreign_result(start, check=control.check, report=report, grace=GRACE, over=over)

        try:
            result = run_circuits(
                lease.backend, self._circuits, self._options, attempt=attempt, again=False
            )
            return self._finish(result, job_id)
        except JobFailedError as error:
            _finish_partial(error, self._finish, job_id)
            raise
        finally:
            lease.release()


# --- a job that exists ----------------------------------------------------------------------------


class _ExistingJob(_EstimatedWork):
    """The work of waiting for a foreign job."""

    def __init__(self, job: Any) -> None:
        self._job = job

    def run(self, job_id: str, control: Control, report: Report = lambda status: None) -> Result:
        """Wait for the job; see :class:`ForeignWork`."""
        job = self._job
        ended, _ = foreign_result(lambda: job, check=control.check, report=report, grace=GRACE)
        if isinstance(ended, BaseException):
            raise ended
        return ended


def adapt_job(job: Any, backend: BackendV2 | None = None) -> AdaptedJob:
    """A job that keeps the contract, made from one that does not.

    The new job has the old one's id, and is submitted; the old one is submitted as well if it was
    not. Cancelling the new one asks the old one to cancel.

    Args:
        job: any object with ``result()`` and ``status()``, such as a job written against a legacy
            abstract class.
        backend: the backend of the new job.

    Raises:
        TypeError: ``job`` has no ``result`` method.
    """
    if not callable(getattr(job, "result", None)):
        raise TypeError(f"an object of type {type(job).__name__} is no job: it has no result()")
    name = job.job_id() if callable(getattr(job, "job_id", None)) else None
    metadata = getattr(job, "metadata", None)
    adapted = AdaptedJob(
        backend,
        _ExistingJob(job),
        thread_per_task(),
        job_id=name,
        metadata=metadata if isinstance(metadata, Mapping) else None,
    )
    adapted.submit()
    return adapted
