"""The noise of IBM's fake devices: Simquay's model beside Aer's, and client libraries with it."""

from __future__ import annotations

import time
from typing import Any

import mthree
import numpy as np
import pytest
from mitiq import zne
from qiskit import QuantumCircuit, transpile
from qiskit.quantum_info import SparsePauliOp, SuperOp
from qiskit_aer import AerSimulator
from qiskit_aer.noise import NoiseModel, ReadoutError, depolarizing_error
from qiskit_aer.noise.device import basic_device_gate_errors
from qiskit_experiments.library import T1, LocalReadoutError, StandardRB
from qiskit_ibm_runtime import EstimatorV2 as RuntimeEstimatorV2
from qiskit_ibm_runtime import SamplerV2, fake_provider
from scipy.stats import chisquare

from simquay.noise.device import DeviceModel
from simquay.primitives import EstimatorV2
from tests.support.channels import placed_superop

DEVICES = ["FakeManilaV2", "FakeHanoiV2", "FakeCairoV2"]
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


FALSE_ALARM = 1e-6
"""The probability that a right distribution is refused; seeds are fixed."""


def ghz(backend: Any) -> QuantumCircuit:
    """A measured state of three qubits, in the gates of a device."""
    circuit = QuantumCircuit(3)
    circuit.h(0)
    circuit.cx(0, 1)
    circuit.cx(1, 2)
    circuit.measure_all()
    return transpile(circuit, backend, seed_transpiler=3, optimization_level=1)


@pytest.mark.parametrize("method", ["density_matrix", "trajectories"])
@pytest.mark.parametrize("of_aer", [False, True])
def test_counts_have_the_distribution_that_they_have_in_aer(backend, method, of_aer):
    fake = device("FakeManilaV2")
    circuit = ghz(fake)
    model = NoiseModel.from_backend(fake)
    given: Any = model if of_aer else fake.target
    shots = 20_000
    job = backend.run(circuit, shots=shots, noise_model=given, method=method)
    counts = job.result().get_counts()

    saved = circuit.remove_final_measurements(inplace=False)
    saved.save_density_matrix()
    exact = AerSimulator(method="density_matrix", noise_model=model).run(saved).result()
    state = exact.data()["density_matrix"]
    measured = [
        (bit, circuit.find_bit(one.qubits[0]).index)
        for one in circuit.data
        if one.operation.name == "measure"
        for bit in [circuit.find_bit(one.clbits[0]).index]
    ]
    qubits = [qubit for _, qubit in sorted(measured)]
    probabilities = state.probabilities(qubits)
    for place, qubit in enumerate(qubits):
        errors = DeviceModel(fake.target).errors("measure", None, (qubit,))
        assert errors is not None
        assert errors.misread is not None
        split = probabilities.reshape(2 ** (2 - place), 2, 2**place)
        probabilities = np.einsum("aib,ij->ajb", split, errors.misread).ravel()
    found = [counts.get(f"{value:03b}", 0) for value in range(8)]
    assert chisquare(found, shots * probabilities / probabilities.sum()).pvalue > FALSE_ALARM


def test_a_device_itself_is_a_noise_model(backend):
    fake = device("FakeManilaV2")
    counts = backend.run(ghz(fake), shots=1000, noise_model=fake).result().get_counts()
    assert len(counts) > 3


def test_mthree_takes_readout_errors_out(backend):
    noise = NoiseModel()
    for qubit, table in enumerate([[[0.97, 0.03], [0.08, 0.92]], [[0.95, 0.05], [0.1, 0.9]]]):
        noise.add_readout_error(ReadoutError(table), [qubit])
    backend.set_options(noise_model=noise)
    mitigation = mthree.M3Mitigation(backend)
    mitigation.cals_from_system([0, 1], shots=20_000)
    expected = [[[0.97, 0.08], [0.03, 0.92]], [[0.95, 0.1], [0.05, 0.9]]]
    np.testing.assert_allclose(mitigation.single_qubit_cals[:2], expected, rtol=0, atol=0.02)
    circuit = QuantumCircuit(2)
    circuit.h(0)
    circuit.cx(0, 1)
    circuit.measure_all()
    counts = backend.run(circuit, shots=20_000).result().get_counts()
    assert (counts["01"] + counts["10"]) / 20_000 > 0.05
    found = mitigation.apply_correction(counts, [0, 1])
    assert found.expval() == pytest.approx(1.0, abs=0.05)


