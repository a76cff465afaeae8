"""What is known of a job beside its work: where and when it ran, and its place in the job store."""

from __future__ import annotations

import functools
import platform
import socket
from collections.abc import Mapping
from datetime import datetime
from typing import TYPE_CHECKING

import numpy as np
import qiskit
from qiskit.providers import JobV1
from qiskit.providers.jobstatus import JobStatus

from simquay.jobs.errors import JobStateError
from simquay.system.version import simquay_version

if TYPE_CHECKING:
    from concurrent.futures import Executor

    from qiskit import QuantumCircuit

    from simquay.jobs.store.keeper import Keeper

__all__ = ["RecordedJob", "versions_here"]


@functools.cache
def versions_here() -> dict[str, str]:
    """Of simquay, qiskit, numpy and python in this process."""
    return {
        "simquay": simquay_version(),
        "qiskit": qiskit.__version__,
        "numpy": np.__version__,
        "python": platform.python_version(),
    }


class RecordedJob(JobV1):  # type: ignore[misc]  # Qiskit ships no types
    """What a job tells of itself; the same of one that works here and of one read from the store.

    Attributes:
        created: when the job was made, in UTC.
        keeper: writes what happens to the job, where it is kept; to be set before it is submitted.
    """

    created: datetime
    keeper: Keeper | None = None
    _status: JobStatus
    _started_at: datetime | None = None
    _ended_at: datetime | None = None
    _host: str | None = None  # None: this one's
    _versions: Mapping[str, str] | None = None  # None: those here

    @property
    def started(self) -> datetime | None:
        """When its work began, in UTC; None if it has not."""
        return self._started_at

    @property
    def ended(self) -> datetime | None:
        """When it became final, in UTC; None if it is not. Of a job whose process died, the time
        when that was seen."""
        return self._ended_at

    @property
    def host(self) -> str:
        """The machine that ran it."""
        return self._host or socket.gethostname()

    @property
    def versions(self) -> Mapping[str, str]:
        """Of simquay, qiskit, numpy and python when it was made."""
        return self._versions or versions_here()

    def circuits(self) -> list[QuantumCircuit]:
        """The circuits of a kept job; others drop them when they are final.

        Raises:
            JobStateError: the job is not kept.
            JobStoreError: its circuits were not kept, or are damaged.
        """
        return self._working_keeper("circuits").store.circuits(self._job_id)

    @property
    def kept(self) -> bool:
        """Whether the job is in the job store, where later processes find it."""
        return self.keeper is not None and self.keeper.works

    def resume(self, *, executor: Executor | None = None) -> RecordedJob:
        """Run what is missing of a kept job that has failed or was cancelled: tasks that ended well
        do not run again, and the counts are those that it would have had.

        Args:
            executor: runs the other tasks; None for Simquay's workers.

        Returns:
            A new object of the same id, submitted; or this job, where it is ``DONE``.

        Raises:
            JobStateError: it is not kept, not final, or of a kind that is not resumed.
        """
        if self._status is JobStatus.DONE:
            return self
        resumed: RecordedJob = self._working_keeper("resume").resume(executor)
        return resumed

    def _working_keeper(self, what: str) -> Keeper:
        if self.keeper is None or not self.keeper.works:
            raise JobStateError(f"job {self._job_id} is not kept (keep=True), so it has no {what}")
        return self.keeper
