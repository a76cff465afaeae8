"""The store: jobs that are kept in a folder, and found there by any process of the machine."""

from __future__ import annotations

import contextlib
import hashlib
import io
import json
import math
import os
import shutil
import socket
import sqlite3
from collections.abc import Callable, Collection, Mapping, Sequence
from datetime import datetime, timedelta, timezone
from functools import cache
from pathlib import Path
from typing import Any, NamedTuple, TypeAlias

from qiskit import QuantumCircuit, qpy
from qiskit.providers.jobstatus import JOB_FINAL_STATES, JobStatus

from simquay.jobs.errors import JobStoreError, UnknownJobError
from simquay.jobs.store.database import Database
from simquay.jobs.store.documents import (
    read_document,
    read_sealed,
    sealed,
    write_document,
    write_file,
)
from simquay.jobs.store.encoding import decoded, encoded
from simquay.jobs.store.folder import default_folder, folder_of_job
from simquay.jobs.store.owners import is_alive, own_name
from simquay.jobs.workers.pickling import circuits_from_qpy

__all__ = ["JobFacts", "JobStore"]

_COLUMNS = (
    "id, kind, backend, status, created, started, ended, tags, metadata, circuits, tasks, host, "
    "pid, owner, versions, error, resumed"
)
_UNFINISHED = "status NOT IN ('DONE', 'ERROR', 'CANCELLED')"
_CIRCUITS, _REQUEST, _TASKS = "circuits.qpy", "request.bin", "tasks"


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


_Found: TypeAlias = list[JobFacts]  # since the store has a method ``list``
_Circuits: TypeAlias = list[QuantumCircuit]


