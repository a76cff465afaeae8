"""Jobs are found again: here, and where another process has kept them."""

from __future__ import annotations

import gc
from datetime import datetime, timedelta, timezone
from pathlib import Path
from typing import Any

import pytest
from qiskit import QuantumCircuit
from qiskit.primitives import BasePrimitiveJob
from qiskit.providers import JobStatus

import simquay
from simquay.jobs.base import BaseJob
from simquay.jobs.errors import JobStoreError, UnknownJobError
from simquay.jobs.recent import RecentJobs
from simquay.jobs.store.kept import KeptJob, kept_job
from simquay.jobs.store.store import JobStore
from simquay.primitives import SamplerV2
from simquay.simulators import finding
from simquay.simulators.engine.backend import EngineBackend
from tests.support.dead_jobs import left_by_a_dead_process
from tests.support.job_doubles import LONG

pytestmark = pytest.mark.timeout(120)


@pytest.fixture(autouse=True)
def recent(monkeypatch: pytest.MonkeyPatch) -> RecentJobs:
    """No jobs but those of the test."""
    recent = RecentJobs()
    for module in (finding, simquay.simulators.base, simquay.simulators.keeping):
        monkeypatch.setattr(module, "recent_jobs", lambda: recent)
    return recent


@pytest.fixture(autouse=True)
def store(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> JobStore:
    monkeypatch.setenv("SIMQUAY_JOB_STORE", str(tmp_path / "store"))
    return JobStore.default()


def circuit() -> QuantumCircuit:
    made = QuantumCircuit(1, name="one")
    made.h(0)
    made.measure_all()
    return made


def ended(name: str = "numpy", **options: Any) -> BaseJob:
    job: BaseJob = simquay.get_backend(name).run(circuit(), **options)
    job.wait_for_final_state(LONG)
    return job


def test_a_job_is_the_live_object_and_later_what_is_kept_of_it() -> None:
    job = ended()
    name, counts = job.job_id(), job.result().get_counts()
    assert simquay.job(name) is job
    assert simquay.jobs() == [job]
    assert simquay.get_backend("numpy").retrieve_job(name) is job
    del job
    gc.collect()
    found = simquay.job(name)
    assert isinstance(found, KeptJob)
    assert found.result().get_counts() == counts
    assert found.backend().name == "numpy"
    assert found.resume() is found
    (listed,) = simquay.jobs()
    assert listed.job_id() == name
    (circuits,) = found.circuits()
    assert circuits == circuit()


def test_a_lost_job_that_is_found_is_resumed(store: JobStore) -> None:
    job = ended(shots=90, seed_simulator=3, max_shots_per_task=30)
    name, counts = job.job_id(), job.result().get_counts()
    del job
    gc.collect()
    left_by_a_dead_process(store, name, {1})
    found = simquay.job(name)
    assert found.status() is JobStatus.ERROR
    again = found.resume()
    assert again.result(LONG).get_counts() == counts
    assert simquay.job(name) is again


def test_jobs_of_primitives_are_found_as_such(store: JobStore) -> None:
    for backend in ("numpy", "basic"):
        options = {"isolation": "thread"} if backend == "basic" else {}
        job = SamplerV2(backend, options=options).run([circuit()])
        bits = job.result(LONG)[0].data.meas
        found = kept_job(store.facts(job.job_id()), finding._source(None))
        assert isinstance(found, BasePrimitiveJob)
        assert found.result()[0].data.meas == bits


def test_conditions_hold_for_jobs_that_are_kept_and_for_others() -> None:
    begin = datetime.now(timezone.utc)
    kept = ended(tags=["a", "b"])
    mine = ended("reference", tags=["b"], keep=False)
    failed = ended(max_memory_mb=1e-3, keep=False)
    end = datetime.now(timezone.utc)

    def found(**conditions: Any) -> list[BaseJob]:
        return simquay.jobs(**conditions)

    assert found() == [failed, mine, kept]
    assert found(limit=2) == [failed, mine]
    assert found(limit=0) == []
    assert found(limit=None, backend="numpy") == [failed, kept]
    assert found(backend=mine.backend()) == mine.backend().jobs() == [mine]
    assert found(tags=["b"]) == [mine, kept]
    assert found(tags=["a", "b"]) == [kept]
    assert found(status="error") == found(status=JobStatus.ERROR) == [failed]
    assert found(status=["DONE", JobStatus.QUEUED]) == [mine, kept]
    assert found(created_after=begin) == [failed, mine, kept]
    assert found(created_after=mine.created) == [failed, mine]
    assert found(created_before=mine.created) == [kept]
    assert found(created_after=end + timedelta(hours=1)) == []
    assert found(created_before=datetime.now() + timedelta(hours=1)) == [failed, mine, kept]


@pytest.mark.parametrize(
    ("wrong", "kind", "said"),
    [
        ({"limit": -1}, ValueError, "limit=-1"),
        ({"limit": "5"}, ValueError, "0 or more, or None"),
        ({"status": "finished"}, ValueError, "DONE"),
        ({"tags": "a"}, TypeError, "list of strings"),
        ({"tags": [1]}, TypeError, "list of strings"),
        ({"created_after": "today"}, TypeError, "created_after='today'"),
    ],
)
def test_wrong_conditions_are_told(wrong: dict[str, Any], kind: type[Exception], said: str) -> None:
    with pytest.raises(kind, match=said):
        simquay.jobs(**wrong)


def test_an_unknown_job_makes_no_store(store: JobStore) -> None:
    backend = EngineBackend(simquay.get_backend("numpy").engine, name="by-hand")
    for find in (simquay.job, backend.retrieve_job):
        with pytest.raises(UnknownJobError, match=r"'nobody' is known .* Nor is it kept in "):
            find("nobody")
    assert simquay.jobs() == []
    assert not store.folder.exists()


def test_a_store_that_cannot_be_read_is_told(store: JobStore) -> None:
    job = ended()
    name = job.job_id()
    del job
    gc.collect()
    for path in store.folder.glob("jobs.sqlite*"):
        path.write_bytes(b"nothing of the kind" * 100)
    with pytest.raises(JobStoreError, match=r"jobs\.sqlite"):
        JobStore(store.folder).facts(name)


def test_the_package_of_jobs_stays_one() -> None:
    import simquay.jobs.errors as errors

    assert errors.UnknownJobError is UnknownJobError
    assert callable(simquay.jobs)
    assert simquay.jobs.errors is errors  # type: ignore[attr-defined]  # it is the function, too
