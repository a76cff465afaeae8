"""JobStore: what goes in comes out, in this process and in others."""

from __future__ import annotations

from datetime import datetime, timedelta, timezone
from pathlib import Path

import pytest
from qiskit.providers import JobStatus

from simquay.jobs.errors import JobStoreError, UnknownJobError
from simquay.jobs.store.store import JobStore
from tests.support.job_doubles import a_result
from tests.support.kept_jobs import a_circuit, another_process, kept, some_facts

NOW = datetime(2030, 1, 2, 3, 4, 5, 678901, timezone.utc)


@pytest.fixture
def store(tmp_path: Path) -> JobStore:
    return JobStore(tmp_path / "not" / "made")


def test_reading_makes_no_folder(store: JobStore) -> None:
    assert store.list() == []
    with pytest.raises(UnknownJobError, match="'0123'"):
        store.facts("0123")
    assert not store.folder.parent.exists()


def test_all_of_a_job_comes_back(store: JobStore) -> None:
    facts = some_facts(store, tags=("a", 'b"'), metadata={"mine": {1: (2, 3.5j)}})
    store.create(facts, circuits=[a_circuit("one"), a_circuit("two")], request=b"all of it")
    assert store.facts(facts.id) == facts
    assert store.list() == [facts]
    assert store.circuits(facts.id) == [a_circuit("one"), a_circuit("two")]
    assert [one.metadata for one in store.circuits(facts.id)] == [{"x": [1, 2]}] * 2
    assert store.request(facts.id) == b"all of it"
    store.set_result(facts.id, a_result(status="COMPLETED"))
    assert store.result(facts.id).to_dict() == a_result(status="COMPLETED").to_dict()
    assert store.partial_result(facts.id) is None
    store.set_partial(facts.id, {"pubs": (1,)})
    assert store.partial_result(facts.id) == {"pubs": (1,)}


def test_the_times_and_the_error_are_noted(store: JobStore) -> None:
    job = kept(store)
    store.set_status(job, JobStatus.VALIDATING, at=NOW)
    assert store.facts(job).started is None
    store.set_status(job, JobStatus.RUNNING, at=NOW)
    end = NOW + timedelta(seconds=1)
    store.set_status(job, JobStatus.ERROR, at=end, error="no", traceback="line 1")
    facts = store.facts(job)
    assert (facts.status, facts.started, facts.ended) == (JobStatus.ERROR, NOW, end)
    assert (facts.error, store.traceback(job)) == ("no", "line 1")


def test_a_final_status_stays(store: JobStore) -> None:
    job = kept(store)
    store.set_status(job, JobStatus.CANCELLED, at=NOW)
    store.set_status(job, JobStatus.DONE, at=NOW + timedelta(1))
    assert (store.facts(job).status, store.facts(job).ended) == (JobStatus.CANCELLED, NOW)


@pytest.mark.parametrize("status", [JobStatus.RUNNING, JobStatus.DONE])
def test_a_job_that_was_removed_has_no_status(store: JobStore, status: JobStatus) -> None:
    job = kept(store)
    for path in store.folder.glob("jobs.sqlite*"):
        path.unlink()
    with pytest.raises(UnknownJobError, match=job):
        store.set_status(job, status, at=NOW)


def test_answers_of_tasks_come_back_whole_or_not_at_all(store: JobStore) -> None:
    job = kept(store)
    assert store.task_answers(job) == {}
    assert store.tasks_ended(job) == 0
    for number in (0, 11, 3):
        store.task_ended(job, number, bytes([number]) * 1000)
    assert store.tasks_ended(job) == 3
    path = store.folder / "jobs" / job / "tasks" / "11.bin"
    path.write_bytes(path.read_bytes()[:-1])
    assert store.task_answers(job) == {0: bytes(1000), 3: b"\x03" * 1000}


