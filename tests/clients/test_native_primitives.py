"""Client libraries on Simquay's primitives: exact energies, networks and their gradients."""

from __future__ import annotations

import numpy as np
import pytest
from qiskit import QuantumCircuit
from qiskit.circuit.library import (
    evolved_operator_ansatz,
    n_local,
    real_amplitudes,
    zz_feature_map,
)
from qiskit.primitives import StatevectorEstimator, StatevectorSampler
from qiskit.quantum_info import SparsePauliOp
from qiskit_algorithms import (
    QAOA,
    VQD,
    VQE,
    EstimationProblem,
    MaximumLikelihoodAmplitudeEstimation,
    SamplingVQE,
)
from qiskit_algorithms.gradients import (
    LinCombEstimatorGradient,
    ParamShiftEstimatorGradient,
    ReverseEstimatorGradient,
)
from qiskit_algorithms.optimizers import COBYLA, SLSQP
from qiskit_algorithms.state_fidelities import ComputeUncompute
from qiskit_algorithms.utils import algorithm_globals
from qiskit_machine_learning.neural_networks import EstimatorQNN, SamplerQNN
from qiskit_optimization import QuadraticProgram, minimum_eigensolvers, optimizers
from qiskit_optimization.algorithms import MinimumEigenOptimizer

from simquay.primitives import EstimatorV2, SamplerV2

HYDROGEN = SparsePauliOp.from_list(
    [
        ("II", -1.052373245772859),
        ("IZ", 0.39793742484318045),
        ("ZI", -0.39793742484318045),
        ("ZZ", -0.01128010425623538),
        ("XX", 0.18093119978423156),
    ]
)
GROUND = -1.857275030202378


def test_vqe_finds_the_ground_state_exactly(backend):
    solver = VQE(EstimatorV2(backend), n_local(2, "ry", "cz", reps=1), SLSQP())
    solver.initial_point = np.full(4, 0.3)
    found = solver.compute_minimum_eigenvalue(HYDROGEN)
    assert found.eigenvalue == pytest.approx(GROUND, abs=1e-5)


def test_vqe_with_gradients_finds_the_ground_state(backend):
    estimator = EstimatorV2(backend)
    gradient = ParamShiftEstimatorGradient(estimator)
    solver = VQE(estimator, n_local(2, "ry", "cz", reps=1), SLSQP(), gradient=gradient)
    solver.initial_point = np.full(4, 0.3)
    found = solver.compute_minimum_eigenvalue(HYDROGEN)
    assert found.eigenvalue == pytest.approx(GROUND, abs=1e-6)


def test_vqe_on_evolved_operators_finds_the_ground_state(backend):
    pool = [SparsePauliOp(label) for label in ("XY", "YX", "ZY", "YI", "IY")]
    start = QuantumCircuit(2)
    start.x(0)
    ansatz = start.compose(evolved_operator_ansatz(pool, insert_barriers=False))
    solver = VQE(EstimatorV2(backend), ansatz, SLSQP())
    solver.initial_point = np.full(ansatz.num_parameters, 0.1)
    found = solver.compute_minimum_eigenvalue(HYDROGEN)
    assert found.eigenvalue == pytest.approx(GROUND, abs=1e-5)


def test_deflation_finds_the_first_excited_state(backend):
    algorithm_globals.random_seed = 5
    solver = VQD(
        EstimatorV2(backend),
        ComputeUncompute(SamplerV2(backend, default_shots=20000, seed=3)),
        n_local(2, ["ry", "rz"], "cz", reps=1),
        COBYLA(maxiter=300),
        k=2,
        betas=[3.0],
    )
    found = solver.compute_eigenvalues(HYDROGEN).eigenvalues.real
    exact = np.linalg.eigvalsh(HYDROGEN.to_matrix())
    assert found == pytest.approx(exact[:2], abs=0.05)


