"""The jobs of primitives keep the contract (J41). Those of job_kinds.py are tested everywhere."""

from __future__ import annotations

import pickle
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import numpy as np
import pytest
from qiskit import QuantumCircuit
from qiskit.circuit import Parameter
from qiskit.primitives import BasePrimitiveJob, PrimitiveResult
from qiskit.providers import JobStatus, JobV1
from qiskit.quantum_info import SparsePauliOp

import simquay
from simquay.jobs.errors import JobCancelledError
from simquay.primitives import EstimatorV2, SamplerV2
from tests.support.engine_circuits import long_circuit
from tests.support.executor_fixtures import processes, threads
from tests.support.job_doubles import LONG, until

__all__ = ["processes", "threads"]  # fixtures


def circuit() -> QuantumCircuit:
    made = QuantumCircuit(4)
    made.ry(Parameter("a"), range(4))
    made.measure_all()
    return made


POINTS = np.linspace(0, 3, 6).reshape(2, 3)


def test_j41_a_job_is_of_both_kinds_and_has_its_backend() -> None:
    sampler = SamplerV2("reference", options={"metadata": {"owner": "me"}})
    job = sampler.run([(circuit(), POINTS)])
    assert isinstance(job, JobV1)
    assert isinstance(job, BasePrimitiveJob)
    assert job.backend() is sampler.backend
    assert job.metadata["owner"] == "me"
    assert job.metadata["engine"] == "reference"
    result = job.result(LONG)
    assert isinstance(result, PrimitiveResult)
    assert job.result() is result
    assert (job.status(), job.progress()) == (JobStatus.DONE, 1.0)
    assert sampler.backend.provider.job(job.job_id()) is job


def test_j41_a_job_stops_in_mid_run() -> None:
    job = SamplerV2("reference").run([long_circuit(16), long_circuit(16)], shots=10)
    assert until(lambda: job.progress() > 0)
    before = job.progress()
    assert until(lambda: job.progress() > before)
    assert job.cancel()
    assert job.status() is JobStatus.CANCELLED
    with pytest.raises(JobCancelledError):
        job.result(LONG)


def test_j41_a_snapshot_is_run() -> None:
    made, values = circuit(), np.zeros(1)
    made.metadata = {"a": [1]}
    job = SamplerV2("reference").run([(made, values)])
    made.x(0)
    made.metadata["a"].append(2)
    values[...] = np.pi
    (pub,) = job.result(LONG)
    assert pub.data.meas.get_counts() == {"0000": 1024}
    assert pub.metadata["circuit_metadata"] == {"a": [1]}


def test_j41_a_job_pickles() -> None:
    job = SamplerV2("reference", seed=1).run([(circuit(), POINTS)])
    job.result(LONG)
    again = pickle.loads(pickle.dumps(job))
    assert isinstance(again, BasePrimitiveJob)
    assert again.result()[0].data.meas == job.result()[0].data.meas
    assert again.backend().name == "reference"


@pytest.mark.parametrize("where", ["own workers", "threads"])
@pytest.mark.parametrize(
    "split",
    [{"max_circuits_per_task": 2}, {"max_shots_per_task": 33}, {"max_circuits_per_task": 1}],
)
def test_j41_results_depend_on_neither_split_nor_executor(where, split) -> None:
    pubs = [(circuit(), POINTS), (circuit(), [0.5], 70), circuit().assign_parameters([2.0])]
    whole = SamplerV2("numpy", seed=1).run(pubs, shots=100).result(LONG)
    with ThreadPoolExecutor(2) as threads:
        executor = threads if where == "threads" else None
        options = {**split, "executor": executor}
        sampler = SamplerV2("numpy", seed=1, options=options)
        parts = sampler.run(pubs, shots=100).result(LONG)
    assert [pub.data.meas for pub in parts] == [pub.data.meas for pub in whole]
    assert len(parts.metadata["tasks"]) > 2
    assert parts.metadata["executor"] == (None if executor is None else "ThreadPoolExecutor")


def test_j41_pubs_that_are_too_large_fail_alone() -> None:
    backend = simquay.get_backend("numpy")
    wide = QuantumCircuit(40)
    wide.h(range(40))
    wide.measure_all()
    job = SamplerV2(backend).run([(circuit(), [0.0]), wide])
    with pytest.raises(simquay.errors.SimquayError, match="pub 1 of the job") as caught:
        job.result(LONG)
    assert job.status() is JobStatus.ERROR
    (pub,) = caught.value.partial_result  # type: ignore[attr-defined]  # of JobFailedError
    assert pub.data.meas.get_counts() == {"0000": 1024}


def estimate(**options: Any) -> Any:
    """A job of three pubs of an estimator; the second has an error of its own."""
    ansatz = circuit().remove_final_measurements(inplace=False)
    flip = QuantumCircuit(1, 1)
    flip.h(0)
    flip.measure(0, 0)
    with flip.if_test((0, 1)):
        flip.x(0)
    pubs = [
        (ansatz, [["ZZII"], ["XIIX"]], POINTS[0]),
        (ansatz, "ZIIZ", POINTS, 0.1),
        (flip, ["Z", "X", "+"]),
    ]
    return EstimatorV2("numpy", seed=2, options=options).run(pubs)


@pytest.mark.parametrize("where", ["own workers", "threads", "processes"])
@pytest.mark.parametrize("most", [1, 2, 100])
def test_j41_estimates_depend_on_neither_split_nor_executor(where, most, request) -> None:
    whole = estimate().result(LONG)
    executor = None if where == "own workers" else request.getfixturevalue(where)
    job = estimate(executor=executor, max_circuits_per_task=most, max_shots_per_task=7)
    parts = job.result(3 * LONG)
    for one, other in zip(whole, parts, strict=True):
        np.testing.assert_allclose(one.data.evs, other.data.evs, atol=1e-13)
        np.testing.assert_allclose(one.data.stds, other.data.stds, atol=1e-13)
    tasks = parts.metadata.get("tasks", ["one is not told"])
    assert len(tasks) == {1: 10, 2: 5, 100: 1}[most]
    np.testing.assert_allclose(whole[2].data.evs, [1, 0, 0.5], atol=1e-13)


def test_j41_an_estimate_stops_in_mid_run() -> None:
    wide = long_circuit(16).remove_final_measurements(inplace=False)
    job = EstimatorV2("reference").run([(wide, "Z" * 16)] * 3)
    assert until(lambda: job.progress() > 0)
    assert job.cancel()
    assert job.status() is JobStatus.CANCELLED


def test_j41_a_jobs_circuits_and_observables_are_a_snapshot() -> None:
    made = QuantumCircuit(1)
    observable = SparsePauliOp(["Z", "X"], [1.0, 2.0])
    job = EstimatorV2("reference").run([(made, observable)])
    observable.coeffs[0] = 5
    made.x(0)
    assert job.result(LONG)[0].data.evs == pytest.approx(1)
