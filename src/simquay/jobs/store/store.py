"""The store: jobs that are kept in a folder, and found there by any process of the machine."""

from __future__ import annotations

import contextlib
import hashlib
import os
import shutil
import socket
from collections.abc import Collection, Iterable, Iterator, Sequence
from datetime import datetime, timedelta, timezone
from functools import cache
from pathlib import Path
from typing import Any, TypeAlias

from qiskit import QuantumCircuit
from qiskit.providers.jobstatus import JOB_FINAL_STATES, JobStatus

from simquay.jobs.errors import JobStoreError, UnknownJobError
from simquay.jobs.store.circuits import from_qpy, to_qpy
from simquay.jobs.store.database import Database
from simquay.jobs.store.documents import (
    DamagedFileError,
    read_document,
    read_sealed,
    sealed,
    write_document,
    write_file,
)
from simquay.jobs.store.facts import COLUMNS, JobFacts, facts_of, row_of, text_of
from simquay.jobs.store.folder import default_folder, folder_of_job
from simquay.jobs.store.owners import forget_dead, is_alive, own_name

__all__ = ["JobFacts", "JobStore"]

_UNFINISHED = "status NOT IN ('DONE', 'ERROR', 'CANCELLED')"
_CIRCUITS, _REQUEST, _TASKS = "circuits.qpy", "request.bin", "tasks"
_JUST_NOW = timedelta(hours=1)
"""What has no job may belong to one that a process is about to write, if it is younger."""


_Found: TypeAlias = list[JobFacts]  # since the store has a method ``list``
_Circuits: TypeAlias = list[QuantumCircuit]