class JobStore:
    """Jobs in a folder. Any thread, and any process of this machine, may call any method.

    Methods that write raise ``sqlite3.Error`` or ``OSError`` where that cannot be done. Those that
    read make no folder; they raise ``JobStoreError`` for a store that cannot be read, and
    ``UnknownJobError`` for a job that is not there.

    Args:
        folder: which need not exist.
    """

    def __init__(self, folder: Path) -> None:
        self.folder = folder.resolve()
        self._database = Database(self.folder / "jobs.sqlite")

    @classmethod
    def default(cls) -> JobStore:
        """The store that ``SIMQUAY_JOB_STORE`` names, or the user's own."""
        return _store(default_folder())

    def __reduce__(self) -> tuple[Any, ...]:
        return _store, (self.folder,)

    def own_name(self) -> str:
        """The owner that stands for this process in :attr:`JobFacts.owner`."""
        return own_name(self.folder)

    # --- writing ---------------------------------------------------------------------------

    def create(
        self, facts: JobFacts, *, circuits: Sequence[QuantumCircuit], request: bytes | None
    ) -> tuple[str, ...]:
        """Keep a new job.

        Args:
            facts: its owner must be :meth:`own_name`.
            circuits: of the job.
            request: what a resume needs, or None where there is no resuming.

        Returns:
            What could not be kept, in words: circuits that QPY cannot hold, parts of the metadata.
        """
        metadata, _, lost = encoded(dict(facts.metadata), small=math.inf)
        folder = folder_of_job(self.folder, facts.id)
        folder.mkdir(parents=True)
        digest = None
        try:
            content = _circuits_as_qpy(circuits)
        except JobStoreError as error:
            lost += (error.message,)
        else:
            write_file(folder / _CIRCUITS, content)
            digest = hashlib.sha256(content).hexdigest()
        if request is not None:
            write_file(folder / _REQUEST, sealed(request))
        values = (
            *(facts.id, facts.kind, facts.backend, facts.status.name),
            *map(_time, (facts.created, facts.started, facts.ended)),
            *map(json.dumps, (facts.tags, metadata)),
            *(facts.circuits, facts.tasks, facts.host, facts.pid, facts.owner),
            *(json.dumps(dict(facts.versions)), facts.error, facts.resumed, digest),
        )
        marks = ", ".join("?" * len(values))
        self._database.write(f"INSERT INTO jobs ({_COLUMNS}, digest) VALUES ({marks})", values)
        return lost

    def task_ended(self, job_id: str, number: int, answer: bytes) -> None:
        """Keep the answer of a task, by its number in the job."""
        folder = folder_of_job(self.folder, job_id) / _TASKS
        folder.mkdir(exist_ok=True)
        write_file(folder / f"{number}.bin", sealed(answer))

    def set_result(self, job_id: str, result: Any) -> tuple[str, ...]:
        """Keep the result of a job, before its status says that it is done.

        Returns:
            The places of values that could not be kept; None stands there when it is read.
        """
        return write_document(folder_of_job(self.folder, job_id), "result", result)

    def set_partial(self, job_id: str, result: Any) -> tuple[str, ...]:
        """Keep the partial result of a job that failed; returns what :meth:`set_result` does."""
        return write_document(folder_of_job(self.folder, job_id), "partial", result)

    def set_status(
        self,
        job_id: str,
        status: JobStatus,
        *,
        at: datetime,
        error: str | None = None,
        traceback: str | None = None,
    ) -> None:
        """Note a status that a job of this process has had since ``at``.

        Nothing changes where the job is final, or where another process has resumed it.
        """
        column = "ended" if status in JOB_FINAL_STATES else "started"
        time = _time(at) if column == "ended" or status is JobStatus.RUNNING else None
        self._database.write(
            f"UPDATE jobs SET status = ?, {column} = coalesce(?, {column}), error = ?, "
            f"traceback = ? WHERE id = ? AND owner = ? AND {_UNFINISHED}",
            (status.name, time, error, traceback, job_id, self.own_name()),
        )

    def claim(self, job_id: str) -> bool:
        """Make this process the owner of a job that did not end well, which is ``QUEUED`` then.

        Returns:
            Whether it is. It is not where the job is done, or another process runs it.
        """
        owner = self.facts(job_id).owner
        files = folder_of_job(self.folder, job_id)
        claimed = self._database.write(
            "UPDATE jobs SET status = 'QUEUED', started = NULL, ended = NULL, error = NULL, "
            "traceback = NULL, host = ?, pid = ?, owner = ?, resumed = resumed + 1 "
            "WHERE id = ? AND owner = ? AND status IN ('ERROR', 'CANCELLED')",
            (socket.gethostname(), os.getpid(), self.own_name(), job_id, owner),
        )
        if claimed:
            for name in ("result.json", "result.npz", "partial.json", "partial.npz"):
                (files / name).unlink(missing_ok=True)
        return bool(claimed)

    # --- reading ---------------------------------------------------------------------------

    def facts(self, job_id: str) -> JobFacts:
        """What is known of a job."""
        folder_of_job(self.folder, job_id)
        facts = self._found("id = ?", (job_id,))
        if not facts:
            raise self._unknown(job_id)
        if facts[0].status not in JOB_FINAL_STATES and self._bury([facts[0].owner]):
            return self.facts(job_id)
        return facts[0]

    def list(
        self,
        *,
        limit: int | None = None,
        backend: str | None = None,
        status: Collection[JobStatus] | None = None,
        tags: Collection[str] = (),
        created_after: datetime | None = None,
        created_before: datetime | None = None,
    ) -> _Found:
        """What is known of jobs, the newest first.

        Args:
            limit: their number at most; None for all.
            backend: their backend's name.
            status: one of these.
            tags: that each has.
            created_after: aware; at that time or later.
            created_before: aware; before that time.
        """
        owners = self._database.read(f"SELECT DISTINCT owner FROM jobs WHERE {_UNFINISHED}")
        self._bury([owner for (owner,) in owners])
        conditions: dict[str, tuple[Any, ...]] = {"1": ()}
        if backend is not None:
            conditions["backend = ?"] = (backend,)
        if status is not None:
            names = tuple(one.name for one in status)
            conditions[f"status IN ({', '.join('?' * len(names))})"] = names
        for tag in dict.fromkeys(tags):
            conditions[f"{len(conditions)} AND ? IN (SELECT value FROM json_each(tags))"] = (tag,)
        if created_after is not None:
            conditions["created >= ?"] = (_time(created_after),)
        if created_before is not None:
            conditions["created < ?"] = (_time(created_before),)
        values = [value for some in conditions.values() for value in some]
        order = "ORDER BY created DESC, rowid DESC LIMIT ?"
        return self._found(
            f"{' AND '.join(conditions)} {order}", (*values, -1 if limit is None else limit)
        )

    def circuits(self, job_id: str) -> _Circuits:
        """The circuits of a job."""
        facts = self.facts(job_id)
        ((digest,),) = self._database.read("SELECT digest FROM jobs WHERE id = ?", (facts.id,))
        path = folder_of_job(self.folder, job_id) / _CIRCUITS
        content = self._content(path) if digest is not None else None
        if content is None:
            raise JobStoreError(f"the circuits of job {job_id} were not kept: QPY cannot hold them")
        if hashlib.sha256(content).hexdigest() != digest:
            raise JobStoreError(f"{path} is damaged")
        return circuits_from_qpy(content)

    def request(self, job_id: str) -> bytes | None:
        """What a resume needs, or None where there is no resuming, or the file is damaged."""
        return read_sealed(folder_of_job(self.folder, job_id) / _REQUEST)

    def task_answers(self, job_id: str) -> dict[int, bytes]:
        """The answers of the tasks that ended, by their numbers; damaged ones count as missing."""
        found = {
            int(path.stem): read_sealed(path)
            for path in sorted((folder_of_job(self.folder, job_id) / _TASKS).glob("[0-9]*.bin"))
        }
        return {number: answer for number, answer in found.items() if answer is not None}

    def tasks_ended(self, job_id: str) -> int:
        """The number of a job's tasks that ended."""
        try:
            names = os.listdir(folder_of_job(self.folder, job_id) / _TASKS)
        except FileNotFoundError:
            return 0
        return sum(not name.startswith(".") for name in names)

    def result(self, job_id: str) -> Any:
        """The result of a job."""
        try:
            return read_document(folder_of_job(self.folder, job_id), "result")
        except OSError as error:
            if not self._found("id = ?", (job_id,)):
                raise self._unknown(job_id) from None
            raise JobStoreError(f"the result of job {job_id} cannot be read ({error})") from error

    def partial_result(self, job_id: str) -> Any:
        """The partial result of a job that failed, or None."""
        try:
            return read_document(folder_of_job(self.folder, job_id), "partial")
        except FileNotFoundError:
            return None

    def traceback(self, job_id: str) -> str | None:
        """The traceback of the error that a job failed with, or None."""
        rows = self._database.read("SELECT traceback FROM jobs WHERE id = ?", (job_id,))
        return rows[0][0] if rows else None

    # --- space -----------------------------------------------------------------------------

    def size(self, job_id: str) -> int:
        """Bytes of a job's files."""
        total = 0
        for path in folder_of_job(self.folder, job_id).rglob("*"):
            with contextlib.suppress(FileNotFoundError):
                total += path.stat().st_size
        return total

    def prune(self, older_than: timedelta, *, dry_run: bool = False) -> tuple[int, int]:
        """Remove the jobs that ended so long ago.

        Unfinished jobs of processes that live are never removed.

        Returns:
            The number of jobs that are removed, or would be, and of their files' bytes.
        """
        before = datetime.now(timezone.utc) - older_than
        gone = [
            one.id
            for one in self.list()
            if one.status in JOB_FINAL_STATES and (one.ended or one.created) <= before
        ]
        size = sum(map(self.size, gone))
        for job_id in [] if dry_run else gone:
            self._database.write("DELETE FROM jobs WHERE id = ?", (job_id,))
            shutil.rmtree(folder_of_job(self.folder, job_id), ignore_errors=True)
        return len(gone), size

    # --- inside ----------------------------------------------------------------------------

    def _found(self, condition: str, values: Sequence[Any]) -> _Found:
        rows = self._database.read(f"SELECT {_COLUMNS} FROM jobs WHERE {condition}", values)
        known = cache(_parsed)  # most jobs have the same versions, tags and metadata as others
        try:
            return [_facts(row, known) for row in rows]
        except (LookupError, TypeError, ValueError) as error:
            raise JobStoreError(
                f"the job store's {self._database.path} is damaged ({error})"
            ) from error

    def _bury(self, owners: Sequence[str]) -> bool:
        """End the unfinished jobs of those owners that are dead; whether there were any."""
        ended = False
        for owner in owners:
            try:
                if is_alive(self.folder, owner):
                    continue
            except OSError as error:
                raise JobStoreError(f"the job store's owners cannot be read ({error})") from error
            for facts in self._found(f"owner = ? AND {_UNFINISHED}", (owner,)):
                ended = self._bury_job(facts) or ended
        return ended

    def _bury_job(self, facts: JobFacts) -> bool:
        error: str | None = None
        try:
            self.result(facts.id)
        except JobStoreError:
            error = (
                f"process {facts.pid} on {facts.host} ended before the job did; job.resume() or "
                f"`simquay resume {facts.id}` runs what is missing"
            )
        status = JobStatus.DONE if error is None else JobStatus.ERROR
        try:
            self._database.write(
                "UPDATE jobs SET status = ?, ended = ?, error = ? "
                f"WHERE id = ? AND owner = ? AND {_UNFINISHED}",
                (status.name, _time(datetime.now(timezone.utc)), error, facts.id, facts.owner),
            )
        except (sqlite3.Error, OSError) as failure:
            raise JobStoreError(
                f"process {facts.pid} ended before its jobs did, and the job store {self.folder} "
                f"cannot be written to say so ({failure})"
            ) from failure
        return True

    def _unknown(self, job_id: str) -> UnknownJobError:
        return UnknownJobError(f"no job with the id {job_id!r} is kept in {self.folder}")

    def _content(self, path: Path) -> bytes:
        try:
            return path.read_bytes()
        except OSError as error:
            raise JobStoreError(f"{path} cannot be read ({error})") from error


