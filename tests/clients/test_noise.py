"""The noise of IBM's fake devices: Simquay's model beside Aer's, and runs with it."""

from __future__ import annotations

import time
from typing import Any

import numpy as np
import pytest
from qiskit.quantum_info import SuperOp
from qiskit_aer.noise.device import basic_device_gate_errors
from qiskit_ibm_runtime import fake_provider

from simquay.noise.device import DeviceModel
from tests.support.channels import placed_superop

DEVICES = ["FakeManilaV2", "FakeHanoiV2", "FakeCairoV2", "FakeBrooklynV2"]
"""Some with T2 above 2 T1, gates that were not calibrated (with an error of 1)."""


def device(name: str) -> Any:
    """A fake device by the name of its class."""
    return getattr(fake_provider, name)()


@pytest.mark.parametrize("name", DEVICES)
def test_every_gate_of_a_device_has_the_map_that_it_has_in_aer(name):
    backend = device(name)
    model = DeviceModel(backend)
    by_aer = basic_device_gate_errors(target=backend.target)
    assert by_aer
    for instruction, qubits, error in by_aer:
        errors = model.errors(instruction, None, tuple(qubits))
        assert errors is not None
        ours = placed_superop(errors.after, len(qubits))
        np.testing.assert_allclose(ours.data, SuperOp(error).data, rtol=0, atol=1e-9)


def test_readout_errors_of_a_device_are_asymmetric():
    backend = device("FakeManilaV2")
    model = DeviceModel(backend)
    for qubit in range(backend.num_qubits):
        reported = backend.properties().qubit_property(qubit)
        errors = model.errors("measure", None, (qubit,))
        assert errors is not None
        assert errors.misread is not None
        assert errors.misread[0, 1] == reported["prob_meas1_prep0"][0]
        assert errors.misread[1, 0] == reported["prob_meas0_prep1"][0]
        mean = backend.target["measure"][qubit,].error
        assert (errors.misread[0, 1] + errors.misread[1, 0]) / 2 == pytest.approx(mean, abs=1e-6)


def test_a_device_of_127_qubits_is_read_at_once():
    backend = device("FakeSherbrooke")
    _ = backend.target, backend.properties()
    started = time.process_time()
    model = DeviceModel(backend)
    assert model.errors("ecr", None, next(iter(backend.target["ecr"]))) is not None
    assert time.process_time() - started < 0.5
