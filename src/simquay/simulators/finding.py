"""Jobs that are found again: those of this process, and those that are kept in the job store."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime, timezone
from typing import Any

from qiskit.providers.jobstatus import JobStatus

from simquay.jobs.base import BaseJob
from simquay.jobs.errors import UnknownJobError
from simquay.jobs.recent import recent_jobs
from simquay.jobs.references import BackendFinder
from simquay.jobs.store.kept import KeptSource, kept_job
from simquay.jobs.store.store import JobStore
from simquay.simulators.keeping import resume

__all__ = ["find_job", "find_jobs"]


def find_job(job_id: str, finder: BackendFinder | None) -> BaseJob:
    """The job of an id: the object that runs it or ran it in this process, or else the job that is
    kept.

    Args:
        job_id: the job's.
        finder: makes the backend of a job that is kept.

    Raises:
        UnknownJobError: there is none, or none any more.
        JobStoreError: the store cannot be read.
    """
    try:
        return recent_jobs().find(job_id)
    except UnknownJobError as unknown:
        source = _source(finder)
        try:
            return kept_job(source.store.facts(job_id), source)
        except UnknownJobError:
            raise UnknownJobError(
                f"{unknown.message}. Nor is it kept in {source.store.folder}"
            ) from None


def find_jobs(
    finder: BackendFinder | None,
    *,
    limit: int | None = 10,
    backend: Any = None,
    status: JobStatus | str | Iterable[JobStatus | str] | None = None,
    tags: Iterable[str] = (),
    created_after: datetime | None = None,
    created_before: datetime | None = None,
) -> list[BaseJob]:
    """Jobs, the newest first: those that are kept, and those of this process that
    :func:`find_job` finds.

    Args:
        finder: makes the backends of jobs that are kept.
        limit: their number at most; None for all.
        backend: their backend, or its name.
        status: or several of them: ``JobStatus`` or its name.
        tags: that each job has.
        created_after: when they were made, or later; local time where it has no time zone.
        created_before: before which they were made.

    Raises:
        TypeError, ValueError: for a wrong argument.
        JobStoreError: the store cannot be read.
    """
    if limit is not None and (not isinstance(limit, int) or isinstance(limit, bool) or limit < 0):
        raise ValueError(f"limit={limit!r}: expected an integer of 0 or more, or None for all jobs")
    name = None if backend is None else str(getattr(backend, "name", backend))
    states = None if status is None else _states(status)
    wanted = [] if isinstance(tags, str) else [*tags]
    if isinstance(tags, str) or not all(isinstance(tag, str) for tag in wanted):
        raise TypeError(f"tags={tags!r}: expected a list of strings, such as ['calibration']")
    after, before = _time("created_after", created_after), _time("created_before", created_before)
    source = _source(finder)
    kept = source.store.list(
        limit=limit,
        backend=name,
        status=states,
        tags=wanted,
        created_after=after,
        created_before=before,
    )
    live = recent_jobs().all()

    def fits(job: BaseJob) -> bool:
        return (
            not job.kept
            and (name is None or getattr(job._backend, "name", None) == name)
            and (states is None or job.status() in states)
            and {*wanted}.issubset(job.metadata.get("tags", ()))
            and (after is None or job.created >= after)
            and (before is None or job.created < before)
        )

    found = [live.get(facts.id) or kept_job(facts, source) for facts in kept]
    found += filter(fits, live.values())
    found.sort(key=lambda job: job.created, reverse=True)
    return found[:limit]


def _source(finder: BackendFinder | None) -> KeptSource:
    return KeptSource(JobStore.default(), finder, resume)


def _states(status: JobStatus | str | Iterable[JobStatus | str]) -> set[JobStatus]:
    """
    Raises:
        ValueError: for anything but states and their names.
    """
    given = [status] if isinstance(status, (JobStatus, str)) else [*status]
    states = {one if isinstance(one, JobStatus) else _STATES.get(str(one).upper()) for one in given}
    found = {one for one in states if one is not None}
    if found != states:
        raise ValueError(f"status={status!r}: expected JobStatus or a name of {', '.join(_STATES)}")
    return found


_STATES = {one.name: one for one in JobStatus}


def _time(name: str, time: datetime | None) -> datetime | None:
    """
    Raises:
        TypeError: for anything but a time.
    """
    if time is None:
        return None
    if not isinstance(time, datetime):
        raise TypeError(f"{name}={time!r}: expected a datetime.datetime")
    return time.astimezone(timezone.utc)
