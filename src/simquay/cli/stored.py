"""Kept jobs on the command line: by the beginning of their ids, as rows, and as JSON objects."""

from __future__ import annotations

from datetime import datetime
from typing import TYPE_CHECKING, Any

from simquay.cli.errors import CommandError
from simquay.cli.views.document import to_json

if TYPE_CHECKING:
    from simquay.jobs.store.store import JobFacts, JobStore

__all__ = ["describe_job", "full_id", "local_time", "store_of_jobs"]

_LEAST = 6  # characters of an id


def store_of_jobs() -> JobStore:
    """The store that ``SIMQUAY_JOB_STORE`` names, or the user's own."""
    from simquay.jobs.store.store import JobStore

    return JobStore.default()


def full_id(store: JobStore, text: str) -> str:
    """The id of a kept job, of which ``text`` is the whole or the beginning.

    Raises:
        CommandError: no job is kept that has such an id, or several are.
        JobStoreError: the store cannot be read.
    """
    found = [one.id for one in store.list() if one.id.startswith(text)]
    if text in found:
        return text
    if len(text) < _LEAST:
        raise CommandError(f"{text!r}: expected a job's id, or its first {_LEAST} characters")
    if not found:
        raise CommandError(f"no job with the id {text!r} is kept in {store.folder}")
    if len(found) > 1:
        raise CommandError(f"the ids of {len(found)} jobs begin with {text!r}; give more of it")
    return found[0]


def local_time(time: datetime | None) -> str:
    """A time to the second, in the machine's time zone; empty for none."""
    return "" if time is None else f"{time.astimezone():%Y-%m-%d %H:%M:%S}"


def describe_job(facts: JobFacts) -> dict[str, Any]:
    """A kept job as a JSON object, as docs/reference/cli.md describes it."""
    times = {name: getattr(facts, name) for name in ("created", "started", "ended")}
    return {
        "job_id": facts.id,
        "kind": facts.kind,
        "backend": facts.backend,
        "status": facts.status.name,
        **{name: None if time is None else time.isoformat() for name, time in times.items()},
        "tags": [*facts.tags],
        "metadata": to_json(facts.metadata),
        "circuits": facts.circuits,
        "tasks": facts.tasks,
        "host": facts.host,
        "pid": facts.pid,
        "versions": dict(facts.versions),
        "error": facts.error,
        "resumed": facts.resumed,
    }
