"""Rows and facts."""

from __future__ import annotations

from datetime import datetime, timedelta, timezone
from pathlib import Path

from qiskit.providers import JobStatus

from simquay.jobs.store.facts import COLUMNS, facts_of, row_of, text_of
from simquay.jobs.store.store import JobStore
from tests.support.kept_jobs import some_facts

AT = datetime(2026, 11, 30, 21, 0, 0, 5, timezone.utc)


def test_a_row_is_plain_and_makes_the_facts_again(tmp_path: Path) -> None:
    facts = some_facts(
        JobStore(tmp_path),
        status=JobStatus.ERROR,
        started=AT,
        tags=("a", "b"),
        metadata={"mine": (1, 2j), "big": list(range(5))},
        error="no",
    )
    row, lost = row_of(facts)
    assert lost == ()
    assert {type(one) for one in row} <= {str, int, type(None)}
    assert len(row) == len(COLUMNS.split(", "))
    assert facts_of([row, row]) == [facts, facts]


def test_what_of_the_metadata_no_form_holds_is_named(tmp_path: Path) -> None:
    row, lost = row_of(some_facts(JobStore(tmp_path), metadata={"mine": object(), "n": 1}))
    assert lost == ("['mine']: object",)
    assert facts_of([row])[0].metadata == {"mine": None, "n": 1}


def test_texts_of_times_sort_as_times_do() -> None:
    elsewhere = timezone(timedelta(hours=5))
    times = [AT, (AT + timedelta(microseconds=1)).astimezone(elsewhere), AT + timedelta(seconds=1)]
    texts = [str(text_of(one)) for one in times]
    assert texts == sorted(texts)
    assert texts[0] == "2026-11-30T21:00:00.000005+00:00"
    assert text_of(None) is None