def test_an_experiment_finds_the_readout_errors(backend):
    fake = device("FakeManilaV2")
    backend.set_options(noise_model=fake)
    data = LocalReadoutError([0, 1]).run(backend, shots=20_000).block_for_results()
    assert data.status().name == "DONE", data.errors()
    (mitigator,) = data.analysis_results(dataframe=True).value
    for qubit in (0, 1):
        errors = DeviceModel(fake).errors("measure", None, (qubit,))
        assert errors is not None
        assert errors.misread is not None
        found = mitigator.assignment_matrix([qubit])
        np.testing.assert_allclose(found, errors.misread.T, rtol=0, atol=0.02)


def value(data: Any, name: str) -> float:
    """A result of an analysis that ended well."""
    assert data.status().name == "DONE", data.errors()
    table = data.analysis_results(dataframe=True)
    return float(table[table.name == name].value.iloc[0].nominal_value)


def test_an_experiment_finds_t1(backend):
    fake = device("FakeManilaV2")
    t1 = fake.target.qubit_properties[0].t1
    backend.set_options(noise_model=fake)
    experiment = T1((0,), delays=[*np.linspace(1e-6, 3 * t1, 15)])
    data = experiment.run(backend, shots=4000).block_for_results()
    assert value(data, "T1") == pytest.approx(t1, rel=0.1)


def test_randomized_benchmarking_finds_the_error_of_gates(backend):
    noise = NoiseModel()
    noise.add_all_qubit_quantum_error(depolarizing_error(0.01, 1), ["sx"])
    backend.set_options(noise_model=noise)
    experiment = StandardRB((0,), [1, 20, 60, 120], num_samples=4, seed=5)
    experiment.set_transpile_options(basis_gates=["rz", "sx"], optimization_level=0)
    data = experiment.run(backend, shots=1000).block_for_results()
    # A Clifford gate has 1 to 2 gates sx, each of the infidelity 0.005.
    assert 0.003 < value(data, "EPC") < 0.011


def test_extrapolation_to_no_noise_takes_most_of_it_out(backend):
    noise = NoiseModel()
    noise.add_all_qubit_quantum_error(depolarizing_error(0.02, 2), ["cx"])
    estimator = EstimatorV2(backend, options={"noise_model": noise})
    circuit = QuantumCircuit(2)
    circuit.h(0)
    for _ in range(3):
        circuit.cx(0, 1)

    def correlation(folded: QuantumCircuit) -> float:
        return float(estimator.run([(folded, SparsePauliOp("XX"))]).result()[0].data.evs)

    raw = correlation(circuit)
    assert raw == pytest.approx(0.98**3, abs=1e-9)
    found = zne.execute_with_zne(
        circuit,
        correlation,
        factory=zne.RichardsonFactory([1, 3]),
        scale_noise=zne.scaling.fold_global,
    )
    assert abs(1 - found) < 0.2 * abs(1 - raw)


def test_the_local_mode_of_the_runtime_takes_a_noise_model(backend):
    noise = NoiseModel()
    noise.add_all_qubit_quantum_error(depolarizing_error(0.3, 2), ["cx"])
    circuit = QuantumCircuit(2)
    circuit.h(0)
    circuit.cx(0, 1)
    measured = circuit.measure_all(inplace=False)
    sampler = SamplerV2(mode=backend, options={"simulator": {"noise_model": noise}})
    found = sampler.run([measured], shots=4000).result()[0].data.meas.get_counts()
    # Depolarizing leaves the outcomes as they are, or makes all equally likely.
    assert (found["01"] + found["10"]) / 4000 == pytest.approx(0.15, abs=0.04)

    backend.set_options(noise_model=noise)
    estimator = RuntimeEstimatorV2(mode=backend, options={"default_precision": 0.01})
    assert estimator.run([(circuit, "ZZ")]).result()[0].data.evs == pytest.approx(0.7, abs=0.06)
