"""PennyLane-Qiskit: a device on a backend."""

from __future__ import annotations

import numpy as np
import pennylane as qml
import pytest


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
