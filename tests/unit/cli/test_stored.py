"""Kept jobs by the beginning of their ids, and as JSON objects."""

from __future__ import annotations

import json
from datetime import datetime, timezone

import pytest

from simquay.cli.errors import CommandError
from simquay.cli.stored import describe_job, full_id, local_time, store_of_jobs
from simquay.jobs.store.store import JobStore
from tests.support.kept_jobs import some_facts

MADE = datetime(2030, 1, 2, 3, 4, 5, tzinfo=timezone.utc)


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("abcdef0", "abcdef0123"),
        ("abcdef0123", "abcdef0123"),
        ("abc", "abc"),  # a whole id, however short
        ("abcde", "first 6 characters"),
        ("abcdef", "the ids of 2 jobs begin with 'abcdef'"),
        ("0123456", "no job with the id '0123456'"),
        ("../../x", "no job with the id '../../x'"),
        ("", "first 6 characters"),
    ],
)
def test_the_beginning_of_an_id(store: JobStore, text: str, found: str) -> None:
    for name in ("abcdef0123", "abcdefxyz7", "abc"):
        store.create(some_facts(store, id=name), circuits=[], request=None)
    assert store_of_jobs() is store
    if " " in found:
        with pytest.raises(CommandError, match=found):
            full_id(store, text)
    else:
        assert full_id(store, text) == found


def test_a_job_in_types_that_json_has(store: JobStore) -> None:
    facts = some_facts(store, created=MADE, metadata={"one": 1j}, tags=("a",))
    told = json.loads(json.dumps(describe_job(facts)))
    assert (told["job_id"], told["status"], told["tags"]) == (facts.id, "QUEUED", ["a"])
    assert (told["created"], told["started"]) == (MADE.isoformat(), None)
    assert told["metadata"] == {"one": "1j"}


def test_a_local_time() -> None:
    assert local_time(None) == ""
    assert local_time(MADE) == f"{MADE.astimezone():%Y-%m-%d %H:%M:%S}"
