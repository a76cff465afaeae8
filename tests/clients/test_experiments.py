"""qiskit-experiments: tomography, readout errors and randomized benchmarking."""

from __future__ import annotations

import numpy as np
import pytest
from qiskit import QuantumCircuit
from qiskit_experiments.library import LocalReadoutError, StandardRB, StateTomography


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
