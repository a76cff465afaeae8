"""The link from a live job to its row in the store. No error of the store harms the job."""

from __future__ import annotations

import logging
from collections.abc import Callable, Collection
from concurrent.futures import Executor
from datetime import datetime
from typing import Any

from qiskit.providers.jobstatus import JobStatus

from simquay.errors import SimquayWarning
from simquay.jobs.errors import as_text, described
from simquay.jobs.references import BackendReference
from simquay.jobs.store.store import JobStore
from simquay.system.warning import warn

__all__ = ["Keeper", "gave_up", "lacks", "tell"]

_log = logging.getLogger(__name__)

_WRITTEN = (JobStatus.RUNNING, JobStatus.DONE, JobStatus.ERROR, JobStatus.CANCELLED)
"""Before RUNNING a job is QUEUED in its row, which says so from the start."""


def gave_up(job_id: str, error: BaseException) -> None:
    """Say that a job is not kept, and why; see :func:`tell`."""
    tell(f"job {job_id} goes on, but is not kept: {described(error)}")


def lacks(job_id: str, lost: Any) -> None:
    """Say which parts of a job are not kept; see :func:`tell`."""
    tell(f"job {job_id} is kept without {', '.join(lost)}")


def tell(text: str) -> None:
    """Say something of a job in the store, which goes on.

    Warns:
        SimquayWarning: with the text, and the log has it; the log alone where warnings are errors:
            no job ends because of its store.
    """
    _log.info(text)  # Python shows a log's warnings on stderr, where the warning is as well
    try:
        warn(text, SimquayWarning)
    except SimquayWarning:
        _log.warning(text)


class Keeper:
    """Writes what happens to one job into a store. Any thread may call any method; none raises.

    The first error of the store ends the keeping, with one warning.

    Attributes:
        store: that the job is in.
        works: whether all has been written until now.

    Args:
        store: has the job already.
        job_id: the job's.
        resume: runs what is missing of a job that is final, from the store, the job's id, a finder
            of its backend or None, the backend or None, and ``executor=``; a function of a module.
        backend: of the job.
        encode: makes bytes of the answer of a task, or None where it is to run again in a job that
            is resumed; None where answers are not kept.
        done: the numbers of tasks whose answers are in the store already.
    """

    def __init__(
        self,
        store: JobStore,
        job_id: str,
        resume: Callable[..., Any],
        backend: Any,
        encode: Callable[[Any], bytes | None] | None = None,
        done: Collection[int] = (),
    ) -> None:
        self.store = store
        self.works = True
        self._id = job_id
        self._resume = resume
        self._backend = backend
        self._encode = encode
        self._done = done

    def __getstate__(self) -> dict[str, Any]:
        """Of a final job, which writes no more."""
        backend = BackendReference.of(self._backend)
        return {**self.__dict__, "_backend": backend, "_encode": None, "_done": ()}

    def resume(self, executor: Executor | None) -> Any:
        """See :meth:`~simquay.jobs.base.BaseJob.resume`."""
        finder, backend = None, self._backend
        if isinstance(backend, BackendReference):
            finder, backend = backend.finder, None
        return self._resume(self.store, self._id, finder, backend, executor=executor)

    def task_ended(self, number: int, answer: Any) -> None:
        """A task has ended well: its answer is kept, so that it does not run again."""
        if self._encode is None or number in self._done:
            return
        encode = self._encode

        def write(job_id: str) -> None:
            if (data := encode(answer)) is not None:
                self.store.task_ended(job_id, number, data)

        self._write(write)

    def result(self, result: Any) -> None:
        """The job has its result, and is to be ``DONE``."""
        self._write(self.store.set_result, result)

    def partial_result(self, result: Any) -> None:
        """The job has failed, and some of its circuits have results."""
        self._write(self.store.set_partial, result)

    def entered(
        self, status: JobStatus, at: datetime, error: str | None, cause: BaseException | None
    ) -> None:
        """The job is to be in a state since ``at``; ``error`` is the text of one that failed, and
        ``cause`` the exception, if there is one."""
        if status in _WRITTEN:
            told = as_text(cause)
            self._write(
                self.store.set_status,
                status,
                at=at,
                error=error,
                traceback=None if told is None else told.text,
            )

    def _write(self, call: Callable[..., object], *arguments: Any, **named: Any) -> None:
        if not self.works:
            return
        try:
            lost = call(self._id, *arguments, **named)
        except Exception as error:  # noqa: BLE001  # the job boundary: a job without a store goes on
            self.works = False
            gave_up(self._id, error)
        else:
            if lost:
                lacks(self._id, lost)