class JobStore:
    """Jobs in a folder. Any thread, and any process of this machine, may call any method.

    Methods that write raise ``JobStoreError`` or ``OSError`` where that cannot be done. Those that
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
        row, lost = row_of(facts)
        digest = content = None
        try:
            content = to_qpy(circuits)
            digest = hashlib.sha256(content).hexdigest()
        except JobStoreError as error:
            lost += (error.message,)
        marks = ", ".join("?" * len(row))
        folder = folder_of_job(self.folder, facts.id)
        folder.mkdir(parents=True)
        try:
            if content is not None:
                write_file(folder / _CIRCUITS, content)
            if request is not None:
                write_file(folder / _REQUEST, sealed(request))
            self._database.write(
                f"INSERT INTO jobs ({COLUMNS}, digest) VALUES ({marks}, ?)", (*row, digest)
            )
        except BaseException:
            shutil.rmtree(folder, ignore_errors=True)
            raise
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

        Raises:
            UnknownJobError: the job was removed from the store.
        """
        column = "ended" if status in JOB_FINAL_STATES else "started"
        time = text_of(at) if column == "ended" or status is JobStatus.RUNNING else None
        changed = self._database.write(
            f"UPDATE jobs SET status = ?, {column} = coalesce(?, {column}), error = ?, "
            f"traceback = ? WHERE id = ? AND owner = ? AND {_UNFINISHED}",
            (status.name, time, error, traceback, job_id, self.own_name()),
        )
        if not changed and not self._found("id = ?", (job_id,)):
            raise self._unknown(job_id)

    def result_is_lost(self, job_id: str) -> None:
        """Note that the result of a job that is done is damaged, as after a power cut."""
        self._database.write(
            "UPDATE jobs SET status = 'ERROR', error = 'its result is damaged' "
            "WHERE id = ? AND status = 'DONE'",
            (job_id,),
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
        found = self._found("id = ?", (job_id,))
        if not found:
            raise self._unknown(job_id)
        return next(self._settled(found))

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
        # First, so that the jobs of dead processes are found as what they are.
        for (owner,) in self._database.read(f"SELECT DISTINCT owner FROM jobs WHERE {_UNFINISHED}"):
            if not self._is_alive(owner):
                for facts in self._found(f"owner = ? AND {_UNFINISHED}", (owner,)):
                    self._ended(facts)
        conditions: dict[str, tuple[Any, ...]] = {"1": ()}
        if backend is not None:
            conditions["backend = ?"] = (backend,)
        if status is not None:
            names = tuple(one.name for one in status)
            conditions[f"status IN ({', '.join('?' * len(names))})"] = names
        for tag in dict.fromkeys(tags):
            conditions[f"{len(conditions)} AND ? IN (SELECT value FROM json_each(tags))"] = (tag,)
        if created_after is not None:
            conditions["created >= ?"] = (text_of(created_after),)
        if created_before is not None:
            conditions["created < ?"] = (text_of(created_before),)
        values = [value for some in conditions.values() for value in some]
        order = "ORDER BY created DESC, rowid DESC LIMIT ?"
        most = -1 if limit is None else min(limit, 2**63 - 1)
        found = self._found(f"{' AND '.join(conditions)} {order}", (*values, most))
        return [*self._settled(found)]

    def circuits(self, job_id: str) -> _Circuits:
        """The circuits of a job."""
        facts = self.facts(job_id)
        ((digest,),) = self._database.read("SELECT digest FROM jobs WHERE id = ?", (facts.id,))
        path = folder_of_job(self.folder, job_id) / _CIRCUITS
        if digest is None:
            raise JobStoreError(f"the circuits of job {job_id} were not kept: QPY cannot hold them")
        try:
            content = path.read_bytes()
        except OSError as error:
            raise JobStoreError(f"{path} cannot be read ({error})") from error
        if hashlib.sha256(content).hexdigest() != digest:
            raise DamagedFileError(f"{path} is damaged")
        return from_qpy(content)

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
        """The result of a job.

        Raises:
            DamagedFileError: it is damaged, or missing.
        """
        try:
            return read_document(folder_of_job(self.folder, job_id), "result")
        except DamagedFileError:
            if not self._found("id = ?", (job_id,)):
                raise self._unknown(job_id) from None
            raise

    def partial_result(self, job_id: str) -> Any:
        """The partial result of a job that failed, or None: it may have none, or a damaged one."""
        try:
            return read_document(folder_of_job(self.folder, job_id), "partial")
        except DamagedFileError:
            return None

    def traceback(self, job_id: str) -> str | None:
        """The traceback of the error that a job failed with, or None."""
        rows = self._database.read("SELECT traceback FROM jobs WHERE id = ?", (job_id,))
        return rows[0][0] if rows else None

    # --- space -----------------------------------------------------------------------------

    def size(self, job_id: str) -> int:
        """Bytes of a job's files."""
        return _size(folder_of_job(self.folder, job_id))

    def prune(self, older_than: timedelta, *, dry_run: bool = False) -> tuple[int, int]:
        """Remove the jobs that ended so long ago, and what processes that died have left behind.

        Unfinished jobs of processes that live are never removed.

        Returns:
            The number of jobs that are removed, or would be, and of their files' bytes.
        """
        now = datetime.now(timezone.utc)
        jobs = self.list()
        gone = [
            folder_of_job(self.folder, one.id)
            for one in jobs
            if one.status in JOB_FINAL_STATES and (one.ended or one.created) <= now - older_than
        ]
        number, size = len(gone), sum(map(_size, gone))
        if not dry_run:
            for folder in gone:
                self._database.write("DELETE FROM jobs WHERE id = ?", (folder.name,))
            before = (now - max(older_than, _JUST_NOW)).timestamp()
            forget_dead(self.folder, before)
            names = {one.id for one in jobs}
            gone += [
                folder
                for folder in (self.folder / "jobs").glob("*")
                if folder.name not in names and folder.stat().st_mtime < before
            ]
            for folder in gone:
                shutil.rmtree(folder, ignore_errors=True)
        return number, size

    # --- inside ----------------------------------------------------------------------------

    def _found(self, condition: str, values: Sequence[Any] = ()) -> _Found:
        rows = self._database.read(f"SELECT {COLUMNS} FROM jobs WHERE {condition}", values)
        try:
            return facts_of(rows)
        except (LookupError, TypeError, ValueError) as error:
            raise JobStoreError(
                f"the job store's {self._database.path} is damaged ({error})"
            ) from error

    def _settled(self, found: Iterable[JobFacts]) -> Iterator[JobFacts]:
        """The facts of jobs, in which those of dead processes have ended."""
        alive: dict[str, bool] = {}
        for facts in found:
            if facts.status in JOB_FINAL_STATES:
                yield facts
                continue
            if facts.owner not in alive:
                alive[facts.owner] = self._is_alive(facts.owner)
            yield facts if alive[facts.owner] else self._ended(facts)

    def _is_alive(self, owner: str) -> bool:
        try:
            return is_alive(self.folder, owner)
        except OSError as error:
            raise JobStoreError(f"the job store's owners cannot be read ({error})") from error

    def _ended(self, facts: JobFacts) -> JobFacts:
        """The facts of an unfinished job whose process has died, which are written if possible."""
        status, error = JobStatus.DONE, None  # it may have died between the result and the status
        try:
            self.result(facts.id)
        except DamagedFileError:
            status = JobStatus.ERROR
            error = (
                f"process {facts.pid} on {facts.host} ended before the job did; job.resume() or "
                f"`simquay resume {facts.id}` runs what is missing"
            )
        except JobStoreError:
            pass  # it is there, though it cannot be read now
        ended = facts._replace(status=status, error=error, ended=datetime.now(timezone.utc))
        with contextlib.suppress(JobStoreError, OSError):
            changed = self._database.write(
                "UPDATE jobs SET status = ?, ended = ?, error = ? "
                f"WHERE id = ? AND owner = ? AND {_UNFINISHED}",
                (status.name, text_of(ended.ended), error, facts.id, facts.owner),
            )
            if not changed:  # it ended the job before it died, or another process has resumed it
                return next(iter(self._found("id = ?", (facts.id,))), ended)
        return ended

    def _unknown(self, job_id: str) -> UnknownJobError:
        return UnknownJobError(f"no job with the id {job_id!r} is kept in {self.folder}")


def _size(folder: Path) -> int:
    total = 0
    for path in folder.rglob("*"):
        with contextlib.suppress(FileNotFoundError):
            total += path.stat().st_size if path.is_file() else 0
    return total


@cache
def _store(folder: Path) -> JobStore:
    return JobStore(folder)
