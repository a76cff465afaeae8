"""The table of jobs, in SQLite: one row a job, with what jobs are searched by."""

from __future__ import annotations

import os
import sqlite3
import threading
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from simquay.jobs.errors import JobStoreError
from simquay.system.lifecycle import after_fork, hold_at_fork
from simquay.system.variables import JOB_STORE

__all__ = ["Database"]

VERSION = 1
"""Of the format of the whole store; the database has it as its ``user_version``."""

PATIENCE = 5.0
"""Seconds to wait for another process that writes."""

_SCHEMA = f"""
BEGIN IMMEDIATE;
CREATE TABLE IF NOT EXISTS jobs (
    id TEXT PRIMARY KEY NOT NULL,
    kind TEXT NOT NULL,
    backend TEXT NOT NULL,
    status TEXT NOT NULL,
    created TEXT NOT NULL,
    started TEXT,
    ended TEXT,
    tags TEXT NOT NULL,
    metadata TEXT NOT NULL,
    circuits INTEGER NOT NULL,
    tasks INTEGER NOT NULL,
    host TEXT NOT NULL,
    pid INTEGER NOT NULL,
    owner TEXT NOT NULL,
    versions TEXT NOT NULL,
    error TEXT,
    resumed INTEGER NOT NULL,
    traceback TEXT,
    digest TEXT
);
CREATE INDEX IF NOT EXISTS jobs_by_time ON jobs (created);
CREATE INDEX IF NOT EXISTS jobs_unfinished ON jobs (owner)
    WHERE status NOT IN ('DONE', 'ERROR', 'CANCELLED');
PRAGMA user_version = {VERSION};
COMMIT;
"""

# One lock for all databases, since forks take it: no child has a connection that another thread
# was using. It is re-entrant, since a signal handler may cancel a job at any point of a statement;
# a statement by itself is a transaction, so the handler's never stands within another.
_lock = threading.RLock()
_forked_connections: list[sqlite3.Connection] = []


def _renew_lock() -> None:
    global _lock
    _lock = threading.RLock()


hold_at_fork(lambda: _lock, _renew_lock)


class Database:
    """The database of a store; any thread may call any method.

    Each process has one connection, which is opened when it is first needed. A forked child leaves
    its parent's alone: even to close it could harm the file.

    Args:
        path: of the file.
    """

    def __init__(self, path: Path) -> None:
        self._connection: sqlite3.Connection | None = None
        self.path = path
        self._file: tuple[int, int] | None = None
        after_fork(self._leave_to_parent)

    def write(self, statement: str, values: Sequence[Any] = ()) -> int:
        """Do one statement, which is a transaction; returns the number of rows that it changed.

        The file is made where there is none.

        Raises:
            JobStoreError: it cannot be written.
        """
        with _lock, self._errors_named("written"):
            return self._open(make=True).execute(statement, values).rowcount

    def read(self, statement: str, values: Sequence[Any] = ()) -> list[tuple[Any, ...]]:
        """The rows that a statement finds; none where there is no file.

        Raises:
            JobStoreError: it cannot be read.
        """
        with _lock, self._errors_named("read"):
            if self._current() is None and not self.path.exists():
                return []
            return self._open(make=False).execute(statement, values).fetchall()

    @contextmanager
    def _errors_named(self, done: str) -> Iterator[None]:
        folder = self.path.parent
        try:
            yield
        except (sqlite3.OperationalError, OSError) as error:
            raise JobStoreError(
                f"the job store {folder} cannot be {done} ({error}): see whether the disk is full "
                f"and {self.path.name} yours, or name another folder in {JOB_STORE}"
            ) from error
        except sqlite3.Error as error:
            raise JobStoreError(
                f"the job store {folder} is damaged ({self.path.name}: {error}): put a copy of "
                "the folder back, or move it away, and an empty one is made"
            ) from error

    def _current(self) -> sqlite3.Connection | None:
        """The connection, unless its file was removed, or another is in its place: what is written
        into a file that was removed is lost."""
        if self._connection is not None and self._file != _identity(self.path):
            self._connection.close()
            self._connection = None
        return self._connection

    def _open(self, *, make: bool) -> sqlite3.Connection:
        if (current := self._current()) is not None:
            return current
        if make:
            self.path.parent.mkdir(parents=True, exist_ok=True)
        connection = sqlite3.connect(
            f"{self.path.as_uri()}?{'mode=rwc' if make else self._mode()}",
            timeout=PATIENCE,
            isolation_level=None,
            check_same_thread=False,
            uri=True,
        )
        try:
            self._prepare(connection)
        except BaseException:
            connection.close()
            raise
        self._connection, self._file = connection, _identity(self.path)
        return connection

    def _mode(self) -> str:
        """How a file is opened that need not be written."""
        if os.access(self.path.parent, os.W_OK):
            return "mode=rw"  # to read, SQLite writes files beside it
        left = self.path.with_name(f"{self.path.name}-wal")
        return "mode=ro" if left.exists() else "mode=ro&immutable=1"

    def _prepare(self, connection: sqlite3.Connection) -> None:
        """Check the version, and make the table in a new file."""
        ((version,),) = connection.execute("PRAGMA user_version")
        if version > VERSION:
            raise JobStoreError(
                f"the job store {self.path.parent} has the format {version} of a newer Simquay, "
                f"and this one reads format {VERSION}: update simquay, or name another folder"
            )
        if version == 0:
            _patiently(connection, "PRAGMA journal_mode = WAL")
            connection.executescript(_SCHEMA)
        # A power cut may lose the last jobs; it cannot damage the file.
        connection.execute("PRAGMA synchronous = NORMAL")

    def __del__(self) -> None:
        if self._connection is not None:
            self._connection.close()

    def _leave_to_parent(self) -> None:
        if self._connection is not None:
            _forked_connections.append(self._connection)
            self._connection = None


def _identity(path: Path) -> tuple[int, int] | None:
    """Tells a file from any other that takes its path; None where there is none."""
    try:
        stat = path.stat()
    except OSError:
        return None
    return stat.st_dev, stat.st_ino


def _patiently(connection: sqlite3.Connection, statement: str) -> None:
    """Do a statement for which SQLite does not wait while another process writes."""
    end = time.monotonic() + PATIENCE
    while True:
        try:
            connection.execute(statement)
            return
        except sqlite3.OperationalError:
            if time.monotonic() > end:
                raise
        time.sleep(0.01)
