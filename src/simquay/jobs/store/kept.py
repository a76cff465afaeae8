"""Jobs that are read from the store: finished, lost, or of another process."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping
from concurrent.futures import Executor
from datetime import datetime, timezone
from functools import cached_property
from typing import Any, NamedTuple, NoReturn

from qiskit import QuantumCircuit
from qiskit.primitives import BasePrimitiveJob
from qiskit.providers.jobstatus import JOB_FINAL_STATES, JobStatus

from simquay.jobs.base import BaseJob
from simquay.jobs.dispatch.queue_info import QueueInfo
from simquay.jobs.display import in_words
from simquay.jobs.errors import JobStateError, OriginalTraceback
from simquay.jobs.references import BackendFinder, BackendReference
from simquay.jobs.store.documents import DamagedFileError
from simquay.jobs.store.store import JobFacts, JobStore
from simquay.jobs.timing import FIRST_LOOK, LAST_LOOK

__all__ = ["KeptJob", "KeptPrimitiveJob", "KeptSource", "kept_job"]

_PRIMITIVES = ("estimator", "primitive", "probabilities", "sampler")
"""Kinds of jobs whose result is a ``PrimitiveResult``."""


class KeptSource(NamedTuple):
    """Where a job is read from, and what it needs of the layers above.

    Attributes:
        store: that it is in.
        finder: makes its backend by the name; None where that cannot be had.
        resume: runs what is missing of a job, given the store, the job's id, the finder, and
            ``executor=``.
    """

    store: JobStore
    finder: BackendFinder | None
    resume: Callable[..., BaseJob]


class KeptJob(BaseJob):
    """A job that is read from the store.

    It follows the job, which another process may be running: each look at the status of an
    unfinished job is a look into the store. It cannot be cancelled here. Its error, results and
    circuits are read when they are first asked for.

    Invariant: what ``BaseJob`` keeps of a job's end is not there before it is asked for; it is read
    once, by ``__getattr__``, and only of a final job, so it does not change any more.

    Args:
        facts: of the job.
        source: where it was found.
    """

    _progress = 0.0

    # Without those of the bases, which make locks: a listing makes thousands of these jobs.
    def __init__(self, facts: JobFacts, source: KeptSource) -> None:
        self._facts = facts
        self._source = source
        self._job_id = facts.id
        self.created = facts.created
        if facts.status in JOB_FINAL_STATES:
            self._status = facts.status

    @cached_property
    def metadata(self) -> dict[str, Any]:  # type: ignore[override]  # the base's is an attribute
        """A copy of what was kept with the job."""
        return dict(self._facts.metadata)

    # --- what is read when it is asked for ---------------------------------------------------

    def __getattr__(self, name: str) -> Any:
        if name == "_status":
            self._facts = facts = self._source.store.facts(self._job_id)
            if facts.status in JOB_FINAL_STATES:
                self._status = facts.status
            return facts.status
        if name not in ("_backend", "_result", "_error_text", "_cause", "_partial_result"):
            raise AttributeError(f"{type(self).__name__!r} object has no attribute {name!r}")
        # Threads that ask at once get the same object.
        return self.__dict__.setdefault(name, self._read(name))

    def _read(self, name: str) -> Any:
        store = self._source.store
        if name == "_backend":
            return BackendReference(self._facts.backend, self._source.finder)
        if name == "_result":
            return store.result(self._job_id) if self._status is JobStatus.DONE else None
        if self._status is not JobStatus.ERROR:
            return None
        if name == "_error_text":
            return self._facts.error
        if name == "_partial_result":
            return store.partial_result(self._job_id)
        text = store.traceback(self._job_id)
        return None if text is None else OriginalTraceback(text)

    # --- what the store knows of the job -----------------------------------------------------

    @property
    def facts(self) -> JobFacts:
        """What the store knows of the job now, without its files."""
        self.status()
        return self._facts

    @property
    def started(self) -> datetime | None:
        """See :attr:`BaseJob.started`."""
        return self.facts.started

    @property
    def ended(self) -> datetime | None:
        """See :attr:`BaseJob.ended`."""
        return self.facts.ended

    @property
    def tasks(self) -> int:
        """How many tasks the job has."""
        return self._facts.tasks

    @property
    def host(self) -> str:
        """The machine that ran it."""
        return self.facts.host

    @property
    def versions(self) -> Mapping[str, str]:
        """Of simquay, qiskit, numpy and python when it was made."""
        return self._facts.versions

    def circuits(self) -> list[QuantumCircuit]:
        """The circuits of the job.

        Raises:
            JobStoreError: they were not kept, or are damaged.
        """
        return self._source.store.circuits(self._job_id)

    @property
    def kept(self) -> bool:
        """True."""
        return True

    def resume(self, *, executor: Executor | None = None) -> BaseJob:
        """Run what is missing of a job that has failed, was cancelled or lost its process, or of
        which the result is damaged.

        Args:
            executor: runs the tasks; None for Simquay's workers.

        Returns:
            A new object of the same id, submitted; or this job, where it is ``DONE``.

        Raises:
            JobStateError: the job is not final, or of a kind that is not resumed.
        """
        store, finder, resume = self._source
        if self._status is JobStatus.DONE:
            try:
                self.result()
                return self
            except DamagedFileError:
                store.result_is_lost(self._job_id)
        return resume(store, self._job_id, finder, executor=executor)

    # --- the rest of the contract ------------------------------------------------------------

    def submit(self) -> NoReturn:
        """Refuse: the job was submitted when it was made.

        Raises:
            JobStateError: always.
        """
        raise JobStateError(f"job {self._job_id} was submitted already")

    def cancel(self) -> bool:
        """Return False, if the job is final.

        Raises:
            JobStateError: it is not: only the process that runs it can cancel it.
        """
        if self.in_final_state():
            return False
        raise JobStateError(
            f"job {self._job_id} belongs to process {self._facts.pid} on {self._facts.host}: it "
            "can be cancelled there alone"
        )

    def queue_info(self) -> QueueInfo | None:
        """None: only the process that runs the job knows what it waits for."""
        return None

    def _fraction(self) -> float:
        if self._facts.tasks > 1:  # the answer of a single task comes with the result
            ended = self._source.store.tasks_ended(self._job_id)
            self._progress = max(self._progress, ended / self._facts.tasks)
        return self._progress

    def _wait(self, end: float | None) -> bool:
        pause = FIRST_LOOK
        while not self.in_final_state():
            left = pause if end is None else end - time.monotonic()
            if left <= 0:
                return False
            time.sleep(min(left, pause))
            pause = min(2 * pause, LAST_LOOK)
        return True

    def _check_process(self, call: str) -> None:
        """Any process may read the job."""

    def _start(self) -> None:
        """Its process has started it."""

    def _stop(self, was: JobStatus) -> None:
        """Its process alone can stop it."""

    def _release(self) -> None:
        """It holds no circuits."""

    def _in_words(self) -> str:
        began = self._facts.started
        seconds = (datetime.now(timezone.utc) - began).total_seconds() if began else 0.0
        return in_words(self.status(), self.progress(), seconds)

    def __getstate__(self) -> dict[str, Any]:
        return {**super().__getstate__(), "_facts": self._facts, "_source": self._source}


class KeptPrimitiveJob(KeptJob, BasePrimitiveJob):  # type: ignore[misc]  # Qiskit ships no types
    """The job of a primitive that is read from the store; its result is a ``PrimitiveResult``."""


def kept_job(facts: JobFacts, source: KeptSource) -> KeptJob:
    """The job of these facts."""
    return (KeptPrimitiveJob if facts.kind in _PRIMITIVES else KeptJob)(facts, source)
