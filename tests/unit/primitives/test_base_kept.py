"""Kept jobs of primitives and gradients: found with their results, and resumed on engines."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from qiskit import QuantumCircuit
from qiskit.circuit import Parameter
from qiskit.quantum_info import SparsePauliOp

import simquay
from simquay.gradients import AdjointEstimatorGradient, gradient_job
from simquay.jobs.base import BaseJob
from simquay.jobs.errors import JobStateError
from simquay.jobs.store.store import JobStore
from simquay.primitives import EstimatorV2, SamplerV2
from simquay.provider import find_backend
from simquay.simulators import keeping
from tests.support.dead_jobs import left_by_a_dead_process, tasks_kept
from tests.support.job_doubles import LONG

pytestmark = pytest.mark.timeout(120)


@pytest.fixture
def store(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> JobStore:
    monkeypatch.setenv("SIMQUAY_JOB_STORE", str(tmp_path / "store"))
    return JobStore.default()


def circuit(measured: bool = True) -> QuantumCircuit:
    made = QuantumCircuit(2, name="pub", metadata={"list": [1, (2, 3)]})
    made.ry(Parameter("a"), 0)
    made.rx(Parameter("b"), 1)
    made.cx(0, 1)
    if measured:
        made.measure_all()
    return made


VALUES = np.linspace(0, 2, 12).reshape(3, 2, 2)
SPLIT = {"max_circuits_per_task": 2}


def sampled() -> BaseJob:
    primitive = SamplerV2("numpy", seed=4, options={**SPLIT, "max_shots_per_task": 40})
    return primitive.run([(circuit(), VALUES), (circuit(), [0.1, 0.2], 70)], shots=100)


def probable() -> BaseJob:
    return SamplerV2("numpy", seed=4, options=SPLIT).probabilities([(circuit(), VALUES)])


def estimated() -> BaseJob:
    observables = [SparsePauliOp("ZZ"), {"XI": 0.5, "IZ": 2.0}]
    pubs = [(circuit(False), observables, VALUES), (circuit(False), "0+", [0.1, 0.2], 0.01)]
    return EstimatorV2("numpy", seed=4, options=SPLIT).run(pubs)


JOBS: dict[str, Callable[[], BaseJob]] = {
    "sampler": sampled,
    "probabilities": probable,
    "estimator": estimated,
}


def plain(result: Any) -> Any:
    return [
        (
            {name: np.asarray(getattr(value, "array", value)).tolist() for name, value in data},
            {name: one.metadata[name] for name in one.metadata if name != "simulator_metadata"},
        )
        for one in result
        for data in [[(name, one.data[name]) for name in sorted(one.data)]]
    ]


@pytest.mark.parametrize("kind", JOBS)
def test_a_job_whose_process_died_gives_what_it_would_have_given(
    kind: str, store: JobStore
) -> None:
    job = JOBS[kind]()
    expected = job.result(LONG)
    facts = store.facts(job.job_id())
    assert (facts.kind, facts.tasks) == (kind, len(tasks_kept(store, job.job_id())))
    assert facts.tasks > 2
    assert plain(store.result(job.job_id())) == plain(expected)
    for done in ({*()}, {0, 2}, {*range(facts.tasks)}):
        left_by_a_dead_process(store, job.job_id(), done)
        again = keeping.resume(store, job.job_id(), find_backend)
        assert type(again) is type(job)
        result = again.result(LONG)
        assert plain(result) == plain(expected)
        tasks = enumerate(result.metadata["tasks"])
        assert {number for number, one in tasks if one.get("from_store")} == done
    if kind == "probabilities":
        kept, mine = store.result(job.job_id())[0], expected[0]
        assert kept.joint((1, 0)) == mine.joint((1, 0))


def test_a_job_of_one_task_runs_again(store: JobStore) -> None:
    job = SamplerV2("numpy", seed=4).run([(circuit(), VALUES)])
    expected = job.result(LONG)
    left_by_a_dead_process(store, job.job_id())
    again = keeping.resume(store, job.job_id(), find_backend).result(LONG)
    assert plain(again) == plain(expected)


def test_on_adapted_backends_they_are_kept_but_not_resumed(store: JobStore) -> None:
    primitive = SamplerV2("basic", seed=4, options={"tags": ["mine"], "isolation": "thread"})
    job = primitive.run([(circuit(), VALUES)], shots=20)
    expected = job.result(LONG)
    (facts,) = store.list()  # the backend's own jobs are parts of this one
    assert (facts.id, facts.kind, facts.tags) == (job.job_id(), "primitive", ("mine",))
    assert plain(store.result(facts.id)) == plain(expected)
    left_by_a_dead_process(store, facts.id)
    with pytest.raises(JobStateError, match="gives shots alone; run your pubs again"):
        keeping.resume(store, facts.id, find_backend)


def test_gradients_are_kept_but_not_resumed(store: JobStore) -> None:
    pub = circuit(False), SparsePauliOp("ZZ"), [0.1, 0.2]
    job = gradient_job("numpy", [pub], tags=["mine"])
    (expected,) = job.result(LONG)
    (kept,) = store.result(job.job_id())
    assert type(kept) is type(expected)
    assert np.array_equal(kept.gradients, expected.gradients)
    assert store.facts(job.job_id()).tags == ("mine",)
    left_by_a_dead_process(store, job.job_id())
    with pytest.raises(JobStateError, match="does not hold what gradients are of"):
        keeping.resume(store, job.job_id(), find_backend)
    job = AdjointEstimatorGradient("numpy").run([pub[0]], [pub[1]], [pub[2]])
    found, kept = job.result(LONG), store.result(job.job_id())
    assert np.array_equal(kept.gradients, found.gradients)
    assert kept.metadata == found.metadata


def test_without_keep_nothing_is_written(store: JobStore, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("SIMQUAY_JOB_STORE")
    for make in JOBS.values():
        assert not make().kept
    backend = simquay.get_backend("numpy", keep=False)
    monkeypatch.setenv("SIMQUAY_JOB_STORE", str(store.folder))
    assert not SamplerV2(backend).run([(circuit(), VALUES)]).kept
    assert not (store.folder / "jobs.sqlite").exists()
