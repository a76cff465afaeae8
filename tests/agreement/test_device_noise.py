"""The noise of a device: Simquay's model beside Aer's ``NoiseModel.from_backend``."""

from __future__ import annotations

import numpy as np
import pytest
from qiskit import QuantumCircuit, transpile
from qiskit.providers import QubitProperties
from qiskit.providers.fake_provider import GenericBackendV2
from qiskit.quantum_info import SuperOp
from qiskit.transpiler import CouplingMap
from qiskit_aer import AerSimulator
from qiskit_aer.noise import NoiseModel
from qiskit_aer.noise.device import basic_device_gate_errors

import simquay
from simquay.noise.device import DeviceModel
from tests.support.channels import placed_superop

BASES = [["cx", "sx", "x", "rz"], ["ecr", "sx", "x", "rz"], ["cz", "rzz", "rx", "rz", "sx"]]


def device(seed: int) -> GenericBackendV2:
    """A device in a line; its qubits have a T2 below T1, of T1, above it, and above 2 T1."""
    basis = BASES[seed % len(BASES)]
    line = CouplingMap.from_line(4)
    backend = GenericBackendV2(4, basis, coupling_map=line, seed=seed)
    random = np.random.default_rng(seed)
    ratios = random.permutation([0.4, 1.0, 1.7, 2.4])
    backend.target.qubit_properties = [
        QubitProperties(t1=qubit.t1, t2=ratio * qubit.t1)
        for qubit, ratio in zip(backend.target.qubit_properties, ratios, strict=True)
    ]
    return backend


def random_circuit(backend: GenericBackendV2, seed: int) -> QuantumCircuit:
    """Gates of the device, resets and delays, at random."""
    random = np.random.default_rng(seed)
    size = backend.num_qubits
    circuit = QuantumCircuit(size)
    for _ in range(3):
        layer = QuantumCircuit(size)
        for qubit in range(size):
            layer.u(*random.uniform(0, 2 * np.pi, 3), qubit)
        for qubit in random.permutation(size - 1):
            layer.cx(qubit, qubit + 1)
        layer.reset(int(random.integers(size)))
        circuit.compose(transpile(layer, backend, optimization_level=0), inplace=True)
        circuit.delay(random.uniform(0.1, 5), int(random.integers(size)), unit="us")
        circuit.delay(int(random.integers(1000, 20000)), int(random.integers(size)), unit="dt")
    return circuit


@pytest.mark.parametrize("seed", range(6))
def test_every_gate_and_reset_has_the_map_that_it_has_in_aer(seed):
    backend = device(seed)
    model = DeviceModel(backend)
    by_aer = basic_device_gate_errors(target=backend.target)
    assert {name for name, _, _ in by_aer} | {"measure"} == model.names
    for name, qubits, error in by_aer:
        errors = model.errors(name, None, tuple(qubits))
        assert errors is not None
        ours = placed_superop(errors.after, len(qubits))
        np.testing.assert_allclose(ours.data, SuperOp(error).data, rtol=0, atol=1e-9)


@pytest.mark.parametrize("seed", range(6))
def test_final_density_matrices_are_those_of_aer(seed):
    backend = device(seed)
    circuit = random_circuit(backend, seed)
    engine = simquay.get_backend("numpy", noise_model=backend)
    ours = engine.run(circuit, density_matrix=True).result().data()["density_matrix"]
    circuit.save_density_matrix()
    simulator = AerSimulator(method="density_matrix", noise_model=NoiseModel.from_backend(backend))
    theirs = simulator.run(circuit).result().data()["density_matrix"]
    np.testing.assert_allclose(ours.data, theirs.data, rtol=0, atol=1e-9)


def test_readout_errors_of_a_target_are_those_of_aer():
    backend = device(1)
    model = DeviceModel(backend)
    by_aer = {
        tuple(qubits): probabilities
        for error in NoiseModel.from_backend(backend).to_dict()["errors"]
        if error["type"] == "roerror"
        for qubits, probabilities in [(error["gate_qubits"][0], error["probabilities"])]
    }
    assert len(by_aer) == backend.num_qubits
    for qubits, probabilities in by_aer.items():
        errors = model.errors("measure", None, qubits)
        assert errors is not None
        assert errors.misread is not None
        np.testing.assert_allclose(errors.misread, probabilities, rtol=0, atol=1e-12)
