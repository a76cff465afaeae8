"""Runs on an engine's backend: the job contract's points that need a real run, and the backend."""

from __future__ import annotations

import copy

import numpy as np
import pytest
from qiskit import QuantumCircuit, transpile
from qiskit.providers import BackendV2, JobV1

import simquay
from simquay.engines.numpy.engine import DenseEngine
from simquay.engines.reference import ReferenceEngine
from simquay.simulators.engine.backend import EngineBackend
from tests.support.engine_circuits import flips, long_circuit
from tests.support.job_doubles import LONG


@pytest.fixture
def backend() -> EngineBackend:
    return EngineBackend(ReferenceEngine(), name="reference")


def test_it_is_a_qiskit_backend(backend: EngineBackend) -> None:
    assert isinstance(backend, BackendV2)
    assert backend.name == "reference"
    assert backend.description == "the engine reference"
    assert backend.backend_version == simquay.__version__
    assert backend.max_circuits is None
    assert backend.num_qubits == 1024
    assert {"h", "measure", "if_else"} <= set(backend.operation_names)
    assert len(backend.operations) == len(backend.operation_names)
    assert repr(backend) == "<EngineBackend 'reference'>"


def test_a_deep_copy_has_options_of_its_own(backend: EngineBackend) -> None:
    other = copy.deepcopy(backend)
    other.set_options(shots=3)
    assert backend.options.shots == 1024
    assert other.run(flips()).result(LONG).get_counts() == {"1": 3}
    assert other.engine is backend.engine
    assert other.target is not backend.target


def test_the_factories_make_new_backends_that_share_an_engine() -> None:
    first, second = (simquay.get_backend("numpy") for _ in range(2))
    assert first is not second
    assert first.engine is second.engine
    assert (first.name, first.engine.name) == ("numpy", "numpy")
    assert simquay.get_backend("reference").engine.name == "reference"
    assert first.description


def test_several_circuits_transpile_at_once(backend: EngineBackend) -> None:
    circuits = transpile([flips(2), flips(3)], backend)
    assert backend.run(circuits, shots=2).result(LONG).get_counts() == [{"11": 2}, {"111": 2}]


def test_a_job_is_a_jobv1_and_results_carry_its_id(backend: EngineBackend) -> None:
    job = backend.run(flips())
    assert isinstance(job, JobV1)
    assert job.result(LONG).job_id == job.job_id()


def test_a_million_shots(backend: EngineBackend) -> None:
    circuit = QuantumCircuit(3)
    circuit.h(range(3))
    circuit.measure_all()
    result = backend.run(circuit, shots=1_000_000, memory=True, seed_simulator=5).result(LONG)
    counts = result.get_counts()
    # 8 outcomes of 1/8 each: 6.5 standard deviations of sqrt(N p q); false alarm 8e-11 each.
    assert len(counts) == 8
    assert all(abs(count - 125_000) < 6.5 * 331 for count in counts.values())
    assert len(result.data()["memory"]) == 1_000_000


def test_equal_seeds_give_equal_counts_on_numpy_and_reference(backend: EngineBackend) -> None:
    circuits = [long_circuit(5, 60), long_circuit(3, 100)]
    other = EngineBackend(DenseEngine(), name="numpy")
    options = {"seed_simulator": 17, "shots": 2000, "memory": True}
    left, right = (one.run(circuits, **options).result(LONG) for one in (backend, other))
    assert left.get_counts() == right.get_counts()
    assert left.get_memory(0) == right.get_memory(0)


def test_circuits_of_a_job_draw_different_numbers(backend: EngineBackend) -> None:
    circuit = QuantumCircuit(6)
    circuit.h(range(6))
    circuit.measure_all()
    first, second = backend.run([circuit, circuit], seed_simulator=1).result().get_counts()
    assert first != second


def test_numpy_arrays_of_single_precision_agree(backend: EngineBackend) -> None:
    circuit = long_circuit(5, 60).remove_final_measurements(inplace=False)
    double, single = (
        backend.run(circuit, statevector=True, precision=one).result().get_statevector().data
        for one in ("double", "single")
    )
    assert np.max(np.abs(double - single)) < 1e-4