@cache
def _store(folder: Path) -> JobStore:
    return JobStore(folder)


def _time(time: datetime | None) -> str | None:
    """A time as text that sorts as times do."""
    if time is None:
        return None
    return time.astimezone(timezone.utc).isoformat(timespec="microseconds")


def _when(text: str | None) -> datetime | None:
    return None if text is None else datetime.fromisoformat(text)


def _parsed(text: str) -> Any:
    return decoded(json.loads(text), {})


def _facts(row: Sequence[Any], parsed: Callable[[str], Any]) -> JobFacts:
    """The facts of a row, whose columns are their fields in order."""
    head = row[0], row[1], row[2], JobStatus[row[3]], datetime.fromisoformat(row[4])
    found = _when(row[5]), _when(row[6]), tuple(parsed(row[7])), parsed(row[8])
    return JobFacts._make((*head, *found, *row[9:14], parsed(row[14]), *row[15:]))


def _circuits_as_qpy(circuits: Sequence[QuantumCircuit]) -> bytes:
    """
    Raises:
        JobStoreError: QPY cannot hold them.
    """
    stream = io.BytesIO()
    try:
        qpy.dump([*circuits], stream)
    except Exception as error:  # QPY runs the classes' own code, and raises errors of many kinds
        raise JobStoreError(
            f"the circuits: QPY cannot hold them ({type(error).__name__}: {error})"
        ) from error
    return stream.getvalue()
