"""``simquay jobs`` and ``simquay jobs prune``."""

from __future__ import annotations

import json
from datetime import datetime, timedelta, timezone
from typing import Any

import pytest
from qiskit.providers.jobstatus import JobStatus

from simquay.jobs.store.store import JobStore
from tests.support.kept_jobs import a_circuit, some_facts

NOW = datetime.now(timezone.utc)


def add(store: JobStore, days: int, **others: Any) -> str:
    """A job that was made, and is done, so many days ago; the beginning of its id says them."""
    made = NOW - timedelta(days)
    final = {"id": f"{days:02}c0ffee" * 4, "status": JobStatus.DONE, "created": made, "ended": made}
    facts = some_facts(store, **{**final, **others})
    store.create(facts, circuits=[a_circuit()], request=b"1" * 3000)
    return facts.id


def test_without_a_store_there_are_no_jobs(cli: Any, store: JobStore) -> None:
    called = cli("jobs")
    assert (called.code, called.out, called.err) == (0, f"0 jobs in {store.folder}\n", "")
    pruned = cli("jobs", "prune", "--older-than", "1h")
    assert pruned.out == f"removed: 0 jobs with 0 bytes, in {store.folder}\n"
    assert not store.folder.exists()


def test_jobs_are_listed_the_newest_first_in_80_columns(cli: Any, store: JobStore) -> None:
    add(store, 2, tags=("a", "tag " * 30))
    add(store, 1, backend="aer", circuits=12, status=JobStatus.ERROR)
    called = cli("jobs")
    assert (called.code, called.err) == (0, "")
    head, first, second, blank, last = called.out.splitlines()
    assert head.split() == ["job", "created", "status", "backend", "circuits", "tags"]
    day = f"{(NOW - timedelta(1)).astimezone():%Y-%m-%d}"
    time = f"{(NOW - timedelta(1)).astimezone():%H:%M}"
    assert first.split() == ["01c0ffee01c0", day, time, "ERROR", "aer", "12"]
    assert second.startswith("02c0ffee02c0  ")
    assert "a, tag tag" in second
    assert max(len(head), len(first), len(second)) <= 80
    assert (blank, last.replace("\n", "")[:9]) == ("", "2 jobs in")


@pytest.mark.parametrize(
    ("options", "found"),
    [
        ((), [1, 2, 3]),
        (("--status", "done"), [1, 3]),
        (("--status", "ERROR", "--status", "cancelled"), [2]),
        (("--backend", "aer"), [3]),
        (("--tag", "x"), [1, 3]),
        (("--tag", "x", "--tag", "y"), [3]),
        (("--tag", "none"), []),
        (("--limit", "2"), [1, 2]),
    ],
)
def test_the_listing_is_narrowed(
    cli: Any, store: JobStore, options: tuple[str, ...], found: list[int]
) -> None:
    add(store, 1, tags=("x",))
    add(store, 2, status=JobStatus.ERROR, error="no luck")
    add(store, 3, tags=("y", "x"), backend="aer")
    document = json.loads(cli("jobs", "--json", *options).out)
    assert [int(one["job_id"][:2]) for one in document["jobs"]] == found
    assert document["found"] == (3 if "--limit" in options else len(found))
    assert document["store"] == str(store.folder)
    assert cli("jobs", *options).out.count("c0ffee") == len(found)


def test_old_jobs_are_removed_and_their_sizes_told(cli: Any, store: JobStore) -> None:
    kept, gone = add(store, 29), add(store, 31)
    running = add(store, 40, status=JobStatus.RUNNING, ended=None)
    command = ("jobs", "prune", "--older-than", "30d")
    dry = cli(*command, "--dry-run")
    assert dry.out.startswith("would be removed: 1 job with ")
    assert " KiB, in " in dry.out
    assert len(store.list()) == 3
    assert cli(*command).out == dry.out.replace("would be removed", "removed")
    assert [one.id for one in store.list()] == [kept, running]
    assert not (store.folder / "jobs" / gone).exists()
    assert cli(*command).out.startswith("removed: 0 jobs with 0 bytes")


@pytest.mark.parametrize("age", ["30", "d", "-1d", "30m", "1.5h", "1d1h", "9999999d"])
def test_an_age_that_is_none(cli: Any, store: JobStore, age: str) -> None:
    cli("jobs", "prune", "--older-than", age).assert_fails(2, "such as 12h, 30d or 8w")


def test_misuse(cli: Any, store: JobStore) -> None:
    cli("jobs", "--limit", "0").assert_fails(2, "0")
    cli("jobs", "--status", "lost").assert_fails(2, "lost")
    cli("jobs", "prune").assert_fails(2, "--older-than")
    cli("jobs", "prone").assert_fails(2, "prone")


def test_a_damaged_store_is_one_line(cli: Any, store: JobStore) -> None:
    add(store, 1)
    for path in store.folder.glob("jobs.sqlite*"):
        path.write_bytes(b"no database " * 400)
    cli("jobs").assert_fails(2, str(store.folder))
