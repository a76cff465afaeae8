"""Jobs whose work is a run on a foreign backend."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from qiskit.providers.jobstatus import JobStatus

from simquay.errors import Cancelled
from simquay.jobs.dispatch.tasks import LocalTask, TaskControl
from simquay.jobs.dispatch.threads import thread_per_task
from simquay.jobs.external.watch import foreign_result
from simquay.jobs.job import Job

if TYPE_CHECKING:
    from qiskit.providers import BackendV2
    from qiskit.result import Result

__all__ = ["AdaptedJob", "adapt_job"]


class AdaptedJob(Job):
    """A job whose task is a run on a foreign backend.

    Its status follows the foreign job's: while that waits in the foreign queue, this is ``QUEUED``.
    """

    def _begin(self) -> None:
        """Leave the status alone: the task reports the foreign one."""
        if self.in_final_state():
            raise Cancelled("the job is over")

    def _stopped_by_itself(self, error: Cancelled) -> None:
        """The backend cancelled the run."""
        self._advance(JobStatus.CANCELLED)


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

    def wait(control: TaskControl) -> Result:
        ended, _ = foreign_result(lambda: job, control)
        if isinstance(ended, BaseException):
            raise ended
        return ended

    name = job.job_id() if callable(getattr(job, "job_id", None)) else None
    metadata = getattr(job, "metadata", None)
    adapted = AdaptedJob(
        backend,
        [LocalTask(wait)],
        thread_per_task(),
        job_id=name,
        metadata=metadata if isinstance(metadata, Mapping) else None,
    )
    adapted.submit()
    return adapted
