"""VQE and QAOA of qiskit-algorithms on a Simquay backend, as FunctionJobs."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from qiskit.circuit.library import n_local
from qiskit.primitives import BackendEstimatorV2, BackendSamplerV2
from qiskit.providers import JobStatus
from qiskit.quantum_info import SparsePauliOp
from qiskit_algorithms import QAOA, VQE
from qiskit_algorithms.optimizers import COBYLA

import simquay
from simquay.control import Control
from simquay.jobs.function import FunctionJob
from tests.support.job_doubles import LONG, until

pytestmark = pytest.mark.timeout(240)

ISING = SparsePauliOp.from_list([("ZZ", 1.0), ("XI", -0.5), ("IX", -0.5)])


def solver(**options: Any) -> VQE:
    ansatz = n_local(2, "ry", "cx", reps=1)
    estimator = BackendEstimatorV2(
        backend=simquay.get_backend("numpy"),
        options={"default_precision": 0.02, "seed_simulator": 7},
    )
    start = [0.1] * ansatz.num_parameters
    return VQE(estimator, ansatz, COBYLA(maxiter=80), initial_point=start, **options)


def test_vqe_finds_the_ground_state() -> None:
    job = FunctionJob(solver().compute_minimum_eigenvalue, ISING)
    job.submit()
    found = job.result(8 * LONG)
    assert job.status() is JobStatus.DONE
    lowest = np.linalg.eigvalsh(ISING.to_matrix())[0]
    # Estimates are within 0.02 of the truth (one standard deviation), and the ansatz reaches it.
    assert found.eigenvalue == pytest.approx(lowest, abs=0.15)


# qiskit-algorithms 0.4 makes its ansatz of classes that Qiskit 2.1 deprecates.
@pytest.mark.filterwarnings("ignore:The class ``qiskit.circuit.library:DeprecationWarning")
def test_qaoa_finds_the_largest_cut() -> None:
    square = [(0, 1), (1, 2), (2, 3), (3, 0)]
    cost = SparsePauliOp.from_sparse_list([("ZZ", edge, 1.0) for edge in square], num_qubits=4)
    sampler = BackendSamplerV2(
        backend=simquay.get_backend("numpy"), options={"default_shots": 512, "seed_simulator": 7}
    )
    algorithm = QAOA(sampler, COBYLA(maxiter=30), reps=1, initial_point=[0.5, 0.5])
    job = FunctionJob(algorithm.compute_minimum_eigenvalue, cost)
    job.submit()
    found = job.result(8 * LONG)
    assert found.best_measurement["bitstring"] in ("0101", "1010")
    assert found.best_measurement["value"] == pytest.approx(-4)


def test_an_algorithm_that_looks_at_its_control_is_cancelled() -> None:
    """Its callback checks the control after each evaluation: nothing runs on after ``cancel``."""
    evaluations: list[int] = []

    def solve(control: Control) -> Any:
        def each(count: int, *_: Any) -> None:
            control.check()
            control.report(count / 10_000)
            evaluations.append(count)

        algorithm = solver(callback=each)
        algorithm.optimizer = COBYLA(maxiter=10_000, tol=1e-300)
        return algorithm.compute_minimum_eigenvalue(ISING)

    job = FunctionJob(solve)
    job.submit()
    assert until(lambda: len(evaluations) > 2)
    assert 0 < job.progress() < 1
    assert job.cancel() is True
    assert job.status() is JobStatus.CANCELLED
    count = len(evaluations)
    assert not until(lambda: len(evaluations) > count + 1, 0.5)
