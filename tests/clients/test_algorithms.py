"""qiskit-algorithms: Grover's search, and VQE by sampled expectation values."""

from __future__ import annotations

import numpy as np
import pytest
from qiskit import QuantumCircuit
from qiskit.circuit import Parameter
from qiskit.circuit.library import n_local
from qiskit.primitives import BackendEstimatorV2, BackendSamplerV2
from qiskit.quantum_info import SparsePauliOp
from qiskit_algorithms import (
    VQE,
    AmplificationProblem,
    EstimationProblem,
    FasterAmplitudeEstimation,
    Grover,
    IterativeAmplitudeEstimation,
    PhaseEstimation,
)
from qiskit_algorithms.optimizers import SPSA
from qiskit_algorithms.state_fidelities import ComputeUncompute
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


def test_amplitudes_are_estimated(backend):
    preparation = QuantumCircuit(1)
    preparation.ry(2 * np.arcsin(np.sqrt(0.2)), 0)
    problem = EstimationProblem(preparation, objective_qubits=[0])
    sampler = BackendSamplerV2(backend=backend)
    iterative = IterativeAmplitudeEstimation(0.02, 0.05, sampler=sampler)
    assert iterative.estimate(problem).estimation == pytest.approx(0.2, abs=0.05)
    faster = FasterAmplitudeEstimation(0.05, 3, sampler=sampler)
    assert faster.estimate(problem).estimation == pytest.approx(0.2, abs=0.1)


def test_a_phase_is_estimated(backend):
    gate, state = QuantumCircuit(1), QuantumCircuit(1)
    gate.p(np.pi / 2, 0)
    state.x(0)
    estimation = PhaseEstimation(4, BackendSamplerV2(backend=backend))
    assert estimation.estimate(gate, state).phase == 0.25


def test_a_fidelity_is_measured(backend):
    circuit = QuantumCircuit(1)
    circuit.ry(Parameter("x"), 0)
    fidelity = ComputeUncompute(BackendSamplerV2(backend=backend))
    found = fidelity.run(circuit, circuit, [[0.0]], [[1.0]]).result().fidelities[0]
    assert found == pytest.approx(np.cos(0.5) ** 2, abs=0.06)