def test_qaoa_of_both_libraries_cuts_a_ring(backend):
    cost = SparsePauliOp.from_sparse_list(
        [("ZZ", [i, (i + 1) % 4], 0.5) for i in range(4)], num_qubits=4
    )
    algorithm_globals.random_seed = 1
    sampler = SamplerV2(backend, default_shots=2000, seed=2)
    found = QAOA(sampler, COBYLA(maxiter=40), reps=2).compute_minimum_eigenvalue(cost)
    assert found.best_measurement["bitstring"] in ("0101", "1010")
    program = QuadraticProgram()
    for _ in range(4):
        program.binary_var()
    program.maximize(linear=[1, 2, -1, 1], quadratic={(0, 1): -2, (2, 3): 3})
    solver = minimum_eigensolvers.QAOA(sampler, optimizers.COBYLA(maxiter=20), reps=2)
    assert MinimumEigenOptimizer(solver).solve(program).fval == 5


def test_sampling_vqe_finds_the_least_diagonal_value(backend):
    algorithm_globals.random_seed = 4
    cost = SparsePauliOp.from_list([("ZI", 1.0), ("IZ", 0.5), ("ZZ", -0.25)])
    sampler = SamplerV2(backend, default_shots=2000, seed=2)
    solver = SamplingVQE(sampler, n_local(2, "ry", "cz", reps=1), COBYLA(maxiter=100))
    found = solver.compute_minimum_eigenvalue(cost)
    assert found.best_measurement["bitstring"] == "11"


def network() -> tuple[QuantumCircuit, QuantumCircuit, QuantumCircuit]:
    features, weights = zz_feature_map(2), real_amplitudes(2, reps=1)
    return features.compose(weights), features, weights


def test_an_estimator_network_is_that_of_exact_states(backend):
    circuit, features, weights = network()
    values = np.random.default_rng(8).uniform(0, 1, (3, 2))
    angles = np.array([0.1, 0.7, 1.1, 0.4])
    found = []
    for estimator in (EstimatorV2(backend), StatevectorEstimator()):
        one = EstimatorQNN(
            circuit=circuit,
            input_params=features.parameters,
            weight_params=weights.parameters,
            estimator=estimator,
            input_gradients=True,
            default_precision=0,
        )
        found.append((one.forward(values, angles), *one.backward(values, angles)))
    for mine, exact in zip(*found, strict=True):
        assert mine == pytest.approx(exact, abs=1e-9)


def test_a_sampler_network_is_that_of_exact_samples(backend):
    circuit, features, weights = network()
    values, angles = np.array([[0.3, 0.8]]), np.array([0.1, 0.7, 1.1, 0.4])
    found = []
    for sampler in (
        SamplerV2(backend, default_shots=50000, seed=1),
        StatevectorSampler(default_shots=50000, seed=1),
    ):
        one = SamplerQNN(
            circuit=circuit,
            input_params=features.parameters,
            weight_params=weights.parameters,
            sampler=sampler,
        )
        found.append(one.forward(values, angles))
    # Both have a standard error of at most 0.0023 in each of four entries: five of their joint.
    assert found[0] == pytest.approx(found[1], abs=0.017)


@pytest.mark.parametrize("kind", [ParamShiftEstimatorGradient, LinCombEstimatorGradient])
def test_gradients_are_those_of_the_reverse_mode(backend, kind):
    circuit = n_local(3, ["ry", "rz"], "cx", reps=1)
    observable = SparsePauliOp.from_list([("ZZI", 1.0), ("IXX", 0.5), ("YIY", 0.25)])
    values = np.random.default_rng(2).uniform(0, 3, circuit.num_parameters)
    found = kind(EstimatorV2(backend)).run([circuit], [observable], [values]).result()
    exact = ReverseEstimatorGradient().run([circuit], [observable], [values]).result()
    expected = np.real(exact.gradients[0])
    assert np.asarray(found.gradients[0]) == pytest.approx(expected, abs=1e-9)


def test_amplitude_estimation_asks_for_the_default_of_shots(backend):
    angle = 2 * np.arcsin(np.sqrt(0.3))
    prepared, turned = QuantumCircuit(1), QuantumCircuit(1)
    prepared.ry(angle, 0)
    turned.ry(2 * angle, 0)
    problem = EstimationProblem(prepared, [0], grover_operator=turned)
    sampler = SamplerV2(backend, default_shots=2000, seed=5)
    found = MaximumLikelihoodAmplitudeEstimation(3, sampler=sampler).estimate(problem)
    assert found.estimation == pytest.approx(0.3, abs=0.02)
