"""PennyLane-Qiskit: a device on a backend."""

from __future__ import annotations

import numpy as np
import pennylane as qml
import pytest
from pennylane_qiskit import qiskit_session


def test_an_expectation_value_and_its_gradient(backend):
    device = qml.device("qiskit.remote", wires=2, backend=backend)

    @qml.set_shots(4000)
    @qml.qnode(device, diff_method="parameter-shift")
    def circuit(angle):
        qml.RX(angle, wires=0)
        qml.CNOT(wires=[0, 1])
        return qml.expval(qml.PauliZ(1))

    angle = qml.numpy.array(0.7, requires_grad=True)
    assert circuit(angle) == pytest.approx(np.cos(0.7), abs=0.06)
    assert qml.grad(circuit)(angle) == pytest.approx(-np.sin(0.7), abs=0.06)


def test_samples_counts_and_probabilities_of_one_device(backend):
    device = qml.device("qiskit.remote", wires=2, backend=backend, shots=500)

    @qml.qnode(device)
    def circuit():
        qml.StatePrep(np.array([0.6, 0.0, 0.0, 0.8]), wires=[0, 1])
        return qml.sample(wires=[0, 1]), qml.counts(), qml.probs(wires=[0, 1])

    with device.tracker as tracker, qiskit_session(device):
        samples, counts, probabilities = circuit()
    assert samples.shape == (500, 2)
    assert np.array_equal(samples[:, 0], samples[:, 1])
    assert sum(counts.values()) == 500
    assert np.allclose(probabilities, [0.36, 0, 0, 0.64], atol=0.1)
    assert tracker.totals["executions"] == 1


def test_a_hamiltonian_and_many_angles(backend):
    device = qml.device("qiskit.remote", wires=2, backend=backend, shots=4000)
    hamiltonian = qml.Hamiltonian([0.5, 0.2], [qml.Z(0) @ qml.Z(1), qml.X(0)])

    @qml.qnode(device)
    def circuit(angle):
        qml.RY(angle, wires=0)
        return qml.expval(hamiltonian)

    angles = np.array([0.0, 0.7])
    expected = 0.5 * np.cos(angles) + 0.2 * np.sin(angles)
    assert np.allclose(circuit(angles), expected, atol=0.06)
