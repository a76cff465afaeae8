"""qiskit-algorithms: Grover's search, and VQE by sampled expectation values."""

from __future__ import annotations

import numpy as np
import pytest
from qiskit import QuantumCircuit
from qiskit.circuit import Parameter
from qiskit.circuit.library import n_local
from qiskit.primitives import BackendEstimatorV2, BackendSamplerV2
from qiskit.quantum_info import SparsePauliOp, Statevector
from qiskit_algorithms import (
    VQE,
    AmplificationProblem,
    EstimationProblem,
    FasterAmplitudeEstimation,
    Grover,
    IterativeAmplitudeEstimation,
    MaximumLikelihoodAmplitudeEstimation,
    PhaseEstimation,
    TimeEvolutionProblem,
    TrotterQRTE,
)
from qiskit_algorithms.gradients import LinCombEstimatorGradient, ParamShiftSamplerGradient
from qiskit_algorithms.optimizers import SPSA
from qiskit_algorithms.state_fidelities import ComputeUncompute
from qiskit_algorithms.utils import algorithm_globals
from scipy.linalg import expm


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
    sampler.default_shots = 1024  # the library asks for it, and Qiskit's class has none
    iterative = IterativeAmplitudeEstimation(0.02, 0.05, sampler=sampler)
    assert iterative.estimate(problem).estimation == pytest.approx(0.2, abs=0.05)
    faster = FasterAmplitudeEstimation(0.05, 3, sampler=sampler)
    assert faster.estimate(problem).estimation == pytest.approx(0.2, abs=0.1)
    likely = MaximumLikelihoodAmplitudeEstimation(3, sampler=sampler)
    assert likely.estimate(problem).estimation == pytest.approx(0.2, abs=0.05)


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


def test_gradients_are_measured(backend):
    circuit = QuantumCircuit(1)
    circuit.ry(Parameter("x"), 0)
    estimator = BackendEstimatorV2(backend=backend)
    estimator.default_precision = 0.02  # as default_shots above
    job = LinCombEstimatorGradient(estimator).run([circuit], [SparsePauliOp("Z")], [[0.4]])
    assert job.result().gradients[0] == pytest.approx([-np.sin(0.4)], abs=0.1)
    circuit.measure_all()
    gradient = ParamShiftSamplerGradient(BackendSamplerV2(backend=backend))
    job = gradient.run([circuit], [[0.4]])
    assert job.result().gradients[0][0][1] == pytest.approx(np.sin(0.4) / 2, abs=0.07)


def test_a_state_evolves_in_trotter_steps(backend):
    energy = SparsePauliOp(["ZZ", "XI", "IX"], [1, 0.5, 0.5])
    observable = SparsePauliOp("ZI")
    problem = TimeEvolutionProblem(
        energy, 0.5, initial_state=QuantumCircuit(2), aux_operators=[observable]
    )
    estimator = BackendEstimatorV2(backend=backend)
    found = TrotterQRTE(estimator=estimator, num_timesteps=5).evolve(problem).aux_ops_evaluated
    exact = Statevector.from_label("00").evolve(expm(-0.5j * energy.to_matrix()))
    assert found[0][0] == pytest.approx(exact.expectation_value(observable).real, abs=0.08)
