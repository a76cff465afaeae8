"""What a live job writes into the store, and what becomes of errors."""

from __future__ import annotations

import logging
import sqlite3
import warnings
from pathlib import Path
from typing import Any

import pytest
from qiskit.providers import JobStatus

from simquay.errors import SimquayWarning
from simquay.jobs.dispatch.tasks import LocalTask, TaskControl
from simquay.jobs.dispatch.threads import WorkerPool
from simquay.jobs.errors import JobFailedError
from simquay.jobs.job import Job
from simquay.jobs.store.keeper import Keeper
from simquay.jobs.store.store import JobStore
from tests.support.job_doubles import LONG, HeldWork, failing
from tests.support.kept_jobs import a_circuit, some_facts


@pytest.fixture
def pool() -> Any:
    pool = WorkerPool(1)
    yield pool
    pool.stop()


@pytest.fixture
def store(tmp_path: Path) -> JobStore:
    return JobStore(tmp_path)


def kept(store: JobStore, job: Job, **named: Any) -> Keeper:
    facts = some_facts(store, id=job.job_id())
    store.create(facts, circuits=[a_circuit()], request=None)
    job.keeper = Keeper(store, job.job_id(), lambda *given, **options: job, None, **named)
    return job.keeper


def test_a_jobs_way_is_in_its_row(store: JobStore, pool: WorkerPool) -> None:
    work = HeldWork(lambda: {"it": "done"})
    job = Job(None, [work], pool)
    kept(store, job)
    job.submit()
    assert work.started.wait(LONG)
    facts = store.facts(job.job_id())
    assert (facts.status, facts.ended) == (JobStatus.RUNNING, None)
    assert facts.started is not None
    work.let_go()
    assert job.result(LONG) == {"it": "done"}
    facts = store.facts(job.job_id())
    assert (facts.status, facts.error) == (JobStatus.DONE, None)
    assert facts.ended is not None
    assert store.result(job.job_id()) == {"it": "done"}
    assert job.kept


def test_errors_have_their_text_and_traceback(store: JobStore, pool: WorkerPool) -> None:
    job = Job(None, [HeldWork(failing(ValueError("why")), held=False)], pool)
    kept(store, job)
    job.submit()
    job.wait_for_final_state(LONG)
    facts = store.facts(job.job_id())
    assert (facts.status, facts.error) == (JobStatus.ERROR, job.error_message())
    assert "ValueError: why" in (store.traceback(job.job_id()) or "")


def test_partial_results_are_kept(store: JobStore, pool: WorkerPool) -> None:
    error = JobFailedError("one failed", {"the": "others"})
    job = Job(None, [HeldWork(failing(error), held=False)], pool)
    kept(store, job)
    job.submit()
    job.wait_for_final_state(LONG)
    assert store.partial_result(job.job_id()) == {"the": "others"}


def test_a_job_that_is_cancelled_says_so(store: JobStore, pool: WorkerPool) -> None:
    job = Job(None, [HeldWork(lambda: 1)], pool)
    kept(store, job)
    job.submit()
    assert job.cancel()
    assert store.facts(job.job_id()).status is JobStatus.CANCELLED


def test_answers_of_tasks_are_kept_before_the_job_ends(store: JobStore, pool: WorkerPool) -> None:
    def call(control: TaskControl) -> int:
        return control.number

    def join(ends: Any, job_id: str, seconds: float) -> dict[int, bytes]:
        return store.task_answers(job_id)

    tasks = [LocalTask(call) for _ in range(4)]
    job = Job(None, tasks, pool, join)
    kept(store, job, encode=lambda one: None if one == 2 else b"%d" % one, done=(3,))
    job.submit()
    assert job.result(LONG) == {0: b"0", 1: b"1"}


@pytest.mark.parametrize("strict", [False, True])
@pytest.mark.parametrize("error", [sqlite3.OperationalError("disk full"), OSError(28, "no space")])
def test_a_store_that_fails_is_left_with_one_warning(
    store: JobStore,
    pool: WorkerPool,
    monkeypatch: pytest.MonkeyPatch,
    caplog: pytest.LogCaptureFixture,
    error: Exception,
    strict: bool,
) -> None:
    def refuse(*arguments: Any, **named: Any) -> None:
        raise error

    job = Job(None, [HeldWork(lambda: 5, held=False)], pool)
    kept(store, job)
    monkeypatch.setattr(store, "set_status", refuse)
    monkeypatch.setattr(store, "set_result", refuse)
    with (
        caplog.at_level(logging.WARNING if strict else logging.INFO, "simquay"),
        warnings.catch_warnings(record=not strict) as caught,
    ):
        warnings.simplefilter("error" if strict else "always", SimquayWarning)
        job.submit()
        assert job.result(LONG) == 5
    assert not job.kept
    said = [one.getMessage() for one in caplog.records if "is not kept" in one.getMessage()]
    assert len(said) == 1
    assert str(error) in said[0]
    assert strict or len(caught or ()) == 1


def test_what_cannot_be_kept_is_named(
    store: JobStore, pool: WorkerPool, caplog: pytest.LogCaptureFixture
) -> None:
    job = Job(None, [HeldWork(lambda: {"here": object()}, held=False)], pool)
    kept(store, job)
    with warnings.catch_warnings(), caplog.at_level(logging.INFO, "simquay"):
        warnings.simplefilter("ignore")
        job.submit()
        job.wait_for_final_state(LONG)
    assert job.kept
    assert any("is kept without" in one.getMessage() for one in caplog.records)
    assert store.result(job.job_id()) == {"here": None}