def test_a_search_takes_all_conditions_together(store: JobStore) -> None:
    jobs = [
        kept(
            store,
            created=NOW + timedelta(seconds=number),
            backend="numpy" if number % 2 else "cupy",
            tags=("all", f"n{number}"),
        )
        for number in range(6)
    ]
    store.set_status(jobs[1], JobStatus.DONE, at=NOW)

    def found(**conditions) -> list[int]:
        return [jobs.index(one.id) for one in store.list(**conditions)]

    assert found() == [5, 4, 3, 2, 1, 0]
    assert found(limit=2) == [5, 4]
    assert found(limit=0) == []
    assert found(limit=10**30) == [5, 4, 3, 2, 1, 0]
    assert found(backend="numpy") == [5, 3, 1]
    assert found(status=[JobStatus.DONE, JobStatus.ERROR]) == [1]
    assert found(status=[]) == []
    assert found(tags=["all"]) == [5, 4, 3, 2, 1, 0]
    assert found(tags=["n3", "all", "all"]) == [3]
    assert found(tags=["n"]) == []
    two = timedelta(seconds=2)
    assert found(created_after=NOW + two) == [5, 4, 3, 2]
    assert found(created_before=NOW + two) == [1, 0]
    assert found(backend="numpy", created_after=NOW + two, limit=1) == [5]


@pytest.mark.parametrize(
    "wrong", ["../x", "", ".", "a/b", "a\\b", "a\0", "a" * 129, "-a", "\u00e9"]
)
def test_an_id_leads_nowhere_else(store: JobStore, wrong: str) -> None:
    kept(store)
    for call in (store.facts, store.result, store.circuits, store.request, store.size):
        with pytest.raises(UnknownJobError):
            call(wrong)


def test_a_result_that_is_not_there_is_an_error(store: JobStore) -> None:
    job = kept(store)
    with pytest.raises(JobStoreError, match=r"result\.json is missing"):
        store.result(job)
    with pytest.raises(UnknownJobError):
        store.result("0123")


def test_the_old_are_pruned(store: JobStore) -> None:
    old, new, running = kept(store), kept(store), kept(store)
    now = datetime.now(timezone.utc)
    store.set_status(old, JobStatus.DONE, at=now - timedelta(days=40))
    store.set_status(new, JobStatus.DONE, at=now - timedelta(days=20))
    size = store.size(old)
    assert size > len(b"all of it")
    assert store.prune(timedelta(days=30), dry_run=True) == (1, size)
    assert store.prune(timedelta(days=30)) == (1, size)
    assert {one.id for one in store.list()} == {new, running}
    assert not (store.folder / "jobs" / old).exists()
    assert store.prune(timedelta(0))[0] == 1
    assert [one.id for one in store.list()] == [running]


@pytest.mark.slow
def test_a_job_whose_process_was_killed_is_an_error_that_says_so(store: JobStore) -> None:
    job = another_process("running(); die()", store).strip()
    facts = store.facts(job)
    assert facts.status is JobStatus.ERROR
    assert facts.error == (
        f"process {facts.pid} on here ended before the job did; job.resume() or `simquay resume "
        f"{job}` runs what is missing"
    )
    assert facts.ended is not None
    assert store.list() == [facts]


@pytest.mark.slow
def test_a_search_finds_the_dead_too(store: JobStore) -> None:
    another_process("running(); running(); die()", store)
    assert [one.status for one in store.list(status=[JobStatus.ERROR])] == [JobStatus.ERROR] * 2
    assert store.list(status=[JobStatus.RUNNING]) == []


@pytest.mark.slow
def test_a_job_that_had_its_result_is_done(store: JobStore) -> None:
    job = another_process("store.set_result(running(), a_result()); die()", store).strip()
    assert store.facts(job).status is JobStatus.DONE
    assert store.result(job).to_dict() == a_result().to_dict()


@pytest.mark.slow
def test_a_dead_job_is_claimed_once(store: JobStore) -> None:
    job = another_process("running(); die()", store).strip()
    assert store.claim(job)
    facts = store.facts(job)
    assert (facts.status, facts.owner) == (JobStatus.QUEUED, store.own_name())
    assert (facts.resumed, facts.error, facts.started, facts.ended) == (1, None, None, None)
    assert not store.claim(job)
    assert another_process(f"print(store.claim({job!r}))", store) == "False\n"
    store.set_status(job, JobStatus.DONE, at=NOW)
    assert not store.claim(job)
    assert store.facts(job).status is JobStatus.DONE


@pytest.mark.slow
def test_who_was_robbed_of_a_job_changes_it_no_more(store: JobStore) -> None:
    job = kept(store)
    store.set_status(job, JobStatus.CANCELLED, at=NOW)
    assert another_process(f"print(store.claim({job!r}), flush=True); die()", store) == "True\n"
    store.set_status(job, JobStatus.DONE, at=NOW)
    assert store.facts(job).status is JobStatus.ERROR
