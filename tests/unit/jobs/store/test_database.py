"""Database: the versions it reads, and what is damaged."""

from __future__ import annotations

import sqlite3
from pathlib import Path

import pytest

from simquay.jobs.errors import JobStoreError
from simquay.jobs.store.database import Database


def test_a_missing_file_is_empty_and_stays_missing(tmp_path: Path) -> None:
    path = tmp_path / "jobs.sqlite"
    assert Database(path).read("SELECT id FROM jobs") == []
    assert not path.exists()


def test_the_file_is_sqlites_with_a_version(tmp_path: Path) -> None:
    path = tmp_path / "jobs.sqlite"
    assert Database(path).write("DELETE FROM jobs") == 0
    plain = sqlite3.connect(path)
    assert plain.execute("PRAGMA user_version").fetchall() == [(1,)]
    assert plain.execute("PRAGMA journal_mode").fetchall() == [("wal",)]
    plain.close()


def test_a_newer_version_is_left_alone(tmp_path: Path) -> None:
    path = tmp_path / "jobs.sqlite"
    plain = sqlite3.connect(path)
    plain.execute("PRAGMA user_version = 2")
    plain.close()
    for call in (Database(path).read, Database(path).write):
        with pytest.raises(JobStoreError, match=r"format 2 of a newer Simquay.*update simquay"):
            call("SELECT 1")


@pytest.mark.parametrize(
    "content", [b"no database at all" * 100, b"SQLite format 3\0" + bytes(4000)]
)
def test_a_damaged_file_is_an_error_that_says_what_to_do(tmp_path: Path, content: bytes) -> None:
    path = tmp_path / "jobs.sqlite"
    path.write_bytes(content)
    with pytest.raises(JobStoreError, match=r"is damaged .*move it away"):
        Database(path).read("SELECT id FROM jobs")
