"""Gradients by the adjoint method in qiskit-algorithms and qiskit-machine-learning."""

from __future__ import annotations

import numpy as np
import pytest
from qiskit.circuit.library import n_local, real_amplitudes, zz_feature_map
from qiskit.quantum_info import SparsePauliOp
from qiskit_algorithms import VQE
from qiskit_algorithms.gradients import ParamShiftEstimatorGradient
from qiskit_algorithms.optimizers import L_BFGS_B
from qiskit_machine_learning import optimizers
from qiskit_machine_learning.algorithms import NeuralNetworkRegressor
from qiskit_machine_learning.neural_networks import EstimatorQNN

from simquay.gradients import AdjointEstimatorGradient
from simquay.primitives import EstimatorV2

# The libraries give SciPy options that it no longer has a use for.
pytestmark = pytest.mark.filterwarnings("ignore:scipy.optimize:DeprecationWarning")

HYDROGEN = SparsePauliOp.from_list(
    [
        ("II", -1.052373245772859),
        ("IZ", 0.39793742484318045),
        ("ZI", -0.39793742484318045),
        ("ZZ", -0.01128010425623538),
        ("XX", 0.18093119978423156),
    ]
)


def ising(qubits):
    bonds = [("ZZ", [site, site + 1], -1.0) for site in range(qubits - 1)]
    field = [("X", [site], -0.5) for site in range(qubits)]
    return SparsePauliOp.from_sparse_list([*bonds, *field], qubits)


def minimum(ansatz, observable, backend, gradient, iterations=200):
    solver = VQE(EstimatorV2(backend), ansatz, L_BFGS_B(maxiter=iterations), gradient=gradient)
    solver.initial_point = np.random.default_rng(1).uniform(-0.5, 0.5, ansatz.num_parameters)
    return solver.compute_minimum_eigenvalue(observable)


def test_vqe_of_hydrogen_has_the_minimum_of_parameter_shifts(backend):
    ansatz = n_local(2, ["ry", "rz"], "cz", reps=1)
    mine = minimum(ansatz, HYDROGEN, backend, AdjointEstimatorGradient(backend))
    other = minimum(ansatz, HYDROGEN, backend, ParamShiftEstimatorGradient(EstimatorV2(backend)))
    exact = np.linalg.eigvalsh(HYDROGEN.to_matrix())[0]
    assert mine.eigenvalue == pytest.approx(exact, abs=1e-6)
    assert mine.eigenvalue == pytest.approx(other.eigenvalue, abs=1e-8)
    assert mine.cost_function_evals == other.cost_function_evals


def test_vqe_of_an_ising_chain_goes_the_way_of_parameter_shifts(backend):
    ansatz, chain = real_amplitudes(12, entanglement="linear", reps=2), ising(12)
    mine = minimum(ansatz, chain, backend, AdjointEstimatorGradient(backend), 8)
    other = minimum(ansatz, chain, backend, ParamShiftEstimatorGradient(EstimatorV2(backend)), 8)
    assert mine.eigenvalue == pytest.approx(other.eigenvalue, abs=1e-6)
    # The ground state has -11.892.
    found = minimum(ansatz, chain, backend, AdjointEstimatorGradient(backend), 300)
    assert -11.8921 < found.eigenvalue < -11.8


def test_a_network_learns(backend):
    features, weights = zz_feature_map(2, reps=1), real_amplitudes(2, reps=1)
    rng = np.random.default_rng(4)
    inputs = rng.uniform(-1, 1, (12, 2))
    found = []
    for gradient in (
        AdjointEstimatorGradient(backend),
        None,  # parameter shifts
    ):
        network = EstimatorQNN(
            circuit=features.compose(weights),
            input_params=features.parameters,
            weight_params=weights.parameters,
            observables=[SparsePauliOp("ZZ")],
            estimator=EstimatorV2(backend),
            gradient=gradient,
            input_gradients=True,
            default_precision=0,
        )
        targets = network.forward(inputs, [0.4, -0.9, 1.1, 0.3])
        by_inputs, by_weights = network.backward(inputs, [0.1, 0.2, 0.3, 0.4])
        network.input_gradients = False
        model = NeuralNetworkRegressor(
            network, optimizer=optimizers.L_BFGS_B(maxiter=60), initial_point=np.full(4, 0.2)
        )
        model.fit(inputs, targets)
        found.append((by_inputs, by_weights, model.score(inputs, targets)))
    np.testing.assert_allclose(found[0][0], found[1][0], atol=1e-9)
    np.testing.assert_allclose(found[0][1], found[1][1], atol=1e-9)
    assert found[0][2] == pytest.approx(found[1][2], abs=1e-3)
    assert found[0][2] > 0.99
