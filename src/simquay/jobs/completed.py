"""A job for a result that exists already, such as one that was computed inside ``run()``."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from simquay.jobs.job import Job

if TYPE_CHECKING:
    from qiskit.providers import BackendV2
    from qiskit.result import Result

__all__ = ["CompletedJob"]


class CompletedJob(Job):
    """A job that is final from the start: ``DONE``, or ``ERROR`` if ``result.success`` is false.

    A replacement for Qiskit's ``BasicProviderJob``, with the same arguments.

    Args:
        backend: the backend that gave the result, or None.
        job_id: a unique id; None makes one.
        result: the result.
        metadata: copied into the attribute ``metadata``.
    """

    def __init__(
        self,
        backend: BackendV2 | None,
        job_id: str | None,
        result: Result,
        *,
        metadata: Mapping[str, Any] | None = None,
    ) -> None:
        super().__init__(backend, (), None, job_id=job_id, metadata=metadata)
        self._conclude(result)
