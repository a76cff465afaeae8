"""Jobs of gradients on the user's executors, and split."""

from __future__ import annotations

import numpy as np
import pytest
from qiskit import QuantumCircuit
from qiskit.circuit import Parameter
from qiskit.circuit.library import RXGate, efficient_su2
from qiskit.providers import JobStatus
from qiskit.quantum_info import SparsePauliOp

import simquay
from simquay.gradients import AdjointEstimatorGradient, gradient_job
from simquay.jobs.errors import JobFailedError
from simquay.simulators.engine.backend import EngineBackend
from simquay.simulators.inputs import RunInputError

LONG = 120
"""Seconds: processes that have just started import Qiskit."""

NOISE = {
    "errors": [
        {
            "type": "qerror",
            "operations": ["ry"],
            "instructions": [[{"name": "id", "qubits": [0]}], [{"name": "x", "qubits": [0]}]],
            "probabilities": [0.9, 0.1],
        }
    ]
}


def pubs():
    """Points of several circuits; gates of one of them are known by their matrices alone."""
    circuit = efficient_su2(2, reps=1)
    a = Parameter("a")
    power = QuantumCircuit(2)
    power.append(RXGate(a).power(0.5, annotated=True), [0])
    power.ry(a, 1)
    power.cx(0, 1)
    rng = np.random.default_rng(0)
    return [
        (circuit, ["ZZ", SparsePauliOp(["XI", "IY"], [0.5, 2])], rng.uniform(-1, 1, (2, 3, 8))),
        (power, "ZZ", rng.uniform(-1, 1, (3, 1))),
        (circuit, "XX", np.zeros((0, 8))),
    ]


def check(found, wanted):
    for one, other in zip(found, wanted, strict=True):
        np.testing.assert_allclose(one.values, other.values, rtol=0, atol=1e-14)
        np.testing.assert_allclose(one.gradients, other.gradients, rtol=0, atol=1e-14)


@pytest.mark.parametrize("options", [{}, {"noise_model": NOISE}], ids=["pure", "noisy"])
@pytest.mark.parametrize("kind", ["none", "threads", "processes"])
@pytest.mark.parametrize("most", [None, 1, 4])
def test_the_result_does_not_depend_on_where_and_how_it_is_split(
    request, kind, most, options
) -> None:
    executor = None if kind == "none" else request.getfixturevalue(kind)
    wanted = gradient_job("numpy", pubs(), **options).result(LONG)
    job = gradient_job(
        "numpy",
        pubs(),
        executor=executor,
        max_circuits_per_task=most,
        max_shots_per_task=10,
        metadata={"mine": 1},
        **options,
    )
    check(job.result(LONG), wanted)
    assert job.metadata["mine"] == 1
    assert job.status() is JobStatus.DONE


def test_the_form_of_the_libraries(processes) -> None:
    circuit = efficient_su2(2, reps=1)
    rows = np.random.default_rng(1).uniform(-1, 1, (3, 8))
    gradient = AdjointEstimatorGradient("numpy", executor=processes)
    arguments = [circuit] * 3, [SparsePauliOp("ZX")] * 3, [*rows]
    found = gradient.run(*arguments).result(LONG)
    wanted = gradient.run(*arguments, executor=None).result(LONG)
    np.testing.assert_allclose(found.gradients, wanted.gradients, rtol=0, atol=1e-14)


def test_an_error_of_one_task_fails_the_job(processes) -> None:
    circuit = efficient_su2(16, reps=1)
    values = np.zeros((2, circuit.num_parameters))
    small = efficient_su2(2, reps=1), "ZZ", np.zeros(8)
    job = gradient_job(
        "numpy", [small, (circuit, "Z" * 16, values)], executor=processes, max_memory_mb=1
    )
    with pytest.raises(JobFailedError, match="max_memory_mb allows 1 MiB"):
        job.result(LONG)
    assert job.status() is JobStatus.ERROR


def test_a_backend_that_other_processes_do_not_find_is_refused(processes, threads) -> None:
    backend = EngineBackend(simquay.get_backend("numpy").engine, name="by hand")
    with pytest.raises(RunInputError, match="made by hand"):
        gradient_job(backend, pubs(), executor=processes)
    check(
        gradient_job(backend, pubs(), executor=threads).result(LONG),
        gradient_job("numpy", pubs()).result(LONG),
    )
