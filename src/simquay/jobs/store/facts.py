"""What is known of a kept job without its files, and the row of the database that holds it."""

from __future__ import annotations

import json
import math
from collections.abc import Callable, Iterable, Mapping, Sequence
from datetime import datetime, timezone
from functools import cache
from typing import Any, NamedTuple

from qiskit.providers.jobstatus import JobStatus

from simquay.jobs.store.encoding import decoded, encoded

__all__ = ["COLUMNS", "JobFacts", "facts_of", "row_of", "text_of"]


class JobFacts(NamedTuple):
    """What is known of a kept job without its files.

    Attributes:
        id: the job's.
        kind: says what may resume it.
        backend: its name.
        status: the last that is known.
        created: the time, aware, in UTC; as ``started`` and ``ended``, which are None before.
        tags: given by the caller.
        metadata: of the job.
        circuits: their number.
        tasks: their number.
        host: the machine whose process runs it, or did.
        pid: of the process.
        owner: names the process and no other: see ``owners.py``.
        versions: of simquay, qiskit, numpy and python, by name.
        error: why it failed, or None.
        resumed: how often.
    """

    id: str
    kind: str
    backend: str
    status: JobStatus
    created: datetime
    started: datetime | None
    ended: datetime | None
    tags: tuple[str, ...]
    metadata: Mapping[str, Any]
    circuits: int
    tasks: int
    host: str
    pid: int
    owner: str
    versions: Mapping[str, str]
    error: str | None
    resumed: int


def text_of(time: datetime | None) -> str | None:
    """A time as the database has it: text that sorts as times do."""
    if time is None:
        return None
    return time.astimezone(timezone.utc).isoformat(timespec="microseconds")


def _when(text: str | None) -> datetime | None:
    return None if text is None else datetime.fromisoformat(text)


def _parsed(text: str) -> Any:
    return decoded(json.loads(text), {})


def _facts(row: Sequence[Any], parsed: Callable[[str], Any]) -> JobFacts:
    head = row[0], row[1], row[2], JobStatus[row[3]], datetime.fromisoformat(row[4])
    found = _when(row[5]), _when(row[6]), tuple(parsed(row[7])), parsed(row[8])
    return JobFacts._make((*head, *found, *row[9:14], parsed(row[14]), *row[15:]))


COLUMNS = ", ".join(JobFacts._fields)
"""Of the table: a row has the fields in their order."""


def row_of(facts: JobFacts) -> tuple[tuple[Any, ...], tuple[str, ...]]:
    """The row of a job, and the places in its metadata of what no form of values holds."""
    metadata, _, lost = encoded(dict(facts.metadata), small=math.inf)
    row = facts._asdict() | {
        "status": facts.status.name,
        "tags": json.dumps(facts.tags),
        "metadata": json.dumps(metadata),
        "versions": json.dumps(dict(facts.versions)),
    }
    for name in ("created", "started", "ended"):
        row[name] = text_of(row[name])
    return (*row.values(),), lost


def facts_of(rows: Iterable[Sequence[Any]]) -> list[JobFacts]:
    """The facts of rows.

    Raises:
        JobStoreError, LookupError, TypeError, ValueError: a row is damaged.
    """
    known = cache(_parsed)  # most jobs have the same versions, tags and metadata as others
    found = [_facts(row, known) for row in rows]
    for one in found:
        if not (isinstance(one.metadata, dict) and isinstance(one.versions, dict)):
            raise TypeError(f"metadata or versions of job {one.id} are no object")
    return found
