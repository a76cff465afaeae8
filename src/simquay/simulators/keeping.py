"""Jobs that are kept in the job store, and those that are resumed from it."""

from __future__ import annotations

import logging
import os
import socket
from collections.abc import Callable, Sequence
from concurrent.futures import Executor
from typing import Any

import numpy as np
from qiskit import QuantumCircuit
from qiskit.providers.jobstatus import JobStatus

from simquay.errors import ProgramError
from simquay.jobs.base import BaseJob
from simquay.jobs.errors import JobStateError
from simquay.jobs.job import Job
from simquay.jobs.recent import recent_jobs
from simquay.jobs.record import versions_here
from simquay.jobs.references import BackendFinder, BackendReference
from simquay.jobs.store.forms import add_class
from simquay.jobs.store.keeper import Keeper, gave_up, lacks
from simquay.jobs.store.store import JobFacts, JobStore
from simquay.program.packing import pack_tree, unpack_tree
from simquay.results import EstimatorGradients, Gradient
from simquay.simulators.engine.pubs.bits import RegisterBits
from simquay.simulators.engine.pubs.shown import ProbabilitiesPubResult
from simquay.system.version import simquay_version

__all__ = ["keep", "resume"]

_FORMAT = 1
"""Of the address and the backend's request; raised when they change."""

_NOT_RESUMED = {
    "gradient": "the store does not hold what gradients are of; ask for them again, of the circuits"
    " in job.circuits() with your observables and values",
    "primitive": "the primitive ran other jobs on a backend that gives shots alone; run your pubs "
    "again, whose circuits are in job.circuits()",
}
"""Why jobs of some kinds are not resumed, and what to do."""

_NO_REQUEST = "what a resume runs was not kept, or is damaged; run job.circuits() again"

_log = logging.getLogger(__name__)

Encode = Callable[[Any], "bytes | None"]

add_class(Gradient, lambda one: one._asdict())
add_class(
    EstimatorGradients,
    lambda one: {
        "gradients": one.gradients,
        "metadata": one.metadata,
        "precision": one.precision,
        "options": one.options,
    },
)
add_class(RegisterBits, lambda one: {"name": one.name, "bits": one.bits})
add_class(ProbabilitiesPubResult, lambda one: one.parts())


def keep(
    job: Job,
    kind: str,
    address: str,
    circuits: Sequence[QuantumCircuit],
    request: Callable[[], bytes] | None = None,
    encode: Encode | None = None,
) -> None:
    """Keep a job, which is not submitted yet, from now on.

    Args:
        job: of a backend.
        kind: of the job.
        address: the name that its backend is found by, or nothing.
        circuits: as the caller gave them.
        request: gives what finishes the job in another process; None where nothing does.
        encode: of the answers of its tasks; see :class:`~simquay.jobs.store.keeper.Keeper`.

    Warns:
        SimquayWarning: the store cannot be written; the job goes on without it.
    """
    backend = job.backend()
    try:
        store = JobStore.default()
        facts = JobFacts(
            id=job.job_id(),
            kind=kind,
            backend=backend.name,
            status=JobStatus.QUEUED,
            created=job.created,
            started=None,
            ended=None,
            tags=tuple(job.metadata.get("tags", ())),
            metadata=job.metadata,
            circuits=len(circuits),
            tasks=job.tasks,
            host=socket.gethostname(),
            pid=os.getpid(),
            owner=store.own_name(),
            versions=versions_here(),
            error=None,
            resumed=0,
        )
        lost = store.create(facts, circuits=circuits, request=_packed(address, request))
    except Exception as error:  # noqa: BLE001  # the job boundary: a job without a store goes on
        gave_up(job.job_id(), error)
        return
    if lost:
        lacks(facts.id, lost)
    job.keeper = Keeper(store, facts.id, resume, backend, encode)


def _packed(address: str, request: Callable[[], bytes] | None) -> bytes | None:
    if request is None:
        return None
    try:
        body = np.frombuffer(request(), dtype=np.uint8)
    except (RecursionError, TypeError, ValueError) as error:
        _log.info("a job is kept, but cannot be resumed: %s", error)
        return None
    return pack_tree("kept job", _FORMAT, {"address": address, "body": body})


def resume(
    store: JobStore,
    job_id: str,
    finder: BackendFinder | None,
    backend: Any = None,
    *,
    executor: Executor | None = None,
) -> BaseJob:
    """Run what is missing of a kept job: the tasks that have ended do not run again.

    Args:
        store: has the job.
        job_id: the job's.
        finder: finds its backend; None where that is given.
        backend: the job's; None where it is to be found.
        executor: runs the tasks; None for Simquay's workers.

    Returns:
        The job, submitted, with the same id.

    Raises:
        JobStateError: the job is not one that has failed, was cancelled or lost its process; or it
            cannot be resumed: what it was made of is not kept, or in the form of another version;
            or its backend cannot be had.
        JobStoreError: the store cannot be read.
        UnknownJobError: the store has no such job.
    """
    facts = store.facts(job_id)
    if facts.status not in (JobStatus.ERROR, JobStatus.CANCELLED):
        raise _not_resumed(facts)
    data = store.request(job_id)
    if data is None:
        why = _NOT_RESUMED.get(facts.kind, _NO_REQUEST)
        raise JobStateError(f"job {job_id} cannot be resumed: {why}")
    try:
        kept = unpack_tree("kept job", _FORMAT, data, {})
        if backend is None:
            backend = _backend(facts, kept["address"], finder)
        job: Job
        job, encode, done = backend.resumed(store, facts, kept["body"].tobytes(), executor)
    except ProgramError as error:
        made, here = facts.versions.get("simquay"), simquay_version()
        raise JobStateError(
            f"job {job_id} was kept by Simquay {made}, and Simquay {here} cannot resume it "
            f"({error}): resume it with that version, or run job.circuits() again"
        ) from error
    if not store.claim(job_id):
        raise _not_resumed(store.facts(job_id))
    job.created, job._versions = facts.created, facts.versions
    job.keeper = Keeper(store, job_id, resume, backend, encode, done)
    recent_jobs().add(job)
    job.submit()
    return job


def _not_resumed(facts: JobFacts) -> JobStateError:
    return JobStateError(
        f"job {facts.id} is {facts.status.name} and belongs to process {facts.pid} on "
        f"{facts.host}: only a job that has failed, was cancelled or lost its process is resumed"
    )


def _backend(facts: JobFacts, address: str, finder: BackendFinder | None) -> Any:
    """The backend of a job.

    Raises:
        JobStateError: it was made by hand, or cannot be made here.
    """
    if not address:
        raise JobStateError(
            f"job {facts.id} cannot be resumed in another process: its backend {facts.backend!r} "
            "did not come from simquay.get_backend; run job.circuits() again"
        )
    return BackendReference(address, finder).find()
