"""Kept jobs of adapted backends: a resume runs them anew."""

from __future__ import annotations

from pathlib import Path

import pytest

import simquay
from simquay.jobs.errors import JobStateError
from simquay.jobs.store.store import JobStore
from simquay.provider import find_backend
from simquay.simulators import keeping
from tests.support import foreign_backends as theirs
from tests.support.adapted_runs import BOTH, adapted, circuit
from tests.support.dead_jobs import left_by_a_dead_process
from tests.support.job_doubles import LONG

pytestmark = pytest.mark.timeout(120)


@pytest.fixture
def store(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> JobStore:
    monkeypatch.setenv("SIMQUAY_JOB_STORE", str(tmp_path / "store"))
    return JobStore.default()


@BOTH
def test_a_job_whose_process_died_runs_anew(isolation: str, store: JobStore) -> None:
    backend = simquay.get_backend("basic", isolation=isolation, tags=["mine"])
    job = backend.run([circuit(), circuit()], shots=50, seed_simulator=3)
    expected = job.result(LONG).get_counts()
    facts = store.facts(job.job_id())
    assert (facts.kind, facts.tags, facts.circuits) == ("adapted", ("mine",), 2)
    left_by_a_dead_process(store, facts.id)
    again = keeping.resume(store, facts.id, find_backend)
    assert again.result(LONG).get_counts() == expected
    assert (again.job_id(), again.metadata) == (job.job_id(), job.metadata)


def test_options_of_the_job_are_the_backends_until_a_run_gives_others(store: JobStore) -> None:
    backend = adapted(theirs.plain)
    backend.set_options(keep=False, tags=["a"], metadata={"b": 1})
    job = backend.run(circuit())
    assert not job.kept
    assert (job.metadata["tags"], job.metadata["b"]) == (["a"], 1)
    job = backend.run(circuit(), keep=True, tags=["c"])
    assert job.kept
    assert job.metadata["tags"] == ["c"]
    job.result(LONG)
    left_by_a_dead_process(store, job.job_id())
    with pytest.raises(JobStateError, match="did not come from simquay"):
        keeping.resume(store, job.job_id(), find_backend)


def test_options_that_the_store_has_no_form_for_leave_a_job_without_resume(
    store: JobStore,
) -> None:
    pytest.importorskip("qiskit_aer")
    from qiskit_aer.noise import NoiseModel

    backend = simquay.get_backend("aer", isolation="thread")
    job = backend.run(circuit(), shots=5, noise_model=NoiseModel())
    job.result(LONG)
    left_by_a_dead_process(store, job.job_id())
    with pytest.raises(JobStateError, match="cannot be resumed"):
        keeping.resume(store, job.job_id(), find_backend)
