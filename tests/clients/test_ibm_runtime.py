"""qiskit-ibm-runtime: its local mode takes any backend."""

from __future__ import annotations

import pytest
from qiskit import QuantumCircuit, generate_preset_pass_manager, transpile
from qiskit.quantum_info import SparsePauliOp
from qiskit_ibm_runtime import Batch, EstimatorV2, SamplerV2, Session
from qiskit_ibm_runtime.fake_provider import FakeManilaV2


def bell() -> QuantumCircuit:
    circuit = QuantumCircuit(2)
    circuit.h(0)
    circuit.cx(0, 1)
    return circuit


def test_the_sampler_runs_locally(backend):
    circuit = bell()
    circuit.measure_all()
    placed = generate_preset_pass_manager(1, backend=backend).run(circuit)
    counts = SamplerV2(mode=backend).run([placed], shots=400).result()[0].data.meas.get_counts()
    assert set(counts) == {"00", "11"}
    assert sum(counts.values()) == 400


def test_the_estimator_runs_locally(backend):
    observable = SparsePauliOp.from_list([("ZZ", 1), ("XX", 1)])
    result = EstimatorV2(mode=backend).run([(bell(), observable)]).result()
    assert float(result[0].data.evs) == pytest.approx(2.0, abs=1e-9)


def test_sessions_and_batches(backend):
    measured = bell()
    measured.measure_all()
    with Session(backend=backend) as session:
        job = SamplerV2(mode=session).run([measured])
        assert job.result()[0].data.meas.num_shots == 1024
        assert job.done()
    with Batch(backend=backend):
        jobs = [EstimatorV2().run([(bell(), "ZZ")]) for _ in range(3)]
        for one in jobs:
            assert float(one.result()[0].data.evs) == pytest.approx(1.0, abs=1e-9)


def test_options_of_devices_change_nothing(backend):
    sampler = SamplerV2(mode=backend, options={"default_shots": 50})
    sampler.options.dynamical_decoupling.enable = True
    sampler.options.twirling.enable_gates = True
    sampler.options.execution.init_qubits = True
    sampler.options.execution.rep_delay = 1e-4
    sampler.options.environment.job_tags = ["mine"]
    measured = bell()
    measured.measure_all()
    assert sampler.run([measured]).result()[0].data.meas.num_shots == 50
    estimator = EstimatorV2(mode=backend, options={"resilience_level": 1})
    estimator.options.resilience.zne_mitigation = True
    assert estimator.run([(bell(), "XX")]).result()[0].data.evs == pytest.approx(1.0, abs=1e-9)


def test_an_observable_follows_its_circuit(backend):
    circuit = QuantumCircuit(2)
    circuit.x(0)
    placed = transpile(circuit, backend, initial_layout=[4, 2])
    observable = SparsePauliOp(["IZ", "ZI"], [1, 3]).apply_layout(placed.layout)
    found = EstimatorV2(mode=backend).run([(placed, observable)]).result()[0].data.evs
    assert float(found) == pytest.approx(2.0, abs=1e-9)


def test_a_circuit_for_a_device_runs(backend):
    measured = bell()
    measured.measure_all()
    placed = transpile(measured, FakeManilaV2(), scheduling_method="alap")
    counts = SamplerV2(mode=backend).run([placed]).result()[0].data.meas.get_counts()
    assert set(counts) == {"00", "11"}
