"""qiskit-algorithms: Grover's search, and VQE by sampled expectation values."""

from __future__ import annotations

import pytest
from qiskit import QuantumCircuit
from qiskit.circuit.library import n_local
from qiskit.primitives import BackendEstimatorV2, BackendSamplerV2
from qiskit.quantum_info import SparsePauliOp
from qiskit_algorithms import VQE, AmplificationProblem, Grover
from qiskit_algorithms.optimizers import SPSA
from qiskit_algorithms.utils import algorithm_globals


def test_grover_finds_the_marked_state(backend):
    oracle = QuantumCircuit(3)
    oracle.append(QuantumCircuit(3).to_gate(label="nothing"), range(3))
    oracle.h(2)
    oracle.ccx(0, 1, 2)
    oracle.h(2)
    problem = AmplificationProblem(oracle, is_good_state=["111"])
    result = Grover(iterations=2, sampler=BackendSamplerV2(backend=backend)).amplify(problem)
    assert result.top_measurement == "111"
    assert result.max_probability == pytest.approx(0.945, abs=0.04)  # sin(5 asin(8**-0.5))**2


def test_vqe_finds_the_ground_state_of_hydrogen(backend):
    algorithm_globals.random_seed = 3
    hydrogen = SparsePauliOp.from_list(
        [
            ("II", -1.052373245772859),
            ("IZ", 0.39793742484318045),
            ("ZI", -0.39793742484318045),
            ("ZZ", -0.01128010425623538),
            ("XX", 0.18093119978423156),
        ]
    )
    estimator = BackendEstimatorV2(backend=backend, options={"default_precision": 0.01})
    solver = VQE(estimator, n_local(2, "ry", "cz", reps=2), SPSA(maxiter=40))
    energy = solver.compute_minimum_eigenvalue(hydrogen).eigenvalue.real
    assert energy == pytest.approx(-1.857275, abs=0.12)
