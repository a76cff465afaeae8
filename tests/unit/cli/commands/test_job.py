"""``simquay job``: the facts of a kept job, which is found by the beginning of its id."""

from __future__ import annotations

import json
import os
from datetime import datetime, timezone
from typing import Any

import pytest
from qiskit.providers.jobstatus import JobStatus

from simquay.jobs.store.store import JobStore
from tests.support.kept_jobs import a_circuit, some_facts

MADE = datetime(2030, 1, 2, 3, 4, 5, tzinfo=timezone.utc)


@pytest.fixture(autouse=True)
def _three_jobs(store: JobStore) -> None:
    for name in ("abcdef0123", "abcdefxyz7", "abc"):
        facts = some_facts(
            store,
            id=name,
            created=MADE,
            status=JobStatus.ERROR,
            error="no <luck> [red]",
            tags=("one", "two"),
            metadata={"engine": "numpy", "ü": 1j},
            tasks=3,
            resumed=1,
        )
        store.create(facts, circuits=[a_circuit()], request=None)
        store.task_ended(name, 1, b"x")


def test_all_that_is_known(cli: Any, store: JobStore) -> None:
    called = cli("job", "abcdef0")
    assert (called.code, called.err) == (0, "")
    told = dict(line.split(maxsplit=1) for line in called.out.splitlines())
    assert told["job"] == "abcdef0123"
    assert told["status"] == "ERROR"
    assert told["error"] == "no <luck> [red]"
    assert told["tasks"] == "3, of which 1 ended"
    assert told["created"] == f"{MADE.astimezone():%Y-%m-%d %H:%M:%S}"
    assert told["process"] == f"{os.getpid()} on here"
    assert told["tags"] == "one, two"
    assert told["metadata"] == '{"engine": "numpy", "ü": "1j"}'
    assert told["resumed"] == "once"
    assert told["size"].endswith((" bytes", " KiB"))
    assert "ended" not in told
    assert max(map(len, called.out.splitlines())) <= 80


def test_as_a_document(cli: Any, store: JobStore) -> None:
    told = json.loads(cli("job", "abcdef0123", "--json").out)
    assert (told["job_id"], told["created"], told["ended"]) == (
        "abcdef0123",
        MADE.isoformat(),
        None,
    )
    assert (told["tasks"], told["tasks_ended"], told["resumed"]) == (3, 1, 1)
    assert told["bytes"] == store.size("abcdef0123") > 0
    assert told["error"] == "no <luck> [red]"
