"""qiskit-experiments: tomography, readout errors and randomized benchmarking."""

from __future__ import annotations

import numpy as np
import pytest
from qiskit import QuantumCircuit
from qiskit.primitives import BackendSamplerV2
from qiskit_experiments.framework import ExperimentData, ParallelExperiment
from qiskit_experiments.library import (
    T1,
    LayerFidelity,
    LocalReadoutError,
    MitigatedStateTomography,
    ProcessTomography,
    QuantumVolume,
    StandardRB,
    StateTomography,
    T2Ramsey,
    Tphi,
)


def test_state_tomography_finds_the_state(backend):
    circuit = QuantumCircuit(2)
    circuit.h(0)
    circuit.cx(0, 1)
    data = StateTomography(circuit).run(backend, seed_simulator=1).block_for_results()
    assert data.status().name == "DONE", data.errors()
    table = data.analysis_results(dataframe=True)
    fidelity = table[table.name == "state_fidelity"].value.iloc[0]
    assert float(fidelity) > 0.97


def test_a_simulator_reads_without_errors(backend):
    data = LocalReadoutError([0, 1]).run(backend).block_for_results()
    assert data.status().name == "DONE", data.errors()
    (mitigator,) = data.analysis_results(dataframe=True).value
    assert np.array_equal(mitigator.assignment_matrix(), np.eye(4))


def test_randomized_benchmarking_finds_no_error(backend):
    data = StandardRB((0,), [1, 10, 50], num_samples=3, seed=1).run(backend).block_for_results()
    assert data.status().name == "DONE", data.errors()
    table = data.analysis_results(dataframe=True)
    epc = table[table.name == "EPC"].value.iloc[0]
    assert float(epc.nominal_value) == pytest.approx(0.0, abs=1e-3)


def test_jobs_are_found_again_by_the_provider(backend):
    data = LocalReadoutError([0]).run(backend, backend_run=True).block_for_results()
    assert data.provider is backend.provider
    assert data.job_ids
    for job_id in data.job_ids:
        assert data.provider.job(job_id).result().success


def value(data, name):
    """A result of an analysis that ended well."""
    assert data.status().name == "DONE", data.errors()
    table = data.analysis_results(dataframe=True)
    found = table[table.name == name].value.iloc[0]
    return float(getattr(found, "nominal_value", found))


def test_process_tomography_finds_the_gate(backend):
    circuit = QuantumCircuit(1)
    circuit.sx(0)
    data = ProcessTomography(circuit).run(backend, shots=2000).block_for_results()
    assert value(data, "process_fidelity") > 0.97


def test_tomography_with_readout_errors_taken_out(backend):
    circuit = QuantumCircuit(2)
    circuit.h(0)
    circuit.cx(0, 1)
    data = MitigatedStateTomography(circuit).run(backend, backend_run=True).block_for_results()
    assert value(data, "state_fidelity") > 0.95


def test_a_simulator_has_quantum_volume(backend):
    experiment = QuantumVolume([0, 1, 2], trials=10, seed=1)
    data = experiment.run(backend, shots=200).block_for_results()
    assert value(data, "mean_HOP") > 0.7


def test_a_delay_loses_nothing(backend):
    data = T1((0,), delays=[1e-6, 1e-4, 2e-4]).run(backend, shots=100, analysis=None)
    data.block_for_results()
    assert [one["counts"] for one in data.data()] == [{"1": 100}] * 3


def test_ramsey_fringes_have_the_frequency_that_was_set(backend):
    delays = [*np.linspace(1e-7, 5e-6, 20)]
    experiment = T2Ramsey((0,), delays=delays, osc_freq=3e5)
    data = experiment.run(backend, shots=500).block_for_results()
    assert value(data, "Frequency") == pytest.approx(3e5, rel=0.05)


def test_layers_of_gates_have_no_errors(backend):
    experiment = LayerFidelity(
        (0, 1, 2, 3),
        [[(0, 1), (2, 3)]],
        lengths=[1, 4, 8],
        num_samples=2,
        seed=1,
        two_qubit_gate="cz",
        one_qubit_basis_gates=("rz", "sx", "x"),
        backend=backend,
    )
    data = experiment.run(shots=100).block_for_results()
    assert data.status().name == "DONE", data.errors()
    assert value(data, "LF") == pytest.approx(1.0, abs=1e-6)


def test_delays_of_two_experiments_run_as_one(backend):
    echoes = [*np.linspace(3e-7, 6e-6, 19)]
    experiment = Tphi((0,), delays_t1=[1e-5, 3e-5, 6e-5], delays_t2=echoes, t2type="hahn")
    data = experiment.run(backend, shots=50, analysis=None).block_for_results()
    assert data.status().name == "DONE", data.errors()
    assert len(data.data()) == 22


def test_experiments_on_other_qubits_run_as_one(backend):
    parts = [LocalReadoutError((qubit,)) for qubit in (0, 3)]
    experiment = ParallelExperiment(parts, flatten_results=False, backend=backend)
    data = experiment.run().block_for_results()
    assert data.status().name == "DONE", data.errors()
    assert len(data.child_data()) == 2


def test_an_experiment_takes_a_sampler(backend):
    experiment = StandardRB((0,), [1, 5, 9], num_samples=2, seed=1)
    data = experiment.run(sampler=BackendSamplerV2(backend=backend)).block_for_results()
    assert data.status().name == "DONE", data.errors()


def test_jobs_can_be_added_to_an_experiment(backend):
    circuit = QuantumCircuit(1)
    circuit.h(0)
    experiment = StateTomography(circuit)
    data = ExperimentData(experiment=experiment, backend=backend)
    data.add_jobs(backend.run(experiment.circuits(), shots=800))
    experiment.analysis.run(data).block_for_results()
    assert value(data, "state_fidelity") > 0.95
