"""qiskit-machine-learning: a kernel, and networks on a sampler and an estimator."""

from __future__ import annotations

import numpy as np
import pytest
from qiskit import QuantumCircuit
from qiskit.circuit import Parameter
from qiskit.primitives import BackendEstimatorV2, BackendSamplerV2
from qiskit_machine_learning.algorithms import QSVC
from qiskit_machine_learning.kernels import FidelityQuantumKernel
from qiskit_machine_learning.neural_networks import EstimatorQNN, SamplerQNN
from qiskit_machine_learning.state_fidelities import ComputeUncompute


def rotation() -> tuple[QuantumCircuit, Parameter, Parameter]:
    data, weight = Parameter("x"), Parameter("w")
    circuit = QuantumCircuit(1)
    circuit.ry(data, 0)
    circuit.ry(weight, 0)
    return circuit, data, weight


def test_a_kernel_is_the_fidelity_of_states(backend):
    circuit = QuantumCircuit(1)
    circuit.ry(Parameter("x"), 0)
    fidelity = ComputeUncompute(BackendSamplerV2(backend=backend))
    kernel = FidelityQuantumKernel(feature_map=circuit, fidelity=fidelity)
    found = kernel.evaluate(np.array([[0.0], [1.0]]), np.array([[0.0], [2.0]]))
    expected = np.cos(np.array([[0.0, 2.0], [1.0, 1.0]]) / 2) ** 2
    assert np.allclose(found, expected, atol=0.05)


def test_an_estimator_network_gives_values_and_gradients(backend):
    circuit, data, weight = rotation()
    network = EstimatorQNN(
        circuit=circuit,
        input_params=[data],
        weight_params=[weight],
        estimator=BackendEstimatorV2(backend=backend),
    )
    assert network.forward([[0.4]], [0.3])[0, 0] == pytest.approx(np.cos(0.7), abs=0.06)
    assert network.backward([[0.4]], [0.3])[1][0, 0, 0] == pytest.approx(-np.sin(0.7), abs=0.08)


def test_a_sampler_network_gives_probabilities(backend):
    circuit, data, weight = rotation()
    network = SamplerQNN(
        circuit=circuit,
        input_params=[data],
        weight_params=[weight],
        sampler=BackendSamplerV2(backend=backend),
    )
    assert network.forward([[0.4]], [0.3])[0, 1] == pytest.approx(np.sin(0.35) ** 2, abs=0.05)


def test_a_classifier_learns_from_a_kernel(backend):
    circuit = QuantumCircuit(1)
    circuit.ry(Parameter("x"), 0)
    fidelity = ComputeUncompute(BackendSamplerV2(backend=backend))
    classifier = QSVC(quantum_kernel=FidelityQuantumKernel(feature_map=circuit, fidelity=fidelity))
    angles, labels = np.array([[0.0], [0.3], [2.6], [3.0]]), np.array([0, 0, 1, 1])
    classifier.fit(angles, labels)
    assert classifier.score(angles, labels) == 1.0
